"""Options: declared once, merged in order, strict about what they do not know."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from offbook.core.config import loading, schema
from offbook.core.config.renamed import RENAMED
from offbook.core.errors import UsageError
from offbook.core.i18n import language, use_language


def write(path: Path, **tree: Any) -> Any:
    path.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    return path


def test_command_line_beats_file_beats_default(tmp_path: Path) -> None:
    path = write(tmp_path / "run.yaml", data={"source": "x.json"}, train={"epochs": 5, "batch_size": 4})
    config = loading.load(path, {"train.epochs": "1"})
    assert (config.train.epochs, config.train.batch_size, config.train.save_steps) == (1, 4, 100)


def test_numbers_that_yaml_takes_for_text(tmp_path: Path) -> None:
    assert loading.load(None, {"data.source": "x", "train.learning_rate": "1e-3"}).train.learning_rate == 1e-3


@pytest.mark.parametrize(
    ("tree", "texts"),
    [
        ({"train": {"epoch": 1}}, "unknown key 'train.epoch', did you mean 'epochs'?"),
        ({"trian": {}}, "unknown key 'trian', did you mean 'train'?"),
        ({"train": {"fast": {"pack": True}}}, "unknown key 'train.fast.pack', did you mean 'packing'?"),
        ({"train": {"epochs": -1}}, "'train.epochs' is -1"),
        ({"lora": {"rank": "big"}}, "'lora.rank' is 'big'"),
    ],
)
def test_faults_name_the_key(tmp_path: Path, tree: Any, texts: Any) -> None:
    path = write(tmp_path / "run.yaml", data={"source": "x"}, **tree)
    with pytest.raises(UsageError) as caught:
        loading.load(path)
    assert texts in str(caught.value)
    assert caught.value.exit_code == 2


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "run.yaml", train={"epochs": 0, "bogus": 1})
    with pytest.raises(UsageError) as caught:
        loading.load(path)
    for texts in ("'data' is missing", "'train.epochs'", "'train.bogus'"):
        assert texts in str(caught.value)


def test_unknown_override_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"unknown key 'train\.epoch'"):
        loading.load(None, {"data.source": "x", "train.epoch": "1"})


@pytest.mark.parametrize(
    "text", ["true", "007", "2026-11-24", "You are: Hamlet", "#1", "[HAM]let", "- a", "null", "2026-13-01"]
)
def test_text_in_an_override_is_what_was_typed(text: str) -> None:
    assert loading.load(None, {"data.source": "x", "persona.name": text}).persona.name == text


@pytest.mark.parametrize(
    ("option", "typed", "meant"),
    [
        ("persona.name", '"Hamlet"', "Hamlet"),
        ("persona.greeting", "null", None),
        ("persona.greeting", "# hi", "# hi"),
        ("data.dedupe", "off", "off"),
        ("persona.sample_prompts", '["Who?", "Why?"]', ["Who?", "Why?"]),
        ("train.epochs", "2", 2),
    ],
)
def test_an_override_may_be_quoted_null_or_a_list(option: Any, typed: Any, meant: Any) -> None:
    config = loading.load(None, {"data.source": "x", option: typed})
    section, leaf = option.split(".")
    assert getattr(getattr(config, section), leaf) == meant


def test_off_in_a_file_is_the_word(tmp_path: Path) -> None:
    path = write(tmp_path / "run.yaml", data={"source": "a.json"})
    path.write_text(path.read_text() + "  dedupe: off\n")
    assert loading.load(path).data.dedupe == "off"


def test_paths_in_a_file_are_relative_to_it_and_on_the_command_line_to_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = write(tmp_path / "run.yaml", data={"source": ["a.json", "hf:org/set"], "replay": "b.json"})
    config = loading.load(path, {"data.heldout_source": "c.json"})
    assert config.data.source == [str(tmp_path / "a.json"), "hf:org/set"]
    assert config.data.replay == str(tmp_path / "b.json")
    assert config.data.heldout_source == str(tmp_path / "here" / "c.json")
    above = write(tmp_path / "here" / "run.yaml", data={"source": "../../rows/a.json"})
    assert loading.load(above).data.source == str(tmp_path.parent / "rows" / "a.json")
    itself = write(tmp_path / "itself.yaml", data={"source": "a.json", "replay": "base"})
    assert loading.load(itself).data.replay == "base"
    assert loading.load(itself, {"model.source": "base"}).model.source == str(tmp_path / "here" / "base")


def test_what_is_dumped_loads_again(tmp_path: Path) -> None:
    config = loading.load(None, {"data.source": "/x/行.json", "persona.system": "你是：甄嬛", "name": "甄嬛"})
    path = tmp_path / "run.yaml"
    path.write_text(loading.dump(config), encoding="utf-8")
    assert loading.load(path) == config


@pytest.mark.parametrize(
    ("text", "texts"), [("a: [", "line 2"), ("- 1", "holds no settings"), ("", "holds no settings")]
)
def test_a_file_that_is_no_config(tmp_path: Path, text: str, texts: Any) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text + "\n")
    with pytest.raises(UsageError, match=texts):
        loading.load(path)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="offbook init"):
        loading.load(tmp_path / "none.yaml")


def test_every_option_is_described() -> None:
    described = {name: field.description for name, field in schema.options()}
    assert len(described) > 40
    assert not [name for name, text in described.items() if not text]
    assert len(set(described.values())) == len(described)


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b", ""])
def test_a_run_name_cannot_leave_the_runs_folder(name: str) -> None:
    with pytest.raises(UsageError, match="'name'"):
        loading.validate({"name": name, "data": {"source": "x"}})


BEGINNING = "data:\n  source: x\n"


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("name：mira\npersona：\n  system：你是小猫\n", "line 1 has ：, where YAML needs a plain ': '"),
        ("data:\n  source：lines.jsonl\n", "line 2 has ：, where YAML needs a plain ': '"),
        (f"{BEGINNING}persona:\n  name: Mira\n  system：你是小猫\n", "line 5 has ：, where"),
        ("data: lines.jsonl\n", "line 1: 'data' needs settings of its own below it, indented by two spaces"),
        (f"{BEGINNING}persona:\nsystem: Be Mira.\n", "line 3: 'persona' needs settings of its own below it"),
        (f"{BEGINNING}persona:\nsystem: Be Mira.\n", "line 4: unknown key 'system', did you mean 'persona.system'?"),
        (f"{BEGINNING}persona:\n  system: “你是小猫”\n", "line 4: “ and ” are not quotes in YAML"),
        (f"{BEGINNING}persona:\n  sample_prompts:\n    - ‘Who?’\n", "line 5: ‘ and ’ are not quotes"),
        (
            f"{BEGINNING}persona:\n  sample_prompts: [你是谁， 你好]\n",
            "line 4 has ，, which does not separate",
        ),
        (f"{BEGINNING}train:\n  epochs: 1\n  epochs: 2\n", "line 5: 'train.epochs' already stands on line 4"),
        (f"{BEGINNING}train:\n  epochs: 1\ndata:\n  seed: 1\n", "line 5: 'data' already stands on line 1"),
        (f"{BEGINNING}persona:\n  system: You are Mira: a fisher.\n", "line 4: text with ': ' in it needs quotes"),
        (f"{BEGINNING}persona:\n\tname: Mira\n", "line 4 is not YAML: a tab stands there"),
        (f"{BEGINNING}persona:\n  name: 'Mira\n", "is not YAML: a quote is never closed"),
        (
            f"{BEGINNING}persona:\n  name: @Mira\n",
            "line 4 is not YAML: a text that begins with such a sign needs quotes",
        ),
        (f"{BEGINNING}persona:\n  sample_prompts: [Who\n", "is not YAML: a list is never closed"),
        (f"{BEGINNING}epochs: 3\n", "line 3: unknown key 'epochs', did you mean 'train.epochs'?"),
        (f"{BEGINNING}seed: 3\n", "did you mean 'data.seed' or 'train.seed'?"),
        (f"{BEGINNING}name: ../y\n", "'name' is '../y': it should name a folder: no slash in it"),
        (f"{BEGINNING}train:\n  epochs: many\n", "line 4: 'train.epochs' is 'many': it should be a number"),
        (
            f"{BEGINNING}persona:\n  sample_prompts: [Who, 5]\n",
            "item 2 of 'persona.sample_prompts' is 5: it should be text",
        ),
    ],
)
def test_a_beginners_mistakes_in_yaml_are_named_with_their_line(tmp_path: Path, text: str, texts: Any) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        loading.load(path)
    assert texts in caught.value.what
    assert caught.value.what.startswith(str(path))
    assert caught.value.fix
    assert not any(jargon in str(caught.value) for jargon in ("Config", "dictionary", "pattern", "parse"))


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("persona: {system: '“Mira” is what I am called'}", "“Mira” is what I am called"),
        ("persona:\n  system: “Mira” is what I am called", "“Mira” is what I am called"),
        ("persona:\n  system: '“喵。”'", "“喵。”"),
        ("persona:\n  system: |-\n    name：Mira\n    age：7", "name：Mira\nage：7"),
        ("persona:\n  sample_prompts: [你好，你是谁？, 再见]\n  system: 你是：小猫", "你是：小猫"),
    ],
)
def test_the_same_signs_within_a_text_are_left_alone(tmp_path: Path, text: str, system: Any) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(f"{BEGINNING}{text}\n", encoding="utf-8")
    config = loading.load(path)
    assert config.persona.system == system
    path.write_text(loading.dump(config), encoding="utf-8")
    assert loading.load(path) == config


def test_a_fault_of_an_option_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "run.yaml", data={"source": "x"}, lora={"rank": 0})
    with pytest.raises(UsageError) as caught:
        loading.load(path, {"train.epochs": "abc", "persona.sample_prompts": "a,b"})
    assert caught.value.what == (
        f"{path}: line 4: 'lora.rank' is 0: it should be greater than or equal to 1; "
        '--persona.sample_prompts is \'a,b\': it should be a list: ["a", "b"]; '
        "--train.epochs is 'abc': it should be a number"
    )


@pytest.mark.parametrize(("old", "new"), sorted(RENAMED.items()))
def test_a_renamed_option_is_unknown_and_its_error_names_the_new_one(tmp_path: Path, old: Any, new: Any) -> None:
    section, leaf = old.split(".")
    tree: dict[str, dict[str, Any]] = {"data": {"source": "x"}}
    tree.setdefault(section, {})[leaf] = 1
    for attempt in (
        lambda: loading.load(write(tmp_path / "run.yaml", **tree)),
        lambda: loading.load(None, {"data.source": "x", old: "1"}),
    ):
        with pytest.raises(UsageError, match=f"unknown key '{old}', it is called '{new}' now"):
            attempt()
    assert new in dict(schema.options())


def test_a_number_format_that_became_a_storage_names_it() -> None:
    with pytest.raises(UsageError, match=r"low_memory is called model\.storage bfloat16 now"):
        loading.load(None, {"data.source": "x", "model.dtype": "low_memory"})
    assert loading.load(None, {"data.source": "x", "model.storage": "bfloat16"}).model.storage == "bfloat16"


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("train.epochs", ".inf", "should be a finite number"),
        ("train.learning_rate", ".nan", "should be"),
        ("train.seed", "-1", "greater than or equal to 0"),
        ("data.seed", str(2**70), "less than 4294967296"),
        ("train.batch_size", "1" + "0" * 400, "less than or equal to"),
        ("lora.rank", str(2**40), "less than or equal to 65536"),
        ("name", "n" * 250, "150 bytes at most"),
    ],
)
def test_settings_that_no_library_can_take_are_refused_first(option: Any, value: Any, reason: Any) -> None:
    with pytest.raises(UsageError, match=f"--{option} is .*it should .*") as caught:
        loading.load(None, {"data.source": "x", option: value})
    assert reason in caught.value.what
    assert len(caught.value.what) < 300


def test_a_small_file_cannot_unfold_into_a_huge_one(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    links = [f"l{depth}: &l{depth} [{', '.join([f'*l{depth - 1}'] * 10)}]" for depth in range(1, 9)]
    path.write_text("\n".join(["l0: &l0 [1]", *links, "data: {source: x}"]))
    with pytest.raises(UsageError, match="too many values"):
        loading.load(path)
    path.write_text("a: " + "[" * 40_000)
    with pytest.raises(UsageError, match="nested too deeply"):
        loading.load(path)
    path.write_text("a: " + "x" * 2**21)
    with pytest.raises(UsageError, match="too large"):
        loading.load(path)


def test_a_text_that_yaml_cuts_off_at_a_hash_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("data: {source: x}\npersona:\n  system: You are fan #1 of Mira.\n")
    with pytest.raises(UsageError, match=r"line 3: YAML takes the end of persona.system for a comment: #1 of Mira\."):
        loading.load(path)
    path.write_text("data: {source: x}\npersona:\n  # a note\n  system: 'You are fan #1.'\n  greeting: null  # none\n")
    assert loading.load(path).persona.system == "You are fan #1."


def test_a_system_prompt_of_several_lines_is_dumped_as_a_block() -> None:
    config = loading.load(None, {"data.source": "x", "persona.system": "One.\n  Two: # three\nFour."})
    text = loading.dump(config)
    assert "  system: |-\n    One.\n      Two: # three\n    Four.\n" in text
    assert yaml.safe_load(text)["persona"]["system"] == config.persona.system


@pytest.mark.parametrize("text", ['{name: "a\\ud800"}', '{sample_prompts: ["\\udcff?"]}'])
def test_half_of_a_character_is_told_before_anything_is_written(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(f"data: {{source: lines.jsonl}}\npersona: {text}\n")
    with pytest.raises(UsageError, match="half of a character"):
        loading.load(path)


def test_a_byte_of_another_encoding_on_the_command_line_is_told_too() -> None:
    with pytest.raises(UsageError, match=r"persona\.system holds half of a character"):
        loading.load(None, {"data.source": "lines.jsonl", "persona.system": b"\xff".decode("utf-8", "surrogateescape")})


def test_what_an_earlier_version_stored_is_read_under_todays_names(tmp_path: Path) -> None:
    stored = tmp_path / "run.yaml"
    stored.write_text("name: a\npersona: {name: B, probes: [Who]}\ntrack: {to: []}\ndata: {source: rows.json}\n")
    config = loading.load_stored(stored)
    assert (config.persona.sample_prompts, config.track.trackers) == (["Who"], [])
    assert config.data.source == str(tmp_path / "rows.json")
    with pytest.raises(UsageError, match=r"is called 'persona\.sample_prompts' now"):
        loading.load(stored)


def test_the_verdict_speaks_the_language_of_the_messages() -> None:
    before = language()
    try:
        for name in ("zh", "en"):
            use_language(name)
            assert loading.load(None, {"data.source": "x"}).evaluate.lang == name
    finally:
        use_language(before)


def test_a_number_of_thousands_of_digits_is_refused_in_a_sentence(tmp_path: Path) -> None:
    number = f"0x{'f' * 5000}"
    (tmp_path / "run.yaml").write_text(f"data: {{source: x}}\ntrain: {{seed: {number}}}\n")
    for path, overrides in ((tmp_path / "run.yaml", {}), (None, {"data.source": "x", "train.seed": number})):
        with pytest.raises(UsageError, match=r"seed.* is a number of thousands of digits: it should"):
            loading.load(path, overrides)


@pytest.mark.parametrize(
    "value", ["abc", "-1", "1e20", "1.5", "[1]", "[]", "{1: 2}", ".nan", "''", "con", "a/b", "a" * 300]
)
def test_a_chinese_sentence_says_in_chinese_what_a_value_should_be(value: str) -> None:
    before = language()
    use_language("zh")
    try:
        for name, _ in schema.options():
            try:
                loading.load(None, {"data.source": "x", name: value})
            except UsageError as error:
                assert not re.search("应当[a-zA-Z]", error.what), error.what
    finally:
        use_language(before)
