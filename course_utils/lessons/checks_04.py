"""Checks of lesson 04, the debugging clinic."""

from __future__ import annotations

from itertools import combinations

import torch

from ..base_models import load_base_model
from ..batches import IGNORED, EncodedDataset, encode
from ..records import load_task_data
from ..sanity_checks import CHECKS, like, run_checks
from ..tasks import get_task
from ..training import TrainingConfig, fit
from .bugs import BUGS, make_buggy
from .checks import check, passed
from .clinic import PATIENTS

SHOWS = {   # what each bug would show, for whoever suspects it
    "no target fed in": "the loss would stay far above that of the right pipeline, and check 3 would fail",
    "labels not shifted": "the prompt would learn to repeat the token just read, and check 3 would fail",
    "off by the prompt": "labels would be predicted from the wrong place: check 3 would fail, and the loss would stay high",
    "padding counts": "the loss would start high, end below that of the healthy prompt, and check 3 would pass",
    "source counts": "most labels would ask for words of the reports, so the loss would stay high, and check 5 would fail",
    "N(0, 1) start": "the text before training would differ from that of the healthy prompt, and the loss would end above it",
    "pads behind the prompt": "check 3 would fail, but loss and answers would be close to those of the healthy prompt",
    "end token masked": "the answers would be right at their beginning and go on where they should stop",
}


@check
def check_04_diagnosis(diagnosis) -> None:
    """``diagnosis()`` names a bug for each of the three unlabelled runs."""
    said = diagnosis()
    assert isinstance(said, dict) and set(said) == set(PATIENTS), (
        f"return a dict with the keys {', '.join(PATIENTS)}, got {said!r}")
    for letter, name in said.items():
        assert name in BUGS, f"{letter}: {name!r} is no bug of this lesson; they are {', '.join(BUGS)}"
    assert len(set(said.values())) == len(said), "the three have three different bugs"
    wrong = {letter: name for letter, name in said.items() if name != PATIENTS[letter]}
    assert not wrong, "not yet. " + " ".join(
        f"{letter} with {name!r}: {SHOWS[name]}; compare that with what {letter} shows." for letter, name in wrong.items())
    passed("all three are diagnosed")


@check
def check_04_padding_matters(padding_matters) -> None:
    """``padding_matters(losses_of, lengths)`` for made-up pipelines whose losses are known."""
    lengths = [4, 9, 6, 9]
    base = [2.0, 0.5, 1.0, 3.0]

    def pipeline(effect):
        def losses_of(numbers):
            assert len(set(numbers)) == len(numbers), "a record twice in a batch says nothing; give different numbers"
            longest = max(lengths[i] for i in numbers)
            return torch.tensor([effect(base[i], longest - lengths[i], n, len(numbers)) for n, i in enumerate(numbers)])
        return losses_of

    def ask(effect):
        answer = padding_matters(pipeline(effect), list(lengths))
        assert answer is True or answer is False, f"return True or False, got {answer!r}"
        return answer

    assert ask(lambda loss, pads, *_: loss * 4 / (4 + pads)), (
        "missed a pipeline in which padding counts: compare the loss of a short record alone with its loss beside a longer one")
    assert ask(lambda loss, pads, *_: loss + 0.3 * pads), "missed a pipeline in which padding raises the loss: look both ways"
    assert not ask(lambda loss, *_: loss), (
        "a false alarm for a right pipeline: compare each record with itself; records differ among each other")
    assert not ask(lambda loss, pads, n, size: loss + 1e-6 * size), (
        "a false alarm: batches of another size round differently by some 1e-6; allow for 1e-3")
    assert ask(lambda loss, pads, *_: loss + (0.05 if pads else 0)), "missed a change of 0.05 nats: more than 1e-3 is no rounding"
    assert ask(lambda loss, pads, *_: loss + (0.002 if pads else 0)), "missed a change of 0.002 nats: only 1e-3 is rounding"
    assert ask(lambda loss, pads, *_: loss + (0.3 if loss == 1.0 and pads else 0)), (
        "missed a pipeline in which only the third record changes: go through all records, not only the first or the shortest")
    assert ask(lambda loss, pads, *_: loss + (0.2 if loss == 2.0 else -0.2) * (pads > 0)), (
        "missed a pipeline in which the changes of two records cancel in the mean: compare them record by record")
    passed("it sees padding, and only padding")


def scored(logits, input_ids, source_lengths, text_lengths, end_id, faults=()):
    """The loss that `step_loss` should return, position by position, with the given faults of the printed step."""
    prompt, losses = logits.shape[1] - input_ids.shape[1], []
    shift = 0 if "no shift" in faults else 1
    for row, ids in enumerate(input_ids.tolist()):
        length = len(ids) if "padding" in faults else int(text_lengths[row])
        for i in range(1 if "source" in faults else int(source_lengths[row]), length):
            if "end" in faults and ids[i] == end_id:
                continue
            at = i - shift + (0 if "prompt" in faults else prompt)
            losses.append(-logits[row].log_softmax(-1)[at, ids[i]])
    return torch.stack(losses).mean()


