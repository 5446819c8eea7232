"""Each planted bug leaves the marks that lesson 04 describes, and the same code without one does not."""

import pytest
import torch
from conftest import make_gpt2

from course_utils.batches import IGNORED, collate, encode
from course_utils.evaluation import evaluate, evaluate_loss
from course_utils.lessons.bugs import BUGS, NoTargetHard, catch_matrix, find_bug, make_buggy, repaired
from course_utils.sanity_checks import run_checks
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.tasks import get_task
from course_utils.training import TrainingConfig, fit

TASK, LENGTH = get_task("summarization"), 3
CONFIG = TrainingConfig(epochs=25, batch_size=8, learning_rate=0.1, dtype="float32")
SCORED_ELSEWHERE = ("no target fed in", "labels not shifted", "off by the prompt")


@pytest.fixture
def varied(records):
    """Records of different lengths, so that batches are padded; as many end tokens as records."""
    return [{**record, "document": record["document"] + " It was cold." * (i % 3)} for i, record in enumerate(records)]


@pytest.fixture
def base(tokenizer):
    return make_gpt2(tokenizer)


@pytest.fixture
def encoded(base, tokenizer, varied):
    return encode(varied, TASK, tokenizer, make_buggy(None, base, TASK, LENGTH))


def batch_for(name, encoded):
    data = find_bug(name).data(encoded)
    return collate(data.items, data.pad_id)


def all_logits(soft, batch):
    """Logits at every position, [batch, prompt + text, vocab], of the right code."""
    with torch.no_grad():
        return soft(batch["input_ids"], batch["attention_mask"]).logits


@pytest.mark.parametrize("name", [None, *BUGS])
def test_every_bug_trains_through_fit(name, base, encoded):
    system, data = make_buggy(name, base, TASK, LENGTH), find_bug(name).data(encoded)
    before = system.soft_embedding.weight.detach().clone()
    log = fit(system, data, data, CONFIG, progress=False)
    assert log.epochs[-1]["train_loss"] < log.epochs[0]["train_loss"]
    assert not torch.equal(system.soft_embedding.weight, before)
    assert torch.equal(repaired(system).soft_embedding.weight, system.soft_embedding.weight)


def test_unknown_bug(base):
    with pytest.raises(ValueError, match="unknown bug 'x': expected one of no target fed in, "):
        make_buggy("x", base, TASK)
    assert len(BUGS) == 8 and all(bug.description and bug.where and bug.evaluation for bug in BUGS.values())


# ---- what each of them computes, against the right model's own logits


