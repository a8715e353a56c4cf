"""Exports of chats that are often tried and not read, as the head of the file shows them, and what to do instead."""

from __future__ import annotations

from offbook.core.i18n import marked

AS_TABLE = marked("Make a table of it (CSV) with columns for who writes, the text and the time.")
WITH_OTHERS = marked("Export the channel with DiscordChatExporter, which has what everybody wrote.")
FROM_THE_APP = marked(
    "Copy the conversations from the app into a table (CSV) with columns for who writes, the text and the time."
)
SUBTITLES = marked("a file of subtitles as JSON")
AS_SUBTITLES = marked(
    "Download them as .srt or .vtt. If those name nobody either, write who speaks before each line (Ann: Is it lit?)."
)
CATALOGUE = marked("a catalogue of translations, which does not say who speaks")
TABLE_OF_LINES = marked("Make a table of it (CSV) with columns for who speaks and the text.")
UNSUPPORTED_CHATS = (
    (
        r'\A\ufeff?\s*\{(?=.{0,400}"(?:body|segments)"\s*:\s*\[\s*\{\s*"from"\s*:)(?=.{0,800}"content"\s*:)',
        SUBTITLES,
        AS_SUBTITLES,
    ),
    (r'\A\ufeff?\s*\{(?=.{0,2000}"tStartMs"\s*:)(?=.{0,4000}"segs"\s*:)', SUBTITLES, AS_SUBTITLES),
    (
        r'(?m)^msgid "[^\n]*\n(?:"[^\n]*\n)*(?:msgid_plural "[^\n]*\n(?:"[^\n]*\n)*)?msgstr(?:\[0\])? "',
        CATALOGUE,
        TABLE_OF_LINES,
    ),
    (r"\A\ufeff?\s*(?:<[?!][^>]*>\s*)*<(?:xliff|TS|tmx)\b", CATALOGUE, TABLE_OF_LINES),
    (
        r"(?m)^From: (?!<Save by Tencent MsgMgr>).*\n(?:.+\n){0,30}?(?:Subject|Date|Message-ID): ",
        marked("a mailbox"),
        AS_TABLE,
    ),
    (
        r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:from|to) [^\n]{1,120} - [A-Za-z][^\n]*$.*?"
        r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:from |to |- )",
        marked("iMazing's text"),
        marked("Export the messages from iMazing as CSV, and extract that."),
    ),
    (
        r"\A(?=.*\bouter-cell\b)(?!.*typography--title\">(?:Gemini Apps|Bard)<).*\bcontent-cell\b",
        marked("Google's list of what you did"),
        AS_TABLE,
    ),
    (
        r'\A\ufeff?\s*\[\s*\{\s*"header"\s*:\s*"(?!Gemini Apps"|Bard")[^"]*",\s*"title"\s*:',
        marked("Google's list of what you did"),
        AS_TABLE,
    ),
    (
        r'\A\ufeff?(?:ID,Timestamp,Contents,Attachments|\s*\[\s*\{\s*"ID"\s*:\s*"?\d+"?,\s*"Timestamp"\s*:)',
        marked("what Discord keeps of you, in which nobody else writes"),
        WITH_OTHERS,
    ),
    (
        r'\A\ufeff?\s*\{(?=.*(?:"(?:app_opens|swipes_likes)"\s*:|"Messages"\s*:\s*\[\s*\{\s*"match_id"))',
        marked("what Tinder keeps of you, in which nobody else writes"),
        FROM_THE_APP,
    ),
    (
        r'\A\ufeff?\s*\[\s*\{.{0,5000}?"chats"\s*:\s*\[\s*\{\s*"(?:body|timestamp)"',
        marked("what Hinge keeps of you, in which nobody else writes"),
        FROM_THE_APP,
    ),
    (
        r"WEFLOW_DATA = null;",
        marked("a page of WeFlow's without its messages"),
        marked("Extract the files chunk-….js in the folder _data beside it, or export the chat as JSON."),
    ),
    (
        r'\A\ufeff?\s*\{\s*"zerver_\w+"\s*:',
        marked("what Zulip's server exports, in which people are numbers"),
        marked("Fetch the messages with Zulip's API (GET /messages) and extract that JSON, which names them."),
    ),
)
"""What a head of an export that is often tried looks like, what it is, and what to do instead."""
