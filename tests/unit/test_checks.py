"""Every check of the exercises: it fails on the lesson's stub and on plausible wrong answers, and passes on the
lesson's own solution."""

import importlib
import math
import re
import traceback
from collections import Counter
from functools import cache
from itertools import accumulate
from pathlib import Path

import numpy
import pytest
import torch
from torch.nn.functional import cross_entropy

from course_utils import get_task
from course_utils.lessons.checks import ExerciseNotSolved, ExerciseWrong, check, passed
from course_utils.lessons.setup import repository_root
from course_utils.metrics import normalise

LESSONS = ("01", "02", "03", "05", "06", "07", "08")
MODULES = [importlib.import_module(f"course_utils.lessons.checks_{number}") for number in LESSONS]
CHECKS = {name: value for module in MODULES for name, value in vars(module).items() if name.startswith("check_")}


@cache
def lesson(number):
    return next((repository_root() / "notebooks").glob(f"{number}_*.py")).read_text(encoding="utf-8")


def define(code, name):
    scope = {"torch": torch}
    exec(code, scope)
    return scope[name]


def exercise(check):
    """"check_02_cost" -> ("02", "cost")."""
    _, number, name = check.split("_", 2)
    return number, name


def stub(check):
    """The function as the lesson's cell leaves it for the learner."""
    number, name = exercise(check)
    cells = re.split(r"^# %%.*\n", lesson(number), flags=re.MULTILINE)
    return define(next(cell for cell in cells if f"def {name}(" in cell and "NotImplementedError" in cell), name)


def solution(check):
    """The function as the lesson's folded solution defines it."""
    number, name = exercise(check)
    text = re.sub(r"^# ?", "", lesson(number), flags=re.MULTILINE)
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return define(next(block for block in blocks if f"def {name}(" in block), name)


@pytest.mark.parametrize("check", CHECKS)
def test_stub_fails(check):
    with pytest.raises((ExerciseNotSolved, ExerciseWrong)) as caught:
        CHECKS[check](stub(check))
    shown = caught.value._render_traceback_()
    assert len(shown) == 1 and "\n" not in shown[0]


@pytest.mark.parametrize("check", CHECKS)
def test_solution_passes(check, capsys):
    CHECKS[check](solution(check))
    assert "✓" in capsys.readouterr().out


# ---- what a learner sees

@check
def check_00_half(half):
    """Stands for all checks."""
    assert half(4) == 2, "half of 4 is 2"
    assert half(1) + 0.5 == 1, "half of 1 is no whole number"
    passed("half")


def shown(answer):
    """The lines that IPython prints when `check_00_half(answer)` is run."""
    with pytest.raises(Exception) as caught:
        check_00_half(answer)
    error = caught.value
    if hasattr(error, "_render_traceback_"):
        return error._render_traceback_()
    visible = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if not frame.f_locals.get("__tracebackhide__")]
    return [frame.f_code.co_name for frame in visible][1:] + [str(error)]   # without this function


def test_a_right_answer_prints_a_tick(capsys):
    check_00_half(lambda number: number / 2)
    assert capsys.readouterr().out == "✓ half\n"


def test_a_stub_and_a_wrong_answer_are_one_line():
    def todo(number):
        raise NotImplementedError

    assert len(shown(todo)) == 1 and "not solved yet" in shown(todo)[0] and "todo" in shown(todo)[0]
    assert shown(lambda number: number) == ["half of 4 is 2"]


def test_an_unusable_answer_is_one_line():
    (line,) = shown(lambda number: 2 if number == 4 else None)
    assert "cannot use" in line and "NoneType" in line


def test_an_error_in_the_answer_shows_the_answers_lines_and_no_others():
    def helper(number):
        return [][number]

    def answer(number):
        return helper(number)

    assert shown(answer) == ["answer", "helper", "list index out of range"]

    def unfinished_library(number):
        def library():
            raise NotImplementedError("no kernel for this device")
        return library()

    assert shown(unfinished_library) == ["unfinished_library", "library", "no kernel for this device"]


def test_a_missing_file_of_the_course_is_not_blamed_on_the_answer():
    @check
    def check_00_files(answer):
        Path("no such file").read_text()

    with pytest.raises(FileNotFoundError):
        check_00_files(lambda: None)


# ---- wrong answers, by lesson

def looks_at_text(tokenizer, prompt, answer):
    return (prompt + answer).startswith(prompt)


def looks_for_a_space(tokenizer, prompt, answer):
    return not prompt.endswith(" ")


def looks_for_white_space(tokenizer, prompt, answer):
    return prompt == prompt.rstrip()


