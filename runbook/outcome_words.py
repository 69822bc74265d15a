"""Say in words what an outlook holds: which promises are kept, by prediction and as observed, and for whom.

Notebook, terminal, picture and record take their words from here, so that they cannot say different things. What
is computed is called predicted; what nobody saw is called not observed. Texts come back as they were found: whoever
shows them makes them harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook.difference import lines_text
from runbook.outcome import surroundings as part

Row = Mapping[str, Any]

GRADES = (
    "Documented: the vendor says so. Conditional: it holds if something does that nobody has confirmed. Unknown: "
    "nobody can say."
)
SCL = "An SCL that a rule sets requests a verdict of the spam filter; it does not guarantee one."
NOT_COUNTED = "not counted: no list of recipients was given"

_PARTS = {
    part.DOMAIN: "Cloudflare's list of domains",
    part.MAIL_EXCHANGE: "Microsoft's expected mail exchange",
    part.RULE: "transport rules",
    part.POLICY: "anti-spam policies",
    part.POLICY_RULE: "rules of custom anti-spam policies",
    part.PRESET_RULE: "rules of preset security policies",
    part.QUARANTINE: "quarantine policies",
    part.CONNECTION_FILTER: "connection filter",
    part.CONNECTOR: "inbound connectors",
}
CASES = {
    "gateway": "Mail as the gateway hands it on",
    "outside": "Mail with the same header, from any other host",
    "phishing": "Mail from the gateway that Microsoft's own verdict calls phishing",
}
"""What is asked about, in the order in which it is shown."""
_KEPT = {True: "kept", False: "not kept", None: "not known"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many dispositions that a tutorial promises a place for find it, for all recipients that are told apart."""

    promises: int = 0
    kept: int = 0
    """By prediction."""
    broken: int = 0
    """By prediction."""
    seen: int = 0
    """Promises of which a message was observed."""
    seen_kept: int = 0
    seen_broken: int = 0


def tally(outlook: Mapping[str, Any]) -> Tally:
    """Count promises. One counts as kept only where it is kept for everybody, as not kept where it fails anybody."""
    judged: dict[str, list[Row]] = {}
    for row in outlook["rows"]:
        if row["promised"]:
            judged.setdefault(row["disposition"], []).append(row)
    predicted = [_all(row["kept"] for row in rows) for rows in judged.values()]
    watched = [rows for rows in judged.values() if any(row["observed"] for row in rows)]
    seen = [_all(row["observed"]["kept"] if row["observed"] else None for row in rows) for rows in watched]
    return Tally(
        promises=len(judged),
        kept=predicted.count(True),
        broken=predicted.count(False),
        seen=len(watched),
        seen_kept=seen.count(True),
        seen_broken=seen.count(False),
    )


def _all(values: Any) -> bool | None:
    found = set(values)
    if False in found:
        return False
    return None if None in found else True


def headline(outlook: Mapping[str, Any] | None) -> str:
    """Sum up the promises for a headline; empty where there are none."""
    counted = tally(outlook) if outlook else Tally()
    if not counted.promises:
        return ""
    seen = f"{counted.seen_kept} of {counted.promises} observed to be kept" if counted.seen else "none observed"
    return f"Promises: {counted.kept} of {counted.promises} kept by prediction, {seen}."


def summary(outlook: Mapping[str, Any]) -> str:
    """Say how many promises are kept, are not, and are not known, first by prediction and then as observed."""
    counted = tally(outlook)
    if not counted.promises:
        return "The tutorial promises no place for any message. Where they land is predicted all the same."
    said = _counted(counted.promises, counted.kept, counted.broken)
    text = f"The tutorial promises a place for {_several(counted.promises, 'disposition')}. By prediction: {said}. "
    if not counted.seen:
        return f"{text}None of them was observed."
    seen = _counted(counted.seen, counted.seen_kept, counted.seen_broken)
    return f"{text}Observed ({counted.seen} of {counted.promises}): {seen}."


def _counted(of: int, kept: int, broken: int) -> str:
    parts = [f"{kept} kept", f"{broken} not kept"]
    return ", ".join([*parts, f"{of - kept - broken} not known"] if of - kept - broken else parts)


