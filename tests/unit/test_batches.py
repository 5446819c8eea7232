from types import SimpleNamespace

import pytest
import torch

from course_utils.batches import (
    IGNORED,
    LengthGroupedBatches,
    collate,
    encode,
    left_pad,
    length_sorted,
    source_ids,
    token_ids,
)
from course_utils.evaluation import evaluate
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.tasks import get_task

LONG = "Rain fell all day in the town. " * 30
QUESTION = {"context": LONG, "question": "What fell all day?", "answers": ["rain"]}


def with_positions(count):
    """What `encode` asks of a base model: how many positions it has."""
    return SimpleNamespace(config=SimpleNamespace(max_position_embeddings=count))


def decoded(item, tokenizer):
    """(source text, target text) of an encoded item."""
    is_target = item["labels"] != IGNORED
    return tokenizer.decode(item["input_ids"][~is_target]), tokenizer.decode(item["input_ids"][is_target])


def source_length(item):
    return int((item["labels"] == IGNORED).sum())


# ---- encoding


def test_labels_are_target_and_end_token(gpt2, tokenizer, records):
    encoded = encode(records, "summarization", tokenizer, gpt2)
    assert len(encoded) == len(records) and encoded.truncated == encoded.too_long == 0
    for item, record in zip(encoded.items, records, strict=True):
        assert decoded(item, tokenizer) == (record["document"] + "\nSummary:", " " + record["summary"] + "<|endoftext|>")
        targets = item["labels"] != IGNORED
        assert torch.equal(item["labels"][targets], item["input_ids"][targets])


def test_target_after_a_cue_starts_with_a_space(gpt2, tokenizer):
    (item,) = encode([{**QUESTION, "context": "Rain."}], "question_answering", tokenizer, gpt2).items
    assert decoded(item, tokenizer) == ("Rain.\nQuestion: What fell all day?\nAnswer:", " rain<|endoftext|>")


def test_hard_prompt_stands_in_front(gpt2, tokenizer, records):
    (item,) = encode(records[:1], "summarization", tokenizer, gpt2, hard_prompt="Sum up:").items
    assert decoded(item, tokenizer)[0] == "Sum up: " + records[0]["document"] + "\nSummary:"


def test_a_soft_prompt_is_ids_in_front_of_the_same_text(gpt2, tokenizer, records):
    soft = GPT2WithSoftPrompt(gpt2, ["[OTHER]", "[SUMMARIZE]"], prompt_length=[2, 3])
    plain = encode(records, "summarization", tokenizer, gpt2)
    for name, used in ((None, "[SUMMARIZE]"), ("[OTHER]", "[OTHER]")):
        encoded = encode(records, "summarization", tokenizer, soft, soft_token=name)
        for item, without in zip(encoded, plain, strict=True):
            assert item["input_ids"].tolist() == soft.prompt_ids(used) + without["input_ids"].tolist()
            assert item["labels"].tolist() == [IGNORED] * len(soft.prompt_ids(used)) + without["labels"].tolist()
    with pytest.raises(ValueError, match=r"unknown soft token '\[NONE\]'"):
        encode(records, "summarization", tokenizer, soft, soft_token="[NONE]")


def test_a_soft_prompt_without_the_tasks_entry_uses_its_own_choice(gpt2, tokenizer, records):
    soft = GPT2WithSoftPrompt(gpt2, ["[A]", "[B]"], prompt_length=2)
    soft.soft_token = "[B]"
    (item,) = encode(records[:1], "summarization", tokenizer, soft).items
    assert item["input_ids"].tolist()[:2] == soft.prompt_ids("[B]")


def test_prefixes_are_what_stands_in_front_of_the_targets(gpt2, tokenizer, records):
    soft = GPT2WithSoftPrompt(gpt2, prompt_length=2)
    encoded = encode(records, "summarization", tokenizer, soft)
    task = get_task("summarization")
    assert encoded.prefixes() == [soft.prompt_ids() + source_ids(tokenizer, task.source(record)) for record in records]


def test_a_reserved_token_in_a_text_is_plain_characters(gpt2, tokenizer, records):
    text = "Anna buys <|endoftext|> a boat."
    (item,) = encode([{"document": "A <|endoftext|> B.", "summary": text}], "summarization", tokenizer, gpt2).items
    assert decoded(item, tokenizer) == ("A <|endoftext|> B.\nSummary:", " " + text + "<|endoftext|>")
    ids = item["input_ids"].tolist()
    assert ids.index(tokenizer.eos_token_id) == len(ids) - 1


# ---- the length budget


