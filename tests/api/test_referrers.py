"""GET /v2/<name>/referrers/<digest>: what names a manifest as its subject (spec: v2 API §6, OCI end-12a and end-12b).

docker-registry has no such endpoint; nothing here can be run against it.
"""
import hashlib
import itertools
import json
import shutil

import pytest

from expect import assert_error, assert_head_parity
from harness import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, descriptor, digest

REGISTRY_CONFIG = {"storage": {"delete": {"enabled": True}}}
pytestmark = pytest.mark.differs("it has no referrers")

EMPTY = b"{}"
SBOM, SIGNATURE = "application/vnd.example.sbom+json", "application/vnd.example.signature.v1"
NOWHERE = digest(b"a manifest that nobody pushed")

_numbers = itertools.count(1)


def sha512(data):
    return "sha512:" + hashlib.sha512(data).hexdigest()


def referrer(of, artifact_type=SBOM, config=OCI_CONFIG, **more):
    """The bytes of an image manifest over EMPTY that names a subject digest; no two are alike."""
    document = {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": artifact_type,
        "config": descriptor(config, EMPTY), "layers": [],
        "subject": {"mediaType": OCI_MANIFEST, "digest": of, "size": 1000},
        "annotations": {"org.example.number": str(next(_numbers))}} | more
    return json.dumps({key: value for key, value in document.items() if value is not None}).encode()


def push(client, repo, body, reference=None, media_type=OCI_MANIFEST):
    client.push_blob(repo, EMPTY)
    reply = client.put_manifest(repo, reference or digest(body), body, media_type)
    assert reply.status == 201, reply
    return reply


def target(client, repo, subject, **query):
    path = f"{client.base}{repo}/referrers/{subject}"
    return path + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")


def listing(client, repo, subject, **query):
    """The descriptors of one reply, which must be a whole image index."""
    reply = client.get(target(client, repo, subject, **query))
    assert (reply.status, reply.header("Content-Type")) == (200, OCI_INDEX), reply
    document = reply.json()
    assert (document["schemaVersion"], document["mediaType"]) == (2, OCI_INDEX)
    return document["manifests"]


def listed(client, repo, subject, **query):
    return sorted(entry["digest"] for entry in listing(client, repo, subject, **query))


def test_nothing_refers_to_it(client, repo):
    image = client.make_image(repo, tag="v1", media_type=OCI_MANIFEST)
    assert listing(client, repo, image.digest) == []


@pytest.mark.parametrize("subject", [NOWHERE, sha512(b"nowhere")])
def test_no_such_repository(client, repo, subject):
    """Never 404: a client would take that for a registry without referrers."""
    assert listing(client, repo, subject) == []


@pytest.mark.parametrize("subject", ["sha256:abc", "v1", "md5:" + 32 * "a", "sha256:" + 64 * "A"])
def test_what_is_no_digest(client, repo, subject):
    assert_error(client.get(target(client, repo, subject)), 400, "DIGEST_INVALID")


def test_wrong_method(client, repo):
    assert client.put(target(client, repo, NOWHERE)).status == 405


@pytest.mark.parametrize("subject", [NOWHERE, sha512(b"nowhere")])
def test_subject_that_does_not_exist(client, repo, subject):
    """It may come later, or never."""
    body = referrer(subject)
    reply = push(client, repo, body)
    assert reply.header("OCI-Subject") == subject
    assert listing(client, repo, subject) == [{
        "mediaType": OCI_MANIFEST, "digest": digest(body), "size": len(body), "artifactType": SBOM,
        "annotations": json.loads(body)["annotations"]}]
    assert_head_parity(client, target(client, repo, subject))


def test_subject_that_comes_later(client, repo):
    image = client.make_image(repo + "/other", media_type=OCI_MANIFEST)
    body = referrer(image.digest)
    push(client, repo, body)
    for blob in (image.config, *image.layers):
        client.post(client.uploads(repo) + f"?mount={blob}")
    assert client.put_manifest(repo, "v1", image.manifest).status == 201
    assert listed(client, repo, image.digest) == [digest(body)]


def test_by_tag(client, repo):
    body = referrer(NOWHERE)
    assert push(client, repo, body, "sbom").header("OCI-Subject") == NOWHERE
    assert listed(client, repo, NOWHERE) == [digest(body)]


def test_only_of_this_repository_and_this_subject(client, repo, other_repo):
    here, there, other = referrer(NOWHERE), referrer(NOWHERE), referrer(digest(b"another"))
    push(client, repo, here)
    push(client, other_repo, there)
    push(client, repo, other)
    assert listed(client, repo, NOWHERE) == [digest(here)]
    assert listed(client, other_repo, NOWHERE) == [digest(there)]


