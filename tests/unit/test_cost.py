"""The formulas of what a system costs, held against models, against PEFT, and against what PyTorch counts and keeps."""

import importlib.util
import math
from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM, GPT2Config, LlamaConfig, Qwen2Config

from course_utils.base_models import COURSE_MODELS, load_base_model
from course_utils.batches import IGNORED
from course_utils.cost import COMPARED, Batch, Cost, break_even, measured_step
from course_utils.key_values import compile_prompt
from course_utils.lessons.setup import repository_root
from course_utils.precision import speed_up
from course_utils.results import ROW_KEYS, Study
from course_utils.serving import Machine, calculator_table, serve
from course_utils.shapes import SHAPES, Shape, get_shape
from course_utils.systems import make_system
from course_utils.tasks import get_task

VOCABULARY, BATCH = 500, Batch(rows=6, text=64, targets=11)
KINDS = [("soft prompt", True), ("soft prompt", False), ("LoRA", None), ("full fine-tuning", None)]


def config_of(family, **options):
    if family == "gpt2":
        return GPT2Config(vocab_size=VOCABULARY, n_positions=256, n_embd=128, n_layer=4, n_head=4, attn_pdrop=0, embd_pdrop=0,
                          resid_pdrop=0, **options)
    return LlamaConfig(vocab_size=VOCABULARY, max_position_embeddings=256, hidden_size=128, intermediate_size=352,
                       num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, **options)


def system_of(family, system, shared, monkeypatch, **options):
    """A system on a small model of random weights, and its `Cost`."""
    monkeypatch.setattr("course_utils.soft_prompt.pays_to_share", lambda rows, width: shared)
    config = config_of(family, **options)
    model = AutoModelForCausalLM.from_config(config)
    model.loss_type = "ForCausalLM"
    speed_up(model)
    return make_system(system, model, get_task("summarization"), 20).train(), Cost(Shape.of(config), system, 20, 8, shared)


def batch_of(rows, text, targets):
    ids = torch.randint(0, VOCABULARY, (rows, text))
    mask = torch.ones_like(ids)
    mask[0, -1] = 0  # without a pad PyTorch needs no mask, and keeps none
    labels = ids.masked_fill(torch.arange(text) < text - targets, IGNORED).masked_fill(mask == 0, IGNORED)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


# ---- weights


def on_meta(config):
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def config_like(shape):
    """A transformers configuration of a shape."""
    if shape.gpt2:
        return GPT2Config(vocab_size=shape.vocabulary, n_positions=shape.context, n_embd=shape.width, n_layer=shape.layers,
                          n_head=shape.heads)
    return LlamaConfig(
        vocab_size=shape.vocabulary, max_position_embeddings=shape.context, hidden_size=shape.width,
        intermediate_size=shape.mlp_width, num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads, tie_word_embeddings=shape.tied)


@pytest.mark.parametrize("name, published", [
    ("gpt2", 124_439_808), ("gpt2-medium", 354_823_168), ("gpt2-large", 774_030_080), ("gpt2-xl", 1_557_611_200),
    ("SmolLM2-135M", 134_515_008), ("Llama-2-7B", 6_738_415_616), ("Llama-2-70B", 68_976_648_192)])
def test_parameters_of_a_named_shape_are_those_of_its_model(name, published):
    config = config_like(SHAPES[name])
    assert SHAPES[name].parameters == published == sum(weight.numel() for weight in on_meta(config).parameters())
    assert Shape.of(config, name) == SHAPES[name]


@pytest.mark.parametrize("name", COURSE_MODELS)
def test_parameters_of_a_course_model(name):
    model, _ = load_base_model(name, "cpu")
    assert get_shape(name).parameters == sum(weight.numel() for weight in model.parameters())
    assert get_shape(name).name == name


@pytest.mark.parametrize("changes", [
    {"family": "gpt2", "n_inner": 100}, {"family": "gpt2", "tie_word_embeddings": False},
    {"family": "llama", "head_dim": 24}, {"family": "llama", "tie_word_embeddings": True}])
