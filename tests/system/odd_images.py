"""Content that registries meet less often, each a function that adds it to an OCI layout under a name and returns the
bytes of its manifest: other compressions, foreign layers, artifacts, nothing at all, a lot, trees of indexes."""
import gzip
import hashlib
import json
import struct
import tarfile

from harness import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, descriptor, digest
from images import Layer, config_of, random_bytes, tar

OCI_EMPTY = "application/vnd.oci.empty.v1+json"
OCI_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
OCI_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
MANIFEST_LIMIT = 4 << 20        # bytes; berth takes manifests up to here, and so do the clients
EMPTY_JSON = b"{}"
EMPTY = descriptor(OCI_EMPTY, EMPTY_JSON) | {"data": "e30="}
ZSTD_BLOCK = 1 << 17            # bytes of a block at most


def zstd(data):
    """A zstd frame that stores the bytes uncompressed (RFC 8878): magic, 8-byte content size, raw blocks."""
    frame = b"\x28\xb5\x2f\xfd" + b"\xe0" + struct.pack("<Q", len(data))
    blocks = [data[at:at + ZSTD_BLOCK] for at in range(0, len(data), ZSTD_BLOCK)] or [b""]
    for number, block in enumerate(blocks):
        is_last = number == len(blocks) - 1
        frame += struct.pack("<I", is_last | len(block) << 3)[:3] + block
    return frame


def estargz(files):
    """An eStargz layer of name → bytes: a gzip member a file, a member with the table of contents, a footer that says
    where that begins. Returns the blob, the digest of its uncompressed tar and the digest of the table."""
    blob, plain, entries = b"", b"", []
    for name, data in files.items():
        entries.append({"name": name, "type": "reg", "size": len(data), "mode": 0o644, "offset": len(blob),
                        "digest": digest(data), "chunkDigest": digest(data)})
        part = _entry(name, data)
        plain += part
        blob += gzip.compress(part, mtime=0)
    toc = json.dumps({"version": 1, "entries": entries}).encode()
    part = _entry("stargz.index.json", toc) + bytes(1024)
    plain += part
    extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % len(blob)
    footer = b"\x1f\x8b\x08\x04" + bytes(4) + b"\0\xff" + struct.pack("<H", len(extra)) + extra + \
        b"\x01\0\0\xff\xff" + bytes(8)
    blob += gzip.compress(part, mtime=0) + footer
    return blob, "sha256:" + hashlib.sha256(plain).hexdigest(), digest(toc)


def _entry(name, data):
    """One file of a tar, padded to its blocks, without the end of the archive."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o644
    return entry.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % tarfile.BLOCKSIZE)


def _config(diff_ids):
    return json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                       "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()


def _image(layout, name, config, layers, blobs, **more):
    return layout.add(name, OCI_MANIFEST, {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(OCI_CONFIG, config),
        "layers": layers,
    } | more, [config, *blobs])


def add_zstd(layout, name):
    plain = tar({"file": random_bytes(300_000, name)})
    blob = zstd(plain)
    return _image(layout, name, _config([digest(plain)]), [descriptor(OCI_ZSTD, blob)], [blob])


def add_estargz(layout, name):
    blob, diff_id, toc = estargz({"a": random_bytes(5000, name), "b": b"short", "c": b""})
    layer = descriptor(OCI_LAYER, blob, annotations={"containerd.io/snapshot/stargz/toc.digest": toc})
    return _image(layout, name, _config([diff_id]), [layer], [blob])


def add_without_layers(layout, name):
    return _image(layout, name, _config([]), [], [])


def add_foreign(layout, name):
    """Two layers, of which the first is somewhere else in the world and not in the layout."""
    away, here = Layer(name + "-away"), Layer(name)
    foreign = descriptor(OCI_FOREIGN, away.blob, urls=["https://layers.invalid/base.tar.gz"])
    return _image(layout, name, config_of([away, here]), [foreign, descriptor(OCI_LAYER, here.blob)], [here.blob])


def add_artifact(layout, name):
    """An artifact as the image spec wants it without anything to configure: the empty descriptor, data and all."""
    data = b"what is kept for " + name.encode()
    return layout.add(name, OCI_MANIFEST, {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.example.data.v1",
        "config": EMPTY,
        "layers": [descriptor("application/vnd.example.data.v1+text", data)],
    }, [EMPTY_JSON, data])


def add_artifact_of_nothing(layout, name):
    """An artifact that says all in its annotations."""
    return layout.add(name, OCI_MANIFEST, {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.example.note.v1",
        "config": EMPTY,
        "layers": [EMPTY],
        "annotations": {"org.example.note": name},
    }, [EMPTY_JSON])


def add_large_manifest(layout, name):
    """A manifest of exactly the limit."""
    layer = Layer(name)
    config = config_of([layer])

    def document(filling):
        return {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(OCI_CONFIG, config),
            "layers": [descriptor(OCI_LAYER, layer.blob)],
            "annotations": {"org.example.filling": filling},
        }

    room = MANIFEST_LIMIT - len(json.dumps(document("")))
    manifest = layout.add(name, OCI_MANIFEST, document("x" * room), [config, layer.blob])
    assert len(manifest) == MANIFEST_LIMIT
    return manifest


def add_nested_index(layout, name):
    """An index of an index of two platforms, and of an image beside it."""
    layers = {architecture: [Layer(f"{name}-{architecture}")] for architecture in ("amd64", "arm64", "s390x")}
    inner, _ = layout.add_index(None, {"amd64": layers["amd64"], "arm64": layers["arm64"]})
    beside = layout.add_image(None, layers["s390x"], "s390x")
    return layout.add(name, OCI_INDEX, {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [descriptor(OCI_INDEX, inner),
                      descriptor(OCI_MANIFEST, beside, platform={"architecture": "s390x", "os": "linux"})],
    })


def add_attested_index(layout, name):
    """What a new docker pushes: an image beside a manifest of statements about it, which names no platform that is
    and whose layers are in-toto statements."""
    image = layout.add_image(None, [Layer(name)])
    statement = json.dumps({"_type": "https://in-toto.io/Statement/v0.1", "subject": [{"name": name}]}).encode()
    layer = descriptor("application/vnd.in-toto+json", statement,
                       annotations={"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"})
    config = json.dumps({"architecture": "unknown", "os": "unknown", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": [digest(statement)]}}).encode()
    attestation = _image(layout, None, config, [layer], [statement])
    return layout.add(name, OCI_INDEX, {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            descriptor(OCI_MANIFEST, image, platform={"architecture": "amd64", "os": "linux"}),
            descriptor(OCI_MANIFEST, attestation, platform={"architecture": "unknown", "os": "unknown"}, annotations={
                "vnd.docker.reference.digest": digest(image), "vnd.docker.reference.type": "attestation-manifest"})],
    })


ODD = {function.__name__.removeprefix("add_"): function for function in (
    add_zstd, add_estargz, add_without_layers, add_foreign, add_artifact, add_artifact_of_nothing, add_large_manifest,
    add_nested_index, add_attested_index)}
