"""Commands for whoever has only a shell: init, status, ls, inspect, rm; and what berth says of its certificate."""
import http.client
import json
import os
import pty
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

import harness
from conftest import running
from harness import OCI_INDEX, OCI_MANIFEST, Client, Registry, digest, wait_until

pytestmark = pytest.mark.differs("berth's own commands")

COMMAND_SECONDS = 30


def berth(*arguments, env=None, **options):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")} | (env or {})
    program = os.environ.get("BERTH", str(harness.REPOSITORY / "build" / "berth"))
    options = {"stdin": subprocess.DEVNULL} | options if "input" not in options else options
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True,
                          timeout=COMMAND_SECONDS, env=environment, **options)


def index_of(*manifests):
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        {"mediaType": OCI_MANIFEST, "size": len(data), "digest": digest(data),
         "platform": {"os": "linux", "architecture": architecture}} for architecture, data in manifests]}).encode()


@pytest.fixture(scope="module")
def registry():
    with running(Registry()) as started:
        yield started


def rows(registry, *words):
    done = berth("ls", registry.config_file, *words, "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


# ls


def test_ls_names_repositories_and_tags(registry):
    client = Client(registry)
    image = client.make_image("list/app", tag="1.2", layers=[b"x" * 3000, b"y"])
    client.put_manifest("list/app", "again", image.manifest, image.media_type)
    assert "list/app" in berth("ls", registry.config_file).stdout.splitlines()
    assert "list/app" in rows(registry)
    first, second = rows(registry, "list/app")
    assert (first["tag"], second["tag"]) == ("1.2", "again")
    config = json.dumps({"architecture": "amd64", "os": "linux", "for": "list/app:1.2"}).encode()
    for row in first, second:
        assert row["digest"] == image.digest and row["mediaType"] == image.media_type
        assert row["size"] == len(image.manifest) + 3001 + len(config)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["tagged"])
    shown = berth("ls", registry.config_file, "list/app").stdout.splitlines()
    assert re.fullmatch(rf"1\.2    {image.digest}  \d\.\d kB  \d+ s ago", shown[0]), shown


def test_ls_by_the_variable(registry):
    Client(registry).make_image("list/variable", tag="one")
    named = {"REGISTRY_CONFIGURATION_PATH": str(registry.config_file)}
    assert "list/variable" in berth("ls", env=named).stdout
    assert berth("ls", "list/variable", env=named).stdout.startswith("one ")
    assert berth("ls", registry.config_file, "list/variable", env=named).stdout.startswith("one ")
    missing = berth("ls")
    assert missing.returncode == 2 and "REGISTRY_CONFIGURATION_PATH" in missing.stderr


