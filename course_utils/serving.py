"""What it costs to serve many tasks: storage, memory and time, under prompts, LoRA and full fine-tuning; and the calculator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas

from .cost import COMPARED, FP32, HALF, Batch, Cost, break_even
from .shapes import Shape, get_shape


@dataclass(frozen=True)
class Machine:
    """``flops`` a second, bytes of memory read a second (``bandwidth``), and bytes of a ``number`` in what it computes in."""

    flops: float
    bandwidth: float
    number: int = HALF


# Peaks of NVIDIA's data sheets, half precision without sparsity: programs reach about half. The first is measured, in fp32.
MACHINES = {"2 CPU cores": Machine(180e9, 7e9, FP32), "T4": Machine(65e12, 320e9), "A100 80GB": Machine(312e12, 2.0e12),
            "H100": Machine(989e12, 3.35e12)}


@dataclass(frozen=True)
class Serving:
    """What `serve` computes: bytes of all files, bytes of memory, tokens of context taken, and seconds."""

    stored_bytes: int
    memory_bytes: int
    context: int
    first_token_seconds: float
    token_seconds: float  # each further one


def serve(cost: Cost, tasks: int, machine: str | Machine = "H100", text: int = 100, answer: int = 28, requests: int = 1,
          cached: bool = False) -> Serving:
    """Serve ``tasks`` tasks, ``requests`` at once, each of ``text`` tokens in and ``answer`` out, spread over the tasks.

    Prompts and adapters share one base; full fine-tuning loads a model a task. Time is the roofline's (Williams et al. 2009,
    doi 10.1145/1498765.1498785): max(operations / flops, bytes read / bandwidth); read are the weights of each model in use, and
    for each further token the keys and values before it. ``cached``: prompts are held compiled, as keys and values.
    """
    shape, machine = cost.shape, MACHINES[machine] if isinstance(machine, str) else machine
    model, front, number = shape.parameters * machine.number, cost.context, machine.number
    ours = shape.kv_bytes(front, number) if cached and front else cost.trained * number
    in_use = min(tasks, requests) if cost.full else 1
    first = requests * cost.request_flops(text, 1, cached)
    further = requests * cost.request_flops(text, answer, cached) - first

    def seconds(operations: float, read: float) -> float:
        return max(operations / machine.flops, read / machine.bandwidth)

    kept = requests * shape.kv_bytes(front + text + answer // 2, number)  # on average
    cache = requests * shape.kv_bytes(front + text + answer, number)
    return Serving(
        stored_bytes=tasks * cost.stored_bytes + (0 if cost.full else shape.parameters * HALF),
        memory_bytes=tasks * model + cache if cost.full else model + tasks * ours + cache,
        context=front,
        first_token_seconds=seconds(first, in_use * model),
        token_seconds=seconds(further / max(answer - 1, 1), in_use * model + kept))


def calculator_table(
    models: Iterable[str | Shape], tasks: int = 10, prompt_length: int = 20, rank: int = 8, machine: str | Machine = "H100",
    text: int = 100, answer: int = 28, requests: int = 1, steps: int = 1000, example_tokens: int = 300, rows: int = 8,
) -> pandas.DataFrame:
    """A row a model and system of `COMPARED`; options as in `serve` and `break_even`, trained in batches of ``rows`` texts."""
    batch, lines = Batch(rows, text + answer, answer), []
    for shape in map(get_shape, models):
        for system in COMPARED:
            cost = Cost(shape, system, prompt_length, rank)
            served = serve(cost, tasks, machine, text, answer, requests)
            lines.append({
                "base model": shape.name, "system": system, "weights of the base": shape.parameters,
                "trained weights": cost.trained, "a task's file, MB": cost.stored_bytes / 1e6,
                "all files, GB": served.stored_bytes / 1e9,
                "memory to train, GB": cost.training_bytes(batch) / 1e9, "training step, TFLOP": cost.step_flops(batch) / 1e12,
                "memory to serve, GB": served.memory_bytes / 1e9, "context taken, %": 100 * served.context / shape.context,
                "first token, ms": served.first_token_seconds * 1e3, "each further token, ms": served.token_seconds * 1e3,
                "requests until training has paid": break_even(cost, steps, example_tokens, batch, text, answer)})
    return pandas.DataFrame(lines)
