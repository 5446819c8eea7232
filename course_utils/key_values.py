"""A prompt as keys and values: what each layer of a frozen model keeps of it, computed once for all texts behind it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from .batches import IGNORED, left_pad
from .loss import logits_at, wanted_positions
from .prompt_files import read_adapter, warn_of_other_base, write_adapter
from .system import System
from .tasks import CourseWarning


def positions_of(mask: torch.Tensor) -> torch.Tensor:
    """Positions [batch, text] that count only what ``mask`` shows: GPT-2's forward would count pads on the left."""
    return (mask.cumsum(1) - 1).clamp(min=0)


def can_reuse_keys(base_model) -> bool:
    """Whether keys and values of a prompt may stand in for it: not where layers see a window (pads would push the prompt out of
    it), keep a state of another kind, or recompute their activations (gradient checkpointing drops what was kept)."""
    recomputes = any(getattr(module, "gradient_checkpointing", False) for module in base_model.modules())
    if recomputes or "past_key_values" not in inspect.signature(base_model.forward).parameters:
        return False
    return all(type(layer) is DynamicLayer for layer in DynamicCache(config=base_model.config).layers)


def pays_to_share(rows: int, width: int) -> bool:
    """Whether running a prompt once for ``rows`` texts takes less time than running it with each, for a model of that ``width``.

    Measured on two cores (`make bench`): a second pass through the layers costs narrow models more than it saves in batches of
    8 (6 to 17 % of a step), and saves 9 to 21 % in batches of 32; at the width of GPT-2 small it saves in batches of 8.
    """
    return rows >= 16 or (rows > 1 and width >= 512)


def require_reusable_keys(base_model) -> None:
    """Raise ValueError where `can_reuse_keys` says no."""
    if not can_reuse_keys(base_model):
        raise ValueError(f"this {base_model.config.model_type!r} model cannot run on keys and values computed before (a sliding "
                         "window, another kind of state, or gradient checkpointing): use the soft prompt itself")


