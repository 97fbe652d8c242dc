"""Which tests share a running installation, and so belong on one worker."""

from __future__ import annotations

from xdist.scheduler import LoadGroupScheduling

ONE_FOR_THE_FOLDER = "tests/e2e/"
ONE_FOR_EACH_FILE = "tests/integration/"


class SharedScheduling(LoadGroupScheduling):
    """Spreads tests over workers, those of one installation to one worker.

    By their place and not by the mark ``xdist_group`` alone: pytest 9.2 keeps the
    group that pytest-xdist 3.8 adds to the name of a test from being seen.
    """

    def _split_scope(self, nodeid: str) -> str:
        group = super()._split_scope(nodeid)
        if nodeid.startswith(ONE_FOR_THE_FOLDER):
            return ONE_FOR_THE_FOLDER
        if nodeid.startswith(ONE_FOR_EACH_FILE):
            return nodeid.partition("::")[0]
        return str(group)
