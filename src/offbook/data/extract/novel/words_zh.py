"""Patterns that tell who speaks in Chinese prose, put together from the lists of `words/zh.json`.

The lists are in simplified characters; text is compared after `simplify`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from offbook.data.extract.word_lists import load, one_of

LISTS = load("novel", "zh")
_TO_SIMPLIFIED = str.maketrans({pair[0]: pair[1] for pair in load("novel", "zh_traditional")["pairs"]})

HAN = r"[\u4e00-\u9fff]"
ASPECT = "(?:着|了|过)"
"""What stands behind a verb: 笑着, 问了."""


@lru_cache(4096)
def simplify(text: str) -> str:
    """The text in simplified characters as far as the word lists need it; of the same length."""
    return text.translate(_TO_SIMPLIFIED)


SAY = one_of(LISTS["say"]) + ASPECT + "?(?:道|说|曰)?"
"""A verb of speech: 笑道, 问, 说着."""
SAID = SAY + one_of(LISTS["say_count"]) + "?"
"""A verb of speech and how often it is done: 叫了一声."""
_SO_MANY = "(?:了|出|出了)?[一两二三四五六七八几][个句](?:字|话)"
SAYS = re.compile(f"(?:{SAID}|{one_of(LISTS['put'])}{_SO_MANY}|打字|打字道)$")
NOT_SAY = re.compile(one_of(LISTS["not_say"]) + "$")
"""What ends like a verb of speech and is none: 知道, 听说."""
_WITHIN = "(?:在心[里中底]|内心)"
_UNSAID = (
    "(?:(?<![了想一])[本很刚正]?想|没|没有|没能|不曾|未曾|[没不]敢|不肯|差点|差一点|[正刚本]要)"
    "(?:再|直接|开口)?[说问喊骂](?:出口|出来)?"
)
THINKS = re.compile(f"(?<!意){one_of(LISTS['think'])}(?:着|了|道)?$|{_WITHIN}[^，。：:]{{0,8}}$|{_UNSAID}$")
"""心里想道, 在心里呼叫系统, 没有说"""
WRITES = re.compile(one_of(LISTS["write"]) + "(?:着|了|道|曰|是|云|有|的)?$")
"""匾上写着"""
WROTE = re.compile("[写题书留]道$")
"""上面写道"""
NOT_WRITES = re.compile("(?:说|道|叫|喊|骂)[了出]*[一二两三四五几数]*[个声]*.{1,8}字$")
"""连说三个“好”字"""
RANK = re.compile(one_of(LISTS["rank"]))
"""Who begins or ends with a character that rules a name out: 太后, 先生, 员外."""
LEADING = re.compile(
    f"(?!{RANK.pattern}){one_of(LISTS['leading'])}的?|可(?={one_of(LISTS['he'])}|{one_of(LISTS['me'])})"
)
"""What a clause begins with before its subject: 于是, 只见, 那."""

_OF_ONE = one_of(LISTS["verb_of_one"])
_KNOWN = one_of({word for word in LISTS["say"] | LISTS["manner"] if len(word) == 2})
_OF_TWO = f"(?:{_KNOWN}|[紧轻斜半]{_OF_ONE}|{HAN}(?!{_OF_ONE}){HAN})"
_ADVERB = f"(?:(?:{HAN}|{HAN}(?![猛霍蓦陡忽腾倏]){HAN})地|(?:{HAN}|{_OF_TWO})着(?:{HAN}{{1,3}}?)?)"
"""轻轻地, 皱着, 低着头; the first character of 远红着 is a name's last."""
_ADDRESSED = f"[对向与和跟朝冲给同谓]{HAN}{{1,4}}?"
"""向老汤 (笑道)"""
_HOLDING = f"拉着?{HAN}{{1,3}}?"
"""拉着小岛 (笑道)"""
_PLACE = f"{HAN}{{0,2}}?[厅堂楼门屋房殿府店船山城岸帐寨院室宫车床台阶]"
_MOVING = f"[走跑奔赶闯冲转抢踱]?[上下进出入到回]得?{_PLACE}[上里内外中前]?[来去]?[报禀]?"
"""走上厅来 (笑道), 上厅来报 (道)"""
_COMING = f"[走跑奔赶闯冲转抢踱退凑扑爬追绕跨](?:[了着]?[过上下进出回近到](?:{HAN}{{1,4}}?)?)?[来去]"
"""跑过来 (说), 转过屏风来 (说), 走上前来 (道)"""
MANNER = (
    f"(?:{one_of(LISTS['idiom'])}地?|{one_of(LISTS['manner'])}|{_ADVERB}|{_ADDRESSED}|{_HOLDING}|{_MOVING}|{_COMING})"
)
"""How it is said, between the name and the verb: 冷冷地, 连忙, 对小岛."""

LONG_MANNER = one_of({words for words in LISTS["idiom"] | LISTS["manner"] if len(words) > 1})
"""Such of them as are no name's last character."""

