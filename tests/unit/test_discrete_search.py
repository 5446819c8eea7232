"""The search for a hard prompt's tokens: always tokens, never dearer than training, the best ones where it can try all."""

import json
from dataclasses import replace

import pytest
import torch
from conftest import make_gpt2
from tiny_runs import write_data, write_model

from course_utils import discrete_search
from course_utils.batches import collate, encode, token_ids
from course_utils.discrete_search import Search, search
from course_utils.evaluation import evaluate_loss
from course_utils.experiment import Experiment, run
from course_utils.loss import token_losses
from course_utils.prompt_files import read_prompt
from course_utils.systems import PlainModel, make_system
from course_utils.tasks import get_task
from course_utils.training import TrainingConfig, TrainingDiverged, TrainingLog

TASK = get_task("summarization")
CONFIG = TrainingConfig(epochs=6, batch_size=2, dtype="float32")


def make(tokenizer, length=4, **options):
    return make_system("discrete search", make_gpt2(tokenizer), TASK, length, tokenizer=tokenizer, **options)


def encoded(system, records):
    return encode(records, TASK, system.tokenizer, system)


def searched(system, records, config=CONFIG, **options):
    sets = encoded(system, records), encoded(system, records)
    return search(system, *sets, config, progress=False, **options)


def rows_of(system, ids):
    return system.base_model.get_input_embeddings().weight[ids]


def loss_of_ids(system, ids, records):
    """The loss of all records behind ``ids`` as any text, by another way than the search's: the base model reads tokens."""
    data = encoded(system, records)
    soft = dict(zip(system.prompt_ids(), ids, strict=True))
    for item in data.items:
        item["input_ids"] = torch.tensor([soft.get(i, i) for i in item["input_ids"].tolist()])
    return evaluate_loss(PlainModel(system.base_model), data, 3)


# ---- a prompt of tokens


@pytest.mark.parametrize("init", ["vocab", "text", "random"])
def test_a_searched_prompt_starts_at_tokens(init, tokenizer):
    options = {"init": init, "init_text": "Anna buys a boat <|endoftext|>."}
    system = make(tokenizer, 12, **options)
    soft = make_system("soft prompt", make_gpt2(tokenizer), TASK, 12, tokenizer=tokenizer, **options)
    assert torch.equal(system.soft_rows(), rows_of(system, system.ids))
    assert torch.equal(system.soft_rows(), soft.soft_rows()) == (init != "random"), "the start is that of a soft prompt"
    if init == "text":
        assert (system.ids * 2)[:12] == (token_ids(tokenizer, options["init_text"]) * 12)[:12]


def test_reserved_tokens_and_ids_without_a_token_are_never_part_of_it(loaded):
    base, tokenizer = loaded  # families of which some have more ids than tokens, and some scale their embeddings
    system = make_system("discrete search", base, TASK, 3, tokenizer=tokenizer)
    refused = {*range(base.config.vocab_size)} - set(system.allowed.tolist())
    assert refused == {*tokenizer.all_special_ids, *range(len(tokenizer), base.config.vocab_size)}
    special = tokenizer.eos_token_id
    with torch.no_grad():
        system.soft_embedding.weight.copy_(system.table([special, special, len(tokenizer)]))
    system.take_nearest()
    assert not refused & set(system.ids)
    assert torch.equal(system.soft_rows(), base.get_input_embeddings()(torch.tensor(system.ids)).float())


def test_another_number_of_ids_is_refused(tokenizer):
    with pytest.raises(ValueError, match="got 3 ids for a prompt of 4 tokens"):
        make(tokenizer).set_ids([1, 2, 3])


def test_text_that_becomes_other_tokens_when_typed_is_told_apart(tokenizer):
    system = make(tokenizer, 2)
    system.set_ids(token_ids(tokenizer, "Anna")[:1] + token_ids(tokenizer, " boat")[:1])
    typed = token_ids(tokenizer, system.text)
    assert system.found() == {"found": system.text, "found_ids": system.ids, "found_can_be_typed": typed == system.ids}
    system.set_ids(token_ids(tokenizer, "n") + token_ids(tokenizer, "n"))
    assert system.text == "nn" and system.found()["found_can_be_typed"] == (len(token_ids(tokenizer, "nn")) == 2)
    system.set_ids(token_ids(tokenizer, "A") + token_ids(tokenizer, "n"))
    assert len(token_ids(tokenizer, "An")) == 1 and system.found()["found_can_be_typed"] is False


