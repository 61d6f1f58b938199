"""Real registries for black-box tests, and a client that hides nothing of HTTP.

`Registry` runs berth, `PeerRegistry` runs docker/distribution's docker-registry, both in the foreground on a free
loopback port and behind one interface, so that a test can run against either and two can share one root.
`Client` speaks plain http.client: any method, any path byte for byte, duplicate headers, chunked bodies.

    with Registry({"storage": {"delete": {"enabled": False}}}, tls=True) as registry:
        client = Client(registry)
        image = client.make_image("team/app", tag="latest")

Environment: BERTH names the binary under test (default: build/berth of this tree); DOCKER_REGISTRY the peer's.
BERTH_TEST_BUCKET="BUCKET http://HOST:PORT" lets berth keep its store there, with the keys of AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY; the client follows redirects then. What looks for files, or counts on nginx, fails.
"""
import atexit
import base64
import dataclasses
import functools
import hashlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

from processes import command_line, command_name, process_table, process_tree

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

START_SECONDS = 30      # until GET /v2/ must answer; sanitizer builds are slow starters
SETTLE_SECONDS = 15     # until a change must show
STOP_SECONDS = 30       # until a SIGTERM must have ended everything
REPLY_SECONDS = 60      # until a request must be answered: a hanging connection is a failure
POLL_SECONDS = 0.05
LOG_TAIL_BYTES = 4000
BUCKET = os.environ.get("BERTH_TEST_BUCKET")
SECRET = "topsecret"    # http.secret: fixed, so that tests can forge and read upload state tokens

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCTETS = "application/octet-stream"


def wait_until(condition, what, seconds=SETTLE_SECONDS):
    """what: words, or a function that makes them when they are needed."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(POLL_SECONDS)


def digest(data):
    """The canonical digest of bytes: `sha256:<64 lower-case hex digits>`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


# Registries ----------------------------------------------------------------------------------------------------------


