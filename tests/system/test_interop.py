"""berth and docker-registry 2.8.2 on one root: what one wrote, the other serves, finishes, deletes and collects.

docker-registry runs without its descriptor cache here: that one believes its memory when another process deletes.
"""
import hashlib
import itertools
import json
import os
import stat
import subprocess
import tempfile

import pytest

import harness
from conftest import need, running
from harness import (DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Client, descriptor, digest,
                     image_manifest)
from images import random_bytes
from store_check import assert_whole, blob_file, tree

EVERYTHING = {"Accept": ", ".join((DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX))}
NO_CACHE = {"storage": {"cache": None}}
COLLECT_SECONDS = 60

differs = pytest.mark.differs
both_ways = pytest.mark.parametrize("writer, reader", [("berth", "peer"), ("peer", "berth")], indirect=True)

_names = itertools.count(1)


@pytest.fixture
def repo():
    return f"inter/op{next(_names)}"


class Pair:
    """berth and the peer, at work on one root."""

    def __init__(self, berth, peer):
        self.registries = {"berth": berth, "peer": peer}
        self.root = berth.v2_root

    def client(self, name):
        return Client(self.registries[name])


@pytest.fixture(scope="module")
def pair(registry_class, tmp_path_factory):
    need("docker-registry")
    berth = registry_class()
    with running(berth), running(harness.PeerRegistry(NO_CACHE, root=berth.root)) as peer:
        yield Pair(berth, peer)
        assert_whole(berth.v2_root, deletions=True)


@pytest.fixture
def writer(pair, request):
    return pair.client(request.param)


@pytest.fixture
def reader(pair, request):
    return pair.client(request.param)


def relative(client, location):
    """A Location without its origin, to be used at the other registry."""
    return client.path_of(location)


def assert_serves(client, repo, image, *references):
    """Manifest by tag and digest, and every blob, whole and properly labelled, by GET and HEAD."""
    for reference in (*references, image.digest):
        reply = client.get(client.manifest(repo, reference), EVERYTHING)
        assert (reply.status, reply.body) == (200, image.manifest), reply
        head = client.head(client.manifest(repo, reference), EVERYTHING)
        for seen in (reply, head):
            assert seen.header("Docker-Content-Digest") == image.digest
            assert seen.header("Content-Type") == image.media_type
            assert seen.header("Content-Length") == str(len(image.manifest))
    for blob in (image.config, *image.layers):
        body = client.fetch_blob(repo, blob)
        head = client.head(client.blob(repo, blob))
        assert (head.status, head.header("Content-Length")) == (200, str(len(body)))
        part = client.get(client.blob(repo, blob), {"Range": "bytes=1-2"}) if len(body) > 2 else None
        assert part is None or (part.status, part.body) == (206, body[1:3])


# What one wrote, the other serves


@both_ways
@pytest.mark.parametrize("media_type", [DOCKER_MANIFEST, OCI_MANIFEST], ids=["docker", "oci"])
@pytest.mark.parametrize("how", ["monolithic", "chunked", "streamed"])
def test_image(writer, reader, repo, media_type, how):
    layers = [random_bytes(size, f"{repo}{size}") for size in (1, 1000, 3_000_001)] + [b""]
    for layer in layers:
        if how != "monolithic":
            writer.push_blob_chunked(repo, [layer[:1000], layer[1000:70_000], layer[70_000:]], how == "streamed")
    image = writer.make_image(repo, layers, tag="v1", media_type=media_type)
    assert_serves(reader, repo, image, "v1")
    assert_serves(writer, repo, image, "v1")


@both_ways
@pytest.mark.parametrize("media_type", [DOCKER_LIST, OCI_INDEX], ids=["list", "index"])
def test_list_of_images(writer, reader, repo, media_type):
    inner = DOCKER_MANIFEST if media_type == DOCKER_LIST else OCI_MANIFEST
    images = {name: writer.make_image(repo, [f"{repo} {name}".encode()], media_type=inner)
              for name in ("amd64", "arm64")}
    document = json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": [
        descriptor(inner, image.manifest, platform={"architecture": name, "os": "linux"})
        for name, image in images.items()]}).encode()
    assert writer.put_manifest(repo, "many", document, media_type).status == 201
    for reference in ("many", digest(document)):
        reply = reader.get(reader.manifest(repo, reference), EVERYTHING)
        assert (reply.status, reply.body, reply.header("Content-Type")) == (200, document, media_type)
    for image in images.values():
        assert_serves(reader, repo, image)


