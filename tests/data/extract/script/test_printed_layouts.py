"""Ways to print scripts besides those of one play: radio, hearings, names side by side, full-width columns."""

import pytest

from offbook.data.extract.script import fountain, play, screenplay
from offbook.data.extract.script.headings import heading
from offbook.data.extract.script.names import split_joint, split_notes
from tests.data.extract.reading import cues, left, numbered, texts

RADIO = """
CAST:
ANNOUNCER
MARA QUILL, a keeper
BEN OTTER, her nephew

SOUND: WAVES, THEN A DOOR.

MARA: (CALLING) Who is there?

BEN: (OFF) Only me, Aunt Mara.

SOUND: DOOR OPENS.

MARA: Come in and shut that door.

BEN: I will.

ANNOUNCER: Next week: the eighth boat.
"""


def test_who_is_in_the_cast_list_speaks_the_first_time_he_is_named() -> None:
    assert texts(screenplay.read, RADIO)[:2] == [("MARA", "Who is there?"), ("BEN", "Only me, Aunt Mara.")]


def test_questions_of_a_hearing_stand_beside_names() -> None:
    hearing = """
THE COURT: Please call your first witness.

MR. ALDER: Thank you. We call Mara Quill.

Q.  Where were you on the night of the third?
A.  At the lighthouse.
Q.  Did you see the boat come in?
A.  I saw a boat.
MR. ALDER: Was it dark?
MS. FERN: Objection.
THE COURT: Overruled. You may answer.
A.  It was. There was no moon, and the lamp had
gone out an hour before.
THE WITNESS: May I have some water?
"""
    speeches = texts(screenplay.read, hearing)
    assert [speaker for speaker, _ in speeches] == [
        *("THE COURT", "MR. ALDER", "Q", "A", "Q", "A", "MR. ALDER", "MS. FERN", "THE COURT", "A", "THE WITNESS"),
    ]
    assert speeches[-2][1] == "It was. There was no moon, and the lamp had gone out an hour before."


def test_a_speech_of_tom_is_no_volume() -> None:
    assert heading("TOM.  I'm sorry for that, for your sake.") is None
    assert heading("Tom II") == (1, "Tom II")


def test_names_in_capitals_are_joined_by_a_small_word() -> None:
    assert split_joint("TOM and BEN", frozenset()) == ("TOM", "BEN")
    assert split_joint("BEN, TOM und MARA", frozenset()) == ("BEN", "TOM", "MARA")
    assert split_joint("SWORD and Co", frozenset()) == ("SWORD and Co",)
    text = "KING. Hail!\nTOM. My lord?\nKING. Who comes?\nTOM and BEN. Your servants!\nKING. Welcome.\nTOM. Thanks."
    assert ("TOM & BEN", "Your servants!") in texts(play.read, text)


def test_who_leaves_at_the_end_of_a_line_is_not_spoken_of() -> None:
    text = """
KING. Go, get him surgeons.                    Exit Sergeant.
TOM. Who comes here?
KING. The worthy Thane.                   Exeunt.
TOM. What haste!   So should he look. [Exit
"""
    assert [text for _, text in texts(play.read, text)] == [
        *("Go, get him surgeons.", "Who comes here?", "The worthy Thane.", "What haste! So should he look."),
    ]


def test_prose_that_is_wrapped_is_joined_where_a_capital_begins_the_line() -> None:
    text = """
TOM. I do not play accurately, as anyone
can play accurately, but I play with wonderful
expression.
BEN. Pleasure, pleasure! What else should bring one anywhere,
eating as usual, I see, and at such an
hour.
TOM. It is customary in good society to take some
slight refreshment at five.
BEN. Where have you been since Thursday?
I have asked.
"""
    assert texts(play.read, text)[-1] == ("BEN", "Where have you been since Thursday? I have asked.")


def test_two_names_above_each_other_share_the_speech() -> None:
    text = """
老汤　好象又有事儿？

阿澈　反正打不起来！

老汤　谁说的？

松二爷　我说的。

松二爷
阿澈　二位，您外边坐坐吧！
"""
    assert texts(screenplay.read, text)[-1] == ("松二爷 & 阿澈", "二位，您外边坐坐吧！")
    english = "TOM\nWho is there?\n\nBEN\nOnly me.\n\nTOM\nBEN\nIt is late.\n\nTOM\nGo.\n\nBEN\nI go.\n"
    assert ("TOM & BEN", "It is late.") in texts(play.read, english)


