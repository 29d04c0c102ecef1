# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of Sec. 3.2 and 3.3: wavelets, modulated layers, feature generators, StyleUNets, discriminator."""
