"""What the suites of the modern clients share: a pinned program that trusts the test CA alone, and two berths."""
import json
import os
import subprocess

import pytest

import go_programs
import harness

PROGRAM_SECONDS = 180

_unavailable = {}       # name → why, so that a machine without Go says so once a program and not once a test


def need_go_program(name):
    """The path of a pinned Go program; skips, saying why, where it cannot be had."""
    if name not in _unavailable:
        try:
            return str(go_programs.install(name))
        except go_programs.Unavailable as error:
            _unavailable[name] = str(error)
    pytest.skip(f"{name}: {_unavailable[name]}")


class Program:
    """A client with a home of its own, so that nothing of the machine's configuration or caches takes part."""

    def __init__(self, name, home, **environment):
        self._path = need_go_program(name)
        self.home = home
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "XDG_", "HELM_"))} | {
            "HOME": str(home), "SSL_CERT_FILE": harness.certificates().ca_file, "NO_COLOR": "1"} | environment

    def run(self, *arguments, fails=False, given=None):
        """What the program printed; where it is to fail, what it complained."""
        done = subprocess.run([self._path, *map(str, arguments)], cwd=self.home, env=self._environment, input=given,
                              stdin=subprocess.DEVNULL if given is None else None, capture_output=True,
                              timeout=PROGRAM_SECONDS)
        said = done.stderr.decode(errors="replace")
        assert (done.returncode != 0) == fails, f"{self._path} {arguments}: {done.returncode}\n{done.stdout}\n{said}"
        return said if fails else done.stdout

    def say(self, *arguments, **options):
        """The same as text, without the blanks around it."""
        return self.run(*arguments, **options).decode().strip()


def stored(registry, name, reference):
    """The bytes of a manifest as berth has them."""
    client = harness.Client(registry)
    reply = client.get(client.manifest(name, reference), {"Accept": "*/*"})
    assert reply.status == 200, reply
    return reply.body


def referrers(registry, name, digest):
    """The descriptors that berth's own answer has, whatever the client made of it."""
    client = harness.Client(registry)
    reply = client.get(f"{client.base}{name}/referrers/{digest}")
    assert (reply.status, reply.header("Content-Type")) == (200, harness.OCI_INDEX), reply
    return reply.json()["manifests"]


def tags(registry, name):
    client = harness.Client(registry)
    reply = client.get(client.tags(name))
    return reply.json()["tags"] if reply.status == 200 else []


def uses_api_alone(registry):
    """No client fell back to the tags that stood in for the referrers API before it was there."""
    found = list((registry.v2_root / "repositories").glob("**/_manifests/tags/sha256-*"))
    assert not found, found


def put(registry, layout, name, manifest):
    """Pushes a manifest of a layout under `repo:tag`, and all it is made of, without any client."""
    client = harness.Client(registry)
    repo, tag = name.rsplit(":", 1)

    def put_one(data, reference):
        document = json.loads(data)
        for part in document.get("manifests", []):
            put_one(layout.read(part["digest"]), part["digest"])
        for part in [document["config"], *document["layers"]] if "config" in document else []:
            if "urls" not in part:
                client.push_blob(repo, layout.read(part["digest"]))
        reply = client.put_manifest(repo, reference, data, document["mediaType"])
        assert reply.status == 201, reply

    put_one(manifest, tag)


def assert_same_tree(one, other, name, reference):
    """A manifest and all below it are the same bytes in two registries."""
    data = stored(one, name, reference)
    assert stored(other, name, reference) == data
    document, client = json.loads(data), harness.Client(other)
    for part in document.get("manifests", []):
        assert_same_tree(one, other, name, part["digest"])
    for part in [document["config"], *document["layers"]] if "config" in document else []:
        if "urls" not in part:
            client.fetch_blob(name, part["digest"])
