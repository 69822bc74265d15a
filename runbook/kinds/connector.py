"""What inbound and outbound connectors share: how they are read, made, changed and taken away.

Wire: Get-, New-, Set- and Remove-InboundConnector or -OutboundConnector. A new one is enabled unless it is told
otherwise [DOCS]. So it is made disabled, read back, and enabled by a call of its own: a connector that refuses or
routes mail never acts while it is half made. Its type cannot be changed [DOCS; public sample].
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runbook.errors import ApplyFailed
from runbook.kinds.kind import (
    Kind,
    Right,
    Wait,
    absent,
    address,
    assignments,
    cmdlets,
    is_unset,
    named,
    needed,
    said,
    unknown,
)
from runbook.kinds.powershell import command, listing
from runbook.plan import Attribute, Change, Observed
from runbook.values import BOOLEAN, TEXT_SET, WORD_SET, Json, ValueType
from tenantapi import ApiError, Services

_IMPLIED = (
    Attribute(name="Enabled", value=True, note="the service's default; a connector that is off does nothing"),
    Attribute(name="AlsoSet", value=[], note="nothing that narrows or widens it beyond the tutorial"),
)
ALWAYS: Mapping[str, ValueType] = {"Enabled": BOOLEAN, "AlsoSet": TEXT_SET}
_HALFWAY: Mapping[str, Json] = {"Enabled": False}
NOT_TAKEN_AWAY = frozenset({"AlsoSet", "ConnectorType"})
"""What a connector sets beside is left to a person, and its type is fixed once it is made."""


def _domains(value: object) -> Json:
    """Domains are read back as ``smtp:<domain>;<cost>`` [live]; the cost that is not said is 1."""
    words = WORD_SET.canonical(value)
    bare = (str(word).removeprefix("smtp:").removesuffix(";1") for word in words) if isinstance(words, list) else ()
    return [*sorted(set(bare))]


DOMAINS = ValueType(name="set of domains", read=_domains, show=lambda value: WORD_SET.show(_domains(value)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Connectors:
    """One of the two sorts: its name on the wire, and what is told apart of it."""

    type: str
    title: str
    """Name for a person, within a sentence."""
    types: Mapping[str, ValueType]
    """Sort of value of each property that is compared."""
    others: Collection[str]
    """Properties that narrow or widen a connector beside the compared ones."""
    unsafe: Callable[[Mapping[str, Any]], str]
    """Why a connector with these properties must not be made, by a person neither; empty where it may be."""
    together: Mapping[str, tuple[str, ...]]
    """Properties that are sent with another one whenever that is switched on, so that the two never act apart."""

    def read(self, services: Services, identities: Sequence[str]) -> tuple[Observed, ...]:
        """List all connectors and pick by exact name."""
        rows = tuple(services.exchange.rows(f"Get-{self.type}"))
        found = (self._observed(identity, named(rows, identity), len(rows)) for identity in identities)
        return tuple(replace(item, beside=rows) for item in found)

    def _observed(self, identity: str, rows: Sequence[Mapping[str, Any]], listed: int) -> Observed:
        if not rows:
            return absent(self.type, identity, listed=listed)
        if len(rows) > 1:
            return unknown(self.type, identity, f"{len(rows)} {self.title}s have this name")
        row = rows[0]
        properties = {name: needed(row, name) for name in self.types if name != "AlsoSet"}
        return Observed(
            kind=self.type,
            identity=identity,
            presence="present",
            properties={**properties, "AlsoSet": self._also_set(row)},
            handle=address(row, "Guid").lower(),  # a System.Guid, a number written in hexadecimal [live]
            row=row,
            name=row["Name"],
            listed=listed,
        )

    def _also_set(self, row: Mapping[str, Any]) -> list[str]:
        """A missing one is unset: which of them a row has depends on the service's version."""
        found = {name: row[name] for name in self.others if name in row and not is_unset(row[name])}
        return sorted(f"{name}: {said(value)}" for name, value in found.items() if str(value).casefold() != "false")

    def write(self, services: Services, change: Change, observed: Observed, wait: Wait) -> None:
        """Carry out one change, everything that belongs together in one call."""
        if change.action == "delete":
            services.exchange.invoke(f"Remove-{self.type}", {"Identity": observed.handle}, write=True)
        elif change.action == "create":
            self._create(services, change, wait)
        else:
            changed = self._changed(change, observed.properties)
            services.exchange.invoke(f"Set-{self.type}", {"Identity": observed.handle, **changed}, write=True)

    def _changed(self, change: Change, found: Mapping[str, Any]) -> dict[str, Any]:
        changed = assignments(change, only_changed=True)
        fixed = sorted(NOT_TAKEN_AWAY & changed.keys())
        if fixed:
            befores = {item.attribute: item.before for item in change.differences}
            what = ", ".join(f"{name} {self.types[name].show(befores[name])}" for name in fixed)
            raise ApplyFailed(
                f"The {self.title} {change.identity!r} has {what}, which this kit does not change; "
                "nothing of it was changed.",
                "Change that in the Exchange admin center, or remove the connector, then plan again.",
            )
        self._refuse_unsafe(change, {**found, **changed})
        # What goes along unchanged is sent as it was found, so that not even the order of a list is another afterwards.
        return self._as_sent(changed, {**assignments(change, only_changed=False), **found})

    def _as_sent(self, changed: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
        """The changed properties, and those that belong to one that is switched on; a list names nothing twice."""
        added = [name for on in self.together if changed.get(on) for name in self.together[on] if whole.get(name)]
        sent = {**{name: whole[name] for name in added}, **changed}
        return {k: list(dict.fromkeys(v)) if isinstance(v, list | tuple) else v for k, v in sent.items()}

    def _refuse_unsafe(self, change: Change, properties: Mapping[str, Any]) -> None:
        why = self.unsafe(properties)
        if why:
            raise ApplyFailed(f"The {self.title} {change.identity!r} {why}. Nothing of it was written.", _LOOK)

    def _create(self, services: Services, change: Change, wait: Wait) -> None:
        wanted = self._wanted(change)
        self._refuse_unsafe(change, wanted)
        enabled = wanted.pop("Enabled", False)
        send = {"Name": change.identity, **self._as_sent(wanted, wanted), "Enabled": False}
        services.exchange.invoke(f"New-{self.type}", send, write=True)
        seen: list[Observed] = []

        def listed() -> bool:
            seen[:] = [item for item in self.read(services, [change.identity]) if item.presence == "present"]
            return bool(seen)

        try:
            wait(f"the new {self.title} {change.identity}", listed)
        except ApiError as error:
            raise ApplyFailed(
                f"The {self.title} {change.identity!r} was created, disabled, and could not be read back: "
                f"{error.detail}",
                "Plan again: the plan then shows the connector, and what is left to do.",
            ) from error
        self._check_read_back(change, seen[0])
        if enabled:
            services.exchange.invoke(f"Set-{self.type}", {"Identity": seen[0].handle, "Enabled": True}, write=True)

    def _wanted(self, change: Change) -> dict[str, Any]:
        """What a new connector is given: nothing that is unset anyhow, but every switch."""
        whole = assignments(change, only_changed=False)
        return {k: v for k, v in whole.items() if k != "AlsoSet" and (isinstance(v, bool) or not is_unset(v))}

    def _check_read_back(self, change: Change, observed: Observed) -> None:
        for item in change.differences:
            value_type = self.types[item.attribute]
            found = observed.properties.get(item.attribute)
            wanted = False if item.attribute == "Enabled" else item.after
            if value_type.canonical(found) != value_type.canonical(wanted):
                raise ApplyFailed(
                    f"The new {self.title} {change.identity!r} was read back with {item.attribute} "
                    f"{value_type.show(found)} instead of {value_type.show(wanted)}. It was left disabled.",
                    "Look at the connector in the Exchange admin center, remove it, and plan again.",
                )

    def by_hand(self, change: Change) -> tuple[str, ...]:
        """The same change as command lines that a person can run; none for what must not be run."""
        if change.action == "delete":
            return (command(f"Remove-{self.type}", {"Identity": change.identity}),)
        whole = {**change.observed, **assignments(change, only_changed=False)}
        why = self.unsafe(whole)
        if why:
            return (f"# not to be done: the {self.title} {why}",)
        if change.action == "create":
            wanted = self._wanted(change)
            enabled = wanted.pop("Enabled", False)
            lines = [command(f"New-{self.type}", {"Name": change.identity, **wanted, "Enabled": False})]
            if enabled:
                lines.append(command(f"Set-{self.type}", {"Identity": change.identity, "Enabled": True}))
            return tuple(lines)
        changed = assignments(change, only_changed=True)
        fixed = sorted(NOT_TAKEN_AWAY & changed.keys())
        sent = self._as_sent({name: value for name, value in changed.items() if name not in fixed}, whole)
        told = [f"# first see to what this kit does not change: {', '.join(fixed)}; see the plan"] if fixed else []
        setting = [command(f"Set-{self.type}", {"Identity": change.identity, **sent})] if sent else []
        return (*told, *setting)

    def needed_for(self, change: Change) -> tuple[Right, ...]:
        """The cmdlets that this change asks for; a new connector is looked for, and then switched on."""
        if change.action == "delete":
            return cmdlets(f"Remove-{self.type}")
        if change.action == "update":
            return cmdlets(f"Set-{self.type}")
        enabled = assignments(change, only_changed=False).get("Enabled")
        return cmdlets(f"Get-{self.type}", f"New-{self.type}", *([f"Set-{self.type}"] if enabled else []))

    @property
    def rights(self) -> tuple[Right, ...]:
        """All cmdlets that reading and writing may ask for."""
        return cmdlets(*(f"{verb}-{self.type}" for verb in ("Get", "New", "Set", "Remove")))

    def kind(self, implied: tuple[Attribute, ...] = ()) -> Kind:
        """Give the kind of this sort of connector; `implied` is what a new one is given beside what all are."""
        return Kind(
            type=self.type,
            title=self.title.capitalize(),
            types=self.types,
            read=self.read,
            write=self.write,
            by_hand=self.by_hand,
            look_by_hand=lambda name: (listing(f"Get-{self.type}", name),),
            rights=self.rights,
            needed_for=self.needed_for,
            halfway=_HALFWAY,
            implied=(*implied, *_IMPLIED),
            switches=frozenset({"Enabled"}),
            not_taken_away=NOT_TAKEN_AWAY,
        )


_LOOK = "Look at what the tutorial, the inputs and the tenant say of its addresses, then plan again."
