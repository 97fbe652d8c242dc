"""Delivery logs for measurements: as many as asked for, and removable."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from campaign.deliveries.models import BroadLog, Delivery, LogStatus

pytestmark = pytest.mark.django_db


def volume(**options: Any) -> str:
    """Call the command, confirmed; return what it told."""
    told = StringIO()
    call_command(
        "volume",
        database=connection.settings_dict["NAME"],
        yes=True,
        stdout=told,
        stderr=StringIO(),
        **options,
    )
    return told.getvalue()


def fill(logs: int = 300) -> str:
    """Write a little history with delivery logs."""
    return volume(runs=10, journal=10, workflows=1, delivery_logs=logs)


def test_as_many_logs_as_asked_for() -> None:
    told = fill()

    assert BroadLog.objects.count() == 300
    assert "delivery logs: 300" in told


def test_two_in_a_hundred_failed() -> None:
    fill()

    assert BroadLog.objects.filter(status=LogStatus.FAILED).count() == 6


def test_clearing_removes_logs_and_deliveries() -> None:
    fill()

    volume(clear=True)

    assert not BroadLog.objects.exists()
    assert not Delivery.objects.exists()


def test_without_the_option_there_are_none() -> None:
    fill(0)

    assert not Delivery.objects.exists()


def test_a_second_volume_is_refused() -> None:
    fill()

    with pytest.raises(CommandError, match="--clear"):
        fill()


def test_a_negative_number_is_refused_by_its_option() -> None:
    with pytest.raises(CommandError, match="--delivery-logs is -1"):
        fill(-1)
