"""Scoring a model on a task: loss on the targets, generated answers, and what both are worth."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import torch
from tqdm.auto import tqdm
from transformers import StoppingCriteria, StoppingCriteriaList

from .data import IGNORED, EncodedDataset, collate, encode, fit_source, left_pad, source_ids
from .metrics import compute_metrics
from .soft_prompt import GPT2WithSoftPrompt, run_on_targets
from .tasks import Task, get_task


def length_sorted(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Indices in batches of similar length, the longest first: little padding, and memory shows early."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


@torch.no_grad()
def evaluate_loss(
    model, encoded: EncodedDataset, batch_size: int = 32, description: str = "Loss", progress: bool = False
) -> float:
    """Mean loss per target token over the whole dataset, in nats, for a soft-prompt or a plain model.

    Every token counts the same, so the result does not depend on the batches.
    """
    was_training, total, count = model.training, 0.0, 0
    model.eval()
    for rows in tqdm(length_sorted(encoded.lengths(), batch_size), desc=description, disable=not progress, unit="batch"):
        batch = {name: t.to(model.device) for name, t in collate([encoded[i] for i in rows], encoded.pad_id).items()}
        targets = int((batch["labels"] != IGNORED).sum())
        total += float(target_loss(model, **batch)) * targets
        count += targets
    model.train(was_training)
    return total / count


def target_loss(model, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean loss of the labels of a batch, all three [batch, text], for a soft-prompt or a plain model."""
    if isinstance(model, GPT2WithSoftPrompt):
        return model(input_ids, attention_mask, labels).loss
    return run_on_targets(model, labels, input_ids=input_ids, attention_mask=attention_mask).loss


class AnswerEnds(StoppingCriteria):
    """Stops a row at the first newline after text that is not blank; newlines before it do not count."""

    def __init__(self, tokenizer, device, vocab_size: int | None = None):
        # A model may have more ids than its tokenizer has tokens, and generate one of them.
        texts = tokenizer.batch_decode([[i] for i in range(max(len(tokenizer), vocab_size or 0))])
        as_mask = lambda values: torch.tensor(list(values), device=device)  # noqa: E731
        self.has_text = as_mask(bool(text.strip()) for text in texts)  # [vocab]
        self.has_newline = as_mask("\n" in text for text in texts)
        self.has_newline_after_text = as_mask("\n" in text.lstrip() for text in texts)
        self.seen_text = None

    def __call__(self, input_ids: torch.Tensor, scores, **kwargs) -> torch.Tensor:
        last = input_ids[:, -1]  # [batch]
        if self.seen_text is None:
            self.seen_text = torch.zeros_like(last, dtype=torch.bool)
        done = self.has_newline_after_text[last] | (self.has_newline[last] & self.seen_text)
        self.seen_text |= self.has_text[last]
        return done


def first_line(text: str) -> str:
    """The answer in a generated text: its first line that is not blank, stripped."""
    return text.strip().split("\n")[0].strip()


@torch.no_grad()
def generate_texts(
    model,
    tokenizer,
    source_texts: Sequence[str],
    max_new_tokens: int,
    batch_size: int = 32,
    soft_token: str | None = None,
    progress: bool = False,
) -> list[str]:
    """Greedy answers to ``source_texts``, in their order, by a soft-prompt or a plain model.

    One rule for all: generation ends at the end token, at a newline after text that is not blank, or
    after ``max_new_tokens``; the answer is the first line that is not blank, or "". Sources must leave
    room for ``max_new_tokens``: ValueError otherwise (`evaluate` cuts them).
    """
    is_soft = isinstance(model, GPT2WithSoftPrompt)
    sources = [source_ids(tokenizer, text) for text in source_texts]
    check_room(model, [len(ids) for ids in sources], max_new_tokens)
    answers, was_training = [""] * len(sources), model.training
    model.eval()
    ends = AnswerEnds(tokenizer, model.device, model.config.vocab_size)
    options = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "do_sample": False}
    batches = length_sorted([len(ids) for ids in sources], batch_size)
    for rows in tqdm(batches, desc="Generation", disable=not progress, unit="batch"):
        ids, mask = (t.to(model.device) for t in left_pad([sources[i] for i in rows], tokenizer.pad_token_id))
        ends.seen_text = None
        options |= {"max_new_tokens": max_new_tokens, "stopping_criteria": StoppingCriteriaList([ends])}
        if is_soft:
            new_ids = model.generate(ids, mask, soft_token=soft_token, **options)
        else:
            new_ids = model.generate(input_ids=ids, attention_mask=mask, **options)[:, ids.shape[1] :]
        for row, text in zip(rows, tokenizer.batch_decode(new_ids, skip_special_tokens=True), strict=True):
            answers[row] = first_line(text)
    model.train(was_training)
    return answers


def check_room(model, source_lengths: Sequence[int], max_new_tokens: int) -> None:
    """Raise ValueError unless every source has tokens, and room for prompt and answer."""
    limit, prompt = max_positions(model), prompt_length(model)
    for row, length in enumerate(source_lengths):
        if length == 0:
            raise ValueError(f"source {row} is empty: expected at least one token to answer")
        if limit and prompt + length + max_new_tokens > limit:
            raise ValueError(
                f"source {row}: {prompt} prompt + {length} source + {max_new_tokens} new tokens exceed the base "
                f"model's {limit} positions: cut the source"
            )


def max_positions(model) -> int | None:
    """How many positions the (base) model has; None if it sets no limit."""
    return getattr(model.config, "max_position_embeddings", None)


def prompt_length(model) -> int:
    return getattr(model, "prompt_length", 0)


def source_room(model, tokenizer, max_new_tokens: int, max_source_tokens: int | None = None) -> int:
    """How many tokens a source may have: what prompt and answer leave of the positions; ``max_source_tokens`` if fewer."""
    room = (max_positions(model) or tokenizer.model_max_length) - prompt_length(model) - max_new_tokens
    return min(room, max_source_tokens or room)


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
    """Loss and generation scores of a soft-prompt or a plain model on ``records``.

    Returns loss (nats per target token), the task's metrics, n (records), truncated (sources cut) and
    predictions (texts). Loss and generation read the same source texts, cut to ``max_source_tokens`` if given.
    """
    task, records = get_task(task), list(records)
    if isinstance(model, GPT2WithSoftPrompt):
        model.rows(soft_token)  # an unknown soft token should not cost a wait
    max_new_tokens = max_new_tokens or task.max_new_tokens
    limit = max_positions(model) or tokenizer.model_max_length
    room = source_room(model, tokenizer, max_new_tokens, max_source_tokens)
    encoded = encode(records, task, tokenizer, limit, prompt_length(model), hard_prompt, max_source_tokens=room)
    sources = [fit_source(record, task, tokenizer, room, hard_prompt, i)[0] for i, record in enumerate(records)]
    before = getattr(model, "soft_token", None)
    try:
        if soft_token is not None:
            model.soft_token = soft_token
        loss = evaluate_loss(model, encoded, batch_size, progress=progress)
        predictions = generate_texts(model, tokenizer, sources, max_new_tokens, batch_size, progress=progress)
    finally:
        if before is not None:
            model.soft_token = before
    references = [task.references(record) for record in records]
    scores = compute_metrics(task.metrics, predictions, references, task.language)
    return {"loss": loss, **scores, "n": len(records), "truncated": encoded.truncated, "predictions": predictions}


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
