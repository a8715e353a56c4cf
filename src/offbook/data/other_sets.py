"""Rows of public data sets that are no conversations as they are: told by their columns, with what to do about them."""

from __future__ import annotations

from typing import NamedTuple

from offbook.core.i18n import marked, translate
from offbook.data.row_values import ColumnsError
from offbook.data.sources import Row


class OtherSet(NamedTuple):
    """A kind of rows that are not read."""

    columns: frozenset[str]
    """It has them all."""
    what: str
    fix: str


PAIR = marked("write the better answer of each pair as chosen and the other one as rejected, with the prompt as prompt")
CANDIDATES = marked(
    "write history and the last of the candidates, which is the answer, as messages, and personality as system"
)
PATHS = marked("write each path from the first message down to an answer as one row of messages: role and content")
CODEX = frozenset({"character_name", "description", "scenario"})
NO_LINES = marked(
    "nobody answers anybody in it; its text may be persona.system, and rows hold what is said and answered"
)
CHAT = marked("rows are made of it with offbook extract")
MESSENGER = marked("a chat that a messenger exports")
MESSENGER_KEYS = frozenset({"date_unixtime", "timestamp_ms", "timestampEdited"})
"""Keys that a message has in what Telegram, Messenger or Instagram, or DiscordChatExporter writes."""
OTHER_SETS = (
    OtherSet(frozenset({"mapping", "title"}), marked("a chat that ChatGPT exports"), CHAT),
    OtherSet(frozenset({"chat_messages", "uuid"}), marked("a chat that Claude exports"), CHAT),
    OtherSet(frozenset({"user_name", "character_name", "create_date"}), marked("a chat of SillyTavern's"), CHAT),
    OtherSet(frozenset({"chat_metadata", "user_name"}), marked("a chat of SillyTavern's"), CHAT),
    OtherSet(frozenset({"is_user", "mes"}), marked("a chat of SillyTavern's"), CHAT),
    *(
        OtherSet(frozenset({sender, text}), marked("one line of a conversation, with who says it"), CHAT)
        for sender in ("from", "sender", "speaker", "author", "说话人", "发送者", "发言人")
        for text in ("text", "message", "content", "line", "utterance", "内容", "台词", "消息")
    ),
    OtherSet(
        frozenset({"name", "lines"}),
        marked("somebody's lines without what they answer"),
        marked("write each in a row, with what is said before it as prompt and the line as reply"),
    ),
    OtherSet(frozenset({"message_tree_id", "prompt"}), marked("a tree of messages (OpenAssistant)"), PATHS),
    OtherSet(frozenset({"parent_id", "text", "role"}), marked("one message of a tree (OpenAssistant)"), PATHS),
    OtherSet(
        frozenset({"conversation_a", "conversation_b"}),
        marked("a pair of conversations (Chatbot Arena)"),
        marked("write the one that winner names as messages; leave ties out"),
    ),
    OtherSet(frozenset({"response1", "response2"}), marked("a pair of answers (HelpSteer3)"), PAIR),
    OtherSet(frozenset({"answer_0", "answer_1"}), marked("a pair of answers (WebGPT's comparisons)"), PAIR),
    OtherSet(
        frozenset({"dialogue_id", "services", "turns"}),
        marked("a dialogue with a service (MultiWOZ)"),
        marked("write its turns in a list called messages, with role: user for USER and assistant for SYSTEM"),
    ),
    OtherSet(frozenset({"personality", "utterances"}), marked("a dialogue with candidates (PersonaChat)"), CANDIDATES),
    OtherSet(
        frozenset({"personality", "candidates", "history"}),
        marked("a dialogue with candidates (PersonaChat)"),
        CANDIDATES,
    ),
    OtherSet(
        frozenset({"user_1_personas", "user_2_personas"}),
        marked("a dialogue of two described users (PersonaChat)"),
        marked("write its lines in a list called messages: role user or assistant, and content; the persona as system"),
    ),
    OtherSet(
        frozenset({"role_1", "message_1"}),
        marked("messages in columns by number (CAMEL)"),
        marked("write them in their order in a list called messages: role user or assistant, and content"),
    ),
    OtherSet(
        frozenset({"book", "plot", "conversations"}),
        marked("all conversations of a part of a book (CoSER)"),
        marked("write each of them as a row of its own: its dialogues as dialogue, and the character as character"),
    ),
    OtherSet(
        frozenset({"tag", "patterns", "responses"}),
        marked("an intent of a chatbot"),
        marked("write a row for each pattern: the pattern as prompt, and one of the responses as reply"),
    ),
    OtherSet(
        frozenset({"data", "annotations"}),
        marked("a task of Label Studio"),
        marked("export it as JSON-MIN or CSV, and name its columns: --data.columns prompt=COLUMN,reply=COLUMN"),
    ),
    OtherSet(
        frozenset({"fields", "responses"}),
        marked("a record of Argilla"),
        marked("write the fields of each as a row of their own: prompt and reply"),
    ),
    OtherSet(frozenset({"response_a", "response_b"}), marked("a pair of answers (Chatbot Arena)"), PAIR),
    OtherSet(frozenset({"human_ref_A", "human_ref_B"}), marked("a pair of answers (SHP)"), PAIR),
    OtherSet(
        frozenset({"meta_instruction", "chat"}),
        marked("a conversation in turns by number (MOSS)"),
        marked(
            "write its turns as a list, messages: Human as user, MOSS as assistant, without the marks <|…|> and <eo…>"
        ),
    ),
    OtherSet(
        frozenset({"segments"}),
        marked("text in segments (Axolotl's template-free format)"),
        marked("write the segments whose label is true as assistant, the others as user, in a list called messages"),
    ),
    OtherSet(
        frozenset({"context", "question", "answers"}),
        marked("a question about a passage (SQuAD)"),
        marked("write context and question as prompt, and the first text of answers as reply"),
    ),
    OtherSet(
        frozenset({"title", "paragraphs"}),
        marked("a passage with its questions (SQuAD)"),
        marked("write a row for each question: context and question as prompt, the first text of answers as reply"),
    ),
    OtherSet(
        frozenset({"id", "text", "file", "node", "lineNumber"}),
        marked("a line of a game's table of texts (Yarn Spinner)"),
        marked("name the .yarn files, which hold the lines in their order, in offbook extract"),
    ),
    OtherSet(
        frozenset({"positive_messages"}),
        marked("a row for embeddings or ranking (ms-swift)"),
        marked("nobody answers anybody in it; for training, write what is asked and answered as messages"),
    ),
    OtherSet(
        frozenset({"instruction", "completions"}),
        marked("a question with rated answers (UltraFeedback)"),
        marked("write instruction as prompt, and the response with the best score as reply"),
    ),
    OtherSet(
        frozenset({"prompt", "answers", "num_responses"}),
        marked("a question with ranked answers (Nectar)"),
        marked("write the answer of rank 1 as reply, beside its prompt"),
    ),
    OtherSet(
        frozenset({"custom_id", "response"}),
        marked("an answer of OpenAI's batches, without what was asked"),
        marked("join it by custom_id with the messages of its request, and write both as one row of messages"),
    ),
    OtherSet(frozenset({"first_mes", "mes_example"}), marked("a character card"), NO_LINES),
    OtherSet(
        frozenset({"character_name", "description", "scenario"}), marked("a description (Character Codex)"), NO_LINES
    ),
    OtherSet(
        frozenset({"role", "content"}),
        marked("one message of a conversation"),
        marked("write those of each conversation in one row: a list called messages"),
    ),
)


def other_set(row: Row) -> ColumnsError | None:
    """What to say of a row that could not be read, where it is of a known kind that holds no one conversation.

    Args:
        row: a row under its own names.
    """
    columns = {str(column).replace(" ", "_") for column in row}
    kind = next((kind for kind in OTHER_SETS if kind.columns <= columns), None)
    return kind and _error(kind.what, kind.fix)


def refuse_chat(row: Row) -> None:
    """Raises: ColumnsError: a row is a whole chat that a messenger exports, not a conversation to train on."""
    messages = row.get("messages")
    first = messages[0] if isinstance(messages, list) and messages and isinstance(messages[0], dict) else {}
    if MESSENGER_KEYS & first.keys():
        raise _error(MESSENGER, CHAT)


def _error(what: str, fix: str) -> ColumnsError:
    error = ColumnsError("it is {what}: {fix}", what=translate(what), fix=translate(fix))
    error.is_chat = fix == CHAT
    return error
