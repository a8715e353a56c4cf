"""Messages as they are copied from Slack, Discord and Teams, and transcripts of talks."""

from pathlib import Path

import pytest

from offbook.data.extract.chat_log.formats import CHAT_FORMATS
from offbook.data.extract.chat_log.formats.copied import looks_like, read
from offbook.data.extract.formats import choose
from tests.data.extract.chat_log.chats import parsed, times

TALK = [("Ann Hale", "Is the lamp lit?"), ("Tom", "Since four.\nI lit it."), ("Ann Hale", "And oil?"), ("Tom", "Half.")]
TEAMS = """\
Ann Hale  9:30 PM
Is the lamp lit?
Tom  9:31 PM
Since four.
I lit it.
Ann Hale  11:59 PM
And oil?
Tom  12:01 AM
Half. (edited)"""
DISCORD = """\
Ann Hale — Today at 9:30 PM
Is the lamp lit?
Tom — Today at 9:31 PM
Since four.
I lit it.
Ann Hale — Today at 9:32 PM
And oil?
Tom — 05/13/2021 9:33 PM
Half."""
SLACK = """\
Ann Hale
  9:30 PM
Is the lamp lit?


Tom
  9:31 PM
Since four.
I lit it.

Ann Hale
  9:32 PM
And oil?

Tom
  9:33 PM
Half."""
OTTER = (
    "Ann Hale  0:01  \nIs the lamp lit?\n\nTom  0:04  \nSince four.\nI lit it.\n\n"
    "Ann Hale  0:09  \nAnd oil?\n\nTom  1:00:12  \nHalf."
)


@pytest.mark.parametrize("text", [TEAMS, DISCORD, SLACK, OTTER], ids=["teams", "discord", "slack", "otter"])
def test_name_and_clock_stand_above_the_text(text: str) -> None:
    assert parsed(read, text) == TALK
    assert looks_like(text.splitlines()) > 0.9


TALKED = [("Mara", "Is it lit?"), ("Odd", "Since noon."), ("Mara", "Good."), ("Odd", "Sleep well.")]


@pytest.mark.parametrize(
    "form",
    [
        "{n}, [13.05.2021 21:{m}]\n{t}\n",
        "{n}\nMay 13, 2021 at 9:{m} PM\n{t}\n",
        "13/05/2021 21:{m} {n}\n{t}\n",
        "13/05/2021 21:{m}\n{n}\n{t}\n",
        "{n}\n{t}\n13/05/2021 21:{m}\n",
        "{n}: {t}\n13/05/2021 21:{m}",
        "{n}: {t}\n5/13/21, 9:{m} PM ✓✓\n",
        "{n} 9:{m} PM, May 13, 2021\n{t}\n",
        "{n}, 13 мая 2021 в 21:{m}:42\n{t}\n",
        "> {n} [U012] @ 13/05/2021 21:{m}:42 Z:\n{t}\n",
        "{n} says (2021-05-13 21:{m}):\n  {t}",
        "{n}: 2021-05-13 21:{m}:05\n{t}",
        "{n}(w00{m}3456)\t2021-05-13 21:{m}:05\n{t}\n",
    ],
    ids=[
        "Telegram",
        "Facebook",
        "time first",
        "name below",
        "time last",
        "time below name and text",
        "time below with ticks",
        "the day behind the clock",
        "VK",
        "Slack's dump",
        "Messenger of old",
        "a colon",
        "WeLink",
    ],
)
def test_a_date_stands_beside_the_name_in_any_form(tmp_path: Path, form: str) -> None:
    path = tmp_path / "talk.txt"
    path.write_text("\n".join(form.format(n=n, t=t, m=30 + at) for at, (n, t) in enumerate(TALKED)), encoding="utf-8")
    chat = CHAT_FORMATS[choose(path, "auto")]
    text = path.read_text(encoding="utf-8")
    assert parsed(chat.read, text) == TALKED
    assert times(chat.read, text)[:1] == ["2021-05-13 21:30"]


def test_a_clock_alone_is_a_further_message_of_the_same_sender() -> None:
    assert parsed(read, SLACK + "\n9:34\nNo more.")[-1] == ("Tom", "No more.")


