"""The berth command as scripts see it: help, version, exit codes, complaints about config.yml, overrides, fragments."""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

import pytest

import harness
from conftest import need, running
from harness import Client, Registry, certificates

pytestmark = pytest.mark.differs("berth's own command")

COMMAND_SECONDS = 30
REFUSAL_SECONDS = 6         # nginx itself tries a taken port for three
BAD_CONFIG = 2


def berth(*arguments, env=None, **options):
    """Runs the berth command to its end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")} | (env or {})
    program = os.environ.get("BERTH", str(harness.REPOSITORY / "build" / "berth"))
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=COMMAND_SECONDS, env=environment, **options)


@pytest.fixture
def config_file(tmp_path):
    """Writes a config's text to a file; {root} and {port} in it stand for a folder and a free port."""
    def write(text):
        file = tmp_path / "config.yml"
        file.write_text(text.replace("{root}", str(tmp_path / "data")).replace("{port}", str(harness.free_port())))
        return file
    return write


GOOD = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: {root}
http:
  addr: 127.0.0.1:{port}
"""


@pytest.mark.parametrize("command", [[], ["up"], ["serve"], ["nginx"], ["check-config"]],
                         ids=lambda words: " ".join(words) or "berth")
def test_help(command):
    done = berth(*command, "--help")
    assert done.returncode == 0, done.stderr
    assert "berth" in done.stdout and len(done.stdout.splitlines()) > 3
    if not command:
        assert all(word in done.stdout for word in ("up", "serve", "nginx"))


def test_version():
    done = berth("--version")
    assert done.returncode == 0
    assert re.search(r"\d+\.\d+", done.stdout)


@pytest.mark.parametrize("arguments", [[], ["sail"], ["--sail"], ["up"], ["up", "--sail"],
                                       ["up", "one.yml", "two.yml"]],
                         ids=lambda words: " ".join(words) or "nothing")
def test_wrong_usage_fails_and_says_how(arguments):
    done = berth(*arguments)
    assert done.returncode == 2
    assert "--help" in done.stderr, done
    wrong = [word for word in arguments if "sail" in word] + arguments[2:]
    assert all(word in done.stderr for word in wrong), done


@pytest.mark.parametrize("arguments, known", [(["sail"], ["up", "serve", "health", "robot"]),
                                              (["robot", "sail"], ["add", "list", "remove"])])
def test_a_command_that_is_none(arguments, known):
    [line] = berth(*arguments).stderr.splitlines()
    named = re.fullmatch(r"berth: there is no command sail; there are ([a-z, -]+) \(--help .*\)", line)[1].split(", ")
    assert set(known) <= set(named), line


# Health


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_health(tls, tmp_path):
    sick = tmp_path / "sick"
    where = {"REGISTRY_BERTH_RUNDIRECTORY": str(tmp_path / "run")}
    changes = {"health": {"file": [{"file": str(sick), "interval": "100ms"}]},
               "berth": {"rundirectory": str(tmp_path / "run")}}
    with running(Registry(changes, tls=tls)) as registry:
        assert berth("health", registry.config_file).returncode == 0
        lines = registry.log().count('"GET ')
        for _ in range(3):      # which config.yml it is counts only where the run directory is not known
            done = berth("health", env=where)
            assert (done.returncode, done.stdout) == (0, "well\n"), done
        sick.touch()
        harness.wait_until(lambda: berth("health", registry.config_file).returncode == 1, "it is not well")
        assert "not well" in berth("health", registry.config_file).stderr
        sick.unlink()
        harness.wait_until(lambda: berth("health", registry.config_file).returncode == 0, "it is well again")
        Client(registry).get("/v2/")
        harness.wait_until(lambda: registry.log().count('"GET ') > lines, "a line of the access log")
        assert "/debug/health" not in registry.log()
    done = berth("health", env=where)
    assert done.returncode == 1 and "no registry answers" in done.stderr, done
    assert berth("health").returncode == BAD_CONFIG


def test_health_answers_after_a_killed_nginx():
    with running(Registry()) as registry:
        [master] = [pid for pid in registry.tree()
                    if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"nginx: master")]
        os.kill(master, signal.SIGKILL)
        harness.wait_until(lambda: "starting it again" in registry.log(), "its death is seen")
        harness.wait_until(lambda: berth("health", registry.config_file).returncode == 0, "it is well")


# Complaints about the configuration


@pytest.mark.parametrize("command", ["up", "serve", "nginx", "check-config"])
@pytest.mark.parametrize("text, line, words", [
    (GOOD + "log:\n  level: loud\n", 8, ["log.level", "loud"]),
    (GOOD.replace("version: 0.1", "version: 0.7"), 1, ["version", "0.7"]),
    (GOOD.replace("127.0.0.1:{port}", "nowhere"), 6, ["http.addr", "nowhere"]),
    (GOOD.replace("127.0.0.1:{port}", ":99999"), 6, ["http.addr", "99999"]),
    (GOOD + "berth:\n  threads: none\n", 8, ["berth.threads", "none"]),
    (GOOD + "berth:\n  threads: 0\n", 8, ["berth.threads", "0"]),
    (GOOD + "validation:\n  manifests:\n    urls:\n      allow: ['(']\n", 10, ["validation.manifests.urls.allow", "("]),
    (GOOD.replace("  filesystem:", "  gcs:"), 3, ["gcs", "regionendpoint"]),
    (GOOD.replace("storage:", "storage: [").replace("  filesystem:", "\t:"), None, []),
    ("just words", 1, []),
    ("", None, []),
], ids=["log level", "version", "address", "port", "threads word", "threads zero", "regular expression", "driver",
        "not yaml", "words", "empty"])
def test_bad_config(config_file, command, text, line, words):
    """One line that names the place and the key; exit code 2; nothing started."""
    file = config_file(text)
    done = berth(command, file)
    assert done.returncode == BAD_CONFIG, done
    place = f"{file}:{line}:" if line else str(file)
    complaint = [said for said in done.stderr.splitlines() if place in said]
    assert complaint, done.stderr
    assert all(word in complaint[0] for word in words), complaint


def test_missing_storage(config_file):
    done = berth("up", config_file("version: 0.1\nhttp:\n  addr: :{port}\n"))
    assert done.returncode == BAD_CONFIG
    assert "storage" in done.stderr


def test_missing_config(tmp_path):
    done = berth("up", tmp_path / "nothing.yml")
    assert done.returncode == BAD_CONFIG
    assert str(tmp_path / "nothing.yml") in done.stderr


@pytest.mark.parametrize("which", ["certificate", "key"])
def test_missing_certificate(config_file, tmp_path, which):
    files = {"certificate": certificates().certificate, "key": certificates().key, which: str(tmp_path / "gone.pem")}
    done = berth("up", config_file(GOOD + f"  tls:\n    certificate: {files['certificate']}\n"
                                          f"    key: {files['key']}\n"))
    assert done.returncode != 0
    assert "gone.pem" in done.stderr


def test_certificate_behind_links(config_file, tmp_path):
    """As certbot keeps them, and as secrets come into containers."""
    for name in ("certificate", "key"):
        (tmp_path / name).symlink_to(getattr(certificates(), name))
    done = berth("check-config", config_file(
        GOOD + f"  tls:\n    certificate: {tmp_path}/certificate\n    key: {tmp_path}/key\n"
               f"    clientcas: [{tmp_path}/certificate]\n"))
    assert done.returncode == 0, done
    (tmp_path / "key").unlink()
    os.mkfifo(tmp_path / "key")
    done = berth("check-config", config_file(
        GOOD + f"  tls:\n    certificate: {tmp_path}/certificate\n    key: {tmp_path}/key\n"))
    assert done.returncode == BAD_CONFIG and "not a regular file" in done.stderr, done


def test_certificate_of_another_key(config_file, tmp_path):
    other = tmp_path / "other.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-out", other], check=True, capture_output=True)
    done = berth("up", config_file(GOOD + f"  tls:\n    certificate: {certificates().certificate}\n    key: {other}\n"))
    assert done.returncode != 0
    assert "other.key" in done.stderr or "certificate" in done.stderr


def test_unwritable_root(config_file):
    done = berth("up", config_file(GOOD.replace("{root}", "/proc/no/such/place")))
    assert done.returncode != 0
    assert "/proc/no" in done.stderr
    assert f"`chown -R {os.geteuid()}:{os.getegid()} /proc/no/such/place`" in done.stderr


def test_port_in_use(config_file):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        begun = time.monotonic()
        done = berth("up", config_file(GOOD.replace("{port}", str(port))))
    assert time.monotonic() - begun < REFUSAL_SECONDS, "a person is waiting"
    assert done.returncode not in (0, BAD_CONFIG), done
    assert str(port) in done.stderr, done


TOO_FEW = {
    "files": (resource.RLIMIT_NOFILE, 64, "RLIMIT_NOFILE is 64: berth needs at least 256 open files"),
    "processes": (resource.RLIMIT_NPROC, 9, "RLIMIT_NPROC is 9: berth needs at least"),
}


@pytest.mark.parametrize("what", TOO_FEW)
def test_too_small_a_limit_is_said(config_file, tmp_path, what):
    kind, limit, says = TOO_FEW[what]
    (tmp_path / "data").mkdir()
    if os.geteuid() == 0:      # whose processes are not counted: it serves as another
        os.chown(tmp_path / "data", 65534, 65534)
    done = berth("up", config_file(GOOD), preexec_fn=lambda: resource.setrlimit(kind, (limit, limit)))
    assert done.returncode != 0 and says in done.stderr, done


def test_unknown_key_is_a_warning(registry_factory):
    with registry_factory({"storage": {"filesytem": {"rootdirectory": "/nowhere"}}, "novelty": True}) as registry:
        log = registry.log()
        assert "novelty" in log and "filesytem" in log
        assert Client(registry).get("/v2/").status == 200


# check-config


def test_check_config_finds_nothing_wrong(config_file, tmp_path):
    file = config_file(GOOD + "  tls:\n" + "".join(
        f"    {key}: {value}\n" for key, value in {
            "certificate": certificates().certificate, "key": certificates().key, "minimumtls": "tls1.3",
            "clientcas": f"[{certificates().certificate}]", "clientauth": "require-any-client-cert",
            "ciphersuites": "[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]"}.items()))
    done = berth("check-config", file)
    assert (done.returncode, done.stdout) == (0, f"{file}: good\n"), done
    assert not (tmp_path / "data").exists(), "checking must not write"


def test_check_config_reads_the_client_cas(config_file, tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    done = berth("check-config", config_file(
        GOOD + f"  tls:\n    certificate: {certificates().certificate}\n    key: {certificates().key}\n"
               f"    clientcas: [{tmp_path}/ca.pem]\n"))
    assert done.returncode == BAD_CONFIG, done
    assert "ca.pem: holds no certificate" in done.stderr, done


def test_check_config_warns(config_file):
    done = berth("check-config", config_file(GOOD + "  adr: x\n"))
    assert done.returncode == 0
    assert "http.adr" in done.stderr and "addr?" in done.stderr


def curl(registry, *options):
    """The status and the body that curl gets of /v2/; status 0 without a connection."""
    done = subprocess.run(["curl", "--silent", "--cacert", certificates().ca_file, "--write-out", "\n%{http_code}",
                           *options, registry.url + "/v2/"], capture_output=True, text=True, timeout=30)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def test_client_certificates():
    """http.tls.clientcas: who has no certificate of that CA is refused, in the registry's form."""
    need("curl")
    pair = certificates()
    with running(Registry({"http": {"tls": {"clientcas": [pair.ca_file]}}}, tls=True)) as registry:
        status, body = curl(registry)
        assert status == 400 and '"DENIED"' in body, body
        assert curl(registry, "--cert", pair.certificate, "--key", pair.key) == (200, "{}")


