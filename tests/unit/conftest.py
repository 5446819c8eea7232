"""Tiny random models of several families and tokenizers trained on a page of text: no shipped model needed."""

import functools
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
import tokenizers
import torch
from tokenizers import decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GenerationConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from course_utils.base_models import load_base_model
from course_utils.batches import encode
from course_utils.training import TrainingConfig, fit

torch.set_num_threads(1)  # models this small lose time to a second thread

POSITIONS = 128

NAMES = ["Anna", "Bruno", "Clara", "David", "Emma", "Felix", "Greta", "Heinz"]
THINGS = ["boat", "house", "garden", "piano", "bridge", "clock", "lamp", "cart"]
SUMMARIES = [
    {
        "document": f"Rain fell all day in the town. {name} has bought a {thing} for {i + 3} coins. The mayor was not there.",
        "summary": f"{name} buys a {thing}.",
    }
    for i, (name, thing) in enumerate(zip(NAMES, THINGS, strict=True))
]


@pytest.fixture(autouse=True)
def share_prompts_in_small_batches(request, monkeypatch):
    """The batches of these tests are small, and what is proved about large ones must hold in them."""
    monkeypatch.setattr("course_utils.soft_prompt.pays_to_share", lambda rows, width: True)


@pytest.fixture(autouse=True)
def same_seed():
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def records():
    return SUMMARIES


@pytest.fixture(scope="session")
def tokenizer():
    """Byte-level BPE with pad = eos, as in GPT-2: masking by pad id would hide the real end token."""
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([text for row in SUMMARIES for text in row.values()], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<|endoftext|>", eos_token="<|endoftext|>", pad_token="<|endoftext|>"
    )


# A wide initialisation, because the usual one gives nearly equal logits, in which mistakes do not show.
def make_gpt2(tokenizer, width=32, dropout=0.1):
    torch.manual_seed(1)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=POSITIONS,
        n_embd=width,
        n_layer=2,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        attn_pdrop=dropout,
        embd_pdrop=dropout,
        resid_pdrop=dropout,
        initializer_range=0.3,
    )
    model = GPT2LMHeadModel(config)
    model.loss_type = "ForCausalLM"
    return model.eval()


def make_llama(tokenizer):
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=POSITIONS,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        initializer_range=0.3,
    )
    model = LlamaForCausalLM(config)
    model.loss_type = "ForCausalLM"
    return model.eval()


def checkpoint_gradients(model):
    """Turn gradient checkpointing on by the name that this version of transformers has for it."""
    getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()


@pytest.fixture
def gpt2(tokenizer):
    return make_gpt2(tokenizer)


@pytest.fixture
def wide_gpt2(tokenizer):
    return make_gpt2(tokenizer, width=48)


@pytest.fixture(params=["gpt2", "llama"])
def base_model(request, tokenizer):
    return make_gpt2(tokenizer) if request.param == "gpt2" else make_llama(tokenizer)


@pytest.fixture(scope="session")
def reader(tokenizer, records):
    """A tiny GPT-2 that has learnt `records` by heart, trained in full by the course's own loop; do not change it."""
    model = make_gpt2(tokenizer, width=48, dropout=0).requires_grad_(True)
    encoded = encode(records, "summarization", tokenizer, model)
    config = TrainingConfig(epochs=120, batch_size=8, learning_rate=5e-3, dtype="float32")
    fit(model, encoded, encoded, config, progress=False)
    return model


# ---- other families, with tokenizers as they come

MORE_IDS = 7  # the model has so many more than the tokenizer, as in Qwen, Pythia and others
SIZES = {
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
    "gpt_neox": ({"rotary_pct": 0.5, "num_key_value_heads": None}, "BOS is EOS"),
    # Learned positions with an offset of 2; embeddings narrower than the layers.
    "opt": ({"ffn_dim": 64, "word_embed_proj_dim": 16, "init_std": 0.3}, "adds BOS, which is EOS"),
    "bloom": ({"n_layer": 2, "n_head": 4}, "no BOS"),  # positions by a bias on the attention: no position ids, no limit
    # Scales its token embeddings, which so drown a tiny model's layers that with a tied output it only repeats itself.
    "gemma3_text": ({"head_dim": 8, "sliding_window": 16, "tie_word_embeddings": False}, "adds BOS"),
}
SEES_A_WINDOW = {"mistral", "gemma3_text"}
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


@pytest.fixture(scope="session")
def family_folder(records, tmp_path_factory):
    """A function that gives the folder of a tiny random model of a family, with its tokenizer."""

    @functools.cache
    def make(family):
        special, kind = FAMILIES[family]
        tokenizer = make_tokenizer(kind, [text for row in records for text in (*row.values(), "\nSummary:")])
        ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
        options = SIZES | {"vocab_size": len(tokenizer) + MORE_IDS} | ids | special
        config = AutoConfig.for_model(family, **{name: value for name, value in options.items() if value is not None})
        torch.manual_seed(1)
        model = AutoModelForCausalLM.from_config(config)
        model.generation_config = GenerationConfig(repetition_penalty=3.0, do_sample=True, top_k=2, **ids)  # as chat models have
        path = tmp_path_factory.mktemp(family, numbered=False)
        model.save_pretrained(path)
        tokenizer.save_pretrained(path)
        return path

    return make


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture
def folder(family, family_folder):
    return family_folder(family)


@pytest.fixture
def loaded(folder):
    """Base model and tokenizer of a family."""
    return load_base_model(folder, device="cpu")
