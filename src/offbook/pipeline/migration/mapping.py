"""What other tools' settings are called in a run.yaml, and why some have no counterpart there."""

from __future__ import annotations

OPTIONS: dict[str, tuple[str, ...]] = {
    "model.source": (
        "snapshot", "model_name_or_path", "base_model", "model", "model_id_or_path", "pretrained_model_name_or_path",
        "model_name", "model_path", "model_id",
    ),
    "model.revision": ("revision", "model_revision"),
    "data.source": ("dataset", "datasets", "data_path", "data_files", "dataset_path", "train_file"),
    "data.max_length": (
        "cutoff_len", "sequence_len", "max_seq_length", "max_length", "MAX_LENGTH", "max_len", "model_max_length",
    ),
    "data.heldout": ("val_size", "val_set_size", "split_dataset_ratio", "dataset_test_ratio", "eval_ratio"),
    "data.heldout_source": ("eval_dataset", "val_dataset", "eval_file"),
    "persona.system": ("system", "default_system", "SYSTEM", "system_prompt", "SYSTEM_PROMPT"),
    "lora.rank": ("r", "lora_rank", "lora_r"),
    "lora.alpha": ("lora_alpha",),
    "lora.dropout": ("lora_dropout", "lora_dropout_p"),
    "lora.target_modules": ("target_modules", "lora_target", "lora_target_modules", "lora_target_linear"),
    "lora.use_rslora": ("use_rslora", "peft_use_rslora"),
    "lora.use_dora": ("use_dora", "peft_use_dora"),
    "train.epochs": ("num_train_epochs", "num_epochs", "max_epochs"),
    "train.learning_rate": ("learning_rate", "lr"),
    "train.schedule": ("lr_scheduler_type", "lr_scheduler"),
    "train.warmup_steps": ("warmup_steps",),
    "train.weight_decay": ("weight_decay",),
    "train.max_grad_norm": ("max_grad_norm", "max_norm"),
    "train.save_steps": ("save_steps",),
    "train.keep_checkpoints": ("save_total_limit",),
    "train.log_steps": ("logging_steps",),
    "train.heldout_steps": ("eval_steps",),
    "train.seed": ("seed",),
    "train.gradient_checkpointing": ("gradient_checkpointing", "use_gradient_checkpointing"),
    "track.trackers": ("trackers", "report_to"),
    "track.project": ("swanlab_project", "wandb_project", "project"),
    "generation.temperature": ("temperature",),
    "generation.top_p": ("top_p",),
    "generation.max_new_tokens": ("max_new_tokens",),
    "generation.repetition_penalty": ("repetition_penalty",),
    "name": ("experiment_name", "run_name", "swanlab_run_name", "output_dir", "work_dir"),
}  # fmt: skip
"""Option of a run.yaml → the names that other tools have for it; where a config has several, the first counts."""

PER_DEVICE = ("per_device_train_batch_size", "micro_batch_size", "batch_size")
ACCUMULATION = ("gradient_accumulation_steps", "accumulative_counts")
"""Names whose values multiply to the examples of one optimizer step, `train.batch_size`."""

LEFT_OUT: dict[str, tuple[str, ...]] = {
    "offbook is a LoRA trainer: this is always so": (
        "stage", "finetuning_type", "do_train", "task_type", "adapter", "train_type", "tuner_type", "sft_type",
        "inference_mode", "bias", "type", "target_model_class",
    ),
    "the number format follows from the hardware (model.dtype)": (
        "bf16", "fp16", "tf32", "torch_dtype", "dtype", "pure_bf16", "compute_type", "fp16_full_eval",
    ),
    "the model is kept whole; a 4- or 8-bit base is not needed for small models": (
        "load_in_4bit", "load_in_8bit", "quantization_bit", "quantization_method", "quant_bits", "quantization",
    ),
    "offbook's own packing, attention and memory do this": (
        "packing", "sample_packing", "pad_to_sequence_len", "flash_attn", "flash_attention", "attn_impl", "use_cache",
        "group_by_length", "neat_packing", "use_unsloth", "optim", "optimizer", "optim_type", "deepspeed",
        "disable_gradient_checkpointing", "dataloader_num_workers", "preprocessing_num_workers", "ddp_timeout",
        "gradient_checkpointing_kwargs", "dataset_num_proc", "device_map", "strategy", "dataloader_pin_memory",
    ),
    "the chat template is the model's own (model.template names another)": (
        "template", "prompt_template", "chat_template", "dataset_text_field", "tokenizer_type", "model_type",
    ),
    "the loss is taken on the character's replies alone, always": (
        "train_on_inputs", "train_on_prompt", "mask_history", "assistant_only_loss", "loss_scale",
    ),
    "no code from a model repository is ever run": ("trust_remote_code",),
    "the run folder keeps it by itself": (
        "overwrite_output_dir", "overwrite_cache", "plot_loss", "resume_from_checkpoint", "save_on_each_node",
        "save_only_model", "eval_strategy", "evaluation_strategy", "save_strategy", "logging_strategy",
        "logging_first_step", "do_eval", "per_device_eval_batch_size", "save_safetensors", "load_best_model_at_end",
        "dataset_prepared_path", "eval_batch_size", "evals_per_epoch", "saves_per_epoch", "logging_dir",
    ),
    "it belongs to another way of tuning": (
        "loraplus_lr_ratio", "neftune_noise_alpha", "galore_rank", "pissa_init", "ref_model", "pref_beta", "rl",
        "lora_modules_to_save", "additional_target", "modules_to_save", "lora_fan_in_fan_out",
    ),
    "said by train.epochs": ("max_steps",),
}  # fmt: skip
"""Why → settings that have no counterpart."""

REASONS = {name: reason for reason, names in LEFT_OUT.items() for name in names}
"""Setting → why it has no counterpart."""
