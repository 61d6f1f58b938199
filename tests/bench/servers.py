"""The servers that are compared: berth, its peer docker-registry, both with access control too, and a bare nginx as
the limit.

The registries are tests/system/harness.py's; what is added is how they are made equal: the same keys, no access log in
either, and logs of errors alone, which suits the peer (its log of level info costs it more than berth's does).
"""
import base64
import http.client
import os
import ssl
import subprocess
import sys
import time

import meter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "system"))
import harness  # noqa: E402
import tokens  # noqa: E402

START_SECONDS = 30
START_POLL_SECONDS = 0.001      # start-up takes some ten milliseconds: the harness's own poll is too coarse
SETTLE_SECONDS = 0.3            # between the first answer and the look at idle memory

BERTH, PEER, NGINX = "berth", "peer", "nginx"
GUARDED, WATCHED = "berth with tokens", "berth with debug server, metrics and health checks"
PASSWORDS = "berth with passwords"
PEER_GUARDED, PEER_PASSWORDS = "peer with tokens", "peer with passwords"
TOKEN_SECONDS = 24 * 3600       # longer than any run
REPOSITORY = "bench/pull"       # that is pulled from
PUSHED = "pushed"               # what measurements push is below this repository name
PUSHERS = 8                     # that a token knows by the names of their repositories
USER, PASSWORD, OTHER_USER = "alice", "wonderland", "bob"
COST, PEER_COST = 10, 5         # of bcrypt: the peer computes it for every request
QUIET = {"log": {"level": "error", "accesslog": {"disabled": True}}}


class _Timed:
    """Adds to a harness.Registry the seconds from exec to the first answer."""

    first_path = "/v2/"
    first_status = 200
    start_seconds = None
    request_headers = {}        # of every request of the load that pulls
    push_headers = {}           # the same of pushes

    def start(self):
        self._started = time.monotonic()
        return super().start()

    def _wait_until_it_answers(self):
        context = ssl.create_default_context(cafile=self.ca_file) if self.tls else None
        while time.monotonic() - self._started < START_SECONDS:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.command()} ended with {self._process.returncode}:\n{self._log_tail()}")
            try:
                connection = (http.client.HTTPSConnection(self.host, self.port, timeout=1, context=context) if self.tls
                              else http.client.HTTPConnection(self.host, self.port, timeout=1))
                connection.request("GET", self.first_path)
                status = connection.getresponse().status
                connection.close()
                if status == self.first_status:
                    self.start_seconds = time.monotonic() - self._started
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(START_POLL_SECONDS)
        raise RuntimeError(f"no answer at {self.url}{self.first_path} in {START_SECONDS} s:\n{self._log_tail()}")

    def negotiated_cipher(self):
        """The TLS suite that a client with OpenSSL's defaults, as wrk is, gets here."""
        context = ssl.create_default_context(cafile=self.ca_file)
        with harness.socket.create_connection((self.host, self.port), timeout=5) as plain, \
                context.wrap_socket(plain, server_hostname=self.host) as secured:
            return secured.cipher()[0]


class Berth(_Timed, harness.Registry):
    kind = BERTH

    def __init__(self, **options):
        super().__init__(QUIET, **options)


class Peer(_Timed, harness.PeerRegistry):
    kind = PEER

    def __init__(self, **options):
        super().__init__(QUIET, **options)


class WantsTokens:
    """A registry that wants a token, and a load that has one: of some 2 KB, with its certificate, as the peer needs."""

    first_status = 401

    def __init__(self, **options):
        super().__init__(**options)
        keys = tokens.Keys(self.directory)
        self.config = harness.merged(self.config, {"auth": keys.auth()})
        ends = int(time.time()) + TOKEN_SECONDS
        self.request_headers = {"Authorization": keys.token([tokens.to(REPOSITORY, "pull")], exp=ends)}
        pushed = [tokens.to(f"{PUSHED}/client-{number}", "pull", "push") for number in range(PUSHERS)]
        self.push_headers = {"Authorization": keys.token(pushed, exp=ends)}


