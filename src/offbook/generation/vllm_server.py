"""vLLM's own server as a process of ours: a base model with LoRA adapters that come and go (docs.vllm.ai, "LoRA")."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import httpx2

from offbook.core import guarded
from offbook.core.errors import OffbookError, UsageError
from offbook.core.i18n import marked
from offbook.core.progress import Reporter

PROGRAM, ARGUMENTS = "OFFBOOK_VLLM", "OFFBOOK_VLLM_ARGS"
"""Environment variables: where vLLM's program is, and words that are added to its command."""
BASE_NAME = "base"
"""Under which vLLM serves the base model."""
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The largest rank of an adapter: vLLM takes one of these."""
START_SECONDS = 1800.0
"""In which vLLM has loaded the model, compiled it, and answers."""
LOAD_SECONDS = 300.0
"""In which vLLM has loaded an adapter."""
_LOG = marked("Its log: {log}")


def find_vllm() -> str:
    """The program: OFFBOOK_VLLM, or `vllm` on the path.

    Raises:
        UsageError: there is none.
    """
    named = os.environ.get(PROGRAM)
    program = shutil.which(named or "vllm")
    if program is None:
        raise UsageError(
            "vLLM's program is not here ({name})",
            "Install it in an environment of its own, and name it: OFFBOOK_VLLM=/PATH/TO/ENV/bin/vllm",
            name=named or "vllm",
        )
    return program


class VllmServer:
    """A running vLLM; close it when done. It ends with this process, however that ends.

    Args:
        base: the base model's folder.
        adapters: name → folder of the adapters that are loaded at the start.
        max_rank: the largest rank of any adapter, later ones included.
        max_adapters: how many adapters may be at work in one batch.
        dtype: number format, in torch's name.
        reporter: is told what is being done.

    Raises:
        UsageError: vLLM is not installed.
        OffbookError: it ended, or did not answer in time.
    """

    def __init__(
        self,
        base: Path,
        adapters: Mapping[str, Path],
        *,
        max_rank: int,
        max_adapters: int,
        dtype: str,
        reporter: Reporter,
    ) -> None:
        program = find_vllm()
        self.max_rank = next((rank for rank in RANKS if rank >= max_rank), RANKS[-1])
        self.key = secrets.token_urlsafe(32)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        words = [program, "serve", str(base), "--served-model-name", BASE_NAME, "--host", "127.0.0.1"]
        words += ["--port", str(port), "--dtype", dtype, "--generation-config", "vllm", "--enable-lora"]
        words += ["--max-lora-rank", str(self.max_rank), "--max-loras", str(max_adapters)]
        words += shlex.split(os.environ.get(ARGUMENTS, ""))
        words += ["--lora-modules", *(f"{name}={folder}" for name, folder in adapters.items())] if adapters else []
        self.log = Path(tempfile.mkdtemp(prefix="offbook-")) / "vllm.log"
        reporter.stage("Starting vLLM")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", guarded.__file__, *words],
                env={**_environment(), "VLLM_API_KEY": self.key},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        self._client = httpx2.Client(
            base_url=self.address, headers={"Authorization": f"Bearer {self.key}"}, timeout=LOAD_SECONDS
        )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        """Wait until it answers."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise OffbookError("vLLM ended while it started: {why}", _LOG, why=self._last_error(), log=self.log)
            try:
                if self._client.get("/health", timeout=5).is_success:
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.5)
        raise OffbookError("vLLM has not answered for {seconds:.0f} s", _LOG, seconds=START_SECONDS, log=self.log)

    def _last_error(self) -> str:
        lines = [line.strip() for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines()]
        errors = [line for line in lines if "Error" in line and "raise " not in line]
        return (errors or lines or ["no word"])[-1][:400]

    def add(self, name: str, folder: Path) -> None:
        """Load an adapter.

        Raises:
            OffbookError: vLLM refuses it.
        """
        self._post("/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})

    def remove(self, name: str) -> None:
        """Unload an adapter."""
        self._post("/v1/unload_lora_adapter", {"lora_name": name})

    def _post(self, path: str, body: Mapping[str, str]) -> None:
        try:
            response = self._client.post(path, json=body)
        except httpx2.HTTPError as error:
            raise OffbookError("vLLM does not answer: {error}", _LOG, error=error, log=self.log) from None
        if response.is_error:
            raise OffbookError("vLLM refused: {text}", _LOG, text=response.text[:400], log=self.log)

    def close(self) -> None:
        """End it, and delete its log."""
        client = getattr(self, "_client", None)
        if client is not None:
            client.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(2 * guarded.GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.returncode in (0, -15, 143):
            shutil.rmtree(self.log.parent, ignore_errors=True)


def _environment() -> dict[str, str]:
    """What vLLM gets: a Python of its own, leave to change adapters (only we have the key), and to send nothing."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    settings = ("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "VLLM_NO_USAGE_STATS", "DO_NOT_TRACK", "HF_HUB_OFFLINE")
    return {**inherited, **dict.fromkeys(settings, "1")}
