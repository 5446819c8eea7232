"""A training loop that one can read: AdamW, warm-up, clipping, the best epoch kept, and a checkpoint to go on from."""

from __future__ import annotations

import functools
import hashlib
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from .base_models import weights_sample
from .batches import IGNORED, EncodedDataset, LengthGroupedBatches, collate
from .evaluation import evaluate_loss
from .loss import token_losses
from .precision import DTYPES, autocast
from .processes import rank, share_of, summed, world_size
from .progress import progress_bar
from .results import write_atomic
from .sanity_checks import require, run_checks
from .systems import as_system
from .tasks import CourseWarning


def option(default, text: str, **more):
    """A field of a configuration that is also an option of a command; ``more`` goes to argparse."""
    return field(default=default, metadata={"help": text, **more})


class TrainingDiverged(RuntimeError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. The learning rate rises over ``warmup_fraction`` of the steps, then falls to 0.

    ``patience``: stop when the validation loss has not improved for so many epochs. ``dtype``: what to multiply in while
    training, see `precision.autocast`; losses that are reported are computed in the model's own. The defaults suit a soft
    prompt of 20 tokens; full fine-tuning wants a learning rate near 1e-3 or below.
    """

    epochs: int = option(5, "passes over the training records")
    batch_size: int = option(16, "records per step")
    learning_rate: float = option(3e-2, "the highest one, after warm-up")
    warmup_fraction: float = option(0.1, "part of the steps in which the learning rate rises")
    weight_decay: float = option(0.0, "AdamW's")
    gradient_accumulation_steps: int = option(1, "batches per optimizer step")
    clipping_norm: float = option(1.0, "longest gradient of a step")
    seed: int = option(0, "draws training records, start and batches")
    eval_batch_size: int = option(32, "records per batch where nothing is trained")
    patience: int | None = option(None, "stop when the validation loss has not improved for so many epochs")
    dtype: str = option("auto", "what to multiply in while training; auto: bfloat16 where the processor has it",
                        choices=["auto", *DTYPES])
    checks: bool = option(False, "before the first step run five checks, which find the usual mistakes, and stop if one fails")

    def __post_init__(self):
        for name in ("epochs", "batch_size", "gradient_accumulation_steps", "eval_batch_size", "patience"):
            value = getattr(self, name)
            if not (value is None and name == "patience") and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} must be a whole number >= 1, got {value!r}")
        for name in ("learning_rate", "clipping_norm"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be > 0 and finite, got {getattr(self, name)!r}")
        if not 0 <= self.warmup_fraction < 1:
            raise ValueError(f"warmup_fraction must be in [0, 1), got {self.warmup_fraction!r}")
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be a whole number >= 0 and < 2**32, got {self.seed!r}")
        if not 0 <= self.weight_decay < float("inf"):
            raise ValueError(f"weight_decay must be >= 0 and finite, got {self.weight_decay!r}")
        if self.dtype not in ("auto", *DTYPES):
            raise ValueError(f"dtype must be auto, {' or '.join(DTYPES)}, got {self.dtype!r}")

    @classmethod
    def as_reported(cls, **changes) -> TrainingConfig:
        """The original report's settings (its one-token prompt is the model's). It names no learning rate."""
        return cls(**{"epochs": 10, "batch_size": 1, "gradient_accumulation_steps": 1, "clipping_norm": 1.0, **changes})


@dataclass
class TrainingLog:
    """One dict per epoch: epoch, train_loss, validation_loss (nats per target token), seconds, and what ``on_epoch`` added."""

    epochs: list[dict] = field(default_factory=list)

    @property
    def best_epoch(self) -> int:
        """The epoch (from 1) with the lowest validation loss, whose weights were kept; 0 before the first."""
        return min(self.epochs, key=lambda row: row["validation_loss"])["epoch"] if self.epochs else 0


def learning_rate_factor(step: int, steps: int, warmup_fraction: float) -> float:
    """What to multiply the learning rate with in optimizer step ``step`` of ``steps``, counted from 0."""
    warmup = round(steps * warmup_fraction)
    return (step + 1) / (warmup + 1) if step < warmup else (steps - step) / max(1, steps - warmup)


@torch.enable_grad()
def fit(
    model,
    train_set: EncodedDataset,
    validation_set: EncodedDataset,
    config: TrainingConfig | None = None,
    on_epoch: Callable[[dict], dict | None] | None = None,
    progress: bool = True,
    checkpoint: str | Path | None = None,
    checkpoint_steps: int | None = None,
    name: str = "",
) -> TrainingLog:
    """Train whatever in ``model`` requires gradients: a system of `systems`, or all of a plain model.

    ``on_epoch`` gets each epoch's row of the log and may return more to keep in it. At the end, also after an error or an
    interrupt, the model holds the weights of its best epoch (those it came with, if none was finished).

    ``checkpoint`` names a file that is replaced after every epoch and every ``checkpoint_steps`` steps, and that a later call
    with the same model, data, configuration and ``name`` goes on from: to the bit, on the same kind of machine. It holds what is
    trained, never the frozen base. Under `torchrun` each process computes its share of every batch; the losses are those of one.

    With ``config.checks`` a run that starts anew begins with the five checks of `sanity_checks`, on eight of its records; what is
    trained is the same with and without.

    Raises ValueError if nothing is trainable or the checkpoint is another run's, SanityCheckFailed if a check fails for certain
    (one that a weak base model might fail, too, is a `CourseWarning`), TrainingDiverged if a loss is not finite.
    """
    config, system = config or TrainingConfig(), as_system(model)
    if not len(train_set) or not len(validation_set):
        raise ValueError(f"got {len(train_set)} training and {len(validation_set)} validation records: expected one at least")
    run = Run(system, train_set, config, Path(checkpoint) if checkpoint else None, (name, validation_set))
    if config.checks and not (run.path and run.path.exists()):
        results = run_checks(system, train_set, learning_rate=config.learning_rate)
        require(results, lambda text: warnings.warn(text, CourseWarning, 5))
    torch.manual_seed(config.seed)  # for dropout, where a plain model has it
    run.resume()
    try:
        while run.epoch <= config.epochs and not run.out_of_patience():
            seconds, start = run.seconds, time.perf_counter()
            label = f"Epoch {run.epoch}/{config.epochs}"
            for _ in run.steps_of_epoch(label, progress and rank() == 0):
                if checkpoint_steps and run.step % checkpoint_steps == 0:
                    run.seconds = seconds + time.perf_counter() - start
                    run.save()
            loss = evaluate_loss(system, validation_set, config.eval_batch_size, "Validation", progress)
            require_finite(loss, f"validation loss after epoch {run.epoch}", config)
            row = {"epoch": run.epoch, "train_loss": run.total / run.count, "validation_loss": loss,
                   "seconds": seconds + time.perf_counter() - start}
            run.log.epochs.append(row)
            if run.log.best_epoch == run.epoch:
                run.best = [weight.detach().clone() for weight in run.weights]
            row |= (on_epoch(row) if on_epoch else None) or {}
            run.next_epoch()
            run.save()
    finally:
        with torch.no_grad():
            for weight, kept in zip(run.weights, run.best, strict=True):
                weight.copy_(kept)
        system.zero_grad(set_to_none=True)
        system.eval()
    return run.log


class Run:
    """Where a training run stands: all that a checkpoint holds."""

    def __init__(
        self, system, train_set: EncodedDataset, config: TrainingConfig, path: Path | None = None, other: tuple = ("", None)
    ):
        self.system, self.train_set, self.config, self.path, self.other = system, train_set, config, path, other
        self.weights = [weight for weight in system.parameters() if weight.requires_grad]
        if not self.weights:
            raise ValueError("nothing to train: no parameter requires gradients; model.requires_grad_(True) unfreezes a model")
        self.precision = autocast(system, config.dtype)
        self.parts = system.parts()
        self.optimizer = torch.optim.AdamW(
            [weight for part in self.parts for weight in part], lr=config.learning_rate, weight_decay=config.weight_decay)
        self.sampler = LengthGroupedBatches(train_set.lengths(), config.batch_size, config.seed)
        self.groups = -(-len(self.sampler) // config.gradient_accumulation_steps)  # optimizer steps an epoch
        self.targets = [int((item["labels"] != IGNORED).sum()) for item in train_set.items]
        self.owners = [owner_of(system, item["input_ids"]) for item in train_set.items]
        self.log, self.best = TrainingLog(), [weight.detach().clone() for weight in self.weights]
        self.epoch, self.step = 1, 0  # the epoch that is running, and the optimizer steps taken in it
        self.total, self.count, self.seconds = 0.0, 0, 0.0  # loss, target tokens and time of this epoch so far

    def out_of_patience(self) -> bool:
        return self.config.patience is not None and len(self.log.epochs) - self.log.best_epoch >= self.config.patience

    def next_epoch(self) -> None:
        self.epoch, self.step, self.total, self.count, self.seconds = self.epoch + 1, 0, 0.0, 0, 0.0

    def steps_of_epoch(self, label: str, progress: bool):
        """Take the optimizer steps of the epoch that are left, and yield after each."""
        self.system.train()
        self.sampler.epoch, every = self.epoch - 1, self.config.gradient_accumulation_steps
        batches = list(self.sampler)
        with progress_bar(total=len(batches), description=label, disable=not progress) as bar:
            bar.update(self.step * every)
            for start in range(self.step * every, len(batches), every):
                self.take_step(batches[start : start + every], label)
                self.step += 1
                bar.set_postfix(loss=f"{self.total / self.count:.3f}", refresh=False)
                bar.update(len(batches[start : start + every]))
                yield

    def take_step(self, batches: list[list[int]], label: str) -> None:
        """One optimizer step on the records of ``batches``, which other processes share.

        The loss is the mean over the target tokens behind each prompt, added up over the prompts: no matter how records are
        divided into batches and over processes, and a prompt learns the same with or without others beside it.
        """
        tokens: dict[int, int] = {}
        for i in (i for rows in batches for i in rows):
            tokens[self.owners[i]] = tokens.get(self.owners[i], 0) + self.targets[i]
        total = 0.0
        for rows in filter(None, map(share_of, batches)):
            batch = collate([self.train_set[i] for i in rows], self.train_set.pad_id)
            batch = {name: tensor.to(self.system.device) for name, tensor in batch.items()}
            with self.precision:
                losses, of_row = token_losses(self.system, batch)
            shares = torch.tensor([1 / tokens[self.owners[i]] for i in rows], device=losses.device)
            (losses * shares[of_row]).sum().backward()
            total += float(losses.detach().sum())
        if world_size() > 1:
            for weight in self.weights:
                weight.grad = summed(torch.zeros_like(weight) if weight.grad is None else weight.grad)
            total = float(summed(torch.tensor(total, device=self.system.device)))
        self.total, self.count = self.total + total, self.count + sum(tokens.values())
        require_finite(total, f"training loss in {label}", self.config)
        self.system.share_gradients(self.parts)
        for part in self.parts:
            torch.nn.utils.clip_grad_norm_(part, self.config.clipping_norm)
        done = (self.epoch - 1) * self.groups + self.step
        rate = learning_rate_factor(done, self.config.epochs * self.groups, self.config.warmup_fraction)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * rate
        self.optimizer.step()
        self.system.zero_grad(set_to_none=True)

    # ---- checkpoints

    @functools.cached_property
    def fingerprint(self) -> str:
        """What a checkpoint must agree with: configuration, records, shapes of what is trained, some of the frozen weights."""
        (name, validation_set), frozen = self.other, nn.ParameterList(p for p in self.system.parameters() if not p.requires_grad)
        sets = [self.train_set, validation_set] if validation_set else [self.train_set]
        ids = torch.cat([item["input_ids"] for each in sets for item in each.items]).numpy().tobytes()
        shapes = [list(weight.shape) for weight in self.weights]
        about = [asdict(self.config), name, shapes, hashlib.sha256(ids).hexdigest(), weights_sample(frozen)]
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

    def save(self) -> None:
        """Replace the checkpoint in one step; the first process alone writes."""
        if self.path is None or rank() != 0:
            return
        tensors = {f"weight.{i}": weight.detach() for i, weight in enumerate(self.weights)}
        tensors |= {f"best.{i}": weight for i, weight in enumerate(self.best)}
        for i, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{name}": value for name, value in state.items()}
        tensors["rng.cpu"] = torch.get_rng_state()
        if torch.cuda.is_available():
            tensors["rng.cuda"] = torch.cuda.get_rng_state()
        about = {name: getattr(self, name) for name in ("epoch", "step", "total", "count", "seconds")}
        about |= {"log": self.log.epochs, "fingerprint": self.fingerprint}
        tensors = {name: tensor.contiguous().cpu().clone() for name, tensor in tensors.items()}
        write_atomic(self.path, save(tensors, metadata={"run": json.dumps(about)}))

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one. ValueError if it is another run's."""
        if self.path is None or not self.path.exists():
            return
        try:
            with safe_open(self.path, "pt") as file:
                about = json.loads(file.metadata()["run"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise ValueError(f"{self.path} is no complete checkpoint ({error}): remove it to start anew") from None
        if about.pop("fingerprint") != self.fingerprint:
            raise ValueError(f"{self.path} was written by a run with another configuration, other records or another model: "
                             "repeat that run's options, or remove the file to start anew")
        self.log.epochs = about.pop("log")
        for name, value in about.items():
            setattr(self, name, value)
        with torch.no_grad():
            for i, weight in enumerate(self.weights):
                weight.copy_(tensors[f"weight.{i}"])
                self.best[i] = tensors[f"best.{i}"].to(weight.device)
        state: dict[int, dict] = {}
        for name in filter(lambda name: name.startswith("optimizer."), tensors):
            _, i, key = name.split(".")
            state.setdefault(int(i), {})[key] = tensors[name]
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
        torch.set_rng_state(tensors["rng.cpu"])
        if "rng.cuda" in tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["rng.cuda"])


def owner_of(system, ids: torch.Tensor) -> int:
    """The first of the soft tokens in a record's ids, as a number that tells prompts apart; -1 without one."""
    beyond = ids[ids >= (system.vocab_size or torch.inf)]
    return int(beyond[0]) if len(beyond) else -1


def require_finite(loss: float, name: str, config: TrainingConfig) -> None:
    """Raise TrainingDiverged, with what to do, for a loss that is NaN or infinite."""
    if not abs(loss) < float("inf"):
        raise TrainingDiverged(
            f"{name} is {loss}: stopped, and the best weights so far are back in the model; "
            f"lower the learning rate (now {config.learning_rate:g}) or lengthen the warm-up (now {config.warmup_fraction:g})"
        )