def test_names_of_accounts_may_hold_dots() -> None:
    text = "\n".join(
        f"{name}\n{words}\nMay 12, 2021, 9:3{at} PM"
        for at, (name, words) in enumerate(
            [("ann_l", "Lit?"), ("bob.h", "Yes."), ("ann_l", "Good."), ("bob.h", "Bye.")]
        )
    )
    assert [name for name, _ in parsed(read, text)] == ["ann_l", "bob.h", "ann_l", "bob.h"]


def test_midnight_begins_another_day() -> None:
    assert [time[-5:] for time in times(read, TEAMS)] == ["21:30", "21:31", "23:59", "00:01"]
    assert times(read, TEAMS)[3][:10] > times(read, TEAMS)[2][:10]


@pytest.mark.parametrize(
    "text",
    [
        "The train came at 9:30\nIt left at 9:31\nNobody saw it.\nAt noon, 12:00\nthe bell rang.",
        "HARBOUR, NIGHT\n\nMARA\nIs it lit?\n\nTOM\nSince four.\n\nMARA\nGood.\n",
        "Breakfast 7:30\nSchool 8:00\nLunch 12:30\nHome 15:00\n",
    ],
    ids=["prose", "a script", "a timetable"],
)
def test_other_texts_are_no_copies(text: str) -> None:
    assert looks_like(text.splitlines()) == 0


TALKED_IN_MARKDOWN = [
    ("Mara", "Is it **lit**?\n\n- now"),
    ("Odd", "Since _noon_."),
    ("Mara", "Good."),
    ("Odd", "Sleep."),
]


@pytest.mark.parametrize(
    "form",
    [
        "**{n}** 21:{m}:11\n{t}\n",
        "**{n}** (21:{m})\n{t}\n",
        "**{n}** · 2024-05-01 21:{m}\n{t}\n",
        "__{n}__ 21:{m}\n{t}\n",
        "### {n} 21:{m}\n{t}\n",
        "## {n} (2024-05-01 21:{m}:11)\n\n{t}\n",
        "**{n} 21:{m}**\n\n{t}\n",
        "**[21:{m}] {n}**\n{t}\n",
        "**{n}** *2024-05-01 21:{m}*\n{t}\n",
        "- **{n}** `21:{m}`\n{t}\n",
        "**{n}:** 21:{m}\n{t}\n",
        "**{n}**\n*21:{m}*\n{t}\n",
        "**{n}** at 9:{m} PM\n{t}\n",
        "**{n}** <2024-05-01 21:{m}>\n{t}\n",
        "**{n}** — 2024年5月1日 21:{m}\n{t}\n",
        "2024-05-01 21:{m} **{n}**\n{t}\n",
        "**{n}** [21:{m}]: {t}\n",
        "**[21:{m}] {n}:** {t}\n",
        "**{n}** 21:{m}: {t}\n",
        "**{n}** (21:{m}) {t}\n",
        "### 👤 {n} *(2024-05-01 21:{m})*\n\n{t}\n",
    ],
)
def test_name_and_time_may_be_marked_up(tmp_path: Path, form: str) -> None:
    path = tmp_path / "talk.md"
    talk = enumerate(TALKED_IN_MARKDOWN)
    path.write_text("\n".join(form.format(n=n, t=t, m=30 + at) for at, (n, t) in talk), encoding="utf-8")
    chat = CHAT_FORMATS[choose(path, "auto")]
    text = path.read_text(encoding="utf-8")
    assert parsed(chat.read, text) == TALKED_IN_MARKDOWN
    assert [time[-5:] for time in times(chat.read, text)] == ["21:30", "21:31", "21:32", "21:33"]


def test_a_name_s_own_underscores_are_no_markup() -> None:
    text = "_mara_ — Today at 9:30 PM\nIs it lit?\nOdd — Today at 9:31 PM\nYes.\n_mara_ — Today at 9:32 PM\nGood."
    assert parsed(read, text) == [("_mara_", "Is it lit?"), ("Odd", "Yes."), ("_mara_", "Good.")]


