"""Ways to measure that go beyond one experiment: carried prompts, several at once, prompts made of prompts, bugs, costs."""

from __future__ import annotations

import json
import math
from collections import Counter

import torch
import torch.nn.functional as F
from measures import WORK, Materials, Run, kind, name_rows, plain, prompt_of, rows_of

from course_utils.batches import LengthGroupedBatches, collate, encode
from course_utils.evaluation import AnswerEnds, evaluate_loss, first_line, generate_answers, score_answers
from course_utils.experiment import run as measure_experiment
from course_utils.lessons import bugs as clinic
from course_utils.metrics import compute_metrics, paired_bootstrap
from course_utils.results import write_atomic
from course_utils.sanity_checks import run_checks
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.systems import make_system
from course_utils.tasks import get_task
from course_utils.training import fit, learning_rate_factor

def with_rows(base, names: list[str], prompts: list[torch.Tensor]) -> GPT2WithSoftPrompt:
    """A system that holds these prompts, ready to use."""
    system = GPT2WithSoftPrompt(base, names, [len(rows) for rows in prompts])
    system.soft_embedding.weight.data.copy_(torch.cat(prompts))
    return system


# ---- transfer


@kind
def transfer(run: Run, materials: Materials):
    """SPoT (Vu et al. 2022, arXiv 2110.07904): training starts from the prompt that ``options["source"]`` trains for another task."""
    rows = prompt_of(run.options["source"], materials)

    def start(system) -> None:
        system.soft_embedding.weight.data.copy_(rows)

    material = materials(run.experiment, run.training.seed)
    outcome = measure_experiment(run.experiment, run.training, material=material, prepare=start, test=run.test)
    name_rows(run, outcome)
    return outcome


@kind
def carried(run: Run, materials: Materials):
    """The prompt of ``options["source"]`` in front of another base model of the same width, as it is."""
    material = materials(run.experiment)
    system = with_rows(material.base, [material.task.soft_token], [prompt_of(run.options["source"], materials)])
    scores = material.scores(system, "test", 64, False)
    return {"rows": rows_of(run, scores, "test", material), "predictions": scores["predictions"]}


# ---- several prompts at once


@kind
def ensemble(run: Run, materials: Materials):
    """Prompts of ``options["members"]`` in one batch, every record behind each of them (Lester et al. 2021, section 6).

    "vote": the most common answer, the first of them in a tie. "mean": at every step the token with the highest probability on
    average; its loss is that of the average. "best member": the one with the lowest validation loss.
    """
    members, material, task = run.options["members"], materials(run.experiment), get_task(run.experiment.task)
    names = [task.soft_token, *(f"[MEMBER{i}]" for i in range(1, len(members)))]
    system = with_rows(material.base, names, [prompt_of(each, materials) for each in members])
    records = material.data["test"]
    references = [task.references(record) for record in records]

    def encoded(split: str, name: str):
        return encode(material.data[split], task, material.tokenizer, system, soft_token=name, **material.limits)

    sets = [encoded("test", name) for name in names]
    options = (material.max_new_tokens, 64)
    prefixes = [each.prefixes() for each in sets]
    flat = [row for rows in zip(*prefixes, strict=True) for row in rows]   # the members' rows of a record side by side
    answers = generate_answers(system, material.tokenizer, flat, *options)
    k = len(names)
    by_record = [answers[i : i + k] for i in range(0, len(answers), k)]
    losses = [evaluate_loss(system, encoded("validation", name), 64) for name in names]
    best = losses.index(min(losses))
    found = {"vote of {}": [Counter(each).most_common(1)[0][0] for each in by_record],
             "mean of {}": averaged_answers(system, material.tokenizer, prefixes, material.max_new_tokens),
             "best of {} on validation": [each[best] for each in by_record]}
    rows = []
    for label, predictions in found.items():
        scores = compute_metrics(task.metrics, predictions, references, task.language)
        if label.startswith("mean"):
            scores["loss"] = averaged_loss(system, sets)
        rows += rows_of(run, scores, "test", material, label=label.format(f"{k} prompts"))
    for i in range(k):
        scores = compute_metrics(task.metrics, [each[i] for each in by_record], references, task.language)
        rows += rows_of(run, {**scores, "loss": evaluate_loss(system, sets[i], 64)}, "test", material, label=f"member {i + 1}")
    differences = {}
    for label in ("vote of {}", "mean of {}"):
        pair = paired_bootstrap(task.main_metric, found[label], found["best of {} on validation"], references, task.language)
        differences[label.format(k)] = {"difference_to_best": pair.difference, "interval": pair.interval, "verdict": pair.verdict}
    return {"rows": rows, "about": {"differences": differences}}


