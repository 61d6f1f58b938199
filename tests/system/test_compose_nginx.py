"""compose/'s nginx service without an engine: compose/entrypoint before a pool of its own, as its container runs it."""
import errno
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest

import harness
from conftest import running
from harness import Client, Registry, certificates, wait_until
from test_lifecycle import any_certificate, end, make_certificate, served_certificate
from test_reload import SHORT_DRAIN, expire, load, report

pytestmark = pytest.mark.differs("berth's own command")

ENTRYPOINT = harness.REPOSITORY / "compose" / "entrypoint"
SWAPS = 30              # one a second
SWAP_SECONDS = 1.0


class ComposeNginx(Registry):
    """nginx by compose/entrypoint, and `berth serve` behind it."""

    def __init__(self, folder, nginx_keys=None):
        super().__init__({"http": {"tls": {name: str(folder / name) for name in ("certificate", "key")}},
                          "berth": {"nginx": nginx_keys or {}}}, tls=True)
        programs = self.directory / "bin"
        programs.mkdir()
        (programs / "berth").symlink_to(pathlib.Path(super().command()[0]).resolve())
        self.run = self.directory / "run"
        self._environment |= {"PATH": f"{programs}:{os.environ['PATH']}:/usr/sbin",
                              "REGISTRY_BERTH_RUNDIRECTORY": str(self.run),
                              "REGISTRY_BERTH_SPOOL": str(self.root / "berth" / "spool"),
                              "REGISTRY_BERTH_SOCKET": str(self.run / "pool.sock")}
        self._pool = None

    def command(self):
        return [str(ENTRYPOINT), str(self.config_file)]

    def health(self):
        return subprocess.run([ENTRYPOINT.with_name("health"), "nginx"], env=self._environment,
                              timeout=harness.START_SECONDS).returncode

    def start(self):
        self.run.mkdir(exist_ok=True)
        self.root.mkdir(parents=True, exist_ok=True)
        return super().start()

    def start_pool(self):
        with self.log_file.open("ab") as log:
            self._pool = subprocess.Popen(["berth", "serve", str(self.config_file)], env=self._environment,
                                          cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def close(self):
        if self._pool is not None:
            self._pool.terminate()
            assert self._pool.wait(harness.STOP_SECONDS) == 0
            self._pool = None
        super().close()

    def _wait_until_it_answers(self):
        if self._pool is None:
            self.start_pool()
        super()._wait_until_it_answers()


def hang_up(registry, says):
    length = len(registry.log())
    registry.send_signal(signal.SIGHUP)
    wait_until(lambda: re.search(f"berth: {says}", registry.log()[length:]), says)
    return registry.log()[length:]


def put_pair(folder, certificate, key):
    shutil.copy(key, folder / "key")
    shutil.copy(certificate, folder / "certificate")


@pytest.fixture
def nginx(tmp_path):
    put_pair(tmp_path, certificates().certificate, certificates().key)
    with running(ComposeNginx(tmp_path, SHORT_DRAIN)) as registry:
        yield registry, tmp_path


BREAKS = {
    "no certificate": (lambda folder: (folder / "certificate").unlink(), "cannot be read"),
    "not PEM": (lambda folder: (folder / "certificate").write_text("x"), "holds no certificate in PEM form"),
    "key not PEM": (lambda folder: (folder / "key").write_text("x"), "holds no private key in PEM form"),
    "key of another": (lambda folder: os.replace(make_certificate(folder, "other")[1], folder / "key"),
                       "is not the key of"),
    "expired": (expire, "has expired"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_pair_is_refused(nginx, what):
    registry, folder = nginx
    before = served_certificate(registry)
    broken, says = BREAKS[what]
    broken(folder)
    assert says in hang_up(registry, "not reloaded")
    assert served_certificate(registry) == before
    certificate, key = make_certificate(folder, "mended")
    put_pair(folder, certificate, key)
    hang_up(registry, "reloaded")
    wait_until(lambda: served_certificate(registry).strip() == certificate.read_text().strip(), "the new one")


def test_a_certificate_swapped_every_second_loses_no_request(nginx):
    registry, folder = nginx
    pairs = [make_certificate(folder, f"number{number}") for number in range(2)]
    kept, requests = load(any_certificate(Client(registry)))
    stop = threading.Event()
    with requests:
        for number in range(SWAPS):
            put_pair(folder, *pairs[number % 2])
            hang_up(registry, "reloaded")
            wait_until(lambda: served_certificate(registry).strip() == pairs[number % 2][0].read_text().strip(),
                       "the new certificate")
            assert not requests.failed
            stop.wait(SWAP_SECONDS)
    report(kept, requests.rounds, SWAPS)


def test_what_meets_a_drain(tmp_path):
    """A second reload comes after the first, a stop does not wait for it, and a start ends one that was killed."""
    put_pair(tmp_path, certificates().certificate, certificates().key)
    with running(ComposeNginx(tmp_path, {"reloaddrain": "2s"})) as registry:
        flag = registry.run / "draining"

        def begin():
            registry.send_signal(signal.SIGHUP)
            wait_until(flag.exists, "the drain begins")

        begin()
        registry.send_signal(signal.SIGHUP)
        wait_until(lambda: registry.log().count("berth: reloaded") == 2, "both")
        wait_until(lambda: not flag.exists(), "the drain is over")
        begin()
        registry.kill()
        registry.start()
        assert not flag.exists()
        begin()
        registry.send_signal(signal.SIGTERM)
        assert end(registry) == 0


def test_what_it_says_at_its_start(tmp_path):
    """Before a pool is there; then it is well, and what was left of a killed nginx is not in the way."""
    put_pair(tmp_path, certificates().certificate, certificates().key)
    registry = ComposeNginx(tmp_path)
    try:
        registry.run.mkdir()
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(registry.run / "health.sock"))
        (registry.run / "nginx.pid").write_text("1\n")
        with running(registry):
            url = re.escape(f"https://{registry.host}:{registry.port}")
            wait_until(lambda: re.search(rf"berth: nginx listens on {url} \(berth \d", registry.log()), "where it is")
            assert registry.health() == 0
    finally:
        registry.close()


def test_a_start_without_a_certificate_is_refused(tmp_path):
    registry = ComposeNginx(tmp_path)
    try:
        with pytest.raises((RuntimeError, AssertionError)):
            registry.start()
        assert "certificate: cannot be read" in registry.log()
    finally:
        registry.kill()
        shutil.rmtree(registry.directory, ignore_errors=True)


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_what_is_in_progress(nginx, number):
    registry, _ = nginx
    client = Client(registry)
    location = client.start_upload("it/stops")
    connection = client.connect()
    connection.putrequest("PATCH", client.path_of(location))
    connection.putheader("Content-Type", harness.OCTETS)
    connection.putheader("Content-Length", "5")
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    assert connection.sock.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"      # nginx has the request
    connection.send(b"be")
    registry.send_signal(number)

    def door_is_shut():
        with socket.socket() as door:
            return door.connect_ex((registry.host, registry.port)) == errno.ECONNREFUSED

    wait_until(door_is_shut, "nginx listens no more")
    connection.send(b"gun")
    assert connection.getresponse().status == 202
    connection.close()
    assert end(registry) == 0
