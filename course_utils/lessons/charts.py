"""Charts of what comes out: probabilities, scores, learning curves, and how a metric counts two texts against each other.

Each function returns a Matplotlib figure with a text alternative. Systems have the colours of `drawing.color_of`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy
import sacrebleu
import torch

from ..metrics import Words, normalise, token_f1
from .drawing import (
    ACCENT,
    FONT,
    INK,
    KINDS,
    PAD,
    ROW,
    SIZE,
    SMALL,
    SOFT_INK,
    WIDTH,
    Page,
    color_of,
    described,
    readable,
    text_width,
)

# ---- probabilities


def next_token_bars(logits, tokenizer, k: int = 6, wanted: int | None = None, colors: Mapping[str, str] | None = None):
    """The most likely next tokens as bars, a panel for each tensor of logits (or probabilities) [vocabulary], equal scales.

    ``logits``: a tensor, or name -> tensor to compare prompts: then all panels show the same tokens, the ``k`` best of each.
    ``wanted``: the id of the right token, which gets a mark.
    """
    panels = logits if isinstance(logits, Mapping) else {"": logits}
    chances = {name: _probabilities(each) for name, each in panels.items()}
    if len({len(each) for each in chances.values()}) != 1:
        raise ValueError(f"expected tensors [vocabulary] of one length, got {[tuple(each.shape) for each in panels.values()]}")
    best = {i for each in chances.values() for i in each.topk(k).indices.tolist()} | ({wanted} - {None})
    shown = sorted(best, key=lambda i: (-max(float(each[i]) for each in chances.values()), i))
    names = [readable(tokenizer, i) + (" ✓" if i == wanted else "") for i in shown]
    most = max(float(each[shown].max()) for each in chances.values())
    figure, axes = plt.subplots(1, len(panels), sharey=True, sharex=True, squeeze=False, layout="constrained",
                                figsize=(WIDTH if len(panels) > 1 else 5, 0.24 * len(shown) + 0.85))
    for ax, (name, each) in zip(axes[0], chances.items(), strict=True):
        color = (colors or {}).get(name) or (color_of(name) if name else ACCENT)
        ax.barh(range(len(shown)), each[shown].tolist(), color=color, height=0.72, gid="bar")
        for row, i in enumerate(shown):
            percent = 100 * float(each[i])
            ax.annotate(f"{percent:.0f}" if percent >= 1 else "<1", (float(each[i]), row), (3, 0),
                        textcoords="offset points", va="center", size=SMALL, color=SOFT_INK)
        ax.set_title(name, size=SIZE + 0.5, weight="bold", loc="left")
        _bars_only(ax)
        ax.set_xlim(0, most * 1.18)
        ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}")
        ax.set_xlabel("probability, %", size=SIZE)
    axes[0, 0].set_yticks(range(len(shown)), names, size=SIZE, family=FONT, parse_math=False)
    axes[0, 0].invert_yaxis()
    leaders = {name: f"{readable(tokenizer, int(each.argmax()))} with {100 * float(each.max()):.0f} %"
               for name, each in chances.items()}
    said = "; ".join(f"{name}: {leader}" if name else leader for name, leader in leaders.items())
    return described(figure, f"Probabilities of the next token as bars. The most likely: {said}.")


def _probabilities(values: torch.Tensor) -> torch.Tensor:
    values = values.detach().float().cpu().squeeze()
    if values.dim() != 1:
        raise ValueError(f"expected logits [vocabulary] of one position, got {tuple(values.shape)}")
    given = bool((values >= 0).all()) and abs(float(values.sum()) - 1) < 1e-3
    return values if given else values.softmax(0)


def _bars_only(ax) -> None:
    """Axes without a grid across the bars."""
    ax.grid(axis="y", visible=False)
    ax.set_axisbelow(True)
    ax.tick_params(axis="x", labelsize=SMALL)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(False)


# ---- scores


def resampled_interval(records, draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """The 95% interval of a mean over records drawn with replacement; ``records``: scores [records], or [seeds, records]."""
    each = numpy.atleast_2d(numpy.asarray(records, dtype=float)).mean(0)   # the same records for all seeds
    means = each[numpy.random.default_rng(seed).integers(len(each), size=(draws, len(each)))].mean(1)
    return tuple(numpy.quantile(means, (0.025, 0.975)).tolist())


def score_figure(scores: Mapping[str, Sequence[float]], intervals: Mapping[str, tuple[float, float]], metric: str, n: int,
                 best: float | None = None, split: str = "test", resampled: str = "records"):
    """A row for each system: its mean score as a bar, the interval of resampled records as a line, each seed as a dot.

    ``scores``: name -> one score a seed; ``intervals``: name -> (low, high), from `resampled_interval`; ``metric`` in words, such
    as "exact match, %"; ``n``: records of ``split``; ``best``: the right end of the axis; ``resampled``: what was drawn again.
    """
    if set(intervals) - set(scores) or not scores:
        raise ValueError(f"expected an interval for systems among {list(scores)}, got {list(intervals)}")
    figure, ax = plt.subplots(figsize=(WIDTH, 0.36 * len(scores) + 0.75), layout="constrained")
    seeds = max(len(values) for values in scores.values())
    top = max([*(max(values) for values in scores.values()), *(high for _, high in intervals.values())])
    digits = 1 if top > 1 else 3
    for row, (name, values) in enumerate(scores.items()):
        mean, color = sum(values) / len(values), color_of(name)
        ax.barh(row, mean, height=0.62, color=color, alpha=0.85, gid="mean", zorder=2)
        if name in intervals:
            for color, width, gid in (("white", 3.6, None), (INK, 1.6, "interval")):   # white around it, for dark bars
                ax.plot(intervals[name], [row, row], color=color, linewidth=width, solid_capstyle="butt", marker="|",
                        markersize=7 + width / 2, markeredgewidth=width, zorder=3, gid=gid)
        if len(values) > 1:
            offsets = numpy.linspace(-0.16, 0.16, len(values))
            ax.scatter(values, row + offsets, s=16, color="white", edgecolors=INK, linewidths=0.8, zorder=4, gid="seeds")
        ax.annotate(f"{mean:.{digits}f}", (1.01, row), xycoords=("axes fraction", "data"), va="center", size=SIZE,
                    annotation_clip=False)
    ax.set_yticks(range(len(scores)), list(scores), size=SIZE)
    ax.set(xlim=(0, best or top * 1.04), ylim=(len(scores) - 0.5, -0.5))
    _bars_only(ax)
    notes = [f"n = {n} {split} records", *([f"dots: {seeds} seeds"] if seeds > 1 else []),
             *([f"line: 95% interval, {resampled} resampled"] if intervals else [])]
    ax.set_xlabel(f"{metric}\n{' · '.join(notes)}", size=SIZE)
    ranges = {name: " ({:.{d}f} to {:.{d}f})".format(*interval, d=digits) for name, interval in intervals.items()}
    said = [f"{name} {sum(values) / len(values):.{digits}f}{ranges.get(name, '')}" for name, values in scores.items()]
    return described(figure, f"{metric} on {n} {split} records, with 95% intervals: {'; '.join(said)}.")


def learning_curves(curves: Mapping[str, tuple[Sequence[float], Sequence]], x_label: str, y_label: str,
                    references: Mapping[str, float] | None = None, log_x: bool = False, log_y: bool = False):
    """Lines with their names at their ends. ``curves``: name -> (x, y), y [points] or [seeds, points]: mean, and a band from the
    lowest to the highest seed. ``references``: name -> a level, dashed.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.4))
    ends, seeds = [], 1
    for name, (x, y) in curves.items():
        y = numpy.atleast_2d(numpy.asarray(y, dtype=float))
        if y.shape[1] != len(x):
            raise ValueError(f"{name}: y has the shape {y.shape} for {len(x)} points: expected [{len(x)}] or [seeds, {len(x)}]")
        seeds, color = max(seeds, len(y)), color_of(name)
        marker = "o" if len(x) <= 15 else None
        ax.plot(x, y.mean(0), color=color, linewidth=2, marker=marker, markersize=4, clip_on=False, gid="curve")
        if len(y) > 1:
            ax.fill_between(x, y.min(0), y.max(0), color=color, alpha=0.18, linewidth=0)
        ends.append((float(y.mean(0)[-1]), name, color, x[-1]))
    for name, level in (references or {}).items():
        ax.axhline(level, color=color_of(name), linestyle=(0, (4, 3)), linewidth=1.2, gid="reference")
        ends.append((level, name, color_of(name), None))
    ax.margins(x=0.0)
    for axis, log in ((ax.xaxis, log_x), (ax.yaxis, log_y)):
        if log:
            ax.set(**{f"{axis.axis_name}scale": "log"})
            axis.set_major_formatter(lambda value, _: f"{value:g}")
            axis.set_minor_formatter(_few_minor_labels)
    ax.tick_params(which="both", labelsize=SMALL)
    ax.spines[["top", "right"]].set_visible(False)
    room = max(text_width(name, SIZE) for _, name, *_ in ends) + 0.3
    figure.subplots_adjust(left=0.09, right=1 - room / WIDTH, bottom=0.15, top=0.97)
    _labels_at_the_right(figure, ax, ends)
    ax.set_xlabel(x_label + (f"   (lines: means of {seeds} seeds, bands: lowest to highest)" if seeds > 1 else ""), size=SIZE)
    ax.set_ylabel(y_label, size=SIZE)
    said = "; ".join(f"{name} ends at {value:.3g}" if name in curves else f"{name}: {value:.3g}" for value, name, *_ in ends)
    return described(figure, f"{y_label} by {x_label}: {said}.")


