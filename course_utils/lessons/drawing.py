"""What all pictures share: a page in inches, boxes as wide as their text, readable tokens, and the one palette of the course."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import matplotlib.pyplot as plt
import torch
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.textpath import text_to_path

from ..batches import IGNORED, token_ids

WIDTH = 7.5                  # inches: the width of a notebook's output
SIZE, SMALL = 9, 8           # points; smaller letters are lost on a phone
PAD, GAP, ROW = 0.06, 0.04, 0.23   # inches: around a text, between boxes, height of a box
INK, SOFT_INK, LINE = "#222222", "#616161", "#8C8C8C"
ACCENT, GRADIENT = "#0072B2", "#D55E00"
FONT = "DejaVu Sans"         # comes with Matplotlib, so a text is as wide everywhere


# ---- the palette


@dataclass(frozen=True)
class Kind:
    """How a box looks."""

    fill: str
    edge: str
    ink: str = INK
    hatch: str | None = None


KINDS = {
    "prompt": Kind("#CFE5F4", ACCENT, "#003A5C"),
    "source": Kind("#F7F1E1", "#BBA877"),
    "target": Kind("#CFEBDF", "#009E73", "#00382A"),
    "pad": Kind("white", "#CDCDCD", SOFT_INK, "//////"),
    "ignored": Kind("#EDEDED", "#CDCDCD", "#686868"),
    "frozen": Kind("#DEDEDE", "#9B9B9B", "#333333"),
    "plain": Kind("white", "#ABABAB"),
    "wrong": Kind("#FBE0D0", GRADIENT, "#7A3000"),
}
# A prompt of its own for each task of a batch: summarization, question answering, translation, and whatever comes.
TASKS = (KINDS["prompt"], Kind("#FCE5BD", "#D58A00", "#5C3A00"), Kind("#F3DCE9", "#B3578B", "#571F40"), KINDS["target"])
WORDS = ("#FCE9C4", "#DDEBD0", "#F6D9D2", "#E5DDF1")   # neighbours differ

SOFT_LENGTHS = {1: "#7FBCE6", 5: "#3F97D3", 20: ACCENT, 50: "#0B4A85", 100: "#081F45"}
SYSTEM_COLORS = {
    "no prompt": "#CFCFCF",
    "hard prompt": "#7D7D7D",
    "hand-written": "#E69F00",
    "few-shot": "#D55E00",
    "discrete search": "#8A4B08",
    **{f"soft prompt, {length} token{'s' * (length > 1)}": color for length, color in SOFT_LENGTHS.items()},
    "P-tuning": "#22D3A6",
    "prefix tuning": "#00694D",
    "LoRA": "#DD86B8",
    "full fine-tuning": "#7B1E54",
}


def color_of(system: str) -> str:
    """The colour of a system in all figures; names such as "best hand-written prompt" or "few-shot, 2 examples" count.

    A soft prompt of another length has that of the next shorter one, one of no stated length that of 20 tokens. What the
    palette does not know is black.
    """
    name = system.lower()
    if "written" in name or "example" in name:
        return SYSTEM_COLORS["few-shot" if "example" in name else "hand-written"]
    if "soft" in name or name.startswith("prompt tuning"):
        length = int((re.search(r"\d+", name) or ["20"])[0])
        return SOFT_LENGTHS[max((each for each in SOFT_LENGTHS if each <= length), default=1)]
    return next((color for known, color in SYSTEM_COLORS.items() if known.split()[0].lower() in name), "#000000")


# ---- tokens as a reader can read them


def readable(tokenizer, token: int) -> str:
    """A token with ␣ for a space and ↵ for a line break; ``<end>`` for the end token, ``byte C3`` for a part of a letter."""
    if token == tokenizer.eos_token_id:
        return "<end>"
    piece = tokenizer.convert_ids_to_tokens(int(token))
    if piece is None:
        raise ValueError(f"the tokenizer has no token {token}: it has {len(tokenizer)}; ids of soft tokens need `vocab_size`")
    text = piece if piece.startswith("▁") else tokenizer.decode([int(token)])
    for letter, shown in (("▁", "␣"), (" ", "␣"), ("\n", "↵"), ("\t", "⇥")):
        text = text.replace(letter, shown)
    if "\ufffd" in text or not text.isprintable():
        hidden = [b for b in range(256) if not (33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255)]  # GPT-2's alphabet
        codes = [ord(c) if ord(c) < 256 else hidden[ord(c) - 256] for c in piece if ord(c) < 256 + len(hidden)]
        return "byte " + " ".join(f"{code:02X}" for code in codes)
    return text if len(text) <= 16 else text[:15] + "…"


def ids_of(text, tokenizer) -> list[int]:
    """The ids of a text, or of what holds ids: a list, a tensor [text] or [1, text]."""
    ids = token_ids(tokenizer, text) if isinstance(text, str) else torch.as_tensor(text).flatten().tolist()
    if not ids:
        raise ValueError(f"there is no token to draw in {text!r}: give a text or ids with at least one")
    return ids


@dataclass(frozen=True)
class Line:
    """One row of a batch, position by position: ids, what is written in its box, its kind (`KINDS`), its label."""

    ids: list[int]
    words: list[str]
    kinds: list[str]
    mask: list[int]
    labels: list[int]
    positions: list[int]

    def scored(self, i: int) -> bool:
        """Whether the logits at position i are compared with a label: the one of the next position."""
        return i + 1 < len(self.labels) and self.labels[i + 1] != IGNORED


def line_of(batch, tokenizer, vocab_size: int, row: int = 0) -> Line:
    """A row of a batch: ``input_ids``, and ``attention_mask``, ``labels``, ``position_ids`` if it has them, each [batch, text].

    Ids from ``vocab_size`` on are soft tokens, written P1, P2 and so on. Raises ValueError where shapes differ.
    """
    ids = batch["input_ids"]
    shapes = {name: tuple(batch[name].shape) for name in ("input_ids", "attention_mask", "labels", "position_ids")
              if batch.get(name) is not None}
    if ids.dim() != 2 or len(set(shapes.values())) > 1:
        raise ValueError(f"expected tensors of one shape [batch, text], got {shapes}")
    if not 0 <= row < len(ids):
        raise ValueError(f"row {row} of a batch of {len(ids)}: expected 0 to {len(ids) - 1}")
    mask = batch.get("attention_mask", torch.ones_like(ids))[row]
    labels = batch.get("labels", torch.full_like(ids, IGNORED))[row].tolist()
    positions = batch.get("position_ids", (batch.get("attention_mask", torch.ones_like(ids)).cumsum(1) - 1).clamp(min=0))[row]
    ids, soft = ids[row].tolist(), 0
    words, kinds = [], []
    for token, seen, label in zip(ids, mask.tolist(), labels, strict=True):
        soft += token >= vocab_size
        kinds.append("pad" if not seen else "prompt" if token >= vocab_size else "source" if label == IGNORED else "target")
        words.append("pad" if not seen else f"P{soft}" if token >= vocab_size else readable(tokenizer, token))
    return Line(ids, words, kinds, mask.tolist(), labels, positions.tolist())


# ---- what fits


@functools.lru_cache(maxsize=10_000)
def text_width(text: str, size: float = SIZE, weight: str = "normal") -> float:
    """Width of a text in inches."""
    font = FontProperties(family=FONT, size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def shortened(run: Sequence[int], most: int) -> list[int | None]:
    """``run``, or its two ends with None between where it is longer than ``most`` (at least 3)."""
    run = list(run)
    return run if len(run) <= most else [*run[: most // 2], None, *run[len(run) - (most - 1 - most // 2) :]]


def that_fit(kinds: Sequence[str], widths: Sequence[float], room: float) -> list[int | None]:
    """The positions that fit into ``room`` inches: the middles of the widest runs of one kind give way, None in their place.

    Targets give way last. Of each run both ends stay, even where they do not fit.
    """
    runs = [[i for i, _ in group] for _, group in groupby(enumerate(kinds), key=lambda pair: pair[1])]
    limits = [min(len(run), 40) for run in runs]

    def shown(n: int) -> list[int | None]:
        return shortened(runs[n], limits[n])

    def width(n: int) -> float:
        return sum((ROW if i is None else widths[i]) + GAP for i in shown(n))

    while sum(map(width, range(len(runs)))) > room and max(limits) > 3:
        longer = [n for n in range(len(runs)) if limits[n] > 3]
        limits[max(longer, key=lambda n: width(n) * (0.6 if kinds[runs[n][0]] == "target" else 1))] -= 1
    return [i for n in range(len(runs)) for i in shown(n)]


class Columns:
    """Columns of boxes: which positions they show (None: left out), where they begin (``x``) and how wide they are."""

    def __init__(self, kinds: Sequence[str], texts: Sequence[Sequence[str]], left: float, least: Sequence[float] | float = 0.0):
        least = [least] * len(kinds) if isinstance(least, float) else least
        columns = zip(least, zip(*texts, strict=True), strict=True)
        widths = [max(low, *(text_width(text) for text in column)) + 2 * PAD for low, column in columns]
        self.shown = that_fit(kinds, widths, WIDTH - left)
        self.width = [ROW if i is None else widths[i] for i in self.shown]
        self.x = [left + sum(self.width[:n]) + n * GAP for n in range(len(self.shown))]
        self.right = self.x[-1] + self.width[-1]

    def __iter__(self):
        return zip(self.shown, self.x, self.width, strict=True)

    def span(self, positions) -> tuple[float, float]:
        """From where to where the columns of ``positions`` reach."""
        inside = [(x, x + width) for i, x, width in self if i in set(positions)]
        return inside[0][0], inside[-1][1]

    def place(self, position: int) -> int | None:
        return self.shown.index(position) if position in self.shown else None

    def center(self, position: int) -> float | None:
        at = self.place(position)
        return None if at is None else self.x[at] + self.width[at] / 2


def full_colour(values: torch.Tensor) -> float:
    """The value at which colours are full: nearly the largest, in round numbers."""
    return float(f"{max(torch.quantile(values.detach().float().abs().flatten()[:100_000], 0.98).item(), 1e-6):.1g}")


# ---- the page


class Page:
    """A figure whose coordinates are inches from its upper left corner, y downwards."""

    def __init__(self):
        self.figure = plt.figure(figsize=(WIDTH, 1))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.top = 0.05

    def text(self, x, y, text, size=SIZE, color=INK, ha="left", weight="normal", gid=None, zorder=5):
        """A text whose middle height is ``y``; letters of one line stand on one line."""
        return self.axes.text(x, y + 0.36 * size / 72, text, size=size, color=color, ha=ha, va="baseline", weight=weight,
                              gid=gid, family=FONT, parse_math=False, zorder=zorder)

    def box(self, x, y, width, height, text="", kind: str | Kind = "plain", size=SIZE, gid=None, weight="normal", zorder=3):
        """A box, its upper edge at ``y``. ``gid`` names what it shows, for whoever looks through the figure."""
        style = KINDS[kind] if isinstance(kind, str) else kind
        patch = Rectangle((x, y), width, height, facecolor=style.fill, edgecolor=style.edge, hatch=style.hatch, linewidth=0.9,
                          gid=gid, zorder=zorder)
        self.axes.add_patch(patch)
        lines = text.split("\n") if text else []
        for n, line in enumerate(lines):
            middle = y + height / 2 + (n - (len(lines) - 1) / 2) * 1.35 * size / 72
            self.text(x + width / 2, middle, line, size, style.ink, "center", weight, gid, zorder + 2)
        return patch

    def row(self, columns: Columns, y, texts, kinds, heading="", gid=None, height=ROW, size=SIZE):
        """A box for each shown position, … where some are left out, and a heading on the left."""
        if heading:
            self.text(0, y + height / 2, heading, SIZE, SOFT_INK)
        for i, x, width in columns:
            if i is None:
                self.text(x + width / 2, y + height / 2, "…", SIZE, SOFT_INK, "center")
            else:
                self.box(x, y, width, height, str(texts[i]), kinds[i], size, gid)

    def strip(self, x, y, width, height, values: torch.Tensor, scale: float, edge: str = LINE, gid=None):
        """Numbers [rows] or [rows, columns] as colours: violet below 0, white at 0, orange above; full colour at ``scale``."""
        values = values.detach().float().cpu().reshape(len(values), -1)
        image = self.axes.imshow(values.numpy(), cmap="PuOr_r", vmin=-scale, vmax=scale, extent=(x, x + width, y + height, y),
                                 aspect="auto", interpolation="nearest", zorder=3, gid=gid)
        self.axes.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=edge, linewidth=1, zorder=4))
        return image

    def arrow(self, start, end, color=LINE, width=1.0, gid=None):
        """An arrow from (x, y) to (x, y)."""
        self.axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", color=color, linewidth=width, shrinkA=0, shrinkB=0,
                                            gid=gid, mutation_scale=8, zorder=2))

    def key(self, y, entries: Sequence[tuple[str | Kind, str]], x=0.0):
        """What the looks of boxes mean, in one line, or more where they do not fit. Returns the y below."""
        for kind, text in entries:
            needed = 0.26 + text_width(text, SMALL + 0.5) + 0.2
            if x + needed > WIDTH and x > 0:
                x, y = 0.0, y + 0.22
            self.box(x, y + 0.03, 0.18, 0.13, kind=kind, gid="key")
            self.text(x + 0.24, y + 0.1, text, SMALL + 0.5, SOFT_INK)
            x += needed
        return y + 0.22

    def scale_key(self, x, y, scale, width=0.8):
        """What the colours of strips mean: a scale that begins at ``x``."""
        low, high = f"−{scale:.2g}", f"{scale:.2g}"
        self.text(x, y, low, SMALL, SOFT_INK)
        x += text_width(low, SMALL) + 0.05
        self.strip(x, y - 0.05, width, 0.1, torch.linspace(-scale, scale, 33)[None], scale)
        self.text(x + width + 0.05, y, high, SMALL, SOFT_INK)

    def finish(self, height: float, alt: str):
        """The figure, as high as what was drawn, with its text alternative (shown by notebooks, see `setup.figure_text`)."""
        self.figure.set_size_inches(WIDTH + 0.04, height)
        self.axes.set(xlim=(-0.02, WIDTH + 0.02), ylim=(height, 0))
        return described(self.figure, alt)


def described(figure, alt: str):
    """``figure`` with ``alt``, what it shows in one or two sentences, as its text alternative."""
    figure.alt_text = " ".join(alt.split())
    return figure
