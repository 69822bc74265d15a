"""The tenant's switches: behaviours that are open in the facts, or that a test wants to be awkward."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from simtenant.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One behaviour that can be set; the first choice is the default."""

    name: str
    choices: tuple[str, ...] = ()
    """Empty for a whole number."""
    default_number: int = 0
    meaning: str

    @property
    def default(self) -> str | int:
        """Give the value of a tenant that nobody touched."""
        return self.choices[0] if self.choices else self.default_number

    def check(self, value: object) -> str | int:
        """Return the value if it is allowed; raises ValueError naming what is."""
        if self.choices:
            if value in self.choices:
                return str(value)
            raise ValueError(f"{self.name} is one of {', '.join(self.choices)}, not {value!r}")
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise ValueError(f"{self.name} is a whole number of at least 0, not {value!r}")


_ALL = (
    Switch(
        name="remove_in_use",
        choices=("refuse", "allow"),
        meaning="Remove-QuarantinePolicy while an anti-spam policy still names it",
    ),
    Switch(
        name="virtual_global_set",
        choices=("refuse", "create"),
        meaning="Set-QuarantinePolicy on the global policy that exists only virtually",
    ),
    Switch(
        name="unknown_identity",
        choices=("not-found", "all"),
        meaning="a Get with an Identity that names nothing: 404, or every object",
    ),
    Switch(name="scl_type", choices=("number", "text"), meaning="JSON type of SetSCL when a rule is read back"),
    Switch(
        name="ip_spelling",
        choices=("as-sent", "normalised"),
        meaning="spelling of SenderIpRanges on read-back (normalised: host bits cut, /32 dropped)",
    ),
    Switch(
        name="permission_order",
        choices=("fixed", "turned", "shuffled"),
        meaning="order of the lines in EndUserQuarantinePermissions; shuffled: another one at each reading",
    ),
    Switch(
        name="null_clears",
        choices=("yes", "refuse"),
        meaning="JSON null as the value of a condition on Set-TransportRule",
    ),
    Switch(
        name="error_key_case",
        choices=("lower", "mixed"),
        meaning="innererror and internalexception, or InnerError and internalException",
    ),
    Switch(
        name="next_link",
        choices=("works", "expires"),
        meaning="a replayed @odata.nextLink: good for thirty minutes, or for no moment at all",
    ),
    Switch(
        name="number_type", choices=("number", "text"), meaning="JSON type of every whole number in a row of Exchange"
    ),
    Switch(
        name="refusal_text",
        choices=("worded", "bare"),
        meaning="refusals whose text is open: in words of our own, or without a word about the cause",
    ),
    Switch(
        name="not_found_form",
        choices=("404", "500"),
        meaning="an object that is not there: as in newer captures (404) or in older ones (500, another id)",
    ),
    Switch(
        name="region",
        choices=("none", "probe", "everything"),
        meaning="what answers 302 to the tenant's region at a host without its prefix: the module file, or all calls",
    ),
    Switch(
        name="result_size",
        choices=("honoured", "ignored"),
        meaning="whether ResultSize Unlimited keeps the answer in one piece",
    ),
    Switch(name="exchange_page_size", default_number=1000, meaning="rows per page of InvokeCommand"),
    Switch(name="graph_page_size", default_number=100, meaning="rows per page of Microsoft Graph"),
    Switch(name="cloudflare_page_size", default_number=20, meaning="per_page of a list that does not ask for one"),
    Switch(
        name="cloudflare_batch",
        choices=("atomic", "in-parts"),
        meaning="a batch with a bad operation: nothing is kept, or what came before it is",
    ),
    Switch(name="cloudflare_limit", default_number=1200, meaning="requests per five minutes and token before 429"),
    Switch(
        name="visibility_lag_seconds",
        meaning="seconds before a new object is listed and may be named as a quarantine tag",
    ),
    Switch(
        name="update_lag_seconds",
        meaning="seconds before a changed object is read back with its new properties",
    ),
    Switch(
        name="hydration_polls",
        meaning="how often IsDehydrated still reads true after Enable-OrganizationCustomization",
    ),
    Switch(
        name="anchor",
        choices=("ignored", "checked"),
        meaning="whether X-AnchorMailbox, when sent, must name the tenant of the path",
    ),
    Switch(
        name="defender_plan",
        choices=("present", "absent"),
        meaning="the subscription without which Get-ATPProtectionPolicyRule fails",
    ),
    Switch(
        name="conditional_access",
        choices=("off", "people", "everyone"),
        meaning="whose sign-in a Conditional Access policy blocks (53003); everyone includes applications",
    ),
    Switch(
        name="assertion_replay",
        choices=("allowed", "refused"),
        meaning="a client assertion whose jti was seen before; msal uses one for nine minutes",
    ),
    Switch(
        name="missing_role",
        choices=("nul-bytes", "worded-403", "worded-401"),
        meaning="a caller without any directory role: the 403 of a forbidden cmdlet, or a refusal in words",
    ),
    Switch(name="unauthenticated_body", choices=("empty", "json"), meaning="the body of a 401 of Exchange"),
    Switch(
        name="rate_headers", choices=("present", "absent"), meaning="the Rate-Limit headers of InvokeCommand's answers"
    ),
    Switch(
        name="mixed_filter_entries",
        choices=("refuse", "accept"),
        meaning="a list of several kinds of entries that replaces one of the connection filter",
    ),
    Switch(
        name="list_change",
        choices=("in-place", "refuse", "replace"),
        meaning="a list sent as what to add and to remove: it changes so, is refused, or what is added replaces it",
    ),
    Switch(
        name="cloudflare_paging",
        choices=("works", "repeats"),
        meaning="a list of domains: ends with an empty page, or gives its first page for ever",
    ),
    Switch(
        name="cloudflare_add_on",
        choices=("present", "absent"),
        meaning="the subscription without which an account has no Email Security",
    ),
    Switch(name="cloudflare_status_case", choices=("upper", "lower"), meaning="letters of a domain's status"),
    Switch(name="cloudflare_last_modified", choices=("absent", "present"), meaning="the field last_modified"),
    Switch(
        name="disposition_header",
        choices=("old", "new", "both"),
        meaning="the gateway's disposition header: X-Area1Security-Disposition, X-CFEmailSecurity-Disposition, or both",
    ),
    Switch(
        name="bulk_disposition",
        choices=("written", "not-written"),
        meaning="whether the gateway writes BULK into the disposition header",
    ),
    Switch(
        name="forged_disposition",
        choices=("replaced", "kept"),
        meaning="a disposition header that a message carries before it comes to the gateway",
    ),
    Switch(
        name="allow_list_and_scl",
        choices=("allow-wins", "rule-wins"),
        meaning="a message from an address on the IP allow list for which a transport rule asks a level",
    ),
    Switch(
        name="enhanced_filtering_ip",
        choices=("last-hop", "original"),
        meaning="the address SenderIpRanges tests behind enhanced filtering: the last hop, or one not known here",
    ),
    Switch(
        name="requested_scl",
        choices=("honoured", "worse-counts", "ignored"),
        meaning="the level a transport rule asks for: it decides, the worse of it and the verdict does, or neither",
    ),
    Switch(
        name="domain_conditions",
        choices=("exact", "subdomains"),
        meaning="whether SenderDomainIs and RecipientDomainIs mean the domains below theirs, too",
    ),
    Switch(name="device_interval_seconds", default_number=5, meaning="pause between two polls of a device code"),
    Switch(name="token_lifetime_seconds", default_number=3599, meaning="life of an access token"),
)

SWITCHES: Mapping[str, Switch] = MappingProxyType({switch.name: switch for switch in _ALL})


def chosen(tx: Transaction, name: str) -> str:
    """Read a switch with named choices."""
    return str(tx.setting(f"switch:{name}", SWITCHES[name].default))


def number(tx: Transaction, name: str) -> int:
    """Read a switch that is a number."""
    return int(tx.setting(f"switch:{name}", SWITCHES[name].default))


def turned(tx: Transaction) -> dict[str, str | int]:
    """Give the switches that are not at their default, with their values."""
    values = {name: tx.setting(f"switch:{name}", switch.default) for name, switch in SWITCHES.items()}
    return {name: value for name, value in values.items() if value != SWITCHES[name].default}


def turn(tx: Transaction, name: str, value: object) -> None:
    """Set a switch; raises KeyError for an unknown name and ValueError for a value it does not know."""
    if name not in SWITCHES:
        raise KeyError(f"no switch {json.dumps(name)}; there are {', '.join(SWITCHES)}")
    tx.set_setting(f"switch:{name}", SWITCHES[name].check(value))
