"""The run's folder by itself: what is there at each moment of a run."""

from __future__ import annotations

import json
import math
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from nst_tf.errors import InputError
from nst_tf.images.write import read_metadata
from nst_tf.report import Report
from nst_tf.runs.folder import RunFolder, loss_plot, read_summary
from nst_tf.runs.provenance import peak_memory_bytes, provenance

SVG = "{http://www.w3.org/2000/svg}"


def report(step: int, content: float, style: float = 1.0) -> Report:
    return Report(step, 32, step / 8, content + style, {"content/a<b": content, "style/c&d": style})


def curves(text: str) -> list[list[tuple[float, float]]]:
    """The points of every polyline of an SVG."""
    lines = ElementTree.fromstring(text).findall(SVG + "polyline")
    pairs = [[point.split(",") for point in line.attrib["points"].split()] for line in lines]
    return [[(float(across), float(down)) for across, down in line] for line in pairs]


def test_folder_tells_at_each_moment_how_far_the_run_is(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin("steps: 2\n", seed=4)
    assert read_summary(tmp_path) == {"status": "running", "seed": 4}
    assert (tmp_path / "config.yaml").read_text() == "steps: 2\n"
    folder.log(report(0, 3.0))
    folder.log(report(1, 2.0))
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows[1] == {
        "step": 1, "size": 32, "seconds": 0.125, "loss": 3.0, "content/a<b": 2.0, "style/c&d": 1.0
    }  # fmt: skip
    folder.progress_picture(50, np.zeros((16, 16, 3)))
    assert (tmp_path / "progress" / "step-000050.png").is_file()
    picture = folder.picture("image.webp", np.ones((16, 16, 3)))
    assert read_metadata(picture) == {"nst_tf": "steps: 2\n"}
    folder.finish("completed", loss=3.0)
    assert read_summary(tmp_path) == {"status": "completed", "seed": 4, "loss": 3.0}
    assert not list(tmp_path.glob(".*"))  # no temporary file is left


def test_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    RunFolder(tmp_path).begin("")
    with pytest.raises(InputError, match="holds a run already"):
        RunFolder(tmp_path)


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_what_is_no_run_is_refused(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"is not the folder of a run|run\.json can't be read"):
        read_summary(tmp_path)


def test_run_that_ends_before_its_first_report_has_no_plot(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin("")
    folder.finish("failed")
    assert not (tmp_path / "loss.svg").exists()


def test_plot_is_logarithmic() -> None:
    """Equal ratios are equal distances; a lower loss lies further down."""
    _, content, _ = curves(loss_plot([report(step, 10.0 ** (3 - step)) for step in range(4)]))
    across, down = np.diff(content, axis=0).T
    np.testing.assert_allclose(across, across[0], atol=0.11)
    np.testing.assert_allclose(down, down[0], atol=0.11)
    assert across[0] > 0
    assert down[0] > 0


@pytest.mark.parametrize(
    ("first", "last", "every"),
    [(0, 1, 1), (0, 7, 1), (0, 8, 2), (0, 43, 10), (14, 43, 5), (3, 500, 100), (0, 10_000, 2000)],
)
def test_steps_below_the_plot_are_round_and_evenly_apart(first: int, last: int, every: int) -> None:
    drawn = ElementTree.fromstring(loss_plot([report(step, 1.0) for step in (first, last)]))
    texts = [node for node in drawn.iter(SVG + "text") if node.attrib.get("text-anchor") == "middle"][:-1]
    steps = [int(node.text or "") for node in texts]
    assert steps == [step for step in range(0, last + 1, every) if step >= first]
    across = np.diff([float(node.attrib["x"]) for node in texts])
    np.testing.assert_allclose(across, across[0], atol=0.11)


@pytest.mark.parametrize(
    "values", [[0.0], [5.0], [0.0, 0.0], [math.inf, 1.0], [math.nan, 1.0], [1e-30, 1e30], [1.0] * 5000]
)
def test_plot_of_extreme_losses_stays_on_its_sheet(values: list[float]) -> None:
    text = loss_plot([report(step, value) for step, value in enumerate(values)])
    width, height = (float(side) for side in ElementTree.fromstring(text).attrib["viewBox"].split()[2:])
    for across, down in (point for curve in curves(text) for point in curve):
        assert 0 <= across <= width
        assert 0 <= down <= height
    assert len(text) < 150_000


def test_names_of_parts_are_escaped() -> None:
    texts = {node.text for node in ElementTree.fromstring(loss_plot([report(0, 1.0)])).iter(SVG + "text")}
    assert {"loss", "content/a<b", "style/c&d"} <= texts


def test_provenance_names_the_commit_of_the_code() -> None:
    repository = Path(__file__).parents[3]
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=False
    )
    if found.returncode or not (repository / ".git").exists():
        pytest.skip("not a checkout")
    assert provenance()["git_commit"].removesuffix("-dirty") == found.stdout.strip()


def test_peak_memory_is_in_bytes() -> None:
    """Python with NumPy takes tens of megabytes, and a test run no terabyte."""
    assert 2e7 < peak_memory_bytes() < 1e12