@both_ways
def test_manifest_pushed_by_digest_alone(writer, reader, repo):
    image = writer.make_image(repo)
    assert_serves(reader, repo, image)


@both_ways
def test_tag_moves_back_and_forth(writer, reader, repo):
    ours = writer.make_image(repo, [b"ours"], tag="moving")
    assert_serves(reader, repo, ours, "moving")
    theirs = reader.make_image(repo, [b"theirs"], tag="moving")
    assert_serves(writer, repo, theirs, "moving")
    assert writer.put_manifest(repo, "moving", ours.manifest, ours.media_type).status == 201
    assert_serves(reader, repo, ours, "moving")
    assert_serves(reader, repo, theirs)


@both_ways
def test_mount(writer, reader, repo):
    layer = random_bytes(10_000, repo)
    pushed = reader.push_blob(repo, layer)      # the other one's blob
    target = f"{repo}/mounted"
    reply = writer.post(harness.with_query(writer.uploads(target), mount=pushed, **{"from": repo}))
    assert reply.status == 201, reply
    assert reader.fetch_blob(target, pushed) == layer
    assert reader.get(reader.blob(f"{repo}/elsewhere", pushed)).status == 404
    image = writer.make_image(target, [layer], tag="v1")
    assert_serves(reader, target, image, "v1")


@both_ways
def test_blob_that_the_other_had(writer, reader, repo):
    """Pushed by one, pushed again by the other into another repository: one file, two links."""
    layer = random_bytes(200_000, repo)
    pushed = writer.push_blob(repo, layer)
    assert reader.push_blob(f"{repo}/too", layer) == pushed
    assert writer.fetch_blob(f"{repo}/too", pushed) == layer


@differs("2.8.2 lists tags in the order of the disk")
def test_catalog_and_tags_agree(pair, repo):
    berth, peer = pair.client("berth"), pair.client("peer")
    tags = ["a", "A", "1.10", "1.9", "_x", "latest", "z-z", "z.z", "z_z"]
    for number, tag in enumerate(tags):
        (berth, peer)[number % 2].make_image(f"{repo}/tags", [b"tags"], tag=tag)
    for number, name in enumerate((f"{repo}/b", f"{repo}/a/b", f"{repo}/a-b", f"{repo}/a")):
        (berth, peer)[number % 2].make_image(name, tag="v1")

    seen = [client.get(client.tags(f"{repo}/tags")).json()["tags"] for client in (berth, peer)]
    assert seen[0] == sorted(tags)
    assert sorted(seen[1]) == sorted(tags)      # 2.8.2 lists in the order of the disk
    pages = [[name for name in client.get(client.base + "_catalog?n=1000").json()["repositories"]
              if name.startswith(f"{repo}/")] for client in (berth, peer)]
    assert pages[0] == pages[1] == [f"{repo}/{name}" for name in ("a", "a/b", "a-b", "b", "tags")]


# Deletes


@differs("its cache believes its memory when another process deletes")
@both_ways
def test_deleted_blob(writer, reader, repo):
    pushed = writer.push_blob(repo, b"to be deleted" + repo.encode())
    assert reader.head(reader.blob(repo, pushed)).status == 200      # whatever it remembers of this must not show
    assert writer.delete(writer.blob(repo, pushed)).status == 202
    for client in (reader, writer):
        assert client.head(client.blob(repo, pushed)).status == 404
        assert client.get(client.blob(repo, pushed)).status == 404
    reader.push_blob(repo, b"to be deleted" + repo.encode())
    writer.fetch_blob(repo, pushed)


@both_ways
def test_deleted_manifest_takes_its_tags(writer, reader, repo):
    image = writer.make_image(repo, tag="v1")
    kept = writer.make_image(repo, [b"kept"], tag="kept")
    assert writer.put_manifest(repo, "v2", image.manifest, image.media_type).status == 201
    assert_serves(reader, repo, image, "v1", "v2")
    assert writer.delete(writer.manifest(repo, image.digest)).status == 202
    for reference in ("v1", "v2", image.digest):
        assert reader.get(reader.manifest(repo, reference), EVERYTHING).status == 404
    assert reader.get(reader.tags(repo)).json()["tags"] == ["kept"]
    assert_serves(reader, repo, kept, "kept")


