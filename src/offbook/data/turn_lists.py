"""The turns of a conversation in a row: who speaks, what is said, and whose lines are the character's.

turns_of([{"role": "user", "content": "Lit?"}, {"role": "assistant", "content": "Since four."}], "messages")
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from offbook.core.i18n import marked
from offbook.core.text import normalize
from offbook.core.types import Role, Turn
from offbook.data import verdicts
from offbook.data.row_values import (
    CALLS,
    GEMINI_CALLS,
    PAIRS,
    ROLES,
    SPEAKERS,
    TEXTS,
    WEIGHTS,
    RowError,
    content_of,
    list_of,
    only_text,
    text_of,
    weight_of,
)
from offbook.data.sources import kind_of

TOOLS = ("observation", "tool", "function", "tool_response")
"""Who answers a call; the `name` of its message is the tool's."""
QUESTION_ROLES = (("q", "a"), ("question", "answer"), ("问", "答"), ("問", "答"), ("提问", "回答"))
"""Who asks and who answers, where none but these two speak."""
UNHEARD_TYPES = ("verbose", "follow_up", "function_call", "knowledge", "reasoning")
"""Kinds of messages (Coze, OpenAI) beside what is asked and answered: calls, thoughts, proposed questions."""
TURN_TEXT = marked("the text of turn {number}")
TURN_PART = marked("{column} of turn {number}")


def text_in(turn: Mapping[str, Any]) -> Any:
    """What is said in a turn: of several versions (SillyTavern's swipes) the chosen one; None where it has no text."""
    versions, chosen = turn.get("swipes"), turn.get("swipe_id")
    if isinstance(versions, list) and isinstance(chosen, int) and 0 <= chosen < len(versions):
        return versions[chosen]
    return next((turn[key] for key in TEXTS if key in turn), None)


def speaker_of(turn: Mapping[str, Any]) -> Any:
    """Who speaks in a turn, as it says itself; None where it does not."""
    return next((turn[key] for key in SPEAKERS if turn.get(key) is not None), None)


def turns_of(value: Any, name: str, character: str | None = None) -> Iterator[Turn]:
    """The turns in a list of messages, whatever its keys are called.

    Args:
        value: objects with one of `SPEAKERS` and one of `TEXTS`; or with `is_human`
            (PIPPA); or with `input` and `output`, and perhaps `system` (xtuner); or a role and text: {"user": "Hi"},
            ["user", "Hi"].
        name: what the list is in the row.
        character: whose turns are the replies where speakers have names.

    Raises:
        RowError: the list holds anything else.
    """
    turns = [_with_keys(turn) for turn in _one_conversation(list_of(value, name))]
    turns = of_questions(turns)
    speakers = [speaker_of(turn) for turn in turns if isinstance(turn, dict)]
    names = {speaker for speaker in speakers if isinstance(speaker, str) and speaker.lower() not in (*ROLES, *CALLS)}
    is_named = character is not None and any(normalize(speaker) == normalize(character) for speaker in names)
    if names and not is_named and not any(isinstance(each, str) and each.lower() in ROLES for each in speakers):
        _refuse_strangers((each for each in speakers if isinstance(each, str) and each in names), character)
    are_several = len(names) > 2 or any(
        isinstance(each, str) and ROLES.get(each.lower()) == "user" for each in speakers
    )
    others = _others_by_name(turns, character)
    for number, turn in enumerate(turns, 1):
        if not isinstance(turn, dict):
            raise RowError("turn {number} is not an object but {kind}", number=number, kind=kind_of(turn))
        pair = next((pair for pair in PAIRS if pair[1] in turn and pair[0] in turn), None)
        speaker = speaker_of(turn)
        if "role" not in turn and "from" not in turn and (pair is not None or "output" in turn):
            prompt, answer = pair or PAIRS[0]
            yield Turn("system", text_of(turn.get("system") or "", TURN_PART, column="system", number=number))
            yield Turn("user", text_of(turn.get(prompt) or "", TURN_PART, column=prompt, number=number))
            reply = text_of(only_text(turn[answer]), TURN_PART, column=answer, number=number)
            yield Turn("assistant", reply, weight=weight_of(turn))
            continue
        if any(verdicts.BAD.fullmatch(key) and verdicts.turns_down(key, value) for key, value in turn.items()):
            continue  # deleted
        if turn.get("type") in UNHEARD_TYPES:
            continue
        content = text_in(turn)
        parts = content if isinstance(content, list) else []
        is_call = bool(turn.get("tool_calls") or turn.get("function_call") or any(map(_is_call, parts)))
        is_tools = isinstance(speaker, str) and (speaker.lower() in CALLS or _names_tool(turn, speaker))
        if (is_call and not content) or is_tools:
            continue  # a call is no speech; what the tool answers is read
        text = content_of(content, TURN_TEXT, number=number)
        if is_call and not text.strip():
            continue
        if is_named and speaker in names:
            assert character is not None
            if normalize(speaker) == normalize(character):
                yield Turn("assistant", text, weight=_weight(turn))
            else:
                yield Turn("user", with_speaker(speaker, text) if are_several else text)
            continue
        if number in others:
            yield Turn("user", _headed(others[number], text))
            continue
        role = _role(turn, number)
        yield Turn(role, text, weight=_weight(turn) if role == "assistant" else 1.0)


