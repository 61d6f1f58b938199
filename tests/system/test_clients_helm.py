"""helm over TLS with a private CA: charts, with and without their provenance, pushed, shown, pulled and depended on."""
import json
import tarfile

import pytest

import modern
from harness import Client
from modern import Program, stored, tags

CONFIG = "application/vnd.cncf.helm.config.v1+json"
CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


class Helm(Program):
    def __init__(self, home, ca_file):
        super().__init__("helm", home, HELM_REGISTRY_CONFIG=str(home / "registry.json"))
        self._trust = ("--ca-file", ca_file)

    def package(self, name, version, **more):
        folder = self.home / name
        folder.mkdir(exist_ok=True)
        (folder / "templates").mkdir(exist_ok=True)
        (folder / "Chart.yaml").write_text(json.dumps({"apiVersion": "v2", "name": name, "version": version} | more))
        (folder / "values.yaml").write_text("answer: 42\n")
        (folder / "templates" / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n"
                                                       "  answer: {{ .Values.answer | quote }}\n")
        self.run("package", name)
        return self.home / f"{name}-{version}.tgz"

    def push(self, chart, registry, path="charts"):
        self.run("push", chart, f"oci://{registry.authority}/{path}", *self._trust)

    def trusting(self, *arguments, **options):
        return self.run(*arguments, *self._trust, **options)


@pytest.fixture
def helm(here, tmp_path):
    (tmp_path / "home").mkdir()
    return Helm(tmp_path / "home", here.ca_file)


def test_chart_there_and_back(helm, here, tmp_path):
    chart = helm.package("app", "1.2.3", description="a chart")
    helm.push(chart, here)
    document = json.loads(stored(here, "charts/app", "1.2.3"))
    assert (document["config"]["mediaType"], document["layers"][0]["mediaType"]) == (CONFIG, CHART)
    assert document["annotations"]["org.opencontainers.image.title"] == "app"
    (tmp_path / "back").mkdir()
    helm.trusting("pull", f"oci://{here.authority}/charts/app", "--version=1.2.3", "-d", tmp_path / "back")
    assert (tmp_path / "back" / "app-1.2.3.tgz").read_bytes() == chart.read_bytes()


def test_versions(helm, here, tmp_path):
    """The newest that fits a range; a + of a version is a _ of its tag."""
    for version in ("0.1.0", "0.2.0", "0.10.0", "1.0.0+build.7"):
        helm.push(helm.package("ranges", version), here)
    assert sorted(tags(here, "charts/ranges")) == ["0.1.0", "0.10.0", "0.2.0", "1.0.0_build.7"]
    (tmp_path / "back").mkdir()
    helm.trusting("pull", f"oci://{here.authority}/charts/ranges", "--version=~0", "-d", tmp_path / "back")
    helm.trusting("pull", f"oci://{here.authority}/charts/ranges", "--version=1.0.0+build.7", "-d", tmp_path / "back")
    assert {path.name for path in (tmp_path / "back").iterdir()} == {"ranges-0.10.0.tgz", "ranges-1.0.0+build.7.tgz"}


def test_shown_and_rendered(helm, here):
    helm.push(helm.package("shown", "1.0.0", appVersion="9"), here)
    assert b"appVersion: " in helm.trusting("show", "chart", f"oci://{here.authority}/charts/shown")
    assert b'answer: "42"' in helm.trusting("template", f"oci://{here.authority}/charts/shown")


def test_provenance_beside_the_chart(helm, here, tmp_path):
    """A chart.prov beside the chart becomes a layer of its own and comes back with --prov."""
    chart = helm.package("proven", "1.0.0")
    prov = chart.with_name(chart.name + ".prov")
    prov.write_text("signed by nobody\n")
    helm.push(chart, here)
    assert len(json.loads(stored(here, "charts/proven", "1.0.0"))["layers"]) == 2
    (tmp_path / "back").mkdir()
    helm.trusting("pull", f"oci://{here.authority}/charts/proven", "--prov", "-d", tmp_path / "back")
    assert (tmp_path / "back" / prov.name).read_text() == prov.read_text()


def test_pull_by_digest_and_untarred(helm, here, tmp_path):
    helm.push(helm.package("exact", "1.0.0"), here)
    client = Client(here)
    found = client.head(client.manifest("charts/exact", "1.0.0"), {"Accept": "*/*"}).header("Docker-Content-Digest")
    helm.trusting("pull", f"oci://{here.authority}/charts/exact@{found}", "--untar", "-d", tmp_path / "back")
    assert (tmp_path / "back" / "exact" / "values.yaml").read_text() == "answer: 42\n"


def test_chart_that_needs_another(helm, here):
    """The CA comes from the environment here: there is no flag for the registries of dependencies."""
    helm.push(helm.package("base", "1.0.0"), here)
    needing = {"dependencies": [{"name": "base", "version": "1.x", "repository": f"oci://{here.authority}/charts"}]}
    folder = helm.home / "needs"
    folder.mkdir()
    (folder / "Chart.yaml").write_text(json.dumps({"apiVersion": "v2", "name": "needs", "version": "1.0.0"} | needing))
    helm.run("dependency", "update", "needs")
    with tarfile.open(folder / "charts" / "base-1.0.0.tgz") as archive:
        assert "base/Chart.yaml" in archive.getnames()


def test_between_two_berths(helm, here, there, tmp_path):
    chart = helm.package("copied", "1.0.0")
    helm.push(chart, here)
    oras = Program("oras", helm.home)
    oras.run("cp", "--no-tty", f"{here.authority}/charts/copied:1.0.0", f"{there.authority}/charts/copied:1.0.0")
    modern.assert_same_tree(here, there, "charts/copied", "1.0.0")
    (tmp_path / "back").mkdir()
    helm.trusting("pull", f"oci://{there.authority}/charts/copied", "-d", tmp_path / "back")
    assert (tmp_path / "back" / chart.name).read_bytes() == chart.read_bytes()


def test_what_is_not_there(helm, here):
    assert "not found" in helm.trusting("pull", f"oci://{here.authority}/charts/none", "--version=1.0.0", fails=True)
