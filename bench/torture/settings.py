"""The settings of the installation that is tortured: ours, with its workloads."""

from __future__ import annotations

from campaign.settings import *  # noqa: F403
from campaign.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "bench.torture"]