def test_long_messages_below_such_lines_are_no_play(tmp_path: Path) -> None:
    path = tmp_path / "talk.md"
    body = "\n".join(f"Line {number} of it." for number in range(12))
    path.write_text("\n\n".join(f"**{name}** 21:{at}\n{body}" for at, name in enumerate(["Mara", "Odd"] * 4, 10)))
    assert choose(path, "auto") == "copied"


def test_a_line_above_a_time_alone_is_a_name_only_where_that_speaks() -> None:
    text = DISCORD.replace("I lit it.", "I lit it\n[9:31 PM]\nand went")
    assert parsed(read, text)[1:3] == [("Tom", "Since four.\nI lit it"), ("Tom", "and went")]
    text = SLACK.replace("I lit it.", "I lit it\n9:32 PM\nand went")
    assert parsed(read, text)[1:3] == [("Tom", "Since four.\nI lit it"), ("Tom", "and went")]


def test_a_note_of_editing_stands_behind_the_time() -> None:
    text = "\n".join(f"{name}, 1 мая 2024 в 21:1{at}:05 (ред.)\n{text}\n" for at, (name, text) in enumerate(TALKED))
    assert parsed(read, text) == TALKED


def test_what_telegram_copies_beside_a_text_is_no_text() -> None:
    text = "\n".join(f"{name}, [13.05.2021 21:3{at}]\n{text}\n" for at, (name, text) in enumerate(TALKED))
    text = text.replace("Since noon.", "[In reply to Mara]\nSince noon.").replace("Good.", "[ Photo ]")
    assert parsed(read, text) == [TALKED[0], TALKED[1], TALKED[3]]


@pytest.mark.parametrize("form", ["**{n}** 21:{m}\n{t}\n", "- **{n}** (21:{m}): {t}\n"])
def test_what_parts_the_days_is_no_message(tmp_path: Path, form: str) -> None:
    parts = [form.format(n=n, t=t, m=30 + at) for at, (n, t) in enumerate(TALKED)]
    text = "\n".join(["# 2024-05-01\n", *parts[:2], "---\n\n## 2024-05-08\n", *parts[2:]])
    (tmp_path / "talk.md").write_text(text)
    chat = CHAT_FORMATS[choose(tmp_path / "talk.md", "auto")]
    assert parsed(chat.read, text) == TALKED
    sent = [time[8:10] for time in times(chat.read, text)][-4:]
    assert sent[2:] == ["08", "08"]
    assert sent[0] == sent[1] != "08"


def test_teams_tells_edited_without_brackets_and_telegram_who_is_forwarded() -> None:
    text = "\n".join(f"{name}, 01.05.2024 21:1{at}, Bearbeitet\n{text}\n" for at, (name, text) in enumerate(TALKED))
    assert parsed(read, text) == TALKED
    text = "\n".join(f"{name}, [13.05.2021 21:3{at}]\n{text}\n" for at, (name, text) in enumerate(TALKED))
    assert parsed(read, text.replace("Good.", "[Forwarded from Ann]\nGood.")) == [TALKED[0], TALKED[1], TALKED[3]]


@pytest.mark.parametrize(
    "names", [("Ann (she/her)", "Tom (Guest)"), ("🌸Ann🌸", "1号选手"), ("~阿澈~", "小林（在线）")]
)
@pytest.mark.parametrize("form", ["{n}  21:{m}\n{t}\n", "**{n}** 21:{m}:11\n{t}\n\n", "{n}\n21:{m}\n{t}\n\n"])
def test_a_name_may_have_brackets_emoji_and_numbers(tmp_path: Path, form: str, names: tuple[str, str]) -> None:
    talk = [
        (names[at % 2], text) for at, text in enumerate(["Is it lit?", "Since four (I think).", "And oil?", "Half."])
    ]
    text = "".join(form.format(n=name, m=30 + at, t=text) for at, (name, text) in enumerate(talk))
    path = tmp_path / "copy.md"
    path.write_text(text, encoding="utf-8")
    assert parsed(CHAT_FORMATS[choose(path, "auto")].read, text) == talk


