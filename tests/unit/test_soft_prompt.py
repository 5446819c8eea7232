"""The soft-prompt model does what its definition says, for a GPT-2 and for a Llama."""

import pytest
import torch
import torch.nn.functional as F
from conftest import checkpoint_gradients

from course_utils.base_models import weights_fingerprint
from course_utils.batches import IGNORED, collate, encode, left_pad, token_ids
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.training import TrainingConfig, fit

TEXT = "The mayor was not there"


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def ids_of(tokenizer, text):
    return torch.tensor([token_ids(tokenizer, text)])


@pytest.fixture
def sources(tokenizer):
    """Four sources of different lengths."""
    return [token_ids(tokenizer, text) for text in (TEXT, "Anna has", "Rain fell all day in the town. Clara", "B")]


@pytest.fixture
def batch(gpt2, tokenizer, records):
    """Texts and targets, encoded for the base model: a soft prompt puts itself in front."""
    encoded = encode(records, "summarization", tokenizer, gpt2)
    return collate([encoded[i] for i in range(len(encoded))], tokenizer.pad_token_id)


# ---- what a soft prompt is


def test_prompt_of_real_tokens_gives_the_logits_of_those_tokens(base_model, tokenizer):
    prompt_text = "Rain fell all day"
    prompt_ids, text_ids = ids_of(tokenizer, prompt_text), ids_of(tokenizer, TEXT)
    model = GPT2WithSoftPrompt(
        base_model, prompt_length=prompt_ids.shape[1], init="text", init_text=prompt_text, tokenizer=tokenizer
    )
    with torch.no_grad():
        expected = base_model(torch.cat([prompt_ids, text_ids], 1)).logits
        close(model(text_ids).logits, expected)


def test_another_prompt_gives_other_logits(base_model, tokenizer):
    text_ids = ids_of(tokenizer, TEXT)
    first, second = (GPT2WithSoftPrompt(base_model, prompt_length=2, seed=seed)(text_ids).logits for seed in (0, 1))
    assert (first - second).abs().max() > 0.1


@pytest.mark.parametrize("entries, prompt_length", [(1, 1), (1, 20), (3, 5)])
def test_trainable_parameters_are_rows_times_width(base_model, entries, prompt_length):
    model = GPT2WithSoftPrompt(base_model, [f"[{i}]" for i in range(entries)], prompt_length)
    trainable = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert trainable == ["soft_embedding.weight"]
    assert model.soft_embedding.weight.numel() == entries * prompt_length * 32


def test_each_soft_token_has_its_own_rows(gpt2, tokenizer):
    model = GPT2WithSoftPrompt(gpt2, ["[A]", "[B]"], prompt_length=3)
    alone = GPT2WithSoftPrompt(gpt2, ["[B]"], prompt_length=3)
    alone.soft_embedding.weight.data = model.soft_embedding.weight.data[3:].clone()
    text_ids = ids_of(tokenizer, TEXT)
    close(model(text_ids, soft_token="[B]").logits, alone(text_ids).logits)
    assert not torch.allclose(model(text_ids).logits, model(text_ids, soft_token="[B]").logits)
    model(text_ids, labels=text_ids, soft_token="[B]").loss.backward()
    gradient = model.soft_embedding.weight.grad
    assert (gradient[:3] == 0).all() and (gradient[3:] != 0).any()


def test_prompts_may_differ_in_length(gpt2, tokenizer):
    model = GPT2WithSoftPrompt(gpt2, ["[A]", "[B]"], prompt_length=[2, 5])
    assert len(model.soft_embedding.weight) == 7
    assert [model.rows(name) for name in ("[A]", "[B]")] == [slice(0, 2), slice(2, 7)]
    assert model.prompt_length == 2 and len(model.prompt_ids("[B]")) == 5
    alone = GPT2WithSoftPrompt(gpt2, ["[B]"], prompt_length=5)
    alone.soft_embedding.weight.data = model.soft_embedding.weight.data[2:].clone()
    text_ids = ids_of(tokenizer, TEXT)
    close(model(text_ids, soft_token="[B]").logits, alone(text_ids).logits)


def test_soft_ids_follow_the_vocabulary_and_never_meet_it(base_model):
    model = GPT2WithSoftPrompt(base_model, ["[A]", "[B]"], prompt_length=2)
    rows = base_model.get_input_embeddings().num_embeddings
    assert model.prompt_ids("[A]") + model.prompt_ids("[B]") == list(range(rows, rows + 4))
    ids = torch.tensor([[5, rows + 2, 7, rows]])
    table, ours = base_model.get_input_embeddings().weight, model.soft_embedding.weight
    close(model.embed(ids)[0], torch.stack([table[5], ours[2], table[7], ours[0]]))


def test_a_text_gets_its_prompt_once(gpt2, tokenizer):
    model = GPT2WithSoftPrompt(gpt2, ["[A]", "[B]"], prompt_length=2)
    ids = token_ids(tokenizer, TEXT)
    joined = model.with_prompt(ids, "[B]")
    assert joined == model.prompt_ids("[B]") + ids == model.with_prompt(joined)
    close(model(torch.tensor([joined])).logits, model(torch.tensor([ids]), soft_token="[B]").logits)


def test_the_base_model_gives_the_same_logits_while_training(gpt2, tokenizer):
    model, text_ids = GPT2WithSoftPrompt(gpt2, prompt_length=2), ids_of(tokenizer, TEXT)
    at_rest = model(text_ids).logits
    model.train()
    assert model.training
    close(model(text_ids).logits, at_rest)  # dropout is 0.1 in this base model


def gradient_and_layer_runs(base_model, batch):
    """The gradient of a training step, and how often the first layer was run for it."""
    model, runs = GPT2WithSoftPrompt(base_model, prompt_length=3), []
    layer = base_model.base_model.h[0] if hasattr(base_model.base_model, "h") else base_model.base_model.layers[0]
    handle = layer.mlp.register_forward_pre_hook(lambda module, args: runs.append(args[0].shape))
    model.train()
    model(**batch).loss.backward()
    handle.remove()
    return model.soft_embedding.weight.grad, runs


def test_gradient_checkpointing_is_used_and_changes_no_gradient(base_model, batch):
    plain, _ = gradient_and_layer_runs(base_model, batch)
    checkpoint_gradients(base_model)
    checkpointed, runs = gradient_and_layer_runs(base_model, batch)
    assert len(runs) == 2, "forward once and once more on the way back"
    assert runs[0][1] == 3 + batch["input_ids"].shape[1], "prompt and text are run together"
    torch.testing.assert_close(checkpointed, plain, rtol=1e-4, atol=1e-5)


def test_a_checkpointed_base_model_generates_as_before(base_model, sources):
    model = GPT2WithSoftPrompt(base_model, prompt_length=3)
    options = {"max_new_tokens": 8, "eos_token_id": None}
    expected = model.continue_rows(sources, 0, **options)
    checkpoint_gradients(base_model)
    model.train()  # as while training, in a callback after an epoch
    assert torch.equal(model.continue_rows(sources, 0, **options), expected) and model.training
    assert torch.equal(model.generate(*left_pad(sources, pad_id=0), **options), expected)


# ---- padding


def test_right_padded_batch_equals_one_by_one(base_model, sources):
    model = GPT2WithSoftPrompt(base_model, prompt_length=3)
    items = [{"input_ids": torch.tensor(ids), "labels": torch.tensor(ids)} for ids in sources]
    batch = collate(items, pad_id=0)
    together = model(batch["input_ids"], batch["attention_mask"]).logits
    for row, ids in enumerate(sources):
        close(together[row, : 3 + len(ids)], model(torch.tensor([ids])).logits[0])


def test_left_padded_batch_equals_one_by_one(base_model, sources):
    model = GPT2WithSoftPrompt(base_model, prompt_length=3)
    ids, mask = left_pad(sources, pad_id=0)
    together = model(ids, mask).logits
    for row, ids in enumerate(sources):
        close(together[row, -3 - len(ids) :], model(torch.tensor([ids])).logits[0])


