"""Analysis at once, as a whole or in a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twelvelabs_async.emulator import answering
from twelvelabs_async.emulator.analyses import GENERAL
from twelvelabs_async.emulator.bodies import flag
from twelvelabs_async.emulator.call import Call, Operation, Reply
from twelvelabs_async.emulator.errors import ApiError, invalid
from twelvelabs_async.emulator.handlers import asking
from twelvelabs_async.emulator.streaming import Stream, line

if TYPE_CHECKING:
    from twelvelabs_async.emulator.analyses import Outcome

LONGEST = 3600.0
FAILURE = {"code": "internal_server_error", "message": "The analysis broke off."}


async def create(call: Call) -> Reply:
    """POST /analyze."""
    world, body = call.world, await call.json()
    stream = flag(body, "stream", default=True)
    if body.get("analysis_mode") not in {None, GENERAL}:
        raise invalid("analysis_mode", "videos are segmented by tasks only")
    ask = asking.read(world, body, longest=LONGEST, longest_window=LONGEST)
    settings = world.settings
    outcome = answering.outcome(
        ask, world.state.ids.token("generation"), seed=settings.seed, awkward=settings.awkward_streams
    )
    if outcome.failure:
        code, message = outcome.failure
        raise ApiError(400, code, message)
    call.spend(ask.end - ask.start if ask.video else None)
    call.settle(len(outcome.tokens))
    return Reply(_stream(outcome, awkward=settings.awkward_streams) if stream else _whole(outcome))


def _whole(outcome: Outcome) -> dict[str, object]:
    return {
        "id": outcome.generation_id,
        "data": outcome.text,
        "finish_reason": outcome.finish_reason,
        "usage": outcome.usage,
        **answering.warning(outcome),
    }


def _stream(outcome: Outcome, *, awkward: bool) -> Stream:
    identifier = outcome.generation_id
    end = {
        "event_type": "stream_end",
        "finish_reason": outcome.finish_reason,
        "metadata": {"generation_id": identifier, "usage": outcome.usage},
        **answering.warning(outcome),
    }
    frames = [
        line({"event_type": "stream_start", "metadata": {"generation_id": identifier}}),
        *([b"\n"] if awkward else []),
        *(line({"event_type": "text_generation", "text": text}) for text in answering.groups(outcome.tokens)),
        line(end),
    ]
    # How the API tells of a failure in the middle is not documented.
    failure = line({"event_type": "error", "error": FAILURE})
    return Stream("application/x-ndjson", tuple(frames), end=1, failure=(failure,))


OPERATIONS = (Operation("POST", "/analyze", create),)