@pytest.mark.parametrize("words, code, says", [
    (["ls", "list/none"], 1, "there is no such repository"),
    (["ls", "List/None"], 2, "no repository's name"),
    (["ls", "list/app:1.2"], 2, "berth inspect"),
    (["inspect"], 2, "takes one image"),
    (["inspect", "localhost:5000/list/app:1"], 2, "without the registry's host"),
    (["inspect", "list/app:none"], 1, "there is no such image"),
    (["inspect", "list/app@none"], 2, "is no digest"),
    (["rm"], 2, "takes what to remove"),
    (["rm", "list/app"], 2, "name a tag"),
    (["rm", "list/app:none"], 1, "there is no such tag"),
    (["rm", "list/app@" + digest(b"none")], 1, "there is no such manifest"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_what_is_not_there_is_said(registry, words, code, says):
    done = berth(words[0], registry.config_file, *words[1:])
    assert done.returncode == code and says in done.stderr and not done.stdout, done


def test_a_damaged_tag_is_named_and_the_rest_is_listed(registry):
    client = Client(registry)
    image = client.make_image("list/damaged", tag="bad")
    client.make_image("list/damaged", tag="good", layers=[b"other"])
    hexadecimal = image.digest.removeprefix("sha256:")
    (registry.v2_root / "blobs" / "sha256" / hexadecimal[:2] / hexadecimal / "data").write_bytes(b"{}")
    done = berth("ls", registry.config_file, "list/damaged", "--json")
    assert done.returncode == 1
    bad, good = json.loads(done.stdout)
    assert bad["tag"] == "bad" and bad["error"] and "error" not in good


# inspect


def test_inspect_an_image(registry):
    client = Client(registry)
    config = json.dumps({"architecture": "arm64", "os": "linux", "created": "2026-01-02T03:04:05Z",
                         "config": {"Labels": {"org.example.who": "us\x1b[2J"}}}).encode()
    image = client.make_image("look/app", tag="latest", layers=[b"a" * 5000, b"b"], config=config,
                              media_type=OCI_MANIFEST)
    subject = {"mediaType": OCI_MANIFEST, "size": len(image.manifest), "digest": image.digest}
    signature = harness.image_manifest(OCI_MANIFEST, b"{}", [b"sig"], subject=subject,
                                       artifactType="application/vnd.example.signature")
    for data in (b"{}", b"sig"):
        client.push_blob("look/app", data)
    assert client.put_manifest("look/app", digest(signature), signature).status == 201
    page = json.loads(berth("inspect", registry.config_file, "look/app", "--json").stdout)
    assert (page["digest"], page["tag"], page["mediaType"]) == (image.digest, "latest", OCI_MANIFEST)
    assert page["platform"] == "linux/arm64" and page["labels"] == {"org.example.who": "us\x1b[2J"}
    assert [layer["digest"] for layer in page["layers"]] == list(image.layers)
    assert page["size"] == len(image.manifest) + len(config) + 5001
    assert [(one["digest"], one["artifactType"]) for one in page["referrers"]] == [
        (digest(signature), "application/vnd.example.signature")]
    text = berth("inspect", registry.config_file, f"look/app@{image.digest}").stdout
    assert "\x1b" not in text, "a label moves the cursor"
    assert all(word in text for word in (image.digest, "linux/arm64", "5.0 kB", "org.example.who=us", "signature"))


def test_inspect_an_index(registry):
    client = Client(registry)
    children = [("amd64", client.make_image("look/index", layers=[b"1" * 100], media_type=OCI_MANIFEST).manifest),
                ("arm64", client.make_image("look/index", layers=[b"2" * 200], media_type=OCI_MANIFEST).manifest)]
    assert client.put_manifest("look/index", "all", index_of(*children), OCI_INDEX).status == 201
    page = json.loads(berth("inspect", registry.config_file, "look/index:all", "--json").stdout)
    assert [child["platform"] for child in page["manifests"]] == ["linux/amd64", "linux/arm64"]
    row, = rows(registry, "look/index")
    assert row["size"] == page["size"] == len(index_of(*children)) + 300 + sum(len(data) for _, data in children) + len(
        json.dumps({"architecture": "amd64", "os": "linux", "for": "look/index:None"}).encode()), "the config is shared"


# rm


def test_rm_is_what_delete_is(registry):
    client = Client(registry)
    image = client.make_image("drop/app", tag="one")
    for tag in ("two", "three"):
        client.put_manifest("drop/app", tag, image.manifest, image.media_type)
    assert client.get(client.manifest("drop/app", "one")).status == 200, "remembered by the pool"
    done = berth("rm", registry.config_file, "drop/app:one")
    assert done.returncode == 0 and image.digest in done.stdout and "garbage collection" in done.stderr, done
    assert "storage.delete.enabled" not in done.stderr
    assert client.get(client.manifest("drop/app", "one")).status == 404
    assert client.get(client.tags("drop/app")).json()["tags"] == ["three", "two"]
    assert client.get(client.manifest("drop/app", image.digest)).status == 200
    done = berth("rm", registry.config_file, f"drop/app@{image.digest}")
    assert done.returncode == 0 and "its tags: three, two" in done.stdout, done
    assert client.get(client.manifest("drop/app", image.digest)).status == 404
    assert client.get(client.manifest("drop/app", "two")).status == 404
    assert client.put_manifest("drop/app", "one", image.manifest, image.media_type).status == 201


def test_rm_of_a_repository(registry):
    client = Client(registry)
    client.make_image("whole/app", tag="one"), client.make_image("whole/app/below", tag="one")
    refused = berth("rm", registry.config_file, "whole/app")
    assert refused.returncode == 2 and "--repository removes a whole repository" in refused.stderr, refused
    refused = berth("rm", "--repository", registry.config_file, "whole/app:one")
    assert refused.returncode == 2 and "a repository alone" in refused.stderr, refused
    done = berth("rm", "--repository", registry.config_file, "whole/app")
    assert done.returncode == 0 and "removed the repository whole/app" in done.stdout, done
    assert client.get(client.tags("whole/app")).status == 404
    assert client.get(client.tags("whole/app/below")).status == 200
    again = berth("rm", "--repository", registry.config_file, "whole/app")
    assert again.returncode == 1 and "there is no such repository" in again.stderr, again


def test_rm_where_clients_may_not_and_where_nobody_may(registry):
    client = Client(registry)
    client.make_image("drop/closed", tag="one")
    read_only = {"REGISTRY_STORAGE_MAINTENANCE_READONLY": "{enabled: true}"}
    refused = berth("rm", registry.config_file, "drop/closed:one", env=read_only)
    assert refused.returncode == 1 and "read-only" in refused.stderr, refused
    done = berth("rm", registry.config_file, "drop/closed:one", env={"REGISTRY_STORAGE_DELETE_ENABLED": "false"})
    assert done.returncode == 0 and "storage.delete.enabled is off" in done.stderr, done
    assert client.get(client.manifest("drop/closed", "one")).status == 404


def test_rm_tells_webhooks():
    """The registry stands still meanwhile: the events wait in its queue."""
    sink = {"name": "gone", "url": f"http://127.0.0.1:{harness.free_port()}/"}
    with running(Registry({"notifications": {"endpoints": [sink]}})) as registry:
        image = Client(registry).make_image("drop/told", tag="one")
        assert berth("rm", registry.config_file, f"drop/told@{image.digest}").returncode == 0
        queue, = (registry.root / "berth" / "notifications").glob("gone-*/*.log")
        events = [json.loads(line.split(" ", 1)[1]) for line in queue.read_text().splitlines()]
        assert [event["target"].get("digest") or event["target"]["tag"] for event in events
                if event["action"] == "delete"] == [image.digest, "one"]
        assert "berth/" in events[-1]["request"]["useragent"], events[-1]
        assert Client(registry).delete("/v2/drop/told/_berth/repository").status == 202
        event = json.loads(queue.read_text().splitlines()[-1].partition(" ")[2])
        assert (event["action"], event["target"]) == ("delete", {"repository": "drop/told"})


def test_rm_beside_pushes(registry):
    """Somebody tags what is being removed, again and again: a tag that was acknowledged last leads to its manifest."""
    client = Client(registry)
    image = client.make_image("drop/busy", tag="now")
    stop = threading.Event()
    statuses = []

    def push():
        while not stop.is_set():
            statuses.append(client.put_manifest("drop/busy", "now", image.manifest, image.media_type).status)

    pusher = threading.Thread(target=push)
    pusher.start()
    try:
        for _ in range(10):
            assert berth("rm", registry.config_file, f"drop/busy@{image.digest}").returncode in (0, 1)
    finally:
        stop.set()
        pusher.join()
    assert set(statuses) == {201}
    assert client.put_manifest("drop/busy", "now", image.manifest, image.media_type).status == 201
    assert client.get(client.manifest("drop/busy", "now")).status == 200


def test_a_stopped_registry_and_none(tmp_path):
    registry = Registry()
    try:
        registry.start()
        Client(registry).make_image("still/here", tag="one")
        registry.stop()
        before = sorted(map(str, registry.root.rglob("*")))
        assert berth("ls", registry.config_file).stdout == "still/here\n"
        assert json.loads(berth("inspect", registry.config_file, "still/here:one", "--json").stdout)["layers"]
        assert sorted(map(str, registry.root.rglob("*"))) == before, "looking writes nothing"
        assert berth("rm", registry.config_file, "still/here:one").returncode == 0
        assert berth("ls", registry.config_file, "still/here").stdout == ""
    finally:
        registry.close()
    config = tmp_path / "config.yml"
    config.write_text(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/none}}}}\n")
    none = berth("ls", config)
    assert none.returncode == 2 and "there is no store" in none.stderr and not (tmp_path / "none").exists()


