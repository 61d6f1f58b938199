"""A certificate is swapped, or the config reloaded, under clients that repeat nothing: no request fails.

BERTH_SWAPS says how many swaps there are, with 2,000 requests for each: 10 by default, 50 for the whole bar. No client
of HTTP/1.1 rests longer between two requests on a connection than the drain (docs/decisions/0026).
"""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import threading

import pytest

import go_programs
import harness
from conftest import running
from harness import OCI_MANIFEST, Client, Registry, certificates, wait_until
from images import random_bytes
from test_compose_nginx import ComposeNginx, hang_up, put_pair
from test_lifecycle import make_certificate, served_certificate
from test_reload import reload

pytestmark = pytest.mark.differs("berth's own command")

SWAPS = int(os.environ.get("BERTH_SWAPS", "10"))
REQUESTS = 2000         # for each swap
PAUSE_SECONDS = 0.5     # between two swaps
MORE_SECONDS = 120      # for the requests that are missing after the last swap
REST = "8ms"            # of an active client, between two requests on a connection
LAYER_BYTES = 20_000


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """The load, built from swap/."""
    try:
        go = go_programs.find_go()
    except go_programs.NoGo as error:
        pytest.skip(str(error))
    path = tmp_path_factory.mktemp("swap") / "swap"
    subprocess.run([go, "build", "-o", path, "."], cwd=pathlib.Path(__file__).parent / "swap", check=True,
                   env={**os.environ, "GOWORK": "off", "GOFLAGS": "-mod=mod"})
    return path


def arguments(registry):
    """What the program is to ask for."""
    image = Client(registry).make_image("it/swaps", [random_bytes(LAYER_BYTES, "swap")], tag="v1",
                                        media_type=OCI_MANIFEST)
    return registry.url, "it/swaps", image.layers[0]


class Load:
    """The program at work. `so_far` says what it has done."""

    def __init__(self, *command):
        self._process = subprocess.Popen([*command, REST], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def so_far(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def wait_for(self, requests):
        wait_until(lambda: sum(self.so_far()["Requests"].values()) >= requests, f"{requests} requests", MORE_SECONDS)

    def end(self):
        self._process.stdin.close()
        done = json.loads(self._process.stdout.readline())
        self._process.wait(harness.STOP_SECONDS)
        return done


@contextlib.contextmanager
def no_request_fails(command, requests):
    load = Load(*command)
    try:
        yield
        load.wait_for(requests)
    finally:
        done = load.end()
        print(f"{sum(done['Requests'].values())} requests ({done['Requests']}) over {done['Dials']} connections of "
              f"HTTP/1.1; failed: {done['Failed']}", *done["Errors"], sep="\n")
    assert not done["Failed"], done


def swap(registry, folder, sees_to_it):
    pairs = [make_certificate(folder, f"number{number}") for number in range(2)]
    pause = threading.Event()
    for number in range(SWAPS):
        put_pair(folder, *pairs[number % 2])
        sees_to_it(registry)
        wait_until(lambda: served_certificate(registry).strip() == pairs[number % 2][0].read_text().strip(),
                   "the new certificate")
        pause.wait(PAUSE_SECONDS)


@pytest.fixture
def pair(tmp_path):
    put_pair(tmp_path, certificates().certificate, certificates().key)
    return tmp_path


def test_swaps_of_berth_up(program, pair):
    with running(Registry({"http": {"tls": {name: str(pair / name) for name in ("certificate", "key")}}},
                          tls=True)) as registry:
        with no_request_fails([program, *arguments(registry)], SWAPS * REQUESTS):
            swap(registry, pair, reload)


def test_swaps_of_compose(program, pair):
    with running(ComposeNginx(pair)) as registry:
        with no_request_fails([program, *arguments(registry)], SWAPS * REQUESTS):
            swap(registry, pair, lambda registry: hang_up(registry, "reloaded"))


def test_reloads_without_tls(program):
    with running(Registry()) as registry:
        with no_request_fails([program, *arguments(registry)], SWAPS * REQUESTS):
            for _ in range(SWAPS):
                reload(registry)
        assert "no live upstreams" not in registry.log()
