"""Pre-training text: pages from ``pages.py``, a byte-level BPE tokenizer trained on them, and rows of token ids.

    python data/build/text.py --tokens 60000000 --workers 2

writes ``data/build/work/{tokenizer/, text/00000.npy ..., held_out.npy, text.json}``. Same seed, same bytes, whatever the number of
workers: a file holds the pages ``[i, i + 1) x PAGES_A_FILE``. Files that are there already are kept, so a text can be made longer.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tqdm.auto import tqdm
from transformers import AutoTokenizer, PreTrainedTokenizerFast

import gazette
import pages

WORK = Path(__file__).parent / "work"
END = "<|endoftext|>"
VOCABULARY, WORD_COPIES = 4096, 600
SEED = 20261
REGISTERS_AT_FIRST, FIRST_PAGES = 0.25, 40_000      # lists to copy come early and often, then rarely
PAGES_A_FILE, HELD_OUT_TOKENS = 8_000, 64 * 1024
HELD_OUT_PAGE = 100_000_000                         # held-out pages are numbered from here on: no text is ever that long


def page_number(i: int, seed: int = SEED) -> str:
    """Page ``i`` depends on the seed and ``i`` alone, so any part of the text can be made again."""
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
    return PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token=END, eos_token=END, pad_token=END, model_max_length=1024,
                                   clean_up_tokenization_spaces=False)


def ids_of(texts: list[str], tokenizer) -> np.ndarray:
    return np.concatenate([np.array([*row, tokenizer.eos_token_id], np.uint16) for row in tokenizer(texts)["input_ids"]])


def save(path: Path, ids: np.ndarray) -> None:
    with open(path.with_suffix(".new"), "wb") as file:
        np.save(file, ids)
    path.with_suffix(".new").replace(path)


def make_file(number: int) -> tuple[int, int]:
    """(tokens, words) of text file ``number``, which is written if it is not there."""
    path = WORK / "text" / f"{number:05}.npy"
    counts = path.with_suffix(".json")
    if not counts.exists():
        texts = [page_number(i) for i in range(number * PAGES_A_FILE, (number + 1) * PAGES_A_FILE)]
        ids = ids_of(texts, AutoTokenizer.from_pretrained(WORK / "tokenizer"))
        save(path, ids)
        counts.write_text(json.dumps([len(ids), sum(len(text.split()) for text in texts)]))
    return tuple(json.loads(counts.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=60_000_000)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    (WORK / "text").mkdir(parents=True, exist_ok=True)
    if not (WORK / "held_out.npy").exists():
        tokenizer = train_tokenizer([page_number(FIRST_PAGES + i) for i in range(15_000)])
        tokenizer.save_pretrained(WORK / "tokenizer")
        held_out = ids_of([page_number(HELD_OUT_PAGE + i) for i in range(2_000)], tokenizer)
        save(WORK / "held_out.npy", held_out[:HELD_OUT_TOKENS])
    tokens = words = files = 0
    with multiprocessing.Pool(args.workers) as pool, tqdm(total=args.tokens, unit="tok", unit_scale=True) as bar:
        while tokens < args.tokens:
            for some_tokens, some_words in pool.imap(make_file, range(files, files + args.workers)):
                tokens, words, files = tokens + some_tokens, words + some_words, files + 1
                bar.update(some_tokens)
    (WORK / "text.json").write_text(json.dumps({"seed": SEED, "pages": files * PAGES_A_FILE, "tokens": tokens, "words": words,
                                                "vocabulary": VOCABULARY}, indent=1))


if __name__ == "__main__":
    main()
