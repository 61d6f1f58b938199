"""The metrics page as Prometheus reads it, and the dashboard of docs/: each of its lines has something to draw."""
import json
import math
import pathlib
import subprocess
import time
import urllib.request

import pytest

import harness
from conftest import need, running
from harness import Client, Registry
from prometheus import Prometheus, expressions
from redis_server import RedisServer
from sink import Sink

pytestmark = pytest.mark.differs("its own metrics")

LOAD_SECONDS = 12
# docker/distribution's own name, which Prometheus would not choose for a gauge.
KNOWN_COMPLAINTS = {'registry_notifications_pending_total non-counter metrics should not have "_total" suffix'}


def busy(client, number):
    """Requests of every kind, some of them wrong."""
    repo = f"team/app{number % 3}"
    image = client.make_image(repo, [f"layer {number}".encode() * 500], tag="v1")
    for blob in (image.config, *image.layers):
        assert client.get(client.blob(repo, blob)).status == 200
    client.get(client.manifest(repo, "v1"), {"Accept": "*/*"})
    client.get(client.manifest(repo, "nothing"), {"Accept": "*/*"})
    client.get(client.base + "_catalog")
    client.get(client.base + repo + "/tags/list")
    client.delete(client.start_upload(repo))
    client.post(harness.with_query(client.uploads("team/other"), mount=image.layers[0], **{"from": repo}))
    assert client.delete(client.blob("team/other", image.layers[0])).status == 202


@pytest.fixture(scope="module")
def watched():
    """A busy registry with everything on, and the Prometheus that watches it: (prometheus, page of metrics)."""
    need("prometheus", "promtool", "redis-server", "redis-cli")
    port = harness.free_port()
    with RedisServer() as redis, Sink(lambda number: 500 if number % 5 == 0 else 200) as sink:
        registry = Registry({
            "http": {"debug": {"addr": f"127.0.0.1:{port}", "prometheus": {"enabled": True}}},
            "storage": {"cache": {"blobdescriptor": "redis"}}, "redis": {"addr": redis.address},
            "health": {"storagedriver": {"enabled": True, "interval": "1s"}},
            "notifications": {"endpoints": [sink.endpoint()]}})
        with running(registry), Prometheus(f"127.0.0.1:{port}") as prometheus:
            end = time.monotonic() + LOAD_SECONDS
            number = 0
            while time.monotonic() < end:
                busy(Client(registry), number)
                number += 1
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read()
            yield prometheus, page


def test_promtool_has_nothing_to_say(watched):
    _, page = watched
    said = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, timeout=60)
    assert set(said.stderr.decode().splitlines()) <= KNOWN_COMPLAINTS, said.stderr.decode()
    assert said.returncode in (0, 3)        # 3: it has said something


def test_every_line_of_the_dashboard_has_something_to_draw(watched):
    prometheus, _ = watched
    empty = []
    for title, _, _, expression in expressions():
        series = prometheus.series(expression, LOAD_SECONDS)
        if not any(math.isfinite(value) for _, values in series for _, value in values):
            empty.append((title, expression))
    assert not empty


def test_the_dashboard_is_one_that_grafana_takes():
    document = json.loads(pathlib.Path(harness.REPOSITORY, "docs", "grafana.json").read_text())
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time"} <= set(document)
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    taken = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEF")[:len(panel["targets"])]
