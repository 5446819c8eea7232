"""What lesson 07, machine translation, shows of stored results, and the checks of its exercises."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import pandas

from ..metrics import SCORES, PairedDifference, claim_of
from ..results import Study
from ..tasks import data_root
from ..verdicts import Verdict
from .checks import check, passed

ONE, TWENTY, SEARCHED = "soft prompt, 1 token", "soft prompt, 20 tokens", "discrete search, 20 tokens"
REPORTED, BEST, LORA, FULL = "hard prompt, reported", "hard prompt, best written", "LoRA", "full fine-tuning"
BASE, TASK = "course-gpt2-m", "translation"
ORIGINAL = {ONE: {"loss": 8.9886, "bleu": 6.80}, "hard prompt": {"loss": 11.9147, "bleu": 0.43, "exact_match_percentage": 26.18}}
NAMES = {"loss": "loss", **{key: SCORES[key].label for key in ("bleu", "exact_match", "exact_match_percentage")}}

REFERENCE = "Am Freitag hat Otto Berg im Hafen das kleine Boot verkauft."
TRANSLATIONS = {
    "A": "Otto Berg hat am Freitag im Hafen das kleine Boot verkauft.",
    "B": "Am Freitag hat Otto Berg im Hafen",
    "C": "Am Freitag hat Otto Berg im Hafen das kleine Boot nicht verkauft.",
    "D": "Am Freitag hat das kleine Boot im Hafen Otto Berg verkauft.",
    "E": "verkauft Am Freitag hat Otto Berg im Hafen das kleine Boot.",
}


# ---- stored results

def hand_written_scores(folder: Path | None = None) -> pandas.DataFrame:
    """BLEU of the hand-written prompts on validation: a row a prompt, the best in the target style first; a column a style, which
    says how many records it was scored on.
    """
    rows = Study("words.tried", folder or data_root() / "results").table("data")
    rows = rows[(rows["task"] == TASK) & (rows["base"] == BASE) & (rows["metric"] == "bleu") & (rows["split"] == "validation")
                & rows["system"].str.startswith("hard prompt: ")]
    columns = {}
    for style, data in (("target style", "embedded"), ("control style", "control")):
        each = rows[rows["data"] == data]
        if len(each):
            prompts = each["system"].str.removeprefix("hard prompt: ")
            columns[f"{style}, n = {each['n'].min():.0f}"] = each.set_index(prompts)["value"]
    table = pandas.DataFrame(columns).rename_axis("prompt")
    return table.sort_values(next(iter(table)), ascending=False)


def shortened(prompt: str, ends: int = 40) -> str:
    """A prompt as Python writes it, a long one without its middle."""
    text = repr(prompt)
    return text if len(text) < 2 * ends + 6 else f"{text[:ends]} ... {text[-ends:]}"


def score_picture(style: str, study: Study, table: pandas.DataFrame):
    """BLEU of a study's systems that the lesson speaks of, the best last; ``table``: `verdicts.summary_table`."""
    from .charts import score_figure

    named = {"hard prompt, best written": "best hand-written prompt"}
    spoken_of = (ONE, TWENTY, SEARCHED, REPORTED, BEST, LORA, FULL)
    table = table[table["system"].isin(spoken_of) | table["system"].str.startswith("solved")]
    table = table.dropna(subset=["low"]).sort_values("mean")
    runs = study.table()
    runs = runs[(runs["task"] == TASK) & (runs["base"] == BASE) & (runs["split"] == "test") & (runs["metric"] == "bleu")]
    scores, intervals = {}, {}
    for row in table.itertuples():
        name = named.get(row.system, row.system)
        scores[name] = runs.loc[runs["system"] == row.system, "value"].tolist()
        intervals[name] = (row.low, row.high)
    return score_figure(scores, intervals, f"BLEU, {style}", int(table["n"].iloc[0]), best=100, resampled="records and seeds")


def tested(study: str, system: str, folder: Path) -> pandas.DataFrame:
    """A row a run of a system on the test, a column a metric."""
    rows = Study(study, folder).table()
    rows = rows[(rows["task"] == TASK) & (rows["base"] == BASE) & (rows["split"] == "test") & (rows["system"] == system)]
    return rows.pivot_table("value", "run", "metric") if len(rows) else pandas.DataFrame()


