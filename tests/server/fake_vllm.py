"""Answers as `vllm serve` does, as far as offbook asks: a reply names the adapter and the prompt's length."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

parser = argparse.ArgumentParser()
parser.add_argument("verb", choices=["serve"])
parser.add_argument("model")
for option in ("--served-model-name", "--host", "--dtype", "--generation-config"):
    parser.add_argument(option, required=True)
for option in ("--port", "--max-lora-rank", "--max-loras"):
    parser.add_argument(option, type=int, required=True)
parser.add_argument("--enable-lora", action="store_true", required=True)
parser.add_argument("--max-model-len", type=int, default=512)
parser.add_argument("--lora-modules", nargs="*", default=[])
options = parser.parse_args()
adapters = dict(module.split("=", 1) for module in options.lora_modules)


class Handler(BaseHTTPRequestHandler):
    """vLLM's endpoints."""

    def answer(self, status: int, body: Any) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        base = {"id": options.served_model_name, "max_model_len": options.max_model_len}
        cards = [{"id": name, "parent": base["id"], "max_model_len": None} for name in adapters]
        self.answer(200, {} if self.path == "/health" else {"data": [base, *cards]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] != f"Bearer {os.environ['VLLM_API_KEY']}":
            self.answer(401, {})
        elif self.path == "/v1/load_lora_adapter":
            if not (Path(body["lora_path"]) / "adapter_config.json").is_file():
                self.answer(400, {"message": "no adapter there"})
            else:
                adapters[body["lora_name"]] = body["lora_path"]
                self.answer(200, {})
        elif self.path == "/v1/unload_lora_adapter":
            self.answer(200 if adapters.pop(body["lora_name"], None) else 404, {})
        elif body["model"] not in {*adapters, options.served_model_name}:
            self.answer(404, {"message": f"no model {body['model']}"})
        else:
            text = f"{Path(adapters.get(body['model'], 'x/base')).parent.name} heard {len(body['prompt'])} tokens"
            event = {"choices": [{"text": text, "finish_reason": "stop"}], "usage": {"completion_tokens": 5}}
            self.answer(200, f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


if "OFFBOOK_TEST_FAIL" in os.environ:
    print("INFO loading\nValueError: the model has no weights", file=sys.stderr)
    sys.exit(1)
server = ThreadingHTTPServer((options.host, options.port), Handler)
threading.Thread(target=server.serve_forever).start()