def test_join_puts_the_prompt_between_left_pads_and_text(gpt2, sources):
    model = GPT2WithSoftPrompt(gpt2, prompt_length=2)
    ids, mask = left_pad(sources, pad_id=0)
    joined, joined_mask, _ = model.join(ids, mask)
    table = gpt2.get_input_embeddings().weight
    for row, source in enumerate(sources):
        pads = ids.shape[1] - len(source)
        assert joined_mask[row].tolist() == [0] * pads + [1] * (2 + len(source))
        assert joined[row, pads:].tolist() == model.prompt_ids() + source
        close(model.embed(joined)[row, pads : pads + 2], model.soft_embedding.weight)
        close(model.embed(joined)[row, pads + 2 :], table[source])


@pytest.mark.parametrize("side", ["left", "right"])
def test_join_moves_the_labels_along_with_the_text(gpt2, side):
    model = GPT2WithSoftPrompt(gpt2, ["[A]", "[B]"], prompt_length=[1, 3])
    rows = [[5, 6, 7], [8, 9]]
    ids, mask, labels = (
        torch.nn.utils.rnn.pad_sequence([torch.tensor(values) for values in columns], True, fill, side)
        for columns, fill in ((rows, 0), ([[1] * len(row) for row in rows], 0), ([[IGNORED] + row[1:] for row in rows], IGNORED))
    )
    joined, joined_mask, joined_labels = model.join(ids, mask, labels, ["[A]", "[B]"])
    for i, (name, row) in enumerate(zip(("[A]", "[B]"), rows, strict=True)):
        keep = joined_mask[i].bool()
        assert joined[i, keep].tolist() == model.prompt_ids(name) + row
        assert joined_labels[i, keep].tolist() == [IGNORED] * (len(model.prompt_ids(name)) + 1) + row[1:]
        assert (joined_labels[i, ~keep] == IGNORED).all()
    again = model.join(joined, joined_mask, joined_labels)
    assert all(torch.equal(a, b) for a, b in zip(again, (joined, joined_mask, joined_labels), strict=True))


# ---- loss


def hand_written_loss(model, tokenizer, records):
    """Mean of -log p(token | prompt, source, target so far), with no batch, padding or mask to get wrong."""
    losses = []
    for record in records:
        source = token_ids(tokenizer, record["document"] + "\nSummary:")
        target = [*token_ids(tokenizer, " " + record["summary"]), tokenizer.eos_token_id]
        for i, token in enumerate(target):
            logits = model(torch.tensor([source + target[:i]])).logits[0, -1]
            losses.append(-logits.log_softmax(-1)[token])
    return torch.stack(losses).mean()


@torch.no_grad()
def test_masked_loss_equals_a_hand_written_one(base_model, tokenizer, records, batch):
    model = GPT2WithSoftPrompt(base_model, prompt_length=3)
    expected = hand_written_loss(model, tokenizer, records)
    close(model(**batch).loss, expected)
    with_prompts = collate(encode(records, "summarization", tokenizer, model).items, tokenizer.pad_token_id)
    close(model(**with_prompts).loss, expected)


def test_logits_with_labels_are_one_row_per_label(base_model, batch):
    model = GPT2WithSoftPrompt(base_model, prompt_length=3)
    wanted = batch["labels"] != IGNORED
    everywhere = model(batch["input_ids"], batch["attention_mask"]).logits  # [batch, 3 + text, vocab]
    out = model(**batch)
    close(out.logits, everywhere[:, 2:-1][wanted])
    close(out.loss, F.cross_entropy(out.logits, batch["labels"][wanted]))


def test_loss_is_that_of_the_base_model_reading_the_same_tokens(base_model, tokenizer, batch):
    prompt_ids = ids_of(tokenizer, "Rain fell all")
    model = GPT2WithSoftPrompt(base_model, ["[X]"], prompt_ids.shape[1], "text", "Rain fell all", tokenizer)
    joined = {
        "input_ids": torch.cat([prompt_ids.expand(len(batch["labels"]), -1), batch["input_ids"]], 1),
        "attention_mask": F.pad(batch["attention_mask"], (prompt_ids.shape[1], 0), value=1),
        "labels": F.pad(batch["labels"], (prompt_ids.shape[1], 0), value=IGNORED),
    }
    close(model(**batch).loss, base_model(**joined).loss)


