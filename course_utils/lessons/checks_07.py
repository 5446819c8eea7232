"""Checks of lesson 07, machine translation."""

from __future__ import annotations

from functools import cache

from .checks import check, passed

REFERENCE = "Am Freitag hat Otto Berg im Hafen das kleine Boot verkauft."
TRANSLATIONS = {
    "A": "Otto Berg verkaufte am Freitag im Hafen das kleine Boot.",
    "B": "Am Freitag hat Otto Stein im Hafen das kleine Boot verkauft.",
    "C": "Am Freitag hat Otto Berg im Hafen das kleine Boot verbrannt.",
    "D": "Am Freitag hat Otto Berg im Hafen",
    "E": "Boot Freitag kleine Otto das Am verkauft hat Hafen Berg im.",
}


@check
def check_07_order_by_bleu(order_by_bleu) -> None:
    """``order_by_bleu()`` names the five translations of exercise 1 by falling BLEU."""
    from itertools import pairwise

    from ..metrics import compute_metrics

    scores = {letter: compute_metrics(["bleu"], [text], [REFERENCE], "de")["bleu"] for letter, text in TRANSLATIONS.items()}
    found = order_by_bleu()
    assert isinstance(found, str) and sorted(found) == sorted(scores), f"expected the letters A to E, each once, got {found!r}"
    why = {"A": "it is correct, but in the other style few rows of words agree",
           "B": "one wrong word in the middle breaks seven rows",
           "C": "one wrong word near the end breaks fewer rows", "D": "all it has is right, but the brevity penalty is hard",
           "E": "single words agree, and no row of two"}
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
    passed("the probability of a style")


@check
def check_07_paired_interval(paired_interval) -> None:
    """``paired_interval`` on two systems whose scores rise and fall together, and on two that do not differ."""
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
    assert high - low < 8 * error, (
        f"the interval is {high - low:.1f} wide, expected about {3.9 * error:.1f}: draw the same records for both systems, and "
        f"all {len(first)} records a draw")
    assert high - low > 2.5 * error, (
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
