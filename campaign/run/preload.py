"""Load what the programs need, once, before they are forked."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.template import engines
from django.urls import get_resolver
from django.utils.translation import activate, deactivate, gettext

#: Long-running commands, loaded with all they import.
_COMMANDS = ("clock", "cluster", "mailcatcher")
_MODULES = ("granian", "campaign.run.watchdog", "workflows.queue", "campaign.wsgi")


def load_everything() -> None:
    """Import modules, addresses, templates' tags and translations.

    Opens no database connection and starts no thread: both would be inherited.
    """
    commands = get_commands()
    for name in _COMMANDS:
        if name in commands:
            load_command_class(commands[name], name)
    for module in _MODULES:
        import_module(module)
    _ = get_resolver().url_patterns
    for engine in engines.all():
        _ = engine
    for language, _label in settings.LANGUAGES:
        activate(language)
        gettext("")
    deactivate()
