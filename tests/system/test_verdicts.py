"""Pulls that nginx makes by itself though others have a say in them: tokens, health, metrics (docs/decisions/0040)."""
import contextlib
import os
import re
import signal
import time

import pytest

import harness
from conftest import running
from harness import Client, Registry, wait_until
from test_access import folder, keys    # noqa: F401 (fixtures)
from test_debug import started, values_of, Debug
from test_reload import SHORT_DRAIN, reload, rewrite
from tokens import to

pytestmark = pytest.mark.differs("its own nginx")

APP, SECRET = "team/app", "team/secret"
BUCKET_SECONDS, LEEWAY_SECONDS = 100, 60
SETTLED = 0.1       # of a bucket, in seconds, so that what follows in a test is in the same one


def auth(keys):
    return {"auth": keys.auth(), "berth": {"nginx": SHORT_DRAIN}}


class Puller(Client):
    """A client that knows who has answered."""

    def line(self, reply):
        request = reply.header("X-Request-Id")
        wait_until(lambda: re.search(f"request={request}.*\n", self.registry.log()), "the access line")
        return re.search(f".*request={request}.*", self.registry.log())[0]

    def is_by_nginx(self, reply):
        assert reply.status == 200, reply
        return "pool_seconds=-" in self.line(reply)

    def push(self, repo, data, headers=None):
        started_at = self.post(self.uploads(repo), headers or {})
        assert started_at.status == 202, started_at
        location = harness.with_query(started_at.header("Location"), digest=harness.digest(data))
        assert self.put(location, headers or {}, data).status == 201
        return self.blob(repo, harness.digest(data))


def with_token(keys, *repos, **claims):
    return {"Authorization": keys.token([to(repo, "pull", "push") for repo in repos], **claims)}


def early_in_a_bucket(seconds):
    """Waits until the bucket lasts for so long."""
    left = BUCKET_SECONDS - time.time() % BUCKET_SECONDS
    if left < seconds:
        time.sleep(left + SETTLED)


def gates(registry):
    return sorted(path for path in registry.root.rglob("pulls/*") if path.is_dir() and path.parent.parent.name == "run")


@pytest.fixture
def guarded(keys):    # noqa: F811
    early_in_a_bucket(40)
    with running(Registry(auth(keys))) as registry:
        yield registry


def test_a_pull_that_was_allowed_is_nginxs_for_this_token_and_repository(guarded, keys):    # noqa: F811
    client, data = Puller(guarded), os.urandom(1000)
    mine = with_token(keys, APP)
    blob = client.push(APP, data, mine)
    secret = client.push(SECRET, data, with_token(keys, SECRET))
    prefix = client.push("team", data, with_token(keys, "team"))
    first = client.get(blob, mine)
    assert not client.is_by_nginx(first)
    for method in ("GET", "HEAD"):
        reply = client.request(method, blob, mine)
        assert client.is_by_nginx(reply) and reply.body == (data if method == "GET" else b"")
        assert {name: reply.header(name) for name in ("Content-Length", "Docker-Content-Digest", "ETag")} == \
            {name: first.header(name) for name in ("Content-Length", "Docker-Content-Digest", "ETag")}
    assert client.get(blob, {"Range": "bytes=0-9", **mine}).body == data[:10]
    # Nobody else's.
    token = mine["Authorization"]
    for other in ({}, {"Authorization": ""}, {"Authorization": "Basic Og=="}, {"Authorization": token[:-1]},
                  {"Authorization": token + "="}, {"Authorization": "Bearer"},
                  {"Authorization": "Bearer x." + token[-42:]}, with_token(keys, SECRET), with_token(keys, "team"),
                  with_token(keys)):
        assert client.get(blob, other).status == 401, other
    for target in (secret, prefix):
        assert client.get(target, mine).status == 401
    # Another token of the same caller is asked about, once.
    again = with_token(keys, APP, "team", jti="another")
    assert [client.is_by_nginx(client.get(blob, again)) for _ in range(3)] == [False, True, True]
    assert [client.is_by_nginx(client.get(prefix, again)) for _ in range(2)] == [False, True]


