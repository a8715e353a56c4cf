"""Which encoding from before Unicode a text is in, told by fixed rules from the commonest characters of its language.

Only two of them are read (`encoding.py`); the others are named, so that whoever has such a file knows how to save it.
"""

from __future__ import annotations

import re

READ = {"gb18030": "GB18030", "cp1252": "Windows-1252"}
"""Codec → name of the encodings that are read."""
NAMES = {
    **READ,
    "big5": "Big5 (traditional Chinese)",
    "cp932": "Shift-JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "cp949": "EUC-KR (Korean)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8_r": "KOI8-R (Cyrillic)",
}
_CHINESE = (
    "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也"
    "你对對生能而子那得于着下自之年过過后後作里裡好吗嗎呢吧啊"
)
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
_KANA = "のにはをたがてとしれさいるなでもかっうすくりあこだまけよきらどせめやえおみンーイアルスト"
COMMON = {
    "gb18030": _CHINESE,
    "big5": _CHINESE,
    "cp932": _KANA,
    "euc_jp": _KANA,
    "cp949": "이다는을를에가의고하지나도기어아서리로그사자니해한것들은있라인수게시만정대여안일요야거면까네내너",
    "cp1251": _CYRILLIC,
    "koi8_r": _CYRILLIC,
}
"""Codec → the commonest characters of what is written in it."""
MARKS = "‘’“”„‚–—…«»¡¿°·€£§©™"
WESTERN = frozenset("àáâäåæçèéêëìíîïñòóôöøùúûüßœÀÁÂÄÅÆÇÈÉÊËÍÎÓÔÖØÚÛÜÑŒãõÕ\xa0" + MARKS)
"""What a text in Windows-1252 holds besides ASCII; letters of its neighbours (Polish, Czech, Turkish) are not in it."""
ENOUGH = {"big5": 0.2, "cp932": 0.4, "euc_jp": 0.4, "cp949": 0.35, "cp1251": 0.85, "koi8_r": 0.85}
"""Codec → the share of common characters that tells it: an alphabet is soon counted out, Chinese is not."""
FEWEST = 10
"""So many characters beyond ASCII tell an encoding by their frequency."""


def guess(sample: bytes) -> str | None:
    """The codec of a text that is not UTF-8, a key of `NAMES`; None where nothing speaks against GB18030."""
    if _is_western(sample):
        return "cp1252"
    shares = {codec: _share(sample, codec) for codec in COMMON}
    fit = [codec for codec, enough in ENOUGH.items() if shares[codec] >= max(enough, 2 * shares["gb18030"])]
    return max(fit, key=lambda codec: shares[codec] / ENOUGH[codec], default=None)


def _share(sample: bytes, codec: str) -> float:
    """The share of common characters among those beyond ASCII."""
    text = sample.decode(codec, errors="ignore")
    # An alphabet has its letters beyond ASCII and little else; Chinese that is read as one is full of drawing signs.
    is_alphabet = COMMON[codec] is _CYRILLIC
    beyond = [
        char
        for char in text
        if not char.isascii() and (char.isalpha() or (is_alphabet and char not in MARKS and not char.isspace()))
    ]
    return sum(char in COMMON[codec] for char in beyond) / max(len(beyond), FEWEST)


def _is_western(sample: bytes) -> bool:
    """Whether what is not ASCII stands alone among ASCII letters, and is what Western European texts hold."""
    runs = re.findall(rb"[\x80-\xff]+", sample)
    alone = sum(len(run) == 1 for run in runs)
    held = b"".join(runs).decode("cp1252", errors="replace")
    return alone >= 0.6 * len(runs) > 0 and all(char in WESTERN for char in held)
