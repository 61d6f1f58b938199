"""`make release`: what it refuses, what it makes, that it makes the same again. In a small repository of its own."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tarfile

import pytest

from harness import REPOSITORY

PROJECT = "cmake_minimum_required(VERSION 3.25)\nproject(berth VERSION 1.2.3 LANGUAGES CXX)\n"
COMMITTED = 1_800_000_000
CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.3] - 2026-12-01

### Added

- A thing.

## [1.2.30] - 2026-11-30

- Another.
"""


# A package of a program that is none of ours: what compiles is tested with the package.
MAKE_DEB = """#!/bin/sh
set -eu
root=$(mktemp -d)
install -D /bin/true "$root/usr/bin/berth"
mkdir "$root/DEBIAN"
printf 'Package: berth\\nVersion: 1.2.3\\nArchitecture: all\\nMaintainer: x <x@example.test>\\nDescription: x\\n' \\
    >"$root/DEBIAN/control"
SOURCE_DATE_EPOCH=1000000000 dpkg-deb --root-owner-group --build "$root" "$1/berth_1.2.3_all.deb"
rm -r "$root"
"""
ARTIFACTS = ["berth-1.2.3.cdx.json", "berth-1.2.3.tar.gz", "berth_1.2.3_all.deb"]


class Repository:
    def __init__(self, root):
        self.root = root
        # Nothing of the user's git.
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(root.parent), "GIT_CONFIG_NOSYSTEM": "1",
                            "DOCKER_HOST": "unix:///nowhere",
                            "GIT_COMMITTER_DATE": f"@{COMMITTED} +0000",
                            **{f"GIT_{who}_{what}": "tests" for who in ("AUTHOR", "COMMITTER")
                               for what in ("NAME", "EMAIL")}}
        for path in ("Makefile", ".gitignore", ".ci/release", ".ci/sbom"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / path, root / path)
        (root / "packaging").mkdir()
        (root / "packaging" / "make-deb").write_text(MAKE_DEB)
        (root / "packaging" / "make-deb").chmod(0o755)
        self.git("init", "-q")
        self.commit({"CMakeLists.txt": PROJECT, "CHANGELOG.md": CHANGELOG})

    def git(self, *arguments):
        return subprocess.run(["git", *arguments], cwd=self.root, env=self.environment, check=True, text=True,
                              capture_output=True).stdout.strip()

    def write(self, files):
        for path, content in files.items():
            (self.root / path).write_text(content)

    def commit(self, files):
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-qm", "a commit")

    def release(self, umask=0o022, **environment):
        return subprocess.run(["make", "release"], cwd=self.root, env={**self.environment, **environment}, text=True,
                              capture_output=True, umask=umask)

    def tags(self):
        return self.git("tag").split()


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


def test_release(repository):
    done = repository.release()
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n\n### Added\n\n- A thing.\n\n"), done.stdout
    assert repository.git("cat-file", "-t", "v1.2.3") == "tag"
    assert repository.git("rev-parse", "v1.2.3^{commit}") == repository.git("rev-parse", "HEAD")
    dist = repository.root / "dist"
    assert sorted(path.name for path in dist.iterdir()) == ["SHA256SUMS", *ARTIFACTS]
    assert "no image was made" in done.stderr   # there is no docker that this one may use
    tarball = dist / "berth-1.2.3.tar.gz"
    assert (dist / "SHA256SUMS").read_text() == "".join(
        f"{hashlib.sha256((dist / name).read_bytes()).hexdigest()}  {name}\n" for name in ARTIFACTS)
    bill = json.loads((dist / "berth-1.2.3.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX" and bill["metadata"]["component"]["version"] == "1.2.3"
    assert bill["metadata"]["timestamp"] == "2027-01-15T08:00:00Z"
    assert {"libc6", "nginx"} <= {component["name"] for component in bill["components"]}
    with tarfile.open(tarball) as archive:
        entries = archive.getmembers()
    files = {entry.name for entry in entries if entry.isfile()}
    assert {entry.mtime for entry in entries} == {COMMITTED}
    assert files == {f"berth-1.2.3/{path}" for path in repository.git("ls-files").split()}


def test_again_it_is_the_same(repository):
    dist = repository.root / "dist"
    assert repository.release().returncode == 0
    first = {name: (dist / name).read_bytes() for name in ARTIFACTS}
    shutil.rmtree(dist)
    done = repository.release(umask=0o077, TZ="Asia/Tokyo", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    for name in ARTIFACTS:
        assert (dist / name).read_bytes() == first[name], name
    assert repository.tags() == ["v1.2.3"]


@pytest.mark.parametrize("files, message", [
    ({"CMakeLists.txt": "project(berth LANGUAGES CXX)\n"}, "VERSION X.Y.Z"),
    ({"CHANGELOG.md": CHANGELOG.replace("[1.2.3]", "[1.2.4]")}, 'no section "## [1.2.3]'),
    ({"CHANGELOG.md": CHANGELOG.replace("[1.2.3] - 2026-12-01", "[1.2.3]")}, 'no section "## [1.2.3]'),
    ({"CHANGELOG.md": CHANGELOG.replace("### Added\n\n- A thing.\n", "")}, "says nothing of 1.2.3"),
    ({"CHANGELOG.md": CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- More.\n")}, "under Unreleased"),
], ids=["no version", "no section", "no date", "an empty section", "something unreleased"])
def test_what_is_refused(repository, files, message):
    repository.commit(files)
    assert_refused(repository, message)


@pytest.mark.parametrize("path", ["CHANGELOG.md", "new.md"], ids=["changed", "untracked"])
def test_a_tree_with_changes_is_refused(repository, path):
    with pathlib.Path(repository.root / path).open("a") as file:
        file.write("more\n")
    assert_refused(repository, "the tree has changes")


def test_a_version_is_released_once(repository):
    assert repository.release().returncode == 0
    shutil.rmtree(repository.root / "dist")
    repository.commit({"new.md": "more\n"})
    assert_refused(repository, "v1.2.3 is on another commit", tags=["v1.2.3"])


def assert_refused(repository, message, tags=()):
    done = repository.release()
    assert done.returncode != 0 and message in done.stderr, done
    assert repository.tags() == list(tags)
    assert not (repository.root / "dist").exists()
