"""Fixtures of the protocol suite: one registry a module, one repository name a test. BERTH_TEST_TLS=1 speaks https."""
import itertools
import os
import re

import pytest

from expect import CheckedClient

_numbers = itertools.count(1)

# What a program prints that ought to have ended: sanitizer reports, Go panics, nginx workers lost to a signal.
BREAKDOWN = re.compile(r"(AddressSanitizer|ThreadSanitizer|LeakSanitizer|runtime error:|panic"
                       r"|exited on signal (?!9\b))")


@pytest.fixture(scope="module")
def registry(request, registry_class):
    """A registry with the module's REGISTRY_CONFIG, or that of an indirect parameter; it must live and end cleanly."""
    config = getattr(request, "param", getattr(request.module, "REGISTRY_CONFIG", {}))
    with registry_class(config, tls=bool(os.environ.get("BERTH_TEST_TLS"))) as running:
        yield running
        assert not BREAKDOWN.search(running.log()), running.log()[-4000:]


@pytest.fixture
def client(registry):
    return CheckedClient(registry)


@pytest.fixture
def repo():
    """A repository name that no other test uses."""
    return f"team/case{next(_numbers)}"


@pytest.fixture
def other_repo():
    return f"other/case{next(_numbers)}"
