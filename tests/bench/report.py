"""The tables of a run: medians, spread, ratios, and what the machine was busy with."""
import statistics

import goals
import meter
from servers import BERTH, GUARDED, NGINX, PASSWORDS, PEER, PEER_GUARDED, PEER_PASSWORDS, WATCHED

SATURATED = 0.9     # a load generator that is on a core for this share of the time may be the bottleneck itself

HOW_TO_READ = """\
- Every cell: median of the rounds, (min–max) behind it. `×peer`, `×nginx`: ratio of the medians, berth over the other.
- CPU: seconds of all processes of the server (user + system) per GB where the result is GB/s, else per 1000 requests.
- **load**: cores that the load generator used, the median for each server, of the threads or processes it has; `!`
  where it was above {saturated:.0%} of them for some server: that server may be faster than measured. **others**: cores
  that neither server nor load used, the highest median of the servers: other work on the machine, and kernel
  threads. It is
  the noise of the row.
- Server and load share {cores} cores. Where both together fill them, the rate depends on what the load costs, too: the
  CPU columns do not.
- **Durability differs**: both fsync the files of a push before they answer (docker-registry 2.8.2 some of them twice),
  but docker-registry never fsyncs a directory: after a power cut, a blob that it has confirmed may have lost its name.
  berth fsyncs the directories as well. A small push is mostly fsyncs, and as fast as the disk makes them.
- GB = 10⁹ bytes. Blob sizes are powers of two (1 MB = 1 MiB).
"""


def number(value):
    if value is None:
        return "–"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def spread(values):
    values = [value for value in values if value is not None]
    if not values:
        return "–"
    median = number(statistics.median(values))
    return median if len(values) == 1 else f"{median} ({number(min(values))}–{number(max(values))})"


