"""Holds a transcript of the simulated tenant against what others wrote down.

    python tests/wire/contract.py [--client PREFIX] FILE...

Cloudflare's calls are held against the OpenAPI document, Exchange's against the table of cmdlets and objects.
Every answer must keep its contract unless a fault was ordered for it. A request that breaks the contract is a
violation when the tenant accepted it, or when its User-Agent starts with PREFIX: our own client may not send
one at all. Others may, to see it refused. The exit code is 1 when there is a violation or nothing was recorded.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema

FACTS = Path(__file__).resolve().parents[3] / "shared" / "facts"

_PREFIX = "/client/v4"
_DELTA = "#Exchange.GenericHashTable"
_SPAN = re.compile(r"(\d+\.)?\d{2}:\d{2}:\d{2}")


@dataclass
class Tally:
    """What was seen."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Give the counts in words, and the violations, one per line."""
        lines = [
            f"{vendor}: {self.counts[f'{vendor} answers']} answers and {self.counts[f'{vendor} requests']} requests "
            f"checked, {self.counts[f'{vendor} refused']} wrong requests rightly refused"
            for vendor in ("cloudflare", "exchange")
        ]
        lines.append(f"answers not checked because a fault was ordered: {self.counts['struck']}")
        lines += [f"{name}: {count}" for name, count in sorted(self.counts.items()) if name.startswith("open: ")]
        return "\n".join([*lines, f"violations: {len(self.violations)}", *self.violations])


