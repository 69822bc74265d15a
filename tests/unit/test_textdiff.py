"""Two texts compared by what they set: pairs of texts, and the whole comparison as it is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from runbook.compile import Compiled, ResourceDraft, Setting, compile_tutorial
from runbook.lexicon import load_lexicon
from runbook.naming import check_adopted, check_renames, created
from runbook.textdiff.renaming import find_renames
from runbook.textdiff.settings import diff_texts
from runbook.textdiff.words import render
from runbook.tutorial import parse_tutorial

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases" / "textdiff"
OWN = ROOT / "runbook" / "tutorials" / "junk-and-user-quarantine.md"
SHARED = ROOT.parent / "shared" / "tutorials"
NAMES = sorted({path.name.split(".")[0] for path in CASES.iterdir()})
LEXICON = load_lexicon()


def compiled(text: str, path: str = "") -> Compiled:
    return compile_tutorial(parse_tutorial(text.encode(), path=path), LEXICON)


def texts_of(name: str) -> tuple[str, str]:
    edits = CASES / f"{name}.edits.yaml"
    if not edits.exists():
        old, new = ((CASES / f"{name}.{side}.md").read_text(encoding="utf-8") for side in ("old", "new"))
        return old, new
    texts = []
    for side in ("old", "new"):
        text = OWN.read_text(encoding="utf-8")
        for before, after in yaml.safe_load(edits.read_text(encoding="utf-8"))[side]:
            assert before in text, f"{name}: {before!r} is not in the text"
            text = text.replace(before, after)
        texts.append(text)
    return texts[0], texts[1]


def pair_of(name: str) -> tuple[Compiled, Compiled]:
    old, new = texts_of(name)
    return compiled(old, "old.md"), compiled(new, "new.md")


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str) -> None:
    old, new = pair_of(name)
    wanted = (CASES / f"{name}.expected.txt").read_text(encoding="utf-8")
    shown = render(diff_texts(old, new), old, new, "new.md")
    assert [line.split(", SHA-256")[0] for line in shown.split("\n")] == wanted.split("\n"), name


@pytest.mark.parametrize("name", NAMES)
def test_a_text_against_itself_is_no_change(name: str) -> None:
    for one in pair_of(name):
        found = diff_texts(one, one)
        assert not found.changed and not found.diagnostics and not found.manual, name
        assert "No change in settings" in render(found, one, one, "new.md"), name


@pytest.mark.parametrize("name", NAMES)
def test_there_and_back_say_the_same(name: str) -> None:
    old, new = pair_of(name)
    there, back = diff_texts(old, new), diff_texts(new, old)
    turned = {"added": "removed", "removed": "added"}
    assert sorted(turned.get(item.sort, item.sort) for item in there.resources) == sorted(
        item.sort for item in back.resources
    ), name
    for part in ("inputs", "references", "order", "promises", "diagnostics", "manual"):
        mine = sorted((item.about, item.before or "", item.after or "") for item in getattr(there, part))
        theirs = sorted((item.about, item.after or "", item.before or "") for item in getattr(back, part))
        assert mine == theirs, f"{name}: {part}"


@pytest.mark.parametrize("name", NAMES)
def test_the_decisions_are_ones_that_a_run_accepts(name: str) -> None:
    old, new = pair_of(name)
    found = diff_texts(old, new).decisions
    names = created(new.resources)
    assert check_renames(list(found.rename), names) == found.rename, name
    assert check_adopted(list(found.adopt), names, found.rename) == found.adopt, name


@pytest.mark.parametrize("name", NAMES)
def test_the_printed_form_is_json_and_says_the_same(name: str) -> None:
    old, new = pair_of(name)
    found = diff_texts(old, new)
    again = json.loads(json.dumps(found.as_json()))
    assert again["changed"] == found.changed
    assert [item["change"] for item in again["resources"]] == [item.sort for item in found.resources], name


def draft(name: str, **values: int) -> ResourceDraft:
    settings = tuple(
        Setting(parameter=parameter, value=value, lines=(1,), label="", words="", certainty="exact label")
        for parameter, value in values.items()
    )
    return ResourceDraft(type="TransportRule", action="create", identity=name, settings=settings, section="one",
                         lines=(), opened_at=1, committed_at=None)  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "is_one"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, False),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2, "c": 3, "d": 4}, {"a": 1, "b": 2, "c": 5, "d": 6}, True),
        ({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, {"a": 1, "b": 2, "c": 5, "d": 6, "e": 7}, False),
        ({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "d": 5, "e": 6}, False),
        ({"Enabled": 1}, {"Enabled": 1}, False),
        ({"a": 1, "Enabled": 1}, {"a": 2, "Enabled": 1}, False),
        ({"a": 1, "Enabled": 1}, {"a": 1, "Enabled": 0}, True),
    ],
)
def test_half_of_the_values_make_a_rename(old: dict[str, int], new: dict[str, int], is_one: bool) -> None:
    assert bool(find_renames([draft("old", **old)], [draft("new", **new)])) == is_one
    assert bool(find_renames([draft("new", **new)], [draft("old", **old)])) == is_one


def test_the_one_that_is_more_alike_is_taken() -> None:
    old, near, far = draft("old", a=1, b=2, c=3, d=4), draft("near", a=1, b=2, c=3, d=5), draft("far", a=1, b=2)
    (found,) = find_renames([old], [far, near])
    assert found.new is near and found.why == "3 of 4 values are the same"
    assert find_renames([old], [near, draft("as near", a=1, b=2, c=3, d=6)]) == ()


def test_lines_that_move_are_no_change() -> None:
    """A line more anywhere in the own edition changes lines and remarks about lines, and no setting."""
    lines = OWN.read_text(encoding="utf-8").split("\n")
    whole = compiled("\n".join(lines))
    heads = [at for at, line in enumerate(lines) if line.startswith("## ")]
    for at in heads:
        more = compiled("\n".join([*lines[:at], "A sentence more.", "", *lines[at:]]))
        found = diff_texts(whole, more)
        assert not found.changed and not found.diagnostics and not found.manual, lines[at]


def test_no_case_is_without_its_expectation() -> None:
    files = {path.name for path in CASES.iterdir()}
    for name in NAMES:
        pair = {f"{name}.old.md", f"{name}.new.md"}
        assert f"{name}.expected.txt" in files and (pair <= files or f"{name}.edits.yaml" in files), name
    sorts = {item.sort for name in NAMES for item in diff_texts(*pair_of(name)).resources}
    assert sorts == {"added", "removed", "renamed", "changed"}


@pytest.mark.skipif(not SHARED.exists(), reason="the collection of texts is not beside this checkout")
def test_four_years_of_the_vendors_own_text() -> None:
    old, new = (
        compiled((SHARED / name).read_text(encoding="utf-8"))
        for name in ("uc2-2022-with-second-rule.md", "uc2-2026-rendered.md")
    )
    found = diff_texts(old, new)
    renamed = {item.before.identity: item.after.identity for item in found.resources if item.before and item.after}
    assert renamed == {
        "Area 1 Deliver to Junk Email folder": "Email security Deliver to Junk Email folder",
        "Area 1 User Quarantine Message": "Email security User Quarantine Message",
    }
    shown = render(found, old, new, "new.md")
    for words in (
        "HeaderContainsWords: ['SUSPICIOUS', 'BULK'] -> ['BULK']",
        "- EmailSecurityDomain for each of domains",
        "- SUSPICIOUS to the Junk Email folder",
        '- "Email security User Quarantine Message=Area 1 User Quarantine Message"',
    ):
        assert words in shown
