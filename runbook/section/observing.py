"""Read a tenant and compare it with what the section asks for. Nothing here writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runbook import collision, desired, following, governing, naming, ruletrace
from runbook.compile.result import ResourceDraft
from runbook.errors import UnreadableState
from runbook.kinds import BY_TYPE, VALUE_TYPES
from runbook.outcome.recipients import Roster
from runbook.plan import Change, Observed, Plan, Problem, Resource, diff
from runbook.plan.entries import Op
from runbook.section.around import GOVERNING, look_around
from runbook.undo import LEFT
from runbook.values import Json
from tenantapi import ApiError, Services
from tenantapi.errors import NOBODY_TO_ASK, CircuitOpenError, SignInError, UnreachableError

People = Callable[[], Roster | None]
_FATAL = (SignInError, UnreachableError, CircuitOpenError)


def unreadable(error: ApiError) -> UnreadableState:
    """Word a service's error as a state that could not be read, with what to do."""
    if error.kind == NOBODY_TO_ASK:
        remedy = "Sign in once, at a terminal:\n\n    runbook preflight --tenant NAME\n"
        return UnreadableState(f"{error.summary}: {error.detail}", remedy)
    return UnreadableState(f"{error.summary}: {error.detail}", error.remedy)


def look_up_in(services: Services) -> desired.LookUp:
    """Return the look-up of values that another service knows."""

    def look_up(source: str, identity: str) -> tuple[str | None, str]:
        if not source.startswith("graph:domains/") or "recordType=Mx" not in source:
            return None, f"this kit cannot look up {source}"
        try:
            found = services.graph.expected_mx(identity)
        except _FATAL as error:
            raise unreadable(error) from error
        except ApiError as error:
            return None, f"the expected MX could not be read: {_with_remedy(error)}"
        if found is None:
            return None, f"Microsoft Graph names no expected MX for {identity}; set forwarding_to"
        return found, "expected MX, read from Microsoft Graph"

    return look_up


def read_objects(services: Services, keys: Iterable[tuple[str, str]]) -> tuple[Observed, ...]:
    """Read things by kind and identity; what could not be read is unknown, with the reason.

    Raises UnreadableState when the tenant cannot be reached or signed in to at all.
    """
    by_kind: dict[str, list[str]] = {}
    for kind, identity in keys:
        by_kind.setdefault(kind, []).append(identity)
    found: list[Observed] = []
    for kind, identities in by_kind.items():
        try:
            found += BY_TYPE[kind].read(services, identities)
        except _FATAL as error:
            raise unreadable(error) from error
        except (ApiError, ValueError) as error:
            reason = f"{error.summary}: {_with_remedy(error)}" if isinstance(error, ApiError) else str(error)
            found += [
                Observed(kind=kind, identity=name, presence="unknown", properties={}, reason=reason)
                for name in identities
            ]
    return tuple(found)


def read_for(services: Services, items: Iterable[Resource | Change]) -> tuple[Observed, ...]:
    """Read what resources or changes are about, each thing once and by the properties that are named of it.

    Raises UnreadableState when the tenant cannot be reached or signed in to at all.
    """
    names: dict[tuple[str, str], set[str]] = {}
    for item in items:
        named = names.setdefault(item.key, set())
        if isinstance(item, Resource):
            named.update(attribute.name for attribute in item.attributes)
        else:
            named.update(difference.attribute for difference in item.differences)
    return tuple(_compared(found, names[found.key]) for found in read_objects(services, names))


def _compared(found: Observed, names: Collection[str]) -> Observed:
    try:
        return BY_TYPE[found.kind].compared(found, names)
    except ValueError as error:
        return replace(found, presence="unknown", properties={}, reason=str(error))


def _with_remedy(error: ApiError) -> str:
    return f"{error.detail} {error.remedy}".strip().rstrip(".")


