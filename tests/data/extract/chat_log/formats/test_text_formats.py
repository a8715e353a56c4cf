# ruff: noqa: E501 (what apps export has long lines)
"""iMessage, Signal, ChatML and tables."""

import json
from pathlib import Path

import pytest

from offbook.data.extract.chat_log.formats import CHAT_FORMATS, signal, table, whatsapp
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.cue import ParseError
from offbook.data.extract.formats import choose
from tests.data.extract.chat_log.chats import contents, parsed, times
from tests.data.extract.reading import numbered

IMESSAGE = """May 12, 2021  9:30:42 PM (Read by you after 5 seconds)
Mara
Is it lit?
Tell me.
Tapbacks:
Loved by Me

May 12, 2021  9:31:42 PM
Me
Since four.
This message responded to an earlier message.

May 12, 2021  9:32:42 PM
Mara
/Users/me/Library/Messages/Attachments/a b/IMG_1.jpeg

    May 12, 2021  9:33:42 PM
    Me
    indented reply

May 12, 2021  9:34:42 PM Mara named the conversation Lamp

"""
SIGNAL = """[2021-05-12, 21:30] Mara: Is it lit?
Tell me.
(- Tom: ❤ -)
[2021-05-12, 21:31] Me:
> Is it lit?
Since four.
[2021-05-12, 21:32] Mara: ![IMG](media/IMG_1.jpeg)
"""
SIGTOP = """From: Mara (+491234)
Type: incoming
Sent: Wed, 12 May 2021 21:30:42 +0200
Received: Wed, 12 May 2021 21:30:43 +0200

Is it lit?
Tell me.

From: You
Type: outgoing
Sent: Wed, 12 May 2021 21:31:42 +0200

Since four.

From: Mara (+491234)
Type: incoming
Sent: Wed, 12 May 2021 21:32:42 +0200
Attachment: a.jpeg (image/jpeg, 1234 bytes)
"""
CHATML = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nLit?<|im_end|>\n<|im_start|>assistant\nSince\nfour.<|im_end|>"


@pytest.mark.parametrize(
    ("name", "log", "me"), [("imessage", IMESSAGE, "Me"), ("signal", SIGNAL, "Me"), ("signal", SIGTOP, "You")]
)
def test_the_same_chat_in_each_format(name: str, log: str, me: str) -> None:
    chat = CHAT_FORMATS[name]
    assert parsed(chat.read, log) == [("Mara", "Is it lit?\nTell me."), (me, "Since four.")]
    assert contents(chat.read, log)[2] is Content.MEDIA
    assert times(chat.read, log)[0] == "2021-05-12 21:30"
    assert chat.looks_like(log.split("\n")) == 1


def test_notes_of_imessage_are_told_from_messages() -> None:
    assert contents(CHAT_FORMATS["imessage"].read, IMESSAGE)[-1] is Content.NOTE


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("### Human: Lit?\n### Assistant: Since noon.\nTo be sure.", ("Human", "Assistant")),
        ("### 用户：\nLit?\n\n### 助手：\nSince noon.\nTo be sure.", ("用户", "助手")),
        ("You said:\nLit?\nChatGPT said:\nSince noon.\nTo be sure.", ("You", "ChatGPT")),
    ],
)
def test_a_conversation_with_a_model_as_it_is_copied(text: str, names: tuple[str, str]) -> None:
    chat = CHAT_FORMATS["chatml"]
    assert parsed(chat.read, text) == [(names[0], "Lit?"), (names[1], "Since noon.\nTo be sure.")]
    assert chat.looks_like(text.split("\n")) == 1


def test_chatml_loses_its_marks() -> None:
    chat = CHAT_FORMATS["chatml"]
    assert parsed(chat.read, CHATML) == [("user", "Lit?"), ("assistant", "Since\nfour.")]
    assert chat.looks_like(CHATML.split("\n")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "time,sender,text\n2021-05-12 21:30,Mara,Lit?",
        "发送时间\t发送者\t内容\n2021-05-12 21:30:00\tMara\tLit?",
        '{"timestamp": "2021-05-12T21:30:00", "author": "Mara", "content": "Lit?"}',
        '[{"timestamp": 1620855000, "author": "Mara", "content": "Lit?"}]',
    ],
)
def test_a_table_with_the_usual_names_of_columns(text: str) -> None:
    assert parsed(table.read, text) == [("Mara", "Lit?")]
    assert times(table.read, text) == ["2021-05-12 21:30"]


