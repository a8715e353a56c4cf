"""A page from a template of a package's own, within the frame that all pages share."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined

HTML_LANGUAGES = {"zh": "zh-CN"}
"""Language of offbook's texts → the page's `lang`, where that is another word."""


def render(package: str, template: str, *, lang: str, **values: Any) -> str:
    """Render a template; whatever the values hold stands in the page as text.

    The template extends `core/frame.html.jinja` and imports `core/charts.html.jinja`; its own package's templates are
    `page/…`.

    Args:
        package: where the template lies, such as `offbook.data`.
        template: its file name.
        lang: its language.
        values: what the template names.
    """
    environment = Environment(
        loader=PrefixLoader({"core": PackageLoader("offbook.core.html", "."), "page": PackageLoader(package, ".")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(f"page/{template}").render(lang=HTML_LANGUAGES.get(lang, lang), **values)
