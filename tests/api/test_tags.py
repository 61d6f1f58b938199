"""GET tags/list: what is listed, in which order, in pages (spec: v2 API §2)."""
import pytest

from expect import (Case, assert_error, assert_head_parity, assert_methods, cases, differs, last_of, next_page, pages,
                    run)
from harness import DOCKER_MANIFEST, Client, digest

REPO = "tags/listed"
TAGS = sorted(["latest", "LATEST", "1.0", "1.10", "1.2", "_", "a", "a-b", "a.b", "a_b", "aa", "b", "z" * 128])
NO_PAGES = "it always lists all tags, in the order of the directory"


@pytest.fixture(scope="module", autouse=True)
def listed(registry):
    """REPO with TAGS, all of one manifest, pushed in no order."""
    client = Client(registry)
    image = client.make_image(REPO)
    for tag in reversed(TAGS):
        assert client.put_manifest(REPO, tag, image.manifest, image.media_type).status == 201
    return image


def tags(client, query=""):
    reply = client.get(client.tags(REPO) + query)
    assert reply.status == 200, reply
    assert reply.json()["name"] == REPO
    return reply.json()["tags"], reply


# What is listed


@differs(NO_PAGES)
def test_order_is_that_of_bytes(client):
    assert tags(client)[0] == TAGS


def test_form(client):
    listed, reply = tags(client)
    assert sorted(listed) == TAGS
    assert reply.header("Content-Type").startswith("application/json")
    assert list(reply.json()) == ["name", "tags"]
    assert reply.header("Link") is None


@differs("it answers HEAD with 405")
@pytest.mark.parametrize("query", ["", "?n=2", "?n=x"])
def test_head_parity(client, query):
    assert client.head(client.tags(REPO)).status == 200
    assert_head_parity(client, client.tags(REPO) + query)


@cases(
    Case("never pushed", "GET /v2/{repo}/tags/list", 404, "NAME_UNKNOWN"),
    Case("parent", "GET /v2/tags/tags/list", 404, "NAME_UNKNOWN"),
    Case("child", f"GET /v2/{REPO}/child/tags/list", 404, "NAME_UNKNOWN"),
    Case("paged", "GET /v2/{repo}/tags/list?n=5&last=a", 404, "NAME_UNKNOWN"),
)
def test_unknown_repository(client, repo, case):
    run(client, case, repo=repo)


def test_unknown_repository_is_named_in_the_detail(client, repo):
    error = client.get(client.tags(repo)).json()["errors"][0]
    assert error["detail"] == {"name": repo}


def test_repository_of_blobs_alone(client, repo):
    client.push_blob(repo, b"blob")
    assert_error(client.get(client.tags(repo)), 404, "NAME_UNKNOWN")


@differs("it knows no repository without tags")
def test_repository_without_tags(client, repo):
    """Pushed by digest alone: the repository exists, and its list is a list."""
    client.make_image(repo)
    reply = client.get(client.tags(repo))
    assert (reply.status, reply.json()) == (200, {"name": repo, "tags": []})
    assert b'"tags":[]' in reply.body.replace(b" ", b"")


@differs("its list is null")
def test_repository_whose_tags_were_removed(client, repo):
    image = client.make_image(repo, tag="v1")
    assert client.delete(client.manifest(repo, image.digest)).status == 202
    reply = client.get(client.tags(repo))
    assert (reply.status, reply.json()) == (200, {"name": repo, "tags": []})


def test_repositories_within_repositories(client, repo):
    for name, tag in ((repo, "outer"), (repo + "/inner", "inner")):
        client.make_image(name, tag=tag)
    for name, tag in ((repo, "outer"), (repo + "/inner", "inner")):
        assert client.get(client.tags(name)).json() == {"name": name, "tags": [tag]}


def test_tag_appears_and_moves_once(client, repo):
    for layer in (b"one", b"two"):
        client.make_image(repo, layers=[layer], tag="latest")
        assert client.get(client.tags(repo)).json()["tags"] == ["latest"]


# What somebody else left in the store


