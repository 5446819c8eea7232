"""Lesson 02: which rows of a table were trained, tokens tried in place of a row, and what the study of starts says."""

from __future__ import annotations

import pandas
import torch

from ..results import Study
from ..tasks import TASKS
from ..verdicts import TestRuns, Verdict, verdict

STARTS = {"vocab": "rows of sampled tokens", "text": "rows of the reported hard prompt", "first": "the table's first rows",
          "random": "random directions, as long as tokens are on average", "normal": "N(0, 1)"}


@torch.no_grad()
def gaps(table: torch.Tensor, at_once: int = 1024) -> torch.Tensor:
    """The distance of each row to the nearest other row, [rows]; ``table`` [rows, width]."""
    found = []
    for first in range(0, len(table), at_once):
        distances = torch.cdist(table[first : first + at_once], table)
        distances[torch.arange(len(distances)), first + torch.arange(len(distances))] = float("inf")
        found.append(distances.amin(1))
    return torch.cat(found)


@torch.no_grad()
def losses_behind(model, tokens: torch.Tensor, items, at_once: int = 256) -> torch.Tensor:
    """Mean loss of some records behind each of some single tokens, [tokens], in nats per target token.

    ``items``: records as `encode` makes them for a soft prompt; its virtual tokens, ids beyond the vocabulary, are left out.
    """
    total, size = torch.zeros(len(tokens), device=model.device), model.get_input_embeddings().num_embeddings
    for item in items:
        ids, labels = (item[key][item["input_ids"] < size].to(model.device) for key in ("input_ids", "labels"))
        # A target at place i of the text stands at i + 1 behind the token; its logits stand one earlier, at i again.
        places = (labels != -100).nonzero()[:, 0]
        for first in range(0, len(tokens), at_once):
            part = tokens[first : first + at_once]
            inputs = torch.cat([part[:, None], ids.expand(len(part), -1)], dim=1)                   # [part, 1 + text]
            log_p = model(inputs, logits_to_keep=places).logits.log_softmax(-1)                     # [part, targets, vocabulary]
            total[first : first + len(part)] -= log_p[:, torch.arange(len(places)), labels[places]].mean(1)
    return total / len(items)


def against_words(study: Study, base: str) -> dict[tuple[str, str, str], Verdict]:
    """(task, system of words, prompt length) -> soft prompts of that length against the words, as far as both are measured."""
    found = {}
    for task in TASKS:
        runs = TestRuns(study, task, base)
        systems = runs.answers()
        for words in ("discrete search, 20 tokens", "hard prompt, best written"):
            for length in ("1 token", "20 tokens"):
                soft = f"soft prompt, {length}"
                if words in systems and soft in systems:
                    found[task, words, length] = verdict(study, task, base, soft, words, runs=runs)
    return found


class Starts:
    """The losses of a study that trains from several starts. Starts are compared by the cells that have most seeds."""

    def __init__(self, study: Study):
        rows = study.table("prompt_init", "prompt_length", "learning_rate", "max_train", "epochs")
        rows = rows[(rows["metric"] == "loss") & (rows["split"] == "validation")]
        self.about = rows.iloc[0] if len(rows) else None
        groups = rows.groupby(["task", "prompt_length", "prompt_init", "learning_rate"])["value"]
        self.cells = {cell: sorted(values) for cell, values in groups}
        most = max(map(len, self.cells.values()), default=0)
        self.best = {}   # (task, length) -> start -> (rate, losses of the seeds)
        for (task, length, start, rate), values in self.cells.items():
            if len(values) < most:
                continue
            found = self.best.setdefault((task, length), {})
            if start not in found or sum(values) < sum(found[start][1]):
                found[start] = (rate, values)
        self.best = {case: found for case, found in self.best.items() if len(found) > 1}   # one start alone is no comparison

    def table(self) -> pandas.DataFrame:
        """A row for each task and length, a column for each start: mean loss of the seeds at the best rate, and that rate."""
        return pandas.DataFrame([
            {"task": task, "rows": length} | {start: f"{sum(losses) / len(losses):.3f} (rate {rate:g})" for start, (rate, losses)
                                              in sorted(found.items(), key=lambda each: list(STARTS).index(each[0]))}
            for (task, length), found in self.best.items()]).fillna("").set_index(["task", "rows"])

    def at_edge(self, task: str, length: int, start: str) -> bool:
        """Whether the best rate is the lowest or the highest that was tried, so that it may lie beyond."""
        tried = [cell[3] for cell in self.cells if cell[:3] == (task, length, start)]
        return self.best[task, length][start][0] in (min(tried), max(tried))

    def said(self) -> str:
        """What the seeds say of N(0, 1) against tokens and against random directions, a line for each task and length."""
        lines = []
        for (task, length), found in self.best.items():
            if not {"normal", "vocab", "random"} <= set(found):
                continue
            normal, vocab, random = (found[start][1] for start in ("normal", "vocab", "random"))
            spans = ", ".join(f"`{name}` {losses[0]:.3f} to {losses[-1]:.3f}"
                              for name, losses in (("normal", normal), ("random", random), ("vocab", vocab)))
            above = normal[0] > max(vocab[-1], random[-1])
            alike = random[0] <= vocab[-1] and vocab[0] <= random[-1]
            lines.append(f"- {task}, {length} rows, over seeds: {spans}. " + (
                "N(0, 1) is not above both with all seeds: no verdict." if not above else
                "N(0, 1) ends above both at these rates. Its own best rate is at their edge, so one beyond may close the gap."
                if self.at_edge(task, length, "normal") else
                "N(0, 1) ends above both, and the other two overlap: here it matters how *long* the rows of the start are, and "
                "whether they are tokens does not show." if alike else "N(0, 1) ends above both."))
        edge = [f"{task} {length} `{start}`" for (task, length), found in self.best.items() for start in found
                if self.at_edge(task, length, start)]
        return "\n".join(lines) + ("\n\nThe best rate is the lowest or highest that was tried, so a better one may lie beyond: "
                                   + ", ".join(edge) + "." if edge else "")
