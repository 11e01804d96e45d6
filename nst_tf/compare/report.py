"""The report page: one HTML file with everything in it."""

from __future__ import annotations

import base64
import hashlib
import math
import os
import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.resources import files
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from PIL import Image

from nst_tf.compare.averages import BAND
from nst_tf.compare.ranking import Study
from nst_tf.compare.reading import ComparedRun, costs_of, file_sha256, readable_image
from nst_tf.compare.yardstick import STYLE_AGAINST_CONTENT
from nst_tf.errors import is_number
from nst_tf.files import write_text_atomically
from nst_tf.images.opening import PICTURE_SUFFIXES
from nst_tf.runs.folder import PROGRESS, progress_name

_SCRIPTS = (
    "elements.js",
    "runs.js",
    "address.js",
    "text.js",
    "filter.js",
    "colors.js",
    "keyboard.js",
    "before_after.js",
    "tip.js",
    "grid.js",
    "viewer.js",
    "chart.js",
    "trade_off.js",
    "parallel.js",
    "zoom.js",
    "side_by_side.js",
    "loss_curves.js",
    "table.js",
    "page.js",
)
"""In the order in which they are read: each uses only what stands above it, or is called later."""

Axes = tuple[Sequence[str], str | None]


def write_report(path: Path, study: Study, title: str, axes: Axes | None = None) -> None:
    """Write the page of the runs, of which there may be none, to ``path``: one HTML file that needs no other.

    Thumbnails are inside; originals are linked by their path relative to ``path``. Pictures that can't be
    read are left out, numbers that are not finite are shown as such. Of 200 runs the file has under 15 MB.
    ``axes`` are the settings of the rows, and that of the columns, with which the grid begins; None chooses.
    """
    scripts = "\n".join(_asset(name) for name in _SCRIPTS)
    # one function, so that the page has no global names which an element's id could shadow
    script = f'(() => {{\n"use strict";\n{scripts}\n}})();'
    style = _asset("page.css")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = environment.from_string(_asset("page.html")).render(
        title=title,
        written=datetime.now().astimezone(),
        counts=Counter(run.status for run in study.runs).most_common(),
        number=len(study.runs),
        noun="average" if study.has_averages else "run",
        several=len(study.runs) > 1,
        style_hash=_hash(style),
        script_hash=_hash(script),
        # with the data, the only texts that are not escaped: files of this package
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        data=json_for_html(page_data(path, study, axes)),
    )
    # names of files may hold undecodable bytes
    write_text_atomically(path, text.encode("utf-8", "replace").decode("utf-8"))


def _asset(name: str) -> str:
    return files("nst_tf.compare").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a Content-Security-Policy names an inline element: the browser hashes the text between its tags."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


# ---- everything that the page's script shows, as plain JSON data ----


def page_data(page: Path, study: Study, axes: Axes | None) -> dict[str, Any]:
    """The data of the page at ``page``: runs in their order, settings that all share only once.

    Keys: ``varying`` (names of settings), ``axes`` (of the grid, where somebody asked for some),
    ``style_against_content``, ``common`` (setting -> value), ``measures``, ``pictures`` (thumbnails),
    ``groups`` (names of groups of comparable runs) and ``runs``, whose ``picture``, ``content`` and
    ``styles`` are numbers of pictures, and whose ``group`` is the number of one of the groups, or None.
    """
    runs = study.runs
    pictures = [run.picture for run in runs if run.picture]
    inputs = [path for run in runs for path in (run.content, *run.styles) if path]
    thumbnails = Thumbnails([*inputs, *pictures])
    settings = [{str(name): plain(value) for name, value in run.settings.items()} for run in runs]
    common: dict[str, Any] = {}
    if len(runs) > 1:  # of a single run every setting is its own
        common = {
            name: value
            for name, value in settings[0].items()
            if all(name in own and _same(own[name], value) for own in settings[1:])
        }
    group_of = {id(run): number for number, group in enumerate(study.groups) for run in group.runs}
    measures = [plain({**costs_of(run.summary), **run.yardstick}) for run in runs]
    names = dict.fromkeys(name for found in measures for name in found)
    return {
        "varying": [plain(str(name)) for name in study.varying],
        "axes": axes and {"rows": [plain(name) for name in axes[0]], "column": plain(axes[1])},
        "style_against_content": STYLE_AGAINST_CONTENT,
        "common": common,
        # those of single layers after the others
        "measures": [asdict(_described(name)) for name in sorted(names, key=lambda name: "/" in name)],
        "pictures": thumbnails.pictures,
        "groups": [plain(group.name) for group in study.groups],
        "runs": [
            _run(page, run, thumbnails, len(runs))
            | {"settings": {name: value for name, value in own.items() if name not in common}}
            | {"measures": found, "group": group_of.get(id(run))}
            for run, own, found in zip(runs, settings, measures, strict=True)
        ],
    }


