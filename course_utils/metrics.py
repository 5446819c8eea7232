"""Scores for generated text. Each is an `evaluate.Metric` that works without a network.

Scales: rouge1, rouge2, rougeL from 0 to 1; bleu, exact_match, f1, exact_match_percentage from 0 to 100.
References are a text per prediction, or a list of texts of which the best (for BLEU: all) counts.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

import datasets
import evaluate
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

ENGLISH_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalise(text: str, language: str = "en") -> str:
    """SQuAD normalisation (Rajpurkar et al. 2016, the official script): lower case, no punctuation,
    no English articles, single spaces.

    Two changes for German: typographic punctuation goes too („“ and –), and articles go only where
    ``language`` is "en", because "an" is a German preposition.
    """
    text = "".join(
        c for c in text.lower() if c not in string.punctuation and not unicodedata.category(c).startswith("P")
    )
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
    """Share of the distinct output words that also occur in the target, 0 to 1.

    The reported "Exact Match Percentage" for question answering: sets of tokens, no normalisation, no
    order, no penalty for what is missing. One right word scores full marks: read it with the others.
    """
    predicted = set(prediction.split())
    return len(predicted & set(reference.split())) / len(predicted) if predicted else 0.0


class CourseMetric(evaluate.Metric):
    """What our metrics share: the input features, and clear errors before `evaluate` gets to work.

    A subclass names its keys and implements ``score(predictions, references)``, where references is
    a list of texts for each prediction.
    """

    keys: tuple[str, ...] = ()
    description = ""

    def __init__(self, language: str = "en", **kwargs):
        self.language = language
        super().__init__(**kwargs)

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        one = datasets.Features({"predictions": text, "references": text})
        many = datasets.Features({"predictions": text, "references": datasets.Sequence(text)})
        return evaluate.MetricInfo(
            description=self.description, citation="", inputs_description=__doc__, features=[many, one]
        )

    def compute(self, *, predictions=None, references=None, **kwargs) -> dict[str, float]:
        """Score texts, or what `add` and `add_batch` collected. Raises ValueError on unusable input."""
        if predictions is not None or references is not None:
            check_texts(predictions, references)
            kwargs.update(predictions=list(predictions), references=as_lists(references))
        elif self.writer is None:
            raise ValueError(f"{type(self).__name__} got no predictions to score: expected at least one")
        return super().compute(**kwargs)

    def _compute(self, predictions, references) -> dict[str, float]:
        return self.score(list(predictions), as_lists(references))

    def score(self, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        raise NotImplementedError(f"{type(self).__name__} must implement score()")


class Rouge(CourseMetric):
    """ROUGE-1, ROUGE-2 and ROUGE-L F-measures (Lin 2004), counted by `rouge_score`, best reference.

    `rouge_score` reads only a-z and 0-9, so it splits German words at an umlaut: the course uses
    ROUGE for English alone.
    """

    keys = ("rouge1", "rouge2", "rougeL")
    description = "ROUGE F-measures, 0 to 1"

    def score(self, predictions, references):
        scorer = RougeScorer(list(self.keys))
        rows = [scorer.score_multi(refs, text) for text, refs in zip(predictions, references, strict=True)]
        return {key: mean(row[key].fmeasure for row in rows) for key in self.keys}


class Bleu(CourseMetric):
    """Corpus BLEU (Papineni et al. 2002), counted by `sacrebleu` with its standard settings.

    `Bleu.signature` is the string to print beside a score (Post 2018).
    """

    keys = ("bleu",)
    description = "corpus BLEU, 0 to 100"
    signature = f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"

    def score(self, predictions, references):
        most = max(len(refs) for refs in references)
        # sacrebleu wants one stream per reference number, filled up with None.
        streams = [[refs[i] if i < len(refs) else None for refs in references] for i in range(most)]
        return {"bleu": sacrebleu.corpus_bleu(predictions, streams).score}


class ExactMatch(CourseMetric):
    """Percentage of predictions equal to a reference after SQuAD normalisation."""

    keys = ("exact_match",)
    description = "exact match, 0 to 100"

    def score(self, predictions, references):
        def equal(text: str, reference: str) -> float:
            return float(normalise(text, self.language) == normalise(reference, self.language))

        return {"exact_match": 100 * mean_best(equal, predictions, references)}


class TokenF1(CourseMetric):
    """Word-overlap F1 after SQuAD normalisation, best reference."""

    keys = ("f1",)
    description = "token F1, 0 to 100"

    def score(self, predictions, references):
        def overlap(text: str, reference: str) -> float:
            return token_f1(text, reference, self.language)

        return {"f1": 100 * mean_best(overlap, predictions, references)}


class ExactMatchPercentage(CourseMetric):
    """The report's set measure: percentage of output tokens that also occur in the target."""

    keys = ("exact_match_percentage",)
    description = "output tokens found in the target, 0 to 100"

    def score(self, predictions, references):
        return {self.keys[0]: 100 * mean_best(shared_token_percentage, predictions, references)}


METRICS = (Rouge, Bleu, ExactMatch, TokenF1, ExactMatchPercentage)


def compute_metrics(
    keys: Iterable[str],
    predictions: Sequence[str],
    references: Sequence[str | Sequence[str]],
    language: str = "en",
) -> dict[str, float]:
    """Scores for ``keys``, in that order. ``language`` is the language of the texts ("en", "de").

    Raises ValueError for an unknown key, for no predictions, or for lengths that differ.
    """
    keys, scores = list(keys), {}
    known = [key for metric in METRICS for key in metric.keys]
    if unknown := [key for key in keys if key not in known]:
        raise ValueError(f"unknown metric {unknown[0]!r}: expected one of {', '.join(known)}")
    for metric in METRICS:
        if set(metric.keys) & set(keys):
            scores |= metric(language=language).compute(predictions=predictions, references=references)
    return {key: scores[key] for key in keys}


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
        if not isinstance(reference, str) and not (
            len(reference) > 0 and all(isinstance(each, str) for each in reference)
        ):
            raise ValueError(f"reference {row} must be a text or a list of at least one text, got {reference!r}")


def as_lists(references: Sequence[str | Sequence[str]]) -> list[list[str]]:
    return [[each] if isinstance(each, str) else list(each) for each in references]


def mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values)


def mean_best(score, predictions: list[str], references: list[list[str]]) -> float:
    """Mean over predictions of the best ``score(prediction, reference)``."""
    return mean(
        max(score(text, reference) for reference in refs)
        for text, refs in zip(predictions, references, strict=True)
    )
