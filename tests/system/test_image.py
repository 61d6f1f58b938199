"""The image `berth` in the place of registry:2: the commonest ways to run that one, each with a push and a pull.

They run in networks of an engine's own; nginx and the pools as services are test_compose.py's.
"""
import concurrent.futures
import contextlib
import itertools
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import time

import pytest

import go_programs
from conftest import need
from harness import REPOSITORY, certificates
from images import Layer, OciLayout, random_bytes, tar

PORT = 5001             # of the engine's networks; compose has 5000
HERE = f"127.0.0.1:{PORT}"      # docker needs neither TLS nor trust there
START_SECONDS, POLL_SECONDS = 30, 0.1
MAX_BYTES = 120_000_000
BAD_CONFIG = 2
NAMELESS = 1234         # a uid that the image has no name for
STORE = "/var/lib/registry"
CONFIG = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Mounted: [yes]
"""

numbers = itertools.count()


class Containers:
    """Runs the image, in one container at a time."""

    def __init__(self, engine):
        self.engine = engine

    def start(self, *options, command=(), publish=f"{PORT}:5000", scheme="http"):
        name = self.engine.docker("run", "--detach", f"--publish={publish}", *options, "berth", *command).strip()
        self.await_answer(name, scheme)
        return name

    def await_answer(self, name, scheme="http"):
        deadline = time.monotonic() + START_SECONDS
        while not re.match("200|401", self.status("/v2/", scheme=scheme)):
            running = self.engine.docker("inspect", "--format={{.State.Running}}", name).strip() == "true"
            assert running and time.monotonic() < deadline, self.log(name)
            time.sleep(POLL_SECONDS)

    def curl(self, *arguments, fails=False):
        return self.engine.inside("curl", "-sS", *arguments, fails=fails)

    def status(self, path, *arguments, scheme="http"):
        """000 without an answer."""
        return self.engine.inside("sh", "-c", 'curl -sk -o /dev/null -w "%{http_code}" "$@" || true', "sh", *arguments,
                                  f"{scheme}://{HERE}{path}")

    def log(self, name):
        return self.engine.inside("docker", "logs", name)

    def remove(self, name):
        self.engine.docker("rm", "--force", "--volumes", name)

    @contextlib.contextmanager
    def running(self, *options, **more):
        name = self.start(*options, **more)
        try:
            yield name
        finally:
            self.remove(name)

    def refused(self, *options, command=(), code=BAD_CONFIG):
        """What one that has to end says."""
        done = subprocess.run([*self.engine.inside_command(), "docker", "run", "--rm", *map(str, options), "berth",
                               *command], env=self.engine.environment, capture_output=True, text=True,
                              timeout=START_SECONDS)
        assert done.returncode == code, done
        return done.stderr

    # Images

    def push(self, repository="it/image"):
        image = f"{HERE}/{repository}:{next(numbers)}"
        self.engine.docker("import", "-", image, stdin=tar({"data": random_bytes(100_000, image)}))
        self.engine.docker("push", image)
        return image, self.engine.image_id(image)

    def pull(self, pushed):
        """Once the engine has nothing of it any more."""
        image, image_id = pushed
        self.engine.docker("rmi", image)
        self.engine.docker("pull", image)
        assert self.engine.image_id(image) == image_id

    def check(self):
        self.pull(self.push())


@pytest.fixture(scope="module")
def containers(berth_images):
    return Containers(berth_images.engine)


@pytest.fixture
def volume(containers):
    name = f"volume{next(numbers)}"
    yield name
    containers.engine.docker("volume", "rm", "--force", name)


def owned(folder, uid):
    folder.mkdir(exist_ok=True)
    os.chown(folder, uid, uid)
    return folder


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def serving_uids(containers, name):
    listed = containers.engine.docker("top", name, "-eo", "uid,pid").splitlines()[1:]
    return {int(line.split()[0]) for line in listed}


# How it is run. Each is options of `docker run`, and the command.
RUNS = {
    "nothing more": ([], []),
    "an init process": (["--init", "--restart=always"], []),
    "a user": ([f"--user={NAMELESS}:{NAMELESS}"], []),
    "read-only": (["--read-only"], []),
    "read-only, confined": (["--read-only", "--tmpfs=/tmp", "--tmpfs=/run", "--cap-drop=ALL",
                             "--security-opt=no-new-privileges", "--user=5000:5000"], []),
    "its config": ([], ["/etc/docker/registry/config.yml"]),
    "distribution 3's config": ([], ["/etc/distribution/config.yml"]),
    "serve": ([], ["serve", "/etc/docker/registry/config.yml"]),
    "registry serve": ([], ["registry", "serve", "/etc/docker/registry/config.yml"]),
    "an entrypoint": (["--entrypoint=/bin/registry", "--env=REGISTRY_CONFIGURATION_PATH=/etc/distribution/config.yml"],
                      ["serve"]),
    "a secret, a log": (["--env=REGISTRY_HTTP_SECRET=sesame", "--env=REGISTRY_LOG_LEVEL=debug",
                         "--env=REGISTRY_LOG_FORMATTER=json", "--env=REGISTRY_LOG_ACCESSLOG_DISABLED=true"], []),
}


@pytest.mark.parametrize("how", RUNS)
def test_push_and_pull(containers, how):
    options, command = RUNS[how]
    with containers.running(*options, command=command) as name:
        containers.check()
        assert containers.engine.docker("exec", name, "berth", "health").strip() == "well"
        assert not re.search("level=(error|warning)", containers.log(name)), containers.log(name)


def test_another_address(containers):
    with containers.running("--env=REGISTRY_HTTP_ADDR=0.0.0.0:8080", publish=f"{PORT}:8080"):
        containers.check()


def test_a_volume_outlives_its_container(containers, volume):
    with containers.running(f"--volume={volume}:{STORE}"):
        pushed = containers.push()
    with containers.running(f"--volume={volume}:{STORE}") as name:
        containers.pull(pushed)
        containers.engine.docker("restart", name)
        containers.await_answer(name)
        containers.pull(pushed)
        containers.engine.docker("kill", name)
        containers.engine.docker("start", name)
        containers.await_answer(name)
        containers.pull(pushed)


@pytest.mark.parametrize("uid, user", [(NAMELESS, None), (NAMELESS, NAMELESS), (0, None)],
                         ids=["root", "that user", "a volume of registry:2"])
def test_a_mounted_directory_is_served_as_its_owner(containers, tmp_path, uid, user):
    folder = owned(tmp_path / "images", uid)
    options = [f"--volume={folder}:{STORE}"] + ([f"--user={user}:{user}"] if user else [])
    with containers.running(*options) as name:
        containers.check()
        assert serving_uids(containers, name) == {uid}
        assert {path.lstat().st_uid for path in folder.rglob("*")} == {uid}


def test_a_directory_of_somebody_else(containers, tmp_path):
    folder = owned(tmp_path / "images", 0)
    said = containers.refused(f"--volume={folder}:{STORE}", "--user=1234:1234")
    assert f"belongs to uid 0; `chown -R 1234:1234 {STORE}`" in said


def test_who_serves_may_change(containers, tmp_path):
    """As the warning about root's store advises."""
    folder = owned(tmp_path / "images", 0)
    with containers.running(f"--volume={folder}:{STORE}") as name:
        pushed = containers.push()
        subprocess.run(["chown", "-R", "5000:5000", str(folder)], check=True)
        containers.engine.docker("restart", name)
        containers.await_answer(name)
        containers.pull(pushed)
        assert serving_uids(containers, name) == {5000}


