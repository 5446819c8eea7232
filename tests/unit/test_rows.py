"""Lesson 02's helpers: distances between rows, tokens in place of a row, and what the study of starts says."""

import pytest
import torch

from course_utils import Study
from course_utils.lessons.checks_02 import tiny_model
from course_utils.lessons.rows import Starts, gaps, losses_behind


def test_gaps_are_distances_to_the_nearest_other_row():
    table = torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0], [0.0, 1.0]])
    assert torch.allclose(gaps(table, at_once=3), torch.tensor([1.0, 0.0, 0.0, 1.0]), atol=1e-4)


def test_a_token_in_place_of_a_row_gives_the_models_own_loss():
    model, ids, labels = tiny_model(), torch.tensor([40, 5, 6, 8, 9]), torch.tensor([-100, -100, -100, 8, 9])
    tokens = torch.tensor([7, 3, 11])
    found = losses_behind(model, tokens, [{"input_ids": ids, "labels": labels}], at_once=2)
    for token, loss in zip(tokens, found, strict=True):
        text = torch.cat([token[None], ids[1:]])[None]
        assert loss.item() == pytest.approx(model(text, labels=torch.cat([labels[:1], labels[1:]])[None]).loss.item(), abs=1e-4)


def study_of(folder, losses, length=20):
    study = Study("design", folder)
    for (start, rate), values in losses.items():
        for seed, value in enumerate(values):
            row = {"task": "translation", "base": "m", "system": "soft", "seed": seed, "split": "validation", "step": 1,
                   "metric": "loss", "value": value, "n": 5}
            config = {"prompt_init": start, "prompt_length": length, "training": {"learning_rate": rate}}
            study.add(f"{start}{rate}{seed}", config, [row])
    return study


def test_starts_at_their_best_rates(tmp_path):
    losses = {("vocab", 0.1): (0.3, 0.4), ("vocab", 0.3): (0.5, 0.6), ("vocab", 0.03): (0.5, 0.6), ("random", 0.1): (0.35, 0.45),
              ("normal", 0.1): (0.9, 0.8), ("normal", 0.3): (0.7, 0.8), ("text", 0.1): (0.1,)}
    starts = Starts(study_of(tmp_path, losses))
    assert starts.table().loc[("translation", 20)].to_dict() == {
        "vocab": "0.350 (rate 0.1)", "random": "0.400 (rate 0.1)", "normal": "0.750 (rate 0.3)"}   # text: a seed is missing
    assert "may close the gap" in starts.said() and "how *long*" not in starts.said()   # N(0, 1) is best at the highest rate
    assert "translation 20 `normal`" in starts.said() and "20 `vocab`" not in starts.said().split("tried")[1]
    inside = Starts(study_of(tmp_path / "inside", losses | {("normal", 0.5): (0.9, 0.95)}))
    assert "how *long*" in inside.said() and "may close the gap" not in inside.said()
    alone = Starts(study_of(tmp_path / "alone", losses | {("normal", 0.5): (0.9,)}))   # one seed shows an edge as well as two
    assert "may close the gap" not in alone.said() and alone.table().equals(inside.table())


def test_seeds_that_overlap_are_no_verdict(tmp_path):
    losses = {("vocab", 0.1): (0.3, 0.8), ("random", 0.1): (0.35, 0.45), ("normal", 0.1): (0.7, 0.9)}
    assert "no verdict" in Starts(study_of(tmp_path, losses)).said()


def test_a_study_without_rows_has_nothing_to_say(tmp_path):
    assert Starts(Study("design", tmp_path)).best == {}
