"""Readers of chat logs: each turns one program's export into cues."""
