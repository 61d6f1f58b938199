"""A full disk: a clear error for the client, a line for the operator, pulls go on, and space brings pushes back."""
import re
import subprocess
import time

import pytest

from conftest import need, need_root, running
from harness import OCI_MANIFEST, OCTETS, Client, Registry, digest, image_manifest
from images import random_bytes
from sink import Sink
from store_check import assert_whole

DISK_BYTES = 64 << 20
RESERVE_BYTES = 24 << 20        # what the operator can free
PIECE_BYTES = 1_000_000
ANSWER_SECONDS = 10
NO_SPACE = re.compile(r"no space left|disk is full|disk full|storage full|out of space", re.IGNORECASE)


@pytest.fixture(params=["tmpfs", "ext4"])
def disk(request, tmp_path):
    """A small filesystem of its own."""
    need_root()
    need("mount", "mkfs.ext4")
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=755", "berth-test", folder]
    else:
        image = tmp_path / "image"
        with image.open("wb") as file:
            file.truncate(DISK_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True, capture_output=True)
        command = ["mount", "-o", "loop", image, folder]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this machine allows no {request.param} mount: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(path, most=None):
    """Writes to a file until nothing more fits (or it is `most` bytes long)."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while most is None or file.tell() + size <= most:
                    if file.write(b"\xff" * size) < size:
                        break
            except OSError:
                continue


def assert_tells_of_trouble(reply):
    """A 5xx in registry form; no page for people, no silence."""
    assert 500 <= reply.status < 600, reply
    assert reply.header("Content-Type").startswith("application/json"), reply
    assert reply.codes and b"<html" not in reply.body, reply


def timed(call):
    start = time.monotonic()
    reply = call()
    assert time.monotonic() - start < ANSWER_SECONDS
    return reply


def push_until_full(client, repo, how):
    """Pushes until the registry answers other than 201 and 202; that reply, and the blobs that it has."""
    blobs = {}
    for number in range(2 * DISK_BYTES // PIECE_BYTES):
        data = random_bytes(PIECE_BYTES, f"{repo} {number}")
        reply = timed(lambda: client.post(client.uploads(repo)))
        if reply.status == 202 and how != "monolithic":
            location, body = reply.header("Location"), iter([data]) if how == "streamed" else data
            reply = timed(lambda: client.patch(location, {"Content-Type": OCTETS}, body))
        if reply.status == 202:
            location, rest = reply.header("Location"), data if how == "monolithic" else None
            reply = timed(lambda: client.finish_upload(location, digest(data), rest))
        if reply.status != 201:
            return reply, blobs
        blobs[digest(data)] = data
    raise AssertionError("the disk never filled")


@pytest.mark.differs("it writes link files in place")
@pytest.mark.parametrize("how", ["monolithic", "chunked", "streamed"])
def test_full_and_freed(registry_class, disk, how):
    fill(disk / "reserve", RESERVE_BYTES)
    with running(registry_class(root=disk / "data")) as registry:
        client = Client(registry)
        kept = client.make_image("full/kept", [random_bytes(PIECE_BYTES, "kept")], tag="v1")
        begun = client.append(client.start_upload("full/begun"), b"begun ")
        manifest = image_manifest(OCI_MANIFEST, b"{}", [b"last layer"])
        for data in (b"{}", b"last layer"):
            client.push_blob("full/kept", data)

        reply, blobs = push_until_full(client, "full/pushed", how)
        assert_tells_of_trouble(reply)
        assert len(blobs) > 3

        fill(disk / "last-bytes")
        more = random_bytes(PIECE_BYTES, "more")
        assert_tells_of_trouble(timed(lambda: client.patch(begun, {"Content-Type": OCTETS}, more)))
        for reply in (timed(lambda: client.post(client.uploads("full/new"))),
                      timed(lambda: client.put_manifest("full/kept", "v2", manifest))):
            if reply.status not in (201, 202):      # a few bytes may still have found a place
                assert_tells_of_trouble(reply)

        assert_pulls_go_on(client, kept, blobs)
        assert_whole(registry.v2_root)
        told = [line for line in registry.log().splitlines() if NO_SPACE.search(line)]
        assert any(str(disk) in line for line in told), f"no line names the disk:\n{registry.log()[-3000:]}"

        (disk / "reserve").unlink()
        (disk / "last-bytes").unlink()
        image = client.make_image("full/again", [random_bytes(PIECE_BYTES, "again")], tag="v1")
        assert client.get(client.manifest("full/again", "v1"), {"Accept": image.media_type}).body == image.manifest
        location = client.get(begun).header("Location")
        assert client.finish_upload(location, digest(b"begun ended"), b"ended").status == 201
        assert client.put_manifest("full/kept", "v2", manifest).status == 201
        assert_whole(registry.v2_root)


def assert_pulls_go_on(client, kept, blobs):
    assert client.get(client.manifest("full/kept", "v1"), {"Accept": kept.media_type}).body == kept.manifest
    for blob in (kept.config, *kept.layers):
        client.fetch_blob("full/kept", blob)
    for blob in blobs:
        client.fetch_blob("full/pushed", blob)
    assert client.get(client.tags("full/kept")).json()["tags"][0] == "v1"


@pytest.mark.differs("it writes link files in place")
def test_started_on_a_full_disk(registry_class, disk, tmp_path):
    """With its run directory elsewhere, a restart on a full disk still serves what is there."""
    registry = registry_class({"berth": {"rundirectory": str(tmp_path / "run")}}, root=disk / "data").start()
    try:
        client = Client(registry)
        kept = client.make_image("full/kept", [random_bytes(PIECE_BYTES, "kept")], tag="v1")
        registry.stop()
        fill(disk / "filler")
        registry.start()
        assert_pulls_go_on(client, kept, {})
        assert_tells_of_trouble(client.put_manifest("full/kept", "v2", kept.manifest + b" " * 100_000,
                                                    kept.media_type))
        registry.stop()
    finally:
        registry.close()


@pytest.mark.differs("it has no run directory")
def test_no_room_for_the_run_directory(registry_class, disk):
    """A start that finds no room either does without, or ends and says why; the next one works."""
    registry = registry_class(root=disk / "data").start()
    try:
        kept = Client(registry).make_image("full/kept", [random_bytes(PIECE_BYTES, "kept")], tag="v1")
        registry.stop()
        fill(disk / "filler")
        try:
            registry.start()
        except RuntimeError as refused:
            assert "ended with 1" in str(refused) and NO_SPACE.search(str(refused)) and str(disk) in str(refused)
            (disk / "filler").unlink()
            registry.start()
        assert_pulls_go_on(Client(registry), kept, {})
        registry.stop()
    finally:
        registry.close()


@pytest.mark.differs("it keeps events in memory")
def test_events_that_find_no_room_are_lost_aloud(disk):
    """An endpoint that is down, and a full disk: pulls go on, the log says what is lost; with room all is as before."""
    with Sink() as sink:
        sink.down()
        config = {"notifications": {"endpoints": [sink.endpoint()]}}
        with running(Registry(config, root=disk / "data")) as registry:
            client = Client(registry)
            kept = client.make_image("full/kept", [random_bytes(PIECE_BYTES, "kept")], tag="v1")
            fill(disk / "filler")
            for _ in range(200):        # the queue's last block takes some
                client.fetch_blob("full/kept", kept.layers[0])
            assert "notifications: an event is lost" in registry.log()
            (disk / "filler").unlink()
            sink.up()
            last = client.push_blob("full/kept", b"the last")
            deadline = time.monotonic() + ANSWER_SECONDS
            while not sink.events or sink.events[-1]["target"]["digest"] != last:
                assert time.monotonic() < deadline, sink.events
                time.sleep(0.05)
            told = [event["target"]["digest"] for event in sink.events if event["action"] == "push"]
            assert told == [kept.config, *kept.layers, kept.digest, last]
