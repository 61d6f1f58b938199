#!/usr/bin/python3
"""Programs written in Go that the tests run against berth, each pinned: go_programs.py [NAME...]

Installs what is missing (default: all but the costly ones) with `go build` into build/clients/bin. A program that is
there in the pinned version, built from the pinned bytes, is left alone: it says both itself. The first time takes
minutes of both cores (cosign and helm bring hundreds of modules); Go's own cache makes it seconds after that, in a
fresh clone too. The costly ones, whole daemons, take minutes each.

Environment: BERTH_CLIENTS names another folder than build/clients/bin; JOBS how many compilers run at once; COSTLY=1
wants the costly ones, too.
"""
import dataclasses
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "build" / "clients" / "bin"
INSTALL_SECONDS = 1800
DOWNLOAD_SECONDS = 300
OLDEST_GO = "1.24"      # that knows how all of this is written
SAID_BYTES = 400        # of what go complained, in an error


class Unavailable(Exception):
    """A program that cannot be had on this machine; the text says why."""


class NoGo(Unavailable):
    """There is no Go on this machine."""


@dataclasses.dataclass(frozen=True)
class Program:
    """A main package of a module. `checksum` is of the module's files, as go.sum writes it; its go.mod is among them
    and pins the versions of all it is built from, whose bytes go checks against the public checksum database."""
    module: str
    version: str
    checksum: str
    package: str = ""       # below the module
    pins: str = ""          # the module's file that stands for its go.mod, where it has none
    replaced: tuple = ()    # (module, version): of one that it needs, and the version to have instead: dockerd's
    language: str = ""      # of its files, which a go.mod would say
    costly: bool = False    # built only for who asks for it

    @property
    def path(self):
        return f"{self.module}/{self.package}" if self.package else self.module


BUILDKIT = ("github.com/moby/buildkit", "v0.34.2", "h1:fXgOe79JW5zJNDumRtwTemOklLX66otQokObUXuiGJo=")
CONTAINERD = ("github.com/containerd/containerd/v2", "v2.4.2", "h1:p6Qg+xbEz8lvwdhHDx0U469xENvp4LgGBx+E7djXkGw=")
PROGRAMS = {
    "conformance": Program("github.com/opencontainers/distribution-spec/conformance",
                           "v0.0.0-20260831232431-97274622c111", "h1:ppZPU0CrEPzyJhVggYwUIZrqh0w2lIT0esw+9ABNPA4="),
    "crane": Program("github.com/google/go-containerregistry", "v0.22.1",
                     "h1:RZuuSYhTvlDvtsK+NkutoCZ//C0X2ebLK8X8l3ULs84=", "cmd/crane"),
    "regctl": Program("github.com/regclient/regclient", "v0.11.7",
                      "h1:Jsjlnd0ZQ2Blh0vaJtxJ0pU549VajvZ6BTL/4R7noMo=", "cmd/regctl"),
    "oras": Program("oras.land/oras", "v1.3.6", "h1:Lhsfr2tQLjsu/+CJZp6vYatwKT+62fbIUTlp4lUrfOA=", "cmd/oras"),
    "cosign": Program("github.com/sigstore/cosign/v3", "v3.1.3",
                      "h1:001JQRI/PJ/5T+g/kJ1KTvKFbb322+fomc+pHDZ/6sg=", "cmd/cosign"),
    "notation": Program("github.com/notaryproject/notation", "v1.3.2",
                        "h1:roSxDRZ+w8kIgxoxruhHpSVtVFwpfq2piuaMvOrPaco=", "cmd/notation"),
    "docker-compose": Program("github.com/docker/compose/v2", "v2.40.3",
                              "h1:XeYkQu1svDtyfZPv5nTwFryQ25ZJMkIlc4pz9HalMPI=", "cmd"),
    "kubeconform": Program("github.com/yannh/kubeconform", "v0.8.0",
                           "h1:loDYd3a3spjIFrauqW67CDKF55Oo9R6uvC8AvpVd4ug=", "cmd/kubeconform"),
    "versitygw": Program("github.com/versity/versitygw", "v1.8.0", "h1:au+wI+aybno/STsQiSm35Uu6Q6iK5MWReQxgO6SEMFc=",
                         "cmd/versitygw"),
    "helm": Program("helm.sh/helm/v4", "v4.3.1", "h1:UndCoLe9UPmNoL7IvWzaUXveL7T5t/ijoorEmgJdI9g=", "cmd/helm"),
    "buildctl": Program(*BUILDKIT, "cmd/buildctl", costly=True),
    "buildkitd": Program(*BUILDKIT, "cmd/buildkitd", costly=True),
    "containerd": Program(*CONTAINERD, "cmd/containerd", costly=True),
    "containerd-shim-runc-v2": Program(*CONTAINERD, "cmd/containerd-shim-runc-v2", costly=True),
    "ctr": Program(*CONTAINERD, "cmd/ctr", costly=True),
    "dockerd": Program("github.com/moby/moby/v2", "v2.0.0-beta.24",
                       "h1:sWv7EckkDJhpraR9yUjkw1XeVf39+MWd58E22PYloNA=", "cmd/dockerd", costly=True),
    "docker": Program("github.com/docker/cli", "v29.9.3+incompatible",
                      "h1:SBaMp7ecohadEHMDrUJg22t9I3awqsAVhnJ7GOcWpfE=", "cmd/docker", pins="vendor.mod", replaced=(
                          "github.com/moby/swarmkit/v2", "v2.1.3-0.20260828175525-ad0357aedfca"),
                      language="go1.25", costly=True),
}


