"""Decoder-only models other than GPT-2, with tokenizers as they come: all parts of the package treat them alike."""

import json
import warnings

import pytest
import torch
from conftest import FAMILIES, POSITIONS, TOKENIZERS, checkpoint_gradients
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from course_utils.base_models import load_base_model, weights_fingerprint
from course_utils.batches import IGNORED, collate, continuations, encode, left_pad, source_ids, token_ids
from course_utils.evaluation import AnswerEnds, evaluate, generate_texts
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.tasks import get_task
from course_utils.training import TrainingConfig, fit

TASK = get_task("summarization")


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def beginning(model):
    return [] if model.begin_token_id is None else [model.begin_token_id]


def prompt_and_template(tokenizer):
    """A text whose tokens can be put before a source's, and the hard prompt that does so."""
    text = "Rain fell all day"
    if token_ids(tokenizer, "day") == token_ids(tokenizer, " day"):  # SentencePiece: a source brings its space along
        return text, text + " {source}"
    return text + "\n", text + "\n{source}"


# ---- loading


def test_begin_token_follows_the_tokenizer_and_padding_is_always_possible(loaded, folder, family):
    model, tokenizer = loaded
    special, adds_bos, _ = TOKENIZERS[FAMILIES[family][1]]
    assert model.begin_token_id == (tokenizer.convert_tokens_to_ids(special["bos_token"]) if adds_bos else None)
    assert tokenizer.pad_token == special.get("pad_token", special["eos_token"])
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id is not None
    assert json.loads((folder / "generation_config.json").read_text())["repetition_penalty"] == 3.0
    assert model.generation_config.repetition_penalty in (None, 1.0) and not model.generation_config.do_sample


def test_tokenizer_without_end_token(tmp_path, gpt2, tokenizer):
    gpt2.save_pretrained(tmp_path)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"has no end token.*set its eos_token"):
        load_base_model(tmp_path, device="cpu")


@pytest.mark.parametrize("family, sizes", [("openai-gpt", {"n_embd": 8, "n_head": 1}), ("rwkv", {"hidden_size": 8})])
def test_family_that_soft_prompts_do_not_suit(family, sizes, tmp_path, tokenizer):
    config = AutoConfig.for_model(family, vocab_size=len(tokenizer), num_hidden_layers=2, **sizes)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=f"is of the family '{family}', which generates no text from vectors"):
        load_base_model(tmp_path, device="cpu")


def test_pad_token_that_the_model_has_no_row_for(tmp_path, gpt2, tokenizer):
    gpt2.save_pretrained(tmp_path)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, eos_token="<|endoftext|>", pad_token="[PAD]"
    ).save_pretrained(tmp_path)
    assert load_base_model(tmp_path, device="cpu")[1].pad_token == "<|endoftext|>"


# ---- the begin token


def test_begin_token_stands_once_in_front_and_is_no_target(loaded, records):
    model, tokenizer = loaded
    encoded = encode(records, TASK, tokenizer, model)
    for item, record in zip(encoded, records, strict=True):
        ids, labels = item["input_ids"].tolist(), item["labels"].tolist()
        source = beginning(model) + token_ids(tokenizer, TASK.source(record))
        assert ids[: len(source)] == source and labels[: len(source)] == [IGNORED] * len(source)
        assert ids[len(source) :] == labels[len(source) :] and ids[-1] == tokenizer.eos_token_id
        assert ids[:-1].count(tokenizer.bos_token_id) == len(beginning(model))
        assert tokenizer.decode(labels[len(source) : -1]).strip() == record["summary"]


def test_begin_token_counts_in_the_length_budget(loaded, records):
    model, tokenizer = loaded
    longer = [{**records[0], "document": records[0]["document"] * 8}]
    if getattr(model.config, "max_position_embeddings", None):
        (item,) = encode(longer, TASK, tokenizer, model, prompt_length=4, max_new_tokens=20)
        before = int((item["labels"] == IGNORED).sum())
        assert POSITIONS - 24 - 4 <= before <= POSITIONS - 24, "prompt + begin token + source + answer fill the positions"


