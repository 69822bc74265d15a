"""Checks and converts the parameters of a cmdlet, the way PowerShell's binder and the service do.

The table is ``cmdlets.json``. Names match without regard to case [CIPP templates]; enums accept an
unambiguous prefix and otherwise answer with every valid name [G2O; live].
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from simtenant.envelope import CmdletError, invalid, unfit, unknown_parameter

HASHTABLE = "#Exchange.GenericHashTable"

_NULLABLE = "TransportRule"
"""Objects whose parameters take null; what it means there is a switch."""
_NEVER_NULL = {"bool", "enum", "int", "switch", "timespan"}

_TIME_SPAN = re.compile(r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{2}):(?P<seconds>\d{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What one parameter accepts."""

    name: str
    type: str
    required: bool = False
    values: tuple[str, ...] = ()
    range: tuple[int, int | None] | None = None
    max_length: int | None = None
    max_items: int | None = None
    nullable: bool = False
    """Whether null is a value of its own, although the type has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cmdlet:
    """One cmdlet: the kind of object it is about, what it does, and its parameters by lower-case name."""

    name: str
    object: str
    effect: str
    parameters: Mapping[str, Parameter]

    @property
    def writes(self) -> bool:
        """Tell whether it changes anything."""
        return self.effect != "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A change to a list: what to add and what to take out."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def apply(self, current: Sequence[str]) -> list[str]:
        """Give the list after the change; an empty delta clears it [CIPP ConvertTo-CIPPExoHashtable]."""
        if not self.add and not self.remove:
            return []
        gone = {item.casefold() for item in self.remove}
        kept = [item for item in current if item.casefold() not in gone]
        held = {item.casefold() for item in kept}
        return kept + [item for item in self.add if item.casefold() not in held]


@cache
def cmdlets() -> Mapping[str, Cmdlet]:
    """Read the table once; keys are lower-case cmdlet names."""
    text = (Path(__file__).parent / "cmdlets.json").read_text(encoding="utf-8")
    table = json.loads(text)["cmdlets"]
    return MappingProxyType({name.lower(): _cmdlet(name, entry) for name, entry in table.items()})


def bind(cmdlet: Cmdlet, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what was sent into arguments with canonical names and types; raises CmdletError.

    Lists become tuples or a Delta, time spans their .NET text, enums their full name. ``None`` of a
    text or a list stays ``None``: what it means is the cmdlet's business, as is every null of a transport rule.
    """
    bound: dict[str, Any] = {}
    for name, value in sent.items():
        if name.endswith("@odata.type") or name.endswith("@data.type"):
            continue
        parameter = cmdlet.parameters.get(name.lower())
        if parameter is None:
            raise unknown_parameter(name)
        takes_null = cmdlet.object == _NULLABLE or parameter.nullable or parameter.type not in _NEVER_NULL
        if value is None and cmdlet.writes and not takes_null:
            raise unfit(parameter.name, "null", "a value. Null isn't accepted.")
        bound[parameter.name] = None if value is None else _convert(parameter, value)
    for parameter in cmdlet.parameters.values():
        if parameter.required and not bound.get(parameter.name):
            raise CmdletError(
                f"Cannot process command because of missing mandatory parameters: {parameter.name}.",
                exception="Microsoft.Exchange.AdminApi.CommandInvocation.ParameterBindingException",
                where="internal",
            )
    return bound


def parse_time_span(text: str) -> timedelta:
    """Read .NET time span text such as ``1.00:00:00``; raises ValueError."""
    match = _TIME_SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time span of the form d.hh:mm:ss")
    parts = {name: int(value or 0) for name, value in match.groupdict().items()}
    return timedelta(**parts)


def time_span_text(span: timedelta) -> str:
    """Write .NET time span text; whole days only appear when there are any."""
    hours, rest = divmod(span.seconds, 3600)
    clock = f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
    return f"{span.days}.{clock}" if span.days else clock


def _cmdlet(name: str, entry: Mapping[str, Any]) -> Cmdlet:
    parameters = {}
    for parameter_name, fields in entry["parameters"].items():
        limits = fields.get("range")
        parameters[parameter_name.lower()] = Parameter(
            name=parameter_name,
            type=fields["type"],
            required=fields.get("required", False),
            values=tuple(fields.get("values", ())),
            range=None if limits is None else (limits[0], limits[1]),
            max_length=fields.get("max_length"),
            max_items=fields.get("max_items"),
            nullable=fields.get("nullable", False),
        )
    return Cmdlet(name=name, object=entry["object"], effect=entry["effect"], parameters=parameters)


