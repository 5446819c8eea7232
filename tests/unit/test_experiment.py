"""One measurement: what its configuration may be, and the rows that it gives."""

import copy
from dataclasses import replace

import pytest
import torch
from conftest import make_gpt2
from tiny_runs import RECORDS, write_data, write_jsonl, write_model

from course_utils import experiment
from course_utils.batches import tokenize
from course_utils.experiment import BASELINES, TRAINED, Experiment, Material, run
from course_utils.results import Study, config_hash
from course_utils.systems import make_system
from course_utils.tasks import TASKS
from course_utils.training import TrainingConfig, TrainingDiverged

TASK = TASKS["summarization"]


@pytest.fixture(scope="module")
def tiny(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiment")
    model = write_model(folder / "model", make_gpt2(tokenizer), tokenizer)
    data = write_data(folder / "data")
    write_jsonl(data / "test.jsonl", RECORDS["summarization"][:5])
    write_jsonl(data / "validation.jsonl", RECORDS["summarization"][:6])
    return Experiment("summarization", str(model), prompt_length=3, data=str(data), base_dtype="float32")


@pytest.fixture(scope="module")
def material(tiny):
    return Material(tiny)


QUICK = TrainingConfig(epochs=3, batch_size=4, learning_rate=0.1, dtype="float32", seed=5)


def select(outcome, **wanted):
    return [row for row in outcome.rows if all(row[key] == value for key, value in wanted.items())]


# ---- rows


def test_rows_of_a_training_run_say_what_was_measured_and_when(tiny, material):
    told = []
    outcome = run(tiny, QUICK, material=material, report=lambda label, scores: told.append((label, scores)))
    assert {(row["task"], row["base"], row["system"], row["seed"]) for row in outcome.rows} == {
        ("summarization", tiny.model, "soft prompt, 3 tokens", 5)}
    assert {(row["split"], row["n"]) for row in outcome.rows} == {("train", 8), ("validation", 6), ("test", 5)}
    # Two steps an epoch: 8 records in batches of 4.
    assert [row["step"] for row in select(outcome, split="train", metric="loss")] == [2, 4, 6]
    for metric in ("loss", *TASK.metrics):
        assert [row["step"] for row in select(outcome, split="validation", metric=metric)] == [2, 4, 6], metric
    validation = [row["value"] for row in select(outcome, split="validation", metric="loss")]
    assert validation == [row["validation_loss"] for row in outcome.log.epochs]
    best = validation.index(min(validation)) + 1
    assert outcome.about["best_epoch"] == outcome.log.best_epoch == best
    assert {row["step"] for row in select(outcome, split="test")} == {2 * best}
    assert {row["metric"] for row in select(outcome, split="test")} == {"loss", *TASK.metrics}
    assert len(outcome.predictions) == 5 and outcome.about["trainable_parameters"] == 3 * 32
    assert [label for label, _ in told] == ["start", "Epoch 1/3", "Epoch 2/3", "Epoch 3/3", "Test, soft prompt, 3 tokens"]
    assert told[-1][1] == {row["metric"]: row["value"] for row in select(outcome, split="test")}


def test_validation_answers_are_those_of_the_epoch_that_was_just_trained(tiny, material, monkeypatch):
    seen = []
    original = experiment.score_answers

    def look(system, *args, **options):
        seen.append(system.soft_rows().detach().clone())
        return original(system, *args, **options)

    monkeypatch.setattr(experiment, "score_answers", look)  # of the validation records
    monkeypatch.setattr("course_utils.evaluation.score_answers", look)  # of the test records, in `evaluate`
    outcome = run(tiny, QUICK, material=material)
    *epochs, tested = seen
    assert len(epochs) == 3 and not torch.equal(epochs[0], epochs[1])
    assert torch.equal(tested, epochs[outcome.log.best_epoch - 1])


def test_patience_ends_a_run_that_does_not_improve(tiny, material, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.4, 1.0])
    monkeypatch.setattr("course_utils.training.evaluate_loss", lambda *args: next(losses))
    outcome = run(tiny, replace(QUICK, epochs=9, patience=2), material=material)
    assert [row["validation_loss"] for row in outcome.log.epochs] == [3.0, 2.0, 2.5, 2.4] and outcome.about["best_epoch"] == 2


