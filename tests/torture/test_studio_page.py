"""The studio's page over the real back end, by clicks alone: what takes longer than every run of the tests may."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from offbook.core.metrics_log import read
from offbook.core.rundir import RunDir
from offbook.studio.queue import AWAY_SECONDS
from tests.browser import Browser
from tests.fakehub import FakeHub
from tests.fakehub_writes import TOKEN
from tests.studio.pages import StudioProcess, answer, drawn, fill, menu, press, running_studio, visit
from tests.studio.test_page_story import script_of_lines
from tests.studio.test_story import wait_for

pytestmark = [pytest.mark.torture, pytest.mark.timeout(1200)]

POINTS = "Number(document.querySelector('.chart')?.dataset.points ?? 0)"
NOTICE = "document.querySelector('#notice-text').textContent"
SETTINGS: dict[str, Any] = {
    "train.epochs": 8,
    "train.batch_size": 4,
    "train.log_steps": 1,
    "train.heldout_steps": 5,
    "train.save_steps": 2,
    "train.learning_rate": 0.01,
    "data.heldout": 0.2,
    "data.replay": None,
    "generation.max_new_tokens": 8,
    "evaluate.prompts": 3,
    "track.trackers": [],
}
CHAT = """\
[12.05.21, 21:30:00] Ann: Is the stove lit?
[12.05.21, 21:31:00] Bob: Since four.
[12.05.21, 21:32:00] Ann: Then open the window.
[12.05.21, 21:33:00] Bobby: It has been open since Sunday.
[12.05.21, 21:34:00] Ann: Will you sing?
[12.05.21, 21:35:00] Bob: Only if nobody listens.
[12.05.21, 21:36:00] Ann: Will you sing?
[12.05.21, 21:37:00] Bob: Only if nobody listens.
"""


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as it:
        yield it


@pytest.fixture
def studio(tmp_path: Path, hub: FakeHub) -> Iterator[StudioProcess]:
    """A studio whose hubs are the loopback one."""
    variables = {
        "OFFBOOK_HOME": str(tmp_path / "home"),
        "HF_HUB_OFFLINE": "0",
        "HF_ENDPOINT": hub.address,
        "HF_HOME": str(tmp_path / "huggingface"),
        "HF_HUB_DISABLE_XET": "1",
        "MODELSCOPE_ENDPOINT": hub.address,
        "MODELSCOPE_HOME": str(tmp_path / "modelscope"),
        "MODELSCOPE_CACHE": str(tmp_path / "modelscope-cache"),
        "NO_PROXY": "127.0.0.1",
    }
    with running_studio(tmp_path / "studio", **variables) as it:
        yield it


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser() as it:
        yield it


class Api:
    """What a test asks the studio for beside the page."""

    def __init__(self, studio: StudioProcess) -> None:
        headers = {"Authorization": f"Bearer {studio.token}"}
        self.http = httpx2.Client(base_url=studio.address, headers=headers, timeout=60, trust_env=False)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        response = self.http.request(method, path, json={} if body is None and method == "POST" else body)
        assert response.is_success, response.text
        return response.json()


@pytest.fixture
def hamlet(studio: StudioProcess, browser: Browser, tiny: Path, tmp_path: Path) -> Api:
    """The character HAMLET with its lines, on a tiny model."""
    script = tmp_path / "night.txt"
    script.write_text(script_of_lines(), encoding="utf-8")
    visit(browser, studio, "text")
    browser.type("#file", str(script))
    drawn(browser, "Who is to speak?")
    press(browser, "HAMLET", ".speaker b")
    press(browser, "Take the lines of HAMLET")
    drawn(browser, "Are these the right lines?")
    api = Api(studio)
    api.ask("PATCH", "/api/characters/HAMLET/config", {**SETTINGS, "model.source": str(tiny)})
    return api


def test_a_first_visit_is_told_what_to_expect_and_stops_and_goes_on(browser: Browser, studio: StudioProcess) -> None:
    visit(browser, studio)
    assert "far too small for a sensible conversation" in browser.text("main")[0]
    press(browser, "Try it in two minutes")
    drawn(browser, "rehearses")
    name = browser.run("decodeURIComponent(location.pathname.split('/')[2])")
    assert "by heart and knows nothing else" in browser.wait("document.querySelector('main .remark')?.textContent")
    before = browser.wait(f"{POINTS} > 2 && {POINTS}", 200)
    first = browser.window
    second = browser.open_window()
    visit(browser, studio, f"rehearse/{name}")
    before = browser.wait(f"{POINTS} > {before} && {POINTS}", 120)
    press(browser, "Stop and save")
    browser.wait("document.querySelector('#resume')", 60)
    browser.switch(first)
    browser.wait("document.querySelector('#resume')", 60)
    browser.reload()
    assert browser.wait(f"{POINTS} >= {before} && {POINTS}", 60) >= before
    press(browser, "Go on")
    browser.wait(f"{POINTS} > {before}", 120)
    browser.switch(second)
    browser.reload()
    browser.wait(f"{POINTS} > {before}", 120)
    browser.wait("location.pathname.startsWith('/verdict/')", 300)
    browser.switch(first)
    browser.wait("location.pathname.startsWith('/verdict/')", 60)
    drawn(browser)
    run = RunDir(studio.folder / "runs" / name)
    steps = [line["step"] for line in read(run.metrics)]
    assert steps == sorted(set(steps))
    samples = json.loads(run.samples.read_text(encoding="utf-8"))
    rows = (studio.folder / "characters" / name / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    replies = {tuple(turn["content"] for turn in json.loads(row)["messages"]) for row in rows}
    assert any((each["prompt"], each["tuned"]) in replies for each in samples)


def test_a_run_whose_rows_have_changed_goes_on_with_them_and_is_compared(
    browser: Browser, studio: StudioProcess, hamlet: Api
) -> None:
    hamlet.ask("PATCH", "/api/characters/HAMLET/config", {"train.epochs": 40})
    visit(browser, studio, "rehearse/HAMLET")
    press(browser, "Begin the rehearsal")
    browser.wait(f"{POINTS} > 5", 120)
    press(browser, "Stop and save")
    browser.wait("document.querySelector('#resume')", 60)
    visit(browser, studio, "lines/HAMLET")
    press(browser, "Leave out")
    browser.wait("document.querySelector('.entry.excluded')")
    visit(browser, studio, "rehearse/HAMLET")
    press(browser, "Go on")
    browser.wait("document.querySelector('#inexact')", 120)
    browser.reload()
    browser.wait("document.querySelector('#inexact')", 60)
    press(browser, "Go on with the changes")
    browser.wait("location.pathname === '/verdict/HAMLET'", 300)

    # another run of it, and both side by side
    hamlet.ask("PATCH", "/api/characters/HAMLET/config", {"train.epochs": 2})
    visit(browser, studio, "rehearse/HAMLET")
    press(browser, "Rehearse again")
    answer(browser)
    browser.wait(f"{POINTS} > 1", 120)
    browser.wait("location.pathname.startsWith('/verdict/HAMLET%20')", 200)
    press(browser, "Compare")
    drawn(browser, "Two runs side by side")
    assert "train.epochs" in browser.text("main")[0]
    browser.reload()
    assert drawn(browser, "Two runs side by side")

    # the second goes: what goes with it is said first
    visit(browser, studio, "rehearse/HAMLET")
    menu(browser, '[data-run="HAMLET (2)"]', "Delete")
    browser.wait("document.querySelector('#ask').innerText.includes('saved states')")
    answer(browser)
    browser.wait("!document.querySelector('[data-run=\"HAMLET (2)\"]')")
    assert not (studio.folder / "runs" / "HAMLET (2)").exists()


def test_what_waits_changes_its_order(browser: Browser, studio: StudioProcess, hamlet: Api) -> None:
    hamlet.ask("PATCH", "/api/characters/HAMLET/config", {"train.epochs": 200})
    for _ in range(2):
        hamlet.ask("POST", "/api/characters/HAMLET/duplicate")
    visit(browser, studio, "rehearse/HAMLET")
    press(browser, "Begin the rehearsal")
    for number in (2, 3):
        visit(browser, studio, f"lines/HAMLET ({number})")
        press(browser, "Check the lines")
        browser.wait("document.querySelector('#findings [data-job]')")
    visit(browser, studio, "jobs")
    subjects = "[...document.querySelectorAll('.job.queued b')].map((each) => each.textContent)"
    waiting = browser.wait(f"{subjects}.length === 2 && {subjects}")
    browser.click("[aria-label='Move down']")
    browser.wait(f"{subjects}.join() === {','.join(reversed(waiting))!r}")
    assert [job["subject"] for job in hamlet.ask("GET", "/api/jobs") if job["state"] == "queued"] == [
        "HAMLET (3)",
        "HAMLET (2)",
    ]
    browser.reload()
    browser.wait(f"{subjects}.join() === {','.join(reversed(waiting))!r}")
    browser.wait("document.querySelector('.job.running [aria-label^=Cancel]')", 60)
    browser.click(".job.running [aria-label^=Cancel]")
    browser.wait("!document.querySelector('.job.queued') && !document.querySelector('.job.running')", 120)
    states = {job["kind"]: job["state"] for job in hamlet.ask("GET", "/api/jobs")}
    assert states["train"] == "cancelled"
    assert states["check"] == "done"


def test_two_names_become_one_and_a_finding_is_mended(browser: Browser, studio: StudioProcess, tmp_path: Path) -> None:
    chat = tmp_path / "chat.txt"
    chat.write_text(CHAT, encoding="utf-8")
    visit(browser, studio, "text")
    browser.type("#file", str(chat))
    drawn(browser, "Who is to speak?")
    press(browser, "Bob", ".speaker b")
    is_bobby = "(each) => each.querySelector('b').textContent === 'Bobby'"
    browser.run(f"[...document.querySelectorAll('.speakers > li')].find({is_bobby}).querySelector('.same').click()")
    assert "Counted as Bob" in browser.text("main")[0]
    browser.wait("document.querySelector('.chosen .help').textContent === '4 lines'")
    press(browser, "Take the lines of Bob")
    drawn(browser, "Are these the right lines?")
    browser.wait("document.querySelectorAll('.entry[data-state=full]').length === 4")
    assert any("open since Sunday" in text for text in browser.text(".entry"))
    press(browser, "Check the lines")
    browser.wait("document.querySelector('#findings .option')", 120)
    label = browser.text("#findings .option")[0]
    key = browser.run("document.querySelector('#findings .option').title")
    press(browser, label)
    browser.wait(f"{NOTICE} === 'Set.'")
    value = label.split(" to ")[1]
    assert str(Api(studio).ask("GET", "/api/characters/Bob/config")["set"][key]) == value


def test_a_base_is_downloaded_after_a_cancel_and_its_character_is_pushed(
    browser: Browser, studio: StudioProcess, hamlet: Api, hub: FakeHub, tiny: Path
) -> None:
    hub.add("org/tiny", {path.name: path.read_bytes() for path in tiny.iterdir() if path.is_file()})
    hub.slow["model.safetensors"] = 60
    visit(browser, studio, "character/HAMLET")
    press(browser, "Another model")
    fill(browser, ".bases form input", "hf:org/tiny")
    press(browser, "Use it")
    advanced = "/[1-9].* of .*B/.test(document.querySelector('.bases [data-job] .help')?.textContent)"
    browser.wait(advanced, 60)  # the bytes arrive: it is not ended before it has begun
    press(browser, "Cancel")
    browser.wait("document.querySelector('.bases .problem')", 30)  # long before the download would end
    (pull,) = [job for job in hamlet.ask("GET", "/api/jobs") if job["kind"] == "pull"]
    assert pull["state"] == "cancelled"
    hub.slow.clear()
    press(browser, "Try again")
    browser.wait("document.querySelector('.bases [value=\"hf:org/tiny\"]')?.checked", 120)
    assert hamlet.ask("GET", "/api/characters/HAMLET/config")["set"]["model.source"] == "hf:org/tiny"

    browser.click("[data-measure='hf:org/tiny']")
    browser.wait("document.querySelector('.bases').innerText.includes('measured')", 120)
    press(browser, "Next: rehearse")
    drawn(browser, "rehearses")
    press(browser, "Begin the rehearsal")
    browser.wait("location.pathname === '/verdict/HAMLET'", 300)

    visit(browser, studio, "take/HAMLET")
    for token in ("hf_wrong-token-of-the-test", TOKEN):
        press(browser, "Put it there")
        answer(browser, target="hf:me/hamlet", token=token)
        if token == TOKEN:
            browser.wait("!document.querySelector('.working .job') && !document.querySelector('.working .problem')", 60)
        else:
            assert "token" in browser.wait("document.querySelector('.working .problem')?.textContent", 60)
    assert "adapter_model.safetensors" in hub.repositories["models", "me/hamlet", "main"]
    assert hub.account.repositories == {"me/hamlet": True}, "nobody else sees it"
    for path in studio.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"hf_wrong" not in content, path
            assert TOKEN.encode() not in content, path
    assert "hf_wrong" not in json.dumps(hamlet.ask("GET", "/api/jobs"))


def test_a_talk_that_nobody_listens_to_ends_and_is_brought_back(
    browser: Browser, studio: StudioProcess, hamlet: Api
) -> None:
    visit(browser, studio, "rehearse/HAMLET")
    press(browser, "Begin the rehearsal")
    browser.wait("location.pathname === '/verdict/HAMLET'", 300)
    visit(browser, studio, "talk/HAMLET")
    name = "document.querySelector('iframe.chat')?.contentDocument?.querySelector('#name')?.textContent"
    browser.wait(f"{name} === 'HAMLET'", 120)
    (job,) = [each for each in hamlet.ask("GET", "/api/jobs") if each["kind"] == "talk"]
    assert "--idle 15" in job["command"]
    hamlet.ask("POST", f"/api/jobs/{job['id']}/stop")
    browser.wait("document.querySelector('#bring-back')", 60)
    press(browser, "Bring it back")
    wait_for(lambda: running_talks(hamlet) not in ([], [job["id"]]))  # another one
    browser.wait(f"{name} === 'HAMLET'", 120)
    visit(browser, studio)  # nobody shows it any more
    left = time.monotonic()
    assert len(running_talks(hamlet)) == 1
    wait_for(lambda: not running_talks(hamlet))
    assert time.monotonic() - left > AWAY_SECONDS / 2, "it waits for a page that is loaded again"


def running_talks(api: Api) -> list[str]:
    return [job["id"] for job in api.ask("GET", "/api/jobs") if job["kind"] == "talk" and job["state"] == "running"]


def chinese_story(phone: Browser, studio: StudioProcess, tiny: Path, script: Path) -> Iterator[str]:
    """The whole way, page by page; each is looked at when its name is given."""
    visit(phone, studio)
    yield "first visit"
    press(phone, "从文本开始")
    drawn(phone, "角色在哪部文本里说话？")
    yield "text"
    phone.type("#file", str(script))
    drawn(phone, "让谁开口？")
    press(phone, "哈姆雷特", ".speaker b")
    yield "who speaks"
    press(phone, "取出哈姆雷特的台词")
    drawn(phone, "这些台词对吗？")
    phone.wait("document.querySelector('.entry[data-state=full]')")
    press(phone, "检查台词")
    phone.wait("document.querySelector('#findings .found')", 120)
    press(phone, "去掉")
    phone.wait("document.querySelector('.entry.excluded')")
    yield "lines"
    press(phone, "编辑")
    yield "editor"
    press(phone, "下一步：角色")
    drawn(phone, "这个角色是谁？")
    phone.wait("document.querySelector('.choices')", 60)
    yield "character"
    settings = {**SETTINGS, "model.source": str(tiny)}
    Api(studio).ask("PATCH", "/api/characters/哈姆雷特/config", settings)
    press(phone, "下一步：排练")
    drawn(phone, "在排练")
    press(phone, "细节")
    yield "details"
    press(phone, "开始排练")
    phone.wait(f"{POINTS} > 2", 120)
    yield "rehearsal"
    phone.wait("location.pathname.startsWith('/verdict/')", 200)
    drawn(phone)
    phone.wait("document.querySelector('ul.verdict > li')", 60)
    yield "verdict"
    press(phone, "下一步：和它说话")
    phone.wait("document.querySelector('iframe.chat')?.contentDocument?.querySelector('#name')?.textContent", 120)
    yield "talk"
    press(phone, "下一步：带走它")
    drawn(phone, "带走这个角色")
    phone.click('[data-format="merged"] button')
    phone.wait("document.querySelector('[data-format=\"merged\"].made')", 200)
    yield "take along"
    press(phone, "发布")
    phone.wait("document.querySelector('#ask').open")
    yield "push"
    press(phone, "取消")
    visit(phone, studio, "jobs")
    yield "jobs"
    visit(phone, studio)
    phone.run("document.querySelector('.menu summary').click()")
    yield "characters"


def test_the_whole_story_on_a_phone_in_chinese_by_day_and_by_night(
    studio: StudioProcess, tiny: Path, tmp_path: Path
) -> None:
    script = tmp_path / "夜.txt"
    script.write_text(
        script_of_lines().replace("HAMLET:", "哈姆雷特：").replace("OPHELIA:", "奥菲利亚："), encoding="utf-8"
    )
    seen = []
    with Browser((390, 844), language="zh-CN") as phone:
        for name in chinese_story(phone, studio, tiny, script):
            for is_dark in (True, False):
                phone.dark(is_dark)
                assert phone.accessibility_violations() == [], (name, is_dark)
            assert phone.run("document.documentElement.scrollWidth") == 390, name
            assert phone.run("document.documentElement.lang") == "zh-CN", name
            seen.append(name)
    assert len(seen) == 14
