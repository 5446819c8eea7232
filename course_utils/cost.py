"""What it costs to train a system: weights, bytes, operations, break-even, all computed; and a training step, measured.

Computed is from the shape of the base model (`shapes`): 70B models need no weights. A backward pass does each product of the
forward pass twice, for its input and for its weight; the second falls away where the weight is frozen. So a step takes about 6 N
operations a token if all N weights learn (Kaplan et al. 2020, arXiv 2001.08361, section 2.1), and 4 N for a prompt or LoRA.
"""

from __future__ import annotations

import math
import statistics
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from .key_values import pays_to_share
from .precision import autocast
from .shapes import Shape

COMPARED = ("soft prompt", "LoRA", "full fine-tuning")
FP32, HALF, ADAMW = 4, 2, 8  # bytes: a weight that is trained, one that is stored, AdamW's two means for it


@dataclass(frozen=True)
class Batch:
    """What a training step reads: ``rows`` texts of ``text`` tokens (source and target, no prompt), ``targets`` tokens to predict
    in each."""

    rows: int = 8
    text: int = 128
    targets: int = 28


@dataclass(frozen=True)
class Cost:
    """What one system of `COMPARED` costs on a shape. ``rank`` is LoRA's, on the layers that PEFT chooses.

    ``shared``: the prompt runs once a batch (`key_values.run_prompts`), not once a row; if None, as the course's engine decides.
    """

    shape: Shape
    system: str
    prompt_length: int = 20
    rank: int = 8
    shared: bool | None = None

    def __post_init__(self):
        if self.system not in COMPARED:
            raise ValueError(f"system must be one of {', '.join(COMPARED)}, got {self.system!r}")
        if self.prompt_length < 1 or self.rank < 1:
            raise ValueError(f"prompt_length and rank must be >= 1, got {self.prompt_length} and {self.rank}")

    full = property(lambda self: self.system == "full fine-tuning")
    context = property(lambda self: self.prompt_length if self.system == "soft prompt" else 0, doc="Tokens that it takes.")

    @property
    def trained(self) -> int:
        """Trained weights: P * width; rank * (inputs + outputs) of each layer's c_attn (GPT-2), or q_proj and v_proj; or all."""
        shape = self.shape
        if self.system == "soft prompt":
            return self.prompt_length * shape.width
        outputs = shape.queries + shape.keys + (shape.keys if shape.gpt2 else shape.width)  # two matrices: the width counts twice
        return shape.parameters if self.full else shape.layers * self.rank * (shape.width + outputs)

    stored_bytes = property(lambda self: self.trained * (HALF if self.full else FP32),
                            doc="A task's file; half precision if full.")
    gradient_bytes = property(lambda self: self.trained * FP32)
    optimizer_bytes = property(lambda self: self.trained * ADAMW)

    def runs(self, batch: Batch) -> tuple[bool, int, int]:
        """Whether the prompt is shared, tokens that go through the layers, and pairs of tokens in attention."""
        length, rows = self.context, batch.rows
        shared = bool(length) and (pays_to_share(rows, self.shape.width) if self.shared is None else self.shared)
        behind = length + batch.text
        if shared:
            return True, length + rows * batch.text, length**2 + rows * batch.text * behind
        return False, rows * behind, rows * behind**2

    def step_flops(self, batch: Batch) -> int:
        """Operations of a training step: forward, back to the inputs, and if all is trained back to the weights."""
        shape, (shared, tokens, pairs) = self.shape, self.runs(batch)
        once = 2 * shape.products * tokens + 2 * shape.head * batch.rows * batch.targets
        total = (3 if self.full else 2) * once + 3 * 4 * shape.layers * shape.queries * pairs
        if self.system == "LoRA":
            total += 6 * self.trained * tokens
        if shared or self.system == "LoRA":  # nothing in front of the first layer's keys asks for a gradient
            total -= 2 * shape.qkv * batch.rows * batch.text
        return total

    def request_flops(self, text: int, answer: int, cached: bool = False) -> int:
        """Operations to answer a request, see `Shape.request_flops`; LoRA's matrices stay beside the base's."""
        beside = 2 * self.trained * (text + answer - 1) if self.system == "LoRA" else 0
        return self.shape.request_flops(self.context, text, answer, cached) + beside

    def activation_bytes(self, batch: Batch) -> int:
        """Bytes in fp32 that the forward pass keeps for the way back, with PyTorch's fused attention and GELU, dropout 0.

        In each layer, frozen: what goes into both norms, into attention and out of it, and into the activation function. What
        goes into a product is kept only to train that product. At the end: the log probabilities of the target tokens.
        """
        shape, (shared, tokens, pairs) = self.shape, self.runs(batch)
        keys = batch.rows * (self.context + batch.text) + self.context if shared else tokens
        mlp = shape.mlp_width * (1 if shape.gpt2 else 3)
        layer = tokens * (2 * shape.width + shape.queries + mlp) + pairs  # those last are the mask, a number for each pair
        if shape.gpt2:  # one product makes all three and is kept for the queries' sake, also where keys are copied into a cache
            layer += tokens * (shape.queries + 2 * shape.keys) + 2 * shape.keys * keys * shared
        else:
            layer += shape.queries * (tokens + 2 * keys)  # keys and values, repeated for each head of the queries
        if self.full:
            layer += tokens * (shape.mlp_width + shape.width * (2 if shape.gpt2 else 4))
        if self.system == "LoRA":
            layer += tokens * (shape.width + self.rank * (1 if shape.gpt2 else 2))
        end = tokens * shape.width + batch.rows * batch.targets * shape.vocabulary
        return FP32 * (shape.layers * layer + end)

    def training_bytes(self, batch: Batch) -> int:
        """Bytes of memory to train in fp32: weights, gradients, AdamW's means, activations."""
        weights = FP32 * (self.shape.parameters + (0 if self.full else self.trained))
        return weights + self.gradient_bytes + self.optimizer_bytes + self.activation_bytes(batch)


