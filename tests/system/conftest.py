"""Fixtures of the system suites: real registries and real clients, each in folders of its own."""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

import harness
import images
import store_check

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
INSTALL_SECONDS = 900

# What a program prints that ought to have ended: sanitizer reports, Go panics, nginx workers lost to a signal.
BREAKDOWN = re.compile(r"(AddressSanitizer|ThreadSanitizer|LeakSanitizer|runtime error:|panic:"
                       r"|exited on signal (?!9\b))")

# Foreign layers may be named from one place.
MODERN = {"validation": {"manifests": {"urls": {"allow": ["^https://layers[.]invalid/"]}}}}

_skipped = []


def pytest_runtest_logreport(report):
    if report.skipped and isinstance(report.longrepr, tuple):
        _skipped.append((report.nodeid, report.longrepr[2]))


def pytest_terminal_summary(terminalreporter):
    """What this machine could not run is said at the end of every run, without asking for it."""
    if not _skipped or harness_stands_in():
        return
    terminalreporter.section(f"{len(_skipped)} system tests SKIPPED", red=True)
    for nodeid, reason in _skipped:
        terminalreporter.line(f"{nodeid}: {reason}", red=True)


def harness_stands_in():
    return bool(os.environ.get("BERTH_TEST_PEER"))


def need(*programs):
    """Skips unless every program is there; as root, installs the system set of packages first."""
    def missing():
        return [program for program in programs if not shutil.which(program, path=search_path())]

    if missing() and os.geteuid() == 0:
        subprocess.run([REPOSITORY / ".ci" / "packages", "system"], timeout=INSTALL_SECONDS, check=False)
    if missing():
        pytest.skip(f"not on this machine: {', '.join(missing())} (.ci/packages system installs them)")


def search_path():
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"


def need_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


def need_loopback_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"needs the loopback address ::1: {error}")


@contextlib.contextmanager
def running(registry):
    """Runs a registry and demands that it neither breaks down nor ends uncleanly."""
    with registry:
        yield registry
        assert not BREAKDOWN.search(registry.log()), registry.log()[-4000:]


@pytest.fixture(scope="session")
def registry_factory(registry_class):
    """registry_class(...), or one that a test prepared, running for a `with` and checked for breakdowns."""
    def factory(prepared=None, **options):
        return running(prepared if isinstance(prepared, registry_class) else registry_class(prepared, **options))
    return factory


@pytest.fixture(scope="session")
def ca_folder(tmp_path_factory):
    """The private CA as clients of the containers family take it (--cert-dir): a folder with `*.crt`."""
    folder = tmp_path_factory.mktemp("certs")
    shutil.copy(harness.certificates().ca_file, folder / "ca.crt")
    return folder


@pytest.fixture(scope="module")
def here(registry_factory):
    """A berth over TLS with the private CA, for a whole suite; its store must be whole in the end."""
    with registry_factory(MODERN, tls=True) as running_registry:
        yield running_registry
        store_check.assert_whole(running_registry.v2_root, deletions=True)


@pytest.fixture(scope="module")
def there(registry_factory):
    """Another one, to copy to."""
    with registry_factory(MODERN, tls=True) as running_registry:
        yield running_registry
        store_check.assert_whole(running_registry.v2_root, deletions=True)


@pytest.fixture(scope="session")
def berth_images(tmp_path_factory):
    """One engine and one build for all suites of berth's images that a run has."""
    from container_images import Images, make_context, running_engine     # it takes from here, too
    with running_engine(hosts={"registry.test": "::1"}) as engine:
        context = tmp_path_factory.mktemp("context")
        make_context(context)
        yield Images(engine, context)


@pytest.fixture
def layout(tmp_path):
    return images.OciLayout(tmp_path / "oci")
