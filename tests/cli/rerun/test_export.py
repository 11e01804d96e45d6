"""An exported experiment file says the same configuration, is small, and is never trusted but composed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cli.command_line import SMALL, nst
from cli.rerun.exports import check_round_trip, export, once, plain
from cli.rerun.rerun_command import nst_rerun
from cli.rerun.saved_folders import once_composed, saved_folder

from nst_tf.api import composed
from nst_tf.config import schema
from nst_tf.config.schema import CONF_FOLDER

EXPERIMENTS = [
    path.relative_to(CONF_FOLDER / "experiment").with_suffix("").as_posix()
    for path in sorted((CONF_FOLDER / "experiment").rglob("*.yaml"))
]
# one of each kind; the others, a second each, differ from these in values
QUICK = (*("ablation/statistics", "b06b01073", "gatys2016", "recipe/sliced", "tileable_texture"),)


@pytest.mark.parametrize(
    "experiment",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in EXPERIMENTS],
)
def test_every_experiment_survives(experiment: str, tmp_path: Path) -> None:
    content = check_round_trip(tmp_path, [f"experiment={experiment}"])
    chosen = {key: option for entry in content["defaults"] for key, option in entry.items()}
    groups = {group: one for group, one in once_composed((f"experiment={experiment}",))[1].items() if one}
    # the further terms of an objective come with it
    for group in {one for one in groups if "@" not in one} - {"experiment"}:
        assert group.startswith("hydra/") or chosen[f"override /{group}"] in (groups[group], "given")


def test_the_file_has_every_value_and_tells_where_it_is_from(tmp_path: Path) -> None:
    run = saved_folder(tmp_path / "a run", ["experiment=gatys2016", "image.size=256"])
    export(tmp_path, run)
    lines = (tmp_path / "my_study.yaml").read_text().splitlines()
    assert lines[0] == "# @package _global_"
    assert lines[1] == "# nst experiment=my_study.yaml"
    header = " ".join(line.removeprefix("# ") for line in lines if line.startswith("#"))
    for part in ("nst-rerun", "--export my_study.yaml", f"From the run in {run}", "2.21.0", "a loss of 1.25"):
        assert part in header
    assert (
        "that version: objective=gatys2016 init=noise pyramid=single color=none image.size=256"
        ' model.pooling="avg" steps=500 precision="float32" written by nst_tf '
    ) in header
    stated = yaml.safe_load((tmp_path / "my_study.yaml").read_text())
    del stated["defaults"]
    everything = once(["experiment=gatys2016", "image.size=256"])
    for key in ("logger", "resume", "layers"):  # the layers are those that the objective names
        del everything[key]
    assert stated == everything


@pytest.fixture
def other_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As a later version might have them: other values and other options."""
    conf = shutil.copytree(CONF_FOLDER, tmp_path / "conf")
    for file, old, new in (
        ("config.yaml", "steps: 29 ", "steps: 99 "),
        ("config.yaml", "size: 512 ", "size: 640 "),
        ("config.yaml", "bits: 8 ", "bits: 16 "),
        ("config.yaml", "optimizer: lbfgs", "optimizer: adam"),
        ("config.yaml", "objective: wasserstein", "objective: gatys2016"),
        ("config.yaml", "pyramid: coarse_to_fine", "pyramid: single"),
        ("optimizer/lbfgs.yaml", "first_step: 0.03", "first_step: 0.07"),
        ("objective/wasserstein.yaml", "weight: 3.0", "weight: 5.0"),
        ("objective/wasserstein.yaml", "style: wasserstein", "style: gram"),
        ("model/vgg19.yaml", "pooling: max", "pooling: avg"),
    ):
        text = (conf / file).read_text()
        assert old in text, (file, old)
        (conf / file).write_text(text.replace(old, new, 1))
    for module in ("nst_tf.api", "nst_tf.config.schema"):
        monkeypatch.setattr(f"{module}.CONF_FOLDER", conf)
    schema.option_values.cache_clear()
    yield
    schema.option_values.cache_clear()


