"""What PUT of a manifest refuses, and that nothing refused is stored (spec: v2 API §5)."""
import copy
import json

import pytest

from documents import OF_IMAGE, OF_INDEX, index
from expect import assert_error, differs
from harness import (DOCKER_CONFIG, DOCKER_LIST, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST,
                     OCTETS, descriptor, digest, image_manifest)

CONFIG, LAYER = b'{"architecture":"amd64","os":"linux"}', b"a layer"
UNKNOWN = digest(b"never pushed")
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
ANSWERS_500 = "it finds the fault and answers 500"
LENIENT = "its JSON parser is lenient"

image_types = pytest.mark.parametrize("media_type", OF_IMAGE, ids=OF_IMAGE.values())
index_types = pytest.mark.parametrize("media_type", OF_INDEX, ids=OF_INDEX.values())
all_types = pytest.mark.parametrize("media_type", OF_IMAGE | OF_INDEX, ids=(OF_IMAGE | OF_INDEX).values())


@pytest.fixture
def blobs(client, repo):
    """CONFIG and LAYER, pushed to the test's repository."""
    client.push_blob(repo, CONFIG)
    client.push_blob(repo, LAYER)


def document(client, repo, media_type):
    """A valid manifest of the type, parsed; what it refers to is pushed."""
    if media_type in OF_INDEX:
        child = client.make_image(repo, media_type=OCI_MANIFEST if media_type == OCI_INDEX else DOCKER_MANIFEST)
        return json.loads(index(media_type, [(child, "amd64")]))
    client.push_blob(repo, CONFIG)
    client.push_blob(repo, LAYER)
    return json.loads(image_manifest(media_type, CONFIG, [LAYER]))


def changed(source, path, value):
    """A deep copy with one value replaced, or removed by `...`; path: keys and positions."""
    result = copy.deepcopy(source)
    inner = result
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return result


def put(client, repo, body, media_type):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.put_manifest(repo, "v1", body, media_type), body


def assert_refused(client, repo, body, media_type, codes=("MANIFEST_INVALID",)):
    reply, body = put(client, repo, body, media_type)
    assert reply.status == 400, reply
    assert reply.codes[0] in codes, reply
    for reference in ("v1", digest(body)):
        assert client.get(client.manifest(repo, reference)).status == 404, "refused, but stored"
    return reply


def assert_accepted(client, repo, body, media_type):
    reply, body = put(client, repo, body, media_type)
    assert reply.status == 201, reply
    assert reply.header("Docker-Content-Digest") == digest(body)


# What is no manifest at all


NOT_DOCUMENTS = {
    "nothing": b"", "space": b" \n", "true": b"true", "number": b"2", "string": b'"manifest"',
    "array": b"[]", "array of objects": b"[{}]", "word": b"manifest", "binary": bytes(range(256)),
    "nul": b"\x00", "html": b"<html></html>", "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "yaml": b"schemaVersion: 2\n",
    "open object": b'{"schemaVersion": 2', "open string": b'{"schemaVersion', "only a bracket": b"{",
    "closing bracket": b"}", "comma": b",", "minus": b"-", "byte order mark": b"\xef\xbb\xbf{}",
}


@all_types
@pytest.mark.parametrize("body", NOT_DOCUMENTS.values(), ids=NOT_DOCUMENTS)
def test_not_a_document(client, repo, media_type, body):
    assert_refused(client, repo, body, media_type)


@pytest.mark.parametrize("body", [b"{}", b"null"])
@pytest.mark.parametrize("media_type", [
    DOCKER_MANIFEST, DOCKER_LIST, *(pytest.param(t, marks=differs(ANSWERS_500)) for t in (OCI_MANIFEST, OCI_INDEX))])
def test_document_without_fields(client, repo, media_type, body):
    assert_refused(client, repo, body, media_type)


