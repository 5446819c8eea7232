"""The heart of the course: a frozen language model with a few trainable vectors in front of its input."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import CausalLMOutput

from .base_models import weights_sample
from .batches import IGNORED, left_pad, max_positions
from .key_values import can_reuse_keys, generate_behind, keys_of, pays_to_share, positions_of, run_prompts
from .loss import logits_at, wanted_positions
from .prompt_files import read_prompt, write_prompt
from .prompt_init import initial_rows
from .system import System
from .tasks import CourseWarning


def at_rest(method):
    """``method`` in eval mode and without gradients: a layer that checkpoints gradients would drop the cache of generation."""

    @functools.wraps(method)
    @torch.no_grad()
    def call(self, *args, **options):
        was_training = self.training
        self.eval()
        try:
            return method(self, *args, **options)
        finally:
            self.train(was_training)

    return call


class CheckpointInEval:
    """Gradient checkpointing of a layer that says it is training and computes in eval mode: OPT's layers drop out themselves."""

    def __init__(self, checkpoint, layer: nn.Module):
        self.checkpoint, self.layer = checkpoint, layer

    def __call__(self, forward, *args):
        def in_eval(*args):
            before, self.layer.training = self.layer.training, False
            try:
                return forward(*args)
            finally:
                self.layer.training = before

        return self.checkpoint(in_eval, *args)


