import math

import pytest
import torch

from course_utils.base_models import weights_fingerprint
from course_utils.data import encode
from course_utils.evaluation import evaluate_loss
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.training import TrainingConfig, TrainingDiverged, TrainingLog, fit, learning_rate_factor


@pytest.fixture
def encoded(tokenizer, records):
    return encode(records, "summarization", tokenizer, 128, prompt_length=3)


@pytest.fixture
def model(gpt2):
    return GPT2WithSoftPrompt(gpt2, prompt_length=3)


def rows(model):
    return model.soft_embedding.weight.detach().clone()


# ---- configuration


def test_as_reported():
    config = TrainingConfig.as_reported()
    assert (config.batch_size, config.epochs, config.gradient_accumulation_steps, config.clipping_norm) == (1, 10, 1, 1)
    assert TrainingConfig.as_reported(epochs=5).epochs == 5


@pytest.mark.parametrize(
    "field, value",
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("batch_size", 0),
        ("gradient_accumulation_steps", -1),
        ("eval_batch_size", 0),
        ("learning_rate", 0),
        ("learning_rate", math.nan),
        ("learning_rate", math.inf),
        ("clipping_norm", 0),
        ("warmup_fraction", 1),
        ("warmup_fraction", -0.1),
        ("weight_decay", -1),
    ],
)
def test_configuration_is_validated(field, value):
    with pytest.raises(ValueError, match=rf"{field} must be .*, got {value}"):
        TrainingConfig(**{field: value})


def test_learning_rate_rises_then_falls_to_almost_zero():
    factors = [learning_rate_factor(step, 20, 0.25) for step in range(20)]
    assert factors[:5] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6])
    assert factors[5] == 1 and max(factors) == 1
    assert factors[5:] == sorted(factors[5:], reverse=True) and factors[-1] == pytest.approx(1 / 15)
    assert [learning_rate_factor(step, 2, 0) for step in range(2)] == [1, 0.5]


def test_the_schedule_reaches_the_optimizer(model, encoded, monkeypatch):
    used = []

    class Spy(torch.optim.AdamW):
        def step(self, closure=None):
            used.append((self.param_groups[0]["lr"], self.param_groups[0]["weight_decay"]))
            return super().step(closure)

    monkeypatch.setattr(torch.optim, "AdamW", Spy)
    config = TrainingConfig(epochs=2, batch_size=2, learning_rate=0.02, warmup_fraction=0.25, weight_decay=0.1)
    fit(model, encoded, encoded, config, progress=False)
    assert [rate for rate, _ in used] == pytest.approx([0.02 * learning_rate_factor(step, 8, 0.25) for step in range(8)])
    assert {decay for _, decay in used} == {0.1}


# ---- the loop


def test_log_has_a_row_per_epoch_and_on_epoch_sees_each(model, encoded):
    seen = []
    log = fit(model, encoded, encoded, TrainingConfig(epochs=3, batch_size=4), on_epoch=seen.append, progress=False)
    assert seen == log.epochs and [row["epoch"] for row in seen] == [1, 2, 3]
    assert set(seen[0]) == {"epoch", "train_loss", "validation_loss", "seconds"}
    assert all(math.isfinite(value) and value > 0 for row in seen for value in row.values())
    assert TrainingLog().best_epoch == 0


def test_best_epoch_is_kept_not_the_last(model, encoded, tokenizer, records):
    """Trained on other targets than it is validated on, the prompt gets worse after its best epoch."""
    others = [{**record, "summary": "The mayor sings a song."} for record in records]
    wrong = encode(others, "summarization", tokenizer, 128, prompt_length=3)
    history = []
    log = fit(
        model, wrong, encoded, TrainingConfig(epochs=12, batch_size=2, learning_rate=0.1),
        on_epoch=lambda row: history.append(rows(model)), progress=False,
    )
    losses = [row["validation_loss"] for row in log.epochs]
    assert losses[-1] > min(losses), "the last epoch is the best: the test would prove nothing"
    assert torch.equal(rows(model), history[log.best_epoch - 1])
    assert evaluate_loss(model, encoded) == pytest.approx(min(losses), rel=1e-5)


