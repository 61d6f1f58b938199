"""GET /v2/ and what surrounds the routes: version check, liveness, connections (spec: v2 API §1, §2, §9)."""
import http.client

import pytest

from expect import API_VERSION, Case, assert_head_parity, assert_methods, cases, differs, run

PLAIN_MUX = "its base handler takes any method"


@cases(
    Case("version check", "GET /v2/", 200, body=b"{}",
         replies={"Docker-Distribution-Api-Version": API_VERSION, "Content-Type": "application/json*",
                  "Content-Length": "2"}),
    Case("query is ignored", "GET /v2/?service=x&n=-1", 200, body=b"{}"),
    Case("authorization is ignored", "GET /v2/", 200, sends={"Authorization": "Basic dTpw"}, body=b"{}"),
    Case("head", "HEAD /v2/", 200, body=b"", replies={"Docker-Distribution-Api-Version": API_VERSION}),
    Case("accept is ignored", "GET /v2/", 200, sends={"Accept": "text/html"}, body=b"{}"),
    Case("no compression", "GET /v2/", 200, sends={"Accept-Encoding": "gzip, br, zstd"}, body=b"{}",
         replies={"Content-Encoding": None}),
    Case("post", "POST /v2/", 405, "UNSUPPORTED", differs=PLAIN_MUX),
    Case("put", "PUT /v2/", 405, "UNSUPPORTED", differs=PLAIN_MUX),
    Case("patch", "PATCH /v2/", 405, "UNSUPPORTED", differs=PLAIN_MUX),
    Case("delete", "DELETE /v2/", 405, "UNSUPPORTED", differs=PLAIN_MUX),
)
def test_version_check(client, case):
    run(client, case)


def test_version_check_head_parity(client):
    assert_head_parity(client, "/v2/")


@differs("its base handler takes any method and names none")
@pytest.mark.parametrize("method", ["OPTIONS", "POST", "DELETE"])
def test_version_check_allows(client, method):
    reply = client.request(method, "/v2/")
    assert reply.status == (200 if method == "OPTIONS" else 405)
    assert_methods(reply, "GET", "HEAD")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_liveness_answers_outside_the_api(client, method):
    reply = client.request(method, "/")
    assert reply.status == 200
    assert reply.header("Cache-Control") == "no-cache"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_v2_without_slash_redirects(client, method):
    reply = client.request(method, "/v2")
    assert reply.status == 301
    assert client.path_of(reply.header("Location")) == "/v2/"


@pytest.mark.parametrize("target", ["/V2/", "/v3/", "/v22/", "/health", "/index.html", "/nginx_status",
                                    "/.well-known/x", "/blobs/x", "/_catalog", "/v2_catalog"])
def test_paths_outside_the_api_are_not_found(client, target):
    assert client.get(target).status == 404


# Connections


def test_http_1_0_without_host(client):
    reply = client.raw(b"GET /v2/ HTTP/1.0\r\n\r\n")
    assert (reply.status, reply.body) == (200, b"{}")


def test_http_1_1_needs_a_host(client):
    reply = client.raw(b"GET /v2/ HTTP/1.1\r\n\r\n")
    assert reply.status == 400


def test_absolute_request_target(client):
    reply = client.raw(b"GET http://localhost/v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (reply.status, reply.body) == (200, b"{}")


def test_a_connection_serves_many_requests(client):
    connection = client.connect()
    for _ in range(5):
        connection.request("GET", "/v2/")
        used = connection.sock
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"{}")
        assert connection.sock is used, "the connection was closed between requests"
    connection.close()


def test_a_connection_survives_an_error_reply(client):
    connection = client.connect()
    connection.request("GET", "/v2/no/such/tags/list")
    used = connection.sock
    assert connection.getresponse().read()
    connection.request("GET", "/v2/")
    assert connection.sock is used
    assert connection.getresponse().status == 200
    connection.close()


def test_pipelined_requests_are_answered_in_order(client):
    with client.open_socket() as connection:
        connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\nGET /v2/a/b/tags/list HTTP/1.1\r\nHost: x\r\n"
                           b"Connection: close\r\n\r\n")
        received = b""
        while data := connection.recv(65536):
            received += data
    statuses = [line.split()[1] for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    # The second status line follows the body of the first reply without a line break.
    assert statuses[0] == b"200" and received.count(b"HTTP/1.1 404") == 1


def test_connection_close_is_honoured(client):
    with client.open_socket() as connection:
        connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.read() == b"{}"
        assert connection.recv(1) == b""
