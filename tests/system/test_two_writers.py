"""Two writers at once, in one process and in two on one root: one wins, the other is told, no reader sees a mixture."""
import itertools
import random
import time

import pytest

from conftest import running
from harness import DOCKER_MANIFEST, OCI_MANIFEST, Client, digest, image_manifest, with_query
from images import random_bytes
from races import Background, Entrant, race, together
from store_check import assert_whole

pytestmark = pytest.mark.differs("docker-registry 2.8.2 loses these races now and then")

ROUNDS = 40             # of a race
RACE_SECONDS = 20       # until a test stops repeating its race
TAG_MOVES = 500

_names = itertools.count(1)


@pytest.fixture
def repo():
    return f"writers/case{next(_names)}"


@pytest.fixture(scope="module")
def registries(registry_class):
    first = registry_class()
    with running(first), running(registry_class(root=first.root)) as second:
        yield first, second
        assert_whole(first.v2_root, deletions=True)


@pytest.fixture(params=["one process", "two processes"])
def clients(request, registries):
    """Two clients, of one registry or of two that share a root."""
    first, second = registries
    return Client(first), Client(first if request.param == "one process" else second)


def rounds(count=ROUNDS, seconds=RACE_SECONDS):
    """Numbers of rounds, ending when the time is up; at least five are run."""
    deadline = time.monotonic() + seconds
    for number in range(count):
        if number >= 5 and time.monotonic() > deadline:
            return
        yield number


def piece(name, most=300_000):
    """Random bytes of a random size, so that the two sides of a race meet at ever other points."""
    return random_bytes(random.Random(f"size {name}").choice((1, 100, 65_536, random.randint(1, most))), name)


def assert_refused(reply):
    """A clear error: a 4xx in registry form."""
    assert 400 <= reply.status < 500 and reply.codes, reply


def winner(replies, status):
    """The index of the one reply with this status; every other must be a clear error."""
    won = [index for index, reply in enumerate(replies) if reply.status == status]
    assert len(won) == 1, "\n".join(str(reply) for reply in replies)
    for index, reply in enumerate(replies):
        if index != won[0]:
            assert_refused(reply)
    return won[0]


def relative(client, reply):
    return client.path_of(reply.header("Location"))


def uploads_left(registry, repo):
    folder = registry.v2_root / "repositories" / repo / "_uploads"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


# Races for one upload


def test_patch_against_patch(clients, repo):
    """On one upload that goes on through every round: what was acknowledged, and nothing else, is in the blob."""
    location, whole = clients[0].path_of(clients[0].start_upload(repo)), b""
    for number in rounds():
        chunks = [piece(f"{repo} {number} {side}") for side in "ab"]
        replies = race(*(Entrant(client, "PATCH", location, chunk) for client, chunk in zip(clients, chunks)))
        won = winner(replies, 202)
        whole += chunks[won]
        assert replies[won].header("Range") == f"0-{len(whole) - 1}"
        location = relative(clients[won], replies[won])
        status = clients[0].get(location)
        assert (status.status, status.header("Range")) == (204, f"0-{len(whole) - 1}")
    assert clients[1].finish_upload(location, digest(whole)).status == 201
    assert clients[0].fetch_blob(repo, digest(whole)) == whole


def test_patch_against_put(clients, registries, repo):
    for number in rounds():
        start, chunk, last = (piece(f"{repo} {number} {part}") for part in ("start", "chunk", "last"))
        location = clients[0].path_of(clients[0].append(clients[0].start_upload(repo), start))
        whole = start + last
        patch, put = race(Entrant(clients[0], "PATCH", location, chunk),
                          Entrant(clients[1], "PUT", with_query(location, digest=digest(whole)), last))
        if winner_of_either(patch, put):
            location, whole = relative(clients[0], patch), start + chunk
            assert clients[1].finish_upload(location, digest(whole)).status == 201
        assert clients[0].fetch_blob(repo, digest(whole)) == whole
    assert uploads_left(registries[0], repo) == []


def winner_of_either(patch, put):
    """True if the PATCH won, False if the PUT did; anything else is an error."""
    if patch.status == 202:
        assert_refused(put)
        return True
    assert put.status == 201, f"{patch}\n{put}"
    assert_refused(patch)
    return False


def test_put_against_delete(clients, registries, repo):
    for number in rounds():
        data = piece(f"{repo} {number}")
        location = clients[0].path_of(clients[0].start_upload(repo))
        put, cancel = race(Entrant(clients[0], "PUT", with_query(location, digest=digest(data)), data),
                           Entrant(clients[1], "DELETE", location))
        if put.status == 201:
            assert_refused(cancel)
            assert clients[1].fetch_blob(repo, digest(data)) == data
        else:
            assert cancel.status == 204, f"{put}\n{cancel}"
            assert_refused(put)
            assert clients[1].get(clients[1].blob(repo, digest(data))).status == 404
    assert uploads_left(registries[0], repo) == []


