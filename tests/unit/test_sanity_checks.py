"""The five checks pass for what is right, and each fails for what it is there to find."""

import math
import warnings

import pytest
import torch
from conftest import make_gpt2, make_llama

from course_utils.base_models import weights_fingerprint
from course_utils.batches import encode
from course_utils.sanity_checks import CHECKS, CheckResult, SanityCheckFailed, require, run_checks, shuffled
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.systems import make_system
from course_utils.tasks import CourseWarning, get_task
from course_utils.training import TrainingConfig, fit

TASK = get_task("summarization")
TRAINED = ("soft prompt", "prompt tuning, PEFT", "P-tuning", "prefix tuning", "LoRA", "full fine-tuning")


def copy_of(reader, tokenizer):
    """A base model of one's own, for systems that change it."""
    model = make_gpt2(tokenizer, width=48, dropout=0)
    model.load_state_dict(reader.state_dict())
    return model


def encoded_for(system, tokenizer, records):
    return encode(records, TASK, tokenizer, system)


def results_of(system, encoded, **options):
    return {result.name: result for result in run_checks(system, encoded, **options)}


@pytest.fixture
def soft(reader, tokenizer):
    return GPT2WithSoftPrompt(copy_of(reader, tokenizer), prompt_length=4)


@pytest.fixture
def encoded(soft, tokenizer, records):
    return encoded_for(soft, tokenizer, records)


@pytest.mark.parametrize("name", TRAINED)
def test_right_systems_pass(name, reader, tokenizer, records):
    """Before training nothing is certainly wrong; after some, all five checks pass."""
    system = make_system(name, copy_of(reader, tokenizer), TASK, 4)
    encoded = encoded_for(system, tokenizer, records)
    rate = 1e-3 if name == "full fine-tuning" else 1e-2 if name in ("LoRA", "P-tuning") else 0.1
    results = results_of(system, encoded, learning_rate=rate)
    assert all(result.passed or not result.certain for result in results.values()), "\n".join(map(str, results.values()))
    no_rows = name in ("prompt tuning, PEFT", "prefix tuning")
    assert list(results) == [check for check in CHECKS if not (no_rows and check.startswith("3"))]
    config = TrainingConfig(epochs=60, batch_size=8, learning_rate=rate, dtype="float32")
    fit(system, encoded, encoded, config, progress=False)
    results = results_of(system, encoded, validation_set=encoded, learning_rate=rate)
    assert all(result.passed for result in results.values()), "\n".join(map(str, results.values()))


def test_a_plain_model_and_records_without_prompts(reader, soft, tokenizer, records):
    plain = encoded_for(reader, tokenizer, records)
    model = copy_of(reader, tokenizer).requires_grad_(True)
    assert all(result.passed for result in run_checks(model, plain, learning_rate=1e-3))
    assert results_of(soft, plain, learning_rate=0.1)["3 real tokens"].passed


def test_on_validation_records_the_model_is_measured_as_it_is(soft, encoded):
    before = results_of(soft, encoded, validation_set=encoded, learning_rate=0.1)
    fit(soft, encoded, encoded, TrainingConfig(epochs=20, batch_size=8, learning_rate=0.1, dtype="float32"), progress=False)
    after = results_of(soft, encoded, validation_set=encoded, learning_rate=0.1)
    assert after["1 below ln V"].numbers["loss"] < before["1 below ln V"].numbers["loss"]
    assert before["1 below ln V"].numbers["ln V"] == pytest.approx(math.log(encoded.vocab_size))
    assert before["1 below ln V"].numbers["loss"] == pytest.approx(before["4 few examples"].numbers["loss at first"], rel=1e-4)


def test_a_model_that_cannot_read_fails_1_2_and_5(tokenizer, records):
    soft = GPT2WithSoftPrompt(make_gpt2(tokenizer), prompt_length=2)
    encoded = encoded_for(soft, tokenizer, records)
    results = results_of(soft, encoded, validation_set=encoded)
    assert not any(results[name].passed for name in ("1 below ln V", "2 below unigram")) and results["3 real tokens"].passed
    assert "even guessing" in results["1 below ln V"].means


@pytest.mark.parametrize("family", [make_gpt2, make_llama])
def test_real_tokens_finds_wrong_positions(family, tokenizer, records, monkeypatch):
    soft = GPT2WithSoftPrompt(family(tokenizer), prompt_length=3)
    encoded = encoded_for(soft, tokenizer, [{**row, "document": row["document"] * (1 + i % 2)} for i, row in enumerate(records)])
    assert results_of(soft, encoded, steps=1)["3 real tokens"].passed
    inputs = soft.inputs
    monkeypatch.setattr(soft, "target_logits", lambda input_ids, attention_mask, labels: type(soft).target_logits(
        soft, input_ids.flip(0), attention_mask.flip(0), labels.flip(0)))
    assert not results_of(soft, encoded, steps=1)["3 real tokens"].passed
    assert soft.inputs == inputs and "soft_rows" not in vars(soft)


