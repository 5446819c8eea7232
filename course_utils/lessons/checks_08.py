"""Lesson 08, soft versus hard prompts: what it needs beside its own code, and the checks of its exercises."""

from __future__ import annotations

import copy

import torch
from torch import nn

from .checks import check, passed

# ---- what the lesson uses


def ready_prompts(model, tokenizer, data, scale):
    """A `GPT2WithSoftPrompt` with a prompt of 20 virtual tokens for each task.

    They ship with the course; for another base model than course-gpt2-m they are trained now on ``data`` (task -> splits).
    """
    from .. import TASKS, GPT2WithSoftPrompt, TrainingConfig, encode, fit
    from ..base_models import data_root

    soft = GPT2WithSoftPrompt(model, [task.soft_token for task in TASKS.values()], prompt_length=20)
    for name, task in TASKS.items():
        soft.soft_token = task.soft_token
        if scale.base_model == "course-gpt2-m":
            soft.load_prompt(data_root() / "prompts" / name)
        else:
            alone = GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=20)
            sets = [encode(data[name][split], task, tokenizer, alone) for split in ("train", "validation")]
            fit(alone, *sets, TrainingConfig(epochs=scale.epochs, batch_size=scale.batch_size, learning_rate=scale.learning_rate))
            soft.soft_embedding.weight.data[soft.rows()] = alone.soft_embedding.weight.detach()
    return soft


@torch.no_grad()
def renumbered(model, order: torch.Tensor):
    """A GPT-2 that computes the same as ``model``, with dimension ``order[i]`` of its width at place i."""
    twin = copy.deepcopy(model)
    for name, weight in twin.named_parameters():
        if name.endswith(("c_attn.bias", "c_fc.bias")):
            continue                                     # these do not live in the width
        columns = weight.ndim == 2 and not name.endswith(("c_attn.weight", "c_fc.weight"))
        weight.copy_(weight[:, order] if columns else weight[order])
    return twin


