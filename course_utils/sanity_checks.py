"""Five checks that tell whether a falling loss is the right loss. They take seconds, and `fit` runs them when asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from .batches import IGNORED, EncodedDataset, collate, max_positions
from .evaluation import evaluate_loss, unigram_loss
from .loss import counted, token_losses
from .soft_prompt import GPT2WithSoftPrompt
from .systems import PeftPromptTuning, PlainModel, as_system

BELOW_UNIFORM, BELOW_UNIGRAM, REAL_TOKENS = "1 below ln V", "2 below unigram", "3 real tokens"
FEW_EXAMPLES, SOURCE_MATTERS = "4 few examples", "5 source matters"
EXAMPLES = 8
DROP = 0.8  # of the loss at first: what a few examples must be learned to ...
KNOWN = 0.05  # ... or to this, in nats
RISE = 0.25, 0.1  # what wrong sources must cost: so many nats per token, or this part of the loss if that is less

CHECKS = {  # what it means to fail, and likely causes
    BELOW_UNIFORM: "even guessing among all tokens does better: logits of other positions are scored (no shift, labels off by "
                   "the prompt, the target never fed in)",
    BELOW_UNIGRAM: "a table of token frequencies does better: logits of other positions are scored, or the base model is weak "
                   "here",
    REAL_TOKENS: "not the logits of the same tokens read by the base model row by row: look at shift, positions, mask, side of "
                 "the padding, order of prompt and text",
    FEW_EXAMPLES: "a few examples cannot be learned by heart: no gradient reaches what is trained, the labels are wrong, the "
                  "prompt starts far from every token, or the learning rate is too low or too high",
    SOURCE_MATTERS: "another record's source does as well: the source never arrives or counts as target, logits of other "
                    "positions are scored, or the base model is weak here",
}


class SanityCheckFailed(ValueError):
    """A check that `fit` was asked for did not pass."""


@dataclass(frozen=True)
class CheckResult:
    """One check: its ``name`` (`CHECKS`), whether it ``passed``, the ``numbers`` that it compared, and what that ``means``.

    ``certain``: no right pipeline fails like this, whatever the base model; else a weak base model may be the cause.
    """

    name: str
    passed: bool
    numbers: dict[str, float]
    means: str
    certain: bool

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} {value:.3g}" for name, value in self.numbers.items())
        return f"check {self.name} {'passed' if self.passed else 'failed'} ({numbers}): {self.means}"


def run_checks(
    model, train_set: EncodedDataset, validation_set: EncodedDataset | None = None, learning_rate: float = 3e-2, steps: int = 60
) -> list[CheckResult]:
    """The five checks for a system or a plain model; it comes back as it was, and so does the random state.

    Check 4 trains on eight records of ``train_set``, for at most ``steps`` steps at ``learning_rate``. Checks 1, 2 and 5 need a
    model that has been trained: they measure it on ``validation_set`` as it is, or, without one, on the eight records that check
    4 has just taught it. Left out: check 3 where a prompt cannot be made of tokens, and check 5 for a single record.
    """
    system = as_system(model)
    every = max(1, len(train_set) // EXAMPLES)  # spread over all, so that their lengths differ
    few = like(train_set, train_set.items[::every][:EXAMPLES])
    results = {}

    def judge(name: str, passed: bool, certain: bool, **numbers: float) -> None:
        means = "as it should be" if passed else CHECKS[name]
        numbers = {key.replace("_", " "): value for key, value in numbers.items()}
        results[name] = CheckResult(name, bool(passed), numbers, means, bool(certain))

    def measure(records: EncodedDataset) -> None:
        loss, unigram, uniform = evaluate_loss(system, records), unigram_loss(train_set, records), math.log(train_set.vocab_size)
        judge(BELOW_UNIFORM, loss < uniform, True, loss=loss, ln_V=uniform)
        judge(BELOW_UNIGRAM, loss < unigram, False, loss=loss, unigram_loss=unigram)
        if len(records) > 1:
            wrong = evaluate_loss(system, shuffled(records, (max_positions(system) or math.inf) - system.positions))
            costs = wrong > loss + min(RISE[0], RISE[1] * loss)
            judge(SOURCE_MATTERS, costs, abs(wrong - loss) < 1e-4, own_source=loss, another_source=wrong)

    with as_it_was(system):
        differs = difference_to_tokens(system, few)
        if differs is not None:
            exact = next(system.base_model.parameters()).dtype == torch.float32
            judge(REAL_TOKENS, differs < (1e-3 if exact else 0.2), True, difference=differs)
        if validation_set is not None:
            measure(validation_set)
        first, last = learn_by_heart(system, few, learning_rate, steps, 0.95 * unigram_loss(train_set, few))
        learned = last < max(DROP * first, KNOWN)
        judge(FEW_EXAMPLES, learned, not last < first, loss_at_first=first, loss_at_last=last)
        if validation_set is None:
            measure(few)
    return [results[name] for name in CHECKS if name in results]


def require(results: Sequence[CheckResult], warn: Callable[[str], None]) -> None:
    """Raise SanityCheckFailed if a check failed for certain; ``warn`` of those that failed otherwise."""
    failed = sorted((result for result in results if not result.passed), key=lambda result: not result.certain)
    if failed and failed[0].certain:
        raise SanityCheckFailed("; ".join(map(str, failed)))
    for result in failed:
        warn(str(result))


@contextmanager
def as_it_was(system) -> Iterator[None]:
    """Whatever happens inside: weights, mode and random state come back."""
    mode, weights = system.training, [weight for weight in system.parameters() if weight.requires_grad]
    kept = [weight.detach().clone() for weight in weights]
    try:
        with torch.random.fork_rng():
            yield
    finally:
        with torch.no_grad():
            for weight, before in zip(weights, kept, strict=True):
                weight.copy_(before)
        system.zero_grad(set_to_none=True)
        system.train(mode)


def batch_of(system, records: EncodedDataset) -> dict[str, torch.Tensor]:
    """All records as one padded batch, where the system is."""
    return {name: t.to(system.device) for name, t in collate(records.items, records.pad_id).items()}


@torch.no_grad()
def difference_to_tokens(system, records: EncodedDataset) -> float | None:
    """Largest difference between logits that a system scores in a padded batch, its soft prompts made of tokens 1, 2, ..., and
    those of the base model for each row alone with these tokens as text; in standard deviations of the logits.

    A system without a prompt is compared with its own model; None for a prompt that is not rows in front of the text.
    """
    soft = isinstance(system, GPT2WithSoftPrompt)
    if not soft and (not isinstance(system, PlainModel) or isinstance(system, PeftPromptTuning)):
        return None
    system.eval()
    beyond = system.vocab_size if soft else math.inf
    if soft:
        tokens = 1 + torch.arange(len(system.soft_rows()), device=system.device) % (beyond - 1)
        rows = system.base_model.get_input_embeddings()(tokens)
        system.soft_rows = lambda: rows  # in front of the method of that name, until deleted
    try:
        scored, _ = system.target_logits(**batch_of(system, records))  # [targets, vocab]
    finally:
        system.__dict__.pop("soft_rows", None)
    expected = []
    for item in records.items:
        ids, labels = item["input_ids"].to(system.device), item["labels"]
        at = counted(labels[None])[0].nonzero()[:, 0] - len(ids) - 1  # a token is predicted at the position in front of it
        if soft:
            ids = torch.tensor(system.with_prompt(ids.tolist()), device=system.device)
            ids = torch.where(ids < beyond, ids, tokens[(ids - beyond).clamp(min=0)])
        expected.append(system.base_model(input_ids=ids[None]).logits[0, at].float())
    expected = torch.cat(expected)
    return float((scored - expected).abs().max() / expected.std())


@torch.enable_grad()
def learn_by_heart(system, records: EncodedDataset, learning_rate: float, steps: int, goal: float) -> tuple[float, float]:
    """Train on one batch, until its loss has dropped well below `DROP` and ``goal``; its loss, in nats, at first and at last."""
    system.eval()  # dropout would blur the losses that are compared
    batch, parts, losses = batch_of(system, records), system.parts(), []
    optimizer = torch.optim.AdamW([weight for part in parts for weight in part], lr=learning_rate, weight_decay=0.0)
    for _ in range(steps):
        loss = token_losses(system, batch)[0].mean()
        losses.append(loss.item())
        if not loss.isfinite() or losses[-1] < min(0.9 * DROP * losses[0], goal):
            break
        loss.backward()
        system.share_gradients(parts)
        for part in parts:
            torch.nn.utils.clip_grad_norm_(part, 1.0)
        optimizer.step()
        system.zero_grad(set_to_none=True)
    return losses[0], losses[-1]


def like(dataset: EncodedDataset, items: list[dict[str, torch.Tensor]]) -> EncodedDataset:
    """Other items for the same model."""
    return EncodedDataset(items, dataset.truncated, dataset.pad_id, dataset.vocab_size, dataset.too_long)


def shuffled(dataset: EncodedDataset, limit: float = math.inf) -> EncodedDataset:
    """The same targets, each behind the source of the next record; a row of more than ``limit`` tokens keeps its own."""
    items = []
    starts = [int((item["labels"] != IGNORED).nonzero()[0]) for item in dataset.items]
    for i, item in enumerate(dataset.items):
        after = (i + 1) % len(dataset)
        source, target, labels = dataset[after]["input_ids"][: starts[after]], item["input_ids"][starts[i] :], item["labels"]
        moved = {"input_ids": torch.cat([source, target]),
                 "labels": torch.cat([torch.full_like(source, IGNORED), labels[starts[i] :]])}
        items.append(moved if len(moved["input_ids"]) <= limit else item)
    return like(dataset, items)
