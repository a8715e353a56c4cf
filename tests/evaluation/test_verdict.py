from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from offbook.core.config import schema
from offbook.core.types import Conversation
from offbook.evaluation.conditions import ENDED
from offbook.evaluation.fidelity import Classifier
from offbook.evaluation.heldout_loss import HeldoutLoss, LossDifference
from offbook.evaluation.messages import wording
from offbook.evaluation.rules import OVERRULES, RULES, Change
from offbook.evaluation.scorecard import About, Scorecard, scorecard
from offbook.evaluation.stopping import Stopping
from offbook.evaluation.verdict import Finding, Verdict, judge
from offbook.evaluation.verdict_inputs import VerdictInputs
from tests.evaluation.fakes import HELDOUT, TRAIN, cue, good_card, line, outputs, plain_talk, row, with_section
from tests.evaluation.fakes import rows as rows_of

RISING = [{"step": 0, "heldout_loss": 4.5}, {"step": 10, "heldout_loss": 4.0}, {"step": 20, "heldout_loss": 4.3}]


def verdict(answer: Any = None, **settings: Any) -> Verdict:
    """The verdict of fake models; see `outputs`."""
    return judge(scorecard(outputs(answer, **settings) if answer else outputs(**settings)))


def rules(card: Scorecard, metrics: list[dict[str, Any]] | None = None) -> set[str]:
    return {finding.rule for finding in judge(card, metrics or []).findings}


def finding(result: Verdict, rule: str) -> Finding:
    return next(each for each in result.findings if each.rule == rule)


def many(count: int) -> list[Conversation]:
    return rows_of([(cue(number), line(number)) for number in range(count)])


def test_a_good_run_is_praised_with_the_size_of_what_it_learned() -> None:
    result = judge(good_card())
    assert [each.rule for each in result.findings] == ["learned", "sounds_right"]
    assert result.headline == (
        "Learned the part: its loss on unseen lines fell by 13% (95% interval 12% to 13%); sounds like the character: "
        "100% of what its own lines allow (100% to 100%)."
    )
    assert result.findings[0].number == good_card().section(HeldoutLoss).gain.share == pytest.approx(0.126, abs=1e-3)
    assert result.findings[0].option is None


def test_it_is_said_in_chinese_too() -> None:
    assert judge(good_card(), lang="zh").headline == (
        "学会了角色：没见过的台词上损失降低 13%（95% 区间 12% 到 13%）；"
        "说话像这个角色：达到角色自己台词的 100%（100% 到 100%）。"
    )


def test_one_that_recites_is_told_so_with_the_number_and_the_option() -> None:
    result = verdict(lambda prompt: TRAIN[len(prompt)].replies[-1])
    copies = finding(result, "copies")
    assert copies.to_json()["number"] == 1.0
    assert copies.option == "train.epochs"
    assert "100% of its replies are training lines" in copies.text
    assert result.headline.endswith("; but it copies training lines in 100% of its replies.")


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"gain": -0.5}, "harmed"),
        ({"gain": 0.0}, "barely"),
        ({"kl": 1.2}, "forgets"),
        ({"kl": 0.3}, "drifts"),
        ({"stops": lambda text: len(text) % 2 == 0}, "endless"),
        ({"answer": plain_talk}, "sounds_alike"),
        ({"answer": lambda prompt: cue(sum(map(ord, prompt)) % 400)}, "sounds_closer"),
        ({"answer": lambda _: "…"}, "sounds_wrong"),
        ({"answer": lambda _: "I will go and " * 9}, "loops"),
        ({"answer": lambda _: " "}, "empty"),
        ({"answer": lambda prompt: " ".join(f"{prompt}{n}" for n in range(20))}, "long"),
        ({"answer": lambda _: "brz kvoop unterglim asfd"}, "broken"),
    ],
)
def test_each_fault_is_named(settings: dict[str, Any], rule: str) -> None:
    assert rule in {each.rule for each in verdict(**settings).findings}
    assert rule not in rules(good_card())


def test_whom_training_harmed_has_not_found_the_voice() -> None:
    card = scorecard(outputs(gain=-0.5))
    assert (card.sections["fidelity"].tuned.score or 0) > (card.sections["fidelity"].base.score or 0)
    assert judge(card).headline == "Was harmed by training: its loss on unseen lines rose from 4.38 to 4.83."


def test_no_difference_is_not_called_learning() -> None:
    card = with_section(good_card(), "heldout", difference=LossDifference(-0.01, (-0.05, 0.03)))
    assert "not_learned" in rules(card)
    assert "learned" not in rules(card)