def test_parameters_of_unusual_configurations(changes):
    config = config_of(**changes)
    assert Shape.of(config).parameters == sum(weight.numel() for weight in on_meta(config).parameters())


def test_other_families_and_names_are_refused():
    with pytest.raises(ValueError, match="cannot count a 'qwen2'"):
        Shape.of(Qwen2Config())
    with pytest.raises(ValueError, match="'llama' with biases"):
        Shape.of(LlamaConfig(attention_bias=True))
    with pytest.raises(ValueError, match="unknown shape 'gpt5': expected a course model or one of gpt2"):
        get_shape("gpt5")
    assert get_shape("openai-community/gpt2") is SHAPES["gpt2"] and get_shape("smollm2") is SHAPES["SmolLM2-135M"]


@pytest.mark.parametrize("system, shared", KINDS)
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_trained_weights_are_those_that_ask_for_gradients(family, system, shared, monkeypatch):
    built, cost = system_of(family, system, shared, monkeypatch)
    assert cost.trained == sum(weight.numel() for weight in built.parameters() if weight.requires_grad)
    assert replace(cost, rank=3, prompt_length=7).trained == {
        "soft prompt": 7 * 128, "LoRA": cost.trained * 3 // 8, "full fine-tuning": cost.trained}[system]


def test_what_is_stored_for_a_task():
    gpt2 = SHAPES["gpt2"]
    assert [Cost(gpt2, system).stored_bytes for system in COMPARED] == [61_440, 4 * 294_912, 2 * 124_439_808]
    assert Cost(gpt2, "LoRA").optimizer_bytes == 8 * 294_912 and Cost(gpt2, "LoRA").gradient_bytes == 4 * 294_912


@pytest.mark.parametrize("system, shared", KINDS[1:])
def test_optimizer_state_is_what_adamw_holds(system, shared, monkeypatch):
    built, cost = system_of("gpt2", system, shared, monkeypatch)
    weights = [weight for weight in built.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights)
    built(**batch_of(2, 8, 3)).loss.backward()
    optimizer.step()
    held = [each for state in optimizer.state.values() for each in state.values() if each.numel() > 1]
    assert sum(each.nbytes for each in held) == cost.optimizer_bytes


@pytest.mark.parametrize("options", [{"prompt_length": 0}, {"rank": 0}])
def test_nonsense_is_refused(options):
    with pytest.raises(ValueError, match=r"prompt_length and rank must be >= 1"):
        Cost(SHAPES["gpt2"], "LoRA", **options)
    with pytest.raises(ValueError, match=r"system must be one of soft prompt, LoRA.*'hard prompt'"):
        Cost(SHAPES["gpt2"], "hard prompt")


# ---- operations


@pytest.mark.parametrize("system, shared", KINDS)
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_operations_of_a_step_are_those_that_pytorch_counts(family, system, shared, monkeypatch):
    built, cost = system_of(family, system, shared, monkeypatch, attn_implementation="eager")  # on CPUs it counts no other
    batch = batch_of(BATCH.rows, BATCH.text, BATCH.targets)
    with FlopCounterMode(display=False) as counter:
        built(**batch).loss.backward()
    targets = int((batch["labels"] != IGNORED).sum()) / BATCH.rows
    assert counter.get_total_flops() == pytest.approx(cost.step_flops(replace(BATCH, targets=targets)), rel=0.015)


def test_a_step_takes_four_operations_a_weight_and_token_if_the_base_is_frozen_and_six_if_not():
    tokens, shape = Batch(rows=1, text=64, targets=1), SHAPES["Llama-2-70B"]
    per_weight = [Cost(shape, system, 1, 8, False).step_flops(tokens) / shape.parameters / 64 for system in COMPARED]
    assert per_weight == pytest.approx([4, 4, 6], rel=0.03)


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_operations_of_a_request_are_those_that_pytorch_counts(family, cached, monkeypatch):
    soft, cost = system_of(family, "soft prompt", True, monkeypatch, attn_implementation="eager")
    prompt = compile_prompt(soft) if cached else soft
    with FlopCounterMode(display=False) as counter:
        prompt.continue_rows([[1] * 40], 0, min_new_tokens=6, max_new_tokens=6)
    # Ours runs the prompt and the text one after the other, so that no prompt token looks at the text.
    unseen = 0 if cached else 4 * cost.shape.layers * cost.shape.queries * 20 * 40
    assert counter.get_total_flops() == pytest.approx(cost.request_flops(40, 6, cached) - unseen, rel=0.002)


def test_a_request_must_fit_the_context():
    with pytest.raises(ValueError, match=r"gpt2 reads 1024 tokens: 20 in front, 1000 of text and 5 of answer are 1025"):
        Cost(SHAPES["gpt2"], "soft prompt").request_flops(1000, 5)


def test_bytes_of_a_compiled_prompt_and_of_a_cache(monkeypatch):
    for family in ("gpt2", "llama"):
        soft, cost = system_of(family, "soft prompt", True, monkeypatch)
        assert compile_prompt(soft).weight.nbytes == cost.shape.kv_bytes(20, number=4)
    assert SHAPES["gpt2"].kv_bytes(20) == 2 * 12 * 768 * 20 * 2
    assert SHAPES["Llama-2-70B"].kv_bytes(1) == 2 * 80 * 1024 * 2  # eight heads of 128, not 64


# ---- memory


@pytest.mark.parametrize("system, shared", KINDS)
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_activations_are_those_that_autograd_keeps(family, system, shared, monkeypatch):
    built, cost = system_of(family, system, shared, monkeypatch)
    measured = measured_step(built, batch_of(BATCH.rows, BATCH.text, BATCH.targets))
    assert measured.saved_bytes == pytest.approx(cost.activation_bytes(BATCH), rel=0.03)
    assert measured.seconds > 0 and (measured.peak_bytes is None) == (built.device.type == "cpu")


def test_a_prompt_keeps_activations_too(monkeypatch):
    kept = {}
    for system, shared in KINDS[1:]:
        built, _ = system_of("gpt2", system, shared, monkeypatch)
        kept[system] = measured_step(built, batch_of(BATCH.rows, BATCH.text, BATCH.targets)).saved_bytes
    assert 0.5 < kept["soft prompt"] / kept["full fine-tuning"] < 1


def test_measuring_counts_no_parameters_counts_views_once_and_leaves_nothing_behind():
    class Squares(torch.nn.Module):
        device = torch.device("cpu")

        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(10, 100))

        def forward(self, x):
            made = x * self.weight  # [10, 100], keeps x, and the weight not, since x asks for no gradient
            return type("Output", (), {"loss": (made[:5] * made[5:]).sum() + (self.weight * self.weight).sum()})

    system = Squares().eval()
    measured = measured_step(system, {"x": torch.ones(10, 100)}, repeats=2)
    assert measured.saved_bytes == 2 * 4000  # x, and `made` once, of which two views are kept
    assert system.weight.grad is None and not system.training


