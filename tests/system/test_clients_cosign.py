"""cosign over TLS with a private CA: signing, attesting, verifying, copies. With a pair of keys and without a
transparency log: its services are on the internet, and none of them is berth's business."""
import json

import pytest

import modern
from harness import digest
from images import Layer
from modern import Program, put, referrers, stored

BUNDLE = "application/vnd.dev.sigstore.bundle"


class Cosign(Program):
    """cosign with keys, and a configuration that names no service to ask."""

    def __init__(self, home):
        super().__init__("cosign", home, COSIGN_PASSWORD="secret", TUF_ROOT=str(home / "tuf"))
        self.run("generate-key-pair")
        self.run("signing-config", "create", "--out", "services.json")
        self.run("trusted-root", "create", "--no-default-fulcio", "--no-default-ctfe", "--no-default-rekor",
                 "--no-default-tsa", "--out", "trust.json")

    def sign(self, name, *options, fails=False):
        return self.run("sign", "--yes", "--key", "cosign.key", "--signing-config", "services.json", *options, name,
                        fails=fails)

    def attest(self, name, predicate, kind):
        (self.home / "predicate.json").write_text(json.dumps(predicate))
        self.run("attest", "--yes", "--key", "cosign.key", "--signing-config", "services.json", "--predicate",
                 "predicate.json", "--type", kind, name)

    def verify(self, name, *options, command="verify", fails=False):
        return self.run(command, "--key", "cosign.pub", "--insecure-ignore-tlog", "--trusted-root", "trust.json",
                        *options, name, fails=fails)


@pytest.fixture(scope="module")
def cosign(tmp_path_factory):
    return Cosign(tmp_path_factory.mktemp("cosign"))


@pytest.fixture
def image(here, layout, request):
    """repo, manifest and full name of an image pushed for one test alone."""
    repo = "cosign/" + request.node.name.removeprefix("test_").replace("_", "-")
    manifest = layout.add_image("image", [Layer(repo)])
    put(here, layout, f"{repo}:v1", manifest)
    return repo, manifest, f"{here.authority}/{repo}@{digest(manifest)}"


def test_signed_and_verified(cosign, here, image):
    repo, manifest, name = image
    assert cosign.verify(name, fails=True)
    cosign.sign(name, "--annotations=who=me")
    found = referrers(here, repo, digest(manifest))
    assert len(found) == 1 and found[0]["artifactType"].startswith(BUNDLE)
    assert json.loads(cosign.verify(name, "--annotations=who=me"))
    assert cosign.verify(name, "--annotations=who=you", fails=True)
    modern.uses_api_alone(here)


def test_another_key_does_not_verify(cosign, here, image, tmp_path):
    (tmp_path / "other").mkdir()
    cosign.sign(image[2])
    assert Cosign(tmp_path / "other").verify(image[2], fails=True)


def test_by_tag(cosign, here, image):
    repo, manifest, _ = image
    cosign.sign(f"{here.authority}/{repo}:v1")
    cosign.verify(f"{here.authority}/{repo}:v1")
    assert len(referrers(here, repo, digest(manifest))) == 1


def test_attested_and_verified(cosign, here, image):
    repo, manifest, name = image
    cosign.attest(name, {"checked": "by hand"}, "custom")
    cosign.attest(name, {"builder": {"id": "here"}, "buildType": "x", "invocation": {}}, "slsaprovenance02")
    assert len(referrers(here, repo, digest(manifest))) == 2
    cosign.verify(name, "--type=custom", command="verify-attestation")
    cosign.verify(name, "--type=slsaprovenance02", command="verify-attestation")
    cosign.verify(name, "--type=spdxjson", command="verify-attestation", fails=True)
    modern.uses_api_alone(here)


def test_every_image_of_an_index(cosign, here, layout):
    index, manifests = layout.add_index("multi", {"amd64": [Layer("cosign-amd64")], "arm64": [Layer("cosign-arm64")]})
    put(here, layout, "cosign/multi:v1", index)
    cosign.sign(f"{here.authority}/cosign/multi@{digest(index)}", "--recursive")
    for data in (index, *manifests.values()):
        assert len(referrers(here, "cosign/multi", digest(data))) == 1
        cosign.verify(f"{here.authority}/cosign/multi@{digest(data)}")


def test_signatures_travel(cosign, here, there, image):
    """oras takes an image to another berth with what was said about it; it verifies there."""
    repo, manifest, name = image
    cosign.sign(name)
    (cosign.home / "oras").mkdir(exist_ok=True)
    oras = Program("oras", cosign.home / "oras")
    oras.run("cp", "--no-tty", "--recursive", name, f"{there.authority}/{repo}:v1")
    cosign.verify(f"{there.authority}/{repo}@{digest(manifest)}")
    assert stored(there, repo, "v1") == manifest


def test_tree_and_download(cosign, here, image):
    repo, manifest, name = image
    cosign.sign(name)
    cosign.attest(name, {"a": 1}, "custom")
    seen = cosign.say("tree", name)
    found = referrers(here, repo, digest(manifest))
    assert len(found) == 2
    for referrer in found:
        assert json.loads(stored(here, repo, referrer["digest"]))["layers"][0]["digest"] in seen
    assert cosign.run("download", "signature", name)
