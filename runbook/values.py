"""Compare what the services return with what a tutorial asks for: one canonical form per sort of value.

A canonical value is plain JSON, so that it can be hashed, stored and shown. Two spellings of the same
thing (null and an empty list, ``P1D`` and ``1.00:00:00``, a host with and without its last dot) have
the same canonical value; two different things never do.
"""

from __future__ import annotations

import functools
import ipaddress
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


_LARGEST = 2**53
"""Beyond it a number has no canonical JSON (RFC 8785)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueType:
    """A sort of value: its canonical form, and how a value as sent or received is shown to a person.

    Both raise ValueError for a value that is not of this sort: it is then unknown, never "different".
    """

    name: str
    read: Callable[[object], Json]
    show: Callable[[object], str]
    sent_canonical: bool = False
    """True where the service does not take what it gives: then the canonical form is what is sent."""
    asked_only: bool = False
    """True where the property counts in a plan that asks for it, and in no other."""

    def canonical(self, value: object) -> Json:
        """Return the canonical form. Whatever is wrong with the value, ValueError is what is raised."""
        try:
            found = self.read(value)
            if isinstance(found, str):
                found.encode()
            elif found is not None and not isinstance(found, bool):
                json.dumps(found, ensure_ascii=False).encode()
        except (TypeError, OverflowError, AttributeError, UnicodeError) as error:
            raise ValueError(f"{value!r} is not a {self.name}") from error
        if isinstance(found, int) and abs(found) > _LARGEST:
            raise ValueError(f"{value!r} is too large a number")
        return found

    def send(self, value: Any) -> Any:
        """Return a value as it was received in the spelling in which the service takes it."""
        return self.canonical(value) if self.sent_canonical else value


def canonical_properties(
    found: Mapping[str, Any], types: Mapping[str, ValueType], asked: Collection[str]
) -> dict[str, Json]:
    """Return the properties of a thing in canonical form; one that counts only where it is asked for, only if it is.

    An absent thing has none. Raises ValueError for a value that is not understood, and when a property is asked for
    that the service need not tell and did not tell.
    """
    untold = [name for name in asked if found and name in types and types[name].asked_only and name not in found]
    if untold:
        raise ValueError(f"it says nothing about {', '.join(untold)}")
    return {
        name: types[name].canonical(value)
        for name, value in found.items()
        if name in types and (name in asked or not types[name].asked_only)
    }


def _show_plain(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_show_plain(item) for item in value) if value else "empty"
    return str(value)


def _text(value: object) -> Json:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return value.strip() or None


def fold(text: str) -> str:
    """Take away letter case and nothing else: a policy named Straße is not the one named Strasse."""
    return text.lower()


def _word(value: object) -> Json:
    """Enum names and policy names: the services compare them without regard to letter case [DOCS]."""
    text = _text(value)
    return fold(text) if isinstance(text, str) else None


def _host(value: object) -> Json:
    """A host with and without the one dot that ends a whole name [RFC 1034, 3.1]."""
    text = _text(value)
    return fold(text).removesuffix(".") if isinstance(text, str) else None


_WHOLE = re.compile(r"[+-]?[0-9]+")


def _integer(value: object) -> Json:
    """Numbers arrive as text or as numbers [exchange-and-graph 3, row 6]."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{value!r} is not a whole number")
    if isinstance(value, str) and not _WHOLE.fullmatch(value.strip()):  # int() takes 1_0 and digits of any script
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


def _boolean(value: object) -> Json:
    """Some booleans arrive as the words True and False [ACL]."""
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if word not in ("true", "false"):
        raise ValueError(f"{value!r} is neither true nor false")
    return word == "true"


def texts(value: object) -> list[str]:
    """Return the texts of a list; null and empty are no text, one text is a list of one. Raises ValueError."""
    if value is None or value == "":
        return []
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(item, str) for item in found):
        raise ValueError(f"{value!r} is not a list of texts")
    return list(found)


def _items(value: object) -> list[str]:
    return [item.strip() for item in texts(value)]


