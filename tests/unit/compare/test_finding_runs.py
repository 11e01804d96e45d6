from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit.compare.made_runs import made_run

from nst_tf.compare.reading import find_runs, jobs_not_begun, read_runs
from nst_tf.errors import InputError


@pytest.fixture
def eleven(tmp_path: Path) -> Path:
    for number in range(11):
        made_run(tmp_path / "sweep" / str(number))
    return tmp_path / "sweep"


def test_runs_come_in_natural_order(eleven: Path) -> None:
    assert [folder.name for folder in find_runs([eleven])] == [str(number) for number in range(11)]


@pytest.mark.parametrize("above", [".", "..", "../.."])
def test_any_folder_above_will_do(eleven: Path, above: str) -> None:
    assert len(find_runs([eleven / "3" / above])) in (1, 11)
    assert (
        find_runs([eleven / "3" / above])[-1].resolve()
        == (eleven / ("3" if above == "." else "10")).resolve()
    )


def test_a_run_counts_once(eleven: Path) -> None:
    found = find_runs([eleven / "7", eleven, eleven / "7" / "run.json", eleven / ".." / "sweep"])
    assert [folder.name for folder in found] == ["7", *(str(number) for number in range(11) if number != 7)]


def test_a_job_that_left_nothing_is_told_of_by_the_sweep(eleven: Path) -> None:
    (eleven / "11").mkdir()
    jobs = [{"number": 11, "folder": "11", "status": "failed", "error": "killed", "overrides": ["seed=11"]}]
    jobs += [{"folder": "../../elsewhere"}, {"folder": 5}, "nonsense", {"folder": "not there"}]
    (eleven / "sweep.json").write_text(json.dumps({"jobs": jobs}))
    runs = read_runs(find_runs([eleven]))
    assert len(runs) == 12
    assert (runs[11].status, runs[11].error, runs[11].overrides) == ("failed", "killed", ("seed=11",))


def test_jobs_that_have_not_begun_are_counted_and_no_runs(eleven: Path) -> None:
    (eleven / "11").mkdir()
    (eleven / "12").mkdir()
    statuses = {10: "completed", 11: "pending", 12: "running", 13: "pending"}
    jobs = [{"number": n, "folder": str(n), "status": status} for n, status in statuses.items()]
    (eleven / "sweep.json").write_text(json.dumps({"jobs": jobs, "status": "running"}))
    assert jobs_not_begun([eleven, eleven / ".." / "sweep"]) == (2, 4)  # a sweep counts once
    assert [folder.name for folder in find_runs([eleven])][-2:] == ["10", "12"]
    assert jobs_not_begun([eleven / "3"]) == (0, 0)


def test_links_below_a_path_are_not_followed(eleven: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "link").symlink_to(eleven)
    with pytest.raises(InputError, match="there is no run in"):
        find_runs([tmp_path / "other"])


def test_nothing_found_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"there is no run in {tmp_path}"):
        find_runs([tmp_path])
    with pytest.raises(InputError, match=r"there is no folder .*missing"):
        find_runs([tmp_path / "missing"])
    with pytest.raises(InputError, match="nothing to compare"):
        find_runs([])


def test_names_are_short_unique_and_alike(tmp_path: Path) -> None:
    folders = [made_run(tmp_path / name) for name in ("a/0", "a/1", "b/0", "b/2")]
    assert [run.name for run in read_runs(folders[:2])] == ["0", "1"]
    assert [run.name for run in read_runs(folders)] == ["a/0", "a/1", "b/0", "b/2"]
    assert [run.name for run in read_runs([folders[0], folders[0]])] == ["0", "0"]  # the same run
