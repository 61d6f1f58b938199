"""What berth logs: one line a request with the bytes really sent, the id that joins it to the reply and to the pool's
own lines, three forms, and never a secret."""
import json
import os
import re

import pytest

import harness
from conftest import running
from harness import Client, Registry, digest, wait_until

pytestmark = pytest.mark.differs("its own lines")


def wait_for(registry, pattern):
    wait_until(lambda: re.search(pattern, registry.log()), lambda: f"{pattern} in:\n{registry.log()}",
               harness.START_SECONDS)


def access_line(registry, reply):
    """The access line of a reply, as JSON."""
    request = reply.header("X-Request-Id")
    assert re.fullmatch("[0-9a-f]{32}", request)
    wait_for(registry, f'"msg":"request","request":"{request}"')
    lines = [json.loads(line) for line in registry.log().splitlines() if request in line and '"msg":"request"' in line]
    assert len(lines) == 1, "one line a request"
    return lines[0]


@pytest.fixture
def json_registry():
    with running(Registry({"log": {"formatter": "json", "level": "debug",
                                   "fields": {"service": "registry", "odd": "a \"b\" \\ $c; 'd'"}}})) as registry:
        yield registry


def test_a_pull_is_logged_with_what_was_sent(json_registry):
    client = Client(json_registry)
    blob = os.urandom(300_000)
    pushed = client.push_blob("team/app", blob)
    line = access_line(json_registry, client.get(client.blob("team/app", pushed)))
    assert (line["status"], line["sent"], line["repository"], line["digest"]) == ("200", 300_000, "team/app", pushed)
    assert (line["service"], line["odd"]) == ("registry", "a \"b\" \\ $c; 'd'")
    assert line["seconds"] >= 0 and line["pool_seconds"] == "", "nginx did not ask the pool"
    line = access_line(json_registry, client.get(client.blob("team/app", pushed), headers={"Range": "bytes=0-99"}))
    assert (line["status"], line["sent"]) == ("206", 100)
    assert float(line["pool_seconds"]) >= 0
    line = access_line(json_registry, client.get(client.blob("team/app", digest(b"absent"))))
    assert (line["status"], line["repository"]) == ("404", "team/app")


def test_every_line_is_json_and_none_has_a_secret(json_registry):
    client = Client(json_registry)
    location = client.start_upload("team/app")
    state = re.search("_state=([^&]+)", location)[1]
    client.get("/v2/", headers={"Authorization": "Basic dXNlcjpzM2NyZXQ="})
    client.get("/v2/", headers={"Authorization": "Bearer t0ken"})
    client.patch(location.replace("_state", "%5Fstate"), body=b"hidden too")
    client.patch(location, body=b"x" * 100)
    for query in ("access_token=s3cret", "n=1&TOKEN=s3cret", "password=s3cret&n=1", "X-Signature=s3cret"):
        client.get(f"/v2/team/app/tags/list?{query}")
    reply = client.get("/v2/team/app/tags/list?n=1&last=kept")
    assert access_line(json_registry, reply)["uri"].endswith("?n=1&last=kept")
    log = json_registry.log()
    assert state not in log and "dXNlcj" not in log and "s3cret" not in log and "t0ken" not in log
    for line in log.splitlines():
        assert isinstance(json.loads(line), dict), line


def test_the_pools_lines_have_the_id_of_the_request(json_registry):
    client = Client(json_registry)
    broken = digest(b"broken")
    client.push_blob("team/app", b"blob")
    link = json_registry.v2_root / "repositories/team/app/_layers/sha256" / broken.removeprefix("sha256:") / "link"
    link.parent.mkdir()
    link.write_text("rubbish")
    reply = client.get(client.blob("team/app", broken))
    assert reply.status == 404
    request = reply.header("X-Request-Id")
    access_line(json_registry, reply)
    assert [line for line in json_registry.log().splitlines() if request in line and '"msg":"request"' not in line]


def test_text_is_the_combined_form():
    with running(Registry({"log": {"fields": {"environment": "test"}}})) as registry:
        client = Client(registry)
        request = client.get("/v2/").header("X-Request-Id")
        wait_for(registry, request)
        line = next(line for line in registry.log().splitlines() if request in line)
        assert re.match(r'127\.0\.0\.1 - - \[[^]]+\] "GET /v2/ HTTP/1\.1" 200 2 "-" "[^"]*" request=' + request +
                        r' repository=- digest=- received=\d+ seconds=[\d.]+ pool_seconds=[\d.]+ environment="test"$',
                        line), line
        wait_for(registry, r'(?m)^time="[^"]+Z" level=info msg="listening on ')    # it answers before it says so


def test_no_access_log():
    with running(Registry({"log": {"accesslog": {"disabled": True}}})) as registry:
        request = Client(registry).get("/v2/").header("X-Request-Id")
        registry.stop()
        assert request not in registry.log()


def test_nginx_logs_in_our_form_and_without_states(json_registry):
    """A pool that is gone makes nginx complain, with the request line in it."""
    client = Client(json_registry)
    location = client.start_upload("team/app")
    state = re.search("_state=([^&]+)", location)[1]
    socket = next(json_registry.directory.rglob("pool.sock"))
    socket.rename(socket.with_suffix(".away"))
    assert json_registry.pools() and client.patch(location, body=b"lost").status == 502
    wait_for(json_registry, '"from":"nginx"')
    assert state not in json_registry.log()
    assert "_state=(hidden)" in json_registry.log()
