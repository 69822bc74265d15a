"""The inputs of a section: one model, from which the parameters cell, the help, the form and the table come.

A value comes from the kit's default, the tenant's entry in ``tenants.yaml``, or a parameter, in this order;
the effective value carries where it came from. Nothing that looks like a secret is ever an input.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from runbook import naming
from runbook.compile.result import Bounds, Compiled, Input, ResourceDraft, Setting
from runbook.compile.values import AdvisedValue, ComputedValue, InputValue, ReferenceValue
from runbook.errors import InputError
from runbook.references import egress_snapshot
from runbook.secretlike import is_secrets_name, kind_of_secret
from runbook.values import TIMESPAN, dotnet_timespan, parse_timespan

Annotation = Literal["str", "int", "bool", "list"]
MODES = ("walkthrough", "plan", "apply", "verify")
_DOMAIN = re.compile(r"^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$")
_TIME_WORDS = re.compile(r"^(?P<count>\d+)\s*(?P<unit>hours?|days?)$", re.IGNORECASE)
_PLAIN_WORDS = {"daily": "1 day", "weekly": "7 days", "within 4 hours": "4 hours"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input: its name and default, what a person is told about it, and how a value is checked."""

    name: str
    annotation: Annotation
    default: Any
    """None where neither the tutorial nor the kit has one: a run without a value is then told so."""
    help: str
    check: Callable[[Any], Any]
    """Return the effective value, or raise ValueError with a sentence that says what is allowed."""
    choices: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None
    unit: str = ""
    lines: tuple[int | str, ...] = ()
    names: tuple[str, ...] = ()
    """Names that the tutorial gives to what it creates, for an input that is about some of them."""
    recommended: tuple[int, int] | None = None
    """The part of `bounds` that the tutorial recommends."""

    @property
    def label(self) -> str:
        """The name in words, as a form shows it: ``Retention days`` for ``retention_days``."""
        return self.name.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """The value of one input in this run, and which source won."""

    field: Field
    value: Any
    source: Literal["kit's default", "tenants.yaml", "parameter", "form"]


def check_domains(value: Any) -> tuple[str, ...]:
    """Return domain names in one spelling. Raises ValueError for what is none, or is named twice."""
    items = re.split(r"[,\s]+", value.strip()) if isinstance(value, str) else list(value)
    names = []
    for item in items:
        if item == "":
            continue
        name = str(item).strip().rstrip(".").lower()
        if not _DOMAIN.match(name):
            raise ValueError(f"{item!r} is not a domain name such as example.com")
        if name in names:
            raise ValueError(f"{name!r} is named twice")
        names.append(name)
    return tuple(names)


def _check_host(value: Any) -> str:
    name = str(value).strip().rstrip(".").lower()
    if name and not _DOMAIN.match(name):
        raise ValueError(f"{value!r} is not the name of a mail server")
    return name


def _check_integer(bounds: Bounds, unit: str) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value).strip()):
            raise ValueError(f"{value!r} is not a whole number of {unit}")
        number = int(value)
        if not bounds.low <= number <= bounds.high:
            raise ValueError(f"{number} is not allowed: it must be from {bounds.low} to {bounds.high} {unit}")
        return number

    return check


def _check_timespan(allowed: Sequence[str]) -> Callable[[Any], str]:
    shown = [TIMESPAN.show(item) for item in allowed]

    def check(value: Any) -> str:
        text = _PLAIN_WORDS.get(str(value).strip().casefold(), str(value).strip())
        words = _TIME_WORDS.match(text)
        if words:
            hours = int(words["count"]) * (24 if words["unit"].lower().startswith("day") else 1)
            text = f"P{hours // 24}DT{hours % 24}H"
        try:
            span = dotnet_timespan(parse_timespan(text))
        except ValueError:
            span = ""
        if span not in allowed:
            raise ValueError(f"{value!r} is not offered by the service: choose {', '.join(shown)}")
        return TIMESPAN.show(span)

    return check


