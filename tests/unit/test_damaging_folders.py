"""The damage that ``tests/fuzz.py`` does to a folder stays within it: else a program would be blamed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fuzzing import folders


@pytest.mark.parametrize("link", ["run.json", "config.yaml", "inputs"])
def test_damage_is_not_done_through_a_link(link: str, tmp_path: Path) -> None:
    run, outside = tmp_path / "theirs" / "1", tmp_path / "outside"
    run.mkdir(parents=True)
    outside.mkdir()
    contents = {"run.json": b"{}", "config.yaml": b"a: 1", "inputs/content.png": b"x"}
    places = {name: (outside if name.startswith(link) else run) / name for name in contents}
    (run / link).symlink_to(outside / link)
    done = set()
    for number in range(6):
        for damage in (folders._json_value, folders._yaml_value, folders._text, folders._picture):
            for name, path in places.items():  # anew each time: damages add up to many megabytes
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(contents[name])
            damage(run, random.Random(number))
            done |= {name for name, path in places.items() if path.read_bytes() != contents[name]}
    assert done
    assert not [name for name in done if name.startswith(link)]
