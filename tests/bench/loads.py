"""The load: wrk for requests that bring nothing, client processes of our own for pushes.

Every function runs one load against one server and returns a Sample. Everything started here ends with the function,
by its pid, whatever happens in between.
"""
import dataclasses
import functools
import hashlib
import json
import multiprocessing
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import meter
from servers import harness
from store import PUSHED

WRK_LIMIT_SECONDS = 120     # wrk is told to stop long before: the limit is for the case that nobody is left to tell it
GRACE_SECONDS = 60          # for clients to end the push that they are in
CHUNK_BYTES = 32 << 10      # of a PATCH, as docker's client sends it
TAIL_BYTES = 64             # the end of a payload: what makes each blob another one
REPLY_BYTES = 64 << 10
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


def pull(server, path, *, method="GET", connections, seconds, one_suite=False):
    """Asks for one path over and over, on kept-alive connections."""
    threads = min(connections, meter.CORES)
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{WRK_LIMIT_SECONDS}s", "--timeout", "30s",
               "-H", f"Accept: {ACCEPT}", "-s", str(pathlib.Path(__file__).with_name("wrk_report.lua")),
               server.url + path]

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


# Pushes --------------------------------------------------------------------------------------------------------------


class Payload:
    """Bytes to push as many different blobs: the ends differ, the rest is hashed and framed once, before the clock."""

    def __init__(self, size):
        body = os.urandom(size - TAIL_BYTES)
        self.size = size
        self._hash = hashlib.sha256(body)
        frames = bytearray()
        for start in range(0, len(body), CHUNK_BYTES):
            chunk = body[start:start + CHUNK_BYTES]
            frames += b"%x\r\n%b\r\n" % (len(chunk), chunk)
        self.frames = bytes(frames)

    def another(self):
        """The last frames of one more blob, and its digest."""
        tail = os.urandom(TAIL_BYTES)
        complete = self._hash.copy()
        complete.update(tail)
        return b"%x\r\n%b\r\n0\r\n\r\n" % (TAIL_BYTES, tail), "sha256:" + complete.hexdigest()


