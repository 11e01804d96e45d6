"""Which runs are best: by their trade-off and on the Pareto front, among runs that can be compared."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, product
from pathlib import PurePath
from typing import Any

from nst_tf.compare.reading import ComparedRun, input_records
from nst_tf.compare.yardstick import trade_off

CONTENT, STYLE = "content_distance", "style_distance"
_MOST_NAMES = 2  # of averaged contents, in the name of a group


# ---- the runs of one group: by one distance, by their trade-off, by both distances ----


def comparable(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    """The completed runs whose both distances are known: no other is ranked, here and on the page."""
    return [
        run
        for run in runs
        if run.status == "completed" and CONTENT in run.yardstick and STYLE in run.yardstick
    ]


def pareto_front(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    """The runs of a group for which no other is at least as near to content and style, and nearer to one.

    Sorted from the nearest to the content to the nearest to the style; runs that are equal in both are all
    there. Runs that are not completed, or without both distances, are not.
    """

    def both(run: ComparedRun) -> tuple[float, float]:
        return run.yardstick[CONTENT], run.yardstick[STYLE]

    front: list[ComparedRun] = []
    for run in sorted(comparable(runs), key=both):
        if not front or run.yardstick[STYLE] < front[-1].yardstick[STYLE] or both(run) == both(front[-1]):
            front.append(run)
    return front


def ranked(runs: Sequence[ComparedRun]) -> list[tuple[int, ComparedRun]]:
    """The runs of a group by their trade-off, the smallest first, with their ranks: 1, 2, 2, 4."""
    in_order = sorted(comparable(runs), key=lambda run: trade_off(run.yardstick))
    scores = [trade_off(run.yardstick) for run in in_order]
    return [(1 + bisect_left(scores, score), run) for score, run in zip(scores, in_order, strict=True)]


def best_runs(runs: Sequence[ComparedRun], most: int) -> list[ComparedRun]:
    """At most ``most`` runs of a group by their trade-off, with the nearest to content and to style."""
    in_order = [run for _, run in ranked(runs)]
    if not in_order:
        return []
    chosen = [id(min(in_order, key=lambda run: run.yardstick[name])) for name in (CONTENT, STYLE)]
    chosen += [id(run) for run in in_order if id(run) not in chosen][: max(0, most - len(chosen))]
    return [run for run in in_order if id(run) in chosen]


# ---- groups: a distance to one picture says nothing of a distance to another ----


@dataclass(frozen=True)
class Group:
    """Completed runs with the same content, styles and size of the result, and a short name for them.

    Averages over contents, styles or sizes are in one group if they are over the same ones.
    """

    name: str
    """What sets it apart from the others, such as "harbor with waves"; of a single group, what it is."""
    runs: tuple[ComparedRun, ...]


def groups_of(runs: Sequence[ComparedRun]) -> list[Group]:
    """The completed runs in groups within which their distances can be compared, as they first stand there.

    Pictures are told apart by the SHA-256 that ``run.json`` has, not by their names; styles count with their
    shares in a mixture, for the distance is one to the mixture; and distances depend on the size.
    """
    found: dict[frozenset[_Targets], list[ComparedRun]] = {}
    for run in runs:
        if run.status == "completed":
            found.setdefault(_targets(run), []).append(run)
    names = _group_names(list(found), _picture_names(runs))
    return [Group(name, tuple(members)) for name, members in zip(names, found.values(), strict=True)]


@dataclass(frozen=True)
class Place:
    """Where a completed run stands in its group; without both distances it has no rank."""

    group: Group
    rank: int | None
    is_on_front: bool


@dataclass(frozen=True)
class Study:
    """Runs, or averages of runs, that are shown together, and the settings by which they are told apart."""

    runs: Sequence[ComparedRun]
    varying: Sequence[str]

    @cached_property
    def groups(self) -> list[Group]:
        """The groups of the completed runs."""
        return groups_of(self.runs)

    @property
    def ranked_groups(self) -> list[Group]:
        """The groups in which there is a run whose both distances are known."""
        return [group for group in self.groups if comparable(group.runs)]

    @cached_property
    def places(self) -> dict[int, Place]:
        """The place of each completed run, by the identity of the run."""
        found: dict[int, Place] = {}
        for group in self.groups:
            ranks = {id(run): rank for rank, run in ranked(group.runs)}
            front = {id(run) for run in pareto_front(group.runs)}
            found |= {id(run): Place(group, ranks.get(id(run)), id(run) in front) for run in group.runs}
        return found

    @property
    def has_averages(self) -> bool:
        """Whether some of the runs are averages of others."""
        return any(run.of for run in self.runs)


def said_of_groups(study: Study) -> str:
    """What the groups of runs that are ranked are, in one line; empty where there is only one."""
    groups = study.ranked_groups
    if len(groups) < 2:
        return ""
    pairs = {frozenset((one.content, one.styles) for one in _targets(group.runs[0])) for group in groups}
    if len(pairs) == len(groups):
        return f"{len(groups)} pairs of content and style: ranked within each"
    if len(pairs) == 1:
        return f"{len(groups)} sizes of the result: ranked within each"
    return f"{len(groups)} groups of the same content, style and size: ranked within each"


@dataclass(frozen=True)
class _Targets:
    """What the distances of a run are measured against: pictures by their SHA-256, and the size."""

    content: str | None
    styles: tuple[tuple[str, float], ...]
    """With shares in the mixture, which sum to 1; in the order of the hashes, which does not matter."""
    size: str


def _targets(run: ComparedRun) -> frozenset[_Targets]:
    return frozenset(map(_targets_of_one, run.of or (run,)))


def _targets_of_one(run: ComparedRun) -> _Targets:
    content, styles = input_records(run.summary)
    hashes = [str(style.get("sha256")) for style in styles]
    whole = sum(run.style_weights)
    known = whole > 0 and len(run.style_weights) == len(hashes)
    # a run whose styles were not all found has no weights, and is not ranked
    weights = [weight / whole for weight in run.style_weights] if known else [1.0 for _ in hashes]
    shares = [round(weight, 6) for weight in weights]  # so that 1,2 and 10,20 are the same mixture
    size = run.summary.get("size")
    return _Targets(
        str(content["sha256"]) if content.get("sha256") else None,
        tuple(sorted(zip(hashes, shares, strict=True))),
        f"{size.get('width')} x {size.get('height')}" if isinstance(size, dict) else "",
    )


def _picture_names(runs: Sequence[ComparedRun]) -> dict[str, str]:
    """A short name for each SHA-256: the file's, with its folder or hash where others have the same name."""
    files: dict[str, PurePath] = {}
    for run in chain.from_iterable(run.of or (run,) for run in runs):
        content, styles = input_records(run.summary)
        for record in (content, *styles):
            files.setdefault(str(record.get("sha256")), PurePath(str(record.get("file"))))
    namesakes: dict[str, list[PurePath]] = {}
    for file in files.values():
        namesakes.setdefault(file.stem, []).append(file)
    names: dict[str, str] = {}
    for sha256, file in files.items():
        alike = namesakes[file.stem]
        if len(alike) == 1:
            names[sha256] = file.stem or sha256[:6]
        elif len({other.parent.name for other in alike}) == len(alike):
            names[sha256] = f"{file.parent.name}/{file.stem}" if file.parent.name else file.stem
        else:
            names[sha256] = f"{file.stem} ({sha256[:6]})"
    return names


