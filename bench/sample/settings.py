"""The settings of the project with the package of the measurements."""

from __future__ import annotations

from campaign.settings import *  # noqa: F403
from campaign.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "bench.sample.apps.SampleConfig"]
