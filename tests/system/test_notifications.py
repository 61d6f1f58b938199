"""Notifications: what endpoints are told, compared with docker-registry; and that nothing is lost or out of order."""
import base64
import functools
import itertools
import json
import os
import re
import signal
import time

import pytest

import harness
import v1_client
from conftest import need, running
from harness import (DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Client, Registry, descriptor, digest,
                     wait_until, with_query)
from sink import Sink

V1 = "application/vnd.docker.distribution.events.v1+json"
EVERYTHING = {"Accept": ", ".join((DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX))}
until = functools.partial(wait_until, seconds=20)

_names = itertools.count(1)


@pytest.fixture
def repo():
    return f"notify/r{next(_names)}"


@pytest.fixture
def sink():
    with Sink() as one:
        yield one


def notifying(*endpoints, **events):
    return {"notifications": {"endpoints": list(endpoints), **({"events": events} if events else {})}}


def queue_of(registry, name="sink"):
    folders = [path for path in (registry.root / "berth" / "notifications").iterdir() if path.name.startswith(name)]
    assert len(folders) == 1, folders
    return folders[0]


def mark(client, repo, text):
    """An event that tells where in a sequence it is: a pushed blob. Returns its digest."""
    return client.push_blob(repo, text.encode())


def digests(events):
    return [event["target"]["digest"] for event in events]


# What is said


AGENT = {"User-Agent": "docker/24.0.7 go/go1.20", "Authorization": "Basic " + base64.b64encode(b"alice:x").decode()}


def life_of_an_image(client, repo):
    """Requests of every kind that has an event, and of some that have none."""
    image = client.make_image(repo, [b"layer one", b""], tag="v1", media_type=DOCKER_MANIFEST)
    for reference in ("v1", image.digest):
        assert client.get(client.manifest(repo, reference), EVERYTHING | AGENT).status == 200
        assert client.head(client.manifest(repo, reference), EVERYTHING).status == 200
    etag = {"If-None-Match": f'"{image.digest}"'}
    assert client.get(client.manifest(repo, "v1"), EVERYTHING | etag).status == 304
    assert client.get(client.blob(repo, image.layers[0]), {"X-Forwarded-For": "192.0.2.7, 10.0.0.1"}).status == 200
    assert client.head(client.blob(repo, image.layers[0]), {"X-Real-Ip": "192.0.2.8"}).status == 200
    assert client.get(client.blob(repo, image.layers[0]), {"Range": "bytes=1-2"}).status == 206
    assert client.get(client.blob(repo, digest(b"never pushed"))).status == 404
    other = repo + "/other"
    mount = with_query(client.uploads(other), mount=image.layers[0], **{"from": repo})
    assert client.post(mount).status == 201
    assert client.delete(client.blob(other, image.layers[0])).status == 202

    document = json.dumps({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [
        descriptor(DOCKER_MANIFEST, image.manifest, platform={"architecture": "amd64", "os": "linux"})]}).encode()
    assert client.put_manifest(repo, "many", document, DOCKER_LIST).status == 201
    assert client.get(client.manifest(repo, "many"), {"Accept": DOCKER_MANIFEST}).status == 200   # two pulls
    assert client.put_manifest(repo, digest(image.manifest), image.manifest, DOCKER_MANIFEST).status == 201
    assert client.delete(client.manifest(repo, image.digest)).status == 202     # with its tag v1


