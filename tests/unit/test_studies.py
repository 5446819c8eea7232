"""The studies: what they ask for, how they choose, and that a kill, a failure or a second start costs nothing."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import make_gpt2
from tiny_runs import RECORDS, write_data, write_jsonl, write_model

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "data" / "build"))

import further  # noqa: E402
import measures  # noqa: E402
import studies  # noqa: E402
import workers  # noqa: E402

from course_utils.batches import encode  # noqa: E402
from course_utils.evaluation import evaluate_loss, generate_answers  # noqa: E402
from course_utils.experiment import BASELINES, TRAINED, Experiment  # noqa: E402
from course_utils.prompt_init import INITS  # noqa: E402
from course_utils.results import Study  # noqa: E402
from course_utils.tasks import TASKS  # noqa: E402
from course_utils.training import TrainingConfig, TrainingDiverged  # noqa: E402

S = studies.Settings()


class Asked:
    """A plan's runs, all rounds, answered by ``loss(run)`` and ``score(run)``; test scores say the opposite of validation."""

    def __init__(self, plan, loss=lambda run: 1.0, score=lambda run: 50.0):
        self.rounds, self.loss, self.score, self.value = [], loss, score, None
        done = None
        try:
            while True:
                self.rounds.append(plan.send(done))
                done = [self.done(run) for run in self.rounds[-1]]
        except StopIteration as end:
            self.value = end.value

    def done(self, run):
        loss, score, metric = self.loss(run), self.score(run), TASKS[run.experiment.task].main_metric
        rows = [("validation", "loss", loss), ("validation", metric, score), ("test", "loss", -loss), ("test", metric, -score)]
        rows = [{"split": split, "metric": name, "value": value} for split, name, value in rows if math.isfinite(loss + score)]
        return workers.Done(run, rows, {"hard_prompt": "words"})

    @property
    def runs(self):
        return [run for asked in self.rounds for run in asked]


@pytest.fixture(scope="module")
def asked():
    """What each study asks for, with made-up results, once."""
    return {name: [Asked(job.plan) for job in make(S)] for name, make in studies.STUDIES.items() if name in
            ("main", "as_reported", "scale", "labels", "design")}


# ---- what is asked for


def cells(found, study):
    return Counter((run.experiment.task, run.experiment.model, run.name) for each in found for run in each.runs
                   if run.study == study and run.experiment.system != BASELINES)


@pytest.mark.parametrize(("study", "data"), [("main", "embedded"), ("control", "control")])
def test_main_has_all_systems_tasks_styles_and_seeds(asked, study, data):
    trained = {"soft prompt, 1 token", *(f"soft prompt, {n} tokens" for n in (5, 20, 50, 100)), "P-tuning, 20 tokens",
               "prefix tuning, 20 tokens", "LoRA", "full fine-tuning", "discrete search, 20 tokens"}
    seeds = {**dict.fromkeys(trained, 3), **{f"solved examples, {n}": 3 for n in (1, 2, 4)},
             studies.REPORTED: 1, studies.WRITTEN: 1}
    if study == "control":   # what only adds to the picture there
        once = [f"soft prompt, {n} tokens" for n in (5, 50, 100)] + ["P-tuning, 20 tokens", "prefix tuning, 20 tokens"]
        seeds |= dict.fromkeys(once, 1)
    expected = {(task, "course-gpt2-m", name): count for task in TASKS for name, count in seeds.items()}
    assert cells(asked["main"], study) == expected
    runs = [run for each in asked["main"] for run in each.runs if run.study == study]
    assert {run.experiment.data for run in runs} == {data}
    assert all(run.predictions for run in runs if run.experiment.system != BASELINES)
    assert sum(run.experiment.system == BASELINES for run in runs) == 3


def test_scale_has_every_size_and_m_is_in_main(asked):
    systems = {"soft prompt, 1 token": 3, "soft prompt, 20 tokens": 3, "LoRA": 3, "full fine-tuning": 3,
               "discrete search, 20 tokens": 3, studies.REPORTED: 1, studies.WRITTEN: 1}
    assert cells(asked["scale"], "scale") == {
        (task, f"course-gpt2-{size}", name): count
        for task in TASKS for size in ("xs", "s", "l") for name, count in systems.items()}
    ours = {run.key for job in studies.scale(replace(S, models=("course-gpt2-m",))) for run in Asked(job.plan).runs}
    assert ours <= {run.key for each in asked["main"] for run in each.runs}


