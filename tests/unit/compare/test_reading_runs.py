from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from unit.compare.made_runs import made_run, save, sha256, waves

from nst_tf.compare.ranking import Study
from nst_tf.compare.reading import find_runs, read_run, read_runs
from nst_tf.compare.tables import results_of, varying
from nst_tf.config.schema import SAMPLES
from nst_tf.machine import Process


def test_a_run_is_read_whole(sweep: Path, content: Path, style: Path) -> None:
    run = read_run(sweep / "1")
    assert (run.name, run.status, run.error) == ("1", "completed", None)
    assert run.picture == sweep / "1" / "image.png"
    assert (run.content, run.styles, run.style_weights) == (content, (style,), (1.0,))
    assert run.settings["optimizer"] == "adam"
    assert run.settings["optimizer.beta_1"] == 0.9
    assert run.settings["objective/style"] == "gram_relative"
    assert run.settings["objective.style.weight"] == 5
    assert run.overrides == ("objective.style.weight=5", "optimizer=adam")
    assert run.metrics[1] == {"step": 1, "size": 32, "seconds": 0.1, "loss": 1.0}
    assert run.yardstick == {"seconds": 2.5, "steps": 60, "peak_memory_bytes": 10**9}
    assert "experiment" not in run.settings  # chosen as null


@pytest.mark.parametrize("status", ["running", "failed", "interrupted", "diverged"])
def test_runs_that_did_not_complete_are_there(tmp_path: Path, status: str) -> None:
    run = read_run(made_run(tmp_path / "run", status=status, error="two\n lines"))
    assert (run.status, run.picture, run.yardstick, run.error) == (status, None, {}, "two lines")


def _process_that_ended() -> dict[str, Any]:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return {"number": ended.pid, "host": platform.node(), "began": 1}


@pytest.mark.parametrize("told_by", ["run.json", "the note of its job"])
def test_a_run_whose_process_is_gone_was_interrupted(tmp_path: Path, told_by: str) -> None:
    folder = made_run(tmp_path / "0", status="running", process=4711)  # a number alone may be another's
    assert read_run(folder).status == "running"

    def tell(process: object) -> None:
        if told_by == "run.json":
            _change(folder, process=process)
        else:
            (tmp_path / ".jobs").mkdir(exist_ok=True)
            (tmp_path / ".jobs" / "0.json").write_text(json.dumps({"folder": "0", "process": process}))

    gone, here = _process_that_ended(), asdict(Process.this())
    tell(gone)
    assert (read_run(folder).status, read_run(folder).error) == ("interrupted", "its process is gone")
    unknown = ({**gone, "host": "elsewhere"}, {**gone, "number": 10**30}, {"number": 1}, [gone])
    for process in (here, *unknown):
        tell(process)
        assert read_run(folder).status == "running"
    tell({**here, "began": 1})  # another process has the number now
    assert read_run(folder).status == "interrupted"
    _change(folder, status="completed")
    assert read_run(folder).status == "completed"


def test_a_picture_that_changed_is_left_out(tmp_path: Path, style: Path) -> None:
    other = save(tmp_path / "content.png", waves(32, 32, seed=3))
    folder = made_run(tmp_path / "run", content=other, styles=[style, other])
    assert len(read_run(folder).styles) == 2
    save(other, waves(32, 32, seed=4))
    run = read_run(folder)
    assert run.content is None
    assert run.styles == (style,)
    assert run.style_weights == ()  # half of a mixture
    assert run.missing_inputs == (str(other), other.name)


def test_the_copy_in_the_folder_comes_first(tmp_path: Path, content: Path) -> None:
    folder = made_run(tmp_path / "run", content=content)
    (folder / "inputs").mkdir()
    shutil.copy(content, folder / "inputs" / "content.png")
    record = {"file": "gone.png", "copy": "inputs/content.png", "sha256": sha256(content)}
    _change(folder, inputs={"content": record, "styles": []})
    assert read_run(folder).content == folder / "inputs" / "content.png"


