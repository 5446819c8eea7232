"""Checks of lesson 05, summarization."""

from __future__ import annotations

from .checks import check, passed


@check
def check_05_lead(lead) -> None:
    """``lead(text, k)`` on a text whose sentences are known one by one."""
    sentences = ["Marta Klein sold the old clock.", "Why?", "Because the council had asked for it.", "It cost 12 euros."]
    text = " ".join(sentences)
    for k in (1, 2, 3, 4):
        wanted, found = " ".join(sentences[:k]), lead(text, k)
        assert isinstance(found, str), f"return one text, not {type(found).__name__}"
        assert found.count(".") + found.count("?") == wanted.count(".") + wanted.count("?"), (
            f"the first {k} sentences are {wanted!r}, you return {found!r}: "
            "keep the marks that end a sentence, and do not overlook '?'")
        assert found == wanted, f"expected {wanted!r}, got {found!r}"
    assert lead(text, 9) == text, "a text with fewer than k sentences comes back whole"
    passed("the lead of k sentences")


@check
def check_05_rouge_l(rouge_l) -> None:
    """``rouge_l`` against the library ``rouge_score`` on words without endings to stem, and on an empty prediction."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"])
    pairs = [("a b c d", "a b c d"), ("a b c d", "d c b a"), ("a x b y c", "a b c"), ("b a b a", "a b a b"), ("e f", "a b")]
    for prediction, reference in pairs:
        wanted = scorer.score(reference, prediction)["rougeL"].fmeasure
        found = rouge_l(prediction.split(), reference.split())
        shared = set(prediction.split()) & set(reference.split())
        bag = 2 * len(shared) / len((prediction + " " + reference).split())
        assert abs(found - wanted) < 1e-6 or abs(found - bag) > 1e-6, (
            f"{prediction!r} against {reference!r} is {wanted:.3f}, you get {found:.3f}: that counts shared words in any order; "
            "a common subsequence keeps the order")
        assert abs(found - wanted) < 1e-6, f"{prediction!r} against {reference!r} is {wanted:.3f}, you get {found:.3f}"
    assert rouge_l([], ["a"]) == 0, "an empty prediction scores 0"
    passed("ROUGE-L, as the library counts it")


@check
def check_05_bootstrap_interval(bootstrap_interval) -> None:
    """``bootstrap_interval`` against the normal approximation, on differences with a known mean and spread."""
    import numpy

    for mean, n in ((0.3, 400), (0.0, 100)):
        differences = numpy.random.default_rng(1).normal(mean, 1.0, n)
        low, high = bootstrap_interval(list(differences))
        error = differences.std(ddof=1) / n ** 0.5
        assert high - low < 8 * error, (
            f"the interval [{low:.2f}, {high:.2f}] is far too wide: "
            "take quantiles of the *means*, not of the differences themselves")
        assert high - low > 2 * error, (
            f"the interval [{low:.3f}, {high:.3f}] is too narrow: draw as many differences as there are, with replacement")
        assert abs((low + high) / 2 - differences.mean()) < error, "the interval should lie around the mean of the differences"
        assert abs((high - low) - 3.92 * error) < 0.6 * error, (
            f"expected a width near {3.92 * error:.3f} for 95%, got {high - low:.3f}")
    passed("an interval that says how much is luck")
