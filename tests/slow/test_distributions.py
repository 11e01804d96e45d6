"""What would be uploaded: wheel and source distribution are built, checked, and installed elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from cli.command_line import REPOSITORY, SMALL

from nst_tf import __version__

# 20 seconds of processor time, of which the run has half; 50 seconds by the clock on two busy cores
pytestmark = pytest.mark.slow


def call(*words: str | Path, folder: Path) -> str:
    """What the program prints; it has to succeed, and finds nothing of the repository by itself."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        words, cwd=folder, env=variables, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, folder: Path, *words: str) -> Path:
    """``python -m build`` with the backend that is installed, so that no network is needed."""
    call(
        sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, *words, source, folder=REPOSITORY
    )
    return folder


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that was built from it."""
    return build(REPOSITORY, tmp_path_factory.mktemp("distributions"))


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    return distributions / f"nst_tf-{__version__}-py3-none-any.whl"


def files_of(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files_below(folder: Path) -> list[str]:
    return [
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]


def test_the_index_would_take_both(distributions: Path) -> None:
    files = sorted(distributions.iterdir())
    assert [path.name for path in files] == [
        f"nst_tf-{__version__}-py3-none-any.whl",
        f"nst_tf-{__version__}.tar.gz",
    ]
    said = call(sys.executable, "-m", "twine", "check", "--strict", *files, folder=distributions)
    assert said.count("PASSED") == 2


def test_the_wheel_holds_the_package_with_its_configuration_and_samples(wheel: Path) -> None:
    packed = {name for name in files_of(wheel) if ".dist-info/" not in name}
    package = files_below(REPOSITORY / "nst_tf")
    configuration = [f"nst_tf/{name}" for name in files_below(REPOSITORY / "conf")]
    assert packed == {*package, *configuration}
    assert packed >= {"nst_tf/py.typed", "nst_tf/conf/config.yaml", "nst_tf/samples/landscape.jpg"}


def test_the_wheel_of_the_source_distribution_is_that_of_the_code(wheel: Path, tmp_path: Path) -> None:
    ours = build(REPOSITORY, tmp_path, "--wheel") / wheel.name
    assert files_of(ours) == files_of(wheel)


def test_the_source_distribution_has_what_its_tests_read(distributions: Path) -> None:
    with tarfile.open(distributions / f"nst_tf-{__version__}.tar.gz") as archive:
        names = set(archive.getnames())
    for folder in ("conf", "nst_tf", "scripts", "tests"):
        code = (name for name in files_below(REPOSITORY / folder) if name.endswith((".py", ".yaml")))
        assert {f"nst_tf-{__version__}/{name}" for name in code} <= names, folder
    for name in ("pyproject.toml", "docs/architecture.md", "docs/extending.md", "docs/quickstart.ipynb"):
        assert f"nst_tf-{__version__}/{name}" in names


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands in a new environment: the wheel alone, and what it depends on from here."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    call(python, "-m", "pip", "install", "--no-deps", "--no-index", wheel, folder=environment)
    packages = Path(
        call(
            python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=environment
        ).strip()
    )
    here = [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    (packages / "dependencies.pth").write_text("\n".join(here) + "\n")
    where = call(python, "-c", "import nst_tf; print(nst_tf.__file__)", folder=environment)
    assert Path(where.strip()) == packages / "nst_tf" / "__init__.py"
    return python.parent


def test_help_lists_what_the_wheel_brings(programs: Path, tmp_path: Path) -> None:
    said = call(programs / "nst", "--help", folder=tmp_path)
    for option in ("vgg16", "gatys2016", "coarse_to_fine"):
        assert option in said


@pytest.mark.parametrize("program", ["nst", "nst-rerun", "nst-compare"])
def test_every_command_is_installed(program: str, programs: Path, tmp_path: Path) -> None:
    assert f" {__version__} " in call(programs / program, "--version", folder=tmp_path)


def test_a_run_of_bundled_pictures(programs: Path, tmp_path: Path) -> None:
    picture = Path(call(programs / "nst", *SMALL, folder=tmp_path).strip().splitlines()[-1])
    assert (tmp_path / picture).is_file()
    assert (tmp_path / picture).resolve().is_relative_to(tmp_path.resolve())
    assert {"config.yaml", "run.json"} <= {path.name for path in (tmp_path / picture).parent.iterdir()}
