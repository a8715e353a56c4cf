"""Packed files, and archives that hold one text."""

import gzip
import zipfile
from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data import unpacking
from offbook.data.encoding import open_text
from offbook.data.extract import extract, listing
from offbook.data.sources import read_rows

CHAT = "[12/05/2021, 21:30:05] Ann: Is the lamp lit?\n[12/05/2021, 21:31:10] Bob: Since four.\n" * 3


def archive(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def texts(path: Path) -> list[str]:
    return [text for _, text in open_text(path)]


def test_the_chat_is_read_that_a_phone_sends_with_its_pictures(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "WhatsApp Chat - Ann.zip",
        {"00000012-PHOTO-2021-05-12.jpg": "x", "notes.txt": "She sent notes.", "_chat.txt": CHAT},
    )
    assert [speaker.name for speaker in listing([path]).speakers] == ["Ann", "Bob"]
    made = extract([path], "Bob")
    assert made.rows[0]["source"]["file"] == str(path)
    assert made.summary.formats == {str(path): "whatsapp"}


@pytest.mark.parametrize("table", ["lines.xlsx", "train.parquet", "data/x.arrow"])
@pytest.mark.parametrize("about", ["README.md", "LICENSE.txt", "Licence.txt", "requirements.txt", "notice.txt"])
def test_what_tells_of_a_table_is_not_taken_for_it(tmp_path: Path, table: str, about: str) -> None:
    path = archive(tmp_path / "set.zip", {about: "question,answer\nLit?,No.\n", table: "x"})
    with pytest.raises(UsageError, match=f"is a zip archive with tables in it: {table}\nUnpack it"):
        list(read_rows(path))


def test_a_readme_alone_is_the_text_of_an_archive(tmp_path: Path) -> None:
    assert texts(archive(tmp_path / "a.zip", {"readme.txt": "Ann: Hi.", "map.png": "x"})) == ["Ann: Hi."]
    rows = {"README.md": "About.", "lines.ndjson": '{"question": "Lit?"}'}
    assert [row for _, row in read_rows(archive(tmp_path / "b.zip", rows))] == [{"question": "Lit?"}]


def test_what_a_mac_packs_beside_a_text_is_none(tmp_path: Path) -> None:
    members = {"scene.txt": "Ann: Hi.\n", "__MACOSX/._scene.txt": "x", ".hidden.txt": "x", "map.png": "x"}
    assert texts(archive(tmp_path / "a.zip", members)) == ["Ann: Hi."]


def test_rows_in_an_archive_are_told_by_the_name_inside(tmp_path: Path) -> None:
    path = archive(tmp_path / "dataset.zip", {"data/train.csv": "question,answer\nLit?,Since four.\n"})
    assert [row for _, row in read_rows(path)] == [{"question": "Lit?", "answer": "Since four."}]


@pytest.mark.parametrize(
    "members",
    [
        {"lines.txt": "Ann: Hi.\n", "README.md": "About Ann.", "LICENSE.txt": "Free."},
        {"user.json": "{}", "conversations.json": "Ann: Hi.\n", "message_feedback.json": "[]"},
    ],
    ids=["readme", "conversations"],
)
def test_what_tells_of_a_text_or_its_owner_is_not_the_text(tmp_path: Path, members: dict[str, str]) -> None:
    assert texts(archive(tmp_path / "a.zip", members)) == ["Ann: Hi."]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"map.png": "x", "map.pdf": "x"}, r"is a zip archive without a text in it: map\.png, map\.pdf"),
        ({"a.txt": "x", "b.txt": "y"}, r"is a zip archive of several texts: a\.txt, b\.txt"),
    ],
    ids=["none", "several"],
)
def test_an_archive_without_one_text_is_refused(tmp_path: Path, members: dict[str, str], reason: str) -> None:
    path = archive(tmp_path / "a.zip", members)
    with pytest.raises(UsageError, match=reason) as caught:
        texts(path)
    assert "Unpack it" in caught.value.fix
    with pytest.raises(UsageError, match=reason):
        listing([path])


def test_of_a_data_set_s_parts_the_one_for_training_is_read(tmp_path: Path) -> None:
    members = {f"set/{name}.csv": f"question,answer\nLit?,{name}.\n" for name in ("dev", "test", "train")}
    path = archive(tmp_path / "dataset.zip", members)
    assert [row for _, row in read_rows(path)] == [{"question": "Lit?", "answer": "train."}]


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.txt": CHAT * 100})
    content = path.read_bytes()
    for damaged in (content[:40], b"PK\x03\x04\x14\0", content[:60] + b"damage" + content[66:]):
        path.write_bytes(damaged)
        with pytest.raises(UsageError, match=r"a\.zip cannot be unpacked"):
            texts(path)


@pytest.mark.parametrize("line", [b"\n", b""], ids=["lines", "one line"])
def test_a_packed_file_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr(unpacking, "UNPACKED", 1 << 20)
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress((b"x" * 1000 + line) * 4000))
    with pytest.raises(UsageError, match=r"rows\.jsonl\.gz unpacks to more than 200 times its size"):
        list(open_text(path))
    path.write_bytes(gzip.compress((b"x" * 1000 + line) * 1000))
    assert sum(len(text) for _, text in open_text(path)) == 1_000_000


def test_a_damaged_packed_file_is_named(tmp_path: Path) -> None:
    complete = gzip.compress(b"Is the lamp lit?\n" * 400)
    for content in (b"\x1f\x8b\x08bad", complete[:40], b"no gzip at all", complete[:30] + b"damage" + complete[36:]):
        path = tmp_path / "lines.txt.gz"
        path.write_bytes(content)
        with pytest.raises(UsageError, match="cannot be unpacked"):
            list(open_text(path))


def test_an_archive_with_a_password_is_said_to_have_one(tmp_path: Path) -> None:
    path = archive(tmp_path / "chat.zip", {"./_chat.txt": CHAT})
    assert texts(path) == CHAT.splitlines()
    packed = bytearray(path.read_bytes())
    for sign, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        packed[packed.index(sign) + flags] |= 1
    path.write_bytes(packed)
    with pytest.raises(UsageError, match="locked with a password"):
        texts(path)
