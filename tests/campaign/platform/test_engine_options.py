from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError

from campaign.platform.models import Option
from campaign.platform.services import engine_options, options
from workflows import conf
from workflows.models import Source

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def change(name, value):
    options.set_value(
        name=name, value=value, acting_operator=None, source=Source.CLI, at=AT
    )


def test_every_option_of_the_engine_can_be_changed():
    assert set(conf.OPTIONS) <= set(options.declared())


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("WORKFLOW_MAX_ACTIVE", None),
        ("WORKFLOW_MIN_INTERVAL", 600),
        ("WORKFLOW_TASK_HARD_LIMIT", 21_600),
        ("WORKFLOW_LONG_TASK_HOURS", 6),
        ("WORKFLOW_HTTP_HOSTS", ""),
        ("WORKFLOW_HTTP_ALLOW_PRIVATE", 0),
        ("XtkSecurity_FeatureFlag_SqlSensitive", 1),
        ("XtkSecurity_SqlSensitive_Methods", ""),
        ("NmsServer_PausedWorkflowPeriod", 7),
        ("WorkflowPausedMaxNotices", 4),
    ],
)
def test_default_counts_while_nobody_changed_it(name, default):
    assert conf.option(name) == default


def test_changed_value_counts_at_once():
    conf.option("WORKFLOW_LONG_TASK_HOURS")

    change("WORKFLOW_LONG_TASK_HOURS", 12)

    assert conf.option("WORKFLOW_LONG_TASK_HOURS") == 12


def test_default_counts_again_after_a_way_back():
    change("WORKFLOW_MAX_ACTIVE", 3)

    change("WORKFLOW_MAX_ACTIVE", None)

    assert conf.option("WORKFLOW_MAX_ACTIVE") is None


def test_all_options_together_cost_one_query(django_assert_num_queries):
    with django_assert_num_queries(1 + 2):  # between the lines of a savepoint
        for name in conf.OPTIONS:
            conf.option(name)


def test_unsound_value_gives_way_to_the_default():
    Option.objects.create(name="NmsServer_PausedWorkflowPeriod", value="soon")

    assert conf.option("NmsServer_PausedWorkflowPeriod") == 7


def test_lost_database_leaves_the_values_known_last(monkeypatch):
    change("WorkflowPausedMaxNotices", 2)
    conf.option("WorkflowPausedMaxNotices")

    def lost(**_filters):
        raise DatabaseError("gone")

    monkeypatch.setattr(engine_options.Option.objects, "filter", lost)
    conf.forget_options()

    assert conf.option("WorkflowPausedMaxNotices") == 2


def test_unknown_option_is_refused():
    with pytest.raises(KeyError):
        conf.option("WORKFLOW_UNKNOWN")
