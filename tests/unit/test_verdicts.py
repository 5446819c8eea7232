"""Verdicts on made-up predictions for which the truth is known."""

import numpy
import pytest
from tiny_runs import write_jsonl

from course_utils.metrics import compute_metrics, paired_bootstrap
from course_utils.results import Study
from course_utils.tasks import TASKS
from course_utils.verdicts import TestRuns, summary_table, verdict

N = 200
TASK = TASKS["question_answering"]
WORDS = [f"word{i}" for i in range(N)]
SENTENCES = [f"Am Montag hat Anna {i} Boote im {word} gekauft." for i, word in enumerate(WORDS)]


@pytest.fixture
def make(tmp_path):
    """A study in which each system has a list of runs, each run a list of which records it gets right."""
    data = tmp_path / "data"
    for split in ("train", "validation", "test"):
        write_jsonl(data / f"{split}.jsonl", [{"context": "c", "question": "q", "answers": [word]} for word in WORDS])

    def make(systems, name="made"):
        study = Study(name, tmp_path / "results")
        for system, runs in systems.items():
            for seed, right in enumerate(runs):
                add(study, system, seed, texts(right), data)
        return study

    make.data = data
    return make


def add(study, system, seed, predictions, data, task=TASK, references=WORDS, **config):
    scores = compute_metrics(task.metrics, predictions, references, task.language)
    keys = {"task": task.name, "base": "tiny", "system": system, "seed": seed, "split": "test", "step": None, "n": N}
    rows = [{**keys, "metric": metric, "value": value} for metric, value in scores.items()]
    study.add(f"{system} {seed} {config}", {"data": str(data), **config}, rows, predictions)


def texts(right):
    return [word if ok else "no" for word, ok in zip(WORDS, right, strict=True)]


def right(count, start=0):
    return [start <= i < start + count for i in range(N)]


def judge(study, first, second, **options):
    return verdict(study, "question_answering", "tiny", first, second, **options)


def test_a_clear_difference_is_seen_from_both_sides(make):
    study = make({"good": [right(180)], "poor": [right(120)]})
    found, back = judge(study, "good", "poor"), judge(study, "poor", "good")
    assert (found.verdict, back.verdict) == ("higher", "lower")
    assert (found.claim, back.claim) == ("supported here", "not supported here")
    assert found.difference == pytest.approx(30) == -back.difference and found.n == N and found.seeds == (1, 1)
    assert 20 < found.interval[0] < 30 < found.interval[1] < 40
    assert str(found).startswith("good is higher than poor: exact match, % +30.0 [+2")
    same = judge(study, "good", "good")
    assert same.verdict == "cannot be told apart" and same.interval == (0, 0)
    assert "good and good cannot be told apart" in str(same)


def test_pairs_show_what_two_separate_intervals_would_hide(make):
    # Six records more, all others alike: 3 points, where each score has a standard error of 3.5.
    study = make({"more": [right(106)], "less": [right(100)]})
    assert judge(study, "more", "less").verdict == "higher"
    # The same 3 points with other records right: nothing to be told.
    study = make({"more": [right(106, 90)], "less": [right(100)]}, "other")
    assert judge(study, "more", "less").verdict == "cannot be told apart"


def test_seeds_that_differ_widen_the_interval(make):
    steady = make({"a": [right(120)] * 3, "b": [right(105)] * 3})
    shaky = make({"a": [right(120), right(185), right(55)], "b": [right(105), right(30), right(180)]}, "shaky")
    assert judge(steady, "a", "b").verdict == "higher"
    found = judge(shaky, "a", "b")
    assert found.difference == pytest.approx(judge(steady, "a", "b").difference) and found.verdict == "cannot be told apart"
    assert found.seeds == (3, 3)


def test_bleu_is_counted_over_all_records(make, monkeypatch):
    task, study = TASKS["translation"], make({}, "bleu")
    for split in ("train", "validation", "test"):
        write_jsonl(make.data / f"{split}.jsonl", [{"source": "s", "target": text} for text in SENTENCES])
    poor = [text.replace("gekauft", "verkauft") if i % 2 else text for i, text in enumerate(SENTENCES)]
    add(study, "good", 0, SENTENCES, make.data, task, SENTENCES)
    add(study, "poor", 0, poor, make.data, task, SENTENCES)
    found = verdict(study, "translation", "tiny", "good", "poor")
    plain = paired_bootstrap("bleu", SENTENCES, poor, SENTENCES, "de")
    assert found.metric == "bleu" and found.verdict == "higher" and found.difference == pytest.approx(plain.difference)
    assert found.interval == pytest.approx(plain.interval, rel=0.05)