def test_labels_take_as_many_steps_with_few_records_as_with_many(asked):
    runs = [run for each in asked["labels"] for run in each.runs if run.study == "labels" and run.training]
    sizes = {"translation": (10, 30, 100, 300, 1000), "summarization": (10, 100, 1000), "question_answering": (10, 100, 1000)}
    assert Counter((run.experiment.task, run.experiment.max_train) for run in runs) == {
        (task, size): 3 * 3 for task in TASKS for size in sizes[task]}
    for run in runs:
        full = len(studies.records(run.experiment.task, "embedded")["train"])
        assert full <= run.experiment.max_train * run.experiment.repeat < full + run.experiment.max_train


def test_design_is_the_whole_grid_on_validation_alone(asked):
    runs = [run for each in asked["design"] for run in each.runs]
    cells = {(run.experiment.task, run.experiment.prompt_length, run.experiment.prompt_init, run.training.learning_rate,
              run.training.seed) for run in runs}
    assert len(cells) == len(runs) == 2 * 4 * len(INITS) * (5 + 2) and len(INITS) == 5
    assert not any(run.test for run in runs)


def test_design_spends_its_other_seeds_where_a_start_does_best():
    job = studies.design(S)[0]
    first, second = Asked(job.plan, loss=lambda run: abs(run.training.learning_rate - 0.3)).rounds
    assert [run.training.seed for run in first] == [0] * 5 and [run.training.seed for run in second] == [1, 2]
    assert {run.training.learning_rate for run in second} == {0.3}


def test_as_reported_is_as_reported(asked):
    runs = [run for each in asked["as_reported"] for run in each.runs if run.study == "as_reported"]
    assert len(runs) == 9
    for run in runs:
        reported = TrainingConfig.as_reported(seed=run.training.seed, learning_rate=run.training.learning_rate,
                                              eval_batch_size=run.training.eval_batch_size)
        assert run.training == reported and run.experiment.prompt_length == 1 and run.detail == "all"


# ---- fairness


def test_all_trained_systems_get_the_same_budget_and_search(asked):
    runs = [run for name in ("main", "scale") for each in asked[name] for run in each.runs if run.experiment.system in TRAINED]
    final, tried = [run for run in runs if run.test], [run for run in runs if not run.test]
    budgets = {(run.experiment.system == studies.SEARCHED, replace(run.training, learning_rate=1.0, seed=0)) for run in final}
    assert budgets == {(False, S.training(learning_rate=1.0)), (True, S.training(learning_rate=1.0, patience=None))}
    assert {(run.experiment.max_train, run.experiment.max_eval, run.experiment.repeat) for run in final} == {(None, None, 1)}
    assert {replace(run.training, learning_rate=1.0) for run in tried} == {S.training(learning_rate=1.0, epochs=S.search_epochs)}
    assert {(run.experiment.max_train, run.experiment.max_scored) for run in tried} == {(S.search_train, 0)}
    assert all(len(grid) >= 4 for grid in studies.GRIDS.values())
    assert {run.experiment.system for run in tried} == set(studies.GRIDS)


def test_choices_look_at_validation_alone(asked):
    runs = [run for found in asked.values() for each in found for run in each.runs]
    choices = [run for run in runs if run.study in ("rates", "words.tried")]
    assert choices and not any(run.test or run.predictions for run in choices)
    assert all(run.test for run in runs if run.study in ("main", "control", "scale", "labels", "as_reported"))


def test_the_written_prompt_is_the_best_on_validation():
    written = TASKS["translation"].hand_written
    plan = studies.words(S, "main", S.experiment("translation"))
    found = Asked(plan, score=lambda run: 90.0 if run.experiment.hard_prompt == written[5] else 10.0)
    best = [run for run in found.rounds[-1] if run.name == studies.WRITTEN]
    assert [run.experiment.hard_prompt for run in best] == [written[5]]