def _word_set(value: object) -> Json:
    """Lists of words as sets; null, empty and missing are one value [DSC issues 1165, 4124]."""
    return sorted({fold(item) for item in _items(value) if item})  # type: ignore[return-value]


def _text_set(value: object) -> Json:
    """Lists of texts as sets, each text to the letter: in a pattern letter case counts, in an added text a blank."""
    return sorted(set(texts(value)))  # type: ignore[return-value]


def _networks(value: object) -> Json:
    """Addresses as sets of addresses, whatever their spelling: host bits, /32, dashed ranges."""
    return list(_collapsed(tuple(_items(value))))


# One list is asked about again for each message of a prediction, and collapsing it is most of what that costs.
@functools.lru_cache(maxsize=256)
def _collapsed(items: tuple[str, ...]) -> tuple[str, ...]:
    found: dict[int, list[Any]] = {4: [], 6: []}
    for item in items:
        for network in parse_addresses(item):
            found[network.version].append(network)
    return tuple(str(network) for version in (4, 6) for network in ipaddress.collapse_addresses(found[version]))


# An address, a range or a CIDR [DOCS]. Python would also take a netmask, or a zone that it then drops.
_ADDRESSES = re.compile(r"[0-9A-Fa-f:.]+(?:/[0-9]{1,3}|\s*-\s*[0-9A-Fa-f:.]+)?")


def parse_addresses(item: str) -> list[Any]:
    """Return the networks of one address, range or CIDR, in order. Raises ValueError for anything else."""
    if not _ADDRESSES.fullmatch(item):
        raise ValueError(f"{item!r} is neither an address nor a range of addresses")
    if "-" in item:
        first, last = (ipaddress.ip_address(part.strip()) for part in item.split("-", 1))
        return list(ipaddress.summarize_address_range(first, last))
    return [ipaddress.ip_network(item, strict=False)]


# Hours end at 23: .NET itself writes a day as 1.00:00:00, so 24:00:00 is nothing that it would write.
_DOTNET = re.compile(
    r"(?:(?P<d>\d+)\.)?(?P<h>[01]?\d|2[0-3]):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?",
    re.ASCII,
)
_ISO = re.compile(
    r"P(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)S)?)?",
    re.ASCII,
)


def parse_timespan(text: str) -> timedelta:
    """Read a time span in .NET (``1.00:00:00``) or ISO 8601 (``P1D``) spelling.

    Exchange is written the first and, for the quarantine notification interval, answers the second
    [CIPP-GQ; G2O-FIX]. Raises ValueError for anything else.
    """
    match = _DOTNET.fullmatch(text.strip()) or _ISO.fullmatch(text.strip())
    if match is None or not any(match.groupdict().values()):
        raise ValueError(f"{text!r} is not a time span")
    part = {name: int(number) for name, number in match.groupdict().items() if number}
    if max(part.values()) > 10**6:
        raise ValueError(f"{text!r} is too long a time span")
    return timedelta(
        weeks=part.get("w", 0),
        days=part.get("d", 0),
        hours=part.get("h", 0),
        minutes=part.get("m", 0),
        seconds=part.get("s", 0),
    )


def dotnet_timespan(span: timedelta) -> str:
    """Write a time span as .NET text, the only spelling that Exchange accepts [DOCS]."""
    hours, rest = divmod(span.seconds, 3600)
    clock = f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
    return f"{span.days}.{clock}" if span.days else clock


_DATE = re.compile(
    r"(?P<to_second>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(?P<part>\d{1,9}))?(?P<zone>Z|[+-]\d{2}:\d{2})?"
)


def _date(value: object) -> Json:
    """A moment as Exchange answers it: ISO text with an offset or Z, seven digits of a second [G2O-FIX, CAP].

    One value without a zone was seen there. Which zone it means is open, so it stays a value of its own.
    """
    text = _text(value)
    if text is None:
        return None
    match = _DATE.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{value!r} is not a date")
    zone, part = match["zone"] or "", (match["part"] or "").rstrip("0")
    moment = datetime.fromisoformat(match["to_second"] + zone.replace("Z", "+00:00"))
    plain = moment.astimezone(UTC).replace(tzinfo=None) if zone else moment
    return plain.isoformat() + (f".{part}" if part else "") + ("Z" if zone else "")


