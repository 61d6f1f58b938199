"""skopeo against the registry: copies both ways, indexes, conversions, lists, deletes; plain and over a private CA."""
import concurrent.futures
import json
import subprocess

import pytest

from conftest import need
from harness import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Client, digest
from images import Layer, OciLayout
from store_check import assert_whole, blob_file

SKOPEO_SECONDS = 180
BIG_LAYER_BYTES = 20_000_000


class Skopeo:
    """skopeo told to trust the registry's CA alone (TLS) or to speak plain http."""

    def __init__(self, registry, ca_folder):
        self.registry = registry
        self._ca_folder = ca_folder

    def at(self, name):
        return f"docker://{self.registry.authority}/{name}"

    def _trust(self, side=""):
        if self.registry.tls:
            return [f"--{side}cert-dir={self._ca_folder}"]
        return [f"--{side}tls-verify=false"]

    def run(self, *arguments, fails=False):
        done = subprocess.run(["skopeo", "--insecure-policy", *map(str, arguments)], capture_output=True, text=True,
                              timeout=SKOPEO_SECONDS)
        assert (done.returncode != 0) == fails, f"skopeo {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if fails else done.stdout

    def copy(self, source, destination, *options, fails=False):
        trust = [flag for side, end in (("src-", source), ("dest-", destination)) if end.startswith("docker://")
                 for flag in self._trust(side)]
        return self.run("copy", *trust, *options, source, destination, fails=fails)

    def inspect(self, name, *options, fails=False):
        out = self.run("inspect", *self._trust(), *options, self.at(name), fails=fails)
        return out if fails else json.loads(out)

    def raw(self, name):
        return self.run("inspect", *self._trust(), "--raw", self.at(name)).encode()

    def tags(self, name):
        return json.loads(self.run("list-tags", *self._trust(), self.at(name)))["Tags"]

    def delete(self, name, fails=False):
        return self.run("delete", *self._trust(), self.at(name), fails=fails)


@pytest.fixture(scope="module", params=["plain", "tls"])
def registry(request, registry_factory):
    need("skopeo")
    with registry_factory(tls=request.param == "tls") as running:
        yield running
        assert_whole(running.v2_root, deletions=True)


@pytest.fixture
def skopeo(registry, ca_folder):
    return Skopeo(registry, ca_folder)


@pytest.fixture
def layout(tmp_path):
    return OciLayout(tmp_path / "oci")


def in_dir(folder, blob_digest):
    """A blob of skopeo's `dir:` transport."""
    return (folder / blob_digest.removeprefix("sha256:")).read_bytes()


def test_image_comes_back_byte_for_byte(skopeo, layout, tmp_path):
    layers = [Layer("round-a"), Layer("round-b", BIG_LAYER_BYTES), Layer("round-c", 0)]
    manifest = layout.add_image("v1", layers)
    skopeo.copy(layout.reference("v1"), skopeo.at("round/trip:v1"))
    skopeo.copy(skopeo.at("round/trip:v1"), f"dir:{tmp_path / 'back'}")

    assert (tmp_path / "back" / "manifest.json").read_bytes() == manifest
    for layer in layers:
        assert in_dir(tmp_path / "back", digest(layer.blob)) == layer.blob
    config = json.loads(manifest)["config"]["digest"]
    assert in_dir(tmp_path / "back", config) == layout.read(config)


def test_dir_source(skopeo, layout, tmp_path):
    manifest = layout.add_image("v1", [Layer("dir-a")])
    skopeo.copy(layout.reference("v1"), f"dir:{tmp_path / 'there'}")
    skopeo.copy(f"dir:{tmp_path / 'there'}", skopeo.at("from/dir:v1"), "--preserve-digests")
    assert skopeo.raw("from/dir:v1") == manifest


def test_copy_by_digest(skopeo, layout, tmp_path):
    manifest = layout.add_image("v1", [Layer("digest-a")])
    named = f"by/digest@{digest(manifest)}"
    skopeo.copy(layout.reference("v1"), skopeo.at(named))
    skopeo.copy(skopeo.at(named), f"dir:{tmp_path / 'back'}")
    assert (tmp_path / "back" / "manifest.json").read_bytes() == manifest


