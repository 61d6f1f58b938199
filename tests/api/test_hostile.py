"""Hostile requests: a registry error each, never a 5xx, a hanging connection, a crash, or a file outside the store.

Each test ends with the question whether the registry still answers; at the end its processes must be those it had, and
its files where the storage layout puts them (spec: v2 API §1, storage layout §1).
"""
import json
import re

import pytest

from documents import LIMIT
from expect import IS_PEER, assert_envelope, assert_error, differs
from harness import OCI_INDEX, OCI_MANIFEST, OCTETS, Client, digest, with_query

STORED = "hostile/stored"
BLOB = digest(b"blob")
EMPTY_INDEX = b'{"schemaVersion": 2, "manifests": []}'
CANARY = b"canary outside of the storage root"
MARK = "evil"       # in every hostile name, so that a file made from one can be found anywhere

# Paths below docker/registry/v2, as the storage layout has them.
NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
LAYOUT = re.compile(
    r"blobs/sha256/[0-9a-f]{2}/[0-9a-f]{64}/data"
    rf"|repositories/{NAME}/(?:_layers/sha256/[0-9a-f]{{64}}/link|_manifests/revisions/sha256/[0-9a-f]{{64}}/link"
    r"|_manifests/tags/[A-Za-z0-9_][A-Za-z0-9._-]{0,127}/(?:current/link|index/sha256/[0-9a-f]{64}/link)"
    r"|_uploads/[a-zA-Z0-9-_.=]+/(?:startedat|data|hashstates/sha256/[0-9]+))")


@pytest.fixture(scope="module", autouse=True)
def stored(registry):
    """A repository to aim at, and a file beside the storage root that no request may reach."""
    client = Client(registry)
    client.push_blob(STORED, b"blob")
    assert client.put_manifest(STORED, "v1", EMPTY_INDEX, OCI_INDEX).status == 201
    (registry.directory / "canary").write_bytes(CANARY)
    before = registry.tree()
    yield
    assert registry.tree() >= before, "a process has died"
    assert_files_in_place(registry)


@pytest.fixture(autouse=True)
def unharmed(registry, client):
    yield
    assert client.get("/v2/").status == 200
    assert client.fetch_blob(STORED, BLOB) == b"blob"
    assert (registry.directory / "canary").read_bytes() == CANARY


def assert_files_in_place(registry):
    for path in registry.directory.rglob("*"):
        assert MARK not in path.name, f"made from a hostile name: {path}"
        if path.is_file() and path.is_relative_to(registry.v2_root):
            assert LAYOUT.fullmatch(str(path.relative_to(registry.v2_root))), f"no file of the layout: {path}"


def start(value):
    """A short test id for a long value."""
    return (value if isinstance(value, str) else repr(value)).strip()[:30]


# Traversal: every position in every encoding


TRAVERSALS = [
    "..", ".", "../evil", "../../evil", "../../../../../../../../canary", "%2e%2e", "%2E%2E/evil", "%2e%2e%2fevil",
    "..%2fevil", "..%2f..%2f..%2fcanary", "%2e%2e/%2e%2e/canary", "%252e%252e%252fevil", "..%252fevil", "..%5cevil",
    "..\\evil", "%5c..%5cevil", "....//evil", "..;/evil", "%2fetc%2fevil", "//evil", "%c0%ae%c0%ae%c0%afevil",
    "%ef%bc%8e%ef%bc%8e/evil", "evil%00", "%00", "evil%00.txt", "evil%0a", "evil%0d%0aX-Evil:%201", "evil%09",
    "%20evil", "evil%ff%fe", "~evil", "$(evil)", "`evil`", "%7Cevil", "evil*", "evil%3fx", "evil%23x",
    "%u002e%u002e/evil",
    "%2", "%zz", "%", "evil;a=b", "..%00/evil", ".%00./evil", "C:%5cevil", "_manifests/tags",
]

