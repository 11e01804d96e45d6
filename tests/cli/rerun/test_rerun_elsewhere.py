"""A run that was saved on another kind of machine, or is to be made again with other words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, nst
from cli.rerun.rerun_command import Told, nst_rerun
from omegaconf import OmegaConf
from PIL import Image

from nst_tf.machine import PRETEND

INSTEAD = "saved with precision bfloat16, which this processor lacks: runs in float32; bits will differ"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, photo: Path) -> Path:
    """The folder of a run that was made in bfloat16, because the machine had it."""
    folder = tmp_path_factory.mktemp("elsewhere")
    words = [word for word in SMALL if not word.startswith("precision=")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PRETEND, "bfloat16")
        answer = nst(folder, *words, f"content={photo}", "style=samples/mosaic.jpg", "optimizer=adam")
    assert answer.status == 0, answer.err
    assert answer.summary["precision"] == "bfloat16"
    return answer.run


@pytest.fixture(autouse=True)
def _without_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PRETEND, "")


def again(told: Told, folder: Path) -> dict:
    """Summary and settings of the run that was made."""
    run = (folder / told.out.splitlines()[0]).parent
    return json.loads((run / "run.json").read_text()) | {"settings": OmegaConf.load(run / "config.yaml")}


def warned(told: Told) -> list[str]:
    """What was said beside the progress of the run."""
    start = "nst-rerun: "
    return [line.removeprefix(start) for line in told.err.splitlines() if line.startswith(start)]


def differences(told: Told) -> list[str]:
    start = "different: "
    return [line.removeprefix(start) for line in told.out.splitlines() if line.startswith(start)]


def test_where_the_precision_is_there_the_bits_are(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PRETEND, "bfloat16")
    told = nst_rerun(tmp_path, saved)
    assert (told.status, "bit-identical" in told.out, warned(told)) == (0, True, []), told


def test_where_it_is_missing_the_run_is_made_in_float32(saved: Path, tmp_path: Path) -> None:
    run = shutil.copytree(saved, tmp_path / "run")
    summary = json.loads((run / "run.json").read_text())
    here = summary["machine"]["processor"]
    summary["machine"]["processor"] = "A Processor with bfloat16"
    (run / "run.json").write_text(json.dumps(summary))
    told = nst_rerun(tmp_path, run)
    assert told.status == 0, told
    assert warned(told) == [INSTEAD]
    assert "not identical" in told.out
    assert "dB, within the tolerance of 20 dB" in told.out
    assert differences(told) == [
        f"processor: A Processor with bfloat16 then, {here} now",
        "precision: bfloat16 then, float32 now",
    ]
    made = again(told, tmp_path)
    assert (made["precision"], made["settings"].precision) == ("float32", "float32")
    log = (tmp_path / told.out.splitlines()[0]).parent / "nst.log"
    assert log.read_text().count("saved with") == 1
    beyond = nst_rerun(tmp_path, run, "--tolerance", "inf")
    assert (beyond.status, "beyond the tolerance" in beyond.out) == (1, True)


def test_words_change_what_is_made(saved: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0).integers(0, 255, (36, 36, 3))
    Image.fromarray(random.astype(np.uint8)).save(tmp_path / "mine (1).png")
    words = (
        "precision=float32",
        "steps=3",
        "optimizer=lbfgs",
        "optimizer.history_size=2",
        "style=mine (1).png",
    )
    told = nst_rerun(tmp_path, saved, "--output", "made", *words)
    assert (told.status in (0, 1), warned(told)) == (True, [])
    assert differences(told)[:3] == [
        "optimizer: adam then, lbfgs now",
        "optimizer.history_size: null then, 2 now",
        "steps: 2 then, 3 now",
    ]
    assert "precision: bfloat16 then, float32 now" in differences(told)
    made = again(told, tmp_path)
    assert (made["steps"], made["settings"].optimizer.history_size) == (3, 2)
    assert made["settings"].layers.content == ["block2_conv2"]  # what the words don't touch stays
    assert made["inputs"]["styles"][0]["file"] == str(tmp_path / "mine (1).png")
    assert made["overrides"][-5:-1] == list(words[:-1])
    # and that run is as complete as any
    (tmp_path / "mine (1).png").unlink()
    third = nst_rerun(tmp_path, "made")
    assert (third.status, "bit-identical" in third.out) == (0, True), third


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["precision=bfloat16"], "precision=bfloat16 is not possible: this processor"),
        (["steps=two"], "steps"),
        (["stepz=2"], "stepz"),
        (["optimizer=lbgfs"], "lbgfs"),
        (["steps=1,2"], "steps"),
        (["style=nowhere.jpg"], "nowhere.jpg does not exist"),
        (["image.size=8"], "image.size must be at least 16"),
        (["memory=tiles", "tile_size=2"], "tile_size=2"),
        (["resume=x"], "goes on with a run that is not completed"),
        (["experiment=gatys2016"], "keeps its own recipe"),
        (["hydra.run.dir=x"], "--output"),
        (["steps"], "'steps' is not of the form KEY=VALUE"),
        (["--export", "x.yaml", "steps=3"], "nst experiment=x.yaml steps=3"),
    ],
)
def test_words_are_checked_as_those_of_nst(words: list[str], said: str, saved: Path, tmp_path: Path) -> None:
    told = nst_rerun(tmp_path, saved, *words)
    assert told.status == 2, told
    assert said in told.sentence
    assert not any(tmp_path.iterdir())


def test_the_runs_of_a_sweep_are_changed_alike(saved: Path, tmp_path: Path) -> None:
    for name in ("0", "1"):
        run = shutil.copytree(saved, tmp_path / "sweep" / name)
        text = (run / "config.yaml").read_text()
        (run / "config.yaml").write_text(text.replace("seed: 0", f"seed: {name}"))
    told = nst_rerun(tmp_path, "sweep", "steps=1", "--output", "made", "--tolerance", "0")
    assert told.status == 0, told
    assert told.err.count(INSTEAD) == 2
    assert "steps: 2 then, 1 now" in told.out
    for name in ("0", "1"):
        settings = OmegaConf.load(tmp_path / "made" / name / "config.yaml")
        assert (settings.steps, settings.seed) == (1, int(name))


@pytest.mark.parametrize("mode", ["plain", "tiles"])
def test_a_mode_of_memory_that_does_not_fit_gives_way(
    mode: str, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(saved, tmp_path / "run")
    # a tile as large as that of a large machine is refused here, as is all in one piece
    limits = {"plain": "memory: plain", "tiles": "memory: tiles\ntile_size: 7"}
    text = (run / "config.yaml").read_text().replace("tile_size: null\n", "")
    (run / "config.yaml").write_text(text.replace("memory: plain", limits[mode]))
    if mode == "plain":
        from nst_tf.runs import memory
        from nst_tf.runs.memory import Mode

        peak = memory.peak_bytes
        monkeypatch.setattr(
            memory,
            "peak_bytes",
            lambda demand, mode, size: peak(demand, mode, size) << 20 * (mode is Mode.plain),
        )
        monkeypatch.setattr(memory, "available_bytes", lambda: 1 << 36)
        monkeypatch.setattr("nst_tf.set_up.device_bytes", lambda: 1 << 36)
    told = nst_rerun(tmp_path, run, "precision=float32")
    assert told.status == 0, told
    now = "recompute" if mode == "plain" else "plain"
    assert f"memory: {mode} then, {now} now" in differences(told)
    log = ((tmp_path / told.out.splitlines()[0]).parent / "nst.log").read_text()
    assert log.count(f"saved with memory: {mode}, which is not possible here: {now}") == 1
    typed = nst_rerun(tmp_path, run, f"memory={mode}", "--output", "typed")
    assert typed.status == 2
