"""Manifests for the tests: indexes, and image manifests of an exact size."""
import json

from harness import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, image_manifest

LIMIT = 4 * 1024 * 1024     # a manifest may have this many bytes

OF_IMAGE = {DOCKER_MANIFEST: "Docker manifest", OCI_MANIFEST: "OCI manifest"}
OF_INDEX = {DOCKER_LIST: "Docker list", OCI_INDEX: "OCI index"}


def index(media_type, children, **more):
    """The bytes of a manifest list or index over pushed images: (Image, architecture) pairs, all for Linux.

    media_type: also `None`, for an OCI index that leaves its own out.
    """
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [{"mediaType": image.media_type, "digest": image.digest, "size": len(image.manifest),
                       "platform": {"architecture": architecture, "os": "linux"}} for image, architecture in children],
    } | more
    return json.dumps({key: value for key, value in document.items() if value is not None}).encode()


def manifest_of_size(size, config, layers, media_type=OCI_MANIFEST):
    """A valid image manifest of exactly `size` bytes, by way of an annotation."""
    bare = image_manifest(media_type, config, layers, annotations={"pad": ""})
    return image_manifest(media_type, config, layers, annotations={"pad": "x" * (size - len(bare))})
