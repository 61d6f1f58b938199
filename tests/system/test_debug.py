"""The debug server: health and what it does to the registry, counters, metrics; and that the public server has none."""
import json
import re
import socket
import time

import pytest

import harness
from conftest import running
from harness import Client, Registry, wait_until
from sink import Sink

pytestmark = pytest.mark.differs("its own checks and metrics")


class Debug(Client):
    """A client of the debug server."""
    def __init__(self, registry, port):
        super().__init__(registry)
        self.port = port

    def get(self, target, headers=()):
        return self.ask("GET", target)

    def ask(self, method, target):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(f"{method} {target} HTTP/1.0\r\nContent-Length: 0\r\n\r\n".encode())
            data = b"".join(iter(lambda: connection.recv(65536), b""))
        head, body = data.split(b"\r\n\r\n", 1)
        return int(head.split()[1]), body.decode()


def started(changes=None):
    port = harness.free_port()
    debug = {"addr": f"127.0.0.1:{port}", "prometheus": {"enabled": True}}
    registry = Registry(harness.merged({"http": {"debug": debug}}, changes or {}))
    return running(registry), port


def values_of(page, name):
    return {labels: float(value) for labels, value in re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", page, re.MULTILINE)}


def test_metrics_count_what_happened():
    context, port = started()
    with context as registry:
        client, debug = Client(registry), Debug(registry, port)
        pushed = client.push_blob("team/app", b"x" * 5000)
        for _ in range(3):
            assert client.get(client.blob("team/app", pushed)).status == 200
        client.get("/v2/nobody/tags/list")
        client.get("/nothing")
        # Pulls that nginx makes by itself come by their lines, within two seconds.
        wait_until(lambda: values_of(debug.get("/metrics")[1], "registry_http_response_size_bytes_count")
                   .get('handler="blob"') == 3, "they are counted")
        status, page = debug.get("/metrics")
        assert status == 200
        requests = values_of(page, "registry_http_requests_total")
        assert requests['code="200",handler="blob",method="get"'] == 3
        assert requests['code="404",handler="tags",method="get"'] == 1
        assert requests['code="404",handler="other",method="get"'] >= 1
        assert values_of(page, "registry_http_response_size_bytes_sum")['handler="blob"'] == 15000
        assert values_of(page, "registry_http_request_duration_seconds_count")['handler="blob",method="get"'] == 3
        buckets = values_of(page, "registry_http_request_duration_seconds_bucket")
        assert buckets['handler="blob",method="get",le="+Inf"'] == 3
        assert values_of(page, "registry_storage_action_seconds_count")['action="Stat",driver="filesystem"'] > 0
        in_flight = values_of(page, "registry_http_in_flight_requests")
        assert in_flight['handler="blob"'] == in_flight['handler="other"'] == 0
        uploads = values_of(page, "berth_uploads_total")
        assert (uploads['outcome="started"'], uploads['outcome="completed"'], uploads['outcome="failed"']) == (1, 1, 0)
        assert values_of(page, "berth_upload_bytes_total")[""] == 5000
        for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
                     "berth_storage_free_bytes", "berth_storage_size_bytes"):
            assert values_of(page, name)[""] > 0, name
        assert abs(values_of(page, "process_start_time_seconds")[""] - time.time()) < 600
        assert values_of(page, "berth_health_failing_checks")[""] == 0
        assert values_of(page, "berth_pool_threads")[""] > 0
        types = re.findall(r"^# TYPE (\S+)", page, re.MULTILINE)
        assert len(types) == len(set(types)) and types == re.findall(r"^# HELP (\S+) \w", page, re.MULTILINE)
        status, body = debug.get("/debug/vars")
        assert status == 200 and json.loads(body)["registry"]["notifications"]["endpoints"] is None


