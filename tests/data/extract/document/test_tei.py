"""TEI: plays, novels and talks; what editors mark within the text."""

from pathlib import Path

from offbook.data.extract import extract, speakers


def test_a_tei_play_keeps_directions_out_of_its_speeches(tmp_path: Path) -> None:
    speech = "<sp><speaker>{}.</speaker><p>{} <stage>Rising.</stage></p></sp>"
    talk = "".join(speech.format(*pair) for pair in [("Ada", "Is it in?"), ("Dick", "Not yet.")] * 3)
    path = tmp_path / "ferry.xml"
    path.write_text(
        f'<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><p>No text.</p></teiHeader><text><body>'
        f"<div><head>Act I</head><stage>A pier.</stage>{talk}</div></body></text></TEI>",
        encoding="utf-8",
    )
    rows = extract([path], "Dick").rows
    assert [row["messages"][-1]["content"] for row in rows] == ["Not yet."] * 3
    assert rows[0]["source"]["chapter"] == "Act I"


def test_in_tei_attributes_tell_who_speaks_in_novels_talks_and_plays(tmp_path: Path) -> None:
    people = '<listPerson><person xml:id="a"><persName>Ada</persName></person></listPerson>'
    novel = '<p><said who="#a">Is it in?</said> asked Ada. <said who="#d">Not yet.</said></p>'
    talk = '<u who="#a">Is it in?</u><u who="#d">Not yet.</u>'
    speech = '<sp who="#a"><p>Is it in?</p></sp><sp who="#d"><p>Not yet.</p></sp>'
    path = tmp_path / "ferry.xml"
    for text in (novel, talk, speech):
        path.write_text(f"<TEI><teiHeader>{people}</teiHeader><text>{text * 3}</text></TEI>", encoding="utf-8")
        assert {speaker.name: speaker.lines for speaker in speakers([path])} == {"Ada": 3, "d": 3}
        assert {row["messages"][-1]["content"] for row in extract([path], "Ada").rows} == {"Is it in?"}


def test_bosak_s_plays_are_read_like_tei(tmp_path: Path) -> None:
    speech = "<SPEECH><SPEAKER>{}</SPEAKER><LINE><STAGEDIR>Rising</STAGEDIR>{}</LINE></SPEECH>"
    talk = "".join(speech.format(*pair) for pair in [("ADA", "Is it in?"), ("DICK", "Not yet.")] * 3)
    path = tmp_path / "ferry.xml"
    path.write_text(f"<PLAY><ACT><TITLE>ACT I</TITLE>{talk}</ACT></PLAY>", encoding="utf-8")
    assert [row["messages"][-1]["content"] for row in extract([path], "DICK").rows] == ["Not yet."] * 3


def test_of_what_an_editor_marks_the_words_are_read_that_he_prefers(tmp_path: Path) -> None:
    marked = [
        "The <choice><sic>lampe</sic><corr>lamp</corr></choice> is <del>not</del> <add>still</add> lit, said "
        "M<choice><abbr>r</abbr><expan>ister</expan></choice> Hale.",
        "The keep<lb break='no'/>er sits by the sto-<lb break='no'/>\nve<lb/>below.",
        "<app><rdg>Go</rdg><lem>Come</lem></app> up, <surplus>up,</surplus> it is <gap/>late.",
    ]
    talk = "".join(
        f"<sp><speaker>Tom.</speaker><p>Yes.</p></sp><sp><speaker>Mara.</speaker><p>{text}</p></sp>" for text in marked
    )
    path = tmp_path / "pier.xml"
    path.write_text(f"<TEI><text><body>{talk}</body></text></TEI>", encoding="utf-8")
    assert [row["messages"][-1]["content"] for row in extract([path], "Mara").rows] == [
        "The lamp is still lit, said Mister Hale.",
        "The keeper sits by the stove below.",
        "Come up, it is late.",
    ]


def test_words_of_a_speech_between_elements_are_said_and_what_is_heard_beside_them_is_not(tmp_path: Path) -> None:
    talk = (
        "<u who='#Tom'>And?</u><u who='#Mara'>I saw <pause/> him <vocal><desc>laughs</desc></vocal> "
        "there <unclear>below</unclear> and left</u>"
        "<u who='#Tom'><seg>Twice.</seg></u><u who='#Mara'>"
        "<kinesic><desc>nods</desc></kinesic> No more.</u>"
        "<u who='#Tom'>Good.</u>"
    )
    path = tmp_path / "talk.xml"
    path.write_text(f"<TEI><text><body>{talk}</body></text></TEI>", encoding="utf-8")
    rows = extract([path], "Mara").rows
    assert [row["messages"][-1]["content"] for row in rows] == ["I saw him there below and left", "No more."]


def test_a_prologue_before_the_text_and_an_epilogue_behind_it_are_spoken(tmp_path: Path) -> None:
    speech = "<sp><speaker>Tom.</speaker><p>Hear her!</p></sp><sp><speaker>Mara.</speaker><p>{}</p></sp>"
    cast = "<castList><castItem><role>Mara</role></castItem></castList><div><p>A preface.</p></div>"
    path = tmp_path / "pier.xml"
    around = [
        f"<{name}>{cast}<div>{speech.format(text)}</div></{name}>"
        for name, text in [("front", "Be still."), ("back", "Farewell.")]
    ]
    path.write_text(
        f"<TEI><text>{around[0]}<body>{speech.format('It rains.')}</body>{around[1]}</text></TEI>", encoding="utf-8"
    )
    assert [row["messages"][-1]["content"] for row in extract([path], "Mara").rows] == [
        "Be still.",
        "It rains.",
        "Farewell.",
    ]
    assert {speaker.name for speaker in speakers([path])} == {"Mara", "Tom"}
