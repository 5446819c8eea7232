"""The notebooks' one setup call, and the file in which a lesson leaves its results.

Importing this module imports nothing heavy: the switches that libraries read when *they* are imported (offline mode, no
tokenizer threads) must be set before them.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import random
import warnings
from pathlib import Path

from .scale import course_scale

RESULT_KEYS = ("task", "base_model", "test_size", "rows")
ROW_KEYS = ("system", "seeds", "loss", "metrics")
REPORTED_PACKAGES = ("torch", "transformers", "datasets", "evaluate", "rouge_score", "sacrebleu", "peft", "accelerate", "numpy")


def repository_root() -> Path:
    """Folder that holds `course_utils`, `data` and `notebooks`, wherever the notebook was started."""
    return Path(__file__).resolve().parents[1]


def setup(seed: int = 0) -> None:
    """Make a notebook ready: one seed everywhere, quiet libraries, the course's plot style, paths from the root.

    - Python, NumPy and PyTorch are seeded with `seed`.
    - The working directory becomes the repository root, so that relative paths mean the same everywhere.
    - Libraries stay off the network (`HF_HUB_OFFLINE=1`) unless the variable was set to 0 before, or COURSE_SCALE=full
      asks for models and data from there.
    - Prints device, seed and versions, because a score without them cannot be compared.

    Raises:
        ValueError: COURSE_SCALE names no scale.
    """
    scale = course_scale()
    os.chdir(repository_root())
    os.environ.setdefault("HF_HUB_OFFLINE", "0" if scale.data == "hub" else "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    quiet_libraries()

    import datasets
    import numpy
    import torch
    import transformers

    from .base_models import choose_device

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)
    _plot_style()
    device = choose_device()
    name = torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else str(device)
    print(f"device {name}, seed {seed}, torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}")
    if scale.name != "mini":
        datasets.enable_progress_bars()   # downloads take minutes
        print(f"scale {scale.name}: {scale.base_model} and public data; what a lesson says about the gazette and its models is "
              "about scale mini")
    elif torch.cuda.is_available():
        print("scale mini; this GPU can run GPT-2 on public data too: restart Python (on Colab: Runtime, Restart session), "
              "then run `%env COURSE_SCALE=full` in a cell before this one")


def quiet_libraries() -> None:
    """Silence loading bars and advice that would bury a lesson's own output; errors still show."""
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    import datasets
    import huggingface_hub.constants
    import transformers

    # A library that was imported before setup() has read the variable already; tell it again.
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    huggingface_hub.constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = offline
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()


def _plot_style() -> None:
    """Plots that stay legible at a notebook's width and to colour-blind readers (Okabe & Ito's palette)."""
    import matplotlib

    colours = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000"]
    matplotlib.rcParams.update({
        "axes.prop_cycle": matplotlib.cycler(color=colours),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.titleweight": "bold",
        "grid.alpha": 0.25,
        "figure.figsize": (7.0, 3.6),
        "figure.dpi": 100,
        "legend.frameon": False,
        "font.size": 10,
        "savefig.bbox": "tight",
    })


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries, those that scores depend on among them; `-` where one is not installed."""
    found = {"python": platform.python_version()}
    for package in REPORTED_PACKAGES:
        try:
            found[package] = importlib.metadata.version(package).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            found[package] = "-"
    return found


def save_results(lesson: str, results: dict, folder: Path | str | None = None) -> Path:
    """Write a lesson's results to `results/<lesson>.json`, from which `make course` prints its table.

    Args:
        lesson: the notebook's name, e.g. "05_summarization".
        results: {"task", "base_model", "test_size", "rows": [{"system", "seeds": [..], "loss": nats per target token or
            None, "metrics": {name: score}}, ..]}. A row may add "spread": {"loss" or a metric: standard deviation over
            the seeds}. Other keys are kept.
        folder: where to write instead of the repository's `results/`.

    Returns:
        The file's path. A file of that name is replaced in one step: a run that is killed leaves the old one whole.

    Raises:
        ValueError: a key is missing, no row was given, or a number is not finite.
    """
    missing = [key for key in RESULT_KEYS if key not in results]
    if missing:
        raise ValueError(f"results of {lesson} lack {', '.join(missing)}; expected the keys {', '.join(RESULT_KEYS)}")
    if not results["rows"]:
        raise ValueError(f"results of {lesson} hold no rows; expected one for every system that was compared")
    for number, row in enumerate(results["rows"], start=1):
        missing = [key for key in ROW_KEYS if key not in row]
        if missing:
            raise ValueError(f"row {number} of the results of {lesson} lacks {', '.join(missing)}; "
                             f"expected the keys {', '.join(ROW_KEYS)}, got {', '.join(row)}")
        for key, value in {"loss": row["loss"], **row["metrics"]}.items():
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{key} of {row['system']!r} is {value}; expected a finite number, or None where the "
                                 "system has none")
    text = json.dumps({"lesson": lesson, **results}, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    path = Path(folder or repository_root() / "results") / f"{lesson}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        partial.write_text(text + "\n", encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _plain(value):
    """NumPy and PyTorch scalars as plain numbers."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"cannot write a {type(value).__name__} into results; expected numbers, texts, lists and dicts")
