"""A head start: two attention heads that begin as an induction circuit.

Copying from the passage is what every task of the course needs, and it is the last thing a small model finds by itself: with the
usual random start a 1.3M-parameter model copied nothing after 4M tokens of the gazette (1,000 steps). The circuit behind
copying is known (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Olsson et al. 2022, "In-context
Learning and Induction Heads"): a head of one layer looks at the previous token and notes what it was; a head of the
next layer looks for a place whose note equals the current token, and copies what stands there. Here both heads *start* that
way, roughly; every weight is then trained like any other. The rest of the model starts as GPT-2 does.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

TOKEN_SPREAD, POSITION_SPREAD = 0.05, 0.07    # of the embeddings' entries at the start
PREVIOUS_GAIN, MATCH_GAIN, COPY_GAIN = 1.8, 1.8, 0.15


@torch.no_grad()
def start_with_induction(model, seed: int = 0) -> None:
    """Set the embeddings and the first head of the first two layers of a GPT-2, in place.

    The width is divided in three: ``d`` dimensions for the position, ``d`` for the note on the previous token, the rest for
    the token itself (``d`` is the width of a head).
    """
    config, body = model.config, model.transformer
    width, d = config.n_embd, config.n_embd // config.n_head
    for_position, for_note, for_token = slice(0, d), slice(d, 2 * d), slice(2 * d, width)
    if width <= 2 * d:
        raise ValueError(f"a width of {width} leaves nothing for tokens beside 2 x {d}: use at least three heads")
    generator = torch.Generator().manual_seed(seed)

    body.wte.weight[:, :2 * d] = 0
    body.wte.weight[:, for_token] = TOKEN_SPREAD * torch.randn(config.vocab_size, width - 2 * d, generator=generator)
    frequencies = math.pi * torch.rand(d // 2, generator=generator)
    angles = torch.arange(config.n_positions)[:, None] * frequencies              # [positions, d / 2]
    body.wpe.weight.zero_()
    body.wpe.weight[:, 0:d:2] = POSITION_SPREAD * angles.sin()
    body.wpe.weight[:, 1:d:2] = POSITION_SPREAD * angles.cos()
    size = max(width - 2 * d, d)
    compress = torch.linalg.qr(torch.randn(size, size, generator=generator))[0][:width - 2 * d, :d]   # token -> head

    # Layer 0: the query at p equals the key at p - 1, because turning the angles back by one step is a linear map.
    query, key, value, output = first_head(body.h[0].attn, width, d)
    key[for_position] = PREVIOUS_GAIN * torch.eye(d)
    for i, frequency in enumerate(frequencies.tolist()):
        sin, cos = 2 * i, 2 * i + 1
        query[sin, sin] = query[cos, cos] = PREVIOUS_GAIN * math.cos(frequency)
        query[cos, sin], query[sin, cos] = -PREVIOUS_GAIN * math.sin(frequency), PREVIOUS_GAIN * math.sin(frequency)
    value[for_token] = compress
    output[:, for_note] = TOKEN_SPREAD * torch.eye(d)

    # Layer 1: the current token asks for places whose note says the same token, and copies the token that stands there.
    query, key, value, output = first_head(body.h[1].attn, width, d)
    query[for_token] = MATCH_GAIN * compress
    key[for_note] = MATCH_GAIN * torch.eye(d)
    value[for_token] = compress
    output[:, for_token] = COPY_GAIN * compress.T


def first_head(attention, width: int, d: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Views of head 0, all set to zero: query, key and value ``[width, d]``, output ``[d, width]``."""
    joined = attention.c_attn.weight                                              # [width, 3 * width]
    views = (joined[:, 0:d], joined[:, width:width + d], joined[:, 2 * width:2 * width + d], attention.c_proj.weight[:d])
    for view in views:
        view.zero_()
    return views
