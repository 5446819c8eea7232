"""Does a model know its words? In how many translations the right nouns and the right verb stand, whatever the style.

A noun is right in any of its forms, a verb in any of its tenses, so that grammar and word order do not count here.
"""

from __future__ import annotations

import json
import re

import torch

import gazette as g
import tasks

NOUN_OF = {form: noun.de for noun in g.NOUNS for form in (noun.de, noun.de + "s", noun.de + "es", noun.de_plural, noun.de_plural + "n")}
VERB_OF: dict[str, set[str]] = {}                           # a form can belong to two verbs: "gesehen"
for _verb in g.VERBS:
    for _form in (_verb.participle, _verb.preterite, _verb.preterite + "en", _verb.preterite + "n", _verb.de, _verb.stem, _verb.with_zu,
                  _verb.present):
        VERB_OF.setdefault(_form, set()).add(_verb.stem)


def words_of(german: str) -> tuple[set[str], set[str]]:
    """(nouns, verbs without their separable prefix) of a sentence, in the form in which a dictionary has them."""
    found = re.findall(r"[\w-]+", german)
    return {NOUN_OF[word] for word in found if word in NOUN_OF}, {verb for word in found for verb in VERB_OF.get(word, ())}


def words_right(answer: str, target: str) -> tuple[bool | None, bool | None]:
    """(nouns right, verb right); None where the target has none of the gazette's."""
    (nouns, verbs), (said_nouns, said_verbs) = words_of(target), words_of(answer)
    return nouns <= said_nouns if nouns else None, bool(verbs & said_verbs) if verbs else None


def word_scores(answers: list[str], targets: list[str]) -> dict[str, float]:
    """Percent of the sentences with the right nouns, with the right verb, with both, over those that have such words."""
    right = [words_right(*pair) for pair in zip(answers, targets, strict=True)]
    both = [all(part for part in pair if part is not None) for pair in right if pair != (None, None)]
    def share(values):
        return 100 * sum(values) / max(len(values), 1)
    return {"nouns": share([n for n, _ in right if n is not None]), "verbs": share([v for _, v in right if v is not None]), "both": share(both)}


@torch.no_grad()
def probe(model, tokenizer, count: int = 100, cue: str = "\nGerman:") -> dict[str, float]:
    """`word_scores` of greedy translations of validation sentences behind a cue of the gazette, no prompt trained."""
    path = tasks.TASKS / "translation" / "validation.jsonl"
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()[:count]]
    tokenizer.padding_side = "left"
    batch = tokenizer([record["source"] + cue for record in records], return_tensors="pt", padding=True).to(model.device)
    new = model.generate(**batch, max_new_tokens=50, do_sample=False, pad_token_id=tokenizer.pad_token_id)
    answers = tokenizer.batch_decode(new[:, batch["input_ids"].shape[1]:], skip_special_tokens=True)
    return word_scores([answer.strip().split("\n")[0] for answer in answers], [record["target"] for record in records])