def _few_minor_labels(value: float, _) -> str:
    """Between powers of ten: 2 and 5, so that an axis of less than a decade has numbers too."""
    return f"{value:g}" if f"{value:e}"[0] in "25" else ""


def _labels_at_the_right(figure, ax, ends) -> None:
    """Names beside the ends of their lines, pushed apart where they would overlap, each with a dotted line to its end."""
    height = figure.get_size_inches()[1] * ax.get_position().height
    step = 1.35 * SIZE / 72 / height                                   # of the axes' height
    to_axes = ax.transData + ax.transAxes.inverted()
    edge = ax.get_xlim()[1]
    wanted = sorted((*to_axes.transform((edge if x is None else x, y))[::-1], name, color) for y, name, color, x in ends)
    placed: list[float] = []
    for y, *_ in wanted:
        placed.append(max(y, placed[-1] + step) if placed else max(y, step / 2))
    for n in range(len(placed) - 1, -1, -1):                           # and back down where they left at the top
        limit = 1 - step / 2 if n == len(placed) - 1 else placed[n + 1] - step
        placed[n] = min(placed[n], limit)
    for (y, x, name, color), at in zip(wanted, placed, strict=True):
        to_end = {"arrowstyle": "-", "color": color, "linewidth": 1, "linestyle": ":", "shrinkA": 2, "shrinkB": 0,
                  "relpos": (0, 0.5)}
        ax.annotate(name, (x, y), (1.035, at), xycoords="axes fraction", textcoords="axes fraction", va="center", size=SIZE,
                    color=INK, annotation_clip=False, gid="label", arrowprops=to_end)


