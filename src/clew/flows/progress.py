"""How far a node of a run has come: while it runs, and as its records tell it after a restart."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from clew.core.record import ErrorInfo
from clew.flows.graph import Node

NodeState = Literal["waiting", "running", "completed", "failed", "skipped", "stopped", "not_reached"]

NULL = b"null"
"""The output of a node that has none."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a node's records say after a restart: how far it came. `output` is JSON, of a node that completed."""

    state: Literal["waiting", "completed", "failed", "skipped"]
    record_id: str = ""
    output: bytes = b""
    attempts: int = 0
    failures: int = 0
    error: ErrorInfo | None = None
    retry_ms: int | None = None
    reason: str = ""


class Progress:
    """How far a node has come. It is `is_settled` when what it did is on disk."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.state: NodeState = "waiting"
        self.is_settled = False
        self.record_id = ""
        self.output = NULL
        self.attempts = 0
        self.failures = 0
        self.runs = 0
        self.error: ErrorInfo | None = None
        self.reason = ""
        self.retry_ms: int | None = None

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self.state = checkpoint.state
        self.is_settled = checkpoint.state != "waiting"
        self.record_id = checkpoint.record_id
        self.output = checkpoint.output or NULL
        self.attempts = self.runs = checkpoint.attempts
        self.failures = checkpoint.failures
        self.error = checkpoint.error
        self.retry_ms = checkpoint.retry_ms
        self.reason = checkpoint.reason

    def summary(self) -> dict[str, Any]:
        """What the run's record says of it."""
        return {"state": self.state, "runs": self.runs, "errors": self.failures, "reason": self.reason}


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A node that a replay takes over: its output as JSON (empty where it was skipped), and where it is from."""

    record_id: str
    state: Literal["completed", "skipped"]
    output: bytes
    error: ErrorInfo | None = None
    is_edited: bool = False
    message: str = ""
