"""From records to batches: one length budget, each text tokenised once, padding on either side, batches by seed and epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch.nn.utils.rnn import pad_sequence

from .base_models import begin_token_id
from .tasks import Task, get_task, join_target, with_hard_prompt

IGNORED = -100  # the label that PyTorch's cross entropy and transformers leave out


class EncodedDataset(torch.utils.data.Dataset):
    """Records as token ids and labels; training, loss and generation all read them.

    Item i is ``{"input_ids": LongTensor [length], "labels": LongTensor [length]}``: begin token (if the tokenizer has one), soft
    token ids (if encoded for a soft prompt), source, target, end token; labels are `IGNORED` up to the target. ``truncated``
    counts the sources that were cut, ``too_long`` the targets that are longer than an answer may become.
    """

    def __init__(self, items: list[dict[str, torch.Tensor]], truncated: int, pad_id: int, vocab_size: int, too_long: int = 0):
        self.items, self.truncated, self.pad_id, self.vocab_size, self.too_long = items, truncated, pad_id, vocab_size, too_long

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return self.items[index]

    def __add__(self, other: EncodedDataset) -> EncodedDataset:
        """The records of both, such as those of several tasks, for batches in which each row has its own prompt."""
        counts = (self.truncated + other.truncated, self.pad_id, self.vocab_size, self.too_long + other.too_long)
        return EncodedDataset(self.items + other.items, *counts)

    def first(self, count: int | None) -> EncodedDataset:
        """The first ``count`` records; None: all."""
        return EncodedDataset(self.items[:count], self.truncated, self.pad_id, self.vocab_size, self.too_long)

    def repeated(self, times: int) -> EncodedDataset:
        """Every record so often."""
        return EncodedDataset(self.items * times, self.truncated, self.pad_id, self.vocab_size, self.too_long)

    def lengths(self) -> list[int]:
        return [len(item["input_ids"]) for item in self.items]

    def targets(self) -> list[torch.Tensor]:
        """The target tokens of each item, end token included."""
        return [item["labels"][item["labels"] != IGNORED] for item in self.items]

    def prefixes(self) -> list[list[int]]:
        """What stands in front of each target: what generation goes on from."""
        return [item["input_ids"][item["labels"] == IGNORED].tolist() for item in self.items]


def encode(
    records: Iterable[Mapping],
    task: str | Task,
    tokenizer,
    model,
    hard_prompt: str | None = None,
    soft_token: str | None = None,
    prompt_length: int | None = None,
    max_new_tokens: int | None = None,
    max_source_tokens: int | None = None,
) -> EncodedDataset:
    """Tokenise records for ``model``: a base model or a system (`systems`), whose soft prompt, if any, becomes part of the ids.

    The budget: prompt + source + answer <= the model's positions, where an answer takes ``max_new_tokens`` (default: the task's),
    or its target's length if that is more. Where a text is too long for it, the task's long field is cut at its end; question,
    cue and prompts stay whole, the target is never cut. ``max_source_tokens`` is a further limit on the source (the words of a
    hard prompt are not charged to it). ``prompt_length`` keeps room for a prompt that ``model`` does not know of yet.
    ``soft_token`` defaults to the task's own where the model has it. Raises ValueError if even an empty field cannot fit.
    """
    task, records = get_task(task), list(records)
    if not records:
        raise ValueError("got no records to encode: expected at least one")
    name = soft_token_for(model, task, soft_token)
    taken = prompt_positions(model, task, soft_token) if prompt_length is None else prompt_length
    positions = max_positions(model) or tokenizer.model_max_length
    answer = max_new_tokens or task.max_new_tokens
    begin = begin_token_id(tokenizer)
    begin = [] if begin is None else [begin]
    sources = [with_hard_prompt(hard_prompt, task.source(record)) for record in records]
    targets = continuations(tokenizer, sources, [
        join_target(source, task.target(record)) for source, record in zip(sources, records, strict=True)])
    encoded = tokenize(tokenizer, sources)
    bare = tokenize(tokenizer, [task.source(record) for record in records]) if max_source_tokens and hard_prompt else encoded
    items, truncated, too_long = [], 0, 0
    for number, (record, ids, target) in enumerate(zip(records, encoded, targets, strict=True), start=1):
        target = [*target, tokenizer.eos_token_id]
        room = positions - taken - len(begin) - max(answer, len(target))
        if max_source_tokens:
            room = min(room, max_source_tokens + len(ids) - len(bare[number - 1]))
        if len(ids) > room:
            ids = fit_source(record, task, tokenizer, room, hard_prompt, number)
            truncated += 1
        too_long += len(target) > answer
        before = [*begin, *ids]
        if hasattr(model, "with_prompt"):  # behind the begin token, or in front of it for a prompt that was trained so
            before = model.with_prompt(before, name)
        items.append({"input_ids": torch.tensor(before + target), "labels": torch.tensor([IGNORED] * len(before) + target)})
    return EncodedDataset(items, truncated, tokenizer.pad_token_id, len(tokenizer), too_long)


def fit_source(record: Mapping, task: Task, tokenizer, room: int, hard_prompt: str | None = None, number: int = 1) -> list[int]:
    """The ids of a record's source with as much of its long field as ``room`` tokens hold, to within a few of them."""

    def ids_with(characters: int) -> list[int]:
        cut = {**record, task.long_field: record[task.long_field][:characters]}
        return token_ids(tokenizer, with_hard_prompt(hard_prompt, task.source(cut)))

    characters = len(record[task.long_field])
    ids, fixed = ids_with(characters), len(ids_with(0))
    while len(ids) > room and characters:  # fewer characters in proportion: works with any tokenizer, and splits no character
        share = max(room - fixed, 0) / max(len(ids) - fixed, 1)
        characters = min(characters - 1, int(characters * share))
        ids = ids_with(characters)
    if not characters:
        raise ValueError(
            f"record {number}: no room for its {task.long_field!r}: the source may have {room} tokens and takes {fixed} without "
            "it; use a shorter prompt or target, or a base model with more positions"
        )
    return ids


