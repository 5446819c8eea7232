"""What `bench` measures with: models, records, training steps of ours and of PEFT's, clock, peak memory, matrix products."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ["HF_HUB_OFFLINE"] = "1"

import peft  # noqa: E402
import torch  # noqa: E402
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel  # noqa: E402

from course_utils import GPT2WithSoftPrompt, TrainingConfig, collate, encode, load_base_model, load_task_data  # noqa: E402
from course_utils.base_models import COURSE_MODELS, find_model, quiet_libraries  # noqa: E402
from course_utils.batches import IGNORED, EncodedDataset  # noqa: E402
from course_utils.precision import speed_up  # noqa: E402
from course_utils.training import Run  # noqa: E402

quiet_libraries()
GPT2 = "gpt2-small shape"
MODELS = (GPT2, *COURSE_MODELS[::-1])
# task: tokens of a source, tokens of a target. The lengths are those of the course's records, cut or stretched into the range.
SHAPES = {"summarization": ((100, 180), (1, 40)), "question_answering": ((90, 160), (1, 8)), "translation": ((12, 30), (12, 25))}
BATCH, PROMPT = 8, 20


@cache
def base_model(name: str, ours: bool = True):
    """As `load_base_model` gives it, or as transformers does, with its own GELU."""
    torch.manual_seed(0)
    if name == GPT2:
        model = GPT2LMHeadModel(GPT2Config()).eval()
        if ours:
            speed_up(model)
        model.config.name_or_path = name
        return model
    return load_base_model(name)[0] if ours else AutoModelForCausalLM.from_pretrained(find_model(name), dtype=torch.float32)


@cache
def tokenizer():
    return load_base_model("course-gpt2-m")[1]


def ours(name: str, length: int = PROMPT) -> GPT2WithSoftPrompt:
    return GPT2WithSoftPrompt(base_model(name), ["[X]"], length)


def peft_model(name: str, length: int = PROMPT):
    """With the rows of `ours`, and dropout off, as ours has it: so both compute the same."""
    base = base_model.__wrapped__(name, ours=False)
    model = peft.get_peft_model(base, peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=length)).eval()
    model.prompt_encoder["default"].embedding.weight.data.copy_(ours(name, length).soft_rows())
    return model


def lengths(shape: str, count: int) -> list[tuple[int, int]]:
    """Tokens of source and target of ``count`` records."""
    (low, high), (least, most) = SHAPES[shape]
    rows = encode(load_task_data(shape)["train"].select(range(count)), shape, tokenizer(), base_model("course-gpt2-m"))
    return [(min(max(len(prefix), low), high), min(max(len(target), least), most))
            for prefix, target in zip(rows.prefixes(), rows.targets(), strict=True)]


def records(sizes: list[tuple[int, int]], soft=None) -> EncodedDataset:
    """Records of random tokens, with the prompt of ``soft`` in front, or as PEFT wants them."""
    generator, before, items = torch.Generator().manual_seed(0), soft.prompt_ids() if soft else [], []
    for source, target in sizes:
        ids = torch.randint(3, 3000, (source + target,), generator=generator)
        labels = torch.where(torch.arange(len(ids)) < source, IGNORED, ids)
        front = torch.tensor(before, dtype=torch.long)
        items.append({"input_ids": torch.cat([front, ids]), "labels": torch.cat([front * 0 + IGNORED, labels])})
    return EncodedDataset(items, 0, 0, 3072)


# ---- training steps: functions of the numbers of the records


def our_step(soft, sizes, dtype: str) -> Callable:
    """`training.fit`'s own step."""
    run = Run(soft, records(sizes, soft), TrainingConfig(batch_size=BATCH, dtype=dtype, learning_rate=1e-4), None)
    soft.train()
    return lambda rows: run.take_step([rows], "bench")


def peft_step(model, sizes) -> Callable:
    rows_of, optimizer = records(sizes), torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)

    def step(rows):
        model(**collate([rows_of[i] for i in rows], rows_of.pad_id)).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def loss_and_gradient(soft, batch, context=None) -> tuple[float, torch.Tensor]:
    with context or contextlib.nullcontext():
        loss = soft(**batch).loss
    loss.backward()
    gradient = soft.soft_embedding.weight.grad.flatten()
    soft.zero_grad(set_to_none=True)
    return loss.item(), gradient


# ---- clock, memory, matrix products


def clock() -> float:
    """Wall time; with one thread the processor's time, which other people's work disturbs less."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def alternate(functions: dict[str, list[Callable]], rounds: int) -> dict[str, float]:
    """Seconds of each list of functions: the lists in turn, function by function; of each function the median of its rounds."""
    times = {name: [[] for _ in column] for name, column in functions.items()}
    for column in functions.values():
        column[0]()  # warm up
    for _ in range(rounds):
        for i in range(max(map(len, functions.values()))):
            for name, column in functions.items():
                if i < len(column):
                    started = clock()
                    column[i]()
                    times[name][i].append(clock() - started)
    return {name: sum(map(statistics.median, column)) for name, column in times.items()}


def memory_of(field: str) -> float:
    """MB of this process: VmRSS now, VmHWM at most since the peak was reset (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def step_memory(kind: str, name: str, sizes: list[tuple[int, int]], length: int = PROMPT) -> float:
    """Peak MB of two training steps on one batch beyond what the loaded model takes, in a process of its own."""
    arguments = json.dumps([kind, name, sizes, length, torch.get_num_threads()])
    command = [sys.executable, __file__, arguments]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()[-1])


def measure_memory(kind, name, sizes, length, threads) -> float:
    torch.set_num_threads(threads)
    model = ours(name, length) if kind.startswith("ours") else peft_model(name, length)
    before = memory_of("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    step = our_step(model, sizes, "float32" if "fp32" in kind else "auto") if kind.startswith("ours") else peft_step(model, sizes)
    for _ in range(2):
        step(range(len(sizes)))
    return memory_of("VmHWM") - before


def matrix_products(config, tokens: int, dtype: torch.dtype) -> tuple[Callable, float]:
    """One layer's products forward and back, as a step does them on ``tokens`` rows, and their number of operations."""
    width = config.hidden_size
    weights = [torch.randn(a * width, b * width).to(dtype) for a, b in ((1, 3), (1, 1), (1, 4), (4, 1))]
    rows = {size: torch.randn(tokens, size * width).to(dtype) for size in (1, 3, 4)}

    def run():
        for weight in weights:
            a, b = (size // width for size in weight.shape)
            rows[a] @ weight
            rows[b] @ weight.t()

    return run, sum(4 * tokens * weight.numel() for weight in weights)


def step_operations(config, sizes: list[tuple[int, int]], length: int = PROMPT) -> float:
    """What a training step must compute on real tokens, no padding: 4 operations for each weight of the layers and each token
    (forward, and back to the input; frozen weights need no gradient), causal attention, and logits at the targets. By convention
    the prompt's tokens count in every row, as PEFT computes them; ours runs them once a batch."""
    width, layers, total = config.hidden_size, config.num_hidden_layers, 0
    for source, target in sizes:
        tokens = length + source + target
        total += 4 * 12 * layers * width**2 * tokens + 6 * layers * width * tokens**2 + 4 * config.vocab_size * width * target
    return total


if __name__ == "__main__":
    print(measure_memory(*json.loads(sys.argv[1])))
