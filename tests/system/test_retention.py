"""`berth retention` beside a registry that runs: which tags stay, and what is said of it."""
import json
import os
import re
import subprocess

import pytest

from conftest import running
from harness import OCI_MANIFEST, Client, Registry, wait_until
from sink import Sink

pytestmark = pytest.mark.differs("docker-registry has no retention")

COMMAND_SECONDS = 60
DAYS_LATER = ["--later", "72h"]     # nothing young is deleted, and tests cannot wait
SETTLE_SECONDS = 20

CI = {"repositories": ["ci/**"], "keep": [{"tags": ["v*"]}, {"tags": ["dev-*"], "newest": 2}]}
USED = {"repositories": ["used/**"], "keep": [{"pulled": "24h"}], "minimum": 0}


def policies(*all_of_them, **more):
    return {"berth": {"retention": {"policies": list(all_of_them), "limit": "100%", **more},
                      "protected": [{"repositories": ["ci/**"], "tags": ["kept-*"]}],
                      "immutable": [{"repositories": ["ci/**"], "tags": ["fixed-*"]}]}}


def retention(registry, *options, code=0):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    done = subprocess.run([registry.command()[0], "retention", *options, str(registry.config_file)],
                          capture_output=True, text=True, timeout=COMMAND_SECONDS, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def judged(registry, *options, **more):
    """What is said of each tag, by NAME:TAG, and the sums."""
    *lines, sums = map(json.loads, retention(registry, "--format", "json", *options, **more).stdout.splitlines())
    return {f"{line['repository']}:{line['tag']}": line for line in lines}, sums


def tags(client, repo):
    return client.get(client.tags(repo)).json()["tags"] or []


def removals(registry):
    return [json.loads(line) for file in sorted((registry.root / "berth" / "removed").glob("*"))
            for line in file.read_text().splitlines()]


def test_a_dry_run_says_what_the_run_does(tmp_path):
    with Sink() as sink, running(Registry(policies(CI) | {"notifications": {"endpoints": [
            {"name": "sink", "url": sink.url}]}})) as registry:
        client = Client(registry)
        names = ["dev-1", "dev-2", "dev-3", "fixed-1", "kept-1", "v1", "other"]
        image = {name: client.make_image("ci/app", tag=name, media_type=OCI_MANIFEST) for name in names}
        client.make_image("other/app", tag="dev-1")
        signature = f"sha256-{image['v1'].digest.removeprefix('sha256:')}.sig"
        client.make_image("ci/app", tag=signature, media_type=OCI_MANIFEST)

        young, sums = judged(registry, "--dry-run")
        assert all(line["kept"] for line in young.values()) and sums["tags"] == 8, young

        dry, sums = judged(registry, "--dry-run", *DAYS_LATER)
        gone = {name for name, line in dry.items() if not line["kept"]}
        assert gone == {"ci/app:dev-1"} and sums["deleted"] == 1 and sums["dryRun"], dry
        assert dry["ci/app:dev-1"]["why"] == "no entry keeps it; keep[1]: number 3 of the newest, not of 2"
        assert dry["ci/app:v1"]["why"] == "keep[0]" and dry["ci/app:v1"]["digest"] == image["v1"].digest
        assert "protected" in dry["ci/app:kept-1"]["why"] and "immutable" in dry["ci/app:fixed-1"]["why"]
        assert "about sha256:" in dry[f"ci/app:{signature}"]["why"]
        assert "minimum" in dry["ci/app:other"]["why"]
        assert sorted(tags(client, "ci/app")) == sorted([*names, signature]) and not removals(registry)

        client.make_image("ci/app", tag="dev-4")     # and other is the newest no more
        text = retention(registry, *DAYS_LATER).stdout
        assert re.search(r"^ci/app:dev-2 sha256:\S+, pushed \S+Z: deleted: policies\[0\]: no entry", text, re.MULTILINE)
        assert text.splitlines()[-1] == "1 repository, 9 tags: 3 deleted"
        assert sorted(tags(client, "ci/app")) == sorted(["dev-3", "dev-4", "fixed-1", "kept-1", "v1", signature])
        assert tags(client, "other/app") == ["dev-1"]
        assert client.get(client.manifest("ci/app", image["dev-1"].digest)).status == 200   # the tag alone went

        lines = {line["tag"]: line for line in removals(registry)}
        assert sorted(lines) == ["dev-1", "dev-2", "other"]
        assert lines["dev-2"]["digest"] == image["dev-2"].digest and lines["dev-2"]["repository"] == "ci/app"

        def deletions():
            return {event["target"]["tag"]: event for event in sink.events if event["action"] == "delete"}

        wait_until(lambda: len(deletions()) == 3, lambda: str(sink.events), SETTLE_SECONDS)
        assert deletions()["dev-1"]["actor"]["name"] == "berth"
        assert deletions()["dev-1"]["target"]["repository"] == "ci/app"


def test_the_limit():
    with running(Registry(policies(CI, limit="40%"))) as registry:
        client = Client(registry)
        for number in range(5):
            client.make_image("ci/app", tag=f"dev-{number}")
        for number in range(3):
            client.make_image("ci/small", tag=f"dev-{number}")
        done = retention(registry, *DAYS_LATER, code=1)
        assert "ci/app: 3 of its 5 tags were to go, which is more than berth.retention.limit, 40%" in done.stderr
        assert done.stdout.count("kept by the limit") == 3
        assert len(tags(client, "ci/app")) == 5 and len(tags(client, "ci/small")) == 2
        retention(registry, "--force", "--repository", "ci/app", "--quiet", *DAYS_LATER)
        assert tags(client, "ci/app") == ["dev-3", "dev-4"]


def test_what_was_pulled_stays():
    config = policies(USED, ignoredagents=["Trivy"])
    with running(Registry(config)) as registry:
        client = Client(registry)
        image = {name: client.make_image("used/app", tag=name) for name in ("asked", "got", "digest", "scanned", "not")}
        seen = {"Accept": image["got"].media_type}
        assert client.get(client.manifest("used/app", "got"), seen).status == 200
        assert client.head(client.manifest("used/app", "asked"), seen).status == 200
        assert client.get(client.manifest("used/app", image["digest"].digest), seen).status == 200
        assert client.head(client.manifest("used/app", image["not"].digest), seen).status == 200    # no pull
        assert client.get(client.manifest("used/app", "scanned"), seen | {"User-Agent": "aqua trivy/1"}).status == 200
        assert not list((registry.root / "berth" / "pulls" / "new").glob("*"))  # in memory
        registry.stop()
        registry.start()
        # A day later nothing would be left: they were pulled, or the record of pulls began, within it.
        assert all(line["kept"] for line in judged(registry, "--dry-run", "--later", "23h")[0].values())
        dry, _ = judged(registry, "--dry-run", "--later", "30h")
        pulled = {line["tag"] for line in dry.values() if "pulled" in line}
        assert pulled == {"asked", "got", "digest"} and not any(line["kept"] for line in dry.values()), dry


@pytest.mark.parametrize("retention_config, says", [
    ({"policies": [{"repositories": ["a"], "keep": []}]}, "policies[0].keep: (nothing): allowed is a list of entries"),
    ({"policies": [{"repositories": ["**"], "keep": [{"newest": 1}]}, CI]}, "nothing after a policy for **"),
    ({"policies": [{"repositories": ["a"], "keep": [{"tags": ["no tag"]}]}]}, '.keep[0].tags: "no tag": allowed is '),
    ({"policies": [{"repositories": ["a"], "keep": [{"pushed": "100"}]}]}, 'pushed: "100": allowed is a time with its'),
    ({"enabled": True}, "true with berth.retention.policies"),
])
def test_half_a_policy_is_refused(tmp_path, retention_config, says):
    config = tmp_path / "config.yml"
    config.write_text(json.dumps({"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(tmp_path)}},
                                  "berth": {"retention": retention_config}}, indent=2))
    done = subprocess.run([Registry().command()[0], "check-config", str(config)], capture_output=True, text=True,
                          timeout=COMMAND_SECONDS)
    assert done.returncode == 2 and says in done.stderr, done.stderr
    assert re.search(r"config\.yml:\d+: berth\.retention\.", done.stderr)


def test_in_the_background():
    config = policies(CI, enabled=True, interval="2s")
    config["berth"]["collection"] = {"enabled": True, "interval": "1s"}
    with running(Registry(config)) as registry:
        Client(registry).make_image("ci/app", tag="dev-1")

        def runs():
            return re.findall(r"msg=retention .*repositories=1\b.*tags=1\b", registry.log())

        wait_until(lambda: len(runs()) > 1, registry.log, SETTLE_SECONDS)
        assert "retention failed" not in registry.log()
        assert tags(Client(registry), "ci/app") == ["dev-1"]