@torch.no_grad()
def averaged_loss(system, sets) -> float:
    """Nats per target token of the members' average probability."""
    total, count = 0.0, 0
    for start in range(0, len(sets[0]), 32):
        chances = []
        for each in sets:
            batch = collate(each.items[start : start + 32], each.pad_id)
            logits, targets = system.target_logits(**{name: tensor.to(system.device) for name, tensor in batch.items()})
            chances.append(logits.log_softmax(-1).gather(1, targets[:, None])[:, 0])   # [targets]
        mean = torch.stack(chances).logsumexp(0) - math.log(len(sets))
        total, count = total - float(mean.sum()), count + len(mean)
    return total / count


@torch.no_grad()
def averaged_answers(system, tokenizer, prefixes: list[list[list[int]]], max_new_tokens: int, batch_size: int = 32) -> list[str]:
    """Greedy answers by the members' average probability; ``prefixes[i]`` are the records' ids with the prompt of member i."""
    system.eval()
    answers, k, end = [], len(prefixes), tokenizer.eos_token_id
    for start in range(0, len(prefixes[0]), batch_size):
        rows = [row for each in prefixes for row in each[start : start + batch_size]]   # member by member
        count = len(rows) // k
        longest = max(map(len, rows))
        ids = torch.tensor([[tokenizer.pad_token_id] * (longest - len(row)) + row for row in rows], device=system.device)
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=system.device)
        ends, done = AnswerEnds(tokenizer, system.device, system.config.vocab_size), torch.zeros(count, dtype=torch.bool, device=system.device)
        new, output = torch.zeros(count, 0, dtype=torch.long, device=system.device), None
        while new.shape[1] < max_new_tokens and not bool(done.all()):
            inputs = system.inputs(ids, mask)
            if output is not None:
                inputs = {name: each[:, -1:] if name in ("inputs_embeds", "position_ids") else each for name, each in inputs.items()}
                inputs["past_key_values"] = output.past_key_values
            output = system.base_model(**inputs, use_cache=True)
            chances = output.logits[:, -1].float().log_softmax(-1).view(k, count, -1).logsumexp(0)   # [records, vocab]
            token = chances.argmax(-1).masked_fill(done, end)
            new = torch.cat([new, token[:, None]], 1)
            done |= (token == end) | ends(new, None)
            step = token.repeat(k)[:, None]
            ids, mask = torch.cat([ids, step], 1), torch.cat([mask, torch.ones_like(step)], 1)
        answers += [first_line(text) for text in tokenizer.batch_decode(new, skip_special_tokens=True)]
    return answers


# ---- distillation


