"""Scoring a system on a task: loss on the targets, generated answers, and what both are worth."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import torch
from transformers import StoppingCriteria, StoppingCriteriaList

from .batches import EncodedDataset, collate, encode, length_sorted, max_positions, prompt_positions, source_ids
from .loss import token_losses
from .metrics import compute_metrics
from .processes import gathered, rank, share_of, summed
from .progress import progress_bar
from .systems import as_system
from .tasks import Task, get_task


@torch.no_grad()
def evaluate_loss(
    model, encoded: EncodedDataset, batch_size: int = 32, description: str = "Loss", progress: bool = False
) -> float:
    """Mean loss per target token over the whole dataset, in nats, for any system or a plain model.

    Every token counts the same, so the result does not depend on the batches.
    """
    system = as_system(model)
    was_training, sums = system.training, torch.zeros(2, dtype=torch.float64)
    system.eval()
    batches = share_of(length_sorted(encoded.lengths(), batch_size))
    for rows in progress_bar(batches, description=description, disable=not progress or rank() != 0, leave=False):
        batch = {name: t.to(system.device) for name, t in collate([encoded[i] for i in rows], encoded.pad_id).items()}
        losses, _ = token_losses(system, batch)
        sums += torch.tensor([float(losses.sum()), len(losses)], dtype=torch.float64)
    system.train(was_training)
    total, count = summed(sums).tolist()
    return total / count


class AnswerEnds(StoppingCriteria):
    """Stops a row at the first newline after text that is not blank; newlines before it do not count."""

    def __init__(self, tokenizer, device, vocab_size: int | None = None):
        masks = newline_masks(tokenizer, max(len(tokenizer), vocab_size or 0))
        self.has_text, self.has_newline, self.has_newline_after_text = (mask.to(device) for mask in masks)
        self.seen_text, self.length = torch.zeros(0, dtype=torch.bool), 0

    def __call__(self, input_ids: torch.Tensor, scores, **kwargs) -> torch.Tensor:
        last = input_ids[:, -1]  # [batch]
        if input_ids.shape[1] != self.length + 1 or self.seen_text.shape != last.shape:  # another batch
            self.seen_text = torch.zeros_like(last, dtype=torch.bool)
        self.length = input_ids.shape[1]
        done = self.has_newline_after_text[last] | (self.has_newline[last] & self.seen_text)
        self.seen_text |= self.has_text[last]
        return done


@functools.lru_cache(maxsize=8)  # decoding 50,257 tokens takes most of a second
def newline_masks(tokenizer, vocab_size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Which tokens hold text, a newline, a newline behind text, each [vocab]. A model may have ids that no token has."""
    texts = tokenizer.batch_decode([[i] for i in range(vocab_size)])
    tests = (lambda text: bool(text.strip()), lambda text: "\n" in text, lambda text: "\n" in text.lstrip())
    return tuple(torch.tensor([test(text) for text in texts]) for test in tests)


def first_line(text: str) -> str:
    """The answer in a generated text: its first line that is not blank, stripped."""
    return text.strip().split("\n")[0].strip()


@torch.no_grad()
def generate_answers(
    model,
    tokenizer,
    rows: Sequence[Sequence[int]],
    max_new_tokens: int | Sequence[int],
    batch_size: int = 32,
    progress: bool = False,
) -> list[str]:
    """Greedy answers to ``rows`` of ids, in their order, by any system or a plain model.

    One rule for all: generation ends at the end token, at a newline after text that is not blank, or after
    ``max_new_tokens`` (of all, or of each); the answer is the first line that is not blank, or "". Rows may differ in their
    prompts (ids of `GPT2WithSoftPrompt.prompt_ids`). ValueError for a row that is empty or leaves no room for an answer.
    """
    system = as_system(model)
    most = [max_new_tokens] * len(rows) if isinstance(max_new_tokens, int) else list(max_new_tokens)
    longest = max(most, default=1)
    limit, more = max_positions(system), system.positions
    for number, row in enumerate(rows):
        if not row:
            raise ValueError(f"source {number} is empty: expected at least one token to answer")
        if limit and len(row) + more + longest > limit:
            raise ValueError(f"source {number}: {len(row) + more} tokens with its prompt and {longest} new ones exceed the base "
                             f"model's {limit} positions: cut the source")
    was_training, found = system.training, []
    system.eval()
    ends = AnswerEnds(tokenizer, system.device, system.config.vocab_size)
    options = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "max_new_tokens": longest,
               "stopping_criteria": StoppingCriteriaList([ends])}
    batches = share_of(length_sorted([len(row) for row in rows], batch_size))
    for batch in progress_bar(batches, description="Generation", disable=not progress or rank() != 0, leave=False):
        new = system.continue_rows([rows[i] for i in batch], tokenizer.pad_token_id, **options).tolist()
        new = [ids[: most[i]] for i, ids in zip(batch, new, strict=True)]
        found += zip(batch, map(first_line, tokenizer.batch_decode(new, skip_special_tokens=True)), strict=True)
    system.train(was_training)
    return [answer for _, answer in sorted(gathered(found))]


