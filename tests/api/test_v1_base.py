"""The v1 API: ping, users, search, and the replies' manners (spec: v1 API §1, §2)."""
import json

import pytest

from expect import differs

pytestmark = differs("it has no v1 face")

UNCACHED = {"Cache-Control": "no-cache", "Pragma": "no-cache", "Expires": "-1"}


@pytest.mark.parametrize("path", ["/v1/_ping", "/v1/_ping/", "/_ping"])
def test_ping(client, path):
    reply = client.get(path)
    assert (reply.status, reply.json()) == (200, {})
    assert reply.header("X-Docker-Registry-Version") == "0.9.1"     # docker 0.9 aborts without it
    assert reply.header("X-Docker-Registry-Standalone").lower() == "true"
    assert {name: reply.header(name) for name in UNCACHED} == UNCACHED
    head = client.head(path)
    assert (head.status, head.body, head.header("Content-Length")) == (200, b"", str(len(reply.body)))


def test_ping_ignores_whatever_is_sent_as_a_token(client):
    assert client.get("/v1/_ping", {"Authorization": "Token signature=x,repository=\"a/b\",access=write"}).status == 200


@pytest.mark.parametrize("request_line, status, error", [
    ("GET /v1/nothing", 404, "Not found"),
    ("GET /v1/", 404, "Not found"),
    ("GET /v1/images", 404, "Not found"),
    ("GET /v1/images/../../etc", 404, "Not found"),
    ("DELETE /v1/_ping", 405, "Method not allowed"),
    ("POST /v1/images/%s/json" % ("0" * 64), 405, "Method not allowed"),
    ("GET /v1/images/0123/json", 404, "Invalid image ID"),
    ("GET /v1/images/%s/json" % ("A" * 64), 404, "Invalid image ID"),
    ("GET /v1/images/%s/json" % ("0" * 64), 404, "Image not found"),
    ("GET /v1/images/%s/layer" % ("0" * 64), 404, "Image not found"),
    ("GET /v1/images/%s/ancestry" % ("0" * 64), 404, "Image not found"),
    ("GET /v1/images/%s/files" % ("0" * 64), 404, "Image not found"),
    ("GET /v1/images/%s/diff" % ("0" * 64), 400, "Diff queue is disabled"),
    ("GET /v1/repositories/no/such/images", 404, "images not found"),
    ("GET /v1/repositories/no/such/tags", 404, "Repository not found"),
    ("GET /v1/repositories/no/such/tags/x", 404, "Tag not found"),
    ("GET /v1/repositories/no/such/tags/.x", 404, "Tag not found"),
    ("DELETE /v1/repositories/no/such/tags/x", 404, "Tag not found"),
    ("DELETE /v1/repositories/no/such", 404, "Repository not found"),
    ("DELETE /v1/repositories/no/such/tags", 404, "Repository not found"),
    ("GET /v1/repositories/UPPER/case/tags", 400, "invalid repository name"),
])
def test_errors(client, request_line, status, error):
    method, path = request_line.split()
    reply = client.request(method, path)
    assert reply.status == status, reply
    assert set(reply.json()) == {"error"}, reply
    assert reply.json()["error"] == error, reply
    assert reply.header("X-Docker-Registry-Version") == "0.9.1"
    assert (status == 405) == (reply.header("Allow") is not None)


def test_users(client):
    assert client.get("/v1/users").body == b'"OK"'
    assert client.get("/v1/users/", {"Authorization": "Basic YTpi"}).status == 200
    document = json.dumps({"username": "a", "password": "b", "email": "c"}).encode()
    for path in ("/v1/users", "/v1/users/"):
        reply = client.post(path, {"Content-Type": "application/json"}, document)
        assert (reply.status, reply.body) == (201, b'"User Created"')
    assert client.put("/v1/users/a/", body=b"{}").status == 204
    for wrong in (b"", b"[]", b"{", b'{"username":"a"}', b'{"username":1,"password":"b","email":"c"}'):
        assert client.post("/v1/users/", body=wrong).status == 400, wrong


def test_search(client):
    for name in ("search/one", "search/two", "research", "other/name"):
        client.make_image(name, tag="latest")

    def names(query):
        reply = client.get("/v1/search?" + query)
        assert reply.status == 200, reply
        return [result["name"] for result in reply.json()["results"]]

    assert names("q=search") == ["research", "search/one", "search/two"]
    assert names("q=SEARCH%2FO") == ["search/one"]
    assert names("q=library/research") == ["research"]
    assert names("q=nothing-like-it") == []
    assert names("q=search&n=2") == ["research", "search/one"]
    assert names("q=search&n=2&page=2") == ["search/two"]
    assert names("q=search&n=2&page=3") == []
    assert names("q=search&n=junk&page=-1") == names("q=search")
    assert set(names("")) >= {"research", "other/name"}
    document = client.get("/v1/search?q=search&n=2").json()
    assert document == {**document, "query": "search", "num_results": 3, "num_pages": 2, "page_size": 2, "page": 1}
    assert document["results"][0] == {"name": "research", "description": "", "star_count": 0, "is_official": False,
                                      "is_trusted": False, "is_automated": False}
