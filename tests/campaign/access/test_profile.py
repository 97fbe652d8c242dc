"""The own profile: second factor, sessions, password, details."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest
from django.test import Client
from django.utils import timezone

from campaign.access.models import Operator, OperatorSession, SecondFactor
from campaign.access.services import operators, second_factor, sessions
from workflows.exceptions import InvalidInput
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-9"
CODE_PAGE = "/accounts/sign-in/code/"
SOON = "/accounts/profile/"


@pytest.fixture
def operator() -> Operator:
    return Operator.objects.create_user("night", password=PASSWORD)


def browser(**headers: str) -> Client:
    return Client(headers={"accept": "text/html", **headers})


def sign_in(client: Client, password: str = PASSWORD):
    return client.post(
        "/accounts/sign-in/", {"username": "night", "password": password}
    )


def key_of(operator: Operator) -> str:
    return second_factor.begin(operator=operator).key.replace(" ", "")


def switch_on(operator: Operator) -> tuple[pyotp.TOTP, list[str]]:
    """Switch the second factor on by the code of a minute ago."""
    totp = pyotp.TOTP(key_of(operator))
    earlier = timezone.now() - timedelta(minutes=1)
    codes = second_factor.confirm(
        operator=operator, code=totp.at(earlier), source=Source.CONSOLE, at=earlier
    )
    return totp, codes


def test_secret_is_kept_encrypted(operator):
    key = key_of(operator)

    assert key not in SecondFactor.objects.get().secret


def test_enrolment_shows_the_key_as_text_and_picture(operator):
    client = browser()
    sign_in(client)

    page = client.get("/accounts/profile/second-factor/").content.decode()

    assert "<svg" in page
    assert second_factor.begin(operator=operator).key in page
    assert "style=" not in page


def test_enrolment_counts_only_once_it_is_confirmed(operator):
    key_of(operator)
    client = browser()

    assert sign_in(client)["Location"] == "/"


def test_confirming_shows_recovery_codes_once(operator):
    client = browser()
    sign_in(client)
    totp = pyotp.TOTP(key_of(operator))

    answer = client.post("/accounts/profile/second-factor/", {"code": totp.now()})

    assert len(answer.context["codes"]) == 10
    assert answer.context["codes"][0] not in str(
        SecondFactor.objects.get().recovery_digests
    )
    assert AuditEntry.objects.filter(action="access.operator.second_factor_on").exists()


def test_wrong_first_code_is_named(operator):
    client = browser()
    sign_in(client)
    key_of(operator)

    answer = client.post("/accounts/profile/second-factor/", {"code": "abcdef"})

    assert answer.status_code == 422
    assert "code" in answer.context["form"].errors
    assert not second_factor.is_on(operator)


def test_sign_in_asks_for_the_code_before_anybody_is_signed_in(operator):
    totp, _codes = switch_on(operator)
    client = browser()

    assert sign_in(client)["Location"] == CODE_PAGE
    assert client.get(SOON).status_code == 302
    assert client.get(CODE_PAGE).status_code == 200

    answer = client.post(CODE_PAGE, {"code": totp.now()})
    assert answer["Location"] == "/"
    assert client.get(SOON).status_code == 200


def test_code_page_without_a_password_leads_to_sign_in():
    assert browser().get(CODE_PAGE)["Location"] == "/accounts/sign-in/"


def test_code_leads_to_the_page_that_was_asked_for(operator):
    totp, _codes = switch_on(operator)
    client = browser()
    client.post(
        "/accounts/sign-in/",
        {"username": "night", "password": PASSWORD, "next": SOON},
    )

    assert client.post(CODE_PAGE, {"code": totp.now()})["Location"] == SOON


def test_code_is_not_taken_twice(operator):
    totp, _codes = switch_on(operator)
    code = totp.now()
    first, second = browser(), browser()
    sign_in(first)
    sign_in(second)

    assert first.post(CODE_PAGE, {"code": code}).status_code == 302
    assert second.post(CODE_PAGE, {"code": code}).status_code == 403
    assert second.get(SOON).status_code == 302


def test_recovery_code_signs_in_once(operator):
    _totp, codes = switch_on(operator)
    first, second = browser(), browser()
    sign_in(first)
    sign_in(second)

    assert first.post(CODE_PAGE, {"code": codes[0].upper()}).status_code == 302
    assert second.post(CODE_PAGE, {"code": codes[0]}).status_code == 403
    assert AuditEntry.objects.filter(
        action="access.operator.recovery_code_used"
    ).exists()


def test_wrong_codes_lock_and_an_administrator_unlocks(operator, administrator):
    totp, _codes = switch_on(operator)
    client = browser()
    sign_in(client)
    statuses = [
        client.post(CODE_PAGE, {"code": "000-000"}).status_code for _try in range(5)
    ]

    assert statuses == [403, 403, 403, 403, 429]
    assert client.post(CODE_PAGE, {"code": totp.now()}).status_code == 429
    operators.reset_lockout_of(
        username="night",
        acting_operator=administrator,
        source=Source.CONSOLE,
        at=timezone.now(),
    )
    assert client.post(CODE_PAGE, {"code": totp.now()}).status_code == 302


def test_password_changed_meanwhile_voids_the_first_step(operator):
    totp, _codes = switch_on(operator)
    client = browser()
    sign_in(client)
    operator.set_password("another-horse-9")
    operator.save()

    assert client.post(CODE_PAGE, {"code": totp.now()})["Location"] == (
        "/accounts/sign-in/"
    )


def test_switching_off_asks_for_the_password(operator):
    switch_on(operator)
    with pytest.raises(InvalidInput):
        second_factor.switch_off(
            operator=operator,
            password="wrong",
            source=Source.CONSOLE,
            at=timezone.now(),
        )
    assert second_factor.is_on(operator)

    client = browser()
    client.force_login(operator, "django.contrib.auth.backends.ModelBackend")
    client.post("/accounts/profile/second-factor/off/", {"password": PASSWORD})
    assert not second_factor.is_on(operator)


def test_profile_opens_within_ten_queries(operator, django_assert_max_num_queries):
    client = browser()
    sign_in(client)
    with django_assert_max_num_queries(10):
        assert client.get(SOON).status_code == 200


def test_session_tells_browser_and_address(operator):
    client = browser(**{"user-agent": "Browser/1"})
    sign_in(client)

    row = OperatorSession.objects.get(operator=operator)
    assert (row.browser, row.address) == ("Browser/1", "127.0.0.1")


def test_one_session_is_ended_by_another(operator):
    here, there = browser(), browser()
    sign_in(here)
    sign_in(there)
    other = OperatorSession.objects.get(session_key=there.session.session_key)

    here.post("/accounts/profile/sessions/end/", {"session": str(other.pk)})

    assert there.get(SOON).status_code == 302
    assert here.get(SOON).status_code == 200


def test_all_other_sessions_end(operator):
    here, there, elsewhere = browser(), browser(), browser()
    for client in (here, there, elsewhere):
        sign_in(client)

    here.post("/accounts/profile/sessions/end/", {"session": "others"})

    assert [c.get(SOON).status_code for c in (here, there, elsewhere)] == [
        200,
        302,
        302,
    ]
    entry = AuditEntry.objects.get(action="access.operator.sessions_ended")
    assert entry.changes == {"sessions": [2, 0]}


def test_session_of_somebody_else_is_not_found(operator, administrator):
    mine, theirs = browser(), browser()
    sign_in(mine)
    theirs.force_login(administrator, "django.contrib.auth.backends.ModelBackend")
    row = OperatorSession.objects.get(operator=administrator)

    answer = mine.post("/accounts/profile/sessions/end/", {"session": str(row.pk)})

    assert answer.status_code == 404
    assert theirs.get(SOON).status_code == 200


def test_changing_the_password_keeps_this_session_and_ends_others(operator):
    here, there = browser(), browser()
    sign_in(here)
    sign_in(there)
    here.post(
        "/accounts/password/",
        {
            "old_password": PASSWORD,
            "new_password1": "battery-staple-7",
            "new_password2": "battery-staple-7",
        },
    )

    assert here.get(SOON).status_code == 200
    assert there.get(SOON).status_code == 302
    assert sessions.of(operator).count() == 1
    assert AuditEntry.objects.filter(action="access.operator.password_changed").exists()


def test_details_are_saved_with_their_audit_entry(operator):
    client = browser()
    sign_in(client)

    client.post(
        "/accounts/profile/details/",
        {"email": "night@example.com", "language": "ko", "time_zone": "Asia/Seoul"},
    )

    operator.refresh_from_db()
    assert (operator.language, operator.time_zone) == ("ko", "Asia/Seoul")
    entry = AuditEntry.objects.get(action="access.operator.changed")
    assert entry.changes["time_zone"] == ["", "Asia/Seoul"]


def test_unknown_zone_is_named(operator):
    client = browser()
    sign_in(client)

    answer = client.post("/accounts/profile/details/", {"time_zone": "Mars/Base"})

    assert answer.status_code == 422
    assert "time_zone" in answer.context["form"].errors


def test_zones_are_grouped_and_carry_their_offset(operator):
    client = browser()
    sign_in(client)

    page = client.get(SOON).content.decode()

    assert '<optgroup label="Asia">' in page
    assert "Seoul (UTC+09:00)" in page


def test_preferences_lead_to_the_profile(operator):
    client = browser()
    sign_in(client)

    assert client.get("/accounts/preferences/")["Location"] == SOON
