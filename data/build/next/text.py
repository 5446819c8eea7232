"""Pre-training text: pages from ``pages.py``, a byte-level BPE tokenizer trained on them, and one long row of token ids.

    python data/build/text.py --tokens 24000000

writes ``data/build/work/{tokenizer/, tokens.npy, text.json}``. Same seed, same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tqdm.auto import tqdm
from transformers import PreTrainedTokenizerFast

import gazette
import pages

WORK = Path(__file__).parent / "work"
END = "<|endoftext|>"
VOCABULARY, WORD_COPIES = 3072, 600
SEED = 20261
REGISTERS_AT_FIRST, FIRST_PAGES = 0.25, 12_000      # lists to copy come early and often, then rarely


def page_stream(seed: int = SEED):
    """Endless pages. Page ``i`` depends on the seed and ``i`` alone, so any part of the text can be made again."""
    i = 0
    while True:
        yield page_number(i, seed)
        i += 1


def page_number(i: int, seed: int = SEED) -> str:
    return pages.page(random.Random(f"{seed}-{i}"), REGISTERS_AT_FIRST if i < FIRST_PAGES else 0.02)


def train_tokenizer(sample: list[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE. Nouns and verbs count ``WORD_COPIES`` times more than they occur in the sample, so that what a translation
    must get right is one or two tokens, and what is rare (a reason, a village) is more."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    words = [noun for n in gazette.NOUNS for noun in (n.de, n.en)] + [
        form for v in gazette.VERBS for form in (v.en, v.en_past, v.de, v.stem, v.preterite, v.participle)]
    bpe.train_from_iterator(sample + [f" {word}" for word in dict.fromkeys(words)] * WORD_COPIES, trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token=END, eos_token=END, pad_token=END, model_max_length=512,
                                   clean_up_tokenization_spaces=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=24_000_000)
    target = parser.parse_args().tokens
    WORK.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer([page_number(FIRST_PAGES + i) for i in range(15_000)])
    tokenizer.save_pretrained(WORK / "tokenizer")
    end = tokenizer.eos_token_id
    ids, words, count, batch = np.empty(target + 100_000, np.uint16), 0, 0, []
    made = 0
    bar = tqdm(total=target, unit="tok", unit_scale=True)
    for text in page_stream():
        batch.append(text)
        words += len(text.split())
        made += 1
        if len(batch) == 500:
            before = count
            for row in tokenizer(batch)["input_ids"]:
                row.append(end)
                ids[count:count + len(row)] = row
                count += len(row)
                if count >= target:
                    break
            bar.update(count - before)
            batch = []
            if count >= target:
                break
    np.save(WORK / "tokens.npy", ids[:target])
    (WORK / "text.json").write_text(json.dumps({"seed": SEED, "pages": made, "tokens": target, "words": words,
                                                "vocabulary": VOCABULARY}, indent=1))


if __name__ == "__main__":
    main()
