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
