"""The measurements: a table of what is asked of which servers. A new one is a line in all_cases()."""
import contextlib
import dataclasses
import json
import typing

import loads
from servers import (BERTH, GUARDED, NGINX, PASSWORDS, PEER, PEER_GUARDED, PEER_PASSWORDS, PUSHED, PUSHERS, REPOSITORY,
                     WATCHED, StaticNginx)
from store import SIZES, TAGS

ALL, REGISTRIES = (BERTH, PEER, NGINX), (BERTH, PEER)
ACCESS_MODES = (BERTH, GUARDED, PASSWORDS, PEER_GUARDED, PEER_PASSWORDS)
GIGABYTES, RATE = "GB/s", "/s"      # units of a case's result; CPU goes by GB and by 1000 requests, accordingly
BIG = 1 << 20                       # from this size on bytes are counted, below it requests
CATALOG_PAGE = 100                  # the peer's own default
GUESSERS = 64                       # clients with wrong passwords


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
        return StaticNginx.path_of_blob(digest) if server.kind == NGINX and digest else registry_path

    def run(server, seconds):
        return loads.pull(server, path_at(server), method=method, connections=connections, seconds=seconds,
                          one_suite=one_suite)

    return Case(_name(what, tls, connections), unit, tls, ALL if digest else REGISTRIES, quick, False, run,
                lambda server: loads.check(server, path_at(server), method))


def _blob_pulls(content):
    quick = {("1 KB", 64, False), ("1 MB", 8, False), ("64 MB", 1, False), ("64 MB", 64, False), ("64 MB", 1, True)}
    for tls in (False, True):
        for name, digest in content.blobs.items():
            size = SIZES[name]
            for connections in (1, 8, 64):
                yield _pull(f"blob GET {name}", f"/v2/{REPOSITORY}/blobs/{digest}", digest, tls=tls,
                            connections=connections, unit=GIGABYTES if size >= BIG else RATE,
                            quick=(name, connections, tls) in quick)
    digest = content.blobs["64 MB"]
    for connections in (1, 64):
        # Left to themselves the servers choose different suites, and a part of every difference is the suite's.
        yield _pull("blob GET 64 MB, AES-128 in all", f"/v2/{REPOSITORY}/blobs/{digest}", digest, tls=True,
                    connections=connections, unit=GIGABYTES, quick=False, one_suite=True)
    digest = content.blobs["1 MB"]
    yield _pull("blob GET 1 MB", f"/v2/{REPOSITORY}/blobs/{digest}", digest, connections=1000, unit=GIGABYTES)


def _pulls_in_all_modes(content):
    """What it costs that tokens, passwords, health checks or metrics have a say in a pull."""
    for name in ("1 KB", "1 MB"):
        digest = content.blobs[name]
        pull = _pull(f"in all modes: blob GET {name}", f"/v2/{REPOSITORY}/blobs/{digest}", None,
                     unit=GIGABYTES if SIZES[name] >= BIG else RATE, quick=name == "1 KB")
        yield dataclasses.replace(pull, servers=(*ACCESS_MODES, WATCHED))
    tag = f"/v2/{REPOSITORY}/manifests/latest"
    pull = _pull("in all modes: manifest GET by tag", tag, None, quick=False)
    yield dataclasses.replace(pull, servers=(*ACCESS_MODES, WATCHED))
    # Into one repository a client, as tokens name them.
    yield _clients("in all modes: push image, 10 layers of 1 MB", "images", PUSHED, PUSHERS, size=SIZES["1 MB"],
                   quick=False, servers=ACCESS_MODES)
    # One request at a time: how long it takes, not how many there are.
    for what, load in (("idle", None), (f"while {GUESSERS} guess passwords", loads.guessing)):
        yield _clients(f"in all modes: manifest GET by tag, {what}", "get", tag, 1, quick=False, writes=False,
                       servers=(PASSWORDS, PEER_PASSWORDS), word="conn", beside=load)