def test_encoded_ids_hold_the_prompt_behind_the_begin_token(loaded, records):
    base, tokenizer = loaded
    model = GPT2WithSoftPrompt(base, ["[A]", "[B]"], prompt_length=[2, 3])
    plain = encode(records, TASK, tokenizer, base)
    for name, count in (("[A]", 2), ("[B]", 3)):
        for item, without in zip(encode(records, TASK, tokenizer, model, soft_token=name), plain, strict=True):
            begin, soft = beginning(base), model.prompt_ids(name)
            assert len(soft) == count and min(soft) >= model.vocab_size
            assert item["input_ids"].tolist() == begin + soft + without["input_ids"].tolist()[len(begin) :]
            assert item["labels"].tolist() == [IGNORED] * count + without["labels"].tolist()


def test_join_puts_the_prompt_behind_pads_and_begin_token(loaded):
    base, tokenizer = loaded
    model = GPT2WithSoftPrompt(base, prompt_length=2)
    texts = ["Rain fell all day in the town.", "Anna", "The mayor"]
    ids, mask = left_pad([source_ids(tokenizer, text) for text in texts], tokenizer.pad_token_id)
    joined, joined_mask, _ = model.join(ids, mask)
    embed, begin = base.get_input_embeddings(), beginning(base)
    for row, text in enumerate(texts):
        pads = int((mask[row] == 0).sum())
        assert joined_mask[row].tolist() == [0] * pads + [1] * (2 + ids.shape[1] - pads)
        assert joined[row, pads:].tolist() == begin + model.prompt_ids() + token_ids(tokenizer, text)
        expected = [embed(torch.tensor(begin, dtype=torch.long)), model.soft_embedding.weight]
        expected.append(embed(torch.tensor(token_ids(tokenizer, text))))
        close(model.embed(joined)[row, pads:], torch.cat(expected))


def test_a_target_follows_the_source_by_one_space(loaded):
    _, tokenizer = loaded
    source, target = "The mayor\nSummary:", " Anna buys a boat."
    (ids,) = continuations(tokenizer, [source], [target])
    assert token_ids(tokenizer, source) + ids == token_ids(tokenizer, source + target)
    assert tokenizer.decode(token_ids(tokenizer, source) + ids) == source + target
    (behind_space,) = continuations(tokenizer, [source + " "], ["Anna"])  # here tokens of both would melt into one
    assert tokenizer.decode(behind_space) == "Anna"


def test_a_reserved_token_in_a_text_is_plain_characters(loaded, records):
    base, tokenizer = loaded
    text = f"Anna buys a {tokenizer.eos_token} boat."
    (item,) = encode([{**records[0], "summary": text}], TASK, tokenizer, base)
    target = item["labels"][item["labels"] != IGNORED].tolist()
    assert target.index(tokenizer.eos_token_id) == len(target) - 1
    if "unk_token" not in tokenizer.special_tokens_map:  # bytes, which can spell anything
        assert tokenizer.decode(target[:-1]) == " " + text


# ---- a soft prompt is a hard prompt made of vectors


def test_prompt_of_real_tokens_scores_and_answers_as_the_hard_prompt(loaded, records):
    base, tokenizer = loaded
    text, template = prompt_and_template(tokenizer)
    prompt_ids = token_ids(tokenizer, text)
    source = TASK.source(records[0])
    assert source_ids(tokenizer, template.format(source=source)) == beginning(base) + prompt_ids + token_ids(tokenizer, source)
    soft = GPT2WithSoftPrompt(base, ["[X]"], len(prompt_ids), "text", text, tokenizer)
    by_rows = evaluate(soft, tokenizer, TASK, records, batch_size=3, max_new_tokens=8)
    by_words = evaluate(base, tokenizer, TASK, records, hard_prompt=template, batch_size=3, max_new_tokens=8)
    assert by_rows["loss"] == pytest.approx(by_words["loss"], abs=1e-4)
    assert by_rows["predictions"] == by_words["predictions"]
    assert len(set(by_rows["predictions"])) > 1, "all answers alike: the test would not notice mixed-up rows"


# ---- padding and the cache


