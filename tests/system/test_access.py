"""Access control as docker/distribution has it (auth.htpasswd, auth.token, auth.silly), beside docker-registry."""
import base64
import http.client
import json
import os
import re
import shutil
import subprocess
import time

import pytest

import harness
from harness import Client
from tokens import Keys, to

VECTORS = harness.REPOSITORY / "tests" / "unit" / "auth" / "vectors"
# bcrypt of cost 4, made by `htpasswd -nbBC 4`: alice has "wonder land:1", bob has "builder".
ALICE, BOB = ("alice", "wonder land:1"), ("bob", "builder")
REPO, ABSENT = "team/app", "sha256:" + "0" * 64
UPLOAD = "00000000-0000-4000-8000-000000000000"

REQUESTS = [
    ("GET", "/"), ("GET", "/v2/"), ("HEAD", "/v2/"), ("OPTIONS", "/v2/"), ("GET", "/v2/_catalog"),
    ("GET", "/v2/nowhere"),
    ("GET", f"/v2/{REPO}/tags/list"), ("PUT", f"/v2/{REPO}/tags/list"), ("OPTIONS", f"/v2/{REPO}/tags/list"),
    ("GET", f"/v2/{REPO}/manifests/v1"), ("HEAD", f"/v2/{REPO}/manifests/v1"), ("PUT", f"/v2/{REPO}/manifests/v1"),
    ("DELETE", f"/v2/{REPO}/manifests/{ABSENT}"),
    ("GET", f"/v2/{REPO}/blobs/{ABSENT}"), ("HEAD", f"/v2/{REPO}/blobs/{ABSENT}"),
    ("DELETE", f"/v2/{REPO}/blobs/{ABSENT}"),
    ("POST", f"/v2/{REPO}/blobs/uploads/"), ("POST", f"/v2/{REPO}/blobs/uploads/?mount={ABSENT}&from=other/repo"),
    ("POST", f"/v2/{REPO}/blobs/uploads/?mount={ABSENT}&from=x%22%0d%0ay"),
    ("GET", f"/v2/{REPO}/tags/list?from=other/repo"),
    ("GET", f"/v2/{REPO}/blobs/uploads/{UPLOAD}"), ("PATCH", f"/v2/{REPO}/blobs/uploads/{UPLOAD}"),
    ("DELETE", f"/v2/{REPO}/blobs/uploads/{UPLOAD}"),
]


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def htpasswd_line(user, password, cost=4):
    made = subprocess.run(["htpasswd", "-niBC", str(cost), user], input=password, text=True, capture_output=True,
                          check=True)
    return made.stdout.strip()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("access")
    for each in (made, *made.parents):
        if str(each).startswith("/tmp/"):
            each.chmod(0o755)    # the pool may run as another user
    return made


@pytest.fixture(scope="module")
def users(folder):
    if not shutil.which("htpasswd"):
        pytest.skip("htpasswd of apache2-utils is not installed")
    path = folder / "users"
    path.write_text("\n".join(htpasswd_line(*each) for each in (ALICE, BOB)) + "\n")
    return path


@pytest.fixture(scope="module")
def keys(folder):
    return Keys(folder)


def told(reply, with_body=True):
    """What a client sees of a refusal or not: the order of actions and scopes is nobody's business."""
    challenge = reply.header("WWW-Authenticate")
    if challenge:
        scope = re.search(r'scope="((?:[^"\\]|\\.)*)"', challenge)
        scopes = sorted((name, tuple(sorted(actions.split(","))))
                        for name, _, actions in (one.rpartition(":") for one in scope[1].split(" "))) if scope else []
        challenge = (re.sub(r'scope="(?:[^"\\]|\\.)*"', "", challenge), scopes)
    body = None
    if with_body and reply.status == 401 and reply.body:
        body = reply.json()
        detail = body["errors"][0].get("detail")
        if detail:
            body["errors"][0]["detail"] = sorted(detail, key=str)
    length = reply.header("Content-Length") if reply.status == 401 else None
    return reply.status, challenge, body, length, reply.header("Docker-Distribution-Api-Version")


