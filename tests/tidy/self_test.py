"""Proves that every rule of tidy.py finds what breaks it, and finds nothing in files that only look as if they did."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import functions
import tidy
import tools

HEADER = "// A header of the tests.\n#pragma once\n"
CMAKE = "berth_layer(model USES berth_base OpenSSL::Crypto)\nberth_layer(http USES berth_base)\n"
LONG = "x = 1\n" * 71
MARKER = tidy.MARKERS[0]
MACHINE = tidy.MACHINE_PATHS[0]
DOCS = "docs/"  # apart from the names, so that nobody looks for those

# What is wrong: path, content, line, and a part of the message.
WRONG = [
    ("backend/model/a.cc", '#include "base/result.h"\n#include "driver/fs.h"\n', 2, "model/ includes driver/fs.h"),
    ("backend/storage/a.cc", '#include "api/api.h"\n', 1, "storage/ includes api/api.h"),
    ("backend/api/a.cc", '#  include <storage/paths.h>\n', 1, "api/ includes storage/paths.h"),
    ("backend/base/a.cc", '#include "model/digest.h"\n', 1, "allowed: base"),
    ("backend/http/a.cc", '#include "url.h"\n', 1, "none of ours"),
    ("backend/extra/a.cc", "int x;\n", 1, "no layer"),
    ("backend/api/a.cc", "#include <fcgiapp.h>\n", 1, "allowed in: fcgi"),
    ("backend/app/a.cc", "#include <yaml-cpp/yaml.h>\n", 1, "allowed in: config"),
    ("backend/fcgi/a.cc", "#include <spdlog/spdlog.h>\n", 1, "allowed in: app"),
    ("backend/config/a.cc", "#include <CLI/CLI.hpp>\n", 1, "allowed in: app"),
    ("backend/http/a.cc", "#include <openssl/sha.h>\n", 1, "allowed in: model"),
    ("backend/CMakeLists.txt", CMAKE + "berth_layer(driver USES berth_model)\n", 3, "driver links berth_model"),
    ("backend/CMakeLists.txt", "berth_layer(extra USES berth_base)\n", 1, "extra is no layer"),
    ("backend/base/a.h", HEADER + "int x;\n" * 149, 151, "the file has 151 lines; allowed: 150"),
    ("backend/base/a.cc", "int x;\n" * 401, 401, "the file has 401 lines; allowed: 400"),
    ("tests/unit/a.cc", "int x;\n" * 601, 601, "the file has 601 lines; allowed: 600"),
    ("tests/api/test_a.py", "x = 1\n" * 601, 601, "the file has 601 lines; allowed: 600"),
    ("backend/base/a.cc", "int f() {\n" + "  g();\n" * 69 + "}\n", 1, "f has 71 lines; allowed: 70"),
    ("tests/a.cc", 'TEST_CASE("a {") {\n' + "  g();\n" * 69 + "}\n", 1, "TEST_CASE has 71 lines"),
    ("tests/a.py", "def f():\n" + "    g()\n" * 70, 1, "f has 71 lines"),
    ("tests/tool", "#!/usr/bin/env python3\ndef f():\n" + "    g()\n" * 70, 2, "f has 71 lines"),
    ("tests/a.py", "def f(:\n", 1, "not Python"),
    ("backend/base/a.cc", "int f() {\n", 2, "do not balance"),
    ("backend/base/a.h", "#pragma once\n", 1, "begins with a comment"),
    ("backend/base/a.h", "//\n#pragma once\n", 1, "begins with a comment"),
    ("backend/base/a.h", "// A header.\n", 1, "#pragma once"),
    ("guide/a.md", "text", 1, "no newline at the end"),
    ("guide/a.md", "text\n\n", 2, "an empty line at the end"),
    ("nginx/a.conf", "user nobody; \n", 1, "blanks"),
    ("nginx/a.conf", "user nobody;\r\n", 1, "blanks"),
    ("backend/base/a.cc", "int x;\n\tint y;\n", 2, "a tab"),
    ("tests/a.py", "if x:\n\tpass\n", 2, "a tab"),
    ("backend/base/a.cc", "// " + "no " * 40 + "\n", 1, "123 characters; allowed: 120"),
    ("guide/a.md", "word " * 24 + "w\n", 1, "121 characters"),
    ("backend/base/a.cc", "// clang-format off\n// " + "row " * 45 + "\n", 2, "allowed: 180"),
    ("backend/base/a.cc", f"// {MARKER}: later\n", 1, MARKER),
    ("guide/a.md", f"see {tidy.MARKERS[1]}\n", 1, tidy.MARKERS[1]),
    ("nginx/a.conf", f"root {MACHINE}data;\n", 1, "one machine"),
    ("tests/a.py", f"x = '{tidy.MACHINE_PATHS[2]}me/x'\n", 1, "one machine"),
    ("compose/a.yml", f"image: https://{tidy.PACKAGE_HOSTS[0]}/debian\n", 1, "packages come from"),
    (DOCS + "spec-map.md", "`test_none.py`\n", 1, "there is no test_none.py"),
    (DOCS + "spec-map.md", "ok\n`tests/api/test_none.py::test_it`\n", 2, "there is no test_none.py"),
    (DOCS + "spec-map.md", "`tests/none/`\n", 1, "there is no tests/none/"),
    ("guide/a.md", "[b](b.md)\n", 1, "there is no guide/b.md"),
    ("guide/a.md", "see\n[b]: ../README.md\n", 2, "there is no README.md"),
    ("guide/a.md", "# Title\n[t](#titel)\n", 2, "no such heading"),
    ("backend/base/a.cc", f"// See {DOCS}missing.md.\n", 1, "missing.md does not exist"),
    (DOCS + "decisions/0007-a.md", "# 7. A title\n", 1, "no row: | [7](0007-a.md) | A title |"),
    (DOCS + "decisions/0007-a.md", "# 8. A title\n", 1, "begins with its number"),
    ("tests/system/test_a.py", "x = 1\n", 1, "nobody runs it"),
    ("tests/a.cc", "int f();\nint  g();\n", 2, "clang-format would write this otherwise"),
    ("tests/tool", "#!/bin/sh\nrm -rf $1/x\n", 2, "Double quote"),
]

# What is right, all in one tree.
RIGHT = {
    "backend/CMakeLists.txt": CMAKE,
    "backend/model/a.cc": '#include "model/a.h"\n#include <openssl/sha.h>\n#include <fcntl.h>\n#include "base/b.h"\n',
    "backend/app/a.cc": '#include "storage/a.h"\n#include "api/a.h"\n#include <spdlog/spdlog.h>\n',
    "backend/fcgi/a.cc": "#include <fcgiapp.h>\n",
    "backend/base/a.h": HEADER + "int x;\n" * 148,
    "backend/base/table.cc": "// clang-format off\n// " + "row " * 40 + "r\n// clang-format on\nint f() {\n" +
                             "  g();\n" * 68 + "}\n",
    "tests/a.py": LONG + "def f():\n" + "    g()\n" * 69,
    "guide/a.md": "# Life of a `push`\n[up](../README.md#berth-v2), [here](#life-of-a-push), [out](https://a.example)\n"
                 "`[no](link.md)`\n```\n[no](link.md)\n```\n| " + "cell | " * 30 + "|\n[folder](../backend/base)\n",
    "README.md": "# berth: v2\n[guide](guide/a.md) <https://example.com/" + "a" * 120 + ">\n",
    "tests/words.cc": f"// {MARKER.lower()} x{MARKER} docker{MACHINE}x $data{MACHINE}x, see {DOCS}b.md\n",
    DOCS + "b.md": "",
    DOCS + "decisions/0007-a.md": "# 7. A title\n",
    DOCS + "decisions/README.md": "| [7](0007-a.md) | A title | stands | why |\n",
    "tests/fuzz/corpus/name/a": "no newline \t \r",
    "Makefile": "all:\n\ttrue\n",
    "tests/CMakeLists.txt": "foreach(suite a test_b)\n",
    "tests/system/test_a.py": "x = 1\n",
    "tests/system/test_b.py": "x = 1\n",
    "tests/tool": '#!/bin/sh\nset -eu\nrm -rf "$1"\n',
    "tests/notes": "#!/bin/sh is how a script begins: $1/$2\n",
    ".clang-format": "DisableFormat: true\n",  # the C++ above has no form
}

# Functions as the scanner must see them: name, first and last line.
SCANNED = [("Thing::Thing", 8, 11), ("get", 16, 16), ("operator==", 17, 20), ("f", 23, 28),
           ("a function", 29, 29), ("g", 30, 32), ("main", 34, 36)]
CODE = r'''#include "a.h"
#define OPEN { \
  {
namespace berth::x {
namespace {
const char* text = R"x( { " )" )x"; // {
constexpr int table[]{1'000, '{', '"', '\''}; enum class E : char { a = 1, b };
Thing::Thing(int n)
    : n_{n}, list_{{1, 2}},
      more_(Options{}) {
}
} // namespace
struct [[nodiscard]] Outer : public Base<decltype(f())> {
public:
  struct Inner { int a = 1; std::vector<int> b = {f(2)}; } inner{f(3)};
  int get() const& noexcept { return [] { return 1; }(); }
  friend bool operator==(const Outer& a, const Outer& b) {
    if (a < b) { return true; }
    return false;
  }
};
extern "C" { int declared(int (*callback)(int) = [](int x) { return x; }); }
template <class T = std::map<int, struct stat>, auto F = [] { return 1; }>
auto f(T t = {}, int n = int{3}) -> std::enable_if_t<(n > 1), int>
{
  for (;;) { while (true) { } }
  struct Local { void h() { } };
}
constexpr auto values = [] { return 1; }();
struct stat g(int n) {
  return {};
}
} // namespace berth::x
int main() {
  return 0; /* } */
}
'''


def write(root, files):
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content.encode())


def check_wrong():
    for path, content, line, part in WRONG:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            files = {"backend/CMakeLists.txt": CMAKE, path: content}
            write(root, files)
            found = tidy.violations(root, list(files))
            if not any(f[0] == path and f[1] == line and part in f[2] for f in found):
                yield f"not found: {path}:{line}: {part}; found: {found}"


def check_right():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        write(root, RIGHT)
        yield from (f"a false alarm: {found}" for found in tidy.violations(root, list(RIGHT)))


def check_scanner():
    found = [tuple(function) for function in functions.in_cpp(CODE)]
    if found != SCANNED:
        yield f"the scanner sees {found}, not {SCANNED}"


def check_listing():
    """Tracked or untracked, but neither ignored nor deleted."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        write(root, {".gitignore": "/build/\n", "a.md": "a\n", "b.md": "b\n", "gone.md": "c\n", "build/d.md": "d\n"})
        for command in (["init", "-q"], ["add", "a.md", "gone.md"]):
            subprocess.run(["git", *command], cwd=root, check=True)
        (root / "gone.md").unlink()
        if (found := tidy.files_of(root)) != [".gitignore", "a.md", "b.md"]:
            yield f"the files of the tree are {found}"


