"""A prompt is run once and its keys and values are used again: nothing else may change by it."""

import contextlib
import warnings

import peft
import pytest
import torch
import torch.nn.functional as F
from conftest import FAMILIES, SEES_A_WINDOW, checkpoint_gradients
from torch.nn.utils.rnn import pad_sequence

from course_utils.base_models import load_base_model, weights_fingerprint
from course_utils.batches import IGNORED, collate, encode, left_pad, source_ids, token_ids
from course_utils.evaluation import evaluate, generate_answers, generate_texts
from course_utils.key_values import KeyValuePrompt, can_reuse_keys, compile_prompt, pays_to_share
from course_utils.loss import token_losses
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.tasks import get_task

TASK = get_task("summarization")
TEXTS = ("The mayor was not there", "Anna", "Rain fell all day in the town. Clara", "Bruno has")
REUSING = [name for name in FAMILIES if name not in SEES_A_WINDOW]


def equal(found, expected):
    scale = max(1.0, float(expected.detach().abs().max()))
    torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=1e-5)


def padded(rows, side, pad_id=0):
    """ids, mask and labels of (source, target) rows of ids, padded on a side."""
    ids = pad_sequence([torch.tensor(source + target) for source, target in rows], True, pad_id, side)
    mask = pad_sequence([torch.ones(len(source + target), dtype=torch.long) for source, target in rows], True, 0, side)
    labels = pad_sequence([torch.tensor([IGNORED] * len(source) + target) for source, target in rows], True, IGNORED, side)
    return ids, mask, labels


def rows_of(base, tokenizer, with_bare_target=False):
    """Sources and targets of different lengths; in the last, the target may follow right behind the prompt."""
    rows = [(source_ids(tokenizer, text), token_ids(tokenizer, " buys a boat.")[: 3 + i]) for i, text in enumerate(TEXTS)]
    if with_bare_target:
        begin = [] if base.begin_token_id is None else [base.begin_token_id]
        rows.append((begin, token_ids(tokenizer, "Emma buys a lamp.")))
    return rows


def plain_loss(model, ids, mask, labels, soft_token=None):
    """The loss by the forward without labels: every row with its prompt, all at once."""
    ids, mask, labels = model.join(ids, mask, labels, soft_token)
    logits = model(ids, mask).logits
    return F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=IGNORED)


def gradient_of(model, loss):
    (gradient,) = torch.autograd.grad(loss, model.soft_embedding.weight)
    return gradient


# ---- training: each prompt once


def test_families_with_a_window_do_not_reuse_keys(loaded, family):
    assert can_reuse_keys(loaded[0]) == (family not in SEES_A_WINDOW)


@pytest.mark.parametrize("bare_target", [False, True])
def test_loss_and_gradient_are_those_of_the_plain_forward(loaded, bare_target):
    base, tokenizer = loaded
    rows = rows_of(base, tokenizer, bare_target)
    for length in (1, 5):
        model = GPT2WithSoftPrompt(base, prompt_length=length)
        for side in ("left", "right"):
            batch = padded(rows, side, tokenizer.pad_token_id)
            found, expected = model(*batch).loss, plain_loss(model, *batch)
            equal(found, expected)
            equal(gradient_of(model, found), gradient_of(model, expected))


def test_logits_are_those_of_the_plain_forward_row_by_row(loaded):
    base, tokenizer = loaded
    model, rows = GPT2WithSoftPrompt(base, ["[A]", "[B]"], prompt_length=[1, 5]), rows_of(base, tokenizer)
    names = ["[A]", "[B]", "[B]", "[A]"]
    with torch.no_grad():
        expected = [model(torch.tensor([source + target]), soft_token=name).logits[0, -len(target) - 1 : -1]
                    for (source, target), name in zip(rows, names, strict=True)]
        for side in ("left", "right"):
            ids, mask, labels = padded(rows, side, tokenizer.pad_token_id)
            equal(model(ids, mask, labels, names).logits, torch.cat(expected))