POSITIONS = {
    "name": "/v2/{}/tags/list",
    "name of a manifest": "/v2/{}/manifests/latest",
    "name of a blob": f"/v2/{{}}/blobs/{BLOB}",
    "name of an upload": "/v2/{}/blobs/uploads/0000",
    "component": "/v2/team/{}/app/tags/list",
    "reference": f"/v2/{STORED}/manifests/{{}}",
    "digest": f"/v2/{STORED}/blobs/{{}}",
    "hex digits": f"/v2/{STORED}/blobs/sha256:{{}}",
    "algorithm": f"/v2/{STORED}/blobs/{{}}:{'0' * 64}",
    "upload id": f"/v2/{STORED}/blobs/uploads/{{}}",
    "root": "/v2/{}",
    "above the root": "/{}/v2/",
}


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("traversal", TRAVERSALS)
def test_traversal(client, position, traversal):
    target = POSITIONS[position].format(traversal)
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
        body = EMPTY_INDEX if method in ("PUT", "PATCH") else None
        headers = {"Content-Type": OCI_INDEX if method == "PUT" else OCTETS}
        reply = traverse(client, method, target, headers, body)
        if reply.status < 300:      # a path that reads as another, such as `/v2/.`, may be that one
            assert reply.body in (b"", b"{}") and method in ("GET", "HEAD"), f"{method} {target}: {reply}"