def _run(page: Path, run: ComparedRun, thumbnails: Thumbnails, runs: int) -> dict[str, Any]:
    picture = thumbnails.number(run.picture)
    return {
        "name": plain(run.name),
        "status": plain(run.status),
        "error": plain(run.error),
        "folder": plain(str(run.folder)),
        "picture": picture,
        "original": link_from(page, run.picture) if picture is not None else None,
        "progress": progress_of(page, run.folder) if picture is not None else None,
        "content": thumbnails.number(run.content),
        "styles": [number for path in run.styles if (number := thumbnails.number(path)) is not None],
        "command": command_of("nst", run.overrides),
        "rerun": rerun_command(run.folder),
        "typed_in": plain(run.summary.get("working_folder")),
        "curves": curves_of(run.metrics, runs),
        "average_of": [plain(one.name) for one in run.of],
        "spread": plain(run.spread),
    }


def _same(first: Any, second: Any) -> bool:
    return type(first) is type(second) and first == second  # 1 is not true, and not 1.0


# ---- what is measured of every run, and how to read it ----


@dataclass(frozen=True)
class Measure:
    """A measure's name, what it means in a sentence, its unit, and whether more, or either, is better."""

    name: str
    meaning: str = ""
    unit: str = ""
    higher_is_better: bool = False
    neither_is_better: bool = False


_KNOWN = {
    one.name: one
    for one in (
        Measure("content_distance", "Distance to the content at block4_conv2, relative to its activations."),
        Measure("style_distance", "Relative distance of Gram matrices to the style, mean over the layers."),
        Measure("sliced_wasserstein", "Sliced Wasserstein distance of activations to the style's."),
        Measure("total_variation", "Mean difference of neighbouring pixels: roughness.",
                neither_is_better=True),
        Measure("ssim", "Structural similarity of luminance with the content picture; 1 is the same.",
                higher_is_better=True),
        Measure("colour_distance", "Distance of the picture's colors to the style's."),
        Measure("seconds", "Time of the steps, without imports, weights and targets.", "s"),
        Measure("steps", "Evaluations of the objective."),
        Measure("peak_memory_bytes", "Largest memory of the run's process.", "bytes"),
    )
}  # fmt: skip


def _described(name: str) -> Measure:
    """What is known of a measure; of an unknown one, that less is better."""
    whole, _, layer = name.partition("/")
    known = _KNOWN.get(whole)
    if known is None:
        return Measure(name)
    return replace(known, name=name, meaning=f"{known.meaning} Here at {layer} alone.") if layer else known


# ---- losses over the steps, sampled so that a page stays small ----

_MOST_NUMBERS = 250_000  # on a page, of about 9 characters: 2 MB
_MOST_POINTS = 400  # a curve: more could not be seen at the width of a page
_FEWEST_POINTS = 16
_MOST_NAMES = 24  # curves of a run; the recipes have up to 12
_DIGITS = 5  # significant: a thousandth of the height of a plot
_NOT_LOSSES = ("step", "seconds", "size", "frame")


def curves_of(metrics: Sequence[Mapping[str, Any]], runs: int) -> dict[str, list[float | int | None]]:
    """Columns ``step``, ``seconds``, ``loss`` and each part, of averages also the spread of each as "±loss".

    Where there is no finite number, there is None.

    The rows are evenly spaced from the first to the last, with the one of lowest loss, as many as ``runs``
    runs on one page leave room for.
    """
    if not metrics:
        return {}
    names = list(dict.fromkeys(name for row in (metrics[0], metrics[-1]) for name in row))
    losses = [name for name in names if name.removeprefix(BAND) not in _NOT_LOSSES]
    losses = [name for name in losses if not name.startswith(BAND)][:_MOST_NAMES]
    losses += [band for name in losses if (band := f"{BAND}{name}") in names]
    room = _MOST_NUMBERS // (max(runs, 1) * (len(losses) + 2))
    rows = [metrics[index] for index in _sampled(metrics, min(_MOST_POINTS, max(_FEWEST_POINTS, room)))]
    return {name: [_rounded(row.get(name)) for row in rows] for name in ("step", "seconds", *losses)}


