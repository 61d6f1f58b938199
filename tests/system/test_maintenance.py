"""Maintenance: abandoned uploads, orphaned files, read-only registries."""
import os
import re
import subprocess

import pytest

import harness
from conftest import running
from harness import Client, Registry, digest, wait_until

pytestmark = pytest.mark.differs("it says what it did in its own words")

OLD = "2015-04-12T03:06:18Z"


def upload_directory(registry, location):
    found = re.search(r"/v2/(.+)/blobs/uploads/([^?]+)", location)
    return registry.v2_root / "repositories" / found[1] / "_uploads" / found[2]


def age(registry, location):
    """Makes an upload an old one."""
    (upload_directory(registry, location) / "startedat").write_text(OLD)


def purge(registry, *options):
    return subprocess.run([registry.command()[0], "purge-uploads", registry.config_file, *options],
                          capture_output=True, text=True, timeout=30)


def test_old_uploads_are_purged_by_every_pool():
    """Two registries on one store, each purging each second: the old upload goes, the young one can be finished."""
    purging = {"storage": {"maintenance": {"uploadpurging": {"enabled": True, "age": "24h", "interval": "1s",
                                                             "dryrun": False}}}}
    with running(Registry(purging)) as first, running(Registry(purging, root=first.root)) as second:
        client = Client(first)
        old, young = client.start_upload("team/old"), client.start_upload("team/young")
        age(first, old)
        spool, = (first.root / "berth").glob(f"*-{first.port}/spool")
        orphans = [first.root / "berth" / "tmp" / "orphan", spool / "0000000042"]
        for orphan in orphans:
            orphan.write_text("x")
        for path in (*orphans, spool / "lock"):
            os.utime(path, (1, 1))
        wait_until(lambda: not upload_directory(first, old).exists() and not any(map(os.path.exists, orphans)),
                   first.log())
        assert (spool / "lock").exists(), "without it another could take the spool"
        assert upload_directory(first, young).exists()
        assert Client(second).finish_upload(young, digest(b"x"), b"x").status == 201
        assert client.get(old).status == 404
        wait_until(lambda: "uploads purged" in first.log() and "uploads purged" in second.log(), "both look")
        assert "could not be purged" not in first.log() + second.log()


@pytest.fixture
def registry():
    with running(Registry()) as started:
        yield started


def test_purge_uploads_command(registry):
    client = Client(registry)
    old, young = client.start_upload("team/app"), client.start_upload("team/app")
    age(registry, old)
    dry = purge(registry, "--dry-run")
    assert dry.returncode == 0 and str(upload_directory(registry, old).name) in dry.stderr
    assert upload_directory(registry, old).exists()
    done = purge(registry)
    assert done.returncode == 0 and "removed=1" in done.stderr, done
    assert not upload_directory(registry, old).exists() and upload_directory(registry, young).exists()
    assert "removed=0" in purge(registry).stderr


def test_an_upload_that_is_being_written_stays(registry):
    """flock, as a pool in the middle of a PATCH holds it."""
    location = Client(registry).start_upload("team/app")
    age(registry, location)
    with subprocess.Popen(["flock", upload_directory(registry, location) / "startedat", "sh", "-c", "echo; read x"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        done = purge(registry)
        writer.stdin.close()
    assert done.returncode == 0 and "being_written=1" in done.stderr, done
    assert upload_directory(registry, location).exists()
    assert Client(registry).finish_upload(location, digest(b"x"), b"x").status == 201


def test_read_only(tmp_path):
    with running(Registry(root=tmp_path / "data")) as writable:
        client = Client(writable)
        image = client.make_image("team/app", tag="v1")
        location = client.start_upload("team/app")
    config = {"storage": {"maintenance": {"readonly": {"enabled": True}}, "delete": {"enabled": True}}}
    with running(Registry(config, root=tmp_path / "data")) as registry:
        client = Client(registry)
        reading = client.get(client.manifest("team/app", "v1"), headers={"Accept": "*/*"})
        assert reading.status == 200
        writes = [client.post(client.uploads("team/app")), client.delete(client.manifest("team/app", image.digest)),
                  client.delete(client.blob("team/app", digest(b"x"))),
                  client.put(client.manifest("team/app", "v2"), body=reading.body)]
        upload = client.path_of(location)
        writes += [client.patch(upload, body=b"x"), client.delete(upload)]
        for reply in writes:
            assert (reply.status, reply.codes) == (405, ["UNSUPPORTED"]), reply
            assert reply.header("Allow") in ("GET, HEAD", "")
        assert client.get(upload).status == 204
        login = client.get("/v1/users/")
        assert login.status == 200, login
        for path in ("/v1/repositories/team/app/", f"/v1/images/{'a' * 64}/json"):
            reply = client.put(path, body=b"[]")
            assert reply.status == 405 and "error" in reply.json(), reply
