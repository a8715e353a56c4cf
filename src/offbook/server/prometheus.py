"""The counters that /metrics shows to Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from offbook.server.cast import Cast

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counters of one server; they hold nothing of what anybody said."""

    def __init__(self, cast: Cast) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "offbook_requests", "Requests for a reply, by how they ended.", ["outcome"], registry=self.registry
        )
        self.prompt_tokens = Counter("offbook_prompt_tokens", "Tokens of prompts.", registry=self.registry)
        self.reply_tokens = Counter("offbook_reply_tokens", "Tokens of replies.", registry=self.registry)
        self.first_token = Histogram(
            "offbook_first_token_seconds",
            "Seconds from a request to the first token of its reply.",
            buckets=SECONDS,
            registry=self.registry,
        )
        running = Gauge("offbook_replies_running", "Replies that are growing.", registry=self.registry)
        running.set_function(lambda: sum(scheduler.running for scheduler in cast.schedulers))
        waiting = Gauge("offbook_replies_waiting", "Replies that wait for their turn.", registry=self.registry)
        waiting.set_function(lambda: sum(scheduler.waiting for scheduler in cast.schedulers))

    def text(self) -> bytes:
        """All counters in Prometheus' text format."""
        return generate_latest(self.registry)
