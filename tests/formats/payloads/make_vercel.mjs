// Make the fixtures of Vercel's AI SDK, one version a run, in a folder that holds its packages:
// ``node make_vercel.mjs 5`` writes ``otel_genai_vercel5.jsonl``, ``node make_vercel.mjs 5 console``
// what the console exporter prints, as JSON. Run with Node.js 22.23.3, @opentelemetry/sdk-trace-node
// 2.12.1, and ai with @ai-sdk/openai, @ai-sdk/anthropic, @ai-sdk/google: 4.3.19 with 1.x, 5.0.277
// with 2.x, 6.0.326 with 3.x, 7.0.173 with 4.x and @ai-sdk/otel.
import fs from "node:fs";
import { createRequire } from "node:module";
import { provider } from "./provider_stub.mjs";

const require = createRequire(`${process.cwd()}/`);
const [version, printed] = [Number(process.argv[2]), process.argv[3] === "console"];
const { NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");
const { ConsoleSpanExporter, SimpleSpanProcessor } = require("@opentelemetry/sdk-trace-base");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-http");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { createOpenAI } = require("@ai-sdk/openai");
const { createAnthropic } = require("@ai-sdk/anthropic");
const { createGoogleGenerativeAI } = require("@ai-sdk/google");
const ai = require("ai");

const { address, kept, stop } = await provider();
const ids = { spans: 0, traces: 0 };
const idGenerator = {
  generateSpanId: () => `a0b0c0d0${(++ids.spans).toString(16).padStart(8, "0")}`,
  generateTraceId: () => `5b8efff798038103d269b633${(++ids.traces).toString(16).padStart(8, "0")}`,
};
const out = new URL(`otel_genai_vercel${version}${printed ? "_console" : ""}.jsonl`, import.meta.url);
const exporter = new OTLPTraceExporter({ url: `${address}/kept/v1/traces` });
const info = new ConsoleSpanExporter();
const lines = [];
const console_ = { export: (spans, done) => { lines.push(...spans.map((span) => info._exportInfo(span))); done({ code: 0 }); }, shutdown: async () => {} };
const tracing = new NodeTracerProvider({
  idGenerator,
  resource: resourceFromAttributes({ "service.name": "shop", "deployment.environment.name": "production" }),
  spanProcessors: [new SimpleSpanProcessor(printed ? console_ : exporter)],
});
tracing.register();
if (version === 7) {
  const { OpenTelemetry } = require("@ai-sdk/otel");
  ai.registerTelemetry(new OpenTelemetry({ usage: true, providerMetadata: true, runtimeContext: true }));
}
const said = { userId: "u-42", sessionId: "s-7", feature: "returns" };
const shown = Object.fromEntries(Object.keys(said).map((name) => [name, true]));
const told = version === 7
  ? { runtimeContext: said, telemetry: { isEnabled: true, functionId: "answer", includeRuntimeContext: shown } }
  : { experimental_telemetry: { isEnabled: true, functionId: "answer", metadata: said } };
const openai = createOpenAI({ baseURL: `${address}/v1`, apiKey: "none", compatibility: "strict" });
const claude = createAnthropic({ baseURL: `${address}/v1`, apiKey: "none" })("claude-haiku-4-5");
const google = createGoogleGenerativeAI({ baseURL: `${address}/v1beta`, apiKey: "none" });
const asked = { prompt: "How long may I return it?", maxRetries: 0, ...told };
const stream = async (model) => {
  for await (const _ of ai.streamText({ model, ...asked, onError() {} }).textStream);
};
await ai.generateText({ model: openai.chat("gpt-4.1-mini"), ...asked });
await stream(openai.chat("gpt-4.1-mini"));
await ai.generateText({ model: claude, ...asked });
await stream(claude);
await ai.generateText({ model: google("gemini-2.5-flash"), ...asked });
await ai.generateText({ model: openai.chat("overloaded"), ...asked }).catch(() => {});
await tracing.shutdown();
stop();
const text = (printed ? lines : kept).map((line) => JSON.stringify(line)).join("\n");
// Traces of the stack name folders of the machine.
const clean = text.replaceAll(/"exception.stacktrace":"(?:[^"\\]|\\.)*"/g, '"exception.stacktrace":""')
  .replaceAll(/\{"key":"exception.stacktrace","value":\{"stringValue":"(?:[^"\\]|\\.)*"\}\},?/g, "").replaceAll("},]", "}]");
fs.writeFileSync(out, `${clean}\n`);
