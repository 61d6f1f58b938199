"""What the suites of berth's own images share: the base image, the context of the build, an engine with networks.

The base image is made by debootstrap, once: it stays in build/base-image.tar. The images hold $BERTH: nothing is
compiled a second time.
"""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from conftest import need, need_root
from docker_engine import BUSYBOX, DockerEngine, Networks

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BASE = "debian:bookworm-slim"
BASE_FILE = REPOSITORY / "build" / "base-image.tar"
SOURCES = pathlib.Path("/etc/apt/sources.list.d/debian.sources")
BASE_SECONDS, BUILD_SECONDS = 600, 600
# What Debian's own slim image leaves out.
LEFT_OUT = ["/usr/share/doc", "/usr/share/info", "/usr/share/locale", "/usr/share/man"]


def base_image():
    """A tar of a minimal Debian whose apt asks where this machine's does."""
    if BASE_FILE.exists():
        return BASE_FILE
    BASE_FILE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="berth-base-", dir="/tmp") as folder:
        root, made = pathlib.Path(folder) / "root", pathlib.Path(folder) / "base.tar"
        mirror = re.findall(r"^URIs: *(\S+)", SOURCES.read_text() if SOURCES.exists() else "", re.MULTILINE)[:1]
        subprocess.run(["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", str(root),
                        *mirror], check=True, timeout=BASE_SECONDS, stdout=subprocess.DEVNULL)
        if SOURCES.exists():
            shutil.copy(SOURCES, root / "etc/apt/sources.list.d")
            (root / "etc/apt/sources.list").unlink(missing_ok=True)
        for leftover in [*root.glob("var/cache/apt/archives/*.deb"), *root.glob("var/lib/apt/lists/*_*"),
                         *root.glob("var/cache/apt/*.bin")]:
            leftover.unlink()
        for name in LEFT_OUT:
            shutil.rmtree(root / name[1:])
            (root / name[1:]).mkdir()
        (root / "etc/dpkg/dpkg.cfg.d/slim").write_text("".join(f"path-exclude {name}/*\n" for name in LEFT_OUT))
        subprocess.run(["tar", "-C", str(root), "-cf", str(made), "."], check=True, timeout=BASE_SECONDS)
        shutil.copy(made, BASE_FILE.with_suffix(".new"))
        BASE_FILE.with_suffix(".new").rename(BASE_FILE)
    return BASE_FILE


def make_context(folder):
    """Copies what the images are made from, and a stripped $BERTH in the place of a compiler."""
    for name in ("CMakeLists.txt", "LICENSE", "Dockerfile", ".dockerignore"):
        shutil.copy(REPOSITORY / name, folder)
    for name in ("backend", "nginx", "config", "image"):
        shutil.copytree(REPOSITORY / name, folder / name)
    shutil.copytree(REPOSITORY / "compose", folder / "compose", ignore=shutil.ignore_patterns("*.crt", "*.key",
                                                                                              "htpasswd"))
    (folder / "prebuilt").mkdir()
    berth = os.environ.get("BERTH", str(REPOSITORY / "build" / "berth"))
    subprocess.run(["strip", "-o", str(folder / "prebuilt" / "berth"), berth], check=True)


@contextlib.contextmanager
def running_engine(**options):
    """An engine with networks of its own and the base image, or a skip."""
    need_root()
    need("dockerd", "docker", "containerd", "runc", "unshare", "nsenter", "ip", "iptables", "slirp4netns",
         "debootstrap", "curl", "strip", BUSYBOX)
    try:
        base = base_image()
    except subprocess.SubprocessError as error:
        pytest.skip(f"cannot make a base image: {error}")
    engine = DockerEngine(networks=Networks.private, **options)
    try:
        engine.start()
    except RuntimeError as error:
        pytest.skip(f"no Docker engine with networks of its own: {error}")
    try:
        with base.open("rb") as file:
            engine.docker("import", "-", BASE, stdin=file.read())
        engine.import_base("base")
        yield engine
    finally:
        engine.close()


class Images:
    """An engine that has the image `berth`, and the folder it was made from."""

    def __init__(self, engine, context):
        self.engine, self.context = engine, context
        engine.inside("docker", "build", "--quiet", "--network=host", "--build-arg=VERSION=1.2.3",
                      "--build-arg=REVISION=abcdef", "--build-arg=SOURCE=https://example.com/berth", "--tag=berth",
                      context, timeout=BUILD_SECONDS)