def test_what_apps_write_in_the_place_of_a_picture_is_no_text_in_a_copy() -> None:
    text = "小林  21:30\n在吗\n阿澈  21:31\n[图片: 001.jpg]\n小林  21:32\n[语音]\n阿澈  21:33\n好看"
    assert parsed(read, text) == [("小林", "在吗"), ("阿澈", "好看")]


def test_slack_s_status_reactions_and_threads_are_no_text() -> None:
    text = (
        "Ann Hale\n  9:30 PM\nIs the lamp lit?\n:+1:\n1\n\nTom\n  9:31 PM\nSince four.\n\n"
        "Ann Hale\n:palm_tree:  9:35 PM\nGood\n2 replies\nLast reply today at 9:40 PM\n\n"
        "Tom\n  9:41 PM\nreplied to a thread:\nGood\nSo be it."
    )
    expected = [("Ann Hale", "Is the lamp lit?"), ("Tom", "Since four."), ("Ann Hale", "Good"), ("Tom", "So be it.")]
    assert parsed(read, text) == expected


def test_a_day_may_stand_without_its_year() -> None:
    text = "小林(小林) 05-01 21:30:11\n在吗\n阿澈(产品部) 05-01 21:31:11\n在\n小林(小林) 05-02 21:32:11\n好"
    assert parsed(read, text) == [("小林(小林)", "在吗"), ("阿澈(产品部)", "在"), ("小林(小林)", "好")]
    assert [time[5:] for time in times(read, text)] == ["05-01 21:30", "05-01 21:31", "05-02 21:32"]


@pytest.mark.parametrize("between", ["\n — \n", "\n — ", "\n\nAPP\n — ", " — "])
def test_discord_may_copy_name_dash_and_time_on_lines_of_their_own(tmp_path: Path, between: str) -> None:
    talk = [("mara", "Is it lit?"), ("odd", "Since four."), ("mara", "Good\nIndeed"), ("odd", "Yes")]
    text = "".join(f"{name}{between}01/05/2024 21:3{at}\n{words}\n" for at, (name, words) in enumerate(talk))
    path = tmp_path / "copy.txt"
    path.write_text(text, encoding="utf-8")
    assert parsed(CHAT_FORMATS[choose(path, "auto")].read, text) == talk


FURTHER = ("Ann Hale", "Lit again?"), ("Tom", "Since six.")


@pytest.mark.parametrize(
    "form",
    [
        "{name}\n{day} {hour}:3{at} PM\n{text}\n",
        "{name}, {day} {hour}:3{at} PM\n{text}\n\n",
        "{name}\n, \n{day} {hour}:3{at} PM\n{text}\n\n",
        "{name}\n{day} klo 2{hour}.3{at}\n{text}\n\n",
    ],
    ids=["Google Chat", "beside", "comma between", "Finnish"],
)
def test_a_weekday_stands_for_a_day_of_the_last_week(tmp_path: Path, form: str) -> None:
    days = {"Wed": TALK, "Thu": FURTHER} if "klo" not in form else {"ti 4.5.2021": TALK, "ke 5.5.2021": FURTHER}
    text = "".join(
        form.format(name=name, day=day, hour=1, at=at, text=words)
        for day, talk in days.items()
        for at, (name, words) in enumerate(talk)
    )
    path = tmp_path / "copy.txt"
    path.write_text(text, encoding="utf-8")
    read_as = CHAT_FORMATS[choose(path, "auto")].read
    assert parsed(read_as, text) == [*TALK, *FURTHER]
    sent_on = [time[:10] for time in times(read_as, text)]
    assert sent_on[0] == sent_on[3] != sent_on[4] == sent_on[5]


def test_sun_is_a_name_beside_others() -> None:
    text = "Sun\n9:30 PM\nLit?\nTom\n9:31 PM\nSince four.\nSun\n9:32 PM\nGood.\nTom\n9:33 PM\nYes."
    talk = [("Sun", "Lit?"), ("Tom", "Since four."), ("Sun", "Good."), ("Tom", "Yes.")]
    assert parsed(read, text) == talk
    assert parsed(read, text.replace("\n9:3", " 9:3")) == talk


def test_what_teams_reads_out_above_a_message_is_no_text() -> None:
    text = "".join(
        f"{words.splitlines()[0]} by {name}\n{name}\n9:3{at} PM\n{words}\n" for at, (name, words) in enumerate(TALK)
    )
    assert parsed(read, text) == TALK