@kind
def distillation(run: Run, materials: Materials):
    """A long prompt of words, ``options["teacher"]``, in few vectors: trained on its answers to the training sources, without any
    target, by the Kullback-Leibler divergence between both models' predictions of those answers' tokens (Hinton et al. 2015).

    "agreement": percentage of test records to which both give the same answer.
    """
    material, task, config = materials(run.experiment), get_task(run.experiment.task), run.training
    words = run.options["teacher"]
    teacher = measure_words(material, words)
    answers = {split: answers_of(teacher, material, material.data[split], words) for split in ("train", "validation", "test")}

    def records(split: str):   # what the teacher said in place of the targets, which stay unseen
        return [{**record, task.target_field: [answer or "-"] if task.target_field == "answers" else answer or "-"}
                for record, answer in zip(material.data[split], answers[split], strict=True)]

    student = with_rows_of(run, material)
    limits = material.limits
    sets = {split: [encode(records(split), task, material.tokenizer, system, prompt, **limits)
                    for system, prompt in ((student, None), (teacher, words))] for split in ("train", "validation")}

    def divergence(split: str, chosen: list[int]) -> torch.Tensor:
        both = []
        for system, data in zip((student, teacher), sets[split], strict=True):
            batch = {name: t.to(system.device) for name, t in collate([data[i] for i in chosen], data.pad_id).items()}
            with torch.set_grad_enabled(system is student and torch.is_grad_enabled()):
                both.append(system.target_logits(**batch)[0].log_softmax(-1))   # [answer tokens, vocab]
        return F.kl_div(both[0], both[1], log_target=True, reduction="batchmean")

    weight = student.soft_embedding.weight
    optimizer = torch.optim.AdamW([weight], lr=config.learning_rate, weight_decay=0)
    sampler = LengthGroupedBatches(sets["train"][1].lengths(), config.batch_size, config.seed)
    steps, step, best, kept, rows = len(sampler) * config.epochs, 0, math.inf, weight.detach().clone(), []
    with torch.enable_grad():
        for epoch in range(config.epochs):
            sampler.epoch = epoch
            for chosen in sampler:
                divergence("train", chosen).backward()
                torch.nn.utils.clip_grad_norm_([weight], config.clipping_norm)
                optimizer.param_groups[0]["lr"] = config.learning_rate * learning_rate_factor(step, steps, config.warmup_fraction)
                optimizer.step()
                student.zero_grad(set_to_none=True)
                step += 1
            with torch.no_grad():
                count = len(sets["validation"][0])
                value = sum(float(divergence("validation", list(range(i, min(i + 32, count))))) * (min(i + 32, count) - i)
                            for i in range(0, count, 32)) / count
            rows.append({**rows_of(run, {"loss": value}, "validation", material, step)[0], "metric": "divergence", "n": count})
            if value < best:
                best, kept = value, weight.detach().clone()
    with torch.no_grad():
        weight.copy_(kept)
    scores = material.scores(student, "test", 64, False)
    same = sum(a == b for a, b in zip(scores["predictions"], answers["test"], strict=True)) / len(answers["test"])
    rows += rows_of(run, scores, "test", material, step)
    rows.append({**rows[-1], "metric": "agreement", "value": 100 * same})
    return {"rows": rows, "predictions": scores["predictions"], "about": {"teacher": words, "divergence": best}}


def measure_words(material, words: str):
    """A system with a hard prompt on the material's base model."""
    return make_system("hard prompt", material.base, material.task, hard_prompt=words)


def answers_of(system, material, records, words: str | None) -> list[str]:
    """What a system answers to records."""
    data = encode(records, material.task, material.tokenizer, system, words, **material.limits)
    return generate_answers(system, material.tokenizer, data.prefixes(), material.max_new_tokens, 64)


def with_rows_of(run: Run, material) -> GPT2WithSoftPrompt:
    """A new soft prompt as the experiment wants it."""
    experiment = run.experiment
    return GPT2WithSoftPrompt(material.base, [material.task.soft_token], experiment.prompt_length, experiment.prompt_init,
                              experiment.init_text, material.tokenizer, run.training.seed)


# ---- bugs


