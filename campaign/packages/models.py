"""Which of the built-in packages are installed here."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class InstalledPackage(models.Model):
    """A package that this instance has, or had: a removed one stays removed.

    The row of a removed package keeps the next migrate from installing it again.
    """

    slug = models.CharField(_("Internal name"), max_length=64, unique=True)
    installed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("installed package")
        verbose_name_plural = _("installed packages")
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug
