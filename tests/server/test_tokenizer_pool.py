"""Tokenizers of characters on one base: one in memory, several chat templates, ids as from each one's own."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from offbook.core.types import Turn
from offbook.models.load import load_tokenizer
from offbook.server.tokenizer_pool import TokenizerPool
from offbook.tokenization.builtin_templates import TEMPLATES
from offbook.tokenization.chat_template import ChatTemplate

TURNS = [Turn("system", "You are Ann."), Turn("user", "Who is there <|im_end|>?")]


def template(folder: Path, source: str | None = None) -> ChatTemplate:
    return ChatTemplate(load_tokenizer(folder, source), {})


def test_alike_ones_are_kept_once_and_keep_their_templates(tiny: Path) -> None:
    pool, ann, ben = TokenizerPool(), template(tiny), template(tiny, TEMPLATES["plain"])
    expected = [ann.prompt_ids(TURNS), ben.prompt_ids(TURNS)]
    shared = [pool.share(ann), pool.share(ben)]
    assert shared[0] is shared[1]
    assert ann.tokenizer.backend_tokenizer is ben.tokenizer.backend_tokenizer
    assert [ann.prompt_ids(TURNS), ben.prompt_ids(TURNS)] == expected
    assert expected[0] != expected[1]


def test_another_vocabulary_is_another_tokenizer(tiny: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny, tmp_path / "other")
    other = load_tokenizer(folder)
    other.add_tokens(["zounds"])
    other.save_pretrained(folder)
    pool, ann, ben = TokenizerPool(), template(tiny), template(folder)
    assert pool.share(ann) is not pool.share(ben)
    assert ann.text_ids("zounds") != ben.text_ids("zounds")


def test_texts_become_ids_while_others_are_read(tiny: Path) -> None:
    pool, ann = TokenizerPool(), template(tiny)
    shared = pool.share(ann)
    ids = ann.text_ids("Who is there?" * 20)

    def encode(_: int) -> list[int]:
        with shared.lock:
            return ann.text_ids("Who is there?" * 20)

    with ThreadPoolExecutor(8) as threads:
        encoded = threads.map(encode, range(50))
        decoded = threads.map(lambda _: shared.decoder.decode(ids), range(50))
        assert all(each == ids for each in encoded)
        assert set(decoded) == {"Who is there?" * 20}
