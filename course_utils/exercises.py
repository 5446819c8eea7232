"""Checks for the lessons' exercises.

A check knows the answer from an independent computation, tries several shapes, prints a tick when all is well, and otherwise
raises ``AssertionError`` whose message names the likely mistake. ``NotImplementedError`` from a stub passes through.
Names are ``check_<lesson>_<what>``.
"""

from __future__ import annotations

import math

import torch


def passed(what: str) -> None:
    print(f"✓ {what}")


# ---- 01 discrete prompts ------------------------------------------------------------------------------------------------

def check_01_joins(joins) -> None:
    """``joins(tokenizer, prompt, answer)`` on seams whose tokens are known: at a word, a space, a line break, inside a word."""
    from transformers import AutoTokenizer

    from .base_models import find_model

    tokenizer = AutoTokenizer.from_pretrained(find_model("course-gpt2-m"), local_files_only=True)
    for prompt, answer, wanted, why in (
        ("Summary:", " Carl Scholz", True, "the space belongs to the word behind it, so the prompt keeps its tokens"),
        ("Summary: ", "Carl Scholz", False, "the space goes over to the word and the prompt loses its last token"),
        ("Summary:\n", "Carl Scholz", True, "a line break stays a token of its own; the white space that hurts is the space"),
        ("It rained on Mon", "day", False, "a word that is cut in two becomes one token again, without any space at the seam"),
        ("", "Carl Scholz", True, "an empty prompt has no token to lose"),
        ("Carl Scholz", "", True, "an empty answer changes nothing"),
    ):
        found = joins(tokenizer, prompt, answer)
        assert isinstance(found, bool), f"return True or False, not {type(found).__name__}"
        assert found == wanted, (
            f"for {prompt!r} + {answer!r} you say {found}, but {why}: compare the ids of the prompt alone with those of both")
    passed("a seam is where no token reaches across")


def check_01_best_so_far(best_so_far) -> None:
    """``best_so_far`` against the definition, try by try, on lists where validation and test disagree and leaders tie."""
    for validation, test in (
        ([0.1, 0.4, 0.2, 0.6], [0.3, 0.2, 0.9, 0.5]),
        ([0.5, 0.5, 0.1], [0.2, 0.7, 0.8]),
        ([-3.0, -2.0, -4.0], [-1.0, -5.0, -2.0]),
        ([0.3], [0.1]),
    ):
        curve = best_so_far(list(validation), list(test))
        assert isinstance(curve, list) and len(curve) == len(test), (
            f"return a list with one number for each of the {len(test)} tries, got {curve!r}")
        bests = [max(validation[: n + 1]) for n in range(len(test))]
        wanted = [test[validation.index(best)] for best in bests]   # index() finds the first
        last = [test[max(i for i in range(n + 1) if validation[i] == best)] for n, best in enumerate(bests)]
        facts = f"for validation {validation} and test {test} expected {wanted}, got {curve}"
        assert curve == wanted or curve != [max(test[: n + 1]) for n in range(len(test))], (
            f"{facts}: that is the best *test* score so far, so the test data chose")
        assert curve == wanted or curve != bests, f"{facts}: those are validation scores; look the leader up in the test scores"
        assert curve == wanted or curve != last, f"{facts}: in a tie the earlier prompt keeps the lead, compare with > and not >="
        assert curve == wanted, f"{facts}: at each try, find the leader on validation, then read its test score"
    passed("validation chooses, test only reports")


