"""The ways to a token: one module per way, and what they share.

    application   a client secret or a certificate [facts 1.11: CIPP-EXO, SCUBA, EXOH]
    device        a person at a terminal, by device code [facts 1.11: SCUBA, M365, EXOH]
    machine       the identity of the cloud machine that this runs on

``door`` carries msal's calls over the tenant's own session, ``refusals`` says what Entra ID's numbers mean,
``cachefile`` keeps a person's sign-in from one run to the next.
"""
