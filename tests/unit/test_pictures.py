"""Pictures and charts show the tensors that they are given, fit their boxes, and describe themselves."""

import math
import warnings
from itertools import pairwise

import matplotlib.pyplot as plt
import pytest
import torch
from conftest import SUMMARIES, make_gpt2
from matplotlib.text import Text

from course_utils.batches import IGNORED, collate, encode, left_pad, token_ids
from course_utils.key_values import compile_prompt
from course_utils.lessons import charts, drawing, model_pictures, pictures
from course_utils.lessons.setup import figure_text
from course_utils.lessons.written import written
from course_utils.metrics import compute_metrics
from course_utils.soft_prompt import GPT2WithSoftPrompt
from course_utils.systems import make_system
from course_utils.tasks import get_task

TASK = get_task("summarization")
SHORT = {"document": "Rain fell.", "summary": "Rain falls."}
REFERENCE, ANSWER = "Anna buys a boat and a lamp in the town.", "In the town Anna buys a small lamp."


@pytest.fixture(autouse=True)
def no_window():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


@pytest.fixture
def base(tokenizer):
    return make_gpt2(tokenizer)


@pytest.fixture
def soft(base):
    return GPT2WithSoftPrompt(base, [TASK.soft_token], 3)


def batch_of(model, tokenizer, records=(SHORT, SHORT | {"document": "Rain."})):
    encoded = encode(list(records), TASK, tokenizer, model)
    return collate(list(encoded), encoded.pad_id)


def drawn(figure, gid):
    """The boxes, arrows, lines and images of a figure that show ``gid``."""
    return [each for axes in figure.axes for each in (*axes.patches, *axes.lines, *axes.images) if each.get_gid() == gid]


def words(figure, gid):
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_gid() == gid]


@pytest.fixture(scope="module")
def every_figure(tokenizer):
    """One figure of every function, by name, drawn from long and from short records."""
    torch.manual_seed(0)
    plt.switch_backend("Agg")
    plt.rcParams["figure.max_open_warning"] = 0
    base = make_gpt2(tokenizer)
    soft = GPT2WithSoftPrompt(base, [TASK.soft_token], 3)
    vocab, table, batch = len(base.get_input_embeddings().weight), base.get_input_embeddings().weight, batch_of(soft, tokenizer)
    texts = [token_ids(tokenizer, text) for text in ("Anna has bought a boat", "Rain")]
    ids, mask = left_pad(texts, 0)
    wrong = {"input_ids": torch.cat([torch.tensor([soft.prompt_ids()] * 2), ids], 1),
             "attention_mask": torch.cat([torch.ones(2, 3, dtype=torch.long), mask], 1)}
    wrong["position_ids"] = torch.arange(wrong["input_ids"].shape[1]).expand(2, -1)
    ids, mask, _ = soft.join(ids, mask)
    logits = torch.randn(2, vocab)
    figures = {}
    for name, records in (("short", (SHORT, SHORT | {"document": "Rain."})), ("long", SUMMARIES[:3])):
        batch = batch_of(soft, tokenizer, records)
        figures |= {
            f"soft_prompt_in_front, {name}": pictures.soft_prompt_in_front(batch, tokenizer, table, soft.soft_rows(), 2, 1),
            f"attention_grid, {name}": model_pictures.attention_grid(batch, tokenizer, vocab, 1),
            f"shifted_labels, {name}": pictures.shifted_labels(batch, tokenizer, vocab, 1),
            f"mixed_batch, {name}": pictures.mixed_batch(batch, tokenizer, vocab, {TASK.soft_token: soft.prompt_ids()}),
            f"token_boxes, {name}": pictures.token_boxes(records[0]["document"], tokenizer),
            f"text_to_vectors, {name}": pictures.text_to_vectors(records[0]["document"], tokenizer, table),
        }
    systems = {name: make_system(name, make_gpt2(tokenizer), TASK, 3) for name in ("soft prompt", "LoRA", "full fine-tuning")}
    figures |= {
        "padding_sides": pictures.padding_sides({"right": {"input_ids": ids, "attention_mask": mask}, "wrong": wrong}, tokenizer,
                                                vocab, 1),
        "cached_prompt": model_pictures.cached_prompt(
            compile_prompt(soft).keys(), ["Rain fell", SUMMARIES[0]["document"]], tokenizer),
        "gradient_paths": model_pictures.gradient_paths(systems, {n: batch_of(s, tokenizer) for n, s in systems.items()}),
        "next_token_bars": charts.next_token_bars({"hard prompt": logits[0], "soft prompt": logits[1]}, tokenizer),
        "score_figure": charts.score_figure({"hard prompt": [1.0], "LoRA": [2.0, 3.0]}, {"LoRA": (1.5, 3.5)}, "loss, nats", 9),
        "learning_curves": charts.learning_curves({"LoRA": ([1, 10], [2.0, 1.0])}, "steps", "loss", {"unigram": 3.0}, True, True),
        "rouge_l_picture": charts.rouge_l_picture(REFERENCE, ANSWER),
        "bleu_picture": charts.bleu_picture(REFERENCE, ANSWER),
        "answer_overlap": charts.answer_overlap("in the old town of Falkenau " * 4, ["in the town", "there"]),
    }
    for figure in figures.values():
        figure.canvas.draw()
        plt.close(figure)
    return figures


