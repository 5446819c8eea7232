"""Lesson 04: each wrong answer to an exercise is told what is wrong, and its pictures are drawn from what they are given."""

import re

import pandas
import pytest
import torch
from conftest import make_gpt2
from torch.nn.functional import cross_entropy

from course_utils.batches import collate, encode
from course_utils.lessons import checks_04, clinic
from course_utils.lessons.bugs import BUGS, find_bug, make_buggy
from course_utils.lessons.checks import ExerciseNotSolved, ExerciseWrong
from course_utils.lessons.setup import repository_root
from course_utils.tasks import get_task
from course_utils.training import TrainingConfig, fit

TASK = get_task("summarization")
LESSON = next((repository_root() / "notebooks").glob("04_*.py")).read_text(encoding="utf-8")
EXERCISES = ("diagnosis", "padding_matters", "step_loss", "my_bug")


def define(code, name):
    scope = {"torch": torch}
    exec(code, scope)
    return scope[name]


def solution(name):
    blocks = re.findall(r"```python\n(.*?)```", re.sub(r"^# ?", "", LESSON, flags=re.MULTILINE), re.DOTALL)
    return define([block for block in blocks if f"def {name}(" in block][-1], name)


def stub(name):
    cells = re.split(r"^# %%.*\n", LESSON, flags=re.MULTILINE)
    return define(next(cell for cell in cells if f"def {name}(" in cell and "NotImplementedError" in cell), name)


@pytest.mark.parametrize("name", EXERCISES)
def test_solution_passes_and_stub_fails(name, capsys):
    check = getattr(checks_04, f"check_04_{name}")
    check(solution(name))
    assert "✓" in capsys.readouterr().out
    with pytest.raises(ExerciseNotSolved):
        check(stub(name))


# ---- wrong answers


def said(a, b, c):
    return lambda: {"A": a, "B": b, "C": c}


def by_the_mean(losses_of, lengths):
    alone = sum(float(losses_of([i])[0]) for i in range(len(lengths))) / len(lengths)
    return abs(alone - float(losses_of(list(range(len(lengths)))).mean())) > 1e-3


def among_each_other(losses_of, lengths):
    losses = losses_of(list(range(len(lengths))))
    return bool(losses.max() - losses.min() > 1e-3)


def only_the_longest(losses_of, lengths):
    longest = lengths.index(max(lengths))
    others = [i for i in range(len(lengths)) if i != longest]
    return any(abs(float(losses_of([longest])[0] - losses_of([longest, i])[0])) > 1e-3 for i in others)


def only_the_first(losses_of, lengths):
    return abs(float(losses_of([0])[0] - losses_of([0, 1])[0])) > 1e-3


def compared(differ):
    def padding_matters(losses_of, lengths):
        longest = lengths.index(max(lengths))
        others = [i for i in range(len(lengths)) if i != longest]
        return any(differ(float(losses_of([i])[0]), float(losses_of([i, longest])[0])) for i in others)
    return padding_matters


def step(source=True, end=True, prompt=True, shift=1):
    """The printed step, mended in part."""
    def step_loss(logits, input_ids, source_lengths, text_lengths, end_id):
        place = torch.arange(input_ids.shape[1])
        counts = place < text_lengths[:, None] if end else input_ids != end_id
        counts = counts & (place >= source_lengths[:, None]) if source else counts
        labels = input_ids.masked_fill(~counts, -100)
        logits = logits[:, logits.shape[1] - input_ids.shape[1] :] if prompt else logits[:, : input_ids.shape[1]]
        if not shift:
            return cross_entropy(logits.flatten(0, 1), labels.flatten())
        return cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    return step_loss


def mean_of_rows(logits, input_ids, source_lengths, text_lengths, end_id):
    tensors = (logits, input_ids, source_lengths, text_lengths)
    return torch.stack([step()(*(each[i : i + 1] for each in tensors), end_id) for i in range(len(logits))]).mean()


def in_place(dataset):
    for item in dataset.items:
        item["labels"].fill_(3)
    return dataset.items, set()


def silent(dataset):
    return [{**item, "labels": torch.full_like(item["labels"], -100)} for item in dataset.items], set()


def reversed_targets(*predicted):
    return lambda dataset: (solution("my_bug")(dataset)[0], set(predicted))


