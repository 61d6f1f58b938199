"""The origin and form of the URLs that berth hands out (spec: v2 API §3; config http.host, prefix, relativeurls)."""
import base64
import json
import re

import pytest

from expect import CheckedClient, differs, next_page
from harness import OCI_INDEX, OCI_MANIFEST, SECRET, digest, image_manifest, merged, with_query

EMPTY_INDEX = b'{"schemaVersion": 2, "manifests": []}'


def http(**settings):
    return {"http": settings}


def each_location(client, repo, headers=()):
    """kind → Location, of every reply that has one; followed on our own base, for theirs is what is under test."""
    headers, base = list(dict(headers).items()), client.registry.prefix

    def location(method, target, data=None, more=()):
        reply = client.request(method, path(target), [*headers, *more], data)
        assert reply.status in (201, 202, 204), reply
        return reply.header("Location")

    def path(target):
        return base + target[target.index("/v2/"):]

    uploads = f"{base}/v2/{repo}/blobs/uploads/"
    found = {"start": location("POST", uploads)}
    found["patch"] = location("PATCH", found["start"], b"12345")
    found["status"] = location("GET", found["patch"])
    found["put"] = location("PUT", with_query(found["status"], digest=digest(b"12345")))
    found["mount"] = location("POST", f"{uploads}?mount={digest(b'12345')}&from={repo}")
    found["failed mount"] = location("POST", f"{uploads}?mount={digest(b'none')}&from={repo}")
    found["manifest"] = location("PUT", f"{base}/v2/{repo}/manifests/v1", EMPTY_INDEX, [("Content-Type", OCI_INDEX)])
    return found


def assert_locations(client, repo, origin, headers=()):
    blob, manifest = digest(b"12345"), digest(EMPTY_INDEX)
    for kind, value in each_location(client, repo, headers).items():
        if kind in ("put", "mount"):
            assert value == f"{origin}/v2/{repo}/blobs/{blob}", kind
        elif kind == "manifest":
            assert value == f"{origin}/v2/{repo}/manifests/{manifest}", kind
        else:
            assert re.fullmatch(re.escape(f"{origin}/v2/{repo}/blobs/uploads/") + r"[^/?]+\?_state=[^&]+", value), kind


# By default: what the client asked


@pytest.mark.parametrize("headers, origin", [
    ({"Host": "reg.example"}, "http://reg.example"),
    ({"Host": "reg.example:5000"}, "http://reg.example:5000"),
    ({"Host": "[::1]:5000"}, "http://[::1]:5000"),
    ({"Host": "a", "X-Forwarded-Proto": "https"}, "https://a"),
    ({"Host": "a", "X-Forwarded-Host": "b"}, "http://b"),
    ({"Host": "a", "X-Forwarded-Host": "b:8443"}, "http://b:8443"),
    ({"Host": "a", "X-Forwarded-Host": "b, c, d"}, "http://b"),
    ({"Host": "a", "X-Forwarded-Host": " b ,c"}, "http://b"),
    ({"Host": "a", "X-Forwarded-Host": "b", "X-Forwarded-Proto": "https"}, "https://b"),
    ({"Host": "a", "X-Forwarded-Proto": ""}, "http://a"),
    ({"Host": "a", "X-Forwarded-Host": ""}, "http://a"),
    ({"Host": "a", "X-Forwarded-For": "192.0.2.1"}, "http://a"),
    ({"Host": "a", "Forwarded": "proto=https"}, "https://a"),
    ({"Host": "a", "Forwarded": "host=b"}, "http://b"),
    ({"Host": "a", "Forwarded": "for=192.0.2.1;proto=https;host=b"}, "https://b"),
    ({"Host": "a", "Forwarded": "host=b;proto=https;by=10.0.0.1"}, "https://b"),
    ({"Host": "a", "Forwarded": 'host="b:8443";proto=https'}, "https://b:8443"),
    ({"Host": "a", "Forwarded": "Proto=https;Host=b"}, "https://b"),
    ({"Host": "a", "Forwarded": "proto=https;host=b, proto=http;host=c"}, "https://b"),
    ({"Host": "a", "Forwarded": "for=192.0.2.1, host=c;proto=https"}, "http://a"),
    ({"Host": "a", "Forwarded": 'for="[2001:db8::1]:4711";host=b'}, "http://b"),
    ({"Host": "a", "Forwarded": "for=192.0.2.1"}, "http://a"),
    ({"Host": "a", "Forwarded": "host=b", "X-Forwarded-Host": "c"}, "http://b"),
    ({"Host": "a", "Forwarded": "for=1.2.3.4", "X-Forwarded-Host": "c", "X-Forwarded-Proto": "https"}, "http://a"),
    ({"Host": "a", "Forwarded": "proto=https", "X-Forwarded-Proto": "http"}, "https://a"),
    ({"Host": "a", "Forwarded": "host"}, "http://a"),
    ({"Host": "a", "Forwarded": 'host="b'}, "http://a"),
], ids=lambda value: "; ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, dict) else "")
def test_origin_is_what_the_client_asked(client, repo, headers, origin):
    assert_locations(client, repo, ours(client, origin), headers)


def ours(client, origin):
    """An origin of the table, `http` standing for the scheme that we speak."""
    return origin.replace("http://", client.registry.scheme + "://")


# RFC 9112 section 3.2.2: the authority of the target counts, and Host does not. What a proxy says counts more.
@pytest.mark.parametrize("target, headers, origin", [
    ("http://a:8443", {"Host": "b"}, "http://a:8443"),
    ("http://a", {"Host": "b:5000"}, "http://a"),
    ("HTTP://a", {"Host": "b"}, "http://a"),
    ("http://[::1]:80", {"Host": "b"}, "http://[::1]:80"),
    ("https://a", {"Host": "b"}, "https://a"),
    ("https://a", {"Host": "b", "X-Forwarded-Proto": "http"}, "http://a"),
    ("http://a", {"Host": "b", "X-Forwarded-Host": "c", "X-Forwarded-Proto": "https"}, "https://c"),
    ("https://a", {"Host": "b", "Forwarded": "host=c"}, "https://c"),
])
def test_the_targets_authority_counts(client, repo, target, headers, origin):
    reply = client.request("POST", target + client.uploads(repo), headers)
    assert reply.status == 202
    wanted = origin if "https" in origin or "Proto" in str(headers) else ours(client, origin)
    assert reply.header("Location").startswith(f"{wanted}/v2/{repo}/blobs/uploads/")


def test_origin_keeps_or_folds_the_case_of_the_host(client, repo):
    location = client.post(client.uploads(repo), {"Host": "REG.example"}).header("Location")
    assert location.lower().startswith(ours(client, "http://reg.example/v2/"))


def test_first_of_two_forwarded_lines_counts(client, repo):
    reply = client.post(client.uploads(repo), [("Host", "a"), ("Forwarded", "host=b"), ("Forwarded", "host=c")])
    assert reply.header("Location").startswith(ours(client, "http://b/v2/"))


def test_links_are_relative_whatever_the_origin(client, repo):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "b"}
    for name in (repo + "/one", repo + "/two"):
        client.push_blob(name, b"x")
        client.put_manifest(name, "v1", EMPTY_INDEX, OCI_INDEX)
    assert next_page(client.get("/v2/_catalog?n=1", headers)).startswith("/v2/_catalog?last=")


