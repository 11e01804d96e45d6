"""Keras as this package needs it, whatever a user's settings say."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from nst_tf import tensorflow_setup as quiet_tensorflow
from nst_tf.errors import InputError
from nst_tf.tensorflow_setup import load_tensorflow, settings_kept


@pytest.fixture
def odd_keras():
    """Somebody's program has told Keras otherwise."""
    before = keras.config.floatx(), keras.config.image_data_format()
    keras.config.set_floatx("float16")
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_image_data_format(before[1])


def settings_of_keras() -> tuple[str, str]:
    return keras.config.floatx(), keras.config.image_data_format()


@pytest.mark.parametrize(
    ("option", "by_default", "ours"),
    [
        ("arithmetic_optimization", True, False),
        ("disable_meta_optimizer", False, not tf.config.list_physical_devices("GPU")),
    ],
)
def test_graphs_stay_as_written_during_a_call_and_a_caller_has_what_it_had(
    option: str, by_default: bool, ours: bool
) -> None:
    def now() -> bool:
        return tf.config.optimizer.get_experimental_options().get(option, by_default)

    try:
        for before in (True, False):
            tf.config.optimizer.set_experimental_options({option: before})
            with settings_kept():
                assert now() is ours
            assert now() is before
    finally:
        load_tensorflow()
    assert now() is ours


def test_the_settings_of_keras_are_ours_during_a_call_and_theirs_after_it(odd_keras: None) -> None:
    log = logging.getLogger("tensorflow")
    log.setLevel(logging.WARNING)
    with settings_kept():
        assert settings_of_keras() == ("float32", "channels_last")
        assert log.level == logging.ERROR
    assert settings_of_keras() == ("float16", "channels_first")
    assert log.level == logging.WARNING
    load_tensorflow()
    assert settings_of_keras() == ("float32", "channels_last")


def test_keras_with_another_backend_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(
        InputError, match=r"^Keras was imported with the backend jax before, and .*=tensorflow"
    ):
        load_tensorflow()
    with pytest.raises(InputError, match="backend jax"), settings_kept():
        pytest.fail("it goes on")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"floatx": "bfloat16"}, "floatx='bfloat16', which Keras refuses: say float16 or float32 or float64"),
        ({"image_data_format": 1}, "image_data_format=1, which Keras refuses: say channels_last or"),
        ({"epsilon": 1}, "epsilon=1, which Keras refuses: say 1e-07"),
        (["floatx"], "holds no settings of Keras"),
        ({"floatx": "float16", "backend": "jax", "image_data_format": "channels_first"}, None),
        (None, None),
    ],
)
def test_settings_that_keras_could_not_be_imported_with(
    settings: object, said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    text = "{ damaged" if settings is None else json.dumps(settings)
    (tmp_path / "keras.json").write_text(text)
    monkeypatch.delitem(sys.modules, "tensorflow")
    if said is None:
        quiet_tensorflow.check_settings_of_keras()
        return
    with pytest.raises(InputError) as caught:
        load_tensorflow()
    assert said in str(caught.value)
    assert str(tmp_path / "keras.json") in str(caught.value)