def _group_names(groups: Sequence[frozenset[_Targets]], pictures: Mapping[str, str]) -> list[str]:
    """Of each group what sets it apart, and no more: content, styles, their shares, the size."""

    def is_told(part: Callable[[_Targets], Any]) -> bool:
        return len(groups) == 1 or len({frozenset(map(part, group)) for group in groups}) > 1

    tell_content = is_told(lambda targets: targets.content)
    tell_styles = is_told(lambda targets: targets.styles)

    def style_name(targets: _Targets, with_shares: bool) -> str:
        return " and ".join(
            f"{pictures[style]} {share:.3g}" if with_shares and len(targets.styles) > 1 else pictures[style]
            for style, share in targets.styles
        )

    def name(group: frozenset[_Targets], with_size: bool, with_shares: bool) -> str:
        contents = {pictures[targets.content] if targets.content else "" for targets in group}
        styles = {style_name(targets, with_shares) for targets in group}
        told = [(contents, "content", tell_content), (styles, "style", tell_styles)]
        pair = [
            _one_or_several(names, f"{noun}s") or (f"no {noun}" if len(groups) > 1 else "")
            for names, noun, is_part in told
            if is_part
        ]
        size = _one_or_several({targets.size for targets in group}, "sizes") if with_size else ""
        return ", ".join(filter(None, [" with ".join(filter(None, pair)), size]))

    names: list[str] = []
    for with_size, with_shares in product((False, True), repeat=2):
        names = [name(group, with_size, with_shares) for group in groups]
        if len(set(names)) == len(groups):
            break
    return names


def _one_or_several(names: Collection[str], noun: str) -> str:
    """The name, or two of them, or how many there are: "harbor", "fruit + harbor", "3 contents"."""
    return " + ".join(sorted(names)) if len(names) <= _MOST_NAMES else f"{len(names)} {noun}"
