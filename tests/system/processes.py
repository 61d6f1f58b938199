"""Programs that are run to their end, and what /proc says of processes."""
import os
import pathlib
import subprocess


def process_table():
    """pid → (parent pid, session id, is a zombie) of every process that can be read now."""
    table = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            # The command name may hold spaces and brackets: the fields start after the last bracket.
            fields = pathlib.Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        table[int(entry)] = (int(fields[1]), int(fields[3]), fields[0] == "Z")
    return table


def command_name(pid):
    """Empty if it has ended."""
    try:
        return pathlib.Path("/proc", str(pid), "comm").read_text().strip()
    except OSError:
        return ""


def command_line(pid):
    """Its words, or what it calls itself; empty if it has ended."""
    try:
        return pathlib.Path("/proc", str(pid), "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def process_tree(root):
    """The live processes that descend from `root` or belong to the session it leads."""
    table = process_table()
    found = {pid for pid, (_, session, _) in table.items() if session == root}
    if root in table:
        found.add(root)
    grew = True
    while grew:
        children = {pid for pid, (parent, _, _) in table.items() if parent in found}
        grew = not children <= found
        found |= children
    return {pid for pid in found if not table[pid][2]}


def output_of(*command, seconds=60, **more):
    """What a program writes to its standard output. It has to end well, and in time."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=seconds, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
