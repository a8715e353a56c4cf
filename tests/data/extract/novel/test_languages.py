"""Novels in languages other than English and Chinese: a name beside a verb of speech tells who speaks."""

import pytest

from offbook.data.extract.cue import SURE
from offbook.data.extract.novel import reader
from offbook.data.extract.novel.languages import language_of
from tests.data.extract.reading import cues, left, numbered

BOOKS = {
    "fr": (
        """
— Avez-vous vu le bateau ? demanda Pierre.

— Non, répondit madame Collet. La nuit l'a emporté.

— Alors, dit-il, nous irons à pied.

Ils sortirent dans la cour. Il faisait froid — très froid — et le vent était fort.

« Je viens, dit Jeanne, mais pas avant midi. »

« Quel ennui ! pensa-t-elle. »

— Bah ! répondit le passeur, un jour ou l'autre, qu'importe !
""",
        [
            ("Pierre", "Avez-vous vu le bateau ?"),
            ("madame Collet", "Non. La nuit l'a emporté."),
            ("Jeanne", "Je viens, mais pas avant midi."),
            ("le passeur", "Bah ! un jour ou l'autre, qu'importe !"),
        ],
    ),
    "de": (
        """
„Hast du das Boot gesehen?“, fragte Peter.

„Nein“, antwortete Frau Holm. „Die Nacht hat es geholt.“

„Dann gehen wir zu Fuß“, sagte er, „und zwar gleich.“

Sie gingen in den Hof, und es war kalt. Das „Boot“ war ein Brett gewesen.

Anna lachte und sagte: „Ich komme mit.“

„Ja“, sagte der Fährmann, „wenn ihr wollt.“
""",
        [
            ("Peter", "Hast du das Boot gesehen?"),
            ("Frau Holm", "Nein. Die Nacht hat es geholt."),
            ("Anna", "Ich komme mit."),
            ("der Fährmann", "Ja, wenn ihr wollt."),
        ],
    ),
    "es": (
        """
—¿Has visto la barca? —preguntó Pedro.

—No —respondió doña Clara—. Se la llevó la noche.

—Entonces iremos a pie —dijo él, y se levantó de la silla.

Salieron al patio. Hacía frío —mucho frío— y el viento era fuerte.

—Voy con vosotros —añadió Inés—, pero más tarde.
""",
        [
            ("Pedro", "¿Has visto la barca?"),
            ("doña Clara", "No. Se la llevó la noche."),
            ("Inés", "Voy con vosotros, pero más tarde."),
        ],
    ),
    "ru": (
        """
— Ты видел лодку? — спросил Пётр.

— Нет, — ответила Марья Ивановна. — Её унесло ночью.

— Вот как! — Пётр встал и подошёл к окну. — Тогда пойдём пешком.

— Пешком — далеко, — сказала она.

Они вышли во двор. Было холодно, и ветер был сильный.

-- Я с вами, -- сказал князь Илья, -- но не раньше полудня.
""",
        [
            ("Пётр", "Ты видел лодку?"),
            ("Марья Ивановна", "Нет. Её унесло ночью."),
            ("князь Илья", "Я с вами, но не раньше полудня."),
        ],
    ),
    "ja": (
        """
「船を見たか」と太郎は言った。

「いいえ」と、花子が答えた。「夜のうちに流されました」

健一は立ち上がって、「それなら歩いて行こう」と言った。

「遠いですよ」

外は寒かった。「船」と書かれた板があった。

「私も行きます！」山田さんは叫んだ。
""",
        [
            ("太郎", "船を見たか"),
            ("花子", "いいえ。夜のうちに流されました"),
            ("健一", "それなら歩いて行こう"),
            ("山田さん", "私も行きます！"),
        ],
    ),
    "ko": (
        """
“배를 봤어?” 철수가 물었다.

“아니.” 영희가 대답했다. “밤에 떠내려갔어.”

민준은 일어나며 “그럼 걸어가자.”라고 말했다.

“멀어.”

밖은 추웠다. 바람도 강했다.

“나도 갈게!” 박 선생은 외쳤다.

영희가 말했다. “그럼 여섯 시에 만나.”
""",
        [
            ("철수", "배를 봤어?"),
            ("영희", "아니. 밤에 떠내려갔어."),
            ("민준", "그럼 걸어가자."),
            ("박 선생", "나도 갈게!"),
            ("영희", "그럼 여섯 시에 만나."),
        ],
    ),
    "vi": (
        """
Chương một

– Em thấy chiếc thuyền không? – Minh hỏi.

– Không – cô Lan đáp – Đêm qua nó trôi mất rồi.

Đức nói khẽ:

– Thế thì mình đi bộ.

Họ ra sân. Trời lạnh và gió rất to.

“Tôi đi với,” Minh nói.
""",
        [
            ("Minh", "Em thấy chiếc thuyền không?"),
            ("cô Lan", "Không. Đêm qua nó trôi mất rồi."),
            ("Đức", "Thế thì mình đi bộ."),
            ("Minh", "Tôi đi với."),
        ],
    ),
    "tr": (
        """
“Kayığı gördün mü?” diye sordu Murat.

“Hayır,” dedi Elif. “Gece alıp götürmüş.”

– Öyleyse yürürüz, dedi Murat.

Avluya çıktılar. Hava çok soğuktu ve rüzgâr esiyordu.

Şirin cevap verdi:

– Ben de geliyorum.
""",
        [
            ("Murat", "Kayığı gördün mü?"),
            ("Elif", "Hayır. Gece alıp götürmüş."),
            ("Murat", "Öyleyse yürürüz."),
            ("Şirin", "Ben de geliyorum."),
        ],
    ),
    "kk": (
        """
— Қайықты көрдің бе? — деп сұрады Асқар.

— Жоқ, — деді Айгүл. — Түнде ағып кетіпті.

— Онда жаяу барамыз, — деп күлді Асқар.

Олар аулаға шықты. Күн суық, жел қатты еді.
""",
        [
            ("Асқар", "Қайықты көрдің бе?"),
            ("Айгүл", "Жоқ. Түнде ағып кетіпті."),
            ("Асқар", "Онда жаяу барамыз."),
        ],
    ),
}


