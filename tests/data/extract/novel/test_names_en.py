"""Names of an English novel: which are one person, and who is he or she."""

import re

import pytest

from offbook.data.extract.novel.names_en import NAME, CharacterLexicon, gender_of, tidy


@pytest.mark.parametrize(
    "name", ["José", "O'Dwyer", "Anne-Marie Pell", "Lady Ada de la Mare", "J. P. Pell", "Dr. Pell"]
)
def test_a_name_is_read_whole(name: str) -> None:
    result = re.match(NAME, f"{name} went")
    assert result is not None
    assert result[0] == name


@pytest.mark.parametrize(
    ("text", "name"),
    [("the  Ferryman", "Ferryman"), ("poor Dick", "Dick"), ("Old Dick", "Old Dick"), ("Then Ada", "Ada")],
)
def test_a_name_is_listed_without_article_and_epithet(text: str, name: str) -> None:
    assert tidy(text) == name


def people(*names: str) -> CharacterLexicon:
    result = CharacterLexicon()
    for name in names:
        result.count_tag(name)
    return result


def test_a_shorter_name_is_the_same_person_if_it_can_be_nobody_else() -> None:
    result = people("Ada Thorne", "Ada", "Mr. Pell", "Pell", "Lady Jane", "Lady Jane Grey")
    result.finish()
    assert result.get("Ada") is result.get("Ada Thorne")
    assert result.get("Pell") is result.get("Mr. Pell")
    assert result.get("Lady Jane") is result.get("Lady Jane Grey")


def test_people_of_one_surname_are_several() -> None:
    result = people("Mr. Pell", "Mrs. Pell", "Pell", "Ada Pell")
    result.finish()
    assert len({id(result.get(name)) for name in ("Mr. Pell", "Mrs. Pell", "Ada Pell")}) == 3


def test_pronouns_tell_gender_where_titles_do_not() -> None:
    result = people("Robin", "Robin", "Kit")
    for _ in range(3):
        result.count_pronoun("Robin", is_he=False)
    result.count_pronoun("Kit", is_he=True)
    result.finish()
    robin, kit = result.get("Robin"), result.get("Kit")
    assert robin is not None
    assert robin.gender == "f"
    assert kit is not None
    assert kit.gender == ""


def test_titles_and_nouns_tell_gender() -> None:
    assert [gender_of(words) for words in ("Mrs. Pell", "the old sailor", "Robin")] == ["f", "m", ""]
