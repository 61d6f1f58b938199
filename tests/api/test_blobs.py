"""GET, HEAD and DELETE of blobs: headers, conditions, ranges (spec: v2 API §2, §4, §9)."""
import json
import re

import pytest

from expect import Case, assert_error, assert_head_parity, assert_methods, cases, differs, run
from harness import OCTETS, Client, digest

BLOB = bytes(range(256)) * 4        # 1024 bytes, every byte value
UNKNOWN = digest(b"never pushed")
EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ETAG = f'"{digest(BLOB)}"'


@pytest.fixture(scope="module")
def stored(registry):
    """A repository that holds BLOB, for the tests that only read."""
    Client(registry).push_blob("blobs/stored", BLOB)
    return {"repo": "blobs/stored", "blob": digest(BLOB), "etag": ETAG}


FULL_HEADERS = {
    "Content-Length": "1024", "Content-Type": OCTETS, "Docker-Content-Digest": "{blob}", "Etag": "{etag}",
    "Cache-Control": "max-age=31536000", "Accept-Ranges": "bytes", "Last-Modified": None, "Content-Encoding": None,
}


@cases(
    Case("get", "GET /v2/{repo}/blobs/{blob}", 200, replies=FULL_HEADERS, body=BLOB),
    Case("head", "HEAD /v2/{repo}/blobs/{blob}", 200, replies=FULL_HEADERS, body=b""),
    Case("accept is ignored", "GET /v2/{repo}/blobs/{blob}", 200, sends={"Accept": "text/html"}, body=BLOB),
    Case("mirror query", "GET /v2/{repo}/blobs/{blob}?ns=docker.io", 200, body=BLOB),
    Case("gzip offered", "GET /v2/{repo}/blobs/{blob}", 200, sends={"Accept-Encoding": "gzip"},
         replies=FULL_HEADERS, body=BLOB),
    Case("containerd's encodings", "GET /v2/{repo}/blobs/{blob}", 200, body=BLOB,
         sends={"Accept-Encoding": "zstd;q=1.0, gzip;q=0.8, deflate;q=0.5"}, replies=FULL_HEADERS),
    Case("unknown digest", f"GET /v2/{{repo}}/blobs/{UNKNOWN}", 404, "BLOB_UNKNOWN"),
    Case("unknown digest, head", f"HEAD /v2/{{repo}}/blobs/{UNKNOWN}", 404),
    Case("other repository", "GET /v2/blobs/elsewhere/blobs/{blob}", 404, "BLOB_UNKNOWN"),
    Case("parent repository", "GET /v2/blobs/blobs/{blob}", 404, "BLOB_UNKNOWN"),
    Case("child repository", "GET /v2/{repo}/child/blobs/{blob}", 404, "BLOB_UNKNOWN"),
    Case("delete unknown", f"DELETE /v2/{{repo}}/blobs/{UNKNOWN}", 404, "BLOB_UNKNOWN"),
    Case("delete from another repository", "DELETE /v2/blobs/elsewhere/blobs/{blob}", 404, "BLOB_UNKNOWN"),
)
def test_fetch(client, stored, case):
    run(client, case, **stored)


def test_head_parity(client, stored):
    assert_head_parity(client, "/v2/{repo}/blobs/{blob}".format(**stored))


def test_head_parity_of_a_condition(client, stored):
    assert_head_parity(client, "/v2/{repo}/blobs/{blob}".format(**stored), {"If-None-Match": ETAG})


def test_head_may_ignore_a_range(client, stored):
    """RFC 9110 defines Range for GET alone."""
    assert client.head("/v2/{repo}/blobs/{blob}".format(**stored), {"Range": "bytes=0-99"}).status in (200, 206)


def test_head_parity_of_unknown(client, stored):
    got, head = (client.request(method, f"/v2/{stored['repo']}/blobs/{UNKNOWN}") for method in ("GET", "HEAD"))
    assert (got.status, head.status) == (404, 404)
    assert head.body == b""