@image_types
@pytest.mark.parametrize("spoil", [
    lambda text: text[:-1], lambda text: text[1:], lambda text: text + "}", lambda text: text + " {}",
    lambda text: text + text, lambda text: text.replace('"', "'"), lambda text: text.replace(",", ";"),
    lambda text: text.replace(": 2,", ": 2,,"), lambda text: text.replace(": 2,", ": 02,"),
    lambda text: text.replace(": 2,", ": +2,"), lambda text: text.replace(": 2,", ": NaN,"),
    lambda text: text.replace(": 2,", ": 2 /* two */,"), lambda text: text.replace(": 2,", ": 0x2,"),
    lambda text: text.replace(": 2,", ': 2, "a": "\n",'), lambda text: text.replace(": 2,", ': 2, "a": "\\x41",'),
    lambda text: text.replace(": 2,", ': 2, "a": "\\u12",'), lambda text: text.replace(": 2,", ': 2, "a": [1,],'),
    lambda text: text.replace(": 2,", ": 2, a: 1,"), lambda text: text.replace(": 2,", ': 2, "a": tru,'),
    lambda text: text + "\x00", lambda text: "\ufeff" + text,
], ids=["last byte missing", "first byte missing", "bracket after", "object after", "twice", "single quotes",
        "semicolons", "two commas", "leading zero", "plus", "nan", "comment", "hex", "raw line end", "bad escape",
        "short escape", "trailing comma", "bare key", "cut literal", "nul after", "byte order mark"])
def test_broken_json(client, repo, media_type, spoil):
    text = json.dumps(document(client, repo, media_type))
    assert_refused(client, repo, spoil(text).encode(), media_type)


