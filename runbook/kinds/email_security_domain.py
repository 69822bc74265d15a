"""Domains in Cloudflare Email Security (formerly Area 1).

Wire: GET and PATCH accounts/{account}/email-security/settings/domains [PY, SPEC]. A PATCH changes only what
it carries; older versions of the service required ip_restrictions in it, so it is always sent [PYn].
"MX Records" read as DIRECT delivery is inferred, not documented. Whether the Malicious box also sets
MALICIOUS-BEC is not confirmed: beside MALICIOUS it does not count as a difference.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from runbook.errors import ApplyFailed
from runbook.kinds.kind import Kind, Right, Wait, absent, assignments, needed
from runbook.plan import Change, Observed
from runbook.values import BOOLEAN, HOST, NETWORKS, WORD_SET, Json, ValueType
from tenantapi import Services

TYPE = "EmailSecurityDomain"


def _dispositions(value: object) -> Json:
    words = WORD_SET.canonical(value)
    if isinstance(words, list) and "malicious" in words:
        return [word for word in words if word != "malicious-bec"]
    return words


_TYPES = {
    "allowed_delivery_modes": WORD_SET,
    "transport": HOST,
    "ip_restrictions": NETWORKS,
    "require_tls_outbound": BOOLEAN,
    "drop_dispositions": ValueType(name="set of words", read=_dispositions, show=WORD_SET.show),
}


# Names of the permissions of an API token [API reference, SPEC x-api-token-group, PUL].
_READ = Right(service="Cloudflare", name="Cloud Email Security: Read", writes=False)
_WRITE = Right(service="Cloudflare", name="Cloud Email Security: Write", writes=True)
_LISTS = ("allowed_delivery_modes", "ip_restrictions", "drop_dispositions")


def read(services: Services, identities: Sequence[str]) -> tuple[Observed, ...]:
    return tuple(_observed(services, identity) for identity in identities)


def _observed(services: Services, identity: str) -> Observed:
    row = services.cloudflare.domain(identity)
    if row is None:
        reason = "the domain has not been added to Cloudflare Email Security; add it there first"
        return absent(TYPE, identity, reason)
    return Observed(
        kind=TYPE,
        identity=identity,
        presence="present",
        # No field is documented as always there [PY]; a missing list must not pass as an empty one.
        properties={name: needed(row, name) if name in _LISTS else row.get(name) for name in _TYPES},
        handle=str(needed(row, "id")),
        row=row,
    )


def write(services: Services, change: Change, observed: Observed, wait: Wait) -> None:
    if _only_put_can(change):
        row = services.cloudflare.domain(change.identity)
        if row is None or str(row.get("id")) != observed.handle:
            raise ApplyFailed(f"The domain {change.identity} is no longer the one that was read.", "Plan again.")
        whole = {name: row[name] for name in _SETTABLE if name in row}
        services.cloudflare.replace_domain(observed.handle, {**whole, **assignments(change, only_changed=True)})
        return
    services.cloudflare.edit_domain(observed.handle, _body(change))


# What a PUT takes, the whole configuration [PY, SPEC]; the other fields are the service's own.
_SETTABLE = (
    "allowed_delivery_modes",
    "drop_dispositions",
    "ip_restrictions",
    "regions",
    "lookback_hops",
    "require_tls_inbound",
    "require_tls_outbound",
    "transport",
    "folder",
    "integration_id",
)


def _only_put_can(change: Change) -> bool:
    """Whether a value has to become null again, which PATCH refuses for these fields [TS; cloudflare.md 1]."""
    return any(item.changed and item.after is None for item in change.differences)


def _body(change: Change) -> dict[str, object]:
    """The changed fields, and ip_restrictions as they are where they do not change: not even their order is touched."""
    as_they_are = {
        item.attribute: item.before or [] for item in change.differences if item.attribute == "ip_restrictions"
    }
    return {**as_they_are, **assignments(change, only_changed=True)}


def by_hand(change: Change) -> tuple[str, ...]:
    if _only_put_can(change):
        names = ", ".join(item.attribute for item in change.changed if item.after is None)
        return (f"# {change.identity}: set {names} back to nothing in the Cloudflare dashboard, and check the others",)
    body = json.dumps(_body(change)).replace("'", "'\\''")
    address = f"{_ADDRESS}/{quote(change.handle, safe='')}"
    return (
        f"# {change.identity}; CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN come from the environment",
        f'curl -X PATCH "{address}" {_TOKEN} ' + f"-H 'Content-Type: application/json' -d '{body}'",
    )


_ADDRESS = "https://api.cloudflare.com/client/v4/accounts/$CLOUDFLARE_ACCOUNT_ID/email-security/settings/domains"
_TOKEN = '-H "Authorization: Bearer $CLOUDFLARE_API_TOKEN"'


def look_by_hand(identity: str) -> tuple[str, ...]:
    """The service's own filter is by its name, not relied on by the client either: look at the name in the answer."""
    return (f'curl "{_ADDRESS}?domain={quote(identity, safe="")}" {_TOKEN}',)


KIND = Kind(
    type=TYPE,
    title="Cloudflare domain",
    types=_TYPES,
    read=read,
    write=write,
    by_hand=by_hand,
    look_by_hand=look_by_hand,
    handle_on_paper="DOMAIN_ID",
    rights=(_READ, _WRITE),
    needed_for=lambda change: (_WRITE,),
    creates=False,
)