# status


def status(registry, **options):
    done = berth("status", registry.config_file, "--json", **options)
    page = json.loads(done.stdout)
    assert (done.returncode == 0) == page["well"], done
    return page


def test_status_of_a_registry_that_runs(registry):
    """Without a debug server."""
    client = Client(registry)
    page = status(registry)
    assert page["well"] and page["state"] == "running" and not page["problems"], page
    assert page["processes"]["berth"] == registry.pid and set(page["processes"]["pools"]) == registry.pools()
    assert page["processes"]["nginx"] == registry.nginx_master()
    assert page["processes"]["nginxWorkers"] == len(registry.nginx_workers())
    assert page["pool"]["pid"] in registry.pools() and page["pool"]["instance"] in registry.log()
    assert page["url"] == registry.url and page["version"] == berth("--version").stdout.split()[1]
    assert 0 < page["store"]["free"] < page["store"]["size"]
    begun = page["uploads"]["begun"]
    client.start_upload("status/new/deeply")
    with client.open_socket() as half:
        half.sendall(f"PUT {client.start_upload('status/new')}&digest={digest(b'none')} HTTP/1.1\r\nHost: x\r\n"
                     "Content-Length: 100000000\r\n\r\n".encode() + b"x" * 3_000_000)
        wait_until(lambda: status(registry)["uploads"]["arriving"] == 1, lambda: status(registry))
        assert status(registry)["uploads"]["begun"] == begun + 2
    text = berth("status", registry.config_file).stdout
    assert text.startswith(f"berth {page['version']}: running, well\n"), text
    assert f"berth up {registry.pid} for " in text and " free of " in text and "no purge" in text, text


