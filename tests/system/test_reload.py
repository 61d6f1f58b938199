"""SIGHUP: what is wrong with the new leaves the old as it was; what is right comes without a failed request."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import threading
import time

import pytest

import harness
from conftest import need_root, running
from harness import OCTETS, Client, Registry, certificates, digest, wait_until
from images import random_bytes
from races import Background
from test_lifecycle import any_certificate, assert_works, make_certificate, served_certificate

pytestmark = pytest.mark.differs("berth's own command")

RELOADS = 20
SWAPS = 30              # one a second
SWAP_SECONDS = 1.0
SHORT_DRAIN = {"reloaddrain": "100ms"}
CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)


def reload(registry, says="reloaded"):
    """SIGHUP, and what the log says of it."""
    length = len(registry.log())
    registry.send_signal(signal.SIGHUP)
    try:
        wait_until(lambda: re.search(f"(?<!not ){says}", registry.log()[length:]), says)
    except AssertionError as error:
        raise AssertionError(f"{error}; the log since:\n{registry.log()[length:]}") from None
    return registry.log()[length:]


def rewrite(registry, changes):
    registry.config = harness.merged(registry.config, changes)
    registry.config_file.write_text(json.dumps(registry.config))


@pytest.fixture
def with_files(tmp_path):
    """A registry whose certificate, key, nginx files and secret a test may change."""
    for name in ("certificate", "key"):
        shutil.copy(getattr(certificates(), name), tmp_path / name)
    shutil.copytree(harness.REPOSITORY / "nginx", tmp_path / "nginx")
    registry = Registry({"http": {"secret": None, "tls": {n: str(tmp_path / n) for n in ("certificate", "key")}},
                         "berth": {"nginx": {"directory": str(tmp_path / "nginx"), **SHORT_DRAIN}}}, tls=True)
    with running(registry):
        yield registry, tmp_path


def whole_tree(registry):
    """Its processes, once nginx has all its workers: the first may answer before the last is there."""
    wait_until(lambda: len(registry.nginx_workers()) == os.cpu_count(), "nginx has a worker for each core")
    return registry.tree()


def expire(folder):
    key, request = folder / "key", folder / "request"
    subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=old", "-out", request], check=True)
    subprocess.run(["openssl", "x509", "-req", "-in", request, "-signkey", key, "-days", "-1",
                    "-out", folder / "certificate"], check=True, capture_output=True)


BREAKS = {
    "the config is invalid": (lambda registry, folder: rewrite(registry, {"log": {"level": "loud"}}), "log.level"),
    "the config is not YAML": (lambda registry, folder: registry.config_file.write_text("{"), "config.yml"),
    "half a section": (lambda registry, folder: rewrite(registry, {"berth": {"access": {"rules": []}}}),
                       "berth.access.rules: (a list): allowed is a list of rules"),
    "a rule that is none": (lambda registry, folder: rewrite(registry, {"berth": {"access": {"rules": [
        {"who": "anyone", "repositories": "Team/**", "may": "pull"}]}}}), "berth.access.rules[0].repositories: "),
    "another address": (lambda registry, folder: rewrite(registry, {"http": {"addr": "127.0.0.1:1"}}),
                        "a change of http.addr needs a restart"),
    "another spool": (lambda registry, folder: rewrite(registry, {"berth": {"spool": str(folder / "spool")}}),
                      "a change of berth.spool needs a restart"),
    "no certificate": (lambda registry, folder: (folder / "certificate").unlink(), "certificate"),
    "expired": (lambda registry, folder: expire(folder), "expired"),
    "not PEM": (lambda registry, folder: (folder / "certificate").write_text("x"), "PEM"),
    "key not PEM": (lambda registry, folder: (folder / "key").write_text("x"), "PEM"),
    "key of another": (lambda registry, folder: os.replace(make_certificate(folder, "other")[1], folder / "key"),
                       "is not the key of"),
    "nginx -t fails": (lambda registry, folder: (folder / "nginx" / "nginx.conf").open("a").write("nonsense;\n"),
                       "nginx refuses its configuration"),
    "the pool dies": (lambda registry, folder: (registry.root / "berth" / "secret").write_text("rubbish"),
                      "the new pool ended before it could serve"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_wrong_leaves_the_old(with_files, what):
    registry, folder = with_files
    before, pids = served_certificate(registry), whole_tree(registry)
    saved = {path: path.read_bytes() for path in [folder / "certificate", folder / "key", registry.config_file,
                                                  folder / "nginx" / "nginx.conf", registry.root / "berth" / "secret"]}
    begun = Client(registry).append(Client(registry).start_upload("it/waits"), b"begun ")
    change, says = BREAKS[what]
    change(registry, folder)
    assert says in reload(registry, "not reloaded"), registry.log()
    assert served_certificate(registry) == before
    wait_until(lambda: registry.tree() == pids, "no process more, and none less")
    registry.config["http"]["tls"]["certificate"] = certificates().certificate
    assert_works(registry)

    for path, data in saved.items():
        path.write_bytes(data)
    reload(registry)
    assert Client(registry).finish_upload(begun, digest(b"begun ended"), b"ended").status == 201
    run = next((registry.root / "berth").glob("*/run"))
    assert not list(run.glob("nginx.new")) + list(run.glob("nginx.old")), "what was staged is cleared away"


def test_nginx_that_does_not_take_it_is_left_with_the_old(with_files):
    """nginx is stopped, as on a machine that is out of breath: time runs out, and nothing has changed."""
    registry, folder = with_files
    certificate, key = make_certificate(folder, "unwanted")
    before = served_certificate(registry)
    os.replace(key, folder / "key")
    os.replace(certificate, folder / "certificate")
    master = registry.nginx_master()
    os.kill(master, signal.SIGSTOP)
    try:
        assert "nginx did not take" in reload(registry, "not reloaded")
    finally:
        os.kill(master, signal.SIGCONT)
    assert served_certificate(registry) == before
    reload(registry)
    assert served_certificate(registry) != before


def test_a_stop_does_not_wait_for_a_reload(with_files):
    registry, folder = with_files
    master = registry.nginx_master()
    os.kill(master, signal.SIGSTOP)
    registry.send_signal(signal.SIGHUP)
    time.sleep(0.5)     # into the reload; whether it is there makes no difference to what must come
    registry.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping" in registry.log(), "it stops")
    os.kill(master, signal.SIGCONT)
    registry.stop()


# A drain that something meets


def drain_file(registry):
    return next((registry.root / "berth").glob("*/run")) / "draining"


def begin_drain(registry):
    registry.send_signal(signal.SIGHUP)
    wait_until(drain_file(registry).exists, "the drain begins")


@pytest.fixture
def draining():
    with running(Registry({"berth": {"nginx": {"reloaddrain": "2s"}}})) as registry:
        begin_drain(registry)
        yield registry


def test_a_second_reload_comes_after_the_first(draining):
    draining.send_signal(signal.SIGHUP)
    wait_until(lambda: len(re.findall("reloaded", draining.log())) == 2, "both")
    assert "not reloaded" not in draining.log() and not drain_file(draining).exists()


def test_a_stop_ends_a_drain(draining):
    draining.stop()
    assert "told to stop" in draining.log() and not drain_file(draining).exists()


def test_an_nginx_that_dies_ends_a_drain(draining):
    os.kill(draining.nginx_master(), signal.SIGKILL)
    wait_until(lambda: "not reloaded: nginx ended meanwhile" in draining.log(), "it is given up")
    assert not drain_file(draining).exists()
    wait_until(lambda: len(draining.nginx_workers()) == os.cpu_count(), "nginx is there again")
    reload(draining)


def test_a_start_ends_a_drain(draining):
    draining.kill()
    assert drain_file(draining).exists()
    draining.start()
    assert not drain_file(draining).exists()
    assert Client(draining).get("/v2/").header("Connection") != "close"


@pytest.mark.parametrize("workers", ["1", "7"])
def test_any_number_of_workers(with_files, workers):
    registry, folder = with_files
    file = folder / "nginx" / "nginx.conf"
    for number in (workers, "3"):
        file.write_text(file.read_text().replace("worker_processes auto", f"worker_processes {number}")
                        .replace(f"worker_processes {workers}", f"worker_processes {number}"))
        reload(registry)
        reload(registry)


def test_log_level_and_warnings_are_of_the_new_config():
    with running(Registry({"log": {"level": "error"}})) as registry:
        assert "listening on" not in registry.log()
        rewrite(registry, {"log": {"level": "info"}, "http": {"adr": "x"}})
        said = reload(registry)
        assert "http.adr" in said and "addr?" in said, said
        rewrite(registry, {"log": {"level": "error"}, "http": {"adr": None}})
        length, before = len(registry.log()), registry.pools()
        registry.send_signal(signal.SIGHUP)
        wait_until(lambda: (pools := registry.pools()) and not pools & before, "a new pool alone")
        registry.stop()
        assert not re.search("(?<!not )reloaded", registry.log()[length:])


# Under load


class KeptAlive:
    """A client that keeps its connection, and asks again over a new one where an idle one was closed under its request:
    as Go's and curl's do, and as RFC 9112 9.3.1 has it."""

    def __init__(self, client):
        self._client = client
        self._connection = client.connect()
        self.requests = self.closed = 0

    def ask(self, method, target, body=None):
        self.requests += 1
        for attempt in (1, 2):
            try:
                headers = {"Content-Type": OCTETS} if body else {}
                self._connection.request(method, self._client.path_of(target), body, headers)
                response = self._connection.getresponse()
                return response, response.read()
            except CLOSED:
                self._connection.close()
                self.closed += 1
                assert attempt == 1, "a fresh connection was closed without an answer"

    def push(self):
        data = os.urandom(30_000)
        begun, _ = self.ask("POST", self._client.uploads("it/keeps"))
        assert begun.status == 202, begun.status
        ended, text = self.ask("PUT", harness.with_query(begun.getheader("Location"), digest=digest(data)), data)
        assert ended.status == 201, (ended.status, text)


def load(client):
    """Pushes and pulls over fresh connections and over kept ones; the kept ones' counts."""
    blob = random_bytes(200_000, "load")
    pushed = client.push_blob("it/loads", blob)
    kept = [KeptAlive(client) for _ in range(3)]

    def pull_kept():
        response, body = kept[2].ask("GET", client.blob("it/loads", pushed))
        assert response.status == 200 and body == blob

    return kept, Background(lambda: client.push_blob("it/loads", os.urandom(50_000)),
                            lambda: client.fetch_blob("it/loads", pushed), kept[0].push, kept[1].push, pull_kept)