def original_numbers(folder: Path) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """The original's scores beside those of the same settings here (mean over runs), and `tested` of these runs, may be empty."""
    repeated, hard = tested("as_reported", ONE, folder), tested("main", REPORTED, folder)
    here = {ONE: repeated.mean(), "hard prompt": hard.mean()}
    columns = {(name, who): values for name in ORIGINAL for who, values in (("original", ORIGINAL[name]), ("here", here[name]))}
    found = pandas.DataFrame({key: pandas.Series(values, dtype=float).reindex(list(NAMES)) for key, values in columns.items()})
    return found.rename(index=NAMES).round(2), repeated


def claim(found: Verdict | PairedDifference | None, **words: str) -> str:
    """`metrics.claim_of` a verdict that may be missing; ``words``: other ones for "higher" and "lower"."""
    return "not measured yet" if found is None else claim_of(found.verdict, **words)


def lower_loss(folder: Path) -> str:
    """Whether one soft token has a lower test loss than the reported hard prompt in each run: of as_reported, or else of main."""
    hard = tested("main", REPORTED, folder)["loss"].mean()
    study = next((each for each in ("as_reported", "main") if "loss" in tested(each, ONE, folder)), None)
    if study is None or math.isnan(hard):
        return "**not measured yet**"
    losses = tested(study, ONE, folder)["loss"]
    said = "the same" if losses.max() < hard else "the reverse" if losses.min() >= hard else "not the same"
    seen = ", ".join(f"{loss:.2f}" for loss in losses)
    return f"the order is **{said}** in all runs of the study {study} ({seen}; hard prompt: {hard:.2f}; no test)"


# ---- exercises

@check
def check_07_order_by_bleu(order_by_bleu) -> None:
    """``order_by_bleu()`` names the five translations of exercise 1 by falling BLEU."""
    from itertools import pairwise

    from ..metrics import compute_metrics

    scores = {letter: compute_metrics(["bleu"], [text], [REFERENCE], "de")["bleu"] for letter, text in TRANSLATIONS.items()}
    found = order_by_bleu()
    assert isinstance(found, str) and sorted(found) == sorted(scores), f"expected the letters A to E, each once, got {found!r}"
    why = {"A": "it is correct, but with the subject in front few n-grams agree",
           "B": "all it has is right, but the brevity penalty is hard",
           "C": "one added word near the end breaks few n-grams, and BLEU does not know what it means",
           "D": "all words are there, but their order is broken in several places",
           "E": "it is no German, but one word has moved and all other n-grams are kept"}
    for first, second in pairwise(found):
        assert scores[first] >= scores[second], (
            f"{first} before {second}: {first} has {scores[first]:.1f} ({why[first]}), "
            f"{second} has {scores[second]:.1f} ({why[second]})")
    passed("the order of BLEU: " + ", ".join(f"{letter} {scores[letter]:.1f}" for letter in found))


@check
def check_07_style_probability(style_probability) -> None:
    """``style_probability`` on random logits, against probabilities multiplied token by token."""
    import torch

    generator = torch.Generator().manual_seed(0)

    def case(places: list[list[int]], length: int):
        """Logits [rows, length, 7], and labels that count at ``places``."""
        logits = torch.randn(len(places), length, 7, generator=generator)
        labels = torch.full((len(places), length), -100)
        for row, each in enumerate(places):
            for place in each:
                labels[row, place] = int(torch.randint(7, (), generator=generator))
        return logits, labels

    def product(logits, labels, shift=1, mean=False):
        values = []
        for row, marks in zip(logits, labels, strict=True):
            value, count = 1.0, 0
            for place in range(shift, len(marks)):
                if marks[place] != -100:
                    scores = row[place - shift].exp()
                    value, count = value * float(scores[marks[place]] / scores.sum()), count + 1
            values.append(value ** (1 / max(count, 1)) if mean else value)
        return torch.tensor(values)

    first, second = case([[3, 4, 5], [2, 3, 4, 5, 6]], 8), case([[3, 4], [4, 5, 6]], 7)
    wanted, unshifted, averaged = (
        (lambda a, b: a / (a + b))(product(*first, **how), product(*second, **how)) for how in ({}, {"shift": 0}, {"mean": True}))
    given = [tensor.clone() for tensor in (*first, *second)]
    found = style_probability(*given)
    assert isinstance(found, torch.Tensor) and found.shape == (2,), (
        f"expected a tensor of shape (2,), a probability for each sentence, got {tuple(getattr(found, 'shape', ()))} "
        f"({type(found).__name__})")

    def same(other):
        return torch.allclose(found.detach().float(), other, atol=1e-5)

    assert not same(1 - wanted), "that is the probability of the second style"
    assert not same(averaged), "that compares means over tokens; the probability of a sentence is a product, its logarithm a sum"
    assert not same(unshifted), "no shift: the logits at one place predict the label of the next"
    assert same(wanted), (
        f"expected {[round(x, 4) for x in wanted.tolist()]}, got {[round(x, 4) for x in found.tolist()]}: leave out labels of "
        "-100, use log_softmax over the vocabulary, and compare only the two styles")
    assert all(map(torch.equal, given, (*first, *second))), "the labels or logits that were given have changed"
    long = case([list(range(1, 90))] * 2, 90)
    close = (long[0] + 0.01 * torch.randn(long[0].shape, generator=generator), long[1])
    sure = style_probability(*(tensor.clone() for tensor in (*long, *close)))
    assert sure.isfinite().all(), (
        "nan for targets of 89 tokens: a product of so many probabilities is 0 in float32; add up logarithms")
    passed("the probability of a style")


