"""What the operating system says of a failure, in the user's language."""

from __future__ import annotations

import errno

from offbook.core.i18n import marked, translate

REASONS = {
    errno.ENOENT: marked("No such file or directory"),
    errno.EACCES: marked("Permission denied"),
    errno.EPERM: marked("Operation not permitted"),
    errno.EROFS: marked("Read-only file system"),
    errno.ENOSPC: marked("No space left on device"),
    errno.EDQUOT: marked("Disk quota exceeded"),
    errno.EFBIG: marked("File too large"),
    errno.EIO: marked("Input/output error"),
    errno.EBUSY: marked("Device or resource busy"),
    errno.EEXIST: marked("File exists"),
    errno.EISDIR: marked("Is a directory"),
    errno.ENOTDIR: marked("Not a directory"),
    errno.ENOTEMPTY: marked("Directory not empty"),
    errno.ENAMETOOLONG: marked("File name too long"),
    errno.ELOOP: marked("Too many levels of symbolic links"),
    errno.EINVAL: marked("Invalid argument"),
    errno.EMFILE: marked("Too many open files"),
    errno.ENOMEM: marked("Cannot allocate memory"),
    errno.ENOEXEC: marked("Exec format error"),
    errno.ECONNREFUSED: marked("Connection refused"),
    errno.ECONNRESET: marked("Connection reset by peer"),
    errno.ETIMEDOUT: marked("Connection timed out"),
    errno.ENETUNREACH: marked("Network is unreachable"),
    errno.EADDRINUSE: marked("Address already in use"),
    errno.EADDRNOTAVAIL: marked("Cannot assign requested address"),
}
"""The failures that people meet, by the system's number, in the words that they would look up."""


def system_reason(error: OSError) -> str:
    """Why the system refused something; its own words where they are none of `REASONS`."""
    reason = REASONS.get(error.errno or 0)
    return translate(reason) if reason else error.strerror or str(error)
