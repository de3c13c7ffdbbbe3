// A provider on loopback that answers as OpenAI, Anthropic and Gemini do, and keeps what tools send
// to it, for the scripts beside it.
import http from "node:http";

const USAGE = {
  prompt_tokens: 120,
  completion_tokens: 30,
  total_tokens: 150,
  prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 12, audio_tokens: 0 },
};
const WRITTEN = { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 10 };
const ANTHROPICS = {
  input_tokens: 20,
  output_tokens: 30,
  cache_creation_input_tokens: 40,
  cache_read_input_tokens: 60,
  cache_creation: WRITTEN,
  service_tier: "standard",
};
const GEMINIS = {
  promptTokenCount: 120,
  cachedContentTokenCount: 64,
  candidatesTokenCount: 30,
  thoughtsTokenCount: 12,
  totalTokenCount: 162,
};
const TEXT = "Within 30 days.";
const LIMIT = { error: { message: "Rate limit reached.", type: "requests", code: "rate_limit_exceeded" } };

function chat(request, number) {
  const head = { id: `chatcmpl-${number}`, created: 1794301502, model: "gpt-4.1-mini-2025-04-14", service_tier: "default" };
  if (!request.stream) {
    const message = { role: "assistant", content: TEXT, refusal: null };
    const choices = [{ index: 0, finish_reason: "stop", message }];
    return { ...head, object: "chat.completion", choices, usage: USAGE };
  }
  const chunk = (delta, finish_reason = null) => ({
    ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }],
  });
  const said = [chunk({ role: "assistant", content: "Within " }), chunk({ content: "30 days." }), chunk({}, "stop")];
  const counted = request.stream_options?.include_usage ? [{ ...head, object: "chat.completion.chunk", choices: [], usage: USAGE }] : [];
  return [...said, ...counted].map((data) => [null, data]).concat([[null, "[DONE]"]]);
}

function message(request, number) {
  const called = request.tools?.length ? { type: "tool_use", id: "toolu_1", name: "find_order", input: { order: 7 } } : null;
  const whole = {
    id: `msg_${number}`, type: "message", role: "assistant", model: "claude-haiku-4-5-20251001",
    content: [called ?? { type: "text", text: TEXT }], stop_reason: called ? "tool_use" : "end_turn", stop_sequence: null, usage: ANTHROPICS,
  };
  if (!request.stream) return whole;
  const { output_tokens, ...given } = ANTHROPICS;
  const begun = { ...whole, content: [], stop_reason: null, usage: { ...given, output_tokens: 0 } };
  return [
    { type: "message_start", message: begun },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: TEXT } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens } },
    { type: "message_stop" },
  ].map((data) => [data.type, data]);
}

function gemini(number) {
  const content = { role: "model", parts: [{ text: TEXT }] };
  return { candidates: [{ content, index: 0, finishReason: "STOP" }], usageMetadata: GEMINIS, modelVersion: "gemini-2.5-flash", responseId: `gemini-${number}` };
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Starts the provider: its address, what was sent to it below /kept, and how to stop it. */
export async function provider() {
  const kept = [];
  let number = 0;
  const server = http.createServer(async (asked, answer) => {
    const pieces = [];
    for await (const piece of asked) pieces.push(piece);
    const text = Buffer.concat(pieces).toString();
    const request = text.startsWith("{") ? JSON.parse(text) : {};
    const send = (status, body) => answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    const path = asked.url.split("?")[0];
    if (path.startsWith("/kept")) {
      if (asked.method !== "GET") kept.push(request);
      return send(200, path.endsWith("/info") ? { version: "0.10.0", batch_ingest_config: { use_multipart_endpoint: false }, instance_flags: {} } : {});
    }
    if (request.model === "overloaded") return send(429, LIMIT);
    number += 1;
    const body = path.endsWith("/messages") ? message(request, number) : path.includes(":generateContent") ? gemini(number) : chat(request, number);
    if (!Array.isArray(body)) return send(200, body);
    answer.writeHead(200, { "content-type": "text/event-stream" });
    for (const [event, data] of body) {
      await pause(5);
      answer.write(`${event ? `event: ${event}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
    }
    answer.end();
  });
  await new Promise((begun) => server.listen(0, "127.0.0.1", begun));
  return { address: `http://127.0.0.1:${server.address().port}`, kept, stop: () => server.close() };
}
