"""The systems that the course compares start equal, learn by the same loop and keep their hands off the base model."""

import json

import peft
import pytest
import torch
from conftest import make_gpt2
from transformers import AutoModelForCausalLM

from course_utils.base_models import weights_fingerprint
from course_utils.batches import encode, token_ids
from course_utils.evaluation import evaluate, evaluate_loss, generate_answers
from course_utils.key_values import KeyValuePrompt
from course_utils.prompt_files import read_prompt
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.systems import SYSTEMS, PlainModel, as_system, make_system
from course_utils.tasks import get_task
from course_utils.training import TrainingConfig, fit

TASK = get_task("summarization")
LENGTH = 4
PROMPTS = ("soft prompt", "prompt tuning, PEFT", "P-tuning", "prefix tuning")
WITHOUT_PROMPT = ("LoRA", "full fine-tuning")
TRAINED = (*PROMPTS, *WITHOUT_PROMPT)
RATES = {"LoRA": 1e-2, "full fine-tuning": 2e-3, "P-tuning": 1e-2}


def make(name, tokenizer, **options):
    """A system with a base model of its own, always the same."""
    return make_system(name, make_gpt2(tokenizer), TASK, LENGTH, tokenizer=tokenizer, **options)


def base_of(system):
    """The base model's own weights, without what a system put into it."""
    base = system.base_model
    return base.get_base_model() if isinstance(base, peft.PeftModel) else base


def base_weights(system):
    """Tensors of the base model, named as before a system put adapters beside them."""
    return {name.replace(".base_layer", ""): weight.detach().clone()
            for name, weight in base_of(system).named_parameters() if "lora_" not in name}


def trained_shapes(system):
    return sum(weight.numel() for weight in system.parameters() if weight.requires_grad)


def scores(system, tokenizer, records):
    return evaluate(system, tokenizer, TASK, records, batch_size=3, max_new_tokens=8)


def fitted(system, tokenizer, records, name, epochs=4):
    encoded = encode(records, TASK, tokenizer, system, getattr(system, "hard_prompt", None))
    config = TrainingConfig(epochs=epochs, batch_size=4, learning_rate=RATES.get(name, 0.05), dtype="float32")
    return fit(system, encoded, encoded, config, progress=False)


def test_every_system_can_be_made_and_no_other(tokenizer):
    assert set(TRAINED) | {"hard prompt", "discrete search"} == set(SYSTEMS)
    for name in SYSTEMS:
        assert as_system(made := make(name, tokenizer)) is made
    with pytest.raises(ValueError, match=r"unknown system 'magic': expected one of hard prompt, soft prompt"):
        make("magic", tokenizer)


@pytest.mark.parametrize("seed", [0, 5])
def test_prompts_of_all_kinds_start_with_the_same_loss_and_the_same_answers(tokenizer, records, seed):
    texts = [{**record, "document": record["document"][: 40 + 7 * i]} for i, record in enumerate(records)]
    found = {name: scores(make(name, tokenizer, seed=seed), tokenizer, texts) for name in PROMPTS}
    losses = [result.pop("loss") for result in found.values()]
    assert losses == pytest.approx([losses[0]] * len(losses), abs=1e-5)
    first = found.pop("soft prompt")
    assert all(result == first for result in found.values())
    assert len(set(first["predictions"])) > 1, "all answers alike: mixed-up rows would not show"


def test_lora_and_full_fine_tuning_start_as_the_model_without_a_prompt(tokenizer, records):
    plain = scores(make_gpt2(tokenizer), tokenizer, records)
    for name in WITHOUT_PROMPT:
        found = scores(make(name, tokenizer), tokenizer, records)
        assert found["loss"] == pytest.approx(plain["loss"], abs=1e-6)
        assert found["predictions"] == plain["predictions"]


@pytest.mark.parametrize("words", [None, "Sum up:", "{source} In short,", ""])
def test_a_hard_prompt_is_put_to_every_text(tokenizer, records, words):
    system = make("hard prompt", tokenizer, hard_prompt=words)
    used = TASK.hard_prompt if words is None else words
    assert scores(system, tokenizer, records) == evaluate(
        make_gpt2(tokenizer), tokenizer, TASK, records, used, batch_size=3, max_new_tokens=8)