def median_of(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def ratio(mine, other):
    mine, other = median_of(mine), median_of(other)
    return f"{mine / other:.2f}" if mine is not None and other else "–"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join("---" for _ in header) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def _load_cell(samples):
    """Cores of the load generator for each server, of how many it could use."""
    cells, saturated = [], False
    for kind in (BERTH, PEER, NGINX):
        if not samples.get(kind):
            continue
        cores = statistics.median(sample.load_cpu / sample.seconds for sample in samples[kind])
        workers = samples[kind][0].load_workers
        saturated |= cores > SATURATED * min(workers, meter.CORES)
        cells.append(f"{cores:.2f}")
    return f"{'/'.join(cells)} of {min(workers, meter.CORES)}{' !' if saturated else ''}"


def _others_cell(samples):
    return "{:.2f}".format(max(statistics.median(sample.other_cpu / sample.seconds for sample in of_server)
                               for of_server in samples.values() if of_server))


def throughput_table(results):
    """results: [(case, {kind: [Sample]})]"""
    rows = []
    for case, samples in results:
        if not samples.get(BERTH) or PASSWORDS in samples:
            continue
        values = {kind: [case.value(sample) for sample in of_server] for kind, of_server in samples.items()}
        cpu = {kind: [case.cpu(sample) for sample in of_server] for kind, of_server in samples.items()}
        none = []
        rows.append([
            case.name, case.unit,
            *(spread(values.get(kind, none)) for kind in (BERTH, PEER, NGINX)),
            ratio(values[BERTH], values.get(PEER, none)), ratio(values[BERTH], values.get(NGINX, none)),
            " / ".join(number(median_of(cpu.get(kind, none))) for kind in (BERTH, PEER, NGINX)),
            _load_cell(samples), _others_cell(samples)])
    return table(["what", "unit", "berth", "peer", "nginx", "×peer", "×nginx", "CPU berth / peer / nginx",
                   "load, cores", "others"], rows)


MODES = {BERTH: "open", GUARDED: "token", PASSWORDS: "password", WATCHED: "watched", PEER_GUARDED: "peer, token",
         PEER_PASSWORDS: "peer, password"}


def modes_table(results):
    """Requests without anybody who has a say in them, and with."""
    rows = []
    for case, samples in results:
        if not samples.get(PASSWORDS):
            continue
        values = {kind: [case.value(sample) for sample in of_server] for kind, of_server in samples.items()}
        none = []
        rows.append([case.name, case.unit, *(spread(values.get(kind, none)) for kind in MODES),
                     *(ratio(values.get(kind, none), values.get(BERTH, none))
                       for kind in (GUARDED, PASSWORDS, WATCHED)),
                     *(ratio(values.get(mine, none), values.get(its, none))
                       for mine, its in ((GUARDED, PEER_GUARDED), (PASSWORDS, PEER_PASSWORDS))),
                     " / ".join(number(median_of([case.cpu(sample) for sample in samples.get(kind, [])]))
                                for kind in MODES),
                     " / ".join(number(median_of([sample.p99_ms for sample in samples.get(kind, [])]))
                                for kind in MODES)])
    return table(["what", "unit", *MODES.values(), "token ×open", "password ×open", "watched ×open", "token ×peer",
                  "password ×peer", "CPU of each", "p99 of each, ms"], rows)


def latency_table(results):
    rows = []
    for case, samples in results:
        if samples.get(BERTH):
            rows.append([case.name] + [
                " / ".join(number(median_of([getattr(s, percentile) for s in samples.get(kind, []) if s.requests]))
                           for percentile in ("p50_ms", "p99_ms")) for kind in (BERTH, PEER, NGINX)])
    return table(["p50 / p99, ms", "berth", "peer", "nginx"], rows)


def _megabytes(values):
    return spread([value / 1e6 for value in values])


def footprint_table(starts, results):
    """starts: {kind: [(seconds, rss, pss)]}"""
    kinds = (BERTH, PEER, NGINX)
    rows = [["start to first answer, ms", *(spread([s[0] * 1e3 for s in starts.get(kind, [])]) for kind in kinds)],
            ["RSS idle, MB", *(_megabytes([s[1] for s in starts.get(kind, [])]) for kind in kinds)],
            ["PSS idle, MB", *(_megabytes([s[2] for s in starts.get(kind, [])]) for kind in kinds)]]
    for case, samples in results:
        if case.name.endswith((" 64 conns", " 1000 conns", " 8 clients")) and samples.get(BERTH):
            rows.append([f"peak RSS, MB: {case.name}",
                         *(_megabytes([s.peak_rss for s in samples.get(kind, [])]) for kind in kinds)])
    return table(["memory and start", "berth", "peer", "nginx"], rows)


def limit_table(limits, results):
    """limits: {name of a size: [Sample]}: sha256, receiving, writing once."""
    rows = []
    for size, samples in limits.items():
        least = [sample.server_cpu / (sample.bytes / 1e9) for sample in samples]
        for case, by_kind in results:
            if case.name.startswith(f"push {size}") and case.unit == "GB/s" and not case.tls:
                cpu = {kind: [case.cpu(sample) for sample in of_kind] for kind, of_kind in by_kind.items()}
                rows.append([case.name, spread(cpu.get(BERTH, [])), spread(cpu.get(PEER, [])), spread(least),
                             ratio(cpu.get(BERTH, []), least), ratio(cpu.get(PEER, []), least),
                             number(_limit_over_peer(case, least, by_kind))])
    return table(["CPU-seconds per GB pushed", "berth", "peer", "limit", "berth ×limit", "peer ×limit",
                   "limit ×peer"], rows)


def _limit_over_peer(case, least, by_kind):
    """The limit's rate over the peer's if all cores did nothing else but that, and what berth's clients cost."""
    load = median_of([sample.load_cpu / (sample.bytes / 1e9) for sample in by_kind[BERTH]])
    peer = median_of([case.value(sample) for sample in by_kind[PEER]])
    return meter.CORES / (median_of(least) + load) / peer if load is not None and peer else None


def small_limit_table(limits, results):
    """limits: {clients: [Sample]}: the files of a blob and its link, synced, without a request."""
    rows = []
    for clients, samples in limits.items():
        most = [sample.requests / sample.seconds for sample in samples]
        for case, by_kind in results:
            if case.name.startswith("push 4 KB") and case.name.endswith(clients):
                rate = {kind: [case.value(sample) for sample in of_kind] for kind, of_kind in by_kind.items()}
                rows.append([case.name, *(spread(values) for values in (rate[BERTH], rate.get(PEER, []), most)),
                             ratio(rate[BERTH], most), ratio(most, rate.get(PEER, []))])
    return table(["pushes a second", "berth", "peer", "limit", "berth ×limit", "limit ×peer"], rows)


def growth_table(growth):
    """growth: {size: {kind: {operation: (ms, CPU-ms)}}}"""
    sizes, rows = list(growth), []
    for operation in growth[sizes[0]][BERTH]:
        row = [operation]
        for kind in (BERTH, PEER):
            for size in sizes:
                milliseconds, cpu = growth[size][kind].get(operation, (None, None))
                row.append(f"{number(milliseconds)} / {number(cpu)}")
        rows.append(row)
    return table(["p50 ms / CPU-ms of the server, a request"] +
                  [f"{kind}, {size:,}" for kind in (BERTH, PEER) for size in sizes], rows)


def goals_table(rows):
    return table(["goal", "wanted", "reached", ""],
                  [[goal, wanted, number(reached), verdict] for goal, wanted, reached, verdict in rows])


def errors_of(results):
    """Lines about requests that failed: they make a row worthless."""
    return [f"- **{failed} errors**: {case.name}, {kind}"
            for case, samples in results for kind, of_server in samples.items()
            if (failed := sum(sample.errors for sample in of_server))]


def markdown(facts, bench):
    results = bench.results
    parts = ["# Benchmark of berth", "\n".join(f"- {key}: {value}" for key, value in facts.items()) + "\n",
             HOW_TO_READ.format(saturated=SATURATED, cores=meter.CORES), throughput_table(results)]
    if any(samples.get(PASSWORDS) for _, samples in results):
        parts += ["## What others have a say in\n", "Tokens are of some 2 KB, as they bring their certificate. "
                  "Passwords are hashed by bcrypt, of cost 10 for berth and 5 for the peer. Watched: a debug server "
                  "with metrics, and a health check of the store.\n", modes_table(results)]
    if bench.limits:
        parts += ["## Pushes and their limit\n", "The limit: one process that receives the bytes, hashes them "
                  "(OpenSSL, one blob at a time) and writes them once (and syncs).\n",
                  limit_table(bench.limits, results),
                  "The limit of small ones: the files of the blob and of its link are made and synced, all in one wait "
                  "for the disk, by a thread a client; no upload, no request.\n",
                  small_limit_table(bench.small_limits, results)]
    if bench.starts:
        parts += ["## Memory and start\n", footprint_table(bench.starts, results)]
    parts += ["## Latency\n", latency_table(results)]
    if bench.growth:
        parts += ["## Growth\n", "The same requests in stores of that many repositories, tags of one repository and "
                  "blobs; both registries serve the same files. \"just changed\": one request after an entry was "
                  "added.\n", growth_table(bench.growth)]
    parts += ["## Goals\n", goals_table(goals.rows(bench))]
    failures = errors_of(results)
    return "\n".join(parts) + ("\n" + "\n".join(failures) + "\n" if failures else "\nNo request failed.\n")
