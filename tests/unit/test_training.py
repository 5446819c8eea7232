import math

import pytest
import torch
from conftest import make_gpt2
from safetensors.torch import load_file

from course_utils.base_models import weights_fingerprint
from course_utils.batches import encode
from course_utils.evaluation import evaluate_loss
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.systems import as_system
from course_utils.training import Run, TrainingConfig, TrainingDiverged, TrainingLog, fit, learning_rate_factor


class Config(TrainingConfig):
    """Multiplies in fp32 on every machine, unless told otherwise: two ways to the same result are compared here."""

    def __init__(self, **options):
        super().__init__(**{"dtype": "float32", **options})


@pytest.fixture
def model(gpt2):
    return GPT2WithSoftPrompt(gpt2, prompt_length=3)


@pytest.fixture
def encoded(model, tokenizer, records):
    return encode(records, "summarization", tokenizer, model)


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
        ("weight_decay", math.nan),
        ("patience", 0),
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
    log = fit(model, encoded, encoded, Config(epochs=3, batch_size=4), on_epoch=seen.append, progress=False)
    assert seen == log.epochs and [row["epoch"] for row in seen] == [1, 2, 3]
    assert set(seen[0]) == {"epoch", "train_loss", "validation_loss", "seconds"}
    assert all(math.isfinite(value) and value > 0 for row in seen for value in row.values())
    assert TrainingLog().best_epoch == 0


def test_best_epoch_is_kept_not_the_last(model, encoded, tokenizer, records):
    """Trained on other targets than it is validated on, the prompt gets worse after its best epoch."""
    others = [{**record, "summary": "The mayor sings a song."} for record in records]
    wrong = encode(others, "summarization", tokenizer, model)
    history = []
    log = fit(
        model, wrong, encoded, Config(epochs=12, batch_size=2, learning_rate=0.1),
        on_epoch=lambda row: history.append(rows(model)), progress=False,
    )
    losses = [row["validation_loss"] for row in log.epochs]
    assert losses[-1] > min(losses), "the last epoch is the best: the test would prove nothing"
    assert torch.equal(rows(model), history[log.best_epoch - 1])
    assert evaluate_loss(model, encoded) == pytest.approx(min(losses), rel=1e-5)


def test_same_seed_same_prompt(gpt2, encoded):
    def trained(seed):
        model = GPT2WithSoftPrompt(gpt2, prompt_length=3)
        fit(model, encoded, encoded, Config(epochs=2, batch_size=2, seed=seed), progress=False)
        return rows(model)

    torch.manual_seed(123)
    first = trained(1)
    torch.manual_seed(456)
    assert torch.equal(first, trained(1)) and not torch.equal(first, trained(2))


def test_two_accumulated_batches_are_one_of_twice_the_size(gpt2, tokenizer, records):
    varied = [{**record, "summary": record["summary"] * (1 + i % 3)} for i, record in enumerate(records)]
    encoded = encode(varied, "summarization", tokenizer, GPT2WithSoftPrompt(gpt2, prompt_length=3))

    def trained(batch_size, accumulation):
        model = GPT2WithSoftPrompt(gpt2, prompt_length=3)
        config = Config(epochs=3, batch_size=batch_size, gradient_accumulation_steps=accumulation)
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
        norms.append(torch.stack([weight.grad.norm() for weight in weights if weight.grad is not None]).norm().item())

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", spy)
    config = Config(epochs=1, batch_size=2, clipping_norm=1e-3)
    fit(model, encoded, encoded, config, progress=False)
    assert len(norms) == 4 and max(norms) <= 1e-3 * 1.01


def test_full_fine_tuning_uses_the_same_loop(gpt2, tokenizer, records):
    encoded = encode(records, "summarization", tokenizer, gpt2)
    before = weights_fingerprint(gpt2)
    gpt2.requires_grad_(True)
    config = Config(epochs=3, batch_size=4, learning_rate=1e-3)
    log = fit(gpt2, encoded, encoded, config, progress=False)
    assert log.epochs[-1]["validation_loss"] < log.epochs[0]["train_loss"]
    assert weights_fingerprint(gpt2) != before and not gpt2.training


