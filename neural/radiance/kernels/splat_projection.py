# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats carried by a posed head's triangles and seen through a camera: Gaussians in the picture's plane.

A splat sits at barycentric coordinates of a triangle; its offset, rotation and size are in the triangle's frame and
grow with the triangle. A Gaussian in space is seen as one in the picture by the first derivative of the projection
(EWA splatting, Zwicker et al. 2001; Kerbl et al. 2023). The adjoint is by hand; it takes the triangles' frames and
sizes as given, so that gradients reach the vertices through the splats' anchors only.
"""

import warp as wp

from ....protocol import splats

wp.set_module_options({"enable_backward": False})

LEAST_GROWTH, MOST_GROWTH = wp.constant(splats.LEAST_GROWTH), wp.constant(splats.MOST_GROWTH)
BLUR = wp.constant(0.1)
"""Square pixels added to a Gaussian's variance in the picture, about what a pixel averages over."""
FACING_AWAY = wp.constant(splats.FACING_AWAY)
LEAST_DEPTH = wp.constant(0.05)
"""Metres in front of the camera within which nothing is drawn."""


@wp.func
def triangle_frame(a: wp.vec3, b: wp.vec3, c: wp.vec3):
    """Columns: tangent along the first edge, bitangent, outward normal."""
    tangent = wp.normalize(b - a)
    normal = wp.normalize(wp.cross(b - a, c - a))
    return wp.matrix_from_cols(tangent, wp.cross(normal, tangent), normal)


@wp.func
def growth(a: wp.vec3, b: wp.vec3, c: wp.vec3, rest_size: float):
    """A triangle's size (square root of its area) by that at rest."""
    size = wp.sqrt(0.5 * wp.length(wp.cross(b - a, c - a)))
    return wp.clamp(size / rest_size, LEAST_GROWTH, MOST_GROWTH)


