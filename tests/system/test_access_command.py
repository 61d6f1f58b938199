"""berth.access before anything is served: `berth access`, what check-config and a start say of rules that are none, and
the examples of docs/access.md, which are configs that berth takes."""
import pathlib
import re
import shutil

import pytest

import harness
from test_command_line import BAD_CONFIG, GOOD, berth, config_file  # noqa: F401  (a fixture)

pytestmark = pytest.mark.differs("berth's own command")

ACCESS = GOOD + """\
berth:
  access:
    groups: {developers: [alice, "robot:ci"]}
    issuers:
      - {name: github, url: "https://token.example", audience: registry, claims: [repository, ref]}
    rules:
      - {who: anyone, repositories: public/**, may: pull}
      - {who: signed-in, repositories: "**", may: pull}
      - {who: developers, repositories: [team/**, tools/*], may: [push, delete]}
      - {who: "user:root", repositories: "**", may: all}
      - {who: "cert:*.example", repositories: keep/*, may: add}
      - {who: "user:gone", repositories: trash, may: delete}
      - {who: "token:github repository=acme/app ref=refs/heads/*", repositories: team/app, may: push}
"""
RULE_LINES = {"anyone": 13, "signed-in": 14, "developers": 15, "root": 16, "cert": 17, "gone": 18, "token": 19}

ANSWERS = [     # subject, repository, exit code, what it may, the rules that say so
    ("anyone", "public/app", 0, "pull", ["anyone"]),
    ("anyone", "team/app", 1, "do nothing", []),
    ("dave", "team/app", 0, "pull", ["signed-in"]),
    ("alice", "team/app", 0, "pull, push and delete", ["signed-in", "developers"]),
    ("user:alice", "tools/a", 0, "pull, push and delete", ["signed-in", "developers"]),
    ("user:alice", "tools/a/b", 0, "pull", ["signed-in"]),
    ("robot:ci", "team/app", 0, "pull, push and delete", ["signed-in", "developers"]),
    ("robot:alice", "team/app", 0, "pull", ["signed-in"]),
    ("root", "team/app", 0, "do everything", ["signed-in", "root"]),
    ("cert:build.example", "keep/x", 0, "pull and add (push, but move no tag)", ["signed-in", "cert"]),
    ("token:github repository=acme/app ref=refs/heads/main", "team/app", 0, "pull and push", ["signed-in", "token"]),
    ("token:github repository=acme/app ref=refs/pull/1", "team/app", 0, "pull", ["signed-in"]),
    ("token:github", "public/x", 0, "pull", ["anyone", "signed-in"]),
]


@pytest.mark.parametrize("subject,repository,code,may,rules", ANSWERS, ids=lambda value: str(value).replace("/", "-"))
def test_access(config_file, subject, repository, code, may, rules):     # noqa: F811
    file = config_file(ACCESS)
    done = berth("access", file, *subject.split(" "), repository)
    first, *reasons = done.stdout.splitlines()
    assert done.returncode == code, done
    assert first.startswith(f"{subject} may {may} with {repository}:"), done
    assert [line.split(": ")[0].strip() for line in reasons] == [f"{file}:{RULE_LINES[rule]}" for rule in rules], done
    assert all("who: " in line and "repositories: " in line and "may: " in line for line in reasons), done


def test_access_that_is_not_to_pull_is_1(config_file):      # noqa: F811
    file = config_file(ACCESS.replace("who: signed-in", "who: developers"))
    done = berth("access", file, "gone", "trash")
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "gone may delete with trash:"), done


MISTAKES = [
    (["signed-in", "team/app"], r'"signed-in": allowed is anyone, NAME or user:NAME'),
    (["two words", "more", "team/app"], r'"two words more": allowed is anyone'),
    (["group:x", "team/app"], r'"group:x": allowed is anyone'),
    (["alice", "Team/App"], r'"Team/App": allowed is the name of a repository'),
    (["token:gitlab", "team/app"], r'"token:gitlab": allowed is an issuer of berth\.access\.issuers'),
    (["token:github", "sub=x", "team/app"], r'"sub=x": allowed is CLAIM=VALUE; the claims of github are repository, '),
    (["token:github", "ref", "team/app"], r'"ref": allowed is CLAIM=VALUE'),
]


