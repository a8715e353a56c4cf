"""The verbs, composed from the stages: check, train, evaluate, export, and a character to talk to."""
