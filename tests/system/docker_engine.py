"""A real Docker engine for a test: its own dockerd, containerd, data, socket and /etc/docker; nothing of the machine's.

The daemon lives in a mount namespace of its own, where /etc/docker holds the private CAs that it shall trust and
/etc/hosts the names it shall know; its mounts end with it. Docker takes any registry on 127.0.0.0/8 as insecure,
verifying nothing, so tests of trust must use a name that leads to ::1.

Networks.none: images are built and run with `--network none`. Networks.private: the daemon has a network namespace, with
the way out that slirp4netns makes; containers have networks and published ports there, and the machine's own addresses,
ports and packet filter stay as they are. `inside` runs a program there.
"""
import enum
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from harness import process_tree
from images import tar

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
    mount -t sysfs sysfs /sys
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
shift
exec "$@"
"""


class Networks(enum.Enum):
    none = enum.auto()
    private = enum.auto()


class DockerEngine:
    """trusted: `host:port` → file of the CA that speaks for it; hosts: name → address."""

    def __init__(self, trusted=None, hosts=None, networks=Networks.none):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-docker-", dir="/tmp"))   # socket paths are short
        self.log_file = self.folder / "log"
        self._networks = networks
        self._process = None
        self._slirp = None
        (self.folder / "client").mkdir()
        (self.folder / "etc-docker").mkdir()
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(
            f"{address} {name}\n" for name, address in (hosts or {}).items()))
        for authority, ca_file in (trusted or {}).items():
            certificates = self.folder / "etc-docker" / "certs.d" / authority
            certificates.mkdir(parents=True)
            shutil.copy(ca_file, certificates / "ca.crt")

    @property
    def environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
        return kept | {"PATH": SEARCH_PATH, "DOCKER_HOST": f"unix://{self.folder}/docker.sock",
                       "DOCKER_CONFIG": f"{self.folder}/client", "DOCKER_BUILDKIT": "0",
                       "HTTP_PROXY": "", "HTTPS_PROXY": "", "http_proxy": "", "https_proxy": ""}

    def start(self):
        daemon = ["dockerd", f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec",
                  f"--host=unix://{self.folder}/docker.sock", f"--pidfile={self.folder}/docker.pid",
                  "--config-file=/etc/docker/daemon.json", "--bridge=none", "--iptables=false", "--ip6tables=false",
                  "--ip-forward=false", "--group=root", "--storage-driver=overlay2"]
        (self.folder / "etc-docker" / "daemon.json").write_text("{}\n")
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--propagation=private", "sh", "-c", INNER, "sh", str(self.folder), *daemon],
                env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(["docker", "version"], env=self.environment, capture_output=True).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = self.log_file.read_text(errors="replace")
                self.close()
                raise RuntimeError(f"dockerd does not answer:\n{log[-4000:]}")
            time.sleep(POLL_SECONDS)
        return self

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
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # Commands

    def docker(self, *arguments, fails=False, stdin=None):
        """Runs the client; returns its standard output, or what it complained when it has to fail."""
        done = subprocess.run(["docker", *map(str, arguments)], env=self.environment, capture_output=True,
                              input=stdin, timeout=COMMAND_SECONDS)
        out, complaint = done.stdout.decode(), done.stderr.decode()
        assert (done.returncode != 0) == fails, f"docker {arguments}: {done.returncode}\n{out}\n{complaint}"
        return complaint if fails else out

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
