"""Lesson 03: its checks reject plausible wrong answers and say what is wrong; the tables and figures of its studies."""

import math

import matplotlib.pyplot as plt
import numpy
import pytest
import torch
from torch.nn.functional import cross_entropy

from course_utils.lessons import checks_03, design
from course_utils.results import Study

# ---- wrong labels


def labels_with(label):
    """`build_example` that labels the target and its end as ``label`` says."""
    return lambda source, target, end: ([*source, *target, end], [-100] * len(source) + label(target, end))


def forgets_the_end(source, target, end):
    return [*source, *target], [-100] * len(source) + [*target]


def counts_the_source(source, target, end):
    return [*source, *target, end], [*source, *target, end]


def shifts_by_hand(source, target, end):
    return [*source, *target, end], [-100] * (len(source) - 1) + [*target, end, 1]


def shifts_and_fills(source, target, end):
    return [*source, *target, end], [-100] * (len(source) - 1) + [*target, end, -100]


# ---- wrong losses


def loss_with(logits_from=0, logits_to=-1, labels_from=1, labels_to=None, **options):
    def masked_loss(logits, labels):
        logits, labels = logits[:, logits_from:logits_to], labels[:, labels_from:labels_to]
        return cross_entropy(logits.flatten(0, 1), labels.flatten(), **options)

    return masked_loss


def mean_of_rows(logits, labels):
    losses = cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none")
    return (losses.sum(1) / (labels != -100).sum(1)).mean()


def over_all_positions(logits, labels):
    return cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none").mean()


def one_per_example(logits, labels):
    return cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none").sum(1) / (labels != -100).sum(1)


# ---- wrong loops


def loop_with(zero=True, step=True, decay=0.0, fresh=False, kind=torch.optim.AdamW, sign=1, item=True, all_batches=True,
              unfreeze=False, list_of=None):
    def train_rows(soft, batches, learning_rate):
        soft.base_model.requires_grad_(unfreeze)
        weights = list(soft.parameters()) if unfreeze else [soft.soft_embedding.weight]
        make = (lambda: kind(weights, lr=learning_rate)) if decay is None or kind is torch.optim.SGD else (
            lambda: kind(weights, lr=learning_rate, weight_decay=decay))
        optimizer, losses = make(), []
        for batch in batches if all_batches else batches[:-1]:
            optimizer = make() if fresh else optimizer
            loss = soft(**batch).loss
            (sign * loss).backward()
            if step:
                optimizer.step()
            if zero:
                optimizer.zero_grad()
            losses.append(loss.item() if item else loss)
        return list_of(losses) if list_of else losses

    return train_rows


# ---- wrong comparisons


def comparison(verdict, seeds=(0, 1, 2), second_seeds=None):
    def compare_starts(trained_loss, first, second):
        a = [trained_loss(first, seed) for seed in seeds]
        return verdict(a, [trained_loss(second, seed) for seed in second_seeds or seeds])

    return compare_starts


def strict(a, b):
    return design.over_seeds(a, b)


def by_means(a, b):
    return "lower" if sum(a) / len(a) < sum(b) / len(b) else "higher"


def by_best(a, b):
    return "lower" if min(a) < min(b) else "higher"


def by_all_against_the_mean(a, b):
    mean = sum(b) / len(b)
    return "lower" if max(a) < mean else "higher" if min(a) > mean else "cannot be told apart"


def by_the_mean_against_all(a, b):
    mean = sum(a) / len(a)
    return "lower" if mean < min(b) else "higher" if mean > max(b) else "cannot be told apart"


def lower_only(a, b):
    return "lower" if max(a) < min(b) else "cannot be told apart"


def reversed_claim(a, b):
    return design.over_seeds(b, a)