def test_a_location_with_another_origin_is_still_good(client, repo):
    """The token does not bind the host by which the client came."""
    location = client.post(client.uploads(repo), {"Host": "one.example"}).header("Location")
    target = location.removeprefix(ours(client, "http://one.example"))
    reply = client.patch(target, {"Host": "two.example"}, b"12345")
    assert reply.status == 202
    assert reply.header("Location").startswith(ours(client, "http://two.example/v2/"))


# TLS


def test_tls_makes_https(registry_class):
    with registry_class(tls=True) as registry:
        client = CheckedClient(registry)
        assert_locations(client, "team/app", f"https://127.0.0.1:{registry.port}")
        assert_locations(client, "team/app", "https://reg.example", {"Host": "reg.example"})
        assert_locations(client, "team/app", "http://reg.example", {"Host": "reg.example", "X-Forwarded-Proto": "http"})
        assert client.get("/v2/").body == b"{}"


# http.host


@pytest.mark.parametrize("registry", [http(host="https://hub.example:8443")], indirect=True, ids=["host"])
@pytest.mark.parametrize("headers", [{}, {"Host": "b"}, {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "b"},
                                     {"Forwarded": "host=b;proto=http"}], ids=str)
def test_configured_host_wins(client, repo, headers):
    assert_locations(client, repo, "https://hub.example:8443", headers)


@pytest.mark.parametrize("registry", [http(host="https://hub.example/")], indirect=True, ids=["slash"])
def test_configured_host_may_end_with_a_slash(client, repo):
    assert_locations(client, repo, "https://hub.example")


# http.relativeurls


@pytest.mark.parametrize("registry", [http(relativeurls=True)], indirect=True, ids=["relative"])
@pytest.mark.parametrize("headers", [{}, {"Host": "b"}, {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "b"},
                                     {"Forwarded": "host=b"}], ids=str)
def test_relative_urls(client, repo, headers):
    assert_locations(client, repo, "", headers)


@pytest.mark.parametrize("registry", [http(relativeurls=False)], indirect=True, ids=["absolute"])
def test_absolute_urls_asked_for(client, repo):
    assert_locations(client, repo, client.registry.url)


# http.prefix


PREFIXED = http(prefix="/some/prefix/")