def test_a_study_means_the_same_when_defaults_change(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    words = ["objective.style.weight=7", "optimizer.octaves=3"]
    export(tmp_path, saved_folder(tmp_path / "run", words))
    for weight in ("1e2", "1e3"):
        saved_folder(tmp_path / "sweep" / weight, [*words[1:], f"objective.style.weight={weight}"])
    export(tmp_path, tmp_path / "sweep", "all.yaml")
    then, then_swept = once(words), once([*words[1:], "objective.style.weight=1e3"])
    request.getfixturevalue("other_defaults")
    assert plain([])["steps"] == 99
    assert plain([f"experiment={tmp_path / 'my_study.yaml'}"]) == then
    assert plain([f"experiment={tmp_path / 'all.yaml'}", "objective.style.weight=1e3"]) == then_swept


def test_keys_that_are_later_than_a_study_have_the_values_of_before(tmp_path: Path) -> None:
    export(tmp_path, saved_folder(tmp_path / "run", ["optimizer.learning_rate=0.5"]))
    study = tmp_path / "my_study.yaml"
    later = ("octaves:", "first_step:", "alpha:", "exif:", "average:")
    lines = study.read_text().splitlines(keepends=True)
    study.write_text("".join(line for line in lines if not line.strip().startswith(later)))
    again = plain([f"experiment={study}"])
    assert (again["optimizer"]["octaves"], again["optimizer"]["first_step"]) == (0, 0.01)
    assert (again["record"]["alpha"], again["record"]["exif"], again["average"]) == ("flatten", False, None)
    # a file that a person wrote has what it does not say from the options
    study.write_text("optimizer:\n  _target_: nst_tf.optim.LBFGS\n")
    assert plain([f"experiment={study}"]) == plain([])


def test_an_option_of_the_command_line_takes_the_place_of_what_a_study_has_there(tmp_path: Path) -> None:
    export(tmp_path, saved_folder(tmp_path / "run", ["steps=3", "objective=gatys2016"]))
    study = f"experiment={tmp_path / 'my_study.yaml'}"
    others = ["optimizer=adam", "objective=crowson", "model=vgg16", "layers=johnson2016"]
    for word in others:
        assert plain([study, word]) == once(["objective=gatys2016", "steps=3", word]), word
    assert plain([study, *others]) == once(["steps=3", *others])
    assert plain([study, "optimizer.learning_rate=0.5"])["optimizer"]["learning_rate"] == 0.5


def test_a_comment_can_not_become_a_key(tmp_path: Path) -> None:
    run = saved_folder(tmp_path / "run")
    summary = json.loads((run / "run.json").read_text())
    summary["versions"]["tensorflow"] = "2\nsteps: 3\u2028seed: 4"
    (run / "run.json").write_text(json.dumps(summary))
    export(tmp_path, run)
    content = yaml.safe_load((tmp_path / "my_study.yaml").read_text())
    assert (content["steps"], content["seed"]) == (once([])["steps"], once([])["seed"])


PLAIN = {"precision": "auto", "memory": "auto", "tile_size": None}


@pytest.mark.parametrize(
    ("words", "fixed"),
    [
        ([], {}),
        (["precision=auto", "steps=3"], {}),
        (["precision=float32"], {"precision": "float32"}),
        (["memory=tiles", "tile_size=512"], {"memory": "tiles", "tile_size": 512}),
        (["experiment=gatys2016"], {"precision": "float32"}),
        (["experiment=gatys2016", "precision=auto"], {}),
        (["experiment=recipe/gram"], {}),
        (["experiment=STUDY"], {"precision": "float32"}),
        (["experiment=FREE"], {}),
    ],
    ids=" ".join,
)
def test_a_study_has_what_was_asked_for_and_not_what_its_machine_had(
    words: list[str], fixed: dict, tmp_path: Path
) -> None:
    (tmp_path / "STUDY.yaml").write_text("# @package _global_\nprecision: float32\n")
    (tmp_path / "FREE.yaml").write_text("# @package _global_\nsteps: 3\n")
    typed = [f"experiment={tmp_path / word[11:]}.yaml" if word[11:].isupper() else word for word in words]
    run = saved_folder(tmp_path / "run", typed)
    summary = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(summary | {"overrides": words}))  # as Hydra notes them
    for file in ("STUDY.yaml", "FREE.yaml"):
        (tmp_path / file).unlink()
    export(tmp_path, run)
    again = plain([f"experiment={tmp_path / 'my_study.yaml'}"])
    assert {key: again[key] for key in PLAIN} == PLAIN | fixed


