"""Which face answers whom: by path, and for the /v2/ probe of old Docker clients by User-Agent (spec: v1 API §8–10)."""
import pytest

from expect import differs

pytestmark = differs("it has no v1 face")

OLD = {
    "docker 0.6": "docker/0.6.7 go/go1.2 git-commit/cb48ecc kernel/3.8.0-19-generic",
    "docker 0.7": "docker/0.7.0 go/go1.2rc3 git-commit/0d078b6 kernel/3.8.0-19-generic",
    "docker 0.9": "docker/0.9.1 go/go1.2.1 git-commit/3600720 kernel/3.13.0-24-generic os/linux arch/amd64",
    "docker 0.12": "docker/0.12.0 go/go1.2.1 git-commit/14680bf kernel/3.13.0-24-generic os/linux arch/amd64",
    "docker 1.0": "docker/1.0.0 go/go1.2.1 git-commit/63fe64c kernel/3.13.0-24-generic os/linux arch/amd64",
    "docker 1.1": "docker/1.1.2 go/go1.2.1 git-commit/d84a070 kernel/3.13.0-24-generic os/linux arch/amd64",
    "docker 1.2": "docker/1.2.0 go/go1.3.1 git-commit/fa7b24f kernel/3.13.0-24-generic os/linux arch/amd64",
    "docker 1.3": "docker/1.3.3 go/go1.3.3 git-commit/d344625 kernel/3.13.0-24-generic os/linux arch/amd64",
    "docker 1.4": "docker/1.4.1 go/go1.3.3 git-commit/5bc2ff8 kernel/3.13.0-24-generic os/linux arch/amd64",
    "docker 1.5": "docker/1.5.0 go/go1.4.1 git-commit/a8a31ef kernel/3.13.0-45-generic os/linux arch/amd64",
    "docker 1.5 of a distribution": "docker/1.5.0-1 go/go1.3.3",
    "docker 1.5 alone": "docker/1.5",
    "docker 1.3 before its release": "docker/1.3.0-dev go/go1.3.1",
    "ping of docker 0.6 to 1.5": "Go 1.1 package http",
    "ping of a docker made with gccgo": "Go 1.0 package http",
}
NEW = {
    "docker on the way to 1.6": "docker/1.5.0-dev go/go1.4.2 git-commit/0d5c6d2 kernel/3.19.0 os/linux arch/amd64",
    "docker 1.6": "docker/1.6.0 go/go1.4.2 git-commit/4749651 kernel/3.13.0-49-generic os/linux arch/amd64",
    "docker 1.6 of a distribution": "docker/1.6.2 go/go1.4.2 kernel/3.16.0-4-amd64 os/linux arch/amd64",
    "docker 1.9": "docker/1.9.1 go/go1.4.2 git-commit/a34a1d5 kernel/4.2.0 os/linux arch/amd64",
    "docker 1.10": "docker/1.10.3 go/go1.5.3 git-commit/20f81dd kernel/4.4.0 os/linux arch/amd64",
    "docker 1.12": "docker/1.12.6 go/go1.6.4 git-commit/78d1802 kernel/4.4.0 os/linux arch/amd64 "
                   "UpstreamClient(Docker-Client/1.12.6 \\(linux\\))",
    "docker 1.30, if it had been": "docker/1.30.0 go/go1.20",
    "docker 17": "docker/17.05.0-ce go/go1.7.5 git-commit/89658be kernel/4.4.0 os/linux arch/amd64",
    "docker 20": "docker/20.10.24 go/go1.19.7 git-commit/5d6db84 kernel/5.15.0 os/linux arch/amd64 "
                 "UpstreamClient(Docker-Client/20.10.24 \\(linux\\))",
    "docker 27": "docker/27.3.1 go/go1.22.7 git-commit/41ca978 kernel/6.1.0 os/linux arch/amd64 "
                 "containerd-client/1.7.21 storage-driver/overlayfs",
    "containerd": "containerd/1.7.2",
    "podman": "containers/5.24 (github.com/containers/image)",
    "skopeo": "skopeo/1.13",
    "libpod": "libpod/4.6",
    "buildah": "Buildah/1.31.2",
    "go-containerregistry": "go-containerregistry/v0.15.2",
    "crane": "crane/v0.15.2",
    "cosign": "cosign/v2.2.0",
    "a Go program of today": "Go-http-client/1.1",
    "a Go program over HTTP/2": "Go-http-client/2.0",
    "docker-registry's own client": "docker-registry/2.8",
    "curl": "curl/7.88.1",
    "a browser": "Mozilla/5.0 (X11; Linux x86_64) docker/1.5.0",
    "nobody": "",
}
V2_PATHS = ["/v2/", "/v2", "/v2/_catalog", "/v2/team/app/tags/list", "/v2/team/app/manifests/latest",
            "/v2/team/v1/tags/list", "/v2/v1/images/tags/list", "//v2/", "/%762/"]