def test_patch_against_delete(clients, registries, repo):
    for number in rounds():
        data = piece(f"{repo} {number}")
        location = clients[0].path_of(clients[0].start_upload(repo))
        patch, cancel = race(Entrant(clients[0], "PATCH", location, data), Entrant(clients[1], "DELETE", location))
        if patch.status == 202 and cancel.status == 204:   # in this order
            assert clients[1].get(location).status == 404
        elif patch.status == 202:
            assert_refused(cancel)
            location = relative(clients[0], patch)
            assert clients[1].finish_upload(location, digest(data)).status == 201
        else:
            assert cancel.status == 204, f"{patch}\n{cancel}"
            assert_refused(patch)
            assert clients[1].get(location).status == 404
    assert uploads_left(registries[0], repo) == []


@pytest.mark.parametrize("bytes_are", ["the same", "different"])
def test_put_against_put(clients, registries, repo, bytes_are):
    for number in rounds():
        start = piece(f"{repo} {number} start")
        lasts = [piece(f"{repo} {number} {side}") for side in ("aa" if bytes_are == "the same" else "ab")]
        location = clients[0].path_of(clients[0].append(clients[0].start_upload(repo), start))
        replies = race(*(Entrant(client, "PUT", with_query(location, digest=digest(start + last)), last)
                         for client, last in zip(clients, lasts)))
        won = winner(replies, 201)
        assert clients[1 - won].fetch_blob(repo, digest(start + lasts[won])) == start + lasts[won]
        if bytes_are == "different":
            lost = digest(start + lasts[1 - won])
            assert clients[won].get(clients[won].blob(repo, lost)).status == 404
    assert uploads_left(registries[0], repo) == []


def test_many_patches(clients, repo):
    """Eight at once on one upload."""
    location, whole = clients[0].path_of(clients[0].start_upload(repo)), b""
    for number in rounds(10):
        chunks = [piece(f"{repo} {number} {side}", 50_000) for side in range(8)]
        replies = race(*(Entrant(clients[side % 2], "PATCH", location, chunk) for side, chunk in enumerate(chunks)))
        won = winner(replies, 202)
        whole += chunks[won]
        location = relative(clients[won % 2], replies[won])
    assert clients[0].finish_upload(location, digest(whole)).status == 201
    assert clients[1].fetch_blob(repo, digest(whole)) == whole


# One blob, one manifest, many pushers


def test_one_blob_from_eight_clients(clients, registries, repo):
    for number in rounds(10):
        data = piece(f"{repo} {number}", 2_000_000)
        names = [f"{repo}/{'own' + str(side) if side % 2 else 'common'}" for side in range(8)]
        locations = [clients[side % 2].start_upload(name) for side, name in enumerate(names)]
        replies = race(*(Entrant(clients[side % 2], "PUT", with_query(location, digest=digest(data)), data)
                         for side, location in enumerate(locations)))
        assert [reply.status for reply in replies] == [201] * 8, "\n".join(map(str, replies))
        for side, name in enumerate(names):
            assert clients[1 - side % 2].fetch_blob(name, digest(data)) == data
    assert not any(uploads_left(registries[0], name) for name in names)


def test_one_manifest_from_two_clients(clients, repo):
    for number in rounds():
        config, layer = f'{{"n": {number}}}'.encode(), f"layer {number}".encode()
        for data in (config, layer):
            clients[0].push_blob(repo, data)
        manifest = image_manifest(OCI_MANIFEST, config, [layer])
        replies = race(*(Entrant(client, "PUT", client.manifest(repo, "latest"), manifest, OCI_MANIFEST)
                         for client in clients))
        assert [reply.status for reply in replies] == [201, 201], "\n".join(map(str, replies))
        for client in clients:
            assert client.get(client.manifest(repo, "latest"), {"Accept": OCI_MANIFEST}).body == manifest


def test_push_against_delete_of_one_blob(clients, repo):
    """Whoever comes last, the store is whole, and a push after it is believed by all."""
    for number in rounds():
        data = piece(f"{repo} {number}")
        clients[1].push_blob(repo, data)
        location = clients[0].start_upload(repo)
        push, remove = race(Entrant(clients[0], "PUT", with_query(location, digest=digest(data)), data),
                            Entrant(clients[1], "DELETE", clients[1].blob(repo, digest(data))))
        assert (push.status, remove.status) == (201, 202), f"{push}\n{remove}"
        there = {client.get(client.blob(repo, digest(data))).status for client in clients}
        assert there in ({200}, {404})
        clients[0].push_blob(repo, data)
        assert clients[1].fetch_blob(repo, digest(data)) == data


