"""crane over TLS with a private CA: whole images and odd ones, between two berths, tags, indexes, deletes."""
import json

import pytest

import modern
import odd_images
from harness import digest
from images import Layer, random_bytes, tar
from modern import Program, put, stored, tags


@pytest.fixture
def crane(tmp_path):
    (tmp_path / "home").mkdir()
    return Program("crane", tmp_path / "home")


def test_push_and_pull_of_a_layout(crane, here, layout, tmp_path):
    layers = [Layer("crane-a"), Layer("crane-b", 3_000_000)]
    manifest = layout.add_image("v1", layers)
    name = f"{here.authority}/crane/image:v1"
    assert crane.say("push", layout.folder, name).endswith(digest(manifest))
    assert stored(here, "crane/image", "v1") == manifest
    assert crane.say("digest", name) == digest(manifest)
    assert crane.run("manifest", name) == manifest + b"\n" or crane.run("manifest", name) == manifest
    assert json.loads(crane.run("config", name))["rootfs"]["diff_ids"] == [layer.diff_id for layer in layers]
    assert crane.run("blob", f"{here.authority}/crane/image@{digest(layers[1].blob)}") == layers[1].blob
    crane.run("validate", "--remote", name)
    crane.run("pull", "--format=oci", name, tmp_path / "back")
    assert (tmp_path / "back" / "blobs" / "sha256" / digest(manifest)[7:]).read_bytes() == manifest


def test_index_with_its_images(crane, here, layout):
    index, manifests = layout.add_index("multi", {"amd64": [Layer("crane-amd64")], "arm64": [Layer("crane-arm64")]})
    put(here, layout, "crane/multi:v1", index)
    name = f"{here.authority}/crane/multi:v1"
    assert crane.say("digest", name) == digest(index)
    for architecture, manifest in manifests.items():
        assert crane.say("digest", f"--platform=linux/{architecture}", name) == digest(manifest)
    crane.run("index", "filter", "--platform=linux/arm64", name, "-t", f"{here.authority}/crane/multi:arm")
    assert [part["digest"] for part in json.loads(stored(here, "crane/multi", "arm"))["manifests"]] == \
        [digest(manifests["arm64"])]
    crane.run("validate", "--remote", name)


@pytest.mark.parametrize("kind", sorted(odd_images.ODD))
def test_odd_images_between_two_berths(crane, here, there, layout, kind):
    manifest = odd_images.ODD[kind](layout, kind)
    put(here, layout, f"crane/{kind}:v1", manifest)
    crane.run("copy", f"{here.authority}/crane/{kind}:v1", f"{there.authority}/crane/{kind}:v1")
    modern.assert_same_tree(here, there, f"crane/{kind}", "v1")


def test_estargz_unpacks(crane, here, layout):
    put(here, layout, "crane/unpack:v1", odd_images.add_estargz(layout, "unpack"))
    crane.run("validate", "--remote", f"{here.authority}/crane/unpack:v1")


def test_estargz_made_by_crane(here, tmp_path):
    (tmp_path / "home").mkdir()
    crane = Program("crane", tmp_path / "home", GGCR_EXPERIMENT_ESTARGZ="1")
    (tmp_path / "layer.tar").write_bytes(tar({"a": random_bytes(100_000, "crane-estargz"), "b": b"b"}))
    name = f"{here.authority}/crane/made:v1"
    crane.run("append", "-f", tmp_path / "layer.tar", "-t", name, "--oci-empty-base")
    assert json.loads(stored(here, "crane/made", "v1"))["layers"]
    crane.run("validate", "--remote", name)
    crane.run("mutate", name, "--label=a=b", "-t", f"{here.authority}/crane/made:v2")
    assert json.loads(crane.run("config", f"{here.authority}/crane/made:v2"))["config"]["Labels"] == {"a": "b"}


def test_mounts_between_repositories(crane, here, layout):
    layer = Layer("crane-mounted", 2_000_000)
    put(here, layout, "crane/from:v1", layout.add_image("v1", [layer]))
    crane.run("copy", f"{here.authority}/crane/from:v1", f"{here.authority}/crane/to:v1")
    assert stored(here, "crane/to", "v1") == stored(here, "crane/from", "v1")


def test_tags_and_catalog(crane, here, layout):
    put(here, layout, "crane/tags:one", layout.add_image("one", [Layer("crane-tags")]))
    for tag in ("two", "three"):
        crane.run("tag", f"{here.authority}/crane/tags:one", tag)
    assert crane.say("ls", f"{here.authority}/crane/tags").split() == ["one", "three", "two"]
    assert "crane/tags" in crane.say("catalog", here.authority).split()


def test_delete(crane, here, layout):
    manifest = layout.add_image("v1", [Layer("crane-delete")])
    put(here, layout, "crane/delete:v1", manifest)
    put(here, layout, "crane/delete:v2", manifest)
    crane.run("delete", f"{here.authority}/crane/delete:v1")
    assert tags(here, "crane/delete") == ["v2"]
    crane.run("delete", f"{here.authority}/crane/delete@{digest(manifest)}")
    assert "MANIFEST_UNKNOWN" in crane.run("manifest", f"{here.authority}/crane/delete:v2", fails=True)


def test_other_certificates_are_refused(here, tmp_path):
    (tmp_path / "home").mkdir()
    stranger = Program("crane", tmp_path / "home", SSL_CERT_FILE="/dev/null", SSL_CERT_DIR="/nonexistent")
    assert "certificate" in stranger.run("catalog", here.authority, fails=True)
