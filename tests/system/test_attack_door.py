"""Clients that hold what others need: connections with half a request, bodies that never end. Others go on meanwhile.

Attackers are other addresses of the loopback network (docs/decisions/0030).
"""
import contextlib
import http.client
import resource
import socket
import subprocess
import sys
import time

import pytest

from conftest import running
from harness import OCTETS, Client, Registry, digest, wait_until
from images import random_bytes

pytestmark = pytest.mark.differs("berth's own limits")

ATTACKER = "127.0.0.2"
OTHER = "127.0.0.3"
HALF_REQUESTS = 9000
BOUND = 1000                # berth.limits.connections
ATTACK_SECONDS = 8
ANSWER_SECONDS = 3.0        # 1 on a machine of one's own
END_SECONDS = 60            # half a minute of patience, and a busy machine


def connect(registry, source):
    return socket.create_connection((registry.host, registry.port), timeout=10, source_address=(source, 0))


def is_ended(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1000) is not None
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def head(method, target, length):
    return (f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {OCTETS}\r\n"
            f"Content-Length: {length}\r\n\r\n").encode()


class TimedClient(Client):
    """Keeps how long the slowest request took."""
    slowest = 0.0

    def request(self, *arguments, **more):
        begun = time.monotonic()
        reply = super().request(*arguments, **more)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        return reply


def push_and_pull(client, repo, number):
    data = random_bytes(200_000, f"{repo}{number}")
    client.push_blob(repo, data)
    client.fetch_blob(repo, digest(data))
    assert client.make_image(repo, tag=f"v{number}")


# Opens half requests as fast as it can, and one anew for each that is ended, until its stdin closes.
ATTACK = f"""
import select, socket, sys
port, ended = int(sys.argv[1]), 0
poll, held = select.epoll(), {{}}
poll.register(0)
while True:
    for _ in range(min(1000, {HALF_REQUESTS} - len(held))):
        one = socket.socket()
        one.bind(("{ATTACKER}", 0))
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
        poll.register(one, select.EPOLLOUT | select.EPOLLRDHUP)
        held[one.fileno()] = one
    for number, what in poll.poll(0.05):
        if number == 0:
            print(ended)
            sys.exit()
        one = held[number]
        try:
            if what & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
                raise OSError
            one.send(b"GET /v2/ HTTP/1.1\\r\\nHost: x\\r\\n")
            poll.modify(number, select.EPOLLRDHUP)
        except OSError:
            held.pop(number).close()
            ended += 1
"""


@pytest.fixture
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = HALF_REQUESTS + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"a process may have {hard} descriptors; this takes {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_half_requests_of_one_address(registry_class, many_descriptors):
    """9,000 at once, and again as fast as they are ended: nobody else is reset or waits."""
    with running(registry_class()) as registry:
        client, number = TimedClient(registry), 0
        with subprocess.Popen([sys.executable, "-c", ATTACK, str(registry.port)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as attack:
            deadline = time.monotonic() + ATTACK_SECONDS
            while time.monotonic() < deadline:
                push_and_pull(client, "other/app", number)
                number += 1
            ended = int(attack.communicate()[0])
        print(f"{number} rounds, {ended} half requests ended; a request took {client.slowest:.3f} s at most")
        assert ended > HALF_REQUESTS - BOUND
        assert client.slowest < ANSWER_SECONDS


def drip_until_ended(connection, seconds):
    """One byte each half second; how long it took until the server ended that."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        try:
            connection.sendall(b"x")
        except (ConnectionError, socket.timeout):
            return time.monotonic() - begun
        if is_ended(connection):
            return time.monotonic() - begun
        connection.settimeout(10)
        time.sleep(0.5)
    raise AssertionError(f"it goes on after {seconds} s")


def test_a_body_that_drips_is_ended(registry_class):
    with running(registry_class()) as registry:
        client = Client(registry)
        location = client.path_of(client.start_upload("slow/app"))
        with connect(registry, ATTACKER) as dripping, connect(registry, OTHER) as resting:
            dripping.sendall(head("PATCH", location, 1_000_000))
            resting.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
            assert 25 < drip_until_ended(dripping, END_SECONDS)
            assert b"200 OK" in resting.recv(1000)
            resting.settimeout(10)
            resting.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")     # kept, and not ended
            assert b"200 OK" in resting.recv(1000)
        wait_until(lambda: [p.name for p in registry.root.rglob("spool/*") if p.name != "lock"] == [], "no file")
        push_and_pull(client, "slow/app", 1)


LIMITED = {"berth": {"limits": {"uploads": 3, "exempt": ["127.0.0.3/32"]}}}


def reply_on(connection):
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response


def test_bodies_of_one_address_on_their_way(registry_class):
    with running(registry_class(LIMITED)) as registry, contextlib.ExitStack() as open_ones:
        client = Client(registry)

        def begin(source, repo):
            location = client.path_of(client.start_upload(repo))
            connection = open_ones.enter_context(connect(registry, source))
            connection.sendall(head("PATCH", location, 1_000_000) + b"x" * 300_000)
            return connection

        def spooled():
            return len([path for path in registry.root.rglob("spool/*") if path.name != "lock"])

        held = [begin(ATTACKER, f"many/{number}") for number in range(3)]
        wait_until(lambda: spooled() == 3, "three bodies on their way")
        refused = reply_on(begin(ATTACKER, "many/4"))
        assert (refused.status, refused.getheader("Retry-After")) == (429, "10")
        assert b"TOOMANYREQUESTS" in refused.read()
        for number in range(5):
            begin(OTHER, f"exempt/{number}")
        wait_until(lambda: spooled() == 8, "those that are exempt")
        push_and_pull(client, "other/app", 1)
        for connection in held:
            connection.sendall(b"x" * 700_000)
            assert reply_on(connection).status == 202
