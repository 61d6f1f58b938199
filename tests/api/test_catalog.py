"""GET /v2/_catalog: which repositories, in which order, in pages (spec: v2 API §2, storage layout §1)."""
import pytest

from expect import CheckedClient, assert_error, assert_head_parity, assert_methods, differs, last_of, next_page, pages
from harness import OCI_INDEX, Client

EMPTY_INDEX = b'{"schemaVersion": 2, "manifests": []}'     # a manifest that needs no blobs
DEFAULT_PAGE = 100

# In order: a path sorts by its components, so `/` comes before every other byte.
NAMES = ["a", "a/b", "a/b/c", "a/c", "a-b", "a.b", "a0", "a_b", "aa", "b", *(f"many/r{i:03}" for i in range(100)), "z"]
CATALOG = "/v2/_catalog"


@pytest.fixture(scope="module", autouse=True)
def pushed(registry):
    """A registry with NAMES, pushed in no order, each with a blob and a manifest."""
    client = Client(registry)
    for name in reversed(NAMES):
        client.push_blob(name, b"blob")
        assert client.put_manifest(name, "latest", EMPTY_INDEX, OCI_INDEX).status == 201


def catalog(client, query=""):
    reply = client.get(CATALOG + query)
    assert reply.status == 200, reply
    assert list(reply.json()) == ["repositories"]
    return reply.json()["repositories"], reply


def test_first_page(client):
    """Without n, a page has a hundred."""
    names, reply = catalog(client)
    assert names == NAMES[:DEFAULT_PAGE]
    assert reply.header("Content-Type").startswith("application/json")
    assert next_page(reply) == f"{CATALOG}?last={NAMES[DEFAULT_PAGE - 1].replace('/', '%2F')}&n={DEFAULT_PAGE}"


@pytest.mark.parametrize("n", [1, 2, 7, 50, 100, len(NAMES) - 1, len(NAMES), len(NAMES) + 1, 1000])
def test_following_the_links_lists_each_repository_once(client, n):
    result = pages(client, f"{CATALOG}?n={n}", "repositories")
    assert sum(result, []) == NAMES
    assert all(len(page) == n for page in result[:-1])


def test_following_the_links_by_default(client):
    assert sum(pages(client, CATALOG, "repositories"), []) == NAMES


@pytest.mark.parametrize("n", [1, 2, 5])
def test_link(client, n):
    names, reply = catalog(client, f"?n={n}&ns=docker.io")
    assert names == NAMES[:n]
    assert last_of(next_page(reply)) == NAMES[n - 1]
    assert next_page(reply).startswith(f"{CATALOG}?last=") and next_page(reply).endswith(f"&n={n}")


@pytest.mark.parametrize("query, expected", [
    ("?n=1000", NAMES),
    ("?n=&last=many%2Fr099", ["z"]),
    ("?last=many%2Fr099", ["z"]),
    ("?last=many/r099", ["z"]),
    ("?last=z", []),
    ("?last=zz&n=5", []),
    ("?n=5&last=many/r099", ["z"]),
    ("?n=1000&last=b", NAMES[NAMES.index("b") + 1:]),
    ("?n=1000&last=a", NAMES[1:]),
    ("?n=1000&last=a/b", NAMES[2:]),
    ("?n=1000&last=a-b", NAMES[NAMES.index("a-b") + 1:]),
    ("?n=1000&last=b/none", NAMES[NAMES.index("b") + 1:]),
    ("?n=1000&last=many", NAMES[NAMES.index("b") + 1:]),
    ("?n=1000&last=0", NAMES),
    ("?n=1000&last=", NAMES),
    ("?n=1000&last=~", []),
])
def test_pages_without_a_link(client, query, expected):
    names, reply = catalog(client, query)
    assert names == expected
    assert reply.header("Link") is None


def test_no_link_after_the_last(client):
    for n in (len(NAMES), 1):
        last = "" if n > 1 else "&last=many/r099"
        assert catalog(client, f"?n={n}{last}")[1].header("Link") is None


def test_page_size_0(client):
    names, reply = catalog(client, "?n=0")
    assert names == []
    assert reply.header("Link") is None


@pytest.mark.parametrize("n", ["1001", "100000", *(pytest.param(n, marks=differs("it takes the default")) for n in (
    "-1", "x", "1.5", "0x10", "%20", "5%20", "99999999999999999999999", "%00", "5,5"))])
def test_bad_page_size(client, n):
    assert_error(client.get(f"{CATALOG}?n={n}"), 400, "PAGINATION_NUMBER_INVALID")


@differs("it answers HEAD with 405")
@pytest.mark.parametrize("query", ["", "?n=2", "?n=x"])
def test_head_parity(client, query):
    assert client.head(CATALOG).status == 200
    assert_head_parity(client, CATALOG + query)


@differs("its 405 is plain text")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_wrong_method(client, method):
    reply = client.request(method, CATALOG)
    assert_error(reply, 405, "UNSUPPORTED")
    assert_methods(reply, "GET", "HEAD")


@differs("it does not take HEAD")
def test_options(client):
    reply = client.request("OPTIONS", CATALOG)
    assert reply.status == 200
    assert_methods(reply, "GET", "HEAD")


def test_empty_registry(registry_class):
    with registry_class() as empty:
        reply = CheckedClient(empty).get(CATALOG)
        assert (reply.status, reply.json()) == (200, {"repositories": []})
        assert reply.header("Link") is None


@differs("2.8 lists what has blobs, distribution 3 and berth what has manifests")
def test_a_repository_is_what_has_manifests(registry_class):
    with registry_class() as fresh:
        client = CheckedClient(fresh)
        client.push_blob("only/a/blob", b"blob")
        client.start_upload("only/an/upload")
        assert client.put_manifest("only/a/manifest", "latest", EMPTY_INDEX, OCI_INDEX).status == 201
        assert client.get(CATALOG).json() == {"repositories": ["only/a/manifest"]}
