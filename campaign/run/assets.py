"""Files made from files of the checkout: compiled translations, static files."""

from __future__ import annotations

import hashlib
import os
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.apps import apps
from django.conf import settings
from django.core.management import call_command


def refresh_assets() -> None:
    """Make again what is older than its sources, in a process of its own.

    So the memory this takes is given back. Raises OSError when it fails.
    """
    stale = list(_stale_translations())
    state = _state_of_static_files()
    if not stale and _stamp().exists() and _stamp().read_text() == state:
        return
    pid = os.fork()
    if pid == 0:
        try:
            for source in stale:
                _compile(source)
            _collect(state)
        except BaseException:  # noqa: BLE001 (the end of this process)
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(pid, 0)[1] != 0:
        raise OSError(
            "translations or static files cannot be made; the lines above tell why."
        )


def compile_translations() -> None:
    """Compile every catalogue that is newer than its compiled form."""
    for source in _stale_translations():
        _compile(source)


def _stale_translations() -> Iterator[Path]:
    """Yield every catalogue that is newer than its compiled form."""
    for folder in settings.LOCALE_PATHS:
        for source in sorted(Path(folder).glob("*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
                yield source


def _compile(source: Path) -> None:
    with source.open("rb") as file:
        catalogue = read_po(file)
    # Another start from the same checkout may be compiling too.
    with tempfile.NamedTemporaryFile(
        dir=source.parent, prefix="django.mo.", delete=False
    ) as scratch:
        write_mo(scratch, catalogue)
        os.fchmod(scratch.fileno(), 0o644)
    Path(scratch.name).replace(source.with_suffix(".mo"))


def _stamp() -> Path:
    """The file that names the state of the sources when they were collected."""
    return Path(settings.STATIC_ROOT) / ".stamp"


def _state_of_static_files() -> str:
    """Return a digest of the names, sizes and times of all sources."""
    state = hashlib.sha256()
    folders = [Path(folder) for folder in settings.STATICFILES_DIRS]
    folders += [Path(config.path) / "static" for config in apps.get_app_configs()]
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            status = file.stat()
            state.update(f"{file}:{status.st_size}:{status.st_mtime_ns}\n".encode())
    return state.hexdigest()


def _collect(state: str) -> None:
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    _stamp().write_text(state)
