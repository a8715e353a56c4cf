"""Which encoding from before Unicode a text is in: the one in which its bytes are the likeliest text of a language.

For each language the commonest characters are known, and how much of a text they make up. A sample's bytes are decoded
as every codec of every language, and the log probabilities of the characters that come out are added up. Where the
likeliest reading is not clearly likelier than the next one that reads otherwise, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import log
from string import ascii_letters
from unicodedata import category, east_asian_width

NAMES = {
    "gb18030": "GB18030 (Chinese)",
    "big5": "Big5 (traditional Chinese)",
    "cp932": "Shift-JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "cp949": "EUC-KR (Korean)",
    "cp1250": "Windows-1250 (Central European)",
    "iso8859_2": "ISO 8859-2 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8_u": "KOI8 (Cyrillic)",
    "cp866": "DOS 866 (Cyrillic)",
    "cp1252": "Windows-1252 (Western European)",
    "mac_roman": "Mac Roman (Western European)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp874": "Windows-874 (Thai)",
    "cp1257": "Windows-1257 (Baltic)",
    "johab": "Johab (Korean)",
    "iso2022_jp": "ISO-2022-JP (Japanese)",
    "iso2022_kr": "ISO-2022-KR (Korean)",
    "hz": "HZ (Chinese)",
    "cp850": "DOS 850 (Western European)",
    "cp852": "DOS 852 (Central European)",
    "mac_latin2": "Mac (Central European)",
    "iso8859_16": "ISO 8859-16 (Romanian)",
    "iso8859_5": "ISO 8859-5 (Cyrillic)",
    "mac_cyrillic": "Mac (Cyrillic)",
    "cp855": "DOS 855 (Cyrillic)",
    "cp1125": "DOS 1125 (Ukrainian)",
    "iso8859_7": "ISO 8859-7 (Greek)",
    "cp737": "DOS 737 (Greek)",
    "cp869": "DOS 869 (Greek)",
    "mac_greek": "Mac (Greek)",
    "cp857": "DOS 857 (Turkish)",
    "mac_turkish": "Mac (Turkish)",
    "cp862": "DOS 862 (Hebrew)",
    "iso8859_6": "ISO 8859-6 (Arabic)",
    "cp720": "DOS 720 (Arabic)",
    "iso8859_4": "ISO 8859-4 (Baltic)",
    "cp775": "DOS 775 (Baltic)",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
}
"""Codec → the encoding's name for people."""
WIDE = ("utf-16-le", "utf-16-be")
CLEARLY = log(8)
"""The likeliest reading is taken if it is so much likelier than any other."""
RARE = (
    "cp850", "cp852", "mac_latin2", "iso8859_16", "iso8859_5", "mac_cyrillic", "cp855", "cp1125", "cp737", "cp869",
    "mac_greek", "iso8859_7", "cp857", "mac_turkish", "cp862", "iso8859_6", "cp720", "iso8859_4", "cp775", "johab",
)  # fmt: skip
PRIORS = {"gb18030": log(8), "cp1252": log(8), "mac_roman": -log(20), "cp866": -log(4), "iso8859_2": -log(4)}
PRIORS |= dict.fromkeys(RARE, -log(50))
"""Log of how much commoner than the others an encoding is on people's disks."""
FEWEST_LETTERS = 1
"""With so many bytes beyond ASCII the likeliest reading has to be twice as far ahead, in logs."""
FEWEST = 5
"""With fewer bytes beyond ASCII a text is not taken for one of another script: they may as well be damage."""
SAMPLE = 2000
"""So many bytes tell."""

