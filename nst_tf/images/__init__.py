"""Pictures: reading, writing, resizing, and the step to the network's own pixels.

The one pixel convention of this project: red, green, blue (RGB) in that order; values in [0, 1];
float32; sRGB, as encoded in the file (never linear light); axes (height, width, channel) for a picture
in this package and (1, height, width, channel) at the network. Transparency is laid over white on reading,
and kept beside it (``alpha``).

Import the modules themselves: this file stays empty, because the numerics import ``pixels``, which
needs neither Pillow nor TensorFlow, and must not load the rest of the package with it.
"""

from __future__ import annotations
