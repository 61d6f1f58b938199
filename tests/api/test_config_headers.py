"""Configuration that shows in replies: headers, page limits, deletes, environment (spec: configuration §1, §3)."""
import pytest

from expect import CheckedClient, assert_error, assert_methods, differs, next_page, pages
from harness import OCI_INDEX, OCI_MANIFEST, OCTETS, digest

EMPTY_INDEX = b'{"schemaVersion": 2, "manifests": []}'
UNKNOWN = digest(b"never pushed")


def push_tags(client, repo, tags):
    client.push_blob(repo, b"blob")
    for tag in tags:
        assert client.put_manifest(repo, tag, EMPTY_INDEX, OCI_INDEX).status == 201


# http.headers


HEADERS = {"X-Content-Type-Options": ["nosniff"], "X-Two": ["one", "two"], "X-Quoted": ['a "quoted" $value; {x}'],
           "Strict-Transport-Security": ["max-age=63072000; includeSubDomains"]}


@pytest.mark.parametrize("registry", [{"http": {"headers": HEADERS}}], indirect=True, ids=["headers"])
class TestHeaders:
    """They are on every routed reply, once for each value, exactly as configured."""

    @pytest.fixture
    def stored(self, client, repo):
        image = client.make_image(repo, tag="v1", media_type=OCI_MANIFEST)
        return {"repo": repo, "blob": image.config, "manifest": image.digest}

    @staticmethod
    def assert_headers(reply):
        for name, values in HEADERS.items():
            assert reply.all(name) == values, f"{name}: {reply}"

    @pytest.mark.parametrize("method, target, status", [
        ("GET", "/v2/", 200), ("HEAD", "/v2/", 200), ("GET", "/v2/_catalog", 200), ("GET", "/v2/{repo}/tags/list", 200),
        ("GET", "/v2/{repo}/manifests/{manifest}", 200), ("HEAD", "/v2/{repo}/manifests/{manifest}", 200),
        ("GET", "/v2/{repo}/blobs/{blob}", 200), ("HEAD", "/v2/{repo}/blobs/{blob}", 200),
        ("POST", "/v2/{repo}/blobs/uploads/", 202), ("POST", "/v2/{repo}/blobs/uploads/?mount={blob}&from={repo}", 201),
        ("DELETE", "/v2/{repo}/blobs/{blob}", 202), ("DELETE", "/v2/{repo}/manifests/{manifest}", 202),
        ("GET", "/v2/no/such/tags/list", 404), ("GET", "/v2/{repo}/manifests/none", 404),
        ("HEAD", "/v2/{repo}/manifests/none", 404), (f"GET", f"/v2/{{repo}}/blobs/{UNKNOWN}", 404),
        ("GET", "/v2/{repo}/blobs/sha256:" + "0" * 63, 400), ("GET", "/v2/_catalog?n=100000", 400),
        ("PUT", "/v2/{repo}/manifests/bad", 400), ("PATCH", "/v2/{repo}/blobs/uploads/0000", 404),
    ])
    def test_on_replies(self, client, stored, method, target, status):
        reply = client.request(method, target.format(**stored), {"Accept": OCI_MANIFEST})
        assert reply.status == status, reply
        self.assert_headers(reply)

    @pytest.mark.parametrize("headers, status", [({"Range": "bytes=0-1"}, 206), ({"If-None-Match": "*"}, 304),
                                                 ({"Range": "bytes=0-1,3-4"}, 206)], ids=str)
    def test_on_replies_to_conditions(self, client, stored, headers, status):
        reply = client.get("/v2/{repo}/blobs/{blob}".format(**stored), headers)
        assert reply.status == status
        self.assert_headers(reply)

    @differs("its 405 and 416 stand outside of the routes")
    def test_on_other_errors(self, client, stored):
        self.assert_headers(client.post("/v2/_catalog"))
        self.assert_headers(client.get("/v2/{repo}/blobs/{blob}".format(**stored), {"Range": "bytes=9999-"}))

    def test_on_each_step_of_an_upload(self, client, repo):
        reply = client.post(client.uploads(repo))
        self.assert_headers(reply)
        reply = client.patch(reply.header("Location"), {"Content-Type": OCTETS}, b"x")
        self.assert_headers(reply)
        location = reply.header("Location")
        for method in ("GET", "HEAD"):
            self.assert_headers(client.request(method, location))
        self.assert_headers(client.finish_upload(location, digest(b"x")))
        self.assert_headers(client.put_manifest(repo, "v1", EMPTY_INDEX, OCI_INDEX))


def test_no_headers_of_our_own_by_default(client):
    reply = client.get("/v2/")
    for name in ("X-Content-Type-Options", "X-Powered-By", "X-Accel-Redirect", "Set-Cookie", "WWW-Authenticate"):
        assert reply.header(name) is None


def test_replies_do_not_tell_paths(client, registry, repo):
    """Neither headers nor bodies say where the store lies."""
    blob = client.push_blob(repo, b"blob")
    for target in ("/v2/", client.blob(repo, blob), client.blob(repo, UNKNOWN), client.tags("no/such"),
                   client.manifest(repo, "none"), client.manifest(repo, "x" * 300)):
        reply = client.get(target)
        assert str(registry.directory) not in str(reply.headers) + reply.body.decode(errors="replace")
        assert "/docker/registry/v2/" not in str(reply.headers) + reply.body.decode(errors="replace")


# tags.maxtags and catalog.maxentries


