"""Pre-train one course model on the gazette: ``python data/build/pretrain.py m --tokens 20000000``.

The learning rate warms up, stays constant and falls to zero over the last quarter (Hu et al. 2024, MiniCPM, section 4), so
that a run can be made longer later: training resumes from ``work/<size>/checkpoint.pt`` and the same command twice does
nothing new. Batch ``i`` is a function of the seed and ``i`` alone. ``--further`` trains on from the model that ships: its
learning rate warms up once more and falls at the new end, which costs little against one long run (Wen et al. 2024,
"Understanding warmup-stable-decay learning rates", WSD-S); the log says where each stage began. Where the processor has AMX,
the forward pass runs in bfloat16, about twice as fast; elsewhere in fp32.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from induction import start_with_induction
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from course_utils.precision import autocast

WORK = Path(__file__).parent / "work"
SHIPPED = Path(__file__).parents[1] / "base_models"
SIZES = {  # width, layers, heads, peak learning rate
    "xs": (32, 2, 4, 6e-3), "s": (80, 2, 4, 4e-3), "m": (128, 4, 4, 3e-3), "l": (224, 5, 7, 2e-3)}
BLOCK, ROWS, SEED = 512, 8, 1           # 4,096 tokens a step: 16 x 256 three times out of four, 8 x 512 once
HELD_OUT = range(39_974, 40_038)        # blocks of the text that are never trained on, the same for every amount of it
WARMUP, DECAY = 150, 0.25


def build_model(size: str, tokenizer) -> GPT2LMHeadModel:
    width, layers, heads, _ = SIZES[size]
    torch.manual_seed(SEED)
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=BLOCK, n_embd=width, n_layer=layers, n_head=heads,
                        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=tokenizer.bos_token_id,
                        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    model = GPT2LMHeadModel(config)
    start_with_induction(model, SEED)
    return model


def batch(blocks: np.ndarray, step: int) -> torch.Tensor:
    rows = torch.from_numpy(blocks[step * ROWS:(step + 1) * ROWS].astype(np.int64))
    return rows if step % 4 == 3 else rows.reshape(2 * ROWS, BLOCK // 2)


def learning_rate(step: int, steps: int, peak: float, stage_start: int = 0) -> float:
    decay_start = int(steps * (1 - DECAY))
    if step < stage_start + WARMUP:
        return peak * (step - stage_start + 1) / WARMUP
    return peak if step < decay_start else peak * (steps - step) / (steps - decay_start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--tokens", type=int, default=20_000_000)
    parser.add_argument("--further", action="store_true", help="set out from data/base_models instead of from nothing")
    parser.add_argument("--no-compile", action="store_true", help="where there is no C++ compiler")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(WORK / "tokenizer")
    model, peak = build_model(args.size, tokenizer), SIZES[args.size][3]
    folder = WORK / args.size
    folder.mkdir(exist_ok=True)

    tokens = np.load(WORK / "tokens.npy", mmap_mode="r")
    blocks = tokens[:len(tokens) // BLOCK * BLOCK].reshape(-1, BLOCK)
    if len(blocks) < HELD_OUT.stop:
        parser.error(f"the text has {len(blocks)} blocks, fewer than {HELD_OUT.stop}; make more with text.py")
    held_out, blocks = torch.from_numpy(blocks[HELD_OUT.start:HELD_OUT.stop].astype(np.int64)), np.delete(blocks, HELD_OUT, axis=0)
    steps = args.tokens // (ROWS * BLOCK)
    if steps * ROWS > len(blocks):
        parser.error(f"--tokens {args.tokens} needs {steps * ROWS} blocks, but text.py made {len(blocks)}; make more text")

    decayed = [p for p in model.parameters() if p.dim() >= 2]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.1},
                                   {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0}],
                                  betas=(0.9, 0.98), fused=True)

    def loss_of(ids):
        logits = model.lm_head(model.transformer(ids, use_cache=False).last_hidden_state)
        return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten())

    run = loss_of if args.no_compile else torch.compile(loss_of)
    log, stages, first, checkpoint = [], [0], 0, folder / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        log, stages, first = state["log"], state["stages"], state["step"]
    elif args.further:
        model.load_state_dict(GPT2LMHeadModel.from_pretrained(SHIPPED / f"course-gpt2-{args.size}", dtype=torch.float32).state_dict())
        shipped = json.loads((SHIPPED / "training.json").read_text())["models"][args.size]
        log, first = shipped["log"], shipped["log"][-1]["step"]
        stages = [*shipped.get("stages", [0]), first]

    def save(step):
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "log": log, "stages": stages,
                    "step": step}, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)

    @torch.no_grad()
    def validation_loss():
        with autocast(model):
            return sum(loss_of(held_out[i:i + ROWS]).item() for i in range(0, len(HELD_OUT), ROWS)) * ROWS / len(HELD_OUT)

    started, total = time.time(), 0.0
    for step in range(first, steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, peak, stages[-1])
        with autocast(model):
            loss = run(batch(blocks, step))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item()
        if not math.isfinite(total):
            raise FloatingPointError(f"the loss became {loss.item()} at step {step}")
        if (step + 1) % 100 == 0 or step + 1 == steps:
            train = total / (step + 1 - (step // 100) * 100) if step + 1 - first >= 100 else loss.item()
            log.append({"step": step + 1, "tokens": (step + 1) * ROWS * BLOCK, "train_loss": round(train, 4),
                        "validation_loss": round(validation_loss(), 4), "learning_rate": group["lr"]})
            rate = (step + 1 - first) * ROWS * BLOCK / (time.time() - started)
            print(f"{args.size} step {step + 1}/{steps} train {train:.4f} validation {log[-1]['validation_loss']:.4f} "
                  f"{rate / 1e3:.1f}k tok/s {time.time() - started:.0f}s", flush=True)
            total = 0.0
        if (step + 1) % 100 == 0 or step + 1 == steps or step + 1 == int(steps * (1 - DECAY)):
            save(step + 1)
            if step + 1 == int(steps * (1 - DECAY)):          # from here a longer run can set out again
                torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "log": log,
                            "stages": stages, "step": step + 1}, folder / "before_decay.pt")
    model.half().save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    (folder / "log.json").write_text(json.dumps({
        "size": args.size, "parameters": model.num_parameters(), "tokens": steps * ROWS * BLOCK, "seed": SEED, "stages": stages,
        "peak_learning_rate": peak, "torch": torch.__version__, "log": log}, indent=1))


if __name__ == "__main__":
    main()
