"""Real clients behind one interface, for the suite of access control: login, logout, pull and push, right and refused.

Each has a home of its own. Names are `public/docker` and the like, without registry and tag; what fails returns what
the client complained.
"""
import base64
import json
import pathlib
import random
import shutil
import subprocess
import tempfile

from conftest import need
from docker_engine import DockerEngine
from harness import certificates
from images import Layer, OciLayout, tar
from modern import Program
from test_clients_cosign import Cosign
from test_clients_helm import Helm
from test_clients_podman import Store
from test_own_access import client_with

CLIENT_SECONDS = 180
SIZE = 1000     # of what is pushed, in bytes
NAME = "registry.test"      # leads to ::1 for the engine


class RealClient:
    """What all have.

    config_file: where its credentials are, in the form of Docker's config.json;
    ASKS: whether login asks the registry; the others only write down what they are told;
    NOBODY, PUSH_OF_NOBODY, WRONG, WRONG_LOGIN, DENIED, HIDDEN, IMMUTABLE: a part of what it says to nobody who pulls
    and who pushes, of wrong credentials (in a login, if it says it otherwise there), of a push to a repository that may
    only be pulled, of one to a repository that may not even be looked at (most begin with a HEAD, whose answer has no
    message), and of one to an immutable tag (None: it pushes none).
    """

    config_file = None
    ASKS = True
    NOBODY = PUSH_OF_NOBODY = WRONG = "authentication required"
    WRONG_LOGIN = None
    DENIED = HIDDEN = "requested access to the resource is denied"
    IMMUTABLE = "is immutable: it is sha256:"

    def __init__(self, registry, home):
        self.registry, self.home, self.authority = registry, home, registry.authority

    def close(self):
        pass

    def prepare(self, name, user):
        """Makes what must be there before the first push of `name`."""

    def forget(self):
        """Forgets every credential, however they came there."""
        self.config_file.unlink(missing_ok=True)

    def take_pull_secret(self, user, password):
        """What a kubelet gets from a secret of the type kubernetes.io/dockerconfigjson."""
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.config_file.parent.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text(json.dumps({"auths": {self.authority: {"auth": pair}}}))

    def at(self, name):
        return f"{self.authority}/{name}:v1"

    def empty(self):
        """A new folder, for what is pulled."""
        return pathlib.Path(tempfile.mkdtemp(dir=self.home))


class Docker(RealClient):
    """PROGRAMS: which folder they are in; None: Debian's."""

    PROGRAMS = None
    NOBODY = PUSH_OF_NOBODY = DENIED = HIDDEN = "denied: requested access to the resource is denied"
    WRONG = "unauthorized"

    def __init__(self, registry, home):
        super().__init__(registry, home)
        need("dockerd", "docker", "containerd", "ctr", "runc", "unshare")
        self.authority = f"{NAME}:{registry.port}"
        self.engine = DockerEngine({self.authority: certificates().ca_file}, {NAME: "::1"},
                                   programs=self.PROGRAMS and self.PROGRAMS()).start()
        self.config_file = self.engine.folder / "client" / "config.json"

    def close(self):
        self.engine.close()

    def login(self, user, password, fails=False):
        return self.engine.docker("login", f"--username={user}", "--password-stdin", self.authority, fails=fails,
                                  stdin=password.encode())

    def logout(self):
        self.engine.docker("logout", self.authority)

    def pull(self, name, fails=False):
        return self.engine.docker("pull", self.at(name), fails=fails)

    def push(self, name, fails=False, size=SIZE):
        # Each with a layer of its own: what a repository has needs no right to upload.
        self.engine.docker("import", "-", self.at(name), stdin=tar({"file": random.randbytes(size)}))
        said = self.engine.docker("push", self.at(name), fails=fails)
        self.engine.docker("rmi", self.at(name))
        return said


class BuildKit(Docker):
    """The builder within the engine pulls what a Dockerfile begins with. The client asks for its tokens, and so has to
    trust the registry, too; nobody's are asked for by the engine."""

    NOBODY = "authorization failed"

    def pull(self, name, fails=False):
        folder = self.empty()
        (folder / "Dockerfile").write_text(f"FROM {self.at(name)}\nCOPY Dockerfile /\n")
        return self.engine.where_it_lives(
            "docker", "build", "--pull", "--no-cache", "--progress=plain", folder, fails=fails,
            environment={"DOCKER_BUILDKIT": "1", "SSL_CERT_FILE": certificates().ca_file})


