"""The studio's API, a module for each station of the story."""

from __future__ import annotations

from offbook.studio.routes import (
    bases,
    characters,
    checks,
    config,
    demo,
    exports,
    home,
    jobs,
    rows,
    runs,
    sources,
    talk,
    verdicts,
)

ROUTERS = (
    home.router,
    demo.router,
    sources.router,
    characters.router,
    rows.router,
    checks.router,
    config.router,
    runs.router,
    verdicts.router,
    bases.router,
    talk.router,
    exports.router,
    jobs.router,
)
