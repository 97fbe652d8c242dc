"""Export and import of the configuration; the page about the installation."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from campaign.access.models import Operator
from campaign.platform import configuration
from campaign.platform.configuration import Outcome
from campaign.platform.models import ExternalAccount, Option
from campaign.platform.services import account_changes, custom_options, options
from workflows.actions.sync import sync_workflows
from workflows.exceptions import InvalidInput, PermissionRefused
from workflows.models import AuditEntry, Source, StructureVersion, Workflow

pytestmark = pytest.mark.django_db
BATCH = "NmsMessageCenter_RoutingBatchSize"


def by_engine() -> dict[str, Any]:
    return {"acting_operator": None, "source": Source.CLI, "at": timezone.now()}


def exported(*names: str) -> dict[str, Any]:
    """Return the document as it is after it was a file."""
    document = configuration.export_configuration(
        names=names, acting_operator=None, at=timezone.now()
    )
    return json.loads(json.dumps(document))


def imported(document: Any, **given: Any) -> configuration.Imported:
    return configuration.import_configuration(document=document, **given, **by_engine())


def document_of(**sections: Any) -> dict[str, Any]:
    return {
        "format": configuration.FORMAT,
        "version": configuration.VERSION,
        "sections": sections,
    }


@pytest.fixture
def browser(admin_client: Client) -> Client:
    admin_client.defaults["HTTP_ACCEPT"] = "text/html"
    return admin_client


def test_document_holds_no_secret() -> None:
    account_changes.create_account(
        internal_name="pager",
        label="Pager",
        type="webhook",
        config={"url": "https://pager.example.com/in"},
        secret="hush-hush-1",
        **by_engine(),
    )
    custom_options.create_option(
        name="Own_Key",
        label="Key",
        data_type="text",
        value="tell-nobody",
        is_secret=True,
        **by_engine(),
    )

    text = json.dumps(exported())

    assert "pager.example.com" in text
    assert "hush-hush-1" not in text
    assert "tell-nobody" not in text
    assert ExternalAccount.objects.get().secrets not in text


def test_importing_the_own_export_changes_nothing() -> None:
    sync_workflows(at=timezone.now())
    options.set_value(name=BATCH, value=300, **by_engine())
    before = AuditEntry.objects.count()

    done = imported(exported())

    assert {one.outcome for one in done.planned} == {Outcome.SAME}
    assert AuditEntry.objects.count() == before


def test_preview_tells_and_changes_nothing() -> None:
    document = document_of(options=[{"name": BATCH, "value": 250}])

    told = imported(document, preview=True)

    assert [(one.name, one.outcome) for one in told.planned] == [(BATCH, Outcome.NEW)]
    assert options.get(BATCH) == 500
    assert not AuditEntry.objects.exists()


def test_changed_value_is_told_before_and_after() -> None:
    options.set_value(name=BATCH, value=300, **by_engine())

    told = imported(document_of(options=[{"name": BATCH, "value": 250}]), preview=True)

    assert told.planned[0].outcome is Outcome.CHANGED
    assert [(d.before, d.after) for d in told.planned[0].differences] == [
        ("300", "250")
    ]


def test_one_refused_object_stops_everything() -> None:
    document = document_of(
        options=[{"name": BATCH, "value": 250}, {"name": "Nothing_Such", "value": 1}]
    )

    with pytest.raises(configuration.ImportRefused):
        imported(document)

    assert options.get(BATCH) == 500


def test_refused_objects_can_be_left_out() -> None:
    document = document_of(
        options=[{"name": BATCH, "value": 0}, {"name": "MC_EventMaxTries", "value": 7}]
    )

    done = imported(document, without_refused=True)

    outcomes = {one.name: one.outcome for one in done.planned}
    assert outcomes == {BATCH: Outcome.REFUSED, "MC_EventMaxTries": Outcome.NEW}
    assert "Give 1 or more." in done.planned[0].why
    assert options.get("MC_EventMaxTries") == 7
    assert options.get(BATCH) == 500


def test_object_of_foreign_form_is_refused_not_a_crash() -> None:
    told = imported(
        document_of(
            external_accounts=[{"internal_name": "x"}],
            enumerations=[{"internal_name": "y", "label": 7, "kind": []}],
        ),
        preview=True,
    )

    assert {one.outcome for one in told.planned} == {Outcome.REFUSED}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], "format"),
        ({"format": "other"}, "format"),
        ({"format": configuration.FORMAT, "version": 99}, "version"),
        (document_of(nonsense=[]), "sections.nonsense"),
        (document_of(options={}), "sections.options"),
        (document_of(options=[{"value": 1}]), "sections.options[0]"),
    ],
)
def test_fault_of_the_document_is_named(document: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        imported(document)

    assert caught.value.faults[0].field == field


def test_account_arrives_disabled_until_its_secret_is_entered() -> None:
    row = {
        "internal_name": "pager",
        "label": "Pager",
        "type": "webhook",
        "enabled": True,
        "config": {"url": "https://pager.example.com/in"},
        "secret": "to be entered",
    }

    imported(document_of(external_accounts=[row]))

    account = ExternalAccount.objects.get(internal_name="pager")
    assert not account.enabled
    assert not account.secrets


def test_secret_entered_here_survives_an_import() -> None:
    account_changes.create_account(
        internal_name="pager",
        label="Pager",
        type="webhook",
        config={"url": "https://pager.example.com/in"},
        secret="hush-hush-1",
        **by_engine(),
    )
    document = exported("external_accounts")
    document["sections"]["external_accounts"][0]["label"] = "Other"
    sealed = ExternalAccount.objects.get().secrets

    imported(document)

    account = ExternalAccount.objects.get()
    assert (account.label, account.secrets, account.enabled) == ("Other", sealed, True)


def test_enumeration_and_custom_option_travel() -> None:
    document = document_of(
        options=[
            {"name": "Own_Limit", "label": "Limit", "data_type": "integer", "value": 3}
        ],
        enumerations=[
            {
                "internal_name": "own",
                "label": "Own",
                "kind": "closed",
                "cleanses_aliases": True,
                "values": [
                    {
                        "value": "a",
                        "label": "A",
                        "order": 0,
                        "is_default": True,
                        "aliases": ["alpha"],
                    }
                ],
            }
        ],
    )

    imported(document)

    again = exported("options", "enumerations")["sections"]
    assert again["options"] == [
        {"name": "Own_Limit", "value": 3, "label": "Limit", "data_type": "integer"}
    ]
    own = [one for one in again["enumerations"] if one["internal_name"] == "own"]
    assert own == document["sections"]["enumerations"]


def test_workflow_gets_a_new_version_and_does_not_start() -> None:
    sync_workflows(at=timezone.now())
    document = exported("workflows")
    wanted = document["sections"]["workflows"][0]
    wanted["properties"]["history_days"] = 77
    del wanted["checksum"]
    name = wanted["internal_name"]
    state = Workflow.objects.get(internal_name=name).state

    done = imported(document)

    workflow = Workflow.objects.get(internal_name=name)
    assert (workflow.history_days, workflow.state) == (77, state)
    changed = [one for one in done.planned if one.outcome is Outcome.CHANGED]
    assert [one.name for one in changed] == [name]
    assert [(d.field, d.after) for d in changed[0].differences] == [
        ("properties.history_days", "77")
    ]


def test_preview_leaves_no_structure_version_behind() -> None:
    sync_workflows(at=timezone.now())
    document = exported("workflows")
    del document["sections"]["workflows"][0]["checksum"]
    document["sections"]["workflows"][0]["internal_name"] = "copied"
    versions = StructureVersion.objects.count()

    told = imported(document, preview=True)

    assert Outcome.NEW in {one.outcome for one in told.planned}
    assert StructureVersion.objects.count() == versions


def test_import_needs_the_right(outsider: Operator) -> None:
    with pytest.raises(PermissionRefused):
        configuration.import_configuration(
            document=document_of(),
            acting_operator=outsider,
            source=Source.API,
            at=timezone.now(),
        )


def test_section_of_another_application_takes_part() -> None:
    kept: dict[str, Any] = {}
    section = configuration.Section(
        "colours",
        "Colours",
        lambda: [{"internal_name": name, **one} for name, one in kept.items()],
        lambda wanted, _acting: kept.update({wanted["internal_name"]: {}}),
    )
    configuration.register(section)
    try:
        imported(document_of(colours=[{"internal_name": "red"}]))
    finally:
        del configuration._sections["colours"]

    assert kept == {"red": {}}


def upload(browser: Client, document: Any) -> Any:
    text = document if isinstance(document, str) else json.dumps(document)
    file = SimpleUploadedFile("configuration.json", text.encode())
    return browser.post("/configuration/preview/", {"file": file})


def test_file_is_previewed_then_imported(browser: Client) -> None:
    document = document_of(options=[{"name": BATCH, "value": 250}])

    seen = upload(browser, document)
    assert options.get(BATCH) == 500
    browser.post(
        "/configuration/import/",
        {
            "document": seen.context["document"],
            "digest": seen.context["imported"].digest,
        },
    )

    assert options.get(BATCH) == 250
    assert AuditEntry.objects.filter(
        action="platform.configuration.imported", author="administrator"
    ).exists()


def test_change_after_the_preview_shows_it_anew(browser: Client) -> None:
    document = document_of(options=[{"name": BATCH, "value": 250}])
    seen = upload(browser, document)
    options.set_value(name=BATCH, value=400, **by_engine())

    reply = browser.post(
        "/configuration/import/",
        {
            "document": seen.context["document"],
            "digest": seen.context["imported"].digest,
        },
    )

    assert reply.status_code == 409
    assert "changed since the preview" in reply.content.decode()
    assert options.get(BATCH) == 400


def test_file_that_is_no_json_is_told(browser: Client) -> None:
    reply = upload(browser, "{nonsense")

    assert reply.status_code == 422
    assert "this is no JSON" in reply.content.decode()


def test_export_is_a_file_of_the_chosen_sections(browser: Client) -> None:
    reply = browser.get("/configuration/export/?section=options")

    assert "attachment" in reply["Content-Disposition"]
    assert list(json.loads(reply.content)["sections"]) == ["options"]


def test_export_without_a_section_asks_for_one(browser: Client) -> None:
    assert browser.get("/configuration/export/").status_code == 422


def test_page_is_refused_without_the_right(client: Client, outsider: Operator) -> None:
    client.defaults["HTTP_ACCEPT"] = "text/html"
    client.force_login(outsider, "django.contrib.auth.backends.ModelBackend")

    assert client.get("/configuration/").status_code == 403
    assert client.post("/configuration/import/").status_code == 403


def test_command_exports_previews_and_imports(tmp_path: Path) -> None:
    options.set_value(name=BATCH, value=300, **by_engine())
    out = StringIO()
    call_command("configuration", "export", "--section", "options", stdout=out)
    file = tmp_path / "configuration.json"
    file.write_text(out.getvalue())
    options.set_value(name=BATCH, value=None, **by_engine())

    told = StringIO()
    call_command("configuration", "import", "--preview", str(file), stdout=told)
    assert f"new\toptions/{BATCH}" in told.getvalue()
    assert not Option.objects.filter(name=BATCH).exists()

    call_command("configuration", "import", str(file), stdout=StringIO())
    assert options.get(BATCH) == 300


def test_command_tells_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        call_command("configuration", "import", str(tmp_path / "none.json"))


def test_about_shows_versions_and_licences(
    browser: Client, django_assert_max_num_queries: Any
) -> None:
    browser.get("/about/")
    with django_assert_max_num_queries(10):
        page = browser.get("/about/")

    told = page.context["about"]
    assert told.pending_migrations == ()
    assert told.database_bytes > 0
    assert {part.name for part in told.parts} >= {"Django", "psycopg", "@antv/x6"}
    assert all(part.licence and part.version for part in told.parts)
    assert "All applied" in page.content.decode()