def test_inspect(skopeo, layout):
    layers = [Layer("inspect-a"), Layer("inspect-b")]
    manifest = layout.add_image("v1", layers)
    for tag in ("v1", "v2"):
        skopeo.copy(layout.reference("v1"), skopeo.at(f"look/at:{tag}"))
    seen = skopeo.inspect("look/at:v1")
    assert seen["Digest"] == digest(manifest)
    assert seen["Layers"] == [digest(layer.blob) for layer in layers]
    assert (seen["Architecture"], seen["Os"], seen["RepoTags"]) == ("amd64", "linux", ["v1", "v2"])
    assert skopeo.raw("look/at:v2") == manifest
    config = skopeo.inspect("look/at:v1", "--config")
    assert config["rootfs"]["diff_ids"] == [layer.diff_id for layer in layers]


def test_inspect_of_nothing_says_so(skopeo, layout):
    layout.add_image("v1", [Layer("nothing-a")])
    skopeo.copy(layout.reference("v1"), skopeo.at("some/thing:v1"))
    assert "manifest unknown" in skopeo.inspect("some/thing:v2", fails=True)
    assert "unknown" in skopeo.inspect("no/thing:v1", fails=True)


def test_list_tags(skopeo, layout):
    layout.add_image("v1", [Layer("tags-a")])
    names = ["1.0", "1.10", "1.9", "UPPER", "latest", "z_z-z.z"]
    for name in reversed(names):
        skopeo.copy(layout.reference("v1"), skopeo.at(f"many/tags:{name}"))
    assert sorted(skopeo.tags("many/tags")) == names


def test_delete(skopeo, layout):
    layout.add_image("v1", [Layer("delete-a")])
    layout.add_image("v2", [Layer("delete-b")])
    for tag in ("v1", "v2"):
        skopeo.copy(layout.reference(tag), skopeo.at(f"to/delete:{tag}"))
    skopeo.delete("to/delete:v1")
    assert "manifest unknown" in skopeo.inspect("to/delete:v1", fails=True)
    assert skopeo.tags("to/delete") == ["v2"]
    assert skopeo.inspect("to/delete:v2")["Digest"]
    skopeo.copy(layout.reference("v1"), skopeo.at("to/delete:v1"))
    assert skopeo.tags("to/delete") == ["v1", "v2"]


def test_index_with_all_its_images(skopeo, layout, tmp_path):
    shared = Layer("index-shared")
    index, manifests = layout.add_index("multi", {
        "amd64": [shared, Layer("index-amd64")],
        "arm64": [shared, Layer("index-arm64")],
        "riscv64": [Layer("index-riscv64")],
    })
    skopeo.copy(layout.reference("multi"), skopeo.at("multi/arch:v1"), "--all")
    assert skopeo.raw("multi/arch:v1") == index
    for manifest in manifests.values():
        assert skopeo.raw(f"multi/arch@{digest(manifest)}") == manifest

    skopeo.copy(skopeo.at("multi/arch:v1"), f"dir:{tmp_path / 'all'}", "--all", "--preserve-digests")
    assert (tmp_path / "all" / "manifest.json").read_bytes() == index
    for manifest in manifests.values():
        name = digest(manifest).removeprefix("sha256:") + ".manifest.json"
        assert (tmp_path / "all" / name).read_bytes() == manifest

    skopeo.copy(skopeo.at("multi/arch:v1"), f"dir:{tmp_path / 'one'}", "--override-arch=arm64")
    assert (tmp_path / "one" / "manifest.json").read_bytes() == manifests["arm64"]


def test_index_between_repositories(registry, skopeo, layout):
    index, _ = layout.add_index("multi", {"amd64": [Layer("between-a")], "arm64": [Layer("between-b")]})
    skopeo.copy(layout.reference("multi"), skopeo.at("between/one:v1"), "--all")
    skopeo.copy(skopeo.at("between/one:v1"), skopeo.at("between/two/deep:v1"), "--all", "--preserve-digests")
    assert skopeo.raw("between/two/deep:v1") == index
    reply = Client(registry).get(Client(registry).manifest("between/two/deep", "v1"), {"Accept": OCI_INDEX})
    assert (reply.status, reply.header("Docker-Content-Digest"), reply.header("Content-Type")) == \
        (200, digest(index), OCI_INDEX)