@pytest.mark.parametrize("options, refused", [
    ({"minimumtls": "tls1.3"}, "1.2"),
    ({"ciphersuites": ["TLS_AES_128_GCM_SHA256"]}, "1.2"),
    ({}, "1.1"),
], ids=["minimumtls", "suites of TLS 1.3 alone", "by default"])
def test_old_tls_is_refused(options, refused):
    need("curl")
    with running(Registry({"http": {"tls": options}}, tls=True)) as registry:
        assert curl(registry, "--tls-max", refused, "--ciphers", "ALL@SECLEVEL=0")[0] == 0
        assert curl(registry)[0] == 200


# Overrides


def test_environment_overrides(tmp_path):
    """Every key that works now has its variable: here those whose effect shows."""
    port = harness.free_port()
    registry = Registry({"log": {"level": "error"}, "berth": {"rundirectory": str(tmp_path / "unused")}}, env={
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(tmp_path / "elsewhere"),
        "REGISTRY_STORAGE_DELETE_ENABLED": "false",
        "REGISTRY_HTTP_ADDR": f"127.0.0.1:{port}",
        "REGISTRY_HTTP_RELATIVEURLS": "true",
        "REGISTRY_HTTP_PREFIX": "/behind/",
        "REGISTRY_HTTP_HEADERS": "{X-Berth-Test: [one]}",
        "REGISTRY_HTTP_SECRET": "another",
        "REGISTRY_LOG_LEVEL": "info",
        "REGISTRY_CATALOG_MAXENTRIES": "3",
        "REGISTRY_BERTH_RUNDIRECTORY": str(tmp_path / "run"),
        "REGISTRY_BERTH_THREADS": "3",
    })
    registry.config["http"]["prefix"] = "/behind/"      # for the client; the registry is told by the variable
    registry.port = port
    with running(registry):
        client = Client(registry)
        reply = client.get("/behind/v2/")
        assert (reply.status, reply.header("X-Berth-Test")) == (200, "one")
        pushed = client.push_blob("from/environment", b"overridden")
        assert client.delete(client.blob("from/environment", pushed)).status == 405
        assert client.start_upload("from/environment").startswith("/behind/v2/")
        assert client.get(client.base + "_catalog?n=4").status == 400
        assert (tmp_path / "elsewhere" / "docker" / "registry" / "v2" / "blobs").is_dir()
        assert (tmp_path / "run").is_dir()
        assert not (tmp_path / "unused").exists()
        assert not registry.v2_root.exists()


