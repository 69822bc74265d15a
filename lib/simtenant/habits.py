"""Answers of Exchange that were seen in more than one form; a switch chooses.

Sources: 401 with JSON or without a body [G2O; live]; a missing role in words [office-docs-powershell issue 11332,
Microsoft365DSC issue 4530; sample]; rate headers [CAP, MOD], never seen by [G2O].
"""

from __future__ import annotations

from simtenant import authz, envelope, switches
from simtenant.store import Transaction
from simtenant.wire import Answer, Request, json_answer


def unauthenticated(tx: Transaction, request: Request, reason: str) -> Answer:
    """Refuse a call without a usable token."""
    answer = envelope.unauthenticated(request, reason)
    if switches.chosen(tx, "unauthenticated_body") == "empty":
        return answer
    value = {"error": {"code": "Unauthorized", "message": f"The call is not authenticated: {reason}."}}
    return json_answer(401, value, *answer.headers)


def forbidden(tx: Transaction, request: Request, caller: authz.Caller) -> Answer:
    """Refuse a known caller, one without any directory role perhaps in words."""
    form = switches.chosen(tx, "missing_role")
    if caller.directory_roles or form == "nul-bytes":
        return envelope.forbidden(request)
    status, code = (401, "Unauthorized") if form == "worded-401" else (403, "Forbidden")
    text = f"The role of the application {caller.client_id} isn't supported in this scenario."
    return json_answer(status, {"error": {"code": code, "message": text}}, *envelope.service_headers(request))


def rated(tx: Transaction, answer: Answer) -> Answer:
    """Give an answer with its rate headers, or without them."""
    if switches.chosen(tx, "rate_headers") == "present":
        return answer
    kept = tuple(header for header in answer.headers if not header[0].startswith("Rate-Limit-"))
    return Answer(status=answer.status, headers=kept, body=answer.body)
