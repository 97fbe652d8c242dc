"""Adds the cast of the browser tests to a running installation, as a program."""

from __future__ import annotations

import django

PASSWORD = "Browser-tests-only-7"
READER = "reader"
OUTSIDER = "outsider"
TRAVELLER = "traveller"
#: Operator -> the built-in group that gives its rights.
CAST = {
    READER: "Standard Users",
    TRAVELLER: "Workflow supervisors",
    OUTSIDER: None,
}


def main() -> None:
    """Make every operator of the cast in the installation of the environment."""
    django.setup()
    from django.contrib.auth.models import Group  # noqa: PLC0415 (needs the set-up)

    from campaign.access.models import Operator  # noqa: PLC0415

    for name, group in CAST.items():
        operator = Operator.objects.create_user(username=name, password=PASSWORD)
        if group is not None:
            operator.groups.add(Group.objects.get(name=group))


if __name__ == "__main__":
    main()
