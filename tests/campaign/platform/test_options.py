from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaign.platform.models import Option
from campaign.platform.services import options
from workflows.exceptions import (
    ConfigurationError,
    DuplicateRegistration,
    InvalidInput,
    NotFound,
    PermissionRefused,
)
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def size():
    before = dict(options._declared)
    yield options.declare(
        "Tests_BatchSize", options.INTEGER, 500, "Events per batch", lowest=1
    )
    options._declared.clear()
    options._declared.update(before)


def change(value, operator=None, **others):
    return options.set_value(
        name="Tests_BatchSize",
        value=value,
        acting_operator=operator,
        source=Source.CONSOLE,
        at=AT,
        **others,
    )


def test_default_counts_without_a_row(size):
    assert size.get() == 500
    assert not Option.objects.exists()


def test_changed_value_counts(size):
    change(200)

    assert size.get() == 200
    assert options.values()["Tests_BatchSize"] == 200


def test_change_writes_an_audit_entry(size, administrator):
    change(200, administrator, reason="smaller batches")

    entry = AuditEntry.objects.get()
    assert entry.action == "platform.option.changed"
    assert entry.object_id == "Tests_BatchSize"
    assert entry.changes == {"value": [500, 200]}
    assert entry.author == "administrator"
    assert entry.reason == "smaller batches"


def test_equal_value_writes_nothing(size, administrator):
    change(500, administrator)

    assert not AuditEntry.objects.exists()
    assert not Option.objects.exists()


def test_default_again_removes_the_row(size):
    change(200)
    change(None)

    assert size.get() == 500
    assert not Option.objects.exists()


def test_operator_without_right_is_refused(size, outsider):
    with pytest.raises(PermissionRefused, match=options.CHANGE_RIGHT):
        change(200, outsider)


@pytest.mark.parametrize("value", [0, -3, "200", True, 1.5])
def test_value_that_does_not_fit_is_refused(size, value):
    with pytest.raises(InvalidInput) as caught:
        change(value)

    assert caught.value.faults[0].field == "value"


def test_unknown_option_is_not_found():
    with pytest.raises(NotFound, match="Tests_Nothing"):
        options.get("Tests_Nothing")


def test_second_declaration_must_agree(size):
    with pytest.raises(DuplicateRegistration):
        options.declare("Tests_BatchSize", options.INTEGER, 1, "Other")


def test_default_must_fit():
    with pytest.raises(ConfigurationError):
        options.declare("Tests_Bad", options.INTEGER, "x", "Bad")


def test_duration_is_read_as_people_write_it(size):
    delay = options.declare("Tests_Delay", options.DURATION, 60, "Delay")

    assert options.read_text(delay, "1h30m") == 5400


def test_pointer_is_kept_without_audit():
    assert options.read_pointer("Tests_Pointer") is None

    options.write_pointer("Tests_Pointer", ["2026-03-02T09:00:00Z", 7])

    assert options.read_pointer("Tests_Pointer") == ["2026-03-02T09:00:00Z", 7]
    assert not AuditEntry.objects.exists()