@both_ways
def test_the_others_manifest_deleted(writer, reader, repo):
    image = reader.make_image(repo, tag="v1")
    assert_serves(writer, repo, image, "v1")
    assert writer.delete(writer.manifest(repo, image.digest)).status == 202
    assert reader.get(reader.manifest(repo, "v1"), EVERYTHING).status == 404
    again = reader.make_image(repo, tag="v1")
    assert again == image
    assert_serves(writer, repo, image, "v1")


# An upload goes from one to the other


@pytest.mark.parametrize("steps", [steps for steps in itertools.product(("berth", "peer"), repeat=4)
                                   if len(set(steps)) > 1], ids="-".join)
def test_upload_handed_over(pair, repo, steps):
    """POST, PATCH, PATCH, PUT (with a last piece), each at the registry that the row names."""
    chunks = [random_bytes(size, f"{repo}{size}") for size in (100_003, 70_000, 65)]
    whole = b"".join(chunks)
    clients = [pair.client(name) for name in steps]
    location = relative(clients[0], clients[0].start_upload(repo))
    for client, chunk in zip(clients[1:3], chunks):
        location = relative(client, client.append(location, chunk))
    reply = clients[3].finish_upload(location, digest(whole), chunks[2])
    assert reply.status == 201, reply
    for name in ("berth", "peer"):
        assert pair.client(name).fetch_blob(repo, digest(whole)) == whole


@pytest.mark.parametrize("steps", [steps for steps in itertools.product(("berth", "peer"), repeat=4)
                                   if len(set(steps)) > 1], ids="-".join)
def test_upload_that_grows_handed_over(pair, repo, steps):
    """PATCH three times and PUT: from sizes of which berth keeps no hash state to those of which it does. The peer then
    has a state of its own piece alone, which means nothing."""
    chunks = [random_bytes(size, f"{repo}{size}") for size in (1000, 300_000, 301_500)]
    whole = b"".join(chunks)
    clients = [pair.client(name) for name in steps]
    location = relative(clients[0], clients[0].start_upload(repo))
    for client, chunk in zip(clients, chunks):
        location = relative(client, client.append(location, chunk))
    reply = clients[3].finish_upload(location, digest(whole))
    assert reply.status == 201, reply
    for name in ("berth", "peer"):
        assert pair.client(name).fetch_blob(repo, digest(whole)) == whole


@both_ways
def test_upload_seen_and_cancelled_by_the_other(pair, writer, reader, repo):
    location = writer.append(writer.start_upload(repo), b"x" * 1000)
    status = reader.get(relative(writer, location))
    assert (status.status, status.header("Range")) == (204, "0-999")
    location = relative(reader, status.header("Location"))
    assert reader.delete(location).status == 204
    assert writer.get(location).status == 404
    assert writer.finish_upload(location, digest(b"x" * 1000)).status == 404


@both_ways
def test_wrong_bytes_from_the_other_are_refused(writer, reader, repo):
    location = relative(writer, writer.append(writer.start_upload(repo), b"begun"))
    reply = reader.finish_upload(location, digest(b"begun and ended"), b" and endid")
    assert (reply.status, reply.codes) == (400, ["DIGEST_INVALID"])
    assert reader.get(reader.blob(repo, digest(b"begun and ended"))).status == 404


def test_hash_states_are_the_same_bytes(pair, repo):
    """The state beside an unfinished upload, for tails of every kind within the 64-byte block; berth keeps states of
    uploads beyond 256 KiB."""
    sizes = (262_145, 62, 1, 55, 64, 4096, 1_000_003)
    chunks = [random_bytes(size, f"{repo}{size}") for size in sizes]
    states = {}
    for name in ("berth", "peer"):
        client = pair.client(name)
        location, offset, seen = client.start_upload(repo), 0, {}
        upload = harness.upload_state(location)["UUID"]
        folder = pair.root / "repositories" / repo / "_uploads" / upload / "hashstates" / "sha256"
        for chunk in chunks:
            location = client.append(location, chunk)
            offset += len(chunk)
            seen[offset] = (folder / str(offset)).read_bytes()
        states[name] = seen
    assert states["berth"] == states["peer"]
    assert all(len(state) == 108 for state in states["berth"].values())


