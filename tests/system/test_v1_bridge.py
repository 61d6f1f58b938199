"""Mixed fleets: what one generation of clients pushes, every other can pull, and the files are the same.

Pushed by docker 1.5 (v1), as schema1, schema2, OCI and as an index; pulled by docker 1.5, docker 1.9, as schema2 and as
OCI. Beside the files: nothing is sent twice, digests and ids stay what they are, and what cannot be converted is left
out.
"""
import gzip
import hashlib
import io
import itertools
import json
import tarfile

import pytest

import harness
from harness import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Client, digest
from v1_client import LocalImage, V1Client, V1Error, make_image, make_layer

SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
DOCKER_19 = {"User-Agent": "docker/1.9.1 go/go1.4.2 git-commit/a34a1d5 kernel/4.2.0 os/linux arch/amd64"}
ACCEPTS = {
    "schema2": [SCHEMA1, DOCKER_MANIFEST, DOCKER_LIST],
    "oci": [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST],
}
LAYERS = [{"etc": None, "etc/motd": b"hello\n", "bin/sh": b"#!" * 5000},
          {"etc/motd": b"changed\n", "opt/app": b"\0\1" * 9000},
          {"bin/.wh.sh": b"", "opt/more": b"more"}]
FILES = {"etc": None, "etc/motd": b"changed\n", "opt/app": b"\0\1" * 9000, "opt/more": b"more"}

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def registry():
    with harness.Registry({"compatibility": {"schema1": {"enabled": True}}}) as running:
        yield running


@pytest.fixture
def client(registry):
    return Client(registry)


@pytest.fixture
def docker15(registry):
    return V1Client(registry)


@pytest.fixture
def repo():
    return f"team/mixed{next(_numbers)}"


# Pushing -------------------------------------------------------------------------------------------------------------


def v1_images(seed):
    images = []
    for number, files in enumerate(LAYERS):
        images.append(make_image(f"{seed} {number}", images[-1] if images else None, files))
    return images


def image_config(layers, **more):
    return json.dumps({
        "architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(gzip.decompress(layer)) for layer in layers]},
        "history": [{"created": "2024-01-02T03:04:05Z", "created_by": "ADD one"},
                    {"created": "2024-01-02T03:04:05Z", "created_by": "ENV PATH=/bin", "empty_layer": True},
                    {"created": "2024-01-02T03:04:05Z", "created_by": "ADD two"},
                    {"created": "2024-01-02T03:04:05Z", "created_by": "ADD three"}],
        **more}).encode()


def push_image(client, repo, tag, media_type, **more):
    layers = [make_layer(files) for files in LAYERS]
    return client.make_image(repo, layers, tag, media_type, image_config(layers, **more))


def push_v1(client, repo, tag):
    images = v1_images(repo)
    V1Client(client.registry).push(repo, images, {tag: images[-1].id})


def push_index(client, repo, tag, kind=(OCI_INDEX, OCI_MANIFEST)):
    index_type, manifest_type = kind
    other = push_image(client, repo, None, manifest_type, architecture="arm64", variant="v8")
    image = push_image(client, repo, None, manifest_type)
    document = {"schemaVersion": 2, "mediaType": index_type, "manifests": [
        {**harness.descriptor(manifest_type, manifest), "platform": {"os": "linux", "architecture": architecture}}
        for architecture, manifest in (("arm64", other.manifest), ("amd64", image.manifest))]}
    data = json.dumps(document).encode()
    assert client.put_manifest(repo, tag, data, index_type).status == 201
    return data


def push_schema1(client, repo, tag):
    """What docker 1.9 pulled from somewhere else, with that one's name and signature, which it may push as it is."""
    source = f"elsewhere/{repo}"
    push_image(client, source, "x", DOCKER_MANIFEST)
    signed = client.get(client.manifest(source, "x"), DOCKER_19).body
    for layer in json.loads(signed)["fsLayers"]:
        client.push_blob(repo, client.fetch_blob(source, layer["blobSum"]))
    assert client.put_manifest(repo, tag, signed, SCHEMA1).status == 201
    return signed


