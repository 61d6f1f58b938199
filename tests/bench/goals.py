"""What berth is meant to reach, and whether this run says that it did."""
import statistics

from servers import BERTH, GUARDED, NGINX, PASSWORDS, PEER, PEER_GUARDED, PEER_PASSWORDS, WATCHED

AT_LEAST, AT_MOST = "≥", "≤"


def _median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


class Results:
    """Medians of a run by the names of its cases."""

    def __init__(self, bench):
        self._cases = {case.name: (case, samples) for case, samples in bench.results}
        self.limits, self.starts, self.growth = bench.limits, bench.starts, bench.growth

    def names(self, beginning, ends=("",)):
        return [name for name in self._cases if name.startswith(beginning) and name.endswith(tuple(ends))]

    def ratio(self, name, other, quantity="value"):
        case, samples = self._cases.get(name, (None, {}))
        mine, its = (_median([getattr(case, quantity)(sample) for sample in samples.get(kind, [])])
                     for kind in (BERTH, other))
        return mine / its if mine is not None and its else None

    def rates(self, name, mode, other):
        """The rate of one mode over that of another."""
        case, samples = self._cases[name]
        its, plain = (_median([case.value(sample) for sample in samples.get(kind, [])]) for kind in (mode, other))
        return its / plain if its is not None and plain else None

    def p99(self, name, mode):
        _, samples = self._cases[name]
        return _median([sample.p99_ms for sample in samples.get(mode, [])])

    def cpu_over_limit(self, name, size):
        case, samples = self._cases.get(name, (None, {}))
        mine = _median([case.cpu(sample) for sample in samples.get(BERTH, [])]) if case else None
        limit = _median([sample.server_cpu / (sample.bytes / 1e9) for sample in self.limits.get(size, [])])
        return mine / limit if mine is not None and limit else None

    def peak_megabytes(self, end):
        """The highest median of the cases with that many connections."""
        peaks = [_median([sample.peak_rss / 1e6 for sample in samples[BERTH]])
                 for name, (case, samples) in self._cases.items() if name.endswith(end) and samples.get(BERTH)]
        return max(peaks, default=None)

    def idle_megabytes(self):
        return _median([rss / 1e6 for _, rss, _ in self.starts.get(BERTH, [])])

    def growth_of(self, operation):
        """Milliseconds in the largest store over those in the smallest."""
        if len(self.growth) < 2:
            return None
        first, last = (self.growth[size][BERTH].get(operation, (None,))[0]
                       for size in (min(self.growth), max(self.growth)))
        return last / first if first and last else None


def _pull_goals(results):
    for name in results.names("blob GET"):
        if "KB" in name or "AES" in name or "1000" in name:
            continue
        yield f"{name}: rate over nginx", AT_LEAST, 0.97, results.ratio(name, NGINX)
        yield f"{name}: CPU per GB over nginx", AT_MOST, 1.05, results.ratio(name, NGINX, "cpu")
    for name in results.names("in all modes: blob GET"):
        for mode in (GUARDED, WATCHED):
            yield f"{name}: rate {mode.removeprefix('berth ')} over open", AT_LEAST, 0.9, \
                results.rates(name, mode, BERTH)
    yield "blob GET 1 GB, TLS, 1 conn: rate over peer", AT_LEAST, 1.1, results.ratio("blob GET 1 GB, TLS, 1 conn", PEER)
    for beginning in ("blob GET 1 KB", "manifest GET", "manifest HEAD", "blob HEAD", "tags/list"):
        for name in results.names(beginning):
            yield f"{name}: rate over peer", AT_LEAST, 15, results.ratio(name, PEER)


def _access_goals(results):
    for name in results.names("in all modes: manifest GET by tag, 64"):
        yield f"{name}: with a token over open", AT_LEAST, 0.8, results.rates(name, GUARDED, BERTH)
        yield f"{name}: with a token over the peer", AT_LEAST, 15, results.rates(name, GUARDED, PEER_GUARDED)
        yield f"{name}: with a password over a token", AT_LEAST, 0.7, results.rates(name, PASSWORDS, GUARDED)
        yield f"{name}: with a password over the peer", AT_LEAST, 15, results.rates(name, PASSWORDS, PEER_PASSWORDS)
    for name in results.names("in all modes: push image"):
        yield f"{name}: with a token over open", AT_LEAST, 0.95, results.rates(name, GUARDED, BERTH)
    by_tag = "in all modes: manifest GET by tag"
    idle, guessed = ([results.p99(name, PASSWORDS) for name in results.names(f"{by_tag}, {what}")]
                     for what in ("idle", "while"))
    if idle and guessed:
        yield "p99 of a user while others guess passwords, over idle", AT_MOST, 3, \
            guessed[0] / idle[0] if guessed[0] and idle[0] else None


def _push_goals(results):
    for size in ("64 MB", "1 GB"):
        for name in results.names(f"push {size}"):
            if "PUT" in name:
                continue
            yield f"{name}: rate over peer", AT_LEAST, 3, results.ratio(name, PEER)
            if "TLS" not in name:
                yield f"{name}: CPU per GB over the limit", AT_MOST, 1.2, results.cpu_over_limit(name, size)
    for clients, wanted in (("1 client", 8), ("8 clients", 15)):
        yield f"push 4 KB, {clients}: rate over peer", AT_LEAST, wanted, results.ratio(f"push 4 KB, {clients}", PEER)


def _memory_goals(results):
    yield "RSS idle, MB", AT_MOST, 20, results.idle_megabytes()
    yield "RSS with 64 connections, MB", AT_MOST, 40, results.peak_megabytes(" 64 conns")
    yield "RSS with 1000 connections, MB", AT_MOST, 80, results.peak_megabytes(" 1000 conns")


def _growth_goals(results):
    # Not 1: a binary search and colder caches are allowed for, a walk through everything is not.
    for operation in next(iter(results.growth.values()), {}).get(BERTH, {}):
        if "page" in operation and "changed" not in operation:
            yield (f"{operation}: time in the largest store over the smallest", AT_MOST, 1.5,
                   results.growth_of(operation))


def rows(bench):
    """[(goal, wanted, reached or None, "met", "NOT MET" or "not measured")]"""
    results = Results(bench)
    for part in (_pull_goals, _access_goals, _push_goals, _memory_goals, _growth_goals):
        for goal, sign, wanted, reached in part(results):
            verdict = "not measured" if reached is None else \
                "met" if (reached >= wanted if sign == AT_LEAST else reached <= wanted) else "**not met**"
            yield goal, f"{sign} {wanted}", reached, verdict
