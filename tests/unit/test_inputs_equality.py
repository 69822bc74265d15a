"""One writing, one value: whichever way an input comes, it gives the same, or is refused in the same words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import connected
from input_channels import NEEDED, NOTE, WORD, Ways, fields, is_plain
from section_runs import Kept

from runbook import library
from runbook.errors import InputError
from runbook.inputs import COMMON, effective, from_text, section_fields, to_text
from runbook.journal import Journal
from runbook.runs import RunFolder
from runbook.section.applying import Patience
from runbook.section.course import Forward
from runbook.section.section import Section
from runbook.section.setup import Setup
from runbook.section.state import SectionState
from simtenant.local import LocalTenant

FILE = Path(__file__).parent.parent / "cases" / "inputs" / "equality.yaml"
TABLE: dict[str, list[dict[str, Any]]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
CASES = [(name, case) for name, cases in TABLE.items() for case in cases]
OWN_ENTRY = {"runbook -f, plain": "plain", "tenants.yaml, plain": "plain", "papermill -p": "typed"}
OWN_ENTRY["papermill -f, plain"] = "read"
SOURCES = {"runbook -p": "command line", "runbook -f": "file inputs.yaml", "tenants.yaml": "tenants.yaml"}
SOURCES |= {"parameters cell": "parameters cell", "papermill -p": "papermill", "papermill -r": "papermill"}
SOURCES |= {"papermill -f": "papermill", "form": "form"}


def text_of(case: dict[str, Any]) -> str:
    text: str = case["text"].replace("⏎", "\n").replace("␀", "\0") * case.get("times", 1)
    return text


def named(found: tuple[str, dict[str, Any]]) -> str:
    return f"{found[0]}={found[1]['text']!a:.30}x{found[1].get('times', 1)}"


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Ways:
    return Ways(tmp_path_factory.mktemp("ways"))


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Section]:
    """A section with every input there is, open on a tenant in this process."""
    document, folder = library.load(), RunFolder.create("demo", "walkthrough", tmp_path_factory.mktemp("runs"))
    inputs = effective((*COMMON, *fields()), {}, {})
    with connected(LocalTenant()) as services:
        connection = Kept(services.tenant, services, None)
        course = Forward(document=document, tenant_inputs={}, domains=("example.com",), connection=connection)
        setup = Setup(
            document=document, section=document.sections[0], inputs=inputs, domains=("example.com",),
            connection=connection, folder=folder, journal=Journal(folder.journal), course=course,
            patience=Patience(), simulated=True,
        )  # fmt: skip
        yield Section(setup, SectionState.begin(folder, document, document.sections[0].id, inputs))


def form(section: Section, name: str, text: str) -> tuple[Any, str]:
    """Type a text into the form, and take away what was typed."""
    before = next(item for item in section.effective if item.field.name == name)
    try:
        section.edit({name: text})
    except InputError as error:
        return str(error), "refused"
    after = next(item for item in section.effective if item.field.name == name)
    if after.value != before.value and before.value is not None:
        section.edit({name: before.value})
    return after.value, after.source


def plain_value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def holds(expected: dict[str, Any], outcome: tuple[Any, str], where: str) -> None:
    value, source = outcome
    if "says" in expected:
        assert source == "refused", f"{where}: taken as {value!r}"
        assert expected["says"] in value, where
        assert len(value) < 1000, f"{where}: the message quotes all of it"
    else:
        assert source != "refused", f"{where}: {value}"
        assert (type(plain_value(value)), plain_value(value)) == (type(expected["gives"]), expected["gives"]), where


def test_every_input_has_its_cases() -> None:
    assert set(TABLE) == {field.name for field in fields()}


@pytest.mark.parametrize(("name", "case"), CASES, ids=map(named, CASES))
def test_one_writing_gives_one_value(ways: Ways, section: Section, name: str, case: dict[str, Any]) -> None:
    text = text_of(case)
    if "gives" in case and isinstance(case["gives"], str):
        case = {**case, "gives": case["gives"] * case.get("times", 1)}
    writable = is_plain(text) or isinstance(case.get("plain"), dict)
    assert writable or case.get("plain") is False, "say with `plain` what YAML makes of it"
    found = ways.every(name, text, plain=writable)
    found["form"] = form(section, name, text)
    default = next(field.default for field in fields() if field.name == name)
    for way, outcome in found.items():
        expected = case.get(OWN_ENTRY.get(way, ""), case)
        if expected is False:
            continue
        holds(expected, outcome, f"{name}, {way}")
        if outcome[1] == "refused":
            assert name in outcome[0] or outcome[0].startswith("papermill:"), f"{way}: the input is not named"
            continue
        wanted = SOURCES[way.split(",")[0]]
        unsaid = plain_value(outcome[0]) == default or text == default  # nobody can tell that somebody said it
        assert outcome[1] == wanted or (unsaid and way in ("parameters cell", "form")), f"{way}: {outcome[1]}"


@pytest.mark.parametrize(("name", "case"), CASES, ids=map(named, CASES))
def test_what_is_typed_is_the_same_without_a_notebook(name: str, case: dict[str, Any]) -> None:
    field = next(field for field in fields() if field.name == name)
    if name == "adopt":
        pytest.skip("its names depend on the renames, which only all inputs together tell")
    try:
        value = from_text(field, text_of(case))
    except ValueError as error:
        assert case["says"] in str(error)
        return
    assert field.check(value) == value, "a checked value passes again"
    assert value == "" or field.check(to_text(value)) == value, "what it is shown as gives it again"


NATIVE: list[tuple[str, Any, Any]] = [  # what a person puts into the cell of parameters as Python has it
    ("retention_days", 20, 20),
    ("retention_days", 15, 15),
    ("retention_days", 15.0, "15.0 is not a whole number"),
    ("retention_days", True, "True is not a whole number"),
    ("add_second_rule", True, True),
    ("add_second_rule", 0, "0 is neither true nor false"),
    ("accept_governs_nobody", 0.0, "is neither true nor false"),
    ("note", 123, "123 came as a number"),
    ("note", None, "no value was given"),
    ("forwarding_to", False, "False came as a truth value"),
    ("domains", ["a.example"], ("a.example",)),
    ("domains", ("a.example",), ("a.example",)),
    ("domains", [5], "5 is not a domain name"),
    ("domains", {"a.example": 1}, "is not a list of domain names"),
    ("accept_rules", ["a, b", " c "], ("a, b", "c")),
    ("accept_rules", ["a", 5], "5 came as a number"),
    ("accept_rules", [["a"]], "is not one text"),
]


@pytest.mark.parametrize(("name", "value", "wanted"), NATIVE)
def test_the_cell_of_parameters_holds_python(ways: Ways, name: str, value: Any, wanted: Any) -> None:
    found, source = ways.python(name, value)
    if source == "refused":
        assert isinstance(wanted, str) and wanted in found
        return
    assert (type(found), found) == (type(wanted), wanted)
    default = next(field.default for field in fields() if field.name == name)
    assert source == ("kit's default" if value == default else "parameters cell")


DESCRIBED = [(name, case) for name, case in CASES if name not in ("note", "needed", "word", "rename", "adopt")]
NO_DESCRIPTION = ("accept_governs_nobody", "accept_rules")


@pytest.mark.parametrize(("name", "case"), DESCRIBED, ids=map(named, DESCRIBED))
def test_a_default_is_read_like_any_other_writing(name: str, case: dict[str, Any]) -> None:
    if name in NO_DESCRIPTION:
        return  # a decision of the kit's about what it finds; its default is the kit's alone
    document = library.load()
    whole = replace(document.compiled, resources=(*document.compiled.resources, *document.offered))
    described = {**document.described, name: {"default": text_of(case)}}
    found = {
        field.name: field for part in document.sections for field in section_fields(whole, part.id, described)
    }[name]  # fmt: skip
    try:
        (item,) = effective([found], {}, {})
    except InputError as error:
        assert case.get("says", "") in str(error)
        assert "kit's default" in str(error)
        return
    holds(case, (item.value, item.source), name)
    assert item.source == "kit's default"
    assert type(found.default) is type(plain_value(item.value)), "the cell of parameters has it in its sort"


@pytest.mark.parametrize("value", [5, 1.5, True, {"a": 1}, ["a"], None, b"a"])
def test_what_is_no_text_is_never_one(value: Any) -> None:
    for field in (NOTE, NEEDED, WORD):
        with pytest.raises(InputError):
            effective([field], {field.name: value}, {})


@pytest.mark.parametrize("field", [NOTE, NEEDED], ids=lambda field: field.name)
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=30) | st.from_regex(r"[-+]?[0-9_:.eExX]{1,8}", fullmatch=True) | st.sampled_from(
    ["true", "No", "~", "null", "2026-11-28", "0o17", "0b1", ".nan", "1:2:3", "[]", "{}", "a: b", "- a", "'a'", "|"]
))  # fmt: skip
def test_any_text_is_the_same_by_every_way(ways: Ways, section: Section, field: Any, text: str) -> None:
    found = ways.every(field.name, text, plain=is_plain(text))
    found["form"] = form(section, field.name, text)
    converted = {way: found.pop(way) for way in ("papermill -p", "papermill -f, plain") if way in found}
    if is_plain(text) and found["runbook -f, plain"][1] == "refused":  # null, ~ and nothing are no value in YAML
        assert "no value was given" in found.pop("runbook -f, plain")[0]
        assert "no value was given" in found.pop("tenants.yaml, plain")[0]
    values = {value if source != "refused" else "refused" for value, source in found.values()}
    assert len(values) == 1, found
    assert values in ({text.strip()}, {"refused"}), found
    for way, (value, source) in converted.items():
        assert source == "refused" or value == text.strip(), f"{way}: {value!r}"
