"""Slow and broken clients: they hold nginx connections, never a worker, and leave nothing half-done behind."""
import contextlib
import http.client
import itertools
import socket
import struct
import threading
import time

import pytest

from conftest import running
from harness import OCI_MANIFEST, OCTETS, Client, digest, with_query
from images import random_bytes
from store_check import assert_whole

CONFIG = {"berth": {"threads": 2}}
SLOW_CLIENTS = 16
DRIP_SECONDS = 0.05
AT_ONCE_SECONDS = 1.0       # for what must not wait for slow clients; a busy machine has its hiccups
UPLOAD_BYTES = 200_000
BLOB_BYTES = 16_000_000     # more than the socket buffers on the way hold
TIDY_SECONDS = 10

_names = itertools.count(1)


@pytest.fixture(scope="module")
def registry(registry_class):
    with running(registry_class(CONFIG)) as started:
        yield started
        assert_whole(started.v2_root)


@pytest.fixture
def client(registry):
    return Client(registry)


@pytest.fixture
def repo():
    return f"slow/case{next(_names)}"


def head_of(method, target, length=None, content_type=OCTETS, chunked=False):
    """The bytes of a request's head."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Content-Type: {content_type}"]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def reply_on(connection):
    """The one reply on a connection: its head is read, its body is not yet."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response


@contextlib.contextmanager
def dripping(connections, rest):
    """One byte to each connection now and then, from a thread; yields the count that each has got."""
    stop, sent = threading.Event(), [0] * len(connections)

    def drip():
        while True:
            for index, connection in enumerate(connections):
                connection.sendall(rest[index][sent[index]:sent[index] + 1])
                sent[index] += 1
            if stop.wait(DRIP_SECONDS):
                return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()


def assert_answers_at_once(client, repo):
    """Checks, pushes and pulls by others, none of which may wait."""
    slowest = 0
    for number in range(20):
        start = time.monotonic()
        assert client.get("/v2/").status == 200
        slowest = max(slowest, time.monotonic() - start)
    start = time.monotonic()
    image = client.make_image(repo, [random_bytes(100_000, repo)], tag="v1")
    client.fetch_blob(repo, image.layers[0])
    assert client.get(client.manifest(repo, "v1"), {"Accept": image.media_type}).body == image.manifest
    assert slowest < AT_ONCE_SECONDS, f"GET /v2/ took {slowest:.2f} s"
    assert time.monotonic() - start < 5 * AT_ONCE_SECONDS


def test_slow_uploads_hold_no_worker(client, repo):
    data = [random_bytes(UPLOAD_BYTES, f"{repo} {number}") for number in range(SLOW_CLIENTS)]
    locations = [client.path_of(client.start_upload(repo)) for _ in data]
    connections = [client.open_socket() for _ in data]
    with contextlib.ExitStack() as open_ones:
        for connection, location in zip(connections, locations):
            open_ones.enter_context(connection)
            connection.sendall(head_of("PATCH", location, UPLOAD_BYTES))
        with dripping(connections, data) as sent:
            assert_answers_at_once(client, f"{repo}/beside")
        assert min(sent) > 0
        for connection, bytes_sent, whole in zip(connections, sent, data):
            connection.sendall(whole[bytes_sent:])
        replies = [reply_on(connection) for connection in connections]
    assert [reply.status for reply in replies] == [202] * SLOW_CLIENTS
    for reply, whole in zip(replies, data):
        assert client.finish_upload(reply.getheader("Location"), digest(whole)).status == 201
        client.fetch_blob(repo, digest(whole))


def test_slow_readers_hold_no_worker(client, repo):
    data = random_bytes(BLOB_BYTES, repo)
    pushed = client.push_blob(repo, data)
    with contextlib.ExitStack() as open_ones:
        connections = []
        for _ in range(SLOW_CLIENTS):
            connection = open_ones.enter_context(client.open_socket())
            connection.sendall(head_of("GET", client.blob(repo, pushed)))
            connections.append(connection)
        replies = [reply_on(connection) for connection in connections]
        assert [reply.status for reply in replies] == [200] * SLOW_CLIENTS
        assert_answers_at_once(client, f"{repo}/beside")
        for reply in replies:
            assert digest(reply.read()) == pushed


