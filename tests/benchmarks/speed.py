"""What the package's shortcuts save, as ratios within one run: ``python tests/benchmarks/speed.py``.

Each pair is measured in turn, several times, and the medians are divided, so that a busy machine disturbs both sides alike.
These are no tests: nothing fails here.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pandas as pd
import torch
from torch.utils.data import DataLoader
from transformers.activations import NewGELUActivation

from course_utils import GPT2WithSoftPrompt, collate, encode, get_task, left_pad, load_base_model, load_task_data
from course_utils.data import IGNORED, LengthGroupedBatches

REPEATS, RECORDS = 7, 128


def step(model, batch):
    """Forward and backward on one batch, the loss as the package counts it."""
    model(**batch).loss.backward()


def step_with_all_logits(model, batch):
    """The same, but with logits at every position, as a plain language-model loss would have them."""
    logits = model(batch["input_ids"], batch["attention_mask"]).logits[:, model.prompt_length - 1 : -1]
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED).backward()


def with_plain_gelu(model):
    """GPT-2's activation as transformers writes it: five tensor operations."""
    for layer in model.base_model.transformer.h:
        layer.mlp.act = NewGELUActivation()
    return model


def epoch(model, batches):
    for batch in batches:
        step(model, batch)


def seconds(function) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def main() -> None:
    task = get_task("summarization")
    base, tokenizer = load_base_model()
    soft, plain = (GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=20) for model in (base, load_base_model()[0]))
    with_plain_gelu(plain)
    rows = encode(load_task_data(task)["train"].select(range(RECORDS)), task, tokenizer, 512, 20)
    put = partial(collate, pad_id=rows.pad_id)
    shuffled = list(DataLoader(rows, 16, shuffle=True, collate_fn=put, generator=torch.Generator().manual_seed(0)))
    grouped = list(DataLoader(rows, batch_sampler=LengthGroupedBatches(rows.lengths(), 16, seed=0), collate_fn=put))
    sources = [item["input_ids"][item["labels"] == IGNORED].tolist() for item in rows.items[:16]]
    ids, mask = left_pad(sources, rows.pad_id)
    generate = partial(soft.generate, ids, mask, max_new_tokens=32, eos_token_id=None)
    one_by_one = [left_pad([source], rows.pad_id) for source in sources]
    pairs = {
        "logits at target positions only": (lambda: step_with_all_logits(soft, grouped[0]), lambda: step(soft, grouped[0])),
        "GELU in one operation": (lambda: step(plain, grouped[0]), lambda: step(soft, grouped[0])),
        "batches of similar length, one epoch": (lambda: epoch(soft, shuffled), lambda: epoch(soft, grouped)),
        "generation with a cache": (lambda: generate(use_cache=False), lambda: generate(use_cache=True)),
        "generation in a batch of 16": (
            lambda: [soft.generate(*one, max_new_tokens=32, eos_token_id=None) for one in one_by_one], generate),
    }
    table = []
    for name, (before, after) in pairs.items():
        times = [(seconds(before), seconds(after)) for _ in range(REPEATS)][1:]  # the first round warms up
        without, with_it = (statistics.median(column) for column in zip(*times, strict=True))
        table.append({"shortcut": name, "seconds without": without, "seconds with": with_it, "ratio": without / with_it})
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {RECORDS} records, median of {REPEATS - 1} rounds")
    print(pd.DataFrame(table).to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
