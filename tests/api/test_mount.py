"""POST ?mount=&from=: a blob of another repository without sending it again (spec: v2 API §2, §3)."""
import pytest

from expect import Case, assert_error, cases, differs, run
from harness import digest

UNKNOWN = digest(b"never pushed")


def mount(client, repo, **query):
    return client.post(client.uploads(repo) + "?" + "&".join(f"{k}={v}" for k, v in query.items()))


def assert_mounted(client, repo, blob, reply):
    assert (reply.status, reply.body) == (201, b""), reply
    assert reply.header("Location") == f"{client.registry.url}/v2/{repo}/blobs/{blob}"
    assert reply.header("Docker-Content-Digest") == blob
    assert reply.header("Content-Length") == "0"


@pytest.fixture
def blob(client, other_repo):
    return client.push_blob(other_repo, f"of {other_repo}".encode())


def test_mount(client, repo, other_repo, blob):
    assert client.head(client.blob(repo, blob)).status == 404
    assert_mounted(client, repo, blob, mount(client, repo, mount=blob, **{"from": other_repo}))
    client.fetch_blob(repo, blob)


def test_mount_with_encoded_parameters(client, repo, other_repo, blob):
    reply = mount(client, repo, **{"from": other_repo.replace("/", "%2F")}, mount=blob.replace(":", "%3A"))
    assert_mounted(client, repo, blob, reply)


@differs("it mounts only with `from`")
def test_mount_without_from(client, repo, blob):
    """The registry finds the blob wherever it is."""
    assert_mounted(client, repo, blob, mount(client, repo, mount=blob))
    client.fetch_blob(repo, blob)


@pytest.mark.parametrize("with_from", [True, pytest.param(False, marks=differs("it mounts only with `from`"))])
def test_mount_into_the_repository_that_has_it(client, other_repo, blob, with_from):
    query = {"from": other_repo} if with_from else {}
    assert_mounted(client, other_repo, blob, mount(client, other_repo, mount=blob, **query))


def test_mount_twice(client, repo, other_repo, blob):
    for _ in range(2):
        assert_mounted(client, repo, blob, mount(client, repo, mount=blob, **{"from": other_repo}))


def test_mount_on_from_the_mounted(client, repo, other_repo, blob):
    mount(client, repo, mount=blob, **{"from": other_repo})
    assert_mounted(client, repo + "/third", blob, mount(client, repo + "/third", mount=blob, **{"from": repo}))


def test_mounted_blob_can_be_used_by_a_manifest(client, repo, other_repo):
    image = client.make_image(other_repo, tag="v1")
    for blob in (image.config, *image.layers):
        assert mount(client, repo, mount=blob, **{"from": other_repo}).status == 201
    assert client.put_manifest(repo, "v1", image.manifest, image.media_type).status == 201


def test_mounted_blob_outlives_its_source(client, repo, other_repo, blob):
    mount(client, repo, mount=blob, **{"from": other_repo})
    assert client.delete(client.blob(other_repo, blob)).status == 202
    client.fetch_blob(repo, blob)


def test_deleted_source_cannot_be_mounted(client, repo, other_repo, blob):
    assert client.delete(client.blob(other_repo, blob)).status == 202
    assert mount(client, repo, mount=blob, **{"from": other_repo}).status == 202


@cases(
    Case("unknown digest", f"POST /v2/{{repo}}/blobs/uploads/?mount={UNKNOWN}&from={{other}}", 202),
    Case("unknown digest, no from", f"POST /v2/{{repo}}/blobs/uploads/?mount={UNKNOWN}", 202),
    Case("unknown source", "POST /v2/{repo}/blobs/uploads/?mount={blob}&from=no/such/repo", 202),
    Case("source without the blob", "POST /v2/{repo}/blobs/uploads/?mount={blob}&from={repo}/without", 202),
    Case("from itself, which lacks it", "POST /v2/{repo}/blobs/uploads/?mount={blob}&from={repo}", 202),
    Case("bad digest", "POST /v2/{repo}/blobs/uploads/?mount=latest&from={other}", 202),
    Case("unknown algorithm", "POST /v2/{repo}/blobs/uploads/?mount=md5:0123&from={other}", 202),
    Case("empty mount", "POST /v2/{repo}/blobs/uploads/?mount=&from={other}", 202),
    Case("no mount", "POST /v2/{repo}/blobs/uploads/?from={other}", 202),
    Case("bad source name", "POST /v2/{repo}/blobs/uploads/?mount={blob}&from=UPPER", 202),
    Case("source above the root", "POST /v2/{repo}/blobs/uploads/?mount={blob}&from=../../etc", 202),
    Case("source with nul", "POST /v2/{repo}/blobs/uploads/?mount={blob}&from=a%00b", 202),
    Case("source too long", "POST /v2/{repo}/blobs/uploads/?mount={blob}&from=" + "a" * 256, 202),
)
def test_what_cannot_be_mounted_opens_an_upload(client, repo, other_repo, blob, case):
    """Never an error: the client sends the bytes, or cancels the upload that it does not need."""
    reply = run(client, case, repo=repo, other=other_repo, blob=blob)
    assert reply.header("Range") == "0-0"
    assert reply.header("Docker-Upload-UUID") in reply.header("Location")
    assert client.head(client.blob(repo, blob)).status == 404
    assert client.finish_upload(reply.header("Location"), digest(b"sent"), b"sent").status == 201


@differs("it answers 500")
@pytest.mark.parametrize("query", ["mount={blob}", "mount={blob}&from={other}"])
def test_bad_target_name(client, other_repo, blob, query):
    reply = client.post("/v2/a/" + "b" * 256 + "/blobs/uploads/?" + query.format(blob=blob, other=other_repo))
    assert_error(reply, 400, "NAME_INVALID")


def test_cancelling_the_upload_of_a_failed_mount(client, repo, other_repo):
    reply = mount(client, repo, mount=UNKNOWN, **{"from": other_repo})
    assert client.delete(reply.header("Location")).status == 204
    assert_error(client.get(reply.header("Location")), 404, "BLOB_UPLOAD_UNKNOWN")
