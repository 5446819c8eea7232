import json
import time
import unicodedata

import evaluate
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from course_utils.base_models import data_root
from course_utils.metrics import (
    METRICS,
    SCORES,
    Bleu,
    ExactMatch,
    ExactMatchPercentage,
    Rouge,
    TokenF1,
    compute_metrics,
    normalise,
    paired_bootstrap,
    record_scores,
    token_f1,
)
from course_utils.tasks import TASKS

ALL_KEYS = [key for metric in METRICS for key in metric.keys]
PREDICTIONS = ["Anna buys a boat.", "Rain fell", ""]
REFERENCES = ["Anna buys the old boat.", ["Snow fell", "Rain fell all day"], "Emma sings."]


def test_rouge_by_hand():
    # 3 of 4 and of 5 words shared; 1 of 3 and of 4 pairs; longest common subsequence 3.
    scores = Rouge().compute(predictions=PREDICTIONS[:1], references=REFERENCES[:1])
    assert scores["rouge1"] == pytest.approx(2 * 3 / (4 + 5))
    assert scores["rouge2"] == pytest.approx(2 * 1 / (3 + 4))
    assert scores["rougeL"] == pytest.approx(2 * 3 / (4 + 5))


def test_rouge_is_the_mean_over_texts_of_the_best_reference():
    scorer = RougeScorer(["rougeL"])
    pairs = [(PREDICTIONS[0], [REFERENCES[0]]), (PREDICTIONS[1], REFERENCES[1]), ("", [REFERENCES[2]])]
    expected = sum(max(scorer.score(r, p)["rougeL"].fmeasure for r in refs) for p, refs in pairs) / 3
    assert Rouge().compute(predictions=PREDICTIONS, references=REFERENCES)["rougeL"] == pytest.approx(expected)


def test_rouge_of_english_is_what_rouge_score_says():
    path = data_root() / "tasks" / "summarization" / "test.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if "".join(row.values()).isascii()] + [
        {"document": "Don't e-mail ROUGE_score 3.5% (A\tB)!", "summary": "don t email rouge score 3 5 a b _ __"}]
    assert len(rows) > 60
    scorer = RougeScorer(Rouge.keys)
    for key in Rouge.keys:
        expected = [scorer.score(row["summary"], row["document"])[key].fmeasure for row in rows]
        assert record_scores(key, [row["document"] for row in rows], [row["summary"] for row in rows]) == expected


@pytest.mark.parametrize("text, words", [("Анна покупает лодку.", 3), ("Der Bäcker, übel!", 3), ("नमस्ते दुनिया", 2), ("Η πόλη", 2)])
def test_rouge_reads_every_alphabet(text, words):
    assert Rouge().compute(predictions=[text], references=[text.upper()])["rouge1"] == 1
    half = " ".join(text.split()[:1])
    assert Rouge().compute(predictions=[half], references=[text])["rouge1"] == pytest.approx(2 / (1 + words))


def test_one_letter_written_in_two_ways_is_one_letter():
    composed, apart = (unicodedata.normalize(form, "Der Bäcker hat die Brötchen für Jörg verkauft.") for form in ("NFC", "NFD"))
    assert composed != apart
    for one, other in ((composed, apart), (apart, composed)):
        scores = compute_metrics(ALL_KEYS, [one], [["Es regnet.", other]], "de")
        assert scores == pytest.approx({key: SCORES[key].scale for key in ALL_KEYS})
        assert record_scores("f1", [one], [other], "de") == [100]
        metric = ExactMatch(language="de")
        metric.add(prediction=one, reference=[other])
        assert metric.compute() == {"exact_match": 100}


def test_bleu_is_sacrebleu_with_the_signature_we_print():
    predictions = ["Der Bäcker hat das Brot verkauft.", "Es regnete den ganzen Tag in der Stadt."]
    references = ["Der Bäcker hat das frische Brot verkauft.", "Es regnete den ganzen Tag in der Stadt."]
    reference_metric = sacrebleu.BLEU()
    expected = reference_metric.corpus_score(predictions, [references]).score
    assert 0 < expected < 100
    assert Bleu().compute(predictions=predictions, references=references) == {"bleu": pytest.approx(expected)}
    assert str(reference_metric.get_signature()) == Bleu.signature


def test_bleu_takes_different_numbers_of_references():
    predictions = ["Es regnete den ganzen Tag.", "Anna kauft ein Boot."]
    references = [["Es hat geregnet.", "Es regnete den ganzen Tag."], "Anna kauft ein Boot."]
    assert Bleu().compute(predictions=predictions, references=references)["bleu"] == pytest.approx(100)