def test_a_loss_that_fell_by_one_percent_is_not_the_part_learned() -> None:
    result = verdict(gain=0.02)
    assert result.findings[0].rule == "barely"
    assert result.findings[0].option == "train.epochs"
    assert "its loss fell by only 1.7% (95% interval 1.5% to 1.8%), from 4.38 to 4.31" in result.findings[0].text
    assert "but it learned next to nothing" in result.headline


def gibberish(prompt: str) -> str:
    return " ".join(f"x{ord(letter) * 7 % 97}q" for letter in prompt[:12])


def test_gibberish_is_called_so_however_clearly_the_loss_fell() -> None:
    """Of random weights: what it says is noise before and after, though it expects its lines a little better."""
    both = scorecard(
        replace(outputs(gibberish), replies=[replace(r, base=r.tuned) for r in outputs(gibberish).replies])
    )
    result = judge(both)
    assert result.headline == "Speaks gibberish, as its base model does."
    only = finding(result, "gibberish")
    assert only.option == "model.source"
    assert not {"learned", "barely", "sounds_right", "sounds_closer"} & {each.rule for each in result.findings}
    assert [each.option for each in result.findings if each.option] == ["model.source"], "all other advice is idle"


def test_an_adapter_that_does_nothing_is_not_a_matter_of_chance() -> None:
    still = outputs(plain_talk, kl=0.0, prompts=9)
    same = [replace(score, tuned=score.base) for score in still.scores]
    result = judge(scorecard(replace(still, scores=same)))
    assert result.headline == "Is still the base model: the adapter changes nothing."
    assert [each.option for each in result.findings if each.option] == ["train.learning_rate"], (
        "no more replies asked for"
    )
    moved = [*same[1:], replace(same[0], tuned=same[0].base - 0.01)]
    assert "unchanged" not in rules(scorecard(replace(still, scores=moved)))


@pytest.mark.parametrize(
    ("reply", "foreign"), [("我不认识你，天也黑了。", True), ("…", False), ("O thou 月亮, my lady!", False)]
)
def test_answers_in_another_language_are_named(reply: str, foreign: bool) -> None:
    result = verdict(lambda _: reply, prompts=12)
    assert ("other_script" in {each.rule for each in result.findings}) == foreign
    if foreign:
        assert "but it answers in another language" in result.headline
        assert [each.option for each in result.findings if each.option] == ["model.source"], "all other advice is idle"


def test_one_that_says_nothing_has_not_learned_the_part() -> None:
    result = verdict(lambda _: " ", prompts=12)
    assert "says nothing in 100% of its replies" in result.headline
    assert "learned" not in {each.rule for each in result.findings}


def test_a_loss_above_that_of_letter_statistics_is_gibberish() -> None:
    worse = scorecard(outputs(gain=-20.0))
    assert "broken" in rules(worse)
    assert "broken" not in rules(scorecard(outputs(gain=-0.5)))


def test_few_lines_get_the_one_advice_that_helps() -> None:
    """A writer with 38 lines is told how many are needed, once, and is not told to hold more of them back."""
    card = scorecard(outputs(train=many(35), heldout=HELDOUT[:3]))
    result = judge(card)
    assert finding(result, "too_few_lines").option == "data.source"
    assert "about 200 in all" in finding(result, "too_few_lines").text
    assert result.headline == "There are too few lines to tell (38, where about 200 are needed)."
    assert [each.option for each in result.findings if each.option] == ["data.source"]
    assert not {"learned", "not_learned", "harmed"} & rules(card)
    assert not any("old out" in each.text.split(" are ")[-1] for each in result.findings)


def test_few_held_out_rows_of_many_lines_are_a_matter_of_the_split() -> None:
    result = verdict(train=many(600), heldout=HELDOUT[:9])
    few = finding(result, "too_few_rows")
    assert few.option == "data.heldout"
    assert "Of 609 rows, hold out 5% (data.heldout 0.05)" in few.text
    assert [each.option for each in result.findings].count("data.heldout") == 1
    assert "few_rows" in {each.rule for each in verdict(train=many(600), heldout=HELDOUT[:20]).findings}


def test_more_lines_are_asked_for_where_the_loss_is_less_sure() -> None:
    def needed(change: float, reach: float) -> float:
        card = scorecard(outputs(train=many(50), heldout=HELDOUT[:12]))
        unsure = with_section(card, "heldout", difference=LossDifference(change, (change - reach, change + reach)))
        numbers = RULES["few_lines"].applies(VerdictInputs(unsure))
        assert numbers is not None
        return numbers["needed"]

    assert needed(-0.5, 0.2) == needed(-0.5, 0.6) == 200
    assert needed(-0.2, 0.4) == 250
    assert needed(-0.01, 0.4) == 550, "no more than a hundred held-out rows are asked for"


