"""Subtitles that name their speakers."""

from pathlib import Path
from typing import Any

from offbook.data.extract import listing, subtitles
from offbook.data.extract.source import open_source
from tests.data.extract.reading import cues, fixture, numbered, texts


def spoken(lines: Any) -> Any:
    return [(cue.line, cue.speaker, cue.text, cue.scene) for cue in cues(subtitles.read, lines)]


def test_srt_with_names_in_the_text() -> None:
    assert spoken(fixture("named.srt")) == [
        (2, "MARA", "Did you see the storm warning?", "0:00:01"),
        (7, "TOM", "Saw it.", "0:00:01"),
        (11, "MARA", "And?", "0:00:01"),
        (11, "TOM", "My knee hurts.", "0:00:01"),
        (20, "?", "Nobody is named here.", "0:00:01"),
        (24, "TOM", "Lamp held.", "0:01:10"),
    ]


def test_ass_with_a_name_column() -> None:
    assert spoken(fixture("named.ass")) == [
        (11, "阿澈", "风暴预警，看到了吗看到没有", "0:00:01"),
        (13, "老汤", "膝盖先知道的", "0:00:01"),
        (14, "老汤", "灯没灭", "0:02:00"),
    ]


def test_the_columns_of_ass_are_those_of_its_format_line() -> None:
    text = "[Events]\nFormat: Start, Name, Text\nDialogue: 0:00:01.00,Ann,Hello, you"
    assert spoken(numbered(text)) == [(3, "Ann", "Hello, you", "0:00:01")]


def test_dashes_part_two_who_are_not_named() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\n- Where?\n- There."
    assert [row[1:3] for row in spoken(numbered(text))] == [("?", "Where?"), ("?", "There.")]


def test_names_in_round_brackets_and_times_in_frames() -> None:
    text = "{100}{150}（太郎）灯は？\n{200}{250}（ハナ）点いた|やっと\n{300}{350}（太郎）よし\n{9000}{9050}（ハナ）寒い"
    assert subtitles.looks_like(text.split("\n")) == 1
    assert spoken(numbered(text)) == [
        (1, "太郎", "灯は？", "0:00:04"),
        (2, "ハナ", "点いた\nやっと", "0:00:04"),
        (3, "太郎", "よし", "0:00:04"),
        (4, "ハナ", "寒い", "0:06:00"),
    ]


def test_several_voices_in_one_subtitle_are_several_speakers() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ada>Is it in?</v>\nI mean the ferry.\n<v.low Dick>Not yet.</v>\n"
    assert texts(subtitles.read, text) == [("Ada", "Is it in?\nI mean the ferry."), ("Dick", "Not yet.")]


def test_a_name_in_brackets_may_stand_above_its_line() -> None:
    text = """
1
00:00:01,000 --> 00:00:03,000
（マラ）灯りは？

2
00:00:03,500 --> 00:00:05,000
（ベン）
半分です。

3
00:00:05,500 --> 00:00:07,000
（ベン）四時から。
（マラ）
油は？

4
00:00:08,000 --> 00:00:09,000
（波の音）
"""
    assert texts(subtitles.read, text) == [
        ("マラ", "灯りは？"),
        ("ベン", "半分です。"),
        ("ベン", "四時から。"),
        ("マラ", "油は？"),
    ]


def test_marks_of_broadcasts_and_manners_within_brackets_are_no_part_of_what_is_said() -> None:
    srt = "".join(
        f"{number}\n00:00:{number:02},000 --> 00:00:{number:02},900\n{text}\n\n"
        for number, text in enumerate(
            [
                "[Mara] Lit?",
                "[Tom, whispering] Not yet.",
                "[Mara, off] Why?",
                "[Tom] No oil.",
                ">> Who?",
                ">> Mara: Me.",
            ]
        )
    )
    assert texts(subtitles.read, srt)[:5] == [
        ("Mara", "Lit?"),
        ("Tom", "Not yet."),
        ("Mara", "Why?"),
        ("Tom", "No oil."),
        ("?", "Who?"),
    ]


def test_who_is_named_by_the_styles_of_ass_alone_speaks_and_signs_do_not() -> None:
    lines = [("Mara", "Lit?"), ("Tom", "Not yet."), ("Sign", "PIER 9"), ("Mara", "Light it."), ("Tom", "I will.")]
    events = [
        f"Dialogue: 0,0:00:0{at}.00,0:00:0{at}.50,{style},,0,0,0,,{words}" for at, (style, words) in enumerate(lines, 1)
    ]
    styled = texts(subtitles.read, "[Events]\n" + "\n".join(events))
    assert styled == [("?" if name == "Sign" else name, words) for name, words in lines]
    named = texts(subtitles.read, "[Events]\n" + "\n".join(events).replace("Tom,,", "Tom,Ben,"))
    assert {name for name, _ in named} == {"?", "Ben"}