def check_01_summary_prompt(summary_prompt) -> None:
    """``summary_prompt()`` must beat the bare source by 0.05 ROUGE-L, on validation examples that the lesson does not use."""
    prompt = summary_prompt()
    assert isinstance(prompt, str) and prompt.count("{source}") + prompt.count("{text}") == 1, (
        f"return a text that holds {{source}} or {{text}} exactly once, where the report goes; got {prompt!r}")
    assert prompt == prompt.rstrip(" "), "your prompt ends with a space: see section 4, the answer brings its own"

    from .base_models import load_base_model
    from .data import load_task_data, token_ids
    from .evaluation import generate_texts
    from .metrics import compute_metrics
    from .tasks import get_task, with_hard_prompt

    task = get_task("summarization")
    assert prompt not in (task.hard_prompt, *task.hand_written), (
        f"{prompt!r} was tried in this lesson already: change it, or combine two ideas")
    model, tokenizer = load_base_model("course-gpt2-m")
    length = len(token_ids(tokenizer, prompt))
    assert length <= 150, f"your prompt has {length} tokens: stay within 150, or long reports no longer fit"
    records = load_task_data(task)["validation"].select(range(40, 100))
    bare, score = (
        compute_metrics(["rougeL"], generate_texts(
            model, tokenizer, [with_hard_prompt(each, task.source(record)) for record in records], task.max_new_tokens, 64),
            records["summary"])["rougeL"]
        for each in ("", prompt))
    assert score > bare + 0.05, (
        f"{prompt!r} has ROUGE-L {score:.3f}, the bare source {bare:.3f}: describing what you want does not help much; "
        "look for words that stood close to it in the gazette")
    passed(f"ROUGE-L {score:.3f} against {bare:.3f}")


# ---- 02 the soft-prompt embedding ---------------------------------------------------------------------------------------

def check_02_with_prompt(with_prompt) -> None:
    """``with_prompt(rows, embedded, mask)`` against a joined row built element by element, for several shapes."""
    generator = torch.Generator().manual_seed(0)
    for batch, prompt, text, width in ((1, 1, 4, 3), (2, 3, 5, 4), (3, 2, 1, 2)):
        rows = torch.randn(prompt, width, generator=generator)
        embedded = torch.randn(batch, text, width, generator=generator)
        mask = torch.ones(batch, text, dtype=torch.long)
        mask[-1, text - 1:] = 0
        result = with_prompt(rows, embedded, mask)
        assert isinstance(result, tuple) and len(result) == 2, f"return two things, (inputs, mask), not {type(result).__name__}"
        inputs, longer = result
        wanted = (batch, prompt + text, width)
        assert tuple(inputs.shape) == wanted, (
            f"inputs have shape {tuple(inputs.shape)}, expected [batch, prompt + text, width] = {wanted}: "
            "concatenate along dim=1, after expanding the rows over the batch")
        for b in range(batch):
            assert torch.equal(inputs[b, :prompt], rows), "the prompt must stand in front of the text, in every row of the batch"
            assert torch.equal(inputs[b, prompt:], embedded[b]), "the text must follow the prompt unchanged"
        assert tuple(longer.shape) == (batch, prompt + text), (
            f"the mask has shape {tuple(longer.shape)}, expected {(batch, prompt + text)}: it has to grow with the inputs")
        assert bool((longer[:, :prompt] == 1).all()), "the mask must be 1 over the prompt: it is never padding"
        assert torch.equal(longer[:, prompt:], mask), "over the text the mask must stay what it was"
        assert longer.dtype == mask.dtype, f"the mask became {longer.dtype}, it was {mask.dtype}: use mask.new_ones"
    passed("the prompt stands in front, and the mask knows")


def check_02_cost(cost) -> None:
    """``cost(names, prompt_length, width)`` against a table that PyTorch counts itself."""
    for names, prompt_length, width in ((1, 1, 768), (1, 20, 128), (3, 5, 64)):
        weight = torch.nn.Embedding(names * prompt_length, width).weight
        parameters, size = cost(names, prompt_length, width)
        assert parameters == weight.numel(), (
            f"{names} names of {prompt_length} rows at width {width} are {weight.numel():,} numbers, you have {parameters:,}: "
            "every name owns prompt_length rows of its own")
        assert size == weight.numel() * weight.element_size(), (
            f"a number in fp32 takes 4 bytes: expected {parameters * 4:,}, got {size:,}")
    passed("rows times width, four bytes each")


