"""Keeps the memory of a virtual machine its own while something is measured.

A guest may tell its host which memory is free (free page reporting of virtio_balloon). The host takes it, and fetches
it again when a page is next written to: seconds of CPU for each GB of page cache, in the guest's system time, whoever
is measured. So the reports are stopped, and all that is free is written to once.
"""
import contextlib
import mmap
import os
import pathlib

ORDER = pathlib.Path("/sys/module/page_reporting/parameters/page_reporting_order")  # of the blocks that are reported
NEVER = "11"            # no block of free memory is as large; many kernels refuse it
USUAL = "9"             # restored if a run that was killed has left NEVER
REPORTING = 5           # the bit of VIRTIO_BALLOON_F_REPORTING
LEFT_FREE = 1 << 30


def _is_reported():
    devices = pathlib.Path("/sys/bus/virtio/drivers/virtio_balloon").glob("virtio*/features")
    return any(features.read_text()[REPORTING] == "1" for features in devices)


def _available():
    """What may be written to without harm: free, and allowed by the control group."""
    size = os.sysconf("SC_AVPHYS_PAGES") * mmap.PAGESIZE
    with contextlib.suppress(OSError, ValueError):      # none, or no limit
        size = min(size, int(pathlib.Path("/sys/fs/cgroup/memory.max").read_text()))
    return size - LEFT_FREE


@contextlib.contextmanager
def kept():
    """Yields what a reader has to know of it."""
    if not _is_reported():
        yield "no virtio_balloon reports it"
        return
    before = None
    try:
        try:
            before = ORDER.read_text().strip()
            ORDER.write_text(NEVER)
            if (size := _available()) > 0:
                mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()
            fact = "kept from the host while this ran"
        except OSError as error:
            fact = f"goes to the host when it is free, and back at a price: large pushes are slower ({error})"
        yield fact
    finally:
        if before is not None:
            with contextlib.suppress(OSError):
                ORDER.write_text(USUAL if before == NEVER else before)
