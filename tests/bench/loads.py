"""The load: wrk for what it can ask for, bench_client (client.cc) for pushes and all else.

Every function runs one load against one server and returns a Sample. Everything started here ends with the function,
by its pid, whatever happens in between.
"""
import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import meter
from servers import OTHER_USER, REPOSITORY, harness

WRK_LIMIT_SECONDS = 120     # wrk is told to stop long before: the limit is for the case that nobody is left to tell it
GUESSES_BEGIN_SECONDS = 0.3
GRACE_SECONDS = 60          # for clients to end the push that they are in
CLIENT = harness.REPOSITORY / "build" / "tests" / "bench_client"
# Without it the peer converts a manifest that is asked for by tag into a form of long ago, or refuses.
ACCEPT = f"{harness.DOCKER_MANIFEST}, {harness.OCI_MANIFEST}, */*"

# wrk reads OpenSSL's defaults from here when a measurement wants every server to use one suite.
ONE_SUITE = """\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = client
[client]
Ciphersuites = TLS_AES_128_GCM_SHA256
"""


@dataclasses.dataclass
class Sample:
    """One load against one server."""
    seconds: float
    requests: int           # or pushes
    bytes: int
    errors: int
    p50_ms: float
    p99_ms: float
    load_cpu: float         # seconds of the load generator
    load_workers: int       # threads or processes that it has
    server_cpu: float = 0.0
    other_cpu: float = 0.0  # of the machine, what neither used: other work, the kernel's own threads
    peak_rss: int = 0


def _measured(server, load):
    """Runs load() under a meter and adds what the server used."""
    with meter.Meter(server.tree()) as used:
        sample = load()
    sample.server_cpu = used.server_cpu
    sample.other_cpu = max(0.0, used.machine_cpu - used.server_cpu - sample.load_cpu)
    sample.peak_rss = used.peak_rss
    return sample


# wrk -----------------------------------------------------------------------------------------------------------------


def _wrk_environment(method, one_suite):
    environment = os.environ | {"WRK_METHOD": method}
    if one_suite:
        file = pathlib.Path(tempfile.gettempdir(), "one-suite.cnf")
        file.write_text(ONE_SUITE)
        environment["OPENSSL_CONF"] = str(file)
    return environment


def _as_arguments(headers):
    for name, value in headers.items():
        yield from ("-H", f"{name}: {value}")


def pull(server, path, *, method="GET", connections, seconds, one_suite=False):
    """Asks for one path over and over, on kept-alive connections."""
    threads = min(connections, meter.CORES)
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{WRK_LIMIT_SECONDS}s", "--timeout", "30s",
               "-H", f"Accept: {ACCEPT}", *_as_arguments(server.request_headers),
               "-s", str(pathlib.Path(__file__).with_name("wrk_report.lua")), server.url + path]

    def load():
        wrk = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               start_new_session=True, env=_wrk_environment(method, one_suite))
        try:
            time.sleep(seconds)
            wrk.send_signal(signal.SIGINT)      # wrk's -d knows whole seconds only; it ends in order and reports
            output = wrk.stdout.read()
            _, _, usage = os.wait4(wrk.pid, 0)
            wrk.returncode = 0
        finally:
            if wrk.returncode is None:
                wrk.kill()
                wrk.wait()
        line = next((line for line in output.splitlines() if line.startswith('{"requests"')), None)
        if line is None:
            raise RuntimeError(f"wrk said nothing of use about {server.url}{path}:\n{output}")
        # A measurement too short for one answer has percentiles of nothing.
        result = json.loads(line.replace("nan", "0"))
        errors = sum(result[kind] for kind in ("status", "connect", "read", "write", "timeout"))
        return Sample(result["seconds"], result["requests"], result["bytes"], errors, result["p50_ms"],
                      result["p99_ms"], usage.ru_utime + usage.ru_stime, threads)

    return _measured(server, load)


@contextlib.contextmanager
def guessing(server, connections):
    """Meanwhile so many clients guess another user's password."""
    wrk = subprocess.Popen(["wrk", f"-t{min(connections, meter.CORES)}", f"-c{connections}",
                            f"-d{WRK_LIMIT_SECONDS}s", "-s", str(pathlib.Path(__file__).with_name("wrk_guesses.lua")),
                            f"{server.url}/v2/{REPOSITORY}/manifests/latest"],
                           stdout=subprocess.DEVNULL, start_new_session=True,
                           env=os.environ | {"BENCH_USER": OTHER_USER})
    try:
        time.sleep(GUESSES_BEGIN_SECONDS)
        if wrk.poll() is not None:
            raise RuntimeError(f"wrk ended with {wrk.returncode}")
        yield
    finally:
        wrk.kill()
        wrk.wait()


# bench_client --------------------------------------------------------------------------------------------------------


def client(server, mode, target, *, clients=1, seconds, size=0, sources=()):
    """Runs bench_client (client.cc has its modes). What it prepares happens before the meter runs."""
    address = [server.host, str(server.port), server.ca_file or "-"] if server else ["127.0.0.1", "0", "-"]
    command = [str(CLIENT), *map(str, (*address, mode, target, clients, seconds, size))]
    headers = {} if not server else server.push_headers if mode not in ("get", "head") else server.request_headers
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               start_new_session=True,
                               env=os.environ | {"BENCH_AUTHORIZATION": headers.get("Authorization", "")})
    try:
        if mode == "mount":
            process.stdin.write("".join(f"{repository} {digest}\n" for repository, digest in sources) + "\n")
            process.stdin.flush()
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{command} did not start")

        def load():
            output, _ = process.communicate("\n", timeout=seconds + GRACE_SECONDS)
            result = json.loads(output or "{}")
            if not result.get("requests"):
                raise RuntimeError(f"{command}: nothing succeeded")
            return Sample(result["seconds"], result["requests"], result["bytes"], result["errors"], result["p50_ms"],
                          result["p99_ms"], result["cpu"], clients)

        return _measured(server, load) if server else load()
    finally:
        process.kill()
        process.wait()


def _limit(mode, folder, **more):
    sample = client(None, mode, folder, **more)
    if sample.errors:
        raise RuntimeError(f"bench_client {mode} failed {sample.errors} times: see above")
    return sample


def limit(folder, *, size, seconds):
    """Receives, hashes and writes once. Its CPU is the server's: what a push costs at least."""
    sample = _limit("limit", folder, seconds=seconds, size=size)
    sample.server_cpu, sample.load_cpu = sample.load_cpu, 0.0
    return sample


def files_limit(folder, *, clients, size, seconds):
    """Stores the files of a blob and of its link, and syncs them: what a small push costs without any request."""
    os.sync()   # as store.Cleaner does: what others left to write is not for this one's time
    sample = _limit("files", folder, clients=clients, size=size, seconds=seconds)
    os.sync()
    return sample


@functools.cache
def check(server, path, method="GET"):
    """One request; status and the digest of the body, to see that all servers answer the same."""
    reply = harness.Client(server).request(method, path, {"Accept": ACCEPT} | server.request_headers)
    body = reply.body
    if path.startswith("/v2/") and "json" in (reply.header("Content-Type") or "") and "/manifests/" not in path:
        # Equal as JSON is equal enough, and the peer does not sort tags.
        body = json.dumps({key: sorted(value) if isinstance(value, list) else value
                           for key, value in reply.json().items()}, sort_keys=True).encode()
    return reply.status, harness.digest(body)
