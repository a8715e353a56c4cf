"""Who says a quoted line in French, German, Russian and the like, as far as a name beside a verb of speech tells.

    — Да, — сказал Иван.      « Oui », dit Jeanne.      »Ja«, sagte Anna.      —Sí —dijo Juan—. ¿Y tú?

The words of a language are a file in `words/`. Dialogue stands between quotation marks or behind a dash; the narrator's
words within it are told by their verb of speech. Turns without names are left to the taking of turns, below the bound.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from offbook.data.extract.novel.attribution import NOBODY, PRONOUN, TURN, Attribution, DialogueState, confidence, shared
from offbook.data.extract.novel.mixed_marks import MARK
from offbook.data.extract.novel.quotes import DASH, BookLayout, TextSpan, cut_at_marks
from offbook.data.extract.word_lists import load, one_of

CAPITAL = "[A-ZÀ-ÖØ-ÞŁŚŻŹĆŃČĎĐĚĨŇƠƯŘŠŤŨŮŽĞİŞА-ЯЁӘҒҚҢҰҮҺІЇЄҐ" + "".join(map(chr, range(0x1EA0, 0x1EFA, 2))) + "]"
INSERTED_SENTENCE = re.compile(rf"{CAPITAL}[^—–―!?]{{3,200}}\.\s*[—–―]\s*[¿¡]?{CAPITAL}")
"""(— Вот как! —) Пётр встал. — Идём."""
CLOSED_BY_DASH = re.compile(r"[^—–―]{3,200}\S[—–―](?=[.,;:!?…\s])")
"""(—Siempre. —)Marta cerró el libro—. ¿Y tú?: in Spanish the narrator's dashes stand close to his words."""
TYPED_DASH = re.compile(r"^-+(?=\S)|(?<=\s)-(?=\w)|(?<=[\w!?])-(?=[\s.,;:!?…]|$)")
"""-Sí -dijo Marta-. ¿Y tú?: Spanish dashes as they are typed"""
_PAST = "[а-яё]+(?:л|ла|ли|лся|лась|лись)"
TOLD_IN_RUSSIAN = re.compile(
    rf"(?:не\s+)?{_PAST}\s+(?:(?:[а-яё]+\s+)?{CAPITAL}[а-яё]+|(?:[а-яё-]+\s+){{0,4}}голос)"
    rf"|{CAPITAL}[а-яё]+\s+(?:[а-яё-]+\s+){{0,3}}{_PAST}\b"
)
"""(— Иди, —) велела Мара, Мара не подняла головы: a verb of the past and who did it, or раздался чей-то голос."""
TAGS_BEHIND_COMMAS = ("fr", "de", "it", "cs", "sv", "tr")
"""Languages that set a tag off with a comma alone behind a dash: – Und nun?, fragte Paul."""
SPEECH_FOLLOWS = re.compile(rf"(?<=[.!?…:])\s+[—–―]\s*(?=[¿¡]?{CAPITAL})")
"""Он обернулся и спросил: — (Кто там?)"""
CLOSING_MARKS = "”“»«"
_AND = one_of(("y", "e", "i", "и", "und", "et", "en", "och", "a"))
ITSELF = r"(?:(?:se|si|się|sich|zich)\s+)?"
"""se (burló Marta), uśmiechnął się (Tomek)"""
BEHIND = re.compile(rf"[\s,—–―-]*(?!{CAPITAL})\w")
"""(„Nein“,) dachte sie, where (“Nein.”) Sie dachte nach. is a sentence of its own."""
BROKEN_OFF = re.compile(r"\s*[—–―]+\s*\w")
"""«Он сказал «никогда»», — сказал; „Idę” — powiedział: a dash where a comma would be."""
DOUBLE_STOP = re.compile(r"(?<=[.!?…]),$")
MANNER = r"[^\W\d_]+(?:mente|ment|[^\W\d_]о)"
"""тихо (сказал), (dijo) lentamente"""
WORD = rf"{CAPITAL}[^\W\d_]*(?:[-'’][^\W\d_]+)*"


