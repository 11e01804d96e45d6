from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from unit.compare.made_runs import save, waves

from nst_tf.compare import yardstick as yardstick_cache
from nst_tf.compare.reading import read_run
from nst_tf.compare.yardstick import measured_runs
from nst_tf.runs.folder import YARDSTICK


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The pictures that were measured indeed."""
    seen: list[Path] = []
    measure = yardstick_cache.measure
    monkeypatch.setattr(
        yardstick_cache, "measure", lambda path, *rest: seen.append(path) or measure(path, *rest)
    )
    return seen


def test_a_picture_is_measured_once(sweep: Path, calls: list[Path], random_weights) -> None:
    runs = [read_run(sweep / name) for name in "0123"]
    told: list[tuple[int, int]] = []
    first = measured_runs(runs, random_weights, lambda done, of: told.append((done, of)))
    assert (len(calls), told) == (3, [(1, 4), (2, 4), (3, 4), (4, 4)])  # the fourth has no picture
    assert [run.name for run in first] == ["0", "1", "2", "3"]
    assert first[3].yardstick == {}
    assert first[0].yardstick["seconds"] == 2.5
    again = measured_runs(runs, random_weights)
    assert len(calls) == 3
    assert again == first


def _picture_changes(run: Path) -> None:
    save(run / "image.png", waves(32, 48, seed=99))


def _cache(change):
    def apply(run: Path) -> None:
        kept = json.loads((run / YARDSTICK).read_text())
        (run / YARDSTICK).write_text(json.dumps(change(kept)))

    return apply


def _truncate(run: Path) -> None:
    (run / YARDSTICK).write_text((run / YARDSTICK).read_text()[:100])


@pytest.mark.parametrize(
    "happens",
    [
        _picture_changes,
        _truncate,
        _cache(lambda kept: []),
        _cache(lambda kept: kept | {"version": 0}),
        _cache(lambda kept: kept | {"weights": "another"}),
        _cache(lambda kept: kept | {"content": None}),
        _cache(lambda kept: kept | {"styles": []}),
        _cache(lambda kept: kept | {"measures": kept["measures"] | {"ssim": "high"}}),
        _cache(lambda kept: kept | {"measures": kept["measures"] | {"ssim": float("nan")}}),
        _cache(lambda kept: kept | {"measures": {"ssim": 1.0}}),
        lambda run: (run / YARDSTICK).unlink(),
    ],
)
def test_a_cache_that_does_not_fit_is_computed_again(
    sweep: Path, calls: list[Path], random_weights, happens
) -> None:
    measured_runs([read_run(sweep / "0")], random_weights)
    happens(sweep / "0")
    [run] = measured_runs([read_run(sweep / "0")], random_weights)
    assert len(calls) == 2
    [again] = measured_runs([read_run(sweep / "0")], random_weights)
    assert len(calls) == 2
    assert again.yardstick == run.yardstick


def test_other_weights_of_styles_are_another_target(sweep: Path, calls: list[Path], random_weights) -> None:
    run = read_run(sweep / "0")
    both = replace(run, styles=(*run.styles, *run.styles), style_weights=(1.0, 2.0))
    measured_runs([run, both, replace(both, style_weights=(2.0, 1.0))], random_weights)
    assert len(calls) == 3


def test_a_folder_that_can_not_be_written_is_measured(
    sweep: Path, random_weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, text: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(yardstick_cache, "write_text_atomically", refuse)
    [run] = measured_runs([read_run(sweep / "0")], random_weights)
    assert run.yardstick["style_distance"] > 0
    assert not (sweep / "0" / YARDSTICK).exists()


def test_a_damaged_picture_says_so_and_the_others_go_on(sweep: Path, random_weights) -> None:
    (sweep / "0" / "image.png").write_bytes((sweep / "0" / "image.png").read_bytes()[:200])
    first, second = measured_runs([read_run(sweep / "0"), read_run(sweep / "1")], random_weights)
    assert "style_distance" not in first.yardstick
    assert "can't be measured" in (first.error or "")
    assert second.yardstick["style_distance"] > 0