ASCII_LETTER, OTHER_ASCII, NEWLINE = 0.02, 0.03, 0.03
TYPOGRAPHY = dict.fromkeys("“”‘’„«»–—…\xa0", 0.003) | dict.fromkeys("‚•·°№€£§©™¡¿´", 0.0003)
INVISIBLE = dict.fromkeys("\u202f\u200e\u200f\u2068\u2069\ufe0f", 0.001)
"""Marks that chats are strewn with; in GB18030 they have four bytes."""
FULL_WIDTH = (
    INVISIBLE | dict.fromkeys("，。？！、：“”「」…（）", 0.012) | dict.fromkeys("；‘’《》『』【】—·～〜　・", 0.002)
)
UNUSUAL, NEVER = 1e-7, 1e-9
"""The probability of a sign that a language does not use (an emoji, say), and of what is no sign at all."""
MISPLACED = log(1e-3)
"""For a capital behind a small letter, and for an ASCII letter or digit within a word of another script."""
NOT_IN_WORDS = frozenset("“”„«»‚•°§©™£€¡¿")
"""Typographic signs that stand at the side of a word, and never between its letters."""
CROWDED = log(0.05)
"""For a Latin letter with an accent right behind another one, and a Chinese, Japanese or Korean one behind ASCII's.

Full-width punctuation belongs behind such letters, too: `Ann — Today` in GB18030 would be `Ann ！ Today` in EUC-JP.
"""

ASCII_BESIDE = frozenset(f" {ascii_letters}")


@dataclass(frozen=True)
class Language:
    """How often the characters of a language are met.

    Args:
        codecs: encodings that its texts lie about in.
        common: its commonest characters, and the share of a text that they make up together.
        share: that share.
        others: the probability of any other of its characters.
        belongs: whether a character is one of those.
        ranked: whether it is an alphabet other than the Latin, `common` in falling order, so that the first ones are
            met more often.
        latin: whether it is written in Latin letters, of which `common` has those beyond ASCII, in falling order:
            `share` of its letters.
    """

    codecs: tuple[str, ...]
    common: str
    share: float
    others: float = NEVER
    belongs: Callable[[str], bool] = lambda _: False
    ranked: bool = False
    latin: bool = False

    def probabilities(self) -> dict[str, float]:
        """The probability of each common character, capitals and punctuation included."""
        size = len(self.common)
        falls = self.ranked or self.latin
        weights = [2.0 * (size - place) / (size + 1) if falls else 1.0 for place in range(size)]
        table = dict(FULL_WIDTH if self.codecs[0] in ("gb18030", "big5", "cp932") else TYPOGRAPHY)
        for char, weight in zip(self.common, weights, strict=True):
            table[char] = self.share * weight / size
            if char.upper() != char:
                table.setdefault(char.upper(), table[char] / 12)
        return table


def _in_rows(codec: str, last: int) -> Callable[[str], bool]:
    """Whether a character's first byte in a codec is at most `last`: the part with the common characters."""

    @lru_cache(maxsize=20_000)
    def belongs(char: str) -> bool:
        try:
            code = char.encode(codec)
        except UnicodeEncodeError:
            return False
        return len(code) == 2 and code[0] <= last

    return belongs


