"""Pictures of what happens inside, drawn from the tensors of the lesson that shows them, so that they cannot drift.

Each function returns a Matplotlib figure with a text alternative; end the cell with ``plt.show()``. A ``batch`` is what the
course trains on: ``input_ids``, soft tokens being ids from ``vocab_size`` on, ``attention_mask``, ``labels``, each [batch, text].
Colours: soft prompt blue, source cream, target green, padding hatched, what does not count or is frozen grey, gradients orange.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch

from ..batches import IGNORED
from .drawing import (
    ACCENT,
    GAP,
    INK,
    KINDS,
    LINE,
    PAD,
    ROW,
    SIZE,
    SMALL,
    SOFT_INK,
    TASKS,
    WIDTH,
    WORDS,
    Columns,
    Kind,
    Page,
    full_colour,
    ids_of,
    line_of,
    readable,
    text_width,
)

LEFT = 1.12   # inches: room for the headings of rows


# ---- text, ids, vectors


def token_boxes(text, tokenizer):
    """The tokens of ``text`` (or of its ids) as coloured boxes, their ids below."""
    page, x = Page(), 0.0
    ids = ids_of(text, tokenizer)
    words, y = [readable(tokenizer, i) for i in ids], page.top
    for n, (token, word) in enumerate(zip(ids, words, strict=True)):
        width = max(text_width(word, 10), text_width(str(token), SMALL)) + 2 * PAD
        if x + width > WIDTH:
            x, y = 0.0, y + 0.56
        page.box(x, y, width, 0.27, word, Kind(WORDS[n % len(WORDS)], "#8F8F8F"), 10, "token")
        page.text(x + width / 2, y + 0.37, str(token), SMALL, SOFT_INK, "center", gid="id")
        x += width + GAP
    return page.finish(y + 0.5, f"{len(ids)} tokens in boxes, the id of each below: {' '.join(words[:12])}"
                       f"{' …' if len(ids) > 12 else ''}. ␣ is a space, ↵ a line break.")


def text_to_vectors(text, tokenizer, table: torch.Tensor, numbers: int = 4):
    """From text to ids to the rows of ``table`` [vocabulary, width]: the first ``numbers`` of each row are written out."""
    ids = ids_of(text, tokenizer)
    if table.dim() != 2 or max(ids) >= len(table):
        raise ValueError(f"expected a table [vocabulary, width] with a row for each id to {max(ids)}, got {tuple(table.shape)}")
    words, rows = [readable(tokenizer, i) for i in ids], table.detach().float().cpu()[ids]   # [text, width]
    written = [[f"{round(value, 2) + 0:.2f}".replace("-", "−") for value in row[:numbers].tolist()] for row in rows]
    page, scale = Page(), full_colour(rows)
    y, kinds = page.top, ["source"] * len(ids)
    columns = Columns(kinds, [words, [str(i) for i in ids], *zip(*written, strict=True)], LEFT,
                      min(0.75, (WIDTH - LEFT) / len(ids) - GAP - 2 * PAD))
    page.row(columns, y, words, kinds, "tokens", "token")
    page.row(columns, y + 0.42, ids, ["plain"] * len(ids), "ids", "id")
    top, cell = y + 0.92, 0.2
    _headings(page, top, ["rows of the table", f"{len(table):,} × {table.shape[1]}"])
    for i, x, width in columns:
        if i is None:
            page.text(x + width / 2, top + 0.4, "…", SIZE, SOFT_INK, "center")
            continue
        page.arrow((x + width / 2, y + ROW), (x + width / 2, y + 0.42))
        page.arrow((x + width / 2, y + 0.65), (x + width / 2, top))
        for n, value in enumerate(written[i]):
            page.strip(x, top + n * cell, width, cell, rows[i, n : n + 1], scale)
            strong = abs(float(rows[i, n])) > 0.72 * scale
            page.text(x + width / 2, top + (n + 0.5) * cell, value, SMALL, "white" if strong else INK, "center")
        page.strip(x, top + numbers * cell, width, 1.2, rows[i, numbers:], scale, gid="vector")
    bottom = top + numbers * cell + 1.2
    page.text(0, bottom - 1.1, f"and {table.shape[1] - numbers} more", SMALL, SOFT_INK)
    page.text(0, bottom - 0.93, "as colours", SMALL, SOFT_INK)
    page.scale_key(LEFT, bottom + 0.17, scale)
    return page.finish(bottom + 0.32, f"Text to vectors: {len(ids)} tokens, their ids, and for each id its row of "
                       f"{table.shape[1]} numbers from the table of {len(table):,} rows, as a strip of colours.")


def _headings(page: Page, y: float, lines: Sequence[str], color: str = SOFT_INK) -> None:
    for n, line in enumerate(lines):
        page.text(0, y + 0.1 + 0.17 * n, line, SIZE if n == 0 else SMALL, color)


# ---- the soft prompt in front of the text


def soft_prompt_in_front(batch: Mapping, tokenizer, table: torch.Tensor, soft_table: torch.Tensor, blocks: int, row: int = 0):
    """One row of a batch on its way: two tables, ``[prompt][text]``, mask, positions, frozen blocks, logits and their labels.

    ``table`` [vocabulary, width] is the base model's, ``soft_table`` [rows, width] the prompt's, ``blocks`` the number of layers.
    """
    if table.shape[1:] != soft_table.shape[1:]:
        raise ValueError(f"the rows of both tables must be equally wide, got {tuple(table.shape)} and {tuple(soft_table.shape)}")
    line = line_of(batch, tokenizer, len(table), row)
    if max(line.ids) >= len(table) + len(soft_table) or "prompt" not in line.kinds:
        raise ValueError(f"expected soft ids from {len(table)} to {len(table) + len(soft_table) - 1} in row {row}, "
                         f"got ids up to {max(line.ids)}")
    labels = ["−100" if label == IGNORED else readable(tokenizer, label) for label in line.labels]
    prompt, rest = ([i for i, kind in enumerate(line.kinds) if (kind == "prompt") == ours] for ours in (True, False))
    for_table = text_width(f"{len(soft_table)} × {table.shape[1]}, trained") + 0.3   # what is written in the soft-prompt table
    least = [for_table / min(len(prompt), 3) - 2 * PAD if kind == "prompt" else 0.0 for kind in line.kinds]
    columns = Columns(line.kinds, [line.words, list(map(str, line.ids)), labels], LEFT, least)
    page = Page()
    y = page.top
    page.row(columns, y, line.words, line.kinds, "tokens", "token")
    page.row(columns, y + 0.25, line.ids, ["plain" if kind != "pad" else "pad" for kind in line.kinds], "ids", "id", size=SMALL)
    y = _tables(page, columns, y + 0.65, line, prompt, rest, table, soft_table)
    kinds = ["plain" if seen else "pad" for seen in line.mask]
    page.row(columns, y, line.mask, kinds, "attention mask", "mask", size=SMALL)
    page.row(columns, y + 0.25, line.positions, kinds, "positions", "position", size=SMALL)
    y += 0.7
    text = f"{blocks} transformer blocks and the output layer: frozen"
    page.box(LEFT, y, columns.right - LEFT, 0.34, text, "frozen", 9.5, "frozen")
    return _logits_and_labels(page, columns, y + 0.34, line, labels, len(table), len(prompt))


def _tables(page: Page, columns: Columns, y, line, prompt, rest, table, soft_table) -> float:
    """Two tables above the vectors that were looked up in them. Returns the y below."""
    rows = torch.cat([table.detach().float().cpu(), soft_table.detach().float().cpu()])[torch.tensor(line.ids)]   # [text, width]
    scale, strip_top = 2 * full_colour(rows[rest]), y + 0.78   # rows of a trained prompt may be far longer, and show it
    for positions, kind, lines in (
        (prompt, "prompt", f"soft-prompt table\n{len(soft_table)} × {table.shape[1]}, trained"),
        (rest, "frozen", f"token table of the base model\n{len(table):,} × {table.shape[1]}, frozen")):
        start, end = columns.span(positions)
        page.box(start, y, end - start, 0.46, lines, kind, SMALL + 0.5, kind + " table")
    _headings(page, strip_top + 0.2, ["vectors", f"{table.shape[1]} numbers each"])
    page.scale_key(0, strip_top + 0.68, scale, 0.4)
    for i, x, width in columns:
        if i is None:
            page.text(x + width / 2, strip_top + 0.4, "…", SIZE, SOFT_INK, "center")
            continue
        color = ACCENT if line.kinds[i] == "prompt" else LINE
        page.arrow((x + width / 2, y - 0.17), (x + width / 2, y), color)
        page.arrow((x + width / 2, y + 0.46), (x + width / 2, strip_top), color)
        page.strip(x, strip_top, width, 0.85, rows[i], scale, color, "vector")
    return strip_top + 0.97


def _logits_and_labels(page: Page, columns: Columns, y, line, labels, vocabulary: int, prompt_length: int):
    """Which logits are compared with which label: the label one place to the right."""
    top, below = y + 0.25, y + 0.95
    scored = [line.scored(i) for i in range(len(line.ids))]
    kinds = ["target" if each else "ignored" for each in scored]
    page.row(columns, top, ["✓" if each else "–" for each in scored], kinds, "logits: scored?", "logits")
    page.row(columns, below, labels, _label_kinds(line), "labels", "label")
    for i, x, width in columns:
        if i is not None:
            page.arrow((x + width / 2, y - 0.54), (x + width / 2, y - 0.34), LINE)
            page.arrow((x + width / 2, y), (x + width / 2, top), LINE)
            if scored[i] and columns.center(i + 1):
                page.arrow((x + width / 2, top + ROW), (columns.center(i + 1), below), KINDS["target"].edge, 1.3, gid="scored")
    y = page.key(below + 0.36, _key(line, "target, scored", "not scored"), LEFT)
    return page.finish(y + 0.05, f"""The soft prompt in front of the text: {prompt_length} vectors come from the trained
        soft-prompt table, the other {len(line.ids) - prompt_length} from the frozen table of {vocabulary:,} tokens. One row of
        vectors, with mask and positions, passes the frozen blocks. Of {len(scored)} logits {sum(scored)} are scored, each against
        the label one place to the right; labels of −100 are not.""")


def _label_kinds(line) -> list[str]:
    return ["ignored" if label == IGNORED else "target" for label in line.labels]


def _key(line, target: str, ignored: str) -> list[tuple[str, str]]:
    """The kinds of boxes that a row has, in words."""
    names = {"prompt": "soft prompt", "source": "source", "target": target, "ignored": ignored, "pad": "padding"}
    return [(kind, name) for kind, name in names.items() if kind in (*line.kinds, *_label_kinds(line))]


# ---- labels


def shifted_labels(batch: Mapping, tokenizer, vocab_size: int, row: int = 0):
    """Inputs above labels, and which position is scored against which label: the one a place to the right, unless it is -100."""
    line = line_of(batch, tokenizer, vocab_size, row)
    if "labels" not in batch:
        raise ValueError("this picture is about labels: the batch has none")
    labels = ["−100" if label == IGNORED else readable(tokenizer, label) for label in line.labels]
    page, count = Page(), sum(line.scored(i) for i in range(len(line.ids)))
    columns = Columns(line.kinds, [line.words, labels], LEFT)
    top, below = page.top, page.top + 0.85
    page.row(columns, top, line.words, line.kinds, "input", "token")
    page.row(columns, below, labels, _label_kinds(line), "label", "label")
    page.text(0, (top + below + ROW) / 2, "predicts", SIZE, SOFT_INK)
    for i, x, width in columns:
        if i is not None and columns.center(i + 1) is not None:
            look = (KINDS["target"].edge, 1.5, "scored") if line.scored(i) else ("#C4C4C4", 0.8, "not scored")
            page.arrow((x + width / 2, top + ROW), (columns.center(i + 1), below), *look)
    y = page.key(below + 0.36, _key(line, "counts in the loss", "−100: does not count"), LEFT)
    return page.finish(y + 0.05, f"""Shifted labels: a row of {len(line.ids)} inputs above a row of labels. Each input predicts
        the label one place to its right. {count} labels count; the other {len(labels) - count}, those of prompt and source among
        them, are −100 and grey.""")


# ---- padding and batches


def padding_sides(layouts: Mapping[str, Mapping], tokenizer, vocab_size: int, row: int = 0):
    """The same text padded in several ways, its positions below; where they jump between visible tokens, they are orange.

    ``layouts``: name -> batch, with ``position_ids`` [batch, text] where a model counts otherwise than over what the mask shows.
    """
    page, bad = Page(), []
    y = page.top
    for name, batch in layouts.items():
        line = line_of(batch, tokenizer, vocab_size, row)
        seen = [i for i, each in enumerate(line.mask) if each]
        jumps = {b for a, b in pairwise(seen) if line.positions[b] != line.positions[a] + 1}
        bad += [name] * bool(jumps)
        columns = Columns(line.kinds, [line.words, list(map(str, line.positions))], LEFT - 0.15, 0.16)
        page.text(0, y + 0.1, name, 9.5, INK, weight="bold")
        page.row(columns, y + 0.26, line.words, line.kinds, "tokens", "token")
        kinds = ["wrong" if i in jumps else "plain" if i in seen else "pad" for i in range(len(line.ids))]
        positions = [position if i in seen else "" for i, position in enumerate(line.positions)]
        page.row(columns, y + 0.51, positions, kinds, "positions", "position", size=SMALL)
        for i in jumps:
            before = line.positions[max(j for j in seen if j < i)]
            note = f"jumps from {before} to {line.positions[i]}"
            x = min(columns.center(i) or LEFT, WIDTH - text_width(note, SMALL))
            page.text(x - 0.05, y + 0.84, "↑ " + note, SMALL + 0.5, KINDS["wrong"].ink, gid="jump")
        y += 1.05 if jumps else 0.92
    return page.finish(y, f"{len(layouts)} ways to pad one text: {', '.join(layouts)}. Under each token stands its position. "
                       + (f"In {', '.join(bad)} the positions jump." if bad else "Positions count on without a gap in all."))


def mixed_batch(batch: Mapping, tokenizer, vocab_size: int, prompts: Mapping[str, Sequence[int]]):
    """A batch in which each row has its own prompt. ``prompts``: name -> the soft ids of its rows (`prompt_ids`)."""
    page, names = Page(), []
    y, looks = page.top, dict(zip(prompts, TASKS * len(prompts), strict=False))
    left = max(text_width(name, SIZE, "bold") for name in prompts) + 0.12
    for row in range(len(batch["input_ids"])):
        line = line_of(batch, tokenizer, vocab_size, row)
        own = [i for i, kind in zip(line.ids, line.kinds, strict=True) if kind == "prompt"]
        name = next((name for name, ids in prompts.items() if own == list(ids)), None)
        if name is None:
            raise ValueError(f"row {row} has soft ids {own}, which is none of the prompts {', '.join(prompts)}")
        names.append(name)
        _batch_row(page, y, left, name, line, looks[name])
        y += 0.4
    own = [(looks[name], f"{name}: {len(ids)} row{'s' * (len(ids) > 1)}") for name, ids in prompts.items() if name in names]
    counted = bool((torch.as_tensor(batch.get("labels", IGNORED)) != IGNORED).any())
    target = [("target", "target")] if counted else []
    y = page.key(y + 0.02, [*own, ("source", "source"), *target, ("pad", "padding")])
    return page.finish(y + 0.05, f"A batch of {len(names)} rows, each with its own soft prompt in front of its text: "
                                 f"{', '.join(names)}.")


def _batch_row(page: Page, y, left, name, line, look: Kind) -> None:
    """One row of a batch, as wide as the page; its padding is one box that says how much it is."""
    pads = line.kinds.count("pad")
    words = [f"pad × {pads}" if kind == "pad" else word for word, kind in zip(line.words, line.kinds, strict=True)]
    first_pad = line.kinds.index("pad") if pads else None
    keep = [i for i, kind in enumerate(line.kinds) if kind != "pad" or i == first_pad]
    kinds = [line.kinds[i] for i in keep]
    columns = Columns(kinds, [[words[i] for i in keep]], left)
    spare = (WIDTH - columns.right) / len(columns.shown)
    page.text(0, y + ROW / 2, name, SIZE, look.ink, weight="bold")
    for n, (i, x, width) in enumerate(columns):
        x, width = x + n * spare, width + spare
        if i is None:
            page.text(x + width / 2, y + ROW / 2, "…", SIZE, SOFT_INK, "center")
        else:
            page.box(x, y, width, ROW, words[keep[i]], look if kinds[i] == "prompt" else kinds[i], gid="token")