def test_who_is_heard_and_not_seen_keeps_his_name() -> None:
    assert split_notes("管家VO") == ("管家", ("VO",))
    assert split_notes("沈如霜 O.S.（低声）") == ("沈如霜", ("O.S.", "低声"))


JAPANESE = """
○灯台・中（夜）

　　　波の音。

ベン　　叔母さん、灯りはもうついてるの？
マラ　　四時からついてるよ。
ベン　　油は？
マラ　　（笑って）半分さ。
　　　　時計くらい読めるようにおなり。

○同・外（朝）

ベン　　消えたよ。
マラ　　知ってる。
"""


def test_names_in_kana_stand_before_a_full_width_gap() -> None:
    speeches = cues(screenplay.read, numbered(JAPANESE))
    assert [cue.speaker for cue in speeches] == ["ベン", "マラ", "ベン", "マラ", "ベン", "マラ"]
    assert speeches[3].text == "半分さ。\n時計くらい読めるようにおなり。"
    assert [cue.scene for cue in speeches] == ["灯台・中（夜）"] * 4 + ["同・外（朝）"] * 2
    assert screenplay.looks_like(JAPANESE.split("\n")) > 0.5


def test_korean_scripts_have_headings_and_a_cast() -> None:
    assert heading("2막 1장") == (2, "2막 1장")
    assert heading("제3장") == (3, "제3장")
    text = "1막\n\n등장인물: 민호, 지은\n\n민호: 불은 켰어?\n지은: 네 시부터.\n민호: 기름은?\n지은: 반 통.\n"
    assert texts(screenplay.read, text)[0] == ("민호", "불은 켰어?")


def test_letters_set_wide_are_a_name() -> None:
    text = """
М а ш а. Это траур по моей жизни.

П ё т р (в раздумье). Не понимаю.

М а ш а (садится). Дело не в деньгах.

П ё т р. Да.
"""
    assert texts(play.read, text) == [
        ("Маша", "Это траур по моей жизни."),
        ("Пётр", "Не понимаю."),
        ("Маша", "Дело не в деньгах."),
        ("Пётр", "Да."),
    ]


def test_only_two_spaces_keep_a_speech_open_in_fountain() -> None:
    text = "INT. HALL - DAY\n\nBEN\nAgain?\n          \nFADE OUT.\n\nMARA\nYes.\n  \nNow.\n"
    assert texts(fountain.read, text) == [("BEN", "Again?"), ("MARA", "Yes.\nNow.")]


def test_who_is_cut_short_is_not_described() -> None:
    text = """
ADA. I will not stand in her light, and--

Mrs. Hale opens the door and waits.

BEN. Yes.

ADA. Who is there?

Nobody answers.

BEN. No one.
"""
    assert texts(play.read, text)[0] == ("ADA", "I will not stand in her light, and--")


def test_who_plays_whom_before_the_first_speech_is_a_cast_list_without_a_heading() -> None:
    cast = "甲：马三\n乙：刘贵（男，30岁）\n\n"
    talk = "甲：您最近忙什么呢？\n乙：修车。\n甲：修车？您会修车？\n乙：不会，所以才修。"
    assert texts(screenplay.read, cast + talk) == texts(screenplay.read, talk)
    assert left(screenplay.read, numbered(cast + talk)) == {"cast list": [1, 2]}
    court = "JUDGE: Hon. Carl Wade\nDEFENSE: Tom Reed\n\nJUDGE: Be seated.\nDEFENSE: Objection!\nJUDGE: To what?"
    assert texts(screenplay.read, court)[0] == ("JUDGE", "Be seated.")


def test_first_speeches_are_no_cast_list() -> None:
    unended = "甲：在吗\n乙：在\n\n甲：修车吗\n乙：修\n甲：那来吧\n乙：好"
    assert texts(screenplay.read, unended)[0] == ("甲", "在吗")
    together = "甲：在吗\n乙：在。\n\n甲：修车吗？\n乙：修。"
    assert texts(screenplay.read, together)[0] == ("甲", "在吗")


