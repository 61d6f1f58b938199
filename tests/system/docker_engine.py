"""A real Docker engine for a test: its own dockerd, containerd, data, socket and /etc/docker; nothing of the machine's.

The daemon lives in a mount namespace of its own, where /etc/docker holds the private CAs that it shall trust and
/etc/hosts the names it shall know; its mounts end with it. Docker takes any registry on 127.0.0.0/8 as insecure,
verifying nothing, so tests of trust must use a name that leads to ::1.

Networks.none: images are built and run with `--network none`. Networks.private: the daemon has a network namespace,
with the way out that slirp4netns makes; containers have networks and published ports there, and the machine's own
addresses, ports and packet filter stay as they are. `inside` runs a program there.
"""
import enum
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from images import tar
from processes import process_tree

START_SECONDS = 60
STOP_SECONDS = 60
COMMAND_SECONDS = 180
POLL_SECONDS = 0.1

# Debian's own programs before anything that someone put into /usr/local.
SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
BUSYBOX = "/bin/busybox"
RESOLVER = "10.0.2.3"   # slirp4netns's
INNER = """
set -e
while [ -e "$1/wait" ]; do sleep 0.05; done
mkdir -p /etc/docker
mount --bind "$1/etc-docker" /etc/docker
mount --bind "$1/hosts" /etc/hosts
if [ -e "$1/resolv.conf" ]; then
    mount --bind "$1/resolv.conf" "$(readlink -f /etc/resolv.conf)"
    ip link set lo up
fi
shift
exec "$@"
"""


class Networks(enum.Enum):
    none = enum.auto()
    private = enum.auto()


