"""The systems that have no module of their own, and `make_system`, which makes any of them by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import peft
import torch
from torch import nn

from .batches import left_pad, token_ids
from .key_values import compile_prompt
from .loss import logits_at, wanted_positions
from .prompt_files import short_name, write_prompt
from .soft_prompt import GPT2WithSoftPrompt
from .system import System
from .tasks import Task

SYSTEMS = ("hard prompt", "soft prompt", "prompt tuning, PEFT", "P-tuning", "prefix tuning", "LoRA", "full fine-tuning",
           "discrete search")


class PlainModel(System):
    """A model that reads tokens: behind a hard prompt, with LoRA's adapters in it, or trained as a whole.

    ``hard_prompt`` is what evaluation puts to the text (`tasks.with_hard_prompt`). ``train_base``: the whole model learns, and
    its dropout is on while it does.
    """

    def __init__(self, base_model, hard_prompt: str | None = None, train_base: bool = False):
        super().__init__(base_model)
        self.hard_prompt, self.train_base = hard_prompt, train_base

    def train(self, mode: bool = True) -> PlainModel:
        super().train(mode and self.train_base)
        return self

    def target_logits(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor):
        wanted, targets = wanted_positions(labels)
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask, "use_cache": False}
        return logits_at(self.base_model, wanted, **inputs), targets

    @torch.no_grad()
    def continue_rows(self, rows: Sequence[Sequence[int]], pad_id: int, **options) -> torch.Tensor:
        ids, mask = (t.to(self.device) for t in left_pad(rows, pad_id))
        new = self.base_model.generate(input_ids=ids, attention_mask=mask, do_sample=False, **options)
        return new[:, ids.shape[1] :]

    def save(self, folder: str | Path, overwrite: bool = False, about: dict[str, str] | None = None) -> None:
        """Write the adapter, or the model if all of it was trained, as safetensors; a hard prompt is its text."""
        folder = Path(folder)
        if folder.exists() and any(folder.iterdir()) and not overwrite:
            raise FileExistsError(f"{folder} holds files already: choose another folder or pass overwrite=True")
        if isinstance(self.base_model, peft.PeftModel):
            for config in self.base_model.peft_config.values():
                config.base_model_name_or_path = short_name(str(config.base_model_name_or_path))
            card = folder / "README.md"
            had_card = card.exists()
            self.base_model.save_pretrained(folder, save_embedding_layers=False)  # "auto" would ask the hub about the base
            if not had_card:  # PEFT's empty form, in which a path of this machine may stand
                card.unlink(missing_ok=True)
        elif self.train_base:
            self.base_model.save_pretrained(folder)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "hard_prompt.txt").write_text(self.hard_prompt or "", encoding="utf-8")


class PeftPromptTuning(PlainModel):
    """PEFT's own prompt tuning: the reference that `GPT2WithSoftPrompt` is measured against.

    PEFT ignores positions, so rows that are padded on the left come out wrong: rows are generated in groups of equal length.
    """

    def __init__(self, base_model, prompt_length: int, rows: torch.Tensor | None = None):
        config = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=prompt_length)
        super().__init__(peft.get_peft_model(base_model, config))
        self.positions = prompt_length
        if rows is not None:
            self.base_model.prompt_encoder["default"].embedding.weight.data.copy_(rows)

    def target_logits(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor):
        wanted, targets = wanted_positions(labels)
        logits = self.base_model(input_ids=input_ids, attention_mask=attention_mask).logits  # [batch, prompt + text, vocab]
        return logits[:, self.positions :][wanted].float(), targets

    @torch.no_grad()
    def continue_rows(self, rows: Sequence[Sequence[int]], pad_id: int, **options) -> torch.Tensor:
        new = {}
        for length in sorted({len(row) for row in rows}, reverse=True):  # `AnswerEnds` tells a new group by its shorter rows
            group = [i for i, row in enumerate(rows) if len(row) == length]
            new |= dict(zip(group, super().continue_rows([rows[i] for i in group], pad_id, **options), strict=True))
        return nn.utils.rnn.pad_sequence([new[i] for i in range(len(rows))], batch_first=True, padding_value=pad_id)

    def save(self, folder: str | Path, overwrite: bool = False, about: dict[str, str] | None = None) -> None:
        """The prompt alone, in the place that PEFT gives it."""
        rows = self.base_model.prompt_encoder["default"].embedding.weight
        write_prompt(folder, rows, self.base_model.get_base_model().config.name_or_path, overwrite, None, about)


class PTuning(GPT2WithSoftPrompt):
    """P-tuning (Liu et al. 2021, arXiv 2103.10385): a soft prompt whose rows are the output of a small trained network.

    The network is PEFT's; what is saved are the rows that it computes, an ordinary soft prompt.
    """

    def __init__(self, base_model, soft_vocabulary, prompt_length: int, *init, hidden: int | None = None, seed: int = 0):
        super().__init__(base_model, soft_vocabulary, prompt_length, *init, seed=seed)
        start, width = self.soft_embedding.weight.detach().clone(), self.soft_embedding.embedding_dim
        torch.manual_seed(seed)
        self.encoder = peft.PromptEncoder(peft.PromptEncoderConfig(
            num_virtual_tokens=len(start), token_dim=width, encoder_hidden_size=hidden or width, num_transformer_submodules=1))
        self.encoder.to(start.device)
        self.silence()  # its random output is far from any token; starting as a soft prompt does keeps the comparison fair
        self.soft_embedding.weight.requires_grad_(False)

    def silence(self) -> None:
        """Let the network add nothing to the rows, for now."""
        for weight in self.encoder.mlp_head[-1].parameters():
            nn.init.zeros_(weight)

    def load_prompt(self, folder: str | Path, soft_token: str | None = None) -> None:
        super().load_prompt(folder, soft_token)
        self.silence()

    parts, share_gradients = System.parts, System.share_gradients  # all rows come out of one network

    def soft_rows(self) -> torch.Tensor:
        indices = torch.arange(self.soft_embedding.num_embeddings, device=self.device)
        return self.soft_embedding.weight + self.encoder(indices[None])[0]


class SearchedPrompt(GPT2WithSoftPrompt):
    """A hard prompt of ``prompt_length`` tokens whose tokens `discrete_search.search` looks for, held and saved as a soft prompt.

    Its rows are always the base model's own embeddings of ``ids``, so nothing of it can be trained. It starts at the tokens whose
    embeddings are nearest to the rows that ``init`` gives: those very tokens for "vocab" and "text". Reserved tokens, such as the
    end token, and ids that the tokenizer does not have are never part of it.
    """

    def __init__(self, base_model, soft_vocabulary, prompt_length: int, *init, tokenizer, seed: int = 0):
        super().__init__(base_model, soft_vocabulary, prompt_length, *init, tokenizer, seed)
        self.soft_embedding.weight.requires_grad_(False)
        self.tokenizer = tokenizer
        reserved = {*tokenizer.all_special_ids, *(i for i, token in tokenizer.added_tokens_decoder.items() if token.special)}
        self.allowed = torch.tensor([i for i in range(min(len(tokenizer), self.vocab_size)) if i not in reserved])
        self.take_nearest()

    @torch.no_grad()
    def table(self, ids: torch.Tensor | Sequence[int]) -> torch.Tensor:
        """The base model's embeddings of ``ids``, [ids, width], fp32, as its layer hands them out."""
        return self.base_model.get_input_embeddings()(torch.as_tensor(ids, device=self.device)).float()

    def set_ids(self, ids: Sequence[int]) -> None:
        """Make ``ids``, as many as the prompt has tokens, the prompt. ValueError for another number of them."""
        if len(ids) != self.prompt_length:
            raise ValueError(f"got {len(ids)} ids for a prompt of {self.prompt_length} tokens: expected as many")
        self.ids = list(map(int, ids))
        self.soft_embedding.weight.data.copy_(self.table(self.ids))

    def take_nearest(self) -> None:
        """Make each row the embedding of the allowed token that is nearest to it."""
        distances = torch.cdist(self.soft_rows(), self.table(self.allowed))  # [prompt, allowed]
        self.set_ids(self.allowed[distances.argmin(1).cpu()].tolist())

    @property
    def text(self) -> str:
        """The prompt as it reads. Typed again it may become other tokens: see `found`."""
        return self.tokenizer.decode(self.ids, clean_up_tokenization_spaces=False)

    def found(self) -> dict:
        """The text, its ids, and whether typing the text gives those ids again; if not, the text is another prompt."""
        return {"found": self.text, "found_ids": self.ids, "found_can_be_typed": token_ids(self.tokenizer, self.text) == self.ids}

    def save(self, folder: str | Path, overwrite: bool = False, about: dict[str, str] | None = None) -> None:
        """As a soft prompt, with the text and its ids noted beside it: ``read_prompt(folder).about["found"]``."""
        super().save(folder, overwrite, {**(about or {}), "found": self.text, "found_ids": json.dumps(self.ids)})

    def load_prompt(self, folder: str | Path, soft_token: str | None = None) -> None:
        super().load_prompt(folder, soft_token)
        self.take_nearest()