FAULTS = {
    "source": "the source still counts: only labels from source_lengths on do",
    "end": "the real end token does not count: mask by text_lengths, not by the id that padding shares with it",
    "prompt": "the logits still begin with those of the prompt: leave out the first prompt_length of them",
    "padding": "padding counts: labels from text_lengths on do not",
    "no shift": "the shift is gone: logits at position i predict token i + 1",
}


@check
def check_04_step_loss(step_loss) -> None:
    """``step_loss(logits, input_ids, source_lengths, text_lengths, end_id)`` against a loop over positions."""
    generator = torch.Generator().manual_seed(0)
    for prompt, sources, texts in ((2, [3, 2], [6, 4]), (3, [1, 4, 2], [4, 7, 7])):
        vocab, end = 9, 0
        input_ids = torch.full((len(texts), max(texts)), end)
        for row, length in enumerate(texts):
            input_ids[row, : length - 1] = torch.randint(1, vocab, (length - 1,), generator=generator)
        logits = 2 * torch.randn(len(texts), prompt + max(texts), vocab, generator=generator)
        given = (logits, input_ids, torch.tensor(sources), torch.tensor(texts), end)
        loss = step_loss(*(each.clone() if isinstance(each, torch.Tensor) else each for each in given))
        assert isinstance(loss, torch.Tensor) and loss.dim() == 0, "return the mean loss, a tensor with one number"
        wanted = scored(*given)
        for count in range(1, len(FAULTS) + 1):
            for faults in combinations(FAULTS, count):
                if not torch.allclose(wanted, scored(*given, faults), atol=1e-5):
                    assert not torch.allclose(loss, scored(*given, faults), atol=1e-5), "; ".join(FAULTS[each] for each in faults)
        assert torch.allclose(loss, wanted, atol=1e-4), (
            f"expected {wanted:.4f}, got {loss:.4f}: the mean over all target tokens of the batch, each end token among them")
    passed("target tokens alone, the end among them, each scored one position earlier, behind the prompt")


@check
def check_04_my_bug(my_bug) -> None:
    """``my_bug(dataset)`` -> (items, names of the checks that will fail), against a training run on the smallest base model."""
    base, tokenizer = load_base_model("course-gpt2-xs", "cpu")
    task, records = get_task("translation"), load_task_data("translation")
    system = make_buggy(None, base, task)
    right = [encode(list(records[split])[:number], task, tokenizer, system)
             for split, number in (("train", 64), ("validation", 16))]
    sets = []
    for dataset in right:
        before = [{name: tensor.clone() for name, tensor in item.items()} for item in dataset.items]
        result = my_bug(dataset)
        assert isinstance(result, tuple) and len(result) == 2, "return two things: the new items, and the checks that will fail"
        items, predicted = result
        items = items.items if isinstance(items, EncodedDataset) else list(items)
        assert same(before, dataset.items), "the given items have changed: work on copies, `tensor.clone()`"
        assert len(items) == len(before), f"{len(items)} items for {len(before)}: keep their number"
        assert bag(before) != bag(items), "nothing has changed, or only the order of the records: this is no bug"
        assert all(len(item["input_ids"]) == len(item["labels"]) for item in items), "an item has as many labels as ids"
        assert all((item["labels"] != IGNORED).any() for item in items), "an item without a label: there is nothing to learn"
        unknown = [name for name in predicted if name not in CHECKS]
        assert not isinstance(predicted, str) and not unknown, f"predict with a set of names of checks: {', '.join(CHECKS)}"
        sets.append(like(dataset, items))
    config = TrainingConfig(epochs=4, batch_size=8, learning_rate=0.1, dtype="float32")
    fit(system, *sets, config, progress=False)
    results = run_checks(system, *sets, config.learning_rate)
    failed = {result.name for result in results if not result.passed}
    assert failed == set(predicted), (
        f"you predicted that {', '.join(sorted(predicted)) or 'none'} would fail; after training there failed "
        f"{', '.join(sorted(failed)) or 'none'}: " + "; ".join(map(str, results)))
    passed(f"predicted and measured: {', '.join(sorted(failed)) or 'no check'} fails")


def bag(items) -> list:
    """What a list of items holds, in any order."""
    return sorted((tuple(item["input_ids"].tolist()), tuple(item["labels"].tolist())) for item in items)


def same(first, second) -> bool:
    """Whether two lists of items hold the same numbers."""
    return len(first) == len(second) and all(
        torch.equal(a[name], b[name]) for a, b in zip(first, second, strict=True) for name in a)
