"""A registry in a bucket: versitygw's, beside docker-registry 2.8.2 over the same keys. berth runs on one host."""
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time

import pytest

import go_programs
import harness
from conftest import need, running
from harness import OCI_MANIFEST, Client, digest, wait_until
from images import random_bytes
from s3_server import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server

pytestmark = pytest.mark.differs("berth's own command")

CONTRACT = pathlib.Path(os.environ.get("BERTH", harness.REPOSITORY / "build" / "berth")).parent / "tests/test_contract"
CONTRACT_SECONDS = 240
REFUSAL_SECONDS = 60
MIB = 1 << 20
GRACE_SECONDS = 2


@pytest.fixture(scope="module")
def server():
    try:
        with S3Server() as started:
            yield started
    except go_programs.Unavailable as error:
        pytest.skip(str(error))


def in_bucket(server, place, **s3):
    """A config of berth whose store is in the bucket, and whose own files are in `place`."""
    return {"storage": {"filesystem": None, "s3": server.config(**s3)},
            "berth": {"statedirectory": str(place)}}


@pytest.fixture(scope="module")
def registry(server, tmp_path_factory):
    with running(harness.Registry(in_bucket(server, tmp_path_factory.mktemp("state")))) as started:
        yield started
        assert SECRET_KEY not in started.log() and "X-Amz-Signature" not in started.log()


@pytest.fixture(scope="module")
def client(registry):
    return Client(registry)


@pytest.fixture(scope="module")
def peer(server):
    need("docker-registry")
    config = {"storage": {"filesystem": None, "s3": server.config(), "cache": None}}
    env = {"AWS_CA_BUNDLE": ""}
    with running(harness.PeerRegistry(config, env=env)) as started:
        yield started


def follow(reply, headers=()):
    """The bytes where a redirect leads."""
    assert reply.status == 307, reply
    return harness.follow(reply, headers).body


def assert_pulls(client, repo, reference, image):
    """The image is there, by tag or digest, and all of its blobs have the right bytes."""
    reply = client.get(client.manifest(repo, reference), {"Accept": image.media_type})
    assert reply.status == 200 and reply.body == image.manifest, reply
    for blob in (image.config, *image.layers):
        assert client.head(client.blob(repo, blob)).status in (200, 307)
        assert digest(follow(client.get(client.blob(repo, blob)))) == blob


def test_the_driver_keeps_its_contract(server):
    if not CONTRACT.exists():
        pytest.skip(f"{CONTRACT} is not built")
    env = {**os.environ, "BERTH_TEST_S3": f"{BUCKET} {server.url}", "AWS_ACCESS_KEY_ID": ACCESS_KEY,
           "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    done = subprocess.run([CONTRACT, "-#", "[#storage_driver_test],[s3]"], env=env, capture_output=True, text=True,
                          timeout=CONTRACT_SECONDS)
    assert done.returncode == 0 and "SKIPPED" not in done.stdout, done.stdout[-4000:]
    shutil.rmtree(server.bucket / "tests", ignore_errors=True)


def test_blobs_are_redirected_and_heads_answered(client, registry):
    data = random_bytes(100_000, "redirected")
    blob = client.push_blob("it/blobs", data)
    target = client.blob("it/blobs", blob)
    head = client.head(target)
    assert head.status == 200 and head.header("Content-Length") == str(len(data)), head
    assert head.header("Docker-Content-Digest") == blob and head.header("Accept-Ranges") == "bytes"
    reply = client.get(target)
    assert reply.header("Cache-Control") == "no-store", reply   # the URL is good for a while only
    assert follow(reply) == data and SECRET_KEY not in reply.header("Location")
    assert client.get(target, {"If-None-Match": f'"{blob}"'}).status == 304
    part = {"Range": "bytes=10-19"}
    assert follow(client.get(target, part), part.items()) == data[10:20]
    assert client.get(target, {"Range": f"bytes={len(data)}-"}).status == 416
    other = client.blob("it/elsewhere", blob)
    assert client.get(other).status == 404 and client.head(other).status == 404
    assert SECRET_KEY not in registry.log()


def test_pushes_of_every_kind(client, server):
    repo, data = "it/pushes", random_bytes(3 * MIB, "chunks")
    assert client.push_blob_chunked(repo, [data[:MIB], data[MIB:2 * MIB], data[2 * MIB:]]) == digest(data)
    whole = random_bytes(70 * MIB, "in parts")
    assert client.push_blob_chunked(repo, [whole], streamed=True) == digest(whole)
    assert digest(follow(client.get(client.blob(repo, digest(whole))))) == digest(whole)
    wrong = client.finish_upload(client.start_upload(repo), digest(b"else"), b"this")
    assert wrong.status == 400 and wrong.codes == ["DIGEST_INVALID"]
    assert client.head(client.blob(repo, digest(b"else"))).status == 404
    mounted = client.post(client.uploads("it/mounts") + f"?mount={digest(data)}&from={repo}")
    assert mounted.status == 201, mounted
    assert client.head(client.blob("it/mounts", digest(data))).status == 200
    assert not [key for key in server.keys() if "/berth/uploads/" in key]
    assert not [key for key in server.keys() if "/berth/probe" in key]


