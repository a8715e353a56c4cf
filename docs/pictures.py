"""Take the pictures of the studio for README and docs.

    python docs/pictures.py

Opens a studio in an empty folder, tries the character that learns in two minutes, and takes its pages on the way. It
needs Chromium and the tests' driver for it, so it is run in the repository. Few colours keep the pictures small.
"""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser import Browser
from tests.studio.pages import press, running_studio, visit

PICTURES = Path(__file__).parent / "pictures"
SIZE = (1200, 900)
COLOURS = 64


def take(browser: Browser, name: str) -> None:
    """Write what the browser shows as a picture."""
    path = PICTURES / f"{name}.png"
    browser.screenshot(path)
    picture = Image.open(BytesIO(path.read_bytes())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Take all of them."""
    with tempfile.TemporaryDirectory() as folder, running_studio(Path(folder)) as studio, Browser(SIZE) as browser:
        visit(browser, studio)
        press(browser, "Try it in two minutes")
        browser.wait("document.querySelectorAll('.chart circle').length > 3", 300)
        take(browser, "studio-rehearse")
        name = browser.run("decodeURIComponent(location.pathname.split('/')[2])")
        visit(browser, studio, f"lines/{name}")
        browser.wait("document.querySelector('.source .here')")
        take(browser, "studio-lines")
        visit(browser, studio, f"rehearse/{name}")
        browser.wait("location.pathname.startsWith('/verdict/') && document.querySelector('ul.verdict > li')", 600)
        take(browser, "studio-verdict")


if __name__ == "__main__":
    main()
