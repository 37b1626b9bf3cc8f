"""Writes `captures.json`: a response of each shape in ../shared/api/captures, with shorter lists and strings."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

MAX_ITEMS = 2
MAX_LENGTH = 160


def reduce(value: Any) -> Any:
    """Shorten lists and strings at any depth; JSON documents in strings are not shortened."""
    if isinstance(value, dict):
        return {name: reduce(item) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [reduce(item) for item in cast("list[object]", value)[:MAX_ITEMS]]
    if isinstance(value, str) and not value.lstrip().startswith(("{", "[")):
        return value[:MAX_LENGTH]
    return value


def main(source: Path) -> None:
    """Reduce one capture of each shape."""
    shapes: dict[str, Any] = {}
    for path in sorted(source.glob("*.json")):
        capture = json.loads(path.read_text("utf-8"))
        shape = capture["case"].rpartition("__")[2]
        if shape not in shapes:
            shapes[shape] = {name: capture[name] for name in ("call", "status", "headers")}
            shapes[shape]["body"] = reduce(capture["body"])
    target = Path(__file__).with_name("captures.json")
    target.write_text(json.dumps(shapes, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