def test_a_manifest_opens_the_way_to_the_layers(guarded, keys):    # noqa: F811
    client, mine = Puller(guarded), with_token(keys, APP)
    config, layer = b"{}", os.urandom(500)
    client.push(APP, config, mine)
    blob = client.push(APP, layer, mine)
    manifest = harness.image_manifest(harness.OCI_MANIFEST, config, [layer])
    target = client.manifest(APP, "latest")
    assert client.put(target, {"Content-Type": harness.OCI_MANIFEST, **mine}, manifest).status == 201
    other = with_token(keys, APP, jti="other")
    assert client.get(client.manifest(APP, "absent"), other).status == 404
    assert not gates_hold(guarded, other)
    assert client.get(target, other).status == 200
    assert client.is_by_nginx(client.get(blob, other))


def gates_hold(registry, headers):
    tail = headers["Authorization"][-43:]
    return [path for gate in gates(registry) for path in gate.rglob("." + tail)]


def test_the_way_a_target_is_written_opens_nothing(guarded, keys):    # noqa: F811
    client, data = Puller(guarded), os.urandom(1000)
    mine, theirs = with_token(keys, APP, "team/x.pull"), with_token(keys, SECRET)
    blob, secret = client.push(APP, data, mine), client.push(SECRET, data, theirs)
    dotted = client.push("team/x.pull", data, mine)
    for _ in range(2):
        assert client.get(secret, theirs).status == client.get(blob, mine).status == 200
        assert client.get(dotted, mine).status == 200
    hexadecimal = harness.digest(data).split(":")[1]
    tail = theirs["Authorization"][-43:]
    end = f"/blobs/sha256:{hexadecimal}"
    for written in (f"/v2/{APP}/../secret{end}", f"/v2/{APP}%2f..%2fsecret{end}", f"/v2/{APP}%2F..%2Fsecret{end}",
                    f"/v2/{APP}/%2e%2e/secret{end}", f"/v2/team%2fsecret{end}", f"/v2/team%2Fsecret{end}",
                    f"/v2//{SECRET}{end}", f"/v2/team//secret{end}", f"/v2/team/./secret{end}",
                    f"/v2/{SECRET}/{end}", f"//v2/{SECRET}{end}", f"/v2/team/secre%74{end}",
                    f"/v2/{SECRET}/blobs/sha256%3A{hexadecimal}", f"/v2/{SECRET}/blobs/sha256%3a{hexadecimal}",
                    f"/v2/{SECRET}{end}?", f"/v2/{SECRET}{end}?ns=x", f"/v2/{SECRET}{end}#x", f"/v2/TEAM/secret{end}",
                    f"/v2/{SECRET}/.{tail}/../..{end}", f"/v2/team/.pull/../secret{end}",
                    f"/v2/{APP}{end}/../../../secret{end}", f"/v2/x/../{SECRET}{end}", f"/v2/{APP}/..{end}",
                    f"/v2/{SECRET}{end}%00", f"/v2/{SECRET}%00{end}", f"/v2/team\\secret{end}"):
        # As the client that has a token for the other repository, and as nobody.
        for headers in (mine, {}):
            reply = client.get(written, headers)
            assert reply.status in (301, 400, 401, 404) and data not in reply.body, (written, headers, reply)
        whole = client.raw(f"GET http://{guarded.authority}{written} HTTP/1.1\r\nHost: {guarded.authority}\r\n"
                           f"Authorization: {mine['Authorization']}\r\nConnection: close\r\n\r\n".encode())
        assert whole is None or whole.status != 200, written
    # And what may be pulled, written in another way, is the pool's to judge.
    for written in (blob.replace("team/app", "team%2Fapp"), blob.replace("/app", "/ap%70"),
                    blob.replace("/v2/", "//v2/")):
        reply = client.get(written, mine)
        assert reply.status != 200 or not client.is_by_nginx(reply), written
    for traversal in (f"Bearer {tail}/../x", f"Bearer ../{tail[3:]}", f"Bearer .{tail[1:]}", f"Bearer {tail}/."):
        assert client.get(blob, {"Authorization": traversal}).status == 401, traversal
        assert client.get(secret, {"Authorization": traversal}).status == 401, traversal


