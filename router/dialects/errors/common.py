"""What errors in OpenAI's shape mean, whoever sends them: the lines of all tables.

Only what is unambiguous stands here; what one provider alone means by it is in `quirks`. A message
may repeat what the caller wrote. So one that makes others suffer (a rest) goes by its beginning, or
by a status that no text of a caller can bring about; what concerns this request alone may go by any
part of it.
"""

from __future__ import annotations

from router.dialects.errors.table import (
    BILL,
    BILL_OF_MONTH,
    CALLER,
    DAY,
    FAILED,
    FILTERED,
    GONE,
    KEY,
    OVERLOADED,
    SPILLED,
    THROTTLED,
    UNFIT,
    Line,
    line,
)

TOO_LONG = (
    "maximum context length|context length|context window|context size|prompt is too long"
    "|too many (input )?tokens|input token count|maximum number of tokens allowed"
    "|reduce the length|current length is .* while limit is"
    "|max_(new_)?tokens must be (less|at most)"
    "|longer than the (model|maximum)|input is too long"
)
UNSUPPORTED = (
    "does(n't| not) support|(is|are) not supported|unsupported (parameter|value|content|image)"
    "|not a multimodal model|at most 0 (image|audio|video)|enable-auto-tool-choice"
)
FILTER = (
    "content management policy|content policy|usage polic(y|ies)|safety system"
    "|flagged (by|for|as)|violates? our"
)
UNPAID = "suspended|billing|spending limit|(insufficient|all available) (balance|credits|funds)"
BUSY = (
    "overloaded|over(loaded)? capacity|at capacity|high demand|high traffic|slow down|server busy"
    "|maximum pending requests|too many requests"
)
OTHER_OPERATION = (
    "v1/chat/completions|v1/completions|v1/responses|from this model|does not support embeddings"
)
"""What a model is told to be asked for instead, in messages without a code. OpenAI: `This is a chat
model and not supported in the v1/completions endpoint` (404), `You are not allowed to generate
embeddings from this model` (403); Ollama: `this model does not support embeddings` (500, 501).
"""

MESSAGES: tuple[Line, ...] = (
    line(KEY, 400, says="^(incorrect api key provided|api key not valid|api key expired)"),
    line(BILL_OF_MONTH, 400, 429, says=r"^you have reached your specified (\w+ )?api usage limits"),
    line(BILL, 400, says="^your credit balance is too low"),
    line(UNFIT, 403, 404, 500, 501, says=OTHER_OPERATION),
    line(UNFIT, 200, 400, 403, 413, 422, says=TOO_LONG),
    line(UNFIT, 413, 429, says="^request too large"),  # for a minute's tokens: no wait helps
    line(FILTERED, 200, 400, 403, 422, says=FILTER),
    line(UNFIT, 400, 422, says=UNSUPPORTED),
    line(BILL, 403, 412, says=UNPAID),
    line(DAY, 429, says=r"per day|per-day|\b(rpd|tpd)\b"),
    line(OVERLOADED, 500, 502, 503, says=BUSY),
    line(OVERLOADED, 503, dated=True),  # RFC 9110, 10.2.3: unavailable until then
)
CODES: tuple[Line, ...] = (
    line(
        BILL,
        codes="insufficient_quota billing_hard_limit_reached billing_not_active billing_error"
        " payment_required insufficient_credits insufficient_balance",
    ),
    line(BILL_OF_MONTH, codes="enforced_spend_limit_reached"),
    line(
        KEY,
        codes="invalid_api_key API_KEY_INVALID authentication_error authentication"
        " permission_error permission_denied PermissionDenied AuthorizationFailed Unauthenticated"
        " SERVICE_DISABLED unsupported_country_region_territory account_deactivated",
    ),
    line(GONE, codes="model_not_found model_decommissioned DeploymentNotFound"),
    line(
        UNFIT,
        codes="context_length_exceeded exceed_context_size_error max_tokens_exceeded"
        " token_limit_exceeded request_too_large unsupported_parameter unsupported_value"
        " not_supported_error OperationNotSupported unsupported_modality"
        " previous_response_not_found invalid_encrypted_content",  # another account may have it
    ),
    line(
        FILTERED,
        codes="content_policy_violation content_filter ResponsibleAIPolicyViolation invalid_prompt"
        " moderation moderation_blocked bio_policy image_content_policy_violation",
    ),
    line(
        OVERLOADED,
        codes="overloaded_error overloaded provider_overloaded engine_overloaded server_overloaded"
        " engine_overloaded_error queue_exceeded service_tier_capacity_exceeded"
        " MODEL_CAPACITY_EXHAUSTED",
    ),
    # Of a service tier that takes what is left: `429 Resource Unavailable`, and nothing is charged
    # (developers.openai.com/api/docs/guides/flex-processing); the code as clients have met it.
    line(SPILLED, 429, codes="resource_unavailable"),
    line(
        THROTTLED,
        codes="rate_limit_exceeded rate_limit_error RateLimitReached token_quota_exceeded"
        " request_quota_exceeded RESOURCE_EXHAUSTED",
    ),
    line(FAILED, 400, codes="tool_use_failed json_validate_failed"),
    line(
        FAILED,
        200, 500, 502, 503, 504,
        codes="server_error internal_server_error InternalServerError internal api_error"
        " timeout_error timeout unavailable unavailable_error ServiceUnavailable EngineDeadError"
        " provider_unavailable deadline_exceeded vector_store_timeout insufficient_system_resource",
    ),
    line(
        CALLER,
        200, 400, 415, 422,
        codes="invalid_request_error BadRequestError INVALID_ARGUMENT invalid_request invalid_value"
        " missing_required_parameter string_above_max_length decimal_above_max_value"
        " data_residency_mismatch invalid_image invalid_image_format invalid_base64_image"
        " invalid_image_url image_too_large image_too_small image_parse_error invalid_image_mode"
        " image_file_too_large unsupported_image_media_type empty_image_file"
        " failed_to_download_image image_file_not_found ValidationException",
    ),
)  # fmt: skip
STATUSES: tuple[Line, ...] = (
    line(KEY, 401),
    line(BILL, 402),
    line(FAILED, 403, told=False),  # a firewall in between: nobody has looked at the key
    line(KEY, 403),
    line(UNFIT, 404, 405, unusual=True),  # a path that is missing says nothing of the model
    line(GONE, 404, 405),
    line(UNFIT, 413, 501),
    line(CALLER, 415, 422, told=True),
    line(THROTTLED, 425, 429),
    line(FAILED, 408, 409, 424, 498, 499, 500, 502, 503, 504, *range(520, 528)),
    line(OVERLOADED, 529),
    line(FAILED, *range(300, 309)),  # a provider that moves is a matter for the configuration
)
COMMON: tuple[Line, ...] = (*MESSAGES, *CODES, *STATUSES)
