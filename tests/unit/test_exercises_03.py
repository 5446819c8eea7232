"""Plausible wrong answers to lesson 03's exercises: each is told what is wrong. (Stubs and solutions: test_exercises.py.)"""

import math

import pytest
import torch.nn.functional as F

from course_utils import exercises


def masks_the_end(source, target, end):
    return [*source, *target, end], [-100] * len(source) + [*target, -100]


def masks_by_id(source, target, end):
    ids = [*source, *target, end]
    return ids, [-100] * len(source) + [-100 if i == end else i for i in [*target, end]]


def masks_inner_ends(source, target, end):
    return [*source, *target, end], [-100] * len(source) + [-100 if i == end else i for i in target] + [end]


def forgets_the_end(source, target, end):
    return [*source, *target], [-100] * len(source) + [*target]


def counts_the_source(source, target, end):
    return [*source, *target, end], [*source, *target, end]


def shifts_by_hand(source, target, end):
    return [*source, *target, end], [-100] * (len(source) - 1) + [*target, end, 1]


def frequency(train, test, vocab_size, plus=1, log=math.log, sign=-1):
    seen = [i for target in train for i in target]
    p = [(seen.count(i) + plus) / (len(seen) + plus * vocab_size) for i in range(vocab_size)]
    tokens = [i for target in test for i in target]
    return sign * sum(log(p[i]) if p[i] else -math.inf for i in tokens) / len(tokens)


def mean_over_examples(train, test, vocab_size):
    return sum(frequency(train, [target], vocab_size) for target in test) / len(test)


def no_shift(logits, labels):
    return F.cross_entropy(logits.transpose(1, 2), labels, reduction="none").sum(1) / (labels != -100).sum(1)


def mean_over_positions(logits, labels):
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none").mean(1)


def sums(logits, labels):
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none").sum(1)


def one_mean(logits, labels):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


@pytest.mark.parametrize(("name", "wrong", "hint"), [
    ("build_example", masks_the_end, "never learns to stop"),
    ("build_example", masks_by_id, "never learns to stop"),
    ("build_example", masks_inner_ends, "positions, not ids"),
    ("build_example", forgets_the_end, "source, target, end token"),
    ("build_example", counts_the_source, "source must not count|shifted by one"),
    ("build_example", shifts_by_hand, "shifted by one"),
    ("frequency_loss", lambda *given: frequency(*given, plus=0), "add one"),
    ("frequency_loss", mean_over_examples, "average over tokens"),
    ("frequency_loss", lambda *given: frequency(*given, sign=1), "sign"),
    ("frequency_loss", lambda *given: frequency(*given, log=math.log2), "natural logarithm"),
    ("frequency_loss", lambda train, test, vocab_size: math.log(vocab_size), "expected"),
    ("loss_per_example", no_shift, "shift is missing"),
    ("loss_per_example", mean_over_positions, "number of labels in the row"),
    ("loss_per_example", sums, "these are sums"),
    ("loss_per_example", one_mean, "keep the batch"),
])
def test_wrong_answers_are_told_what_is_wrong(name, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        getattr(exercises, f"check_03_{name}")(wrong)