_SIMPLIFIED = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里好吗呢吧啊"
    "没事家天看点心想什么起还她去道小多用如同现回样开当头面从又把好方老些然见两被手又吃走问笑听知谁嗯哦哈给让真怎间早晚安"
    "快再等您请话皇上汤姆今明日月叫爱妈爸油灯亮罐内容名字色"
)
_TRADITIONAL = (
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡好嗎呢吧啊"
    "沒事家天看點心想什麼起還她去道小多用如同現回樣開當頭面從又把方老些然見兩被手吃走問笑聽知誰嗯哦哈給讓真怎間早晚安"
    "快再等您請話皇上今明日月叫愛媽爸油燈亮罐內容名字"
)
_KANA = (
    "のにはをたがてとしれさいるなでもかっうすくりあこだまけよきらどせめやえおみんばちつわげねそじろびほゃょゅふむへ"
    "ンーイルストアラクリマカシタコロナオハサメレキウフニテツモミケセソワヤユヨノエチヒヘホネムドジデバグダッャュョ"
)
_KANJI = (
    "日一国人年大十二本中長出三時行見月分後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千水半"
    "男西電校語土木聞食車何南万毎白天母火右読友左休父雨会同事自社発者地業方新場員立開手力問代明動京目通言理体田主題"
    "意不作用度強公持野以思家世多正安院心教文元重近考海売知道集別物使品計私始朝運終台広住真有口少町料工建空急止送切"
    "転足楽起着店病待族早映親英医去味写字答夜音注帰古歌買悪図週室歩風紙黒花春赤青館屋色走駅洋旅服夕飲飯冬茶犬港"
)
_HANGUL = (
    "이다는을를에가의고하지나도기어아서리로그사자니해한것들은있라인수게시만정대여안일요야거면까네내너"
    "오마보부전주구제무우왜뭐잘녕봐겠었았했습데할모르금때말등불톰녁아침진켜졌"
)
_RUSSIAN = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
_SERBIAN = "аиоенрстјвукдмпљзгбчњжћшцхђџф"
_UKRAINIAN = "оанивіертскулмдпзяьбгйчхжїцющєфшґ"
_WESTERN = ("cp1252", "mac_roman", "cp850")
_CENTRAL = ("cp1250", "iso8859_2", "cp852", "mac_latin2")
_BALTIC = ("cp1257", "iso8859_4", "cp775")
LANGUAGES = (
    Language(("gb18030", *WIDE), _SIMPLIFIED, 0.5, 1e-4, _in_rows("gb2312", 0xD7)),
    Language(("big5", "gb18030", *WIDE), _TRADITIONAL, 0.5, 6e-5, _in_rows("big5", 0xC6)),
    Language(("cp932", "euc_jp", *WIDE), _KANA + _KANJI, 0.8, 2e-5, _in_rows("cp932", 0x97)),
    Language(("cp949", "johab", *WIDE), _HANGUL, 0.6, 1.2e-4, _in_rows("euc_kr", 0xC8)),
    Language(("cp1251", "koi8_u", "cp866", "iso8859_5", "mac_cyrillic", "cp855", *WIDE), _RUSSIAN, 0.8, ranked=True),
    Language(("cp1251", "koi8_u", "cp1125", "iso8859_5", "mac_cyrillic", *WIDE), _UKRAINIAN, 0.8, ranked=True),
    Language(("cp1251", "iso8859_5", "mac_cyrillic", "cp855", *WIDE), _SERBIAN, 0.8, ranked=True),
    Language(
        ("cp1253", "iso8859_7", "cp737", "cp869", "mac_greek", *WIDE),
        "αοιετνσρκπυςλημωδγθφχβξζψάίόέήύώϊϋ",
        0.8,
        ranked=True,
    ),
    Language(("cp1255", "cp862", *WIDE), "יוהלאתרבנמשעדקפחגכםטןצסךזףץ", 0.8, ranked=True),
    Language(("cp1256", "iso8859_6", "cp720", *WIDE), "ايلمنوتربعهكدسفقحجشصطةخذزىءضثأغإظئؤآپچگک؟،", 0.8, ranked=True),
    Language(("cp874", *WIDE), "านรอกเง่้มยลวดตัิทสีะไปบคหุแใจพำู็ชโข์ืถผศณธซภษฟึญฉฮฎฐฬฝๆ", 0.8, ranked=True),
    *(
        Language(codecs, letters, share, latin=True)
        for codecs, letters, share in (
            (_WESTERN, "éàèêçùâîôûëïœ", 0.04),
            (_WESTERN, "üäöß", 0.03),
            (_WESTERN, "óíáéñú¡¿ü", 0.035),
            (_WESTERN, "ãáçéíêóõâúàô", 0.04),
            (_WESTERN, "èàùòéì", 0.02),
            (_WESTERN, "äåöæøé", 0.04),
            (_WESTERN, "áðíéþæóúöý", 0.1),
            (_CENTRAL, "łęóżąśćńź", 0.08),
            (_CENTRAL, "íáéěýřčžůšúťďňóľĺŕôä", 0.14),
            (_CENTRAL, "áéöóőüíúű", 0.12),
            (_CENTRAL, "šžčćđ", 0.04),
            (_CENTRAL, "ăîâşţ", 0.07),
            (("iso8859_16",), "ăîâșț", 0.07),
            (("cp1254", "cp857", "mac_turkish"), "ıişğçöüâİ", 0.12),
            (_BALTIC, "ėšųįžąčūę", 0.07),
            (_BALTIC, "āīēšņļūģžčķ", 0.1),
            (_BALTIC, "äõüöšž", 0.05),
        )
    ),
)


