"""What other programs check: clang-format the form of C++, shellcheck the shell scripts.

A program that is missing is a violation like any other: a check that did not run has not passed.
"""
import re
import shutil
import subprocess

CLANG_FORMAT = "clang-format-19"    # one version everywhere: another breaks lines otherwise
SHELLCHECK = "shellcheck"
LINE = re.compile(r"([^:\n]+):(\d+):\d+: (?:warning|error|note|info|style): (.*)")

# Files from before the check. `make format` forms them; the list goes then, and never grows.
UNFORMED = frozenset("""
backend/app/nginx/nginx_process.cc backend/app/nginx/tree.cc backend/fcgi/connections.cc backend/fcgi/conversion.h
backend/fcgi/server.cc backend/model/sha256_pair.cc backend/client/libcurl.cc backend/spool/file_hashes.cc
backend/storage/listing_cache.h backend/storage/manifests/manifest_rules.h backend/storage/registry.cc
tests/bench/client.cc tests/chaos.cc
tests/unit/app/app_test.cc tests/unit/fcgi/server_test.cc tests/unit/model/libtrust_documents.h
tests/unit/storage/v1/images_test.cc
""".split())


def unformed(root, files):
    """C++ that clang-format would write otherwise: the first line of each file that it would change."""
    seen = set()
    for path, line, message in complaints(root, [CLANG_FORMAT, "--dry-run"], files):
        if "clang-formatted" in message:
            message = "clang-format would write this otherwise; `make format` does it"
        if (path, message) not in seen:
            seen.add((path, message))
            yield path, line, message


def shell_faults(root, files):
    yield from complaints(root, [SHELLCHECK, "--format=gcc"], files)


def complaints(root, command, files):
    """(path, line, message) of each line that the program prints in the form of compilers."""
    if not files:
        return
    if not shutil.which(command[0]):
        yield files[0], 1, f"not checked: {command[0]} is missing; `.ci/packages test` installs it"
        return
    done = subprocess.run([*command, *files], cwd=root, capture_output=True, text=True, errors="replace")
    found = LINE.findall(done.stdout + done.stderr)
    for path, line, message in found:
        yield path, int(line), message
    if done.returncode != 0 and not found:
        yield files[0], 1, f"not checked: {command[0]} failed: {' '.join(done.stderr.split())[:200]}"


def violations(root, files):
    """Of all files of the tree, by path. Yields (path, line, message)."""
    cpp = [path for path, file in files.items() if file.is_cpp and path not in UNFORMED]
    yield from unformed(root, cpp)
    yield from shell_faults(root, [path for path, file in files.items() if file.is_shell])