def test_no_target_fed_in_scores_the_source_by_index(base, encoded):
    system, batch = make_buggy("no target fed in", base, TASK, LENGTH), batch_for("no target fed in", encoded)
    with torch.no_grad():
        logits, targets = system.target_logits(**batch)
    expected = []
    for item in encoded.items:
        count, source = int((item["labels"] != IGNORED).sum()), item["input_ids"][item["labels"] == IGNORED]
        with torch.no_grad():
            expected.append(GPT2WithSoftPrompt.forward(system, source[None]).logits[0, LENGTH : LENGTH + count])
    assert torch.equal(targets, torch.cat(encoded.targets()))
    torch.testing.assert_close(logits, torch.cat(expected), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name, back", [("labels not shifted", 0), ("off by the prompt", 1 + LENGTH), (None, 1)])
def test_labels_are_scored_so_many_positions_back(name, back, base, encoded):
    system, batch = make_buggy(name, base, TASK, LENGTH), batch_for(name, encoded)
    whole = all_logits(system, batch)
    rows, columns = (batch["labels"] != IGNORED).nonzero(as_tuple=True)
    with torch.no_grad():
        logits, targets = system.target_logits(**batch)
    torch.testing.assert_close(logits, whole[rows, columns - back], rtol=1e-4, atol=1e-4)
    assert torch.equal(targets, batch["labels"][rows, columns])


def test_pads_behind_the_prompt_depend_on_the_neighbours(base, encoded):
    def loss_alone_and_together(name):
        system, short = make_buggy(name, base, TASK, LENGTH), min(encoded.items, key=lambda item: len(item["input_ids"]))
        longest = max(encoded.items, key=lambda item: len(item["input_ids"]))
        with torch.no_grad():
            alone = system.target_logits(**collate([short], encoded.pad_id))[0]
            return alone, system.target_logits(**collate([short, longest], encoded.pad_id))[0][: len(alone)]

    torch.testing.assert_close(*loss_alone_and_together(None), rtol=1e-4, atol=1e-4)
    alone, together = loss_alone_and_together("pads behind the prompt")
    assert (alone - together).abs().max() > 0.1


def test_what_counts_in_the_changed_data(encoded):
    count = {name: sum(map(len, BUGS[name].data(encoded).targets())) for name in BUGS}
    right, tokens = sum(map(len, encoded.targets())), sum(encoded.lengths())
    assert count["labels not shifted"] == count["pads behind the prompt"] == right
    assert count["padding counts"] == right + max(encoded.lengths()) * len(encoded) - tokens > right
    assert count["source counts"] == tokens - LENGTH * len(encoded)
    assert count["end token masked"] == right - len(encoded)
    end = encoded.pad_id
    assert all(int(target[-1]) == end for target in encoded.targets())
    assert not any(end in target for target in BUGS["end token masked"].data(encoded).targets())


def test_standard_normal_rows_are_many_times_as_long_as_a_token(base):
    base.transformer.wte.weight.data.mul_(0.2)
    prompts = {name: make_buggy(name, base, TASK, 50) for name in (None, "N(0, 1) start")}
    norms = {name: prompt.soft_embedding.weight.norm(dim=1).mean().item() for name, prompt in prompts.items()}
    assert norms["N(0, 1) start"] == pytest.approx(32**0.5, rel=0.1) and norms["N(0, 1) start"] > 3 * norms[None]


# ---- which checks catch them


def failed(matrix, name):
    return {result.name[0] for result in matrix[name].values() if not result.passed}


def test_checks_before_training_catch_what_they_can(reader, tokenizer, varied):
    encoded = encode(varied, TASK, tokenizer, make_buggy(None, reader, TASK, LENGTH))
    matrix = catch_matrix(reader, TASK, encoded, encoded, CONFIG, LENGTH, trained=False)
    assert list(matrix) == ["no bug", *BUGS] and all(len(results) == 5 for results in matrix.values())
    assert not any(result.certain and not result.passed for result in matrix["no bug"].values())
    assert all("3" in failed(matrix, name) for name in (*SCORED_ELSEWHERE, "pads behind the prompt"))
    assert not any("3" in failed(matrix, name) for name in ("no bug", "padding counts", "source counts", "end token masked"))
    assert matrix["source counts"]["5 source matters"].certain and "5" in failed(matrix, "source counts")


def test_checks_after_training(reader, tokenizer, records):
    encoded = encode(records, TASK, tokenizer, make_buggy(None, reader, TASK, LENGTH))
    names = (None, "no target fed in", "end token masked")
    matrix = catch_matrix(reader, TASK, encoded, encoded, CONFIG, LENGTH, names)
    assert not failed(matrix, "no bug") & {"1", "2", "3"}
    assert {"3", "5"} <= failed(matrix, "no target fed in")
    assert not failed(matrix, "end token masked") & {"1", "2", "3"}, "no check sees that stopping is never learned"


# ---- evaluation


def test_no_target_fed_in_evaluates_as_wrongly_as_it_trains(reader, tokenizer, records):
    """Its answers are the likeliest next tokens along the source, cut to the longest answer; a hard prompt is in front of it."""
    soft, hard = make_buggy("no target fed in", reader, TASK, LENGTH), NoTargetHard(reader, TASK.hard_prompt)
    for system in (soft, hard):
        result = evaluate(system, tokenizer, TASK, records, max_new_tokens=12)
        rows = encode(records, TASK, tokenizer, system, system.hard_prompt).prefixes()
        with torch.no_grad():
            inputs = {"input_ids": torch.tensor([rows[0]])}
            logits = GPT2WithSoftPrompt.forward(soft, **inputs).logits if system is soft else reader(**inputs).logits
        guesses = logits[0].argmax(-1)[LENGTH if system is soft else 0 :][:12]
        text = tokenizer.decode(guesses, skip_special_tokens=True).strip().split("\n")[0].strip()
        assert result["predictions"][0] == text and 0 <= result["exact_match_percentage"] <= 100
    right = evaluate(repaired(soft), tokenizer, TASK, records, max_new_tokens=12)
    assert right["predictions"] != evaluate(soft, tokenizer, TASK, records, max_new_tokens=12)["predictions"]
    encoded = encode(records, TASK, tokenizer, reader, TASK.hard_prompt)
    assert evaluate_loss(hard, encoded) > evaluate_loss(reader, encoded)


def test_a_prompt_trained_without_end_tokens_finds_them_less_likely(reader, encoded):
    def end_loss(name):
        system = make_buggy(name, reader, TASK, LENGTH)
        fit(system, find_bug(name).data(encoded), find_bug(name).data(encoded), CONFIG, progress=False)
        with torch.no_grad():
            logits, targets = system.target_logits(**collate(encoded.items, encoded.pad_id))
        return -logits.log_softmax(-1)[targets == encoded.pad_id, encoded.pad_id].mean()

    assert end_loss("end token masked") > 1.2 * end_loss(None)


def test_records_may_come_without_their_prompts(base, tokenizer, varied, encoded):
    bare = encode(varied, TASK, tokenizer, base)
    for name in (*SCORED_ELSEWHERE, "pads behind the prompt", "N(0, 1) start"):
        system = make_buggy(name, base, TASK, LENGTH)
        assert evaluate_loss(system, bare) == pytest.approx(evaluate_loss(system, encoded), rel=1e-4)
        assert {r.name: r.passed for r in run_checks(system, bare, steps=1)} == {
            r.name: r.passed for r in run_checks(system, encoded, steps=1)}