@pytest.mark.parametrize("language", BOOKS)
def test_a_books_language_is_told_and_its_tags_are_read(language: str) -> None:
    text, expected = BOOKS[language]
    lines = numbered(text)
    assert language_of(line for _, line in lines) == language
    assert reader.looks_like([line for _, line in lines]) > 0.5
    assert [(cue.speaker, cue.text) for cue in cues(reader.read, lines) if cue.confidence >= SURE] == expected


def test_thoughts_and_words_in_marks_are_not_spoken() -> None:
    assert left(reader.read, numbered(BOOKS["fr"][0]))["a thought"]
    assert left(reader.read, numbered(BOOKS["de"][0]))["words in quotation marks"]
    assert left(reader.read, numbered(BOOKS["ja"][0]))["something written"]


def test_he_and_she_stay_below_the_bound() -> None:
    for language in ("fr", "de", "es", "ru"):
        unsure = [cue.text for cue in cues(reader.read, numbered(BOOKS[language][0])) if cue.confidence < SURE]
        assert unsure, language


def test_a_dash_within_what_is_said_stays() -> None:
    (cue,) = [cue for cue in cues(reader.read, numbered(BOOKS["ru"][0])) if "далеко" in cue.text]
    assert cue.text == "Пешком — далеко."


def test_russian_in_guillemets_is_read_without_dashes() -> None:
    text = "Иван Кузьмич подошёл и сказал: «Лодка готова».\n\n«Поедем завтра», — ответила Марья.\n\n"
    text += "Он не ответил, и она вышла."
    assert [(cue.speaker, cue.text) for cue in cues(reader.read, numbered(text))] == [
        ("Иван Кузьмич", "Лодка готова."),
        ("Марья", "Поедем завтра."),
    ]


