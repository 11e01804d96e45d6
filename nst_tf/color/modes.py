"""What `color=` can be: what becomes of the colors of content, style and result.

Pictures and images are [H, W, 3] float32; a picture has its values in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nst_tf.color.matching import (
    ROUNDING_VARIANCE,
    check_method,
    in_bands,
    lab,
    matched,
    moments_of,
    srgb,
)
from nst_tf.errors import InputError
from nst_tf.images.pixels import LUMA

View = tuple[np.ndarray, np.ndarray]
"""What the objective sees of an image: either ``base`` and ``span`` [H, W, 1], for base + span * (mean of the
image's three channels), or ``base`` [1, 1, 3] and ``matrix`` [3, 3], for base + image @ matrix."""


class Canvas:
    """Translates between the image that is optimized and the picture that is saved; here both are one."""

    @property
    def view(self) -> View | None:
        """What of the image the objective sees; None for the image itself."""
        return None

    def image(self, picture: np.ndarray) -> np.ndarray:
        """The image to optimize from, for a picture to start from."""
        return picture

    def carried(self, image: np.ndarray) -> np.ndarray:
        """The picture from which the next size starts."""
        return image

    def saved(self, image: np.ndarray) -> np.ndarray:
        """The picture that is saved for an image."""
        return image

    def seen(self, picture: np.ndarray) -> np.ndarray:
        """What the objective sees of a saved picture: its loss is the loss that is reported."""
        return picture


PLAIN = Canvas()
"""It holds nothing: one serves all runs."""


class Color:
    """What a run does about color; asked once at every size, with content and styles at that size."""

    makes_steps: ClassVar[bool] = True
    """Whether the objective is optimized; it scores the picture anyway."""

    def shown(
        self, content: np.ndarray, styles: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        """Content and styles as the objective sees them, of the same shapes and range: here as they are."""
        return content, styles

    def canvas(self, content: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float]) -> Canvas:
        """What stands between the image and the saved picture; ``weights`` are those of the styles."""
        return PLAIN


@dataclass(frozen=True)
class Unchanged(Color):
    """Colors come from the style with everything else, as in Gatys et al. 2016."""


# ---- color=of_style ----

# Standard deviation of the styles' colors across the line that fits them best, over that along it. The
# bundled line drawing on tinted paper has 0.03 at its own size, drawings in grey have 0, and of the color
# photographs and paintings that were looked at the greyest has 0.15. At 0.07 the line holds 99.5 % of the
# variance.
_WIDEST_LINE = 0.07
_STEEPEST = 16.0  # a photograph with a mean of 0.2 reaches 0.8 at about 16
_BINS, _HALVINGS = 4096, 24  # both find the mean far below a level of 8 bits
# Y along a line of length 1. Greys have 0.58, and yellow on white, whose blue alone changes, has 0.114.
_LEAST_LIGHTNESS = 0.1
_UNCHANGING = 1e-6  # of a unit vector: rounding of the decomposition


@dataclass(frozen=True)
class OfStyle(Color):
    """Colors come from the style; where the style's lie on a line, as a drawing's do, so do the picture's.

    A drawing has the colors between its ink and its paper, and no others. The network hardly sees faint
    color: what the content brings along stays, and speckles come, however many steps are made. So the image
    can be nowhere but on the line, and it begins with the style's tones. A style of more colors changes
    nothing: all is as with ``Unchanged``. Several styles are taken together, by their weights.
    """

    def canvas(self, content: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float]) -> Canvas:
        return line_of_colors(styles, weights) or PLAIN


def line_of_colors(styles: Sequence[np.ndarray], weights: Sequence[float]) -> LineCanvas | None:
    """The line on which the colors of all styles [H, W, 3] together lie; None if they lie on none.

    It is the axis of their largest variance, and ends where R, G or B leaves [0, 1]. None, too, for flat
    styles, for colors of one lightness, among which none is ink and none paper, and without any style.
    """
    if not sum(weights) > 0:
        return None
    shares = [weight / sum(weights) for weight in weights]
    moments = [moments_of(style) for style in styles]
    mean = np.einsum("s,sc->c", shares, [one.mean for one in moments])
    around = [one.covariance + np.outer(one.mean - mean, one.mean - mean) for one in moments]
    variances, axes = np.linalg.eigh(np.einsum("s,sij->ij", shares, around))
    if variances[2] <= ROUNDING_VARIANCE or variances[1] > _WIDEST_LINE**2 * variances[2]:
        return None
    axis = axes[:, 2] if axes[:, 2] @ LUMA > 0 else -axes[:, 2]
    if axis @ LUMA < _LEAST_LIGHTNESS:
        return None
    changing = np.abs(axis) > _UNCHANGING  # the other channels set no bound
    ends = np.sort(np.stack([-mean[changing], 1 - mean[changing]]) / axis[changing], axis=0)
    first, last = ends[0].max(), ends[1].min()
    return LineCanvas(mean + first * axis, mean + last * axis, float(-first / (last - first)))