def test_pictures_beside_the_file_are_named_from_it(tmp_path: Path, photo: Path) -> None:
    run = saved_folder(
        tmp_path / "runs" / "first", [f"content={photo}", f"style={photo}", "init=file", f"init.path={photo}"]
    )
    (run / "inputs").mkdir()
    summary = json.loads((run / "run.json").read_text())
    for entry in (summary["inputs"]["content"], summary["inputs"]["init"]):
        entry["copy"] = "inputs/a.png"
    (run / "inputs" / "a.png").write_bytes(photo.read_bytes())
    (run / "run.json").write_text(json.dumps(summary))
    export(tmp_path, run)
    content = yaml.safe_load((tmp_path / "my_study.yaml").read_text())
    assert content["content"] == content["init"]["path"] == "runs/first/inputs/a.png"
    # wherever it is used from, and wherever the folder goes
    (tmp_path / "runs").rename(tmp_path / "moved")
    moved = tmp_path / "moved" / "my_study.yaml"
    moved.write_text((tmp_path / "my_study.yaml").read_text().replace("runs/", ""))
    assert composed([f"experiment={moved}"])[0].content == str(tmp_path / "moved" / "first/inputs/a.png")
    # elsewhere, it is named absolutely
    (tmp_path / "other").mkdir()
    export(tmp_path, tmp_path / "moved" / "first", "other/study.yaml")
    content = yaml.safe_load((tmp_path / "other" / "study.yaml").read_text())
    assert content["content"] == str(tmp_path / "moved" / "first/inputs/a.png")


def test_a_sweep_is_exported_as_a_sweep(tmp_path: Path) -> None:
    words = ["experiment=crowson", "image.size=64"]
    for number, (weight, optimizer) in enumerate((w, o) for w in ("1e2", "1e3") for o in ("adam", "sgd")):
        own = [f"objective.style.weight={weight}", f"optimizer={optimizer}"]
        saved_folder(tmp_path / "sweep" / str(number), [*words, *own])
    export(tmp_path, tmp_path / "sweep", "all.yaml")
    content = yaml.safe_load((tmp_path / "all.yaml").read_text())
    assert content["hydra"] == {
        "mode": "MULTIRUN",
        "sweeper": {"params": {"objective.style.weight": "1e2,1e3", "optimizer": "adam,sgd"}},
    }
    for number, own in enumerate((w, o) for w in ("1e2", "1e3") for o in ("adam", "sgd")):
        swept = [f"objective.style.weight={own[0]}", f"optimizer={own[1]}"]
        assert plain([f"experiment={tmp_path / 'all.yaml'}", *swept]) == once([*words, *swept]), number


def test_jobs_with_a_copy_each_of_the_same_picture_have_one_picture(tmp_path: Path, photo: Path) -> None:
    for number, weight in enumerate(("1e2", "1e3")):
        words = [f"content={photo}", f"style={photo}", f"objective.style.weight={weight}"]
        run = saved_folder(tmp_path / "sweep" / str(number), words)
        (run / "inputs").mkdir()
        (run / "inputs" / "content.png").write_bytes(photo.read_bytes())
        summary = json.loads((run / "run.json").read_text())
        for entry in (summary["inputs"]["content"], *summary["inputs"]["styles"]):
            entry["copy"] = "inputs/content.png"
        (run / "run.json").write_text(json.dumps(summary))
    export(tmp_path, tmp_path / "sweep", "all.yaml")
    content = yaml.safe_load((tmp_path / "all.yaml").read_text())
    assert content["content"] == content["style"] == "sweep/0/inputs/content.png"
    assert content["hydra"]["sweeper"]["params"] == {"objective.style.weight": "1e2,1e3"}


def test_a_sweep_over_pictures_names_their_copies(tmp_path: Path, photo: Path) -> None:
    odd = tmp_path / 'a (1), "b".png'
    odd.write_bytes(photo.read_bytes())
    for number, style in enumerate(("samples/mosaic.jpg", str(odd))):
        escaped = style.replace('"', '\\"')
        saved_folder(tmp_path / "sweep" / str(number), [f'style="{escaped}"'])
    export(tmp_path, tmp_path / "sweep", "all.yaml")
    params = yaml.safe_load((tmp_path / "all.yaml").read_text())["hydra"]["sweeper"]["params"]
    escaped = str(odd).replace('"', '\\"')
    assert params == {"style": f'"samples/mosaic.jpg","{escaped}"'}