def test_status_of_what_is_not_well(tmp_path):
    down = tmp_path / "down"
    config = {"health": {"file": [{"file": str(down), "interval": "100ms"}]},
              "storage": {"maintenance": {"uploadpurging": {"enabled": True, "age": "24h", "interval": "1s",
                                                            "dryrun": False}}},
              "notifications": {"endpoints": [{"name": "gone", "url": f"http://127.0.0.1:{harness.free_port()}/"}]}}
    registry = Registry(config, tls=True)
    try:
        registry.start()
        Client(registry).make_image("status/app", tag="one")
        wait_until(lambda: status(registry)["maintenance"]["lastPurge"], registry.log)
        page = status(registry)
        assert page["well"] and page["webhooks"][0]["endpoint"] == "gone" and page["webhooks"][0]["waiting"] >= 3, page
        assert page["certificate"]["days"] == 1 and "ends in 1 day" in page["warnings"][0], page
        down.touch()
        wait_until(lambda: not status(registry)["well"], registry.log)
        assert "file exists" in berth("status", registry.config_file).stdout.split("PROBLEM")[1]
        down.unlink()
        wait_until(lambda: status(registry)["well"], registry.log)
        registry.stop()
        page = status(registry)
        assert page["state"] == "not running" and "no pool answers" in page["problems"][0]
        assert berth("status", registry.config_file).returncode == 1
    finally:
        registry.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_status_for_a_stranger(registry):
    done = berth("status", registry.config_file, user=65534, group=65534, extra_groups=[])
    assert done.returncode == 1 and ": not known\n" in done.stdout and "may not ask the pool" in done.stdout, done


def test_status_sees_a_certificate_that_is_not_served_yet():
    made = Made("--host", "127.0.0.1")
    try:
        made.start()
        made.config_file = made.home / "config.yml"
        assert status(made)["warnings"] == []
        time.sleep(1)       # an end is told in whole seconds
        assert berth("init", made.home, "--renew").returncode == 0
        assert "send SIGHUP" in status(made)["warnings"][0]
    finally:
        made.close()