def latest_leader(validation, test):
    leaders = accumulate(range(len(test)), lambda a, b: b if validation[b] >= validation[a] else a)
    return [test[i] for i in leaders]


def prompt_behind(rows, embedded, mask):
    prompt = rows.expand(len(embedded), -1, -1)
    return torch.cat([embedded, prompt], dim=1), torch.cat([mask, mask.new_ones(prompt.shape[:2])], dim=1)


def old_mask(rows, embedded, mask):
    return torch.cat([rows.expand(len(embedded), -1, -1), embedded], dim=1), mask


def masks_the_end(source, target, end):
    return [*source, *target, end], [-100] * len(source) + [*target, -100]


def masks_by_id(source, target, end):
    ids = [*source, *target, end]
    return ids, [-100] * len(source) + [-100 if i == end else i for i in [*target, end]]


def masks_inner_ends(source, target, end):
    return [*source, *target, end], [-100] * len(source) + [-100 if i == end else i for i in target] + [end]


def forgets_the_end(source, target, end):
    return [*source, *target], [-100] * len(source) + [*target]


def counts_the_source(source, target, end):
    return [*source, *target, end], [*source, *target, end]


def shifts_by_hand(source, target, end):
    return [*source, *target, end], [-100] * (len(source) - 1) + [*target, end, 1]


def frequency(train, test, vocab_size, plus=1, log=math.log, sign=-1):
    seen = [i for target in train for i in target]
    p = [(seen.count(i) + plus) / (len(seen) + plus * vocab_size) for i in range(vocab_size)]
    tokens = [i for target in test for i in target]
    return sign * sum(log(p[i]) if p[i] else -math.inf for i in tokens) / len(tokens)


def mean_over_examples(train, test, vocab_size):
    return sum(frequency(train, [target], vocab_size) for target in test) / len(test)


def no_shift(logits, labels):
    return cross_entropy(logits.transpose(1, 2), labels, reduction="none").sum(1) / (labels != -100).sum(1)


def mean_over_positions(logits, labels):
    return cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none").mean(1)


def sums(logits, labels):
    return cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none").sum(1)


def one_mean(logits, labels):
    return cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


def shared_words(prediction, reference):
    common = len(set(prediction) & set(reference))
    return 2 * common / (len(prediction) + len(reference)) if common else 0.0


def of_the_differences(differences, draws=2000, seed=0):
    return tuple(numpy.quantile(differences, [0.025, 0.975]))


def without_replacement(differences, draws=2000, seed=0):
    rng = numpy.random.default_rng(seed)
    return tuple(numpy.quantile([rng.permutation(differences).mean() for _ in range(draws)], [0.025, 0.975]))


def f1_with(clean=normalise, shared=lambda a, b: (Counter(a) & Counter(b)).total(), pick=max, scale=1):
    def one(said, wanted):
        said, wanted = clean(said).split(), clean(wanted).split()
        return scale * 2 * shared(said, wanted) / max(1, len(said) + len(wanted))

    return lambda prediction, references: pick([one(prediction, each) for each in references])


def f1_by_precision_and_recall(prediction, references):
    def one(said, wanted):
        shared = (Counter(said) & Counter(wanted)).total()
        precision, recall = shared / len(said), shared / len(wanted)
        return 2 * precision * recall / (precision + recall) if shared else 0

    return max(one(normalise(prediction).split(), normalise(each).split()) for each in references)


def sign_test_with(a, b, sides=2, ties=False):
    only = [sum(x and not y for x, y in zip(*pair, strict=True)) for pair in ((a, b), (b, a))]
    n, k = (len(a), min(sum(a), sum(b))) if ties else (sum(only), min(only))
    return min(1, sides * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)


def edit_with(replace, fields=("context", "answers"), copy=dict):
    def edit_report(record, old, new):
        edited = copy(record)
        for field in fields:
            texts = record[field]
            edited[field] = replace(texts, old, new) if isinstance(texts, str) else [replace(each, old, new) for each in texts]
        return edited

    return edit_report


def whole_words(text, old, new):
    return re.sub(rf"\b{re.escape(old)}\b", new, text)


