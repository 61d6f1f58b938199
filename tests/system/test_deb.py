"""The Debian package: lintian, how far its service is confined, and its life in a machine with a real systemd.

It packs the program that is tested (BERTH), and compiles nothing.
"""
import functools
import hashlib
import http.client
import os
import pathlib
import re
import subprocess
import threading
import time

import pytest

from conftest import need, need_root
from harness import REPOSITORY
from machine import CannotRun, Machine
from processes import output_of

BUILD = pathlib.Path(os.environ.get("BERTH", REPOSITORY / "build" / "berth")).parent
SECONDS = 300
PUSHED_BYTES, PIECE = 2_000_000_000, bytes(16_000_000)
MOST_EXPOSED = 3.0
PORT = 5000


run = functools.partial(output_of, seconds=SECONDS)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Two versions of the package. They differ in their numbers alone, and the programs are two files."""
    need("dpkg-buildpackage", "dh", "fakeroot")
    folder = tmp_path_factory.mktemp("packages")
    run(REPOSITORY / "packaging/make-deb", folder,
        env=os.environ | {"BERTH_BUILD": str(BUILD), "VERSION": "0.0.1", "DEB_BUILD_OPTIONS": "noautodbgsym"})
    [first] = folder.glob("berth_0.0.1_*.deb")
    second = pathlib.Path(str(first).replace("0.0.1", "0.0.2"))
    run("dpkg-deb", "-R", first, folder / "tree")
    control = folder / "tree/DEBIAN/control"
    control.write_text(control.read_text().replace("\nVersion: 0.0.1\n", "\nVersion: 0.0.2\n"))
    run("dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "-b", folder / "tree", second)
    return first, second


def test_lintian(packages):
    need("lintian")
    complaints = subprocess.run(["lintian", "--allow-root", "--fail-on", "none", str(packages[0])], text=True,
                                capture_output=True, timeout=SECONDS).stdout
    assert not re.search("^E:", complaints, re.MULTILINE), complaints


def test_the_service_is_confined(packages):
    need("systemd-analyze")
    unit = packages[0].parent / "tree/lib/systemd/system/berth.service"
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    assert float(re.search(r"Overall exposure level for berth\.service: ([\d.]+)", said)[1]) <= MOST_EXPOSED, said


@pytest.fixture(scope="module")
def machine(packages, tmp_path_factory):
    need_root()
    need("systemd-nspawn", "debootstrap", "nsenter")
    made = None
    try:
        made = Machine(tmp_path_factory.mktemp("machine"), packages[0])
        (made.root / "var/lib/registry/docker").mkdir(parents=True)     # root's, as registry:2 leaves it
        made.boot()
    except (CannotRun, subprocess.SubprocessError) as error:
        pytest.skip(f"NOT TESTED: install, upgrade with a push in progress, remove, purge: {error}")
    for package in packages:
        (made.root / "var" / package.name).write_bytes(package.read_bytes())
    yield made
    made.close()


class Client(http.client.HTTPConnection):
    def __init__(self, machine):
        super().__init__("localhost", PORT)
        self._machine = machine

    def connect(self):
        self.sock = self._machine.connect(PORT)

    def ask(self, method, path, **more):
        self.request(method, path, **more)
        reply = self.getresponse()
        reply.read()
        return reply


def apt(machine, *command):
    return machine.run("apt-get", "-qy", "--no-install-recommends", *command)


def property_of(machine, name, unit="berth.service"):
    return machine.run("systemctl", "show", "--value", f"--property={name}", unit).strip()


def pools(machine):
    return machine.run("sh", "-c", "grep -l '^berth-pool$' /proc/[0-9]*/comm").split()


def await_log(machine, text, count=1):
    deadline = time.monotonic() + 60
    while (said := machine.run("journalctl", "--no-pager", "-u", "berth.service")).count(text) < count:
        assert time.monotonic() < deadline, said
        time.sleep(0.3)


class Asking:
    """Asks again and again, until the end of `with`; no request may fail."""

    def __init__(self, machine):
        self._machine, self._stop, self.answers, self.failures = machine, threading.Event(), 0, []
        self._thread = threading.Thread(target=self._ask)

    def _ask(self):
        while not self._stop.is_set():
            try:
                assert Client(self._machine).ask("GET", "/v2/").status == 200
                self.answers += 1
            except (OSError, AssertionError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
            time.sleep(0.01)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        assert self.answers and not self.failures, self.failures


def test_install(machine, packages):
    apt(machine, "install", f"/var/{packages[0].name}")
    for unit in ("berth.service", "berth.socket"):
        assert property_of(machine, "ActiveState", unit) == "active", machine.run("systemctl", "status", unit)
        assert machine.run("systemctl", "is-enabled", unit).strip() == "enabled"
    assert property_of(machine, "StatusText") == "serving on :5000"
    assert Client(machine).ask("GET", "/v2/").status == 200
    assert machine.run("stat", "-c", "%U", f"/proc/{property_of(machine, 'MainPID')}").strip() == "berth"
    assert set(machine.run("stat", "-c", "%U", "/var/lib/registry", "/var/lib/registry/docker").split()) == {"berth"}
    assert machine.run("berth", "check-config", "/etc/berth/config.yml").endswith(": good\n")


def test_a_push_survives_an_upgrade(machine, packages):
    process, pool = property_of(machine, "MainPID"), pools(machine)
    digest = hashlib.sha256()
    for _ in range(PUSHED_BYTES // len(PIECE)):
        digest.update(PIECE)
    name = "sha256:" + digest.hexdigest()
    location = Client(machine).ask("POST", "/v2/large/blobs/uploads/").headers["Location"]
    push = Client(machine)
    push.putrequest("PUT", f"{location}&digest={name}")
    push.putheader("Content-Length", str(PUSHED_BYTES))
    push.endheaders()
    left, go_on = PUSHED_BYTES // len(PIECE), threading.Event()

    def send():     # half of it fast; then slowly until the upgrade is over; then the rest
        for piece in range(left):
            push.send(PIECE)
            if piece > left // 2:
                go_on.wait(0.7)
    sending = threading.Thread(target=send)
    sending.start()
    try:
        with Asking(machine):
            apt(machine, "install", f"/var/{packages[1].name}")
            await_log(machine, "msg=reloaded")
            assert sending.is_alive(), "the push must outlast the upgrade"
    finally:
        go_on.set()
        sending.join()
    assert push.getresponse().status == 201
    size = Client(machine).ask("HEAD", f"/v2/large/blobs/{name}").headers["Content-Length"]
    assert int(size) == PUSHED_BYTES
    assert "0.0.2" in machine.run("dpkg-query", "-W", "berth")
    assert property_of(machine, "MainPID") == process, "the same process, in which the new program runs"
    assert machine.run("readlink", f"/proc/{process}/exe").strip() == "/usr/bin/berth"
    assert pools(machine) != pool
    await_log(machine, "took the place of the program before")


def test_restart_and_reload_refuse_nobody(machine):
    with Asking(machine):
        machine.run("systemctl", "restart", "berth")
        machine.run("systemctl", "reload", "berth")
        await_log(machine, "msg=reloaded", count=2)


def test_another_port_in_one_place_alone(machine):
    config = machine.root / "etc/berth/config.yml"
    text = config.read_text()
    config.write_text(text.replace("addr: :5000", "addr: :443"))
    try:
        machine.run("systemctl", "restart", "berth", fails=True)
        await_log(machine, "berth.socket of systemd listens on")
        drop_in = machine.root / "etc/systemd/system/berth.socket.d/port.conf"
        drop_in.parent.mkdir()
        drop_in.write_text("[Socket]\nListenStream=\nListenStream=0.0.0.0:443\nListenStream=[::]:443\n")
        for command in (["daemon-reload"], ["stop", "berth"], ["restart", "berth.socket"], ["start", "berth"]):
            machine.run("systemctl", *command)
        machine.connect(443).close()     # a port that user berth could not open
        machine.run("systemctl", "kill", "--signal=USR2", "--kill-who=main", "berth")
        await_log(machine, "took the place of the program before", count=2)
        drop_in.unlink()
    finally:
        config.write_text(text)
    for command in (["daemon-reload"], ["stop", "berth"], ["restart", "berth.socket"], ["start", "berth"]):
        machine.run("systemctl", *command)
    assert Client(machine).ask("GET", "/v2/").status == 200


def test_remove_and_purge(machine):
    apt(machine, "remove", "berth")
    with pytest.raises(OSError):
        machine.connect(PORT)
    assert (machine.root / "etc/berth/config.yml").exists()
    said = apt(machine, "purge", "berth")
    assert "/var/lib/registry keeps the images" in said
    assert not (machine.root / "etc/berth").exists()
    assert (machine.root / "var/lib/registry/docker/registry/v2/repositories/large").is_dir()
    assert "berth" not in machine.run("systemctl", "list-unit-files", "--no-legend", "berth*", fails=None)
