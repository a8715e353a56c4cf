"""Trackers beside metrics.jsonl, each in a process of its own."""
