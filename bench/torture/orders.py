"""What operators do meanwhile: they pause, resume, stop, start, and send signals."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.utils import timezone

from bench.torture.workloads import BY_NAME, SIGNAL_NUMBER, WORKLOADS, Kind
from workflows.actions import issue_command, raise_signal
from workflows.exceptions import AppError
from workflows.models import (
    CommandName,
    RunStatus,
    Signal,
    Source,
    State,
    Workflow,
)

_FAULTS = (DatabaseError, InterfaceError, psycopg.Error)
_GAP_SECONDS = 0.25
_SIGNAL_SHARE = 0.4
_RESTING = (State.EDITED, State.FINISHED, State.PAUSED)
#: What is asked of a workflow that runs, with weights.
_DISTURBING = {
    CommandName.PAUSE: 10,
    CommandName.WAKE: 6,
    CommandName.STOP: 4,
    CommandName.RESTART: 4,
    CommandName.KILL: 2,
}
_SIGNALLED = [w.internal_name for w in WORKLOADS if w.kind is Kind.SIGNALLED]


@dataclass
class Operators:
    """Orders commands and signals until told to end; remembers what was answered.

    ``returned_at`` maps ledger rows to the instant their order was answered;
    ``signals`` holds the numbers of the accepted signals.
    """

    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    returned_at: dict[int, datetime] = field(default_factory=dict)
    signals: set[int] = field(default_factory=set)
    _number: int = 0
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Order in a thread of its own."""
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def end(self) -> None:
        """Order nothing more."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def order(self, internal_name: str, command: CommandName) -> bool:
        """Order one command; return whether it was taken."""
        try:
            result = issue_command(
                internal_name=internal_name,
                name=command,
                acting_operator=None,
                source=Source.CLI,
                reason="torture",
                at=timezone.now(),
            )
        except AppError:
            self.done[f"{command} refused"] += 1
            return False
        self.returned_at[result.command.pk] = timezone.now()
        self.done[command] += 1
        return True

    def _work(self) -> None:
        while not self._end.wait(self.dice.expovariate(1 / _GAP_SECONDS)):
            try:
                close_old_connections()
                if self.dice.random() < _SIGNAL_SHARE:
                    self._signal()
                else:
                    self._command()
            except _FAULTS:
                connection.close()
                time.sleep(0.2)
        connection.close()

    def _command(self) -> None:
        """Disturb a workflow that runs, or rouse one that rests."""
        states = _states()
        resting = [name for name, (state, _) in states.items() if state in _RESTING]
        if resting and self.dice.random() < 0.2 + len(resting) / len(states):
            name = self.dice.choice(resting)
            self.order(name, rousing(name, *states[name]))
            return
        name = self.dice.choice(list(states))
        (command,) = self.dice.choices(
            list(_DISTURBING), list(_DISTURBING.values()), k=1
        )
        self.order(name, command)

    def _signal(self) -> None:
        self._number += 1
        number, name = self._number, self.dice.choice(_SIGNALLED)
        try:
            raise_signal(
                internal_name=name,
                source="torture",
                variables={SIGNAL_NUMBER: number},
                at=timezone.now(),
            )
        except AppError:
            self.done["signal refused"] += 1
            return
        self.signals.add(number)
        self.done["signal"] += 1


def _states() -> dict[str, tuple[str, bool]]:
    return {
        name: (state, failed)
        for name, state, failed in Workflow.objects.filter(
            internal_name__in=BY_NAME
        ).values_list("internal_name", "state", "failed")
    }


def rousing(name: str, state: str, failed: bool) -> CommandName:
    """Return the command that makes a resting workflow go on.

    An activity that must not be repeated is not resumed after an error.
    """
    if state != State.PAUSED:
        return CommandName.START
    if failed and not BY_NAME[name].kind.is_repeatable:
        return CommandName.RESTART
    return CommandName.RESUME


def start_all(operators: Operators) -> None:
    """Give every workload its properties, and start it."""
    for workload in WORKLOADS:
        if workload.properties:
            Workflow.objects.filter(internal_name=workload.internal_name).update(
                **workload.properties
            )
        operators.order(workload.internal_name, CommandName.START)


def rouse_all(operators: Operators) -> int:
    """Let every paused workflow go on, those in error too; return how many there were.

    What waits for work in flight is counted too.
    """
    moving = {
        name: found
        for name, found in _states().items()
        if found[0] not in (State.STARTED, State.FINISHED, State.EDITED)
    }
    for name, (state, failed) in moving.items():
        if state == State.PAUSED:
            operators.order(name, rousing(name, state, failed))
    return len(moving)


def stop_all(operators: Operators, *, seconds: float) -> list[str]:
    """Stop every workload at an instant when it has nothing to do.

    Returns the names of those that were busy until the time was up, which are
    stopped nevertheless.
    """
    deadline = time.monotonic() + seconds
    waiting = set(BY_NAME)
    while waiting and time.monotonic() < deadline:
        rouse_all(operators)
        for name in _idle(waiting):
            operators.order(name, CommandName.STOP)
            waiting.discard(name)
        time.sleep(0.1)
    for name in waiting:
        sys.stderr.write(f"torture: {name} does not come to rest\n")
        operators.order(name, CommandName.STOP)
    return sorted(waiting)


def _idle(names: set[str]) -> list[str]:
    return list(
        Workflow.objects.filter(internal_name__in=names)
        .exclude(runs__status__in=RunStatus.live())
        .exclude(signals__in=Signal.objects.filter(consumed_at__isnull=True))
        .values_list("internal_name", flat=True)
    )