def test_each_different_prompt_of_a_batch_is_run_once(gpt2, tokenizer, records):
    model = GPT2WithSoftPrompt(gpt2, ["[A]", "[B]"], prompt_length=[2, 3])
    first, second = (encode(records, TASK, tokenizer, model, soft_token=name) for name in ("[A]", "[B]"))
    shapes = []
    gpt2.transformer.h[0].register_forward_pre_hook(lambda module, args: shapes.append(tuple(args[0].shape[:2])))
    model(**collate((first + second).items, tokenizer.pad_token_id))
    longest = max(encode(records, TASK, tokenizer, gpt2).lengths())
    assert shapes == [(2, 3), (16, longest)], "both prompts once, padded to the longer one; then the texts"


def test_a_row_without_a_prompt_gets_the_models_own_beside_rows_that_have_theirs(gpt2, tokenizer):
    model = GPT2WithSoftPrompt(gpt2, prompt_length=3)
    (source, target), other = rows_of(model, tokenizer)[:2]
    rows = [(model.prompt_ids() + source, target), other]
    with torch.no_grad():
        expected = [model(torch.tensor([model.prompt_ids() + source + target])).logits[0, -len(target) - 1 : -1],
                    model(torch.tensor([other[0] + other[1]])).logits[0, -len(other[1]) - 1 : -1]]
        equal(model(*padded(rows, "right")).logits, torch.cat(expected))


def test_a_row_with_another_prompt_than_the_one_named_is_refused(gpt2, tokenizer):
    model = GPT2WithSoftPrompt(gpt2, ["[A]", "[B]"], prompt_length=2)
    ids = torch.tensor([model.prompt_ids("[A]") + rows_of(model, tokenizer)[0][0]])
    assert model(ids, soft_token="[A]").logits.shape == model(ids).logits.shape
    with pytest.raises(ValueError, match=r"another prompt than that of '\[B\]'"):
        model(ids, soft_token="[B]")


# ---- batches in which every row has its own prompt


def test_a_mixed_batch_gives_each_row_the_loss_that_it_has_alone(loaded):
    base, tokenizer = loaded
    names = ["[A]", "[B]", "[C]", "[B]", "[A]"]
    model, rows = GPT2WithSoftPrompt(base, ["[A]", "[B]", "[C]"], prompt_length=[2, 5, 1]), rows_of(base, tokenizer, True)
    alone = [model(*padded([row], "right"), soft_token=name).loss for row, name in zip(rows, names, strict=True)]
    counts = torch.tensor([len(target) for _, target in rows])
    expected = (torch.stack(alone) * counts).sum() / counts.sum()
    for side in ("left", "right"):
        together = model(*padded(rows, side, tokenizer.pad_token_id), soft_token=names).loss
        equal(together, expected)
        equal(gradient_of(model, together), gradient_of(model, plain_loss(model, *padded(rows, side), names)))


def test_added_sets_give_each_record_the_loss_of_its_own_set(loaded, records):
    base, tokenizer = loaded
    model = GPT2WithSoftPrompt(base, ["[A]", "[B]"], prompt_length=[1, 4])
    a, b = (encode(part, TASK, tokenizer, model, soft_token=name) for part, name in ((records[:3], "[A]"), (records[3:], "[B]")))
    with torch.no_grad():
        expected = torch.cat([token_losses(model, collate(each.items, tokenizer.pad_token_id))[0] for each in (a, b)])
        found, of_row = token_losses(model, collate((a + b).items, tokenizer.pad_token_id))
    equal(found, expected)
    assert of_row.tolist() == [row for row, target in enumerate((a + b).targets()) for _ in target]


