"""The measurements: a table of what is asked of which servers. A new one is a line in all_cases()."""
import dataclasses
import json
import typing

import loads
from servers import BERTH, NGINX, PEER, StaticNginx
from store import REPOSITORY, SIZES, TAGS

ALL, REGISTRIES = (BERTH, PEER, NGINX), (BERTH, PEER)
GIGABYTES, RATE = "GB/s", "/s"      # units of a case's result; CPU goes by GB and by 1000 requests, accordingly
BIG = 1 << 20                       # from this size on bytes are counted, below it requests
CATALOG_PAGE = 100                  # the peer's own default


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    unit: str
    tls: bool
    servers: tuple
    quick: bool                 # whether --quick has it
    writes: bool                # whether the store has to be cleaned afterwards
    run: typing.Callable        # (server, seconds) → Sample
    check: typing.Callable      # server → anything that must be equal for all registries; None: nothing to check

    def value(self, sample):
        """What the sample reached, in the case's unit."""
        return (sample.bytes / 1e9 if self.unit == GIGABYTES else sample.requests) / sample.seconds

    def cpu(self, sample):
        """CPU-seconds of the server per GB or per 1000 requests; None if nothing was done."""
        work = sample.bytes / 1e9 if self.unit == GIGABYTES else sample.requests / 1000
        return sample.server_cpu / work if work else None


def _name(what, tls, connections):
    return f"{what}{', TLS' if tls else ''}, {connections} conn{'s' if connections > 1 else ''}"


def _pull(what, registry_path, digest, *, tls=False, connections=64, unit=RATE, method="GET", quick=True,
          one_suite=False):
    """A request that wrk repeats; digest: of the blob with the same bytes, for the bare nginx; None: it has none."""
    def path_at(server):
        return StaticNginx.path_of_blob(digest) if server.kind == NGINX else registry_path

    def run(server, seconds):
        return loads.pull(server, path_at(server), method=method, connections=connections, seconds=seconds,
                          one_suite=one_suite)

    return Case(_name(what, tls, connections), unit, tls, ALL if digest else REGISTRIES, quick, False, run,
                lambda server: loads.check(server, path_at(server), method))


def _blob_pulls(content):
    quick = {("1 KB", 64), ("1 MB", 8), ("64 MB", 1), ("64 MB", 64)}
    for tls in (False, True):
        for name, size in SIZES.items():
            digest = content.blobs[name]
            for connections in (1, 8, 64):
                yield _pull(f"blob GET {name}", f"/v2/{REPOSITORY}/blobs/{digest}", digest, tls=tls,
                            connections=connections, unit=GIGABYTES if size >= BIG else RATE,
                            quick=(name, connections) in quick)
    digest = content.blobs["64 MB"]
    for connections in (1, 64):
        # Left to themselves the servers choose different suites, and a part of every difference is the suite's.
        yield _pull("blob GET 64 MB, AES-128 in all", f"/v2/{REPOSITORY}/blobs/{digest}", digest, tls=True,
                    connections=connections, unit=GIGABYTES, quick=False, one_suite=True)


def _metadata(content):
    manifests = f"/v2/{REPOSITORY}/manifests/"
    for connections in (1, 64):
        quick = connections == 64
        yield _pull("manifest GET by tag", manifests + "latest", content.manifest, connections=connections, quick=quick)
        yield _pull("manifest GET by digest", manifests + content.manifest, content.manifest, connections=connections,
                    quick=quick)
    yield _pull("manifest GET by digest", manifests + content.manifest, content.manifest, tls=True, quick=False)
    # wrk waits for the body that Content-Length announces, HEAD or not: it can ask for the empty blob alone.
    yield _pull("blob HEAD", f"/v2/{REPOSITORY}/blobs/{content.empty}", content.empty, method="HEAD")
    yield _pull("tags/list of 1000", f"/v2/{TAGS}/tags/list", None, connections=8)
    yield _pull("_catalog, page of 100", f"/v2/_catalog?n={CATALOG_PAGE}", None, connections=8)


def _pushes(content):
    payloads = {}

    def payload_of(size):
        if size not in payloads:
            payloads[size] = loads.Payload(size)
        return payloads[size]

    def push(name, size, clients, tls=False, quick=True):
        return Case(f"push {name}{', TLS' if tls else ''}, {clients} client{'s' if clients > 1 else ''}",
                    GIGABYTES if size >= BIG else RATE, tls, REGISTRIES, quick, True,
                    lambda server, seconds: loads.push(server, payload_of(size), clients=clients, seconds=seconds),
                    None)

    for clients in (1, 8):
        yield push("4 KB", 4096, clients)
        yield push("1 MB", SIZES["1 MB"], clients, quick=clients == 8)
        yield push("64 MB", SIZES["64 MB"], clients)
        yield push("64 MB", SIZES["64 MB"], clients, tls=True, quick=False)
        yield Case(f"cross mount, {clients} client{'s' if clients > 1 else ''}", RATE, False, REGISTRIES, clients == 8,
                   True, lambda server, seconds, clients=clients:
                   loads.mount(server, content.sources, clients=clients, seconds=seconds), None)


def all_cases(content):
    return [*_blob_pulls(content), *_metadata(content), *_pushes(content)]


def differences(case, servers):
    """What is wrong with the answers of a case's servers: a fast wrong answer is no measurement."""
    if case.check is None:
        return []
    answers = {server.kind: case.check(server) for server in servers}
    wrong = [f"{kind} answers {status}" for kind, (status, _) in answers.items() if status != 200]
    if len(set(answers.values())) > 1:
        wrong.append(f"the answers differ: {json.dumps(answers)}")
    return wrong