def test_pictures_are_found_from_where_the_run_was_started_and_among_the_samples(tmp_path: Path) -> None:
    save(tmp_path / "mine.png", waves(20, 20, seed=1))
    folder = made_run(tmp_path / "run", {"content": "mine.png", "style": "samples/mosaic.jpg"})
    inputs = {
        "content": {"file": "mine.png", "sha256": sha256(tmp_path / "mine.png")},
        "styles": [{"file": "mosaic.jpg", "sha256": sha256(SAMPLES / "mosaic.jpg")}],
    }
    _change(folder, inputs=inputs)
    run = read_run(folder)
    assert run.content == tmp_path / "mine.png"
    assert run.styles == (SAMPLES / "mosaic.jpg",)


@pytest.mark.parametrize("key", ["picture", "copy"])
@pytest.mark.parametrize(
    "name",
    [
        "/etc/hostname",
        "../1/image.png",
        "a/../../b.png",
        "progress/../image.png",
        "C:\\x.png",
        "link.png",
        7,
        "",
        "\0",
        "\ud800.png",
    ],
)
def test_names_that_lead_out_of_the_folder_are_refused(sweep: Path, key: str, name: object) -> None:
    folder = sweep / "0"
    (folder / "link.png").symlink_to(sweep / "1" / "image.png")
    inputs = {"content": {"copy": name, "sha256": sha256(sweep / "1" / "image.png")}, "styles": []}
    _change(folder, **({"picture": name} if key == "picture" else {"inputs": inputs}))
    runs = read_runs([folder, sweep / "1"])
    assert [run.status for run in runs] == ["unreadable", "completed"]
    assert runs[0].picture is None
    assert runs[0].content is None
    assert "\n" not in (runs[0].error or "\n")
    assert str(folder) in (runs[0].error or "")


def test_a_link_within_the_folder_is_followed(sweep: Path) -> None:
    (sweep / "0" / "link.png").symlink_to("image.png")
    _change(sweep / "0", picture="link.png")
    assert read_run(sweep / "0").picture == sweep / "0" / "link.png"


_ALIASES = "a: &a [1,2]\nb: *a\n"
_DEEP = "[" * 400 + "]" * 400


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("run.json", '{"status": "compl'),
        ("run.json", "[]"),
        ("run.json", "null"),
        ("run.json", ""),
        ("run.json", '{"status": ["completed"]}'),
        ("run.json", '{"status": "fine"}'),
        ("run.json", '{"status": "completed", "choices": [1]}'),
        ("run.json", '{"status": "completed", "overrides": "a=1"}'),
        ("run.json", "[" * 100_000),
        ("run.json", "\udcff"),
        ("config.yaml", "a: [1, 2"),
        ("config.yaml", "- 1"),
        ("config.yaml", "a: !!python/object/apply:os.system ['true']"),
        ("config.yaml", _ALIASES),
        ("config.yaml", f"a: {_DEEP}"),
        ("config.yaml", "1: a"),
        ("config.yaml", "a: ${oc.env:HOME}"),
        ("config.yaml", "\n".join(f"k{number}: 1" for number in range(6000))),
    ],
)
def test_damaged_files_make_a_run_unreadable_and_no_other(sweep: Path, file: str, text: str) -> None:
    (sweep / "0" / file).write_bytes(text.encode("utf-8", "surrogateescape"))
    runs = read_runs([sweep / "0", sweep / "1"])
    assert [run.status for run in runs] == ["unreadable", "completed"]
    assert runs[0].error
    assert "\n" not in runs[0].error


@pytest.mark.parametrize(("status", "is_read"), [("completed", False), ("diverged", False), ("failed", True)])
def test_without_a_configuration_a_run_is_read_only_if_it_ended_before_it_had_one(
    tmp_path: Path, status: str, is_read: bool
) -> None:
    words = ["+seed=3", "optimizer=adam", 'content="my photo.jpg"', "style=[a.jpg,b.jpg]", "~init", "x=1e3"]
    folder = made_run(tmp_path / "run", status=status, overrides=words)
    (folder / "config.yaml").unlink()
    run = read_run(folder)
    assert run.status == (status if is_read else "unreadable")
    if is_read:
        told = {"seed": 3, "content": "my photo.jpg", "style": ["a.jpg", "b.jpg"], "x": 1000.0}
        assert {name: run.settings[name] for name in told} == told
        assert "init" not in run.settings
    else:
        assert run.error == f"the run in {folder} is {status}, but its config.yaml is missing"


