"""Schema1 with real software: skopeo and podman push and pull it, and docker-registry 2.8 shares the store."""
import json
import pathlib
import shutil
import tempfile

import pytest

import harness
from conftest import need, need_root, running
from harness import Client
from images import Layer, OciLayout
from test_clients_podman import Store
from test_clients_skopeo import Skopeo

SCHEMA1 = {"compatibility": {"schema1": {"enabled": True}}}
SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"


@pytest.fixture(scope="module")
def berth(registry_class):
    need("skopeo")
    with running(registry_class(SCHEMA1)) as registry:
        yield registry


@pytest.fixture
def layers():
    return [Layer("schema1-a"), Layer("schema1-b", 300_000)]


@pytest.fixture
def layout(tmp_path, layers):
    layout = OciLayout(tmp_path / "oci")
    layout.add_image("v1", layers)
    return layout


def served(registry, name, tag="v1"):
    client = Client(registry)
    return client.get(client.manifest(name, tag), {"Accept": SIGNED})


def layer_digests(document):
    return {layer["blobSum"] for layer in json.loads(document)["fsLayers"]}


def test_skopeo_pushes_and_pulls(berth, ca_folder, layout, layers, tmp_path):
    skopeo = Skopeo(berth, ca_folder)
    skopeo.copy(layout.reference("v1"), skopeo.at("skopeo/old:v1"), "--format", "v2s1")
    reply = served(berth, "skopeo/old")
    assert reply.header("Content-Type") == SIGNED
    assert layer_digests(reply.body) == {harness.digest(layer.blob) for layer in layers}
    skopeo.copy(skopeo.at("skopeo/old:v1"), f"dir:{tmp_path / 'back'}")
    assert (tmp_path / "back/manifest.json").read_bytes() == reply.body
    for layer in layers:
        assert (tmp_path / "back" / harness.digest(layer.blob).removeprefix("sha256:")).read_bytes() == layer.blob
    # And an image of today out of it.
    skopeo.copy(skopeo.at("skopeo/old:v1"), skopeo.at("skopeo/new:v1"), "--format", "oci")
    config = skopeo.inspect("skopeo/new:v1", "--config")
    assert config["rootfs"]["diff_ids"] == [layer.diff_id for layer in layers]


@pytest.fixture
def short_folder():
    """podman takes no long paths."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="s1-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_podman_pushes_and_pulls(berth, ca_folder, layout, short_folder):
    need_root()
    need("podman")
    store = Store(short_folder, berth, ca_folder)
    image = store.podman("pull", "--quiet", layout.reference("v1"))
    store.podman("tag", image, store.at("podman/old:v1"))
    store.push("podman/old:v1", "--format", "v2s1")
    assert served(berth, "podman/old").header("Content-Type") == SIGNED
    store.podman("rmi", "--all", "--force")
    assert store.pull("podman/old:v1")


@pytest.fixture
def peer(berth):
    need("docker-registry")
    with running(harness.PeerRegistry(SCHEMA1 | {"storage": {"cache": None}}, root=berth.root)) as registry:
        yield registry


@pytest.mark.parametrize("way", ["to berth", "to docker-registry"])
def test_docker_registry_on_the_same_store(berth, peer, ca_folder, layout, tmp_path, way):
    """What skopeo pushed to one is pulled from the other: the same payload, each with a signature that holds."""
    writer, reader = (berth, peer) if way == "to berth" else (peer, berth)
    name = way.replace(" ", "/")
    to, back = Skopeo(writer, ca_folder), Skopeo(reader, ca_folder)
    to.copy(layout.reference("v1"), to.at(f"{name}:v1"), "--format", "v2s1")
    replies = [served(registry, name) for registry in (berth, peer)]
    assert [reply.status for reply in replies] == [200, 200]
    assert len({reply.header("Docker-Content-Digest") for reply in replies}) == 1
    back.copy(back.at(f"{name}:v1"), f"dir:{tmp_path / 'back'}")
    # Each takes what the other serves.
    for document in (reply.body for reply in replies):
        for registry in (berth, peer):
            client = Client(registry)
            assert client.put_manifest(name, "again", document, SIGNED).status == 201


def test_conversions_are_the_same_as_docker_registry_s(berth, peer, ca_folder, layout):
    skopeo = Skopeo(berth, ca_folder)
    skopeo.copy(layout.reference("v1"), skopeo.at("both/convert:v1"), "--format", "v2s2")
    digests = {served(registry, "both/convert").header("Docker-Content-Digest") for registry in (berth, peer)}
    assert len(digests) == 1
