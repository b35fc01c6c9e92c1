"""What holds for every test."""

from __future__ import annotations

import hypothesis

# No deadline for one example: the tests share two cores with each other and with the servers they start, and how long
# an example takes then says nothing about the code.
hypothesis.settings.register_profile("clew", deadline=None, print_blob=True)
hypothesis.settings.load_profile("clew")
