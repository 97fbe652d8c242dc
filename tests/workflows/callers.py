"""Programs that call the API for an operator of a built-in group."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.test import Client

from campaign.access.models import Operator, Scope
from campaign.access.services import tokens


def operator_of(group: str, *, name: str = "somebody") -> Operator:
    """Return a new operator whose rights are those of one built-in group."""
    operator = Operator.objects.create_user(name)
    operator.groups.add(Group.objects.get(name=group))
    return operator


def client_of(group: str, *, name: str = "somebody") -> Client:
    """Return a client that signs in with a token of such an operator."""
    operator = operator_of(group, name=name)
    made = tokens.create_token(name=name, operator=operator, scopes=(Scope.ADMIN,))
    return Client(headers={"authorization": f"Bearer {made.secret}"})


def post(client: Client, path: str, body: Any) -> HttpResponse:
    """Post JSON."""
    return client.post(path, json.dumps(body), content_type="application/json")
