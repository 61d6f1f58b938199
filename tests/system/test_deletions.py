"""Deletions of manifests with many tags: all together, and beside pushes that do not wait for them."""
import itertools
import os
import threading
import time

import pytest

from conftest import running
from harness import OCI_CONFIG, OCI_MANIFEST, Client, digest, image_manifest
from races import Background, Entrant, race, together

TAGS = int(os.environ.get("BERTH_TEST_TAGS", 1000))     # of one repository; 20000 tells of large ones
DELETIONS = 30
PUSH_SECONDS = 2        # a push that waits longer waits for a deletion

_names = itertools.count(1)

pytestmark = pytest.mark.differs("docker-registry 2.8.2 takes no lock, and removes tag by tag")


@pytest.fixture(scope="module")
def registry(registry_class):
    with running(registry_class()) as one:
        yield one


@pytest.fixture
def client(registry):
    return Client(registry)


@pytest.fixture
def repo():
    return f"deletions/case{next(_names)}"


def manifest(number):
    return image_manifest(OCI_MANIFEST, b"{}", [], annotations={"number": str(number)})


def push(client, repo, tag, body):
    return client.request("PUT", client.manifest(repo, tag), {"Content-Type": OCI_MANIFEST}, body)


def prepare(client, repo, manifests):
    client.push_blob(repo, b"{}")
    for body in manifests:
        assert push(client, repo, digest(body), body).status == 201


def add_tags(registry, repo, names, target):
    """As a registry leaves them on disk, without asking one thousands of times."""
    tags = registry.v2_root / "repositories" / repo / "_manifests" / "tags"
    for name in names:
        index = tags / name / "index" / "sha256" / target.removeprefix("sha256:")
        for link in (index, tags / name / "current"):
            link.mkdir(parents=True)
            (link / "link").write_text(target)


def tags_of(client, repo):
    return client.get(f"/v2/{repo}/tags/list").json()["tags"]


def test_other_tags_are_pushed_while_a_manifest_with_many_goes(registry, client, repo):
    gone, stays = manifest("gone"), manifest("stays")
    prepare(client, repo, [gone, stays])
    add_tags(registry, repo, [f"v{i}" for i in range(TAGS)], digest(gone))
    slowest, pushed = [0.0], itertools.count()

    def push_other():
        begun = time.monotonic()
        reply = push(client, repo, f"other{next(pushed)}", stays)
        slowest[0] = max(slowest[0], time.monotonic() - begun)
        assert reply.status == 201, reply

    with Background(push_other) as pushes:
        while not pushes.rounds[0]:
            time.sleep(0)
        begun = time.monotonic()
        assert client.delete(client.manifest(repo, digest(gone))).status == 202
        took = time.monotonic() - begun
    print(f"{TAGS} tags in {took:.2f} s, {pushes.rounds[0]} pushes, the slowest {slowest[0]:.2f} s")
    assert slowest[0] < PUSH_SECONDS
    left = tags_of(client, repo)
    assert not [tag for tag in left if tag.startswith("v")] and len(left) >= pushes.rounds[0]


@pytest.mark.parametrize("repositories", [1, DELETIONS])
def test_many_deletions_at_once(registry, client, repositories):
    """Of manifests of one repository, and of one each."""
    repos = [f"deletions/case{next(_names)}" for _ in range(repositories)]
    bodies = [manifest(i) for i in range(DELETIONS)]
    for index, repo in enumerate(repos):
        prepare(client, repo, bodies[index::repositories])
    for index, body in enumerate(bodies):
        mine = range(index, TAGS, DELETIONS)
        add_tags(registry, repos[index % repositories], [f"v{i}" for i in mine], digest(body))
    begun = time.monotonic()
    replies = race(*(Entrant(client, "DELETE", client.manifest(repos[index % repositories], digest(body)))
                     for index, body in enumerate(bodies)))
    print(f"{TAGS} tags, {DELETIONS} at once, {repositories} repositories: {time.monotonic() - begun:.2f} s")
    assert [reply.status for reply in replies] == [202] * DELETIONS, "\n".join(map(str, replies))
    assert [tags_of(client, repo) for repo in repos] == [[]] * repositories


def test_one_manifest_deleted_by_many(registry, client, repo):
    body = manifest("one")
    prepare(client, repo, [body])
    add_tags(registry, repo, [f"v{i}" for i in range(TAGS)], digest(body))
    target = client.manifest(repo, digest(body))
    replies = race(*(Entrant(client, "DELETE", target) for _ in range(DELETIONS)))
    statuses = [reply.status for reply in replies]
    assert set(statuses) <= {202, 404} and 202 in statuses, "\n".join(map(str, replies))
    assert tags_of(client, repo) == [] and client.get(target).status == 404


def test_tags_deleted_one_by_one_by_many(registry, client, repo):
    body = manifest("stays")
    prepare(client, repo, [body])
    names = [f"v{i}" for i in range(TAGS // 10)]
    add_tags(registry, repo, names, digest(body))
    waiting, lock = iter(names), threading.Lock()

    def delete_some():
        while True:
            with lock:
                tag = next(waiting, None)
            if tag is None:
                return
            reply = client.delete(client.manifest(repo, tag))
            assert reply.status == 202, reply

    begun = time.monotonic()
    together(*[delete_some] * DELETIONS)
    print(f"{len(names)} tags deleted by name, {DELETIONS} at once: {time.monotonic() - begun:.2f} s")
    assert tags_of(client, repo) == []


def test_a_tag_of_a_manifest_that_is_being_deleted_leads_to_it_or_is_gone(registry, client, repo):
    """No push fails, and no tag that was acknowledged points to nothing."""
    body = manifest("racing")
    prepare(client, repo, [body])
    count = itertools.count()
    target = client.manifest(repo, digest(body))

    def push_tag():
        reply = push(client, repo, f"t{next(count)}", body)
        assert reply.status == 201, reply

    def delete():
        reply = client.delete(target)
        assert reply.status in (202, 404), reply

    with Background(push_tag, push_tag, delete, delete) as background:
        while min(background.rounds) < 60:
            time.sleep(0.01)
    for tag in tags_of(client, repo):
        assert client.get(client.manifest(repo, tag)).status == 200, tag


def test_a_repository_that_goes_while_it_is_pushed_to(registry, client, repo):
    """A push that was acknowledged is whole, or gone with its repository; nothing fails but for what went meanwhile."""
    count, refused = itertools.count(), itertools.count()

    def push_image():
        number = next(count)
        config = str(number).encode()
        uploaded = client.finish_upload(client.start_upload(repo), digest(config), config)
        # 416: it is being removed in this very moment.
        assert uploaded.status in (201, 416) or b"BLOB_UPLOAD_UNKNOWN" in uploaded.body, uploaded
        if uploaded.status != 201:
            next(refused)           # the upload went
            return
        body = image_manifest(OCI_MANIFEST, config, [])
        reply = push(client, repo, "latest", body)
        assert reply.status == 201 or (reply.status == 400 and b"MANIFEST_BLOB_UNKNOWN" in reply.body), reply
        if reply.status != 201:
            next(refused)

    def delete():
        reply = client.delete(f"/v2/{repo}/_berth/repository")
        assert reply.status in (202, 404), reply

    with Background(push_image, push_image, delete) as background:
        deadline = time.monotonic() + 20
        while min(background.rounds) < 20 and time.monotonic() < deadline:
            time.sleep(0.01)
    found = client.get(client.manifest(repo, "latest"))
    if found.status == 200:
        assert client.get(client.blob(repo, found.json()["config"]["digest"])).status == 200
    print(f"{next(count)} pushes, {next(refused)} of them across a removal")
