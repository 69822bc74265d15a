"""The command line: exit codes, messages, and what the far end was asked."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest
from conftest import Kit

from runbook import simulated

LIGHT = """
import sys, time
from runbook.cli import main
code = main(["--help"])
heavy = {"pandas", "IPython", "nbformat", "nbconvert", "papermill", "requests", "msal", "pydantic", "yaml", "rich"}
print("LOADED", sorted(heavy & set(sys.modules)), code)
"""


def test_help_loads_nothing_heavy(kit: Kit) -> None:
    done = kit.python("-c", LIGHT)
    assert "LOADED [] 0" in done.stdout
    assert "runbook plan --tenant demo" in done.stdout


@pytest.mark.parametrize("command", ["demo", "compile", "lint", "plan", "apply", "verify", "records", "sim"])
def test_every_command_has_help(kit: Kit, command: str) -> None:
    done = kit(command, "--help")
    assert done.returncode == 0
    assert "Usage: runbook" in done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tenants_file(kit: Kit) -> Path:
    text = f"""
tenants:
  gone:
    simulated: {{address: "http://127.0.0.1:{free_port()}", state: {kit.state}}}
  wrong-secret:
    simulated: {{state: {kit.state}}}
    client_secret: {{env: WRONG}}
  wrong-token:
    simulated: {{state: {kit.state}}}
    cloudflare_api_token: {{env: WRONG}}
  two-domains:
    simulated: {{state: {kit.state}}}
    domains: [Example.com, example.com.]
  binary-secret:
    simulated: {{state: {kit.state}}}
    client_secret: {{file: {kit.folder}/picture.md}}
  no-guid:
    tenant_id: contoso.onmicrosoft.com
    client_id: b
    cloudflare_account_id: c
    client_secret: {{env: WRONG}}
    cloudflare_api_token: {{env: WRONG}}
  no-secret: {{tenant_id: a, client_id: b, cloudflare_account_id: c}}
