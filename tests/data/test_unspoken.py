"""What stands in a reply and nobody hears."""

import pytest

from offbook.data.unspoken import without_thoughts


@pytest.mark.parametrize(
    "reply",
    [
        "<think>He asks again.</think>\n\nSince four.",
        '<details type="reasoning" done="true" duration="2">\n<summary>Thought for 2 seconds</summary>\n> He asks.\n'
        "</details>\nSince four.",
        '<details type="tool_calls" done="true" id="x">\n<summary>Tool</summary>\n</details>\n'
        '<details type="reasoning" done="true">\n> Hm.\n</details>\nSince four.',
        "<reasoning>He asks again.</reasoning>\nSince four.",
        "<thought>He asks.</thought><answer>Since four.</answer>",
        "<|begin_of_thought|>He asks.<|end_of_thought|>\n<|begin_of_solution|>Since four.<|end_of_solution|>",
    ],
    ids=["tags", "Open WebUI", "Open WebUI, with a tool", "another tag", "with an answer", "OpenThoughts"],
)
def test_thoughts_are_no_part_of_a_reply(reply: str) -> None:
    assert without_thoughts(reply) == "Since four."


def test_a_fold_of_the_speaker_s_own_stays() -> None:
    reply = "<details><summary>The lamp</summary>Since four.</details>"
    assert without_thoughts(reply) == reply


def test_thoughts_that_were_cut_off_are_no_reply() -> None:
    assert without_thoughts("<think>He asks again, and the") == ""
    assert without_thoughts("I <think> so.") == "I <think> so."