@wp.func
def rotation_of(q: wp.vec4):
    """The matrix of a unit quaternion (w, x, y, z)."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    return wp.mat33(
        1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y),
        2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x),
        2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y),
    )  # fmt: skip


@wp.func
def adjoint_rotation_of(q: wp.vec4, g: wp.mat33):
    """Gradient of a quaternion, not nec. unit, whose direction gave the matrix with gradient `g`."""
    length = wp.length(q)
    u = q / length
    w, x, y, z = u[0], u[1], u[2], u[3]
    gw = 2.0 * (x * (g[2, 1] - g[1, 2]) + y * (g[0, 2] - g[2, 0]) + z * (g[1, 0] - g[0, 1]))
    gx = 2.0 * (
        w * (g[2, 1] - g[1, 2]) - 2.0 * x * (g[1, 1] + g[2, 2]) + y * (g[0, 1] + g[1, 0]) + z * (g[0, 2] + g[2, 0])
    )
    gy = 2.0 * (
        w * (g[0, 2] - g[2, 0]) + x * (g[0, 1] + g[1, 0]) - 2.0 * y * (g[0, 0] + g[2, 2]) + z * (g[1, 2] + g[2, 1])
    )
    gz = 2.0 * (
        w * (g[1, 0] - g[0, 1]) + x * (g[0, 2] + g[2, 0]) + y * (g[1, 2] + g[2, 1]) - 2.0 * z * (g[0, 0] + g[1, 1])
    )
    unit = wp.vec4(gw, gx, gy, gz)
    return (unit - u * wp.dot(u, unit)) / length


@wp.struct
class Seen:
    """A Gaussian seen through a camera.

    Its `axes` in camera space are those of its `turn` in the triangle's frame, times `scale` in metres; `across` and
    `down` are their rows in the picture. `variance` there and its inverse, the `conic`: xx, xy, yy of square pixels.
    """

    turn: wp.mat33
    scale: wp.vec3
    axes: wp.mat33
    across: wp.vec3
    down: wp.vec3
    variance: wp.vec3
    conic: wp.vec3


@wp.func
def seen(frame: wp.mat33, p: wp.vec3, k: float, log_scale: wp.vec3, rotation: wp.vec4, intrinsics: wp.vec4):
    """The Gaussian at `p` in the frame of a triangle that has grown by `k`; `intrinsics` are fx, fy, cx, cy."""
    s = Seen()
    s.turn = rotation_of(wp.normalize(rotation))
    s.scale = wp.vec3(k * wp.exp(log_scale[0]), k * wp.exp(log_scale[1]), k * wp.exp(log_scale[2]))
    s.axes = frame * s.turn * wp.diag(s.scale)
    near = 1.0 / p[2]
    s.across = intrinsics[0] * near * (s.axes[0] - s.axes[2] * (p[0] * near))
    s.down = intrinsics[1] * near * (s.axes[1] - s.axes[2] * (p[1] * near))
    xx = wp.dot(s.across, s.across) + BLUR
    xy = wp.dot(s.across, s.down)
    yy = wp.dot(s.down, s.down) + BLUR
    s.variance = wp.vec3(xx, xy, yy)
    s.conic = wp.vec3(yy, -xy, xx) / (xx * yy - xy * xy)
    return s


@wp.kernel
def project(
    vertices: wp.array(dtype=wp.vec3),
    corners: wp.array2d(dtype=wp.int32),
    barycentric: wp.array(dtype=wp.vec3),
    rest_sizes: wp.array(dtype=float),
    offsets: wp.array(dtype=wp.vec3),
    log_scales: wp.array(dtype=wp.vec3),
    rotations: wp.array(dtype=wp.vec4),
    opacities: wp.array(dtype=float),
    intrinsics: wp.vec4,
    width: int,
    height: int,
    least_alpha: float,
    means: wp.array(dtype=wp.vec2),
    conics: wp.array(dtype=wp.vec3),
    reach: wp.array(dtype=wp.vec2),
    depths: wp.array(dtype=float),
    normals: wp.array(dtype=wp.vec3),
    first: int,
    step: int,
):
    """One splat: its Gaussian in the picture and how far it reaches; a reach of zero is not drawn."""
    i = first + wp.tid() * step
    a, b, c = vertices[corners[i, 0]], vertices[corners[i, 1]], vertices[corners[i, 2]]
    frame = triangle_frame(a, b, c)
    w = barycentric[i]
    p = a * w[0] + b * w[1] + c * w[2] + frame * offsets[i]
    normal = wp.vec3(frame[0, 2], frame[1, 2], frame[2, 2])
    normals[i] = normal
    depths[i] = p[2]
    reach[i] = wp.vec2(0.0, 0.0)
    if p[2] > LEAST_DEPTH and wp.dot(normal, p) < FACING_AWAY * wp.length(p) and opacities[i] > least_alpha:
        s = seen(frame, p, growth(a, b, c, rest_sizes[i]), log_scales[i], rotations[i], intrinsics)
        mean = wp.vec2(intrinsics[0] * p[0] / p[2] + intrinsics[2], intrinsics[1] * p[1] / p[2] + intrinsics[3])
        far = wp.sqrt(2.0 * wp.log(opacities[i] / least_alpha))
        out = wp.vec2(far * wp.sqrt(s.variance[0]), far * wp.sqrt(s.variance[2]))
        means[i] = mean
        conics[i] = s.conic
        if (
            mean[0] + out[0] > 0.0
            and mean[0] - out[0] < float(width)
            and mean[1] + out[1] > 0.0
            and mean[1] - out[1] < float(height)
        ):
            reach[i] = out


@wp.kernel
def project_adjoint(
    vertices: wp.array(dtype=wp.vec3),
    corners: wp.array2d(dtype=wp.int32),
    barycentric: wp.array(dtype=wp.vec3),
    rest_sizes: wp.array(dtype=float),
    offsets: wp.array(dtype=wp.vec3),
    log_scales: wp.array(dtype=wp.vec3),
    rotations: wp.array(dtype=wp.vec4),
    intrinsics: wp.vec4,
    reach: wp.array(dtype=wp.vec2),
    mean_gradients: wp.array(dtype=wp.vec2),
    conic_gradients: wp.array(dtype=wp.vec3),
    depth_gradients: wp.array(dtype=float),
    offset_gradients: wp.array(dtype=wp.vec3),
    scale_gradients: wp.array(dtype=wp.vec3),
    rotation_gradients: wp.array(dtype=wp.vec4),
    anchor_gradients: wp.array(dtype=wp.vec3),
    first: int,
    step: int,
):
    """One splat's gradients; `anchor_gradients` are of its place in camera space."""
    i = first + wp.tid() * step
    if reach[i][0] == 0.0:
        offset_gradients[i] = wp.vec3()
        scale_gradients[i] = wp.vec3()
        rotation_gradients[i] = wp.vec4()
        anchor_gradients[i] = wp.vec3()
        return
    a, b, c = vertices[corners[i, 0]], vertices[corners[i, 1]], vertices[corners[i, 2]]
    frame = triangle_frame(a, b, c)
    w = barycentric[i]
    p = a * w[0] + b * w[1] + c * w[2] + frame * offsets[i]
    s = seen(frame, p, growth(a, b, c, rest_sizes[i]), log_scales[i], rotations[i], intrinsics)
    across, down, turn, scale = s.across, s.down, s.turn, s.scale
    # The conic is the variance's inverse X: the variance's gradient is -X G X.
    x0, x1, x2 = s.conic[0], s.conic[1], s.conic[2]
    g = conic_gradients[i]
    g0, g1, g2 = g[0], 0.5 * g[1], g[2]
    m00, m01 = x0 * g0 + x1 * g1, x0 * g1 + x1 * g2
    m10, m11 = x1 * g0 + x2 * g1, x1 * g1 + x2 * g2
    c00 = -(m00 * x0 + m01 * x1)
    c01 = -(m00 * x1 + m01 * x2)
    c11 = -(m10 * x1 + m11 * x2)
    g_across = 2.0 * (across * c00 + down * c01)
    g_down = 2.0 * (across * c01 + down * c11)
    near = 1.0 / p[2]
    fx, fy = intrinsics[0] * near, intrinsics[1] * near
    u, v = p[0] * near, p[1] * near
    # axes' rows: across = fx (axes0 - u axes2), down = fy (axes1 - v axes2)
    g_axes = wp.matrix_from_rows(g_across * fx, g_down * fy, -(g_across * (fx * u) + g_down * (fy * v)))
    third = s.axes[2]
    g_u = -fx * wp.dot(g_across, third)
    g_v = -fy * wp.dot(g_down, third)
    g_near = (wp.dot(g_across, across) + wp.dot(g_down, down)) / near
    g_mean = mean_gradients[i]
    g_u += intrinsics[0] * g_mean[0]
    g_v += intrinsics[1] * g_mean[1]
    g_near += g_u * p[0] + g_v * p[1]
    g_p = wp.vec3(g_u * near, g_v * near, depth_gradients[i] - g_near * near * near)
    g_local = wp.transpose(frame) * g_axes  # of turn * diag(scale)
    scale_gradients[i] = wp.vec3(
        scale[0] * (turn[0, 0] * g_local[0, 0] + turn[1, 0] * g_local[1, 0] + turn[2, 0] * g_local[2, 0]),
        scale[1] * (turn[0, 1] * g_local[0, 1] + turn[1, 1] * g_local[1, 1] + turn[2, 1] * g_local[2, 1]),
        scale[2] * (turn[0, 2] * g_local[0, 2] + turn[1, 2] * g_local[1, 2] + turn[2, 2] * g_local[2, 2]),
    )
    rotation_gradients[i] = adjoint_rotation_of(rotations[i], g_local * wp.diag(scale))
    offset_gradients[i] = wp.transpose(frame) * g_p
    anchor_gradients[i] = g_p


@wp.kernel
def gather_at_vertices(
    starts: wp.array(dtype=wp.int32),
    splats: wp.array(dtype=wp.int32),
    weights: wp.array(dtype=float),
    anchor_gradients: wp.array(dtype=wp.vec3),
    vertex_gradients: wp.array(dtype=wp.vec3),
    first: int,
    step: int,
):
    """One vertex: what the splats that it carries pull it by."""
    i = first + wp.tid() * step
    total = wp.vec3()
    for k in range(starts[i], starts[i + 1]):
        total += anchor_gradients[splats[k]] * weights[k]
    vertex_gradients[i] = total
