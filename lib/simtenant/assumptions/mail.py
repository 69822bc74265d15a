"""Where a test message lands: what mail flow does that the facts do not confirm."""

from __future__ import annotations

from simtenant.assumptions.table import Assumption

_SENT = ("POST /_sim/messages",)

MAIL: tuple[Assumption, ...] = (
    Assumption(
        id="mail-disposition-header",
        statement="The gateway writes its disposition into X-Area1Security-Disposition and no other header.",
        why="The page of 2024 has that name, the one of 2026 X-CFEmailSecurity-Disposition; both may be stamped.",
        switch="disposition_header",
        calls=_SENT,
    ),
    Assumption(
        id="mail-bulk-disposition",
        statement="The gateway writes BULK into the header like any other disposition.",
        why="The page of 2024 calls BULK dashboard-only, tutorials match it; the page of 2026 dropped the remark.",
        switch="bulk_disposition",
        calls=_SENT,
    ),
    Assumption(
        id="mail-forged-disposition",
        statement="The gateway takes away a disposition header that a message carried before, under either name.",
        why="Each message receives one disposition header; what becomes of one it brings along is not published.",
        switch="forged_disposition",
        calls=_SENT,
    ),
    Assumption(
        id="mail-allow-list-and-rule",
        statement="An address on the IP allow list bypasses spam filtering even if a rule asks a higher level.",
        why="How a hit of the allow list combines with a later SetSCL rule is open.",
        switch="allow_list_and_scl",
        calls=_SENT,
    ),
    Assumption(
        id="mail-enhanced-filtering",
        statement="A condition on the sender's address tests the last hop, also behind enhanced filtering.",
        why="The last hop is documented; what enhanced filtering makes of it is open.",
        switch="enhanced_filtering_ip",
        calls=_SENT,
    ),
    Assumption(
        id="mail-requested-scl",
        statement="The level a rule asks for decides between no spam, bulk, spam and high-confidence spam.",
        why="The value is an input to filtering; the stamped level and the final action may differ [DOCS 2026-08].",
        switch="requested_scl",
        calls=_SENT,
    ),
    Assumption(
        id="mail-low-scl",
        statement="A rule that asks a level from 0 to 4 changes nothing: the filter's own verdict stands.",
        why="Documented are -1, 5 and 6, and 9; what the filter makes of the others is not said.",
        calls=_SENT,
    ),
    Assumption(
        id="mail-domain-conditions",
        statement="A domain in a condition means that domain and none below it.",
        why="The facts do not say what a domain in a condition means for those below it.",
        switch="domain_conditions",
        calls=_SENT,
    ),
    Assumption(
        id="mail-gateway-out-of-line",
        statement="For a domain that the gateway does not know or does not serve by DIRECT, mail passes it unmarked.",
        why="What becomes of mail that an MX record still leads there is not published.",
        calls=_SENT,
    ),
    Assumption(
        id="mail-gateway-domain-status",
        statement="The status of a domain, its look-back hops and IP restrictions do not change what the gateway does.",
        why="Nothing says how mail fares while a domain is not ACTIVE; a message has no hops before the gateway here.",
        calls=_SENT,
    ),
    Assumption(
        id="mail-gateway-none",
        statement="A message without a verdict is held by a domain that drops NONE; other values hold nothing else.",
        why="The API lists NONE, UNKNOWN, ENCRYPTED, EXTERNAL and MALICIOUS-BEC; what they hold is not published.",
        calls=_SENT,
    ),
    Assumption(
        id="mail-rejected-at-the-door",
        statement="Mail for no accepted domain, from a blocked address or past a locked connector is rejected.",
        why="That these lists refuse mail is documented; how the sender is told, and in which order, is not.",
        calls=_SENT,
    ),
    Assumption(
        id="mail-sender-scope",
        statement="A sender is inside the organisation exactly when its domain is an accepted one.",
        why="The service also looks at how the message was authenticated.",
        calls=_SENT,
    ),
    Assumption(
        id="mail-undecided-conditions",
        statement="A rule with a condition or an exception that cannot be decided for a test message does nothing.",
        why="Patterns, directory properties and the like are not simulated (mailflow.conditions lists them).",
        calls=_SENT,
    ),
    Assumption(
        id="mail-word-boundaries",
        statement="A word ends at whatever is no letter, digit or underscore.",
        why="Whole words without regard to case are documented [peers 7]; what bounds a word is not.",
        calls=_SENT,
    ),
    Assumption(
        id="mail-rules-act-at-once",
        statement="A changed rule or policy acts on the next message.",
        why="It may take 30 minutes or more [Exchange mail-flow docs].",
        calls=_SENT,
    ),
    Assumption(
        id="mail-taken-by-a-rule",
        statement="What a rule deletes, rejects, quarantines or redirects is not filtered; users see none of it.",
        why="Hosted quarantine knows no quarantine policy and stops later rules; the filter's part is not described.",
        calls=_SENT,
    ),
    Assumption(
        id="mail-malware",
        statement="Malware is quarantined under AdminOnlyAccessPolicy, whatever anti-spam policy wins.",
        why="Malware filter policies are not simulated.",
        calls=_SENT,
    ),
    Assumption(
        id="mail-marked-and-delivered",
        statement="AddXHeader, ModifySubject and NoAction deliver to the inbox, as does bulk mail not marked as spam.",
        why="The actions are listed; where such a message lands is not.",
        calls=_SENT,
    ),
    Assumption(
        id="mail-tag-missing",
        statement="An action without a quarantine policy takes the factory's; one that is gone grants nothing.",
        why="Nothing is published on an empty tag or on a policy that was removed while it was named.",
        calls=_SENT,
    ),
    Assumption(
        id="mail-not-simulated",
        statement="Lists of safe and blocked senders, evaluation policies, mailbox rules and later moves play no part.",
        why="Each can move a message [peers 6.4, DEF]; none is simulated.",
        calls=_SENT,
    ),
)