def free_port():
    """A loopback port that is free now, outside the range from which outgoing connections take theirs."""
    for port in random.sample(range(10000, 32000), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free loopback port")


def merged(base, changes):
    """`base` with `changes` laid over it, maps within maps; a value of None removes its key."""
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


@dataclasses.dataclass(frozen=True)
class Certificates:
    ca_file: str
    certificate: str
    key: str


@functools.cache
def certificates():
    """A private CA and a server certificate for localhost and registry.test, made once a process."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-ca-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    extensions = folder / "san.cnf"
    extensions.write_text("subjectAltName=DNS:localhost,DNS:registry.test,IP:127.0.0.1,IP:::1\n")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test CA")
    openssl("req", *new_key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "server.crt", "-days", "2", "-extfile", str(extensions))
    return Certificates(*(str(folder / name) for name in ("ca.crt", "server.crt", "server.key")))


class Registry:
    """One `berth up` in a temporary directory. Started by `start` or `with`; `stop` and `kill` allow a new start.

    config: laid over the default; root: a storage root to share (default: a new one, removed by `close`);
    tls: serve https with `certificates()`; env: variables added to the environment (REGISTRY_… overrides).
    """

    CLEAN_EXIT_CODES = (0,)
    inherited = ()      # descriptors that it is started with

    def __init__(self, config=None, *, root=None, tls=False, env=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="berth-test-"))
        self.directory.chmod(0o755)     # the pool or nginx may run as another user
        self.root = pathlib.Path(root) if root else self.directory / "data"
        self.tls = tls
        self.host = "127.0.0.1"
        self.port = free_port()
        self.ca_file = certificates().ca_file if tls else None
        self.config = merged(self._default_config(), config or {})
        self.config_file = self.directory / "config.yml"
        self.log_file = self.directory / "log"
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("REGISTRY_")} | (env or {})
        self._process = None

    def _default_config(self):
        http = {"addr": f"{self.host}:{self.port}", "secret": SECRET}
        if self.tls:
            http["tls"] = {"certificate": certificates().certificate, "key": certificates().key}
        return merged(self._store(), {
            "version": 0.1,
            "log": {"level": "info"},
            "storage": {"delete": {"enabled": True}, "cache": {"blobdescriptor": "inmemory"}},
            "http": http,
        })

    def _store(self):
        """Sections of the config: where the store is, and berth's own files."""
        if BUCKET is None:
            return {"storage": {"filesystem": {"rootdirectory": str(self.root)}}}
        name, endpoint = BUCKET.split()
        return {"storage": {"s3": {"bucket": name, "regionendpoint": endpoint, "rootdirectory": str(self.root)}},
                "berth": {"statedirectory": str(self.root / "state")}}

    def command(self):
        return [os.environ.get("BERTH", str(REPOSITORY / "build" / "berth")), "up", str(self.config_file)]

    @property
    def scheme(self):
        return "https" if self.tls else "http"

    @property
    def url(self):
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def authority(self):
        return f"{self.host}:{self.port}"

    @property
    def prefix(self):
        """http.prefix without its last slash: what stands before `/v2/` in every path."""
        return self.config["http"].get("prefix", "").rstrip("/")

    @property
    def pid(self):
        return self._process.pid if self._process else None

    @property
    def v2_root(self):
        """The top of distribution's file tree under the storage root."""
        return self.root / "docker" / "registry" / "v2"

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def start(self):
        assert self._process is None, "already running"
        self.root.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text(json.dumps(self.config, indent=2) + "\n")     # JSON is YAML
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(self.command(), cwd=self.directory, env=self._environment,
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                             start_new_session=True, pass_fds=self.inherited)
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.kill()
            raise
        return self

    def _wait_until_it_answers(self):
        client = Client(self)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                self._process.wait(POLL_SECONDS)
                raise RuntimeError(f"{self.command()} ended with {self._process.returncode}:\n{self._log_tail()}")
            except subprocess.TimeoutExpired:
                pass
            try:
                # 502–504 is nginx before its pool listens
                if client.get(self.prefix + "/v2/").status not in (502, 503, 504):
                    return
            except (OSError, http.client.HTTPException):
                pass
        raise RuntimeError(f"no answer at {self.url}/v2/ within {START_SECONDS} s:\n{self._log_tail()}")

    def _log_tail(self):
        return self.log()[-LOG_TAIL_BYTES:]

    def send_signal(self, number):
        self._process.send_signal(number)

    def tree(self):
        """The pids of everything this registry runs (nginx master and workers, the pool, …)."""
        return process_tree(self._process.pid) if self._process else set()

    def pools(self):
        """The pids of the pool, and while a reload goes on of two."""
        return {pid for pid in self.tree() if command_name(pid) == "berth-pool"}

    def nginx_workers(self):
        return [pid for pid in self.tree() if command_line(pid).startswith("nginx: worker")]

    def nginx_master(self):
        # A worker that has only just been forked is still called so, too.
        masters = {pid for pid in self.tree() if command_line(pid).startswith("nginx: master")}
        table = process_table()
        return next(pid for pid in masters if pid in table and table[pid][0] not in masters)

    def stop(self):
        """SIGTERM; everything must be gone in time and the exit code be clean."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running {STOP_SECONDS} s after SIGTERM:\n{self._log_tail()}") from None
        survivors = {pid: command_line(pid) for pid in self.tree()}
        self.kill()
        assert not survivors, f"processes outlived the registry: {survivors}\n{self._log_tail()}"
        assert code in self.CLEAN_EXIT_CODES, f"exit code {code} after SIGTERM:\n{self._log_tail()}"

    def kill(self):
        """SIGKILL to every process of the tree, as a power cut would."""
        if self._process is None:
            return
        deadline = time.monotonic() + STOP_SECONDS
        while survivors := self.tree():
            assert time.monotonic() < deadline, f"cannot kill {survivors}"
            # The supervisor first: it would clear up after one of the others.
            for pid in sorted(survivors, key=lambda pid: pid != self._process.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self._process.poll()
        self._process.wait(STOP_SECONDS)
        self._process = None

    def close(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, exception, *_):
        try:
            if exception is None:
                self.stop()
        finally:
            self.close()


class PeerRegistry(Registry):
    """docker/distribution's own server (Debian's docker-registry 2.8.2) behind the same interface."""

    CLEAN_EXIT_CODES = (0, -signal.SIGTERM)     # without http.draintimeout it has no handler

    def command(self):
        return [os.environ.get("DOCKER_REGISTRY", "docker-registry"), "serve", str(self.config_file)]


# Replies -------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage    # case-insensitive, duplicates kept
    body: bytes

    def all(self, name):
        return self.headers.get_all(name, [])

    def header(self, name):
        """The one value of a header, None without it; a header sent twice is an error."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} sent {len(values)} times: {values}"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    @property
    def codes(self):
        """The codes of the error envelope, in order."""
        return [error["code"] for error in self.json()["errors"]]

    def __str__(self):
        return f"{self.status}\n{self.headers}{self.body[:1000]!r}"