def test_slow_heads_and_idle_connections_hold_no_worker(client, repo):
    with contextlib.ExitStack() as open_ones:
        connections = [open_ones.enter_context(client.open_socket()) for _ in range(4 * SLOW_CLIENTS)]
        for connection in connections[SLOW_CLIENTS:]:
            connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n")
        for connection in connections[2 * SLOW_CLIENTS:]:
            connection.sendall(b"\r\n")
        for connection in connections[2 * SLOW_CLIENTS:]:
            assert reply_on(connection).status == 200       # kept alive, and silent from here on
        assert_answers_at_once(client, repo)


# Clients that die


def hang_up(connection, how):
    """Ends a connection with FIN, or with RST as a host does that lost its memory."""
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def wait_until_tidy(registry):
    """Nothing of a broken body may stay in the spool."""
    deadline = time.monotonic() + TIDY_SECONDS
    while left := [path for path in (registry.root / "berth").rglob("spool/*") if path.name != "lock"]:
        assert time.monotonic() < deadline, f"left in the spool: {left}"
        time.sleep(DRIP_SECONDS)


@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.differs("it keeps the bytes of a broken body")
def test_dead_in_a_patch(registry, client, repo, how, framing):
    whole = random_bytes(500_000, f"{repo}{how}")
    location = client.path_of(client.append(client.start_upload(repo), whole[:100_000]))
    connection = client.open_socket()
    if framing == "length":
        connection.sendall(head_of("PATCH", location, 400_000) + whole[100_000:300_000])
    else:
        connection.sendall(head_of("PATCH", location, chunked=True) + b"30D40\r\n" + whole[100_000:300_000] + b"\r\n")
    hang_up(connection, how)

    status = client.get(location)
    assert (status.status, status.header("Range")) == (204, "0-99999")
    location = client.append(status.header("Location"), whole[100_000:])
    assert client.finish_upload(location, digest(whole)).status == 201
    assert client.fetch_blob(repo, digest(whole)) == whole
    wait_until_tidy(registry)


@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.differs("it keeps the bytes of a broken body")
def test_dead_in_the_last_put(registry, client, repo, how):
    whole = random_bytes(300_000, f"{repo}{how}")
    location = client.path_of(client.start_upload(repo))
    connection = client.open_socket()
    connection.sendall(head_of("PUT", with_query(location, digest=digest(whole)), len(whole)) + whole[:-1])
    hang_up(connection, how)
    assert client.get(client.blob(repo, digest(whole))).status == 404
    status = client.get(location)
    assert (status.status, status.header("Range")) == (204, "0-0")
    assert client.finish_upload(status.header("Location"), digest(whole), whole).status == 201
    wait_until_tidy(registry)


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_dead_in_a_manifest(client, repo, how):
    image = client.make_image(repo, tag="v1", media_type=OCI_MANIFEST)
    connection = client.open_socket()
    connection.sendall(head_of("PUT", client.manifest(repo, "v1"), 10_000, OCI_MANIFEST) + b'{"schemaVersion": 2,')
    hang_up(connection, how)
    assert client.get(client.manifest(repo, "v1"), {"Accept": OCI_MANIFEST}).body == image.manifest
    assert client.get(client.tags(repo)).json()["tags"] == ["v1"]


def test_many_dead_readers(client, repo):
    pushed = client.push_blob(repo, random_bytes(BLOB_BYTES, repo))
    for number in range(2 * SLOW_CLIENTS):
        connection = client.open_socket()
        connection.sendall(head_of("GET", client.blob(repo, pushed)))
        connection.recv(100)
        hang_up(connection, ("closed", "reset")[number % 2])
    assert_answers_at_once(client, f"{repo}/after")
    client.fetch_blob(repo, pushed)
