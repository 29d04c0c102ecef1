# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs heads and avatars: jobs, the server, the command line."""
