"""WhatsApp's export in the forms of many phones."""

from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract.chat_log.formats.whatsapp import looks_like, read
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.cue import ParseError
from offbook.data.extract.formats import choose
from tests.data.extract.chat_log.chats import contents, parsed, times
from tests.data.extract.reading import numbered

FORMS = [
    ("12/05/2021, 21:30 - ", "English, Android"),
    ("[12/05/2021, 21:30:15] ", "English, iPhone"),
    ("5/12/21, 9:30\u202fPM - ", "USA, Android"),
    ("[5/12/21, 9:30:15\u202fPM] ", "USA, iPhone"),
    ("12/05/2021, 9:30 pm - ", "India"),
    ("12.05.21, 21:30 - ", "German, Android"),
    ("[12.05.21, 21:30:15] ", "German, iPhone"),
    ("12/05/2021 à 21:30 - ", "French"),
    ("12/5/21 21:30 - ", "Spanish"),
    ("12/5/21, 9:30 p. m. - ", "Spanish, Mexico"),
    ("[12/5/21, 9:30:15 p.\xa0m.] ", "Spanish, iPhone"),
    ("12-05-2021 21:30 - ", "Dutch"),
    ("2021-05-12 21:30 - ", "Swedish"),
    ("12.05.2021 21.30 - ", "Danish"),
    ("12.5.2021 klo 21.30 - ", "Finnish"),
    ("[12.5.2021 klo 21.30.15] ", "Finnish, iPhone"),
    ("2021. 05. 12. 21:30 - ", "Hungarian"),
    ("12.05.21 г., 21:30 - ", "Bulgarian"),
    ("2021/05/12 21:30 - ", "Japanese"),
    ("2021/5/12 下午9:30 - ", "Chinese"),
    ("[2021/5/12 下午9:30:15] ", "Chinese, iPhone"),
    ("2021年5月12日 21:30 - ", "Chinese, years written out"),
    ("2021. 5. 12. 오후 9:30 - ", "Korean"),
    ("[2021. 5. 12. 오후 9:30:15] ", "Korean, iPhone"),
    ("١٢\u200f/٥\u200f/٢٠٢١, ٩:٣٠ م - ", "Arabic"),
    ("[١٢\u200f/٥\u200f/٢٠٢١, ٩:٣٠:١٥ م] ", "Arabic, iPhone"),
    ("12/5/2021، 9:30 م - ", "Arabic, other digits"),
    ("12.5.2021, 21:30 - ", "Hebrew"),
    ("12/5/21, 9:30 μ.μ. - ", "Greek"),
    ("12.05.2021 21:30 - ", "Turkish"),
    ("12/05/2021, 21:30:15: ", "old iPhone"),
    ("[21:30:15, 12/5/2021] ", "Vietnamese, iPhone"),
    ("[9:30 PM, 5/12/2021] ", "copied from the web page"),
    ("[下午9:30, 2021/5/12] ", "copied from the web page, Chinese"),
    ("12/5/2564 21:30 - ", "Thai, Buddhist era"),
]


@pytest.mark.parametrize("form", [form for form, _ in FORMS], ids=[name for _, name in FORMS])
def test_every_form_of_the_date_is_read(form: str) -> None:
    later = form.replace("12", "13", 1) if form.startswith(("12", "[12", "5/12", "[5/12")) else form
    text = f"{form}Mara: Is it lit?\n{form}Tom: Since four: look\nup there\n{later}Mara: Good."
    assert parsed(read, text) == [("Mara", "Is it lit?"), ("Tom", "Since four: look\nup there"), ("Mara", "Good.")]
    assert times(read, text)[0] == "2021-05-12 21:30"
    assert looks_like(text.split("\n")) >= 0.5


NOTES = [
    ("poloha: https://maps.google.com/?q=50.087,14.421", Content.MEDIA),
    ("EVENT: The regatta\nSaturday", Content.MEDIA),
    ("You received a view once photo. For added privacy, you can only open it on your phone.", Content.NOTE),
    ("Bild weggelassen", Content.MEDIA),
    ("<Multimedia omitido>", Content.MEDIA),
    ("<Irgendein Hinweis in einer Sprache>", Content.MEDIA),
    ("IMG-20210512-WA0007.jpg (irgendwie angehängt)", Content.MEDIA),
    ("STK-20210512-WA0008.webp (file attached)", Content.STICKER),
    ("<attached: 00000042-AUDIO-2021-05-12-21-30-15.opus>", Content.MEDIA),
    ("<Anhang: 00000043-STICKER-2021-05-12-21-30-15.webp>", Content.STICKER),
    ("winter rent.PDF (bijlage in een taal)", Content.MEDIA),
    ("Vous avez supprimé ce message", Content.DELETED),
    ("यह संदेश मिटाया गया।", Content.DELETED),
    ("یہ پیغام حذف کیا گیا۔", Content.DELETED),
    ("ข้อความนี้ได้ถูกลบ", Content.DELETED),
    ("Tin nhắn này đã bị xoá", Content.DELETED),
    ("Bu mesaj Mara adlı yönetici tarafından silindi.", Content.DELETED),
    ("Usunąłeś(-ęłaś) tę wiadomość", Content.DELETED),
    ("Қазіргі орынмен бөлісті", Content.MEDIA),
    ("Наклейку не додано", Content.STICKER),
    ("تماس صوتی پاسخ داده نشده", Content.CALL),
    ("Verpasster Videoanruf", Content.CALL),
    ("Gemiste spraakoproep", Content.CALL),
    ("In attesa del messaggio. Potrebbe volerci un po' di tempo.", Content.NOTE),
]


