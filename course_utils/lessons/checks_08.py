"""Checks of lesson 08, soft versus hard prompts."""

from __future__ import annotations

from .checks import check, passed


@check
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


@check
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


@check
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