def _convert(parameter: Parameter, value: Any) -> Any:
    return _CONVERTERS[parameter.type](parameter, value)


def _text(parameter: Parameter, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise unfit(parameter.name, json.dumps(value), 'type "System.String".')
    text = str(value)
    if parameter.max_length is not None and len(text) > parameter.max_length:
        raise invalid(
            f"The length of the property is too long. {parameter.name} can have at most "
            f"{parameter.max_length} characters; the value has {len(text)}."
        )
    return text


def _enum(parameter: Parameter, value: Any) -> str:
    wanted = value.casefold() if isinstance(value, str) else None
    exact = [name for name in parameter.values if name.casefold() == wanted]
    prefixed = [name for name in parameter.values if wanted and name.casefold().startswith(wanted)]
    found = exact or prefixed
    if len(found) != 1:
        names = ", ".join(parameter.values)
        raise unfit(
            parameter.name,
            value,
            f"the enumeration. Specify one of the following enumerator names and try again: {names}",
        )
    return found[0]


def _int(parameter: Parameter, value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d+\s*", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise unfit(parameter.name, value, 'type "System.Int32".')
    if parameter.range is not None:
        low, high = parameter.range
        if value < low or (high is not None and value > high):
            raise invalid(
                f"The value {value} of {parameter.name} is out of range. It must be at least {low}"
                + ("." if high is None else f" and at most {high}.")
            )
    return value


def _bool(parameter: Parameter, value: Any) -> bool:
    if not isinstance(value, bool):
        raise unfit(parameter.name, value, 'type "System.Boolean".')
    return value


def _time_span(parameter: Parameter, value: Any) -> str:
    try:
        span = parse_time_span(str(value))
    except ValueError:
        raise unfit(parameter.name, value, 'type "System.TimeSpan".') from None
    text = time_span_text(span)
    if parameter.values and text not in parameter.values:
        raise invalid(f"The value {value} of {parameter.name} must be one of {', '.join(parameter.values)}.")
    return text


def _list(parameter: Parameter, value: Any) -> tuple[str, ...]:
    items = [value] if isinstance(value, str | int) and not isinstance(value, bool) else value
    if not isinstance(items, list) or any(isinstance(item, bool | dict | list) or item is None for item in items):
        raise unfit(parameter.name, json.dumps(value), "a list of texts.")
    return tuple(str(item) for item in items)


def _multi(parameter: Parameter, value: Any) -> tuple[str, ...] | Delta:
    if isinstance(value, dict):
        if value.get("@odata.type") != HASHTABLE:
            raise unfit(parameter.name, json.dumps(value), f"a list; an object must have the @odata.type {HASHTABLE}.")
        lowered = {key.lower(): items for key, items in value.items() if not key.startswith("@")}
        if set(lowered) - {"add", "remove", "add@odata.type", "remove@odata.type"}:
            raise unfit(parameter.name, json.dumps(value), "a change of a list: only add and remove are known.")
        return Delta(add=_list(parameter, lowered.get("add", [])), remove=_list(parameter, lowered.get("remove", [])))
    items = _list(parameter, value)
    if parameter.max_items is not None and len(items) > parameter.max_items:
        raise invalid(f"{parameter.name} can have at most {parameter.max_items} entries; there are {len(items)}.")
    return items


def _datetime(parameter: Parameter, value: Any) -> str:
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")).isoformat()
    except ValueError:
        raise unfit(parameter.name, value, 'type "System.DateTime".') from None


def _unusable(parameter: Parameter, value: Any) -> Any:
    """Refuse a parameter that wants a live PowerShell object and so cannot be sent at all [DOCS]."""
    raise unfit(parameter.name, json.dumps(value), 'type "Microsoft.Exchange.Data.QuarantinePermissions".')


def _size(parameter: Parameter, value: Any) -> int | None:
    return None if isinstance(value, str) and value.casefold() == "unlimited" else _int(parameter, value)


def _any(parameter: Parameter, value: Any) -> Any:
    return value


_CONVERTERS: Mapping[str, Callable[[Parameter, Any], Any]] = MappingProxyType(
    {
        "any": _any,
        "bool": _bool,
        "datetime": _datetime,
        "enum": _enum,
        "identity": _text,
        "int": _int,
        "list": _list,
        "multi": _multi,
        "scl": _int,
        "size": _size,
        "switch": _bool,
        "text": _text,
        "timespan": _time_span,
        "unusable": _unusable,
    }
)
