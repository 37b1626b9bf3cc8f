"""Embeddings at once, in the older form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import embedding, media
from twelvelabs_async.emulator.call import Call, Operation, Reply
from twelvelabs_async.emulator.embedding import Piece
from twelvelabs_async.emulator.errors import choice, invalid, missing
from twelvelabs_async.emulator.forms import Form
from twelvelabs_async.emulator.handlers import assets

if TYPE_CHECKING:
    from twelvelabs_async.emulator.media import Media
    from twelvelabs_async.emulator.world import World

MODELS = ("marengo3.0",)
MOST_TOKENS = 500
CLIP = 6.0
LONGEST = 600.0
LARGEST = media.LIMITS["direct"]

View = dict[str, Any]


async def create(call: Call) -> Reply:
    """POST /embed."""
    async with call.form() as form:
        wanted = {
            "text": form.text("text"),
            "image": form.text("image_url") or form.file("image_file"),
            "audio": form.text("audio_url") or form.file("audio_file"),
        }
        kinds = [kind for kind, given in wanted.items() if given is not None]
        call.count(*(f"embed-{kind}" for kind in kinds))
        model = choice("model_name", form.required("model_name"), MODELS)
        if not kinds:
            raise missing("text, image_url, image_file, audio_url or audio_file")
        view: View = {"model_name": model}
        for kind in kinds:
            view[f"{kind}_embedding"] = await _MAKERS[kind](call, form)
    return Reply(view)


async def _text(call: Call, form: Form) -> View:
    text = form.required("text")
    if embedding.tokens(text) > MOST_TOKENS:
        raise invalid("text", f"it has {embedding.tokens(text)} tokens, and {MOST_TOKENS} are allowed")
    return {"segments": [{"float": embedding.vector(call.world.settings.seed, f"text:{text}", Piece(told=text))}]}


async def _image(call: Call, form: Form) -> View:
    look, names = await _take(call.world, form, "image")
    if look.problem:
        return {"error_message": look.problem, "metadata": names}
    vector = embedding.vector(call.world.settings.seed, look.digest, Piece())
    return {"segments": [{"float": vector}], "metadata": names}


async def _audio(call: Call, form: Form) -> View:
    offset = number(form, "audio_start_offset_sec") or 0.0
    look, names = await _take(call.world, form, "audio")
    if look.problem:
        return {"error_message": look.problem, "metadata": names}
    duration = look.duration or 0.0
    if not 0 <= offset < duration:
        raise invalid("audio_start_offset_sec", f"it must be from 0 to less than the duration, {duration:g}")
    if duration > LONGEST:
        raise invalid("audio_file", f"{duration:g} s is longer than the {LONGEST:g} s allowed")
    call.spend(duration - offset)
    stretches = embedding.fixed((offset, duration), CLIP)
    seed = call.world.settings.seed
    segments = [
        {
            "float": embedding.vector(seed, look.digest, piece),
            "start_offset_sec": piece.start,
            "end_offset_sec": piece.end,
        }
        for piece in embedding.of_file(["audio"], ["clip"], (offset, duration), stretches)
    ]
    return {"segments": segments, "metadata": names}


async def _take(world: World, form: Form, kind: str) -> tuple[Media, View]:
    """Return a file and where it is from; a URL goes before a file."""
    if url := form.text(f"{kind}_url"):
        filename, look = assets.take_url(f"{kind}_url", url)
        known, names = media.kind_of(filename), {"input_url": url}
        if known is None and look.problem is None:
            look = media.guess_remote(f"{filename}.{'png' if kind == 'image' else 'wav'}", url)
    else:
        file = form.file(f"{kind}_file")
        if file is None:
            raise missing(f"{kind}_url or {kind}_file")
        look = await assets.take_file(world, f"{kind}_file", file, file.filename, LARGEST)
        known, names = (look.kind, look.mime), {"input_filename": file.filename}
    if (known is not None and known[0] != kind) or (look.problem is not None and "input_filename" in names):
        raise invalid(f"{kind}_file", f"it is no {kind}")
    return look, names


def number(form: Form, name: str) -> float | None:
    """Read a number that may be absent.

    Raises:
        ApiError: It is no number.
    """
    text = form.text(name)
    try:
        return None if text is None else float(text)
    except ValueError as error:
        raise invalid(name, "it must be a number") from error


_MAKERS = {"text": _text, "image": _image, "audio": _audio}

OPERATIONS = (Operation("POST", "/embed", create),)
