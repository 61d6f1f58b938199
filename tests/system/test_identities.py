"""Callers of berth.access from elsewhere, through nginx and all: tokens of workloads, whose keys an HTTP server has;
users of a real slapd, asked by berth and by a real saslauthd; client certificates."""
import base64
import http.server
import json
import os
import shutil
import subprocess
import threading
import time

import pytest

import harness
from harness import Client
from test_access import as_user, folder  # noqa: F401  (a fixture)

pytestmark = pytest.mark.differs("berth's own rules")

TEAM = "team/app"
AUDIENCE = "registry.test"
BASE = "dc=example,dc=org"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """An issuer of tokens on loopback, with a key of its own that it publishes by OpenID discovery."""

    def __init__(self, where):
        self.key = str(where / "issuer.key")
        subprocess.run(["openssl", "genrsa", "-out", self.key, "2048"], check=True, capture_output=True, timeout=60)
        modulus = subprocess.run(["openssl", "rsa", "-in", self.key, "-noout", "-modulus"], check=True,
                                 capture_output=True, text=True, timeout=60).stdout.strip().split("=")[1]
        self.jwk = {"kty": "RSA", "kid": "k1", "use": "sig", "e": "AQAB", "n": base64url(bytes.fromhex(modulus))}
        self.asked = []
        issuer = self

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                pages = {"/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": issuer.url + "/keys"},
                         "/keys": {"keys": [issuer.jwk]}}
                body = json.dumps(pages.get(self.path, {})).encode()
                self.send_response(200 if self.path in pages else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, **changes):
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "repo:acme/app:ref:refs/heads/main", "iat": now,
                  "exp": now + 300, "repository": "acme/app", "ref": "refs/heads/main"} | changes
        header = {"alg": "RS256", "kid": "k1", "typ": "JWT"}
        message = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=message.encode(),
                                   check=True, capture_output=True, timeout=60).stdout
        return message + "." + base64url(signature)


def rules(*entries, **access):
    written = [dict(zip(("who", "repositories", "may"), each)) for each in entries]
    return {"berth": {"access": {"rules": written} | access}}


def may_push(client, headers):
    """The status of the beginning of a push."""
    return client.post(f"{client.base}{TEAM}/blobs/uploads/", headers).status


