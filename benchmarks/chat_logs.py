"""Chat logs whose pairing is known, and how much of it `offbook extract` finds; and how fast it reads.

    python benchmarks/chat_logs.py                 # precision and recall, per app and language
    python benchmarks/chat_logs.py --megabytes 100 # seconds and peak memory for a log of that size

A log is made as people chat: bursts, answers after a while, silences, overlapping questions that are answered by
name, pictures and calls that are answered, stickers, deleted messages, notes of the app, private chats and groups.
The maker writes down which turn each of the character's replies answers, and whether it answers anything at all.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from offbook.data import extract

OFFBOOK = Path(sys.executable).with_name("offbook")
ME = "Tom"
OTHERS = ("Mara", "Ben", "Zoë", "阿澈")
WORDS = {
    "en": "the lamp is lit again and nobody knows why so bring oil tonight please tomorrow rain boat harbour yes no",
    "de": "die Lampe brennt wieder und keiner weiß warum also bring Öl heute bitte morgen Regen Boot Hafen ja nein",
    "zh": "灯 又 亮 了 没人 知道 为什么 今晚 带 些 油 来 明天 下雨 船 在 港口 好 不",
    "ar": "المصباح مضاء مرة أخرى ولا أحد يعرف لماذا أحضر الزيت الليلة غدا مطر قارب ميناء نعم لا",
    "ja": "灯り が また ついた 誰 も 知らない なぜ 今夜 油 を 持って きて 明日 雨 船 港 はい いいえ",
}
MINUTE = timedelta(minutes=1)


@dataclass
class Sent:
    """A message as it is sent."""

    sender: str
    text: str
    at: datetime
    kind: str = "text"
    number: int = 0
    reply_to: int = 0


@dataclass
class Log:
    """A chat, and what is true of it."""

    language: str
    people: tuple[str, ...]
    messages: list[Sent] = field(default_factory=list)
    pairs: set[tuple[str, str]] = field(default_factory=set)
    """(the turn that is answered, the reply)"""


class Maker:
    """Makes a log, event by event."""

    def __init__(self, language: str, group: bool, names_replies: bool, seed: int) -> None:
        self.random = random.Random(f"{language} {group} {names_replies} {seed}")
        self.names_replies = names_replies
        self.log = Log(language, OTHERS[:3] if group else OTHERS[:1])
        self.now = datetime(2021, 5, 12, 8)
        self.last = ""
        """The turn that a reply of the character's would answer now; "" where it would answer nothing."""
        self.count = 0

    def make(self, events: int) -> Log:
        """A log of so many events."""
        choices = [
            (self.exchange, 60), (self.silence, 8), (self.speaks_again, 5), (self.answered_picture, 6),
            (self.shown_picture, 4), (self.passed_over, 8), (self.call, 3), (self.overlap, 6 * self.names_replies),
        ]  # fmt: skip
        for event in self.random.choices([event for event, _ in choices], [weight for _, weight in choices], k=events):
            event()
        return self.log

    def exchange(self) -> None:
        """Somebody writes, and the character answers, each in a burst."""
        self._wait(0.3, 40)
        self.last = self._turn(self.random.choice(self.log.people))
        self._wait(0.3, 60)
        self._reply()

    def silence(self) -> None:
        """A long pause; then the character or somebody else begins anew."""
        self._wait(200, 3000)
        self.last = ""
        if self.random.random() < 0.4:
            self._turn(ME)

    def speaks_again(self) -> None:
        """The character writes, after a while, whether or not somebody has written in between."""
        self._wait(4, 60)
        self._reply()

    def answered_picture(self) -> None:
        """A picture or a voice message that is answered: the answer answers nothing in the text."""
        self._wait(4, 30)
        sender, other = self.random.sample([ME, self.random.choice(self.log.people)], 2)
        self._send(sender, "", "media")
        self._wait(0.3, 5)
        text = self._turn(other)
        self.last = text if other != ME else ""

    def shown_picture(self) -> None:
        """A picture with words after it, which are answered."""
        self._wait(4, 30)
        sender = self.random.choice(self.log.people)
        self._send(sender, "", "media")
        self._wait(0.1, 0.9)
        self.last = self._turn(sender)
        self._wait(0.3, 10)
        self._reply()

    def passed_over(self) -> None:
        """A sticker, a deleted message or a note of the app's, which change nothing but that they end a burst."""
        self._wait(4, 20)
        kind = self.random.choice(["sticker", "deleted", "note"])
        self._send(self.random.choice([ME, *self.log.people]), "", kind)
        self._wait(4, 20)

    def call(self) -> None:
        """A call, after which another conversation begins."""
        self._wait(4, 30)
        self._send(self.random.choice([ME, *self.log.people]), "", "call")
        self.last = ""
        self._wait(4, 30)

    def overlap(self) -> None:
        """Two questions before the first is answered; each answer says which one it is to."""
        self._wait(4, 30)
        first, first_number = self._turn(self.random.choice(self.log.people)), self.count
        self._wait(4, 10)
        second, second_number = self._turn(self.random.choice(self.log.people)), self.count
        for question, number in self.random.sample([(first, first_number), (second, second_number)], 2):
            self._wait(0.3, 10)
            reply = self._turn(ME, reply_to=number)
            self.log.pairs.add((question, reply))
        self.last = ""

    def _reply(self) -> None:
        reply = self._turn(ME)
        if self.last:
            self.log.pairs.add((self.last, reply))
        self.last = ""

    def _turn(self, sender: str, reply_to: int = 0) -> str:
        """A burst; it keeps clear of the two minutes, since many logs tell whole minutes only."""
        texts = []
        for place in range(self.random.choice([1, 1, 1, 2, 2, 3, 4])):
            if place:
                self.now += timedelta(seconds=self.random.randint(1, 55))
            texts.append(self._text())
            self._send(sender, texts[-1], reply_to=reply_to if place == 0 else 0)
        return "\n".join(texts)

    def _text(self) -> str:
        words = self.random.choices(WORDS[self.log.language].split(), k=self.random.randint(1, 12))
        joint = "" if self.log.language in ("zh", "ja") else " "
        # The number makes each text one of its kind, so that a pair is only counted where it belongs.
        return joint.join(words) + f" {self.count + 1}"

    def _send(self, sender: str, text: str, kind: str = "text", reply_to: int = 0) -> None:
        self.count += 1
        self.log.messages.append(Sent(sender, text, self.now, kind, self.count, reply_to))

    def _wait(self, least: float, most: float) -> None:
        self.now += self.random.uniform(least, most) * MINUTE


