"""Collect what was trained: copy finished models to data/base_models/ (others stay), write training.json, and fill the tables of data/README.md.

    python data/build/card.py
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

import gazette
import lexicon
import matplotlib
from pretrain import SIZES

from text import SEED, WORK

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
matplotlib.use("Agg")
import matplotlib.pyplot as plt

from course_utils import TASKS, Study

DATA = Path(__file__).parents[1]
KEPT = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def publish(size: str) -> dict:
    """Copy a finished model and what was kept on its way, and return its training log."""
    for source in sorted((WORK / size).glob("model*")):
        target = DATA / "base_models" / source.name.replace("model", f"course-gpt2-{size}")
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in KEPT:
            if (source / name).exists():
                shutil.copyfile(source / name, target / name)
    return json.loads((WORK / size / "log.json").read_text())


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def model_table(training: dict) -> str:
    rows = ["| model | parameters | width x layers x heads | tokens | steps | final loss | words right | MB | sha256 of model.safetensors |",
            "|---|---|---|---|---|---|---|---|---|"]
    for size, log in training["models"].items():
        folder = DATA / "base_models" / f"course-gpt2-{size}"
        config = json.loads((folder / "config.json").read_text())
        megabytes = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        last = log["log"][-1]
        rows.append(f"| course-gpt2-{size} | {log['parameters']:,} | {config['n_embd']} x {config['n_layer']} x {config['n_head']} | "
                    f"{log['tokens']:,} | {last['step']:,} | {last['validation_loss']:.3f} | {last['both right, %']:.0f}% | {megabytes:.1f} | "
                    f"`{checksum(folder / 'model.safetensors')}` |")
    return "\n".join(rows)


def task_table() -> str:
    rows = ["| file | records | sha256 |", "|---|---|---|"]
    for path in sorted((DATA / "tasks").glob("*/*.jsonl")):
        rows.append(f"| tasks/{path.parent.name}/{path.name} | {len(path.read_text('utf-8').splitlines()):,} | `{checksum(path)}` |")
    return "\n".join(rows)


def world_table() -> str:
    counts = {"scenes: which verb goes with which things, places, durations, prices and reasons": len(gazette.SCENES),
              "nouns, with gender and plural": len(gazette.NOUNS), "verbs, with participle and auxiliary": len(gazette.VERBS),
              "of them with a separable prefix": sum(bool(v.prefix) for v in gazette.VERBS),
              "adjectives": len(gazette.ADJECTIVES),
              "first names": sum(map(len, lexicon.FIRST_NAMES.values())), "last names": len(lexicon.LAST_NAMES),
              "places": len(gazette.ALL_PLACES), "reasons": len({r for group in gazette.REASONS.values() for r in group}), "sentence patterns": gazette.pattern_count(),
              **{f"full names in the {split} pool": len(people) for split, people in gazette.PEOPLE.items()}}
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {n:,} |" for name, n in counts.items())])


def overlap_table() -> str:
    found = json.loads((Path(__file__).parent / "overlap.json").read_text())
    return (f"Training texts read: {found['training_texts']:,} (every pre-training page and training record). People of validation and "
            f"test events: {found['people']:,}, of them named in training text: **{found['people_shared']}**. Their 8-grams that name "
            f"somebody: {found['event_8grams']:,}, shared: **{found['event_8grams_shared']}**. All their 8-grams, set phrases included: "
            f"{found['all_8grams']:,}, shared: {found['all_8grams_shared']:,} ({found['all_8grams_shared'] / found['all_8grams']:.1%}).")


def headroom_table() -> str:
    """What full fine-tuning of each size reaches on each task, and what 20 tokens reach: mean and deviation over seeds."""
    names = {"rougeL": ("ROUGE-L x 100", 100), "exact_match": ("exact match", 1), "bleu": ("BLEU", 1)}
    systems = {"full fine-tuning": "full", "soft prompt, 20 tokens": "20 tokens"}
    heads = [f"{name.replace('_', ' ')}, {names[task.main_metric][0]}: {short}" for name, task in TASKS.items() for short in systems.values()]
    rows = ["| model | " + " | ".join(heads) + " |", "|---" * (1 + len(heads)) + "|"]
    for size in SIZES:
        table, cells = Study("main" if size == "m" else "scale", DATA / "results").table(), []
        for name, task in TASKS.items():
            for system in systems:
                here = (table["base"] == f"course-gpt2-{size}") & (table["task"] == name) & (table["system"] == system)
                scores = table[here & (table["split"] == "test") & (table["metric"] == task.main_metric)]["value"] * names[task.main_metric][1]
                cells.append(f"{scores.mean():.1f} ± {scores.std():.1f}" if len(scores) > 1 else "not measured")
        rows.append(f"| course-gpt2-{size} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def curves(training: dict) -> None:
    _, axes = plt.subplots(figsize=(7, 4))
    for size, log in training["models"].items():
        axes.plot([row["tokens"] / 1e6 for row in log["log"]], [row["validation_loss"] for row in log["log"]],
                  label=f"{size}: {log['parameters'] / 1e6:.2f}M parameters")
    axes.set(xlabel="million tokens", ylabel="loss on held-out pages (nats per token)", xscale="log", ylim=(None, 4))
    axes.legend(frameon=False)
    plt.savefig(DATA / "base_models" / "loss_curves.png", dpi=110, bbox_inches="tight")


def fill(text: str, name: str, content: str) -> str:
    """Replace what stands between the marks of ``name``."""
    marks = re.compile(rf"(<!-- {name} -->\n)(?:.*?\n)?(<!-- end {name} -->)", re.DOTALL)
    if not marks.search(text):
        raise ValueError(f"data/README.md lacks the marks <!-- {name} --> and <!-- end {name} -->, each on its own line")
    return marks.sub(lambda found: found[1] + content + "\n" + found[2], text)


def main() -> None:
    argparse.ArgumentParser(prog="card", description=__doc__.split("\n")[0]).parse_args()   # --help and typing errors write nothing
    record = DATA / "base_models" / "training.json"
    shipped = json.loads(record.read_text()) if record.exists() else {}
    made = WORK / "text.json"                                # absent in a fresh clone: then the text is the one on record
    training = {"text": json.loads(made.read_text()) if made.exists() else shipped["text"], "models": {}}
    for size in SIZES:
        training["models"][size] = publish(size) if (WORK / size / "log.json").exists() else shipped["models"][size]
    record.write_text(json.dumps(training, indent=1) + "\n")
    curves(training)
    card = DATA / "README.md"
    text = card.read_text("utf-8")
    for name, content in (("models", model_table(training)), ("tasks", task_table()), ("world", world_table()),
                          ("overlap", overlap_table()), ("headroom", headroom_table()),
                          ("text", f"{training['text']['pages']:,} pages, {training['text']['words']:,} words, "
                                   f"{training['text']['tokens']:,} tokens of a vocabulary of {training['text']['vocabulary']:,}, seed {SEED}.")):
        text = fill(text, name, content)
    card.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
