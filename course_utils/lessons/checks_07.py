"""Checks of lesson 07, machine translation."""

from __future__ import annotations

from .checks import check, passed


@check
def check_07_corpus_bleu(corpus_bleu) -> None:
    """``corpus_bleu`` on lists of words against sacrebleu: repeated words, short and long translations, no row of four."""
    import sacrebleu

    for what, pairs in (
        ("a longer and a shorter sentence", [("a b c d e f", "a b c d x f g h"), ("k l m", "k l m n")]),
        ("repeated words: a word counts as often as the reference has it", [("a b c d d d d", "a b c d e f g")]),
        ("a translation longer than its reference", [("a b c d e f g", "a b c d"), ("k l m n", "k l m n o")]),
        ("no row of four is found", [("a b c d", "a b c e")]),
        ("all right", [("a b c d e", "a b c d e")]),
    ):
        predictions, references = ([text.split() for text in side] for side in zip(*pairs, strict=True))
        options = {"tokenize": "none", "smooth_method": "none", "force": True}
        ours, theirs = ([" ".join(words) for words in side] for side in (predictions, references))
        wanted = sacrebleu.corpus_bleu(ours, [theirs], **options).score
        one_by_one = [sacrebleu.corpus_bleu([a], [[b]], **options).score for a, b in zip(ours, theirs, strict=True)]
        found = corpus_bleu(predictions, references)
        facts = f"{what}: expected {wanted:.2f}, got {found}"
        assert abs(found - wanted) < 1e-6 or abs(found - sum(one_by_one) / len(one_by_one)) > 1e-6, (
            f"{facts}: that is the mean over sentences; add up the counts of all sentences first")
        assert abs(found - wanted) < 1e-6 or abs(100 * found - wanted) > 1e-6, f"{facts}: the scale is 0 to 100"
        assert found <= wanted + 1e-6, (
            f"{facts}: too high; mind the clipping of counts, and the brevity penalty, which is never above 1")
        assert abs(found - wanted) < 1e-6, (
            f"{facts}: too low; where translations are longer than the references, the brevity penalty is 1")
    passed("BLEU, as the library counts it")


@check
def check_07_lost_names(lost_names) -> None:
    """``lost_names(source, reference, prediction)`` on sentences whose lost names are known."""
    source = "Paul Berg sold Anna Klein a clock in Lindenau."
    reference = "Paul Berg hat Anna Klein in Lindenau eine Uhr verkauft."
    for prediction, wanted, why in (
        (reference, [], "nobody is lost"),
        (reference.replace("Klein", "Braun"), ["Klein"], "the name became another one"),
        ("Paul hat Anna Kleinert in Lindenau ein Bergwerk verkauft.", ["Berg", "Klein"], "a part of a word is not the name"),
        ("Anna Klein hat Lindenau verlassen.", ["Paul", "Berg"], "small words such as 'in' are no names; keep the order"),
        ("In Lindenau hat Anna Klein eine Uhr verkauft, nicht Paul Berg.", [], "a comma or a period is no part of a name"),
        ("", ["Paul", "Berg", "Anna", "Klein", "Lindenau"], "an empty translation loses everybody"),
    ):
        found = lost_names(source, reference, prediction)
        assert isinstance(found, list), f"return a list of words, not {type(found).__name__}"
        assert found == wanted, f"for {prediction!r} expected {wanted}, got {found}: {why}"
    passed("everybody is accounted for")


@check
def check_07_reverse(reverse) -> None:
    """``reverse`` on the translation task: what the model would read and be asked for, and that nothing else changed."""
    from dataclasses import asdict

    from ..tasks import get_task

    task = get_task("translation")
    turned, record = reverse(task), {"source": "It rained.", "target": "Es regnete."}
    assert turned is not None and turned.source(record) == "Es regnete.\nEnglish:", (
        f"the model would read {turned and turned.source(record)!r}, expected 'Es regnete.\\nEnglish:'")
    assert turned.target(record) == "It rained.", f"the target is {turned.target(record)!r}, expected the English sentence"
    assert turned.long_field == "target", f"long_field is {turned.long_field!r}: too long a source would cut what is not in it"
    assert turned.language == "en", f"language is {turned.language!r}: exact match would treat English as German"
    changed = {name for name, value in asdict(turned).items() if value != asdict(task)[name]}
    extra = changed - {"source_template", "target_field", "long_field", "language", "hard_prompt", "hand_written", "soft_token"}
    assert not extra, f"{', '.join(sorted(extra))} need not change"
    passed("the same table entry, read backwards")
