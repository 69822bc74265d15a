"""What Microsoft's filter makes of a message, and what the policy in force then does with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runbook.kinds.kind import plain_name
from runbook.outcome.ending import Ending, Grade, Place, Step, UserRight
from runbook.outcome.message import Verdict
from runbook.outcome.precedence import Winner, policy_row
from runbook.outcome.rules import read
from runbook.outcome.surroundings import QUARANTINE, Row, Surroundings
from runbook.outcome.threeway import Maybe
from runbook.values import BOOLEAN, PERMISSIONS, WORD

_SEVERITY: tuple[Verdict, ...] = (
    "none", "bulk", "spam", "high-confidence-spam", "phish", "high-confidence-phish"
)  # fmt: skip
# What is asked for by which level [DEF scl-about; DOCS]: 2, 3 and 4 are never given by the service itself.
_ASKED: dict[int, Verdict] = {
    5: "spam", 6: "spam", 7: "high-confidence-spam", 8: "high-confidence-spam", 9: "high-confidence-spam"
}  # fmt: skip
_PROPERTIES: dict[Verdict, tuple[str, str]] = {
    "bulk": ("BulkSpamAction", "BulkQuarantineTag"),
    "spam": ("SpamAction", "SpamQuarantineTag"),
    "high-confidence-spam": ("HighConfidenceSpamAction", "HighConfidenceSpamQuarantineTag"),
    "phish": ("PhishSpamAction", "PhishQuarantineTag"),
    "high-confidence-phish": ("HighConfidencePhishAction", "HighConfidencePhishQuarantineTag"),
}
# An action's place; what the two that only mark a message do beyond that is not in the facts [DOCS].
_PLACES: dict[str, tuple[Place, ...]] = {
    "movetojmf": ("junk",),
    "quarantine": ("quarantine",),
    "delete": ("deleted",),
    "redirect": ("redirected",),
    "noaction": ("inbox",),
    "addxheader": ("inbox", "junk"),
    "modifysubject": ("inbox", "junk"),
}
_REQUESTS = "New-TransportRule -SetSCL: an input to filtering since August 2026 [DOCS]"
WORDS: dict[Verdict, str] = {
    "none": "not spam",
    "bulk": "bulk",
    "spam": "spam",
    "high-confidence-spam": "high confidence spam",
    "phish": "phishing",
    "high-confidence-phish": "high confidence phishing",
}


def judged(own: Verdict, scl: Any, heeded: Maybe) -> tuple[tuple[Verdict, ...], Step]:
    """Return the verdicts that may stand once a rule has asked for an SCL (None: none did), and the step.

    `own` is what the filter makes of the message by itself. The more severe one stands.
    """
    if scl is None:
        return (own,), Step(text=f"Microsoft's own verdict: {WORDS[own]}", source="given with the message")
    if scl == -1:
        stays = own == "high-confidence-phish"
        text = "SCL -1 passes the spam filter" + (
            "; high confidence phishing is acted on all the same" if stays else ""
        )
        passed: Verdict = own if stays else "none"
        if heeded or passed == own:
            return (passed,), Step(text=text, source="DEF, scl-about and allow lists")
        text = "SCL -1 asks to pass the spam filter, which is not heeded"
        return (own,) if heeded is False else (passed, own), Step(text=text, source=_REQUESTS, grade="unknown")
    asked = _ASKED.get(scl) if isinstance(scl, int) else None
    if asked is None:
        text = f"the rule's SCL {scl} asks for a verdict that nothing says"
        both: tuple[Verdict, ...] = (own,) if own == "high-confidence-phish" else tuple(dict.fromkeys((own, "none")))
        return both, Step(text=text, source="DEF, scl-about", grade="unknown")
    if own == "high-confidence-spam" and asked == "spam":
        text = (
            f"SCL {scl} requests spam of what the filter holds for high confidence spam; which counts is not confirmed"
        )
        return (own, asked), Step(text=text, source=_REQUESTS, grade="unknown")
    stands = max(own, asked, key=_SEVERITY.index)
    step = Step(
        text=f"SCL {scl} requests {WORDS[asked]}; the verdict is {WORDS[stands]}", source=_REQUESTS, grade="conditional"
    )
    if heeded or stands == own:
        return (stands,), step
    found = (own,) if heeded is False else (stands, own)
    return found, Step(
        text=f"SCL {scl} requests {WORDS[asked]}, which is not heeded", source=_REQUESTS, grade="unknown"
    )


def treated(found: Surroundings, winner: Winner, verdict: Verdict) -> tuple[tuple[Ending, ...], tuple[Step, ...]]:
    """Return where a message with this verdict ends under a policy, and by which steps."""
    scope = winner.scope
    if scope is None:
        step = Step(text=winner.doubt, source="the rules of policies", grade="unknown")
        return (Ending(place="unknown"),), (step,)
    grade: Grade = "unknown" if winner.doubt else "documented"
    steps = [Step(text=f"in force: {scope.text}{_because(winner)}", source="DEF, order of policies", grade=grade)]
    if verdict == "none":
        steps.append(Step(text="nothing acts on it", source="DEF"))
        return (Ending(place="inbox", policy=scope.policy),), tuple(steps)
    row = policy_row(found, scope.policy)
    if row is None:
        steps.append(
            Step(text=f"the policy {scope.policy!r} was not found", source="the list of policies", grade="unknown")
        )
        return (Ending(place="unknown", policy=scope.policy),), tuple(steps)
    name, tag = _PROPERTIES[verdict]
    action = str(read(WORD, row.get(name))[0])
    places = _PLACES.get(action, ("unknown",))
    if verdict == "bulk" and read(WORD, row.get("MarkAsSpamBulkMail"))[0] == "off":
        places = (*places, "inbox")  # what the threshold then still does is not in the facts
    sure: Grade = "documented" if len(places) == 1 and places[0] != "unknown" else "unknown"
    steps.append(
        Step(text=f"{WORDS[verdict]}: {name} {row.get(name)}", source=f"{scope.policy}, {name} [DOCS]", grade=sure)
    )
    endings = []
    for place in dict.fromkeys(places):
        if place == "quarantine":
            ending, step = _quarantined(found, str(row.get(tag) or ""), scope.policy, verdict)
            endings.append(ending)
            steps.append(step)
        else:
            endings.append(Ending(place=place, policy=scope.policy))
    return tuple(endings), tuple(steps)


def _because(winner: Winner) -> str:
    return f"; {winner.doubt}" if winner.doubt else ""


def _quarantined(found: Surroundings, tag: str, policy: str, verdict: Verdict) -> tuple[Ending, Step]:
    """The ending in quarantine: what the recipient may do is what the quarantine policy says, but for one case."""
    row = _quarantine_policy(found, tag)
    bits, understood = read(PERMISSIONS, (row or {}).get("EndUserQuarantinePermissions"))
    if row is None or not understood or not isinstance(bits, int):
        why = found.part(QUARANTINE).unknown or (
            f"no quarantine policy {tag!r} was found" if row is None else "its rights could not be read"
        )
        step = Step(
            text=f"quarantine policy {tag or '(none)'}: {why}",
            source="the list of quarantine policies",
            grade="unknown",
        )
        return Ending(place="quarantine", quarantine_policy=tag, policy=policy), step
    may = frozenset(_rights(bits, verdict))
    text = f"quarantine policy {tag}: the recipient may {', '.join(sorted(may)) or 'do nothing'}"
    if bits & _RELEASE and verdict == "high-confidence-phish":
        text += "; release of high confidence phishing is never honoured, it becomes a request"
    notified, _ = read(BOOLEAN, row.get("ESNEnabled"))
    ending = Ending(
        place="quarantine",
        quarantine_policy=plain_name(row),
        user_may=may,
        notified=notified if isinstance(notified, bool) else None,
        policy=policy,
    )
    return ending, Step(text=text, source="quarantine policies [DEF]")


_RELEASE, _REQUEST, _PREVIEW, _DELETE = 4, 8, 2, 1


def _rights(bits: int, verdict: Verdict) -> Iterator[UserRight]:
    if bits & 0b111111:
        yield "see"
    if bits & _PREVIEW:
        yield "preview"
    if bits & _DELETE:
        yield "delete"
    may_release = bool(bits & _RELEASE)
    if may_release and verdict != "high-confidence-phish":
        yield "release"
    elif bits & _REQUEST or may_release:
        yield "request"


def _quarantine_policy(found: Surroundings, tag: str) -> Row | None:
    wanted = tag.strip().strip("{}").lower()
    rows = [row for row in found.rows(QUARANTINE) if str(plain_name(row)).strip().lower() == wanted]
    return rows[0] if len(rows) == 1 else None
