"""What garbage collection has parked, with the real nginx before the pool: it is served to whoever reads it, and is in
its place again for whoever relies on it. The tests park by moving files, as a collector would at the worst moment."""
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import signal
import threading
import time

import pytest

from conftest import running
from harness import (OCI_INDEX, OCI_MANIFEST, Client, Registry, descriptor, digest, image_manifest, wait_until)
from v1_client import V1Client, make_image

LAYER = b"a layer that was collected " * 100
CONFIG = b"{}"

_names = itertools.count(1)


@pytest.fixture(scope="module")
def registry():
    with running(Registry()) as one:
        yield one


@pytest.fixture
def client(registry):
    return Client(registry)


@pytest.fixture
def repo():
    return f"collected/case{next(_names)}"


class Parker:
    """What a collector does to files: it takes a name away and gives another."""

    def __init__(self, registry):
        self.registry = registry

    def blob_file(self, name):
        hexadecimal = name.removeprefix("sha256:")
        return self.registry.v2_root / "blobs" / "sha256" / hexadecimal[:2] / hexadecimal / "data"

    def parked_file(self, name):
        hexadecimal = name.removeprefix("sha256:")
        return self.registry.root / "berth" / "collected" / "sha256" / hexadecimal[:2] / hexadecimal

    def link_file(self, repo, name, kind="_layers"):
        algorithm, _, hexadecimal = name.partition(":")
        return self.registry.v2_root / "repositories" / repo / kind / algorithm / hexadecimal / "link"

    def revision_file(self, repo, name):
        return self.link_file(repo, name, "_manifests/revisions")

    def park_blob(self, name):
        self.parked_file(name).parent.mkdir(parents=True, exist_ok=True)
        self.blob_file(name).rename(self.parked_file(name))

    @staticmethod
    def park_link(link):
        link.rename(link.with_name("collected"))

    def park_layer(self, repo, name):
        self.park_blob(name)
        self.park_link(self.link_file(repo, name))

    def park_manifest(self, repo, name):
        self.park_blob(name)
        self.park_link(self.revision_file(repo, name))

    def is_back(self, repo, name):
        return self.blob_file(name).exists() and self.link_file(repo, name).exists()

    def is_untouched(self, repo, name):
        link = self.link_file(repo, name)
        return (not self.blob_file(name).exists() and self.parked_file(name).exists()
                and not link.exists() and link.with_name("collected").exists())


@pytest.fixture
def parker(registry):
    return Parker(registry)


@pytest.fixture
def layer(client, repo, parker):
    """A layer that was pushed and is parked, its link too."""
    # Each test has a blob of its own: they share a store.
    data = LAYER + repo.encode()
    client.push_blob(repo, data)
    parker.park_layer(repo, digest(data))
    return data


def assert_sends(reply, body, status=200):
    assert (reply.status, reply.body) == (status, body), reply


# Reading -------------------------------------------------------------------------------------------------------------