def test_who_is_there_and_where_stands_below_the_heading_of_a_scene_and_is_no_speech() -> None:
    german = """
Erster Auftritt.

Graf Wetter. Rosalie.

Graf Wetter. Sie kommen spät.

Rosalie. Der Wagen.

Zweiter Auftritt.

Vorige. Der Bruder.

Der Bruder. Hier bin ich.

Rosalie. Graf Wetter.

Der Bruder. Graf Wetter?
"""
    assert texts(play.read, german) == [
        ("Graf Wetter", "Sie kommen spät."),
        ("Rosalie", "Der Wagen."),
        ("Der Bruder", "Hier bin ich."),
        ("Rosalie", "Graf Wetter."),
        ("Der Bruder", "Graf Wetter?"),
    ]
    russian = "ЯВЛЕНИЕ I\n\nКомната. Анна сидит у окна.\n\nАнна. Дождь.\n\nПётр. Чаю?\n\nАнна. Нет.\n\nПётр. Да."
    assert texts(play.read, russian)[0] == ("Анна", "Дождь.")


@pytest.mark.parametrize("line", ["Анна и Пётр. Ах!", "Анна и Пётр (вместе). Ах!"])
def test_two_who_speak_at_once_are_both_in_any_language(line: str) -> None:
    (*_, last) = cues(play.read, numbered(f"Анна. Дождь.\n\nПётр. Чаю?\n\nАнна. Нет.\n\nПётр. Да.\n\n{line}"))
    assert (last.speakers, last.text) == (("Анна", "Пётр"), "Ах!")


def test_a_cast_list_whose_names_have_a_comma_behind_them_is_not_spoken() -> None:
    play_text = """
PERSONNAGES

ADA, gardienne.
DICK, son frère.
LE CURÉ.

La scène est à Brest.

SCÈNE PREMIÈRE

ADA, regardant au loin.
Le phare est-il allumé?

DICK.
Pas encore.

ADA, à part.
Il ment.

DICK, sortant.
J'y vais.

LE CURÉ, entrant.
Bonsoir.
"""
    assert texts(play.read, play_text)[0] == ("ADA", "Le phare est-il allumé?")
    assert [name for name, _ in texts(play.read, play_text)] == ["ADA", "DICK", "ADA", "DICK", "LE CURÉ"]
    without_heading = play_text.replace("SCÈNE PREMIÈRE\n\n", "").replace("La scène est à Brest.\n\n", "")
    assert texts(play.read, without_heading) == texts(play.read, play_text)


def test_a_name_of_two_words_may_be_set_wide() -> None:
    text = """
А н н а  П е т р о в н а. Горит ли маяк?
И в а н (входя). Нет еще.
А н н а П е т р о в н а. Так зажги его.
И в а н. Иду.

Пауза.

А н н а  П е т р о в н а. Где?
"""
    speeches = texts(play.read, text)
    assert [name for name, _ in speeches] == ["Анна Петровна", "Иван", "Анна Петровна", "Иван", "Анна Петровна"]
    assert speeches[3:] == [("Иван", "Иду."), ("Анна Петровна", "Где?")]


@pytest.mark.parametrize(("line", "bold"), [("{}", ""), ("**{}**", "**")])
def test_a_scene_in_brackets_begins_a_scene_and_what_a_broadcast_shows_is_not_spoken(line: str, bold: str) -> None:
    scenes = ["[Scene: The pier. It is a very foggy night, and all of them stand about the lamp that is out.]"]
    text = f"""
{line.format(scenes[0])}

{bold}Mara:{bold} Lit?

{bold}Tom:{bold} Not yet.

Opening Credits

{line.format("[Scene: The hill.]")}

{bold}Mara:{bold} So.

Commercial Break

{bold}Tom:{bold} So.

End

Transcribed by: Ann
"""
    speeches = [(cue.speaker, cue.text, cue.scene) for cue in cues(screenplay.read, numbered(text))]
    assert speeches == [
        ("Mara", "Lit?", scenes[0][1:-1]),
        ("Tom", "Not yet.", scenes[0][1:-1]),
        ("Mara", "So.", "Scene: The hill."),
        ("Tom", "So.", "Scene: The hill."),
    ]


