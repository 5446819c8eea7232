import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from course_utils import prompt_files
from course_utils.data import token_ids
from course_utils.prompt_files import CONFIG, TENSOR, WEIGHTS, write_prompt
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


def test_peft_reads_ours_and_we_read_peft(base_model, tokenizer, tmp_path):
    peft = pytest.importorskip("peft")
    model = GPT2WithSoftPrompt(base_model, prompt_length=3)
    model.save_prompt(tmp_path / "ours")
    text_ids = torch.tensor([token_ids(tokenizer, "Rain fell all day")])
    with torch.no_grad():
        expected = model(text_ids).logits[:, 3:]
        theirs = peft.PeftModel.from_pretrained(base_model, tmp_path / "ours")
        torch.testing.assert_close(theirs(text_ids).logits[:, -text_ids.shape[1] :], expected, rtol=1e-4, atol=1e-4)
    theirs.save_pretrained(tmp_path / "theirs")
    back = GPT2WithSoftPrompt(base_model, prompt_length=3, seed=9)
    back.load_prompt(tmp_path / "theirs")
    assert torch.equal(back.soft_embedding.weight, model.soft_embedding.weight)


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
    failing_load(model, tmp_path / "nowhere", FileNotFoundError, r"no soft prompt at .*nowhere.*does not exist")


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_missing_file(model, saved, name):
    (saved / name).unlink()
    failing_load(model, saved, FileNotFoundError, rf"{name} does not exist; expected a folder with")


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
