"""Checks of lesson 09, scaling and efficiency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from .checks import check, passed

KNOBS = ("prompt length", "layers")


def _doubling() -> dict[str, set[str]]:
    """Which quantities of a 20-token prompt on GPT-2 grow by 1.7 or more when a knob is turned to twice its value."""
    from ..cost import Batch, Cost
    from ..shapes import get_shape

    shape, batch = get_shape("gpt2"), Batch(8, 128, 28)
    quantities: dict[str, Callable] = {
        "file": lambda cost: cost.stored_bytes, "AdamW's memory": lambda cost: cost.optimizer_bytes,
        "activations kept": lambda cost: cost.activation_bytes(batch),
        "operations of a step": lambda cost: cost.step_flops(batch),
        "compiled prompt": lambda cost: cost.shape.kv_bytes(cost.prompt_length)}
    start = Cost(shape, "soft prompt", 20)
    turned = {"prompt length": replace(start, prompt_length=40), "layers": replace(start, shape=replace(shape, layers=24))}
    return {name: {knob for knob, cost in turned.items() if of(cost) >= 1.7 * of(start)} for name, of in quantities.items()}


WHY = {("file", "prompt length"): "the file holds the rows of the prompt",
       ("file", "layers"): "the rows of a prompt enter once, below the first layer",
       ("AdamW's memory", "prompt length"): "AdamW keeps two numbers for each trained one",
       ("AdamW's memory", "layers"): "the frozen layers have no optimizer state",
       ("activations kept", "prompt length"): "20 more positions beside 128 of text are few",
       ("activations kept", "layers"): "the gradient passes every layer, and each keeps activations for it",
       ("operations of a step", "prompt length"): "20 more positions beside 128 of text are few",
       ("operations of a step", "layers"): "every layer is computed there and back, frozen or not",
       ("compiled prompt", "prompt length"): "each position has keys and values of its own",
       ("compiled prompt", "layers"): "each layer has keys and values of its own"}


@check
def check_09_doubles(doubles) -> None:
    """``doubles()`` against the counts of GPT-2's shape."""
    answer, wanted = doubles(), _doubling()
    assert isinstance(answer, dict) and set(answer) == set(wanted), f"return a dict with the keys {', '.join(wanted)}"
    for name, knobs in wanted.items():
        given = set(answer[name])
        assert given <= set(KNOBS), f"{name}: expected a set of {' and '.join(KNOBS)}, got {answer[name]}"
        for knob in KNOBS:
            word = "doubles" if knob in knobs else "does not double"
            assert (knob in given) == (knob in knobs), f"{name} {word} with twice the {knob}: {WHY[name, knob]}"
    passed("the file follows the prompt, the work follows the base model")


