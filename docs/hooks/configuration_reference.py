"""The reference of the configuration, as a page of Markdown: every setting, every group and its options.

It is written from what the program itself reads: conf/ with its comments, and the types of the schema.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import textwrap
from collections.abc import Iterator
from enum import EnumMeta
from typing import Any, get_args, get_type_hints

from nst_tf.config.help import default_options, options_of
from nst_tf.config.schema import CONF_FOLDER, Settings, config_groups

_SETTING = re.compile(r"(?P<indent> *)(?P<key>\w+): *(?P<value>[^#]*?) *(?:# (?P<comment>.*))?")
_MORE_OF_COMMENT = re.compile(r" +# (?P<comment>.*)")


def configuration_reference() -> str:
    """Markdown of every setting with its default and meaning, and every group with its options."""
    return "\n".join([*_settings(), *_groups()])


def _settings() -> Iterator[str]:
    yield "# Configuration\n"
    yield (
        "Every word of the command line. A setting is given as `KEY=VALUE`, an option of a group as "
        "`GROUP=OPTION`, and a setting that an option brings as `GROUP.KEY=VALUE`:\n\n"
        "    nst image.size=768 optimizer=adam optimizer.learning_rate=0.01\n\n"
        "In a terminal, `nst --help` and `nst --help GROUP` show the same, and `nst --cfg job` the whole "
        "configuration of a run. This page is made from `conf/` and `nst_tf/config/schema.py`.\n"
    )
    yield "## Settings\n"
    yield "| key | default | what it is, and its values |\n|---|---|---|"
    values = dict(_values_of_keys(Settings))
    for key, default, comment in settings_with_comments():
        meaning = "<br>".join(part for part in (_cell(comment), values[key]) if part)
        # long keys break after a dot or an underscore
        broken = re.sub(r"([._])", r"\1<wbr>", key)
        yield f"| <code>{broken}</code> | `{default}` | {meaning} |"
    yield ""


def settings_with_comments() -> Iterator[tuple[str, str, str]]:
    """(key with dots, default, comment) of every setting in conf/config.yaml, in its order."""
    lines = (CONF_FOLDER / "config.yaml").read_text(encoding="utf-8").splitlines()
    lines = lines[lines.index("") : lines.index("hydra:")]  # after the choices of groups
    above = ""
    for number, line in enumerate(lines):
        setting = _SETTING.fullmatch(line)
        if setting is None:
            continue
        if not setting["value"]:
            above = setting["key"]
            continue
        more = itertools.takewhile(bool, map(_MORE_OF_COMMENT.match, lines[number + 1 :]))
        comment = " ".join([setting["comment"] or "", *(one["comment"] for one in more if one)])
        yield (
            f"{above}.{setting['key']}" if setting["indent"] else setting["key"],
            setting["value"],
            comment.strip(),
        )


def _values_of_keys(settings: type, above: str = "") -> Iterator[tuple[str, str]]:
    """(key with dots, the values that it takes in words), from the types of the schema."""
    for key, kind in get_type_hints(settings).items():
        if dataclasses.is_dataclass(kind):
            yield from _values_of_keys(kind, f"{above}{key}.")
        else:
            yield f"{above}{key}", ", ".join(_values(kind))


def _values(kind: Any) -> Iterator[str]:
    words = {
        int: "a whole number",
        float: "a number",
        str: "text",
        bool: "`true`, `false`",
        type(None): "`null`",
    }
    if isinstance(kind, EnumMeta):
        yield ", ".join(f"`{name}`" for name in kind.__members__)
    elif get_args(kind):
        for one in get_args(kind):
            yield from _values(one)
    elif kind is not Any:
        yield words[kind]


def _groups() -> Iterator[str]:
    yield "## Groups\n"
    yield (
        "The default of each group is in bold. What an option sets is in its file, where each "
        "key is a setting of its group.\n"
    )
    defaults = default_options()
    for group in sorted(config_groups(), key=lambda group: (group.startswith("experiment"), group)):
        yield f"### {group}\n"
        yield f"| `{group}=` | what it is |\n|---|---|"
        options = options_of(group)
        for option, sentence in options.items():
            marked = f"**`{option}`**" if defaults.get(group) == option else f"`{option}`"
            yield f"| {marked} | {_cell(sentence)} |"
        yield f'\n??? abstract "The files of `conf/{group}/`"\n'
        for option in options:
            text = (CONF_FOLDER / group / f"{option}.yaml").read_text(encoding="utf-8").rstrip()
            block = f'```yaml title="{option}.yaml"\n{text}\n```\n'
            yield textwrap.indent(block, "    ")


def _cell(text: str) -> str:
    """Plain text as the cell of a table."""
    return re.sub(r"([\\|<>*_\[\]`])", r"\\\1", text)
