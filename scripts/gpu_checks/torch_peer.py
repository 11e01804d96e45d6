"""The same transfer in PyTorch, alone in its process: never import torch beside TensorFlow.

    python3 torch_peer.py step --sizes 512 1024 --arithmetics float32 TF32 bfloat16 --device cuda
    python3 torch_peer.py picture --sizes 512 --evaluations 100 --device cuda --output peer.npy
    python3 torch_peer.py turns --shape 352 512 --device cpu   # one step for each layout named on stdin

Prints JSON. Weights, pictures, layers and losses are those of ``benchmarks/transfer.py``, drawn anew from the
same seeds; the loss of the start is printed, to be compared. The step is Adam's; the picture is that of
torch.optim.LBFGS from the content, clipped at the end, as in PyTorch's own tutorial of neural style.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import time
from contextlib import nullcontext

import numpy as np
import torch

MEAN_BGR = (103.939, 116.779, 123.68)
BLOCKS = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,))
CONTENT, STYLE = (3, 1), tuple((block, 0) for block in range(5))  # block and convolution, from 0
STEPS_A_CALL, CALLS = 16, 3
FORMATS = {"NCHW": torch.contiguous_format, "NHWC": torch.channels_last}


class Transfer:
    """Network, targets and loss."""

    def __init__(
        self, shape: tuple[int, int], arithmetic: str, device: str, memory_format: torch.memory_format
    ) -> None:
        self.device, self.format = device, memory_format
        self.type = torch.bfloat16 if arithmetic == "bfloat16" else torch.float32
        self.kernels = self._kernels()
        content, style = np.random.default_rng(0).uniform(0, 1, (2, *shape, 3)).astype(np.float32)
        self.content = self.picture(content)
        with torch.no_grad():
            self.content_target = self.features(self.content)[CONTENT].float()
            seen = self.features(self.picture(style))
            self.style_targets = {layer: gram(seen[layer]) for layer in STYLE}

    def picture(self, pixels: np.ndarray) -> torch.Tensor:
        """[H, W, 3] -> [1, 3, H, W] on the device."""
        there = torch.tensor(pixels).permute(2, 0, 1)[None]
        return there.to(self.device).contiguous(memory_format=self.format)

    def features(self, image: torch.Tensor) -> dict:
        """Activations after each ReLU that is read."""
        mean = torch.tensor(MEAN_BGR, device=self.device).view(1, 3, 1, 1)
        values, found = image.flip(1) * 255.0 - mean, {}
        lower = self.type is not torch.float32
        with torch.autocast(self.device, self.type) if lower else nullcontext():
            for block, kernels in enumerate(self.kernels):
                if block:
                    values = torch.nn.functional.max_pool2d(values, 2)
                for index, kernel in enumerate(kernels):
                    values = torch.relu(torch.nn.functional.conv2d(values, kernel, padding=1))
                    if (block, index) == CONTENT or (block, index) in STYLE:
                        found[block, index] = values
        return found

    def loss(self, image: torch.Tensor) -> torch.Tensor:
        """Mean squared errors: of activations, and of Gram matrices with the weight 1000 / 5 each."""
        found = self.features(image)
        total = torch.mean((found[CONTENT].float() - self.content_target) ** 2)
        for layer, target in self.style_targets.items():
            total = total + 1e3 * 0.2 * torch.mean((gram(found[layer]) - target) ** 2)
        return total

    def _kernels(self) -> list:
        generator, before, kernels = np.random.Generator(np.random.PCG64(0)), 3, []
        for block in BLOCKS:
            kernels.append([])
            for channels in block:
                kernel = generator.standard_normal((3, 3, before, channels), dtype=np.float32)
                kernel *= np.float32(math.sqrt(2 / (9 * before)))
                there = torch.tensor(kernel).permute(3, 2, 0, 1).contiguous()
                kernels[-1].append(there.to(self.device, self.type, memory_format=self.format))
                before = channels
        return kernels


def gram(activations: torch.Tensor) -> torch.Tensor:
    """[1, C, H, W] -> F^T F / positions [C, C] in float32."""
    vectors = activations.float()[0].flatten(1)
    return vectors @ vectors.T / vectors.shape[1]


def steps(arguments: argparse.Namespace) -> list[dict]:
    """Milliseconds of a step of Adam; a row that fails says so."""
    found = []
    for compiled, (layout, memory_format), size, arithmetic in itertools.product(
        (False, True) if arguments.compile else (False,),
        FORMATS.items(),
        arguments.sizes,
        arguments.arithmetics,
    ):
        row = {"size": size, "arithmetic": arithmetic, "compiled": compiled, "layout": layout}
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = arithmetic == "TF32"
        torch.backends.cudnn.benchmark = True
        if time.perf_counter() > arguments.until:
            found.append({**row, "error": "the budget was over"})
            continue
        try:
            found.append({**row, **one_step(arguments, size, arithmetic, memory_format, compiled)})
        except Exception as error:  # torch's compiler has errors of many kinds
            found.append({**row, "error": f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"})
    return found


def one_step(arguments, size: int, arithmetic: str, memory_format, compiled: bool) -> dict:
    """Best of three calls of 16 steps with one sync each."""
    transfer = Transfer((size, size), arithmetic, arguments.device, memory_format)
    start = np.random.default_rng(1).uniform(0, 1, (size, size, 3)).astype(np.float32)
    image = transfer.picture(start).requires_grad_()
    optimizer = torch.optim.Adam([image], lr=0.01)
    loss_of = torch.compile(transfer.loss) if compiled else transfer.loss
    with torch.no_grad():
        loss_of_start = float(transfer.loss(image))
    if arguments.device == "cuda":
        torch.cuda.reset_peak_memory_stats()

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of(image)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
        return loss.detach()

    float(step()), float(step())
    best = math.inf
    for _ in range(CALLS):
        began = time.perf_counter()
        float(torch.stack([step() for _ in range(arguments.steps_a_call)])[-1])
        best = min(best, (time.perf_counter() - began) / arguments.steps_a_call)
    peak = torch.cuda.max_memory_allocated() if arguments.device == "cuda" else None
    return {"ms_a_step": 1e3 * best, "loss_of_start": loss_of_start, "peak_bytes": peak}


def picture(arguments: argparse.Namespace) -> dict:
    """Make a picture with L-BFGS as everybody does, and save it, clipped, as [H, W, 3] in [0, 1]."""
    (size,) = arguments.sizes
    transfer = Transfer((size, size), "float32", arguments.device, torch.contiguous_format)
    image = transfer.content.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([image], max_iter=20, max_eval=20)
    losses: list[float] = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = transfer.loss(image)
        loss.backward()
        losses.append(float(loss))
        return loss

    began = time.perf_counter()
    while len(losses) < arguments.evaluations:
        optimizer.step(closure)
    seconds = time.perf_counter() - began
    np.save(arguments.output, image.detach().clamp(0, 1)[0].permute(1, 2, 0).cpu().numpy())
    return {"size": size, "evaluations": len(losses), "losses": losses, "seconds": seconds}


def turns(arguments: argparse.Namespace) -> None:
    """For each layout on a line of standard input: loss, forward and backward to the pixels, timed.

    Prints a line of JSON for each, so that whoever asks can measure something else in between.
    """
    shape = tuple(arguments.shape)
    transfers = {
        layout: Transfer(shape, "float32", arguments.device, memory_format)
        for layout, memory_format in FORMATS.items()
    }
    start = np.random.default_rng(1).uniform(0, 1, (*shape, 3)).astype(np.float32)
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for layout in map(str.strip, sys.stdin):
        transfer = transfers[layout]
        image = transfer.picture(start).requires_grad_()
        began = time.perf_counter()
        loss = transfer.loss(image)
        loss.backward()
        loss, seconds = float(loss), time.perf_counter() - began
        print(json.dumps({"seconds": seconds, "loss": loss}), flush=True)


def main() -> None:
    """Do what is asked for and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("step", "picture", "turns"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[512])
    parser.add_argument("--shape", type=int, nargs=2, default=[352, 512], help="height and width, of turns")
    parser.add_argument("--arithmetics", nargs="+", default=["float32", "TF32", "bfloat16"])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--compile", action="store_true", help="time torch.compile, too")
    parser.add_argument("--budget", type=float, default=math.inf, help="seconds")
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--steps-a-call", type=int, default=STEPS_A_CALL)
    parser.add_argument("--output", default="peer.npy")
    arguments = parser.parse_args()
    if arguments.what == "turns":
        turns(arguments)
        return
    arguments.until = time.perf_counter() + arguments.budget
    found = {"torch": torch.__version__, "cuda": torch.version.cuda}
    found["cudnn"] = torch.backends.cudnn.version()
    found[arguments.what] = steps(arguments) if arguments.what == "step" else picture(arguments)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
