"""Schema1 manifests: pushing, pulling, and what old clients get of images (spec: schema1.md, docs/decisions/0009).

The signatures come from berth itself: what docker's libtrust signed is in tests/unit/model.
"""
import json

import pytest

from documents import index
from expect import assert_error
from harness import (DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST,
                     digest, image_manifest)
from images import Layer, config_of

REGISTRY_CONFIG = {"compatibility": {"schema1": {"enabled": True}}}
SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
PLAIN = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_16 = {"User-Agent": "docker/1.6.0 go/go1.4.2 git-commit/4749651 kernel/3.16 os/linux arch/amd64"}
DOCKER_19 = {"User-Agent": "docker/1.9.1 go/go1.4.3"}
DOCKER_110 = {"User-Agent": "docker/1.10.3 go/go1.5.3"}


def payload_of(signed):
    """What is signed: the document up to the comma before the signatures, and its closing brace."""
    return signed[:signed.rindex(b',\n   "signatures"')] + b"\n}"


def push_image(client, repo, tag, media_type=DOCKER_MANIFEST, seed="schema1"):
    layers = [Layer(f"{seed}-a"), Layer(f"{seed}-b")]
    config = config_of(layers)
    for blob in [config, *(layer.blob for layer in layers)]:
        client.push_blob(repo, blob)
    manifest = image_manifest(media_type, config, [layer.blob for layer in layers])
    assert client.put_manifest(repo, tag, manifest, media_type).status == 201
    return manifest, layers


def pull_old(client, repo, tag, headers=DOCKER_16):
    reply = client.get(client.manifest(repo, tag), headers)
    assert (reply.status, reply.header("Content-Type")) == (200, SIGNED), reply
    assert reply.header("Docker-Content-Digest") == digest(payload_of(reply.body))
    assert reply.header("Etag") == f'"{digest(payload_of(reply.body))}"'
    return reply.body


@pytest.fixture
def signed(client, repo):
    """A signed manifest of what is in `repo`: the conversion of an image, which is itself not stored as schema1."""
    push_image(client, repo, "image")
    return pull_old(client, repo, "image")


# Conversion


@pytest.mark.parametrize("media_type", [DOCKER_MANIFEST, OCI_MANIFEST], ids=["docker", "oci"])
@pytest.mark.parametrize("headers", [DOCKER_16, DOCKER_19, {"Accept": SIGNED}, {"Accept": PLAIN}],
                         ids=["docker 1.6", "docker 1.9", "signed", "plain"])
def test_image_is_converted(client, repo, media_type, headers):
    _, layers = push_image(client, repo, "v1", media_type)
    document = json.loads(pull_old(client, repo, "v1", headers))
    assert (document["schemaVersion"], document["name"], document["tag"]) == (1, repo, "v1")
    assert document["architecture"] == "amd64"
    assert [layer["blobSum"] for layer in document["fsLayers"]] == [digest(layer.blob) for layer in reversed(layers)]
    images = [json.loads(entry["v1Compatibility"]) for entry in document["history"]]
    assert images[0]["parent"] == images[1]["id"] and "parent" not in images[1]
    head = client.request("HEAD", client.manifest(repo, "v1"), list(headers.items()))
    assert (head.status, head.header("Content-Type")) == (200, SIGNED)


@pytest.mark.parametrize("list_type, media_type", [(DOCKER_LIST, DOCKER_MANIFEST), (OCI_INDEX, OCI_MANIFEST)])
def test_linux_amd64_of_a_list_is_converted(client, repo, list_type, media_type):
    manifest, _ = push_image(client, repo, "v1", media_type)
    image = type("Pushed", (), {"media_type": media_type, "digest": digest(manifest), "manifest": manifest})
    assert client.put_manifest(repo, "list", index(list_type, [(image, "amd64")]), list_type).status == 201
    assert client.put_manifest(repo, "arm", index(list_type, [(image, "arm64")]), list_type).status == 201
    assert json.loads(pull_old(client, repo, "list"))["tag"] == "list"
    assert_error(client.get(client.manifest(repo, "arm"), DOCKER_16), 404, "MANIFEST_UNKNOWN")