def test_status_of_a_pool_alone(tmp_path):
    """As in a container of its own, beside nginx's."""
    registry = Registry({"berth": {"socket": str(tmp_path / "pool.sock")}})
    registry.root.mkdir(parents=True)
    registry.config_file.write_text(json.dumps(registry.config))
    with registry.log_file.open("wb") as log:
        process = subprocess.Popen([*registry.command()[:1], "serve", registry.config_file], stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: status(registry)["well"], registry.log)
        page = status(registry)
        assert page["state"] == "pool alone" and page["pool"]["pid"] == process.pid
        process.send_signal(signal.SIGSTOP)
        stuck = status(registry)
        process.send_signal(signal.SIGCONT)
        assert stuck["state"] == "not running" and "does not answer in time" in stuck["problems"][0]
    finally:
        process.terminate()
        process.wait(harness.STOP_SECONDS)
        registry.close()


# init


class Made(Registry):
    """A registry from `berth init`, as a person starts it."""
    def __init__(self, *options, words=None):
        super().__init__()
        self.directory.chmod(0o755)
        self.home = self.directory / "a home"
        self.done = berth("init", self.home, "--addr", self.authority, *options, input=words)
        self.tls = "--http" not in options
        self.ca_file = str(self.home / "certs" / "ca.crt") if self.tls else None

    def start(self):
        config = self.home / "config.yml"
        self.config_file = self.directory / "ignored.yml"
        command = [os.environ.get("BERTH", str(harness.REPOSITORY / "build" / "berth")), "up", str(config)]
        self.command = lambda: command
        return super().start()


def test_init_makes_what_up_takes():
    old = os.umask(0)
    try:
        made = Made("--host", "registry.test", "--host", "127.0.0.1", "--user", "ann", words="secret words\n")
    finally:
        os.umask(old)
    try:
        assert made.done.returncode == 0, made.done
        modes = {path.name: path.stat().st_mode & 0o777 for path in made.home.rglob("*")}
        assert modes == {"config.yml": 0o644, "users": 0o600, "certs": 0o755, "ca": 0o700, "ca.key": 0o600,
                         "ca.crt": 0o644, "registry.key": 0o600, "registry.crt": 0o644}
        assert berth("check-config", made.home / "config.yml").returncode == 0
        for line in f"berth up '{made.home}/config.yml'", f"docker login -u ann registry.test:{made.port}", "ca.crt":
            assert line in made.done.stdout, made.done.stdout
        made.start()
        client = Client(made)     # which verifies the certificate
        assert client.get("/v2/").status == 401
        assert client.get("/v2/", {"Authorization": "Basic YW5uOnNlY3JldCB3b3Jkcw=="}).status == 200
        made.stop()
    finally:
        made.close()


def test_init_takes_its_directory_after_a_name(tmp_path):
    assert berth("init", "--host", "registry.test", tmp_path / "made", cwd=tmp_path).returncode == 0
    assert (tmp_path / "made" / "config.yml").exists() and [path.name for path in tmp_path.iterdir()] == ["made"]


def test_init_overwrites_nothing_and_renews():
    made = Made("--host", "127.0.0.1", "--host", "::1")
    try:
        before = {path: path.read_bytes() for path in made.home.rglob("*") if path.is_file()}
        again = berth("init", made.home)
        assert again.returncode == 1 and str(made.home / "config.yml") in again.stderr, again
        assert {path: path.read_bytes() for path in before} == before
        made.start()
        renewed = berth("init", made.home, "--renew")
        assert renewed.returncode == 0 and "SIGHUP" in renewed.stdout, renewed
        changed = {path.name for path, data in before.items() if path.read_bytes() != data}
        assert changed == {"registry.crt", "registry.key"}
        names = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in",
                                made.home / "certs" / "registry.crt"], capture_output=True, text=True, check=True)
        assert "IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1" in names.stdout
        made.send_signal(signal.SIGHUP)
        wait_until(lambda: "msg=reloaded" in made.log(), made.log)
        assert Client(made).get("/v2/").status == 200, "of the CA that clients trust"
        made.stop()
    finally:
        made.close()


