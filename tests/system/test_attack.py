"""Hostile layers: whoever sends them gets what they are worth, and nobody else waits.

Layers of the v1 API are unpacked by the pool. Those here become terabytes, or ask for gigabytes of memory, of a few
hundred kilobytes.
"""
import concurrent.futures
import contextlib
import itertools
import json
import pathlib
import subprocess
import threading
import time

import pytest

import hostile_layers
from conftest import need, running
from harness import Client, wait_until
from images import random_bytes
from store_check import assert_whole
from v1_client import V1Client, make_image

ATTACKERS = 64
MANY = 150                  # more than are taken at once
ANSWER_SECONDS = 1.0        # the slowest answer to anybody else
PUSH_SECONDS = 20           # of somebody else's
IDLE_SECONDS = 10           # until the pool has noticed that the clients have left
MAX_POOL_BYTES = 256 * hostile_layers.MEGA
MEGA = hostile_layers.MEGA

BOMBS = {
    "bzip2": lambda: hostile_layers.bzip2_zeros(275_000),
    "gzip": lambda: hostile_layers.gzip_zeros(2 << 30),
    "xz -9": lambda: hostile_layers.xz_zeros(110 * MEGA, 28),
    "xz of 96 MiB": lambda: hostile_layers.xz_zeros(110 * MEGA, 29),
    "xz of 4 GiB": lambda: hostile_layers.xz_zeros(110 * MEGA, 40),
    "streams": lambda: hostile_layers.empty_streams(MEGA),
}

_names = itertools.count(1)

pytestmark = pytest.mark.differs("it has no v1 face")


@pytest.fixture
def registry(registry_class):
    with running(registry_class()) as started:
        yield started
        assert_whole(started.v2_root)


