"""How the document tells of the bodies of events, which the intake reads itself."""

from __future__ import annotations

from typing import Any

from campaign.messagecenter.intake_faces import MAX_BATCH

_FIELDS: dict[str, Any] = {
    "email": {"type": "string", "description": "For the channel email."},
    "mobile_phone": {"type": "string", "description": "For the channel sms."},
    "registration_token": {"type": "string", "description": "For push channels."},
    "channel": {
        "type": "string",
        "enum": ["email", "sms", "push", "push_ios", "push_android"],
        "description": "Default: the channel of the event type.",
    },
    "ctx": {
        "type": "object",
        "description": "The attributes that the event type declares.",
    },
    "external_id": {"type": "string", "maxLength": 128},
    "language": {"type": "string", "maxLength": 16},
    "origin": {"type": "string", "maxLength": 64},
    "scheduled": {
        "type": "string",
        "format": "date-time",
        "description": "Not processed before; without a zone it is in UTC.",
    },
    "expiration": {
        "type": "string",
        "format": "date-time",
        "description": "Void after; without a zone it is in UTC.",
    },
    "queue": {"type": "string", "enum": ["realtime", "batch"], "default": "realtime"},
}
EVENT = {
    "type": "object",
    "required": ["ctx"],
    "additionalProperties": False,
    "properties": _FIELDS,
}
_ITEM = {
    **EVENT,
    "required": ["type", "ctx"],
    "properties": {
        "type": {"type": "string", "description": "The id of the event type."},
        **_FIELDS,
    },
}
BATCH_OF_EVENTS = {
    "type": "object",
    "required": ["events"],
    "additionalProperties": False,
    "properties": {
        "events": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_BATCH,
            "items": _ITEM,
        }
    },
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": 128},
    "description": (
        "The same key with the same body gets the first answer again, with another"
        " body 409. Kept for at least a day."
    ),
}


def takes(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what an operation with such a body, and the key, adds to the document."""
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"requestBody": body, "parameters": [_KEY]}