class DockerEngine:
    """trusted: `host:port` → file of the CA that speaks for it; hosts: name → address; programs: the folder of another
    docker, dockerd and containerd, which then keeps the images."""

    def __init__(self, trusted=None, hosts=None, networks=Networks.none, programs=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-docker-", dir="/tmp"))   # socket paths are short
        self.log_file = self.folder / "log"
        self._networks = networks
        self._path = f"{programs}:{SEARCH_PATH}" if programs else SEARCH_PATH
        self._config = {"features": {"containerd-snapshotter": True}} if programs else {"storage-driver": "overlay2"}
        self._process = None
        self._slirp = None
        (self.folder / "client").mkdir()
        (self.folder / "etc-docker").mkdir()
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(
            f"{address} {name}\n" for name, address in (hosts or {}).items()))
        for authority, ca_file in (trusted or {}).items():
            self.trust(authority, ca_file)

    @property
    def environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
        return kept | {"PATH": self._path, "DOCKER_HOST": f"unix://{self.folder}/docker.sock",
                       "DOCKER_CONFIG": f"{self.folder}/client", "DOCKER_BUILDKIT": "0",
                       "HTTP_PROXY": "", "HTTPS_PROXY": "", "http_proxy": "", "https_proxy": ""}

    def start(self):
        private = self._networks is Networks.private
        daemon = ["dockerd", f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec",
                  f"--host=unix://{self.folder}/docker.sock", f"--pidfile={self.folder}/docker.pid",
                  "--config-file=/etc/docker/daemon.json", "--group=root"]
        if private:
            (self.folder / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
            (self.folder / "wait").touch()
        else:
            daemon += ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]
        (self.folder / "etc-docker" / "daemon.json").write_text(json.dumps(self._config))
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", *(["--net"] if private else []), "--mount", "--propagation=private",
                 "sh", "-c", INNER, "sh", str(self.folder), *daemon],
                env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True)
        try:
            if private:
                self._connect_network()
            self._await(lambda: not subprocess.run(["docker", "version"], env=self.environment,
                                                   capture_output=True).returncode)
        except BaseException:
            self.close()
            raise
        return self

    def _await(self, condition):
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"dockerd does not answer:\n{self.log_file.read_text(errors='replace')[-4000:]}")
            time.sleep(POLL_SECONDS)

    def _connect_network(self):
        """Lets the daemon go on once its network namespace has a way out."""
        here, ready = os.readlink("/proc/self/ns/net"), self.folder / "network-is-there"
        self._await(lambda: os.readlink(f"/proc/{self._process.pid}/ns/net") != here)
        with self.log_file.open("ab") as log, ready.open("wb") as signal_file:
            self._slirp = subprocess.Popen(
                ["slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback",
                 f"--ready-fd={signal_file.fileno()}", str(self._process.pid), "tap0"], pass_fds=[signal_file.fileno()],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._await(lambda: ready.stat().st_size > 0 or self._slirp.poll() is not None)
        (self.folder / "wait").unlink()

    def close(self):
        """Ends the daemon and whatever it started; its mounts go with the namespace."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            deadline = time.monotonic() + STOP_SECONDS
            while survivors := process_tree(self._process.pid):
                assert time.monotonic() < deadline, f"cannot kill {survivors}"
                for pid in survivors:
                    try:
                        os.kill(pid, 9)
                    except ProcessLookupError:
                        pass
                self._process.poll()
            self._process = None
        if self._slirp is not None:
            self._slirp.kill()
            self._slirp.wait()
            self._slirp = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # Commands

    def docker(self, *arguments, fails=False, stdin=None):
        """Runs the client; returns its standard output, or what it complained when it has to fail."""
        return self._run(["docker", *map(str, arguments)], fails, stdin)

    def where_it_lives(self, *command, fails=False, environment=None):
        """The same of a program that has to know the names that the daemon knows."""
        return self._run(["nsenter", f"--mount=/proc/{self._process.pid}/ns/mnt", *map(str, command)], fails,
                         environment=environment)

    def ctr(self, *arguments, fails=False):
        """The same of containerd's client, against the daemon's containerd."""
        return self.where_it_lives("ctr", f"--address={self.folder}/exec/containerd/containerd.sock", *arguments,
                                   fails=fails)

    def _run(self, command, fails, stdin=None, environment=None):
        done = subprocess.run(command, env=self.environment | (environment or {}), capture_output=True, input=stdin,
                              timeout=COMMAND_SECONDS)
        out, complaint = done.stdout.decode(), done.stderr.decode()
        assert (done.returncode != 0) == fails, f"{command}: {done.returncode}\n{out}\n{complaint}"
        return complaint if fails else out

    def trust(self, authority, ca_file):
        """Takes the CA for a registry; the daemon looks anew for each push and pull."""
        certificates = self.folder / "etc-docker" / "certs.d" / authority
        certificates.mkdir(parents=True, exist_ok=True)
        shutil.copy(ca_file, certificates / "ca.crt")

    def inside_command(self):
        """What stands before a command that is to run in the daemon's networks."""
        return ["nsenter", f"--net=/proc/{self._process.pid}/ns/net"]

    def inside(self, *command, fails=False, cwd=None, timeout=COMMAND_SECONDS, environment=None):
        """Runs a program of the machine in the daemon's networks; returns what it printed, both streams."""
        done = subprocess.run([*self.inside_command(), *map(str, command)], cwd=cwd,
                              env=self.environment | (environment or {}), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
        printed = done.stdout.decode(errors="replace")
        assert (done.returncode != 0) == fails, f"{command}: {done.returncode}\n{printed[-4000:]}"
        return printed

    def import_base(self, name):
        """A base image of one static busybox."""
        shell = pathlib.Path(BUSYBOX).read_bytes()
        self.docker("import", "-", name, stdin=tar({"bin/sh": shell, "bin/busybox": shell}, mode=0o755))

    def build(self, name, dockerfile, files=None):
        """docker build (the classic builder) of a Dockerfile's text; files: name → bytes of its context."""
        context = tar({"Dockerfile": dockerfile.encode(), **(files or {})})
        self.docker("build", "--network=none", "--force-rm", "--no-cache", "--tag", name, "-", stdin=context)

    def run(self, image, *command):
        return self.docker("run", "--rm", "--network=none", image, *command)

    def repo_digests(self, image):
        return self.docker("image", "inspect", "--format={{join .RepoDigests \"\\n\"}}", image).split()

    def image_id(self, image):
        return self.docker("image", "inspect", "--format={{.Id}}", image).strip()
