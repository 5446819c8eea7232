"""Checks of lesson 02, the soft-prompt embedding."""

from __future__ import annotations

import torch

from .checks import check, passed


@check
def check_02_with_prompt(with_prompt) -> None:
    """``with_prompt(rows, embedded, mask)`` against a joined row built element by element, for several shapes."""
    generator = torch.Generator().manual_seed(0)
    for batch, prompt, text, width in ((1, 1, 4, 3), (2, 3, 5, 4), (3, 2, 1, 2)):
        rows = torch.randn(prompt, width, generator=generator)
        embedded = torch.randn(batch, text, width, generator=generator)
        mask = torch.ones(batch, text, dtype=torch.long)
        mask[-1, text - 1:] = 0
        result = with_prompt(rows, embedded, mask)
        assert isinstance(result, tuple) and len(result) == 2, f"return two things, (inputs, mask), not {type(result).__name__}"
        inputs, longer = result
        wanted = (batch, prompt + text, width)
        assert tuple(inputs.shape) == wanted, (
            f"inputs have shape {tuple(inputs.shape)}, expected [batch, prompt + text, width] = {wanted}: "
            "concatenate along dim=1, after expanding the rows over the batch")
        for b in range(batch):
            assert torch.equal(inputs[b, :prompt], rows), "the prompt must stand in front of the text, in every row of the batch"
            assert torch.equal(inputs[b, prompt:], embedded[b]), "the text must follow the prompt unchanged"
        assert tuple(longer.shape) == (batch, prompt + text), (
            f"the mask has shape {tuple(longer.shape)}, expected {(batch, prompt + text)}: it has to grow with the inputs")
        assert bool((longer[:, :prompt] == 1).all()), "the mask must be 1 over the prompt: it is never padding"
        assert torch.equal(longer[:, prompt:], mask), "over the text the mask must stay what it was"
        assert longer.dtype == mask.dtype, f"the mask became {longer.dtype}, it was {mask.dtype}: use mask.new_ones"
    passed("the prompt stands in front, and the mask knows")


@check
def check_02_cost(cost) -> None:
    """``cost(names, prompt_length, width)`` against a table that PyTorch counts itself."""
    for names, prompt_length, width in ((1, 1, 768), (1, 20, 128), (3, 5, 64)):
        weight = torch.nn.Embedding(names * prompt_length, width).weight
        parameters, size = cost(names, prompt_length, width)
        assert parameters == weight.numel(), (
            f"{names} names of {prompt_length} rows at width {width} are {weight.numel():,} numbers, you have {parameters:,}: "
            "every name owns prompt_length rows of its own")
        assert size == weight.numel() * weight.element_size(), (
            f"a number in fp32 takes 4 bytes: expected {parameters * 4:,}, got {size:,}")
    passed("rows times width, four bytes each")


@check
def check_02_read_prompt(read_prompt) -> None:
    """``read_prompt(rows, table)`` on rows whose nearest token by angle is known, though not by distance or product."""
    table = torch.eye(6, 8) * torch.tensor([1.0, 1.0, 1.0, 9.0, 1.0, 1.0])[:, None]
    rows = torch.zeros(3, 8)
    rows[0, 2] = 5.0                                     # a long row along token 2
    rows[1, 4], rows[1, 3] = 1.0, 0.4                    # closest in angle to 4; the product prefers the long token 3
    rows[2, 3] = 0.5                                     # a short row along the long token 3: far from it in distance
    ids = read_prompt(rows, table)
    assert tuple(ids.shape) == (3,), f"expected one id per row, shape (3,), got {tuple(ids.shape)}"
    assert ids.tolist() != [2, 3, 3], "the plain product favors long embeddings: divide both sides by their length first"
    assert ids.tolist() == [2, 4, 3], f"expected ids [2, 4, 3], got {ids.tolist()}: compare angles, over the whole vocabulary"
    passed("nearest tokens by cosine similarity; do not believe them too quickly")