def test_a_hard_prompt_is_tested_and_not_trained(tiny, material):
    outcome = run(replace(tiny, system="hard prompt"), material=material)
    assert {(row["split"], row["step"], row["seed"], row["n"]) for row in outcome.rows} == {("test", None, None, 5)}
    assert {row["metric"] for row in outcome.rows} == {"loss", *TASK.metrics}
    assert outcome.log is None and outcome.config["training"] is None and outcome.about["trainable_parameters"] == 0
    own = run(replace(tiny, system="hard prompt", hard_prompt="{text}TL;DR:"), material=material)
    assert own.run != outcome.run and own.rows[0]["value"] != outcome.rows[0]["value"]


def test_baselines_need_no_model(tiny, material):
    outcome = run(replace(tiny, system=BASELINES), material=material)
    assert {row["system"] for row in outcome.rows} == {"copy of the source", "lead sentence", "unigram frequencies"}
    assert {row["metric"] for row in outcome.rows if row["system"] == "unigram frequencies"} == {"loss"}
    assert {(row["split"], row["step"], row["seed"]) for row in outcome.rows} == {("test", None, None)}


@pytest.mark.parametrize("system", TRAINED)
def test_a_shared_base_model_is_the_same_after_any_system(system, tiny, material):
    before = {name: weight.clone() for name, weight in material.base.state_dict().items()}
    outcome = run(replace(tiny, system=system), replace(QUICK, epochs=1, learning_rate=0.01), material=material)
    after = material.base.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    assert (outcome.about["trainable_parameters"] > 0) == (system != "discrete search")  # which has tokens and no weights
    assert outcome.rows[-1]["system"].startswith(system)