class GPT2WithSoftPrompt(System):
    """A decoder-only model of transformers with a soft prompt (Lester et al. 2021, arXiv 2104.08691).

    Each entry of ``soft_vocabulary`` owns some rows of one trainable embedding: ``prompt_length`` of them, a number for all
    entries or one for each. Their ids follow those of the base model's vocabulary, so a text with its prompt is a row of ids
    like any other: ids of the vocabulary go to the frozen table, ids beyond it to ours. The base model is held, not copied: it
    gets frozen and its dropout stays off. ``init`` is "vocab" (may take ``init_token_ids``), "random", or "text" (needs
    ``init_text`` and ``tokenizer``). ``soft_token`` is the entry in use where a call names none.
    """

    def __init__(
        self,
        base_model: PreTrainedModel,
        soft_vocabulary: Sequence[str] = ("[SUMMARIZE]",),
        prompt_length: int | Sequence[int] = 1,
        init: str = "vocab",
        init_text: str | None = None,
        tokenizer=None,
        seed: int = 0,
        init_token_ids: Sequence[int] | None = None,
    ):
        super().__init__(base_model)
        names = (soft_vocabulary,) if isinstance(soft_vocabulary, str) else tuple(soft_vocabulary)
        lengths = [prompt_length] * len(names) if isinstance(prompt_length, int) else list(prompt_length)
        if not names or len(set(names)) < len(names):
            raise ValueError(f"soft_vocabulary must be one or more different names, got {names}")
        if len(lengths) != len(names) or min(lengths) < 1:
            raise ValueError(f"prompt_length must be >= 1, for all or for each of {len(names)} names, got {prompt_length}")
        base_model.requires_grad_(False)
        self.soft_vocabulary, self.soft_token, self.lengths = names, names[0], lengths
        embed = base_model.get_input_embeddings()
        rows = initial_rows(embed, lengths, init, seed, init_text, tokenizer, init_token_ids)
        # Trained in fp32 whatever the base model's type: half precision would swallow small steps.
        self.soft_embedding = nn.Embedding.from_pretrained(rows.to(embed.weight.device), freeze=False)
        self.vocab_size = embed.num_embeddings
        self.begin_token_id = getattr(base_model, "begin_token_id", None)  # from `load_base_model`
        # Where the tokenizer has a begin token, ours stand behind it, as hard prompts do; PEFT puts its own in front of it.
        self.begin_first = [True] * len(names)
        self.train(False)

    @property
    def prompt_length(self) -> int:
        """Rows of the entry in use."""
        return self.lengths[self.index()]

    def train(self, mode: bool = True) -> GPT2WithSoftPrompt:
        super().train(mode)
        self.base_model.eval()  # with its dropout on, the prompt would be trained against noise
        for layer in self.base_model.modules():  # transformers checkpoints gradients only in layers that say they are training
            if isinstance(layer, GradientCheckpointingLayer) and layer.gradient_checkpointing:
                layer.training, checkpoint = mode, layer._gradient_checkpointing_func
                checkpoint = getattr(checkpoint, "checkpoint", checkpoint)
                layer._gradient_checkpointing_func = CheckpointInEval(checkpoint, layer) if mode else checkpoint
        return self

    # ---- which rows, which ids

    def index(self, soft_token: str | None = None) -> int:
        """The place of ``soft_token``, or of the entry in use, in the vocabulary; ValueError if it is not there."""
        name = self.soft_token if soft_token is None else soft_token
        if name not in self.soft_vocabulary:
            raise ValueError(f"unknown soft token {name!r}: expected one of {', '.join(self.soft_vocabulary)}")
        return self.soft_vocabulary.index(name)

    def rows(self, soft_token: str | None = None) -> slice:
        """Where the embedding holds ``soft_token``; errors: `index`."""
        index = self.index(soft_token)
        start = sum(self.lengths[:index])
        return slice(start, start + self.lengths[index])

    def prompt_ids(self, soft_token: str | None = None) -> list[int]:
        """The ids of ``soft_token``'s rows: they begin where the base model's vocabulary ends."""
        rows = self.rows(soft_token)
        return list(range(self.vocab_size + rows.start, self.vocab_size + rows.stop))

    def with_prompt(self, ids: Sequence[int], soft_token: str | None = None) -> list[int]:
        """``ids`` of a text with its prompt where that belongs (see `prompt_files`); as they are if they have one already."""
        ids = list(ids)
        prompt, theirs = self.prompt_ids(soft_token), [i for i in ids if i >= self.vocab_size]
        if theirs and soft_token is not None and theirs != prompt:
            raise ValueError(f"the ids hold another prompt than that of {soft_token!r}: give the ids without one, or name none")
        if theirs:
            return ids
        begins = self.begin_token_id is not None and ids[:1] == [self.begin_token_id]
        at = int(begins and self.begin_first[self.index(soft_token)])
        return ids[:at] + prompt + ids[at:]

    def join(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, labels: torch.Tensor | None = None,
        soft_token: str | Sequence[str] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """ids, mask and labels of a batch with its prompts: ``[prompt][text][pad]``, or ``[pad][prompt][text]``.

        ``soft_token`` names one prompt for all rows, or one for each. A batch whose ids have their prompts comes back as it is.
        """
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        if soft_token is None and (input_ids >= self.vocab_size).any(1).all():
            return input_ids, mask, labels
        limit = max_positions(self)
        names = [soft_token] * len(input_ids) if soft_token is None or isinstance(soft_token, str) else soft_token
        side = "right" if bool(mask[:, 0].all()) else "left"
        texts = [row[keep.bool()] for row, keep in zip(input_ids, mask, strict=True)]
        rows = [input_ids.new_tensor(self.with_prompt(text.tolist(), name)) for text, name in zip(texts, names, strict=True)]
        if labels is not None:
            labels = [torch.cat([labels.new_full((len(row) - len(text),), IGNORED), label[keep.bool()]])
                      for row, text, label, keep in zip(rows, texts, labels, mask, strict=True)]
            labels = pad_sequence(labels, True, IGNORED, side)
        if limit and max(map(len, rows)) > limit:
            raise ValueError(f"the base model has {limit} positions: prompt + text are {max(map(len, rows))}, cut the text")
        return pad_sequence(rows, True, 0, side), pad_sequence([torch.ones_like(row) for row in rows], True, 0, side), labels

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """The vectors of ``ids``, [batch, text, width]: from the frozen table, and from ours for ids beyond the vocabulary."""
        ours = ids >= self.vocab_size  # [batch, text]
        vectors = self.base_model.get_input_embeddings()(ids.masked_fill(ours, 0))  # [batch, text, width]
        return vectors.index_put((ours,), self.soft_rows()[ids[ours] - self.vocab_size].to(vectors.dtype))

    def soft_rows(self) -> torch.Tensor:
        """All rows of all prompts, [rows, width]; what a reparametrisation, such as P-tuning's, computes otherwise."""
        return self.soft_embedding.weight

    def inputs(self, ids: torch.Tensor, mask: torch.Tensor) -> dict:
        """What the base model is called with, and nothing of it is an id: padding may be on either side."""
        positions = {"position_ids": positions_of(mask)} if self.takes_positions else {}
        return {"inputs_embeds": self.embed(ids), "attention_mask": mask, **positions}

    # ---- running it

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None, soft_token: str | Sequence[str] | None = None,
    ) -> CausalLMOutput:
        """Run the base model on the prompts and ``input_ids`` [batch, text], padded on either side.

        Without labels: ``.logits`` [batch, prompt + text, vocab]. With ``labels`` [batch, text], `IGNORED`
        where nothing is to be predicted: ``.logits`` [targets, vocab], a row for each label that counts, and ``.loss``, their
        mean loss in nats. The second runs every prompt of the batch once, not once a row (`run_prompts`); same result.
        """
        if labels is not None:
            logits, targets = self.target_logits(input_ids, attention_mask, labels, soft_token)
            return CausalLMOutput(loss=F.cross_entropy(logits, targets), logits=logits)
        ids, mask, _ = self.join(input_ids, attention_mask, None, soft_token)
        return CausalLMOutput(logits=self.base_model(**self.inputs(ids, mask), use_cache=False).logits)

    def target_logits(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None, labels: torch.Tensor,
        soft_token: str | Sequence[str] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [targets, vocab] and ids [targets] of the labels that count, row by row."""
        ids, mask, labels = self.join(input_ids, attention_mask, labels, soft_token)
        ends = self.prompt_ends(ids)
        # A first target right behind the prompt is predicted by the prompt itself, which then cannot be cut off.
        first = labels.gather(1, ends[:, None].clamp(max=labels.shape[1] - 1))
        shares = pays_to_share(len(ids), self.soft_embedding.embedding_dim) and can_reuse_keys(self.base_model)
        if shares and bool((ends > 0).all() & (first == IGNORED).all()):
            inputs, labels = run_prompts(self, ids, mask, labels, ends)
        else:
            inputs = {**self.inputs(ids, mask), "use_cache": False}
        wanted, targets = wanted_positions(labels)
        return logits_at(self.base_model, wanted, **inputs), targets

    def prompt_ends(self, ids: torch.Tensor) -> torch.Tensor:
        """For each row of ``ids`` [batch, text] the place behind its last soft token, [batch]; 0 where it has none."""
        return ((ids >= self.vocab_size) * torch.arange(1, ids.shape[1] + 1, device=ids.device)).amax(1)

    @at_rest
    def generate(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None,
        max_new_tokens: int = 32, soft_token: str | Sequence[str] | None = None, **options,
    ) -> torch.Tensor:
        """New ids [batch, up to max_new_tokens] after left-padded ``input_ids`` [batch, text], greedily.

        A row ends with the end token and is filled up with pads. ``options`` go to transformers' generate.
        """
        ids, mask, _ = self.join(input_ids, attention_mask, None, soft_token)
        inputs = {"inputs_embeds": self.embed(ids), "attention_mask": mask}
        return self.base_model.generate(**inputs, **{"do_sample": False, "max_new_tokens": max_new_tokens, **options})

    @at_rest
    def continue_rows(self, rows: Sequence[Sequence[int]], pad_id: int, **options) -> torch.Tensor:
        """`generate` for rows of ids of any lengths and prompts, each prompt run once: the same tokens, sooner."""
        rows = [self.with_prompt(row) for row in rows]
        ends = [max(i for i, token in enumerate(row, start=1) if token >= self.vocab_size) for row in rows]
        if not can_reuse_keys(self.base_model) or any(end == len(row) for end, row in zip(ends, rows, strict=True)):
            ids, mask = (t.to(self.device) for t in left_pad(rows, pad_id))
            return self.base_model.generate(inputs_embeds=self.embed(ids), attention_mask=mask, do_sample=False, **options)
        prompts = [tuple(row[:end]) for row, end in zip(rows, ends, strict=True)]
        different = list(dict.fromkeys(prompts))
        ids, mask = (t.to(self.device) for t in left_pad(different, pad_id))
        which = torch.tensor([different.index(prompt) for prompt in prompts], device=self.device)
        texts = [row[end:] for row, end in zip(rows, ends, strict=True)]
        return generate_behind(self, keys_of(self, ids, mask), which, mask, texts, pad_id, **options)

    # ---- training and keeping it

    def parts(self) -> list[list[nn.Parameter]]:
        """Each prompt by itself: a frozen base model lets none act on another. They share memory with the embedding."""
        if not isinstance(self.soft_embedding.weight, nn.Parameter):  # a parametrization computes the rows (lesson 08)
            return super().parts()
        return [[nn.Parameter(self.soft_embedding.weight.data[self.rows(name)])] for name in self.soft_vocabulary]

    def share_gradients(self, parts: list[list[nn.Parameter]]) -> None:
        """Give each prompt its rows of the embedding's gradient, and none to prompts that no text was behind."""
        if not isinstance(self.soft_embedding.weight, nn.Parameter):
            return
        for (part,), name in zip(parts, self.soft_vocabulary, strict=True):
            gradient = self.soft_embedding.weight.grad[self.rows(name)]
            part.grad = gradient if bool(gradient.any()) else None

    def save_prompt(
        self, folder: str | Path, soft_token: str | None = None, overwrite: bool = False, about: dict[str, str] | None = None
    ) -> None:
        """Save the rows of ``soft_token`` as a PEFT adapter folder; errors and warnings: `prompt_files.write_prompt`."""
        rows = self.soft_rows()[self.rows(soft_token)]
        begin_first = self.begin_first[self.index(soft_token)] if self.begin_token_id is not None else None
        about = {**(about or {}), "base_weights": json.dumps(weights_sample(self.base_model))}
        write_prompt(folder, rows, self.config.name_or_path, overwrite, begin_first, about)

    @torch.no_grad()
    def load_prompt(self, folder: str | Path, soft_token: str | None = None) -> None:
        """Fill the rows of ``soft_token`` from a folder; errors and warnings: `prompt_files.read_prompt`."""
        rows = self.soft_embedding.weight[self.rows(soft_token)]  # a view
        saved = read_prompt(folder, *rows.shape, self.config.name_or_path)
        theirs, ours = json.loads(saved.about.get("base_weights", "null")), weights_sample(self.base_model)
        same_name = Path(saved.base_model).name == Path(self.config.name_or_path).name  # another one was warned of already
        if theirs and same_name and not torch.allclose(torch.tensor(theirs), torch.tensor(ours), rtol=0.01, atol=1e-4):
            warnings.warn(f"the prompt in {folder} was trained for a {saved.base_model} with other weights than this "
                          f"{self.config.name_or_path}: it may do worse", CourseWarning, 2)
        rows.copy_(saved.rows)
        self.begin_first[self.index(soft_token)] = saved.begin_first

    def save(self, folder: str | Path, overwrite: bool = False, about: dict[str, str] | None = None) -> None:
        """`save_prompt` for the entry in use, as every system has it."""
        self.save_prompt(folder, overwrite=overwrite, about=about)