def generate_texts(
    model,
    tokenizer,
    source_texts: Sequence[str],
    max_new_tokens: int,
    batch_size: int = 32,
    soft_token: str | Sequence[str] | None = None,
    progress: bool = False,
) -> list[str]:
    """`generate_answers` to texts as they are. ``soft_token`` names the prompt of all, or one for each; default: the model's."""
    rows = [source_ids(tokenizer, text) for text in source_texts]
    if hasattr(model, "with_prompt"):
        names = [soft_token] * len(rows) if soft_token is None or isinstance(soft_token, str) else soft_token
        rows = [model.with_prompt(row, name) if row else row for row, name in zip(rows, names, strict=True)]
    return generate_answers(model, tokenizer, rows, max_new_tokens, batch_size, progress)


def source_room(model, tokenizer, max_new_tokens: int, task: Task | None = None) -> int:
    """How many tokens a source may have: what prompt and answer leave of the positions."""
    return (max_positions(model) or tokenizer.model_max_length) - prompt_positions(model, task) - max_new_tokens


def evaluate(
    model,
    tokenizer,
    task: str | Task,
    records: Iterable[Mapping],
    hard_prompt: str | None = None,
    soft_token: str | None = None,
    batch_size: int = 32,
    max_new_tokens: int | None = None,
    progress: bool = False,
    max_source_tokens: int | None = None,
) -> dict:
    """Loss and generation scores of any system or a plain model on ``records``.

    Returns loss (nats per target token), the task's metrics, n (records), truncated (sources cut), too_long (targets that are
    longer than ``max_new_tokens``, so that no answer can reach them) and predictions (texts). Loss and generation read the same
    ids, those of `batches.encode`.
    """
    task, records = get_task(task), list(records)
    max_new_tokens = max_new_tokens or task.max_new_tokens
    if hard_prompt is None:
        hard_prompt = getattr(model, "hard_prompt", None)
    encoded = encode(records, task, tokenizer, model, hard_prompt, soft_token, None, max_new_tokens, max_source_tokens)
    loss = evaluate_loss(model, encoded, batch_size, progress=progress)
    scores, predictions = score_answers(model, tokenizer, task, records, encoded, max_new_tokens, batch_size, progress)
    counts = {"n": len(records), "truncated": encoded.truncated, "too_long": encoded.too_long}
    return {"loss": loss, **scores, **counts, "predictions": predictions}


def score_answers(
    model, tokenizer, task: Task, records: Iterable[Mapping], encoded: EncodedDataset, max_new_tokens: int,
    batch_size: int = 32, progress: bool = False,
) -> tuple[dict[str, float], list[str]]:
    """The task's metrics of the answers to ``records``, which ``encoded`` holds as ids, and the answers."""
    predictions = generate_answers(model, tokenizer, encoded.prefixes(), max_new_tokens, batch_size, progress)
    references = [task.references(record) for record in records]
    return compute_metrics(task.metrics, predictions, references, task.language), predictions


def lead_sentence(text: str) -> str:
    """The first sentence of ``text``: up to the first ., ! or ? before white space."""
    return re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]


def trivial_baselines(
    task: str | Task, records: Iterable[Mapping], train_records: Iterable[Mapping] | None = None
) -> dict[str, dict]:
    """Scores of answers that need no model: name -> metrics, n and predictions.

    "copy of the source" gives back the task's long field, "lead sentence" its first sentence (not for
    translation), "most common training answer" always the same text (only if some training target
    occurs twice).
    """
    task, records = get_task(task), list(records)
    texts = [record[task.long_field] for record in records]
    answers = {"copy of the source": texts}
    if task.name != "translation":
        answers["lead sentence"] = [lead_sentence(text) for text in texts]
    common = Counter(task.target(record) for record in train_records or ()).most_common(1)
    if common and common[0][1] > 1:
        answers["most common training answer"] = [common[0][0]] * len(records)
    references = [task.references(record) for record in records]
    return {
        name: {
            **compute_metrics(task.metrics, predictions, references, task.language),
            "n": len(records),
            "predictions": predictions,
        }
        for name, predictions in answers.items()
    }


def unigram_loss(train_set: EncodedDataset, test_set: EncodedDataset) -> float:
    """Loss of a table of token frequencies, in nats per target token, end tokens included.

    Counts come from the training targets, each token's count plus one. A model that reads its source
    must beat this; one that does not has learnt which tokens are common at best.
    """
    counts = torch.bincount(torch.cat(train_set.targets()), minlength=train_set.vocab_size) + 1
    log_probability = (counts / counts.sum()).log()  # [vocab]
    return -log_probability[torch.cat(test_set.targets())].mean().item()
