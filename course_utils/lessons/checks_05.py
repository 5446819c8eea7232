"""Lesson 05, summarization: what it needs beside its own code, and the checks of its exercises."""

from __future__ import annotations

import functools
import math
import re

import numpy
import torch

from .checks import check, passed
from .clinic import REPORTED as ALL_REPORTED
from .clinic import REPORTED_VOCABULARY
from .errors import NAME, THING, chosen_event

ORIGINAL = ALL_REPORTED["summarization"]
# What the original report prints for this task: GPT-2, one soft token, validation loss of each epoch; then the test.
REPORTED = {"validation loss": ORIGINAL["epochs"], "soft prompt, loss": ORIGINAL["soft"], "hard prompt, loss": ORIGINAL["hard"],
            "hard prompt, ROUGE": 0.27, "soft prompt, shared tokens": ORIGINAL["soft set %"], "vocabulary": REPORTED_VOCABULARY}
SOFT_TOKEN = "[SUMMARIZE]"
# Systems of the studies, in the figures' order -> their names in this lesson.
NAMES = {"copy of the source": "copy of the report", "lead sentence": "lead sentence",
         "hard prompt, reported": "hard prompt, reported", "hard prompt, best written": "best hand-written prompt",
         "solved examples, 1": "1 in-context example", "solved examples, 2": "2 in-context examples",
         "solved examples, 4": "4 in-context examples", "discrete search, 20 tokens": "discrete search, 20 tokens",
         **{name: name for name in ("soft prompt, 1 token", *(f"soft prompt, {length} tokens" for length in (5, 20, 50, 100)),
                                    "P-tuning, 20 tokens", "prefix tuning, 20 tokens", "LoRA", "full fine-tuning")}}
WRITTEN, FULL = ("hard prompt, reported", "hard prompt, best written"), "full fine-tuning"
SOFT = ("soft prompt, 1 token", "soft prompt, 20 tokens")
CROWD = re.compile(r"[Aa]bout (\d[\d,]*)")

# ---- what the lesson uses


def gazette_reader(scale, model, tokenizer, soft):
    """Model, tokenizer and soft prompt that read the gazette: those at hand, or course-gpt2-m with the prompt that ships."""
    if scale.base_model == "course-gpt2-m":
        return model, tokenizer, soft
    from ..base_models import load_base_model
    from ..soft_prompt import GPT2WithSoftPrompt
    from ..tasks import data_root

    model, tokenizer = load_base_model("course-gpt2-m")
    soft = GPT2WithSoftPrompt(model, [SOFT_TOKEN], prompt_length=20)
    soft.load_prompt(data_root() / "prompts" / "summarization")
    return model, tokenizer, soft


def swap_crowds(document: str) -> str:
    """A report of the gazette with the two numbers of visitors exchanged. ValueError unless it names two."""
    found = list(CROWD.finditer(document))
    if len(found) != 2:
        raise ValueError(f"expected two numbers of visitors ('about 80'), found {len(found)}")
    first, second = found
    return (document[: first.start(1)] + second[1] + document[first.end(1) : second.start(1)] + first[1]
            + document[second.end(1) :])


def curve(rows, metric: str, split: str = "validation"):
    """A trained system's scores by step: steps [points], values [seeds, points], as far as all seeds were trained."""
    rows = rows[(rows["split"] == split) & (rows["metric"] == metric)]
    table = rows.pivot_table(index="seed", columns="step", values="value").dropna(axis=1)
    return table.columns.tolist(), table.to_numpy()


def curve_in_words(rows, name: str, most: int = 8) -> str:
    """What ROUGE-L the curve of a system has after one pass and at its end, and after how many passes its runs stopped."""
    rows = rows[rows["system"] == name]
    _, values = curve(rows, "rougeL")
    passes = rows[(rows["split"] == "validation") & (rows["metric"] == "rougeL")].groupby("seed").size().tolist()
    return (f"{name}: ROUGE-L {values[:, 0].mean():.3f} after one pass, {values[:, -1].mean():.3f} at the curve's end; runs of "
            + ", ".join(map(str, passes)) + f" passes{', all of them up to the cap' if min(passes) == most else ''}")