def test_init_in_plain_http():
    made = Made("--http")
    try:
        assert made.done.returncode == 0 and not (made.home / "certs").exists(), made.done
        made.start()
        assert Client(made).get("/v2/").status == 200
        made.stop()
    finally:
        made.close()


@pytest.mark.parametrize("options, says", [
    (["--host", "registry.test:5000"], "no port"), (["--host", "a,IP:1.2.3.4"], "no port"), (["--addr", "x"], ":5000"),
    (["--renew"], "certs/ca.crt"), (["--http", "--host", "a"], "not with --http"),
    (["--renew", "--http"], "nothing else"),
], ids=" ".join)
def test_init_with_what_makes_no_sense(tmp_path, options, says):
    done = berth("init", tmp_path / "new", *options)
    assert done.returncode == 2 and says in done.stderr, done
    assert not list((tmp_path / "new").glob("*"))


# What berth says of its certificate, and which berth says it


def debug_page(registry, path):
    """Of the debug server: its status and its text."""
    connection = http.client.HTTPConnection(registry.config["http"]["debug"]["addr"], timeout=harness.REPLY_SECONDS)
    connection.request("GET", path)
    reply = connection.getresponse()
    return reply.status, reply.read().decode()


def test_a_certificate_that_ends_soon_is_warned_of(tmp_path):
    """That of the harness has two days."""
    debug = {"addr": f"127.0.0.1:{harness.free_port()}", "prometheus": {"enabled": True}}
    with running(Registry({"http": {"debug": debug}}, tls=True)) as registry:
        warning = r'level=warning msg="the certificate of http.tls ends in \d days?, '
        wait_until(lambda: re.search(warning, registry.log()), registry.log)
        status, health = debug_page(registry, "/debug/health")
        assert status == 200 and json.loads(health)["certificate"].startswith("warning: the certificate"), health
        days = re.search(r"^berth_tls_certificate_days (\S+)$", debug_page(registry, "/metrics")[1], re.MULTILINE)
        assert 1 < float(days[1]) <= 2
        assert berth("init", tmp_path, "--host", "127.0.0.1").returncode == 0
        for name in "certificate", "key":
            text = (tmp_path / "certs" / f"registry.{'crt' if name == 'certificate' else 'key'}").read_bytes()
            (registry.directory / name).write_bytes(text)
        registry.config["http"]["tls"] = {name: str(registry.directory / name) for name in ("certificate", "key")}
        registry.config_file.write_text(json.dumps(registry.config))
        registry.send_signal(signal.SIGHUP)
        wait_until(lambda: "msg=reloaded" in registry.log(), registry.log)
        # An old worker of nginx, and with it the old pool, may answer for a moment.
        wait_until(lambda: debug_page(registry, "/debug/health") == (200, "{}\n"), registry.log)
        wait_until(lambda: "berth_tls_certificate_days 82" in debug_page(registry, "/metrics")[1], registry.log)


def test_https_to_a_plain_port_is_told_in_words():
    with running(Registry()) as registry:
        for _ in range(3):
            with socket.create_connection((registry.host, registry.port), harness.REPLY_SECONDS) as connection:
                with pytest.raises(ssl.SSLError):
                    ssl._create_unverified_context().wrap_socket(connection)
        with socket.create_connection((registry.host, registry.port), harness.REPLY_SECONDS) as connection:
            connection.sendall(b"\x01\x02\r\n\r\n")       # no TLS either
            assert b" 400 " in connection.recv(4096)
        wait_until(lambda: "a TLS connection failed" in registry.log(), registry.log)
        registry.stop()
        [told] = [line for line in registry.log().splitlines() if "a TLS connection failed" in line]
        assert "https to a port of plain http" in told and "level=info" in told and "client=127.0.0.1" in told


