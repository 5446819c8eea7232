"""From files to batches: reading task data, tokenising within the length budget, padding."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import datasets
import torch

from .base_models import begin_token_id, data_root
from .public_data import load_public_task, to_records
from .tasks import Task, get_task, join_target, with_hard_prompt

IGNORED = -100  # the label that PyTorch's cross entropy and transformers leave out
SPLITS = ("train", "validation", "test")


def load_task_data(
    task: str | Task,
    data: str | Path = "embedded",
    max_train: int | None = None,
    max_eval: int | None = None,
    seed: int = 0,
) -> dict[str, datasets.Dataset]:
    """The splits of a task: train, validation and test.

    ``data`` is "embedded" (the course's own, ``data/tasks/<task>/``), "hub" (public, `public_data.load_public_task`) or a
    folder that holds ``train.jsonl``, ``validation.jsonl`` and ``test.jsonl``. ``max_train`` and ``max_eval`` keep that
    many records of training data, and of validation and test data each: the first ones after a shuffle with ``seed``,
    because files may be grouped.

    Raises FileNotFoundError for a missing file, ValueError that names file and line for a row that is empty, not JSON,
    or lacks one of the task's fields, and for "hub" the errors of `load_public_task` and `to_records`.
    """
    task = get_task(task)
    for name, limit in (("max_train", max_train), ("max_eval", max_eval)):
        if limit is not None and limit < 1:
            raise ValueError(f"{name} must be >= 1, or None for all records, got {limit!r}")
    limits = {"train": max_train, "validation": max_eval, "test": max_eval}
    if data == "hub":  # of 287,113 articles only those in use are converted
        splits = load_public_task(task)
        return {split: to_records(sample(rows, limits[split], seed), task, split) for split, rows in splits.items()}
    folder = data_root() / "tasks" / task.name if data == "embedded" else Path(data)
    splits = {split: datasets.Dataset.from_list(read_rows(folder / f"{split}.jsonl", task)) for split in SPLITS}
    return {split: sample(rows, limits[split], seed) for split, rows in splits.items()}


def sample(rows: datasets.Dataset, limit: int | None, seed: int) -> datasets.Dataset:
    """All rows as they come, or ``limit`` of them, shuffled."""
    return rows if limit is None else rows.shuffle(seed=seed).select(range(min(limit, len(rows))))


def read_rows(path: Path, task: Task) -> list[dict]:
    """The rows of one JSON-lines file, each checked to hold what ``task`` needs."""
    if not path.is_file():
        raise FileNotFoundError(f"no data for {task.name!r}: expected the file {path}")
    rows = []
    # Bytes, split at newlines alone: str.splitlines would also cut at rarer line separators inside a text.
    for number, line in enumerate(path.read_bytes().removesuffix(b"\n").split(b"\n"), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:  # not JSON, or not UTF-8
            what = f"not JSON ({error})" if line.strip() else "empty"
            raise ValueError(f"{path}, line {number}: the row is {what}; expected one JSON object") from None
        if problem := find_problem(row, task):
            raise ValueError(f"{path}, line {number}: {problem}")
        rows.append(row)
    return rows


def find_problem(row: object, task: Task, needs_target: bool = True) -> str | None:
    """What is wrong with a row, in words; None if nothing is."""
    if not isinstance(row, dict):
        return f"expected a JSON object, got {type(row).__name__}"
    for field in task.source_fields + (task.target_field,) * needs_target:
        if field not in row:
            return f"field {field!r} is missing; the row has {', '.join(map(repr, row)) or 'no fields'}"
        value = row[field]
        texts = value if isinstance(value, list) and field == task.target_field else [value]
        if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
            return f"field {field!r} must be a text that is not blank (answers: a list of such), got {value!r}"
    return None


class EncodedDataset(torch.utils.data.Dataset):
    """Token ids and labels, ready for a `DataLoader` with `collate`.

    Item i is ``{"input_ids": LongTensor [length], "labels": LongTensor [length]}``. ``truncated`` is
    the number of sources that were cut, ``pad_id`` what to pad with, ``vocab_size`` the tokenizer's.
    """

    def __init__(self, items: list[dict[str, torch.Tensor]], truncated: int, pad_id: int, vocab_size: int):
        self.items, self.truncated, self.pad_id, self.vocab_size = items, truncated, pad_id, vocab_size

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return self.items[index]

    def lengths(self) -> list[int]:
        return [len(item["input_ids"]) for item in self.items]

    def targets(self) -> list[torch.Tensor]:
        """The target tokens of each item, end token included."""
        return [item["labels"][item["labels"] != IGNORED] for item in self.items]


def encode(
    records: Iterable[Mapping],
    task: str | Task,
    tokenizer,
    max_positions: int,
    prompt_length: int = 0,
    hard_prompt: str | None = None,
    max_source_tokens: int | None = None,
) -> EncodedDataset:
    """Tokenise records as source + target + end token; labels are the target and the end token only.

    prompt_length + source + target + 1 must be <= ``max_positions``. Where it is not, the task's long
    field is cut at its end; question, cue and hard prompt stay whole and the target is never cut.
    ``max_source_tokens`` is a further limit on the source. Raises ValueError if even that cannot fit.
    """
    task, items, truncated = get_task(task), [], 0
    for number, record in enumerate(records):
        source = with_hard_prompt(hard_prompt, task.source(record))
        target = continuation_ids(tokenizer, source, join_target(source, task.target(record))) + [tokenizer.eos_token_id]
        room = max_positions - prompt_length - len(target)
        if max_source_tokens is not None:
            room = min(room, max_source_tokens)
        source, was_cut = fit_source(record, task, tokenizer, room, hard_prompt, number)
        source = source_ids(tokenizer, source)
        truncated += was_cut
        items.append(
            {
                "input_ids": torch.tensor(source + target),
                "labels": torch.tensor([IGNORED] * len(source) + target),
            }
        )
    if not items:
        raise ValueError("got no records to encode: expected at least one")
    return EncodedDataset(items, truncated, tokenizer.pad_token_id, len(tokenizer))


def fit_source(
    record: Mapping, task: Task, tokenizer, room: int, hard_prompt: str | None = None, number: int | None = None
) -> tuple[str, bool]:
    """The source text of a record in at most ``room`` tokens, and whether its long field was cut."""

    def source_with(characters: int) -> str:
        return with_hard_prompt(
            hard_prompt, task.source({**record, task.long_field: record[task.long_field][:characters]})
        )

    def fits(characters: int) -> bool:
        return len(source_ids(tokenizer, source_with(characters))) <= room

    longest = len(record[task.long_field])
    if fits(longest):
        return source_with(longest), False
    low, high = 0, longest - 1  # bisection works with any tokenizer, and never splits a character
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    if low == 0:
        needed = len(source_ids(tokenizer, source_with(0)))
        raise ValueError(
            f"record {number}: no room for its {task.long_field!r}: the source may have {room} tokens and takes "
            f"{needed} without it; use a shorter prompt or target, or a base model with more positions"
        )
    return source_with(low), True


def token_ids(tokenizer, text: str) -> list[int]:
    """Ids of ``text`` and nothing around it (no begin or end token)."""
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def source_ids(tokenizer, text: str) -> list[int]:
    """Ids of a source, as training, loss and generation all read it, whatever the prompt.

    Where the tokenizer puts a begin token (BOS) in front of every text, as Llama's does, it stands here too: the base
    model was trained with it. A hard prompt is part of ``text``, so it follows that token, and so does a soft prompt
    (`GPT2WithSoftPrompt.join`): ``[begin][prompt][text]`` either way. (PEFT, given the same prompt, puts it before the
    begin token.) GPT-2, SmolLM2 and the course's models have no begin token.
    """
    begin = begin_token_id(tokenizer)
    return [begin] * (begin is not None) + token_ids(tokenizer, text)


def continuation_ids(tokenizer, source: str, target: str) -> list[int]:
    """Ids of ``target`` as they follow ``source``.

    Taken from the two texts as one: a tokenizer in the style of SentencePiece would begin a text of its own with a
    space. Where that would change the source's last token, as it does behind a trailing space, those of ``target`` alone.
    """
    end = source[-50:]  # what stands further in front makes no difference
    before, both = token_ids(tokenizer, end), token_ids(tokenizer, end + target)
    return both[len(before) :] if both[: len(before)] == before else token_ids(tokenizer, target)


def collate(batch: Sequence[Mapping[str, torch.Tensor]], pad_id: int) -> dict[str, torch.Tensor]:
    """Pad items on the right into input_ids, attention_mask and labels, each [batch, longest].

    The mask follows from the lengths. Masking every ``pad_id`` instead would also hide the real end
    token where the two are the same, and the model would never learn to stop.
    """
    lengths = torch.tensor([len(item["input_ids"]) for item in batch])
    pad = torch.nn.utils.rnn.pad_sequence
    return {
        "input_ids": pad([item["input_ids"] for item in batch], batch_first=True, padding_value=pad_id),
        "attention_mask": (torch.arange(int(lengths.max())) < lengths[:, None]).long(),
        "labels": pad([item["labels"] for item in batch], batch_first=True, padding_value=IGNORED),
    }


def left_pad(sources: Sequence[Sequence[int]], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """input_ids and attention_mask, [batch, longest], padded on the left: generation goes on at the right."""
    longest = max(len(ids) for ids in sources)
    input_ids = torch.tensor([[pad_id] * (longest - len(ids)) + list(ids) for ids in sources])
    attention_mask = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in sources])
    return input_ids, attention_mask


class LengthGroupedBatches(torch.utils.data.Sampler):
    """Batches of items of similar length in random order, new ones each epoch, the same for one seed.

    Shuffles, sorts pools of 8 batches by length, cuts them into batches, shuffles those: close to
    plain shuffling, with little padding.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int):
        self.lengths, self.batch_size = lengths, batch_size
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        order = torch.randperm(len(self.lengths), generator=self.generator).tolist()
        batches, pool = [], 8 * self.batch_size
        for start in range(0, len(order), pool):
            group = sorted(order[start : start + pool], key=self.lengths.__getitem__)
            batches += [group[i : i + self.batch_size] for i in range(0, len(group), self.batch_size)]
        for index in torch.randperm(len(batches), generator=self.generator).tolist():
            yield batches[index]