def test_advice_never_contradicts_itself() -> None:
    """Learning by heart asks for less training, replies that do not end for more: only the graver advice is given."""
    recites = lambda prompt: TRAIN[len(prompt)].replies[-1]  # noqa: E731
    result = verdict(recites, stops=lambda _: False)
    assert {"copies", "endless"} <= {each.rule for each in result.findings}
    assert finding(result, "copies").option == "train.epochs"
    assert finding(result, "endless").option is None
    assert "Train longer" not in " ".join(each.text for each in result.findings)


def test_no_advice_overrules_one_that_overrules_it() -> None:
    assert all(stronger not in OVERRULES.get(weaker, ()) for stronger, all_ in OVERRULES.items() for weaker in all_)
    changes = [rule.change for rule in RULES.values() if rule.change]
    assert set(changes) == set(Change), "a change that no rule advises"


def test_advice_is_given_once() -> None:
    result = verdict(lambda prompt: TRAIN[len(prompt)].replies[-1], gain=-0.5)
    assert finding(result, "harmed").option == "train.learning_rate"
    assert finding(result, "copies").option is None
    assert " ".join(each.text for each in result.findings).count("fewer epochs") == 1


def test_few_copies_may_be_chance() -> None:
    """One of eight replies is a stock phrase that a training line has too."""
    heldout = rows_of([(cue(number), f"Nay, {number} and {number}.") for number in range(40)])
    texts = iter([TRAIN[0].replies[-1]])
    card = scorecard(outputs(lambda _: next(texts, "I do not know thee."), heldout=heldout, prompts=8))
    assert card.sections["copying"].excess == 1 / 8
    assert "copies" not in rules(card)


def test_judged_on_what_was_learned_the_numbers_are_said_to_flatter() -> None:
    result = verdict(plain_talk, heldout=[*TRAIN[:20], *HELDOUT], prompts=9)
    assert finding(result, "learned_before").number == pytest.approx(1 / 3, abs=1e-5)


def test_a_limit_that_cuts_the_characters_own_lines_is_not_the_models_fault() -> None:
    heldout = [row(cue(number), f"{line(number)} " * 4) for number in range(500, 540)]
    card = scorecard(outputs(lambda _: "And then we went on and on and", heldout=heldout, stops=lambda _: False))
    room = card.section(Stopping).reference
    assert (room.share, room.limit) == (0.0, 9)
    assert "cut_off" in rules(card)
    assert "endless" not in rules(card)


def test_three_endless_replies_of_twenty_four_are_not_yet_a_fault() -> None:
    texts: Iterator[str] = iter(["And then, and then"] * 3)
    card = scorecard(outputs(lambda _: next(texts, "No."), stops=lambda text: text == "No."))
    stops = card.section(Stopping)
    card = with_section(card, "stops", reference=replace(stops.reference, share=1.0))
    assert stops.tuned.share == 21 / 24 < ENDED
    assert "endless" not in rules(card)


def test_a_curve_that_rises_again_is_named_unless_the_best_checkpoint_was_kept() -> None:
    card = good_card()
    assert "overfits" in rules(card, RISING)
    assert "overfits" not in rules(card, RISING[:2])
    harmed = [{"step": 0, "heldout_loss": 4.0}, {"step": 10, "heldout_loss": 5.0}]
    assert "overfits" not in rules(card, harmed), "before its first step it was the base model"
    assert "overfits" not in rules(replace(card, about=About(step=10)), RISING)
    assert finding(judge(card, RISING), "overfits").number == pytest.approx(0.3)


def test_a_withheld_score_says_why() -> None:
    card = scorecard(outputs(train=TRAIN[:9], heldout=HELDOUT[:6]))
    assert "fidelity_few" in rules(card)
    assert not {"sounds_right", "sounds_wrong", "sounds_alike"} & rules(card)
    weak = Classifier(0.55, {}, 60, "weak")
    assert "fidelity_weak" in rules(with_section(card, "fidelity", classifier=weak))


def test_every_rule_has_its_sentences_and_every_option_exists() -> None:
    options = {name for name, _ in schema.options()}
    for lang in ("en", "zh"):
        assert list(wording(lang)["verdict"]) == list(RULES)
        for name, rule in RULES.items():
            sentences = wording(lang)["verdict"][name]
            assert set(sentences) == {"text", "advice", "headline"}
            assert bool(sentences["advice"]) == (rule.option is not None), name
            assert rule.tone == "note" or sentences["headline"], name
    for rule in RULES.values():
        assert rule.option is None or rule.option in options
        assert (rule.option is None) == (rule.change is None) == (rule.tone == "good")