def check_02_read_prompt(read_prompt) -> None:
    """``read_prompt(rows, table)`` on rows whose nearest token by angle is known, though not by distance or product."""
    table = torch.eye(6, 8) * torch.tensor([1.0, 1.0, 1.0, 9.0, 1.0, 1.0])[:, None]
    rows = torch.zeros(3, 8)
    rows[0, 2] = 5.0                                     # a long row along token 2
    rows[1, 4], rows[1, 3] = 1.0, 0.4                    # closest in angle to 4; the product prefers the long token 3
    rows[2, 3] = 0.5                                     # a short row along the long token 3: far from it in distance
    ids = read_prompt(rows, table)
    assert tuple(ids.shape) == (3,), f"expected one id per row, shape (3,), got {tuple(ids.shape)}"
    assert ids.tolist() != [2, 3, 3], "the plain product favors long embeddings: divide both sides by their length first"
    assert ids.tolist() == [2, 4, 3], f"expected ids [2, 4, 3], got {ids.tolist()}: compare angles, over the whole vocabulary"
    passed("nearest tokens by cosine similarity; do not believe them too quickly")


# ---- 03 training a soft prompt ------------------------------------------------------------------------------------------

IGNORED = -100


def check_03_build_example(build_example) -> None:
    """``build_example(source_ids, target_ids, end_id)`` position by position, with end ids inside source and target too."""
    for source, target, end in (([5, 6, 7], [8, 9], 0), ([4], [3], 0), ([2, 1, 2], [2, 5, 6, 2], 2)):
        result = build_example(list(source), list(target), end)
        assert isinstance(result, tuple) and len(result) == 2, (
            f"return two lists, (input_ids, labels), not {type(result).__name__}")
        input_ids, labels = map(list, result)
        length = len(source) + len(target) + 1
        assert input_ids == [*source, *target, end], (
            f"for source {source}, target {target} and end {end} the input is {input_ids}: "
            "expected source, target, end token in one row")
        assert len(labels) == length, (
            f"{len(labels)} labels for {length} input tokens: every position has one, -100 where nothing counts")
        assert labels[-1] != IGNORED, "the last label is -100: the end token must count, or the model never learns to stop"
        assert labels != [*input_ids[1:], IGNORED] and labels[len(source) - 1] == IGNORED, (
            "the labels are shifted by one: leave them where the tokens are, the model does the shift")
        assert labels[: len(source)] == [IGNORED] * len(source), (
            f"the source must not count, its labels are {labels[: len(source)]}")
        assert labels[len(source) :] == [*target, end], (
            f"the labels of target {target} are {labels[len(source) :]}: mask positions, not ids; every target token counts")
    passed("the target and its end count, the source does not")


def check_03_frequency_loss(frequency_loss) -> None:
    """``frequency_loss(train_targets, test_targets, vocab_size)`` against counts made one token at a time."""
    for train, test, vocab_size in (([[1, 1, 2], [3]], [[1], [2, 3, 0]], 4), ([[0, 4, 4, 4, 1]], [[4], [4, 4, 3]], 7)):
        seen = [token for target in train for token in target]
        probability = [(seen.count(token) + 1) / (len(seen) + vocab_size) for token in range(vocab_size)]
        tokens = [token for target in test for token in target]
        wanted = -sum(math.log(probability[token]) for token in tokens) / len(tokens)
        loss = float(frequency_loss(train, test, vocab_size))
        assert math.isfinite(loss), (
            f"the loss is {loss}: a token that training never saw has probability 0; add one to every count")
        by_example = -sum(sum(math.log(probability[t]) for t in target) / len(target) for target in test) / len(test)
        assert abs(loss - by_example) > 1e-4, (
            "this is the mean over examples; average over tokens, so that long targets weigh more")
        assert abs(loss + wanted) > 1e-4, "the sign is wrong: a log-probability is negative, a loss is not"
        assert abs(loss - wanted / math.log(2)) > 1e-4, "these are bits (log2); nats take the natural logarithm"
        assert abs(loss - wanted) < 1e-4, (
            f"expected {wanted:.4f} nats, got {loss:.4f}: after adding one to all {vocab_size} counts, divide by their new sum")
    passed("counts plus one, mean over tokens, in nats")


