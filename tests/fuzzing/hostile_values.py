"""Values that somebody may have put into a file that we read."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

SECRET = "SECRET-5f2a9c"
"""What stands in the environment and in files outside of the run's folder, and must never be told."""

VARIABLE = "NST_TF_FUZZ_SECRET"

# fmt: off
TEXTS = (
    # HTML, and what ends the elements in which a page has its data
    "<script>window.ran=true</script>", "</script><script>window.ran=true</script>", "<!--<script>", "]]>",
    '<img src=x onerror="window.ran=true">', '" onmouseover=window.ran=true x="',
    "javascript:window.ran=true", "{{7*7}}", "{% raise %}", "${window.ran=true}",
    "<svg onload=window.ran=true>", "&lt;b&gt;", "</style>",
    "<iframe srcdoc='<script>parent.ran=true</script>'>",
    # shells, formulas, format strings
    "$(touch canary)", "`touch canary`", "; touch canary", "| touch canary", "'; touch canary; '",
    "\n touch canary", '=HYPERLINK("http://127.0.0.1:9")', "@SUM(1)", "+1+cmd|' /C calc'!A0", "-2+3",
    "%s%s%n", "{0.__class__}", "[red]x[/]",
    # Unicode
    "é日本語🎨", "\u202egnp.exe", "\u200b", "\ufeff", "\ud800", "\udcff", "a\x00b", "\u2028",
    "\x1b[31m\x1b]0;x\x07", "a\r\nb", "\x7f\x9b31m", "\U000e0041", "A\u0301" * 50, " ", "", "\t",
    # places
    "../../outside/secret.txt", "../outside/secret.png", "/etc/passwd", "/dev/zero", "~root/x", "C:\\x",
    "//host/x", "inputs/../../outside/secret.png", "a" * 300, "a/" * 3000, "file:///etc/passwd",
    "http://127.0.0.1:9/x.png",
    # code
    f"${{oc.env:{VARIABLE}}}", "${oc.decode:1}", "${steps}", "os.system", "nst_tf.run.os.system",
    "builtins.eval", "!!python/object/apply:os.system ['touch canary']", "*a", "&a x",
    "__import__('os').system('touch canary')",
    # words of ours in the wrong place
    "completed", "running", "image.png", "adam", "null", "nan", "true", "1e999", "2026-02-30", "block1_conv1",
)
_NUMBERS = (
    0, -1, 1, 2**31, 2**63, 2**64, -(2**70), 10**400, 0.0, -0.0, 1e308, 1e-320, float("nan"), float("inf"),
)
# fmt: on
_MANY = 100_000
_LONG = 10_000_000


def value(chance: random.Random) -> Any:
    """Any of them, of any type."""
    deep = *("[" * levels + "1" + "]" * levels for levels in (40, 400)), '{"a":' * 60 + "1" + "}" * 60
    makers: tuple[Callable[[], Any], ...] = (
        *([lambda: chance.choice(TEXTS)] * 6),
        *([lambda: chance.choice(_NUMBERS)] * 3),
        lambda: chance.choice((None, True, False, [], {}, [None], {"": ""}, [[]])),
        lambda: [chance.choice(TEXTS), chance.choice(_NUMBERS), None],
        lambda: {chance.choice(TEXTS): chance.choice(TEXTS), "a": {"b": chance.choice(_NUMBERS)}},
        lambda: {"_target_": chance.choice(("os.system", "nst_tf.files.write_text_atomically", 5, None))},
        lambda: json.loads(chance.choice(deep)),
        lambda: chance.choice((list(range(_MANY)), {f"k{n}": n for n in range(_MANY // 10)}, "x" * _LONG)),
    )
    return chance.choice(makers)()


def put_somewhere(document: Any, chance: random.Random) -> None:
    """Replace, add, rename or take away something, at any depth of a document of mappings and lists."""
    places = list(_places(document))
    if not places:
        return
    node, key = chance.choice(places)
    action = chance.random()
    if action < 0.6:
        node[key] = value(chance)
    elif action < 0.75 and isinstance(node, dict):
        node[chance.choice(TEXTS)] = value(chance)
    elif action < 0.85 and isinstance(node, dict):
        node[chance.choice(TEXTS)] = node.pop(key)
    else:
        del node[key]


def _places(node: Any) -> Any:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in list(items):
        yield node, key
        yield from _places(child)
