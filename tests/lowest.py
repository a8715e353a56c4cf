"""Print the lowest versions that pyproject.toml promises, as constraints for pip: `python tests/lowest.py > FILE`."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def lowest() -> list[str]:
    """`name==version` for every dependency and extra that has a lower bound."""
    texts = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["swanlab"]]
    return [
        f"{each.name}=={part.version}"
        for each in map(Requirement, texts)
        for part in each.specifier
        if part.operator in (">=", "==")
    ]


if __name__ == "__main__":
    print("\n".join(lowest()))
