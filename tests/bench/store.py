"""What the stores hold, and how they are kept as they were between two pushes."""
import concurrent.futures
import hashlib
import itertools
import os
import shutil

from servers import PUSHED, REPOSITORY, harness

SIZES = {"1 KB": 1024, "1 MB": 1 << 20, "64 MB": 64 << 20, "1 GB": 1 << 30}
TAGS = "bench/tags"
FILLERS = 8             # clients at once: most of filling is waiting for the disk
LARGE = 64 << 10        # what is worth the space that it would take until the end
PIECE = 64 << 20        # of a large blob
LAYERS = 10             # of the image whose manifest is pulled: an ordinary size of some 2 KB


class Content:
    """The digests that the measurements ask for."""

    def __init__(self):
        self.blobs = {}         # name of a size → digest
        self.empty = None       # of the blob without bytes
        self.manifest = None    # of REPOSITORY:latest
        self.sources = []       # (repository, digest): layers to mount from


def _push(client, size):
    if size <= PIECE:
        return client.push_blob(REPOSITORY, os.urandom(size))
    return client.push_blob_chunked(REPOSITORY, [os.urandom(PIECE)] * (size // PIECE))


def fill(client, tags, repositories, sizes):
    """Pushes through the API what all measurements need."""
    content = Content()
    for name, size in sizes.items():
        content.blobs[name] = _push(client, size)
    content.empty = client.push_blob(REPOSITORY, b"")
    layers = [b"layer %d" % number for number in range(LAYERS)]
    content.manifest = client.make_image(REPOSITORY, layers, tag="latest").digest
    tagged = client.make_image(TAGS, tag="v0000")

    def tag(number):
        reply = client.put_manifest(TAGS, f"v{number:04}", tagged.manifest, tagged.media_type)
        assert reply.status == 201, reply

    def make_repository(number):
        repository = f"catalog/team-{number % 20:02}/app-{number:04}"
        return repository, client.make_image(repository, tag="latest").layers[0]

    with concurrent.futures.ThreadPoolExecutor(FILLERS) as fillers:
        list(fillers.map(tag, range(1, tags)))
        content.sources = list(fillers.map(make_repository, range(repositories)))
    return content


def make_repository_directories(v2_root, name):
    """What makes a name one of the catalog's: berth and newer registries look for _manifests, the peer for _layers."""
    for part in ("_layers", "_manifests"):
        os.makedirs(v2_root / "repositories" / name / part)


def grow(v2_root, count):
    """Makes a store have `count` repositories, tags of TAGS, and blobs, with the fewest files that make each one.

    Repositories and tags are in one directory each: the hardest case.
    """
    repositories = v2_root / "repositories"
    digest = (repositories / REPOSITORY / "_manifests/tags/latest/current/link").read_text()
    for number in range(count):
        os.makedirs(repositories / TAGS / "_manifests" / "tags" / f"v{number:06}" / "current")
        (repositories / TAGS / "_manifests" / "tags" / f"v{number:06}" / "current" / "link").write_text(digest)
        make_repository_directories(v2_root, f"grown/app-{number:06}")
        hexadecimal = hashlib.sha256(b"%d" % number).hexdigest()
        blob = v2_root / "blobs" / "sha256" / hexadecimal[:2] / hexadecimal
        os.makedirs(blob)
        (blob / "data").write_text(str(number))


def copy(source, target):
    """Gives another registry the same store: both read the same layout, and it is quicker than a second filling."""
    shutil.copytree(source.v2_root, target.v2_root)


class Cleaner:
    """Takes from a store what came in since: every measurement of a push then starts from the same one.

    Nothing is removed until the end, large files are but emptied: ext4 without a journal makes files the more slowly,
    the more of them were removed in the last minutes, and the next measurement would pay for it, whoever's it is.
    """

    def __init__(self, registry):
        self._root = registry.v2_root
        self._taken = registry.root.with_name(f"taken-from-{registry.root.name}")   # on the same file system
        self._names = itertools.count()
        self._kept = set(self._blobs())
        os.makedirs(self._taken)

    def _blobs(self):
        for folder in os.scandir(self._root / "blobs" / "sha256"):
            for blob in os.scandir(folder):
                yield blob.path

    def _take(self, path):
        os.rename(path, self._taken / str(next(self._names)))

    def clean(self):
        if os.path.exists(self._root / "repositories" / PUSHED):
            self._take(self._root / "repositories" / PUSHED)
        for path in list(self._blobs()):
            if path in self._kept:
                continue
            if os.path.getsize(path + "/data") > LARGE:
                os.truncate(path + "/data", 0)
            self._take(path)
        os.sync()   # what one server left unwritten, and the removal, must not be written in the next one's time
