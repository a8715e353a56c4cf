from __future__ import annotations

import random

from offbook.core.types import Reply
from offbook.evaluate import fidelity
from offbook.evaluate.evidence import Evidence, Exchange, gather
from tests.evaluate.fakes import HELDOUT, TRAIN, FakeModels, cue, evidence, line, plain, rows


def score(answer) -> dict:  # type: ignore[no-untyped-def]
    return fidelity.measure(evidence(answer)).summary


def voice(prompt: str) -> str:
    return line(700 + sum(map(ord, prompt)) % 200)


def test_the_voice_is_told_from_plain_talk_others_and_shuffled_words() -> None:
    true = score(voice)
    assert true["classifier"]["withheld"] is None and true["classifier"]["auc"] > 0.95
    assert set(true["classifier"]["against"]) == {"others", "base", "shuffled"}
    assert true["own"]["score"] == true["classifier"]["auc"]
    assert true["tuned"]["score"] > 0.95 and true["difference"]["interval"][0] > 0.1
    other = score(lambda prompt: cue(300 + len(prompt)))
    shuffled = score(lambda prompt: fidelity._shuffled(voice(prompt)))
    assert max(other["tuned"]["score"], shuffled["tuned"]["score"], true["base"]["score"]) < 0.9


def test_what_the_model_was_trained_on_does_not_teach_the_judges() -> None:
    """Trained on others' talk and saying it: it must not pass for the voice that is judged on."""
    theirs = rows([(cue(number), cue(number + 200)) for number in range(120)])
    models = FakeModels(plain, lambda prompt: cue(200 + sum(map(ord, prompt)) % 100))
    summary = fidelity.measure(gather(models, train=theirs, heldout=HELDOUT, prompts=48)).summary
    assert summary["tuned"]["score"] < 0.9 < summary["own"]["score"]


def test_the_base_models_own_replies_score_nothing_by_being_known() -> None:
    """A tuned model that says just what the base says must score as the base does, fold by fold."""
    same = score(plain)
    assert same["tuned"]["score"] == same["base"]["score"]
    assert same["difference"] == {"score": 0.0, "interval": [0.0, 0.0]}


def test_the_score_is_withheld_where_the_classifier_cannot_tell() -> None:
    words = [f"{a}{b}" for a in "bdgk" for b in ("an", "or", "ee")]
    chance = random.Random(0)
    babble = lambda _="": " ".join(chance.choices(words, k=8))  # noqa: E731
    train, heldout = ([(babble(), babble()) for _ in range(count)] for count in (150, 30))
    asked = gather(FakeModels(babble, babble), train=rows(train), heldout=rows(heldout), prompts=24)
    found = fidelity.measure(asked)
    assert found.summary["classifier"]["withheld"] == "weak"
    assert 0.3 < found.summary["classifier"]["auc"] < fidelity.WEAK_AUC
    assert found.summary["tuned"]["score"] is None and "difference" not in found.summary
    assert all(item["tuned"]["fidelity"] is None for item in found.items["replies"])


def test_the_score_is_withheld_where_there_is_too_little_to_learn_from() -> None:
    asked = gather(FakeModels(plain, voice), train=TRAIN[:10], heldout=HELDOUT[:6], prompts=24)
    summary = fidelity.measure(asked).summary
    assert summary["classifier"] == {"auc": None, "against": {}, "lines": 6, "withheld": "few lines"}
    assert summary["tuned"]["score"] is None and summary["tuned"]["chrf"]["value"] > 0


def test_chrf_is_full_for_the_true_line() -> None:
    pairs = [Exchange(str(i), "?", line(i), Reply("xyzzy", True, 1), Reply(line(i), True, 1)) for i in range(6)]
    summary = fidelity.measure(Evidence(TRAIN, HELDOUT, [], pairs, [], [], [], [])).summary
    assert summary["tuned"]["chrf"]["value"] == 100.0
    assert summary["base"]["chrf"]["value"] < 5


def test_style_tells_length_and_vocabulary() -> None:
    style = fidelity._style(["to be or not to be", "亲爱的"], {"to", "be", "亲"})
    assert style == {"words": 4.5, "distinct_share": round(7 / 9, 6), "known_share": round(5 / 9, 6)}


def test_words_are_shuffled_within_their_writing() -> None:
    assert sorted(fidelity._shuffled("to be or not").split()) == ["be", "not", "or", "to"]
    assert sorted(fidelity._shuffled("臣妾遵旨")) == sorted("臣妾遵旨")
    assert fidelity._shuffled("to be or not") == fidelity._shuffled("to be or not")


def test_lines_without_a_word_do_no_harm() -> None:
    asked = gather(
        FakeModels(plain, voice), train=TRAIN, heldout=rows([("Who's there?", "…"), ("Speak!", "——")]), prompts=24
    )
    summary = fidelity.measure(asked).summary
    assert summary["own"]["words"] == 0 and summary["own"]["score"] is None