def test_another_root_directory(containers, volume):
    with containers.running(f"--volume={volume}:/srv/images",
                            "--env=REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/srv/images") as name:
        containers.check()
        assert "blobs" in containers.engine.docker("exec", name, "ls", "/srv/images/docker/registry/v2")


@pytest.mark.parametrize("user", [[], ["--user=1234"]], ids=["root", "user"])
def test_tls(containers, tmp_path, user):
    """The certificate by variables; the key is its owner's alone."""
    made, folder = certificates(), owned(tmp_path / "certs", 1234)
    for name, file in (("domain.crt", made.certificate), ("domain.key", made.key)):
        shutil.copy(file, folder / name)
        os.chown(folder / name, 1234, 1234)
        os.chmod(folder / name, 0o600)
    with containers.running(f"--volume={folder}:/certs:ro", "--env=REGISTRY_HTTP_ADDR=0.0.0.0:443",
                            "--env=REGISTRY_HTTP_TLS_CERTIFICATE=/certs/domain.crt", "--health-interval=1s", *user,
                            "--env=REGISTRY_HTTP_TLS_KEY=/certs/domain.key", publish=f"{PORT}:443",
                            scheme="https") as name:
        containers.check()
        assert containers.curl("--cacert", made.ca_file, f"https://{HERE}/v2/") == "{}"
        assert "https server" in containers.curl(f"http://{HERE}/v2/")
        await_health(containers, name, "healthy")
        assert "listening on https://localhost:443" in containers.log(name)


