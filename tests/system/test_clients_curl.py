"""curl over HTTP/2 with TLS: what http.client cannot speak. Bodies there need no length and are not chunked."""
import json
import subprocess

import pytest

from conftest import need
from harness import OCI_MANIFEST, OCTETS, Client, digest, image_manifest, with_query
from images import random_bytes
from store_check import assert_whole

CURL_SECONDS = 120


@pytest.fixture(scope="module")
def registry(registry_factory):
    need("curl")
    with registry_factory(tls=True) as running:
        yield running
        assert_whole(running.v2_root)


class Curl:
    """curl speaking HTTP/2, and nothing less."""

    def __init__(self, registry):
        self._registry = registry

    def run(self, target, *options, body=None):
        """One request: the status and the headers of the reply (lower-case names), and its body."""
        url = target if target.startswith("https://") else self._registry.url + target
        given = ["--upload-file", "-"] if body is not None else []      # from a pipe: without a Content-Length
        done = subprocess.run(["curl", "--silent", "--show-error", "--http2", "--cacert", self._registry.ca_file,
                               "--write-out", "%{stderr}%{http_version} %{http_code} %{header_json}", *given, *options,
                               url], input=body, stdin=None if body is not None else subprocess.DEVNULL,
                              capture_output=True, timeout=CURL_SECONDS)
        assert done.returncode == 0, done.stderr
        version, status, headers = done.stderr.decode().split(" ", 2)
        assert version == "2"
        return int(status), {name: values[0] for name, values in json.loads(headers).items()}, done.stdout


@pytest.fixture
def curl(registry):
    return Curl(registry)


def test_version_check(curl):
    status, headers, body = curl.run("/v2/")
    assert (status, body, headers["docker-distribution-api-version"]) == (200, b"{}", "registry/2.0")


def test_push_and_pull(registry, curl):
    data = random_bytes(5_000_000, "http2")
    status, headers, _ = curl.run("/v2/by/http2/blobs/uploads/", "--request", "POST")
    assert status == 202
    status, headers, _ = curl.run(headers["location"], "--request", "PATCH", "--header", f"Content-Type: {OCTETS}",
                                  body=data[:3_000_000])
    assert (status, headers["range"]) == (202, "0-2999999")
    status, headers, _ = curl.run(with_query(headers["location"], digest=digest(data)), body=data[3_000_000:])
    assert (status, headers["docker-content-digest"]) == (201, digest(data))

    Client(registry).push_blob("by/http2", b"{}")
    manifest = image_manifest(OCI_MANIFEST, b"{}", [data])
    target = "/v2/by/http2/manifests/v1"
    status, headers, _ = curl.run(target, "--header", f"Content-Type: {OCI_MANIFEST}", body=manifest)
    assert (status, headers["docker-content-digest"]) == (201, digest(manifest))

    status, headers, body = curl.run(target, "--header", f"Accept: {OCI_MANIFEST}")
    assert (status, headers["content-type"], body) == (200, OCI_MANIFEST, manifest)
    status, headers, body = curl.run(f"/v2/by/http2/blobs/{digest(data)}")
    assert (status, headers["content-length"], body) == (200, str(len(data)), data)


def test_range(registry, curl):
    data = random_bytes(100_000, "http2 range")
    Client(registry).push_blob("by/http2", data)
    status, headers, body = curl.run(f"/v2/by/http2/blobs/{digest(data)}", "--range", "500-999")
    assert (status, body, headers["content-range"]) == (206, data[500:1000], "bytes 500-999/100000")


def test_head(registry, curl):
    data = random_bytes(1_000, "http2 head")
    Client(registry).push_blob("by/http2", data)
    status, headers, body = curl.run(f"/v2/by/http2/blobs/{digest(data)}", "--head")
    assert (status, headers["content-length"], headers["docker-content-digest"]) == (200, "1000", digest(data))


@pytest.mark.parametrize("target, status, code", [
    ("/v2/by/http2/manifests/nothing", 404, "MANIFEST_UNKNOWN"),
    ("/v2/by/http2/blobs/sha256:" + "0" * 64, 404, "BLOB_UNKNOWN"),
    ("/v2/by/nobody/tags/list", 404, "NAME_UNKNOWN"),
])
def test_errors(curl, target, status, code):
    got, headers, body = curl.run(target)
    assert (got, json.loads(body)["errors"][0]["code"]) == (status, code)
    assert headers["content-type"].startswith("application/json")


def test_many_streams_on_one_connection(registry, curl, tmp_path):
    blobs = [random_bytes(300_000, f"http2 {number}") for number in range(30)]
    for blob in blobs:
        Client(registry).push_blob("by/http2", blob)
    transfers = []
    for number, blob in enumerate(blobs):
        transfers += ["--output", str(tmp_path / str(number)), f"{registry.url}/v2/by/http2/blobs/{digest(blob)}"]
    subprocess.run(["curl", "--silent", "--show-error", "--fail", "--http2", "--parallel", "--parallel-max", "30",
                    "--cacert", registry.ca_file, *transfers], check=True, timeout=CURL_SECONDS)
    assert [(tmp_path / str(number)).read_bytes() for number in range(30)] == blobs
