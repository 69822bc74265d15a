"""Every cmdlet call that the kit can make uses documented parameters, types and values only.

The kinds write generated changes to a recorder. Their values are those that the kit's own lexicon can say (read from
its file, so that a new label is checked too); what is documented is read from the facts beside the repository, not from
any table of ours. Without that file there is nothing to compare with, and the tests are skipped.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.errors import ApplyFailed
from runbook.kinds import KINDS
from runbook.plan import Change, Difference, Observed
from runbook.plan.entries import ADDRESS_ENTRIES

ROOT = Path(__file__).resolve().parents[2]
FACTS = ROOT.parent / "shared" / "facts" / "exchange-cmdlets.json"
LABELS = ROOT / "runbook" / "lexicon" / "labels.yaml"

pytestmark = pytest.mark.skipif(not FACTS.is_file(), reason=f"the documented cmdlets ({FACTS.name}) are not here")

# The facts name the cmdlets of outbound connectors and have no page of them, so that there is nothing to compare with.
KINDS_OF_EXCHANGE = [kind for kind in KINDS if kind.type not in ("EmailSecurityDomain", "OutboundConnector")]
NETWORK = st.sampled_from(["192.0.2.7", "192.0.2.0/24", "198.51.100.0/26", "203.0.113.1-203.0.113.9"])
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=64)
# Parameters that no label sets: what the kinds add by themselves, and a threshold that they know how to restore.
IMPLIED = {
    "Mode": st.just("Enforce"),
    "AlsoSet": st.just([]),
    "BulkThreshold": st.integers(1, 9),
    "IsDehydrated": st.just(False),
    "ActivationDate": st.none(),
    "ExpiryDate": st.none(),
}
DOMAIN = st.sampled_from(["*", "example.net", "example.org"])
# Parameters that the kinds know and the lexicon may be taught; what a label says goes before.
UNSAID = {
    "ConnectorType": st.sampled_from(["Partner", "OnPremises"]),
    "Comment": WORDS,
    "SenderDomains": st.lists(DOMAIN, min_size=1),
    "SenderIPAddresses": st.lists(NETWORK, max_size=3),
    "RequireTls": st.booleans(),
    "RestrictDomainsToIPAddresses": st.booleans(),
    "EFSkipLastIP": st.booleans(),
    "EFSkipIPs": st.lists(NETWORK, max_size=3),
    "EFUsers": st.lists(st.just("one@example.com"), max_size=1),
    "From": st.lists(st.just("one@example.net"), min_size=1),
    "FromScope": st.sampled_from(["InOrganization", "NotInOrganization"]),
    "SenderDomainIs": st.lists(DOMAIN, min_size=1),
    "SubjectContainsWords": st.lists(WORDS, min_size=1, max_size=3),
    "ExceptIfSenderDomainIs": st.lists(DOMAIN, min_size=1),
    "SetHeaderName": st.just("X-Seen"),
    "SetHeaderValue": WORDS,
    "Quarantine": st.booleans(),
    "StopRuleProcessing": st.booleans(),
}


# Whether null clears a condition or a date is open (facts 7, point 9); a switch of the simulated tenant plays both.
CLEARED_BY_NULL = ("ActivationDate", "ExpiryDate")


def documented() -> dict[str, Any]:
    return json.loads(FACTS.read_text(encoding="utf-8"))["cmdlets"] if FACTS.is_file() else {}


CMDLETS = documented()


def faults(cmdlet: str, parameters: dict[str, Any]) -> list[str]:
    """Say everything about a call that is not documented."""
    if cmdlet not in CMDLETS:
        return [f"{cmdlet} is not documented"]
    known = CMDLETS[cmdlet]["params"]
    found = [f"{cmdlet} has no parameter {name}" for name in parameters if name not in known]
    found += [
        f"{cmdlet} wants {name}" for name, about in known.items() if about.get("required") and name not in parameters
    ]
    for name, value in parameters.items():
        if value is None and name in CLEARED_BY_NULL:
            continue
        found += [f"{cmdlet} -{name} {value!r}: {why}" for why in value_faults(known.get(name, {}), value)]
    return found


def value_faults(about: dict[str, Any], value: Any) -> list[str]:
    wire = about.get("wire", "")
    if isinstance(value, dict):
        return [] if IN_PLACE in wire and is_in_place(value) else [f"not {wire}"]
    sorts: dict[str, bool] = {
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "array": isinstance(value, list) and all(isinstance(item, str) and item == item.strip() for item in value),
        "string": isinstance(value, str) and bool(value),
    }
    sort = next((sort for sort in sorts if wire.startswith(sort)), None)
    found = [] if sort is None or sorts[sort] else [f"not {wire}"]
    if wire == "string|integer" and isinstance(value, int):
        found = []
    if wire.startswith("string(d.hh:mm:ss)") and not re.fullmatch(r"(\d+\.)?\d\d:\d\d:\d\d", str(value)):
        found.append("not a .NET time span")
    if "values" in about and value not in about["values"]:
        found.append(f"not one of {about['values']}")
    low, high = about.get("range", (None, None))
    if isinstance(low, int) and isinstance(high, int) and sorts["integer"] and not low <= value <= high:
        found.append(f"not within {low} and {high}")
    if isinstance(about.get("maxLength"), int) and isinstance(value, str) and len(value) > about["maxLength"]:
        found.append("too long")
    return found


FILTER = "Set-HostedConnectionFilterPolicy"
IN_PLACE = "#Exchange.GenericHashTable"


def is_in_place(value: dict[str, Any]) -> bool:
    """Whether a value says what a list gets or loses, and something of it: an empty one would clear the list."""
    parts = {name: items for name, items in value.items() if name != "@odata.type"}
    whole = all(isinstance(items, list) and items for items in parts.values())
    return value.get("@odata.type") == IN_PLACE and bool(parts) and set(parts) <= {"add", "remove"} and whole


def spoken() -> dict[str, Any]:
    """Make for each parameter of the lexicon a strategy of the values that its labels can give."""
    made: dict[str, list[Any]] = {}
    for place in yaml.safe_load(LABELS.read_text(encoding="utf-8"))["labels"]:
        shared = place.get("options", {})
        for row in place["rows"]:
            if "parameter" in row:
                made.setdefault(row["parameter"], []).append(of_label(row, shared))
    return {name: st.one_of(strategies) for name, strategies in made.items()} | IMPLIED


def of_label(row: dict[str, Any], shared: dict[str, Any]) -> Any:
    # A refused option is in the lexicon so that the linter can say why; the compiler never gives it to a kind.
    offered = [option for option in row.get("options") or shared.get(row.get("use"), []) if "refused" not in option]
    options = [option["value"] for option in offered]
    match row["type"]:
        case "bits" if row["pick"] == "many":
            return st.lists(st.sampled_from(options), unique=True, min_size=1).map(sum)
        case "integer" | "range":
            return st.integers(row["low"], row["high"])
        case "words":
            return st.lists(WORDS, min_size=1, max_size=3)
        case "reference":
            return st.lists(NETWORK, min_size=1, max_size=3)
        case "switch" | "flag":
            return st.booleans()
        case "text":
            return WORDS
    return st.sampled_from(options)


VALUES = spoken() | UNSAID


@st.composite
def difference(draw, kind, name, *, changed, create):
    """Draw a value to set or, of a list of entries, what is put in or taken out."""
    value = draw(VALUES[name])
    in_place = kind.types[name] is ADDRESS_ENTRIES and not create
    op = draw(st.sampled_from(["set", "add", "remove"])) if in_place else "set"
    before = {"set": ["CopyTo"] if name == "AlsoSet" else None, "add": [], "remove": value}[op]
    return Difference(
        attribute=name,
        before=before,
        after=[] if op == "remove" else value,
        lines=(),
        words="",
        note="",
        changed=changed,
        op=op,
        entries=() if op == "set" else tuple(value),
    )


@st.composite
def changes(draw, kind):
    names = draw(st.lists(st.sampled_from(sorted(kind.types)), unique=True, min_size=1))
    action = draw(st.sampled_from(["create", "update", "delete"] if kind.creates else ["update"]))
    create = action == "create"
    if create:  # a tutorial that is silent about what the service demands has it from the kind
        demanded = [
            name
            for name, about in CMDLETS.get(f"New-{kind.type}", {"params": {}})["params"].items()
            if about.get("required")
        ]
        names += [item.name for item in kind.implied if item.name in demanded and item.name not in names]
    differences = tuple(
        draw(difference(kind, name, changed=create or draw(st.booleans()) or index == 0, create=create))
        for index, name in enumerate(names)
    )
    return Change(
        action=action,
        kind=kind.type,
        identity=draw(WORDS),
        section="",
        differences=differences,
        reason="",
        lines=(),
        observed={},
        handle="7f0c0f6e-0000-4000-8000-000000000001",
        expected={},
    )


@dataclass
class Recorder:
    """Stand for the Exchange client: keep every call and show a new thing as it was made."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)

    def rows(self, cmdlet: str, **parameters: Any) -> tuple[dict[str, Any], ...]:
        self.calls.append((cmdlet, parameters))
        return tuple(self.made)

    def invoke(self, cmdlet: str, parameters: dict[str, Any], *, write: bool, select: Any = ()) -> Any:
        self.calls.append((cmdlet, dict(parameters)))
        if cmdlet.startswith("New-"):
            state = "Enabled" if parameters.get("Enabled", True) else "Disabled"
            self.made.append({**dict.fromkeys(VALUES), **parameters, "Guid": "g", "State": state})
        return SimpleNamespace(rows=())


