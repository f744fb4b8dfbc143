"""Why a key of another gateway's has no equal here, and what there is instead, as data.

Why: what is not imported is said in its place, with what a person can do about it.
Must not: hold behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping

UNKNOWN = "nothing is known here by this name: see whether you need it"
BUDGET = "there are no budgets here yet: limits of tokens are what is nearest"
CACHE = "there is no cache of answers here yet"
ASKED = "clients say it in their requests; nothing is added to those here"
HEALTH = "how often a target may fail, and how long it rests, is learned here and not set"
TOLD = "what is counted is in /metrics, what happened in the log and in /decisions"
KEEPER = "nothing is kept in a database here"
ALERTS = "alerts are made from /metrics"
SCREEN = "there are no guardrails here: they stay in a service of their own"
WHO = "who may ask is said under tenants"
HEADERS = "which headers pass is fixed: see the reference"
ALWAYS = ""
"""What is so here anyway: nothing has to be said."""

_REQUEST = (
    "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "n", "stop", "seed",
    "stream", "frequency_penalty", "presence_penalty", "logit_bias", "response_format", "tools",
    "tool_choice", "user", "reasoning_effort", "thinking", "extra_body", "modalities", "dimensions",
    "encoding_format", "stream_options", "service_tier", "logprobs", "top_logprobs", "prediction",
    "allowed_openai_params", "additional_drop_params", "merge_reasoning_content_in_choices",
)  # fmt: skip
_BUDGETS = (
    "max_budget", "budget_duration", "provider_budget_config", "default_max_internal_user_budget",
    "internal_user_budget_duration", "max_internal_user_budget", "max_end_user_budget",
    "max_user_budget", "user_budget_duration", "upperbound_key_generate_params",
    "proxy_budget_rescheduler_min_time", "proxy_budget_rescheduler_max_time", "soft_budget",
)  # fmt: skip
_TOLD = (
    "success_callback", "failure_callback", "callbacks", "service_callback", "service_callbacks",
    "callback_settings", "langfuse_default_tags", "turn_off_message_logging",
    "redact_user_api_key_info", "redact_messages_in_exceptions", "datadog_params",
    "otel", "store_prompts_in_spend_logs",
)  # fmt: skip
_KEPT = (
    "database_url", "database_connection_pool_limit", "database_connection_timeout",
    "store_model_in_db", "disable_spend_logs", "disable_spend_updates", "proxy_batch_write_at",
    "allow_requests_on_db_unavailable", "maximum_spend_logs_retention_period",
    "maximum_spend_logs_retention_interval", "supported_db_objects", "disable_reset_budget",
    "disable_adding_master_key_hash_to_db", "disable_prisma_schema_update", "database_type",
    "use_redis_transaction_buffer", "disable_error_logs",
)  # fmt: skip
_HEALTH = (
    "allowed_fails", "cooldown_time", "disable_cooldowns", "retry_policy", "retry_after",
    "allowed_fails_policy", "model_group_retry_policy", "background_health_checks",
    "health_check_interval", "health_check_details", "cb_config",
)  # fmt: skip
_ALERTS = (
    "alerting", "alerting_threshold", "alert_types", "alert_to_webhook_url", "alerting_args",
    "alerting_config", "slack_alerting", "spend_report_frequency",
)  # fmt: skip
_WHO = (
    "enable_jwt_auth", "litellm_jwtauth", "custom_auth", "custom_sso", "enable_oauth2_auth",
    "oauth2_config_mappings", "allowed_ips", "allowed_routes", "public_routes",
    "admin_only_routes", "ui_access_mode", "key_management_system", "key_management_settings",
    "key_generation_settings", "custom_key_generate", "enable_oauth2_proxy_auth",
    "default_internal_user_params", "default_team_settings", "default_team_params",
    "user_api_key_cache_ttl", "enforce_user_param", "access_groups", "team_id",
    "team_public_model_name",
)  # fmt: skip
_ALWAYS = (
    "enable_pre_call_checks", "enable_pre_call_check", "drop_params", "ignore_invalid_deployments",
    "set_verbose", "json_logs", "debug_level", "client_ttl", "id", "mode",
    "db_model", "litellm_provider", "key", "created_at", "updated_at", "type", "description",
    "use_retry_after_headers", "strict_open_ai_compliance", "telemetry",
    "disable_master_key_return", "custom_model_info",
)  # fmt: skip

REASONS: Mapping[str, str] = {
    **dict.fromkeys(_REQUEST, ASKED),
    **dict.fromkeys(_BUDGETS, BUDGET),
    **dict.fromkeys(_TOLD, TOLD),
    **dict.fromkeys(_KEPT, KEEPER),
    **dict.fromkeys(_HEALTH, HEALTH),
    **dict.fromkeys(_ALERTS, ALERTS),
    **dict.fromkeys(_WHO, WHO),
    **dict.fromkeys(_ALWAYS, ALWAYS),
    **dict.fromkeys(("cache", "cache_params", "cache_responses", "caching_groups"), CACHE),
    **dict.fromkeys(("guardrails", "input_guardrails", "output_guardrails"), SCREEN),
    **dict.fromkeys(("before_request_hooks", "after_request_hooks"), SCREEN),
    **dict.fromkeys(("extra_headers", "headers", "default_headers"), HEADERS),
    **dict.fromkeys(("forward_client_headers_to_llm_api", "forward_headers"), HEADERS),
    **dict.fromkeys(("organization", "openai_organization", "openai_project"), HEADERS),
    **dict.fromkeys(("max_retries", "num_retries"), "sends are counted by route: its `retry`"),
    **dict.fromkeys(("default_params", "default_litellm_params"), ASKED),
    **dict.fromkeys(
        ("tags", "enable_tag_filtering", "tag_filtering_match_any", "tag_regex"),
        "there is no routing by tags: make a route for each",
    ),
    **dict.fromkeys(
        ("max_parallel_requests", "global_max_parallel_requests"),
        "how many may run at once is said as `concurrent` in the limits of a provider, a model "
        "or a tenant",
    ),
    "routing_strategy_args": "how a policy weighs what it knows is not set here",
    "infer_model_from_keys": "models have names here: write those that are asked for",
    "base_model": "context and price are looked up by the model's name here: write `context` "
    "and `price` where that is only a deployment's",
    "mock_response": "a provider with `dialect: simulated` answers without anyone being asked",
    "ssl_verify": "what answers is always verified: a provider's `tls` names your authority",
    "content_policy_fallbacks": "what a provider filters is not asked elsewhere: its error is "
    "the answer",
    "pass_through_endpoints": "only the paths of the reference are served",
    "include": "import that file as well, and put the two together",
    "mcp_servers": "this is no gateway for tools",
    "prompt_id": "prompts are not kept here: the client sends them",
    "passthrough": "the route's targets are fixed: name each that may be asked",
    "on_status_codes": "which errors lead to another target is fixed: see docs/errors.md",
    "optional_pre_call_checks": "what a response refers to is asked of its account anyway; "
    "other stickiness is not known",
    "max_fallbacks": "a ladder ends where the file says",
    "vertex_service_account_json": "put it in a file, and its path in "
    "GOOGLE_APPLICATION_CREDENTIALS",
    "vertex_credentials": "put the path of that file in GOOGLE_APPLICATION_CREDENTIALS",
    "completion_model": "clients name the model that they ask for",
}


def reason(key: str) -> str:
    """What is said of a key that was not taken; empty where nothing needs to be."""
    return REASONS.get(key, UNKNOWN)
