from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from campaign.access.models import ApiToken, Operator, Scope
from campaign.access.services import tokens
from workflows.exceptions import InvalidInput

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_cached():
    tokens.forget_cached()
    yield
    tokens.forget_cached()


@pytest.fixture
def operator() -> Operator:
    return Operator.objects.create_user("shop")


@pytest.fixture
def made(operator: Operator) -> tokens.NewToken:
    return tokens.create_token(
        name="shop", operator=operator, scopes=[Scope.EVENT_PUSH]
    )


def test_bearer_token_names_its_operator_and_scopes(made, operator):
    principal = tokens.authenticate(f"Bearer {made.secret}")

    assert principal.operator_id == operator.pk
    assert principal.username == "shop"
    assert principal.scopes == {"event:push"}
    assert principal.token_name == "shop"


def test_api_key_header_is_accepted(made):
    assert tokens.authenticate(None, made.secret).token_name == "shop"


def test_bearer_wins_over_api_key(made):
    principal = tokens.authenticate(f"bearer {made.secret}", "application-key")

    assert principal.token_name == "shop"


def test_only_the_digest_is_stored(made):
    row = ApiToken.objects.get()

    assert made.secret not in str(row.__dict__)
    assert row.digest == tokens.digest(made.secret)


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (None, tokens.TokenMissing),
        ("", tokens.TokenMissing),
        ("Basic YTpi", tokens.TokenMalformed),
        ("Bearer", tokens.TokenMalformed),
        ("Bearer a b", tokens.TokenMalformed),
        ("Bearer é", tokens.TokenMalformed),
        ("Bearer " + "x" * 600, tokens.TokenMalformed),
        ("Bearer nobody-has-this", tokens.TokenUnknown),
    ],
)
def test_bad_header_is_refused_with_its_reason(header, error):
    with pytest.raises(error) as caught:
        tokens.authenticate(header)

    assert caught.value.status == 401


def test_expired_token_is_refused_even_when_cached(made):
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(seconds=2))
    tokens.authenticate(f"Bearer {made.secret}")

    with (
        time_machine.travel(timezone.now() + timedelta(seconds=3)),
        pytest.raises(tokens.TokenExpired),
    ):
        tokens.authenticate(f"Bearer {made.secret}")


def test_revoked_token_is_refused(made):
    tokens.authenticate(f"Bearer {made.secret}")

    tokens.revoke_token(made.token)

    with pytest.raises(tokens.TokenRevoked):
        tokens.authenticate(f"Bearer {made.secret}")


def test_token_of_inactive_operator_is_refused(made, operator):
    Operator.objects.filter(pk=operator.pk).update(is_active=False)

    with pytest.raises(tokens.TokenRevoked):
        tokens.authenticate(f"Bearer {made.secret}")


def test_second_look_costs_no_query(made, django_assert_num_queries):
    tokens.authenticate(f"Bearer {made.secret}")

    with django_assert_num_queries(0):
        tokens.authenticate(f"Bearer {made.secret}")


def test_use_is_recorded_once_a_minute(made, django_assert_num_queries):
    tokens.authenticate(f"Bearer {made.secret}")
    first = ApiToken.objects.get().last_used_at
    tokens.forget_cached()

    with django_assert_num_queries(1):
        tokens.authenticate(f"Bearer {made.secret}")

    assert ApiToken.objects.get().last_used_at == first


def test_administrator_scope_implies_all(operator):
    principal = tokens.Principal(operator.pk, "shop", frozenset({"admin"}), "t")

    assert principal.has_scope(Scope.WORKFLOW_SIGNAL)


def test_missing_scope_is_named(made):
    principal = tokens.authenticate(f"Bearer {made.secret}")

    with pytest.raises(tokens.ScopeMissing, match="workflow:read"):
        principal.require_scope(Scope.WORKFLOW_READ)


def test_faults_of_a_new_token_are_told_at_once(made, operator):
    with pytest.raises(InvalidInput) as caught:
        tokens.create_token(
            name="shop",
            operator=operator,
            scopes=["nonsense"],
            expires_at=timezone.now() - timedelta(days=1),
        )

    assert [fault.field for fault in caught.value.faults] == [
        "name",
        "scopes",
        "expires_at",
    ]


def test_name_of_the_environment_token_is_kept(operator):
    with pytest.raises(InvalidInput):
        tokens.create_token(name="environment", operator=operator, scopes=[Scope.ADMIN])


def test_environment_token_replaces_the_one_before():
    Operator.objects.create_user("admin")
    tokens.ensure_environment_token("first")
    tokens.authenticate("Bearer first")

    tokens.ensure_environment_token("second")

    assert tokens.authenticate("Bearer second").has_scope(Scope.WORKFLOW_EXECUTE)
    with pytest.raises(tokens.TokenUnknown):
        tokens.authenticate("Bearer first")


def test_environment_token_unset_changes_nothing():
    Operator.objects.create_user("admin")
    tokens.ensure_environment_token("first")

    assert tokens.ensure_environment_token("") is None
    assert tokens.authenticate("Bearer first")


def test_environment_token_with_a_blank_is_refused():
    with pytest.raises(InvalidInput, match="CAMPAIGN_API_TOKEN"):
        tokens.ensure_environment_token("two words")
