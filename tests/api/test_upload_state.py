"""The _state token of uploads: its form, and that nothing but the registry can make one (spec: v2 API §3)."""
import base64
import hashlib
import hmac
import json
import re

import pytest

from expect import assert_error, differs
from harness import OCTETS, SECRET, digest, upload_state, with_query

# The vector of the spec, for the secret `topsecret`.
VECTOR = {"Name": "team/app", "UUID": "7d2f0c1e-3b54-4e0e-9a56-0f1e2d3c4b5a", "Offset": 1048576,
          "StartedAt": "2024-01-02T03:04:05Z"}
VECTOR_TOKEN = ("EUtw2jSf0VqtOhPJKYjX4GfihtW1B-8eA0_G4kkF2v17Ik5hbWUiOiJ0ZWFtL2FwcCIsIlVVSUQiOiI3ZDJmMGMxZS0zYjU0LT"
                "RlMGUtOWE1Ni0wZjFlMmQzYzRiNWEiLCJPZmZzZXQiOjEwNDg1NzYsIlN0YXJ0ZWRBdCI6IjIwMjQtMDEtMDJUMDM6MDQ6MDVa"
                "In0=")


def token(state, secret=SECRET):
    """The token distribution makes: base64url of HMAC-SHA256 and the JSON it covers, padding kept."""
    message = json.dumps(state, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), message, hashlib.sha256) + message).decode()


def with_token(location, value):
    return location.split("?")[0] + "?_state=" + value.replace("=", "%3D").replace("+", "%2B")


def raw_token(location):
    return re.search(r"_state=([^&]*)", location)[1].replace("%3D", "=")


def step(client, method, location):
    target = with_query(location, digest=digest(b"12345")) if method == "PUT" else location
    return client.request(method, target, {"Content-Type": OCTETS}, b"" if method != "DELETE" else None)


@pytest.fixture
def upload(client, repo):
    """The Location of an upload that holds `12345`."""
    return client.append(client.start_upload(repo), b"12345")


def test_the_suite_makes_the_vector():
    assert token(VECTOR) == VECTOR_TOKEN


