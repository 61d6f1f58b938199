"""`berth up` through its life: start, stop, restart, reload, drain; many on one machine, odd paths, other users."""
import concurrent.futures
import http.client
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

import harness
from conftest import need, need_root, running
from harness import OCI_MANIFEST, OCTETS, Client, Registry, certificates, digest, wait_until
from images import random_bytes
from processes import process_tree
from races import Background
from store_check import assert_whole

pytestmark = pytest.mark.differs("berth's own command")

SIDE_BY_SIDE = 10
STORM_SECONDS = 0.02        # between two SIGHUPs
BLOB_BYTES = 16_000_000     # more than the socket buffers on the way hold


def assert_works(registry, repo="it/works"):
    """A push and a pull."""
    client = Client(registry)
    image = client.make_image(repo, [random_bytes(100_000, str(registry.port))], tag="v1", media_type=OCI_MANIFEST)
    assert_holds(registry, repo, image)
    return image


def assert_holds(registry, repo, image):
    client = Client(registry)
    reply = client.get(client.manifest(repo, "v1"), {"Accept": OCI_MANIFEST})
    assert (reply.status, reply.body) == (200, image.manifest), reply
    for blob in (image.config, *image.layers):
        client.fetch_blob(repo, blob)


def end(registry):
    """Waits for the end of a registry that was told to end; its exit code. Nothing may be left of it."""
    code = registry._process.wait(harness.STOP_SECONDS)
    left = registry.tree()
    registry.kill()
    assert not left, f"outlived the registry: {left}"
    return code


# Start and stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("whom", ["the supervisor", "everyone, as Ctrl-C does"])
def test_clean_end(number, whom):
    registry = Registry().start()
    try:
        assert_works(registry)
        if whom == "the supervisor":
            registry.send_signal(number)
        else:
            os.killpg(registry.pid, number)
        assert end(registry) == 0, registry.log()
        left = [path for path in (registry.root / "berth").rglob("*") if path.is_socket() or path.suffix == ".pid"]
        assert not left, left
    finally:
        registry.close()


STARTS = 5


def test_a_port_that_is_open_stays_open():
    """Who waits for the port and then sends a request gets the reply, whichever of nginx's sockets let it in."""
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        port = here.getsockname()[1]

    def wait_and_ask():
        deadline = time.monotonic() + harness.START_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 10) as door:
                    door.sendall(b"GET /v2/ HTTP/1.0\r\n\r\n")
                    return door.recv(12)
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.0005)

    for _ in range(STARTS):
        registry = Registry()
        registry.port = port
        registry.config["http"]["addr"] = f"127.0.0.1:{port}"
        with concurrent.futures.ThreadPoolExecutor() as threads:
            answer = threads.submit(wait_and_ask)
            with running(registry):
                assert answer.result() in (b"HTTP/1.1 200", b"HTTP/1.1 502")      # 502: before the pool listens


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_says_where_it_is(tls):
    with running(Registry(tls=tls)) as registry:
        harness.wait_until(lambda: "docker push" in registry.log(), "it says where it is")  # it answers before that
        log = registry.log()
        assert f"{registry.port}" in log and str(registry.root) in log
        assert ("https://" if tls else "http://") in log


def test_nginx_gives_back_what_it_needs_once(tmp_path):
    """Reading its configuration takes 2 MB, and leaves them behind or not as the length of a path will have it."""
    def most_kept(env):
        kilobytes = []
        for length in range(5, 80, 10):
            with Registry(root=tmp_path / ("a" * length), env=env) as registry:
                status = pathlib.Path(f"/proc/{registry.nginx_master()}/status").read_text()
            kilobytes.append(int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1)))
        return max(kilobytes)

    as_glibc_has_it = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20)}
    assert most_kept({}) + 1000 < most_kept(as_glibc_has_it)


def test_second_start_finds_everything():
    with running(Registry()) as registry:
        image = assert_works(registry)
        begun = Client(registry).append(Client(registry).start_upload("it/works"), b"begun ")
        registry.stop()
        registry.start()
        assert_holds(registry, "it/works", image)
        assert Client(registry).finish_upload(begun, digest(b"begun ended"), b"ended").status == 201
        assert_whole(registry.v2_root)