@differs(LENIENT)
@image_types
@pytest.mark.parametrize("octets", [b"\xff", b"\xc3(", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"],
                         ids=["ff", "cut sequence", "overlong", "surrogate", "above the range", "cut at the end"])
def test_invalid_utf8(client, repo, media_type, octets):
    text = json.dumps(document(client, repo, media_type) | {"annotations": {"name": "HERE"}}).encode()
    assert_refused(client, repo, text.replace(b"HERE", octets), media_type)


@differs(LENIENT)
@image_types
@pytest.mark.parametrize("place, twice", [
    ('"schemaVersion": 2', '"schemaVersion": 2, "schemaVersion": 2'),
    ('"schemaVersion": 2', '"schemaVersion": 2, "schema\\u0056ersion": 2'),
    ('"layers": [', '"layers": [], "layers": ['),
    ('"size": 7', '"size": 7, "size": 7'),
    ('"config": {', '"config": {"digest": "' + UNKNOWN + '", '),
    ('"annotations": {', '"annotations": {"name": "another", '),
], ids=["same value", "escaped", "array", "inside a layer", "inside the config", "annotation"])
def test_duplicate_keys(client, repo, media_type, place, twice):
    """Two readers of such a document may see two images."""
    text = json.dumps(document(client, repo, media_type) | {"annotations": {"name": "one"}})
    assert place in text
    assert_refused(client, repo, text.replace(place, twice, 1).encode(), media_type)


@image_types
@pytest.mark.parametrize("opening, closing", [(b"[", b"]"), (b'{"a":', b"}")], ids=["arrays", "objects"])
@pytest.mark.parametrize("depth", [20_000, 400_000])
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
def test_too_deep(client, repo, media_type, opening, closing, depth, closed):
    body = b'{"schemaVersion": 2, "deep": ' + opening * depth + b"1" + (closing * depth + b"}" if closed else b"")
    assert_refused(client, repo, body, media_type)


def test_some_depth_is_fine(client, repo):
    body = document(client, repo, OCI_MANIFEST) | {"deep": json.loads("[" * 20 + "]" * 20)}
    assert_accepted(client, repo, body, OCI_MANIFEST)


# Content-Type


@all_types
@pytest.mark.parametrize("content_type", [
    "", "application/octet-stream", "text/plain", "application/vnd.oci.image.manifest.v2+json", "*/*", OCI_CONFIG, ";",
    "application/vnd.docker.distribution.manifest.v2", "application/x-www-form-urlencoded", "x" * 300])
def test_unknown_content_type(client, repo, media_type, content_type):
    assert_refused(client, repo, document(client, repo, media_type), content_type)


@all_types
def test_no_content_type(client, repo, media_type):
    body = json.dumps(document(client, repo, media_type)).encode()
    assert_error(client.put(client.manifest(repo, "v1"), (), body), 400, "MANIFEST_INVALID")


@all_types
@pytest.mark.parametrize("content_type", OF_IMAGE | OF_INDEX, ids=(OF_IMAGE | OF_INDEX).values())
def test_content_type_of_another_kind(client, repo, media_type, content_type):
    """Header and document must agree: a client that trusts one would read another image than who trusts the other."""
    body = document(client, repo, media_type)
    if content_type == media_type:
        assert_accepted(client, repo, body, content_type)
    else:
        assert_refused(client, repo, body, content_type)


# Fields


@all_types
@pytest.mark.parametrize("value", [
    "2", [2], {}, "x",
    *(pytest.param(v, marks=differs(ANSWERS_500)) for v in (..., None, 0, 1, 3, -2, 20))], ids=repr)
def test_schema_version(client, repo, media_type, value):
    assert_refused(client, repo, changed(document(client, repo, media_type), ["schemaVersion"], value), media_type)


@all_types
@pytest.mark.parametrize("value", ["2.5", "2e30"])
def test_schema_version_that_is_no_integer(client, repo, media_type, value):
    text = json.dumps(document(client, repo, media_type)).replace('"schemaVersion": 2', f'"schemaVersion": {value}')
    assert_refused(client, repo, text.encode(), media_type)


@all_types
@pytest.mark.parametrize("value", ["", "x", OCI_CONFIG, "application/vnd.docker.distribution.manifest.v1+json", 2, [],
                                   OCI_MANIFEST + " "], ids=repr)
def test_media_type(client, repo, media_type, value):
    if value == "" and media_type in (OCI_MANIFEST, OCI_INDEX):
        assert_accepted(client, repo, changed(document(client, repo, media_type), ["mediaType"], value), media_type)
        return
    assert_refused(client, repo, changed(document(client, repo, media_type), ["mediaType"], value), media_type)


@all_types
def test_media_type_may_be_absent_from_oci_documents(client, repo, media_type):
    body = changed(document(client, repo, media_type), ["mediaType"], ...)
    (assert_accepted if media_type in (OCI_MANIFEST, OCI_INDEX) else assert_refused)(client, repo, body, media_type)


@pytest.mark.parametrize("media_type, field, value", [
    (OCI_MANIFEST, "manifests", []), (OCI_MANIFEST, "manifests", [descriptor(OCI_MANIFEST, b"x")]),
    (OCI_INDEX, "config", descriptor(OCI_CONFIG, CONFIG)), (OCI_INDEX, "layers", [descriptor(OCI_LAYER, LAYER)]),
    (OCI_INDEX, "layers", []),
])
def test_document_that_is_both_image_and_index(client, repo, media_type, field, value):
    """Such a document would mean one thing by one Content-Type and something else by another."""
    body = changed(document(client, repo, media_type), [field], value)
    if value == []:     # present but empty says nothing: either answer will do
        assert put(client, repo, body, media_type)[0].status in (201, 400)
    else:
        assert_refused(client, repo, body, media_type)


@image_types
@pytest.mark.parametrize("path, value", [
    (["config"], []), (["config"], "x"), (["config"], 1), (["layers"], {}), (["layers"], "x"), (["layers"], 1),
    (["layers", 0], "x"), (["layers", 0], []), (["layers", 0], 1), (["config", "digest"], 1),
    (["config", "digest"], {}), (["layers", 0, "digest"], []), (["layers", 0, "size"], "7"),
    (["layers", 0, "size"], []), (["config", "size"], 1.5), (["config", "mediaType"], 1),
    (["layers", 0, "mediaType"], {}), (["layers", 0, "urls"], "x"), (["layers", 0, "urls"], [1]),
], ids=str)
def test_wrong_types_in_an_image(client, repo, media_type, path, value):
    assert_refused(client, repo, changed(document(client, repo, media_type), path, value), media_type)


@index_types
@pytest.mark.parametrize("path, value", [
    (["manifests"], {}), (["manifests"], "x"), (["manifests"], 1), (["manifests", 0], "x"), (["manifests", 0], []),
    (["manifests", 0, "digest"], 1), (["manifests", 0, "size"], "7"), (["manifests", 0, "mediaType"], []),
    (["manifests", 0, "platform"], "linux"), (["manifests", 0, "platform", "os"], 1),
], ids=str)
def test_wrong_types_in_an_index(client, repo, media_type, path, value):
    assert_refused(client, repo, changed(document(client, repo, media_type), path, value), media_type)


# Members that clients decode into typed values: who finds another type there cannot read the document at all. The
# original checks those that its own types have.
UNREAD = "it does not read this member"
TYPED = [
    ("annotations", {"a": 5}), ("annotations", {"a": {}}), ("annotations", ["a"]), ("annotations", "a"),
    ("artifactType", 5), ("subject", 5), ("subject", []), ("subject", {"digest": UNKNOWN, "size": "2"}),
]
TYPED_OF_DESCRIPTOR = [
    ("annotations", {"a": 5}), ("annotations", {"a": [None]}), ("annotations", 1), ("urls", [[]]), ("data", 5),
    ("data", "="), ("data", "e30"), ("data", "e3-_"), ("data", [1]), ("artifactType", {}), ("platform", []),
]
TYPED_OF_PLATFORM = [
    ("os.features", "x"), ("os.features", [5]), ("os.version", 10), ("variant", 8), ("architecture", True),
    ("features", "sse4"), ("os", []),
]


def assert_names_member(client, repo, body, media_type, member):
    reply = assert_refused(client, repo, body, media_type)
    assert member in str(reply.json()["errors"][0]["detail"]), reply


@differs(UNREAD)
@all_types
@pytest.mark.parametrize("member, value", TYPED, ids=str)
def test_wrong_types_of_members(client, repo, media_type, member, value):
    assert_names_member(client, repo, document(client, repo, media_type) | {member: value}, media_type, member)


@differs(UNREAD)
@all_types
@pytest.mark.parametrize("member, value", TYPED_OF_DESCRIPTOR, ids=str)
def test_wrong_types_in_descriptors(client, repo, media_type, member, value):
    body = document(client, repo, media_type)
    for path in [["manifests", 0]] if media_type in OF_INDEX else [["config"], ["layers", 0]]:
        assert_names_member(client, repo, changed(body, [*path, member], value), media_type, member)


@differs(UNREAD)
@all_types
@pytest.mark.parametrize("member, value", TYPED_OF_PLATFORM, ids=str)
def test_wrong_types_in_platforms(client, repo, media_type, member, value):
    path = ["manifests", 0] if media_type in OF_INDEX else ["config"]
    body = changed(document(client, repo, media_type), [*path, "platform"], {member: value})
    assert_names_member(client, repo, body, media_type, member)


@pytest.mark.parametrize("media_type, path, value", [
    (OCI_MANIFEST, ["annotations"], {"a": 5}), (OCI_MANIFEST, ["annotations"], ["a"]),
    (OCI_MANIFEST, ["config", "annotations"], {"a": 5}), (OCI_MANIFEST, ["layers", 0, "annotations"], "a"),
    (OCI_MANIFEST, ["layers", 0, "platform"], {"os.features": [1]}), (DOCKER_MANIFEST, ["config", "annotations"], 1),
    (DOCKER_LIST, ["manifests", 0, "annotations"], {"a": 5}), (OCI_INDEX, ["manifests", 0, "annotations"], {"a": []}),
    (DOCKER_LIST, ["manifests", 0, "platform"], {"os.features": "x"}),
    (OCI_INDEX, ["manifests", 0, "platform"], {"features": "x"})], ids=str)
def test_wrong_types_that_the_original_refuses_too(client, repo, media_type, path, value):
    assert_refused(client, repo, changed(document(client, repo, media_type), path, value), media_type)


BAD_DIGESTS = [
    ..., None, "", "x", "sha256:", "sha256:" + "G" * 64, "sha256:" + "A" * 64, "../../../etc/passwd",
    *(pytest.param(value, marks=differs(ANSWERS_500)) for value in (
        "sha256:00", "sha256:" + "0" * 65, "md5:" + "0" * 32, "sha256:../../../../etc/passwd"))]
ANY_OF = ("MANIFEST_INVALID", "DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN")


@image_types
@pytest.mark.parametrize("path", [["config", "digest"], ["layers", 0, "digest"]], ids=str)
@pytest.mark.parametrize("value", BAD_DIGESTS, ids=repr)
def test_bad_digest_in_an_image(client, repo, media_type, path, value):
    body = changed(document(client, repo, media_type), path, value)
    assert_refused(client, repo, body, media_type, ANY_OF)


@index_types
@pytest.mark.parametrize("value", BAD_DIGESTS, ids=repr)
def test_bad_digest_in_an_index(client, repo, media_type, value):
    body = changed(document(client, repo, media_type), ["manifests", 0, "digest"], value)
    assert_refused(client, repo, body, media_type, ANY_OF)


# What a manifest refers to must be there


def assert_missing(client, repo, body, media_type, *digests):
    """One MANIFEST_BLOB_UNKNOWN for each missing blob, its digest the detail."""
    reply = assert_refused(client, repo, body, media_type, ["MANIFEST_BLOB_UNKNOWN"])
    assert set(reply.codes) == {"MANIFEST_BLOB_UNKNOWN"}
    assert sorted(error["detail"] for error in reply.json()["errors"]) == sorted(digests)


@image_types
@pytest.mark.parametrize("paths", [
    [["config"]], [["layers", 0]], [["config"], ["layers", 0]], [["layers", 0], ["layers", 1]]], ids=str)
def test_missing_blobs(client, repo, media_type, paths):
    body = document(client, repo, media_type)
    body["layers"].append(dict(body["layers"][0]))
    missing = []
    for number, path in enumerate(paths):
        missing.append(digest(f"missing {number}".encode()))
        body = changed(body, [*path, "digest"], missing[-1])
    assert_missing(client, repo, body, media_type, *missing)


@image_types
def test_blobs_of_another_repository_do_not_count(client, repo, other_repo, media_type):
    body = document(client, other_repo, media_type)
    assert_missing(client, repo, body, media_type, digest(CONFIG), digest(LAYER))


@image_types
def test_deleted_blobs_do_not_count(client, repo, media_type):
    body = document(client, repo, media_type)
    assert client.delete(client.blob(repo, digest(LAYER))).status == 202
    assert_missing(client, repo, body, media_type, digest(LAYER))


@index_types
def test_missing_children(client, repo, media_type):
    body = document(client, repo, media_type)
    body["manifests"].append(body["manifests"][0] | {"digest": UNKNOWN})
    assert_missing(client, repo, body, media_type, UNKNOWN)


@index_types
def test_children_of_another_repository_do_not_count(client, repo, other_repo, media_type):
    body = document(client, other_repo, media_type)
    assert_missing(client, repo, body, media_type, body["manifests"][0]["digest"])


@index_types
def test_deleted_children_do_not_count(client, repo, media_type):
    body = document(client, repo, media_type)
    child = body["manifests"][0]["digest"]
    assert client.delete(client.manifest(repo, child)).status == 202
    assert_missing(client, repo, body, media_type, child)


@differs("it takes any size")
@all_types
def test_sizes_are_those_of_what_is_stored(client, repo, media_type):
    """Who is told another size than what comes gives up the pull."""
    body = document(client, repo, media_type)
    for path in [["manifests", 0]] if media_type in OF_INDEX else [["config"], ["layers", 0]]:
        right = body
        for key in path:
            right = right[key]
        for wrong in (1, right["size"] - 1, right["size"] + 1, 2 ** 63 - 1):
            assert_names_member(client, repo, changed(body, [*path, "size"], wrong), media_type, right["digest"])
    assert_accepted(client, repo, body, media_type)


# What is accepted though it looks odd


@all_types
def test_null_is_an_empty_value(client, repo, media_type):
    """As Go reads it, and so most clients and docker/distribution."""
    body = document(client, repo, media_type)
    lists = ["manifests"] if media_type in OF_INDEX else ["layers"]
    for path in (lists, ["annotations"], ["artifactType"], ["subject"], ["unknown"]):
        assert_accepted(client, repo, changed(body, path, None), media_type)
    inner = ["manifests", 0] if media_type in OF_INDEX else ["config"]
    for member in ("urls", "annotations", "data", "platform", "artifactType"):
        assert_accepted(client, repo, changed(body, [*inner, member], None), media_type)
    for value in ({"os": None, "os.features": None, "variant": None}, {"os.features": [None]}, {}):
        assert_accepted(client, repo, changed(body, [*inner, "platform"], value), media_type)
    assert_accepted(client, repo, changed(body, [*inner, "annotations"], {"a": None}), media_type)
    if media_type in (DOCKER_LIST, OCI_INDEX):
        assert_accepted(client, repo, changed(body, ["manifests"], ...), media_type)


@all_types
def test_names_in_other_case(client, repo, media_type):
    """Names that no client takes for a member of the object they are in are foreign."""
    body = document(client, repo, media_type)
    inner = ["manifests", 0] if media_type in OF_INDEX else ["layers", 0]
    for path in (["Size"], ["Digest"], ["Urls"], ["OS"], ["Name"], [*inner, "Config"], [*inner, "SchemaVersion"],
                 [*inner, "Architecture"]):
        assert_accepted(client, repo, changed(body, path, 5), media_type)
    for value in ({"Digest": 5, "Size": "x"}, {"MediaType": []}):
        assert_accepted(client, repo, changed(body, [*inner, "platform"], value), media_type)
    assert_accepted(client, repo, body | {"annotations": {"Digest": "x", "digest": "y"}}, media_type)


@differs(LENIENT)
@all_types
@pytest.mark.parametrize("member", [
    "Digest", "DIGEST", "\u017fize", "Size", "MediaType", "Urls", "Data", "Annotations"])
def test_names_that_go_takes_for_a_member(client, repo, media_type, member):
    """{"digest": A, "Digest": B} is A to some clients and B to others."""
    body = document(client, repo, media_type)
    inner = ["manifests", 0] if media_type in OF_INDEX else ["layers", 0]
    assert_names_member(client, repo, changed(body, [*inner, member], UNKNOWN), media_type, member)
    assert_refused(client, repo, changed(body, ["Manifests"], []), media_type)
    assert_refused(client, repo, changed(body, [*inner, "platform"], {"Variant": "v8"}), media_type)


@index_types
def test_index_of_layers(client, repo, media_type):
    """The cache of a build, as buildkit before 0.21 pushes it (`buildx build --cache-to type=registry`)."""
    layer, config = client.push_blob(repo, LAYER), client.push_blob(repo, CONFIG)
    body = json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": [
        {"mediaType": OCI_LAYER, "digest": layer, "size": len(LAYER)},
        {"mediaType": "application/vnd.buildkit.cacheconfig.v0", "digest": config, "size": len(CONFIG)}]}).encode()
    assert client.put_manifest(repo, "cache", body, media_type).status == 201
    assert client.get(client.manifest(repo, "cache"), {"Accept": media_type}).body == body
    assert client.fetch_blob(repo, layer) == LAYER