def test_push_against_delete_of_one_manifest(clients, repo):
    image = clients[0].make_image(repo, tag="latest")
    for _ in rounds():
        assert clients[1].put_manifest(repo, "latest", image.manifest, image.media_type).status == 201
        push, remove = race(
            Entrant(clients[0], "PUT", clients[0].manifest(repo, "latest"), image.manifest, image.media_type),
            Entrant(clients[1], "DELETE", clients[1].manifest(repo, image.digest)))
        assert push.status == 201 and remove.status in (202, 404), f"{push}\n{remove}"
        replies = [client.get(client.manifest(repo, reference), {"Accept": DOCKER_MANIFEST})
                   for client, reference in itertools.product(clients, ("latest", image.digest))]
        # One after the other, in either order: the manifest is there with its tag, or gone with it.
        assert len({reply.status for reply in replies}) == 1, replies
        assert all(reply.status == 404 or (reply.status, reply.body) == (200, image.manifest) for reply in replies)


def test_tag_moved_away_while_its_manifest_is_deleted(clients, repo):
    """The move was answered 201: the delete of what the tag pointed to before must not take it."""
    other = clients[0].make_image(repo, [b"other"], tag="latest")
    for number in rounds():
        image = clients[1].make_image(repo, [b"%d" % number], tag="latest")
        move, remove = race(
            Entrant(clients[0], "PUT", clients[0].manifest(repo, "latest"), other.manifest, other.media_type),
            Entrant(clients[1], "DELETE", clients[1].manifest(repo, image.digest)))
        assert (move.status, remove.status) == (201, 202), f"{move}\n{remove}"
        for client in clients:
            reply = client.get(client.manifest(repo, "latest"), {"Accept": other.media_type})
            assert (reply.status, reply.body) == (200, other.manifest), reply


# Readers beside writers


def test_tag_moved_while_it_is_read(clients, repo):
    images = {image.digest: image for image in (clients[0].make_image(repo, [name], tag="moving")
                                                for name in (b"one", b"two" * 1000))}

    def read(client, method="GET"):
        reply = client.request(method, client.manifest(repo, "moving"), {"Accept": DOCKER_MANIFEST})
        assert reply.status == 200, reply
        seen = reply.header("Docker-Content-Digest")
        assert seen in images, reply
        if method == "GET":
            assert reply.body == images[seen].manifest, reply

    def list_tags(client):
        reply = client.get(client.tags(repo))
        assert (reply.status, reply.json()["tags"]) == (200, ["moving"]), reply

    readers = Background(lambda: read(clients[0]), lambda: read(clients[1]), lambda: read(clients[1], "HEAD"),
                         lambda: list_tags(clients[0]))
    with readers:
        for number, image in zip(range(TAG_MOVES), itertools.cycle(images.values())):
            if readers.failed:
                break
            reply = clients[number % 2].put_manifest(repo, "moving", image.manifest, image.media_type)
            assert reply.status == 201, reply
    assert min(readers.rounds) > 20


def test_blob_read_while_it_is_pushed_again(clients, repo):
    data = random_bytes(3_000_000, repo)
    clients[0].push_blob(repo, data)

    def read(client):
        assert client.fetch_blob(repo, digest(data)) == data

    def read_part(client):
        reply = client.get(client.blob(repo, digest(data)), {"Range": "bytes=1000000-1999999"})
        assert (reply.status, reply.body) == (206, data[1_000_000:2_000_000]), reply.status

    with Background(lambda: read(clients[0]), lambda: read(clients[1]), lambda: read_part(clients[1])) as readers:
        for number in rounds(30, 15):
            if readers.failed:
                break
            together(lambda: clients[0].push_blob(repo, data), lambda: clients[1].push_blob(repo, data),
                     lambda: clients[1].push_blob(f"{repo}/{number}", data))
    assert min(readers.rounds) > 5


def test_repositories_listed_while_they_come(clients, repo):
    """Listings never fail, stay in order and never lose a name that was there."""
    seen = set()

    def walk(client):
        known = set(seen)
        target, names = client.base + "_catalog?n=7", []
        while target:
            reply = client.get(target)
            assert reply.status == 200, reply
            names += reply.json()["repositories"]
            link = reply.header("Link")
            target = link[1:link.index(">")] if link else None
        assert len(names) == len(set(names)), names
        assert known <= set(names), known - set(names)
        seen.update(name for name in names if name.startswith(repo))

    with Background(lambda: walk(clients[0])) as readers:
        for number in rounds(30, 15):
            if readers.failed:
                break
            clients[number % 2].make_image(f"{repo}/r{number:03}", [b"layer"], tag="v1")
    walk(clients[1])
    assert len(seen) >= 5
