"""Sets a daemon's clock while it runs, with libfaketime (Debian package faketime)."""

from pathlib import Path

# The one that locks: with the other, a thread that reads the clock while another does now and then gets the real time.
_LIBRARY = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


def missing(lab):
    """Why not, as the reason of a skip; empty where it works."""
    if not _LIBRARY:
        return "libfaketime is not installed"
    return "a sanitizer's runtime wants to be loaded before libfaketime" if lab.sanitized() else ""


class Clock:
    """The clock of a program that is started with `wrapper`; the monotonic one is left alone."""

    def __init__(self, file):
        self._file = file
        self.set("+0")
        self.wrapper = ["env", f"LD_PRELOAD={_LIBRARY[0]}", f"FAKETIME_TIMESTAMP_FILE={file}", "FAKETIME_NO_CACHE=1",
                        "FAKETIME_DONT_FAKE_MONOTONIC=1"]

    def set(self, offset):
        """So many seconds off, "-1200" or "+5". The library ends a program that finds the file half written."""
        whole = self._file.with_suffix(".new")
        whole.write_text(offset)
        whole.replace(self._file)