_JUST_BEFORE = one_of(LISTS["spoken_to"]) + "(?:着|了|见|到|得|过)?$"
"""见了 (老汤)"""
_FACING = "[对向朝冲][^，]*$"
"""向老汤、(小岛)"""
OBJECT_OF = re.compile(f"{_JUST_BEFORE}|{_FACING}")
"""What stands before a name whose bearer is spoken to, looked at, sent or led."""
RELATED = re.compile(one_of(LISTS["relative"]) + "(?!娘)")
"""What makes a name that of somebody's wife, mother or nurse: 老汤家的."""

ONE = re.compile(
    rf"(?!{one_of(LISTS['not_one_name'] | LISTS['say'] | LISTS['manner'] | LISTS['he'] | LISTS['me'])}){HAN}"
    rf"(?:在{HAN}{{1,4}}?)?(?:{MANNER}){{0,3}}{one_of(LISTS['say'])}?曰(?=$|[：:，])"
)
"""A name of one character, as old books go on with somebody: 操(大喜曰)."""
STRANGER = re.compile(
    f"(?<![对向与和跟朝冲给问见让叫把被])(?:[一那这几数两][个名位]{HAN}{{1,8}}?|(?<![低高轻柔缓粗沉哑了着大])(?:声音|嗓音|话音)|{one_of(LISTS['stranger'])})(?:{MANNER}){{0,5}}{SAID}$"
)
"""(忽) 有人叫道, (旁边) 一个老者说道: somebody else than whoever acts before."""
SOMEONE = re.compile(f"[一那这几数两][个名位]|{one_of(LISTS['stranger'])}")
"""Who is nobody that is named: 一个老者, 有人, 护士."""
BELONGS = re.compile(f"[的之]|{one_of(LISTS['place'])}")
"""What makes a name a place or an owner: 老汤身后 (一人道)"""
VOICE = re.compile("的(?:声音|嗓音)")
"""老汤的声音 (从门外传来)"""

_NO_HEAD = "^" + one_of(LISTS["not_a_names_head"])
"""把灯 (拿来), 又 (笑)"""
_COUNTED = "^[一二两三四五六七八九十几][个则位人声句]"
"""一个, 两人"""
_NO_TAIL = one_of(LISTS["not_a_names_tail"]) + "$"
"""点头, 回来"""
_OF = "的(?<!家的)$"
"""红色的, but not 老汤家的"""
NO_NAME = re.compile("|".join([_NO_HEAD, _COUNTED, one_of(LISTS["not_in_a_name"]), _NO_TAIL, _OF]))
"""What tells that characters before a verb of speech are nobody's name."""
THOUGHT = re.compile(
    rf"(?:{MANNER}|[这那]么|[这那]样|如此|暗暗?|暗自|心[里中下底]?|内心|在|自)*(?:{one_of(LISTS['think'])}+|(?<=[里中下底心]){SAID})(?:着|了|道)?(?=$|[，。：、！])"
    rf"|(?:{MANNER})*{_UNSAID}(?=$|[，。：、！])"
)
"""(“……”阿哲) 心想，心里嘀咕，没说出口。"""
ALL_THE_SAME = re.compile(
    f"{RANK.pattern}|^{one_of(LISTS['surname_all_the_same'])}(?=[^经是此{''.join(sorted(LISTS['he']))}]{HAN}?$)"
    f"|^{one_of(LISTS['given_head'])}{one_of(LISTS['given_tail'])}"
)
"""What tells that they are somebody after all: 太后, 令狐(冲), 若曦."""
SURNAME = re.compile(one_of(LISTS["surname"]))
"""What the name of somebody who acts begins with, where no verb of speech shows that it is a name: 李, 老, 阿."""
PREFIXED_SURNAME = re.compile(f"小?{SURNAME.pattern}")
ROLE = re.compile(one_of({word for word in LISTS["woman"] | LISTS["man"] | LISTS["title"] if len(word) > 1}))
"""A title or kinship by which somebody may be known all through a book: 皇后, 社长, 二叔."""
SIGHT = re.compile("(?:只|忽|但)(?:见|听得?|听见)")
"""What follows these is seen or heard, and acts: 回头只见薛蟠走来."""
HEARD = re.compile("(?:听见|听到|看见|看到|想起|想到|记起|记得)(?![了来])")
"""(他) 听见 (有人喊：“…”), 想起 (我妈说过的一句话：“…”)"""
NO_ONE = LISTS["nobody"]
"""Adverbs and phrases that stand where a name might: 次日, 一声."""
COMMON = LISTS["nobody_unless_tagged"]
"""Common words that are somebody's name if they stand behind a quoted line: (“…”) 高兴说."""
HE = re.compile(one_of(LISTS["he"]) + "们?")
GROUP = re.compile(one_of(LISTS["group"]))
ME = LISTS["me"]
KIN = re.compile(f"[我他她你]的?{one_of(LISTS['kin'])}|(?:{one_of(LISTS['kin_alone'])}|{one_of(ME)})(?!的)")
"""Who is named by kinship, and the teller himself: 我妈, 爹, 我."""
AGAIN = re.compile("^" + one_of(LISTS["again"]))
"""What goes on with the last speaker: 又道, 说着."""
