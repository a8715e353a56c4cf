"""Chat logs: messages with a sender and a time, read from each app's export and joined into turns."""
