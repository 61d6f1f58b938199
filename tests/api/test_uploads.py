"""The life of an upload: POST, PATCH, PUT, status, cancel, resume (spec: v2 API §2, §3, §9)."""
import hashlib
import re

import pytest

from expect import Case, assert_error, assert_methods, cases, differs, run
from harness import OCTETS, digest, upload_state, with_query

EMPTY = digest(b"")
UUID = re.compile(r"[a-zA-Z0-9-_.=]+\Z")
ABSENT_UUID = "00000000-0000-4000-8000-000000000000"
OLD_STATE = "its offset check cancels the upload: BLOB_UPLOAD_INVALID"
NO_SINGLE_POST = "it ignores ?digest= on POST"
STATE_NEEDED = "its status needs the state token"
RANGE_IGNORED = "it ignores Content-Range"


def bare(location):
    """The path of an upload without its state."""
    return location.split("?")[0]


def uuid_of(location):
    return bare(location).rsplit("/", 1)[1]


def status_of(client, location):
    """The Range that the status of an upload tells."""
    reply = client.get(location)
    assert reply.status == 204, reply
    return reply.header("Range")


# POST


def assert_upload_reply(client, repo, reply, status, stored):
    """What each step of an upload answers, so that the client can take the next."""
    assert (reply.status, reply.body) == (status, b""), reply
    assert reply.header("Range") == f"0-{max(stored - 1, 0)}", reply
    location, uuid = reply.header("Location"), reply.header("Docker-Upload-UUID")
    assert UUID.match(uuid)
    assert location.startswith(f"{client.registry.url}/v2/{repo}/blobs/uploads/{uuid}?"), reply
    assert upload_state(location)["Offset"] == stored
    return location


@cases(
    Case("bare", "POST /v2/{repo}/blobs/uploads/", 202),
    Case("json type, as crane sends", "POST /v2/{repo}/blobs/uploads/", 202,
         sends={"Content-Type": "application/json"}),
    Case("origin, as crane sends", "POST /v2/{repo}/blobs/uploads/?origin=docker.io", 202),
    Case("mirror query", "POST /v2/{repo}/blobs/uploads/?ns=docker.io", 202),
    Case("content length 0", "POST /v2/{repo}/blobs/uploads/", 202, sends={"Content-Length": "0"}),
    Case("known digest algorithm", "POST /v2/{repo}/blobs/uploads/?digest-algorithm=sha256", 202),
)
def test_start(client, repo, case):
    reply = run(client, case, repo=repo)
    assert reply.header("Content-Length") == "0"
    assert_upload_reply(client, repo, reply, 202, stored=0)


@differs("it does not know ?digest-algorithm=")
def test_start_with_unknown_digest_algorithm(client, repo):
    assert client.post(client.uploads(repo) + "?digest-algorithm=md5").status == 400


def test_each_start_is_a_new_upload(client, repo):
    locations = [client.start_upload(repo) for _ in range(10)]
    assert len({uuid_of(location) for location in locations}) == 10


def test_an_upload_alone_makes_no_repository(client, repo):
    client.start_upload(repo)
    assert_error(client.get(client.tags(repo)), 404, "NAME_UNKNOWN")


# PUT of the whole


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 4096, 65537, 3_000_000])
def test_whole_blob_in_put(client, repo, size):
    data = hashlib.shake_128(b"blob").digest(size)
    reply = client.finish_upload(client.start_upload(repo), digest(data), data)
    assert (reply.status, reply.body) == (201, b"")
    assert reply.header("Content-Length") == "0"
    assert reply.header("Docker-Content-Digest") == digest(data)
    assert reply.header("Location") == f"{client.registry.url}/v2/{repo}/blobs/{digest(data)}"
    assert client.fetch_blob(repo, digest(data)) == data
    assert client.head(reply.header("Location")).header("Content-Length") == str(size)


def test_whole_blob_in_chunked_put(client, repo):
    """docker 1.6 streams the whole blob in the PUT."""
    pieces = [b"one ", b"two ", b"three"]
    reply = client.finish_upload(client.start_upload(repo), digest(b"".join(pieces)), iter(pieces))
    assert reply.status == 201
    client.fetch_blob(repo, digest(b"".join(pieces)))


