r"""What stands in a reply and nobody hears: thoughts, and calls of tools.

without_thoughts("<think>He asks again.</think>Since four.")
without_calls("Thought: I know it now.\nFinal Answer: Since four.")
"""

from __future__ import annotations

import json
import re

THOUGHT_ENDS = re.compile(r"</think(?:ing)?>|<\|end_of_thought\|>|◁/think▷", re.IGNORECASE)
THOUGHT = re.compile(
    r"<(thoughts?|reasoning|reflection|analysis|scratchpad|inner_thoughts?)>.*?</\1>\s*", re.IGNORECASE | re.DOTALL
)
UNENDED = re.compile(r"\s*(?:<think(?:ing)?>|<\|begin_of_thought\|>|◁think▷)", re.IGNORECASE)
"""The beginning of thoughts that were cut off before anything was said."""
PICTURE = re.compile(r"<(?:image|video|audio)>|<\|(?:image_pad|video_pad|audio_pad|vision_start)\|>|<img>[^<]*</img>")
"""What stands in a text for a picture, a film or a sound."""
UNWRITTEN = re.compile(
    r"\s*[\[(<【（]?(?:TODO|TBD|FIXME|XXX+|待补充?|待填写?|待定|待写|待完善|同上"
    r"|(?i:same as above|as above))[\])>】）]?[.。:：…\s]*"
    r"|\s*[\[(<【（]?(?:无|無|暂无|暫無|略|从略|空|空白|(?i:n\.a\.|to be (?:written|added|done)))[\])>】）]?\s*"
)
"""What stands in the place of a reply that nobody has written yet."""
ANSWER = re.compile(
    r"\s*(?:<(answer)>(.*)</\1>|<\|begin_of_solution\|>(.*?)(?:<\|end_of_solution\|>|\Z))\s*", re.IGNORECASE | re.DOTALL
)
"""What is said, where models that think first mark that, too."""
FINAL = re.compile(r"<\|channel\|>final[^<]*<\|message\|>(.*?)(?:<\|(?:end|return|start)\|>|\Z)", re.DOTALL)
"""What gpt-oss says in the channel that is heard."""
FOLDED = re.compile(r'<details type="(?:reasoning|tool_calls|code_interpreter)"[^>]*>.*?</details>\s*', re.DOTALL)
"""What Open WebUI folds away above the words of a reply: thoughts and calls."""
CALL = re.compile(r"<(tool_call|functioncall|function_call)>.*?(?:</\1>|<\|endoftext\|>|\Z)", re.DOTALL)
"""A call as Hermes, Qwen and Glaive write it into the text."""
STEP = re.compile(
    r"^[ \t>*]*(?:(?P<input>Action Input|行动输入|动作输入)|(?P<action>Action|行动|动作)|(?P<thought>Thoughts?|思考)"
    r"|(?P<result>Observation|观察)|(?P<answer>(?:Final )?Answer|最终答案|最终回答))\**[ \t]*[:：]\**",
    re.MULTILINE | re.IGNORECASE,
)
"""What heads a step of an agent that thinks, acts and observes in turn (ReAct), as LangChain and ToolBench write it."""
AGENT = ({"action", "input"}, {"action", "result"}, {"thought", "answer"})
"""Steps that none but an agent has together: people in a play think and act as well."""
CALLED = re.compile(r"[ \t]*\w+\[.*\]\s*")
"""The action of an agent that has no line for the input: `search[tides]`."""
FINISH = re.compile(r'"final_answer"\s*:\s*("(?:[^"\\]|\\.)*")')
"""The answer in ToolBench's last call."""


def without_thoughts(reply: str) -> str:
    """What is said after the thoughts before it, whose beginning may stand in the prompt's format; "" if nothing is."""
    if heard := FINAL.findall(reply):
        reply = heard[-1].strip()
    *thoughts, speech = THOUGHT_ENDS.split(FOLDED.sub("", reply) if "<details" in reply else reply)
    if not thoughts and UNENDED.match(speech):
        return ""
    speech, others = THOUGHT.subn("", speech)
    if not thoughts and not others:
        return speech
    answer = ANSWER.fullmatch(speech)
    return (answer[2] or answer[3] or "").strip() if answer else speech.lstrip()


def without_calls(reply: str) -> str:
    """A reply without what it calls; "" where it is nothing else."""
    text, calls = CALL.subn("", reply)
    return _answer(text.strip() if calls else text)


def _answer(reply: str) -> str:
    """What the steps of an agent lead to; "" where that is a call, and a reply without such steps as it stands."""
    if not (steps := list(STEP.finditer(reply))):
        return reply
    kinds = {step.lastgroup for step in steps}
    bounds = [*(step.start() for step in steps[1:]), len(reply)]
    parts = [(step.lastgroup, reply[step.end() : end]) for step, end in zip(steps, bounds, strict=True)]
    calls = [text for kind, text in parts if kind == "action" and CALLED.fullmatch(text)]
    if not calls and not any(needed <= kinds for needed in AGENT):
        return reply
    answers = [text for kind, text in parts if kind == "answer"]
    if not answers and (finish := FINISH.search(reply)):
        answers = [json.loads(finish[1], strict=False)]
    return answers[-1].strip() if answers else ""
