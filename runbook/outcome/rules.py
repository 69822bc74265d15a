"""Transport rules: which of them a message meets, and what they do to it.

Conditions of one rule must all be met, values of one condition are alternatives, each exception is enough to spare
the message [DOCS]. A condition that this module does not know is one that cannot be told.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runbook.kinds.rule_effects import ACTIONS, effects
from runbook.outcome.message import Message
from runbook.outcome.surroundings import Row
from runbook.outcome.threeway import Maybe, all_of, any_of, negated
from runbook.values import BOOLEAN, DATE, INTEGER, NETWORKS, WORD, WORD_SET, ValueType


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a rule sees of a message when its turn comes."""

    message: Message
    headers: tuple[tuple[str, str], ...]
    """All header fields, those that earlier rules have set among them."""
    address: str
    """The address that an address condition sees; empty where it cannot be told which one that is."""


def read(value_type: ValueType, value: Any) -> tuple[Any, bool]:
    """Return a value in its canonical form, and whether it could be understood."""
    try:
        return value_type.canonical(value), True
    except ValueError:
        return None, False


def priority(row: Row) -> int:
    """Return a rule's place in the order; one that cannot be understood counts as first."""
    value, _ = read(INTEGER, row.get("Priority"))
    return value if isinstance(value, int) else -1


def acts(row: Row, now: datetime) -> Maybe:
    """Whether a rule is switched on, enforced, and within its dates."""
    state, mode = read(WORD, row.get("State")), read(WORD, row.get("Mode"))
    if state[0] == "disabled" or (mode[0] not in ("enforce", None) and mode[1]):
        return False
    begins, ends = _moment(row.get("ActivationDate")), _moment(row.get("ExpiryDate"))
    said: list[Maybe] = [True if state[0] == "enabled" and mode[1] else None]
    said += [None if begins is None else begins <= now] if row.get("ActivationDate") else []
    said += [None if ends is None else now < ends] if row.get("ExpiryDate") else []
    return all_of(said)


def _moment(value: Any) -> datetime | None:
    text, understood = read(DATE, value)
    if not understood or not isinstance(text, str) or not text.endswith("Z"):
        return None  # without a zone nobody knows which moment it is
    return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)


def meets(row: Row, sight: Sight) -> Maybe:
    """Whether a message meets all conditions of a rule and none of its exceptions."""
    return all_of([*conditions(row, sight).values(), negated(any_of(exceptions(row, sight).values()))])


def conditions(row: Row, sight: Sight) -> dict[str, Maybe]:
    """Return, for each condition of a rule, whether the message meets it."""
    return _judged(row, sight, "")


def exceptions(row: Row, sight: Sight) -> dict[str, Maybe]:
    """Return, for each exception of a rule, whether the message meets it."""
    return _judged(row, sight, "ExceptIf")


def _judged(row: Row, sight: Sight, prefix: str) -> dict[str, Maybe]:
    found: dict[str, Maybe] = {}
    name = prefix + _HEADER
    if row.get(name):
        found[name] = header_says(sight.headers, row.get(name), row.get(prefix + _WORDS))
    if row.get(prefix + "SenderIpRanges"):
        found[prefix + "SenderIpRanges"] = within(sight.address, row[prefix + "SenderIpRanges"])
    for name, value in effects(row).items():
        bare = name.removeprefix(prefix)
        own = name.startswith("ExceptIf") == bool(prefix) and bare not in (_HEADER, _WORDS, "SenderIpRanges")
        if own and (prefix or bare not in ACTIONS):
            judge = _JUDGES.get(bare)
            found[name] = judge(sight.message, value) if judge else None
    listed = row.get("Exceptions" if prefix else "Conditions") or ()
    if isinstance(listed, list | tuple) and len(listed) > len(found):
        found["one that this kit does not know"] = None  # the service counts more than can be seen here
    return found


_HEADER, _WORDS = "HeaderContainsMessageHeader", "HeaderContainsWords"


def header_says(headers: Iterable[tuple[str, str]], name: Any, words: Any) -> Maybe:
    """Whether a header field of this name holds one of the words: whole, in any letter case, a phrase as it stands."""
    wanted, understood = read(WORD_SET, words)
    field, known = read(WORD, name)
    if not (understood and known):
        return None
    values = [value.lower() for label, value in headers if label.lower() == field]
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", value) for word in wanted for value in values)


def within(address: str, ranges: Any) -> Maybe:
    """Whether an address lies in one of the ranges; one that is not known, or ranges nobody understands: unknown."""
    networks, understood = read(NETWORKS, ranges)
    if not understood or not address:
        return None
    return any(_holds(network, address) for network in networks)