class MadeRuns(TestRuns):
    """Runs given as right or wrong for each record, system -> [runs, records]."""

    def __init__(self, right):
        self.right, self.base, self.column = right, "tiny", 0

    def runs_of(self, system):
        return [(system, i) for i in range(len(self.right[system]))]

    def table(self, run):
        rows = self.right[run[0]][run[1]]
        return rows[:, None], lambda sums: [sums[0] / len(rows)]


@pytest.mark.parametrize("trained", [("a", "b"), ("a",)])
@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_without_a_true_difference_a_verdict_is_rare(trained, spread):
    """Two systems with the same chance, which moves from seed to seed by ``spread``: at most 5% of verdicts may be wrong."""
    generator, wrong, trials = numpy.random.default_rng(0), 0, 300
    for _ in range(trials):
        chances = {name: generator.normal(0.5, spread, size=(3, 1)) if name in trained else numpy.full((1, 1), 0.5)
                   for name in "ab"}
        runs = MadeRuns({name: (generator.random((len(its), N)) < its).astype(float) for name, its in chances.items()})
        low, high = numpy.quantile(runs.draws("a", 400) - runs.draws("b", 400), (0.025, 0.975))
        wrong += low > 0 or high < 0
    assert wrong <= 0.05 * trials + 2 * (0.05 * 0.95 * trials) ** 0.5


def test_records_that_have_changed_are_noticed(make):
    study = make({"a": [right(50)], "b": [right(60)]})
    write_jsonl(make.data / "test.jsonl", [{"context": "c", "question": "q", "answers": [word]} for word in reversed(WORDS)])
    with pytest.raises(ValueError, match=r"the test records are others than those it was measured on"):
        judge(study, "a", "b")
    write_jsonl(make.data / "test.jsonl", [{"context": "c", "question": "q", "answers": [word]} for word in WORDS[:-1]])
    with pytest.raises(ValueError, match="predictions but 199 references"):
        judge(study, "a", "b")


def test_other_numbers_of_records_make_no_pairs():
    runs = MadeRuns({"a": numpy.ones((1, N)), "b": numpy.ones((1, 50)), "mixed": [numpy.ones(N), numpy.ones(50)]})
    for pair in (("a", "b"), ("b", "a"), ("a", "mixed"), ("mixed", "a")):
        with pytest.raises(ValueError, match=r"was tested on \d+ records, others on \d+: no pairs"):
            judge(None, *pair, runs=runs)


def test_an_unknown_system_lists_those_that_are_there(make):
    with pytest.raises(ValueError, match="no predictions of 'c' for question_answering with tiny; there are: a, b"):
        judge(make({"a": [right(50)], "b": [right(60)]}), "a", "c")


def test_runs_can_be_narrowed_by_their_configuration(make):
    study = make({})
    for size, count in ((10, 50), (100, 150)):
        add(study, "a", size, texts(right(count)), make.data, max_train=size)
    add(study, "b", 0, texts(right(100)), make.data, max_train=10)
    found = TestRuns(study, "question_answering", "tiny", max_train=10)
    assert found.score("a") == [25.0] and TestRuns(study, "question_answering", "tiny").score("a") == [25.0, 75.0]
    assert judge(study, "a", "b", max_train=10).difference == pytest.approx(-25)


def test_the_summary_has_a_line_for_each_system(make):
    study = make({"soft": [right(150), right(160), right(155)], "hard": [right(100)],
                  "same": [right(154), right(156), right(155)]})
    keys = {"task": TASK.name, "base": "tiny", "system": "copy", "seed": None, "split": "test", "step": None, "n": N}
    study.add("copy", {}, [{**keys, "metric": "exact_match", "value": 1.0}])
    table = summary_table(study, "question_answering", "tiny", against="soft").set_index("system")
    assert list(table.index) == ["soft", "hard", "same", "copy"]
    assert table.loc["soft", "mean"] == pytest.approx(77.5) and table.loc["soft", "std"] == pytest.approx(2.5)
    assert table.loc["soft", "low"] < 77.5 < table.loc["soft", "high"] and table.loc["soft", "seeds"] == 3
    assert table.loc["hard", "verdict"] == "lower" and table.loc["hard", "difference"] == pytest.approx(-27.5)
    assert table.loc["same", "verdict"] == "cannot be told apart" and table.loc["soft", "verdict"] != table.loc["soft", "verdict"]
    assert table.loc["copy", "mean"] == 1 and table.loc["copy"].isna()["low"]
    found = judge(study, "hard", "soft")
    assert (found.interval[0], found.interval[1]) == (table.loc["hard", "difference_low"], table.loc["hard", "difference_high"])