def test_examples_are_drawn_for_each_seed_and_chosen_on_validation():
    plan = studies.in_context(S, "main", S.experiment("translation"))
    found = Asked(plan, score=lambda run: float("nan") if run.options["shots"] == 4 else 10.0 * run.options["draw"] - run.seed)
    tries, final = found.rounds
    assert len(tries) == len({run.key for run in tries}) == 3 * 3 * S.draws
    assert S.draws > 1
    found = {(run.seed, run.options["shots"], run.options["draw"]) for run in final}
    assert found == {(seed, shots, S.draws - 1) for seed in (0, 1, 2) for shots in (1, 2)}
    assert all(run.test and run.study == "main" for run in final)   # four examples did not fit


@pytest.mark.parametrize(("best", "tried"), [
    (0.03, [0.01, 0.03, 0.1, 0.3]), (0.01, [0.003, 0.01, 0.03, 0.1, 0.3]), (0.001, [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3]),
    (1e-6, [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3]), (1.0, [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]),
    (90.0, [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])])
def test_a_grid_grows_until_its_best_is_inside_and_at_most_three_times(best, tried):
    found = Asked(studies.rate_search(S, S.experiment("translation"), S.training()),
                  loss=lambda run: abs(math.log(run.training.learning_rate / best)))
    assert sorted({run.training.learning_rate for run in found.runs}) == pytest.approx(tried)
    nearest = min(tried, key=lambda rate: abs(math.log(rate / best)))
    assert found.value == S.training(learning_rate=nearest)
    assert len({run.key for run in found.runs}) == len(tried)   # what was tried is asked for again, and not another run


def test_a_rate_that_diverges_is_not_chosen():
    def loss(run):
        return math.inf if run.training.learning_rate > 0.05 else run.training.learning_rate
    assert Asked(studies.rate_search(S, S.experiment("translation"), S.training()), loss).value.learning_rate == 0.0003
    with pytest.raises(ValueError, match="diverged at every rate"):
        Asked(studies.rate_search(S, S.experiment("translation"), S.training()), lambda run: math.inf)


# ---- running them


