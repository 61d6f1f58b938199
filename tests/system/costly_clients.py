"""Clients that take minutes to build, in the form of access_clients.py: a Docker engine that is newer than Debian's and
keeps its images in containerd, that containerd's own client, and buildkitd without an engine. They take part where they
were built (COSTLY=1)."""
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

import go_programs
from access_clients import CLIENT_SECONDS, SIZE, Ctr, Docker, RealClient
from conftest import need, search_path
from docker_engine import POLL_SECONDS, START_SECONDS, STOP_SECONDS
from harness import certificates
from modern import need_go_program

ENGINE = ("docker", "dockerd", "containerd", "containerd-shim-runc-v2", "ctr")
BUILDKITD = """\
[worker.oci]
enabled = true
snapshotter = "overlayfs"
[worker.containerd]
enabled = false
[registry."%s"]
http = false
ca = ["%s"]
"""


def current_engine():
    """The folder with the programs of a current engine."""
    return [pathlib.Path(need_go_program(name)).parent for name in ENGINE][0]


class CurrentDocker(Docker):
    """It takes ::1 for insecure, too: it tries plain http after a refused login, and says what came of that."""

    PROGRAMS = staticmethod(current_engine)
    NOBODY = "repository does not exist or may require 'docker login'"
    PUSH_OF_NOBODY = "push access denied, repository does not exist or may require authorization"
    WRONG_LOGIN = "failed with status: 400 Bad Request"
    DENIED = HIDDEN = "requested access to the resource is denied"


class CurrentCtr(Ctr):
    PROGRAMS = staticmethod(current_engine)
    LOCAL = ("--local",)


class Buildctl(RealClient):
    """buildkitd alone: what it builds it pushes, and what a Dockerfile begins with it pulls. buildctl knows no login,
    but reads what others wrote; it asks for the tokens."""

    ASKS = False
    NOBODY = "pull access denied, repository does not exist or may require authorization"
    PUSH_OF_NOBODY = "push access denied, repository does not exist or may require authorization"
    WRONG = "unauthorized"

    def __init__(self, registry, home):
        super().__init__(registry, home)
        need("runc")
        self._buildctl, buildkitd = need_go_program("buildctl"), need_go_program("buildkitd")
        self.config_file = home / ".docker" / "config.json"
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-buildkit-", dir="/tmp"))     # socket paths are short
        (self._folder / "buildkitd.toml").write_text(BUILDKITD % (self.authority, certificates().ca_file))
        self._address = f"unix://{self._folder}/socket"
        with (self._folder / "log").open("wb") as log:
            self._daemon = subprocess.Popen(
                [buildkitd, f"--config={self._folder}/buildkitd.toml", f"--root={self._folder}/root",
                 f"--addr={self._address}"],
                env=os.environ | {"PATH": search_path()}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while self._run("debug", "workers").returncode:
            assert self._daemon.poll() is None and time.monotonic() < deadline, (self._folder / "log").read_text()
            time.sleep(POLL_SECONDS)

    def close(self):
        self._daemon.terminate()
        self._daemon.wait(STOP_SECONDS)
        shutil.rmtree(self._folder)

    def forget(self):
        super().forget()
        # By it the daemon knows who may use the tokens that it has: whoever comes next is somebody else.
        (self.config_file.parent / ".token_seed").unlink(missing_ok=True)

    def take_pull_secret(self, user, password):
        self.forget()
        super().take_pull_secret(user, password)

    def login(self, user, password):
        self.take_pull_secret(user, password)

    def logout(self):
        self.forget()

    def _run(self, *arguments):
        return subprocess.run([self._buildctl, f"--addr={self._address}", *map(str, arguments)], cwd=self.home,
                              env=os.environ | {"DOCKER_CONFIG": str(self.config_file.parent),
                                                "SSL_CERT_FILE": certificates().ca_file},
                              capture_output=True, text=True, timeout=CLIENT_SECONDS)

    def _build(self, base, output, fails, size=SIZE):
        folder = self.empty()
        (folder / "Dockerfile").write_text(f"FROM {base}\nCOPY file /\n")
        (folder / "file").write_bytes(random.randbytes(size))
        done = self._run("build", "--progress=plain", "--frontend=dockerfile.v0", f"--local=context={folder}",
                         f"--local=dockerfile={folder}", "--opt=image-resolve-mode=pull", "--no-cache",
                         f"--output={output}")
        assert (done.returncode != 0) == fails, f"{base}, {output}: {done.returncode}\n{done.stderr}"
        return done.stderr

    def pull(self, name, fails=False):
        return self._build(self.at(name), f"type=tar,dest={self.empty()}/all", fails)

    def push(self, name, fails=False, size=SIZE):
        return self._build("scratch", f"type=image,name={self.at(name)},push=true", fails, size)


def is_here(*names):
    """Whether the programs were built, or are to be."""
    return "COSTLY" in os.environ or all((go_programs.folder() / name).exists() for name in names)


COSTLY_CLIENTS = ({"docker-29": CurrentDocker, "ctr-2": CurrentCtr} if is_here(*ENGINE) else {}) | (
    {"buildctl": Buildctl} if is_here("buildctl", "buildkitd") else {})
# Which are not here, and why.
ABSENT = {"nerdctl": "no version of its Go module is served; ctr and buildctl use the same libraries"} | {
    name: "it takes minutes to build: `make test-system COSTLY=1` does"
    for name in ("docker-29", "ctr-2", "buildctl") if name not in COSTLY_CLIENTS}