V1_PATHS = ["/v1/_ping", "/_ping", "/v1/search?q=x", "/v1/users/", "/v1/users",
            "/v1/repositories/team/app/tags", "/v1/repositories/team/v2/tags",
            "/v1/repositories/v2/v2/images", "/v1/images/" + "0" * 64 + "/json", "/v1/images/" + "0" * 64 + "/layer"]


def faces(reply):
    return {name for name, header in (("v1", "X-Docker-Registry-Version"), ("v2", "Docker-Distribution-Api-Version"))
            if reply.all(header)}


def agents(table):
    return pytest.mark.parametrize("agent", table.values(), ids=table.keys())


@agents(OLD)
def test_v2_is_hidden_from_old_clients(registry, agent):
    """404 without the header that docker 1.5 looks for, whatever the path and the method."""
    import harness
    client = harness.Client(registry)   # not the one that demands v2's manners
    for path in V2_PATHS:
        for method in ("GET", "HEAD", "PUT", "POST"):
            reply = client.request(method, path, {"User-Agent": agent}, b"{}" if method in ("PUT", "POST") else None)
            assert reply.status == 404 and faces(reply) == set(), f"{method} {path}: {reply}"
            assert reply.header("WWW-Authenticate") is None
            if method == "GET":
                assert reply.json()["errors"][0]["code"] == "UNSUPPORTED"


@agents(NEW)
def test_v2_is_there_for_new_clients(client, agent):
    headers = {"User-Agent": agent} if agent else {}
    assert client.get("/v2/", headers).status == 200
    for path in V2_PATHS[2:7]:
        assert faces(client.get(path, headers)) == {"v2"}, path


@agents({**OLD, **NEW})
def test_v1_is_there_for_all(client, agent):
    """`docker search` of every version asks the v1 API."""
    for path in V1_PATHS:
        reply = client.get(path, {"User-Agent": agent} if agent else {})
        assert faces(reply) == {"v1"}, f"{path}: {reply}"
        assert reply.status in (200, 404), f"{path}: {reply}"


def test_a_client_without_a_user_agent(client):
    assert client.get("/v2/").status == 200


@agents(OLD)
def test_what_is_neither(client, agent):
    for path in ("/", "/v3/", "/v11/_ping", "/v1x", "/favicon.ico"):
        reply = client.get(path, {"User-Agent": agent})
        assert faces(reply) == set() and reply.status == (200 if path == "/" else 404), f"{path}: {reply}"


def test_a_v2_repository_may_be_called_like_v1(client):
    """Paths of v2 that look like v1's reach v2."""
    image = client.make_image("a/v1/images", tag="layer")
    assert client.get("/v2/a/v1/images/manifests/layer").body == image.manifest
    image = client.make_image("v1/images/x/layer", tag="t")
    assert client.get("/v2/v1/images/x/layer/manifests/t").body == image.manifest
