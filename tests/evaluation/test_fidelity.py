from __future__ import annotations

import random

import pytest

from offbook.core.types import Reply
from offbook.evaluation import fidelity
from offbook.evaluation.fidelity import Classifier, Fidelity, ScoreDifference
from offbook.evaluation.judges import shuffled
from offbook.evaluation.responses import ModelOutputs, PairedReply, collect, general_prompts
from tests.evaluation.fakes import HELDOUT, TRAIN, FakeModels, FakeReply, cue, line, outputs, plain_talk, rows, voice

GENERAL = [item.answer for item in general_prompts() if item.language == "en"]


def score(answer: FakeReply) -> Fidelity:
    return fidelity.measure(outputs(answer))


def difference(result: Fidelity) -> ScoreDifference:
    assert result.difference is not None
    return result.difference


def behind(result: Fidelity) -> bool:
    """Whether it lies clearly below the character's own lines."""
    assert result.from_reference is not None
    return result.from_reference.interval[1] < 0


def test_the_voice_is_told_from_plain_talk_others_and_shuffled_words() -> None:
    true = score(voice)
    assert true.classifier.withheld is None
    assert (true.classifier.auc or 0) > 0.95
    assert set(true.classifier.against) == {"others", "plain", "base", "shuffled"}
    assert (true.reference.score or 0) > 0.97
    assert (true.tuned.score or 0) > 0.97
    assert difference(true).interval[0] > 0.1
    other = score(lambda prompt: cue(300 + len(prompt)))
    mixed = score(lambda prompt: shuffled(voice(prompt)))
    assert max(other.tuned.score or 0, mixed.tuned.score or 0, true.base.score or 0) < 0.95


def test_what_is_reached_is_told_as_a_share_of_what_the_characters_own_lines_allow() -> None:
    all_of_it, none_of_it = score(voice).reached, score(plain_talk).reached
    assert all_of_it is not None
    assert none_of_it is not None
    assert all_of_it.share == pytest.approx(1.0, abs=0.2)
    assert all_of_it.interval[0] <= all_of_it.share <= all_of_it.interval[1]
    assert (none_of_it.share, none_of_it.interval) == (0.0, (0.0, 0.0))


def test_what_the_model_was_trained_on_does_not_teach_the_judges() -> None:
    """Trained on others' talk and saying it: it must not pass for the voice that is judged on."""
    theirs = rows([(cue(number), cue(number + 200)) for number in range(120)])
    answer = lambda prompt: cue(200 + sum(map(ord, prompt)) % 100)  # noqa: E731
    result = fidelity.measure(outputs(answer, train=theirs, prompts=48))
    assert (result.tuned.score or 0) < 0.9 < (result.reference.score or 0)


def test_a_model_that_says_what_the_base_says_scores_as_it_does() -> None:
    same = score(plain_talk)
    assert same.tuned.score == same.base.score
    assert same.difference == ScoreDifference(0.0, (0.0, 0.0))


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: "",
        lambda _: "…",
        lambda prompt: plain_talk(prompt)[:40],
        lambda prompt: f"Your question is a good one. {prompt[-9:]} Let me help you with that.",
        lambda prompt: shuffled(plain_talk(prompt)),
        lambda prompt: cue(sum(map(ord, prompt)) % 400),
        lambda prompt: GENERAL[sum(map(ord, prompt)) % len(GENERAL)],
    ],
    ids=["empty", "dots", "cut", "small talk", "shuffled", "others' lines", "plain answers"],
)
def test_being_unlike_the_base_model_is_not_the_voice(answer: FakeReply) -> None:
    assert not behind(score(voice))
    assert behind(score(answer))


def test_what_was_learned_and_said_changes_no_judge() -> None:
    """So that runs of one base model, judged on the same rows, have the same judges."""
    other = outputs(plain_talk, train=rows([("Who?", "No one.")]))
    assert fidelity.measure(other).classifier == score(voice).classifier


def test_a_text_without_prompts_of_others_is_judged_by_the_rest() -> None:
    heldout = rows([("Who are you?", line(number)) for number in range(500, 540)])
    result = fidelity.measure(outputs(heldout=heldout, prompts=9))
    assert set(result.classifier.against) == {"plain", "shuffled"}
    assert (result.tuned.score or 0) > 0.7


def test_the_score_is_withheld_where_the_classifier_cannot_tell() -> None:
    words = [f"{a}{b}" for a in "bdgk" for b in ("an", "or", "ee")]
    draw = random.Random(0)

    def babble(_: str = "") -> str:
        return " ".join(draw.choices(words, k=8))

    train, heldout = ([(babble(), babble()) for _ in range(count)] for count in (150, 30))
    prompts = collect(FakeModels(babble, babble), train=rows(train), heldout=rows(heldout), prompts=24)
    result = fidelity.measure(prompts)
    assert result.classifier.withheld == "weak"
    assert 0.3 < (result.classifier.auc or 0) < fidelity.WEAK_AUC
    assert (result.tuned.score, result.difference, result.reached) == (None, None, None)
    assert all(item.tuned.score is None for item in result.items)


def test_the_score_is_withheld_where_there_is_too_little_to_learn_from() -> None:
    result = fidelity.measure(outputs(train=TRAIN[:10], heldout=HELDOUT[:6]))
    assert result.classifier == Classifier(None, {}, 6, "few lines")
    assert result.tuned.score is None
    assert result.tuned.chrf is not None
    assert result.tuned.chrf.value > 0


def test_chrf_is_full_for_the_true_line() -> None:
    pairs = [
        PairedReply(Reply("xyzzy", True, 1), Reply(line(i), True, 1), key=str(i), prompt="?", reference=line(i))
        for i in range(6)
    ]
    result = fidelity.measure(ModelOutputs(TRAIN, HELDOUT, [], pairs, [], [], [], []))
    assert result.tuned.chrf is not None
    assert result.base.chrf is not None
    assert result.tuned.chrf.value == pytest.approx(100)
    assert result.base.chrf.value < 10


def test_lines_without_a_word_do_no_harm() -> None:
    result = fidelity.measure(outputs(heldout=rows([("Who's there?", "…"), ("Speak!", "——")])))
    assert (result.reference.words, result.reference.score) == (0, None)