def report(kept, rounds, reloads):
    print(f"{reloads} reloads, {sum(rounds)} rounds, kept-alive: {sum(k.requests for k in kept)} requests, "
          f"{sum(k.closed for k in kept)} idle connections closed under one")
    assert min(rounds) > 3


def test_many_reloads_lose_no_request():
    with running(Registry({"berth": {"nginx": SHORT_DRAIN}})) as registry:
        kept, requests = load(Client(registry))
        with requests:
            for _ in range(RELOADS):
                reload(registry)
                assert not requests.failed
        report(kept, requests.rounds, RELOADS)


def test_a_certificate_swapped_every_second_loses_no_request(with_files):
    registry, folder = with_files
    pairs = [make_certificate(folder, f"number{number}") for number in range(2)]
    client = any_certificate(Client(registry))
    kept, requests = load(client)
    stop = threading.Event()
    with requests:
        for number in range(SWAPS):
            certificate, key = pairs[number % 2]
            shutil.copy(key, folder / "key")
            shutil.copy(certificate, folder / "certificate")
            reload(registry)
            assert served_certificate(registry).strip() == certificate.read_text().strip()
            assert not requests.failed
            stop.wait(SWAP_SECONDS)
    report(kept, requests.rounds, SWAPS)


def test_root_only_key_is_read_again_by_root(tmp_path):
    need_root()
    for name in ("certificate", "key"):
        shutil.copy(getattr(certificates(), name), tmp_path / name)
    os.chmod(tmp_path / "key", 0o600)
    registry = Registry({"http": {"tls": {n: str(tmp_path / n) for n in ("certificate", "key")}}}, tls=True)
    registry.root.mkdir()
    os.chown(registry.root, 65534, 65534)
    with running(registry):
        certificate, key = make_certificate(tmp_path, "next")
        os.chmod(key, 0o600)
        os.replace(key, tmp_path / "key")
        os.replace(certificate, tmp_path / "certificate")
        reload(registry)
        assert served_certificate(registry).strip() == (tmp_path / "certificate").read_text().strip()
        status = pathlib.Path(f"/proc/{registry.pid}/status").read_text()
        assert "Uid:\t0\t65534\t0\t65534" in status, status