@pytest.mark.parametrize(("name", "wrong", "hint"), [
    ("diagnosis", lambda: "labels not shifted", "return a dict"),
    ("diagnosis", said("labels not shifted", "padding", "end token masked"), "is no bug of this lesson"),
    ("diagnosis", said("labels not shifted", "end token masked", "padding counts"), "B with 'end token masked': .* go on"),
    ("diagnosis", said("off by the prompt", "padding counts", "end token masked"), "A with 'off by the prompt'"),
    ("diagnosis", said("labels not shifted", "source counts", "end token masked"), "check 5 would fail"),
    ("diagnosis", said("labels not shifted", "N(0, 1) start", "end token masked"), "text before training would differ"),
    ("diagnosis", said("pads behind the prompt", "padding counts", "end token masked"), "close to those of the healthy prompt"),
    ("diagnosis", said(*["padding counts"] * 3), "three different"),
    ("padding_matters", by_the_mean, "record by record"),
    ("padding_matters", among_each_other, "compare each record with itself"),
    ("padding_matters", only_the_longest, "short record alone"),
    ("padding_matters", compared(lambda alone, beside: alone != beside), "allow for 1e-3"),
    ("padding_matters", compared(lambda alone, beside: alone - beside > 1e-3), "look both ways"),
    ("padding_matters", compared(lambda alone, beside: abs(alone - beside) > 0.1), "0.05"),
    ("padding_matters", compared(lambda alone, beside: abs(alone - beside) > 0.04), "0.002"),
    ("padding_matters", only_the_first, "only the third record"),
    ("padding_matters", lambda losses_of, lengths: losses_of([0]), "True or False"),
    ("step_loss", step(source=False, end=False, prompt=False), "source still counts.*end token does not count.*of the prompt"),
    ("step_loss", step(source=False), "source still counts"),
    ("step_loss", step(end=False), "mask by text_lengths"),
    ("step_loss", step(prompt=False), "begin with those of the prompt"),
    ("step_loss", step(shift=0), "shift is gone"),
    ("step_loss", mean_of_rows, "mean over all target tokens"),
    ("my_bug", lambda dataset: (dataset.items, set()), "nothing has changed"),
    ("my_bug", lambda dataset: (dataset.items[::-1], set()), "only the order"),
    ("my_bug", lambda dataset: (dataset.items[1:], set()), "keep their number"),
    ("my_bug", lambda dataset: dataset.items, "return two things"),
    ("my_bug", in_place, "work on copies"),
    ("my_bug", silent, "nothing to learn"),
    ("my_bug", reversed_targets("the first"), "names of checks"),
    ("my_bug", reversed_targets("5 source matters"), "after training there failed 1 below ln V"),
])
def test_wrong_answers_are_told_what_is_wrong(name, wrong, hint):
    with pytest.raises(ExerciseWrong, match=hint):
        getattr(checks_04, f"check_04_{name}")(wrong)


# ---- what the lesson shows


@pytest.fixture
def batch(reader, tokenizer, records):
    return collate(encode(records[:1], TASK, tokenizer, make_buggy(None, reader, TASK, 3)).items, tokenizer.pad_token_id)


def test_the_picture_shows_where_each_system_looks(reader, tokenizer, batch):
    labels = batch["labels"][0]
    targets = (labels != -100).nonzero()[:, 0].tolist()
    expected = {None: [i - 1 for i in targets], "labels not shifted": targets, "off by the prompt": [i - 4 for i in targets],
                "no target fed in": list(range(3, 3 + len(targets)))}
    systems = {str(name): make_buggy(name, reader, TASK, 3) for name in expected}
    for name, at in expected.items():
        assert clinic.scored_pairs(systems[str(name)], batch) == list(zip(at, targets, strict=True)), name
    figure = clinic.scoring_picture(systems, batch, tokenizer)
    assert "but not for labels not shifted, off by the prompt, no target fed in" in figure.alt_text


def test_padding_check_catches_two_bugs(reader, tokenizer, records):
    varied = [{**row, "document": row["document"] * (1 + i % 2)} for i, row in enumerate(records)]
    encoded = encode(varied, TASK, tokenizer, make_buggy(None, reader, TASK, 3))
    caught = [name for name in (None, *BUGS) if solution("padding_matters")(
        clinic.record_losses(make_buggy(name, reader, TASK, 3), find_bug(name).data, encoded), encoded.lengths())]
    assert caught == ["padding counts", "pads behind the prompt"]


def test_first_epochs_are_those_of_the_whole_run(reader, tokenizer, records):
    encoded = encode(records, TASK, tokenizer, make_buggy(None, reader, TASK, 3))
    config = TrainingConfig(epochs=3, batch_size=4, learning_rate=0.1, dtype="float32")
    whole = fit(make_buggy(None, reader, TASK, 3), encoded, encoded, config, progress=False)
    part = clinic.first_epochs(make_buggy(None, reader, TASK, 3), encoded, encoded, config, 2)
    assert [row["validation_loss"] for row in part.epochs] == [row["validation_loss"] for row in whole.epochs[:2]]


def test_patients_have_three_different_bugs(tokenizer):
    base = make_gpt2(tokenizer)
    assert len(set(clinic.PATIENTS.values())) == 3 and set(clinic.PATIENTS.values()) <= set(BUGS)
    for letter in clinic.PATIENTS:
        system, prepare = clinic.patient(letter, base, TASK, 2)
        assert system.prompt_length == 2 and callable(prepare)
    with pytest.raises(ValueError, match="A, B, C"):
        clinic.patient("D", base, TASK)


