"""Collect the texts to translate into ``locale/<language>/LC_MESSAGES/django.po``.

``--check`` changes nothing and fails when a text is missing in a language. Needs no
GNU gettext: Django turns its templates into calls, Babel reads the calls.
"""

from __future__ import annotations

import ast
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po, write_po

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")

from django.utils.translation.template import templatize

BASE_DIR = Path(__file__).resolve().parent.parent
LANGUAGES = {"fr": "fr", "sv": "sv", "zh_Hant": "zh_Hant", "ko": "ko"}
KEYWORDS = {
    "_": (1,),
    "translate": (1,),
    "gettext": (1,),
    "gettext_lazy": (1,),
    "gettext_noop": (1,),
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    # Journal lines are translated when shown.
    "write": (2,),
    "info": (1,),
    "warning": (1,),
    "_note": (2,),
}
_CODE = ("campaign", "workflows")
#: What the catalogue of the product says in English alone, by file.
_CATALOGUE = {
    "packages": ("label", "purpose"),
    "event_statuses": ("meaning",),
    "technical_workflows": ("description",),
}


def collect() -> Catalog:
    """Return every text of code and templates."""
    catalog = Catalog(project="Campaign", charset="utf-8")
    for folder in _CODE:
        for path in sorted((BASE_DIR / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                for function, arguments in _calls(path):
                    _add(catalog, function, arguments)
    for path in sorted((BASE_DIR / "templates").rglob("*.html")):
        calls = templatize(path.read_text(encoding="utf-8"), origin=str(path))
        # The reader of Python minds indentation, the template does not.
        source = "\n".join(line.lstrip() for line in calls.splitlines())
        for _line, function, message, _comments in extract_python(
            io.BytesIO(source.encode()), list(KEYWORDS), [], {"encoding": "utf-8"}
        ):
            _add(
                catalog, function, message if isinstance(message, tuple) else [message]
            )
    for name, keys in _CATALOGUE.items():
        path = BASE_DIR / "campaign" / "packages" / "catalogue" / f"{name}.json"
        [rows] = (
            value
            for value in json.loads(path.read_text(encoding="utf-8")).values()
            if isinstance(value, list)
        )
        for row in rows:
            for key in keys:
                catalog.add(row[key])
    return catalog


def _calls(path: Path) -> Iterator[tuple[str, list[object]]]:
    """Return the calls of a module that name a text, with their plain arguments."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in KEYWORDS:
                yield name, [getattr(argument, "value", None) for argument in node.args]


def _add(catalog: Catalog, function: str, arguments: Sequence[object]) -> None:
    context = None
    ids = []
    for position in KEYWORDS[function]:
        is_context = isinstance(position, tuple)
        index = position[0] if isinstance(position, tuple) else position
        text = arguments[index - 1] if index <= len(arguments) else None
        if not isinstance(text, str) or not text.strip():
            return
        if is_context:
            context = text
        else:
            ids.append(text)
    catalog.add(tuple(ids) if len(ids) > 1 else ids[0], context=context)


def main(arguments: list[str]) -> int:
    """Update every language, or check that none lacks a text."""
    template = collect()
    missing = 0
    for folder, locale in LANGUAGES.items():
        path = BASE_DIR / "locale" / folder / "LC_MESSAGES" / "django.po"
        if path.exists():
            with path.open("rb") as stored:
                catalog = read_po(stored, locale=locale)
        else:
            catalog = Catalog(locale=locale, project="Campaign", charset="utf-8")
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.fuzzy = False
        catalog.header_comment = f"# {path.parent.parent.name} texts of Campaign."
        catalog.msgid_bugs_address = catalog.last_translator = "Campaign"
        catalog.language_team = "Campaign"
        untranslated = [m for m in catalog if m.id and not _is_translated(m.string)]
        missing += len(untranslated)
        print(f"{folder}: {len(catalog)} texts, {len(untranslated)} to translate")
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as target:
                write_po(target, catalog, width=88, sort_output=True, no_location=True)
    return 1 if "--check" in arguments and missing else 0


def _is_translated(string: object) -> bool:
    if isinstance(string, tuple | list):
        return all(string)
    return bool(string)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