def _several(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def promised(row: Row) -> tuple[str, str]:
    """Return the places that a row's promises name, in the tutorial's words, and their lines; both may be empty."""
    places = " or ".join(dict.fromkeys(str(item["place"]) for item in row["promised"]))
    lines: list[int | str] = list(dict.fromkeys(item["line"] for item in row["promised"]))
    return places, lines_text(lines)


def recipients(row: Row) -> str:
    """Name the recipients that a row is for."""
    return ", ".join(str(item) for item in row["recipients"])


def disposition(row: Row) -> str:
    """Name a disposition as it is shown; `none` is mail that the gateway finds nothing in."""
    return "none found" if row["disposition"] == "none" else str(row["disposition"])


def kept(row: Row) -> str:
    """Say whether a row's promise is kept, and whether that is only predicted; empty without a promise."""
    if not row["promised"]:
        return ""
    seen = f"observed {_KEPT[row['observed']['kept']]}" if row["observed"] else "not observed"
    return f"predicted {_KEPT[row['kept']]}, {seen}"


def observed(row: Row, *, when: bool = True) -> str:
    """Say where such messages were seen to land, by whom, and whether that is as predicted."""
    seen = row["observed"]
    if not seen:
        return "not observed"
    text = f"{seen['text']} ({seen['by']}, {_minute(seen['at'])})" if when else f"{seen['text']} ({seen['by']})"
    return text if seen["as_predicted"] else f"{text}, which is not as predicted"


def _minute(at: str) -> str:
    return f"{at[:10]} {at[11:16]} UTC" if at.endswith("Z") else at


def never(row: Row) -> list[str]:
    """Return a row's rules that never match, first those that will be there; one that stays is named once."""
    after = list(row["after"]["never"])
    return after + [f"before: {text}" for text in row["before"]["never"] if text not in after]


def governed_text(governed: Mapping[str, Any]) -> list[str]:
    """Say for how many recipients the edited policy is in force, and what is not known of that."""
    name = governed["policy"]
    if governed["listed"] is None:
        said = [f"For how many recipients the edited policy {name} is in force was {NOT_COUNTED}."]
    else:
        mine = sum(row["recipients"] or 0 for row in governed["rows"] if row["edited"])
        people = _several(governed["listed"], "recipient")
        said = [f"The edited policy {name} is in force for {mine} of {people} (list: {governed['source']})."]
        if governed["unknown"]:
            said.append(f"For {governed['unknown']} of them it cannot be told which policy is in force.")
        elif mine == 0:
            said.append("It is in force for nobody.")
    reasons = dict.fromkeys(governed["unread"])
    return said + [f"Which policies come before it is not wholly known: {why}." for why in reasons]


def counted(row: Row) -> str:
    """Return how many recipients a policy is in force for, or that nobody counted."""
    return "not counted" if row["recipients"] is None else str(row["recipients"])


def preset_remark(row: Row) -> str:
    """Say which presets a setting is milder than; what is not milder may be stricter, or only different."""
    if row["note"]:
        return str(row["note"])
    return f"milder than {' and '.join(row['milder_than'])}" if row["milder_than"] else "not milder"


def presets_text(outlook: Mapping[str, Any]) -> str:
    """Sum up how the edited policy stands to Microsoft's presets; empty where no policy is edited."""
    if outlook["governed"] is None:
        return ""
    named = [row for row in outlook["presets"] if row["name"]]
    if not outlook["presets"]:
        return "The edited policy differs in nothing from Microsoft's Standard and Strict presets."
    if not named:
        return " ".join(
            f"Against Microsoft's presets the edited policy was {row['note']}." for row in outlook["presets"]
        )
    told = [
        f"in {sum(level in row['milder_than'] for row in named)} it is milder than {level}"
        for level in ("Standard", "Strict")
    ]
    text = (
        f"The edited policy differs from Microsoft's Standard and Strict presets in {_several(len(named), 'setting')}"
    )
    return f"{text}: {', '.join(told)}."


def beside(outlook: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return what stands beside our rules: its name, why that matters, and the names of the rules."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in outlook["beside"]:
        found.setdefault((item["other"], item["why"]), []).append(item["rule"])
    return [(other, why, ", ".join(rules)) for (other, why), rules in found.items()]


def unread(outlook: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what could not be read, in words, and why."""
    return [(_PARTS.get(item["what"], str(item["what"])), str(item["why"])) for item in outlook["unread"]]


def supposed(outlook: Mapping[str, Any]) -> str:
    """Say with which answers the prediction was made where the run's own are still open; empty where none is."""
    answers = [str(item) for item in outlook.get("as_if", ())]
    return f"Answers are open. Predicted as if: {'; '.join(answers)}." if answers else ""


def undecided(outlook: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is not decided, each once."""
    return _once(outlook["undecided"])


def left(outlook: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is left to a person, each once; results of earlier versions have it among what is not decided."""
    return [(identity, why.removeprefix("left to a person: ")) for identity, why in _once(outlook.get("left", ()))]


def _once(items: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((str(item["identity"]), str(item["reason"])) for item in items))


@dataclass(frozen=True, slots=True)
class Alike:
    """Rows of one case that say the same, for all of these dispositions and all of these recipients."""

    dispositions: tuple[str, ...]
    recipients: tuple[str, ...]
    row: Row
    """One of them; its steps and times are its own."""


def alike(rows: Sequence[Row]) -> list[Alike]:
    """Put rows together that say the same of where messages land, by other steps or at another time perhaps."""
    by_disposition: dict[tuple[Any, ...], tuple[Row, list[str]]] = {}
    for row in rows:
        found = by_disposition.setdefault((_said(row), disposition(row)), (row, []))
        found[1].extend(str(item) for item in row["recipients"])
    together: dict[tuple[Any, ...], tuple[Row, list[str]]] = {}
    for (said, name), (row, people) in by_disposition.items():
        together.setdefault((said, tuple(people)), (row, []))[1].append(name)
    return [Alike(tuple(names), people, row) for (_, people), (row, names) in together.items()]


def _said(row: Row) -> tuple[Any, ...]:
    cells = ((row[when]["text"], row[when]["grade"]) for when in ("before", "after"))
    return (row["case"], *cells, observed(row, when=False))


def rows_of(outlook: Mapping[str, Any], *cases: str) -> Sequence[Row]:
    """Return the rows of some cases, in their order."""
    return [row for row in outlook["rows"] if row["case"] in cases]