@pytest.mark.parametrize(
    ("name", "kept", "gone"),
    [
        ("deleted", "false", "true"),
        ("is_deleted", "0", "1"),
        ("Deleted At", "", "2021-05-12 21:33"),
        ("是否撤回", "否", "是"),
        ("gelöscht", "nein", "ja"),
    ],
)
def test_what_a_table_marks_as_deleted_is_no_message(name: str, kept: str, gone: str) -> None:
    text = f"time,sender,text,{name}\n2021-05-12 21:30,Mara,Lit?,{kept}\n2021-05-12 21:31,Ivo,Oops,{gone}\n"
    read = list(table.read(numbered(text)))
    assert [(each.text, each.content) for each in read] == [("Lit?", Content.TEXT), ("Oops", Content.DELETED)]


def test_a_table_of_roles_and_lines_needs_no_times() -> None:
    text = "角色,台词\n阿澈,灯亮了吗\n老汤,亮了"
    assert parsed(table.read, text) == [("阿澈", "灯亮了吗"), ("老汤", "亮了")]
    assert table.looks_like(text.split("\n")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Mara,Lit?\nOdd,Since noon.\nMara,Good and dry.\nOdd,Sleep.",
        "2021-05-13 21:30;Mara;Lit?\n2021-05-13 21:31;Odd;Since noon.\n2021-05-13 21:32;Mara;Good and dry.\n"
        "2021-05-13 21:33;Odd;Sleep.",
        "The Lighthouse;;\n;;\nCharacter;Sentence;Note\nMara;Lit?;\nOdd;Since noon.;\nMara;Good and dry.;\nOdd;Sleep.;",
        '"character" "dialogue"\n"1" "Mara" "Lit?"\n"2" "Odd" "Since noon."\n"3" "Mara" "Good and dry."\n"4" "Odd" "Sleep."',
        "| Speaker | Line |\n|---|:--|\n| Mara | Lit? |\n| Odd | Since noon. |\n| Mara | Good and dry. |\n| Odd | Sleep. |",
        ",char,dialog,movie\n1,Mara,Lit?,A\n1,Odd,Since noon.,A\n1,Mara,Good and dry.,A\n1,Odd,Sleep.,A",
    ],
    ids=["no names", "no names, times", "a title above", "R", "Markdown", "an unnamed column of numbers"],
)
def test_a_table_in_another_form(text: str) -> None:
    talk = [("Mara", "Lit?"), ("Odd", "Since noon."), ("Mara", "Good and dry."), ("Odd", "Sleep.")]
    assert parsed(table.read, text) == talk
    assert table.looks_like(text.split("\n")) >= 0.5


def test_messages_sent_are_ones_own_where_a_table_names_the_other_side_alone() -> None:
    text = "Date,Time,Type,Name,Message\n2021-05-13,21:30,Received,Mara,Lit?\n2021-05-13,21:31,Sent,Mara,Since noon."
    assert parsed(table.read, text) == [("Mara", "Lit?"), ("Me", "Since noon.")]
    assert times(table.read, text) == ["2021-05-13 21:30", "2021-05-13 21:31"]
    text = "date,is_from_me,contact,text\n2021-05-13 21:30,0,Mara,Lit?\n2021-05-13 21:31,1,Mara,Since noon."
    assert parsed(table.read, text) == [("Mara", "Lit?"), ("Me", "Since noon.")]
    text = "sender,type,text\nMara,1,Lit?\nOdd,1,Since noon."  # a number of the kind of message
    assert parsed(table.read, text) == [("Mara", "Lit?"), ("Odd", "Since noon.")]