def test_a_russian_verb_that_no_list_has_is_still_the_narrator_s() -> None:
    text = "— Иди на пристань, — распорядилась Марфа.\n\n— Иду, — сказал Пётр.\n\n— Живо! — поторопил Пётр. — Пора.\n"
    assert [cue.text for cue in cues(reader.read, numbered(text))] == ["Иди на пристань.", "Иду.", "Живо! Пора."]


def sure(text: str) -> list[tuple[str, str]]:
    read = cues(reader.read, numbered(text.replace(" | ", "\n\n")))
    return [(cue.speaker, cue.text) for cue in read if cue.confidence >= SURE]


FILLER = {
    "es": "—¿Has visto la barca? —preguntó Luis. | —No —dijo Marta—. Se la llevó la noche. | "
    "Era tarde y la calle estaba en silencio. | ",
    "pt": "— Viste o barco? — perguntou Luís. | — Não — disse Marta. — Levou-o a noite. | "
    "Era tarde e não havia uma luz na rua. | ",
    "pl": "— Widziałeś łódkę? — zapytał Tomek. | — Nie — powiedziała Ania. — Zabrała ją noc. | "
    "Było już za późno i na ulicy nie było go. | ",
    "ru": "— Ты видел лодку? — спросил Андрей. | — Нет, — сказала Вера. — Её унесло ночью. | ",
    "fr": "— As-tu vu le bateau ? demanda Julien. | — Non, dit Marthe. La nuit l’a emporté. | "
    "Il était tard, et elle avait froid dans la rue. | ",
}


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("es", "—Nada —mintió Luis—. Bueno, un poco.", ("Luis", "Nada. Bueno, un poco.")),
        ("es", "—Tú no —se burló Marta.", ("Marta", "Tú no.")),
        ("es", "El abuelo apareció en la puerta y dijo: | —¿Qué es esto?", ("el abuelo", "¿Qué es esto?")),
        ("es", "Luis sonrió: | —Ya era hora.", ("Luis", "Ya era hora.")),
        ("pt", "— Nada — mentiu Luís. — Bem, um pouco.", ("Luís", "Nada. Bem, um pouco.")),
        ("pt", "O avô apareceu à porta e disse: | — O que é isto?", ("o avô", "O que é isto?")),
        ("pl", "— Dzień dobry — uśmiechnął się Tomek. — To ja.", ("Tomek", "Dzień dobry. To ja.")),
        ("pl", "— O, jest! — mruknął dziadek Józef. — Gdzie byłeś?", ("dziadek Józef", "O, jest! Gdzie byłeś?")),
        ("pl", "— Co? — oburzył się dziadek. — Nie!", ("dziadek", "Co? Nie!")),
        ("ru", "— Здравствуй, — улыбнулся Андрей. — Это я.", ("Андрей", "Здравствуй. Это я.")),
        ("ru", "— Явился! — проворчал дед Матвей.", ("дед Матвей", "Явился!")),
        ("ru", "Дед Матвей кашлянул и сказал: | — Пойду.", ("дед Матвей", "Пойду.")),
        ("ru", "Андрей рассмеялся: | — Вот и я!", ("Андрей", "Вот и я!")),
        ("fr", "— Viens manger, dit maman.", ("maman", "Viens manger.")),
        ("es", "—A comer —dijo mamá.", ("mamá", "A comer.")),
        ("fr", "— Charmant ! s'exclama Marthe, et elle éclata de rire.", ("Marthe", "Charmant !")),
        ("fr", "— Et alors ? lui demanda Julien, soudain intéressé. Parle.", ("Julien", "Et alors ? Parle.")),
        ("fr", "— Ah ! dit Julien, je ne savais pas.", ("Julien", "Ah ! je ne savais pas.")),
        ("fr", "— À cette heure ? tempêta Julien. Non.", ("Julien", "À cette heure ? Non.")),
        ("fr", "— Jamais, fit remarquer sa sœur Claire.", ("Claire", "Jamais.")),
        ("fr", "— Toujours, dit la vieille femme.", ("la vieille femme", "Toujours.")),
        ("es", "—Llegas tarde —dijo la abuela Remedios.", ("abuela Remedios", "Llegas tarde.")),
        ("es", "—A ti te da igual —le reprochó Marta.", ("Marta", "A ti te da igual.")),
        ("pt", "— Boa tarde — disse o doutor Sampaio.", ("doutor Sampaio", "Boa tarde.")),
        ("ru", "— Любезный, — окликнула его Вера. — Скоро?", ("Вера", "Любезный. Скоро?")),
        ("ru", "— И мне! — крикнула ему вслед Вера.", ("Вера", "И мне!")),
        ("ru", "— Здравствуй, — кисло улыбнулась Вера.", ("Вера", "Здравствуй.")),
        ("ru", "Андрей поднял голову и спросил: — Кто там?", ("Андрей", "Кто там?")),
        ("pt", "O doutor sorriu. — Pronto — disse Marta. — Agora o peito.", ("Marta", "Pronto. Agora o peito.")),
        ("fr", "« Te voilà, dit Julien. | — Oui », dit Marthe.", ("Marthe", "Oui.")),
        ("fr", "— Du thé ! s'est exclamé Julien. Tiens.", ("Julien", "Du thé ! Tiens.")),
        ("fr", "— Je sais, ai-je dit. Le train…", ("je", "Je sais. Le train…")),
        ("fr", "— Attends, demande à maman, murmure Julien.", ("Julien", "Attends, demande à maman.")),
        ("ru", "— Вам кого? — спросил дежурный.", ("дежурный", "Вам кого?")),
        ("fr", "« Te voilà, dit Julien. | — Flatteur ! lança Marthe. Entre. »", ("Marthe", "Flatteur ! Entre.")),
    ],
)
def test_a_verb_of_any_kind_before_its_subject_is_a_tag_and_a_colon_brings_in_a_dash(
    language: str, text: str, expected: tuple[str, str]
) -> None:
    assert language_of((FILLER[language] + text).split(" | ")) == language
    assert sure(FILLER[language] + text)[-1] == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("es", "—Siempre. —Marta cerró el libro—. ¿Has cenado?", "Siempre. ¿Has cenado?"),
        ("es", "—¿Y qué quería? —Luis volvió al salón.", "¿Y qué quería?"),
        ("pt", "— Há sempre. — Marta fechou o livro. — Já jantaste?", "Há sempre. Já jantaste?"),
        ("pl", "— Padł. — Tomek zdjął kurtkę. — Martwiłaś się?", "Padł. Martwiłaś się?"),
        ("pl", "— Martwiłam się — przyznała. — Siadaj.", "Martwiłam się. Siadaj."),
        ("ru", "— Ты опять опоздал, — Вера даже не подняла головы. — Садись.", "Ты опять опоздал. Садись."),
        ("ru", "— Не надо, — не поверила Вера. — Врёшь.", "Не надо. Врёшь."),
        ("ru", "— Скоро, — отозвался носильщик. — Часа через два.", "Скоро. Часа через два."),
        ("ru", "— Откройте! — раздался за дверью чей-то голос.", "Откройте!"),
        ("es", "—Calla —le pidió él, y luego, al teléfono—: Sí, la escucho.", "Calla. Sí, la escucho."),
    ],
)
def test_what_the_narrator_tells_between_dashes_is_not_said(language: str, text: str, expected: str) -> None:
    assert cues(reader.read, numbered((FILLER[language] + text).replace(" | ", "\n\n")))[-1].text == expected


