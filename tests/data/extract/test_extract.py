"""From files to rows: formats told apart, encodings, names, the account that is given; and no input that breaks it."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbook.core.errors import UsageError
from offbook.data import extract
from offbook.data.extract.formats import EXTRACTORS, choose
from offbook.data.extract.source import TextFile
from tests.assets import hamlet_path
from tests.data.extract.reading import FIXTURES

SCRIPT = "第一场\n甲：你好。\n乙：你也好。\n甲：走吗？\n乙：走。\n"


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("screenplay.txt", "screenplay"),
        ("novel_zh.txt", "novel"),
        ("novel_old.txt", "novel"),
        ("novel_en.txt", "novel"),
        ("whatsapp_iphone.txt", "whatsapp"),
        ("whatsapp_android.txt", "whatsapp"),
        ("qq.txt", "qq"),
        ("wechat.txt", "wechat"),
        ("telegram.json", "telegram"),
        ("discord.json", "discord"),
        ("named.srt", "subtitles"),
        ("named.ass", "subtitles"),
    ],
)
def test_the_format_is_told_from_the_text_alone(name: str, format: str, tmp_path: Path) -> None:
    bare = tmp_path / "text"
    bare.write_bytes((FIXTURES / name).read_bytes())
    assert choose(bare, "auto") == format


ASS = """[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.00,0:00:01.50,Default,Ann,0,0,0,,Is it lit?
Dialogue: 0,0:00:02.00,0:00:03.50,Default,Ben,0,0,0,,Since noon.
Dialogue: 0,0:00:04.00,0:00:05.50,Default,Ann,0,0,0,,{\\p1}m 0 0 l 9 0{\\p0}
"""
IMESSAGE = "".join(
    f"May 12, 2021  9:{minute}:42 PM\n{name}\n{text}\n\n"
    for minute, name, text in [
        (30, "Ann", "Is it lit?"),
        (31, "Me", "Since noon."),
        (32, "Ann", "Good."),
        (33, "Me", "Yes."),
    ]
)


@pytest.mark.parametrize(("text", "format"), [(ASS, "subtitles"), (IMESSAGE, "imessage")])
def test_a_format_of_its_own_goes_before_tables_and_copies(text: str, format: str, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text(text, encoding="utf-8")
    assert choose(path, "auto") == format


def test_a_play_is_told_from_a_screenplay() -> None:
    assert choose(hamlet_path(), "auto") == "play"


def test_hamlet_has_a_row_for_each_of_his_cues() -> None:
    extraction = extract.extract([hamlet_path()], "Hamlet")
    assert extraction.summary.taken == len(extraction.rows) == 359
    assert extraction.rows[0]["messages"] == [
        {
            "role": "user",
            "content": "Take thy fair hour, Laertes; time be thine,\nAnd thy best graces spend it at thy will!\n"
            "But now, my cousin Hamlet, and my son,--",
        },
        {"role": "assistant", "content": "A little more than kin, and less than kind."},
    ]
    assert extraction.rows[0]["source"]["scene"] == "ACT I, SCENE II. A room of state in the castle."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_text_of_any_usual_encoding_gives_the_same_rows(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(SCRIPT.replace("\n", "\r\n").encode(encoding))
    rows = extract.extract([path], "乙").rows
    assert [row["messages"][-1]["content"] for row in rows] == ["你也好。", "走。"]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        extract.save(extract.extract([FIXTURES / "screenplay.txt"], "沈如霜").rows, tmp_path / name)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert len((tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()) == 11


def test_the_summary_counts_what_was_left_and_shows_examples() -> None:
    summary = extract.extract([FIXTURES / "screenplay.txt"], "沈如霜").summary
    assert summary.left["stage direction"] == 6
    assert summary.examples["cast list"] == [
        f"{FIXTURES / 'screenplay.txt'}:{line}: {text}"
        for line, text in (
            (8, "人物："),
            (9, "沈如霜——十七岁，新入宫的答应，小名霜儿"),
            (10, "皇上：三十二岁，多疑而深情"),
        )
    ]
    assert summary.formats == {str(FIXTURES / "screenplay.txt"): "screenplay"}


def test_likely_aliases_are_named_and_taken_only_on_demand(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        "宝玉：你好。\n黛玉：好。\n\n第二场\n贾宝玉：又见面了。\n黛玉：嗯。\n贾宝玉：坐。\n宝玉母：坐。\n" * 2,
        encoding="utf-8",
    )
    summary = extract.extract([path], "宝玉").summary
    assert (summary.taken, summary.names, summary.likely_aliases) == (1, ("宝玉",), ("贾宝玉",))
    both = extract.extract([path], "宝玉", aliases=[("贾宝玉", "宝玉")]).summary
    assert both.names == ("宝玉", "贾宝玉")
    assert both.taken == 5


def test_rows_of_several_files_keep_their_file_and_start_anew(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.txt", "b.txt")]
    for path in paths:
        path.write_text(SCRIPT, encoding="utf-8")
    rows = extract.extract(paths, "甲").rows
    assert [Path(row["source"]["file"]).name for row in rows] == ["a.txt", "a.txt", "b.txt", "b.txt"]
    assert rows[2]["messages"][0]["content"] == "（第一场）"


def test_a_wrong_name_is_an_error_that_offers_the_right_one() -> None:
    with pytest.raises(UsageError, match="did you mean '沈如霜'"):
        extract.extract([FIXTURES / "screenplay.txt"], "沈如双")


def test_a_wrong_format_is_an_error_that_offers_the_right_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'novel'"):
        extract.speakers([FIXTURES / "screenplay.txt"], format="nowel")


@pytest.mark.parametrize("text", ["", "\n\n", "Nothing is said here.\nNothing at all.\n", '{"a": 1}\n', '[{"a": 1}]'])
def test_text_in_which_nobody_speaks_is_an_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"nobody|is empty"):
        extract.speakers([path])


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("fr.po", '#. Mara\nmsgctxt "a"\nmsgid "Is it lit?"\nmsgstr "Est-il allumé ?"\n', "catalogue of translations"),
        (
            "fr.xlf",
            '<?xml version="1.0"?>\n<xliff version="1.2"><file><body/></file></xliff>\n',
            "catalogue of translations",
        ),
        ("a.mbox", "From m@x Thu\nFrom: Mara <m@x>\nTo: Odd\nSubject: lamp\n\nLit?\n", "mailbox"),
        (
            "MyActivity.html",
            '<html><body><div class="outer-cell mdl-cell"><div class="header-cell">Gemini Apps</div>'
            '<div class="content-cell mdl-cell">Prompted Lit?<br>May 12, 2025<br><p>Yes.</p></div></div></body></html>',
            "Google's list of what you did",
        ),
        (
            "a.txt",
            "----\n2021-05-12 21:30:15 from Mara (+4712) - iMessage\n----\n\nLit?\n\n----\n"
            "2021-05-12 21:31:15 to Mara (+4712) - iMessage\n----\n\nSince four.\n",
            "iMazing's text",
        ),
        ("a.json", '{"font_size": 0.4, "body": [{"from": 0.5, "to": 2, "content": "Lit?"}]}', "subtitles as JSON"),
        (
            "b.json",
            '{"wireMagic": "pb3", "events": [{"tStartMs": 1, "segs": [{"utf8": "Lit?"}]}]}',
            "subtitles as JSON",
        ),
    ],
)
def test_a_chat_that_is_not_read_is_named(name: str, text: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=f"{kind}.*which extract does not read"):
        extract.speakers([path])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "mara: lit\nodd: dry\nmara: cold\nodd: dry\nmara: wet\n"),
        (
            "a.txt",
            "boats:\n  - name: Odd\n    state: dry\n  - name: Ine\n    state: wet\n  - name: Ada\n\n",
        ),
    ],
)
def test_a_program_s_settings_are_no_script(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="program's file"):
        extract.listing([path])
    assert extract.listing([path], format="screenplay").speakers


ARABIC = "دخل عمر الغرفة، ثم جلس قرب الباب.\n\n" + "\n\n".join(
    f"{verb} {name}:\n\n- {words}"
    for verb, name, words in [
        ("قالت", "ليلى", "هل سألت الجيران؟"),
        ("قال", "عمر", "نعم، سألتهم."),
        ("قالت", "ليلى", "وماذا قالوا؟"),
        ("قال", "عمر", "لا شيء."),
    ]
)


@pytest.mark.parametrize(
    "text",
    [
        ARABIC,
        "“Δεν είναι εδώ”, είπε ο Νίκος.\n\n“Πού πήγε;” ρώτησε η Μαρία.\n\n“Στον σταθμό”, είπε ο Νίκος.\n",
        "מרים אמרה: בוא.\n\nאורי אמר: לאן?\n\nמרים אמרה: הביתה.\n\nאורי אמר: טוב.\n",
    ],
)
def test_a_novel_in_a_language_that_is_not_read_is_refused_and_a_script_is_read(text: str, tmp_path: Path) -> None:
    path = tmp_path / "novel.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="novel in a language"):
        extract.listing([path])
    path.write_text(
        "ليلى: هل سألت الجيران؟\nعمر: نعم، قال لا شيء.\nليلى: وماذا بعد؟\nعمر: لا أعرف.\n", encoding="utf-8"
    )
    assert {each.name for each in extract.listing([path]).speakers} == {"ليلى", "عمر"}


def test_json_that_is_no_chat_export_is_not_taken_for_a_script(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"name": "x", "type": "y", "text": "z"}, indent=1), encoding="utf-8")
    with pytest.raises(UsageError, match="nobody can be seen to speak"):
        extract.speakers([path])


def test_a_damaged_export_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(
        '{"messages": [\n{"from_id": 1, "from": "A", "text": "b", "type": "message"},\n{]}', encoding="utf-8"
    )
    with pytest.raises(UsageError, match=r"result\.json:3: "):
        extract.speakers([path])


PIECES = st.sampled_from(
    [
        *"甲乙：:（）()[]【】“”「」\"'‘’*_#-—|<>{}.,。！？…\\/\n\n\n\r\t \u3000\u200e\ufeff0123AZaz道说",
        "第一幕\n", "ACT I\n", "人物：\n", "甲：", "HAMLET.\n", "**A**\n", "INT. X\n", "宝玉笑道：“", "” said Tom.",
        "-->", "00:00:01,000 --> 00:00:02,000\n", "Dialogue: 0,0:00:01.00,", "Format: ", "[12/05/2021, 21:33:20] A: ",
        "2023-08-08 21:14:05 甲\n", '{"messages": [', '{"from_id": 1, "text": ["x"]}', "\n---\n", "（\n", "/*", "[[",
        "http://a:1", "12:30", "[LINE] A\n", "2021/05/12(水)\n", "21:30\tA\t[写真]\n", "[5/12/2021 9:30 PM] A\n",
        "May 12, 2021  9:30:42 PM\nA\n", "[2021-05-12, 21:30] A: ",
        "From: A\nSent: Wed, 12 May 2021 21:30:42 +0200\n\n",
        "--- 2021년 5월 12일 수요일 ---\n[A] [오후 9:30] ", "2021년 5월 12일 오후 9:30, A : ", "<|im_start|>user\n",
        '{"mes": "a", "is_user": 1, "name": "A"}\n', '{"_type": "message", "content": 1, "timestamp": 1e999}\n',
        '{"chatlab": {}, "messages": [{"type": [], "timestamp": "x"}]}', '"sender_name": "A", "timestamp_ms": -1e30, ',
        '{"turns": [{"candidates": [1], "author": 2}]}', "time,sender,text\n", '2021,A,"', "\uff10", "²",
        '<div class="message default" id="message1"><div class="text">', '<div class="from_name">A</div>', "</div>",
        "localId,IsSender,CreateTime,StrContent,Type\n", "1,1,99999999999999999999,x,49\n", "\ud7ff", "9" * 40,
    ]
)  # fmt: skip


@pytest.mark.parametrize("format", EXTRACTORS)
@settings(max_examples=60)
@given(
    data=st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=60).map(lambda parts: "".join(parts).encode()))
)
def test_any_bytes_give_speakers_or_an_error_that_says_where(
    format: str, tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    try:
        result = extract.speakers([path], format=format)
    except UsageError as error:
        assert str(path) in error.what
        assert error.fix
        return
    rows = extract.extract([path], result[0].name, format=format, context=2, min_confidence=0).rows
    for row in rows:
        assert row["messages"][-1]["role"] == "assistant"
        assert row["messages"][-1]["content"].strip()
        assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"] * (len(row["messages"]) // 2)
        assert row["source"]["line"] >= 1
        json.dumps(row)


@settings(max_examples=60)
@given(data=st.lists(PIECES, max_size=60).map(lambda parts: "".join(parts).encode()))
def test_any_text_is_told_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    try:
        assert choose(path, "auto") in EXTRACTORS
    except UsageError as error:
        assert str(path) in error.what


def test_a_file_is_read_as_often_as_needed_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(SCRIPT, encoding="utf-8")
    file = TextFile(path)
    assert list(file) == list(file) == [(n, line) for n, line in enumerate(SCRIPT.splitlines(), 1)]


def test_two_chats_that_a_file_looks_like_as_much_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.txt"
    path.write_text("[12/05/2021, 21:30:00] Ann: Is it lit?\n[12/05/2021, 21:31:00] Tom: Yes\n")
    assert choose(path, "auto") == "whatsapp"
    also = replace(EXTRACTORS["line"], looks_like=EXTRACTORS["whatsapp"].looks_like)
    monkeypatch.setitem(EXTRACTORS, "line", also)
    with pytest.raises(UsageError, match="as much like line as like whatsapp") as caught:
        choose(path, "auto")
    assert "--format line or --format whatsapp" in caught.value.fix


def test_names_beside_times_are_a_chat_however_much_they_look_like_a_script(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    lines = [f"[12.5.2021 klo 21.30.{n}] {name}: Palaako?" for n, name in enumerate(["Aino", "Eero"] * 3, 10)]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert choose(path, "auto") == "whatsapp"


@pytest.mark.parametrize(
    ("before", "run", "after"),
    [
        ("", "\u202e", ""),
        ("", "#", ":"),
        ("> ", "(a)", " x"),
        ("\u201c", "\u3000", '"'),
        ("（", " ", "x）："),
        ("|", " ", "x"),
        ("1/1/1", " ", "x"),
        ("2021-05-12 21:30:00 Ann(1", " ", ":"),
    ],
)
def test_a_line_of_one_thing_over_and_over_takes_time_by_its_length(before: str, run: str, after: str) -> None:
    """A pattern with two runs side by side shares such a line out in every way that there is."""
    line = before + run * (20_000 // len(run)) + after
    began = time.process_time()
    for extractor in EXTRACTORS.values():
        extractor.looks_like(["MARA: Hello there.", "TOM: Who?", line, "MARA: So it is."])
    assert time.process_time() - began < 1


def test_a_folder_is_the_files_in_it(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    for number, line in enumerate(("Is the lamp lit?", "Who is there?"), 1):
        (scenes / f"{number}.txt").write_text(f"ANN: {line}\nBOB: Since four.\nANN: Go on.\n")
    (scenes / "map.png").write_bytes(b"\x89PNG")
    (scenes / ".DS_Store").write_bytes(b"\0\0")
    (scenes / "Thumbs.db").write_bytes(b"\0\0")
    files = [str(scenes / "1.txt"), str(scenes / "2.txt")]
    assert list(extract.listing([scenes]).formats) == files
    assert not extract.listing([scenes]).unread
    assert [row["source"]["file"] for row in extract.extract([scenes, scenes / "1.txt"], "Bob").rows] == files


def test_rows_never_overwrite_a_file_of_the_folder_that_is_read(tmp_path: Path) -> None:
    (tmp_path / "scene.txt").write_text("ANN: Lit?\nBOB: Since four.\n")
    with pytest.raises(UsageError, match="one of the files to read"):
        extract.check_place(tmp_path / "scene.txt", [tmp_path])