def test_failed_handshakes_are_told_in_words():
    with running(Registry(tls=True)) as registry:
        def fail(context):
            with socket.create_connection((registry.host, registry.port), harness.REPLY_SECONDS) as connection:
                context.wrap_socket(connection, server_hostname="localhost").close()

        for _ in range(30):
            with pytest.raises(ssl.SSLCertVerificationError):
                fail(ssl.create_default_context())
        with socket.create_connection((registry.host, registry.port), harness.REPLY_SECONDS) as connection:
            connection.sendall(b"GET /v2/?token=s3cret HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 400 " in connection.recv(4096)
        socket.create_connection((registry.host, registry.port), harness.REPLY_SECONDS).close()     # merely looks
        wait_until(lambda: "speaks plain http" in registry.log(), registry.log)
        assert Client(registry).get("/v2/").status == 200
        told = [line for line in registry.log().splitlines() if "a TLS connection failed" in line]
        assert len(told) == 2, told
        assert all("level=info" in line and " client=127.0.0.1 from=nginx" in line for line in told), told
        assert "does not trust the registry's certificate" in told[0]
        assert "keepalive" not in registry.log() and "s3cret" not in registry.log()


def test_lines_name_their_instance():
    with running(Registry({"log": {"formatter": "json"}})) as registry:
        registry.send_signal(signal.SIGHUP)
        wait_until(lambda: '"reloaded"' in registry.log(), registry.log)
        wait_until(lambda: len(registry.pools()) == 1, registry.log)
        os.kill(registry.pools().pop(), signal.SIGKILL)
        wait_until(lambda: "starting it again" in registry.log(), registry.log)
        lines = [json.loads(line) for line in registry.log().splitlines() if line.startswith('{"time"')]
        lines = [line for line in lines if line["msg"] != "request"]
        instances = {line["instance.id"] for line in lines}
        assert len(instances) == 1 and re.fullmatch("[0-9a-f-]{36}", *instances), lines
        assert {line["version"] for line in lines} == {berth("--version").stdout.split()[1]}


# How far a command is


MANY = 600


@pytest.fixture(scope="module")
def many_tags(registry):
    client = Client(registry)
    client.make_image("many/tags", tag="t")
    tags = registry.v2_root / "repositories" / "many" / "tags" / "_manifests" / "tags"
    link = (tags / "t" / "current" / "link").read_bytes()
    for number in range(MANY):
        (tags / f"t{number}" / "current").mkdir(parents=True)
        (tags / f"t{number}" / "current" / "link").write_bytes(link)
    return "many/tags"


def slow_ls(registry, repository, stderr, *options):
    """An ls whose output nobody reads, so that it takes as long as the test wants."""
    program = os.environ.get("BERTH", str(harness.REPOSITORY / "build" / "berth"))
    return subprocess.Popen([program, "ls", registry.config_file, repository, "--json", *options],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr)


def test_a_bar_on_a_terminal_and_lines_elsewhere(registry, many_tags):
    ours, terminal = pty.openpty()
    on_terminal = slow_ls(registry, many_tags, terminal)
    os.close(terminal)
    elsewhere = slow_ls(registry, many_tags, subprocess.PIPE)
    quiet = slow_ls(registry, many_tags, subprocess.PIPE, "--quiet")
    shown = b""
    while b"left" not in shown:
        shown += os.read(ours, 4096)
    assert re.search(rb"\[=*> *\] +\d+ % [\d,]+ of 601 tags, [\d,]+/s, \d+:\d\d left", shown), shown
    assert re.fullmatch(rb"berth: [\d,]+ of 601 tags, [\d,]+/s, \d+:\d\d left\n", elsewhere.stderr.readline())
    for process in on_terminal, elsewhere, quiet:
        listed = json.loads(process.stdout.read())
        assert len(listed) == MANY + 1 and process.wait(COMMAND_SECONDS) == 0
    try:
        while more := os.read(ours, 4096):
            shown += more
    except OSError:
        pass    # the other end is closed
    assert shown.endswith(b"\r\x1b[K"), "the bar is gone at the end"
    assert quiet.stderr.read() == b""
    os.close(ours)


def test_quick_commands_say_nothing_of_progress(registry):
    for command in "index-referrers", "purge-uploads":
        said = berth(command, registry.config_file).stderr
        assert "/s" not in said and said.count("\n") == 1, said
