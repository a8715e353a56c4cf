"""Taking a character along: exports that equal it, downloads, and a push to a hub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, SecretStr

from offbook.core.errors import UsageError
from offbook.core.shell import offbook_command
from offbook.pipeline.export_formats import export_formats
from offbook.studio.context import StudioDep
from offbook.studio.errors import NotFound
from offbook.studio.json_files import read_object
from offbook.studio.workspace import checked_name
from offbook.studio.zip_stream import zip_stream

router = APIRouter(prefix="/runs/{name}", tags=["take along"])

COMMAND = re.compile(r"`((?:offbook|ollama|llama-\w+|vllm|lms) [^`\n]+)`")
"""Commands as a model card names them."""
TOKENS = {"hf": "HF_TOKEN", "ms": "MODELSCOPE_API_TOKEN"}
"""Hub → the environment variable in which its client looks for a token."""


class ExportRequest(BaseModel):
    """An export."""

    format: str
    quant: str | None = None
    """Number format; default: the format's first."""


class PushRequest(BaseModel):
    """A push to a hub."""

    target: str = Field(pattern=r"^(ms|hf):\w[\w.-]*/\w[\w.-]*$")
    """ms:ORG/NAME or hf:ORG/NAME."""
    token: SecretStr | None = None
    """Written nowhere; default: that of an earlier login on this computer."""
    what: str = "adapter"
    """adapter, or the format of an export."""
    public: bool = False


@router.post("/export")
def export(name: str, request: ExportRequest, studio: StudioDep) -> dict[str, Any]:
    """Write the character for another program, and compare the copy with it: a job."""
    run = studio.workspace.run(name)
    formats = export_formats()
    if request.format not in formats or request.quant not in (None, *formats[request.format]):
        raise UsageError("there is no such export format", "One of: {formats}.", formats=", ".join(formats))
    argv = ["export", studio.workspace.relative(run.path), "--to", request.format, "--json"]
    argv += ["--quant", request.quant] if request.quant else []
    job = studio.queue.submit("export", name, argv, details={"run": name, "format": request.format}).as_json()
    return {"job": job, "command": job["command"]}


@router.get("/exports")
def exports(name: str, studio: StudioDep) -> dict[str, Any]:
    """What has been exported, each with its files, its parity with the original, and how it is run elsewhere."""
    run = studio.workspace.run(name)
    folders = sorted(path for path in run.exports.iterdir()) if run.exports.is_dir() else []
    shown = [_export(path) for path in folders if (path / "parity.json").is_file() and "-unproved-" not in path.name]
    return {
        "exports": shown,
        "formats": [{"format": format, "quants": quants} for format, quants in export_formats().items()],
        "command": offbook_command("export", studio.workspace.relative(run.path), "--to", "gguf"),
    }


@router.get("/exports/{folder}/download")
def download(name: str, folder: str, studio: StudioDep) -> StreamingResponse:
    """An export as a ZIP file; `folder` is its folder's name, or its format."""
    run = studio.workspace.run(name)
    wanted = checked_name(folder)
    folders = sorted(run.exports.iterdir()) if run.exports.is_dir() else []
    folders = [each for each in folders if each.is_dir() and each.resolve().is_relative_to(run.path.resolve())]
    fitting = [each for each in folders if each.name == wanted]
    fitting += [each for each in folders if read_object(each / "parity.json").get("format") == wanted]
    if not fitting:
        raise NotFound("the run '{name}' has no such export", "Export it first.", name=name)
    headers = {"Content-Disposition": f'attachment; filename="{_ascii(f"{name}-{fitting[0].name}")}.zip"'}
    return StreamingResponse(zip_stream(fitting[0]), media_type="application/zip", headers=headers)


@router.post("/push")
def push(name: str, request: PushRequest, studio: StudioDep) -> dict[str, Any]:
    """Put the character on a hub: a job. The token goes to its process alone, by its environment."""
    run = studio.workspace.run(name)
    argv = ["push", studio.workspace.relative(run.path), request.target, "--what", request.what, "--json"]
    argv += ["--public"] if request.public else []
    variable = TOKENS[request.target.partition(":")[0]]
    token = request.token.get_secret_value().strip() if request.token else ""
    secrets = {variable: token} if token else None
    job = studio.queue.submit("push", name, argv, details={"run": name, "target": request.target}, secrets=secrets)
    return {"job": job.as_json(), "command": job.as_json()["command"]}


def _export(folder: Path) -> dict[str, Any]:
    parity = read_object(folder / "parity.json")
    try:
        card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    except OSError:
        card = ""
    files = [{"name": path.name, "bytes": path.stat().st_size} for path in sorted(folder.iterdir()) if path.is_file()]
    return {
        "name": folder.name,
        "format": parity.get("format", folder.name.partition("-")[0]),
        "quant": parity.get("quant"),
        "passed": bool(parity.get("passed")),
        "files": files,
        "bytes": sum(each["bytes"] for each in files),
        "parity": {key: value for key, value in parity.items() if isinstance(value, int | float | bool)},
        "commands": list(dict.fromkeys(COMMAND.findall(card))),
    }


def _ascii(text: str) -> str:
    return re.sub(r"[^\w.-]", "_", text.encode("ascii", "replace").decode())