def test_a_mixed_batch_generates_what_each_row_generates_alone(loaded):
    base, tokenizer = loaded
    names = ["[A]", "[B]", "[B]", "[A]"]
    model = GPT2WithSoftPrompt(base, ["[A]", "[B]"], prompt_length=[1, 4])
    sources = [source_ids(tokenizer, text) for text in TEXTS]
    options = {"max_new_tokens": 10, "eos_token_id": -1}
    alone = [model.generate(torch.tensor([source]), soft_token=name, **options)[0].tolist()
             for source, name in zip(sources, names, strict=True)]
    assert model.generate(*left_pad(sources, tokenizer.pad_token_id), soft_token=names, **options).tolist() == alone
    rows = [model.with_prompt(source, name) for source, name in zip(sources, names, strict=True)]
    assert model.continue_rows(rows, tokenizer.pad_token_id, **options).tolist() == alone
    assert len({tuple(row) for row in alone}) > 1
    texts = [generate_texts(model, tokenizer, [text], 10, soft_token=name)[0] for text, name in zip(TEXTS, names, strict=True)]
    assert generate_texts(model, tokenizer, TEXTS, 10, soft_token=names) == texts


def test_a_row_that_is_a_prompt_and_nothing_else_can_be_continued(gpt2):
    model = GPT2WithSoftPrompt(gpt2, prompt_length=3)
    rows = [model.prompt_ids(), [*model.prompt_ids(), 7, 8]]
    expected = [model.generate(torch.tensor([row]), max_new_tokens=6, eos_token_id=-1)[0].tolist() for row in rows]
    assert model.continue_rows(rows, 0, max_new_tokens=6, eos_token_id=-1).tolist() == expected


# ---- a compiled prompt


@pytest.fixture(params=REUSING)
def compilable(request, family_folder):
    return load_base_model(family_folder(request.param), device="cpu")


def answers(system, rows, pad_id, batch_size, **options):
    options = {"max_new_tokens": 10, "eos_token_id": -1, **options}
    batches = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    return [ids for batch in batches for ids in system.continue_rows(batch, pad_id, **options).tolist()]


@pytest.mark.parametrize("length", [1, 6])
def test_a_compiled_prompt_gives_the_tokens_of_the_soft_prompt(compilable, length):
    base, tokenizer = compilable
    soft = GPT2WithSoftPrompt(base, prompt_length=length)
    compiled = compile_prompt(soft)
    sources = [source_ids(tokenizer, text) for text in (*TEXTS, "B")]
    expected = [soft.generate(torch.tensor([ids]), max_new_tokens=10, eos_token_id=-1)[0].tolist() for ids in sources]
    for batch_size in range(1, 6):
        assert answers(compiled, sources, tokenizer.pad_token_id, batch_size) == expected
    assert len({tuple(row) for row in expected}) > 1


def test_a_compiled_prompt_scores_and_answers_like_the_soft_prompt(compilable, records):
    base, tokenizer = compilable
    soft = GPT2WithSoftPrompt(base, prompt_length=4)
    by_rows, by_keys = (evaluate(model, tokenizer, TASK, records, batch_size=3, max_new_tokens=8)
                        for model in (soft, compile_prompt(soft)))
    assert by_keys.pop("loss") == pytest.approx(by_rows.pop("loss"), abs=1e-5)
    assert by_keys == by_rows


def test_a_compiled_prompt_leaves_as_much_room_as_the_soft_prompt(compilable, records):
    base, tokenizer = compilable
    if not getattr(base.config, "max_position_embeddings", None):
        pytest.skip("no limit")
    soft = GPT2WithSoftPrompt(base, prompt_length=4)
    long = [{**records[0], "document": records[0]["document"] * 9}]
    cut, its_cut = (encode(long, TASK, tokenizer, model)[0]["input_ids"].tolist() for model in (soft, compile_prompt(soft)))
    assert [i for i in cut if i < soft.vocab_size] == its_cut
    most = 128 - 4 - len(its_cut) + 1
    with pytest.raises(ValueError, match="128 positions"):
        generate_answers(compile_prompt(soft), tokenizer, [its_cut], most)


