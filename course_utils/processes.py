"""Several processes that share a training run: who they are, and sums over what each of them has.

`torchrun` starts them; without it there is one, and nothing here does anything. The communication is accelerate's.
"""

from __future__ import annotations

import os

import torch
from accelerate import PartialState
from accelerate.utils import gather_object, reduce


def world_size() -> int:
    """How many processes there are."""
    return int(os.environ.get("WORLD_SIZE", 1))


def rank() -> int:
    """This process's number; 0 is the one that writes and prints."""
    return state().process_index if world_size() > 1 else 0


def state() -> PartialState:
    """accelerate's view of this process: its number, its device, waiting for the others."""
    return PartialState(cpu=not torch.cuda.is_available())


def summed(tensor: torch.Tensor) -> torch.Tensor:
    """The sum of ``tensor`` over all processes."""
    return reduce(tensor.to(state().device), "sum").to(tensor.device) if world_size() > 1 else tensor


def share_of(rows: list) -> list:
    """This process's part of a list that all processes have alike."""
    return rows[rank() :: world_size()]


def gathered(items: list) -> list:
    """The items of all processes, in one list."""
    return gather_object(items) if world_size() > 1 else items