def test_put_from_a_file(client, repo, tmp_path):
    (tmp_path / "layer").write_bytes(bytes(1_000_000))
    with open(tmp_path / "layer", "rb") as layer:
        blob = client.push_blob(repo, layer)
    assert len(client.fetch_blob(repo, blob)) == 1_000_000


@pytest.mark.parametrize("content_type", [None, OCTETS, "application/json", "text/plain"])
def test_put_takes_any_content_type(client, repo, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    reply = client.put(with_query(client.start_upload(repo), digest=digest(b"typed")), headers, b"typed")
    assert reply.status == 201


def test_put_with_digest_before_state(client, repo):
    """The order of query parameters says nothing."""
    path, state = client.start_upload(repo).split("?")
    reply = client.put(f"{path}?digest={digest(b'order')}&other=1&{state}", body=b"order")
    assert reply.status == 201


def test_put_with_encoded_digest(client, repo):
    reply = client.put(client.start_upload(repo) + "&digest=" + digest(b"colon").replace(":", "%3A"), body=b"colon")
    assert reply.status == 201


def test_put_by_expect_continue(client, repo):
    """curl asks before it sends a large body."""
    target = client.path_of(with_query(client.start_upload(repo), digest=digest(b"asked first")))
    with client.open_socket() as connection:
        connection.sendall(f"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\nExpect: 100-continue\r\n"
                           f"Connection: close\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"asked first")
        assert connection.recv(1000).startswith(b"HTTP/1.1 201 ")
    client.fetch_blob(repo, digest(b"asked first"))


def test_same_blob_twice(client, repo):
    assert client.push_blob(repo, b"twice") == client.push_blob(repo, b"twice")


# POST of the whole


@differs(NO_SINGLE_POST)
@pytest.mark.parametrize("data", [b"single", b""], ids=["bytes", "empty"])
def test_single_post(client, repo, data):
    reply = client.post(client.uploads(repo) + f"?digest={digest(data)}", {"Content-Type": OCTETS}, data)
    assert (reply.status, reply.body) == (201, b"")
    assert reply.header("Docker-Content-Digest") == digest(data)
    assert reply.header("Location").endswith(f"/v2/{repo}/blobs/{digest(data)}")
    assert client.fetch_blob(repo, digest(data)) == data


@differs(NO_SINGLE_POST)
def test_single_post_chunked(client, repo):
    reply = client.post(client.uploads(repo) + f"?digest={digest(b'ab')}", {"Content-Type": OCTETS}, iter([b"a", b"b"]))
    assert reply.status == 201
    client.fetch_blob(repo, digest(b"ab"))


@differs(NO_SINGLE_POST)
@cases(
    Case("other bytes", f"POST /v2/{{repo}}/blobs/uploads/?digest={digest(b'right')}", 400, "DIGEST_INVALID",
         data=b"wrong"),
    Case("no bytes", f"POST /v2/{{repo}}/blobs/uploads/?digest={digest(b'right')}", 400, "DIGEST_INVALID"),
    Case("not a digest", "POST /v2/{repo}/blobs/uploads/?digest=latest", 400, "DIGEST_INVALID", data=b"x"),
    Case("unknown algorithm", "POST /v2/{repo}/blobs/uploads/?digest=md5:" + "0" * 32, 400, "DIGEST_INVALID",
         data=b"x"),
)
def test_single_post_refused(client, repo, case):
    run(client, case, repo=repo)
    assert client.head(client.blob(repo, digest(b"right"))).status == 404
    assert client.head(client.blob(repo, digest(b"wrong"))).status == 404


# PATCH


@pytest.mark.parametrize("streamed", [False, True], ids=["content length", "chunked"])
@pytest.mark.parametrize("sizes", [[1], [1, 1], [64, 64], [100, 63, 1, 200], [0, 5], [5, 0, 5], [70000, 1, 70000]],
                         ids=str)
def test_patches(client, repo, sizes, streamed):
    data = hashlib.shake_128(b"patches").digest(sum(sizes))
    location, sent = client.start_upload(repo), 0
    for size in sizes:
        chunk = data[sent:sent + size]
        reply = client.patch(location, {"Content-Type": OCTETS}, iter([chunk]) if streamed else chunk)
        sent += size
        previous, location = location, assert_upload_reply(client, repo, reply, 202, stored=sent)
        assert bare(location) == bare(previous)
    reply = client.finish_upload(location, digest(data))
    assert (reply.status, reply.header("Docker-Content-Digest")) == (201, digest(data))
    assert client.fetch_blob(repo, digest(data)) == data


def test_last_chunk_in_put(client, repo):
    location = client.append(client.start_upload(repo), b"first ")
    assert client.finish_upload(location, digest(b"first last"), b"last").status == 201
    assert client.fetch_blob(repo, digest(b"first last")) == b"first last"


@pytest.mark.parametrize("streamed", [False, True], ids=["content length", "chunked"])
def test_pushing_in_chunks(client, repo, streamed):
    chunks = [bytes([i]) * 1000 for i in range(20)]
    blob = client.push_blob_chunked(repo, chunks, streamed=streamed)
    assert client.fetch_blob(repo, blob) == b"".join(chunks)


@pytest.mark.parametrize("content_type", [None, "", OCTETS])
def test_patch_content_type(client, repo, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert client.patch(client.start_upload(repo), headers, b"x").status == 202


@differs("it answers 500")
@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "multipart/form-data; boundary=x"])
def test_patch_of_another_content_type_changes_nothing(client, repo, content_type):
    location = client.append(client.start_upload(repo), b"0123456789")
    assert client.patch(location, {"Content-Type": content_type}, b"more").status == 415
    assert status_of(client, location) == "0-9"
    assert client.finish_upload(location, digest(b"0123456789")).status == 201


# Content-Range


@pytest.mark.parametrize("form", ["{}-{}", "bytes {}-{}/10", "bytes {}-{}/*"])
def test_content_range_in_order(client, repo, form):
    location = client.start_upload(repo)
    for first, last in ((0, 3), (4, 4), (5, 8)):
        headers = [("Content-Range", form.format(first, last))]
        location = client.append(location, b"0123456789"[first:last + 1], headers)
    reply = client.put(with_query(location, digest=digest(b"0123456789")), {"Content-Range": form.format(9, 9)}, b"9")
    assert reply.status == 201


@differs(RANGE_IGNORED)
@pytest.mark.parametrize("content_range, chunk", [
    ("0-9", b"x" * 10), ("5-9", b"x" * 5), ("11-15", b"x" * 5), ("20-24", b"x" * 5), ("9-5", b"x" * 5),
    ("99999999999-100000000003", b"x" * 5)])
def test_content_range_out_of_order(client, repo, content_range, chunk):
    """The reply says where to go on, and nothing was taken."""
    location = client.append(client.start_upload(repo), b"0123456789")
    reply = client.patch(location, {"Content-Type": OCTETS, "Content-Range": content_range}, chunk)
    assert_error(reply, 416, "RANGE_INVALID")
    assert reply.header("Range") == "0-9"
    assert reply.header("Docker-Upload-UUID") == uuid_of(location)
    assert client.finish_upload(reply.header("Location"), digest(b"0123456789ab"), b"ab").status == 201


@differs(RANGE_IGNORED)
@pytest.mark.parametrize("content_range", ["10-13", "10-15", "bytes 10-99/100"])
def test_content_range_of_another_length(client, repo, content_range):
    location = client.append(client.start_upload(repo), b"0123456789")
    reply = client.patch(location, {"Content-Type": OCTETS, "Content-Range": content_range}, b"xxxxx")
    assert_error(reply, 400, "SIZE_INVALID")
    assert status_of(client, location) == "0-9"


@differs(RANGE_IGNORED)
@pytest.mark.parametrize("content_range", [
    "x", "0", "0-", "-4", "a-b", "0--4", "bytes=0-4", "0-4-9", "bytes */5", "0-99999999999999999999", "-1-3",
    "0x0-0x4"])
def test_malformed_content_range(client, repo, content_range):
    location = client.start_upload(repo)
    reply = client.patch(location, {"Content-Type": OCTETS, "Content-Range": content_range}, b"xxxxx")
    assert reply.status in (400, 416)
    assert status_of(client, location) == "0-0"


@differs(RANGE_IGNORED)
def test_content_range_out_of_order_in_put(client, repo):
    location = client.append(client.start_upload(repo), b"01234")
    reply = client.put(with_query(location, digest=digest(b"0123456789")), {"Content-Range": "7-11"}, b"56789")
    assert_error(reply, 416, "RANGE_INVALID")
    assert client.head(client.blob(repo, digest(b"0123456789"))).status == 404


# Offsets that are stale


@differs(OLD_STATE)
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_stale_location(client, repo, method):
    """Whoever repeats a step that was taken is told where the upload stands, and can go on from there."""
    first = client.start_upload(repo)
    client.append(first, b"0123456789")
    stale = with_query(first, digest=digest(b"0123456789")) if method == "PUT" else first
    reply = client.request(method, stale, {"Content-Type": OCTETS}, b"0123456789")
    assert_error(reply, 416, "RANGE_INVALID")
    assert reply.header("Range") == "0-9"
    assert reply.header("Docker-Upload-UUID") == uuid_of(first)
    assert upload_state(reply.header("Location"))["Offset"] == 10
    assert client.finish_upload(reply.header("Location"), digest(b"0123456789!"), b"!").status == 201


# Status


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("stored", [0, 1, 1000])
def test_status(client, repo, method, stored):
    location = client.append(client.start_upload(repo), b"x" * stored)
    reply = client.request(method, location)
    assert_upload_reply(client, repo, reply, 204, stored=stored)
    assert reply.header("Docker-Upload-UUID") == uuid_of(location)


@differs(STATE_NEEDED)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("query", ["", "?", "?_state=", "?_state=bogus", "?_state=%00"])
def test_status_without_state(client, repo, method, query):
    location = client.append(client.start_upload(repo), b"12345")
    reply = client.request(method, bare(location) + query)
    fresh = assert_upload_reply(client, repo, reply, 204, stored=5)
    assert client.finish_upload(fresh, digest(b"12345")).status == 201


@differs(OLD_STATE)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_status_by_a_stale_location(client, repo, method):
    first = client.start_upload(repo)
    client.append(first, b"12345")
    assert_upload_reply(client, repo, client.request(method, first), 204, stored=5)


@differs(STATE_NEEDED)
def test_status_of_an_unknown_upload(client, repo):
    target = f"/v2/{repo}/blobs/uploads/{ABSENT_UUID}"
    assert_error(client.get(target), 404, "BLOB_UPLOAD_UNKNOWN")
    assert client.head(target).status == 404


def test_status_in_another_repository(client, repo, other_repo):
    location = client.start_upload(repo)
    assert client.get(bare(location).replace(repo, other_repo)).status == 404


# Ends


def assert_gone(client, location):
    """No step finds the upload any more."""
    assert_error(client.get(location), 404, "BLOB_UPLOAD_UNKNOWN")
    assert client.head(location).status == 404
    assert_error(client.patch(location, {"Content-Type": OCTETS}, b"x"), 404, "BLOB_UPLOAD_UNKNOWN")
    assert_error(client.finish_upload(location, EMPTY), 404, "BLOB_UPLOAD_UNKNOWN")
    assert_error(client.delete(location), 404, "BLOB_UPLOAD_UNKNOWN")


def test_cancel(client, repo):
    location = client.append(client.start_upload(repo), b"given up")
    reply = client.delete(location)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.header("Docker-Upload-UUID") == uuid_of(location)
    assert_gone(client, location)
    assert client.head(client.blob(repo, digest(b"given up"))).status == 404


def test_cancel_of_a_fresh_upload(client, repo):
    """containers/image cancels the upload that a failed mount has opened."""
    location = client.start_upload(repo)
    assert client.delete(location).status == 204
    assert_gone(client, location)


def test_cancelling_one_leaves_another(client, repo):
    one, another = client.start_upload(repo), client.append(client.start_upload(repo), b"another")
    assert client.delete(one).status == 204
    assert client.finish_upload(another, digest(b"another")).status == 201


def test_finished_upload_is_gone(client, repo):
    location = client.append(client.start_upload(repo), b"finished")
    assert client.finish_upload(location, digest(b"finished")).status == 201
    assert_gone(client, location)
    assert client.finish_upload(location, digest(b"finished")).status == 404
    client.fetch_blob(repo, digest(b"finished"))


@differs("its clean-up fails, and the upload stays")
@pytest.mark.parametrize("body", [None, b"more"], ids=["patched", "in put"])
def test_digest_mismatch_removes_the_upload(client, repo, body):
    location = client.append(client.start_upload(repo), b"some bytes")
    reply = client.finish_upload(location, digest(b"other bytes"), body)
    assert_error(reply, 400, "DIGEST_INVALID")
    assert_gone(client, location)
    for data in (b"other bytes", b"some bytes", b"some bytesmore"):
        assert client.head(client.blob(repo, digest(data))).status == 404


@pytest.mark.parametrize("query", ["", "&digest=", "&digest=latest", "&digest=sha256:00", "&digest=sha256:" + "0" * 65,
                                   "&digest=sha256:" + "G" * 64, "&digest=md5:" + "0" * 32, "&digest=%00",
                                   "&digest=sha256:" + "A" * 64, "&Digest=" + digest(b"kept")])
def test_put_without_a_digest_keeps_the_upload(client, repo, query):
    location = client.append(client.start_upload(repo), b"kept")
    assert_error(client.put(location + query), 400, "DIGEST_INVALID")
    assert status_of(client, location) == "0-3"
    assert client.finish_upload(location, digest(b"kept")).status == 201


def test_put_without_a_digest_says_so(client, repo):
    reply = client.put(client.start_upload(repo))
    assert reply.json()["errors"][0]["detail"] == "digest missing"


# Dropped connections


def drop_while_patching(client, location, promised, sent):
    """A PATCH whose client dies: it promises more bytes than it sends."""
    head = f"PATCH {client.path_of(location)} HTTP/1.1\r\nHost: x\r\nContent-Type: {OCTETS}\r\n{promised}\r\n\r\n"
    with client.open_socket() as connection:
        connection.sendall(head.encode() + sent)


@differs("it keeps the bytes that came before the connection broke")
@pytest.mark.parametrize("promised, sent", [
    ("Content-Length: 1000", b"x" * 400), ("Content-Length: 1000", b""),
    ("Content-Length: 100000000", b"x" * 1_000_000), ("Transfer-Encoding: chunked", b"5\r\nxxxxx\r\n"),
    ("Transfer-Encoding: chunked", b"ff\r\nxxx")], ids=["half", "nothing", "long", "chunked", "inside a chunk"])
def test_upload_resumes_after_a_dropped_connection(client, repo, promised, sent):
    location = client.append(client.start_upload(repo), b"acknowledged ")
    drop_while_patching(client, location, promised, sent)
    reply = client.get(bare(location))
    assert reply.header("Range") == "0-12"
    location = client.append(reply.header("Location"), b"and resumed")
    assert client.finish_upload(location, digest(b"acknowledged and resumed")).status == 201
    assert client.fetch_blob(repo, digest(b"acknowledged and resumed")) == b"acknowledged and resumed"


# Methods


@differs("its 405 is plain text")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_wrong_method_on_the_collection(client, repo, method):
    reply = client.request(method, client.uploads(repo))
    assert reply.status == 405
    assert_methods(reply, "POST")


@differs("its 405 is plain text")
def test_wrong_method_on_an_upload(client, repo):
    reply = client.post(client.start_upload(repo))
    assert_error(reply, 405, "UNSUPPORTED")
    assert_methods(reply, "GET", "HEAD", "PATCH", "PUT", "DELETE")


@differs("it names every method of an upload")
def test_options_of_the_collection(client, repo):
    reply = client.request("OPTIONS", client.uploads(repo))
    assert reply.status == 200
    assert_methods(reply, "POST")


@differs("it names POST too, which it answers with an error")
def test_options_of_an_upload(client, repo):
    reply = client.request("OPTIONS", client.start_upload(repo))
    assert reply.status == 200
    assert_methods(reply, "GET", "HEAD", "PATCH", "PUT", "DELETE")