def _read_reply(response):
    return Reply(response.status, response.msg, response.read())


def follow(reply, headers=()):
    """The reply with what there is where it leads: bytes, and a range of them."""
    asked = urllib.request.Request(reply.header("Location"), headers={
        name: value for name, value in headers if name.lower() == "range"})
    with urllib.request.urlopen(asked, timeout=REPLY_SECONDS) as there:
        for name in ("Content-Length", "Content-Range", "Accept-Ranges"):
            del reply.headers[name]
            if there.headers[name]:
                reply.headers[name] = there.headers[name]
        return Reply(there.status, reply.headers, there.read())


# The client ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Image:
    """A pushed image: the manifest's bytes as stored, and the digests it is made of."""
    manifest: bytes
    media_type: str
    config: str
    layers: tuple

    @property
    def digest(self):
        return digest(self.manifest)


def descriptor(media_type, data, **more):
    return {"mediaType": media_type, "size": len(data), "digest": digest(data), **more}


def image_manifest(media_type, config, layers, **more):
    """The bytes of an image manifest of Docker's or OCI's type over the bytes of a config and of layers."""
    docker = media_type == DOCKER_MANIFEST
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": descriptor(DOCKER_CONFIG if docker else OCI_CONFIG, config),
        "layers": [descriptor(DOCKER_LAYER if docker else OCI_LAYER, layer) for layer in layers],
    }
    return json.dumps(merged(document, more), indent=3).encode()


