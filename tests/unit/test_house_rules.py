"""The rules of the house that no checker knows; ruff, pyright and import-linter are steps of ``.ci/run``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from nst_tf import __version__

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not (ROOT / ".ci").is_dir(), reason="the source distribution has no .ci")
def test_the_checkers_are_steps_of_the_continuous_integration_and_of_every_commit() -> None:
    """They were tests once; where they are not run, nothing else would miss them."""
    steps = [line.split("#")[0].strip() for line in (ROOT / ".ci" / "run").read_text().splitlines()]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    for checker in ("ruff check", "ruff format", "pyright nst_tf", "lint-imports"):
        assert any(step.startswith(checker) for step in steps), checker
        assert f"entry: {checker}" in hooks, checker
    tests = next(number for number, step in enumerate(steps) if "pytest" in step)
    assert all(steps.index(step) < tests for step in steps if step.startswith(("ruff", "pyright", "lint-")))


@pytest.mark.skipif(not (ROOT / ".github").is_dir(), reason="the source distribution has no .github")
def test_the_workflow_of_pull_requests_runs_the_checkers_and_what_the_readme_tells() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())["jobs"]
    steps = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert steps["checkers"][1:] == [
        "ruff check .",
        "ruff format --check .",
        "lint-imports",
        "pyright nst_tf",
    ]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"    {steps['tests'][0]} " in readme
    oldest, beyond = re.findall(
        r'^requires-python = ">=3\.(\d+),<3\.(\d+)"$', (ROOT / "pyproject.toml").read_text(), re.M
    )[0]
    pythons = jobs["tests"]["strategy"]["matrix"]["python"]
    assert pythons == [f"3.{minor}" for minor in range(int(oldest), int(beyond))]


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert citation["references"][0]["doi"] == "10.1109/CVPR.2016.265"  # Gatys, Ecker, Bethge


def test_the_notebook_is_kept_without_what_it_showed() -> None:
    """Pictures and times of one machine would change with every save."""
    cells = json.loads((ROOT / "docs" / "quickstart.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 5
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