def test_tags_are_listed_in_order_and_deleted(client):
    repo, tags = "it/tags", ["1.2", "1.2-alpine", "1", "10", "latest", "v1.0.0"]
    for tag in tags:
        client.make_image(repo, tag=tag)
    assert client.get(client.tags(repo)).json()["tags"] == sorted(tags)
    page = client.get(client.tags(repo) + "?n=2&last=1.2")
    assert page.json()["tags"] == ["1.2-alpine", "10"]
    assert repo in client.get(client.base + "_catalog").json()["repositories"]
    image = client.make_image(repo, tag="gone")
    assert client.delete(client.manifest(repo, image.digest)).status == 202
    assert client.get(client.manifest(repo, "gone")).status == 404
    assert client.get(client.tags(repo)).json()["tags"] == sorted(tags)


def test_a_bucket_is_taken_over_and_handed_back(client, peer, server):
    theirs = Client(peer)
    layers = [random_bytes(200_000, "theirs"), random_bytes(6 * MIB, "in their parts")]
    old = theirs.make_image("team/old", layers, tag="1.0", media_type=OCI_MANIFEST)
    assert_pulls(client, "team/old", "1.0", old)
    assert_pulls(client, "team/old", old.digest, old)
    new = client.make_image("team/new", [random_bytes(200_000, "ours"), layers[1]], tag="1.0", media_type=OCI_MANIFEST)
    again = client.make_image("team/old", [layers[0], random_bytes(5000, "more")], tag="1.0", media_type=OCI_MANIFEST)
    assert_pulls(theirs, "team/new", "1.0", new)
    assert_pulls(theirs, "team/old", "1.0", again)
    assert_pulls(theirs, "team/old", old.digest, old)
    assert {"team/new", "team/old"} <= set(theirs.get(theirs.base + "_catalog").json()["repositories"])
    last = theirs.make_image("team/new", tag="2.0", media_type=OCI_MANIFEST)
    assert_pulls(client, "team/new", "2.0", last)
    assert theirs.get(theirs.tags("team/new")).json()["tags"] == ["1.0", "2.0"]
    done = subprocess.run([peer.command()[0], "garbage-collect", "--dry-run", str(peer.config_file)], text=True,
                          capture_output=True, timeout=REFUSAL_SECONDS,
                          env={k: v for k, v in os.environ.items() if k != "AWS_CA_BUNDLE"})
    assert done.returncode == 0, done.stderr[-2000:]
    marked = done.stdout + done.stderr
    eligible = [line.split()[-1] for line in marked.splitlines() if "eligible for deletion" in line]
    for image in (old, new, again, last):
        assert not set(eligible) & {image.digest, image.config, *image.layers}, marked[-3000:]


def test_skopeo_copies_to_and_from(registry, tmp_path):
    need("skopeo")
    client = Client(registry)
    image = client.make_image("it/skopeo", [random_bytes(50_000, "layer")], tag="a", media_type=OCI_MANIFEST)
    place = f"docker://{registry.authority}/it/skopeo"
    for words in (["--src-tls-verify=false", f"{place}:a", f"dir:{tmp_path}/image"],
                  ["--dest-tls-verify=false", f"dir:{tmp_path}/image", f"{place}-back:b"]):
        subprocess.run(["skopeo", "copy", "--insecure-policy", *words], check=True, timeout=120)
    assert_pulls(client, "it/skopeo-back", "b", image)


def test_a_killed_registry_leaves_nothing_half_visible(server, tmp_path):
    with running(harness.Registry(in_bucket(server, tmp_path, rootdirectory="killed"))) as registry:
        client = Client(registry)
        kept = client.make_image("it/kept", tag="v1")
        data = random_bytes(150 * MIB, "killed")
        blob, ended = digest(data), threading.Event()

        def push():
            try:
                client.push_blob("it/killed", data)
            except Exception:   # whatever a dying server does to its client
                pass
            ended.set()

        thread = threading.Thread(target=push)
        thread.start()
        parts = server.bucket / ".sgwtmp"
        wait_until(lambda: ended.is_set() or any(parts.rglob("*")), "parts on their way", 60)
        registry.kill()
        thread.join()
        registry.start()
        assert client.head(client.blob("it/killed", blob)).status in (200, 404)
        assert_pulls(client, "it/kept", "v1", kept)
        assert client.push_blob("it/killed", data) == blob
        assert digest(follow(client.get(client.blob("it/killed", blob)))) == blob