@pytest.mark.parametrize("registry", [PREFIXED], indirect=True, ids=["prefix"])
class TestPrefix:
    """Every route moves below the prefix, and so do the URLs."""

    def test_base(self, client):
        reply = client.get("/some/prefix/v2/")
        assert (reply.status, reply.body) == (200, b"{}")

    def test_slash_redirect(self, client):
        reply = client.get("/some/prefix/v2")
        assert reply.status == 301
        assert client.path_of(reply.header("Location")) == "/some/prefix/v2/"

    @pytest.mark.parametrize("target", ["/v2/", "/v2/_catalog", "/v2/team/app/tags/list", "/some/v2/", "/prefix/v2/",
                                        "/some/prefix/some/prefix/v2/", "/some/prefixv2/"])
    def test_nothing_is_left_outside(self, client, target):
        assert client.get(target).status == 404

    def test_locations(self, client, repo):
        assert_locations(client, repo, client.registry.url + "/some/prefix")

    def test_forwarded_locations(self, client, repo):
        assert_locations(client, repo, "https://b/some/prefix", {"Forwarded": "host=b;proto=https"})

    def test_push_and_pull(self, client, repo):
        image = client.make_image(repo, tag="v1", media_type=OCI_MANIFEST)
        reply = client.get(client.manifest(repo, "v1"), {"Accept": OCI_MANIFEST})
        assert (reply.status, reply.body) == (200, image.manifest)
        assert client.get(client.tags(repo)).json() == {"name": repo, "tags": ["v1"]}
        client.fetch_blob(repo, image.layers[0])
        assert client.get(client.blob(repo, image.layers[0]), {"Range": "bytes=1-2"}).status == 206

    def test_links(self, client, repo):
        for name in (repo + "/one", repo + "/two"):
            client.push_blob(name, b"x")
            client.put_manifest(name, "v1", EMPTY_INDEX, OCI_INDEX)
        target = next_page(client.get("/some/prefix/v2/_catalog?n=1"))
        assert target.startswith("/some/prefix/v2/_catalog?last=")
        assert client.get(target).status == 200

    def test_errors(self, client):
        reply = client.get("/some/prefix/v2/team/none/tags/list")
        assert (reply.status, reply.codes) == (404, ["NAME_UNKNOWN"])


@differs("it leaves the prefix out, which leads to a 404")
@pytest.mark.parametrize("registry", [merged(PREFIXED, http(relativeurls=True))], indirect=True, ids=["both"])
def test_relative_urls_with_a_prefix(client, repo):
    assert_locations(client, repo, "/some/prefix")


@pytest.mark.parametrize("registry, origin", [
    (merged(PREFIXED, http(host="https://hub.example")), "https://hub.example"),
    (merged(PREFIXED, http(host="https://hub.example/some/prefix/")), "https://hub.example/some/prefix"),
    (http(host="https://hub.example/outside/"), "https://hub.example/outside")],
    indirect=["registry"], ids=["prefix", "prefix and path", "path"])
def test_configured_host_is_the_whole_base(client, repo, origin):
    """It tells what clients see: a prefix that a proxy adds belongs into it, http.prefix is not added."""
    assert_locations(client, repo, origin)


# http.secret


def state_of(location):
    return base64.urlsafe_b64decode(location.split("_state=")[1].replace("%3D", "=") + "==")


def test_uploads_outlive_a_restart_by_the_secret(registry_class):
    with registry_class() as registry:
        client = CheckedClient(registry)
        location = client.append(client.start_upload("team/app"), b"before ")
        registry.stop()
        registry.start()
        location = client.append(location, b"after")
        assert client.finish_upload(location, digest(b"before after")).status == 201


@differs("it makes a new secret at every start")
def test_without_a_secret_uploads_go_on_after_a_restart(registry_class):
    """The secret that berth makes is kept in the store."""
    with registry_class(http(secret=None)) as registry:
        client = CheckedClient(registry)
        location = client.append(client.start_upload("team/app"), b"bytes")
        registry.stop()
        registry.start()
        assert client.finish_upload(location, digest(b"bytes")).status == 201


def test_state_is_signed_with_the_configured_secret(registry_class):
    tokens = []
    for secret in (SECRET, "another"):
        with registry_class(http(secret=secret)) as registry:
            location = CheckedClient(registry).start_upload("team/app")
            tokens.append(location)
            assert json.loads(state_of(location)[32:])["Name"] == "team/app"
    with registry_class() as registry:
        client = CheckedClient(registry)
        replies = [client.delete(re.sub(r"^http://[^/]*", "", token)) for token in tokens]
        # Ours is understood, though its upload is not here; the other is noise.
        assert [reply.codes[0] for reply in replies] == ["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"]


def test_blob_pushed_by_relative_locations(registry_class):
    with registry_class(http(relativeurls=True)) as registry:
        client = CheckedClient(registry)
        client.push_blob("team/app", b"{}")
        reply = client.put_manifest("team/app", "v1", image_manifest(OCI_MANIFEST, b"{}", []))
        assert client.get(reply.header("Location"), {"Accept": OCI_MANIFEST}).status == 200