class WantsPasswords:
    """A registry that wants a name and a password, and a load that sends them each time."""

    first_status = 401
    cost = COST

    def __init__(self, **options):
        super().__init__(**options)
        users = self.directory / "htpasswd"
        users.write_text("".join(
            subprocess.run(["htpasswd", "-niBC", str(self.cost), user], input=PASSWORD, text=True, check=True,
                           capture_output=True).stdout.strip() + "\n" for user in (USER, OTHER_USER)))
        users.chmod(0o644)
        self.config = harness.merged(self.config, {"auth": {"htpasswd": {"realm": "bench", "path": str(users)}}})
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.request_headers = self.push_headers = {"Authorization": f"Basic {basic}"}


class Guarded(WantsTokens, Berth):
    kind = GUARDED


class PeerGuarded(WantsTokens, Peer):
    kind = PEER_GUARDED


class Passwords(WantsPasswords, Berth):
    kind = PASSWORDS


class PeerPasswords(WantsPasswords, Peer):
    kind = PEER_PASSWORDS
    cost = PEER_COST


class Watched(Berth):
    """berth whose pulls are counted, and which may be found unwell."""

    kind = WATCHED

    def __init__(self, **options):
        super().__init__(**options)
        debug = {"addr": f"127.0.0.1:{harness.free_port()}", "prometheus": {"enabled": True}}
        self.config = harness.merged(self.config, {"http": {"debug": debug},
                                                   "health": {"storagedriver": {"enabled": True}}})


STATIC_CONFIG = """\
daemon off;
worker_processes auto;
pid {directory}/nginx.pid;
error_log stderr warn;
user {user};
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {directory}/t1; proxy_temp_path {directory}/t2; fastcgi_temp_path {directory}/t3;
    uwsgi_temp_path {directory}/t4; scgi_temp_path {directory}/t5;
    types {{ }}
    default_type application/octet-stream;
    # As berth's nginx/snippets/http/connections.conf and tls.conf have it, so that what differs is berth.
    sendfile on; sendfile_max_chunk 512k; tcp_nopush on; tcp_nodelay on;
    keepalive_timeout 300s; keepalive_requests 100000;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384;
    ssl_session_cache shared:bench:10m; ssl_session_tickets off;
    server {{
        listen {listen};
        {certificate}
        root {blobs};
        location = /v2/ {{ return 200 '{{}}'; }}
    }}
}}
"""


class StaticNginx(_Timed, harness.Registry):
    """nginx that serves the blob files of a store as they are: no names, no access, no digests."""

    kind = NGINX

    def command(self):
        return ["nginx", "-e", "stderr", "-p", str(self.directory), "-c", str(self.directory / "nginx.conf")]

    def start(self):
        import pwd
        certificate = (f"ssl_certificate {harness.certificates().certificate}; "
                       f"ssl_certificate_key {harness.certificates().key};") if self.tls else ""
        (self.directory / "nginx.conf").write_text(STATIC_CONFIG.format(
            directory=self.directory, user=pwd.getpwuid(os.getuid()).pw_name, blobs=self.v2_root / "blobs",
            listen=f"{self.authority}{' ssl' if self.tls else ''}", certificate=certificate))
        return super().start()

    @staticmethod
    def path_of_blob(digest):
        hexadecimal = digest.split(":")[1]
        return f"/sha256/{hexadecimal[:2]}/{hexadecimal}/data"


KINDS = {each.kind: each for each in (Berth, Guarded, Passwords, Watched, Peer, PeerGuarded, PeerPasswords,
                                      StaticNginx)}
# And on whose store they are.
OTHER_MODES = {GUARDED: BERTH, PASSWORDS: BERTH, WATCHED: BERTH, PEER_GUARDED: PEER, PEER_PASSWORDS: PEER}


def rotated(all_of_them, by):
    """Each round begins with another server: none always runs in the wake of the same one."""
    start = by % len(all_of_them)
    return all_of_them[start:] + all_of_them[:start]


def start_up_and_idle(kind):
    """Starts a server on an empty store; returns seconds to the first answer, RSS and PSS of it when it then idles."""
    with KINDS[kind]() as server:
        time.sleep(SETTLE_SECONDS)
        pids = server.tree()
        return server.start_seconds, meter.rss_bytes(pids), meter.pss_bytes(pids)