def test_memory_to_train_adds_up():
    cost, batch = Cost(SHAPES["gpt2"], "full fine-tuning"), Batch()
    assert cost.training_bytes(batch) == 16 * 124_439_808 + cost.activation_bytes(batch)
    prompt = Cost(SHAPES["gpt2"], "soft prompt")
    assert prompt.training_bytes(batch) == 4 * 124_439_808 + 16 * 15_360 + prompt.activation_bytes(batch)


# ---- serving, break-even


def test_break_even_is_where_training_and_examples_take_the_same():
    cost = Cost(SHAPES["gpt2"], "soft prompt")
    needed = break_even(cost, 500, 300)
    training, saved = 500 * cost.step_flops(Batch()), SHAPES["gpt2"].request_flops(300, 100, 28) - cost.request_flops(100, 28)
    assert (needed - 1) * saved < training <= needed * saved
    assert break_even(cost, 500, 600) < needed < break_even(cost, 1000, 300)
    assert break_even(cost, 500, 20) == math.inf  # examples as long as the prompt
    assert break_even(cost, 500, 300, cached=True) > 20 * needed


def test_serving_shares_the_base_unless_it_was_fine_tuned():
    small = Machine(1e12, 1e10)
    prompt, lora, full = (serve(Cost(SHAPES["gpt2"], system), 50, small) for system in COMPARED)
    model = 2 * 124_439_808
    assert prompt.stored_bytes == model + 50 * 61_440 and full.stored_bytes == 50 * model
    assert full.memory_bytes == 50 * model + SHAPES["gpt2"].kv_bytes(128)
    assert prompt.memory_bytes == model + 50 * 30_720 + SHAPES["gpt2"].kv_bytes(148)
    assert prompt.memory_bytes < lora.memory_bytes < full.memory_bytes
    assert (prompt.context, lora.context, full.context) == (20, 0, 0)
    compiled = serve(Cost(SHAPES["gpt2"], "soft prompt"), 50, small, cached=True)
    assert compiled.memory_bytes - prompt.memory_bytes == 50 * (SHAPES["gpt2"].kv_bytes(20) - 30_720)


