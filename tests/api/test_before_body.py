"""Bodies that nobody wants: refused before they are read, whoever brings them and however, and nothing of them is kept.

Each body is announced, or begun in chunks, and never ends: the answer has to come all the same, and be the one that the
same request gets with a short body (docs/decisions/0029).
"""
import http.client
import json
import socket
import subprocess

import pytest

from conftest import BREAKDOWN
from expect import CheckedClient, differs
from harness import OCI_MANIFEST, OCTETS, Registry, digest, wait_until, with_query

pytestmark = differs("it takes what comes, and answers then")

REPLY_SECONDS = 20
ANNOUNCED = 50_000_000
SENT = b"x" * 600_000       # more than nginx holds in memory
FRAMINGS = ("length", "expect", "chunked")
UNKNOWN_UPLOAD = "00000000-0000-4000-8000-000000000000"
IMAGE = "0" * 64


def spooled(registry):
    return [path for path in registry.root.rglob("spool/*") if path.name != "lock"]


def begin(client, method, target, framing, headers=None):
    """Sends the head and a part of the body; returns the connection, open."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in {"Content-Type": OCTETS, **(headers or {})}.items()]
    lines.append("Transfer-Encoding: chunked" if framing == "chunked" else f"Content-Length: {ANNOUNCED}")
    if framing == "expect":
        lines.append("Expect: 100-continue")
    connection = client.open_socket()
    connection.settimeout(REPLY_SECONDS)
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    if framing != "expect":
        try:
            connection.sendall((b"%x\r\n" % len(SENT) if framing == "chunked" else b"") + SENT)
        except ConnectionError:
            pass    # answered already: what counts is read
    return connection


def refusal(registry, client, method, target, framing, headers=None):
    """Status, headers and bytes of the answer; while the request is still open nothing of its body is in the spool."""
    with begin(client, method, target, framing, headers) as connection:
        reply = http.client.HTTPResponse(connection, method=method)
        first = b"" if registry.tls else connection.recv(12, socket.MSG_PEEK)      # http.client passes over a 100
        reply.begin()
        body = reply.read()
        assert b" 100" not in first or reply.status == 200, "the body was asked for"
        assert spooled(registry) == []
        return reply.status, {name.lower(): value for name, value in reply.getheaders()}, body


VARYING = {"date", "x-request-id", "connection"}


def same_as_with_a_short_body(registry, client, method, target, framing, headers=None):
    status, told, body = refusal(registry, client, method, target, framing, headers)
    short = client.request(method, target, {"Content-Type": OCTETS, **(headers or {})}, b"x")
    expected = {name.lower(): value for name, value in short.headers.items()}
    assert (status, body) == (short.status, short.body)
    for headers_of in (told, expected):
        for name in VARYING:
            headers_of.pop(name, None)
    assert told == expected
    return status, body


UPLOADS = "/v2/{repo}/blobs/uploads/"
TARGETS = {
    "unknown upload": ("PATCH", UPLOADS + UNKNOWN_UPLOAD + "?_state=x", 404),
    "unknown upload to finish": ("PUT", UPLOADS + UNKNOWN_UPLOAD + "?_state=x&digest=" + digest(b"x"), 404),
    "no digest": ("PUT", UPLOADS + UNKNOWN_UPLOAD + "?_state=x", 400),
    "no digest, really": ("PUT", UPLOADS + UNKNOWN_UPLOAD + "?_state=x&digest=sha256:12", 400),
    "no digest to start with": ("POST", UPLOADS + "?digest=sha256:12", 400),
    "bad name": ("POST", "/v2/UPPER/blobs/uploads/", 400),
    "no slash": ("POST", "/v2/{repo}/blobs/uploads", 301),
    "no endpoint": ("PUT", "/v2/{repo}/nothing", 404),
    "no endpoint below an upload": ("PUT", UPLOADS + "a/b/c", 404),
    "no registry": ("PUT", "/somewhere", 404),
    "method of an upload": ("POST", UPLOADS + UNKNOWN_UPLOAD, 405),
    "method of the base": ("POST", "/v2/", 405),
    "method of tags": ("PUT", "/v2/{repo}/tags/list", 405),
    "method of a blob": ("PUT", "/v2/{repo}/blobs/" + digest(b"x"), 405),
    "delete": ("DELETE", "/v2/{repo}/blobs/" + digest(b"x"), 404),
    "base": ("GET", "/v2/", 200),
    "tag": ("PUT", "/v2/{repo}/manifests/.x", 400),
    "v1 layer of no image": ("PUT", f"/v1/images/{IMAGE}/layer", 404),
    "v1 layer of no id": ("PUT", "/v1/images/x/layer", 404),
    "v1 endpoint": ("PUT", "/v1/nothing", 404),
}


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("what", TARGETS)
def test_refused_before_it_is_read(registry, client, repo, what, framing):
    method, target, status = TARGETS[what]
    if (method, framing) == ("GET", "expect"):
        pytest.skip("an answer that is no refusal may ask for the body")
    got, _ = same_as_with_a_short_body(registry, client, method, target.format(repo=repo), framing)
    assert got == status


@pytest.mark.parametrize("framing", FRAMINGS)
def test_steps_of_an_upload(registry, client, repo, framing):
    """What does not continue the upload is 416, with the place to go on from; its state may not be another's."""
    location = client.path_of(client.start_upload(repo))
    client.append(location, b"12345")
    status, told, _ = refusal(registry, client, "PATCH", location, framing)
    assert (status, told["range"], told["docker-upload-uuid"] in location) == (416, "0-4", True)
    assert client.finish_upload(told["location"], digest(b"12345")).status == 201

    location = client.path_of(client.start_upload(repo))
    for headers, status in (({"Content-Range": "7-50000006"}, 416), ({"Content-Type": "text/plain"}, 415)):
        assert refusal(registry, client, "PATCH", location, framing, headers)[0] == status
    assert refusal(registry, client, "PATCH", location.replace(repo, "other/name"), framing)[0] == 404
    assert client.delete(location).status == 204
    assert refusal(registry, client, "PATCH", location, framing)[0] == 404


