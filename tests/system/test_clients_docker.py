"""A real Docker engine against the registry over TLS with a private CA: push, pull, run, digests, mounts."""
import concurrent.futures
import re

import pytest

from conftest import need, need_loopback_ipv6, need_root
from docker_engine import BUSYBOX, DockerEngine
from harness import DOCKER_MANIFEST, Client, certificates, digest
from images import random_bytes
from store_check import assert_whole

# Both lead to ::1; the engine trusts the CA for the first alone.
TRUSTED, UNTRUSTED = "registry.test", "stranger.test"


@pytest.fixture(scope="module")
def registry(registry_factory, registry_class):
    need_root()
    need("dockerd", "docker", "containerd", "runc", "unshare", BUSYBOX)
    need_loopback_ipv6()
    prepared = registry_class(tls=True)
    prepared.config["http"]["addr"] = f":{prepared.port}"      # every address: the engine comes by IPv6
    with registry_factory(prepared) as running:
        yield running
        assert_whole(running.v2_root)


@pytest.fixture(scope="module")
def engine(registry):
    hosts = {TRUSTED: "::1", UNTRUSTED: "::1"}
    with DockerEngine({f"{TRUSTED}:{registry.port}": certificates().ca_file}, hosts) as started:
        started.import_base("base")
        yield started


@pytest.fixture
def at(registry):
    """A name in the registry, as the engine spells it."""
    return lambda name: f"{TRUSTED}:{registry.port}/{name}"


def push(engine, name):
    """docker push; returns what it printed and the digest it was told."""
    out = engine.docker("push", name)
    return out, re.search(r"digest: (sha256:[0-9a-f]{64})", out)[1]


def test_push_remove_pull_run(registry, engine, at):
    image = at("docker/round:1")
    engine.build(image, "FROM base\nCOPY large /large\nRUN echo built >/greeting\nCMD [\"/bin/sh\", \"-c\", "
                        "\"read line </greeting; echo $line\"]\n", {"large": random_bytes(15_000_000, "docker")})
    before = engine.image_id(image)
    _, told = push(engine, image)
    assert engine.repo_digests(image) == [f"{at('docker/round')}@{told}"]

    engine.docker("rmi", image)
    assert f"Digest: {told}" in engine.docker("pull", image)
    assert engine.image_id(image) == before
    assert engine.run(image) == "built\n"

    client = Client(registry)
    reply = client.get(client.manifest("docker/round", "1"), {"Accept": DOCKER_MANIFEST})
    assert digest(reply.body) == told == reply.header("Docker-Content-Digest")


def test_pull_by_digest(engine, at):
    engine.build(at("docker/digest:1"), "FROM base\nRUN echo digest >/file\n")
    _, told = push(engine, at("docker/digest:1"))
    engine.docker("rmi", at("docker/digest:1"))
    named = f"{at('docker/digest')}@{told}"
    engine.docker("pull", named)
    assert engine.run(named, "/bin/busybox", "cat", "/file") == "digest\n"
    assert engine.repo_digests(named) == [named]


def test_second_push_finds_the_layers(engine, at):
    engine.build(at("docker/twice:1"), "FROM base\nRUN echo twice >/file\n")
    _, first = push(engine, at("docker/twice:1"))
    second_out, second = push(engine, at("docker/twice:1"))
    assert first == second
    assert "Pushed" not in second_out
    assert second_out.count("Layer already exists") == 2


def test_two_tags_of_one_image(engine, at):
    engine.build(at("docker/tags:1"), "FROM base\nRUN echo tags >/file\n")
    engine.docker("tag", at("docker/tags:1"), at("docker/tags:latest"))
    digests = {push(engine, at(f"docker/tags:{tag}"))[1] for tag in ("1", "latest")}
    assert len(digests) == 1
    engine.docker("rmi", at("docker/tags:1"), at("docker/tags:latest"))
    for tag in ("1", "latest"):
        engine.docker("pull", at(f"docker/tags:{tag}"))
    assert engine.image_id(at("docker/tags:1")) == engine.image_id(at("docker/tags:latest"))


def test_push_of_all_tags(engine, at):
    for tag in ("a", "b", "c"):
        engine.build(at(f"docker/all:{tag}"), f"FROM base\nRUN echo {tag} >/file\n")
    engine.docker("push", "--all-tags", at("docker/all"))
    engine.docker("rmi", *(at(f"docker/all:{tag}") for tag in ("a", "b", "c")))
    engine.docker("pull", "--all-tags", at("docker/all"))
    assert [engine.run(at(f"docker/all:{tag}"), "/bin/busybox", "cat", "/file") for tag in ("a", "b", "c")] == \
        ["a\n", "b\n", "c\n"]


def test_layers_are_mounted_from_another_repository(engine, at):
    engine.build(at("docker/origin:1"), "FROM base\nCOPY large /large\n", {"large": random_bytes(500_000, "mounted")})
    push(engine, at("docker/origin:1"))
    engine.docker("tag", at("docker/origin:1"), at("docker/mounts/here:1"))
    out, _ = push(engine, at("docker/mounts/here:1"))
    assert out.count("Mounted from docker/") == 2, out
    engine.docker("rmi", at("docker/origin:1"), at("docker/mounts/here:1"))
    engine.docker("pull", at("docker/mounts/here:1"))


def test_a_tag_moves(engine, at):
    for number in (1, 2):
        engine.build(at("docker/moves:latest"), f"FROM base\nRUN echo {number} >/file\n")
        push(engine, at("docker/moves:latest"))
        engine.docker("rmi", at("docker/moves:latest"))
        engine.docker("pull", at("docker/moves:latest"))
        assert engine.run(at("docker/moves:latest"), "/bin/busybox", "cat", "/file") == f"{number}\n"


def test_pull_of_nothing_says_so(engine, at):
    assert "not found" in engine.docker("pull", at("docker/nothing:1"), fails=True)
    engine.docker("tag", "base", at("docker/something:1"))
    push(engine, at("docker/something:1"))
    assert "manifest unknown" in engine.docker("pull", at("docker/something:2"), fails=True)


def test_concurrent_pushes_that_share_layers(engine, at):
    engine.build("shared", "FROM base\nCOPY large /large\n", {"large": random_bytes(5_000_000, "docker-shared")})
    names = [at(f"docker/once{number // 2}:{number}") for number in range(4)]
    for number, name in enumerate(names):
        engine.build(name, f"FROM shared\nRUN echo {number} >/file\n")
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        told = list(pool.map(lambda name: push(engine, name)[1], names))
    assert len(set(told)) == len(names)
    engine.docker("rmi", *names)
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: engine.docker("pull", name), names))
    for number, name in enumerate(names):
        assert engine.run(name, "/bin/busybox", "cat", "/file") == f"{number}\n"


def test_a_registry_of_an_unknown_authority_is_refused(registry, engine):
    stranger = f"{UNTRUSTED}:{registry.port}/docker/stranger:1"
    engine.docker("tag", "base", stranger)
    assert "x509" in engine.docker("push", stranger, fails=True)


def test_search(registry, engine, at):
    Client(registry).make_image("found/by-search", tag="one")
    assert "found/by-search" in engine.docker("search", at("by-se"))
    assert "found" not in engine.docker("search", at("nothing-like-it"))
