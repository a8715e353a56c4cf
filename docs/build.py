"""The documentation as a site.

    python docs/build.py [FOLDER]

Pages of both languages are searched together. The site holds all that it shows: nothing is asked of another host, so it
can be read from a disk or a stick. Every link in it is followed afterwards; a broken one fails the build.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build" / "site"
LINK = re.compile(r"\]\(([^)\s#:]+)(?:#[^)\s]*)?\)")
SEPARATOR = r"""[\s\-_,:!=\[\]()\\"`/，。、；：？！“”（）《》【】…—]+|\.(?!\d)"""
"""Where the search's words end."""
CONFIG = """\
[project]
site_name = "offbook 脱稿"
site_description = "Give a small language model a part."
docs_dir = "source"
site_dir = "site"
use_directory_urls = false
nav = [
{nav}
]
[project.theme]
language = "en"
font = false
features = ["navigation.sections", "navigation.top", "content.code.copy", "search.highlight"]
[[project.extra.alternate]]
name = "English"
link = "docs/index.html"
lang = "en"
[[project.extra.alternate]]
name = "中文"
link = "docs/zh/index.html"
lang = "zh"
[project.markdown_extensions]
attr_list = {{}}
tables = {{}}
toc.permalink = true
toc.slugify.object = "pymdownx.slugs.slugify"
toc.slugify.kwds.case = "lower"
pymdownx.highlight = {{}}
pymdownx.superfences = {{}}
"""


def gather(source: Path) -> list[Path]:
    """Copy every page, and every file that a page links to, to where they lie in the repository.

    Returns:
        The pages, relative to the repository.
    """
    waiting = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").glob("**/*.md"))]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop(0).resolve()
        if path in seen or not path.is_file() or not path.is_relative_to(ROOT):
            continue
        seen.add(path)
        target = source / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        if path.suffix == ".md":
            waiting += [path.parent / unquote(link) for link in LINK.findall(path.read_text(encoding="utf-8"))]
    return sorted(path.relative_to(ROOT) for path in seen if path.suffix == ".md")


def navigation(pages: list[Path]) -> str:
    """The table of contents: the order of each language's docs/README.md, then what that does not name."""
    lines = []
    for title, folder in (("English", Path("docs")), ("中文", Path("docs/zh"))):
        start = folder / "README.md"
        named = [(folder / link) for link in LINK.findall((ROOT / start).read_text(encoding="utf-8"))]
        ordered = [start, *(path for path in named if path in pages and path.parent == folder)]
        rest = [path for path in pages if path.parent == folder and path not in ordered]
        items = ", ".join(f'"{path.as_posix()}"' for path in dict.fromkeys([*ordered, *rest]))
        lines.append(f'  {{ "{title}" = [{items}] }},')
    loose = ", ".join(f'"{path.as_posix()}"' for path in pages if path.parts[0] != "docs")
    return "\n".join([*lines, f'  {{ "Project" = [{loose}] }},'])


class Links(HTMLParser):
    """What a page links to and loads, and the anchors in it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one tag."""
        values = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := values.get(name))}
        if tag == "a" and (link := values.get("href")):
            self.links.append(link)
        is_loaded = tag == "link" and values.get("rel") != "canonical"
        if source := values.get("src") or (values.get("href") if is_loaded else None):
            self.loaded.append(source)


def faults(site: Path) -> list[str]:
    """Every link to nowhere and everything that would be loaded from another host, as `page: what`."""
    pages: dict[Path, Links] = {}
    for path in site.rglob("*.html"):
        pages[path] = Links()
        pages[path].feed(path.read_text(encoding="utf-8"))
    result = []
    for path, page in pages.items():
        name = path.relative_to(site)
        if name.name == "404.html":  # shown at any address: its links are written for the site's root
            continue
        result += [f"{name}: loads {link}" for link in page.loaded if urlsplit(link).netloc]
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in pages and anchor not in pages[target].anchors):
                result.append(f"{name}: {link}")
    for path in [*site.rglob("*.css"), *site.rglob("*.html")]:
        text = path.read_text(encoding="utf-8")
        addresses = re.findall(r"url\(['\"]?(https?:[^)'\"]+)", text)
        result += [f"{path.relative_to(site)}: loads {address}" for address in addresses]
    return sorted(set(result))


def build(target: Path) -> list[str]:
    """Write the site into a folder, in place of what is there.

    Returns:
        What is wrong with it; nothing else is written then than the site.
    """
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        pages = gather(work / "source")
        (work / "zensical.toml").write_text(CONFIG.format(nav=navigation(pages)), encoding="utf-8")
        command = [sys.executable, "-m", "zensical", "build", "--clean"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
        if done.returncode or not (work / "site").is_dir():
            return [done.stdout + done.stderr]
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(work / "site", target)
    separate_chinese(target / "search.json")
    return faults(target)


def separate_chinese(index: Path) -> None:
    """Let the search begin a word after Chinese punctuation, too: words are found by their beginnings."""
    content = json.loads(index.read_text(encoding="utf-8"))
    content["config"]["separator"] = SEPARATOR
    index.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def main() -> int:
    """Build, and say what is wrong; 0 where nothing is."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SITE
    wrong = build(target)
    print(*wrong, sep="\n", file=sys.stderr)
    pages = len(list(target.rglob("*.html")))
    print(f"{target / 'docs' / 'index.html'}: {pages} pages, {len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