def stored_scores(study, base: str = "course-gpt2-m"):
    """ROUGE-L of a study's systems on the test: name -> a score for each seed, name -> its interval; the number of records."""
    from ..verdicts import summary_table

    summary = summary_table(study, "summarization", base).set_index("system")
    rows = study.table()
    rows = rows[(rows["task"] == "summarization") & (rows["base"] == base) & (rows["split"] == "test")
                & (rows["metric"] == "rougeL")]
    stored = [name for name in NAMES if name in summary.index]
    scores = {NAMES[name]: rows[rows["system"] == name]["value"].tolist() for name in stored}
    intervals = {NAMES[name]: tuple(summary.loc[name, ["low", "high"]]) for name in stored if summary["low"].notna()[name]}
    return scores, intervals, int(summary["n"].iloc[0])


def what_moved(answers, wanted, lower: str, higher: str) -> str:
    """How often ``higher`` writes "other", and "name" or "thing", minus ``lower``, with 95% intervals over records.

    ``answers``: name -> runs of summaries; ``wanted``: the references.
    """
    told = {name: [[chosen_event(*pair) for pair in zip(run, wanted, strict=True)] for run in answers[name]]
            for name in (lower, higher)}
    said = []
    for label, kinds in (("*other*", ("other",)), ("*name* and *thing* together", (NAME, THING))):
        runs = ([[kind in kinds for kind in run] for run in told[name]] for name in (higher, lower))
        gap, low, high, found = difference_interval(*runs)
        said.append(f"{label} {100 * gap:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}], {found}")
    return f"From {lower} to {higher}: {'; '.join(said)}."


def about_sizes(told) -> str:
    """How often trained systems tell the main event, minus the best written prompt, with 95% intervals over records.

    ``told``: size -> system -> [runs, records], true where a summary tells it. Sizes on which no summary does are left out.
    """
    lines, words = [], WRITTEN[1]
    for name in (*SOFT, FULL):
        said = []
        for size, its in told.items():
            if {name, words} <= set(its) and any(numpy.any(each) for each in its.values()):
                gap, low, high, found = difference_interval(its[name], its[words])
                said.append(f"{size} {100 * gap:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}], {found}")
        lines += [f"- {name} minus the best hand-written prompt, points: {'; '.join(said)}"] if said else []
    return "\n".join(lines)


def sign_test(first: int, second: int) -> float:
    """The two-sided p of a sign test: of ``first + second`` pairs that differ, ``first`` speak for one side."""
    n = first + second
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(min(first, second) + 1)) / 2**n) if n else 1.0


def stored_answers(study, base: str = "course-gpt2-m") -> dict[str, list[list[str]]]:
    """What each system of a study wrote for the test reports of the gazette: name -> a list of summaries for each run."""
    from ..verdicts import TestRuns

    return TestRuns(study, "summarization", base).answers()


def difference_interval(first, second) -> tuple[float, float, float, str]:
    """Mean of ``first`` minus ``second``, each [runs, records], its 95% interval over resampled records, and the verdict."""
    from ..metrics import verdict_of
    from .charts import resampled_interval

    each = numpy.mean(first, axis=0) - numpy.mean(second, axis=0)
    low, high = resampled_interval(each)
    return float(each.mean()), low, high, verdict_of(low, high)


# ---- checks


@functools.cache
def _small_world():
    """A course model, its tokenizer, and a soft prompt whose rows are far from any token's, so that leaving it out shows."""
    from ..base_models import load_base_model
    from ..soft_prompt import GPT2WithSoftPrompt

    model, tokenizer = load_base_model("course-gpt2-xs")
    soft = GPT2WithSoftPrompt(model, [SOFT_TOKEN], prompt_length=4, init="random")
    with torch.no_grad():
        soft.soft_embedding.weight.mul_(3)
    return model, tokenizer, soft


PAIRS = (("Anna Berg sang a song. Paul Falk cooked a stew.\nSummary:", " Anna Berg sings a song."),
         ("The river was high.\nSummary:", " Paul Falk cooks a stew in the kitchen because the guests are hungry."))


def _pairs_of_ids(tokenizer) -> list[tuple[list[int], list[int]]]:
    from ..batches import token_ids

    return [(token_ids(tokenizer, source), token_ids(tokenizer, target)) for source, target in PAIRS]


@torch.no_grad()
def _log_probabilities(model, ids: list[int]) -> torch.Tensor:
    """[positions, vocabulary] behind each of ``ids``."""
    return model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)


