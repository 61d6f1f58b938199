"""Clients that push without pause through crashes, and remember exactly what they were promised.

A Pusher records what was answered 201 (blobs, manifests, tags) and 202 (pieces of an upload). What got no answer, or a
5xx, was promised nothing: it may be there, but only whole.
"""
import http.client
import json
import random
import threading

from harness import OCI_MANIFEST, OCTETS, Client, digest, image_manifest, with_query

SMALL_BYTES = (1, 5_000)
MEDIUM_BYTES = (100_000, 2_000_000)
PIECE_BYTES = 150_000
LONGEST_UPLOAD = 4_000_000
RETRY_SECONDS = 0.02


class Lost(Exception):
    """No answer, or a 5xx: nothing was promised."""


class Pusher(threading.Thread):
    """Pushes images into one repository, and drips pieces into one long upload, until `stop`."""

    def __init__(self, registry, name, seed, shared_layers):
        super().__init__(name=name)
        self.repo = name
        self.blobs = {}         # digest → bytes
        self.manifests = {}     # digest → bytes
        self.tags = {}          # tag → digests it may point to: one, or more while an answer is owed
        self.acknowledged = 0
        self.lost = 0
        self.error = None
        self._client = Client(registry)
        self._random = random.Random(f"{seed} {name}")
        self._shared = shared_layers
        self._stop_asked = threading.Event()
        self._location = None           # of the long upload
        self._uploaded = b""            # what it holds by every promise
        self._in_flight = b""           # a piece that is owed an answer

    def stop(self):
        self._stop_asked.set()

    def run(self):
        number = 0
        while not self._stop_asked.is_set():
            number += 1
            try:
                self._push_image(number)
                self._drip()
            except Lost:
                self.lost += 1
                self._stop_asked.wait(RETRY_SECONDS)
            except BaseException as error:
                self.error = error
                return

    def _request(self, method, target, expected, body=None, content_type=OCTETS):
        try:
            headers = {"Content-Type": content_type} if body is not None else {}
            reply = self._client.request(method, target, headers, body)
        except (OSError, http.client.HTTPException) as error:
            raise Lost from error
        if reply.status >= 500:
            raise Lost
        assert reply.status == expected, f"{method} {target}: {reply}"
        return reply

    # Images

    def _push_image(self, number):
        config = json.dumps({"image": f"{self.repo} {number}"}).encode()
        own = [self._random.randbytes(self._random.randint(*SMALL_BYTES)) for _ in range(3)]
        if number % 3 == 0:
            own.append(self._random.randbytes(self._random.randint(*MEDIUM_BYTES)))
        layers = [*own, self._random.choice(self._shared)]
        for data in (config, *layers):
            self._push_blob(data, chunked=self._random.random() < 0.5)
        manifest = image_manifest(OCI_MANIFEST, config, layers)
        for tag in (f"v{number}", "latest"):
            self._put_tag(tag, manifest)

    def _push_blob(self, data, chunked):
        location = self._request("POST", self._client.uploads(self.repo), 202).header("Location")
        rest = data
        if chunked:
            middle = self._random.randint(0, len(data))
            piece, rest = data[:middle], data[middle:]
            location = self._request("PATCH", location, 202, piece).header("Location")
        self._request("PUT", with_query(location, digest=digest(data)), 201, rest)
        self.blobs[digest(data)] = data
        self.acknowledged += 1

    def _put_tag(self, tag, manifest):
        named = digest(manifest)
        self.tags[tag] = self.tags.get(tag, set()) | {named}
        try:
            self._request("PUT", self._client.manifest(self.repo, tag), 201, manifest, OCI_MANIFEST)
        except Lost:
            if self.tags[tag] == {named}:
                self.tags[tag].add(None)        # a new tag without an answer need not be there
            raise
        self.tags[tag] = {named}
        self.manifests[named] = manifest
        self.acknowledged += 1

    # The long upload

    def _drip(self):
        """One more piece of the long upload, taken up where the registry says it stands."""
        if self._location is None:
            self._location = self._request("POST", self._client.uploads(self.repo), 202).header("Location")
        elif self._in_flight:
            self._take_up()
        self._in_flight = self._random.randbytes(self._random.randint(1, PIECE_BYTES))
        self._location = self._request("PATCH", self._location, 202, self._in_flight).header("Location")
        self._uploaded += self._in_flight
        self._in_flight = b""
        self.acknowledged += 1
        if len(self._uploaded) > LONGEST_UPLOAD:
            self.finish_upload()

    def _take_up(self):
        """After a lost answer the whole piece is in the upload or nothing of it."""
        reply = self._request("GET", self._location, 204)
        stands = int(reply.header("Range").split("-")[1]) + 1
        before, after = len(self._uploaded), len(self._uploaded) + len(self._in_flight)
        assert stands in (before, after) or (before == 0 and reply.header("Range") == "0-0"), \
            f"upload of {before} bytes, {len(self._in_flight)} more in flight, stands at {reply.header('Range')}"
        if stands == after and after != before:
            self._uploaded += self._in_flight
        self._in_flight = b""
        self._location = reply.header("Location")

    def finish_upload(self):
        """Ends the long upload; its bytes become one more promised blob."""
        if self._location is None:
            return
        if self._in_flight:
            self._take_up()
        location, self._location = self._location, None
        data, self._uploaded = self._uploaded, b""
        self._request("PUT", with_query(location, digest=digest(data)), 201, b"")
        self.blobs[digest(data)] = data

    # The promises

    def assert_kept(self, client):
        """Everything answered 201 is there and whole; what was not answered is whole or not there."""
        for named, data in self.blobs.items():
            reply = client.get(client.blob(self.repo, named))
            assert (reply.status, reply.body) == (200, data), f"blob {named} of {self.repo}: {reply.status}"
        for named, manifest in self.manifests.items():
            reply = client.get(client.manifest(self.repo, named), {"Accept": OCI_MANIFEST})
            assert (reply.status, reply.body) == (200, manifest), f"manifest {named} of {self.repo}: {reply}"
        for tag, allowed in self.tags.items():
            reply = client.get(client.manifest(self.repo, tag), {"Accept": OCI_MANIFEST})
            seen = digest(reply.body) if reply.status == 200 else None
            assert seen in allowed, f"tag {tag} of {self.repo}: {allowed} allowed: {reply}"
