"""Images made from nothing: layers as gzipped tars, and OCI layouts on disk for clients that copy files."""
import gzip
import hashlib
import io
import json
import pathlib
import random
import tarfile

from harness import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, descriptor, digest


def random_bytes(size, seed):
    """Bytes that do not compress, the same for the same seed."""
    return random.Random(seed).randbytes(size)


def tar(files, mode=0o644):
    """An uncompressed tar of name → bytes, the same for the same files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


class Layer:
    """A layer of one file of `size` random bytes: `blob` is what is stored, `diff_id` what the config names."""

    def __init__(self, seed, size=1000):
        plain = tar({f"file-{seed}": random_bytes(size, seed)})
        self.blob = gzip.compress(plain, compresslevel=1, mtime=0)
        self.diff_id = "sha256:" + hashlib.sha256(plain).hexdigest()


def config_of(layers, architecture="amd64", system="linux"):
    return json.dumps({
        "architecture": architecture,
        "os": system,
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created_by": "test"} for _ in layers],
    }).encode()


class OciLayout:
    """An OCI layout folder: `oci:<folder>:<name>` to skopeo, podman and buildah."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "blobs" / "sha256").mkdir(parents=True)
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self._entries = []
        self._write_index()

    def _write_index(self):
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self._entries}))

    def _store(self, data):
        (self.folder / "blobs" / "sha256" / digest(data).removeprefix("sha256:")).write_bytes(data)
        return data

    def read(self, blob_digest):
        return (self.folder / "blobs" / "sha256" / blob_digest.removeprefix("sha256:")).read_bytes()

    def reference(self, name):
        return f"oci:{self.folder}:{name}"

    def add(self, name, media_type, document, blobs=()):
        """Adds a manifest or index (a map) and the blobs it is made of under a name; returns its bytes. Without a name
        it is only kept, for an index to name."""
        for blob in blobs:
            self._store(blob)
        manifest = self._store(json.dumps(document).encode())
        self._name(name, media_type, manifest)
        return manifest

    def _name(self, name, media_type, manifest, **more):
        if name is None:
            return
        annotations = {"org.opencontainers.image.ref.name": name}
        self._entries.append(descriptor(media_type, manifest, annotations=annotations, **more))
        self._write_index()

    def _manifest(self, layers, architecture):
        config = self._store(config_of(layers, architecture))
        for layer in layers:
            self._store(layer.blob)
        return self._store(json.dumps({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(OCI_CONFIG, config),
            "layers": [descriptor(OCI_LAYER, layer.blob) for layer in layers],
        }).encode())

    def add_image(self, name, layers, architecture="amd64"):
        """Adds an image under a name and returns its manifest's bytes."""
        manifest = self._manifest(layers, architecture)
        self._name(name, OCI_MANIFEST, manifest)
        return manifest

    def add_index(self, name, images):
        """Adds an index of architecture → layers under a name; returns its bytes and architecture → manifest."""
        manifests = {architecture: self._manifest(layers, architecture) for architecture, layers in images.items()}
        index = self._store(json.dumps({
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [descriptor(OCI_MANIFEST, manifest, platform={"architecture": architecture, "os": "linux"})
                          for architecture, manifest in manifests.items()],
        }).encode())
        self._name(name, OCI_INDEX, index)
        return index, manifests