def _weight(turn: Mapping[str, Any]) -> float:
    """The weight of a reply: 0, too, where somebody has turned it down (`"feedback": "thumbs_down"`)."""
    is_turned_down = any(verdicts.turns_down(key, value) for key, value in turn.items() if key not in WEIGHTS)
    return 0.0 if is_turned_down else weight_of(turn)


def assistants_of(turns: Iterable[Any]) -> list[str]:
    """The names that messages of the assistant bear (OpenAI's `name`), each once, in the order of their first ones."""
    names: dict[str, str] = {}
    for side, name in map(_side_and_name, turns):
        if side == "assistant" and name:
            names.setdefault(normalize(name), name)
    return list(names.values())


def _others_by_name(turns: Sequence[Any], character: str | None) -> dict[int, str]:
    """What others than the character say, where messages have a `name` beside their role (OpenAI) and several do.

    Returns:
        The number of each such turn (from 1), and the name that is to stand before its text; "" where none need be.

    Raises:
        RowError: replies of several characters are to be learned, and none of them is `character`.
    """
    sides = [_side_and_name(turn) for turn in turns]
    learned = assistants_of(turn for turn, (side, _) in zip(turns, sides, strict=True) if side and weight_of(turn))
    heard = {normalize(name) for name in learned if len(learned) == 1 or normalize(name) == normalize(character or "")}
    if learned and not heard:
        _refuse_strangers(learned, character)
    others = {
        number: name
        for number, (side, name) in enumerate(sides, 1)
        if side == "user" or (heard and name and normalize(name) not in heard)
    }
    if len({normalize(name) for name in others.values()}) > 1:
        return others
    return {number: "" for number in others if sides[number - 1][0] == "assistant"}


def _side_and_name(turn: Any) -> tuple[str | None, str]:
    """Which side a message is on, and the name that it bears beside its role; (None, "") for any other turn."""
    role = turn.get("role", turn.get("from")) if isinstance(turn, dict) else None
    side = ROLES.get(role.lower()) if isinstance(role, str) and role.lower() not in TOOLS else None
    if side not in ("user", "assistant"):
        return None, ""
    name = turn.get("name")
    return side, name.strip() if isinstance(name, str) and name.strip().lower() not in ROLES else ""


def _headed(name: str, text: str) -> str:
    """A text after its speaker's name, which may stand there already."""
    is_bare = name and text.strip() and not text.lstrip().startswith((f"{name}:", f"{name}："))
    return with_speaker(name, text) if is_bare else text


def _one_conversation(turns: list[Any]) -> list[Any]:
    """The turns of a list, or of the one list of turns in it.

    Raises:
        RowError: it holds several.
    """
    if not turns or not all(isinstance(each, list) and each and isinstance(each[0], dict) for each in turns):
        return turns
    if len(turns) > 1:
        raise RowError("it holds {count} conversations: write each as a row of its own, as messages", count=len(turns))
    return list(turns[0])


