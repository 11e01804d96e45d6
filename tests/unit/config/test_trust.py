"""What is trusted: the words of a person and their own folder, and no file that a word merely names."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest
from hydra.core.singleton import Singleton

from nst_tf.config.build import check_targets, class_defaults, own_targets
from nst_tf.config.trust import Trust, is_trusted, trusting, with_trust
from nst_tf.errors import InputError


@pytest.mark.parametrize(
    ("word", "targets"),
    [
        ("optimizer._target_=my.Mine", {"my.Mine"}),
        ("+objective.style.statistic._target_=my.Mine", {"my.Mine"}),
        ("optimizer._target_='my.Mine'", {"my.Mine"}),
        ("optimizer._target_=my.Mine,your.Yours", {"my.Mine", "your.Yours"}),
        ("optimizer={_target_:my.Mine,learning_rate:{_target_:my.Rate}}", {"my.Mine", "my.Rate"}),
        ("optimizer={_target_:my.Mine},{_target_:your.Yours}", {"my.Mine", "your.Yours"}),
        ("content=a_target_=my.Mine", set()),
        ("optimizer=adam", set()),
        ("optimizer._target_=[", set()),
        ("~optimizer._target_", set()),
        ("experiment=mine.yaml", set()),
    ],
)
def test_typed(word: str, targets: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("optimizer: {_target_: my.Mine}\n")
    words, trust = with_trust([word, "steps=3"])
    assert words == [word, "steps=3"]
    assert trust == Trust(frozenset(targets), frozenset(), (str(tmp_path),))


@pytest.mark.parametrize("flag", [["--config-dir", "mine"], ["--config-dir=mine"], ["-cd", "mine"]])
def test_of_a_folder_of_configurations_the_files_of_our_groups_count(
    flag: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder may also hold runs, which may be anybody's."""
    monkeypatch.chdir(tmp_path)
    for name, target in (
        ("objective/style/a.yaml", "my.A"),
        ("experiment/deep/b.yaml", "my.B"),
        ("c.yaml", "my.C"),
        ("outputs/run/config.yaml", "their.D"),
        ("optimizer/e.txt", "their.E"),
    ):
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_text(f"x: ${{y}}\nz: [{{_target_: {target}}}]\n")
    (tmp_path / "mine" / "experiment" / "broken.yaml").write_text("a: [")
    (tmp_path / "mine" / "experiment" / "sweep.yaml").write_text(
        "hydra: {sweeper: {params: {optimizer._target_: 'my.F, my.G'}}}\n"
    )
    words, trust = with_trust(flag)
    assert words == flag
    assert trust.targets == {"my.A", "my.B", "my.C", "my.F", "my.G"}
    assert trust.folders == (str(tmp_path), str(tmp_path / "mine"))


def test_flags_are_taken_out_wherever_they_stand(tmp_path: Path) -> None:
    (tmp_path / "file.py").touch()
    words, trust = with_trust(
        ["-m", "--trust", "a,b.c", "steps=3", "--trust=d", f"--trust={tmp_path / 'file.py'}", "seed=1"]
    )
    assert words == ["-m", "steps=3", "seed=1"]
    assert trust.modules == {"a", "b.c", "d", "file"}
    assert trust.folders[-1] == str(tmp_path)


@pytest.mark.parametrize(
    "words", [["--trust"], ["--trust="], ["--trust", "a,,b"], ["--trust", "a b"], ["--trust=../a"]]
)
def test_what_is_no_module_is_refused(words: list[str]) -> None:
    with pytest.raises(InputError, match="--trust takes a module"):
        with_trust(words)


def test_what_is_allowed_is_exact() -> None:
    trust = Trust(frozenset({"my.Mine", "loose"}), frozenset({"package.part"}))
    allowed = ("my.Mine", "package.part.X", "package.part.deep.X")
    for target in (
        *allowed,
        "my.Other",
        "my.Mine.deep",
        "loose",
        "package.X",
        "package.part",
        "package.party.X",
    ):
        assert trust.allows(target) is (target in allowed), target
    for target in ("", ".", "package.part.", "package.part..X", "package.part.a-b", "package.part.X()"):
        assert not trust.allows(target)


def test_it_holds_meanwhile_and_travels_with_the_state_of_hydra(tmp_path: Path) -> None:
    path = list(sys.path)
    trust = Trust(frozenset({"my.Mine"}), folders=(str(tmp_path),))
    description = {"a": [{"_target_": "my.Mine", "b": {"_target_": "keras.optimizers.Adam"}}]}
    with trusting(trust):
        assert sys.path == [*path, str(tmp_path)]
        check_targets(description)
        assert own_targets(description) == ["my.Mine"]
        assert class_defaults("my.Mine") == {}
        state = pickle.dumps(Singleton.get_state()["instances"])
        with pytest.raises(InputError, match="'_partial_' is not allowed"):
            check_targets({"_target_": "my.Mine", "_partial_": True})
        with trusting(Trust()):
            assert not is_trusted("my.Mine")
        assert is_trusted("my.Mine")
    assert sys.path == path
    with pytest.raises(InputError, match="or say --trust my if you know what it does"):
        check_targets(description)
    here = Singleton._instances
    try:
        Singleton._instances = pickle.loads(state)
        assert is_trusted("my.Mine")
    finally:
        Singleton._instances = here


@pytest.mark.parametrize("target", ["adam", "a b.C", "../x.Y", 5, None, ["os.system"]])
def test_no_flag_is_advised_for_what_is_no_name(target: object) -> None:
    with pytest.raises(InputError, match="is not allowed") as refused:
        check_targets({"_target_": target})
    assert "--trust" not in str(refused.value)