class Connection:
    """A kept-alive connection that does as little as a client can: what it costs is taken from the server's cores."""

    def __init__(self, address, ca_file):
        self._address, self._ca_file = address, ca_file
        self._host = b"%s:%d" % (address[0].encode(), address[1])
        self._socket = None

    def _open(self):
        self._socket = socket.create_connection(self._address, timeout=GRACE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._ca_file:
            context = ssl.create_default_context(cafile=self._ca_file)
            self._socket = context.wrap_socket(self._socket, server_hostname=self._address[0])

    def request(self, method, target, *body):
        """Sends a request, with pieces of a chunked body if there are any; returns status and Location."""
        if self._socket is None:
            self._open()
        length = b"Transfer-Encoding: chunked" if body else b"Content-Length: 0"
        self._socket.sendall(b"%b %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/octet-stream\r\n%b\r\n\r\n"
                             % (method, target, self._host, length))
        for piece in body:
            self._socket.sendall(piece)
        return self._read_reply()

    def _read_reply(self):
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._receive()
        lines = data[:end].split(b"\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
        missing = int(headers.get(b"content-length", 0)) - (len(data) - end - 4)
        while missing > 0:
            missing -= len(self._receive())
        if headers.get(b"connection", b"").lower() == b"close":
            self._socket.close()
            self._socket = None
        location = headers.get(b"location", b"")
        return int(lines[0].split()[1]), b"/" + location.split(b"/", 3)[3] if b"://" in location else location

    def _receive(self):
        data = self._socket.recv(REPLY_BYTES)
        if not data:
            raise ConnectionError("the server hung up within a reply")
        return data


def push_one(connection, uploads, payload):
    """POST, PATCH with a chunked body, PUT without one: as docker pushes a layer."""
    last_frames, digest = payload.another()
    status, location = connection.request(b"POST", uploads)
    if status == 202:
        status, location = connection.request(b"PATCH", location, payload.frames, last_frames)
    if status != 202:
        return False
    mark = b"&" if b"?" in location else b"?"
    return connection.request(b"PUT", location + mark + b"digest=" + digest.encode())[0] == 201


def _client(work, connection, start, seconds, pipe):
    """A client process: repeats work(connection) until the time is over, then reports."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)    # the parent ends us
    times, errors = [], 0
    start.wait(GRACE_SECONDS)
    cpu, began = time.process_time(), time.monotonic()
    while time.monotonic() - began < seconds:
        before = time.monotonic()
        try:
            fine = work(connection)
        except OSError:
            fine = False
        if not fine:
            errors += 1
            break       # a server that fails at speed would look fast
        times.append(time.monotonic() - before)
    pipe.send((times, errors, began, time.monotonic(), time.process_time() - cpu))


def _run_clients(server, works, seconds):
    """A client process for each of works; returns what each reported."""
    context = multiprocessing.get_context("fork")   # the payload is shared, not copied
    start = context.Barrier(len(works))
    clients = []
    try:
        for work in works:
            ours, theirs = context.Pipe(duplex=False)
            connection = Connection((server.host, server.port), server.ca_file)
            process = context.Process(target=_client, args=(work, connection, start, seconds, theirs), daemon=True)
            process.start()
            theirs.close()
            clients.append((process, ours))
        reports = []
        for process, pipe in clients:
            if not pipe.poll(seconds + GRACE_SECONDS):
                raise RuntimeError(f"a push to {server.url} hangs")
            reports.append(pipe.recv())
        return reports
    finally:
        for process, pipe in clients:
            process.join(1)
            if process.is_alive():
                process.kill()
                process.join()
            pipe.close()


def _clients_sample(reports, size):
    times = sorted(time_ for report in reports for time_ in report[0])
    if not times:
        raise RuntimeError("no push succeeded")
    return Sample(
        seconds=max(report[3] for report in reports) - min(report[2] for report in reports),
        requests=len(times), bytes=len(times) * size, errors=sum(report[1] for report in reports),
        p50_ms=times[len(times) // 2] * 1e3, p99_ms=times[len(times) * 99 // 100] * 1e3,
        load_cpu=sum(report[4] for report in reports), load_workers=len(reports))


def push(server, payload, *, clients, seconds):
    """Clients push blobs that the server has not seen, each to a repository of its own."""
    def work_of(number):
        uploads = f"/v2/{PUSHED}/client-{number}/blobs/uploads/".encode()
        return lambda connection: push_one(connection, uploads, payload)

    works = [work_of(number) for number in range(clients)]
    return _measured(server, lambda: _clients_sample(_run_clients(server, works, seconds), payload.size))


def mount(server, sources, *, clients, seconds):
    """Clients mount layers of other repositories, one after the other, into a new repository for each round of them."""
    def work_of(number):
        def targets():
            round_ = 0
            while True:
                round_ += 1
                for source, digest in sources:
                    yield (f"/v2/{PUSHED}/mount-{number}-{round_}/blobs/uploads/"
                           f"?mount={digest}&from={source}").encode()
        upcoming = targets()
        return lambda connection: connection.request(b"POST", next(upcoming))[0] == 201

    works = [work_of(number) for number in range(clients)]
    return _measured(server, lambda: _clients_sample(_run_clients(server, works, seconds), 0))


@functools.cache
def check(server, path, method="GET"):
    """One request; status and the digest of the body, to see that all servers answer the same."""
    reply = harness.Client(server).request(method, path, {"Accept": ACCEPT})
    body = reply.body
    if path.startswith("/v2/") and "json" in (reply.header("Content-Type") or "") and "/manifests/" not in path:
        # Equal as JSON is equal enough, and the peer does not sort tags.
        body = json.dumps({key: sorted(value) if isinstance(value, list) else value
                           for key, value in reply.json().items()}, sort_keys=True).encode()
    return reply.status, harness.digest(body)
