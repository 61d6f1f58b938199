"""compose/: the images built, and run by docker-compose on a real engine; push and pull through it by docker. The end
of it again by `docker compose`.

Everything happens in networks of the engine's own, so port 5000 is always free.
"""
import concurrent.futures
import contextlib
import copy
import json
import os
import re
import time

import pytest
import yaml

from conftest import need, need_loopback_ipv6
from container_images import BUILD_SECONDS
from harness import DOCKER_MANIFEST
from images import random_bytes
from modern import need_go_program
from test_swap import REQUESTS, SWAPS, no_request_fails, program   # noqa: F401 (a fixture)

HOST = "registry.test:5000"         # ::1 within the engine's networks
HEALTHY_SECONDS, POLL_SECONDS = 120, 0.2
OLD_DOCKER = "docker/1.5.0 go/go1.4.1 kernel/3.13.0 os/linux arch/amd64"


class Compose:
    """docker-compose on a copy of the repository's compose/."""

    def __init__(self, images):
        self.engine = images.engine
        self.program = ["docker-compose", "--ansi=never", "-p", "berth"]
        self.folder = images.context / "compose"
        # The engine's containers have no way out but the engine's own network: the build takes that.
        (self.folder / "test.yml").write_text(json.dumps({"services": {
            name: {"build": {"network": "host"}} for name in ("registryv2", "registryv1", "nginx", "redis")}}))

    def by(self, *program):
        """The same by another program."""
        other = copy.copy(self)
        other.program = [*program, "--ansi=never", "-p", "berth"]
        return other

    def __call__(self, *arguments, timeout=300, fails=False, environment=None):
        files = ["-f", "docker-compose.yml", "-f", "test.yml"]
        # A volume with all that a load has pushed takes its time to be removed.
        return self.engine.inside(*self.program, *files, *arguments, cwd=self.folder, timeout=timeout, fails=fails,
                                  environment={"COMPOSE_HTTP_TIMEOUT": str(timeout)} | (environment or {}))

    def containers(self, service, *states):
        filters = [f"--filter=label=com.docker.compose.service={service}"] + \
            [f"--filter={state}" for state in states or ("status=running",)]
        return self.engine.docker("ps", "-q", "--no-trunc", *filters).split()

    def up(self, *scale):
        self("up", "-d", "--no-build", *(word for name in scale for word in ("--scale", name)))
        self.await_healthy()

    def await_healthy(self, *services):
        def unwell():
            listed = [container for name in services or ("nginx", "registryv1", "registryv2")
                      for container in self.containers(name) or ["none"]]
            return [name for name in listed if name == "none" or
                    self.engine.docker("inspect", "--format={{.State.Health.Status}}", name).strip() != "healthy"]
        deadline = time.monotonic() + HEALTHY_SECONDS
        while unwell():
            assert time.monotonic() < deadline, self("ps") + self("logs", "--tail=40")
            time.sleep(POLL_SECONDS)

    def curl(self, path, *arguments):
        return self.engine.inside("curl", "-sS", "--cacert", self.folder / "certs" / "ca.crt", "--resolve",
                                  "registry.test:5000:[::1]", *arguments, f"https://{HOST}{path}")


@pytest.fixture(scope="module")
def compose(berth_images):
    need("docker-compose", "make", "openssl")
    need_loopback_ipv6()
    made = Compose(berth_images)
    made.engine.inside("make", "certs", "NAMES=DNS:registry.test,DNS:localhost", cwd=made.folder)
    made.engine.trust(HOST, made.folder / "certs" / "ca.crt")
    made("build", timeout=BUILD_SECONDS)
    made.up()
    yield made
    made("down", "--volumes")


def make_image(engine, name, size=5_000_000):
    image = f"{HOST}/{name}"
    engine.build(image, "FROM base\nCOPY large /large\n", {"large": random_bytes(size, name)})
    return image


def push(engine, image):
    return re.search(r"digest: (sha256:[0-9a-f]{64})", engine.docker("push", image))[1]


def pull_again(engine, image):
    """Removes the image, pulls it, and demands the same."""
    before = engine.image_id(image)
    engine.docker("rmi", image)
    engine.docker("pull", image)
    assert engine.image_id(image) == before


def test_push_pull(compose):
    check_push_pull(compose)


