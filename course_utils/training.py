"""A training loop that one can read: AdamW, warm-up, clipping, and the best epoch kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import torch
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from .base_models import autocast
from .data import IGNORED, EncodedDataset, LengthGroupedBatches, collate
from .evaluation import evaluate_loss, target_loss


class TrainingDiverged(RuntimeError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. The learning rate rises over ``warmup_fraction`` of the steps, then falls to 0.

    The defaults suit a soft prompt of 20 tokens; full fine-tuning wants a learning rate near 1e-3 or below.
    """

    epochs: int = 5
    batch_size: int = 16
    learning_rate: float = 3e-2
    warmup_fraction: float = 0.1
    weight_decay: float = 0.0
    gradient_accumulation_steps: int = 1
    clipping_norm: float = 1.0
    seed: int = 0
    eval_batch_size: int = 32

    def __post_init__(self):
        for name in ("epochs", "batch_size", "gradient_accumulation_steps", "eval_batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number >= 1, got {value!r}")
        for name in ("learning_rate", "clipping_norm"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be > 0 and finite, got {getattr(self, name)!r}")
        if not 0 <= self.warmup_fraction < 1:
            raise ValueError(f"warmup_fraction must be in [0, 1), got {self.warmup_fraction!r}")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay must be >= 0, got {self.weight_decay!r}")

    @classmethod
    def as_reported(cls, **changes) -> TrainingConfig:
        """The original report's settings (its one-token prompt is the model's). It names no learning rate."""
        return cls(**{"epochs": 10, "batch_size": 1, "gradient_accumulation_steps": 1, "clipping_norm": 1.0, **changes})


@dataclass
class TrainingLog:
    """One dict per epoch: epoch, train_loss, validation_loss (nats per target token), seconds."""

    epochs: list[dict] = field(default_factory=list)

    @property
    def best_epoch(self) -> int:
        """The epoch (from 1) with the lowest validation loss, whose weights were kept; 0 before the first."""
        return min(self.epochs, key=lambda row: row["validation_loss"])["epoch"] if self.epochs else 0


def learning_rate_factor(step: int, steps: int, warmup_fraction: float) -> float:
    """What to multiply the learning rate with in optimizer step ``step`` of ``steps``, counted from 0."""
    warmup = round(steps * warmup_fraction)
    return (step + 1) / (warmup + 1) if step < warmup else (steps - step) / max(1, steps - warmup)


def fit(
    model,
    train_set: EncodedDataset,
    validation_set: EncodedDataset,
    config: TrainingConfig | None = None,
    on_epoch: Callable[[dict], None] | None = None,
    progress: bool = True,
) -> TrainingLog:
    """Train whatever in ``model`` requires gradients: a soft prompt, or all of a plain model.

    ``on_epoch`` gets each epoch's row of the log. At the end, also after an error or an interrupt, the
    model holds the weights of its best epoch (those it came with, if none was finished).
    Raises ValueError if nothing is trainable, TrainingDiverged if a loss is not finite.
    """
    config = config or TrainingConfig()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if not weights:
        raise ValueError("nothing to train: no parameter requires gradients; model.requires_grad_(True) unfreezes a model")
    sampler = LengthGroupedBatches(train_set.lengths(), config.batch_size, config.seed)
    loader = DataLoader(train_set, batch_sampler=sampler, collate_fn=partial(collate, pad_id=train_set.pad_id))
    steps = config.epochs * -(-len(loader) // config.gradient_accumulation_steps)
    optimizer = torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, partial(learning_rate_factor, steps=steps, warmup_fraction=config.warmup_fraction)
    )
    torch.manual_seed(config.seed)  # for dropout, where a plain model has it
    log, best = TrainingLog(), [weight.detach().clone() for weight in weights]
    try:
        for epoch in range(1, config.epochs + 1):
            start = time.perf_counter()
            label = f"Epoch {epoch}/{config.epochs}"
            train_loss = train_epoch(model, loader, weights, optimizer, schedule, config, label, progress)
            loss = evaluate_loss(model, validation_set, config.eval_batch_size, "Validation", progress)
            require_finite(loss, f"validation loss after epoch {epoch}", config)
            row = {"epoch": epoch, "train_loss": train_loss, "validation_loss": loss}
            log.epochs.append(row | {"seconds": time.perf_counter() - start})
            if log.best_epoch == epoch:
                best = [weight.detach().clone() for weight in weights]
            if on_epoch:
                on_epoch(log.epochs[-1])
    finally:
        with torch.no_grad():
            for weight, kept in zip(weights, best, strict=True):
                weight.copy_(kept)
        model.zero_grad(set_to_none=True)
        model.eval()
    return log


def train_epoch(model, loader, weights, optimizer, schedule, config, label: str, progress: bool) -> float:
    """One pass over the training set; returns the mean loss per target token along the way, in nats."""
    model.train()
    total, count, batches = 0.0, 0, iter(loader)
    with tqdm(total=len(loader), desc=label, disable=not progress, unit="batch") as bar:
        while group := list(islice(batches, config.gradient_accumulation_steps)):
            # Batches differ in target tokens: weighted by them, 2 batches of 8 are the same as 1 of 16.
            targets = [int((batch["labels"] != IGNORED).sum()) for batch in group]
            for batch, tokens in zip(group, targets, strict=True):
                batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
                with autocast(model.device):
                    loss = target_loss(model, **batch)
                require_finite(loss.item(), f"training loss in {label}", config)
                (loss * tokens / sum(targets)).backward()
                total, count = total + loss.item() * tokens, count + tokens
                bar.update()
                bar.set_postfix(loss=f"{total / count:.3f}", refresh=False)
            torch.nn.utils.clip_grad_norm_(weights, config.clipping_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
    return total / count


def require_finite(loss: float, name: str, config: TrainingConfig) -> None:
    if not abs(loss) < float("inf"):
        raise TrainingDiverged(
            f"{name} is {loss}: stopped, and the best weights so far are back in the model; "
            f"lower the learning rate (now {config.learning_rate:g}) or lengthen the warm-up (now {config.warmup_fraction:g})"
        )
