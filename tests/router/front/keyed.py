"""A router that asks for keys: one tenant that may everything, one that may next to nothing."""

from hashlib import sha256
from pathlib import Path

from tests.router.running import written

CHAT = "/v1/chat/completions"
KEYS = f"""
tenants:
  whole: {{keys: ["${{WHOLE}}"], may: [policy, priority, target]}}
  part: {{keys: ["sha256:{sha256(b"part-key").hexdigest()}", "${{EMPTY:-}}"], models: [chat]}}
"""
WHOLE = {"authorization": "Bearer whole-key"}
PART = {"authorization": "Bearer part-key"}
ENVIRON = {"WHOLE": "whole-key"}
MODELS = """
chat: {targets: [sim/fast]}
chat-large: {targets: [sim/other]}
org/model: {targets: [sim/other]}
gpt: {targets: [dear/gpt]}
"""


def keyed(folder: Path) -> Path:
    return written(folder, MODELS, server="auth: keys", rest=KEYS)