WRONG = [
    ("build_example", labels_with(lambda target, end: [*target, -100]), "never learns to stop"),
    ("build_example", labels_with(lambda target, end: [-100 if i == end else i for i in [*target, end]]), "never learns to stop"),
    ("build_example", labels_with(lambda target, end: [*(-100 if i == end else i for i in target), end]), "positions, not ids"),
    ("build_example", forgets_the_end, "source, target, end token"),
    ("build_example", counts_the_source, "source must not count"),
    ("build_example", shifts_by_hand, "shifted by one"),
    ("build_example", shifts_and_fills, "shifted by one"),
    ("masked_loss", loss_with(0, None, 0, None), "shift is missing"),
    ("masked_loss", loss_with(0, -2, 2, None), "shifted twice"),
    ("masked_loss", loss_with(1, None, 0, -1), "wrong way"),
    ("masked_loss", loss_with(reduction="sum"), "this is the sum"),
    ("masked_loss", mean_of_rows, "mean of the rows' means"),
    ("masked_loss", over_all_positions, "not by all positions"),
    ("masked_loss", one_per_example, "one number for the batch|rows' means"),
    ("masked_loss", lambda *given: loss_with()(*given).item(), "no gradient"),
    ("masked_loss", lambda *given: -loss_with()(*given), "sign"),
    ("masked_loss", lambda *given: loss_with()(*given) / math.log(2), "bits"),
    ("train_rows", loop_with(zero=False), "zero_grad"),
    ("train_rows", loop_with(step=False), "have not moved"),
    ("train_rows", loop_with(decay=None), "weight decay is on"),
    ("train_rows", loop_with(fresh=True), "anew in every step"),
    ("train_rows", loop_with(kind=torch.optim.SGD), "SGD"),
    ("train_rows", loop_with(sign=-1), "climbed"),
    ("train_rows", loop_with(all_batches=False), "not every batch"),
    ("train_rows", loop_with(unfreeze=True), "base model has changed"),
    ("train_rows", loop_with(item=False), r"loss\.item"),
    ("train_rows", loop_with(list_of=lambda losses: losses[-1]), "a list with the loss"),
    ("train_rows", loop_with(list_of=lambda losses: [losses[0]] * len(losses)), "the loss of step 2"),
    ("train_rows", loop_with(list_of=lambda losses: [*losses[1:], losses[-1]]), "the loss of step 1"),
    ("compare_starts", comparison(by_means), "overlap"),
    ("compare_starts", comparison(by_all_against_the_mean), "overlap"),
    ("compare_starts", comparison(by_the_mean_against_all), "overlap"),
    ("compare_starts", comparison(lower_only), "is wrong where"),
    ("compare_starts", comparison(by_best), "overlap"),
    ("compare_starts", comparison(strict, seeds=(0,)), "1 seed"),
    ("compare_starts", comparison(strict, seeds=(0, 0, 0)), "1 seed"),
    ("compare_starts", comparison(strict, second_seeds=(2, 3, 4)), "same data"),
    ("compare_starts", comparison(reversed_claim), "about the first start"),
    ("compare_starts", comparison(lambda a, b: max(a) < min(b)), 'return "lower"'),
    ("compare_starts", comparison(lambda a, b: "cannot be told apart"), "is wrong where"),
]


