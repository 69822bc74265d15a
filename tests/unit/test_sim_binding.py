"""Parameter binding, durations, lists and address ranges, for any value."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simtenant import addresses, binding, quarantine
from simtenant.envelope import CmdletError

SPANS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)).map(
    lambda span: timedelta(seconds=int(span.total_seconds()))
)
NAMES = st.lists(st.sampled_from(["a", "B", "c", "D", "e"]), unique=True)


@settings(deadline=None)
@given(SPANS)
def test_time_spans_survive_their_text(span: timedelta) -> None:
    assert binding.parse_time_span(binding.time_span_text(span)) == span


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("04:00:00", "PT4H"),
        ("1.00:00:00", "P1D"),
        ("7.00:00:00", "P7D"),
        ("90.00:00:00", "P90D"),
        ("1.02:03:04", "P1DT2H3M4S"),
        ("00:00:00", "PT0S"),
    ],
)
def test_durations_in_both_spellings(text: str, iso: str) -> None:
    assert quarantine.iso_duration(text) == iso


@pytest.mark.parametrize("text", ["P1D", "1", "1 day", "1:0:0", "-01:00:00", ""])
def test_other_texts_are_no_time_span(text: str) -> None:
    with pytest.raises(ValueError, match="time span"):
        binding.parse_time_span(text)


@settings(deadline=None)
@given(NAMES, NAMES, NAMES)
def test_a_delta_adds_and_removes_without_regard_to_case(current: list[str], add: list[str], remove: list[str]) -> None:
    delta = binding.Delta(add=tuple(add), remove=tuple(name.swapcase() for name in remove))
    after = delta.apply(current)
    if not add and not remove:
        assert after == []
        return
    assert set(after) == (set(current) - set(remove)) | set(add)
    assert len({name.casefold() for name in after}) == len(after)


ENUMS = [
    parameter
    for cmdlet in binding.cmdlets().values()
    for parameter in cmdlet.parameters.values()
    if parameter.type == "enum"
]


@pytest.mark.parametrize(
    "parameter", {parameter.values: parameter for parameter in ENUMS}.values(), ids=lambda p: p.name
)
def test_an_enum_accepts_each_name_and_only_prefixes_that_mean_one(parameter: binding.Parameter) -> None:
    cmdlet = binding.Cmdlet(
        name="Set-Thing", object="Thing", effect="update", parameters={parameter.name.lower(): parameter}
    )
    for name in parameter.values:
        assert binding.bind(cmdlet, {parameter.name: name.upper()}) == {parameter.name: name}
        for length in range(1, len(name)):
            start = name[:length]
            meant = [value for value in parameter.values if value.lower().startswith(start.lower())]
            if len(meant) == 1 or start in parameter.values:
                assert binding.bind(cmdlet, {parameter.name: start})[parameter.name] in meant
            else:
                with pytest.raises(CmdletError, match="enumerator names"):
                    binding.bind(cmdlet, {parameter.name: start})


@pytest.mark.parametrize("cmdlet", binding.cmdlets().values(), ids=lambda cmdlet: cmdlet.name)
def test_every_cmdlet_refuses_an_unknown_parameter_and_wants_its_mandatory_ones(cmdlet: binding.Cmdlet) -> None:
    with pytest.raises(CmdletError, match="Parameter set cannot be resolved"):
        binding.bind(cmdlet, {"NoSuchParameter": 1})
    required = [parameter.name for parameter in cmdlet.parameters.values() if parameter.required]
    if required:
        with pytest.raises(CmdletError, match=f"mandatory.*{required[0]}"):
            binding.bind(cmdlet, {})
    else:
        assert binding.bind(cmdlet, {}) == {}
    assert cmdlet.writes is not cmdlet.name.startswith("Get-")


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("QuarantineRetentionPeriod", 30, 30),
        ("QuarantineRetentionPeriod", " 30 ", 30),
        ("allowedsenders", "a@example.net", ("a@example.net",)),
        ("AllowedSenders", [], ()),
        ("AllowedSenders", {"@odata.type": binding.HASHTABLE}, binding.Delta()),
        ("AllowedSenders", {"@odata.type": binding.HASHTABLE, "Add": ["a"]}, binding.Delta(add=("a",))),
        ("AddXHeaderValue", "x" * 255, "x" * 255),
        ("EnableRegionBlockList", True, True),
        ("AddXHeaderValue", None, None),
        ("AllowedSenders", None, None),
    ],
)
def test_values_that_fit(name: str, value: Any, bound: Any) -> None:
    cmdlet = binding.cmdlets()["set-hostedcontentfilterpolicy"]
    result = binding.bind(cmdlet, {"Identity": "Default", name: value})
    assert [found for key, found in result.items() if key != "Identity"] == [bound]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("QuarantineRetentionPeriod", 31, "at most 30"),
        ("QuarantineRetentionPeriod", 1.5, "Int32"),
        ("QuarantineRetentionPeriod", True, "Int32"),
        ("AddXHeaderValue", "x" * 256, "too long"),
        ("AddXHeaderValue", ["x"], "String"),
        ("AllowedSenders", [None], "list of texts"),
        ("SpamAction", None, "Null isn't accepted"),
        ("QuarantineRetentionPeriod", None, "Null isn't accepted"),
        ("EnableRegionBlockList", None, "Null isn't accepted"),
        ("AllowedSenders", {"@odata.type": "#Other", "add": []}, "GenericHashTable"),
        ("AllowedSenders", {"@odata.type": binding.HASHTABLE, "insert": []}, "only add and remove"),
        ("EnableRegionBlockList", 1, "Boolean"),
        ("SpamAction", 3, "enumerator names"),
        ("SpamAction", "", "enumerator names"),
    ],
)
def test_values_that_do_not_fit(name: str, value: Any, text: str) -> None:
    cmdlet = binding.cmdlets()["set-hostedcontentfilterpolicy"]
    with pytest.raises(CmdletError, match=text):
        binding.bind(cmdlet, {"Identity": "Default", name: value})


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_any_ipv4_prefix_is_good_for_a_rule_and_only_narrow_ones_for_the_filter(number: int, length: int) -> None:
    text = f"{ipaddress.IPv4Address(number)}/{length}"
    addresses.check_rule_ranges("SenderIpRanges", [text])
    if length >= 24:
        addresses.check_filter_entries("IPAllowList", [text])
        addresses.check_connector_addresses("SenderIPAddresses", [text])
    else:
        with pytest.raises(CmdletError, match="too large"):
            addresses.check_filter_entries("IPAllowList", [text])
        with pytest.raises(CmdletError, match="/24 to /32"):
            addresses.check_connector_addresses("SenderIPAddresses", [text])
    kept = ipaddress.ip_network(addresses.normalised(text))
    assert kept == ipaddress.ip_network(text, strict=False)
