"""Say in a section where mail lands: before, after what is planned, and where test messages were seen to land.

Files in the run's folder, below ``outcome/``: ``before.json`` and ``after.json`` hold what was read of the tenant,
``landed.json`` what was seen, ``outlook.json`` what the notebooks and the record say of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from runbook import journal, library
from runbook.inputs import Effective, Field
from runbook.library import Document
from runbook.outcome import surroundings
from runbook.outcome.matrix import Question, egress_of, questions
from runbook.outcome.outlook import KINDS, About, Seen, not_planned, outlook
from runbook.outcome.surroundings import DOMAIN, Surroundings
from runbook.plan import Plan, plan_json
from runbook.runs import RunFolder, read_json, write_json
from runbook.section.around import look_around
from runbook.section.setup import Setup

_AS_WRITTEN = "as-written"


def concerns(document: Document, section: str) -> bool:
    """Whether a section sets something that decides where mail lands; what is blocked is never set."""
    return any(draft.type in KINDS and not draft.blocked_by for draft in document.drafts(section))


def is_last(document: Document, section: str) -> bool:
    """Whether no later section sets anything that decides where mail lands."""
    concerned = [item.id for item in document.sections if concerns(document, item.id)]
    return concerned[-1:] == [section]


def after_planning(setup: Setup, plan: Plan) -> dict[str, Any] | None:
    """Return the outlook with this section's plan and those before it; None where a section does not bear on it.

    The tenant is read at the first such plan of a run, and never again before something was written.
    """
    if not setup.course.keeps_promises or not concerns(setup.document, setup.section.id):
        return None
    before = _before(setup, [plan])
    return _told(setup, before, None)


def after_verifying(setup: Setup, plan: Plan) -> dict[str, Any] | None:
    """Return the outlook by what was read back once the last section was done, with what was seen of test messages.

    Test messages go to the simulated tenant alone; to a real one nothing is ever sent.
    """
    if not setup.course.keeps_promises or not is_last(setup.document, setup.section.id):
        return None
    before = _before(setup, [plan])
    after = before
    if any(entry["event"] == "change-started" for entry in journal.read(setup.folder.journal)):
        after = look_around(setup.connection.services, _domains(setup, [plan]), journal.now())
    write_json(setup.folder.outcome / "after.json", surroundings.as_json(after))
    write_json(setup.folder.outcome / "landed.json", _sent(setup, after, _domains(setup, [plan])))
    return _told(setup, before, after)


def _told(setup: Setup, before: Surroundings, after: Surroundings | None) -> dict[str, Any]:
    as_if: dict[str, Any] = {}
    states = [item for item in setup.folder.sections() if item["plan"] is not None]
    plans = [_meant(setup, item, as_if) for item in states]
    about = About(
        promises=setup.document.promises,
        domains=_domains(setup, plans),
        roster=setup.connection.roster(),
    )
    seen = Seen(before=before, after=after, plans=plans, landed=_landed(setup.folder))
    told = outlook(seen, about, datetime.fromisoformat(journal.now()))
    told["as_if"] = [f"{name} = {value}" for name, value in as_if.items()]
    told |= not_planned(state["plan"] for state in states)
    write_json(setup.folder.outcome / "outlook.json", told)
    return told


def _landed(folder: RunFolder) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in ("landed.json", "evidence.json"):
        path = folder.outcome / name
        found += read_json(path) if path.is_file() else []
    return found


def _before(setup: Setup, plans: Sequence[Plan]) -> Surroundings:
    """What the tenant was like when the run began: of the first attempt, if the run was taken up again."""
    attempts = sorted((setup.folder.path / "attempts").glob("*/outcome/before.json"), key=_attempt)
    for path in (*attempts, setup.folder.outcome / "before.json"):
        if path.is_file():
            return surroundings.from_json(read_json(path))
    found = look_around(setup.connection.services, _domains(setup, plans), journal.now())
    setup.folder.outcome.mkdir(parents=True, exist_ok=True)
    write_json(setup.folder.outcome / "before.json", surroundings.as_json(found))
    return found


def _attempt(path: Any) -> int:
    return int(path.parent.parent.name)


def _domains(setup: Setup, plans: Sequence[Plan | Mapping[str, Any]]) -> tuple[str, ...]:
    """The domains that a plan is about, or else those that are named for the tenant."""
    named = [change["identity"] for plan in map(_json, plans) for change in plan["changes"] if change["kind"] == DOMAIN]
    return tuple(dict.fromkeys(named)) or setup.domains


def _json(plan: Plan | Mapping[str, Any]) -> Mapping[str, Any]:
    return plan_json(plan) if isinstance(plan, Plan) else plan


def _meant(setup: Setup, state: Mapping[str, Any], as_if: dict[str, Any]) -> Mapping[str, Any]:
    """A section's plan or, where an answer is open, the plan with the text as written and the kit's own defaults.

    What is said of mail is then said as if; the answers that were supposed are added to `as_if`.
    """
    plan: Mapping[str, Any] = state["plan"]
    if not any(item["presence"] == "undecided" for item in plan["problems"]):
        return plan
    values = {item["name"]: item["value"] for item in state["inputs"]}
    known = library.load(library.OWN).described
    inputs = []
    for field in setup.document.fields(state["section"]):
        value = values.get(field.name, field.default)
        if value in (None, "") and (supposed := _supposed(field, known)) is not None:
            value = as_if[field.name] = supposed
        value = tuple(value) if isinstance(value, list) else value
        inputs.append(Effective(field=field, value=value, source="kit's default"))
    if not as_if:
        return plan
    return plan_json(setup.course.plan(state["section"], inputs))


def _supposed(field: Field, known: Mapping[str, Mapping[str, Any]]) -> Any:
    if _AS_WRITTEN in field.choices:
        return _AS_WRITTEN
    value = known.get(field.name, {}).get("default")
    return field.check(value) if value not in (None, "") else None


def _sent(setup: Setup, after: Surroundings, domains: Sequence[str]) -> list[dict[str, Any]]:
    """Send one message of each class to the simulated tenant, and note where it landed."""
    egress = egress_of(after)
    # Without a rule that names the gateway's addresses there is none to come from.
    sent = [asked for asked in questions(after, domains, egress) if asked.message.connecting_ip]
    landed = setup.connection.deliver([handed_in(asked) for asked in sent])
    return [_sight(asked, seen) for asked, seen in zip(sent, landed, strict=bool(landed))]


def _sight(asked: Question, seen: Mapping[str, Any]) -> dict[str, Any]:
    may = seen["user_may"]
    return {
        "disposition": asked.disposition or "none",
        "case": asked.case,
        "recipients": asked.recipients.title,
        "place": seen["place"],
        "quarantine_policy": seen["quarantine_policy"],
        "user_may": None if may is None else sorted(name for name, allowed in may.items() if allowed),
        "notified": seen["notified"],
        "policy": seen["policy"],
        "by": "a test message",
        "at": journal.now(),
    }


def handed_in(asked: Question) -> dict[str, Any]:
    """Return a question as a test message is handed to the simulated tenant."""
    message, recipient = asked.message, asked.message.recipient
    return {
        "to": recipient.address or f"someone-else@{recipient.domain}",
        "via": message.via,
        "connecting_ip": message.connecting_ip,
        "disposition": message.disposition,
        "headers": [list(item) for item in message.headers],
        "verdict": message.verdict,
        "groups": sorted(recipient.groups),
    }