class _Grammar:
    """Patterns of a language."""

    def __init__(self, language: str) -> None:
        lists = load("novel", language)
        self.lists = lists
        say_verbs = one_of(lists["say"])
        says_or_thinks = one_of(lists["say"] | lists["thinks"])
        title = one_of(lists["title"])
        determiners = lists["determiner"] | {word.capitalize() for word in lists["determiner"]}
        no_article = rf"(?!{one_of(determiners)}\s+(?!{CAPITAL}))"
        name = rf"{no_article}(?:{title}\s+)*{WORD}(?:\s+(?:{one_of(lists['particle'])}\s*)?{WORD}){{0,2}}"
        self.pronouns = lists["he"] | lists["she"] | lists["they"] | lists["me"]
        pronoun = rf"{one_of(self.pronouns)}\b"
        determiner = rf"{one_of(determiners)}(?:\s+|(?<=['’]))"
        epithet = one_of(lists.get("epithet", ()))
        noun = rf"(?:{epithet}\s+)*[^\W\d_]+(?:-[^\W\d_]+)*\b"
        if language == "de":
            noun = rf"(?:(?!{CAPITAL})[^\W\d_]+e[nrs]?\s+(?={CAPITAL}))*{noun}"
        with_article = determiner + noun
        described = rf"(?:{title}\b|{with_article})"
        if language != "de":
            name = rf"(?:{determiner}(?!{CAPITAL})(?:(?!{say_verbs}\b){noun}\s+))?{name}"
        adverb = rf"(?:(?:{one_of(lists['adverb'])}|{MANNER})\s+){{0,2}}"
        clitic = rf"(?:{one_of(lists.get('clitic', ()))}\s+|[lms]['’])?"
        old = rf"(?:{epithet}\s+(?={CAPITAL}))?"  # (frågade gamle) Nils
        speaker = rf"(?<![^\W\d_]){old}(?P<speaker>{pronoun}|{name}|{described})"
        present = one_of(lists.get("say_present", ()))
        compound = rf"{one_of(lists.get('auxiliary', ()))}(?=-(?:t-)?[^\W\d_]+\s+[^\W\d_]+(?:é|i|u|it|is)e?s?\b)"
        self.hyphenated = re.compile(rf"{clitic}(?P<verb>{present}|{compound})-(?:t-)?(?P<speaker>{pronoun})")
        """(— Oui,) demande-t-il, ai-je dit"""
        self.verb_first = re.compile(
            rf"(?:{MANNER}\s+)?{clitic}(?P<verb>{say_verbs})(?:-t)?[\s-]+{adverb}{speaker}(?!['’])"
        )
        self.name_first = re.compile(rf"{speaker}\s+{adverb}(?:(?!{_AND}\b)[^\W\d_]+\s+)?(?P<verb>{say_verbs})\b")
        small = rf"(?!{one_of(lists['not_a_verb'] | lists['common'])}\b)(?!{CAPITAL})[^\W\d_]{{3,}}(?:-se)?"
        self.inverted = re.compile(
            rf"(?:{MANNER}\s+)?{ITSELF}{clitic}{small}\s+{ITSELF}"
            rf"(?P<speaker>{name}|{title}\b|{one_of(lists['he'] | lists['she'])}\b)(?!['’])"
        )
        """(—Sí —)mintió Luis, mintió él: any verb before its subject, right behind what is said."""
        self.bare = re.compile(rf"(?:{MANNER}\s+)?{clitic}{says_or_thinks}(?=\s*[.,:;]|\s+\w|\s*$)")
        """(– Nie –) powiedziała(. – Chodź.): a tag without its subject."""
        self.subject_first = re.compile(rf"(?P<speaker>{pronoun}|{with_article}|{name})\s+(?!{CAPITAL})[^\W\d_]+")
        """Андрей рассмеялся (:)"""
        relation = rf"(?:(?!{title}\b){noun}\s+)?"
        before_name = "(?!)" if language == "de" else rf"{determiner}{relation}(?=(?:{title}\s+)*{CAPITAL})"
        self.article = re.compile(f"^{before_name}")
        """disse (a) Ana, dit (sa sœur) Claire: what stands before names."""
        self.common_noun = lists["title"] | lists["determiner"]
        """What begins with a capital at the head of a sentence alone: Дед (Матвей), El (abuelo)."""
        self.nobody = lists.get("nobody", frozenset())
        """(dit) une voix"""
        self.thinks = re.compile(rf"\b{one_of(lists['thinks'])}\b")
        self.writes = re.compile(rf"\b{one_of(lists['written'])}\b(?:(?!\b{_AND}\b)[^,.;:])*:$")
        written_on, reads = (one_of(lists.get(words, ())) for words in ("written_on", "reads"))
        self.reads = re.compile(rf"\b{written_on}\b(?:(?!\b{_AND}\b)[^,.;:])*\b{reads}\s*:$")
        """una nota que decía (: «No tocar.»)"""
        any_verb = rf"{clitic}(?:[^\W\d_]+(?:[^\W\d_r]a|[iu]t|int)|{present}(?<!s))\s+(?:{title}\b|{name})"
        further = rf"{any_verb}|{clitic}(?:{present}|{compound})-(?:t-)?{pronoun}" if language == "fr" else "(?!)"
        self.inserted = re.compile(
            rf"[,!?…]\s+(?=(?:{clitic}{says_or_thinks}(?:-t)?[\s-]+{speaker}|{further}))[^.,!?;:]*(?:[.,]\s*|$)"
        )
        """(“Oui,) dit-il, (je viens.”): a tag without marks of its own."""
        self.goes_on_telling = re.compile(
            rf"(?:{one_of(lists.get('telling', ()))}\b|(?:en\s+)?[^\W\d_]+ant\b|"
            r"et\s+(?:il|elle)\s+(?:se\s+|lui\s+|l[ae]\s+)?[^\W\d_]+(?:[^r]a|it|ut)\b)[^.!?…]*[.!?…]*\s*"
        )
        """(— Oui, dit Paul,) soudain intéressé."""
        self.acting = re.compile(
            rf"(?:^|[,;]\s+)(?P<speaker>{pronoun}|{with_article}|{name})\s[^.!?:]*\b(?P<verb>{say_verbs})\b"
        )
        """Anna lachte und sagte"""


