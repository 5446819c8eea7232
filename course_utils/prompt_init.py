"""Where a soft prompt starts: ways to fill its rows.

Lester et al. 2021, section 3.2, compare random rows, sampled vocabulary and class labels; "text" is PEFT's way.

Each returns [count, width]. "vocab", "random" and "text" are on the scale of the base model's own embedding table; "normal" and
"first" are what some code does instead, to compare with: rows from N(0, 1) are several times as long as a token's embedding, and
the table's first rows are special tokens and punctuation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from .batches import token_ids

INITS = ("vocab", "random", "text", "normal", "first")


def random_rows(table: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Random directions, as long as the rows of ``table``, [vocab, width], are on average."""
    rows = torch.randn(count, table.shape[1], generator=generator)
    return F.normalize(rows, dim=-1) * table.norm(dim=-1).mean()


def vocab_rows(
    table: torch.Tensor, count: int, generator: torch.Generator, candidates: Sequence[int] | None = None
) -> torch.Tensor:
    """The embeddings of ``count`` tokens, sampled among frequent ones.

    ``candidates`` are the token ids to sample from. By default the 5,000 that a BPE tokenizer merged
    first: merges are numbered in order of frequency, after some 260 ids for bytes and special tokens.
    (The first rows of the table, which some code takes, are punctuation in GPT-2.)
    """
    if candidates is None:
        candidates = range(min(260, len(table) // 2), min(5260, len(table)))
    chosen = torch.randint(len(candidates), (count,), generator=generator)
    return table[torch.tensor(candidates)[chosen]]


def text_rows(table: torch.Tensor, count: int, ids: Sequence[int]) -> torch.Tensor:
    """The embeddings of a text's first ``count`` tokens; a shorter text is repeated."""
    return table[torch.tensor(ids)[torch.arange(count) % len(ids)]]


@torch.no_grad()
def initial_rows(
    embed: torch.nn.Embedding,
    lengths: Sequence[int],
    init: str,
    seed: int,
    init_text: str | None = None,
    tokenizer=None,
    candidates: Sequence[int] | None = None,
) -> torch.Tensor:
    """Rows for prompts of ``lengths``, one behind the other, [sum of lengths, width], fp32, same for the same seed."""
    # [vocab, width], as the layer hands them to the model: some families, such as Gemma, scale what the weights say.
    table = embed(torch.arange(len(embed.weight), device=embed.weight.device)).float().cpu()
    generator = torch.Generator().manual_seed(seed)
    if init == "random":
        return random_rows(table, sum(lengths), generator)
    if init == "vocab":
        return vocab_rows(table, sum(lengths), generator, candidates)
    if init == "normal":
        return torch.randn(sum(lengths), table.shape[1], generator=generator)
    if init == "first":
        return table[torch.arange(sum(lengths)) % len(table)]
    if init != "text":
        raise ValueError(f"init must be one of {', '.join(INITS)}, got {init!r}")
    if not init_text or tokenizer is None:
        raise ValueError(f'init="text" needs init_text and tokenizer, got {init_text!r} and {tokenizer!r}')
    ids = token_ids(tokenizer, init_text)
    return torch.cat([text_rows(table, length, ids) for length in lengths])
