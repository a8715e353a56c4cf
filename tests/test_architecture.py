"""The tree is the architecture: who may import whom, and what stays light."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import offbook

ROOT = Path(offbook.__file__).parent
STAGES = {"data", "text", "model", "train", "track", "evaluate", "infer", "export"}
LEVELS = [{"core", "recipes"}, STAGES, "pipeline", {"serve"}, {"cli"}]
"""core ← stages ← pipeline (the modules right under the package) ← serve ← cli."""


def level(part: str) -> int:
    named = next((number for number, names in enumerate(LEVELS) if part in names and names != "pipeline"), None)
    return LEVELS.index("pipeline") if named is None else named


def imports(path: Path) -> set[str]:
    """The parts of offbook that a file imports, anywhere in it (what is for the type checker alone aside)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "offbook":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("offbook.")}
    return found


def test_imports_point_one_way_and_stages_are_strangers():
    wrong = []
    for path in ROOT.rglob("*.py"):
        relative = path.relative_to(ROOT)
        part = relative.parts[0].removesuffix(".py")
        if relative.name == "__init__.py" and len(relative.parts) == 1:
            continue
        for other in imports(path) - {part}:
            if level(other) > level(part) or (part in STAGES and other in STAGES):
                wrong.append(f"{relative} imports {other}")
    assert not wrong


def test_pipeline_stays_a_table_of_contents():
    assert len((ROOT / "pipeline.py").read_text(encoding="utf-8").splitlines()) < 300


def test_core_cli_and_package_import_no_torch():
    names = ["offbook", "offbook.cli.main", *(f"offbook.core.{p.stem}" for p in (ROOT / "core").glob("[a-z]*.py"))]
    code = f"import {', '.join(names)}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_public_names_exist():
    for name in offbook.__all__:
        assert getattr(offbook, name) is not None


def test_help_answers_without_heavy_imports():
    def seconds() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "offbook.cli.main", "--help"], check=True, capture_output=True)
        return time.perf_counter() - began

    # What takes long is an import of torch or transformers (seconds); the bound has room for a busy machine.
    assert min(seconds() for _ in range(3)) < 1.0