@differs("it has no pages of tags")
@pytest.mark.parametrize("registry", [{"tags": {"maxtags": 3}}], indirect=True, ids=["maxtags"])
@pytest.mark.parametrize("n, size", [("2", 2), ("3", 3), ("4", 3), ("1000", 3), ("2147483648", 3)])
def test_larger_pages_of_tags_are_clamped(client, repo, n, size):
    tags = [f"t{i}" for i in range(8)]
    push_tags(client, repo, tags)
    reply = client.get(client.tags(repo) + f"?n={n}")
    assert reply.json()["tags"] == tags[:size]
    assert next_page(reply) == f"/v2/{repo}/tags/list?last={tags[size - 1]}&n={size}"
    assert sum(pages(client, client.tags(repo) + f"?n={n}", "tags"), []) == tags


@pytest.mark.parametrize("registry", [{"tags": {"maxtags": 3}}], indirect=True, ids=["maxtags"])
def test_all_tags_are_listed_without_a_page_size(client, repo):
    push_tags(client, repo, [f"t{i}" for i in range(8)])
    reply = client.get(client.tags(repo))
    assert len(reply.json()["tags"]) == 8
    assert reply.header("Link") is None


@pytest.mark.parametrize("registry", [{"catalog": {"maxentries": 5}}], indirect=True, ids=["maxentries"])
def test_larger_pages_of_the_catalog_are_refused(client, repo):
    for i in range(8):
        push_tags(client, f"{repo}/r{i}", ["v1"])
    assert_error(client.get("/v2/_catalog?n=6"), 400, "PAGINATION_NUMBER_INVALID")
    assert sum(pages(client, "/v2/_catalog?n=5", "repositories"), []) == [f"{repo}/r{i}" for i in range(8)]


# storage.delete.enabled


@pytest.mark.parametrize("registry", [{"storage": {"delete": {"enabled": False}}}, {"storage": {"delete": None}}],
                         indirect=True, ids=["disabled", "default"])
class TestDeletesDisabled:
    """Nothing can be deleted but uploads, and what cannot be deleted stays."""

    @pytest.fixture
    def image(self, client, repo):
        return client.make_image(repo, tag="v1", media_type=OCI_MANIFEST)

    def test_blob(self, client, repo, image):
        assert_error(client.delete(client.blob(repo, image.config)), 405, "UNSUPPORTED")
        client.fetch_blob(repo, image.config)

    def test_unknown_blob(self, client, repo, image):
        reply = client.delete(client.blob(repo, UNKNOWN))
        assert (reply.status, reply.codes[0]) in ((405, "UNSUPPORTED"), (404, "BLOB_UNKNOWN"))

    def test_manifest(self, client, repo, image):
        assert_error(client.delete(client.manifest(repo, image.digest)), 405, "UNSUPPORTED")
        assert client.get(client.manifest(repo, "v1"), {"Accept": OCI_MANIFEST}).body == image.manifest

    def test_tag(self, client, repo, image):
        assert_error(client.delete(client.manifest(repo, "v1")), 405, "UNSUPPORTED")
        assert client.get(client.manifest(repo, "v1"), {"Accept": OCI_MANIFEST}).body == image.manifest

    def test_upload(self, client, repo):
        assert client.delete(client.start_upload(repo)).status == 204

    def test_allowed_methods_are_named_nevertheless(self, client, repo, image):
        assert_methods(client.post(client.blob(repo, image.config)), "GET", "HEAD", "DELETE")


# Environment


@pytest.mark.parametrize("name, value, check", [
    ("REGISTRY_STORAGE_DELETE_ENABLED", "false",
     lambda c: c.delete(c.blob("team/app", digest(b"blob"))).status == 405),
    ("REGISTRY_CATALOG_MAXENTRIES", "5", lambda c: c.get("/v2/_catalog?n=6").status == 400),
    ("REGISTRY_HTTP_RELATIVEURLS", "true", lambda c: c.start_upload("team/app").startswith("/v2/")),
    ("REGISTRY_HTTP_HOST", "https://hub.example",
     lambda c: c.post("/v2/team/app/blobs/uploads/").header("Location").startswith("https://hub.example/v2/")),
    ("REGISTRY_HTTP_HEADERS", "{X-Set: [by environment]}", lambda c: c.get("/v2/").header("X-Set") == "by environment"),
    ("REGISTRY_LOG_LEVEL", "debug", lambda c: c.get("/v2/").status == 200),
    ("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR", "inmemory", lambda c: c.get("/v2/").status == 200),
    ("REGISTRY_NO_SUCH_SETTING", "x", lambda c: c.get("/v2/").status == 200),
    ("REGISTRY_HTTP_SECRET", "from the environment", lambda c: c.get("/v2/").status == 200),
])
def test_environment_overrides_the_file(registry_class, name, value, check):
    with registry_class(env={name: value}) as registry:
        client = CheckedClient(registry)
        client.push_blob("team/app", b"blob")
        assert check(client)


@differs("there it is tags without pages")
def test_environment_overrides_maxtags(registry_class):
    with registry_class(env={"REGISTRY_TAGS_MAXTAGS": "2"}) as registry:
        client = CheckedClient(registry)
        push_tags(client, "team/app", ["a", "b", "c"])
        assert client.get(client.tags("team/app") + "?n=100").json()["tags"] == ["a", "b"]


def test_environment_overrides_the_root(registry_class, tmp_path):
    with registry_class(env={"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(tmp_path / "elsewhere")}) as registry:
        CheckedClient(registry).push_blob("team/app", b"blob")
        assert (tmp_path / "elsewhere/docker/registry/v2/repositories/team/app/_layers").is_dir()
        assert not registry.v2_root.exists()
