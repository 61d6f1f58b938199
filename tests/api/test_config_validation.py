"""validation.manifests: URLs of layers, completeness of indexes (spec: v2 API §5, configuration §1)."""
import json

import pytest

from documents import index
from expect import assert_error, differs
from harness import (DOCKER_LIST, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, DOCKER_CONFIG,
                     descriptor, digest)

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
CONFIG_BYTES = b'{"os":"windows"}'
ABSENT = b"a layer that is elsewhere"
GOOD_URL = "https://good.example/layer"
ANSWERS_500 = "it finds the fault and answers 500"


def urls(**lists):
    return {"validation": {"manifests": {"urls": lists}}}


def put_with_layer(client, repo, layer_type, layer_urls, layer=ABSENT, push=False):
    """PUTs a manifest of one layer with the given type and URLs; its config is there, its layer only if asked."""
    client.push_blob(repo, CONFIG_BYTES)
    if push:
        client.push_blob(repo, layer)
    docker = layer_type == FOREIGN
    more = {} if layer_urls is None else {"urls": layer_urls}
    media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
    body = json.dumps({"schemaVersion": 2, "mediaType": media_type,
                       "config": descriptor(DOCKER_CONFIG if docker else OCI_CONFIG, CONFIG_BYTES),
                       "layers": [descriptor(layer_type, layer, **more)]}).encode()
    return client.put_manifest(repo, "v1", body, media_type)


layers_from_elsewhere = pytest.mark.parametrize("layer_type", [FOREIGN, NONDISTRIBUTABLE], ids=["docker", "oci"])


# URLs


@pytest.mark.parametrize("registry", [urls(allow=["^https://good\\.example/", "^http://plain\\.example/"],
                                           deny=["/secret"])], indirect=True, ids=["allow and deny"])
class TestUrls:
    @layers_from_elsewhere
    @pytest.mark.parametrize("value", [[GOOD_URL], ["http://plain.example/x"], [GOOD_URL, GOOD_URL + "?q=1"],
                                       ["https://good.example/"]], ids=str)
    def test_allowed(self, client, repo, layer_type, value):
        """The layer need not be here: its URLs say where it is."""
        assert put_with_layer(client, repo, layer_type, value).status == 201
        assert client.head(client.blob(repo, digest(ABSENT))).status == 404

    @differs(ANSWERS_500)
    @layers_from_elsewhere
    @pytest.mark.parametrize("value", [
        ["https://bad.example/layer"], [GOOD_URL, "https://bad.example/"], ["https://good.example/secret/x"],
        ["https://good.example.evil/x"], ["ftp://good.example/x"], ["file:///etc/passwd"], ["//good.example/x"],
        ["good.example/x"], [""], ["https://good.example/x#fragment"], ["javascript:alert(1)"], ["https://"],
        ["https:///x"], ["x https://good.example/"]], ids=str)
    def test_refused(self, client, repo, layer_type, value):
        assert_error(put_with_layer(client, repo, layer_type, value), 400, "MANIFEST_INVALID")

    @differs(ANSWERS_500)
    @pytest.mark.parametrize("value", [None, []])
    def test_foreign_layer_without_a_url(self, client, repo, value):
        assert_error(put_with_layer(client, repo, FOREIGN, value), 400, "MANIFEST_INVALID")

    @pytest.mark.parametrize("value", [None, []])
    def test_nondistributable_layer_without_a_url_must_be_here(self, client, repo, value):
        assert_error(put_with_layer(client, repo, NONDISTRIBUTABLE, value), 400, "MANIFEST_BLOB_UNKNOWN")
        assert put_with_layer(client, repo, NONDISTRIBUTABLE, value, push=True).status == 201

    @differs("URLs excuse any layer there, as of distribution 3 only those that must not be distributed")
    def test_ordinary_layer_with_urls_must_be_here(self, client, repo):
        assert_error(put_with_layer(client, repo, OCI_LAYER, [GOOD_URL]), 400, "MANIFEST_BLOB_UNKNOWN")
        assert put_with_layer(client, repo, OCI_LAYER, [GOOD_URL], push=True).status == 201


@pytest.mark.parametrize("registry", [urls(allow=[".*"])], indirect=True, ids=["allow all"])
@pytest.mark.parametrize("value, status", [("https://any.example/x", 201), ("http://any.example/", 201),
                                           pytest.param("ftp://any.example/x", 400, marks=differs(ANSWERS_500))])
def test_allow_everything(client, repo, value, status):
    """Everything that is http."""
    assert put_with_layer(client, repo, FOREIGN, [value]).status == status


@differs(ANSWERS_500)
@pytest.mark.parametrize("registry", [urls(), urls(allow=[], deny=[])], indirect=True, ids=["no lists", "empty lists"])
def test_without_lists_no_url_is_good(client, repo):
    assert_error(put_with_layer(client, repo, FOREIGN, [GOOD_URL]), 400, "MANIFEST_INVALID")


