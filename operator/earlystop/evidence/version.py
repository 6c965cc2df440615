"""Versions of the arithmetic of evidence. A plan names the one that it is judged by, and its record carries it.

A campaign goes on under the version that it began with, and a record is recomputed with the version that made it, so
neither a release in the middle of a rollout nor a later one changes what looks say. What differs:

- Version 1: the stake of a look followed that look's own mix of query classes, the interval for Exact Match was
  asymptotic, on pooled answers and without dispersion, lengths of answers were taken as independent draws, and harm was
  judged at the full risk in shadow and again on live answers. Plans of this version name none.
- Version 2: the stake follows a running variance (`strata`), intervals are those of the tests that decide
  (`effect_bounds`), evidence is divided by how much events scatter between the arms, or users do (`divisors`), and
  all stages of a campaign share the risk of harm.
- Version 3: unscored answers that count as mismatches are of the query class that they were asked in, where version 2
  shared them among classes as scored answers are (`missing_answers`); and a mix of classes that moved with the weights
  is part of what looks must prove (`request_mix`), where under version 2 the operator alone saw to it.
- Version 4: a claim against the floor is divided by how much the candidate's own level scatters too (`arm_scatter`),
  where under version 3 only what the arms differ by counted, in which a level that both share cancels; and hours in
  which there were no looks cover no `rollout.minimumHours` beyond a quarter of them (`rollout.promotion`). Bursts
  of frequent events are known once as many looks taught them as are waited for, where four blocks of ten events were
  enough (`divisors`).
- Version 5: evidence beyond that of a risk of 5 % counts as Student's law has it, where looks teach the factor that
  divides it (`discount`), so that a small share of a risk is worth what it says.
- Version 6: of pairs, too, it is compared in which variant more answers are missing, and the pairs that lack none must
  prove a promotion by themselves as well (`pair_attrition`). An objective that excludes unscored answers leaves out
  pairs that lack one (`missing_answers`). Before, each such answer
  was a wrong one whatever the objective said, and nothing held the promotion where the baseline's were missing. Where
  groups of requests that stay with a variant seem to outlast the blocks that must be learned, longer ones must be. A
  claim against the floor acts on a guess of 6 at least until blocks of looks are learned, however requests are split,
  which says nothing of a level that both variants share. And what blocks of rare events show to grow with their length
  is carried on while their scatter is a guess, which has fewer degrees of freedom (`divisors`).
- Version 7: evidence on Exact Match is divided by at least what requests show of groups that last, as far as their
  answers may be that much alike (`lasting_groups`), where under version 6 the blocks of answers alone said by how much,
  although few of these are long.
- Version 8: differences of answers teach how much these scatter by how many answers a look has (`scatter`), where under
  version 7 all looks counted alike, so that many quiet ones hid how the busy ones scattered, and looks without a
  mistake hid the sessions that go wrong as a whole where nearly all are right. Nothing is known while a few looks have
  nearly all answers. And a factor that is a guess is at
  least what requests show as soon as they do (`lasting_groups.guessed_scatter`). What they show of groups that last
  bounds how much lengths scatter, too.
- Version 9: a saving must be shown without the longest answer of the baseline, and with more like the candidate's
  longest (`tokens`), where under version 8 a few huge answers of the baseline could prove it, and few answers of the
  candidate could hide what it needs. The candidate's lengths vary by at least half of the baseline's variance, whatever
  few of them show. What requests show of groups before answers do weighs blocks by their requests and is an upper bound
  (`lasting_groups`), as a few groups are easily missed.
- Version 10: a guardrail is broken only if it is so without the candidate's largest burst of bad events, and its
  evidence is divided by at least as much as the candidate's own events scatter (`candidate_bursts`), where under
  version 9 one large burst that hit the candidate alone could break it. Where caps of the variants say how long an
  answer can be, the saving is tested exactly by that limit, as if the policy stated it (`rollout/answer_limit.py`),
  until counts pass it. No other claim is read otherwise.
- Version 11: what the candidate's own events scatter has no largest factor, and is read without one old rise of their
  level (`one_rise`), a burst is looked for in spells of each length, and what outlasts all bursts is an outage at a
  smaller part, and one in which it answers for a look between is still one (`candidate_bursts`). Under version 10 a few
  large bursts of one size broke a guardrail in 6 to 13 % of campaigns, and harm that began late at few requests was
  found three times as late. No other claim is read otherwise.
"""

from __future__ import annotations

FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH, SEVENTH, EIGHTH, NINTH, TENTH, CURRENT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11


def check_version(version: object) -> None:
    """Raise ValueError unless this release can compute evidence of that version."""
    if not isinstance(version, int) or not FIRST <= version <= CURRENT:
        raise ValueError(
            f"the engine's version is {version!r}, and this release knows {FIRST} to {CURRENT}; read it with the "
            "release that wrote it, or a later one"
        )
