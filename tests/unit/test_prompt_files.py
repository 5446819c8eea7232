import json
import re
import warnings

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file

from course_utils import prompt_files
from course_utils.base_models import load_base_model
from course_utils.batches import collate, encode, token_ids
from course_utils.evaluation import evaluate, evaluate_loss, generate_texts
from course_utils.prompt_files import CONFIG, TENSOR, WEIGHTS, find_prompt, read_prompt, write_prompt
from course_utils.soft_prompt import GPT2WithSoftPrompt


@pytest.fixture
def model(gpt2):
    return GPT2WithSoftPrompt(gpt2, ["[A]", "[B]"], prompt_length=3)


@pytest.fixture
def saved(model, tmp_path):
    model.save_prompt(tmp_path / "prompt")
    return tmp_path / "prompt"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_round_trip_into_another_entry(model, tmp_path):
    model.save_prompt(tmp_path / "b", "[B]")
    other = GPT2WithSoftPrompt(model.base_model, ["[X]", "[Y]"], prompt_length=3, seed=5)
    before = other.soft_embedding.weight[:3].clone()
    other.load_prompt(tmp_path / "b", "[Y]")
    assert torch.equal(other.soft_embedding.weight[3:], model.soft_embedding.weight[3:])
    assert torch.equal(other.soft_embedding.weight[:3], before)
    assert other.soft_embedding.weight.requires_grad


def test_files_are_those_of_a_peft_adapter_and_name_no_path_of_this_machine(model, tmp_path):
    model.base_model.config.name_or_path = str(tmp_path)  # as after loading from a folder
    model.save_prompt(tmp_path / "deep" / "prompt", "[B]")
    assert sorted(contents(tmp_path / "deep" / "prompt")) == [CONFIG, WEIGHTS]
    config = json.loads((tmp_path / "deep" / "prompt" / CONFIG).read_text())
    assert config["peft_type"] == "PROMPT_TUNING" and config["task_type"] == "CAUSAL_LM"
    assert config["num_virtual_tokens"] == 3 and config["base_model_name_or_path"] == tmp_path.name
    tensors = load_file(tmp_path / "deep" / "prompt" / WEIGHTS)
    assert list(tensors) == [TENSOR] and torch.equal(tensors[TENSOR], model.soft_embedding.weight[3:])


def test_what_was_noted_comes_back_and_peft_does_not_mind(model, tmp_path):
    about = {"task": "summarization", "max_new_tokens": "48"}
    model.save_prompt(tmp_path, about=about)
    saved = read_prompt(tmp_path)
    assert about.items() <= saved.about.items()
    assert torch.equal(saved.rows, model.soft_embedding.weight[:3])
    assert len(peft.PeftModel.from_pretrained(model.base_model, tmp_path).prompt_encoder["default"].embedding.weight) == 3


def test_a_training_runs_folder_leads_to_its_prompt(model, tmp_path):
    model.save_prompt(tmp_path / "run" / "prompt", "[B]")
    assert find_prompt(tmp_path / "run") == find_prompt(tmp_path / "run" / "prompt") == tmp_path / "run" / "prompt"
    model.load_prompt(tmp_path / "run", "[A]")
    assert torch.equal(model.soft_embedding.weight[:3], model.soft_embedding.weight[3:])


# ---- PEFT reads ours, ours reads PEFT's


def peft_prompt(base, length=3, seed=3):
    """A prompt-tuning model of PEFT's, with rows of some length."""
    torch.manual_seed(seed)
    theirs = peft.get_peft_model(base, peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=length))
    theirs.prompt_encoder["default"].embedding.weight.data.normal_()
    return theirs.eval()


def peft_loss(theirs, base, tokenizer, records):
    """The loss by PEFT's own forward, on texts as the tokenizer gives them, with its begin token if it has one."""
    batch = collate(encode(records, "summarization", tokenizer, base).items, tokenizer.pad_token_id)
    with torch.no_grad():
        return theirs(**batch).loss.item()


def our_loss(model, tokenizer, records):
    return evaluate_loss(model, encode(records, "summarization", tokenizer, model))