def test_same_seed_same_prompt(gpt2, encoded):
    def trained(seed):
        model = GPT2WithSoftPrompt(gpt2, prompt_length=3)
        fit(model, encoded, encoded, TrainingConfig(epochs=2, batch_size=2, seed=seed), progress=False)
        return rows(model)

    torch.manual_seed(123)
    first = trained(1)
    torch.manual_seed(456)
    assert torch.equal(first, trained(1)) and not torch.equal(first, trained(2))


def test_two_accumulated_batches_are_one_of_twice_the_size(gpt2, tokenizer, records):
    varied = [{**record, "summary": record["summary"] * (1 + i % 3)} for i, record in enumerate(records)]
    encoded = encode(varied, "summarization", tokenizer, 128, prompt_length=3)

    def trained(batch_size, accumulation):
        model = GPT2WithSoftPrompt(gpt2, prompt_length=3)
        config = TrainingConfig(epochs=3, batch_size=batch_size, gradient_accumulation_steps=accumulation)
        log = fit(model, encoded, encoded, config, progress=False)
        return rows(model), log.epochs[0]["train_loss"]

    (whole, loss), (halves, loss_of_halves) = trained(8, 1), trained(4, 2)
    torch.testing.assert_close(whole, halves, rtol=1e-3, atol=1e-4)
    assert loss == pytest.approx(loss_of_halves, rel=1e-4)


def test_gradients_are_clipped(model, encoded, monkeypatch):
    norms = []
    original = torch.nn.utils.clip_grad_norm_

    def spy(weights, limit):
        original(weights, limit)
        norms.append(torch.stack([weight.grad.norm() for weight in weights]).norm().item())

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", spy)
    config = TrainingConfig(epochs=1, batch_size=2, clipping_norm=1e-3)
    fit(model, encoded, encoded, config, progress=False)
    assert len(norms) == 4 and max(norms) <= 1e-3 * 1.01


def test_full_fine_tuning_uses_the_same_loop(gpt2, encoded):
    before = weights_fingerprint(gpt2)
    gpt2.requires_grad_(True)
    config = TrainingConfig(epochs=3, batch_size=4, learning_rate=1e-3)
    log = fit(gpt2, encoded, encoded, config, progress=False)
    assert log.epochs[-1]["validation_loss"] < log.epochs[0]["train_loss"]
    assert weights_fingerprint(gpt2) != before and not gpt2.training


def test_bars_are_named_as_in_the_report(model, encoded, capsys):
    fit(model, encoded, encoded, TrainingConfig(epochs=2, batch_size=4))
    shown = capsys.readouterr().err
    assert "Epoch 1/2: 100%" in shown and "Epoch 2/2: 100%" in shown and "Validation: 100%" in shown


# ---- what goes wrong


def test_divergence_stops_with_advice_and_gives_the_best_weights_back(model, encoded):
    kept = []

    def ruin_after_first(row):
        kept.append(rows(model))
        with torch.no_grad():
            model.soft_embedding.weight.fill_(math.nan)

    with pytest.raises(TrainingDiverged, match=r"training loss in Epoch 2/5 is nan: .*lower the learning rate \(now 0.03\)"):
        fit(model, encoded, encoded, TrainingConfig(epochs=5), on_epoch=ruin_after_first, progress=False)
    assert len(kept) == 1 and torch.equal(rows(model), kept[0])


def test_divergence_in_the_first_epoch_gives_the_start_back(model, encoded):
    start = rows(model)
    config = TrainingConfig(learning_rate=1e36, batch_size=1, warmup_fraction=0)
    with pytest.raises(TrainingDiverged):
        fit(model, encoded, encoded, config, progress=False)
    assert torch.equal(rows(model), start)


def test_an_interrupt_keeps_the_best_epoch(model, encoded):
    def interrupt(row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    start = rows(model)
    with pytest.raises(KeyboardInterrupt):
        fit(model, encoded, encoded, TrainingConfig(epochs=5), on_epoch=interrupt, progress=False)
    assert rows(model).isfinite().all() and not torch.equal(rows(model), start)


def test_nothing_to_train(gpt2, encoded):
    with pytest.raises(ValueError, match="nothing to train"):
        fit(gpt2.requires_grad_(False), encoded, encoded, progress=False)
