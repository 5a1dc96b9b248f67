"""Requests, replies and streams of the three shapes, as bytes: the smallest that are complete."""

from __future__ import annotations

CHAT_REQUEST = b'{"model": "chat-model", "messages": [{"role": "user", "content": "Hi"}], "future_field": {"a": 1.0}}'
MESSAGES_REQUEST = (
    b'{"max_tokens": 100,  "model":"messages-model", "messages": [{"role": "user", "content": "Hi"}], "x": [1e2]}'
)
RESPONSES_REQUEST = b'{"input": "Hi", "model" : "responses-model", "store": false, "big": 9223372036854775809}'

CHAT_REPLY = (
    b'{"id": "chatcmpl-12345678", "object": "chat.completion", "created": 1, "model": "m-1", "choices": [{"index": 0, '
    b'"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 5, '
    b'"completion_tokens": 2, "total_tokens": 7}, "vendor_extra": [1, 2]}'
)
MESSAGES_REPLY = (
    b'{"id": "msg_12345678", "type": "message", "role": "assistant", "model": "m-1", "content": [{"type": "text", '
    b'"text": "Hello"}], "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 5, '
    b'"output_tokens": 2}, "vendor_extra": true}'
)
RESPONSES_REPLY = (
    b'{"id": "resp_12345678", "object": "response", "created_at": 1, "status": "completed", "model": "m-1", "output": '
    b'[{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": '
    b'"output_text", "text": "Hello", "annotations": []}]}], "parallel_tool_calls": true, "tool_choice": "auto", '
    b'"tools": [], "usage": {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2, '
    b'"output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 7}}'
)

CHAT_STREAM = (
    b": a comment\n\n"
    b'data: {"id":"chatcmpl-12345678","object":"chat.completion.chunk","created":1,"model":"m-1","choices":[{"index":0,'
    b'"delta":{"role":"assistant","content":""},"finish_reason":null}],"vendor":{"x":1}}\n\n'
    b'data: {"id":"chatcmpl-12345678","object":"chat.completion.chunk","created":1,"model":"m-1","choices":[{"index":0,'
    b'"delta":{"content":"Hel"},"finish_reason":null}]}\n\n'
    b'data: {"id":"chatcmpl-12345678","object":"chat.completion.chunk","created":1,"model":"m-1","choices":[{"index":0,'
    b'"delta":{"content":"lo \xe2\x82\xac"},"finish_reason":null}]}\n\n'
    b'data: {"id":"chatcmpl-12345678","object":"chat.completion.chunk","created":1,"model":"m-1","choices":[{"index":0,'
    b'"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"id":"chatcmpl-12345678","object":"chat.completion.chunk","created":1,"model":"m-1","choices":[],'
    b'"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}\n\n'
    b"data: [DONE]\n\n"
)
MESSAGES_STREAM = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_12345678","type":"message",'
    b'"role":"assistant","model":"m-1","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,'
    b'"output_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text",'
    b'"text":""}}\n\n'
    b'event: ping\ndata: {"type": "ping"}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",'
    b'"text":"Hello \xe2\x82\xac"}}\n\n'
    b'event: a_new_event\ndata: {"type":"a_new_event"}\n\n'
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
    b'"usage":{"output_tokens":2}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
_RESPONSE = (
    b'{"id":"resp_12345678","object":"response","created_at":1,"status":"%b","model":"m-1","output":%b,'
    b'"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":%b}'
)
_ITEM = (
    b'{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text",'
    b'"text":"Hello","annotations":[]}]}'
)
_USAGE = (
    b'{"input_tokens":5,"input_tokens_details":{"cached_tokens":0},"output_tokens":2,'
    b'"output_tokens_details":{"reasoning_tokens":0},"total_tokens":7}'
)
RESPONSES_STREAM = (
    b'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":'
    + _RESPONSE % (b"in_progress", b"[]", b"null")
    + b'}\n\nevent: response.output_item.added\ndata: {"type":"response.output_item.added","sequence_number":1,'
    b'"output_index":0,"item":{"id":"msg_1","type":"message","role":"assistant","status":"in_progress","content":[]}}\n\n'
    b'event: response.content_part.added\ndata: {"type":"response.content_part.added","sequence_number":2,'
    b'"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}\n\n'
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":3,'
    b'"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hello","logprobs":[]}\n\n'
    b'event: response.completed\ndata: {"type":"response.completed","sequence_number":4,"response":'
    + _RESPONSE % (b"completed", b"[" + _ITEM + b"]", _USAGE)
    + b"}\n\n"
)

ENDPOINTS = {
    "chat": "/v1/chat/completions",
    "messages": "/v1/messages",
    "responses": "/v1/responses",
}
REQUESTS = {"chat": CHAT_REQUEST, "messages": MESSAGES_REQUEST, "responses": RESPONSES_REQUEST}
REPLIES = {"chat": CHAT_REPLY, "messages": MESSAGES_REPLY, "responses": RESPONSES_REPLY}
STREAMS = {"chat": CHAT_STREAM, "messages": MESSAGES_STREAM, "responses": RESPONSES_STREAM}


def streamed(request: bytes) -> bytes:
    """Return the request with `stream` asked for, as its last member."""
    return request[:-1] + b', "stream": true}'


def for_model(request: bytes, model: str) -> bytes:
    """Return the request for another model."""
    for name in (b"chat-model", b"messages-model", b"responses-model"):
        request = request.replace(name, model.encode())
    return request
