"""`berth verify` on the store of a registry that runs: what it finds, what it mends, and what clients see then."""
import json
import os
import signal
import subprocess
import time

import pytest

import harness
from conftest import running
from harness import Client, Registry
from images import random_bytes
from store_check import assert_whole, blob_file

pytestmark = pytest.mark.differs("berth's own command")

BERTH = os.environ.get("BERTH", str(harness.REPOSITORY / "build" / "berth"))
VERIFY_SECONDS = 120
FEW_BYTES, RATE = 4_000_000, 1_000_000
SOUND, FINDINGS, USAGE, STOPPED = 0, 1, 2, 3


def verify(registry, *options):
    done = subprocess.run([BERTH, "verify", registry.config_file, "--quiet", *options], capture_output=True, text=True,
                          timeout=VERIFY_SECONDS)
    assert done.stderr == "", done
    return done.returncode, done.stdout.splitlines()


def findings(registry, *options):
    code, lines = verify(registry, "--format=json", *options)
    *found, sums = map(json.loads, lines)
    return code, found, sums


@pytest.fixture
def registry():
    with running(Registry()) as registry:
        yield registry


def test_a_sound_store(registry):
    client = Client(registry)
    client.make_image("team/app", [random_bytes(100_000, "layer")], tag="v1")
    code, [line] = verify(registry)
    assert code == SOUND and line.startswith("1 repositories, 1 manifests, 1 tags; 3 blobs read, ")
    assert line.endswith(": sound")
    code, found, sums = findings(registry, "--older", "1h")
    assert (code, found, sums["passedOver"], sums["blobs"], sums["whole"]) == (SOUND, [], 3, 0, True)


def test_a_damaged_blob_is_mended_by_the_next_push(registry):
    client = Client(registry)
    layer = random_bytes(100_000, "layer")
    image = client.make_image("team/app", [layer], tag="v1")
    file = blob_file(registry.v2_root, image.layers[0])
    file.write_bytes(b"x" + layer[1:])
    code, [found], sums = findings(registry)
    assert (code, found["kind"], found["digest"], sums["findings"]) == (FINDINGS, "damaged", image.layers[0], 1)
    assert "action" not in found and client.get(client.blob("team/app", image.layers[0])).status == 200

    code, [mended], _ = findings(registry, "--repair")
    assert code == FINDINGS and mended["action"].startswith("moved to /berth/damaged/sha256/")
    assert (registry.root / mended["action"].removeprefix("moved to /")).read_bytes() == b"x" + layer[1:]
    assert client.head(client.blob("team/app", image.layers[0])).status == 404
    code, [found], _ = findings(registry)
    assert (code, found["kind"], found["repository"], found["tags"]) == (FINDINGS, "incomplete", "team/app", ["v1"])

    client.push_blob("team/app", layer)
    assert client.fetch_blob("team/app", image.layers[0]) == layer
    assert findings(registry)[0] == SOUND
    assert_whole(registry.v2_root)


def test_repositories_that_are_named(registry):
    client = Client(registry)
    images = {name: client.make_image(name, [random_bytes(1000, name)], tag="v1") for name in ("team/a", "other/b")}
    for image in images.values():
        blob_file(registry.v2_root, image.layers[0]).write_bytes(b"damaged")
    code, found, _ = findings(registry, "--repository", "team/*")
    assert code == FINDINGS
    assert {(each["kind"], each["digest"]) for each in found} >= {("damaged", images["team/a"].layers[0])}
    assert not any(images["other/b"].layers[0] in str(each) for each in found)
    done = subprocess.run([BERTH, "verify", registry.config_file, "--repository", "Team/*"], capture_output=True,
                          text=True)
    assert done.returncode == USAGE and '--repository "Team/*": allowed is ' in done.stderr


def test_a_run_that_is_cut_short_is_gone_on_with(registry):
    client = Client(registry)
    for number in range(40):
        client.push_blob("team/app", random_bytes(FEW_BYTES // 40, str(number)))
    command = [BERTH, "verify", registry.config_file, "--quiet", "--format=json"]
    slow = subprocess.Popen([*command, "--rate", str(RATE)], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + VERIFY_SECONDS
    times = registry.root / "berth" / "verify"
    while not (times.is_dir() and len(list(times.iterdir())) > 5):
        assert time.monotonic() < deadline and slow.poll() is None
        time.sleep(harness.POLL_SECONDS)
    slow.send_signal(signal.SIGTERM)
    first = json.loads(slow.communicate(timeout=VERIFY_SECONDS)[0].splitlines()[-1])
    assert slow.returncode == STOPPED and not first["whole"] and 0 < first["blobs"] < 40
    code, _, rest = findings(registry)
    assert (code, rest["blobs"] + first["blobs"], rest["passedOver"]) == (SOUND, 40, first["blobs"])


def test_bytes_a_second(registry):
    client = Client(registry)
    client.push_blob("team/app", random_bytes(2 * RATE, "paced"))
    began = time.monotonic()
    assert verify(registry, "--rate", "1MB")[0] == SOUND
    assert time.monotonic() - began > 1.5


def test_what_cannot_be_read_is_told_and_does_not_end_the_run(registry):
    client = Client(registry)
    image = client.make_image("team/app", [b"layer"], tag="v1")
    file = blob_file(registry.v2_root, image.layers[0])
    file.unlink()
    file.mkdir()        # a disk that errs cannot be had so easily
    code, found, sums = findings(registry)
    assert "unreadable" in {each["kind"] for each in found}, found
    assert (code, sums["whole"], sums["blobs"]) == (STOPPED, False, 2), sums