def test_head_sends_no_body_on_the_wire(client, stored):
    """A client that reuses its connection would take a body for the next reply."""
    for blob in (stored["blob"], UNKNOWN):
        with client.open_socket() as connection:
            connection.sendall(f"HEAD /v2/{stored['repo']}/blobs/{blob} HTTP/1.1\r\nHost: x\r\n"
                               f"Connection: close\r\n\r\n".encode())
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert received.endswith(b"\r\n\r\n") and received.count(b"\r\n\r\n") == 1


# Digests that are none

NO_ROUTE = "its route does not match, which is a plain-text 404"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@cases(
    Case("upper-case hex", "sha256:" + digest(BLOB)[7:].upper(), 400),
    Case("62 digits", digest(BLOB)[:-2], 400),
    Case("66 digits", digest(BLOB) + "00", 400),
    Case("32 digits", "sha256:" + "0" * 32, 400),
    Case("unknown algorithm", "md5:" + "0" * 32, 400),
    Case("unknown algorithm, 64 digits", "sha257:" + "0" * 64, 400),
    Case("upper-case algorithm", "SHA256:" + "0" * 64, 400, differs=NO_ROUTE),
    Case("not hex", "sha256:" + "g" * 64, 400),
    Case("no digits", "sha256:", 400, differs=NO_ROUTE),
    Case("no algorithm", ":" + "0" * 64, 400, differs=NO_ROUTE),
    Case("no colon", "sha256" + "0" * 64, 400, differs=NO_ROUTE),
    Case("a word", "latest", 400, differs=NO_ROUTE),
    Case("two colons", "sha256:sha256:" + "0" * 64, 400, differs=NO_ROUTE),
    Case("trailing space", "sha256:" + "0" * 64 + "%20", 400, differs=NO_ROUTE),
    Case("path of the store", "sha256%2f00%2f" + "0" * 64, (400, 404)),
)
def test_bad_digest(client, stored, method, case):
    reply = client.request(method, f"/v2/{stored['repo']}/blobs/{case.request}")
    assert reply.status in (case.status if isinstance(case.status, tuple) else (case.status,)), reply
    if method != "HEAD" and reply.status == 400:
        assert reply.codes == ["DIGEST_INVALID"]


# Conditions


