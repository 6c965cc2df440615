"""Whether the whole record of a policy is there, and unchanged: every verdict recomputed, every link followed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

from earlystop.rollout.record.checkpoint import links_of
from earlystop.rollout.search.verdict_chain import DatedLink, Link, forks, last_digest
from earlystop.rollout.verdict import first_verdict_name
from earlystop.rollout.verify.earlier_verdict import EarlierVerdict
from earlystop.rollout.verify.verdict import continuity_differences, object_differences

Manifest = Mapping[str, Any]
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


class Published(NamedTuple):
    """A digest that was told as the latest of a chain. where: who told it, as a sentence's subject."""

    where: str
    digest: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What was found of the verdicts of one policy.

    problems: sentences about what is not as the operator wrote it, none where the record is whole. notes: sentences
    about what is no fault, as what retention has removed. verdicts: how many there are. removed: how many retention has
    removed. head: digest of the latest verdict, "" where there is none.
    """

    policy: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    verdicts: int
    removed: int
    head: str


def chain_report(
    policy: str, verdicts: Sequence[Manifest], checkpoints: Iterable[Manifest] = (), published: Iterable[Published] = ()
) -> ChainReport:
    """The report on a policy's record.

    verdicts, checkpoints: all of policies of this name in its namespace. published: digests that others know of it.
    """
    removed, problems = links_of(checkpoints)
    found = list(problems)
    links, readable = [], []
    for each in verdicts:
        link, sentences = _judged(each)
        found += sentences
        if link is not None:
            links.append(link)
            readable.append(each)
    known = {each.digest: each for each in (*removed, *links)}
    there = {each.digest for each in links}
    gone = [each for each in removed if each.digest not in there]
    found += [
        *_misplaced([*gone, *links], there),
        *_gaps(links, known, _later_decisions(readable)),
        *_discontinuities(readable, known),
    ]
    dated = [DatedLink(str(each["spec"].get("at", "")), Link.of(each)) for each in readable]
    head = last_digest(dated, gone)
    found += _cut_tails(published, known, _name_of(links, head))
    notes = (*_retention_notes(links, known, there), *_beginnings(links))
    return ChainReport(policy, tuple(dict.fromkeys(found)), notes, len(verdicts), len(removed), head)


def missing_heads(
    published: Iterable[Published], verdicts: Iterable[Manifest], removed: Iterable[Link], last: str
) -> list[str]:
    """Sentences about digests that were told as the latest of a chain and that no verdict has: names and routes in the
    latest one are vouched for by nothing else. removed: by retention. last: name of the verdict that is asked about."""
    known = {each.digest: each for each in (*removed, *map(Link.of, verdicts))}
    return _cut_tails(published, known, last)


def _judged(verdict: Manifest) -> tuple[Link | None, list[str]]:
    """The link of a verdict, None where it is no verdict at all, and where it differs from what its looks give."""
    name = (verdict.get("metadata") or {}).get("name", "(without a name)")
    link = None
    try:
        link = Link.of(verdict)
        return link, [f"{name}: {sentence}" for sentence in object_differences(dict(verdict))]
    except UNREADABLE as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        return link, [f"{name} cannot be recomputed by this release: {first}."]


def _name_of(links: Iterable[Link], digest: str) -> str:
    return next((each.name for each in links if each.digest == digest), "")


def _misplaced(links: Sequence[Link], there: set[str]) -> list[str]:
    """Verdicts that are there twice, and those that take the place of another, be it one that retention has removed.
    there: digests of the verdicts that are there."""
    found = _renamed(links, there)
    for (_, previous), rivals in forks(links).items():
        names = " and ".join(sorted(each.name for each in rivals))
        if len({each.digest for each in rivals}) == 1:
            found.append(f"The verdicts {names} are one verdict twice, with the digest {rivals[0].digest}.")
        elif previous:
            found.append(
                f"The verdicts {names} follow the same one, with the digest {previous}: one is not of the chain."
            )
        else:
            found.append(f"The verdicts {names} are each said to be the first of one policy: one is not of the chain.")
    return found


def _renamed(links: Iterable[Link], there: set[str]) -> list[str]:
    """Verdicts with the name of one that retention has removed: no name is ever used twice."""
    removed = {each.name: each for each in links if each.digest not in there}
    return [
        f"The verdict {each.name} has the name of one that retention removed, with the digest "
        f"{removed[each.name].digest}: it is another one, and not of the chain."
        for each in links
        if each.digest in there and each.name in removed
    ]


def _later_decisions(verdicts: Iterable[Manifest]) -> set[str]:
    """Names of the verdicts that are not the first of their campaign."""
    names = ((each["metadata"]["name"], each["spec"]) for each in verdicts)
    return {name for name, spec in names if name != first_verdict_name(str(spec["policy"]), str(spec["revision"]))}


def _gaps(links: Sequence[Link], known: Mapping[str, Link], later: AbstractSet[str]) -> list[str]:
    """Verdicts that others follow and that are gone, though no checkpoint says that retention removed them.

    later: names of verdicts that are not the first of their campaign. Before one of those releases up to 0.1 left a gap
    of their own where they could not store what an abort followed.
    """
    missing: dict[str, list[str]] = {}
    for each in (*known.values(), *links):
        if each.previous and each.previous not in known and each.name not in missing.get(each.previous, ()):
            missing.setdefault(each.previous, []).append(each.name)
    return [
        f"The verdict before {' and '.join(names)}, with the digest {digest}, is not there, and no checkpoint says "
        "that retention removed it: "
        + ("somebody did, or an earlier release could not store it." if later >= set(names) else "somebody did.")
        for digest, names in missing.items()
    ]


def _cut_tails(published: Iterable[Published], known: Mapping[str, Link], last: str) -> list[str]:
    where = f"the chain is cut after {last}, or {last} was changed" if last else "the chain is cut from its beginning"
    return [
        f"{each.where} tells of a verdict with the digest {each.digest}, which is not there: {where}."
        for each in published
        if each.digest and each.digest not in known
    ]


def _retention_notes(links: Iterable[Link], known: Mapping[str, Link], there: set[str]) -> list[str]:
    """What retention has removed, by the verdicts that follow it."""
    notes = []
    for each in links:
        removed: list[Link] = []
        previous = each.previous
        while previous and previous not in there and previous in known and len(removed) < len(known):
            removed.append(known[previous])
            previous = known[previous].previous
        if removed:
            span = removed[0].name if len(removed) == 1 else f"{removed[-1].name} to {removed[0].name}"
            verdicts = "verdict" if len(removed) == 1 else "verdicts"
            notes.append(f"Retention removed {len(removed)} {verdicts} before {each.name}: {span}.")
    return notes


def _beginnings(links: Iterable[Link]) -> list[str]:
    first = {each.policy_uid: each.name for each in links if not each.previous}
    if len(first) < 2:
        return []
    return [
        f"{len(first)} chains begin, with {' and '.join(sorted(first.values()))}: policies of this name that do not go "
        "on from each other, as under earlier releases."
    ]


def _discontinuities(verdicts: Sequence[Manifest], known: Mapping[str, Link]) -> list[str]:
    """Where a verdict does not go on from the margin and the trials that those before it have left. Verdicts whose
    chain has a gap are left out: of these the gap is told."""
    earlier = {str(each["spec"]["digest"]): EarlierVerdict(each["spec"]) for each in verdicts}
    found = []
    for each in verdicts:
        spec, before = each["spec"], _before(each, known)
        if before is None:
            continue
        own = [earlier[digest] for digest in before if digest in earlier]
        try:
            sentences = continuity_differences(spec, [one for one in own if one.spec["policyUid"] == spec["policyUid"]])
        except UNREADABLE:
            continue  # that one of them cannot be recomputed is told
        found += [f"{each['metadata']['name']}: {sentence}" for sentence in sentences]
    return found


def _before(verdict: Manifest, known: Mapping[str, Link]) -> list[str] | None:
    """Digests of the verdicts before one, the first one first; None where one of them is not known."""
    digests: dict[str, None] = {}  # in order; of thousands of verdicts a search through a list would take minutes
    previous = str(verdict["spec"].get("previous", ""))
    while previous:
        if previous not in known or previous in digests:
            return None
        digests[previous] = None
        previous = known[previous].previous
    return [*digests][::-1]
