"""The descriptor cache in a real redis-server: shared with docker-registry, and in every kind of trouble."""
import itertools
import time

import pytest

import harness
from conftest import need, running
from harness import DOCKER_MANIFEST, Client, PeerRegistry, Registry
from redis_server import RedisServer

WAIT_SECONDS = 20
_names = itertools.count(1)


@pytest.fixture
def repo():
    return f"cached/r{next(_names)}"


@pytest.fixture
def redis():
    need("redis-server", "redis-cli")
    with RedisServer() as server:
        yield server


NOWHERE = {"endpoints": [{"name": "nowhere", "url": "http://127.0.0.1:9/", "timeout": "500ms", "threshold": 3,
                          "backoff": "10s"}]}


def old_form(redis, **more):
    """The section as docker/distribution 2 spells it. With a webhook berth's pool sees every pull, and asks redis:
    else nginx sends blobs by itself."""
    return {"storage": {"cache": {"blobdescriptor": "redis"}}, "notifications": NOWHERE,
            "redis": {"addr": redis.address, "dialtimeout": "1s", "readtimeout": "1s", "writetimeout": "1s",
                      "pool": {"maxidle": 4, "maxactive": 16, "idletimeout": "300s"}, **more}}


def new_form(redis, **more):
    """As 3 does."""
    return {"storage": {"cache": {"blobdescriptor": "redis"}},
            "redis": {"addrs": [redis.address], "maxidleconns": 4, "poolsize": 16, **more}}


def entries_of(repo, *blobs):
    """What docker/distribution has in redis for blobs (bytes) of a repository."""
    found = {f"repository::{repo}::blobs": sorted(map(harness.digest, blobs))}
    for blob in blobs:
        name = harness.digest(blob)
        found[f"blobs::{name}"] = {"digest": name, "size": str(len(blob)), "mediatype": "application/octet-stream"}
        found[f"repository::{repo}::blobs::{name}"] = {"mediatype": "application/octet-stream"}
    return found


def until(what, message):
    deadline = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < deadline, message
        time.sleep(0.05)


@pytest.mark.parametrize("form", [old_form, new_form])
@pytest.mark.parametrize("spelling", ["blobdescriptor", "layerinfo"])
def test_writes_what_docker_registry_writes(redis, repo, form, spelling):
    config = form(redis)
    config["storage"]["cache"] = {spelling: "redis", **({"blobdescriptor": None} if spelling == "layerinfo" else {})}
    with running(Registry(config)) as berth:
        Client(berth).push_blob(repo, b"one blob")
    ours = redis.contents()
    assert ours == entries_of(repo, b"one blob")
    redis.ask("FLUSHALL")
    with running(PeerRegistry(old_form(redis))) as peer:
        Client(peer).push_blob(repo, b"one blob")
    assert redis.contents() == ours


def test_each_uses_what_the_other_wrote(redis, repo):
    """Seen by redis itself: the reader finds an entry, and writes none of its own."""
    berth = Registry(old_form(redis))
    with running(berth), running(PeerRegistry(old_form(redis), root=berth.root)) as peer:
        for writer, reader, blob in ((berth, peer, b"of berth"), (peer, berth, b"of the peer")):
            name = Client(writer).push_blob(repo, blob)
            redis.ask("CONFIG", "RESETSTAT")
            assert Client(reader).head(Client(reader).blob(repo, name)).status == 200
            said = "\n".join(redis.ask("INFO", "commandstats"))
            assert "cmdstat_sismember" in said and "cmdstat_hmget" in said
            assert "cmdstat_sadd" not in said and "cmdstat_hmset" not in said


def test_what_the_peer_deletes_is_gone_for_berth_and_the_reverse(redis, repo):
    berth = Registry(old_form(redis))
    with running(berth), running(PeerRegistry(old_form(redis), root=berth.root)) as peer:
        for deleter, other, blob in ((berth, peer, b"first"), (peer, berth, b"second")):
            name = Client(deleter).push_blob(repo, blob)
            for registry in (deleter, other):
                assert Client(registry).head(Client(registry).blob(repo, name)).status == 200
            assert Client(deleter).delete(Client(deleter).blob(repo, name)).status == 202
            for registry in (deleter, other):
                assert Client(registry).head(Client(registry).blob(repo, name)).status == 404


def test_a_revoked_blob_does_not_come_back_with_another_repository(redis, repo):
    """The known bug of docker/distribution before 3.1: the set kept its member."""
    with running(Registry(old_form(redis))) as registry:
        client = Client(registry)
        name = client.push_blob(repo, b"shared")
        client.push_blob(repo + "/other", b"shared")
        assert client.delete(client.blob(repo, name)).status == 202
        assert client.head(client.blob(repo + "/other", name)).status == 200      # fills the global hash again
        assert redis.ask("SISMEMBER", f"repository::{repo}::blobs", name) == ["0"]
        assert client.head(client.blob(repo, name)).status == 404
        assert client.head(client.blob(repo + "/other", name)).status == 200


