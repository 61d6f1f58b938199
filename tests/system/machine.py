"""A machine with a systemd of its own: Debian in a directory, run by systemd-nspawn, with a network of its own."""
import ctypes
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from container_images import base_image

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BASE_FILE = REPOSITORY / "build" / "machine-base.tar"
SECONDS, BOOT_SECONDS, POLL_SECONDS = 300, 60, 0.2
CLONE_NEWNET = 0x40000000


class CannotRun(Exception):
    """This machine can run no other one in it."""


def chroot(root, *command):
    done = subprocess.run(["chroot", str(root), *command], capture_output=True, text=True, timeout=SECONDS,
                          stdin=subprocess.DEVNULL, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
    if done.returncode:
        raise CannotRun(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def extract(archive, root):
    root.mkdir(parents=True)
    subprocess.run(["tar", "-C", str(root), "-xf", str(archive)], check=True, timeout=SECONDS)


def machine_base(package):
    """A tar of the base image with systemd; the packages that this one depends on are there, not installed."""
    if BASE_FILE.exists():
        return BASE_FILE
    with tempfile.TemporaryDirectory(prefix="berth-machine-", dir="/tmp") as folder:
        root = pathlib.Path(folder) / "root"
        extract(base_image(), root)
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        shutil.copy(package, root / "var/berth.deb")
        chroot(root, "apt-get", "-q", "update")
        chroot(root, "apt-get", "-qy", "--no-install-recommends", "install", "systemd", "systemd-sysv")
        chroot(root, "apt-get", "-qy", "--no-install-recommends", "--download-only", "install", "/var/berth.deb")
        made = BASE_FILE.with_suffix(".new")
        subprocess.run(["tar", "-C", str(root), "-cf", str(made), "."], check=True, timeout=SECONDS)
        made.rename(BASE_FILE)
    return BASE_FILE


class Machine:
    def __init__(self, folder, package):
        self.root = folder / "root"
        extract(machine_base(package), self.root)
        self._log = (folder / "console").open("wb")
        self._process = None
        self.leader = None

    def boot(self):
        name = f"berth-{os.getpid()}"
        self._process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", f"--machine={name}", "--register=no", "--keep-unit", "--private-network",
             "--console=pipe", f"--directory={self.root}", "--boot"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise CannotRun("systemd-nspawn: " + pathlib.Path(self._log.name).read_text(errors="replace")[-2000:])
            children = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            if children:
                self.leader = int(children[0])
                state = self.run("systemctl", "is-system-running", fails=None)
                if state.strip() in ("running", "degraded"):
                    return
            time.sleep(POLL_SECONDS)

    def run(self, *command, fails=False):
        """The output. fails: whether the command must fail; None: as it likes."""
        done = subprocess.run(["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-r", "-w",
                               "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
                               *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
        output = done.stdout + done.stderr
        assert fails is None or fails == (done.returncode != 0), f"{command}: {output}\n" + (
            subprocess.run(["tail", "-c", "3000", self._log.name], capture_output=True, text=True).stdout)
        return output

    def connect(self, port):
        """A connection to a port of the machine's own 127.0.0.1."""
        made = []

        def inside():
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/proc/{self.leader}/ns/net", "rb") as namespace:
                if libc.setns(namespace.fileno(), CLONE_NEWNET) == 0:     # of this thread alone
                    try:
                        made.append(socket.create_connection(("127.0.0.1", port), timeout=60))
                    except OSError as error:
                        made.append(error)
        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if not made or isinstance(made[0], OSError):
            raise made[0] if made else OSError("no namespace")
        return made[0]

    def close(self):
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()       # it ends all that runs in the machine
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