@pytest.mark.parametrize("prompt_length, hard_prompt", [(0, None), (20, None), (0, "Read well:"), (5, "{source} TL;DR")])
def test_only_the_long_field_is_cut_and_the_cut_is_counted(tokenizer, prompt_length, hard_prompt):
    short, answer = {**QUESTION, "context": "Rain fell."}, 10
    model = with_positions(128)
    encoded = encode([QUESTION, short], "question_answering", tokenizer, model, hard_prompt, None, prompt_length, answer)
    assert encoded.truncated == 1
    source, target = decoded(encoded[0], tokenizer)
    used = prompt_length + source_length(encoded[0]) + answer
    assert 128 - 3 <= used <= 128, "prompt + source + answer fill the positions"
    assert target.strip() == "rain<|endoftext|>"
    assert "\nQuestion: What fell all day?\nAnswer:" in source
    if hard_prompt:
        assert all(part in source for part in hard_prompt.split("{source}"))
    context = source.split("\nQuestion")[0].removeprefix("Read well: ")
    assert len(context) > 20 and LONG.startswith(context)


def test_a_text_that_just_fits_is_not_cut(tokenizer, records):
    (item,) = encode(records[:1], "summarization", tokenizer, with_positions(128), max_new_tokens=20).items
    length = source_length(item) + 20
    for positions, cut in ((length + 7, 0), (length + 6, 1)):
        options = {"prompt_length": 7, "max_new_tokens": 20}
        assert encode(records[:1], "summarization", tokenizer, with_positions(positions), **options).truncated == cut


def test_a_soft_prompt_takes_its_length_from_the_room(gpt2, tokenizer, records):
    twice = [{**records[0], "document": records[0]["document"] * 2}]
    for length in (1, 20):
        soft = GPT2WithSoftPrompt(gpt2, prompt_length=length)
        (by_model,) = encode(twice, "summarization", tokenizer, soft).items
        (foreseen,) = encode(twice, "summarization", tokenizer, gpt2, prompt_length=length).items
        assert by_model["input_ids"].tolist() == soft.prompt_ids() + foreseen["input_ids"].tolist()


def test_a_target_longer_than_an_answer_is_kept_whole_and_counted(tokenizer):
    long = {"document": LONG, "summary": "Anna buys a boat. " * 5}
    encoded = encode([long, {**long, "summary": "Rain."}], "summarization", tokenizer, with_positions(128), max_new_tokens=8)
    assert encoded.too_long == 1 and encoded.truncated == 2
    assert decoded(encoded[0], tokenizer)[1] == " " + long["summary"] + "<|endoftext|>"
    assert max(encoded.lengths()) <= 128
    assert source_length(encoded[1]) > source_length(encoded[0]), "the long target took room from its own source only"


def test_a_target_that_just_fits_is_not_too_long(tokenizer, records):
    (target,) = encode(records[:1], "summarization", tokenizer, with_positions(128)).targets()
    for most, count in ((len(target), 0), (len(target) - 1, 1)):
        assert encode(records[:1], "summarization", tokenizer, with_positions(128), max_new_tokens=most).too_long == count


def test_max_source_tokens_is_a_further_limit(tokenizer, records):
    encoded = encode(records, "summarization", tokenizer, with_positions(128), max_source_tokens=10)
    assert encoded.truncated == len(records)
    for item in encoded.items:
        assert source_length(item) <= 10


@pytest.mark.parametrize("hard_prompt", ["Sum up in a few words:", "Sum up:\n{source}", "{text}In a short sentence:", "{source}"])
def test_the_words_of_a_hard_prompt_are_not_charged_to_max_source_tokens(tokenizer, records, hard_prompt):
    def document(hard_prompt):
        (item,) = encode(records[:1], "summarization", tokenizer, with_positions(128), hard_prompt, max_source_tokens=25).items
        text = decoded(item, tokenizer)[0]
        return next(records[0]["document"][:n] for n in range(len(records[0]["document"]), 0, -1)
                    if records[0]["document"][:n] in text)

    with_words, without = document(hard_prompt), document(None)
    assert len(without) < len(records[0]["document"]), "else nothing was cut"
    assert abs(len(token_ids(tokenizer, with_words)) - len(token_ids(tokenizer, without))) <= 1


