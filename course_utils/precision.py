"""What a model computes in: bfloat16 where the processor has it, and what makes that quicker."""

from __future__ import annotations

import contextlib

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.activations import NewGELUActivation
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask
from transformers.pytorch_utils import Conv1D

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
ATTENTION = "sdpa_with_fp32_gradients"


def has_native_bfloat16(device: torch.device | str) -> bool:
    """Whether ``device`` multiplies in bfloat16 by instructions of its own: CUDA from Ampere on, CPUs with AMX or AVX512_BF16.

    Measured on two cores, training steps at the shape of GPT-2 small: 1.67 times as fast as fp32 with AVX512_BF16 alone, 1.6 to
    2.0 times with AMX; on a CPU with neither it took twice as long, and cards such as Colab's T4 only emulate it.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)  # without the argument it says yes to emulation, too
    asks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return kind == "cpu" and any(getattr(torch.cpu, ask, lambda: False)() for ask in asks)


def autocast(model: torch.nn.Module, dtype: str = "auto") -> contextlib.AbstractContextManager:
    """A context, to be entered at every step, in which a model with fp32 weights multiplies in bfloat16.

    If ``dtype`` is "bfloat16", or "auto" and it pays: on a CPU not for models narrower than 128, course-gpt2-s among them.
    """
    pays = dtype != "auto" or model.config.hidden_size >= 128 or torch.device(model.device).type != "cpu"
    if pays and next(model.parameters()).dtype == torch.float32 and pick_dtype(dtype, model.device) == torch.bfloat16:
        return Autocast(model)
    return contextlib.nullcontext()


class Autocast(torch.autocast):
    """bfloat16 as `torch.autocast` has it, to the bit, but frozen weights are rounded once, not at every step.

    While it is entered, frozen layers hold the rounded weights. A step at the shape of GPT-2 small takes 15 to 20 % less.
    """

    def __init__(self, model: torch.nn.Module):
        super().__init__(torch.device(model.device).type, torch.bfloat16)
        layers = [m for m in model.modules() if isinstance(m, (torch.nn.Linear, Conv1D)) and not m.weight.requires_grad]
        self.others = [(m, torch.nn.Parameter(m.weight.detach().to(torch.bfloat16), requires_grad=False)) for m in layers]

    def exchange(self) -> None:
        others, self.others = self.others, [(layer, layer.weight) for layer, _ in self.others]
        for layer, weight in others:
            layer.weight = weight

    def __enter__(self):
        self.exchange()
        return super().__enter__()

    def __exit__(self, *error):
        self.exchange()
        return super().__exit__(*error)


def attention(module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask, **options):
    """transformers' call of PyTorch's attention, in fp32 where a CPU would train in bfloat16.

    PyTorch's way back through it takes 3 to 5 times as long in bfloat16: half of a training step of course-gpt2-l.
    """
    if query.device.type != "cpu" or query.dtype != torch.bfloat16 or not torch.is_grad_enabled():
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    with torch.autocast("cpu", enabled=False):
        if attention_mask is not None and attention_mask.is_floating_point():
            attention_mask = attention_mask.float()
        output, weights = sdpa_attention_forward(module, query.float(), key.float(), value.float(), attention_mask, **options)
    return output.to(query.dtype), weights


def pick_dtype(dtype: str | torch.dtype | None, device: torch.device | str) -> torch.dtype:
    """A torch dtype from "float32", "bfloat16", "auto" (bfloat16 where `has_native_bfloat16`) or None (fp32)."""
    if dtype == "auto":
        return torch.bfloat16 if has_native_bfloat16(device) else torch.float32
    if dtype not in (*DTYPES, *DTYPES.values(), None):
        raise ValueError(f"dtype must be auto, {' or '.join(DTYPES)}, got {dtype!r}")
    return DTYPES.get(dtype, dtype) or torch.float32


def speed_up(model: PreTrainedModel) -> None:
    """Two replacements that change results by no more than rounding does, for this model alone.

    GPT-2's GELU, five tensor operations in transformers, becomes PyTorch's single one of the same formula: a quarter off the
    training time of course-gpt2-m on a CPU. PyTorch's attention becomes `attention`.
    """
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, torch.nn.GELU(approximate="tanh"))
    if model.device.type == "cpu" and model.config._attn_implementation == "sdpa":
        AttentionInterface.register(ATTENTION, attention)
        AttentionMaskInterface.register(ATTENTION, sdpa_mask)
        model.set_attn_implementation(ATTENTION)