@pytest.mark.parametrize("registry", [urls(deny=["evil"])], indirect=True, ids=["deny"])
@pytest.mark.parametrize("value, status", [
    (GOOD_URL, 201), pytest.param("https://evil.example/x", 400, marks=differs(ANSWERS_500))])
def test_with_a_deny_list_alone_the_rest_is_good(client, repo, value, status):
    assert put_with_layer(client, repo, FOREIGN, [value]).status == status


@pytest.mark.parametrize("registry", [{"validation": {"disabled": True}}], indirect=True, ids=["disabled"])
class TestDisabled:
    @layers_from_elsewhere
    def test_any_url_is_good(self, client, repo, layer_type):
        assert put_with_layer(client, repo, layer_type, ["https://anywhere.example/x"]).status == 201

    def test_blobs_must_be_here_nevertheless(self, client, repo):
        assert_error(put_with_layer(client, repo, OCI_LAYER, None), 400, "MANIFEST_BLOB_UNKNOWN")

    @differs("it checks indexes all the same")
    def test_indexes_need_not_be_complete(self, client, repo):
        assert put_index(client, repo, ["arm64"]).status == 201


# Completeness of indexes


def indexes(**settings):
    return {"validation": {"manifests": {"indexes": settings}}}


def put_index(client, repo, missing, media_type=OCI_INDEX):
    """PUTs an index over amd64 and arm64 of which some children are not here."""
    children = {architecture: client.make_image(repo, layers=[architecture.encode()], media_type=OCI_MANIFEST)
                for architecture in ("amd64", "arm64")}
    for architecture in missing:
        assert client.delete(client.manifest(repo, children[architecture].digest)).status == 202
    body = index(media_type, [(image, architecture) for architecture, image in children.items()])
    return client.put_manifest(repo, "all", body, media_type)


ALL, NONE = indexes(platforms="all"), indexes(platforms="none")
LISTED = indexes(platforms="list", platformlist=[{"architecture": "amd64", "os": "linux"}])
NO_SETTING = differs("2.8 has no such setting")

media_types = pytest.mark.parametrize("media_type", [DOCKER_LIST, OCI_INDEX], ids=["docker", "oci"])


@media_types
@pytest.mark.parametrize("registry, missing", [
    (ALL, []),
    (NONE, []),
    (LISTED, []),
    pytest.param(NONE, ["arm64"], marks=NO_SETTING),
    pytest.param(indexes(platforms="None"), ["amd64", "arm64"], marks=NO_SETTING),
    pytest.param(LISTED, ["arm64"], marks=NO_SETTING),
], indirect=["registry"], ids=["all", "none", "listed", "none missing", "None missing", "unlisted missing"])
def test_complete_enough_index(client, repo, missing, media_type):
    assert put_index(client, repo, missing, media_type).status == 201


@media_types
@pytest.mark.parametrize("registry, missing", [
    (ALL, ["arm64"]), (indexes(platforms="ALL"), ["amd64"]), (LISTED, ["amd64"]), (LISTED, ["amd64", "arm64"])],
    indirect=["registry"], ids=["all", "ALL", "listed missing", "both missing"])
def test_incomplete_index(client, repo, missing, media_type):
    reply = put_index(client, repo, missing, media_type)
    assert reply.status == 400
    assert set(reply.codes) == {"MANIFEST_BLOB_UNKNOWN"}


# Completeness of images


SPARSE = {"berth": {"sparseimages": True}}


@differs("it has no such setting")
@pytest.mark.parametrize("media_type", [DOCKER_MANIFEST, OCI_MANIFEST], ids=["docker", "oci"])
@pytest.mark.parametrize("registry", [SPARSE], indirect=True, ids=["sparse"])
class TestSparseImages:
    def test_layers_may_be_missing(self, client, repo, media_type):
        image = client.make_image(repo, layers=[b"here", b"not here"], media_type=media_type)
        assert client.delete(client.blob(repo, image.layers[1])).status == 202
        assert client.put_manifest(repo, "v1", image.manifest, media_type).status == 201
        reply = client.get(client.manifest(repo, "v1"), {"Accept": media_type})
        assert (reply.status, reply.body) == (200, image.manifest)
        client.fetch_blob(repo, image.layers[0])
        assert_error(client.get(client.blob(repo, image.layers[1])), 404, "BLOB_UNKNOWN")

    def test_the_config_must_be_here(self, client, repo, media_type):
        image = client.make_image(repo, media_type=media_type)
        assert client.delete(client.blob(repo, image.config)).status == 202
        reply = client.put_manifest(repo, "v1", image.manifest, media_type)
        assert_error(reply, 400, "MANIFEST_BLOB_UNKNOWN")
        assert [error["detail"] for error in reply.json()["errors"]] == [image.config]


@pytest.mark.parametrize("registry", [{}], indirect=True, ids=["default"])
def test_layers_must_be_here_by_default(client, repo):
    image = client.make_image(repo, layers=[b"here", b"not here"])
    assert client.delete(client.blob(repo, image.layers[1])).status == 202
    assert_error(client.put_manifest(repo, "v1", image.manifest, image.media_type), 400, "MANIFEST_BLOB_UNKNOWN")
