"""Write the three tasks' files, each in its main and in its control style, and check that training text holds none of the test.

    python data/build/tasks.py            write data/tasks/<task>/ and, for the same records, <task>_control/ (deterministic)
    python data/build/tasks.py --check    also read the whole pre-training text and write data/build/overlap.json

Every person of a validation or test event belongs to a pool of full names that no other text uses (``gazette.pool``), so
an event cannot occur twice. The check does not rely on that: it counts.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path

import pages

TASKS = Path(__file__).parents[1] / "tasks"
SIZES = {"summarization": {"train": 2000, "validation": 200, "test": 300},
         "question_answering": {"train": 2000, "validation": 300, "test": 300},
         "translation": {"train": 2000, "validation": 300, "test": 300}}
SEED = 7
POOL = {"train": "open", "validation": "validation", "test": "test"}


def make(task: str, split: str, control: bool = False) -> tuple[list[str], list[dict]]:
    """(event keys, records), all keys distinct; the same events with the targets of the control style."""
    rng = random.Random(f"{SEED}-{task}-{split}")
    keys, records = {}, []
    while len(records) < SIZES[task][split]:
        key, *styles = pages.RECORDS[task](rng, POOL[split])
        if key not in keys:
            keys[key] = True
            records.append(styles[control])
    return list(keys), records


def read(task: str, split: str) -> list[dict]:
    return [json.loads(line) for line in (TASKS / task / f"{split}.jsonl").read_text("utf-8").splitlines()]


def text_of(record: dict) -> str:
    return " ".join(value if isinstance(value, str) else " ".join(value) for value in record.values())


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def grams(text: str, n: int = 8) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i:i + n]) for i in range(len(found) - n + 1)}


def names_in(text: str) -> set[tuple[str, str]]:
    """Full names: two neighbouring words that are a first and a last name of the gazette."""
    found = words(text)
    return {pair for pair in zip(found, found[1:], strict=False) if pair[0] in _FIRST and pair[1] in _LAST}


_FIRST = {name.lower() for names in pages.g.lexicon.FIRST_NAMES.values() for name in names}
_LAST = {name.lower() for name in pages.g.lexicon.LAST_NAMES}


def event_grams(record: dict) -> tuple[set, set]:
    """(all 8-grams of a record, those among them that name a person: the ones that tell of an event)."""
    every = grams(text_of(record))
    return every, {gram for gram in every if any(a in _FIRST and b in _LAST for a, b in zip(gram, gram[1:], strict=False))}


def overlap(training_texts) -> dict:
    """Count what validation and test share with ``training_texts``: people, 8-grams that name somebody, 8-grams at all."""
    every, events, people = set(), set(), set()
    for task in SIZES:
        for split in ("validation", "test"):
            for record in read(task, split):
                all_grams, named = event_grams(record)
                every |= all_grams
                events |= named
                people |= names_in(text_of(record))
    seen, seen_people, texts = set(), set(), 0
    for text in training_texts:
        texts += 1
        seen |= grams(text) & every
        seen_people |= names_in(text) & people
    return {"training_texts": texts, "people": len(people), "people_shared": len(seen_people), "event_8grams": len(events),
            "event_8grams_shared": len(seen & events), "all_8grams": len(every), "all_8grams_shared": len(seen)}


def training_records():
    for task in SIZES:
        for record in read(task, "train"):
            yield text_of(record)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        import text
        made = json.loads((text.WORK / "text.json").read_text())["pages"]

        def everything():
            yield from training_records()
            for i in range(made):
                yield text.page_number(i)

        result = overlap(everything())
        (Path(__file__).parent / "overlap.json").write_text(json.dumps(result, indent=1) + "\n")
        print(result)
        return
    for task, splits in SIZES.items():
        for split in splits:
            for control in (False, True):
                folder = TASKS / (f"{task}_control" if control else task)
                folder.mkdir(parents=True, exist_ok=True)
                lines = [json.dumps(record, ensure_ascii=False) for record in make(task, split, control)[1]]
                (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
