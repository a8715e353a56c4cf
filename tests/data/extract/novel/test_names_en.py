"""Names of an English novel: which are one person, and who is he or she."""

import re

import pytest

from offbook.data.extract.novel.names_en import NAME, People, gender_of, tidy


@pytest.mark.parametrize(
    "name", ["José", "O'Dwyer", "Anne-Marie Pell", "Lady Ada de la Mare", "J. P. Pell", "Dr. Pell"]
)
def test_a_name_is_read_whole(name):
    assert re.match(NAME, f"{name} went")[0] == name


@pytest.mark.parametrize(
    ("text", "name"),
    [("the  Ferryman", "Ferryman"), ("poor Dick", "Dick"), ("Old Dick", "Old Dick"), ("Then Ada", "Ada")],
)
def test_a_name_is_listed_without_article_and_epithet(text, name):
    assert tidy(text) == name


def people(*names: str) -> People:
    found = People()
    for name in names:
        found.count_tag(name)
    return found


def test_a_shorter_name_is_the_same_person_if_it_can_be_nobody_else():
    found = people("Ada Thorne", "Ada", "Mr. Pell", "Pell", "Lady Jane", "Lady Jane Grey")
    found.finish()
    assert found.get("Ada") is found.get("Ada Thorne")
    assert found.get("Pell") is found.get("Mr. Pell")
    assert found.get("Lady Jane") is found.get("Lady Jane Grey")


def test_people_of_one_surname_are_several():
    found = people("Mr. Pell", "Mrs. Pell", "Pell", "Ada Pell")
    found.finish()
    assert len({id(found.get(name)) for name in ("Mr. Pell", "Mrs. Pell", "Ada Pell")}) == 3


def test_pronouns_tell_gender_where_titles_do_not():
    found = people("Robin", "Robin", "Kit")
    for _ in range(3):
        found.count_pronouns("Robin", he=0, she=1)
    found.count_pronouns("Kit", he=1, she=0)
    found.finish()
    assert found.get("Robin").gender == "f"
    assert found.get("Kit").gender == ""


def test_titles_and_nouns_tell_gender():
    assert [gender_of(words) for words in ("Mrs. Pell", "the old sailor", "Robin")] == ["f", "m", ""]
