"""Game scripts (Ren'Py, KiriKiri): what the engine does, and names that are no plain words."""

from pathlib import Path

import pytest

from offbook.data.extract import extract, listing, speakers


def _said(path: Path, name: str) -> list[str]:
    return [row["messages"][-1]["content"] for row in extract([path], name).rows]


def test_extend_goes_on_with_the_speech_before_it(tmp_path: Path) -> None:
    path = tmp_path / "pier.rpy"
    path.write_text(
        'define a = Character(name="Ada")\ndefine narrator = Character(None)\n$ d = Character("Dick")\n'
        'd "Not yet."\na "Good.{w} Very good.{nw}"\nextend " Come in."\nd "So late?"\na "It is.{p}Late."\n'
        'narrator "Fog."\ncentered "The end"\n',
        encoding="utf-8",
    )
    assert _said(path, "Ada") == ["Good. Very good. Come in.", "It is.\nLate."]
    assert {speaker.name for speaker in speakers([path])} == {"Ada", "Dick"}


@pytest.mark.parametrize(
    ("name", "read"), [("???", "???"), ("[player]", "player"), ("Dr. Who?", "Dr. Who"), ("2", "Speaker 2")]
)
def test_any_name_of_a_game_is_a_speaker(tmp_path: Path, name: str, read: str) -> None:
    path = tmp_path / "pier.rpy"
    path.write_text(
        f'define a = Character("Ada")\ndefine u = Character("{name}")\n'
        'a "Who is there?"\nu "3 of us."\na "Which?"\nu "Chapter 3"\na "So."\nu "...Yes."\n',
        encoding="utf-8",
    )
    assert _said(path, "Ada") == ["Who is there?", "Which?", "So."][1:]
    assert _said(path, read) == ["3 of us.", "Chapter 3", "...Yes."]


def test_an_undefined_character_keeps_its_identifier(tmp_path: Path) -> None:
    path = tmp_path / "pier.rpy"
    path.write_text('old_man "Is it in?"\nd "Not yet."\nold_man "So."\nd "So."\n', encoding="utf-8")
    assert _said(path, "old man") == ["So."]


def test_a_choice_is_said_by_nobody(tmp_path: Path) -> None:
    path = tmp_path / "pier.ks"
    path.write_text(
        "#Ada\nIs it in?[p]\n[link target=*yes]Yes[endlink][r]\n[link target=*no]No[endlink]\n[s]\n*yes\n"
        '#Dick\nIt is,[r]\n[emb exp="f.name"].[p]\n#Ada\nSo.[p]\n#Dick\nSo.[p]\n',
        encoding="utf-8",
    )
    assert _said(path, "Ada") == ["So."]
    assert _said(path, "Dick") == ["It is, {{f.name}}.", "So."]


def test_a_click_ends_a_page_and_a_name_may_be_unknown(tmp_path: Path) -> None:
    path = tmp_path / "pier.ks"
    path.write_text(
        "【Ada／？？？】\n「まだ？」[k]\n【Dick】\n「もう。」[k]\n　波の音。[k]\n"
        "【？？？】\n「誰だ？」[k]\n【Dick】\n「僕だ。」[k]\n",
        encoding="utf-8",
    )
    assert _said(path, "Dick") == ["もう。", "僕だ。"]
    assert next(speaker.name for speaker in speakers([path])) == "Dick"


def test_the_commands_of_nscripter_are_not_spoken(tmp_path: Path) -> None:
    path = tmp_path / "0.txt"
    path.write_text(
        ';mode800\n*define\ngame\n*start\nbg "pier.jpg",1\n【マラ】\n「灯りは？」!w500@\nwait 500\n'
        '【ベン】「まだです、$name さん」\\\nld l,":a;ben.bmp",2\n雨の音。@\nとても静かだ。\\\n'
        '【マラ】\n「そう」@\n「じゃあ、行く」\\\nselect "行く",*go,"待つ",*wait\n*go\n`【Ben】「OK.」`\\\nend\n',
        encoding="utf-8",
    )
    assert listing([path]).formats == {str(path): "nscripter"}
    assert _said(path, "ベン") == ["まだです、{{name}} さん"]
    assert [row["messages"][0]["content"] for row in extract([path], "ベン").rows] == ["灯りは？"]
    assert _said(path, "マラ") == ["そう", "じゃあ、行く"]
    assert _said(path, "Ben") == ["OK."]


def test_line_ends_of_markdown_make_no_game(tmp_path: Path) -> None:
    path = tmp_path / "pier.md"
    path.write_text("阿澈：灯呢？\\\n老汤：还没。\\\n阿澈：快点。\\\n老汤：好。\\\n", encoding="utf-8")
    assert listing([path]).formats == {str(path): "screenplay"}


@pytest.mark.parametrize("place", ["chapter.rpy", "tl/german/chapter.rpy"])
def test_a_character_may_be_defined_in_another_script_of_the_game(tmp_path: Path, place: str) -> None:
    game = tmp_path / "game"
    path = game / place
    path.parent.mkdir(parents=True, exist_ok=True)
    (game / "definitions.rpy").write_text('define a = Character("Ada")\ndefine d = Character("Dick")\n', "utf-8")
    path.write_text('define d = Character("Richard")\na "In?"\nd "Not yet."\na "So."\n', encoding="utf-8")
    assert {speaker.name for speaker in speakers([path])} == {"Ada", "Richard"}


def test_a_macro_that_bears_a_name_and_a_voice_tells_who_speaks(tmp_path: Path) -> None:
    path = tmp_path / "pier.ks"
    path.write_text(
        "*start\n[マーラ vo=001]\n「火はついた？」[p]\n[トム vo=002]\n「まだだ[wait time=200]よ」[p]\n"
        "[マーラ vo=003]\n「そう」[p]\n[トム vo=004]\n「うん」[p]\n",
        encoding="utf-8",
    )
    assert _said(path, "トム") == ["まだだよ", "うん"]


def test_what_a_renpy_script_says_in_another_language_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "tl").mkdir()
    (tmp_path / "pier.rpy").write_text(
        'define a = Character("Ada")\ndefine d = Character("Dick")\nlabel start:\n    a "In?"\n    d "No."\n'
        'translate german start_1:\n    # a "In?"\n    a "Da?"\n\nlabel end:\n    d "Now."\n',
        "utf-8",
    )
    assert _said(tmp_path / "pier.rpy", "Dick") == ["No.", "Now."]
    assert _said(tmp_path / "pier.rpy", "Ada") == ["In?"]
    german = tmp_path / "tl" / "pier.rpy"
    german.write_text('translate german start_1:\n    # a "In?"\n    a "Da?"\n    a "Ja?"\n', "utf-8")
    assert _said(german, "Ada") == ["Ja?"]