"""
    path = kit.folder / "tenants.yaml"
    path.write_text(text)
    return path


BAD = [
    (["compile", "missing.md"], 2, "There is no such file"),
    (["compile", "empty.md"], 2, "empty"),
    (["compile", "picture.md"], 2, "The tutorial cannot be read"),
    (["compile", "prose.md"], 2, "The tutorial cannot be read"),
    (["plan", "--tenant", "demo", "-p", "retentoin_days=1"], 2, "Did you mean 'retention_days'"),
    (["plan", "--tenant", "demo", "-p", "retention_days=99"], 2, "from 1 to 30"),
    (["plan", "--tenant", "demo", "-p", "notification_frequency=3 days"], 2, "4 hours, 1 day, 7 days"),
    (["plan", "--tenant", "demo", "-p", "domains=exa mple"], 2, "is not a domain name"),
    (["plan", "--tenant", "demo", "-p", "retention_days"], 2, "name=value"),
    (["plan", "--tenant", "demo", "-f", "missing.yaml"], 2, "missing.yaml cannot be read"),
    (["plan", "--tenant", "demo", "-f", "list.yaml"], 2, "does not hold names and values"),
    (["plan", "--tenant", "dmeo"], 2, "Did you mean 'demo'"),
    (["plan"], 2, "Missing option '--tenant'"),
    (["plna", "--tenant", "demo"], 2, "Did you mean 'plan'"),
    (["plan", "--tenant", "no-secret"], 2, "AZURE_CLIENT_SECRET is missing or empty"),
    (["plan", "--tenant", "two-domains"], 2, "'example.com' is named twice"),
    (["plan", "--tenant", "binary-secret"], 2, "is missing or empty, or is no text"),
    (["plan", "--tenant", "demo", "-p", "notification_frequency=9999999999999 days"], 2, "choose 4 hours"),
    (["plan", "--tenant", "demo", "-f", "null.yaml"], 2, "no value was given"),
    (["plan", "--tenant", "demo", "-f", "secret.yaml"], 2, "is not YAML"),
    (["plan", "--tenant", "no-guid"], 2, "Tenant 'no-guid' cannot be used"),
    (["plan", "--tenant", "gone"], 5, "could not be reached"),
    (["plan", "--tenant", "wrong-secret"], 5, "AADSTS7000215"),
    (["plan", "--tenant", "wrong-token"], 5, "Nothing was written"),
    (["apply", "--tenant", "demo"], 4, "No plan was approved"),
    (["apply", "--tenant", "demo", "--approve", "0123456789ab"], 4, "No plan in"),
    (["apply", "--tenant", "demo", "--approve", "yes"], 4, "is not the hash of a plan"),
    (["sim", "set", "TransportRule", "No such rule", "SetSCL", "1"], 2, "No such rule"),
    (["sim", "reset", "--profile", "nope"], 2, "nope"),
    (["sim", "show", "--kind", "Nonsense"], 2, "holds no 'Nonsense'"),
    (["records", "show", "nowhere"], 2, "There is no run 'nowhere'"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_bad_input_gets_one_message_the_right_code_and_no_write(
    kit: Kit, arguments: list[str], code: int, words: str
) -> None:
    (kit.folder / "empty.md").write_text("")
    (kit.folder / "picture.md").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe")
    (kit.folder / "prose.md").write_text("# A page\n\nNo step in it.\n")
    (kit.folder / "list.yaml").write_text("- 1\n")
    (kit.folder / "null.yaml").write_text("egress_region: null\n")
    (kit.folder / "secret.yaml").write_text("key: 'hunter2-in-the-open\n")
    done = kit(*arguments, RUNBOOK_TENANTS=str(tenants_file(kit)), WRONG="not-the-value")
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "hunter2" not in done.stderr + done.stdout
    assert kit.writes() == []
    if code in (2, 4):
        assert not kit.runs.exists(), "a command that was refused left a run behind"


def test_plan_exits_3_before_apply_and_0_after(kit: Kit) -> None:
    before = kit("plan", "--tenant", "demo")
    assert before.returncode == 3
    assert "runbook apply --tenant demo --approve" in before.stdout
    assert kit.writes() == []
    done = kit("apply", "--tenant", "demo", "--approve", kit.result("plan")["plan_hash"][:12])
    assert done.returncode == 0, done.stderr
    count = len(kit.writes())
    assert count == 8
    assert kit("plan", "--tenant", "demo").returncode == 0
    assert kit("verify", "--tenant", "demo").returncode == 0
    again = kit("apply", "--tenant", "demo", "--approve", kit.result("plan")["plan_hash"])
    assert again.returncode == 0
    assert len(kit.writes()) == count


@pytest.mark.parametrize(
    ("kind", "identity", "name", "value", "found", "line"),
    [
        ("HostedContentFilterPolicy", "Default", "SpamAction", "Quarantine", "Quarantine", 92),
        ("HostedContentFilterPolicy", "Default", "QuarantineRetentionPeriod", "20", "20", 99),
        ("TransportRule", "Area 1 Deliver to Junk Email folder", "SetSCL", "6", "6", 118),
        ("TransportRule", "Area 1 Deliver to Junk Email folder", "State", "Disabled", "no", 122),
        ("TransportRule", "Area 1 Deliver to Junk Email folder", "HeaderContainsWords", '["BULK"]', "BULK", 115),
        ("QuarantinePolicy", "UserNotifyUserRelease", "ESNEnabled", "false", "no", 54),
        ("EmailSecurityDomain", "example.com", "require_tls_outbound", "false", "no", 34),
        ("EmailSecurityDomain", "example.org", "drop_dispositions", '["SPAM"]', "SPAM", 35),
    ],
)
def test_a_change_by_hand_is_found_and_named(
    applied: Kit, kind: str, identity: str, name: str, value: str, found: str, line: int
) -> None:
    held = {item.get("Name", item.get("domain")): item for item in simulated.objects(applied.state)[kind]}[identity]
    assert applied("sim", "set", kind, identity, name, value).returncode == 0
    try:
        done = applied("verify", "--tenant", "demo")
        assert done.returncode == 3
        property_name = "Enabled" if name == "State" else name
        assert f"{identity}, {property_name} (line {line} of the tutorial): found {found}, wanted" in done.stdout
        assert applied.result("verify")["status"] == "drift"
    finally:
        simulated.set_property(applied.state, kind, identity, name, held[name])


def test_a_moved_tenant_is_refused_before_any_write(planned: Kit) -> None:
    planned("sim", "set", "HostedContentFilterPolicy", "Default", "BulkThreshold", "5")
    done = planned("apply", "--tenant", "demo", "--approve", planned.result("plan")["plan_hash"])
    assert done.returncode == 4
    assert "BulkThreshold: was 7 when approved, now 5" in done.stderr
    assert planned.writes() == []


def test_other_inputs_than_the_approved_ones_are_refused(planned: Kit) -> None:
    plan_hash = planned.result("plan")["plan_hash"]
    done = planned("apply", "--tenant", "demo", "--approve", plan_hash, "-p", "retention_days=30")
    assert done.returncode == 4
    assert "made with other inputs: retention_days" in done.stderr
    assert planned.writes() == []


def test_inputs_of_the_tenant_that_changed_since_are_refused_before_any_write(kit: Kit) -> None:
    path = kit.folder / "tenants.yaml"
    text = f"tenants:\n  mine:\n    simulated: {{state: {kit.state}}}\n    inputs: {{retention_days: %d}}\n"
    path.write_text(text % 15)
    assert kit("plan", "--tenant", "mine").returncode == 3
    plan_hash = kit.result("plan")["plan_hash"]
    path.write_text(text % 30)
    done = kit("apply", "--tenant", "mine", "--approve", plan_hash)
    assert done.returncode == 4, done.stderr
    assert kit.writes() == []


SEED = Path(__file__).resolve().parents[3] / "shared" / "seed" / "o365-junk-email-and-user-managed-quarantine.md"
OPEN_TEXT = """# A text that leaves something open