@differs("whatever is among the tags is one")
def test_files_among_the_tags_are_none(registry, client, repo):
    image = client.make_image(repo, tag="v1")
    tags = registry.v2_root / "repositories" / repo / "_manifests" / "tags"
    for name in ("Thumbs.db", "a.bak", "with space"):
        (tags / name).write_text(image.digest)
    (tags / "lost+found").mkdir()
    assert client.get(client.tags(repo)).json()["tags"] == ["v1"]
    assert_error(client.get(client.manifest(repo, "Thumbs.db")), 404, "MANIFEST_UNKNOWN")
    assert_error(client.delete(client.manifest(repo, "Thumbs.db")), 404, "MANIFEST_UNKNOWN")
    assert client.delete(client.manifest(repo, image.digest)).status == 202
    assert client.get(client.tags(repo)).json()["tags"] == []
    assert (tags / "Thumbs.db").read_text() == image.digest


# Pages


@differs(NO_PAGES)
@pytest.mark.parametrize("n", [1, 2, 3, 5, len(TAGS) - 1, len(TAGS), len(TAGS) + 1, 1000])
def test_following_the_links_lists_each_tag_once(client, n):
    result = pages(client, client.tags(REPO) + f"?n={n}", "tags")
    assert sum(result, []) == TAGS
    assert all(len(page) == n for page in result[:-1])


@differs(NO_PAGES)
@pytest.mark.parametrize("n", [1, 5, len(TAGS) - 1])
def test_link(client, n):
    page, reply = tags(client, f"?n={n}")
    assert page == TAGS[:n]
    assert reply.header("Link") == f'</v2/{REPO}/tags/list?last={TAGS[n - 1]}&n={n}>; rel="next"'


@differs(NO_PAGES)
def test_link_drops_other_parameters_and_keeps_last_at_the_end_of_the_page(client):
    page, reply = tags(client, "?n=2&last=1.0&ns=docker.io&x=y")
    assert page == ["1.10", "1.2"]
    assert next_page(reply) == f"/v2/{REPO}/tags/list?last=1.2&n=2"
    assert last_of(next_page(reply)) == "1.2"


@differs(NO_PAGES)
@pytest.mark.parametrize("query, expected", [
    ("?n=0", []),
    ("?n=0&last=a", []),
    (f"?n={len(TAGS)}", TAGS),
    ("?n=1000", TAGS),
    ("?n=", TAGS),
    ("?last=", TAGS),
    ("?n=&last=", TAGS),
    ("?last=LATEST", TAGS[TAGS.index("LATEST") + 1:]),
    ("?last=" + "z" * 128, []),
    ("?n=5&last=" + "z" * 128, []),
    ("?last=zzz", ["z" * 128]),
    ("?last=1.1", ["1.10", *TAGS[2:]]),
    ("?last=0", TAGS),
    ("?last=~", []),
    ("?last=%7E", []),
    ("?last=%C3%A4", []),
    ("?last=a%2Db", TAGS[TAGS.index("a-b") + 1:]),
    ("?n=100&last=latest", ["z" * 128]),
    ("?unknown=1", TAGS),
])
def test_pages_without_a_link(client, query, expected):
    page, reply = tags(client, query)
    assert page == expected
    assert reply.header("Link") is None


@differs(NO_PAGES)
@pytest.mark.parametrize("n", ["-1", "x", "1.5", "1e1", "0x10", "%20", "1%20", "99999999999999999999999", "-0x1", "%00",
                               "1,2", "%31x", "--1", "%D9%A1"])
def test_bad_page_size(client, n):
    assert_error(client.get(client.tags(REPO) + f"?n={n}"), 400, "PAGINATION_NUMBER_INVALID")


# Methods


@differs("its 405 is plain text")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_wrong_method(client, method):
    reply = client.request(method, client.tags(REPO))
    assert_error(reply, 405, "UNSUPPORTED")
    assert_methods(reply, "GET", "HEAD")


@differs("it does not take HEAD")
def test_options(client):
    reply = client.request("OPTIONS", client.tags(REPO))
    assert reply.status == 200
    assert_methods(reply, "GET", "HEAD")


def test_listing_leaves_manifests_alone(client, listed):
    reply = client.get(client.manifest(REPO, "a"), {"Accept": DOCKER_MANIFEST})
    assert (reply.status, digest(reply.body)) == (200, listed.digest)
