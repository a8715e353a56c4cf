"""One optimizer step, fast and exact, and the loop around it."""
