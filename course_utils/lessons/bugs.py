"""Eight mistakes for the debugging clinic (lesson 04), each planted in a pipeline that `training.fit` trains as any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

from ..batches import IGNORED, EncodedDataset
from ..loss import counted, logits_at
from ..sanity_checks import CheckResult, like, run_checks
from ..soft_prompt import GPT2WithSoftPrompt
from ..systems import PlainModel
from ..tasks import Task
from ..training import TrainingConfig, fit


class ScoresElsewhere:
    """A system whose loss takes its logits from other positions than those in front of the labels: `scored_at` says which."""

    def target_logits(self, input_ids, attention_mask, labels, soft_token=None):
        ids, mask, labels = self.join(input_ids, attention_mask, labels, soft_token)
        rows, columns = counted(labels).nonzero(as_tuple=True)  # [targets] each
        inputs = self.inputs(ids, self.seen(mask, labels))
        at = self.scored_at(ids, rows, columns).clamp(min=0)
        return logits_at(self.base_model, (rows, at), **inputs, use_cache=False), labels[rows, columns]

    def seen(self, mask, labels):
        """Mask of what the model gets to read."""
        return mask

    def scored_at(self, ids, rows, columns):
        """For the label in each of ``columns`` [targets] the column whose logits are scored against it."""
        raise NotImplementedError


class NoTarget(ScoresElsewhere):
    """Bug 1, and the wrong evaluation that goes with it: the answer is the likeliest token at each position of the source."""

    def seen(self, mask, labels):
        return mask * (labels == IGNORED)  # the target is hidden

    def scored_at(self, ids, rows, columns):
        number = torch.cat([torch.arange(n, device=ids.device) for n in rows.bincount(minlength=len(ids))])  # target 0, 1, ...
        return self.text_starts(ids)[rows] + number

    @torch.no_grad()
    def continue_rows(self, rows: Sequence[Sequence[int]], pad_id: int, **options) -> torch.Tensor:
        guesses = []
        for row in rows:
            ids = torch.tensor([row], device=self.device)
            logits = self.base_model(**self.inputs(ids, torch.ones_like(ids))).logits[0]  # [prompt + source, vocab]
            guesses.append(logits[self.text_starts(ids)[0] :].argmax(-1))
        return pad_sequence(guesses, batch_first=True, padding_value=pad_id)


class NoTargetSoft(NoTarget, GPT2WithSoftPrompt):
    """Bug 1 with a soft prompt."""

    text_starts = GPT2WithSoftPrompt.prompt_ends


class NoTargetHard(NoTarget, PlainModel):
    """Bug 1 with a hard prompt, which is part of the source."""

    def join(self, ids, mask, labels, soft_token):
        return ids, mask, labels

    def inputs(self, ids, mask):
        return {"input_ids": ids, "attention_mask": mask}

    def text_starts(self, ids):
        return torch.zeros(len(ids), dtype=torch.long, device=ids.device)


class Unshifted(ScoresElsewhere, GPT2WithSoftPrompt):
    """Bug 2."""

    def scored_at(self, ids, rows, columns):
        return columns


class OffByPrompt(ScoresElsewhere, GPT2WithSoftPrompt):
    """Bug 3."""

    def scored_at(self, ids, rows, columns):
        return columns - 1 - (ids >= self.vocab_size).sum(1)[rows]


class PadsBehindPrompt(GPT2WithSoftPrompt):
    """Bug 7."""

    def target_logits(self, input_ids, attention_mask, labels, soft_token=None):
        ids, mask, labels = self.join(input_ids, attention_mask, labels, soft_token)
        pads = (mask == 0).sum(1, keepdim=True)  # [batch, 1]
        place, ends = torch.arange(ids.shape[1], device=ids.device), self.prompt_ends(ids)[:, None]
        # [prompt][text][pad] -> [prompt][pad][text]
        old = torch.where(place < ends, place, torch.where(place < ends + pads, place - ends - pads, place - pads))
        ids, mask, labels = (t.gather(1, old % len(place)) for t in (ids, mask, labels))
        rows, columns = counted(labels).nonzero(as_tuple=True)
        inputs = {"inputs_embeds": self.embed(ids), "attention_mask": mask, "use_cache": False}  # and no position_ids
        return logits_at(self.base_model, (rows, columns - 1), **inputs), labels[rows, columns]


class StandardNormal(GPT2WithSoftPrompt):
    """Bug 6."""

    def __init__(self, *args, seed: int = 0, **options):
        super().__init__(*args, seed=seed, **options)
        rows = self.soft_embedding.weight.data
        rows.copy_(torch.randn(rows.shape, generator=torch.Generator().manual_seed(seed)))


def padding_counts(dataset: EncodedDataset) -> EncodedDataset:
    """Bug 4."""
    longest = max(dataset.lengths())
    pads = [torch.full((longest - length,), dataset.pad_id) for length in dataset.lengths()]
    return like(dataset, [{name: torch.cat([tensor, pad]) for name, tensor in item.items()}
                          for item, pad in zip(dataset.items, pads, strict=True)])


def source_counts(dataset: EncodedDataset) -> EncodedDataset:
    """Bug 5."""
    return like(dataset, [{**item, "labels": item["input_ids"].masked_fill(item["input_ids"] >= dataset.vocab_size, IGNORED)}
                          for item in dataset.items])


def end_masked(dataset: EncodedDataset) -> EncodedDataset:
    """Bug 8."""
    return like(dataset, [{**item, "labels": item["labels"].masked_fill(item["labels"] == dataset.pad_id, IGNORED)}
                          for item in dataset.items])


@dataclass(frozen=True)
class Bug:
    """A mistake: what it is, ``where`` the faulty line is and what it should say, and what it does to ``evaluation``.

    It is planted in the ``system`` that is trained or in what becomes of the ``data``, training and validation alike.
    """

    description: str
    where: str
    evaluation: str
    system: type[GPT2WithSoftPrompt] = GPT2WithSoftPrompt
    data: Callable[[EncodedDataset], EncodedDataset] = lambda dataset: dataset


BUGS: dict[str, Bug] = {
    "no target fed in": Bug(
        "the model reads only the source; its 1st, 2nd, 3rd ... logits are scored against the 1st, 2nd, 3rd ... target token",
        "`cross_entropy(model(source).logits[:, :n], target)`; feed in source and target, score the logits in front of each "
        "target token",
        "just as wrong: the answers are the likeliest next tokens at each place of the source, so they repeat the source, and "
        "share words with the target",
        NoTargetSoft),
    "labels not shifted": Bug(
        "each position is scored against the token that it has just read",
        "`cross_entropy(logits[:, source:], target)`; the logits one position earlier: `logits[:, source - 1 : -1]`",
        "generation is right, and shows a prompt that was trained to repeat the last token",
        Unshifted),
    "off by the prompt": Bug(
        "the prompt's positions are forgotten: each label is scored with logits that many positions too early",
        "`cross_entropy(logits[:, :-1], labels[:, 1:])`; skip the prompt's logits first: `logits[:, prompt_length:]`",
        "generation is right, and shows a prompt that was trained for answers at the wrong place",
        OffByPrompt),
    "padding counts": Bug(
        "all texts are padded to one length and the padding's labels count",
        "`labels = input_ids.clone()` behind padding; set the labels of padding to -100",
        "generation is right; the loss looks far better than the answers are, since most of what it counts is padding",
        data=padding_counts),
    "source counts": Bug(
        "the labels of the source count as those of the target do",
        "`labels = input_ids.clone()`; set the labels of the source to -100",
        "generation is right, and shows a prompt that was trained to predict sources",
        data=source_counts),
    "N(0, 1) start": Bug(
        "the prompt's vectors start as random numbers from N(0, 1) (mean 0, deviation 1): much longer than those of tokens",
        "`nn.Embedding(prompt_length, width)`; copy embeddings of frequent tokens into it",
        "right in all parts: the prompt itself is worse",
        StandardNormal),
    "pads behind the prompt": Bug(
        "padding stands between prompt and text, [prompt][pad][text], and the positions of the text count it",
        "`cat([prompt, left_padded])` without position_ids; pad on the right to train, and on the left of the prompt to generate",
        "generation is right; the loss of a record depends on the longest text of its batch",
        PadsBehindPrompt),
    "end token masked": Bug(
        "all labels with the padding's id are set to -100; the end token has the same id, so it is never learned",
        "`labels[labels == tokenizer.pad_token_id] = -100`; mask by length",
        "generation is right, and does not stop",
        data=end_masked),
}
RIGHT = Bug("no bug", "nowhere", "right")


def find_bug(name: str | None) -> Bug:
    """The bug of that name, `RIGHT` for None; ValueError that lists the names."""
    if name is not None and name not in BUGS:
        raise ValueError(f"unknown bug {name!r}: expected one of {', '.join(BUGS)}")
    return BUGS.get(name, RIGHT)


def make_buggy(
    name: str | None, base_model, task: Task, length: int = 20, seed: int = 0, init: str = "vocab", **options
) -> GPT2WithSoftPrompt:
    """A soft prompt with that bug (None: without one), to be trained on the bug's ``data``; ``options`` go to its class."""
    return find_bug(name).system(base_model, [task.soft_token], length, init, seed=seed, **options)


def repaired(buggy: GPT2WithSoftPrompt) -> GPT2WithSoftPrompt:
    """The prompt that a bug has trained, in the right code."""
    right = GPT2WithSoftPrompt(buggy.base_model, buggy.soft_vocabulary, buggy.lengths)
    right.soft_embedding.weight.data.copy_(buggy.soft_rows().detach())
    return right


def catch_matrix(
    base_model, task: Task, train_set: EncodedDataset, validation_set: EncodedDataset, config: TrainingConfig,
    length: int = 20, bugs: Iterable[str | None] = (None, *BUGS), trained: bool = True,
) -> dict[str, dict[str, CheckResult]]:
    """Bug -> check -> its result, after training with ``config``, or before it, as `fit` checks (``trained`` False)."""
    matrix = {}
    for name in bugs:
        system, data = make_buggy(name, base_model, task, length, config.seed), find_bug(name).data
        train, validation = data(train_set), data(validation_set)
        if trained:
            fit(system, train, validation, config, progress=False)
        results = run_checks(system, train, validation if trained else None, config.learning_rate)
        matrix[name or RIGHT.description] = {result.name: result for result in results}
    return matrix
