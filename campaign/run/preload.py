"""Load what the programs need, once, before they are forked."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.template import engines
from django.urls import get_resolver
from django.utils.translation import activate, deactivate, gettext

#: Long-running commands, loaded with all they import.
_COMMANDS = ("clock", "cluster", "mailcatcher")
_MODULES = ("granian", "minijinja", "smtplib", "campaign.wsgi")
_PACKAGES = ("workflows", "campaign")
#: Not needed by a long-running program, or run when imported.
_PASSED_OVER = (".management", ".migrations", ".__main__", ".bootstrap", ".settings")


def _own_modules() -> Iterator[str]:
    """Yield the name of every module of ours that a program may need."""
    for package in _PACKAGES:
        for found in walk_packages(import_module(package).__path__, f"{package}."):
            if not any(part in found.name for part in _PASSED_OVER):
                yield found.name


def load_everything() -> None:
    """Import modules, addresses, templates' tags and translations.

    Opens no database connection and starts no thread: both would be inherited.
    """
    commands = get_commands()
    for name in _COMMANDS:
        if name in commands:
            load_command_class(commands[name], name)
    for module in (*_MODULES, *_own_modules()):
        import_module(module)
    _ = get_resolver().url_patterns
    for engine in engines.all():
        _ = engine
    for language, _label in settings.LANGUAGES:
        activate(language)
        gettext("")
    deactivate()
