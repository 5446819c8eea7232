import math

import pytest
import torch
import torch.nn.functional as F
from transformers.modeling_outputs import CausalLMOutputWithPast

from course_utils import evaluation
from course_utils.batches import IGNORED, encode, left_pad, length_sorted, token_ids
from course_utils.evaluation import (
    AnswerEnds,
    evaluate,
    evaluate_loss,
    first_line,
    generate_answers,
    generate_texts,
    lead_sentence,
    trivial_baselines,
    unigram_loss,
)
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.tasks import get_task

PROMPT = "Rain fell all day."


def source_texts(records):
    return [get_task("summarization").source(record) for record in records]


@pytest.fixture
def soft(reader, tokenizer):
    """A soft prompt made of the embeddings of `PROMPT`: it must do exactly what that text does."""
    length = len(token_ids(tokenizer, PROMPT))
    return GPT2WithSoftPrompt(reader, ["[SUMMARIZE]", "[OTHER]"], length, "text", PROMPT, tokenizer)


# ---- loss


@pytest.mark.parametrize("batch_size", [1, 3, 8, 100])
def test_loss_is_the_mean_over_all_target_tokens_whatever_the_batches(gpt2, tokenizer, records, batch_size):
    varied = [{**r, "summary": r["summary"] * (1 + i % 3)} for i, r in enumerate(records)]
    encoded = encode(varied, "summarization", tokenizer, gpt2)
    with torch.no_grad():
        losses = [
            F.cross_entropy(gpt2(item["input_ids"][None]).logits[0, :-1], item["labels"][1:], reduction="sum")
            for item in encoded.items
        ]
    expected = sum(losses) / sum(len(target) for target in encoded.targets())
    assert evaluate_loss(gpt2, encoded, batch_size) == pytest.approx(expected.item(), rel=1e-4)


def test_a_plain_model_computes_no_logits_for_its_sources(gpt2, tokenizer, records):
    encoded, positions = encode(records, "summarization", tokenizer, gpt2), []
    gpt2.lm_head.register_forward_hook(lambda module, inputs, logits: positions.append(logits[..., 0].numel()))
    evaluate_loss(gpt2, encoded)
    assert sum(positions) == sum(map(len, encoded.targets()))


def test_evaluation_leaves_a_model_in_the_mode_it_was_in(gpt2, tokenizer, records):
    encoded = encode(records, "summarization", tokenizer, gpt2)
    gpt2.train()
    first = evaluate_loss(gpt2, encoded)
    assert gpt2.training and evaluate_loss(gpt2, encoded) == first, "dropout was on during evaluation"


def test_shuffling_sources_against_targets_raises_the_loss(reader, tokenizer, records):
    shuffled = [
        {"document": a["document"], "summary": b["summary"]}
        for a, b in zip(records, records[1:] + records[:1], strict=True)
    ]
    right, wrong = (evaluate_loss(reader, encode(r, "summarization", tokenizer, reader)) for r in (records, shuffled))
    assert right < 0.1 and wrong > right + 1


# ---- where an answer ends


class WordTokenizer:
    """A vocabulary in which newlines come alone, doubled, and glued to text on either side."""

    pieces = ("", " ", "\n", "\n\n", "Anna", ".\n", "\nBruno", " \n ")

    def __len__(self):
        return len(self.pieces)

    def batch_decode(self, rows):
        return ["".join(self.pieces[i] for i in row) for row in rows]


@pytest.mark.parametrize(
    "pieces, ends_at",
    [
        (["Anna", "\n", "Anna"], 1),
        (["Anna", " ", "Anna"], None),
        (["\n", " ", "\n\n", "Anna", "\n"], 4),
        ([" \n ", " ", "Anna", "\n\n"], 3),
        ([".\n", "Anna"], 0),
        (["\nBruno", "Anna", "\n"], 2),
        (["Anna", "\nBruno"], 1),
        (["", "\n", " ", "\n"], None),
    ],
)
def test_answer_ends_at_the_first_newline_after_text(pieces, ends_at):
    ids = torch.tensor([[WordTokenizer.pieces.index(piece) for piece in pieces]] * 2)
    rule = AnswerEnds(WordTokenizer(), "cpu")
    done = [rule(ids[:, : i + 1], None).tolist() for i in range(len(pieces))]
    first = next((i for i, row in enumerate(done) if row[0]), None)
    assert first == ends_at
    assert all(row[0] == row[1] for row in done)


def test_a_first_step_of_one_token_can_be_judged():
    """As in generation from vectors, where the ids begin with the first new token; `length` starts at 0 then."""
    for pieces, ends in (([".\n"], True), (["\n"], False), (["Anna"], False)):
        ids = torch.tensor([[WordTokenizer.pieces.index(piece)] for piece in pieces])
        assert AnswerEnds(WordTokenizer(), "cpu")(ids, None).tolist() == [ends]


