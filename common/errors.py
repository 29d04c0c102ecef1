# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error that is the user's to mend."""


class UserError(Exception):
    """Something a user caused and can mend.

    Its text is one sentence: what happened, to what, and what to do. The command line prints it without a
    traceback and ends with exit code 2; Blender shows it as a report.
    """