def pool_memory(registry):
    """The most that the pool has ever held, in bytes."""
    (pool,) = registry.pools()
    for line in pathlib.Path(f"/proc/{pool}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def pool_seconds(registry):
    """Processor time that the pool has used."""
    (pool,) = registry.pools()
    fields = pathlib.Path(f"/proc/{pool}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def hostile_image(layer):
    return make_image(f"hostile {next(_names)}", layer=layer)


def begin_image(registry, image):
    assert Client(registry).put(f"/v1/images/{image.id}/json", body=image.json).status == 200


def send_layer(registry, image):
    return Client(registry).put(f"/v1/images/{image.id}/layer", body=image.layer)


@contextlib.contextmanager
def watched(registry):
    """Asks for what everybody asks for, all the time; nothing of it may be slow."""
    client = Client(registry)
    image = client.make_image("team/beside", [random_bytes(1000, "beside")], tag="v1")
    stop, slowest, failed = threading.Event(), [0.0], []

    def ask():
        while not stop.is_set():
            begin = time.monotonic()
            try:
                status = client.get("/v2/").status
                body = client.get(client.manifest("team/beside", "v1"), {"Accept": image.media_type}).body
                if status != 200 or body != image.manifest:
                    failed.append((status, body))
            except OSError as error:
                failed.append(error)
            slowest[0] = max(slowest[0], time.monotonic() - begin)
            stop.wait(0.01)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert not failed
    assert slowest[0] < ANSWER_SECONDS, f"the slowest answer took {slowest[0]:.2f} s"
    assert pool_memory(registry) < MAX_POOL_BYTES


def assert_pushes_go_on(registry):
    begin = time.monotonic()
    name = f"team/honest{next(_names)}"
    client = Client(registry)
    client.make_image(name, [random_bytes(200_000, name), random_bytes(9 * MEGA, f"large {name}")], tag="v1")
    base = make_image(f"{name} base", files={"etc/motd": random_bytes(300_000, name)})
    top = make_image(f"{name} top", parent=base, files={"top": random_bytes(3 * MEGA, f"top {name}")})
    assert V1Client(registry).push(name, [base, top], {"old": top.id}) == [base.id, top.id]
    assert time.monotonic() - begin < PUSH_SECONDS


@contextlib.contextmanager
def attack(registry, layers):
    """Sends the layers, all at once; yields the futures of the replies."""
    images = [hostile_image(layer) for layer in layers]
    for image in images:
        begin_image(registry, image)
    with concurrent.futures.ThreadPoolExecutor(len(images)) as senders:
        yield [senders.submit(send_layer, registry, image) for image in images]


@pytest.mark.parametrize("kind", BOMBS)
def test_others_do_not_wait(registry, kind):
    with attack(registry, [BOMBS[kind]()] * ATTACKERS) as replies:
        with watched(registry):
            assert_pushes_go_on(registry)
            if kind in ("xz of 96 MiB", "xz of 4 GiB"):
                answers = [reply.result() for reply in replies]
                assert all(answer.status == 400 and "of memory to be unpacked" in answer.json()["error"]
                           for answer in answers), answers
        registry.kill()     # the others come to an end, too, but that takes a while


def test_more_than_are_taken_at_once(registry):
    makers = list(BOMBS.values())
    with attack(registry, [makers[number % len(makers)]() for number in range(MANY)]) as replies:
        with watched(registry):
            wait_until(lambda: any(reply.done() for reply in replies), "one was refused")
            assert_pushes_go_on(registry)
        answers = [reply.result() for reply in replies if reply.done()]
        assert {answer.status for answer in answers} <= {200, 400, 503}
        registry.kill()


class Leaver:
    """A client over HTTP/1.1 that sends a layer, and leaves when it is told to."""

    def __init__(self, registry, image):
        self.connection = Client(registry).connect()
        self.connection.request("PUT", f"/v1/images/{image.id}/layer", body=image.layer)

    def leave(self):
        self.connection.close()


class Http2Leaver:
    def __init__(self, registry, image):
        folder = registry.directory
        (folder / image.id).write_bytes(image.layer)
        self.process = subprocess.Popen(
            ["curl", "-s", "--http2", "--cacert", registry.ca_file, "-T", folder / image.id,
             f"{registry.url}/v1/images/{image.id}/layer"], stdout=subprocess.DEVNULL)

    def leave(self):
        self.process.kill()
        self.process.wait()


@pytest.mark.parametrize("leaver", [Leaver, Http2Leaver])
def test_the_work_ends_when_the_clients_leave(registry_class, leaver):
    need("curl")
    with running(registry_class(tls=leaver is Http2Leaver)) as registry:
        images = [hostile_image(BOMBS["gzip"]()) for _ in range(8)]
        for image in images:
            begin_image(registry, image)
        before = pool_seconds(registry)
        clients = [leaver(registry, image) for image in images]
        wait_until(lambda: pool_seconds(registry) > before + 1, "it is at work")
        for client in clients:
            client.leave()
        wait_until(lambda: is_idle(registry), "the pool is idle", IDLE_SECONDS)
        assert not [path for path in (registry.root / "berth").rglob("spool/*") if path.name != "lock"]


def is_idle(registry):
    before = pool_seconds(registry)
    time.sleep(0.5)
    return pool_seconds(registry) - before < 0.1


def test_packing_again(registry):
    """Layers that are not gzip are packed again when their image is tagged: here one that is within all limits."""
    image = hostile_image(hostile_layers.xz_zeros(250 * MEGA, 28))
    begin_image(registry, image)
    assert send_layer(registry, image).status == 200
    assert Client(registry).put(f"/v1/images/{image.id}/checksum",
                                {"X-Docker-Checksum-Payload": image.payload_checksum}).status == 200

    def tag(number):
        path = f"/v1/repositories/hostile/tag{number}/tags/latest"
        return Client(registry).put(path, body=json.dumps(image.id).encode())

    with concurrent.futures.ThreadPoolExecutor(ATTACKERS) as senders:
        for number in range(ATTACKERS):
            senders.submit(tag, number)
        with watched(registry):
            assert_pushes_go_on(registry)
        registry.kill()
