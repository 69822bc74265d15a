"""Sign-in, Microsoft Graph and Cloudflare."""

from __future__ import annotations

from simtenant.assumptions.table import Assumption

_DOMAINS = "/email-security/settings/domains"

OTHERS: tuple[Assumption, ...] = (
    Assumption(
        id="aadsts-codes",
        statement="Sign-in failures carry AADSTS numbers and OAuth errors; a client can go by either.",
        why="7000215, 90002, 65001 and 53003 are widely seen; the others, and all texts, are second-hand.",
        refused=True,
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
        statement="Graph refuses with InvalidAuthenticationToken (401) and Authorization_RequestDenied (403).",
        why="Both are second-hand, as are 400 and 405 for what is not served; Request_ResourceNotFound is known.",
        refused=True,
        calls=("GET /v1.0/domains",),
    ),
    Assumption(
        id="service-records-empty",
        statement="Initial, unverified and mail-less domains have no service records; unavailable ones no recordType.",
        why="Whether rows are returned for them is open; no unavailable record was seen.",
        calls=("GET /serviceConfigurationRecords",),
    ),
    Assumption(
        id="cloudflare-auth-status",
        statement="An invalid token answers 401, a missing permission or a foreign account 403.",
        why="Code 10000 was seen, its HTTP status was not; 9109 and 1000 are unconfirmed.",
        refused=True,
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
        refused=True,
        calls=("* /client/v4/",),
    ),
    Assumption(
        id="cloudflare-limits-everywhere",
        statement="PUT and PATCH enforce the array and hop limits of POST, and refuse fields they do not know.",
        why="The limits are published for POST only.",
        refused=True,
        calls=(f"PATCH {_DOMAINS}", f"PUT {_DOMAINS}"),
    ),
    Assumption(
        id="cloudflare-default-page",
        statement="A list without per_page holds 20 domains, ordered by creation; search finds parts of a name.",
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
        statement="A batch may be of any size, and one bad operation makes it change nothing.",
        why="Atomicity, the largest size and the shape of a partial failure are not documented.",
        switch="cloudflare_batch",
        calls=(f"POST {_DOMAINS}/batch",),
    ),
    Assumption(
        id="cloudflare-bulk-delete",
        statement="A bulk delete without a body is refused with 400.",
        why="The SDK sends exactly that; what the live service does with it is not known.",
        refused=True,
        calls=(f"DELETE {_DOMAINS}",),
    ),
    Assumption(
        id="cloudflare-mx-records",
        statement="A domain set up by MX records is one with DIRECT delivery and one look-back hop.",
        why="Inferred from the words of the old and the new form.",
        calls=(f"PATCH {_DOMAINS}", f"PUT {_DOMAINS}", f"POST {_DOMAINS}"),
    ),
    Assumption(
        id="cloudflare-routes",
        statement="A path that is not served answers 404 with 7003, a method that is not 405 with 10405.",
        why="Both codes come from a catalogue; the HTTP statuses are open.",
        refused=True,
        calls=("* /client/v4/",),
    ),
    Assumption(
        id="cloudflare-status-case",
        statement="The status of a domain is in capitals.",
        why="It was in small letters until July 2026, and copied specifications still are [PY, SPEC].",
        switch="cloudflare_status_case",
        calls=(f"* {_DOMAINS}",),
    ),
    Assumption(
        id="cloudflare-last-modified",
        statement="last_modified is no longer answered.",
        why="Its end of life was announced for 2026-11-01 [PY]; that it is gone was not seen.",
        switch="cloudflare_last_modified",
        calls=(f"* {_DOMAINS}",),
    ),
    Assumption(
        id="cloudflare-no-add-on",
        statement="An account without Email Security answers 403 with a code of our own.",
        why="That there is such an error is known from a client; status and code are not.",
        switch="cloudflare_add_on",
        refused=True,
        calls=(f"* {_DOMAINS}",),
    ),
)