def test_what_programs_write_where_nobody_is_named_is_no_name() -> None:
    text = "[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,*Default,NTP,0000,0000,0000,,汤：还没"
    assert texts(subtitles.read, text) == [("?", "汤：还没")]


def test_youtube_s_own_subtitles_have_both_times_before_the_text() -> None:
    titles = ("MARA: Lit?", "TOM: Not yet.\nSoon.", "MARA: So.", "TOM: So.")
    text = "\n\n".join(f"0:00:0{at}.000,0:00:0{at}.500\n{words}" for at, words in enumerate(titles, 1))
    assert subtitles.looks_like(text.split("\n")) == 1
    assert texts(subtitles.read, text)[:2] == [("MARA", "Lit?"), ("TOM", "Not yet.\nSoon.")]


def test_ttml_names_its_agents_and_counts_time_in_many_ways(tmp_path: Path) -> None:
    path = tmp_path / "pier.ttml"
    path.write_text(
        '<?xml version="1.0" encoding="utf-16"?><tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="m" xmlns:ttp="p" '
        'ttp:tickRate="10"><head><ttm:agent xml:id="m" type="character"><ttm:name type="alias">Mara</ttm:name>'
        '</ttm:agent><ttm:agent xml:id="t"><ttm:name>Tom</ttm:name></ttm:agent></head><body><div>\n'
        '<p begin="00:00:01.000" ttm:agent="m">Lit?</p>\n'
        '<p begin="30t" ttm:agent="t">Not\n yet.<br/><span>Soon.</span></p>\n'
        '<p begin="40.5s" ttm:agent="m">So.</p></div></body></tt>'
    )
    listed = listing([path])
    assert listed.formats == {str(path): "subtitles"}
    assert [(cue.line, cue.speaker, cue.text, cue.scene) for cue in cues(subtitles.read, list(open_source(path)))] == [
        (1, "Mara", "Lit?", "0:00:01"),
        (4, "Tom", "Not yet.\nSoon.", "0:00:01"),
        (8, "Mara", "So.", "0:00:40"),
    ]


def test_how_somebody_speaks_in_ass_is_no_part_of_the_name_and_a_sign_is_nobody() -> None:
    names = ["Mara", "Tom (V.O.)", "sign", "Tom", "Mara/Tom", "OP"]
    events = "\n".join(
        f"Dialogue: 0,0:00:0{place}.00,0:00:09.00,Default,{name},0,0,0,,Line {place}"
        for place, name in enumerate(names)
    )
    text = f"[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n{events}"
    read = [cue.speakers for cue in cues(subtitles.read, numbered(text))]
    assert read == [("Mara",), ("Tom",), (), ("Tom",), ("Mara", "Tom"), ()]


def srt(*titles: str) -> str:
    """Subtitles, a second each."""
    return "\n\n".join(f"{at}\n00:00:{at:02},000 --> 00:00:{at:02},900\n{words}" for at, words in enumerate(titles, 1))


def test_names_that_stand_but_once_are_speakers_where_several_lines_have_one() -> None:
    turns = [("MARA", "Here."), ("TOM", "Where?")]
    assert texts(subtitles.read, srt("[MARA] Here.", "[TOM] Where?", "[door slams]")) == turns
    assert texts(subtitles.read, srt("MARA: Here.", "TOM: Where?")) == turns
    assert texts(subtitles.read, srt("【陆远】灯亮了", "【阿澈】看见了")) == [("陆远", "灯亮了"), ("阿澈", "看见了")]
    assert texts(subtitles.read, srt("[MARA] Here.", "Where?")) == [("?", "Here."), ("?", "Where?")]
    assert {cue.confidence for cue in cues(subtitles.read, numbered(srt("[MARA] Here.", "[TOM] Where?")))} == {0.9}


def test_a_name_in_brackets_is_known_in_a_file_of_names_before_colons() -> None:
    text = srt("MARA: Here.", "TOM: Where?", "MARA: There.", "[TOM] So.", "[LAUGHS] No.")
    assert texts(subtitles.read, text)[3:] == [("TOM", "So."), ("?", "No.")]