def keys_of(soft, ids: torch.Tensor, mask: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Keys and values of each layer, each [prompts, heads, prompt, head width], for left-padded ``ids`` of prompts."""
    cache = soft.base_model.base_model(**soft.inputs(ids, mask), use_cache=True).past_key_values
    return [(keys, values) for keys, values, *_ in cache]


def cache_for(base_model, keys: Sequence[tuple[torch.Tensor, torch.Tensor]], which: torch.Tensor) -> DynamicCache:
    """A cache of which row i holds prompt ``which[i]``. A model writes into its cache, so every call needs its own."""
    def take(tensor):
        return tensor.expand(len(which), -1, -1, -1) if len(tensor) == 1 else tensor[which]

    return DynamicCache([(take(k), take(v)) for k, v in keys], config=base_model.config)


def behind(system, keys, which: torch.Tensor, prompt_mask: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> dict:
    """What the base model is called with for texts ``ids`` [batch, text] behind prompts, ``prompt_mask`` [batch, prompt]."""
    whole = torch.cat([prompt_mask, mask], dim=1)  # [batch, prompt + text]
    positions = {"position_ids": positions_of(whole)[:, prompt_mask.shape[1] :]} if system.takes_positions else {}
    cache = cache_for(system.base_model, keys, which)
    return {"input_ids": ids, "attention_mask": whole, "past_key_values": cache, "use_cache": True, **positions}


def run_prompts(
    soft, ids: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor, ends: torch.Tensor
) -> tuple[dict, torch.Tensor]:
    """`behind` and the labels for a batch whose row i has its prompt in front of place ``ends[i]``.

    Keys and values of a prompt do not depend on the text behind it. So each different prompt of the batch is run once instead
    of once a row, and since no text in front of it needs a gradient, the first layer's keys of the texts cost no way back.
    Gradients reach the prompts through the keys and values, the same as if all had been run together.
    """
    longest = int(ends.max())
    if bool((ends < longest).any()):  # shift every row until all prompts end in the same column
        shifted = torch.arange(ids.shape[1] + longest - int(ends.min()), device=ids.device) - (longest - ends)[:, None]
        inside = (shifted >= 0) & (shifted < ids.shape[1])
        old = shifted.clamp(0, ids.shape[1] - 1)
        ids, mask = ids.gather(1, old), mask.gather(1, old) * inside
        labels = labels.gather(1, old).masked_fill(~inside, IGNORED)
        used = int(mask.any(0).nonzero().max()) + 1
        ids, mask, labels = ids[:, :used], mask[:, :used], labels[:, :used]
    prompts = ids[:, :longest].masked_fill(mask[:, :longest] == 0, -1)  # [batch, prompt], pads as -1
    prompts, which = torch.unique(prompts, dim=0, return_inverse=True)
    keys = keys_of(soft, prompts.clamp(min=0), (prompts >= 0).long())
    inputs = behind(soft, keys, which, mask[:, :longest], ids[:, longest:], mask[:, longest:])
    return inputs, labels[:, longest:]


def generate_behind(system, keys, which, prompt_mask, texts: Sequence[Sequence[int]], pad_id: int, **options) -> torch.Tensor:
    """New ids [batch, new] after ``texts``, each behind the prompt ``which`` [batch] of ``keys``; mask [prompts, prompt]."""
    ids, mask = (t.to(prompt_mask.device) for t in left_pad(texts, pad_id))
    whole = torch.cat([prompt_mask[which], mask], dim=1)
    # generate() wants the whole row and skips what the cache holds; these ids are never looked at.
    ids = F.pad(ids, (prompt_mask.shape[1], 0), value=pad_id)
    cache = cache_for(system.base_model, keys, which)
    new = system.base_model.generate(input_ids=ids, attention_mask=whole, past_key_values=cache, do_sample=False, **options)
    return new[:, ids.shape[1] :]


class KeyValuePrompt(System):
    """A prompt as the keys and values that it leaves in every layer, [positions, layers * 2 * heads * head width].

    Trained, it is prefix tuning (Li and Liang 2021, arXiv 2101.00190, without their reparametrisation); computed from a soft
    prompt by `compile_prompt`, it gives that prompt's answers without running it again. Where the tokenizer has a begin token,
    its keys and values are part of it (``holds_begin``), and the texts come without. The base model is held and stays frozen.
    """

    def __init__(self, base_model, weight: torch.Tensor, heads: int, holds_begin: bool = False, trainable: bool = True):
        require_reusable_keys(base_model)
        super().__init__(base_model.requires_grad_(False))
        self.heads, self.holds_begin = heads, holds_begin
        self.weight = nn.Parameter(weight.float(), requires_grad=trainable)
        self.train(False)

    @property
    def positions(self) -> int:
        """Positions that it takes beside a begin token."""
        return len(self.weight) - self.holds_begin

    def train(self, mode: bool = True) -> KeyValuePrompt:
        super().train(mode)
        self.base_model.eval()
        return self

    def keys(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Keys and values of each layer, [1, heads, positions, head width]."""
        layers = len(DynamicCache(config=self.config).layers) or self.config.num_hidden_layers
        tensor = self.weight.to(self.base_model.dtype).view(len(self.weight), 2 * layers, self.heads, -1).permute(1, 2, 0, 3)
        return [(tensor[i][None], tensor[i + 1][None]) for i in range(0, 2 * layers, 2)]

    def target_logits(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor):
        which, cut = torch.zeros(len(input_ids), dtype=torch.long, device=self.device), int(self.holds_begin)
        ids, mask, labels = (tensor[:, cut:] for tensor in (input_ids, attention_mask, labels))
        inputs = behind(self, self.keys(), which, mask.new_ones(len(ids), len(self.weight)), ids, mask)
        wanted, targets = wanted_positions(labels)
        return logits_at(self.base_model, wanted, **inputs), targets

    @torch.no_grad()
    def continue_rows(self, rows: Sequence[Sequence[int]], pad_id: int, **options) -> torch.Tensor:
        which = torch.zeros(len(rows), dtype=torch.long, device=self.device)
        mask = which.new_ones(1, len(self.weight))
        texts = [list(row)[int(self.holds_begin) :] for row in rows]
        return generate_behind(self, self.keys(), which, mask, texts, pad_id, **options)

    def save(self, folder: str | Path, overwrite: bool = False, about: dict[str, str] | None = None) -> None:
        """Write it as a PEFT prefix-tuning adapter; its metadata says whether a begin token is part of it, which warns."""
        if self.holds_begin:
            warnings.warn(f"{folder}: these keys and values hold the tokenizer's begin token. The course puts no other behind "
                          "them; PEFT will, unless the texts come without", CourseWarning, 2)
        keys, _ = self.keys()[0]
        config = {"peft_type": "PREFIX_TUNING", "num_virtual_tokens": len(self.weight), "token_dim": self.heads * keys.shape[-1],
                  "num_layers": len(self.keys()), "num_attention_heads": self.heads, "num_transformer_submodules": 1}
        metadata = {**(about or {}), "holds_begin": str(int(self.holds_begin))}
        write_adapter(folder, self.weight, config, self.config.name_or_path, overwrite, metadata)

    @classmethod
    def load(cls, folder: str | Path, base_model) -> KeyValuePrompt:
        """Read what `save` or PEFT wrote; errors and warnings as in `prompt_files.read_adapter`."""
        weight, config, metadata = read_adapter(folder, "PREFIX_TUNING")
        warn_of_other_base(folder, config, base_model.config.name_or_path)
        prompt = cls(base_model, weight, config["num_attention_heads"], metadata.get("holds_begin") == "1", trainable=False)
        expected = [tuple(keys.shape[1::2]) for keys, _ in keys_of_begin(prompt)]
        if weight.shape[1] != sum(2 * heads * width for heads, width in expected) or expected[0][0] != prompt.heads:
            raise ValueError(f"the keys and values in {folder} are {weight.shape[1]} numbers a position, {prompt.heads} heads; "
                             f"the base model has {len(expected)} layers of {expected[0][0]} heads, {expected[0][1]} wide")
        return prompt


def keys_of_begin(system) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Keys and values of one token, to see what shapes a base model has."""
    one = torch.zeros(1, 1, dtype=torch.long, device=system.device)
    cache = system.base_model.base_model(input_ids=one, use_cache=True).past_key_values
    return [(keys, values) for keys, values, *_ in cache]


@torch.no_grad()
def compile_prompt(soft, soft_token: str | None = None, trainable: bool = False) -> KeyValuePrompt:
    """The keys and values of ``[begin][prompt]`` of a `GPT2WithSoftPrompt`, computed once: generation starts behind them.

    With ``trainable`` they are the start of prefix tuning (Li and Liang 2021, section 4.3: activations of real words are the best
    start). Raises ValueError for a family that cannot run on them, or whose layers differ in shape.
    """
    require_reusable_keys(soft.base_model)
    begin = [] if soft.begin_token_id is None else [soft.begin_token_id]
    ids = torch.tensor([soft.with_prompt(begin, soft_token)], device=soft.device)
    pairs = keys_of(soft, ids, torch.ones_like(ids))
    layers = [tensor for pair in pairs for tensor in pair]  # each [1, heads, prompt, head width]
    if len({tensor.shape for tensor in layers}) > 1:
        raise ValueError(f"the layers of {soft.config.name_or_path} differ in their heads: such a prompt cannot be compiled")
    weight = torch.cat(layers).permute(2, 0, 1, 3).flatten(1)  # [prompt, layers * 2 * heads * head width]
    return KeyValuePrompt(soft.base_model, weight, layers[0].shape[1], bool(begin), trainable)