@image_types
@pytest.mark.parametrize("path, value", [
    (["layers"], []), (["layers", 0, "mediaType"], "application/vnd.example"), (["config", "mediaType"], "text/x"),
    (["config", "annotations"], {"a": "b"}), (["annotations"], {"a": ""}), (["layers", 0, "size"], 0),
    (["unknown"], {"a": [1]}), (["layers", 0, "mediaType"], OCI_LAYER.replace("gzip", "zstd")),
    (["artifactType"], "a/b"),
    (["config", "mediaType"], "application/vnd.buildkit.cacheconfig.v0"), (["config", "mediaType"], DOCKER_CONFIG),
], ids=str)
def test_accepted_images(client, repo, media_type, path, value):
    assert_accepted(client, repo, changed(document(client, repo, media_type), path, value), media_type)


def test_empty_config_artifact(client, repo):
    """oras and helm: the config is `{}`, and may be the layer too."""
    client.push_blob(repo, b"{}")
    empty = descriptor("application/vnd.oci.empty.v1+json", b"{}")
    body = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.example+type",
            "config": empty, "layers": [empty], "annotations": {"org.opencontainers.image.title": "x"}}
    assert_accepted(client, repo, body, OCI_MANIFEST)


@index_types
@pytest.mark.parametrize("path, value", [
    (["manifests"], []), (["manifests", 0, "platform"], {"architecture": "unknown", "os": "unknown"}),
    (["manifests", 0, "platform", "variant"], "v8"), (["manifests", 0, "annotations"], {"a": "b"}),
    (["annotations"], {"a": "b"}), (["unknown"], [])], ids=str)
