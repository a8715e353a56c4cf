from __future__ import annotations

from typing import Any

import pytest

from offbook.core.config import schema
from offbook.evaluation.messages import wording
from offbook.evaluation.responses import collect
from offbook.evaluation.scorecard import scorecard
from offbook.evaluation.verdict import ENDED, RULES, findings, headline
from tests.evaluation.fakes import HELDOUT, TRAIN, FakeModels, cue, evidence, good_card, line, plain, row
from tests.evaluation.fakes import rows as rows_of

RISING = [{"step": 0, "heldout_loss": 4.5}, {"step": 10, "heldout_loss": 4.0}, {"step": 20, "heldout_loss": 4.3}]


def rules(card: dict[str, Any], metrics: list[dict[str, Any]] | None = None) -> set[str]:
    return {finding.rule for finding in findings(card, metrics or [])}


def test_a_good_run_is_praised_and_nothing_else() -> None:
    found = findings(good_card())
    assert [finding.rule for finding in found] == ["learned", "sounds_right"]
    assert headline(found) == "Learned the part, found the voice."
    assert found[0].number == good_card()["heldout"]["difference"]["loss"]
    assert found[0].option is None
    assert headline(findings(good_card(), lang="zh"), "zh") == "学会了角色，抓住了语气。"


def test_one_that_recites_is_told_so_with_the_number_and_the_option() -> None:
    found = findings(scorecard(evidence(lambda prompt: TRAIN[len(prompt)].replies[-1])))
    copies = next(finding for finding in found if finding.rule == "copies")
    assert copies.as_json()["number"] == 1.0 and copies.option == "train.epochs"
    assert "100% of its replies are training lines" in copies.text
    assert headline(found).endswith("; but it copies 100% of its lines.")


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"gain": -0.5}, "harmed"),
        ({"kl": 1.2}, "forgets"),
        ({"kl": 0.3}, "drifts"),
        ({"stops": lambda text: len(text) % 2 == 0}, "endless"),
        ({"tuned": plain}, "sounds_alike"),
        ({"tuned": lambda prompt: cue(sum(map(ord, prompt)) % 400)}, "sounds_closer"),
        ({"tuned": lambda prompt: "…"}, "sounds_wrong"),
        ({"tuned": lambda prompt: "I will go and " * 9}, "loops"),
        ({"tuned": lambda prompt: " "}, "empty"),
        ({"tuned": lambda prompt: " ".join(f"{prompt}{n}" for n in range(20))}, "long"),
    ],
)
def test_each_fault_is_named(settings: dict[str, Any], rule: str) -> None:
    assert rule in rules(scorecard(evidence(**settings)))
    assert rule not in rules(good_card())


def test_whom_training_harmed_has_not_found_the_voice() -> None:
    found = scorecard(evidence(gain=-0.5))
    assert found["fidelity"]["tuned"]["score"] > found["fidelity"]["base"]["score"]
    assert headline(findings(found)) == "Was harmed by training."


def test_no_difference_is_not_called_learning() -> None:
    card = good_card()
    card["heldout"]["difference"] = {"loss": -0.01, "interval": [-0.05, 0.03]}
    assert "not_learned" in rules(card) and "learned" not in rules(card)


def test_few_rows_make_nothing_clear() -> None:
    card = good_card()
    assert card["heldout"]["difference"]["interval"][1] < 0
    card["heldout"]["rows"] = 9
    assert {"unclear", "few_rows"} <= rules(card) and not {"learned", "not_learned", "harmed"} & rules(card)
    assert "cannot be said from 9 held-out rows" in findings(card)[0].text
    assert (
        headline(
            findings(
                {
                    **card,
                    "fidelity": {
                        "classifier": {"auc": None, "lines": 9, "withheld": "few lines"},
                        "tuned": {"words": 1},
                        "own": {"words": 1},
                    },
                }
            )
        )
        == "Nothing is clear yet."
    )


def test_few_copies_may_be_chance() -> None:
    """One of eight replies is a stock phrase that a training line has too."""
    heldout = rows_of([(cue(number), f"Nay, {number} and {number}.") for number in range(40)])
    said = iter([TRAIN[0].replies[-1]])
    models = FakeModels(plain, lambda prompt: next(said, "I do not know thee."))
    card = scorecard(collect(models, train=TRAIN, heldout=heldout, prompts=8))
    assert card["copying"]["excess"] == 1 / 8 and "copies" not in rules(card)


def test_judged_on_what_was_learned_the_numbers_are_said_to_flatter() -> None:
    card = scorecard(collect(FakeModels(plain, plain), train=TRAIN, heldout=[*TRAIN[:20], *HELDOUT], prompts=9))
    assert next(finding for finding in findings(card) if finding.rule == "learned_before").number == pytest.approx(
        1 / 3
    )


def test_a_limit_that_cuts_the_characters_own_lines_is_not_the_models_fault() -> None:
    heldout = [row(cue(number), f"{line(number)} " * 4) for number in range(500, 540)]
    cut = FakeModels(plain, lambda prompt: "And then we went on and on and", stops=lambda text: False)
    card = scorecard(collect(cut, train=TRAIN, heldout=heldout, prompts=24))
    assert card["stops"]["own"] == {"share": 0.0, "interval": card["stops"]["own"]["interval"], "limit": 9}
    assert "cut_off" in rules(card) and "endless" not in rules(card)


def test_three_endless_replies_of_twenty_four_are_not_yet_a_fault() -> None:
    said = iter(["And then, and then"] * 3)
    models = FakeModels(plain, lambda prompt: next(said, "No."), stops=lambda text: text == "No.")
    card = scorecard(collect(models, train=TRAIN, heldout=HELDOUT, prompts=24))
    card["stops"]["own"]["share"] = 1.0
    assert card["stops"]["tuned"]["share"] == 21 / 24 < ENDED and "endless" not in rules(card)


def test_a_curve_that_rises_again_is_named_unless_the_best_checkpoint_was_kept() -> None:
    card = good_card()
    assert "overfits" in rules(card, RISING)
    assert "overfits" not in rules(card, RISING[:2])
    harmed = [{"step": 0, "heldout_loss": 4.0}, {"step": 10, "heldout_loss": 5.0}]
    assert "overfits" not in rules(card, harmed), "before its first step it was the base model"
    assert "overfits" not in rules({**card, "about": {"step": 10}}, RISING)
    assert next(f for f in findings(card, RISING) if f.rule == "overfits").number == pytest.approx(0.3)


def test_a_withheld_score_says_why() -> None:
    few = scorecard(collect(FakeModels(plain, plain), train=TRAIN[:9], heldout=HELDOUT[:6], prompts=24))
    assert {"fidelity_few", "few_rows"} <= rules(few) and not {"sounds_right", "sounds_wrong", "sounds_alike"} & rules(
        few
    )
    few["fidelity"]["classifier"] = {"auc": 0.55, "withheld": "weak"}
    assert "fidelity_weak" in rules(few)


def test_every_rule_has_its_sentence_and_every_option_exists() -> None:
    options = {name for name, _ in schema.options()}
    for lang in ("en", "zh"):
        assert list(wording(lang)["verdict"]) == list(RULES)
    assert all(rule.option is None or rule.option in options for rule in RULES.values())
    assert all((rule.option is None) == (rule.tone == "good") for rule in RULES.values())
