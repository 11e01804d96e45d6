"""A configuration as names and values, and which of them were asked for."""

from __future__ import annotations

from nst_tf.loggers.loggers import flat_settings, overridden


def test_a_configuration_becomes_a_table() -> None:
    settings = {
        "steps": 60,
        "average": None,
        "image": {"clip": True, "size": 64},
        "layers": {"style": ["block1_conv1", "block2_conv1"]},
        "logger": {},
    }
    choices = {"optimizer": "adam", "objective/style": "gram", "experiment": None}
    assert flat_settings(settings, choices) == {
        "optimizer": "adam",
        "objective.style": "gram",
        "steps": 60,
        "average": "null",
        "image.clip": True,
        "image.size": 64,
        "layers.style": '["block1_conv1", "block2_conv1"]',
    }


def test_what_was_asked_for_has_the_value_that_it_got() -> None:
    settings = {"optimizer": "adam", "objective.style": "gram", "objective.style.weight": 100.0, "steps": 60}
    words = [
        "optimizer=adam",
        "objective.style.weight=1e2",
        "objective/style=gram",
        "+layers.style={block1_conv1:1}",
        "~style_weights",
        "logger=[tensorboard,mlflow]",
        "logger.mlflow.experiment=study",
        "record.image_every=5",
        "hydra.run.dir=here",
    ]
    assert overridden(settings, words) == {
        "optimizer": "adam",
        "objective.style.weight": 100.0,
        "objective.style": "gram",
        "layers.style": "{block1_conv1:1}",
    }
