"""berth's own access control: the answers of nobody, of users, of tokens and of robots, and what real clients make of
them."""
import json
import os
import re
import shutil
import subprocess
import time
import urllib.parse

import pytest

import harness
from harness import Client
from images import Layer, OciLayout
from test_access import ALICE, BOB, as_user, basic, folder, htpasswd_line  # noqa: F401  (a fixture)

pytestmark = pytest.mark.differs("berth's own rules")

BERTH = os.environ.get("BERTH", str(harness.REPOSITORY / "build" / "berth"))
PUBLIC, TEAM, SECRET = "public/app", "team/app", "secret/app"
RULES = [
    {"who": "anyone", "repositories": "public/**", "may": "pull"},
    {"who": "user:alice", "repositories": ["public/**", "team/**"], "may": ["push", "delete"]},
    {"who": "user:bob", "repositories": "team/**", "may": "add"},
    {"who": "robot:ci", "repositories": ["team/**", "tools/**"], "may": "push"},
]


@pytest.fixture
def users(folder):      # noqa: F811
    if not shutil.which("htpasswd"):
        pytest.skip("htpasswd of apache2-utils is not installed")
    path = folder / "own-users"
    path.write_text("\n".join(htpasswd_line(*each) for each in (ALICE, BOB)) + "\n")
    return path


def config_of(users_file, **access):
    return {"auth": {"htpasswd": {"realm": "r", "path": str(users_file)}},
            "berth": {"access": {"rules": RULES} | access}}


@pytest.fixture
def own(users):
    with harness.Registry(config_of(users)) as registry:
        yield registry


@pytest.fixture
def client(own):
    return Client(own)


def token_of(client, headers=(), *scopes, **more):
    query = urllib.parse.urlencode([("service", "s"), *(("scope", scope) for scope in scopes), *more.items()])
    return client.get(f"{client.base}token?{query}", headers)


def bearer(client, headers=(), *scopes):
    reply = token_of(client, headers, *scopes)
    assert reply.status == 200, reply
    return {"Authorization": "Bearer " + reply.json()["token"]}


def challenge_of(reply):
    """The parameters of the one challenge, which is Bearer."""
    text = reply.header("WWW-Authenticate")
    assert text.startswith("Bearer "), text
    return dict(re.findall(r'(\w+)="([^"]*)"', text))


def form(client, **fields):
    return client.post(client.base + "token", {"Content-Type": "application/x-www-form-urlencoded"},
                       urllib.parse.urlencode(fields).encode())


def test_nobody_is_asked_at_v2_and_may_pull_what_is_public(own, client):
    image = client_with(own, ALICE).make_image(PUBLIC, tag="v1")
    for headers in ({}, {"Authorization": "Basic Og=="}):
        reply = client.get("/v2/", headers)
        assert reply.status == 401
        assert challenge_of(reply) == {"realm": f"{own.url}/v2/token", "service": own.authority}
        assert client.get(client.manifest(PUBLIC, "v1"), headers).body == image.manifest
        for layer in image.layers:
            assert client.get(client.blob(PUBLIC, layer), headers).status == 200
        refused = client.post(client.uploads(PUBLIC), headers)
        assert refused.status == 401 and challenge_of(refused)["scope"] == f"repository:{PUBLIC}:pull,push"
        refused = client.get(client.tags(TEAM), headers)
        assert refused.status == 401 and challenge_of(refused)["scope"] == f"repository:{TEAM}:pull"
        assert refused.codes == ["UNAUTHORIZED"]
    anonymous = bearer(client, (), f"repository:{PUBLIC}:pull,push")
    assert client.get("/v2/", anonymous).status == 200
    assert client.get(client.manifest(PUBLIC, "v1"), anonymous).status == 200
    refused = client.post(client.uploads(PUBLIC), anonymous)
    assert refused.status == 401 and challenge_of(refused)["error"] == "insufficient_scope"


