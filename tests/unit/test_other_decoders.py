"""Decoder-only models other than GPT-2, with tokenizers as they come: all parts of the package treat them alike."""

import json

import pytest
import tokenizers
import torch
from tokenizers import decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PreTrainedTokenizerFast

from course_utils.base_models import load_base_model, weights_fingerprint
from course_utils.data import IGNORED, collate, continuation_ids, encode, fit_source, left_pad, source_ids, token_ids
from course_utils.evaluation import AnswerEnds, evaluate, generate_texts
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.tasks import get_task
from course_utils.training import TrainingConfig, fit

POSITIONS, MORE_IDS = 128, 7
TASK = get_task("summarization")
SIZES = {
    "vocab_size": None,  # filled in: the tokenizer's and some more, as in Qwen, Pythia and others
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.3,
}
# What is special about a family, and the tokenizer it comes with here.
FAMILIES = {
    "llama": ({}, "adds BOS"),
    "mistral": ({"sliding_window": 16}, "SentencePiece, adds BOS"),
    "qwen2": ({}, "no BOS"),
    "gpt_neox": ({"rotary_pct": 0.5}, "BOS is EOS"),
    # Learned positions with an offset of 2; embeddings narrower than the layers.
    "opt": ({"ffn_dim": 64, "word_embed_proj_dim": 16, "init_std": 0.3}, "adds BOS, which is EOS"),
    "bloom": ({"n_layer": 2, "n_head": 4}, "no BOS"),  # positions by a bias on the attention: no position ids, no limit
    # Scales its token embeddings, which so drown a tiny model's layers that with a tied output it only repeats itself.
    "gemma3_text": ({"head_dim": 8, "sliding_window": 16, "tie_word_embeddings": False}, "adds BOS"),
}
# Special tokens by name, whether BOS is put in front of every text, whether the vocabulary is in SentencePiece's style.
TOKENIZERS = {
    "adds BOS": ({"bos_token": "<s>", "eos_token": "</s>"}, True, False),
    "SentencePiece, adds BOS": ({"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, True, True),
    "no BOS": ({"eos_token": "<|im_end|>", "pad_token": "<|pad|>"}, False, False),
    "BOS is EOS": ({"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}, False, False),
    "adds BOS, which is EOS": ({"bos_token": "</s>", "eos_token": "</s>", "pad_token": "<pad>"}, True, False),
}


def make_tokenizer(name, texts):
    special, adds_bos, spaces_in_front = TOKENIZERS[name]
    backend = tokenizers.Tokenizer(models.BPE(unk_token=special.get("unk_token")))
    alphabet = []
    if spaces_in_front:
        backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        backend.decoder = decoders.Metaspace(prepend_scheme="first")
    else:
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    listed = list(dict.fromkeys(special.values()))
    backend.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=400, special_tokens=listed, initial_alphabet=alphabet, show_progress=False)
    )
    if adds_bos:
        bos = special["bos_token"]
        backend.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, backend.token_to_id(bos))]
        )
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request, records, tmp_path_factory):
    """A tiny random model of one family on disk, with its tokenizer."""
    special, kind = FAMILIES[request.param]
    tokenizer = make_tokenizer(kind, [text for row in records for text in (*row.values(), "\nSummary:")])
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = AutoConfig.for_model(request.param, **(SIZES | {"vocab_size": len(tokenizer) + MORE_IDS} | ids | special))
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config)
    model.generation_config = GenerationConfig(repetition_penalty=3.0, do_sample=True, top_k=2, **ids)  # as chat models have
    path = tmp_path_factory.mktemp(request.param, numbered=False)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture
def family(folder):
    return folder.name


@pytest.fixture
def loaded(folder):
    return load_base_model(folder, device="cpu")


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
    encoded = encode(records, TASK, tokenizer, POSITIONS, prompt_length=4)
    for item, record in zip(encoded, records, strict=True):
        ids, labels = item["input_ids"].tolist(), item["labels"].tolist()
        source = beginning(model) + token_ids(tokenizer, TASK.source(record))
        assert ids[: len(source)] == source and labels[: len(source)] == [IGNORED] * len(source)
        assert ids[len(source) :] == labels[len(source) :] and ids[-1] == tokenizer.eos_token_id
        assert ids[:-1].count(tokenizer.bos_token_id) == len(beginning(model))
        assert tokenizer.decode(labels[len(source) : -1]).strip() == record["summary"]


