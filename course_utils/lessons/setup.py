"""The lessons' one setup call.

Importing this module imports nothing heavy: the switches that libraries read when *they* are imported (offline mode, no
tokenizer threads) must be set before them.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

from .scale import course_scale


def repository_root() -> Path:
    """Folder that holds `course_utils`, `data` and `notebooks`, wherever the notebook was started."""
    return Path(__file__).resolve().parents[2]


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

    import datasets
    import numpy
    import torch
    import transformers

    from ..base_models import choose_device, quiet_libraries

    quiet_libraries()
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


def _plot_style() -> None:
    """Plots legible at a notebook's width and to colour-blind readers (Okabe & Ito's palette), which describe themselves."""
    import matplotlib
    from matplotlib.figure import Figure

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
    # The text form of an image in a notebook becomes its alternative text on the rendered page. Not by a formatter of IPython:
    # Matplotlib's inline backend drops those when it loads, later than this.
    Figure.__repr__ = figure_text


def figure_text(figure) -> str:
    """One line on a Matplotlib figure: its own ``alt_text`` (see `drawing`), or each plot's title, axes and legend."""
    if getattr(figure, "alt_text", ""):
        return f"Figure: {figure.alt_text}"
    plots = []
    for axes in figure.axes:
        title, x, y = axes.get_title(), axes.get_xlabel(), axes.get_ylabel()
        names = axes.get_legend_handles_labels()[1]
        parts = [title, f"{y} by {x}" if x and y else x or y, ", ".join(names)]
        plots.append("; ".join(part for part in parts if part))
    text = " | ".join(plot for plot in plots if plot) or f"{len(figure.axes)} plots"
    return "Figure: " + " ".join(text.split())