@pytest.mark.parametrize("name", TRAINED)
def test_a_few_steps_lower_the_loss_and_leave_the_frozen_base_as_it_was(name, tokenizer, records):
    system = make(name, tokenizer)
    before = base_weights(system)
    encoded = encode(records, TASK, tokenizer, system)
    start = evaluate_loss(system, encoded)
    log = fitted(system, tokenizer, records, name)
    assert evaluate_loss(system, encoded) < start - 0.05
    assert evaluate_loss(system, encoded) == pytest.approx(log.epochs[log.best_epoch - 1]["validation_loss"], rel=1e-5)
    after = base_weights(system)
    unchanged = [torch.equal(after[key], before[key]) for key in before]
    assert before.keys() == after.keys() and (not any(unchanged) if name == "full fine-tuning" else all(unchanged))


@pytest.mark.parametrize("name", TRAINED)
def test_only_full_fine_tuning_trains_with_dropout(name, tokenizer, records):
    system = make(name, tokenizer)
    encoded = encode(records, TASK, tokenizer, system)
    batch = {key: torch.stack([item[key] for item in encoded.items[:1]]) for key in ("input_ids", "labels")}
    batch["attention_mask"] = torch.ones_like(batch["input_ids"])
    if name == "P-tuning":
        torch.nn.init.normal_(system.encoder.mlp_head[-1].weight)
    system.train()
    with torch.no_grad():
        first, second = (system.target_logits(**batch)[0] for _ in range(2))
    assert torch.equal(first, second) == (name != "full fine-tuning")


def test_what_is_trained_is_what_the_name_says(tokenizer):
    counts = {name: trained_shapes(make(name, tokenizer)) for name in SYSTEMS}
    assert counts["hard prompt"] == counts["discrete search"] == 0
    assert counts["soft prompt"] == counts["prompt tuning, PEFT"] == LENGTH * 32
    assert counts["prefix tuning"] == LENGTH * 2 * 2 * 32  # keys and values of two layers
    assert counts["full fine-tuning"] == make_gpt2(tokenizer).num_parameters()
    assert trained_shapes(make("LoRA", tokenizer, rank=4)) * 2 == counts["LoRA"]


@pytest.mark.parametrize("name", TRAINED)
def test_what_is_saved_is_safetensors_without_the_frozen_base(name, tokenizer, records, tmp_path):
    system = make(name, tokenizer)
    fitted(system, tokenizer, records, name, epochs=1)
    folder = tmp_path / "saved"
    system.save(folder)
    files = {path.suffix: path for path in folder.rglob("*") if path.is_file()}
    assert set(files) <= {".safetensors", ".json", ".md"}, "weights in no other format"
    base = make_gpt2(tokenizer).num_parameters() * 4
    size = files[".safetensors"].stat().st_size
    assert size > base * 0.9 if name == "full fine-tuning" else size < base / 2
    with pytest.raises(FileExistsError):
        system.save(folder)
    system.save(folder, overwrite=True)


@pytest.mark.parametrize("name", TRAINED)
def test_what_is_saved_names_no_path_of_this_machine(name, tokenizer, tmp_path):
    base = make_gpt2(tokenizer)
    base.save_pretrained(tmp_path / "my-model")
    base.name_or_path = base.config.name_or_path = str(tmp_path / "my-model")  # as after loading from a folder
    make_system(name, base, TASK, LENGTH, tokenizer=tokenizer).save(tmp_path / "saved")
    for path in (tmp_path / "saved").rglob("*"):
        assert path.is_dir() or str(tmp_path) not in path.read_bytes().decode("latin-1"), path.name


@pytest.mark.parametrize("name", TRAINED)
def test_what_was_saved_scores_as_before_when_it_is_loaded(name, tokenizer, records, tmp_path):
    system = make(name, tokenizer)
    fitted(system, tokenizer, records, name, epochs=2)
    expected = scores(system, tokenizer, records)
    system.save(tmp_path)
    base = make_gpt2(tokenizer)
    if name in ("soft prompt", "prompt tuning, PEFT", "P-tuning"):
        again = GPT2WithSoftPrompt(base, [TASK.soft_token], LENGTH)
        again.load_prompt(tmp_path)
    elif name == "prefix tuning":
        again = KeyValuePrompt.load(tmp_path, base)
    elif name == "LoRA":
        again = PlainModel(peft.PeftModel.from_pretrained(base, tmp_path))
    else:
        again = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    found = scores(again, tokenizer, records)
    assert found.pop("loss") == pytest.approx(expected.pop("loss"), abs=1e-5)
    assert found == expected