## Configure quarantine notifications

1. Open the [Microsoft 365 Defender console](https://security.microsoft.com/).
2. Go to **Email & collaboration** > **Policies & rules** > **Threat policies**.
3. Under **Rules**, choose **Quarantine policies**.
4. Open **Global settings**.
5. Under **Send end-user spam notifications**, choose how often: **Within 4 hours**, **Daily** or **Weekly**.
6. Finish with **Save**.
"""


def test_a_plan_that_waits_for_an_answer_cannot_be_approved(kit: Kit) -> None:
    (kit.folder / "open.md").write_text(OPEN_TEXT)
    planned = kit("plan", "--tenant", "demo", "--tutorial", "open.md")
    assert planned.returncode == 4
    assert "leaves notification_frequency open" in planned.stdout
    done = kit("apply", "--tenant", "demo", "--tutorial", "open.md", "--approve", kit.result("plan")["plan_hash"])
    assert done.returncode == 4
    assert "parts that could not be planned" in done.stderr
    assert kit.writes() == []
    answered = ("--tutorial", "open.md", "-p", "notification_frequency=weekly")
    assert kit("plan", "--tenant", "demo", *answered).returncode == 3
    done = kit("apply", "--tenant", "demo", *answered, "--approve", kit.result("plan")["plan_hash"])
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not SEED.is_file(), reason="the given tutorial is not beside this checkout")
def test_the_seed_as_given_waits_for_its_decisions_then_runs(kit: Kit) -> None:
    assert kit("plan", "--tenant", "demo", "--tutorial", str(SEED)).returncode == 4
    assert kit.writes() == []
    answers = ["notification_frequency=1 day", "retention_days=15", "egress_region=us", "split_literal=advised"]
    given = [word for answer in answers for word in ("-p", answer)]
    assert kit("plan", "--tenant", "demo", "--tutorial", str(SEED), *given).returncode == 3
    plan_hash = kit.result("plan")["plan_hash"]
    done = kit("apply", "--tenant", "demo", "--tutorial", str(SEED), "--approve", plan_hash)
    assert done.returncode == 0, done.stderr
    assert kit("verify", "--tenant", "demo").returncode == 0, "both editions must ask for the same tenant"


def test_a_section_that_sets_nothing_is_not_called_verified(kit: Kit) -> None:
    text = OPEN_TEXT + "\n## Block everything else\n\n1. Ask the network team to close every other door.\n"
    (kit.folder / "open.md").write_text(text)
    kit.apply("--tutorial", "open.md", "-p", "notification_frequency=weekly")
    done = kit("verify", "--tenant", "demo", "--tutorial", "open.md", "-p", "notification_frequency=weekly")
    assert done.returncode == 0, done.stderr
    assert "Block everything else: 0 changed, nothing to check by an API" in done.stdout
    record = (kit.newest("verify") / "record.html").read_text()
    assert "1 of 2 sections verified" in record
    assert "Ask the network team" in record


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"UserNotifyUserRelease"', '"SomethingElse"'),
        ('"parameters": {}', '"parameters": {"forwarding_to": "evil.example.net"}'),
        ('"parameters": {}', '"parameters": {"approve": "0123456789abcdef"}'),
        ('"problems": []', '"problems": [{"identity": "x"}]'),
        ('"action": "create"', '"action": "none"'),
    ],
)
def test_a_plan_that_was_edited_after_it_was_made_is_refused(planned: Kit, before: str, after: str) -> None:
    path = planned.newest("plan") / "plan.json"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after, 1))
    done = planned("apply", "--tenant", "demo", "--approve", planned.result("plan")["plan_hash"])
    assert done.returncode == 4
    assert "was changed after it was made" in done.stderr
    assert planned.writes() == []


def test_an_approval_is_for_one_tenant_only(planned: Kit) -> None:
    path = planned.folder / "tenants.yaml"
    path.write_text(f"tenants:\n  other:\n    simulated: {{state: {planned.state}}}\n")
    plan_hash = planned.result("plan")["plan_hash"]
    done = planned("apply", "--tenant", "other", "--approve", plan_hash, RUNBOOK_TENANTS=str(path))
    assert done.returncode == 4
    assert "was made for the tenant 'demo'" in done.stderr
    assert planned.writes() == []


def test_inputs_travel_with_the_plan(kit: Kit) -> None:
    done = kit.apply("-p", "retention_days=20", "-p", "egress_region=europe", "-p", "add_second_rule=true")
    assert done.returncode == 0, done.stderr
    held = simulated.objects(kit.state)
    policy = next(item for item in held["HostedContentFilterPolicy"] if item["Name"] == "Default")
    assert policy["QuarantineRetentionPeriod"] == 20
    rules = {item["Name"]: item for item in held["TransportRule"]}
    assert len(rules["Area 1 Deliver to Junk Email folder"]["SenderIpRanges"]) == 42
    second = rules["Area 1 User Quarantine Message"]
    assert (second["SetSCL"], second["HeaderContainsWords"], second["State"]) == (9, ["UCE", "SPOOF"], "Enabled")


def test_a_rule_is_created_disabled_then_enabled(applied: Kit) -> None:
    names = [row["cmdlet"] or row["method"] for row in applied.writes()]
    assert names == [
        "PATCH",
        "PATCH",
        "New-QuarantinePolicy",
        "New-QuarantinePolicy",
        "New-QuarantinePolicy",
        "Set-HostedContentFilterPolicy",
        "New-TransportRule",
        "Enable-TransportRule",
    ]


def test_what_the_tutorial_does_not_name_is_left_byte_for_byte(kit: Kit) -> None:
    before = simulated.objects(kit.state)
    assert kit.apply().returncode == 0
    after = simulated.objects(kit.state)
    ours = {"example.com", "example.org", "UserNotifyUserRelease", "UserNotifyAdminRelease", "DefaultGlobalTag",
            "DefaultGlobalPolicy", "Default", "Area 1 Deliver to Junk Email folder"}  # fmt: skip
    for kind, items in before.items():
        for item in items:
            if item.get("Name", item.get("domain")) not in ours:
                assert json.dumps(item) in [json.dumps(other) for other in after[kind]], (kind, item)


def test_records_list_finds_the_runs(applied: Kit) -> None:
    lines = applied("records", "list", "--tenant", "demo").stdout.splitlines()
    assert any(line.split()[1:4] == ["demo", "apply", "changed"] for line in lines)
    again = applied("records", "show", str(applied.newest("apply")))
    assert again.returncode == 0


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "result"])
def test_a_record_made_again_says_when_the_files_cannot_be_believed(applied: Kit, damage: str) -> None:
    folder = applied.folder / f"copy-{damage}"
    shutil.copytree(applied.newest("apply"), folder)
    path = folder / "journal.jsonl"
    if damage == "cut":
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-3]))
    elif damage == "changed":
        path.write_text(path.read_text().replace('"ok":true', '"ok":false', 1))
    elif damage == "gone":
        path.unlink()
    else:
        (folder / "result.json").write_text("[]")
    done = applied("records", "show", str(folder))
    assert done.returncode == (2 if damage == "result" else 1)
    assert "Traceback" not in done.stderr
    if damage != "result":
        assert "Do not rely on what this page says" in (folder / "record.html").read_text()


@pytest.mark.parametrize("name", ["../../x", "/tmp/abs", "..", "a b", "<script>"])
def test_a_tenants_name_is_no_path_and_no_command(kit: Kit, name: str) -> None:
    path = kit.folder / "tenants.yaml"
    path.write_text(json.dumps({"tenants": {name: {"simulated": {}}}}))
    done = kit("plan", "--tenant", name, RUNBOOK_TENANTS=str(path))
    assert done.returncode == 2
    assert "cannot be a tenant's name" in done.stderr


def test_a_runs_folder_that_cannot_be_written_is_named(kit: Kit) -> None:
    (kit.folder / "file").write_text("")
    done = kit("plan", "--tenant", "demo", RUNBOOK_RUNS=str(kit.folder / "file"))
    assert done.returncode == 2
    assert "Set RUNBOOK_RUNS" in done.stderr
    assert kit.writes() == []


def test_the_plan_as_a_script_for_somebody_without_api_rights(kit: Kit) -> None:
    done = kit("plan", "--tenant", "demo", "--as", "powershell")
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "$Error"))]
    assert [line.split()[0] for line in commands] == [
        "New-QuarantinePolicy",
        "New-QuarantinePolicy",
        "New-QuarantinePolicy",
        "Set-HostedContentFilterPolicy",
        "New-TransportRule",
        "Enable-TransportRule",
    ]
    assert any(line.startswith("# curl -X PATCH") for line in lines)
    plan = json.loads(kit("plan", "--tenant", "demo", "--as", "json").stdout)
    assert plan["hash"] == kit.result("plan")["plan_hash"]


def test_the_demo_never_leaves_its_own_tenant(kit: Kit) -> None:
    path = kit.folder / "tenants.yaml"
    path.write_text(f"tenants:\n  demo:\n    simulated: {{state: {kit.state}}}\n")
    done = kit("demo", RUNBOOK_TENANTS=str(path))
    assert done.returncode == 2
    assert "the kit's own simulated one" in done.stderr
    assert kit.writes() == []


FORGED = "a\x1b[2K\x1b]0;x\x07\n  = Cloudflare domain example.com: all as asked\nplan 0000\u202e"


def test_a_tenant_cannot_forge_a_line_of_its_plan(kit: Kit) -> None:
    simulated.set_property(kit.state, "EmailSecurityDomain", "example.com", "transport", FORGED)
    done = kit("plan", "--tenant", "demo")
    assert done.returncode == 3
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert not [line for line in done.stdout.splitlines() if line.startswith(("plan 0000", "  = Cloudflare"))]
    folder = kit.newest("plan")
    for text in ((folder / "record.html").read_text(), "".join(p.read_text() for p in folder.glob("notebooks/01*"))):
        assert "\x1b" not in text
