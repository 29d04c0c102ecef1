# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaussians laid over each other, front to back, and the adjoint by hand.

What a splat adds to a pixel is said once; two orders of work use it. A GPU has a thread a pixel, which walks down its
tile's list. A processor has a thread a tile, which takes each splat of the list over the few pixels that it covers,
and adds up a splat's gradients before it writes them.
"""

import warp as wp

wp.set_module_options({"enable_backward": False})


@wp.struct
class Limits:
    """What is left out: alpha below `least_alpha` and above `most_alpha`, light below `least_light`."""

    least_alpha: float
    most_alpha: float
    least_light: float


@wp.func
def exponent(conic: wp.vec3, dx: float, dy: float):
    """The logarithm of a Gaussian's height at a distance in pixels from its middle."""
    return -0.5 * (conic[0] * dx * dx + conic[2] * dy * dy) - conic[1] * dx * dy


@wp.func
def alpha_gradient(
    value: wp.vec4, light: float, behind: wp.vec4, remaining: float, g: wp.vec4, g_light: float, left: float
):
    """How the loss changes with a splat's alpha.

    In front of it is `light`, behind it come `behind`; `remaining` is one less its alpha; `left` is the light that
    leaves the pixel at last; `g` and `g_light` are the gradients of the pixel's sum and of `left`.
    """
    return wp.dot(g, value * light - behind / remaining) - g_light * left / remaining


@wp.func
def edges_of(tile: int, side: int, columns: int, width: int, height: int):
    """A tile's first column and row, and one past its last ones."""
    left = (tile % columns) * side
    top = (tile / columns) * side
    return left, top, wp.min(left + side, width), wp.min(top + side, height)


@wp.struct
class Ellipse:
    """Where a Gaussian is above the least alpha: what its rows have in common.

    A row at the height `dy` has its middle at `slope * dy` and half its length squared is `room - narrowing * dy^2`.
    """

    slope: float
    room: float
    narrowing: float
    top: int
    bottom: int


@wp.func
def ellipse_of(
    mean: wp.vec2, conic: wp.vec3, reach: wp.vec2, opacity: float, least_alpha: float, top: int, bottom: int
):
    """The ellipse of a splat between the rows `top` and `bottom`."""
    e = Ellipse()
    by = 1.0 / conic[0]
    e.slope = -conic[1] * by
    e.room = 2.0 * wp.log(opacity / least_alpha) * by
    e.narrowing = (conic[2] + conic[1] * e.slope) * by
    e.top = wp.max(int(wp.ceil(mean[1] - reach[1] - 0.5)), top)
    e.bottom = wp.min(int(wp.floor(mean[1] + reach[1] - 0.5)) + 1, bottom)
    return e


@wp.func
def row_span(e: Ellipse, mean_x: float, dy: float, left: int, right: int):
    """The first and one past the last pixel of a row within an ellipse and between two columns."""
    half = wp.sqrt(wp.max(e.room - e.narrowing * dy * dy, 0.0))
    middle = mean_x + e.slope * dy - 0.5
    return wp.max(int(wp.ceil(middle - half)), left), wp.min(int(wp.floor(middle + half)) + 1, right)


@wp.func
def next_height(conic: wp.vec3, dx: float, dy: float):
    """What a Gaussian's height is multiplied by from one pixel of a row to the next.

    This in turn is multiplied by `exp(-conic[0])` from pixel to pixel: a row needs two exponentials.
    """
    return wp.exp(-conic[0] * (dx + 0.5) - conic[1] * dy)


@wp.kernel
def composite_tiles(
    means: wp.array(dtype=wp.vec2),
    conics: wp.array(dtype=wp.vec3),
    reach: wp.array(dtype=wp.vec2),
    opacities: wp.array(dtype=float),
    values: wp.array(dtype=wp.vec4),
    splats: wp.array(dtype=wp.int32),
    tile_starts: wp.array(dtype=wp.int32),
    width: int,
    height: int,
    side: int,
    columns: int,
    limits: Limits,
    picture: wp.array(dtype=wp.vec4),
    light: wp.array(dtype=float),
    first: int,
    step: int,
):
    """One tile of a processor's; `picture` begins as zero and `light` as one."""
    t = first + wp.tid() * step
    left, top, right, bottom = edges_of(t, side, columns, width, height)
    lit = (right - left) * (bottom - top)
    k = tile_starts[t]
    end = tile_starts[t + 1]
    while k < end:
        i = splats[k]
        mean = means[i]
        conic = conics[i]
        opacity = opacities[i]
        value = values[i]
        e = ellipse_of(mean, conic, reach[i], opacity, limits.least_alpha, top, bottom)
        bend = wp.exp(-conic[0])
        for y in range(e.top, e.bottom):
            dy = float(y) + 0.5 - mean[1]
            x0, x1 = row_span(e, mean[0], dy, left, right)
            dx = float(x0) + 0.5 - mean[0]
            full = opacity * wp.exp(exponent(conic, dx, dy))
            by = next_height(conic, dx, dy)
            for x in range(x0, x1):
                at = y * width + x
                before = light[at]
                alpha = wp.min(full, limits.most_alpha)
                full *= by
                by *= bend
                if before >= limits.least_light:
                    picture[at] = picture[at] + value * (before * alpha)
                    after = before * (1.0 - alpha)
                    light[at] = after
                    if after < limits.least_light:
                        lit -= 1
        k += 1
        if lit == 0:
            k = end


