"""Log lines for developers: one line each, instants in UTC."""

from __future__ import annotations

import logging
import time


class UtcFormatter(logging.Formatter):
    """Formats instants in UTC, whatever the zone of the machine."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"