def test_padding_on_either_side_changes_nothing(loaded, records):
    base, tokenizer = loaded
    model = GPT2WithSoftPrompt(base, prompt_length=3)
    sources = [source_ids(tokenizer, text) for text in ("The mayor was not there", "Anna", records[0]["document"])]
    right = collate([{"input_ids": torch.tensor(ids), "labels": torch.tensor(ids)} for ids in sources], tokenizer.pad_token_id)
    left = left_pad(sources, tokenizer.pad_token_id)
    with torch.no_grad():
        at_right = model(right["input_ids"], right["attention_mask"]).logits
        at_left = model(*left).logits
        for row, ids in enumerate(sources):
            alone = model(torch.tensor([ids])).logits[0]
            close(at_right[row, : 3 + len(ids)], alone)
            close(at_left[row, -3 - len(ids) :], alone)


def test_cached_uncached_one_by_one_and_by_hand_generate_the_same(loaded):
    base, tokenizer = loaded
    model = GPT2WithSoftPrompt(base, prompt_length=3)
    texts = ("The mayor was not there", "Anna", "Rain fell all day in the town. Clara", "B")
    sources = [source_ids(tokenizer, text) for text in texts]
    ids, mask = left_pad(sources, tokenizer.pad_token_id)
    # No end token, so that every row goes on for 24 tokens, beyond a sliding window of 16.
    options = {"max_new_tokens": 24, "eos_token_id": -1}
    cached = model.generate(ids, mask, **options).tolist()
    assert cached == model.generate(ids, mask, use_cache=False, **options).tolist()
    assert len({tuple(row) for row in cached}) > 1
    for row, source in enumerate(sources):
        by_hand = list(source)
        with torch.no_grad():
            for _ in range(24):
                by_hand.append(int(model(torch.tensor([by_hand])).logits[0, -1].argmax()))
        assert cached[row] == model.generate(torch.tensor([source]), **options).tolist()[0] == by_hand[-24:]


def test_all_positions_can_be_used_and_no_more(loaded, family):
    base, _ = loaded
    model = GPT2WithSoftPrompt(base, prompt_length=8)
    longest = torch.full((1, POSITIONS - 8), 3)
    assert model(longest).logits.shape[1] == POSITIONS
    if family != "bloom":  # which has no limit
        with pytest.raises(ValueError, match=f"{POSITIONS} positions"):
            model(torch.full((1, POSITIONS - 7), 3))


# ---- the whole way


def test_training_saving_and_loading(loaded, records, tmp_path):
    base, tokenizer = loaded
    model, before = GPT2WithSoftPrompt(base, prompt_length=5), weights_fingerprint(base)
    encoded = encode(records, TASK, tokenizer, model)
    log = fit(model, encoded, encoded, TrainingConfig(epochs=6, batch_size=4, learning_rate=0.1, dtype="float32"), progress=False)
    assert log.epochs[log.best_epoch - 1]["validation_loss"] < log.epochs[0]["train_loss"] - 0.02
    assert weights_fingerprint(base) == before
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that PEFT will place it elsewhere; see test_prompt_files
        model.save_prompt(tmp_path / "prompt")
    again = GPT2WithSoftPrompt(load_base_model(base.name_or_path, device="cpu")[0], prompt_length=5, seed=1)
    again.load_prompt(tmp_path / "prompt")
    scores = [evaluate(m, tokenizer, TASK, records[:3], max_new_tokens=6) for m in (model, again)]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("checkpointing", [False, True])
def test_dropout_stays_off_while_training(family, family_folder, records, checkpointing):
    base, tokenizer = load_base_model(family_folder(family), device="cpu")
    if checkpointing:
        checkpoint_gradients(base)
    model = GPT2WithSoftPrompt(base, prompt_length=3)
    encoded = encode(records, TASK, tokenizer, model)
    batch = collate([encoded[0], encoded[1]], tokenizer.pad_token_id)
    at_rest = model(**batch).loss
    model.train()
    close(model(**batch).loss, at_rest)


def test_an_id_beyond_the_tokenizer_is_no_text_and_no_end(loaded):
    base, tokenizer = loaded
    beyond = base.config.vocab_size - 1
    assert beyond >= len(tokenizer)
    ends = AnswerEnds(tokenizer, "cpu", base.config.vocab_size)
    assert ends(torch.tensor([[beyond]]), None).tolist() == [False]
    only_this = torch.nn.functional.one_hot(torch.tensor(beyond), base.config.vocab_size)
    base.get_output_embeddings().register_forward_hook(lambda module, inputs, logits: only_this.expand_as(logits).float())
    assert generate_texts(base, tokenizer, ["Anna has"], max_new_tokens=3) == [""]
