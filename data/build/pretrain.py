"""Pre-train one course model on the gazette: ``python data/build/pretrain.py m --tokens 60000000``.

All sizes read the same pages in the same order, once, 16,384 tokens a step: one step in four in windows of 256 tokens, two of 512,
one of 1,024. The learning rate warms up, stays constant and falls to zero over the last quarter (Hu et al. 2024, MiniCPM, section 4).
Training resumes from ``work/<size>/checkpoint.pt``, and the same command twice does nothing new. A text that is still being
written (``text.py``) is waited for. Matrix products are bfloat16 on a GPU and where the processor has AMX, elsewhere fp32.

Five times in a run the log notes the loss on held-out pages and how many words of unseen sentences are translated right (``probe.py``).
``--keep 15 30 60`` saves the model as it is after so many million tokens, with the learning rate still high.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from induction import start_with_induction
from probe import probe
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

WORK = Path(__file__).parent / "work"
SIZES = {  # width, layers, heads, peak learning rate
    "xs": (32, 2, 4, 1e-2), "s": (80, 2, 5, 7e-3), "m": (128, 4, 4, 5e-3), "l": (224, 5, 7, 3e-3)}
POSITIONS, STEP_TOKENS, SEED = 1024, 16_384, 1
WINDOWS = (256, 512, 512, 1024)
WARMUP, DECAY = 200, 0.25


def build_model(size: str, tokenizer) -> GPT2LMHeadModel:
    width, layers, heads, _ = SIZES[size]
    torch.manual_seed(SEED)
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=POSITIONS, n_embd=width, n_layer=layers, n_head=heads,
                        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=tokenizer.bos_token_id,
                        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    model = GPT2LMHeadModel(config)
    start_with_induction(model, SEED)
    return model


def read_text(first_step: int, patience: float = 120.0) -> Iterator[torch.Tensor]:
    """Ids of step after step from ``first_step``, ``[STEP_TOKENS]`` each; a file that is missing is waited for."""
    rest, number, skip = np.empty(0, np.uint16), 0, first_step * STEP_TOKENS
    while True:
        path, since = WORK / "text" / f"{number:05}.npy", time.time()
        while not path.exists():
            if time.time() - since > patience:
                raise FileNotFoundError(f"{path} is missing: make more text with text.py")
            time.sleep(0.2)
        rest = np.concatenate([rest, np.load(path)])
        dropped = min(skip, len(rest))
        rest, skip, number = rest[dropped:], skip - dropped, number + 1
        for _ in range(len(rest) // STEP_TOKENS):
            yield torch.from_numpy(rest[:STEP_TOKENS].astype(np.int64))
            rest = rest[STEP_TOKENS:]


def learning_rate(step: int, steps: int, peak: float) -> float:
    decay_start = int(steps * (1 - DECAY))
    if step < WARMUP:
        return peak * (step + 1) / WARMUP
    return peak if step < decay_start else peak * (steps - step) / (steps - decay_start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--tokens", type=int, default=60_000_000)
    parser.add_argument("--keep", type=int, nargs="*", default=[], help="save the model after so many million tokens, too")
    args = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(WORK / "tokenizer")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    bf16 = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda" or torch.cpu._is_amx_tile_supported())
    model, peak = build_model(args.size, tokenizer).to(device), SIZES[args.size][3]
    folder = WORK / args.size
    folder.mkdir(exist_ok=True)
    held_out = torch.from_numpy(np.load(WORK / "held_out.npy").astype(np.int64)).to(device).reshape(-1, 512)
    steps = args.tokens // STEP_TOKENS
    keep = {million * 1_000_000 // STEP_TOKENS: million for million in args.keep}

    decayed = [p for p in model.parameters() if p.dim() >= 2]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.1},
                                   {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0}],
                                  betas=(0.9, 0.98), fused=True)
    log, first, checkpoint = [], 0, folder / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location=device)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        log, first = state["log"], state["step"]

    def loss_of(ids):
        with bf16:
            logits = model.lm_head(model.transformer(ids, use_cache=False).last_hidden_state)
        return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten())

    def save_model(name: str) -> None:
        state = {key: value.half() for key, value in model.state_dict().items() if key != "lm_head.weight"}
        copy = GPT2LMHeadModel(model.config).half()
        copy.load_state_dict(state, strict=False)
        copy.tie_weights()
        copy.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)

    started, total, since, text = time.time(), torch.zeros((), device=device), first, read_text(first)
    for step in range(first, steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, peak)
        loss = loss_of(next(text).to(device).reshape(-1, WINDOWS[step % len(WINDOWS)]))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        total += loss.detach()
        if step + 1 in keep:
            save_model(f"model-{keep[step + 1]}M")
        if (step + 1) % max(steps // 40, 1) and step + 1 < steps:
            continue
        model.eval()
        with torch.no_grad():
            validation = sum(loss_of(rows).item() for rows in held_out.split(16)) / (len(held_out) // 16)
        row = {"step": step + 1, "tokens": (step + 1) * STEP_TOKENS, "train_loss": round(total.item() / (step + 1 - since), 4),
               "validation_loss": round(validation, 4), "learning_rate": group["lr"]}
        if not math.isfinite(row["train_loss"]):
            raise FloatingPointError(f"the loss became {row['train_loss']} before step {step + 1}")
        if len(log) % 8 == 7 or step + 1 == steps:
            row |= {f"{name} right, %": round(value, 1) for name, value in probe(model, tokenizer).items()}
        model.train()
        log.append(row)
        total, since = torch.zeros((), device=device), step + 1
        print(args.size, json.dumps(row), f"{(step + 1 - first) * STEP_TOKENS / (time.time() - started) / 1e3:.0f}k tok/s", flush=True)
        if device.type == "cpu":
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "log": log, "step": step + 1},
                       checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
    save_model("model")
    (folder / "log.json").write_text(json.dumps({
        "size": args.size, "parameters": model.num_parameters(), "tokens": steps * STEP_TOKENS, "seed": SEED,
        "peak_learning_rate": peak, "torch": torch.__version__, "device": device.type, "log": log}, indent=1))


if __name__ == "__main__":
    main()