@pytest.mark.parametrize(
    "text, language, expected",
    [
        ("The  Cat, sat!", "en", "cat sat"),
        ("an apple", "en", "apple"),
        ("an dem Tisch", "de", "an dem tisch"),
        ("„Größe“ – übel", "de", "größe übel"),
        ("anthem", "en", "anthem"),
    ],
)
def test_normalisation(text, language, expected):
    assert normalise(text, language) == expected


def test_exact_match_of_german_notices_an():
    pair = {"predictions": ["Er steht dem Tisch."], "references": ["Er steht an dem Tisch."]}
    assert ExactMatch(language="de").compute(**pair) == {"exact_match": 0}
    assert ExactMatch(language="en").compute(**pair) == {"exact_match": 100}


def test_exact_match_takes_the_best_reference_and_counts_in_percent():
    scores = ExactMatch().compute(predictions=["the boat", "cat", ""], references=[["a house", "Boat!"], "dog", "x"])
    assert scores == {"exact_match": pytest.approx(100 / 3)}


@pytest.mark.parametrize(
    "prediction, reference, f1",
    [("red boat", "the red house", 0.5), ("boat boat", "boat", 2 / 3), ("", "boat", 0), ("the", "", 1), ("x", "", 0)],
)
def test_token_f1_by_hand(prediction, reference, f1):
    assert token_f1(prediction, reference) == pytest.approx(f1)
    assert TokenF1().compute(predictions=[prediction], references=[reference]) == {"f1": pytest.approx(100 * f1)}


@pytest.mark.parametrize(
    "prediction, percent", [("boat", 100), ("boat boat boat", 100), ("boat house", 50), ("Boat", 0), ("", 0)]
)
def test_exact_match_percentage_is_about_sets(prediction, percent):
    scores = ExactMatchPercentage().compute(predictions=[prediction], references=["a red boat"])
    assert scores == {"exact_match_percentage": percent}


def test_added_one_by_one_in_batches_at_once_or_combined_the_scores_are_the_same():
    at_once = compute_metrics(ALL_KEYS, PREDICTIONS, REFERENCES)
    lists = [[r] if isinstance(r, str) else r for r in REFERENCES]
    for metric in METRICS:
        expected = pytest.approx({key: at_once[key] for key in metric.keys})
        single = metric()
        for prediction, reference in zip(PREDICTIONS, lists, strict=True):
            single.add(prediction=prediction, reference=reference)
        assert single.compute() == expected
        batched = metric()
        batched.add_batch(predictions=PREDICTIONS[:2], references=lists[:2])
        batched.add_batch(predictions=PREDICTIONS[2:], references=lists[2:])
        assert batched.compute() == expected
    combined = evaluate.combine([metric() for metric in METRICS])
    assert combined.compute(predictions=PREDICTIONS, references=REFERENCES) == pytest.approx(at_once)


def test_single_references_may_be_added_as_plain_texts():
    metric = ExactMatch()
    metric.add_batch(predictions=["boat", "x"], references=["boat", "y"])
    assert metric.compute() == {"exact_match": 50}


def test_perfect_and_empty_predictions_are_the_ends_of_every_scale():
    texts = ["Anna buys the old boat in town.", "Rain fell all day in the town."]
    best = compute_metrics(ALL_KEYS, texts, texts)
    worst = compute_metrics(ALL_KEYS, ["", ""], texts)
    for key in ALL_KEYS:
        assert best[key] == pytest.approx(1 if key.startswith("rouge") else 100), key
        assert worst[key] == 0, key


@pytest.mark.parametrize("metric", METRICS)
def test_no_predictions(metric):
    with pytest.raises(ValueError, match="got no predictions to score"):
        metric().compute(predictions=[], references=[])
    with pytest.raises(ValueError, match="got no predictions to score"):
        metric().compute()


@pytest.mark.parametrize(
    "predictions, references, message",
    [
        (["a"], ["a", "b"], "got 1 predictions but 2 references"),
        ("a", ["a"], "predictions must be a list of texts, got 'a'"),
        (["a"], None, "references must be a list of texts, got None"),
        (["a", None], ["a", "b"], "prediction 1 must be a text, got None"),
        (["a"], [[]], r"reference 0 must be a text or a list of at least one text, got \[\]"),
    ],
)
def test_unusable_texts(predictions, references, message):
    with pytest.raises(ValueError, match=message):
        compute_metrics(["exact_match"], predictions, references)


def test_unknown_metric_names_the_known_ones():
    with pytest.raises(ValueError, match="unknown metric 'meteor': expected one of rouge1, rouge2"):
        compute_metrics(["meteor"], ["a"], ["a"])


