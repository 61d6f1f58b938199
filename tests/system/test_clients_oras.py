"""oras over TLS with a private CA: files as artifacts, attaching, discovering, copying trees, backups, deletes."""
import json

import pytest

import modern
import odd_images
from harness import digest
from images import Layer, random_bytes
from modern import Program, put, referrers, stored, tags


@pytest.fixture
def oras(tmp_path):
    (tmp_path / "home").mkdir()
    return Program("oras", tmp_path / "home")


@pytest.fixture
def repo(request):
    return "oras/" + request.node.name.removeprefix("test_").replace("_", "-").split("[")[0]


def pushed(oras, here, repo, files, *options):
    """Pushes name → bytes as an artifact v1 and returns its digest."""
    for name, data in files.items():
        (oras.home / name).write_bytes(data)
    said = oras.run("push", "--no-tty", "--format=json", "--artifact-type=application/vnd.example.files", *options,
                    f"{here.authority}/{repo}:v1", *(f"{name}:application/vnd.example.file" for name in files))
    return json.loads(said)["digest"]


def attached(oras, here, repo, subject, kind):
    (oras.home / f"{kind}.txt").write_text(f"{kind} about {subject}")
    said = oras.run("attach", "--no-tty", "--format=json", f"--artifact-type=application/vnd.example.{kind}",
                    f"{here.authority}/{repo}@{subject}", f"{kind}.txt:text/plain")
    return json.loads(said)["digest"]


def test_files_there_and_back(oras, here, repo, tmp_path):
    files = {"small": b"a few bytes", "empty": b"", "large": random_bytes(9_000_000, "oras")}
    pushed(oras, here, repo, files)
    oras.run("pull", "--no-tty", f"{here.authority}/{repo}:v1", "--output", tmp_path / "back")
    assert {path.name: path.read_bytes() for path in (tmp_path / "back").iterdir()} == files


def test_an_artifact_without_files(oras, here, repo):
    said = json.loads(oras.run("push", "--no-tty", "--format=json", "--artifact-type=application/vnd.example.none",
                               "--annotation=a=b", f"{here.authority}/{repo}:v1"))
    document = json.loads(stored(here, repo, said["digest"]))
    assert document["config"]["mediaType"] == odd_images.OCI_EMPTY and document["annotations"]["a"] == "b"


def test_attached_and_discovered(oras, here, repo):
    subject = pushed(oras, here, repo, {"file": b"subject"})
    first = attached(oras, here, repo, subject, "signature")
    second = attached(oras, here, repo, subject, "sbom")
    third = attached(oras, here, repo, first, "comment")
    assert sorted(part["digest"] for part in referrers(here, repo, subject)) == sorted([first, second])
    tree = json.loads(oras.run("discover", "--format=json", f"{here.authority}/{repo}:v1"))
    assert sorted(part["digest"] for part in tree["referrers"]) == sorted([first, second])
    inner = next(part for part in tree["referrers"] if part["digest"] == first)
    assert [part["digest"] for part in inner["referrers"]] == [third]
    one = json.loads(oras.run("discover", "--format=json", "--artifact-type=application/vnd.example.sbom",
                              f"{here.authority}/{repo}:v1"))
    assert [part["digest"] for part in one["referrers"]] == [second]
    modern.uses_api_alone(here)


def test_copies_take_what_refers_along(oras, here, there, repo):
    subject = pushed(oras, here, repo, {"file": b"to be copied"})
    first = attached(oras, here, repo, subject, "signature")
    second = attached(oras, here, repo, first, "comment")
    oras.run("cp", "--no-tty", "--recursive", f"{here.authority}/{repo}:v1", f"{there.authority}/{repo}:v1")
    assert [part["digest"] for part in referrers(there, repo, subject)] == [first]
    assert [part["digest"] for part in referrers(there, repo, first)] == [second]
    modern.assert_same_tree(here, there, repo, "v1")
    modern.uses_api_alone(there)