def test_cache_and_webhooks_are_counted_and_secrets_not_shown():
    with Sink() as sink:
        secretive = sink.endpoint(name='a "b"', headers={"Authorization": ["Bearer s3cret"]})
        secretive["url"] = secretive["url"].replace("://", "://user:s3cret@") + "?token=s3cret"
        context, port = started({"storage": {"cache": {"blobdescriptor": "inmemory"}},
                                 "notifications": {"endpoints": [secretive]}})
        with context as registry:
            client, debug = Client(registry), Debug(registry, port)
            pushed = client.push_blob("team/app", b"x" * 5000)
            for _ in range(3):
                assert client.get(client.blob("team/app", pushed)).status == 200
            sink.wait_for(4)
            label = 'endpoint="a \\"b\\""'
            wait_until(lambda: values_of(debug.get("/metrics")[1], "registry_notifications_pending_total")[label] == 0,
                       "all is delivered")
            page = debug.get("/metrics")[1]
            assert values_of(page, "registry_notifications_events_total")[f'{label},type="Events"'] == 4
            assert values_of(page, "registry_notifications_events_total")[f'{label},type="Successes"'] == 4
            assert values_of(page, "registry_notifications_status_total")[f'code="200 OK",{label}'] == 4
            assert values_of(page, "berth_notifications_dropped_total")[label] == 0
            cached = values_of(page, "registry_storage_cache_total")
            assert cached['type="Request"'] == cached['type="Hit"'] + cached['type="Miss"'] >= 3
            assert cached['type="Hit"'] == values_of(page, "registry_storage_cache_hits_total")[""] > 0
            body = debug.get("/debug/vars")[1]
            assert "s3cret" not in body + page
            (endpoint,) = json.loads(body)["registry"]["notifications"]["endpoints"]
            assert (endpoint["name"], endpoint["Metrics"]["Successes"]) == ('a "b"', 4)
            assert json.loads(body)["registry"]["cache"]["storage"]["blobdescriptor"]["Stat"]["Requests"] >= 3


def test_what_is_remembered_is_counted():
    context, port = started({"storage": {"cache": {"blobdescriptor": "inmemory"}}})
    with context as registry:
        client, debug = Client(registry), Debug(registry, port)
        image = client.make_image("team/app", [b"layer"], tag="v1")
        for _ in range(3):
            assert client.get(client.manifest("team/app", image.digest)).status == 200
        page = debug.get("/metrics")[1]
        entries, size = values_of(page, "berth_memory_entries"), values_of(page, "berth_memory_bytes")
        assert set(entries) == {f'memory="{name}"' for name in (
            "small blobs", "listings", "kinds of manifests", "client digests", "referrers", "v1 ids", "descriptors")}
        for name in "small blobs", "kinds of manifests", "descriptors":
            assert entries[f'memory="{name}"'] > 0, name
        assert size['memory="small blobs"'] >= len(image.manifest)
        asked = values_of(page, "berth_memory_requests_total")
        assert asked['memory="small blobs",outcome="hit"'] >= 2 > 0 < asked['memory="small blobs",outcome="miss"']


def test_uploads_are_counted_by_what_became_of_them():
    context, port = started()
    with context as registry:
        client, debug = Client(registry), Debug(registry, port)
        pushed = client.push_blob("team/app", b"x")
        assert client.delete(client.start_upload("team/app")).status == 204
        mount = harness.with_query(client.uploads("team/b"), mount=pushed, **{"from": "team/app"})
        assert client.post(mount).status == 201
        assert client.post(harness.with_query(client.uploads("team/b"), digest=harness.digest(b"yy")),
                           body=b"yy").status == 201
        assert client.finish_upload(client.start_upload("team/app"), harness.digest(b"other"), b"bytes").status == 400
        uploads = values_of(debug.get("/metrics")[1], "berth_uploads_total")
        assert {re.search('"(.*)"', label)[1]: count for label, count in uploads.items()} == {
            "started": 4, "completed": 2, "mounted": 1, "cancelled": 1, "failed": 1}


def test_vars_tell_the_config_of_endpoints_and_redis_without_what_is_secret():
    """In docker/distribution 2's structure; its names of headers, not their values."""
    redis = f"127.0.0.1:{harness.free_port()}"
    with Sink() as sink:
        endpoint = sink.endpoint(headers={"Authorization": ["Bearer s3cret"]}, ignoredmediatypes=["a/b"],
                                 ignore={"actions": ["pull"]})
        context, port = started({"storage": {"cache": {"blobdescriptor": "redis"}},
                                 "redis": {"addr": redis, "password": "s3cret", "readtimeout": "10ms",
                                           "pool": {"maxidle": 16}},
                                 "notifications": {"endpoints": [endpoint, {"name": "off", "disabled": True}]}})
        with context as registry:
            body = Debug(registry, port).get("/debug/vars")[1]
            assert "s3cret" not in body
            told = json.loads(body)["registry"]
            assert [{key: value for key, value in one.items() if key != "Metrics"}
                    for one in told["notifications"]["endpoints"]] == [{
                        "name": "sink", "url": sink.url, "Headers": {"Authorization": ["(hidden)"]},
                        "Timeout": 2_000_000_000, "Threshold": 3, "Backoff": 50_000_000, "IgnoredMediaTypes": ["a/b"],
                        "Ignore": {"MediaTypes": ["a/b"], "Actions": ["pull"]}}]
            assert told["redis"]["Config"] == {"Addr": redis, "DB": 0, "DialTimeout": 0, "ReadTimeout": 10_000_000,
                                               "WriteTimeout": 0,
                                               "Pool": {"MaxIdle": 16, "MaxActive": 0, "IdleTimeout": 0}}
            assert told["redis"]["Active"] == 0