@dataclass(frozen=True, eq=False)
class LineCanvas(Canvas):
    """The image is a place on a line of colors: 0 is its end ``dark`` [3], 1 its end ``bright`` [3].

    Its three channels are equal, and the steps keep them so: their gradients are. ``mean`` is the mean of the
    styles' places, and that of the image that a size begins with: a dark photograph would take many times the
    steps of a run to become as bright as a drawing on white paper.
    """

    dark: np.ndarray
    bright: np.ndarray
    mean: float

    @property
    def view(self) -> View:
        """The color at the mean of the image's channels."""
        return self.dark.reshape(1, 1, 3), np.tile((self.bright - self.dark) / 3, (3, 1))

    def image(self, picture: np.ndarray) -> np.ndarray:
        """The picture's light and shade, Y of YIQ, as places, brightened or darkened to the styles' mean."""
        return _three_times(with_mean(luma(picture), self.mean))

    def carried(self, image: np.ndarray) -> np.ndarray:
        """The places as greys, from black to white: the picture may be paler than its light and shade."""
        return _three_times(_place(image))

    def saved(self, image: np.ndarray) -> np.ndarray:
        """The colors at the image's places."""
        return (self.dark + _place(image) * (self.bright - self.dark)).astype(np.float32)


# ---- color=match_style_to_content ----


@dataclass(frozen=True)
class MatchStyleToContent(Color):
    """Every style, by itself, gets the content's colors; from then on all is as usual.

    Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving color in neural artistic style transfer"; Gatys et
    al. 2017, "Controlling perceptual factors in neural style transfer", section 5. ``method`` is a word of
    ``METHODS``.
    """

    method: str = "symmetric"

    def __post_init__(self) -> None:
        check_method(self.method)

    def shown(
        self, content: np.ndarray, styles: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        return content, [matched(style, content, self.method) for style in styles]


# ---- color=recombine ----


@dataclass(frozen=True)
class Recombine(Color):
    """The optimization is the usual one; what is saved has its lightness and the content's chroma in L*a*b*.

    As programs do that offer "original colors" (neural_style.lua of jcjohnson/neural-style, function
    original_colors). Departure: there Y, U and V, here L*a*b*, whose lightness is closer to the eye's. The
    loss that is reported is that of the saved picture, which lies above the one that was optimized.
    """

    def canvas(self, content: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float]) -> Canvas:
        return _ColoredByContent(content)


@dataclass(frozen=True, eq=False)
class _ColoredByContent(Canvas):
    content: np.ndarray

    def saved(self, image: np.ndarray) -> np.ndarray:
        return recombined(np.clip(image, 0, 1), self.content)


def recombined(lightness: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """L* of one picture [H, W, 3] with a* and b* of another, as sRGB float32; see ``srgb`` for its limits."""

    def of_rows(bright: np.ndarray, colored: np.ndarray) -> np.ndarray:
        return srgb(np.concatenate([lab(bright)[..., :1], lab(colored)[..., 1:]], axis=-1))

    return in_bands(of_rows, lightness, chroma)


# ---- color=only ----


@dataclass(frozen=True)
class Only(Color):
    """The content in the colors of the styles, in closed form: no step is made, so no structure changes.

    Of several styles the results are averaged by their weights. ``keep_lightness``: the content's L* stays,
    and only a* and b* are taken from what was matched. The objective scores the picture, and ``init``,
    ``steps`` and ``optimizer`` have no say.
    """

    method: str = "symmetric"
    keep_lightness: bool = True
    makes_steps: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_method(self.method)

    def canvas(self, content: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float]) -> Canvas:
        """One that holds the result; raises InputError without any style."""
        if not styles:
            raise InputError("color=only takes its colors from a style: give at least one")
        result = np.zeros(content.shape, np.float32)
        for style, weight in zip(styles, weights, strict=True):
            result += np.float32(weight / sum(weights)) * matched(content, style, self.method)
        return _Given(recombined(content, result) if self.keep_lightness else result)


@dataclass(frozen=True, eq=False)
class _Given(Canvas):
    picture: np.ndarray

    def image(self, picture: np.ndarray) -> np.ndarray:
        """The result, wherever a run would start."""
        return self.picture


# ---- color=luminance ----


