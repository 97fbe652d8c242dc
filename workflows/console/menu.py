"""The navigation tree: groups, and the entries that packages register.

A package registers its entries and URLs in its ``console.py``::

    app_name = "deliveries"
    urlpatterns = [path("deliveries/", views.DeliveryList.as_view(), name="list")]
    menu.register(
        menu.MenuEntry(
            menu.PRODUCTION, _("Deliveries"), "deliveries:list", icon="mail", order=30
        )
    )

Modules called ``console`` of every installed application are imported when the URL
configuration is loaded; :func:`package_urlpatterns` collects what they define.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, include, path, reverse
from django.utils.functional import Promise
from django.utils.module_loading import autodiscover_modules, module_has_submodule
from django.utils.translation import gettext_lazy as _

from workflows.exceptions import ConfigurationError, DuplicateRegistration

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Group:
    """A heading of the tree; ``order`` places it."""

    name: str
    label: Text
    order: int


HOME = Group("home", "", 0)
PRODUCTION = Group("production", _("Production"), 10)
MESSAGE_CENTER = Group("message-center", _("Message Center"), 20)
MONITORING = Group("monitoring", _("Monitoring"), 30)
CONFIGURATION = Group("configuration", _("Configuration"), 40)
ACCESS = Group("access", _("Access"), 50)


@dataclass(frozen=True, slots=True)
class Badge:
    """A figure beside an entry; ``tone`` is "", "bad" or "warn"."""

    value: int
    tone: str = ""
    title: Text = ""


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One page of the tree.

    Hidden without ``permission`` (empty: every operator) or when ``visible`` says
    no. ``badge`` gets the request and returns a figure or None; it has to be cheap,
    for it is asked on every page. ``sections`` are further path prefixes under
    which the entry counts as the current one, beside its own.
    """

    group: Group
    label: Text
    url_name: str
    icon: str = "point"
    permission: str = ""
    order: int = 50
    query: str = ""
    badge: Callable[[HttpRequest], Badge | None] | None = None
    visible: Callable[[HttpRequest], bool] | None = None
    url_arguments: Mapping[str, Any] = field(default_factory=dict)
    is_child: bool = False
    sections: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Return what makes an entry unique."""
        return self.url_name, self.query

    @property
    def url(self) -> str:
        """Return the address of the page."""
        address = reverse(self.url_name, kwargs=dict(self.url_arguments))
        return f"{address}?{self.query}" if self.query else address


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry as one reader sees it."""

    label: Text
    url: str
    icon: str
    badge: Badge | None
    is_current: bool
    is_child: bool


_entries: dict[tuple[str, str], MenuEntry] = {}

# Pages that the shell links to, whoever provides them.
SUPERVISION = "supervision"
EVENTS = "events"
_landmarks: dict[str, str] = {}


def set_landmark(name: str, url_name: str) -> None:
    """Say which page is SUPERVISION or EVENTS: the health light, keys g m, g e."""
    _landmarks[name] = url_name


def landmark(name: str) -> str:
    """Return the address of a landmark, else that of the workflow list."""
    return reverse(_landmarks.get(name, "workflows:workflow_list"))


def register(entry: MenuEntry) -> MenuEntry:
    """Add an entry to the tree.

    Raises DuplicateRegistration when another entry has the same address.
    """
    present = _entries.get(entry.key)
    if present is not None and present != entry:
        raise DuplicateRegistration(
            name=entry.url_name, first=str(present.label), second=str(entry.label)
        )
    _entries[entry.key] = entry
    return entry


def discover() -> None:
    """Import the ``console`` module of every installed application."""
    autodiscover_modules("console")


def package_urlpatterns() -> list[URLPattern | URLResolver]:
    """Return the URLs that the packages' ``console`` modules define."""
    discover()
    found: list[URLPattern | URLResolver] = []
    for config in apps.get_app_configs():
        if config.name == "workflows" or config.module is None:
            continue
        if not module_has_submodule(config.module, "console"):
            continue
        module = import_module(f"{config.name}.console")
        if hasattr(module, "urlpatterns"):
            found.append(_included(module, config.label))
    return found


def _included(module: ModuleType, label: str) -> URLResolver:
    app_name = getattr(module, "app_name", "")
    if not app_name:
        raise ConfigurationError(
            "%(module)s has urlpatterns but no app_name; name its URLs, for example"
            ' app_name = "%(label)s".',
            module=module.__name__,
            label=label,
        )
    return path("", include((module.urlpatterns, app_name)))


def tree(request: HttpRequest) -> list[tuple[Group, list[ShownEntry]]]:
    """Return the groups with the entries that this reader may open, in order."""
    entries = [entry for entry in _entries.values() if _is_shown(entry, request)]
    current = _current(entries, request)
    groups: dict[str, tuple[Group, list[ShownEntry]]] = {}
    for entry in sorted(entries, key=lambda e: (e.group.order, e.order, e.url_name)):
        shown = ShownEntry(
            label=entry.label,
            url=entry.url,
            icon=entry.icon,
            badge=entry.badge(request) if entry.badge else None,
            is_current=entry is current,
            is_child=entry.is_child,
        )
        groups.setdefault(entry.group.name, (entry.group, []))[1].append(shown)
    return list(groups.values())


def _is_shown(entry: MenuEntry, request: HttpRequest) -> bool:
    if entry.permission and not request.user.has_perm(entry.permission):
        return False
    return entry.visible is None or entry.visible(request)


def _current(entries: list[MenuEntry], request: HttpRequest) -> MenuEntry | None:
    """Return the entry whose address covers most of this page's."""
    best: tuple[int, MenuEntry | None] = (0, None)
    for entry in entries:
        address, _sep, query = entry.url.partition("?")
        if query and not _has_query(request, query):
            continue
        for prefix in (address, *entry.sections):
            whole = request.path == prefix
            if whole or (prefix != "/" and request.path.startswith(prefix)):
                weight = 2 * len(prefix) + (1 if query else 0)
                if weight > best[0]:
                    best = (weight, entry)
    return best[1]


def _has_query(request: HttpRequest, query: str) -> bool:
    return all(
        request.GET.get(name) == value
        for name, _sep, value in (part.partition("=") for part in query.split("&"))
    )
