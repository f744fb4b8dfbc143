"""What single providers mean otherwise, or alone: their own lines, by the name of their preset.

They are asked before those of all. A provider without a preset has the common lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from router.dialects.errors.common import COMMON
from router.dialects.errors.said import USED_UP
from router.dialects.errors.table import (
    BILL,
    DAY,
    DAY_IN_CALIFORNIA,
    FAILED,
    FILTERED,
    GONE,
    KEY,
    OVERLOADED,
    SPILLED,
    UNFIT,
    Line,
    Table,
    line,
)

OTHER_MODELS = (
    "exceed context limit|maximum allowed number of output tokens"
    "|cannot both be specified for this model|is deprecated for this model"
)
"""What one generation of models takes and another does not: `input length and max_tokens exceed
context limit: 178959 + 64000 > 200000`; `max_tokens: 100000 > 64000, which is the maximum allowed
number of output tokens for …`; `temperature and top_p cannot both be specified for this model`;
`temperature is deprecated for this model`.
"""

QUIRKS: Mapping[str, tuple[Line, ...]] = MappingProxyType(
    {
        "anthropic": (
            line(UNFIT, 400, says=OTHER_MODELS),
            line(DAY, 429, codes=USED_UP),
        ),
        "gemini": (
            # A quota's name is read as part of the message; the delay beside it is a minute's.
            line(DAY_IN_CALIFORNIA, 429, says="perday|daily"),
            # So says Vertex AI's page on error 429, generative-ai/docs/error-code-429.
            line(SPILLED, 429, says="^too many requests. exceeded the provisioned throughput"),
            line(
                UNFIT,
                400,
                says="^request payload size exceeds|is not enabled for|is unsupported"
                "|only works in thinking mode",
            ),
            line(KEY, 400, codes="FAILED_PRECONDITION"),  # no billing, or not in this country
        ),
        "groq": (
            line(UNFIT, 413, codes="rate_limit_exceeded"),  # longer than a minute's tokens
            line(SPILLED, 498),  # flex: `capacity_exceeded` (console.groq.com/docs/flex-processing)
        ),
        "mistral": (
            line(OVERLOADED, codes="3505"),  # the capacity of a service tier
            line(GONE, 400, codes="1500 invalid_model"),
        ),
        "deepseek": (
            line(BILL, says="^insufficient balance"),
        ),
        "bedrock": (
            line(KEY, 403, says="^authentication failed"),
            line(
                GONE,
                400,
                says="^(the provided model identifier is invalid"
                "|invocation of model id .* with on-demand throughput)",
            ),
            line(UNFIT, 400, says="expected maxlength"),
            line(GONE, codes="AccessDeniedException"),  # mostly to one model
            line(
                KEY,
                codes="UnrecognizedClientException ExpiredTokenException InvalidSignatureException"
                " IncompleteSignatureException MissingAuthenticationTokenException",
            ),
            line(DAY, codes="ServiceQuotaExceededException"),
        ),
        "fireworks": (
            line(BILL, 412),  # an account that is suspended
        ),
        "cohere": (
            line(KEY, 498),
        ),
        "openrouter": (
            line(GONE, 400, says=r"^\S+ is not a valid model id$"),
            line(UNFIT, 404, says="^no (endpoints found that support|allowed providers)"),
            line(UNFIT, 503, says="routing requirements"),  # that the caller wrote
            line(UNFIT, codes="string_too_long"),
            line(FILTERED, codes="refusal"),
            line(FAILED, codes="server"),
        ),
    }
)  # fmt: skip
EVERYBODY = Table(COMMON)
TABLES: Mapping[str, Table] = MappingProxyType(
    {name: Table(own, EVERYBODY) for name, own in QUIRKS.items()}
)
