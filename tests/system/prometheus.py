"""A Prometheus that scrapes one debug server, and what a dashboard asks it."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

import harness

START_SECONDS = 30
DASHBOARD = harness.REPOSITORY / "docs" / "grafana.json"


def expressions():
    """(panel's title, unit, legend, PromQL) of everything that the dashboard draws, its variables filled in."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "5s").replace("$job", ".*")
            assert "$" not in text, f"a variable that nobody fills in: {text}"
            yield panel["title"], panel["fieldConfig"]["defaults"]["unit"], target["legendFormat"], text


class Prometheus:
    """Runs while a `with` lasts, and scrapes every second."""

    def __init__(self, target):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="berth-prometheus-"))
        self.port = harness.free_port()
        (self.directory / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{"job_name": "berth", "static_configs": [{"targets": [target]}]}]}))
        self._process = None

    def __enter__(self):
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["prometheus", f"--config.file={self.directory}/prometheus.yml",
                 f"--storage.tsdb.path={self.directory}/data", f"--web.listen-address=127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if self.ask("query", query="up")["status"] == "success":
                    return self
            except OSError:
                pass
            assert time.monotonic() < deadline and self._process.poll() is None, (self.directory / "log").read_text()
            time.sleep(harness.POLL_SECONDS)

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def ask(self, what, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=20) as reply:
            return json.load(reply)

    def series(self, expression, seconds):
        """What a panel draws of the last seconds: a list of (labels, [(time, value)])."""
        now = time.time()
        found = self.ask("query_range", query=expression, start=now - seconds, end=now, step=1)["data"]["result"]
        return [(one["metric"], [(at, float(value)) for at, value in one["values"]]) for one in found]
