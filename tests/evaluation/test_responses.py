from __future__ import annotations

import pytest

from offbook.core.errors import UsageError
from offbook.core.types import Conversation, Origin, Turn
from offbook.evaluation.responses import collect, general_prompts, key, sample
from tests.evaluation.fakes import HELDOUT, TRAIN, FakeModels, line, plain_talk, row, rows


def test_both_models_are_asked_the_same_and_only_as_much_as_was_told() -> None:
    models = FakeModels(plain_talk, plain_talk)
    result = collect(models, train=TRAIN, heldout=HELDOUT, sample_prompts=[(Turn("user", "Who are you?"),)], prompts=7)
    assert (len(result.replies), len(result.sample_replies), len(result.general_replies)) == (7, 1, 5)
    (first, prompts), (second, again) = models.generated
    assert (first, second) == (False, True)
    assert prompts == again
    assert len(prompts) == 13
    assert all(turns[0] == Turn("system", "You are Will.") for turns in prompts[:7])
    assert all(turns[0].role == "user" for turns in prompts[8:]), "everyday requests know no character"
    assert [reply.prompt for reply in result.general_replies] == [turns[-1].text for turns in prompts[8:]]
    assert all(reply.reference in {row.replies[-1] for row in HELDOUT} for reply in result.replies)


def test_a_prompt_is_asked_once_however_many_rows_share_it() -> None:
    many = rows([("Who are you?", line(number)) for number in range(51)] + [("What news?", line(99))])
    assert [row.prompt for row in sample(many, 24, seed=0)] in (
        ["Who are you?", "What news?"],
        ["What news?", "Who are you?"],
    )


def test_a_larger_sample_holds_the_smaller_one() -> None:
    assert sample(HELDOUT, 20, seed=0)[:8] == sample(HELDOUT, 8, seed=0)
    assert sample(HELDOUT, 8, seed=0) == sample(HELDOUT[::-1], 8, seed=0)
    assert sample(HELDOUT, 8, seed=0) != sample(HELDOUT, 8, seed=1)


def test_keys_tell_conversations_apart() -> None:
    assert key(row("a", "b").turns) == key(row("a", "b", line=9, file="other").turns)
    assert key(row("a", "b").turns) != key(row("ab", "").turns)
    turns = row("a", "b").turns
    assert key((Turn("system", "You are Will."), *turns)) == key((Turn("system", "Be Will."), *turns)) == key(turns)


def test_nothing_to_judge_on_is_a_users_mistake() -> None:
    with pytest.raises(UsageError, match="no held-out rows"):
        collect(FakeModels(plain_talk, plain_talk), train=TRAIN, heldout=[], prompts=24)
    first_line = Conversation((Turn("assistant", "Who's there?"),), Origin("x", 1))
    with pytest.raises(UsageError, match="no held-out row has a prompt"):
        collect(FakeModels(plain_talk, plain_talk), train=TRAIN, heldout=[first_line], prompts=24)


def test_losses_that_are_not_finite_are_a_users_mistake() -> None:
    with pytest.raises(UsageError, match="not finite"):
        collect(FakeModels(plain_talk, plain_talk, gain=float("nan")), train=TRAIN, heldout=HELDOUT, prompts=9)


def test_the_general_prompts_are_many_different_and_in_both_languages() -> None:
    general = general_prompts()
    assert len({item.prompt for item in general}) == len(general) >= 60
    assert sum(item.shown for item in general) == 5
    for language in ("en", "zh"):
        mine = [item for item in general if item.language == language]
        assert len(mine) >= 30
        assert any(item.shown for item in mine)
        assert all(any("\u4e00" <= letter <= "\u9fff" for letter in item.prompt) == (language == "zh") for item in mine)
    assert all(item.answer.strip() for item in general)
