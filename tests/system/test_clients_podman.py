"""podman and buildah against the registry: build, push, pull, digests, manifest lists; storage in a temporary folder.

Nothing is run in a container: that depends on the machine's cgroups, and says nothing about a registry.
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from conftest import need, need_root
from harness import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Client
from images import Layer, OciLayout, random_bytes
from store_check import assert_whole

CLIENT_SECONDS = 180


class Store:
    """Container storage of its own, and the two programs that use it."""

    def __init__(self, folder, registry, ca_folder):
        self.registry = registry
        self.trust = f"--cert-dir={ca_folder}" if registry.tls else "--tls-verify=false"
        self._folder = folder
        self._environment = os.environ | {"CONTAINERS_STORAGE_CONF": str(folder / "storage.conf")}
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver="vfs"\ngraphroot="{folder}/root"\nrunroot="{folder}/runroot"\n')

    def _run(self, program, arguments, fails):
        folders = [f"--root={self._folder}/root", f"--runroot={self._folder}/runroot", "--storage-driver=vfs"]
        if program == "podman":
            folders += [f"--tmpdir={self._folder}/tmp", "--cgroup-manager=cgroupfs", "--events-backend=none"]
        done = subprocess.run([program, *folders, *map(str, arguments)], capture_output=True, text=True,
                              timeout=CLIENT_SECONDS, env=self._environment, cwd=self._folder)
        assert (done.returncode != 0) == fails, \
            f"{program} {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if fails else done.stdout.strip()

    def podman(self, *arguments, fails=False):
        return self._run("podman", arguments, fails)

    def buildah(self, *arguments, fails=False):
        return self._run("buildah", arguments, fails)

    def at(self, name):
        return f"{self.registry.authority}/{name}"

    def push(self, name, *options):
        """Pushes an image named for the registry; returns the digest that podman was told."""
        digest_file = self._folder / f"digest-{name.replace('/', '-').replace(':', '-')}"
        self.podman("push", self.trust, f"--digestfile={digest_file}", *options, self.at(name))
        return digest_file.read_text().strip()

    def pull(self, name, fails=False):
        return self.podman("pull", "--quiet", self.trust, self.at(name), fails=fails)

    def digest_of(self, image):
        return json.loads(self.podman("image", "inspect", image))[0]["Digest"]

    def file_in(self, image, path):
        """A file of an image, read through a mount."""
        mounted = self.podman("image", "mount", image)
        try:
            return (pathlib.Path(mounted) / path).read_bytes()
        finally:
            self.podman("image", "unmount", image)

    def make(self, name, files):
        """An image from scratch, one layer a file (name → bytes)."""
        container = self.buildah("from", "scratch")
        for path, data in files.items():
            source = self._folder / "added"
            source.write_bytes(data)
            self.buildah("copy", container, source, f"/{path}")
            image = self.buildah("commit", "--quiet", "--rm=false", container)
            self.buildah("rm", container)
            container = self.buildah("from", image)
        self.buildah("rm", container)
        self.podman("tag", image, self.at(name))
        return image

    def forget(self, *images):
        self.podman("rmi", "--force", *images)


@pytest.fixture(scope="module", params=["plain", "tls"])
def registry(request, registry_factory):
    need_root()
    need("podman", "buildah")
    with registry_factory(tls=request.param == "tls") as running:
        yield running
        assert_whole(running.v2_root)


@pytest.fixture
def store(registry, ca_folder):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-podman-", dir="/tmp"))    # podman allows a runroot 50 bytes
    yield Store(folder, registry, ca_folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_push_forget_pull(registry, store, form):
    files = {"greeting": b"hello", "large": random_bytes(10_000_000, f"podman-{form}")}
    store.make(f"podman/{form}:1", files)
    told = store.push(f"podman/{form}:1", f"--format={form}")

    client = Client(registry)
    reply = client.get(client.manifest(f"podman/{form}", "1"), {"Accept": f"{OCI_MANIFEST}, {DOCKER_MANIFEST}"})
    assert reply.header("Docker-Content-Digest") == told
    assert reply.header("Content-Type") == (OCI_MANIFEST if form == "oci" else DOCKER_MANIFEST)

    store.forget("--all")
    store.pull(f"podman/{form}:1")
    assert store.digest_of(store.at(f"podman/{form}:1")) == told
    for path, data in files.items():
        assert store.file_in(store.at(f"podman/{form}:1"), path) == data


def test_pull_by_digest(store):
    store.make("podman/digest:1", {"file": b"by digest"})
    told = store.push("podman/digest:1")
    store.forget("--all")
    store.pull(f"podman/digest@{told}")
    assert store.file_in(store.at(f"podman/digest@{told}"), "file") == b"by digest"


def test_pull_of_nothing_says_so(store):
    store.make("podman/thing:1", {"file": b"thing"})
    store.push("podman/thing:1")
    assert "manifest unknown" in store.pull("podman/thing:2", fails=True)


def test_pushed_again_under_other_tags_and_names(store):
    store.make("podman/again:1", {"a": b"again a", "b": b"again b"})
    first = store.push("podman/again:1")
    assert store.push("podman/again:1") == first
    for name in ("podman/again:2", "podman/elsewhere/deep:1"):
        store.podman("tag", store.at("podman/again:1"), store.at(name))
        assert store.push(name) == first
    store.forget("--all")
    store.pull("podman/elsewhere/deep:1")
    assert store.file_in(store.at("podman/elsewhere/deep:1"), "b") == b"again b"


def test_buildah_pushes_and_starts_from_the_registry(store):
    store.make("buildah/base:1", {"base": b"the base"})
    store.buildah("push", store.trust, store.at("buildah/base:1"))
    store.forget("--all")

    container = store.buildah("from", "--quiet", store.trust, store.at("buildah/base:1"))
    store.buildah("config", "--label=made=here", container)
    store.buildah("commit", "--quiet", container, store.at("buildah/child:1"))
    store.buildah("push", store.trust, store.at("buildah/child:1"))
    store.buildah("rm", container)
    store.forget("--all")

    store.pull("buildah/child:1")
    assert store.file_in(store.at("buildah/child:1"), "base") == b"the base"
    assert json.loads(store.podman("image", "inspect", store.at("buildah/child:1")))[0]["Labels"]["made"] == "here"


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_manifest_list(registry, store, tmp_path, form):
    layout = OciLayout(tmp_path / "layout")
    architectures = ("amd64", "arm64")
    store.podman("manifest", "create", "many")
    for architecture in architectures:
        layout.add_image(architecture, [Layer(f"list-{form}-{architecture}")], architecture)
        store.podman("manifest", "add", "many", layout.reference(architecture))
    store.podman("manifest", "push", "--all", store.trust, f"--format={form}", "many",
                 f"docker://{store.at(f'podman/list-{form}:1')}")

    client = Client(registry)
    reply = client.get(client.manifest(f"podman/list-{form}", "1"), {"Accept": f"{OCI_INDEX}, {DOCKER_LIST}"})
    assert reply.header("Content-Type") == (OCI_INDEX if form == "oci" else DOCKER_LIST)
    assert [entry["platform"]["architecture"] for entry in reply.json()["manifests"]] == list(architectures)

    store.podman("pull", "--quiet", store.trust, "--arch=arm64", store.at(f"podman/list-{form}:1"))
    assert store.file_in(store.at(f"podman/list-{form}:1"), f"file-list-{form}-arm64")


def test_concurrent_pushes_that_share_layers(store):
    base = {"shared": random_bytes(5_000_000, "podman-shared")}
    store.make("podman/base:1", base)
    names = [f"podman/once:{number}" for number in range(4)]
    for name in names:
        container = store.buildah("from", store.at("podman/base:1"))
        store.buildah("config", f"--label=name={name}", container)
        store.buildah("commit", "--quiet", "--rm", container, store.at(name))
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        told = list(pool.map(store.push, names))
    assert len(set(told)) == len(names)
    store.forget("--all")
    for name in names:
        store.pull(name)
        assert store.file_in(store.at(name), "shared") == base["shared"]


def test_search(registry, store):
    """podman asks the search of v1, or else the catalog of v2, and the tags of v2. Its search takes no --cert-dir."""
    trust = "--tls-verify=false"
    Client(registry).make_image("found/by-search", tag="one")
    assert f"{store.at('found/by-search')}" in store.podman("search", trust, store.at("by-se"))
    assert "one" in store.podman("search", trust, "--list-tags", store.at("found/by-search"))
    assert store.podman("search", trust, store.at("nothing-like-it")) == ""
