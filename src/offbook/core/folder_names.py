"""Names that every system can give to a folder."""

from __future__ import annotations

import re

from offbook.core.i18n import translate

NAME_BYTES = 150
"""A run's name is the name of a folder, and others are made from it: file systems allow 255 bytes."""

_NOT_ON_WINDOWS = re.compile(
    r'[<>:"|?*]|[. ]$|^(con|conin\$|conout\$|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$', re.IGNORECASE
)
"""What no folder can be called there: runs are copied from one system to another."""


def check_folder_name(value: str) -> str:
    """The name itself, where every system can have a folder of that name.

    Raises:
        ValueError: it says what the name should do.
    """
    if not re.fullmatch(r"[^/\\\x00-\x1f.][^/\\\x00-\x1f]*", value):
        raise ValueError(translate("name a folder: no slash in it, and no dot at its start"))
    if len(value.encode(errors="surrogatepass")) > NAME_BYTES:
        raise ValueError(
            translate("be shorter: a folder is named after it ({limit} bytes at most)").format(limit=NAME_BYTES)
        )
    if _NOT_ON_WINDOWS.search(value):
        raise ValueError(
            translate('be a name that Windows has, too: no < > : " | ? *, no dot or space at its end, no con or nul')
        )
    return value
