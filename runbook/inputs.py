"""The inputs of a section: one model, from which the parameters cell, the help, the form and the table come.

A value comes from the kit's default, the tenant's entry in ``tenants.yaml``, or a parameter, in this order;
the effective value carries where it came from. The same writing gives the same value, or the same refusal, wherever
it stands (`inputchecks`). Nothing that looks like a secret is ever an input.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from runbook import naming
from runbook.compile.result import Bounds, Compiled, Input, ResourceDraft, Setting
from runbook.compile.values import AdvisedValue, ComputedValue, InputValue, ReferenceValue
from runbook.errors import InputError
from runbook.inputchecks import (
    check_boolean,
    check_domains,
    check_host,
    check_text,
    choice_check,
    integer_check,
    list_text,
    timespan_check,
)
from runbook.references import egress_snapshot
from runbook.secretlike import is_secrets_name, kind_of_secret
from runbook.values import TIMESPAN, parse_timespan

Annotation = Literal["str", "int", "bool", "list"]
MODES = ("walkthrough", "plan", "apply", "verify")
_NOBODY: Mapping[str, str] = MappingProxyType({})


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
    source: str
    """``kit's default``, ``tenants.yaml``, ``file NAME``, ``command line``, ``parameters cell``, ``papermill``,
    ``form``; ``parameter`` where nobody could tell which of them."""


def _common() -> tuple[Field, ...]:
    return (
        Field(
            name="tenant",
            annotation="str",
            default="demo",
            help="Name of the tenant in tenants.yaml; demo is the simulated tenant",
            check=check_text,
        ),
        Field(
            name="mode",
            annotation="str",
            default="walkthrough",
            help="walkthrough (forms and a button), plan, apply or verify",
            check=choice_check(MODES),
            choices=MODES,
        ),
        Field(
            name="approve",
            annotation="str",
            default="",
            help="Hash of the plan that may be applied in mode apply",
            check=check_text,
        ),
        Field(
            name="run_dir",
            annotation="str",
            default="",
            help="Folder for the journal and the results; empty means a new one under runs",
            check=check_text,
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
            check=_taken_whole,
            names=names,
        )
    if draft.type == "HostedContentFilterPolicy":
        yield Field(
            name=naming.NOBODY,
            annotation="bool",
            default=False,
            help="Decision - change the anti-spam policy although others come before it for every recipient",
            check=check_boolean,
        )
    if draft.type == "TransportRule":
        yield Field(
            name=naming.ACCEPT,
            annotation="list",
            default=[],
            help="Decision - names of somebody else's rules that may stay in the way of the tutorial's",
            check=naming.check_accepted,
        )


def _taken_whole(value: Any) -> Any:
    """Leave it to `effective`, which knows the renames: a name may have a comma in it."""
    return value


def _draft_fields(
    draft: ResourceDraft, inputs: Mapping[str, Input], described: Mapping[str, Mapping[str, Any]]
) -> Iterable[Field]:
    def make(name: str, annotation: Annotation, check: Callable[[Any], Any], **more: Any) -> Field:
        said = described.get(name, {})
        return Field(
            name=name,
            annotation=annotation,
            default=_default(said.get("default", more.pop("fallback", None)), check),
            help=said.get("help", name.replace("_", " ")),
            check=check,
            **more,
        )

    if draft.optional:
        yield make(decision_field(draft.optional), "bool", check_boolean, fallback=False)
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
            yield make(name, "str", choice_check(regions), choices=regions, lines=setting.lines)
        elif isinstance(value, ComputedValue):
            yield make(override_field(setting.label), "str", check_host, fallback="", lines=setting.lines)
        elif isinstance(value, AdvisedValue):
            for decision in value.decisions:
                yield _decision(decision, True, setting, make)
        if setting.alternative:
            yield _decision(setting.alternative.decision, setting.alternative.asked, setting, make)


def _default(written: Any, check: Callable[[Any], Any]) -> Any:
    """Return a default as the cell of parameters has it; one that cannot be used is left for the run to refuse."""
    try:
        value = None if written is None else check(written)
    except ValueError:
        return written
    return list(value) if isinstance(value, tuple) else value


def _decision(decision: str, asked: bool, setting: Setting, make: Callable[..., Field]) -> Field:
    """Return the input for a correction; where the run need not wait, no answer means as written."""
    choices = ("", "advised", "as-written") if asked else ("as-written", "advised")
    check = choice_check(choices)
    return make(decision_field(decision), "str", check, fallback=choices[0], choices=choices, lines=setting.lines)


def _input_field(item: Input, make: Callable[..., Field]) -> Field:
    if isinstance(item.domain, Bounds):
        bounds = (item.domain.low, item.domain.high)
        check = integer_check(item.domain, "days")
        best = None if item.recommended is None else (item.recommended.low, item.recommended.high)
        return make(item.name, "int", check, bounds=bounds, unit="days", lines=item.lines, recommended=best)
    if item.domain and all(_is_timespan(text) for text in item.domain):
        shown = tuple(TIMESPAN.show(text) for text in item.domain)
        return make(item.name, "str", timespan_check(item.domain), choices=shown, lines=item.lines)
    if item.domain:
        return make(item.name, "str", choice_check(item.domain), choices=item.domain, lines=item.lines)
    return make(item.name, "str", check_text, lines=item.lines)


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
    source: str = "parameter",
    sources: Mapping[str, str] = _NOBODY,
) -> tuple[Effective, ...]:
    """Check everything that was given and return the effective values, in the order of `fields`.

    `given` are parameters, `tenant` the tenant's own inputs; names of other sections (`known`) are allowed
    there and left alone. `sources` says of parameters by name where they came from, `source` of all others.
    Raises InputError for an unknown name, a value that is not allowed, and anything that looks like a credential,
    which is then not quoted.
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
            value, origin = given[field.name], sources.get(field.name, source)
        try:
            checked = _checked(field, value, given=field.name in given or field.name in tenant)
            if field.name == naming.ADOPT:
                renaming = next((item.value for item in result if item.field.name == naming.RENAME), ())
                checked = naming.check_adopted(checked, field.names, renaming)
        except (ValueError, TypeError, OverflowError) as error:
            raise InputError(f"{field.name} ({origin}): {error}.", f"What it is for: {field.help}.") from None
        result.append(Effective(field=field, value=checked, source=origin))
    return tuple(result)


def _checked(field: Field, value: Any, *, given: bool) -> Any:
    """Return a checked value. An input that has no default is not answered by an empty text."""
    empty = value is None or (field.default is None and isinstance(value, str) and not value.strip())
    if empty and given:
        raise ValueError('no value was given. For an empty text write "", for the default leave the input out')
    return None if value is None else field.check(value)


def from_text(field: Field, text: str) -> Any:
    """Return the effective value that a typed text gives. Raises ValueError with a sentence for a person."""
    return _checked(field, text, given=True)


def to_text(value: Any) -> str:
    """Return how an effective value is written, so that `from_text` gives it back."""
    if isinstance(value, list | tuple):
        return list_text(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_given(items: Iterable[Effective]) -> dict[str, Any]:
    """Return effective values by name in plain JSON; given again they are in effect again."""
    values = {item.field.name: item.value for item in items}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


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