def test_what_can_not_be_exported(tmp_path: Path) -> None:
    run = saved_folder(tmp_path / "run")
    (tmp_path / "there.yaml").write_text("mine")
    cases = {
        "there.yaml": "is there already",
        "study.txt": "must end in .yaml",
        "nowhere/study.yaml": "no folder",
    }
    for name, said in cases.items():
        told = nst_rerun(tmp_path, run, "--export", name)
        assert (told.status, said in told.sentence) == (2, True), told
    assert (tmp_path / "there.yaml").read_text() == "mine"
    less = saved_folder(tmp_path / "less", ["~objective.content.distance"])
    told = nst_rerun(tmp_path, less, "--export", "less.yaml")
    assert told.status == 2
    assert "objective.content.distance" in told.sentence
    for number, words in enumerate((["steps=1", "seed=1"], ["steps=2", "seed=2"])):
        saved_folder(tmp_path / "search" / str(number), words)
    told = nst_rerun(tmp_path, tmp_path / "search", "--export", "search.yaml")
    assert told.status == 2
    assert "not all combinations" in told.sentence
    assert {path.name for path in tmp_path.iterdir()} == {"run", "less", "search", "there.yaml"}


def test_a_key_that_is_not_there_has_the_value_of_its_class(tmp_path: Path) -> None:
    for number, rate in enumerate(("0.5", "1.0")):
        words = [f"optimizer.learning_rate={rate}", "~optimizer.octaves", "~optimizer.first_step"]
        saved_folder(tmp_path / "sweep" / str(number), words)
    for folder in ("sweep", "sweep/0"):
        export(tmp_path, tmp_path / folder)
        saved = yaml.safe_load((tmp_path / "my_study.yaml").read_text())["optimizer"]
        assert (saved["octaves"], saved["first_step"]) == (0, 0.01)
        (tmp_path / "my_study.yaml").unlink()
    # what only one of two optimizers has, no list of options can say
    adam = saved_folder(tmp_path / "sweep" / "1", ["optimizer=adam"])
    for run, words in ((adam, ["optimizer=adam"]), (adam.parent / "0", ["optimizer=lbfgs"])):
        summary = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps(summary | {"overrides": words}))
    told = nst_rerun(tmp_path, "sweep", "--export", "my_study.yaml")
    assert told.status == 2
    assert told.sentence.endswith(": export single runs of it")


def test_an_experiment_without_its_pictures_is_named(tmp_path: Path, photo: Path) -> None:
    (tmp_path / "here").mkdir()
    study = tmp_path / "study.yaml"
    for text, key in (
        ("content: runs/content.jpg", "runs/content.jpg"),
        ("style: [samples/mosaic.jpg, runs/style.jpg]", "runs/style.jpg"),
        ("defaults: [{override /init: file}]\ninit: {path: runs/start.jpg}", "runs/start.jpg"),
        ("model: {weights: runs/w.h5}", "runs/w.h5"),
    ):
        study.write_text(f"# @package _global_\n{text}\n")
        answer = nst(tmp_path / "here", *SMALL[1:], "experiment=../study.yaml")
        assert answer.status == 2
        assert answer.err.splitlines()[-1] == (
            f"nst: ../study.yaml names {key}, which is neither beside it ({tmp_path / key}) nor in the"
            " present folder: take the file and its pictures along together"
        )
    study.write_text(f"# @package _global_\ncontent: {tmp_path}/gone.jpg\n")
    answer = nst(tmp_path, *SMALL, "experiment=study.yaml")
    assert answer.err == (
        f"nst: study.yaml names {tmp_path}/gone.jpg, which does not exist: take the file and its pictures"
        " along together\n"
    )
    # what stands on the command line is no matter of the file
    answer = nst(tmp_path, *SMALL, "experiment=study.yaml", "content=elsewhere.jpg")
    assert "study.yaml" not in answer.err
    assert "elsewhere.jpg" in answer.err


def test_a_configuration_that_can_not_be_read_is_named_once(tmp_path: Path) -> None:
    run = saved_folder(tmp_path / "run")
    with (run / "config.yaml").open("a") as file:
        file.write("average: !run {}\n")
    assert nst_rerun(tmp_path, "run").sentence.count("config.yaml") == 1
