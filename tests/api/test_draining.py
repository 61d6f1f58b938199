"""Before a reload nginx ends connections with their next reply (the file `draining`): the same replies otherwise."""
import contextlib

import pytest

from harness import OCI_MANIFEST, OCTETS, Client, digest, with_query

pytestmark = pytest.mark.differs("berth's own nginx")

OWN = {"date", "x-request-id", "connection", "location", "docker-upload-uuid", "range"}    # those of each reply
BLOB = b"drained " * 100
LARGE = b"L" * 300_000      # is spooled
TOO_LARGE = b"x" * 4_200_000


@contextlib.contextmanager
def draining(registry):
    (flag,) = (run / "draining" for run in (registry.root / "berth").glob("*/run"))
    flag.touch()
    try:
        yield
    finally:
        flag.unlink()


@pytest.fixture
def image(client, repo):
    client.push_blob(repo, BLOB)
    return client.make_image(repo, [BLOB], tag="v1", media_type=OCI_MANIFEST)


OLD = {"User-Agent": "docker/1.5.0 go/go1.3.3"}
ASKED = {
    "the base": ("GET", "/v2/", {}, None),
    "a manifest": ("GET", "/v2/{repo}/manifests/v1", {"Accept": OCI_MANIFEST}, None),
    "its head": ("HEAD", "/v2/{repo}/manifests/v1", {"Accept": OCI_MANIFEST}, None),
    "a blob": ("GET", "/v2/{repo}/blobs/{blob}", {}, None),
    "a blob's head": ("HEAD", "/v2/{repo}/blobs/{blob}", {}, None),
    "a blob with a query": ("GET", "/v2/{repo}/blobs/{blob}?ns=x%2Fy&a=b", {}, None),
    "a blob in other letters": ("GET", "/v2/{repo}/blobs/sha256%3A{hex}", {}, None),
    "a part of a blob": ("GET", "/v2/{repo}/blobs/{blob}", {"Range": "bytes=2-5"}, None),
    "no such blob": ("GET", "/v2/{repo}/blobs/sha256:" + "0" * 64, {}, None),
    "a question mark in the path": ("GET", "/v2/{repo}/manifests/a%3Fb%20c", {}, None),
    "tags": ("GET", "/v2/{repo}/tags/list?n=1", {}, None),
    "an upload begins": ("POST", "/v2/{repo}/blobs/uploads/?from=x&mount=y", {}, None),
    "a blob in one": ("POST", "/v2/{repo}/blobs/uploads/?digest=" + digest(LARGE), {"Content-Type": OCTETS}, LARGE),
    "a manifest that is too large": ("PUT", "/v2/{repo}/manifests/x", {"Content-Type": OCI_MANIFEST}, TOO_LARGE),
    "v1": ("GET", "/v1/_ping", {}, None),
    "an old client asks for v2": ("GET", "/v2/", OLD, None),
    "the store": ("GET", "/_berth/store/{data}", {}, None),
    "the store by another name": ("GET", "//%5fberth/./store/{data}", {}, None),
    "the way": ("GET", "/_berth/last", {}, None),
    "an error": ("GET", "/_berth/errors/internal", {}, None),
    "what is spooled": ("PUT", "/_berth/spooled", {}, b"x"),
}


@pytest.mark.parametrize("what", ASKED)
def test_only_the_connection_is_another(registry, client, repo, image, what):
    method, target, headers, body = ASKED[what]
    target = target.format(repo=repo, blob=digest(BLOB), hex=digest(BLOB)[7:],
                           data=f"docker/registry/v2/blobs/sha256/{digest(BLOB)[7:9]}/{digest(BLOB)[7:]}/data")

    def ask():
        reply = Client(registry).request(method, target, headers, body)
        kept = sorted((name.lower(), value) for name, value in reply.headers.items() if name.lower() not in OWN)
        return reply.status, kept, reply.body

    before = ask()
    with draining(registry):
        assert ask() == before
        if before[0] != 413 and "berth/" not in target:     # those close at once, or are refused
            assert Client(registry).request(method, target, headers, body).header("Connection") == "close"
    assert ask() == before


def test_a_connection_ends_with_a_reply(registry, client, repo, image):
    connection = client.connect()
    location = client.start_upload(repo)
    with draining(registry):
        connection.putrequest("PUT", client.path_of(with_query(location, digest=digest(LARGE))))
        connection.putheader("Content-Length", str(len(LARGE)))
        connection.endheaders(LARGE)
        response = connection.getresponse()
        assert (response.status, response.getheader("Connection"), response.read()) == (201, "close", b"")
        assert connection.sock is None or connection.sock.recv(1) == b""
    connection = client.connect()
    for _ in range(2):
        connection.request("GET", client.blob(repo, digest(BLOB)))
        response = connection.getresponse()
        assert response.getheader("Connection") in (None, "keep-alive") and response.read() == BLOB
    connection.close()