def compare(auth, credentials):
    config = {"auth": auth}
    with harness.Registry(config) as berth, harness.PeerRegistry(config) as peer:
        for value in credentials:
            headers = {"Authorization": value} if value is not None else {}
            for method, target in REQUESTS:
                ours, theirs = (told(Client(each).request(method, target, headers)) for each in (berth, peer))
                # Once it is let in, a request is compared elsewhere.
                if theirs[0] != 401 and ours[0] != 401:
                    continue
                assert ours == theirs, (value, method, target)


@pytest.mark.skipif(not shutil.which("docker-registry"), reason="docker-registry is not installed")
@pytest.mark.differs("it compares the two")
class TestBesideDockerRegistry:
    def test_htpasswd(self, users):
        compare({"htpasswd": {"realm": 'A "realm" ü', "path": str(users)}},
                [None, "", basic(*ALICE), basic("alice", "wrong"), basic("nobody", "x"), basic("", ""), "Basic",
                 "Basic !",
                 basic(*ALICE).replace("Basic ", "basic "), basic(*ALICE).replace("Basic ", "Basic  "), "Bearer x"])

    def test_token(self, keys):
        good = keys.token([to(REPO, "pull")])
        compare({"token": {"realm": "https://tokens.example/token", "service": "service", "issuer": "issuer",
                           "rootcertbundle": str(keys.bundle)}},
                [None, "Bearer", "Bearer ", "Bearer x", basic(*ALICE), good, good.replace("Bearer", "bearer"),
                 good.replace("Bearer ", "Bearer  "), good[:-4] + "AAAA", keys.token([]),
                 keys.token([to(REPO, "pull", "push")]), keys.token([to(REPO, "*"), to("other/repo", "pull")]),
                 keys.token([{"type": "registry", "name": "catalog", "actions": ["*"]}]),
                 keys.token([to(REPO, "pull")], iss="else"), keys.token([to(REPO, "pull")], aud="else"),
                 keys.token([to(REPO, "pull")], exp=int(time.time()) - 100)])

    def test_silly(self):
        compare({"silly": {"realm": "https://silly.example/token", "service": "silly"}}, [None, "x"])


@pytest.fixture
def guarded(users):
    with harness.Registry({"auth": {"htpasswd": {"realm": "r", "path": str(users)}}}) as registry:
        yield registry


def as_user(user, password):
    return {"Authorization": basic(user, password)}


def test_nothing_is_had_without_a_password(guarded):
    client = Client(guarded)
    data = os.urandom(1000)
    started = client.post(client.uploads(REPO), as_user(*ALICE))
    assert started.status == 202, started
    location = harness.with_query(started.header("Location"), digest=harness.digest(data))
    assert client.put(location, as_user(*ALICE), data).status == 201
    blob = client.blob(REPO, harness.digest(data))
    for method in ("GET", "HEAD"):
        assert client.request(method, blob).status == 401
        assert client.request(method, blob, as_user("alice", "builder")).status == 401
        assert client.request(method, blob, {"Range": "bytes=0-9"}).status == 401
    reply = client.get(blob, as_user(*BOB))
    assert (reply.status, reply.body) == (200, data)


def test_a_body_without_rights_is_not_taken(guarded):
    client = Client(guarded)
    location = client.post(client.uploads(REPO), as_user(*ALICE)).header("Location")
    spool = [path for path in guarded.root.rglob("spool") if path.is_dir()]
    assert spool
    with client.open_socket() as connection:
        connection.sendall(f"PATCH {client.path_of(location)} HTTP/1.1\r\nHost: {guarded.authority}\r\n"
                           f"Content-Length: {1 << 30}\r\n\r\n".encode() + b"x" * 100_000)
        connection.settimeout(harness.REPLY_SECONDS)
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")
    assert not [path for one in spool for path in one.iterdir() if path.name != "lock"]


