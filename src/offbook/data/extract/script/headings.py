"""Lines that are about the text rather than in it: headings of acts, scenes and chapters, cast lists, notes.

A heading is told by its form alone, in Chinese and English, so that every reader can ask the same question.
"""

from __future__ import annotations

import re
from functools import lru_cache

from offbook.data.extract.word_lists import words

NUMBER = r"(?:[零〇一二三四五六七八九十百千两兩]+|[\d０-９]+)"
ROMAN = r"[ivxlcIVXLC]+"
COUNT = (
    rf"(?:{ROMAN}|\d+|(?i:the )?(?i:first|second|third|fourth|fifth|sixth|last|one|two|three|four|five|six|seven"
    r"|eight|nine|ten|primus|secundus|tertius|quartus|quintus|prima|secunda|tertia|quarta|quinta|sexta|septima))"
)

DECORATION = re.compile(r"^[\s#>*_=＝~■◆●\-]+|[\s#*_=＝~■◆●\-]+$")
BRACKETED = re.compile(r"^[【\[〔《（(]\s*(.*?)\s*[】\]〕》）)]$")
RULE = re.compile(r"^(?:[\s*＊=＝_~\-—#☆★◇◆]{3,}|——)$")
MARKDOWN = re.compile(r"^#{1,6}\s+\S")

PART = re.compile(
    rf"^第\s*{NUMBER}\s*[部卷篇集季](?P<zh>.*)$|^[卷]\s*{NUMBER}(?P<nr>.*)$"
    rf"|^(?i:book|part|volume|episode)[\s.]+{COUNT}\b(?P<en>.*)$"
)
ACT = re.compile(rf"^第\s*{NUMBER}\s*幕(?P<zh>.*)$|^(?i:act|actus)[\s.]+{COUNT}\b(?P<en>.*)$")
SCENE = re.compile(
    rf"^第\s*{NUMBER}\s*[场場回章节節折出话話](?P<zh>.*)$"
    rf"|^(?i:scene|scaena|scoena|scena|chapter)[\s.]+{COUNT}\b(?P<en>.*)$"
    r"|^(?:INT|EXT|INT\.?/EXT|I/E)[.\s]+\S.*$"
    rf"|^[场場](?:景|次)?\s*{NUMBER}(?P<nr>.*)$"
    r"|^(?:场景|場景|场次|場次|内景|外景|內景)\s*[:：.．、\s].*$"
)
STANDALONE = re.compile(
    r"^(?:序幕|序章|序曲|序|楔子|引子|尾声|尾聲|幕间|终章|終章|后记|後記|番外|终幕|大结局)(?:[\s:：·.、]|$)"
    r"|^(?i:prologue|epilogue|induction|interlude|preface|teaser|cold open|tag)\s*[.:]?$"
)
SLUG_NUMBER = re.compile(rf"^(?:[sS]\d+|{NUMBER})(?:[-－—–.．]\d+)*\s*[.．、:：\s]\s*")
DAY = words(
    """
    日 夜 晨 晚 早 昏 日景 夜景 清晨 早晨 上午 中午 下午 午后 黄昏 傍晚 晚上 夜晚 深夜 凌晨 黎明 雨夜
    """
)
PLACE = words(
    """
    内 外 內 内景 外景 內景 内外 室内 室外 户外
    """
)
SENTENCE = re.compile(r"[，。！？!?；;“”「」…]")

LONGEST = 80
"""Longer lines are prose."""

