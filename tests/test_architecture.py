"""The tree is the architecture: five floors, imports that point down, and a face that stays light."""

import ast
import importlib
import re
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import offbook

ROOT = Path(offbook.__file__).parent
DOCS = Path(__file__).resolve().parents[1] / "docs"


def floors(page: Path) -> list[list[str]]:
    """The packages of each floor as the drawing of a page has them, from the ground up."""
    drawing = page.read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0]
    columns = [line.split("   ")[0] for line in drawing.splitlines()]
    return [line.split() for line in reversed(columns)]


FLOORS = floors(DOCS / "architecture.md")
FLOOR = {package: number for number, packages in enumerate(FLOORS) for package in packages}
"""Package → its floor. It may import its own modules and those of the floors below; stages are strangers."""
STAGES = 1


def imports(path: Path) -> set[str]:
    """The packages of offbook that a file imports, anywhere in it."""
    result = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "offbook":
            parts = node.module.split(".")
            result |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            result |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("offbook.")}
    return result


def test_no_module_is_loose() -> None:
    loose = {path.name for path in ROOT.glob("*.py")} - {"__init__.py", "__main__.py"}
    packages = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert (loose, packages) == (set(), set(FLOOR))


def test_both_languages_draw_the_same_floors() -> None:
    assert len(FLOORS) == 5
    assert floors(DOCS / "zh" / "architecture.md") == FLOORS


def test_imports_point_down_and_stages_are_strangers() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {other}"
        for package in FLOOR
        for path in (ROOT / package).rglob("*.py")
        for other in imports(path) - {package}
        if FLOOR[other] > FLOOR[package] or (FLOOR[other] == FLOOR[package] == STAGES)
    ]
    assert not wrong


def module_imports() -> dict[str, set[str]]:
    """Module → modules of offbook that it imports when it is imported itself."""
    names = {
        ".".join(("offbook", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
        for path in ROOT.rglob("*.py")
    }
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        graph[name] = set()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.module in names:
                submodules = {f"{node.module}.{alias.name}" for alias in node.names} & set(names)
                graph[name] |= submodules or {node.module}
    return graph


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = module_imports()
    state: dict[str, int] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert state.get(name) != 1, f"cycle: {' -> '.join((*trail, name))}"
        if name not in state:
            state[name] = 1
            for other in graph[name]:
                visit(other, (*trail, name))
            state[name] = 2

    for name in graph:
        visit(name, ())


def test_files_stay_short() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in ROOT.rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 320
    }
    assert not long


def test_core_cli_and_package_import_no_torch() -> None:
    core = (ROOT / "core").rglob("[a-z]*.py")
    names = [".".join(("offbook", *path.relative_to(ROOT).with_suffix("").parts)) for path in core]
    code = f"import {', '.join(['offbook', 'offbook.cli.main', *names])}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_public_names_exist() -> None:
    for name in offbook.__all__:
        assert getattr(offbook, name) is not None


def test_help_answers_without_heavy_imports() -> None:
    heavy = {"torch", "transformers", "numpy", "scipy", "sklearn", "matplotlib", "pyarrow", "fastapi", "jinja2"}
    heavy |= {"pydantic"}
    code = (
        "import atexit, sys; from offbook.cli.main import main\n"
        f"atexit.register(lambda: print(sorted({heavy} & set(sys.modules)), file=sys.stderr))\n"
        "main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "extract" in done.stdout
    assert done.stderr.strip() == "[]"


def test_what_is_slow_to_import_comes_with_its_first_use() -> None:
    late = {"offbook.pipeline.api": {"torch", "numpy"}, "offbook.pipeline.training": {"sklearn", "scipy.stats"}}
    late["offbook.pipeline.training"] |= {"sacrebleu", "matplotlib"}
    late["offbook.cli.extract"] = {"torch", "pydantic", "offbook.data.extract.novel.chinese"}
    for module, others in late.items():
        code = f"import {module}, sys; sys.exit(' '.join({others} & set(sys.modules)) or 0)"
        done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
        assert not done.returncode, (module, done.stderr)


def walk(page: Path) -> list[tuple[str, list[str]]]:
    """(file, what to read in it) of the rows of the page's walk from a config to an adapter on disk."""
    rows = re.findall(r"^\| \d+ \| `([\w/]+\.py)` \| (.+?) \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [(file, re.findall(r"`([\w.]+)`", names)) for file, names in rows]


def test_a_stranger_walks_from_config_to_adapter_in_sixteen_files() -> None:
    path = walk(DOCS / "architecture.md")
    assert 0 < len(path) <= 16
    assert walk(DOCS / "zh" / "architecture.md") == path
    for file, names in path:
        module = importlib.import_module(".".join(("offbook", *Path(file).with_suffix("").parts)))
        for name in names:
            assert attrgetter(name)(module) is not None, (file, name)
