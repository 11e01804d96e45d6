"""Copy the pictures of a sweep into the docs, as JPEG files named by the override that varies.

    python scripts/copy_gallery.py SWEEP_FOLDER DESTINATION

Prints one line a picture: its name, the loss of the saved picture, and seconds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from omegaconf import OmegaConf

from nst_tf.images.read import read_picture
from nst_tf.images.write import write_picture


def main(sweep: Path, destination: Path) -> None:
    """Copy every finished run of the sweep."""
    destination.mkdir(parents=True, exist_ok=True)
    runs = sorted((file.parent for file in sweep.glob("*/run.json")), key=lambda run: int(run.name))
    overrides = {run: set(OmegaConf.load(run / ".hydra" / "overrides.yaml")) for run in runs}
    common = set.intersection(*overrides.values())
    for run in runs:
        summary = json.loads((run / "run.json").read_text())
        if summary["status"] != "completed":
            print(f"{run.name}: {summary['status']}")
            continue
        name = "_".join(Path(word.partition("=")[2]).stem for word in sorted(overrides[run] - common))
        write_picture(destination / f"{name}.jpg", read_picture(run / summary["picture"]).pixels)
        print(f"{name}: loss {summary['loss_of_saved_picture']:.4g}, {summary['seconds']['steps']:.0f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
