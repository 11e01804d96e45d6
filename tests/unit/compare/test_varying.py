from __future__ import annotations

from pathlib import Path

from unit.compare.made_runs import made_run

from nst_tf.compare.reading import read_runs, short_names
from nst_tf.compare.tables import varying


def test_what_was_asked_for_comes_first_and_a_group_stands_for_its_leaves(sweep: Path) -> None:
    runs = read_runs(sorted(sweep.iterdir()))
    assert varying(runs) == ["objective.style.weight", "optimizer"]
    assert varying(runs[:2]) == ["optimizer"]
    assert varying(runs[:1]) == []


def test_a_leaf_that_differs_within_an_option_is_named(tmp_path: Path) -> None:
    runs = read_runs(
        [
            made_run(tmp_path / "0", {"optimizer.history_size": 20, "seed": 1}),
            made_run(tmp_path / "1", {"optimizer.history_size": 5, "seed": 1.0}),
            made_run(tmp_path / "2", {"optimizer": {"beta_1": 0.9}}, choices={"optimizer": "adam"}),
        ]
    )
    assert varying(runs) == ["optimizer", "optimizer.history_size"]


def test_an_experiment_stands_for_all_that_it_lays_down(tmp_path: Path) -> None:
    gatys = {
        "experiment": "gatys2016",
        "objective": "gatys2016",
        "objective/style": "gram",
        "optimizer": "lbfgs",
    }
    crowson = {
        "experiment": "crowson",
        "objective": "crowson",
        "objective/style": "gauss",
        "optimizer": "adam",
    }
    runs = read_runs(
        [
            made_run(tmp_path / "0", {"steps": 100, "seed": 1}, choices=gatys, overrides=["seed=1"]),
            made_run(tmp_path / "1", {"steps": 200, "seed": 1}, choices=crowson, overrides=["seed=1"]),
            made_run(tmp_path / "2", {"steps": 200, "seed": 2}, choices=crowson, overrides=["seed=2"]),
        ]
    )
    assert varying(runs) == ["seed", "experiment"]


def test_the_experiment_of_an_exported_study_is_no_difference(tmp_path: Path) -> None:
    runs = read_runs(
        [
            made_run(tmp_path / "0", {"seed": 1}),
            made_run(tmp_path / "1", {"seed": 2}, choices={"experiment": "my_study"}),
        ]
    )
    assert varying(runs) == ["seed"]


def test_no_two_settings_have_one_name() -> None:
    names = [
        "a.style.weight",
        "b.style.weight",
        "objective.content.weight",
        "c.style.weight.x",
        "steps",
        "x.steps",
    ]
    assert list(short_names(names).values()) == [
        *("a.style.weight", "b.style.weight", "content.weight", "weight.x", "steps", "x.steps")
    ]


def test_an_objective_brings_its_own_terms(tmp_path: Path) -> None:
    choices = [{"objective": "a", "objective/style": "x"}, {"objective": "b", "objective/style": "y"}]
    runs = read_runs([made_run(tmp_path / str(n), choices=one) for n, one in enumerate(choices)])
    assert varying(runs) == ["objective"]


def test_a_value_that_refers_to_another_is_named_once(tmp_path: Path) -> None:
    words = "objective.style.layers"
    runs = read_runs(
        [
            made_run(
                tmp_path / name, {words: [name], "layers.style": [name]}, overrides=[f"{words}=[{name}]"]
            )
            for name in ("block1_conv1", "block2_conv1")
        ]
    )
    assert varying(runs) == [words]


def test_unreadable_runs_do_not_count_and_records_come_last(tmp_path: Path) -> None:
    folders = [
        made_run(tmp_path / "0", {"record.picture": "a.png", "seed": 1}),
        made_run(tmp_path / "1", {"record.picture": "b.png", "seed": 2}, overrides=["++seed=2"]),
        made_run(tmp_path / "2", {"steps": 9}),
    ]
    (folders[2] / "run.json").write_text("{")
    assert varying(read_runs(folders)) == ["seed", "record.picture"]


def test_what_was_resolved_by_measurement_does_not_set_failed_runs_apart(tmp_path: Path) -> None:
    asked = {"precision": "auto", "memory": "auto", "tile_size": None}
    measured = {"precision": "bfloat16", "memory": "tiles", "tile_size": 512}

    def made(name: str, rate: float, found: dict[str, object], **more: object) -> Path:
        words = [f"optimizer.learning_rate={rate}"]
        return made_run(tmp_path / name, {"optimizer.learning_rate": rate, **found}, overrides=words, **more)

    folders = [made("0", 0.02, measured), made("1", 0.5, asked, status="failed", error="no picture")]
    folders.append(made("2", 0.5, asked, status="failed"))
    (folders[2] / "config.yaml").unlink()  # it was refused before it had one
    runs = read_runs(folders)
    assert runs[2].settings["optimizer.learning_rate"] == 0.5
    assert varying(runs) == ["optimizer.learning_rate"]
    # a precision that was asked for is a setting as any other, in failed runs, too
    folders.append(made("3", 0.02, measured | {"precision": "float32"}))
    assert varying(read_runs(folders)) == ["optimizer.learning_rate", "precision"]
    folders[3:] = [made("4", 0.5, asked | {"precision": "float16"}, status="failed")]
    assert varying(read_runs(folders)) == ["optimizer.learning_rate", "precision"]


def test_what_a_balance_measured_follows_from_the_rest(tmp_path: Path) -> None:
    seen = [
        {"balance.style": 0.5, "balance.calibration": [[1.0, one]], "content": f"{one}.png"} for one in (2, 3)
    ]
    runs = read_runs([made_run(tmp_path / str(n), one) for n, one in enumerate(seen)])
    assert varying(runs) == ["content"]
