"""What every other package builds on: config, types, errors, the run folder. No torch."""