def test_conversions_between_oci_and_docker(registry, skopeo, layout):
    layers = [Layer("convert-a"), Layer("convert-b")]
    manifest = layout.add_image("v1", layers)
    client = Client(registry)

    def media_type(name):
        return client.head(client.manifest(name, "v1"), {"Accept": f"{OCI_MANIFEST}, {DOCKER_MANIFEST}"}) \
            .header("Content-Type")

    skopeo.copy(layout.reference("v1"), skopeo.at("convert/oci:v1"))
    skopeo.copy(skopeo.at("convert/oci:v1"), skopeo.at("convert/docker:v1"), "--format=v2s2")
    skopeo.copy(skopeo.at("convert/docker:v1"), skopeo.at("convert/back:v1"), "--format=oci")
    assert media_type("convert/oci") == media_type("convert/back") == OCI_MANIFEST
    assert media_type("convert/docker") == DOCKER_MANIFEST
    for name in ("convert/oci", "convert/docker", "convert/back"):
        assert skopeo.inspect(f"{name}:v1")["Layers"] == [digest(layer.blob) for layer in layers]
    assert skopeo.inspect("convert/oci:v1")["Digest"] == digest(manifest)


def test_digest_is_preserved_through_registries(skopeo, layout, tmp_path):
    manifest = layout.add_image("v1", [Layer("preserve-a")])
    skopeo.copy(layout.reference("v1"), skopeo.at("preserve/one:v1"), "--preserve-digests",
                f"--digestfile={tmp_path / 'digest'}")
    skopeo.copy(skopeo.at("preserve/one:v1"), skopeo.at("preserve/two:v1"), "--preserve-digests")
    assert (tmp_path / "digest").read_text().strip() == digest(manifest)
    assert skopeo.inspect("preserve/two:v1")["Digest"] == digest(manifest)


def test_compressed_again(skopeo, layout):
    layout.add_image("v1", [Layer("zstd-a", 50_000)])
    skopeo.copy(layout.reference("v1"), skopeo.at("zstd/image:v1"), "--dest-compress-format=zstd",
                "--dest-decompress=false", "--format=oci")
    assert skopeo.inspect("zstd/image:v1")["Layers"]


def test_concurrent_pushes_that_share_layers(registry, skopeo, layout, tmp_path):
    shared = [Layer("shared-a", 3_000_000), Layer("shared-b", 1_000_000), Layer("shared-c")]
    manifests = {number: layout.add_image(f"v{number}", [*shared, Layer(f"own-{number}", 500_000)])
                 for number in range(6)}

    def target(number):
        # Half of them meet in one repository, half come from repositories of their own.
        return f"at/once:v{number}" if number % 2 else f"at/once{number}:v{number}"

    with concurrent.futures.ThreadPoolExecutor(len(manifests)) as pool:
        list(pool.map(lambda number: skopeo.copy(layout.reference(f"v{number}"), skopeo.at(target(number))),
                      manifests))
    for number, manifest in manifests.items():
        assert skopeo.raw(target(number)) == manifest
        skopeo.copy(skopeo.at(target(number)), f"dir:{tmp_path / str(number)}")
        for layer in json.loads(manifest)["layers"]:
            assert digest(in_dir(tmp_path / str(number), layer["digest"])) == layer["digest"]
    assert blob_file(registry.v2_root, digest(shared[0].blob)).read_bytes() == shared[0].blob


def test_without_trust_nothing_is_pushed(registry, layout, tmp_path):
    layout.add_image("v1", [Layer("trust-a")])
    (tmp_path / "empty").mkdir()
    trusting_none = f"--dest-cert-dir={tmp_path / 'empty'}"
    skopeo = Skopeo(registry, None)
    said = skopeo.run("copy", trusting_none, layout.reference("v1"), skopeo.at("no/trust:v1"), fails=True)
    assert ("certificate" if registry.tls else "server gave HTTP response to HTTPS client") in said