def test_one_batch_after_another_starts_afresh():
    rule, anna, newline = AnswerEnds(WordTokenizer(), "cpu"), 4, 2
    rule(torch.tensor([[anna], [anna]]), None)
    rule(torch.tensor([[anna, anna], [anna, anna]]), None)
    assert rule(torch.tensor([[newline], [newline]]), None).tolist() == [False, False], "no text was seen in these rows"
    assert rule(torch.tensor([[newline, anna]]), None).tolist() == [False], "another number of rows"


def test_masks_of_the_vocabulary_are_built_once_per_tokenizer(soft, reader, tokenizer, records, monkeypatch):
    built, decode = [], type(tokenizer).batch_decode

    def see(self, rows, **options):
        if len(rows) == len(tokenizer):
            built.append(len(rows))
        return decode(self, rows, **options)

    monkeypatch.setattr(type(tokenizer), "batch_decode", see)
    evaluation.newline_masks.cache_clear()
    for model in (soft, reader, soft):
        generate_texts(model, tokenizer, source_texts(records), 3, batch_size=3)
    AnswerEnds(tokenizer, "cpu")
    assert len(built) == 1


def test_rows_end_on_their_own():
    rule = AnswerEnds(WordTokenizer(), "cpu")
    anna, newline = 4, 2
    assert rule(torch.tensor([[anna], [newline]]), None).tolist() == [False, False]
    assert rule(torch.tensor([[anna, newline], [newline, newline]]), None).tolist() == [True, False]


@pytest.mark.parametrize(
    "text, answer",
    [("Anna\nBruno", "Anna"), ("\n \n  Anna buys. \nx", "Anna buys."), ("", ""), (" \n ", ""), ("Anna", "Anna")],
)
def test_answer_is_the_first_line_that_is_not_blank(text, answer):
    assert first_line(text) == answer


@pytest.mark.parametrize("opening, closing", [("", ""), ("\n", "\nMore text"), ("  \n\n ", "\nMore text")])
def test_white_space_in_front_neither_ends_nor_empties_an_answer(tokenizer, records, gpt2, opening, closing, monkeypatch):
    """The model is replaced by a script that answers with white space around; transformers' loop is real."""
    answers = [opening + record["summary"] + closing for record in records]
    order = length_sorted([len(token_ids(tokenizer, text)) for text in source_texts(records)], 8)[0]
    targets = [[*token_ids(tokenizer, answers[i]), tokenizer.eos_token_id] for i in order]
    steps = iter(range(60))

    def scripted(input_ids=None, attention_mask=None, past_key_values=None, **kwargs):
        step = next(steps)
        logits = torch.zeros(len(targets), 1, len(tokenizer))
        for row, target in enumerate(targets):
            logits[row, 0, target[min(step, len(target) - 1)]] = 1
        return CausalLMOutputWithPast(logits=logits, past_key_values=past_key_values)

    monkeypatch.setattr(gpt2, "forward", scripted)
    assert generate_texts(gpt2, tokenizer, source_texts(records), 60) == [record["summary"] for record in records]


# ---- generation


def test_a_model_that_knows_the_answers_gives_them_in_order_and_stops(reader, tokenizer, records):
    texts = source_texts(records)
    expected = [record["summary"] for record in records]
    for batch_size in (1, 3, 8):
        assert generate_texts(reader, tokenizer, texts, 40, batch_size) == expected
    assert generate_texts(reader, tokenizer, texts[::-1], 40, 3) == expected[::-1]


def test_max_new_tokens_is_a_limit(reader, tokenizer, records):
    for text, record in zip(generate_texts(reader, tokenizer, source_texts(records), 3), records, strict=True):
        assert len(token_ids(tokenizer, text)) <= 3 and record["summary"].startswith(text)


def test_soft_prompt_of_real_tokens_scores_like_those_tokens(reader, soft, tokenizer, records):
    """Loss, texts and scores of the soft prompt equal those of the same words as a hard prompt."""
    task = get_task("summarization")
    joined = token_ids(tokenizer, PROMPT + task.source(records[0]))
    assert joined == token_ids(tokenizer, PROMPT) + token_ids(tokenizer, task.source(records[0]))
    by_soft = evaluate(soft, tokenizer, task, records, batch_size=3)
    by_hard = evaluate(reader, tokenizer, task, records, hard_prompt=PROMPT + "{source}", batch_size=5)
    plain = evaluate(reader, tokenizer, task, records)
    assert by_soft.pop("loss") == pytest.approx(by_hard.pop("loss"), rel=1e-4)
    assert by_soft == by_hard
    assert by_soft["n"] == 8 and by_soft["truncated"] == 0
    assert plain["loss"] < 0.1 and plain["exact_match"] == 100 and plain["rougeL"] == 1


def test_evaluate_uses_the_soft_token_that_is_named(soft, tokenizer, records):
    with torch.no_grad():
        soft.soft_embedding.weight[soft.rows("[OTHER]")] = 0
    first = evaluate(soft, tokenizer, "summarization", records)
    other = evaluate(soft, tokenizer, "summarization", records, soft_token="[OTHER]")
    assert abs(first["loss"] - other["loss"]) > 0.01
    assert soft.soft_token == "[SUMMARIZE]"
    with pytest.raises(ValueError, match="unknown soft token"):
        evaluate(soft, tokenizer, "summarization", records, soft_token="[NONE]")


