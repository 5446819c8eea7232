"""Plausible wrong answers to lesson 08's exercises: each is told what is wrong. (Stubs and solutions: test_checks.py.)"""

import math
import random
from itertools import combinations

import pytest

from course_utils.lessons import checks_08


def only_the_best(systems):
    return [max(systems, key=lambda system: system[2])[0]]


def strictly_better_in_both(systems):
    return [name for name, cost, score in systems if not any(c < cost and s > score for _, c, s in systems)]


def one_of_equals(systems):
    kept, best = [], -math.inf
    for name, _, score in sorted(systems, key=lambda system: (system[1], -system[2])):
        if score > best:
            kept.append(name)
            best = score
    return kept


def by_cost(systems):
    return [name for name, *_ in sorted(systems, key=lambda s: s[1])
            if name in [n for n, c, v in systems if not any((d <= c and w >= v and (d, w) != (c, v)) for _, d, w in systems)]]


def pays(factor=2, rounded=math.ceil, free=False):
    return lambda trained, long, short: rounded(factor * trained / (long if free else long - short)) if long > short else None


def deals(a, b, compare, draws=None):
    bag, n = [*a, *b], len(a)

    def difference(chosen):
        return sum(bag[i] for i in chosen) / n - sum(x for i, x in enumerate(bag) if i not in chosen) / len(b)

    real, ways = difference(range(n)), list(combinations(range(len(bag)), n))
    return sum(compare(difference(way), real) for way in ways) / len(ways)


def with_replacement(a, b):
    rng, bag = random.Random(0), [*a, *b]
    real = abs(sum(a) / len(a) - sum(b) / len(b))
    draws = [abs(sum(rng.choices(bag, k=len(a))) / len(a) - sum(rng.choices(bag, k=len(b))) / len(b)) for _ in range(500)]
    return sum(draw >= real for draw in draws) / len(draws)


@pytest.mark.parametrize(("name", "wrong", "hint"), [
    ("frontier", only_the_best, "if it is cheaper"),
    ("frontier", strictly_better_in_both, "beaten already"),
    ("frontier", one_of_equals, "order of the table|equals do not beat"),
    ("frontier", by_cost, "order of the table"),
    ("frontier", lambda systems: [name for name, *_ in systems], "beaten already"),
    ("break_even", pays(factor=1), "costs two"),
    ("break_even", pays(factor=3), "expected"),
    ("break_even", pays(rounded=math.floor), "round up"),
    ("break_even", pays(rounded=float), "whole number"),
    ("break_even", pays(free=True), "not free either"),
    ("break_even", lambda trained, long, short: math.ceil(2 * trained / max(long - short, 1)), "return None"),
    ("break_even", lambda *_: None, "some day"),
    ("chance", lambda a, b: deals(a, b, lambda deal, real: deal >= real - 1e-9), "one direction"),
    ("chance", lambda a, b: deals(a, b, lambda deal, real: abs(deal) > abs(real) + 1e-9), "real deal counts"),
    ("chance", with_replacement, "deal all runs"),
    ("chance", lambda a, b: [0.1], "a share"),
])
def test_wrong_answers_are_told_what_is_wrong(name, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        getattr(checks_08, f"check_08_{name}")(wrong)