def written(kind: Any, change: Change) -> list[tuple[str, dict[str, Any]]]:
    recorder = Recorder()
    services: Any = SimpleNamespace(exchange=recorder)
    held = {item.attribute: item.before for item in change.differences if item.op != "set"}
    observed = Observed(
        kind=kind.type, identity=change.identity, presence="present", properties=held, handle=change.handle
    )
    with contextlib.suppress(ApplyFailed):  # a kind may refuse to go on; what it called before counts all the same
        kind.write(services, change, observed, lambda what, visible: visible())
    return recorder.calls


@pytest.mark.parametrize("kind", KINDS_OF_EXCHANGE, ids=lambda kind: kind.type)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_write_is_documented(kind, data):
    change = data.draw(changes(kind))
    calls = written(kind, change)
    found = [why for cmdlet, parameters in calls for why in faults(cmdlet, parameters)]
    assert found == []
    # What a thing sets beside the tutorial is never taken away, and no connector restricts to no address: such a
    # change is refused as a whole.
    refused = {*kind.not_taken_away, "RestrictDomainsToIPAddresses"}
    assert calls or any(item.attribute in refused for item in change.differences)


@pytest.mark.parametrize("kind", KINDS_OF_EXCHANGE, ids=lambda kind: kind.type)
def test_a_read_is_documented(kind):
    recorder = Recorder()
    services: Any = SimpleNamespace(exchange=recorder)
    kind.read(services, ["Default"])
    assert recorder.calls
    assert [why for cmdlet, parameters in recorder.calls for why in faults(cmdlet, parameters)] == []


