from __future__ import annotations

import random

import pytest

from offbook.core.types import Reply
from offbook.evaluation import fidelity
from offbook.evaluation.responses import ModelOutputs, PairedReply, collect, general_prompts
from tests.evaluation.fakes import HELDOUT, TRAIN, FakeModels, cue, evidence, line, plain, rows

GENERAL = [item.answer for item in general_prompts() if item.language == "en"]


def score(answer) -> dict:  # type: ignore[no-untyped-def]
    return fidelity.measure(evidence(answer)).summary


def voice(prompt: str) -> str:
    return line(700 + sum(map(ord, prompt)) % 200)


def test_the_voice_is_told_from_plain_talk_others_and_shuffled_words() -> None:
    true = score(voice)
    assert true["classifier"]["withheld"] is None and true["classifier"]["auc"] > 0.95
    assert set(true["classifier"]["against"]) == {"others", "plain", "base", "shuffled"}
    assert true["own"]["score"] > 0.97 and true["tuned"]["score"] > 0.97
    assert true["difference"]["interval"][0] > 0.1
    other = score(lambda prompt: cue(300 + len(prompt)))
    shuffled = score(lambda prompt: fidelity._shuffled(voice(prompt)))
    assert max(other["tuned"]["score"], shuffled["tuned"]["score"], true["base"]["score"]) < 0.95


def test_what_the_model_was_trained_on_does_not_teach_the_judges() -> None:
    """Trained on others' talk and saying it: it must not pass for the voice that is judged on."""
    theirs = rows([(cue(number), cue(number + 200)) for number in range(120)])
    models = FakeModels(plain, lambda prompt: cue(200 + sum(map(ord, prompt)) % 100))
    summary = fidelity.measure(collect(models, train=theirs, heldout=HELDOUT, prompts=48)).summary
    assert summary["tuned"]["score"] < 0.9 < summary["own"]["score"]


def test_a_model_that_says_what_the_base_says_scores_as_it_does() -> None:
    same = score(plain)
    assert same["tuned"]["score"] == same["base"]["score"]
    assert same["difference"] == {"score": 0.0, "interval": [0.0, 0.0]}


@pytest.mark.parametrize(
    "answer",
    [
        lambda prompt: "",
        lambda prompt: "…",
        lambda prompt: plain(prompt)[:40],
        lambda prompt: f"Your question is a good one. {prompt[-9:]} Let me help you with that.",
        lambda prompt: fidelity._shuffled(plain(prompt)),
        lambda prompt: cue(sum(map(ord, prompt)) % 400),
        lambda prompt: GENERAL[sum(map(ord, prompt)) % len(GENERAL)],
    ],
    ids=["empty", "dots", "cut", "small talk", "shuffled", "others' lines", "plain answers"],
)
def test_being_unlike_the_base_model_is_not_the_voice(answer) -> None:  # type: ignore[no-untyped-def]
    assert score(voice)["from_own"]["interval"][1] >= 0
    assert score(answer)["from_own"]["interval"][1] < 0


def test_what_was_learned_and_said_changes_no_judge() -> None:
    """So that runs of one base model, judged on the same rows, have the same judges."""
    other = collect(FakeModels(plain, plain), train=rows([("Who?", "No one.")]), heldout=HELDOUT, prompts=24)
    assert fidelity.measure(other).summary["classifier"] == score(voice)["classifier"]


def test_a_text_without_prompts_of_others_is_judged_by_the_rest() -> None:
    heldout = rows([("Who are you?", line(number)) for number in range(500, 540)])
    found = fidelity.measure(collect(FakeModels(plain, voice), train=TRAIN, heldout=heldout, prompts=9)).summary
    assert set(found["classifier"]["against"]) == {"plain", "shuffled"} and found["tuned"]["score"] > 0.7


def test_plain_answers_are_in_the_characters_language() -> None:
    chinese = rows([(f"第{number}问？", f"臣妾给皇上请安，第{number}回。") for number in range(30)])
    for heldout, letters in ((chinese, True), (HELDOUT, False)):
        own = [row.replies[-1] for row in heldout]
        asked = collect(FakeModels(plain, voice), train=TRAIN, heldout=heldout, prompts=2)
        answers = fidelity._impostors(asked, own, [])["plain"]
        assert sum(fidelity._is_chinese(text) == letters for text in answers) > 20
        assert not (letters and "Fish" in "".join(answers))


def test_the_score_is_withheld_where_the_classifier_cannot_tell() -> None:
    words = [f"{a}{b}" for a in "bdgk" for b in ("an", "or", "ee")]
    chance = random.Random(0)
    babble = lambda _="": " ".join(chance.choices(words, k=8))  # noqa: E731
    train, heldout = ([(babble(), babble()) for _ in range(count)] for count in (150, 30))
    asked = collect(FakeModels(babble, babble), train=rows(train), heldout=rows(heldout), prompts=24)
    found = fidelity.measure(asked)
    assert found.summary["classifier"]["withheld"] == "weak"
    assert 0.3 < found.summary["classifier"]["auc"] < fidelity.WEAK_AUC
    assert found.summary["tuned"]["score"] is None and "difference" not in found.summary
    assert all(item["tuned"]["fidelity"] is None for item in found.items["replies"])


def test_the_score_is_withheld_where_there_is_too_little_to_learn_from() -> None:
    asked = collect(FakeModels(plain, voice), train=TRAIN[:10], heldout=HELDOUT[:6], prompts=24)
    summary = fidelity.measure(asked).summary
    assert summary["classifier"] == {"auc": None, "against": {}, "lines": 6, "withheld": "few lines"}
    assert summary["tuned"]["score"] is None and summary["tuned"]["chrf"]["value"] > 0


def test_chrf_is_full_for_the_true_line() -> None:
    pairs = [PairedReply(str(i), "?", line(i), Reply("xyzzy", True, 1), Reply(line(i), True, 1)) for i in range(6)]
    summary = fidelity.measure(ModelOutputs(TRAIN, HELDOUT, [], pairs, [], [], [], [])).summary
    assert summary["tuned"]["chrf"]["value"] == 100.0
    assert summary["base"]["chrf"]["value"] < 5


def test_style_tells_length_and_vocabulary() -> None:
    style = fidelity._style(["to be or not to be", "亲爱的"], {"to", "be", "亲"}, 6)
    assert style == {"words": 4.5, "distinct_share": round(4 / 6, 6), "known_share": round(5 / 9, 6)}


def test_who_says_more_is_not_thereby_less_varied() -> None:
    short, long = score(lambda prompt: "Ay, my lord."), score(lambda prompt: "Ay, my lord. " * 40)
    for side in ("base", "own"):
        assert short[side]["distinct_share"] >= long[side]["distinct_share"] > 0
    assert long["tuned"]["distinct_share"] == pytest.approx(short["tuned"]["distinct_share"], abs=0.05)


def test_words_are_shuffled_within_their_writing() -> None:
    assert sorted(fidelity._shuffled("to be or not").split()) == ["be", "not", "or", "to"]
    assert sorted(fidelity._shuffled("臣妾遵旨")) == sorted("臣妾遵旨")
    assert fidelity._shuffled("to be or not") == fidelity._shuffled("to be or not")


def test_lines_without_a_word_do_no_harm() -> None:
    asked = collect(
        FakeModels(plain, voice), train=TRAIN, heldout=rows([("Who's there?", "…"), ("Speak!", "——")]), prompts=24
    )
    summary = fidelity.measure(asked).summary
    assert summary["own"]["words"] == 0 and summary["own"]["score"] is None