def check_missing_tools():
    """Where a program is missing, its check fails."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        write(root, {"a.h": HEADER, "tool": "#!/bin/sh\n"})
        path, os.environ["PATH"] = os.environ["PATH"], folder
        try:
            found = [message for _, _, message in tidy.violations(root, ["a.h", "tool"])]
        finally:
            os.environ["PATH"] = path
        for program in (tools.CLANG_FORMAT, tools.SHELLCHECK):
            if not any(f"{program} is missing" in message for message in found):
                yield f"{program} is missing, and nobody says so: {found}"


def check_hook():
    """`make hooks` has git refuse what is staged and wrong, whatever is on disk."""
    top = pathlib.Path(__file__).resolve().parent.parent.parent
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path in ("Makefile", ".ci/hooks/pre-commit", "tests/tidy.py", *top.glob("tests/tidy/*.py")):
            copy = root / (top / path).relative_to(top)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(top / path, copy)
        quiet = {"cwd": root, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL,
                 "env": {"PATH": os.environ["PATH"], "HOME": folder, "GIT_CONFIG_NOSYSTEM": "1"}}
        subprocess.run(["git", "init", "-q"], check=True, **quiet)
        subprocess.run(["make", "hooks"], check=True, **quiet)
        commit = ["git", "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "a"]
        for staged, on_disk, done in (("b \n", "b\n", False), ("b\n", "b \n", True)):
            write(root, {"b.md": staged})
            subprocess.run(["git", "add", "b.md"], check=True, **quiet)
            write(root, {"b.md": on_disk})
            if (subprocess.run(commit, **quiet).returncode == 0) != done:
                yield f"the commit of {staged!r} should {'pass' if done else 'fail'}"


def main():
    checks = (check_wrong, check_right, check_scanner, check_listing, check_missing_tools, check_hook)
    problems = [problem for check in checks for problem in check()]
    print("\n".join(problems + [f"{len(WRONG)} violations tried, {len(problems)} problems"]))
    return 1 if problems else 0