class Client:
    """HTTP to one registry, a fresh connection for each request. Paths go out exactly as given."""

    def __init__(self, registry):
        self.registry = registry
        self.base = registry.prefix + "/v2/"
        self._ssl = ssl.create_default_context(cafile=registry.ca_file) if registry.tls else None

    # Any request

    def request(self, method, target, headers=(), body=None):
        """One request and its reply.

        target: path and query, or a Location of this registry; headers: pairs (duplicates allowed) or a map;
        body: None, bytes, an open file (both sent with Content-Length) or an iterator of bytes (sent chunked).
        """
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        names = {name.lower() for name, _ in pairs}
        chunked = body is not None and not isinstance(body, (bytes, bytearray)) and not hasattr(body, "fileno")
        connection = self.connect()
        try:
            connection.putrequest(method, self.path_of(target), skip_host="host" in names,
                                  skip_accept_encoding=True)
            for name, value in pairs:
                connection.putheader(name, value)
            if chunked:
                connection.putheader("Transfer-Encoding", "chunked")
            elif "content-length" not in names and (body is not None or method in ("POST", "PUT", "PATCH")):
                connection.putheader("Content-Length", str(_length(body)))
            try:
                connection.endheaders(body, encode_chunked=chunked)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                if connection.sock is None:
                    raise   # never connected: nginx is just starting
                # Answered before the whole body was sent: the answer is what counts.
            reply = _read_reply(connection.getresponse())
        finally:
            connection.close()
        return follow(reply, pairs) if BUCKET and reply.status == 307 else reply

    def connect(self):
        """A new http.client connection, for tests that hold or break one."""
        host, port = self.registry.host, self.registry.port
        if self._ssl:
            return http.client.HTTPSConnection(host, port, timeout=REPLY_SECONDS, context=self._ssl)
        return http.client.HTTPConnection(host, port, timeout=REPLY_SECONDS)

    def path_of(self, target):
        """Path and query of a Location, which may be absolute; anything else is left as it is."""
        for origin in (self.registry.url, f"{self.registry.scheme}://localhost:{self.registry.port}"):
            if target.startswith(origin + "/"):
                return target[len(origin):]
        return target

    def raw(self, data, method="GET", hang_up=False):
        """Sends bytes as they are and reads one reply; None when the server closed without one.

        hang_up: end our side of the connection after the bytes, as a client does that dies half way.
        """
        with self.open_socket() as connection:
            try:
                connection.sendall(data)
                if hang_up:
                    socket.socket.shutdown(connection, socket.SHUT_WR)     # ssl's own would stop decrypting
                response = http.client.HTTPResponse(connection, method=method)
                response.begin()
                return _read_reply(response)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
                return None

    def open_socket(self):
        connection = socket.create_connection((self.registry.host, self.registry.port), timeout=REPLY_SECONDS)
        return self._ssl.wrap_socket(connection, server_hostname=self.registry.host) if self._ssl else connection

    def get(self, target, headers=()):
        return self.request("GET", target, headers)

    def head(self, target, headers=()):
        return self.request("HEAD", target, headers)

    def post(self, target, headers=(), body=None):
        return self.request("POST", target, headers, body)

    def put(self, target, headers=(), body=None):
        return self.request("PUT", target, headers, body)

    def patch(self, target, headers=(), body=None):
        return self.request("PATCH", target, headers, body)

    def delete(self, target, headers=()):
        return self.request("DELETE", target, headers)

    # Paths

    def blob(self, repo, blob_digest):
        return f"{self.base}{repo}/blobs/{blob_digest}"

    def manifest(self, repo, reference):
        return f"{self.base}{repo}/manifests/{reference}"

    def tags(self, repo):
        return f"{self.base}{repo}/tags/list"

    def uploads(self, repo):
        return f"{self.base}{repo}/blobs/uploads/"

    # Pushing

    def start_upload(self, repo):
        """Opens an upload and returns its Location."""
        reply = self.post(self.uploads(repo))
        assert reply.status == 202, reply
        return reply.header("Location")

    def append(self, location, chunk, headers=()):
        """PATCHes bytes to the end of an upload and returns the fresh Location."""
        reply = self.patch(location, [("Content-Type", OCTETS), *headers], chunk)
        assert reply.status == 202, reply
        return reply.header("Location")

    def finish_upload(self, location, blob_digest, body=None):
        """The PUT that ends an upload; returns the reply, whatever it is."""
        return self.put(with_query(location, digest=blob_digest), {"Content-Type": OCTETS}, body)

    def push_blob(self, repo, data):
        """POST + PUT of the whole blob; data is bytes or an open file. Returns the digest."""
        expected = digest(data) if isinstance(data, (bytes, bytearray)) else _file_digest(data)
        reply = self.finish_upload(self.start_upload(repo), expected, data)
        assert reply.status == 201, reply
        return expected

    def push_blob_chunked(self, repo, chunks, streamed=False):
        """POST, a PATCH for each chunk, PUT; streamed: with chunked transfer encoding, as docker does."""
        location, hashed = self.start_upload(repo), hashlib.sha256()
        for chunk in chunks:
            location = self.append(location, iter([chunk]) if streamed else chunk)
            hashed.update(chunk)
        reply = self.finish_upload(location, "sha256:" + hashed.hexdigest())
        assert reply.status == 201, reply
        return "sha256:" + hashed.hexdigest()

    def put_manifest(self, repo, reference, data, media_type=OCI_MANIFEST):
        """PUTs manifest bytes and returns the reply, whatever it is."""
        return self.put(self.manifest(repo, reference), {"Content-Type": media_type}, data)

    def make_image(self, repo, layers=None, tag=None, media_type=DOCKER_MANIFEST, config=None):
        """Pushes the blobs (bytes; default: one layer and a config of its own) and the manifest over them."""
        layers = [f"layer of {repo}:{tag}".encode()] if layers is None else list(layers)
        config = json.dumps({"architecture": "amd64", "os": "linux", "for": f"{repo}:{tag}"}).encode() \
            if config is None else config
        for data in (config, *layers):
            self.push_blob(repo, data)
        manifest = image_manifest(media_type, config, layers)
        reply = self.put_manifest(repo, tag or digest(manifest), manifest, media_type)
        assert reply.status == 201, reply
        return Image(manifest, media_type, digest(config), tuple(map(digest, layers)))

    def fetch_blob(self, repo, blob_digest):
        """The verified bytes of a blob."""
        reply = self.get(self.blob(repo, blob_digest))
        assert reply.status == 200 and digest(reply.body) == blob_digest, reply
        return reply.body


def _length(body):
    if body is None:
        return 0
    return os.fstat(body.fileno()).st_size - body.tell() if hasattr(body, "fileno") else len(body)


def _file_digest(file):
    start = file.tell()
    result = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(start)
    return result


def with_query(location, **parameters):
    """A Location with query parameters appended, those it has kept as they are (as clients must)."""
    return location + ("&" if "?" in location else "?") + urllib.parse.urlencode(parameters)


def upload_state(location):
    """The JSON of the state token in an upload's Location: Name, UUID, Offset, StartedAt."""
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)
    return json.loads(base64.urlsafe_b64decode(query["_state"][0])[hashlib.sha256().digest_size:])
