import ast
from pathlib import Path

import firmware_bridge


def texts_of_bridge_errors():
    for path in Path(firmware_bridge.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "BridgeError":
                yield f"{path.name}:{node.lineno}", node.args[0]


def test_every_error_for_people_ends_as_a_sentence():
    found = dict(texts_of_bridge_errors())
    assert len(found) > 20
    for place, text in found.items():
        last = text.values[-1] if isinstance(text, ast.JoinedStr) else text
        assert isinstance(last, ast.Constant) and last.value.endswith("."), place
