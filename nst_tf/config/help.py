"""What ``nst --help`` prints: the groups with their defaults marked, and the options of a group."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from omegaconf import OmegaConf

from nst_tf.config.messages import unknown_group
from nst_tf.config.schema import CONF_FOLDER, config_groups
from nst_tf.errors import InputError

_COLUMNS = 110  # as wide as this project's own lines
_COLUMNS_OF_GROUPS = 120  # all of them are to fit a screen
_DEFAULT = "*"
_GROUP = re.compile(r"^(?P<group>[a-z_/]+): (?P<options>[\w, ]+)$")  # a line of Hydra's list of groups
_NO_PROSE = re.compile(r"@package\b|nst\b")
_SENTENCE_END = re.compile(r"(?<=[a-z0-9)\]])\. (?=[A-Z])")


def help_on_groups(text: str) -> str:
    """Hydra's help with the default of each group marked, and no line too long."""
    return "\n".join(
        "\n".join(textwrap.wrap(line, _COLUMNS_OF_GROUPS, subsequent_indent="    "))
        for line in _with_defaults_marked(text.splitlines())
    )


def help_on_options(groups: Sequence[str]) -> str:
    """The options of the groups, each with the first sentence of what its file says of it.

    Raises InputError for a name that is no group.
    """
    lines: list[str] = []
    defaults, known = default_options(), config_groups()
    for group in groups:
        if group not in known:
            raise InputError(unknown_group(group))
        options = options_of(group)
        lines += [
            f"{group}=OPTION, where {_DEFAULT} is the default:" if group in defaults else f"{group}=OPTION:"
        ]
        width = max(map(len, options), default=0) + 2
        for option, said in options.items():
            mark = _DEFAULT if defaults.get(group) == option else " "
            beside = f"  {mark} {option:<{width}}"
            lines += textwrap.wrap(
                said,
                _COLUMNS,
                initial_indent=beside,
                subsequent_indent=" " * len(beside),
                break_on_hyphens=False,
            ) or [beside]
    return "\n".join(lines)


def options_of(group: str) -> dict[str, str]:
    """The options of a group, each with the first sentence of what its file says of it."""
    files = sorted((CONF_FOLDER / group).glob("*.yaml"))
    return {file.stem: _first_sentence(file.read_text(encoding="utf-8")) for file in files}


def default_options() -> dict[str, str]:
    """The option of each group that ``nst`` takes by itself."""
    found: dict[str, str] = {}
    known = config_groups()

    def walk(file: str, group: str) -> None:
        content: Any = OmegaConf.to_container(OmegaConf.load(CONF_FOLDER / f"{file}.yaml"))
        for entry in content.get("defaults", ()) if isinstance(content, dict) else ():
            for name, option in entry.items() if isinstance(entry, dict) else ():
                chosen = f"{group}/{name}".strip("/")
                if isinstance(option, str) and chosen in known:
                    found[chosen] = option
                    walk(f"{chosen}/{option}", chosen)

    walk("config", "")
    return found


def _with_defaults_marked(lines: Iterable[str]) -> Iterator[str]:
    defaults = default_options()
    for line in lines:
        found = _GROUP.match(line)
        default = defaults.get(found["group"]) if found else None
        if found and default:
            options = [f"{one}{_DEFAULT if one == default else ''}" for one in found["options"].split(", ")]
            line = f"{found['group']}: {', '.join(options)}"
        yield line


def _first_sentence(text: str) -> str:
    """Of the comment at the top, without directives and commands, what comes before the second sentence."""
    comment = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    said = [line.removeprefix("#").strip() for line in comment]
    prose = " ".join(line for line in said if not _NO_PROSE.match(line))
    return _SENTENCE_END.split(prose, maxsplit=1)[0].rstrip(".")