def check_push_pull(compose):
    image = make_image(compose.engine, "compose/round:1")
    digest = push(compose.engine, image)
    pull_again(compose.engine, image)
    assert compose.engine.repo_digests(image) == [f"{HOST}/compose/round@{digest}"]


def test_nginx_is_the_only_door(compose):
    listed = compose.engine.docker("ps", "--format={{.Names}} {{.Ports}}").splitlines()
    published = [line for line in listed if "->" in line]
    assert len(listed) >= 3 and len(published) == 1 and "nginx" in published[0], listed
    assert ":5000->5000/tcp" in published[0]


def test_each_generation_has_its_registry(compose):
    assert "registry/2.0" in compose.curl("/v2/", "-D-")
    assert "200" in compose.curl("/v1/_ping", "-D-").splitlines()[0]
    assert " 404" in compose.curl("/v2/", "-D-", "-A", OLD_DOCKER).splitlines()[0]
    # The face is asked by path, and answered by the service of that name alone.
    compose("stop", "registryv1")
    try:
        assert " 502" in compose.curl("/v1/_ping", "-D-").splitlines()[0]
        assert " 200" in compose.curl("/v2/", "-D-").splitlines()[0]
    finally:
        compose.up()
    assert " 200" in compose.curl("/v1/_ping", "-D-").splitlines()[0]


def test_logs_say_where_it_is_and_nothing_of_health(compose):
    assert re.search(r"berth: nginx listens on https://localhost:5000 \(berth \d", compose("logs", "nginx"))
    for service in ("registryv1", "registryv2"):
        assert "a pool alone, listening on unix:/run/berth/sockets" in compose("logs", service)
    asked = compose.curl("/v2/", "-A", "a-client")
    assert asked == "{}"
    wait_until(compose, lambda: "a-client" in compose("logs", "nginx"), "the access log has a line")
    assert "/debug/health" not in compose("logs", "nginx") and "no pool answers" not in compose("logs", "nginx")


def test_nginx_alone_says_what_it_lacks(compose):
    """And it is well, in plain http, once there is a pool."""
    engine = compose.engine
    options = ["--detach", "--health-interval=1s", "--health-retries=1", "--health-start-period=10ms",
               "--volume=alone:/var/lib/registry", "--volume=alone-sockets:/run/berth/sockets"]
    names = [engine.docker("run", *options, "berth-nginx").strip()]
    try:
        def state(name):
            return engine.docker("inspect", "--format={{.State.Health.Status}}", name).strip()

        def log(name):
            return engine.inside("docker", "logs", name)
        wait_until(compose, lambda: state(names[0]) == "unhealthy", "nginx alone is not well")
        assert "listens on http://localhost:5000" in log(names[0])
        assert "nginx alone, and no pool answers on /run/berth/sockets/v2.sock" in log(names[0])
        names.append(engine.docker("run", *options, "berth-registryv2").strip())
        wait_until(compose, lambda: [state(name) for name in names] == ["healthy"] * 2, "both are well")
    finally:
        engine.docker("rm", "--force", *names)
        engine.docker("volume", "rm", "alone", "alone-sockets")


def test_keys_are_for_the_services_alone(compose):
    certs = compose.folder / "certs"
    assert sorted(path.name for path in certs.iterdir() if path.suffix != ".md") == \
        ["ca.crt", "registry.crt", "registry.key"]
    key = (certs / "registry.key").stat()
    assert (key.st_uid, key.st_mode & 0o777) == (5000, 0o600)
    assert (compose.folder / "ca" / "ca.key").stat().st_mode & 0o777 == 0o600


def test_containers_are_confined(compose):
    for service in ("nginx", "registryv1", "registryv2"):
        [name] = compose.containers(service)
        state = json.loads(compose.engine.docker("inspect", name))[0]
        assert state["HostConfig"]["ReadonlyRootfs"] and state["HostConfig"]["CapDrop"] == ["ALL"]
        assert compose.engine.docker("exec", name, "id", "-u").strip() == "5000"
        assert "Read-only file system" in \
            compose.engine.docker("exec", "--user=0", name, "touch", "/new", fails=True)


def test_replicas_share_the_work_and_one_may_be_killed_during_pushes(compose):
    check_replicas_may_be_killed(compose)


