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
    )


def write(services: Services, change: Change, observed: Observed, wait: Wait) -> None:
    services.cloudflare.edit_domain(observed.handle, _body(change))


def _body(change: Change) -> dict[str, object]:
    restrictions = {item.attribute: item.after for item in change.differences if item.attribute == "ip_restrictions"}
    return {**assignments(change, only_changed=True), **restrictions}


def by_hand(change: Change) -> tuple[str, ...]:
    body = json.dumps(_body(change)).replace("'", "'\\''")
    address = (
        "https://api.cloudflare.com/client/v4/accounts/$CLOUDFLARE_ACCOUNT_ID"
        f"/email-security/settings/domains/{quote(change.handle, safe='')}"
    )
    return (
        f"# {change.identity}; CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN come from the environment",
        f'curl -X PATCH "{address}" -H "Authorization: Bearer $CLOUDFLARE_API_TOKEN" '
        f"-H 'Content-Type: application/json' -d '{body}'",
    )


KIND = Kind(
    type=TYPE,
    title="Cloudflare domain",
    types=_TYPES,
    read=read,
    write=write,
    by_hand=by_hand,
    rights=(_READ, _WRITE),
    needed_for=lambda change: (_WRITE,),
    creates=False,
)
