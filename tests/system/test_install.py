"""What `make install` puts where: the program finds its nginx files there, manual pages and completions are whole."""
import json
import os
import pathlib
import re
import subprocess

import pytest

from conftest import need
from harness import REPOSITORY, Registry
from processes import output_of

SECONDS = 60


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """<DESTDIR>/usr"""
    build = pathlib.Path(os.environ.get("BERTH", REPOSITORY / "build" / "berth")).parent
    destination = tmp_path_factory.mktemp("destdir")
    output_of("cmake", "--install", build, "--prefix", "/usr", env=os.environ | {"DESTDIR": str(destination)})
    return destination / "usr"


def test_the_program_finds_its_nginx_files(installed):
    registry = Registry()
    try:
        registry.config_file.write_text(json.dumps(registry.config))
        output = registry.directory / "nginx"
        output_of(installed / "bin/berth", "nginx", registry.config_file, "--output", output)
        assert (output / "nginx.conf").read_text() == (REPOSITORY / "nginx/nginx.conf").read_text()
    finally:
        registry.close()


def commands(program):
    """Every command that `berth --help` names, and those below them."""
    def below(*words):
        text = output_of(program, *words, "--help")
        names = re.findall(r"^  (\S+) ", text.partition("Subcommands:\n")[2], re.MULTILINE)
        return [name for each in names for name in below(*words, each)] if names else [" ".join(words)]
    return below()


def test_manual_pages(installed):
    need("mandoc", "man")
    pages = {page: (installed / f"share/man/man{page[-1]}/{page}") for page in ("berth.1", "berth-config.5")}
    text = {}
    for page, file in pages.items():
        assert output_of("mandoc", "-Tlint", "-Wwarning", file) == ""
        done = subprocess.run(["man", "--warnings", "-l", str(file)], capture_output=True, text=True, timeout=SECONDS,
                              env=os.environ | {"MANWIDTH": "500", "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0 and not done.stderr, done.stderr
        text[page] = re.sub(r".\x08", "", done.stdout)
    listed = commands(installed / "bin/berth")
    assert len(listed) > 10
    for command in listed:
        assert re.search(rf"^ +berth {command}\b", text["berth.1"], re.MULTILINE), command
    keys = re.findall(r"^\| `(\S+)`", output_of(installed / "bin/berth", "config-keys"), re.MULTILINE)
    assert len(keys) > 100
    for key in keys:
        assert re.search(rf"^ +{re.escape(key)}\b", text["berth-config.5"], re.MULTILINE), key


def test_bash_completion(installed):
    script = installed / "share/bash-completion/completions/berth"

    def complete(*words):
        quoted = " ".join(f"'{word}'" for word in words)
        return output_of("bash", "-c", f"source '{script}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
                                       '_berth; printf "%s\\n" "${COMPREPLY[@]}"', cwd=installed).split()

    assert complete("berth", "purge") == ["purge-uploads"]
    assert set(complete("berth", "robot", "")) >= {"add", "list", "remove"}
    assert complete("berth", "robot", "add", "--d") == ["--days"]
    assert "manual" not in complete("berth", ""), "made for packages, not for users"
    assert complete("berth", "up", "bi") == ["bin"]


def test_zsh_completion_is_zsh(installed):
    need("zsh")
    output_of("zsh", "-n", installed / "share/zsh/vendor-completions/_berth")


def test_the_service_runs_what_is_installed(installed):
    unit = (installed / "lib/systemd/system/berth.service").read_text()
    assert "\nExecStart=/usr/bin/berth up /etc/berth/config.yml\n" in unit
    assert "@BINDIR@" not in unit