def test_form(client, upload, repo):
    """Field order, time format and MAC are those of distribution: either can finish the other's uploads."""
    state = upload_state(upload)
    assert list(state) == ["Name", "UUID", "Offset", "StartedAt"]
    assert (state["Name"], state["Offset"]) == (repo, 5)
    assert state["UUID"] == upload.split("?")[0].rsplit("/", 1)[1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", state["StartedAt"])
    assert raw_token(upload) == token(state)


@pytest.mark.parametrize("method, status", [("PATCH", 202), ("PUT", 201), ("DELETE", 204)])
def test_a_token_of_another_instance_is_taken(client, upload, method, status):
    """Instances share http.secret, not memory: a rightly signed token is as good as our own."""
    assert step(client, method, with_token(upload, token(upload_state(upload)))).status == status


@pytest.mark.parametrize("method, status", [("PATCH", 202), ("PUT", 201), ("DELETE", 204)])
def test_the_vector_continues_an_upload_found_on_disk(client, registry, repo, method, status):
    folder = registry.v2_root / "repositories" / VECTOR["Name"] / "_uploads" / VECTOR["UUID"]
    folder.mkdir(parents=True, exist_ok=True)
    data = bytes(VECTOR["Offset"])
    (folder / "data").write_bytes(data)
    (folder / "startedat").write_text(VECTOR["StartedAt"])
    location = f"/v2/{VECTOR['Name']}/blobs/uploads/{VECTOR['UUID']}?_state={VECTOR_TOKEN}"
    target = with_query(location, digest=digest(data)) if method == "PUT" else location
    reply = client.request(method, target, {"Content-Type": OCTETS})
    assert reply.status == status
    if method == "PATCH":
        assert reply.header("Range") == "0-1048575"
        assert client.finish_upload(reply.header("Location"), digest(data + b"!"), b"!").status == 201
        assert client.fetch_blob(VECTOR["Name"], digest(data + b"!")) == data + b"!"


# Tokens that are not ours


def flipped(text, position):
    """`text` with one character changed, within the base64url alphabet."""
    changed = "A" if text[position] != "A" else "B"
    return text[:position] + changed + text[position:][1:]


def decoded(location):
    return base64.urlsafe_b64decode(raw_token(location))


def edited(location, **fields):
    """The token with fields changed under the old MAC."""
    state = upload_state(location) | fields
    message = json.dumps(state, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(decoded(location)[:32] + message).decode()


FORGERIES = {
    "first character": lambda l: flipped(raw_token(l), 0),
    "last of the mac": lambda l: flipped(raw_token(l), 41),
    "inside the message": lambda l: flipped(raw_token(l), 60),
    "name": lambda l: edited(l, Name="team/elsewhere"),
    "uuid": lambda l: edited(l, UUID="00000000-0000-4000-8000-000000000000"),
    "offset": lambda l: edited(l, Offset=0),
    "started at": lambda l: edited(l, StartedAt="2000-01-01T00:00:00Z"),
    "another secret": lambda l: token(upload_state(l), "topsecreT"),
    "empty secret": lambda l: token(upload_state(l), ""),
    "no mac": lambda l: base64.urlsafe_b64encode(decoded(l)[32:]).decode(),
    "mac alone": lambda l: base64.urlsafe_b64encode(decoded(l)[:32]).decode(),
    "zero mac": lambda l: base64.urlsafe_b64encode(bytes(32) + decoded(l)[32:]).decode(),
    "cut short": lambda l: raw_token(l)[:-8],
    "one byte": lambda l: "AA==",
    "spaces": lambda l: "%20%20",
    "not base64": lambda l: "%21%22%23",
    "nul": lambda l: "%00",
    "empty": lambda l: "",
    "huge": lambda l: "A" * 4000,
    "signed name": lambda l: token(upload_state(l) | {"Name": "team/elsewhere"}),
    "signed uuid": lambda l: token(upload_state(l) | {"UUID": "00000000-0000-4000-8000-000000000000"}),
    "signed garbage": lambda l: base64.urlsafe_b64encode(
        hmac.digest(SECRET.encode(), b"garbage", hashlib.sha256) + b"garbage").decode(),
    "signed wrong types": lambda l: token({"Name": 1, "UUID": [], "Offset": "x", "StartedAt": None}),
}


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged(client, upload, method, forgery):
    """Nothing is done, and the upload goes on by its true Location."""
    reply = step(client, method, with_token(upload, FORGERIES[forgery](upload)))
    assert_error(reply, 404, "BLOB_UPLOAD_INVALID")
    assert step(client, "PUT", upload).status == 201


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_missing(client, upload, method):
    assert_error(step(client, method, upload.split("?")[0]), 404, "BLOB_UPLOAD_INVALID")
    assert step(client, "PUT", upload).status == 201


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_for_another_repository(client, upload, repo, other_repo, method):
    reply = step(client, method, upload.replace(f"/v2/{repo}/", f"/v2/{other_repo}/"))
    assert_error(reply, 404, "BLOB_UPLOAD_INVALID")
    assert step(client, "PUT", upload).status == 201


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_of_another_upload(client, repo, upload, method):
    stranger = client.start_upload(repo)
    reply = step(client, method, with_token(upload, raw_token(stranger)))
    assert_error(reply, 404, "BLOB_UPLOAD_INVALID")
    assert step(client, "PUT", upload).status == 201


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_for_an_upload_that_never_was(client, repo, method):
    state = {"Name": repo, "UUID": "00000000-0000-4000-8000-000000000000", "Offset": 5,
             "StartedAt": "2024-01-02T03:04:05Z"}
    location = f"/v2/{repo}/blobs/uploads/{state['UUID']}?_state={token(state)}"
    assert_error(step(client, method, location), 404, "BLOB_UPLOAD_UNKNOWN")


@differs("a wrong offset cancels the upload there")
@pytest.mark.parametrize("offset", [0, 4, 6, 2**40, -1])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_signed_wrong_offset(client, upload, offset, method):
    forged = token(upload_state(upload) | {"Offset": offset})
    reply = step(client, method, with_token(upload, forged))
    assert_error(reply, 416, "RANGE_INVALID")
    assert reply.header("Range") == "0-4"
    assert step(client, "PUT", upload).status == 201