def check_replicas_may_be_killed(compose):
    compose.up("registryv2=3")
    replicas = compose.containers("registryv2")
    assert len(replicas) == 3
    images = [make_image(compose.engine, f"compose/many{number}:1", 20_000_000) for number in range(4)]
    with concurrent.futures.ThreadPoolExecutor() as threads:
        pushes = [threads.submit(push, compose.engine, image) for image in images]
        for victim in replicas[:2]:
            compose.engine.docker("kill", victim)
        for done in pushes:
            done.result()
    assert len(compose.containers("registryv2")) == 1
    for image in images:
        pull_again(compose.engine, image)
    compose.up("registryv2=1")


def test_requests_meet_no_closed_door_while_a_replica_is_replaced(compose):
    """Replicas come and go while one request after another is answered: not one fails."""
    compose.up("registryv2=2")
    with concurrent.futures.ThreadPoolExecutor() as threads:
        changes = threads.submit(lambda: [compose.up("registryv2=3"), compose.up("registryv2=1"),
                                          compose.up("registryv2=2")])
        asked = 0
        while not changes.done():
            assert compose.curl("/v2/", "-o", "/dev/null", "-w", "%{http_code}") == "200"
            asked += 1
        changes.result()
    assert asked > 20
    compose.up("registryv2=1")


@pytest.mark.parametrize("service", ["nginx", "registryv2", "registryv1"])
def test_a_service_that_dies_comes_back(compose, service):
    [name] = compose.containers(service)
    first = compose.engine.docker("inspect", "--format={{.State.Pid}} {{.RestartCount}}", name).split()
    os.kill(int(first[0]), 9)
    deadline = time.monotonic() + HEALTHY_SECONDS
    while compose.engine.docker("inspect", "--format={{.RestartCount}}", name).strip() == first[1]:
        assert time.monotonic() < deadline, "was not started again"
        time.sleep(POLL_SECONDS)
    compose.await_healthy(service)
    path = "/v1/_ping" if service == "registryv1" else "/v2/"
    assert " 200" in compose.curl(path, "-D-").splitlines()[0]
    pull_again(compose.engine, make_pushed(compose, f"compose/after-{service}:1"))


def make_pushed(compose, name):
    image = make_image(compose.engine, name, 100_000)
    push(compose.engine, image)
    return image


def served(compose):
    return compose.engine.inside("sh", "-c", "openssl s_client -connect localhost:5000 </dev/null 2>/dev/null |"
                                             " openssl x509 -noout -fingerprint -sha256").strip()


def of_file(compose):
    return compose.engine.inside("openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in",
                                 compose.folder / "certs" / "registry.crt").strip()


def make(compose, *arguments, fails=False):
    return compose.engine.inside("make", "--no-print-directory", *arguments, f"COMPOSE={' '.join(compose.program)}",
                                 "NAMES=DNS:registry.test,DNS:localhost", cwd=compose.folder, fails=fails)


def make_quietly(compose, target):
    assert make(compose, target) == ""


def wait_until(compose, condition, what):
    deadline = time.monotonic() + HEALTHY_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what + "\n" + compose("logs", "--tail=40", "nginx")
        time.sleep(POLL_SECONDS)


def await_new_certificate(compose):
    wait_until(compose, lambda: served(compose) == of_file(compose), "the old certificate is still served")
    assert " 200" in compose.curl("/v2/", "-D-").splitlines()[0]     # the same CA as before


def test_certificates_are_reloaded(compose):
    check_certificates_are_reloaded(compose)


def check_certificates_are_reloaded(compose):
    assert served(compose) == of_file(compose)
    for reload in (lambda: make_quietly(compose, "reload-certs"), lambda: compose("kill", "-s", "HUP", "nginx")):
        (compose.folder / "certs" / "registry.crt").unlink()
        make(compose, "certs")
        assert served(compose) != of_file(compose)
        reload()
        await_new_certificate(compose)


def test_no_request_fails_while_certificates_are_swapped(compose, program):      # noqa: F811
    """As many swaps as BERTH_SWAPS says, and a third of that without: they take five seconds each."""
    push(compose.engine, make_image(compose.engine, "it/swaps:v1", 20_000))
    manifest = json.loads(compose.curl("/v2/it/swaps/manifests/v1", "-H", f"Accept: {DOCKER_MANIFEST}"))
    layer = manifest["layers"][-1]["digest"]
    swaps = SWAPS if "BERTH_SWAPS" in os.environ else 3
    load = [*compose.engine.inside_command(), program, "https://[::1]:5000", "it/swaps", layer]
    with no_request_fails(load, swaps * REQUESTS):
        for _ in range(swaps):
            (compose.folder / "certs" / "registry.crt").unlink()
            make(compose, "certs")
            compose("kill", "-s", "HUP", "nginx")
            await_new_certificate(compose)