def test_bad_override_is_named(config_file):
    done = berth("up", config_file(GOOD), env={"REGISTRY_LOG_LEVEL": "loud"})
    assert done.returncode == BAD_CONFIG
    assert "REGISTRY_LOG_LEVEL" in done.stderr and "loud" in done.stderr


def test_unknown_override_is_a_warning():
    with running(Registry(env={"REGISTRY_NOVELTY_KEY": "1"})) as registry:
        assert "REGISTRY_NOVELTY_KEY" in registry.log()


# The fragments


def test_nginx_fragments_follow_the_config(config_file, tmp_path):
    """What `berth nginx` prints names what the http section says."""
    file = config_file(GOOD + "  headers:\n    X-Berth-Test: [one, two]\n")
    done = berth("nginx", file)
    assert done.returncode == 0, done.stderr
    address = re.search(r"addr: (\S+)", file.read_text())[1]
    assert address in done.stdout
    assert "X-Berth-Test" in done.stdout
    assert not (tmp_path / "data").exists(), "printing must not write"


def rendered_configuration(registry):
    """The nginx.conf with which a running registry's nginx was started."""
    for pid in registry.tree():
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        if words.startswith("nginx: master process"):
            arguments = words.removeprefix("nginx: master process").split()
            return arguments[0], arguments[1:]
    raise AssertionError("no nginx master")


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_nginx_accepts_the_configuration(tls):
    with running(Registry({"http": {"headers": {"X-Quoted": ['a "quoted; $value {1}']}}}, tls=tls)) as registry:
        program, arguments = rendered_configuration(registry)
        inherited = " 3<certificate 4<key" if tls else ""      # as the running nginx has them
        if tls:
            for name in ("certificate", "key"):
                shutil.copy(registry.config["http"]["tls"][name], registry.directory / name)
        done = subprocess.run(["sh", "-c", f'exec "$@"{inherited}', "sh", program, "-t", *arguments],
                              capture_output=True, text=True, timeout=COMMAND_SECONDS, cwd=registry.directory)
        assert done.returncode == 0, done.stderr
        assert "[warn]" not in done.stderr, done.stderr
        assert Client(registry).get("/v2/").header("X-Quoted") == 'a "quoted; $value {1}'


def test_serve_alone(tmp_path):
    """The pool without nginx: it listens on its socket, and ends by SIGTERM with 0."""
    registry = Registry({"berth": {"socket": str(tmp_path / "pool.sock")}})
    registry.root.mkdir(parents=True)
    registry.config_file.write_text(json.dumps(registry.config))
    command = registry.command()
    command[1] = "serve"
    with registry.log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        for _ in range(int(harness.START_SECONDS / harness.POLL_SECONDS)):
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(tmp_path / "pool.sock")) == 0:
                    break
            try:
                assert process.wait(harness.POLL_SECONDS) is None, registry.log()
            except subprocess.TimeoutExpired:
                pass
        else:
            raise AssertionError(f"no socket:\n{registry.log()}")
        process.send_signal(signal.SIGTERM)
        assert process.wait(harness.STOP_SECONDS) == 0, registry.log()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        registry.close()
