"""Answers that a test sets in place of the generated ones."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from twelvelabs_async.emulator._operations import ANY_OPERATION

Json = dict[str, Any]
Answer = str | Json | list[Any]
"""A text, or a document that is sent as JSON."""

ANSWERABLE: Final = ("POST /analyze", "POST /analyze/tasks", "POST /analyze/batches", "POST /responses")
"""Operations whose answers can be given."""


@dataclass(frozen=True, slots=True)
class _ScriptedAnswer:
    operation: str
    answer: Answer | Callable[[Json], Answer]
    prompt: re.Pattern[str] | None

    def matches(self, operation: str, prompt: str) -> bool:
        return self.operation in {operation, ANY_OPERATION} and (
            self.prompt is None or self.prompt.search(prompt) is not None
        )


@dataclass(slots=True)
class ScriptedAnswers:
    """The answers that tests have set with `Emulator.answer`."""

    _answers: list[_ScriptedAnswer] = field(default_factory=list[_ScriptedAnswer])

    def add(self, operation: str, answer: Answer | Callable[[Json], Answer], prompt: str | None) -> None:
        """Add an answer, see `Emulator.answer`."""
        name = " ".join(operation.split())
        if name not in {*ANSWERABLE, ANY_OPERATION}:
            raise ValueError(f"operation must be one of {', '.join(ANSWERABLE)} or *, got {operation!r}")
        given: object = answer
        if not callable(answer) and not isinstance(given, str | dict | list):
            raise TypeError(f"answer must be a string, a dict, a list or a function, got {type(answer).__name__}")
        try:
            pattern = None if prompt is None else re.compile(prompt, re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"prompt must be a regular expression, got {prompt!r}: {error}") from error
        if not callable(answer):
            _to_text(answer)
        self._answers.append(_ScriptedAnswer(name, answer, pattern))

    def find(self, operation: str, prompt: str, body: Json) -> str | None:
        """Return the answer to a request as a text, `None` if there is none.

        The newest answer for the prompt is used; one without a prompt is used only if no other applies.
        """
        newest_first = (one for one in reversed(self._answers) if one.matches(operation, prompt))
        chosen = min(newest_first, key=lambda one: one.prompt is None, default=None)
        if chosen is None:
            return None
        return _to_text(chosen.answer(body) if callable(chosen.answer) else chosen.answer)

    def to_json(self) -> list[Json]:
        """Return the answers as JSON; the answer of a function is `null`."""
        return [
            {
                "operation": one.operation,
                "answer": None if callable(one.answer) else one.answer,
                "prompt": None if one.prompt is None else one.prompt.pattern,
            }
            for one in self._answers
        ]

    def clear(self) -> None:
        """Remove all answers."""
        self._answers.clear()


def _to_text(answer: Answer) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