def test_users_are_read_again_and_a_broken_file_changes_nothing(folder):
    if not shutil.which("htpasswd"):
        pytest.skip("htpasswd of apache2-utils is not installed")
    path = folder / "changing"
    path.write_text(htpasswd_line(*ALICE) + "\n")
    with harness.Registry({"auth": {"htpasswd": {"realm": "r", "path": str(path)}}}) as registry:
        client = Client(registry)
        token = client.put(f"/v1/repositories/{REPO}/", as_user(*ALICE), b"[]").header("X-Docker-Token")
        tags = f"/v1/repositories/{REPO}/tags"
        assert client.get(tags, {"Authorization": token}).status == 404      # let in, and there are none
        assert client.get("/v2/", as_user(*BOB)).status == 401
        path.write_text(htpasswd_line(*BOB) + "\n")
        harness.wait_until(lambda: client.get("/v2/", as_user(*BOB)).status == 200, "bob is known")
        assert client.get("/v2/", as_user(*ALICE)).status == 401
        assert client.get(tags, {"Authorization": token}).status == 401, "whoever is gone has no tokens"
        path.write_text("secretly broken\n")
        time.sleep(1.5)         # longer than between two looks at the file
        assert client.get("/v2/", as_user(*BOB)).status == 200
        path.unlink()
        time.sleep(1.5)
        assert client.get("/v2/", as_user(*BOB)).status == 200
        assert "secretly" not in registry.log() and str(path) in registry.log()


@pytest.mark.parametrize("auth, says", [
    ({"htpasswd": {"realm": "r", "path": "/nowhere/users"}}, "/nowhere/users"),
    ({"htpasswd": {"realm": "r"}}, "path"), ({"htpasswd": None}, "realm"), ({"htpasswd": {}}, "realm"),
    ({"token": {"realm": "https://r/", "service": "s", "issuer": "i"}}, "rootcertbundle"),
    ({"token": {"realm": "https://r/", "service": "s", "issuer": "i", "rootcertbundle": "/nowhere"}}, "/nowhere"),
    ({"token": {"realm": "https://r/", "issuer": "i", "rootcertbundle": "/dev/null"}}, "service"),
    ({"none": None, "htpasswd": {"realm": "r", "path": "/x"}}, "one of none"),
    ({"ldap": {}}, "one of none"), ("htpasswd", "realm"), (["none"], "a map of none"),
])
def test_half_an_auth_section_never_starts_an_open_registry(auth, says):
    registry = harness.Registry({"auth": auth})
    with pytest.raises(RuntimeError):
        registry.start()
    assert says in registry.log() and "auth" in registry.log()
    registry.close()


def passwd(path, user, password):
    berth = os.environ.get("BERTH", str(harness.REPOSITORY / "build" / "berth"))
    return subprocess.run([berth, "passwd", path, user], input=password, capture_output=True, text=True, timeout=60)


def test_a_fleet_with_one_password_waits_for_one_bcrypt_and_nobody_is_refused(folder):
    """More requests than threads may wait, all with a password that is right and not remembered."""
    path, fleet = folder / "fleet", 100
    path.write_text(htpasswd_line(*ALICE, cost=12) + "\n")
    with harness.Registry({"auth": {"htpasswd": {"realm": "r", "path": str(path)}}}) as registry:
        connections = [http.client.HTTPConnection("127.0.0.1", registry.port) for _ in range(fleet)]
        for connection in connections:
            connection.request("GET", "/v2/", headers=as_user(*ALICE))
        assert {connection.getresponse().status for connection in connections} == {200}


