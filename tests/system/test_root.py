"""What `berth up` touches as root (nothing that the store's owner can lead astray), and what it owns while it runs: the
spool, the locks, the socket."""
import fcntl
import os
import pathlib
import signal
import socket

import pytest

import harness
from conftest import need_root, running
from harness import OCTETS, Client, Registry, wait_until
from test_disk_full import disk, fill   # noqa: F401 (a fixture)
from test_lifecycle import assert_works

pytestmark = pytest.mark.differs("berth's own command")

OWNER = 65534       # nobody
NAMELESS = 54321
PORTS_ONLY = 1 << 10    # CAP_NET_BIND_SERVICE


def free_privileged_port():
    for port in range(700, 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    pytest.skip("no free port below 1024")


def owned_registry(privileged, owner=OWNER, **options):
    """A registry started by root, over a store that somebody else owns."""
    need_root()
    registry = Registry(**options)
    if privileged:
        registry.port = free_privileged_port()
        registry.config["http"]["addr"] = f"127.0.0.1:{registry.port}"
    registry.root.mkdir(parents=True, exist_ok=True)
    os.chown(registry.root, owner, owner)
    return registry


def home_of(registry):
    """Where the default run directory and spool are."""
    return registry.root / "berth" / f"{socket.gethostname()}-{registry.port}"


def snapshot(folder):
    return {str(path): (path.lstat(), path.read_bytes() if path.is_file() else None)
            for path in [folder, *sorted(folder.rglob("*"))]}


def without_times(shot):
    return {path: (s.st_ino, s.st_mode, s.st_uid, s.st_gid, s.st_size, s.st_mtime_ns, s.st_ctime_ns, data)
            for path, (s, data) in shot.items()}


@pytest.fixture
def precious(tmp_path):
    """root's own: a directory and files in it, by the names that berth might use."""
    folder = tmp_path / "precious"
    for name in ("lock", "nginx.pid", "pool.sock", "secret", "0000000001", "nginx/generated/listen.conf",
                 "run/lock", "spool/lock", "tmp/old"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("root's")
    os.utime(folder / "tmp" / "old", (1, 1))
    before = without_times(snapshot(folder))
    yield folder
    assert without_times(snapshot(folder)) == before


PLANTS = {      # below the store: to what of root's
    "berth": "", "berth/tmp": "tmp", "berth/secret": "secret", "HOME": "", "HOME/run": "run", "HOME/spool": "spool",
    "HOME/run/lock": "lock", "HOME/run/nginx.pid": "nginx.pid", "HOME/run/nginx": "nginx",
    "HOME/run/nginx.new": "nginx", "HOME/run/nginx.old": "nginx", "HOME/run/pool.sock": "pool.sock",
    "HOME/spool/lock": "lock",
    "HOME/spool/0000000001": "0000000001", "berth/gone-1": "", "berth/gone-1/spool": "spool",
    "HOME/run/temp-fastcgi": "tmp", "docker": "",
}


def plant(registry, where, target):
    path = registry.root / where.replace("HOME", str(home_of(registry).relative_to(registry.root)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    for parent in [path, *path.parents]:
        if parent == registry.root:
            break
        os.chown(parent, OWNER, OWNER, follow_symlinks=False)


@pytest.mark.parametrize("privileged", [False, True], ids=["any port", "port of root"])
@pytest.mark.parametrize("where", PLANTS)
def test_a_planted_link_leads_root_nowhere(precious, where, privileged):
    registry = owned_registry(privileged)
    precious.parent.chmod(0o755)
    plant(registry, where, precious / PLANTS[where] if PLANTS[where] else precious)
    try:
        registry.start()
    except RuntimeError as refused:
        assert "ended with" in str(refused)     # it may refuse; it may not write
    else:
        registry.send_signal(signal.SIGHUP)
        Client(registry).post(Client(registry).uploads("it/tries"))
        registry.stop()
    finally:
        registry.close()


@pytest.mark.parametrize("privileged", [False, True], ids=["any port", "port of root"])
def test_links_planted_while_it_runs(precious, privileged):
    with running(owned_registry(privileged)) as registry:
        wait_until(lambda: "listening on" in registry.log(), "it is up")
        run = home_of(registry) / "run"
        os.rename(run / "nginx", run / "aside")
        for name, target in (("nginx", "nginx"), ("nginx.new", "nginx"), ("nginx.old", "nginx")):
            (run / name).symlink_to(precious / target)
        (run / "nginx.pid").unlink()
        (run / "nginx.pid").symlink_to(precious / "nginx.pid")
        registry.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in registry.log(), "an end of the reload")


@pytest.mark.parametrize("owner", [OWNER, NAMELESS], ids=["nobody", "nameless"])
@pytest.mark.parametrize("privileged", [False, True], ids=["any port", "port of root"])
def test_who_has_which_rights(privileged, owner):
    with running(owned_registry(privileged, owner)) as registry:
        assert_works(registry)
        strangers = [path for path in registry.root.rglob("*") if path.lstat().st_uid != owner]
        assert not strangers, strangers[:5]
        for pid in registry.tree():
            status = dict(line.split(":\t", 1) for line in
                          pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
            title = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            if privileged and pid == registry.pid:
                assert status["Uid"] == f"0\t{owner}\t0\t{owner}"
            else:
                assert status["Uid"] == "\t".join([str(owner)] * 4), (title, status["Uid"])
                allowed = PORTS_ONLY if privileged and b"nginx" in title else 0
                assert int(status["CapPrm"], 16) & ~allowed == 0, (title, status["CapPrm"])
            assert status["Groups"].split() in ([], [str(owner)]), (title, status["Groups"])


# The spool


def spooled(registry):
    return [path for path in (home_of(registry) / "spool").iterdir() if path.name.isdigit()]


def begin(registry, method, location):
    """A request of which half has come: more than nginx keeps in memory."""
    client = Client(registry)
    connection = client.connect()
    connection.putrequest(method, client.path_of(location))
    connection.putheader("Content-Type", OCTETS)
    connection.putheader("Content-Length", "1000000")
    connection.endheaders(b"x" * 500_000)
    return connection


@pytest.mark.parametrize("method, status", [("GET", 204), ("DELETE", 204), ("OPTIONS", 200)])
def test_only_what_brings_bytes_is_spooled(method, status):
    """What does not is answered as if it had no body, which is not read."""
    with running(Registry()) as registry:
        client = Client(registry)
        location = client.start_upload("it/spools")
        other = client.start_upload("it/spools")
        assert client.request(method, other, body=b"x" * 5_000_000).status == status
        assert client.append(location, b"x" * 5_000_000)
        assert client.request("DELETE", client.start_upload("it/spools"), body=b"x").status == 204
        wait_until(lambda: not spooled(registry), "an empty spool")


@pytest.mark.parametrize("size, files", [(99_999, 0), (100_000, 1), (None, 1)], ids=["small", "larger", "chunked"])
def test_small_bodies_of_a_known_length_are_not_spooled(size, files):
    """nginx counts the files it makes: the name of the next one tells how many there were."""
    with running(Registry()) as registry:
        client = Client(registry)
        location = client.start_upload("it/spools")
        location = client.append(location, b"x" * size if size else iter([b"one piece"]))
        connection = begin(registry, "PATCH", location)
        # That of the first PATCH, if any, goes when nginx ends the request: after the client has its reply.
        wait_until(lambda: [int(path.name) for path in spooled(registry)] == [files + 1], f"file {files + 1} alone")
        connection.close()


def test_spool_is_emptied_when_nginx_dies():
    with running(Registry()) as registry:
        connection = begin(registry, "PATCH", Client(registry).start_upload("it/spools"))
        wait_until(lambda: spooled(registry), "the PATCH is spooled")
        master = registry.nginx_master()
        os.kill(master, signal.SIGKILL)
        wait_until(lambda: "starting it again" in registry.log() and not spooled(registry), "the spool is empty")
        connection.close()
        wait_until(lambda: is_answered(registry), "nginx is back")
        assert_works(registry)


def is_answered(registry):
    try:
        return Client(registry).get("/v2/").status == 200
    except OSError:
        return False


def test_only_what_vanished_hosts_left_is_removed():
    registry = Registry()
    homes = {name: registry.root / "berth" / name for name in ("gone-5000", "alive-5000", "half-5000", "no-berth")}
    for home in homes.values():
        for part in ("run", "spool"):
            (home / part).mkdir(parents=True)
            (home / part / "lock").touch()
        (home / "spool" / "0000000001").write_text("x")
    (homes["no-berth"] / "spool" / "lock").unlink()
    with (homes["alive-5000"] / "run" / "lock").open() as run, (homes["half-5000"] / "spool" / "lock").open() as spool:
        fcntl.flock(run, fcntl.LOCK_EX)
        fcntl.flock(spool, fcntl.LOCK_EX)
        with running(registry):
            assert {name for name, home in homes.items() if home.exists()} == {"alive-5000", "half-5000", "no-berth"}
            assert (homes["alive-5000"] / "spool" / "0000000001").exists()


# The socket, the disk


def test_socket_of_another_is_left_alone(tmp_path):
    path = tmp_path / "pool.sock"
    registry = Registry({"berth": {"socket": str(path)}}).start()
    try:
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            registry.stop()
            assert path.is_socket()
        path.unlink()
        registry.start()
        registry.stop()
        assert not path.exists()
    finally:
        registry.close()


def test_full_disk_at_the_start(disk):      # noqa: F811
    registry = Registry(root=disk / "data")
    registry.root.mkdir()
    fill(disk / "ballast")
    try:
        with pytest.raises(RuntimeError, match="ended with [12]") as refused:
            registry.start()
        assert "No space left" in str(refused.value), refused.value
        (disk / "ballast").unlink()
        with running(registry):
            assert_works(registry)
    finally:
        registry.close()
