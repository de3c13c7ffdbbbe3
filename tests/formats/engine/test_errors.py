"""Every provider's words for a failure fall into one of eight classes."""

from tests.formats.worlds import call, one, read

FAILURES = [
    ({"type": "timeout"}, "timeout"),
    ({"message": "Request timed out after 60 s"}, "timeout"),
    ({"status": 504}, "timeout"),
    ({"type": "DeadlineExceeded"}, "timeout"),
    ({"type": "rate_limit_exceeded", "status": 429}, "rate_limit"),
    ({"code": "insufficient_quota"}, "rate_limit"),
    ({"status": "429"}, "rate_limit"),
    ({"type": "RESOURCE_EXHAUSTED"}, "rate_limit"),
    ({"type": "ThrottlingException"}, "rate_limit"),
    (
        {
            "type": "invalid_request_error",
            "code": "context_length_exceeded",
            "status": 400,
        },
        "context_length",
    ),
    ({"message": "Input is too long for requested model."}, "context_length"),
    (
        {"message": "The input exceeds the maximum number of tokens allowed (1048576)."},
        "context_length",
    ),
    (
        {"message": "input length and `max_tokens` exceed context limit: 190000 + 64000 > 200000"},
        "context_length",
    ),
    (
        {"message": "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"},
        "context_length",
    ),
    ({"message": "This model's maximum prompt length is 131072"}, "context_length"),
    ({"message": "Please reduce the length of the messages or completion."}, "context_length"),
    ({"message": "Resource exhausted. Please try again later."}, "rate_limit"),
    (
        {"message": "You are using a Trial key, which is limited to 10 API calls / minute."},
        "rate_limit",
    ),
    ({"status": 400, "message": "maximum context length is 8192 tokens"}, "context_length"),
    ({"code": "content_filter", "status": 400}, "content_filter"),
    ({"status": 400, "message": "blocked by our content policy"}, "content_filter"),
    ({"type": "AuthenticationError"}, "auth"),
    ({"status": 401}, "auth"),
    ({"status": 403, "message": "no"}, "auth"),
    ({"code": "invalid_api_key"}, "auth"),
    ({"type": "service_unavailable", "status": 503}, "server"),
    ({"status": 500}, "server"),
    ({"type": "overloaded_error"}, "server"),
    ({"type": "APIConnectionError"}, "network"),
    ({"code": "ECONNRESET"}, "network"),
    ({"message": "peer closed connection"}, "network"),
    ({"type": "invalid_request_error", "message": "bad schema"}, "other"),
    ({"message": "?"}, "other"),
]


def test_failures_are_classified():
    rows = read(*(call(response=None, error=error) for error, _ in FAILURES))
    found = zip((error for error, _ in FAILURES), rows.calls["error_class"], strict=True)
    assert list(found) == FAILURES


def test_a_class_of_ours_is_kept():
    record = call(response=None, error={"type": "network", "message": "timed out"})
    assert one(record)["error_class"] == "network"


def test_an_http_status_as_status_tells_outcome_and_class():
    found = one(call(status=429, response=None))
    assert (found["status"], found["error_class"]) == ("error", "rate_limit")
    assert one(call(status=200))["status"] == "ok"


def test_a_timeout_as_status_is_one():
    assert one(call(status="timeout", response=None))["error_class"] == "timeout"