def test_a_hard_prompt_is_saved_as_its_text(tokenizer, tmp_path):
    make("hard prompt", tokenizer, hard_prompt="Kurz gesagt: Ä").save(tmp_path / "saved")
    assert [path.read_text(encoding="utf-8") for path in (tmp_path / "saved").iterdir()] == ["Kurz gesagt: Ä"]


def test_p_tuning_saves_the_rows_that_its_network_computes(tokenizer, records, tmp_path):
    system = make("P-tuning", tokenizer)
    start = system.soft_rows().detach().clone()
    fitted(system, tokenizer, records, "P-tuning", epochs=2)
    system.save(tmp_path)
    assert torch.equal(read_prompt(tmp_path).rows, system.soft_rows().detach())
    assert (system.soft_rows() - start).abs().max() > 1e-3
    assert json.loads((tmp_path / "adapter_config.json").read_text())["peft_type"] == "PROMPT_TUNING"


def test_rows_of_different_lengths_do_not_disturb_each_other_in_pefts_prompt_tuning(tokenizer, records):
    """Groups of equal length are generated one after the other; what one has said must not end the next."""
    system = make("prompt tuning, PEFT", tokenizer)
    texts = [{**record, "document": record["document"][: 20 + 3 * i]} for i, record in enumerate(records)]
    together = scores(system, tokenizer, texts)["predictions"]
    assert together == [scores(system, tokenizer, [text])["predictions"][0] for text in texts]


def test_what_one_group_of_rows_has_said_does_not_end_the_next(tokenizer, monkeypatch):
    """Generation is replaced by a script: each group says a newline and a word. Behind rows of 5 tokens that make 7, rows of 7
    look like the same rows, one step on."""
    system, (newline, word) = make("prompt tuning, PEFT", tokenizer), token_ids(tokenizer, "\nA")
    done = []

    def scripted(input_ids, attention_mask, stopping_criteria, **options):
        for token in (newline, word):
            input_ids = torch.cat([input_ids, torch.full((len(input_ids), 1), token)], dim=1)
            done.append(stopping_criteria(input_ids, None).any().item())
        return input_ids

    monkeypatch.setattr(system.base_model, "generate", scripted)
    rows = [[7] * 5, [8] * 7, [9] * 5, [10] * 7]
    assert generate_answers(system, tokenizer, rows, 2) == ["A"] * 4
    assert done == [False] * 4


@pytest.mark.parametrize("frozen", [False, True])
def test_a_plain_model_is_a_system_that_is_trained_if_any_weight_is(tokenizer, frozen):
    base = make_gpt2(tokenizer).requires_grad_(not frozen)
    system = as_system(base)
    system.train()
    assert base.training == (not frozen) and system.base_model is base


def test_prompts_share_a_base_model_and_leave_it_unchanged(tokenizer, records):
    base = make_gpt2(tokenizer)
    before = weights_fingerprint(base)
    soft, tuned, prefix = (make_system(name, base, TASK, LENGTH) for name in ("soft prompt", "P-tuning", "prefix tuning"))
    expected = scores(soft, tokenizer, records)
    for system, name in ((tuned, "P-tuning"), (prefix, "prefix tuning")):
        fitted(system, tokenizer, records, name, epochs=1)
    assert weights_fingerprint(base) == before and scores(soft, tokenizer, records) == expected


def test_p_tuning_reads_back_what_it_saved(gpt2, tokenizer, records, tmp_path):
    system = make_system("P-tuning", gpt2, get_task("summarization"), length=3)
    encoded = encode(records, "summarization", tokenizer, system)
    fit(system, encoded, encoded, TrainingConfig(epochs=2, batch_size=4, learning_rate=0.05), progress=False)
    rows = system.soft_rows().detach().clone()
    system.save(tmp_path / "prompt")
    system.load_prompt(tmp_path / "prompt")
    torch.testing.assert_close(system.soft_rows(), rows)


def test_evaluation_leaves_a_model_in_the_mode_it_was_in(gpt2, tokenizer, records):
    gpt2.requires_grad_(True)
    encoded = encode(records, "summarization", tokenizer, gpt2)
    for mode in (False, True):
        gpt2.train(mode)
        evaluate_loss(gpt2, encoded)
        assert gpt2.training == mode and gpt2.transformer.drop.training == mode
