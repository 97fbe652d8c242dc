"""Make the virtual environment of a checkout, then run the application in it.

Needs nothing but Python: ``python3 -m campaign.run.bootstrap [run | setup]``.
``run`` installs what the application needs and starts it, ``setup`` installs what
its developers need as well and stops there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

LOWEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
_IS_NEW_ENOUGH = f"import sys; sys.exit(sys.version_info < {LOWEST!r})"
_INSTALLER = ENVIRONMENT / "installer"
_INSTALLER_REQUIREMENT = "uv==0.13.9"


class BootstrapFault(Exception):
    """The environment cannot be made; the message says what to do."""


def main(arguments: list[str]) -> int:
    """Install what is missing; with ``run`` become the application."""
    task = arguments[0] if arguments else "run"
    try:
        _check_python()
        _ensure_environment()
        _ensure_packages("requirements-dev.txt" if task == "setup" else "")
    except BootstrapFault as fault:
        sys.stderr.write(f"Cannot start: {fault}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    if task == "run":
        os.chdir(ROOT)
        os.execv(PYTHON, [str(PYTHON), "-m", "campaign.run"])  # noqa: S606
    return 0


def _check_python() -> None:
    if sys.version_info < LOWEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        wanted = ".".join(str(part) for part in LOWEST)
        raise BootstrapFault(
            f"Python {found} is too old, {wanted} or newer is needed: install it,"
            " or name one with `make run PYTHON=/path/to/python3`."
        )


def _ensure_environment() -> None:
    """Make ``.venv`` where there is none that works."""
    if PYTHON.exists() and _succeeds([str(PYTHON), "-c", _IS_NEW_ENOUGH]):
        if not _succeeds([str(PYTHON), "-c", "import pip"]):
            _succeeds([str(PYTHON), "-m", "ensurepip"])  # made by another tool
        return
    if ENVIRONMENT.exists():
        if not (ENVIRONMENT / "pyvenv.cfg").exists():
            raise BootstrapFault(
                f"{ENVIRONMENT} is in the way, which is no environment of Python:"
                " move it elsewhere."
            )
        shutil.rmtree(ENVIRONMENT)
    _say("Making the environment .venv")
    result = subprocess.run(
        [sys.executable, "-m", "venv", str(ENVIRONMENT)],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode == 0:
        return
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    raise BootstrapFault(
        f"{sys.executable} cannot make virtual environments, as its module venv or"
        f" ensurepip is missing: install it (Debian, Ubuntu: apt-get install"
        f" python{version}-venv)."
    )


def _ensure_packages(extra: str) -> None:
    """Install the pinned packages unless exactly these are installed already."""
    names = ["requirements.txt", extra] if extra else ["requirements.txt"]
    files = [ROOT / name for name in names]
    stamps = {file: _stamp(file) for file in files}
    if all(
        stamp.exists() and stamp.read_text() == _digest(file)
        for file, stamp in stamps.items()
    ):
        return
    _say("Installing packages")
    started = time.monotonic()
    wanted = [part for file in files for part in ("-r", str(file))]
    uv = _installer()
    quick = [str(uv), "pip", "install", "--quiet", "--python", str(PYTHON), *wanted]
    if uv is None or not _succeeds(quick):
        _install_with_pip(wanted)
    for file, stamp in stamps.items():
        stamp.write_text(_digest(file))
    _say(f"Installed in {time.monotonic() - started:.0f} s")


def _installer() -> Path | None:
    """Return uv, which installs several times faster than pip, where pip finds it."""
    uv = _INSTALLER / "bin" / "uv"
    if not uv.exists():
        _succeeds(
            [
                *(str(PYTHON), "-m", "pip", "install", "--quiet"),
                *("--disable-pip-version-check", "--no-deps", "--only-binary=:all:"),
                *("--target", str(_INSTALLER), _INSTALLER_REQUIREMENT),
            ]
        )
    return uv if uv.exists() else None


def _install_with_pip(wanted: list[str]) -> None:
    command = [
        *(str(PYTHON), "-m", "pip", "install", "--quiet"),
        *("--disable-pip-version-check", *wanted),
    ]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        raise BootstrapFault(
            f"the packages cannot be installed ({lines[-1] if lines else 'no reason'}):"
            " check the network and the settings of pip, then start again."
        )


def _stamp(file: Path) -> Path:
    return ENVIRONMENT / f"{file.stem}.installed"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _succeeds(command: list[str]) -> bool:
    result = subprocess.run(command, check=False, capture_output=True)
    return result.returncode == 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