@pytest.mark.parametrize("text", ["— Paul, a-t-il fini ?", "— Non, dis Paul, viens.", "— Va, demande à Claire."])
def test_french_questions_and_commands_are_no_tags(text: str) -> None:
    assert cues(reader.read, numbered((FILLER["fr"] + text).replace(" | ", "\n\n")))[-1].text == text[2:]


def test_a_voice_is_nobody() -> None:
    assert sure(FILLER["fr"] + "— Ouvrez, fit une voix.")[-1][1] != "Ouvrez."
    assert sure(FILLER["es"] + "—Soy yo —dijo la voz.")[-1][1] != "Soy yo."


def test_a_german_adjective_is_no_name() -> None:
    text = "»Und was ist das?«, fragte Paul. | »Das ist nicht für dich«, sagte die alte Frau leise. »Komm.«"
    assert sure(text)[-1] == ("die alte Frau", "Das ist nicht für dich. Komm.")


def test_a_korean_adjective_is_nobody_and_so_said_tells_who_spoke_before() -> None:
    text = "“늦었네.” 지수가 말했다. | 민호는 젖은 외투를 벗으며 “걱정했어?”라고 물었다. | “네.” 민호가 말했다. | "
    text += "지수를 기다리는 민호는 “가자.”라고 말했다. | “잠깐만.” | 그렇게 말하며 지수는 일어났다."
    expected = [("지수", "늦었네."), ("민호", "걱정했어?"), ("민호", "네."), ("민호", "가자."), ("지수", "잠깐만.")]
    assert sure(text) == expected


