"""One run on several processes and hosts: the same bits, and one clear end."""
