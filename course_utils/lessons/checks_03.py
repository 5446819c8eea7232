"""Checks of lesson 03, training a soft prompt."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel

from ..base_models import weights_fingerprint
from ..soft_prompt import GPT2WithSoftPrompt
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
        wanted = [IGNORED] * len(source) + [*target, end]
        assert labels[:-1] != wanted[1:], (
            "the labels are shifted by one: leave them where the tokens are, the loss does the shift")
        assert labels[: len(source)] == wanted[: len(source)], (
            f"the source must not count, its labels are {labels[: len(source)]}")
        assert labels[-1] != IGNORED, "the last label is -100: the end token must count, or the model never learns to stop"
        assert labels[len(source) :] == [*target, end], (
            f"the labels of target {target} are {labels[len(source) :]}: mask positions, not ids; every target token counts")
    passed("the target and its end count, the source does not")


# ---- the shift


def loss_by_positions(logits, labels, shift: int = 1, mean: str = "tokens") -> float:
    """The loss summed position by position: the label at i is scored against the logits at i - ``shift``."""
    rows = []
    for row, wanted in zip(logits.log_softmax(-1), labels.tolist(), strict=True):
        rows.append([-row[i - shift, label].item() for i, label in enumerate(wanted)
                     if label != IGNORED and 0 <= i - shift < len(wanted)])
    if mean == "rows":
        return sum(sum(row) / len(row) for row in rows) / len(rows)
    total = sum(map(sum, rows))
    return total if mean == "sum" else total / (labels.numel() if mean == "positions" else sum(map(len, rows)))


@check
def check_03_masked_loss(masked_loss) -> None:
    """``masked_loss(logits, labels)`` against a sum over positions, for rows with different numbers of labels."""
    generator = torch.Generator().manual_seed(0)
    for batch, text, vocab in ((1, 6, 5), (3, 9, 7)):
        logits = torch.randn(batch, text, vocab, generator=generator)
        labels = torch.full((batch, text), IGNORED)
        for row in range(batch):
            end = 5 + row   # the rest is padding
            labels[row, 3 : end] = torch.randint(vocab, (end - 3,), generator=generator)
        loss = masked_loss(logits.clone(), labels.clone())
        assert torch.is_tensor(loss), (
            f"return a tensor, got {type(loss).__name__}: a plain number has no gradient, and nothing could be trained with it")
        assert loss.dim() == 0, f"expected one number for the batch, got the shape {tuple(loss.shape)}"
        loss, wanted = float(loss), loss_by_positions(logits, labels)

        def is_(other: float, loss=loss) -> bool:
            return abs(loss - other) < 1e-4

        assert not is_(loss_by_positions(logits, labels, 0)), (
            "the shift is missing: each position is scored on the token that it has just read; logits at i predict token i + 1")
        assert not is_(loss_by_positions(logits, labels, 2)), (
            "shifted twice: the label at i belongs to the logits at i - 1, here it met those at i - 2")
        assert not is_(loss_by_positions(logits, labels, -1)), (
            "shifted the wrong way: drop the last position of the logits and the first of the labels, not the other way round")
        assert not is_(-wanted), "the sign is wrong: a log-probability is negative, a loss is not"
        assert not is_(wanted / math.log(2)), "these are bits (log2); nats take the natural logarithm"
        assert not is_(loss_by_positions(logits, labels, mean="sum")), "this is the sum; divide by the number of labels"
        assert batch == 1 or not is_(loss_by_positions(logits, labels, mean="rows")), (
            "this is the mean of the rows' means; average over tokens, so that every target token weighs the same")
        for positions in (labels.numel(), labels[:, 1:].numel()):
            assert not is_(loss_by_positions(logits, labels, mean="sum") / positions), (
                "divide by the number of labels that count, not by all positions: those with -100 must not dilute the mean")
        assert is_(wanted), f"expected {wanted:.4f} nats, got {loss:.4f}"
    passed("shifted by one, target tokens only, a mean over tokens")


# ---- the loop


def tiny_run():
    """A random base model of a few thousand weights with a soft prompt, and batches for it."""
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=40, n_positions=32, n_embd=16, n_layer=1, n_head=2, resid_pdrop=0.0, embd_pdrop=0.0,
                        attn_pdrop=0.0, initializer_range=0.3, bos_token_id=0, eos_token_id=0)
    soft = GPT2WithSoftPrompt(GPT2LMHeadModel(config), prompt_length=3)
    generator, batches = torch.Generator().manual_seed(1), []
    for _ in range(6):
        ids = torch.randint(1, 40, (4, 8), generator=generator)
        ids = torch.cat([torch.tensor([soft.prompt_ids()] * 4), ids], 1)
        labels = ids.masked_fill(torch.arange(11) < 6, IGNORED)
        batches.append({"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels})
    return soft, batches


def trained_rows(rate: float, decay: float = 0.0, zero: bool = True, fresh: bool = False, kind=torch.optim.AdamW,
                 ascend: bool = False, step: bool = True, last: int = 0, clip: float | None = 1.0,
                 losses: list[float] | None = None) -> torch.Tensor:
    """What the loop makes of the rows of `tiny_run`, with one of the usual mistakes or none; ``losses`` gets each step's loss."""
    soft, batches = tiny_run()
    rows = soft.soft_embedding.weight
    options = {"lr": rate} if kind is torch.optim.SGD else {"lr": rate, "weight_decay": decay}
    optimizer = kind([rows], **options)
    for batch in batches[: len(batches) - last]:
        loss = soft(**batch).loss
        if losses is not None:
            losses.append(loss.item())
        (-loss if ascend else loss).backward()
        if clip:
            torch.nn.utils.clip_grad_norm_([rows], clip)
        optimizer = kind([rows], **options) if fresh else optimizer
        if step:
            optimizer.step()
        if zero:
            optimizer.zero_grad()
    return rows.detach()


