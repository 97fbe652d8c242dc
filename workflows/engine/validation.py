"""Whether a structure can be executed: every rule, each naming activity and remedy.

*Source:* start-and-end.md, scheduler.md, external-signal.md, and-join.md, jump.md and
the best practices; levels where the pages are silent are our choice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.activities import ActivityType, find_type
from workflows.activities.kinds import is_empty
from workflows.activities.parameters import clean_options, option_faults
from workflows.engine import shape, structure_rules
from workflows.engine.findings import Finding, FindingLevel
from workflows.engine.graph import ERROR_OUTPUT, Graph, Node, outputs_of
from workflows.exceptions import ConfigurationError, Fault, InvalidInput

SHAPE_RULES = (
    structure_rules.beginning,
    structure_rules.inbound,
    structure_rules.schedulers,
    structure_rules.joins,
    structure_rules.jumps,
    structure_rules.loops,
    structure_rules.size,
)
_FORMS = {str: gettext_lazy("Give it a text."), dict: gettext_lazy("Give an object.")}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def read(stored: Mapping[str, Any]) -> Graph:
    """Return the graph of ``stored``, of which only the form is checked.

    Raises InvalidInput with every fault, named by position.
    """
    faults = list(_form(stored))
    if faults:
        raise InvalidInput(
            _("The structure is not of the expected form."), faults=faults
        )
    return Graph.of(stored)


def _form(stored: Any) -> Iterator[Fault]:
    for key, required, optional in (
        ("activities", {"name": str, "type": str}, {"label": str, "parameters": dict}),
        ("transitions", dict.fromkeys(("source", "output", "destination"), str), {}),
    ):
        items = stored.get(key) if isinstance(stored, Mapping) else None
        if not isinstance(items, list):
            yield Fault(key, _("Give a list of %(what)s.") % {"what": key})
            continue
        for index, item in enumerate(items):
            if not isinstance(item, Mapping):
                yield Fault(f"{key}.{index}", _("Give an object."))
                continue
            for name, wanted in {**required, **optional}.items():
                if name in optional and name not in item:
                    continue
                if not isinstance(item.get(name), wanted):
                    yield Fault(f"{key}.{index}.{name}", str(_FORMS[wanted]))


def parse(stored: Mapping[str, Any], *, is_technical: bool = True) -> Graph:
    """Return the graph of ``stored``, fit to be started.

    Raises InvalidInput with everything that keeps it from being executed, each
    naming its activity.
    """
    graph = read(stored)
    refuse(
        finding
        for finding in find_faults(graph, is_technical=is_technical)
        if finding.level is not FindingLevel.WARNING
    )
    return graph


def refuse(findings: Iterator[Finding] | list[Finding]) -> None:
    """Raise InvalidInput with the findings, if there are any."""
    faults = [finding.as_fault() for finding in findings]
    if faults:
        raise InvalidInput(_("The structure has faults."), faults=faults)


def find_faults(graph: Graph, *, is_technical: bool = True) -> list[Finding]:
    """Return what is to say about the structure alone, errors and warnings.

    Rules about the whole shape wait until names, types and transitions are right.
    What depends on other workflows and on workers is ``surroundings.find_faults``.
    """
    misdrawn = [*_twins(graph), *_ends(graph)]
    found = [*misdrawn, *_names(graph)]
    sound: list[Node] = []
    known = {node.name for node in graph.nodes if _type_of(node) is not None}
    for node in graph.nodes:
        faults = list(_settings(node))
        found += faults
        if not faults:
            sound.append(node)
    if misdrawn or len(known) < len(graph.nodes):
        return found
    for node in sound:
        found += _outputs(graph, node)
    for rule in SHAPE_RULES:
        found += rule(graph)
    if not is_technical:
        found += structure_rules.intervals(sound)
    return found


def unfit(node: Node) -> list[Fault]:
    """Return what is given to an activity and cannot be right.

    What is missing is left out: in a draft it may come later.
    """
    if not _NAME.fullmatch(node.name):
        return [Fault("name", _("Use up to 64 letters, digits and _."))]
    try:
        activity_type = find_type(node.type)
    except ConfigurationError as error:
        return [Fault("", error.message)]
    extras = {k: v for k, v in node.extras.items() if not is_empty(v)}
    found = [
        (node.parameters, activity_type.faults(node.parameters)),
        (extras, option_faults(extras)),
    ]
    return [
        fault
        for given, faults in found
        for fault in faults
        if not is_empty(_at(given, fault.field))
    ]


def _at(values: Any, path: str) -> Any:
    """Return what stands at a dotted path, or as near to it as there is anything."""
    for part in path.split("."):
        if isinstance(values, list) and part.isdecimal() and int(part) < len(values):
            values = values[int(part)]
        elif isinstance(values, Mapping):
            values = values.get(part)
        else:
            break
    return values


def canonical(graph: Graph, before: Graph) -> Graph:
    """Return ``graph`` with what differs from ``before`` as it is stored: 30, not 30s.

    The rest stays as it is, so that a change shows in no other place. Activities at
    fault stay too.
    """
    return Graph(
        tuple(_canonical(node, before.by_name.get(node.name)) for node in graph.nodes),
        graph.edges,
    )


def _canonical(node: Node, before: Node | None) -> Node:
    activity_type = find_type(node.type)
    parameters, extras = node.parameters, node.extras
    is_new = before is None or parameters != before.parameters
    if is_new and not activity_type.faults(parameters):
        parameters = activity_type.clean(parameters)
    if (before is None or extras != before.extras) and not option_faults(extras):
        extras = clean_options(extras)
    return replace(node, parameters=parameters, extras=extras)


def _type_of(node: Node) -> ActivityType | None:
    try:
        return find_type(node.type)
    except ConfigurationError:
        return None


def _twins(graph: Graph) -> Iterator[Finding]:
    counts = Counter(node.name for node in graph.nodes)
    for name in (name for name, count in counts.items() if count > 1):
        yield Finding(name, "", _("Two activities have this name; rename one."))


def _names(graph: Graph) -> Iterator[Finding]:
    for name in graph.by_name:
        if not _NAME.fullmatch(name):
            yield Finding(
                name,
                "name",
                _(
                    "Name it with up to 64 letters, digits and _, a digit not first:"
                    " expressions call it by its name."
                ),
            )


def _ends(graph: Graph) -> Iterator[Finding]:
    missing = [
        end
        for edge in graph.edges
        for end in (edge.source, edge.destination)
        if end not in graph.by_name
    ]
    for name in dict.fromkeys(missing):
        yield Finding(
            name,
            "",
            _(
                "A transition names this activity, but it does not exist: add the"
                " activity or remove the transition."
            ),
        )
    counts = Counter(graph.edges)
    for edge in (edge for edge, count in counts.items() if count > 1):
        yield Finding(
            edge.source,
            "",
            _(
                "The transition from its output %(output)s to %(destination)s is drawn"
                " twice; remove one."
            )
            % {"output": edge.output, "destination": edge.destination},
        )


def _settings(node: Node) -> Iterator[Finding]:
    """Judge one activity by itself: its type, parameters and options."""
    try:
        activity_type = find_type(node.type)
    except ConfigurationError as error:
        yield Finding(node.name, "", error.message)
        return
    for fault in activity_type.faults(node.parameters):
        yield Finding(
            node.name, fault.field, fault.message, _level(activity_type, node, fault)
        )
    for fault in option_faults(node.extras):
        yield Finding(node.name, fault.field, fault.message)
    if node.extras.get("process_errors") and not activity_type.can_fail_softly(
        node.parameters
    ):
        yield Finding(
            node.name,
            "process_errors",
            _("It does no work that could fail; switch Process errors off."),
        )


def _level(activity_type: ActivityType, node: Node, fault: Fault) -> FindingLevel:
    """Tell what is not filled in yet from what is wrong.

    Every page shows the instants of a scheduler, and a test decides what may be
    drawn: these are configured before they are saved.
    """
    given = node.parameters.get(fault.field.split(".")[0])
    if activity_type.name in ("scheduler", "test") or given not in (None, "", [], {}):
        return FindingLevel.ERROR
    return FindingLevel.INCOMPLETE


def _outputs(graph: Graph, node: Node) -> Iterator[Finding]:
    """Judge the transitions out of an activity whose settings are sound."""
    outputs = outputs_of(node)
    taken = {edge.output for edge in graph.edges if edge.source == node.name}
    for output in sorted(taken - set(outputs)):
        if output == ERROR_OUTPUT and find_type(node.type).can_fail_softly(
            node.parameters
        ):
            yield Finding(
                node.name,
                "process_errors",
                _(
                    "Its output error is connected, but Process errors is off: switch"
                    " it on or remove the transition."
                ),
            )
            continue
        yield Finding(
            node.name,
            "",
            _("It has no output %(output)s; it has: %(outputs)s.")
            % {"output": output, "outputs": ", ".join(outputs) or "-"},
        )
    if not shape.is_enabled(node):
        return
    for output in outputs:
        if output not in taken:
            yield Finding(node.name, "", _open_end(output), level=FindingLevel.WARNING)


def _open_end(output: str) -> str:
    if output == ERROR_OUTPUT:
        return _(
            "Its output error leads nowhere, so an error follows the error policy:"
            " connect it or switch Process errors off."
        )
    return _(
        "Its output %(output)s leads nowhere: there the workflow would pause. Connect"
        " it, for example to an end."
    ) % {"output": output}
