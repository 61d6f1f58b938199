"""Values of config keys that docker-registry 2.8 runs with: berth starts with them too, and does the same."""
import http.client
import shutil

import pytest

import harness
from conftest import need_loopback_ipv6

pytestmark = [pytest.mark.differs("it compares the two"),
              pytest.mark.skipif(not shutil.which("docker-registry"), reason="docker-registry is not installed")]

TARGETS = [("GET", "/v2/"), ("POST", "/v2/a/blobs/uploads/"), ("GET", "/docker/v2/"),
           ("POST", "/docker/v2/a/blobs/uploads/"), ("GET", "/docker/v2/_catalog"), ("GET", "/a;b/v2/"),
           ("POST", "/a;b/v2/a/blobs/uploads/")]


def http_keys(**keys):
    return {"http": keys}


VALUES = {
    "prefix without its last slash": http_keys(prefix="/docker"),
    "prefix": http_keys(prefix="/docker/"),
    "prefix without slashes": http_keys(prefix="docker"),
    "prefix without its first slash": http_keys(prefix="docker/"),
    "prefix with a semicolon": http_keys(prefix="/a;b"),
    "host in capitals": http_keys(host="HTTPS://registry.example.test"),
    "bare host": http_keys(host="registry.example.test"),
    "bare host and port": http_keys(host="registry.example.test:5000"),
    "host without a scheme": http_keys(host="//registry.example.test"),
    "host with a path": http_keys(host="https://registry.example.test/path"),
    "host with a folder": http_keys(host="https://registry.example.test/path/"),
    "host with a query": http_keys(host="https://registry.example.test?a=b"),
    "host and prefix": http_keys(host="https://registry.example.test/docker/", prefix="/docker"),
    "host without a host": http_keys(host="https://"),
    "negative time": http_keys(draintimeout="-5s"),
    "headers that are none": http_keys(headers={"X Y": ["a"], "Content-Length": ["5"], "X-A": ["a\n"]}),
    "nothing to list": {"catalog": {"maxentries": 0}},
    "fields of a list": {"log": {"fields": {"a b": ["x"], "m": {"k": "v"}}}},
    "no flag": {"storage": {"delete": {"enabled": 1}}},
    "endless interval": {"health": {"storagedriver": {"enabled": True, "interval": "1000000h", "threshold": -1}}},
    "endpoint with negative numbers": {"notifications": {"endpoints": [
        {"name": "a", "url": "http://127.0.0.1:1/", "timeout": "-1s", "backoff": "-1s", "threshold": -5}]}},
    "class of its own": {"policy": {"repository": {"classes": ["image", "chart"]}}},
    "metrics without a slash": http_keys(debug={"prometheus": {"enabled": True, "path": "metrics"}}),
    "short interval": {"storage": {"maintenance": {"uploadpurging": {
        "enabled": True, "age": "168h", "interval": "500ms", "dryrun": False}}}},
}
ADDRESSES = ["[::ffff:127.0.0.1]:{}", "[127.0.0.1]:{}", ":+{}", "0.0.0.0:0{}"]
VARIABLES = {
    "prefix": {"REGISTRY_HTTP_PREFIX": "/docker"},
    "host": {"REGISTRY_HTTP_HOST": "registry.example.test"},
    "flag": {"REGISTRY_HTTP_RELATIVEURLS": "Yes"},
}


def answers(server):
    """Status and Location of each target, where the server's own is one for both."""
    told = []
    for method, target in TARGETS:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=harness.REPLY_SECONDS)
        connection.request(method, target)
        reply = connection.getresponse()
        reply.read()
        connection.close()
        location = (reply.getheader("Location") or "").partition("uploads/")[0].replace(str(server.port), "PORT")
        told.append((method, target, reply.status, location))
    return told


def compare(config, env=None):
    with harness.Registry(config, env=env) as berth, harness.PeerRegistry(config, env=env) as peer:
        assert answers(berth) == answers(peer)


@pytest.mark.parametrize("name", VALUES)
def test_values(name):
    compare(VALUES[name])


@pytest.mark.parametrize("form", ADDRESSES)
def test_addresses(form):
    told = []
    for server_class in (harness.Registry, harness.PeerRegistry):
        server = server_class()
        server.config["http"]["addr"] = form.format(server.port)
        with server:
            told.append(answers(server))
    assert told[0] == told[1]


@pytest.mark.parametrize("server_class", [harness.Registry, harness.PeerRegistry])
@pytest.mark.parametrize("form", [":{}", "0.0.0.0:{}", "[::]:{}"])
def test_a_wildcard_is_both_families(form, server_class):
    need_loopback_ipv6()
    server = server_class()
    debug_port = harness.free_port()
    server.config["http"] |= {"addr": form.format(server.port), "debug": {"addr": form.format(debug_port)}}
    with server:
        for host in ("127.0.0.1", "::1"):
            for port, path in ((server.port, "/v2/"), (debug_port, "/debug/health")):
                connection = http.client.HTTPConnection(host, port, timeout=harness.REPLY_SECONDS)
                connection.request("GET", path)
                assert connection.getresponse().status == 200
                connection.close()


@pytest.mark.parametrize("name", VARIABLES)
def test_variables(name):
    compare({}, VARIABLES[name])