def test_a_pull_gets_it_and_changes_nothing(client, repo, parker, layer):
    target = client.blob(repo, digest(layer))
    for headers in ({}, {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, {"If-Match": f'"{digest(layer)}"'}):
        assert_sends(client.get(target, headers), layer)
    assert client.get(target, {"If-None-Match": f'"{digest(layer)}"'}).status == 304
    assert parker.is_untouched(repo, digest(layer))


def test_ranges(client, repo, parker, layer):
    target = client.blob(repo, digest(layer))
    assert_sends(client.get(target, {"Range": "bytes=5-9"}), layer[5:10], 206)
    assert client.get(target, {"Range": f"bytes={len(layer)}-"}).status == 416
    assert parker.is_untouched(repo, digest(layer))


@pytest.mark.parametrize("alone", ["blob", "link"])
def test_only_one_of_both_is_parked(client, repo, parker, layer, alone):
    name = digest(layer)
    if alone == "blob":
        parker.link_file(repo, name).with_name("collected").rename(parker.link_file(repo, name))
    else:
        parker.parked_file(name).rename(parker.blob_file(name))
    assert_sends(client.get(client.blob(repo, name)), layer)
    assert_sends(client.get(client.blob(repo, name), {"Range": "bytes=1-2"}), layer[1:3], 206)
    assert client.head(client.blob(repo, name)).status == 200
    assert parker.is_back(repo, name)


def test_it_is_not_found_in_other_repositories(client, repo, layer):
    assert client.get(client.blob(repo + "/other", digest(layer))).status == 404
    assert client.head(client.blob(repo + "/other", digest(layer))).status == 404


def stopped(pids):
    @contextlib.contextmanager
    def within():
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
    return within()


def is_asleep(pid):
    return all((task / "stat").read_text().rpartition(") ")[2][0] in "ST"
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


def answer_with(registry, client, target, headers, change):
    """The reply to a pull, if the files change after the pool has answered and before nginx opens what it was told."""
    replies = []
    thread = threading.Thread(target=lambda: replies.append(client.get(target, headers)))
    workers, pools = registry.nginx_workers(), registry.pools()
    with contextlib.ExitStack() as nginx_waits:
        with stopped(pools):
            thread.start()
            time.sleep(0.3)                                 # the question is on its way
            nginx_waits.enter_context(stopped(workers))
        time.sleep(0.3)                                     # and answered
        wait_until(lambda: all(map(is_asleep, pools)), "the pool has answered")
        change()
    thread.join()
    return replies[0]


@pytest.mark.parametrize("headers, status, part", [({"Range": "bytes=3-7"}, 206, slice(3, 8)),
                                                   ({"X-Any": "thing"}, 200, slice(None))])
def test_parked_between_the_answer_of_the_pool_and_the_opening(registry, client, repo, parker, headers, status, part):
    data = LAYER + repo.encode()
    client.push_blob(repo, data)
    target = client.blob(repo, digest(data)) + "?asked"     # with that, nginx asks the pool
    reply = answer_with(registry, client, target, headers, lambda: parker.park_layer(repo, digest(data)))
    assert_sends(reply, data[part], status)
    assert parker.is_untouched(repo, digest(data))


def test_restored_between_the_answer_of_the_pool_and_the_opening(registry, client, repo, parker):
    """Here nginx begins by itself, as the link is there: it finds nothing twice, for two reasons."""
    data = LAYER + repo.encode()
    client.push_blob(repo, data)
    parker.park_blob(digest(data))
    reply = answer_with(registry, client, client.blob(repo, digest(data)), {},
                        lambda: parker.parked_file(digest(data)).rename(parker.blob_file(digest(data))))
    assert_sends(reply, data)


def test_gone_between_the_answer_of_the_pool_and_the_opening(registry, client, repo, parker):
    data = LAYER + repo.encode()
    client.push_blob(repo, data)
    reply = answer_with(registry, client, client.blob(repo, digest(data)) + "?asked", {},
                        lambda: parker.blob_file(digest(data)).unlink())
    assert (reply.status, reply.codes) == (404, ["BLOB_UNKNOWN"]), reply


def test_an_nginx_that_sees_no_files_asks_once_more_and_no_oftener():
    with running(Registry()) as registry:
        client = Client(registry)
        client.push_blob("a", LAYER)
        fragment, = registry.root.glob("berth/*/run/**/generated/store.conf")
        fragment.write_text(fragment.read_text().replace(str(registry.root), str(registry.root / "elsewhere")))
        before = registry.nginx_workers()
        os.kill(registry.nginx_master(), signal.SIGHUP)
        wait_until(lambda: not set(before) & set(registry.nginx_workers()), "the old workers are gone")
        for headers in ({}, {"Range": "bytes=0-1"}):
            reply = client.get(client.blob("a", digest(LAYER)) + "?asked", headers)
            assert (reply.status, reply.codes) == (404, ["BLOB_UNKNOWN"]), reply


# Relying -------------------------------------------------------------------------------------------------------------


def test_head_brings_it_back(client, repo, parker, layer):
    reply = client.head(client.blob(repo, digest(layer)))
    assert (reply.status, reply.header("Content-Length")) == (200, str(len(layer)))
    assert parker.is_back(repo, digest(layer))
    assert parker.parked_file(digest(layer)).exists()       # only the collector takes names away
    assert_sends(client.get(client.blob(repo, digest(layer))), layer)


def test_head_of_a_read_only_registry_changes_nothing(registry, client, repo, parker, layer):
    """Nobody can push to it."""
    config = {"storage": {"maintenance": {"readonly": {"enabled": True}}}}
    with running(Registry(config, root=registry.root)) as read_only:
        assert Client(read_only).head(client.blob(repo, digest(layer))).status == 200
        assert_sends(Client(read_only).get(client.blob(repo, digest(layer))), layer)
    assert parker.is_untouched(repo, digest(layer))


@pytest.mark.parametrize("from_anywhere", [False, True])
def test_mount(client, repo, parker, layer, from_anywhere):
    name = digest(layer)
    if from_anywhere:   # its alias is not parked, and leads to the blob
        query = f"?mount={name}"
    else:
        query = f"?mount={name}&from={repo}"
    reply = client.post(client.uploads(repo + "/to") + query)
    assert reply.status == 201, reply
    assert parker.is_back(repo + "/to", name)
    assert_sends(client.get(client.blob(repo + "/to", name)), layer)


def test_a_manifest_brings_back_what_it_names(client, repo, parker, layer):
    client.push_blob(repo, CONFIG)
    manifest = image_manifest(OCI_MANIFEST, CONFIG, [layer])
    assert client.put_manifest(repo, "v1", manifest).status == 201
    assert parker.is_back(repo, digest(layer))


def push_manifest(client, repo, reference=None, **more):
    client.push_blob(repo, CONFIG)
    manifest = image_manifest(OCI_MANIFEST, CONFIG, [], annotations={"of": repo}, **more)
    assert client.put_manifest(repo, reference or digest(manifest), manifest).status == 201
    return manifest


def test_an_index_brings_back_its_children(client, repo, parker):
    child = push_manifest(client, repo)
    parker.park_manifest(repo, digest(child))
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX,
                        "manifests": [descriptor(OCI_MANIFEST, child)]}).encode()
    assert client.put_manifest(repo, "index", index, OCI_INDEX).status == 201
    assert parker.revision_file(repo, digest(child)).exists() and parker.blob_file(digest(child)).exists()