@wp.kernel
def composite_tiles_adjoint(
    means: wp.array(dtype=wp.vec2),
    conics: wp.array(dtype=wp.vec3),
    reach: wp.array(dtype=wp.vec2),
    opacities: wp.array(dtype=float),
    values: wp.array(dtype=wp.vec4),
    splats: wp.array(dtype=wp.int32),
    slots: wp.array(dtype=wp.int32),
    tile_starts: wp.array(dtype=wp.int32),
    width: int,
    height: int,
    side: int,
    columns: int,
    limits: Limits,
    light: wp.array(dtype=float),
    picture_gradient: wp.array(dtype=wp.vec4),
    light_gradient: wp.array(dtype=float),
    behind: wp.array(dtype=wp.vec4),
    passing: wp.array(dtype=float),
    mean_gradients: wp.array(dtype=wp.vec2),
    conic_gradients: wp.array(dtype=wp.vec3),
    opacity_gradients: wp.array(dtype=float),
    value_gradients: wp.array(dtype=wp.vec4),
    first: int,
    step: int,
):
    """One tile of a processor's, again from front to back: `behind` begins as the picture and `passing` as one.

    Gradients are written to the entries' slots, which begin as zero.
    """
    t = first + wp.tid() * step
    left, top, right, bottom = edges_of(t, side, columns, width, height)
    lit = (right - left) * (bottom - top)
    k = tile_starts[t]
    end = tile_starts[t + 1]
    while k < end:
        i = splats[k]
        mean = means[i]
        conic = conics[i]
        opacity = opacities[i]
        value = values[i]
        e = ellipse_of(mean, conic, reach[i], opacity, limits.least_alpha, top, bottom)
        g_value = wp.vec4()
        g_opacity = float(0.0)
        sum_x = float(0.0)
        sum_y = float(0.0)
        sum_xx = float(0.0)
        sum_xy = float(0.0)
        sum_yy = float(0.0)
        bend = wp.exp(-conic[0])
        for y in range(e.top, e.bottom):
            dy = float(y) + 0.5 - mean[1]
            x0, x1 = row_span(e, mean[0], dy, left, right)
            dx = float(x0) - 0.5 - mean[0]
            next_here = wp.exp(exponent(conic, dx + 1.0, dy))
            by = next_height(conic, dx + 1.0, dy)
            for x in range(x0, x1):
                at = y * width + x
                before = passing[at]
                dx += 1.0
                height_here = next_here
                next_here *= by
                by *= bend
                if before >= limits.least_light:
                    full = opacity * height_here
                    alpha = wp.min(full, limits.most_alpha)
                    g = picture_gradient[at]
                    after = before * (1.0 - alpha)
                    rest = behind[at] - value * (before * alpha)
                    g_value += g * (before * alpha)
                    if full < limits.most_alpha:
                        d = alpha_gradient(value, before, rest, 1.0 - alpha, g, light_gradient[at], light[at])
                        g_opacity += d * height_here
                        pull = d * alpha
                        sum_x += pull * dx
                        sum_y += pull * dy
                        sum_xx += pull * dx * dx
                        sum_xy += pull * dx * dy
                        sum_yy += pull * dy * dy
                    behind[at] = rest
                    passing[at] = after
                    if after < limits.least_light:
                        lit -= 1
        slot = slots[k]
        mean_gradients[slot] = wp.vec2(conic[0] * sum_x + conic[1] * sum_y, conic[1] * sum_x + conic[2] * sum_y)
        conic_gradients[slot] = wp.vec3(-0.5 * sum_xx, -sum_xy, -0.5 * sum_yy)
        opacity_gradients[slot] = g_opacity
        value_gradients[slot] = g_value
        k += 1
        if lit == 0:
            k = end


