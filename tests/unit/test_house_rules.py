"""The rules of the house that no checker knows; ruff, pyright and import-linter are steps of ``.ci/run``."""

from __future__ import annotations

from pathlib import Path

import pytest

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
