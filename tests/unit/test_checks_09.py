"""Wrong answers to lesson 09's exercises, and what the lesson takes from `scaling`. (Stubs and solutions: test_checks.py.)"""

import copy
import re
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pandas
import pytest
import torch

from course_utils import (
    TASKS,
    GPT2WithSoftPrompt,
    TrainingConfig,
    encode,
    evaluate_loss,
    fit,
    load_base_model,
    load_task_data,
    verdict,
)
from course_utils.lessons import checks_09, scaling

RIGHT = {"file": {"prompt length"}, "AdamW's memory": {"prompt length"}, "activations kept": {"layers"},
         "operations of a step": {"layers"}, "compiled prompt": {"prompt length", "layers"}}


def doubling(**changes):
    return lambda: RIGHT | {name.replace("_", " "): knobs for name, knobs in changes.items()}


def behind(copied=copy.deepcopy, whole_mask=True, repeat=True, once=True, text_only=True):
    def answers_behind(model, rows, batches):
        kept, found = model(inputs_embeds=rows[None], use_cache=True).past_key_values, []
        for ids in batches:
            if not once:
                kept = model(inputs_embeds=rows[None], use_cache=True).past_key_values
            cache = copied(kept)
            if repeat:
                cache.batch_repeat_interleave(len(ids))
            mask = torch.ones(len(ids), (len(rows) if whole_mask else 0) + ids.shape[1], dtype=torch.long)
            found.append(model(input_ids=ids, attention_mask=mask, past_key_values=cache).logits)
        return found

    return answers_behind


def run_together(model, rows, batches):
    embedded = [torch.cat([rows.expand(len(ids), -1, -1), model.get_input_embeddings()(ids)], 1) for ids in batches]
    return [model(inputs_embeds=each).logits[:, len(rows):] for each in embedded]


def prompt_not_cut_off(model, rows, batches):
    return [model(inputs_embeds=torch.cat([rows.expand(len(ids), -1, -1), model.get_input_embeddings()(ids)], 1)).logits
            for ids in batches]


def without_prompt(model, rows, batches):
    return [model(input_ids=ids).logits for ids in batches]


def choice(base="course-gpt2-l", system="soft prompt, 20 tokens", megabytes=8.45, score=91.1):
    return lambda: {"base": base, "system": system, "megabytes": megabytes, "exact match": score}


@pytest.mark.parametrize(("name", "wrong", "hint"), [
    ("doubles", doubling(activations_kept=set()), "passes every layer"),
    ("doubles", doubling(file={"prompt length", "layers"}), "below the first layer"),
    ("doubles", doubling(operations_of_a_step={"prompt length", "layers"}), "beside 128 of text"),
    ("doubles", doubling(compiled_prompt={"prompt length"}), "each layer has keys"),
    ("doubles", lambda: {"file": {"layers"}}, "with the keys"),
    ("answers_behind", behind(copied=lambda kept: kept, repeat=False), "RuntimeError|size|batch|mask"),
    ("answers_behind", behind(whole_mask=False), "prompt and text|RuntimeError|cannot use|must match|size"),
    ("answers_behind", behind(once=False), "run the prompt once"),
    ("answers_behind", run_together, "run the prompt once"),
    ("answers_behind", prompt_not_cut_off, "of the text alone"),
    ("answers_behind", without_prompt, "logits are not those behind the prompt"),
    ("my_choice", choice(megabytes=0.11), "leave out the base model"),
    ("my_choice", choice(megabytes=8.345), "prompts or adapters are missing"),
    ("my_choice", choice(megabytes=8.354), "prompts or adapters are missing"),
    ("my_choice", choice(megabytes=8.56), "MB for 12 tasks"),
    ("my_choice", choice(megabytes=8.06), "1,000,000 bytes"),
    ("my_choice", choice(megabytes=16.7), "MB for 12 tasks"),
    ("my_choice", choice(system="full fine-tuning", megabytes=8.34, score=94.1), "one copy"),
    ("my_choice", choice(system="full fine-tuning", megabytes=100.1, score=94.1), "do not fit"),
    ("my_choice", choice(base="course-gpt2-m", megabytes=2.96, score=55.9), "is below 60"),
    ("my_choice", choice(score=97), "mean over the seeds"),
    ("my_choice", choice(base="gpt2"), "no stored run"),
])
def test_wrong_answers_are_told_what_is_wrong(name, wrong, hint):
    with pytest.raises((AssertionError, RuntimeError), match=hint):
        getattr(checks_09, f"check_09_{name}")(wrong)


