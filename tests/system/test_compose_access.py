"""compose/ without an engine: access.yml as berth reads it, `make users`, `make certs`."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
import yaml

import harness
from conftest import need, need_root
from test_command_line import BAD_CONFIG, COMMAND_SECONDS, berth

pytestmark = pytest.mark.differs("berth's own command")

COMPOSE = harness.REPOSITORY / "compose"
# A container of registryv2 as `docker-compose run` starts it, for `berth passwd` alone: /users is the volume's folder.
COMPOSE_RUN = """#!/bin/sh
echo "$@" >>"$0.calls"
while [ "$1" != passwd ]; do
    case $1 in --volume) folder=${2%:/users} ;; esac
    shift
done
exec "$BERTH" passwd "$folder/htpasswd" "$3"
"""


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(COMPOSE, tmp_path / "compose", ignore=shutil.ignore_patterns("*.crt", "*.key", "htpasswd"))
    return tmp_path / "compose"


def program(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def make_users(folder, *arguments, password="sesame", image=False, env=None):
    """image: whether docker, which is not asked for more, says that there is the image."""
    docker = program(folder.parent / "bin" / "docker", f"#!/bin/sh\nexit {0 if image else 1}\n")
    compose = program(folder.parent / "compose-run", COMPOSE_RUN)
    environment = {"BERTH": str(harness.REPOSITORY / "build" / "berth")} | os.environ | (env or {})
    return subprocess.run(["make", "users", f"COMPOSE={compose}", *arguments], cwd=folder, input=password + "\n",
                          capture_output=True, text=True, timeout=COMMAND_SECONDS,
                          env=environment | {"PATH": f"{docker.parent}:{os.environ['PATH']}"})


def users(folder):
    return [line.split(":")[0] for line in (folder / "users" / "htpasswd").read_text().splitlines()]


def variables(folder):
    """What the image and docker-compose.yml say elsewhere: places that a test may have."""
    root = folder / "data"
    root.mkdir(exist_ok=True)
    return {"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(root), "REGISTRY_HTTP_ADDR":
            f"127.0.0.1:{harness.free_port()}", "REGISTRY_AUTH_HTPASSWD_PATH": str(folder / "users" / "htpasswd"),
            "REGISTRY_BERTH_NGINX_DIRECTORY": str(harness.REPOSITORY / "nginx")}


def test_access_yml_is_config_yml_and_more():
    plain, access = (yaml.safe_load((COMPOSE / name).read_text()) for name in ("config.yml", "access.yml"))
    assert sorted(set(access) - set(plain)) == ["auth", "berth"]
    assert {name: access[name] for name in plain} == plain
    assert access["auth"]["htpasswd"]["path"] == "/etc/berth/users/htpasswd"


def test_the_users_are_mounted_where_access_yml_names_them():
    services = yaml.safe_load((COMPOSE / "docker-compose.yml").read_text())["services"]
    for name in ("registryv1", "registryv2", "nginx"):
        assert "./users:/etc/berth/users:ro" in [volume.split("  ")[0] for volume in services[name]["volumes"]]


@pytest.mark.parametrize("image", [False, True], ids=["htpasswd", "image"])
def test_make_users(folder, image):
    need("make", *([] if image else ["htpasswd"]))
    access, env = folder / "access.yml", variables(folder)
    refused = berth("check-config", access, env=env)
    assert refused.returncode != 0 and "berth passwd" in refused.stderr, refused     # no users, no start

    for name in ("alice", "bob", "alice"):
        before = (folder / "users" / "htpasswd").read_text() if users_there(folder) else ""
        done = make_users(folder, f"NAME={name}", image=image)
        assert done.returncode == 0 and f"{name} has a password" in done.stdout, done
        assert "sesame" not in done.stdout + done.stderr
        assert (folder / "users" / "htpasswd").read_text() != before
    assert sorted(users(folder)) == ["alice", "bob"]
    assert (folder.parent / "compose-run.calls").exists() == image
    assert sorted(path.name for path in (folder / "users").iterdir()) == ["README.md", "htpasswd"]
    status = (folder / "users" / "htpasswd").stat()
    wanted = {0: (5000, 0o600), 5000: (5000, 0o600)}.get(os.getuid(), (os.getuid(), 0o644))
    assert (status.st_uid, status.st_mode & 0o777) == wanted
    assert berth("check-config", access, env=env).returncode == 0


def users_there(folder):
    return (folder / "users" / "htpasswd").exists()


@pytest.mark.parametrize("arguments", [[], ["NAME="], ["NAME=a:b"], ["NAME=-D"]],
                         ids=["none", "empty", "colon", "option"])
def test_make_users_says_how(folder, arguments):
    need("make")
    done = make_users(folder, *arguments, env={"NAME": "host"})      # WSL has such a variable
    assert done.returncode == BAD_CONFIG and "make users NAME=alice" in done.stderr, done
    assert not users_there(folder)


def test_a_user_who_cannot_be_made_leaves_the_file(folder):
    need("make")
    assert make_users(folder, "NAME=alice", image=True).returncode == 0
    before = (folder / "users" / "htpasswd").read_bytes()
    assert make_users(folder, "NAME=alice", image=True, password="").returncode != 0
    assert (folder / "users" / "htpasswd").read_bytes() == before


@pytest.mark.parametrize("subject, repository, may", [
    ("anyone", "public/app", "pull"), ("anyone", "team/app", "do nothing"), ("alice", "team/app", "pull and push")])
def test_rules(folder, subject, repository, may):
    said = berth("access", folder / "access.yml", subject, repository, env=variables(folder)).stdout
    assert f"{subject} may {may} with {repository}" in said


# Certificates

OTHERS = 65534      # neither root nor the services' user
# It says that there is the image, and notes what it is to run.
DOCKER = """#!/bin/sh
[ "$1 $2" = "image inspect" ] || echo "$*" >>{folder}/docker.calls
"""


def make_certs(folder, user=None):
    docker = program(folder / "bin" / "docker", DOCKER.format(folder=folder))
    return subprocess.run(["make", "certs", f"COMPOSE={docker}"], cwd=folder, capture_output=True, text=True,
                          timeout=COMMAND_SECONDS, user=user,
                          env=os.environ | {"PATH": f"{docker.parent}:{os.environ['PATH']}", "HOME": str(folder)})


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("root", [True, False], ids=["root", "another"])
def test_keys_are_for_one_user(root):
    need("make", "openssl")
    need_root()
    folder = shutil.copytree(COMPOSE, pathlib.Path(tempfile.mkdtemp(prefix="berth-certs-", dir="/tmp")) / "compose",
                             ignore=shutil.ignore_patterns("*.crt", "*.key", "htpasswd"))
    try:
        folder.parent.chmod(0o755)
        if not root:
            for path in [folder, *folder.rglob("*")]:
                os.chown(path, OTHERS, OTHERS)
        done = make_certs(folder, user=None if root else OTHERS)
        assert done.returncode == 0 and "registry.crt is for" in done.stdout, done
        key = folder / "certs" / "registry.key"
        assert mode(key) == mode(folder / "ca" / "ca.key") == 0o600
        assert not (folder / "certs" / "ca.key").exists()
        calls = folder / "docker.calls"
        if root:
            assert key.stat().st_uid == 5000 and not calls.exists()
        else:
            [call] = calls.read_text().splitlines()
            assert f"--volume {folder}/certs:/certs" in call and call.endswith("5000:5000 /certs/registry.key")
    finally:
        shutil.rmtree(folder.parent)


def test_an_authority_of_before_is_used_again(folder):
    need("make", "openssl")
    assert make_certs(folder).returncode == 0
    (folder / "ca" / "ca.key").rename(folder / "certs" / "ca.key")
    shutil.rmtree(folder / "ca")
    (folder / "certs" / "registry.crt").unlink()
    before = (folder / "certs" / "ca.crt").read_bytes()
    assert make_certs(folder).returncode == 0
    assert (folder / "certs" / "ca.crt").read_bytes() == before
    assert (folder / "ca" / "ca.key").exists() and not (folder / "certs" / "ca.key").exists()
    subprocess.run(["openssl", "verify", "-CAfile", folder / "certs" / "ca.crt", folder / "certs" / "registry.crt"],
                   check=True, capture_output=True)
