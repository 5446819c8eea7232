import evaluate
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from course_utils.metrics import (
    METRICS,
    Bleu,
    ExactMatch,
    ExactMatchPercentage,
    Rouge,
    TokenF1,
    compute_metrics,
    normalise,
    token_f1,
)

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
