"""JSON that prompts ask for, by words or by a template: `{"ok": true/false, "scenes": [{"start": 0.0, "mood": ".."}]}`.

Many applications ask for JSON by an example in the prompt instead of a schema. A template is converted to a JSON
schema, so that the answer has its shape. Templates are rarely valid JSON: they have comments, ellipses, alternatives
and types in place of values.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from twelvelabs_async.emulator._generation.structured import is_satisfiable
from twelvelabs_async.emulator._generation.time_names import role_of

Schema = dict[str, Any]

MAX_TEMPLATE_DEPTH = 20
MAX_ATTEMPTS = 200
"""Number of brackets that are tried as the start of a template."""
_SPACE = re.compile(r"(?:\s|,|…|\.\.\.|//[^\n]*|/\*.*?\*/|#[^\n]*)*", re.DOTALL)
"""Characters between two values; commas and comments are not checked."""
_KEY = re.compile(r"""\s*(?:"([^"\n]{1,200})"|'([^'\n]{1,200})'|<?([A-Za-z_$][\w$-]{0,199})>?)\s*(?:\?\s*)?[:=]\s*""")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'')
_BARE = re.compile(r"<[^<>\n]*>|[^,{}\[\]\"'\n]+")
_ALTERNATIVES = re.compile(r"\||/|\bor\b")
_CLOCK = re.compile(r"(\d{1,2}:)?\d{1,2}:\d{2}(\.\d+)?")
_OPENING = re.compile(r"[{\[]")
_TYPE_WORDS = {
    "boolean": {"bool", "boolean", "true", "false"},
    "integer": {"int", "integer", "count"},
    "number": {"float", "number", "double", "decimal", "num", "seconds", "sec", "secs"},
    "string": {"str", "string", "text"},
}
_JSON_REQUEST = re.compile(
    r"\b(?:in|as|into|only|valid|returns?|respond|reply|answer|output|produce|generate|give|provide|write|als)\b"
    r"[^.?!\n]{0,40}?\bjson\b(?! files?\b)(?: (?P<list>array|list)\b)?|\bjson (?:object|array|list|only|with)\b",
    re.IGNORECASE,
)
"""Words that ask for JSON. "What is JSON?" does not."""
_FIELD_LIST = re.compile(
    r"\b(?:keys?|fields?|properties|attributes|with)\b(?: named| called)?:?\s+(?!keys?\b|fields?\b|properties\b)"
    r"(?P<names>[\w `'\"*-]{1,60}(?:,[\w `'\"*-]{1,60}){0,30})",
    re.IGNORECASE,
)
_FIELD_SEPARATOR = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+")
_ARTICLE = re.compile(r"(?:an?|the|its|their)\s+", re.IGNORECASE)
_FIELD_NAME = re.compile(r"[A-Za-z_][\w-]{0,60}")
_NUMBER_NAMES = frozenset({"score", "confidence", "count", "rating", "number", "probability"})
_WORD = re.compile(r"[a-z]+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_BOUNDS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?(?:-|\u2013|to|\.\.) ?(\d{1,9}(?:\.\d{1,9})?)")
_NAME = re.compile(r"[\w-]+( [\w-]+)?")


def schema_of_prompt(prompt: str) -> Schema | None:
    """Return the schema of the JSON that a prompt asks for; `None` if it asks for none.

    It is that of the longest template or JSON schema in the prompt. Without either, a prompt such as "answer in JSON
    with the fields title and start" gets an object with these fields, and "a JSON list of ..." a list of such objects.
    """
    return _schema_of_template(prompt) or _schema_of_request(prompt)


def _schema_of_request(prompt: str) -> Schema | None:
    request = _JSON_REQUEST.search(prompt)
    if request is None:
        return None
    names = _field_names(prompt[request.start() :]) or ["answer"]
    properties: dict[str, Schema] = {name: _schema_of_field(name) for name in names}
    fields: Schema = {"type": "object", "properties": properties, "required": names}
    return {"type": "array", "items": fields} if request["list"] else fields


def _field_names(text: str) -> list[str]:
    listed = _FIELD_LIST.search(text)
    names: list[str] = []
    for part in _FIELD_SEPARATOR.split(listed["names"]) if listed is not None else ():
        name = _ARTICLE.sub("", part.strip()).strip("'\"`*")
        if not _FIELD_NAME.fullmatch(name):
            break
        names.append(name)
    return list(dict.fromkeys(names))


def _schema_of_field(name: str) -> Schema:
    words = {*_WORD.findall(name.lower())}
    return {"type": "number" if words & _NUMBER_NAMES or role_of(name, {}, "number") else "string"}


def _schema_of_template(prompt: str) -> Schema | None:
    """Return the schema of the longest template in a prompt, or the longest JSON schema; `None` without either."""
    best: tuple[int, Schema] | None = None
    position = 0
    for _ in range(MAX_ATTEMPTS):
        opened = _OPENING.search(prompt, position)
        if opened is None:
            break
        start = opened.start()
        found = _read_template(prompt, start)
        position = start + 1 if found is None else found[0]
        if found is not None and (best is None or found[0] - start > best[0]):
            best = found[0] - start, found[1]
    # A schema in a prompt may be invalid, or describe an enormous document.
    return best[1] if best is not None and is_satisfiable(best[1]) else None


