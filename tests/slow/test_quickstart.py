"""The notebook does what it tells, cell after cell, from an empty folder."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from cli.command_line import REPOSITORY
from PIL import Image

NOTEBOOK = REPOSITORY / "docs" / "quickstart.ipynb"


def shown_by(cell: str, names: dict[str, Any]) -> Any:
    """Runs a cell as a notebook does; returns what it would show, the value of an expression at its end."""
    statements = ast.parse(cell).body
    last = statements.pop() if isinstance(statements[-1], ast.Expr) else None
    exec(compile(ast.Module(statements, []), str(NOTEBOOK), "exec"), names)
    return last and eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names)


@pytest.mark.slow  # four pictures of the whole network: 25 seconds of processor time
def test_every_cell_runs_and_shows_its_picture(
    tmp_path: Path, weights_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    # untrained features, so that nothing is fetched
    monkeypatch.setenv("NST_TF_WEIGHTS", str(weights_file))
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    shown = [shown_by("".join(cell["source"]), names) for cell in cells if cell["cell_type"] == "code"]
    said = capsys.readouterr().out

    first, _, stopped, files, beside = shown
    assert [type(one) for one in (first, stopped, beside)] == [Image.Image] * 3
    assert max(first.size) == max(stopped.size) == 128
    assert beside.size == (3 * first.width, first.height)
    # the result's report, the callback's, and the comparison
    result, losses, results = names["result"], names["losses"], names["results"]
    assert f"loss {result.loss:.3f} after 8 steps" in said
    assert all(term in said for term in result.parts)
    assert 2 <= len(losses) < 8
    assert losses[-1] < 0.7 * losses[0] <= min(losses[:-1])
    assert f"step {len(losses) - 1}: loss {losses[-1]:.3f}" in said
    assert {"image.png", "config.yaml", "run.json", "metrics.jsonl"} <= set(files)
    for style, stylized in results.items():
        assert stylized.file.is_file()
        assert stylized.file.resolve().is_relative_to(tmp_path / "outputs")
        assert f"{style:12} loss {stylized.loss:.3f}  {stylized.file}" in said
