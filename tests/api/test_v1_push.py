"""The v1 API: pushing images, tags and tokens (spec: v1 API §2, §4, §5, §7)."""
import bz2
import gzip
import hashlib
import itertools
import json
import lzma
import time

import pytest

import harness
from expect import differs
from v1_client import LocalImage, make_image, make_layer, tarsum

pytestmark = differs("it has no v1 face")

_seeds = itertools.count(1)


@pytest.fixture
def seed():
    return f"seed {next(_seeds)}"


def error_of(reply):
    return reply.status, reply.json()["error"]


def path_of(image):
    return f"/v1/images/{image.id}"


def put_checksum(client, image, payload=None, tarsum_=None):
    headers = {"X-Docker-Checksum-Payload": payload, "X-Docker-Checksum": tarsum_}
    return client.put(path_of(image) + "/checksum", {name: value for name, value in headers.items() if value})


def push(client, *images):
    for image in images:
        assert client.put(path_of(image) + "/json", body=image.json).status == 200
        assert client.put(path_of(image) + "/layer", body=iter([image.layer])).status == 200
        assert put_checksum(client, image, image.payload_checksum, image.tarsum).status == 200


def tag(client, repo, name, image):
    return client.put(f"/v1/repositories/{repo}/tags/{name}", body=json.dumps(image.id).encode())


def test_steps_of_a_push(client, registry, seed):
    image = make_image(seed)
    path = path_of(image)
    assert error_of(client.put(path + "/layer", body=image.layer)) == (404, "Image not found")
    assert error_of(put_checksum(client, image, image.payload_checksum)) == (404, "Image not found")

    reply = client.put(path + "/json", {"Content-Type": "application/json"}, image.json)
    assert (reply.status, reply.body) == (200, b"true")
    for part in ("json", "ancestry", "layer", "files"):
        assert error_of(client.get(f"{path}/{part}")) == (400, "Image is being uploaded, retry later"), part
    assert error_of(put_checksum(client, image, image.payload_checksum)) == (409, "Cannot set this image checksum")

    reply = client.put(path + "/layer", {"Content-Type": "application/octet-stream"}, iter([image.layer]))
    assert (reply.status, reply.body) == (200, b"true")
    assert client.get(path + "/json").status == 400
    assert error_of(put_checksum(client, image)) == (400, "Missing Image's checksum")
    wrong = "sha256:" + "0" * 64
    assert error_of(put_checksum(client, image, wrong)) == (400, "Checksum mismatch, ignoring the layer")
    assert error_of(put_checksum(client, image, wrong, image.tarsum)) == (400, "Checksum mismatch, ignoring the layer")
    assert client.get(path + "/json").status == 400

    assert put_checksum(client, image, image.payload_checksum, image.tarsum).status == 200
    assert put_checksum(client, image, image.payload_checksum).status == 200      # the answer was lost
    assert error_of(put_checksum(client, image, wrong)) == (409, "Cannot set this image checksum")
    assert error_of(client.put(path + "/json", body=image.json)) == (409, "Image already exists")
    assert error_of(client.put(path + "/layer", body=image.layer)) == (409, "Image already exists")
    directory = registry.root / "docker" / "registry" / "v1" / "images" / image.id
    assert (directory / "json").read_bytes() == image.json
    assert sorted(entry.name for entry in directory.iterdir()) == ["image", "json"]


def test_the_json_comes_back_byte_for_byte(client, seed):
    text = json.dumps({"id": hashlib.sha256(seed.encode()).hexdigest(), "unknown": [1.50, None, "\u2028<é>"],
                       "n": 12345678901234567890123}, ensure_ascii=False)
    image = LocalImage(json.loads(text)["id"], (" " + text + "\n").encode(), make_layer({"f": b""}))
    push(client, image)
    reply = client.get(path_of(image) + "/json")
    assert reply.body == image.json
    assert reply.header("X-Docker-Size") == str(len(image.layer))
    assert reply.header("X-Docker-Checksum-Payload") == image.payload_checksum