def _check_choice(choices: Sequence[str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        text = str(value).strip()
        if text not in choices:
            near = difflib.get_close_matches(text, choices, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ValueError(f"{value!r} is not one of {', '.join(choices) or 'nothing'}{hint}")
        return text

    return check


def _check_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold()
    if text not in ("true", "false"):
        raise ValueError(f"{value!r} is neither true nor false")
    return text == "true"


def _check_text(value: Any) -> str:
    return str(value)


def _common() -> tuple[Field, ...]:
    return (
        Field(
            name="tenant",
            annotation="str",
            default="demo",
            help="Name of the tenant in tenants.yaml; demo is the simulated tenant",
            check=_check_text,
        ),
        Field(
            name="mode",
            annotation="str",
            default="walkthrough",
            help="walkthrough (forms and a button), plan, apply or verify",
            check=_check_choice(MODES),
            choices=MODES,
        ),
        Field(
            name="approve",
            annotation="str",
            default="",
            help="Hash of the plan that may be applied in mode apply",
            check=_check_text,
        ),
        Field(
            name="run_dir",
            annotation="str",
            default="",
            help="Folder for the journal and the results; empty means a new one under runs",
            check=_check_text,
        ),
    )


COMMON = _common()
RUN_FIELDS = tuple(field.name for field in COMMON)
"""Inputs that say how to run, not what the tenant shall be like."""


def section_fields(compiled: Compiled, section: str, described: Mapping[str, Mapping[str, Any]]) -> tuple[Field, ...]:
    """Return the inputs of one section: the common ones, then those that its resources ask for.

    `described` holds default and help per input. An input without a default there has none, and a run
    asks for it.
    """
    found: dict[str, Field] = {field.name: field for field in COMMON}
    inputs = {item.name: item for item in compiled.inputs}
    for draft in compiled.resources:
        if draft.section == section:
            for field in (*_draft_fields(draft, inputs, described), *_naming_fields(draft, compiled.resources)):
                found.setdefault(field.name, field)
    return tuple(found.values())


def _naming_fields(draft: ResourceDraft, drafts: Sequence[ResourceDraft]) -> Iterable[Field]:
    """Yield what may be decided about names: where something is created, and where such a thing is named.

    All names of the tutorial are allowed everywhere, since one list of decisions goes to all sections.
    """
    creates, names = draft.action == "create", naming.created(drafts)
    if creates or naming.refers_to_created(draft, drafts):
        yield Field(
            name=naming.RENAME,
            annotation="list",
            default=[],
            # Papermill would take an equals sign in a help for that of the parameter.
            help="Decision - the tutorial's name, an equals sign, the name to create and to use everywhere instead",
            check=lambda value: naming.check_renames(value, names),
            names=names,
        )
    if creates:
        yield Field(
            name=naming.ADOPT,
            annotation="list",
            default=[],
            help="Decision - names whose object is taken over although its content differs; the plan keeps what it was",
            check=lambda value: value,
            names=names,
        )
    if draft.type == "HostedContentFilterPolicy":
        yield Field(
            name=naming.NOBODY,
            annotation="bool",
            default=False,
            help="Decision - change the anti-spam policy although others come before it for every recipient",
            check=_check_boolean,
        )
    if draft.type == "TransportRule":
        yield Field(
            name=naming.ACCEPT,
            annotation="list",
            default=[],
            help="Decision - names of somebody else's rules that may stay in the way of the tutorial's",
            check=naming.check_accepted,
        )


def _draft_fields(
    draft: ResourceDraft, inputs: Mapping[str, Input], described: Mapping[str, Mapping[str, Any]]
) -> Iterable[Field]:
    def make(name: str, annotation: Annotation, check: Callable[[Any], Any], **more: Any) -> Field:
        said = described.get(name, {})
        return Field(
            name=name,
            annotation=annotation,
            default=said.get("default", more.pop("fallback", None)),
            help=said.get("help", name.replace("_", " ")),
            check=check,
            **more,
        )

    if draft.optional:
        yield make(decision_field(draft.optional), "bool", _check_boolean, fallback=False)
    if draft.for_each:
        lines = inputs[draft.for_each].lines if draft.for_each in inputs else ()
        yield make(draft.for_each, "list", check_domains, fallback=[], lines=lines)
    for setting in draft.settings:
        value = setting.value
        if isinstance(value, InputValue) and value.name in inputs:
            yield _input_field(inputs[value.name], make)
        elif isinstance(value, ReferenceValue):
            regions = tuple(egress_snapshot().regions)
            name = reference_field(value.name)
            yield make(name, "str", _check_choice(regions), choices=regions, lines=setting.lines)
        elif isinstance(value, ComputedValue):
            yield make(override_field(setting.label), "str", _check_host, fallback="", lines=setting.lines)
        elif isinstance(value, AdvisedValue):
            for decision in value.decisions:
                yield _decision(decision, True, setting, make)
        if setting.alternative:
            yield _decision(setting.alternative.decision, setting.alternative.asked, setting, make)


def _decision(decision: str, asked: bool, setting: Setting, make: Callable[..., Field]) -> Field:
    """Return the input for a correction; where the run need not wait, no answer means as written."""
    choices = ("", "advised", "as-written") if asked else ("as-written", "advised")
    check = _check_choice(choices)
    return make(decision_field(decision), "str", check, fallback=choices[0], choices=choices, lines=setting.lines)


def _input_field(item: Input, make: Callable[..., Field]) -> Field:
    if isinstance(item.domain, Bounds):
        bounds = (item.domain.low, item.domain.high)
        check = _check_integer(item.domain, "days")
        best = None if item.recommended is None else (item.recommended.low, item.recommended.high)
        return make(item.name, "int", check, bounds=bounds, unit="days", lines=item.lines, recommended=best)
    if item.domain and all(_is_timespan(text) for text in item.domain):
        shown = tuple(TIMESPAN.show(text) for text in item.domain)
        return make(item.name, "str", _check_timespan(item.domain), choices=shown, lines=item.lines)
    if item.domain:
        return make(item.name, "str", _check_choice(item.domain), choices=item.domain, lines=item.lines)
    return make(item.name, "str", _check_text, lines=item.lines)


def _is_timespan(text: str) -> bool:
    try:
        parse_timespan(text)
    except ValueError:
        return False
    return True


def decision_field(decision: str) -> str:
    """Return the input that records a decision, such as ``add_second_rule`` for ``add-second-rule``."""
    return decision.replace("-", "_")


def reference_field(reference: str) -> str:
    """Return the input that selects a part of a reference list, such as ``egress_region``."""
    return f"{reference.split('_', 1)[0]}_region"


def override_field(label: str) -> str:
    """Return the input that overrides a computed value, such as ``forwarding_to``."""
    return re.sub(r"\W+", "_", label.strip().lower()).strip("_")


def effective(
    fields: Sequence[Field],
    given: Mapping[str, Any],
    tenant: Mapping[str, Any],
    *,
    known: Iterable[str] = (),
    source: Literal["parameter", "form"] = "parameter",
) -> tuple[Effective, ...]:
    """Check everything that was given and return the effective values, in the order of `fields`.

    `given` are parameters, `tenant` the tenant's own inputs; names of other sections (`known`) are allowed
    there and left alone. Raises InputError for an unknown name, a value that is not allowed, and anything that
    looks like a credential, which is then not quoted.
    """
    refuse_secrets(tenant, "tenants.yaml")
    refuse_secrets(given, source)
    names = {field.name for field in fields}
    for name in (*given, *tenant):
        if name not in names and name not in known:
            raise _unknown_input(name, sorted(names | set(known)))
    result: list[Effective] = []
    for field in fields:
        value, origin = field.default, "kit's default"
        if field.name in tenant:
            value, origin = tenant[field.name], "tenants.yaml"
        if field.name in given:
            value, origin = given[field.name], source
        try:
            if value is None and field.default is not None:
                raise ValueError("no value was given")
            checked = None if value is None else field.check(value)
            if field.name == naming.ADOPT:
                renaming = next((item.value for item in result if item.field.name == naming.RENAME), ())
                checked = naming.check_adopted(checked, field.names, renaming)
        except (ValueError, TypeError, OverflowError) as error:
            raise InputError(f"{field.name} ({origin}): {error}.", f"What it is for: {field.help}.") from None
        result.append(Effective(field=field, value=checked, source=origin))  # type: ignore[arg-type]
    return tuple(result)


def refuse_secrets(values: Mapping[str, Any], origin: str) -> None:
    """Raise InputError, which quotes nothing, when a name or a value looks like a credential."""
    for name, value in values.items():
        if kind := kind_of_secret(name):
            raise InputError(f"The name of an input ({origin}) looks like {kind}. It is not shown here.", _NEVER)
        if kind := kind_of_secret(value, may_be_hash=name == "approve"):
            raise InputError(f"{name} ({origin}): the value looks like {kind}. It is not shown here.", _NEVER)


_NEVER = (
    "A secret is never a parameter: it would stand in the notebook. Name it in tenants.yaml instead, as {env: NAME} "
    "or {file: PATH}. If it was typed or stored in clear, replace it."
)


def _unknown_input(name: str, known: Sequence[str]) -> InputError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known inputs: {', '.join(known)}."
    if is_secrets_name(name):
        hint = _NEVER
    return InputError(f"There is no input {name!r}.", hint)
