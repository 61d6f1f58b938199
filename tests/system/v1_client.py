"""A docker client of before 1.6, as far as a registry can see: what docker 1.5 sends, in its order.

From moby's packages `registry` and `graph` at v1.5.0 (and v1.3.0, which differs in the ping): https or http as the
registry speaks, one connection a request, five lookups at a time, the token of the first reply with all that follows,
a password only where docker sends it, five attempts at a layer, each going on where the last one broke.

    docker = V1Client(registry)
    docker.push("team/app", [base, top], {"latest": top.id})
    pulled = docker.pull("team/app", "latest")
"""
import base64
import concurrent.futures
import dataclasses
import gzip
import hashlib
import http.client
import io
import json
import tarfile
import urllib.parse

from harness import Client, Reply

PING_AGENT = "Go 1.1 package http"
DOCKER_1_5 = "docker/1.5.0 go/go1.4.1 git-commit/a8a31ef kernel/3.13.0-45-generic os/linux arch/amd64"
LOOKUPS = 5         # existence checks at a time
ATTEMPTS = 5        # at a layer


class V1Error(Exception):
    """What docker would print, with the reply that made it."""

    def __init__(self, message, reply=None):
        super().__init__(f"{message}\n{reply}" if reply else message)
        self.reply = reply


@dataclasses.dataclass(frozen=True)
class LocalImage:
    """An image of docker's graph: its JSON and its layer as it goes over the wire."""
    id: str
    json: bytes
    layer: bytes

    @property
    def parent(self):
        return json.loads(self.json).get("parent")

    @property
    def payload_checksum(self):
        return "sha256:" + hashlib.sha256(self.json + b"\n" + self.layer).hexdigest()

    @property
    def tarsum(self):
        return tarsum(gzip.decompress(self.layer), self.json)


def tarsum(plain, extra):
    """Version 0, sha256: docker's pkg/tarsum."""
    sums = []
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        for entry in archive:
            name = entry.name + ("/" if entry.isdir() else "")
            kind = entry.type.decode()
            header = (f"name{name}mode{entry.mode}uid{entry.uid}gid{entry.gid}size{entry.size}mtime{int(entry.mtime)}"
                      f"typeflag{kind}linkname{entry.linkname}uname{entry.uname}gname{entry.gname}"
                      f"devmajor{entry.devmajor}devminor{entry.devminor}")
            content = archive.extractfile(entry).read() if entry.isreg() else b""
            sums.append(hashlib.sha256(header.encode() + content).hexdigest())
    return "tarsum+sha256:" + hashlib.sha256(extra + "".join(sorted(sums)).encode()).hexdigest()


def make_image(seed, parent=None, files=None, layer=None, **more):
    """An image whose id follows from `seed` (any text), on a parent's LocalImage or none."""
    image_id = hashlib.sha256(f"v1 image {seed}".encode()).hexdigest()
    document = {"id": image_id, "created": "2014-05-13T16:53:20.123456789Z", "docker_version": "1.5.0",
                "architecture": "amd64", "os": "linux",
                "container_config": {"Cmd": ["/bin/sh", "-c", f"#(nop) ADD {seed}"]},
                "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"]}, "Size": 7, **more}
    if parent:
        document["parent"] = parent.id
    # Go's order and spacing are not ours: whatever came is to be kept byte for byte.
    return LocalImage(image_id, json.dumps(document, indent=1).encode(), layer or make_layer(files or {seed: b"x"}))


