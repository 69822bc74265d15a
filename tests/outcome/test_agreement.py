"""Prediction and observation, written apart from the same facts, are held against each other on drawn tenants.

A difference is a message that the simulated tenant delivers to a place that the prediction does not have among its
endings. What is compared: the place, in quarantine the policy's name, and what the recipient may do there.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from in_process import connected
from outcome.drawn import DOMAINS, Draw

from runbook.outcome.assumed import Assumed
from runbook.outcome.ending import Ending, Outcome
from runbook.outcome.predict import outcome
from runbook.outcome.surroundings import Surroundings
from runbook.section.around import look_around
from simtenant.local import LocalTenant

EACH = 30
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def stood(draw: Draw) -> tuple[LocalTenant, Surroundings, Assumed]:
    far = LocalTenant(profile=draw.profile, clock=lambda: NOW)
    with connected(far) as services:
        assumed = draw.stand(services, far)
        return far, look_around(services, DOMAINS, "2026-03-04T05:06:07Z"), assumed


def fits(ending: Ending, seen: dict[str, Any]) -> bool:
    if ending.place != seen["place"]:
        return False
    if seen["place"] != "quarantine":
        return True
    rights = {name for name, may in (seen["user_may"] or {}).items() if may}
    named = ending.quarantine_policy.lower() == str(seen["quarantine_policy"] or "").lower()
    return named and (ending.user_may is None or set(ending.user_may) == rights)


def compare(seed: str, tally: Counter[str]) -> list[str]:
    """Return the differences on one drawn tenant, and count how sure the predictions were."""
    draw = Draw(seed)
    far, found, assumed = stood(draw)
    assert not found.unread, found.unread
    people = far.recipients()
    known = {row["address"]: row["groups"] for row in people["recipients"]}
    pairs = [draw.message(known, people["unexpandable_groups"]) for _ in range(EACH)]
    told = []
    for (asked, handed), seen in zip(pairs, far.deliver_all([handed for _, handed in pairs]), strict=True):
        predicted: Outcome = outcome(found, asked, NOW, assumed)
        tally["messages"] += 1
        if any(item.place == "unknown" for item in predicted.endings):
            tally["not known"] += 1
        elif any(fits(item, seen) for item in predicted.endings):
            tally["one ending, and it is that" if predicted.ending else "several endings, one of them that"] += 1
        else:
            tally["different"] += 1
            told.append(f"seed {seed}: {handed}\n  seen {seen}\n  predicted {[item.text for item in predicted.endings]}"
                        f"\n  {[step.text for step in predicted.steps]}")  # fmt: skip
    far.close()
    tally["tenants"] += 1
    return told


def run(tenants: int, first: int = 0) -> tuple[list[str], Counter[str]]:
    tally: Counter[str] = Counter()
    told = [item for number in range(first, first + tenants) for item in compare(f"outcome-{number}", tally)]
    return told, tally


def test_a_sample_agrees() -> None:
    told, tally = run(40, first=int(os.environ.get("RUNBOOK_SAMPLE", "1000")))
    assert not told, "\n".join(told[:5])
    assert tally["messages"] == 40 * EACH
    assert tally["one ending, and it is that"] > tally["messages"] / 3, tally


@pytest.mark.slow
def test_ten_thousand_messages_agree() -> None:
    told, tally = run(400)
    print("; ".join(f"{name}: {count}" for name, count in tally.items()))
    assert not told, "\n".join(told[:5])
    assert tally["messages"] >= 10_000