def whatsapp(header: Callable[[datetime], str], **notes: str) -> Callable[[Log], Iterator[str]]:
    """A writer of WhatsApp's text in a language: how a line begins, and the app's words."""

    def write(log: Log) -> Iterator[str]:
        for message in log.messages:
            body = message.text or notes[message.kind]
            yield (
                f"{header(message.at)}{body}"
                if message.kind == "note"
                else f"{header(message.at)}{message.sender}: {body}"
            )

    return write


def arabic_digits(text: str) -> str:
    return text.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))


def telegram(log: Log) -> Iterator[str]:
    """Telegram's result.json."""
    yield '{"name": "x", "type": "private_group", "id": 1, "messages": ['
    for place, message in enumerate(log.messages):
        item: dict[str, object] = {
            "id": message.number, "type": "message", "date": f"{message.at:%Y-%m-%dT%H:%M:%S}",
            "from": message.sender, "from_id": f"user{message.sender}", "text": message.text,
        }  # fmt: skip
        if message.reply_to:
            item["reply_to_message_id"] = message.reply_to
        item |= {
            "media": {"photo": "x.jpg"}, "sticker": {"media_type": "sticker", "file": "x"},
            "call": {"type": "service", "action": "phone_call", "actor": message.sender},
            "note": {"type": "service", "action": "pin_message", "actor": message.sender},
            "deleted": {"type": "service", "action": "delete", "actor": message.sender}, "text": {},
        }[message.kind]  # fmt: skip
        yield json.dumps(item, ensure_ascii=False) + ("," if place + 1 < len(log.messages) else "")
    yield "]}"