def test_a_compiled_prompt_comes_back_from_its_folder(compilable, tmp_path):
    base, tokenizer = compilable
    compiled = compile_prompt(GPT2WithSoftPrompt(base, prompt_length=3))
    with pytest.warns(UserWarning, match="begin token.*PEFT") if compiled.holds_begin else contextlib.nullcontext():
        compiled.save(tmp_path / "compiled")
    again = KeyValuePrompt.load(tmp_path / "compiled", base)
    assert torch.equal(again.weight, compiled.weight) and again.positions == compiled.positions == 3
    rows = [source_ids(tokenizer, text) for text in TEXTS]
    assert answers(again, rows, tokenizer.pad_token_id, 2) == answers(compiled, rows, tokenizer.pad_token_id, 2)
    with pytest.raises(FileExistsError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled.save(tmp_path / "compiled")


@pytest.mark.parametrize("name", ["qwen2", "gpt_neox"])  # no begin token
def test_peft_gives_the_logits_of_a_compiled_prompt(name, family_folder, tmp_path):
    base, tokenizer = load_base_model(family_folder(name), device="cpu")
    soft = GPT2WithSoftPrompt(base, prompt_length=4)
    compile_prompt(soft).save(tmp_path / "compiled")
    rows = [source_ids(tokenizer, text) for text in TEXTS]
    right = collate([{"input_ids": torch.tensor(ids), "labels": torch.tensor(ids)} for ids in rows], tokenizer.pad_token_id)
    with torch.no_grad():
        expected = [soft(torch.tensor([ids])).logits[0, 4:] for ids in rows]
        theirs = peft.PeftModel.from_pretrained(base, tmp_path / "compiled")
        assert theirs.peft_config["default"].peft_type == "PREFIX_TUNING"
        together = theirs(input_ids=right["input_ids"], attention_mask=right["attention_mask"]).logits
        for row, ids in enumerate(rows):
            equal(theirs(input_ids=torch.tensor([ids])).logits[0], expected[row])
            equal(together[row, : len(ids)], expected[row])


def test_a_gpt2_prompt_compiles_and_peft_reads_it(gpt2, tokenizer, tmp_path):
    soft = GPT2WithSoftPrompt(gpt2, prompt_length=4)
    compile_prompt(soft).save(tmp_path)
    ids = torch.tensor([token_ids(tokenizer, TEXTS[0])])
    with torch.no_grad():
        expected = soft(ids).logits[:, 4:]
        equal(peft.PeftModel.from_pretrained(gpt2, tmp_path)(input_ids=ids).logits, expected)


@pytest.mark.parametrize("name", ["llama", "qwen2"])
def test_a_prefix_that_peft_trained_gives_pefts_loss(name, family_folder, records, tmp_path):
    base, tokenizer = load_base_model(family_folder(name), device="cpu")
    theirs = peft.get_peft_model(base, peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)).eval()
    theirs.prompt_encoder["default"].embedding.weight.data.normal_()
    theirs.save_pretrained(tmp_path)
    batch = collate(encode(records, TASK, tokenizer, base).items, tokenizer.pad_token_id)
    ours = KeyValuePrompt.load(tmp_path, base)
    with torch.no_grad():
        equal(ours(**batch).loss, theirs(**batch).loss)


@pytest.mark.parametrize("name", sorted(SEES_A_WINDOW))
def test_families_with_a_window_refuse_compiled_prompts(name, family_folder):
    base, _ = load_base_model(family_folder(name), device="cpu")
    with pytest.raises(ValueError, match=r"cannot run on keys and values.*use the soft prompt itself"):
        compile_prompt(GPT2WithSoftPrompt(base, prompt_length=3))


@pytest.mark.parametrize("training", [False, True])
def test_a_checkpointed_model_refuses_compiled_prompts(gpt2, training):
    checkpoint_gradients(gpt2)
    with pytest.raises(ValueError, match=r"gradient checkpointing"):
        compile_prompt(GPT2WithSoftPrompt(gpt2, prompt_length=3).train(training))


