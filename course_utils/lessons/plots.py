"""The course's figures. Each function draws into ``axes``, or into a new figure, and returns the axes."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch

from ..training import TrainingLog


def plot_losses(logs: Mapping[str, TrainingLog], references: Mapping[str, float] | None = None, axes=None):
    """Validation (solid) and training loss (dashed) by epoch, a colour per log.

    ``references`` are losses in nats to compare with, such as the unigram baseline: horizontal lines.
    """
    axes = axes or plt.subplots()[1]
    for name, log in logs.items():
        epochs = [row["epoch"] for row in log.epochs]
        (line,) = axes.plot(epochs, [row["validation_loss"] for row in log.epochs], marker="o", label=name)
        axes.plot(epochs, [row["train_loss"] for row in log.epochs], "--", color=line.get_color(), alpha=0.6)
    for name, loss in (references or {}).items():
        axes.axhline(loss, color="grey", linestyle=":")
        axes.annotate(name, (1, loss), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize="small")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="epoch", ylabel="loss (nats per target token)", title="validation: solid, training: dashed")
    axes.legend()
    return axes


def plot_scores(
    scores: Mapping[str, Sequence[float]], metric: str, axes=None, colors: Mapping[str, str] | None = None
):
    """A bar per system at the mean of its scores, with their standard deviation, and each score (a seed, a prompt) as a dot.

    ``colors`` gives systems the colour that they have in other figures.
    """
    axes = axes or plt.subplots(figsize=(7, 0.5 * len(scores) + 1))[1]
    digits = 1 if max(map(max, scores.values())) > 1 else 3
    for row, (name, values) in enumerate(scores.items()):
        mean, spread = sum(values) / len(values), statistics.stdev(values) if len(values) > 1 else None
        axes.barh(row, mean, xerr=spread, alpha=0.6, color=(colors or {}).get(name), label=name)
        axes.plot(values, [row] * len(values), "k.", markersize=5)
        axes.annotate(f"{mean:.{digits}f}", (max(values), row), (8, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(scores)), list(scores))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.15)
    axes.set(xlabel=metric, xlim=(0, None))
    return axes


def plot_prompt_path(snapshots: Sequence[torch.Tensor], table: torch.Tensor, axes=None):
    """The path of a soft prompt's rows during training, among the embeddings of tokens.

    ``snapshots`` are [prompt_length, width] each, in order; ``table`` is [vocab, width]. Drawn in the
    two main directions (PCA) of the snapshots; distances along all others are not visible.
    """
    axes = axes or plt.subplots()[1]
    path = torch.stack([snapshot.detach().float().cpu() for snapshot in snapshots])  # [snapshots, prompt, width]
    center = path.flatten(0, 1).mean(0)
    _, _, directions = torch.linalg.svd(path.flatten(0, 1) - center, full_matrices=False)
    to_plane = directions[:2].T  # [width, 2]
    tokens = (table.detach().float().cpu() - center) @ to_plane
    points = (path - center) @ to_plane  # [snapshots, prompt, 2]
    axes.scatter(*tokens.T, s=2, color="lightgrey", label="tokens")
    for row in range(points.shape[1]):
        axes.plot(*points[:, row].T, linewidth=1)
    axes.scatter(*points[0].T, marker="o", facecolors="none", edgecolors="black", label="start")
    axes.scatter(*points[-1].T, marker="*", color="black", label="end")
    axes.set(xlabel="first direction", ylabel="second direction", title="path of the soft prompt")
    axes.legend()
    return axes
