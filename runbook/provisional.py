"""The record that a run has from its first moment: it says that the run has not ended, and where its journal is.

A run that is killed can write nothing any more. So this page lies in the record's place before anything is read, and
every sentence of it is true for as long as no other page has taken its place.
"""

from __future__ import annotations

from html import escape

from runbook.runs import RunFolder, write_text

_MAY = {
    "apply": "Changes may have been made. The journal names each one before it is sent to the service.",
    "plan": "This mode writes nothing to the tenant.",
    "verify": "This mode writes nothing to the tenant.",
}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>Not finished: {run}</title>
<style>body {{ max-width: 45rem; margin: 3rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }}</style>
</head>
<body>
<main>
<p>Record of a run</p>
<h1>This run has not finished</h1>
<p>Either it is still running, or it was stopped (killed, or its machine went down) before it could write its record.
This page says nothing of what was read, changed or verified. {may}</p>
<dl>
<dt>Tenant</dt><dd>{tenant}</dd>
<dt>Mode</dt><dd>{mode}</dd>
<dt>Run</dt><dd>{run}</dd>
<dt>Started</dt><dd>{started}</dd>
<dt>Journal</dt><dd><code>journal.jsonl</code>, beside this page: what was done, in order, up to where it stopped</dd>
</dl>
<p>Once nothing of it runs any more, this makes the record from what is there:</p>
<pre>runbook records show {run}</pre>
</main>
</body>
</html>
"""


def write_provisional(folder: RunFolder, tenant: str, mode: str, started: str) -> None:
    """Write ``record.html`` of a run that begins."""
    facts = {"run": folder.path.name, "tenant": tenant, "mode": mode, "started": started, "may": _MAY.get(mode, "")}
    write_text(folder.record, _PAGE.format(**{name: escape(value) for name, value in facts.items()}))
