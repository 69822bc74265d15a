"""Whom a policy is in force for: those that no policy before it includes.

Editing the Default policy changes nothing for a recipient whom a preset or a custom policy includes [DEF], so a
change that reaches nobody is said before it is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from runbook.outcome.precedence import Scope, scopes, winners
from runbook.outcome.recipients import Roster
from runbook.outcome.surroundings import POLICY_RULE, PRESET_RULE, Row, Surroundings

_CONDITIONS = {
    "SentTo": "the addresses {}",
    "SentToMemberOf": "members of {}",
    "RecipientDomainIs": "recipients of {}",
}


def coverage(found: Surroundings, policy: str, roster: Roster | None) -> dict[str, Any]:
    """Return, as plain JSON, every policy in its order with whom it is for, and how many that are.

    `policy` is the one that is edited. Counts are of the roster, and None without one; recipients of whom it cannot
    be told are counted apart, in `unknown`.
    """
    counted: Counter[tuple[str, str]] = Counter()
    undecided = 0
    for recipient in roster.recipients if roster else ():
        possible = winners(found, recipient)
        if len(possible) == 1 and possible[0].scope is not None:
            counted[(possible[0].scope.level, possible[0].scope.rule)] += 1
        else:
            undecided += 1
    rows = [
        {
            "level": scope.level,
            "rule": scope.rule,
            "policy": scope.policy,
            "who": who(scope.row),
            "recipients": counted[(scope.level, scope.rule)] if roster else None,
            "edited": scope.policy.strip().lower() == policy.strip().lower(),
        }
        for scope in scopes(found)
    ]
    return {
        "policy": policy,
        "rows": rows,
        "unknown": undecided if roster else None,
        "listed": len(roster.recipients) if roster else None,
        "source": roster.source if roster else "",
        "unread": [why for name in (PRESET_RULE, POLICY_RULE) if (why := found.part(name).unknown)],
    }


def who(row: Row | None) -> str:
    """Say in words for whom a rule is."""
    if row is None:
        return "everybody whom no policy above includes"
    said = [text.format(_several(row[name])) for name, text in _CONDITIONS.items() if row.get(name)]
    spared = [
        text.format(_several(row[f"ExceptIf{name}"]))
        for name, text in _CONDITIONS.items()
        if row.get(f"ExceptIf{name}")
    ]
    text = " who are also ".join(said) or "everybody"
    return f"{text}, except {' and '.join(spared)}" if spared else text


def _several(value: Any) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)


def winning_over(found: Surroundings, domains: Sequence[str], roster: Roster | None) -> tuple[Scope, ...]:
    """Return the policies that leave Default nobody, or nothing where Default reaches somebody or may.

    That is so where each of these domains (or, without any, everybody) is wholly included by a policy before it, or
    where a list of all recipients shows nobody that is left.
    """
    if found.part(PRESET_RULE).unknown or found.part(POLICY_RULE).unknown:
        return ()
    before = [scope for scope in scopes(found) if scope.row is not None]
    whole = {domain: [scope for scope in before if _is_whole(scope.row or {}, domain)] for domain in domains or ("",)}
    if before and all(whole.values()):
        return tuple({scope.rule: scope for found_ in whole.values() for scope in found_[:1]}.values())
    if roster is None or not roster.recipients:
        return ()
    won: dict[str, Scope] = {}
    for recipient in roster.recipients:
        for winner in winners(found, recipient):
            if winner.scope is None or winner.scope.row is None:
                return ()
            won[winner.scope.rule] = winner.scope
    return tuple(won.values())


def _is_whole(row: Row, domain: str) -> bool:
    """Whether a rule includes every recipient of a domain, whoever that may be."""
    if row.get("SentTo") or row.get("SentToMemberOf") or any(row.get(f"ExceptIf{name}") for name in _CONDITIONS):
        return False
    domains = [str(item).lower() for item in row.get("RecipientDomainIs") or ()]
    return not domains or domain.lower() in domains
