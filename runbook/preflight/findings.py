"""Hold what is needed against what was found out. Pure; every sentence a person reads is made here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from runbook.kinds import Right
from runbook.preflight.holding import Holding, Unread
from tenantapi.grants import EXCHANGE_APP_ROLE, EXCHANGE_SCOPES, Grants, role_names

Verdict = Literal["held", "missing", "unknown"]
_WRONG_ACCOUNT = 9109
"""What another account's token is said to be answered [cloudflare.md 2, unconfirmed]; only words hang on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Whether one right is held, why that is believed, and what to do if it is not."""

    right: Right
    verdict: Verdict
    why: str = ""
    remedy: str = ""
    by_nature: bool = False
    """True when no reading can tell: then `unknown` is all that can be had before the first change."""


def judge(right: Right, holding: Holding) -> Finding:
    """Say whether the identity holds a right, as far as could be found out."""
    if right.service == "Exchange Online":
        return _cmdlet(right, holding)
    if right.service == "Microsoft Graph":
        return _graph(right, holding)
    return _cloudflare(right, holding)


def lacking(rights: Iterable[Right], holding: Holding) -> tuple[Finding, ...]:
    """Return the findings that stand against a first write: what is missing, and what should be known and is not."""
    found = (judge(right, holding) for right in rights)
    return tuple(item for item in found if item.verdict != "held" and not item.by_nature)


def _cmdlet(right: Right, holding: Holding) -> Finding:
    cmdlets = holding.cmdlets
    if isinstance(cmdlets, Unread):
        if not cmdlets.refused:
            return Finding(right=right, verdict="unknown", why=cmdlets.reason, remedy=cmdlets.remedy)
        why, remedy = _exchange_gap(holding, cmdlets)
        return Finding(right=right, verdict="missing", why=why, remedy=remedy)
    if right.name.casefold() in {name.casefold() for name in cmdlets}:
        return Finding(right=right, verdict="held", why="Exchange Online lists it for this identity")
    why, remedy = _exchange_gap(holding, None)
    return Finding(right=right, verdict="missing", why=why, remedy=remedy)


_ASSIGN = (
    "Assign the directory role Exchange Administrator, or an Exchange role group that holds the cmdlet, to this "
    "identity. A new assignment may take minutes to show."
)


def _exchange_gap(holding: Holding, refusal: Unread | None) -> tuple[str, str]:
    """Explain a missing cmdlet: application permission and directory role are both needed [G2O live; facts 1.11]."""
    grants = holding.exchange
    said = f" ({refusal.reason})" if refusal is not None else ""
    if not isinstance(grants, Grants):
        why = f"Exchange Online turned this identity away{said}" if refusal else "Exchange Online does not list it"
        return f"{why}; its token tells nothing about its rights", _ASSIGN
    if grants.is_delegated and not grants.scopes & EXCHANGE_SCOPES:
        return (
            f"the token holds no delegated permission for Exchange Online{said}",
            f"Grant {' or '.join(sorted(EXCHANGE_SCOPES))} with an administrator's consent.",
        )
    if not grants.is_delegated and EXCHANGE_APP_ROLE not in grants.app_roles:
        other = sorted(grants.app_roles)
        beside = f"; it holds {', '.join(other)}, which is not the same" if other else ""
        return (
            f"the application permission {EXCHANGE_APP_ROLE} is not in the token{beside}{said}",
            f"Grant {EXCHANGE_APP_ROLE} (Office 365 Exchange Online) with an administrator's consent.",
        )
    roles = role_names(grants)
    if not roles:
        return f"the token names no directory role{said}", _ASSIGN
    return f"its directory roles ({', '.join(roles)}) do not include it{said}", _ASSIGN


def _graph(right: Right, holding: Holding) -> Finding:
    if isinstance(holding.graph, Unread):
        return Finding(right=right, verdict="unknown", why=holding.graph.reason, remedy=holding.graph.remedy)
    refused = [item for item in holding.domains.values() if isinstance(item, Unread)]
    if holding.domains and not refused:
        names = ", ".join(holding.domains)
        return Finding(right=right, verdict="held", why=f"Microsoft Graph answered about {names}")
    if refused and refused[0].refused:
        remedy = f"Grant {right.name} (Microsoft Graph) with an administrator's consent, then sign in anew."
        return Finding(right=right, verdict="missing", why=refused[0].reason, remedy=remedy)
    if refused:
        return Finding(right=right, verdict="unknown", why=refused[0].reason, remedy=refused[0].remedy)
    if holding.graph is not None and right.name in holding.graph.app_roles | holding.graph.scopes:
        return Finding(right=right, verdict="held", why="the token for Microsoft Graph names it")
    return Finding(
        right=right,
        verdict="unknown",
        why="no domain is named for this tenant, so Microsoft Graph could not be asked for one",
        remedy="Name the tenant's domains in tenants.yaml.",
    )


def _cloudflare(right: Right, holding: Holding) -> Finding:
    read = holding.account
    if isinstance(read, Unread):
        if not read.refused:
            return Finding(right=right, verdict="unknown", why=read.reason, remedy=read.remedy, by_nature=right.writes)
        why, remedy = _token_gap(holding, read)
        return Finding(right=right, verdict="missing", why=why, remedy=remedy)
    if right.writes:
        return Finding(
            right=right,
            verdict="unknown",
            why="no call shows it without writing; Cloudflare answers the first change with it or refuses that",
            by_nature=True,
        )
    return Finding(right=right, verdict="held", why="the account's domains could be read")


def _token_gap(holding: Holding, refusal: Unread) -> tuple[str, str]:
    token = holding.token
    if isinstance(token, Unread) and token.refused:
        return (
            f"Cloudflare knows the API token neither as a user's nor as this account's ({refusal.reason})",
            "Check the API token; one that an account owns is known to that account only, so check "
            "cloudflare_account_id as well.",
        )
    if isinstance(token, Unread):
        why = token.reason
    elif token.status.lower() != "active":
        why = f"the API token is {token.status.lower()}"
        if token.expires_on:
            why += f" (its end: {token.expires_on})"
        return f"{why} ({refusal.reason})", "Make a new API token and store it."
    else:
        why = "the API token is active"
    if _WRONG_ACCOUNT in refusal.codes:
        return (
            f"{why}, but it seems to be for another account than the tenant's ({refusal.reason})",
            "Check cloudflare_account_id, or make a token for this account.",
        )
    return (
        f"{why}, but may not read the email-security domains of the tenant's account ({refusal.reason})",
        "Give the token the permissions 'Cloud Email Security: Read' and, for changes, 'Cloud Email Security: Write' "
        "on this account; check cloudflare_account_id, and that the account has the product.",
    )
