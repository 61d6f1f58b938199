"""notation over TLS with a private CA: signatures of the Notary Project, made, listed, inspected and verified. With a
certificate of its own and no timestamps: those services are on the internet."""
import json

import pytest

from harness import digest
from images import Layer
from modern import Program, put, referrers, stored, tags

SIGNATURE = "application/vnd.cncf.notary.signature"
ENVELOPES = {"jws": "application/jose+json", "cose": "application/cose"}


class Notation(Program):
    """notation with a key, and trust in its certificate alone."""

    def __init__(self, home, signer):
        super().__init__("notation", home)
        self.run("cert", "generate-test", "--default", signer)
        (home / "policy.json").write_text(json.dumps({"version": "1.0", "trustPolicies": [{
            "name": "tests", "registryScopes": ["*"], "signatureVerification": {"level": "strict"},
            "trustStores": [f"ca:{signer}"], "trustedIdentities": ["*"]}]}))
        self.run("policy", "import", "policy.json")

    def sign(self, name, *options):
        """By the referrers API, which has to be asked for."""
        self.run("sign", "--force-referrers-tag=false", *options, name)


@pytest.fixture(scope="module")
def notation(tmp_path_factory):
    return Notation(tmp_path_factory.mktemp("notation"), "signer.example")


@pytest.fixture
def image(here, layout, request):
    """repo, manifest and full name of an image pushed for one test alone."""
    repo = "notation/" + request.node.name.removeprefix("test_").replace("_", "-").translate({91: "-", 93: None})
    manifest = layout.add_image("image", [Layer(repo)])
    put(here, layout, f"{repo}:v1", manifest)
    return repo, manifest, f"{here.authority}/{repo}@{digest(manifest)}"


@pytest.mark.parametrize("envelope", sorted(ENVELOPES))
def test_signed_listed_and_verified(notation, here, image, envelope):
    repo, manifest, name = image
    notation.run("verify", name, fails=True)
    notation.sign(name, "--signature-format", envelope, "--user-metadata=who=me")
    found = referrers(here, repo, digest(manifest))
    assert [part["artifactType"] for part in found] == [SIGNATURE]
    assert json.loads(stored(here, repo, found[0]["digest"]))["layers"][0]["mediaType"] == ENVELOPES[envelope]
    assert found[0]["digest"] in notation.say("list", name)
    notation.run("verify", name)
    notation.run("verify", "--user-metadata=who=me", name)
    notation.run("verify", "--user-metadata=who=you", name, fails=True)
    seen = json.loads(notation.run("inspect", "--output=json", name))
    assert [part["digest"] for part in seen["Signatures"]] == [found[0]["digest"]]
    assert tags(here, repo) == ["v1"]


def test_several_signatures(notation, here, image):
    repo, manifest, name = image
    for envelope in ENVELOPES:
        notation.sign(name, "--signature-format", envelope)
    found = referrers(here, repo, digest(manifest))
    said = notation.say("list", name)
    assert len(found) == 2 and all(part["digest"] in said for part in found)


def test_signed_as_notation_does_by_default(notation, here, image):
    """It keeps a list itself, under the tag of the time before the API; each signature is listed once all the same."""
    repo, manifest, name = image
    for count in (1, 2):
        notation.run("sign", name)
        found = [part["digest"] for part in referrers(here, repo, digest(manifest))]
        assert len(found) == len(set(found)) == count
        kept = json.loads(stored(here, repo, digest(manifest).replace(":", "-")))
        assert sorted(part["digest"] for part in kept["manifests"]) == sorted(found)
    notation.run("verify", name)
    said = notation.say("list", name)
    assert all(part in said for part in found)


def test_by_tag(notation, here, image):
    repo, manifest, _ = image
    notation.sign(f"{here.authority}/{repo}:v1")
    notation.run("verify", f"{here.authority}/{repo}:v1")
    assert len(referrers(here, repo, digest(manifest))) == 1


def test_another_signer_is_not_trusted(notation, here, image, tmp_path):
    notation.sign(image[2])
    (tmp_path / "other").mkdir()
    Notation(tmp_path / "other", "other.example").run("verify", image[2], fails=True)


def test_of_an_index(notation, here, layout):
    index, _ = layout.add_index("multi", {"amd64": [Layer("notation-amd64")], "arm64": [Layer("notation-arm64")]})
    put(here, layout, "notation/multi:v1", index)
    name = f"{here.authority}/notation/multi@{digest(index)}"
    notation.sign(name)
    notation.run("verify", name)
    assert len(referrers(here, "notation/multi", digest(index))) == 1


def test_signatures_travel(notation, here, there, image):
    """oras takes an image to another berth with its signature; it verifies there."""
    repo, manifest, name = image
    notation.sign(name)
    (notation.home / "oras").mkdir(exist_ok=True)
    oras = Program("oras", notation.home / "oras")
    oras.run("cp", "--no-tty", "--recursive", name, f"{there.authority}/{repo}:v1")
    notation.run("verify", f"{there.authority}/{repo}@{digest(manifest)}")
    assert referrers(there, repo, digest(manifest)) == referrers(here, repo, digest(manifest))


def test_a_deleted_signature_verifies_no_more(notation, here, image):
    repo, manifest, name = image
    notation.sign(name)
    (notation.home / "oras").mkdir(exist_ok=True)
    oras = Program("oras", notation.home / "oras")
    found = referrers(here, repo, digest(manifest))
    oras.run("manifest", "delete", "--force", f"{here.authority}/{repo}@{found[0]['digest']}")
    assert referrers(here, repo, digest(manifest)) == []
    notation.run("verify", name, fails=True)