# ---- how metrics count


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int]]:
    """Places of a longest common subsequence: pairs of an index of ``first`` and one of ``second``, both rising."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]   # [i][j]: of first[i:] and second[j:]
    for i in reversed(range(len(first))):
        for j in reversed(range(len(second))):
            table[i][j] = table[i + 1][j + 1] + 1 if first[i] == second[j] else max(table[i + 1][j], table[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < len(first) and j < len(second):
        if first[i] == second[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif table[i + 1][j] >= table[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def rouge_l_picture(reference: str, hypothesis: str):
    """The longest common subsequence of words, as ROUGE-L counts it, with precision, recall and F1."""
    wanted, given = Words().tokenize(reference), Words().tokenize(hypothesis)
    if not wanted or not given:
        raise ValueError(f"nothing to compare in {reference!r} and {hypothesis!r}: both must have a word")
    pairs = common_subsequence(wanted, given)
    precision, recall = len(pairs) / len(given), len(pairs) / len(wanted)
    f1 = 2 * precision * recall / (precision + recall) if pairs else 0.0
    page, step = Page(), ROW + 0.05
    widths = [max(map(text_width, [*words, name])) + 2 * PAD for words, name in ((wanted, "reference"), (given, "answer"))]
    xs, top = (0.0, widths[0] + 1.0), page.top + 0.22
    hits = [{pair[side] for pair in pairs} for side in (0, 1)]
    for x, width, name, words, found in zip(xs, widths, ("reference", "answer"), (wanted, given), hits, strict=True):
        page.text(x + width / 2, page.top + 0.06, name, SIZE, SOFT_INK, "center")
        for n, word in enumerate(words):
            kind, gid = ("target", "matched") if n in found else ("ignored", "word")
            page.box(x, top + n * step, width, ROW, word, kind, gid=gid)
    for i, j in pairs:
        page.axes.plot([widths[0] + 0.03, xs[1] - 0.03], [top + i * step + ROW / 2, top + j * step + ROW / 2],
                       color=KINDS["target"].edge, linewidth=1.5, gid="match")
    x, bottom = xs[1] + widths[1] + 0.4, top + max(len(wanted), len(given)) * step
    lines = (("longest common subsequence", f"{len(pairs)} words"),
             ("precision", f"{len(pairs)} of {len(given)} in the answer: {precision:.2f}"),
             ("recall", f"{len(pairs)} of {len(wanted)} in the reference: {recall:.2f}"), ("ROUGE-L, F1", f"{f1:.3f}"))
    bottom = max(bottom, _results(page, x, top, lines))
    return page.finish(bottom + 0.05, f"""ROUGE-L: {len(pairs)} words of the reference ({len(wanted)} words) stand in the answer
        ({len(given)} words) in the same order, joined by lines: precision {precision:.2f}, recall {recall:.2f}, F1 {f1:.3f}.""")


def _results(page: Page, x: float, y: float, lines) -> float:
    for name, value in lines:
        page.text(x, y + 0.1, name, SMALL + 0.5, SOFT_INK)
        page.text(x, y + 0.3, value, 10, weight="bold")
        y += 0.5
    return y


def bleu_picture(reference: str, hypothesis: str):
    """The n-grams of a translation that BLEU finds in the reference, for n from 1 to 4, and the brevity penalty."""
    tokenize = sacrebleu.BLEU().tokenizer
    wanted, given = tokenize(reference).split(), tokenize(hypothesis).split()
    if not given or not wanted:
        raise ValueError(f"nothing to compare in {reference!r} and {hypothesis!r}: both must have a word")
    result = sacrebleu.BLEU(effective_order=False).corpus_score([hypothesis], [[reference]])
    page, step = Page(), ROW + 0.05
    sides = (("reference", wanted), ("translation", given))
    widths = [max(text_width(_cut(word)) for word in [*words, name]) + 2 * PAD for name, words in sides]
    top, known = page.top + 0.22, set(wanted)
    for x, width, (name, words) in zip((0.0, widths[0] + 0.25), widths, sides, strict=True):
        page.text(x + width / 2, page.top + 0.06, name, SIZE, SOFT_INK, "center")
        for n, word in enumerate(words):
            kind = "source" if words is wanted else "target" if word in known else "ignored"
            page.box(x, top + n * step, width, ROW, _cut(word), kind, gid="word")
    x = sum(widths) + 0.45
    for n in range(1, 5):
        _n_grams(page, x, top, step, n, wanted, given)
        x += 0.13 * n + 0.22
    lines = [(f"{n} word{'s' * (n > 1)} in a row", f"{result.counts[n - 1]} of {result.totals[n - 1]}") for n in range(1, 5)]
    lines += [(f"brevity penalty, {len(given)} for {len(wanted)}", f"{result.bp:.2f}"), ("BLEU", f"{result.score:.1f}")]
    bottom = max(_results(page, x + 0.1, top - 0.1, lines), top + max(len(wanted), len(given)) * step)
    found = ", ".join(f"{value} of {n}-grams" for n, (_, value) in enumerate(lines[:4], start=1))
    return page.finish(bottom + 0.05, f"""BLEU of one translation: green bars are rows of 1 to 4 words that also stand in the
        reference ({found}), grey ones do not; brevity penalty {result.bp:.2f}, BLEU {result.score:.1f}.""")


def _cut(word: str) -> str:
    """A word short enough for its column."""
    return word if text_width(word) <= 1.5 else word[:17] + "…"


def _n_grams(page: Page, x, top, step, n, wanted, given) -> None:
    """A bar beside the words of each n-gram of the translation; each counts as often as it stands in the reference."""
    left = Counter(tuple(wanted[i : i + n]) for i in range(len(wanted) - n + 1))
    page.text(x + 0.13 * n / 2, page.top + 0.06, f"n={n}", SMALL + 0.5, SOFT_INK, "center")
    for i in range(len(given) - n + 1):
        gram = tuple(given[i : i + n])
        found = left[gram] > 0
        left[gram] -= found
        page.box(x + 0.13 * (i % n), top + i * step + 0.02, 0.09, n * step - 0.09, kind="target" if found else "ignored",
                 gid=f"found {n}" if found else f"missing {n}")


def answer_overlap(prediction: str, references: Sequence[str] | str, language: str = "en"):
    """Exact match and F1 of an answer: its words after normalisation, those that it shares with the best reference in green."""
    references = [references] if isinstance(references, str) else list(references)
    best = max(references, key=lambda each: token_f1(prediction, each, language))
    words = {"prediction": normalise(prediction, language).split(), "reference": normalise(best, language).split()}
    shared = Counter(words["prediction"]) & Counter(words["reference"])
    page = Page()
    y, f1, same = page.top, token_f1(prediction, best, language), words["prediction"] == words["reference"]
    for name, text in (("prediction", prediction), ("reference", best)):
        page.text(0, y + 0.08, f"{name}: {text if len(text) < 90 else text[:89] + '…'}", SIZE, SOFT_INK)
        x, left = 0.0, shared.copy()
        for word in words[name]:
            hit = left[word] > 0
            left[word] -= hit
            width = text_width(word) + 2 * PAD
            if x + width > WIDTH:
                x, y = 0.0, y + ROW + 0.05
            page.box(x, y + 0.22, width, ROW, word, "target" if hit else "ignored", gid="shared" if hit else "word")
            x += width + 0.05
        y += 0.62
    count = shared.total()
    page.text(0, y + 0.08, f"exact match: {'yes' if same else 'no'}      precision {count} of {len(words['prediction'])}, "
                           f"recall {count} of {len(words['reference'])}      F1: {100 * f1:.0f} %", 9.5, weight="bold")
    return page.finish(y + 0.25, f"The answer {prediction!r} and the reference {best!r} share {count} words after normalisation: "
                       f"exact match {'yes' if same else 'no'}, F1 {100 * f1:.0f} %.")
