"""What berth logs: one line a request with the bytes really sent, the id that joins it to the reply and to the pool's
own lines, three forms, and never a secret."""
import base64
import json
import os
import re
import signal
import socket

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


NO_UTF8 = b"x\xff\xfey"


@pytest.mark.parametrize("formatter", ["json", "logstash"])
def test_bytes_that_are_no_utf8(formatter):
    """Whatever a client chose: the line is JSON, and what is UTF-8 is kept."""
    with running(Registry({"log": {"formatter": formatter}})) as registry:
        host = b"Host: localhost\r\n"
        for request in (b"GET /v2/ HTTP/1.1\r\nUser-Agent: %b\r\nReferer: %b\r\n" % (NO_UTF8, NO_UTF8) + host,
                        b"GET /v2/%b?%b HTTP/1.1\r\n" % (NO_UTF8, NO_UTF8) + host,
                        b"GET /v2/ HTTP/1.1\r\nHost: \xffa\r\n",
                        b"GET /v2/ HTTP/1.1\r\nAuthorization: Basic %b\r\n" % base64.b64encode(NO_UTF8 + b":p") + host,
                        b"GE\xffT /v2/ HTTP/1.1\r\n" + host,
                        b"GET /v2/ HTTP/1.1\r\nReferer: M\xfcller\r\n" + host,
                        b"GET /v2/ HTTP/1.1\r\nReferer: a\xffb\xffc\xffd\xffe\xfff\r\n" + host,
                        b"GET /v2/ HTTP/1.1\r\nUser-Agent: \xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80\r\n" + host):
            with socket.create_connection((registry.host, registry.port), harness.REPLY_SECONDS) as connection:
                connection.sendall(request + b"Connection: close\r\n\r\n")
                while connection.recv(65536):
                    pass
        # Each worker of nginx writes its own lines, up to a second later.
        for text in ("\U0001f600", '"useragent":"x\ufffdy"', "/v2/x\ufffdy", "M\ufffdller",
                     "\ufffde"):
            wait_for(registry, text)
        lines = [json.loads(line) for line in registry.log_file.read_bytes().splitlines() if b'"request"' in line]
        assert any(line["useragent"] == line["referer"] == "x\ufffdy" for line in lines)
        assert any(line["useragent"] == "\u00e9\u65e5\U0001f600" for line in lines)
        assert {line["user"] for line in lines} == {""}, "a name that is only claimed is nobody's"
        assert any(line["uri"].startswith("/v2/x\ufffdy") for line in lines)
        assert {"M\ufffdller", "a\ufffdb\ufffdc\ufffdd\ufffde"} <= {line["referer"] for line in lines}


def test_who_it_was_behind_a_proxy():
    """Believed of proxies that the config names, and of nobody else."""
    for trusted, client, proxy in ((["127.0.0.0/8", "10.0.0.1"], "203.0.113.7", "127.0.0.1"),
                                   (["10.0.0.0/8"], "127.0.0.1", "127.0.0.1"), ([], "127.0.0.1", None)):
        with running(Registry({"log": {"formatter": "json"}, "berth": {"trustedproxies": trusted}})) as registry:
            reply = Client(registry).get("/v2/", {"X-Forwarded-For": "198.51.100.1, 203.0.113.7, 10.0.0.1"})
            line = access_line(registry, reply)
            assert (line["client"], line.get("proxy")) == (client, proxy)


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
    json_registry.send_signal(signal.SIGSTOP)   # or it would make the socket again
    socket.rename(socket.with_suffix(".away"))
    assert json_registry.pools() and client.patch(location, body=b"lost").status == 502
    socket.with_suffix(".away").rename(socket)
    json_registry.send_signal(signal.SIGCONT)
    wait_for(json_registry, '"from":"nginx"')
    assert state not in json_registry.log()
    assert "_state=(hidden)" in json_registry.log()