def comparable(event, registry):
    """An event without what no two have in common, each of these checked for its form."""
    text = json.dumps(event).replace(registry.url, "http://registry").replace(registry.authority, "registry")
    event = json.loads(text)
    uuid = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert re.fullmatch(uuid, event["id"]) and re.fullmatch(uuid, event["request"]["id"])
    assert re.fullmatch(uuid, event["source"]["instanceID"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", event["timestamp"])
    assert event["source"]["addr"] == f"{os.uname().nodename}:{registry.port}"
    event["request"]["addr"] = re.sub(r"^127\.0\.0\.1:\d+$", "client", event["request"]["addr"])
    for unique in ("id", "timestamp", "source"):
        event[unique] = sorted(event[unique]) if unique == "source" else "unique"
    event["request"]["id"] = "unique"
    return event


def told(registry_class, repo, **events):
    """What a registry tells of the life of an image: (events in order, headers of the first POST, its body)."""
    with Sink() as sink, running(registry_class(notifying(sink.endpoint(headers={"X-Token": ["a", "b"]}), **events))) \
            as registry:
        client = Client(registry)
        life_of_an_image(client, repo)
        last = mark(client, repo, "the last event")
        until(lambda: last in [event["target"].get("digest") for event in sink.events], lambda: sink.events)
        headers, body = sink.attempts[0]
        return [comparable(event, registry) for event in sink.events], headers, body


@pytest.mark.parametrize("references", [False, True], ids=["plain", "references"])
def test_tells_what_docker_registry_tells(repo, references):
    need("docker-registry")
    ours, headers, body = told(Registry, repo, includereferences=references)
    theirs, their_headers, their_body = told(harness.PeerRegistry, repo, includereferences=references)
    assert [(event["action"], event["target"]) for event in ours] == \
        [(event["action"], event["target"]) for event in theirs]
    # docker-registry believes whatever name a request claims; ours is the one that access control verified.
    assert {json.dumps(event["actor"]) for event in theirs} == {"{}", '{"name": "alice"}'}
    assert ours == [event | {"actor": {}} for event in theirs]
    for name in ("Content-Type", "X-Token"):
        assert headers.get_all(name) == their_headers.get_all(name)
    assert headers["Content-Type"] == V1 and headers.get_all("X-Token") == ["a", "b"]

    def shape(text):    # indentation, names and order of the fields
        return re.sub(r": (\d+|\"[^\"]*\")", ": value", text.decode())
    assert shape(body) == shape(their_body)


def test_tells_of_what_docker_registry_2_8_cannot_do(sink, repo):
    """Deleting a tag, pushing in one request, mounting from anywhere, tags beside a digest."""
    with running(Registry(notifying(sink.endpoint()))) as registry:
        client = Client(registry)
        image = client.make_image(repo, tag="v1")
        seen = len(sink.wait_for(3))
        assert client.delete(client.manifest(repo, "v1")).status == 202
        assert client.post(with_query(client.uploads(repo), digest=digest(b"whole")), body=b"whole").status == 201
        other = repo + "/other"
        assert client.post(with_query(client.uploads(other), mount=image.layers[0])).status == 201
        both = with_query(client.manifest(repo, image.digest), tag="a") + "&tag=b"
        assert client.put(both, {"Content-Type": image.media_type}, image.manifest).status == 201
        events = sink.wait_for(seen + 5)[seen:]
        assert [(event["action"], {key: event["target"].get(key) for key in ("repository", "digest", "tag")})
                for event in events] == [
            ("delete", {"repository": repo, "digest": None, "tag": "v1"}),
            ("push", {"repository": repo, "digest": digest(b"whole"), "tag": None}),
            ("mount", {"repository": other, "digest": image.layers[0], "tag": None}),
            ("push", {"repository": repo, "digest": image.digest, "tag": "a"}),
            ("push", {"repository": repo, "digest": image.digest, "tag": "b"})]
        assert set(events[0]["target"]) == {"repository", "tag"}


def test_tells_of_v1_clients_what_they_do_to_the_store(sink, repo):
    with running(Registry(notifying(sink.endpoint()))) as registry:
        client = Client(registry)

        def told_since(step, begin=0):
            last = mark(client, repo, step)
            until(lambda: last in [event["target"].get("digest") for event in sink.events], lambda: sink.events)
            return sink.events[begin:-1]

        base = v1_client.make_image("base")
        top = v1_client.make_image("top", parent=base)
        layers = {digest(image.layer) for image in (base, top)}
        v1_client.V1Client(registry).push(repo, [base, top], {"latest": top.id})
        pushed = told_since("pushed")
        assert {event["action"] for event in pushed} == {"push"}
        assert {event["target"]["repository"] for event in pushed} == {repo}
        assert layers <= {event["target"]["digest"] for event in pushed}
        [manifest] = [event["target"] for event in pushed if event["target"].get("tag") == "latest"]
        assert manifest["mediaType"] == DOCKER_MANIFEST
        assert client.head(client.manifest(repo, manifest["digest"])).status == 200

        begin = len(sink.events)
        v1_client.V1Client(registry).pull(repo, "latest")
        pulled = [event["target"] for event in told_since("pulled", begin) if event["action"] == "pull"]
        assert layers <= {target["digest"] for target in pulled}
        assert {target["repository"] for target in pulled} == {repo}

        begin = len(sink.events)
        assert client.delete(f"/v1/repositories/{repo}/tags/latest").status == 200
        assert [event["target"] for event in told_since("deleted", begin)] == [{"repository": repo, "tag": "latest"}]


def test_tells_as_docker_registry_3_if_asked(sink, repo):
    config = notifying(sink.endpoint()) | {"berth": {"notifications": {"version": 2}}}
    with running(Registry(config)) as registry:
        mark(Client(registry), repo, "x")
        sink.wait_for(1)
    assert sink.attempts[0][0]["Content-Type"] == V1.replace("v1", "v2")


def test_leaves_out_what_is_ignored(repo):
    with Sink() as blobs, Sink() as pushes, Sink() as nothing:
        endpoints = [blobs.endpoint(name="blobs", ignoredmediatypes=["application/octet-stream"]),
                     pushes.endpoint(name="pushes", ignore={"actions": ["pull", "delete"],
                                                            "mediatypes": ["application/octet-stream"]}),
                     nothing.endpoint(name="nothing", disabled=True)]
        with running(Registry(notifying(*endpoints))) as registry:
            client = Client(registry)
            image = client.make_image(repo, tag="a")
            client.get(client.manifest(repo, "a"), EVERYTHING)
            client.delete(client.manifest(repo, "a"))
            client.make_image(repo, tag="b")
            blobs.wait_for(4)
            pushes.wait_for(2)
            said = [(event["action"], event["target"].get("tag")) for event in blobs.events]
            assert said == [("push", "a"), ("pull", "a"), ("delete", "a"), ("push", "b")]
            assert [event["target"]["tag"] for event in pushes.events] == ["a", "b"]
            assert pushes.events[0]["target"]["digest"] == image.digest
        assert nothing.attempts == []


# That it arrives


def test_an_endpoint_that_is_down_loses_nothing_and_holds_up_nobody(sink, repo):
    with running(Registry(notifying(sink.endpoint()))) as registry:
        client = Client(registry)
        before = mark(client, repo, "before")
        sink.wait_for(1)
        sink.down()
        started = time.monotonic()
        expected = [mark(client, repo, f"while down {i}") for i in range(50)]
        assert time.monotonic() - started < 10
        until(lambda: "takes no events" in registry.log(), registry.log)
        sink.up()
        assert digests(sink.wait_for(51)) == [before, *expected]
        until(lambda: "takes events again" in registry.log(), registry.log)
        assert registry.log().count("takes no events") == 1      # a line an outage, not one an attempt


def test_a_slow_endpoint_holds_up_nobody(repo):
    with Sink(delay=0.3) as slow, running(Registry(notifying(slow.endpoint()))) as registry:
        client = Client(registry)
        started = time.monotonic()
        expected = [mark(client, repo, f"{i}") for i in range(20)]
        assert time.monotonic() - started < 20 * 0.3
        assert digests(slow.wait_for(20)) == expected


def test_500s_and_timeouts_are_tried_again_in_order(repo):
    def status(number):
        return 500 if number % 3 == 1 else 404 if number % 7 == 2 else 200

    def moody(number):
        if number == 3:
            time.sleep(1.0)     # longer than the timeout
        return status(number)
    with Sink(moody) as sink, running(Registry(notifying(sink.endpoint(timeout="300ms")))) as registry:
        client = Client(registry)
        expected = [mark(client, repo, f"{i}") for i in range(20)]
        until(lambda: expected[-1] in digests(sink.events), lambda: sink.events)
        # The one that timed out may be taken twice: at least once. What is refused comes again before the next.
        tried = [digests(json.loads(body)["events"]) for _, body in sink.attempts]
        for number, events in enumerate(tried[:-1]):
            if status(number) >= 400 or number == 3:
                assert tried[number + 1] == events, number
        assert [key for key, _ in itertools.groupby(itertools.chain(*tried))] == expected
        assert set(digests(sink.events)) == set(expected)


def test_redirects_are_followed(repo):
    with Sink(lambda number: 307) as first, running(Registry(notifying(first.endpoint()))) as registry:
        mark(Client(registry), repo, "x")
        assert len(first.wait_for(1)) == 1      # a 3xx that leads nowhere is a success


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_followed_with_the_event(sink, repo, status):
    """Also where a browser would make a GET of it, which is taken, and the event lost. Credentials stay behind."""
    with Sink(lambda number: status, location=sink.url) as first:
        endpoint = first.endpoint(headers={"Authorization": ["Bearer s3cret"], "X-Kept": ["yes"]})
        with running(Registry(notifying(endpoint))) as registry:
            pushed = mark(Client(registry), repo, "x")
            assert digests(sink.wait_for(1)) == [pushed]
        headers, _ = sink.attempts[0]
        assert headers["Content-Type"] == V1 and headers["X-Kept"] == "yes" and "Authorization" not in headers


def test_no_line_of_the_log_has_what_is_secret(repo):
    """Passwords and tokens in the URLs of endpoints that are down, and of one that has no other name."""
    secrets = "user:s3cret@127.0.0.1:9/hook?token=s3cret"
    endpoints = [{"name": "named", "url": f"http://{secrets}", "headers": {"Authorization": ["s3cret"]}},
                 {"url": "http://user:s3cret@127.0.0.1:9/other?token=s3cret"},
                 {"name": "lost", "url": "http://u:s3cret@host.invalid/?s3cret"}]
    for endpoint in endpoints:
        endpoint |= {"threshold": 1, "backoff": "50ms"}
    with running(Registry(notifying(*endpoints))) as registry:
        mark(Client(registry), repo, "x")
        until(lambda: registry.log().count("takes no events") == 3, registry.log)
        assert "s3cret" not in registry.log() and "endpoint=http://127.0.0.1:9/other" in registry.log()
        queues = "".join(path.name for path in (registry.root / "berth" / "notifications").iterdir())
        assert "s3cret" not in queues


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_events_outlive_the_registry(sink, repo, how):
    """SIGKILL to everything between acknowledge and delivery; all the same after a stop."""
    registry = Registry(notifying(sink.endpoint()))
    sink.down()
    try:
        registry.start()
        client = Client(registry)
        image = client.make_image(repo, tag="v1")
        assert client.get(client.blob(repo, image.layers[0])).status == 200      # nginx sends it
        assert client.get(client.manifest(repo, "v1"), EVERYTHING).status == 200
        getattr(registry, how)()
        sink.up()
        registry.start()
        events = sink.wait_for(5)
        assert [event["action"] for event in events] == ["push"] * 3 + ["pull"] * 2
        assert digests(events) == [image.config, *image.layers, image.digest, image.layers[0], image.digest]
        registry.stop()
        assert len(sink.events) == 5
    finally:
        registry.close()


def test_kill_9_while_delivering_repeats_at_most_one(repo):
    with Sink(delay=0.02) as sink:
        registry = Registry(notifying(sink.endpoint()))
        try:
            expected, kills = [], 4
            for round_number in range(kills):
                registry.start()
                client = Client(registry)
                expected += [mark(client, repo, f"{round_number} {i}") for i in range(15)]
                registry.kill()
            registry.start()
            until(lambda: expected[-1] in digests(sink.events), lambda: sink.events)
            seen = digests(sink.events)
            assert [key for key, _ in itertools.groupby(seen)] == expected
            assert len(seen) <= len(expected) + kills
        finally:
            registry.close()


def test_two_pools_deliver_once_and_in_order(sink, repo):
    first = Registry(notifying(sink.endpoint()))
    with running(first), running(Registry(notifying(sink.endpoint()), root=first.root)) as second:
        clients = [Client(first), Client(second)]
        expected = [mark(clients[i % 2], repo, f"{i}") for i in range(40)]
        assert digests(sink.wait_for(40)) == expected


def test_another_pool_takes_over(sink, repo):
    first = Registry(notifying(sink.endpoint()))
    try:
        first.start()
        with running(Registry(notifying(sink.endpoint()), root=first.root)) as second:
            expected = [mark(Client(second), repo, "one")]
            sink.wait_for(1)
            sink.down()
            expected += [mark(Client(first), repo, f"of the first {i}") for i in range(3)]
            first.kill()
            sink.up()
            expected.append(mark(Client(second), repo, "last"))
            assert digests(sink.wait_for(5)) == expected
    finally:
        first.kill()
        first.close()


def test_a_new_address_gets_what_the_old_one_did_not_take(sink, repo):
    registry = Registry(notifying(sink.endpoint(url="http://127.0.0.1:9/")))
    try:
        registry.start()
        expected = mark(Client(registry), repo, "x")
        registry.stop()
        registry.config["notifications"]["endpoints"][0]["url"] = sink.url
        registry.start()
        assert digests(sink.wait_for(1)) == [expected]
        registry.stop()
    finally:
        registry.close()


def test_a_damaged_queue_costs_what_is_damaged(sink, repo):
    registry = Registry(notifying(sink.endpoint()))
    sink.down()
    try:
        registry.start()
        expected = [mark(Client(registry), repo, f"{i}") for i in range(3)]
        registry.stop()
        segment = next(queue_of(registry).glob("*.log"))
        lines = segment.read_bytes().splitlines(keepends=True)
        segment.write_bytes(lines[0] + lines[1].replace(b"push", b"pusH") + lines[2] + b"half a li")
        sink.up()
        registry.start()
        expected.append(mark(Client(registry), repo, "after"))
        assert digests(sink.wait_for(3)) == [expected[0], *expected[2:]]
        assert "a damaged event is passed over" in registry.log()
        registry.stop()
    finally:
        registry.close()


def test_a_full_queue_refuses_pulls_first(repo):
    """1 MiB, the least: pulls stop at three quarters of it, and requests go on."""
    config = notifying({"name": "sink", "url": "http://127.0.0.1:9/"}) | {
        "berth": {"notifications": {"maxqueue": 1 << 20}}}
    with running(Registry(config)) as registry:
        client = Client(registry)
        image = client.make_image(repo, tag="v1", media_type=DOCKER_MANIFEST)
        queue = queue_of(registry)
        segment = next(queue.glob("*.log"))
        line = segment.read_bytes().splitlines(keepends=True)[0]
        with segment.open("ab") as file:
            file.write(line * ((1 << 20) * 7 // 8 // len(line)))
        size = segment.stat().st_size
        until(lambda: client.get(client.manifest(repo, "v1"), EVERYTHING).status == 200 and
              "an event is lost" in registry.log(), registry.log)
        size = segment.stat().st_size
        assert client.get(client.blob(repo, image.layers[0])).status == 200
        assert segment.stat().st_size == size
        mark(client, repo, "still taken")
        assert segment.stat().st_size > size
        assert registry.log().count("an event is lost") == 1


def test_sigterm_delivers_what_it_can(repo):
    with Sink(delay=0.05) as sink:
        with running(Registry(notifying(sink.endpoint()))) as registry:
            expected = [mark(Client(registry), repo, f"{i}") for i in range(5)]
        assert digests(sink.events) == expected


@pytest.mark.parametrize("endpoint, complaint", [
    ({"name": "a", "url": "sink.example/x"}, "endpoints[0].url: (secret): allowed is an http or https URL"),
    ({"name": "a"}, "notifications.endpoints[0]: (a map): allowed is a map with url"),
    ({"name": "twice", "url": "http://a/"}, 'endpoints[1].name: "twice": allowed is a name that no other endpoint has'),
    ({"name": "a", "url": "http://a/", "timeout": "soon"}, 'endpoints[0].timeout: "soon": allowed is a time'),
])
def test_bad_config_is_refused_by_name(endpoint, complaint):
    endpoints = [endpoint] * (2 if endpoint["name"] == "twice" else 1)
    with pytest.raises(RuntimeError, match=re.escape(complaint)):
        Registry(notifying(*endpoints)).start()


def test_a_header_that_no_request_can_have_is_left_out(sink, repo):
    """docker-registry starts with it, and fails to post anything."""
    headers = {"Bad Name": ["s3cret"], "X-Good": ["yes"]}
    with running(Registry(notifying(sink.endpoint(headers=headers)))) as registry:
        until(lambda: "without effect" in registry.log(), registry.log)
        assert "s3cret" not in registry.log()
        mark(Client(registry), repo, "x")
        sink.wait_for(1)
    assert sink.attempts[0][0]["X-Good"] == "yes"


def test_sighup_keeps_delivering(sink, repo):
    with running(Registry(notifying(sink.endpoint()))) as registry:
        client = Client(registry)
        expected = [mark(client, repo, "before")]
        registry.send_signal(signal.SIGHUP)
        expected += [mark(client, repo, f"after {i}") for i in range(5)]
        assert digests(sink.wait_for(6)) == expected
