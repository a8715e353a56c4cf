"""A headless Chromium, driven through chromedriver (the W3C's WebDriver protocol).

with Browser() as browser:
    browser.open("http://127.0.0.1:8000/")
    browser.type("#line", "Hello\n")
    browser.wait("document.querySelector('.end')")
"""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

# Without them Chromium tries to reach its maker's servers at every start.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--lang=en",
]
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_KEYS = {"\n": "\ue007"}


def require_browser() -> None:
    """Skip the test, saying why, where there is no Chromium to test with."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed (Debian: chromium chromium-driver)")


class Browser:
    """One window. `size` is (width, height) in pixels; a narrow one is a phone."""

    def __init__(self, size: tuple[int, int] = (1100, 800), language: str = "en") -> None:
        self.size = size
        self.language = language

    def __enter__(self) -> Browser:
        require_browser()
        self.profile = tempfile.mkdtemp()
        port = _free_port()
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)
        _until(lambda: self.client.get("/status").json()["value"]["ready"], "chromedriver", (httpx.TransportError,))
        options = {
            "args": [*FLAGS, f"--user-data-dir={self.profile}", f"--window-size={self.size[0]},{self.size[1]}"],
            "prefs": {"intl.accept_languages": self.language},
        }
        if self.size[0] < 600:
            metrics = {"width": self.size[0], "height": self.size[1], "pixelRatio": 2, "touch": True}
            options["mobileEmulation"] = {"deviceMetrics": metrics}
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"performance": "ALL"}}}
        answer = self.client.post("/session", json={"capabilities": capabilities}).json()["value"]
        self.session = f"/session/{answer['sessionId']}"
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "session"):
            self.client.delete(self.session)
        self.client.close()
        self.driver.terminate()
        self.driver.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def open(self, address: str) -> None:
        self._post("url", url=address)

    def reload(self) -> None:
        self._post("refresh")

    def open_window(self) -> str:
        """A second window with the same cookies, which is the one that is driven from now on; its handle."""
        handle: str = self._post("window/new", type="window")["handle"]
        self.switch(handle)
        return handle

    @property
    def window(self) -> str:
        """The handle of the window that is driven."""
        handle: str = self.client.get(f"{self.session}/window").json()["value"]
        return handle

    def switch(self, handle: str) -> None:
        """Drive another window from now on."""
        self._post("window", handle=handle)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        return self._post("execute/sync", script=f"return {script}", args=[])

    def wait(self, condition: str, seconds: float = 20) -> Any:
        """The value of a JavaScript expression, once it is true."""
        return _until(lambda: self.run(condition), condition, seconds=seconds)

    def click(self, selector: str) -> None:
        self._post(f"element/{self._find(selector)}/click")

    def type(self, selector: str, text: str) -> None:
        """Type like a person; a newline is the Enter key."""
        keys = "".join(_KEYS.get(letter, letter) for letter in text)
        self._post(f"element/{self._find(selector)}/value", text=keys)

    def drop(self, *files: Path) -> None:
        """Drop files or folders in the middle of the window."""
        place = {"x": self.size[0] // 2, "y": self.size[1] // 2}
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, "data": data, **place}
            self._post("goog/cdp/execute", cmd="Input.dispatchDragEvent", params=event)

    def text(self, selector: str) -> list[str]:
        """What is read in the elements."""
        return self.run(f"[...document.querySelectorAll({selector!r})].map((part) => part.innerText)")

    def requested(self) -> list[str]:
        """Every address that the page has asked for so far, since it was last asked here."""
        import json

        entries = self._post("se/log", type="performance")
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def dark(self, is_dark: bool = True) -> None:
        """Prefer dark colours from now on, or light ones."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}]
        self._post("goog/cdp/execute", cmd="Emulation.setEmulatedMedia", params={"features": features})

    def on_paper(self, is_paper: bool = True) -> None:
        """Draw the page as it is printed from now on, or as on a screen."""
        self._post("goog/cdp/execute", cmd="Emulation.setEmulatedMedia", params={"media": "print" if is_paper else ""})

    def slow(self, upload: int = -1) -> None:
        """Send no more than so many bytes a second from now on; -1 for as many as there are."""
        self._post("goog/cdp/execute", cmd="Network.enable", params={})
        limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload}
        self._post("goog/cdp/execute", cmd="Network.emulateNetworkConditions", params=limits)

    def accessibility_violations(self) -> list[str]:
        """What axe-core finds on the page as it is: the rule, what it asks, and the elements that break it."""
        axe = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
        if not self.run("'axe' in window"):
            source = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
            self._post("execute/sync", script=source, args=[])
        script = """const done = arguments[0]; axe.run().then((found) => done(found.violations.map((each) =>
            `${each.id}: ${each.help}: ${each.nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`)));"""
        result: list[str] = self._post("execute/async", script=script, args=[])
        return result

    def screenshot(self, path: Path) -> None:
        answer = self.client.get(f"{self.session}/screenshot").json()["value"]
        path.write_bytes(base64.b64decode(answer))

    def _find(self, selector: str) -> str:
        return self._post("element", using="css selector", value=selector)[_ELEMENT]

    def _post(self, command: str, **body: Any) -> Any:
        answer = self.client.post(f"{self.session}/{command}", json=body).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{command}: {answer['message']}")
        return answer


def _until(condition: Any, what: str, passing: tuple[type[Exception], ...] = (), seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if value := condition():
                return value
        except passing:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
