from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from unit.compare.made_runs import made_run, save, waves

from nst_tf.compare.reading import read_run
from nst_tf.compare.tables import Row, differences


def _by_name(rows: list[Row]) -> dict[tuple[str, str], tuple[str, str, str]]:
    return {(row.part, row.name): (row.first, row.second, row.change) for row in rows}


def test_only_what_differs_is_told(sweep: Path) -> None:
    rows = _by_name(differences(read_run(sweep / "0"), read_run(sweep / "1")))
    configuration = {name for part, name in rows if part == "configuration"}
    assert configuration == {
        "optimizer",
        "optimizer._target_",
        "optimizer.beta_1",
        "optimizer.history_size",
    }
    assert rows["configuration", "optimizer"] == ("lbfgs", "adam", "")
    assert rows["configuration", "optimizer.beta_1"] == ("-", "0.9", "")
    assert not [name for part, name in rows if part in ("inputs", "versions", "run")]
    assert rows["costs", "seconds"] == ("2.5", "2.5", "+0 (+0.0 %)")


def test_inputs_versions_and_status(sweep: Path) -> None:
    for number, tensorflow in (("0", "2.20.0"), ("3", "2.21.0")):
        path = sweep / number / "run.json"
        summary = json.loads(path.read_text())
        summary["versions"] = {"tensorflow": tensorflow, "numpy": "2.4"}
        summary["weights"] = {"source": f"a place {number}", "sha256": number * 8}
        summary["inputs"]["content"]["sha256"] = number * 64
        path.write_text(json.dumps(summary))
    rows = _by_name(differences(read_run(sweep / "0"), read_run(sweep / "3")))
    assert rows["run", "status"] == ("completed", "failed", "")
    assert rows["run", "error"] == ("-", "MemoryError: no room", "")
    assert rows["versions", "tensorflow"] == ("2.20.0", "2.21.0", "")
    assert rows["versions", "weights sha256"] == ("00000000", "33333333", "")
    assert ("versions", "weights source") not in rows
    assert "000000000000)" in rows["inputs", "content"][0]
    assert "333333333333)" in rows["inputs", "content"][1]
    assert not [name for part, name in rows if part == "picture"]


def test_pictures_are_compared(tmp_path: Path) -> None:
    grey = np.full((32, 32, 3), 100 / 255)
    first = read_run(made_run(tmp_path / "0", pixels=grey))
    second = read_run(made_run(tmp_path / "1", pixels=grey))
    assert _by_name(differences(first, second))["picture", "pixels"][2] == "bit-identical"
    save(tmp_path / "1" / "image.png", np.full((32, 32, 3), 110 / 255))
    expected = 20 * np.log10(255 / 10)  # every pixel is off by 10
    assert _by_name(differences(first, second))["picture", "pixels"][2] == f"PSNR {expected:.1f} dB"
    save(tmp_path / "1" / "image.png", waves(16, 20, seed=1))
    assert _by_name(differences(first, second))["picture", "size"] == ("32 x 32 pixels", "20 x 16 pixels", "")


def test_changes_of_the_yardstick(tmp_path: Path) -> None:
    run = read_run(made_run(tmp_path / "0"))
    first = replace(run, yardstick={"style_distance": 0.2, "content_distance": 0.0})
    second = replace(run, yardstick={"style_distance": 0.1, "content_distance": 0.5, "ssim": 0.7})
    rows = _by_name(differences(first, second))
    assert rows["yardstick", "style_distance"] == ("0.2", "0.1", "-0.1 (-50.0 %)")
    assert rows["yardstick", "content_distance"] == ("0", "0.5", "+0.5")
    assert rows["yardstick", "ssim"] == ("-", "0.7", "")


@pytest.mark.parametrize("broken", ["0", "1"])
def test_a_damaged_picture_is_passed_over(sweep: Path, broken: str) -> None:
    (sweep / broken / "image.png").write_bytes(b"no picture")
    rows = differences(read_run(sweep / "0"), read_run(sweep / "1"))
    assert not [row for row in rows if row.part == "picture"]
