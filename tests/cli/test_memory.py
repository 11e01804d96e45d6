"""memory=auto: what is there, what a run takes, what is chosen, and what is refused."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from cli.command_line import SMALL, nst
from omegaconf import OmegaConf

from nst_tf.api import composed
from nst_tf.config.inputs import Inputs, read_inputs
from nst_tf.errors import InputError
from nst_tf.guidance import Regions
from nst_tf.images.read import picture_from_array
from nst_tf.machine import available_bytes, free_bytes
from nst_tf.runs import memory
from nst_tf.runs.memory import Mode, chosen_memory, demand_of, peak_bytes

GIB = 2**30
STYLES = Path(__file__).parents[2] / "conf" / "objective" / "style"


def inputs_of(height: int = 300, width: int = 400, style: tuple[int, int] = (64, 64)) -> Inputs:
    content, style = (
        picture_from_array(np.zeros((*shape, 3), np.uint8)) for shape in ((height, width), style)
    )
    return Inputs(content, (style,), (1.0,))


def chosen(words: list[str], available: float | None, precision: str = "bfloat16"):
    settings, _ = composed(words)
    return chosen_memory(
        settings, inputs_of(), None if available is None else round(available * GIB), precision
    )


LARGE = ["image.size=4600", "optimizer=adam", "image.style_size=512", "pyramid=single"]  # 16 megapixels


def test_auto_takes_the_first_that_fits_and_says_so() -> None:
    settings, _ = composed(LARGE)
    demand = demand_of(settings, inputs_of(), "bfloat16", 4600)
    plain, recompute = (peak_bytes(demand, mode) / GIB for mode in (Mode.plain, Mode.recompute))
    assert recompute < 12 < plain
    first = chosen(LARGE, plain + 0.1)
    assert (first.mode, first.reason) == (Mode.plain, None)
    second = chosen(LARGE, plain - 0.1)
    assert second.mode is Mode.recompute
    assert second.reason.startswith(f"memory: recompute, because plain would take {plain:.3g} GiB of the ")
    third = chosen(LARGE, recompute - 0.01)
    assert third.mode is Mode.tiles
    assert third.tile_size >= 160
    assert f"tiles of {third.tile_size} pixels" in third.reason
    assert chosen(LARGE, None).mode is Mode.plain  # nothing tells what there is


@pytest.mark.parametrize(
    ("mode", "megapixels", "peak"),
    [
        *((Mode.plain, 1, 3.02), (Mode.plain, 4, 9.16), (Mode.plain, 9, 19.28)),
        *((Mode.recompute, 1, 1.86), (Mode.recompute, 4, 3.29), (Mode.recompute, 9, 5.57)),
        *((Mode.tiles, 1, 3.07), (Mode.tiles, 4, 4.43), (Mode.tiles, 9, 6.78)),
    ],
)
def test_the_estimate_is_near_what_was_measured(mode: Mode, megapixels: int, peak: float) -> None:
    """The table of docs/memory.md in GiB: an estimate far below it would end in a killed process."""
    words = ["objective=relative", "image.style_size=1024", "pyramid=single", "optimizer=adam"]
    settings, _ = composed(words)
    inputs = read_inputs(settings)
    sides = inputs.content.height, inputs.content.width
    size = round(math.sqrt(megapixels * 1e6 * max(sides) / min(sides)))
    estimate = peak_bytes(demand_of(settings, inputs, "float32", size), mode, 1536) / GIB
    assert 0.96 * peak < estimate < 1.16 * peak


def test_regions_take_what_their_statistics_read_once_more_each() -> None:
    layers = ["layers.style=[block1_conv1,block2_conv1]", "layers.content=[block2_conv2]"]
    settings, _ = composed([*LARGE, *layers])
    whole = np.ones((300, 400, 1), np.float32)
    names = ("red", "lime", "blue")
    three = Regions(names, whole.repeat(3, axis=2), (None,), ((0,),) * 3, (1.0,) * 3)
    one = demand_of(settings, inputs_of(), "float32", 4600)
    more = demand_of(settings, replace(inputs_of(), regions=three), "float32", 4600)
    grows = peak_bytes(more, Mode.plain) - peak_bytes(one, Mode.plain)
    # 64 channels of every pixel, 128 of every fourth; in float32, one and a half times
    assert grows == 2 * 1.5 * 4 * (64 + 128 / 4) * 4600 * 3450
    assert peak_bytes(more, Mode.tiles, 1536) > peak_bytes(one, Mode.tiles, 1536)


@pytest.mark.parametrize(
    ("words", "peak"),
    # of the process in GiB, 512 x 512 pixels in float32 on two cores
    [(["objective/style=gram"], 1.53), (["objective/style=contextual"], 1.79)],
)
def test_similarities_of_positions_are_counted(words: list[str], peak: float) -> None:
    words = ["objective=relative", "layers=mechrez2018", "pyramid=single", "image.stretch=square", *words]
    settings, _ = composed(words)
    estimate = peak_bytes(demand_of(settings, read_inputs(settings), "float32", 512), Mode.plain) / GIB
    assert 0.96 * peak < estimate < 1.16 * peak


def test_the_limit_of_the_settings_goes_before_what_there_is() -> None:
    assert chosen([*LARGE, "memory_limit=1000"], 1).mode is Mode.plain
    assert chosen([*LARGE, "memory_limit=12"], 1000).mode is Mode.recompute


@pytest.mark.parametrize(
    "words", [["optimizer=adam"], [], ["objective/style=nearest_patches"], ["memory=plain"]]
)
def test_the_size_that_is_named_is_the_largest_that_fits(words: list[str]) -> None:
    words = [*words, "memory_limit=4", "precision=bfloat16"]
    with pytest.raises(
        InputError, match=r"image\.size=12000 needs .* GiB .*there are 4: the largest"
    ) as caught:
        chosen([*words, "image.size=12000"], None)
    largest = int(str(caught.value).partition("that fits is image.size=")[2].split(",")[0].split()[0])
    chosen([*words, f"image.size={largest}"], None)
    with pytest.raises(InputError, match="largest that fits"):
        chosen([*words, f"image.size={largest + 1}"], None)


SHAPES = [((300, 400), (64, 64)), ((64, 64), (300, 400)), ((100, 1000), (1000, 250)), ((50, 50), (900, 60))]


@pytest.mark.parametrize(
    "words",
    [
        [],
        pytest.param(["image.style_size=600"], marks=pytest.mark.slow),
        ["image.style_size=200000"],
        pytest.param(["image.stretch=square"], marks=pytest.mark.slow),
        pytest.param(["image.stretch=style", "image.style_size=200000"], marks=pytest.mark.slow),
        pytest.param(["record.picture=a.webp"], marks=pytest.mark.slow),
    ],
)
def test_the_first_sentence_names_a_size_that_is_accepted(words: list[str]) -> None:
    composed_once, _ = composed([*words, "optimizer=adam"])
    refused = 0
    for (content, style), available, size in product(SHAPES, (None, 4, 60), (10**4, 10**9)):
        pictures = inputs_of(*content, style)

        def refusal(*more: str, size=size, available=available, pictures=pictures) -> str | None:
            settings = composed_once.copy()
            for word in (f"image.size={size}", *more):
                key, _, value = word.partition("=")
                OmegaConf.update(settings, key, value)
            try:
                chosen_memory(settings, pictures, available and available * GIB, "bfloat16")
            except InputError as error:
                return str(error)

        said = refusal()
        if said is None:
            continue
        refused += 1
        first, *others = re.split(r", or ", re.search(r"the largest that (?:fits|works) is (.*)", said)[1])
        assert not refusal(*first.split())
        assert not refusal(*first.split(), "precision=float32")  # which auto may be measured to be
        for other in others:
            assert not refusal(*other.replace(" with ", " ").split())
    assert refused >= 12


def test_what_is_free_may_be_a_little_less_the_next_time() -> None:
    with pytest.raises(InputError, match="largest that fits") as caught:
        chosen(["image.size=12000", "precision=bfloat16"], 4)
    largest = int(re.search(r"that fits is image\.size=(\d+)", str(caught.value))[1])
    assert chosen([f"image.size={largest}", "precision=bfloat16"], 3.9).mode
    with pytest.raises(InputError, match="largest that fits"):
        chosen([f"image.size={largest + 200}", "precision=bfloat16"], 4)


def test_auto_is_advised_only_where_it_fits() -> None:
    words = ["image.size=4000", "memory=tiles", "tile_size=512", "optimizer=adam", "memory_limit=1.2"]
    with pytest.raises(InputError, match=r"with memory=tiles, and there are 1\.2: the largest") as one:
        chosen(words, None)
    assert "memory=auto" not in str(one.value)
    with pytest.raises(InputError, match=r"fits is image\.size=\d+.*, or memory=auto$"):
        chosen(["image.size=4000", "memory=plain", "optimizer=adam", "memory_limit=8"], None)
    chosen(["image.size=4000", "memory=auto", "optimizer=adam", "memory_limit=8"], None)


def test_what_is_needed_and_what_there_is_differ_in_words() -> None:
    settings, _ = composed(["image.size=494", "memory=plain", "optimizer=adam", "pyramid=single"])
    needed = peak_bytes(demand_of(settings, inputs_of(), "bfloat16", 494), Mode.plain)
    with pytest.raises(InputError, match="needs") as caught:
        chosen_memory(settings, inputs_of(), needed - 2**16, "bfloat16")
    needs, there = re.search(r"needs (\S+) GiB .* there are ([\d.]+)[:,]", str(caught.value)).groups()
    assert float(needs) > float(there)
    assert float(needs) == pytest.approx(needed / GIB, rel=5e-3)


def test_what_fits_at_no_size_is_said() -> None:
    with pytest.raises(InputError, match=r"there are 0\.1: no size fits"):
        chosen([], 0.1)


def test_64_megapixels_in_16_gib() -> None:
    found = chosen(["image.size=9237", "optimizer=adam", "image.style_size=1024", "pyramid=single"], 16)
    assert found.mode is Mode.tiles


def test_a_history_counts() -> None:
    def bytes_with(history: int) -> int:
        settings, _ = composed([f"optimizer.history_size={history}", "pyramid=single"])
        return peak_bytes(demand_of(settings, inputs_of(), "float32", 1000), Mode.plain)

    assert bytes_with(20) - bytes_with(10) == pytest.approx(2 * 10 * 12 * 1000 * 750)


@pytest.mark.parametrize("option", sorted(file.stem for file in STYLES.glob("*.yaml")))
def test_what_can_be_tiled_is_known_before_tensorflow(option: str) -> None:
    from nst_tf.experiment import build_parts
    from nst_tf.statistics.statistic import is_summable

    layers = ["layers.style=[pixels]"] if option == "palette" else []
    settings, _ = composed([f"objective/style={option}", *layers])
    in_pieces = demand_of(settings, inputs_of(), "float32", 500).in_pieces
    assert in_pieces == is_summable(build_parts(settings).style.statistic)


def test_the_mode_is_written_into_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    estimates = {Mode.plain: 3 * GIB, Mode.recompute: 2 * GIB, Mode.tiles: GIB}
    monkeypatch.setattr(memory, "peak_bytes", lambda demand, mode, tile=None: estimates[mode])
    for limit, mode in ((3.1, "plain"), (2.1, "recompute"), (1.1, "tiles")):
        answer = nst(tmp_path, *SMALL, "optimizer=adam", f"memory_limit={limit}")
        assert answer.status == 0, answer.err
        assert (f"memory: {mode}" in answer.err) == (mode != "plain")
        saved = OmegaConf.load(answer.run / "config.yaml")
        assert saved.memory == mode
        assert (saved.tile_size is None) == (mode != "tiles")


@pytest.mark.slow  # their gradients are compared in unit/objective/test_recompute_and_tiles.py
def test_every_mode_gives_the_same_picture_to_rounding(tmp_path: Path) -> None:
    losses = []
    for words in (["memory=plain"], ["memory=recompute"], ["memory=tiles", "tile_size=16"]):
        answer = nst(tmp_path, *SMALL, "layers.content=block1_conv2", "steps=4", *words)
        assert answer.status == 0, answer.err
        losses.append([row["loss"] for row in answer.rows])
    np.testing.assert_allclose(losses[1:], [losses[0]] * 2, rtol=1e-4)


@pytest.fixture
def memory_of_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 16 GiB 8 are available; this process has one."""
    monkeypatch.setattr(psutil, "LINUX", True)
    told = SimpleNamespace(total=16 * GIB, available=8 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: told)
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _: SimpleNamespace(rss=GIB))


