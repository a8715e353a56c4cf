"""Options that are called otherwise now; what reads them alone need not load the schema."""

RENAMED = {
    "persona.probes": "persona.sample_prompts",
    "data.mix_in": "data.replay",
    "data.mix_in_share": "data.replay_share",
    "train.max_tokens_per_pass": "train.max_tokens_per_micro_batch",
    "track.to": "track.trackers",
}
"""Former names of options, which errors answer with the present ones."""
