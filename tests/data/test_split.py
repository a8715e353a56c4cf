"""The split: deterministic, stable, and without a leak that independent code can find."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offbook.core.types import Conversation
from offbook.data import leakage, loading
from offbook.data.split import Split, against, split
from tests.data.made import row_of
from tests.paths import shared_file

WORDS = [chr(0x4E00 + number * 37) + chr(0x5E00 + number * 31) for number in range(300)]


def rows(count: int, seed: int = 0, scenes: int = 0) -> list[Conversation]:
    """Different lines; every tenth answers a prompt that was asked before, every tenth nearly repeats a row."""
    rng = random.Random(seed)
    made: list[Conversation] = []
    for number in range(count):
        prompt, reply = "".join(rng.choices(WORDS, k=5)), "".join(rng.choices(WORDS, k=12))
        if made and number % 10 == 3:
            prompt = rng.choice(made).prompt
        elif made and number % 10 == 6:
            like = rng.choice(made)
            prompt, reply = like.prompt + "啊", like.replies[0] + "呢"
        scene = f"scene {number * scenes // count}" if scenes else None
        made.append(row_of(prompt, reply, line=seed * 10_000 + number, scene=scene))
    return made


def sides(parts: Split) -> dict[Conversation, str]:
    return {row: side for side in ("train", "heldout", "dropped") for row in getattr(parts, side)}


def test_every_row_is_on_one_pile_in_its_order() -> None:
    given_rows = rows(500)
    parts = split(given_rows, 0.1, 0)
    order = {row: number for number, row in enumerate(given_rows)}
    assert len(parts.train) + len(parts.heldout) + len(parts.dropped) == 500
    assert len(sides(parts)) == 500
    for pile in (parts.train, parts.heldout, parts.dropped):
        assert pile == sorted(pile, key=order.__getitem__)
    assert parts.by == "prompt"


def test_the_share_is_about_what_was_asked() -> None:
    for share in (0.02, 0.1, 0.5):
        assert len(split(rows(2000), share, 3).heldout) / 2000 == pytest.approx(share, rel=0.35)
    nothing = split(rows(50), 0, 0)
    assert (len(nothing.train), nothing.heldout, nothing.by) == (50, [], "none")


def test_deterministic_by_seed() -> None:
    given_rows = rows(300)
    assert split(given_rows, 0.1, 5) == split(given_rows, 0.1, 5)
    assert split(given_rows, 0.1, 5).heldout != split(given_rows, 0.1, 6).heldout


@pytest.mark.parametrize("scenes", [0, 30])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_leaks_where_a_random_split_does(seed: int, scenes: Any) -> None:
    parts = split(rows(1000, seed, scenes), 0.1, seed)
    measured = leakage.measure(parts, seed)
    assert measured.split == leakage.Leak(rows=len(parts.heldout), exact=0, near=0, prompt=0, scene=0)
    assert measured.random.near > 5
    assert measured.random.prompt > 5
    assert bool(scenes) == (measured.random.scene > 50)
    assert parts.by == ("scene" if scenes else "prompt")


@pytest.mark.parametrize("scenes", [0, 12])
@pytest.mark.parametrize("place", ["behind", "before", "between"])
def test_adding_rows_moves_none_across(place: Any, scenes: Any) -> None:
    old = rows(400, 1, scenes)
    new = rows(200, 2) + [row_of(row.prompt, "另一个回答", line=9) for row in old[:40]]
    new += [row_of(row.prompt + "呀", row.replies[0], line=8, scene=row.origin.scene) for row in old[40:80]]
    mixed = [*old, *new]
    if place == "between":
        random.Random(0).shuffle(mixed)
    before = sides(split(old, 0.1, 0))
    after = sides(split([*new, *old] if place == "before" else mixed, 0.1, 0))
    moved = [row for row in old if {before[row], after[row]} == {"train", "heldout"}]
    assert moved == []
    if place == "behind":
        assert [after[row] for row in old] == [before[row] for row in old]


def test_a_row_that_joins_two_sides_is_left_out_and_counted() -> None:
    old = rows(400)
    parts = split(old, 0.1, 0)
    held, learned = parts.heldout[3], parts.train[3]
    joins_prompt_and_reply = row_of(learned.prompt, held.replies[0], line=7)
    joins_row_and_reply = row_of(held.prompt + "啊", learned.replies[0], line=7)
    for joining in (joins_prompt_and_reply, joins_row_and_reply):
        after = split([*old, joining], 0.1, 0)
        assert (after.train, after.heldout) == (parts.train, parts.heldout)
        assert after.dropped == [*parts.dropped, joining]


def test_a_huge_scene_swallows_nothing() -> None:
    huge = [row_of(row.prompt, *row.replies, line=row.origin.line, scene="huge") for row in rows(900)]
    others = rows(100, 1, scenes=20)
    for seed in range(20):
        parts = split([*huge, *others], 0.1, seed)
        assert all(row.origin.scene != "huge" for row in parts.heldout)
        assert 1 <= len(parts.heldout) <= 40


def test_one_scene_alone_is_split_by_prompts() -> None:
    parts = split([row_of(row.prompt, *row.replies, scene="the only one") for row in rows(400)], 0.1, 0)
    assert parts.by == "prompt"
    assert 15 < len(parts.heldout) < 80


def test_one_prompt_alone_is_split_by_rows() -> None:
    parts = split([row_of("", *row.replies) for row in rows(400)], 0.1, 0)
    assert parts.by == "row"
    same = split([row_of("说话", *row.replies) for row in rows(400)], 0.1, 0)
    assert same.by == "row"
    assert 15 < len(same.heldout) < 80
    assert leakage.measure(same, 0).split.near == 0


def test_one_row_many_times_is_learned_and_never_held_out() -> None:
    parts = split([row_of("说话", "我说了同样的一句很长的话")] * 100, 0.1, 0)
    assert (len(parts.train), parts.heldout, parts.dropped, parts.by) == (100, [], [], "none")


def test_few_scenes_are_never_without_a_heldout_one_and_stay_put() -> None:
    for seed in range(10):
        play = rows(300, 0, scenes=15)
        parts = split(play, 0.1, seed)
        scenes = {row.origin.scene for row in parts.heldout}
        assert scenes
        sequel = [
            row_of(r.prompt, *r.replies, line=r.origin.line, scene=f"sequel {r.origin.scene}") for r in rows(100, 3, 5)
        ]
        after = split([*play, *sequel], 0.1, seed)
        assert [row for row in after.train if row.origin.scene in scenes] == []


def test_text_that_repeats_everywhere_costs_no_training() -> None:
    pattern = [
        row_of(f"第{number}号问题", "我是一个乐于助人的角色，很高兴为您效劳，请问有什么吩咐") for number in range(200)
    ]
    for seed in range(10):
        assert len(split(pattern, 0.1, seed).train) >= 170


def test_against_takes_the_users_choice_as_it_is() -> None:
    all_rows = rows(10)
    parts = against(all_rows, all_rows[:3])
    assert (parts.train, parts.heldout, parts.dropped, parts.by) == (all_rows, all_rows[:3], [], "file")
    assert leakage.measure(parts, 0).split == leakage.Leak(rows=3, exact=3, near=3, prompt=3, scene=0)


def test_the_leak_measure_counts_each_kind() -> None:
    learned = [row_of("你从哪里来？", "我从很远很远的东土大唐而来，要往西天去", scene="a"), row_of("", "是。")]
    judged = [
        row_of("你从哪里来?", "不告诉你"),
        row_of("换一个问题", "我从很远很远的东土大唐而来，要往西天去呢"),
        row_of("你从哪里来？", "我从很远很远的东土大唐而来，要往西天去"),
        row_of("没有见过", "也没有见过", scene="a"),
        row_of("", "否。"),
    ]
    parts = Split(learned, judged, [], "file")
    assert leakage.measure(parts, 0).split == leakage.Leak(rows=5, exact=1, near=2, prompt=2, scene=1)


def test_nothing_held_out_leaks_nothing() -> None:
    assert leakage.measure(split(rows(5), 0, 0), 0).split == leakage.Leak(0, 0, 0, 0, 0)


LINES = st.builds(
    row_of, st.sampled_from(["", "a", "b", "你是谁？", "你是谁"]), st.sampled_from(["好。", "好", "x" * 20, "x" * 21])
)


@given(st.lists(LINES, min_size=1, max_size=60), st.floats(0, 0.99), st.integers())
def test_any_rows_split_without_a_leak(given_rows: Any, share: Any, seed: int) -> None:
    parts = split(given_rows, share, seed)
    assert len(parts.train) + len(parts.heldout) + len(parts.dropped) == len(given_rows)
    measured = leakage.measure(parts, 0).split
    assert (measured.exact, measured.near) == (0, 0)
    assert measured.prompt == 0 or parts.by == "row"


def test_the_tutorials_rows() -> None:
    conversations = loading.load([shared_file("data/huanhuan.json")]).conversations
    parts = split(conversations, 0.05, 0)
    measured = leakage.measure(parts, 0)
    assert len(parts.heldout) == 163
    assert len(parts.dropped) == 3
    assert measured.split == leakage.Leak(rows=163, exact=0, near=0, prompt=0, scene=0)
    assert measured.random.near >= 5
    assert "你是谁？" in {row.prompt for row in parts.train}