def check_03_loss_per_example(loss_per_example) -> None:
    """``loss_per_example(logits, labels)`` against a sum over positions, for rows with different numbers of labels."""
    generator = torch.Generator().manual_seed(0)
    for batch, text, vocab in ((1, 4, 5), (3, 6, 7)):
        logits = torch.randn(batch, text, vocab, generator=generator)
        labels = torch.full((batch, text), IGNORED)
        for row in range(batch):
            labels[row, 2 : 4 + row] = torch.randint(vocab, (len(labels[row, 2 : 4 + row]),), generator=generator)

        def reference(shift, logits=logits, labels=labels):
            means = []
            for row, wanted in zip(logits.log_softmax(-1), labels, strict=True):
                kept = [i for i in range(len(wanted)) if wanted[i] != IGNORED and i - shift >= 0]
                means.append(-sum(row[i - shift, wanted[i]].item() for i in kept) / len(kept))
            return torch.tensor(means)

        losses = loss_per_example(logits.clone(), labels.clone())
        assert isinstance(losses, torch.Tensor) and tuple(losses.shape) == (batch,), (
            f"expected shape ({batch},), one loss per example, got {tuple(getattr(losses, 'shape', ()))}: keep the batch")
        wanted = reference(1)
        assert not torch.allclose(losses, reference(0), atol=1e-4), (
            "the shift is missing: each position is compared with the token it has just read; logits at i predict token i + 1")
        counts = (labels != IGNORED).sum(1)
        assert not torch.allclose(losses, wanted * counts / (text - 1), atol=1e-4), (
            "divide by the number of labels in the row, not by its length: positions with -100 must not dilute the mean")
        assert not torch.allclose(losses, wanted * counts, atol=1e-4), (
            "these are sums; divide each by the number of labels in its row")
        assert torch.allclose(losses, wanted, atol=1e-4), f"expected {wanted.tolist()}, got {losses.tolist()}"
    passed("one loss per example, shifted by one, over its own labels")


# ---- 05 summarization -----------------------------------------------------------------------------------------------------

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


# ---- 06 question answering ------------------------------------------------------------------------------------------------

def check_06_token_f1(token_f1) -> None:
    """``token_f1(prediction, references)`` against fractions worked out by hand."""
    for prediction, references, wanted, why in (
        ("in the park", ["in the park"], 1, "equal texts score 1, not 100: the scale is 0 to 1"),
        ("Town hall.", ["the town hall"], 1, "`normalise` both sides: case, full stop and article do not count"),
        ("the old gate", ["the new bridge"], 0, "`normalise` both sides: only the article is shared, and it does not count"),
        ("Birkenau", ["in Birkenau", "Birkenau"], 1, "take the best over the references, not the first and not the mean"),
        ("park", ["in the park"], 2 / 3, "one shared word, of one that was said and two that were wanted"),
        ("Berg Berg Berg", ["Otto Berg"], 2 / 5, "a word is shared as often as it occurs on both sides: count, do not use sets"),
        ("Otto Berg Berg", ["Berg and Berg"], 2 / 3, "a word is shared as often as both sides have it: count, do not use sets"),
        ("because it rained", ["it rained because it snowed"], 3 / 4, "precision 3/3 and recall 3/5; take their harmonic mean"),
    ):
        found = token_f1(prediction, list(references))
        assert abs(found - wanted) < 1e-6, f"{prediction!r} against {references} is {wanted:.3f}, you get {found:.3f}: {why}"
    try:
        empty = token_f1("", ["in the park"])
    except ZeroDivisionError:
        empty = None
    assert empty == 0, f"an empty answer scores 0, you get {'a division by zero' if empty is None else empty}"
    passed("F1 over counted words, best reference")


