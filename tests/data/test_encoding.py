"""Every encoding that lies on people's disks reads the same; what is none of them is named by line."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offbook.core.errors import UsageError
from offbook.data.encoding import detect, open_text, read_text

SCRIPT = '第一幕\n甄嬛：一早出来便这么热。\n皇上："朕知道了" 一 一 一\n'


def write(folder: Path, content: bytes) -> Path:
    path = folder / "script.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk"], ids=str
)
def test_20_every_encoding_gives_the_same_lines(tmp_path: Path, encoding: Any) -> None:
    path = write(tmp_path, SCRIPT.encode(encoding))
    assert list(open_text(path)) == list(enumerate(SCRIPT.splitlines(), 1))


def test_signs_of_addition_and_telephone_numbers_are_ascii(tmp_path: Path) -> None:
    text = "1+1-0 is 2, a+b- c, C++, +49-170, +ACE-, +4917012345, x+yz-1"
    assert read_text(write(tmp_path, text.encode())) == text


def test_big_endian_mark(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xfe\xff" + SCRIPT.encode("utf-16-be"))
    assert read_text(path) == SCRIPT.removesuffix("\n")


def test_gb18030_beyond_gbk(tmp_path: Path) -> None:
    text = SCRIPT + "🎭 㐀\n"
    assert read_text(write(tmp_path, text.encode("gb18030"))) == text.removesuffix("\n")


def test_chinese_may_begin_after_megabytes_of_ascii(tmp_path: Path) -> None:
    text = "a plain line of English\n" * 50_000 + SCRIPT
    path = write(tmp_path, text.encode("gb18030"))
    assert detect(path) == "gb18030"
    assert list(open_text(path))[-2] == (50_002, "甄嬛：一早出来便这么热。")


def test_line_ends_of_all_systems(tmp_path: Path) -> None:
    path = write(tmp_path, "一\r\n二\r三\n四".encode())
    assert [line for _, line in open_text(path)] == ["一", "二", "三", "四"]


def test_other_separators_do_not_end_a_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a\x0bb\x0cc\u2028d\x85e\n".encode())
    assert list(open_text(path)) == [(1, "a\x0bb\x0cc\u2028d\x85e")]


def test_a_multibyte_character_across_blocks(tmp_path: Path) -> None:
    text = "a" + "嬛" * 100_000
    assert read_text(write(tmp_path, text.encode())) == text


def test_20_damaged_utf8_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    lines = SCRIPT.encode().splitlines(keepends=True)
    path = write(tmp_path, lines[0] + lines[1] + b"\xe4" + lines[2])
    with pytest.raises(UsageError, match=r"script\.txt:3: bytes that are not UTF-8"):
        list(open_text(path))


def test_20_damaged_gb18030_names_its_line(tmp_path: Path) -> None:
    lines = (SCRIPT * 3).encode("gb18030").splitlines(keepends=True)
    path = write(tmp_path, b"".join([*lines[:5], b"\xff\xff\n", *lines[5:]]))
    with pytest.raises(UsageError, match=r"script\.txt:6: bytes that are not GB18030"):
        list(open_text(path))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Le théâtre, très cher.\n“Hamlet” – c’est ça…"),
        ("cp1252", "¿Qué hora es? El niño duerme."),
        ("cp1252", "Schöne Grüße, Fräulein Weiß!"),
        ("cp1252", "Ann: It’s late."),
        ("gb18030", "时间,发送者,内容\n2021-05-12 21:30,安,你好吗\n2021-05-12 21:31,汤,很好"),
        ("gb18030", "姓名：张三\n李四：吃饭没"),
        ("gb18030", "灯亮了吗？油呢？"),
        ("gb18030", "晚安"),
        ("gb18030", "Ann — Today we go.\nBob — And I — stay.\nAnn — Yes — no."),
        ("gb18030", "5/12/21, 9:33\u202fPM - Mara: Is it lit? 🔥"),
        ("big5", "今天的風很大，我們還是不要出海了。你說是嗎？"),
        ("big5", "皇上駕到！"),
        ("cp932", "灯はもうともしたのですか。はい、四時にともしました。"),
        ("cp932", "太郎：了解\n花子：今日東京駅前集合"),
        ("euc_jp", "灯はもうともしたのですか。はい、四時にともしました。"),
        ("euc_jp", "明日は六時に港で会おう。"),
        ("cp949", "등불은 벌써 켰나요? 네, 네 시에 켰습니다. 기름은 아직 있어요."),
        ("cp949", "안녕"),
        ("cp1251", "Лампа уже горит? Да, с четырёх часов горит."),
        ("cp1251", "Маша: ок\nПетя: ага"),
        ("cp1251", "МАРА. Ти не спиш?\nТОМ. Ні, їм."),
        ("koi8_r", "Лампа уже горит? Да, с четырёх часов горит."),
        ("koi8_r", "Привет! Как дела?"),
        ("cp1250", "Źle się śpi, łódź płynie."),
        ("cp1254", "Işık açık mı?"),
        ("cp1253", "Άναψε η λάμπα;"),
        ("iso8859_7", "Άναψε η λάμπα; Άρα έλα, και πάμε στο σπίτι τώρα."),
        ("cp1253", "Άρα άναψε. Άννα! Άντε, Άλκη, Άρη, Άγη, Άβα, Άλμα, Άνια, Άση."),
        ("utf-7", "„Ist die Lampe an?“ – Märta (+49 170 1234567) fragte: „Öl?“"),
        ("utf-7", "灯亮了吗？油呢？四点。"),
        ("cp1255", "המנורה דולקת?"),
        ("cp1256", "هل المصباح مضاء؟"),
        ("cp874", "ตะเกียงติดไหม"),
        ("iso8859_5", "Лампа уже горит? Да, с четырёх часов горит."),
        ("mac_cyrillic", "Лампа уже горит? Да, с четырёх часов горит."),
        ("cp737", "Άναψε η λάμπα; Από τις τέσσερις."),
        ("cp862", "המנורה דולקת?"),
        ("cp850", "Schöne Grüße, Fräulein Weiß, und gute Nacht, süße Träume!"),
        ("cp852", "Źle się śpi, łódź płynie, gęś krzyczy."),
        ("cp1257", "Ar lempa jau dega? Taip, nuo šešių, ačiū."),
        ("iso2022_jp", "灯はもうともしたのですか。"),
        ("hz", "灯亮了吗？油呢？"),
        ("utf-32", "灯亮了吗？油呢？"),
        ("utf-16-le", "灯亮了吗？油呢？"),
        ("utf-16-be", "ランプはついた？油は？"),
    ],
)
def test_short_texts_in_older_encodings_are_read(tmp_path: Path, encoding: str, text: str) -> None:
    assert read_text(write(tmp_path, text.encode(encoding))) == text
    if not encoding.startswith(("utf", "hz", "iso2022")):
        assert read_text(write(tmp_path, ("To be\n" * 2000 + text * 3).encode(encoding))) == "To be\n" * 2000 + text * 3


@pytest.mark.parametrize(
    ("encoding", "text", "names"),
    [
        ("cp1251", "Да", "GB18030 (Chinese), "),
        ("cp1250", "Dzień dobry", "Windows-1252 (Western European), Windows-1250"),
    ],
)
def test_a_text_that_may_be_in_two_encodings_is_refused(tmp_path: Path, encoding: str, text: str, names: str) -> None:
    path = write(tmp_path, ("To be\n" + text).encode(encoding))
    with pytest.raises(UsageError, match=re.escape(f"script.txt:2: not UTF-8 text; it may be {names}")):
        list(open_text(path))


def test_20_nul_bytes_are_named_by_line(tmp_path: Path) -> None:
    path = write(tmp_path, b"one\ntwo\nth\0ree\n" + b"four\n" * 10)
    with pytest.raises(UsageError, match=r"script\.txt:3: NUL"):
        list(open_text(path))


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("play.pdf", b"%PDF-1.4\n\xe2\xe3\xcf\xd3\n", "a PDF file"),
        ("play.docx", b"PK\x03\x04\x14\0", "a Word file"),
        ("lines.csv", b"PK\x03\x04\x14\0", "a zip archive"),
        ("play.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word or Excel file"),
        ("play.rtf", b"{\\rtf1 To be}", "an RTF file"),
    ],
)
def test_a_programs_file_is_named_as_what_it_is(tmp_path: Path, name: str, head: Any, kind: Any) -> None:
    path = tmp_path / name
    path.write_bytes(head)
    with pytest.raises(UsageError, match=f"is {kind}") as caught:
        list(open_text(path))
    assert "save" in caught.value.fix


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        list(open_text(tmp_path / "none.txt"))
    with pytest.raises(UsageError, match="is a folder"):
        list(open_text(tmp_path))


def test_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert list(open_text(write(tmp_path, b""))) == []


@given(st.binary(max_size=400))
def test_20_any_bytes_give_lines_or_a_reason(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    path = write(tmp_path_factory.getbasetemp(), content)
    try:
        text = read_text(path)
    except UsageError as error:
        assert any(reason in error.what for reason in ("script.txt:", "not text", "Git LFS"))
    else:
        assert "\0" not in text


def test_telephone_numbers_are_no_utf_7(tmp_path: Path) -> None:
    text = "May 12, 2021  9:30:15 PM\n+15555550100\nIs it lit?\n" * 3 + "Yes."
    assert read_text(write(tmp_path, text.encode("ascii"))) == text
