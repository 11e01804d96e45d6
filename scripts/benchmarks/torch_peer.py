"""The same transfer in PyTorch, alone in its process: never import torch beside TensorFlow.

    python3 torch_peer.py DEVICE       # cpu or cuda

Prints a line of JSON about itself, then answers each line of JSON on standard input with one, so that whoever
asks can measure something else in between: {"what": FUNCTION, its arguments}. Weights, pictures, layers and
losses are those of ``transfer.py``, drawn anew from the same seeds.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache

import numpy as np
import torch

MEAN_BGR = (103.939, 116.779, 123.68)
BLOCKS = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,))
CONTENT, STYLE = (3, 1), tuple((block, 0) for block in range(5))  # block and convolution, from 0
FORMATS = {"NCHW": torch.contiguous_format, "NHWC": torch.channels_last}
CALLS = 3


class Transfer:
    """Network, targets and loss."""

    def __init__(self, shape: tuple[int, int], arithmetic: str, device: str, layout: str) -> None:
        self.device, self.format = device, FORMATS[layout]
        self.type = torch.bfloat16 if arithmetic == "bfloat16" else torch.float32
        self.kernels = self._kernels()
        content, style = np.random.default_rng(0).uniform(0, 1, (2, *shape, 3)).astype(np.float32)
        self.content = self.picture(content)
        self.start = self.picture(np.random.default_rng(1).uniform(0, 1, (*shape, 3)).astype(np.float32))
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


kept = cache(Transfer)


def turn(device: str, shape: list[int], layout: str) -> dict:
    """Loss, forward and backward to the pixels, of random noise: timed once."""
    transfer = kept(tuple(shape), "float32", device, layout)
    image = transfer.start.clone().requires_grad_()
    began = time.perf_counter()
    loss = transfer.loss(image)
    loss.backward()
    loss = float(loss)
    return {"seconds": time.perf_counter() - began, "loss": loss}


def step(device: str, size: int, arithmetic: str, layout: str, compiled: bool, steps_a_call: int) -> dict:
    """Milliseconds of a step of Adam: the best of three calls of some steps with one sync each."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = arithmetic == "TF32"
    torch.backends.cudnn.benchmark = True
    transfer = Transfer((size, size), arithmetic, device, layout)
    image = transfer.start.clone().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=0.01)
    loss_of = torch.compile(transfer.loss) if compiled else transfer.loss
    with torch.no_grad():
        loss_of_start = float(transfer.loss(image))

    def made() -> torch.Tensor:
        loss = stepped(optimizer, lambda: loss_of(image))
        with torch.no_grad():
            image.clamp_(0, 1)
        return loss.detach()

    float(made()), float(made())
    best = math.inf
    for _ in range(CALLS):
        began = time.perf_counter()
        float(torch.stack([made() for _ in range(steps_a_call)])[-1])
        best = min(best, (time.perf_counter() - began) / steps_a_call)
    return {"ms_a_step": 1e3 * best, "loss_of_start": loss_of_start}


def stepped(optimizer: torch.optim.Optimizer, loss_of: Callable[[], torch.Tensor]) -> torch.Tensor:
    """One step of the optimizer -> the loss before it."""

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        return loss

    return optimizer.step(closure)


def picture(device: str, size: int, evaluations: int, file: str) -> dict:
    """Save what torch.optim.LBFGS makes of the content, clipped at the end, as PyTorch's tutorial does.

    The file has it as [H, W, 3] in [0, 1].
    """
    transfer = Transfer((size, size), "float32", device, "NCHW")
    image = transfer.content.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([image], max_iter=20, max_eval=20)
    losses: list[float] = []

    def loss_of() -> torch.Tensor:
        loss = transfer.loss(image)
        losses.append(float(loss))
        return loss

    began = time.perf_counter()
    while len(losses) < evaluations:
        stepped(optimizer, loss_of)
    seconds = time.perf_counter() - began
    np.save(file, image.detach().clamp(0, 1)[0].permute(1, 2, 0).cpu().numpy())
    return {"evaluations": len(losses), "seconds": seconds}


def main(device: str) -> None:
    """Answer what is asked."""
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"turn": turn, "step": step, "picture": picture}[asked.pop("what")](device, **asked)
        except Exception as error:  # torch's compiler has errors of many kinds
            answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
