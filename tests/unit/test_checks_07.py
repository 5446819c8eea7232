"""Plausible wrong answers to lesson 07's exercises: each is told what is wrong. (Stubs and solutions: test_checks.py.)"""

import copy

import numpy
import pytest
import torch

from course_utils import GPT2WithSoftPrompt, TrainingConfig, encode, fit, load_task_data
from course_utils.lessons import checks_07


def log_probability(logits, labels, shift=1, mean=False, mask=True):
    labels, logits = labels[:, shift:], logits[:, : logits.shape[1] - shift]
    counts = labels != -100
    chosen = logits.log_softmax(-1).gather(2, labels.masked_fill(~counts, 0)[..., None])[..., 0]
    total = (chosen * counts if mask else chosen).sum(1)
    return total / counts.sum(1) if mean else total


def style(first_logits, first_labels, second_logits, second_labels, **how):
    return (log_probability(first_logits, first_labels, **how) - log_probability(second_logits, second_labels, **how)).sigmoid()


def only_the_first(first_logits, first_labels, second_logits, second_labels):
    return log_probability(first_logits, first_labels).exp()


def without_logarithms(first_logits, first_labels, second_logits, second_labels):
    def product(logits, labels):
        labels = labels[:, 1:]
        counts = labels != -100
        chosen = logits[:, :-1].softmax(-1).gather(2, labels.masked_fill(~counts, 0)[..., None])[..., 0]
        return chosen.masked_fill(~counts, 1).prod(1)

    first, second = product(first_logits, first_labels), product(second_logits, second_labels)
    return first / (first + second)


def drawn_twice(first, second, draws=1000, seed=0):
    generator, n = numpy.random.default_rng(seed), len(first)
    pick = [numpy.array(scores)[generator.integers(n, size=(draws, n))].mean(1) for scores in (first, second)]
    return tuple(numpy.quantile(pick[0] - pick[1], (0.025, 0.975)))


def paired(first, second, draws=1000, seed=0, size=None, quantiles=(0.025, 0.975), replace=True):
    generator, difference = numpy.random.default_rng(seed), numpy.subtract(first, second)
    size = size or len(difference)
    means = [generator.choice(difference, size, replace=replace).mean() for _ in range(draws)]
    return tuple(numpy.quantile(means, quantiles))


def trained(model, tokenizer, records, length=5, train_base=False, epochs=6):
    soft = GPT2WithSoftPrompt(model, ["[TRANSLATION]"], prompt_length=length)
    parts = [encode(records.select(part), "translation", tokenizer, soft) for part in (range(80), range(80, 96))]
    if train_base:
        with torch.no_grad():
            model.get_input_embeddings().weight.mul_(1.01)
    if epochs:
        fit(soft, *parts, TrainingConfig(epochs=epochs, learning_rate=0.1), progress=False)
    return soft


def in_the_target_style(model, tokenizer, records):
    return trained(model, tokenizer, load_task_data("translation")["train"].select(range(96)), epochs=4)


@pytest.mark.parametrize(("name", "wrong", "hint"), [
    ("order_by_bleu", lambda: "ACBED", "A before C.*subject in front"),
    ("order_by_bleu", lambda: "CEABD", "C before E.*near the end.*no German"),
    ("order_by_bleu", lambda: "ECBAD", "B before A.*brevity"),
    ("order_by_bleu", lambda: "DECAB", "D before E.*several places"),
    ("order_by_bleu", lambda: "ECA", "each once"),
    ("order_by_bleu", lambda: ["E", "C", "A", "B", "D"], "letters A to E"),
    ("style_probability", lambda *given: style(*given, mean=True), "means over tokens"),
    ("style_probability", lambda *given: style(*given, shift=0), "no shift"),
    ("style_probability", lambda *given: style(*given, mask=False), "leave out labels of -100"),
    ("style_probability", lambda *given: 1 - style(*given), "second style"),
    ("style_probability", lambda *given: style(*given).mean(), "for each sentence"),
    ("style_probability", only_the_first, "compare only the two"),
    ("style_probability", without_logarithms, "add up logarithms"),
    ("paired_interval", drawn_twice, "same records for both"),
    ("paired_interval", lambda first, second: paired(second, first), "other way round"),
    ("paired_interval", lambda first, second: paired(first, second, size=20), "all 200 records"),
    ("paired_interval", lambda first, second: paired(first, second, size=60), "all 200 records"),
    ("paired_interval", lambda first, second: paired(first, second, size=100), "all 200 records"),
    ("paired_interval", lambda first, second: paired(first, second, quantiles=(0.05, 0.95)), "quantiles"),
    ("paired_interval", lambda first, second: paired(first, second, quantiles=(0.005, 0.995)), "quantiles"),
    ("paired_interval", lambda first, second: paired(first, second, replace=False), "with replacement|low first"),
    ("paired_interval", lambda first, second: paired(first, second, quantiles=(0.25, 0.75)), "quantiles"),
    ("paired_interval", lambda first, second: paired(first, second)[::-1], "low first"),
    ("other_style", lambda *given: trained(*given, epochs=0), "train longer"),
    ("other_style", in_the_target_style, "trained on the records given"),
    ("other_style", lambda *given: trained(*given, length=20, epochs=0), "at most 5"),
    ("other_style", lambda *given: trained(*given, train_base=True, epochs=0), "base model has changed"),
    ("other_style", lambda model, *rest: trained(copy.deepcopy(model), *rest, epochs=0), "that was given"),
    ("other_style", lambda model, *rest: model, "return the trained system"),
])
def test_wrong_answers_are_told_what_is_wrong(name, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        getattr(checks_07, f"check_07_{name}")(wrong)


def test_the_tables_of_the_originals_claims_know_what_is_missing(tmp_path):
    original, repeated = checks_07.original_numbers(tmp_path)
    assert not len(repeated) and original[checks_07.ONE, "here"].isna().all()
    assert original["hard prompt", "original"]["BLEU"] == 0.43
    assert checks_07.claim(None) == "not measured yet"


def test_stored_results_that_the_lesson_shows():
    folder = checks_07.data_root() / "results"
    scores = checks_07.hand_written_scores()
    assert scores.iloc[:, 0].is_monotonic_decreasing and all(", n = " in column for column in scores)
    assert "order is **the same** in all runs" in checks_07.lower_loss(folder)
    original, _ = checks_07.original_numbers(folder)
    assert original["hard prompt", "here"]["BLEU"] > 50


@pytest.mark.parametrize(("interval", "said"), [((1.0, 2.0), "yes"), ((-2.0, -1.0), "no"), ((-1.0, 1.0), "cannot be told apart")])
def test_a_claim_is_what_its_interval_says(interval, said):
    found = checks_07.Verdict("a", "b", "bleu", sum(interval) / 2, interval, (3, 3), 300)
    assert checks_07.claim(found, higher="yes", lower="no") == said