def test_upload_state_outlives_a_restart_without_a_configured_secret():
    with running(Registry({"http": {"secret": None}})) as registry:
        begun = Client(registry).append(Client(registry).start_upload("no/secret"), b"begun ")
        registry.stop()
        registry.start()
        assert Client(registry).finish_upload(begun, digest(b"begun ended"), b"ended").status == 201


def test_starts_beside_its_own_ruins():
    """After a power cut sockets, locks and pid files lie about."""
    with running(Registry()) as registry:
        image = assert_works(registry)
        registry.kill()
        registry.start()
        assert_holds(registry, "it/works", image)


def test_starts_beside_its_own_orphans():
    """The supervisor alone is killed: the halves it leaves behind must not keep the next one from the port."""
    registry = Registry().start()
    old = registry.pid
    try:
        image = assert_works(registry)
        os.kill(old, signal.SIGKILL)
        registry._process.wait(harness.STOP_SECONDS)
        registry._process = None
        registry.start()
        assert_holds(registry, "it/works", image)
        assert_works(registry, "it/goes/on")
        wait_until(lambda: not process_tree(old), "the orphans end")
        registry.stop()
    finally:
        registry.close()
        for pid in process_tree(old):
            os.kill(pid, signal.SIGKILL)


def test_ten_side_by_side():
    registries = [Registry(tls=number % 2 == 0) for number in range(SIDE_BY_SIDE)]
    try:
        with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            list(pool.map(Registry.start, registries))
            list(pool.map(lambda registry: assert_works(registry, f"own/of{registry.port}"), registries))
            for registry in registries:
                catalog = Client(registry).get("/v2/_catalog").json()
                assert catalog == {"repositories": [f"own/of{registry.port}"]}
            list(pool.map(Registry.stop, registries))
    finally:
        for registry in registries:
            registry.close()


def test_second_on_one_run_directory_is_refused(tmp_path):
    shared = {"berth": {"rundirectory": str(tmp_path / "run")}}
    with running(Registry(shared)) as first:
        second = Registry(shared)
        try:
            with pytest.raises(RuntimeError, match="ended with [1-9]") as refused:
                second.start()
            assert str(tmp_path / "run") in str(refused.value)
        finally:
            second.close()
        assert_works(first)


# Where it lives


def test_what_berth_keeps_for_itself_is_in_its_directory(tmp_path):
    state = tmp_path / "state"
    registry = Registry({"berth": {"statedirectory": str(state)},
                         "notifications": {"endpoints": [{"name": "sink", "url": "http://127.0.0.1:9/"}]}})
    registry.config["http"].pop("secret")       # which would be used instead of one that is kept
    with running(registry):
        client = Client(registry)
        upload = client.start_upload("it/state")
        assert_works(registry)
        registry.stop()
        assert {path.name for path in state.iterdir()} >= {"locks", "secret", "signing-key.pem", "notifications"}
        [own] = state.glob(f"*-{registry.port}")
        assert [path.name for path in own.iterdir()] == ["run"]
        beside = {path.name for path in (registry.root / "berth").iterdir()}
        assert beside <= {"tmp", "aliases", "removals", own.name}, beside
        assert [path.name for path in (registry.root / "berth" / own.name).iterdir()] == ["spool"]
        registry.start()
        blob = random_bytes(1000, "state")
        assert client.finish_upload(upload, digest(blob), blob).status == 201, "the secret is another one"


@pytest.mark.parametrize("name", [
    "x" * 60 + "/" + "y" * 60,
    "with space",
    "semi;colon {brace} #hash *star",
    "ünïcödé",
], ids=["long", "space", "nginx's own characters", "not ascii"])
def test_root_of_an_odd_name(tmp_path, name):
    """Longer than a unix socket's path may be, and with what means something to nginx or a shell."""
    root = tmp_path / name / "data"
    with running(Registry(root=root)) as registry:
        assert_works(registry)
        assert list((root / "docker" / "registry" / "v2" / "blobs").rglob("data"))


