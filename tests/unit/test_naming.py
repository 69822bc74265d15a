"""Decisions about names: what may be adopted or renamed, and with which words the rest is refused."""

from __future__ import annotations

from typing import Any

import pytest

from runbook import library
from runbook.errors import InputError
from runbook.inputs import effective

RULE = "Area 1 Deliver to Junk Email folder"


def values(**given: Any) -> dict[str, Any]:
    return {item.field.name: item.value for item in effective(library.load().all_fields(), given, {})}


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("adopt", RULE.lower(), (RULE,)),
        ("adopt", f"{RULE}, usernotifyuserrelease", (RULE, "UserNotifyUserRelease")),
        ("adopt", [RULE, RULE], (RULE,)),
        ("adopt", [], ()),
        ("rename", f"{RULE.upper()}=Gateway junk", (f"{RULE}=Gateway junk",)),
        ("rename", ["UserNotifyUserRelease=A, B"], ("UserNotifyUserRelease=A, B",)),
        ("rename", f"UserNotifyUserRelease=A, {RULE}=B", ("UserNotifyUserRelease=A", f"{RULE}=B")),
    ],
)  # fmt: skip
def test_a_decision_is_kept_as_the_tutorial_spells_it(name: str, given: Any, wanted: tuple[str, ...]) -> None:
    assert values(**{name: given})[name] == wanted


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"adopt": "Area 1 Deliver to Junk Email"}, f"did you mean '{RULE}'?"),
        ({"adopt": "Default"}, "the tutorial creates nothing named 'Default'"),
        ({"adopt": 5}, "is not a list of names"),
        ({"adopt": RULE, "rename": f"{RULE}=New"}, "is renamed to 'New': name that one"),
        ({"rename": RULE}, "is not of the form OLD=NEW"),
        ({"rename": "UserNotifyRelease=New"}, "did you mean 'UserNotifyUserRelease'?"),
        ({"rename": f"{RULE}="}, "is empty"),
        ({"rename": [f"{RULE}= New"]}, "has blanks at an end"),
        ({"rename": f"{RULE}={'x' * 65}"}, "has 65 characters"),
        ({"rename": f"{RULE}={RULE.upper()}"}, "is taken"),
        ({"rename": f"{RULE}=usernotifyuserrelease"}, "is taken"),
        ({"rename": "UserNotifyUserRelease=N, UserNotifyAdminRelease=n"}, "is taken"),
        ({"rename": f"{RULE}=A, {RULE}=B"}, "is renamed twice"),
        ({"rename": f"{RULE}=a\u202eb"}, "cannot be seen"),
    ],
)
def test_a_name_that_cannot_be_meant_is_refused_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        values(**given)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_new_name_may_be_adopted() -> None:
    assert values(adopt="new", rename=f"{RULE}=New")["adopt"] == ("New",)


def test_the_longest_name_is_allowed() -> None:
    assert values(rename=f"{RULE}={'x' * 64}")["rename"] == (f"{RULE}={'x' * 64}",)


def test_the_decisions_are_inputs_of_the_sections_that_they_reach() -> None:
    document = library.load()
    found = {
        item.id: {field.name for field in document.fields(item.id)} & {"adopt", "rename"} for item in document.sections
    }
    assert found == {
        "configure-domains": set(),
        "create-quarantine-policies": {"adopt", "rename"},
        "configure-quarantine-notifications": set(),
        "configure-anti-spam-policies": {"rename"},
        "create-transport-rules": {"adopt", "rename"},
    }