# ---- the table of scores, and differences between systems


def test_the_table_has_every_metric_of_every_task_and_the_loss():
    assert set(SCORES) == {"loss", *ALL_KEYS} >= {key for task in TASKS.values() for key in task.metrics}
    assert [(score.label, score.scale, score.digits) for score in (SCORES["rougeL"], SCORES["bleu"], SCORES["loss"])] == [
        ("ROUGE-L", 1, 3), ("BLEU", 100, 1), ("loss, nats per target token", None, 3)]


@pytest.mark.parametrize("key", [key for key in ALL_KEYS if key != "bleu"])
def test_the_mean_over_records_is_the_score(key):
    each = record_scores(key, PREDICTIONS, REFERENCES)
    assert sum(each) / 3 == pytest.approx(compute_metrics([key], PREDICTIONS, REFERENCES)[key]) and len(each) == 3


def test_scores_of_records_by_hand():
    assert record_scores("exact_match", ["the boat", "cat"], [["a house", "Boat!"], "dog"]) == [100, 0]
    assert record_scores("exact_match", ["Er steht dem Tisch."], ["Er steht an dem Tisch."], "de") == [0]
    with pytest.raises(ValueError, match="BLEU counts over all texts together"):
        record_scores("bleu", PREDICTIONS, REFERENCES)
    with pytest.raises(ValueError, match="unknown metric 'loss': expected one of rouge1"):
        record_scores("loss", PREDICTIONS, REFERENCES)


GOOD = [f"Am Montag hat Bäcker {i} das frische Brot für {i} Euro verkauft." for i in range(60)]
POOR = [text.replace("frische ", "") if i % 3 else text for i, text in enumerate(GOOD)]


@pytest.mark.parametrize("key", ALL_KEYS)
def test_a_clear_difference_is_found_in_both_directions_and_no_difference_is_not(key):
    poor = [text.replace("Brot", "Boot") for text in POOR]
    found = paired_bootstrap(key, GOOD, poor, GOOD, "de")
    scores = [compute_metrics([key], texts, GOOD, "de")[key] for texts in (GOOD, poor)]
    assert found.difference == pytest.approx(scores[0] - scores[1])
    assert 0 < found.interval[0] <= found.difference <= found.interval[1] and found.verdict == "higher"
    back = paired_bootstrap(key, poor, GOOD, GOOD, "de")
    assert back.verdict == "lower" and back.interval == pytest.approx((-found.interval[1], -found.interval[0]))
    same = paired_bootstrap(key, poor, poor, GOOD, "de", draws=50)
    assert (same.difference, same.interval, same.verdict) == (0, (0, 0), "cannot be told apart")


@pytest.mark.parametrize("key", ["bleu", "exact_match", "rougeL"])
def test_two_systems_with_as_many_mistakes_elsewhere_cannot_be_told_apart(key):
    one = [text.replace("Brot", "Boot") if i % 2 else text for i, text in enumerate(GOOD)]
    other = [text if i % 2 else text.replace("Brot", "Boot") for i, text in enumerate(GOOD)]
    assert paired_bootstrap(key, one, other, GOOD, "de").verdict == "cannot be told apart"


def test_the_interval_is_that_of_the_normal_distribution_and_follows_the_seed():
    right = [text if i % 2 else "nichts" for i, text in enumerate(GOOD)]  # half: a deviation of 50 in each record
    low, high = paired_bootstrap("exact_match", right, ["nichts"] * 60, GOOD, "de", draws=4000).interval
    assert (low, high) == pytest.approx((50 - 1.96 * 50 / 60**0.5, 50 + 1.96 * 50 / 60**0.5), abs=1.7)
    runs = [paired_bootstrap("bleu", POOR, right, GOOD, "de", draws=100, seed=seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_a_thousand_draws_of_bleu_take_seconds_and_agree_with_sacrebleu():
    start = time.perf_counter()
    found = paired_bootstrap("bleu", POOR * 5, GOOD * 5, GOOD * 5)
    assert time.perf_counter() - start < 10  # about 0.2 on an idle machine
    expected = sacrebleu.corpus_bleu(POOR * 5, [GOOD * 5]).score - 100
    assert found.difference == pytest.approx(expected)


def test_too_few_records_for_an_interval():
    with pytest.raises(ValueError, match="got 1 record to draw from: expected at least 2"):
        paired_bootstrap("f1", ["a"], ["b"], ["a"])
    with pytest.raises(ValueError, match="got 1 predictions but 2 references"):
        paired_bootstrap("f1", ["a", "b"], ["b"], ["a", "b"])