PUSHERS = {
    "v1": push_v1,
    "schema1": push_schema1,
    "schema2": lambda client, repo, tag: push_image(client, repo, tag, DOCKER_MANIFEST),
    "oci": lambda client, repo, tag: push_image(client, repo, tag, OCI_MANIFEST),
    "index": push_index,
    "docker list": lambda client, repo, tag: push_index(client, repo, tag, (DOCKER_LIST, DOCKER_MANIFEST)),
}


# Pulling -------------------------------------------------------------------------------------------------------------


def unpack(layers):
    """The files that layers (base first, compressed) make: path → bytes, None for a directory."""
    tree = {}
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as archive:
            for entry in archive:
                folder, _, name = entry.name.rpartition("/")
                if name.startswith(".wh."):
                    gone = (folder + "/" if folder else "") + name.removeprefix(".wh.")
                    tree = {path: data for path, data in tree.items()
                            if path != gone and not path.startswith(gone + "/")}
                else:
                    tree[entry.name] = archive.extractfile(entry).read() if entry.isreg() else None
    return tree


def pull_v1(client, repo, tag):
    chain = V1Client(client.registry).pull(repo, tag).chain(tag)
    top = json.loads(chain[-1].json)
    assert (top["architecture"], top["os"], top["config"]["Cmd"]) == ("amd64", "linux", ["/bin/sh"])
    return [image.layer for image in chain]


def pull_schema1(client, repo, tag):
    reply = client.get(client.manifest(repo, tag), DOCKER_19)
    assert (reply.status, reply.header("Content-Type")) == (200, SCHEMA1), reply
    return schema1_layers(client, repo, reply.json())


def schema1_layers(client, repo, document):
    images = [json.loads(entry["v1Compatibility"]) for entry in document["history"]]
    layers = document["fsLayers"]
    if images[0]["id"] == images[1]["id"]:      # docker 1.6 names the top twice; clients take it for one
        images, layers = images[1:], layers[1:]
    assert [image["id"] for image in images[1:]] == [image["parent"] for image in images[:-1]]
    assert "parent" not in images[-1]
    assert (images[0]["architecture"], images[0]["os"], images[0]["config"]["Cmd"]) == ("amd64", "linux", ["/bin/sh"])
    return [client.fetch_blob(repo, layer["blobSum"]) for layer in reversed(layers)]


def get_manifest(client, repo, reference, kind):
    reply = client.get(client.manifest(repo, reference), {"Accept": ", ".join(ACCEPTS[kind])})
    assert reply.status == 200, reply
    assert reply.header("Content-Type") in ACCEPTS[kind]
    assert reply.header("Docker-Content-Digest") == digest(reply.body)
    return reply.json()


def pull_v2(client, repo, tag, kind):
    reply = client.get(client.manifest(repo, tag), {"Accept": ", ".join(ACCEPTS[kind])})
    if reply.header("Content-Type") == SCHEMA1:
        return schema1_layers(client, repo, reply.json())   # stored so; docker 1.10 and newer convert it themselves
    manifest = get_manifest(client, repo, tag, kind)
    if "manifests" in manifest:
        child = next(one for one in manifest["manifests"] if one["platform"]["architecture"] == "amd64")
        manifest = get_manifest(client, repo, child["digest"], kind)
    config = json.loads(client.fetch_blob(repo, manifest["config"]["digest"]))
    layers = [client.fetch_blob(repo, layer["digest"]) for layer in manifest["layers"]]
    assert config["rootfs"]["diff_ids"] == [digest(gzip.decompress(layer)) for layer in layers]
    assert [layer["size"] for layer in manifest["layers"]] == [len(layer) for layer in layers]
    filled = [entry for entry in config["history"] if not entry.get("empty_layer")]
    assert len(filled) == len(layers)
    assert (config["architecture"], config["os"], config["config"]["Cmd"]) == ("amd64", "linux", ["/bin/sh"])
    return layers


PULLERS = {
    "v1": pull_v1,
    "schema1": pull_schema1,
    "schema2": lambda client, repo, tag: pull_v2(client, repo, tag, "schema2"),
    "oci": lambda client, repo, tag: pull_v2(client, repo, tag, "oci"),
}