@dataclass(frozen=True)
class Cloudflare:
    """The OpenAPI document of Email Security."""

    document: dict[str, Any]

    @cached_property
    def _routes(self) -> list[tuple[re.Pattern[str], str]]:
        templates = self.document["paths"]
        return [(re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "/?"), path) for path in templates]

    def operation(self, row: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, str]]:
        """Find the operation of a call and the values of its path, or None when the document has none."""
        path = str(row["path"]).removeprefix(_PREFIX)
        # A fixed path is meant before one with a placeholder that would match as well.
        for pattern, template in sorted(self._routes, key=lambda route: route[1].count("{")):
            match = pattern.fullmatch(path)
            if match is not None and row["method"].lower() in self.document["paths"][template]:
                item = self.document["paths"][template]
                shared = item.get("parameters", [])
                operation = dict(item[row["method"].lower()])
                operation["parameters"] = [*shared, *operation.get("parameters", [])]
                return operation, match.groupdict()
        return None, {}

    def request_problems(self, row: dict[str, Any]) -> Iterator[str]:
        """Name what is wrong with a request."""
        operation, values = self.operation(row)
        if operation is None:
            yield "there is no such operation"
            return
        yield from self._parameter_problems(operation, values, row["query"])
        body = operation.get("requestBody")
        if body is None and row["request"] is not None:
            yield "a body was sent where none is expected"
        if body is not None:
            schema = body["content"]["application/json"]["schema"]
            yield from self._problems(schema, row["request"])
            yield from self._unknown_fields(schema, row["request"])

    def answer_problems(self, row: dict[str, Any]) -> Iterator[str]:
        """Name what is wrong with an answer; a failure has one form, whatever was called."""
        operation, _ = self.operation(row)
        responses = operation["responses"] if operation is not None else {}
        response = responses.get(str(row["status"]))
        if response is not None:
            yield from self._problems(response["content"]["application/json"]["schema"], row["answer"])
        elif 400 <= row["status"] < 500:
            yield from self._problems({"$ref": "#/components/schemas/Failure"}, row["answer"])
        else:
            yield f"status {row['status']} is not among the answers of this call"

    def _parameter_problems(
        self, operation: dict[str, Any], values: dict[str, str], query: Iterable[Sequence[str]]
    ) -> Iterator[str]:
        known = {(parameter["in"], parameter["name"]): parameter["schema"] for parameter in operation["parameters"]}
        sent = [("path", name, text) for name, text in values.items()]
        for place, name, text in [*sent, *(("query", name, text) for name, text in query)]:
            schema = known.get((place, name))
            if schema is None:
                yield f"{name} is no parameter of this call"
                continue
            schema = schema.get("items", schema)
            value = int(text) if schema.get("type") == "integer" and re.fullmatch("[0-9]+", text) else text
            yield from self._problems(schema, value)

    def _problems(self, schema: dict[str, Any], value: Any) -> Iterator[str]:
        whole = {**schema, "components": self.document["components"]}
        checker = jsonschema.Draft202012Validator(whole, format_checker=_formats)
        for error in checker.iter_errors(value):
            yield f"/{'/'.join(str(part) for part in error.absolute_path)}: {error.message[:200]}"

    def _unknown_fields(self, schema: dict[str, Any], value: Any) -> Iterator[str]:
        """Name fields that the schema does not: it allows them, but nobody documented them."""
        if isinstance(value, list):
            for item in value:
                yield from self._unknown_fields(schema.get("items", {}), item)
        if isinstance(value, dict):
            known = self._properties(schema)
            yield from (f"{name} is no field of this body" for name in value if name not in known)
            for name in set(value) & set(known):
                yield from self._unknown_fields(known[name], value[name])

    def _properties(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        found = dict(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            found |= self._properties(part)
        return found


_formats = jsonschema.FormatChecker(formats=())


@_formats.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value.lower()


@dataclass(frozen=True)
class Exchange:
    """The table of cmdlets and of the objects they show."""

    document: dict[str, Any]

    @cached_property
    def _cmdlets(self) -> dict[str, Any]:
        return {name.lower(): entry for name, entry in self.document["cmdlets"].items()}

    def request_problems(self, body: Any, *, tolerant: bool = False) -> Iterator[str]:
        """Name what is wrong with the body of an InvokeCommand request.

        ``tolerant`` passes what PowerShell is known or assumed to bind although nobody documents it: the
        start of an enumerator, digits for a number, a single item for a list, null.
        """
        try:
            command = body["CmdletInput"]
            name, parameters = command["CmdletName"], command["Parameters"]
            entry = self._cmdlets.get(name.lower())
            sent = {key.lower(): value for key, value in parameters.items() if "@" not in key}
        except (KeyError, TypeError, AttributeError):
            yield "it is no documented cmdlet in the documented body"
            return
        if entry is None:
            yield f"it is no documented cmdlet in the documented body: {name}"
            return
        others = {key.lower(): {"type": kind} for key, kind in entry.get("otherParameterTypes", {}).items()}
        known = {**others, **{key.lower(): fields for key, fields in entry["params"].items()}}
        for key, value in sent.items():
            if key not in known:
                yield f"{name} has no parameter {key}"
            else:
                fitted = _coerced(known[key], value) if tolerant else value
                if fitted is not None or not tolerant:
                    yield from (f"{name} {key}: {problem}" for problem in _misfits(known[key], fitted))
        for key, fields in known.items():
            if fields.get("required") and key not in sent:
                yield f"{name} needs {key}"

    def answer_problems(self, body: Any, answer: Any) -> Iterator[str]:
        """Name what is wrong with the answer of a command that succeeded: its envelope and its rows' properties."""
        envelope = {key.rstrip("?") for key in self.document["responseEnvelope"]["keys"]}
        yield from (f"{key} is no key of the envelope" for key in answer if key not in envelope)
        if not isinstance(answer.get("@adminapi.warnings"), list) or not isinstance(answer.get("value"), list):
            yield "the warnings and the value must be lists"
            return
        cmdlet = self._cmdlets.get(body["CmdletInput"]["CmdletName"].lower())
        if cmdlet is None:
            yield f"an undocumented cmdlet was carried out: {body['CmdletInput']['CmdletName']}"
            return
        kind = cmdlet["object"]
        entry = self.document["objects"][kind]
        known = set(entry.get("props") or entry["properties"]) | set(entry.get("globalOnlyProps", ()))
        for row in answer["value"]:
            strange = {key.split("@", 1)[0] for key in row} - known
            yield from (f"{key} is no property of {kind}" for key in sorted(strange))


def _misfits(fields: dict[str, Any], value: Any) -> Iterator[str]:
    """Name why a value is not the documented one for a parameter."""
    wire, kind = str(fields.get("wire", "")), str(fields["type"])
    number = isinstance(value, int) and not isinstance(value, bool)
    if wire.startswith("boolean") or kind == "Boolean":
        fits = isinstance(value, bool)
    elif wire.startswith("integer"):
        fits = number
    elif wire.startswith("array") or kind.endswith("[]"):
        fits = _is_list(value) or (_DELTA in wire and _is_delta(value))
    elif wire == "string|integer":
        fits = number or isinstance(value, str)
    elif wire.startswith("object"):
        fits = False
    else:
        fits = isinstance(value, str)
    if not fits:
        yield f"{json.dumps(value)[:80]} is not of the documented type {wire or kind}"
        return
    low, high = [*fields.get("range", []), None, None][:2]
    if (isinstance(low, int) and value < low) or (isinstance(high, int) and value > high):
        yield f"{value} is out of range"
    if fields.get("values") and value not in fields["values"]:
        yield f"{value} is not among {', '.join(fields['values'])}"
    if kind == "TimeSpan" and not _SPAN.fullmatch(value):
        yield f"{value} is no time span"
    if len(str(value)) > fields.get("maxLength", sys.maxsize):
        yield "it is too long"
    if isinstance(value, list) and len(value) > fields.get("maxItems", sys.maxsize):
        yield "it has too many items"


def _coerced(fields: dict[str, Any], value: Any) -> Any:
    """Turn a value into the documented one that PowerShell would bind it to, as far as it is known to."""
    wire, kind = str(fields.get("wire", "")), str(fields["type"])
    if wire.startswith("integer") and isinstance(value, str) and re.fullmatch(r"\s*-?\d+\s*", value):
        return int(value)
    if (wire.startswith("array") or kind.endswith("[]")) and isinstance(value, str | int):
        return [str(value)]
    if kind == "TimeSpan" and value == "24:00:00":
        return "1.00:00:00"
    if isinstance(value, int) and not isinstance(value, bool) and wire.startswith("string"):
        value = str(value)
    if fields.get("values") and isinstance(value, str):
        meant = [name for name in fields["values"] if name.casefold().startswith(value.casefold())]
        exact = [name for name in meant if name.casefold() == value.casefold()]
        return (exact or meant or [value])[0] if len(exact or meant) == 1 else value
    return value


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_delta(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("@odata.type") != _DELTA:
        return False
    lists = {key.lower(): items for key, items in value.items() if "@" not in key}
    return set(lists) <= {"add", "remove"} and all(_is_list(items) for items in lists.values())


@dataclass(frozen=True)
class Contracts:
    """Both documents."""

    cloudflare: Cloudflare
    exchange: Exchange

    @classmethod
    def read(cls, folder: Path = FACTS) -> Contracts:
        """Read the documents from the folder of facts."""
        names = ("cloudflare-email-security.json", "exchange-cmdlets.json")
        cloudflare, exchange = (json.loads((folder / name).read_text(encoding="utf-8")) for name in names)
        return cls(cloudflare=Cloudflare(cloudflare), exchange=Exchange(exchange))

    def check(self, row: dict[str, Any], tally: Tally, client: str | None = None) -> None:
        """Hold one call against its contract and add what was found."""
        path = str(row["path"]).lower()
        if path.startswith(_PREFIX):
            self._judge(row, tally, "cloudflare", list(self.cloudflare.request_problems(row)), client)
            if _is_answered(row, tally):
                tally.counts["cloudflare answers"] += 1
                self._note(row, tally, "answer", self.cloudflare.answer_problems(row))
        elif path.startswith("/adminapi/beta/") and row["method"] == "POST":
            bodies = [row["request"]]
            if path.endswith("/$batch"):
                bodies = _batched(row["request"])
            tolerant = not _is_from(row, client)
            problems = [text for body in bodies for text in self.exchange.request_problems(body, tolerant=tolerant)]
            self._judge(row, tally, "exchange", problems, client, calls=len(bodies))
            if _is_answered(row, tally) and row["status"] == 200 and not path.endswith("/$batch"):
                tally.counts["exchange answers"] += 1
                self._note(row, tally, "answer", self.exchange.answer_problems(row["request"], row["answer"]))

    def _judge(
        self,
        row: dict[str, Any],
        tally: Tally,
        vendor: str,
        problems: list[str],
        client: str | None,
        *,
        calls: int = 1,
    ) -> None:
        tally.counts[f"{vendor} requests"] += calls
        if not problems:
            return
        accepted = row["status"] is not None and row["status"] < 400 and not row["fault"] and not row["lenient"]
        if accepted or _is_from(row, client):
            self._note(row, tally, "request", problems)
        else:
            tally.counts[f"{vendor} refused"] += 1

    @staticmethod
    def _note(row: dict[str, Any], tally: Tally, part: str, problems: Iterable[str]) -> None:
        command = ((row["request"] or {}).get("CmdletInput") or {}) if isinstance(row["request"], dict) else {}
        what = command.get("CmdletName") or row["path"] if isinstance(command, dict) else row["path"]
        for text in problems:
            reason = _open(row, text)
            if reason:
                tally.counts[f"open: {reason}"] += 1
            else:
                tally.violations.append(f"{part} of {row['method']} {what} ({row['status']}): {text}")


# What the facts leave open, so that neither side can be held to it: the switch that plays it ("" for what the client
# does anyhow), the words of the problem, and why. Each is counted and printed, never passed over in silence.
_OPEN = (
    (
        "",
        re.compile(r"Set-TransportRule (?:expirydate|activationdate): null is not of the documented type"),
        "a rule's date cleared by null (exchange-and-graph 7.9)",
    ),
    ("", re.compile(r"documented cmdlet .*-OutboundConnector$", re.I), "outbound connectors (tutorial-language 4.6)"),
    (
        "cloudflare_status_case",
        re.compile(r"/status: 'active' is not valid"),
        "a domain's status in the older form's letter case (a switch plays it)",
    ),
)


def _open(row: dict[str, Any], text: str) -> str:
    """Give the reason why a problem is no violation; empty where it is one."""
    turned = row.get("turned") or ()
    found = (why for switch, words, why in _OPEN if words.search(text) and (not switch or switch in turned))
    return next(found, "")


def _batched(body: Any) -> list[Any]:
    parts = body.get("requests") if isinstance(body, dict) else None
    return [part.get("body") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _is_from(row: dict[str, Any], client: str | None) -> bool:
    return client is not None and str(row.get("agent") or "").startswith(client)


def _is_answered(row: dict[str, Any], tally: Tally) -> bool:
    if row["fault"] is not None or row["status"] is None:
        tally.counts["struck"] += 1
        return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Check files and print what was found."""
    parser = argparse.ArgumentParser(description="Hold transcripts of the simulated tenant against the contracts.")
    parser.add_argument("--client", help="User-Agent prefix of the client that may send no wrong request at all")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    if not FACTS.is_dir():
        print("the facts are not beside this checkout; nothing was checked")
        return 0
    contracts, tally = Contracts.read(), Tally()
    for file in options.files:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                contracts.check(json.loads(line), tally, options.client)
    print(tally.text())
    seen = sum(count for name, count in tally.counts.items() if name.endswith("answers"))
    return 0 if seen and not tally.violations else 1


if __name__ == "__main__":
    sys.exit(main())
