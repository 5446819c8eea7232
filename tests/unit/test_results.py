"""Results on disk: tidy rows, never half written, each run once."""

import gzip
import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import fields, replace

import pytest

from course_utils import results
from course_utils.experiment import Experiment
from course_utils.results import ROW_KEYS, Study, config_hash, mean_and_spread, save_results, write_atomic

ROW = {"task": "translation", "base": "tiny", "system": "soft prompt", "seed": 0, "split": "test", "step": 10, "metric": "loss",
       "value": 1.5, "n": 8}


def row(**changes):
    return {**ROW, **changes}


@pytest.fixture
def study(tmp_path):
    return Study("sizes", tmp_path / "new" / "results")


def test_what_was_added_is_read_again(study):
    assert study.read() == study.read("runs") == study.read("predictions") == [] and not study.has("a")
    study.add("a", {"seed": 0}, [row(), row(metric="bleu", value=50)], ["Bär", "a\u2028b"], seconds=3.5)
    study.add("b", {"seed": 1}, [row(seed=1, step=None)])
    assert study.has("a") and study.has("b") and not study.has("c")
    assert [list(found) for found in study.read()] == [list(ROW_KEYS)] * 3
    assert study.read()[0] == {"study": "sizes", "run": "a", **ROW} and study.read()[2]["step"] is None
    assert study.read("predictions") == [{"run": "a", "predictions": ["Bär", "a\u2028b"]}]
    first, second = study.read("runs")
    assert first["config"] == {"seed": 0} and first["seconds"] == 3.5 and second["run"] == "b"
    assert {"python", "torch", "transformers"} <= set(first["versions"])


def test_a_run_that_is_added_again_replaces_its_rows(study):
    study.add("a", {}, [row(), row(metric="bleu")], ["one"])
    study.add("b", {}, [row(system="other")], ["two"])
    study.add("a", {}, [row(value=3)], ["three"])
    assert [(found["run"], found["value"]) for found in study.read()] == [("b", 1.5), ("a", 3)]
    assert [found["predictions"] for found in study.read("predictions")] == [["two"], ["three"]]
    assert [found["run"] for found in study.read("runs")] == ["b", "a"]


def test_two_studies_in_a_folder_do_not_know_of_each_other(tmp_path):
    one, two = Study("one", tmp_path), Study("two", tmp_path)
    one.add("a", {}, [row()], ["text"])
    two.add("b", {}, [row(value=2)])
    assert one.has("a") and not one.has("b") and two.has("b") and not two.has("a")
    assert [found["study"] for found in one.read() + two.read()] == ["one", "two"]
    assert two.read("predictions") == []


@pytest.mark.parametrize(("changed", "message"), [
    ({"value": math.nan}, "loss of 'soft prompt' is nan: expected a finite number"),
    ({"value": math.inf}, "is inf: expected a finite number"),
    *(({name: "missing"}, f"lacks {name}") for name in ROW),
])
def test_a_row_that_cannot_be_used_is_refused_and_nothing_is_written(changed, message, study):
    bad = {key: value for key, value in row(**changed).items() if value != "missing"}
    with pytest.raises(ValueError, match=message):
        study.add("a", {}, [row(), bad], ["text"])
    assert not study.folder.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
def test_a_killed_write_leaves_the_old_files_and_no_run_that_is_half_there(study):
    study.add("a", {}, [row()], ["text"])
    killed, seen = True, []
    while killed:
        child = os.fork()
        if not child:  # killed instead of its next change to the file system
            changes = iter(range(len(seen)))

            def before(step, changes=changes):
                def do(*args, **options):
                    if next(changes, None) is None:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return step(*args, **options)

                return do

            for name in ("open", "replace", "unlink"):
                setattr(os, name, before(getattr(os, name)))
            results.Path.write_bytes = before(results.Path.write_bytes)
            study.add("b", {}, [row(system="other")], ["more"])
            os._exit(0)
        killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        runs = [[found["run"] for found in study.read(kind)] for kind in ("rows", "predictions", "runs")]
        assert all(found in (["a"], ["a", "b"]) for found in runs)
        assert study.has("b") == all("b" in found for found in runs), "a run that counts as there is complete"
        seen.append(study.has("b"))
    assert seen[0] is False and seen[-1] is True and len(seen) > 6
    study.add("b", {}, [row(system="other")], ["more"])
    assert [found["run"] for found in study.read()] == ["a", "b"]


def test_predictions_are_the_same_bytes_each_time(study, tmp_path):
    other = Study("sizes", tmp_path / "other")
    for each in (study, other):
        each.add("a", {}, [row()], ["text"])
    assert study.files["predictions"].read_bytes() == other.files["predictions"].read_bytes()
    assert json.loads(gzip.decompress(study.files["predictions"].read_bytes())) == {"run": "a", "predictions": ["text"]}


