from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from unit.compare.made_runs import made_run, save

from nst_tf.compare.ranking import Study
from nst_tf.compare.reading import ComparedRun, named_inputs, read_runs
from nst_tf.compare.sheet import arranged, contact_sheet, fitted_lines
from nst_tf.compare.tables import varying

_RED, _GREEN, _BLUE, _FRONT = (230, 20, 20), (20, 200, 40), (30, 40, 220), (0, 0x72, 0xB2)


def _sheet(runs: list[ComparedRun]) -> np.ndarray:
    names = varying(runs)
    return np.asarray(contact_sheet(Study(runs, names), arranged(runs, names), "a title"))


def _box(sheet: np.ndarray, color: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of the pixels of a color."""
    down, across = np.nonzero((sheet == color).all(-1))
    return int(down.min()), int(across.min()), int(down.max()) + 1, int(across.max()) + 1


def _flat(
    folder: Path, color: tuple[int, ...], weight: int, height: int = 60, width: int = 80, **more
) -> Path:
    pixels = np.tile(np.array(color) / 255, (height, width, 1))
    return made_run(
        folder,
        {"objective.style.weight": weight},
        pixels=pixels,
        overrides=[f"objective.style.weight={weight}"],
        **more,
    )


def test_pictures_stand_in_the_order_of_the_values(tmp_path: Path) -> None:
    folders = [_flat(tmp_path / "0", _RED, 20), _flat(tmp_path / "1", _GREEN, 5)]
    sheet = _sheet(read_runs(folders))
    red, green = _box(sheet, _RED), _box(sheet, _GREEN)
    assert green[0] == red[0]
    assert green[3] <= red[1]  # 5 is left of 20
    assert (red[3] - red[1]) / (red[2] - red[0]) == pytest.approx(80 / 60, rel=0.02)  # nothing is stretched


def test_content_and_style_stand_beside(tmp_path: Path) -> None:
    content = save(tmp_path / "content.png", np.tile(np.array(_GREEN) / 255, (60, 80, 1)))
    style = save(tmp_path / "style.png", np.tile(np.array(_BLUE) / 255, (80, 60, 1)))
    sheet = _sheet(read_runs([_flat(tmp_path / "0", _RED, 20, content=content, styles=[style])]))
    red, green, blue = (_box(sheet, color) for color in (_RED, _GREEN, _BLUE))
    assert green[3] <= red[1]
    assert blue[3] <= red[1]
    assert green[2] <= blue[0]


def test_copies_of_one_picture_are_one_picture(tmp_path: Path) -> None:
    content = save(tmp_path / "content.png", np.tile(np.array(_GREEN) / 255, (60, 80, 1)))
    copies = []
    for number in range(2):
        (tmp_path / f"copy {number}").mkdir()
        copies.append(tmp_path / f"copy {number}" / "content.png")
        copies[-1].write_bytes(content.read_bytes())
    folders = [_flat(tmp_path / str(n), _RED, n, content=content, styles=[content]) for n in range(2)]
    runs = read_runs(folders)
    apart = [replace(run, content=copy, styles=(copy,)) for run, copy in zip(runs, copies, strict=True)]
    np.testing.assert_array_equal(_sheet(apart), _sheet(runs))


def test_a_picture_has_the_name_that_it_was_given(tmp_path: Path) -> None:
    style = save(tmp_path / "style-0.png", np.tile(np.array(_BLUE) / 255, (80, 60, 1)))
    (run,) = read_runs([_flat(tmp_path / "0", _RED, 20, styles=[style])])
    named = replace(run, summary={"inputs": {"styles": [{"file": "pictures/waves.jpg"}]}})
    assert named_inputs(named.summary, None, named.styles) == ([], [(style, "waves.jpg")])
    assert (_sheet([named]) != _sheet([run])).any()


@pytest.mark.parametrize("count", [1, 12, 100])
def test_pictures_shrink_and_letters_do_not(tmp_path: Path, count: int) -> None:
    folders = [
        made_run(
            tmp_path / str(n),
            {"seed": n % 10, "objective.style.weight": n // 10},
            pixels=np.tile(np.array(_RED) / 255, (384, 512, 1)),
            overrides=[f"seed={n % 10}", f"objective.style.weight={n // 10}"],
        )
        for n in range(count)
    ]
    sheet = _sheet(read_runs(folders))
    height, width = sheet.shape[:2]
    assert width <= 3000
    assert height <= 5000
    rows_of_text = (sheet == (0x1A, 0x1A, 0x1A)).all(-1).any(axis=1)
    assert rows_of_text.any()
    heights = np.diff(np.flatnonzero(np.diff(np.r_[False, rows_of_text, False])))[::2]
    # capital letters of a title or a number: at least 10 pixels, and on a large sheet in proportion
    assert heights.max() >= max(10, width / 130)


def test_a_run_that_failed_or_can_not_be_read_has_a_cell(tmp_path: Path) -> None:
    folders = [
        _flat(tmp_path / "0", _RED, 5),
        made_run(
            tmp_path / "1",
            {"objective.style.weight": 20},
            overrides=["objective.style.weight=20"],
            status="failed",
            error="MemoryError",
        ),
    ]
    runs = read_runs(folders)
    cell = _box(_sheet(runs), (0xF3, 0xE9, 0xE8))
    picture = _box(_sheet(runs), _RED)
    assert cell[0] == picture[0]
    assert cell[2] - cell[0] == picture[2] - picture[0]
    (tmp_path / "0" / "image.png").write_bytes(b"no picture")
    assert not (_sheet(runs) == _RED).all(-1).any()


def test_the_pareto_front_is_framed(tmp_path: Path) -> None:
    folders = [_flat(tmp_path / str(n), color, n) for n, color in enumerate([_RED, _GREEN])]
    first, second = read_runs(folders)
    first = replace(first, yardstick={"content_distance": 0.2, "style_distance": 0.1})
    second = replace(second, yardstick={"content_distance": 0.3, "style_distance": 0.2})
    sheet = _sheet([first, second])
    frame, red, green = (_box(sheet, color) for color in (_FRONT, _RED, _GREEN))
    assert frame[0] < red[0]
    assert frame[3] > red[3]
    assert frame[3] <= green[1]
    assert not (_sheet([first, replace(second, yardstick={})][1:]) == _FRONT).all(-1).any()


def test_sizes_that_a_run_only_claims_do_no_harm(tmp_path: Path) -> None:
    claims = [{"height": 10**12, "width": 1}, {"height": -5, "width": "x"}, {"height": True, "width": 10**30}]
    for number, size in enumerate(claims):
        sheet = _sheet(read_runs([_flat(tmp_path / str(number), _RED, 1, size=size)]))
        top, left, bottom, right = _box(sheet, _RED)
        assert min(bottom - top, right - left) > 20
        assert max(sheet.shape) < 3000


def test_text_is_broken_and_cut() -> None:
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    font = ImageFont.load_default(20)
    text = "a setting with a long name: abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
    whole = fitted_lines(draw, text, font, 160, 20)
    assert "".join(whole).replace(" ", "") == text.replace(" ", "")
    cut = fitted_lines(draw, text, font, 160, 2)
    assert len(cut) == 2
    assert cut[1].endswith("...")
    assert all(draw.textlength(line, font) <= 160 for line in [*whole, *cut])
    assert fitted_lines(draw, "short", font, 160, 1) == ["short"]
    assert fitted_lines(draw, "nothing", font, 160, 0) == []
