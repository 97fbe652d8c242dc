"""The settings of the installation that is tortured: ours, with its workloads."""

from __future__ import annotations

import os

from campaign.settings import *  # noqa: F403
from campaign.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "bench.torture"]
# How often a worker kills itself where a step ends, see bench.torture.failpoints.
TORTURE_CRASH_RATE = float(os.environ.get("TORTURE_CRASH_RATE", "0"))