MISTAKES = {   # what the rows look like -> what to say
    "the rows have not moved: after backward() the optimizer must take a step()": {"step": False},
    "gradients of earlier batches are still there: call zero_grad() in every step": {"zero": False},
    "AdamW's weight decay is on: its default is 0.01; pass weight_decay=0.0": {"decay": 0.01},
    "the optimizer is made anew in every step and forgets its averages: make it once, in front of the loop": {"fresh": True},
    "this is plain gradient descent (SGD): use torch.optim.AdamW": {"kind": torch.optim.SGD},
    "the loss is climbed, not descended: call backward() on the loss itself": {"ascend": True},
    "not every batch was used: take one step for each": {"last": 1},
}


@check
def check_03_train_rows(train_rows) -> None:
    """``train_rows(soft, batches, learning_rate)`` against the same loop, and against the loop with each usual mistake."""
    for rate in (0.3, 0.05):
        soft, batches = tiny_run()
        before = weights_fingerprint(soft.base_model)
        losses = train_rows(soft, batches, rate)
        assert weights_fingerprint(soft.base_model) == before, (
            "the base model has changed: the optimizer gets the rows alone, soft.soft_embedding.weight")
        rows = soft.soft_embedding.weight.detach()

        def is_(found: torch.Tensor, rows=rows) -> bool:
            return torch.allclose(found, rows, rtol=1e-4, atol=1e-5)

        right = any(is_(trained_rows(rate, clip=clip)) for clip in (1.0, None))
        for problem, changes in MISTAKES.items():
            assert right or not any(is_(trained_rows(rate, **{"clip": clip, **changes})) for clip in (1.0, None)), problem
        assert right, (f"after {len(batches)} batches at the rate {rate} the rows are not those that AdamW without weight "
                       "decay makes of them: forward, backward, step and zero_grad once a batch, in this order")
        assert isinstance(losses, list) and len(losses) == len(batches), (
            f"return a list with the loss of each of the {len(batches)} steps, got {type(losses).__name__}")
        assert all(isinstance(loss, float) for loss in losses), (
            "the losses are tensors, and each keeps its whole graph in memory: take loss.item()")
        clip = next(clip for clip in (1.0, None) if is_(trained_rows(rate, clip=clip)))
        expected: list[float] = []
        trained_rows(rate, clip=clip, losses=expected)
        with torch.no_grad():
            expected[0] = cross_entropy_of(*tiny_run())
        for i, (loss, wanted) in enumerate(zip(losses, expected, strict=True)):
            assert abs(loss - wanted) < 1e-3 * max(1, wanted), (
                f"the loss of step {i + 1} is {loss:.4f}, expected {wanted:.4f}: that of batch {i + 1}, before its step "
                "changes the rows")
    passed("the rows are trained, the base model is not, one step a batch")