@functools.lru_cache(maxsize=4096)
def _holds(network: str, address: str) -> bool:
    host, block = ipaddress.ip_address(address), ipaddress.ip_network(network)
    return host.version == block.version and host in block


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list | tuple) else [value]
    return [str(item).strip().lower() for item in items]


def domain_is(domain: str, value: Any) -> Maybe:
    """Whether a domain is one of those named; whether one below them counts is not documented for each place."""
    wanted = _texts(value)
    if not domain:
        return None
    if domain.lower() in wanted:
        return True
    return None if any(domain.lower().endswith(f".{item}") for item in wanted) else False


def sent_to(message: Message, value: Any) -> Maybe:
    """Whether the recipient is one of the addresses."""
    return message.recipient.address.lower() in _texts(value) if message.recipient.address else False


def member_of(message: Message, value: Any) -> Maybe:
    """Whether the recipient is in one of the groups, as far as their members are known."""
    wanted = set(_texts(value))
    if wanted & message.recipient.groups:
        return True
    return None if wanted & message.recipient.open_groups else False


def _scope_of(inbound: str) -> Callable[[Message, Any], Maybe]:
    def judge(message: Message, value: Any) -> Maybe:
        word = str(value).strip().lower()
        known = ("inorganization", "notinorganization")
        return word == inbound if word in known else None

    return judge


def _from(message: Message, value: Any) -> Maybe:
    return message.sender.lower() in _texts(value) if message.sender else None


def _sender_domain(message: Message, value: Any) -> Maybe:
    return domain_is(message.sender.rpartition("@")[2], value)


_JUDGES: Mapping[str, Callable[[Message, Any], Maybe]] = {
    # Every message here comes from outside to one of the organisation's own people.
    "FromScope": _scope_of("notinorganization"),
    "SentToScope": _scope_of("inorganization"),
    "From": _from,
    "SenderDomainIs": _sender_domain,
    "RecipientDomainIs": lambda message, value: domain_is(message.recipient.domain, value),
    "SentTo": sent_to,
    "SentToMemberOf": member_of,
}

Deed = tuple[str, Any]
"""Something that a rule does to a message's way: ``scl``, ``end``, ``set-header``, ``remove-header``, ``stop``."""


def asked_headers(rows: Iterable[Row]) -> frozenset[str]:
    """Return the names, in lower case, of the header fields that any rule looks at; others bear on nothing."""
    names = (_HEADER, f"ExceptIf{_HEADER}", "HeaderMatchesMessageHeader", "ExceptIfHeaderMatchesMessageHeader")
    return frozenset(str(row[name]).strip().lower() for row in rows for name in names if row.get(name))


def deeds(row: Row, headers: frozenset[str] | None = None) -> tuple[Deed, ...]:
    """Return what a rule does that bears on where a message lands, in the order in which it counts.

    `headers` are the fields that rules look at: setting another one bears on nothing. Without it, each counts.
    """
    found: list[Deed] = []
    scl, understood = read(INTEGER, row.get("SetSCL"))
    if not understood or isinstance(scl, int):
        found.append(("scl", scl if understood else "unknown"))
    if row.get("SetHeaderName") and _counts(row["SetHeaderName"], headers):
        found.append(("set-header", (str(row["SetHeaderName"]), str(row.get("SetHeaderValue") or ""))))
    if row.get("RemoveHeader") and _counts(row["RemoveHeader"], headers):
        found.append(("remove-header", str(row["RemoveHeader"])))
    found += [("end", place) for place, names in _ENDS for name in names if _is_on(row.get(name))]
    stops, understood = read(BOOLEAN, row.get("StopRuleProcessing"))
    if stops or not understood:
        found.append(("stop", True if understood else None))
    return tuple(found)


def _counts(name: Any, headers: frozenset[str] | None) -> bool:
    return headers is None or str(name).strip().lower() in headers


# A message that a rule sends to the hosted quarantine comes under no quarantine policy [tutorial-language 4.6].
_ENDS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("deleted", ("DeleteMessage",)),
    (
        "rejected",
        (
            "RejectMessageReasonText",
            "RejectMessageEnhancedStatusCode",
            "SmtpRejectMessageRejectText",
            "SmtpRejectMessageRejectStatusCode",
            "Disconnect",
        ),
    ),
    ("quarantine", ("Quarantine",)),
    ("redirected", ("RedirectMessageTo",)),
    ("elsewhere", ("ModerateMessageByUser", "ModerateMessageByManager", "RouteMessageOutboundConnector")),
)


def _is_on(value: Any) -> bool:
    return value not in (None, False, "", []) and str(value).strip().lower() != "false"