def _sampled(metrics: Sequence[Mapping[str, Any]], points: int) -> list[int]:
    count = len(metrics)
    if count <= points:
        return list(range(count))
    evenly = {round(index * (count - 1) / (points - 1)) for index in range(points)}
    finite = [(loss, at) for at, row in enumerate(metrics) if (loss := _number(row.get("loss"))) is not None]
    return sorted(evenly | ({min(finite)[1]} if finite else set()))


def _rounded(value: Any) -> float | int | None:
    number = _number(value)
    return float(f"{number:.{_DIGITS}g}") if isinstance(number, float) else number


def _number(value: Any) -> float | int | None:
    """The value if it is a finite number, else None: curves have gaps."""
    found = plain(value)
    return found if is_number(found) else None


# ---- commands that repeat a run, safe to paste into a shell, and links to its picture ----


def command_of(program: str, words: Sequence[object]) -> str | None:
    """``program`` and ``words``, quoted for a POSIX shell; None if they are not fit to be pasted.

    Quoting keeps a shell from acting on a word, but not a terminal on a control character, nor the program
    on a word that begins with "-" (an option, which overrides never are).
    """
    # Cc: controls; Cf: invisible, and those that turn the direction of writing; Cs: undecodable bytes
    unfit = ("Cc", "Cf", "Cs", "Zl", "Zp")
    found: list[str] = []
    for word in words:
        if not isinstance(word, str) or word.startswith("-"):
            return None
        if any(unicodedata.category(character) in unfit for character in word):
            return None
        found.append(word)
    return shlex.join([program, *found])


def rerun_command(folder: Path) -> str | None:
    """``nst-rerun FOLDER`` with the absolute path: the page says nowhere from which folder it was made."""
    return command_of("nst-rerun", [str(Path(folder).resolve())])


def link_from(page: Path, picture: Path | None) -> str | None:
    """The address of a picture relative to the page's folder, percent-encoded; None if there is none.

    Only files named as pictures are linked: an address that opens a stranger's HTML would run it.
    """
    if picture is None or picture.suffix.lower() not in PICTURE_SUFFIXES:
        return None
    try:
        relative = os.path.relpath(picture.absolute(), page.absolute().parent)
    except ValueError:  # on another drive of Windows
        return None
    return "./" + quote(os.fsencode(Path(relative).as_posix()))


# ---- the pictures of a run's steps, which stay in its folder, for the page has to stay small ----

_MOST_PROGRESS = 100  # positions of a slider that can still be told apart; of 200 runs 160 kB of numbers
_MOST_LISTED = 100_000  # files of a stranger's folder; a run of a million steps has 20,000 pictures


def progress_of(page: Path, run: Path) -> dict[str, Any] | None:
    """The ``folder`` of a run's progress pictures, relative to the page, and their ``steps`` in order.

    Only steps are told, from which the page makes the names of the files, as ``nst`` writes them. Of more
    than 100 pictures, 100 are chosen evenly, among them the first and the last. None where there is none.
    """
    folder = run / PROGRESS
    try:
        if folder.is_symlink():  # it may lead anywhere
            return None
        with os.scandir(folder) as entries:
            listed = list(islice(entries, _MOST_LISTED))
        names = {entry.name for entry in listed if entry.is_file(follow_symlinks=False)}
    except (OSError, ValueError):  # ValueError: a null byte in a stranger's folder name
        return None
    numbers = (re.fullmatch(r"step-([0-9]{6,12})\.png", name) for name in names)
    steps = sorted(step for found in numbers if found and progress_name(step := int(found[1])) in names)
    if len(steps) > _MOST_PROGRESS:
        last = len(steps) - 1
        steps = [steps[round(index * last / (_MOST_PROGRESS - 1))] for index in range(_MOST_PROGRESS)]
    if not steps:
        return None
    first = progress_name(steps[0])
    link = link_from(page, folder / first)
    return {"folder": link.removesuffix(first), "steps": steps} if link else None


# ---- small copies of pictures inside of the page, of which the number decides the size ----

