"""sha384 and sha512 beside sha256, for blobs and manifests: one copy of the bytes, and every reply in the algorithm of
the request (spec: OCI "Pushing blobs", end-4c, end-7b); tarsum digests of registry 2.0.
"""
import hashlib
import json

import pytest

from expect import assert_error, assert_head_parity
from harness import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, digest, with_query

REGISTRY_CONFIG = {"storage": {"delete": {"enabled": True}}}
pytestmark = pytest.mark.differs("it answers in sha256, and takes manifests under no other digest")

ALGORITHMS = ["sha256", "sha384", "sha512"]
OTHERS = ["sha384", "sha512"]
every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)
every_other = pytest.mark.parametrize("algorithm", OTHERS)


def hashed(algorithm, data):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def push(client, repo, data, algorithm):
    name = hashed(algorithm, data)
    reply = client.finish_upload(client.start_upload(repo), name, data)
    assert_created(client, reply, client.blob(repo, name), name)
    return name


def assert_created(client, reply, path, name):
    assert (reply.status, reply.body) == (201, b""), reply
    assert client.path_of(reply.header("Location")) == path
    assert reply.header("Docker-Content-Digest") == name


def assert_pulls(client, path, name, data):
    reply = client.get(path)
    assert (reply.status, reply.body) == (200, data), reply
    head = client.head(path)
    for seen in (reply, head):
        assert seen.header("Docker-Content-Digest") == name
        assert seen.header("Etag") == f'"{name}"'
        assert seen.header("Content-Length") == str(len(data))
    assert client.get(path, {"If-None-Match": f'"{name}"'}).status == 304


def image(algorithm, config, layer=None):
    """The bytes of a manifest whose descriptors speak an algorithm."""
    def described(media_type, data):
        return {"mediaType": media_type, "digest": hashed(algorithm, data), "size": len(data)}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described(OCI_CONFIG, config),
                       "layers": [described(OCI_LAYER, layer)] if layer else []}).encode()


# Blobs


@every_algorithm
def test_blob(client, repo, algorithm):
    data = f"{algorithm} of {repo}".encode()
    name = push(client, repo, data, algorithm)
    assert_pulls(client, client.blob(repo, name), name, data)
    assert_pulls(client, client.blob(repo, digest(data)), digest(data), data)      # one copy, under sha256 too
    part = client.get(client.blob(repo, name), {"Range": "bytes=2-4"})
    assert (part.status, part.body, part.header("Docker-Content-Digest")) == (206, data[2:5], name)


@every_algorithm
@pytest.mark.parametrize("announced", [True, False])
def test_blob_in_chunks(client, repo, algorithm, announced):
    chunks = [b"first " * 1000, b"second", b"third"]
    query = f"?digest-algorithm={algorithm}" if announced else ""
    reply = client.post(client.uploads(repo) + query)
    assert reply.status == 202
    location, name = reply.header("Location"), hashed(algorithm, b"".join(chunks))
    for chunk in chunks[:-1]:
        location = client.append(location, chunk)
    assert_created(client, client.finish_upload(location, name, chunks[-1]), client.blob(repo, name), name)
    assert_pulls(client, client.blob(repo, name), name, b"".join(chunks))


@every_algorithm
def test_blob_in_one_post(client, repo, algorithm):
    name = hashed(algorithm, repo.encode())
    reply = client.post(client.uploads(repo) + f"?digest={name}", body=repo.encode())
    assert_created(client, reply, client.blob(repo, name), name)


@every_algorithm
def test_empty_blob(client, repo, algorithm):
    name = push(client, repo, b"", algorithm)
    assert_pulls(client, client.blob(repo, name), name, b"")


@every_algorithm
@pytest.mark.parametrize("chunked", [True, False])
def test_bytes_are_verified_under_the_algorithm_of_the_client(client, repo, algorithm, chunked):
    name, location = hashed(algorithm, b"right"), client.start_upload(repo)
    if chunked:
        location = client.append(location, b"wro")
    reply = client.finish_upload(location, name, b"ng" if chunked else b"wrong")
    assert_error(reply, 400, "DIGEST_INVALID")
    for known in (name, digest(b"wrong")):
        assert client.head(client.blob(repo, known)).status == 404


@pytest.mark.parametrize("name", [
    "sha1:" + 40 * "a", "md5:" + 32 * "a", "sha512:" + 64 * "a", "sha512:" + 128 * "A", "blake3:" + 64 * "a",
    "tarsum.v1+sha256:" + 64 * "a"])
def test_digest_that_nothing_can_be_pushed_under(client, repo, name):
    upload = client.start_upload(repo)
    assert_error(client.put(with_query(upload, digest=name), body=b"x"), 400, "DIGEST_INVALID")
    assert_error(client.post(client.uploads(repo) + "?digest=" + name.replace("+", "%2B"), body=b"x"), 400,
                 "DIGEST_INVALID")


