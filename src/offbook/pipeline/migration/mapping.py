"""What other tools' settings are called in a run.yaml, and why some have no counterpart there."""

from __future__ import annotations

import re

from offbook.core.i18n import marked

OPTIONS: dict[str, tuple[str, ...]] = {
    "model.source": (
        "snapshot", "repo_id", "model_name_or_path", "base_model", "model", "model_id_or_path",
        "pretrained_model_name_or_path", "model_path", "model_id", "model_name", "model_dir", "tokenizer_name_or_path",
    ),
    "model.revision": ("revision", "model_revision"),
    "data.source": (
        "dataset", "datasets", "dataset_name", "train_file", "train_data", "data_path", "data_files", "dataset_path",
        "custom_train_dataset_path", "train_dataset", "train_path",
    ),
    "data.max_length": (
        "cutoff_len", "sequence_len", "max_seq_length", "max_length", "MAX_LENGTH", "max_len", "max_seq_len",
        "model_max_length", "max_source_length",
    ),
    "data.heldout": ("val_size", "val_set_size", "split_dataset_ratio", "dataset_test_ratio", "eval_ratio"),
    "data.heldout_source": (
        "eval_dataset", "val_dataset", "custom_val_dataset_path", "test_datasets", "eval_file", "validation_file",
    ),
    "data.columns": ("columns",),
    "persona.system": (
        "system", "default_system", "SYSTEM", "system_prompt", "SYSTEM_PROMPT", "system_message", "default_system_zh",
    ),
    "persona.sample_prompts": ("evaluation_inputs",),
    "lora.rank": ("r", "lora_rank", "lora_r"),
    "lora.alpha": ("lora_alpha",),
    "lora.dropout": ("lora_dropout", "lora_dropout_p"),
    "lora.target_modules": (
        "target_modules", "lora_target", "lora_target_modules", "target_regex", "lora_target_linear",
    ),
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
    "train.heldout_steps": ("eval_steps", "evaluation_freq"),
    "train.patience": ("early_stopping_patience", "early_stop_interval"),
    "train.seed": ("seed", "random_state"),
    "train.gradient_checkpointing": ("gradient_checkpointing", "use_gradient_checkpointing"),
    "track.trackers": ("trackers", "report_to"),
    "track.project": ("project", "swanlab_project", "wandb_project"),
    "track.mode": ("swanlab_mode",),
    "generation.temperature": ("temperature",),
    "generation.top_p": ("top_p",),
    "generation.max_new_tokens": ("max_new_tokens",),
    "generation.repetition_penalty": ("repetition_penalty",),
    "name": ("experiment_name", "run_name", "swanlab_run_name", "swanlab_exp_name", "output_dir", "work_dir"),
}  # fmt: skip
"""Option of a run.yaml → the names that other tools have for it; where a config has several, the first counts."""

PER_DEVICE = ("per_device_train_batch_size", "micro_batch_size", "batch_size")
ACCUMULATION = ("gradient_accumulation_steps", "accumulative_counts")
"""Names whose values multiply to the examples of one optimizer step, `train.batch_size`."""

METHODS = ("finetuning_type", "train_type", "tuner_type", "sft_type", "train_mode", "adapter", "full_finetuning")
"""Names under which tools say what is trained."""
LORA = ("lora", "qlora", "longlora")
"""What they say for an adapter such as offbook's."""
STAGES = ("stage", "rl", "rlhf_type", "train_stage")
"""Names under which tools say what is learned from; `sft` is what offbook does."""

