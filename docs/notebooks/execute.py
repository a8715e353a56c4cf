"""Execute the notebooks and store them with their outputs.

    python docs/notebooks/execute.py

They are kept as text (jupytext, `tutorial.LANGUAGE.py`); beside each lies the `.ipynb` that is made of it here.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TEXTS = sorted(HERE.glob("*.*.py"))


def execute(text: Path, place: Path) -> Any:
    """The notebook of a text form with the outputs of its cells.

    Args:
        text: the text form.
        place: the folder in which it runs, and where its run lies afterwards.
    """
    import jupytext
    from nbclient import NotebookClient

    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = jupytext.read(text)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    resources = {"metadata": {"path": str(place)}}
    NotebookClient(notebook, timeout=None, kernel_name="python3", resources=resources).execute()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # the same at every execution
        cell.metadata.pop("execution", None)
        # What libraries say on standard error is no part of the lesson, and names folders of this computer.
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def main() -> None:
    """Execute every notebook and write it beside its text."""
    import nbformat

    for text in TEXTS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as place:
            notebook = execute(text, Path(place))
            written = nbformat.writes(notebook).replace(str(Path(place)), ".")
        text.with_suffix(".ipynb").write_text(written + "\n", encoding="utf-8")
        print(f"{text.with_suffix('.ipynb').name}: {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
