"""The studio's API, a module for each station of the story."""

from __future__ import annotations

from offbook.studio.routes import characters, checks, config, home, jobs, rows, runs, sources, verdicts

ROUTERS = (
    home.router,
    sources.router,
    characters.router,
    rows.router,
    checks.router,
    config.router,
    runs.router,
    verdicts.router,
    jobs.router,
)