def test_a_lying_entry_is_not_believed(redis, repo):
    with running(Registry(old_form(redis))) as registry:
        client = Client(registry)
        lie = harness.digest(b"never pushed")
        redis.ask("SADD", f"repository::{repo}::blobs", lie)
        redis.ask("HSET", f"blobs::{lie}", "digest", lie, "size", "12", "mediatype", "application/octet-stream")
        redis.ask("HSET", f"repository::{repo}::blobs::{lie}", "mediatype", "application/octet-stream")
        assert client.head(client.blob(repo, lie)).status == 404
        assert redis.contents() == {}       # nor left for others to believe


def test_entries_of_2_0_are_written_anew(redis, repo):
    with running(Registry(old_form(redis))) as registry:
        client = Client(registry)
        name = client.push_blob(repo, b"old")
        redis.ask("DEL", f"blobs::{name}")
        redis.ask("HSET", f"blobs::{name}", "path", "/x", "length", "3")
        assert client.head(client.blob(repo, name)).status == 200
        assert redis.contents()[f"blobs::{name}"] == {"path": "/x", "length": "3", "digest": name, "size": "3",
                                                      "mediatype": "application/octet-stream"}


# In trouble


def assert_serves(client, repo, text):
    """A whole image goes in and comes out; returns the seconds it took."""
    started = time.monotonic()
    image = client.make_image(repo, [text.encode()], tag="t", media_type=DOCKER_MANIFEST)
    assert client.get(client.manifest(repo, "t"), {"Accept": DOCKER_MANIFEST}).status == 200
    for blob in (image.config, *image.layers):
        client.fetch_blob(repo, blob)
    assert client.delete(client.blob(repo, image.layers[0])).status == 202
    assert client.head(client.blob(repo, image.layers[0])).status == 404
    return time.monotonic() - started


def test_gone_and_back(redis, repo):
    with running(Registry(old_form(redis))) as registry:
        client = Client(registry)
        assert_serves(client, repo, "before")
        redis.stop()
        for i in range(5):
            assert_serves(client, repo, f"while gone {i}")
        assert registry.log().count("redis fails") == 1
        redis.start()
        until(lambda: client.get(client.blob(repo, harness.digest(b"x"))).status == 404 and
              "redis works again" in registry.log(), registry.log())
        name = client.push_blob(repo, b"after")
        assert redis.ask("SISMEMBER", f"repository::{repo}::blobs", name) == ["1"]


def test_never_there(repo):
    config = {"storage": {"cache": {"blobdescriptor": "redis"}}, "redis": {"addr": f"127.0.0.1:{harness.free_port()}"}}
    with running(Registry(config)) as registry:
        assert assert_serves(Client(registry), repo, "alone") < 5


def test_restarted_between_two_requests(redis, repo):
    with running(Registry(old_form(redis))) as registry:
        client = Client(registry)
        client.push_blob(repo, b"one")
        redis.stop()
        redis.start()
        name = client.push_blob(repo, b"two")
        assert redis.ask("SISMEMBER", f"repository::{repo}::blobs", name) == ["1"]
        assert "redis fails" not in registry.log()


def test_slow(redis, repo):
    with running(Registry(old_form(redis, readtimeout="200ms"))) as registry:
        client = Client(registry)
        redis.ask("CLIENT", "PAUSE", "60000", "ALL")
        assert assert_serves(client, repo, "slow") < 5
        assert registry.log().count("redis fails") == 1


def test_stopped_like_a_hanging_host(redis, repo):
    """SIGSTOP: connections are there, and nobody answers."""
    with running(Registry(old_form(redis))) as registry:
        client = Client(registry)
        assert_serves(client, repo, "before")
        redis.pause()
        try:
            assert assert_serves(client, repo, "while it hangs") < 5
            assert registry.log().count("redis fails") == 1
        finally:
            redis.resume()
        until(lambda: client.get(client.blob(repo, harness.digest(b"x"))).status == 404 and
              "redis works again" in registry.log(), registry.log())


def test_full_of_others_and_evicting_nothing(repo):
    """maxmemory-policy noeviction: it answers questions and takes nothing."""
    need("redis-server", "redis-cli")
    options = ["--enable-debug-command", "yes", "--maxmemory", "2mb", "--maxmemory-policy", "noeviction"]
    with RedisServer(*options) as redis:
        redis.ask("DEBUG", "POPULATE", "4000", "other", "1000")
        with running(Registry(old_form(redis))) as registry:
            for i in range(3):
                assert_serves(Client(registry), repo, f"full {i}")
            assert registry.log().count("redis fails") == 1
            assert redis.ask("EXISTS", f"repository::{repo}::blobs") == ["0"]


def test_full(redis, repo):
    with running(Registry(old_form(redis))) as registry:
        client = Client(registry)
        redis.ask("CONFIG", "SET", "maxmemory", "1")
        for i in range(5):
            assert_serves(client, repo, f"full {i}")
        assert registry.log().count("redis fails") == 1


