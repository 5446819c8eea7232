"""Scores for generated text, each an `evaluate.Metric` that works without a network, and what differences between them are worth.

References are a text per prediction, or a list of texts of which the best (for BLEU: all) counts.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import datasets
import evaluate
import numpy
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

ENGLISH_ARTICLES = re.compile(r"\b(a|an|the)\b")


@dataclass(frozen=True)
class Score:
    """How to show a score: ``label`` with unit, ``scale`` (the best value; None: no upper end), ``digits`` behind the point."""

    label: str
    scale: int | None
    digits: int


SCORES = {
    "loss": Score("loss, nats per target token", None, 3),
    "rouge1": Score("ROUGE-1", 1, 3),
    "rouge2": Score("ROUGE-2", 1, 3),
    "rougeL": Score("ROUGE-L", 1, 3),
    "bleu": Score("BLEU", 100, 1),
    "exact_match": Score("exact match, %", 100, 1),
    "f1": Score("F1, %", 100, 1),
    "exact_match_percentage": Score("shared tokens, %", 100, 1),
}


def normalise(text: str, language: str = "en") -> str:
    """SQuAD normalisation (Rajpurkar et al. 2016, the official script): lower case, no punctuation or articles, single spaces.

    Two changes for German: typographic punctuation goes too („“ and –), and articles go only where ``language`` is "en",
    because "an" is a German preposition.
    """
    text = "".join(c for c in text.lower() if c not in string.punctuation and unicodedata.category(c)[0] != "P")
    if language == "en":
        text = ENGLISH_ARTICLES.sub(" ", text)
    return " ".join(text.split())


def token_f1(prediction: str, reference: str, language: str = "en") -> float:
    """Harmonic mean of precision and recall over normalised words, 0 to 1 (SQuAD)."""
    predicted, expected = normalise(prediction, language).split(), normalise(reference, language).split()
    if not predicted or not expected:
        return float(predicted == expected)
    shared = (Counter(predicted) & Counter(expected)).total()
    return 2 * shared / (len(predicted) + len(expected))


def shared_token_percentage(prediction: str, reference: str) -> float:
    """Share of the distinct output words that also occur in the target, 0 to 1: the reported "Exact Match Percentage".

    Sets of tokens, no normalisation, no order, no penalty for what is missing: one right word scores full marks.
    """
    predicted = set(prediction.split())
    return len(predicted & set(reference.split())) / len(predicted) if predicted else 0.0


class CourseMetric(evaluate.Metric):
    """What our metrics share: the input features, and clear errors before `evaluate` gets to work.

    A subclass names its keys and implements ``compare(prediction, reference)``: a score from 0 to 1 for each of them.
    """

    keys: tuple[str, ...] = ()

    def __init__(self, language: str = "en", **kwargs):
        self.language = language
        super().__init__(**kwargs)

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        features = [datasets.Features({"predictions": text, "references": kind}) for kind in (datasets.Sequence(text), text)]
        description = ", ".join(f"{SCORES[key].label} (0 to {SCORES[key].scale})" for key in self.keys)
        return evaluate.MetricInfo(description=description, citation="", inputs_description=__doc__, features=features)

    def compute(self, *, predictions=None, references=None, **kwargs) -> dict[str, float]:
        """Score texts, or what `add` and `add_batch` collected. Raises ValueError on unusable input."""
        if predictions is not None or references is not None:
            check_texts(predictions, references)
            kwargs.update(predictions=list(predictions), references=as_lists(references))
        elif self.writer is None:
            raise ValueError(f"{type(self).__name__} got no predictions to score: expected at least one")
        return super().compute(**kwargs)

    def _compute(self, predictions, references) -> dict[str, float]:
        statistics, score = self.statistics(*composed(predictions, references))
        return dict(zip(self.keys, score(statistics.sum(0)), strict=True))

    def statistics(self, predictions: list[str], references: list[list[str]]) -> tuple[numpy.ndarray, Callable]:
        """Numbers for each record, [records, any], and the function from their sum to a list: the score for each key."""
        pairs = zip(predictions, references, strict=True)
        rows = [numpy.max([self.compare(text, reference) for reference in refs], axis=0) for text, refs in pairs]
        scales = numpy.array([SCORES[key].scale for key in self.keys])
        return numpy.array(rows), lambda sums: (scales * (sums / len(rows))).tolist()

    def compare(self, prediction: str, reference: str) -> tuple[float, ...]:
        raise NotImplementedError(f"{type(self).__name__} must implement compare()")


class Words:
    """The tokens that ROUGE counts: runs of letters, digits and marks in lower case, as in `rouge_score`, of any alphabet."""

    def tokenize(self, text: str) -> list[str]:
        return "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in text.lower()).split()


class Rouge(CourseMetric):
    """ROUGE-1, ROUGE-2 and ROUGE-L F-measures (Lin 2004), counted by `rouge_score`, best reference."""

    keys = ("rouge1", "rouge2", "rougeL")
    scorer = RougeScorer(keys, tokenizer=Words())

    def compare(self, prediction, reference):
        return tuple(score.fmeasure for score in self.scorer.score(reference, prediction).values())


class Bleu(CourseMetric):
    """Corpus BLEU (Papineni et al. 2002), counted by `sacrebleu`; `Bleu.signature` is to print beside a score (Post 2018)."""

    keys = ("bleu",)
    signature = f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"

    def statistics(self, predictions, references):
        counter, most = sacrebleu.BLEU(), max(len(refs) for refs in references)
        # sacrebleu wants one stream per reference number, filled up with None.
        streams = [[refs[i] if i < len(refs) else None for refs in references] for i in range(most)]
        rows = numpy.array(counter._extract_corpus_statistics(predictions, streams))  # lengths, and n-grams found and made
        return rows, lambda sums: [counter._compute_score_from_stats(sums.tolist()).score]


class ExactMatch(CourseMetric):
    """Percentage of predictions equal to a reference after SQuAD normalisation."""

    keys = ("exact_match",)

    def compare(self, prediction, reference):
        return (float(normalise(prediction, self.language) == normalise(reference, self.language)),)


class TokenF1(CourseMetric):
    """Word-overlap F1 after SQuAD normalisation, best reference."""

    keys = ("f1",)

    def compare(self, prediction, reference):
        return (token_f1(prediction, reference, self.language),)


class ExactMatchPercentage(CourseMetric):
    """The report's set measure: percentage of output tokens that also occur in the target."""

    keys = ("exact_match_percentage",)

    def compare(self, prediction, reference):
        return (shared_token_percentage(prediction, reference),)