@pytest.mark.parametrize("family", ["gpt_neox", "qwen2"])
def test_without_a_begin_token_prompts_mean_the_same_here_and_in_peft(family, family_folder, tmp_path, records):
    base, tokenizer = load_base_model(family_folder(family), device="cpu")
    ours = GPT2WithSoftPrompt(base, prompt_length=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        ours.save_prompt(tmp_path / "ours")
    theirs = peft.PeftModel.from_pretrained(base, tmp_path / "ours")
    theirs.save_pretrained(tmp_path / "theirs")
    back = GPT2WithSoftPrompt(base, prompt_length=3, seed=9)
    back.load_prompt(tmp_path / "theirs")
    assert torch.equal(back.soft_embedding.weight, ours.soft_embedding.weight)
    text_ids = torch.tensor([token_ids(tokenizer, "Rain fell all day")])
    with torch.no_grad():
        assert (theirs(text_ids).logits - back(text_ids).logits)[:, -text_ids.shape[1] :].abs().max() == 0
    assert our_loss(back, tokenizer, records) == our_loss(ours, tokenizer, records)
    assert our_loss(ours, tokenizer, records) == pytest.approx(peft_loss(theirs, base, tokenizer, records), rel=1e-5)


@pytest.mark.parametrize("family", ["llama", "mistral"])
def test_a_foreign_prompt_stands_in_front_of_the_begin_token_as_in_peft(family, family_folder, tmp_path, records):
    base, tokenizer = load_base_model(family_folder(family), device="cpu")
    theirs = peft_prompt(base)
    theirs.save_pretrained(tmp_path / "theirs")
    expected = peft_loss(theirs, base, tokenizer, records)
    model = GPT2WithSoftPrompt(base, ["[OTHER]", "[SUMMARIZE]"], prompt_length=3)
    model.load_prompt(tmp_path / "theirs", "[SUMMARIZE]")
    ids = [model.begin_token_id, 7, 8]
    assert model.with_prompt(ids, "[SUMMARIZE]") == model.prompt_ids("[SUMMARIZE]") + ids
    assert model.with_prompt(ids, "[OTHER]") == ids[:1] + model.prompt_ids("[OTHER]") + ids[1:]
    assert our_loss(model, tokenizer, records) == pytest.approx(expected, rel=1e-5)
    assert evaluate(model, tokenizer, "summarization", records, max_new_tokens=4)["loss"] == pytest.approx(expected, rel=1e-5)
    model.begin_first = [True, True]
    assert abs(our_loss(model, tokenizer, records) - expected) > 1e-3, "the place makes no difference: nothing was tested"


def test_a_foreign_prompt_that_was_saved_here_is_still_peft_s(family_folder, tmp_path, records):
    base, tokenizer = load_base_model(family_folder("llama"), device="cpu")
    theirs = peft_prompt(base)
    theirs.save_pretrained(tmp_path / "theirs")
    expected = peft_loss(theirs, base, tokenizer, records)
    model = GPT2WithSoftPrompt(base, prompt_length=3)
    model.load_prompt(tmp_path / "theirs")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # PEFT will place it where it was trained
        model.save_prompt(tmp_path / "again")
    fresh = load_base_model(family_folder("llama"), device="cpu")[0]
    in_peft = peft.PeftModel.from_pretrained(fresh, tmp_path / "again")
    assert peft_loss(in_peft, fresh, tokenizer, records) == expected
    here = GPT2WithSoftPrompt(base, prompt_length=3, seed=9)
    here.load_prompt(tmp_path / "again")
    assert our_loss(here, tokenizer, records) == our_loss(model, tokenizer, records) == pytest.approx(expected, rel=1e-5)


def test_a_prompt_trained_behind_the_begin_token_comes_back_there_and_saving_it_warns(family_folder, tmp_path, records):
    base, tokenizer = load_base_model(family_folder("llama"), device="cpu")
    model = GPT2WithSoftPrompt(base, prompt_length=3)
    with pytest.warns(UserWarning, match=r"behind the tokenizer's begin token.*PEFT"):
        model.save_prompt(tmp_path / "ours")
    again = GPT2WithSoftPrompt(base, prompt_length=3, seed=9)
    again.begin_first = [False]
    again.load_prompt(tmp_path / "ours")
    assert our_loss(again, tokenizer, records) == our_loss(model, tokenizer, records)
    texts = ["Anna has", "The mayor"]
    assert generate_texts(again, tokenizer, texts, 5) == generate_texts(model, tokenizer, texts, 5)


def test_a_prompt_for_another_base_model_of_the_same_width_warns_of_both(model, saved, gpt2):
    gpt2.config.name_or_path = "someone/this-one"
    config = json.loads((saved / CONFIG).read_text()) | {"base_model_name_or_path": "someone/that-one"}
    (saved / CONFIG).write_text(json.dumps(config))
    with pytest.warns(UserWarning, match=r"someone/that-one.*someone/this-one"):
        model.load_prompt(saved)
    gpt2.config.name_or_path = "elsewhere/that-one"  # the same model, by another path
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.load_prompt(saved)


# ---- nothing is lost


def test_an_existing_prompt_is_kept_unless_told_otherwise(model, saved):
    before = contents(saved)
    with torch.no_grad():
        model.soft_embedding.weight.add_(1)
    with pytest.raises(FileExistsError, match=r"already holds adapter_config\.json.*overwrite=True"):
        model.save_prompt(saved)
    assert contents(saved) == before
    model.save_prompt(saved, overwrite=True)
    assert torch.equal(load_file(saved / WEIGHTS)[TENSOR], model.soft_embedding.weight[:3])


def test_a_save_that_fails_leaves_the_old_prompt_and_no_debris(model, saved, monkeypatch):
    before = contents(saved)

    def half_a_file(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(prompt_files, "save_file", half_a_file)
    with pytest.raises(OSError, match="disk full"):
        model.save_prompt(saved, overwrite=True)
    assert contents(saved) == before


def test_other_files_in_the_folder_stay(model, saved):
    (saved / "README.md").write_text("mine")
    model.save_prompt(saved, overwrite=True)
    assert (saved / "README.md").read_text() == "mine"


# ---- bad input: a clear error, and the model as it was


def failing_load(model, folder, error, message):
    before = model.soft_embedding.weight.detach().clone()
    with pytest.raises(error, match=message):
        model.load_prompt(folder)
    assert torch.equal(model.soft_embedding.weight, before)


def test_missing_folder(model, tmp_path):
    failing_load(model, tmp_path / "nowhere", FileNotFoundError, r"no soft prompt at .*nowhere")


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_missing_file(model, saved, name):
    (saved / name).unlink()
    failing_load(model, saved, FileNotFoundError, rf"no soft prompt at .*{re.escape(name)}")


@pytest.mark.parametrize("keep", [0, 4, 60, -1])
def test_truncated_weights(model, saved, keep):
    (saved / WEIGHTS).write_bytes((saved / WEIGHTS).read_bytes()[:keep])
    failing_load(model, saved, ValueError, "truncated or not a safetensors file")


def test_weights_that_are_not_safetensors(model, saved):
    torch.save({TENSOR: torch.zeros(3, 32)}, saved / WEIGHTS)
    failing_load(model, saved, ValueError, "truncated or not a safetensors file")


def test_prompt_of_another_width(model, wide_gpt2, tmp_path):
    wide = GPT2WithSoftPrompt(wide_gpt2, prompt_length=3)
    wide.save_prompt(tmp_path / "wide")
    failing_load(model, tmp_path / "wide", ValueError, r"shape \[3, 48\], the base model's embeddings have width 32")


def test_prompt_of_another_length(model, tmp_path):
    GPT2WithSoftPrompt(model.base_model, prompt_length=5).save_prompt(tmp_path / "long")
    failing_load(model, tmp_path / "long", ValueError, "has 5 rows, the model has prompt_length 3.*prompt_length=5")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"peft_type": '])
def test_unreadable_configuration(model, saved, text):
    (saved / CONFIG).write_text(text)
    failing_load(model, saved, ValueError, "is not an adapter configuration")


def test_adapter_of_another_type(model, saved):
    (saved / CONFIG).write_text('{"peft_type": "LORA"}')
    failing_load(model, saved, ValueError, "holds a LORA adapter: expected PROMPT_TUNING")


def test_adapter_for_another_kind_of_task(model, saved):
    config = json.loads((saved / CONFIG).read_text()) | {"task_type": "SEQ_CLS"}
    (saved / CONFIG).write_text(json.dumps(config))
    failing_load(model, saved, ValueError, "SEQ_CLS.*expected CAUSAL_LM")


def test_adapter_that_changes_more_than_the_prompt(model, saved):
    """As PEFT saves one with `modules_to_save`: without the other weights it would mean something else."""
    more = {TENSOR: torch.zeros(3, 32), "base_model.lm_head.weight": torch.zeros(2, 2)}
    save_file(more, saved / WEIGHTS)
    failing_load(model, saved, ValueError, "base_model.lm_head.weight.*expected 'prompt_embeddings' and nothing else")


def test_tensor_of_another_name(model, saved):
    save_file({"weight": torch.zeros(3, 32)}, saved / WEIGHTS)
    failing_load(model, saved, ValueError, "has weight: expected 'prompt_embeddings'")


def test_values_that_are_not_finite(model, tmp_path):
    write_prompt(tmp_path / "nan", torch.full((3, 32), float("nan")), "base")
    failing_load(model, tmp_path / "nan", ValueError, "not finite")


def test_unknown_soft_token(model, saved, tmp_path):
    for call in (model.save_prompt, model.load_prompt):
        with pytest.raises(ValueError, match=r"unknown soft token '\[C\]'"):
            call(tmp_path / "c", "[C]")
    assert not (tmp_path / "c").exists()


def test_a_base_model_of_the_same_name_with_other_weights_warns(model, saved):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.load_prompt(saved)
        model.base_model.bfloat16()  # the same weights, rounded
        model.load_prompt(saved)
    with torch.no_grad():
        for weight in model.base_model.parameters():
            weight.mul_(1.1)
    with pytest.warns(match="with other weights than this"):
        model.load_prompt(saved)