def cross_entropy_of(soft, batches) -> float:
    """The loss of the first batch, from all logits."""
    batch = batches[0]
    logits = soft(batch["input_ids"], batch["attention_mask"]).logits[:, :-1]
    return cross_entropy(logits.flatten(0, 1), batch["labels"][:, 1:].flatten()).item()


# ---- a comparison


SCENARIOS = [   # made-up losses of two starts by seed: lower, overlapping, higher, overlapping with a lucky run, and by a little
    {"vocab": [0.10, 0.12, 0.11, 0.12, 0.10], "normal": [0.30, 0.50, 0.41, 0.33, 0.45]},
    {"vocab": [0.10, 0.29, 0.11, 0.12, 0.10], "normal": [0.20, 0.28, 0.31, 0.33, 0.45]},
    {"vocab": [0.50, 0.49, 0.61, 0.53, 0.60], "normal": [0.20, 0.28, 0.31, 0.33, 0.45]},
    {"vocab": [0.10, 0.80, 0.75, 0.78, 0.70], "normal": [0.20, 0.28, 0.31, 0.33, 0.45]},
    {"vocab": [0.10, 0.22, 0.11, 0.12, 0.10], "normal": [0.20, 0.40, 0.41, 0.33, 0.45]},
    {"vocab": [0.20, 0.40, 0.41, 0.33, 0.45], "normal": [0.10, 0.22, 0.11, 0.12, 0.10]},
]


@check
def check_03_compare_starts(compare_starts) -> None:
    """``compare_starts(trained_loss, first, second)`` on made-up runs whose verdict is known."""
    for losses in SCENARIOS:
        asked: list[tuple[str, int]] = []

        def trained_loss(start, seed, losses=losses, asked=asked):
            asked.append((start, seed))
            return losses[start][seed % 5]

        claim = compare_starts(trained_loss, "vocab", "normal")
        seeds = {start: [seed for each, seed in asked if each == start] for start in losses}
        assert all(seeds.values()), "train both: call trained_loss(first, seed) and trained_loss(second, seed)"
        assert all(len(set(each)) >= 3 for each in seeds.values()), (
            f"{min(len(set(each)) for each in seeds.values())} seed: one run tells nothing about the next; use three or more")
        assert set(seeds["vocab"]) == set(seeds["normal"]), (
            f"different seeds, {sorted(set(seeds['vocab']))} and {sorted(set(seeds['normal']))}: give both the same data")
        assert claim in ("lower", "higher", "cannot be told apart"), (
            f'return "lower", "higher" or "cannot be told apart", got {claim!r}')
        runs = {start: [losses[start][seed % 5] for seed in set(seeds[start])] for start in losses}
        best = {start: min(each) for start, each in runs.items()}
        truth = ("lower" if max(runs["vocab"]) < min(runs["normal"]) else
                 "higher" if min(runs["vocab"]) > max(runs["normal"]) else "cannot be told apart")
        assert claim == truth or truth != "cannot be told apart", (
            f'you say "{claim}", but the runs overlap: {sorted(runs["vocab"])} and {sorted(runs["normal"])}; a mean or a '
            "best run does not tell them apart")
        assert claim == truth, (
            f'"{claim}" is wrong where {sorted(runs["vocab"])} meets {sorted(runs["normal"])}: the claim is about the first '
            f"start, and a lower loss is {'lower' if best['vocab'] < best['normal'] else 'not higher'}")
    passed("the same seeds for both, and no claim where the runs overlap")
