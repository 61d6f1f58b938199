"""`berth up` as a service of systemd: what it tells, the socket that it is handed, the program that takes its place."""
import contextlib
import hashlib
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

import pytest

import harness
from conftest import need_root
from harness import Client, Registry, free_port
from images import random_bytes

OWNER = 65534       # nobody

# As systemd does: LISTEN_PID is the program's own pid.
START = """
import os, sys
for number, handed in enumerate(map(int, sys.argv[1].split(",")), 3):
    os.dup2(handed, number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(number - 2), LISTEN_FDNAMES="berth.socket")
os.execv(sys.argv[2], sys.argv[2:])
"""


def listener(address="127.0.0.1", port=0, **more):
    made = socket.create_server((address, port), **more)
    made.set_inheritable(True)
    return made


class Service(Registry):
    """With NOTIFY_SOCKET, and sockets that are handed over."""

    def __init__(self, *sockets, addr=None, abstract=False):
        self.sockets = sockets
        self.inherited = tuple(one.fileno() for one in sockets)
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name = tempfile.mktemp(prefix="berth-notify-", dir="/tmp")
        self.told.bind("\0" + name if abstract else name)
        if not abstract:
            os.chmod(name, 0o777)       # as systemd's
        super().__init__({"http": {"addr": addr}} if addr else None,
                         env={"NOTIFY_SOCKET": "@" + name if abstract else name})
        self.name = None if abstract else pathlib.Path(name)
        if sockets:
            self.port = sockets[0].getsockname()[1]

    def command(self):
        command = super().command()
        return ["/usr/bin/python3", "-c", START, ",".join(map(str, self.inherited)), *command] if self.sockets \
            else command

    def await_told(self, wanted):
        """The messages up to one that begins so."""
        self.told.settimeout(harness.START_SECONDS)
        messages = []
        while not messages or not messages[-1].startswith(wanted):
            messages.append(self.told.recv(4096).decode())
        return messages

    def close(self):
        super().close()
        if self.name:
            self.name.unlink(missing_ok=True)
        for one in (self.told, *self.sockets):
            one.close()


@contextlib.contextmanager
def service(*sockets, **more):
    made = Service(*sockets, **more)
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def no_request_fails(registry):
    failures, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                status = Client(registry).get("/v2/").status
                if status != 200:
                    failures.append(status)
            except OSError as error:
                failures.append(error)
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        stop.set()
        asking.join()
    assert not failures, failures


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_what_is_told(abstract):
    with service(abstract=abstract) as registry:
        registry.start()
        assert registry.await_told("READY=1")[-1].startswith("READY=1\nSTATUS=serving on ")
        registry.send_signal(signal.SIGHUP)
        reloading = registry.await_told("RELOADING=1")[-1]
        assert abs(int(re.search(r"MONOTONIC_USEC=(\d+)", reloading)[1]) / 1e6 - time.monotonic()) < 60
        assert "serving on" in registry.await_told("READY=1")[-1]
        registry.config_file.write_text("nonsense: [")
        registry.send_signal(signal.SIGHUP)
        assert "STATUS=not reloaded: " in registry.await_told("READY=1")[-1], "a service that goes on is ready"
        registry.stop()
        registry.await_told("STOPPING=1")


def test_a_socket_outlives_restarts():
    """Nobody is refused: who comes while there is no registry waits for the next one."""
    port = free_port()
    with service(listener(port=port), addr=f"127.0.0.1:{port}") as registry:
        registry.start()
        with no_request_fails(registry):
            for _ in range(3):
                registry.stop()
                registry.start()
        registry.stop()


def test_sockets_of_both_families():
    port = free_port()
    both = [listener("0.0.0.0", port), listener("::", port, family=socket.AF_INET6)]
    with service(*both, addr=f":{port}") as registry:
        registry.start()
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, port), timeout=5).close()
        registry.send_signal(signal.SIGHUP)
        registry.await_told("RELOADING=1")
        registry.await_told("READY=1")
        assert Client(registry).get("/v2/").status == 200
        registry.stop()
        assert "::ffff:" not in registry.log()


def test_one_socket_for_both_families_is_refused():
    """Clients of IPv4 would have addresses of IPv6, in one network: one limit for all of them."""
    port = free_port()
    both = listener("::", port, family=socket.AF_INET6, dualstack_ipv6=True)
    with service(both, addr=f":{port}") as registry:
        registry.port = free_port()
        with pytest.raises(RuntimeError):
            registry.start()
        assert f"ListenStream=0.0.0.0:{port} and ListenStream=[::]:{port}" in registry.log()


def test_nginx_that_dies_is_given_the_socket_again():
    port = free_port()
    with service(listener(port=port), addr=f"127.0.0.1:{port}") as registry:
        registry.start()
        registry.await_told("READY=1")      # a death before it is one at the start
        subprocess.run(["kill", "-KILL", str(registry.nginx_master())], check=True)
        deadline = time.monotonic() + harness.START_SECONDS
        while "starting it again" not in registry.log():
            assert time.monotonic() < deadline
            time.sleep(harness.POLL_SECONDS)
        assert Client(registry).get("/v2/").status == 200
        registry.stop()


def test_another_address_than_the_config_is_refused():
    with service(listener(), addr=f"127.0.0.1:{free_port()}") as registry:
        registry.port = free_port()     # where nobody listens, and the test does not wait for an answer
        with pytest.raises(RuntimeError):
            registry.start()
        [line] = [line for line in registry.log().splitlines() if "http.addr" in line]
        for part in ("berth.socket of systemd listens on 127.0.0.1:", "ListenStream=", "systemctl mask --now"):
            assert part in line, line


