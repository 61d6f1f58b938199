"""The connections that nginx keeps to the pool: there are some, and none of them loses a request when a pool goes."""
import os
import pathlib
import re
import signal

import pytest

from conftest import running
from harness import OCI_MANIFEST, Client, Registry, wait_until
from images import random_bytes

pytestmark = pytest.mark.differs("it has no nginx")

ASKS = 50
KILLS = 3       # berth up gives up on a pool that ends again and again


@pytest.fixture
def registry():
    with running(Registry({"berth": {"threads": 2}})) as started:
        yield started


def sockets_of(pid):
    """The inodes of the sockets that a process has open."""
    found = set()
    try:
        for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            found.update(re.findall(r"socket:\[(\d+)\]", os.readlink(entry)))
    except OSError:
        pass    # the process ended, or closed it meanwhile
    return found


def connected_sockets():
    """The inodes of all sockets over which pools are connected: state 03."""
    columns = [line.split() for line in pathlib.Path("/proc/net/unix").read_text().splitlines()]
    return {fields[6] for fields in columns if fields[-1].endswith("/pool.sock") and fields[5] == "03"}


def pool_of(registry):
    """The process id of the pool; nothing while there is none."""
    return next(iter(registry.pools()), None)


def connections(registry):
    """The inodes of the connections that nginx has to the pool."""
    return sockets_of(pool_of(registry)) & connected_sockets()


@pytest.fixture
def image(registry):
    return Client(registry).make_image("kept/app", [random_bytes(1000, "kept")], tag="v1", media_type=OCI_MANIFEST)


def ask(client, image, name="v1"):
    reply = client.get(client.manifest("kept/app", name), {"Accept": OCI_MANIFEST})
    assert reply.status == 200 and reply.body == image.manifest, reply


def test_one_connection_serves_many_requests(registry, image):
    client = Client(registry)
    ask(client, image)
    before = connections(registry)
    for _ in range(ASKS):
        ask(client, image)
        assert client.put_manifest("kept/app", "v2", image.manifest).status == 201
        assert client.get(client.tags("kept/app")).json()["tags"] == ["v1", "v2"]
    after = connections(registry)
    assert before <= after, "they are still there"
    assert len(after) <= 2 * os.cpu_count(), "one a worker of nginx, and perhaps one that is being made"


def test_head_of_a_manifest_keeps_its_connection(registry, image):
    client = Client(registry)

    def head(name, headers=()):
        return client.head(client.manifest("kept/app", name), headers)
    ask(client, image)
    before = connections(registry)
    for _ in range(ASKS):
        reply = head("v1")
        assert (reply.status, reply.header("Content-Length")) == (200, str(len(image.manifest)))
        assert head(image.digest, {"If-None-Match": f'"{image.digest}"'}).status == 304
        assert head("missing").status == 404
        ask(client, image)
    after = connections(registry)
    assert before <= after, "they are still there"
    assert len(after) <= 2 * os.cpu_count()
    assert "/dev/null/nothing" not in registry.log(), "nginx has not tried to store a reply"


def test_uploads_have_a_connection_each(registry):
    before = connections(registry)
    Client(registry).push_blob("kept/other", random_bytes(1000, "each"))
    assert connections(registry) <= before


def test_a_pool_that_is_killed_loses_nothing(registry, image):
    client = Client(registry)
    for number in range(KILLS):
        ask(client, image)
        assert connections(registry), "one that dies with the pool"
        pool = pool_of(registry)
        os.kill(pool, signal.SIGKILL)
        assert client.put_manifest("kept/app", f"put{number}", image.manifest).status == 201
        ask(client, image, f"put{number}")
        assert client.delete(client.manifest("kept/app", f"put{number}")).status in (202, 405)
        wait_until(lambda: pool_of(registry) not in (pool, None), "another pool serves")
