"""Egress addresses in the form that Office 365 takes."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.errors import UsageError
from runbook.references import EGRESS_FILE, egress_ranges, egress_snapshot, office365_ranges

CASES = Path(__file__).parent.parent / "cases" / "references" / "office365.yaml"


def network(address: int, length: int) -> str:
    return str(ipaddress.ip_network((address >> (32 - length) << (32 - length), length)))


published = st.builds(network, st.integers(0, 2**32 - 1), st.integers(18, 32))
six = st.ip_addresses(v=6).map(str)


@pytest.mark.parametrize("case", yaml.safe_load(CASES.read_text(encoding="utf-8")), ids=lambda case: case["about"])
def test_selection(case: dict[str, list[str]]) -> None:
    assert list(office365_ranges(case["published"])) == case["taken"]


@settings(deadline=None, max_examples=50)
@given(st.lists(published, max_size=6), st.lists(six, max_size=2))
def test_covers_the_same_addresses_and_nothing_is_wide(four: list[str], v6: list[str]) -> None:
    ranges = [ipaddress.ip_network(text) for text in office365_ranges([*v6, *four])]
    assert all(item.version == 4 and item.prefixlen >= 24 for item in ranges)
    given_ = list(ipaddress.collapse_addresses(ipaddress.IPv4Network(text) for text in four))
    taken = list(ipaddress.collapse_addresses(item for item in ranges if isinstance(item, ipaddress.IPv4Network)))
    assert taken == given_


@settings(deadline=None, max_examples=50)
@given(st.lists(published, max_size=6))
def test_sorted_once_and_stable(four: list[str]) -> None:
    ranges = office365_ranges(four)
    assert list(ranges) == sorted(set(ranges), key=lambda text: ipaddress.IPv4Network(text))
    assert office365_ranges(reversed(ranges)) == ranges


@pytest.mark.parametrize(
    ("region", "count"), [("us", 40), ("europe", 42), ("india", 40), ("australia-new-zealand", 40)]
)
def test_regions(region: str, count: int) -> None:
    ranges = egress_ranges(region)
    assert len(ranges) == count
    assert sum(text.endswith("/24") for text in ranges) == 34
    assert {"134.195.26.0/24", "134.195.27.0/24"} <= set(ranges), "a page of the vendor once forgot these two"


def test_europe_is_the_united_states_and_two_more() -> None:
    assert set(egress_ranges("europe")) - set(egress_ranges("us")) == {"52.58.35.43", "35.157.195.63"}


def test_unknown_region_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="australia-new-zealand, europe, india, us"):
        egress_ranges("mars")


@pytest.mark.parametrize("wrong", ["10.0.0.1/24", "not an address", "10.0.0.0-10.0.0.9", "10.0.0.0/33"])
def test_what_is_no_range_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong[:4]):
        office365_ranges([wrong])


def test_snapshot_names_its_day_and_source() -> None:
    snapshot = egress_snapshot()
    assert snapshot.date == "2026-04" and "CC-BY 4.0" in snapshot.source and len(snapshot.sha256) == 64
    assert any(":" in text for text in snapshot.regions["us"]), "IPv6 is kept as published"


def test_broken_snapshot_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "egress-ips.yaml"
    broken.write_text(EGRESS_FILE.read_text(encoding="utf-8").replace("52.11.209.211", "52.11.209"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"egress-ips\.yaml"):
        egress_snapshot(broken)


def test_the_published_page_agrees() -> None:
    page = Path(__file__).resolve().parents[3] / "shared" / "tutorials" / "egress-ips-2024.md"
    if not page.exists():
        pytest.skip("the vendor's page is not beside this checkout")
    listed = {line for line in page.read_text(encoding="utf-8").splitlines() if line.endswith("/24")}
    assert {text for text in egress_ranges("us") if text.endswith("/24")} == listed
