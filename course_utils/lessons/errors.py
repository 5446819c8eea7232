"""What is wrong with a summary of the gazette: a sorter that compares it with the parts of its reference.

A reference of the target style reads "PERSON VERB THING PLACE because REASON." Summaries of other texts have no such parts; for
them only "right" and "another detail" are told apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

RIGHT, OTHER_EVENT, NAME, THING, FORM, DETAIL = "right", "other event", "name", "thing", "another form", "another detail"
KINDS = (RIGHT, OTHER_EVENT, NAME, THING, FORM, "tense", "no reason", "reason wrong", "no place", "place wrong", DETAIL)
REFERENCE = re.compile(r"(?P<person>\S+ \S+) (?P<verb>\S+) (?P<thing>.+) (?P<place>(?:in|at|on) .+?) because (?P<reason>.+)\.")
TIMES = re.compile(r"\b(?:in|at|on) (?:the )?(?:\w+day|January|February|March|April|May|June|July|August|September|October|"
                   r"November|December|\d|half|quarter|noon|midnight|morning|afternoon|evening)")
PLACE = re.compile(r"\b(?:in|at|on) (?:the \w|[A-ZÄÖÜ])")
SMALL = {"a", "an", "the", "is", "was", "are", "were", "has", "had", "have", "been", "being", "be", "of", "to", "for", "in", "so"}


class Parts(NamedTuple):
    """The parts of a summary in the target style."""

    person: str
    verb: str
    thing: str
    place: str
    reason: str

    @property
    def noun(self) -> str:
        """What the thing is, without article, adjectives and who gets it: its last word."""
        return self.thing.split(" to ")[0].split()[-1]


def parts(reference: str) -> Parts | None:
    """The parts of a reference; None for a text of another form."""
    found = REFERENCE.fullmatch(reference)
    return Parts(**found.groupdict()) if found else None


def words(text: str) -> list[str]:
    """The words of a text, as they stand there."""
    return re.findall(r"[\w'-]+", text)


def same_reason(reason: str, wanted: str) -> bool:
    """Whether two reasons are one, in whatever tense: most of their telling words are the same."""
    ours, theirs = ({word for word in words(text.lower()) if word not in SMALL} for text in (reason, wanted))
    return bool(ours & theirs) and len(ours & theirs) > 0.5 * len(ours | theirs)


def chosen_event(prediction: str, reference: str) -> str:
    """Which event a summary tells: "main" if it has the reference's person and thing, "other" if neither, else what differs.

    That is "name" if the thing is right and the person is not, "thing" the other way round. ValueError for a reference that is
    not in the target style.
    """
    wanted = parts(reference)
    if wanted is None:
        raise ValueError(f"expected a reference 'PERSON VERB THING PLACE because REASON.', got {reference!r}")
    person, thing = wanted.person in prediction, wanted.noun in words(prediction)
    return "main" if person and thing else THING if person else NAME if thing else "other"


def faults(prediction: str, reference: str) -> list[str]:
    """What is wrong with ``prediction``, of `KINDS`; ["right"] if it is the reference.

    A summary of another event, person or thing has that one fault, whatever its style. One of the main event may have several.
    """
    wanted = parts(reference)
    if prediction == reference:
        return [RIGHT]
    if wanted is None:
        return [DETAIL]
    event = chosen_event(prediction, reference)
    if event != "main":
        return [OTHER_EVENT if event == "other" else event]
    told, _, reason = prediction.rstrip(".").partition(" because ")
    found = [] if prediction.startswith(wanted.person) else [FORM]
    if not found and wanted.verb not in words(told):
        found.append("tense")
    if not reason or not same_reason(reason, wanted.reason):
        found.append("reason wrong" if reason else "no reason")
    if wanted.place not in told:
        found.append("place wrong" if PLACE.search(TIMES.sub("", told)) else "no place")
    return found or [DETAIL]


def fault_counts(predictions: Sequence[str], references: Sequence[str]) -> dict[str, int]:
    """How many summaries have each fault of `KINDS`, and how many are right."""
    found = [faults(*pair) for pair in zip(predictions, references, strict=True)]
    return {kind: sum(kind in each for each in found) for kind in KINDS}


def event_shares(runs: Sequence[Sequence[str]], references: Sequence[str]) -> dict[str, float]:
    """How many percent of the summaries of all ``runs`` have each kind of `chosen_event`."""
    found = [chosen_event(*pair) for run in runs for pair in zip(run, references, strict=True)]
    return {kind: 100 * found.count(kind) / len(found) for kind in ("main", "other", NAME, THING)}