@pytest.mark.parametrize("file", ["config.yaml", "run.json"])
def test_what_is_damaged_is_told_to_its_end(sweep: Path, file: str) -> None:
    texts = {"config.yaml": "a: " + "x" * 200 + "\nb: [1, 2", "run.json": '{"status": "compl'}
    (sweep / "0" / file).write_text(texts[file])
    error = read_run(sweep / "0").error or ""
    assert error.startswith(f"{sweep / '0' / file} can't be read")
    assert re.search(r"line \d+,? column \d+( \(char \d+\))?$", error)
    assert "unicode string" not in error


def test_wrong_types_in_the_summary_do_no_harm(sweep: Path) -> None:
    _change(sweep / "0", inputs=[1], seconds="long", steps=True, peak_memory_bytes=10**400, working_folder=5)
    run = read_run(sweep / "0")
    assert (run.status, run.content, run.styles, run.yardstick) == ("completed", None, (), {})


def test_rows_of_metrics_that_are_cut_short_are_left_out(sweep: Path) -> None:
    (sweep / "0" / "metrics.jsonl").write_text('{"step": 0, "loss": 1.5, "note": "x"}\n[]\n{"step": 1, "lo')
    assert read_run(sweep / "0").metrics == ({"step": 0, "loss": 1.5},)


def test_a_picture_that_is_gone_is_said(sweep: Path) -> None:
    (sweep / "0" / "image.png").unlink()
    run = read_run(sweep / "0")
    assert (run.picture, run.error) == (None, "its picture image.png is gone")


@pytest.mark.parametrize(
    ("given", "weights"),
    [(None, (1, 1)), ([2, 1], (2, 1)), ([1], (1, 1)), (["a", 1], (1, 1)), ([0, 0], (1, 1))],
)
def test_weights_of_styles(tmp_path: Path, style: Path, given: object, weights: tuple[float, ...]) -> None:
    folder = made_run(tmp_path / "run", {"style_weights": given}, styles=[style, style])
    assert read_run(folder).style_weights == weights


def _change(folder: Path, **facts: object) -> None:
    summary = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**summary, **facts}))


def test_a_run_is_called_what_its_name_says(tmp_path: Path) -> None:
    """Two of one name are told apart by their folders; a stranger's name is made one short line."""
    said = {"0": "washed", "1": "washed", "2": "sharp", "3": None, "4": "a\n\x1b[31m" + "b" * 200, "5": 7}
    for folder, name in said.items():
        made_run(tmp_path / folder, {"name": name, "tags": ["paper"], "notes": None})
    names = [run.name for run in read_runs(find_runs([tmp_path]))]
    assert names[:4] == ["washed (0)", "washed (1)", "sharp", "3"]
    assert names[4].startswith("a ")
    assert names[4].isprintable()
    assert len(names[4]) <= 80
    assert names[5] == "5"


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"0": "1", "1": None}, ["1 (0)", "1"]),
        ({"0": "a", "1": "a", "2": "a (0)"}, ["0", "1", "2"]),
    ],
)
def test_no_two_runs_have_one_name(said: dict, names: list[str], tmp_path: Path) -> None:
    for folder, name in said.items():
        made_run(tmp_path / folder, {"name": name})
    assert [run.name for run in read_runs(find_runs([tmp_path]))] == names


def test_names_tags_and_notes_are_no_difference_between_runs(tmp_path: Path) -> None:
    for folder, seed in (("0", 0), ("1", 1)):
        labels = {"name": f"run {folder}", "tags": [folder], "notes": f"of {folder}"}
        made_run(tmp_path / folder, labels | {"seed": seed}, overrides=[f"name=run {folder}", f"seed={seed}"])
    runs = read_runs(find_runs([tmp_path]))
    assert varying(runs) == ["seed"]
    row = results_of(Study(runs, varying(runs))).rows[1]
    assert (row["run"], row["tags"], row["notes"]) == ("run 1", '["1"]', "of 1")
