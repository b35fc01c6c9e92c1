"""What a benchmark found, and how each of them is called from the command line."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

Measure = Callable[[Path, float], "Outcome"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One promise, measured. `notes` is what one has to know to believe the figure."""

    promise: str
    goal: str
    figure: str
    is_met: bool
    ratio: str
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The outcome in one line."""
        return (
            f"{self.promise}: {self.figure} (goal {self.goal}: {self.verdict}) = {self.ratio}; {'; '.join(self.notes)}"
        )

    @property
    def verdict(self) -> str:
        """Whether the goal was reached, in words."""
        return "met" if self.is_met else "not met"


def run(measure: Measure, *, seconds: float = 20.0) -> None:
    """Run one benchmark as a command and print its line."""
    parser = argparse.ArgumentParser(description=measure.__doc__)
    add_options(parser, seconds)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="clew-benchmark-") as directory:
        print(measure(Path(directory), options.seconds).sentence)


def add_options(parser: argparse.ArgumentParser, seconds: float) -> None:
    """The options that every benchmark has."""
    parser.add_argument("--seconds", type=float, default=seconds, help="how long the load lasts [%(default)s]")
    parser.add_argument("--directory", type=Path, help="the disk to measure on [where temporary files go]")