@pytest.mark.parametrize(("text", "content"), NOTES)
def test_what_the_app_writes_is_told_from_what_people_write(text: str, content: Content) -> None:
    log = f"12/05/2021, 21:30 - Mara: Hello\n12/05/2021, 21:31 - Tom: {text}\n12/05/2021, 21:32 - Tom: Hi"
    assert contents(read, log) == [Content.TEXT, content, Content.TEXT]


def test_a_caption_is_what_its_sender_writes() -> None:
    log = "12/05/2021, 21:30 - Mara: IMG-20210512-WA0001.jpg (file attached)\nMy garden"
    assert parsed(read, log) == [("Mara", "My garden")]


def test_an_iphone_signs_notes_of_the_app_with_the_group_s_name() -> None:
    log = "[12/05/2021, 21:30:00] Crew: \u200eMara added Tom\n[12/05/2021, 21:31:00] Tom: Hi\n"
    log += "[12/05/2021, 21:32:00] Tom: \u200e照片已隐藏"
    assert contents(read, log) == [Content.NOTE, Content.TEXT, Content.MEDIA]


def test_a_colon_without_a_space_follows_a_name_only_if_it_does_so_again() -> None:
    log = "2021/7/9 02:28 - Mara:Hi\n2021/7/9 02:29 - Mara:There?\n2021/7/9 02:30 - Note:once"
    assert parsed(read, log) == [("Mara", "Hi"), ("Mara", "There?")]


def test_the_edited_note_is_removed() -> None:
    log = "12/05/2021, 21:30 - Mara: Oui. <Ce message a été modifié>\n12/05/2021, 21:31 - Tom: <3"
    assert parsed(read, log) == [("Mara", "Oui."), ("Tom", "<3")]


def test_text_of_another_kind_is_an_error() -> None:
    with pytest.raises(ParseError):
        list(read(numbered("Once upon a time\n12/05/2021 was a Wednesday")))


def test_a_name_that_holds_a_colon_is_one_name_where_all_its_messages_begin_so() -> None:
    lines = [f"12/05/2021, 21:3{n} - Mara: harbour: Boat {n}?\n12/05/2021, 21:3{n} - Tom: Note: {n}" for n in range(3)]
    log = "\n".join([*lines, "12/05/2021, 21:40 - Tom: Good"])
    assert parsed(read, log)[:2] == [("Mara: harbour", "Boat 0?"), ("Tom", "Note: 0")]


def test_what_may_be_seen_once_only_is_a_picture() -> None:
    log = "12/05/2021, 21:30 - Mara: Hi\n12/05/2021, 21:31 - Mara: \n12/05/2021, 21:32 - Tom: Oh"
    assert contents(read, log) == [Content.TEXT, Content.MEDIA, Content.TEXT]


def test_lines_with_a_time_and_a_name_alone_are_none_of_its() -> None:
    assert looks_like(["[5/12/2021 9:30 PM] Mara", "Lit?", "[5/12/2021 9:31 PM] Tom", "Since four."]) == 0


def test_a_poll_is_no_text_in_any_language_and_long_messages_make_no_script_of_a_chat(tmp_path: Path) -> None:
    log = (
        "12.03.2025, 21:17 - Mara: To chodź\n12.03.2025, 21:18 - Mara: ANKIETA:\nGdzie idziemy?\nOPCJA: Kino (1 głos)\n"
        "OPCJA: Bar (0 głosów)\n\n12.03.2025, 21:19 - Odd: Lista:\nraz: dwa\nraz: trzy\nraz: cztery\n"
        "12.03.2025, 21:20 - Mara: 투표:\n어디?\n\u200e옵션: 공원 (\u200e2표)\n"
    )
    assert contents(read, log) == [Content.TEXT, Content.MEDIA, Content.TEXT, Content.MEDIA]
    path = tmp_path / "chat.txt"
    path.write_text(log, encoding="utf-8")
    assert choose(path, "auto") == "whatsapp"


def test_a_mention_loses_its_marks_and_tells_who_is_addressed() -> None:
    log = "[12/05/2021, 21:30:15] Mara: Lit, @\u2068~ Odd Berg\u2069?\n[12/05/2021, 21:31:15] Odd: @\u2068Mara\u2069"
    messages = list(read(numbered(log)))
    assert [(message.text, message.mentions) for message in messages] == [
        ("Lit, @Odd Berg?", ("Odd Berg",)),
        ("@Mara", ("Mara",)),
    ]