# ---- training


def test_training_moves_the_prompt_and_not_one_base_weight(base_model, tokenizer, records):
    model = GPT2WithSoftPrompt(base_model, prompt_length=3)
    encoded = encode(records, "summarization", tokenizer, model)
    before, prompt = weights_fingerprint(base_model), model.soft_embedding.weight.detach().clone()
    fit(model, encoded, encoded, TrainingConfig(epochs=2, batch_size=4, weight_decay=0.1, dtype="float32"), progress=False)
    assert weights_fingerprint(base_model) == before
    assert (model.soft_embedding.weight - prompt).abs().max() > 1e-3


def test_one_batch_of_eight_is_overfitted(base_model, tokenizer, records):
    """A random base has no skill to call up; a prompt can still steer what it says, far below the start."""
    model = GPT2WithSoftPrompt(base_model, prompt_length=20)
    encoded = encode(records, "summarization", tokenizer, model)
    assert len(encoded) == 8
    config = TrainingConfig(epochs=50, batch_size=8, learning_rate=0.1, dtype="float32")
    log = fit(model, encoded, encoded, config, progress=False)
    first, best = log.epochs[0]["train_loss"], log.epochs[log.best_epoch - 1]["validation_loss"]
    assert best < 0.6 * first, (first, best)


# ---- generation


def greedy_by_hand(model, ids, count):
    """The definition of greedy decoding, uncached: the whole text again for each new token."""
    ids = list(ids)
    for _ in range(count):
        ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[-count:]


def until_end(ids, end=0):
    return ids[: ids.index(end)] if end in ids else ids


@torch.no_grad()
def test_cached_uncached_one_by_one_and_by_hand_generate_the_same(base_model, sources):
    model = GPT2WithSoftPrompt(base_model, prompt_length=3)
    ids, mask = left_pad(sources, pad_id=0)
    cached = model.generate(ids, mask, max_new_tokens=12).tolist()
    uncached = model.generate(ids, mask, max_new_tokens=12, use_cache=False).tolist()
    assert cached == uncached
    assert cached == model.continue_rows(sources, 0, max_new_tokens=12).tolist(), "each prompt run once"
    assert len({tuple(row) for row in cached}) > 1, "all rows alike: the test would not notice mixed-up rows"
    for row, source in enumerate(sources):
        alone = model.generate(torch.tensor([source]), max_new_tokens=12).tolist()[0]
        assert until_end(cached[row]) == until_end(alone) == until_end(greedy_by_hand(model, source, 12))


def test_generation_stops_at_the_end_token_and_pads(gpt2, sources):
    model = GPT2WithSoftPrompt(gpt2, prompt_length=3)
    ids, mask = left_pad(sources, pad_id=0)
    free = model.generate(ids, mask, max_new_tokens=8)
    end = int(free[0, 2])  # declare a token of the first row the end token
    stopped = model.generate(ids, mask, max_new_tokens=8, eos_token_id=end, pad_token_id=0)
    position = free[0].tolist().index(end)
    assert stopped[0, : position + 1].tolist() == free[0, : position + 1].tolist()
    assert (stopped[0, position + 1 :] == 0).all()


# ---- initialisation


def test_vocab_init_samples_rows_of_the_table_among_frequent_tokens(gpt2):
    table = gpt2.get_input_embeddings().weight
    model = GPT2WithSoftPrompt(gpt2, prompt_length=30)
    found = [(table == row).all(1).nonzero()[0].item() for row in model.soft_embedding.weight]
    assert min(found) >= len(table) // 2 and len(set(found)) > 10  # 400 tokens: the default falls back to the upper half
    chosen = GPT2WithSoftPrompt(gpt2, prompt_length=30, init_token_ids=[7, 9]).soft_embedding.weight
    assert {(table == row).all(1).nonzero()[0].item() for row in chosen} == {7, 9}