def test_a_certificate_that_is_broken_is_refused(compose):
    """By make reload-certs, which says why, and by a SIGHUP, whose log does; the old one is served on."""
    certs = compose.folder / "certs"
    kept = {name: (certs / name).read_bytes() for name in ("registry.crt", "registry.key")}
    before = served(compose)
    expired = ("openssl x509 -in registry.crt -signkey registry.key -days -1 -out expired.crt && "
               "cat expired.crt > registry.crt")
    for broken, says in (("echo x > registry.crt", "holds no certificate in PEM form"),
                         ("openssl genrsa 2048 > registry.key", "is not the key of"), (expired, "has expired")):
        compose.engine.inside("sh", "-c", broken, cwd=certs)
        assert says in make(compose, "reload-certs", fails=True)
        said = compose("logs", "nginx").count("not reloaded")
        compose("kill", "-s", "HUP", "nginx")
        wait_until(compose, lambda: compose("logs", "nginx").count("not reloaded") > said, "the log says so")
        assert says in compose("logs", "--tail=20", "nginx")
        assert served(compose) == before and " 200" in compose.curl("/v2/", "-D-").splitlines()[0]
        for name, data in kept.items():
            (certs / name).write_bytes(data)    # in place: the owner stays
    make(compose, "reload-certs")


@contextlib.contextmanager
def configured(compose, **more):
    """compose/config.yml with more (JSON is YAML); in place, as a bind mount follows the file and not its name."""
    file = compose.folder / "config.yml"
    kept = file.read_text()
    document = {"version": 0.1, "log": {"level": "info"}, "http": {"addr": ":5000"},
                "storage": {"delete": {"enabled": True}, "cache": {"blobdescriptor": "inmemory"}}}
    file.write_text(json.dumps({**document, **more}))
    try:
        yield
    finally:
        file.write_text(kept)
        compose("up", "-d", "--no-build", "--force-recreate")
        compose.await_healthy()


def test_client_certificates(compose):
    """nginx demands them, is well nevertheless, and the registries start with that config.yml."""
    tls = {"clientcas": ["/etc/berth/certs/ca.crt"]}
    with configured(compose, http={"addr": ":5000", "tls": tls}):
        make(compose, "reload-certs")
        wait_until(compose, lambda: '"DENIED"' in compose.curl("/v2/"), "a certificate is demanded")
        compose("restart", "registryv1", "registryv2", "nginx")
        compose.await_healthy()
        assert '"DENIED"' in compose.curl("/v2/")
        certs = compose.folder / "certs"
        compose.engine.inside("sh", "-ec", """
            openssl req -newkey rsa:2048 -nodes -subj /CN=client -keyout client.key -out client.csr
            openssl x509 -req -in client.csr -CA ca.crt -CAkey ../ca/ca.key -CAserial client.srl -CAcreateserial \
                -days 2 -out client.crt""", cwd=certs)
        assert compose.curl("/v2/", "--cert", certs / "client.crt", "--key", certs / "client.key") == "{}"


def make_user(compose, name, password):
    """By `berth passwd` in a container; the password on standard input."""
    compose.engine.inside("sh", "-c", f"echo {password} | make users NAME={name} COMPOSE='{' '.join(compose.program)}'",
                          cwd=compose.folder)


def test_users_and_rules(compose):
    """access.yml, in the place of config.yml: `public/` for everybody to pull, the rest for users."""
    engine = compose.engine
    hidden, public = (make_pushed(compose, name) for name in ("compose/hidden:1", "public/open:1"))
    make_user(compose, "alice", "sesame")
    with configured(compose, **access_rules(compose)):
        compose("restart", "registryv1", "registryv2", "nginx")
        compose.await_healthy()
        status = compose.folder.joinpath("users", "htpasswd").stat()
        assert (status.st_uid, status.st_mode & 0o777) == (5000, 0o600)
        pull_again(engine, public)
        assert re.search("denied|unauthorized", engine.docker("push", public, fails=True))
        engine.docker("rmi", hidden)
        assert re.search("denied|unauthorized", engine.docker("pull", hidden, fails=True))
        assert "unauthorized" in engine.docker("login", "-u", "alice", "-p", "wrong", HOST, fails=True)
        engine.docker("login", "-u", "alice", "-p", "sesame", HOST)
        try:
            engine.docker("pull", hidden)
            pull_again(engine, make_pushed(compose, "compose/new:1"))
            make_user(compose, "bob", "wonder")     # without a restart
            for user, password in (("bob", "wonder"), ("alice", "sesame")):
                for path in ("/v2/", "/v1/users/"):
                    wait_until(compose, lambda: " 200" in compose.curl(path, "-D-", "-u", f"{user}:{password}"), path)
        finally:
            engine.docker("logout", HOST)