@check
def check_05_log_probability(log_probability) -> None:
    """``log_probability(soft, source, target)`` against logits that are added up token by token, growing the text."""
    model, tokenizer, soft = _small_world()
    for source, target in _pairs_of_ids(tokenizer):
        def total(system, source=source, target=target) -> float:
            return sum(float(_log_probabilities(system, source + target[:n])[-1, token]) for n, token in enumerate(target))

        with torch.no_grad():
            found = float(log_probability(soft, list(source), list(target)))
            wanted, alone = total(soft), total(model)
            whole = _log_probabilities(soft, source + target)[soft.prompt_length :]
        unshifted = float(whole[range(len(source), len(whole)), target].sum())
        every = float(whole[range(len(whole) - 1), (source + target)[1:]].sum())
        assert abs(found - alone) > 1e-2, "this is the probability without the soft prompt: call soft, not soft.base_model"
        assert abs(found - unshifted) > 1e-2, "you look tokens up at their own position: the logits one place before predict them"
        assert abs(found - every) > 1e-2, "you add up the source's tokens, too: only the target counts"
        assert abs(found + wanted) > 1e-2, "this is the loss: a log-probability is negative"
        assert abs(found - wanted / len(target)) > 1e-2, "this is the mean: a text's probability is a product, so add the logs up"
        assert abs(found + wanted / len(target)) > 1e-2, "this is the mean loss: add the log-probabilities up, with their sign"
        assert abs(found - wanted) < 1e-2, f"expected {wanted:.2f}, got {found:.2f}: logits one place before each target token"
    passed("the probability of a summary behind [prompt][report]")


@check
def check_05_write_freely(write_freely) -> None:
    """``write_freely(soft, source, length)`` against the library's greedy generation."""
    model, tokenizer, soft = _small_world()
    for source, target in _pairs_of_ids(tokenizer):
        length = len(target)
        found = [int(token) for token in write_freely(soft, list(source), length)]
        wanted = _greedy(soft, source, length)
        first = int(_log_probabilities(soft, source)[-1].argmax())
        assert len(found) != length + len(source), "return the new tokens alone, without the source"
        assert len(found) == length, f"expected {length} new tokens, got {len(found)}"
        assert found != _greedy(model, source, length), "this is what the model writes without the soft prompt: call soft"
        assert found != [first] * length or wanted == found, "each step must read what was written: append the token to the ids"
        reread = _log_probabilities(soft, source)[soft.prompt_length :].argmax(-1).tolist()
        assert found[: len(source)] != reread[: len(found)] or found == wanted, (
            "these are predictions inside the source: take the logits at the last position")
        assert found == wanted, (
            f"expected {tokenizer.decode(wanted)!r}, got {tokenizer.decode(found)!r}: argmax of the last logits")
    passed("a summary that nobody helped to write")


def _greedy(model, source: list[int], length: int) -> list[int]:
    ids = list(source)
    for _ in range(length):
        ids.append(int(_log_probabilities(model, ids)[-1].argmax()))
    return ids[len(source) :]


REPORTS = (
    "Rudolf Kraft presented the big chronicle on Tuesday because a book festival was coming up. He did this in the bookshop. "
    "Cook Rosa Graf cooked the spicy fish soup in the kitchen on 10 June. The reason for the cooking: a cooking contest was "
    "taking place. About 40 people watched the cooking. The presentation drew about 80 people.",
    "In Brunnthal, Luise Horn led the big dance contest on 13 June. It drew about 190 people. The reason for the contest: a "
    "sponsor had been found. Elsa Peters pushed a damaged fire engine at the petrol station on 10 February. About 20 people "
    "watched the pushing.")
PEOPLE = (("Rudolf Kraft", "Rosa Graf"), ("Luise Horn", "Elsa Peters"))


@check
def check_05_edit(edit) -> None:
    """``edit(document)`` changes a report in one way that leaves both events in it."""
    for report, people in zip(REPORTS, PEOPLE, strict=True):
        found = edit(report)
        assert isinstance(found, str), f"return the changed report as one text, not {type(found).__name__}"
        assert found != report, f"nothing has changed in the report that begins {report[:40]!r}"
        assert found.split() != report.split(), "only blanks or line breaks have changed: change what the report says"
        assert all(name in found for name in people), f"both people must stay, so that there is a choice: {', '.join(people)}"
        assert found != swap_crowds(report), "the lesson exchanged the two numbers already: change something else"
        lost = 1 - len(found.split()) / len(report.split())
        assert lost < 0.5, f"{100 * lost:.0f}% of the words are gone: change one thing, so that you know what made the difference"
        assert edit(report) == found, "the same report must come out the same each time"
    passed("one change, both events still there: now measure it")