def test_accepted_indexes(client, repo, media_type, path, value):
    assert_accepted(client, repo, changed(document(client, repo, media_type), path, value), media_type)


def test_many_layers(client, repo, blobs):
    body = image_manifest(OCI_MANIFEST, CONFIG, [LAYER] * 1000)
    assert_accepted(client, repo, body, OCI_MANIFEST)


# Layers from elsewhere: by default no URL is allowed (test_config_validation has the settings)


@differs(ANSWERS_500)
@pytest.mark.parametrize("media_type, layer_type", [
    (DOCKER_MANIFEST, FOREIGN), (OCI_MANIFEST, OCI_LAYER), (OCI_MANIFEST, NONDISTRIBUTABLE)])
def test_layer_urls_are_refused_by_default(client, repo, media_type, layer_type):
    layer = descriptor(layer_type, LAYER, urls=["https://example.com/layer"])
    assert_refused(client, repo, changed(document(client, repo, media_type), ["layers", 0], layer), media_type)


@differs(ANSWERS_500)
def test_foreign_layer_needs_a_url(client, repo):
    layer = descriptor(FOREIGN, LAYER)
    assert_refused(client, repo, changed(document(client, repo, DOCKER_MANIFEST), ["layers", 0], layer),
                   DOCKER_MANIFEST)


def test_type_octets_is_no_manifest(client, repo, blobs):
    assert_refused(client, repo, image_manifest(OCI_MANIFEST, CONFIG, [LAYER]), OCTETS)
