"""The richer word for how an application event stands, as a connector's list of AIP events has it."""

from __future__ import annotations

from typing import Literal

from clew.diagnosis.event_steps import IGNORED, PUBLISHED, STOPPED, EventSteps

AipStatus = Literal["Open", "Ready", "Review", "Complete", "Ignored", "Failed", "Partially Failed"]
AIP_STATUSES: tuple[AipStatus, ...] = (
    "Open",
    "Ready",
    "Review",
    "Complete",
    "Ignored",
    "Failed",
    "Partially Failed",
)
_NATIVE: dict[str, AipStatus] = {word.lower(): word for word in AIP_STATUSES}


def aip_status(steps: EventSteps) -> AipStatus:
    """The word for an event with its steps.

    What the event says itself (`state`) wins where it is one of these words. Else:

    - `Failed`: every consumer that has a result failed; `Partially Failed`: some did and some did not;
    - `Review`: somebody ended its flow run, so a person has to decide how it goes on;
    - `Ready`: a consumer has received it, and has not processed it yet;
    - `Complete`: all who received it have processed it, or it says itself that it is done;
    - `Ignored`: nobody wanted it;
    - `Open`: nobody has looked at it so far, or it was published and nobody has received it.
    """
    native = _NATIVE.get(steps.event.state.strip().lower())
    return native or _status_of_results(steps) or _status_without_results(steps)


def _status_of_results(steps: EventSteps) -> AipStatus | None:
    """What is known where a consumer failed or was stopped, or a result is missing."""
    failed = {step.consumer for step in steps.steps if step.is_failure}
    if failed:
        return "Partially Failed" if any(_done(steps) - failed) else "Failed"
    if any(step.action == STOPPED and step.record.kind == "flow_run" for step in steps.steps):
        return "Review"
    if steps.status == "pending":
        return "Ready" if len(steps.steps) > 2 else "Open"
    return None


def _status_without_results(steps: EventSteps) -> AipStatus:
    if _done(steps):
        return "Complete"
    if any(step.action == IGNORED for step in steps.steps):
        return "Ignored"
    is_done = steps.event.status == "success" and steps.event.action != PUBLISHED
    return "Complete" if is_done else "Open"


def _done(steps: EventSteps) -> set[str]:
    """The consumers that processed it."""
    return {step.consumer for step in steps.steps if step.is_result and step.status == "success"}