def test_passwords(containers, tmp_path):
    need("htpasswd")
    lines = subprocess.run(["htpasswd", "-Bbn", "alice", "sesame"], check=True, capture_output=True, text=True).stdout
    file = write(tmp_path / "auth" / "htpasswd", lines)
    with containers.running(f"--volume={file.parent}:/auth", "--env=REGISTRY_AUTH=htpasswd",
                            "--env=REGISTRY_AUTH_HTPASSWD_REALM=Registry Realm",
                            "--env=REGISTRY_AUTH_HTPASSWD_PATH=/auth/htpasswd") as name:
        engine, image = containers.engine, f"{HERE}/it/refused:1"
        engine.docker("import", "-", image, stdin=tar({"data": b"x"}))
        assert re.search("no basic auth|unauthorized|denied", engine.docker("push", image, fails=True))
        engine.docker("login", "-u", "alice", "-p", "sesame", HERE)
        try:
            containers.check()
        finally:
            engine.docker("logout", HERE)
        assert engine.docker("exec", name, "berth", "health").strip() == "well"


@pytest.mark.parametrize("place", ["/etc/docker/registry/config.yml", "/etc/distribution/config.yml",
                                   "/etc/docker/registry", "/etc/distribution"])
def test_a_config_of_ones_own(containers, tmp_path, place):
    """As a file or a directory, and without a command that names it."""
    file = write(tmp_path / "config" / "config.yml", CONFIG)
    with containers.running(f"--volume={file if place.endswith('yml') else file.parent}:{place}:ro"):
        assert re.search("(?im)^x-mounted: yes", containers.curl("-i", f"http://{HERE}/v2/"))
        containers.check()


@pytest.mark.parametrize("may, status", [("true", "202"), (None, "405")], ids=["allowed", "by default"])
def test_deletion(containers, may, status):
    with containers.running(*([f"--env=REGISTRY_STORAGE_DELETE_ENABLED={may}"] if may else [])):
        image, _ = containers.push()
        repository, tag = image.removeprefix(HERE + "/").split(":")
        head = containers.curl("-I", "-H", "Accept: application/vnd.docker.distribution.manifest.v2+json",
                               f"http://{HERE}/v2/{repository}/manifests/{tag}")
        named = re.search("(?i)docker-content-digest: (\\S+)", head)[1]
        assert containers.status(f"/v2/{repository}/manifests/{named}", "-X", "DELETE") == status


def test_debug_server(containers):
    with containers.running("--env=REGISTRY_HTTP_DEBUG_ADDR=:5001", "--env=REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED=true",
                            f"--publish={PORT + 1}:5001"):
        containers.check()
        assert "registry_http_requests_total" in containers.curl(f"http://127.0.0.1:{PORT + 1}/metrics")
        assert containers.curl(f"http://127.0.0.1:{PORT + 1}/debug/health").strip() == "{}"


def test_an_upload_goes_on_in_another_container(containers, volume):
    options = [f"--volume={volume}:{STORE}", "--env=REGISTRY_HTTP_SECRET=sesame"]
    with containers.running(*options):
        head = containers.curl("-i", "-X", "POST", f"http://{HERE}/v2/it/goes/blobs/uploads/")
        location = re.search("(?im)^location: (\\S+)", head)[1]
    with containers.running(*options):
        assert containers.curl("-o", "/dev/null", "-w", "%{http_code}", "-X", "PATCH", "--data-binary", "x",
                               "-H", "Content-Type: application/octet-stream", location) == "202"


def test_a_stop_lets_a_slow_upload_finish(containers, tmp_path):
    (tmp_path / "large").write_bytes(random_bytes(3_000_000, "slow"))
    with containers.running() as name, concurrent.futures.ThreadPoolExecutor() as threads:
        head = containers.curl("-i", "-X", "POST", f"http://{HERE}/v2/it/slow/blobs/uploads/")
        location = re.search("(?im)^location: (\\S+)", head)[1]
        upload = threads.submit(containers.curl, "-w", "%{http_code}", "-X", "PATCH", "-T", tmp_path / "large",
                                "--limit-rate", "1M", "-H", "Content-Type: application/octet-stream", location)
        time.sleep(1)       # of three: it has begun, and has not ended
        assert not upload.done()
        containers.engine.docker("stop", name)
        assert upload.result() == "202"
        assert "stopping" in containers.log(name)
        assert containers.engine.docker("inspect", "--format={{.State.ExitCode}}", name).strip() == "0"