@pytest.mark.parametrize("words,says", MISTAKES, ids=lambda value: str(value[0]))
def test_access_mistakes(config_file, words, says):     # noqa: F811
    done = berth("access", config_file(ACCESS), *words)
    assert done.returncode == BAD_CONFIG, done
    assert re.fullmatch(f"berth: {says}.*\n", done.stderr), done


def test_access_without_rules(config_file):     # noqa: F811
    done = berth("access", config_file(GOOD), "alice", "team/app")
    assert done.returncode == BAD_CONFIG
    assert "berth.access: there is no such section" in done.stderr, done
    assert berth("access", config_file(GOOD), "alice").returncode == BAD_CONFIG


BAD_RULES = {
    '{who: everyone, repositories: "**", may: pull}': r'rules\[0\]\.who: "everyone": allowed is anyone, ',
    "{who: anyone, repositories: Team/**, may: pull}": r'rules\[0\]\.repositories: "Team/\*\*": allowed is the name',
    "{who: anyone, repositories: a, may: write}": r'rules\[0\]\.may: "write": allowed is pull, add, ',
    "{who: anyone, repository: a, may: pull}": r"rules\[\]\.repository: no such key: .*did you mean repositories\?",
    "": r"rules: \(a list\): allowed is a list of rules, one at least",
}


@pytest.mark.parametrize("command", ["check-config", "up", "serve"])
@pytest.mark.parametrize("rule,says", BAD_RULES.items(), ids=range(len(BAD_RULES)))
def test_rules_that_are_none_never_start(config_file, tmp_path, command, rule, says):     # noqa: F811
    file = config_file(GOOD + f"berth:\n  access:\n    rules: [{rule}]\n")
    done = berth(command, file)
    assert done.returncode == BAD_CONFIG, done
    said = (done.stdout + done.stderr).replace('\\"', '"')     # a log line quotes
    assert re.search(rf"{file}:9: berth\.access\.{says}", said), done
    assert not (tmp_path / "data" / "docker").exists()


def examples():
    text = (harness.REPOSITORY / "docs" / "access.md").read_text()
    return re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", [text for text in examples() if "access:" in text],
                         ids=lambda text: text.splitlines()[-1].strip())
def test_examples_of_the_documentation(config_file, tmp_path, example):     # noqa: F811
    vectors = harness.REPOSITORY / "tests" / "unit" / "auth" / "vectors"
    (tmp_path / "users").write_text("alice:$2y$05$" + "a" * 53 + "\n")
    (tmp_path / "ldap-password").write_text("secret\n")
    shutil.copy(vectors / "jwks.json", tmp_path / "cluster-keys.json")
    made = harness.certificates()
    for name in ("ldap-ca.crt", "client-ca.crt", "registry.crt"):
        shutil.copy(made.certificate, tmp_path / name)
    shutil.copy(made.key, tmp_path / "registry.key")
    example = example.replace("/etc/berth/", f"{tmp_path}/")
    for path in re.findall(rf"{tmp_path}/[\w.-]+", example):
        assert pathlib.Path(path).exists(), "a file that this test has to make"
    before = GOOD
    if "http:\n  tls:\n" in example:     # the example's section takes the place of the good one's
        before, http = GOOD.split("http:\n")
        pair = f"    certificate: {tmp_path}/registry.crt\n    key: {tmp_path}/registry.key\n"
        example = example.replace("http:\n  tls:\n", f"http:\n{http}  tls:\n{pair}")
    done = berth("check-config", config_file(before + example))
    lines = [line for line in done.stderr.splitlines() if "the certificate of http.tls ends" not in line]
    assert (done.returncode, lines) == (0, []), done


def test_there_are_examples():
    assert len([text for text in examples() if "access:" in text]) >= 3
