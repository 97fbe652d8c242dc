"""Fetch and check the third-party browser files named in static/vendor/vendor.toml.

    python .ci/vendor.py            fetch the releases with npm, copy, compare sha256
    python .ci/vendor.py --check    compare the files of the repository only
    python .ci/vendor.py --accept   as the first, and write the new sums into the file

Use --accept after raising a version by hand, and read the difference it makes.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
MANIFEST = VENDOR / "vendor.toml"


def entries(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every file of the manifest that carries a sum, in its order."""
    for package in manifest["package"]:
        yield from package.get("file", ())
        if "sprite" in package:
            yield package["sprite"]


def digest(path: Path) -> str:
    """Return the sha256 of a file, or "missing"."""
    if not path.exists():
        return "missing"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(name: str, version: str, folder: Path) -> Path:
    """Download one npm release with `npm pack`; return its unpacked folder."""
    command = ["npm", "pack", f"{name}@{version}", "--silent"]
    try:
        answer = subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True
        )
    except FileNotFoundError:
        sys.exit("make vendor needs npm (a part of Node.js) on PATH.")
    except subprocess.CalledProcessError as error:
        sys.exit(f"npm could not fetch {name}@{version}: {error.stderr.strip()}")
    archive = folder / answer.stdout.strip().splitlines()[-1]
    target = folder / archive.stem
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")
    return target / "package"


def sprite(folder: Path, icons: list[str], title: str) -> str:
    """Join single icons into one SVG of symbols that take the text's colour."""
    symbols = []
    for icon in sorted(icons):
        source = (folder / f"{icon}.svg").read_text(encoding="utf-8")
        body = re.sub(r"(?s)<!--.*?-->", "", source)
        body = re.sub(r"(?s)^.*?<svg[^>]*>|</svg>\s*$", "", body)
        paths = [p for p in re.findall(r"<[^>]+/>", body) if 'stroke="none"' not in p]
        inner = "".join(re.sub(r"\s+", " ", path) for path in paths)
        symbols.append(
            f"<symbol id={quoteattr(icon)} viewBox='0 0 24 24' fill='none'"
            " stroke='currentColor' stroke-width='1.75' stroke-linecap='round'"
            f" stroke-linejoin='round'>{inner}</symbol>"
        )
    head = f"<!-- {title}, MIT licence, see static/vendor -->"
    body = "\n".join(symbols)
    return f"<svg xmlns='http://www.w3.org/2000/svg'>\n{head}\n{body}\n</svg>\n"


def refresh(manifest: dict[str, Any]) -> None:
    """Fetch every package and write its files under static/."""
    with tempfile.TemporaryDirectory() as scratch:
        for package in manifest["package"]:
            name, version = package["name"], package["version"]
            folder = fetch(name, version, Path(scratch))
            for file in package.get("file", ()):
                target = VENDOR / file["to"]
                target.parent.mkdir(parents=True, exist_ok=True)
                content = (folder / file["from"]).read_bytes()
                target.write_bytes(drop_source_map(content))
            if "sprite" in package:
                part = package["sprite"]
                text = sprite(
                    folder / part["folder"], part["icons"], f"{name} {version}"
                )
                (VENDOR / part["to"]).write_text(text, encoding="utf-8")


def drop_source_map(content: bytes) -> bytes:
    """Remove the last-line reference to a source map that is not shipped."""
    return re.sub(rb"(?m)^/[*/]# sourceMappingURL=.*$\n?", b"", content)


def write_sums(manifest: dict[str, Any]) -> None:
    """Replace the sums of the manifest by those of the files now present."""
    text = MANIFEST.read_text(encoding="utf-8")
    for entry in entries(manifest):
        pattern = rf'(to = "{re.escape(entry["to"])}"\nsha256 = ")[^"]*(")'
        text = re.sub(pattern, rf"\g<1>{digest(VENDOR / entry['to'])}\g<2>", text)
    MANIFEST.write_text(text, encoding="utf-8")


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="compare only")
    choice.add_argument("--accept", action="store_true", help="write the new sums")
    options = parser.parse_args()
    manifest = tomllib.loads(MANIFEST.read_text(encoding="utf-8"))
    if not options.check:
        refresh(manifest)
    if options.accept:
        write_sums(manifest)
        return 0
    faults = 0
    for entry in entries(manifest):
        found = digest(VENDOR / entry["to"])
        if found != entry["sha256"]:
            faults += 1
            sys.stderr.write(
                f"static/vendor/{entry['to']}: sha256 {found},"
                f" expected {entry['sha256'] or 'none'}\n"
            )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