@dataclass(frozen=True)
class Luminance(Color):
    """The network sees Y of every picture, three times; what is saved has that Y and the content's I and Q.

    Gatys et al. 2017, "Controlling perceptual factors in neural style transfer", section 5, luminance-only
    transfer. ``match_style``: the styles' Y get the content's mean and standard deviation first, as there,
    so that a dark painting does not darken a bright photograph, and are then clipped to [0, 1].

    I and Q are differences of R, G and B: adding one number to all three of a pixel changes Y by it, and
    neither I nor Q. Between black and white a pixel has room for numbers from -min(R, G, B) to
    1 - max(R, G, B); the image that is optimized says where in this room it is, so no color is ever
    clipped, which the paper leaves open. A pixel of pure red has no room: it stays as it is.
    """

    match_style: bool = True

    def shown(
        self, content: np.ndarray, styles: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        grey = luma(content)
        of_styles = [luma(style) for style in styles]
        if self.match_style:
            of_styles = [np.clip(matched_luma(one, grey), 0, 1).astype(np.float32) for one in of_styles]
        return _three_times(grey), [_three_times(one) for one in of_styles]

    def canvas(self, content: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float]) -> Canvas:
        return LuminanceCanvas(content)


@dataclass(frozen=True, eq=False)
class LuminanceCanvas(Canvas):
    """The image is a place in each pixel's room: 0 is as dark, 1 as bright as its color can be.

    Its three channels are equal, and the steps keep them so: their gradients are. Nothing of the picture's
    size is held but the content.
    """

    content: np.ndarray

    def _room(self) -> tuple[np.ndarray, np.ndarray]:
        """The least of the three channels of each pixel, and by how much all of them can grow from there."""
        lowest = self.content.min(axis=-1, keepdims=True)
        return lowest, 1 - (self.content.max(axis=-1, keepdims=True) - lowest)

    @property
    def view(self) -> View:
        """Y of the darkest color that a pixel can have, and the room above it."""
        lowest, span = self._room()
        return luma(self.content) - lowest, span

    def image(self, picture: np.ndarray) -> np.ndarray:
        """The places that give the picture's Y, or come closest; the middle where there is no room."""
        base, span = self.view
        place = np.divide(luma(picture) - base, span, out=np.full_like(span, 0.5), where=span > 0)
        return _three_times(np.clip(place, 0, 1))

    def carried(self, image: np.ndarray) -> np.ndarray:
        """The image's Y, three times."""
        base, span = self.view
        return _three_times(np.clip(base + span * _place(image), 0, 1))

    def saved(self, image: np.ndarray) -> np.ndarray:
        """The content, every pixel as bright as the image says."""
        lowest, span = self._room()
        return self.content + (span * _place(image) - lowest)

    def seen(self, picture: np.ndarray) -> np.ndarray:
        """Its Y, three times."""
        return _three_times(luma(picture))


def with_mean(values: np.ndarray, mean: float) -> np.ndarray:
    """Values, clipped to [0, 1], along the curve v / (v + a (1 - v)) whose a gives them the mean; float32.

    Schlick 1994, "Fast alternatives to Perlin's bias and gain functions", the bias. Black stays black, white
    white, nothing is clipped, and no difference grows by more than a or 1 / a, for which ``_STEEPEST`` is the
    limit: a picture that is nearly black stays darker than the mean.
    """
    values = np.clip(values.astype(np.float64), 0, 1)
    counts, edges = np.histogram(values, _BINS, (0, 1))
    middles = (edges[:-1] + edges[1:]) / 2

    def curve(of: np.ndarray, steepness: float) -> np.ndarray:
        return of / (of + steepness * (1 - of))

    low, high = -np.log(_STEEPEST), np.log(_STEEPEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_too_bright = np.average(curve(middles, np.exp(middle)), weights=counts) > mean
        low, high = (middle, high) if is_too_bright else (low, middle)
    return curve(values, np.exp((low + high) / 2)).astype(np.float32)


def luma(pixels: np.ndarray) -> np.ndarray:
    """RGB [H, W, 3] -> Y [H, W, 1] float32."""
    return (pixels @ np.asarray(LUMA, np.float32)).astype(np.float32)[..., np.newaxis]


def matched_luma(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Y' = s_T / s (Y - m) + m_T: Y with the mean m_T and standard deviation s_T of ``target``, of any shape.

    Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving color in neural artistic style transfer",
    luminance-only transfer, after Hertzmann et al. 2001, "Image analogies". Flat values, whose variance is
    below that of rounding to 8 bits, become the target's mean. Not clipped. Float64.
    """
    exact, wanted = values.astype(np.float64), target.astype(np.float64)
    gain = wanted.std() / exact.std() if exact.var() > ROUNDING_VARIANCE else 0.0
    return gain * (exact - exact.mean()) + wanted.mean()


def _place(image: np.ndarray) -> np.ndarray:
    # outside of the room only with image.clip=false
    return np.clip(image.mean(axis=-1, keepdims=True), 0, 1)


def _three_times(values: np.ndarray) -> np.ndarray:
    return np.repeat(values, 3, axis=-1)
