"""The table of the protocol suite: request → status, headers, body; and what holds for every reply."""
import dataclasses
import functools
import os
import re
import urllib.parse

import pytest

import harness

differs = pytest.mark.differs

API_VERSION = "registry/2.0"
IS_PEER = bool(os.environ.get("BERTH_TEST_PEER"))

# The error table: code → (status, message).
ERRORS = {
    "UNKNOWN": (500, "unknown error"),
    "UNSUPPORTED": (405, "The operation is unsupported."),
    "UNAUTHORIZED": (401, "authentication required"),
    "DENIED": (403, "requested access to the resource is denied"),
    "UNAVAILABLE": (503, "service unavailable"),
    "TOOMANYREQUESTS": (429, "too many requests"),
    "DIGEST_INVALID": (400, "provided digest did not match uploaded content"),
    "SIZE_INVALID": (400, "provided length did not match content length"),
    "RANGE_INVALID": (416, "invalid content range"),
    "NAME_INVALID": (400, "invalid repository name"),
    "TAG_INVALID": (400, "manifest tag did not match URI"),
    "NAME_UNKNOWN": (404, "repository name not known to registry"),
    "MANIFEST_UNKNOWN": (404, "manifest unknown"),
    "MANIFEST_INVALID": (400, "manifest invalid"),
    "MANIFEST_UNVERIFIED": (400, "manifest failed signature verification"),
    "MANIFEST_BLOB_UNKNOWN": (400, "blob unknown to registry"),
    "BLOB_UNKNOWN": (404, "blob unknown to registry"),
    "BLOB_UPLOAD_UNKNOWN": (404, "blob upload unknown to registry"),
    "BLOB_UPLOAD_INVALID": (404, "blob upload invalid"),
    "PAGINATION_NUMBER_INVALID": (400, "invalid number of results requested"),
}


# Every reply ---------------------------------------------------------------------------------------------------------


def assert_envelope(reply):
    """The error form: {"errors":[{"code","message"[,"detail"]}]} and a newline, as JSON."""
    assert reply.header("Content-Type").split(";")[0] == "application/json", reply
    assert reply.body.endswith(b"\n"), reply
    document = reply.json()
    assert set(document) == {"errors"} and document["errors"], reply
    for error in document["errors"]:
        assert error["code"] in ERRORS, reply
        assert isinstance(error["message"], str) and error["message"], reply
        assert set(error) <= {"code", "message", "detail"}, reply
        assert error.get("detail", "") is not None, reply


def assert_wellformed(reply, method):
    """What every reply under /v2/ owes its client, whatever the request was."""
    assert reply.status < 500, reply
    assert reply.header("Content-Encoding") is None, reply
    if reply.status in (204, 304) or method == "HEAD":
        assert reply.body == b"", reply
    if IS_PEER:
        return      # it has plain-text 404s and 405s, and sends longer lists chunked
    assert reply.header("Docker-Distribution-Api-Version") == API_VERSION, reply
    if reply.status not in (204, 304):
        assert reply.header("Content-Length") is not None, reply
        if method != "HEAD":
            assert int(reply.header("Content-Length")) == len(reply.body), reply
            if reply.status >= 400:
                assert_envelope(reply)


class CheckedClient(harness.Client):
    """A client that holds every reply under /v2/ to `assert_wellformed`."""

    def request(self, method, target, headers=(), body=None):
        reply = super().request(method, target, headers, body)
        if self.path_of(target).startswith(self.base):
            assert_wellformed(reply, method)
        return reply


def assert_error(reply, status, code):
    assert reply.status == status, reply
    assert reply.codes[0] == code, reply


# The table -----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Case:
    """One row. `request` and the values of `sends` and `replies` may hold {names} that the test fills in.

    status: one, or a tuple of those allowed; code: of the first error; replies: header → value, None for absent, a
    trailing `*` for a prefix; body: of the reply; differs: why docker/distribution 2.8 answers otherwise.
    """
    name: str
    request: str
    status: object
    code: str = None
    sends: dict = dataclasses.field(default_factory=dict)
    data: bytes = None
    replies: dict = dataclasses.field(default_factory=dict)
    body: bytes = None
    differs: str = None


def cases(*rows):
    """Parametrizes a test with `case`, one a row."""
    assert len({row.name for row in rows}) == len(rows), "two rows share a name"
    return pytest.mark.parametrize("case", [
        pytest.param(row, id=row.name, marks=[differs(row.differs)] if row.differs else []) for row in rows])


def run(client, case, **names):
    """Sends a row's request and checks the reply against the row; returns the reply."""
    fill = functools.partial(_fill, names=names)
    method, target = fill(case.request).split(" ", 1)
    reply = client.request(method, target, {k: fill(v) for k, v in case.sends.items()}, case.data)
    allowed = case.status if isinstance(case.status, tuple) else (case.status,)
    assert reply.status in allowed, f"{method} {target}: {reply}"
    if case.code and method != "HEAD":
        assert reply.codes[0] == case.code, f"{method} {target}: {reply}"
    for header, value in case.replies.items():
        assert_header(reply, header, value if value is None else fill(value))
    if case.body is not None:
        assert reply.body == case.body, f"{method} {target}: {reply}"
    return reply


def _fill(text, names):
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text


def assert_header(reply, name, expected):
    value = reply.header(name)
    if expected is not None and expected.endswith("*"):
        assert value is not None and value.startswith(expected[:-1]), f"{name}: {reply}"
    else:
        assert value == expected, f"{name}: expected {expected!r}: {reply}"


def assert_methods(reply, *methods):
    """The Allow header names exactly these methods (OPTIONS may stand beside them)."""
    allowed = {method.strip() for method in reply.header("Allow").split(",")}
    assert allowed - {"OPTIONS"} == set(methods), reply


def assert_head_parity(client, target, headers=(), fresh=("Date",)):
    """HEAD answers as GET does, without the body; `fresh` headers may differ between any two replies."""
    got, head = client.get(target, headers), client.head(target, headers)
    assert head.status == got.status, f"GET {got}\nHEAD {head}"
    assert head.body == b"", head

    def comparable(reply):
        return sorted((k.lower(), v) for k, v in reply.headers.items() if k not in (*fresh, "X-Request-Id"))

    assert comparable(head) == comparable(got)


# Pages


def next_page(reply):
    """The target of the Link to the next page, None without one."""
    link = reply.header("Link")
    if link is None:
        return None
    match = re.fullmatch(r'<(/[^<>]*)\?(last=[^&<>]*&n=[0-9]+)>; rel="next"', link)
    assert match, f"not the form of a Link: {link}"
    return f"{match[1]}?{match[2]}"


def pages(client, target, key):
    """The lists of all pages, from `target` on by the Links to the end."""
    result, seen = [], set()
    while target is not None:
        assert target not in seen, f"the Links run in a circle: {target}"
        seen.add(target)
        reply = client.get(target)
        assert reply.status == 200, reply
        result.append(reply.json()[key])
        target = next_page(reply)
    return result


def last_of(target):
    """The decoded `last` of a page's target."""
    return urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)["last"][0]
