"""The base class of resources that send files in forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import attrs

from twelvelabs_async.requests import Form, RetryClass
from twelvelabs_async.resources._base import Resource
from twelvelabs_async.uploads._files import FormFile, form_files

T = TypeVar("T")


class FormResource(Resource):
    """Base class of resources with operations that take files."""

    async def _post_form(
        self,
        path_template: str,
        response_type: type[T],
        *,
        retry_class: RetryClass,
        form: Form,
        files: Sequence[FormFile],
    ) -> T:
        """Open the files, and send them with a form."""
        async with form_files(files) as parts:
            form = attrs.evolve(form, files=parts)
            return await self._post(path_template, response_type, retry_class=retry_class, form=form)
