"""A soft prompt on disk: a folder in the layout of a PEFT prompt-tuning adapter.

One thing PEFT's layout does not say: where the prompt stands if the tokenizer puts a begin token in front of every text. PEFT
puts it before that token, the course behind it. The folder records it (``begin_first`` in the metadata of the weights, which
PEFT does not read); a folder without the record is taken as PEFT's.
"""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .tasks import CourseWarning

CONFIG, WEIGHTS, TENSOR = "adapter_config.json", "adapter_model.safetensors", "prompt_embeddings"
PLACEMENT = "begin_first"


@dataclass(frozen=True)
class SavedPrompt:
    """``rows`` [prompt_length, width], fp32; the base model's name; whether a begin token stands in front of them; what else was
    noted when they were saved, such as "task" and "max_new_tokens"."""

    rows: torch.Tensor
    base_model: str
    begin_first: bool
    about: dict[str, str]


def find_prompt(folder: str | Path) -> Path:
    """``folder``, or ``folder/prompt`` where a training run left its prompt there. FileNotFoundError if neither holds one."""
    folder = Path(folder).expanduser()
    for place in (folder, folder / "prompt"):
        if (place / CONFIG).is_file() and (place / WEIGHTS).is_file():
            return place
    raise FileNotFoundError(f"no soft prompt at {folder}: expected a folder with {CONFIG} and {WEIGHTS}, or such a prompt/ in it")


def short_name(base_model: str) -> str:
    """A model's name without its owner or path: a path of this machine helps nobody else."""
    return Path(base_model).resolve().name if os.path.isdir(base_model) else base_model


def write_prompt(
    folder: str | Path, rows: torch.Tensor, base_model: str, overwrite: bool = False, begin_first: bool | None = None,
    about: dict[str, str] | None = None,
) -> None:
    """Write ``rows``, [prompt_length, width], as a folder that `peft.PeftModel.from_pretrained` loads too.

    ``begin_first``: whether they were trained behind a begin token; None where the tokenizer has none. If they were, PEFT will
    run them elsewhere, and a warning says so. Raises FileExistsError if the folder holds a prompt already, unless
    ``overwrite``; a run that fails leaves the old prompt as it was.
    """
    if begin_first:
        warnings.warn(f"{folder}: this prompt was trained behind the tokenizer's begin token. The course puts it there again; "
                      "PEFT will put it in front of that token, where it does worse", CourseWarning, 3)
    config = {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": len(rows), "token_dim": rows.shape[1]}
    metadata = {**(about or {}), **({} if begin_first is None else {PLACEMENT: json.dumps(begin_first)})}
    write_adapter(folder, rows, config, base_model, overwrite, metadata)


def write_adapter(
    folder: str | Path, tensor: torch.Tensor, config: dict, base_model: str, overwrite: bool, metadata: dict
) -> None:
    """Write one tensor and its configuration as a PEFT adapter, each file in one step, the weights first."""
    folder = Path(folder)
    if not overwrite and (taken := [name for name in (CONFIG, WEIGHTS) if (folder / name).exists()]):
        raise FileExistsError(f"{folder} already holds {taken[0]}: choose another folder or pass overwrite=True")
    config = {"task_type": "CAUSAL_LM", "base_model_name_or_path": short_name(base_model), "inference_mode": True, **config}
    folder.mkdir(parents=True, exist_ok=True)
    temporary = {name: folder / f".{name}.{os.getpid()}.tmp" for name in (WEIGHTS, CONFIG)}
    try:
        tensor = tensor.detach().float().cpu().contiguous()
        save_file({TENSOR: tensor}, temporary[WEIGHTS], metadata={"format": "pt", **metadata})
        temporary[CONFIG].write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        for name, path in temporary.items():
            os.replace(path, folder / name)
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)


def read_adapter(folder: str | Path, kind: str) -> tuple[torch.Tensor, dict, dict]:
    """The one tensor of an adapter of PEFT's type ``kind``, its configuration and its metadata.

    Raises FileNotFoundError if a file is missing, ValueError if one cannot be read, or if it is an adapter of another type, for
    another kind of task, or with more tensors than the prompt.
    """
    folder = find_prompt(folder)
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        found = config["peft_type"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / CONFIG} is not an adapter configuration ({error!r}): save the prompt again") from None
    if found != kind:
        raise ValueError(f"{folder} holds a {found} adapter: expected {kind}")
    if config.get("task_type") not in (None, "CAUSAL_LM"):
        raise ValueError(f"{folder} is an adapter for the task type {config['task_type']}: expected CAUSAL_LM, which writes text")
    try:
        with safe_open(folder / WEIGHTS, "pt") as file:
            names, metadata = list(file.keys()), file.metadata() or {}
            if names != [TENSOR]:
                raise ValueError(f"{folder / WEIGHTS} has {', '.join(names) or 'no tensors'}: expected {TENSOR!r} and nothing "
                                 "else, since a prompt changes no other weight")
            tensor = file.get_tensor(TENSOR).float()
    except SafetensorError as error:
        raise ValueError(
            f"{folder / WEIGHTS} is truncated or not a safetensors file ({error}): copy or save the prompt again") from None
    if not tensor.isfinite().all():
        raise ValueError(f"the prompt in {folder} holds values that are not finite: train and save it again")
    return tensor, config, metadata


def read_prompt(
    folder: str | Path, prompt_length: int | None = None, width: int | None = None, base_model: str | None = None
) -> SavedPrompt:
    """A saved soft prompt, of the length and width given or of any. ``folder`` may be a run's, see `find_prompt`.

    Warns, with both names, if it was trained for another model than ``base_model``. Raises what `read_adapter` raises, and
    ValueError if the prompt has another length or width than asked for.
    """
    rows, config, metadata = read_adapter(folder, "PROMPT_TUNING")
    if rows.ndim != 2 or (width is not None and rows.shape[1] != width):
        raise ValueError(
            f"the prompt in {folder} has shape {list(rows.shape)}, the base model's embeddings have width {width}: "
            "load it into the base model it was trained for"
        )
    if prompt_length is not None and len(rows) != prompt_length:
        raise ValueError(
            f"the prompt in {folder} has {len(rows)} rows, the model has prompt_length {prompt_length}: "
            f"build the model with prompt_length={len(rows)}"
        )
    warn_of_other_base(folder, config, base_model)
    return SavedPrompt(rows, str(config.get("base_model_name_or_path")), json.loads(metadata.get(PLACEMENT, "false")), metadata)


def warn_of_other_base(folder: str | Path, config: dict, base_model: str | None) -> None:
    """Warn, with both names, where the configuration of an adapter names another model than ``base_model``."""
    trained_for = config.get("base_model_name_or_path")
    if base_model and trained_for and Path(str(trained_for)).name != Path(short_name(base_model)).name:
        warnings.warn(f"the prompt in {folder} was trained for {trained_for}, not for {base_model}: same width, but it will "
                      "hardly work there", CourseWarning, 4)
