"""Who empties the volume under a running registry: with registry:2 it goes on, and so it does with berth."""
import http.client
import os
import shutil
import signal
import subprocess

import pytest

import harness
from conftest import running
from harness import Client, Registry, digest, wait_until
from test_config_files import get


def pushes(client):
    """Whether a push of something new works, in both ways that nginx hands a body on."""
    try:
        for size in (1000, 500_000):
            blob = os.urandom(size)
            location = client.post("/v2/a/blobs/uploads/").header("Location")
            if location is None:
                return False
            if client.put(harness.with_query(location, digest=digest(blob)), body=blob).status != 201:
                return False
            if client.get(client.blob("a", digest(blob))).body != blob:
                return False
        return True
    except (OSError, http.client.HTTPException):
        return False


def below(directory):
    return [path for path in directory.iterdir()]


@pytest.mark.differs("it has no such directories")
@pytest.mark.parametrize("what", ["everything", "run", "spool", "berth", "socket"])
def test_it_goes_on(what):
    with running(Registry()) as registry:
        client = Client(registry)
        assert pushes(client)
        own = next(path for path in (registry.root / "berth").iterdir() if (path / "run").is_dir())
        for path in {"everything": below(registry.root), "berth": [registry.root / "berth"],
                     "socket": [own / "run" / "pool.sock"]}.get(what, [own / what]):
            # As `rm -rf`, which is told nothing of what appears meanwhile.
            path.unlink() if path.is_socket() else shutil.rmtree(path, ignore_errors=True)
        assert client.get("/v2/").status in (200, 502), "the port stays open"
        wait_until(lambda: pushes(client), lambda: registry.log()[-3000:])
        wait_until(lambda: "making them again" in registry.log() and "reloaded" in registry.log(), registry.log)
        # And all of it: a reload, and the lock that keeps a second one away.
        registry.send_signal(signal.SIGHUP)
        wait_until(lambda: registry.log().count("msg=reloaded") >= 2, registry.log)
        assert pushes(client)
        second = subprocess.run(registry.command(), capture_output=True, text=True, timeout=harness.START_SECONDS)
        assert second.returncode != 0 and "another `berth up`" in second.stderr


def test_a_health_check_sees_it():
    debug_port = harness.free_port()
    config = {"http": {"debug": {"addr": f"127.0.0.1:{debug_port}"}},
              "health": {"storagedriver": {"enabled": True, "interval": "100ms"}}}
    with running(Registry(config)) as registry:
        address = f"http://127.0.0.1:{debug_port}/debug/health"
        assert get(address)[0] == 200
        registry.send_signal(signal.SIGSTOP)    # nobody makes it again
        try:
            own = next(path for path in (registry.root / "berth").iterdir() if (path / "run").is_dir())
            shutil.rmtree(own / "spool")
            wait_until(lambda: get(address)[0] == 503, "503")
            assert "spool" in get(address)[1]
        finally:
            registry.send_signal(signal.SIGCONT)
        wait_until(lambda: get(address)[0] == 200, "200")


@pytest.mark.differs("it has no pools of their own")
def test_a_pool_by_itself_makes_the_spool_again():
    registry = Registry()
    registry.config["berth"] = {"spool": str(registry.root / "berth" / "spool")}
    registry.command = lambda: [Registry.command(registry)[0], "serve", str(registry.config_file)]
    key = registry.root / "berth" / "signing-key.pem"   # the last that a start makes
    registry._wait_until_it_answers = lambda: wait_until(key.exists, registry.log)
    with registry:
        for path in below(registry.root):
            shutil.rmtree(path)
        wait_until(lambda: "is made again" in registry.log(), registry.log)
        assert (registry.root / "berth" / "spool").is_dir() and (registry.root / "berth" / "tmp").is_dir()