def test_json_that_is_refused(client, seed):
    image = make_image(seed)
    path = path_of(image) + "/json"
    other = make_image(seed + " other")
    for body, error in (
            (b"", "Invalid JSON"), (b"{", "Invalid JSON"), (b"[]", "Invalid JSON"), (b'"x"', "Invalid JSON"),
            (b"\xff", "Invalid JSON"), (b"[" * 1000, "Invalid JSON"),
            (b"{}", "Missing key `id' in JSON"),
            (b'{"id": 7}', "JSON data contains invalid id"), (b'{"id": "x"}', "JSON data contains invalid id"),
            (other.json, "JSON data contains invalid id"),
            (json.dumps({"id": image.id, "parent": "x"}).encode(), "JSON data contains invalid parent"),
            (json.dumps({"id": image.id, "parent": image.id}).encode(), "JSON data contains invalid parent"),
            (json.dumps({"id": image.id, "parent": other.id}).encode(), "Image depends on a non existing parent")):
        assert error_of(client.put(path, body=body)) == (400, error), body[:80]
    assert client.get(path).status == 404


def test_a_push_that_broke_off_begins_again(client, seed):
    """With another packing of the layer, and at last another JSON."""
    image = make_image(seed)
    plain = gzip.decompress(image.layer)
    path = path_of(image)
    for level in (1, 5, 9):
        assert client.put(path + "/json", body=image.json).status == 200
        assert client.put(path + "/layer", body=gzip.compress(plain, level, mtime=level)).status == 200
    later = LocalImage(image.id, image.json.replace(b"1.5.0", b"1.4.1"), image.layer)
    assert client.put(path + "/json", body=later.json).status == 200
    assert error_of(put_checksum(client, later, image.payload_checksum))[0] in (400, 409)   # of the JSON before
    push(client, later)
    assert client.get(path + "/json").body == later.json
    assert client.get(path + "/layer").body == later.layer


def test_two_clients_push_one_image(client, seed):
    """Each packs the layer in its own way; whoever is first to finish is the one."""
    image = make_image(seed)
    other = LocalImage(image.id, image.json, gzip.compress(gzip.decompress(image.layer), 1, mtime=7))
    path = path_of(image)
    for one in (image, other):
        assert client.put(path + "/json", body=one.json).status == 200
    for one in (image, other):
        assert client.put(path + "/layer", body=one.layer).status == 200
    assert put_checksum(client, image, image.payload_checksum).status == 200
    assert error_of(put_checksum(client, other, other.payload_checksum))[0] == 409
    assert client.get(path + "/layer").body == image.layer


def test_tarsum_alone(client, seed):
    """As docker 0.6 to 0.9 send it."""
    image = make_image(seed, files={"etc": None, "etc/motd": b"hi\n", "a" * 99: b"x" * 5000})
    path = path_of(image)
    client.put(path + "/json", body=image.json)
    client.put(path + "/layer", body=image.layer)
    assert error_of(put_checksum(client, image, tarsum_="tarsum+sha256:" + "0" * 64))[0] == 400
    assert put_checksum(client, image, tarsum_=image.tarsum).status == 200
    assert client.get(path + "/json").status == 200


def test_the_payload_decides_where_both_come(client, registry, seed):
    image = make_image(seed)
    client.put(path_of(image) + "/json", body=image.json)
    client.put(path_of(image) + "/layer", body=image.layer)
    wrong = "tarsum+sha256:" + "1" * 64
    assert put_checksum(client, image, image.payload_checksum, wrong).status == 200
    assert wrong in registry.log()


@pytest.mark.parametrize("pack", [lambda data: data, bz2.compress, lzma.compress, gzip.compress,
                                  lambda data: gzip.compress(data[:700]) + gzip.compress(data[700:])],
                         ids=["plain", "bzip2", "xz", "gzip", "gzip of two members"])
def test_packings(client, repo, seed, pack):
    plain = gzip.decompress(make_layer({"file": seed.encode() * 300}))
    image = make_image(seed, layer=pack(plain))
    path = path_of(image)
    client.put(path + "/json", body=image.json)
    assert client.put(path + "/layer", body=image.layer).status == 200
    assert put_checksum(client, image, image.payload_checksum, tarsum(plain, image.json)).status == 200
    assert client.get(path + "/layer").body == image.layer
    assert client.get(path + "/files").json() == [["/file", "f", False, len(seed) * 300, 1400000000, 0o644, 0, 0]]
    assert tag(client, repo, "t", image).status == 200
    manifest = client.get(client.manifest(repo, "t")).json()
    config = client.fetch_blob(repo, manifest["config"]["digest"])
    assert gzip.decompress(client.fetch_blob(repo, manifest["layers"][0]["digest"])) == plain     # whatever it was
    assert manifest["layers"][0]["mediaType"] == harness.DOCKER_LAYER
    assert json.loads(config)["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(plain).hexdigest()]


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:20] + b"\xff" * 9 + data[29:],
                                    lambda data: data + b"rest"], ids=["cut", "changed", "longer"])
