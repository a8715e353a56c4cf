"""Tables of messages in which a column tells what was sent and what received, and another names the other side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from offbook.data.extract.chat_log.table_header import USUAL, spelling
from offbook.data.extract.word_lists import words

ME = "Me"
"""Who writes what the table says was sent, where it names the other side alone."""
SENT = words(
    "sent outgoing out outbox from_me gesendet ausgehend postausgang envoyé sortant enviado enviada saliente "
    "in_uscita inviato uitgaand verzonden utgående skickat отправлено исходящее исходящие 发送 已发送 发出 传出 "
    "送信 送信済み 發送 傳出 보냄 발신 wysłane giden"
)
RECEIVED = words(
    "received incoming in inbox empfangen eingehend posteingang reçu entrant recibido recebido recebida entrante "
    "in_entrata ricevuto inkomend ontvangen inkommande mottaget получено входящее входящие 接收 已接收 传入 "
    "受信 收到 傳入 받음 수신 odebrane gelen"
)
YES = frozenset(("1", "1.0", "true", "yes", "y", "ja", "oui", "sí", "sim", "да", "是"))
KINDS = words("type message_type post_type folder typ tipo tipus soort тип 类型 種類 類型 유형")
"""Columns that may tell kinds of messages, whose numbers do not say yes."""
ANDROID_S_SENT = frozenset(("2", "4", "5", "6"))
"""Kinds of text messages beside the number of the other side: sent, waiting to be, failed."""
SIGNAL_S_BITS, SIGNAL_S_BASE, SIGNAL_S_SENT = 1 << 20, 0x1F, range(21, 27)
"""Signal's database keeps more than the direction in a number, which is so large; its lowest bits tell it."""
SYSTEM = "system"
"""How the kinds of notes begin that Mattermost writes."""
OUTSIDE_A_CHAT = frozenset(("", "0"))
"""What stands in the place of the other side in a Mac's rows of messages sent to several people."""
VAGUE = frozenset(name.replace("_", " ") for name in USUAL["contact"]) | words(
    "name nickname user username user_name display_name person 姓名 昵称 用户 用户名 暱稱 使用者 名前 이름 имя "
    "nom nombre nome"
)
"""Names of a column that may hold the other side of the chat, whoever writes."""


class Direction:
    """What a table says of who wrote its rows.

    Args:
        headers: what the columns hold → their names.
        rows: the head of the table.
        is_told: whether the user named the columns: then a column that only may hold the other side holds who writes.
    """

    def __init__(self, headers: Mapping[str, str], rows: Sequence[Mapping[str, Any]], *, is_told: bool = False) -> None:
        self._column = headers.get("direction", "")
        self._sender = headers.get("sender", "")
        self._contact = headers.get("contact", "")
        self._tells_kinds = spelling(self._column).replace("_", " ") in KINDS
        self._is_vague = not is_told and spelling(self._sender).replace("_", " ") in VAGUE
        sent = [_cell(row, self._sender) for row in rows if self._was_sent(row)]
        received = {_cell(row, self._sender) for row in rows if self._value(row) and not self._was_sent(row)}
        to_others = sum(name in received - OUTSIDE_A_CHAT for name in sent)
        self._names_other_side = 2 * to_others >= max(len(sent), 1)
        names_contacts = self._names_other_side or (sent and self._is_vague and self._sender == self._contact)
        self.is_chat = bool(names_contacts) and "chat" not in headers and OUTSIDE_A_CHAT.isdisjoint(sent)
        """Whether each name in the column of senders is a chat of its own: the other side's, whoever writes."""

    def _value(self, row: Mapping[str, Any]) -> str:
        return " ".join(_cell(row, self._column).casefold().split())

    def _was_sent(self, row: Mapping[str, Any]) -> bool:
        value = self._value(row)
        if self._tells_kinds and value.isdecimal():
            number = int(value)
            of_signal = number >= SIGNAL_S_BITS and number & SIGNAL_S_BASE in SIGNAL_S_SENT
            return of_signal or bool(self._contact and self._is_vague and value in ANDROID_S_SENT)
        return value.replace("_", " ") in SENT or (value in YES and not self._tells_kinds)

    def was_received(self, row: Mapping[str, Any]) -> bool:
        """Whether a row says that somebody else wrote it."""
        return self._value(row) in RECEIVED

    def is_mine(self, row: Mapping[str, Any], sender: str) -> bool:
        """Whether the table's owner wrote a row under whose sender this stands."""
        return self._was_sent(row) and (not sender or self._is_vague or self._names_other_side)

    def is_note(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is a note of the program's."""
        return self._tells_kinds and self._value(row).startswith(SYSTEM)


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return str(value).strip() if isinstance(value, str | int | float) else ""