def test_random_init_is_as_long_as_token_embeddings(gpt2):
    rows = GPT2WithSoftPrompt(gpt2, prompt_length=50, init="random").soft_embedding.weight
    close(rows.norm(dim=1), gpt2.get_input_embeddings().weight.norm(dim=1).mean().expand(50))


def test_text_init_cuts_or_repeats_the_text(gpt2, tokenizer):
    table, ids = gpt2.get_input_embeddings().weight, token_ids(tokenizer, TEXT)
    for length in (2, len(ids), 2 * len(ids) + 1):
        model = GPT2WithSoftPrompt(gpt2, ["[A]", "[B]"], length, "text", TEXT, tokenizer)
        expected = table[(ids * 3)[:length]]
        close(model.soft_embedding.weight, expected.repeat(2, 1))


@pytest.mark.parametrize("init", ["random", "vocab"])
def test_seed_decides_the_start(gpt2, init):
    a, b, c = (GPT2WithSoftPrompt(gpt2, prompt_length=9, init=init, seed=s).soft_embedding.weight for s in (3, 3, 4))
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_training_the_prompt_leaves_the_embedding_table_alone(gpt2, tokenizer):
    """The rows are copies: a view into the table would be trained along with it."""
    model = GPT2WithSoftPrompt(gpt2, prompt_length=3)
    before = weights_fingerprint(gpt2)
    model.soft_embedding.weight.data.add_(1)
    assert weights_fingerprint(gpt2) == before


# ---- bad input


@pytest.mark.parametrize("prompt_length", [0, -3, [3, 0], [3]])
def test_prompt_length_below_one_or_for_other_names(gpt2, prompt_length):
    with pytest.raises(ValueError, match="prompt_length"):
        GPT2WithSoftPrompt(gpt2, ["[A]", "[B]"], prompt_length=prompt_length)


def test_unknown_soft_token_names_the_known_ones(gpt2, tokenizer):
    model, text_ids = GPT2WithSoftPrompt(gpt2, ["[A]", "[B]"]), ids_of(tokenizer, TEXT)
    for call in (model.forward, model.generate):
        with pytest.raises(ValueError, match=r"unknown soft token '\[C\]': expected one of \[A\], \[B\]"):
            call(text_ids, soft_token="[C]")


def test_text_longer_than_the_positions(gpt2):
    model = GPT2WithSoftPrompt(gpt2, prompt_length=20)
    with pytest.raises(ValueError, match="128 positions"):
        model(torch.zeros(1, 109, dtype=torch.long))
    assert model(torch.zeros(1, 108, dtype=torch.long)).logits.shape == (1, 128, len(gpt2.get_input_embeddings().weight))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"init": "zeros"}, "init must be one of vocab, random, text, normal, first, got 'zeros'"),
        ({"init": "text"}, "needs init_text and tokenizer"),
        ({"soft_vocabulary": []}, "one or more different names"),
        ({"soft_vocabulary": ["[A]", "[A]"]}, "one or more different names"),
    ],
)
def test_bad_construction(gpt2, options, message):
    with pytest.raises(ValueError, match=message):
        GPT2WithSoftPrompt(gpt2, **options)


def test_labels_without_a_target(gpt2, tokenizer):
    text_ids = ids_of(tokenizer, TEXT)
    with pytest.raises(ValueError, match="labels hold no target token"):
        GPT2WithSoftPrompt(gpt2)(text_ids, labels=torch.full_like(text_ids, IGNORED))


def test_starts_that_some_code_takes_can_be_made_to_compare_with(gpt2):
    table = gpt2.get_input_embeddings().weight
    first = GPT2WithSoftPrompt(gpt2, prompt_length=5, init="first")
    assert torch.equal(first.soft_rows(), table[:5])
    normal = GPT2WithSoftPrompt(gpt2, prompt_length=200, init="normal", seed=1).soft_rows()
    assert normal.std().item() == pytest.approx(1, abs=0.05) and abs(normal.mean().item()) < 0.05
    assert torch.equal(normal, GPT2WithSoftPrompt(gpt2, prompt_length=200, init="normal", seed=1).soft_rows())
