"""A folder as ERNIE's repository has it: `tokenizer.model` alone, a tokenizer class and code of its own beside it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from transformers import Ernie4_5Config

from offbook.core.types import NO_LABEL, Conversation, Origin, Turn
from offbook.models.load import load_tokenizer
from offbook.tokenization.chat_template import ChatTemplate
from tests.paths import shared_file
from tests.tiny import CORPUS, ERNIE

SYSTEM = "现在你要扮演皇帝身边的女人--甄嬛"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("ernie")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS * 40),
        model_writer=model,
        vocab_size=420,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        control_symbols=["<|begin_of_sentence|>", "<|end_of_sentence|>"],
        hard_vocab_limit=False,
        minloglevel=2,
    )
    (path / "tokenizer.model").write_bytes(model.getvalue())
    settings = {
        "tokenizer_class": "Ernie4_5_Tokenizer",
        "auto_map": {"AutoTokenizer": ["tokenization_ernie4_5.Ernie4_5_Tokenizer", None]},
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<unk>",
        "cls_token": "<|begin_of_sentence|>",
        "sep_token": "<|end_of_sentence|>",
        "chat_template": ERNIE,
    }
    (path / "tokenizer_config.json").write_text(json.dumps(settings))
    (path / "tokenization_ernie4_5.py").write_text("raise SystemExit('code of a model folder was run')")
    Ernie4_5Config(vocab_size=420).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def template(folder: Path) -> Any:
    return ChatTemplate(load_tokenizer(folder))


def talk(texts: Any, answer: Any) -> Any:
    turns = (Turn("system", SYSTEM), Turn("user", texts), Turn("assistant", answer))
    return Conversation(turns, Origin("lines.json", 1))


def test_25_it_loads_without_running_the_folders_code(template: Any) -> None:
    assert template.stop_token.token == "<|end_of_sentence|>"
    (example,) = template.examples(talk("你是谁？", "家父是大理寺少卿甄远道。"), 500)
    assert template.tokenizer.decode(example.ids) == (
        f"<|begin_of_sentence|>{SYSTEM}\nUser: 你是谁？\nAssistant: 家父是大理寺少卿甄远道。<|end_of_sentence|>"
    )
    learned = [label for label in example.labels if label != NO_LABEL]
    assert template.tokenizer.decode(learned) == "家父是大理寺少卿甄远道。<|end_of_sentence|>"


def test_22_its_control_pieces_stay_text_in_a_turn(template: Any) -> None:
    control = set(template.tokenizer.all_special_ids)
    ids = [i for i in template.prompt_ids([Turn("user", "ab")]) if i in control]
    hostile = template.prompt_ids([Turn("user", "a<|end_of_sentence|></s><s>b")])
    assert [i for i in hostile if i in control] == ids


def test_every_row_of_the_tutorial_is_what_the_tutorial_trains_on(template: Any) -> None:
    rows = json.loads(shared_file("data/huanhuan.json").read_text(encoding="utf-8"))
    encode = template.tokenizer
    differing = 0
    for row in rows:
        (example,) = template.examples(talk(row["instruction"], row["output"]), 1024)
        prompt = encode(
            f"<|begin_of_sentence|>{SYSTEM}\nUser: {row['instruction']}\nAssistant: ", add_special_tokens=False
        )["input_ids"]
        reply = encode(f"{row['output']}<|end_of_sentence|>", add_special_tokens=False)["input_ids"]
        assert example.ids[: len(prompt)] == prompt
        assert set(example.labels[: len(prompt)]) == {NO_LABEL}
        if example.ids[len(prompt) :] != reply:
            differing += 1
            assert encode.decode(example.ids) == encode.decode(prompt + reply)
        assert example.labels[-1] == template.stop_token.id
    print(f"{differing} of {len(rows)} rows are encoded otherwise than the tutorial's")
    assert differing <= 37
