import pytest
import torch

from course_utils.data import IGNORED, LengthGroupedBatches, collate, encode, left_pad, token_ids

LONG = "Rain fell all day in the town. " * 30
QUESTION = {"context": LONG, "question": "What fell all day?", "answers": ["rain"]}


def decoded(item, tokenizer):
    """(source text, target text) of an encoded item."""
    is_target = item["labels"] != IGNORED
    return tokenizer.decode(item["input_ids"][~is_target]), tokenizer.decode(item["input_ids"][is_target])


# ---- encoding


def test_labels_are_target_and_end_token(tokenizer, records):
    encoded = encode(records, "summarization", tokenizer, 128)
    assert len(encoded) == len(records) and encoded.truncated == 0
    for item, record in zip(encoded.items, records, strict=True):
        assert decoded(item, tokenizer) == (record["document"] + "\nSummary:", " " + record["summary"] + "<|endoftext|>")
        targets = item["labels"] != IGNORED
        assert torch.equal(item["labels"][targets], item["input_ids"][targets])


def test_target_after_a_cue_starts_with_a_space(tokenizer):
    (item,) = encode([{**QUESTION, "context": "Rain."}], "question_answering", tokenizer, 128).items
    assert decoded(item, tokenizer) == ("Rain.\nQuestion: What fell all day?\nAnswer:", " rain<|endoftext|>")


def test_hard_prompt_stands_in_front(tokenizer, records):
    (item,) = encode(records[:1], "summarization", tokenizer, 128, hard_prompt="Sum up:").items
    assert decoded(item, tokenizer)[0] == "Sum up: " + records[0]["document"] + "\nSummary:"


@pytest.mark.parametrize("prompt_length, hard_prompt", [(0, None), (20, None), (0, "Read well:"), (5, "{source} TL;DR")])
def test_only_the_long_field_is_cut_and_the_cut_is_counted(tokenizer, prompt_length, hard_prompt):
    short = {**QUESTION, "context": "Rain fell."}
    encoded = encode([QUESTION, short], "question_answering", tokenizer, 128, prompt_length, hard_prompt)
    assert encoded.truncated == 1
    source, target = decoded(encoded[0], tokenizer)
    assert prompt_length + len(encoded[0]["input_ids"]) <= 128
    assert len(encoded[0]["input_ids"]) >= 128 - prompt_length - 3, "cut more than needed"
    assert target.strip() == "rain<|endoftext|>"
    assert "\nQuestion: What fell all day?\nAnswer:" in source
    if hard_prompt:
        assert all(part in source for part in hard_prompt.split("{source}"))
    context = source.split("\nQuestion")[0].removeprefix("Read well: ")
    assert len(context) > 20 and LONG.startswith(context)


def test_a_text_that_just_fits_is_not_cut(tokenizer, records):
    (item,) = encode(records[:1], "summarization", tokenizer, 128).items
    length = len(item["input_ids"])
    assert encode(records[:1], "summarization", tokenizer, length + 7, prompt_length=7).truncated == 0
    assert encode(records[:1], "summarization", tokenizer, length + 6, prompt_length=7).truncated == 1


def test_max_source_tokens_is_a_further_limit(tokenizer, records):
    encoded = encode(records, "summarization", tokenizer, 128, max_source_tokens=10)
    assert encoded.truncated == len(records)
    for item in encoded.items:
        assert int((item["labels"] == IGNORED).sum()) <= 10


def test_what_cannot_fit_is_an_error_that_names_the_record(tokenizer, records):
    with pytest.raises(ValueError, match=r"record 0: no room for its 'context'.*may have -?\d+ tokens and takes \d+ without"):
        encode([QUESTION], "question_answering", tokenizer, 12)
    with pytest.raises(ValueError, match="got no records"):
        encode([], "summarization", tokenizer, 128)


# ---- batches


def test_collate_masks_by_length_so_the_end_token_stays(tokenizer, records):
    encoded = encode([{"document": LONG[:200], "summary": "Rain."}, records[0]], "summarization", tokenizer, 128)
    batch = collate([encoded[0], encoded[1]], tokenizer.pad_token_id)
    assert tokenizer.pad_token_id == tokenizer.eos_token_id, "else the test proves nothing"
    assert batch["input_ids"].shape == batch["attention_mask"].shape == batch["labels"].shape
    for row, length in enumerate(encoded.lengths()):
        assert batch["attention_mask"][row].tolist() == [1] * length + [0] * (max(encoded.lengths()) - length)
        assert batch["labels"][row, length - 1] == tokenizer.eos_token_id
        assert (batch["labels"][row, length:] == IGNORED).all()


def test_left_pad():
    ids, mask = left_pad([[5, 6, 7], [8]], pad_id=0)
    assert ids.tolist() == [[5, 6, 7], [0, 0, 8]]
    assert mask.tolist() == [[1, 1, 1], [0, 0, 1]]


def test_batches_hold_every_item_once_and_follow_the_seed():
    lengths = torch.randint(5, 100, (103,)).tolist()
    first, twin, other = (LengthGroupedBatches(lengths, 4, seed) for seed in (1, 1, 2))
    epoch_1, epoch_2 = list(first), list(first)
    assert sorted(i for batch in epoch_1 for i in batch) == list(range(103))
    assert len(epoch_1) == len(first) == 26 and max(map(len, epoch_1)) == 4
    assert epoch_1 == list(twin) and epoch_1 != epoch_2 and epoch_1 != list(other)


def test_batches_group_similar_lengths():
    lengths = torch.randint(5, 100, (320,)).tolist()

    def padding(batches):
        return sum(max(lengths[i] for i in batch) - lengths[j] for batch in batches for j in batch)

    plain = torch.randperm(320).view(-1, 8).tolist()
    assert padding(LengthGroupedBatches(lengths, 8, seed=0)) < padding(plain) / 3


def test_token_ids_adds_nothing(tokenizer):
    assert tokenizer.eos_token_id not in token_ids(tokenizer, "Rain fell")
    assert tokenizer.decode(token_ids(tokenizer, "Rain fell")) == "Rain fell"
