"""Calls to be sent shorter, with words as tokens and the share of common words as vectors."""

import numpy as np

from llmops_pipelines.savings import (
    LoggedPrompt,
    Retrieved,
    Sent,
    likeness_of,
    prompt_parts,
    replay_compression,
    standard_techniques,
)

GREEN, WHITE, RED = "Grass is green.", "Snow is white as milk.", "Blood is red."
WORDS = ("grass", "snow", "blood", "milk", "colour")


def count(text):
    return len(text.split())


def embed(texts):
    vectors = np.array([[float(w in text.lower()) for w in WORDS] + [0.1] for text in texts])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def support(answer, texts):
    """The share of the answer's words that the texts hold."""
    if not answer or not texts:
        return None
    held = set(" ".join(texts).split())
    words = answer.split()
    return sum(word in held for word in words) / len(words)


def call(call_id="c", *, messages=None, contexts=(GREEN, WHITE, RED), answer=GREEN, **fields):
    sent = messages or [Sent("user", "Which colour has grass?")]
    scores = fields.pop("scores", [None] * len(contexts))
    retrieved = [Retrieved(text, score) for text, score in zip(contexts, scores, strict=True)]
    examples = fields.pop("examples", ())
    return LoggedPrompt(
        call_id, prompt_parts(sent, retrieved, examples), answer,
        fields.pop("prompt_tokens", None), **fields,
    )  # fmt: skip


def replay(*calls):
    likeness = likeness_of(calls, embed)
    return replay_compression(calls, standard_techniques(likeness, count), support, count)
