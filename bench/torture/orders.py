"""What operators do meanwhile: they pause, resume, stop, start, and send signals."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import psycopg
from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    close_old_connections,
    connection,
)
from django.utils import timezone

from bench.torture.workloads import BY_NAME, SIGNAL_NUMBER, WORKLOADS, Kind
from workflows.actions import (
    freeze_instance,
    issue_command,
    raise_signal,
    thaw_instance,
)
from workflows.exceptions import AppError
from workflows.models import CommandName, Source, State, Workflow

_FAULTS = (DatabaseError, InterfaceError, psycopg.Error)
_GAP_SECONDS = 0.25
_SIGNAL_SHARE = 0.4
_FREEZE_SHARE = 0.005
_FREEZE_SECONDS = 2.0
_WAITING_SHARE = 0.3
_LONGEST_WAIT_SECONDS = 0.5
_RESTING = (State.EDITED, State.FINISHED, State.PAUSED)
#: What is asked of a workflow that runs, with weights.
_DISTURBING = {
    CommandName.PAUSE: 10,
    CommandName.WAKE: 6,
    CommandName.STOP: 4,
    CommandName.STOP_AFTER_RUN: 4,
    CommandName.RESTART: 4,
    CommandName.KILL: 2,
}
_SIGNALLED = [w.internal_name for w in WORKLOADS if w.kind is Kind.SIGNALLED]


@dataclass
class Operators:
    """Orders commands and signals until told to end; remembers what was answered.

    ``returned_at`` maps ledger rows to the instant their order was answered;
    ``signals`` holds the numbers of the accepted signals, ``faults`` what was neither
    done nor refused.
    """

    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    returned_at: dict[int, datetime] = field(default_factory=dict)
    signals: set[int] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
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
                at=timezone.now() - self._waited(),
            )
        except AppError:
            self.done[f"{command} refused"] += 1
            return False
        except IntegrityError as error:
            reason = " ".join(str(error).split())
            self.faults.append(f"{command} of {internal_name}: {reason}")
            return False
        self.returned_at[result.command.pk] = timezone.now()
        self.done[command] += 1
        return True

    def _waited(self) -> timedelta:
        """Return how long ago the order was given: some wait for the workflow's row."""
        if self.dice.random() < _WAITING_SHARE:
            return timedelta(seconds=self.dice.uniform(0, _LONGEST_WAIT_SECONDS))
        return timedelta(0)

    def _work(self) -> None:
        while not self._end.wait(self.dice.expovariate(1 / _GAP_SECONDS)):
            try:
                close_old_connections()
                chance = self.dice.random()
                if chance < _FREEZE_SHARE:
                    self._freeze()
                elif chance < _SIGNAL_SHARE:
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

    def _freeze(self) -> None:
        """Freeze the instance; thaw it by order, or leave that to its end."""
        at = timezone.now()
        until = at + timedelta(seconds=2 * _FREEZE_SECONDS)
        self._order_freeze(partial(freeze_instance, reason="torture", until=until), at)
        self._end.wait(_FREEZE_SECONDS)
        if self.dice.random() < 0.5:
            self._order_freeze(thaw_instance, timezone.now())

    def _order_freeze(self, action: Callable[..., object], at: datetime) -> None:
        try:
            action(acting_operator=None, source=Source.CLI, at=at)
        except AppError:
            return  # frozen, or thawed, already
        self.done["freeze or thaw"] += 1

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
    """Let every workload stop after its current run; return those that do not."""
    deadline = time.monotonic() + seconds
    while True:
        rouse_all(operators)
        going = Workflow.objects.filter(internal_name__in=BY_NAME).exclude(
            state__in=(State.FINISHED, State.EDITED)
        )
        names = list(going.values_list("internal_name", flat=True))
        if not names or time.monotonic() > deadline:
            break
        for workflow in going.filter(state=State.STARTED, stops_after_run=False):
            operators.order(workflow.internal_name, CommandName.STOP_AFTER_RUN)
        time.sleep(0.2)
    for name in names:
        sys.stderr.write(f"torture: {name} does not come to rest\n")
        operators.order(name, CommandName.STOP)
    return names
