"""Pictures of a model at work: what attends to what, a prompt kept as keys and values, how far gradients go and what is kept.

As in `pictures`, each function draws what it is given, and returns a Matplotlib figure with a text alternative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from ..batches import token_ids
from ..key_values import KeyValuePrompt
from .drawing import (
    ACCENT,
    FONT,
    GAP,
    GRADIENT,
    KINDS,
    PAD,
    ROW,
    SIZE,
    SMALL,
    SOFT_INK,
    WIDTH,
    Kind,
    Page,
    color_of,
    full_colour,
    line_of,
    readable,
    shortened,
    text_width,
    that_fit,
)

TONES = {"prompt": ACCENT, "source": "#9C8443", "target": "#009E73"}


# ---- what attends to what


def attention_grid(batch: Mapping, tokenizer, vocab_size: int, row: int = 0, weights: torch.Tensor | None = None, most: int = 24):
    """Which position may look at which: a row for each that looks, a column for each that is looked at, about ``most`` of them.

    ``weights`` [text, text] or [heads, text, text] (their mean), as a model returns with ``output_attentions``, become shades.
    """
    line = line_of(batch, tokenizer, vocab_size, row)
    count, corner = len(line.ids), "looks ↓  at →"
    if weights is not None:
        weights = weights.detach().float().cpu()
        weights = weights.mean(0) if weights.dim() == 3 else weights
        if weights.shape != (count, count):
            raise ValueError(f"expected weights [{count}, {count}] for a row of {count} tokens, or one such for each head, "
                             f"got {tuple(weights.shape)}")
    shown = that_fit(line.kinds, [ROW] * count, most * (ROW + GAP))
    longest = max(text_width(word, SMALL) for word in [corner, *(line.words[i] for i in shown if i is not None)])
    entries = _grid_key(line, weights is not None)
    left, cell = longest + 0.12, min(0.25, (WIDTH - longest - 2.05) / len(shown))
    page = Page()
    top = page.top + longest + 0.1
    page.text(left - 0.07, top - 0.12, corner, SMALL, SOFT_INK, "right")
    for n, i in enumerate(shown):
        color, word = (SOFT_INK, "…") if i is None else (KINDS[line.kinds[i]].ink, line.words[i])
        page.text(left - 0.07, top + (n + 0.5) * cell, word, SMALL, color, "right", gid="looks")
        page.axes.text(left + (n + 0.5) * cell, top - 0.06, word, size=SMALL, color=color, rotation=90, ha="center",
                       va="bottom", parse_math=False, family=FONT, gid="seen")
        for m, j in enumerate(shown):
            if i is not None and j is not None:
                kind, gid = _attention_cell(line, i, j, weights)
                page.box(left + m * cell, top + n * cell, cell, cell, kind=kind, gid=gid)
    side = left + len(shown) * cell + 0.15
    for n, (kind, text) in enumerate(entries):
        page.box(side, top + 0.24 * n, 0.18, 0.15, kind=kind, gid="key")
        page.text(side + 0.25, top + 0.24 * n + 0.08, text, SMALL + 0.5, SOFT_INK)
    prompt, pads = line.kinds.count("prompt"), line.kinds.count("pad")
    return page.finish(top + len(shown) * cell + 0.08, f"""What attends to what: a grid of {count} positions. Each looks at itself
        and at what stands in front of it, never ahead; all that come after the {prompt} rows of the soft prompt look at it.
        {f"{pads} positions are padding, which nobody looks at." if pads else ""}
        {"Shades are the attention weights of the model." if weights is not None else ""}""")


def _attention_cell(line, i: int, j: int, weights) -> tuple[Kind, str]:
    if not (line.mask[i] and line.mask[j]):
        return KINDS["pad"], "padding"
    if j > i:
        return Kind("white", "#E3E3E3"), "hidden"
    strength = 0.55 if weights is None else 0.06 + 0.94 * min(1.0, float(weights[i, j]) ** 0.5)   # a root: small ones show
    return Kind(_mixed(TONES[line.kinds[j]], strength), "white"), "visible " + line.kinds[j]


def _mixed(color: str, strength: float) -> str:
    """``color`` on white."""
    return "#" + "".join(f"{round(255 - strength * (255 - int(color[n : n + 2], 16))):02X}" for n in (1, 3, 5))


def _grid_key(line, shaded: bool) -> list[tuple[Kind, str]]:
    names = {"prompt": "looks at the soft prompt", "source": "looks at the source", "target": "looks at the target"}
    entries = [(Kind(_mixed(TONES[kind], 0.55), "white"), text) for kind, text in names.items() if kind in line.kinds]
    entries += [(Kind("white", "#CFCFCF"), "hidden: still to come")] + [(KINDS["pad"], "padding")] * ("pad" in line.kinds)
    return entries + [(Kind("white", "white"), "darker: more attention")] * shaded


# ---- keys and values


def cached_prompt(keys: Sequence[tuple[torch.Tensor, torch.Tensor]], requests: Sequence[str], tokenizer):
    """A prompt as the keys and values that each layer keeps of it, computed once, and the texts that are answered behind them.

    ``keys``: for each layer keys and values, each [1, heads, prompt, head width], from `KeyValuePrompt.keys`.
    """
    shapes = {tuple(tensor.shape) for pair in keys for tensor in pair}
    if len(shapes) != 1 or len(next(iter(shapes))) != 4 or next(iter(shapes))[0] != 1:
        raise ValueError(f"expected keys and values of one prompt, each [1, heads, prompt, head width], got {sorted(shapes)}")
    _, heads, length, width = next(iter(shapes))
    layers = list(enumerate([[tensor[0].permute(1, 0, 2).flatten(1).T for tensor in pair] for pair in keys], start=1))
    page, scale = Page(), [full_colour(torch.cat([pair[n].flatten() for pair in keys])) for n in (0, 1)]
    shown, high, wide = shortened(range(len(layers) - 1, -1, -1), 8), 0.42, 1.0
    page.text(0, page.top + 0.05, "run once, then kept", 9.5, KINDS["prompt"].ink, weight="bold")
    for n, name in enumerate(("keys", "values")):
        page.text(0.75 + n * (wide + 0.12) + wide / 2, page.top + 0.3, name, SIZE, SOFT_INK, "center")
    y = top = page.top + 0.42
    for i in shown:
        if i is not None:
            page.text(0, y + high / 2, f"layer {layers[i][0]}", SIZE, SOFT_INK)
            for n, tensor in enumerate(layers[i][1]):   # [heads * head width, prompt]
                page.strip(0.75 + n * (wide + 0.12), y, wide, high, tensor, scale[n], ACCENT, "keys and values")
        else:
            page.text(0.75 + wide, y + high / 2, "…", SIZE, SOFT_INK, "center")
        y += high + 0.06
    right, bottom = 0.75 + 2 * wide + 0.12, y - 0.06
    page.text(0.75, bottom + 0.14, f"→ the prompt's {length} positions", SMALL, SOFT_INK)
    numbers = sum(tensor.numel() for pair in keys for tensor in pair)
    middle, start = (top + bottom) / 2, right + 1.0
    page.text(start, page.top + 0.05, "every text goes on from them", 9.5, weight="bold")
    step = max(0.42, min(0.75, (bottom - top) / len(requests)))
    for n, text in enumerate(requests):
        line_y = middle + (n - (len(requests) - 1) / 2) * step
        page.arrow((right + 0.06, middle), (start - 0.06, line_y), ACCENT, 1.3, gid="reused")
        _request(page, start, line_y - ROW / 2, text, tokenizer)
    low = max(bottom + 0.3, middle + len(requests) / 2 * step + 0.1)
    page.text(0, low + 0.1, f"{len(keys)} layers × 2 × {length} positions × {heads * width} numbers = {numbers:,} numbers, "
                            f"computed once for {len(requests)} texts", SMALL + 0.5, SOFT_INK)
    return page.finish(low + 0.25, f"""A prompt of {length} positions as cached keys and values: a block of keys and one of values
        in each of {len(keys)} layers, {numbers:,} numbers, computed once. Arrows lead from them to {len(requests)} texts, which
        go on from the same blocks.""")


def _request(page: Page, x: float, y: float, text: str, tokenizer) -> None:
    """The first tokens of a text, as many as fit, and its last."""
    words = [readable(tokenizer, i) for i in token_ids(tokenizer, text)]
    widths = [text_width(word) + 2 * PAD for word in words]
    for i in that_fit(["source"] * len(words), widths, WIDTH - x):
        width = ROW if i is None else widths[i]
        if i is None:
            page.text(x + width / 2, y + ROW / 2, "…", SIZE, SOFT_INK, "center")
        else:
            page.box(x, y, width, ROW, words[i], "source", gid="token")
        x += width + GAP


# ---- gradients and activations


def blocks_of(model) -> nn.ModuleList:
    """The transformer blocks of a base model or a system: the list of as many modules as the configuration has layers."""
    layers = model.config.num_hidden_layers
    found = [each for each in model.modules() if isinstance(each, nn.ModuleList) and len(each) == layers]
    if not found:
        raise ValueError(f"found no list of {layers} blocks in {type(model).__name__}")
    return max(found, key=lambda blocks: sum(weight.numel() for weight in blocks.parameters()))


def kept_activations(system, batch: Mapping) -> list[float]:
    """MB that each block keeps for the way back when the loss of ``batch`` is computed, the weights themselves left out."""
    blocks, inside = blocks_of(system), []
    kept, seen = [0.0] * len(blocks), {weight.untyped_storage().data_ptr() for weight in system.parameters()}

    def keep(tensor):
        memory = tensor.untyped_storage()
        if inside and memory.data_ptr() not in seen:
            seen.add(memory.data_ptr())
            kept[inside[-1]] += memory.nbytes() / 1e6
        return tensor

    handles = [block.register_forward_pre_hook(lambda *_, n=n: inside.append(n)) for n, block in enumerate(blocks)]
    handles += [block.register_forward_hook(lambda *_: inside.clear()) for block in blocks]
    try:
        with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = system.target_logits(**batch)[0].sum()   # alive until here, so that no memory is used twice
        del loss
    finally:
        for handle in handles:
            handle.remove()
    return kept


def gradient_paths(systems: Mapping[str, nn.Module], batches: Mapping[str, Mapping]):
    """For each system the stack of blocks: what is frozen (grey), how far gradients go back, what activations each block keeps.

    ``systems``: name -> a system of the course, at most three; ``batches``: name -> what it is trained on, from `collate`.
    """
    if not 1 <= len(systems) <= 3 or set(systems) != set(batches):
        raise ValueError(f"expected one to three systems, and a batch for each, got {list(systems)} and {list(batches)}")
    kept = {name: kept_activations(system, batches[name]) for name, system in systems.items()}
    page, room = Page(), WIDTH / len(systems)
    most, ends = max(map(max, kept.values())) or 1.0, []   # MB; nothing is kept where nothing is trained
    for n, (name, system) in enumerate(systems.items()):
        ends.append(_stack(page, n * room, min(room, 2.5) - 0.15, name, system, kept[name], most))
    y = page.key(max(ends) + 0.05, [("frozen", "frozen"), (KEPT, "activations kept for the way back, to scale")])
    page.arrow((0.0, y + 0.1), (0.22, y + 0.1), GRADIENT, 1.6)
    page.text(0.3, y + 0.1, "way of the gradient, from the loss to what is trained: the coloured boxes", SMALL + 0.5, SOFT_INK)
    stories = [f"{name}: {_trained(system):,} numbers trained, {_bytes(1e6 * sum(kept[name]))} of activations kept"
               for name, system in systems.items()]
    return page.finish(y + 0.28, f"""Where gradients go and activations are kept. {"; ".join(stories)}. On its way back to
        what is trained, a gradient passes every block above it, frozen or not.""")


KEPT = Kind("#E9D9A6", "#A88B2A")


def _trained(system) -> int:
    return sum(weight.numel() for weight in system.parameters() if weight.requires_grad)


def _stack(page: Page, x, width, name, system, kept, most) -> float:
    """One system's blocks from the loss down to the input. Returns the y below."""
    blocks, look = blocks_of(system), Kind(_mixed(color_of(name), 0.3), color_of(name))
    shares = [_share(block) for block in blocks]
    all_numbers, trained = sum(weight.numel() for weight in system.parameters()), _trained(system)
    first = next((n for n, share in enumerate(shares) if share), None)
    in_keys = isinstance(system, KeyValuePrompt)
    below = trained > 0 and not in_keys and _share(nn.ModuleList(blocks)) in (0, 1)   # the input's rows are trained
    page.text(x, page.top + 0.05, name, 10, weight="bold")
    y, left, block_width, step = page.top + 0.28, x + 0.3, width - 1.1, 0.34
    page.box(left, y, block_width, 0.22, "loss", "plain", gid="loss")
    shown = shortened(range(len(blocks) - 1, -1, -1), 8)
    bottom = y + 0.34 + step * len(shown)
    for n, i in enumerate(shown):
        top = y + 0.36 + n * step
        if i is None:
            page.text(left + block_width / 2, top + 0.12, "…", SIZE, SOFT_INK, "center")
            continue
        _block(page, left, top, block_width, i, shares[i], look, in_keys)
        if kept[i]:
            page.box(left + block_width + 0.06, top + 0.04, 0.7 * kept[i] / most, 0.18, kind=KEPT, gid="kept")
        if trained and (shares[i] or in_keys):
            page.arrow((x + 0.12, top + 0.13), (left - 0.01, top + 0.13), GRADIENT, 1.4, gid="gradient")
    soft = hasattr(system, "soft_rows") or (system.positions and not in_keys)
    share = block_width * 0.48 if soft else 0
    if soft:
        page.box(left, bottom + 0.02, share, 0.24, "prompt", look if trained else "frozen", gid="prompt")
    text, kind = ("token table", look) if below and not soft else ("text", "source")
    page.box(left + share, bottom + 0.02, block_width - share, 0.24, text, kind, gid="text")
    if trained:
        end = bottom + 0.14 if below else y + 0.49 + step * shown.index(first or 0)
        page.axes.plot([left, x + 0.12, x + 0.12], [y + 0.11, y + 0.11, end], color=GRADIENT, linewidth=1.6, zorder=2)
        if below:
            page.arrow((x + 0.12, end), (left - 0.01, end), GRADIENT, 1.6, gid="gradient")
    for n, line in enumerate((f"trained: {trained:,} of {all_numbers:,}", f"gradient and AdamW: {_bytes(12 * trained)}",
                              f"activations kept: {_bytes(1e6 * sum(kept))}")):
        page.text(x, bottom + 0.45 + 0.19 * n, line, SMALL + 0.5)
    return bottom + 0.45 + 0.19 * 3


def _share(module) -> float:
    """Which share of a module's numbers is trained."""
    counts = [(weight.numel(), weight.requires_grad) for weight in module.parameters()]
    return sum(n for n, trained in counts if trained) / sum(n for n, _ in counts)


def _block(page: Page, x, y, width, number, share, look, in_keys) -> None:
    aside = 0.44 if 0 < share < 1 or in_keys else 0.0   # room for something small beside the frozen weights
    if aside:
        page.box(x, y, aside, 0.26, "K, V" if in_keys else "A B", look, SMALL + 0.5, "adapter")
    kind, gid = (look, "trained") if share == 1 else ("frozen", "frozen")
    page.box(x + aside, y, width - aside, 0.26, f"block {number + 1}", kind, gid=gid)


def _bytes(count: float) -> str:
    """A size in words."""
    unit, name = next((pair for pair in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if count >= pair[0]), (1, "bytes"))
    return f"{count / unit:.{1 if unit > 1 else 0}f} {name}"
