"""The next line of a scene: who speaks by which rule, what each hears, and in whose voice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from offbook.core.scene import Line, Scene
from offbook.server.scene import line_prompt, speak_line, stage_names
from offbook.tokenization.chat_template import ChatTemplate
from tests.server.conftest import Parrot, Served, served_model, serving
from tests.tiny import chatml_tokenizer

CAST = [{"model": "ann"}, {"model": "ben"}]


@pytest.fixture
def two() -> Iterator[Served]:
    with serving(names=("ann", "ben"), slots=2) as it:
        yield it


def ask(served: Served, **body: Any) -> httpx2.Response:
    return httpx2.post(f"{served.address}/v1/scene", json={"user": "Tom", "cast": CAST, **body}, timeout=30)


def test_whoever_is_addressed_speaks_and_hears_the_others_by_name(two: Served) -> None:
    lines = [{"name": "Ann", "text": "It smokes."}, {"name": "", "text": "(It rains.)"}]
    answer = ask(two, lines=lines, say="Ben, is the stove lit?").json()
    assert answer["model"] == "ben"
    assert answer["offbook"] == {
        "line": {"name": "Tom", "text": "Ben, is the stove lit?", "move": None},
        "speaker": "Ben",
        "then": [],
    }
    heard = "Ann: It smokes.\n(It rains.)\nTom: Ben, is the stove lit?"
    assert answer["choices"][0]["message"]["content"] == f"You said: {heard.partition('Tom:')[0].strip()}"
    assert f"<|im_start|>user\n{heard}<|im_end|>" in two.tuned.prompts[-1]
    assert two.tuned.prompts[-1].startswith("<|im_start|>system\nYou are Hamlet.")


def test_a_round_and_one_who_is_asked(two: Served) -> None:
    answer = ask(two, rule="round", say="Good evening.").json()
    assert (answer["model"], answer["offbook"]["speaker"], answer["offbook"]["then"]) == ("ann", "Ann", ["Ben"])
    answer = ask(two, rule="round", lines=[{"name": "Tom", "text": "Good evening."}], speaker="ben").json()
    assert (answer["model"], answer["offbook"]["then"], answer["offbook"]["line"]) == ("ben", [], None)


def test_who_leaves_is_not_asked_and_cannot_be(two: Served) -> None:
    answer = ask(two, say="(Ann leaves)").json()
    line = answer["offbook"]["line"]
    assert line == {"name": "Ann", "text": "(Ann leaves.)", "move": "leaves"}
    assert answer["offbook"]["speaker"] == "Ben"
    assert ask(two, lines=[line], say="Ann?").json()["offbook"]["speaker"] == "Ben"
    refused = ask(two, lines=[line], speaker="Ann")
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, "'Ann' is not among Ben")


@pytest.mark.parametrize("stream", [False, True])
def test_nobody_is_named_and_nobody_speaks(two: Served, stream: bool) -> None:
    answer = ask(two, rule="named", say="It is cold.", stream=stream)
    body = json.loads(answer.text.split("\n")[0].removeprefix("data: ")) if stream else answer.json()
    assert (body["choices"], body["offbook"]["speaker"]) == ([], None)
    assert answer.text.endswith("data: [DONE]\n\n") is stream
    assert two.tuned.prompts == []


def test_a_stream_says_first_whose_line_it_is(two: Served) -> None:
    text = ask(two, say="Ann?", stream=True).text
    events = [json.loads(line.removeprefix("data: ")) for line in text.split("\n") if line.startswith("data: {")]
    assert events[0]["offbook"]["speaker"] == "Ann"
    assert all("offbook" not in event for event in events[1:])
    assert "".join(event["choices"][0]["delta"].get("content", "") for event in events) == "You said: Tom: Ann?"


def test_a_line_ends_where_it_would_go_on_as_somebody_else(two: Served) -> None:
    two.tuned.words = "It smokes.\nBen: I lit it.\n"
    assert ask(two, say="Ann?").json()["choices"][0]["message"]["content"] == "It smokes."


def test_names_may_be_given_and_are_told_apart(two: Served) -> None:
    cast = [{"model": "ann", "name": "Anna"}, {"model": "ben"}]
    assert ask(two, cast=cast, say="Anna!").json()["model"] == "ann"
    refused = ask(two, user="Ben", say="Hello")
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, "two in the scene are named 'Ben'")
    faults: list[dict[str, Any]] = [
        {"cast": []},
        {"user": " "},
        {"rule": "all"},
        {"n": 2},
        {"lines": [{"name": "Tom"}]},
    ]
    for wrong in faults:
        assert ask(two, **wrong).status_code == 400


def test_one_who_is_not_served_is_told_by_name(two: Served) -> None:
    two.cast.remove("ben")
    refused = ask(two, say="Hello")
    assert refused.status_code == 404
    assert "'ben' is not served here any more" in refused.json()["error"]["message"]


def test_sampling_is_each_characters_own_unless_it_is_sent(two: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    generate = two.tuned.tokens

    def noting(*arguments: Any) -> Any:
        seen.append(arguments[1])
        return generate(*arguments)

    monkeypatch.setattr(two.tuned, "tokens", noting)
    ask(two, say="Ann?")
    ask(two, say="Ann?", temperature=0.25, max_tokens=3)
    assert [(each.temperature, each.max_new_tokens) for each in seen] == [(0.7, 160), (0.25, 3)]


def test_the_script_is_read_again_by_extract(two: Served, tmp_path: Path) -> None:
    from offbook.cli.main import main

    lines = [
        {"name": "Tom", "text": "Ann, is the stove lit?"},
        {"name": "Ann", "text": "Since four.\nIt <b>smokes</b>."},
        {"name": "Ann", "text": "(Ann leaves.)", "move": "leaves"},
        {"name": "Tom", "text": "And you, Ben?"},
        {"name": "Ben: the elder", "text": "I lit it."},
    ]
    answer = httpx2.post(f"{two.address}/v1/scene/script", json={"lines": lines})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.splitlines()[::2] == [
        "Tom: Ann, is the stove lit?", "Ann: Since four. It <b>smokes</b>.", "(Ann leaves.)", "Tom: And you, Ben?",
        "Ben the elder: I lit it.",
    ]  # fmt: skip
    (tmp_path / "scene.txt").write_text(answer.text, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["extract", str(tmp_path / "scene.txt"), "--role", "Ann", "--out", str(tmp_path / "rows.jsonl")])
    assert not ended.value.code
    rows = [json.loads(row) for row in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [[each["content"] for each in row["messages"]] for row in rows] == [
        ["Ann, is the stove lit?", "Since four. It smokes."]
    ]


def parrots(*names: str) -> list[Any]:
    parrot = Parrot(ChatTemplate(chatml_tokenizer()))
    return [served_model(parrot, parrot, name) for name in names]


def test_two_of_one_name_are_heard_by_the_names_of_their_runs() -> None:
    ann, other, ben = parrots("ann", "ann", "ben")
    other.name = "ann-2"
    assert stage_names([ann, other, ben]) == {"ann": ann, "ann-2": other, "Ben": ben}
    assert stage_names([ann, ben]) == {"Ann": ann, "Ben": ben}


def test_one_who_was_silent_long_has_not_heard_the_oldest_lines() -> None:
    (ann,) = parrots("ann")
    scene = Scene(
        "Tom", ["Ann", "Ben"], lines=[Line("Tom", f"Line {number} of a long evening.") for number in range(99)]
    )
    prompt = line_prompt(ann, scene, "Ann", ann.persona.generation)
    text = ann.template.tokenizer.decode(prompt.ids)
    assert len(prompt.ids) <= ann.context - 128
    assert "Line 98 of" in text
    assert "Line 1 of" not in text
    assert text.count("Tom: Line") > 10


def test_the_terminal_speaks_the_same_line(two: Served) -> None:
    scene = Scene("Tom", ["Ann", "Ben"])
    scene.add_line("Tom", "Good evening, Ben.")
    model = two.cast.find("ben")[0].model
    text = "".join(piece.text for piece in speak_line(model, scene, "Ben"))
    assert text == ask(two, say="Good evening, Ben.").json()["choices"][0]["message"]["content"]
    assert two.tuned.prompts[0] == two.tuned.prompts[1]