def test_the_time_may_stand_above_a_name_with_its_text(tmp_path: Path) -> None:
    talk = [("小雨", "灯点了吗？"), ("李雷", "四点就点了。\n我点的。"), ("小雨", "油呢？"), ("李雷", "半罐。")]
    text = "".join(f"2024-05-01 21:1{at}\n{name}：{words}\n" for at, (name, words) in enumerate(talk))
    path = tmp_path / "chat.txt"
    path.write_text(text, encoding="utf-8")
    assert choose(path, "auto") == "copied"
    assert parsed(read, text) == talk


def test_labels_that_apps_copy_below_a_message_are_not_said() -> None:
    teams = TEAMS.replace("lit?", "lit?\n like 1").replace("I lit it.", "I lit it.\n heart 2")
    assert parsed(read, teams) == TALK
    pictures = DISCORD.replace("lit?", "lit?\nImage").replace("Half.", "Image")
    assert parsed(read, pictures) == TALK[:-1]
    assert parsed(read, SLACK.replace("I lit it.\n", "I lit it.\nNew\n")) == TALK
    assert parsed(read, TEAMS.replace("And oil?", "New\nNew"))[2][1] == "New\nNew"


def test_a_month_and_a_day_without_a_year_are_no_name() -> None:
    beside = "Ann Hale May 12, 9:30 PM\nLit?\nTom Reed May 12, 9:31 PM\nSince four.\n"
    beside += beside.replace("12,", "13,")
    below = beside.replace(" May", "\nMay")
    for text in (beside, below, below.replace("May 12,", "12 May"), below.replace("May", "Sept.")):
        assert [name for name, _ in parsed(read, text)] == ["Ann Hale", "Tom Reed"] * 2
    assert times(read, beside)[1:3] == ["2000-05-12 21:31", "2000-05-13 21:30"]


def test_a_speaker_with_a_number_is_no_day() -> None:
    text = "Speaker 1 21:30\nLit?\nSpeaker 2 21:31\nSince four.\nSpeaker 1 21:32\nOil?\n"
    assert [name for name, _ in parsed(read, text)] == ["Speaker 1", "Speaker 2", "Speaker 1"]


def test_a_very_long_name_that_comes_back_is_a_name() -> None:
    name = "Mara of the lighthouse who minds all the lamps 🌊🕯️ and never answers before noon"
    talk = [("Odd", "Is it lit?"), (name, "Since four."), ("Odd", "Who rows?"), (name, "You do.")]
    text = "\n".join(f"{sender} — 12/05/2021 21:3{at}\n{line}\n" for at, (sender, line) in enumerate(talk))
    assert parsed(read, text) == talk


def test_what_discord_shows_above_an_answer_is_said_by_nobody() -> None:
    text = (
        "Ann\n — \n05/12/2021 9:30 PM\nIs the lamp lit?\nTom\n — \n05/12/2021 9:31 PM\nSince four.\nMay 13, 2021\n"
        "@Tom\nSince four.\nAnn\n — \n05/13/2021 9:32 PM\nAnd oil?\n@Tom\nhave we any?\nAnn\nIs the lamp lit?\n"
        "Tom\n — \n05/13/2021 9:33 PM\nHalf."
    )
    talk = [
        ("Ann", "Is the lamp lit?"),
        ("Tom", "Since four."),
        ("Ann", "And oil?\n@Tom\nhave we any?"),
        ("Tom", "Half."),
    ]
    assert parsed(read, text) == talk
    assert times(read, text)[0] == "2021-05-12 21:30"  # in Discord's English the month leads


def test_a_day_alone_on_a_line_parts_messages_and_may_be_an_answer() -> None:
    text = (
        "Ann  9:30 PM\nWhen was it?\nTom  9:31 PM\nWed, 12 May 2021\nAnn  9:32 PM\nSo late.\nFriday, May 14th\n"
        "Tom  8:00 AM\nMorning."
    )
    talk = [("Ann", "When was it?"), ("Tom", "Wed, 12 May 2021"), ("Ann", "So late."), ("Tom", "Morning.")]
    assert parsed(read, text) == talk


