"""What lesson 04 needs beside `bugs`: the reported figures, three unlabelled runs, and its pictures, drawn from live tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch

from ..batches import IGNORED, EncodedDataset, collate
from ..loss import counted, token_losses
from ..soft_prompt import GPT2WithSoftPrompt
from ..training import TrainingConfig, TrainingLog, fit
from .bugs import NoTarget, NoTargetHard, ScoresElsewhere, find_bug, make_buggy
from .drawing import ACCENT, GRADIENT, ROW, SIZE, SMALL, SOFT_INK, WIDTH, Columns, Page, described, line_of, readable

# What the original report prints: losses in nats, set percentages, and the validation loss of each epoch.
REPORTED = {
    "summarization": {"soft": 8.48, "hard": 11.19, "epochs": [10.00, 8.78, 8.54, 8.43, 8.38], "soft set %": 16.58,
                      "hard set %": None},
    "question_answering": {"soft": 10.04, "hard": 11.30, "epochs": [11.23, 10.75, 10.51, 10.31, 10.04], "soft set %": 3.00,
                           "hard set %": 8.43},
    "translation": {"soft": 8.99, "hard": 11.91, "epochs": [], "soft set %": None, "hard set %": 26.18},
}
REPORTED_VOCABULARY = 50_257   # GPT-2's

PATIENTS = {"A": "labels not shifted", "B": "padding counts", "C": "end token masked"}


class UnshiftedHard(NoTargetHard):
    """Bug 2 with a hard prompt: the target is fed in, and each position is scored against what it has just read."""

    def seen(self, mask, labels):
        return mask

    def scored_at(self, ids, rows, columns):
        return columns


# ---- three unlabelled runs


Prepare = Callable[[EncodedDataset], EncodedDataset]   # what a pipeline makes of encoded records


def patient(letter: str, base_model, task, length: int = 20) -> tuple[GPT2WithSoftPrompt, Prepare]:
    """A soft prompt and what becomes of its records, with a bug that is not named. ValueError for another letter."""
    if letter not in PATIENTS:
        raise ValueError(f"unknown patient {letter!r}: expected one of {', '.join(PATIENTS)}")
    name = PATIENTS[letter]
    return make_buggy(name, base_model, task, length), find_bug(name).data


def first_epochs(
    system, train_set: EncodedDataset, validation_set: EncodedDataset, config: TrainingConfig, epochs: int = 1
) -> TrainingLog:
    """The first epochs of the run that ``config`` describes, at the learning rates of the whole run."""
    log = TrainingLog()

    def stop(row: dict) -> None:
        log.epochs.append(row)
        if len(log.epochs) == epochs:
            raise StopIteration

    try:
        return fit(system, train_set, validation_set, config, stop, progress=False)
    except StopIteration:
        return log


def record_losses(system, prepare: Prepare, dataset: EncodedDataset):
    """A function: numbers of records of ``dataset`` -> the mean loss of each, [records], prepared and batched together."""

    @torch.no_grad()
    def losses_of(numbers: Sequence[int]) -> torch.Tensor:
        items = [dataset[i] for i in numbers]
        together = prepare(EncodedDataset(items, 0, dataset.pad_id, dataset.vocab_size))
        batch = {name: tensor.to(system.device) for name, tensor in collate(together.items, dataset.pad_id).items()}
        losses, rows = token_losses(system, batch)   # [targets] each
        counts = rows.bincount(minlength=len(items))
        return torch.zeros(len(items), device=losses.device).index_add(0, rows, losses).div(counts).cpu()

    system.eval()
    return losses_of


# ---- pictures


def scored_pairs(system, batch: Mapping) -> list[tuple[int, int]]:
    """For the first row of a batch: (position whose logits are scored, position of the label that they are scored against)."""
    ids, _, labels = system.join(batch["input_ids"], batch["attention_mask"], batch["labels"], None)
    rows, columns = counted(labels).nonzero(as_tuple=True)
    at = system.scored_at(ids, rows, columns).clamp(min=0) if isinstance(system, ScoresElsewhere) else columns - 1
    return [(int(a), int(c)) for row, a, c in zip(rows, at, columns, strict=True) if row == 0]


def scoring_picture(systems: Mapping[str, GPT2WithSoftPrompt], batch: Mapping, tokenizer):
    """Which logits each system scores against which label, for the first row of a batch: arrows, orange where they are wrong."""
    page, wrong = Page(), []
    y = page.top
    for name, system in systems.items():
        line = line_of(batch, tokenizer, system.vocab_size)
        hidden = isinstance(system, NoTarget)
        words = ["" if hidden and kind == "target" else word for word, kind in zip(line.words, line.kinds, strict=True)]
        kinds = ["pad" if hidden and kind == "target" else kind for kind in line.kinds]
        labels = ["" if label == IGNORED else readable(tokenizer, label) for label in line.labels]
        columns = Columns(line.kinds, [line.words], 0.75)
        page.text(0, y + 0.1, name, 9.5, weight="bold")
        top, below = y + 0.24, y + 0.92
        page.row(columns, top, words, kinds, "reads", "token")
        page.row(columns, below, labels, ["ignored" if not each else "target" for each in labels], "label", "label")
        pairs = scored_pairs(system, batch)
        for at, label in pairs:
            start, end = columns.center(at), columns.center(label)
            if start is not None and end is not None:
                page.arrow((start, top + ROW), (end, below), GRADIENT if at != label - 1 else "#009E73", 1.3, gid="scored")
        wrong += [name] * any(at != label - 1 for at, label in pairs)
        y = below + ROW + 0.17
    y = page.key(y, [("prompt", "soft prompt"), ("source", "source"), ("target", "target"), ("pad", "not fed in"),
                     ("ignored", "no label")])
    return page.finish(y + 0.05, f"""Rows of tokens above rows of labels, with an arrow from each position to the label that its
        logits are scored against: the next token, as it should be, but not for {', '.join(wrong) or 'none'}.""")


def catch_picture(matrix: Mapping[str, Mapping[str, float]]):
    """Bugs by checks. ``matrix``: bug -> check -> the share of runs that the check fails, 0 to 1."""
    checks = list(dict.fromkeys(check for results in matrix.values() for check in results))
    page, left = Page(), 1.65
    width = (WIDTH - left) / len(checks)
    for n, check in enumerate(checks):
        number, _, words = check.partition(" ")
        page.text(left + (n + 0.5) * width, page.top + 0.08, f"{number} {words}", SIZE, SOFT_INK, "center")
    y = page.top + 0.24
    for bug, results in matrix.items():
        page.text(0, y + 0.13, bug, SIZE)
        for n, check in enumerate(checks):
            if check in results:
                share = results[check]
                word = "fails" if share == 1 else "passes" if share == 0 else f"fails {100 * share:.0f}%"
                look = "wrong" if share else "ignored"
                page.box(left + n * width + 0.02, y, width - 0.04, 0.26, word, look, SMALL + 0.5, "cell")
        y += 0.3
    seen = [bug for bug, results in matrix.items() if any(results.values())]
    return page.finish(y + 0.02, f"Bugs by checks. Some check fails for: {', '.join(seen) or 'none'}. All checks pass for: "
                       f"{', '.join(bug for bug in matrix if bug not in seen) or 'none'}.")


Line = tuple[Sequence[float], Sequence[float]]   # x and y


def bug_curves(curves: Mapping[str, Line], right: str, references: Mapping[str, float], columns: int = 3):
    """A panel for each pipeline: its validation loss by step, that of the pipeline called ``right``, and levels. Log scale."""
    names = [name for name in curves if name != right]
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(rows, columns, sharex=True, sharey=True, figsize=(WIDTH, 1.55 * rows + 0.4), layout="constrained",
                                squeeze=False)
    for ax, name in zip(axes.flat, names, strict=False):
        for level in references.values():
            ax.axhline(level, color=SOFT_INK, linestyle=(0, (4, 3)), linewidth=1)
        ax.plot(*curves[right], color="#009E73", linewidth=2, gid="right") if right in curves else None
        ax.plot(*curves[name], color=GRADIENT, linewidth=2, marker="o", markersize=3, gid="curve")
        ax.set_title(name, size=SIZE, loc="left")
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.tick_params(labelsize=SMALL)
    for ax in axes.flat[len(names):]:
        ax.set_axis_off()
    figure.supxlabel("step", size=SIZE)
    figure.supylabel("validation loss, nats (log scale)", size=SIZE)
    for name, level in references.items():
        axes[0, 0].annotate(name, (0.98, level), xycoords=("axes fraction", "data"), xytext=(0, 2), textcoords="offset points",
                            ha="right", size=SMALL - 0.5, color=SOFT_INK)
    said = "; ".join(f"{name} ends at {curves[name][1][-1]:.3g}" for name in names)
    end = f", {right} at {curves[right][1][-1]:.3g}" if right in curves else ""
    return described(figure, f"Validation loss by step, a panel for each bug (orange), the right pipeline in green: {said}{end}.")


def pattern_figure(panels: Mapping[str, Mapping[str, Line | float]]):
    """Task -> line -> (epochs, losses as parts of ln V), or a level; 1 is even guessing. Lines of one name look alike."""
    looks = {"original, soft": ("#000000", "-", "o"), "original, hard": ("#000000", ":", None), "bug, soft": (GRADIENT, "-", "o"),
             "bug, hard": (GRADIENT, ":", None), "right, soft": ("#009E73", "-", "o"), "right, hard": ("#009E73", ":", None)}
    figure, axes = plt.subplots(1, len(panels), sharey=True, figsize=(WIDTH, 3.1), layout="constrained", squeeze=False)
    for ax, (task, lines) in zip(axes[0], panels.items(), strict=True):
        ax.axhline(1, color=ACCENT, linewidth=1)
        for name, line in lines.items():
            color, style, marker = looks[name]
            if isinstance(line, tuple):
                ax.plot(*line, color=color, linestyle=style, marker=marker, markersize=3.5, label=name)
            else:
                ax.axhline(line, color=color, linestyle=style, label=name)
        ax.set_title(task.replace("_", " "), size=SIZE + 0.5, loc="left")
        ax.tick_params(labelsize=SMALL)
        ax.set(ylim=(0, None), xlim=(0.5, 10.5), xticks=(1, 5, 10))
        ax.set_xlabel("epoch", size=SIZE)
    axes[0, 0].set_ylabel("loss as a part of ln V", size=SIZE)
    axes[0, 0].annotate("even guessing", (0.98, 1), xycoords=("axes fraction", "data"), xytext=(0, -10), ha="right",
                        textcoords="offset points", size=SMALL - 0.5, color=ACCENT)
    handles = {label: handle for ax in axes[0] for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=min(6, len(handles)), fontsize=SMALL)

    def end(line) -> float:
        return line[1][-1] if isinstance(line, tuple) else line

    said = "; ".join(f"{task.replace('_', ' ')}: " + ", ".join(f"{name} {end(line):.2f}" for name, line in lines.items())
                     for task, lines in panels.items())
    return described(figure, f"Losses as parts of ln V by epoch; 1 is even guessing. At the end, {said}.")
