"""Files made from the checkout; several starts may make them at once."""

from __future__ import annotations

import threading
from pathlib import Path

from babel.messages.mofile import read_mo

from campaign.run.assets import _compile

PO = """msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Paused"
msgstr "En pause"
"""


def test_two_starts_compile_the_same_catalogue(tmp_path: Path) -> None:
    source = tmp_path / "django.po"
    source.write_text(PO)
    both = [threading.Thread(target=_compile, args=[source]) for _ in range(2)]

    for one in both:
        one.start()
    for one in both:
        one.join()

    with (tmp_path / "django.mo").open("rb") as compiled:
        assert read_mo(compiled).get("Paused").string == "En pause"