def test_subject_that_comes_later(oras, here, there, repo):
    """What refers may be there before what it refers to."""
    subject = pushed(oras, here, repo, {"file": b"late"})
    first = attached(oras, here, repo, subject, "signature")
    statement = stored(here, repo, first)
    client = modern.harness.Client(there)
    document = json.loads(statement)
    for part in (document["config"], *document["layers"]):
        client.push_blob(repo, modern.harness.Client(here).fetch_blob(repo, part["digest"]))
    (oras.home / "statement").write_bytes(statement)
    oras.run("manifest", "push", f"{there.authority}/{repo}@{first}", "statement")
    assert [part["digest"] for part in referrers(there, repo, subject)] == [first]
    oras.run("cp", "--no-tty", f"{here.authority}/{repo}:v1", f"{there.authority}/{repo}:v1")
    tree = json.loads(oras.run("discover", "--format=json", f"{there.authority}/{repo}:v1"))
    assert [part["digest"] for part in tree["referrers"]] == [first]


@pytest.mark.parametrize("kind", sorted(odd_images.ODD))
def test_odd_images_between_two_berths(oras, here, there, layout, kind):
    manifest = odd_images.ODD[kind](layout, kind)
    oras.run("cp", "--no-tty", "--from-oci-layout", f"{layout.folder}:{kind}", f"{here.authority}/oras/{kind}:v1")
    assert stored(here, f"oras/{kind}", "v1") == manifest
    oras.run("cp", "--no-tty", f"{here.authority}/oras/{kind}:v1", f"{there.authority}/oras/{kind}:v1")
    modern.assert_same_tree(here, there, f"oras/{kind}", "v1")


def test_index_by_platform(oras, here, repo, layout):
    index, manifests = layout.add_index("multi", {"amd64": [Layer("oras-amd64")], "arm64": [Layer("oras-arm64")]})
    put(here, layout, f"{repo}:v1", index)
    assert oras.say("resolve", f"{here.authority}/{repo}:v1") == digest(index)
    assert oras.say("resolve", "--platform=linux/arm64", f"{here.authority}/{repo}:v1") == digest(manifests["arm64"])
    oras.run("manifest", "index", "create", f"{here.authority}/{repo}:made", *map(digest, manifests.values()))
    assert {part["digest"] for part in json.loads(stored(here, repo, "made"))["manifests"]} == \
        set(map(digest, manifests.values()))


def test_tags_and_repositories(oras, here, repo):
    subject = pushed(oras, here, repo, {"file": b"tagged"})
    oras.run("tag", f"{here.authority}/{repo}@{subject}", "b", "c")
    assert oras.say("repo", "tags", f"{here.authority}/{repo}").split() == ["b", "c", "v1"]
    assert repo in oras.say("repo", "ls", here.authority).split()


def test_backup_and_restore(oras, here, there, repo):
    subject = pushed(oras, here, repo, {"file": b"kept"})
    first = attached(oras, here, repo, subject, "signature")
    oras.run("backup", "--no-tty", "--include-referrers", f"{here.authority}/{repo}:v1", "--output", "backup")
    oras.run("restore", "--no-tty", "--input", "backup", f"{there.authority}/{repo}:v1")
    assert [part["digest"] for part in referrers(there, repo, subject)] == [first]


def test_delete(oras, here, repo):
    subject = pushed(oras, here, repo, {"file": b"deleted"})
    first = attached(oras, here, repo, subject, "signature")
    oras.run("manifest", "delete", "--force", f"{here.authority}/{repo}@{first}")
    assert referrers(here, repo, subject) == []
    layer = json.loads(stored(here, repo, subject))["layers"][0]["digest"]
    oras.run("manifest", "delete", "--force", f"{here.authority}/{repo}@{subject}")
    assert tags(here, repo) in ([], None)
    oras.run("blob", "delete", "--force", f"{here.authority}/{repo}@{layer}")
    assert "not found" in oras.run("blob", "fetch", "--descriptor", f"{here.authority}/{repo}@{layer}", fails=True)