def test_basic_is_taken_everywhere_and_wrong_credentials_nowhere(client):
    for target in ("/v2/", client.tags(PUBLIC), "/v2/_catalog", client.base + "token"):
        for headers in (as_user("alice", "wrong"), as_user("carol", "x"), {"Authorization": "Basic !"}):
            assert client.get(target, headers).status == 401, target
    for user in (ALICE, BOB):
        assert client.get("/v2/", as_user(*user)).status == 200
    refused = client.post(client.uploads(SECRET), as_user(*ALICE))
    assert refused.status == 403 and refused.codes == ["DENIED"] and refused.header("WWW-Authenticate") is None
    assert refused.json()["errors"][0]["message"] == "requested access to the resource is denied"
    assert client.get(client.tags(SECRET), as_user(*ALICE)).status == 403
    assert client.post(client.uploads(TEAM), as_user(*BOB)).status == 202
    assert client.delete(client.manifest(TEAM, harness.digest(b"x")), as_user(*BOB)).status == 403


def client_with(registry, user):
    """A client that sends Basic with every request."""
    made = Client(registry)
    plain = made.request
    made.request = lambda method, target, headers=(), body=None: plain(
        method, target, [*(headers.items() if isinstance(headers, dict) else headers), ("Authorization", basic(*user))],
        body)
    return made


def test_get_and_post_give_tokens(own, client):
    reply = token_of(client, as_user(*ALICE), f"repository:{TEAM}:pull,push,delete", f"repository:{SECRET}:pull",
                     account="alice", client_id="docker", offline_token="true")
    told = reply.json()
    assert reply.status == 200 and reply.header("Cache-Control") == "no-store"
    assert told["token"] == told["access_token"] and told["expires_in"] == 900 and "refresh_token" not in told
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["issued_at"])
    with_token = {"Authorization": "Bearer " + told["token"]}
    assert client.post(client.uploads(TEAM), with_token).status == 202
    assert client.get(client.tags(SECRET), with_token).status == 403

    posted = form(client, grant_type="password", username="alice", password=ALICE[1], service="s", client_id="c",
                  scope=f"repository:{TEAM}:pull repository:{PUBLIC}:pull")
    assert posted.status == 200 and posted.header("Cache-Control") == "no-store"
    with_token = {"Authorization": "Bearer " + posted.json()["access_token"]}
    assert client.get(client.tags(TEAM), with_token).status == 404
    refused = client.post(client.uploads(TEAM), with_token)
    assert refused.status == 401
    assert challenge_of(refused)["error"] == "insufficient_scope"
    assert challenge_of(refused)["scope"] == f"repository:{TEAM}:pull,push"

    assert form(client, grant_type="password", username="alice", password="wrong").status == 401
    assert form(client, grant_type="client_credentials").json()["error"] == "unsupported_grant_type"
    assert form(client, grant_type="refresh_token", refresh_token=told["token"]).status == 401
    assert token_of(client, as_user(*ALICE), account="bob").status == 401
    assert token_of(client).status == 200       # of nobody, as something is public
    assert client.get("/v2/", {"Authorization": "Bearer " + told["token"] + "x"}).status == 401
    for secret in (ALICE[1], urllib.parse.quote(ALICE[1]), told["token"], "client_id", TEAM + ":pull,push,delete"):
        assert secret not in own.log()
    harness.wait_until(lambda: "/v2/token?(hidden)" in own.log(), "the access log has its line")


def test_the_access_log_names_who_was_refused(own, client):
    assert client.get(client.tags("secret/refused"), as_user(*ALICE)).status == 403
    assert client.get(client.tags("secret/unknown"), as_user("alice", "wrong")).status == 401
    names = ("refused", "unknown")      # by workers of their own, each of which writes when it likes
    harness.wait_until(lambda: all(f"/v2/secret/{name}/" in own.log() for name in names), "both lines")
    lines = {name: line for line in own.log().splitlines() for name in names if f"/v2/secret/{name}/" in line}
    assert " - alice [" in lines["refused"], lines
    assert " - - [" in lines["unknown"], lines


def test_a_form_is_never_in_a_file(own, client):
    """And one that is none is not read."""
    big = b"grant_type=password&username=alice&password=" + b"x" * 60_000
    assert form_raw(client, big).status == 401
    assert form_raw(client, iter([big[:20], big[20:]])).status == 401       # chunked
    for body in (b"x" * 70_000, b"x" * 200_000, iter([b"x" * 50_000] * 5)):
        assert form_raw(client, body).status == 413
    assert not [path for path in own.root.rglob("*") if path.is_file() and "spool" in path.parts
                and path.name != "lock"]
    assert "buffered to a temporary file" not in own.log()