@pytest.mark.parametrize("algorithm", ["sha1", "md5", "", "SHA256", "tarsum", "sha256:"])
def test_algorithm_that_is_not_supported(client, repo, algorithm):
    assert_error(client.post(client.uploads(repo) + f"?digest-algorithm={algorithm}"), 400, "DIGEST_INVALID")


@every_other
def test_mount(client, repo, other_repo, algorithm):
    name = push(client, other_repo, repo.encode(), algorithm)
    reply = client.post(client.uploads(repo) + f"?mount={name}&from={other_repo}")
    assert_created(client, reply, client.blob(repo, name), name)
    assert_pulls(client, client.blob(repo, name), name, repo.encode())


@every_other
def test_mount_without_from(client, repo, other_repo, algorithm):
    """The registry finds the blob wherever it was pushed under this digest, as it does under sha256."""
    name = push(client, other_repo, repo.encode(), algorithm)
    reply = client.post(client.uploads(repo) + f"?mount={name}")
    assert_created(client, reply, client.blob(repo, name), name)
    assert_pulls(client, client.blob(repo, name), name, repo.encode())


@every_other
def test_mount_without_from_of_what_was_not_pushed_under_it(client, repo, other_repo, algorithm):
    client.push_blob(other_repo, repo.encode())
    name = hashed(algorithm, repo.encode())
    assert client.post(client.uploads(repo) + f"?mount={name}").status == 202
    assert client.head(client.blob(repo, name)).status == 404


@every_other
def test_other_digest_of_a_blob_that_was_not_pushed_under_it(client, repo, algorithm):
    """berth does not guess: only what was verified is known."""
    client.push_blob(repo, repo.encode())
    assert client.head(client.blob(repo, hashed(algorithm, repo.encode()))).status == 404


@every_other
@pytest.mark.parametrize("by_alias", [True, False])
def test_deleted_under_one_name_is_gone_under_all(client, repo, algorithm, by_alias):
    data = repo.encode()
    alias = push(client, repo, data, algorithm)
    assert client.delete(client.blob(repo, alias if by_alias else digest(data))).status == 202
    for name in (alias, digest(data)):
        assert client.head(client.blob(repo, name)).status == 404
        assert_error(client.delete(client.blob(repo, name)), 404, "BLOB_UNKNOWN")
    push(client, repo, data, algorithm)
    assert_pulls(client, client.blob(repo, alias), alias, data)


# Manifests


@pytest.fixture
def pushed(client, repo, algorithm):
    """A manifest pushed by a digest, over blobs named likewise: (name, bytes)."""
    for data in (b"{}", b"layer"):
        push(client, repo, data, algorithm)
    body = image(algorithm, b"{}", b"layer")
    name = hashed(algorithm, body)
    assert_created(client, client.put_manifest(repo, name, body), client.manifest(repo, name), name)
    return name, body


@every_algorithm
def test_manifest(client, repo, pushed):
    name, body = pushed
    for known in (name, digest(body)):
        assert_pulls(client, client.manifest(repo, known), known, body)
        assert_head_parity(client, client.manifest(repo, known))


@every_algorithm
def test_manifest_that_is_not_its_digest(client, repo, algorithm):
    client.push_blob(repo, b"{}")
    name = hashed(algorithm, b"something else")
    assert_error(client.put_manifest(repo, name, image("sha256", b"{}")), 400, "DIGEST_INVALID")
    assert client.head(client.manifest(repo, name)).status == 404


@every_algorithm
def test_index_of_children_named_likewise(client, repo, algorithm, pushed):
    name, body = pushed
    document = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        {"mediaType": OCI_MANIFEST, "digest": name, "size": len(body)}]}).encode()
    outer = hashed(algorithm, document)
    assert client.put_manifest(repo, outer, document, OCI_INDEX).status == 201
    assert_pulls(client, client.manifest(repo, outer), outer, document)


@every_other
def test_descriptor_under_a_digest_that_was_not_pushed(client, repo, algorithm):
    client.push_blob(repo, b"{}")
    reply = client.put_manifest(repo, "v1", image(algorithm, b"{}"))
    assert_error(reply, 400, "MANIFEST_BLOB_UNKNOWN")
    assert reply.json()["errors"][0]["detail"] == hashed(algorithm, b"{}")


@every_algorithm
def test_tags_of_a_push_by_digest(registry, client, repo, algorithm, pushed):
    """end-7b: ten tags and more; a pull by tag tells the digest that the tag was pushed with."""
    name, body = pushed
    tags = [f"v{number}" for number in range(12)]
    reply = client.put(client.manifest(repo, name) + "?" + "&".join(f"tag={tag}" for tag in tags),
                       {"Content-Type": OCI_MANIFEST}, body)
    assert_created(client, reply, client.manifest(repo, name), name)
    assert ", ".join(reply.all("OCI-Tag")).split(", ") == tags
    for tag in tags:
        assert_pulls(client, client.manifest(repo, tag), name, body)
        link = registry.v2_root / "repositories" / repo / "_manifests/tags" / tag / "current/link"
        assert link.read_text() == digest(body)     # what docker-registry reads
    assert client.get(client.tags(repo)).json()["tags"] == sorted(tags)