def test_it_is_saved_as_a_soft_prompt_and_as_text(tokenizer, records, tmp_path):
    system = make(tokenizer)
    searched(system, records)
    system.save(tmp_path, about={"task": "summarization"})
    saved = read_prompt(tmp_path)
    assert torch.equal(saved.rows, system.soft_rows()) and saved.about["task"] == "summarization"
    assert saved.about["found"] == system.text and json.loads(saved.about["found_ids"]) == system.ids
    again = make(tokenizer, seed=3)
    assert again.ids != system.ids
    again.load_prompt(tmp_path)
    assert again.ids == system.ids and torch.equal(again.soft_rows(), system.soft_rows())


# ---- the search


def test_the_loss_falls_and_what_it_was_searched_on_stays(tokenizer, records):
    system = make(tokenizer)
    before = {name: weight.clone() for name, weight in system.base_model.state_dict().items()}
    start, first = evaluate_loss(system, encoded(system, records)), system.ids
    seen = []
    log = searched(system, records, on_epoch=lambda row: seen.append((system.ids, system.soft_rows().clone())))
    assert evaluate_loss(system, encoded(system, records)) < start - 0.05 and system.ids != first
    assert all(torch.equal(rows, rows_of(system, ids)) for ids, rows in seen), "between tokens"
    assert not {*system.ids, *(i for ids, _ in seen for i in ids)} & set(tokenizer.all_special_ids)
    after = system.base_model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    assert not any(weight.requires_grad or weight.grad is not None for weight in system.parameters())
    assert isinstance(log, TrainingLog) and [row["epoch"] for row in log.epochs] == [1, 2, 3, 4, 5, 6]
    assert all(row["seconds"] > 0 and row["train_loss"] > 0 for row in log.epochs) and sum(row["replaced"] for row in log.epochs)


def test_the_prompt_of_the_best_epoch_is_kept_also_after_an_error(tokenizer, records, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, float("nan")])
    monkeypatch.setattr(discrete_search, "evaluate_loss", lambda *args: next(losses))
    system, seen = make(tokenizer), []
    with pytest.raises(TrainingDiverged, match="validation loss after epoch 4 is nan"):
        searched(system, records, on_epoch=lambda row: seen.append(system.ids))
    assert system.ids == seen[1] != seen[2] and torch.equal(system.soft_rows(), rows_of(system, seen[1]))


def test_patience_ends_it(tokenizer, records, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.4, 1.0, 1.0])
    monkeypatch.setattr(discrete_search, "evaluate_loss", lambda *args: next(losses))
    log = searched(make(tokenizer), records, replace(CONFIG, patience=2))
    assert [row["validation_loss"] for row in log.epochs] == [3.0, 2.0, 2.5, 2.4] and log.best_epoch == 2


