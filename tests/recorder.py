"""A reporter that keeps its events, for tests."""

from __future__ import annotations

from offbook.core.progress import Event, Message, Reporter


class Recorder(Reporter):
    """Keeps every event in the order in which it came."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Keep the event."""
        self.events.append(event)

    @property
    def texts(self) -> list[str]:
        """All sentences."""
        return [event.text for event in self.events if isinstance(event, Message)]

    @property
    def warnings(self) -> list[str]:
        """The warnings alone."""
        return [event.text for event in self.events if isinstance(event, Message) and event.level == "warning"]