def check_06_sign_test(sign_test) -> None:
    """``sign_test(right_a, right_b)`` against a list of all ways in which the coins could have fallen."""
    from itertools import product

    for both, only_a, only_b, neither in ((3, 5, 1, 2), (0, 1, 7, 0), (40, 6, 3, 30), (2, 3, 3, 2), (5, 0, 0, 5)):
        right_a = [True] * both + [True] * only_a + [False] * only_b + [False] * neither
        right_b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
        n = only_a + only_b
        tosses = [abs(2 * sum(coins) - n) for coins in product((0, 1), repeat=n)]
        wanted = sum(uneven >= abs(only_a - only_b) for uneven in tosses) / len(tosses)
        found = sign_test(list(right_a), list(right_b))
        facts = f"only A is right {only_a} times, only B {only_b} times, both {both} and neither {neither} times"
        assert 0 <= found <= 1, f"{facts}: a probability lies between 0 and 1, you get {found}"
        assert abs(found - wanted) < 1e-6 or n == 0 or abs(found - wanted / 2) > 1e-6, (
            f"{facts}: p is {wanted:.4f}, you get half of it; an uneven split to the other side counts as well")
        assert abs(found - wanted) < 1e-6, (
            f"{facts}: p is {wanted:.4f}, you get {found:.4f}; only the {n} questions on which they differ are coin tosses, "
            "and every split at least as uneven counts")
    passed("where two systems differ, and how often luck would do the same")


def check_06_edit_report(edit_report) -> None:
    """``edit_report(record, old, new)`` on records in which the phrase also hides inside other words and in the question."""
    for old, new, context, question, answers, edited, edited_answers in (
        ("Agnes Hahn", "Otto Frank", "Agnes Hahn helped. It was hot. Carl Roth paid Agnes Hahn.", "Who helped?", ["Agnes Hahn"],
         "Otto Frank helped. It was hot. Carl Roth paid Otto Frank.", ["Otto Frank"]),
        ("Birkenau", "Goldbach", "She rode to Birkenau. She likes it.", "Where did she ride to?", ["to Birkenau", "Birkenau"],
         "She rode to Goldbach. She likes it.", ["to Goldbach", "Goldbach"]),
        ("8", "13", "8 visitors came on 18 May. It cost 88 euros.", "Did 8 or more people come to watch?", ["8"],
         "13 visitors came on 18 May. It cost 88 euros.", ["13"]),
        ("St. Anna", "St. Vitus", "Stu Anna met her at St. Anna.", "Where?", ["at St. Anna"], "Stu Anna met her at St. Vitus.",
         ["at St. Vitus"]),
    ):
        record = {"context": context, "question": question, "answers": list(answers)}
        found = edit_report(record, old, new)
        assert record == {"context": context, "question": question, "answers": answers}, (
            "the record that was given has changed: make a new one, with a new list of answers")
        assert isinstance(found, dict) and set(found) == set(record), f"return a record with the same fields, got {found!r}"
        assert found["question"] == question, f"the question must stay {question!r}, it became {found['question']!r}"
        assert found["context"] == edited, (
            f"{old!r} became {new!r}, so the report should read {edited!r}, yours reads {found['context']!r}: "
            "replace it everywhere, as whole words, and take its periods literally")
        assert list(found["answers"]) == edited_answers, (
            f"expected the answers {edited_answers}, got {found['answers']}: they change along with the report, all of them")
    passed("one fact changed, and nothing else")


# ---- 07 machine translation -----------------------------------------------------------------------------------------------

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


def check_07_reverse(reverse) -> None:
    """``reverse`` on the translation task: what the model would read and be asked for, and that nothing else changed."""
    from dataclasses import asdict

    from .tasks import get_task

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


# ---- 08 soft versus hard --------------------------------------------------------------------------------------------------