@cache
def _grammar(language: str) -> _Grammar:
    return _Grammar(language)


def _with_stops(spans: list[TextSpan]) -> list[TextSpan]:
    """The spans; the comma or full stop that stands behind a quotation, or that a dash stands for, is put in it.

    »Ja«, sagte er      Она сказала: «Я знаю».
    """
    made = list(spans)
    for place, span in enumerate(spans[:-1]):
        narrated = spans[place + 1]
        if not span.is_quote or narrated.is_quote or not (span.text[-1:].isalnum() or span.text[-1:] in CLOSING_MARKS):
            continue
        if narrated.text[:1] == "," or narrated.text.lstrip()[:1].islower() or BROKEN_OFF.match(narrated.text):
            made[place] = replace(span, text=span.text + ",")
        elif narrated.text[:1] == "." and narrated.text[1:2] != ".":
            made[place] = replace(span, text=span.text + ".")
    return made


def _stopped_before_names(spans: list[TextSpan]) -> list[TextSpan]:
    """The spans with a stop where the dash before a tag stands for one: – Rồi – Minh đáp – Đi thôi."""
    made = list(spans)
    for place, span in enumerate(spans[:-1]):
        if span.is_quote and span.text[-1:].isalnum():
            behind = spans[place + 2].text if place + 2 < len(spans) else ""
            made[place] = replace(span, text=span.text + ("," if behind[:1].islower() else "."))
    return made


def _before_close(text: str) -> tuple[str, str]:
    """A text behind a dash whose mark closes what began paragraphs before, and what stands behind: — Oui », dit-il."""
    at = text.rfind("»")
    if at < 0 or "»" in text[:at] or "«" in text:
        return text, ""
    return text[:at].rstrip(), text[at + 1 :]