def access_rules(compose):
    document = yaml.safe_load((compose.folder / "access.yml").read_text())
    return {name: document[name] for name in ("auth", "berth")}


def test_redis_keeps_descriptors(compose):
    compose("--profile", "redis", "build", "redis", timeout=BUILD_SECONDS)
    cache = {"blobdescriptor": "redis"}
    with configured(compose, storage={"cache": cache}, redis={"addr": "redis:6379"}):
        compose("--profile", "redis", "up", "-d", "--no-build", "--force-recreate")
        compose.await_healthy("nginx", "registryv1", "registryv2", "redis")
        pull_again(compose.engine, make_pushed(compose, "compose/cached:1"))
        keys = compose.engine.docker("exec", compose.containers("redis")[0], "redis-cli", "dbsize")
        assert int(keys.split()[-1]) > 0
        compose("--profile", "redis", "stop", "redis")      # a cache: without it all goes on
        pull_again(compose.engine, make_pushed(compose, "compose/uncached:1"))
    compose("--profile", "redis", "rm", "-sf", "redis")


def test_another_registry_for_v1(compose):
    """berth.v1.upstream, and no registryv1."""
    with configured(compose, berth={"v1": {"upstream": "http://127.0.0.1:9"}}):
        compose("up", "-d", "--no-build", "--scale", "registryv1=0")
        compose("restart", "nginx", "registryv2")
        compose.await_healthy("nginx", "registryv2")
        assert not compose.containers("registryv1")
        assert " 502" in compose.curl("/v1/_ping", "-D-").splitlines()[0]
        assert " 200" in compose.curl("/v2/", "-D-").splitlines()[0]


def test_down_and_up_keep_the_data(compose):
    check_down_and_up_keep_the_data(compose)


def check_down_and_up_keep_the_data(compose):
    image = make_pushed(compose, "compose/kept:1")
    compose("down")
    assert not compose.containers("nginx", "status=running", "status=exited")
    compose.up()
    pull_again(compose.engine, image)


@pytest.fixture(scope="module")
def compose_v2(compose):
    """The same services by `docker compose`, for the tests from here on, with the images that are there: they are not
    built again. The store is a new one, so that a push of what was pushed before has something to do."""
    program = need_go_program("docker-compose")
    plugins = compose.engine.folder / "client" / "cli-plugins"
    plugins.mkdir()
    (plugins / "docker-compose").symlink_to(program)
    compose("down", "--volumes")
    made = compose.by("docker", "compose")
    made.up()
    yield made
    made("down")


def test_v2_push_pull(compose_v2):
    check_push_pull(compose_v2)


def test_v2_names_an_image_for_one_service(compose_v2):
    """It labels what it builds with the service: two services would take the name from each other with every build."""
    images = compose_v2("--profile", "redis", "config", "--images").split()
    assert len(images) == len(set(images)) == 4


def test_v2_replicas_may_be_killed_during_pushes(compose_v2):
    check_replicas_may_be_killed(compose_v2)


def test_v2_certificates_are_reloaded(compose_v2):
    check_certificates_are_reloaded(compose_v2)


def test_v2_builds_with_the_builder_that_it_takes_by_itself(compose_v2):
    """The smallest of the images: redis."""
    compose_v2("--profile", "redis", "up", "-d", "--build", "redis", environment={"DOCKER_BUILDKIT": "1"},
               timeout=BUILD_SECONDS)
    compose_v2.await_healthy("redis")
    compose_v2("--profile", "redis", "rm", "-sf", "redis")


def test_v2_down_and_up_keep_the_data(compose_v2):
    check_down_and_up_keep_the_data(compose_v2)