def check_08_frontier(frontier) -> None:
    """``frontier(systems)`` by pairs, on tables with ties, twins and a cheap but bad system."""
    for systems, wanted in (
        ([("words", 0, 20), ("one", 128, 50), ("five", 640, 40), ("full", 9000, 90)], ["words", "one", "full"]),
        ([("full", 9000, 90), ("twenty", 2560, 90), ("five", 640, 70)], ["twenty", "five"]),
        ([("a", 5, 30), ("b", 5, 40), ("c", 5, 10)], ["b"]),
        ([("a", 5, 30), ("b", 5, 30)], ["a", "b"]),
        ([("only", 1, 1)], ["only"]),
    ):
        names = frontier(list(systems))
        assert isinstance(names, list), f"return a list of names, not {type(names).__name__}"
        facts = f"for {systems} expected {wanted}, got {names}"
        assert sorted(names) == sorted(wanted) or len(wanted) == 1 or len(names) != 1, (
            f"{facts}: a worse system stays in the race if it is cheaper")
        assert set(wanted) <= set(names), (
            f"{facts}: nothing is cheaper and better than what you left out; equals do not beat each other")
        assert set(names) <= set(wanted), (
            f"{facts}: one of yours is beaten already, by a system that is as good and cheaper, or as cheap and better")
        assert names == wanted, f"{facts}: keep the order of the table"
    passed("what is left is a matter of taste, or of budget")


def check_08_break_even(break_even) -> None:
    """``break_even`` against a count, request by request."""
    for trained, long, short in ((1050, 120, 20), (1049, 120, 20), (90, 30, 20), (500, 20, 20), (500, 5, 20)):
        requests = break_even(trained, long, short)
        facts = f"training reads {trained} tokens, the prompts have {long} and {short}"
        if long <= short:
            assert requests is None, f"{facts}: no request ever saves anything, return None, not {requests}"
            continue
        wanted = 0
        while wanted * long < 2 * trained + wanted * short:
            wanted += 1
        assert requests is not None, f"{facts}: each request saves {long - short} tokens, so it pays some day"
        assert requests == int(requests), f"{facts}: {requests} is no whole number of requests"
        assert requests != -(-trained // (long - short)), (
            f"{facts}: a token in training costs two, which makes {wanted} requests and not {requests}")
        assert requests != -(-2 * trained // long), (
            f"{facts}: a request with the soft prompt is not free either, it reads {short} tokens")
        assert requests >= wanted, f"{facts}: after {requests} requests it has not paid yet, round up to {wanted}"
        assert requests == wanted, f"{facts}: expected {wanted} requests, got {requests}"
    passed("training is paid once, length on every request")


def check_08_chance(chance) -> None:
    """``chance(a, b)`` against all deals of whole numbers, made one by one."""
    from itertools import permutations

    for a, b in (([7, 8, 9], [1, 2, 3]), ([1, 2, 3], [7, 8, 9]), ([1, 4], [2, 3, 9]), ([5, 5], [5, 5]), ([3, 6, 2], [4, 5])):
        deals = [(order[: len(a)], order[len(a) :]) for order in permutations([*a, *b])]
        apart = [sum(left) * len(b) - sum(right) * len(a) for left, right in deals]       # whole numbers, so exact
        real = sum(a) * len(b) - sum(b) * len(a)
        wanted = sum(abs(difference) >= abs(real) for difference in apart) / len(apart)
        found, facts = chance(list(a), list(b)), f"for {a} and {b}"
        assert isinstance(found, (int, float)) and 0 <= found <= 1, f"{facts}: return a share between 0 and 1, got {found!r}"
        more = sum(abs(difference) > abs(real) for difference in apart) / len(apart)
        assert wanted == more or abs(found - more) > 1e-6, f"{facts}: the real deal counts too; compare with >= and a tolerance"
        for one_way in (sum(difference >= real for difference in apart), sum(difference <= real for difference in apart)):
            share = one_way / len(apart)
            assert abs(share - wanted) < 1e-6 or abs(found - share) > 1e-6, (
                f"{facts}: you count one direction, {found:.2f}; a difference the other way would surprise as much")
        assert abs(found - wanted) < 1e-6, f"{facts} expected {wanted:.3f}, got {found:.3f}: deal all runs, {len(a)} to the first"
    passed("three seeds against three prove little")
