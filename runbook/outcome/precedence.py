"""Which anti-spam policy is in force for a recipient: the first that includes them, and no other [DEF].

Strict preset, then Standard preset, then what else the presets' cmdlet lists (an evaluation), then custom policies by
priority, then Default [DEF how-policies-and-protections-are-combined]. A rule without conditions is for everybody
[live; SCUBA]; conditions of several sorts must all be met, values of one sort are alternatives, and each exception is
enough [DEF].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from runbook.outcome.message import Message, Recipient
from runbook.outcome.rules import domain_is, member_of, priority, read, sent_to
from runbook.outcome.surroundings import POLICY, POLICY_RULE, PRESET_RULE, Row, Surroundings
from runbook.outcome.threeway import Maybe, all_of, any_of, negated
from runbook.values import WORD

Level = Literal["Strict", "Standard", "evaluation", "custom", "Default"]
DEFAULT = "Default"
"""Name of the policy that is for everybody whom no other one includes [DOCS]."""
_PRESET_LEVELS: tuple[Level, ...] = ("Strict", "Standard", "evaluation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One policy with the rule that says for whom it is, in the order in which they are asked."""

    level: Level
    rule: str
    """Name of the rule; empty for Default, which has none."""
    policy: str
    """Name of the policy that the rule brings to bear."""
    row: Row | None

    @property
    def text(self) -> str:
        """Name the policy the way an administrator knows it."""
        if self.row is None:
            return "the Default policy"
        if self.level in ("Strict", "Standard"):
            return self.rule
        return f"{self.policy} (by the rule {self.rule!r})" if self.rule != self.policy else self.policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Winner:
    """A policy that is, or may be, in force for a recipient."""

    scope: Scope | None
    """None where rules could not be read: then some policy is in force that nobody can name."""
    doubt: str = ""
    """Why another one may be in force instead; empty where it is certain."""


def scopes(found: Surroundings) -> Iterator[Scope]:
    """Yield all policies in the order in which they are asked; those that are switched off are left out."""
    presets = [(_level(row, found), row) for row in found.rows(PRESET_RULE)]
    for level in _PRESET_LEVELS:
        yield from (_scope(level, row) for of, row in sorted(presets, key=_by_priority) if of == level and _is_on(row))
    for row in sorted(found.rows(POLICY_RULE), key=priority):
        if _is_on(row):
            yield _scope("custom", row)
    yield Scope(level="Default", rule="", policy=DEFAULT, row=None)


def _by_priority(pair: tuple[Level, Row]) -> int:
    return priority(pair[1])


def _scope(level: Level, row: Row) -> Scope:
    return Scope(level=level, rule=str(row.get("Name")), policy=str(row.get(POLICY) or ""), row=row)


def _is_on(row: Row) -> bool:
    return bool(read(WORD, row.get("State"))[0] != "disabled")


def _level(row: Row, found: Surroundings) -> Level:
    """A preset is told by its policy's type, or by the rule's name, never by the policy's bare name [live; ORCA]."""
    policy = policy_row(found, str(row.get(POLICY) or ""))
    said = [str((policy or {}).get("RecommendedPolicyType", "")).lower(), str(row.get("Name")).lower()]
    for level in _PRESET_LEVELS[:2]:
        if said[0] == level.lower() or said[1] == f"{level.lower()} preset security policy":
            return level
    return "evaluation"


def policy_row(found: Surroundings, name: str) -> Row | None:
    """Return the anti-spam policy of this name, in any letter case; None where there is not exactly one."""
    rows = [row for row in found.rows(POLICY) if str(row.get("Name")).strip().lower() == name.strip().lower()]
    return rows[0] if len(rows) == 1 else None


def includes(row: Row | None, recipient: Recipient) -> Maybe:
    """Whether a policy's rule includes a recipient; None for no rule, which includes everybody."""
    if row is None:
        return True
    message = Message(recipient=recipient)
    return all_of([*_met(row, message, "").values(), negated(any_of(_met(row, message, "ExceptIf").values()))])


def _met(row: Row, message: Message, prefix: str) -> dict[str, Maybe]:
    judges: dict[str, Any] = {
        "SentTo": sent_to,
        "SentToMemberOf": member_of,
        "RecipientDomainIs": lambda message, value: domain_is(message.recipient.domain, value),
    }
    return {name: judge(message, row[prefix + name]) for name, judge in judges.items() if row.get(prefix + name)}


def winners(found: Surroundings, recipient: Recipient) -> tuple[Winner, ...]:
    """Return the policies that may be in force for a recipient: one where that is certain."""
    unread = [found.part(name).unknown for name in (PRESET_RULE, POLICY_RULE) if found.part(name).unknown]
    possible: list[Winner] = []
    if unread:
        possible.append(Winner(scope=None, doubt=f"the rules of other policies could not be read: {unread[0]}"))
    for scope in scopes(found):
        included = includes(scope.row, recipient)
        if included is False:
            continue
        doubt = "" if included else f"whether the recipient is among those of {scope.text} cannot be told"
        possible.append(Winner(scope=scope, doubt=doubt))
        if included:
            break
    return tuple(possible)
