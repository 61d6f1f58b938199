#!/usr/bin/env python3
"""The rules of the tree that a program can check: tests/tidy.py [--staged | --self-test]

Looks at every file that git tracks or would track, prints `file:line: what is wrong; what is allowed`, and exits with 1
if there was anything. The rules are the tables below, the functions named check_*, and what the programs in
tidy/tools.py find. --staged looks at the tree that a commit would make instead of the files on disk.
"""
import os
import pathlib
import posixpath
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent / "tidy"))
import functions  # noqa: E402
import tools  # noqa: E402

# A folder of backend/ is a layer: what it may include besides itself. app/ sees all.
ARROWS = {
    "base": "",
    "model": "base",
    "registry": "base model",
    "client": "base",
    "driver": "base client",
    "spool": "base model",
    "storage": "base model registry driver spool",
    "cache": "base model registry",
    "auth": "base model",
    "notify": "base model client",
    "http": "base",
    "api": "base model registry auth notify http",
    "fcgi": "base spool http",
    "config": "base",
    "app": "base model registry client driver spool storage cache auth notify http api fcgi config",
}
# Libraries by the beginning of their headers: the folders that may see them, or, for those that several may, the target
# that such a folder links in backend/CMakeLists.txt.
LIBRARY_FOLDERS = {"fcgi": ["fcgi"], "yaml-cpp/": ["config"], "spdlog/": ["app"], "CLI/": ["app"],
                   "curl/": ["client"], "hiredis/": ["cache"], "ldap.h": ["auth"],
                   "pugixml.hpp": ["driver"]}
LIBRARY_TARGETS = {"openssl/": "OpenSSL::", "nlohmann/": "nlohmann_json::", "re2/": "PkgConfig::RE2"}

MAX_FUNCTION_LINES = 70
MAX_LINE_LENGTH = 120
LONG_WORD = 80  # a line that holds such a one may be longer
MAX_TABLE_LENGTH = 180  # of a C++ table that is kept from the formatter, one row a line
# The first that fits: pattern of the path, lines.
MAX_FILE_LINES = [(r".*\.h", 150), (r"backend/.*\.cc", 400), (r"tests/.*\.cc", 600), (r".*\.py", 600)]

# Put together here, so that this file does not hold them.
MARKERS = ["TO" + "DO", "FIX" + "ME"]
MACHINE_PATHS = ["/" + name + "/" for name in ("work", "root", "home")]
PACKAGE_HOSTS = [".".join(name) for name in (
    ("deb", "debian", "org"), ("security", "debian", "org"), ("archive", "ubuntu", "com"), ("pypi", "org"),
    ("pythonhosted", "org"), ("proxy", "golang", "org"), ("registry", "npmjs", "org"), ("crates", "io"))]
WORDS = [
    (re.compile(r"\b(?:" + "|".join(MARKERS) + r")\b"), "finish it, or open an issue"),
    (re.compile(r"(?<![\w.}):$-])(?:" + "|".join(MACHINE_PATHS) + ")"), "a path of one machine; berth runs on any"),
    (re.compile(r"(?<![\w.-])(?:" + "|".join(map(re.escape, PACKAGE_HOSTS)) + r")\b"),
     "packages come from wherever the machine is set up to get them"),
]

NO_PROSE = ("tests/fuzz/corpus/", "tests/unit/auth/vectors/")  # bytes for parsers, whatever they look like


class File:
    def __init__(self, root, path):
        self.path = path
        self.bytes = (root / path).read_bytes()
        self.text = self.bytes.decode("utf-8", "replace")
        self.lines = self.text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.is_text = b"\0" not in self.bytes and not path.startswith(NO_PROSE)
        self.is_cpp = path.endswith((".h", ".cc"))
        self.is_python = path.endswith(".py") or bool(re.match(r"#!.*python3?$", self.lines[0] if self.lines else ""))
        self.is_shell = bool(re.match(r"#!.*\b(ba)?sh$", self.lines[0] if self.lines else ""))
        self.is_markdown = path.endswith(".md")


