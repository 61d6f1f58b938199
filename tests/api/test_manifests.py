"""Manifests: PUT, GET, HEAD and DELETE by tag and by digest (spec: v2 API §1, §2, §4, §5)."""
import json

import pytest

from documents import LIMIT, OF_IMAGE, OF_INDEX, index, manifest_of_size
from expect import Case, assert_error, assert_head_parity, assert_methods, cases, differs, run
from harness import (DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Client, digest, image_manifest)

UNKNOWN = digest(b"never pushed")
EVERYTHING = ", ".join([DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX])
ACCEPT = {"Accept": EVERYTHING}
NO_ROUTE = "its route does not match, which is a plain-text 404"

image_types = pytest.mark.parametrize("media_type", OF_IMAGE, ids=OF_IMAGE.values())
index_types = pytest.mark.parametrize("media_type", OF_INDEX, ids=OF_INDEX.values())


@pytest.fixture(scope="module")
def stored(registry):
    """A repository with one image under the tag v1, for the tests that only read."""
    image = Client(registry).make_image("manifests/stored", tag="v1", media_type=OCI_MANIFEST)
    return {"repo": "manifests/stored", "digest": image.digest, "body": image.manifest}


def assert_manifest(reply, body, media_type):
    assert (reply.status, reply.body) == (200, body), reply
    assert reply.header("Content-Type") == media_type
    assert reply.header("Content-Length") == str(len(body))
    assert reply.header("Docker-Content-Digest") == digest(body)
    assert reply.header("Etag") == f'"{digest(body)}"'


def assert_created(client, repo, reply, body):
    assert (reply.status, reply.body) == (201, b""), reply
    assert reply.header("Docker-Content-Digest") == digest(body)
    assert reply.header("Location") == f"{client.registry.url}/v2/{repo}/manifests/{digest(body)}"
    assert reply.header("Content-Length") == "0"


def unknown(client, repo, reference):
    reply = client.get(client.manifest(repo, reference), ACCEPT)
    return reply.status == 404 and reply.codes == ["MANIFEST_UNKNOWN"]


# PUT, then GET


@image_types
def test_put_by_tag(client, repo, media_type):
    image = client.make_image(repo, media_type=media_type)
    assert_created(client, repo, client.put_manifest(repo, "v1", image.manifest, media_type), image.manifest)
    for reference in ("v1", image.digest):
        assert_manifest(client.get(client.manifest(repo, reference), ACCEPT), image.manifest, media_type)


@image_types
def test_put_by_digest_sets_no_tag(client, repo, media_type):
    image = client.make_image(repo, media_type=media_type)
    reply = client.put_manifest(repo, image.digest, image.manifest, media_type)
    assert_created(client, repo, reply, image.manifest)
    assert_manifest(client.get(client.manifest(repo, image.digest), ACCEPT), image.manifest, media_type)
    assert unknown(client, repo, "latest")


@index_types
@pytest.mark.parametrize("by", ["tag", "digest"])
def test_put_index(client, repo, media_type, by):
    children = [(client.make_image(repo, tag=architecture), architecture) for architecture in ("amd64", "arm64")]
    body = index(media_type, children)
    reply = client.put_manifest(repo, "all" if by == "tag" else digest(body), body, media_type)
    assert_created(client, repo, reply, body)
    assert_manifest(client.get(client.manifest(repo, digest(body)), ACCEPT), body, media_type)
    for child, _ in children:
        assert_manifest(client.get(client.manifest(repo, child.digest), ACCEPT), child.manifest, child.media_type)


def test_index_of_indexes(client, repo):
    inner = index(OCI_INDEX, [(client.make_image(repo, media_type=OCI_MANIFEST), "amd64")])
    client.put_manifest(repo, digest(inner), inner, OCI_INDEX)
    outer = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        {"mediaType": OCI_INDEX, "digest": digest(inner), "size": len(inner)}]}).encode()
    assert_created(client, repo, client.put_manifest(repo, "outer", outer, OCI_INDEX), outer)
    assert_manifest(client.get(client.manifest(repo, "outer"), ACCEPT), outer, OCI_INDEX)


