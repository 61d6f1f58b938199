"""Which manifest an Accept header gets (spec: v2 API §4, §9).

berth reads no Accept header, and `*/*`, as "everything": tools that say nothing want what is there. An Accept header
that names types is taken at its word, as docker/distribution 3 does; schema1 conversions are another story.
"""
import pytest

from documents import index
from expect import assert_error, differs
from harness import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Client, digest

REPO = "negotiation/all"
DOCKER_TYPES = [DOCKER_MANIFEST, DOCKER_LIST]
OCI_TYPES = [OCI_MANIFEST, OCI_INDEX]
CONTAINERD = ", ".join([DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX, "*/*"])
SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
NO_ACCEPT = "it reads no Accept header as accepting schema1 alone"
NOT_OCI = "OCI manifest found, but accept header does not support OCI manifests"
CONVERTS = "it converts to schema1"


@pytest.fixture(scope="module")
def stored(registry):
    """tag → (bytes, media type) of one manifest of each kind in REPO."""
    client = Client(registry)
    docker = client.make_image(REPO, tag="docker")
    arm = client.make_image(REPO, tag="docker-arm")
    oci = client.make_image(REPO, tag="oci", media_type=OCI_MANIFEST)
    indexes = {
        "list": (index(DOCKER_LIST, [(arm, "arm64"), (docker, "amd64")]), DOCKER_LIST),
        "list-arm": (index(DOCKER_LIST, [(arm, "arm64")]), DOCKER_LIST),
        "index": (index(OCI_INDEX, [(oci, "amd64")]), OCI_INDEX),
        "index-untyped": (index(None, [(oci, "amd64")]), OCI_INDEX),
    }
    for tag, (body, media_type) in indexes.items():
        assert client.put_manifest(REPO, tag, body, media_type).status == 201
    return indexes | {"docker": (docker.manifest, DOCKER_MANIFEST), "oci": (oci.manifest, OCI_MANIFEST)}


def accept(values):
    """Header lines for an Accept given as one value, a list of lines, or None."""
    return [("Accept", value) for value in ([values] if isinstance(values, str) else values or [])]


def fetch(client, stored, tag, by, values, method="GET"):
    reference = tag if by == "tag" else digest(stored[tag][0])
    return client.request(method, client.manifest(REPO, reference), accept(values))


def assert_served(client, stored, tag, by, values, expected):
    body, media_type = stored[expected]
    reply = fetch(client, stored, tag, by, values)
    assert (reply.status, reply.body) == (200, body), reply
    head = fetch(client, stored, tag, by, values, "HEAD")
    assert (head.status, head.body) == (200, b"")
    for answer in (reply, head):
        assert answer.header("Content-Type") == media_type
        assert answer.header("Content-Length") == str(len(body))
        assert answer.header("Docker-Content-Digest") == digest(body)
        assert answer.header("Etag") == f'"{digest(body)}"'


by_both = pytest.mark.parametrize("by", ["tag", "digest"])
every_kind = pytest.mark.parametrize("tag", ["docker", "oci", "list", "list-arm", "index", "index-untyped"])


# Everything accepted


@by_both
@every_kind
@pytest.mark.parametrize("values", [
    CONTAINERD, DOCKER_TYPES + OCI_TYPES, ", ".join(DOCKER_TYPES + OCI_TYPES), ",".join(DOCKER_TYPES + OCI_TYPES),
    [", ".join(DOCKER_TYPES), ", ".join(OCI_TYPES)], [f"{t};q=0.5" for t in DOCKER_TYPES + OCI_TYPES],
    "text/html, " + ", ".join(f"{t}; q=0.1; x=y" for t in DOCKER_TYPES + OCI_TYPES)],
    ids=["containerd", "a line each", "one line", "no spaces", "two lines", "with q", "with parameters"])
def test_all_types_named(client, stored, tag, by, values):
    assert_served(client, stored, tag, by, values, tag)


@differs(NO_ACCEPT)
@pytest.mark.parametrize("tag, by", [("docker", "tag"), ("list", "tag"), ("oci", "tag"), ("oci", "digest"),
                                     ("index", "tag"), ("index", "digest")])
@pytest.mark.parametrize("values", [None, "*/*", "text/html, */*;q=0.1", ["text/html", "*/*"]],
                         ids=["none", "any", "any at last", "any on its own line"])
def test_everything_accepted(client, stored, tag, by, values):
    assert_served(client, stored, tag, by, values, tag)


# Docker's types


@pytest.mark.parametrize("tag", ["docker", "list", "list-arm"])
@pytest.mark.parametrize("values", [None, "*/*", DOCKER_MANIFEST, DOCKER_LIST, OCI_TYPES, "application/json", SCHEMA1])
def test_docker_types_by_digest(client, stored, tag, values):
    """A digest names one thing: it is served whatever the client says."""
    assert_served(client, stored, tag, "digest", values, tag)


@pytest.mark.parametrize("values", [DOCKER_MANIFEST, DOCKER_TYPES, [DOCKER_MANIFEST, SCHEMA1]], ids=str)
def test_docker_manifest_accepted(client, stored, values):
    assert_served(client, stored, "docker", "tag", values, "docker")