def plain_layer(files):
    """A tar of path → bytes (None: a directory), with mtime and owners as docker writes them."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.mtime, entry.uname, entry.gname = 1400000000, "root", "root"
            if data is None:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return plain.getvalue()


def make_layer(files):
    return gzip.compress(plain_layer(files), mtime=0)


@dataclasses.dataclass
class Pulled:
    tags: dict      # tag → id
    images: dict    # id → LocalImage, all that docker has now
    fetched: list   # ids whose layer went over the wire

    def chain(self, tag):
        """The images of a tag, base first."""
        chain, image_id = [], self.tags[tag]
        while image_id:
            chain.append(self.images[image_id])
            image_id = self.images[image_id].parent
        return chain[::-1]


def compact(document):
    """JSON as Go writes it."""
    return json.dumps(document, separators=(",", ":")).encode()


class V1Client:
    def __init__(self, registry, user_agent=DOCKER_1_5, login=("", ""), probes_v2=True):
        self.registry = registry
        self.agent = user_agent
        self.login_as = login
        self.probes_v2 = probes_v2      # docker 1.5 does, 1.4 and older do not
        self.sent = []                  # (method, path) of every request
        self._client = Client(registry)

    # Requests

    def _send(self, method, path, headers=(), body=None, agent=None):
        """One request as Go 1.4 writes it, on a connection of its own: keep-alive is off, but for the login."""
        self.sent.append((method, path))
        chunked = body is not None and not isinstance(body, bytes)
        fields = [("User-Agent", agent or self.agent)]
        if chunked:
            fields.append(("Transfer-Encoding", "chunked"))
        elif method in ("PUT", "POST"):
            fields.append(("Content-Length", str(len(body or b""))))
        fields += sorted(headers)
        if not any(name == "Range" for name, _ in headers):
            fields.append(("Accept-Encoding", "gzip"))
        if method != "POST":
            fields.append(("Connection", "close"))
        connection = self._client.connect()
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in fields:
                connection.putheader(name, value)
            try:
                connection.endheaders(body, encode_chunked=chunked)
            except (BrokenPipeError, ConnectionResetError):
                pass        # answered before the whole body was sent: the answer is what counts
            response = connection.getresponse()
            return Reply(response.status, response.msg, response.read())
        finally:
            connection.close()

    @property
    def _basic(self):
        pair = ":".join(self.login_as).encode()
        return ("Authorization", "Basic " + base64.b64encode(pair).decode())

    @property
    def _login_basic(self):
        """The password where docker sends it if there is one: with everything over https."""
        return [self._basic] if self.login_as[0] or self.registry.tls else []

    def _with(self, token):
        """The authorization of a request for images or tags."""
        if self.registry.tls:
            return [self._basic]        # https and standalone: the password with everything
        return [("Authorization", "Token " + token)]

    # What docker does

    def ping(self):
        """Finds out what is there, as NewEndpoint does; fails if it is not v1."""
        if self.probes_v2:
            reply = self._send("GET", "/v2/", agent=PING_AGENT)
            if "registry/2.0" in (reply.header("Docker-Distribution-Api-Version") or "").split():
                raise V1Error("taken for a v2 registry", reply)
        reply = self._send("GET", "/v1/_ping", agent=PING_AGENT)
        if not reply.header("X-Docker-Registry-Version"):
            raise V1Error("docker 0.9 and older do not take this for a registry", reply)
        standalone = reply.header("X-Docker-Registry-Standalone")
        if standalone is not None and standalone.lower() not in ("true", "1"):
            raise V1Error("not standalone", reply)

    def _begin(self):
        """What comes first of all but a login: NewEndpoint and NewSession."""
        self.ping()
        if self.registry.tls:       # NewSession asks again, to know whether the password may go with everything
            self._send("GET", "/v1/_ping", agent=PING_AGENT)

    def login(self, username, password, email="a@example.com"):
        """docker login; returns the status docker prints."""
        self.ping()
        document = compact({"username": username, "password": password, "auth": "", "email": email})
        reply = self._send("POST", "/v1/users/", [("Content-Type", "application/json; charset=utf-8")], document,
                           agent=PING_AGENT)
        if reply.status == 201:
            self.login_as = (username, password)
            return "Account created"
        if reply.status not in (400, 401) or (
                reply.status == 400 and reply.body != b'"Username or email already exists"'):
            raise V1Error("Registration: " + reply.body.decode(), reply)
        self.login_as = (username, password)
        reply = self._send("GET", "/v1/users/", [self._basic])
        if reply.status != 200:
            raise V1Error("Wrong login/password, please try again", reply)
        return "Login Succeeded"

    def search(self, term):
        self._begin()
        reply = self._send("GET", "/v1/search?q=" + urllib.parse.quote_plus(term),
                           [*self._login_basic, ("X-Docker-Token", "true")])
        if reply.status != 200:
            raise V1Error(f"Unexpected status code {reply.status}", reply)
        return reply.json()["results"]

    def push(self, repo, images, tags):
        """images: LocalImages, each after its parent; tags: tag → id. Returns the ids whose layers were sent."""
        self._begin()
        listed = [{"id": image.id, "Tag": tag} for image in images
                  for tag in [t for t, i in tags.items() if i == image.id] or [""]]
        for entry in listed:
            if not entry["Tag"]:
                del entry["Tag"]
        path = f"/v1/repositories/{repo}/"
        headers = [self._basic, ("Content-type", "application/json"), ("X-Docker-Token", "true")]
        reply = self._send("PUT", path, headers, compact(listed))
        if reply.status not in (200, 201):
            raise V1Error(f"Error: Status {reply.status} trying to push repository {repo}", reply)
        token, endpoints = reply.header("X-Docker-Token"), reply.header("X-Docker-Endpoints")
        if not token or not endpoints:
            raise V1Error("Index response didn't contain a token and endpoints", reply)
        assert endpoints == self.registry.authority, reply

        with concurrent.futures.ThreadPoolExecutor(LOOKUPS) as pool:
            there = list(pool.map(lambda image: self._exists(image, token), images))
        pushed = []
        for image, exists in zip(images, there):
            if not exists and self.push_image(image, token):
                pushed.append(image.id)
            for tag in [t for t, i in tags.items() if i == image.id]:
                reply = self._send("PUT", f"/v1/repositories/{repo}/tags/{tag}",
                                   [("Content-Type", "application/json"), *self._with(token)],
                                   json.dumps(image.id).encode())
                if reply.status not in (200, 201):
                    raise V1Error(f"{reply.status} trying to push tag {tag} on {repo}", reply)
        reply = self._send("PUT", f"/v1/repositories/{repo}/images",
                           [*headers, ("X-Docker-Endpoints", f"{self.registry.url}/v1/")], b"[]")
        if reply.status != 204:
            raise V1Error(f"Error: Status {reply.status} trying to push checksums {repo}", reply)
        return pushed

    def _exists(self, image, token):
        return self._send("GET", f"/v1/images/{image.id}/json", self._with(token)).status == 200

    def push_image(self, image, token, stop_after=None):
        """JSON, layer, checksum; False if the registry has it. stop_after: the step after which docker dies."""
        path = f"/v1/images/{image.id}"
        reply = self._send("PUT", path + "/json", [("Content-Type", "application/json"), *self._with(token)],
                           image.json)
        if reply.status != 200:
            if reply.json().get("error") == "Image already exists":
                return False
            raise V1Error(f"HTTP code {reply.status} while uploading metadata", reply)
        if stop_after == "json":
            return True
        pieces = [image.layer[at:at + 32768] for at in range(0, len(image.layer), 32768)]
        reply = self._send("PUT", path + "/layer",
                           [("Content-Type", "application/octet-stream"), *self._with(token)], iter(pieces))
        if reply.status != 200:
            raise V1Error(f"Received HTTP code {reply.status} while uploading layer", reply)
        if stop_after == "layer":
            return True
        reply = self._send("PUT", path + "/checksum",
                           [*self._with(token), ("X-Docker-Checksum", image.tarsum),
                            ("X-Docker-Checksum-Payload", image.payload_checksum)])
        if reply.status != 200:
            if reply.json().get("error") == "Image already exists":
                return False
            raise V1Error(f"HTTP code {reply.status} while uploading metadata", reply)
        return True

    def pull(self, repo, tag=None, graph=None, break_after=None):
        """One tag or all. graph: id → LocalImage that docker has; break_after: bytes until a connection breaks."""
        self._begin()
        reply = self._send("GET", f"/v1/repositories/{repo}/images", [*self._login_basic, ("X-Docker-Token", "true")])
        if reply.status != 200:
            raise V1Error(f"HTTP code: {reply.status}", reply)
        token = reply.header("X-Docker-Token")
        listed = {entry["id"] for entry in reply.json()}
        full = repo if "/" in repo else "library/" + repo       # hard-coded in docker
        reply = self._send("GET", f"/v1/repositories/{full}/tags", self._with(token))
        if reply.status != 200:
            raise V1Error("Repository not found", reply)
        tags = reply.json()
        if tag is not None and tag not in tags:
            raise V1Error(f"Tag {tag} not found in repository {repo}", reply)
        wanted = tags if tag is None else {tag: tags[tag]}
        assert listed >= set(wanted.values())
        pulled = Pulled(wanted, dict(graph or {}), [])
        for image_id in dict.fromkeys(wanted.values()):
            self._pull_image(image_id, token, pulled, break_after)
        return pulled

    def _pull_image(self, image_id, token, pulled, break_after):
        reply = self._send("GET", f"/v1/images/{image_id}/ancestry", self._with(token))
        if reply.status != 200:
            raise V1Error(f"Server error: {reply.status} trying to fetch remote history for {image_id}", reply)
        for one in reversed(reply.json()):
            if one in pulled.images:
                continue
            reply = self._send("GET", f"/v1/images/{one}/json", self._with(token))
            if reply.status != 200:
                raise V1Error(f"HTTP code {reply.status}", reply)
            size = int(reply.header("X-Docker-Size") or -1)
            assert json.loads(reply.body)["id"] == one, reply
            layer = self._pull_layer(one, token, size, break_after)
            pulled.images[one] = LocalImage(one, reply.body, layer)
            pulled.fetched.append(one)

    def _pull_layer(self, image_id, token, size, break_after):
        path, have, resumable = f"/v1/images/{image_id}/layer", b"", False
        for _ in range(ATTEMPTS):
            headers = self._with(token)
            if have:
                if not resumable:
                    raise V1Error("the connection broke, and the registry cannot go on")
                headers = [*headers, ("Range", f"bytes={len(have)}-{size}")]
            reply = self._send("GET", path, headers)
            if have and reply.status == 416 and reply.header("Content-Length") == "0":
                return have
            if reply.status != (206 if have else 200):
                raise V1Error(f"Server error: Status {reply.status} while fetching image layer ({image_id})", reply)
            if not have:
                resumable = reply.header("Accept-Ranges") == "bytes" and size > 0
            if break_after is None or len(reply.body) <= break_after:
                return have + reply.body
            have += reply.body[:break_after]
        raise http.client.IncompleteRead(have)