@pytest.mark.parametrize("name", ["dollar$pid", "it's", 'a "quote"', "back\\slash", "line\nbreak"])
def test_root_that_nginx_cannot_be_told_is_refused(tmp_path, name):
    registry = Registry(root=tmp_path / name / "data")
    try:
        with pytest.raises(RuntimeError, match="ended with 2") as refused:
            registry.start()
        assert "storage.filesystem.rootdirectory" in str(refused.value)
    finally:
        registry.close()


def test_relative_root(tmp_path):
    registry = Registry()
    registry.config["storage"]["filesystem"]["rootdirectory"] = "relative/data"
    with running(registry):
        assert_works(registry)
        assert list((registry.directory / "relative" / "data").rglob("data"))


@pytest.mark.parametrize("address", ["localhost", "[::1]", ""], ids=["name", "IPv6", "all"])
def test_addresses(address):
    if address == "[::1]" and not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this machine has no IPv6")
    registry = Registry({"http": {"relativeurls": True}})
    registry.config["http"]["addr"] = f"{address}:{registry.port}"
    if address == "[::1]":
        registry.host = "::1"
    with running(registry):
        assert_works(registry)


# As other users


class AsUser(Registry):
    """berth started by an ordinary user, in a folder that is the user's own."""

    def __init__(self, user, **options):
        super().__init__(**options)
        self.user = pwd.getpwnam(user)
        self.root.mkdir(parents=True)
        for path in (self.directory, self.root):
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def command(self):
        return ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups",
                "--inh-caps=-all", *super().command()]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_ordinary_user(tls, tmp_path):
    need_root()
    need("setpriv")
    registry = AsUser("nobody", tls=tls)
    if tls:
        for name in ("certificate", "key"):
            copy = registry.directory / name
            shutil.copy(registry.config["http"]["tls"][name], copy)
            os.chown(copy, registry.user.pw_uid, registry.user.pw_gid)
            registry.config["http"]["tls"][name] = str(copy)
    with running(registry):
        assert_works(registry)
        owners = {path.stat().st_uid for path in registry.root.rglob("*")}
        assert owners == {registry.user.pw_uid}
        assert not [line for line in registry.log().splitlines() if "[warn]" in line or "[emerg]" in line]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_root_serves_as_the_stores_owner(tls):
    """Started as root over a store of docker-registry's user: what it adds belongs to that user."""
    need_root()
    # LeakSanitizer cannot look into a process that changed its user.
    registry = Registry(tls=tls, env={"ASAN_OPTIONS": "detect_leaks=0"})
    owner = pwd.getpwnam("nobody")
    registry.root.mkdir(parents=True)
    os.chown(registry.root, owner.pw_uid, owner.pw_gid)
    with running(registry):
        assert_works(registry)
        strangers = [path for path in registry.v2_root.rglob("*") if path.stat().st_uid != owner.pw_uid]
        assert not strangers, strangers[:5]
        serving = {pid: os.stat(f"/proc/{pid}").st_uid for pid in registry.tree()}
        assert owner.pw_uid in serving.values(), serving


def test_large_push_without_a_pool_may_be_tried_again():
    """A 4xx would end the push for good: docker and skopeo try again after a 5xx only."""
    with running(Registry({"berth": {"socket": "pool.sock"}})) as registry:
        client, data = Client(registry), random_bytes(3_000_000, "no pool")
        location = client.start_upload("no/pool")
        (socket,) = registry.directory.rglob("pool.sock")
        registry.send_signal(signal.SIGSTOP)    # or it would make the socket again
        socket.rename(socket.with_suffix(".away"))
        reply = client.request("PATCH", location, {"Content-Type": OCTETS}, data)
        assert (reply.status, reply.json()["errors"][0]["code"]) == (502, "UNAVAILABLE"), reply
        assert reply.header("Retry-After") == "1" and reply.header("X-Request-Id"), reply
        socket.with_suffix(".away").rename(socket)
        registry.send_signal(signal.SIGCONT)
        client.append(location, data)


# Drain