def test_a_job_pushes_with_its_token(folder):      # noqa: F811
    issuer = Issuer(folder)
    config = rules(("token:ci repository=acme/app ref=refs/heads/main", "team/**", "push"),
                   issuers=[{"name": "ci", "url": issuer.url, "audience": AUDIENCE, "claims": ["repository", "ref"]}])
    with harness.Registry(config) as registry:
        client = Client(registry)
        assert may_push(client, {}) == 401
        assert issuer.asked == []
        token = issuer.token()
        assert may_push(client, {"Authorization": "Bearer " + token}) == 202
        assert may_push(client, as_user("oidc", token)) == 202
        given = client.get(f"{client.base}token?service=s&scope=repository:{TEAM}:pull,push", as_user("oidc", token))
        assert given.status == 200, given
        assert may_push(client, {"Authorization": "Bearer " + given.json()["token"]}) == 202
        assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
        assert may_push(client, {"Authorization": "Bearer " + issuer.token(ref="refs/heads/other")}) == 403
        for changes in ({"aud": "elsewhere"}, {"exp": int(time.time()) - 100}, {"iss": "https://other.example"}):
            assert may_push(client, {"Authorization": "Bearer " + issuer.token(**changes)}) == 401
        assert may_push(client, {"Authorization": "Bearer " + token[:-8] + "AAAAAAAA"}) == 401
        assert token not in registry.log()
    issuer.server.shutdown()


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A slapd with alice, who is in the group devs, and bob, who is not: its URL, and a file with the password of the
    account that searches."""
    for program in ("slapd", "ldapadd"):
        if not shutil.which(program, path="/usr/sbin:/usr/bin"):
            pytest.skip(f"{program} is not installed")
    where = tmp_path_factory.mktemp("slapd")
    for each in (where, *where.parents):
        if str(each).startswith("/tmp/"):
            each.chmod(0o755)
    (where / "data").mkdir()
    (where / "secret").write_text("searching\n")
    (where / "slapd.conf").write_text("".join(f"include /etc/ldap/schema/{each}.schema\n"
                                              for each in ("core", "cosine", "inetorgperson")) + f"""
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
database mdb
suffix {BASE}
rootdn cn=admin,{BASE}
rootpw admin
directory {where}/data
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=search,{BASE}" read by * none
""")
    people = "".join(f"\ndn: uid={name},{BASE}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\n"
                     f"userPassword: {name}s secret\n" for name in ("alice", "bob"))
    (where / "entries").write_text(
        f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n"
        f"dn: cn=search,{BASE}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: search\n"
        f"userPassword: searching\n{people}\n"
        f"dn: cn=devs,{BASE}\nobjectClass: groupOfNames\ncn: devs\nmember: uid=alice,{BASE}\n")
    url = f"ldap://127.0.0.1:{harness.free_port()}"
    server = subprocess.Popen(["/usr/sbin/slapd", "-d", "0", "-f", str(where / "slapd.conf"), "-h", url],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        harness.wait_until(lambda: subprocess.run(
            ["ldapadd", "-x", "-c", "-D", f"cn=admin,{BASE}", "-w", "admin", "-H", url, "-f", str(where / "entries")],
            capture_output=True).returncode == 0, "slapd takes entries")
        yield url, str(where / "secret"), server
    finally:
        server.terminate()
        server.wait(20)


def test_a_real_saslauthd_knows_users(directory, folder):      # noqa: F811
    if not os.access("/usr/sbin/saslauthd", os.X_OK):
        pytest.skip("saslauthd (sasl2-bin) is not installed")
    url, _, _ = directory
    (folder / "saslauthd.conf").write_text(
        f"ldap_servers: {url}\nldap_search_base: {BASE}\nldap_filter: (uid=%u)\nldap_bind_dn: cn=search,{BASE}\n"
        "ldap_password: searching\n")
    daemon = subprocess.Popen(["/usr/sbin/saslauthd", "-d", "-a", "ldap", "-O", str(folder / "saslauthd.conf"), "-m",
                               str(folder), "-n", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True)     # it ends its whole process group
    try:
        harness.wait_until((folder / "mux").exists, "saslauthd listens")
        config = rules(("signed-in", "**", "pull"), ("user:alice", "team/**", "push"),
                       saslauthd={"socket": str(folder / "mux")})
        with harness.Registry(config) as registry:
            client = Client(registry)
            assert may_push(client, as_user("alice", "alices secret")) == 202
            assert may_push(client, as_user("bob", "bobs secret")) == 403
            assert may_push(client, as_user("alice", "bobs secret")) == 401
            assert may_push(client, as_user("alice", "")) == 401
            daemon.terminate()
            daemon.wait(20)
            assert may_push(client, as_user("alice", "alices secret")) == 202     # remembered
            assert may_push(client, as_user("bob", "another")) == 503
            assert registry.log().count("who knows the users cannot be asked") == 1
            assert "s secret" not in registry.log()
    finally:
        daemon.terminate()
        daemon.wait(20)


def test_groups_of_a_real_directory(directory):
    url, secret, server = directory
    config = rules(("signed-in", "**", "pull"), ("devs", "team/**", "push"),
                   ldap={"url": url, "base": BASE, "binddn": f"cn=search,{BASE}", "bindpasswordfile": secret})
    with harness.Registry(config) as registry:
        client = Client(registry)
        alice = as_user("alice", "alices secret")
        assert may_push(client, alice) == 202
        assert may_push(client, as_user("bob", "bobs secret")) == 403
        for user, password in (("alice", "wrong"), ("alice", ""), ("nobody", "alices secret"), ("*", "alices secret")):
            assert may_push(client, as_user(user, password)) == 401
        given = client.get(f"{client.base}token?service=s&scope=repository:{TEAM}:pull,push", alice)
        assert may_push(client, {"Authorization": "Bearer " + given.json()["token"]}) == 202
        server.terminate()
        server.wait(20)
        assert may_push(client, alice) == 202       # remembered
        assert may_push(client, {"Authorization": "Bearer " + given.json()["token"]}) == 202
        assert may_push(client, as_user("alice", "another")) == 503
        assert "s secret" not in registry.log()


def test_a_certificate_names_its_caller(folder):      # noqa: F811
    authority = harness.certificates()
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    def certificate(name, alternative):
        (folder / "san.cnf").write_text(f"subjectAltName={alternative}\n")
        for command in (["req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"],
                        ["x509", "-req", "-in", f"{name}.csr", "-CA", authority.ca_file, "-CAkey",
                         authority.ca_file.replace(".crt", ".key"), "-set_serial", "7", "-out", f"{name}.crt",
                         "-days", "2", "-extfile", "san.cnf"]):
            subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True, timeout=60)
        return ["--cert", str(folder / f"{name}.crt"), "--key", str(folder / f"{name}.key")]

    builder = certificate("builder", "URI:spiffe://example.org/ci/builder")
    other = certificate("other", "URI:spiffe://example.org/web/other")
    config = rules(("cert:spiffe://example.org/ci/*", "team/**", "push"),
                   certificates={"subject": "uri", "pattern": "spiffe://example.org/ci/**"})
    config["http"] = {"tls": {"clientcas": [authority.ca_file], "clientauth": "verify-client-cert-if-given"}}
    with harness.Registry(config, tls=True) as registry:
        url = f"{registry.url}/v2/{TEAM}/blobs/uploads/"

        def push(*options):
            return subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "--cacert",
                                   authority.ca_file, *options, url], check=True, capture_output=True, text=True,
                                  timeout=60).stdout

        assert push(*builder) == "202"
        assert push() == "401"
        assert push(*other) == "401"
        assert push(*builder, "-u", "alice:wrong") == "401"     # credentials decide
        pem = (folder / "builder.crt").read_text().replace("\n", "%0A")
        for header in ("Berth-Client-Cert", "BERTH_CLIENT_CERT", "X-Berth-Client-Cert", "Ssl-Client-Cert"):
            assert push("-H", f"{header}: {pem}") == "401"