@pytest.mark.parametrize(("name", "wrong", "hint"), WRONG)
def test_wrong_answers_are_told_what_is_wrong(name, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        getattr(checks_03, f"check_03_{name}")(wrong)


@pytest.mark.parametrize(("name", "right"), [
    ("masked_loss", loss_with()),
    ("train_rows", loop_with()),
    ("train_rows", loop_with(kind=torch.optim.Adam)),   # the same without weight decay
    ("compare_starts", comparison(strict, seeds=(0, 1, 2, 3, 4))),
])
def test_other_right_answers_pass(name, right, capsys):
    getattr(checks_03, f"check_03_{name}")(right)
    assert "✓" in capsys.readouterr().out


# ---- the studies


def study_with(folder, losses, name="design"):
    """A study of runs (task, length, start, rate, seed) -> validation losses of its epochs."""
    study = Study(name, folder)
    for number, ((task, length, start, rate, seed), values) in enumerate(losses.items()):
        keys = {"task": task, "base": "tiny", "system": f"soft prompt, {length} tokens", "seed": seed, "metric": "loss", "n": 8}
        rows = [{**keys, "split": split, "step": step, "value": value + (split == "train")}
                for step, value in enumerate(values) for split in ("train", "validation")]
        study.add(f"run{number}", {"prompt_length": length, "prompt_init": start, "training": {"learning_rate": rate}}, rows)
    return study


@pytest.fixture
def study(tmp_path):
    losses = {("translation", 20, "vocab", 0.1, seed): [0.9, 0.2 + 0.01 * seed, 0.4] for seed in range(3)}
    losses |= {("translation", 20, "normal", 0.1, seed): [0.9, 0.215 + 0.01 * seed] for seed in range(3)}
    losses |= {("translation", 20, "vocab", 0.01, seed): [0.9, 0.5 + 0.01 * seed] for seed in range(3)}
    losses |= {("translation", 20, "normal", 0.01, 0): [0.205]}   # one seed alone
    return study_with(tmp_path, losses)


def test_cells_take_the_best_epoch_on_validation_and_are_sorted(study):
    cells = design.design_cells(study)
    assert cells["mean"].tolist() == pytest.approx([0.205, 0.21, 0.225, 0.51]) and cells["seeds"].tolist() == [1, 3, 3, 3]
    assert cells[["start", "rate"]].values.tolist() == [["normal", 0.01], ["vocab", 0.1], ["normal", 0.1], ["vocab", 0.01]]
    assert cells["low"].iloc[1] == pytest.approx(0.2) and cells["high"].iloc[1] == pytest.approx(0.22)
    assert design.cell_words(cells.iloc[1]) == "20 tokens from sampled tokens at 0.1: 0.210 nats (0.200 to 0.220)"
    assert design.cell_words(cells.iloc[0]) == "20 tokens from N(0, 1) at 0.01: 0.205 nats"


def test_only_cells_without_overlap_are_told_apart(study):
    cells = design.design_cells(study)["losses"].tolist()[1:]
    assert design.over_seeds(cells[0], cells[1]) == "cannot be told apart"
    assert (design.over_seeds(cells[0], cells[2]), design.over_seeds(cells[2], cells[0])) == ("lower", "higher")


def test_each_choice_gets_a_sentence_if_its_values_met_the_same_others(study, tmp_path):
    sentences = design.choice_sentences(design.design_cells(study))
    assert len(sentences) == 2   # start and rate; one length alone
    # N(0, 1) has a lower loss at 0.01, of one seed: it is judged by the rate at which it has three, as the other is
    assert "start: sampled tokens is the best of 2" in sentences[0] and "cannot be told apart" in sentences[0]
    assert "learning rate: 0.01 is the best of 2 (0.205 nats, one seed); the worst, 0.1," in sentences[1]   # of any start
    assert sentences[1].endswith("1.02 times that loss (mean of 3 seeds), with too few seeds for a verdict.")
    cells = design.design_cells(study)
    sentences = design.choice_sentences(cells[cells["start"] == "vocab"])
    assert len(sentences) == 1 and "learning rate: 0.1 is the best of 2" in sentences[0] and "2.43 times" in sentences[0]
    assert sentences[0].endswith("each of its seeds lies above all of the best's.")
    few = {("translation", 20, start, 0.1, seed): [loss] for start, seeds, loss in (("vocab", 3, 0.2), ("normal", 1, 0.3))
           for seed in range(seeds)}
    sentence, = design.choice_sentences(design.design_cells(study_with(tmp_path / "few", few)))
    assert "1.50 times that loss (one seed), with too few seeds for a verdict" in sentence
    none = design.choice_sentences(design.design_cells(Study("design", tmp_path / "none")))
    assert len(none) == 1 and "nothing to compare yet" in none[0]


def test_searches_that_end_at_the_edge_are_counted(tmp_path):
    inside = {("translation", 20, "vocab", rate, 0): [value] for rate, value in ((0.01, 0.22), (0.03, 0.2), (0.1, 0.3))}
    edge = {("summarization", 20, "vocab", rate, 0): [value] for rate, value in ((0.01, 0.1), (0.03, 0.2))}
    assert design.at_edge(design.searches(study_with(tmp_path, inside | edge, "rates"))) == 1


def test_the_figure_has_a_panel_for_each_length_and_says_what_it_shows(study, tmp_path):
    figure = design.design_figure(design.design_cells(study), "translation")
    assert len(figure.axes) == 1 and figure.axes[0].get_xscale() == "log" and "The lowest: 20 tokens" in figure.alt_text
    plt.close(figure)


def test_a_study_without_rows_gives_an_empty_table_and_a_figure(tmp_path):
    cells = design.design_cells(Study("design", tmp_path))
    assert len(cells) == 0 and "rate" in cells
    figure = design.design_figure(cells, "translation")
    assert "No rows yet" in figure.alt_text
    plt.close(figure)


def test_searches_give_the_best_rate_and_the_price_of_a_miss(tmp_path):
    losses = {("translation", 20, "vocab", rate, 0): [value] for rate, value in ((0.01, 0.22), (0.03, 0.2), (0.1, 0.3))}
    found = design.searches(study_with(tmp_path, losses, "rates"))
    assert found[["best", "runs"]].values.tolist() == [[0.03, 3]]
    assert numpy.allclose(found["ratios"].iloc[0], [1.1, 1, 1.5])
    line = design.price_of_a_miss(found).iloc[0]
    assert (line["a third of it"], line["three times it"], line["lowest best rate"]) == ("+10%", "+50%", 0.03)
    figure = design.search_figure(found)
    assert "best between 0.03 and 0.03" in figure.alt_text
    plt.close(figure)
