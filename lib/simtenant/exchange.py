"""Exchange Online's admin endpoint: InvokeCommand, its paging and batch, and the module-file probe.

Sources: address, versions and probe [CIPP-EXO, SCUBA, PYC; live]; paging with both outcomes [CIPP-EXO, G2O];
``$batch`` [CIPP-BULK].
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from simtenant import (
    authz,
    connectors,
    contentfilter,
    directory,
    envelope,
    habits,
    organization,
    paging,
    quarantine,
    region,
    rules,
    switches,
)
from simtenant.binding import Cmdlet, bind, cmdlets
from simtenant.directory import Call, Handler, Outcome
from simtenant.envelope import CmdletError
from simtenant.store import Body, Record, Transaction
from simtenant.wire import Answer, Handled, Request, json_answer, split_target

_PATH = re.compile(r"/adminapi/(?P<version>[^/]+)/(?P<tenant>[^/]+)/(?P<endpoint>[^/]+)/?", re.IGNORECASE)

_NEEDS_CUSTOMIZATION = {
    quarantine.KIND,
    contentfilter.POLICY,
    contentfilter.RULE,
    organization.FILTER,
}

_HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "Get-QuarantinePolicy": quarantine.get,
        "New-QuarantinePolicy": quarantine.new,
        "Set-QuarantinePolicy": quarantine.set_,
        "Remove-QuarantinePolicy": quarantine.remove,
        "Get-HostedContentFilterPolicy": contentfilter.get,
        "New-HostedContentFilterPolicy": contentfilter.new,
        "Set-HostedContentFilterPolicy": contentfilter.set_,
        "Remove-HostedContentFilterPolicy": contentfilter.remove,
        "Get-HostedContentFilterRule": contentfilter.get_rule,
        "New-HostedContentFilterRule": contentfilter.new_rule,
        "Set-HostedContentFilterRule": contentfilter.set_rule,
        "Get-EOPProtectionPolicyRule": contentfilter.get_eop_rule,
        "Get-ATPProtectionPolicyRule": contentfilter.get_atp_rule,
        "Get-TransportRule": rules.get,
        "New-TransportRule": rules.new,
        "Set-TransportRule": rules.set_,
        "Remove-TransportRule": rules.remove,
        "Enable-TransportRule": rules.enable,
        "Disable-TransportRule": rules.disable,
        "Enable-OrganizationCustomization": organization.enable_customization,
        "Get-OrganizationConfig": organization.get_config,
        "Get-HostedConnectionFilterPolicy": organization.get_filter,
        "Set-HostedConnectionFilterPolicy": organization.set_filter,
        "Get-AcceptedDomain": organization.get_domains,
        "Get-InboundConnector": connectors.get_inbound,
        "New-InboundConnector": connectors.new_inbound,
        "Set-InboundConnector": connectors.set_inbound,
        "Remove-InboundConnector": connectors.remove_inbound,
        "Get-OutboundConnector": connectors.get_outbound,
        "New-OutboundConnector": connectors.new_outbound,
        "Set-OutboundConnector": connectors.set_outbound,
        "Remove-OutboundConnector": connectors.remove_outbound,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """One request to the admin endpoint, with what its path says."""

    tx: Transaction
    request: Request
    now: datetime
    tenant: str


class _DryRun(Exception):
    """Ends a WhatIf call before anything is kept."""


def handle(tx: Transaction, request: Request, now: datetime) -> Handled:
    """Answer a request below ``/adminapi``."""
    match = _PATH.fullmatch(request.path)
    if match is None:
        return Handled(answer=Answer(status=404))
    visit = _Visit(tx=tx, request=request, now=now, tenant=match["tenant"])
    version, endpoint = match["version"].lower(), match["endpoint"].lower()
    elsewhere = region.redirect(tx, request, endpoint)
    if elsewhere is not None:
        return Handled(answer=elsewhere, tenant=visit.tenant)
    if endpoint == "invokecommand":
        if version != "beta" or request.method != "POST":
            # v1.0 exists but does not serve this endpoint [PYC measured].
            return Handled(answer=Answer(status=405, headers=(("Allow", "POST"),)), tenant=visit.tenant)
        return _invoke(visit)
    if endpoint == "exomodulefile" and request.method == "GET":
        return Handled(answer=_module_file(visit), tenant=visit.tenant)
    if endpoint == "$batch" and version == "beta" and request.method == "POST":
        return _batch(visit)
    return Handled(answer=Answer(status=404), tenant=visit.tenant)


def tenant_in(path: str) -> str | None:
    """Give the tenant that a path below ``/adminapi`` names."""
    match = _PATH.fullmatch(path)
    return None if match is None else match["tenant"]


def _invoke(visit: _Visit) -> Handled:
    try:
        name, parameters = _read_body(visit.request)
    except CmdletError as error:
        return Handled(answer=_failure(visit, error), tenant=visit.tenant)
    cmdlet = cmdlets().get(name.lower())
    write = cmdlet.writes if cmdlet is not None else not name.lower().startswith("get-")
    shown = cmdlet.name if cmdlet is not None else name
    return Handled(answer=_authorised(visit, cmdlet, parameters), cmdlet=shown, write=write, tenant=visit.tenant)


def _authorised(visit: _Visit, cmdlet: Cmdlet | None, parameters: Mapping[str, Any]) -> Answer:
    try:
        caller = _identify(visit)
    except authz.Unauthenticated as refusal:
        return habits.unauthenticated(visit.tx, visit.request, str(refusal))
    if cmdlet is None or not caller.may_run(cmdlet):
        # A cmdlet that does not exist and one outside the role look the same from outside [G2O; live].
        return habits.forbidden(visit.tx, visit.request, caller)
    try:
        return _run(visit, cmdlet, parameters, caller)
    except CmdletError as error:
        return _failure(visit, error)


def _identify(visit: _Visit) -> authz.Caller:
    caller = authz.identify(visit.tx, visit.request, authz.EXCHANGE, visit.now)
    if not caller.may_use_exchange:
        raise authz.Unauthenticated("the application has no grant for this service")
    if not _is_this_tenant(visit.tx, visit.tenant):
        raise authz.Unauthenticated("the token was issued by another tenant")
    anchor = visit.request.headers.get("x-anchormailbox", "")
    if switches.chosen(visit.tx, "anchor") == "checked":
        _check_anchor(visit, anchor, caller)
    return caller


def _check_anchor(visit: _Visit, anchor: str, caller: authz.Caller) -> None:
    """Refuse an anchor of another tenant, or one that names another person than the token [CIPP-EXO, MOD]."""
    kind, _, rest = anchor.partition(":")
    if kind.upper() == "APP" and not _is_this_tenant(visit.tx, rest.rpartition("@")[2]):
        raise authz.Unauthenticated("the anchor mailbox belongs to another tenant")
    if kind.upper() == "UPN" and not directory.same(rest, caller.upn):
        raise authz.Unauthenticated("the anchor mailbox belongs to another person")


def _is_this_tenant(tx: Transaction, name: str) -> bool:
    if directory.same(name, tx.setting("tenant_id")):
        return True
    return any(directory.same(name, record.body["DomainName"]) for record in tx.all(organization.DOMAIN))


def _run(visit: _Visit, cmdlet: Cmdlet, parameters: Mapping[str, Any], caller: authz.Caller) -> Answer:
    arguments = bind(cmdlet, parameters)
    what_if = bool(arguments.get("WhatIf"))
    call = Call(tx=visit.tx, cmdlet=cmdlet.name, arguments=arguments, now=visit.now, actor=caller.name)
    _refuse_dehydrated(call, cmdlet)
    handler = _HANDLERS[cmdlet.name]
    if not what_if:
        return _shown(visit, call, handler(call))
    try:
        with visit.tx.attempt():
            handler(call)
            raise _DryRun
    except _DryRun:
        target = arguments.get("Identity") or arguments.get("Name") or ""
        return envelope.success(visit.request, visit.tenant, (), confirmation=f"What if: {cmdlet.name} on '{target}'.")


def _refuse_dehydrated(call: Call, cmdlet: Cmdlet) -> None:
    if not cmdlet.writes or cmdlet.object not in _NEEDS_CUSTOMIZATION:
        return
    if call.arguments.get("IgnoreDehydratedFlag"):
        return
    if call.tx.all(organization.CONFIG)[0].body["IsDehydrated"]:
        raise envelope.dehydrated(cmdlet.name)


def _shown(visit: _Visit, call: Call, outcome: Outcome) -> Answer:
    """Show a page of the outcome as rows."""
    page = paging.cut(call, visit.request, visit.tenant, outcome.records)
    warnings = (*outcome.warnings, paging.MORE_RESULTS) if page.truncated else outcome.warnings
    organisation = str(visit.tx.setting("organization"))
    rows = [paging.selected(visit.request, _row(visit.tx, record, organisation)) for record in page.records]
    return envelope.success(visit.request, visit.tenant, rows, warnings=warnings, next_link=page.next_link)


def _row(tx: Transaction, record: Record, organisation: str) -> Body:
    shape = quarantine.shape(record) if record.kind == quarantine.KIND else record.kind
    spell = _SPELLERS.get(record.kind)
    row = directory.row(record, organisation, shape, spell(record, tx) if spell is not None else {})
    if switches.chosen(tx, "number_type") == "text":
        return {name: str(value) if type(value) is int else value for name, value in row.items()}
    return row


def _read_body(request: Request) -> tuple[str, Mapping[str, Any]]:
    """Read the three envelope keys, whose letter case matters [G2O]."""
    malformed = "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"
    try:
        value = request.json()
        command = value["CmdletInput"]
        name, parameters = command["CmdletName"], command["Parameters"]
    except (ValueError, KeyError, TypeError):
        raise CmdletError(
            "The request body must hold CmdletInput with CmdletName and Parameters.",
            exception=malformed,
            where="internal",
        ) from None
    if not isinstance(name, str) or not isinstance(parameters, dict):
        raise CmdletError("CmdletName must be a text and Parameters an object.", exception=malformed, where="internal")
    return name, parameters


def _failure(visit: _Visit, error: CmdletError) -> Answer:
    if error.status == 404 and switches.chosen(visit.tx, "not_found_form") == "500":
        error = envelope.older_not_found(error)
    if not error.seen and switches.chosen(visit.tx, "refusal_text") == "bare":
        error = error.bare()
    mixed = switches.chosen(visit.tx, "error_key_case") == "mixed"
    return envelope.failure(visit.request, error, mixed_case=mixed)


def _module_file(visit: _Visit) -> Answer:
    """Tell which cmdlets the caller may run; the only way to see missing roles before a write [CIPP-EXO]."""
    try:
        caller = _identify(visit)
    except authz.Unauthenticated as refusal:
        return habits.unauthenticated(visit.tx, visit.request, str(refusal))
    if not caller.directory_roles:
        return habits.forbidden(visit.tx, visit.request, caller)
    asked = visit.request.headers.get("commandname", "*")
    names = [name for name in caller.allowed() if asked == "*" or name.casefold() in asked.casefold().split(",")]
    return envelope.success(visit.request, visit.tenant, [{"exportedCmdlets": ",".join(names)}])


def _batch(visit: _Visit) -> Handled:
    """Run several commands; each stands for itself, and answers are matched by id [CIPP-BULK]."""
    try:
        parts = list(visit.request.json()["requests"])
        answers = [_batched(visit, part) for part in parts]
    except (ValueError, KeyError, TypeError, AttributeError):
        error = CmdletError("The batch isn't a list of requests.", exception="Microsoft.OData.ODataException")
        return Handled(answer=_failure(visit, error), cmdlet="$batch", write=True, tenant=visit.tenant)
    responses = [answer for answer, _ in answers]
    write = any(wrote for _, wrote in answers)
    return Handled(answer=json_answer(200, {"responses": responses}), cmdlet="$batch", write=write, tenant=visit.tenant)


def _batched(visit: _Visit, part: Mapping[str, Any]) -> tuple[Body, bool]:
    path, query = split_target(str(part["url"]))
    own = {name.lower(): str(value) for name, value in dict(part.get("headers", {})).items()}
    inner = replace(
        visit.request,
        path=path,
        query=query,
        headers={**visit.request.headers, **own},
        body=json.dumps(part["body"]).encode(),
    )
    handled = handle(visit.tx, inner, visit.now)
    text = handled.answer.body.strip(b"\x00")
    body = json.loads(text) if text else None
    return {"id": part["id"], "status": handled.answer.status, "body": body}, handled.write


_SPELLERS: Mapping[str, Callable[[Record, Transaction], Body]] = MappingProxyType(
    {
        quarantine.KIND: quarantine.shown,
        rules.KIND: rules.shown,
        contentfilter.RULE: lambda record, _: contentfilter.rule_shown(record),
        "EOPProtectionPolicyRule": lambda record, _: contentfilter.rule_shown(record),
        "ATPProtectionPolicyRule": lambda record, _: contentfilter.rule_shown(record),
    }
)
