"""A port that leads to a registry, and lets through so slowly what a client sends that a push takes long."""
import asyncio
import socket
import threading

from harness import free_port

PIECE_BYTES = 2048
# A network's, and not loopback's: a client would have all in its buffer at once, and then wait for an answer that is a
# minute away.
SEGMENT_BYTES, WINDOW_BYTES = 1400, 8 << 10


class SlowDoor:
    """rate: bytes a second of each connection. It stands for the registry it leads to, wherever a client is made."""

    def __init__(self, registry, rate):
        self._registry, self._rate = registry, rate
        self.port = free_port()
        self.authority = f"{registry.host}:{self.port}"
        self.tls, self.ca_file = registry.tls, registry.ca_file
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        for family, address in ((socket.AF_INET, self._registry.host), (socket.AF_INET6, "::1")):
            started = asyncio.start_server(self._serve, limit=PIECE_BYTES, sock=self._listening(family, address))
            asyncio.run_coroutine_threadsafe(started, self._loop).result()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _listening(self, family, address):
        door = socket.socket(family)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        door.bind((address, self.port))
        return door

    async def _serve(self, reader, writer):
        back, forth = await asyncio.open_connection(self._registry.host, self._registry.port)
        await asyncio.gather(self._carry(reader, forth, self._rate), self._carry(back, writer), return_exceptions=True)

    @staticmethod
    async def _carry(reader, writer, rate=None):
        try:
            while data := await reader.read(PIECE_BYTES):
                writer.write(data)
                await writer.drain()
                if rate:
                    await asyncio.sleep(len(data) / rate)
        finally:
            writer.close()
