"""Requests that arrive at the same moment, and threads that must all succeed."""
import http.client
import threading

from harness import OCTETS, Reply

BARRIER_SECONDS = 60


class Entrant:
    """One request of a race: everything but its last byte is sent ahead."""

    def __init__(self, client, method, target, body=None, content_type=OCTETS):
        self._method = method
        self._connection = client.connect()
        self._connection.putrequest(method, client.path_of(target), skip_accept_encoding=True)
        if body is not None:
            self._connection.putheader("Content-Type", content_type)
            self._connection.putheader("Content-Length", str(len(body)))
        self._held_back = body[-1:] if body else None
        if self._held_back:
            self._connection.endheaders(body[:-1])

    def go(self):
        if self._held_back:
            self._connection.send(self._held_back)
        else:
            self._connection.endheaders()
        try:
            response = self._connection.getresponse()
            return Reply(response.status, response.msg, response.read())
        except (http.client.HTTPException, OSError) as error:
            raise AssertionError(f"{self._method} got no answer: {error!r}") from error
        finally:
            self._connection.close()


def race(*entrants):
    """Lets all go at once; their replies, in the same order."""
    barrier = threading.Barrier(len(entrants))

    def run(entrant):
        barrier.wait(BARRIER_SECONDS)
        return entrant.go()

    return together(*(lambda entrant=entrant: run(entrant) for entrant in entrants))


def together(*calls):
    """Runs every call in a thread of its own; their results in order, or the first exception."""
    results, errors = [None] * len(calls), []

    def run(index, call):
        try:
            results[index] = call()
        except BaseException as error:      # an AssertionError in a thread must fail the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


class Background:
    """Calls that repeat until the `with` ends; a failure in one fails the test at the end. `rounds` counts them."""

    def __init__(self, *calls):
        self._calls = calls
        self._stop = threading.Event()
        self._error = None
        self.rounds = [0] * len(calls)

    def _run(self, index, call):
        while not self._stop.is_set():
            try:
                call()
            except BaseException as error:
                self._error = error
                self._stop.set()
            self.rounds[index] += 1

    @property
    def failed(self):
        return self._error is not None

    def __enter__(self):
        self._threads = [threading.Thread(target=self._run, args=pair) for pair in enumerate(self._calls)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if kind is None and self._error is not None:
            raise self._error