METRICS = (Rouge, Bleu, ExactMatch, TokenF1, ExactMatchPercentage)


def compute_metrics(
    keys: Iterable[str], predictions: Sequence[str], references: Sequence[str | Sequence[str]], language: str = "en"
) -> dict[str, float]:
    """Scores for ``keys``, in that order. ``language`` is the language of the texts ("en", "de").

    Raises ValueError for an unknown key, for no predictions, or for lengths that differ.
    """
    keys, scores = list(keys), {}
    for metric in dict.fromkeys(find_metric(key) for key in keys):
        scores |= metric(language=language).compute(predictions=predictions, references=references)
    return {key: scores[key] for key in keys}


def record_scores(
    key: str, predictions: Sequence[str], references: Sequence[str | Sequence[str]], language: str = "en"
) -> list[float]:
    """The score of each prediction by itself; their mean is what `compute_metrics` gives. ValueError for "bleu"."""
    if key == "bleu":
        raise ValueError("BLEU counts over all texts together, so a record has none: use paired_bootstrap, or another metric")
    rows, _ = record_statistics(key, predictions, references, language)
    return (SCORES[key].scale * rows[:, find_metric(key).keys.index(key)]).tolist()


def verdict_of(low: float, high: float) -> str:
    """What an interval says of a difference: "higher", "lower", or "cannot be told apart" where it holds 0."""
    return "higher" if low > 0 else "lower" if high < 0 else "cannot be told apart"