def test_targets_longer_than_an_answer_are_counted(soft, tokenizer, records):
    long = [{**records[0], "summary": records[0]["summary"] * 4}, records[1]]
    assert evaluate(soft, tokenizer, "summarization", long, max_new_tokens=20)["too_long"] == 1
    assert evaluate(soft, tokenizer, "summarization", long, max_new_tokens=60)["too_long"] == 0


def test_answers_may_have_limits_of_their_own(reader, tokenizer, records):
    rows = encode(records, "summarization", tokenizer, reader).prefixes()
    most = [2, 40, 3, 40, 1, 40, 40, 2]
    for answer, record, limit in zip(generate_answers(reader, tokenizer, rows, most), records, most, strict=True):
        assert record["summary"].startswith(answer) and len(token_ids(tokenizer, " " + answer)) <= limit
        assert (answer == record["summary"]) == (limit == 40)


def test_long_sources_are_cut_and_counted_not_failed(soft, tokenizer, records):
    long = [{**records[0], "document": records[0]["document"] * 20}, records[1]]
    result = evaluate(soft, tokenizer, "summarization", long)
    assert result["truncated"] == 1 and math.isfinite(result["loss"]) and len(result["predictions"]) == 2


def test_a_limit_on_source_tokens_cuts_what_would_fit(soft, tokenizer, records):
    twice = {**records[0], "document": records[0]["document"] * 2}
    length = len(token_ids(tokenizer, get_task("summarization").source(twice)))
    for limit, truncated in ((length - 1, 1), (length, 0)):
        result = evaluate(soft, tokenizer, "summarization", [twice, *records[1:]], max_source_tokens=limit)
        assert result["truncated"] == truncated


def test_sources_without_room_for_an_answer(soft, tokenizer, records):
    text = records[0]["document"] * 4
    length, prompt = len(token_ids(tokenizer, text)), soft.prompt_length
    with pytest.raises(ValueError, match=rf"source 1: {prompt + length} tokens with its prompt and 40 new ones exceed"):
        generate_texts(soft, tokenizer, ["Anna", text], 40)
    with pytest.raises(ValueError, match="source 0 is empty"):
        generate_texts(soft, tokenizer, [""], 40)


def test_generation_of_a_plain_model_is_left_padded_right(gpt2, tokenizer, records):
    """Batched equals the uncached definition, one source at a time, for a model that knows nothing."""
    texts = ["Anna", "Rain fell all day in the town.", "The mayor was not"]
    together = gpt2.generate(
        **dict(zip(("input_ids", "attention_mask"), left_pad([token_ids(tokenizer, t) for t in texts], 0), strict=True)),
        max_new_tokens=6, min_new_tokens=6, do_sample=False,
    )[:, -6:]
    for row, text in enumerate(texts):
        ids = token_ids(tokenizer, text)
        for _ in range(6):
            logits = gpt2(torch.tensor([ids])).logits[0, -1].detach()
            logits[0] = -math.inf  # min_new_tokens forbids the end token
            ids.append(int(logits.argmax()))
        assert together[row].tolist() == ids[-6:]


# ---- baselines


def test_lead_sentence():
    assert lead_sentence(" At 3.5 km he stopped. Then he slept.") == "At 3.5 km he stopped."
    assert lead_sentence("Did it rain? Yes.") == "Did it rain?"
    assert lead_sentence("no full stop") == "no full stop"


def test_trivial_baselines_answer_without_a_model(records):
    results = trivial_baselines("summarization", records, records)
    assert list(results) == ["copy of the source", "lead sentence"], "no training summary occurs twice here"
    assert results["lead sentence"]["predictions"] == ["Rain fell all day in the town."] * 8
    assert 0 < results["copy of the source"]["rouge1"] < 1 and results["lead sentence"]["rougeL"] == 0


def test_most_common_training_answer():
    train = [{"context": "c", "question": "q", "answers": [a]} for a in ("rain", "snow", "rain")]
    test = [{"context": "c.", "question": "q", "answers": [a, "x"]} for a in ("rain", "fog")]
    results = trivial_baselines("question_answering", test, train)
    assert results["most common training answer"]["exact_match"] == 50
    assert "most common training answer" not in trivial_baselines("question_answering", test)


def test_copy_is_the_only_trivial_translation():
    pair = [{"source": "Anna sings.", "target": "Anna singt."}]
    assert list(trivial_baselines("translation", pair, pair)) == ["copy of the source"]


def test_unigram_loss_by_hand(gpt2, tokenizer, records):
    train_set, test_set = (encode(part, "summarization", tokenizer, gpt2) for part in (records[:5], records[5:]))
    seen = [int(token) for target in train_set.targets() for token in target]
    total = len(seen) + len(tokenizer)
    losses = [-math.log((seen.count(int(t)) + 1) / total) for target in test_set.targets() for t in target]
    assert unigram_loss(train_set, test_set) == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    assert IGNORED not in seen and tokenizer.eos_token_id in seen
