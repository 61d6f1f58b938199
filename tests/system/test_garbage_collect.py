"""`berth garbage-collect`: what it says, what it frees and what it never frees, beside docker-registry's own."""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from conftest import running
from harness import (DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Client, Registry, digest, free_port,
                     wait_until)
from made_stores import MadeStore, make_random, references, sha512_of, subject_of

pytestmark = pytest.mark.differs("its collector is the one that berth's is compared with")

EVERYTHING = {"Accept": ", ".join((DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX))}
COLLECT_SECONDS = 60
SEEDS = range(20)


def run(program, root, *options):
    """A garbage-collect over a root; returns the finished process."""
    config = root.parent / f"{root.name}.yml"
    config.write_text(json.dumps({"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(root)}},
                                  "http": {"addr": f"127.0.0.1:{free_port()}"}}))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    return subprocess.run([*program, "garbage-collect", *options, str(config)], capture_output=True, text=True,
                          timeout=COLLECT_SECONDS, env=environment)


def berth(root, *options):
    done = run(Registry().command()[:1], root, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def peer(root, *options):
    return run([os.environ.get("DOCKER_REGISTRY", "docker-registry")], root, *options)


def freed_by(collect, store, *options):
    """The blobs that a collector frees of a copy of the store; nothing if it gives up."""
    copy = store.root.with_name(f"{store.root.name}-{collect.__name__}-{len(list(store.root.parent.iterdir()))}")
    shutil.copytree(store.root, copy)
    before = MadeStore.blobs(store)
    done = collect(copy, *options)
    store_after = {f"sha256:{path.parent.name}" for path in copy.glob("docker/registry/v2/blobs/sha256/*/*/data")}
    return before - store_after if done.returncode == 0 else None


@pytest.fixture
def store(tmp_path):
    return MadeStore(tmp_path / "store")


# The traps of docker/distribution's collectors


def without_layers(store):
    """A repository with _manifests and without _layers: its images are deleted."""
    app = store.repository("team/app")
    name = app.image("app", "v1")
    shutil.rmtree(store.v2 / app.path / "_layers")
    return {"live": references(store, name)}


def tagged_index(store):
    """The children of a tagged index have no tags of their own."""
    app = store.repository("team/app")
    children = [app.image("amd64"), app.image("arm64")]
    return {"live": references(store, app.index(children, "v1")), "options": ["--delete-untagged"]}


def torn_revision(store, content):
    app = store.repository("team/app")
    name = app.image("app", "v1")
    store.write(app.revision_link(name), content)
    other = store.repository("other").image("other", "v1")
    return {"live": references(store, name) | references(store, other)}


def torn_layer(store):
    app = store.repository("team/app")
    name = app.image("app", "v1")
    for link in (store.v2 / app.path).glob("_layers/sha256/*/link"):
        link.write_text("")
    return {"live": references(store, name)}


def unreadable(store, data):
    """A manifest of an unknown type, or of length 0: all layers of its repository may be its."""
    app = store.repository("team/app")
    layers = [app.layer(b"one"), app.layer(b"two")]
    name = app.revision(data)
    return {"live": {name, *layers}, "says": "no manifest that can be read"}


def gone_manifest(store):
    app = store.repository("team/app")
    name = app.image("app", "v1")
    live = references(store, name) - {name}
    store.path_of(name).unlink()
    return {"live": live, "says": "it is gone"}


def by_sha512(store):
    app = store.repository("team/app")
    layer, config = b"named by sha512", b"{}"
    app.layer(layer)
    app.layer(layer, sha512_of(layer))
    app.layer(config)
    name = app.revision(json.dumps({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/x", "digest": digest(config), "size": 2},
        "layers": [{"mediaType": "application/x", "digest": sha512_of(layer), "size": len(layer)}]}).encode())
    app.tag("v1", name)
    return {"live": {name, digest(layer), digest(config)}}


def unused_alias(store):
    """An unreferenced layer with an alias: found twice, it ends a sweep half-way."""
    app = store.repository("team/app")
    name = app.image("app", "v1")
    app.layer(b"unused")
    app.layer(b"unused", sha512_of(b"unused"))
    return {"live": references(store, name), "freed": {digest(b"unused")}}


def referrers(store):
    """A signature of a tagged image, and a signature of that one."""
    app = store.repository("team/app")
    image = app.image("app", "v1")
    signature = app.image("signature", subject=subject_of(store.path_of(image).read_bytes()))
    other = app.image("of the signature", subject=subject_of(store.path_of(signature).read_bytes()))
    untagged = app.image("untagged")
    live = set().union(*(references(store, name) for name in (image, signature, other)))
    return {"live": live, "options": ["--delete-untagged"], "freed": references(store, untagged)}


def signatures(store):
    app = store.repository("team/app")
    layer, signature = app.layer(b"layer"), store.blob(b'{"signature":"x"}')
    name = app.revision(json.dumps({"schemaVersion": 1, "name": "team/app", "tag": "v1", "architecture": "amd64",
                                    "fsLayers": [{"blobSum": layer}],
                                    "history": [{"v1Compatibility": '{"id":"x"}'}]}, indent=3).encode())
    app.tag("v1", name)
    below = f"{app.path}/_manifests/revisions/{name.replace(':', '/')}/signatures"
    store.write(f"{below}/{signature.replace(':', '/')}/link", signature)
    return {"live": {name, layer, signature}}


def elsewhere(store):
    """A link without a manifest in its repository, its blob live in another."""
    name = store.repository("zz").image("app", "v1")
    store.repository("aa").layer(b"layer of app")
    return {"live": references(store, name)}


def empty(store):
    return {"live": set()}


ROWS = {function.__name__: function for function in (
    without_layers, tagged_index, torn_layer, gone_manifest, by_sha512, unused_alias, referrers, signatures, elsewhere,
    empty)} | {
    "empty_revision": lambda store: torn_revision(store, ""),
    "torn_revision": lambda store: torn_revision(store, "sha256:0123"),
    "empty_manifest": lambda store: unreadable(store, b""),
    "unknown_type": lambda store: unreadable(store, b'{"schemaVersion":2,"mediaType":"application/x"}')}


@pytest.mark.parametrize("row", ROWS)
def test_traps(store, row):
    """Each is a case in which docker-registry's collector deletes what is live, or gives up."""
    case = ROWS[row](store)
    options = case.get("options", [])
    garbage = store.blob(b"garbage that nothing names")
    expected = case.get("freed", set()) | {garbage}
    dry = berth(store.root, "--dry-run", "--now", *options)
    assert f"blob eligible for deletion: {garbage}" in dry.stdout.splitlines()
    ours = freed_by(berth, store, "--now", *options)
    assert not ours & case["live"]
    assert ours == expected
    theirs = freed_by(peer, store, *options)
    if theirs is not None:
        assert ours <= theirs, "it frees what docker-registry keeps"
    assert case.get("says", "") in dry.stderr


@pytest.mark.parametrize("row", ["tagged_index", "referrers", "elsewhere", "unused_alias"])
def test_images_are_pulled_whole_after_a_trap(store, row):
    """By a running registry, after a collection with all options."""
    ROWS[row](store)
    berth(store.root, "--now", "--delete-untagged")
    with running(Registry(root=store.root)) as registry:
        client = Client(registry)
        repository, = [path.parent.parent.relative_to(store.v2 / "repositories")
                       for path in store.v2.glob("repositories/**/_manifests/tags")]
        pull_whole(client, repository, "v1")
        if row == "referrers":
            for link in store.v2.glob("repositories/**/_manifests/revisions/sha256/*/link"):
                pull_whole(client, repository, link.read_text())


def pull_whole(client, repo, reference):
    """A manifest and all that it names, by GET, hashed."""
    reply = client.get(client.manifest(repo, reference), EVERYTHING)
    assert reply.status == 200, (repo, reference, reply)
    document = json.loads(reply.body)
    for child in document.get("manifests", []):
        pull_whole(client, repo, child["digest"])
    for part in [document.get("config"), *document.get("layers", [])]:
        if part:
            client.fetch_blob(repo, part["digest"])


@pytest.mark.parametrize("options", [[], ["--delete-untagged"]], ids=["", "untagged"])
def test_random_stores(tmp_path, options):
    """What berth frees docker-registry frees, and it is the same where that follows what it should."""
    for seed in SEEDS:
        store, needed = make_random(tmp_path / f"store{seed}", seed)
        ours, theirs = freed_by(berth, store, "--now", *options), freed_by(peer, store, *options)
        assert theirs is not None, f"seed {seed}: the peer gives up"
        assert ours <= theirs, f"seed {seed}: freed by berth alone: {ours - theirs}"
        assert not ours & needed, f"seed {seed}: freed and tagged: {ours & needed}"
        if not options:
            assert ours == theirs, f"seed {seed}: kept by berth alone: {theirs - ours}"
        shutil.rmtree(store.root)


def test_random_stores_are_served_afterwards(tmp_path):
    """Every tag is pulled whole, of a store that was collected with all options."""
    for seed in range(3):
        store, _ = make_random(tmp_path / f"store{seed}", seed)
        berth(store.root, "--now", "--delete-untagged")
        with running(Registry(root=store.root)) as registry:
            client = Client(registry)
            for link in store.v2.glob("repositories/**/_manifests/tags/*/current/link"):
                repo = str(link.relative_to(store.v2 / "repositories")).partition("/_manifests/")[0]
                pull_whole(client, repo, link.parent.parent.name)


# What it says


def test_lines(tmp_path):
    store, _ = make_random(tmp_path / "store", 5)
    said, theirs = berth(store.root, "--dry-run").stdout.splitlines(), peer(store.root, "--dry-run").stdout.splitlines()
    marks = r".*: marking (manifest|blob) .*|[a-z0-9/-]+"
    ours_marked = [line for line in said if re.fullmatch(marks, line)]
    assert ours_marked == [line for line in theirs if re.fullmatch(marks, line)]
    eligible = [line for line in theirs if line.startswith("blob eligible")]
    summary = next(line for line in theirs if "blobs marked" in line)
    # They are what a run with --now frees: nothing in the store is old enough to be parked.
    now = berth(store.root, "--dry-run", "--now").stdout.splitlines()
    assert [line for line in now if line.startswith("blob eligible")] == sorted(eligible)
    assert summary in now and now[now.index(summary) - 1] == ""
    assert not any(line.startswith("blob eligible") for line in said)


def test_quiet_and_json(store):
    store.repository("app").image("app", "v1")
    garbage = store.blob(b"garbage")
    quiet = berth(store.root, "--quiet", "--dry-run").stdout.splitlines()
    assert len(quiet) == 2 and "parked" in quiet[0] and "freed" in quiet[1]
    told = json.loads(berth(store.root, "--format", "json", "--now").stdout)
    assert told["blobs"]["freed"] == {"count": 1, "bytes": len(b"garbage")}
    assert told["marked"] == 3 and told["dryRun"] is False and told["unreadable"] == []
    assert garbage not in store.blobs()


@pytest.mark.parametrize("options, says", [
    (["--grace", "5"], "a time with its unit"),
    (["--grace", "59m"], "at least 1h"),
    (["--now", "--background"], "excludes"),
    (["--format", "xml"], "xml"),
])
def test_bad_usage(store, options, says):
    done = run(Registry().command()[:1], store.root, *options)
    assert done.returncode == 2 and says in done.stderr


# Parked, then freed


SHORT = ["--short-grace", "2s"]


def collected(store):
    return {f"sha256:{path.name}" for path in (store.root / "berth" / "collected" / "sha256").glob("*/*")}


def test_parked_then_freed(store):
    app = store.repository("app")
    live = references(store, app.image("app", "v1"))
    garbage = {app.layer(b"garbage"), store.blob(b"without a link")}
    time.sleep(2.1)
    first = berth(store.root, *SHORT)
    assert "2 blobs, " in first.stdout and "garbage is parked first" in first.stdout.splitlines()[-1]
    assert store.blobs() == live and collected(store) == garbage
    assert "0 blobs, 0 B freed" in berth(store.root, *SHORT).stdout
    assert collected(store) == garbage
    time.sleep(2.1)
    assert "2 blobs, " in berth(store.root, *SHORT).stdout.splitlines()[-1]
    assert store.blobs() == live and not collected(store)


def test_a_grace_of_a_day_parks_nothing_young(store):
    store.blob(b"a moment ago")
    said = berth(store.root).stdout.splitlines()
    assert "0 blobs" in said[-1] and store.blobs() == {digest(b"a moment ago")}


def test_now_needs_a_registry_that_is_stopped(tmp_path):
    with running(Registry(root=tmp_path / "store")) as registry:
        Client(registry).push_blob("app", b"garbage")
        done = run(registry.command()[:1], registry.root, "--now")
        assert done.returncode == 2 and "a registry runs on this store" in done.stderr
        assert berth(registry.root, "--now", "--dry-run")
    assert "1 blob, 7 B freed" in berth(tmp_path / "store", "--now").stdout


def test_one_at_a_time(store):
    locks = store.root / "berth" / "locks"
    locks.mkdir(parents=True)
    with subprocess.Popen(["flock", locks / "collection", "sh", "-c", "echo; read x"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        done = run(Registry().command()[:1], store.root)
        other.stdin.close()
    assert done.returncode == 1 and "another collection is at work" in done.stderr


def test_in_the_background(tmp_path):
    """Runs come one after the other, pools that share a store take turns, and a stop waits for none."""
    background = {"berth": {"collection": {"enabled": True, "interval": "1s", "untagged": "24h"}}}
    with running(Registry(background, root=tmp_path / "store")) as first, \
            running(Registry(background, root=tmp_path / "store")) as second:
        image = Client(first).make_image("team/app", [b"layer"], tag="v1")

        def reports():
            lines = re.findall(r'msg=collected report="(.*?)"(?: |$)', first.log() + second.log(), re.MULTILINE)
            return [json.loads(line.replace('\\"', '"')) for line in lines]

        wait_until(lambda: len([each for each in reports() if each["marked"] == 3]) > 1, first.log)
        began = [each["began"] for each in reports()]
        assert len(set(began)) >= len(began) - 1, "both ran at once"
        pull_whole(Client(second), "team/app", image.digest)
        assert "not collected" not in first.log() + second.log()


# Beside others, and killed


def test_beside_pushes_and_pulls(tmp_path):
    """Collections with a grace of seconds, one after the other: no push and no pull fails, and every tag is whole."""
    failures, images, stop = [], [], threading.Event()
    with running(Registry(root=tmp_path / "store")) as registry:

        def push(worker):
            client, dice = Client(registry), random.Random(worker)
            shared = [b"shared %d" % number for number in range(4)]
            for number in range(10_000):
                if stop.is_set():
                    return
                repo = f"team/app{worker}"
                try:
                    client.make_image(repo, [*dice.sample(shared, 2), b"%d %d" % (worker, number)], tag=f"v{number}")
                    images.append((repo, f"v{number}"))
                    client.push_blob(repo, b"garbage %d %d" % (worker, number))
                    pull_whole(client, *dice.choice(images))
                except (AssertionError, OSError) as error:
                    failures.append(error)
                time.sleep(0.05)

        workers = [threading.Thread(target=push, args=(worker,)) for worker in range(3)]
        for worker in workers:
            worker.start()
        try:
            until = time.monotonic() + 20
            runs = [json.loads(berth(registry.root, "--format", "json", "--short-grace", "5s").stdout)["blobs"]
                    for _ in iter(lambda: time.monotonic() < until, False)]
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        assert not failures, failures[:3]
        assert sum(each["parked"]["count"] for each in runs) > 0 and sum(each["freed"]["count"] for each in runs) > 0
        for image in images:
            pull_whole(Client(registry), *image)


def test_killed_at_any_moment(tmp_path):
    """Whenever it is killed, what is tagged is there, in its place or parked; and in the end the garbage is gone."""
    dice = random.Random(1)
    store, needed = make_random(tmp_path / "store", 3)
    garbage = {store.blob(b"garbage %d" % number) for number in range(400)}
    time.sleep(1.1)
    config = tmp_path / "store.yml"
    berth(store.root, "--dry-run")
    kept_whole = 0
    for _ in range(25):
        with subprocess.Popen([*Registry().command()[:1], "garbage-collect", "--quiet", "--short-grace", "1s", config],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(dice.uniform(0.002, 0.08))
            process.send_signal(signal.SIGKILL)
        assert needed <= store.blobs() | collected(store)
        kept_whole += needed <= store.blobs()
    for _ in range(3):
        time.sleep(1.1)
        berth(store.root, "--short-grace", "1s")
    assert needed <= store.blobs() and not garbage & (store.blobs() | collected(store))
    assert kept_whole