def test_an_iphone_s_note_of_editing_is_known_in_any_language() -> None:
    log = "[12/05/2021, 21:30:15] 花: 行こう \u200e<編集済みです>\n[12/05/2021, 21:31:15] 太郎: <3 も <はい>"
    assert parsed(read, log) == [("花", "行こう"), ("太郎", "<3 も <はい>")]


@pytest.mark.parametrize(
    ("form", "day"),
    [
        ("1/5/24, 9:30\u202fPM - ", "2024-01-05"),
        ("[1/5/24, 9:30:15 PM] ", "2024-01-05"),
        ("[1/5/2024, 9:30:15 PM] ", "2024-01-05"),
        ("[9:30 PM, 1/5/2024] ", "2024-01-05"),
        ("12/05/19, 9:30 PM - ", "2019-05-12"),
        ("1/5/24, 9:30 p. m. - ", "2024-05-01"),
        ("1/5/24, 21:30 - ", "2024-05-01"),
    ],
    ids=["USA, Android", "USA, iPhone", "USA, four digits", "USA, WhatsApp Web", "India", "Mexico", "Spain"],
)
def test_a_chat_of_one_day_has_the_month_first_where_its_times_are_american(form: str, day: str) -> None:
    assert times(read, f"{form}Mara: Is it lit?\n{form}Tom: Since four.") == [f"{day} 21:30"] * 2


def test_android_s_note_of_editing_is_known_in_any_language_by_its_coming_back() -> None:
    lines = [
        "Asha: Moto? <Ujumbe huu ulihaririwa>",
        "Juma: Ndiyo <sana tu>",
        "Asha: Haya\nnjoo <Ujumbe huu ulihaririwa>",
    ]
    text = "\n".join(f"12/05/2021, 21:30 - {line}" for line in lines)
    assert parsed(read, text) == [("Asha", "Moto?"), ("Juma", "Ndiyo <sana tu>"), ("Asha", "Haya\nnjoo")]


def test_a_nickname_in_quotation_marks_is_part_of_a_name_and_a_title_with_a_colon_is_a_note_s() -> None:
    lines = [
        'Nora "Nono" Brien: Is it lit?',
        "Тома “Рыжий”: Since four.",
        'Nora "Nono" Brien changed the subject from "Ship" to "Ship: tonight"',
        "Tom named the group “To: all”",
        'Nora "Nono" Brien: He said "four: sharp".',
    ]
    text = "\n".join(f"12/05/2021, 21:3{minute} - {line}" for minute, line in enumerate(lines))
    spoken = [(name, text) for name, text in parsed(read, text) if name]
    assert spoken == [
        ('Nora "Nono" Brien', "Is it lit?"),
        ("Тома “Рыжий”", "Since four."),
        ('Nora "Nono" Brien', 'He said "four: sharp".'),
    ]


def test_a_very_long_name_is_a_sender_where_it_comes_back() -> None:
    name = (
        "🌸🌙 Mara of the lighthouse 🦊✨ who minds the lamps 🌊🕯️ and never answers before noon 🐚🌿 so do not wait ✨"
    )
    note = "Odd told everybody in this group that the old rule about the boats by the pier holds no longer"
    talk = [(name, "Is the buoy out?"), ("Odd", "Since noon."), (name, "Who rows?")]
    lines = [f"12/05/2021, 21:3{at} - {sender}: {text}" for at, (sender, text) in enumerate([*talk, (note, "no more")])]
    assert parsed(read, "\n".join(lines)) == talk
    assert contents(read, lines[0] + "\n" + lines[3])[1] is Content.NOTE


def test_a_caption_stands_before_what_is_omitted_and_brackets_may_be_another_app_s() -> None:
    log = (
        "[12/05/2021, 21:30:15] Mara: Look at it \u200eimage omitted\n[12/05/2021, 21:31:15] Odd: [Hình ảnh]\n"
        "[12/05/2021, 21:32:15] Odd: [as dark as that]\n"
    )
    assert parsed(read, log) == [("Mara", "Look at it"), ("Odd", "[as dark as that]")]
    assert contents(read, log)[1] is Content.MEDIA


def test_a_note_with_a_colon_is_nobody_s_message() -> None:
    log = (
        "12/05/2021, 21:30 - Mara: Is it lit?\n12/05/2021, 21:31 - Mara added this group to the community: Harbour\n"
        "12/05/2021, 21:32 - Mara Lind of Harbour: Since four\n12/05/2021, 21:33 - Mara: Good\n"
    )
    assert parsed(read, log) == [("Mara", "Is it lit?"), ("Mara Lind of Harbour", "Since four"), ("Mara", "Good")]
    assert contents(read, log)[1] is Content.NOTE


@pytest.mark.parametrize("name", ["msgstore.db.crypt15", "msgstore-2021-05-12.1.db.crypt14"])
def test_a_locked_backup_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(bytes(range(256)))
    with pytest.raises(UsageError, match="WhatsApp's locked backup") as refusal:
        choose(path, "auto")
    assert "Export chat" in refusal.value.fix
