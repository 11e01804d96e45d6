"""Files of weights that hold code: each is tried with the attack's own reader first, which falls for it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nst_tf.errors import InputError
from nst_tf.vgg.weights import load_weights


class MakesCanary:
    """Unpickling it makes the file ``canary`` in the present folder."""

    def __reduce__(self):
        return os.system, ("touch canary",)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def objects_in_npz(path: Path) -> None:
    np.savez(path, block1_conv1_kernel=np.array([MakesCanary()], dtype=object))


def read_npz(path: Path) -> None:
    with np.load(path, allow_pickle=True) as archive:
        archive["block1_conv1_kernel"]


def a_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(MakesCanary()))


def read_pickle(path: Path) -> None:
    pickle.loads(path.read_bytes())


def a_lambda_layer(path: Path) -> None:
    import keras

    code = keras.layers.Lambda(lambda x: (__import__("os").system("touch canary"), x)[1], output_shape=(2,))
    keras.Sequential([keras.layers.Input((2,)), code]).save(path)
    Path("canary").unlink(missing_ok=True)  # it sings when the layer is called


def read_lambda_layer(path: Path) -> None:
    import keras

    keras.saving.load_model(path, safe_mode=False, compile=False)(np.zeros((1, 2), np.float32))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "make", "fall_for_it"),
    [
        ("weights.npz", objects_in_npz, read_npz),
        ("weights.pkl", a_pickle, read_pickle),
        ("weights.h5", a_pickle, read_pickle),
        ("weights.keras", a_lambda_layer, read_lambda_layer),
        ("whole.h5", a_lambda_layer, read_lambda_layer),
    ],
)
def test_code_in_weights_is_not_run(
    name: str, make: Callable[[Path], None], fall_for_it: Callable[[Path], None], tmp_path: Path
) -> None:
    path, canary = tmp_path / name, tmp_path / "canary"
    make(path)
    fall_for_it(path)
    assert canary.exists(), "the attack itself does not work"
    canary.unlink()
    with pytest.raises(InputError, match=name):
        load_weights("vgg19", path)
    assert not canary.exists()


def test_no_reader_that_runs_code_is_in_the_package() -> None:
    """Nothing of ours evaluates text, or unpickles, or reads YAML or arrays with objects in them."""
    package = Path(__file__).parents[3] / "nst_tf"
    text = {path: path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    for forbidden in (
        *("import pickle", "import marshal", "import shelve", "import dill", "pickle.load", "joblib.load"),
        *("allow_pickle=True", "load_model(", "safe_mode=False", "yaml.unsafe_load", "yaml.full_load"),
        *("shell=True", " eval(", " exec(", "=eval(", "(eval("),
    ):
        users = {path.name for path, code in text.items() if forbidden in code}
        # one file of known hash is a pickle: its reader builds arrays and refuses every other name
        assert users <= ({"weight_files.py"} if forbidden == "import pickle" else set()), forbidden
