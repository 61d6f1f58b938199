"""Real clients against berth's own access control over TLS: who is nobody, who is somebody, and what a refusal says."""
import concurrent.futures
import re
import subprocess
import time

import pytest

from access_clients import CLIENTS
from conftest import need, need_loopback_ipv6, need_root
from costly_clients import ABSENT, COSTLY_CLIENTS
from harness import OCTETS, Client, digest, with_query
from images import random_bytes, tar
from slow_door import SlowDoor
from store_check import assert_whole
from test_access import ALICE, BOB, as_user, folder, htpasswd_line  # noqa: F401  (a fixture)
from test_own_access import bearer, client_with

pytestmark = pytest.mark.differs("berth's own rules")

LIFETIME = 60           # of a token, in seconds: the shortest there is
LONG, LONG_SECONDS, LONG_RATE = "team/long", LIFETIME + 8, 40_000
ROOT = ("root", "toor:2")
ALL_CLIENTS = CLIENTS | COSTLY_CLIENTS
LONG_CLIENTS = [name for name in ALL_CLIENTS
                if name in ("docker", "podman", "skopeo", "crane", "oras", "regctl", "buildctl", "docker-29")]
RULES = [
    {"who": "anyone", "repositories": "public/**", "may": "pull"},
    {"who": "signed-in", "repositories": "team/**", "may": "pull"},
    {"who": "developers", "repositories": ["team/**", "public/**"], "may": "push"},
    {"who": "user:root", "repositories": "**", "may": "all"},
]


@pytest.fixture(scope="module")
def registry(registry_factory, registry_class, folder):     # noqa: F811
    need_root()
    need("curl", "htpasswd")
    need_loopback_ipv6()
    users = folder / "client-users"
    users.write_text("\n".join(htpasswd_line(*each) for each in (ALICE, BOB, ROOT)) + "\n")
    prepared = registry_class({"auth": {"htpasswd": {"realm": "r", "path": str(users)}},
                               "berth": {"immutable": [{"repositories": ["kept/**"], "tags": ["v*", "1.*"]}],
                                         "access": {"groups": {"developers": ["alice"]}, "rules": RULES,
                                                    "tokenlifetime": f"{LIFETIME}s"}}}, tls=True)
    prepared.config["http"]["addr"] = f":{prepared.port}"      # every address: the engine comes by IPv6
    with registry_factory(prepared) as running:
        yield running
        assert_whole(running.v2_root)


@pytest.fixture(scope="module", params=ALL_CLIENTS)
def shared(request, registry, tmp_path_factory):
    """A client, after root has pushed with it what there is to pull."""
    name = request.param
    client = ALL_CLIENTS[name](registry, tmp_path_factory.mktemp(name))
    try:
        client.forget()
        client.login(*ROOT)
        for top in ("public", "team", "secret"):
            client.prepare(f"{top}/{name}", ROOT)
            client.push(f"{top}/{name}")
        yield name, client
    finally:
        client.close()


@pytest.fixture
def name(shared):
    return shared[0]


@pytest.fixture
def client(shared):
    shared[1].forget()
    return shared[1]


def says(words, complaint):
    assert words.lower() in complaint.lower(), complaint


def test_nobody(client, name):
    client.pull(f"public/{name}")
    says(client.NOBODY, client.pull(f"team/{name}", fails=True))
    says(client.PUSH_OF_NOBODY, client.push(f"public/{name}", fails=True))


def test_login_and_logout(client, name):
    if client.ASKS:
        says(client.WRONG_LOGIN or client.WRONG, client.login(ALICE[0], "wrong", fails=True))
        client.forget()
    client.login(*ALICE)
    client.pull(f"team/{name}")
    client.logout()
    says(client.NOBODY, client.pull(f"team/{name}", fails=True))


def test_developer(client, name):
    client.login(*ALICE)
    for top in ("team", "public"):
        client.push(f"{top}/{name}")
        client.pull(f"{top}/{name}")
    refused = client.pull(f"secret/{name}", fails=True)
    assert "denied" in refused.lower() or "403 Forbidden" in refused, refused
    says(client.HIDDEN, client.push(f"secret/{name}", fails=True))


def test_reader(client, name):
    client.login(*BOB)
    client.pull(f"team/{name}")
    says(client.DENIED, client.push(f"team/{name}", fails=True))


def test_pull_secret(client, name):
    client.take_pull_secret(*BOB)
    client.pull(f"team/{name}")
    client.take_pull_secret(BOB[0], "wrong")
    says(client.WRONG, client.pull(f"team/{name}", fails=True))