@wp.kernel
def composite_pixels(
    means: wp.array(dtype=wp.vec2),
    conics: wp.array(dtype=wp.vec3),
    opacities: wp.array(dtype=float),
    values: wp.array(dtype=wp.vec4),
    splats: wp.array(dtype=wp.int32),
    tile_starts: wp.array(dtype=wp.int32),
    width: int,
    side: int,
    columns: int,
    limits: Limits,
    picture: wp.array(dtype=wp.vec4),
    light: wp.array(dtype=float),
    first: int,
    step: int,
):
    """One pixel of a GPU's."""
    pixel = first + wp.tid() * step
    y = pixel / width
    x = pixel - y * width
    t = (y / side) * columns + x / side
    total = wp.vec4()
    passing = float(1.0)
    k = tile_starts[t]
    end = tile_starts[t + 1]
    while k < end and passing >= limits.least_light:
        i = splats[k]
        mean = means[i]
        full = opacities[i] * wp.exp(exponent(conics[i], float(x) + 0.5 - mean[0], float(y) + 0.5 - mean[1]))
        if full >= limits.least_alpha:
            alpha = wp.min(full, limits.most_alpha)
            total += values[i] * (passing * alpha)
            passing *= 1.0 - alpha
        k += 1
    picture[pixel] = total
    light[pixel] = passing


@wp.kernel
def composite_pixels_adjoint(
    means: wp.array(dtype=wp.vec2),
    conics: wp.array(dtype=wp.vec3),
    opacities: wp.array(dtype=float),
    values: wp.array(dtype=wp.vec4),
    splats: wp.array(dtype=wp.int32),
    slots: wp.array(dtype=wp.int32),
    tile_starts: wp.array(dtype=wp.int32),
    width: int,
    side: int,
    columns: int,
    limits: Limits,
    picture: wp.array(dtype=wp.vec4),
    light: wp.array(dtype=float),
    picture_gradient: wp.array(dtype=wp.vec4),
    light_gradient: wp.array(dtype=float),
    mean_gradients: wp.array(dtype=wp.vec2),
    conic_gradients: wp.array(dtype=wp.vec3),
    opacity_gradients: wp.array(dtype=float),
    value_gradients: wp.array(dtype=wp.vec4),
    first: int,
    step: int,
):
    """One pixel of a GPU's: what it adds to the gradients of its tile's entries."""
    pixel = first + wp.tid() * step
    y = pixel / width
    x = pixel - y * width
    t = (y / side) * columns + x / side
    rest = picture[pixel]
    passing = float(1.0)
    g = picture_gradient[pixel]
    k = tile_starts[t]
    end = tile_starts[t + 1]
    while k < end and passing >= limits.least_light:
        i = splats[k]
        mean = means[i]
        conic = conics[i]
        dx = float(x) + 0.5 - mean[0]
        dy = float(y) + 0.5 - mean[1]
        height_here = wp.exp(exponent(conic, dx, dy))
        full = opacities[i] * height_here
        if full >= limits.least_alpha:
            alpha = wp.min(full, limits.most_alpha)
            value = values[i]
            slot = slots[k]
            rest -= value * (passing * alpha)
            wp.atomic_add(value_gradients, slot, g * (passing * alpha))
            if full < limits.most_alpha:
                d = alpha_gradient(value, passing, rest, 1.0 - alpha, g, light_gradient[pixel], light[pixel])
                e = d * alpha
                wp.atomic_add(opacity_gradients, slot, d * height_here)
                wp.atomic_add(
                    mean_gradients,
                    slot,
                    wp.vec2(e * (conic[0] * dx + conic[1] * dy), e * (conic[1] * dx + conic[2] * dy)),
                )
                wp.atomic_add(conic_gradients, slot, wp.vec3(-0.5 * e * dx * dx, -e * dx * dy, -0.5 * e * dy * dy))
            passing *= 1.0 - alpha
        k += 1


@wp.kernel
def sum_entries(
    splat_starts: wp.array(dtype=wp.int32),
    mean_entries: wp.array(dtype=wp.vec2),
    conic_entries: wp.array(dtype=wp.vec3),
    opacity_entries: wp.array(dtype=float),
    value_entries: wp.array(dtype=wp.vec4),
    mean_gradients: wp.array(dtype=wp.vec2),
    conic_gradients: wp.array(dtype=wp.vec3),
    opacity_gradients: wp.array(dtype=float),
    value_gradients: wp.array(dtype=wp.vec4),
    first: int,
    step: int,
):
    """One splat: the sums over its entries."""
    i = first + wp.tid() * step
    mean = wp.vec2()
    conic = wp.vec3()
    opacity = float(0.0)
    value = wp.vec4()
    for slot in range(splat_starts[i], splat_starts[i + 1]):
        mean += mean_entries[slot]
        conic += conic_entries[slot]
        opacity += opacity_entries[slot]
        value += value_entries[slot]
    mean_gradients[i] = mean
    conic_gradients[i] = conic
    opacity_gradients[i] = opacity
    value_gradients[i] = value