def test_a_store_that_is_away_is_said_to_be_and_comes_back(tmp_path):
    try:
        own = S3Server()
    except go_programs.Unavailable as error:
        pytest.skip(str(error))
    with own, running(harness.Registry(in_bucket(own, tmp_path))) as registry:
        client = Client(registry)
        image = client.make_image("it/away", tag="v1")
        own.stop()
        reply = client.get(client.manifest("it/away", "v1"))
        assert reply.status == 503 and reply.header("Retry-After"), reply
        assert client.put_manifest("it/away", "v2", image.manifest, image.media_type).status == 503
        assert client.get(client.base).status == 200
        own.start()
        assert_pulls(client, "it/away", "v1", image)
        assert client.get(client.manifest("it/away", "v2")).status == 404


REFUSALS = {    # what is wrong: changes of storage.s3, and the words
    "no such bucket": ({"bucket": "nowhere"}, ["storage.s3.bucket", "nowhere", "there is no such bucket"]),
    "unknown key": ({"accesskey": "AKOTHER"}, ["does not take the credentials"]),
    "wrong secret": ({"secretkey": "another-secret"}, ["does not take the credentials", "SignatureDoesNotMatch"]),
    "another region": ({"region": "mars-1"}, ["storage.s3.region", "mars-1"]),
    "no credentials": ({"accesskey": "", "secretkey": ""}, ["no credentials", "AWS_ACCESS_KEY_ID"]),
}


@pytest.mark.parametrize("wrong", REFUSALS)
def test_what_is_wrong_is_said_in_one_line(server, tmp_path, wrong):
    changes, words = REFUSALS[wrong]
    registry = harness.Registry(in_bucket(server, tmp_path, **changes))
    registry.config_file.write_text(harness.json.dumps(registry.config))
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "REGISTRY_"))} | {"HOME": str(tmp_path)}
    try:
        done = subprocess.run(registry.command(), env=env, capture_output=True, text=True, timeout=REFUSAL_SECONDS)
    finally:
        registry.close()
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert len([line for line in said.splitlines() if all(word in line for word in words)]) == 1, said
    assert SECRET_KEY not in said and "another-secret" not in said


def test_a_collection_parks_brings_back_and_frees(server, tmp_path):
    config = in_bucket(server, tmp_path, rootdirectory="collected")
    config["storage"]["delete"] = {"enabled": True}

    def blobs():
        """Those in their places, and those that are parked: one may be both until the next run."""
        def below(prefix):
            return {f"sha256:{found.group()}" for key in server.keys() if key.startswith(f"collected/{prefix}/")
                    for found in [re.search(r"[0-9a-f]{64}", key)] if found}
        return below("docker/registry/v2/blobs"), below("berth")

    def collect(registry):
        time.sleep(GRACE_SECONDS + 1.1)     # the bucket tells the time in seconds
        done = subprocess.run([registry.command()[0], "garbage-collect", "-m", "--quiet", "--short-grace",
                               f"{GRACE_SECONDS}s", str(registry.config_file)], capture_output=True, text=True,
                              timeout=REFUSAL_SECONDS)
        assert done.returncode == 0, done.stderr

    with running(harness.Registry(config)) as registry:
        client = Client(registry)
        kept = client.make_image("gc/app", [random_bytes(9000, "kept")], tag="1", media_type=OCI_MANIFEST)
        gone = client.make_image("gc/app", [random_bytes(9000, "gone")], media_type=OCI_MANIFEST)
        back, lost = (client.push_blob("gc/app", random_bytes(9000, what)) for what in ("back", "lost"))
        live = {kept.digest, kept.config, *kept.layers}
        collect(registry)
        assert blobs()[1] >= {back, lost}
        assert client.head(client.blob("gc/app", back)).status == 200
        assert back in blobs()[0]
        assert_pulls(client, "gc/app", "1", kept)
        for _ in range(4):      # a manifest, then what it alone named, each parked and freed
            client.head(client.blob("gc/app", back))
            collect(registry)
        places, parked = blobs()
        assert places - {back} == live and parked <= {back}, (places, parked)
        assert_pulls(client, "gc/app", "1", kept)
        for blob in (lost, *gone.layers, gone.digest):
            assert client.head(client.blob("gc/app", blob)).status == 404
        again = client.make_image("gc/app", [random_bytes(9000, "gone")], tag="2", media_type=OCI_MANIFEST)
        assert again.layers == gone.layers
        assert_pulls(client, "gc/app", "2", again)