def _read_template(prompt: str, start: int) -> tuple[int, Schema] | None:
    """Return the end and the schema of the template at a position, `None` if there is none."""
    try:
        value, end = json.JSONDecoder().raw_decode(prompt, start)
    except (ValueError, RecursionError):
        pass
    else:
        if isinstance(value, dict) and isinstance(cast("Schema", value).get("properties"), dict):
            return end, cast("Schema", value)
    reader = _Reader(prompt, start)
    try:
        schema = reader.read_value(0)
    except _NoTemplateError:
        return None
    # Without quotation marks around the names it may be code of any kind.
    is_template = _has_properties(schema) and (reader.quoted or "json" in prompt.lower())
    return (reader.position, schema) if is_template else None


def _has_properties(schema: Schema) -> bool:
    return bool(schema.get("properties")) or ("items" in schema and _has_properties(schema["items"]))


class _NoTemplateError(Exception):
    """The text is not a template."""


@dataclass(slots=True)
class _Reader:
    """Reads a template from a text."""

    text: str
    position: int
    quoted: bool = True
    """Whether all names are in quotation marks."""

    def read_value(self, depth: int) -> Schema:
        """Read an object, an array, or the text in place of another value."""
        if depth > MAX_TEMPLATE_DEPTH:
            _fail()
        match self.text[self.position : self.position + 1]:
            case "{":
                return self._read_object(depth)
            case "[":
                return self._read_array(depth)
            case _:
                return self._read_leaf()

    def _read_object(self, depth: int) -> Schema:
        properties: dict[str, Schema] = {}
        self.position += 1
        while not self._skip_to("}"):
            key = self._match(_KEY) or _fail()
            self.quoted &= key[3] is None
            properties[next(filter(None, key.groups()))] = self.read_value(depth + 1)
        return {"type": "object", "properties": properties, "required": list(properties)}

    def _read_array(self, depth: int) -> Schema:
        items: list[Schema] = []
        self.position += 1
        while not self._skip_to("]"):
            items.append(self.read_value(depth + 1))
        return {"type": "array", "items": items[0] if items else {"type": "string"}}

    def _read_leaf(self) -> Schema:
        """Read strings and words up to the end of the value: `"low" | "high"`, `number (0-10)`, `string[]`."""
        strings: list[str] = []
        words = ""
        while found := self._match(_QUOTED) or self._match(_BARE):
            if found[0][0] in "\"'":
                strings.append(found[0][1:-1])
            else:
                words += found[0].split("//")[0]
        is_list = self.text.startswith("[]", self.position)
        self.position += 2 * is_list
        if not strings and not words.strip():
            _fail()
        schema = _schema_of_strings(strings) if strings else _schema_of_words(words.strip(" \t\r<>"))
        return {"type": "array", "items": schema} if is_list else schema

    def _skip_to(self, end: str) -> bool:
        """Skip space, commas, comments and ellipses, and then `end` if it follows; return whether it did."""
        self._match(_SPACE)
        if self.position >= len(self.text):
            _fail()
        if self.text[self.position] != end:
            return False
        self.position += 1
        return True

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.position)
        if found is not None:
            self.position = found.end()
        return found


def _fail() -> NoReturn:
    raise _NoTemplateError


def _schema_of_strings(strings: list[str]) -> Schema:
    """Return the schema of one string, or of several alternatives."""
    choices = strings if len(strings) > 1 else [choice.strip() for choice in _ALTERNATIVES.split(strings[0])]
    if len(choices) > 1 and all(_NAME.fullmatch(choice) for choice in choices):
        return _schema_of_choices(choices)
    text = strings[0].strip(" <>")
    if _kind_of_words(text) in {"boolean", "integer", "number"} and len(_WORD.findall(text.lower())) == 1:
        return _schema_of_words(text)
    if strings[0].upper() == "YYYY-MM-DD":
        return {"type": "string", "format": "date"}
    if _CLOCK.fullmatch(text):
        return {"type": "string", "description": "mm:ss" if text.count(":") == 1 else "hh:mm:ss"}
    return {"type": "string", "description": strings[0]}


def _schema_of_choices(choices: list[str]) -> Schema:
    kinds = {_kind_of_words(choice) for choice in choices}
    return {"type": "boolean"} if kinds == {"boolean"} else {"type": "string", "enum": choices}


def _schema_of_words(text: str) -> Schema:
    """Return the schema of a value that is not in quotation marks."""
    if text == "null":
        return {"type": "null"}
    bounds = _BOUNDS.search(text)
    if bounds is not None:
        low, high = (float(bound) for bound in bounds.groups())
        kind = "number" if _kind_of_words(text) == "number" or "." in bounds[0].replace("..", "") else "integer"
        return {"type": kind, "minimum": low, "maximum": high} if low < high else {"type": kind}
    if _NUMBER.fullmatch(text):
        if "." not in text:
            return {"type": "integer"}
        return {"type": "number", "minimum": 0, "maximum": 1} if 0 < float(text) <= 1 else {"type": "number"}
    return {"type": _kind_of_words(text) or "string", "description": text}


def _kind_of_words(text: str) -> str | None:
    words = {*_WORD.findall(text.lower())}
    return next((kind for kind, names in _TYPE_WORDS.items() if words & names), None)
