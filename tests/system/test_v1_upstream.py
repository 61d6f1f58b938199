"""Who answers /v1/: the pool, a pool of its own (berth serve --api v1), another registry, or nobody."""
import http.server
import subprocess
import threading
import time

import pytest

import harness
from harness import Client
from v1_client import DOCKER_1_5, V1Client, make_image


class OldRegistry(http.server.BaseHTTPRequestHandler):
    """An old v1 registry, as far as a proxy can see: it tells what it was asked."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers.items()), body))
        reply = b'{"old": true}'
        self.send_response(200)
        self.send_header("X-Docker-Registry-Version", "0.6.9")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def old_registry():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OldRegistry)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_v1_is_passed_on_to_another_registry(old_registry):
    url = f"http://127.0.0.1:{old_registry.server_address[1]}"
    with harness.Registry({"berth": {"v1": {"upstream": url}}}) as registry:
        client = Client(registry)
        for path in ("/v1/_ping", "/_ping", "/v1/search?q=a%2Fb&n=2", "/v1/repositories/team/v2/images"):
            reply = client.get(path, {"User-Agent": DOCKER_1_5, "Authorization": "Basic Og=="})
            assert (reply.status, reply.json()) == (200, {"old": True}), path
            assert reply.header("X-Docker-Registry-Version") == "0.6.9"
            assert reply.header("Docker-Distribution-Api-Version") is None
        assert [path for _, path, _, _ in old_registry.asked] == [
            "/v1/_ping", "/_ping", "/v1/search?q=a%2Fb&n=2", "/v1/repositories/team/v2/images"]
        headers = {name.lower(): value for name, value in old_registry.asked[0][2].items()}
        assert headers["host"] == registry.authority
        assert headers["x-forwarded-proto"] == "http" and headers["x-forwarded-for"] == "127.0.0.1"
        assert "authorization" not in headers
        layer = bytes(6_000_000)
        assert client.put("/v1/images/" + "1" * 64 + "/layer", {}, iter([layer[:7], layer[7:]])).status == 200
        assert old_registry.asked[-1][3] == layer
        # v2 is ours, and hidden from old clients as ever.
        assert client.get("/v2/").header("Docker-Distribution-Api-Version") == "registry/2.0"
        assert client.get("/v2/", {"User-Agent": DOCKER_1_5}).status == 404
        image = client.make_image("a/v1/images", tag="layer")
        assert client.get("/v2/a/v1/images/manifests/layer").body == image.manifest


def test_v1_is_switched_off():
    with harness.Registry({"berth": {"v1": {"enabled": False}}}) as registry:
        client = Client(registry)
        for path in ("/v1/_ping", "/_ping", "/v1/search?q=x"):
            reply = client.get(path)
            assert reply.status == 404 and reply.header("X-Docker-Registry-Version") is None, reply
        assert client.get("/v2/").status == 200


def test_each_face_has_a_pool_of_its_own():
    """As in compose: one nginx, `berth serve --api v2` and `berth serve --api v1`, one store."""
    registry = harness.Registry()
    socket = registry.directory / "v1.sock"
    registry.config["berth"] = {"v1": {"socket": str(socket)}}
    with registry:
        client = Client(registry)
        assert client.get("/v1/_ping").status == 502       # nobody there yet
        assert client.get("/v2/").status == 200
        command = [*registry.command()[:1], "serve", "--api", "v1", str(registry.config_file)]
        pool = subprocess.Popen(command, cwd=registry.directory, stdin=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + harness.START_SECONDS
            while client.get("/v1/_ping").status != 200:
                assert pool.poll() is None and time.monotonic() < deadline
                time.sleep(harness.POLL_SECONDS)
            docker, image = V1Client(registry), make_image("own pool")
            docker.push("team/app", [image], {"v": image.id})
            assert docker.pull("team/app").chain("v") == [image]
            assert client.get(client.manifest("team/app", "v")).status == 200
        finally:
            pool.terminate()
            assert pool.wait(harness.STOP_SECONDS) == 0


@pytest.mark.parametrize("value", ["registryv1:5000", "http://", "http://host/path", "ftp://host", "http://a b"])
def test_an_upstream_that_is_none(tmp_path, value):
    registry = harness.Registry({"berth": {"v1": {"upstream": value}}})
    try:
        with pytest.raises(RuntimeError, match="berth.v1.upstream: .*allowed is a URL without a path"):
            registry.start()
    finally:
        registry.close()