CAST = re.compile(
    r"^(?:人物|角色|主要人物|主要角色|次要人物|次要角色|主角|配角|登场人物|出场人物|剧中人|剧中人物|演员|演员表"
    r"|人物表|角色表|人物介绍|角色介绍|人物简介|登場人物|出場人物|劇中人物?|人物介紹|角色介紹)\s*[:：]?$"
    r"|^(?i:dramatis person(?:ae|æ)|persons (?:represented|of the (?:play|drama))"
    r"|(?:list of )?characters(?: (?:of|in) the play)?|(?:the )?cast(?: of characters)?|the persons)\s*[.:]?$"
)
NOTES = words(
    """
    时间 地点 场景 场次 人物 角色 出场人物 登场人物 主要人物 演员 布景 道具 灯光 音乐 音效 配乐 背景音乐 歌曲
    字幕 画面 镜头 镜号 景别 特写 备注 注 说明 简介 内容简介 剧情 剧情简介 梗概 故事梗概 编剧 作者 导演 改编
    原著 监制 标题 片名 剧名 题目 集数 主题 类型 字数 日期 天气 时长 服装 化妆 背景 舞台 提示 转场 闪回 来源
    链接 网址 电话 邮箱 版权 出处 附 例如 比如 注意 结果 原因 总之 问题 答案 旁白 画外音 解说 時間 地點 場景
    說明 備註 燈光 音樂 編劇 導演 畫面 鏡頭 解說 畫外音 time place location setting scene character characters
    cast note notes title author editor director music sound sfx lights lighting costume costumes props synopsis
    summary duration date source copyright url link http https ftp mailto narrator narration transition warning
    example written_by translated_by cut_to fade_in fade_out dissolve_to contents
    """
)
"""Labels that stand before a colon and speak for nobody."""


def undecorated(line: str) -> str:
    """The line without the markdown, rules and brackets that set a heading off."""
    if line[:1].isalnum() and line[-1:].isalnum():
        return line
    bare = DECORATION.sub("", line)
    inside = BRACKETED.match(bare)
    return inside[1] if inside else bare


@lru_cache(4096)
def heading(line: str) -> tuple[int, str] | None:
    """Level and name of the heading that a line is: 1 a part or episode, 2 an act, 3 a scene or chapter; else None."""
    if len(line) > LONGEST or line[:1].islower() or (line.endswith((",", "，", "；", ";")) and line[0] != "#"):
        return None
    bare = undecorated(line)
    for level, pattern in ((1, PART), (2, ACT), (3, SCENE)):
        if (found := pattern.match(bare)) and _is_title(found, bare):
            return level, bare
    if (STANDALONE.match(bare) and len(bare) <= 30 and not line.startswith("**")) or _is_slug(bare):
        return 3, bare
    if MARKDOWN.match(line):
        return 3, bare
    return None


def is_rule(line: str) -> bool:
    """A line of asterisks, dashes and the like, which parts two scenes."""
    return not line[:1].isalnum() and len(line.strip()) >= 2 and bool(RULE.match(line.strip()))


def is_note(label: str) -> bool:
    """Whether a label before a colon is the script's own (time, place, music …) and no speaker."""
    return label.strip().casefold() in NOTES


def _is_title(found: re.Match[str], bare: str) -> bool:
    """Whether a title can follow the number: `第一场雪下了三天。` and `Part two of the plan failed.` are prose."""
    groups = found.groupdict()
    rest = next((groups[key] for key in ("zh", "en", "nr") if groups.get(key) is not None), "")
    if groups.get("en") is not None:
        return not rest or not rest[0].isspace() or not rest.lstrip()[:1].islower()
    if not rest or not (rest[0].isalnum() or rest[0] in "，。！？"):
        return len(bare) <= 60
    return len(bare) <= 20 and not SENTENCE.search(rest)


def _is_slug(bare: str) -> bool:
    """Whether it is a scene's slug line: `1-1 日 内 甄府`, `12、碎玉轩 夜 内`, `养心殿 夜 内`."""
    if bare.isascii() or len(bare) > 40 or SENTENCE.search(bare):
        return False
    number = SLUG_NUMBER.match(bare)
    words = set(re.split(r"[\s/／、，,.．·:：\-—（）()]+", bare[number.end() if number else 0 :]))
    return bool(words & PLACE and words & DAY) or bool(number and words & (PLACE | DAY))
