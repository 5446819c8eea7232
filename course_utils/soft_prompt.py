"""The heart of the course: a frozen language model with a few trainable vectors in front of its input."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from .data import IGNORED
from .prompt_files import read_prompt, write_prompt
from .prompt_init import initial_rows


class GPT2WithSoftPrompt(nn.Module):
    """A decoder-only model of transformers with a soft prompt (Lester et al. 2021, arXiv 2104.08691).

    Each entry of ``soft_vocabulary`` owns ``prompt_length`` rows of one trainable embedding, put in
    front of the input embeddings. The base model is held, not copied: it gets frozen and stays in
    eval mode. ``init`` is "vocab" (may take ``init_token_ids``), "random", or "text" (needs
    ``init_text`` and ``tokenizer``). ``soft_token`` is the entry in use where a call names none.
    """

    def __init__(
        self,
        base_model: PreTrainedModel,
        soft_vocabulary: Sequence[str] = ("[SUMMARIZE]",),
        prompt_length: int = 1,
        init: str = "vocab",
        init_text: str | None = None,
        tokenizer=None,
        seed: int = 0,
        init_token_ids: Sequence[int] | None = None,
    ):
        super().__init__()
        names = (soft_vocabulary,) if isinstance(soft_vocabulary, str) else tuple(soft_vocabulary)
        if prompt_length < 1:
            raise ValueError(f"prompt_length must be >= 1, got {prompt_length}")
        if not names or len(set(names)) < len(names):
            raise ValueError(f"soft_vocabulary must be one or more different names, got {names}")
        self.base_model = base_model.requires_grad_(False)
        self.soft_vocabulary, self.soft_token, self.prompt_length = names, names[0], prompt_length
        embed = base_model.get_input_embeddings()
        rows = initial_rows(embed, len(names), prompt_length, init, seed, init_text, tokenizer, init_token_ids)
        # Trained in fp32 whatever the base model's type: half precision would swallow small steps.
        self.soft_embedding = nn.Embedding.from_pretrained(rows.to(embed.weight.device), freeze=False)
        self.takes_positions = "position_ids" in inspect.signature(base_model.forward).parameters
        self.begin_token_id = getattr(base_model, "begin_token_id", None)  # from `load_base_model`
        self.train(False)

    @property
    def config(self):
        return self.base_model.config

    @property
    def device(self) -> torch.device:
        return self.soft_embedding.weight.device

    def train(self, mode: bool = True) -> GPT2WithSoftPrompt:
        super().train(mode)
        self.base_model.eval()  # with its dropout on, the prompt would be trained against noise
        return self

    def rows(self, soft_token: str | None = None) -> slice:
        """Where the embedding holds ``soft_token``; ValueError if the vocabulary lacks it."""
        name = self.soft_token if soft_token is None else soft_token
        if name not in self.soft_vocabulary:
            raise ValueError(f"unknown soft token {name!r}: expected one of {', '.join(self.soft_vocabulary)}")
        start = self.soft_vocabulary.index(name) * self.prompt_length
        return slice(start, start + self.prompt_length)

    def join(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None, soft_token: str | None) -> dict:
        """Put the prompt in front of the text: ``[prompt][text][pad]``, or ``[pad][prompt][text]``."""
        (batch, length), prompt = input_ids.shape, self.prompt_length
        limit = getattr(self.config, "max_position_embeddings", None)
        if limit and prompt + length > limit:
            raise ValueError(f"the base model has {limit} positions: {prompt} prompt + {length} text must fit, cut the text")
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        text = self.base_model.get_input_embeddings()(input_ids)  # [batch, text, width]
        soft = self.soft_embedding.weight[self.rows(soft_token)].to(text.dtype)  # [prompt, width]
        embeds = torch.cat([soft.expand(batch, -1, -1), text], dim=1)  # [batch, prompt + text, width]
        start = (mask.cumsum(1) == 0).sum(1, keepdim=True)  # [batch, 1] where the prompt goes: behind left pads
        if self.begin_token_id is not None:  # it stays first, as in front of a hard prompt: see `data.source_ids`
            start += input_ids.gather(1, start) == self.begin_token_id
        mask = F.pad(mask, (prompt, 0), value=1)  # [batch, prompt + text]
        if start.any():  # now [prompt][pad][text]: swap the first two, row by row
            new = torch.arange(prompt + length, device=mask.device).expand(batch, -1)  # [batch, prompt + text]
            old = torch.where(new < start, new + prompt, torch.where(new < start + prompt, new - start, new))
            embeds, mask = embeds.gather(1, old[..., None].expand_as(embeds)), mask.gather(1, old)
        return {"inputs_embeds": embeds, "attention_mask": mask}

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None, soft_token: str | None = None,
    ) -> CausalLMOutput:
        """Run the base model on the prompt and ``input_ids`` [batch, text], padded on either side.

        Without labels: ``.logits`` [batch, prompt + text, vocab]. With ``labels`` [batch, text], -100
        where nothing is to be predicted: ``.logits`` [targets, vocab] and ``.loss`` of `run_on_targets`.
        """
        inputs = self.join(input_ids, attention_mask, soft_token)
        if self.takes_positions:  # GPT-2's forward would count pads on the left
            inputs["position_ids"] = (inputs["attention_mask"].cumsum(1) - 1).clamp(min=0)
        if labels is None:
            return CausalLMOutput(logits=self.base_model(**inputs, use_cache=False).logits)
        return run_on_targets(self.base_model, labels, self.prompt_length, **inputs)

    @torch.no_grad()
    def generate(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None,
        max_new_tokens: int = 32, soft_token: str | None = None, **options,
    ) -> torch.Tensor:
        """New ids [batch, up to max_new_tokens] after left-padded ``input_ids`` [batch, text], greedily.

        A row ends with the end token and is filled up with pads. ``options`` go to transformers' generate.
        """
        inputs = self.join(input_ids, attention_mask, soft_token)
        return self.base_model.generate(**inputs, **{"do_sample": False, "max_new_tokens": max_new_tokens, **options})

    def save_prompt(self, folder: str | Path, soft_token: str | None = None, overwrite: bool = False) -> None:
        """Save the rows of ``soft_token`` as a PEFT adapter folder; errors: `prompt_files.write_prompt`."""
        write_prompt(folder, self.soft_embedding.weight[self.rows(soft_token)], self.config.name_or_path, overwrite)

    @torch.no_grad()
    def load_prompt(self, folder: str | Path, soft_token: str | None = None) -> None:
        """Fill the rows of ``soft_token`` from a folder; errors: `prompt_files.read_prompt`."""
        rows = self.soft_embedding.weight[self.rows(soft_token)]  # a view
        rows.copy_(read_prompt(folder, *rows.shape))


def run_on_targets(base_model: PreTrainedModel, labels: torch.Tensor, prompt_length: int = 0, **inputs) -> CausalLMOutput:
    """Run a base model on ``inputs`` whose text, behind ``prompt_length`` rows, has the ``labels`` [batch, text].

    ``.logits`` [targets, vocab], one row for each label that is not -100; ``.loss``, their mean loss in nats. The output
    layer is costly and most positions need none: over GPT-2's vocabulary, the logits of 32 long sources take 6 GB, twice.
    """
    columns = (labels != IGNORED).any(0).nonzero()[:, 0]  # [columns] positions where any row has a label
    if len(columns) == 0:
        raise ValueError(f"labels hold no target token: all {labels.numel()} are {IGNORED}")
    before = columns + prompt_length - 1  # a token is predicted at the position before it
    logits = base_model(**inputs, use_cache=False, logits_to_keep=before).logits  # [batch, columns, vocab]
    wanted = labels[:, columns] != IGNORED  # [batch, columns]
    logits = logits[wanted].float()  # [targets, vocab]
    return CausalLMOutput(loss=F.cross_entropy(logits, labels[:, columns][wanted]), logits=logits)
