"""The studio's page in a real browser, over a studio in a process of its own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import offbook.studio
from offbook.data.extract import EXTRACTORS
from offbook.studio.jobs import JobRequest, create
from offbook.studio.new_character import Persona, make_folder
from tests.browser import Browser
from tests.studio.conftest import PLAY
from tests.studio.pages import CANARY, StudioProcess, answer, drawn, fill, menu, press, running_studio, visit
from tests.studio.test_jobs import wait_until
from tests.studio.test_rows import row, write_lines
from tests.studio.test_sources import ODD_TABLE

PAGE = Path(offbook.studio.__file__).parent / "page"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as it:
        yield it


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    with running_studio(tmp_path_factory.mktemp("studio")) as it:
        yield it


def finished_run(workspace: Path, character: str, metrics: str) -> Path:
    """The folder of a run of a character, as far as pages look at it; there is no verdict."""
    folder = workspace / "runs" / character
    (folder / "adapter").mkdir(parents=True)
    rows = workspace / "characters" / character / "rows.jsonl"
    (folder / "run.yaml").write_text(f"persona: {{name: {character}}}\ndata: {{source: '{rows}', heldout: 0}}\n")
    (folder / "adapter" / "persona.json").write_text("{}")
    (folder / "metrics.jsonl").write_text(metrics)
    return folder


def test_the_page_says_everything_in_both_languages(browser: Browser, studio: StudioProcess) -> None:
    visit(browser, studio)
    browser.run("import('/page/words.js').then(({ WORDS }) => { window.words = WORDS })")
    english, chinese = browser.wait("window.words && [window.words.en, window.words.zh]")
    assert english.keys() == chinese.keys()
    for name, text in english.items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", chinese[name])), name
        assert re.search("[\u3001\u4e00-\u9fff]", chinese[name]) or name == "language" or "{" in text, name


def test_no_text_stands_twice_and_hides_another() -> None:
    for path in PAGE.glob("words-*.js"):
        names = re.findall(r"^  (\w+):", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(names) == len(set(names)), path.name


def test_every_format_of_scripts_and_books_has_a_name() -> None:
    texts = (PAGE / "words-en.js").read_text(encoding="utf-8")
    assert all(f"read_{name}:" in texts for name, each in EXTRACTORS.items() if not each.is_chat)


def test_every_text_that_the_page_names_is_there() -> None:
    files = [path for path in PAGE.glob("*.js") if not path.name.startswith("words-")]
    scripts = "".join(path.read_text(encoding="utf-8") for path in files)
    named = set(re.findall(r"\b(?:word|count)\(\"(\w+)\"", scripts))
    named |= set(re.findall(r'data-(?:word|label)="(\w+)"', (PAGE / "index.html").read_text(encoding="utf-8")))
    texts = set(re.findall(r"^  (\w+):", (PAGE / "words-en.js").read_text(encoding="utf-8"), re.MULTILINE))
    assert len(named) > 150
    assert not named - texts
    prefixes = {name.partition("_")[0] for name in re.findall(r"word\(`(\w+_)\$", scripts)} | {"order", "filter"}
    unused = texts - named - set(re.findall(r'"(\w+)"', scripts))
    unused -= {f"{name}_one" for name in named}
    assert not {name for name in unused if name.partition("_")[0] not in prefixes}


def test_a_first_visit_says_how_to_begin(browser: Browser, studio: StudioProcess) -> None:
    visit(browser, studio)
    assert browser.run("location.pathname + location.search") == "/", "the token does not stay in the address"
    assert browser.text("main .primary") == ["Try it in two minutes"]
    press(browser, "Start with a text")
    assert drawn(browser, "Which text").startswith("Which text")
    browser.reload()
    drawn(browser, "Which text")


def test_a_text_is_dropped_and_stays_text(browser: Browser, studio: StudioProcess, tmp_path: Path) -> None:
    play = tmp_path / "a stove & 100% 'here'.txt"
    play.write_text(PLAY + f"\nANN: {CANARY}\n", encoding="utf-8")
    visit(browser, studio, "text")
    browser.type("#file", str(play))
    drawn(browser, "Who is to speak?")
    assert "a stove & 100% 'here'.txt" in browser.text(".lead")[0]
    assert browser.text(".speaker b") == ["ANN", "BOB"]
    browser.reload()
    drawn(browser, "Who is to speak?")
    assert browser.run("document.title").startswith("Who is to speak?")
    assert browser.run("document.querySelectorAll('main img, main b b').length") == 0


def test_a_person_says_what_the_columns_of_a_table_hold(
    browser: Browser, studio: StudioProcess, tmp_path: Path
) -> None:
    (tmp_path / "odd.csv").write_text(ODD_TABLE, encoding="utf-8")
    visit(browser, studio, "text")
    browser.type("#file", str(tmp_path / "odd.csv"))
    browser.wait("document.querySelector('.columns')")
    assert "wer (Tom, Ann, Tom)" in browser.text(".columns [name=sender]")[0]
    fill(browser, ".columns [name=sender]", "wer")
    fill(browser, ".columns [name=text]", "was")
    press(browser, "Read it so")
    drawn(browser, "Who is to speak?")
    browser.reload()
    drawn(browser, "Who is to speak?")
    assert sorted(browser.text(".speaker b")) == ["Ann", "Tom"]
    assert browser.run("document.querySelector('.columns [name=text]').value") == "was"
    press(browser, "Ann", ".speaker b")
    press(browser, "Take the lines of Ann")
    drawn(browser, "Are these the right lines?")


def test_a_text_that_cannot_be_read_says_so_once_and_is_read_as_one_says(
    browser: Browser, studio: StudioProcess, tmp_path: Path
) -> None:
    prose = tmp_path / "prose.txt"
    prose.write_text("It rained.\n\n“Come in,” said Ann.\n\nNobody came.\n", encoding="utf-8")
    (tmp_path / "blank.txt").write_text("", encoding="utf-8")
    visit(browser, studio, "text")
    browser.type("#file", str(tmp_path / "blank.txt"))
    drawn(browser, "blank.txt cannot be read")
    assert browser.text(".problem")[0].startswith("sources/blank.txt is empty")
    assert browser.text("#notice-text") == [""], "it is said once"
    press(browser, "Choose another text")
    drawn(browser, "Which text")
    browser.type("#file", str(prose))
    drawn(browser, "prose.txt cannot be read")
    assert "WhatsApp's text export" in browser.text("#read-as")[0]
    assert "wechat" not in browser.text("#read-as")[0], "a format is told in words"
    fill(browser, "#read-as", "whatsapp")
    browser.wait("document.querySelector('.problem')?.textContent.includes('WhatsApp')", 60)
    browser.reload()
    drawn(browser, "prose.txt cannot be read")
    fill(browser, "#read-as", "novel")
    drawn(browser, "Who is to speak?")
    assert browser.text(".speaker b") == ["Ann"]
    visit(browser, studio, "jobs")
    assert "Choose below" not in browser.text("main")[0], "there is nothing below"
    press(browser, "What can be done")
    drawn(browser, "cannot be read")


def test_what_is_being_written_is_kept_when_another_line_is_chosen(browser: Browser, studio: StudioProcess) -> None:
    folder = studio.folder / "characters" / "Eve"
    make_folder(folder, Persona.of("Eve"))
    write_lines(folder / "lines.jsonl", [row(number) for number in range(4)])
    visit(browser, studio, "lines/Eve")
    press(browser, "Edit")
    fill(browser, ".editor textarea[required]", "Half a change")
    browser.wait("document.querySelectorAll('.entry').length > 2")
    browser.run("document.querySelectorAll('.entry')[2].click()")
    browser.wait("document.querySelector('#notice-text').textContent === 'Changed.'")
    press(browser, "Edit")
    fill(browser, ".editor textarea[required]", "Another one")
    press(browser, "Characters")
    drawn(browser, "Characters")
    wait_until(lambda: "Another one" in (folder / "rows.jsonl").read_text("utf-8"))
    assert "Half a change" in (folder / "rows.jsonl").read_text("utf-8")
    shutil.rmtree(folder)


def test_a_rehearsal_that_fails_shows_the_settings_at_once(browser: Browser, studio: StudioProcess) -> None:
    folder = studio.folder / "characters" / "Ann"
    make_folder(folder, Persona.of("Ann"), model__source="no such folder")
    write_lines(folder / "lines.jsonl", [row(number) for number in range(4)])
    visit(browser, studio, "rehearse/Ann")
    press(browser, "Begin the rehearsal")
    browser.wait("document.querySelector('.watch .problem')", 60)
    press(browser, "Details")
    fill(browser, '[data-option="model.source"]', "another")
    assert browser.text("#train") == ["Rehearse again"]
    wait_until(lambda: "another" in (folder / "run.yaml").read_text(encoding="utf-8"))  # else it is written anew
    shutil.rmtree(folder)


def test_a_rehearsal_that_was_killed_before_it_saved_says_so(browser: Browser, studio: StudioProcess) -> None:
    folder = studio.folder / "characters" / "Eve"
    make_folder(folder, Persona.of("Eve"))
    write_lines(folder / "lines.jsonl", [row(number) for number in range(4)])
    job = create(studio.folder / ".studio" / "jobs", JobRequest("train", "Eve", ["train"], details={"run": "Eve"}))
    (job.folder / "pid").write_text("1 1.0\n", encoding="ascii")  # a process that is no more
    for page in ("rehearse/Eve", "jobs"):
        visit(browser, studio, page)
        browser.wait("document.querySelector('.problem')?.innerText.includes('memory ran out')")
        assert "It has not begun." not in browser.text("main")[0]
    shutil.rmtree(folder)
    shutil.rmtree(job.folder)


def test_a_rehearsal_that_another_page_has_begun_is_shown(browser: Browser, studio: StudioProcess) -> None:
    folder = studio.folder / "characters" / "Bob"
    make_folder(folder, Persona.of("Bob"), model__source="no such folder")
    write_lines(folder / "lines.jsonl", [row(number) for number in range(4)])
    visit(browser, studio, "rehearse/Bob")
    assert browser.text("#train") == ["Begin the rehearsal"]
    browser.run(
        "fetch('/api/characters/Bob/train', "
        "{ method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' }).then(() => true)"
    )
    browser.wait("document.querySelector('.watch')", 60)
    browser.wait("document.querySelector('.watch .problem')", 60)
    shutil.rmtree(folder)


def test_a_run_that_cannot_be_judged_says_why(browser: Browser, studio: StudioProcess) -> None:
    make_folder(studio.folder / "characters" / "Eve", Persona.of("Eve"))
    folder = finished_run(studio.folder, "Eve", '{"step": 4, "loss": 2.5}\n')
    visit(browser, studio, "verdict/Eve")
    browser.wait("document.querySelector('.remark')?.innerText.includes('none was put aside')")
    assert "Judge it now" not in browser.text("main button")
    assert any("0.1" in text for text in browser.text("main button")), "the next run can be judged"
    settings = folder / "run.yaml"
    settings.write_text(settings.read_text().replace("heldout: 0", "heldout: 0.05"))
    browser.reload()
    browser.wait("document.querySelector('.remark')?.innerText.includes('none was put aside')")
    assert not any("0.1" in text for text in browser.text("main button")), "a share alone does not mend it"
    (folder / "data").mkdir()
    (folder / "data" / "heldout.jsonl").write_text("{}\n")
    browser.reload()
    drawn(browser, "verdict")
    assert "Judge it now" in browser.text("main button")
    shutil.rmtree(studio.folder / "characters" / "Eve")
    shutil.rmtree(folder)


def test_a_curve_of_one_step_is_seen(browser: Browser, studio: StudioProcess) -> None:
    make_folder(studio.folder / "characters" / "Eve", Persona.of("Eve"))
    folder = finished_run(studio.folder, "Eve", '{"step": 1, "loss": 2.5}\n')
    visit(browser, studio, "rehearse/Eve")
    point = "document.querySelector('.chart circle.loss')?.getBoundingClientRect()"
    browser.wait(f"{point}?.width > 3")
    (folder / "metrics.jsonl").write_text('{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2.1}\n')
    browser.reload()
    browser.wait("document.querySelector('.chart')?.dataset.points === '2'")
    assert not browser.run(point), "a line is enough"
    shutil.rmtree(studio.folder / "characters" / "Eve")
    shutil.rmtree(folder)


def test_the_focus_stays_where_one_works(browser: Browser, studio: StudioProcess) -> None:
    folder = studio.folder / "characters" / "Cid"
    make_folder(folder, Persona.of("Cid"))
    visit(browser, studio)
    browser.wait("document.querySelector('[data-name=Cid]')")
    menu(browser, '[data-name="Cid"]', "Rename")
    browser.wait("document.querySelector('#ask').open")
    browser.run("document.querySelector('#ask .quiet').click()")
    browser.wait("document.activeElement.matches('[data-name=Cid] summary')")
    menu(browser, '[data-name="Cid"]', "Rename")
    answer(browser, name="Dee")
    browser.wait("document.querySelector('[data-name=Dee]')")
    assert browser.run("document.querySelector('main').contains(document.activeElement)")
    shutil.rmtree(folder.with_name("Dee"))


def test_a_studio_that_is_gone_is_said_on_any_page(browser: Browser, tmp_path: Path) -> None:
    with running_studio(tmp_path / "studio") as gone:
        visit(browser, gone, "text")
        gone.process.terminate()
        browser.wait("document.querySelector('#notice-text').innerText.includes('does not answer')", 30)


def test_nothing_comes_from_elsewhere(browser: Browser, studio: StudioProcess) -> None:
    browser.requested()
    visit(browser, studio, "text")
    addresses = browser.requested()
    assert len(addresses) > 10
    assert all(address.startswith((studio.address, "data:")) for address in addresses)


def test_a_page_that_is_not_there_says_so(browser: Browser, studio: StudioProcess) -> None:
    visit(browser, studio, "lines/Nobody")
    assert browser.text("h1") == ["This page cannot be shown"]
    press(browser, "To the characters")
    drawn(browser, "Teach a character")
