"""The server: OpenAI's API over a character, and a chat page for the browser."""
