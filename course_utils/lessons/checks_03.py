"""Checks of lesson 03, training a soft prompt."""

from __future__ import annotations

import math

import torch

from .checks import check, passed

IGNORED = -100


@check
def check_03_build_example(build_example) -> None:
    """``build_example(source_ids, target_ids, end_id)`` position by position, with end ids inside source and target too."""
    for source, target, end in (([5, 6, 7], [8, 9], 0), ([4], [3], 0), ([2, 1, 2], [2, 5, 6, 2], 2)):
        result = build_example(list(source), list(target), end)
        assert isinstance(result, tuple) and len(result) == 2, (
            f"return two lists, (input_ids, labels), not {type(result).__name__}")
        input_ids, labels = map(list, result)
        length = len(source) + len(target) + 1
        assert input_ids == [*source, *target, end], (
            f"for source {source}, target {target} and end {end} the input is {input_ids}: "
            "expected source, target, end token in one row")
        assert len(labels) == length, (
            f"{len(labels)} labels for {length} input tokens: every position has one, -100 where nothing counts")
        assert labels[-1] != IGNORED, "the last label is -100: the end token must count, or the model never learns to stop"
        assert labels != [*input_ids[1:], IGNORED] and labels[len(source) - 1] == IGNORED, (
            "the labels are shifted by one: leave them where the tokens are, the model does the shift")
        assert labels[: len(source)] == [IGNORED] * len(source), (
            f"the source must not count, its labels are {labels[: len(source)]}")
        assert labels[len(source) :] == [*target, end], (
            f"the labels of target {target} are {labels[len(source) :]}: mask positions, not ids; every target token counts")
    passed("the target and its end count, the source does not")


@check
def check_03_frequency_loss(frequency_loss) -> None:
    """``frequency_loss(train_targets, test_targets, vocab_size)`` against counts made one token at a time."""
    for train, test, vocab_size in (([[1, 1, 2], [3]], [[1], [2, 3, 0]], 4), ([[0, 4, 4, 4, 1]], [[4], [4, 4, 3]], 7)):
        seen = [token for target in train for token in target]
        probability = [(seen.count(token) + 1) / (len(seen) + vocab_size) for token in range(vocab_size)]
        tokens = [token for target in test for token in target]
        wanted = -sum(math.log(probability[token]) for token in tokens) / len(tokens)
        loss = float(frequency_loss(train, test, vocab_size))
        assert math.isfinite(loss), (
            f"the loss is {loss}: a token that training never saw has probability 0; add one to every count")
        by_example = -sum(sum(math.log(probability[t]) for t in target) / len(target) for target in test) / len(test)
        assert abs(loss - by_example) > 1e-4, (
            "this is the mean over examples; average over tokens, so that long targets weigh more")
        assert abs(loss + wanted) > 1e-4, "the sign is wrong: a log-probability is negative, a loss is not"
        assert abs(loss - wanted / math.log(2)) > 1e-4, "these are bits (log2); nats take the natural logarithm"
        assert abs(loss - wanted) < 1e-4, (
            f"expected {wanted:.4f} nats, got {loss:.4f}: after adding one to all {vocab_size} counts, divide by their new sum")
    passed("counts plus one, mean over tokens, in nats")


@check
def check_03_loss_per_example(loss_per_example) -> None:
    """``loss_per_example(logits, labels)`` against a sum over positions, for rows with different numbers of labels."""
    generator = torch.Generator().manual_seed(0)
    for batch, text, vocab in ((1, 4, 5), (3, 6, 7)):
        logits = torch.randn(batch, text, vocab, generator=generator)
        labels = torch.full((batch, text), IGNORED)
        for row in range(batch):
            labels[row, 2 : 4 + row] = torch.randint(vocab, (len(labels[row, 2 : 4 + row]),), generator=generator)

        def reference(shift, logits=logits, labels=labels):
            means = []
            for row, wanted in zip(logits.log_softmax(-1), labels, strict=True):
                kept = [i for i in range(len(wanted)) if wanted[i] != IGNORED and i - shift >= 0]
                means.append(-sum(row[i - shift, wanted[i]].item() for i in kept) / len(kept))
            return torch.tensor(means)

        losses = loss_per_example(logits.clone(), labels.clone())
        assert isinstance(losses, torch.Tensor) and tuple(losses.shape) == (batch,), (
            f"expected shape ({batch},), one loss per example, got {tuple(getattr(losses, 'shape', ()))}: keep the batch")
        wanted = reference(1)
        assert not torch.allclose(losses, reference(0), atol=1e-4), (
            "the shift is missing: each position is compared with the token it has just read; logits at i predict token i + 1")
        counts = (labels != IGNORED).sum(1)
        assert not torch.allclose(losses, wanted * counts / (text - 1), atol=1e-4), (
            "divide by the number of labels in the row, not by its length: positions with -100 must not dilute the mean")
        assert not torch.allclose(losses, wanted * counts, atol=1e-4), (
            "these are sums; divide each by the number of labels in its row")
        assert torch.allclose(losses, wanted, atol=1e-4), f"expected {wanted.tolist()}, got {losses.tolist()}"
    passed("one loss per example, shifted by one, over its own labels")