@kind
def bug(run: Run, materials: Materials):
    """A soft prompt trained with a planted bug, evaluated as that code would; then as it should be (label "..., mended").

    Losses and scores of every epoch are the buggy code's. "check ... failed" is 1 or 0, on validation, after training.
    """
    material, task = materials(run.experiment, run.training.seed), get_task(run.experiment.task)
    name, config = run.options["bug"] or None, run.training
    system = clinic.make_buggy(name, material.base, task, run.experiment.prompt_length, config.seed)
    change = clinic.find_bug(name).data
    right = {split: material.encoded(split, system) for split in material.data}
    sets = {split: change(each) for split, each in right.items()}
    steps, rows = -(-len(sets["train"]) // config.batch_size), []
    scored = right["validation"].first(run.experiment.max_scored)
    to_answer = material.data["validation"].select(range(len(scored)))

    def answers(records, encoded):
        return score_answers(system, material.tokenizer, task, records, encoded, material.max_new_tokens, 64)

    def after_epoch(row: dict) -> dict:
        step = row["epoch"] * steps
        rows.extend(rows_of(run, {"loss": row["train_loss"]}, "train", material, step))
        rows.extend(rows_of(run, {"loss": row["validation_loss"]}, "validation", material, step))
        rows.extend(rows_of(run, answers(to_answer, scored)[0], "validation", material, step, n=len(scored)))
        return {}

    log = fit(system, sets["train"], sets["validation"], config, after_epoch, progress=False)
    scores, predictions = answers(material.data["test"], right["test"])
    step = log.best_epoch * steps
    rows += rows_of(run, {**scores, "loss": evaluate_loss(system, sets["test"], 64)}, "test", material, step)
    mended = clinic.repaired(system)
    rows += rows_of(run, material.scores(mended, "test", 64, False), "test", material, step, label=f"{run.label}, mended")
    for check in run_checks(system, sets["train"], sets["validation"], config.learning_rate):
        rows.append({**rows_of(run, {"loss": float(not check.passed)}, "validation", material, step)[0], "metric": f"check {check.name} failed"})
    return {"rows": rows, "predictions": predictions, "about": {"seconds": sum(row["seconds"] for row in log.epochs)}}


@kind
def hard_prompt_with_first_bug(run: Run, materials: Materials):
    """The reported prompt, scored as bug 1 scores: logits over the source, and the target never fed in."""
    material, task = materials(run.experiment), get_task(run.experiment.task)
    system = clinic.NoTargetHard(material.base, task.hard_prompt)
    encoded = material.encoded("test", system)
    scores, predictions = score_answers(system, material.tokenizer, task, material.data["test"], encoded, material.max_new_tokens, 64)
    return {"rows": rows_of(run, {**scores, "loss": evaluate_loss(system, encoded, 64)}, "test", material), "predictions": predictions}


# ---- public data: numbers are kept, never a text


@kind
def public(run: Run, materials: Materials):
    """`plain` on public data; what it predicts goes to `WORK`, for `pairs`."""
    outcome = plain(run, materials)
    write_atomic(WORK / f"{run.key}.json", json.dumps(outcome.predictions))
    found = {key: value for key, value in outcome.about.items() if not key.startswith("found")}
    return {"rows": outcome.rows, "about": found}


@kind
def pairs(run: Run, materials: Materials):
    """How much the run ``options["first"]`` scores above ``options["second"]`` on the same test records, with the 95% interval."""
    material, task, texts = materials(run.experiment), get_task(run.experiment.task), []
    for each in (run.options["first"], run.options["second"]):
        path = WORK / f"{each.key}.json"
        if not path.exists():
            public(each, materials)
        texts.append(json.loads(path.read_text()))
    rows, references = [], [task.references(record) for record in material.data["test"]]
    for metric in task.metrics:
        pair = paired_bootstrap(metric, *texts, references, task.language)
        for name, value in (("difference", pair.difference), ("low", pair.interval[0]), ("high", pair.interval[1])):
            rows.append({**rows_of(run, {"loss": value}, "test", material)[0], "metric": f"{metric}, {name}"})
    return {"rows": rows}


# ---- costs


@kind
def cost(run: Run, materials: Materials):
    """`costs.measure_costs` of one base model, ``options["shape"]``, which may be a shape without weights."""
    from costs import measure_costs

    return {"rows": measure_costs([run.options["shape"]], rounds=run.options["rounds"])}