@pytest.mark.parametrize("puller", PULLERS)
@pytest.mark.parametrize("pusher", PUSHERS)
def test_the_files_are_the_same(client, repo, pusher, puller):
    PUSHERS[pusher](client, repo, "v1.0")
    assert unpack(PULLERS[puller](client, repo, "v1.0")) == FILES


# v1 → v2 -------------------------------------------------------------------------------------------------------------


def test_digests_of_pushed_v1_images_are_stable(registry, client, docker15, repo):
    images = v1_images(repo)
    docker15.push(repo, images, {"a": images[-1].id})
    first = client.get(client.manifest(repo, "a"))
    docker15.push(repo, images, {"a": images[-1].id, "b": images[-1].id})
    docker15.push(repo + "other", images, {"a": images[-1].id})
    assert client.get(client.manifest(repo, "b")).body == first.body
    assert client.get(client.manifest(repo + "other", "a")).body == first.body
    registry.stop()
    registry.start()
    assert client.get(client.manifest(repo, "a")).body == first.body
    assert docker15.pull(repo, "a").chain("a") == images


def test_v2_sends_no_layer_that_v1_has(client, docker15, repo):
    images = v1_images(repo)
    docker15.push(repo, images, {"a": images[-1].id})
    for image in images:
        assert client.head(client.blob(repo, digest(image.layer))).status == 200
    pulled = get_manifest(client, repo, "a", "schema2")
    body = client.get(client.manifest(repo, "a")).body
    assert client.head(client.blob(repo, pulled["config"]["digest"])).status == 200
    assert client.put_manifest(repo, "again", body, DOCKER_MANIFEST).status == 201
    assert docker15.pull(repo, "again").chain("again") == images    # the ids it had, not others


# v2 → v1 -------------------------------------------------------------------------------------------------------------


def test_docker_19_sees_the_ids_of_docker_15(client, docker15, repo):
    images = v1_images(repo)
    docker15.push(repo, images, {"a": images[-1].id})
    document = client.get(client.manifest(repo, "a"), DOCKER_19).json()
    assert [entry["v1Compatibility"].encode() for entry in document["history"]] == [
        image.json for image in reversed(images)]
    assert [layer["blobSum"] for layer in document["fsLayers"]] == [digest(image.layer) for image in reversed(images)]


def test_docker_15_sees_the_ids_of_docker_19(client, docker15, repo):
    signed = push_schema1(client, repo, "a")
    chain = docker15.pull(repo, "a").chain("a")
    assert [image.json.decode() for image in reversed(chain)] == [
        entry["v1Compatibility"] for entry in json.loads(signed)["history"]]
    # And may build on it: what schema1 does not say of the layers, the registry finds out.
    top = make_image(repo + " top", chain[-1], {"opt/top": b"top"})
    assert docker15.push(repo, [*chain, top], {"b": top.id}) == [top.id]
    assert unpack(pull_v2(client, repo, "b", "oci")) == {**FILES, "opt/top": b"top"}


@pytest.mark.parametrize("pusher", ["schema1", "schema2", "oci", "index"])
def test_what_v1_pulled_is_not_pushed_again(client, docker15, repo, pusher):
    PUSHERS[pusher](client, repo, "a")
    before = client.get(client.manifest(repo, "a"), {"Accept": ", ".join(ACCEPTS["oci"])})
    chain = docker15.pull(repo, "a").chain("a")
    assert docker15.push(repo, chain, {"a": chain[-1].id, "b": chain[-1].id}) == []
    for tag in ("a", "b"):
        after = client.get(client.manifest(repo, tag), {"Accept": ", ".join(ACCEPTS["oci"])})
        assert after.body == before.body, "a tag of the same image is the same manifest"
    other = repo + "copy"
    assert docker15.push(other, chain, {"c": chain[-1].id}) == []
    assert unpack(pull_v2(client, other, "c", "oci")) == FILES
    assert docker15.pull(other, "c").chain("c") == chain


def test_ids_are_the_same_wherever_and_whenever(registry, client, docker15, repo):
    push_image(client, repo, "a", DOCKER_MANIFEST)
    push_image(client, repo + "b", "a", DOCKER_MANIFEST)
    push_image(client, repo + "o", "a", OCI_MANIFEST)
    ids = [[image.id for image in docker15.pull(name, "a").chain("a")] for name in (repo, repo + "b", repo + "o")]
    assert ids[0] == ids[1] == ids[2]
    registry.stop()
    registry.start()
    assert [image.id for image in docker15.pull(repo, "a").chain("a")] == ids[0]