def test_a_mirror_is_refused(containers):
    [line] = containers.refused("--env=REGISTRY_PROXY_REMOTEURL=https://mirror.example.com").splitlines()
    assert "proxy" in line and "pull-through cache" in line and "mirror.example.com" not in line


COMPOSE_FILE = """\
services:
  registry:
    image: berth
    restart: always
    ports: ["%d:5000"]
    environment:
      REGISTRY_STORAGE_DELETE_ENABLED: "true"
    volumes: ["./data:/var/lib/registry", "./config.yml:/etc/docker/registry/config.yml:ro"]
"""


def test_a_compose_file(containers, tmp_path):
    need("docker-compose")
    write(tmp_path / "docker-compose.yml", COMPOSE_FILE % PORT)
    write(tmp_path / "config.yml", CONFIG)
    owned(tmp_path / "data", 5000)
    compose = ["docker-compose", "--ansi=never", "-p", "one"]
    containers.engine.inside(*compose, "up", "-d", cwd=tmp_path)
    try:
        containers.await_answer("one_registry_1")
        pushed = containers.push()
        containers.engine.inside(*compose, "up", "-d", "--force-recreate", cwd=tmp_path)
        containers.await_answer("one_registry_1")
        containers.pull(pushed)
    finally:
        containers.engine.inside(*compose, "down", "--volumes", cwd=tmp_path)


# What it says of itself


def await_health(containers, name, wanted):
    deadline = time.monotonic() + START_SECONDS
    while (state := containers.engine.docker("inspect", "--format={{.State.Health.Status}}", name).strip()) != wanted:
        assert time.monotonic() < deadline, (state, containers.engine.docker("inspect", name))
        time.sleep(POLL_SECONDS)


def test_health(containers):
    """It is not in the access log; and a broken config.yml says nothing of what is served."""
    with containers.running("--health-interval=1s", "--health-retries=1") as name:
        await_health(containers, name, "healthy")
        containers.engine.docker("exec", name, "sh", "-c", "echo x > /etc/docker/registry/config.yml")
        time.sleep(2)
        await_health(containers, name, "healthy")
        containers.curl(f"http://{HERE}/v2/")
        deadline = time.monotonic() + START_SECONDS
        while "curl/" not in containers.log(name):
            assert time.monotonic() < deadline
            time.sleep(POLL_SECONDS)
        assert "/debug/health" not in containers.log(name)
        containers.engine.docker("exec", name, "sh", "-c", "kill -STOP $(cat /run/berth/up/nginx.pid) && "
                                 "for p in /proc/[0-9]*; do grep -qs '^nginx: worker' $p/cmdline && "
                                 "kill -STOP ${p#/proc/}; done; true")
        await_health(containers, name, "unhealthy")


@pytest.mark.parametrize("command, code, says", [
    (["help"], 0, "registry serve CONFIG"), (["registry", "--version"], 0, "berth "), (["--version"], 0, "berth "),
    (["garbage-collect", "/etc/docker/registry/config.yml"], 0, "0 blobs marked"),
    (["registry", "garbage-collect", "-m", "--now", "/etc/docker/registry/config.yml"], 0, "0 blobs, 0 B freed"),
    (["registry", "sail"], BAD_CONFIG, "there is no command sail: there are serve, garbage-collect"),
    (["serve", "/nowhere.yml"], BAD_CONFIG, "/nowhere.yml: No such file"),
    (["sh", "-c", "echo another program"], 0, "another program")], ids=lambda value: " ".join(value)
    if isinstance(value, list) else "")
def test_commands(containers, command, code, says):
    done = subprocess.run(["docker", "run", "--rm", "berth", *command], env=containers.engine.environment,
                          capture_output=True, text=True, timeout=START_SECONDS)
    assert done.returncode == code and says in done.stdout + done.stderr, done