def test_what_japanese_speakers_do_below_a_speech_is_not_spoken() -> None:
    text = """
健太　まだ来ないな。
　　　美咲、走ってくる。
美咲　ごめん、待った？
健太　いや、今来たところ。でも、
　　　本当に寒いな。
　　　健太、行くよ、と言われた気がしたよ。
　　　二人、黙る。
美咲　はい、これ。
"""
    assert [speech for _, speech in texts(screenplay.read, text)] == [
        "まだ来ないな。",
        "ごめん、待った？",
        "いや、今来たところ。でも、本当に寒いな。\n健太、行くよ、と言われた気がしたよ。",
        "はい、これ。",
    ]


def test_quotation_marks_around_a_speech_are_no_action() -> None:
    assert [
        cue.acted for cue in cues(screenplay.read, numbered("太郎\n「灯は？」\n\nハナ\n「点いた」\n\n太郎\n「よし」"))
    ] == [
        "",
        "",
        "",
    ]


def test_names_alone_above_a_scene_tell_who_is_there_and_a_dash_tells_who_speaks() -> None:
    text = """
Scène première

LÉON, MADAME BRUN

Un salon bourgeois. Madame Brun brode.

MADAME BRUN. – Vous voilà bien pressé.

LÉON, posant son chapeau. – Le notaire est parti.

MADAME BRUN. – Encore !

LÉON. – Encore.

Scène II

LES MÊMES, JULIE

JULIE. – Madame a sonné ?
"""
    assert texts(play.read, text) == [
        ("MADAME BRUN", "Vous voilà bien pressé."),
        ("LÉON", "Le notaire est parti."),
        ("MADAME BRUN", "Encore !"),
        ("LÉON", "Encore."),
        ("JULIE", "Madame a sonné ?"),
    ]


def test_korean_scenes_and_what_speakers_do_between_speeches() -> None:
    text = """
S#1. 카페 (낮)

민수	왔어?
지은	(앉으며) 오래 기다렸어?
민수	아니, 나도 방금.
지은	거짓말. 커피 다 식었네.

민수, 웃는다.

#2. 거리

민수	그날 이후로 우리는 만나지 않았다.
"""
    assert [(cue.text, cue.scene) for cue in cues(play.read, numbered(text))][-2:] == [
        ("거짓말. 커피 다 식었네.", "S#1. 카페 (낮)"),
        ("그날 이후로 우리는 만나지 않았다.", "2. 거리"),
    ]


@pytest.mark.parametrize(
    ("text", "speech"),
    [
        ("ЗОЯ. Дождь.\nПЁТР. Скучно.\nЗОЯ. Почитайте.\n\nВходит Коля.\n\nПЁТР. А, Коля.", "Почитайте."),
        ("ANA. Llueve.\nJUAN. Sí.\nANA. Lea algo.\n\nEntra Rosa con una bandeja.\n\nJUAN. Gracias.", "Lea algo."),
        ("ERNA: Na?\nHEINZ: Nichts.\nERNA: Dann komm.\nAlle ab.", "Dann komm."),
    ],
)
def test_who_comes_and_goes_is_not_spoken(text: str, speech: str) -> None:
    assert texts(play.read if "." in text[:5] else screenplay.read, text)[2][1] == speech


def test_russian_names_of_several_words_may_have_small_letters() -> None:
    play_text = """
Голос за дверью. Кто там живёт?
Марья Петровна. Это я, заходите.
Голос за дверью. Не могу, дверь заперта.
Коля. Сейчас открою.
Марья Петровна. Сиди, я сама.
Первый гость. Спасибо.
Коля. А вы кто?
"""
    assert [speaker for speaker, _ in texts(play.read, play_text)] == [
        "Голос за дверью",
        "Марья Петровна",
        "Голос за дверью",
        "Коля",
        "Марья Петровна",
        "Первый гость",
        "Коля",
    ]