def _clients(what, mode, target, clients, *, tls=False, unit=RATE, size=0, quick=True, writes=True, servers=REGISTRIES,
             sources=(), word="client", beside=None):
    """A case of bench_client; beside: a load that goes on meanwhile, by a context manager of a server."""
    name = f"{what}{', TLS' if tls else ''}, {clients} {word}{'s' if clients > 1 else ''}"

    def run(server, seconds):
        with beside(server, GUESSERS) if beside else contextlib.nullcontext():
            return loads.client(server, mode, target, clients=clients, seconds=seconds, size=size, sources=sources)

    return Case(name, unit, tls, servers, quick, writes, run, None)


def _metadata(content):
    manifests = f"/v2/{REPOSITORY}/manifests/"
    for connections in (1, 64):
        quick = connections == 64
        yield _pull("manifest GET by tag", manifests + "latest", content.manifest, connections=connections, quick=quick)
        yield _pull("manifest GET by digest", manifests + content.manifest, content.manifest, connections=connections,
                    quick=quick)
    yield _pull("manifest GET by digest", manifests + content.manifest, content.manifest, tls=True, quick=False)
    # What nginx can answer at most: its line is `return 200`.
    yield dataclasses.replace(_pull("GET /v2/", "/v2/", None), servers=ALL)
    # Not by wrk, which waits for the body that Content-Length announces, HEAD or not.
    for what, path in (("manifest HEAD by tag", manifests + "latest"),
                       ("blob HEAD", f"/v2/{REPOSITORY}/blobs/{content.blobs['1 MB']}")):
        for connections in (1, 8):
            yield _clients(what, "head", path, connections, quick=connections == 8, writes=False, word="conn")
    yield _pull("tags/list of 1000", f"/v2/{TAGS}/tags/list", None, connections=8)
    yield _pull("_catalog, page of 100", f"/v2/_catalog?n={CATALOG_PAGE}", None, connections=8)


def _pushes(content):
    for clients in (1, 8):
        for name, size in {"4 KB": 4096, **SIZES}.items():
            if name == "1 KB":
                continue
            unit = GIGABYTES if size >= BIG else RATE
            for tls in (False, True) if size > BIG else (False,):
                yield _clients(f"push {name}", "patch", PUSHED, clients, tls=tls, unit=unit, size=size,
                               quick=not tls and (name == "4 KB" or (name, clients) == ("64 MB", 1)))
        # The peer does not know it: it answers 202, as if there were no digest.
        yield _clients("push 4 KB, single POST", "post", PUSHED, clients, size=4096, quick=False, servers=(BERTH,))
        yield _clients("push 4 KB, POST + PUT", "put", PUSHED, clients, size=4096, quick=False)
        yield _clients("push 64 MB, POST + PUT", "put", PUSHED, clients, unit=GIGABYTES, size=SIZES["64 MB"],
                       quick=False)
        yield _clients("push image, 10 layers of 1 MB", "image", PUSHED, clients, size=SIZES["1 MB"], quick=False)
        yield _clients("push image again", "again", PUSHED, clients, size=SIZES["1 MB"], quick=False)
        yield _clients("cross mount", "mount", PUSHED, clients, sources=content.sources, quick=clients == 8)


def all_cases(content):
    return [*_blob_pulls(content), *_pulls_in_all_modes(content), *_metadata(content), *_pushes(content)]


def differences(case, servers):
    """What is wrong with the answers of a case's servers: a fast wrong answer is no measurement."""
    if case.check is None:
        return []
    answers = {server.kind: case.check(server) for server in servers}
    if case.name.startswith("GET /v2/"):
        answers = {kind: (status, None) for kind, (status, _) in answers.items()}   # their `{}` differ in blanks
    wrong = [f"{kind} answers {status}" for kind, (status, _) in answers.items() if status != 200]
    if len(set(answers.values())) > 1:
        wrong.append(f"the answers differ: {json.dumps(answers)}")
    return wrong