def folder():
    return pathlib.Path(os.environ.get("BERTH_CLIENTS") or FOLDER)


def find_go():
    """The go command: in the PATH or where Go's own instructions put it. Raises Unavailable."""
    places = [os.environ.get("PATH", ""), "/usr/local/go/bin", *(str(pathlib.Path.home() / "go" / "bin"),
                                                                 str(pathlib.Path.home() / "sdk" / "go" / "bin"))]
    found = shutil.which("go", path=":".join(places))
    if not found:
        raise NoGo("Go is not on this machine (looked in the PATH, /usr/local/go/bin and ~/go/bin); the "
                   "programs need 1.26 or newer, which Debian 12 does not have")
    return found


def _go(*arguments, seconds, env=None, cwd="/"):
    """Runs go and returns what it printed, whatever its exit code, with that code."""
    try:
        done = subprocess.run(["nice", "-n", "10", find_go(), *arguments], env={**os.environ, **(env or {})},
                              cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"go {' '.join(arguments)}: not done after {seconds} s") from None
    return done.returncode, done.stdout, done.stderr


def _is_there(name, program):
    """Whether the pinned program is in the folder: a Go program carries the module it was built from."""
    binary = folder() / name
    if not binary.exists():
        return False
    code, out, _ = _go("version", "-m", str(binary), seconds=DOWNLOAD_SECONDS)
    return code == 0 and re.search(
        rf"^\s*path\s+{re.escape(program.path)}\n\s*mod\s+{re.escape(program.module)}\s+{re.escape(program.version)}\s+"
        rf"{re.escape(program.checksum)}\s*$", out, re.MULTILINE) is not None


def download(program):
    """The folder with a pinned module's files. Raises as install does."""
    named = f"{program.module}@{program.version}"
    code, out, err = _go("mod", "download", "-json", named, seconds=DOWNLOAD_SECONDS, env={"GO111MODULE": "on"})
    said = json.loads(out) if out.lstrip().startswith("{") else {}
    if code or said.get("Error"):
        raise Unavailable(f"{named}: {(said.get('Error') or err)[:SAID_BYTES]}")
    if said["Sum"] != program.checksum:
        raise RuntimeError(f"{named} is not what was pinned: {said['Sum']} instead of {program.checksum}")
    return pathlib.Path(said["Dir"])


def _scratch_module(program, source):
    """The go.mod of a module that requires the program and whatever pins what it is built from."""
    pinned = (source / program.pins).read_text() if program.pins else f"go {OLDEST_GO}\n"
    lines = [f"module scratch\n\n{re.sub(r'(?m)^module .*$', '', pinned)}",
             f"require {program.module} {program.version}"]
    if program.replaced:
        module, version = program.replaced
        lines.append(f"replace {module} => {module} {version}")
    return "\n".join(lines) + "\n"


def install(name, wanted=bool(os.environ.get("COSTLY"))):
    """The path of a pinned program, installed if it is not there. Raises Unavailable where it cannot be had, and
    RuntimeError where its module is not the pinned one; wanted: a costly one is built."""
    program = PROGRAMS[name]
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / f".{name}.lock").open("w") as lock:    # suites that run side by side take turns
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_there(name, program):
            if program.costly and not wanted:
                raise Unavailable("it takes minutes to build: `make test-system COSTLY=1` does")
            source = download(program)
            jobs = os.environ.get("JOBS") or str(os.cpu_count())
            # In a module that requires it, and not as PATH@VERSION: that also asks which versions there are, to say if
            # this one is deprecated, and fails where nobody can tell.
            with tempfile.TemporaryDirectory() as scratch:
                pathlib.Path(scratch, "go.mod").write_text(_scratch_module(program, source))
                flags = [f"-gcflags={program.module}/...=-lang={program.language}"] if program.language else []
                code, _, err = _go("build", "-mod=mod", *flags, "-p", jobs, "-o", str(folder() / name), program.path,
                                   cwd=scratch, seconds=INSTALL_SECONDS, env={
                                       "GO111MODULE": "on", "GOWORK": "off", "GOMAXPROCS": jobs})
            if code:
                raise Unavailable(f"go build {program.path} of {program.version}: {err.strip()[-SAID_BYTES:]}")
            if not _is_there(name, program):
                raise RuntimeError(f"go build left no {name} of {program.version} in {folder()}")
    return folder() / name


def main(names):
    failed = False
    wanted = bool(names or os.environ.get("COSTLY"))
    for name in names or [name for name, program in PROGRAMS.items() if wanted or not program.costly]:
        if name not in PROGRAMS:
            print(f"{name}: not known; there are: {', '.join(PROGRAMS)}", file=sys.stderr)
            return 2
        try:
            print(f"{name} {PROGRAMS[name].version}: {install(name, wanted)}", flush=True)
        except Unavailable as error:
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
