"""Base models and adapters: loading, attaching, merging."""