def test_bars_are_named_as_in_the_report(model, encoded, capsys):
    fit(model, encoded, encoded, Config(epochs=2, batch_size=4))
    shown = capsys.readouterr().err
    assert "Epoch 1/2: 100%" in shown and "Epoch 2/2: 100%" in shown and "Validation:" in shown


# ---- what goes wrong


def test_divergence_stops_with_advice_and_gives_the_best_weights_back(model, encoded):
    kept = []

    def ruin_after_first(row):
        kept.append(rows(model))
        with torch.no_grad():
            model.soft_embedding.weight.fill_(math.nan)

    with pytest.raises(TrainingDiverged, match=r"training loss in Epoch 2/5 is nan: .*lower the learning rate \(now 0.03\)"):
        fit(model, encoded, encoded, Config(epochs=5), on_epoch=ruin_after_first, progress=False)
    assert len(kept) == 1 and torch.equal(rows(model), kept[0])


def test_divergence_in_the_first_epoch_gives_the_start_back(model, encoded):
    start = rows(model)
    config = Config(learning_rate=1e36, batch_size=1, warmup_fraction=0)
    with pytest.raises(TrainingDiverged):
        fit(model, encoded, encoded, config, progress=False)
    assert torch.equal(rows(model), start)


def test_an_interrupt_keeps_the_best_epoch(model, encoded):
    def interrupt(row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    start = rows(model)
    with pytest.raises(KeyboardInterrupt):
        fit(model, encoded, encoded, Config(epochs=5), on_epoch=interrupt, progress=False)
    assert rows(model).isfinite().all() and not torch.equal(rows(model), start)


def test_nothing_to_train(gpt2, tokenizer, records):
    encoded = encode(records, "summarization", tokenizer, gpt2)
    with pytest.raises(ValueError, match="nothing to train"):
        fit(gpt2.requires_grad_(False), encoded, encoded, progress=False)


def test_patience_stops_early_and_keeps_the_best(model, encoded, tokenizer, records):
    """Trained on other targets than it is validated on, the prompt gets worse after its best epoch."""
    others = [{**record, "summary": "The mayor sings a song."} for record in records]
    wrong = encode(others, "summarization", tokenizer, model)
    options = {"epochs": 30, "batch_size": 2, "learning_rate": 0.1}
    log = fit(model, wrong, encoded, Config(**options, patience=2), progress=False)
    assert len(log.epochs) == log.best_epoch + 2 < 30
    assert evaluate_loss(model, encoded) == pytest.approx(log.epochs[log.best_epoch - 1]["validation_loss"], rel=1e-5)


def test_a_prompt_trained_in_bfloat16_learns_about_the_same_and_stays_in_fp32(gpt2, encoded):
    losses = {}
    for dtype in ("float32", "bfloat16"):
        model = GPT2WithSoftPrompt(gpt2, prompt_length=3)
        log = fit(model, encoded, encoded, Config(epochs=3, batch_size=4, dtype=dtype), progress=False)
        assert model.soft_embedding.weight.dtype == torch.float32
        losses[dtype] = log.epochs[-1]["validation_loss"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)
    assert losses["bfloat16"] != losses["float32"]


# ---- several prompts in one training

NAMES, LENGTHS = ("[A]", "[B]", "[C]"), (1, 4, 3)


@pytest.fixture
def three(gpt2):
    return GPT2WithSoftPrompt(gpt2, NAMES, LENGTHS)


@pytest.fixture
def sets(three, tokenizer, records):
    """Three tasks: the same texts with targets of their own, of different lengths."""
    ends = ("", " The mayor was not there.", " Rain fell.")
    return [
        encode([{**record, "summary": record["summary"] + end} for record in records], "summarization", tokenizer, three,
               soft_token=name)
        for name, end in zip(NAMES, ends, strict=True)
    ]


def part(model, name):
    return model.soft_embedding.weight.detach()[model.rows(name)].clone()


def take_steps(model, train_set, config, batches):
    run = Run(as_system(model), train_set, config, None)
    model.train()
    for batch in batches:
        run.take_step(batch, "test")
        run.step += 1
    return run


def test_three_prompts_learn_together_what_they_learn_apart(gpt2, three, sets):
    """Clipping, moments and weight decay act on each prompt for itself: with one norm over all, or moments that decay while
    a prompt has no record in a batch, the steps would differ."""
    common = {"epochs": 2, "learning_rate": 0.05, "clipping_norm": 0.3, "weight_decay": 0.5}
    # Batches of 2 records a task; the second prompt is missing from the third, and the last step has two batches.
    apart = [[[0, 1]], [[2, 3]], [[4, 5]], [[6, 7], [0, 5]]]
    missing = {(1, 2)}
    for accumulation in (1, 2):
        joint = []
        for step, batches in enumerate(apart):
            present = [task for task in range(3) if (task, step) not in missing]
            joint.append([[i + 8 * task for task in present for i in rows] for rows in batches])
        options = {**common, "gradient_accumulation_steps": accumulation}
        model = GPT2WithSoftPrompt(gpt2, NAMES, LENGTHS)
        joint_run = take_steps(model, sets[0] + sets[1] + sets[2], Config(**options, batch_size=6), joint)
        count = 0
        for task, (name, own) in enumerate(zip(NAMES, sets, strict=True)):
            alone = GPT2WithSoftPrompt(gpt2, NAMES, LENGTHS)
            run = Run(as_system(alone), own, Config(**options, batch_size=2), None)
            assert run.groups == joint_run.groups, "the same learning rates"
            alone.train()
            for step, batches in enumerate(apart):
                if (task, step) not in missing:
                    run.take_step(batches, "test")
                run.step += 1
            count += run.count
            torch.testing.assert_close(part(model, name), part(alone, name), rtol=0, atol=1e-5)
            assert (part(model, name) - part(three, name)).abs().max() > 0.01, "it was trained"
            for other in set(NAMES) - {name}:
                assert torch.equal(part(alone, other), part(three, other))
        assert joint_run.count == count


def test_fit_on_added_sets_gives_each_prompt_what_fit_on_its_own_gives(gpt2, three, sets):
    config = Config(epochs=3, batch_size=24, clipping_norm=0.2, weight_decay=0.1)  # all records in one batch
    after = {}

    def trained(train_set, names):
        model = GPT2WithSoftPrompt(gpt2, NAMES, LENGTHS)

        def keep(row):
            after.update({(len(names), name): part(model, name) for name in names})  # at last, the last epoch's

        fit(model, train_set, train_set, config, on_epoch=keep, progress=False)

    trained(sets[0] + sets[1] + sets[2], NAMES)
    for name, own in zip(NAMES, sets, strict=True):
        trained(own, (name,))
        torch.testing.assert_close(after[3, name], after[1, name], rtol=0, atol=1e-5)
        assert (after[1, name] - part(three, name)).abs().max() > 0.01


def test_weight_decay_leaves_a_prompt_that_is_not_trained_alone(three, sets):
    before = {name: part(three, name) for name in NAMES}
    fit(three, sets[1], sets[1], Config(epochs=2, batch_size=4, weight_decay=0.5), progress=False)
    assert torch.equal(part(three, "[A]"), before["[A]"]) and torch.equal(part(three, "[C]"), before["[C]"])
    assert not torch.equal(part(three, "[B]"), before["[B]"])


# ---- checkpoints


class PowerCut(Exception):
    pass


def soft_start(tokenizer):
    return GPT2WithSoftPrompt(make_gpt2(tokenizer), ["[SUMMARIZE]", "[OTHER]"], prompt_length=3)


def full_start(tokenizer):
    return make_gpt2(tokenizer, dropout=0.2).requires_grad_(True)


def trained_weights(model):
    return [weight.detach().clone() for weight in model.parameters() if weight.requires_grad]


@pytest.mark.parametrize("start, rate", [(soft_start, 0.05), (full_start, 2e-3)], ids=["prompt", "all weights, with dropout"])
@pytest.mark.parametrize("dtype, accumulation", [("float32", 1), ("bfloat16", 2)])
def test_a_run_that_was_cut_off_anywhere_goes_on_to_the_bit(
    start, rate, dtype, accumulation, tokenizer, records, tmp_path, monkeypatch
):
    config = Config(epochs=3, batch_size=2, learning_rate=rate, dtype=dtype, gradient_accumulation_steps=accumulation,
                    weight_decay=0.1)
    encoded = encode(records[:6], "summarization", tokenizer, start(tokenizer))
    validation = encode(records[6:], "summarization", tokenizer, start(tokenizer))
    seen, take_step = [], Run.take_step
    cut = {"after": None, "epoch": None}

    def watched(run, batches, label):
        if cut["after"] is not None and len(seen) == cut["after"]:
            raise PowerCut
        seen.append(batches)
        take_step(run, batches, label)

    def on_epoch(row):
        if row["epoch"] == cut["epoch"]:
            raise PowerCut
        return {"noted": row["epoch"]}

    monkeypatch.setattr(Run, "take_step", watched)

    def fitted(checkpoint=None, every=None):
        seen.clear()
        torch.manual_seed(torch.randint(1000, ()).item())  # a process of its own
        model = start(tokenizer)
        log = fit(model, encoded, validation, config, on_epoch, False, checkpoint, every)
        return trained_weights(model), [{k: v for k, v in row.items() if k != "seconds"} for row in log.epochs], list(seen)

    weights, rows, batches = fitted()
    assert len(batches) == 3 * -(-3 // accumulation)
    cuts = [{"after": step, "epoch": None} for step in range(1, len(batches))] + [{"after": None, "epoch": 2}]
    for number, place in enumerate(cuts):
        checkpoint = tmp_path / f"{number}.safetensors"
        cut.update(place)
        with pytest.raises(PowerCut):
            fitted(checkpoint, 1)
        done = len(seen)
        cut.update({"after": None, "epoch": None})
        its_weights, its_rows, its_batches = fitted(checkpoint, 1)
        assert its_batches == batches[done:], f"cut at {place}"
        assert its_rows == rows
        assert all(torch.equal(a, b) for a, b in zip(its_weights, weights, strict=True))
        again = fitted(checkpoint, 1)
        assert again[1:] == (rows, []) and all(torch.equal(a, b) for a, b in zip(again[0], weights, strict=True))


def test_without_checkpoint_steps_a_run_goes_on_from_its_last_epoch(model, encoded, tmp_path, monkeypatch):
    steps, take_step, config = [], Run.take_step, Config(epochs=3, batch_size=4)

    def count(run, batches, label):
        if len(steps) == 3:
            raise PowerCut
        steps.append(run.epoch)
        take_step(run, batches, label)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "take_step", count)
        with pytest.raises(PowerCut):
            fit(model, encoded, encoded, config, progress=False, checkpoint=tmp_path / "run.safetensors")
    log = fit(model, encoded, encoded, config, progress=False, checkpoint=tmp_path / "run.safetensors")
    whole = GPT2WithSoftPrompt(model.base_model, prompt_length=3)
    expected = fit(whole, encoded, encoded, config, progress=False)
    assert steps == [1, 1, 2] and torch.equal(rows(model), rows(whole))
    assert [row["train_loss"] for row in log.epochs] == [row["train_loss"] for row in expected.epochs]


def test_patience_counts_over_a_cut(model, encoded, tokenizer, records, tmp_path):
    wrong = encode([{**r, "summary": "The mayor sings a song."} for r in records], "summarization", tokenizer, model)
    config = Config(epochs=30, batch_size=2, learning_rate=0.1, patience=2)
    expected = fit(GPT2WithSoftPrompt(model.base_model, prompt_length=3), wrong, encoded, config, progress=False)

    def interrupt(row):
        if row["epoch"] == len(expected.epochs) - 1:
            raise PowerCut

    with pytest.raises(PowerCut):
        fit(model, wrong, encoded, config, interrupt, False, tmp_path / "run")
    assert len(fit(model, wrong, encoded, config, None, False, tmp_path / "run").epochs) == len(expected.epochs)


def test_a_checkpoint_of_another_run_is_refused_and_kept(model, encoded, tokenizer, records, tmp_path):
    path, config = tmp_path / "run.safetensors", {"epochs": 1, "batch_size": 4}
    fit(model, encoded, encoded, Config(**config), progress=False, checkpoint=path)
    before, start = path.read_bytes(), rows(model)
    longer = GPT2WithSoftPrompt(model.base_model, prompt_length=4)
    fewer = encode(records[:4], "summarization", tokenizer, model)
    for other, train_set, options in (
        (model, encoded, {"learning_rate": 0.01}), (model, encoded, {"seed": 1}), (model, fewer, {}),
        (longer, encode(records, "summarization", tokenizer, longer), {}),
    ):
        with pytest.raises(ValueError, match="another configuration"):
            fit(other, train_set, encoded, Config(**{**config, **options}), progress=False, checkpoint=path)
    assert path.read_bytes() == before and torch.equal(rows(model), start)


def test_a_checkpoint_holds_what_is_trained_and_not_the_frozen_base(model, encoded, tmp_path):
    path = tmp_path / "deep" / "run.safetensors"
    fit(model, encoded, encoded, Config(epochs=1, batch_size=4), progress=False, checkpoint=path)
    tensors = {name: tensor for name, tensor in load_file(path).items() if not name.startswith("rng.")}
    trained = model.soft_embedding.weight.numel()
    assert sum(tensor.numel() for tensor in tensors.values()) <= 4 * trained + 1, "weights, best weights and two moments"
    base = model.base_model.num_parameters() * 4
    assert path.stat().st_size < base / 2
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_save_that_fails_leaves_the_old_checkpoint(model, encoded, tmp_path, monkeypatch):
    path = tmp_path / "run.safetensors"
    fit(model, encoded, encoded, Config(epochs=1, batch_size=4), progress=False, checkpoint=path)
    before = path.read_bytes()

    def disk_full(*args):
        raise OSError("disk full")

    monkeypatch.setattr("course_utils.results.os.replace", disk_full)
    run = Run(model, encoded, Config(epochs=1, batch_size=4), path)
    with pytest.raises(OSError, match="disk full"):
        run.save()
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_prompt_behind_a_parametrization_is_trained(model, encoded):
    class Twice(torch.nn.Module):
        def forward(self, rows):
            return 2 * rows

    torch.nn.utils.parametrize.register_parametrization(model.soft_embedding, "weight", Twice(), unsafe=True)
    before = model.soft_embedding.weight.detach().clone()
    fit(model, encoded, encoded, TrainingConfig(epochs=2, batch_size=4, learning_rate=0.1), progress=False)
    assert (model.soft_embedding.weight != before).any(1).all()


def test_a_damaged_checkpoint_and_one_of_another_base_model_are_refused(model, encoded, tmp_path):
    config, path = TrainingConfig(epochs=1, batch_size=4), tmp_path / "checkpoint.safetensors"
    fit(model, encoded, encoded, config, progress=False, checkpoint=path)
    with torch.no_grad():
        for weight in model.base_model.parameters():
            weight.mul_(1.1)
    with pytest.raises(ValueError, match="another configuration, other records or another model"):
        fit(model, encoded, encoded, config, progress=False, checkpoint=path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="no complete checkpoint"):
        fit(model, encoded, encoded, config, progress=False, checkpoint=path)
