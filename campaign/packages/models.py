"""Which of the built-in packages are installed here."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class InstalledPackage(models.Model):
    """A package whose workflows exist in this instance; it cannot be removed."""

    slug = models.CharField(_("Internal name"), max_length=64, unique=True)
    installed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("installed package")
        verbose_name_plural = _("installed packages")
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug
