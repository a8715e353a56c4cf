"""The apps' own words."""

import json
from importlib.resources import files

import pytest

from offbook.data.extract.chat_log import phrases as module
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.chat_log.phrases import EDITED, KINDS, phrases

APPS = sorted(folder.name for folder in (files("offbook.data.extract.chat_log") / "phrases").iterdir())


@pytest.mark.parametrize("app", APPS)
def test_every_file_holds_known_kinds_of_phrases_without_repeats(app: str) -> None:
    for file in (files(module.__package__) / "phrases" / app).iterdir():
        listed = json.loads(file.read_text(encoding="utf-8"))
        assert set(listed) <= {*KINDS, EDITED}, file.name
        for kind, texts in listed.items():
            assert texts, (file.name, kind)
            assert all(text == text.strip() and text for text in texts), (file.name, kind)


@pytest.mark.parametrize(
    ("app", "text", "content"),
    [
        ("whatsapp", "<Médias omis>", Content.MEDIA),
        ("whatsapp", "\u200eaudio omitted", Content.MEDIA),
        ("whatsapp", "rapport.pdf (fichier joint)", Content.MEDIA),
        ("whatsapp", "이 메시지는 삭제되었습니다.", Content.DELETED),
        ("whatsapp", "Пропущенный видеозвонок", Content.CALL),
        ("whatsapp", "貼圖已略去", Content.STICKER),
        ("whatsapp", "\u200fההודעות והשיחות מוצפנות מקצה לקצה. אף אחד אינו קורא אותן.", Content.NOTE),
        ("whatsapp", "I deleted this message", Content.TEXT),
        ("whatsapp", "null and void", Content.TEXT),
        ("line", "[スタンプ]", Content.STICKER),
        ("line", "☎ 通話時間 1:23", Content.CALL),
        ("line", "[照片]", Content.MEDIA),
        ("kakaotalk", "사진 3장", Content.MEDIA),
        ("kakaotalk", "이모티콘", Content.STICKER),
        ("kakaotalk", "샵검색: #등대", Content.MEDIA),
        ("kakaotalk", "사진 보내줘", Content.TEXT),
        ("wechat", "[语音] 12秒", Content.MEDIA),
        ("wechat", "你撤回了一条消息", Content.DELETED),
        ("imessage", "Laughed at “Since four.”", Content.STICKER),
        ("imessage", 'Removed a heart from "Since four."', Content.STICKER),
        ("imessage", "Loved an image", Content.STICKER),
        ("imessage", "Reacted 😂 to “Since four.”", Content.STICKER),
        ("imessage", "A adoré « Depuis quatre heures »", Content.STICKER),
        ("whatsapp", "Position en direct partagée", Content.MEDIA),
        ("whatsapp", "\u200e訊息和通話經端對端加密。只有此對話中的人可以閱讀。", Content.NOTE),
        ("line", "ยกเลิกข้อความ", Content.DELETED),
        ("imessage", "Loved it", Content.TEXT),
        ("zalo", "[Hình ảnh]", Content.MEDIA),
        ("zalo", "[Nhãn dán]", Content.STICKER),
        ("zalo", "Tin nhắn đã được thu hồi", Content.DELETED),
        ("line", "通話時間3:22", Content.CALL),
        ("line", "通話時間は三時間", Content.TEXT),
        ("imessage", "Liked an image of yours?", Content.TEXT),
        ("messenger", "Le gustó un mensaje", Content.STICKER),
        ("messenger", "Heeft met 😂 gereageerd op je bericht ", Content.STICKER),
    ],
)
def test_what_a_message_holds(app: str, text: str, content: Content) -> None:
    assert phrases(app).content(text) is content


@pytest.mark.parametrize(
    "text", ["Yes. <This message was edited>", "Yes. \u200e<此消息已编辑>", "Yes. <Este mensaje se editó.>"]
)
def test_the_note_that_a_message_was_edited_is_no_part_of_it(text: str) -> None:
    assert phrases("whatsapp").without_edited(text) == "Yes."


def test_brackets_may_be_those_of_chinese() -> None:
    contents = [phrases("wechat").content(text) for text in ("【图片】", "【注意】")]
    assert contents == [Content.MEDIA, Content.TEXT]
