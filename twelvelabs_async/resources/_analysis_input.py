"""The input of an analysis: a video or images, and a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from twelvelabs_async._arguments import omit_none
from twelvelabs_async._core.validation import checked_sequence, checked_text
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.analyze import AnalyzeImageInput, AnalyzePromptV2, VideoContext
from twelvelabs_async.models.common import ObjectLike

MAX_ANALYSIS_IMAGES: Final = 20
"""Maximum number of images per analysis."""


def analysis_input(
    *,
    video: VideoContext | ObjectLike | None,
    image: Sequence[AnalyzeImageInput | ObjectLike] | None,
    prompt: str | None,
    prompt_v_2: AnalyzePromptV2 | ObjectLike | None,
) -> dict[str, Any]:
    """Validate the input of an analysis and return it as fields of the body."""
    if (video is None) == (image is None):
        raise InvalidInputError("pass exactly one of video= and image=")
    if prompt is not None and prompt_v_2 is not None:
        raise InvalidInputError("pass prompt= or prompt_v_2=, not both")
    if prompt is not None:
        checked_text("prompt", prompt)
    if image is not None and prompt is None:
        raise InvalidInputError("image= requires prompt=")
    images = checked_sequence("image", image)
    if images is not None and len(images) > MAX_ANALYSIS_IMAGES:
        raise InvalidInputError(f"image must contain 1 to {MAX_ANALYSIS_IMAGES} images, got {len(images)}")
    return omit_none(video=video, image=images, prompt=prompt, prompt_v2=prompt_v_2)