MOST_BYTES = 8 << 20
"""Of all thumbnails of a page together, before base64 makes 4 bytes of 3: a page that mail still takes."""

_LARGEST_SIDE = 1024  # pixels; more than a window leaves for a picture beside its settings
_SMALLEST_SIDE = 48  # pixels: below this a thumbnail shows nothing
_BYTES_A_PIXEL = 0.5  # of JPEG at this quality: photographs take 0.3, mosaics 0.9 (measured at 420 pixels)
_QUALITY = 82  # by eye: below it, fine brush strokes smear
_SHRINK = 0.95  # of the side that should do, when a picture took more bytes than its share


class Thumbnail(TypedDict):
    """A picture as the page carries it: a data URI, its size in pixels, and that of the picture itself."""

    src: str
    width: int
    height: int
    full: tuple[int, int]


class Thumbnails:
    """Thumbnails of files, numbered; files with the same bytes share one.

    Attributes:
        pictures: the thumbnails, in the order of their numbers.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        """Read and shrink every file; one that can't be read has no number (see :meth:`number`)."""
        self.pictures: list[Thumbnail] = []
        self._numbers: dict[str, int | None] = {}
        self._digests: dict[Path, str | None] = {path: _digest(path) for path in paths}
        distinct = {digest: path for path, digest in self._digests.items() if digest}
        for digest, path in distinct.items():
            thumbnail = _thumbnail(path, MOST_BYTES // len(distinct))
            self._numbers[digest] = len(self.pictures) if thumbnail else None
            if thumbnail:
                self.pictures.append(thumbnail)

    def number(self, path: Path | None) -> int | None:
        """The number of a file's thumbnail; None without a file, or if it is no readable picture."""
        digest = self._digests.get(path) if path else None
        return self._numbers[digest] if digest else None


def _digest(path: Path) -> str | None:
    try:
        return file_sha256(path)
    except (OSError, ValueError):  # ValueError: a null byte in a stranger's file name
        return None


def _thumbnail(path: Path, most_bytes: int) -> Thumbnail | None:
    picture = readable_image(path)
    if picture is None:
        return None
    shape = max(picture.size) / min(picture.size)
    side = min(_LARGEST_SIDE, max(picture.size), math.sqrt(most_bytes / _BYTES_A_PIXEL * shape))
    while True:
        small = picture.copy()
        longest = max(side, _SMALLEST_SIDE)
        small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        encoded = BytesIO()
        # colors at full resolution (subsampling 0), for they are compared here; WebP halves them, saves an
        # eighth of the bytes of such textures, and takes 20 times as long
        small.save(encoded, "JPEG", quality=_QUALITY, subsampling=0)
        if encoded.tell() <= most_bytes or side <= _SMALLEST_SIDE:
            break
        side = max(small.size) * math.sqrt(most_bytes / encoded.tell()) * _SHRINK
    text = base64.b64encode(encoded.getvalue()).decode("ascii")
    source = f"data:image/jpeg;base64,{text}"
    return {"src": source, "width": small.width, "height": small.height, "full": picture.size}


# ---- whatever a run's folder holds, as JSON that can stand inside of an HTML page ----

_LARGEST_EXACT = 2**53 - 1  # JavaScript's numbers are float64: larger integers would lose digits
_MOST_CHARACTERS = 2000  # of one text: a page of a stranger's configuration is not worth more
_DEEPEST = 8  # levels of lists in lists: far more than any configuration has


def plain(value: Any, depth: int = 0) -> Any:
    """``value`` of nothing but what JSON has; what JSON lacks becomes a text.

    Numbers that are not finite become "nan", "inf" and "-inf"; integers beyond 2**53 their digits; long
    texts are cut after 2000 characters, with an ellipsis; unknown objects become their ``str``.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) <= _LARGEST_EXACT:
            return int(value)
        # str() refuses more than 4300 digits
        return _cut(hex(value) if value.bit_length() > 4096 else str(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, (Mapping, list, tuple)) and depth == _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {_cut(str(key)): plain(one, depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one, depth + 1) for one in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a NumPy scalar
        return plain(value.item(), depth + 1)
    return _cut(str(value))


def json_for_html(value: Any) -> Markup:
    """JSON of plain data for a script element: ASCII, without ``<``, ``>`` and ``&``, which could end it."""
    return htmlsafe_json_dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"
