"""The commonest mistakes: what berth says of each is a line of docs/troubleshooting.md that says what to do."""
import os
import socket
import subprocess

import pytest

import harness

BERTH = os.environ.get("BERTH", str(harness.REPOSITORY / "build" / "berth"))
PAGE = (harness.REPOSITORY / "docs" / "troubleshooting.md").read_text()
GOOD = "version: 0.1\nstorage: {filesystem: {rootdirectory: ROOT}}\nhttp: {addr: :PORT}\n"

# What is in the config, and what check-config says: the words of the page, of which "..." leaves something out.
MISTAKES = {
    "tab": ("version: 0.1\nstorage:\n\tfilesystem: {}\n", "config.yml:3: indented by a tab: YAML allows blanks alone"),
    "indentation": ("version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /x\n delete: {}\nhttp: {}\n",
                    "end of map not found: look at the indentation"),
    "no version": ("storage: {filesystem: {rootdirectory: /x}}\n",
                   "version: (nothing): allowed is 0.1, which must be given"),
    "no storage": ("version: 0.1\nstorage:\n", "storage: (nothing): allowed is one driver: filesystem or s3"),
    "no such driver": ("version: 0.1\nstorage: {filesytem: {}}\n",
                       "storage.filesytem: no such driver: allowed is filesystem or s3"),
    "another driver": ("version: 0.1\nstorage: {gcs: {bucket: x}}\n",
                       "storage.gcs: berth does not have this driver: allowed is filesystem or s3; "),
    "misspelt": (GOOD.replace("addr", "adr"), "http.adr: unknown, and without effect; did you mean addr?"),
    "no port": (GOOD.replace(":PORT", "5000"), 'http.addr: "5000": allowed is [host]:port'),
    "certificate": (GOOD.replace(":PORT", ":PORT, tls: {certificate: /certs/domain.crt, key: /certs/domain.key}"),
                    "/certs/domain.crt: cannot be read (open /certs/domain.crt: No such file or directory)"),
    "users": (GOOD + "auth: {htpasswd: {realm: x, path: /auth/users}}\n",
              'auth.htpasswd.path: "/auth/users": open /auth/users: No such file or directory'),
    "file as root": (GOOD.replace("ROOT", "/etc/passwd"), "is a file: allowed is a directory"),
    "proxy": (GOOD + "proxy: {remoteurl: https://registry.example.test}\n",
              "proxy: (secret): allowed is nothing: berth cannot be a pull-through cache yet"),
}
WARNINGS = {"misspelt"}


def berth(*arguments, **options):
    return subprocess.run([BERTH, *map(str, arguments)], capture_output=True, text=True,
                          timeout=30, **options)


def written(tmp_path, text):
    file = tmp_path / "config.yml"
    file.write_text(text.replace("ROOT", str(tmp_path / "data")).replace("PORT", str(harness.free_port())))
    return file


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_said_and_is_on_the_page(tmp_path, name):
    text, says = MISTAKES[name]
    done = berth("check-config", written(tmp_path, text).name, cwd=tmp_path)
    assert says in done.stderr and done.stderr.count("\n") == 1, done
    assert done.returncode == (0 if name in WARNINGS else 2), done
    assert says in PAGE, f"docs/troubleshooting.md does not have: {says}"


def test_commands_that_are_not_there_are_on_the_page():
    done, says = berth("colect"), "there is no command colect"
    assert done.returncode == 2 and says in done.stderr and says in PAGE, done


@pytest.mark.parametrize("host", ["", "127.0.0.1"])
def test_a_port_in_use_is_one_line_and_a_warning_of_check_config(tmp_path, host):
    says = "another program listens there already"
    assert f'http.addr: ":5000": {says}' in PAGE
    with socket.create_server((host, 0)) as other:
        port = other.getsockname()[1]
        file = tmp_path / "config.yml"
        file.write_text(GOOD.replace("ROOT", str(tmp_path / "data")).replace(":PORT", f'"{host}:{port}"'))
        done = berth("check-config", file)
        assert done.returncode == 0 and f'http.addr: "{host}:{port}": {says}' in done.stderr, done
        done = berth("up", file)
        assert done.returncode == 1, done
        last = [line for line in done.stderr.splitlines() if "from=nginx" not in line][-1]
        assert says in last and str(port) in last, done
    assert "warning" not in berth("check-config", file).stderr


def test_the_port_of_the_registry_itself_is_no_warning():
    with harness.Registry() as registry:
        done = berth("check-config", registry.config_file)
        assert (done.returncode, done.stderr) == (0, ""), done


def test_each_row_says_what_to_do():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "|---" not in line]
    assert len(rows) > 25
    for row in rows:
        cells = row.strip("| ").split(" | ")
        assert all(cell.strip() for cell in cells) and len(cells) in (2, 3), row
