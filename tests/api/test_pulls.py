"""Blobs that nginx sends without asking the pool: the same replies, whoever makes them, and never one too many."""
import contextlib
import os
import pathlib
import signal

import pytest

from expect import assert_error
from harness import Client, Registry, digest, wait_until

pytestmark = pytest.mark.differs("berth's own nginx")

BLOB = b"sent by nginx " * 100
OWN = {"date", "x-request-id", "etag"}      # those of each reply; the last differs in the case of its name alone


def is_stopped(pid):
    """Each of its threads: on a busy machine some go on for a while after the signal."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return all((task / "stat").read_text().rpartition(") ")[2].startswith("T") for task in tasks)


@contextlib.contextmanager
def pool_stopped(registry):
    """Whoever needs the pool waits for ever in here."""
    pools = registry.pools()
    assert pools
    for pid in pools:
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: all(is_stopped(pid) for pid in pools), "the pool stands still")
        yield
    finally:
        for pid in pools:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
def blob(client, repo):
    client.push_blob(repo, BLOB)
    return f"/v2/{repo}/blobs/{digest(BLOB)}"


def answers_without_the_pool(registry, request):
    connection = Client(registry).connect()
    connection.timeout = 0.7
    with pool_stopped(registry):
        try:
            connection.request(*request)
            return connection.getresponse().read()
        except TimeoutError:
            return None
        finally:
            connection.close()


@pytest.mark.parametrize("query", ["", "?ns=docker.io"])
def test_a_blob_is_sent_without_the_pool(registry, blob, query):
    assert answers_without_the_pool(registry, ("GET", blob + query)) == BLOB
    assert answers_without_the_pool(registry, ("HEAD", blob + query)) == b""


@pytest.mark.parametrize("method, headers, change", [
    ("GET", {"Range": "bytes=0-3"}, str),
    ("GET", {"If-None-Match": '"x"'}, str),
    ("HEAD", {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, str),
    ("DELETE", {}, str),
    ("GET", {}, lambda path: path + "?other=1"),
    ("GET", {}, lambda path: path.replace("sha256:", "sha256%3A")),
    ("GET", {}, lambda path: path.replace("/v2/", "//v2/")),
    ("GET", {}, lambda path: path.replace("/v2/", "/v2/../v2/")),
    ("GET", {}, lambda path: path.replace("/v2/", "/v2/not/linked/")),
])
def test_everything_else_is_put_to_the_pool(registry, blob, method, headers, change):
    assert answers_without_the_pool(registry, (method, change(blob), None, headers)) is None


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_reply_is_that_of_the_pool(client, blob, method):
    sent, asked = client.request(method, blob), client.request(method, blob + "?asked")
    assert (sent.status, sent.body) == (asked.status, asked.body) == (200, BLOB if method == "GET" else b"")
    assert sent.header("Etag") == asked.header("Etag") == f'"{digest(BLOB)}"'
    headers = [{name.lower(): value for name, value in reply.headers.items() if name.lower() not in OWN}
               for reply in (sent, asked)]
    assert headers[0] == headers[1]


def test_dates_are_not_compared_with(client, blob):
    for date in ("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"):
        assert client.get(blob, {"If-Modified-Since": date}).body == BLOB


def test_what_is_deleted_is_gone_at_once(client, blob):
    assert client.get(blob).status == 200
    assert client.delete(blob).status == 202
    reply = client.get(blob)
    assert (reply.status, reply.codes) == (404, ["BLOB_UNKNOWN"])


def test_a_link_without_bytes_is_an_unknown_blob(registry, client, blob):
    hexadecimal = digest(BLOB)[7:]
    data = registry.v2_root / "blobs" / "sha256" / hexadecimal[:2] / hexadecimal / "data"
    data.rename(data.with_name("away"))
    try:
        reply = client.get(blob)
        assert (reply.status, reply.codes) == (404, ["BLOB_UNKNOWN"])
    finally:
        data.with_name("away").rename(data)


@pytest.mark.parametrize("config", [
    {"http": {"prefix": "/registry/"}},
    {"notifications": {"endpoints": [{"name": "sink", "url": "http://127.0.0.1:9/"}]}},
])
def test_a_pool_that_has_to_see_pulls_sees_them(config):
    with Registry(config) as registry:
        client = Client(registry)
        client.push_blob("team/app", BLOB)
        blob = f"{registry.prefix}/v2/team/app/blobs/{digest(BLOB)}"
        assert client.get(blob).body == BLOB
        assert answers_without_the_pool(registry, ("GET", blob)) is None


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-2"}], ids=["nginx alone", "the pool"])
def test_a_link_in_the_place_of_a_blob_is_not_followed(registry, client, repo, blob, headers, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(BLOB)
    tmp_path.chmod(0o755)
    name = digest(BLOB).removeprefix("sha256:")
    data = registry.v2_root / "blobs" / "sha256" / name[:2] / name / "data"
    data.unlink()
    data.symlink_to(outside)
    assert_error(client.get(blob, headers), 404, "BLOB_UNKNOWN")
    assert client.request("HEAD", blob).status == 404
    client.push_blob(repo, BLOB)    # mends it
    assert not data.is_symlink() and client.get(blob).body == BLOB
    assert outside.read_bytes() == BLOB


def test_a_directory_that_the_operator_linked_is_followed(registry, client, repo, blob, tmp_path):
    tmp_path.chmod(0o755)
    name = digest(BLOB).removeprefix("sha256:")
    shard = registry.v2_root / "blobs" / "sha256" / name[:2]
    shard.rename(tmp_path / "moved")
    shard.symlink_to(tmp_path / "moved")
    assert client.get(blob).body == BLOB
    assert client.get(blob, {"Range": "bytes=0-2"}).body == BLOB[:3]