def test_an_image_built_on_one_of_v2(client, docker15, repo):
    """docker 1.5 builds on what a new client pushed: only its own layer goes over the wire, and all can pull it."""
    push_image(client, repo, "base", OCI_MANIFEST)
    chain = docker15.pull(repo, "base").chain("base")
    top = make_image(repo + " top", chain[-1], {"opt/top": b"top"})
    built = repo + "built"
    assert docker15.push(built, [*chain, top], {"t": top.id}) == [top.id]
    assert unpack(pull_v2(client, built, "t", "schema2")) == {**FILES, "opt/top": b"top"}
    # The base may go: what was built on it stays.
    assert client.delete(client.manifest(repo, "base")).status == 202
    manifest = get_manifest(client, built, "t", "schema2")
    assert docker15.pull(built, "t").chain("t") == [*chain, top]
    history = json.loads(client.fetch_blob(built, manifest["config"]["digest"]))["history"]
    assert [entry.get("created_by") for entry in history][:3] == ["ADD one", "ENV PATH=/bin", "ADD two"]


def test_a_tag_that_v2_moves(client, docker15, repo):
    images = v1_images(repo)
    docker15.push(repo, images, {"a": images[-1].id})
    layers = [make_layer({"new": b"new"})]
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {
        "type": "layers", "diff_ids": [digest(gzip.decompress(layers[0]))]}, "history": [{}]}).encode()
    client.make_image(repo, layers, "a", OCI_MANIFEST, config)
    assert [image.layer for image in docker15.pull(repo, "a").chain("a")] == layers
    docker15.push(repo, images, {"a": images[-1].id})
    assert docker15.pull(repo, "a").chain("a") == images


def test_what_v1_cannot_pull_is_left_out(registry, client, docker15, repo):
    image = push_image(client, repo, "good", OCI_MANIFEST)
    layer = make_layer(LAYERS[0])
    artifact = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [harness.descriptor("text/plain", layer)],
                "config": harness.descriptor("application/vnd.example", b"{}")}
    zstd = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": harness.descriptor(harness.OCI_CONFIG, b"{}"),
            "layers": [harness.descriptor(OCI_LAYER.replace("gzip", "zstd"), layer)]}
    deep = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []},
                       "history": [{"created_by": str(n), "empty_layer": True} for n in range(128)]}).encode()
    arm = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        {**harness.descriptor(OCI_MANIFEST, image.manifest), "platform": {"os": "linux", "architecture": "arm64"}}]}
    for data in (layer, b"{}"):
        client.push_blob(repo, data)
    client.make_image(repo, [], "deep", OCI_MANIFEST, deep)
    for tag, document, kind in (("artifact", artifact, OCI_MANIFEST), ("zstd", zstd, OCI_MANIFEST),
                                ("arm", arm, OCI_INDEX)):
        assert client.put_manifest(repo, tag, json.dumps(document).encode(), kind).status == 201
    for _ in range(2):
        assert list(docker15.pull(repo).tags) == ["good"]
    for tag in ("artifact", "zstd", "arm", "deep"):
        assert client.get(f"/v1/repositories/{repo}/tags/{tag}").status == 404
    told = [line for line in registry.log().splitlines() if "v1 clients cannot pull" in line and repo + " " in line]
    assert len(told) == 4, told
    for why in ("zstd", "more than 127", "no linux/amd64", "not a container image"):
        assert any(why in line for line in told), why


def test_layers_that_add_nothing(client, docker15, repo):
    push_image(client, repo, "a", DOCKER_MANIFEST)
    chain = docker15.pull(repo, "a").chain("a")
    assert len(chain) == 4 and json.loads(chain[1].json)["throwaway"] is True
    assert gzip.decompress(chain[1].layer) == bytes(1024)


# Ids that are nobody's to choose -------------------------------------------------------------------------------------


