"""Finds the functions of a C++ or Python file and how long they are.

The C++ half is no parser: it blanks what is not code, then follows braces, and tells from the text before a brace what
the brace opens. That is enough for code that a formatter has laid out.
"""
import ast
import re
from typing import NamedTuple


class Function(NamedTuple):
    name: str
    first: int  # lines, both inclusive
    last: int


class Unreadable(Exception):
    """The braces do not balance; args: the line."""


NOT_CODE = re.compile(
    r"""//[^\n]*
      | /\*.*?\*/
      | (?m:^[ \t]*\#(?:[^\n\\]|\\.)*)                        # the preprocessor, with continued lines
      | (?:u8|[uUL])?R"(?P<delimiter>[^(\s]*)\(.*?\)(?P=delimiter)"
      | "(?:[^"\\\n]|\\.)*"
      | (?<![\w])(?:u8|[uUL])?'(?:[^'\\\n]|\\.)+'             # not the separator of 1'000
    """, re.VERBOSE | re.DOTALL)


def blank(text):
    """The code alone: comments, strings and preprocessor lines are spaces, so that every offset stays."""
    return NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def without_nested(head, opening, closing):
    """The text without what stands between the outermost pairs of brackets."""
    flat, depth = [], 0
    for char in head:
        depth -= char == closing
        if depth == 0:
            flat.append(char)
        depth += char == opening
    return "".join(flat)


LABEL = re.compile(r"^\s*(?:public|private|protected|signals)\s*:(?!:)")
TEMPLATE = re.compile(r"^\s*template\s*<")
QUALIFIERS = r"(?:(?:static|inline|constexpr|const|friend|typedef)\s+)*"
TYPE = re.compile(QUALIFIERS + r"(?:class|struct|union|enum)\b")
ENDS_AS_FUNCTION = re.compile(r"\)\s*(?:(?:const|noexcept|override|final|mutable|&&?)\s*)*$")
ASSIGNMENT = re.compile(r"(?<![=!<>+\-*/%&|^])=(?!=)\s*(\[)?")


def strip_prefixes(head):
    """Without access labels, attributes and template<...>, which may hold any word."""
    while match := LABEL.match(head):
        head = head[match.end():]
    head = re.sub(r"\[\[.*?\]\]", " ", head, flags=re.DOTALL)
    while match := TEMPLATE.match(head):
        depth, end = 1, match.end()
        while depth and end < len(head):
            depth += (head[end] == "<") - (head[end] == ">" and head[end - 1] != "-")
            end += 1
        head = head[end:]
    return head.strip()


def kind_of(head):
    """What a brace outside functions opens: "scope" (namespace or type), "function" or "data"."""
    head = strip_prefixes(head)
    if re.search(r"\bnamespace\b", head) or re.fullmatch(r"extern|", head):
        return "scope"
    flat = without_nested(re.sub(r"\boperator\s*[^\s\w(]+", "operator", head), "(", ")")
    assignment = ASSIGNMENT.search(flat)
    if TYPE.match(head) and not ENDS_AS_FUNCTION.search(head):
        return "data" if assignment else "scope"
    if assignment:
        return "function" if assignment.group(1) else "data"
    return "function" if "(" in flat else "data"


def name_of(head):
    match = re.search(r"(operator\s*[^\s(]*|[\w:~]+)\s*\(", strip_prefixes(head))
    return match.group(1) if match else "a function"


class Scanner:
    def __init__(self, text):
        self.code = blank(text)
        self.functions = []
        self.head = 0  # where the text before the next brace begins
        self.scopes = self.parens = self.inside = 0
        self.kind = ""  # of the block that is `inside` braces deep

    def line(self, offset):
        return self.code.count("\n", 0, offset) + 1

    def scan(self):
        for token in re.finditer(r"[{}();]", self.code):
            if self.inside:
                self.step_inside(token)
            else:
                self.step(token)
        if self.inside or self.scopes:
            raise Unreadable(self.line(len(self.code)))
        return self.functions

    def step(self, token):
        char = token.group()
        if char in "()":
            self.parens += 1 if char == "(" else -1
        elif char == "{":
            # In parentheses it is a default argument or the like.
            self.kind = "data" if self.parens else kind_of(self.code[self.head:token.start()])
            if self.kind == "scope":
                self.scopes += 1
                self.head = token.end()
            else:
                self.inside = 1
        elif not self.parens:
            if char == "}":
                self.scopes -= 1
                if self.scopes < 0:
                    raise Unreadable(self.line(token.start()))
            self.head = token.end()

    def step_inside(self, token):
        self.inside += {"{": 1, "}": -1}.get(token.group(), 0)
        if self.inside or self.kind != "function":
            return
        follows = self.code[token.end():].lstrip()[:1]
        if follows in (",", "{"):  # a_{1}, of a constructor: its body is still to come
            return
        head = self.code[self.head:token.start()]
        label = LABEL.match(head)
        start = self.head + (label.end() if label else 0)
        start += len(self.code[start:]) - len(self.code[start:].lstrip())
        self.functions.append(Function(name_of(head), self.line(start), self.line(token.start())))
        self.head = token.end()


def in_cpp(text):
    return Scanner(text).scan()


def in_python(text):
    return [Function(node.name, node.lineno, node.end_lineno) for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
