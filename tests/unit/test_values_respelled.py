"""For every sort of value: whatever the spelling, the same thing is equal, and another thing is not.

Each sort has a plain model of what a value says (a set of addresses, a number of seconds …), ways to write it down at
random, and ways to change it in one place. The canonical form must agree with the model, which knows nothing of it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook import values
from runbook.kinds import VALUE_TYPES
from runbook.plan import entries


@dataclass(frozen=True)
class Model:
    """What values of one sort say, how one may be written, and how it may be changed in one place."""

    type: values.ValueType
    things: st.SearchStrategy[Any]
    spelled: Callable[[Random, Any], Any]
    changed: Callable[[Random, Any], Any]


def pick(chance: Random, *choices: Any) -> Any:
    return chance.choice(choices)


def maybe(chance: Random) -> bool:
    return chance.random() < 0.5


def shuffled(chance: Random, items: Sequence[Any]) -> list[Any]:
    return chance.sample(items, len(items))


def blanks(chance: Random, text: str) -> str:
    return f"{pick(chance, '', ' ')}{text}{pick(chance, '', ' ')}"


def any_case(chance: Random, text: str) -> str:
    """Raise some letters; those that have no capital of their own, such as the sharp s, stay."""
    return "".join(c.upper() if maybe(chance) and len(c.upper()) == 1 else c for c in text)


LETTERS = "abyzäß09-_ ,."
NAMES = st.text(LETTERS, min_size=1, max_size=8).map(str.strip).filter(bool)
LABELS = st.text("abz09-", min_size=1, max_size=6)


def other_text(chance: Random, text: str | None, alphabet: str = LETTERS) -> str | None:
    """Exchange or add one letter, or have no value where there was one, or one where there was none."""
    place = chance.randrange(len(text or " "))
    letter = pick(chance, *(c for c in alphabet if c not in (text or " ")[place] + " "))
    if text is None:
        return str(letter)
    if "ß" in text and maybe(chance):
        return text.replace("ß", "ss")  # what casefold would take for the same
    return pick(chance, None, f"{text}{letter}", f"{text[:place]}{letter}{text[place + 1 :]}")  # type: ignore[no-any-return]


def spell_boolean(chance: Random, thing: bool | None) -> Any:
    return thing if thing is None else pick(chance, thing, blanks(chance, any_case(chance, str(thing).lower())))


def spell_integer(chance: Random, thing: int | None) -> Any:
    if thing is None:
        return pick(chance, None, "")
    sign = "-" if thing < 0 else pick(chance, "", "+")
    return pick(chance, thing, blanks(chance, f"{sign}{pick(chance, '', '0')}{abs(thing)}"))


def spell_word(chance: Random, thing: str | None) -> Any:
    return pick(chance, None, "", "  ") if thing is None else blanks(chance, any_case(chance, thing))


def spell_host(chance: Random, thing: str | None) -> Any:
    return pick(chance, None, "") if thing is None else any_case(chance, thing) + pick(chance, "", ".")


def spell_set(chance: Random, thing: frozenset[str], spell: Callable[[Random, str], str]) -> Any:
    if not thing:
        return pick(chance, None, [], "")
    again = chance.choices(sorted(thing), k=pick(chance, 0, 0, 1, 2))
    items = [spell(chance, item) for item in shuffled(chance, [*sorted(thing), *again])]
    return pick(chance, items, items[0]) if len(items) == 1 else items


def other_set(chance: Random, thing: frozenset[str]) -> frozenset[str]:
    """Take one word away, or add one."""
    return thing ^ {pick(chance, *sorted(thing), other_text(chance, None))}


def other_texts(chance: Random, thing: frozenset[str]) -> frozenset[str]:
    """In a set of texts the letter case, or a blank at the end, is a difference, too."""
    turned = {pick(chance, item.swapcase(), f"{item} ") for item in sorted(thing)} - thing
    return frozenset(turned) if turned and maybe(chance) else other_set(chance, thing)


def other_plain(chance: Random, thing: str | None) -> str | None:
    """In a plain text the letter case is a difference, too."""
    turned = thing.swapcase() if thing else thing
    return turned if turned != thing and maybe(chance) else other_text(chance, thing)


def spell_domain(chance: Random, thing: str) -> str:
    """Give the prefix that is read back, or none, and the cost that is meant where none is said."""
    cost = "" if ";" in thing else pick(chance, "", ";1")
    return blanks(chance, f"{any_case(chance, pick(chance, '', 'smtp:'))}{any_case(chance, thing)}{cost}")


def spell_smart_host(chance: Random, thing: str) -> str:
    if thing.startswith("192."):
        return str(pick(chance, thing, f"[{thing}]"))
    return any_case(chance, thing) + str(pick(chance, "", "."))


V4, V6 = int(ipaddress.ip_address("192.0.2.0")), int(ipaddress.ip_address("2001:db8::"))
ADDRESSES = [*(ipaddress.IPv4Address(V4 + n) for n in range(16)), *(ipaddress.IPv6Address(V6 + n) for n in range(16))]


def spell_networks(chance: Random, thing: frozenset[int]) -> Any:
    """Cut the set into pieces that a range or a mask can say, and write each in one of its spellings."""
    pieces, left = [], sorted(thing)
    while left:
        run = [left[0]]
        while run[-1] + 1 in thing and run[-1] != 15 and maybe(chance):
            run.append(run[-1] + 1)
        pieces.append(spell_run(chance, run))
        left = [number for number in left if number > run[-1]]
    again = pieces[: pick(chance, 0, 1)]
    return shuffled(chance, [*pieces, *again]) or pick(chance, None, [], "")


RUNS = [range(first, last) for end in (16, 32) for last in range(end - 15, end + 1) for first in range(end - 16, last)]


def spell_entries(chance: Random, thing: frozenset[range]) -> Any:
    """Write each entry in one of its spellings, and some of them twice."""
    again = [run for run in thing if maybe(chance)]
    items = [spell_run(chance, run) for run in shuffled(chance, [*thing, *again])]
    return items or pick(chance, None, [], "")


def spell_run(chance: Random, run: Sequence[int]) -> str:
    first, last, within = ADDRESSES[run[0]], ADDRESSES[run[-1]], ADDRESSES[pick(chance, *run)]
    ways = [f"{spell_address(chance, first)}{pick(chance, '-', ' - ')}{spell_address(chance, last)}"]
    if len(run) in (1, 2, 4, 8, 16) and int(first) % len(run) == 0:
        ways.append(f"{spell_address(chance, within)}/{first.max_prefixlen - len(run).bit_length() + 1}")
    if len(run) == 1:
        ways.append(spell_address(chance, first))
    return blanks(chance, pick(chance, *ways))


def spell_address(chance: Random, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return any_case(chance, pick(chance, str(address), address.exploded))


def spell_span(chance: Random, thing: int | None) -> Any:
    if thing is None:
        return pick(chance, None, "")
    days, rest = divmod(thing, 86400)
    hours, minutes, seconds = rest // 3600, rest // 60 % 60, rest % 60
    clock = f"{pick(chance, f'{hours:02}', str(hours))}:{minutes:02}"
    ways = [f"{clock}:{seconds:02}"] + ([clock] if seconds == 0 else [])
    dotnet = f"{days}.{pick(chance, *ways)}" if days or maybe(chance) else pick(chance, *ways)
    return blanks(chance, pick(chance, dotnet, spell_iso(chance, thing)))


def spell_iso(chance: Random, left: int) -> str:
    """Give each unit as much of what is left as it likes, and the seconds the rest."""
    parts = {}
    for unit, size in (("W", 604800), ("D", 86400), ("H", 3600), ("M", 60)):
        parts[unit] = chance.randint(0, left // size)
        left -= parts[unit] * size
    parts["S"] = left
    said = [f"{count}{unit}" for unit, count in parts.items() if count or (unit == "S" and not any(parts.values()))]
    date, time = ([text for text in said if (text[-1] in "WD") == dated] for dated in (True, False))
    return "P" + "".join(date) + ("T" + "".join(time) if time else "")


def spell_permissions(chance: Random, thing: int | None) -> Any:
    if thing is None:
        return None
    lines = []
    for name, bit in shuffled(chance, list(values.PERMISSION_BITS.items())):
        state = any_case(chance, str(bool(thing & bit)).lower())
        lines.append(blanks(chance, f"{name}{pick(chance, '', ' ')}:{pick(chance, ' ', '')}{state}"))
    return pick(chance, thing, str(thing), "[" + pick(chance, "\n", "\r\n").join(lines) + pick(chance, "]", "\n]"))


def spell_date(chance: Random, thing: int | None) -> Any:
    """Seconds since an epoch, by clocks of several zones, with and without seven digits of a second."""
    if thing is None:
        return pick(chance, None, "")
    zone = timezone(timedelta(hours=chance.randint(-11, 13)))
    moment = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=thing)
    if maybe(chance):
        return moment.strftime("%Y-%m-%dT%H:%M:%S") + pick(chance, "", ".0", ".0000000") + "Z"
    written = moment.astimezone(zone).isoformat()
    return written[:19] + pick(chance, "", ".0000000") + written[19:]


def other_number(chance: Random, thing: int | None) -> int | None:
    """The next number up or, from above zero, down, or none where there was one."""
    return 0 if thing is None else pick(chance, None, thing + 1, thing - 1 if thing > 0 else thing + 2)  # type: ignore[no-any-return]


def other_boolean(chance: Random, thing: bool | None) -> bool | None:
    return pick(chance, *(item for item in (None, True, False) if item is not thing))  # type: ignore[no-any-return]


SETS = st.frozensets(NAMES, max_size=4)
DOMAINS = st.frozensets(st.sampled_from(["*", "a.example", "b.example", "a.example;5", "b.example;10"]))
HOSTS = st.frozensets(st.sampled_from(["a.example", "b.example", "192.0.2.1", "192.0.2.11"]))
CONNECTORS = VALUE_TYPES["InboundConnector"], VALUE_TYPES["OutboundConnector"]
MODELS = {
    model.type.name: model
    for model in (
        Model(values.BOOLEAN, st.sampled_from([None, True, False]), spell_boolean, other_boolean),
        Model(values.INTEGER, st.none() | st.integers(-1, 400), spell_integer, other_number),
        Model(values.WORD, st.none() | NAMES, spell_word, other_text),
        Model(
            values.TEXT,
            st.none() | NAMES,
            lambda chance, thing: pick(chance, None, "", " ") if thing is None else blanks(chance, thing),
            other_plain,
        ),
        Model(
            CONNECTORS[0]["SenderDomains"],
            DOMAINS,
            lambda chance, thing: spell_set(chance, thing, spell_domain),
            other_set,
        ),
        Model(
            CONNECTORS[1]["SmartHosts"],
            HOSTS,
            lambda chance, thing: spell_set(chance, thing, spell_smart_host),
            lambda chance, thing: thing ^ {pick(chance, "c.example", "192.0.2.1")},
        ),
        Model(
            values.HOST,
            st.none() | st.lists(LABELS, min_size=1, max_size=4).map(".".join),
            spell_host,
            lambda chance, thing: other_text(chance, thing, "abz09-"),
        ),
        Model(values.WORD_SET, SETS, lambda chance, thing: spell_set(chance, thing, spell_word), other_set),
        Model(values.TEXT_SET, SETS, lambda chance, thing: spell_set(chance, thing, lambda _, item: item), other_texts),
        Model(
            values.NETWORKS,
            st.frozensets(st.integers(0, 31)),
            spell_networks,
            lambda chance, thing: thing ^ {chance.randrange(32)},
        ),
        Model(
            entries.ADDRESS_ENTRIES,
            st.frozensets(st.sampled_from(RUNS), max_size=4),
            spell_entries,
            lambda chance, thing: thing ^ {pick(chance, *RUNS)},
        ),
        Model(values.DATE, st.none() | st.integers(0, 10**9), spell_date, other_number),
        Model(values.TIMESPAN, st.none() | st.integers(0, 11 * 86400), spell_span, other_number),
        Model(
            values.PERMISSIONS,
            st.none() | st.integers(0, 255),
            spell_permissions,
            lambda chance, thing: 0 if thing is None else pick(chance, None, *(thing ^ (1 << n) for n in range(8))),
        ),
    )
}


def test_every_sort_of_value_has_a_model() -> None:
    assert {item.name for types in VALUE_TYPES.values() for item in types.values()} == MODELS.keys()


each_sort = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
chances = st.integers(0, 2**32 - 1).map(Random)  # a seed, because what hypothesis draws piece by piece is slow
thorough = settings(max_examples=100, deadline=None, derandomize=True)


@each_sort
@thorough
@given(st.data(), chances)
def test_another_spelling_is_equal(model: Model, data: st.DataObject, chance: Random) -> None:
    thing = data.draw(model.things)
    one, other = model.spelled(chance, thing), model.spelled(chance, thing)
    assert model.type.canonical(one) == model.type.canonical(other), (one, other)


@each_sort
@thorough
@given(st.data(), chances)
def test_a_change_in_one_place_is_different(model: Model, data: st.DataObject, chance: Random) -> None:
    thing = data.draw(model.things)
    one, other = model.spelled(chance, thing), model.spelled(chance, model.changed(chance, thing))
    assert model.type.canonical(one) != model.type.canonical(other), (one, other)


@each_sort
@thorough
@given(st.data(), chances)
def test_the_canonical_form_is_a_spelling_of_its_own(model: Model, data: st.DataObject, chance: Random) -> None:
    found = model.type.canonical(model.spelled(chance, data.draw(model.things)))
    assert model.type.canonical(found) == found
