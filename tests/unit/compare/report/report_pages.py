"""A report page read back, without a browser."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image


class Page(HTMLParser):
    """Elements with their attributes, and the text of scripts and styles."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = f"{tag} {dict(attrs).get('type', '')}".strip()

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.texts[self._inside] = self.texts.get(self._inside, "") + data

    @property
    def data(self) -> dict[str, Any]:
        """The data of the page's script; refuses what only Python takes for JSON."""
        return json.loads(self.texts["script application/json"], parse_constant=_refuse)

    def attributes(self, name: str) -> list[str]:
        return [
            value or "" for _, attributes in self.elements for key, value in attributes.items() if key == name
        ]


def decoded(thumbnail: dict[str, Any]) -> Image.Image:
    """The picture of a data URI."""
    return Image.open(BytesIO(base64.b64decode(thumbnail["src"].partition(",")[2])))


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")
