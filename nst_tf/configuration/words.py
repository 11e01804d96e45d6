"""The words that exist on the command line: keys and config groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.places import CONFIGURATION
from nst_tf.configuration.schema import Settings
from nst_tf.configuration.sentences import sentence


def sentence_for(error: BaseException) -> str:
    """One sentence for an error of Hydra or OmegaConf, with the nearest existing word."""
    return sentence(error, list(keys()), list(groups()))


def gives_no_option(error: ValueError) -> bool:
    """Whether Hydra refused GROUP=VALUE because the value is no name; it does not say of which group."""
    return "Config group override must be" in str(error)


def sentence_for_no_option(arguments: Sequence[str]) -> str:
    """One sentence for the first argument that gives a config group something other than a name."""
    known = {"", *groups()}
    wrong = [argument for argument in arguments if argument.lstrip("+~").partition("=")[0] in known]
    for argument in wrong:
        group, _, value = argument.lstrip("+~").partition("=")
        if not group:
            return f"the argument {argument!r} is not of the form KEY=VALUE: it has no key"
        if not value[:1].isalpha() or value == "null":
            return f"{argument} is not the name of an option of {group}: `nst --help` lists what exists"
    return f"{' '.join(wrong)}: a group takes the name of an option; `nst --help` lists what exists"


def keys() -> Iterator[str]:
    """Every key of the schema, with dots."""

    def walk(node: DictConfig, prefix: str) -> Iterator[str]:
        for key in node:
            yield f"{prefix}{key}"
            child = node._get_node(key)
            if isinstance(child, DictConfig) and not child._is_missing():
                yield from walk(child, f"{prefix}{key}.")

    return walk(OmegaConf.structured(Settings), "")


def groups() -> Iterator[str]:
    """Every config group, with slashes."""
    return (
        folder.relative_to(CONFIGURATION).as_posix() for folder in CONFIGURATION.rglob("*") if folder.is_dir()
    )
