"""Lesson 01's figures and the sentences that it says from its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .drawing import color_of, described

VERDICTS = {"higher": "scores higher than", "lower": "scores lower than", "cannot be told apart": "cannot be told apart from"}


def said(row: Mapping, other: str = "no prompt", digits: int = 3) -> str:
    """A comparison in words: difference, interval, verdict. ``row``: "difference", "low", "high", "verdict"."""
    numbers = [f"{row[key]:+.{digits}g}" for key in ("difference", "low", "high")]
    return f"{VERDICTS[row['verdict']]} {other} ({numbers[0]} [{numbers[1]}, {numbers[2]}])"


def said_of_examples(scores: Mapping[str, float]) -> str:
    """Where the prompts with solved examples stand in a list of prompts, and what it says of the best one's parts.

    ``scores``: prompt -> score, best first. Our examples are about Marta Klein; a header is a first line without her name.
    """
    places = [place for place, prompt in enumerate(scores, 1) if "Marta Klein" in prompt]
    if not places:
        return "no prompt with solved examples"
    text = f"the prompts with solved examples have the places {', '.join(map(str, places))} of {len(scores)}"
    if places == list(range(1, len(places) + 1)):
        text += ("\n   They stand on top (no test of the order). A possible reason: on a page of the gazette, answers mostly "
                 "keep one style.")
        header, _, examples = next(iter(scores)).partition("\n")
        if "Marta Klein" not in header and "Marta Klein" in examples:
            bare = f"{header}\n{{source}}"
            alone = [f"the header alone {_scored(scores, bare, 'scores', 'is')}",
                     f"the examples alone {_scored(scores, examples, 'score', 'are')}"]
            text += f"\n   The best one joins a header with examples; {', '.join(alone)}."
    elif places[0] > len(scores) / 2:
        text += "\n   They stand in the second half of the list."
    return text


def _scored(scores: Mapping[str, float], prompt: str, score: str, be: str) -> str:
    return f"{score} {scores[prompt]:.1f}" if prompt in scores else f"{be} not in the list"


def tried_figure(tried: Mapping[str, Sequence[float]], measured: Mapping[str, Mapping[str, tuple]], axes_names: Mapping):
    """A panel for each task: a dot for each prompt, best on top, and below them what was measured in the lesson.

    ``tried``: task -> scores, best first; ``measured``: task -> label -> (score, (low, high)); ``axes_names``: task -> metric.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(tried), figsize=(7.5, 3.1), layout="constrained", squeeze=False)
    for ax, (name, scores) in zip(axes[0], tried.items(), strict=True):
        ax.scatter(scores, range(len(scores)), s=22, color=color_of("hand-written"), label="hand-written", clip_on=False)
        for y, (label, (score, span)) in enumerate(measured[name].items(), len(scores) + 1):
            ax.plot(span, [y, y], color="#222222", linewidth=1.6, marker="|")
            ax.scatter(score, y, s=34, color=color_of(label), edgecolors="#222222", zorder=3, label=label, clip_on=False)
        ax.set(title=name.replace("_", " "), xlabel=axes_names[name], xlim=(0, None), yticks=[])
        ax.invert_yaxis()
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    said = [f"{name.replace('_', ' ')}, {axes_names[name]}: " + ", ".join(
        ([f"{min(scores):.3g} to {max(scores):.3g}"] if len(scores) else [])
        + [f"{label} {score:.3g}" for label, (score, _) in measured[name].items()]) for name, scores in tried.items()]
    return described(figure, f"Scores of hand-written prompts, a dot each. {'; '.join(said)}.")


def distance_figure(shares: Mapping[str, Sequence[float]]):
    """Histograms of the distance to the nearest token, in lengths of the token's own vector; ``shares``: label -> distances."""
    import matplotlib.pyplot as plt
    import numpy

    figure, ax = plt.subplots(figsize=(7.5, 2.8), layout="constrained")
    for (label, values), color in zip(shares.items(), ("#E69F00", "#7D7D7D"), strict=True):
        ax.hist(values, bins=numpy.linspace(0, 1.6, 33).tolist(), alpha=0.55, color=color,
                label=f"{label}: median {numpy.median(values):.2f}")
    ax.set(xlabel="distance to the nearest token, in lengths of the token's own vector", ylabel=f"how many of {len(values)}")
    figure.legend(loc="outside upper center", ncols=2, fontsize=9)
    medians = ", ".join(f"{label} {numpy.median(values):.2f}" for label, values in shares.items())
    return described(figure, f"Histograms: distance to the nearest token in lengths of the own vector. Medians: {medians}.")