def test_a_damaged_layer(client, seed, damage):
    image = make_image(seed)
    client.put(path_of(image) + "/json", body=image.json)
    assert client.put(path_of(image) + "/layer", body=damage(image.layer)).status == 400
    assert client.get(path_of(image) + "/json").status == 400
    push(client, image)


def test_tags(client, repo, seed):
    base = make_image(seed)
    top = make_image(seed + " top", base)
    push(client, base, top)
    tags = f"/v1/repositories/{repo}/tags"
    assert error_of(tag(client, repo, ".bad", top)) == (400, "Invalid tag name")
    for body in (b"", b"[]", b"{}", b"x"):
        assert error_of(client.put(tags + "/v1", body=body)) == (400, "Invalid data")
    for body in (b'"x"', b'"' + b"0" * 64 + b'"'):
        assert client.put(tags + "/v1", body=body).status == 404
    assert client.get(tags).status == 404
    assert tag(client, repo, "v1", base).status == 200
    assert tag(client, repo, "v1", top).status == 200
    assert tag(client, repo, "base", base).status == 200
    assert client.get(tags).json() == {"base": base.id, "v1": top.id}
    assert client.get(tags + "/v1").body == json.dumps(top.id).encode()
    images = client.get(f"/v1/repositories/{repo}/images").json()
    assert {"id": top.id, "checksum": top.payload_checksum} in images
    assert sorted(image["id"] for image in images) == sorted([base.id, top.id])
    assert client.get(client.tags(repo)).json()["tags"] == ["base", "v1"]     # one and the same tags

    assert client.delete(tags + "/base").status == 200
    assert client.delete(tags + "/base").status == 404
    assert client.get(tags).json() == {"v1": top.id}
    assert client.get(client.manifest(repo, "base")).status == 404
    assert client.delete(f"/v1/repositories/{repo}/images").status == 204
    assert client.delete(f"/v1/repositories/{repo}/").status == 200
    for path in (tags, tags + "/v1", f"/v1/repositories/{repo}/images"):
        assert client.get(path).status == 404, path
    for path in (f"/v1/repositories/{repo}/", tags):
        assert error_of(client.delete(path)) == (404, "Repository not found")
    assert tag(client, repo, "v1", top).status == 200
    assert client.get(tags).json() == {"v1": top.id}


NOTHING_KNOWN = {"last_update": None, "docker_version": None, "docker_go_version": None, "arch": "amd64", "os": "linux",
                 "kernel": None}
DOCKER = "docker/1.5.0 go/go1.4.1 git-commit/a8a31ef kernel/3.13.0-45-GENERIC os/linux arch/amd64"


@pytest.mark.parametrize("agent, told", [
    (DOCKER, {"docker_version": "1.5.0", "docker_go_version": "go1.4.1", "kernel": "3.13.0-45-generic", "os": "linux",
              "arch": "amd64"}),
    ("docker/0.7.0 go/go1.2rc3 git-commit/0d078b6 kernel/3.8.0", {
        "docker_version": "0.7.0", "docker_go_version": "go1.2rc3", "kernel": "3.8.0"}),
    (DOCKER.replace("amd64", "ARM64") + r" UpstreamClient(Docker-Client/17.03 \(linux\)) docker/2 x/ /y z", {
        "docker_version": "2", "docker_go_version": "go1.4.1", "kernel": "3.13.0-45-generic", "os": "linux",
        "arch": "arm64"}),
    ("curl", {}), ("docker/" + "x" * 2000, {"docker_version": "x" * 505}), ('os/"\\', {"os": '"\\'}),
], ids=["1.5", "0.7", "more in it", "nothing", "long", "to be escaped"])
def test_who_pushed_a_tag(client, repo, seed, agent, told):
    """As docker-registry tells it: of the push of a tag by a v1 client, and for the repository that of `latest`."""
    image, other = make_image(seed), make_image(seed + " other")
    push(client, image, other)
    path = f"/v1/repositories/{repo}"
    start = int(time.time())
    for name in ("latest", "other"):
        body = json.dumps(image.id).encode()
        assert client.put(f"{path}/tags/{name}", {"User-Agent": agent}, body).status == 200
    for about in (f"{path}/tags/latest/json", f"{path}/tags/other/json", f"{path}/json"):
        document = client.get(about).json()
        assert start <= document.pop("last_update") <= time.time()
        assert document == told
    # A v2 client moves the tag: who that was nobody noted.
    assert tag(client, repo, "spare", other).status == 200
    manifest = client.get(client.manifest(repo, "spare")).body
    assert client.put_manifest(repo, "latest", manifest, harness.DOCKER_MANIFEST).status == 201
    for about in (f"{path}/tags/latest/json", f"{path}/json"):
        assert client.get(about).json() == NOTHING_KNOWN
    assert client.get(f"{path}/tags/none/json").status == 404
    assert client.delete(f"{path}/tags/latest").status == 200
    assert client.get(f"{path}/json").json() == NOTHING_KNOWN