def test_sounds_in_brackets_are_nobody_however_often_they_stand_there() -> None:
    text = srt("[sighs] No.", "[sighs] Yes.", "[MUSIC] La.", "[MUSIC] La.", "[in Spanish] Hola.", "[in Spanish] Si.")
    assert {name for name, _ in texts(subtitles.read, text)} == {"?"}
    assert texts(subtitles.read, srt("[man] Help!", "[door opens] Who?", "[man] Me.")) == [
        ("man", "Help!"),
        ("?", "Who?"),
        ("man", "Me."),
    ]


def test_how_somebody_speaks_may_stand_behind_a_dash_in_ass() -> None:
    event = "Dialogue: 0,0:00:0{}.00,0:00:09.00,{},{},0,0,0,,Lit.".format
    names = ["Mara", "Mara - thinking", "Tom - shouting", "Guard - 2"]
    column = "[Events]\n" + "\n".join(event(at, "Default", name) for at, name in enumerate(names))
    assert [name for name, _ in texts(subtitles.read, column)] == ["Mara", "Mara", "Tom", "Guard - 2"]
    styles = ["Mara", "Mara - thinking", "Tom", "Tom - Italics", "Tom", "Default", "Default - Top"]
    styled = "[Events]\n" + "\n".join(event(at, style, "") for at, style in enumerate(styles))
    assert [name for name, _ in texts(subtitles.read, styled)] == ["Mara", "Mara", "Tom", "Tom", "Tom", "?", "?"]


def test_how_somebody_known_speaks_may_stand_beside_the_name_in_brackets() -> None:
    spoken_lines = [
        "[Mara laughing] No.",
        "[Tom] Is it lit?",
        "[Mara] Since four.",
        "[Tom sighs] Then come.",
        "[Mara] Yes.",
    ]
    text = "\n\n".join(f"00:0{place}.000 --> 00:0{place}.900\n{line}" for place, line in enumerate(spoken_lines))
    assert texts(subtitles.read, text) == [
        ("Mara", "No."), ("Tom", "Is it lit?"), ("Mara", "Since four."), ("Tom", "Then come."), ("Mara", "Yes."),
    ]  # fmt: skip


def test_names_in_capitals_are_known_among_more_sounds_in_small_letters() -> None:
    spoken_lines = [
        "[sighs] It is cold.",
        "[door creaks] Who's there?",
        "[Tom] Only me.",
        "[chuckles] So.",
        "[Mara] It's out.",
    ]
    text = "\n\n".join(f"00:0{place}.000 --> 00:0{place}.900\n{line}" for place, line in enumerate(spoken_lines))
    assert [name for name, _ in texts(subtitles.read, text)] == ["?", "?", "Tom", "?", "Mara"]


def captions(*subtitles_in_order: str) -> str:
    return "WEBVTT\n\n" + "\n\n".join(
        f"00:{place:02}.000 --> 00:{place:02}.900\n{text}" for place, text in enumerate(subtitles_in_order)
    )


def test_lines_that_roll_up_are_read_once_and_chevrons_tell_who_goes_on() -> None:
    text = captions(
        "so tonight we", "so tonight we\nlight the lamp", "light the lamp\n[Music]", "[Music]\n>> MARA: and then",
        ">> MARA: and then\nwe go up", "we go up\nto the gallery", "to the gallery\n>> TOM: the two",
        ">> TOM: the two\nof us",
    )  # fmt: skip
    assert texts(subtitles.read, text)[1:] == [("MARA", "and then we go up to the gallery"), ("TOM", "the two of us")]


def test_a_line_in_another_colour_is_somebody_else_s() -> None:
    yellow, cyan = '<font color="#ffff00">{}</font>'.format, '<font color="#00ffff">{}</font>'.format
    text = captions(yellow("MARA: Late.") + "\n" + cyan("I know."), yellow("MARA: And\nwet."), "<c.cyan>TOM: Yes.</c>")
    assert texts(subtitles.read, text) == [("MARA", "Late."), ("?", "I know."), ("MARA", "And wet."), ("TOM", "Yes.")]


def test_entities_and_breaks_are_read_as_what_they_stand_for() -> None:
    text = captions("<v Mara>Late &amp; wet.[br]And cold.", "<v Tom>Salt&nbsp;&lt;and&gt; rain &c; so.")
    assert texts(subtitles.read, text) == [("Mara", "Late & wet.\nAnd cold."), ("Tom", "Salt <and> rain &c; so.")]


def test_signs_and_karaoke_are_nobody_s_whatever_the_name_column_has() -> None:
    event = "Dialogue: 0,0:00:0{}.00,0:00:09.00,{},{},0,0,0,,{}".format
    rows = [("Default", "Mara", "Lit."), ("Signs", "Tom", "KEEP OUT"), ("Default", "Mara", "{\\k20}la{\\kf9}la")]
    text = "[Events]\n" + "\n".join(event(place, *row) for place, row in enumerate(rows))
    assert [name for name, _ in texts(subtitles.read, text)] == ["Mara", "?", "?"]