def test_few_examples_finds_a_gradient_that_does_not_arrive(soft, encoded, monkeypatch):
    rows = GPT2WithSoftPrompt.soft_rows
    monkeypatch.setattr(GPT2WithSoftPrompt, "soft_rows", lambda self: rows(self).detach() + 0 * rows(self))
    result = results_of(soft, encoded)["4 few examples"]
    assert not result.passed and result.certain
    assert result.numbers["loss at first"] == result.numbers["loss at last"]


def test_source_matters_finds_a_source_that_never_arrives(soft, encoded):
    """Every source is the same, so none is another's."""
    start = min(int((item["labels"] == -100).sum()) for item in encoded.items)
    for item in encoded.items:
        cut = int((item["labels"] == -100).sum()) - start
        for name in ("input_ids", "labels"):
            item[name] = item[name][cut:]
        item["input_ids"][:start] = encoded[0]["input_ids"][:start]
    result = results_of(soft, encoded)["5 source matters"]
    assert not result.passed and result.certain
    assert result.numbers["own source"] == pytest.approx(result.numbers["another source"], abs=1e-4)


def test_a_single_record_has_no_other_source(soft, tokenizer, records):
    assert "5 source matters" not in results_of(soft, encoded_for(soft, tokenizer, records[:1]))


def test_shuffled_moves_sources_and_keeps_targets(encoded):
    moved = shuffled(encoded)
    assert [t.tolist() for t in moved.targets()] == [t.tolist() for t in encoded.targets()]
    assert moved.prefixes() == encoded.prefixes()[1:] + encoded.prefixes()[:1]
    longest = max(moved.lengths())
    kept = shuffled(encoded, longest - 1)
    assert max(kept.lengths()) < longest or kept.prefixes() != moved.prefixes()


def test_require_raises_for_what_is_certain_and_warns_of_the_rest():
    certain, maybe = (CheckResult(name, False, {"loss": 1.5}, "why", name[0] == "3") for name in ("3 real", "2 below"))
    said = []
    require([CheckResult("1", True, {}, "", True), maybe], said.append)
    assert said == ["check 2 below failed (loss 1.5): why"]
    with pytest.raises(SanityCheckFailed, match=r"check 3 real failed.*check 2 below failed"):
        require([maybe, certain], said.append)


# ---- fit


def test_fit_trains_the_same_with_checks(reader, tokenizer, records):
    def trained(checks, name):
        base = copy_of(reader, tokenizer)
        base.config.resid_pdrop = 0.1
        for module in base.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.1  # so that the random state matters
        system = make_system(name, base, TASK, 4)
        encoded = encoded_for(system, tokenizer, records)
        config = TrainingConfig(epochs=2, batch_size=2, learning_rate=0.1 if name == "soft prompt" else 1e-3,
                                dtype="float32", checks=checks)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CourseWarning)
            log = fit(system, encoded, encoded, config, progress=False)
        return weights_fingerprint(system), [{k: row[k] for k in ("train_loss", "validation_loss")} for row in log.epochs]

    for name in ("soft prompt", "LoRA", "full fine-tuning"):
        assert trained(True, name) == trained(False, name), name


def test_checks_leave_weights_mode_and_random_state(soft, encoded):
    soft.train()
    before, state = weights_fingerprint(soft), torch.get_rng_state()
    run_checks(soft, encoded)
    assert weights_fingerprint(soft) == before and soft.training and torch.equal(torch.get_rng_state(), state)
    assert soft.soft_embedding.weight.grad is None


def test_fit_stops_at_a_failed_check_and_says_which(soft, encoded, monkeypatch):
    monkeypatch.setattr(soft, "target_logits", lambda input_ids, attention_mask, labels: type(soft).target_logits(
        soft, input_ids, attention_mask, labels.roll(-1, 1)))  # shifted by hand, and then again by the model
    before = weights_fingerprint(soft)
    with pytest.raises(SanityCheckFailed, match=r"check 3 real tokens failed \(difference .*\): not the logits of"):
        fit(soft, encoded, encoded, TrainingConfig(epochs=1, checks=True), progress=False)
    assert weights_fingerprint(soft) == before
    fit(soft, encoded, encoded, TrainingConfig(epochs=1), progress=False)  # nobody asked


def test_fit_only_warns_of_what_a_weak_base_model_may_fail(soft, encoded, monkeypatch):
    weak = CheckResult("5 source matters", False, {}, "", False)
    monkeypatch.setattr("course_utils.training.run_checks", lambda *args, **options: [weak])
    with pytest.warns(CourseWarning, match="check 5 source matters failed") as said:
        log = fit(soft, encoded, encoded, TrainingConfig(epochs=1, checks=True), progress=False)
    assert len(log.epochs) == 1 and said[0].filename == __file__


def test_a_run_that_goes_on_is_not_checked_again(soft, encoded, tmp_path, monkeypatch):
    config = TrainingConfig(epochs=1, batch_size=8, checks=True, learning_rate=0.1)
    fit(soft, encoded, encoded, config, progress=False, checkpoint=tmp_path / "run")
    monkeypatch.setattr("course_utils.training.run_checks", lambda *args, **options: pytest.fail("checked again"))
    fit(soft, encoded, encoded, config, progress=False, checkpoint=tmp_path / "run")
