"""The studio's API, a module for each station of the story."""

from __future__ import annotations

from offbook.studio.routes import home, jobs, sources

ROUTERS = (home.router, sources.router, jobs.router)
