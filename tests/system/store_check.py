"""Walks a store on disk (docs/storage-layout.md) and names everything that must never be there, whatever happened.

Holds after any crash and beside any number of writers: a blob's bytes hash to its path; a link is exactly one digest
whose blob exists; what a manifest needs is linked in its repository; a tag has its revision.
"""
import hashlib
import json
import pathlib
import re

DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")
STARTED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
BLOB_PATH = re.compile(r"sha256/([0-9a-f]{2})/([0-9a-f]{64})/data")
LINK_PATHS = re.compile(r"(_layers/(?P<layer>sha(?:256|384|512)/[0-9a-f]+)"
                        r"|_manifests/revisions/(?P<revision>sha256/[0-9a-f]{64})"
                        r"|_manifests/aliases/(?P<alias>sha(?:384|512)/[0-9a-f]+)"
                        r"|_manifests/referrers/sha(?:256|384|512)/[0-9a-f]+/(?P<referrer>sha(?:256|384|512)/[0-9a-f]+)"
                        r"|_manifests/tags/[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
                        r"/(current|index/(?P<index>sha256/[0-9a-f]{64})))/link")
TAG_ALIAS = re.compile(r"_manifests/tags/[A-Za-z0-9_][A-Za-z0-9._-]{0,127}/current/alias")
OTHER_DIGEST = re.compile(r"sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
UPLOAD_PATHS = re.compile(r"_uploads/[A-Za-z0-9._=-]+/(startedat|data|hashstates/sha256/[0-9]+)")
READ_BYTES = 1 << 20


def file_sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def blob_file(v2_root, blob_digest):
    hexadecimal = blob_digest.removeprefix("sha256:")
    return v2_root / "blobs" / "sha256" / hexadecimal[:2] / hexadecimal / "data"


def problems(v2_root, deletions=False, collected=False):
    """One line for each broken rule.

    deletions: manifests may have lost their layers' links, tags their revisions; collected: links may have lost their
    blobs, as docker-registry 2.8's garbage-collect leaves it.
    """
    v2_root = pathlib.Path(v2_root)
    return [*_blob_problems(v2_root), *_repository_problems(v2_root, deletions, collected)]


def assert_whole(v2_root, deletions=False, collected=False):
    found = problems(v2_root, deletions, collected)
    assert not found, "\n".join(found[:20])


def _files(top):
    """Files under top; a writer's temporary file beside its target (`*.tmp`) is nobody's business."""
    return [path for path in sorted(top.rglob("*")) if path.is_file() and not path.name.endswith(".tmp")]


def _blob_problems(v2_root):
    for path in _files(v2_root / "blobs"):
        name = str(path.relative_to(v2_root / "blobs"))
        match = BLOB_PATH.fullmatch(name)
        if not match or match[1] != match[2][:2]:
            yield f"not a blob's path: {name}"
        elif file_sha256(path) != match[2]:
            yield f"{path.stat().st_size} bytes that do not hash to their path: {name}"


def _repository_problems(v2_root, deletions, collected):
    top = v2_root / "repositories"
    for path in _files(top):
        name = str(path.relative_to(top))
        repository, inner = re.match(r"(.*?)/(_(?:layers|manifests|uploads)/.*)", name).groups()
        if inner.startswith("_uploads/"):
            if not UPLOAD_PATHS.fullmatch(inner):
                yield f"not an upload's path: {name}"
            elif path.name == "startedat" and not STARTED_AT.fullmatch(path.read_text()):
                yield f"not a time: {name}: {path.read_bytes()!r}"
            continue
        if TAG_ALIAS.fullmatch(inner):
            if not OTHER_DIGEST.fullmatch(path.read_text()):
                yield f"not a digest of another algorithm: {name}: {path.read_bytes()!r}"
            continue
        match = LINK_PATHS.fullmatch(inner)
        if not match:
            yield f"not a link's path: {name}"
            continue
        content = path.read_bytes()
        if not DIGEST.fullmatch(content):
            yield f"not a digest: {name}: {content[:100]!r}"
            continue
        target = content.decode()
        if not blob_file(v2_root, target).is_file():
            if not collected:
                yield f"link without its blob: {name} → {target}"
            continue
        named = match["layer"] or match["revision"] or match["index"] or match["referrer"]
        if named and named.startswith("sha256/") and target != named.replace("/", ":"):
            yield f"link to another digest: {name} → {target}"
        if deletions:
            continue
        if match["revision"]:
            yield from _manifest_problems(v2_root, top / repository, target)
        elif match["alias"] or match["referrer"]:
            continue    # they count only beside a revision: a crash may have left them alone
        elif not match["layer"] and not _linked(top / repository / "_manifests" / "revisions", target):
            yield f"tag without its revision: {name} → {target}"


def _linked(links, digest):
    return (links / digest.replace(":", "/") / "link").is_file()


def _manifest_problems(v2_root, repository, digest):
    manifest = json.loads(blob_file(v2_root, digest).read_bytes())
    blobs = [manifest[key] for key in ("config",) if key in manifest] + manifest.get("layers", [])
    for kind, links, references in (("blob", "_layers", blobs),
                                    ("manifest", "_manifests/revisions", manifest.get("manifests", []))):
        for reference in references:
            known = repository / links
            if kind == "manifest" and not reference["digest"].startswith("sha256:"):
                known = repository / "_manifests/aliases"
            if not _linked(known, reference["digest"]):
                yield f"manifest {digest} of {repository.name} without its {kind} {reference['digest']}"


def tree(v2_root, uploads=False):
    """Every path under the store → its content (files) or None (folders). uploads: also the inside of `_uploads`."""
    v2_root = pathlib.Path(v2_root)
    found = {}
    for path in v2_root.rglob("*"):
        name = str(path.relative_to(v2_root))
        if not uploads and "/_uploads" in name:
            continue
        found[name] = path.read_bytes() if path.is_file() else None
    return found