@pytest.mark.parametrize("layout", ["compact", "spaced", "unicode", "escaped", "line ends", "extra fields"])
def test_bytes_are_kept_verbatim(client, repo, layout):
    config, layer = b"{}", b"layer"
    client.push_blob(repo, config), client.push_blob(repo, layer)
    document = json.loads(image_manifest(OCI_MANIFEST, config, [layer], annotations={"name": "Käse ☃ 𝄞"}))
    body = {
        "compact": lambda: json.dumps(document, separators=(",", ":")),
        "spaced": lambda: "\n\t " + json.dumps(document, indent=7) + " \n\n",
        "unicode": lambda: json.dumps(document, ensure_ascii=False),
        "escaped": lambda: json.dumps(document, ensure_ascii=True).replace("layers", "l\\u0061yers"),
        "line ends": lambda: json.dumps(document, indent=1).replace("\n", "\r\n"),
        "extra fields": lambda: json.dumps(document | {"org.example": [1, 2.5e-3, None, True, {"deep": [[]]}]}),
    }[layout]().encode()
    assert_created(client, repo, client.put_manifest(repo, "v1", body), body)
    assert client.get(client.manifest(repo, "v1"), ACCEPT).body == body


@pytest.mark.parametrize("content_type", [f"{OCI_MANIFEST}; charset=utf-8", f"{OCI_MANIFEST};q=1", f" {OCI_MANIFEST} "])
def test_content_type_parameters_are_dropped(client, repo, stored, content_type):
    image = client.make_image(repo, media_type=OCI_MANIFEST)
    reply = client.put(client.manifest(repo, "v1"), {"Content-Type": content_type}, image.manifest)
    assert_created(client, repo, reply, image.manifest)


def test_chunked_put(client, repo):
    image = client.make_image(repo, media_type=OCI_MANIFEST)
    reply = client.put(client.manifest(repo, "v1"), {"Content-Type": OCI_MANIFEST},
                       iter([image.manifest[:10], image.manifest[10:]]))
    assert_created(client, repo, reply, image.manifest)


def test_put_twice(client, repo):
    image = client.make_image(repo, tag="v1")
    for reference in ("v1", image.digest):
        assert_created(client, repo, client.put_manifest(repo, reference, image.manifest, DOCKER_MANIFEST),
                       image.manifest)


@differs("it does not know ?tag=")
def test_put_by_digest_with_tags(client, repo):
    """OCI after 1.1.1: each ?tag= is set as well, and named in the reply."""
    image = client.make_image(repo, media_type=OCI_MANIFEST)
    reply = client.put(client.manifest(repo, image.digest) + "?tag=one&tag=two", {"Content-Type": OCI_MANIFEST},
                       image.manifest)
    assert_created(client, repo, reply, image.manifest)
    assert sorted(tag for line in reply.all("OCI-Tag") for tag in line.replace(" ", "").split(",")) == ["one", "two"]
    for tag in ("one", "two"):
        assert client.get(client.manifest(repo, tag), ACCEPT).body == image.manifest


def test_subject_need_not_exist(client, repo):
    client.push_blob(repo, b"{}")
    subject = {"mediaType": OCI_MANIFEST, "digest": UNKNOWN, "size": 12}
    body = image_manifest(OCI_MANIFEST, b"{}", [b"{}"], subject=subject, artifactType="application/vnd.example")
    assert_created(client, repo, client.put_manifest(repo, digest(body), body), body)


# GET and HEAD


FOUND = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": "{digest}", "Etag": '"{digest}"',
         "Content-Encoding": None}


