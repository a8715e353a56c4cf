# ruff: noqa: E501 (what programs write has long lines)
"""WeFlow's pages and Markdown."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract.chat_log.formats.wechat import looks_like, read
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.formats import choose
from tests.data.extract.chat_log.chats import contents, parsed, times
from tests.data.extract.reading import numbered

HEAD = """<!DOCTYPE html>
<html lang="zh-CN">
  <head><meta charset="UTF-8" /><title>阿澈 &amp; 猫 - 聊天记录</title><style>.page{max-width:1px}</style></head>
  <body>
    <script>
      window.WEFLOW_MANIFEST = {"total":4};
      window.WEFLOW_DATA = """


def item(number: int, body: str, *, mine: bool = False, name: str = "", **fields: Any) -> str:
    named = f'<div class="sender-name">{name}</div>' if name else ""
    time = f'<div class="message-time">2021-05-12 21:3{number}:05</div>'
    held = {"i": number, "t": 1620826205, "s": int(mine), "a": "<span>字</span>"}
    held["b"] = f'{time}{named}<div class="message-content">{body}</div>'
    return json.dumps(held | fields, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def paragraph(text: str) -> str:
    return f'<div class="message-text">{text}</div>'


def test_a_page() -> None:
    quotation = '<div class="quoted-message"><div class="quoted-sender">阿澈</div><div class="quoted-text">灯亮了吗？</div></div>'
    items = [
        item(1, paragraph("灯亮了吗？<br />还是没亮？"), p="71"),
        item(2, quotation + paragraph("亮了"), mine=True, r="71"),
        item(3, '<img class="message-media image previewable" src="a.jpg" alt="图片" />'),
        item(4, '<img class="message-media emoji previewable" src="b.gif" alt="动画表情" />', mine=True),
    ]
    page = HEAD + "[\n" + ",\n".join(items) + "\n];\n    </script>\n  </body>\n</html>\n"
    assert looks_like(page.splitlines()) == 1
    assert parsed(read, page) == [("阿澈 & 猫", "灯亮了吗？\n还是没亮？"), ("我", "亮了")]
    assert contents(read, page)[2:] == [Content.MEDIA, Content.STICKER]
    assert times(read, page)[0] == "2021-05-12 21:31"
    assert list(read(numbered(page)))[1].reply_to == "71"


def test_a_piece_of_a_large_page_s_messages_in_a_group() -> None:
    items = [item(1, paragraph("灯亮了吗？"), name="阿澈"), item(2, paragraph("亮了"), mine=True, name="老汤")]
    text = "window.__WEFLOW_CHUNK_LOADED__(0,[" + ",\n".join(items) + "]);\n"
    assert looks_like(text.splitlines()) == 1
    assert parsed(read, text) == [("阿澈", "灯亮了吗？"), ("老汤", "亮了")]


def test_a_page_whose_messages_lie_beside_it_says_so(tmp_path: Path) -> None:
    page = tmp_path / "chat.html"
    page.write_text(f"{HEAD}null;\n    </script>\n  </body>\n</html>\n", encoding="utf-8")
    with pytest.raises(UsageError, match="without its messages"):
        choose(page, "auto")


@pytest.mark.parametrize("dash", ["-", "\\-"])
def test_markdown(dash: str) -> None:
    text = (
        "# 阿澈\\_小号\n\n- 会话ID: `wxid_a1`\n- 会话类型: 私聊\n- 消息数量: 4\n- 导出工具: WeFlow\n\n---\n\n"
        "## 2021-05-12 21:30:05 阿澈\\_小号\n\n灯亮了吗？\n\n"
        "## 2021-05-12 21:31:05 我\n\n> 阿澈\\_小号: 灯亮了吗？\n\n四点就亮了 \\(真的\\)\\!\n\n"
        "## 2021-05-12 21:32:05 阿澈\\_小号\n\n![图片](media/a.jpg)\n\n"
        "## 2021-05-12 21:33:05 我\n\n\\[动画表情\\]\n"
    ).replace("2021-05-12", f"2021{dash}05{dash}12")
    assert looks_like(text.splitlines()) == 1
    assert parsed(read, text) == [("阿澈_小号", "灯亮了吗？"), ("我", "四点就亮了 (真的)!")]
    assert contents(read, text)[2:] == [Content.MEDIA, Content.STICKER]
    assert times(read, text)[1] == "2021-05-12 21:31"
