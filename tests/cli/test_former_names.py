"""Classes that saved runs and people's own experiment files call by the name that they had in version 0.1."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.command_line import nst
from hydra.utils import get_class

from nst_tf.config.build import check_targets, with_present_names
from nst_tf.errors import InputError

NAMES = {
    "nst_tf.balance.balances.AutoBalance": "nst_tf.balance.AutoBalance",
    "nst_tf.colour.luminance.Luminance": "nst_tf.color.Luminance",
    "nst_tf.configuration.guidance.MaskGuidance": "nst_tf.guidance.masks.MaskGuidance",
    "nst_tf.losses.style.StyleLoss": "nst_tf.losses.StyleLoss",
    "nst_tf.objective.blending.SummedLosses": "nst_tf.objective.blending.SummedLosses",
    "nst_tf.optimizers.TorchLBFGS": "nst_tf.optim.TorchLBFGS",
    "nst_tf.optimizers.lbfgs.LBFGS": "nst_tf.optim.LBFGS",
    "nst_tf.pyramid.CoarseToFine": "nst_tf.pyramid.CoarseToFine",
    "nst_tf.run.start_from_file.FileStart": "nst_tf.init.FileStart",
    "nst_tf.start.NoiseStart": "nst_tf.init.NoiseStart",
    "nst_tf.start.images.ContentStart": "nst_tf.init.ContentStart",
    "nst_tf.statistics.gram.Gram": "nst_tf.statistics.Gram",
    "nst_tf.statistics.kernels.GaussianKernel": "nst_tf.statistics.GaussianKernel",
    "nst_tf.video.beginning.FollowFlow": "nst_tf.video.FollowFlow",
}


@pytest.mark.parametrize(("former", "present"), NAMES.items())
def test_a_former_name_is_read_as_the_present_one(former: str, present: str) -> None:
    check_targets({"_target_": former})
    assert with_present_names({"a": [{"_target_": former}]}) == {"a": [{"_target_": present}]}
    assert get_class(present).__name__ == present.rpartition(".")[2]


@pytest.mark.parametrize(
    "target",
    ["nst_tf.optim.loop.Solver", "nst_tf.start.os.system", "nst_tf.colour.Path", "nst_tf.run.os.system"],
)
def test_what_never_described_a_run_is_no_former_name(target: str) -> None:
    assert with_present_names({"_target_": target}) == {"_target_": target}
    with pytest.raises(InputError, match="is not allowed"):
        check_targets({"_target_": target})


def test_an_experiment_of_somebody_with_former_names_runs(small: tuple[str, ...], tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(
        "# @package _global_\n"
        "init: {_target_: nst_tf.start.images.ContentStart}\n"
        "color: {_target_: nst_tf.colour.Luminance}\n"
    )
    answer = nst(tmp_path, *small, f"experiment={study}", "steps=1")
    assert answer.status == 0, answer.err
    saved = (answer.run / "config.yaml").read_text()
    assert "nst_tf.init.ContentStart" in saved
    assert "nst_tf.color.Luminance" in saved
