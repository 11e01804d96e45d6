"""Pictures: reading, writing, resizing, and the step to the network's own pixels.

The one pixel convention of this project: red, green, blue (RGB) in that order; values in [0, 1];
float32; sRGB, as encoded in the file (never linear light); axes (height, width, channel) for a picture
in this room and (1, height, width, channel) at the network. Transparency is laid over white on reading, and
kept beside it (``alpha``: what it is for is said in that module).

Import the modules themselves: this file stays empty, because the numerics import ``pixels``, which
needs neither Pillow nor TensorFlow, and must not load the rest of the room with it.
"""

from __future__ import annotations
