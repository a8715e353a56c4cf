"""Commands as a user types or copies them: every word quoted where a shell needs it, offbook by the name it has here.

offbook_command("chat", run.path, "--continue")      # .venv/bin/offbook chat 'runs/my run' --continue
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAM = "offbook"


def quoted(word: str | Path) -> str:
    """A word as it is typed in a shell: in quotes only where it needs them, so Chinese stays as it is."""
    text = str(word)
    if os.name == "nt":
        return subprocess.list2cmdline([text])
    return text if re.fullmatch(r"[\w./:,+@%-][\w./:~=,+@%-]*", text) else shlex.quote(text)


def shell_command(*words: str | Path) -> str:
    """A command line that a shell splits into exactly these words."""
    return " ".join(map(quoted, words))


def offbook_command(*words: str | Path) -> str:
    """A command of offbook that can be copied into the terminal in which this process runs."""
    return shell_command(*_program(Path.cwd()), *words)


def _program(folder: Path) -> tuple[str, ...]:
    """How this offbook is called from a folder: by its name if PATH leads to it, else by its path."""
    script = shutil.which(PROGRAM, path=str(Path(sys.executable).parent))
    if script is None:
        return (sys.executable, "-m", PROGRAM)
    on_path = shutil.which(PROGRAM)
    if on_path is not None and Path(on_path).resolve() == Path(script).resolve():
        return (PROGRAM,)
    path = Path(script)
    return (str(path.relative_to(folder) if path.is_relative_to(folder) else path),)