def form_raw(client, body):
    return client.post(client.base + "token", {"Content-Type": "application/x-www-form-urlencoded"}, body)


def test_a_token_ends_with_its_password_and_its_rights_with_the_rules(own, client, users):
    token = bearer(client, as_user(*ALICE), f"repository:{TEAM}:pull,push")
    assert client.post(client.uploads(TEAM), token).status == 202
    subprocess.run([BERTH, "passwd", users, "alice"], input="another", text=True, check=True, timeout=60)
    refused = client.get(client.tags(TEAM), token)
    assert refused.status == 401 and challenge_of(refused)["error"] == "invalid_token"
    token = bearer(client, as_user("alice", "another"), f"repository:{TEAM}:pull,push")
    assert client.get(client.tags(TEAM), token).status == 404
    own.config["berth"]["access"]["rules"] = RULES[:1]
    own.config_file.write_text(json.dumps(own.config))
    own.send_signal(harness.signal.SIGHUP)
    harness.wait_until(lambda: client.get(client.tags(TEAM), token).status == 403, "the rules of today")
    users.write_text(htpasswd_line(*BOB) + "\n")
    assert client.get("/v2/", token).status == 401


def test_without_public_rules_nobody_has_a_token(users):
    config = config_of(users)
    config["berth"]["access"]["rules"] = RULES[1:]
    config["http"] = {"prefix": "/registry/"}
    with harness.Registry(config) as registry:
        client = Client(registry)
        assert challenge_of(client.get("/registry/v2/"))["realm"] == f"{registry.url}/registry/v2/token"
        assert token_of(client).status == 401
        token = bearer(client, as_user(*ALICE), f"repository:{TEAM}:push")
        assert client.post(client.uploads(TEAM), token).status == 202
        assert client.get("/v2/token").status == 404


def test_refresh_tokens_where_they_are_wanted(users):
    with harness.Registry(config_of(users, refreshlifetime="24h")) as registry:
        client = Client(registry)
        told = form(client, grant_type="password", username="alice", password=ALICE[1], access_type="offline").json()
        again = form(client, grant_type="refresh_token", refresh_token=told["refresh_token"],
                     scope=f"repository:{TEAM}:push")
        assert again.status == 200
        token = {"Authorization": "Bearer " + again.json()["access_token"]}
        assert client.post(client.uploads(TEAM), token).status == 202
        assert client.get("/v2/", {"Authorization": "Bearer " + told["refresh_token"]}).status == 401
        users.write_text(htpasswd_line("alice", "another") + "\n")
        assert form(client, grant_type="refresh_token", refresh_token=told["refresh_token"]).status == 401


def test_no_token_service_without_rules():
    with harness.Registry() as registry:
        client = Client(registry)
        for method in ("GET", "POST", "PUT"):
            unknown = client.request(method, "/v2/nothing")
            reply = client.request(method, "/v2/token")
            assert (reply.status, reply.body) == (unknown.status, unknown.body) and reply.status == 404


# Robots