def test_pushed_twice_is_listed_once(client, repo):
    body = referrer(NOWHERE)
    for reference in (None, "tag", None):
        push(client, repo, body, reference)
    assert listed(client, repo, NOWHERE) == [digest(body)]


def test_no_subject_no_header(client, repo):
    assert push(client, repo, referrer(NOWHERE, subject=None)).header("OCI-Subject") is None
    assert listing(client, repo, NOWHERE) == []


@pytest.mark.parametrize("subject", ["text", {}, {"digest": "sha256:abc"}, {"digest": 7}, [], {"mediaType": "x"}],
                         ids=str)
def test_subject_that_is_no_descriptor(client, repo, subject):
    body = referrer(NOWHERE, subject=subject)
    client.push_blob(repo, EMPTY)
    assert_error(client.put_manifest(repo, "v1", body), 400, "MANIFEST_INVALID")


# What an entry says


@pytest.mark.parametrize("fields, expected", [
    ({"artifact_type": SBOM}, SBOM),
    ({"artifact_type": None, "config": SIGNATURE}, SIGNATURE),
    ({"artifact_type": "", "config": SIGNATURE}, SIGNATURE)], ids=["its own", "its config's", "empty"])
def test_artifact_type(client, repo, fields, expected):
    push(client, repo, referrer(NOWHERE, **fields))
    assert listing(client, repo, NOWHERE)[0]["artifactType"] == expected


@pytest.mark.parametrize("artifact_type", [None, SBOM])
def test_index_with_a_subject(client, repo, artifact_type):
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [],
                "subject": {"mediaType": OCI_MANIFEST, "digest": NOWHERE, "size": 1}}
    if artifact_type:
        document["artifactType"] = artifact_type
    body = json.dumps(document).encode()
    assert push(client, repo, body, media_type=OCI_INDEX).header("OCI-Subject") == NOWHERE
    entry = {"mediaType": OCI_INDEX, "digest": digest(body), "size": len(body)}
    assert listing(client, repo, NOWHERE) == [entry | ({"artifactType": artifact_type} if artifact_type else {})]


def test_annotations(client, repo):
    annotations = {"a": "1", "": "empty", "text": 'quote " and ä \n', "long": 5000 * "x"}
    push(client, repo, referrer(NOWHERE, annotations=annotations))
    for _ in range(2):      # read from the store, and from memory
        assert listing(client, repo, NOWHERE)[0]["annotations"] == annotations


def test_no_annotations(client, repo):
    push(client, repo, referrer(NOWHERE, annotations=None))
    assert "annotations" not in listing(client, repo, NOWHERE)[0]


# Filter and pages


@pytest.fixture
def several(client, repo):
    """Eleven referrers of NOWHERE, seven of them SBOMs; artifact type → sorted digests."""
    bodies = {SBOM: [referrer(NOWHERE) for _ in range(7)],
              SIGNATURE: [referrer(NOWHERE, None, SIGNATURE) for _ in range(4)]}
    for body in itertools.chain(*bodies.values()):
        push(client, repo, body)
    return {kind: sorted(map(digest, of_kind)) for kind, of_kind in bodies.items()}


@pytest.mark.parametrize("spelt", [SBOM, SBOM.replace("+", "%2B").replace("/", "%2F")])
def test_filter(client, repo, several, spelt):
    reply = client.get(target(client, repo, NOWHERE, artifactType=spelt))
    assert reply.header("OCI-Filters-Applied") == "artifactType"
    assert sorted(entry["digest"] for entry in reply.json()["manifests"]) == several[SBOM]


def test_filter_that_nothing_passes(client, repo, several):
    reply = client.get(target(client, repo, NOWHERE, artifactType="application/x"))
    assert (reply.json()["manifests"], reply.header("OCI-Filters-Applied")) == ([], "artifactType")


def test_no_filter(client, repo, several):
    assert client.get(target(client, repo, NOWHERE)).header("OCI-Filters-Applied") is None
    assert listed(client, repo, NOWHERE) == sorted(several[SBOM] + several[SIGNATURE])


