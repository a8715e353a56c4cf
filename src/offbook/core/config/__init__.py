"""The options of a run: declared in `schema`, read and merged in `loading`."""