@cases(
    Case("get by tag", "GET /v2/{repo}/manifests/v1", 200, sends=ACCEPT, replies=FOUND),
    Case("get by digest", "GET /v2/{repo}/manifests/{digest}", 200, sends=ACCEPT, replies=FOUND),
    Case("head by tag", "HEAD /v2/{repo}/manifests/v1", 200, sends=ACCEPT, replies=FOUND),
    Case("head by digest", "HEAD /v2/{repo}/manifests/{digest}", 200, sends=ACCEPT, replies=FOUND),
    Case("mirror query", "GET /v2/{repo}/manifests/v1?ns=docker.io", 200, sends=ACCEPT, replies=FOUND),
    Case("encoded digest", "GET /v2/{repo}/manifests/{encoded}", 200, sends=ACCEPT, replies=FOUND),
    Case("gzip offered", "GET /v2/{repo}/manifests/v1", 200, sends=ACCEPT | {"Accept-Encoding": "gzip, zstd"},
         replies=FOUND),
    Case("unknown tag", "GET /v2/{repo}/manifests/v2", 404, "MANIFEST_UNKNOWN", sends=ACCEPT),
    Case("tag differs in case", "GET /v2/{repo}/manifests/V1", 404, "MANIFEST_UNKNOWN", sends=ACCEPT),
    Case("unknown tag, head", "HEAD /v2/{repo}/manifests/v2", 404, sends=ACCEPT),
    Case("unknown digest", f"GET /v2/{{repo}}/manifests/{UNKNOWN}", 404, "MANIFEST_UNKNOWN", sends=ACCEPT),
    Case("unknown digest, head", f"HEAD /v2/{{repo}}/manifests/{UNKNOWN}", 404, sends=ACCEPT),
    Case("unknown repository", "GET /v2/no/such/manifests/v1", 404, "MANIFEST_UNKNOWN", sends=ACCEPT),
    Case("unknown repository, digest", "GET /v2/no/such/manifests/{digest}", 404, "MANIFEST_UNKNOWN", sends=ACCEPT),
    Case("parent repository", "GET /v2/manifests/manifests/v1", 404, "MANIFEST_UNKNOWN", sends=ACCEPT),
    Case("child repository", "GET /v2/{repo}/child/manifests/{digest}", 404, "MANIFEST_UNKNOWN", sends=ACCEPT),
    Case("not modified, tag", "GET /v2/{repo}/manifests/v1", 304, sends=ACCEPT | {"If-None-Match": '"{digest}"'},
         body=b""),
    Case("not modified, digest", "GET /v2/{repo}/manifests/{digest}", 304,
         sends=ACCEPT | {"If-None-Match": '"{digest}"'}),
    Case("not modified, bare", "GET /v2/{repo}/manifests/v1", 304, sends=ACCEPT | {"If-None-Match": "{digest}"}),
    Case("not modified, head", "HEAD /v2/{repo}/manifests/v1", 304, sends=ACCEPT | {"If-None-Match": '"{digest}"'}),
    Case("not modified before accept", "GET /v2/{repo}/manifests/v1", 304,
         sends={"Accept": DOCKER_MANIFEST, "If-None-Match": '"{digest}"'}),
    Case("modified", "GET /v2/{repo}/manifests/v1", 200, sends=ACCEPT | {"If-None-Match": f'"{UNKNOWN}"'},
         replies=FOUND),
    Case("match", "GET /v2/{repo}/manifests/v1", 200, sends=ACCEPT | {"If-Match": '"{digest}"'}, replies=FOUND),
    Case("match of any", "GET /v2/{repo}/manifests/v1", 200, sends=ACCEPT | {"If-Match": "*"}, replies=FOUND),
    Case("no match", "GET /v2/{repo}/manifests/v1", 412, "UNSUPPORTED", sends=ACCEPT | {"If-Match": f'"{UNKNOWN}"'},
         differs="it does not look at If-Match"),
    Case("no match, head", "HEAD /v2/{repo}/manifests/v1", 412, sends=ACCEPT | {"If-Match": f'"{UNKNOWN}"'},
         differs="it does not look at If-Match"),
    Case("match of the unknown", "GET /v2/{repo}/manifests/v2", 404, "MANIFEST_UNKNOWN",
         sends=ACCEPT | {"If-Match": "*"}),
    Case("no date", "GET /v2/{repo}/manifests/v1", 200, replies=FOUND,
         sends=ACCEPT | {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:01 GMT"}),
    Case("condition on the unknown", "GET /v2/{repo}/manifests/v2", 404, "MANIFEST_UNKNOWN",
         sends=ACCEPT | {"If-None-Match": '"{digest}"'}),
)
def test_fetch(client, stored, case):
    names = {"repo": stored["repo"], "digest": stored["digest"], "encoded": stored["digest"].replace(":", "%3A")}
    reply = run(client, case, **names)
    if reply.status == 200 and not case.request.startswith("HEAD"):
        assert reply.body == stored["body"]


@pytest.mark.parametrize("reference", ["v1", "{digest}"])
def test_head_parity(client, stored, reference):
    assert_head_parity(client, client.manifest(stored["repo"], reference.format(**stored)), ACCEPT)


def test_manifest_of_a_repository_without_manifests(client, repo):
    client.push_blob(repo, b"only a blob")
    assert unknown(client, repo, "latest")


@differs("it takes the layer for a manifest and answers 500")
def test_a_layer_is_no_manifest(client, repo):
    client.push_blob(repo, b"only a blob")
    assert unknown(client, repo, digest(b"only a blob"))


# Tags move


def test_retag(client, repo):
    old, new = (client.make_image(repo, layers=[layer], tag="latest") for layer in (b"old", b"new"))
    assert client.get(client.manifest(repo, "latest"), ACCEPT).body == new.manifest
    assert client.get(client.manifest(repo, old.digest), ACCEPT).body == old.manifest
    assert client.put_manifest(repo, "latest", old.manifest, old.media_type).status == 201
    assert client.get(client.manifest(repo, "latest"), ACCEPT).body == old.manifest


def test_many_tags_of_one_manifest(client, repo):
    image = client.make_image(repo)
    for tag in ("a", "b", "c"):
        client.put_manifest(repo, tag, image.manifest, image.media_type)
    assert sorted(client.get(client.tags(repo)).json()["tags"]) == ["a", "b", "c"]


# References


@cases(
    Case("128 characters", "a" * 128, 201),
    Case("one character", "x", 201),
    Case("every character", "_A.b-9", 201),
    Case("upper case", "LATEST", 201),
    Case("digits", "20240102", 201),
    Case("like a version", "1.2.3-rc.1_build", 201),
    Case("hex", "0" * 64, 201),
    Case("129 characters", "a" * 129, 400, differs=NO_ROUTE),
    Case("leading dot", ".a", 400, differs=NO_ROUTE),
    Case("leading dash", "-a", 400, differs=NO_ROUTE),
    Case("plus", "a+b", 400, differs=NO_ROUTE),
    Case("at", "a@b", 400, differs=NO_ROUTE),
    Case("space", "a%20b", 400, differs=NO_ROUTE),
    Case("percent", "a%25b", 400, differs=NO_ROUTE),
    Case("umlaut", "t%C3%A4g", 400, differs=NO_ROUTE),
    Case("star", "*", 400, differs=NO_ROUTE),
    Case("tilde", "~", 400, differs=NO_ROUTE),
)
def test_tag_grammar(client, repo, case):
    image = client.make_image(repo)
    reply = client.put_manifest(repo, case.request, image.manifest, image.media_type)
    assert reply.status == case.status
    if case.status == 201:
        assert client.get(client.manifest(repo, case.request), ACCEPT).body == image.manifest
    else:
        assert reply.codes == ["TAG_INVALID"]
        assert unknown(client, repo, case.request)
        assert client.head(client.manifest(repo, case.request)).status == 404
        assert_error(client.delete(client.manifest(repo, case.request)), 404, "MANIFEST_UNKNOWN")


BAD_DIGESTS = {
    "short": "sha256:00",
    "62 digits": "sha256:" + "0" * 62,
    "66 digits": "sha256:" + "0" * 66,
    "upper-case hex": "sha256:" + "A" * 64,
    "upper-case algorithm": "SHA256:" + "0" * 64,
    "unknown algorithm": "md5:" + "0" * 32,
    "tag with colon": "latest:v1",
    "no algorithm": ":" + "0" * 64,
    "only a colon": ":",
}


@differs("it takes some for tags, which its storage then refuses with 500, and has no route for the others")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
@pytest.mark.parametrize("reference", BAD_DIGESTS.values(), ids=BAD_DIGESTS)
def test_bad_digest(client, stored, method, reference):
    reply = client.request(method, client.manifest(stored["repo"], reference), {"Content-Type": OCI_MANIFEST},
                           stored["body"] if method == "PUT" else None)
    assert reply.status == 400
    if method != "HEAD":
        assert reply.codes == ["DIGEST_INVALID"]


@pytest.mark.parametrize("reference", [
    pytest.param(value, id=name, marks=differs(NO_ROUTE) if value.startswith((":", "SHA")) else [])
    for name, value in BAD_DIGESTS.items()])
def test_delete_by_bad_digest(client, stored, reference):
    assert_error(client.delete(client.manifest(stored["repo"], reference)), 400, "DIGEST_INVALID")


def test_put_by_the_digest_of_something_else(client, repo):
    image = client.make_image(repo)
    reply = client.put_manifest(repo, digest(image.manifest + b"\n"), image.manifest, image.media_type)
    assert_error(reply, 400, "DIGEST_INVALID")
    assert unknown(client, repo, digest(image.manifest + b"\n"))


# Size


@pytest.mark.parametrize("chunked", [False, True], ids=["content length", "chunked"])
@pytest.mark.parametrize("size", [LIMIT, LIMIT - 1, 1_000_000])
def test_largest_manifest(client, repo, size, chunked):
    client.push_blob(repo, b"{}")
    body = manifest_of_size(size, b"{}", [b"{}"])
    assert len(body) == size
    reply = client.put_manifest(repo, "large", iter([body]) if chunked else body)
    assert_created(client, repo, reply, body)
    assert client.get(client.manifest(repo, "large"), ACCEPT).body == body


@differs("it answers 400")
@pytest.mark.parametrize("chunked", [False, True], ids=["content length", "chunked"])
@pytest.mark.parametrize("size", [LIMIT + 1, 2 * LIMIT, 32 * 1024 * 1024])
def test_too_large_manifest(client, repo, size, chunked):
    client.push_blob(repo, b"{}")
    body = manifest_of_size(size, b"{}", [b"{}"])
    reply = client.put_manifest(repo, "large", iter([body]) if chunked else body)
    assert_error(reply, 413, "MANIFEST_INVALID")
    assert unknown(client, repo, "large")
    assert unknown(client, repo, digest(body))


def test_largest_body_that_is_no_manifest(client, repo):
    reply = client.put_manifest(repo, "spaces", b" " * LIMIT)
    assert_error(reply, 400, "MANIFEST_INVALID")


# DELETE


def test_delete_by_digest_removes_its_tags(client, repo):
    keep = client.make_image(repo, layers=[b"keep"], tag="keep")
    gone = client.make_image(repo, layers=[b"gone"], tag="gone")
    client.put_manifest(repo, "gone-too", gone.manifest, gone.media_type)
    reply = client.delete(client.manifest(repo, gone.digest))
    assert (reply.status, reply.body, reply.header("Content-Length")) == (202, b"", "0")
    assert all(unknown(client, repo, reference) for reference in (gone.digest, "gone", "gone-too"))
    assert client.get(client.tags(repo)).json()["tags"] == ["keep"]
    assert client.get(client.manifest(repo, "keep"), ACCEPT).body == keep.manifest


def test_delete_keeps_tags_that_have_moved_on(client, repo):
    """A tag's history is no reason to remove it."""
    old, new = (client.make_image(repo, layers=[layer], tag="latest") for layer in (b"old", b"new"))
    assert client.delete(client.manifest(repo, old.digest)).status == 202
    assert unknown(client, repo, old.digest)
    assert client.get(client.manifest(repo, "latest"), ACCEPT).body == new.manifest


def test_delete_keeps_the_blobs(client, repo):
    image = client.make_image(repo, tag="v1")
    assert client.delete(client.manifest(repo, image.digest)).status == 202
    for blob in (image.config, *image.layers):
        client.fetch_blob(repo, blob)


@differs("it removes the layer's link too")
def test_a_layer_outlives_the_manifest_of_the_same_bytes(client, repo):
    image = client.make_image(repo, tag="v1")
    client.push_blob(repo, image.manifest)
    assert client.delete(client.manifest(repo, image.digest)).status == 202
    assert_error(client.get(client.manifest(repo, image.digest)), 404, "MANIFEST_UNKNOWN")
    assert client.get(client.blob(repo, image.digest)).body == image.manifest


def test_delete_keeps_other_repositories(client, repo, other_repo):
    for name in (repo, other_repo):
        image = client.make_image(name, layers=[b"same"], config=b"{}", tag="v1")
    assert client.delete(client.manifest(repo, image.digest)).status == 202
    assert client.get(client.manifest(other_repo, "v1"), ACCEPT).body == image.manifest


def test_delete_twice(client, repo):
    image = client.make_image(repo, tag="v1")
    assert client.delete(client.manifest(repo, image.digest)).status == 202
    assert_error(client.delete(client.manifest(repo, image.digest)), 404, "MANIFEST_UNKNOWN")


def test_put_after_delete(client, repo):
    image = client.make_image(repo, tag="v1")
    client.delete(client.manifest(repo, image.digest))
    assert_created(client, repo, client.put_manifest(repo, "v1", image.manifest, image.media_type), image.manifest)
    assert_manifest(client.get(client.manifest(repo, "v1"), ACCEPT), image.manifest, image.media_type)


def test_delete_of_an_index_keeps_its_children(client, repo):
    image = client.make_image(repo)
    body = index(DOCKER_LIST, [(image, "amd64")])
    client.put_manifest(repo, "all", body, DOCKER_LIST)
    assert client.delete(client.manifest(repo, digest(body))).status == 202
    assert client.get(client.manifest(repo, image.digest), ACCEPT).body == image.manifest


@differs("it deletes by digest alone")
def test_delete_of_a_tag_keeps_the_manifest(client, repo):
    image = client.make_image(repo, tag="gone")
    client.put_manifest(repo, "keep", image.manifest, image.media_type)
    reply = client.delete(client.manifest(repo, "gone"))
    assert (reply.status, reply.body, reply.header("Content-Length")) == (202, b"", "0")
    assert unknown(client, repo, "gone")
    assert client.get(client.tags(repo)).json()["tags"] == ["keep"]
    for reference in ("keep", image.digest):
        assert client.get(client.manifest(repo, reference), ACCEPT).body == image.manifest


@cases(
    Case("unknown digest", f"DELETE /v2/{{repo}}/manifests/{UNKNOWN}", 404, "MANIFEST_UNKNOWN"),
    Case("unknown tag", "DELETE /v2/{repo}/manifests/v2", 404, "MANIFEST_UNKNOWN", differs="tags cannot be deleted"),
    Case("unknown repository", "DELETE /v2/no/such/manifests/{digest}", 404, "MANIFEST_UNKNOWN"),
    Case("unknown repository, tag", "DELETE /v2/no/such/manifests/v1", 404, "MANIFEST_UNKNOWN",
         differs="tags cannot be deleted"),
)
def test_delete_unknown(client, stored, case):
    run(client, case, repo=stored["repo"], digest=stored["digest"])


# Methods


@differs("its 405 is plain text")
@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("reference", ["v1", "unknown", UNKNOWN])
def test_wrong_method(client, stored, method, reference):
    reply = client.request(method, client.manifest(stored["repo"], reference))
    assert_error(reply, 405, "UNSUPPORTED")
    assert_methods(reply, "GET", "HEAD", "PUT", "DELETE")


def test_options(client, stored):
    reply = client.request("OPTIONS", client.manifest(stored["repo"], "v1"))
    assert reply.status == 200
    assert_methods(reply, "GET", "HEAD", "PUT", "DELETE")
