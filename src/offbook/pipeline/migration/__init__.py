"""A run.yaml from the config of another fine-tuning tool, with a note for every setting: taken, changed or left out."""
