"""SIGKILL at random moments under concurrent pushes: promises are kept, nothing half-written shows, pushes go on.

BERTH_KILL_ROUNDS and BERTH_KILL_SEED set how many kills there are and which; the seed is printed.
"""
import os
import random
import signal

import pytest

from harness import Client, wait_until
from processes import command_line, command_name
from pushers import Pusher
from store_check import assert_whole

ROUNDS = int(os.environ.get("BERTH_KILL_ROUNDS", 20))
SEED = os.environ.get("BERTH_KILL_SEED") or str(random.randrange(1 << 32))
PUSHERS = 4
RECOVERY_SECONDS = 20       # until a killed part must be back, and until pushes must be acknowledged again
LONGEST_PAUSE_SECONDS = 1   # between a recovery and the next kill


def is_relay(pid):
    """Of nginx's log: it ends with nginx, and nobody starts another beside the same nginx."""
    return command_name(pid) == "berth-log"


def parts(registry):
    """The living processes by what they are: `nginx master`, `nginx workers`, `pool`."""
    found = {"nginx master": set(), "nginx workers": set(), "pool": set()}
    for pid in registry.tree() - {registry.pid}:
        line = command_line(pid)
        if line.startswith("nginx: master"):
            found["nginx master"].add(pid)
        elif line.startswith("nginx: worker"):
            found["nginx workers"].add(pid)
        elif line and "nginx" not in line.split()[0] and not is_relay(pid):
            found["pool"].add(pid)
    return found


def answers(client):
    try:
        return client.get("/v2/").status == 200
    except OSError:
        return False


def acknowledged(pushers):
    for pusher in pushers:
        if pusher.error:
            raise pusher.error
    return sum(pusher.acknowledged for pusher in pushers)


def kill_one(registry, part, chance):
    """SIGKILLs one process of a part; the supervisor must put another in its place."""
    before = parts(registry)
    assert before[part], f"no {part} among {[command_line(pid) for pid in registry.tree()]}"
    victim = chance.choice(sorted(before[part]))
    os.kill(victim, signal.SIGKILL)

    def back():
        assert registry.pid in registry.tree(), f"the supervisor ended:\n{registry.log()[-4000:]}"
        now = parts(registry)
        return victim not in now[part] and all(len(now[name]) >= len(before[name]) for name in now)

    wait_until(back, f"another {part} for {victim}", RECOVERY_SECONDS)
    wait_until(lambda: answers(Client(registry)), f"an answer after the {part} was killed", RECOVERY_SECONDS)
    now = parts(registry)
    assert {name: len(now[name]) for name in now} == {name: len(before[name]) for name in before}


def kill_everything(registry):
    registry.kill()
    assert_whole(registry.v2_root)      # as it lies, before anything could tidy up
    registry.start()


@pytest.mark.differs("docker-registry is one process, and writes its link files in place")
def test_promises_outlive_every_kill(registry_class):
    print(f"BERTH_KILL_SEED={SEED} BERTH_KILL_ROUNDS={ROUNDS}")
    chance = random.Random(SEED)
    shared = [chance.randbytes(200_000) for _ in range(3)]
    registry = registry_class().start()
    pushers = [Pusher(registry, f"kill/pusher{number}", SEED, shared) for number in range(PUSHERS)]
    try:
        for pusher in pushers:
            pusher.start()
        for number in range(ROUNDS):
            progress = acknowledged(pushers)
            wait_until(lambda: acknowledged(pushers) > progress + PUSHERS, "pushes go on", RECOVERY_SECONDS)
            pushers[0].join(chance.uniform(0, LONGEST_PAUSE_SECONDS))      # the random moment
            kind = ("pool", "nginx master", "nginx workers", "everything")[number % 4]
            print(f"round {number}: {acknowledged(pushers)} promises, SIGKILL to {kind}")
            if kind == "everything":
                kill_everything(registry)
            else:
                kill_one(registry, kind, chance)
        for pusher in pushers:
            pusher.stop()
        for pusher in pushers:
            pusher.join()
        print(f"{acknowledged(pushers)} promises, {sum(pusher.lost for pusher in pushers)} answers lost")
        assert_kept(registry, pushers)
    finally:
        for pusher in pushers:
            pusher.stop()
        for pusher in pushers:
            if pusher.is_alive():
                pusher.join()
        registry.close()


def assert_kept(registry, pushers):
    """Now, and after a restart; and the disk agrees."""
    client = Client(registry)
    for pusher in pushers:
        pusher.finish_upload()
        pusher.assert_kept(client)
    registry.stop()
    assert_whole(registry.v2_root)
    registry.start()
    for pusher in pushers:
        pusher.assert_kept(client)
    assert left_behind(registry) == []
    registry.stop()


def left_behind(registry):
    """Spooled bodies that nobody will ever ask for: a killed nginx worker leaves its own."""
    return [f"{path.stat().st_size} {path}" for path in (registry.root / "berth").rglob("*")
            if path.is_file() and "spool" in path.parts and path.stat().st_size]
