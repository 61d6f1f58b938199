"""An endpoint of notifications that keeps what it gets and fails as it is told to."""
import http.server
import json
import threading
import time

WAIT_SECONDS = 20
POLL_SECONDS = 0.02


class Sink:
    """Listens on a loopback port while a `with` lasts; `down` and `up` close and reopen the same port.

    answer: the status of replies, or a function from the number of the attempt (from 0) to one; delay: seconds before
    each reply; location: where a redirect leads.
    """

    def __init__(self, answer=200, delay=0, location=None):
        self.answer = answer
        self.location = location
        self.delay = delay
        self.attempts = []      # (headers, body) of every POST
        self.events = []        # of those that were answered with success
        self._lock = threading.Lock()
        self._server = None
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def up(self):
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with sink._lock:
                    number = len(sink.attempts)
                    sink.attempts.append((self.headers, body))
                if sink.delay:
                    time.sleep(sink.delay)
                status = sink.answer(number) if callable(sink.answer) else sink.answer
                if 200 <= status < 400:
                    with sink._lock:
                        sink.events.extend(json.loads(body)["events"])
                self.send_response(status)
                if sink.location:
                    self.send_header("Location", sink.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, *_):
                pass    # a client that went away

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()

    def down(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.down()

    def wait_for(self, count, what="events"):
        """The first `count` events (or attempts), once there are so many."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            with self._lock:
                if len(getattr(self, what)) >= count:
                    return list(getattr(self, what))
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"{len(getattr(self, what))} {what} in {WAIT_SECONDS} s, not {count}: {self.events}")

    def endpoint(self, **more):
        """The endpoint's config."""
        return {"name": "sink", "url": self.url, "timeout": "2s", "threshold": 3, "backoff": "50ms", **more}
