"""Read what a token says about its bearer: for finding missing and needless rights before anything is changed.

The signature is not checked. That is enough to look at our own tokens, which came from Entra ID over TLS, and
for nothing else: never decide by this whether somebody else may come in.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tenantapi.tenant import Secret

EXCHANGE_APP_ROLE: Final = "Exchange.ManageAsApp"
"""Application permission without which no cmdlet runs [G2O live; facts 1.11]."""
EXCHANGE_SCOPES: Final = frozenset({"Exchange.Manage"})
"""Its counterpart for a person; the name is general knowledge, and only words hang on it."""
GRAPH_PERMISSION: Final = "Domain.Read.All"
"""The least permission for a domain's service records [Graph reference; facts 4]."""

# Template ids, the same in every directory [Microsoft Entra built-in roles, permissions reference].
DIRECTORY_ROLES: Final[Mapping[str, str]] = {
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "5d6b6bb7-de71-4623-b4af-96380a352509": "Security Reader",
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
    "8329153b-31d0-4727-b945-745eb3bc5f31": "Domain Name Administrator",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """Hold the claims of an access token that tell what it allows [Microsoft identity platform, access tokens].

    Exchange Online wants an app role and a directory role, both of them [G2O live; facts 1.11].
    """

    tenant_id: str | None
    """Directory that issued it (``tid``)."""
    application_id: str | None
    """Application or managed identity that it was issued to (``appid``, in newer tokens ``azp``)."""
    audience: str | None
    """Service that it is for (``aud``)."""
    app_roles: frozenset[str]
    """Granted application permissions, such as ``Exchange.ManageAsApp`` (``roles``)."""
    directory_roles: frozenset[str]
    """Template ids of directory roles, as lower-case GUIDs (``wids``)."""
    scopes: frozenset[str]
    """Delegated permissions (``scp``); empty for an application."""
    user: str | None
    """Name of the person signed in (``upn`` or ``preferred_username``); None for an application."""
    expires: float | None
    """End of its life, in seconds since the epoch (``exp``)."""

    @property
    def is_delegated(self) -> bool:
        """Tell whether a person stands behind the token."""
        return bool(self.scopes)


def read_grants(bearer: Secret) -> Grants | None:
    """Return the claims of a token, or None when it is not a readable JWT, as tokens need not be."""
    claims = _claims(bearer)
    if claims is None:
        return None
    return Grants(
        tenant_id=_text(claims, "tid"),
        application_id=_text(claims, "appid", "azp"),
        audience=_text(claims, "aud"),
        app_roles=_texts(claims.get("roles")),
        directory_roles=frozenset(text.lower() for text in _texts(claims.get("wids"))),
        scopes=frozenset((_text(claims, "scp") or "").split()),
        user=_text(claims, "upn", "preferred_username", "unique_name"),
        expires=_number(claims.get("exp")),
    )


def role_names(grants: Grants) -> tuple[str, ...]:
    """Return the directory roles of a token by name, sorted; one that has no name here by its template id."""
    return tuple(sorted(DIRECTORY_ROLES.get(role, role) for role in grants.directory_roles))


def _claims(bearer: Secret) -> dict[str, Any] | None:
    try:
        payload = bearer.reveal().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _text(claims: dict[str, Any], *names: str) -> str | None:
    return next((claims[name] for name in names if isinstance(claims.get(name), str)), None)


def _texts(value: object) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    except OverflowError:
        return None