def break_even(cost: Cost, steps: int, example_tokens: int, batch: Batch | None = None, text: int = 100, answer: int = 28,
               cached: bool = False) -> float:
    """Requests after which ``steps`` of training took no more operations than ``example_tokens`` of examples in every request.

    A request reads ``text`` tokens and writes ``answer``. ``cached``: a server keeps the keys and values of what is always in
    front, which then costs attention alone. Infinite where nothing is saved. The search for a learning rate is not in it.
    """
    training = steps * cost.step_flops(batch or Batch())
    saved = cost.shape.request_flops(example_tokens, text, answer, cached) - cost.request_flops(text, answer, cached)
    return math.ceil(training / saved) if saved > 0 else math.inf


# ---- measured


class Kept:
    """A tensor that autograd keeps, in a wrapper that can be referred to weakly."""

    def __init__(self, tensor: torch.Tensor):
        self.tensor = tensor.detach()


def saved_bytes(system, batch: Mapping[str, torch.Tensor], dtype: str = "float32") -> int:
    """Bytes that a forward pass keeps for the way back: each storage once, parameters and buffers not counted."""
    alive: weakref.WeakSet[Kept] = weakref.WeakSet()  # what only a part of the graph that nothing needs has kept drops out of it

    def pack(tensor: torch.Tensor) -> Kept:
        alive.add(kept := Kept(tensor))
        return kept

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor), autocast(system, dtype):
        loss = system(**batch).loss  # holds the graph until here
        ours = {tensor.untyped_storage().data_ptr() for tensor in (*system.parameters(), *system.buffers())}
        storages = {each.data_ptr(): each.nbytes() for each in (kept.tensor.untyped_storage() for kept in alive)}
        del loss
    return sum(size for place, size in storages.items() if place not in ours)


def timed_step(system, batch: Mapping[str, torch.Tensor], dtype: str = "float32") -> tuple[float, int | None]:
    """Seconds of a forward and a backward pass, and the most memory that they took beyond what was there (CUDA, else None)."""
    cuda, context = system.device.type == "cuda", autocast(system, dtype)
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    started = time.perf_counter()
    with context:
        loss = system(**batch).loss
    loss.backward()
    if cuda:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    system.zero_grad(set_to_none=True)
    return seconds, torch.cuda.max_memory_allocated() - before if cuda else None


@dataclass(frozen=True)
class Measured:
    """A training step without its update: median seconds, bytes kept for the way back, peak memory (CUDA, else None)."""

    seconds: float
    saved_bytes: int
    peak_bytes: int | None


def measured_step(system, batch: Mapping[str, torch.Tensor], dtype: str = "float32", repeats: int = 3) -> Measured:
    """A system's step on ``batch``, as `batches.collate` makes it; ``dtype`` as in `TrainingConfig`.

    The peak holds gradients and logits, too. Afterwards the system is in the mode that it was in, without gradients.
    """
    was_training = system.training
    system.train()
    saved = saved_bytes(system, batch, dtype)
    timed_step(system, batch, dtype)  # warm up
    seconds, peaks = zip(*(timed_step(system, batch, dtype) for _ in range(repeats)), strict=True)
    system.train(was_training)
    return Measured(statistics.median(seconds), saved, peaks[-1])