def _timespan(value: object) -> Json:
    return None if value in (None, "") else dotnet_timespan(parse_timespan(str(value)))


def _show_timespan(value: object) -> str:
    if value in (None, ""):
        return "not set"
    span = parse_timespan(str(value))
    minutes, seconds = divmod(span.seconds, 60)
    parts = ((span.days, "day"), (minutes // 60, "hour"), (minutes % 60, "minute"), (seconds, "second"))
    words = [f"{count} {unit}{'s' if count != 1 else ''}" for count, unit in parts if count]
    return " ".join(words) or "0 seconds"


PERMISSION_BITS: Mapping[str, int] = {
    "PermissionToViewHeader": 128,
    "PermissionToDownload": 64,
    "PermissionToAllowSender": 32,
    "PermissionToBlockSender": 16,
    "PermissionToRequestRelease": 8,
    "PermissionToRelease": 4,
    "PermissionToPreview": 2,
    "PermissionToDelete": 1,
}
"""Bits of a quarantine policy's permissions [DOCS, CIPP-QP]."""

_PERMISSION_WORDS = {
    "PermissionToViewHeader": "view header",
    "PermissionToDownload": "download",
    "PermissionToAllowSender": "allow sender",
    "PermissionToBlockSender": "block sender",
    "PermissionToRequestRelease": "request release",
    "PermissionToRelease": "release",
    "PermissionToPreview": "preview",
    "PermissionToDelete": "delete",
}


def _permissions(value: object) -> Json:
    """A number, or the text block of eight ``PermissionToX: True|False`` lines in any order [CIPP-QP, DSC].

    Raises ValueError when the block names a permission twice, an unknown one, or not all eight:
    a half-read block must not pass as rights that are off.
    """
    if value is None or isinstance(value, int) or str(value).strip().isdigit():
        return _integer(value)
    found: dict[str, bool] = {}
    for line in str(value).strip().strip("[]").splitlines():
        if not line.strip():
            continue
        name, separator, state = line.partition(":")
        name, state = name.strip(), state.strip().casefold()
        if not separator or name not in PERMISSION_BITS or name in found or state not in ("true", "false"):
            raise ValueError(f"{line.strip()!r} is not a quarantine permission")
        found[name] = state == "true"
    missing = sorted(PERMISSION_BITS.keys() - found.keys())
    if missing:
        raise ValueError(f"the permissions do not say anything about {', '.join(missing)}")
    return sum(PERMISSION_BITS[name] for name, on in found.items() if on)


def _show_permissions(value: object) -> str:
    bits = _permissions(value)
    if not isinstance(bits, int):
        return "not set"
    names = [_PERMISSION_WORDS[name] for name, bit in reversed(list(PERMISSION_BITS.items())) if bits & bit]
    return f"{bits} ({', '.join(names) or 'no access'})"


def _show_networks(value: object) -> str:
    items = _items(value)
    if len(items) <= 4:
        return ", ".join(items) or "empty"
    return f"{len(items)} entries: {items[0]} to {items[-1]}"


TEXT = ValueType(name="text", read=_text, show=_show_plain)
WORD = ValueType(name="word", read=_word, show=_show_plain)
HOST = ValueType(name="host", read=_host, show=_show_plain)
INTEGER = ValueType(name="integer", read=_integer, show=_show_plain, sent_canonical=True)
BOOLEAN = ValueType(name="boolean", read=_boolean, show=_show_plain, sent_canonical=True)
WORD_SET = ValueType(name="set of words", read=_word_set, show=_show_plain)
TEXT_SET = ValueType(name="set of texts", read=_text_set, show=_show_plain)
NETWORKS = ValueType(name="set of addresses", read=_networks, show=_show_networks)
DATE = ValueType(name="date", read=_date, show=_show_plain)
TIMESPAN = ValueType(name="time span", read=_timespan, show=_show_timespan, sent_canonical=True)
PERMISSIONS = ValueType(name="permissions", read=_permissions, show=_show_permissions, sent_canonical=True)