@differs(CONVERTS)
@pytest.mark.parametrize("values", [OCI_TYPES, OCI_MANIFEST, DOCKER_LIST, "application/json", "text/html"], ids=str)
def test_docker_manifest_not_accepted_by_tag(client, stored, values):
    assert_served(client, stored, "docker", "tag", values, "docker")


@pytest.mark.parametrize("values", [DOCKER_MANIFEST, [DOCKER_MANIFEST, OCI_MANIFEST], [DOCKER_MANIFEST, OCI_INDEX],
                                    [DOCKER_MANIFEST, SCHEMA1, "application/json"]], ids=str)
def test_list_for_a_client_without_lists_is_its_default_platform(client, stored, values):
    """docker 1.10: by tag, the linux/amd64 manifest under its own digest."""
    assert_served(client, stored, "list", "tag", values, "docker")


@pytest.mark.parametrize("values", [DOCKER_LIST, DOCKER_TYPES, [DOCKER_LIST, "text/html"]], ids=str)
def test_list_accepted(client, stored, values):
    assert_served(client, stored, "list", "tag", values, "list")


def test_list_without_the_default_platform(client, stored):
    assert_error(fetch(client, stored, "list-arm", "tag", DOCKER_MANIFEST), 404, "MANIFEST_UNKNOWN")
    assert fetch(client, stored, "list-arm", "tag", DOCKER_MANIFEST, "HEAD").status == 404


@pytest.mark.parametrize("values", [OCI_TYPES, "application/json"], ids=str)
def test_list_for_a_client_without_any_docker_type(client, stored, values):
    """Neither the list nor its child is accepted: distribution 3 refuses, the child is as good."""
    reply = fetch(client, stored, "list", "tag", values)
    if reply.status == 200:
        assert reply.body == stored["docker"][0]
    else:
        assert_error(reply, 400, "MANIFEST_INVALID")


def test_not_modified_is_decided_by_the_tag(client, stored):
    """If-None-Match is compared with what the tag names, before Accept has its say."""
    list_digest, child_digest = (digest(stored[tag][0]) for tag in ("list", "docker"))
    target = client.manifest(REPO, "list")
    for value, status in ((list_digest, 304), (child_digest, 200)):
        assert client.get(target, {"Accept": DOCKER_MANIFEST, "If-None-Match": f'"{value}"'}).status == status


# OCI's types


@by_both
@pytest.mark.parametrize("values", [DOCKER_TYPES, DOCKER_MANIFEST, OCI_INDEX, "application/json", SCHEMA1,
                                    "application/vnd.oci.image.manifest.v1", OCI_MANIFEST + ".x"], ids=str)
def test_oci_manifest_not_accepted(client, stored, by, values):
    reply = fetch(client, stored, "oci", by, values)
    assert_error(reply, 404, "MANIFEST_UNKNOWN")
    assert reply.json()["errors"][0]["message"] == NOT_OCI
    assert fetch(client, stored, "oci", by, values, "HEAD").status == 404


@by_both
@pytest.mark.parametrize("values", [DOCKER_TYPES, OCI_MANIFEST, "application/json"], ids=str)
def test_oci_index_not_accepted(client, stored, by, values):
    reply = fetch(client, stored, "index", by, values)
    assert_error(reply, 404, "MANIFEST_UNKNOWN")
    assert reply.json()["errors"][0]["message"].startswith("OCI index found, ")
    assert fetch(client, stored, "index", by, values, "HEAD").status == 404


@by_both
@pytest.mark.parametrize("values", [DOCKER_TYPES, OCI_MANIFEST, OCI_INDEX], ids=str)
def test_oci_index_without_media_type_is_always_served(client, stored, by, values):
    assert_served(client, stored, "index-untyped", by, values, "index-untyped")


@by_both
@pytest.mark.parametrize("tag, values", [("oci", OCI_MANIFEST), ("oci", OCI_TYPES), ("index", OCI_INDEX),
                                         ("index", OCI_TYPES)])
def test_oci_accepted(client, stored, tag, by, values):
    assert_served(client, stored, tag, by, values, tag)


# Content-Type comes from the stored document, not from the PUT


def test_oci_manifest_without_media_type(client, repo):
    image = client.make_image(repo, media_type=OCI_MANIFEST)
    body = image.manifest.replace(f'"mediaType": "{OCI_MANIFEST}",'.encode(), b"")
    assert client.put_manifest(repo, "untyped", body, OCI_MANIFEST).status == 201
    reply = client.get(client.manifest(repo, "untyped"), {"Accept": OCI_MANIFEST})
    assert (reply.status, reply.header("Content-Type"), reply.body) == (200, OCI_MANIFEST, body)


def test_empty_index_without_media_type(client, repo):
    body = b'{"schemaVersion": 2, "manifests": []}'
    assert client.put_manifest(repo, "empty", body, OCI_INDEX).status == 201
    reply = client.get(client.manifest(repo, "empty"), {"Accept": OCI_INDEX})
    assert (reply.status, reply.header("Content-Type"), reply.body) == (200, OCI_INDEX, body)
