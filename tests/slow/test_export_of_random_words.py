"""An experiment file exported from words chosen by chance says the same configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.rerun.exports import check_round_trip
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

WORDS = some.fixed_dictionaries(
    {},
    optional={
        "objective": some.sampled_from(["crowson", "gatys2016", "pastiche", "lecture_gram"]),
        "objective/style": some.sampled_from(["gram_sum", "mmd_gaussian", "sliced_wasserstein"]),
        "optimizer": some.sampled_from(["adam", "sgd_exponential", "lbfgs_torch"]),
        "pyramid": some.just("single"),
        "init": some.sampled_from(["noise", "style"]),
        "layers": some.sampled_from(["gatys2016", "given", "johnson2016"]),
        "layers.style": some.sampled_from(
            [
                "[block1_conv1,block3_conv1]",
                "block2_conv2",
                "{block2_conv1:2,block1_conv1:0.5}",
                "{block1_conv1:1.0,block2_conv1:1,block3_conv1:1,block4_conv1:1,block5_conv1:1e-7}",
            ]
        ),
        "layers.content": some.sampled_from(["block4_conv2", "{block3_conv1:1}"]),
        "objective.style.weight": some.floats(1e-9, 1e9) | some.integers(0, 10**6),
        "optimizer.learning_rate": some.sampled_from(["1", "1.0", "1e-3"]),
        "steps": some.integers(1, 10**6),
        "average": some.sampled_from(["null", "0.99"]),
        "image.stretch": some.sampled_from(["none", "style", "square"]),
        "style": some.sampled_from(["[samples/mosaic.jpg,samples/watercolour.jpg]", "samples/mosaic.jpg"]),
        "record.picture": some.sampled_from(["1e5.png", "null.png", "'a: b #c.png'"]),
        "+optimizer.name": some.sampled_from(["null", "1e5", "'yes'", "'on'", "'0x10'"]),
    },
)


@pytest.mark.slow
@settings(max_examples=8, suppress_health_check=list(HealthCheck), derandomize=True)
@given(words=WORDS)
def test_random_words_survive(words: dict, tmp_path: Path) -> None:
    if "layers.style" in words and words.get("layers") not in (None, "given"):
        del words["layers.style"]  # Hydra refuses to put a mapping where the option has a list
    if words.get("layers") not in (None, "given"):
        words.pop("layers.content", None)
    if not {"layers.content", "layers.style"} <= words.keys() and words.get("layers") == "given":
        del words["layers"]  # which is for those who give both
    if words.get("average") == "0.99" and words.get("optimizer") != "sgd_exponential":
        words["optimizer"] = "adam"  # L-BFGS takes no average
    check_round_trip(tmp_path, [f"{key}={value}" for key, value in words.items()])