def check_includes(file, tree):
    """The arrows between the folders of backend/, and the libraries they may see."""
    if not file.is_cpp or not file.path.startswith("backend/"):
        return
    folder = file.path.split("/")[1]
    if folder not in ARROWS:
        yield 1, f"backend/{folder} is no layer; the layers: {', '.join(ARROWS)}"
        return
    allowed = [folder] + ARROWS[folder].split()
    for number, line in enumerate(file.lines, 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
        if not match:
            continue
        quote, header = match.groups()
        target = header.split("/")[0] if "/" in header else None
        if quote == '"' and target not in ARROWS:
            yield number, f'"{header}" is none of ours; a header is named from backend/, a library\'s in <>'
        elif target in ARROWS and target not in allowed:
            yield number, f"{folder}/ includes {header}; allowed: {', '.join(allowed)}"
        elif quote == "<":
            for beginning, folders in library_folders(tree).items():
                if header.startswith(beginning) and folder not in folders:
                    yield number, f"{folder}/ includes <{header}>; allowed in: {', '.join(sorted(folders))}"


def layers_of(tree):
    """What backend/CMakeLists.txt links to each folder: {folder: (line, [target])}"""
    file = tree.get("backend/CMakeLists.txt")
    layers = {}
    for match in re.finditer(r"^berth_layer\((\w+)\s+USES\s+([^)]*)\)", file.text if file else "", re.MULTILINE):
        layers[match.group(1)] = (file.text.count("\n", 0, match.start()) + 1, match.group(2).split())
    return layers


def library_folders(tree):
    found = dict(LIBRARY_FOLDERS)
    for beginning, target in LIBRARY_TARGETS.items():
        found[beginning] = [folder for folder, (_, uses) in layers_of(tree).items()
                            if any(use.startswith(target) for use in uses)]
    return found


def check_links(file, tree):
    """backend/CMakeLists.txt links along the arrows."""
    if file.path != "backend/CMakeLists.txt":
        return
    for folder, (line, uses) in layers_of(tree).items():
        if folder not in ARROWS:
            yield line, f"{folder} is no layer; the layers: {', '.join(ARROWS)}"
            continue
        for use in uses:
            if use.startswith("berth_") and use.removeprefix("berth_") not in ARROWS[folder].split():
                yield line, f"{folder} links {use}; allowed: {ARROWS[folder] or 'none'}"


def check_sizes(file, tree):
    """Lines a file and a function."""
    for pattern, most in MAX_FILE_LINES:
        if re.fullmatch(pattern, file.path):
            if len(file.lines) > most:
                yield most + 1, f"the file has {len(file.lines)} lines; allowed: {most}"
            break
    try:
        found = functions.in_cpp(file.text) if file.is_cpp else functions.in_python(file.text) if file.is_python else []
    except functions.Unreadable as error:
        yield error.args[0], "braces that do not balance outside #if: functions cannot be told"
        return
    except SyntaxError as error:
        yield error.lineno or 1, f"not Python: {error.msg}"
        return
    for function in found:
        length = function.last - function.first + 1
        if length > MAX_FUNCTION_LINES:
            yield function.first, f"{function.name} has {length} lines; allowed: {MAX_FUNCTION_LINES}"


def check_headers(file, tree):
    """A header says what it is."""
    if not file.path.endswith(".h"):
        return
    if not re.match(r"// \S+ \S+", file.lines[0] if file.lines else ""):
        yield 1, "a header begins with a comment (// ...) that says what it is"
    if "#pragma once" not in file.lines:
        yield 1, "a header has #pragma once"


def check_lines(file, tree):
    """Tabs, blanks, ends and lengths of lines."""
    if not file.is_text:
        return
    if file.bytes and not file.bytes.endswith(b"\n"):
        yield len(file.lines), "no newline at the end of the file"
    if file.bytes.endswith(b"\n\n"):
        yield len(file.lines), "an empty line at the end of the file"
    most = MAX_LINE_LENGTH
    for number, line in enumerate(file.lines, 1):
        if line != line.rstrip():
            yield number, "blanks (or a carriage return) at the end of the line"
        if "\t" in line and (file.is_cpp or file.is_python):
            yield number, "a tab; C++ and Python are indented with spaces"
        if file.is_cpp and "// clang-format o" in line:
            most = MAX_TABLE_LENGTH if "clang-format off" in line else MAX_LINE_LENGTH
        if len(line) > most and not is_unbreakable(file, line):
            yield number, f"{len(line)} characters; allowed: {most}"


def is_unbreakable(file, line):
    """A row of a Markdown table; or a line that one word makes long: a URL, a list of ciphers, JSON in a raw string."""
    return file.is_markdown and line.lstrip().startswith("|") or max(map(len, line.split())) > LONG_WORD


def check_words(file, tree):
    """Words that have no place in the tree."""
    if not file.is_text:
        return
    for number, line in enumerate(file.lines, 1):
        for pattern, why in WORDS:
            if match := pattern.search(line):
                yield number, f'"{match.group()}": {why}'


def check_links_of_docs(file, tree):
    """Links between Markdown files, and mentions of docs/*.md elsewhere, lead somewhere."""
    if not file.is_text:
        return
    folder = posixpath.dirname(file.path)
    in_code = False
    for number, line in enumerate(file.lines, 1):
        if not file.is_markdown:
            for mention in re.findall(r"(?<![\w./-])docs/[\w./-]+\.md\b", line):
                if mention not in tree:
                    yield number, f"{mention} does not exist"
            continue
        in_code ^= line.lstrip().startswith("```")
        if in_code:
            continue
        line = re.sub(r"`[^`]*`", "`", line)
        for link in re.findall(r"\]\(<?([^)\s>]+)>?[^)]*\)|^\s*\[[^\]]+\]:\s*(\S+)", line):
            target, _, anchor = (link[0] or link[1]).partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            path = file.path if not target else posixpath.normpath(
                target[1:] if target.startswith("/") else posixpath.join(folder, target))
            if path not in tree and not any(name.startswith(path + "/") for name in tree):
                yield number, f"the link to {target} leads nowhere: there is no {path}"
            elif anchor and path.endswith(".md") and anchor not in anchors_of(tree[path]):
                yield number, f"the link to #{anchor} leads nowhere: {path} has no such heading"


def anchors_of(file):
    """The anchors that GitHub gives to the headings."""
    anchors = set()
    for heading in re.findall(r"^#+\s+(.*?)\s*#*$", file.text, re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        anchors.add(next(name for name in [anchor] + [f"{anchor}-{i}" for i in range(1, 100)] if name not in anchors))
    return anchors


def check_named_tests(file, tree):
    """The tests that docs/spec-map.md names are there: `test_x.py`, `test_x.py::test_case`, `tests/a/folder/`."""
    if file.path != "docs/spec-map.md":
        return
    suites = {posixpath.basename(path): suite for path, suite in tree.items() if path.startswith("tests/")}
    for number, line in enumerate(file.lines, 1):
        for suite, case in re.findall(r"`(?:tests/\w+/)?(test_\w+\.py|\w+_test\.cc)(?:::(\w+))?`", line):
            if suite not in suites:
                yield number, f"there is no {suite}"
            elif case and not re.search(rf"^def {case}\(", suites[suite].text, re.MULTILINE):
                yield number, f"{suite} has no {case}"
        for folder in re.findall(r"`(tests/[\w/]+)/`", line):
            if not any(path.startswith(folder + "/") for path in tree):
                yield number, f"there is no {folder}/"


def check_decisions(file, tree):
    """docs/decisions/README.md has a row for each decision, with its title."""
    folder, name = posixpath.split(file.path)
    if folder != "docs/decisions" or not re.match(r"\d{4}-", name):
        return
    heading = re.match(r"# (\d+)\. (.+)", file.lines[0] if file.lines else "")
    if not heading or int(heading.group(1)) != int(name[:4]):
        yield 1, f"a decision begins with its number and title: # {int(name[:4])}. Title"
        return
    number, title = heading.groups()
    index = tree.get("docs/decisions/README.md")
    if not index or f"| [{number}]({name}) | {title} |" not in index.text:
        yield 1, f"docs/decisions/README.md has no row: | [{number}]({name}) | {title} | stands | why in a line |"


def check_registered(file, tree):
    """Every suite of tests/system is run by ctest."""
    name = re.fullmatch(r"tests/system/test_(\w+)\.py", file.path)
    cmake = tree.get("tests/CMakeLists.txt")
    if name and not re.search(rf"\b(test_)?{name.group(1)}\b", cmake.text if cmake else ""):
        yield 1, "tests/CMakeLists.txt does not name this suite: nobody runs it"


CHECKS = [check_includes, check_links, check_sizes, check_headers, check_lines, check_words, check_links_of_docs,
          check_named_tests, check_decisions, check_registered]


def git(root, *arguments):
    return subprocess.run(["git", "-c", "safe.directory=*", *arguments], cwd=root, check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def files_of(root):
    """What git tracks, or would track; deleted files and symbolic links left out."""
    listed = git(root, "ls-files", "-coz", "--exclude-standard").split("\0")
    return sorted({path for path in listed if path and os.path.isfile(root / path) and not os.path.islink(root / path)})


def files_below(root):
    """Every file of a folder that is no checkout."""
    found = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path.relative_to(root).as_posix() for path in found)


def violations(root, paths):
    """[(path, line, message)] in the order of the tree."""
    tree = {path: File(root, path) for path in paths}
    found = {(path, line, message) for path, file in tree.items() for check in CHECKS
             for line, message in check(file, tree)}
    return sorted(found.union(tools.violations(root, tree)))


def report(root, paths):
    found = violations(root, paths)
    for path, line, message in found:
        print(f"{path}:{line}: {message}")
    print(f"{len(paths)} files, {len(found)} violations")
    return 1 if found else 0


def main(arguments):
    if arguments == ["--self-test"]:
        import self_test
        return self_test.main()
    if arguments not in ([], ["--staged"]):
        print(__doc__, file=sys.stderr)
        return 2
    root = pathlib.Path(__file__).resolve().parent.parent
    try:
        if not arguments:
            return report(root, files_of(root))
        with tempfile.TemporaryDirectory() as folder:
            git(root, "checkout-index", "--all", f"--prefix={folder}/")
            return report(pathlib.Path(folder), files_below(pathlib.Path(folder)))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"tidy: git does not say which files belong to the tree: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