def test_berth_passwd_makes_what_auth_reads(folder):
    path, link = folder / "made", folder / "link"
    link.symlink_to(path)
    assert passwd(path, "alice", ALICE[1] + "\n").returncode == 0
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("# a note\n" + path.read_text() + "bob:no hash")      # no line end
    path.chmod(0o644)
    assert passwd(link, "bob", BOB[1]).returncode == 0
    lines = path.read_text().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["# a note", "alice", "bob"]
    assert link.is_symlink() and path.stat().st_mode & 0o777 == 0o644
    for user, password in (("a:b", "x"), ("", "x"), ("alice", ""), ("alice", "x" * 73)):
        refused = passwd(path, user, password)
        assert refused.returncode == 2 and refused.stderr.startswith("berth: "), (user, password)
    assert path.read_text().splitlines() == lines
    assert passwd("/nowhere/users", "alice", "x").returncode == 1
    with harness.Registry({"auth": {"htpasswd": {"realm": "r", "path": str(path)}}}) as registry:
        client = Client(registry)
        for user, password in (ALICE, BOB):
            assert client.get("/v2/", as_user(user, password)).status == 200
            assert client.get("/v2/", as_user(user, "else")).status == 401


def test_a_token_may_end_while_the_body_comes(keys):
    with harness.Registry({"auth": keys.auth()}) as registry:
        client = Client(registry)
        for_long = {"Authorization": keys.token([to(REPO, "pull", "push")])}
        location = client.post(client.uploads(REPO), for_long).header("Location")
        ends = int(time.time()) - 57     # good for three seconds yet, with the leeway of a minute
        soon = {"Authorization": keys.token([to(REPO, "pull", "push")], exp=ends)}

        def slowly():
            yield b"x" * 200_000
            while time.time() < ends + 63:
                time.sleep(0.2)
            yield b"x" * 200_000

        assert client.patch(location, soon, slowly()).status == 202
        assert client.post(client.uploads(REPO), soon).status == 401


def test_all_vectors_of_tokens_through_nginx():
    """tests/unit/auth has them too; here with a clock and headers as they are."""
    auth = {"token": {"realm": "https://registry.example/token", "service": "registry.example",
                      "issuer": "berth-vectors", "rootcertbundle": str(VECTORS / "bundle-3x.pem"),
                      "jwks": str(VECTORS / "jwks.json")}}
    with harness.Registry({"auth": auth}) as registry:
        client = Client(registry)
        lines = json.loads((VECTORS / "tokens.json").read_text())
        assert len(lines) == 134
        for vector in lines:
            reply = client.get("/v2/", {"Authorization": "Bearer " + vector["token"]})
            assert (reply.status == 200) == (vector["berth"] in ("accept", "scope")), vector["name"]
        for vector in lines:
            assert len(vector["token"]) < 20 or vector["token"] not in registry.log()


def test_v1_clients_log_in_with_the_same_password(guarded):
    client = Client(guarded)
    account = json.dumps({"username": "alice", "password": ALICE[1], "email": "a@example.test"}).encode()
    reply = client.post("/v1/users/", {"Content-Type": "application/json"}, account)
    assert (reply.status, reply.body) == (400, b'"Username or email already exists"')
    assert client.get("/v1/_ping").status == 200
    assert client.get("/v1/users/", as_user(*ALICE)).status == 200
    reply = client.get("/v1/users/", as_user("alice", "wrong"))
    assert reply.status == 401 and reply.header("WWW-Authenticate") == 'Basic realm="r"'
    image = "a" * 64
    for method, target in (("GET", f"/v1/repositories/{REPO}/images"), ("GET", f"/v1/images/{image}/json"),
                           ("PUT", f"/v1/images/{image}/json"), ("GET", "/v1/search?q=a")):
        assert client.request(method, target).status == 401, target


def test_the_log_names_the_verified_user_and_no_secret(guarded):
    client = Client(guarded)
    client.get("/v2/logged/first/tags/list", as_user(*ALICE))
    client.get("/v2/logged/second/tags/list", as_user("mallory", "guess"))
    harness.wait_until(lambda: "/logged/first/" in guarded.log() and "/logged/second/" in guarded.log(),
                       "both are logged")
    log = guarded.log()
    assert " - alice [" in log and "mallory" not in log
    assert ALICE[1] not in log and basic(*ALICE).partition(" ")[2] not in log