@pytest.mark.parametrize("name", sorted({name for kind in KINDS_OF_EXCHANGE for name in kind.types}))
def test_every_property_of_a_kind_can_be_drawn(name):
    assert name in VALUES, f"no label says {name}, and the kinds are not known to add it"


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "why"),
    [
        ("Set-TransportRule", {"Identity": "x", "Enabled": True}, "has no parameter Enabled"),
        ("Set-TransportRule", {"SetSCL": 5}, "wants Identity"),
        ("Set-TransportRule", {"Identity": "x", "SetSCL": 12}, "not within -1 and 9"),
        ("Set-TransportRule", {"Identity": "x", "SetSCL": "5"}, "not integer"),
        ("Set-TransportRule", {"Identity": "x", "HeaderContainsWords": "A, B"}, "not array"),
        ("Set-TransportRule", {"Identity": "x", "Mode": "enforce"}, "not one of"),
        ("Set-QuarantinePolicy", {"Identity": "x", "EndUserSpamNotificationFrequency": "P1D"}, "time span"),
        ("Set-QuarantinePolicy", {"Identity": "x", "ESNEnabled": "True"}, "not boolean"),
        ("New-TransportRule", {"Name": "n" * 65}, "too long"),
        (FILTER, {"Identity": "x", "IPAllowList": {"add": ["192.0.2.1"]}}, "not array"),
        (FILTER, {"Identity": "x", "IPAllowList": {"@odata.type": IN_PLACE}}, "not array"),
        (FILTER, {"Identity": "x", "IPAllowList": {"@odata.type": IN_PLACE, "Replace": ["192.0.2.1"]}}, "not array"),
        ("Set-TransportRule", {"Identity": "x", "SetSCL": {"@odata.type": IN_PLACE, "add": ["5"]}}, "not integer"),
        ("Get-Anything", {}, "is not documented"),
    ],
)
def test_what_is_not_documented_is_seen(cmdlet, parameters, why):
    assert why in " ".join(faults(cmdlet, parameters))