def claim_of(verdict: str, higher: str = "supported here", lower: str = "not supported here") -> str:
    """What a verdict says of the claim that the first system scores above the second, in the words of every lesson."""
    return {"higher": higher, "lower": lower}.get(verdict, verdict)


@dataclass(frozen=True)
class PairedDifference:
    """How much ``first`` scores above ``second``, with the 95% interval (low, high), on the metric's scale."""

    difference: float
    interval: tuple[float, float]

    @property
    def verdict(self) -> str:
        """Whether ``first`` is "higher" or "lower" than ``second``; where the interval holds 0, both "cannot be told apart"."""
        return verdict_of(*self.interval)


def paired_bootstrap(
    key: str, first: Sequence[str], second: Sequence[str], references: Sequence[str | Sequence[str]],
    language: str = "en", draws: int = 1000, seed: int = 0,
) -> PairedDifference:
    """Whether two systems' predictions for the same records differ by more than the choice of records explains (Koehn 2004).

    Each draw scores both on as many records, drawn with replacement. ValueError as in `compute_metrics`, and below 2 records.
    """
    tables = [record_statistics(key, predictions, references, language) for predictions in (first, second)]
    column, count, generator = find_metric(key).keys.index(key), len(references), numpy.random.default_rng(seed)
    if count < 2:
        raise ValueError(f"got {count} record to draw from: expected at least 2, and many for a narrow interval")

    def difference(rows) -> float:
        one, other = (score(statistics[rows].sum(0))[column] for statistics, score in tables)
        return one - other

    values = [difference(generator.integers(count, size=count)) for _ in range(draws)]
    low, high = numpy.quantile(values, (0.025, 0.975)).tolist()
    return PairedDifference(difference(slice(None)), (low, high))


def find_metric(key: str) -> type[CourseMetric]:
    """The metric that has ``key``; ValueError that lists the known ones."""
    known = {each: metric for metric in METRICS for each in metric.keys}
    if key not in known:
        raise ValueError(f"unknown metric {key!r}: expected one of {', '.join(known)}")
    return known[key]


def record_statistics(key, predictions, references, language) -> tuple[numpy.ndarray, Callable]:
    """`CourseMetric.statistics` of the metric that has ``key``."""
    metric = find_metric(key)(language=language)
    check_texts(predictions, references)
    return metric.statistics(*composed(predictions, references))


def check_texts(predictions: Sequence[str] | None, references: Sequence | None) -> None:
    """Raise ValueError unless there is at least one text, and a reference for each."""
    for name, texts in (("predictions", predictions), ("references", references)):
        if texts is None or isinstance(texts, str):
            raise ValueError(f"{name} must be a list of texts, got {texts!r}")
    if len(predictions) != len(references):
        raise ValueError(f"got {len(predictions)} predictions but {len(references)} references: expected one each")
    if len(predictions) == 0:
        raise ValueError("got no predictions to score: expected at least one")
    for row, (text, reference) in enumerate(zip(predictions, references, strict=True)):
        if not isinstance(text, str):
            raise ValueError(f"prediction {row} must be a text, got {text!r}")
        if not isinstance(reference, str) and not (len(reference) > 0 and all(isinstance(each, str) for each in reference)):
            raise ValueError(f"reference {row} must be a text or a list of at least one text, got {reference!r}")


def as_lists(references: Sequence[str | Sequence[str]]) -> list[list[str]]:
    """Each record's references as a list, also where it has just one."""
    return [[each] if isinstance(each, str) else list(each) for each in references]


def composed(predictions: Sequence[str], references: Sequence) -> tuple[list[str], list[list[str]]]:
    """The texts with one code for each letter (NFC): an ü can also be a u and two dots, and must not count as wrong."""

    def nfc(texts: Iterable[str]) -> list[str]:
        return [unicodedata.normalize("NFC", text) for text in texts]

    return nfc(predictions), [nfc(refs) for refs in as_lists(references)]