def line(log: Log) -> Iterator[str]:
    """LINE's text, in Japanese."""
    notes = {
        "media": "[写真]",
        "sticker": "[スタンプ]",
        "deleted": "メッセージの送信を取り消しました",
        "call": "☎ 通話時間 1:02",
    }
    day = ""
    yield "[LINE] Maraとのトーク履歴"
    for message in log.messages:
        if day != (day := f"{message.at:%Y/%m/%d}({'月火水木金土日'[message.at.weekday()]})"):
            yield f"\n{day}"
        if message.kind == "note":
            yield f"{message.at:%H:%M}\t{message.sender}がグループに参加しました"
        else:
            yield f"{message.at:%H:%M}\t{message.sender}\t{message.text or notes[message.kind]}"


def memotrace(log: Log) -> Iterator[str]:
    """MemoTrace's table of a WeChat chat."""
    kinds = {"text": 1, "media": 3, "sticker": 47, "call": 50, "note": 10000, "deleted": 10002}
    yield "localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,NickName,Sender"
    for message in log.messages:
        is_mine = int(message.sender == ME)
        yield (
            f"{message.number},1,{kinds[message.kind]},0,{is_mine},0,2,{message.text},{message.at:%Y-%m-%d %H:%M:%S},,"
            f"{message.sender},{message.sender}"
        )


def us_header(at: datetime) -> str:
    """`5/12/21, 9:30 PM - `."""
    return f"{at.month}/{at.day}/{at:%y}, {at.hour % 12 or 12}:{at:%M}\u202f{at:%p} - "


def german_header(at: datetime) -> str:
    """`[12.05.21, 21:30:15] `."""
    return f"{at:[%d.%m.%y, %H:%M:%S]} "


def arabic_header(at: datetime) -> str:
    """`١٢‏/٥‏/٢٠٢١, ٩:٣٠ م - `."""
    half = "م" if at.hour >= 12 else "ص"
    return arabic_digits(f"{at.day}\u200f/{at.month}\u200f/{at.year}, {at.hour % 12 or 12}:{at:%M} {half} - ")


def chinese_header(at: datetime) -> str:
    """`2021/5/12 下午9:30 - `."""
    half = "下午" if at.hour >= 12 else "上午"
    return f"{at.year}/{at.month}/{at.day} {half}{at.hour % 12 or 12}:{at:%M} - "


WRITERS: dict[str, tuple[str, Callable[[Log], Iterator[str]]]] = {
    "WhatsApp, English": (
        "en",
        whatsapp(
            us_header,
            media="<Media omitted>",
            sticker="STK-20210512-WA0001.webp (file attached)",
            deleted="This message was deleted",
            call="Missed voice call",
            note="Messages are end-to-end encrypted",
        ),
    ),
    "WhatsApp, German": (
        "de",
        whatsapp(
            german_header,
            media="\u200eBild weggelassen",
            sticker="\u200eSticker weggelassen",
            deleted="Diese Nachricht wurde gelöscht.",
            call="\u200eVerpasster Sprachanruf",
            note="Crew: \u200eMara hat Ben hinzugefügt",
        ),
    ),
    "WhatsApp, Arabic": (
        "ar",
        whatsapp(
            arabic_header,
            media="<تم استبعاد الوسائط>",
            sticker="تم استبعاد الملصق",
            deleted="تم حذف هذه الرسالة",
            call="مكالمة صوتية فائتة",
            note="غيّر رمز الأمان",
        ),
    ),
    "WhatsApp, Chinese": (
        "zh",
        whatsapp(
            chinese_header,
            media="<省略影音内容>",
            sticker="贴图已忽略",
            deleted="此消息已删除",
            call="未接语音通话",
            note="消息已加密",
        ),
    ),
    "Telegram, English": ("en", telegram),
    "LINE, Japanese": ("ja", line),
    "WeChat through MemoTrace": ("zh", memotrace),
}
"""App and language → the language of the texts, and how the log is written."""