def test_the_public_server_has_no_debug_paths_and_the_debug_server_no_registry():
    context, port = started()
    with context as registry:
        for path in ("/debug/health", "/debug/vars", "/metrics", "/debug/health/down"):
            assert Client(registry).get(path, headers={"BERTH_SERVER": "debug", "BERTH-SERVER": "debug"}).status == 404
        assert Debug(registry, port).get("/v2/")[0] == 404
        assert Client(registry).get("/v2/").status == 200


def test_down_and_up():
    context, port = started()
    with context as registry:
        client, debug = Client(registry), Debug(registry, port)
        assert debug.get("/debug/health") == (200, "{}\n")
        assert debug.ask("GET", "/debug/health/down")[0] == 404
        assert debug.ask("POST", "/debug/health/down")[0] == 200
        status, body = debug.get("/debug/health")
        assert status == 503 and "manual_http_status" in json.loads(body)
        reply = client.get("/v2/")
        assert (reply.status, reply.codes) == (503, ["UNAVAILABLE"])
        assert client.get("/v2/team/app/tags/list").status == 503
        assert debug.ask("POST", "/debug/health/up")[0] == 200
        assert client.get("/v2/").status == 200


def test_checks(tmp_path):
    """A file, a TCP and an HTTP server that come and go."""
    down = tmp_path / "down"
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        tcp = f"127.0.0.1:{server.getsockname()[1]}"
        gone = f"http://127.0.0.1:{harness.free_port()}/"
        context, port = started({"health": {
            "storagedriver": {"enabled": True, "interval": "200ms"},
            "file": [{"file": str(down), "interval": "200ms"}],
            "tcp": [{"addr": tcp, "interval": "200ms", "timeout": "1s", "threshold": 2}],
            "http": [{"uri": gone, "interval": "200ms", "timeout": "1s", "threshold": 1_000_000}]}})
        server.listen()
        with context as registry:
            client, debug = Client(registry), Debug(registry, port)

            def failing():
                return set(json.loads(debug.get("/debug/health")[1]))

            assert failing() == set()
            down.write_text("")
            wait_until(lambda: failing() == {str(down)}, "the file")
            assert client.get("/v2/").status == 503
            server.close()
            wait_until(lambda: failing() == {str(down), tcp}, "the server")
            down.unlink()
            with socket.socket() as again:
                again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                again.bind(("127.0.0.1", int(tcp.split(":")[1])))
                again.listen()
                wait_until(lambda: failing() == set(), "both again")
                assert client.get("/v2/").status == 200


def test_an_http_check_wants_its_status():
    with running(Registry()) as peer:
        authority = f"http://127.0.0.1:{peer.port}"
        context, port = started({"health": {"http": [
            {"uri": f"{authority}/", "interval": "200ms"},
            {"uri": f"{authority}/gone", "interval": "200ms", "threshold": 10},
            {"uri": f"http://user:s3cret@127.0.0.1:{peer.port}/lost?token=s3cret", "interval": "200ms",
             "threshold": 10},
            {"uri": f"{authority}/none", "statuscode": 404, "interval": "200ms"}]}})
        with context as registry:
            debug = Debug(registry, port)
            failing = {f"{authority}/{path}": "answered 404 instead of 200" for path in ("gone", "lost")}
            wait_until(lambda: json.loads(debug.get("/debug/health")[1]) == failing, "they fail, shown without secrets")
            assert debug.get("/debug/health")[0] == 503
            assert values_of(debug.get("/metrics")[1], "berth_health_failing_checks")[""] == 2
