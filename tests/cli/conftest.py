"""Pictures to run on, and one finished run that many tests look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, Answer, keep_sizes, nst
from PIL import Image


def _picture(path: Path, height: int, width: int, seed: int) -> Path:
    """Waves of color: neither flat, where gradients vanish, nor noise."""
    random = np.random.default_rng(seed)
    down, across = np.mgrid[0:height, 0:width][..., np.newaxis]
    phase, turn = random.uniform(0, 6, 3), random.uniform(0.1, 0.5, (2, 3))
    waves = 0.5 + 0.45 * np.sin(turn[0] * down + turn[1] * across + phase)
    Image.fromarray((255 * waves).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="session", autouse=True)
def untrained_weights_drawn_once() -> Iterator[None]:
    """Twenty million random numbers take as long as the rest of a small run."""
    from nst_tf.vgg import weights as sources

    drawn, draw = {}, sources.untrained

    def kept(vgg, seed):
        if (vgg.name, seed) not in drawn:
            drawn[vgg.name, seed] = draw(vgg, seed)
        return drawn[vgg.name, seed]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "untrained", kept)
        yield


@pytest.fixture
def sizes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``nst`` does, for tests that call ``stylize`` or ``rerun`` by themselves."""
    keep_sizes(monkeypatch)


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 x 32 pixels."""
    return _picture(tmp_path_factory.mktemp("pictures") / "photo.png", 32, 40, 1)


@pytest.fixture(scope="session")
def painting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 x 48 pixels, in a file whose name has a space."""
    return _picture(tmp_path_factory.mktemp("pictures") / "a painting.png", 48, 36, 2)


@pytest.fixture(scope="session")
def small(photo: Path, painting: Path) -> tuple[str, ...]:
    """The words of a small run."""
    return (*SMALL, f"content={photo}", f"style={painting}")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, small: tuple[str, ...]) -> Answer:
    """A run over two sizes, with a progress picture every two steps."""
    words = (*small, "pyramid=coarse_to_fine", "pyramid.smallest=24", "image.size=48", "steps=3", "seed=7")
    answer = nst(
        tmp_path_factory.mktemp("finished"), *words, "pyramid.steps_factor=1", "record.image_every=2"
    )
    assert answer.status == 0, answer.err
    return answer


@pytest.fixture(scope="session")
def network(random_weights):
    """The first two blocks of the untrained network, in NumPy."""
    from reference.numpy_vgg import NumpyVgg

    return NumpyVgg(random_weights.kernels, random_weights.biases, blocks=2)


@pytest.fixture
def own_size(small: tuple[str, ...], tmp_path: Path) -> tuple[str, ...]:
    """A run whose pictures need no resizing, so that another program can compute its loss."""
    random = np.random.default_rng(3)
    for name, shape in {"content.png": (24, 32, 3), "style.png": (32, 20, 3)}.items():
        coarse = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        coarse.resize(shape[1::-1], Image.Resampling.BICUBIC).save(tmp_path / name)
    return (*small, "objective=pastiche", "content=content.png", "style=style.png")