def _with_keys(turn: Any) -> Any:
    """A turn that is nothing but a role and its text, with a key for each; any other as it is."""
    if isinstance(turn, list) and len(turn) == 2 and isinstance(turn[1], str):
        role, text = turn
    elif isinstance(turn, dict) and len(turn) == 1:
        ((role, text),) = turn.items()
    else:
        return turn
    return {"role": role, "content": text} if str(role).lower() in ROLES else turn


def of_questions(turns: list[Any]) -> list[Any]:
    """Turns by Q and A, or question and answer, with the roles of who asks and who answers; any others as they are."""
    speakers = {str(speaker_of(turn)).strip().lower() for turn in turns if isinstance(turn, dict)}
    roles = next((pair for pair in QUESTION_ROLES if speakers == set(pair)), None)
    if roles is None:
        return turns
    return [
        {**turn, "role": "user" if str(speaker_of(turn)).strip().lower() == roles[0] else "assistant"}
        for turn in turns
        if isinstance(turn, dict)
    ]


def _is_call(part: Any) -> bool:
    return isinstance(part, dict) and (part.get("type") == "tool_use" or any(call in part for call in GEMINI_CALLS))


def _names_tool(turn: Mapping[str, Any], speaker: str) -> bool:
    """Whether a message of the assistant's is for a tool that its `metadata` names (GLM-4), and for nobody's ears."""
    tool = turn.get("metadata")
    return speaker.lower() == "assistant" and isinstance(tool, str) and bool(tool.strip()) and " " not in tool


def _role(turn: Mapping[str, Any], number: int) -> Role:
    for flag in ("is_human", "is_user"):
        if isinstance(turn.get(flag), bool):
            return "user" if turn[flag] else "assistant"
    speaker = speaker_of(turn)
    if speaker is None:
        raise RowError("turn {number} does not say who speaks: write role: user or assistant into it", number=number)
    role = ROLES.get(speaker.lower()) if isinstance(speaker, str) else None
    if role is None:
        raise RowError(
            "turn {number} is by '{speaker}', known are {names}; if that is the character, say so with --persona.name",
            number=number,
            speaker=speaker,
            names=", ".join(ROLES),
        )
    return role


def with_speaker(speaker: str, text: str) -> str:
    """A line of one of several others, after its speaker's name."""
    return f"{speaker}{'：' if not normalize(speaker).isascii() else ': '}{text}"


def dialogue_turns(lines: Iterable[tuple[str, str]], character: str | None) -> Iterator[Turn]:
    """A conversation between people with names, up to the character's last line.

    Where several others speak, each of their lines begins with its speaker's name.

    Raises:
        RowError: the character does not speak in it.
    """
    lines = list(lines)
    is_reply = [character is not None and normalize(speaker) == normalize(character) for speaker, _ in lines]
    if True not in is_reply:
        _refuse_strangers((speaker for speaker, _ in lines), character)
    others = {speaker for (speaker, _), is_character in zip(lines, is_reply, strict=True) if not is_character}
    end = len(lines) - is_reply[::-1].index(True)
    for (speaker, text), is_character in zip(lines[:end], is_reply, strict=False):
        if is_character:
            yield Turn("assistant", text)
        else:
            yield Turn("user", with_speaker(speaker, text) if len(others) > 1 else text)


def alternating(texts: Sequence[str]) -> Iterator[Turn]:
    """A conversation of two whom nobody names: who speaks second is the character, and has the last word."""
    for number, text in enumerate(texts[: len(texts) // 2 * 2]):
        yield Turn("assistant" if number % 2 else "user", text)


def _refuse_strangers(speakers: Iterable[str], character: str | None) -> NoReturn:
    """Raises: RowError: the character is none of those who speak."""
    names = ", ".join(dict.fromkeys(speakers))
    if character is None:
        raise RowError(
            "its dialogue is between {names}: say whose replies are learned with --persona.name", names=names[:80]
        )
    raise RowError(
        "nobody in its dialogue is called '{character}' (it is between {names}); "
        "say whose replies are learned with --persona.name",
        character=character,
        names=names[:80],
    )
