"""A soft prompt on disk: a folder in the layout of a PEFT prompt-tuning adapter."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

CONFIG, WEIGHTS, TENSOR = "adapter_config.json", "adapter_model.safetensors", "prompt_embeddings"


def write_prompt(folder: str | Path, rows: torch.Tensor, base_model_name: str, overwrite: bool = False) -> None:
    """Write ``rows``, [prompt_length, width], as a folder that `peft.PeftModel.from_pretrained` loads too.

    Raises FileExistsError if the folder holds a prompt already, unless ``overwrite``. Both files are
    written under another name first, so a run that fails leaves the old prompt as it was.
    """
    folder = Path(folder)
    taken = [name for name in (CONFIG, WEIGHTS) if (folder / name).exists()]
    if taken and not overwrite:
        raise FileExistsError(f"{folder} already holds {taken[0]}: choose another folder or pass overwrite=True")
    if os.path.isdir(base_model_name):
        base_model_name = Path(base_model_name).resolve().name  # a path of this machine helps nobody else
    config = {
        "peft_type": "PROMPT_TUNING",
        "task_type": "CAUSAL_LM",
        "num_virtual_tokens": len(rows),
        "token_dim": rows.shape[1],
        "base_model_name_or_path": base_model_name,
        "inference_mode": True,
    }
    folder.mkdir(parents=True, exist_ok=True)
    temporary = {name: folder / f".{name}.{os.getpid()}.tmp" for name in (WEIGHTS, CONFIG)}
    try:
        rows = rows.detach().float().cpu().contiguous()
        save_file({TENSOR: rows}, temporary[WEIGHTS], metadata={"format": "pt"})
        temporary[CONFIG].write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        for name, path in temporary.items():
            os.replace(path, folder / name)
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)


def read_prompt(folder: str | Path, prompt_length: int | None, width: int) -> torch.Tensor:
    """The rows of a saved prompt, [prompt_length, width], fp32; with ``prompt_length`` None as many as there are.

    Raises FileNotFoundError if a file is missing, and ValueError if one cannot be read or if the
    prompt has another type, length or width than asked for.
    """
    folder = Path(folder)
    for path in (folder, folder / CONFIG, folder / WEIGHTS):
        if not path.exists():
            raise FileNotFoundError(
                f"no soft prompt at {folder}: {path} does not exist; expected a folder with {CONFIG} and {WEIGHTS}"
            )
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        kind = config["peft_type"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / CONFIG} is not an adapter configuration ({error!r}): save the prompt again") from None
    if kind != "PROMPT_TUNING":
        raise ValueError(f"{folder} holds a {kind} adapter: expected PROMPT_TUNING, a soft prompt")
    try:
        tensors = load_file(folder / WEIGHTS)
    except SafetensorError as error:
        raise ValueError(
            f"{folder / WEIGHTS} is truncated or not a safetensors file ({error}): copy or save the prompt again"
        ) from None
    if TENSOR not in tensors:
        raise ValueError(f"{folder / WEIGHTS} has {', '.join(tensors) or 'no tensors'}: expected {TENSOR!r}")
    rows = tensors[TENSOR].float()
    if rows.ndim != 2 or rows.shape[1] != width:
        raise ValueError(
            f"the prompt in {folder} has shape {list(rows.shape)}, the base model's embeddings have width {width}: "
            "load it into the base model it was trained for"
        )
    if prompt_length is not None and len(rows) != prompt_length:
        raise ValueError(
            f"the prompt in {folder} has {len(rows)} rows, the model has prompt_length {prompt_length}: "
            f"build the model with prompt_length={len(rows)}"
        )
    if not rows.isfinite().all():
        raise ValueError(f"the prompt in {folder} holds values that are not finite: train and save it again")
    return rows