def test_rows_of_words_are_no_table_of_messages() -> None:
    assert table.looks_like(["apple,a round fruit", "pear,a long fruit", "plum,a blue fruit", "fig,a soft fruit"]) == 0


def test_a_table_without_such_columns_is_an_error_that_names_them() -> None:
    with pytest.raises(ParseError, match="no column 'sender' among a, b"):
        list(table.read(numbered("a,b\n1,2")))
    with pytest.raises(ParseError, match="no column 'who'"):
        list(table.read(numbered("a,b\n1,2"), {"sender": "who", "text": "b"}))


@pytest.mark.parametrize("text", ["instruction,output\na,b", "question,answer\na,b", "prompt,completion\na,b"])
def test_rows_to_train_on_are_no_table_of_messages(text: str) -> None:
    assert table.looks_like(text.split("\n")) == 0


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "names",
    [
        "Sent At,Sender Name,Message Text", "ts,nick,msg", "Datum,Absender,Nachricht", "Date,Expéditeur,Message",
        "日時,送信者,メッセージ", "时间,发言者,发言内容", "날짜,작성자,메시지",
    ],
)  # fmt: skip
def test_a_table_in_any_usual_spelling(names: str, delimiter: str) -> None:
    text = f"{names}\n2021-05-12 21:30,Mara,Lit?\n2021-05-12 21:31,Tom,<Media omitted>".replace(",", delimiter)
    assert parsed(table.read, text) == [("Mara", "Lit?")]
    assert times(table.read, text) == ["2021-05-12 21:30", "2021-05-12 21:31"]
    assert table.looks_like(text.split("\n")) == 1


def test_a_name_is_taken_rather_than_a_number() -> None:
    item = {"time": "2021-05-12T21:30:11", "sender": "wxid_7", "senderName": "Mara", "content": "Lit?"}
    assert parsed(table.read, json.dumps([item])) == [("Mara", "Lit?")]


def test_json_of_messages_is_told_from_json_of_rows() -> None:
    item = {"timestamp": 1620855000, "from": {"name": "Mara"}, "message": "Lit?"}
    text = json.dumps([item, item], indent=1)
    assert table.looks_like(text.split("\n")) > 0
    assert parsed(table.read, text)[0] == ("Mara", "Lit?")
    row = {"messages": [{"role": "user", "content": "Lit?"}], "date": "2021-05-12", "name": "x"}
    assert table.looks_like(json.dumps(row).split("\n")) == 0


def test_whatsapp_s_brackets_with_such_a_date_are_not_signal_s() -> None:
    log = ["[2021-05-12 21:30:00] Mara: Lit?", "[2021-05-12 21:31:00] Tom: Yes"]
    assert signal.looks_like(log) < whatsapp.looks_like(log)
    mine = [log[0], log[1].replace("Tom", "Me")]
    assert signal.looks_like(mine) > whatsapp.looks_like(mine)


def test_of_an_edited_message_imessage_exporter_tells_both_texts_and_the_last_counts() -> None:
    text = (
        "May 12, 2021  9:30:00 PM\nMara\nIs it lit?\n\nMay 12, 2021  9:31:00 PM\nMe\nSince for.\n"
        "Edited 12 seconds later: Since four.\n\nMay 12, 2021  9:32:00 PM\nMara\nGood\n"
    )
    assert parsed(CHAT_FORMATS["imessage"].read, text) == [
        ("Mara", "Is it lit?"),
        ("Me", "Since four."),
        ("Mara", "Good"),
    ]


@pytest.mark.parametrize(
    ("form", "between"),
    [
        ("## {name}\n\n{text}", "\n\n"),
        ("#### {name}:\n{text}", "\n\n"),
        ("**{name}:**\n\n{text}", "\n\n* * *\n\n"),
        ("# 🤖 {name}\n{text}", "\n\n"),
        ("## {name}:\n5/1/2024, 9:30:11 PM\n\n{text}", "\n\n---\n\n"),
    ],
)
def test_talks_with_a_model_that_are_kept_in_markdown(tmp_path: Path, form: str, between: str) -> None:
    talk = [("You", "Is it lit?"), ("Mara", "Since four.\n\n### Oil\n- two cans"), ("You", "Good"), ("Mara", "Yes")]
    text = "# A talk\n\n**Exported:** 2024-05-01\n\n" + between.join(form.format(name=n, text=t) for n, t in talk)
    path = tmp_path / "talk.md"
    path.write_text(text, encoding="utf-8")
    assert choose(path, "auto") == "chatml"
    assert parsed(CHAT_FORMATS["chatml"].read, text) == talk


