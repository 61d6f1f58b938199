"""regctl over TLS with a private CA: layouts, artifacts, referrers, copies with all that refers, deletes of tags."""
import json

import pytest

import modern
import odd_images
from harness import OCI_MANIFEST, digest
from images import Layer
from modern import Program, put, referrers, stored, tags


@pytest.fixture
def regctl(tmp_path):
    (tmp_path / "home").mkdir()
    return Program("regctl", tmp_path / "home", REGCTL_CONFIG=str(tmp_path / "home" / "regctl.json"))


@pytest.fixture
def image(here, layout, request):
    """repo and bytes of an image pushed for one test alone."""
    repo = "regctl/" + request.node.name.removeprefix("test_").replace("_", "-").split("[")[0]
    manifest = layout.add_image("image", [Layer(repo), Layer(repo + "-2", 1_500_000)])
    put(here, layout, f"{repo}:v1", manifest)
    return repo, manifest


def test_layout_there_and_back(regctl, here, layout, tmp_path):
    index, _ = layout.add_index("multi", {"amd64": [Layer("regctl-amd64")], "arm64": [Layer("regctl-arm64")]})
    name = f"{here.authority}/regctl/layout:v1"
    regctl.run("image", "copy", f"ocidir://{layout.folder}:multi", name)
    assert stored(here, "regctl/layout", "v1") == index
    assert regctl.say("image", "digest", name) == digest(index)
    regctl.run("image", "copy", name, f"ocidir://{tmp_path / 'back'}:v1")
    assert (tmp_path / "back" / "blobs" / "sha256" / digest(index)[7:]).read_bytes() == index


@pytest.mark.parametrize("kind", sorted(odd_images.ODD))
def test_odd_images_between_two_berths(regctl, here, there, layout, kind):
    manifest = odd_images.ODD[kind](layout, kind)
    regctl.run("image", "copy", f"ocidir://{layout.folder}:{kind}", f"{here.authority}/regctl/{kind}:v1")
    assert stored(here, f"regctl/{kind}", "v1") == manifest
    regctl.run("image", "copy", f"{here.authority}/regctl/{kind}:v1", f"{there.authority}/regctl/{kind}:v1")
    modern.assert_same_tree(here, there, f"regctl/{kind}", "v1")


def test_artifacts_and_their_listing(regctl, here, image):
    repo, manifest = image
    name = f"{here.authority}/{repo}:v1"
    for kind in ("sbom", "report"):
        regctl.run("artifact", "put", "--artifact-type", f"application/vnd.example.{kind}", "--subject", name,
                   "--annotation", f"org.example.kind={kind}", given=f"{kind} of an image".encode())
    listed = referrers(here, repo, digest(manifest))
    assert sorted(part["artifactType"] for part in listed) == \
        ["application/vnd.example.report", "application/vnd.example.sbom"]
    seen = json.loads(regctl.run("artifact", "list", name, "--format", "{{json .}}"))
    assert sorted(part["digest"] for part in seen["descriptors"]) == sorted(part["digest"] for part in listed)
    one = json.loads(regctl.run("artifact", "list", name, "--format", "{{json .}}", "--filter-artifact-type",
                                "application/vnd.example.sbom"))["descriptors"]
    assert [part["annotations"] for part in one] == [{"org.example.kind": "sbom"}]
    assert regctl.run("artifact", "get", "--subject", name, "--filter-artifact-type",
                      "application/vnd.example.sbom") == b"sbom of an image"
    modern.uses_api_alone(here)


def test_copy_with_referrers_and_theirs(regctl, here, there, image):
    """An image, a statement about it and a statement about that arrive together."""
    repo, manifest = image
    name = f"{here.authority}/{repo}:v1"
    regctl.run("artifact", "put", "--artifact-type", "application/vnd.example.first", "--subject", name, given=b"1")
    first = referrers(here, repo, digest(manifest))[0]["digest"]
    regctl.run("artifact", "put", "--artifact-type", "application/vnd.example.second", "--subject",
               f"{here.authority}/{repo}@{first}", given=b"2")
    regctl.run("image", "copy", "--referrers", name, f"{there.authority}/{repo}:v1")
    assert referrers(there, repo, digest(manifest)) == referrers(here, repo, digest(manifest))
    assert len(referrers(there, repo, first)) == 1
    modern.uses_api_alone(there)


def test_a_deleted_referrer_is_listed_no_more(regctl, here, image):
    repo, manifest = image
    name = f"{here.authority}/{repo}:v1"
    regctl.run("artifact", "put", "--artifact-type", "application/vnd.example.gone", "--subject", name, given=b"x")
    found = referrers(here, repo, digest(manifest))
    regctl.run("manifest", "delete", f"{here.authority}/{repo}@{found[0]['digest']}")
    assert referrers(here, repo, digest(manifest)) == []
    assert json.loads(regctl.run("artifact", "list", name, "--format", "{{json .}}")).get("descriptors") in (None, [])


def test_a_tag_goes_and_the_image_stays(regctl, here, image):
    repo, manifest = image
    regctl.run("image", "copy", f"{here.authority}/{repo}:v1", f"{here.authority}/{repo}:v2")
    regctl.run("tag", "delete", f"{here.authority}/{repo}:v1")
    assert tags(here, repo) == ["v2"]
    assert regctl.say("tag", "ls", f"{here.authority}/{repo}") == "v2"
    assert stored(here, repo, digest(manifest)) == manifest


def test_blobs(regctl, here, tmp_path):
    data = b"of no image" * 100_000
    said = regctl.say("blob", "put", f"{here.authority}/regctl/blobs", given=data)
    assert digest(data) in said
    assert regctl.run("blob", "get", f"{here.authority}/regctl/blobs", digest(data)) == data
    regctl.run("blob", "copy", f"{here.authority}/regctl/blobs", f"{here.authority}/regctl/more", digest(data))
    assert regctl.run("blob", "get", f"{here.authority}/regctl/more", digest(data)) == data
    regctl.run("blob", "delete", f"{here.authority}/regctl/more", digest(data))
    regctl.run("blob", "get", f"{here.authority}/regctl/more", digest(data), fails=True)


def test_index_put_together(regctl, here, image):
    repo, manifest = image
    regctl.run("index", "create", f"{here.authority}/{repo}:all", "--ref", f"{here.authority}/{repo}:v1")
    assert [part["digest"] for part in json.loads(stored(here, repo, "all"))["manifests"]] == [digest(manifest)]
    assert json.loads(stored(here, repo, "v1"))["mediaType"] == OCI_MANIFEST


def test_sha512_image(regctl, here, there, image):
    """regctl rebuilds an image under sha512; its manifests and blobs go to another berth under those names."""
    repo, _ = image
    regctl.run("image", "mod", f"{here.authority}/{repo}:v1", "--digest-algo", "sha512", "--create", "long")
    name = f"{here.authority}/{repo}:long"
    seen = regctl.say("image", "digest", name)
    layers = json.loads(stored(here, repo, "long"))["layers"]
    assert layers and all(layer["digest"].startswith("sha512:") for layer in layers)
    regctl.run("image", "copy", name, f"{there.authority}/{repo}:long")
    assert stored(there, repo, "long") == stored(here, repo, "long") and seen
