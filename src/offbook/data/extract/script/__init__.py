"""Reading a script: plays, screenplays and Fountain files, whose lines carry their speaker's name."""
