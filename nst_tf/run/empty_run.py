"""Taking away the folder of a run that did not come to begin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

INPUTS = "inputs"  # as nst_tf.record.input_copies has it, whose room imports TensorFlow


def remove_empty_run(folder: Path, made_for_it: Sequence[Path]) -> None:
    """Take away what Hydra wrote for a run that was refused: its own files and its folder.

    Of the folders ``made_for_it``, innermost first, those that are left empty go as well.
    """
    if (folder / "run.json").exists():
        return
    ours = [*(folder / ".hydra").glob("*.yaml"), folder / "nst.log"]
    if folder in made_for_it:  # a full disk ended it while it wrote these
        ours += [folder / "config.yaml", *(folder / INPUTS).glob("*")]
    for file in ours:
        file.unlink(missing_ok=True)
    for empty in (folder / ".hydra", folder / INPUTS, *made_for_it):
        if not empty.exists():
            continue
        try:
            empty.rmdir()
        except OSError:
            return