# The trees on disk


def push_a_bit_of_everything(client):
    """The same requests to whichever registry: pushes of every kind, mounts, moved tags, one begun upload ended."""
    layers = [random_bytes(size, f"tree{size}") for size in (10, 100_000)]
    first = client.make_image("tree/one", [*layers, b""], tag="v1")
    client.make_image("tree/one", layers[:1], tag="v2")
    second = client.make_image("tree/one", layers[1:], tag="v1")
    client.make_image("tree/one/nested", layers, tag="latest", media_type=OCI_MANIFEST)
    client.put_manifest("tree/one", "UPPER.and_more-1", first.manifest, first.media_type)
    index = json.dumps({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [
        descriptor(DOCKER_MANIFEST, image.manifest, platform={"architecture": "amd64", "os": "linux"})
        for image in (first, second)]}).encode()
    assert client.put_manifest("tree/one", "many", index, DOCKER_LIST).status == 201
    client.push_blob_chunked("tree/chunks", [layers[1][:99], layers[1][99:5000], layers[1][5000:]])
    client.push_blob_chunked("tree/chunks", [b"streamed ", b"pieces"], streamed=True)
    client.post(harness.with_query(client.uploads("tree/mounts"), mount=digest(layers[1]), **{"from": "tree/one"}))
    client.push_blob("tree/one", layers[0])
    unwanted = client.start_upload("tree/one")
    assert client.delete(client.append(unwanted, b"unwanted")).status == 204
    assert client.finish_upload(client.start_upload("tree/one"), digest(b"other"), b"bytes").status == 400
    manifest = image_manifest(OCI_MANIFEST, b"{}", [b"never pushed"])
    assert client.put_manifest("tree/one", "refused", manifest).status == 400
    return first, layers


def delete_a_bit_of_everything(client, first, layers):
    assert client.delete(client.manifest("tree/one", first.digest)).status == 202
    assert client.delete(client.blob("tree/mounts", digest(layers[1]))).status == 202


@pytest.fixture(scope="module")
def trees(registry_class):
    """The trees of both after the same pushes, and after the same deletes."""
    need("docker-registry")
    found = {}
    for name, registry in (("berth", registry_class()), ("peer", harness.PeerRegistry())):
        with running(registry):
            pushed = push_a_bit_of_everything(Client(registry))
            found[name, "pushes"] = tree(registry.v2_root)
            delete_a_bit_of_everything(Client(registry), *pushed)
            found[name, "deletes"] = tree(registry.v2_root)
    return found


@pytest.mark.parametrize("after", ["pushes", "deletes"])
def test_trees_are_equal_file_by_file(trees, after):
    berth, peer = ({path: data for path, data in trees[name, after].items() if data is not None}
                   for name in ("berth", "peer"))
    assert sorted(berth) == sorted(peer)
    assert not [path for path in berth if berth[path] != peer[path]]


@pytest.mark.parametrize("after", ["pushes", "deletes"])
def test_trees_are_equal_in_their_folders(trees, after):
    berth, peer = ({path for path, data in trees[name, after].items() if data is None} for name in ("berth", "peer"))
    assert sorted(berth - peer) == [] and sorted(peer - berth) == []


def test_files_can_be_read_by_the_others_user(registry_class, repo):
    """docker-registry makes 0666 and 0777 less the umask; a 0600 file moved from a spool would lock others out."""
    with running(registry_class()) as registry:
        client = Client(registry)
        client.make_image(repo, [random_bytes(100_000, "mode")], tag="v1")
        client.append(client.start_upload(repo), b"unfinished")
        wrong = [f"{stat.filemode(path.stat().st_mode)} {path}" for path in registry.v2_root.rglob("*")
                 if path.stat().st_mode & 0o444 != 0o444 or (path.is_dir() and path.stat().st_mode & 0o111 != 0o111)]
    assert not wrong, "\n".join(wrong[:10])


# Collection