def test_a_japanese_line_is_whole_where_its_speaker_acts_between_its_halves() -> None:
    text = (
        "「負けてない」とリオ。 | 「負けたよ」ガルドは剣を収めた。「お前の負けだ」 | 「自由」は大切だと、リオは思った。"
    )
    assert [(cue.speaker, cue.text) for cue in cues(reader.read, numbered(text.replace(" | ", "\n\n")))] == [
        ("リオ", "負けてない"),
        ("ガルド", "負けたよ。お前の負けだ"),
    ]


def test_the_korean_teller_is_one_person_in_both_his_forms() -> None:
    text = "“왔어?” 지수가 말했다. | “응.” 내가 말했다. | “늦었네.” 지수가 말했다. | “미안.” 나는 말했다."
    assert [speaker for speaker, _ in sure(text)] == ["지수", "나", "지수", "나"]


def test_korean_verbs_of_respect_are_tags() -> None:
    text = "“벌써 가?” 민지가 물었다. | “밥 먹고 가라.” 할머니가 말씀하셨다. | “괜찮아요.” 준호가 쏘아붙였다."
    assert [speaker for speaker, _ in sure(text)] == ["민지", "할머니", "준호"]


def test_japanese_dialogue_is_told_by_what_follows_and_by_the_teller() -> None:
    text = "「早いな」と僕は言った。 | 「うん。眠れなくて」 | アリスはそう言って、目をこすった。 | "
    text += "「すごい……」とアリスがつぶやく。 | "
    text += "「すみません、先生」と鈴木さんが頭を下げる。 | 「『雨』は嫌いだ」僕は答えた。 | 彼女は笑った。"
    assert sure(text) == [
        ("僕", "早いな"),
        ("アリス", "うん。眠れなくて"),
        ("アリス", "すごい……"),
        ("僕", "『雨』は嫌いだ"),
    ]
    read = [cue.text for cue in cues(reader.read, numbered(text.replace(" | ", "\n\n")))]
    assert "すみません、先生" in read


@pytest.mark.parametrize(
    ("language", "text", "teller"),
    [
        ("es", "—Nada —dije yo—. Vamos.", "yo"),
        ("fr", "— Rien, dis-je. Allons.", "je"),
        ("fr", "— Rien, réponds-je. Allons.", "je"),
        ("ru", "— Ничего, — сказал я. — Пойдём.", "я"),
    ],
)
def test_the_teller_is_nobody_who_was_named_before(language: str, text: str, teller: str) -> None:
    assert sure(FILLER[language] + text)[-1][0] == teller
