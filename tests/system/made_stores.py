"""Stores that are written to disk file by file, in docker/distribution's layout, for the tests of collections.

Quicker than pushing, and it makes what no registry would: torn links, manifests of unknown types, what a crash leaves.
"""
import hashlib
import json
import random

from harness import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, descriptor, digest, image_manifest

TYPES = (DOCKER_MANIFEST, OCI_MANIFEST)


class MadeStore:
    """A root, and what was put into it by `repository`s."""

    def __init__(self, root):
        self.root = root
        self.v2 = root / "docker" / "registry" / "v2"
        self.v2.mkdir(parents=True)
        (self.v2 / "repositories").mkdir()

    def write(self, path, data):
        path = self.v2 / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def blob(self, data, name=None):
        """Stores bytes as a blob, of their own digest or, damaged, of another."""
        name = name or digest(data)
        hexadecimal = name.removeprefix("sha256:")
        self.write(f"blobs/sha256/{hexadecimal[:2]}/{hexadecimal}/data", data)
        return name

    def path_of(self, blob_digest):
        hexadecimal = blob_digest.removeprefix("sha256:")
        return self.v2 / "blobs" / "sha256" / hexadecimal[:2] / hexadecimal / "data"

    def blobs(self):
        return {f"sha256:{path.parent.name}" for path in (self.v2 / "blobs").glob("sha256/*/*/data")}

    def repository(self, name):
        return MadeRepository(self, name)


class MadeRepository:
    def __init__(self, store, name):
        self.store = store
        self.name = name
        self.path = f"repositories/{name}"

    def layer(self, data, under=None):
        """A blob with a link; under: another digest that the link is under."""
        name = self.store.blob(data)
        self.store.write(f"{self.path}/_layers/{(under or name).replace(':', '/')}/link", name)
        return under or name

    def revision(self, data, content=None):
        name = self.store.blob(data)
        self.store.write(self.revision_link(name), name if content is None else content)
        return name

    def revision_link(self, name):
        return f"{self.path}/_manifests/revisions/sha256/{name.removeprefix('sha256:')}/link"

    def tag(self, tag, name):
        self.store.write(f"{self.path}/_manifests/tags/{tag}/current/link", name)
        self.store.write(f"{self.path}/_manifests/tags/{tag}/index/{name.replace(':', '/')}/link", name)

    def image(self, what, tag=None, layers=(), media_type=OCI_MANIFEST, **more):
        """An image of a config and a layer of its own, and of other layers; returns its digest."""
        config, own = f'{{"for":"{what}"}}'.encode(), f"layer of {what}".encode()
        for data in (config, own, *layers):
            self.layer(data)
        name = self.revision(image_manifest(media_type, config, [own, *layers], **more))
        if tag:
            self.tag(tag, name)
        return name

    def index(self, children, tag=None, media_type=OCI_INDEX):
        """children: digests of what is stored."""
        document = {"schemaVersion": 2, "mediaType": media_type, "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": child, "size": self.store.path_of(child).stat().st_size}
            for child in children]}
        name = self.revision(json.dumps(document).encode())
        if tag:
            self.tag(tag, name)
        return name


def subject_of(data):
    return descriptor(OCI_MANIFEST, data)


def sha512_of(data):
    return "sha512:" + hashlib.sha512(data).hexdigest()


def references(store, name, seen=None):
    """A manifest and all that it needs, by digests: itself, its config and layers, its children and theirs."""
    seen = set() if seen is None else seen
    if name in seen:
        return seen
    seen.add(name)
    document = json.loads(store.path_of(name).read_bytes())
    seen.update(part["digest"] for part in [document.get("config"), *document.get("layers", [])] if part)
    for child in document.get("manifests", []):
        references(store, child["digest"], seen)
    return seen


def make_random(root, seed):
    """A store without anything odd; returns it, and what its tags need."""
    dice = random.Random(seed)
    store = MadeStore(root)
    shared = [b"shared layer %d" % number for number in range(8)]
    needed = set()
    for number in range(dice.randrange(1, 12)):
        repository = store.repository(dice.choice(["app", "team/app", "team/sub/app", "x-y"]) + str(number))
        kept = [_random_image(dice, repository, shared, number, index) for index in range(dice.randrange(1, 8))]
        kept = [name for name in kept if dice.random() > 0.15 or _delete(store, repository, name)]
        if kept and dice.random() < 0.6:
            repository.index(dice.sample(kept, dice.randrange(1, len(kept) + 1)), dice.choice(["multi", None]),
                             dice.choice([OCI_INDEX, DOCKER_LIST]))
        for garbage in range(dice.randrange(4)):
            repository.layer(b"garbage %d %d" % (number, garbage))
        repository.image(f"{number}/tagged", "tagged")     # without any tags the peer's collector gives up
    for link in sorted(store.v2.glob("repositories/**/_manifests/tags/*/current/link")):
        needed |= references(store, link.read_text())
    for number in range(dice.randrange(6)):
        store.blob(b"without a link %d" % number)
    return store, needed


def _random_image(dice, repository, shared, number, index):
    return repository.image(f"{number}/{index}", dice.choice([f"v{index}", "latest", None]),
                            dice.sample(shared, dice.randrange(4)), dice.choice(TYPES))


def _delete(store, repository, name):
    (store.v2 / repository.revision_link(name)).unlink()
    for tag in (store.v2 / repository.path).glob("_manifests/tags/*/current/link"):
        if tag.read_text() == name:
            tag.unlink()
