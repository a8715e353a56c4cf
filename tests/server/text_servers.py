"""Servers that take prompts as text alone, in front of llama.cpp's own: Ollama's API, and OpenAI's as LM Studio has it.

What they do with a prompt is llama.cpp's work: its tokenizer reads control tokens in the text, and puts a BOS token in
front where the model's file says so.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

CONTEXT = 384
"""Tokens: what the model's Modelfile says."""


class _Face(BaseHTTPRequestHandler):
    upstream: str
    name: str
    requests: list[dict[str, Any]]

    def answer(self, status: int, body: Any) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def forward(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        headers = {"Authorization": "Bearer sesame"}
        return httpx2.post(f"{self.upstream}{path}", json=body, headers=headers, timeout=120)

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(body)
        return body

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class OllamaFace(_Face):
    """What offbook asks of Ollama."""

    def do_GET(self) -> None:
        models = {"data": [{"id": f"{self.name}:latest"}, {"id": f"{self.name}:q4"}]}
        answers = {"/api/version": {"version": "0.40.12"}, "/v1/models": models}
        self.answer(200 if self.path in answers else 404, answers.get(self.path, {}))

    def do_POST(self) -> None:
        body = self.body()
        if self.path == "/api/show":
            info = {"general.architecture": "llama", "llama.context_length": 8192}
            self.answer(200, {"parameters": f'stop   "x y"\nnum_ctx   {CONTEXT}', "model_info": info})
            return
        assert (self.path, body["raw"]) == ("/api/generate", True)
        options = {name: value for name, value in body["options"].items() if name not in ("num_ctx", "num_predict")}
        sent = {"prompt": body["prompt"], "n_predict": body["options"]["num_predict"], **options}
        reply = self.forward("/completion", sent).json()
        reason = "length" if reply["stop_type"] == "limit" else "stop"
        counts = {"prompt_eval_count": reply["tokens_evaluated"], "eval_count": reply["tokens_predicted"]}
        lines = [{"response": reply["content"], "done": False}, {"done": True, "done_reason": reason, **counts}]
        self.answer(200, b"".join(json.dumps(line).encode() + b"\n" for line in lines))


class LmStudioFace(_Face):
    """OpenAI's API that refuses token ids."""

    def do_GET(self) -> None:
        is_list = self.path == "/v1/models"
        self.answer(200 if is_list else 404, {"data": [{"id": self.name}]} if is_list else {"error": "unexpected"})

    def do_POST(self) -> None:
        body = self.body()
        if not isinstance(body["prompt"], str):
            self.answer(400, {"error": "'prompt' field must be a string"})
            return
        reply = self.forward("/v1/completions", body)
        self.answer(reply.status_code, reply.content)


@contextmanager
def text_server(face: type[_Face], upstream: str, name: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its address, and the bodies of the requests that it has had."""
    requests: list[dict[str, Any]] = []
    handler = type("Handler", (face,), {"upstream": upstream, "name": name, "requests": requests})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
