"""Chat templates, stop tokens, and the ids and labels of a conversation."""