class Ctr(Docker):
    """containerd's own client, which has no login but a user with each command; the containerd is an engine's."""

    ASKS = False
    LOCAL = ()      # what has the client do itself what a newer one leaves to its daemon
    NOBODY = PUSH_OF_NOBODY = "authorization failed"
    WRONG = "401 unauthorized"
    DENIED = HIDDEN = "403 Forbidden"
    IMMUTABLE = "409 Conflict"

    def __init__(self, registry, home):
        super().__init__(registry, home)
        self._user = []

    def forget(self):
        self._user = []

    logout = forget

    def login(self, user, password):
        self._user = [f"--user={user}:{password}"]

    take_pull_secret = login    # a kubelet reads the secret itself and hands containerd the two words

    def _images(self, command, name, fails):
        return self.engine.ctr("images", command, *self.LOCAL, f"--tlscacert={certificates().ca_file}", *self._user,
                               self.at(name), fails=fails)

    def pull(self, name, fails=False):
        return self._images("pull", name, fails)

    def push(self, name, fails=False, size=SIZE):
        self.engine.docker("import", "-", "made", stdin=tar({"file": random.randbytes(size)}))
        self.engine.docker("save", "--output", self.home / "made.tar", "made")
        self.engine.ctr("images", "import", self.home / "made.tar")
        self.engine.ctr("images", "tag", "--force", "docker.io/library/made:latest", self.at(name))
        return self._images("push", name, fails)


class Podman(RealClient):
    PROGRAM = "podman"
    WRONG, HIDDEN = "invalid username/password", "403 (Forbidden)"

    def __init__(self, registry, home):
        super().__init__(registry, home)
        need("podman", "buildah")
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-podman-", dir="/tmp"))   # a runroot is short
        (self._folder / "certs").mkdir()
        shutil.copy(certificates().ca_file, self._folder / "certs" / "ca.crt")
        self._store = Store(self._folder, registry, self._folder / "certs")
        self.config_file = self._folder / "auth.json"

    def close(self):
        shutil.rmtree(self._folder)

    def _run(self, command, *arguments, fails=False, trust=True):
        run = getattr(self._store, self.PROGRAM)
        return run(command, f"--authfile={self.config_file}", *([self._store.trust] if trust else []), *arguments,
                   fails=fails)

    def forget(self):
        self.config_file.write_text("{}")       # it must be there

    def login(self, user, password, fails=False):
        return self._run("login", f"--username={user}", f"--password={password}", self.authority, fails=fails)

    def logout(self):
        self._run("logout", self.authority, trust=False)

    def pull(self, name, fails=False):
        return self._run("pull", self.at(name), fails=fails)

    def push(self, name, fails=False, size=SIZE):
        self._store.make(f"{name}:v1", {"file": random.randbytes(size)})
        said = self._run("push", self.at(name), f"docker://{self.at(name)}", fails=fails)
        self._store.forget("--all")
        return said


class Buildah(Podman):
    PROGRAM = "buildah"

    def pull(self, name, fails=False):
        return self._run("pull", "--policy=always", self.at(name), fails=fails)


class Skopeo(RealClient):
    WRONG, HIDDEN = "invalid username/password", "403 (Forbidden)"

    def __init__(self, registry, home):
        super().__init__(registry, home)
        need("skopeo")
        self.config_file = home / "auth.json"
        (home / "certs").mkdir()
        shutil.copy(certificates().ca_file, home / "certs" / "ca.crt")

    def _run(self, command, *arguments, fails=False):
        done = subprocess.run(["skopeo", "--insecure-policy", command, *map(str, arguments)], cwd=self.home,
                              capture_output=True, text=True, timeout=CLIENT_SECONDS)
        assert (done.returncode != 0) == fails, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if fails else done.stdout

    def forget(self):
        self.config_file.write_text("{}")

    def login(self, user, password, fails=False):
        return self._run("login", f"--authfile={self.config_file}", f"--cert-dir={self.home / 'certs'}",
                         f"--username={user}", f"--password={password}", self.authority, fails=fails)

    def logout(self):
        self._run("logout", f"--authfile={self.config_file}", self.authority)

    def pull(self, name, fails=False):
        return self._run("copy", f"--authfile={self.config_file}", f"--src-cert-dir={self.home / 'certs'}",
                         f"docker://{self.at(name)}", f"dir:{self.empty()}", fails=fails)

    def push(self, name, fails=False, size=SIZE):
        return self._run("copy", f"--authfile={self.config_file}", f"--dest-cert-dir={self.home / 'certs'}",
                         made_layout(self, size).reference("v1"), f"docker://{self.at(name)}", fails=fails)