@pytest.mark.parametrize("size", [1, 2, 3, 10, 11, 12])
@pytest.mark.parametrize("kind", [None, SBOM])
def test_pages(client, repo, several, size, kind):
    expected = several[SBOM] if kind else sorted(several[SBOM] + several[SIGNATURE])
    found, page = [], target(client, repo, NOWHERE, n=size, **({"artifactType": kind} if kind else {}))
    for _ in range(20):
        reply = client.get(page)
        entries = [entry["digest"] for entry in reply.json()["manifests"]]
        assert len(entries) <= size
        found += entries
        link = reply.header("Link")
        if link is None:
            break
        assert link.endswith('>; rel="next"') and link.startswith("</v2/"), link
        page = link[1:link.index(">")]
    assert found == expected


def test_page_of_nothing(client, repo, several):
    reply = client.get(target(client, repo, NOWHERE, n=0))
    assert (reply.json()["manifests"], reply.header("Link")) == ([], None)


@pytest.mark.parametrize("size", ["-1", "x", "99999999999999999999"])
def test_page_size_that_is_none(client, repo, size):
    assert_error(client.get(target(client, repo, NOWHERE, n=size)), 400, "PAGINATION_NUMBER_INVALID")


# Deleting


def test_deleted_referrer_is_gone(client, repo):
    bodies = [referrer(NOWHERE) for _ in range(3)]
    for body in bodies:
        push(client, repo, body)
    assert client.delete(client.manifest(repo, digest(bodies[0]))).status == 202
    assert listed(client, repo, NOWHERE) == sorted(map(digest, bodies[1:]))
    push(client, repo, bodies[0])
    assert listed(client, repo, NOWHERE) == sorted(map(digest, bodies))


def test_deleted_subject_keeps_its_referrers(client, repo):
    image = client.make_image(repo, tag="v1", media_type=OCI_MANIFEST)
    body = referrer(image.digest)
    push(client, repo, body)
    assert client.delete(client.manifest(repo, image.digest)).status == 202
    assert listed(client, repo, image.digest) == [digest(body)]
    assert client.get(client.manifest(repo, digest(body))).status == 200


def test_deleted_tag_keeps_the_referrer(client, repo):
    body = referrer(NOWHERE)
    push(client, repo, body, "sbom")
    assert client.delete(client.manifest(repo, "sbom")).status == 202
    assert listed(client, repo, NOWHERE) == [digest(body)]


# Other algorithms


def test_subject_is_the_digest_as_it_is_written(client, repo):
    """The spec wants those whose subject specifies this digest: not those that name the same bytes otherwise."""
    image = client.make_image(repo, media_type=OCI_MANIFEST)
    assert client.put_manifest(repo, sha512(image.manifest), image.manifest).status == 201
    short, long = referrer(image.digest), referrer(sha512(image.manifest))
    push(client, repo, short)
    assert push(client, repo, long).header("OCI-Subject") == sha512(image.manifest)
    assert listed(client, repo, image.digest) == [digest(short)]
    assert listed(client, repo, sha512(image.manifest)) == [digest(long)]


def test_referrer_pushed_under_sha512(client, repo):
    body = referrer(NOWHERE)
    push(client, repo, body, sha512(body))
    assert listed(client, repo, NOWHERE) == [sha512(body)]
    assert client.delete(client.manifest(repo, digest(body))).status == 202
    assert listing(client, repo, NOWHERE) == []


# The list that clients keep under a tag


def fallback_tag(subject):
    algorithm, _, text = subject.partition(":")
    return f"{algorithm}-{text[:64]}"


@pytest.mark.parametrize("subject", [NOWHERE, sha512(b"nowhere")])
def test_referrers_of_the_tag_schema(registry, client, repo, subject):
    """Pushed before the registry had referrers: only the index under the tag knows them."""
    old, alien = referrer(subject), referrer(digest(b"another subject"))
    for body in (old, alien):
        push(client, repo, body)
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        descriptor(OCI_MANIFEST, old), descriptor(OCI_MANIFEST, alien)]}).encode()
    push(client, repo, index, fallback_tag(subject), OCI_INDEX)
    forget(registry, repo)
    new = referrer(subject)
    push(client, repo, new)
    assert listed(client, repo, subject) == sorted([digest(old), digest(new)])
    assert client.delete(client.manifest(repo, digest(old))).status == 202
    assert listed(client, repo, subject) == [digest(new)]


def test_tag_that_only_looks_like_the_schema(client, repo):
    client.make_image(repo, tag=fallback_tag(NOWHERE), media_type=OCI_MANIFEST)
    assert listing(client, repo, NOWHERE) == []


def forget(registry, repo):
    """Makes the store what another registry would have left: without berth's own links."""
    shutil.rmtree(registry.v2_root / "repositories" / repo / "_manifests" / "referrers")
