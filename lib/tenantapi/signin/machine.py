"""Sign in as the managed identity of the cloud machine that this runs on.

msal asks the metadata service of a virtual machine, or that of App Service where its variables are set [msal
1.39]. The other places (Azure Arc, Service Fabric, Machine Learning, Cloud Shell) are refused: they were not
tried, and some of them go past the session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantapi.errors import ApiTimeoutError, UnreachableError
from tenantapi.signin.door import MachineDoor
from tenantapi.signin.refusals import not_possible
from tenantapi.tenant import Tenant

if TYPE_CHECKING:
    from msal import ManagedIdentityClient

_SCOPE_END = "/.default"


class Machine:
    """Get tokens for the identity of this machine; they live in memory."""

    def __init__(self, tenant: Tenant, door: MachineDoor) -> None:
        self._tenant = tenant
        self._door = door
        self._client: ManagedIdentityClient | None = None

    user: str | None = None
    """Nobody: a machine calls in its own name."""

    def acquire(self, scope: str, *, fresh: bool) -> dict[str, Any]:
        """Return msal's answer, a token or a refusal; the service itself may answer from its own store."""
        if self._client is None or fresh:
            self._client = self._opened()
        try:
            # The service speaks of resources, the older form of a scope.
            return dict(self._client.acquire_token_for_client(resource=scope.removesuffix(_SCOPE_END)))
        except (ApiTimeoutError, UnreachableError) as cause:
            raise not_possible(
                self._tenant,
                "no metadata service answers here, so this machine has no managed identity to sign in with.",
                "Run this on an Azure machine with an identity, or choose another sign_in for the tenant.",
            ) from cause

    def forget(self) -> None:
        """Begin anew the next time."""
        self._client = None

    def _opened(self) -> ManagedIdentityClient:
        import msal
        from msal import managed_identity as places

        place = places.get_managed_identity_source()
        if place not in (places.DEFAULT_TO_VM, places.APP_SERVICE):
            raise not_possible(
                self._tenant,
                "this machine offers its managed identity in a form that is not supported here.",
                "Use a virtual machine or App Service, or choose another sign_in for the tenant.",
            )
        chosen = self._tenant.managed_identity_client_id
        identity = (
            msal.UserAssignedManagedIdentity(client_id=chosen) if chosen else msal.SystemAssignedManagedIdentity()
        )
        return msal.ManagedIdentityClient(identity, http_client=self._door)