def test_begin_token_counts_in_the_length_budget(loaded, records):
    _, tokenizer = loaded
    whole = len(source_ids(tokenizer, TASK.source(records[0])))
    assert fit_source(records[0], TASK, tokenizer, whole)[1] is False
    source, was_cut = fit_source(records[0], TASK, tokenizer, whole - 1)
    assert was_cut and len(source_ids(tokenizer, source)) <= whole - 1


def test_join_puts_the_prompt_behind_pads_and_begin_token(loaded):
    base, tokenizer = loaded
    model = GPT2WithSoftPrompt(base, prompt_length=2)
    texts = ["Rain fell all day in the town.", "Anna", "The mayor"]
    ids, mask = left_pad([source_ids(tokenizer, text) for text in texts], tokenizer.pad_token_id)
    joined, embed, begin = model.join(ids, mask, None), base.get_input_embeddings(), beginning(base)
    for row, text in enumerate(texts):
        pads = int((mask[row] == 0).sum())
        assert joined["attention_mask"][row].tolist() == [0] * pads + [1] * (2 + ids.shape[1] - pads)
        expected = [embed(torch.tensor(begin, dtype=torch.long)), model.soft_embedding.weight]
        expected.append(embed(torch.tensor(token_ids(tokenizer, text))))
        close(joined["inputs_embeds"][row, pads:], torch.cat(expected))


def test_a_target_follows_the_source_by_one_space(loaded):
    _, tokenizer = loaded
    source, target = "The mayor\nSummary:", " Anna buys a boat."
    ids = continuation_ids(tokenizer, source, target)
    assert token_ids(tokenizer, source) + ids == token_ids(tokenizer, source + target)
    assert tokenizer.decode(token_ids(tokenizer, source) + ids) == source + target
    behind_space = continuation_ids(tokenizer, source + " ", "Anna")  # here tokens of both would melt into one
    assert tokenizer.decode(behind_space) == "Anna"


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
        with pytest.raises(ValueError, match=f"has {POSITIONS} positions: 8 prompt"):
            model(torch.full((1, POSITIONS - 7), 3))


# ---- the whole way


def test_training_saving_and_loading(loaded, records, tmp_path):
    base, tokenizer = loaded
    encoded = encode(records, TASK, tokenizer, POSITIONS, prompt_length=5)
    model, before = GPT2WithSoftPrompt(base, prompt_length=5), weights_fingerprint(base)
    log = fit(model, encoded, encoded, TrainingConfig(epochs=6, batch_size=4, learning_rate=0.1), progress=False)
    assert log.epochs[log.best_epoch - 1]["validation_loss"] < log.epochs[0]["train_loss"] - 0.02
    assert weights_fingerprint(base) == before
    model.save_prompt(tmp_path / "prompt")
    again = GPT2WithSoftPrompt(load_base_model(base.name_or_path, device="cpu")[0], prompt_length=5, seed=1)
    again.load_prompt(tmp_path / "prompt")
    scores = [evaluate(m, tokenizer, TASK, records[:3], max_new_tokens=6) for m in (model, again)]
    assert scores[0] == scores[1]


def test_an_id_beyond_the_tokenizer_is_no_text_and_no_end(loaded):
    base, tokenizer = loaded
    beyond = base.config.vocab_size - 1
    assert beyond >= len(tokenizer)
    ends = AnswerEnds(tokenizer, "cpu", base.config.vocab_size)
    assert ends(torch.tensor([[beyond]]), None).tolist() == [False]
    only_this = torch.nn.functional.one_hot(torch.tensor(beyond), base.config.vocab_size)
    base.get_output_embeddings().register_forward_hook(lambda module, inputs, logits: only_this.expand_as(logits).float())
    assert generate_texts(base, tokenizer, ["Anna has"], max_new_tokens=3) == [""]