def test_a_verdict_ends_with_its_bucket_and_none_is_made_for_an_ended_token(guarded, keys):    # noqa: F811
    client, data = Puller(guarded), os.urandom(1000)
    mine = with_token(keys, APP)
    blob = client.push(APP, data, mine)
    assert [client.is_by_nginx(client.get(blob, mine)) for _ in range(2)] == [False, True]
    (gate,) = gates(guarded)
    (bucket,) = (path for path in (gate / "open").iterdir() if path.is_dir())
    assert bucket.name == str(int(time.time()))[:8]
    bucket.rename(bucket.with_name(str(int(bucket.name) - 1)))
    assert not client.is_by_nginx(client.get(blob, mine))
    # The pool takes a token for a minute longer than it lives; nginx does not begin to.
    begun = int(bucket.name) * BUCKET_SECONDS
    if time.time() > begun + LEEWAY_SECONDS - 20:
        early_in_a_bucket(BUCKET_SECONDS - SETTLED)
        begun = int(time.time()) // BUCKET_SECONDS * BUCKET_SECONDS
    ended = with_token(keys, APP, exp=begun - 1)
    assert not any(client.is_by_nginx(client.get(blob, ended)) for _ in range(3))
    assert not gates_hold(guarded, ended)


def test_a_reload_ends_all_that_was_let_through(guarded, keys):    # noqa: F811
    client = Puller(guarded)
    mine = with_token(keys, APP)
    blob = client.push(APP, b"x", mine)
    assert [client.is_by_nginx(client.get(blob, mine)) for _ in range(2)] == [False, True]
    (before,) = gates(guarded)
    reload(guarded)
    wait_until(lambda: not before.exists(), "the old pool has cleaned up")
    (after,) = gates(guarded)
    assert after != before
    early_in_a_bucket(10)
    assert [client.is_by_nginx(client.get(blob, mine)) for _ in range(2)] == [False, True]
    assert client.get(blob).status == 401


def test_a_reload_that_fails_leaves_what_was_let_through(guarded, keys):    # noqa: F811
    client = Puller(guarded)
    mine = with_token(keys, APP)
    blob = client.push(APP, b"x", mine)
    assert [client.is_by_nginx(client.get(blob, mine)) for _ in range(2)] == [False, True]
    rewrite(guarded, {"auth": {"token": {"rootcertbundle": "/nowhere"}}})
    reload(guarded, says="not reloaded")
    assert client.is_by_nginx(client.get(blob, mine))


def test_access_control_that_comes_with_a_reload_holds_for_pulls(keys):    # noqa: F811
    early_in_a_bucket(30)
    with running(Registry({"berth": {"nginx": SHORT_DRAIN}})) as registry:
        client = Puller(registry)
        blob = client.push(APP, b"x")
        assert client.is_by_nginx(client.get(blob))
        rewrite(registry, auth(keys))
        reload(registry)
        # An old nginx worker closes its kept connections just after it says that it ends.
        wait_until(lambda: client.get(blob).status == 401, "a token is needed", seconds=1)
        mine = with_token(keys, APP)
        assert [client.is_by_nginx(client.get(blob, mine)) for _ in range(2)] == [False, True]


def test_only_who_serves_may_look_at_what_was_let_through(guarded, keys):    # noqa: F811
    client = Puller(guarded)
    mine = with_token(keys, APP)
    client.get(client.push(APP, b"x", mine), mine)
    (gate,) = gates(guarded)
    assert gate.stat().st_mode & 0o777 == 0o700


# Metrics and health --------------------------------------------------------------------------------------------------


def pulls_of(debug):
    page = debug.get("/metrics")[1]
    requests = values_of(page, "registry_http_requests_total")
    times = values_of(page, "registry_http_request_duration_seconds_count")
    return [requests.get('code="200",handler="blob",method="get"', 0),
            requests.get('code="200",handler="blob",method="head"', 0),
            requests.get('code="206",handler="blob",method="get"', 0),
            times.get('handler="blob",method="get"', 0), times.get('handler="blob",method="head"', 0),
            values_of(page, "registry_http_response_size_bytes_sum").get('handler="blob"', 0)]


@pytest.mark.parametrize("silent", [False, True])
def test_pulls_that_nginx_makes_are_counted_once(silent):
    context, port = started({"log": {"accesslog": {"disabled": silent}}})
    with context as registry:
        client, debug, data = Puller(registry), Debug(registry, port), os.urandom(2000)
        blob = client.push(APP, data)
        base = pulls_of(debug)
        for _ in range(250):
            assert client.get(blob).status == 200
        for _ in range(3):
            assert client.head(blob).status == 200
        answered_by_pool = [client.get(blob, {"Range": "bytes=0-99"}).status for _ in range(2)]
        assert client.get(client.blob(APP, "sha256:" + "0" * 64)).status == 404
        assert answered_by_pool == [206, 206]
        # Of a part the pool counts what the blob has, and its own status.
        wanted = [250 + 2, 3, 0, 250 + 2 + 1, 3, 252 * 2000]
        wait_until(lambda: [now - then for now, then in zip(pulls_of(debug), base)][:5] == wanted[:5],
                   lambda: f"{pulls_of(debug)} after {base}")
        time.sleep(1.5)     # longer than nginx keeps its lines
        assert [now - then for now, then in zip(pulls_of(debug), base)][:5] == wanted[:5]
        lines = len(re.findall(r'"GET /v2/team/app/blobs/sha256:\w+ HTTP/1.1" 200 ', registry.log()))
        assert lines == (0 if silent else 250)