@pytest.mark.parametrize(("user", "model", "colon"), [("User", "AI", ":"), ("你", "豆包", "：")])
def test_paragraphs_of_a_models_reply_are_a_part_of_it(tmp_path: Path, user: str, model: str, colon: str) -> None:
    talk = [(user, "Is it lit?"), (model, "Since four.\n\nNote: two cans."), (user, "Good"), (model, "Yes.\nGo.")]
    path = tmp_path / "talk.txt"
    path.write_text("\n\n".join(f"{name}{colon} {text}" for name, text in talk), encoding="utf-8")
    assert choose(path, "auto") == "chatml"
    assert parsed(CHAT_FORMATS["chatml"].read, path.read_text(encoding="utf-8")) == talk
    path.write_text(f"{path.read_text(encoding='utf-8')}\n\nTom{colon} I come.\n\nTom{colon} Now.", encoding="utf-8")
    assert choose(path, "auto") != "chatml"


def test_headings_among_several_people_are_no_talk_with_a_model() -> None:
    names = ["You", "Ann", "You", "Tom", "Ann", "You", "Ann", "You", "Tom"]
    assert CHAT_FORMATS["chatml"].looks_like([line for name in names for line in (f"**{name}**", "Hi")]) == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("imessage", "May 12, 2021  9:30:00 PM\nMara\nSince four.\n\nMay 12, 2021  9:31:00 PM\nMe\n{}\n"),
        (
            "sms",
            '<smses>\n<sms address="+4791" date="1620855000000" type="1" body="Since four." contact_name="Mara" />\n'
            '<sms address="+4791" date="1620855060000" type="2" body="{}" contact_name="Mara" />\n</smses>',
        ),
        (
            "google_voice",
            '<div class="hChatLog"><div class="message"><cite><span class="fn">Mara</span></cite>: <q>Since four.</q>'
            '</div>\n<div class="message"><cite><span class="fn">Me</span></cite>: <q>{}</q></div></div>',
        ),
        ("table", "sender,text\nMara,Since four.\nMe,{}\n"),
    ],
)
def test_a_reaction_that_was_sent_as_a_text_message_is_not_speech(name: str, text: str) -> None:
    read = CHAT_FORMATS[name].read
    reaction = text.format("Laughed at “Since four.”")
    assert contents(read, reaction) == [Content.TEXT, Content.STICKER]
    assert contents(read, text.format("I laughed at “Since four.”")) == [Content.TEXT, Content.TEXT]


@pytest.mark.parametrize(
    ("app", "form"),
    [
        ("signal", "[2021-05-12, 21:3{m}] {n}: {t}"),
        ("skype", "[12/05/2021 21:3{m}:42] {n}: {t}"),
        ("viber", "[ 12/05/2021 21:3{m}:42 ] {n}: {t}"),
        ("kakaotalk", "[{n}] [오후 9:3{m}] {t}"),
        ("game_server", "[10:17:3{m}] [Server thread/INFO]: <{n}> {t}"),
    ],
)
def test_a_message_of_somebody_with_a_very_long_name_is_no_part_of_the_one_above(app: str, form: str) -> None:
    name = "🌸🌙 Mara of the lighthouse 🦊✨ who minds all the lamps 🌊🕯️ and never answers before noon 🐚🌿"
    talk = [("Odd", "Is it lit?"), (name, "Since four."), ("Odd", "Who rows?")]
    text = "\n".join(form.format(m=at, n=sender, t=line) for at, (sender, line) in enumerate(talk))
    assert parsed(CHAT_FORMATS[app].read, text) == talk