def test_an_immutable_tag_is_refused_in_words(client, name):
    client.login(*ROOT)
    client.prepare(f"kept/{name}", ROOT)
    client.push(f"kept/{name}")
    if client.IMMUTABLE is None:
        client.push(f"kept/{name}")     # moves no tag
    else:
        says(client.IMMUTABLE, client.push(f"kept/{name}", fails=True))
    client.pull(f"kept/{name}")


@pytest.mark.parametrize("name", ABSENT)
def test_a_client_that_is_not_here(name):
    pytest.skip(f"NOT TESTED: {name}: {ABSENT[name]}")


@pytest.mark.parametrize("shared", ["docker"], indirect=True)
def test_layers_are_mounted_only_from_what_may_be_pulled(client):
    """The engine remembers where it has seen a layer, whoever was signed in then."""
    engine = client.engine
    engine.docker("import", "-", "made", stdin=tar({"file": random_bytes(1000, "mounted")}))

    def push(name):
        engine.docker("tag", "made", client.at(name))
        return engine.docker("push", client.at(name))

    client.login(*ROOT)
    assert "Pushed" in push("secret/origin")
    client.login(*ALICE)
    out = push("team/mounts")
    assert "Pushed" in out and "Mounted" not in out, out
    assert "Mounted from team/mounts" in push("public/mounts")


def long_push(door, name, home):
    """What a client says of a push that takes longer than its token lives, and how long it took; or why there is no
    such client."""
    try:
        client = ALL_CLIENTS[name](door, home)
    except pytest.skip.Exception as error:
        return f"skipped: {error}", None
    try:
        client.forget()
        client.login(*ALICE)
        started = time.monotonic()
        return client.push(f"{LONG}/{name}", size=LONG_RATE * LONG_SECONDS), time.monotonic() - started
    finally:
        client.close()


@pytest.fixture(scope="module")
def long_pushes(registry, tmp_path_factory):
    """All at once, and beside the pushes of the test below: for most of the time they wait."""
    with SlowDoor(registry, LONG_RATE) as door, concurrent.futures.ThreadPoolExecutor(len(LONG_CLIENTS)) as threads:
        yield {name: threads.submit(long_push, door, name, tmp_path_factory.mktemp(f"long-{name}"))
               for name in LONG_CLIENTS}


def test_push_that_outlives_its_token(registry, tmp_path, long_pushes):
    """Rights are asked for before a body, and no clock is after it."""
    client = Client(registry)
    scope = f"repository:{LONG}:pull,push"
    token = bearer(client, as_user(*ALICE), scope)
    body = tmp_path / "body"
    body.write_bytes(random_bytes(LONG_RATE * LONG_SECONDS, "long"))
    wanted = digest(body.read_bytes())

    def slowly(method, location):
        return subprocess.Popen(
            ["curl", "--silent", "--show-error", "--cacert", registry.ca_file, "--limit-rate", str(LONG_RATE),
             "--request", method, "--header", f"Authorization: {token['Authorization']}",
             "--header", f"Content-Type: {OCTETS}", "--upload-file", body, "--dump-header", "-", location],
            stdout=subprocess.PIPE, text=True)

    started = time.monotonic()
    first, second = (client.post(client.uploads(LONG), token).header("Location") for _ in range(2))
    running = [slowly("PATCH", first), slowly("PUT", with_query(second, digest=wanted))]
    (patched, _), (put, _) = (each.communicate(timeout=4 * LONG_SECONDS) for each in running)
    assert time.monotonic() - started > LIFETIME, "the bodies were sent too fast"
    assert client.get(client.tags(LONG), token).status == 401
    assert re.match(r"HTTP/\S+ 202 ", patched), patched
    assert re.match(r"HTTP/\S+ 201 ", put), put

    token = bearer(client, as_user(*ALICE), scope)
    location = re.search(r"(?im)^location: (\S+)", patched)[1]
    assert client.put(with_query(location, digest=wanted), token).status == 201
    assert digest(client.get(client.blob(LONG, wanted), token).body) == wanted


@pytest.mark.parametrize("name", LONG_CLIENTS)
def test_a_client_whose_push_outlives_its_token(registry, long_pushes, name):
    said, seconds = long_pushes[name].result()
    if seconds is None:
        pytest.skip(said)
    assert seconds > LIFETIME
    client = client_with(registry, ALICE)
    pushed = client.get(client.manifest(f"{LONG}/{name}", "v1"), {"Accept": "*/*"})
    assert pushed.status == 200 and max(layer["size"] for layer in pushed.json()["layers"]) > LONG_RATE * LIFETIME
