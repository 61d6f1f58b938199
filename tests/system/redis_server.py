"""A redis-server of a test's own, and what a test asks of it."""
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import harness

START_SECONDS = 20


class RedisServer:
    """Runs while a `with` lasts; `stop` and `start` keep the port. tls: that alone, with client certificates."""

    def __init__(self, *options, password=None, tls=False):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="berth-redis-"))
        self.port = harness.free_port()
        self.password = password
        self.tls = tls
        self._options = list(options)
        self._process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        ports = ["--port", str(self.port)]
        if self.tls:
            certificates = harness.certificates()
            ports = ["--port", "0", "--tls-port", str(self.port), "--tls-cert-file", certificates.certificate,
                     "--tls-key-file", certificates.key, "--tls-ca-cert-file", certificates.ca_file]
        password = ["--requirepass", self.password] if self.password else []
        self._process = subprocess.Popen(
            ["redis-server", *ports, "--bind", "127.0.0.1", "--save", "", "--dir", str(self.directory), *password,
             *self._options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline and self._process.poll() is None, "redis-server does not start"
                time.sleep(0.02)

    def stop(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self):
        """A server that hangs: connections are made, and nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def ask(self, *command):
        """What redis-cli prints, by lines."""
        more = ["--tls", "--cacert", harness.certificates().ca_file, "--cert", harness.certificates().certificate,
                "--key", harness.certificates().key] if self.tls else []
        if self.password:
            more += ["--no-auth-warning", "-a", self.password]
        done = subprocess.run(["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), *more, *command],
                              capture_output=True, text=True, timeout=20, check=True)
        return done.stdout.splitlines()

    def contents(self):
        """Every key with what is in it."""
        found = {}
        for key in filter(None, self.ask("KEYS", "*")):
            if self.ask("TYPE", key) == ["set"]:
                found[key] = sorted(self.ask("SMEMBERS", key))
            else:
                fields = self.ask("HGETALL", key)
                found[key] = dict(zip(fields[::2], fields[1::2]))
        return found