def test_large_manifest(registry, client, repo):
    status, _, body = refusal(registry, client, "PUT", f"/v2/{repo}/manifests/v1", "length",
                              {"Content-Type": OCI_MANIFEST})
    assert (status, json.loads(body)["errors"][0]["code"]) == (413, "MANIFEST_INVALID")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_what_is_wanted_is_spooled(registry, client, repo, framing):
    location = client.path_of(client.start_upload(repo))
    with begin(client, "PATCH", location, framing):
        wait_until(lambda: spooled(registry), "a file in the spool")
    wait_until(lambda: not spooled(registry), "an empty spool")
    whole = SENT * 3
    assert client.finish_upload(location, digest(whole), whole).status == 201


@pytest.fixture(scope="module")
def read_only():
    config = {"storage": {"maintenance": {"readonly": {"enabled": True}}}}
    with Registry(config) as registry:
        yield registry
        assert not BREAKDOWN.search(registry.log())


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("target", ["/v2/a/blobs/uploads/", f"/v2/a/blobs/uploads/{UNKNOWN_UPLOAD}",
                                    "/v2/a/manifests/x", f"/v1/images/{IMAGE}/layer"])
def test_read_only(read_only, target, framing):
    method = "POST" if target.endswith("/uploads/") else "PUT"
    client = CheckedClient(read_only)
    assert same_as_with_a_short_body(read_only, client, method, target, framing)[0] == 405


@pytest.fixture(scope="module")
def over_tls():
    with Registry(tls=True) as registry:
        yield registry


@pytest.mark.parametrize("length", [True, False])
def test_http2(over_tls, length, tmp_path):
    """A body that curl is still to make, slower than the answer comes."""
    target = f"{over_tls.url}{with_query('/v2/a/blobs/uploads/' + UNKNOWN_UPLOAD, _state='x', digest=digest(b''))}"
    command = ["curl", "-sS", "--http2", "--cacert", over_tls.ca_file, "--max-time", str(REPLY_SECONDS), "-X", "PUT",
               "-T", "-", "-o", tmp_path / "body", "-w", "%{http_version} %{http_code}", target]
    if length:
        command += ["-H", f"Content-Length: {ANNOUNCED}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False) as curl:
        try:
            curl.stdin.write(SENT)
            curl.stdin.flush()
        except BrokenPipeError:
            pass
        assert curl.stdout.read().decode() == "2 404"
        assert spooled(over_tls) == []
    assert json.loads((tmp_path / "body").read_text())["errors"][0]["code"] == "BLOB_UPLOAD_INVALID"