def test_a_word_before_a_colon_is_no_name_where_names_stand_in_capitals() -> None:
    text = captions("MARA: Where?", "TOM: Up there.", "MARA: You know what?\nListen: nobody does.", "TOM: Well.")
    assert ("MARA", "You know what?\nListen: nobody does.") in texts(subtitles.read, text)


def test_in_ttml_each_part_of_a_subtitle_is_its_own_agent_s(tmp_path: Path) -> None:
    names = "".join(
        f'<ttm:agent xml:id="{name[0]}"><ttm:name>{name}</ttm:name></ttm:agent>' for name in ("Mara", "Tom")
    )
    page = tmp_path / "lamp.ttml"
    page.write_text(
        '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata"><head><metadata>'
        f'{names}</metadata></head><body><div><p begin="1s"><span ttm:agent="T">Only</span> '
        '<span ttm:agent="T">me.</span><br/><span ttm:agent="M">You are late.</span></p></div></body></tt>',
        encoding="utf-8",
    )
    assert [(cue.speaker, cue.text) for cue in cues(subtitles.read, list(open_source(page)))] == [
        ("Tom", "Only me."),
        ("Mara", "You are late."),
    ]


def test_a_further_name_on_a_line_is_another_speaker_and_notes_of_music_are_no_words() -> None:
    lines = [
        "MARA: Is it lit?",
        "TOM: No.",
        "MARA: Hey! TOM: What?",
        "MARA: ♪ Let it burn ♪",
        "TOM: I said: NO: it is not.",
    ]
    srt = "\n\n".join(
        f"{place}\n00:00:{place:02},000 --> 00:00:{place:02},900\n{line}" for place, line in enumerate(lines, 1)
    )
    assert texts(subtitles.read, srt) == [
        ("MARA", "Is it lit?"),
        ("TOM", "No."),
        ("MARA", "Hey!"),
        ("TOM", "What?"),
        ("MARA", "Let it burn"),
        ("TOM", "I said: NO: it is not."),
    ]


def test_a_voice_is_written_with_entities_and_two_names_in_a_column_are_two_speakers() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ada O&#39;Neil>In?\n\n00:02.000 --> 00:03.000\n<v Dick>No.\n"
    assert [cue.speaker for cue in cues(subtitles.read, numbered(text))] == ["Ada O'Neil", "Dick"]
    line = "Dialogue: 0,0:00:0{0}.00,0:00:0{0}.90,Default,{1},0,0,0,,{2}\n"
    text = line.format(1, "Ada", "In?") + line.format(2, "Dick", "No.") + line.format(3, "Ada; Dick", "No!")
    assert [cue.speakers for cue in cues(subtitles.read, numbered(text))] == [("Ada",), ("Dick",), ("Ada", "Dick")]


def test_a_dash_may_stand_before_a_voice() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n- <v Ada>In?</v>\n- <v Dick>No.</v>\n"
    assert texts(subtitles.read, text) == [("Ada", "In?"), ("Dick", "No.")]


def test_somebody_known_may_be_heard_over_a_device() -> None:
    lines = ("TOM: Late?", "ADA: No.", "TOM ON RADIO: Come in.", "ADA OVER THE PHONE: Why?", "MAN ON TV: News.")
    text = "".join(f"{at}\n00:00:{at}0,000 --> 00:00:{at}2,900\n{line}\n\n" for at, line in enumerate(lines, 1))
    text += "8\n00:01:20,000 --> 00:01:22,000\nTOM: So.\n\n9\n00:01:30,000 --> 00:01:32,000\nADA: So.\n\n"
    assert [name for name, _ in texts(subtitles.read, text)][:5] == ["TOM", "ADA", "TOM", "ADA", "MAN ON TV"]


def test_a_style_for_what_is_written_on_the_screen_is_nobody_in_chinese_either() -> None:
    events = [
        ("老王", "灯呢？"),
        ("小李", "没亮。"),
        ("屏幕字", "第二天"),
        ("屏幕字", "码头"),
        ("老王", "点上。"),
        ("小李", "好。"),
    ]
    styled = "[Events]\n" + "\n".join(
        f"Dialogue: 0,0:00:0{at}.00,0:00:0{at}.50,{style},,0,0,0,,{words}"
        for at, (style, words) in enumerate(events, 1)
    )
    assert [name for name, _ in texts(subtitles.read, styled)] == ["老王", "小李", "?", "?", "老王", "小李"]