def robot(registry, *arguments, code=0):
    done = subprocess.run([BERTH, "robot", *arguments, registry.config_file], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def test_robots(own, client):
    made = robot(own, "add", "ci", "--may", "push:team/**", "--days", "1")
    secret = re.search(r"berth_[\w-]{43}_[\w-]{6}", made)[0]
    file = own.root / "berth" / "robots"
    assert file.stat().st_mode & 0o777 == 0o600 and secret not in file.read_text()
    as_robot = as_user("robot:ci", secret)
    assert client.get("/v2/", as_robot).status == 200
    token = bearer(client, as_robot, f"repository:{TEAM}:pull,push", "repository:tools/x:pull,push")
    for headers in (as_robot, token):
        assert client.post(client.uploads(TEAM), headers).status == 202
        assert client.post(client.uploads("tools/x"), headers).status == 403      # the rules let it, --may does not
    assert client.get("/v2/", as_user("robot:ci", secret[:-1] + "!")).status == 401
    assert form(client, grant_type="password", username="robot:ci", password=secret).status == 200
    assert token_of(client, as_robot, account="robot:ci").status == 200
    # A token of v1 knows the bounds too.
    assert client.put("/v1/repositories/tools/x/", as_robot, b"[]").status == 403
    given = client.put(f"/v1/repositories/{TEAM}/", as_robot, b"[]").header("X-Docker-Token")
    assert client.get(f"/v1/repositories/{TEAM}/tags", {"Authorization": given}).status == 404

    assert "robot ci already" in robot(own, "add", "ci", code=2)
    assert "component" in robot(own, "add", "CI", code=2)
    assert "fly" in robot(own, "add", "x", "--may", "fly:a", code=2)
    assert "robot:ci" in robot(own, "list") and secret not in robot(own, "list")
    robot(own, "remove", "ci")
    assert client.get("/v2/", as_robot).status == 401
    assert client.get(client.tags(TEAM), token).status == 401
    assert client.get(f"/v1/repositories/{TEAM}/tags", {"Authorization": given}).status == 401
    robot(own, "remove", "ci", code=2)
    assert secret not in own.log()


def test_robots_that_are_made_at_once_are_all_there(own):
    running = [subprocess.Popen([BERTH, "robot", "add", f"r{number}", own.config_file], stdout=subprocess.DEVNULL)
               for number in range(8)]
    assert all(each.wait(60) == 0 for each in running)
    assert len(robot(own, "list").splitlines()) == 8


# Real clients


def run(*command, code=0, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **more)
    assert (done.returncode == 0) == (code == 0), f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_skopeo(own, tmp_path):
    layout = OciLayout(tmp_path / "layout")
    layout.add_image("v1", [Layer("own-access")])
    local, auth = f"oci:{layout.folder}:v1", tmp_path / "auth.json"

    def at(name):
        return f"docker://{own.authority}/{name}:v1"

    def copy(source, destination, *options, code=0):
        return run("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false",
                   *options, source, destination, code=code)

    login = ["skopeo", "login", "--tls-verify=false", f"--authfile={auth}", own.authority]
    run(*login, "--username=alice", "--password=wrong", code=1)
    run(*login, "--username=alice", f"--password={ALICE[1]}")
    copy(local, at(PUBLIC), f"--dest-authfile={auth}")
    copy(local, at(TEAM), f"--dest-authfile={auth}")
    copy(at(PUBLIC), at("public/other"), f"--src-authfile={auth}", f"--dest-authfile={auth}")   # mounts
    # It asks for a blob by HEAD, which has no message.
    assert "403 (Forbidden)" in copy(local, at(SECRET), f"--dest-authfile={auth}", code=1)

    nobody = f"--src-authfile={tmp_path / 'none.json'}"
    (tmp_path / "none.json").write_text("{}")
    copy(at(PUBLIC), f"oci:{tmp_path / 'pulled'}:v1", nobody)
    assert "authentication required" in copy(at(TEAM), f"oci:{tmp_path / 'no'}:v1", nobody, code=1)
    assert "authentication required" in copy(local, at(PUBLIC), f"--dest-authfile={tmp_path / 'none.json'}", code=1)
    wrong = copy(at(PUBLIC), f"oci:{tmp_path / 'wrong'}:v1", "--src-creds=alice:wrong", code=1)
    assert "authentication required" in wrong or "invalid username/password" in wrong


@pytest.mark.skipif(not shutil.which("podman"), reason="podman is not installed")
def test_podman_login_with_a_robot(own, tmp_path):
    secret = re.search(r"berth_\S+", robot(own, "add", "ci", "--days", "0"))[0]
    login = ["podman", "login", "--tls-verify=false", f"--authfile={tmp_path / 'auth.json'}", own.authority,
             "--username=robot:ci"]
    run(*login, f"--password={secret}")
    run(*login, f"--password={secret[:-2]}xx", code=1)


def test_tokens_end_in_time(users):
    """The shortest there are last a minute; the leeway of foreign tokens is not theirs."""
    with harness.Registry(config_of(users, tokenlifetime="60s")) as registry:
        client = Client(registry)
        told = token_of(client, as_user(*ALICE)).json()
        assert told["expires_in"] == 60
        token = {"Authorization": "Bearer " + told["token"]}
        started = time.monotonic()
        assert client.get("/v2/", token).status == 200
        harness.wait_until(lambda: client.get("/v2/", token).status == 401, "the token has ended", seconds=75)
        assert time.monotonic() - started > 55
