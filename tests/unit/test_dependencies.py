"""What is installed beside the program: every version has an upper bound."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def requirements() -> list[str]:
    """As they stand in pyproject.toml; read without tomllib, which Python 3.10 lacks."""
    text = PROJECT.read_text(encoding="utf-8")
    project = text[text.index("[build-system]") : text.index("[project.scripts]")]
    lists = re.findall(r"^(?!extend|include)(\w+) = \[(.*?)\]\s*$", project, re.MULTILINE | re.DOTALL)
    told = ("requires", "dependencies", "joblib", "submitit", "ray", "optuna", "mlflow", "heic", "gpu")
    return [
        requirement
        for name, listed in lists
        if name in (*told, "tensorboard", "test", "dev")
        for requirement in re.findall(r'"([^"]+)"', listed)
    ]


def test_every_requirement_has_an_upper_bound() -> None:
    known = requirements()
    assert len(known) > 25
    assert any(one.startswith("tensorflow>=") for one in known)
    unbound = [one for one in known if not re.search(r"<|==", one) and not one.startswith("nst_tf[")]
    assert unbound == []