def traverse(client, method, target, headers=(), body=None):
    """Sends a target as it is, where http.client would refuse control characters or backslashes."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {client.registry.authority}", "Connection: close",
             *(f"{name}: {value}" for name, value in dict(headers).items()), f"Content-Length: {len(body or b'')}"]
    reply = client.raw("\r\n".join([*lines, "", ""]).encode() + (body or b""), method)
    assert reply is not None, f"no answer to {method} {target}"
    assert reply.status < 500 or (IS_PEER and reply.status == 500), f"{method} {target}: {reply}"
    assert CANARY not in reply.body and reply.header("X-Evil") is None
    if reply.status >= 400 and method != "HEAD" and target.startswith("/v2/") and not IS_PEER:
        assert_envelope(reply)
    return reply


@pytest.mark.parametrize("traversal", TRAVERSALS)
def test_traversal_in_the_name_of_a_new_upload(client, traversal):
    for target in (f"/v2/{traversal}/blobs/uploads/", f"/v2/team/{traversal}/blobs/uploads/"):
        reply = traverse(client, "POST", target)
        assert 300 <= reply.status < 500 or IS_PEER, reply


@pytest.mark.parametrize("parameter", ["mount", "from", "digest", "_state", "n", "last", "tag", "unknown", "%2e%2e"])
@pytest.mark.parametrize("traversal", [t for t in TRAVERSALS if "\\" not in t])
def test_traversal_in_a_parameter(client, parameter, traversal):
    """Uploads may start and lists may be empty; what counts is what the fixtures look at."""
    value = f"{parameter}={traversal}"
    for method, target in (("POST", f"/v2/{STORED}/blobs/uploads/?{value}"),
                           ("POST", f"/v2/{STORED}/blobs/uploads/?mount={BLOB}&{value}"),
                           ("GET", f"/v2/_catalog?{value}"), ("GET", f"/v2/{STORED}/tags/list?n=1&{value}"),
                           ("PUT", f"/v2/{STORED}/blobs/uploads/0000?{value}")):
        traverse(client, method, target)


@pytest.mark.parametrize("traversal", [t for t in TRAVERSALS if "\\" not in t])
def test_traversal_in_a_digest_to_commit(client, repo, traversal):
    location = client.append(client.start_upload(repo), b"x")
    for value in (traversal, f"sha256:{traversal}", f"{traversal}:{'0' * 64}", f"{digest(b'x')}{traversal}"):
        reply = traverse(client, "PUT", client.path_of(location) + "&digest=" + value)
        assert reply.status in (400, 404, 201), reply
        if reply.status == 201:
            break


@pytest.mark.parametrize("path", ["/berth", "/internal/", "/_internal/x", "/blobs/sha256/", "/data/", "/spool/",
                                  "/docker/registry/v2/blobs/", "/../canary", "/%2e%2e/canary", "//canary",
                                  "/.git/config", "/_berth/store/docker/registry/v2/", "/_berth/store/berth/secret",
                                  "/_berth/store/../canary", "/_berth/store", "/_berth/ask", "/_berth/spooled",
                                  "/_berth/no_v2", "/_berth/errors/internal", "/%5fberth/store/berth/secret",
                                  "/_berth/x/../store/berth/secret", "//_berth/store/berth/secret",
                                  "/v2/../_berth/store/berth/secret"])
def test_internal_locations_are_not_served(client, path):
    reply = traverse(client, "GET", path)
    assert reply.status in (301, 400, 403, 404)


@pytest.mark.parametrize("header", ["X-Accel-Redirect", "X-Sendfile", "X-Original-URI", "X-Rewrite-URL",
                                    "X-HTTP-Method-Override", "X-Request-Body-File", "X-Body-File", "X-File",
                                    "X-Upload-File", "X-Accel-Buffering", "X-Forwarded-Prefix", "Proxy", "Script-Name"])
def test_headers_with_a_meaning_inside_are_not_taken_from_clients(client, registry, repo, header):
    """A client that names a spool file, or a file to send, gets nothing by it."""
    path = str(registry.directory / "canary")
    assert client.get("/v2/", {header: path}).body == b"{}"
    location = client.start_upload(repo)
    reply = client.put(with_query(location, digest=digest(b"body")), {header: path, "Content-Type": OCTETS}, b"body")
    assert reply.status == 201
    assert client.fetch_blob(repo, digest(b"body")) == b"body"


# Lengths


@pytest.mark.parametrize("length", [256, 257, 1000, 4000])
def test_overlong_names(client, length):
    for target in (f"/v2/{'n' * length}/tags/list", f"/v2/{'/'.join('n' * (length // 2))}/tags/list"):
        reply = traverse(client, "GET", target)
        assert 400 <= reply.status < 500 or IS_PEER


@pytest.mark.parametrize("length", [129, 255, 256, 1000, 4000])
def test_overlong_tags(client, length):
    reply = traverse(client, "GET", f"/v2/{STORED}/manifests/{'t' * length}")
    assert reply.status == 404
    reply = traverse(client, "PUT", f"/v2/{STORED}/manifests/{'t' * length}", {"Content-Type": OCI_INDEX}, EMPTY_INDEX)
    assert reply.status == 400 or IS_PEER


@pytest.mark.parametrize("length", [200, 255, 256, 4000])
def test_overlong_upload_ids(client, length):
    reply = traverse(client, "GET", f"/v2/{STORED}/blobs/uploads/{'u' * length}")
    assert reply.status == 404


@differs("Go takes lines of a megabyte")
@pytest.mark.parametrize("length", [70_000, 1_000_000])
def test_overlong_request_line(client, length):
    for target in (f"/v2/{'n' * length}/tags/list", f"/v2/_catalog?n={'1' * length}"):
        reply = client.raw(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        if reply is not None:       # closed while we were still sending is an answer too
            assert reply.status in (400, 414)
            assert_envelope(reply)


@differs("Go takes headers of a megabyte")
@pytest.mark.parametrize("headers", [
    f"X-Long: {'x' * 100_000}\r\n", "".join(f"X-{i}: {'x' * 1000}\r\n" for i in range(200))], ids=["one", "many"])
def test_overlong_headers(client, headers):
    reply = client.raw(f"GET /v2/ HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    if reply is not None:
        assert reply.status in (400, 431)
        assert_envelope(reply)


@pytest.mark.parametrize("header, value", [
    ("Accept", ",".join(["application/vnd.oci.image.manifest.v1+json"] * 150)), ("Accept", "," * 6000),
    ("If-None-Match", ",".join([f'"{BLOB}"'] * 80)), ("Range", "bytes=" + ",".join(f"{i}-{i}" for i in range(900))),
    ("Cookie", "a=b;" * 1500), ("Forwarded", "for=x," * 1000), ("X-Forwarded-Host", "a," * 3000),
    ("Content-Range", "0-" + "9" * 6000), ("Content-Type", "x" * 6000), ("User-Agent", "docker/" + "9" * 6000),
    ("Authorization", "Basic " + "A" * 6000), ("X-Unknown", "x" * 6000)], ids=start)
def test_long_headers_that_fit(client, header, value):
    for target in (f"/v2/{STORED}/manifests/v1", f"/v2/{STORED}/blobs/{BLOB}", f"/v2/{STORED}/tags/list"):
        assert client.get(target, {header: value}).status < 500
    assert client.post(f"/v2/{STORED}/blobs/uploads/", {header: value}).status < 500


# Bodies


def lines(*fields):
    return "\r\n".join([*fields, "", ""]).encode()


BROKEN_BODIES = {
    "shorter than promised": lines("Content-Length: 1000") + b"short",
    "none of the promised": lines("Content-Length: 1000"),
    "chunk cut off": lines("Transfer-Encoding: chunked") + b"ff\r\nshort",
    "last chunk missing": lines("Transfer-Encoding: chunked") + b"5\r\nshort\r\n",
    "chunk size of no digits": lines("Transfer-Encoding: chunked") + b"zz\r\nshort\r\n0\r\n\r\n",
    "negative chunk size": lines("Transfer-Encoding: chunked") + b"-5\r\nshort\r\n0\r\n\r\n",
    "chunk size beyond 64 bits": lines("Transfer-Encoding: chunked") + b"fffffffffffffffffff\r\nshort\r\n0\r\n\r\n",
    "chunk longer than its size": lines("Transfer-Encoding: chunked") + b"2\r\nshort\r\n0\r\n\r\n",
    "negative length": lines("Content-Length: -5") + b"short",
    "length of no digits": lines("Content-Length: five") + b"short",
    "length beyond 64 bits": lines("Content-Length: 99999999999999999999999") + b"short",
    "two lengths": lines("Content-Length: 5", "Content-Length: 6") + b"short!",
    "list of lengths": lines("Content-Length: 5, 6") + b"short!",
    "signed length": lines("Content-Length: +5") + b"short",
    "unknown coding": lines("Transfer-Encoding: rot13") + b"short",
    "length and an unknown coding": lines("Transfer-Encoding: xchunked", "Content-Length: 5") + b"short",
}


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
@pytest.mark.parametrize("broken", BROKEN_BODIES.values(), ids=BROKEN_BODIES)
def test_broken_body_of_an_upload(client, repo, method, broken):
    """The blob that the bytes would have made is not there, and whoever asks gets an answer or the end."""
    target = client.path_of(client.start_upload(repo))
    if method == "POST":
        target = f"/v2/{repo}/blobs/uploads/?digest={digest(b'short')}"
    elif method == "PUT":
        target += "&digest=" + digest(b"short")
    reply = client.raw(f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Type: {OCTETS}\r\n".encode() + broken,
                       hang_up=True)
    assert reply is None or 400 <= reply.status < 500 or reply.status == 501 or IS_PEER, reply
    assert client.head(client.blob(repo, digest(b"short"))).status == 404 or IS_PEER


@pytest.mark.parametrize("broken", BROKEN_BODIES.values(), ids=BROKEN_BODIES)
def test_broken_body_of_a_manifest(client, repo, broken):
    reply = client.raw(f"PUT /v2/{repo}/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Type: {OCI_INDEX}\r\n".encode()
                       + broken, hang_up=True)
    assert reply is None or 400 <= reply.status < 500 or reply.status == 501, reply
    assert client.get(client.tags(repo)).status == 404


def test_length_and_chunks_together(client, repo):
    """Request smuggling: one of the two lengths may count, or the request is refused."""
    target = client.path_of(client.start_upload(repo)) + "&digest=" + digest(b"short")
    reply = client.raw(f"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "5\r\nshort\r\n0\r\n\r\nGET /v2/smuggled/tags/list HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert reply is None or reply.status in (201, 400)


@differs("it reads on, to four megabytes")
def test_a_manifest_that_promises_too_much_is_refused_at_once(client, repo):
    """Nobody waits for ten gigabytes to find them too many."""
    reply = client.raw(f"PUT /v2/{repo}/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Type: {OCI_MANIFEST}\r\n"
                       f"Content-Length: {10 * 1024**3}\r\n\r\n".encode())
    assert_error(reply, 413, "MANIFEST_INVALID")


@pytest.mark.parametrize("target", ["/v2/", "/v2/_catalog", f"/v2/{STORED}/tags/list", f"/v2/{STORED}/manifests/v1",
                                    f"/v2/{STORED}/blobs/{BLOB}"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_body_where_none_belongs(client, method, target):
    reply = client.request(method, target, {"Content-Type": OCTETS}, b"x" * 100_000)
    assert reply.status in (200, 400, 404, 413) or IS_PEER


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_large_body_where_none_belongs(client, method):
    reply = client.request(method, f"/v2/{STORED}/manifests/none", {"Content-Type": OCTETS}, b"x" * (LIMIT + 1))
    assert 400 <= reply.status < 500


EXHAUSTING = {
    "arrays": b'{"schemaVersion": 2, "manifests": ' + b"[" * 2_000_000,
    "objects": b'{"schemaVersion": 2, "a": ' + b'{"a":' * 500_000,
    "open brackets": b"[" * LIMIT,
    "escapes": b'{"a":"' + b"\\u0000" * 600_000,
    "quotes": b'"' * LIMIT,
    "nuls": b"\x00" * LIMIT,
    "digits": b'{"schemaVersion": ' + b"9" * 3_000_000 + b"}",
    "exponent": b'{"schemaVersion": 1e' + b"9" * 100 + b"}",
}
EXHAUSTING_UNVERSIONED = {
    "empty children": b'{"manifests": [' + b"{}," * 1_000_000 + b"{}]}",
    "keys": b"{" + b",".join(f'"{i}":{i}'.encode() for i in range(200_000)) + b"}",
}


@pytest.mark.parametrize("body", [
    *(pytest.param(body, id=name) for name, body in EXHAUSTING.items()),
    *(pytest.param(body, id=name, marks=differs("it answers 500 to a document without schemaVersion"))
      for name, body in EXHAUSTING_UNVERSIONED.items())])
def test_json_made_to_exhaust(client, repo, body):
    for media_type in (OCI_INDEX, OCI_MANIFEST):
        assert client.put_manifest(repo, "v1", body, media_type).status == 400


def test_descriptors_of_every_wrong_type(client, repo):
    wrong = [None, True, -1, 1.5, 10**30, "", "x" * 100_000, [], {}, [[]], {"digest": None}]
    for value in wrong:
        for field in ("mediaType", "config", "layers", "manifests", "subject", "annotations", "artifactType"):
            body = json.dumps({"schemaVersion": 2, field: value}).encode()
            for media_type in (OCI_MANIFEST, OCI_INDEX):
                reply = client.put(client.manifest(repo, "v1"), {"Content-Type": media_type}, body)
                assert reply.status in (201, 400) or IS_PEER, f"{field}: {value!r}"


# Methods and request lines


@pytest.mark.parametrize("target", ["/v2/", "/v2/_catalog", f"/v2/{STORED}/manifests/v1", f"/v2/{STORED}/blobs/{BLOB}"])
@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "get", "Get", "post", "delete", "FOO", "X-METHOD", "A" * 300,
                                    "GET\t", "G\x01T", "PRI", "PROPFIND", "SEARCH", "BREW"])
def test_unknown_method(client, method, target):
    reply = client.raw(f"{method} {target} HTTP/1.1\r\nHost: x\r\nX-Echo: secret\r\nConnection: close\r\n\r\n".encode())
    if IS_PEER:
        assert reply is None or reply.status < 500
        return
    assert reply.status in (400, 405), reply
    assert b"secret" not in reply.body, "TRACE must not echo"
    assert_envelope(reply)


@pytest.mark.parametrize("request_line", [
    b"", b"\r\n\r\n\r\n", b"GET", b"GET  /v2/  HTTP/1.1", b"GET /v2/ HTTP/9.9", b"GET /v2/ HTTP/1.1 x",
    b"GET /v2/ FTP/1.1", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 100, b"GET v2 HTTP/1.1",
    b"GET http:// HTTP/1.1", b"* /v2/ HTTP/1.1", b"OPTIONS * HTTP/1.1", b"PRI * HTTP/2.0\r\n\r\nSM",
    b"GET \xff\xfe HTTP/1.1",
    b"GET /v2/\x00 HTTP/1.1", b"GET /v2/ HTTP/1.1\r\nHost: \x00", b"GET /v2/ HTTP/1.1\r\nHost: a\r\nHost: b",
    b"GET /v2/ HTTP/1.1\r\nNo colon", b"GET /v2/ HTTP/1.1\r\n folded: x", b"GET /v2/ HTTP/1.1\r\nHost: ../evil",
    b"GET /v2/ HTTP/1.1\r\nHost: a b", b"GET /v2/ HTTP/1.1\r\nHost: " + b"h" * 5000], ids=start)
def test_malformed_request(client, request_line):
    reply = client.raw(request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n", hang_up=True)
    assert reply is None or reply.status in (200, 301, 400, 403, 404, 405, 414, 431, 505) or IS_PEER, reply


@pytest.mark.parametrize("header", [
    "Host: evil.example\r\n", "Host: ../../evil\r\n", "Host: x\r\nX-Forwarded-Host: \"><evil\r\n",
    "Host: x\r\nForwarded: host=\"a\\\"b\"\r\n", "Host: x\r\nForwarded: ;;;==,,\r\n",
    "Host: x\r\nX-Forwarded-Proto: javascript\r\n", "Host: x\r\nForwarded: proto=\"\x01\"\r\n",
    "Host: x\r\nX-Forwarded-Host: a\tb\r\n", f"Host: {'h' * 4000}\r\n"], ids=start)
def test_hostile_origin_headers(client, header):
    """They shape the Location, and nothing else: no other header, no line break, no reply that cannot be sent."""
    reply = client.raw(f"POST /v2/{STORED}/blobs/uploads/ HTTP/1.1\r\n{header}Content-Length: 0\r\n\r\n".encode())
    assert reply.status in (202, 400) or IS_PEER, reply
    if reply.status == 202:
        assert re.fullmatch(r"[\x21-\x7e]+", reply.header("Location")) or IS_PEER
