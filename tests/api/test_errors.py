"""Routes, names, methods and the form of errors, across the endpoints (spec: v2 API §1, §7)."""
import pytest

from expect import ERRORS, Case, assert_error, assert_head_parity, assert_methods, cases, differs, run
from harness import OCI_INDEX, OCI_MANIFEST, OCTETS, digest, image_manifest

UNKNOWN = digest(b"never pushed")
EMPTY_INDEX = b'{"schemaVersion": 2, "manifests": []}'
PLAIN_404 = "its unknown routes are plain text"
PLAIN_405 = "its 405 is plain text"

# What follows the name in each route that has one.
ROUTES = {
    "tags": ("GET", "tags/list"),
    "manifest by tag": ("GET", "manifests/latest"),
    "manifest by digest": ("GET", f"manifests/{UNKNOWN}"),
    "put manifest": ("PUT", "manifests/latest"),
    "delete manifest": ("DELETE", f"manifests/{UNKNOWN}"),
    "blob": ("GET", f"blobs/{UNKNOWN}"),
    "delete blob": ("DELETE", f"blobs/{UNKNOWN}"),
    "start upload": ("POST", "blobs/uploads/"),
}
routes = pytest.mark.parametrize("route", ROUTES)


def send(client, name, route):
    method, rest = ROUTES[route]
    body = EMPTY_INDEX if method == "PUT" else None
    return client.request(method, f"/v2/{name}/{rest}", {"Content-Type": OCI_INDEX}, body)


# Names


INVALID_NAMES = {
    "upper case": "Team/app", "upper case later": "team/App", "leading dot": ".team", "trailing dot": "team.",
    "leading dash": "-team", "trailing dash": "team-", "leading underscore": "_team", "trailing underscore": "team_",
    "two dots": "te..am", "three underscores": "te___am", "dot and dash": "te.-am", "dash and underscore": "te-_am",
    "plus": "te+am", "at": "team@app", "tilde": "~team", "star": "team*", "space": "te%20am", "percent": "te%25am",
    "umlaut": "t%C3%A4m", "bad utf-8": "te%ffam", "dollar": "$team", "comma": "a,b", "hidden directory": "team/_layers",
    "quote": "te%22am", "256 characters": "a" * 256, "256 in components": "a/" + "b" * 254,
    "1000 characters": "a" * 1000,
}


@differs("it has no route for some, and answers 500 to others")
@routes
@pytest.mark.parametrize("name", INVALID_NAMES.values(), ids=INVALID_NAMES)
def test_invalid_name(client, name, route):
    assert_error(send(client, name, route), 400, "NAME_INVALID")


@differs("its storage refuses the colon with 500, or it has no route")
@routes
@pytest.mark.parametrize("name", ["host:5000/team", "Host.example/team", "HOST/team"])
def test_name_with_a_host(client, name, route):
    assert_error(send(client, name, route), 400, "NAME_INVALID")


@differs("it has no route for it")
@pytest.mark.parametrize("name", ["UPPER", "a" * 256])
def test_invalid_name_by_head(client, name):
    for rest in ("manifests/latest", f"blobs/{UNKNOWN}"):
        reply = client.head(f"/v2/{name}/{rest}")
        assert (reply.status, reply.body) == (400, b"")


VALID_NAMES = {
    "one character": "a", "a digit": "0", "digits": "2024/01", "all separators": "a.b/a_b/a__b/a-b/a--b/a---b",
    "mixed": "a.b_c-d__e", "255 characters": "n" * 255, "255 in components": "m/" + "n" * 253,
    "128 components": "/".join("d" * 128), "named as a route": "manifests", "tags": "tags", "blobs": "blobs",
    "uploads": "uploads", "v2": "v2", "tags list": "tags/list", "manifest within": "a/manifests/b",
    "blobs within": "a/blobs/b", "uploads within": "a/blobs/uploads", "tags within": "a/tags/list/b",
    "catalog": "catalog", "an index file": "index.html", "docker tree": "docker/registry/v2/repositories",
}


