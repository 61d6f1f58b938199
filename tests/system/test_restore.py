"""berth restore: what a collection has parked comes back whole, until it is freed; what the last runs were is told."""
import json
import shutil
import time

import pytest

from conftest import running
from harness import OCI_INDEX, OCI_MANIFEST, Client, Registry, descriptor, digest, image_manifest
from test_tools import berth

GRACE = 2       # seconds

pytestmark = pytest.mark.differs("its own command")


@pytest.fixture(scope="module")
def registry():
    with running(Registry()) as one:
        yield one


def collect(registry):
    time.sleep(GRACE + 0.1)
    done = berth("garbage-collect", "-m", "--quiet", "--short-grace", f"{GRACE}s", registry.config_file)
    assert done.returncode == 0, done


def push(client, repo, name):
    """An untagged index of one image; returns the digests of both."""
    config, layer = json.dumps({"for": name}).encode(), f"layer of {name}".encode()
    client.push_blob(repo, config), client.push_blob(repo, layer)
    image = image_manifest(OCI_MANIFEST, config, [layer])
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX,
                        "manifests": [descriptor(OCI_MANIFEST, image)]}).encode()
    for body, media_type in ((image, OCI_MANIFEST), (index, OCI_INDEX)):
        assert client.put_manifest(repo, digest(body), body, media_type).status == 201
    return digest(index), digest(image)


def revision(registry, repo, name):
    return (registry.v2_root / "repositories" / repo / "_manifests" / "revisions" / "sha256" /
            name.removeprefix("sha256:"))


def test_what_is_parked_is_listed_and_restored(registry):
    client = Client(registry)
    index, image = push(client, "back/app", "one")
    collect(registry)
    assert (revision(registry, "back/app", index) / "collected").exists()
    listed = json.loads(berth("restore", registry.config_file, "back/app", "--list", "--json").stdout)
    assert {row["digest"] for row in listed} == {index, image}
    done = berth("restore", registry.config_file, f"back/app@{index}", "--tag", "again")
    assert done.returncode == 0 and "restored 1 manifest" in done.stdout, done
    assert (revision(registry, "back/app", index) / "link").exists()
    assert (revision(registry, "back/app", image) / "link").exists(), "children come along"
    assert client.get(client.manifest("back/app", "again")).status == 200
    for _ in range(3):
        collect(registry)
    manifest = client.get(client.manifest("back/app", image)).json()
    for content in (manifest["config"], *manifest["layers"]):
        assert client.get(client.blob("back/app", content["digest"])).status == 200


def test_all_of_a_repository(registry):
    push(client := Client(registry), "all/app", "two")
    collect(registry)
    done = berth("restore", registry.config_file, "all/app")
    assert done.returncode == 0 and "restored 2 manifests" in done.stdout and "--tag" in done.stderr, done
    assert json.loads(berth("restore", registry.config_file, "all/app", "--list", "--json").stdout) == []
    assert client.get(client.tags("all/app")).status == 200


def test_a_tag_that_a_policy_removed(registry):
    client = Client(registry)
    image = client.make_image("policy/app", tag="v1")
    line = {"time": "2026-01-02T03:04:05Z", "repository": "policy/app", "tag": "v1", "digest": image.digest,
            "rule": "policy 1"}
    log = registry.root / "berth" / "removed"
    log.mkdir(parents=True, exist_ok=True)
    (log / "20260102030405-test").write_text(json.dumps(line) + "\n")
    assert berth("rm", registry.config_file, "policy/app:v1").returncode == 0
    collect(registry)
    done = berth("restore", registry.config_file, "policy/app:v1")
    assert done.returncode == 0, done
    assert client.get(client.manifest("policy/app", "v1")).status == 200
    again = berth("restore", registry.config_file, "policy/app:v1")
    assert again.returncode == 1 and "or it is there" in again.stderr, again
    shutil.rmtree(log)


@pytest.mark.parametrize("words, code, says", [
    ([], 2, "CONFIG is missing"),
    (["none/app:none"], 1, "no policy has removed such a tag"),
    (["none/app@" + digest(b"none")], 1, "it was freed, or deleted"),
    (["none/app", "--tag", "x"], 2, "--tag takes one manifest"),
])
def test_refusals(registry, words, code, says):
    done = berth("restore", *([registry.config_file] if words else []), *words)
    assert done.returncode == code and says in done.stderr, done


def test_an_empty_repository_leaves_the_catalog_and_the_last_run_is_told(registry):
    empty = registry.v2_root / "repositories" / "empty" / "app"
    for directory in ("_layers/sha256", "_manifests/tags", "_uploads"):
        (empty / directory).mkdir(parents=True)
    client = Client(registry)
    assert "empty/app" in client.get("/v2/_catalog").json()["repositories"]
    done = berth("garbage-collect", "--dry-run", registry.config_file,
                 env={"REGISTRY_BERTH_COLLECTION_EMPTYREPOSITORIES": "never"})
    assert done.returncode == 0 and "nothing is in it" not in done.stdout, done
    collect(registry)
    assert empty.exists(), "not for a day"
    status = json.loads(berth("status", registry.config_file, "--json").stdout)
    last = status["maintenance"]["lastCollection"]
    assert last["ok"] and last["lastSuccess"] and last["totals"]["freedBlobs"] >= 0, last
    assert "collected " in berth("status", registry.config_file).stdout


def test_a_verification_in_the_background(registry):
    client = Client(registry)
    client.make_image("sound/app", tag="one")
    assert berth("verify", "--background", registry.config_file).returncode in (0, 1)
    record = registry.root / "berth" / "verify" / "last"
    first = json.loads(record.read_text())
    assert first["ok"] and first["blobs"] > 0 and first["findings"] == sum(first["kinds"].values()), first
    assert berth("verify", "--background", registry.config_file).returncode == 0
    assert json.loads(record.read_text()) == first, "none is due"


def test_rm_of_what_is_immutable():
    rule = {"repositories": ["kept"], "tags": ["v*"]}
    with running(Registry({"berth": {"immutable": [rule]}})) as registry:
        client = Client(registry)
        image = client.make_image("kept", tag="v1")
        sentence = f"tag v1 of kept is immutable: it is {image.digest}"
        refused = berth("rm", "--repository", registry.config_file, "kept")
        assert refused.returncode == 1 and sentence in refused.stderr, refused
        refused = client.delete("/v2/kept/_berth/repository")
        assert refused.status == 409 and sentence in refused.body.decode(), refused
        assert client.get(client.manifest("kept", "v1")).status == 200
        assert berth("rm", "--repository", "--force", registry.config_file, "kept").returncode == 0
        assert client.get(client.manifest("kept", "v1")).status == 404
