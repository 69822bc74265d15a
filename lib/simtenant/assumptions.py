"""Everything the simulated tenant does that the facts do not confirm, in one table.

A record that was made against a simulated tenant prints the rows its calls relied on; before a first real run
they are the list of things to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One unconfirmed behaviour."""

    id: str
    statement: str
    """What the simulated tenant does, as a sentence."""
    why: str
    """Why it is not confirmed, with the source of what is known."""
    switch: str | None = None
    """The switch that makes the tenant behave the other way; None when there is no other way to choose."""
    calls: tuple[str, ...]
    """Cmdlet names, or ``METHOD part-of-path`` for the other services; ``*`` stands for any text."""

    def concerns(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row of the request log relied on this behaviour."""
        return any(_matches(pattern, row) for pattern in self.calls)


def used_by(log: Iterable[Mapping[str, Any]]) -> tuple[Assumption, ...]:
    """List the assumptions that the logged requests relied on, in the order of the table."""
    rows = list(log)
    return tuple(assumption for assumption in ASSUMPTIONS if any(assumption.concerns(row) for row in rows))


def _matches(pattern: str, row: Mapping[str, Any]) -> bool:
    method, blank, path = pattern.partition(" ")
    if not blank:
        return row.get("cmdlet") is not None and _like(method, str(row["cmdlet"]))
    if row.get("cmdlet") is not None:
        return False
    return _like(method, str(row["method"])) and _like(f"*{path}*", str(row["path"]))


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text, re.IGNORECASE) is not None


_DOMAINS = "/email-security/settings/domains"

ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption(
        id="write-visible-at-once",
        statement="An object can be read, and named by another, as soon as its creation was answered.",
        why="The real directory lags by seconds to minutes [ACL]; for a new quarantine tag nothing is known.",
        switch="visibility_lag_seconds",
        calls=("New-*",),
    ),
    Assumption(
        id="update-visible-at-once",
        statement="A changed object reads back with its new properties as soon as the change was answered.",
        why="The real directory lags by seconds to minutes [ACL].",
        switch="update_lag_seconds",
        calls=("Set-*", "Enable-TransportRule", "Disable-TransportRule"),
    ),
    Assumption(
        id="refusal-wording",
        statement="A refusal whose text is open names its cause in words of our own.",
        why="Texts for duplicates, references, dehydration, permissions, built-ins and tags were not found.",
        switch="refusal_text",
        calls=("New-*", "Set-*", "Remove-*"),
    ),
    Assumption(
        id="number-json-type",
        statement="Whole numbers in a row are JSON numbers with an annotation.",
        why="Live rows show numbers; a tool met Priority as text [DSC issue 4136].",
        switch="number_type",
        calls=("Get-*", "New-*"),
    ),
    Assumption(
        id="no-region",
        statement="The module file answers at the common host, without a redirect to the tenant's region.",
        why="A redirect is documented in public code; most tenants work without it [SCUBA, CIPP-EXO].",
        switch="region",
        calls=("GET /EXOModuleFile",),
    ),
    Assumption(
        id="duplicate-name",
        statement="Creating an object under a name that exists is refused with status 400.",
        why="The exception class is general knowledge and its text is open.",
        calls=("New-*",),
    ),
    Assumption(
        id="mandatory-missing",
        statement="A call without a mandatory parameter is refused with 400 and a binding exception.",
        why="No capture of this case is known.",
        calls=("New-*", "Set-*", "Remove-*", "Enable-TransportRule", "Disable-TransportRule"),
    ),
    Assumption(
        id="json-types",
        statement="Numbers may be sent as text of digits; booleans only as JSON true and false.",
        why="Known clients send proper JSON types; what the service does with others was not seen.",
        calls=("New-*", "Set-*"),
    ),
    Assumption(
        id="virtual-global-set",
        statement="Set-QuarantinePolicy on the virtual global policy is refused; New-QuarantinePolicy creates it.",
        why="Public code needs New [CIPP-GQ], the documentation only shows Get piped to Set; error text is open.",
        switch="virtual_global_set",
        calls=("Set-QuarantinePolicy", "New-QuarantinePolicy"),
    ),
    Assumption(
        id="virtual-global-guid",
        statement="The virtual global policy shows the all-zero GUID and a daily interval.",
        why="Its name is known from public code [CIPP-GQ]; GUID and interval of the virtual row are open.",
        calls=("Get-QuarantinePolicy",),
    ),
    Assumption(
        id="global-policy-stays",
        statement="The global quarantine policy, once created, cannot be removed.",
        why="Nothing is published on removing it.",
        calls=("Remove-QuarantinePolicy",),
    ),
    Assumption(
        id="remove-in-use",
        statement="A quarantine policy that an anti-spam policy names cannot be removed.",
        why="The documentation advises to check references first; whether the service refuses is open.",
        switch="remove_in_use",
        calls=("Remove-QuarantinePolicy",),
    ),
    Assumption(
        id="ordinary-policy-type",
        statement="An ordinary quarantine policy reads back QuarantinePolicyType QuarantinePolicy, retention 30.",
        why="Only the value of the global policy is known [DSC].",
        calls=("Get-QuarantinePolicy", "New-QuarantinePolicy"),
    ),
    Assumption(
        id="permission-line-order",
        statement="The lines of EndUserQuarantinePermissions run from ViewHeader to Delete.",
        why="Sources show different orders [CIPP-QP, DSC]; parse by key.",
        switch="permission_order",
        calls=("Get-QuarantinePolicy", "New-QuarantinePolicy"),
    ),
    Assumption(
        id="permission-bits-text",
        statement="Release together with RequestRelease is refused with a validation error.",
        why="The exclusion is documented, the error is not.",
        calls=("New-QuarantinePolicy", "Set-QuarantinePolicy"),
    ),
    Assumption(
        id="read-only-text",
        statement="Changing built-in quarantine policies or preset anti-spam policies is a validation error.",
        why="That they are read-only is documented [DEF]; status and text of the refusal are open.",
        calls=("Set-QuarantinePolicy", "Remove-QuarantinePolicy", "*-HostedContentFilterPolicy"),
    ),
    Assumption(
        id="unknown-tag",
        statement="An anti-spam policy that names an unknown quarantine policy is refused with 400.",
        why="The exception class and text are open.",
        calls=("New-HostedContentFilterPolicy", "Set-HostedContentFilterPolicy"),
    ),
    Assumption(
        id="policy-in-rule",
        statement="An anti-spam policy that a rule names cannot be removed.",
        why="Nothing is published on it.",
        calls=("Remove-HostedContentFilterPolicy",),
    ),
    Assumption(
        id="scl-json-type",
        statement="SetSCL reads back as a JSON number.",
        why="Audit tools compare with text and with a number; both work in PowerShell.",
        switch="scl_type",
        calls=("Get-TransportRule", "New-TransportRule"),
    ),
    Assumption(
        id="ip-range-spelling",
        statement="SenderIpRanges read back exactly as they were sent.",
        why="Host bits, /32 and dashed ranges may be respelled; compare as sets of addresses.",
        switch="ip_spelling",
        calls=("Get-TransportRule", "New-TransportRule"),
    ),
    Assumption(
        id="rule-ipv6-refused",
        statement="A transport rule refuses IPv6 addresses.",
        why="The documentation names IPv4 forms only.",
        calls=("New-TransportRule", "Set-TransportRule"),
    ),
    Assumption(
        id="null-clears",
        statement="JSON null removes a condition or action of a transport rule.",
        why="Documented for PowerShell; whether JSON null does the same is open.",
        switch="null_clears",
        calls=("Set-TransportRule",),
    ),
    Assumption(
        id="header-pair-text",
        statement="A header condition without words, or words without a header, is a validation error.",
        why="The pair rule is documented, the error is not.",
        calls=("New-TransportRule", "Set-TransportRule"),
    ),
    Assumption(
        id="rule-limit",
        statement="A tenant holds at most 300 transport rules; no limit of a rule's size is enforced.",
        why="300 is second-hand; 8 KB per rule is general knowledge.",
        calls=("New-TransportRule",),
    ),
    Assumption(
        id="rule-class-names",
        statement="Conditions, Exceptions and Actions name one class per parameter, after the parameter.",
        why="The prefix and a few names are known; the rest is derived. Size and RuleVersion are invented.",
        calls=("Get-TransportRule", "New-TransportRule"),
    ),
    Assumption(
        id="rule-shift-keeps-date",
        statement="A rule that shifts because of another keeps its own change date.",
        why="Nothing is published on it.",
        calls=("New-TransportRule", "Remove-TransportRule", "Set-TransportRule", "*-HostedContentFilterRule"),
    ),
    Assumption(
        id="unknown-identity",
        statement="A Get with an Identity that names nothing answers 404.",
        why="Live captures show 404 (older ones 500); the documentation says all objects are returned.",
        switch="unknown_identity",
        calls=("Get-*",),
    ),
    Assumption(
        id="result-size",
        statement="ResultSize Unlimited gives all rows in one answer; a nextLink can be replayed.",
        why="Sources contradict each other on both [CIPP-EXO, G2O, PYC]; see also the switch next_link.",
        switch="result_size",
        calls=("Get-TransportRule", "Get-AcceptedDomain", "Get-InboundConnector"),
    ),
    Assumption(
        id="what-if",
        statement="WhatIf checks the call, changes nothing and answers with a confirmation message.",
        why="The key is known to the module [MOD]; what it holds is open.",
        calls=("New-*", "Set-*", "Remove-*", "Enable-*", "Disable-*"),
    ),
    Assumption(
        id="dehydrated-scope",
        statement="In a dehydrated organisation, writes to quarantine, anti-spam and connection filter policies fail.",
        why="The exception class is second-hand; which cmdlets it strikes and its text are open.",
        calls=("*-QuarantinePolicy", "*-HostedContentFilter*", "Set-HostedConnectionFilterPolicy"),
    ),
    Assumption(
        id="hydration-at-once",
        statement="Enable-OrganizationCustomization takes effect at once.",
        why="It may take up to 24 hours [DSC].",
        switch="hydration_polls",
        calls=("Enable-OrganizationCustomization",),
    ),
    Assumption(
        id="role-table",
        statement="Security Administrator may write policies but no transport rules; readers may read policies.",
        why="Role pages list administrators per cmdlet; only some reads were tried live [G2O].",
        calls=("Get-*", "New-*", "Set-*", "Remove-*", "Enable-*", "Disable-*"),
    ),
    Assumption(
        id="foreign-tenant-path",
        statement="A path that names another tenant than the token answers 401; the anchor is not checked.",
        why="No capture of a mismatch is known.",
        switch="anchor",
        calls=("Get-*", "New-*", "Set-*", "Remove-*", "Enable-*", "Disable-*"),
    ),
    Assumption(
        id="aadsts-codes",
        statement="Sign-in failures carry AADSTS numbers and OAuth errors; a client can go by either.",
        why="7000215, 90002, 65001 and 53003 are widely seen; the others, and all texts, are second-hand.",
        calls=("POST /oauth2/v2.0/token", "POST /oauth2/v2.0/devicecode"),
    ),
    Assumption(
        id="assertion-replay",
        statement="A client assertion may be used more than once while it is valid.",
        why="msal uses one for nine minutes; whether the service remembers a jti is not known.",
        switch="assertion_replay",
        calls=("POST /oauth2/v2.0/token",),
    ),
    Assumption(
        id="token-claims",
        statement="Access tokens can be read and list roles, scopes and directory roles (roles, scp, wids).",
        why="The token reference names the claims; services may encrypt or change tokens at any time.",
        calls=("POST /oauth2/v2.0/token", "GET /identity/oauth2/token", "GET /msi/token"),
    ),
    Assumption(
        id="delegated-roles",
        statement="A person needs the same directory roles as an application; without one every cmdlet is a 403.",
        why="Only app-only calls were tried live [G2O]; real mailbox users may run a few cmdlets on themselves.",
        calls=("POST /oauth2/v2.0/devicecode",),
    ),
    Assumption(
        id="managed-identity",
        statement="The machine's identity is the demo application; failures are 400 with an error in JSON.",
        why="Forms of request and answer are those that msal sends and reads; error texts are our own.",
        calls=("GET /identity/oauth2/token", "GET /msi/token"),
    ),
    Assumption(
        id="graph-error-codes",
        statement="Graph answers InvalidAuthenticationToken (401) and Authorization_RequestDenied (403).",
        why="Both codes are second-hand; only Request_ResourceNotFound is from the reference.",
        calls=("GET /v1.0/domains",),
    ),
    Assumption(
        id="service-records-empty",
        statement="The initial domain, unverified domains and domains without Email have no service records.",
        why="Whether rows are returned for them is open.",
        calls=("GET /serviceConfigurationRecords",),
    ),
    Assumption(
        id="cloudflare-auth-status",
        statement="An invalid token answers 401, a missing permission or a foreign account 403.",
        why="Code 10000 was seen, its HTTP status was not; 9109 and 1000 are unconfirmed.",
        calls=(f"* {_DOMAINS}", "GET /tokens/verify"),
    ),
    Assumption(
        id="cloudflare-token-owner",
        statement="The demo token can be verified as a user's and as an account's token.",
        why="A real token is one or the other; set the property owner to user or account.",
        calls=("GET /tokens/verify",),
    ),
    Assumption(
        id="cloudflare-refusals",
        statement="Validation answers 400, a duplicate domain 409, an unknown id 404, with codes of our own.",
        why="Neither statuses nor codes were found; a catalogue's 971 for 429 is below the schema's least code.",
        calls=(f"POST {_DOMAINS}", f"PATCH {_DOMAINS}", f"PUT {_DOMAINS}", f"DELETE {_DOMAINS}"),
    ),
    Assumption(
        id="cloudflare-limits-everywhere",
        statement="PUT and PATCH enforce the array and hop limits of POST, and refuse fields they do not know.",
        why="The limits are published for POST only.",
        calls=(f"PATCH {_DOMAINS}", f"PUT {_DOMAINS}"),
    ),
    Assumption(
        id="cloudflare-default-page",
        statement="A list without per_page holds 20 domains, ordered by creation.",
        why="The examples show 20; the default is not stated.",
        switch="cloudflare_page_size",
        calls=(f"GET {_DOMAINS}",),
    ),
    Assumption(
        id="cloudflare-absent-null",
        statement="transport and lookback_hops are left out of an answer while they have no value.",
        why="Types say they are never null; no response field is marked required.",
        calls=(f"* {_DOMAINS}",),
    ),
    Assumption(
        id="cloudflare-pending",
        statement="A new domain is PENDING until its TXT record is found, and keeps working meanwhile.",
        why="That status follows the verification is inferred from a shared type.",
        calls=(f"POST {_DOMAINS}", "GET /verification"),
    ),
    Assumption(
        id="cloudflare-batch-atomic",
        statement="A batch with one bad operation changes nothing.",
        why="Atomicity and the shape of a partial failure are not documented.",
        switch="cloudflare_batch",
        calls=(f"POST {_DOMAINS}/batch",),
    ),
    Assumption(
        id="cloudflare-bulk-delete",
        statement="A bulk delete without a body is refused with 400.",
        why="The SDK sends exactly that; what the live service does with it is not known.",
        calls=(f"DELETE {_DOMAINS}",),
    ),
    Assumption(
        id="cloudflare-mx-records",
        statement="A domain set up by MX records is one with DIRECT delivery and one look-back hop.",
        why="Inferred from the words of the old and the new form.",
        calls=(f"PATCH {_DOMAINS}", f"PUT {_DOMAINS}", f"POST {_DOMAINS}"),
    ),
)
