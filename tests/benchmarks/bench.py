"""Ours against PEFT's prompt tuning and against the machine, in one run: ``make bench``, ``make bench ARGS=--quick``.

What is compared takes turns, batch by batch, and medians are divided, so that a busy machine disturbs both sides alike. With
``--threads 1`` the clock is the processor's time. Tables are printed, everything goes to build/bench/<date>.json. No tests:
nothing fails here. PEFT runs as its users run it: fp32, shuffled batches padded on the right, logits at all positions.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from functools import partial
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))
import parts  # noqa: I001  sets up: before the libraries
import pandas as pd
import peft
import torch
import transformers
from parts import (
    BATCH, GPT2, MODELS, PROMPT, SHAPES, alternate, base_model, lengths, loss_and_gradient, our_step, ours, peft_model, peft_step,
    records, step_memory,
)
from transformers.activations import NewGELUActivation

from course_utils import collate, compile_prompt, left_pad
from course_utils.batches import IGNORED, LengthGroupedBatches, length_sorted
from course_utils.precision import Autocast, autocast, has_native_bfloat16

NEW = 40  # tokens of a generated answer


def training(name: str, shape: str, count: int, rounds: int) -> dict:
    """Examples/s of PEFT, of ours with the same precision and batches, and of ours by default."""
    sizes, soft, config = lengths(shape, count), ours(name), base_model(name).config
    shuffled = torch.randperm(count, generator=torch.Generator().manual_seed(0)).view(-1, BATCH).tolist()
    grouped = list(LengthGroupedBatches([sum(pair) for pair in sizes], BATCH, seed=0))
    tokens = sum(map(sum, sizes)) * BATCH // count + BATCH * PROMPT
    product, operations = parts.matrix_products(config, tokens, torch.float32)
    product16, _ = parts.matrix_products(config, tokens, torch.bfloat16)
    steps = {
        "PEFT": [partial(peft_step(peft_model(name), sizes), rows) for rows in shuffled],
        "fp32": [partial(our_step(soft, sizes, "float32"), rows) for rows in shuffled],
        "grouped": [partial(our_step(soft, sizes, "float32"), rows) for rows in grouped],
        "default": [partial(our_step(soft, sizes, "auto"), rows) for rows in grouped],
        "products": [product] * len(grouped), "products bf16": [product16] * len(grouped),
    }
    seconds = alternate(steps, rounds)
    batch = collate([records(sizes, soft)[i] for i in shuffled[0]], 0)
    (loss, gradient), (loss16, gradient16) = (loss_and_gradient(soft, batch, autocast(soft, d)) for d in ("float32", "auto"))
    theirs = peft_model(name)(**collate([records(sizes)[i] for i in shuffled[0]], 0)).loss.item()
    fresh, _ = loss_and_gradient(ours(name), batch)
    peak, peak16 = (operations * len(grouped) / seconds[kind] for kind in ("products", "products bf16"))
    work, best = parts.step_operations(config, sizes), peak16 if isinstance(autocast(soft), Autocast) else peak
    return {
        "model": name, "shape": shape, "PEFT ex/s": count / seconds["PEFT"], "fp32 ex/s": count / seconds["fp32"],
        "default ex/s": count / seconds["default"], "fp32/PEFT": seconds["PEFT"] / seconds["fp32"],
        "grouped fp32/PEFT": seconds["PEFT"] / seconds["grouped"], "default/PEFT": seconds["PEFT"] / seconds["default"],
        "GF/s fp32": peak / 1e9, "GF/s bf16": peak16 / 1e9, "share fp32": work / seconds["grouped"] / peak,
        "share PEFT": work / seconds["PEFT"] / peak, "share default": work / seconds["default"] / best,
        "loss-PEFT": abs(fresh - theirs), "bf16 loss": abs(loss16 - loss) / loss,
        "bf16 cosine": float(torch.cosine_similarity(gradient, gradient16, 0)),
    }


def memory(name: str, shape: str) -> dict:
    """Peak MB of a step on the longest of 64 records."""
    longest = sorted(lengths(shape, 64), key=sum)[-BATCH:]
    peaks = {kind: step_memory(kind, name, longest) for kind in ("PEFT", "ours fp32", "ours default")}
    ratios = {f"{kind}/PEFT": peaks[kind] / peaks["PEFT"] for kind in ("ours fp32", "ours default")}
    return {"model": name, "shape": shape, **peaks, **ratios}


def generation(name: str, count: int, alone: int, rounds: int) -> list[dict]:
    """Tokens/s and wrong answers of 40 new tokens after summarization sources; one by one only ``alone`` of them."""
    sources = [item["input_ids"].tolist() for item in records([(source, 0) for source, _ in lengths("summarization", count)])]
    soft, theirs, answers = ours(name), peft_model(name), {}
    options = {"max_new_tokens": NEW, "eos_token_id": None, "pad_token_id": 0}

    def run(kind, batch):
        rows = [sources[i] for i in batch]
        if kind.startswith("PEFT"):
            ids, mask = left_pad(rows, 0)
            new = theirs.generate(input_ids=ids, attention_mask=mask, do_sample=False, **options)[:, ids.shape[1]:]
        else:
            new = (compiled if "compiled" in kind else soft).continue_rows(rows, 0, **options)
        answers.setdefault(kind, {}).update(zip(batch, new.tolist(), strict=True))

    compiled = compile_prompt(soft)
    batches = {"PEFT one by one": [[i] for i in range(alone)]}
    for size in (count, BATCH):
        for kind in ("PEFT", "ours", "ours compiled"):
            batches[f"{kind}, batch {size}"] = length_sorted(list(map(len, sources)), size)
    seconds = alternate({kind: [partial(run, kind, batch) for batch in rows] for kind, rows in batches.items()}, rounds)
    rates = {kind: NEW * sum(map(len, rows)) / seconds[kind] for kind, rows in batches.items()}
    right = answers["PEFT one by one"]
    return [{"model": name, "way": kind, "tokens/s": rate, "x one by one": rate / rates["PEFT one by one"],
             "wrong": sum(answers[kind][i] != right[i] for i in right), "of": len(right)} for kind, rate in rates.items()]


def growth(rounds: int) -> list[dict]:
    """Seconds and peak MB of a step, as one thing grows: 8 texts of 100 tokens with targets of 20, 20 virtual tokens, m."""
    points = [("prompt", n, "course-gpt2-m", n, 100, BATCH) for n in (1, 5, 20, 50, 100)]
    points += [("text", n, "course-gpt2-m", PROMPT, n, BATCH) for n in (25, 50, 100, 200, 350)]
    points += [("batch", n, "course-gpt2-m", PROMPT, 100, n) for n in (1, 4, 8, 16, 32)]
    points += [("model", name, name, PROMPT, 100, BATCH) for name in MODELS[::-1]]
    table = []
    for grows, value, name, length, text, size in points:
        sizes = [(text, 20)] * size
        steps = {"PEFT": peft_step(peft_model(name, length), sizes), "ours": our_step(ours(name, length), sizes, "auto")}
        seconds = alternate({kind: [partial(step, list(range(size)))] for kind, step in steps.items()}, rounds)
        peaks = {kind: step_memory(kind, name, sizes, length) for kind in steps}
        table.append({"grows": grows, "to": value, "PEFT ms": seconds["PEFT"] * 1e3, "ours ms": seconds["ours"] * 1e3,
                      "speed": seconds["PEFT"] / seconds["ours"], "PEFT MB": peaks["PEFT"], "ours MB": peaks["ours"],
                      "memory": peaks["ours"] / peaks["PEFT"]})
    return table


def shortcuts(name: str, rounds: int) -> list[dict]:
    """What each shortcut saves on its own, the rest as it is."""
    soft, plain, sizes = ours(name), ours(name), lengths("summarization", 64)
    plain.base_model = base_model.__wrapped__(name)
    for layer in plain.base_model.transformer.h:
        layer.mlp.act = NewGELUActivation()
    items = records(sizes, soft)
    grouped = list(LengthGroupedBatches(items.lengths(), BATCH, seed=0))
    batch = collate([items[i] for i in grouped[0]], 0)
    kept, each = autocast(soft, "bfloat16"), torch.autocast("cpu", torch.bfloat16)
    step = our_step(soft, sizes, "float32")

    def all_logits():
        logits = soft(batch["input_ids"], batch["attention_mask"]).logits[:, :-1].flatten(0, 1)
        torch.nn.functional.cross_entropy(logits, batch["labels"][:, 1:].flatten(), ignore_index=IGNORED).backward()

    def sharing(shares: bool) -> None:
        with mock.patch("course_utils.soft_prompt.pays_to_share", return_value=shares):
            loss_and_gradient(soft, batch)

    each_row = partial(sharing, False)

    def epoch(batches):
        return lambda: [step(rows) for rows in batches]

    prefixes = [ids[:-20] for ids in items.prefixes()[:16]]
    ids, mask = left_pad(prefixes, 0)
    rows, options = prefixes, {"max_new_tokens": 32, "eos_token_id": None}

    @torch.no_grad()
    def without_cache():  # transformers' generate keeps one even if told not to
        texts, shown = ids, mask
        for _ in range(32):
            texts = torch.cat([texts, soft(texts, shown).logits[:, -1].argmax(-1, keepdim=True)], dim=1)
            shown = torch.cat([shown, shown[:, :1] * 0 + 1], dim=1)

    pairs = {
        "logits at targets only": (all_logits, each_row),
        "prompts run once a batch": (each_row, partial(sharing, True)),
        "GELU in one operation": (lambda: loss_and_gradient(plain, batch), lambda: loss_and_gradient(soft, batch)),
        "batches of similar length": (epoch(torch.arange(64).view(-1, BATCH).tolist()), epoch(grouped)),
        "bf16": (lambda: loss_and_gradient(soft, batch), lambda: loss_and_gradient(soft, batch, kept)),
        "bf16: weights rounded once": (lambda: loss_and_gradient(soft, batch, each),
                                       lambda: loss_and_gradient(soft, batch, kept)),
        "generation with a cache": (without_cache, lambda: soft.continue_rows(rows, 0, **options)),
        "generation in a batch of 16": (lambda: [soft.continue_rows([row], 0, **options) for row in rows],
                                        lambda: soft.continue_rows(rows, 0, **options)),
    }
    table = []
    for kind, (before, after) in pairs.items():
        seconds = alternate({"without": [before], "with": [after]}, rounds)
        table.append({"model": name, "shortcut": kind, "ms without": seconds["without"] * 1e3, "ms with": seconds["with"] * 1e3,
                      "ratio": seconds["without"] / seconds["with"]})
    return table


def goals(tables: dict[str, list[dict]]) -> list[dict]:
    train, made = pd.DataFrame(tables["training"]), pd.DataFrame(tables["generation"])
    exact = (train["bf16 loss"] < 1e-3) & (train["bf16 cosine"] > 0.999)
    best = train["grouped fp32/PEFT"].where(~exact, train[["grouped fp32/PEFT", "default/PEFT"]].max(axis=1))
    fastest = made[(made["wrong"] == 0) & made["way"].str.startswith("ours")].groupby("model")["x one by one"].max()
    used = pd.DataFrame(tables["memory"])["ours default/PEFT"]
    rows = [
        ("training, default, x PEFT's", best, ">=", 2.5),
        ("training, equal precision and batches, x PEFT's", train["fp32/PEFT"], ">=", 1.7),
        ("training, worst of both", pd.concat([best, train["fp32/PEFT"]]), "all >=", 1.4),
        ("generation, right answers, x PEFT's one by one", fastest, ">=", 2),
        ("peak memory of a step, of PEFT's", used, "mean <=", 0.6),
        ("of the matrix-product rate, fp32", train["share fp32"], ">=", 0.85),
        ("of the matrix-product rate, default", train["share default"], ">=", 0.85),
    ]
    table = []
    for goal, values, how, limit in rows:
        met = {"all >=": values.min() >= limit, ">=": values.median() >= limit, "mean <=": values.mean() <= limit}[how]
        each = (values <= limit) if "<" in how else (values >= limit)
        table.append({"goal": goal, "wanted": f"{how} {limit}", "median": values.median(), "mean": values.mean(),
                      "least": values.min(), "most": values.max(), "met at": f"{each.sum()} of {len(each)}",
                      "met": "met" if met else "not met"})
    return table


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--quick", action="store_true", help="within 3 minutes: fewer rounds, models and shapes")
    options.add_argument("--threads", type=int, default=torch.get_num_threads(), help="1: measure the processor's time")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    quick, started, tables = args.quick, time.time(), {}

    def show(title: str, rows: list[dict]) -> None:
        tables[title] = rows
        text = pd.DataFrame(rows).to_string(index=False, float_format="{:.4g}".format)
        print(f"\n{title} ({time.time() - started:.0f} s)\n{text}", flush=True)

    about = {"date": time.strftime("%Y-%m-%dT%H-%M-%S"), "quick": quick, "threads": args.threads,
             "clock": "processor" if args.threads == 1 else "wall", "processor": platform.processor() or platform.machine(),
             "capability": torch.backends.cpu.get_cpu_capability(), "AMX": torch.cpu._is_amx_tile_supported(),
             "native bfloat16": has_native_bfloat16("cpu"), "python": platform.python_version(),
             **{module.__name__: module.__version__ for module in (torch, transformers, peft)}}
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    cases = [(name, shape) for name in MODELS for shape in SHAPES if not quick or name != GPT2 or shape != "question_answering"]
    size = {True: (16, 1) if quick else (64, 1), False: (32 if quick else 64, 3)}  # records and rounds; the large model's, others
    show("training", [training(name, shape, *size[name == GPT2]) for name, shape in cases])
    show("memory", [memory(name, shape) for name in ((GPT2, "course-gpt2-m") if quick else MODELS)
                    for shape in ("summarization", "translation")])
    made = generation("course-gpt2-m", 64, 16 if quick else 64, 1 if quick else 3)
    show("generation", made + generation(GPT2, 8 if quick else 64, 4 if quick else 16, 1))
    show("shortcuts", shortcuts("course-gpt2-m", 3 if quick else 9) + ([] if quick else shortcuts(GPT2, 1)))
    if not quick:
        show("growth", growth(5))
    show("goals", goals(tables))
    path = parts.ROOT / "build" / "bench" / f"{about['date']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**about, "tables": tables}, indent=1, default=str) + "\n", encoding="utf-8")
    print(f"\n{time.time() - started:.0f} s, kept in {path.relative_to(parts.ROOT)}")


if __name__ == "__main__":
    main()
