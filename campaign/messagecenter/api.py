"""Message Center over HTTP: events, event types, templates."""

from __future__ import annotations

from ninja import Router

from campaign.messagecenter import api_events, api_templates, api_types

router = Router()
router.add_router("", api_events.router)
router.add_router("", api_types.router)
router.add_router("", api_templates.router)