def extracted_pairs(path: Path) -> set[tuple[str, str]]:
    """(the turn that is answered, the reply) of every row; the prompt's turns are joined by line breaks."""
    rows = extract.extract([path], ME).rows
    return {(row["messages"][0]["content"], row["messages"][1]["content"]) for row in rows}


def measure(name: str, group: bool, events: int, seed: int = 0) -> dict[str, float]:
    """Precision and recall of an app's log: a pair is right if the reply is whole and its prompt ends with the turn."""
    language, write = WRITERS[name]
    log = Maker(language, group, names_replies=write is telegram, seed=seed).make(events)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_text("\n".join(write(log)), encoding="utf-8")
        made = extracted_pairs(path)
    answers = {reply: prompt for prompt, reply in log.pairs}
    right = sum(reply in answers and _ends_with(prompt, answers[reply]) for prompt, reply in made)
    return {"pairs": len(log.pairs), "precision": right / len(made), "recall": right / len(log.pairs)}


def _ends_with(prompt: str, turn: str) -> bool:
    """Whether the last turn of a prompt is the one; in a group each turn begins with its sender's name."""
    for other in OTHERS:
        for mark in (": ", "："):
            if prompt.endswith(f"{other}{mark}{turn}"):
                return True
    return prompt == turn or prompt.endswith(f"\n{turn}")


def measure_speed(megabytes: int) -> dict[str, dict[str, float]]:
    """Processor seconds in which the command reads logs of that size, and its peak of memory."""
    figures = {}
    for name in ("WhatsApp, English", "Telegram, English"):
        language, write = WRITERS[name]
        with tempfile.TemporaryDirectory() as folder:
            path, seed = Path(folder) / "log", 0
            log = Maker(language, True, write is telegram, seed).make(20_000)
            texts = list(write(log))
            size = sum(len(text.encode()) + 1 for text in texts)
            body = texts[1:-1] if write is telegram else texts
            with path.open("w", encoding="utf-8") as file:
                for _ in range(max(1, megabytes * 1_000_000 // size)):
                    file.write("".join(f"{text}\n" for text in (texts[:1] if write is telegram else []) + body))
                    if write is telegram:
                        file.write("]}\n")
            rows = Path(folder) / "rows.jsonl"
            command: list[str | Path] = [OFFBOOK, "extract", path, "--me", ME, "--out", rows]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
                _, status, usage = os.wait4(process.pid, 0)
            if status:
                raise SystemExit(f"offbook extract ended with {os.waitstatus_to_exitcode(status)}")
            with rows.open(encoding="utf-8") as lines:
                count = sum(1 for _ in lines)
            figures[name] = {
                "megabytes": path.stat().st_size / 1e6,
                "seconds": usage.ru_utime + usage.ru_stime,
                "rows": count,
                "peak_mib": usage.ru_maxrss / 1024,
            }
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--megabytes", type=int, help="measure the speed on logs of this size instead")
    parser.add_argument("--events", type=int, default=3000, help="how long the logs are")
    arguments = parser.parse_args()
    if arguments.megabytes:
        for name, figures in measure_speed(arguments.megabytes).items():
            print(name, json.dumps({key: round(value, 1) for key, value in figures.items()}))
        return
    for name in WRITERS:
        for group in (False, True):
            figures = measure(name, group, arguments.events)
            kind = "group" if group else "private"
            print(f"{name}, {kind}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