def test_a_seed_decides_start_and_batches(tiny, material):
    losses = [run(tiny, replace(QUICK, seed=seed, epochs=1), material=material).rows[0]["value"] for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


def test_a_test_loss_that_is_not_a_number_is_an_error(tiny, material, monkeypatch):
    original = experiment.evaluate
    monkeypatch.setattr(experiment, "evaluate", lambda *args, **options: original(*args, **options) | {"loss": float("nan")})
    with pytest.raises(TrainingDiverged, match="test loss is nan"):
        run(replace(tiny, system="hard prompt"), material=material)


# ---- in a study


def test_a_run_that_is_there_is_not_repeated(tiny, material, tmp_path, monkeypatch):
    study = Study("trial", tmp_path)
    first = run(tiny, QUICK, study, material)
    hard = run(replace(tiny, system="hard prompt"), None, study, material)
    run(replace(tiny, system=BASELINES), None, study, material)
    assert study.has(first.run) and [each["run"] for each in study.read("predictions")] == [first.run, hard.run]
    assert study.read("runs")[0]["config"]["training"]["seed"] == 5
    before = study.table()
    assert set(before["run"]) == {each["run"] for each in study.read("runs")}
    with monkeypatch.context() as patch:
        patch.setattr(experiment, "load_base_model", lambda *args: pytest.fail("no model needs to be loaded"))
        assert run(tiny, QUICK, study) is None
        assert run(replace(tiny, system="hard prompt"), QUICK, study) is None  # how to train does not matter to it
    assert study.table().equals(before)
    assert run(tiny, replace(QUICK, seed=6, epochs=1), study, material).run != first.run
    assert run(tiny, replace(QUICK, epochs=1), Study("another", tmp_path), material) is not None


def test_the_hash_is_that_of_the_configuration(tiny, material):
    outcome = run(replace(tiny, system=BASELINES), material=material)
    again = run(replace(tiny, system=BASELINES), material=material)
    assert outcome.run == again.run == config_hash(outcome.config)
    # The same on every machine and in every version of the course that has the same options.
    assert config_hash({"task": "translation", "training": {"epochs": 3, "seed": 0}, "hard_prompt": None}) == "84cf7a1e083e"


# ---- material


def test_answers_are_as_long_as_99_of_100_training_targets(tiny, tokenizer, tmp_path):
    def limit(summaries, **changes):
        write_jsonl(tmp_path / "data" / "train.jsonl", [{"document": "Rain.", "summary": summary} for summary in summaries])
        return Material(replace(tiny, data=str(tmp_path / "data"), **changes)).max_new_tokens

    write_data(tmp_path / "data")
    long = "Anna buys a boat" + ". The mayor was there" * 5
    short_length, long_length = (len(ids) + 1 for ids in tokenize(tokenizer, [" Rain.", f" {long}"]))
    assert limit(["Rain."] * 99 + [long] * 3) == long_length
    assert limit(["Rain."] * 199 + [long]) == short_length
    assert limit([long], max_new_tokens=7) == 7
    assert limit([long * 9]) == 64  # half of the positions


# ---- configurations


@pytest.mark.parametrize(("changes", "label"), [
    ({}, "soft prompt, 20 tokens"),
    ({"prompt_length": 1}, "soft prompt, 1 token"),
    ({"system": "prefix tuning"}, "prefix tuning, 20 tokens"),
    ({"system": "prompt tuning, PEFT", "prompt_length": 2}, "prompt tuning, PEFT, 2 tokens"),
    ({"system": "LoRA"}, "LoRA"),
    ({"system": "full fine-tuning"}, "full fine-tuning"),
    ({"system": BASELINES}, "baselines"),
    ({"system": "hard prompt"}, f"hard prompt: {TASK.hard_prompt}"),
    ({"system": "hard prompt", "hard_prompt": "In short:"}, "hard prompt: In short:"),
    ({"system": "hard prompt", "hard_prompt": ""}, "hard prompt: "),
])
def test_labels_tell_systems_apart(changes, label):
    assert Experiment("summarization", **changes).label == label


@pytest.mark.parametrize(("changes", "message"), [
    ({"task": "poetry"}, "unknown task 'poetry'"),
    ({"system": "magic"}, "system must be one of hard prompt, soft prompt.*, got 'magic'"),
    ({"prompt_init": "zero"}, "prompt_init must be one of vocab, random, text, normal, first, got 'zero'"),
    ({"prompt_length": 0}, "prompt_length must be a whole number >= 1, got 0"),
    ({"prompt_length": None}, "prompt_length must be a whole number >= 1, got None"),
    ({"rank": 1.5}, "rank must be a whole number >= 1, got 1.5"),
    ({"max_train": 0}, "max_train must be a whole number >= 1, got 0"),
    ({"max_eval": -1}, "max_eval must be a whole number >= 1, got -1"),
    ({"max_new_tokens": "9"}, "max_new_tokens must be a whole number >= 1, got '9'"),
    ({"init_text": "Hello"}, "init_text needs prompt_init text"),
])
def test_a_configuration_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Experiment(**{"task": "summarization", **changes})


def test_every_system_has_a_name_that_makes_it(tiny, material, tokenizer):
    with pytest.raises(ValueError, match="unknown system 'magic': expected one of"):
        make_system("magic", material.base, TASK)
    assert set(TRAINED) | {"hard prompt"} == set(experiment.SYSTEMS)


def test_material_of_another_experiment_is_refused(tiny, material):
    for change in ({"max_eval": 3}, {"max_new_tokens": 7}):
        with pytest.raises(ValueError, match=f"the material was made for {next(iter(change))}"):
            run(replace(tiny, **change), QUICK, material=material)


def test_other_records_are_another_run(tiny, material):
    before = run(replace(tiny, system=BASELINES), material=material)
    changed = copy.copy(material)
    changed.records = "of another day"
    assert run(replace(tiny, system=BASELINES), material=changed).run != before.run


# ---- what studies need


def test_some_validation_records_may_be_answered_and_all_count_in_the_loss(tiny, material):
    few, none = (run(replace(tiny, max_scored=count), QUICK, material=material) for count in (2, 0))
    whole = run(tiny, QUICK, material=material)
    assert {row["n"] for row in select(few, split="validation") if row["metric"] != "loss"} == {2}
    assert {row["metric"] for row in select(none, split="validation")} == {"loss"}
    for outcome in (few, none):
        assert select(outcome, metric="loss") == select(whole, metric="loss") and outcome.predictions == whole.predictions


def test_records_that_are_repeated_give_as_many_steps_as_more_records(tiny):
    outcome = run(replace(tiny, max_train=3, repeat=4), replace(QUICK, epochs=1))
    assert [row["step"] for row in select(outcome, split="train", metric="loss")] == [3]   # 12 records in batches of 4


def test_a_choice_never_sees_the_test(tiny, material, monkeypatch):
    scored = []
    scores = Material.scores
    monkeypatch.setattr(
        Material, "scores", lambda self, system, split, *more: scored.append(split) or scores(self, system, split, *more))
    trained = run(tiny, QUICK, material=material, test=False)
    assert {row["split"] for row in trained.rows} == {"train", "validation"} and trained.predictions is None
    hard = run(replace(tiny, system="hard prompt"), material=material, test=False)
    assert {(row["split"], row["n"]) for row in hard.rows} == {("validation", 6)} and hard.predictions is None
    assert hard.config["test"] is False and scored == ["validation"]


def test_a_system_can_be_prepared_before_it_is_trained(tiny, material):
    def zero(system):
        system.soft_embedding.weight.data.zero_()

    outcome = run(tiny, replace(QUICK, learning_rate=1e-9, epochs=1), material=material, prepare=zero)
    assert outcome.system.soft_rows().abs().max() < 1e-6
