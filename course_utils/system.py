"""The one face of everything that the course compares: prompts, hard and soft, adapters, models trained as a whole."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from transformers.modeling_outputs import CausalLMOutput


class System(nn.Module):
    """A base model and what stands between it and a task. Of its parameters those that require gradients are trained.

    ``positions``: how many of the base model's positions it takes beside the ids of its soft tokens. ``hard_prompt``: words that
    evaluation puts to the text (`tasks.with_hard_prompt`). ``soft_vocabulary``: the names of its soft prompts.
    """

    positions: int = 0
    hard_prompt: str | None = None
    soft_vocabulary: tuple[str, ...] = ()
    vocab_size: int | None = None  # ids from here on are soft tokens

    def __init__(self, base_model):
        super().__init__()
        self.base_model = base_model
        self.takes_positions = "position_ids" in inspect.signature(base_model.forward).parameters

    @property
    def config(self):
        """The base model's configuration."""
        return self.base_model.config

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.base_model.device

    def target_logits(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [targets, vocab], fp32, and ids [targets] of the labels that count, row by row; texts padded on the right."""
        raise NotImplementedError

    def continue_rows(self, rows: Sequence[Sequence[int]], pad_id: int, **options) -> torch.Tensor:
        """New ids [batch, new] for rows of ids, greedily; ``options`` go to transformers' generate."""
        raise NotImplementedError

    def save(self, folder: str | Path, overwrite: bool = False, about: dict[str, str] | None = None) -> None:
        """Write what was trained, as safetensors; ``about`` is noted beside it where there is a place for that."""
        raise NotImplementedError

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor) -> CausalLMOutput:
        """The mean loss of the labels that count, in nats, and their logits [targets, vocab]."""
        logits, targets = self.target_logits(input_ids, attention_mask, labels)
        return CausalLMOutput(loss=F.cross_entropy(logits, targets), logits=logits)

    def parts(self) -> list[list[nn.Parameter]]:
        """The trained parameters in parts that do not act on each other, each clipped and stepped by itself: here all as one."""
        return [[weight for weight in self.parameters() if weight.requires_grad]]

    def share_gradients(self, parts: list[list[nn.Parameter]]) -> None:
        """Hand the parts their gradients after a backward pass, where they are not the parameters themselves."""