def test_an_id_that_is_taken_before_its_image_comes(registry, client, docker15, repo):
    """The ids of v2 images follow from their content: who pushes something else under one is not believed."""
    push_image(client, repo, "a", DOCKER_MANIFEST)
    chain = docker15.pull(repo, "a").chain("a")
    with harness.Registry() as other:
        evil = LocalImage(chain[0].id, json.dumps({"id": chain[0].id}).encode(), make_layer({"evil": b"evil"}))
        V1Client(other).push("evil/image", [evil], {"x": evil.id})
        push_image(Client(other), repo, "a", DOCKER_MANIFEST)
        assert V1Client(other).pull(repo, "a").chain("a") == chain
        assert "dropped" in other.log()
        # What was pushed is still there for clients of v2, under its own digest.
        assert digest(evil.layer) in Client(other).get(Client(other).manifest("evil/image", "x")).body.decode()


@pytest.fixture(scope="module")
def elsewhere():
    """Another registry, which knows nothing of what is in ours."""
    with harness.Registry() as running:
        yield running


def push_as_schema1(client, elsewhere, repo, tag, images):
    """What a docker 1.6 would push that has these images: their ids are whatever it says."""
    other = Client(elsewhere)
    V1Client(elsewhere).push(repo, images, {tag: images[-1].id})
    signed = other.get(other.manifest(repo, tag), DOCKER_19).body
    for image in images:
        client.push_blob(repo, image.layer)
    assert client.put_manifest(repo, tag, signed, SCHEMA1).status == 201


@pytest.mark.parametrize("with_parent", [True, False])
def test_schema1_takes_no_id_from_a_pushed_image(registry, client, docker15, elsewhere, repo, with_parent):
    """Ids in schema1 are anybody's to choose: what is there under one stays, and the impostor is left out for v1."""
    images = v1_images(repo)
    docker15.push(repo, images, {"a": images[-1].id})
    evil = "aaaa/" + repo.replace("/", "-")
    impostors = [make_image(evil, files={"evil": b"evil"}), ] if with_parent else []
    impostors.append(LocalImage(images[-1].id, json.dumps({
        "id": images[-1].id, **({"parent": impostors[0].id} if with_parent else {})}).encode(),
        make_layer({"evil": b"evil"})))
    push_as_schema1(client, elsewhere, evil, "x", impostors)
    assert client.get(f"/v1/repositories/{evil}/tags").json() == {}
    assert docker15.pull(repo, "a").chain("a") == images
    assert "another image's" in registry.log()
    assert client.get(client.manifest(evil, "x")).header("Content-Type") == SCHEMA1


def test_schema1_takes_no_id_that_follows_from_content(registry, client, docker15, elsewhere, repo):
    """Not even by being there first."""
    layer = make_layer({repo: b"original"})
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"]}, "history": [{}],
                         "rootfs": {"type": "layers", "diff_ids": [digest(gzip.decompress(layer))]}}).encode()
    with harness.Registry() as other:
        for to in (Client(other), client):
            to.make_image(repo + "original", [layer], "a", DOCKER_MANIFEST, config)
        chain = V1Client(other).pull(repo + "original", "a").chain("a")
    evil = "aaaa/" + repo.replace("/", "-")
    push_as_schema1(client, elsewhere, evil, "x",
                    [LocalImage(chain[0].id, json.dumps({"id": chain[0].id}).encode(), make_layer({"evil": b"evil"}))])
    assert client.get(f"/v1/repositories/{evil}/tags").json() == {"x": chain[0].id}
    assert docker15.pull(repo + "original", "a").chain("a") == chain
    docker15.pull(evil)     # whatever it is now
    assert docker15.pull(repo + "original", "a").chain("a") == chain


def test_a_config_pushed_under_an_id_that_follows_from_it(registry, client, docker15, repo):
    """The same layers, and another command: the id of the image stands for its config too."""
    with harness.Registry() as other:
        push_image(Client(other), repo, "a", DOCKER_MANIFEST)
        chain = V1Client(other).pull(repo, "a").chain("a")
    document = json.loads(chain[-1].json)
    document["config"]["Cmd"] = ["/bin/evil"]
    evil = LocalImage(chain[-1].id, json.dumps(document).encode(), chain[-1].layer)
    docker15.push("evil/" + repo.replace("/", "-"), [*chain[:-1], evil], {"x": evil.id})
    push_image(client, repo, "a", DOCKER_MANIFEST)
    assert docker15.pull(repo, "a").chain("a") == chain