def test_size_and_labels(containers):
    [image] = json.loads(containers.engine.docker("image", "inspect", "berth"))
    assert image["Size"] < MAX_BYTES
    labels = {name.removeprefix("org.opencontainers.image."): value
              for name, value in image["Config"]["Labels"].items()}
    assert labels.pop("title") == "berth" and labels.pop("description")
    assert labels == {"licenses": "Apache-2.0", "version": "1.2.3", "revision": "abcdef",
                      "source": "https://example.com/berth"}
    assert "5000/tcp" in image["Config"]["ExposedPorts"]


# podman


class Podman:
    """podman in the engine's networks, with storage of its own, and the image that the engine has made."""

    def __init__(self, engine):
        need("podman", "skopeo", "runc", "catatonit")
        self._engine = engine
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-podman-", dir="/tmp"))     # a runroot is short
        # Its own limits are higher than some machines allow.
        limits = [f"nofile={':'.join(map(str, resource.getrlimit(resource.RLIMIT_NOFILE)))}", "nproc=4096:4096"]
        (self.folder / "containers.conf").write_text(f"[containers]\ndefault_ulimits={json.dumps(limits)}\n")
        (self.folder / "config.json").write_text("{}")
        engine.docker("save", "--output", self.folder / "berth.tar", "berth")
        self("load", "--quiet", "--input", self.folder / "berth.tar")

    def __call__(self, *arguments, fails=False):
        return self._engine.inside(
            "podman", f"--root={self.folder}/root", f"--runroot={self.folder}/run", f"--tmpdir={self.folder}/tmp",
            "--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime=runc", *arguments, fails=fails,
            environment={"CONTAINERS_CONF": str(self.folder / "containers.conf"), "DOCKER_CONFIG": str(self.folder)})

    def check(self, port, folder):
        """Pushes an image and asks for it."""
        layout = OciLayout(folder / "layout")
        layout.add_image("v1", [Layer("podman")])
        there = f"docker://127.0.0.1:{port}/it/podman:v1"
        self._engine.inside("skopeo", "copy", "--dest-tls-verify=false", layout.reference("v1"), there)
        self._engine.inside("skopeo", "copy", "--src-tls-verify=false", there, f"dir:{folder}/back")

    def close(self):
        self("pod", "rm", "--all", "--force")
        self("rm", "--all", "--force", "--volumes")
        self("volume", "rm", "--all", "--force")
        self("rmi", "--all", "--force")
        shutil.rmtree(self.folder)


@pytest.fixture(scope="module")
def podman(containers):
    made = Podman(containers.engine)
    yield made
    made.close()


@pytest.mark.parametrize("how", ["nothing more", "a user", "read-only, confined", "registry serve"])
def test_podman_runs_it(containers, podman, tmp_path, how):
    options, command = RUNS[how]
    name = podman("run", "--detach", "--network=slirp4netns", f"--publish={PORT}:5000", *options, "berth",
                  *command).split()[-1]
    deadline = time.monotonic() + START_SECONDS
    while containers.status("/v2/") != "200":
        assert time.monotonic() < deadline, podman("logs", name)
        time.sleep(POLL_SECONDS)
    podman.check(PORT, tmp_path)
    podman("healthcheck", "run", name)
    podman("stop", name)
    assert podman("inspect", "--format={{.State.ExitCode}}", name).strip() == "0"
    podman("rm", "--volumes", name)


def test_podman_runs_the_pod_of_the_chart(podman, tmp_path):
    """As near to a cluster as this suite comes."""
    try:
        helm = go_programs.install("helm")
    except go_programs.Unavailable as error:
        pytest.skip(f"helm: {error}")
    rendered = subprocess.run([helm, "template", "registry", REPOSITORY / "deploy" / "helm" / "berth", "--set",
                               "image.repository=localhost/berth"], check=True, capture_output=True).stdout
    (tmp_path / "pod.yaml").write_bytes(rendered)
    podman("tag", "berth", "localhost/berth:latest")
    podman("play", "kube", "--network=slirp4netns", tmp_path / "pod.yaml")
    name = "registry-pod-0-berth"
    deadline = time.monotonic() + START_SECONDS
    while "listening on http://localhost:5000" not in podman("logs", name):
        assert time.monotonic() < deadline, podman("logs", name)
        time.sleep(POLL_SECONDS)
    podman.check(5000, tmp_path)
    assert podman("exec", name, "berth", "health", "/etc/berth/config.yml").strip() == "well"
    assert podman("exec", name, "id", "-u").strip() == "5000"
    podman("exec", name, "touch", "/file", fails=True)
