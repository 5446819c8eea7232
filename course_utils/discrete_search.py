"""A search for the tokens of a hard prompt: a soft prompt's records and budget, but nothing continuous.

What a soft prompt gains over a hand-written prompt may come from being fitted to the training records, or from vectors that no
token has. A searched prompt has the first without the second. The search is greedy, one token at a time, with the gradient as a
guide: AutoPrompt (Shin et al. 2020, arXiv 2010.15980, section 2.2), with candidates at all places of the prompt, drawn from the
best few of each, as in GCG (Zou et al. 2023, arXiv 2307.15043, algorithm 1).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch

from .batches import EncodedDataset, LengthGroupedBatches, collate
from .evaluation import evaluate_loss
from .loss import token_losses
from .precision import autocast
from .processes import rank
from .progress import progress_bar
from .systems import PlainModel, SearchedPrompt
from .training import TrainingConfig, TrainingLog, require_finite


def search(
    system: SearchedPrompt,
    train_set: EncodedDataset,
    validation_set: EncodedDataset,
    config: TrainingConfig | None = None,
    on_epoch: Callable[[dict], dict | None] | None = None,
    progress: bool = True,
    candidates: int = 15,
    top_k: int = 64,
    batch_size: int | None = None,
) -> TrainingLog:
    """Replace tokens of ``system``'s prompt, one a step, where that lowers the loss of the step's batch.

    A step computes the loss of a batch, that of training, and its gradient with respect to the prompt's rows; then the loss with
    each of ``candidates`` replacements, exactly, on the same batch. These are drawn from the ``top_k`` tokens that the gradient
    likes best at each place (`Search.promising`). The best is kept if its loss is lower than that of the prompt as it was.

    The budget: an epoch ends when ``len(train_set)`` records have been run forward, where a record counts once with the prompt
    as it is and once more with each candidate. So ``config.epochs`` epochs run no more records forward than the training of a
    soft prompt, which also goes backward with each of them; the search does so with one in ``1 + candidates``. Validation is
    not counted, as it is the same for both. ``batch_size`` (default: `config.batch_size`) is that of a step.

    Of ``config``, batch sizes, seed, patience and dtype mean what they do in `training.fit`. Learning rate, warm-up, clipping,
    weight decay and accumulation have nothing to act on. There is no checkpoint; under `torchrun` every process does it all.

    Returns a log as `training.fit` does; a row also has ``forwards``, the records run so far, and ``replaced``, how many steps
    of the epoch changed a token. At the end, also after an error or an interrupt, the prompt is that of the epoch with the lowest
    validation loss (the one it came with, if none was finished). Raises ValueError for fewer than two training records, no
    validation records, ``candidates`` or ``top_k`` < 1, `training.TrainingDiverged` if a loss is not finite.
    """
    config, log, best = config or TrainingConfig(), TrainingLog(), system.ids
    if len(train_set) < 2 or not len(validation_set):
        raise ValueError(f"got {len(train_set)} training and {len(validation_set)} validation records: expected 2 and 1 at least")
    if min(candidates, top_k) < 1:
        raise ValueError(f"candidates and top_k must be >= 1, got {candidates} and {top_k}")
    run = Search(system, train_set, config, candidates, top_k, batch_size or config.batch_size)
    system.eval()
    try:
        for epoch in range(1, config.epochs + 1):
            if config.patience is not None and len(log.epochs) - log.best_epoch >= config.patience:
                break
            start, label = time.perf_counter(), f"Epoch {epoch}/{config.epochs}"
            row = {"epoch": epoch, **run.steps_until(epoch * len(train_set), label, progress and rank() == 0)}
            loss = evaluate_loss(system, validation_set, config.eval_batch_size, "Validation", progress)
            require_finite(loss, f"validation loss after epoch {epoch}", config)
            log.epochs.append(row | {"validation_loss": loss, "seconds": time.perf_counter() - start})
            if log.best_epoch == epoch:
                best = system.ids
            log.epochs[-1].update((on_epoch(log.epochs[-1]) if on_epoch else None) or {})
    finally:
        system.set_ids(best)
    return log


class Search:
    """Where a search stands: its batches, its random numbers, the records that it has run forward."""

    def __init__(
        self, system: SearchedPrompt, train_set: EncodedDataset, config: TrainingConfig, candidates: int, top_k: int, size: int
    ):
        self.system, self.train_set, self.config, self.candidates, self.top_k = system, train_set, config, candidates, top_k
        self.generator = torch.Generator().manual_seed(config.seed)
        self.size = min(size, len(train_set) // 2)  # an epoch holds one step with one candidate at least
        self.sampler = LengthGroupedBatches(train_set.lengths(), self.size, config.seed)
        self.batches, self.forwards = self.endless_batches(), 0
        self.precision = autocast(system, config.dtype)
        self.plain = PlainModel(system.base_model)
        self.table = system.table(system.allowed)  # [allowed, width]

    def endless_batches(self) -> Iterator[dict[str, torch.Tensor]]:
        """All records in batches, then again in others."""
        while True:
            for rows in self.sampler:
                batch = collate([self.train_set[i] for i in rows], self.train_set.pad_id)
                yield {name: tensor.to(self.system.device) for name, tensor in batch.items()}
            self.sampler.epoch += 1

    def steps_until(self, budget: int, label: str, progress: bool) -> dict:
        """Take steps as long as one fits into ``budget`` record-forwards since the start; what they say to the log."""
        total, count, replaced = 0.0, 0, 0
        with progress_bar(total=budget - self.forwards, description=label, disable=not progress, unit="record") as bar:
            while budget - self.forwards >= 2 * self.size:
                batch = next(self.batches)
                records = len(batch["input_ids"])
                loss, targets, gradient = self.loss_and_gradient(batch)
                require_finite(loss, f"training loss in {label}", self.config)
                prompts = self.promising(gradient)[: (budget - self.forwards) // records - 1]
                losses = self.losses_with(prompts, batch)
                if losses.min() < loss:
                    self.system.set_ids(prompts[losses.argmin()].tolist())
                    replaced += 1
                total, count = total + loss * targets, count + targets
                self.forwards += (1 + len(prompts)) * records
                bar.set_postfix(loss=f"{total / count:.3f}", refresh=False)
                bar.update((1 + len(prompts)) * records)
        return {"train_loss": total / count, "forwards": self.forwards, "replaced": replaced}

    @torch.enable_grad()
    def loss_and_gradient(self, batch: dict[str, torch.Tensor]) -> tuple[float, int, torch.Tensor]:
        """The prompt's mean loss on a batch, in nats per target token, how many those are, the gradient [prompt, width]."""
        rows = self.system.soft_embedding.weight.requires_grad_(True)
        try:
            with self.precision:
                losses, _ = token_losses(self.system, batch)
            (gradient,) = torch.autograd.grad(losses.mean(), rows)
        finally:
            rows.requires_grad_(False)
        return float(losses.detach().mean()), len(losses), gradient

    def promising(self, gradient: torch.Tensor) -> torch.Tensor:
        """Different prompts, each a promising token away from the present one, [candidates or all there are, prompt].

        To first order a token v in place of u changes the loss by (v - u) . gradient, v and u being their embeddings.
        """
        ids = torch.tensor(self.system.ids)
        change = gradient @ self.table.T - (gradient * self.system.soft_rows()).sum(1, keepdim=True)  # [prompt, allowed]
        change = change.cpu().masked_fill(ids[:, None] == self.system.allowed, torch.inf)
        best = change.topk(min(self.top_k, change.shape[1] - 1), largest=False).indices  # [prompt, top k]
        drawn = torch.randperm(best.numel(), generator=self.generator)[: self.candidates]
        prompts = ids.repeat(len(drawn), 1)
        prompts[torch.arange(len(drawn)), drawn // best.shape[1]] = self.system.allowed[best.flatten()[drawn]]
        return prompts

    @torch.no_grad()
    def losses_with(self, prompts: torch.Tensor, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """The mean loss of a batch with each of ``prompts`` [prompts, prompt] in its prompt's place, [prompts].

        They are tokens of the vocabulary, so the base model reads them itself, for several prompts at once.
        """
        ours = batch["input_ids"] >= self.system.vocab_size  # [batch, text]
        which = (batch["input_ids"][ours] - self.system.vocab_size).cpu()
        found = []
        for some in prompts.split(max(1, self.config.eval_batch_size // len(ours))):
            many = {name: tensor.repeat(len(some), 1) for name, tensor in batch.items()}  # [some * batch, text]
            many["input_ids"].view(len(some), *ours.shape)[:, ours] = some[:, which].to(ours.device)
            with self.precision:
                losses, _ = token_losses(self.plain, many)
            found.append(losses.view(len(some), -1).mean(1))
        return torch.cat(found).cpu()
