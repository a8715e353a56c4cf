"""Exporters: a character in the formats of other programs, and the proof that it is still the same."""
