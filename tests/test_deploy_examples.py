"""The examples for a server name what exists, and hold together."""

from __future__ import annotations

import configparser
import importlib.util
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands

from campaign.run.programs import programs

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "deploy"
UNITS = sorted((FOLDER / "systemd").glob("*.service"))
PROXIES = ("nginx.conf", "Caddyfile")


def read(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return parser


def instances() -> dict[str, list[str]]:
    """Return the arguments of every unit that the target starts."""
    found: dict[str, list[str]] = {}
    target = (FOLDER / "systemd" / "campaign.target").read_text()
    for name in re.findall(r"^Wants=(.+)\.service$", target, re.MULTILINE):
        template, _at, instance = name.partition("@")
        file = f"{template}@.service" if instance else f"{template}.service"
        line = read(FOLDER / "systemd" / file)["Service"]["ExecStart"]
        found[name] = shlex.split(line.replace("%i", instance))[1:]
    return found


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_unit_can_be_read_and_ends_gently(path: Path) -> None:
    unit = read(path)

    assert unit["Service"]["KillMode"] == "mixed"
    assert unit["Service"]["EnvironmentFile"] == "/etc/campaign.env"
    assert unit["Install"]["WantedBy"] == "campaign.target"


def test_units_start_what_make_run_starts() -> None:
    ours = {
        tuple(Path(argument).name for argument in program.arguments)
        for program in programs(embedded_database=False, mail_catcher=False)
        if program.name != "watchdog"
    }

    assert {tuple(arguments) for arguments in instances().values()} == ours


def test_commands_and_modules_of_the_units_exist() -> None:
    for arguments in instances().values():
        if arguments[0] == "-m":
            assert importlib.util.find_spec(arguments[1]) is not None
        else:
            assert arguments[1] in get_commands()


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)
def test_systemd_knows_every_setting_of_the_units() -> None:
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, UNITS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert "Unknown" not in told.stderr
    assert "Failed to parse" not in told.stderr


@pytest.mark.parametrize("name", PROXIES)
def test_braces_of_a_proxy_are_balanced(name: str) -> None:
    text = re.sub(r"#.*", "", (FOLDER / name).read_text())

    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("name", PROXIES)
def test_proxy_replaces_what_the_application_believes(name: str) -> None:
    text = (FOLDER / name).read_text()

    assert "X-Forwarded-For" in text
    assert "X-Forwarded-Proto" in text
    assert "proxy_add_x_forwarded_for" not in text


def test_every_command_of_the_guide_exists() -> None:
    named = re.findall(r"manage\.py (\w+)", (FOLDER / "README.md").read_text())

    assert set(named) <= set(get_commands())
