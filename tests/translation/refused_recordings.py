"""The recorded requests that cannot be served by a chat upstream, by the reason that the client is told.

Each is about a thing that only the provider of the request's own shape can do, and whose loss would break a promise.
"""

from __future__ import annotations

from collections.abc import Mapping

_REASONS: Mapping[str, tuple[str, ...]] = {
    "no container to upload to": (
        "test_anthropic_code_execution_files_multi_turn.yaml#1",
        "test_anthropic_code_execution_files_multi_turn.yaml#2",
    ),
    "is run by another provider": (
        "test_thinking_with_native_tool_wire_contract[anthropic].yaml#0",
        "test_anthropic_unsupported_model_uses_previous_web_tools.yaml#0",
        "test_anthropic_advisor_tool_redacted.yaml#0",
        "test_anthropic_code_execution_tool_container_reuse.yaml#0",
        "test_anthropic_code_execution_tool_container_reuse.yaml#1",
        "test_anthropic_server_tool_receive_history_from_another_provider.yaml#1",
        "test_anthropic_text_editor_code_execution_tool_stream.yaml#0",
        "test_anthropic_text_parts_ahead_of_built_in_tool_call.yaml#0",
        "test_anthropic_text_parts_ahead_of_built_in_tool_call.yaml#1",
        "test_anthropic_text_parts_ahead_of_built_in_tool_call.yaml#2",
        "test_anthropic_text_parts_ahead_of_built_in_tool_call.yaml#3",
        "test_anthropic_web_fetch_tool_stream.yaml#0",
        "test_anthropic_web_search_tool.yaml#0",
        "test_anthropic_web_search_tool.yaml#1",
        "test_anthropic_web_search_tool_stream.yaml#0",
        "test_google_model_receive_web_search_history_from_another_provider.yaml#0",
        "test_openai_code_execution_files.yaml#1",
        "test_durability_web_search_in_workflow.yaml#0",
        "test_openai_include_raw_annotations_non_streaming.yaml#0",
        "test_openai_include_raw_annotations_non_streaming.yaml#1",
        "test_openai_include_raw_annotations_streaming.yaml#0",
        "test_openai_include_raw_annotations_streaming.yaml#1",
        "test_openai_responses_code_execution_return_image.yaml#0",
        "test_openai_responses_model_builtin_tools_web_search.yaml#0",
        "test_openai_responses_model_file_search_tool.yaml#3",
        "test_openai_responses_model_file_search_tool.yaml#4",
        "test_openai_responses_model_mcp_server_tool.yaml#0",
        "test_openai_responses_model_mcp_server_tool.yaml#1",
        "test_openai_responses_model_mcp_server_tool_stream.yaml#0",
        "test_openai_responses_model_web_search_tool_with_allowed_domains.yaml#0",
        "test_openai_responses_model_web_search_tool_without_external_access.yaml#0",
    ),
    "cannot reach MCP servers": (
        "test_in_flight_mcp_call_history_is_accepted.yaml#0",
        "test_anthropic_mcp_servers_stream.yaml#0",
    ),
    "does not take a document by URL": (
        "test_document_url_input.yaml#0",
        "test_multimodal_tool_return_matrix[tool_return_content-url-document-anthropic].yaml#1",
        "test_multimodal_tool_return_matrix[direct-url-document-openai_responses].yaml#1",
        "test_document_url_input_response_api.yaml#0",
    ),
    "by file id cannot be sent": (
        "test_multimodal_tool_return_matrix[direct-uploaded_file-image-anthropic].yaml#1",
        "test_multimodal_tool_return_matrix[direct-uploaded_file-image-openai_responses].yaml#1",
    ),
    "after the model's first output": (
        "test_tool_availability_portability_matrix[R1-T4-local-search-additional-tools].yaml#0",
        "test_tool_availability_portability_matrix[R3-T4-local-search-additional-tools].yaml#0",
        "test_cross_provider_capability_replay[anthropic-claude-sonnet-4-5-openai-responses-gpt-5.4].yaml#3",
        "test_cross_provider_capability_replay[anthropic-claude-sonnet-4-5-openai-responses-gpt-5.4].yaml#4",
        "test_cross_provider_capability_replay[google-gemini-3-flash-preview-openai-responses-gpt-5.4].yaml#3",
        "test_cross_provider_capability_replay[google-gemini-3-flash-preview-openai-responses-gpt-5.4].yaml#4",
        "test_cross_provider_capability_replay[openai-responses-gpt-5.4-anthropic-claude-sonnet-4-5].yaml#1",
        "test_cross_provider_capability_replay[openai-responses-gpt-5.4-anthropic-claude-sonnet-4-5].yaml#2",
        "test_openai_native_tool_search_with_deferred_capability_gpt_5_6_sol.yaml#2",
        "test_openai_native_tool_search_with_deferred_capability_gpt_5_6_sol.yaml#3",
    ),
    "file id cannot be sent": (
        "test_multimodal_tool_return_matrix[direct-uploaded_file-document-openai_responses].yaml#1",
    ),
    "cannot run in the background": (
        "test_background_mode_reasoning_vcr.yaml#0",
        "test_background_mode_streaming_without_starting_after_vcr.yaml#0",
    ),
    "Conversations are not kept": (
        "test_openai_conversation_id_explicit_and_auto.yaml#1",
        "test_openai_conversation_id_explicit_and_auto.yaml#2",
        "test_openai_conversation_id_preserves_mismatched_history.yaml#1",
    ),
    "compacted conversation": ("test_openai_responses_compact_stateful_mode_stream.yaml#3",),
}

REFUSED: Mapping[str, str] = {name: reason for reason, names in _REASONS.items() for name in names}
"""The reason of each."""
