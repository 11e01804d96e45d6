"""What a photograph tells of itself goes on to the result."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base

from nst_tf.images.exif import carried_exif
from nst_tf.images.read import read_picture
from nst_tf.images.write import FileForm, read_metadata, write_picture

PIXELS = np.random.default_rng(9).random((32, 48, 3), dtype=np.float32)
CAMERA = {Base.Make: "Maker", Base.Model: "Box 1", Base.Artist: "A. Author", Base.Copyright: "(c) A. Author"}
TAKEN = {
    Base.DateTimeOriginal: "2019:07:04 05:06:07",
    Base.ExposureTime: 0.005,
    Base.FNumber: 2.8,
    Base.ISOSpeedRatings: 200,
}
PRIVATE = {Base.MakerNote: b"secret" * 9, Base.BodySerialNumber: "12345"}
PLACE = {1: "N", 2: (48.0, 31.0, 12.0), 3: "E", 4: (9.0, 3.0, 20.0)}


def photograph(image_format="JPEG", orientation=6):
    """A file with everything, orientation and thumbnail included."""
    exif = Image.Exif()
    exif.update(CAMERA | {Base.ImageDescription: "a caption", Base.Orientation: orientation})
    exif.get_ifd(IFD.Exif).update(TAKEN | PRIVATE)
    exif.get_ifd(IFD.GPSInfo).update(PLACE)
    encoded = BytesIO()
    Image.fromarray((PIXELS * 255).astype(np.uint8)).save(encoded, image_format, exif=exif.tobytes())
    return encoded.getvalue()


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("suffix", "bits"), [(".jpg", 8), (".png", 8), (".webp", 8), (".tif", 8), (".png", 16), (".tif", 16)]
)
def test_camera_date_and_author_go_with_the_result(tmp_path, source, suffix, bits):
    exif = carried_exif(photograph(source), "a", with_place=True)
    path = tmp_path / f"a{suffix}"
    notes = {"nst_tf": "seed: 7"}
    write_picture(path, PIXELS, notes, form=FileForm(bits, exif=exif))
    with Image.open(path) as image:
        found = image.getexif()
        assert {tag: found[tag] for tag in CAMERA} == CAMERA
        taken = found.get_ifd(IFD.Exif)
        assert {tag: taken[tag] for tag in TAKEN} == pytest.approx(TAKEN)
        assert (taken[Base.ExifImageWidth], taken[Base.ExifImageHeight]) == (48, 32)
        assert taken[Base.ColorSpace] == 1
        assert not set(PRIVATE) & set(taken)
        assert {tag: found.get_ifd(IFD.GPSInfo)[tag] for tag in PLACE} == PLACE
        assert found.get(Base.Orientation, 1) == 1
        assert not found.get_ifd(IFD.IFD1)  # where a thumbnail is
    metadata = read_metadata(path)
    assert metadata["nst_tf"] == "seed: 7"
    if suffix != ".png":
        assert metadata["description"] == "a caption"
    assert read_picture(path).pixels.shape == PIXELS.shape  # not turned again


def test_the_place_stays_at_home_unless_asked():
    exif = carried_exif(photograph(), "a")
    assert exif[Base.Model] == "Box 1"
    assert b"GPS" not in exif.tobytes()
    assert not exif.get_ifd(IFD.GPSInfo)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: b"",
        lambda file: b"no picture",
        lambda file: file.replace(b"Exif\0\0II*\0", b"Exif\0\0XX*\0").replace(
            b"Exif\0\0MM\0*", b"Exif\0\0XX\0*"
        ),
        lambda file: file.replace(b"Exif\0\0MM\0*\0\0\0\x08", b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        lambda file: file[:60] + b"\xff" * 40 + file[100:],
    ],
)
def test_damaged_data_are_not_fatal(tmp_path, damage):
    exif = carried_exif(damage(photograph()), "a.jpg", with_place=True)
    write_picture(tmp_path / "a.tif", PIXELS, form=FileForm(exif=exif))
    write_picture(tmp_path / "a.jpg", PIXELS, form=FileForm(exif=exif))
    read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_copyright_sign_stays_one(tmp_path, suffix, encoding):
    """The bytes of the file go on, whichever encoding its program took."""
    text = "© Jürgen".encode(encoding)
    exif = Image.Exif()
    exif[Base.Copyright] = exif[Base.ImageDescription] = text
    source = BytesIO()
    Image.fromarray((PIXELS * 255).astype(np.uint8)).save(source, "JPEG", exif=exif.tobytes())
    path = tmp_path / f"a{suffix}"
    carried = carried_exif(source.getvalue(), "a")
    write_picture(path, PIXELS, {"nst_tf": "seed: 7"}, form=FileForm(exif=carried))
    with Image.open(path) as image:
        assert image.getexif()[Base.Copyright].encode("latin-1") == text
    if suffix != ".png" and encoding == "utf-8":
        assert read_metadata(path)["description"] == "© Jürgen"


def test_without_any():
    plain = BytesIO()
    Image.fromarray((PIXELS * 255).astype(np.uint8)).save(plain, "PNG")
    assert not carried_exif(plain.getvalue(), "a")