# ---- what holds for all


def test_every_figure_describes_itself_and_is_as_wide_as_a_notebook(every_figure):
    for name, figure in every_figure.items():
        assert len(figure.alt_text) > 40 and "\n" not in figure.alt_text, name
        assert figure_text(figure) == f"Figure: {figure.alt_text}"
        assert figure.get_size_inches()[0] <= drawing.WIDTH + 0.05, name


def test_no_text_is_too_small_leaves_its_box_or_leaves_the_page(every_figure):
    for name, figure in every_figure.items():
        page = figure.bbox
        for axes in figure.axes:
            boxes = [patch.get_window_extent() for patch in axes.patches if patch.get_gid()]
            for text in axes.texts:
                extent = Text.get_window_extent(text)
                assert text.get_size() >= drawing.SMALL, (name, text.get_text())
                assert extent.x0 >= page.x0 - 1 and extent.x1 <= page.x1 + 1, (name, text.get_text())
                assert extent.y0 >= page.y0 - 1 and extent.y1 <= page.y1 + 1, (name, text.get_text())
                center = (extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2
                inside = [box for box in boxes if box.contains(*center)]
                if text.get_gid() in ("token", "label", "mask", "position", "logits", "word", "frozen", "adapter") and inside:
                    assert any(box.x0 <= extent.x0 and extent.x1 <= box.x1 for box in inside), (name, text.get_text())


def test_texts_do_not_run_into_each_other(every_figure):
    for name, figure in every_figure.items():
        for axes in figure.axes:
            extents = [(text.get_text(), Text.get_window_extent(text)) for text in axes.texts if text.get_text()]
            for n, (one, first) in enumerate(extents):
                for other, second in extents[n + 1 :]:
                    wide = min(first.x1, second.x1) - max(first.x0, second.x0)
                    high = min(first.y1, second.y1) - max(first.y0, second.y0)
                    assert wide <= 1 or high <= 3, (name, one, other)


def test_nothing_has_to_be_drawn_without_a_letter_for_it(tokenizer):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures.token_boxes("größer\n\tals $x_1$ 🙂", tokenizer).canvas.draw()


# ---- tokens


def test_a_token_is_readable(tokenizer):
    shown = [drawing.readable(tokenizer, i) for i in token_ids(tokenizer, "a boat\nü")]
    assert "".join(shown).startswith("a␣boat↵") and drawing.readable(tokenizer, tokenizer.eos_token_id) == "<end>"
    assert [drawing.readable(tokenizer, i) for i in token_ids(tokenizer, "ü")] == ["byte C3", "byte BC"]
    with pytest.raises(ValueError, match=r"no token 5000.*vocab_size"):
        drawing.readable(tokenizer, 5000)


def test_token_boxes_draw_every_token_and_its_id(tokenizer):
    ids = token_ids(tokenizer, SUMMARIES[0]["document"])
    figure = pictures.token_boxes(torch.tensor([ids]), tokenizer)
    assert len(drawn(figure, "token")) == len(ids) and words(figure, "id") == [str(i) for i in ids]
    assert f"{len(ids)} tokens" in figure.alt_text
    with pytest.raises(ValueError, match="no token to draw"):
        pictures.token_boxes("", tokenizer)


def test_vectors_are_the_rows_of_the_table(base, tokenizer):
    table, ids = base.get_input_embeddings().weight, token_ids(tokenizer, "Rain fell")
    figure = pictures.text_to_vectors("Rain fell", tokenizer, table, numbers=2)
    strips = drawn(figure, "vector")
    assert len(strips) == len(ids)
    for strip, i in zip(strips, ids, strict=True):
        torch.testing.assert_close(torch.tensor(strip.get_array().data)[:, 0], table[i, 2:].detach())
    with pytest.raises(ValueError, match="a row for each id"):
        pictures.text_to_vectors("Rain fell", tokenizer, table[:3])


def test_left_out_positions_are_the_middles_of_runs_and_targets_go_last():
    kinds = ["prompt"] * 3 + ["source"] * 30 + ["target"] * 6
    shown = drawing.that_fit(kinds, [0.3] * 39, 5.0)
    assert shown[:3] == [0, 1, 2] and shown[-6:] == [33, 34, 35, 36, 37, 38]
    assert {3, 32, None} <= set(shown) and sum((drawing.ROW if i is None else 0.3) + drawing.GAP for i in shown) <= 5
    assert drawing.that_fit(kinds, [0.1] * 39, 9) == list(range(39))


# ---- prompts and batches


def test_the_prompt_in_front_shows_tables_rows_and_scored_logits(base, soft, tokenizer):
    batch, table = batch_of(soft, tokenizer), base.get_input_embeddings().weight
    figure = pictures.soft_prompt_in_front(batch, tokenizer, table, soft.soft_rows(), 2)
    ids = [int(i) for i in words(figure, "id")]
    assert [i for i in ids if i >= len(table)] == soft.prompt_ids()[:1] + soft.prompt_ids()[-1:] or ids[:3] == soft.prompt_ids()
    both = torch.cat([table, soft.soft_rows()]).detach()
    for strip, i in zip(drawn(figure, "vector"), ids, strict=True):
        torch.testing.assert_close(torch.tensor(strip.get_array().data)[:, 0], both[i])
    labels = batch["labels"][0]
    assert words(figure, "label").count("−100") == len(ids) - sum(1 for each in words(figure, "label") if each != "−100")
    assert f"{(labels != IGNORED).sum()} are scored" in figure.alt_text
    for label, box in zip(words(figure, "label"), drawn(figure, "label"), strict=True):
        color = drawing.KINDS["ignored" if label == "−100" else "target"].fill
        assert box.get_facecolor() == plt.matplotlib.colors.to_rgba(color)


def test_what_cannot_be_drawn_is_said(base, soft, tokenizer):
    batch, table = batch_of(soft, tokenizer), base.get_input_embeddings().weight
    with pytest.raises(ValueError, match="equally wide"):
        pictures.soft_prompt_in_front(batch, tokenizer, table, torch.zeros(3, 5), 2)
    with pytest.raises(ValueError, match="expected soft ids from 379"):
        pictures.soft_prompt_in_front(batch, tokenizer, table, soft.soft_rows()[:1], 2)
    with pytest.raises(ValueError, match=r"one shape \[batch, text\].*'labels': \(2, 1\)"):
        pictures.shifted_labels(batch | {"labels": batch["labels"][:, :1]}, tokenizer, soft.vocab_size)
    with pytest.raises(ValueError, match="row 2 of a batch of 2"):
        pictures.shifted_labels(batch, tokenizer, soft.vocab_size, row=2)
    with pytest.raises(ValueError, match="the batch has none"):
        pictures.shifted_labels({"input_ids": batch["input_ids"]}, tokenizer, soft.vocab_size)
    with pytest.raises(ValueError, match="none of the prompts other"):
        pictures.mixed_batch(batch, tokenizer, soft.vocab_size, {"other": [soft.vocab_size]})


def test_labels_that_count_are_predicted_from_one_place_before(soft, tokenizer):
    batch = batch_of(soft, tokenizer, [{"document": "a", "summary": "b"}])
    figure = pictures.shifted_labels(batch, tokenizer, soft.vocab_size)
    labels = batch["labels"][0].tolist()
    shown = words(figure, "label")
    assert "−100" in shown and len(shown) >= 6
    assert 1 <= len(drawn(figure, "scored")) <= sum(label != IGNORED for label in labels)
    assert f"{sum(label != IGNORED for label in labels)} labels count" in figure.alt_text


def test_positions_that_jump_over_padding_are_marked(soft, tokenizer):
    ids, mask = left_pad([token_ids(tokenizer, "Anna has a boat"), token_ids(tokenizer, "A")], 0)
    prompts, ones = torch.tensor([soft.prompt_ids()] * 2), torch.ones(2, 3, dtype=torch.long)
    wrong = {"input_ids": torch.cat([prompts, ids], 1), "attention_mask": torch.cat([ones, mask], 1)}
    counted = {"input_ids": soft.join(ids, mask)[0], "attention_mask": soft.join(ids, mask)[1]}
    wrong["position_ids"] = torch.arange(3 + ids.shape[1]).repeat(2, 1)
    figure = pictures.padding_sides({"good": counted, "bad": wrong}, tokenizer, soft.vocab_size, row=1)
    pads = int((mask[1] == 0).sum())
    assert words(figure, "jump") == [f"↑ jumps from 2 to {3 + pads}"] and "In bad the positions jump" in figure.alt_text


def test_each_row_of_a_mixed_batch_has_the_colour_of_its_prompt(base, tokenizer):
    both = GPT2WithSoftPrompt(base, ["[A]", "[B]"], [2, 1])
    ids, mask, _ = both.join(torch.tensor([[70, 71], [72, 73]]), soft_token=["[B]", "[A]"])
    figure = pictures.mixed_batch({"input_ids": ids, "attention_mask": mask}, tokenizer, both.vocab_size,
                                  {name: both.prompt_ids(name) for name in ("[A]", "[B]")})
    fills = [plt.matplotlib.colors.to_hex(box.get_facecolor()).upper() for box in drawn(figure, "token")]
    assert fills.count(drawing.TASKS[0].fill) == 2 and fills.count(drawing.TASKS[1].fill) == 1
    assert "pad × 1" in words(figure, "token")


# ---- the model at work


def test_the_attention_grid_is_causal_and_hides_padding(soft, tokenizer):
    batch = batch_of(soft, tokenizer, [{"document": "a", "summary": "b"}, SHORT])
    row = int(batch["attention_mask"].sum(1).argmin())
    seen, count = int(batch["attention_mask"][row].sum()), batch["input_ids"].shape[1]
    figure = model_pictures.attention_grid(batch, tokenizer, soft.vocab_size, row, most=count)
    visible = [box for axes in figure.axes for box in axes.patches if (box.get_gid() or "").startswith("visible")]
    assert len(visible) == seen * (seen + 1) // 2
    assert len(drawn(figure, "visible prompt")) == 3 * seen - 3
    assert len(drawn(figure, "padding")) == count**2 - seen**2


def test_attention_weights_become_shades(soft, tokenizer):
    batch = batch_of(soft, tokenizer, [{"document": "a", "summary": "b"}])
    count = batch["input_ids"].shape[1]
    weights = torch.eye(count).expand(2, -1, -1)
    figure = model_pictures.attention_grid(batch, tokenizer, soft.vocab_size, weights=weights, most=count)
    boxes = drawn(figure, "visible prompt")
    assert min(box.get_facecolor()[0] for box in boxes) < 0.05 and max(box.get_facecolor()[0] for box in boxes) > 0.9
    with pytest.raises(ValueError, match=rf"expected weights \[{count}, {count}\].*got \(2, 2\)"):
        model_pictures.attention_grid(batch, tokenizer, soft.vocab_size, weights=torch.eye(2))


def test_cached_blocks_are_the_keys_and_values(soft, tokenizer):
    keys = compile_prompt(soft).keys()
    figure = model_pictures.cached_prompt(keys, ["Rain", "Anna", "Bruno"], tokenizer)
    blocks = drawn(figure, "keys and values")
    assert len(blocks) == 2 * len(keys) and len(drawn(figure, "reused")) == 3
    last = keys[-1][0][0].permute(1, 0, 2).flatten(1).T.detach()
    torch.testing.assert_close(torch.tensor(blocks[0].get_array().data), last)   # the last layer stands on top
    with pytest.raises(ValueError, match="keys and values of one prompt"):
        model_pictures.cached_prompt([(torch.zeros(2, 3), torch.zeros(2, 3))], ["Rain"], tokenizer)


def test_gradients_end_where_something_is_trained(tokenizer):
    systems = {name: make_system(name, make_gpt2(tokenizer), TASK, 3)
               for name in ("soft prompt", "LoRA", "full fine-tuning", "prefix tuning")}
    layers = systems["LoRA"].config.num_hidden_layers
    found = {}
    for name, system in systems.items():
        figure = model_pictures.gradient_paths({name: system}, {name: batch_of(system, tokenizer)})
        found[name] = [len(drawn(figure, gid)) for gid in ("frozen", "adapter", "trained", "gradient")]
        assert len(drawn(figure, "kept")) == layers
        trained = sum(weight.numel() for weight in system.parameters() if weight.requires_grad)
        assert f"{trained:,} numbers trained" in figure.alt_text
    assert found == {"soft prompt": [layers, 0, 0, 1], "LoRA": [layers, layers, 0, layers],
                     "full fine-tuning": [0, 0, layers, layers + 1], "prefix tuning": [layers, layers, 0, layers]}
    with pytest.raises(ValueError, match="one to three systems"):
        model_pictures.gradient_paths(systems, {})


def test_kept_activations_grow_with_the_batch_and_vanish_where_nothing_is_trained(tokenizer):
    system = make_system("soft prompt", make_gpt2(tokenizer), TASK, 3)
    one, two = (model_pictures.kept_activations(system, batch_of(system, tokenizer, [SHORT] * n)) for n in (2, 4))
    assert len(one) == system.config.num_hidden_layers and all(0 < a < b for a, b in zip(one, two, strict=True))
    frozen = make_system("hard prompt", make_gpt2(tokenizer), TASK)
    assert sum(model_pictures.kept_activations(frozen, batch_of(frozen, tokenizer))) == 0


# ---- charts


def test_bars_show_probabilities_on_one_scale(tokenizer):
    logits = torch.zeros(300)
    logits[70] = 9
    given = {"hard prompt": logits, "soft prompt, 5 tokens": torch.ones(300) / 300}
    figure = charts.next_token_bars(given, tokenizer, k=2, wanted=80)
    left, right = figure.axes
    assert left.get_xlim() == right.get_xlim() and len(left.patches) == len(right.patches)
    assert left.patches[0].get_width() == pytest.approx(float(logits.softmax(0)[70]))
    assert [bar.get_width() for bar in right.patches] == pytest.approx([1 / 300] * len(right.patches))
    assert sum("✓" in label.get_text() for label in left.get_yticklabels()) == 1
    with pytest.raises(ValueError, match=r"of one position, got \(2, 300\)"):
        charts.next_token_bars(torch.zeros(2, 300), tokenizer)


def test_each_system_has_one_colour():
    colors = drawing.SYSTEM_COLORS
    assert len(set(colors.values())) == len(colors)
    for name, known in (("hard prompt as reported", "hard prompt"), ("best hand-written prompt", "hand-written"),
                        ("few-shot, 2 examples", "few-shot"), ("full", "full fine-tuning"), ("LoRA, rank 8", "LoRA"),
                        ("soft prompt", "soft prompt, 20 tokens"), ("soft prompt, 30 tokens", "soft prompt, 20 tokens"),
                        ("prompt tuning, PEFT", "soft prompt, 20 tokens"), ("prefix tuning", "prefix tuning"),
                        ("P-tuning", "P-tuning"), ("no prompt", "no prompt"), ("discrete search, 100 tries", "discrete search")):
        assert drawing.color_of(name) == colors[known], name
    assert drawing.color_of("unigram") == "#000000"


def test_scores_with_interval_and_seeds():
    records = [[0, 100, 100, 0], [100, 100, 100, 0]]
    low, high = charts.resampled_interval(records)
    assert 0 <= low < 62.5 < high <= 100 and charts.resampled_interval([5.0] * 9) == (5, 5)
    figure = charts.score_figure({"hard prompt": [20.0], "LoRA": [50.0, 75.0]}, {"LoRA": (low, high)}, "exact match, %", 4, 100)
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [20, 62.5]
    (interval,) = drawn(figure, "interval")
    assert list(interval.get_xdata()) == [low, high] and axes.collections[0].get_offsets()[:, 0].tolist() == [50, 75]
    assert "n = 4 test records" in axes.get_xlabel() and "2 seeds" in axes.get_xlabel() and axes.get_xlim() == (0, 100)
    with pytest.raises(ValueError, match="an interval for systems among"):
        charts.score_figure({"LoRA": [1.0]}, {"full": (0, 1)}, "loss", 4)


def test_learning_curves_have_their_names_at_their_ends():
    curves = {"LoRA": ([1, 10, 100], [[3, 2, 1.0], [3, 2, 1.1]]), "soft prompt": ([1, 10, 100], [3, 2.5, 1.06])}
    figure = charts.learning_curves(curves, "steps", "loss, nats", {"unigram": 1.07}, log_x=True)
    (axes,) = figure.axes
    assert [list(line.get_ydata()) for line in drawn(figure, "curve")] == [[3, 2, 1.05], [3, 2.5, 1.06]]
    figure.canvas.draw()
    extents = sorted((Text.get_window_extent(text) for text in axes.texts), key=lambda each: each.y0)
    assert len(extents) == 3 and all(a.y1 <= b.y0 + 1 for a, b in pairwise(extents))
    assert axes.get_xscale() == "log" and min(each.x0 for each in extents) > axes.get_window_extent().x1
    with pytest.raises(ValueError, match=r"LoRA: y has the shape \(1, 1\) for 2 points"):
        charts.learning_curves({"LoRA": ([1, 2], [3])}, "steps", "loss")


def test_the_common_subsequence_is_that_of_rouge():
    figure = charts.rouge_l_picture(REFERENCE, ANSWER)
    pairs = charts.common_subsequence(list("abcbdab"), list("bdcaba"))
    assert len(pairs) == 4 and pairs == sorted(pairs) and all("abcbdab"[i] == "bdcaba"[j] for i, j in pairs)
    score = compute_metrics(["rougeL"], [ANSWER], [REFERENCE])["rougeL"]
    assert f"{score:.3f}" in [text.get_text() for text in figure.axes[0].texts]
    assert len(drawn(figure, "matched")) == 2 * len(drawn(figure, "match"))
    assert "0 words" in charts.rouge_l_picture("a", "b").alt_text
    with pytest.raises(ValueError, match="must have a word"):
        charts.rouge_l_picture("...", "a")


def test_the_bars_of_bleu_are_what_sacrebleu_counts():
    reference, translation = "Am Montag hat Anna den Zaun gestrichen .", "Am Montag strich Anna Anna den Zaun ."
    figure = charts.bleu_picture(reference, translation)
    found, missing = ([len(drawn(figure, f"{what} {n}")) for n in (1, 2, 3, 4)] for what in ("found", "missing"))
    assert found == [6, 3, 1, 0] and [a + b for a, b in zip(found, missing, strict=True)] == [8, 7, 6, 5]
    score = compute_metrics(["bleu"], [translation], [reference])["bleu"]
    assert f"BLEU {score:.1f}" in figure.alt_text and not math.isnan(score)


def test_shared_words_of_an_answer():
    figure = charts.answer_overlap("in the old castle in town", ["at sea", "in the castle"])
    assert words(figure, "shared") == ["in", "castle", "in", "castle"] and words(figure, "word") == ["old", "in", "town"]
    score = compute_metrics(["f1"], ["in the old castle in town"], [["at sea", "in the castle"]])["f1"]
    assert f"F1 {score:.0f} %" in figure.alt_text


def test_what_is_written_is_a_table_with_the_shared_words_marked():
    table = written({0: "", 1: "Anna has <b>", 300: "Anna buys a lamp."}, "Anna buys a boat.", "Rain fell. Summary:")
    page = table._repr_html_()
    assert page.count("<mark") == 4 and "&lt;b&gt;" in page and "(nothing)" in page and page.count("<tr>") == 5
    assert "after 1 step<" in page and "after 300 steps" in page
    assert [line.split("  ")[0] for line in repr(table).split("\n")] == [
        "source", "before training", "after 1 step", "after 300 steps", "reference"]
    with pytest.raises(ValueError, match="expected stage -> text"):
        written({})