def test_time_is_the_slower_of_computing_and_reading():
    cost = Cost(SHAPES["gpt2"], "full fine-tuning")
    computes, reads = serve(cost, 5, Machine(1e9, math.inf)), serve(cost, 5, Machine(math.inf, 1e9))
    assert computes.first_token_seconds == cost.request_flops(100, 1) / 1e9
    assert computes.first_token_seconds + 27 * computes.token_seconds == pytest.approx(cost.request_flops(100, 28) / 1e9)
    assert reads.first_token_seconds == 2 * 124_439_808 / 1e9 < reads.token_seconds
    many = serve(cost, 5, Machine(math.inf, 1e9), requests=8)  # eight requests for five tasks: five models are read
    assert many.first_token_seconds == 5 * reads.first_token_seconds
    prompts = [serve(Cost(SHAPES["gpt2"], "soft prompt"), 5, Machine(math.inf, 1e9), requests=n) for n in (1, 8)]
    assert prompts[0].first_token_seconds == prompts[1].first_token_seconds


def test_calculator_has_a_row_for_each_model_and_system():
    table = calculator_table(["course-gpt2-m", "gpt2", "Llama-2-70B"], tasks=100, prompt_length=50)
    assert list(table["system"]) == [*COMPARED] * 3 and not table.isna().any().any()
    row = table[(table["base model"] == "gpt2") & (table["system"] == "soft prompt")].iloc[0]
    assert row["a task's file, MB"] == pytest.approx(0.1536) and row["context taken, %"] == pytest.approx(100 * 50 / 1024)
    full = table[(table["base model"] == "Llama-2-70B") & (table["system"] == "full fine-tuning")].iloc[0]
    assert full["memory to serve, GB"] == pytest.approx(100 * 138, rel=0.01)


# ---- the study


@pytest.fixture
def costs():
    path = repository_root() / "data" / "build" / "costs.py"
    spec = importlib.util.spec_from_file_location("costs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_study_gives_tidy_rows(costs, tmp_path):
    rows = costs.measure_costs(["course-gpt2-xs"], lengths={"course-gpt2-xs": (1, 5)}, batch=Batch(2, 24, 6), rounds=2)
    assert all({*row} == {*ROW_KEYS} - {"study", "run"} for row in rows)
    values = {(row["system"], row["metric"]): row["value"] for row in rows}
    assert len(values) == len(rows) == 4 * 11
    assert values["soft prompt, 5 tokens", "trainable parameters"] == 5 * get_shape("course-gpt2-xs").width
    assert values["full fine-tuning", "step, of full fine-tuning"] == 1
    Study("cost", tmp_path).add("0", {}, rows)


def test_systems_of_the_study_share_weights_and_nothing_else(costs):
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("gpt2", n_layer=1, n_embd=32, n_head=2, vocab_size=50))
    other = costs.same_weights(model.requires_grad_(False)).requires_grad_(True)
    pairs = list(zip(model.parameters(), other.parameters(), strict=True))
    assert all(ours.data_ptr() == theirs.data_ptr() for ours, theirs in pairs)
    assert other.lm_head.weight is other.transformer.wte.weight  # still tied
    assert not any(ours.requires_grad for ours, _ in pairs) and all(theirs.requires_grad for _, theirs in pairs)