def test_a_manifest_is_pulled_asked_for_and_tagged(client, repo, parker):
    manifest = push_manifest(client, repo)
    revision = parker.revision_file(repo, digest(manifest))
    parker.park_manifest(repo, digest(manifest))
    assert_sends(client.get(client.manifest(repo, digest(manifest))), manifest)
    assert not revision.exists() and not parker.blob_file(digest(manifest)).exists()
    assert client.head(client.manifest(repo, digest(manifest))).status == 200
    assert revision.exists() and parker.blob_file(digest(manifest)).exists()
    parker.park_manifest(repo, digest(manifest))
    assert client.put_manifest(repo, "v1", manifest).status == 201
    assert revision.exists() and parker.blob_file(digest(manifest)).exists()
    assert_sends(client.get(client.manifest(repo, "v1")), manifest)


def test_referrers(client, repo, parker):
    subject = push_manifest(client, repo, "subject")
    referrer = push_manifest(client, repo, subject=descriptor(OCI_MANIFEST, subject), artifactType="a/b")
    parker.park_manifest(repo, digest(referrer))
    listed = client.get(f"/v2/{repo}/referrers/{digest(subject)}").json()["manifests"]
    assert [entry["digest"] for entry in listed] == [digest(referrer)]


def test_another_algorithm(client, repo, parker):
    data = LAYER + repo.encode()
    name = "sha512:" + hashlib.sha512(data).hexdigest()
    assert client.finish_upload(client.start_upload(repo), name, data).status == 201
    parker.park_layer(repo, digest(data))
    parker.park_link(parker.link_file(repo, name))
    assert_sends(client.get(client.blob(repo, name)), data)
    assert parker.is_untouched(repo, digest(data))
    assert client.head(client.blob(repo, name)).status == 200
    assert parker.is_back(repo, digest(data)) and parker.link_file(repo, name).exists()


def test_v1(registry, client, repo, parker):
    image = make_image(repo)
    docker = V1Client(registry)
    docker.push(repo, [image], {"v1": image.id})
    blobs = [digest(image.layer)]
    manifest = client.get(client.manifest(repo, "v1"))
    blobs += [entry["digest"] for entry in manifest.json()["layers"]]
    for name in set(blobs):
        parker.park_layer(repo, name)
    pulled = V1Client(registry).pull(repo, "v1")
    assert pulled.images[image.id].layer == image.layer
    assert parker.blob_file(digest(image.layer)).exists()
    docker.push(repo + "/again", [image], {"v2": image.id})
    assert V1Client(registry).pull(repo + "/again", "v2").images[image.id].layer == image.layer


# Deleting and pushing ------------------------------------------------------------------------------------------------


def test_what_is_deleted_does_not_come_back(client, repo, parker, layer):
    assert client.delete(client.blob(repo, digest(layer))).status == 202
    assert client.get(client.blob(repo, digest(layer))).status == 404
    assert client.head(client.blob(repo, digest(layer))).status == 404
    link = parker.link_file(repo, digest(layer))
    assert not link.exists() and not link.with_name("collected").exists()


def test_it_is_pushed_again(client, repo, parker, layer):
    client.push_blob(repo, layer)
    assert parker.is_back(repo, digest(layer))
    assert_sends(client.get(client.blob(repo, digest(layer))), layer)