def test_counts_go_on_through_a_reload_and_a_new_nginx():
    context, port = started({"berth": {"nginx": SHORT_DRAIN}})
    with context as registry:
        client, debug = Puller(registry), Debug(registry, port)
        blob = client.push(APP, b"x")
        reload(registry)
        wait_until(lambda: len(registry.pools()) == 1, "one pool")
        assert client.is_by_nginx(client.get(blob))
        wait_until(lambda: pulls_of(debug)[0] == 1, lambda: pulls_of(debug))
        workers = set(registry.nginx_workers())
        os.kill(registry.nginx_master(), signal.SIGKILL)
        wait_until(lambda: registry.nginx_workers() and not workers & set(registry.nginx_workers()), "a new nginx")
        wait_until(lambda: answers(client), "it answers")
        assert client.get(blob).status == 200
        wait_until(lambda: pulls_of(debug)[0] == 2, lambda: pulls_of(debug))


def answers(client):
    with contextlib.suppress(OSError):
        return client.get("/v2/").status == 200


def test_a_failing_check_stops_pulls_and_its_end_lets_them_on(tmp_path):
    down = tmp_path / "down"
    with running(Registry({"health": {"file": [{"file": str(down), "interval": "100ms"}]}})) as registry:
        client = Puller(registry)
        blob = client.push(APP, b"x")
        assert client.is_by_nginx(client.get(blob))
        for _ in range(2):
            down.write_text("")
            wait_until(lambda: client.get(blob).status == 503, "pulls stop", seconds=1)
            down.unlink()
            wait_until(lambda: client.get(blob).status == 200, "pulls go on", seconds=1)
            assert client.is_by_nginx(client.get(blob))


def test_down_by_hand_holds_at_once_and_through_nothing_else(keys):    # noqa: F811
    early_in_a_bucket(30)
    context, port = started(auth(keys))
    with context as registry:
        client, debug = Puller(registry), Debug(registry, port)
        mine = with_token(keys, APP)
        blob = client.push(APP, b"x", mine)
        assert [client.is_by_nginx(client.get(blob, mine)) for _ in range(2)] == [False, True]
        assert debug.ask("POST", "/debug/health/down")[0] == 200
        assert client.get(blob, mine).status == 503
        assert debug.ask("POST", "/debug/health/up")[0] == 200
        assert client.is_by_nginx(client.get(blob, mine))
        # A pool that is killed while it is not well, and the next one, which is.
        assert debug.ask("POST", "/debug/health/down")[0] == 200
        (pool,) = registry.pools()
        os.kill(pool, signal.SIGKILL)
        wait_until(lambda: registry.pools() and pool not in registry.pools(), "a new pool")
        assert client.get(blob, mine).status == 200
        assert client.is_by_nginx(client.get(blob, mine))


def test_each_pool_of_a_reload_has_a_gate_of_its_own():
    """The old one is not well: that is not the new one's matter."""
    context, port = started({"berth": {"nginx": SHORT_DRAIN}})
    with context as registry:
        client, debug = Puller(registry), Debug(registry, port)
        blob = client.push(APP, b"x")
        assert debug.ask("POST", "/debug/health/down")[0] == 200
        assert client.get(blob).status == 503
        reload(registry)
        wait_until(lambda: len(gates(registry)) == 1, "one gate")
        assert client.is_by_nginx(client.get(blob))


def test_what_a_killed_registry_left_is_gone():
    registry = Registry({"http": {"debug": {"addr": f"127.0.0.1:{harness.free_port()}"}}})
    try:
        registry.start()
        stale = gates(registry)[0].parent / "99" / "open"
        stale.mkdir(parents=True)
        registry.kill()
        registry.start()
        assert not stale.exists() and len(gates(registry)) == 1
        registry.stop()
        assert not gates(registry)
    finally:
        registry.close()