def test_keys_and_values_of_another_model_are_refused(gpt2, wide_gpt2, tmp_path):
    compile_prompt(GPT2WithSoftPrompt(wide_gpt2, prompt_length=3)).save(tmp_path)
    with pytest.raises(ValueError, match=str(2 * 2 * 48)):
        KeyValuePrompt.load(tmp_path, gpt2)


def test_prompts_of_one_kind_are_not_read_as_the_other(gpt2, tmp_path):
    soft = GPT2WithSoftPrompt(gpt2, prompt_length=3)
    soft.save_prompt(tmp_path / "soft")
    compile_prompt(soft).save(tmp_path / "compiled")
    with pytest.raises(ValueError, match=r"PROMPT_TUNING.*expected PREFIX_TUNING"):
        KeyValuePrompt.load(tmp_path / "soft", gpt2)
    with pytest.raises(ValueError, match=r"PREFIX_TUNING.*expected PROMPT_TUNING"):
        soft.load_prompt(tmp_path / "compiled")


def test_prefix_tuning_trains_the_keys_and_values_alone(compilable, records):
    base, tokenizer = compilable
    prefix = compile_prompt(GPT2WithSoftPrompt(base, prompt_length=3), trainable=True)
    before = weights_fingerprint(base)
    batch = collate(encode(records[:3], TASK, tokenizer, prefix).items, tokenizer.pad_token_id)
    first = prefix(**batch).loss
    first.backward()
    assert (prefix.weight.grad != 0).any(1).all()
    with torch.no_grad():
        prefix.weight -= 0.01 * prefix.weight.grad / prefix.weight.grad.norm()
    assert prefix(**batch).loss < first and weights_fingerprint(base) == before


def test_a_prompt_behind_a_foreign_placement_compiles_too(family_folder):
    """A prompt that PEFT trained stands in front of the begin token; so do its keys and values."""
    base, tokenizer = load_base_model(family_folder("llama"), device="cpu")
    soft = GPT2WithSoftPrompt(base, prompt_length=3)
    soft.begin_first = [False]
    rows = [source_ids(tokenizer, text) for text in TEXTS]
    expected = answers(soft, rows, tokenizer.pad_token_id, 1)
    assert answers(compile_prompt(soft), rows, tokenizer.pad_token_id, 3) == expected
    soft.begin_first = [True]
    assert answers(soft, rows, tokenizer.pad_token_id, 1) != expected


# ---- other types


def test_a_base_model_in_bfloat16_keeps_the_prompt_in_fp32(tmp_path, tokenizer, gpt2, records):
    gpt2.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    losses = {}
    for dtype in ("float32", "bfloat16"):
        base, _ = load_base_model(tmp_path, device="cpu", dtype=dtype)
        assert base.dtype == getattr(torch, dtype)
        soft = GPT2WithSoftPrompt(base, prompt_length=5)
        batch = collate(encode(records, TASK, tokenizer, soft).items, tokenizer.pad_token_id)
        loss = soft(**batch).loss
        loss.backward()
        assert soft.soft_embedding.weight.dtype == soft.soft_embedding.weight.grad.dtype == loss.dtype == torch.float32
        prefix = compile_prompt(soft, trainable=True)
        assert prefix.weight.dtype == torch.float32
        with torch.no_grad():
            losses[dtype] = [loss.item(), prefix(**collate(encode(records, TASK, tokenizer, prefix).items, 0)).loss.item()]
        assert len(generate_texts(soft, tokenizer, TEXTS, 4)) == len(TEXTS)
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)


def test_prompts_are_shared_only_where_that_saves_time():
    assert not pays_to_share(rows=1, width=4096)  # nothing to share it with
    assert not pays_to_share(rows=8, width=128)
    assert pays_to_share(rows=8, width=768) and pays_to_share(rows=32, width=128)
