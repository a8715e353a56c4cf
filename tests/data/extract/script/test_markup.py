"""Scripts in the markup of wikis and of Obsidian."""

from offbook.data.extract.script import play
from offbook.data.extract.script.markup import in_markdown
from tests.data.extract.reading import numbered, texts

WIKI = """== Act One ==
''[The lamp room. Mara sits by the stove.]''

'''Mara''': Who is there?

'''[[Tom Reed|Tom]]''': ''(outside)'' Only me, [[Mara]].

:'''Mara:''' You are late.<ref>He was.</ref>

''[Tom enters.]''

*'''Tom''': It rained.
[[Category:Transcripts]]"""

CALLOUTS = """# Session 3
> [!quote] Mara
> Who is there?

> [!quote]+ Tom
> Only me.
> It rains, [[Mara]].

> [!quote] Mara
> You are late.

The door shuts.

> [!quote] Tom
> So?"""


def test_a_wiki_s_bold_names_speak_and_its_italics_are_directions() -> None:
    assert texts(play.read, WIKI) == [
        ("Mara", "Who is there?"), ("Tom", "Only me, Mara."), ("Mara", "You are late."), ("Tom", "It rained."),
    ]  # fmt: skip
    assert play.looks_like([line for _, line in numbered(WIKI)]) == 1


def test_the_title_of_a_callout_speaks() -> None:
    assert texts(play.read, CALLOUTS) == [
        ("Mara", "Who is there?"), ("Tom", "Only me.\nIt rains, Mara."), ("Mara", "You are late."), ("Tom", "So?"),
    ]  # fmt: skip


def test_lines_without_such_markup_stay_as_they_are() -> None:
    for line in (
        "> THE END <",
        "``Lit,'' she said, ``since four.''",
        "Ann> It's in.",
        ">> TOM: Yes.",
        "[x] [[",
        "a > b",
    ):
        assert in_markdown(line) == line


def test_of_a_wikis_templates_what_the_page_shows_is_read() -> None:
    assert in_markdown("Is it {{tt|lit|burning}}?") == "Is it lit?"
    assert in_markdown("{{color|red|{{ruby|No|no}}.}} Ask {{name}}.{{ref|seen once}}") == "No. Ask {{name}}."
    assert in_markdown("{{font|size=9|Careful!}}") == "Careful!"
