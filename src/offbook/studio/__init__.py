"""The studio: from a text to a character that speaks, in a browser. Its truth is files, its jobs are processes."""