def make_plan(
    services: Services,
    drafts: Sequence[ResourceDraft],
    *,
    section: str,
    values: Mapping[str, Any],
    domains: Sequence[str],
    scope: Mapping[str, Json],
    people: People = lambda: None,
    before: Sequence[ResourceDraft] = (),
    after: Sequence[ResourceDraft] = (),
) -> Plan:
    """Read what the section is about and return the plan.

    `people` gives a list of all recipients, if there is one; `before` and `after` are what the text's other sections
    ask for: a thing that one of them makes is no stranger.
    """
    wanted = desired.wanted(drafts, values, domains, look_up_in(services))
    resources = following.bounded(wanted.resources)
    observed = read_for(services, resources)
    plan = diff(resources, observed, section=section, scope=scope, types=VALUE_TYPES)
    plan = _within_limits(plan)
    plan = following.settle(plan, resources, following.makers(before, values))
    plan = collision.settle(plan, resources, observed, values.get(naming.ADOPT) or ())
    own = naming.created((*before, *after), naming.renames(values.get(naming.RENAME)))
    plan = ruletrace.settle(plan, resources, observed, values.get(naming.ACCEPT) or (), own)
    if governing.edits_default(plan):
        around = look_around(services, domains, "", only=GOVERNING)
        consent = bool(values.get(naming.NOBODY))
        plan = governing.settle(plan, around, domains, people(), consent=consent)
    return replace(plan, problems=(*wanted.problems, *plan.problems), seen=_seen(observed))


def _within_limits(plan: Plan) -> Plan:
    """Add a problem for each change of which the service's documented limits say that it would be refused."""
    told = [(change, BY_TYPE[change.kind].limits(change)) for change in plan.pending]
    problems = tuple(Problem.of(change, "undecided", reason) for change, reason in told if reason)
    return replace(plan, problems=(*plan.problems, *problems))


def _seen(observed: Iterable[Observed]) -> tuple[dict[str, str], ...]:
    """Name everything that stood in the lists, once."""
    lists = {item.kind: item.beside for item in observed if item.beside}
    return tuple(
        {"kind": kind, "name": str(row.get("Name")), "id": str(row.get("Guid") or "").lower()}
        for kind, rows in lists.items()
        for row in rows
    )


def gone(change: Change) -> bool:
    """Whether a change says that a thing is no longer there, as it should be."""
    return change.action == "none" and not change.differences and not change.observed


def checks(plan: Plan) -> list[dict[str, Any]]:
    """Turn a fresh plan into one check per property: what is wanted, what was found, and whether they agree."""
    found: list[dict[str, Any]] = []
    for change in plan.changes:
        if gone(change) or change.action == "delete":
            found.append(_absence(change))
            continue
        for item in change.differences:
            if item.note == LEFT:
                continue  # nobody asked for it to be as before
            before = BY_TYPE[change.kind].types[item.attribute].show(item.before)
            if item.entries:
                before += f"; {entries_text(item.op, item.entries)}"
            missing = change.action == "create" or bool(change.awaits)
            found.append(
                {
                    "kind": change.kind,
                    "identity": change.identity,
                    "name": item.attribute,
                    "wanted": item.after,
                    "found": item.before,
                    "found_text": "nothing: it does not exist" if missing else before,
                    "ok": not item.changed,
                    "lines": list(item.lines),
                    "words": item.words,
                }
            )
    return found


def entries_text(op: Op, entries: Sequence[str]) -> str:
    """Say what a list lacks, or holds against the wish."""
    return f"{'it lacks' if op == 'add' else 'it still holds'} {', '.join(entries)}"


def _absence(change: Change) -> dict[str, Any]:
    """One check that a thing which was taken away is not there."""
    is_gone = gone(change)
    return {
        "kind": change.kind,
        "identity": change.identity,
        "name": "existence",
        "wanted": "gone",
        "found": "gone" if is_gone else "there",
        "found_text": "gone" if is_gone else "it is still there",
        "ok": is_gone,
        "lines": list(change.lines),
        "words": "",
    }
