"""What a model writes, as a table that wraps on a phone: after each stage of its training, words of the reference marked."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping

from ..metrics import Words
from .charts import common_subsequence
from .drawing import KINDS

CELL = "text-align:left;vertical-align:top;padding:.35em .6em;border-top:1px solid #8884"


class Written:
    """A table of texts: a row a stage, the reference last. Notebooks show it as HTML, everything else as plain text."""

    def __init__(self, texts: Mapping[str, str], reference: str | None, source: str | None):
        self.texts, self.reference, self.source = dict(texts), reference, source

    def __repr__(self) -> str:
        rows = [*([("source", self.source)] if self.source else []), *self.texts.items(),
                *([("reference", self.reference)] if self.reference else [])]
        width = max(len(name) for name, _ in rows) + 2
        return "\n".join(textwrap.fill(text or "(nothing)", 100, initial_indent=name.ljust(width), subsequent_indent=" " * width)
                         for name, text in rows)

    def _repr_html_(self) -> str:
        rows = [(name, _marked(text, self.reference)) for name, text in self.texts.items()]
        if self.source:
            rows.insert(0, ("source", html.escape(self.source)))
        if self.reference:
            rows.append(("reference", f"<b>{html.escape(self.reference)}</b>"))
        body = "".join(f'<tr><th scope="row" style="{CELL}">{html.escape(name)}</th><td style="{CELL}">{text}</td></tr>'
                       for name, text in rows)
        note = ('<p style="font-size:smaller;margin:.2em 0">Marked: words that stand in the reference, in its order.</p>'
                if self.reference else "")
        return f'<table style="width:100%;border-collapse:collapse">{body}</table>{note}'


def written(texts: Mapping[str | int, str], reference: str | None = None, source: str | None = None) -> Written:
    """What a model writes for one source at several stages. ``texts``: stage (a name, or a number of steps) -> text.

    With a ``reference`` the words that ROUGE-L would count are marked. Raises ValueError without a text.
    """
    if not texts or not all(isinstance(text, str) for text in texts.values()):
        raise ValueError(f"expected stage -> text for one source, got {texts!r}")
    return Written({_stage(stage): text for stage, text in texts.items()}, reference, source)


def _stage(stage: str | int) -> str:
    if isinstance(stage, str):
        return stage
    return f"after {stage:,} step{'s' * (stage != 1)}" if stage else "before training"


def _marked(text: str, reference: str | None) -> str:
    """``text`` as HTML, its words that belong to the longest common subsequence with the reference marked."""
    if not text.strip():
        return "<i>(nothing)</i>"
    if reference is None:
        return html.escape(text)
    words, tokens = text.split(" "), []
    for n, word in enumerate(words):
        tokens += [(token, n) for token in Words().tokenize(word)]
    hits = {tokens[i][1] for i, _ in common_subsequence([token for token, _ in tokens], Words().tokenize(reference))}
    style = f"background:{KINDS['target'].fill};color:{KINDS['target'].ink};padding:0 .12em;border-radius:.15em"
    pieces = [html.escape(word) for word in words]
    return " ".join(f'<mark style="{style}">{piece}</mark>' if n in hits else piece for n, piece in enumerate(pieces))