def test_a_table_has_a_column_for_each_key(study):
    assert list(study.table().columns) == list(ROW_KEYS) and len(study.table()) == 0
    study.add("a", {}, [row(), row(step=None)])
    assert study.table()["value"].tolist() == [1.5, 1.5] and study.table()["system"].tolist() == ["soft prompt"] * 2


def test_mean_and_spread_over_seeds(study):
    for seed, value in enumerate((80, 90)):
        study.add(f"a{seed}", {}, [row(seed=seed, value=value)])
    study.add("b", {}, [row(system="hard prompt", seed=None, value=10)])
    soft, hard = mean_and_spread(study.table()).to_dict("records")
    assert (soft["system"], soft["mean"], soft["count"]) == ("soft prompt", 85, 2) and soft["std"] == pytest.approx(50**0.5)
    assert (hard["mean"], hard["count"]) == (10, 1) and math.isnan(hard["std"])
    each = mean_and_spread(study.table(), by=["seed", "system"])
    assert len(each) == 2  # the hard prompt has no seed


# ---- the hash of a configuration


def test_the_hash_does_not_depend_on_the_order_of_keys():
    config = {"task": "translation", "training": {"epochs": 3, "seed": 0}}
    turned = {"training": {"seed": 0, "epochs": 3}, "task": "translation"}
    assert config_hash(config) == config_hash(turned) and len(config_hash(config)) == 12


OTHER = {"task": "summarization", "model": "course-gpt2-s", "system": "LoRA", "prompt_length": 5, "prompt_init": "text",
         "hard_prompt": "In short:", "rank": 4, "data": "hub", "test_from": "validation", "max_train": 7, "max_eval": 7,
         "max_scored": 7, "repeat": 2, "max_source_tokens": 7, "max_new_tokens": 7, "base_dtype": "float32"}


def test_the_hash_changes_with_every_field():
    experiment = Experiment("translation")
    hashes = {config_hash(vars(experiment))}
    for field in fields(Experiment):
        changed = {"prompt_init": "text", "init_text": "Hello"} if field.name == "init_text" else {field.name: OTHER[field.name]}
        hashes.add(config_hash(vars(replace(experiment, **changed))))
    assert len(hashes) == 1 + len(fields(Experiment))


# ---- single files


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = write_atomic(tmp_path / "folder" / "file.txt", "old")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, "new")
    assert path.read_text() == "old" and os.listdir(path.parent) == ["file.txt"]


def test_results_of_a_lesson_are_checked(tmp_path):
    good = {"task": "translation", "base_model": "tiny", "test_size": 8,
            "rows": [{"system": "soft prompt", "seeds": [0], "loss": None, "metrics": {"bleu": 50.0}}]}
    path = save_results("07_translation", good, tmp_path)
    assert json.loads(path.read_text()) == {"lesson": "07_translation", **good}
    spoiled = [({"rows": []}, "no rows"), ({"rows": [{"system": "a"}]}, "lacks seeds, loss, metrics"),
               ({"rows": [{**good["rows"][0], "metrics": {"bleu": math.nan}}]}, "bleu of 'soft prompt' is nan")]
    for changes, message in spoiled:
        with pytest.raises(ValueError, match=message):
            save_results("07_translation", {**good, **changes}, tmp_path)
    for key in good:
        with pytest.raises(ValueError, match=f"lack {key}"):
            save_results("07_translation", {name: value for name, value in good.items() if name != key}, tmp_path)
    assert json.loads(path.read_text())["rows"] == good["rows"]


def test_two_processes_may_add_to_one_study(tmp_path):
    code = ("import sys; from course_utils.results import ROW_KEYS, Study\n"
            "for i in range(20):\n"
            "    row = {key: None for key in ROW_KEYS} | {'metric': 'bleu', 'system': 's', 'value': 1.0}\n"
            "    del row['study'], row['run']\n"
            "    Study('race', sys.argv[2]).add(f'{sys.argv[1]}-{i}', {}, [row])")
    running = [subprocess.Popen([sys.executable, "-c", code, name, str(tmp_path)]) for name in "ab"]
    assert [each.wait(60) for each in running] == [0, 0]
    study = Study("race", tmp_path)
    assert len({row["run"] for row in study.read()}) == len({run["run"] for run in study.read("runs")}) == 40


def test_a_damaged_line_is_named(tmp_path):
    (tmp_path / "s.runs.jsonl").write_text('{"run": "a"}\n{"run": ')
    with pytest.raises(ValueError, match="line 2: not JSON"):
        Study("s", tmp_path).has("a")
