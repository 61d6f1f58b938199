"""What the same request costs in a small store and in large ones: 10, 1000, 100,000 repositories, tags and blobs."""
import os
import shutil
import statistics
import time

import loads
from servers import BERTH, KINDS, PEER, harness
from store import PUSHED, REPOSITORY, TAGS, Cleaner, grow

SIZES, QUICK_SIZES = (10, 1000, 100_000), (10, 1000)
PAGE = 10               # entries: a page is the same in the smallest store
WARM_SECONDS = 4        # berth believes a large directory after three seconds (docs/decisions/0011)
CHANGES = 5             # how often a listing is asked for just after its directory changed
ROUNDS = 3
SECONDS = 0.5            # of one operation in a round


def _reads(blob, size):
    middle = f"{size // 2:06}"
    yield "manifest GET by tag", "get", f"/v2/{REPOSITORY}/manifests/latest"
    yield "blob GET 1 KB", "get", f"/v2/{REPOSITORY}/blobs/{blob}"
    yield "blob HEAD", "head", f"/v2/{REPOSITORY}/blobs/{blob}"
    yield f"_catalog, first page of {PAGE}", "get", f"/v2/_catalog?n={PAGE}"
    yield f"_catalog, page of {PAGE} in the middle", "get", f"/v2/_catalog?n={PAGE}&last=grown/app-{middle}"
    # The peer answers with all tags, whatever n is.
    yield f"tags/list, page of {PAGE} in the middle", "get", f"/v2/{TAGS}/tags/list?n={PAGE}&last=v{middle}"


def _after_a_change(server, path, directory):
    """Milliseconds of one request after something was added to the directory that it lists."""
    client, taken = harness.Client(server), []
    for number in range(CHANGES):
        os.makedirs(directory / f"zz-{number}" / "_manifests")
        before = time.monotonic()
        assert client.get(path).status == 200
        taken.append((time.monotonic() - before) * 1e3)
    for number in range(CHANGES):
        shutil.rmtree(directory / f"zz-{number}")
    return statistics.median(taken)


def _of_server(server, blob, size):
    """{operation: (p50 in ms, CPU-ms of the server per request or None)}"""
    reads, found = list(_reads(blob, size)), {}
    for what, mode, path in reads:
        if mode == "get":
            harness.Client(server).get(path)
    time.sleep(WARM_SECONDS)
    samples = {what: [] for what, _, _ in reads}
    for _ in range(ROUNDS):
        for what, mode, path in reads:
            samples[what].append(loads.client(server, mode, path, seconds=SECONDS))
    for what, of_read in samples.items():
        found[what] = (statistics.median(sample.p50_ms for sample in of_read),
                       statistics.median(sample.server_cpu / sample.requests * 1e3 for sample in of_read))
    repositories = server.v2_root / "repositories"
    for what, _, path in reads:
        if "middle" in what:
            directory = repositories / ("grown" if "_catalog" in what else f"{TAGS}/_manifests/tags")
            found[f"{what}, just changed"] = (_after_a_change(server, path, directory), None)
    sample = loads.client(server, "patch", PUSHED, seconds=SECONDS, size=4096)
    found["push 4 KB"] = (sample.p50_ms, sample.server_cpu / sample.requests * 1e3)
    return found


def measure(folder, sizes, progress):
    """{size: {kind: {operation: (ms, CPU-ms)}}}; both registries serve the very same store, one after the other."""
    results = {}
    for size in sizes:
        progress(f"growth: making {size} repositories, tags and blobs")
        root = folder / f"grown-{size}"
        try:
            results[size] = _of_store(root, size, progress)
        finally:
            shutil.rmtree(root, ignore_errors=True)
    return results


def _of_store(root, size, progress):
    results, blob = {}, None
    for kind in (BERTH, PEER):
        server = KINDS[kind](root=root)
        try:
            server.start()
            if blob is None:
                client = harness.Client(server)
                blob = client.push_blob(REPOSITORY, os.urandom(1024))
                client.make_image(REPOSITORY, tag="latest")
                grow(server.v2_root, size)
                os.sync()
                cleaner = Cleaner(server)
            progress(f"growth: {size}, {kind}")
            results[kind] = _of_server(server, blob, size)
            cleaner.clean()
        finally:
            server.close()
    return results
