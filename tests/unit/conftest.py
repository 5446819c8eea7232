"""A tiny random GPT-2, a tiny random Llama and a tokenizer trained on a page of text: no shipped model needed."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
import tokenizers
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from course_utils.data import encode
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
    encoded = encode(records, "summarization", tokenizer, POSITIONS)
    config = TrainingConfig(epochs=120, batch_size=8, learning_rate=5e-3)
    fit(model, encoded, encoded, config, progress=False)
    return model