@pytest.mark.parametrize(("size", "candidates", "count"), [(1, 1, 8), (2, 3, 8), (3, 15, 7), (16, 2, 8), (4, 500, 3), (2, 1, 2)])
def test_the_budget_is_kept_and_used(size, candidates, count, tokenizer, records, monkeypatch):
    """Records that go through the base model are counted where they do."""
    system, run_forward, backwards = make(tokenizer), [], []
    original, grad = discrete_search.token_losses, torch.autograd.grad

    def count_records(model, batch):
        run_forward.append(len(batch["input_ids"]))
        return original(model, batch)

    monkeypatch.setattr(discrete_search, "token_losses", count_records)
    monkeypatch.setattr(torch.autograd, "grad", lambda *args: backwards.append(1) or grad(*args))
    so_far = []
    log = searched(system, records[:count], replace(CONFIG, batch_size=size), candidates=candidates,
                   on_epoch=lambda row: so_far.append(sum(run_forward)))
    assert so_far == [row["forwards"] for row in log.epochs] and backwards
    for epoch, used in enumerate(so_far, start=1):
        assert epoch * count - 2 * min(size, count // 2) < used <= epoch * count
    assert sum(row["replaced"] for row in log.epochs) <= len(backwards)


def test_a_seed_decides(tokenizer, records):
    systems = [make(tokenizer) for _ in range(3)]
    logs = [searched(system, records, replace(CONFIG, seed=seed)) for system, seed in zip(systems, (1, 1, 2), strict=True)]
    losses = [[(row["train_loss"], row["validation_loss"]) for row in log.epochs] for log in logs]
    assert systems[0].ids == systems[1].ids and losses[0] == losses[1] != losses[2]


def test_candidates_are_scored_as_the_base_model_scores_their_tokens(tokenizer, records):
    system = make(tokenizer)
    data = encoded(system, records)
    state = Search(system, data, CONFIG, 5, 64, 8)
    batch = collate(data.items, data.pad_id)
    loss, targets, gradient = state.loss_and_gradient(batch)
    prompts = state.promising(gradient)
    assert prompts.shape == (5, 4) and bool(((prompts != torch.tensor(system.ids)).sum(1) == 1).all()), "one token differs"
    assert len({tuple(prompt) for prompt in prompts.tolist()}) == 5
    expected = [loss_of_ids(system, ids, records) for ids in prompts.tolist()]
    assert state.losses_with(prompts, batch).tolist() == pytest.approx(expected, abs=1e-5)
    assert loss == pytest.approx(loss_of_ids(system, system.ids, records), abs=1e-5)
    assert targets == len(token_losses(system, batch)[0])


def test_candidates_are_those_with_the_steepest_slope(tokenizer, records):
    """The loss a thousandth of the way to a token is lower for the best few of a place than for any other."""
    system = make(tokenizer, 2)
    data = encoded(system, records)
    state = Search(system, data, CONFIG, 10**6, 5, 8)
    batch = collate(data.items, data.pad_id)
    prompts = state.promising(state.loss_and_gradient(batch)[2]).tolist()
    assert len(prompts) == 2 * 5, "all that the best 5 of 2 places give"
    start, (first, second), slopes = system.soft_rows().clone(), system.ids, {}
    for i in set(system.allowed.tolist()) - {first}:
        with torch.no_grad():
            system.soft_embedding.weight.copy_(start + 1e-3 * (rows_of(system, [i, second]) - start))
            slopes[i] = float(token_losses(system, batch)[0].double().mean())
    chosen = {ids[0] for ids in prompts if ids[1] == second}
    assert len(chosen) == 5 and chosen <= set(sorted(slopes, key=slopes.get)[:7]), "rounding may exchange neighbours"


def test_one_token_is_the_best_of_all_where_all_are_tried(tokenizer, records):
    """One step with every token as a candidate is an exhaustive search: no other token has a lower loss."""
    system = make(tokenizer, 1)
    few = records[:2] * (len(system.allowed) + 1)
    log = searched(system, few, TrainingConfig(epochs=1, batch_size=2, dtype="float32"), candidates=400, top_k=400)
    losses = {i: loss_of_ids(system, [i], records[:2]) for i in system.allowed.tolist()}
    assert losses[system.ids[0]] == pytest.approx(min(losses.values()), abs=1e-5)
    assert sorted(losses.values())[1] - min(losses.values()) > 1e-4, "a tie would prove nothing"
    assert log.epochs[0]["validation_loss"] == pytest.approx(min(losses.values()), abs=1e-5)


def test_a_prompt_that_cannot_be_bettered_is_left_alone(tokenizer, records):
    system = make(tokenizer, 1)
    losses = {i: loss_of_ids(system, [i], records[:2]) for i in system.allowed.tolist()}
    best = min(losses, key=losses.get)
    system.set_ids([best])
    log = searched(system, records[:2] * 50, TrainingConfig(epochs=1, batch_size=2, dtype="float32"), candidates=20)
    assert system.ids == [best] and log.epochs[0]["replaced"] == 0


def test_what_cannot_be_searched_is_refused(tokenizer, records):
    system = make(tokenizer)
    with pytest.raises(ValueError, match="got 1 training and 1 validation records"):
        searched(system, records[:1])
    for options, message in (({"candidates": 0}, "got 0 and 64"), ({"top_k": 0}, "got 15 and 0")):
        with pytest.raises(ValueError, match=f"candidates and top_k must be >= 1, {message}"):
            searched(system, records, **options)


# ---- as one of the systems


def test_it_runs_as_an_experiment(tokenizer, tmp_path):
    model = write_model(tmp_path / "model", make_gpt2(tokenizer), tokenizer)
    data = write_data(tmp_path / "data")
    experiment = Experiment("summarization", str(model), "discrete search", prompt_length=3, data=str(data), max_train=6,
                            max_eval=4, base_dtype="float32")
    assert experiment.label == "discrete search, 3 tokens"
    outcome = run(experiment, replace(CONFIG, epochs=3, seed=5))
    assert {(row["system"], row["seed"]) for row in outcome.rows} == {("discrete search, 3 tokens", 5)}
    steps = [row["step"] for row in outcome.rows if (row["split"], row["metric"]) == ("train", "loss")]
    assert steps == [3, 6, 9], "those of a training with the same budget"
    assert outcome.about["found"] == outcome.system.text and outcome.about["found_ids"] == outcome.system.ids
    assert outcome.about["forwards"] <= 3 * 6 and outcome.about["trainable_parameters"] == 0
    assert outcome.about["best_epoch"] == outcome.log.best_epoch and len(outcome.predictions) == 4
    assert torch.equal(outcome.system.soft_rows(), rows_of(outcome.system, outcome.system.ids))
    again = run(experiment, replace(CONFIG, epochs=3, seed=5))
    assert again.rows == outcome.rows and again.about["found"] == outcome.about["found"]
