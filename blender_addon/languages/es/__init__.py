# SPDX-License-Identifier: GPL-3.0-or-later
"""Spanish."""

from . import acting, avatars, engine, others, pictures, pins

TEXTS = acting.TEXTS | avatars.TEXTS | engine.TEXTS | others.TEXTS | pictures.TEXTS | pins.TEXTS
