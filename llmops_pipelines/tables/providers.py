"""What the column ``provider`` calls a provider that logs, tools and people spell otherwise."""

from collections.abc import Mapping
from typing import Final

_SPELLINGS: Final[Mapping[str, str]] = {
    "aws": "amazon, amazon bedrock, amazon-bedrock, amazon_bedrock, aws bedrock, aws-bedrock,"
    " aws.bedrock, aws_bedrock, bedrock, bedrock_converse, amazon_bedrock_chat,"
    " amazon_bedrock_converse_chat",
    "anthropic": "anthropic-chat",
    "azure": "az.ai.inference, az.ai.openai, azure openai, azure-openai, azure.ai.inference,"
    " azure.ai.openai, azure-openai-chat, azure_ai, azure_openai, azureopenai",
    "cloudflare": "workers-ai",
    "cohere": "cohere-chat, cohere_chat",
    "fireworks": "fireworks-ai, fireworks-chat, fireworks_ai",
    "github-copilot": "github_copilot",
    "google": "anthropic_vertexai, chat-google-generative-ai, gcp.gemini, gcp.gen_ai, gcp.vertex.agent, gcp.vertex_ai, gemini,"
    " google ai studio, google vertex, google vertex ai, google-ai-studio, google-gla,"
    " google-vertex, google-vertex-ai, google_ai, google_genai, google_vertexai, vertex, vertex ai,"
    " vertex_ai, vertexai",
    "groq": "groq-chat",
    "huggingface": "huggingface_hub",
    "mistral": "mistral_ai, mistralai, mistralai-chat",
    "moonshotai": "moonshot",
    "openai": "openai-chat",
    "together": "together-ai, together_ai, togetherai",
    "voyageai": "voyage",
    "x-ai": "grok, x_ai, xai, xai-chat",
    "zai": "z-ai",
}

PROVIDER_OF: Final[Mapping[str, str]] = {
    spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split(", ")
}
"""genai-prices' name of a provider by a spelling of OpenTelemetry, LangSmith, LiteLLM, ... in small
letters. Names that are not here are their own."""

NO_PROVIDER: Final = ("unknown", "none", "n/a", "")
"""What a tool writes, in small letters, where it does not know the provider."""