@pytest.mark.parametrize("options", [{}, {"max_new_tokens": 5}, {"max_source_tokens": 30}, {"hard_prompt": "Sum up:"}])
def test_evaluation_reads_the_ids_that_encode_gives(gpt2, tokenizer, records, options, monkeypatch):
    """What the loss saw and what was generated from, by the calls that the model got."""
    long = [{**records[0], "document": records[0]["document"] * 9}, records[1]]
    soft, scored, continued = GPT2WithSoftPrompt(gpt2, prompt_length=3), [], []
    target_logits, continue_rows = soft.target_logits, soft.continue_rows

    def see_scored(input_ids, attention_mask, labels):
        scored.extend(ids[mask.bool()].tolist() for ids, mask in zip(input_ids, attention_mask, strict=True))
        return target_logits(input_ids, attention_mask, labels)

    def see_continued(rows, pad_id, **more):
        continued.extend(map(list, rows))
        return continue_rows(rows, pad_id, **more)

    monkeypatch.setattr(soft, "target_logits", see_scored)
    monkeypatch.setattr(soft, "continue_rows", see_continued)
    result = evaluate(soft, tokenizer, "summarization", long, **options)
    encoded = encode(long, "summarization", tokenizer, soft, **options)
    assert sorted(scored) == sorted(item["input_ids"].tolist() for item in encoded)
    assert sorted(continued) == sorted(encoded.prefixes())
    assert (result["truncated"], result["too_long"]) == (encoded.truncated, encoded.too_long)
    assert encoded.truncated >= 1


def test_what_cannot_fit_is_an_error_that_names_the_record(tokenizer, records):
    with pytest.raises(ValueError, match=r"record 2: no room for its 'context'"):
        short = {**QUESTION, "context": "Rain."}
        encode([short, {**QUESTION, "question": LONG}], "question_answering", tokenizer, with_positions(100))
    with pytest.raises(ValueError, match="no records"):
        encode([], "summarization", tokenizer, with_positions(128))


# ---- batches


def test_added_sets_hold_the_records_of_both_and_their_counts(gpt2, tokenizer, records):
    soft = GPT2WithSoftPrompt(gpt2, ["[A]", "[B]"], prompt_length=[1, 4])
    long = [{**records[0], "document": LONG, "summary": "Anna buys a boat. " * 12}]
    a = encode(records[:3], "summarization", tokenizer, soft, soft_token="[A]")
    b = encode(long, "summarization", tokenizer, soft, soft_token="[B]")
    both = a + b
    assert len(both) == 4 and (both.truncated, both.too_long) == (1, 1)
    assert both.lengths() == a.lengths() + b.lengths()
    assert [item["input_ids"].tolist() for item in both] == [item["input_ids"].tolist() for item in [*a, *b]]
    assert len(a) == 3 and a.truncated == 0, "the first set is as it was"


def test_collate_masks_by_length_so_the_end_token_stays(gpt2, tokenizer, records):
    encoded = encode([{"document": LONG[:200], "summary": "Rain."}, records[0]], "summarization", tokenizer, gpt2)
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


def test_length_sorted_batches_hold_every_index_once():
    assert length_sorted([3, 9, 5, 9, 1], 2) == [[1, 3], [2, 0], [4]]


def batches_of(seed, epoch, count=103):
    sampler = LengthGroupedBatches(torch.randint(5, 100, (count,), generator=torch.Generator().manual_seed(5)).tolist(), 4, seed)
    sampler.epoch = epoch
    return list(sampler)


def test_batches_hold_every_item_once():
    batches = batches_of(1, 0)
    assert sorted(i for batch in batches for i in batch) == list(range(103))
    assert len(batches) == 26 and max(map(len, batches)) == 4


def test_batches_depend_on_seed_and_epoch_alone():
    first = batches_of(1, 3)
    torch.manual_seed(99)  # nor on the state of PyTorch's own generator
    assert batches_of(1, 3) == first
    sampler = LengthGroupedBatches([9, 3, 7, 1], 2, 0)
    list(sampler), list(sampler)
    sampler.epoch = 1
    again = LengthGroupedBatches([9, 3, 7, 1], 2, 0)
    again.epoch = 1
    assert list(sampler) == list(again), "nor on the epochs that were gone through before"
    everything = [batches_of(seed, epoch) for seed in range(3) for epoch in range(4)]
    assert all(a != b for i, a in enumerate(everything) for b in everything[:i])


def test_batches_group_similar_lengths():
    lengths = torch.randint(5, 100, (320,)).tolist()

    def padding(batches):
        return sum(max(lengths[i] for i in batch) - lengths[j] for batch in batches for j in batch)

    plain = torch.randperm(320).view(-1, 8).tolist()
    assert padding(LengthGroupedBatches(lengths, 8, seed=0)) < padding(plain) / 3


def test_token_ids_adds_nothing(tokenizer):
    assert tokenizer.eos_token_id not in token_ids(tokenizer, "Rain fell")
    assert tokenizer.decode(token_ids(tokenizer, "Rain fell")) == "Rain fell"
