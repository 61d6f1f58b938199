"""deploy/: the kustomizations and the chart are rendered, read by Kubernetes' own types, strictly, and held against the
schemas of its API. No cluster is started. Skipped without Go, or where its modules cannot be had."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest
import yaml

import go_programs
import kubernetes_schemas
from harness import REPOSITORY

BERTH = os.environ.get("BERTH", str(REPOSITORY / "build" / "berth"))
DEPLOY = REPOSITORY / "deploy"
SECONDS = 600
KINDS = {("", "v1", "ConfigMap"), ("", "v1", "Service"), ("", "v1", "PersistentVolumeClaim"),
         ("apps", "v1", "Deployment"), ("policy", "v1", "PodDisruptionBudget")}
GO_MOD = """module manifests

go 1.26

require (
    k8s.io/api v0.37.1
    k8s.io/apimachinery v0.37.1
    sigs.k8s.io/kustomize/api v0.21.1
    sigs.k8s.io/kustomize/kyaml v0.21.2
    sigs.k8s.io/yaml v1.6.0
)
"""


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=SECONDS, **more)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """The objects that a directory's kustomization, or a text, is."""
    folder = tmp_path_factory.mktemp("manifests")
    (folder / "go.mod").write_text(GO_MOD)
    shutil.copy(pathlib.Path(__file__).with_name("manifests.go"), folder / "main.go")
    try:
        built = run(go_programs.find_go(), "build", "-mod=mod", "-o", "manifests", ".", cwd=folder,
                    env=os.environ | {"GOWORK": "off"})
    except (go_programs.Unavailable, subprocess.TimeoutExpired) as error:
        pytest.skip(f"NOT TESTED: deploy/: {error}")
    if built.returncode:
        if "main.go:" in built.stderr:
            raise AssertionError(built.stderr)
        pytest.skip(f"NOT TESTED: deploy/: {built.stderr[-400:]}")

    def objects(*arguments, text=None, fails=False):
        done = run(folder / "manifests", *arguments, input=text or "")
        assert (done.returncode != 0) == fails, done.stderr
        if fails:
            return done.stderr
        listed = [json.loads(line) for line in done.stdout.splitlines()]
        return {one["kind"]: one for one in listed}
    return objects


def program(name, tested):
    try:
        path = go_programs.install(name)
    except go_programs.Unavailable as error:
        pytest.skip(f"NOT TESTED: {tested}: {error}")

    def call(*arguments, text=None, fails=False):
        done = run(path, *arguments, input=text)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout
    return call


@pytest.fixture(scope="module")
def helm():
    return program("helm", "deploy/helm")


@pytest.fixture(scope="module")
def conforms(tmp_path_factory):
    """Whether objects are what the schemas of Kubernetes' API say; returns what is wrong."""
    call = program("kubeconform", "deploy/ by schemas")
    try:
        place = kubernetes_schemas.write(tmp_path_factory.mktemp("schemas"), KINDS)
    except go_programs.Unavailable as error:
        pytest.skip(f"NOT TESTED: deploy/ by schemas: {error}")

    def check_objects(text, fails=False):
        said = json.loads(call("-schema-location", place, "-strict", "-summary", "-output=json", text=text,
                               fails=fails))
        assert sum(said["summary"].values()) and not said["summary"]["skipped"], said
        return [one["msg"] for one in said["resources"]]
    return check_objects


def check(objects, tmp_path, tls=False):
    assert set(objects) == {"ConfigMap", "Deployment", "PersistentVolumeClaim", "PodDisruptionBudget", "Service"}
    deployment = objects["Deployment"]["spec"]
    pod = deployment["template"]["spec"]
    [container] = pod["containers"]
    labels = deployment["template"]["metadata"]["labels"]
    for selector in (deployment["selector"]["matchLabels"], objects["Service"]["spec"]["selector"],
                     objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]):
        assert selector and selector.items() <= labels.items()

    # What Kubernetes' "restricted" pod security standard asks for.
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                            "capabilities": {"drop": ["ALL"]}}

    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounts) == set(volumes)
    claim = volumes["store"]["persistentVolumeClaim"]["claimName"]
    assert claim == objects["PersistentVolumeClaim"]["metadata"]["name"]
    assert volumes["config"]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]
    assert ("tls" in volumes) == tls

    text = objects["ConfigMap"]["data"]["config.yml"]
    config = yaml.safe_load(text)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert config["http"]["addr"] == f":{ports['registry']}"
    assert config["http"]["debug"]["addr"] == f":{ports['debug']}"
    assert objects["Service"]["spec"]["ports"][0]["targetPort"] == "registry"
    assert {container[probe].get("httpGet", container[probe].get("tcpSocket"))["port"]
            for probe in ("startupProbe", "readinessProbe", "livenessProbe")} <= set(ports)
    assert pod["terminationGracePeriodSeconds"] > int(config["http"]["draintimeout"].removesuffix("s"))
    assert config["storage"]["filesystem"]["rootdirectory"] == mounts["store"]

    # berth itself takes it, wherever the store is.
    config["storage"]["filesystem"]["rootdirectory"] = str(tmp_path)
    config["http"].pop("tls", None)
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config))
    done = run(BERTH, "check-config", tmp_path / "config.yml")
    assert done.returncode == 0 and "warning" not in done.stderr, done.stderr


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_kustomizations(read, tmp_path, tls):
    objects = read(DEPLOY / "kubernetes" / ("tls" if tls else "plain"))
    check(objects, tmp_path, tls)
    environment = objects["Deployment"]["spec"]["template"]["spec"]["containers"][0].get("env", [])
    assert [one["name"] for one in environment] == (
        ["REGISTRY_HTTP_TLS_CERTIFICATE", "REGISTRY_HTTP_TLS_KEY"] if tls else [])


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_chart(read, helm, tmp_path, tls):
    chart = DEPLOY / "helm" / "berth"
    helm("lint", "--strict", chart)
    settings = ["--set", "tls.secretName=mine"] if tls else []
    check(read(text=helm("template", "registry", chart, *settings)), tmp_path, tls)


def test_values_of_the_chart(read, helm):
    text = helm("template", "registry", DEPLOY / "helm" / "berth", "--set-json",
                'config={"http":{"relativeurls":true}}',
                "--set", "persistence.existingClaim=old,drainSeconds=300")
    objects = read(text=text)
    assert "PersistentVolumeClaim" not in objects
    config = yaml.safe_load(objects["ConfigMap"]["data"]["config.yml"])
    assert config["http"]["relativeurls"] is True and config["http"]["addr"] == ":5000", "laid over, not instead"
    assert objects["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 300


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_schemas(read, helm, conforms, tls):
    settings = ["--set", "tls.secretName=mine"] if tls else []
    conforms(helm("template", "registry", DEPLOY / "helm" / "berth", *settings))
    rendered = read(DEPLOY / "kubernetes" / ("tls" if tls else "plain"))
    conforms("---\n".join(map(json.dumps, rendered.values())))


def test_a_wrong_manifest_is_seen(read, conforms):
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {port: 1}\n"
    assert "unknown field" in read(text=text, fails=True)
    assert "port" in conforms(text, fails=True)[0]
    assert "selector" in conforms("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n"
                                  "spec: {template: {}}\n", fails=True)[0]
