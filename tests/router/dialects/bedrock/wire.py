"""What Bedrock says, made by hand, and botocore as the judge of what is said to it."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import unquote

import botocore.session
from botocore.model import OperationModel, Shape
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

from router.dialects.bedrock.frames import framed

SERVICE = botocore.session.get_session().get_service_model("bedrock-runtime")
EVENTS = {"content-type": "application/vnd.amazon.eventstream"}


def event(kind: str, **payload: Any) -> bytes:
    """One event of a stream."""
    headers = {
        ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return framed(headers, json.dumps(payload).encode())


def exception(kind: str, message: str = "it broke") -> bytes:
    """An exception in a stream."""
    headers = {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return framed(headers, json.dumps({"message": message}).encode())


def said(text: str, index: int = 0) -> bytes:
    return event("contentBlockDelta", delta={"text": text}, contentBlockIndex=index, p="abcd")


USAGE = {"inputTokens": 9, "outputTokens": 5, "totalTokens": 14}
BEGUN = event("messageStart", role="assistant", p="ab")
CLOSED = event("contentBlockStop", contentBlockIndex=0)
STOPPED = event("messageStop", stopReason="end_turn")
COUNTED = event("metadata", usage=USAGE, metrics={"latencyMs": 12})
HELLO = [BEGUN, said("Hel"), said("lo"), CLOSED, STOPPED, COUNTED]
CALLING = [
    BEGUN,
    event(
        "contentBlockStart",
        start={"toolUse": {"toolUseId": "tooluse_1", "name": "f"}},
        contentBlockIndex=0,
    ),
    event("contentBlockDelta", delta={"toolUse": {"input": '{"a"'}}, contentBlockIndex=0),
    event("contentBlockDelta", delta={"toolUse": {"input": ":1}"}}, contentBlockIndex=0),
    CLOSED,
    event("messageStop", stopReason="tool_use"),
    COUNTED,
]


def whole(*content: Any, reason: str = "end_turn", **fields: Any) -> dict[str, Any]:
    """An answer in one piece."""
    message = {"role": "assistant", "content": list(content)}
    return {
        "output": {"message": message},
        "stopReason": reason,
        "usage": USAGE,
        "metrics": {"latencyMs": 12},
        **fields,
    }


def judged(path: str, body: bytes) -> dict[str, Any]:
    """The body, once botocore takes it for a request, and would have sent the same."""
    told: dict[str, Any] = json.loads(body)
    found = re.fullmatch(r"/model/([^/]+)/(converse|converse-stream)", path)
    assert found is not None, path
    name = "Converse" if found[2] == "converse" else "ConverseStream"
    operation: OperationModel = SERVICE.operation_model(name)
    shape = operation.input_shape
    params = {"modelId": unquote(found[1]), **_typed(told, shape)}
    report = ParamValidator().validate(params, shape)
    assert not report.has_errors(), report.generate_report()
    sent = create_serializer("rest-json").serialize_to_request(params, operation)
    assert sent["url_path"] == path
    assert json.loads(sent["body"]) == told
    return told


def _typed(value: Any, shape: Shape) -> Any:
    """`value` with bytes where the shape has them; names, patterns and bounds are checked, which
    botocore leaves to the service.
    """
    if getattr(shape, "is_document_type", False):
        return value
    match shape.type_name:
        case "structure":
            assert isinstance(value, dict)
            assert value.keys() <= shape.members.keys(), (shape.name, value)
            return {name: _typed(one, shape.members[name]) for name, one in value.items()}
        case "list":
            assert len(value) <= shape.metadata.get("max", 10**6), (shape.name, value)
            return [_typed(one, shape.member) for one in value]
        case "map":
            assert len(value) <= shape.metadata.get("max", 10**6), (shape.name, value)
            return {_typed(key, shape.key): _typed(one, shape.value) for key, one in value.items()}
        case "blob":
            return base64.b64decode(value, validate=True)
        case "string":
            limits = shape.metadata
            assert len(value) <= limits.get("max", 10**9), (shape.name, value)
            assert not shape.enum or value in shape.enum, (shape.name, value)
            pattern = limits.get("pattern")
            assert pattern is None or re.fullmatch(pattern, value), (shape.name, value)
        case "float" | "integer":
            assert value <= shape.metadata.get("max", 10**9), (shape.name, value)
    return value