def collect(root, *options):
    """docker-registry's garbage-collect over a root."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as config:
        json.dump({"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(root)}}}, config)
        config.flush()
        done = subprocess.run([os.environ.get("DOCKER_REGISTRY", "docker-registry"), "garbage-collect", *options,
                               config.name], capture_output=True, text=True, timeout=COLLECT_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


@differs("its cache believes its memory when another process deletes")
def test_collected_by_the_peer(registry_class):
    """Without a restart: what is referenced stays; what was collected is gone, and a new push brings it back."""
    garbage = random_bytes(50_000, "garbage")
    with running(registry_class()) as registry:
        client = Client(registry)
        first, layers = push_a_bit_of_everything(client)
        image = client.make_image("tree/kept", [*layers, b"kept"], tag="v1", media_type=OCI_MANIFEST)
        client.push_blob("tree/kept", garbage)
        assert client.head(client.blob("tree/kept", digest(garbage))).status == 200
        begun = client.append(client.start_upload("tree/kept"), b"begun ")
        delete_a_bit_of_everything(client, first, layers)
        collect(registry.root)

        assert_serves(client, "tree/kept", image, "v1")
        assert not blob_file(registry.v2_root, digest(garbage)).exists()
        assert client.head(client.blob("tree/kept", digest(garbage))).status == 404
        assert client.get(client.blob("tree/kept", digest(garbage))).status == 404
        assert client.get(client.manifest("tree/one", first.digest), EVERYTHING).status == 404
        client.push_blob("tree/kept", garbage)
        assert client.fetch_blob("tree/kept", digest(garbage)) == garbage
        assert client.finish_upload(begun, digest(b"begun ended"), b"ended").status == 201
        client.make_image("tree/one", [*layers, garbage], tag="again")
        assert_whole(registry.v2_root, deletions=True, collected=True)


def test_collected_with_untagged_manifests(registry_class):
    with running(registry_class()) as registry:
        client = Client(registry)
        old = client.make_image("tree/one", [b"old"], tag="v1")
        new = client.make_image("tree/one", [b"new"], tag="v1")
        collect(registry.root, "--delete-untagged")
        assert client.get(client.manifest("tree/one", old.digest), EVERYTHING).status == 404
        assert_serves(client, "tree/one", new, "v1")
        assert client.make_image("tree/one", [b"old"], tag="v1") == old
        assert_serves(client, "tree/one", old, "v1")
        assert_whole(registry.v2_root, deletions=True, collected=True)


# What only berth knows: referrers, and digests of other algorithms


def named(algorithm, data):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def referrer_of(subject, config=b"{}"):
    return image_manifest(OCI_MANIFEST, config, [], artifactType="application/vnd.example",
                          subject={"mediaType": OCI_MANIFEST, "digest": subject, "size": 1})


def referrers(client, repo, subject):
    reply = client.get(f"/v2/{repo}/referrers/{subject}")
    assert reply.status == 200, reply
    return [entry["digest"] for entry in reply.json()["manifests"]]


def push_what_only_berth_knows(client, repo):
    """An image by tag, one by sha512 with a tag, and a referrer of each; (image, sha512 image's bytes, referrers)."""
    image = client.make_image(repo, [b"layer"], tag="v1", media_type=OCI_MANIFEST, config=b"{}")
    twin = image_manifest(OCI_MANIFEST, b"{}", [b"layer"], annotations={"pushed": "under sha512"})
    reply = client.put(client.manifest(repo, named("sha512", twin)) + "?tag=v512", {"Content-Type": OCI_MANIFEST}, twin)
    assert reply.status == 201, reply
    attached = [referrer_of(image.digest), referrer_of(named("sha512", twin))]
    for body, algorithm in zip(attached, ("sha256", "sha512")):
        assert client.put_manifest(repo, named(algorithm, body), body).status == 201
    return image, twin, attached


def assert_serves_what_only_berth_knows(client, repo, image, twin, attached):
    assert_serves(client, repo, image, "v1")
    for reference in ("v512", named("sha512", twin)):
        reply = client.get(client.manifest(repo, reference), EVERYTHING)
        assert (reply.status, reply.body) == (200, twin)
        assert reply.header("Docker-Content-Digest") == named("sha512", twin)
    assert referrers(client, repo, image.digest) == [digest(attached[0])]
    assert referrers(client, repo, named("sha512", twin)) == [named("sha512", attached[1])]


@differs("it has neither")
def test_peer_passes_over_what_it_does_not_know(pair, repo):
    """It lists, serves by tag and by sha256, and is not confused."""
    ours, theirs = pair.client("berth"), pair.client("peer")
    image, twin, attached = push_what_only_berth_knows(ours, repo)
    assert repo in theirs.get("/v2/_catalog?n=1000").json()["repositories"]
    assert theirs.get(theirs.tags(repo)).json()["tags"] == ["v1", "v512"]
    assert_serves(theirs, repo, image, "v1")
    for reference, body in (("v512", twin), (digest(twin), twin), *((digest(body), body) for body in attached)):
        reply = theirs.get(theirs.manifest(repo, reference), EVERYTHING)
        assert (reply.status, reply.body) == (200, body), reply
        assert reply.header("Docker-Content-Digest") == digest(body)
    assert theirs.delete(theirs.manifest(repo, digest(attached[0]))).status == 202
    assert referrers(ours, repo, image.digest) == []
    assert ours.put_manifest(repo, digest(attached[0]), attached[0]).status == 201
    assert_serves_what_only_berth_knows(ours, repo, image, twin, attached)


@differs("it has neither")
def test_collected_by_the_peer_without_loss(registry_class):
    with running(registry_class()) as registry:
        client = Client(registry)
        pushed = push_what_only_berth_knows(client, "only/berth")
        collect(registry.root)
        assert_serves_what_only_berth_knows(client, "only/berth", *pushed)
        assert_whole(registry.v2_root)


@differs("it has neither")
def test_peer_collects_untagged_referrers(registry_class):
    """--delete-untagged knows no subjects: it takes what has no tag. What has one stays, under all its names."""
    with running(registry_class()) as registry:
        client = Client(registry)
        image, twin, attached = push_what_only_berth_knows(client, "only/berth")
        assert client.put_manifest("only/berth", "sbom", attached[0]).status == 201
        collect(registry.root, "--delete-untagged")
        assert_serves(client, "only/berth", image, "v1")
        assert client.get(client.manifest("only/berth", named("sha512", twin)), EVERYTHING).body == twin
        assert referrers(client, "only/berth", image.digest) == [digest(attached[0])]
        assert referrers(client, "only/berth", named("sha512", twin)) == []
        assert client.put_manifest("only/berth", named("sha512", attached[1]), attached[1]).status == 201
        assert_serves_what_only_berth_knows(client, "only/berth", image, twin, attached)


@differs("it has neither")
def test_peer_collects_layers_that_are_named_by_sha512_alone(registry_class):
    """Its collector does not follow an alias: what a manifest names by sha512 only is garbage to it. Pushing mends."""
    with running(registry_class()) as registry:
        client, data = Client(registry), b"named by sha512"
        name = named("sha512", data)

        def push():
            return client.post(client.uploads("only/berth") + f"?digest={name}", body=data)

        assert push().status == 201
        body = image_manifest(OCI_MANIFEST, data, []).replace(digest(data).encode(), name.encode())
        assert client.put_manifest("only/berth", "v1", body).status == 201
        collect(registry.root)
        assert client.get(client.manifest("only/berth", "v1"), EVERYTHING).body == body
        assert client.head(client.blob("only/berth", name)).status == 404
        assert push().status == 201
        assert client.get(client.blob("only/berth", name)).body == data


@differs("it has neither")
def test_index_of_what_the_peer_wrote(pair, repo):
    """A manifest with a subject that docker-registry took is found when the store has been indexed, and not before."""
    ours, theirs = pair.client("berth"), pair.client("peer")
    image = theirs.make_image(repo, [b"layer"], tag="v1", media_type=OCI_MANIFEST, config=b"{}")
    body = referrer_of(image.digest)
    assert theirs.put_manifest(repo, digest(body), body).status == 201
    assert referrers(ours, repo, image.digest) == []
    program, _, config = pair.registries["berth"].command()
    done = subprocess.run([program, "index-referrers", config], capture_output=True, text=True, timeout=COLLECT_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert referrers(ours, repo, image.digest) == [digest(body)]
    assert theirs.delete(theirs.manifest(repo, digest(body))).status == 202
    assert referrers(ours, repo, image.digest) == []
