"""What a training step costs, measured beside what is computed: rows for the study "cost" (see `course_utils.results`)."""

import copy
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch  # noqa: E402
from torch import nn  # noqa: E402
from transformers import GPT2Config, GPT2LMHeadModel  # noqa: E402

from course_utils import get_task, load_base_model, make_system  # noqa: E402
from course_utils.base_models import COURSE_MODELS  # noqa: E402
from course_utils.batches import IGNORED  # noqa: E402
from course_utils.cost import COMPARED, Batch, Cost, saved_bytes, timed_step  # noqa: E402
from course_utils.precision import speed_up  # noqa: E402
from course_utils.shapes import get_shape  # noqa: E402

MODELS = (*COURSE_MODELS, "gpt2", "gpt2-medium")
LENGTHS = {"course-gpt2-m": (1, 5, 20, 50, 100), "gpt2": (1, 5, 20, 50, 100)}  # others: 20 tokens
FULL = "full fine-tuning"


def build_model(name: str):
    """A course model, or GPT-2 of that shape with random weights, which cost as much as trained ones. Dropout is 0 in both."""
    if name in COURSE_MODELS:
        return load_base_model(name, "cpu")[0]
    shape = get_shape(name)
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(
        n_layer=shape.layers, n_embd=shape.width, n_head=shape.heads, vocab_size=shape.vocabulary, n_positions=shape.context,
        attn_pdrop=0, embd_pdrop=0, resid_pdrop=0))
    model.loss_type, model.config.name_or_path = "ForCausalLM", name
    speed_up(model)
    return model.eval()


def same_weights(model):
    """Another model with the weights of ``model`` in the same memory, to be frozen, trained or wrapped by itself."""
    return copy.deepcopy(model, {id(weight): nn.Parameter(weight.data, requires_grad=False) for weight in model.parameters()})


def random_batch(batch: Batch, vocabulary: int) -> dict[str, torch.Tensor]:
    """Rows of random tokens, the last of each predicted; one pad in the first row, since with none PyTorch needs no mask."""
    ids = torch.randint(0, vocabulary, (batch.rows, batch.text), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[0, -1] = 0
    labels = ids.masked_fill(torch.arange(batch.text) < batch.text - batch.targets, IGNORED).masked_fill(mask == 0, IGNORED)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def update_seconds(system, batch: Mapping[str, torch.Tensor]) -> float:
    """Seconds of AdamW's update, each weight by itself, as PyTorch does it on a CPU: so the memory of one weight suffices."""
    system(**batch).loss.backward()
    total = 0.0
    for weight in (weight for weight in system.parameters() if weight.requires_grad):
        optimizer = torch.optim.AdamW([weight], lr=1e-9, weight_decay=0)
        optimizer.step()  # makes its state
        times = []
        for _ in range(3):
            started = time.perf_counter()
            optimizer.step()
            times.append(time.perf_counter() - started)
        total, weight.grad = total + statistics.median(times), None
    return total


def measure_costs(
    models: Iterable[str] = MODELS, systems: Sequence[str] = COMPARED, lengths: Mapping[str, Sequence[int]] = LENGTHS,
    batch: Batch | None = None, rounds: int = 5, report: Callable[[str, str], None] = lambda model, system: None,
) -> list[dict]:
    """Tidy rows (`results.ROW_KEYS` without study and run): each metric of each system on each model; LoRA of rank 8; fp32.

    The systems of a model share its weights and take turns, ``rounds`` times; seconds are medians, "of full fine-tuning" is the median
    of the ratios within a round. A step is a forward and a backward pass and AdamW's update, timed on its own (once). ``n``: the
    rows of a batch. ``report(model, system)`` is told before each measurement. GPT-2 medium takes 5 GB.
    """
    batch, found = batch or Batch(), []
    for name in models:
        base, shape, task = build_model(name), get_shape(name), get_task("summarization")
        built, ids = {}, random_batch(batch, shape.vocabulary)
        for system in systems:
            for length in lengths.get(name, (20,)) if system == "soft prompt" else (20,):
                label = f"{system}, {length} token{'s' * (length > 1)}" if system == "soft prompt" else system
                built[label] = make_system(system, same_weights(base), task, length).train(), Cost(shape, system, length)
        steps, updates, kept = {label: [] for label in built}, {}, {}
        for label, (system, _) in built.items():
            report(name, f"{label}, memory and update")
            kept[label], updates[label] = saved_bytes(system, ids), update_seconds(system, ids)
        for number in range(rounds):
            for label, (system, _) in built.items():
                report(name, f"{label}, {number + 1} of {rounds}")
                steps[label].append(timed_step(system, ids)[0])
        for label, (_, cost) in built.items():
            values = values_of(cost, batch, kept[label], statistics.median(steps[label]), updates[label])
            if FULL in steps:
                ratios = [(ours + updates[label]) / (full + updates[FULL])
                          for ours, full in zip(steps[label], steps[FULL], strict=True)]
                values["step, of full fine-tuning"] = statistics.median(ratios)
            keys = {"task": "random tokens", "base": name, "system": label, "seed": 0, "split": "train", "step": None}
            found += [{**keys, "metric": metric, "value": float(value), "n": batch.rows} for metric, value in values.items()]
    return found


def values_of(cost: Cost, batch: Batch, kept: int, seconds: float, update: float) -> dict[str, float]:
    """Metrics of a system: the first six are computed, the others measured."""
    return {
        "trainable parameters": cost.trained, "stored bytes": cost.stored_bytes, "gradient bytes": cost.gradient_bytes,
        "optimizer bytes": cost.optimizer_bytes, "saved activations by formula, bytes": cost.activation_bytes(batch),
        "step, FLOPs": cost.step_flops(batch), "saved activations, bytes": kept,
        "forward and backward, seconds": seconds, "update, seconds": update, "step, seconds": seconds + update}


if __name__ == "__main__":
    for row in measure_costs(sys.argv[1:] or MODELS, report=lambda *news: print(*news, file=sys.stderr, flush=True)):
        print(row["base"], row["system"], row["metric"], row["value"], sep="\t")
