"""What every test may use: the fixed cast of operators, an empty cache."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from django.utils import translation
from hypothesis import settings as property_tests

from campaign.access.models import Operator
from campaign.run.assets import compile_translations
from tests.shared import SharedScheduling
from workflows import conf

# The machine may be busy: how long an example takes says nothing.
property_tests.register_profile("campaign", deadline=None)
property_tests.load_profile("campaign")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Any
) -> SharedScheduling | None:
    """Keep the tests of one running installation on one worker."""
    is_grouped = config.getvalue("dist") == "loadgroup"
    return SharedScheduling(config, log) if is_grouped else None


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()
    conf.forget_options()


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Forget the language of the last request that the test made."""
    yield
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture(autouse=True, scope="session")
def _translations_compiled() -> None:
    """Compile the catalogues of the checkout, as a start does."""
    compile_translations()


@pytest.fixture(autouse=True, scope="session")
def _every_page_registered() -> None:
    """Import the addresses, and with them the menu, as a server does at its start."""
    import_module("campaign.urls")


@pytest.fixture
def administrator(db: None) -> Operator:
    """The operator who may do everything."""
    return Operator.objects.create_superuser(
        username="administrator", email="administrator@example.com"
    )


@pytest.fixture
def supervisor(db: None) -> Operator:
    """An operator who may see and steer technical workflows, no more."""
    operator = Operator.objects.create_user(
        username="supervisor", email="supervisor@example.com", is_staff=True
    )
    operator.user_permissions.set(
        Permission.objects.filter(content_type__app_label="workflows").exclude(
            codename__startswith="administer"
        )
    )
    return operator


@pytest.fixture
def outsider(db: None) -> Operator:
    """An operator without any right."""
    return Operator.objects.create_user(
        username="outsider", email="outsider@example.com"
    )


@pytest.fixture
def admin_client(client: Client, administrator: Operator) -> Client:
    """A browser in which the administrator is signed in."""
    client.force_login(administrator, "django.contrib.auth.backends.ModelBackend")
    return client