def test_docker_16_pushes_what_it_pulled_from_docker_15(client, docker15, elsewhere, repo):
    """It writes the JSON in its own way and packs layers anew; for docker 1.5 they are the images that it has."""
    images = v1_images(repo)
    docker15.push(repo, images, {"a": images[-1].id})
    again = [LocalImage(image.id, image.json.replace(b'"Size"', b'"Labels": null, "Size"'),
                        gzip.compress(gzip.decompress(image.layer), 1, mtime=7)) for image in images]
    for name in (repo, "other/" + repo.replace("/", "-")):
        push_as_schema1(client, elsewhere, name, "b", again)
        assert docker15.pull(name, "b").chain("b") == images
        assert unpack(pull_schema1(client, name, "b")) == FILES


# Interrupted ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["json", "layer"])
def test_a_push_that_broke_off(registry, docker15, repo, step):
    """Between two steps everything is killed; docker pushes again, and sends what was not finished."""
    images = v1_images(repo)
    token = docker15._send("PUT", f"/v1/repositories/{repo}/", body=b"[]").header("X-Docker-Token")
    docker15.push_image(images[0], token)
    docker15.push_image(images[1], token, stop_after=step)
    registry.kill()
    registry.start()
    assert docker15.push(repo, images, {"a": images[-1].id}) == [images[1].id, images[2].id]
    assert docker15.pull(repo, "a").chain("a") == images


def test_a_pull_that_breaks_goes_on(docker15, repo):
    images = v1_images(repo)
    docker15.push(repo, images, {"a": images[-1].id})
    longest = max(len(image.layer) for image in images)
    pulled = docker15.pull(repo, "a", break_after=longest // 3 + 1)
    assert pulled.chain("a") == images
    assert docker15.pull(repo, "a", graph=pulled.images).fetched == []


def test_pull_of_all_tags_and_names_without_a_namespace(client, docker15):
    images = v1_images("single")
    docker15.push("single", images, {"one": images[0].id, "two": images[-1].id})
    pulled = docker15.pull("single")
    assert pulled.tags == {"one": images[0].id, "two": images[-1].id}
    assert sorted(pulled.fetched) == sorted(image.id for image in images)
    assert client.get(client.tags("single")).json()["tags"] == ["one", "two"]
    with pytest.raises(V1Error, match="not found"):
        docker15.pull("single", "three")
    with pytest.raises(V1Error, match="404"):
        docker15.pull("nothing")


@pytest.mark.parametrize("agent, probes", [
    ("docker/1.3.3 go/go1.3.3 git-commit/d344625 kernel/3.13.0 os/linux arch/amd64", False),
    ("docker/0.9.1 go/go1.2.1 git-commit/3600720 kernel/3.13.0 os/linux arch/amd64", False),
    ("docker/1.5.0 go/go1.4.1 git-commit/a8a31ef kernel/3.13.0 os/linux arch/amd64", True)])
def test_generations_of_v1(registry, repo, agent, probes):
    docker = V1Client(registry, agent, probes_v2=probes)
    images = v1_images(repo)
    assert docker.push(repo, images, {"a": images[-1].id}) == [image.id for image in images]
    assert docker.pull(repo, "a").chain("a") == images
    assert [found["name"] for found in docker.search(repo)] == [repo]


def test_over_https_with_a_password():
    with harness.Registry(tls=True) as registry:
        docker = V1Client(registry, login=("someone", "secret"))
        assert docker.login("someone", "secret") == "Account created"
        images = v1_images("tls")
        docker.push("team/tls", images, {"a": images[-1].id})
        assert docker.pull("team/tls", "a").chain("a") == images


def test_a_large_layer_in_a_small_pool(registry, docker15, repo):
    """More than the pool takes in memory: it comes from the spool, and goes out by nginx."""
    noise = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(300_000))
    image = make_image(repo, layer=make_layer({"noise": noise}))
    docker15.push(repo, [image], {"a": image.id})
    assert docker15.pull(repo, "a").chain("a") == [image]