OF_ANOTHER_SCRIPT = {
    codec for language in LANGUAGES if language.ranked for codec in language.codecs if codec not in WIDE
}
"""Encodings of one byte a character for a script that is not Latin."""


def likely(sample: bytes) -> list[str]:
    """The codecs that a text which is not UTF-8 may be in, the likeliest first; just one where it is clear.

    Args:
        sample: a part of the text that has characters beyond ASCII.
    """
    sample = _told_by(sample)
    readings: dict[str, float] = {}
    texts: dict[str, str] = {}
    for language in LANGUAGES:
        table = language.probabilities()
        for codec in language.codecs:
            if codec in WIDE and b"\0" in sample:
                continue  # `encoding.py` tells those by their spaces
            text = texts.setdefault(codec, sample.decode(codec, errors="replace"))
            score = _log_likelihood(text, language, table) + PRIORS.get(codec, 0.0)
            readings[codec] = max(score, readings.get(codec, score))
    order = sorted(readings, key=lambda codec: -readings[codec])
    best = order[0]
    if sum(byte > 0x7F for byte in sample) < FEWEST and best in OF_ANOTHER_SCRIPT:
        return order[:3]
    clearly = CLEARLY * (1 + FEWEST_LETTERS / sum(byte > 0x7F for byte in sample))
    rivals = [codec for codec in order if texts[codec] != texts[best] and readings[best] - readings[codec] < clearly]
    return [best, *rivals]


def _told_by(sample: bytes) -> bytes:
    """The lines of a sample that hold more than ASCII, up to `SAMPLE` bytes."""
    lines, size = [], 0
    for line in sample.splitlines(keepends=True):
        if size < SAMPLE and not line.isascii():
            lines.append(line)
            size += len(line)
    return b"".join(lines)[: 2 * SAMPLE]


def _log_likelihood(text: str, language: Language, table: dict[str, float]) -> float:
    """How likely a text is in a language: the sum of the logs of its characters' probabilities."""
    score, before, earlier = 0.0, " ", " "
    for char in text:
        if before in NOT_IN_WORDS and char.isalpha() and earlier.isalpha():
            score += MISPLACED
        if language.ranked and before == "’" and char.isalpha() and not earlier.isalpha():
            score += MISPLACED  # Ά of Windows-1253 is an apostrophe in ISO 8859-7
        if char.isascii():
            score += log(ASCII_LETTER if char.isalpha() else OTHER_ASCII)
            foreign = char.isalpha() and not before.isascii() and before.isalpha()
            score += MISPLACED if foreign and language.ranked else 0.0
            score += log(1 - language.share) if language.latin and char.isalpha() else 0.0
        else:
            usual = language.others if language.belongs(char) else UNUSUAL if category(char) == "So" else NEVER
            score += log(table.get(char, usual))
            inside = before.isdigit() and earlier.isalpha() and not earlier.isascii()  # one of GB18030's four bytes
            foreign = language.ranked and before.isascii() and (before.isalpha() or inside)
            if foreign or (char.isupper() and before.islower()):
                score += MISPLACED
            elif (before in ASCII_BESIDE and east_asian_width(char) == "F") or (
                before.isalpha() and char.isalpha() and language.latin != before.isascii()
            ):
                score += CROWDED
        before, earlier = char, before
    return score