def prompt_with(train=True, base=False, length=None, split="validation", claim=None):
    """A prompt that is wrong in one way."""
    def prompt_on_xs(wanted):
        task, data = TASKS["translation"], load_task_data("translation")
        model, tokenizer = load_base_model("course-gpt2-xs")
        soft = GPT2WithSoftPrompt(model, [task.soft_token], length or wanted)
        records = {name: data[name].select(range(50)) for name in data}
        sets = {name: encode(rows, task, tokenizer, soft) for name, rows in records.items()}
        if base:
            with torch.no_grad():
                next(model.parameters()).add_(1e-4)
        if train:
            fit(soft, sets["train"], sets["validation"], TrainingConfig(epochs=3, learning_rate=0.1), progress=False)
        return soft, evaluate_loss(soft, sets[split]) + (claim or 0)

    return prompt_on_xs


@pytest.mark.parametrize(("wrong", "hint"), [
    (prompt_with(train=False), "train longer"), (prompt_with(base=True, train=False), "only the prompt"),
    (prompt_with(length=2), "asked for 1"), (prompt_with(claim=-0.1), "you claim"), (lambda length: None, "two things"),
])
def test_wrong_experiments_are_told_what_is_wrong(wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        checks_09.check_09_prompt_on_xs(wrong)


@pytest.fixture(scope="module")
def sizes():
    return scaling.Sizes("translation", ["course-gpt2-m", "course-gpt2-l"], draws=200)


def test_comparisons_across_sizes_agree_with_the_verdicts_within_one(sizes):
    ours = sizes.compare(("course-gpt2-m", scaling.FULL), ("course-gpt2-m", scaling.TWENTY))
    theirs = verdict(scaling.study_of("course-gpt2-m"), "translation", "course-gpt2-m", scaling.FULL, scaling.TWENTY, draws=200)
    assert ours.difference == pytest.approx(theirs.difference) and ours.verdict == theirs.verdict
    assert ours.interval == pytest.approx(theirs.interval, abs=0.5)
    back = sizes.compare(("course-gpt2-m", scaling.TWENTY), ("course-gpt2-m", scaling.FULL))
    assert back.interval == pytest.approx((-ours.interval[1], -ours.interval[0]))


def test_a_change_is_the_difference_of_two_differences(sizes):
    found = sizes.change(scaling.FULL, scaling.TWENTY, "course-gpt2-m", "course-gpt2-l")
    small, large = (sizes.compare((base, scaling.FULL), (base, scaling.TWENTY)) for base in ("course-gpt2-m", "course-gpt2-l"))
    assert found.difference == pytest.approx(large.difference - small.difference)
    same = sizes.share_change(scaling.FULL, scaling.FULL, "course-gpt2-m", "course-gpt2-l")
    assert same.difference == pytest.approx(0) and same.verdict == "cannot be told apart"
    assert sizes.share("course-gpt2-m", scaling.FULL) == "100 [100, 100]"
    assert sizes.ends(scaling.FULL) == ("course-gpt2-m", "course-gpt2-l")
    assert sizes.compare(("course-gpt2-m", "no such system"), ("course-gpt2-m", scaling.FULL)) is None
    with pytest.raises(ValueError, match="no base model has runs"):
        sizes.ends("no such system")


def test_a_trend_in_words_and_what_it_says_of_a_claim(sizes):
    change, words = scaling.trend({"translation": sizes}, scaling.TWENTY, scaling.FULL, share=True)["translation"]
    assert words.startswith("from m to l it ") and words.endswith("percentage points")
    assert scaling.trend({"translation": sizes}, "nothing", scaling.FULL)["translation"][0] is None
    assert scaling.judged([change, None], "higher") == "cannot be told here"
    for verdicts, said in ((("higher", "higher"), "supported here"), (("higher", "lower"), "supported on 1 of 2 tasks"),
                           (("lower", "lower"), "not supported here"),
                           (("lower", "cannot be told apart"), "cannot be told apart")):
        assert scaling.judged([SimpleNamespace(verdict=each) for each in verdicts], "higher") == said


def test_figures_say_what_they_show(sizes):
    plt.switch_backend("Agg")
    by_task = {"translation": sizes}
    found = scaling.differences(by_task, scaling.FULL, scaling.TWENTY)
    assert scaling.difference_table(found).columns.tolist() == ["m", "l"]
    figures = scaling.score_by_size(by_task, [scaling.FULL]), scaling.difference_by_size({"distance": found})
    assert all("translation" in figure.alt_text for figure in figures)
    assert all(re.search(r"m [+\d]+, l [+\d-]+", figure.alt_text) for figure in figures)   # each number with its size
    assert scaling.missing(by_task, ["nothing"]) == ["nothing on m, l"]
    plt.close("all")


def test_a_run_that_is_not_stored_is_not_trained_again():
    assert scaling.first_epoch("translation", "course-gpt2-m", seed=99) is None


def test_the_last_stage_has_the_scores_of_the_study(sizes):
    scores = [sizes.score("course-gpt2-m", system) for system in (scaling.TWENTY, "hard prompt, reported")]
    table = scaling.stages_table({sizes.task: sizes})
    assert len(table) == 4
    last = table.loc[(sizes.task.replace("_", " "), "96M tokens (m)"), ["trained there", "reported words"]]
    assert last.tolist() == [scaling.in_seeds(each["seeds"]) for each in scores]


def test_labels_in_a_table_with_all_of_them_from_the_study_main(sizes):
    table = scaling.labels_table({sizes.task: scaling.by_labels(sizes.task, 2000)})
    score = sizes.score("course-gpt2-m", scaling.FULL)
    assert table.loc[(sizes.task.replace("_", " "), scaling.FULL), 2000].startswith(f"{score['mean']:.1f} (")


@pytest.mark.parametrize(("ours", "theirs", "said"), [
    ([50, 51, 52], [60, 61, 62], "lie below"), ([70, 71, 72], [60, 61, 62], "lie above"),
    ([60, 71, 72], [60, 61, 62], "overlap with"), ([50], [60], None), ([50, 51, 52], [60, 61], None), ([50, 51, 52], [], None)])
def test_seeds_with_few_labels_are_compared_once_all_are_there(sizes, ours, theirs, said):
    rows = [(scaling.TWENTY, value) for value in ours] + [(scaling.FULL, value) for value in theirs]
    few = pandas.DataFrame(rows, columns=["system", "value"]).assign(labels=10).groupby(["system", "labels"])["value"]
    lines = [line for line in scaling.labels_said(few, sizes, 1000) if ", 10 labels" in line]
    assert len(lines) == (said is not None) and all(f") {said} those of full fine-tuning (" in line for line in lines)


def test_times_of_the_study_in_words():
    systems = (scaling.TWENTY, "LoRA", scaling.FULL)
    index = [(base, system) for base in ("course-gpt2-s", "course-gpt2-m", "gpt2") for system in systems]
    costs = pandas.DataFrame({"seconds, of full fine-tuning": [0.91, 0.74, 1, 0.86, 0.79, 1, 0.67, 0.6, 1]},
                             index=pandas.MultiIndex.from_tuples(index))
    ours, others = scaling.cost_said(costs)
    assert ours.endswith("our models, of full fine-tuning: 20 tokens 86% to 91%; LoRA 74% to 79%")
    assert others.endswith("20 tokens 67% to 67%; LoRA 60% to 60%")


def test_the_widget_shows_what_calculate_returns():
    ipywidgets = pytest.importorskip("ipywidgets")
    panel = ipywidgets.interactive(scaling.calculate, base=ipywidgets.Dropdown(options=("gpt2", "Llama-2-70B"), value="gpt2"),
                                   tasks=ipywidgets.IntSlider(value=10, min=1, max=1000),
                                   prompt_length=ipywidgets.IntSlider(value=20, min=1, max=200))
    panel.children[0].value, panel.children[1].value = "Llama-2-70B", 1000
    assert panel.result.equals(scaling.calculate("Llama-2-70B", tasks=1000, prompt_length=20))