def test_in_east_asia_the_month_leads_where_no_year_is_told() -> None:
    assert (
        times(read, "安娜 5/4 21:30:11\n灯点了吗？\n汤姆 5/4 21:31:12\n点了。\n安娜 5/4 21:32:13\n好")[0][5:10]
        == "05-04"
    )


@pytest.mark.parametrize(
    ("begin", "end"),
    [("", ""), ("Begin Reference, Is the lamp lit? by Ann Hale\n", "End Reference\n")],
)
def test_what_teams_sets_between_a_name_and_the_answer_is_the_other_s(begin: str, end: str) -> None:
    text = (
        "[5/12 9:30 PM] Ann Hale\nIs the lamp lit?\n\n[5/12 9:31 PM] Tom Reed\n"
        f"{begin}Ann Hale\n5/12/2021 9:30 PM\nIs the lamp lit?\n{end}Since four.\n\n"
        "[5/12 9:33 PM] Ann Hale\nAnd oil?\n[5/12 9:34 PM] Tom Reed\nHalf.\n"
    )
    talk = [
        ("Ann Hale", "Is the lamp lit?"),
        ("Tom Reed", "Since four."),
        ("Ann Hale", "And oil?"),
        ("Tom Reed", "Half."),
    ]
    assert parsed(read, text) == talk
    unknown = text.replace("Hale\nIs the lamp lit?\n\n", "Hale\nGood evening.\n\n")
    assert parsed(read, unknown) == [("Ann Hale", "Good evening."), *talk[2:]]


@pytest.mark.parametrize(
    "text",
    [
        "Ann — Today at 9:30 PM\nIs the lamp lit?\nTom — Today at 9:31 PM\nSince four.",
        "Ann\n — \nYesterday at 9:30 PM\nIs the lamp lit?\nTom\n — \nYesterday at 9:31 PM\nSince four.",
        "Ann — 21:30\nIs the lamp lit?\nTom — 21:31\nSince four.",
        "Ann, [12.05.2021 21:30]\nIs the lamp lit?\n\nTom, [12.05.2021 21:31]\nSince four.",
        "Ann  21:30\nIs the lamp lit?\n\nTom  21:31\nSince four.",
        "Ann\n  9:30 PM\nIs the lamp lit?\nTom\n  9:31 PM\nSince four.",
    ],
)
def test_two_messages_are_a_copy_where_an_app_copies_like_this(tmp_path: Path, text: str) -> None:
    path = tmp_path / "two.txt"
    path.write_text(text, encoding="utf-8")
    assert choose(path, "auto") == "copied"
    assert parsed(read, text) == [("Ann", "Is the lamp lit?"), ("Tom", "Since four.")]


def test_a_heading_with_a_time_makes_no_chat_of_a_script() -> None:
    assert looks_like(["The pier — 12/05/2021 21:30", *(f"TOM: Line {number}." for number in range(12))]) == 0


def test_who_writes_once_is_a_name_where_slack_indents_the_time_below_it() -> None:
    text = SLACK.replace("\n\n", "\n").replace("\n\n", "\n") + "\nEve\n  9:34 PM\nGood\n9:35 PM\nnight"
    assert parsed(read, text) == [*TALK, ("Eve", "Good"), ("Eve", "night")]


def test_who_writes_once_is_a_name_where_further_messages_tell_no_half_of_the_day() -> None:
    text = "Ann\n9:30 PM\nLit?\n9:31\nReally?\nTom\n9:32 PM\nSince four\nAnn\n9:33 PM\nGood"
    assert parsed(read, text) == [("Ann", "Lit?"), ("Ann", "Really?"), ("Tom", "Since four"), ("Ann", "Good")]


def test_the_sign_of_a_picture_is_no_part_of_what_is_written_beside_it() -> None:
    text = "阿澈  21:30:42\n灯亮了？\n老汤  21:31:42\n四点就亮了。\n[图片]\n阿澈  21:32:42\n好"
    assert parsed(read, text) == [("阿澈", "灯亮了？"), ("老汤", "四点就亮了。"), ("阿澈", "好")]