SHARE_OF_STEPS = marked("a share of steps; check says how many there are (train.warmup_steps)")
LEFT_OUT: dict[str, tuple[str, ...]] = {
    marked("offbook is a LoRA trainer: this is always so"): (
        "do_train", "task_type", "inference_mode", "bias", "type", "target_model_class", "use_peft", "task",
        "finetune_language_layers", "finetune_attention_modules", "finetune_mlp_modules", "finetune_vision_layers",
    ),
    marked("the number format follows from the hardware (model.dtype)"): (
        "bf16", "fp16", "tf32", "torch_dtype", "dtype", "pure_bf16", "compute_type", "fp16_full_eval",
    ),
    marked("the model is kept whole; less memory: model.storage"): (
        "load_in_4bit", "load_in_8bit", "quantization_bit", "quantization_method", "quant_bits", "quantization",
        "bnb_4bit_quant_type", "bnb_4bit_compute_dtype", "bnb_4bit_use_double_quant", "double_quantization",
    ),
    marked("offbook's own packing, attention and memory do this"): (
        "packing", "sample_packing", "eval_sample_packing", "pad_to_sequence_len", "flash_attn", "flash_attention",
        "use_flash_attn", "attn_impl", "attn_implementation", "use_cache", "group_by_length", "neat_packing",
        "use_unsloth", "optim", "optimizer", "optim_type", "deepspeed", "disable_gradient_checkpointing",
        "dataloader_num_workers", "preprocessing_num_workers", "ddp_timeout", "gradient_checkpointing_kwargs",
        "dataset_num_proc", "device_map", "strategy", "dataloader_pin_memory", "use_fast_tokenizer", "betas",
        "use_varlen_attn", "pack_to_max_length", "lazy_tokenize", "adam_beta1", "adam_beta2", "adam_epsilon",
        "per_device_eval_batch_size", "eval_batch_size", "remove_unused_columns", "fsdp", "fsdp_config",
        "low_cpu_mem_usage", "plugins", "enable_liger_kernel", "config_file", "nproc_per_node", "num_gpus",
        "liger_rope", "liger_rms_norm", "liger_glu_activation", "liger_layer_norm", "liger_fused_linear_cross_entropy",
        "liger_cross_entropy", "fused_attn_kernel", "ray_num_workers", "ray_init_kwargs", "use_liger_kernel",
        "load_from_cache_file", "padding_free", "max_packed_length", "lora_mlp_kernel", "lora_qkv_kernel",
        "lora_o_kernel", "activation_offloading", "xformers_attention", "sdp_attention", "torch_compile",
        "sequence_parallel_size", "sequence_parallel_degree", "context_parallel_size", "max_memory",
    ),
    marked("the chat template is the model's own (model.template names another)"): (
        "template", "template_name", "template_type", "prompt_template", "chat_template", "dataset_text_field",
        "tokenizer_type", "special_tokens", "enable_thinking", "add_non_thinking_prefix", "eot_tokens", "tokens",
        "system_template", "custom_chat_template", "chat_template_jinja", "padding_side", "formatting_func",
    ),
    marked("the loss is taken on the character's replies alone, always"): (
        "train_on_inputs", "train_on_prompt", "mask_history", "assistant_only_loss", "completion_only_loss",
        "loss_scale", "roles_to_train", "train_on_eos", "train_on_eot",
    ),
    marked("no code from a model repository is ever run"): ("trust_remote_code",),
    marked("the run folder keeps it by itself"): (
        "overwrite_output_dir", "overwrite_cache", "plot_loss", "resume_from_checkpoint", "save_on_each_node",
        "save_only_model", "eval_strategy", "evaluation_strategy", "save_strategy", "logging_strategy",
        "logging_first_step", "do_eval", "save_safetensors", "load_best_model_at_end", "metric_for_best_model",
        "dataset_prepared_path", "evals_per_epoch", "saves_per_epoch", "logging_dir", "adapter_name_or_path",
        "disable_tqdm", "include_num_input_tokens_seen", "swanlab_logdir", "save_first_step", "greater_is_better",
        "push_to_hub", "hub_model_id", "hub_private_repo", "hub_strategy", "log_level", "logging_nan_inf_filter",
    ),
    marked("it belongs to another way of tuning"): (
        "loraplus_lr_ratio", "neftune_noise_alpha", "galore_rank", "pissa_init", "ref_model", "pref_beta",
        "lora_modules_to_save", "additional_target", "modules_to_save", "lora_fan_in_fan_out", "pref_loss",
        "loftq_config", "init_lora_weights", "layers_to_transform", "use_badam", "use_galore", "simpo_gamma",
    ),
    marked("offbook counts in epochs: check says how many steps they are (train.epochs)"): ("max_steps",),
    SHARE_OF_STEPS: ("warmup_ratio",),
    marked("it says where names are looked up, and that is done"): (
        "dataset_dir", "use_hf", "use_modelscope", "model_type", "model_author", "ds_type",
    ),
    marked("offbook takes all rows that data.source names"): (
        "max_samples", "train_dataset_sample", "dataset_num_rows", "split", "interleave_probs", "mix_strategy",
        "shuffle_merged_datasets",
    ),
    marked("making rows is the work of offbook extract"): ("make_dataset_args",),
    marked("talking, serving and judging have commands of their own"): (
        "vllm_args", "test_model_args", "infer_args", "cli_args", "vllm_config",
    ),
}  # fmt: skip
"""Why → settings that have no counterpart."""

REASONS = {name: reason for reason, names in LEFT_OUT.items() for name in names}
"""Setting → why it has no counterpart."""
TRACKER_SWITCH = re.compile(r"use_(swanlab|wandb|tensorboard|mlflow|trackio|comet)")
"""Switches that add a tracker."""
SECRET = ("key", "token", "password", "secret")
"""Parts of names whose values are shown to nobody."""