def as_system(model) -> System:
    """``model`` if it is a system, else a `PlainModel` around it, which is trained as a whole if any of it is."""
    if isinstance(model, System):
        return model
    system = PlainModel(model, train_base=any(weight.requires_grad for weight in model.parameters()))
    system.training = model.training  # a new module says that it is training; after evaluation the model must be as it was
    return system


def make_system(
    name: str, base_model, task: Task, length: int = 20, init: str = "vocab", init_text: str | None = None, tokenizer=None,
    seed: int = 0, hard_prompt: str | None = None, rank: int = 8,
) -> System:
    """The system of that name (`SYSTEMS`) on ``base_model``, which LoRA and full fine-tuning change: give them one of their own.

    ``length``: virtual tokens of the prompts. ``rank``: LoRA's. ``hard_prompt`` defaults to the reported one. Raises ValueError
    for an unknown name.
    """
    def soft_prompt() -> GPT2WithSoftPrompt:
        return GPT2WithSoftPrompt(base_model, [task.soft_token], length, init, init_text, tokenizer, seed)

    if name == "hard prompt":
        return PlainModel(base_model.requires_grad_(False), task.hard_prompt if hard_prompt is None else hard_prompt)
    if name == "soft prompt":
        return soft_prompt()
    if name == "discrete search":
        return SearchedPrompt(base_model, [task.soft_token], length, init, init_text, tokenizer=tokenizer, seed=seed)
    if name == "prompt tuning, PEFT":
        return PeftPromptTuning(base_model, length, soft_prompt().soft_rows().detach())
    if name == "P-tuning":
        return PTuning(base_model, [task.soft_token], length, init, init_text, tokenizer, seed=seed)
    if name == "prefix tuning":
        return compile_prompt(soft_prompt(), trainable=True)
    if name == "LoRA":
        torch.manual_seed(seed)
        sideways = base_model.config.model_type == "gpt2"  # it stores its weights transposed
        config = peft.LoraConfig(task_type="CAUSAL_LM", r=rank, lora_alpha=2 * rank, fan_in_fan_out=sideways)
        return PlainModel(peft.get_peft_model(base_model, config))
    if name == "full fine-tuning":
        return PlainModel(base_model.requires_grad_(True), train_base=True)
    raise ValueError(f"unknown system {name!r}: expected one of {', '.join(SYSTEMS)}")