def test_rubbish(redis, repo):
    with running(Registry(old_form(redis))) as registry:
        client = Client(registry)
        redis.ask("SET", f"repository::{repo}::blobs", "no set")
        assert_serves(client, repo, "rubbish")


@pytest.mark.parametrize("entry", [{"size": "-5"}, {"size": "99999999999999999999"}, {"size": "3 "}, {"size": "1"},
                                   {"digest": "sha256:zz"}, {"mediatype": "text/html\r\nX-Evil: 1"}], ids=str)
def test_values_that_are_rubbish(redis, repo, entry):
    with running(Registry(old_form(redis))) as registry:
        client = Client(registry)
        name = client.push_blob(repo, b"four")
        for key in entry:
            redis.ask("HSET", f"blobs::{name}", key, entry[key])
        for method in (client.head, client.get):
            reply = method(client.blob(repo, name))
            assert reply.status == 200 and reply.header("Content-Length") == "4" and reply.header("X-Evil") is None
        assert client.get(client.blob(repo, name)).body == b"four"


@pytest.mark.parametrize("key", ["blobs::{name}", "repository::{repo}::blobs::{name}", "repository::{repo}::blobs"])
def test_keys_of_another_type(redis, repo, key):
    with running(Registry(old_form(redis))) as registry:
        client = Client(registry)
        name = client.push_blob(repo, b"four")
        redis.ask("DEL", key.format(name=name, repo=repo))
        redis.ask("RPUSH", key.format(name=name, repo=repo), "junk")
        assert client.get(client.blob(repo, name)).body == b"four"
        assert_serves(client, repo, "beside it")
        assert client.delete(client.blob(repo, name)).status == 202
        assert client.head(client.blob(repo, name)).status == 404


def test_no_redis_at_all_but_something_that_talks(repo):
    """An HTTP server where redis should be."""
    with running(Registry()) as other:
        config = {"storage": {"cache": {"blobdescriptor": "redis"}}, "redis": {"addr": other.authority}}
        with running(Registry(config)) as registry:
            assert assert_serves(Client(registry), repo, "http") < 10
            assert registry.log().count("redis fails") == 1


# Ways in


def test_password_and_database(repo):
    need("redis-server", "redis-cli")
    with RedisServer(password="s3cret word") as redis:
        with running(Registry(old_form(redis, password="s3cret word", db=3))) as registry:
            Client(registry).push_blob(repo, b"x")
            assert "s3cret" not in registry.log()
        assert redis.ask("-n", "3", "DBSIZE") == ["3"]
        with running(Registry(old_form(redis, password="wrong"))) as registry:
            assert_serves(Client(registry), repo, "x")
            assert "redis fails" in registry.log() and "wrong" not in registry.log()


def test_tls_and_password(repo):
    need("redis-server", "redis-cli")
    certificates = harness.certificates()
    tls = {"certificate": certificates.certificate, "key": certificates.key, "rootcas": [certificates.ca_file]}
    with RedisServer(tls=True, password="s3cret") as redis:
        with running(Registry(old_form(redis, password="s3cret", tls=tls))) as registry:
            Client(registry).push_blob(repo, b"x")
            assert "redis fails" not in registry.log()
        assert redis.ask("DBSIZE") == ["3"]


def test_users_of_redis_6(repo):
    need("redis-server", "redis-cli")
    with RedisServer() as redis:
        redis.ask("ACL", "SETUSER", "berth", "on", ">pw", "~*", "+@all")
        with running(Registry(new_form(redis, username="berth", password="pw", clientname="berth-1"))) as registry:
            Client(registry).push_blob(repo, b"x")
            assert any("name=berth-1" in line and "user=berth" in line for line in redis.ask("CLIENT", "LIST"))


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "another-ca"])
def test_tls(repo, trusted):
    need("redis-server", "redis-cli")
    certificates = harness.certificates()
    with RedisServer(tls=True) as redis:
        tls = {"certificate": certificates.certificate, "key": certificates.key,
               **({"rootcas": [certificates.ca_file]} if trusted else {})}
        with running(Registry(new_form(redis, tls=tls))) as registry:
            Client(registry).push_blob(repo, b"x")
            assert ("redis fails" in registry.log()) == (not trusted), registry.log()
        assert redis.ask("DBSIZE") == ["3" if trusted else "0"]


@pytest.mark.parametrize("changes, complaint", [
    ({"redis": None}, "redis, with redis.addr"),
    ({"redis": {"addr": "127.0.0.1:1", "readtimeout": "soon"}}, 'redis.readtimeout: "soon": allowed is a time'),
    ({"redis": {"addr": "nowhere"}}, "allowed is host:port"),
])
def test_bad_config_is_refused(changes, complaint):
    with pytest.raises(RuntimeError, match=complaint):
        Registry({"storage": {"cache": {"blobdescriptor": "redis"}}} | changes).start()