@pytest.mark.parametrize("headers", [DOCKER_110 | {"Accept": DOCKER_MANIFEST}, DOCKER_110, {}, {"Accept": OCI_MANIFEST},
                                     DOCKER_19 | {"Accept": DOCKER_MANIFEST},
                                     {"Accept": f"{SIGNED}, {DOCKER_MANIFEST}"}])
def test_others_get_what_is_stored(client, repo, headers):
    manifest, _ = push_image(client, repo, "v1")
    reply = client.get(client.manifest(repo, "v1"), headers)
    assert (reply.status, reply.header("Content-Type"), reply.body) == (200, DOCKER_MANIFEST, manifest)


def test_by_digest_nothing_is_converted(client, repo):
    manifest, _ = push_image(client, repo, "v1")
    reply = client.get(client.manifest(repo, digest(manifest)), DOCKER_16)
    assert (reply.header("Content-Type"), reply.body) == (DOCKER_MANIFEST, manifest)


def test_the_payload_is_the_same_every_time(client, repo):
    push_image(client, repo, "v1")
    first, second = (payload_of(pull_old(client, repo, "v1")) for _ in range(2))
    assert first == second


def test_the_empty_tar_is_put_there(client, repo):
    layer = Layer("with-env")
    config = json.loads(config_of([layer]))
    config["history"].append({"created_by": "ENV A=1", "empty_layer": True})
    config = json.dumps(config).encode()
    for blob in (config, layer.blob):
        client.push_blob(repo, blob)
    manifest = image_manifest(DOCKER_MANIFEST, config, [layer.blob])
    assert client.put_manifest(repo, "v1", manifest, DOCKER_MANIFEST).status == 201
    document = json.loads(pull_old(client, repo, "v1"))
    empty = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
    assert [entry["blobSum"] for entry in document["fsLayers"]] == [empty, digest(layer.blob)]
    assert json.loads(document["history"][0]["v1Compatibility"])["throwaway"] is True
    assert digest(client.get(client.blob(repo, empty)).body) == empty


def test_what_cannot_be_converted(client, repo):
    config, layer = b'{"rootfs": {"diff_ids": []}}', Layer("odd").blob
    for blob in (config, layer):
        client.push_blob(repo, blob)
    for tag, media_type in (("docker", DOCKER_MANIFEST), ("oci", OCI_MANIFEST)):
        assert client.put_manifest(repo, tag, image_manifest(media_type, config, [layer]), media_type).status == 201
    assert_error(client.get(client.manifest(repo, "docker"), DOCKER_16), 400, "MANIFEST_INVALID")
    assert_error(client.get(client.manifest(repo, "oci"), DOCKER_16), 404, "MANIFEST_UNKNOWN")


# Pushing and pulling


@pytest.mark.parametrize("content_type", [SIGNED, PLAIN, "application/json", SIGNED + "; charset=utf-8", None])
def test_push_and_pull(client, repo, signed, content_type):
    headers = [("Content-Type", content_type)] if content_type else []
    reply = client.request("PUT", client.manifest(repo, "old"), headers, signed)
    name = digest(payload_of(signed))
    assert (reply.status, reply.header("Docker-Content-Digest")) == (201, name), reply
    assert reply.header("Location").endswith(f"/manifests/{name}")
    for reference in ("old", name):
        for accept in ({}, {"Accept": SIGNED}, {"Accept": DOCKER_MANIFEST}, {"Accept": OCI_INDEX}, DOCKER_16):
            reply = client.get(client.manifest(repo, reference), accept)
            # The very signature that was pushed: it is kept, not made anew.
            assert (reply.status, reply.header("Content-Type"), reply.body) == (200, SIGNED, signed)
            assert reply.header("Docker-Content-Digest") == name
    assert client.get(client.manifest(repo, "old"), {"If-None-Match": f'"{name}"'}).status == 304


def test_signatures_are_merged(client, repo, signed, registry):
    second = pull_old(client, repo, "image")     # the same payload, signed again
    for document in (signed, second, signed):
        assert client.put_manifest(repo, "old", document, SIGNED).status == 201
    served = client.get(client.manifest(repo, "old")).body
    blocks = json.loads(served)["signatures"]
    assert blocks == sorted(json.loads(signed)["signatures"] + json.loads(second)["signatures"],
                            key=lambda block: (block["header"]["jwk"]["kid"], block["signature"]))
    assert payload_of(served) == payload_of(signed)
    # Each is served as it was stored: pushing the merged document adds nothing.
    assert client.put_manifest(repo, "old", served, SIGNED).status == 201
    assert client.get(client.manifest(repo, "old")).body == served


