"""A checkpoint on the disk: whole or refused, whatever byte is changed; the previous one serves then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nst_tf import files
from nst_tf.errors import InputError
from nst_tf.runs.checkpoint import Checkpoint, last_checkpoint, read_checkpoint, write_checkpoint
from nst_tf.runs.folder import CHECKPOINT, PREVIOUS_CHECKPOINT


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint(0, step, step, 0.5 * step, {"a": np.arange(4.0), "b": np.array(step, np.int32)})


def equal(one: Checkpoint, other: Checkpoint) -> bool:
    return (
        (one.scale, one.steps_at_scale, one.step, one.seconds)
        == (other.scale, other.steps_at_scale, other.step, other.seconds)
        and set(one.state) == set(other.state)
        and all(
            np.array_equal(one.state[name], other.state[name])
            and one.state[name].dtype == other.state[name].dtype
            for name in one.state
        )
    )


def test_every_changed_byte_is_found_or_harmless(tmp_path: Path) -> None:
    """Every byte, three ways: all bits, the lowest, the highest."""
    write_checkpoint(tmp_path, checkpoint(7))
    path = tmp_path / CHECKPOINT
    sound = path.read_bytes()
    found = 0
    for place in range(len(sound)):
        for mask in (0xFF, 0x01, 0x80):
            changed = bytearray(sound)
            changed[place] ^= mask
            path.write_bytes(changed)
            try:
                read = read_checkpoint(path)
            except InputError:
                found += 1
                continue
            assert equal(read, checkpoint(7)), (place, mask)
    assert found > len(sound)  # of three times as many; dates and the like are harmless


def test_every_cut_is_found(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, checkpoint(7))
    path = tmp_path / CHECKPOINT
    sound = path.read_bytes()
    for length in range(0, len(sound), 3):
        path.write_bytes(sound[:length])
        with pytest.raises(InputError, match="is damaged"):
            read_checkpoint(path)


def test_the_previous_one_serves_for_a_damaged_one_and_stays_the_last_whole_one(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, checkpoint(1))
    assert not (tmp_path / PREVIOUS_CHECKPOINT).exists()
    write_checkpoint(tmp_path, checkpoint(2))
    assert equal(read_checkpoint(tmp_path / PREVIOUS_CHECKPOINT), checkpoint(1))
    found, damage = last_checkpoint(tmp_path)
    assert equal(found, checkpoint(2))
    assert damage is None
    (tmp_path / CHECKPOINT).write_bytes(b"PK")
    found, damage = last_checkpoint(tmp_path)
    assert equal(found, checkpoint(1))
    assert "goes on from the previous one, after step 1" in (damage or "")
    # whatever happens to the next one, step 1 must not be lost for the damaged one
    write_checkpoint(tmp_path, checkpoint(3))
    assert equal(read_checkpoint(tmp_path / PREVIOUS_CHECKPOINT), checkpoint(1))
    for name in (CHECKPOINT, PREVIOUS_CHECKPOINT):
        (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(InputError, match=f"{PREVIOUS_CHECKPOINT} is damaged"):
        last_checkpoint(tmp_path)


@pytest.mark.parametrize("has_links", [True, False])
def test_at_no_moment_there_is_none(has_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state of the folder before each of the calls that change it, as a kill would leave it."""
    write_checkpoint(tmp_path, checkpoint(1))
    write_checkpoint(tmp_path, checkpoint(2))
    seen = []

    def watched(function):
        def watching(*arguments, **options):
            whole = [read_checkpoint(path).step for path in tmp_path.glob("checkpoint*.npz")]
            seen.append(max(whole))
            return function(*arguments, **options)

        return watching

    def link(*_):
        raise OSError("no hard links here")

    if not has_links:
        monkeypatch.setattr(files.os, "link", link)
    for name in ("unlink", "replace"):
        monkeypatch.setattr(Path, name, watched(getattr(Path, name)))
    monkeypatch.setattr(files.os, "fsync", watched(files.os.fsync))
    write_checkpoint(tmp_path, checkpoint(3))
    monkeypatch.undo()
    assert len(seen) >= 4  # the previous one goes, the file is flushed, renamed, the folder flushed
    assert seen == [2] * (len(seen) - 1) + [3]
    assert read_checkpoint(tmp_path / CHECKPOINT).step == 3
    assert read_checkpoint(tmp_path / PREVIOUS_CHECKPOINT).step == 2
