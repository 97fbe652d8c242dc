"""A list as an operator filtered it, under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    """Filters, order and tab of a list, for one operator or for all.

    ``listing`` names the list, ``query`` is what stands behind the address.
    """

    listing = models.CharField(max_length=32)
    label = models.CharField(_("Name"), max_length=64)
    query = models.CharField(max_length=1_024, blank=True)
    is_shared = models.BooleanField(_("Shared with everybody"), default=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("label",)
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "listing", "label"), name="saved_view_label"
            ),
        )

    def __str__(self) -> str:
        return self.label