@pytest.fixture(scope="module")
def tiny(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    model = write_model(folder / "model", make_gpt2(tokenizer), tokenizer)
    return Experiment("summarization", str(model), prompt_length=3, data=str(write_data(folder / "data")), base_dtype="float32",
                      max_scored=2)


QUICK = replace(S, seeds=(0, 1), epochs=2, search_train=4, search_epochs=1, draws=2)


@pytest.fixture
def scheduler(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(measures, "WORK", tmp_path / "work")

    def make(*systems):
        jobs = [workers.Job(system, studies.trained(QUICK, "trial", replace(tiny, system=system), predictions=True), 6)
                for system in systems]
        return workers.Scheduler(jobs, workers.Results(tmp_path / "results"), tmp_path / "log")

    return make


def start(scheduler, **options):
    scheduler.run(0, None, quiet=True, **options)
    return scheduler


def test_runs_go_to_their_studies_and_are_not_repeated(scheduler, tmp_path, monkeypatch):
    first = start(scheduler("soft prompt", "LoRA"))
    assert all(job.finished for job in first.jobs) and first.measured >= 12
    trial, rates = (Study(name, tmp_path / "results") for name in ("trial", "rates"))
    table = trial.table("learning_rate", "cpu_seconds")
    assert set(table["system"]) == {"soft prompt, 3 tokens", "LoRA"} and set(table["seed"]) == {0, 1}
    assert set(table["base"]) == {"model"} and (table["cpu_seconds"] > 0).all()
    assert set(rates.table()["split"]) == {"train", "validation"} and not rates.read("predictions")
    assert len(trial.read("predictions")) == 4
    steps = table[(table["split"] == "validation") & (table["metric"] == "rougeL")]
    assert len(steps) == 8 and set(steps["n"]) == {2}   # after each of two epochs
    chosen = rates.table("learning_rate")
    chosen = chosen[(chosen["system"] == "LoRA") & (chosen["split"] == "validation")]
    best = chosen.loc[chosen["value"].idxmin(), "learning_rate"]
    assert set(table[table["system"] == "LoRA"]["learning_rate"]) == {best}
    before = {path: path.read_bytes() for path in (tmp_path / "results").iterdir()}
    monkeypatch.setattr(workers, "measure", lambda *args: pytest.fail("nothing is left to be measured"))
    again = start(scheduler("soft prompt", "LoRA"))
    assert again.measured == 0 and all(job.finished for job in again.jobs)
    assert {path: path.read_bytes() for path in (tmp_path / "results").iterdir()} == before


def test_a_run_that_two_jobs_ask_for_is_measured_once(scheduler):
    found = start(scheduler("soft prompt", "soft prompt"))
    assert all(job.finished for job in found.jobs) and found.measured == len({run.key for run in found.jobs[0].asked})


def test_a_failure_ends_its_job_alone_and_is_told(scheduler, tmp_path, monkeypatch):
    original = workers.measure

    def fail(run, materials):
        if run.experiment.system == "LoRA":
            raise OSError("no space left")
        return original(run, materials)

    monkeypatch.setattr(workers, "measure", fail)
    found = start(scheduler("LoRA", "soft prompt"))
    assert [job.finished for job in found.jobs] == [False, True]
    assert [job.name for job in found.failed] == ["LoRA"] and "no space left" in found.failed[0].error
    assert "Traceback" in (tmp_path / "log").read_text() and "no space left" in (tmp_path / "log").read_text()
    monkeypatch.setattr(workers, "measure", original)
    assert all(job.finished for job in start(scheduler("LoRA", "soft prompt")).jobs)


def test_the_command_reports_failures_by_its_status(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(workers, "measure", lambda run, materials: 1 / 0)
    monkeypatch.setattr(studies, "ROOT", tmp_path)
    options = ["as_reported", "--tasks", "translation", "--quick", "--workers", "0", "--folder", str(tmp_path / "results")]
    assert studies.main(options) == 1
    assert "failed: as_reported translation: " in capsys.readouterr().err
    assert "ZeroDivisionError" in (tmp_path / "build" / "studies.log").read_text()
    assert studies.main([*options, "--list"]) == 0
    assert "0 done    5 missing" in capsys.readouterr().out


def test_nothing_new_is_started_when_time_is_over(scheduler):
    found = start(scheduler("soft prompt"), minutes=0)
    assert found.measured == 0 and not found.failed and not found.jobs[0].finished


def test_a_training_that_diverges_is_a_result(tiny, tmp_path, monkeypatch):
    def diverge(*args, **options):
        raise TrainingDiverged("training loss is nan: stopped")
    monkeypatch.setattr(measures, "measure_experiment", diverge)
    run = measures.Run("rates", tiny, QUICK.training(), test=False)
    done = workers.Results(tmp_path).add(run, measures.measure(run, measures.Materials()))
    assert done.loss() == math.inf and workers.Results(tmp_path).get(run).about["diverged"] == "training loss is nan"


def test_other_records_or_weights_are_another_run(tiny, tmp_path, tokenizer):
    data = write_data(tmp_path / "data")
    before = measures.Run("trial", replace(tiny, data=str(data))).key
    write_jsonl(data / "test.jsonl", RECORDS["summarization"][:3])
    measures.records_hash.cache_clear()
    assert measures.Run("trial", replace(tiny, data=str(data))).key != before
    other = write_model(tmp_path / "model", make_gpt2(tokenizer, width=48), tokenizer)
    theirs = measures.Run("trial", replace(tiny, model=str(other)))
    assert theirs.config["model"] == "model" and theirs.key != measures.Run("trial", tiny).key


def test_options_that_are_off_leave_hashes_as_they_are(tiny):
    config = measures.Run("trial", tiny, TrainingConfig()).config
    assert None not in config.values() and "patience" not in config["training"] and "test" not in config
    assert measures.Run("trial", tiny, TrainingConfig(), test=False).config["test"] is False


def test_examples_that_do_not_fit_are_a_note_and_no_rows(tiny):
    options = {"seed": 0, "kind": "examples", "label": "solved examples, 1"}
    run = measures.Run("words.tried", tiny, test=False, options={"shots": 1, "draw": 0}, **options)
    found = measures.measure(run, measures.Materials())
    assert {(row["system"], row["split"], row["seed"]) for row in found["rows"]} == {("solved examples, 1", "validation", 0)}
    run = measures.Run("words.tried", tiny, test=False, options={"shots": 4, "draw": 0}, **options)
    found = measures.measure(run, measures.Materials())
    assert found["rows"] == [] and "4 examples leave" in found["about"]["skipped"]


def test_the_average_of_equal_prompts_is_each_of_them(tiny):
    material = measures.Materials()(tiny)
    names = ["[ONE]", "[TWO]", "[THREE]"]
    rows = material.base.get_input_embeddings().weight[torch.tensor([7, 30, 12])].clone()
    system = further.with_rows(material.base, names, [rows] * 3)
    sets = [encode(material.data["test"], material.task, material.tokenizer, system, soft_token=name) for name in names]
    prefixes = [each.prefixes() for each in sets]
    alone = generate_answers(system, material.tokenizer, prefixes[0], 12)
    assert len(set(alone)) > 1
    assert further.averaged_answers(system, material.tokenizer, prefixes, 12, batch_size=3) == alone
    assert further.averaged_loss(system, sets) == pytest.approx(evaluate_loss(system, sets[0]), rel=1e-5)


def test_a_transfer_starts_from_the_prompt_of_another_task(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(measures, "WORK", tmp_path)
    training = QUICK.training(learning_rate=1e-9)
    source = measures.Run("main", tiny, replace(training, learning_rate=0.1))
    materials, seen = measures.Materials(), []
    trained = measures.prompt_of(source, materials)
    original = further.measure_experiment
    monkeypatch.setattr(further, "measure_experiment", lambda *args, **more: seen.append(original(*args, **more)) or seen[-1])
    run = measures.Run("transfer", tiny, training, label="from there", kind="transfer", options={"source": source})
    found = measures.measure(run, materials)
    assert torch.allclose(seen[0].system.soft_rows(), trained, atol=1e-6)
    assert {row["system"] for row in found["rows"]} == {"from there"}
    assert run.config["source"] == source.key


def test_a_bug_is_measured_as_its_code_would_and_mended(tiny):
    experiment = replace(tiny, max_scored=2)
    run = measures.Run("bugs", experiment, QUICK.training(), label="labels not shifted", kind="bug", detail="all",
                       options={"bug": "labels not shifted"})
    rows = measures.measure(run, measures.Materials())["rows"]
    assert {row["system"] for row in rows} == {"labels not shifted", "labels not shifted, mended"}
    checks = {row["metric"]: row["value"] for row in rows if row["metric"].startswith("check")}
    assert len(checks) == 5 and checks["check 3 real tokens failed"] == 1


def test_public_data_leave_numbers_alone(tiny, tmp_path, monkeypatch):
    for module in (measures, further):
        monkeypatch.setattr(module, "WORK", tmp_path)
    materials, hard = measures.Materials(), replace(tiny, system="hard prompt")
    runs = [measures.Run("real", replace(hard, hard_prompt=words), label=words, kind="public") for words in ("Sum up:", "News:")]
    for run in runs:
        found = measures.measure(run, materials)
        assert found["predictions"] is None and not any(isinstance(value, list) for value in found["about"].values())
    options = {"first": runs[0], "second": runs[1]}
    pair = measures.Run("real", tiny, label="one - other", kind="pairs", options=options, detail="all")
    rows = {row["metric"]: row["value"] for row in measures.measure(pair, materials)["rows"]}
    assert rows["rougeL, low"] <= rows["rougeL, difference"] <= rows["rougeL, high"]


def test_a_worker_that_is_killed_is_noticed():
    worker = workers.Worker(1)
    os.kill(worker.process.pid, signal.SIGKILL)
    assert "the worker died (exit code -9)" in worker.result()
    worker.end()


def test_a_killed_study_goes_on_where_it_was(tmp_path):
    command = [sys.executable, "data/build/studies.py", "as_reported", "--tasks", "translation", "--model", "course-gpt2-xs",
               "--quick", "--workers", "2", "--folder", str(tmp_path), "--device", "cpu"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / "rates.runs.jsonl").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.kill()
    process.wait()
    before = [each["run"] for each in Study("rates", tmp_path).read("runs")]
    assert before
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    after = [each["run"] for each in Study("rates", tmp_path).read("runs")]
    assert after[: len(before)] == before and len(set(after)) == len(after) >= 4
    assert f"{len(after) - len(before) + 1} runs measured" in out and "1 of 1 jobs done" in out
    rows = [json.loads(line) for line in (tmp_path / "as_reported.jsonl").read_text().splitlines()]
    assert {"batches_per_second", "loss", "bleu"} <= {row["metric"] for row in rows}
