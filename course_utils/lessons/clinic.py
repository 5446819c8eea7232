"""What lesson 04 needs beside `bugs`: the reported figures, three unlabelled runs, and its pictures, drawn from live tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import pandas
import torch

from ..batches import IGNORED, EncodedDataset, collate
from ..experiment import Experiment, Material
from ..loss import counted, token_losses
from ..metrics import SCORES
from ..results import Study
from ..soft_prompt import GPT2WithSoftPrompt
from ..tasks import get_task
from ..training import TrainingConfig, TrainingLog, fit
from .bugs import NoTarget, NoTargetHard, ScoresElsewhere, find_bug, make_buggy
from .drawing import GRADIENT, ROW, SIZE, SMALL, SOFT_INK, WIDTH, Columns, Page, described, line_of, readable

# What the original report prints: losses, shared tokens ("set %"), scores (ROUGE or BLEU), and the validation loss of each epoch.
REPORTED = {
    "summarization": {"soft": 8.48, "hard": 11.19, "epochs": [10.00, 8.78, 8.54, 8.43, 8.38], "soft set %": 16.58,
                      "hard set %": None, "soft score": None, "hard score": 0.27},
    "question_answering": {"soft": 10.04, "hard": 11.30, "epochs": [11.23, 10.75, 10.51, 10.31, 10.04], "soft set %": 3.00,
                           "hard set %": 8.43, "soft score": None, "hard score": None},
    "translation": {"soft": 8.99, "hard": 11.91, "epochs": [], "soft set %": None, "hard set %": 26.18,
                    "soft score": 6.80, "hard score": 0.43},
}
REPORTED_VOCABULARY = 50_257   # GPT-2's
COURSE_VOCABULARY = 4_096      # of the models that the study "bugs" trained
SMOLLM2_VOCABULARY = 49_152
# Nearly the first bug (its first logits are those over the prompt) on SmolLM2-135M-Instruct and public data, measured once with
# one seed: one token, batches of one, 100 steps, rate 0.1, 60 test records. For tasks that the study "real" has not run.
SMOLLM2_ONCE = {"translation": {"hard": 13.92, "soft": 8.57, "hard set %": 9.7},
                "summarization": {"hard": 11.85, "soft": 10.31, "hard set %": 23.5, "soft set %": 22.0},
                "question_answering": {"hard": 13.20, "soft": 11.80, "hard set %": 2.3, "soft set %": 2.2}}
FIRST_BUG = "no target fed in"

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


def rerun_first_epoch(study: Study, bug: str, task: str) -> tuple[int, float, float]:
    """One epoch of a stored run once more, on its records, seed and rates: steps, stored validation loss, validation loss now."""
    rows = study.table()
    rows = rows[(rows["system"] == bug) & (rows["task"] == task) & (rows["metric"] == "loss") & (rows["split"] == "validation")]
    stored = rows.sort_values(["seed", "step"]).iloc[0]
    config = next(each["config"] for each in study.read("runs") if each["run"] == stored["run"])
    material = Material(Experiment(task, config["model"], max_train=config["max_train"]))
    system, change = make_buggy(bug, material.base, material.task, config["prompt_length"]), find_bug(bug).data
    train, validation = (change(material.encoded(split, system)) for split in ("train", "validation"))
    log = first_epochs(system, train, validation, TrainingConfig(**config["training"]))
    return int(stored["step"]), float(stored["value"]), log.epochs[0]["validation_loss"]


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


# ---- what is stored


def number_of(count: int, what: str) -> str:
    """"1 seed", "2 seeds"."""
    return f"{count} {what}{'s' * (count != 1)}"


def by_task(rows: pandas.DataFrame, names: Sequence[str]) -> pandas.DataFrame:
    """Bugs by tasks, means of seeds: the test loss that each pipeline reports, the main score of its prompt in the right code."""
    columns = {}
    test = rows[rows["split"] == "test"]
    for task, part in test.groupby("task", sort=False):
        metric = get_task(task).main_metric
        seeds = part.loc[part["system"].isin(names)].groupby("system")["seed"].nunique().max()
        head = f"{task.replace('_', ' ')}, {number_of(int(seeds), 'seed')}"
        for title, ending, key in (("loss, own code", "", "loss"), (f"{SCORES[metric].label}, mended", ", mended", metric)):
            values = part[part["metric"] == key].groupby("system")["value"].mean()
            columns[head, title] = {name: values.get(name + ending, math.nan) for name in names}
    return pandas.DataFrame(columns).loc[list(names)]


def evidence_table(live: Mapping, bugs: pandas.DataFrame, real: pandas.DataFrame) -> pandas.DataFrame:
    """Task and source -> what the first bug leaves there, beside what was reported; losses are divided by the model's own ln V.

    ``live``: task -> "hard", "untrained" and "soft" -> its scores and "loss / ln V". ``bugs`` and ``real``: rows of the studies.
    "soft, first": after one epoch (live: before training). Sources without a number for a task are left out.
    """
    lines = {}
    for task, given in REPORTED.items():
        guess, metric = math.log(REPORTED_VOCABULARY), get_task(task).main_metric
        lines[task, "reported"] = {
            "hard": given["hard"] / guess, "soft, first": given["epochs"][0] / guess if given["epochs"] else None,
            "soft, last": given["soft"] / guess, **{f"{kind}, {what}": given[f"{kind} {key}"]
                                                    for what, key in (("shared tokens", "set %"), ("score", "score"))
                                                    for kind in ("hard", "soft")}}
        found = {kind: live[task][kind] for kind in ("hard", "soft")}
        lines[task, "here, live"] = {
            "hard": found["hard"]["loss / ln V"], "soft, first": live[task]["untrained"]["loss / ln V"],
            "soft, last": found["soft"]["loss / ln V"], **scores_of(found, metric), "runs": "1 seed"}
        for source, rows, label, size in (("here, study", bugs, f"{FIRST_BUG}, as reported", COURSE_VOCABULARY),
                                          ("SmolLM2, study", real, f"{FIRST_BUG}, 1 token", SMOLLM2_VOCABULARY)):
            if line := stored_line(rows, task, label, math.log(size)):
                lines[task, source] = line
        if (task, "SmolLM2, study") not in lines:
            guess, once = math.log(SMOLLM2_VOCABULARY), SMOLLM2_ONCE[task]
            lines[task, "SmolLM2, typed in"] = {
                "hard": once["hard"] / guess, "soft, last": once["soft"] / guess,
                **{f"{kind}, shared tokens": once.get(f"{kind} set %") for kind in ("hard", "soft")}, "runs": "1 seed"}
    table = pandas.DataFrame.from_dict(lines, orient="index")
    table.index = pandas.MultiIndex.from_tuples(lines, names=["task", "source"])
    numbers = table.columns.drop("runs")
    return table.assign(**table[numbers].astype(float), runs=table["runs"].fillna(""))


def pattern_panels(live: Mapping, bugs: pandas.DataFrame) -> tuple[dict, list[str]]:
    """What `pattern_figure` draws, and a line on each task: the levels of hard prompts are ``live``, the epochs are stored."""
    panels, notes, guess = {}, [], math.log(REPORTED_VOCABULARY)
    stored = bugs[(bugs["metric"] == "loss") & (bugs["split"] == "validation")]
    settings = {", as reported": "1 token, batches of 1", "": "20 tokens, batches of 16"}   # the first that is stored
    for task, kinds in live.items():
        epochs = REPORTED[task]["epochs"] or [REPORTED[task]["soft"]]   # translation: one figure is all that is reported
        panel = panels[task] = {"original, hard": REPORTED[task]["hard"] / guess, "bug, hard": kinds["hard"]["loss / ln V"],
                                "original, soft": (list(range(6 - len(epochs), 6)), [loss / guess for loss in epochs])}
        notes.append(f"{task.replace('_', ' ')}: not in the study")
        for line, bug in (("right, soft", "no bug"), ("bug, soft", FIRST_BUG)):
            for ending, words in settings.items():
                own = stored[(stored["task"] == task) & (stored["system"] == bug + ending)]
                losses = list(own.groupby("step")["value"].mean().sort_index() / math.log(COURSE_VOCABULARY))
                if losses:
                    panel[line] = (list(range(1, len(losses) + 1)), losses)
                    if line == "bug, soft":
                        notes[-1] = (f"{task.replace('_', ' ')}: orange from {losses[0]:.2f} to {losses[-1]:.2f} of ln V in "
                                     f"{number_of(len(losses), 'epoch')} ({words}, {number_of(own['seed'].nunique(), 'seed')})")
                        if len(epochs) > 1:
                            first, last = epochs[0] / guess, epochs[-1] / guess
                            more = "further" if first - last > losses[0] - losses[-1] else "no further"
                            notes[-1] += f"; original falls {more}, from {first:.2f} to {last:.2f} in {len(epochs)} epochs"
                    break
    return panels, notes


def scores_of(found: Mapping[str, Mapping[str, float]], metric: str) -> dict[str, float]:
    """Shared tokens (a percentage) and main score of the hard and the soft prompt, as columns of `evidence_table`."""
    keys = {"shared tokens": "exact_match_percentage", "score": metric}
    return {f"{kind}, {what}": found.get(kind, {}).get(key) for what, key in keys.items() for kind in ("hard", "soft")}


def stored_line(rows: pandas.DataFrame, task: str, label: str, guess: float) -> dict | None:
    """One line of `evidence_table` from stored rows, means over seeds; None where neither prompt has been measured."""
    rows = rows[rows["task"] == task] if len(rows) else rows
    systems = {"hard": f"{FIRST_BUG}, hard prompt", "soft": label}
    if not len(rows) or not set(systems.values()) & set(rows["system"]):
        return None
    test = rows[rows["split"] == "test"]
    found = {kind: test[test["system"] == name].groupby("metric")["value"].mean().to_dict() for kind, name in systems.items()}
    losses = {kind: values["loss"] / guess for kind, values in found.items() if "loss" in values}
    own = rows[rows["system"] == label]
    epochs = own[(own["split"] == "validation") & (own["metric"] == "loss")].groupby("step")["value"].mean().sort_index()
    return {"hard": losses.get("hard"), "soft, first": epochs.iloc[0] / guess if len(epochs) > 1 else None,
            "soft, last": losses.get("soft"), **scores_of(found, get_task(task).main_metric),
            "runs": number_of(own["seed"].nunique(), "seed") if len(own) else "hard only"}


def marks(table: pandas.DataFrame, paired: str) -> list[str]:
    """The five marks of the case, a line each: how many tasks of each source show it. ``paired``: the live verdict on mark 4."""
    def counts(shows, need: Sequence[str], part=table) -> tuple[str, str]:
        part, said, all_of_ours = part.dropna(subset=list(need)), [], []
        for source, lines in part.groupby(level="source", sort=False):
            hits = [bool(shows(line)) for _, line in lines.iterrows()]
            said.append(f"{source} {sum(hits)} of {len(hits)}")
            all_of_ours += hits if source != "reported" else []
        fit = "fits" if all(all_of_ours) else "fits in part" if any(all_of_ours) else "does not fit"
        return "; ".join(said), fit if all_of_ours else "not measured"

    def values(task: str, *columns: str) -> str:
        part = table.xs(task, level="task").dropna(subset=list(columns))
        return "; ".join(f"{source} {', '.join(f'{line[column]:.2f}' for column in columns)}" for source, line in part.iterrows())

    translation = table[table.index.get_level_values("task") == "translation"]
    questions = table[table.index.get_level_values("task") == "question_answering"]
    hard, soft = "hard, shared tokens", "soft, shared tokens"
    one = counts(lambda line: line["hard"] > 1, ["hard"])
    two = counts(lambda line: 0.5 < line["soft, last"] < 1, ["soft, last"])
    three = counts(lambda line: line[hard] > 10 * line["hard, score"], [hard, "hard, score"], translation)
    size = counts(lambda line: 13 < line[hard] < 52, [hard], translation)
    four = counts(lambda line: line[soft] < line[hard], [soft, hard], questions)
    five = counts(lambda line: line["soft, score"] > line["hard, score"] + 1, ["soft, score", "hard, score"], translation)
    return [
        f"1. hard prompt above ln V: {one[1]} ({one[0]})",
        f"2. soft loss ends below ln V, and above half of it (the creeping is not tested): {two[1]} ({two[0]})",
        f"3. translation, hard: shared tokens more than ten times BLEU: {three[1]}; of the reported size (13 to 52): {size[1]} "
        f"(shared tokens, %, BLEU: {values('translation', hard, 'hard, score')})",
        f"4. questions, fewer shared tokens with the soft prompt: {four[1]} (hard, soft: "
        f"{values('question_answering', hard, soft)}); live, paired test: {paired}",
        f"5. translation, BLEU at least 1 higher with the soft prompt: {five[1]} (hard, soft: "
        f"{values('translation', 'hard, score', 'soft, score')})"]


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
    for ax in axes.flat[max(0, len(names) - columns) : len(names)]:   # the lowest panel of each column
        ax.tick_params(labelbottom=True)
    figure.supxlabel("step", size=SIZE)
    figure.supylabel("validation loss, nats (log scale)", size=SIZE)
    for name, level in references.items():
        axes[0, 0].annotate(name, (0.98, level), xycoords=("axes fraction", "data"), xytext=(0, 2), textcoords="offset points",
                            ha="right", size=SMALL - 0.5, color=SOFT_INK)
    said = "; ".join(f"{name} ends at {curves[name][1][-1]:.3g}" for name in names)
    end = f", {right} at {curves[right][1][-1]:.3g}" if right in curves else ""
    return described(figure, f"Validation loss by step, a panel for each bug (orange), the right pipeline in green: {said}{end}.")


def pattern_figure(panels: Mapping[str, Mapping[str, Line | float]]):
    """Task -> line -> (epochs, losses / ln V), or a level; 1 is even guessing. Lines of one name look alike."""
    looks = {"original, soft": ("#000000", "-", "o"), "original, hard": ("#000000", ":", None), "bug, soft": (GRADIENT, "-", "o"),
             "bug, hard": (GRADIENT, ":", None), "right, soft": ("#009E73", "-", "o"), "right, hard": ("#009E73", ":", None)}
    figure, axes = plt.subplots(1, len(panels), sharey=True, figsize=(WIDTH, 3.1), layout="constrained", squeeze=False)
    for ax, (task, lines) in zip(axes[0], panels.items(), strict=True):
        ax.axhline(1, color=SOFT_INK, linewidth=1)
        for name, line in lines.items():
            color, style, marker = looks[name]
            if isinstance(line, tuple):
                ax.plot(*line, color=color, linestyle=style, marker=marker, markersize=3.5, label=name)
            else:
                ax.axhline(line, color=color, linestyle=style, label=name)
        ax.set_title(task.replace("_", " "), size=SIZE + 0.5, loc="left")
        ax.tick_params(labelsize=SMALL)
        ax.set(xlim=(0.5, 5.5), xticks=range(1, 6))
        ax.set_xlabel("epoch", size=SIZE)
    drawn = [line for lines in panels.values() for line in lines.values()]
    axes[0, 0].set_ylim(-0.06, 1.05 * max(1.0, *(max(line[1]) if isinstance(line, tuple) else line for line in drawn)))
    axes[0, 0].set_ylabel("loss / ln V", size=SIZE)
    axes[0, -1].annotate("even guessing", (0.5, 1), xycoords=("axes fraction", "data"), xytext=(0, -10), ha="center",
                         textcoords="offset points", size=SMALL - 0.5, color=SOFT_INK)
    handles = {label: handle for ax in axes[0] for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=min(6, len(handles)), fontsize=SMALL)

    def end(line) -> float:
        return line[1][-1] if isinstance(line, tuple) else line

    said = "; ".join(f"{task.replace('_', ' ')}: " + ", ".join(f"{name} {end(line):.2f}" for name, line in lines.items())
                     for task, lines in panels.items())
    return described(figure, f"Loss / ln V by epoch; 1 is even guessing. At the end, {said}.")
