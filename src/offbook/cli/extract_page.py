"""The page of `extract --html`, written beside the rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from offbook.core.atomic import atomic_write_text
from offbook.core.errors import UsageError
from offbook.core.i18n import language
from offbook.core.system_errors import system_reason
from offbook.data import extract
from offbook.data.extract import LeftOut, Row, RowStream


def check_page(html: Path, out: Path) -> None:
    """See that the page would overwrite nothing but a page of an earlier extraction.

    Raises:
        UsageError: it would, or page and rows have one place.
    """
    from offbook.core.outputs import refuse_foreign
    from offbook.data.extract.rows_page import is_page

    refuse_foreign(html, "--html", is_page)
    if html.resolve() == out.resolve():
        raise UsageError("--html and --out name one file", "Choose another --html, for example: --html rows.html")


def save_with_page(made: RowStream, out: Path, html: Path) -> None:
    """Write the rows, and the page that shows them beside their source.

    Raises:
        UsageError: one of the places cannot be written to.
    """
    from offbook.data.extract.rows_page import RowsPage

    page = RowsPage()

    def rows() -> Iterator[Row]:
        for item in made.items:
            page.add(item)
            if not isinstance(item, LeftOut):
                yield item

    extract.save(rows(), out)
    try:
        atomic_write_text(html, page.render(made.summary, language()))
    except OSError as error:
        raise UsageError(
            "{file} cannot be written: {why}", "Choose another --html.", file=html, why=system_reason(error)
        ) from None