@cases(
    Case("same", "GET /v2/{repo}/blobs/{blob}", 304, sends={"If-None-Match": "{etag}"}, body=b"",
         replies={"Etag": "{etag}", "Docker-Content-Digest": "{blob}"}),
    Case("same, head", "HEAD /v2/{repo}/blobs/{blob}", 304, sends={"If-None-Match": "{etag}"}),
    Case("weak", "GET /v2/{repo}/blobs/{blob}", 304, sends={"If-None-Match": "W/{etag}"}),
    Case("among others", "GET /v2/{repo}/blobs/{blob}", 304, sends={"If-None-Match": '"a", {etag}, "b"'}),
    Case("any", "GET /v2/{repo}/blobs/{blob}", 304, sends={"If-None-Match": "*"}),
    Case("other", "GET /v2/{repo}/blobs/{blob}", 200, sends={"If-None-Match": f'"{UNKNOWN}"'}, body=BLOB),
    Case("empty", "GET /v2/{repo}/blobs/{blob}", 200, sends={"If-None-Match": ""}, body=BLOB),
    Case("any, unknown blob", f"GET /v2/{{repo}}/blobs/{UNKNOWN}", 404, "BLOB_UNKNOWN", sends={"If-None-Match": "*"}),
    Case("date alone says nothing", "GET /v2/{repo}/blobs/{blob}", 200, body=BLOB,
         sends={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
    Case("range of the same", "GET /v2/{repo}/blobs/{blob}", 206, sends={"Range": "bytes=0-9", "If-Range": "{etag}"},
         body=BLOB[:10]),
    Case("range of another", "GET /v2/{repo}/blobs/{blob}", 200, body=BLOB,
         sends={"Range": "bytes=0-9", "If-Range": f'"{UNKNOWN}"'}),
    Case("range, weak", "GET /v2/{repo}/blobs/{blob}", 200, sends={"Range": "bytes=0-9", "If-Range": "W/{etag}"},
         body=BLOB),
    Case("range of a date", "GET /v2/{repo}/blobs/{blob}", 200, body=BLOB,
         sends={"Range": "bytes=0-9", "If-Range": "Fri, 01 Jan 2100 00:00:00 GMT"}),
    Case("not modified before range", "GET /v2/{repo}/blobs/{blob}", 304,
         sends={"Range": "bytes=0-9", "If-None-Match": "{etag}"}),
)
def test_condition(client, stored, case):
    run(client, case, **stored)


LONG_AGO, NEVER = "Thu, 01 Jan 1970 00:00:01 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"


def get_if(client, stored, method, sends):
    return client.request(method, "/v2/{repo}/blobs/{blob}".format(**stored),
                          {name: value.replace("{etag}", ETAG.format(**stored)) for name, value in sends.items()})


# The entity tag counts, and no date does: there is none (RFC 9110 section 13.2.2).
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("sends, status", [
    ({"If-Match": "{etag}"}, 200),
    ({"If-Match": '"a", {etag}'}, 200),
    ({"If-Match": "*"}, 200),
    ({"If-Match": "{etag}", "If-None-Match": "{etag}"}, 304),
    ({"If-Match": "{etag}", "If-Unmodified-Since": LONG_AGO}, 200),
    ({"If-Unmodified-Since": LONG_AGO}, 200),
    ({"If-Unmodified-Since": NEVER}, 200),
    ({"If-Unmodified-Since": "yesterday"}, 200),
    ({"If-Unmodified-Since": LONG_AGO, "If-None-Match": "{etag}"}, 304),
], ids=str)
def test_precondition(client, stored, method, sends, status):
    reply = get_if(client, stored, method, sends)
    assert reply.status == status
    assert reply.header("Docker-Content-Digest") == stored["blob"]
    assert reply.header("Etag") == ETAG.format(**stored)
    assert reply.header("Last-Modified") is None
    if status == 200:
        assert reply.header("Content-Length") == str(len(BLOB))
        assert reply.body == (BLOB if method == "GET" else b"")


@pytest.mark.parametrize("sends, status, body", [
    ({"If-Match": "{etag}", "Range": "bytes=2-9"}, 206, BLOB[2:10]),
    ({"If-Match": "{etag}", "Range": "bytes=2-9", "If-Range": '"a"'}, 200, BLOB),
    ({"If-Match": "{etag}", "Range": "bytes=2-9", "If-Range": "{etag}"}, 206, BLOB[2:10]),
    ({"If-Unmodified-Since": LONG_AGO, "Range": "bytes=2-9"}, 206, BLOB[2:10]),
], ids=str)
def test_precondition_and_range(client, stored, sends, status, body):
    reply = get_if(client, stored, "GET", sends)
    assert (reply.status, reply.body, reply.header("Content-Length")) == (status, body, str(len(body)))


@pytest.mark.parametrize("method", [
    pytest.param("GET", marks=differs("a failed If-Match has no registry error there")), "HEAD"])
@pytest.mark.parametrize("sends", [
    {"If-Match": '"a"'}, {"If-Match": "W/{etag}"}, {"If-Match": '"a"', "Range": "bytes=2-9"}], ids=str)
def test_failed_precondition(client, stored, method, sends):
    reply = get_if(client, stored, method, sends)
    assert reply.status == 412
    if method == "GET":
        assert reply.codes == ["UNSUPPORTED"]


# Ranges


def part(first, last):
    """The reply to a single range [first, last], bounds inclusive as on the wire."""
    body = BLOB[first:last + 1]
    return {"Content-Range": f"bytes {first}-{last}/1024", "Content-Length": str(len(body)), "Etag": "{etag}",
            "Docker-Content-Digest": "{blob}", "Content-Type": OCTETS}, body


@pytest.mark.parametrize("requested, first, last", [
    ("0-99", 0, 99), ("0-0", 0, 0), ("1023-1023", 1023, 1023), ("100-", 100, 1023), ("0-", 0, 1023),
    ("1023-", 1023, 1023), ("-1", 1023, 1023), ("-100", 924, 1023), ("-1024", 0, 1023), ("-5000", 0, 1023),
    ("1000-5000", 1000, 1023), ("0-1023", 0, 1023), ("0-1024", 0, 1023), (" 5-9", 5, 9), ("5-9 ", 5, 9),
    ("5-9,2000-3000", 5, 9),
])
def test_single_range(client, stored, requested, first, last):
    replies, body = part(first, last)
    run(client, Case("", "GET /v2/{repo}/blobs/{blob}", 206, sends={"Range": f"bytes={requested}"}, replies=replies,
                     body=body), **stored)


@differs("its 416 is plain text and cut off: it promises the blob's Content-Length")
@pytest.mark.parametrize("requested", ["1024-", "1024-2000", "5000-6000", "99999999999-", "-0", "1024-,2000-3000"])
def test_unsatisfiable_range(client, stored, requested):
    reply = client.get("/v2/{repo}/blobs/{blob}".format(**stored), {"Range": f"bytes={requested}"})
    assert_error(reply, 416, "RANGE_INVALID")
    assert reply.header("Content-Range") == "bytes */1024"


@pytest.mark.parametrize("value", [
    "bytes=abc", "bytes=-", "bytes=5", "bytes=5-1", "bytes=--1", "bytes=1--2", "bytes=0-9-", "bytes=0x0-0x9",
    "items=0-9", "bytes 0-9", "0-9", "=", "bytes=0-99999999999999999999999", "bytes=99999999999999999999999-",
    "bytes=-99999999999999999999999", "bytes=0-9;1-2", "bytes=1.0-2.0"])
@differs("as test_unsatisfiable_range")
def test_malformed_range_is_ignored_or_refused(client, stored, value):
    reply = client.get("/v2/{repo}/blobs/{blob}".format(**stored), {"Range": value})
    assert reply.status in (200, 206, 416)
    if reply.status == 200:
        assert reply.body == BLOB


@pytest.mark.parametrize("value", ["", "bytes=", "bytes=\t"], ids=["nothing", "no range", "tab"])
def test_empty_range_is_ignored_or_refused(client, stored, value):
    reply = client.get("/v2/{repo}/blobs/{blob}".format(**stored), {"Range": value})
    assert reply.status in (200, 416)


def multipart(reply):
    """The parts of a multipart/byteranges reply: (Content-Range, bytes)."""
    content_type = reply.header("Content-Type")
    assert content_type.startswith("multipart/byteranges; boundary="), reply
    boundary = b"--" + content_type.split("boundary=")[1].strip('"').encode()
    first, *found, last = (b"\r\n" + reply.body).split(b"\r\n" + boundary)
    assert (first.strip(), last.rstrip()) == (b"", b"--"), reply  # a CRLF before the first boundary is allowed
    return [(re.search(r"(?im)^content-range: *([^\r]*)", part.split(b"\r\n\r\n")[0].decode())[1],
             part.split(b"\r\n\r\n", 1)[1]) for part in found]


@pytest.mark.parametrize("requested, expected", [
    ("0-9,20-29", [(0, 9), (20, 29)]),
    ("0-0, -1", [(0, 0), (1023, 1023)]),
    ("500-,0-4", [(500, 1023), (0, 4)]),
    ("0-4,10-14,20-24,30-34", [(0, 4), (10, 14), (20, 24), (30, 34)]),
    ("0-4,9000-,1020-", [(0, 4), (1020, 1023)]),
])
def test_several_ranges(client, stored, requested, expected):
    reply = client.get("/v2/{repo}/blobs/{blob}".format(**stored), {"Range": f"bytes={requested}"})
    assert reply.status == 206
    assert int(reply.header("Content-Length")) == len(reply.body)
    assert multipart(reply) == [(f"bytes {a}-{b}/1024", BLOB[a:b + 1]) for a, b in expected]


def test_ranges_that_exceed_the_blob_get_it_whole(client, stored):
    """Asking for the same bytes again and again must not multiply them."""
    reply = client.get("/v2/{repo}/blobs/{blob}".format(**stored), {"Range": "bytes=" + ",".join(["0-"] * 50)})
    assert (reply.status, reply.body) == (200, BLOB)


def test_resuming_a_pull_from_each_offset(client, stored):
    """containerd resumes with `bytes=N-` and wants a Content-Range that starts at N."""
    for offset in (1, 511, 1000):
        reply = client.get("/v2/{repo}/blobs/{blob}".format(**stored), {"Range": f"bytes={offset}-"})
        assert reply.header("Content-Range").startswith(f"bytes {offset}-")
        assert BLOB[:offset] + reply.body == BLOB


# The empty blob


def test_empty_blob(client, repo):
    assert client.push_blob(repo, b"") == EMPTY
    for method in ("GET", "HEAD"):
        reply = client.request(method, client.blob(repo, EMPTY))
        assert (reply.status, reply.body) == (200, b"")
        assert reply.header("Content-Length") == "0"
        assert reply.header("Docker-Content-Digest") == EMPTY
        assert reply.header("Etag") == f'"{EMPTY}"'


def test_range_of_the_empty_blob(client, repo):
    client.push_blob(repo, b"")
    reply = client.get(client.blob(repo, EMPTY), {"Range": "bytes=0-"})
    assert reply.status in (200, 416)


def test_oci_empty_json(client, repo):
    blob = client.push_blob(repo, b"{}")
    assert blob == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert json.loads(client.fetch_blob(repo, blob)) == {}


# Deleting


def test_delete(client, repo):
    blob = client.push_blob(repo, b"to be deleted")
    reply = client.delete(client.blob(repo, blob))
    assert (reply.status, reply.header("Content-Length"), reply.body) == (202, "0", b"")
    assert_error(client.get(client.blob(repo, blob)), 404, "BLOB_UNKNOWN")
    assert client.head(client.blob(repo, blob)).status == 404
    assert_error(client.get(client.blob(repo, blob), {"Range": "bytes=0-1"}), 404, "BLOB_UNKNOWN")
    assert_error(client.get(client.blob(repo, blob), {"If-None-Match": f'"{blob}"'}), 404, "BLOB_UNKNOWN")


def test_delete_twice(client, repo):
    blob = client.push_blob(repo, b"deleted twice")
    assert client.delete(client.blob(repo, blob)).status == 202
    assert_error(client.delete(client.blob(repo, blob)), 404, "BLOB_UNKNOWN")


def test_delete_leaves_other_repositories_alone(client, repo, other_repo):
    blob = client.push_blob(repo, b"shared by two")
    client.push_blob(other_repo, b"shared by two")
    assert client.delete(client.blob(repo, blob)).status == 202
    client.fetch_blob(other_repo, blob)


def test_push_after_delete(client, repo):
    blob = client.push_blob(repo, b"comes back")
    assert client.delete(client.blob(repo, blob)).status == 202
    assert client.push_blob(repo, b"comes back") == blob
    client.fetch_blob(repo, blob)


# Methods


@pytest.mark.parametrize("target", ["/v2/{repo}/blobs/{blob}", f"/v2/{{repo}}/blobs/{UNKNOWN}"],
                         ids=["stored", "unknown"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@differs("its 405 is plain text")
def test_wrong_method(client, stored, method, target):
    reply = client.request(method, target.format(**stored))
    assert_error(reply, 405, "UNSUPPORTED")
    assert_methods(reply, "GET", "HEAD", "DELETE")


def test_options(client, stored):
    reply = client.request("OPTIONS", "/v2/{repo}/blobs/{blob}".format(**stored))
    assert reply.status == 200
    assert_methods(reply, "GET", "HEAD", "DELETE")