def test_more_tags_than_fit(client, repo):
    """The spec has 414 for it; nothing is tagged."""
    client.push_blob(repo, b"{}")
    body = image("sha256", b"{}")
    reply = client.put(client.manifest(repo, digest(body)) + "?" + "&".join(f"tag={n:0128}" for n in range(1000)),
                       {"Content-Type": OCI_MANIFEST}, body)
    assert_error(reply, 414, "UNSUPPORTED")
    assert client.head(client.manifest(repo, digest(body))).status == 404


def test_a_tag_named_twice(client, repo):
    client.push_blob(repo, b"{}")
    body = image("sha256", b"{}")
    reply = client.put(client.manifest(repo, digest(body)) + "?tag=a&tag=b&tag=a", {"Content-Type": OCI_MANIFEST}, body)
    assert reply.status == 201
    assert client.get(client.tags(repo)).json()["tags"] == ["a", "b"]


def test_tag_that_is_none_among_the_tags(client, repo):
    client.push_blob(repo, b"{}")
    body = image("sha256", b"{}")
    reply = client.put(client.manifest(repo, digest(body)) + "?tag=good&tag=-bad", {"Content-Type": OCI_MANIFEST},
                       body)
    assert_error(reply, 400, "TAG_INVALID")
    assert client.head(client.manifest(repo, "good")).status == 404


@every_other
def test_retagged_by_tag_alone(client, repo, algorithm, pushed):
    """Another manifest under the tag: its alias is not told of this one."""
    name, body = pushed
    client.put(client.manifest(repo, name) + "?tag=v1", {"Content-Type": OCI_MANIFEST}, body)
    client.push_blob(repo, b"{}")
    other = image("sha256", b"{}")
    assert client.put_manifest(repo, "v1", other).status == 201
    assert_pulls(client, client.manifest(repo, "v1"), digest(other), other)


@every_other
@pytest.mark.parametrize("by_alias", [True, False])
def test_manifest_deleted_under_one_name_is_gone_under_all(client, repo, pushed, by_alias):
    name, body = pushed
    client.put(client.manifest(repo, name) + "?tag=v1", {"Content-Type": OCI_MANIFEST}, body)
    assert client.delete(client.manifest(repo, name if by_alias else digest(body))).status == 202
    for reference in (name, digest(body), "v1"):
        assert_error(client.get(client.manifest(repo, reference)), 404, "MANIFEST_UNKNOWN")
    assert client.put_manifest(repo, "v1", body).status == 201
    assert_pulls(client, client.manifest(repo, digest(body)), digest(body), body)


# tarsum, as registry 2.0 left it on disk


@pytest.mark.parametrize("label, path", [
    ("tarsum+sha256", "tarsum/v0/sha256"), ("tarsum.v1+sha256", "tarsum/v1/sha256"),
    ("tarsum.dev+sha256", "tarsum/dev/sha256")])
def test_tarsum(registry, client, repo, other_repo, label, path):
    name = digest(client.push_blob(repo, repo.encode()).encode())       # any 64 digits
    link = registry.v2_root / "repositories" / repo / "_layers" / path / name.partition(":")[2] / "link"
    link.parent.mkdir(parents=True)
    link.write_text(digest(repo.encode()))
    tarsum = f"{label}:{name.partition(':')[2]}"
    for spelt in (tarsum, tarsum.replace("+", "%2B")):
        reply = client.get(client.blob(repo, spelt))
        assert (reply.status, reply.body) == (200, repo.encode()), reply
        # A tarsum says nothing of the bytes that come: the digest that does is told.
        assert reply.header("Docker-Content-Digest") == digest(repo.encode())
    mounted = client.post(client.uploads(other_repo) + f"?mount={tarsum.replace('+', '%2B')}&from={repo}")
    assert mounted.status == 201, mounted
    assert client.get(client.blob(other_repo, tarsum)).status == 200
    assert client.delete(client.blob(repo, tarsum)).status == 202
    for gone in (tarsum, digest(repo.encode())):
        assert client.head(client.blob(repo, gone)).status == 404


@pytest.mark.parametrize("name", ["tarsum+sha256:" + 64 * "a", "tarsum.v1+sha512:" + 128 * "a"])
def test_tarsum_that_is_not_there(client, repo, name):
    assert_error(client.get(client.blob(repo, name)), 404, "BLOB_UNKNOWN")


@pytest.mark.parametrize("name", ["tarsum.v2+sha256:" + 64 * "a", "tarsum+md5:" + 32 * "a", "tarsum:" + 64 * "a",
                                  "tarsum+sha256:" + 63 * "a", "tarsum+tarsum+sha256:" + 64 * "a"])
def test_what_is_no_tarsum(client, repo, name):
    assert_error(client.get(client.blob(repo, name)), 400, "DIGEST_INVALID")
