"""What every Python suite shares: the harness on the path, and the choice of the registry under test.

BERTH_TEST_PEER=1 runs a suite against docker/distribution's docker-registry instead of berth, to check the suite itself
against the original. Cases where berth differs on purpose are marked `differs("why")` and skipped there, each with its
reason in the summary; BERTH_TEST_PEER=strict runs them too and demands that they fail, so that no mark outlives its
reason. BERTH_TEST_PEER=all runs everything as it is (DOCKER_REGISTRY names the binary, distribution 3 for instance).
"""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "system"))
import harness  # noqa: E402

PEER = os.environ.get("BERTH_TEST_PEER", "")


def pytest_configure(config):
    config.addinivalue_line("markers", "differs(reason): berth differs from docker/distribution 2.8 on purpose")


def pytest_collection_modifyitems(items):
    if PEER not in ("1", "strict"):
        return
    for item in items:
        mark = item.get_closest_marker("differs")
        if mark is None:
            continue
        reason = f"berth differs: {mark.args[0]}"
        item.add_marker(pytest.mark.xfail(reason=reason, strict=True) if PEER == "strict"
                        else pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter):
    if not PEER:
        return
    skipped = terminalreporter.stats.get("skipped", [])
    terminalreporter.section(f"docker-registry ran in berth's place; {len(skipped)} cases left out")
    for report in skipped:
        terminalreporter.line(f"{report.nodeid}: {report.longrepr[2]}")


@pytest.fixture(scope="session")
def registry_class():
    """The registry under test: berth, or the peer that checks the suite."""
    return harness.PeerRegistry if PEER else harness.Registry