class Upgraded(Service):
    """Runs a copy of the program, which another copy can take the place of."""

    def __init__(self, **more):
        super().__init__(**more)
        (self.directory / "bin").mkdir()
        shutil.copytree(harness.REPOSITORY / "nginx", self.directory / "nginx")
        self.program = self.directory / "bin" / "berth"
        self.built = Registry.command(self)[0]
        self.upgrade()

    def command(self):
        return [str(self.program), *super().command()[1:]]

    def upgrade(self, text=None):
        """As dpkg does: another file takes the name of the one that runs."""
        fresh = self.program.with_suffix(".new")
        if text is None:
            shutil.copy(self.built, fresh)
        else:
            fresh.write_text(text)
            fresh.chmod(0o755)
        fresh.rename(self.program)

    def runs_the_file(self):
        return pathlib.Path(f"/proc/{self.pid}/exe").stat().st_ino == self.program.stat().st_ino


class SlowPush:
    """An upload that a client sends piece by piece."""

    def __init__(self, registry, pieces=4, size=300_000):
        self.registry, self.pieces = registry, [random_bytes(size, f"piece {number}") for number in range(pieces)]
        self.digest = "sha256:" + hashlib.sha256(b"".join(self.pieces)).hexdigest()
        location = Client(registry).post("/v2/slow/blobs/uploads/").header("Location")
        target = urllib.parse.urlsplit(location)
        self.connection = http.client.HTTPConnection(registry.host, registry.port, timeout=60)
        self.connection.putrequest("PUT", f"{target.path}?{target.query}&digest={self.digest}")
        self.connection.putheader("Content-Length", str(pieces * size))
        self.connection.endheaders()

    def send(self):
        self.connection.send(self.pieces.pop(0))

    def finish(self):
        while self.pieces:
            self.send()
        assert self.connection.getresponse().status == 201
        assert Client(self.registry).get(f"/v2/slow/blobs/{self.digest}").status == 200


def test_an_upgrade_breaks_no_push():
    """Another program takes the place of the running one: the same process, the same nginx, a pool of its own."""
    with contextlib.closing(Upgraded()) as registry:
        registry.start()
        registry.await_told("READY=1")
        with no_request_fails(registry):
            push = SlowPush(registry)
            push.send()
            for _ in range(2):
                process, master, pools = registry.pid, registry.nginx_master(), registry.pools()
                registry.upgrade()
                assert not registry.runs_the_file()
                registry.send_signal(signal.SIGUSR2)
                registry.await_told("RELOADING=1")
                assert "serving on" in registry.await_told("READY=1")[-1], registry.log()
                assert registry.runs_the_file() and registry.pid == process and registry.nginx_master() == master
                assert registry.pools() - pools, registry.log()
                push.send()
            push.finish()
            registry.send_signal(signal.SIGHUP)     # reloads go on as before
            registry.await_told("RELOADING=1")
            assert "serving on" in registry.await_told("READY=1")[-1]
        registry.stop()
        assert len(set(re.findall(r" instance[.]id=(\S+)", registry.log()))) == 1, registry.log()


def test_an_upgrade_of_one_who_works_as_another_user():
    """Started by root, over a store of another: root is kept for a file that root alone may read, and no more."""
    need_root()
    with contextlib.closing(Upgraded()) as registry:
        registry.root.mkdir(parents=True)
        os.chown(registry.root, OWNER, OWNER)
        registry.config_file.touch(0o600)
        registry.start()
        registry.await_told("READY=1")
        pools = registry.pools()
        registry.upgrade()
        registry.send_signal(signal.SIGUSR2)
        if "not replaced" in registry.await_told("READY=1")[-1]:
            pytest.fail(registry.log())
        assert registry.runs_the_file() and registry.pools() - pools
        users = pathlib.Path(f"/proc/{registry.pid}/status").read_text()
        assert re.search(r"^Uid:\t(\d+)\t(\d+)", users, re.MULTILINE)[2] == str(OWNER)
        for pid in registry.pools():
            assert set(re.search(r"^Uid:(.*)", pathlib.Path(f"/proc/{pid}/status").read_text(),
                                 re.MULTILINE)[1].split()) == {str(OWNER)}
        registry.stop()


@pytest.mark.parametrize("told", ["nonsense", "[]", '{"form": 0}', '{"form": 1, "process": 1}'])
def test_a_program_of_another_version_is_not_succeeded(told):
    with contextlib.closing(Registry(env={"BERTH_SUCCESSION": told})) as registry:
        with pytest.raises(RuntimeError, match="ended with 1:"):     # so that systemd starts it anew
            registry.start()
        assert "cannot take the place" in registry.log()


@pytest.mark.parametrize("program", ["no program", "#!/bin/sh\nexit 3\n"], ids=["none", "refuses"])
def test_a_program_that_cannot_take_the_place_does_not(program):
    with contextlib.closing(Upgraded()) as registry:
        registry.start()
        registry.await_told("READY=1")
        registry.upgrade(program)
        registry.send_signal(signal.SIGUSR2)
        registry.await_told("RELOADING=1")
        assert "STATUS=not replaced: " in registry.await_told("READY=1")[-1]
        assert Client(registry).get("/v2/").status == 200
        registry.stop()
