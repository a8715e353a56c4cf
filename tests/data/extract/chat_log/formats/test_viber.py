"""Viber's text export."""

from offbook.data.extract.chat_log.formats.viber import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times

LOG = """\
[ 12/05/2021 21:30:10 ] Ann Lee: Is the lamp lit?
[ 12/05/2021 21:31:05 ] Tom: Since four.
I lit it myself.
[ 13/05/2021 08:01:00 ] Tom: Photo message
[ 13/05/2021 08:02:00 ] Ann Lee: Missed call
[ 13/05/2021 08:03:00 ] You joined"""


def test_messages_and_what_is_none() -> None:
    assert parsed(read, LOG) == [("Ann Lee", "Is the lamp lit?"), ("Tom", "Since four.\nI lit it myself.")]
    assert contents(read, LOG)[2:] == [Content.MEDIA, Content.CALL, Content.NOTE]
    assert times(read, LOG)[:3] == ["2021-05-12 21:30", "2021-05-12 21:31", "2021-05-13 08:01"]


def test_an_export_is_recognised() -> None:
    assert looks_like(LOG.splitlines()) > 0.8
    assert looks_like(["[12/05/2021, 21:30:10] Ann Lee: Is the lamp lit?"]) == 0
