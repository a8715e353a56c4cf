"""Rows: read, checked, made one, split."""