@check
def check_09_answers_behind(answers_behind) -> None:
    """``answers_behind`` against prompt and text run together, on three sizes of batches, with the positions counted."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(n_layer=2, n_embd=16, n_head=2, vocab_size=50, n_positions=64)).eval()
    rows, batches = torch.randn(6, 16), [torch.randint(0, 50, shape) for shape in ((3, 7), (1, 4), (2, 7))]
    with torch.no_grad():
        wanted = []
        for ids in batches:
            texts = model.get_input_embeddings()(ids)                                            # [batch, text, width]
            whole = torch.cat([rows.expand(len(ids), -1, -1), texts], 1)                         # [batch, prompt + text, width]
            wanted.append(model(inputs_embeds=whole).logits[:, len(rows):])                      # [batch, text, vocab]
        seen: list[int] = []
        handle = model.transformer.h[0].register_forward_pre_hook(
            lambda module, args, options: seen.append((args[0] if args else options["hidden_states"]).shape[:2].numel()),
            with_kwargs=True)
        try:
            found = answers_behind(model, rows, [ids.clone() for ids in batches])
        finally:
            handle.remove()
    assert isinstance(found, (list, tuple)) and len(found) == len(batches), "return a list with the logits of each batch"
    for number, (ours, theirs) in enumerate(zip(wanted, found, strict=True), start=1):
        assert theirs.shape == ours.shape, (
            f"batch {number}: expected logits of the text alone, {list(ours.shape)}, got {list(theirs.shape)}")
    right = [torch.allclose(ours, theirs, atol=1e-4) for ours, theirs in zip(wanted, found, strict=True)]
    assert right[0] or not any(right[1:]), "the first batch is wrong, others are right: does the mask fit each batch?"
    assert right[0], (
        "the logits are not those behind the prompt: the mask must show prompt and text, [batch, prompt + text], and the text's "
        "positions go on after the prompt")
    assert all(right), (
        "the first batch is right, a later one is not: a model writes into the cache that it is given, so hand it a copy")
    least = len(rows) + sum(ids.numel() for ids in batches)
    assert sum(seen) <= least, (
        f"{sum(seen)} positions went through the layers, {least} are enough: run the prompt once, for all batches")
    passed("one pass of the prompt serves every text behind it")


TASKS_SERVED, MEGABYTES, LEAST = 12, 16, 60.0


def _options(scores: dict) -> dict[tuple[str, str], tuple[float, float]]:
    """(base model, system) -> MB of weights in half precision for all tasks, and the stored exact match."""
    from ..cost import Cost
    from ..shapes import get_shape

    found = {}
    for (base, system), score in scores.items():
        name = "soft prompt" if system.startswith("soft") else system
        cost = Cost(get_shape(base), name, 20 if "20" in system else 1)
        weights = cost.trained * TASKS_SERVED + (0 if cost.full else cost.shape.parameters)
        found[base, system] = 2 * weights / 1e6, score
    return found


@check
def check_09_my_choice(my_choice) -> None:
    """``my_choice()`` fits into the memory, is good enough, and its numbers are those of the study and of the count."""
    from ..metrics import SCORES
    from ..verdicts import TestRuns
    from .scaling import SHORT, study_of

    rows = {base: TestRuns(study_of(base), "question_answering", base).rows for base in SHORT}
    known = ("full fine-tuning", "LoRA", "soft prompt, 20 tokens", "soft prompt, 1 token")
    scores = {(base, system): 100 / SCORES["exact_match"].scale * part["value"].mean() for base, each in rows.items()
              for system, part in each.groupby("system") if system in known}
    options, answer = _options(scores), my_choice()
    keys = ("base", "system", "megabytes", "exact match")
    assert isinstance(answer, dict) and set(answer) == set(keys), f"return a dict with the keys {', '.join(keys)}"
    chosen = (answer["base"], answer["system"])
    assert chosen in options, (
        f"{chosen} has no stored run: expected a base model of {', '.join(SHORT)} and a system of {', '.join(known)}")
    megabytes, score = options[chosen]
    claimed = float(answer["megabytes"])
    full = chosen[1] == "full fine-tuning"
    assert not full or abs(claimed - megabytes / TASKS_SERVED) > 0.05 * megabytes / TASKS_SERVED, (
        f"that is one copy: {TASKS_SERVED} tasks fine-tuned are {TASKS_SERVED} models")
    base_alone = megabytes if full else 2 * _parameters(chosen[0]) / 1e6
    assert full or claimed > base_alone * 0.94, (
        f"{claimed:.2f} MB leave out the base model, which has to be in memory once: {base_alone:.2f} MB")
    tolerance = 0.003 * megabytes
    assert abs(claimed * 1.048576 - megabytes) > tolerance, "a megabyte is 1,000,000 bytes here: divide by 1e6, not by 1024 ** 2"
    one = base_alone + (megabytes - base_alone) / TASKS_SERVED
    missing = not full and megabytes - base_alone > 2 * tolerance and claimed < one + tolerance
    assert not missing, f"the {TASKS_SERVED} prompts or adapters are missing: {base_alone:.2f} MB are the base model alone"
    assert abs(claimed - megabytes) <= tolerance, (
        f"{chosen[1]} on {chosen[0]} takes {megabytes:.2f} MB for {TASKS_SERVED} tasks, 2 bytes a weight, not {claimed:.2f}")
    assert megabytes <= MEGABYTES, f"{megabytes:.1f} MB do not fit into {MEGABYTES} MB"
    assert abs(float(answer["exact match"]) - score) <= 1, (
        f"the study's mean over the seeds is {score:.1f}, you claim {float(answer['exact match']):.1f}")
    assert score >= LEAST, f"{score:.1f}% exact match is below {LEAST:.0f}%"
    passed(f"{megabytes:.1f} MB and {score:.1f}%: now defend it against somebody who has one task only")


def _parameters(base: str) -> int:
    from ..shapes import get_shape

    return get_shape(base).parameters


@check
def check_09_prompt_on_xs(prompt_on_xs) -> None:
    """``prompt_on_xs(length)``: a trained prompt of that length, an unchanged base model, and the validation loss that it has."""
    from .. import (
        TASKS,
        GPT2WithSoftPrompt,
        encode,
        evaluate_loss,
        load_base_model,
        load_task_data,
        make_system,
        weights_fingerprint,
    )

    task = TASKS["translation"]
    model, tokenizer = load_base_model("course-gpt2-xs")
    records = load_task_data(task)["validation"].select(range(50))
    for length in (1, 6):
        answer = prompt_on_xs(length)
        assert isinstance(answer, tuple) and len(answer) == 2, "return two things: the system and its validation loss"
        system, claimed = answer
        assert isinstance(system, GPT2WithSoftPrompt), f"return a GPT2WithSoftPrompt, not {type(system).__name__}"
        assert system.prompt_length == length, f"asked for {length} virtual tokens, got {system.prompt_length}"
        same = weights_fingerprint(system.base_model) == weights_fingerprint(model)
        assert same, "the base model has changed: only the prompt is to be trained"
        start = GPT2WithSoftPrompt(model, [task.soft_token], length)
        bare = make_system("hard prompt", model, task, tokenizer=tokenizer, hard_prompt="")
        losses = [evaluate_loss(each, encode(records, task, tokenizer, each)) for each in (start, system, bare)]
        assert losses[1] < losses[0] - 0.02, (
            f"with {length} tokens the loss is {losses[1]:.3f}, untrained {losses[0]:.3f}: train longer, or at a higher rate")
        assert losses[1] < losses[2], (
            f"with {length} tokens the loss is {losses[1]:.3f}, without any prompt {losses[2]:.3f}: train longer")
        assert abs(float(claimed) - losses[1]) <= 0.01, (
            f"on the first 50 validation records the loss is {losses[1]:.3f}, you claim {float(claimed):.3f}: other records?")
    passed("now let the length grow, and see where xs stops gaining")
