"""versitygw, an S3 server over a directory, for as long as a `with` lasts; `stop` and `start` keep the port."""
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import go_programs
import harness

START_SECONDS = 20
ACCESS_KEY = "AKTESTKEY"
SECRET_KEY = "s3cret-key-of-tests"
BUCKET = "images"


class S3Server:
    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="berth-s3-"))
        self.bucket = self.directory / BUCKET
        self.bucket.mkdir()
        self.port = harness.free_port()
        self._program = go_programs.install("versitygw")
        self._process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self._process = subprocess.Popen(
            [self._program, "--access", ACCESS_KEY, "--secret", SECRET_KEY, "--keep-alive", "--quiet", "--port",
             f"127.0.0.1:{self.port}", "posix", str(self.directory)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline and self._process.poll() is None, "versitygw does not start"
                time.sleep(0.05)

    def stop(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def config(self, **changes):
        """storage.s3 of a config."""
        return {"accesskey": ACCESS_KEY, "secretkey": SECRET_KEY, "region": "us-east-1", "regionendpoint": self.url,
                "bucket": BUCKET, "rootdirectory": "/some/where", **changes}

    def keys(self):
        """Every key of the bucket."""
        return sorted(str(path.relative_to(self.bucket)) for path in self.bucket.rglob("*")
                      if path.is_file() and ".sgwtmp" not in path.parts)
