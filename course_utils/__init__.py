"""Tools of the course on soft prompts. The names below are those that lessons use, from whichever module.

They are imported on first use: `course_utils.lessons.setup.setup` must run before the libraries start up.
"""

import importlib

_MODULES = {
    "tasks": ("TASKS", "Task", "get_task", "join_target", "with_hard_prompt"),
    "records": ("load_task_data",),
    "base_models": ("choose_device", "load_base_model", "weights_fingerprint"),
    "batches": ("EncodedDataset", "collate", "encode", "left_pad", "source_ids", "token_ids"),
    "soft_prompt": ("GPT2WithSoftPrompt",),
    "key_values": ("KeyValuePrompt", "compile_prompt"),
    "systems": ("make_system",),
    "sanity_checks": ("CheckResult", "SanityCheckFailed", "run_checks"),
    "training": ("TrainingConfig", "TrainingDiverged", "TrainingLog", "fit"),
    "metrics": ("Bleu", "ExactMatch", "ExactMatchPercentage", "Rouge", "TokenF1", "compute_metrics", "paired_bootstrap"),
    "evaluation": ("evaluate", "evaluate_loss", "generate_texts", "trivial_baselines", "unigram_loss"),
    "results": ("Study", "save_results"),
    "verdicts": ("summary_table", "verdict"),
    "experiment": ("Experiment", "run"),
    "lessons.scale": ("Scale", "course_scale"),
    "lessons.plots": ("plot_losses", "plot_prompt_path", "plot_scores"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str):
    if name not in _MODULE_OF:
        raise AttributeError(f"course_utils has no {name!r}; it hands out {', '.join(__all__)}")
    return getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
