"""What the package says of itself is true: its dependencies, and that a wheel without extras works on its own."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "offbook"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HOSTS = {"IPython"}
"""What is there wherever it is needed: a notebook runs in it. It is imported only then."""
INDIRECT = {"accelerate", "sentencepiece"}
"""Declared though no file of ours imports them: transformers does, for us."""


def requirements(texts: list[str]) -> set[str]:
    """The names of those requirements that apply here without an extra."""
    parsed = [Requirement(text) for text in texts]
    return {canonicalize_name(each.name) for each in parsed if not each.marker or each.marker.evaluate({"extra": ""})}


def imported() -> dict[str, str]:
    """Distribution → a file of ours that imports it."""
    providers = metadata.packages_distributions()
    result: dict[str, str] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for top in {name.partition(".")[0] for name in names} - {*sys.stdlib_module_names, *HOSTS, "offbook"}:
                for provider in providers.get(top, [f"nothing installed provides '{top}'"]):
                    result[canonicalize_name(provider)] = str(path.relative_to(SOURCE))
    return result


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    declared, extras = requirements(PROJECT["dependencies"]), requirements(PROJECT["optional-dependencies"]["swanlab"])
    used = imported()
    assert {name: path for name, path in used.items() if name not in declared | extras} == {}
    assert declared - set(used) == INDIRECT


def test_constraints_name_every_dependency() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines if not line.startswith("#")}
    assert requirements(PROJECT["dependencies"]) <= pinned


def closure(names: set[str]) -> set[str]:
    """The distributions that pip would install for these, without any extra that nobody asks for."""
    done: set[str] = set()
    waiting = [(name, "") for name in names]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        done.add(name)
        for text in metadata.requires(name) or []:
            wanted = Requirement(text)
            if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
                continue
            for each in ("", *wanted.extras):
                pair = (canonicalize_name(wanted.name), each)
                if pair not in seen:
                    seen.add(pair)
                    waiting.append(pair)
    return done


def roots(distribution: metadata.Distribution) -> Iterator[str]:
    """The files and folders right under site-packages that a distribution brought."""
    yield from {file.parts[0] for file in distribution.files or [] if file.parts[0] != ".."}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds our wheel, what the wheel asks for, and nothing else.

    The packages are links into this environment, chosen by the wheel's own metadata: as if pip had installed them, in
    seconds.
    """
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(
        ROOT / "src" / "offbook", folder / "tree" / "src" / "offbook"
    )  # what an earlier build left is not seen
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "tree")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(folder / "tree")]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("offbook-*.whl")
    venv.create(folder / "env", with_pip=False)
    (site,) = (folder / "env").glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    record = next(site.glob("offbook-*.dist-info/METADATA")).read_text(encoding="utf-8")
    wanted = closure(requirements(re.findall(r"(?m)^Requires-Dist: (.+)$", record)))
    owner_count = Counter(root for each in metadata.distributions() for root in roots(each))
    for name in wanted:
        distribution = metadata.distribution(name)
        for root in roots(distribution):
            origin = Path(str(distribution.locate_file(root)))
            if owner_count[root] == 1 or origin.is_file():
                (site / root).symlink_to(origin)
                continue
            for file in distribution.files or []:  # a folder that several distributions share
                if file.parts[0] == root and (path := Path(str(distribution.locate_file(file)))).exists():
                    (site / file).parent.mkdir(parents=True, exist_ok=True)
                    if not (site / file).exists():
                        (site / file).symlink_to(path)
    return folder / "env" / "bin" / "python"


def run(python: Path, *words: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment |= {"OFFBOOK_HOME": str(home), "OFFBOOK_RUNS": str(home / "runs")}
    return subprocess.run([str(python), *words], capture_output=True, text=True, cwd=home, env=environment, check=False)


def test_every_module_of_the_wheel_can_be_imported(installed: Any, tmp_path: Path) -> None:
    code = (
        "import importlib, pkgutil, offbook\n"
        "names = [m.name for m in pkgutil.walk_packages(offbook.__path__, 'offbook.') if '__main__' not in m.name]\n"
        "for name in names: importlib.import_module(name)\n"
        "print(len(names), offbook.__file__)"
    )
    done = run(installed, "-c", code, home=tmp_path)
    assert done.returncode == 0, done.stderr
    count, path = done.stdout.split()
    assert int(count) > 100
    assert Path(path).is_relative_to(installed.parents[1])
    assert run(installed, "-c", "import pytest", home=tmp_path).returncode == 1, (
        "the environment holds more than it says"
    )


def test_the_commands_work_without_extras(installed: Any, trained: Path, tmp_path: Path) -> None:
    assert "Commands" in run(installed, "-m", "offbook.cli.main", "--help", home=tmp_path).stdout
    doctor = run(installed, "-m", "offbook.cli.main", "doctor", "--json", home=tmp_path)
    assert doctor.returncode == 0, doctor.stderr
    assert "torch" in json.loads(doctor.stdout)["versions"]
    export = run(
        installed, "-m", "offbook.cli.main", "export", str(trained), "--to", "merged", "--out", str(tmp_path / "copy"),
        home=tmp_path,
    )  # fmt: skip
    assert export.returncode == 0, export.stderr
    serve = run(installed, "-m", "offbook.cli.main", "serve", str(tmp_path / "nobody"), home=tmp_path)
    assert serve.returncode == 2
    assert "Traceback" not in serve.stderr