def made_layout(client, size):
    """A layout of one new image, `v1`, whose layer has so many bytes."""
    layout = OciLayout(client.empty())
    layout.add_image("v1", [Layer(random.random(), size)])
    return layout


class GoClient(RealClient):
    """One of the pinned programs, which find credentials where docker has them."""

    PROGRAM = None
    LOGIN, LOGOUT = ("login",), ("logout",)
    USER, PASSWORD = "--username", "--password"

    def __init__(self, registry, home):
        super().__init__(registry, home)
        self.program = self._program()
        self.config_file = home / ".docker" / "config.json"

    def _program(self):
        return Program(self.PROGRAM, self.home)

    def login(self, user, password, fails=False):
        return self.program.run(*self.LOGIN, self.authority, f"{self.USER}={user}", f"{self.PASSWORD}={password}",
                                fails=fails)

    def logout(self):
        self.program.run(*self.LOGOUT, self.authority)


class Crane(GoClient):
    PROGRAM = "crane"
    ASKS = False
    HIDDEN = "403 Forbidden"
    LOGIN, LOGOUT = ("auth", "login"), ("auth", "logout")

    def pull(self, name, fails=False):
        return self.program.run("pull", "--format=oci", self.at(name), self.empty(), fails=fails)

    def push(self, name, fails=False, size=SIZE):
        return self.program.run("push", made_layout(self, size).folder, self.at(name), fails=fails)


class Oras(GoClient):
    PROGRAM = "oras"
    HIDDEN = "403: Forbidden"

    def pull(self, name, fails=False):
        return self.program.run("pull", "--no-tty", self.at(name), "--output", self.empty(), fails=fails)

    def push(self, name, fails=False, size=SIZE):
        (self.home / "file").write_bytes(random.randbytes(size))
        return self.program.run("push", "--no-tty", self.at(name), "file", fails=fails)


class Regctl(GoClient):
    PROGRAM = "regctl"
    LOGIN, LOGOUT = ("registry", "login"), ("registry", "logout")
    USER, PASSWORD = "--user", "--pass"
    NOBODY = PUSH_OF_NOBODY = WRONG = "unauthorized"

    def _program(self):
        return Program(self.PROGRAM, self.home, REGCTL_CONFIG=str(self.home / "regctl.json"))

    def forget(self):
        super().forget()
        (self.home / "regctl.json").unlink(missing_ok=True)

    def pull(self, name, fails=False):
        return self.program.run("image", "copy", self.at(name), f"ocidir://{self.empty() / 'back'}:v1", fails=fails)

    def push(self, name, fails=False, size=SIZE):
        return self.program.run("image", "copy", f"ocidir://{made_layout(self, size).folder}:v1", self.at(name),
                                fails=fails)


class HelmClient(GoClient):
    """The chart is named as the last part of the repository."""

    HIDDEN = "403: Forbidden"
    LOGIN, LOGOUT = ("registry", "login"), ("registry", "logout")

    def __init__(self, registry, home):
        super().__init__(registry, home)
        self.config_file = home / "registry.json"

    def _program(self):
        return Helm(self.home, self.registry.ca_file)

    def pull(self, name, fails=False):
        return self.program.trusting("pull", f"oci://{self.authority}/{name}", "--version=1.0.0", "-d", self.empty(),
                                     fails=fails)

    def push(self, name, fails=False):
        above, chart = name.rsplit("/", 1)
        packed = self.program.package(chart, "1.0.0", description=str(random.random()))
        return self.program.trusting("push", packed, f"oci://{self.authority}/{above}", fails=fails)


class CosignClient(GoClient):
    """It signs where others push, and verifies where they pull; and has no logout."""

    ASKS = False
    IMMUTABLE = None

    def _program(self):
        return Cosign(self.home)

    def logout(self):
        self.forget()

    def prepare(self, name, user):
        client_with(self.registry, user).make_image(name, tag="v1")

    def pull(self, name, fails=False):
        return self.program.verify(self.at(name), fails=fails)

    def push(self, name, fails=False):
        return self.program.sign(self.at(name), fails=fails)


CLIENTS = {
    "docker": Docker, "buildkit": BuildKit, "ctr": Ctr, "podman": Podman, "buildah": Buildah, "skopeo": Skopeo,
    "crane": Crane, "oras": Oras, "regctl": Regctl, "helm": HelmClient, "cosign": CosignClient,
}
