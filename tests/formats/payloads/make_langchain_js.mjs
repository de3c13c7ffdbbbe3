// Make the fixtures of LangChain.js in a folder that holds its packages: ``node make_langchain_js.mjs
// langsmith`` writes what LangSmith's SDK posts, ``... openinference`` the spans. Run with Node.js
// 22.23.3, @langchain/core 1.4.0, @langchain/openai 1.5.8, @langchain/anthropic 1.5.11, langsmith
// 0.12.0, @anthropic-ai/sdk, @arizeai/openinference-instrumentation-langchain 4.1.1.
import fs from "node:fs";
import { createRequire } from "node:module";
import { provider } from "./provider_stub.mjs";

const require = createRequire(`${process.cwd()}/`);
const kind = process.argv[2];
const { address, kept, stop } = await provider();
let tracing;
if (kind === "langsmith") {
  Object.assign(process.env, { LANGSMITH_TRACING: "true", LANGSMITH_ENDPOINT: `${address}/kept`, LANGSMITH_API_KEY: "none", LANGSMITH_PROJECT: "shop" });
} else {
  const { NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");
  const { SimpleSpanProcessor } = require("@opentelemetry/sdk-trace-base");
  const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-http");
  const { LangChainInstrumentation } = require("@arizeai/openinference-instrumentation-langchain");
  const exporter = new OTLPTraceExporter({ url: `${address}/kept/v1/traces` });
  const { resourceFromAttributes } = require("@opentelemetry/resources");
  const resource = resourceFromAttributes({ "service.name": "shop" });
  tracing = new NodeTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] });
  tracing.register();
  new LangChainInstrumentation({ tracerProvider: tracing }).manuallyInstrument(require("@langchain/core/callbacks/manager"));
}
const { ChatOpenAI } = require("@langchain/openai");
const { ChatAnthropic } = require("@langchain/anthropic");
const { tool } = require("@langchain/core/tools");
const { z } = require("zod");

const options = { runName: "answer", metadata: { user_id: "u-42", session_id: "s-7", feature: "returns" } };
const question = "How long may I return it?";
const gpt = new ChatOpenAI({ model: "gpt-4.1-mini", apiKey: "none", configuration: { baseURL: `${address}/v1` }, maxRetries: 0 });
const claude = new ChatAnthropic({ model: "claude-haiku-4-5", apiKey: "none", anthropicApiUrl: address, maxRetries: 0 });
const find = tool(async () => "packed", { name: "find_order", description: "Finds an order.", schema: z.object({ order: z.number() }) });
for await (const _ of await gpt.stream(question, options));
await claude.invoke(question, options);
for await (const _ of await claude.stream(question, options));
await claude.bindTools([find]).invoke(question, options);
if (kind === "langsmith") {
  const { wrapAnthropic } = require("langsmith/wrappers/anthropic");
  const { default: Anthropic } = require("@anthropic-ai/sdk");
  const client = wrapAnthropic(new Anthropic({ baseURL: address, apiKey: "none" }));
  await client.messages.create({ model: "claude-haiku-4-5", max_tokens: 99, messages: [{ role: "user", content: question }] });
}
await tracing?.forceFlush();
await new Promise((done) => setTimeout(done, 3000));
const name = kind === "langsmith" ? "langsmith_js" : "openinference_langchain_js";
const lines = kept.filter((sent) => Object.keys(sent).length).map((sent) => JSON.stringify(sent));
fs.writeFileSync(new URL(`${name}.jsonl`, import.meta.url), `${lines.join("\n")}\n`);
stop();
process.exit(0);
