"""How the fields of a call are called elsewhere, in the words of ``profiles.plain``.

The first names say it most surely. A name may stand under several fields: the values decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_NAMES: Final[Mapping[str, str]] = {
    "started_at": "started_at start_time request_start_time start_timestamp start_ts begin_time"
    " started start begin timestamp event_timestamp event_time created_at created request_time"
    " request_ts requested_at received_at received arrived_at arrival_time arrived occurred_at"
    " invoked_at datetime date_time time ts t dt logged_at epoch unix date when",
    "ended_at": "ended_at end_time request_end_time end_timestamp end_ts completed_at finished_at"
    " finish_time completion_time response_time ended finished completed end",
    "first_token_at": "first_token_at first_token_time completion_start_time",
    "call_id": "call_id request_id req_id generation_id span_id run_id log_id event_id"
    " invocation_id message_id uuid guid id req call",
    "trace_id": "trace_id correlation_id root_id root_span_id trace",
    "parent_id": "parent_id parent_span_id parent_run_id",
    "response_id": "response_id completion_id provider_request_id chatcmpl_id",
    "session_id": "session_id conversation_id thread_id chat_id session conversation thread",
    "user_id": "user_id end_user_id user_name username end_user uid user customer_id account_id"
    " customer member_id user_email email end_user_email customer_email distinct_id who usr",
    "project": "project project_id project_name workspace workspace_id tenant tenant_id"
    " organization organization_id org org_id client client_id account",
    "feature": "feature feature_name use_case usecase product_feature application app app_name"
    " product service service_name workflow pipeline component task endpoint route feat",
    "team": "team team_name department squad cost_center owner",
    "environment": "environment env deployment_environment stage",
    "tags": "tags labels",
    "experiment_arm": "experiment_arm arm variant ab_variant experiment_variant",
    "provider": "provider provider_name vendor system model_provider backend",
    "model": "response_model model_served served_model model model_name model_id deployment"
    " deployment_name engine provider_model model_version",
    "model_requested": "model_requested requested_model request_model",
    "service_tier": "service_tier tier",
    "is_stream": "is_stream stream streaming streamed is_streaming",
    "is_batch": "is_batch batch",
    "prompt_name": "prompt_name template_name prompt_template_name",
    "prompt_version": "prompt_version template_version prompt_template_version",
    "prompt_template": "prompt_template template",
    "attempt": "attempt try",
    "status": "status outcome state result status_code http_status response_status success"
    " succeeded successful ok is_success error is_error is_err has_error failed http_code",
    "error_class": "error_class error_type exception_type exception_class",
    "error_code": "error_code err_code code",
    "error_status": "error_status http_status_code http_status status_code response_code"
    " http_code result_signature result_code code",
    "error_message": "error_message error_msg err_msg exception_message error_reason failure_reason"
    " error_description error_text error exception err",
    "finish_reason": "finish_reason stop_reason done_reason stop_type finish",
    "latency_ms": "latency end_to_end_latency e2e_latency total_latency request_latency"
    " response_latency latency_total duration request_duration total_duration elapsed elapsed_time"
    " response_time total_time processing_time invocation_latency inference_time wall_time"
    " timing_total took generation_time lat ms",
    "ttft_ms": "ttft time_to_first_token first_token_latency time_to_first_byte ttfb"
    " time_to_first_chunk first_byte_latency first_chunk_latency timing_first_token first_token",
    "input_tokens": "billed_units_input_tokens native_tokens_prompt input_tokens prompt_tokens"
    " tokens_input tokens_prompt tokens_in in_tokens tokens_sent request_tokens query_tokens"
    " context_tokens usage_prompt usage_input input_length prompt_length prompt_eval"
    " tokens_evaluated prompt_total input_total in prompt",
    "output_tokens": "billed_units_output_tokens native_tokens_completion output_tokens"
    " completion_tokens tokens_output tokens_completion tokens_out out_tokens response_tokens"
    " generated_tokens candidates_tokens tokens_received generation_tokens predicted_tokens"
    " tokens_generated tokens_predicted usage_completion usage_output output_length"
    " completion_length eval answer_tokens completion_total output_total out completion",
    "total_tokens": "total_tokens tokens_total tokens_used tokens usage_total",
    "cache_read": "native_tokens_cached cache_read_input_tokens cache_read_tokens cached_tokens"
    " cached_input_tokens cached_prompt_tokens cached_content_tokens input_cached_tokens"
    " prompt_cache_hit_tokens prompt_cached_tokens input_tokens_cached prompt_tokens_cached"
    " tokens_cached tokens_cache cache_tokens usage_cached cache_read cached",
    "cache_write_5m": "ephemeral_5m_input_tokens cache_write_5m_tokens cache_creation_input_tokens"
    " cache_write_tokens cache_creation_tokens cache_write_input_tokens"
    " prompt_cache_creation_tokens prompt_cache_write_tokens input_tokens_cache_write cache_write",
    "cache_write_1h": "ephemeral_1h_input_tokens cache_write_1h_tokens"
    " cache_creation_1h_input_tokens cache_write_1h_input_tokens cache_write_1h",
    "audio_input": "input_audio_tokens audio_input_tokens prompt_audio_tokens",
    "reasoning": "native_tokens_reasoning reasoning_tokens thoughts_tokens thinking_tokens"
    " output_reasoning_tokens reasoning_output_tokens completion_reasoning_tokens tokens_reasoning"
    " output_tokens_reasoning reasoning thinking",
    "audio_output": "output_audio_tokens audio_output_tokens completion_audio_tokens",
    "cost_reported": "cost total_cost request_cost response_cost inference_cost cost_total"
    " billing_amount spend price total_price amount charge",
    "format_requested": "response_format response_format_type",
    "messages": "messages request_messages chat_messages prompt_messages chat prompt input"
    " conversation history",
    "system": "system_prompt system_message prompt_system system_instruction system instructions",
    "question": "question prompt user_prompt user_message user_input query prompt_text input_text"
    " input request_text text_in instruction",
    "answer": "answer completion completion_text response_text output_text generated_text"
    " message_content model_output model_response response output reply text_out generation text",
    "contexts": "contexts retrieved_contexts retrieved_documents retrieved_docs documents docs"
    " passages chunks retrieved_passages retrieved_chunks retrieved context sources retrieval",
    "tool_calls": "tool_calls message_tool_calls function_calls",
}  # fmt: skip

SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    field: tuple(names.split()) for field, names in _NAMES.items()
}

LOOSE: Final = {
    "started_at": {"date", "when", "t", "dt", "unix", "epoch"},
    "project": {"tenant", "tenant_id", "client", "client_id", "account", "org", "organization"},
    "feature": {"service", "service_name", "component", "task", "endpoint", "route", "pipeline"},
    "user_id": {
        "customer_id",
        "customer",
        "account_id",
        "member_id",
        "email",
        "customer_email",
        "who",
    },
    "team": {"owner", "department", "cost_center"},
    "model": {"deployment", "deployment_name", "engine", "provider_model", "model_version"},
    "provider": {"system", "backend"},
    "service_tier": {"tier"},
    "call_id": {"req", "call"},
    "latency_ms": {"lat", "ms"},
    "input_tokens": {
        "input_length",
        "prompt_length",
        "query_tokens",
        "request_tokens",
        "in",
        "prompt",
    },
    "output_tokens": {"output_length", "completion_length", "eval", "out", "completion"},
    "cache_read": {"cached"},
    "error_status": {"code"},
    "reasoning": {"thinking"},
    "total_tokens": {"tokens"},
    "cost_reported": {"amount", "charge", "price", "spend", "total_price"},
    "answer": {"text", "output", "generation"},
    "question": {"input", "instruction"},
    "contexts": {"sources", "context", "retrieval"},
    "error_code": {"code"},
    "ended_at": {"response_time", "end"},
    "session_id": {"session", "conversation", "thread"},
}
"""Names that often mean something else: a person should look."""
