"""Hold the licences of what we ship against the list of allowed ones.

Covers every package of requirements.txt; tools of developers are not shipped.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "BSD",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "LGPL-3.0-only",
    "MIT",
    "MIT-0",
    "PSF-2.0",
    "PostgreSQL",
    "Repoze",
}
#: What packages write instead of the identifier, made one.
SPELLINGS = {
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
}
#: Packages whose metadata do not say it in so many words; read in their files.
READ_BY_US = {
    "supervisor": "Repoze",  # BSD with the names of its holders
}


def shipped() -> set[str]:
    """Return the names of the packages of requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return {
        re.split(r"[=\[ ]", line)[0].lower()
        for line in lines
        if line and not line.startswith("#")
    }


def main() -> int:
    """Print every licence that is not allowed; return the exit status."""
    listing = subprocess.run(
        [
            str(Path(sys.executable).parent / "pip-licenses"),
            *("--format=json", "--from=mixed"),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    licences = {
        re.sub(r"[_.]", "-", item["Name"].lower()): item["License"]
        for item in json.loads(listing.stdout)
    }
    faults = 0
    for name in sorted(shipped()):
        text = READ_BY_US.get(name) or licences.get(name, "not installed")
        parts = re.split(r"\s*(?:;|\bAND\b|\bOR\b)\s*", text.strip("()"))
        found = {SPELLINGS.get(part, part) for part in parts}
        if not found <= ALLOWED:
            print(f"{name}: {text} is not among the allowed licences")
            faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