def test_requests_in_flight_finish_when_told_to_stop():
    registry = Registry().start()
    try:
        client = Client(registry)
        data, more = random_bytes(BLOB_BYTES, "drain"), random_bytes(300_000, "drain more")
        pushed = client.push_blob("it/drains", data)
        location = client.path_of(client.start_upload("it/drains"))

        push = client.connect()
        push.putrequest("PUT", harness.with_query(location, digest=digest(more)))
        push.putheader("Content-Type", OCTETS)
        push.putheader("Content-Length", str(len(more)))
        push.endheaders(more[:100_000])
        pull = client.connect()
        pull.request("GET", client.blob("it/drains", pushed))
        pulling = pull.getresponse()
        start = pulling.read(1000)

        registry.send_signal(signal.SIGTERM)
        wait_until(lambda: is_refused(client), "new connections are refused")
        push.send(more[100_000:])
        assert push.getresponse().status == 201
        assert start + pulling.read() == data
        push.close()
        pull.close()
        assert end(registry) == 0, registry.log()
        assert_whole(registry.v2_root)
        registry.start()
        Client(registry).fetch_blob("it/drains", digest(more))
        registry.stop()
    finally:
        registry.close()


def is_refused(client):
    try:
        client.get("/v2/")
    except (OSError, http.client.HTTPException):
        return True
    return False


# Reload


@pytest.fixture
def own_certificate(tmp_path):
    """A registry over TLS whose certificate files a test may replace."""
    files = {name: tmp_path / name for name in ("certificate", "key")}
    shutil.copy(certificates().certificate, files["certificate"])
    shutil.copy(certificates().key, files["key"])
    registry = Registry({"http": {"tls": {name: str(file) for name, file in files.items()}}}, tls=True)
    with running(registry):
        yield registry, files


def make_certificate(folder, name):
    """Another certificate and key, self-signed, for the same host."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    return certificate, key


def served_certificate(registry):
    return ssl.get_server_certificate((registry.host, registry.port))


def any_certificate(client):
    """The same client, believing whatever certificate it is shown."""
    client._ssl = ssl.create_default_context()
    client._ssl.check_hostname = False
    client._ssl.verify_mode = ssl.CERT_NONE
    return client


def test_hangup_swaps_the_certificate_and_loses_no_request(own_certificate, tmp_path):
    registry, files = own_certificate
    client = any_certificate(Client(registry))
    pushed = client.push_blob("it/reloads", random_bytes(200_000, "reload"))

    def check():
        assert client.get("/v2/").status == 200

    def pull():
        client.fetch_blob("it/reloads", pushed)

    def push():
        client.push_blob("it/reloads", os.urandom(50_000))

    with Background(check, pull, push) as requests:
        for number in range(3):
            certificate, key = make_certificate(tmp_path, f"number{number}")
            os.replace(key, files["key"])
            os.replace(certificate, files["certificate"])
            expected = files["certificate"].read_text()
            registry.send_signal(signal.SIGHUP)
            wait_until(lambda: served_certificate(registry).strip() == expected.strip(), "the new certificate")
    assert min(requests.rounds) > 3


def test_hangup_with_a_wrong_key_keeps_the_old(own_certificate, tmp_path):
    registry, files = own_certificate
    before = served_certificate(registry)
    _, other_key = make_certificate(tmp_path, "other")
    os.replace(other_key, files["key"])
    length = len(registry.log())
    registry.send_signal(signal.SIGHUP)
    wait_until(lambda: "key" in registry.log()[length:], "a complaint about the key")
    assert served_certificate(registry) == before
    assert_works(registry)


def test_kept_alive_connections_outlive_a_hangup():
    """A request that is on its way over a kept connection is answered; an idle one may be closed, between requests."""
    with running(Registry()) as registry:
        connection = Client(registry).connect()
        reopened = 0
        for number in range(300):
            if number % 60 == 30:
                registry.send_signal(signal.SIGHUP)
            try:
                connection.request("GET", "/v2/")
                response = connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                connection.close()      # closed before it answered: a client tries again
                reopened += 1
                connection.request("GET", "/v2/")
                response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"{}")
        connection.close()
        assert reopened <= 5


def test_hangup_storm():
    """Many at once, under pushes: it settles, and serves all the while."""
    with running(Registry()) as registry:
        client = Client(registry)
        with Background(lambda: client.push_blob("it/storms", os.urandom(20_000))) as pushes:
            for _ in range(20):
                registry.send_signal(signal.SIGHUP)
                time.sleep(STORM_SECONDS)
        assert pushes.rounds[0] > 0
        assert_works(registry)
