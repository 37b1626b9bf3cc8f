"""Assets, from a form or a URL."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from twelvelabs_async.emulator import media, metadata, paging, speech
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, missing
from twelvelabs_async.emulator.forms import Form, FormFile
from twelvelabs_async.emulator.handlers import views
from twelvelabs_async.emulator.state import Asset

if TYPE_CHECKING:
    from twelvelabs_async.emulator.world import World

METHODS = ("direct", "url")
INCLUDES = ("words", "sentences", "utterances")
UNREACHABLE = ".invalid"
"""Top level domain that never resolves; an asset from there fails, so that this can be tested."""


async def create(call: Call) -> Reply:
    """POST /assets."""
    async with call.form() as form:
        method = choice("method", form.required("method"), METHODS)
        user_metadata = metadata.read_text(form.text("user_metadata"))
        filename, look = await _from_file(call, form) if method == "direct" else _from_url(form)
        asset = add(
            call.world,
            method=method,
            filename=filename,
            look=look,
            hls=form.flag("enable_hls", default=True),
            thumbnail=form.flag("enable_thumbnail", default=True),
            user_metadata=user_metadata,
        )
    return Reply(views.asset(call.world, asset), 201)


async def _from_file(call: Call, form: Form) -> tuple[str, media.Media]:
    file = form.file("file")
    if file is None:
        raise missing("file")
    filename = form.text("filename") or file.filename
    return filename, await take_file(call.world, "file", file, filename, media.LIMITS["direct"])


async def take_file(world: World, name: str, file: FormFile, filename: str, limits: dict[str, int]) -> media.Media:
    """Look into a file from a form.

    Raises:
        ApiError: It is empty, or larger than files of its kind may be.
    """
    if not file.size:
        raise invalid(name, "the file is empty")
    look = await world.look_into(file.path, filename, file.size, file.digest)
    check_size(look.kind, file.size, limits)
    return look


def check_size(kind: str, size: int, limits: dict[str, int]) -> None:
    """Refuse a file that is too large for its kind.

    Raises:
        ApiError: It is.
    """
    if size > limits[kind]:
        code = {"video": "video_filesize_too_large", "audio": "audio_filesize_too_large"}
        why = f"The file has {size} bytes, and {limits[kind]} are allowed for files of type {kind}."
        raise ApiError(400, code.get(kind, "media_filesize_too_large"), why)


def _from_url(form: Form) -> tuple[str, media.Media]:
    return take_url("url", form.required("url"), form.text("filename"))


def take_url(name: str, url: str, filename: str | None = None) -> tuple[str, media.Media]:
    """Make up a file at a URL, for nothing is fetched.

    Raises:
        ApiError: It is no URL of the web.
    """
    check_url(name, url)
    filename = filename or PurePosixPath(unquote(urlsplit(url).path)).name or "download"
    if problem := problem_of(url):
        kind, mime = media.kind_of(filename) or ("video", "video/mp4")
        return filename, media.Media(kind=kind, mime=mime, size=0, digest="", problem=problem)
    return filename, media.guess_remote(filename, url)


def check_url(name: str, url: str) -> None:
    """Refuse what is no URL of the web.

    Raises:
        ApiError: It is none.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise invalid(name, f"{error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise invalid(name, "it must be an http or https URL")


def problem_of(url: str) -> str | None:
    """Return why a URL cannot be fetched, if it cannot."""
    unreachable = (urlsplit(url).hostname or "").endswith(UNREACHABLE)
    return "The file could not be fetched from its URL." if unreachable else None


def add(
    world: World,
    *,
    method: str,
    filename: str,
    look: media.Media,
    hls: bool,
    thumbnail: bool,
    user_metadata: dict[str, Any],
    asset_id: str | None = None,
) -> Asset:
    """Make an asset, whose processing begins now."""
    asset = Asset(
        id=asset_id or world.state.ids.object(),
        method=method,
        filename=filename,
        media=world.state.descriptions.put_on(filename, look),
        created_at=world.now(),
        user_metadata=user_metadata,
        hls=hls,
        thumbnail=thumbnail,
    )
    world.state.assets[asset.id] = asset
    return asset


async def list_(call: Call) -> Reply:
    """GET /assets."""
    query = call.query
    ids = set(query.getall("asset_ids", []))
    kinds = {choice("asset_types", kind, media.TYPES) for kind in query.getall("asset_types", [])}
    part = query.get("filename", "").lower()
    found = [
        asset
        for asset in call.world.state.assets.values()
        if (not ids or asset.id in ids) and (not kinds or asset.media.kind in kinds) and part in asset.filename.lower()
    ]
    return Reply(paging.page(query, paging.newest_first(found), lambda asset: views.asset_detail(call.world, asset)))


async def retrieve(call: Call) -> Reply:
    """GET /assets/{asset_id}."""
    return Reply(views.asset_detail(call.world, call.world.asset(call.id("asset_id"))))


async def retrieve_transcription(call: Call) -> Reply:
    """GET /assets/{asset_id}/transcription; an asset without sound has none."""
    asset = call.world.asset(call.id("asset_id"))
    if not asset.media.has_sound:
        raise ApiError(404, "resource_not_exist", f"The asset {asset.id} has no transcription.")
    # One value may name several parts.
    given = ",".join(call.query.getall("include", ["words"])).split(",")
    wanted = {choice("include", part, INCLUDES) for part in given}
    status = call.world.asset_status(asset)
    view: dict[str, Any] = {"status": status}
    if status == "ready":
        parts = {
            "words": list(speech.spoken_words(asset)),
            "sentences": speech.sentences(asset),
            "utterances": [sentence | {"speaker": "A"} for sentence in speech.sentences(asset)],
        }
        view |= {part: entries for part, entries in parts.items() if part in wanted}
    return Reply(view)


async def delete(call: Call) -> Reply:
    """DELETE /assets/{asset_id}; with `force`, what was indexed of it stays."""
    asset = call.world.asset(call.id("asset_id"))
    state = call.world.state
    if not call.flag("force") and (state.videos_of_asset(asset.id) or state.library.uses(asset.id)):
        raise ApiError(409, "asset_in_use", f"The asset {asset.id} is in use; delete it with force to do so anyway.")
    del call.world.state.assets[asset.id]
    return NO_CONTENT


OPERATIONS = (
    Operation("GET", "/assets", list_),
    Operation("POST", "/assets", create),
    Operation("GET", "/assets/{asset_id}", retrieve),
    Operation("DELETE", "/assets/{asset_id}", delete),
    Operation("GET", "/assets/{asset_id}/transcription", retrieve_transcription),
)
