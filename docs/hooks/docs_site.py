"""Hooks of the documentation's site (properdocs.yml): the pages that are not files of docs/.

README.md, CONTRIBUTING.md and CHANGELOG.md become pages of the site, with the pictures that they show, and so
does the notebook. The reference of the configuration is written from conf/ and the schema. Links stay as they
are on GitHub, relative to each file, and are turned here to where the file is on the site.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configuration_reference import configuration_reference
from properdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = "docs/quickstart.ipynb"
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    NOTEBOOK: "quickstart.md",
}
"""Files of the repository that are pages of the site under other names."""
SAMPLES = "nst_tf/samples/"

_NAMED_PAGE = re.compile(r"docs/([a-z_-]+)\.md(?=[^<>]*<)")  # in the text, not within a tag
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and pictures from outside of docs/."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        markdown = notebook_as_markdown(json.loads(text)) if source == NOTEBOOK else text
        files.append(File.generated(config, page, content=with_links_of_site(markdown, source)))
    files.append(File.generated(config, "configuration.md", content=configuration_reference()))
    for picture in sorted((ROOT / SAMPLES).glob("*.jpg")):
        files.append(File.generated(config, f"samples/{picture.name}", abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn the links of the pages in docs/ to where a file is on the site."""
    generated = page.file.generated_by is not None
    return markdown if generated else with_links_of_site(markdown, f"docs/{page.file.src_uri}")


def on_page_content(html: str, files: Files, **_: Any) -> str:
    """Link what names a page, such as a comment in a block of commands or a docstring."""

    def linked(name: re.Match[str]) -> str:
        page = files.get_file_from_path(f"{name[1]}.md")
        return f'<a href="{page.url}">{name[0]}</a>' if page else name[0]

    return _NAMED_PAGE.sub(linked, html)


def with_links_of_site(markdown: str, source: str) -> str:
    """The text with its relative links as they are on the site; ``source`` is its file in the repository."""

    def on_site(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[1]))
        if target in PAGES:
            return PAGES[target]
        return target.removeprefix("nst_tf/" if target.startswith(SAMPLES) else "docs/")

    return _LINK.sub(on_site, markdown)


def notebook_as_markdown(notebook: Mapping[str, Any]) -> str:
    """The cells of a notebook without outputs, code as blocks."""
    cells = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        cells.append(f"```python\n{source}\n```" if cell["cell_type"] == "code" else source)
    title, *others = cells
    download = '<a href="quickstart.ipynb" download>notebook</a>'
    told = f"These are the cells of a {download}, `docs/quickstart.ipynb`."
    return "\n\n".join([title, told, *others])