def test_lost_signatures_are_made_anew(client, repo, signed, registry):
    """docker/distribution 2.5 and later collects their blobs."""
    assert client.put_manifest(repo, "old", signed, SIGNED).status == 201
    revision = digest(payload_of(signed)).removeprefix("sha256:")
    folder = registry.root / f"docker/registry/v2/repositories/{repo}/_manifests/revisions/sha256/{revision}"
    links = list((folder / "signatures/sha256").glob("*/link"))
    assert len(links) == 1
    blob = links[0].read_text().removeprefix("sha256:")
    (registry.root / f"docker/registry/v2/blobs/sha256/{blob[:2]}/{blob}/data").unlink()
    reply = client.get(client.manifest(repo, "old"))
    assert (reply.status, payload_of(reply.body)) == (200, payload_of(signed))
    assert reply.body != signed


def test_push_by_digest(client, repo, signed):
    right, wrong = digest(payload_of(signed)), digest(signed)
    assert client.put_manifest(repo, right, signed, SIGNED).status == 201
    assert_error(client.put_manifest(repo, wrong, signed, SIGNED), 400, "DIGEST_INVALID")


def test_missing_layers(client, repo, other_repo, signed):
    reply = client.put_manifest(other_repo, "old", signed, SIGNED)
    assert_error(reply, 400, "MANIFEST_BLOB_UNKNOWN")
    missing = {layer["blobSum"] for layer in json.loads(signed)["fsLayers"]}
    assert {error["detail"] for error in reply.json()["errors"]} == missing
    assert client.get(client.manifest(other_repo, "old")).status == 404


def test_changed_content_and_signature(client, repo, signed):
    changed = signed.replace(b'"architecture": "amd64"', b'"architecture": "arm64"')
    assert_error(client.put_manifest(repo, "old", changed, SIGNED), 400, "MANIFEST_UNVERIFIED")
    signature = json.loads(signed)["signatures"][0]["signature"].encode()
    forged = signed.replace(signature, signature[:20] + signature[20:60][::-1] + signature[60:])
    assert_error(client.put_manifest(repo, "old", forged, SIGNED), 400, "MANIFEST_UNVERIFIED")


@pytest.mark.parametrize("spoil", [payload_of, lambda signed: signed[:-1], lambda signed: b"", lambda signed: b"{}",
                                   lambda signed: signed.replace(b'"ES256"', b'"none"'),
                                   lambda signed: signed.replace(b'"P-256"', b'"P-999"')],
                         ids=["unsigned", "cut", "empty", "nothing", "no algorithm", "no curve"])
def test_malformed(client, repo, signed, spoil):
    reply = client.put_manifest(repo, "old", spoil(signed), SIGNED)
    assert reply.status == 400
    assert reply.json()["errors"][0]["code"] in ("MANIFEST_INVALID", "MANIFEST_UNVERIFIED")


# Configuration


@pytest.mark.parametrize("registry", [{}], indirect=True, ids=["default"])
def test_pushing_is_off_unless_enabled(client, repo, signed):
    for content_type in (SIGNED, PLAIN):
        reply = client.put_manifest(repo, "old", signed, content_type)
        assert_error(reply, 400, "MANIFEST_INVALID")
        assert "compatibility.schema1.enabled" in reply.json()["errors"][0]["detail"]


@pytest.mark.parametrize("registry", [{"compatibility": {"schema1": {"enabled": True, "disablesignaturestore": True}}}],
                         indirect=True, ids=["no signature store"])
def test_signatures_can_be_dropped(client, repo, signed):
    assert client.put_manifest(repo, "old", signed, SIGNED).status == 201
    first, second = (client.get(client.manifest(repo, "old")).body for _ in range(2))
    assert payload_of(first) == payload_of(second) == payload_of(signed)
    assert len({first, second, signed}) == 3