@pytest.mark.parametrize("name", [
    pytest.param(name, id=id, marks=differs("it counts a host in front of the name") if len(name) == 255 else [])
    for id, name in VALID_NAMES.items()])
def test_valid_name(client, name):
    """Every endpoint finds the name, though it may look like a route."""
    blob = client.push_blob(name, b"blob")
    client.fetch_blob(name, blob)
    assert client.put_manifest(name, "v1", EMPTY_INDEX, OCI_INDEX).status == 201
    reply = client.get(client.manifest(name, "v1"), {"Accept": OCI_INDEX})
    assert (reply.status, reply.body) == (200, EMPTY_INDEX)
    assert client.get(client.tags(name)).json() == {"name": name, "tags": ["v1"]}
    assert client.delete(client.start_upload(name)).status == 204


# Paths


@pytest.mark.parametrize("target", [
    "/v2/x", "/v2/x/", "/v2/team/app", "/v2/team/app/", "/v2/team/tags", "/v2/team/tags/", "/v2/team/tags/other",
    "/v2/team/tags/list/more", "/v2/team/manifests", "/v2/team/unknown/x", "/v2/_unknown", "/v2/_catalog/more",
    "/v2/tags/list", "/v2/team/manifests/a/b", "/v2/team/app/list", "/v2/v2/", "/v2/team/blobs",
    "/v2/team/blobs/uploads/a/b", "/v2/favicon.ico", "/v2/index.html"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_unknown_path(client, method, target):
    reply = client.request(method, target)      # the client checks that the body is an error envelope
    assert reply.status == 404


def test_unknown_path_by_head(client):
    reply = client.head("/v2/team/unknown/x")
    assert (reply.status, reply.body) == (404, b"")


@cases(
    Case("tags", "GET /v2/team/app/tags/list/", 301, replies={"Location": "/v2/team/app/tags/list"}),
    Case("catalog", "GET /v2/_catalog/", 301, replies={"Location": "/v2/_catalog"}),
    Case("uploads by post", "POST /v2/team/app/blobs/uploads", 301,
         replies={"Location": "/v2/team/app/blobs/uploads/"}),
    Case("query of tags", "GET /v2/team/app/tags/list/?n=5&last=x", 301,
         replies={"Location": "/v2/team/app/tags/list?n=5&last=x"}),
    Case("query of catalog", "GET /v2/_catalog/?n=5", 301, replies={"Location": "/v2/_catalog?n=5"}),
    Case("query of uploads", "POST /v2/team/app/blobs/uploads?mount=a&from=b", 301,
         replies={"Location": "/v2/team/app/blobs/uploads/?mount=a&from=b"}),
    Case("base", "GET /v2", 301, replies={"Location": "/v2/"}),
)
def test_slash_redirects(client, case):
    method, target = case.request.split(" ")
    reply = client.request(method, target)
    assert reply.status == 301, reply
    assert client.path_of(reply.header("Location")) == case.replies["Location"]


# Methods


ALLOWED = {
    "/v2/": {"GET", "HEAD"},
    "/v2/_catalog": {"GET", "HEAD"},
    "/v2/team/app/tags/list": {"GET", "HEAD"},
    "/v2/team/app/manifests/latest": {"GET", "HEAD", "PUT", "DELETE"},
    f"/v2/team/app/manifests/{UNKNOWN}": {"GET", "HEAD", "PUT", "DELETE"},
    f"/v2/team/app/blobs/{UNKNOWN}": {"GET", "HEAD", "DELETE"},
    "/v2/team/app/blobs/uploads/": {"POST"},
    "/v2/team/app/blobs/uploads/00000000-0000-4000-8000-000000000000": {"GET", "HEAD", "PATCH", "PUT", "DELETE"},
}
EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "MKCOL", "COPY", "MOVE", "LOCK", "PURGE",
                "FOO"]


@pytest.mark.parametrize("method, target", [
    pytest.param(method, target, marks=differs("its lists do not take HEAD") if method == "HEAD"
                 and target.endswith(("_catalog", "list")) else [])
    for target, methods in ALLOWED.items() for method in sorted(methods)])
def test_allowed_method(client, method, target):
    assert client.request(method, target).status != 405


@differs(PLAIN_405)
@pytest.mark.parametrize("method, target", [
    (method, target) for target, methods in ALLOWED.items() for method in EVERY_METHOD if method not in methods])
def test_method_that_is_not_allowed(client, method, target):
    reply = client.request(method, target)
    assert reply.status == 405
    assert method == "HEAD" or reply.codes == ["UNSUPPORTED"]
    assert_methods(reply, *ALLOWED[target])


# The error table


@pytest.fixture
def upload(client, repo):
    return client.append(client.start_upload(repo), b"12345")


def assert_table_row(reply, code):
    status, message = ERRORS[code]
    assert_error(reply, status, code)
    assert reply.json()["errors"][0]["message"] == message


@cases(
    Case("blob unknown", f"GET /v2/{{repo}}/blobs/{UNKNOWN}", 404, "BLOB_UNKNOWN"),
    Case("manifest unknown", "GET /v2/{repo}/manifests/latest", 404, "MANIFEST_UNKNOWN"),
    Case("name unknown", "GET /v2/{repo}/tags/list", 404, "NAME_UNKNOWN"),
    Case("name invalid", "POST /v2/UPPER/blobs/uploads/", 400, "NAME_INVALID", differs=PLAIN_404),
    Case("digest invalid", f"GET /v2/{{repo}}/blobs/sha256:{'0' * 63}", 400, "DIGEST_INVALID"),
    Case("tag invalid", "PUT /v2/{repo}/manifests/.x", 400, "TAG_INVALID", differs=PLAIN_404),
    Case("manifest invalid", "PUT /v2/{repo}/manifests/x", 400, "MANIFEST_INVALID", data=b"{",
         sends={"Content-Type": OCI_MANIFEST}),
    Case("upload unknown", "GET /v2/{repo}/blobs/uploads/0000", 404, "BLOB_UPLOAD_UNKNOWN",
         differs="its status needs the state token"),
    Case("upload invalid", "PATCH /v2/{repo}/blobs/uploads/0000?_state=x", 404, "BLOB_UPLOAD_INVALID",
         data=b"x", sends={"Content-Type": OCTETS}),
    Case("page size", "GET /v2/_catalog?n=100000", 400, "PAGINATION_NUMBER_INVALID"),
    Case("unsupported", "POST /v2/_catalog", 405, "UNSUPPORTED", differs=PLAIN_405),
)
def test_default_message(client, repo, case):
    assert_table_row(run(client, case, repo=repo), case.code)


@differs("it ignores Content-Range")
@pytest.mark.parametrize("content_range, code", [("0-4", "RANGE_INVALID"), ("5-99", "SIZE_INVALID")])
def test_default_message_of_chunks(client, upload, content_range, code):
    assert_table_row(client.patch(upload, {"Content-Type": OCTETS, "Content-Range": content_range}, b"xxxxx"), code)


def test_default_message_of_a_mismatch(client, upload):
    assert_table_row(client.finish_upload(upload, UNKNOWN), "DIGEST_INVALID")


def test_default_message_of_a_missing_blob(client, repo):
    body = image_manifest(OCI_MANIFEST, b"{}", [])
    assert_table_row(client.put_manifest(repo, "x", body), "MANIFEST_BLOB_UNKNOWN")


@pytest.mark.parametrize("target", [
    f"/v2/team/app/blobs/{UNKNOWN}", "/v2/team/app/manifests/latest", f"/v2/team/app/manifests/{UNKNOWN}",
    "/v2/team/app/blobs/sha256:" + "0" * 63])
def test_head_has_the_headers_of_the_error_but_no_body(client, target):
    assert_head_parity(client, target)
