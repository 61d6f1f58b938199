"""The config.yml that operators have: with the keys and the spellings of docker/distribution from 2.0 to 3.1, and the
one of its deploying guide (configs/). Each runs, or the line that refuses it says why."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pytest

import harness

pytestmark = pytest.mark.differs("its own lines")

FOLDER = pathlib.Path(__file__).parent / "configs"
BERTH = os.environ.get("BERTH", str(harness.REPOSITORY / "build" / "berth"))

NO_USERS = (r'berth: auth\.htpasswd\.path: "(\S+)": open \1: No such file or directory; `berth passwd \1 USER` '
            r"makes such a file\n")
NO_KEYS = r'berth: auth\.token\.rootcertbundle: "(\S+)": open \1: No such file or directory\n'
NO_PROXY = (r"berth: CONFIG:\d+: proxy: \(secret\): allowed is nothing: berth cannot be a pull-through cache yet, and "
            r"does not start a registry of its own in its place\n")
THREADS = "storage.filesystem.maxthreads: without effect: berth.threads bounds what runs at once"
ONE_PASS = "storage.tag.concurrencylimit: without effect: berth reads a repository's tags in one pass"

RUNS = {    # what is said of keys without effect
    "deploying-guide.yml": [],
    "2.0.yml": [],
    "2.8.yml": [THREADS],
    "3.1.yml": [ONE_PASS],
}
REFUSED = {
    "htpasswd.yml": NO_USERS,
    "token.yml": NO_KEYS,
    "proxy.yml": NO_PROXY,
}


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=harness.REPLY_SECONDS) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Place:
    """A config with its ports and its root moved to where a test may be."""

    def __init__(self, name):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="berth-config-"))
        self.directory.chmod(0o755)
        self.port, self.debug_port = harness.free_port(), harness.free_port()
        (self.directory / "data").mkdir()
        text = (FOLDER / name).read_text()
        text = re.sub(r"(rootdirectory: ).*", rf"\g<1>{self.directory}/data", text)
        text = re.sub(r"(addr: \S*?):5000$", rf"\g<1>:{self.port}", text, flags=re.MULTILINE)
        text = re.sub(r"(addr: \S*?):5001$", rf"\g<1>:{self.debug_port}", text, flags=re.MULTILINE)
        self.file = self.directory / "config.yml"
        self.file.write_text(text)

    def check(self):
        return subprocess.run([BERTH, "check-config", self.file], capture_output=True, text=True, timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory, ignore_errors=True)


def test_every_file_is_tried():
    assert {path.name for path in FOLDER.iterdir()} == set(RUNS) | set(REFUSED)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_one_line(name):
    with Place(name) as place:
        for command in ("check-config", "up"):
            done = subprocess.run([BERTH, command, place.file], capture_output=True, text=True, timeout=60)
            assert done.returncode == 2 and done.stdout == ""
            assert re.fullmatch(REFUSED[name], done.stderr.replace(str(place.file), "CONFIG")), done.stderr
            assert name != "proxy.yml" or "password" not in done.stderr


@pytest.mark.parametrize("name", RUNS)
def test_runs(name):
    with Place(name) as place:
        checked = place.check()
        assert (checked.returncode, checked.stdout) == (0, f"{place.file}: good\n"), checked
        assert re.sub(r"(?m)^berth: note: \S+:\d+: ", "", checked.stderr).splitlines() == RUNS[name]
        log = place.directory / "log"
        with log.open("wb") as output, subprocess.Popen([BERTH, "up", place.file], stdin=subprocess.DEVNULL,
                                                        stdout=output, stderr=output) as process:
            try:
                serves(place, process)
                # It answers before it says where it is.
                harness.wait_until(lambda: "docker push" in log.read_text(), "it says where it is")
            finally:
                process.send_signal(signal.SIGTERM)
            assert process.wait(harness.STOP_SECONDS) == 0, log.read_text()
        said(name, place, log.read_text())


def serves(place, process):
    deadline = time.monotonic() + harness.START_SECONDS
    while True:
        try:
            status, _ = get(f"http://127.0.0.1:{place.port}/v2/")
            if status == 200:
                break
        except OSError:
            status = "none"
        assert time.monotonic() < deadline and process.poll() is None, status
        time.sleep(harness.POLL_SECONDS)
    text = place.file.read_text()
    if "5001" in text or str(place.debug_port) in text:
        assert get(f"http://localhost:{place.debug_port}/debug/health") == (200, "{}\n")
        assert '"endpoints":null' in get(f"http://localhost:{place.debug_port}/debug/vars")[1]
    if "prometheus" in text:
        assert get(f"http://localhost:{place.debug_port}/metrics")[0] == 200


def said(name, place, log):
    """What docker/distribution says at its start, with the fields on every line; and what has no effect."""
    text = place.file.read_text()
    own = [line for line in log.splitlines() if line.startswith("time=")]
    if "service: registry" in text:
        assert all("service=registry" in line for line in own), log
    if "environment: development" in text:
        assert all("environment=development" in line for line in own), log
    for cache in re.findall(r"blobdescriptor: (\w+)", text):
        assert f"using {cache} blob descriptor cache" in log
    for endpoint in re.findall(r"- name: (\S+)", text):
        assert f"endpoint {endpoint} disabled, skipping" in log
    if str(place.debug_port) in text:
        assert "debug server listening on" in log
    for note in RUNS[name]:
        assert note in log