def distances(rows: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """[rows, vocabulary]; without PyTorch's quicker way by products, which cannot tell near neighbours apart."""
    return torch.cdist(rows, table, compute_mode="donot_use_mm_for_euclid_dist")


class StayNear(nn.Module):
    """Keeps each row of a prompt so near to the embedding of its word that no other token is nearer: for `parametrize`.

    ``table`` [vocabulary, width]; ``words``: a token for each row. A row that is further from its word than 0.49 of the way to
    the word's nearest neighbour is pulled back to that distance.
    """

    def __init__(self, table: torch.Tensor, words: list[int]):
        super().__init__()
        self.words = table[words]                                                             # [prompt, width]
        apart = distances(self.words, table).scatter(1, torch.tensor(words, device=table.device)[:, None], torch.inf)
        self.reach = 0.49 * apart.min(dim=1, keepdim=True).values                             # [prompt, 1]

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        away = rows - self.words                                                              # [prompt, width]
        return self.words + away * (self.reach / away.norm(dim=1, keepdim=True).clamp(min=1e-6)).clamp(max=1)


@torch.no_grad()
def loss_without(soft, encoded, pad_id: int, row: int | None) -> float:
    """Mean loss of the target tokens if nobody attends to row ``row`` of the prompt; all positions stay. None: with all rows."""
    from ..batches import collate
    from ..loss import logits_at, wanted_positions

    batch = {name: tensor.to(soft.device) for name, tensor in collate([encoded[i] for i in range(len(encoded))], pad_id).items()}
    ids, mask, labels = soft.join(**batch)
    inputs = soft.inputs(ids, mask)                                                           # positions of the whole row
    if row is not None:
        hidden = ids == soft.prompt_ids()[row]
        inputs["attention_mask"] = mask.masked_fill(hidden, 0)
    wanted, targets = wanted_positions(labels)
    return float(nn.functional.cross_entropy(logits_at(soft.base_model, wanted, **inputs, use_cache=False), targets))


# ---- the exercises


@check
def check_08_carry(carry) -> None:
    """``carry(rows, order)`` against a small GPT-2 and its renumbered twin, which must give the same logits."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(8)
    for width, length in ((12, 5), (8, 1)):
        model = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_positions=16, n_embd=width, n_layer=2, n_head=2)).eval()
        order = torch.randperm(width)
        while torch.equal(order, torch.argsort(order)):                # its own inverse would let a wrong answer pass
            order = torch.randperm(width)
        twin, rows = renumbered(model, order), torch.randn(length, width)
        given = rows.clone()
        moved = carry(given, order)
        assert isinstance(moved, torch.Tensor) and moved.shape == rows.shape, (
            f"return rows of shape {tuple(rows.shape)}, got {tuple(getattr(moved, 'shape', ()))}")
        assert torch.equal(given, rows), "the old model still needs its rows: leave the given ones as they are, return new ones"
        assert not torch.equal(moved, rows), "the rows are as they were: the twin has other numbers for its dimensions"
        assert not torch.equal(moved, rows[:, torch.argsort(order)]), (
            "these are renumbered the other way round: place i of the twin holds dimension order[i] of the model")
        with torch.no_grad():
            here, there = model(inputs_embeds=rows[None]).logits, twin(inputs_embeds=moved[None]).logits
        assert torch.allclose(here, there, atol=1e-4), (
            "the twin's logits behind your rows are not the model's: reorder the columns (the width), not the rows")
    passed("the twin reads your rows as the model reads its own")


@check
def check_08_without_row(without_row) -> None:
    """``without_row(mask, row)`` on rows of different lengths."""
    for lengths, total, row in (((7, 5, 3), 7, 1), ((4, 4), 6, 0), ((9, 3), 9, 2)):
        mask = torch.tensor([[1] * length + [0] * (total - length) for length in lengths])
        given = mask.clone()
        result = without_row(given, row)
        assert isinstance(result, tuple) and len(result) == 2, "return two things: the new mask and the positions"
        new, positions = result
        assert torch.equal(given, mask), "do not change the mask that you were given: clone it first"
        assert new.shape == mask.shape and positions.shape == mask.shape, (
            f"both must have the mask's shape {tuple(mask.shape)}, got {tuple(new.shape)} and {tuple(positions.shape)}")
        assert not bool(new[:, row].any()), f"row {row} can still be attended to: column {row} of the new mask must be 0"
        others = torch.arange(total) != row
        assert torch.equal(new[:, others], mask[:, others]), (
            "another column of the mask changed: padding stays padding, text stays text")
        for i, length in enumerate(lengths):
            found, wanted = positions[i, :length].tolist(), list(range(length))
            after = [*range(row), *range(row - (row > 0), length - 1)][:length]
            assert found[row + 1:] != [place - 1 for place in wanted[row + 1:]] or found == wanted, (
                f"positions {found}: the tokens behind row {row} moved one place forward; count them on the mask as it was "
                f"(you got {after[-1] if after else 0} for the last)")
            assert found == wanted, f"positions of a row with {length} tokens must be {wanted}, got {found}"
    passed("one row is gone, and nothing else moved")


WORDS = ("hard prompt", "solved example", "discrete search")


@check
def check_08_claims(claims) -> None:
    """Three claims about the study "main", each held against `verdict`."""
    from ..results import stored
    from ..tasks import TASKS
    from ..verdicts import verdict

    study = stored("main")
    made = [tuple(claim) for claim in claims()]
    assert len(made) == 3 and all(len(claim) == 3 for claim in made), f"return three tuples (task, better, worse), got {made}"
    different = {(task, frozenset((better, worse))) for task, better, worse in made}
    assert len(different) == 3, "three different claims, please: two of yours compare the same"
    for task, better, worse in made:
        assert task in TASKS, f"unknown task {task!r}: expected one of {', '.join(TASKS)}"
        assert better != worse, f"{better!r} cannot be better than itself"
        try:
            found = verdict(study, task, "course-gpt2-m", better, worse)
        except ValueError as error:
            raise AssertionError(f"{task}: {error}") from None
        assert found.verdict != "lower", f"{task}: it is the other way round: {found}"
        assert found.verdict == "higher", f"{task}: the test does not support it: {found}"
    assert any(better.startswith(WORDS) for _, better, _ in made), (
        "all three are supported, but none has words on the better side: a hard prompt, solved examples or a discrete search")
    passed("three claims that a paired test supports")


@check
def check_08_fault(fault) -> None:
    """The line in which the prompt is put in front of the wrong model."""
    line = fault()
    assert isinstance(line, int) and 1 <= line <= 5, f"return the number of a line, 1 to 5, got {line!r}"
    assert line != 2, "line 2 is right: the twin is made as in section 4. Is it used?"
    assert line != 1, "any order will do, as long as model and rows get the same one"
    assert line != 4, "the file holds the trained rows, as it should; in front of which model do they stand?"
    assert line == 3, "line 5 evaluates what it is given; which model is inside?"
    passed("the twin was never asked")
