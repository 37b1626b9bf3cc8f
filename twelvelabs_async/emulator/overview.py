"""What somebody who looks at the emulator wants to see first: little of everything, the newest before the rest."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from twelvelabs_async.emulator import progress, seeded
from twelvelabs_async.emulator.clock import Movable
from twelvelabs_async.emulator.state import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from twelvelabs_async.emulator.faults import Fault
    from twelvelabs_async.emulator.journal import Received
    from twelvelabs_async.emulator.server import Emulator
    from twelvelabs_async.emulator.state import Asset, Index, Upload
    from twelvelabs_async.emulator.world import World

View = dict[str, Any]

MOST_JOBS: Final = 14
MOST_ASSETS: Final = 24
MOST_REQUESTS: Final = 60
MOST_STEPS: Final = 12
_ENDS: Final = frozenset({"ready", "completed", "failed", "expired", "canceled"})
_STAGES: Final = {
    "indexing": ("pending", "queued", "indexing", "ready"),
    "task": ("uploading", "validating", "pending", "queued", "indexing", "ready"),
    "analysis": ("queued", "pending", "processing", "ready"),
    "item": ("queued", "pending", "processing", "ready"),
}
_PLAIN: Final = ("processing", "ready")
_UNITS: Final = {"Request": "requests", "Duration": "min", "OutputToken": "tokens"}
_PERIODS: Final = {1: "second", 60: "minute", 3600: "hour", 86_400: "day"}


@dataclass(frozen=True, slots=True)
class Job:
    """Something that takes its time."""

    kind: str
    name: str
    status: str
    created_at: float
    steps: int
    step: int

    @property
    def view(self) -> View:
        """Return it as JSON."""
        return {"kind": self.kind, "name": self.name, "status": self.status, "steps": self.steps, "step": self.step}


def overview(emulator: Emulator) -> View:
    """Return all that the page shows."""
    world, worlds = emulator.world, emulator.world.all()
    found = (replace(job, name=_owned(one.organisation, job.name)) for one in worlds for job in _jobs(one))
    jobs = sorted(found, key=lambda job: (job.status in _ENDS, -job.created_at))
    assets = sorted(((one, asset) for one in worlds for asset in one.state.assets.values()), key=_born)
    indexes = sorted(((one, index) for one in worlds for index in one.indexes()), key=_born)
    faults = list(emulator.faults)
    return {
        "base": emulator.base_url,
        "time": world.now(),
        "movable": isinstance(world.clock, Movable),
        "counts": {
            "indexes": len(indexes),
            "assets": len(assets),
            "work": sum(job.status not in _ENDS for job in jobs),
            "requests": len(emulator.requests),
            "refused": sum(emulator.refusals.values()),
            "faults": sum(not fault.exhausted for fault in faults),
        },
        "work": [job.view for job in jobs[:MOST_JOBS]],
        "assets": [_asset(*pair) for pair in _last(assets, MOST_ASSETS)],
        "indexes": [_index(*pair) for pair in reversed(indexes)],
        "limits": [_limit(world, told) for told in emulator.limits],
        "faults": [_fault(fault) for fault in faults],
        "requests": [_request(received) for received in _last(emulator.requests, MOST_REQUESTS)],
    }


def _last(found: Iterable[Any], most: int) -> list[Any]:
    return list(itertools.islice(reversed(list(found)), most))


def _born(pair: tuple[World, Asset | Index]) -> float:
    return pair[1].created_at


def _owned(organisation: str, name: str) -> str:
    """Return a name with whose it is, if that does not go without saying."""
    return name if organisation == DEFAULT else f"{organisation}: {name}"


def _jobs(world: World) -> Iterator[Job]:
    state, library = world.state, world.state.library
    legacy = {task.video.id for task in state.tasks.values()}
    yield from (_upload(world, one) for one in state.uploads.values())
    for asset in state.assets.values():
        yield _job("asset", asset.filename, world.asset_status(asset), asset.created_at)
    for video in state.videos.values():
        if video.id not in legacy:
            yield _job("indexing", video.asset.filename, world.video_status(video), video.created_at)
    for task in state.tasks.values():
        yield _job("task", task.video.asset.filename, world.task_status(task), task.created_at)
    for embedding in state.embed_tasks.values():
        yield _job("embedding", embedding.id, world.embed_status(embedding), embedding.created_at)
    for analysis in state.analyses.tasks.values():
        name = ", ".join(source.filename for source in analysis.ask.sources)
        yield _job("analysis", name, progress.status(world, analysis), analysis.created_at)
    for item in library.items.values():
        yield _job("item", item.asset.filename, world.item_status(item), item.created_at)


def _job(kind: str, name: str, status: str, created_at: float) -> Job:
    stages = _STAGES.get(kind, _PLAIN)
    step = stages.index(status) if status in stages else len(stages) - 1
    return Job(kind, name, status, created_at, len(stages) - 1, step)


def _upload(world: World, upload: Upload) -> Job:
    total = len(upload.chunks)
    steps = min(total, MOST_STEPS)
    step = steps * upload.completed // total
    return Job("upload", upload.filename, world.upload_status(upload), upload.created_at, steps, step)


def _asset(world: World, asset: Asset) -> View:
    status = world.asset_status(asset)
    return {
        "id": asset.id,
        "name": _owned(world.organisation, asset.filename),
        "kind": asset.media.kind,
        "status": status,
        "problem": asset.media.problem if status == "failed" else None,
        "size": asset.media.size,
        "duration": asset.media.duration,
        "scenes": len(asset.media.scenes),
        "shade": seeded.number("shade", asset.media.digest) % 360,
        "picture": f"pictures/{asset.id}" if world.has_picture(asset) else None,
    }


def _index(world: World, index: Index) -> View:
    models = ", ".join(f"{model['model_name']}: {' and '.join(model['model_options'])}" for model in index.models)
    name = _owned(world.organisation, index.name)
    return {"name": name, "videos": len(world.state.videos_of_index(index.id)), "models": models}


def _limit(world: World, told: View) -> View:
    period = _PERIODS.get(told["seconds"], f"{told['seconds']:g} s")
    resets = datetime.fromisoformat(told["resets_at"]).timestamp() - world.now() if told["used"] else 0
    return {
        "name": _owned(told["organisation"], f"{told['category']} per {period}"),
        "unit": _UNITS[told["dimension"]],
        "used": round(told["used"], 1),
        "limit": told["limit"],
        "resets": max(0, round(resets)),
    }


def _fault(fault: Fault) -> View:
    told = fault.told()
    words = [f"{name} {_plain(value)}" for name, value in told.items() if name not in _COUNTED]
    count = f"{fault.hits} of {'any' if fault.times is None else fault.times}"
    return {"operation": fault.operation, "words": ", ".join(words), "count": count, "pending": not fault.exhausted}


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}: {one}" for key, one in cast("Mapping[str, str]", value).items())
    return str(value)


_COUNTED: Final = frozenset({"operation", "times", "seen", "hits"})


def _request(received: Received) -> View:
    return {
        "time": received.time,
        "method": received.method,
        "path": received.path,
        "size": received.size,
        "status": received.status,
    }