class European:
    """Attribution of quoted lines in the prose of a European language."""

    many_in_one = False
    cuts_by_names = False

    def __init__(self, layout: BookLayout) -> None:
        self._layout = layout
        self._language = layout.language
        self._grammar = _grammar(layout.language)
        self._names: set[str] = set()
        """Who is named in a tag."""

    def split(self, text: str) -> list[TextSpan]:
        """A paragraph cut into what is told and what is said."""
        if self._language == "es" and text.startswith("-"):
            text = TYPED_DASH.sub("—", text)
        opened = DASH.match(text)
        spans = self._behind_dash(*_before_close(text), opened.end()) if opened else []
        if not opened and self._layout.dashes and not MARK.search(text) and (inside := SPEECH_FOLLOWS.search(text)):
            return _with_stops([TextSpan(False, text[: inside.start()], 0), *self._behind_dash(text, "", inside.end())])
        if opened and len(spans) == 1 and self._language in TAGS_BEHIND_COMMAS:
            spans = self._without_tags(spans[0])
        if not opened or not (self._layout.dashes or any(not span.is_quote for span in spans)):
            spans = cut_at_marks(text, self._layout.marks)
        if self._language == "fr":
            spans = [part for span in spans for part in (self._without_tags(span) if span.is_quote else [span])]
        return _with_stops(spans)

    def learn(self, pieces: Sequence[TextSpan]) -> None:
        """Take note of who is named in tags."""
        attributions = self._paragraph(pieces, DialogueState())
        self._names.update(each.speakers[0] for each in attributions if each.speakers)

    def finish(self) -> None:
        """Nothing is learned from the book."""

    def attribute(self, scene: Sequence[Sequence[TextSpan]]) -> list[list[Attribution]]:
        """The speaker of each quoted piece of each paragraph of a scene, in order."""
        state = DialogueState()
        attributions = []
        brings_in = ""
        for parts in scene:
            attributions.append(self._paragraph(parts, state, brings_in))
            text = parts[-1].text.rstrip() if parts and not any(part.is_quote for part in parts) else ""
            brings_in = text if text.endswith(":") else ""
        return attributions

    def _behind_dash(self, text: str, narrated_rest: str, start: int) -> list[TextSpan]:
        """A paragraph that begins with a dash: what is said, and between dashes what the narrator says."""
        spans: list[TextSpan] = []
        begin, narrated = start, False
        for mark in re.finditer(r"\s*[—–―]+\s*|(?<=[\s,.!?…])-+\s", text[start:]):
            at, end = start + mark.start(), start + mark.end()
            if narrated or self._narrates(text[begin:at], text[at:], text[end:]):
                stop = re.compile(r"[.,;:]*").match(text, end) if narrated else None
                spans.append(TextSpan(not narrated, text[begin:at].strip() + (stop[0] if stop else ""), begin))
                begin, narrated = stop.end() if stop else end, not narrated
        spans.append(TextSpan(not narrated, text[begin:].strip(), begin))
        spans.append(TextSpan(False, narrated_rest, len(text)))
        spans = [span for span in spans if span.text]
        return _stopped_before_names(spans) if self._language == "vi" else spans

    def _narrates(self, speech: str, mark: str, rest: str) -> bool:
        """Whether the narrator speaks behind a dash: a tag, words set close to a Spanish dash, or a whole sentence."""
        if self._language in ("es", "pt") and re.match(r"\s+[—–―](?=[^\W\d_A-ZÁÉÍÓÚÑ])", mark):
            return True
        if speech.endswith((".", "!", "?", "…")) and rest[:1].isupper():
            glued = self._language == "es" and re.match(r"\s+[—–―](?=\w)", mark)
            if glued and CLOSED_BY_DASH.match(rest):
                return True
            if self._language in ("ru", "pl", "pt", "it") and INSERTED_SENTENCE.match(rest):
                return True
            first_name = self._grammar.subject_first.match(rest)
            if first_name and first_name["speaker"] in self._names:
                return True
        if self._language == "ru" and speech.endswith((",", "!", "?", "…")) and TOLD_IN_RUSSIAN.match(rest):
            return True
        first = re.split(r"[.!?…—–―]", rest, maxsplit=1)[0]
        return bool(self._grammar.bare.match(rest) or self._tag_in(first, ahead=False))

    def _without_tags(self, span: TextSpan) -> list[TextSpan]:
        parts: list[TextSpan] = []
        begin = 0
        for match in self._grammar.inserted.finditer(span.text):
            speech = DOUBLE_STOP.sub("", span.text[begin : match.start() + 1].strip())
            parts.append(TextSpan(True, speech, span.start + begin))
            goes_on = self._grammar.goes_on_telling.match(span.text, match.end())
            end = goes_on.end() if goes_on else match.end()
            parts.append(TextSpan(False, span.text[match.start() + 1 : end].strip(), span.start + match.start() + 1))
            begin = end
        rest = span.text[begin:].strip()
        return [*parts, TextSpan(True, rest, span.start + begin, span.open)] if rest else parts

    def _paragraph(self, parts: Sequence[TextSpan], state: DialogueState, brings_in: str = "") -> list[Attribution]:
        state.begin_paragraph(parts)
        matched: list[Attribution] = []
        for place, part in enumerate(parts):
            if not part.is_quote:
                continue
            lead = parts[place - 1].text if place and not parts[place - 1].is_quote else "" if place else brings_in
            tail = parts[place + 1].text if place + 1 < len(parts) and not parts[place + 1].is_quote else ""
            matched.append(self._of(lead if not matched else "", tail, state, bool(brings_in) and not place))
        matched = shared(matched)
        for attribution in matched[-1:]:
            if not attribution.unspoken:
                state.spoke(attribution)
        return matched

    def _of(self, lead: str, tail: str, state: DialogueState, brought_in: bool) -> Attribution:
        grammar = self._grammar
        first = re.split(r"[.!?…;]", tail, maxsplit=1)[0]
        last = re.split(r"[.!?…]\s", lead)[-1].strip()
        if (BEHIND.match(first) and grammar.thinks.search(first[:40])) or (
            last.endswith((":", ",")) and grammar.thinks.search(last)
        ):
            return Attribution((), NOBODY, "a thought")
        if last.endswith(":") and (grammar.writes.search(last) or grammar.reads.search(last)):
            return Attribution((), NOBODY, "something written")
        if lead and not lead.rstrip().endswith((":", ",", ".", "!", "?", "…")) and tail[:1] != ",":
            return Attribution((), NOBODY, "words in quotation marks")
        speaker = self._tag_in(first, ahead=False) or (
            self._tag_in(last, ahead=True) if last.endswith((":", ",")) else ""
        )
        if not speaker and brought_in:
            speaker = self._named(grammar.subject_first.match(last))
        if speaker in grammar.pronouns - grammar.lists["me"]:
            return Attribution((state.subject,) if state.subject else (), PRONOUN)
        if speaker:
            return Attribution((speaker,), confidence(self._language, "name", 1.0))
        other = state.other()
        return Attribution(other, TURN if other else NOBODY)

    def _tag_in(self, text: str, ahead: bool) -> str:
        """The name, description or pronoun beside a verb of speech: at the head of a tail, anywhere in a lead."""
        grammar = self._grammar
        if ahead:
            tags = [match for pattern in (grammar.name_first, grammar.verb_first) for match in pattern.finditer(text)]
            return self._named(max(tags, key=lambda each: each.start(), default=None) or grammar.acting.search(text))
        stripped = text.lstrip(" ,—–―-")
        patterns = (grammar.verb_first, grammar.name_first, grammar.hyphenated, grammar.inverted)
        return self._named(next((match for pattern in patterns if (match := pattern.match(stripped))), None))

    def _named(self, match: re.Match[str] | None) -> str:
        """Who is named, described or meant by a pronoun in a tag; nobody where it is another word."""
        if not match:
            return ""
        grammar = self._grammar
        speaker = grammar.article.sub("", re.sub(r"\s+", " ", match["speaker"]))
        if speaker.split()[-1] in grammar.nobody:
            return ""
        small = speaker[:1].lower() + speaker[1:]
        speaker = small if small.split()[0] in grammar.common_noun else speaker
        return "" if speaker in grammar.lists["not_a_name"] and speaker not in grammar.pronouns else speaker