# ---- what a model asks of the ids and leaves of the positions


def max_positions(model) -> int | None:
    """How many positions the (base) model has; None if it sets no limit."""
    return getattr(model.config, "max_position_embeddings", None)


def prompt_ids(model, task: Task | None = None, soft_token: str | None = None) -> list[int]:
    """The ids beyond the vocabulary that stand for the model's soft prompt; none for a model without one."""
    return model.prompt_ids(soft_token_for(model, task, soft_token)) if hasattr(model, "prompt_ids") else []


def prompt_positions(model, task: Task | None = None, soft_token: str | None = None) -> int:
    """How many of the positions a system's prompt takes: its soft tokens, or keys and values in their place."""
    return getattr(model, "positions", None) or len(prompt_ids(model, task, soft_token))


def soft_token_for(model, task: Task | None, soft_token: str | None) -> str | None:
    """``soft_token`` if given, else the task's if the model has it, else None: the model's own choice."""
    known = task is not None and task.soft_token in getattr(model, "soft_vocabulary", ())
    return task.soft_token if soft_token is None and known else soft_token


# ---- texts to ids


def tokenize(tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Ids of each text and nothing around it. A reserved token's name in a text, such as ``<|endoftext|>``, is plain characters:
    as the real token it would end the answer there."""
    return tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True, verbose=False)["input_ids"]


def token_ids(tokenizer, text: str) -> list[int]:
    """Ids of ``text`` and nothing around it (no begin or end token); see `tokenize`."""
    return tokenize(tokenizer, [text])[0]


def source_ids(tokenizer, text: str) -> list[int]:
    """Ids of a source text, behind the begin token where the tokenizer puts one in front of every text, as Llama's does.

    The base model was trained with it. Every prompt follows that token, hard or soft: ``[begin][prompt][text]``. GPT-2, SmolLM2
    and the course's models have none.
    """
    begin = begin_token_id(tokenizer)
    return [begin] * (begin is not None) + token_ids(tokenizer, text)


def continuations(tokenizer, sources: Sequence[str], targets: Sequence[str]) -> list[list[int]]:
    """Ids of each target as they follow its source.

    Taken from the two texts as one: a tokenizer in the style of SentencePiece would begin a text of its own with a
    space. Where that would change the source's last token, as it does behind a trailing space, those of the target alone.
    """
    ends = [source[-50:] for source in sources]  # what stands further in front makes no difference
    joined = tokenize(tokenizer, [end + target for end, target in zip(ends, targets, strict=True)])
    triples = zip(tokenize(tokenizer, ends), joined, tokenize(tokenizer, targets), strict=True)
    return [both[len(end) :] if both[: len(end)] == end else alone for end, both, alone in triples]


# ---- ids to batches


def collate(batch: Sequence[Mapping[str, torch.Tensor]], pad_id: int) -> dict[str, torch.Tensor]:
    """Pad items on the right into input_ids, attention_mask and labels, each [batch, longest].

    The mask follows from the lengths. Masking every ``pad_id`` instead would also hide the real end
    token where the two are the same, and the model would never learn to stop.
    """
    lengths = torch.tensor([len(item["input_ids"]) for item in batch])
    return {
        "input_ids": pad_sequence([item["input_ids"] for item in batch], batch_first=True, padding_value=pad_id),
        "attention_mask": (torch.arange(int(lengths.max())) < lengths[:, None]).long(),
        "labels": pad_sequence([item["labels"] for item in batch], batch_first=True, padding_value=IGNORED),
    }


def left_pad(sources: Sequence[Sequence[int]], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """input_ids and attention_mask, [batch, longest], padded on the left: generation goes on at the right."""
    rows = [torch.tensor(list(ids), dtype=torch.long) for ids in sources]
    ids = pad_sequence(rows, batch_first=True, padding_value=pad_id, padding_side="left")
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True, padding_side="left")
    return ids, mask


def length_sorted(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Indices in batches of similar length, the longest first: little padding, and memory shows early."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


class LengthGroupedBatches(torch.utils.data.Sampler):
    """Batches of items of similar length in random order, new ones each epoch, the same for one ``seed`` and ``epoch``.

    Shuffles, sorts pools of 8 batches by length, cuts them into batches, shuffles those: close to
    plain shuffling, with little padding. Set ``epoch``, counted from 0, before going through them.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int):
        self.lengths, self.batch_size, self.seed, self.epoch = lengths, batch_size, seed, 0

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self.seed + 1_000_003 * self.epoch)
        order = torch.randperm(len(self.lengths), generator=generator).tolist()
        batches, pool = [], 8 * self.batch_size
        for start in range(0, len(order), pool):
            group = sorted(order[start : start + pool], key=self.lengths.__getitem__)
            batches += [group[i : i + self.batch_size] for i in range(0, len(group), self.batch_size)]
        for index in torch.randperm(len(batches), generator=generator).tolist():
            yield batches[index]