def test_an_unfinished_image_cannot_be_tagged(client, repo, seed):
    base = make_image(seed)
    top = make_image(seed + " top", base)
    client.put(path_of(base) + "/json", body=base.json)
    push(client, top)       # its parent has a JSON, and no layer
    assert error_of(tag(client, repo, "v1", top)) == (400, "Image is being uploaded, retry later")
    assert client.get(client.manifest(repo, "v1")).status == 404
    push(client, base)
    assert tag(client, repo, "v1", top).status == 200


@pytest.mark.parametrize("written, read", [("one", "library/one"), ("library/two", "two")])
def test_library_is_no_namespace(client, seed, written, read):
    image = make_image(seed)
    push(client, image)
    assert tag(client, written, "t", image).status == 200
    for name in (written, read):
        assert client.get(f"/v1/repositories/{name}/tags").json() == {"t": image.id}
        assert client.get(f"/v1/repositories/{name}/images").status == 200
    assert client.get(client.manifest(written.removeprefix("library/"), "t")).status == 200


# Tokens --------------------------------------------------------------------------------------------------------------


def announce(client, repo, headers=()):
    return client.put(f"/v1/repositories/{repo}/", [("X-Docker-Token", "true"), *headers], b"[]")


def test_announcing_a_push(client, registry, repo):
    for path in (f"/v1/repositories/{repo}/", f"/v1/repositories/{repo}"):
        reply = client.put(path, {"X-Docker-Token": "true", "Authorization": "Basic Og=="},
                           json.dumps([{"id": "1" * 64}, {"id": "2" * 64, "Tag": "v1"}]).encode())
        assert (reply.status, reply.body) == (200, b'""')
        assert reply.header("X-Docker-Endpoints") == registry.authority
        assert reply.header("X-Docker-Token") == reply.header("WWW-Authenticate")
        assert f'repository="{repo}"' in reply.header("X-Docker-Token")
        assert "access=write" in reply.header("X-Docker-Token")
    for body in (b"", b"{}", b"[1]", b"[{}]"):
        assert error_of(client.put(path, body=body)) == (400, "Error Decoding JSON")
    reply = client.put(path + "/images", {"X-Docker-Endpoints": "http://x/v1/"}, b"[]")
    assert (reply.status, reply.body) == (204, b"")
    reply = client.put(path + "/", {"Host": "registry.test:1234"}, b"[]")
    assert reply.header("X-Docker-Endpoints") == "registry.test:1234"


@pytest.mark.parametrize("form", ["{}", "Token {}", "token {}"])
def test_a_token_is_taken(client, repo, seed, form):
    image = make_image(seed)
    push(client, image)
    token = {"Authorization": form.format(announce(client, repo).header("X-Docker-Token"))}
    assert client.get(path_of(image) + "/json", token).status == 200
    reply = client.put(f"/v1/repositories/{repo}/tags/v1", token, json.dumps(image.id).encode())
    assert reply.status == 200, reply
    assert client.put(f"/v1/repositories/{repo}/auth", token).body == b'"OK"'
    reply = client.get(f"/v1/repositories/{repo}/layer/{image.id}/access", token)
    assert reply.json() == {"access": True}