@pytest.mark.parametrize(("check", "wrong", "hint"), [
    ("check_01_joins", looks_at_text, "the space goes over to the word"),
    ("check_01_joins", looks_for_a_space, "cut in two"),
    ("check_01_joins", looks_for_white_space, "line break"),
    ("check_01_joins", lambda *_: None, "True or False"),
    ("check_01_best_so_far", lambda validation, test: list(accumulate(test, max)), "the test data chose"),
    ("check_01_best_so_far", lambda validation, test: list(accumulate(validation, max)), "those are validation scores"),
    ("check_01_best_so_far", latest_leader, "in a tie the earlier"),
    ("check_01_best_so_far", lambda validation, test: test[validation.index(max(validation))], "one number for each"),
    ("check_01_best_so_far", lambda validation, test: [test[validation.index(max(validation))]] * len(test), "at each try"),
    ("check_01_best_so_far", lambda validation, test: list(test), "at each try"),
    ("check_01_summary_prompt", lambda: "Summarize this", "exactly once"),
    ("check_01_summary_prompt", lambda: "{text}In short: ", "ends with a space"),
    ("check_01_summary_prompt", lambda: get_task("summarization").hand_written[2], "tried in this lesson already"),
    ("check_01_summary_prompt", lambda: "{source}" + " ja" * 200, "stay within 150"),
    ("check_01_summary_prompt", lambda: "Please be so kind as to write a short summary\n{source}", "words that stood close"),
    ("check_02_with_prompt", prompt_behind, "in front of the text"),
    ("check_02_with_prompt", old_mask, "grow with the inputs"),
    ("check_02_cost", lambda names, length, width: (length * width, 4 * length * width), "rows of its own"),
    ("check_02_cost", lambda names, length, width: (names * length * width, 2 * names * length * width), "4 bytes"),
    ("check_02_read_prompt", lambda rows, table: (rows @ table.T).argmax(-1), "divide both sides"),
    ("check_02_read_prompt", lambda rows, table: torch.cdist(rows, table).argmin(-1), "angles"),
    ("check_03_build_example", masks_the_end, "never learns to stop"),
    ("check_03_build_example", masks_by_id, "never learns to stop"),
    ("check_03_build_example", masks_inner_ends, "positions, not ids"),
    ("check_03_build_example", forgets_the_end, "source, target, end token"),
    ("check_03_build_example", counts_the_source, "source must not count|shifted by one"),
    ("check_03_build_example", shifts_by_hand, "shifted by one"),
    ("check_03_frequency_loss", lambda *given: frequency(*given, plus=0), "add one"),
    ("check_03_frequency_loss", mean_over_examples, "average over tokens"),
    ("check_03_frequency_loss", lambda *given: frequency(*given, sign=1), "sign"),
    ("check_03_frequency_loss", lambda *given: frequency(*given, log=math.log2), "natural logarithm"),
    ("check_03_frequency_loss", lambda train, test, vocab_size: math.log(vocab_size), "expected"),
    ("check_03_loss_per_example", no_shift, "shift is missing"),
    ("check_03_loss_per_example", mean_over_positions, "number of labels in the row"),
    ("check_03_loss_per_example", sums, "these are sums"),
    ("check_03_loss_per_example", one_mean, "keep the batch"),
    ("check_05_lead", lambda text, k: ". ".join(text.split(". ")[:k]), "marks that end a sentence"),
    ("check_05_lead", lambda text, k: re.split(r"(?<=[.?!]) ", text)[:k], "one text"),
    ("check_05_rouge_l", shared_words, "any order"),
    ("check_05_bootstrap_interval", of_the_differences, "far too wide"),
    ("check_05_bootstrap_interval", without_replacement, "too narrow"),
    ("check_06_token_f1", f1_with(clean=str), "normalise"),
    ("check_06_token_f1", f1_with(shared=lambda a, b: len(set(a) & set(b))), "do not use sets"),
    ("check_06_token_f1", f1_with(pick=lambda scores: scores[0]), "best over the references"),
    ("check_06_token_f1", f1_with(pick=lambda scores: sum(scores) / len(scores)), "best over the references"),
    ("check_06_token_f1", f1_with(scale=100), "0 to 1"),
    ("check_06_token_f1", f1_by_precision_and_recall, "division by zero"),
    ("check_06_sign_test", lambda a, b: sign_test_with(a, b, sides=1), "half of it"),
    ("check_06_sign_test", lambda a, b: sign_test_with(a, b, ties=True), "on which they differ"),
    ("check_06_sign_test", lambda a, b: 2 * sign_test_with(a, b, sides=1), "between 0 and 1"),
    ("check_06_edit_report", edit_with(str.replace), "as whole words"),
    ("check_06_edit_report", edit_with(whole_words, fields=("context",)), "change along with the report"),
    ("check_06_edit_report", edit_with(whole_words, fields=("context", "question", "answers")), "question must stay"),
    ("check_06_edit_report", edit_with(whole_words, copy=lambda record: record), "has changed"),
    ("check_06_edit_report", edit_with(lambda text, old, new: re.sub(rf"\b{old}\b", new, text)), "literally"),
])
def test_wrong_answers_are_told_what_is_wrong(check, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        CHECKS[check](wrong)
