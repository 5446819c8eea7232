"""What a decoder is built of, read from its configuration alone: counts of weights and operations, and no weight is loaded.

Operations are counted as in Kaplan et al. 2020 (arXiv 2001.08361, section 2.1): a token times a matrix takes two a weight,
attention 4 * layers * width for each pair of tokens (pairs that the causal mask hides included); norms, activation functions and
embeddings are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from transformers import AutoConfig

from .tasks import data_root


@dataclass(frozen=True)
class Shape:
    """What a decoder of the GPT-2 or the Llama family is built of. ``context``: the tokens that it reads at most.

    ``gpt2``: learned positions, biases, layer norms with biases, one MLP matrix up and one down. Else a Llama: rotary positions,
    no biases, a gate beside the matrix up, and possibly fewer heads for keys and values (``kv_heads``) than for queries.
    """

    name: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    mlp_width: int
    vocabulary: int
    context: int
    gpt2: bool = False
    tied: bool = False  # the output layer is the embedding table, counted once

    @classmethod
    def of(cls, config, name: str | None = None) -> Shape:
        """From a transformers configuration. ValueError for another family, or a Llama with biases."""
        gpt2, biased = config.model_type == "gpt2", any(getattr(config, f"{part}_bias", False) for part in ("attention", "mlp"))
        if biased or config.model_type not in ("gpt2", "llama"):
            raise ValueError(f"cannot count a {config.model_type!r}{' with biases' * biased}: expected gpt2 or plain llama")
        width, heads = config.hidden_size, config.num_attention_heads
        return cls(
            name or config.name_or_path or config.model_type, config.num_hidden_layers, width, heads,
            getattr(config, "num_key_value_heads", None) or heads, getattr(config, "head_dim", None) or width // heads,
            (config.n_inner or 4 * width) if gpt2 else config.intermediate_size, config.vocab_size,
            config.max_position_embeddings, gpt2, bool(config.tie_word_embeddings))

    queries = property(lambda self: self.heads * self.head_width, doc="Numbers in the queries of a token, in one layer.")
    keys = property(lambda self: self.kv_heads * self.head_width, doc="Numbers in the keys of a token, in one layer.")
    qkv = property(lambda self: self.width * (self.queries + 2 * self.keys), doc="Weights that make queries, keys and values.")
    head = property(lambda self: self.vocabulary * self.width, doc="Weights of the output layer.")

    @property
    def products(self) -> int:
        """Weights that a token is multiplied with in the layers; the output layer comes on top."""
        return self.layers * (self.qkv + self.queries * self.width + (2 if self.gpt2 else 3) * self.width * self.mlp_width)

    @property
    def parameters(self) -> int:
        """All weights, to the last one."""
        tables = self.head * (1 if self.tied else 2)
        if not self.gpt2:
            return tables + self.products + (2 * self.layers + 1) * self.width
        biases = self.queries + 2 * self.keys + self.width + self.mlp_width + self.width
        return tables + self.context * self.width + self.products + self.layers * biases + (2 * self.layers + 1) * 2 * self.width

    def kv_bytes(self, tokens: int, number: int = 2) -> int:
        """Bytes of the keys and values of ``tokens`` in all layers, ``number`` bytes each: a compiled prompt, or a cache."""
        return 2 * self.layers * self.keys * tokens * number

    def request_flops(self, front: int, text: int, answer: int, cached: bool = False) -> int:
        """Operations to read ``text`` tokens behind ``front`` more (a prompt's, or examples') and to write ``answer``.

        Keys and values are kept, so each new token but the last is read once. ``cached``: those of ``front`` are there before.
        Raises ValueError if all that is more than the model reads.
        """
        if front + text + answer > self.context:
            raise ValueError(f"{self.name} reads {self.context} tokens: {front} in front, {text} of text and {answer} of answer "
                             f"are {front + text + answer}, shorten one of them")
        read = text + (0 if cached else front)
        pairs = read * (front + text) + sum(range(front + text + 1, front + text + answer))
        return 2 * self.products * (read + answer - 1) + 4 * self.layers * self.queries * pairs + 2 * self.head * answer


GPT2 = (("gpt2", 12, 768, 12), ("gpt2-medium", 24, 1024, 16), ("gpt2-large", 36, 1280, 20), ("gpt2-xl", 48, 1600, 25))
# From the published config.json of each: openai-community/gpt2*, HuggingFaceTB/SmolLM2-135M, meta-llama/Llama-2-7b and -70b.
SHAPES = {shape.name: shape for shape in (
    *(Shape(name, layers, width, heads, heads, 64, 4 * width, 50257, 1024, True, True) for name, layers, width, heads in GPT2),
    Shape("SmolLM2-135M", 30, 576, 9, 3, 64, 1536, 49152, 8192, tied=True),
    Shape("Llama-2-7B", 32, 4096, 32, 32, 128, 11008, 32000, 4096),
    Shape("Llama-2-70B", 80, 8192, 64, 8, 128, 28672, 32000, 4096))}


def get_shape(name: str | Shape) -> Shape:
    """The shape of that name: one of `SHAPES`, a course model (from its config.json), smollm2. A `Shape` is handed through."""
    if isinstance(name, Shape):
        return name
    folder = data_root() / "base_models" / name
    if name.startswith("course-") and folder.is_dir():
        return Shape.of(AutoConfig.from_pretrained(folder), name)
    known = SHAPES | {"smollm2": SHAPES["SmolLM2-135M"]}
    if name.rpartition("/")[2] not in known:
        raise ValueError(f"unknown shape {name!r}: expected a course model or one of {', '.join(known)}")
    return known[name.rpartition("/")[2]]
