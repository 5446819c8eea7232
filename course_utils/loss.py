"""The loss of a batch, over the tokens of the targets alone."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .batches import IGNORED


def counted(labels: torch.Tensor) -> torch.Tensor:
    """Which labels are predicted and count, [batch, text]: nothing stands in front of the first of a row."""
    counts = labels != IGNORED
    counts[:, 0] = False
    return counts


def wanted_positions(labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Where a token is predicted that counts, [batch, text] of bool, and those tokens, [targets], row by row.

    A token is predicted at the position in front of it: the shift by one. Raises ValueError if no label counts.
    """
    counts = counted(labels)
    if not counts.any():
        raise ValueError(f"labels hold no target token: all {labels.numel()} are {IGNORED}, or the first of their row")
    return F.pad(counts[:, 1:], (0, 1), value=False), labels[counts]


def logits_at(base_model, wanted: torch.Tensor, **inputs) -> torch.Tensor:
    """Logits [targets, vocab], fp32, of a base model at the positions ``wanted`` [batch, text], row by row.

    The output layer is costly and most positions need none: over GPT-2's vocabulary the logits of 32 long sources take 6 GB,
    twice. So it is given the wanted positions alone, whatever the family does with its result.
    """
    head = base_model.get_output_embeddings()
    # [batch, text, width] -> [targets, width]
    handle = head.register_forward_pre_hook(lambda module, args: (args[0][wanted], *args[1:]))
    try:
        return base_model(**inputs).logits.float()
    finally:
        handle.remove()


def token_losses(model, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of every target token of a batch, [targets], in nats, and the row of the batch that each is from, [targets]."""
    logits, targets = model.target_logits(**batch)
    return F.cross_entropy(logits, targets, reduction="none"), counted(batch["labels"]).nonzero()[:, 0]
