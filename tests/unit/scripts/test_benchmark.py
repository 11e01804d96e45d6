"""The benchmark: what it leaves out, when it prints, and whose turn it is; without measuring anything."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmarks import steps, torch_in_turn
from benchmarks.lines import Lines

PEER = """
import json, sys
print(json.dumps({"torch": "0", "threads": 1}), flush=True)
for line in sys.stdin:
    seconds = {"NCHW": 2.0, "NHWC": 1.0}[json.loads(line)["layout"]]
    print(json.dumps({"seconds": seconds, "loss": 5.0}), flush=True)
"""


def test_a_precision_that_the_processor_lacks_is_left_out_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(steps, "native_precisions", lambda: ())
    monkeypatch.setattr(steps, "processor_name", lambda: "Zen 2")
    monkeypatch.setattr(steps, "steps_of", lambda *_: pytest.fail("measured all the same"))
    assert list(steps.beside_a_product((256,), ("bfloat16",), rounds=1)) == []
    assert capsys.readouterr().out == "bfloat16 left out: this processor (Zen 2) emulates it\n"


@pytest.mark.parametrize(("times", "left_out"), [(0.5, False), (20.0, True)])
def test_where_no_flag_says_so_a_product_is_timed(
    monkeypatch: pytest.MonkeyPatch, times: float, left_out: bool
) -> None:
    monkeypatch.setattr(steps, "native_precisions", lambda: None)
    seconds = {"float32": 1.0, "bfloat16": times}
    monkeypatch.setattr(steps, "seconds_of_product", lambda precision, _: seconds[precision])
    assert bool(steps.why_not("bfloat16")) == left_out
    assert steps.why_not("float32") is None


def test_a_row_is_printed_before_the_next_one_is_measured(capsys: pytest.CaptureFixture) -> None:
    lines = Lines("Title", ("what", "seconds"))
    assert capsys.readouterr().out == ""
    lines.row(("ours", "1.0"))
    assert capsys.readouterr().out.splitlines() == [
        "",
        "Title",
        "what          seconds",
        "ours              1.0",
    ]
    lines.row(("theirs", "2.0"))
    assert capsys.readouterr().out == "theirs            2.0\n"


def test_all_have_their_turn_in_every_round_and_the_order_turns() -> None:
    order: list[str] = []

    def measured(name: str) -> float:
        order.append(name)
        return float(len(order))

    found = torch_in_turn.in_turn({name: lambda name=name: measured(name) for name in "abc"}, rounds=2)
    assert "".join(order) == "abc" + "abc" + "cba"
    assert found == {"a": [4.0, 9.0], "b": [5.0, 8.0], "c": [6.0, 7.0]}


def test_a_peer_waits_and_answers_in_turn(tmp_path: Path) -> None:
    script = tmp_path / "peer.py"
    script.write_text(PEER, encoding="utf-8")
    with torch_in_turn.Peer(sys.executable, script=script) as peer:
        seconds = [peer.turn((8, 8), layout)["seconds"] for layout in ("NCHW", "NHWC", "NCHW")]
    assert seconds == [2.0, 1.0, 2.0]


def test_without_pytorch_ours_are_measured_and_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    script = tmp_path / "peer.py"
    script.write_text("raise ImportError('no torch here')", encoding="utf-8")
    monkeypatch.setattr(torch_in_turn, "our_step", lambda option, shape: lambda: 1.0)
    found = list(torch_in_turn.rows(sys.executable, (8, 8), 2, script))
    assert [row["what"] for row in found] == list(torch_in_turn.OURS)
    assert "PyTorch is left out" in (said := capsys.readouterr().out)
    assert "no torch here" in said
    with pytest.raises(torch_in_turn.PeerMissing, match="can't be started"):
        torch_in_turn.Peer(str(tmp_path / "no_python"))
