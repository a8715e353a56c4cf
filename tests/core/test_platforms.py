"""What Windows and macOS have otherwise, as far as it can be tried elsewhere: names, encodings, processes, signals."""

from __future__ import annotations

import ast
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from offbook.core.config.loading import load
from offbook.core.errors import UsageError
from offbook.core.rundir import find_run, list_runs
from offbook.data.loading import load as load_rows
from offbook.hub import cache

SOURCE = Path(__file__).resolve().parents[2] / "src" / "offbook"


@pytest.mark.parametrize(
    "name", ["con", "NUL", "CONIN$", "Aux.v2", "com1", "lpt9.txt", "a:b", "what?", "a|b", "end.", "end "]
)
def test_a_run_has_no_name_that_windows_cannot_keep(name: str) -> None:
    with pytest.raises(UsageError, match="be a name that Windows has, too"):
        load(None, {"name": name, "data.source": "lines.jsonl"})


@pytest.mark.parametrize("name", ["hamlet", "甄嬛", "console", "nulls", "com10", "v1.2", "communist party", "aux2"])
def test_other_names_are_fine(name: str) -> None:
    assert load(None, {"name": name, "data.source": "lines.jsonl"}).name == name


def test_names_from_hubs_become_folders_that_every_system_has() -> None:
    for repo, path in (("org/con", ""), ("a--b/c-", "x/y.json"), ("Org/Name", "")):
        name = cache.repo_dir_name(repo, path)
        assert not set(name) & set('<>:"/\\|?*')
    for revision in ("feature/v1", "refs/pr/1"):
        assert "/" not in cache.folder_name(revision)


def test_on_a_disk_that_ignores_case_a_run_is_found_by_either_spelling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a disk is imitated: the name in other letters leads to the same folder."""
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path))
    run = tmp_path / "hamlet"
    (run / "adapter").mkdir(parents=True)
    for name in ("run.yaml", "environment.json", "adapter/persona.json"):
        (run / name).write_text("{}", encoding="utf-8")
    (tmp_path / "Hamlet").symlink_to(run)
    assert find_run("Hamlet").name == find_run("hamlet").name == "hamlet"
    assert {each.name for each in list_runs()} == {"hamlet"}


def texts_without_encoding(path: Path) -> Iterator[int]:
    """Lines that read or write text in whatever encoding the system prefers (on Windows mostly not UTF-8)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or any(keyword.arg == "encoding" for keyword in node.keywords):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in ("read_text", "write_text"):
            if isinstance(called.value, ast.Name) and called.value.id == "formatter":
                continue  # click's
            if len(node.args) < (2 if called.attr == "write_text" else 1):
                yield node.lineno
        elif isinstance(called, ast.Attribute) and called.attr == "open" and "b" not in _mode(node):
            yield node.lineno


def _mode(call: ast.Call) -> str:
    """The mode of an opened path; of anything else that is opened, one that is let pass."""
    of_path = not call.args or (
        isinstance(call.args[0], ast.Constant) and set(str(call.args[0].value)) <= set("rwaxb+")
    )
    if not of_path or (isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in ("os", "session")):
        return "b"
    return str(call.args[0].value) if call.args and isinstance(call.args[0], ast.Constant) else "r"


def test_every_text_is_read_and_written_in_a_stated_encoding() -> None:
    faults = {str(path.relative_to(SOURCE)): list(texts_without_encoding(path)) for path in SOURCE.rglob("*.py")}
    assert {name: lines for name, lines in faults.items() if lines} == {}


@pytest.mark.parametrize("encoding", ["cp936", "cp1252", "ascii"])
def test_a_console_that_lacks_the_letters_gets_an_answer_all_the_same(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "OFFBOOK_LANG": "zh"}
    done = subprocess.run(
        [sys.executable, "-m", "offbook", "runs", "show", "没有"], capture_output=True, env=environment, check=False
    )
    assert done.returncode == 2, done.stderr
    assert b"Traceback" not in done.stderr


def test_nothing_is_forked() -> None:
    """Windows has no fork, and on macOS it is unsafe with threads: other processes are started anew."""
    calls = ("os.fork", "multiprocessing", "preexec_fn")
    matches = [
        f"{path.relative_to(SOURCE)}: {call}"
        for path in SOURCE.rglob("*.py")
        for call in calls
        if call in path.read_text(encoding="utf-8")
    ]
    assert matches == []


def test_settings_and_errors_pass_to_a_spawned_process_and_back() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(load, (None, {"name": "甄嬛", "data.source": "x.jsonl"})).name == "甄嬛"
        with pytest.raises(UsageError, match="unknown key 'trian'"):
            pool.apply(load, (None, {"trian.epochs": 1}))


POSIX_MODULES = frozenset({"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "readline", "syslog"})
POSIX_NAMES = {
    "os": frozenset({"fork", "killpg", "getuid", "geteuid", "getpgid", "setsid", "uname", "statvfs", "sysconf",
                     "mkfifo", "getloadavg", "sched_getaffinity", "chown", "O_DIRECTORY", "O_NOFOLLOW"}),
    "signal": frozenset({"SIGKILL", "SIGHUP", "SIGUSR1", "SIGALRM", "SIGQUIT", "SIGSTOP", "SIGCONT", "alarm", "pause"}),
    "socket": frozenset({"AF_UNIX"}),
}  # fmt: skip
"""What Python on Windows lacks."""


def test_no_module_needs_what_windows_lacks_to_be_imported() -> None:
    bad = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            bad += [f"{path.relative_to(SOURCE)}: {name}" for name in names if name.split(".")[0] in POSIX_MODULES]
    assert bad == []


def test_what_windows_lacks_is_used_only_where_it_is_asked_for() -> None:
    """In a function that looks at the platform, or asks whether there is such a thing."""
    bad = []
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prompts = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            and any(sign in ast.unparse(node) for sign in ("sys.platform", "hasattr(", "os.name"))
        ]
        guarded = {id(inner) for function in prompts for inner in ast.walk(function)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name) or id(node) in guarded:
                continue
            if node.attr in POSIX_NAMES.get(node.value.id, ()):
                bad.append(f"{path.relative_to(SOURCE)}:{node.lineno}: {node.value.id}.{node.attr}")
    assert bad == []


def test_files_with_the_line_ends_of_windows_are_read_as_any_others(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_bytes(
        b"data: {source: lines.jsonl}\r\npersona:\r\n  system: |-\r\n    You are Ann.\r\n    You sail.\r\n"
    )
    (tmp_path / "lines.jsonl").write_bytes(b'{"instruction": "Who?", "output": "Ann."}\r\n' * 2)
    (tmp_path / "lines.csv").write_bytes(b"instruction,output\r\nWho?,Ann.\r\n")
    config = load(tmp_path / "run.yaml")
    assert config.persona.system == "You are Ann.\nYou sail."
    for name, count in (("lines.jsonl", 2), ("lines.csv", 1)):
        rows = list(load_rows([tmp_path / name]).conversations)
        assert [row.turns[-1].text for row in rows] == ["Ann."] * count