@pytest.mark.usefixtures("memory_of_machine")
def test_available_memory_of_a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert free_bytes(tmp_path) == 8 * GIB
    assert available_bytes(tmp_path) == 9 * GIB  # and the one that this process has
    monkeypatch.setattr(psutil, "LINUX", False)  # where the physical memory counts
    assert available_bytes(tmp_path) == 16 * GIB


def test_available_memory_of_this_machine() -> None:
    assert GIB < available_bytes() < 1 << 60


@pytest.mark.parametrize(
    "files",
    [
        {
            "proc/self/cgroup": "0::/user/job\n",
            "sys/fs/cgroup/user/memory.max": f"{4 * GIB}\n",
            "sys/fs/cgroup/user/memory.current": f"{3 * GIB}\n",
            "sys/fs/cgroup/user/memory.stat": f"anon 5\ninactive_file {GIB // 2}\n",
            "sys/fs/cgroup/user/job/memory.max": "max\n",
            "sys/fs/cgroup/user/job/memory.current": f"{GIB}\n",
        },
        {
            "proc/self/cgroup": "4:cpu:/x\n3:memory:/container\n",  # as the host names it
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{4 * GIB}\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{3 * GIB}\n",
            "sys/fs/cgroup/memory/memory.stat": f"inactive_file {GIB // 2}\n",
        },
    ],
    ids=["version 2", "version 1"],
)
@pytest.mark.usefixtures("memory_of_machine")
def test_available_memory_of_a_control_group(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert available_bytes(tmp_path) == 2.5 * GIB
