from __future__ import annotations

import pytest

from offbook.evaluation import language
from offbook.evaluation.language import LetterModel
from tests.evaluation.fakes import outputs

NOISE = ["zrq", "blim", "opfex", "kwu", "tsarn", "yy", "ghoft"]


def test_words_of_the_rows_and_of_everyday_talk_are_known() -> None:
    result = language.measure(outputs())
    assert result.tuned.share > 0.95
    assert result.reference.share == 1.0
    assert result.base.share > 0.5, "plain talk is made of words, too"


def test_noise_is_not() -> None:
    result = language.measure(outputs(lambda prompt: " ".join(NOISE[len(prompt) % 5 :])))
    assert result.tuned.share == 0.0
    assert result.tuned.interval == (0.0, 0.0)
    assert result.tuned.words == sum(item.tuned.words for item in result.items) > 0


def test_the_letter_model_is_a_distribution() -> None:
    model = LetterModel(["to be", "or not to be"])
    singles = sum(model._single(letter) for letter in model.singles)
    assert singles + language.ALPHABET * model._single("\u2603") == pytest.approx(1.0)
    pairs = sum(model._pair("t", letter) for letter in model.singles)
    assert pairs + language.ALPHABET * model._pair("t", "\u2603") == pytest.approx(1.0)


def test_it_expects_what_it_has_seen() -> None:
    model = LetterModel(["to be or not to be"] * 20)
    assert model.loss("not to be") < 15 < 30 < model.loss("qxzkvjwmp")


def test_a_models_loss_is_set_beside_that_of_letters() -> None:
    result = language.measure(outputs())
    assert result.above_letters.tuned.interval[1] < 0, "four nats a word is less than letter statistics need"
    worse = language.measure(outputs(gain=-20.0))
    assert worse.above_letters.tuned.interval[0] > 0
    assert worse.letter_loss == result.letter_loss
