"""The built-in structures hold the rules that everybody's structures hold."""

from __future__ import annotations

import pytest

from workflows.engine.graph import factory_graph
from workflows.engine.validation import find_faults
from workflows.registry import catalogue_entry, declarations


@pytest.mark.parametrize("name", sorted(declarations()))
def test_built_in_structure_has_nothing_to_say(name: str) -> None:
    entry = catalogue_entry(name)
    assert entry is not None

    assert find_faults(factory_graph(declarations()[name], entry)) == []
