"""What ``nst --help`` says of groups and options, against what Hydra composes and the files themselves."""

from __future__ import annotations

import pytest

from nst_tf.api import composed
from nst_tf.config.help import default_options, help_on_groups, help_on_options
from nst_tf.config.schema import CONF_FOLDER, config_groups
from nst_tf.errors import InputError


def test_the_defaults_are_those_that_hydra_composes() -> None:
    _, choices = composed([])
    wanted = {group: option for group, option in choices.items() if group in config_groups() and option}
    assert default_options() == {group: option for group, option in wanted.items() if isinstance(option, str)}


def test_the_default_of_a_group_is_marked_and_lines_are_wrapped() -> None:
    options = ", ".join(f"option_{number}" for number in range(20))
    text = help_on_groups(f"Groups:\noptimizer: adam, lbfgs\nmodel: {options}\nlbfgs: lbfgs")
    lines = text.splitlines()
    assert lines[:2] == ["Groups:", "optimizer: adam, lbfgs*"]
    assert max(map(len, lines)) <= 120
    assert lines[-1] == "lbfgs: lbfgs"


@pytest.mark.parametrize("group", sorted(config_groups()))
def test_every_option_is_explained_in_a_sentence(group: str) -> None:
    lines = help_on_options([group]).splitlines()
    assert max(map(len, lines)) <= 110
    options = [line[4:].split()[0] for line in lines[1:] if line[4] != " "]
    assert options == sorted(path.stem for path in (CONF_FOLDER / group).glob("*.yaml"))
    for line in lines[1:]:
        if line[4] != " ":
            assert len(line[4:].split(maxsplit=1)) == 2, f"nothing is said of {line}"


def test_the_default_option_is_marked() -> None:
    marked = [
        line.split()[1] for line in help_on_options(["optimizer"]).splitlines() if line.startswith("  *")
    ]
    assert marked == ["lbfgs"]
    assert "* is the default" not in help_on_options(["experiment"])


def test_what_is_no_group_is_refused() -> None:
    with pytest.raises(InputError, match=r"there is no config group 'optimiser': did you mean 'optimizer'\?"):
        help_on_options(["optimizer", "optimiser"])
