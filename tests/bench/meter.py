"""What processes and the machine have used so far, from /proc."""
import hashlib
import os
import pathlib
import statistics
import tempfile
import threading
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")     # the unit of /proc/<pid>/stat: 10 ms, nearly everywhere
CORES = len(os.sched_getaffinity(0))
SAMPLE_SECONDS = 0.1                            # how often memory is looked at: a sampler must not cost a core


def cpu_seconds(pids):
    """User and system time that the processes, and their children that have ended, have used."""
    ticks = 0
    for pid in pids:
        try:
            # The command name may hold spaces and brackets: the fields start after the last bracket.
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS_PER_SECOND


def machine_busy_seconds():
    """What all cores did that was not idling or waiting for a disk; time stolen by other guests counts as busy."""
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    values = dict(zip(names, map(int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])))
    return sum(value for name, value in values.items() if name not in ("idle", "iowait")) / TICKS_PER_SECOND


def _memory(pid, file, key):
    try:
        for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def rss_bytes(pids):
    """The sum of the processes' resident sets. Pages that they share count once for each."""
    return sum(_memory(pid, "status", "VmRSS") for pid in pids)


def pss_bytes(pids):
    """The sum of the processes' proportional sets: a page that n processes share counts as 1/n for each."""
    return sum(_memory(pid, "smaps_rollup", "Pss") for pid in pids)


def fsync_milliseconds(folder, times=50):
    """What it takes now to append 4 KB to a file and fsync it: no push that is kept safe is faster."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            file.write(bytes(4096))
            file.flush()
            before = time.monotonic()
            os.fsync(file.fileno())
            taken.append(time.monotonic() - before)
    return statistics.median(taken) * 1e3


def sha256_gigabytes_per_second(size=64 << 20):
    """What one core hashes now, by OpenSSL as berth does it: a push cannot use less CPU than this."""
    data, before = bytes(size), time.thread_time()
    hashlib.sha256(data).digest()
    return size / 1e9 / (time.thread_time() - before)


class Meter:
    """CPU time of some servers and of the machine, and the servers' peak RSS, while a `with` block runs."""

    def __init__(self, pids):
        self.pids = pids
        self.server_cpu = self.machine_cpu = 0.0
        self.peak_rss = 0
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def _sample(self):
        while True:
            self.peak_rss = max(self.peak_rss, rss_bytes(self.pids))
            if self._stop.wait(SAMPLE_SECONDS):
                return

    def __enter__(self):
        self._server_before = cpu_seconds(self.pids)
        self._machine_before = machine_busy_seconds()
        self._sampler.start()
        return self

    def __exit__(self, *_):
        self.server_cpu = cpu_seconds(self.pids) - self._server_before
        self.machine_cpu = machine_busy_seconds() - self._machine_before
        self._stop.set()
        self._sampler.join()