def test_a_token_that_is_refused(client, repo, seed):
    image = make_image(seed)
    push(client, image)
    assert tag(client, repo, "t", image).status == 200
    write = announce(client, repo).header("X-Docker-Token")
    read = client.get(f"/v1/repositories/{repo}/images").header("X-Docker-Token")
    assert "access=read" in read
    tags = f"/v1/repositories/{repo}/tags"
    for forged in (write.replace(repo, "other/repo"), read.replace("access=read", "access=write"),
                   write.replace("expires=1", "expires=2"), "Token signature=,repository=\"x\",access=write",
                   "Token signature=00", "Token x"):
        for path in (tags, path_of(image) + "/json"):
            reply = client.get(path, {"Authorization": forged})
            assert reply.status == 401 and reply.header("WWW-Authenticate") == "Token", f"{forged}: {reply}"
    assert client.get(tags, {"Authorization": read}).status == 200
    assert client.put(tags + "/t", {"Authorization": read}, json.dumps(image.id).encode()).status == 403
    assert client.put(path_of(image) + "/json", {"Authorization": read}, image.json).status == 403
    other = announce(client, "other/name").header("X-Docker-Token")
    assert client.get(tags, {"Authorization": other}).status == 403
    for harmless in ("Basic Og==", "Bearer x", "Token ", "Token"):
        assert client.get(tags, {"Authorization": harmless}).status == 200, harmless


def test_properties(client, repo):
    path = f"/v1/repositories/{repo}/properties"
    assert client.get(path).json() == {"access": "public"}
    assert client.put(path, body=b'{"access":"public"}').status == 200
    assert client.put(path, body=b'{"access":"private"}').status == 400
    assert client.put(path, body=b"[").status == 400


# Reading -------------------------------------------------------------------------------------------------------------


def test_parts_of_an_image_are_kept_by_caches(client, seed):
    base = make_image(seed)
    top = make_image(seed + " top", base)
    push(client, base, top)
    assert client.get(path_of(top) + "/ancestry").json() == [top.id, base.id]
    for part in ("json", "ancestry", "layer", "files"):
        reply = client.get(f"{path_of(top)}/{part}")
        assert reply.status == 200, reply
        assert reply.header("Cache-Control") == "public, max-age=31536000"
        assert reply.header("Expires").endswith("GMT")
        assert reply.header("Last-Modified") == "Thu, 01 Jan 1970 00:00:00 GMT"
        assert reply.header("X-Docker-Registry-Version") == "0.9.1"
        assert reply.header("Docker-Distribution-Api-Version") is None
        again = client.get(f"{path_of(top)}/{part}", {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"})
        assert (again.status, again.body) == (304, b"")
        assert again.header("Cache-Control") == "public, max-age=31536000"
        head = client.head(f"{path_of(top)}/{part}")
        assert (head.status, head.header("Content-Length")) == (200, str(len(reply.body)))


def test_ranges_of_a_layer(client, seed):
    image = make_image(seed, files={"f": seed.encode() * 1000})
    push(client, image)
    path, size = path_of(image) + "/layer", len(image.layer)
    whole = client.get(path)
    assert (whole.status, whole.header("Accept-Ranges"), whole.body) == (200, "bytes", image.layer)
    part = client.get(path, {"Range": f"bytes=10-{size}"})       # one past the end, as docker has it
    assert (part.status, part.body) == (206, image.layer[10:])
    assert part.header("Content-Range") == f"bytes 10-{size - 1}/{size}"
    end = client.get(path, {"Range": f"bytes={size}-{size}"})
    assert (end.status, end.header("Content-Length"), end.body) == (416, "0", b"")
    assert client.get(path, {"Range": f"bytes={size + 5}-"}).status == 416


def test_the_blob_is_gone(client, registry, repo, seed):
    """Garbage collection of docker-registry takes what no manifest names: the image is pushed again then."""
    image = make_image(seed)
    push(client, image)
    hexa = hashlib.sha256(image.layer).hexdigest()
    (registry.v2_root / "blobs" / "sha256" / hexa[:2] / hexa / "data").unlink()
    assert client.get(path_of(image) + "/json").status == 400
    assert tag(client, repo, "t", image).status == 400
    push(client, image)
    assert tag(client, repo, "t", image).status == 200