def test_figures_say_what_they_show():
    figure = clinic.catch_picture({"no bug": {"1 below ln V": 0.0}, "a bug": {"1 below ln V": 0.5}})
    assert "fails for: a bug" in figure.alt_text and "pass for: no bug" in figure.alt_text
    figure = clinic.bug_curves({"no bug": ([1, 2], [2.0, 1.0]), "a bug": ([1, 2], [3.0, 2.5])}, "no bug", {"ln V": 8.3})
    assert "a bug ends at 2.5, no bug at 1" in figure.alt_text
    figure = clinic.pattern_figure({"translation": {"bug, hard": 1.1, "bug, soft": ([1, 2], [0.9, 0.8])}})
    assert "bug, hard 1.10, bug, soft 0.80" in figure.alt_text
    assert figure.axes[0].get_ylim()[1] > 1.1, "the highest line lies in the figure"


# ---- what is stored


def stored(task, system, *values, seed=0):
    """Rows of a study: (metric, split, step, value)."""
    return [{"task": task, "system": system, "seed": seed, "split": split, "step": step, "metric": metric, "value": value}
            for metric, split, step, value in values]


SOFT = "no target fed in, as reported"
LIVE = {task: {kind: {"loss / ln V": part, "exact_match_percentage": share, "bleu": 0.2, "rougeL": 0.1, "exact_match": 0.0}
               for kind, part, share in (("hard", 2.0, 5.0), ("untrained", 1.9, 5.0), ("soft", 0.9, 4.0))}
        for task in clinic.REPORTED}
BUG_ROWS = pandas.DataFrame(
    stored("translation", "no bug", ("loss", "test", 8, 0.02), ("loss", "validation", 4, 0.1)) +
    stored("translation", "no bug", ("loss", "test", 8, 0.04), seed=1) +
    stored("translation", "no bug, mended", ("bleu", "test", 8, 96.0)) +
    stored("question_answering", "no bug", ("loss", "test", 8, 0.4)) +
    stored("question_answering", "no target fed in, hard prompt", ("loss", "test", 0, 16.0),
           ("exact_match_percentage", "test", 0, 2.0), seed=None) +
    stored("question_answering", SOFT, ("loss", "validation", 4, 7.0), ("loss", "validation", 8, 6.0), ("loss", "test", 8, 6.1),
           ("exact_match_percentage", "test", 8, 6.0)))


def test_stored_tasks_name_their_seeds():
    table = clinic.by_task(BUG_ROWS, ["no bug", "labels not shifted"])
    assert list(dict.fromkeys(table.columns.get_level_values(0))) == ["translation, 2 seeds", "question answering, 1 seed"]
    assert table.loc["no bug", ("translation, 2 seeds", "loss, own code")] == pytest.approx(0.03)
    assert table.loc["no bug", ("translation, 2 seeds", "BLEU, mended")] == 96 and table.loc["labels not shifted"].isna().all()


def test_evidence_of_a_study_takes_the_place_of_typed_figures():
    table = clinic.evidence_table(LIVE, BUG_ROWS, pandas.DataFrame())
    assert table.loc[("question_answering", "here, study"), "soft, first"] == pytest.approx(7 / 8.318, abs=1e-3)
    assert table.loc[("question_answering", "here, study"), "runs"] == "1 seed"
    assert ("translation", "here, study") not in table.index
    assert table.loc[("translation", "SmolLM2, typed in"), "hard"] == pytest.approx(13.92 / 10.80, abs=1e-2)
    real = stored("translation", "no target fed in, hard prompt", ("loss", "test", 0, 12.0), seed=None)
    table = clinic.evidence_table(LIVE, BUG_ROWS, pandas.DataFrame(real))
    assert table.loc[("translation", "SmolLM2, study"), "runs"] == "hard only"
    for seed in (0, 1):
        real += stored("translation", "no target fed in, 1 token", ("loss", "test", 8, 8.0), seed=seed)
    table = clinic.evidence_table(LIVE, BUG_ROWS, pandas.DataFrame(real))
    assert table.loc[("translation", "SmolLM2, study"), "runs"] == "2 seeds"
    assert ("translation", "SmolLM2, typed in") not in table.index and ("summarization", "SmolLM2, typed in") in table.index


def test_marks_are_judged_by_the_table():
    one, two, three, four, five = clinic.marks(clinic.evidence_table(LIVE, BUG_ROWS, pandas.DataFrame()), "lower")
    assert "fits (" in one and "reported 3 of 3" in one and "here, study 1 of 1" in one
    assert "fits in part" in two and "SmolLM2, typed in 2 of 3" in two
    assert "BLEU: fits;" in three and "(13 to 52): does not fit" in three and "here, live 5.00, 0.20" in three
    assert "fits in part" in four and "here, study 2.00, 6.00" in four and four.endswith("paired test: lower")
    assert "does not fit" in five


def test_pattern_says_which_run_it_draws():
    panels, notes = clinic.pattern_panels(LIVE, BUG_ROWS)
    assert notes == ["summarization: not in the study", "question answering: orange from 0.84 to 0.72 of ln V in 2 epochs "
                     "(1 token, batches of 1, 1 seed); original falls no further, from 1.04 to 0.93 in 5 epochs",
                     "translation: not in the study"]
    assert "bug, soft" not in panels["translation"] and panels["translation"]["right, soft"][0] == [1]