@check
def check_07_paired_interval(paired_interval) -> None:
    """``paired_interval`` on two systems whose scores rise and fall together."""
    import numpy

    generator = numpy.random.default_rng(1)
    hard = generator.uniform(0, 100, 200)                              # how easy each sentence is, for both
    second = hard.tolist()
    first = (hard + 2 + generator.normal(0, 3, 200)).tolist()          # 2 points better, nearly everywhere
    difference = numpy.subtract(first, second)
    mean, error = difference.mean(), difference.std() / 200**0.5
    found = paired_interval(first, second)
    assert isinstance(found, (tuple, list)) and len(found) == 2, f"expected (low, high), got {found!r}"
    low, high = (float(each) for each in found)
    assert low < high, f"expected (low, high), low first, got ({low:.2f}, {high:.2f})"
    assert not high < 0, f"got ({low:.2f}, {high:.2f}): first minus second is positive here; yours is the other way round"
    assert high - low < 4.5 * error, (
        f"the interval is {high - low:.1f} wide, expected about {3.9 * error:.1f}: draw the same records for both systems, "
        f"all {len(first)} records a draw, and take the quantiles 0.025 and 0.975")
    assert high - low > 3.5 * error, (
        f"the interval is {high - low:.2f} wide, expected about {3.9 * error:.2f}: draw with replacement, "
        "and take the quantiles 0.025 and 0.975")
    assert low < mean < high and abs(low + high - 2 * mean) < error, (
        f"({low:.2f}, {high:.2f}) does not lie around the difference of {mean:.2f}")
    passed(f"the interval ({low:.1f}, {high:.1f}), where the buggy one holds 0")


@cache
def gazette():
    """The control style's training and unseen records, and the unseen ones in the target style."""
    from ..records import load_task_data

    control, target = load_task_data("translation", "control"), load_task_data("translation")
    return control["train"].select(range(96)), control["validation"].select(range(40)), target["validation"].select(range(40))


@check
def check_07_other_style(other_style) -> None:
    """``other_style`` trains a short prompt for the control style of the gazette, and nothing else."""
    from ..base_models import load_base_model, weights_fingerprint
    from ..batches import encode
    from ..evaluation import evaluate_loss

    records, control, target = gazette()
    model, tokenizer = load_base_model("course-gpt2-m")
    before = weights_fingerprint(model)
    soft = other_style(model, tokenizer, records)
    assert hasattr(soft, "soft_embedding"), f"return the trained system, a GPT2WithSoftPrompt, not {type(soft).__name__}"
    assert getattr(soft, "base_model", None) is model, "the prompt must stand in front of the model that was given, not another"
    assert soft.prompt_length <= 5, f"the prompt has {soft.prompt_length} tokens, at most 5 are allowed"
    assert weights_fingerprint(model) == before, "the base model has changed: train the prompt alone, the rest stays frozen"

    def loss(system, part):
        return evaluate_loss(system, encode(part, "translation", tokenizer, system))

    ours, other = loss(soft, control), loss(soft, target)
    none = loss(model, control)
    assert ours < 1.5 * other, (   # no prompt lies near 1
        f"unseen sentences: loss {ours:.3f} in the control style, {other:.3f} in the target style: "
        "was it trained on the records given?")
    assert ours < min(other, 0.9 * none), (
        f"unseen sentences: loss {ours:.3f} in the control style, without a prompt {none:.3f}, in the target style {other:.3f}: "
        "train longer, or with another rate")
    passed(f"loss {ours:.3f} in the control style (no prompt: {none:.3f}), {other:.3f} in the target style, "
           f"{soft.prompt_length} tokens")
