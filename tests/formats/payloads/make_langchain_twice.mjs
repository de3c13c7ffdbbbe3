// Make ``openinference_langchain_twice.jsonl`` in a folder that holds the packages: five calls that two
// instrumentations record, LangChain's and that of the SDK of OpenAI below it, which reads no counts of
// a stream. Run with Node.js 20.20.2, @langchain/core 1.4.0, @langchain/openai 1.5.8, openai 6.49.0,
// @arizeai/openinference-instrumentation-langchain 4.1.1, @arizeai/openinference-instrumentation-openai
// 4.2.7.
import fs from "node:fs";
import { createRequire } from "node:module";
import { provider } from "./provider_stub.mjs";

const require = createRequire(`${process.cwd()}/`);
const { address, kept, stop } = await provider();
const { NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");
const { SimpleSpanProcessor } = require("@opentelemetry/sdk-trace-base");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-http");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { LangChainInstrumentation } = require("@arizeai/openinference-instrumentation-langchain");
const { OpenAIInstrumentation } = require("@arizeai/openinference-instrumentation-openai");
const tracerProvider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "shop" }),
  spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter({ url: `${address}/kept/v1/traces` }))],
});
tracerProvider.register();
new LangChainInstrumentation({ tracerProvider }).manuallyInstrument(require("@langchain/core/callbacks/manager"));
new OpenAIInstrumentation({ tracerProvider }).manuallyInstrument(require("openai"));
const { ChatOpenAI } = require("@langchain/openai");

const gpt = new ChatOpenAI({ model: "gpt-4.1-mini", apiKey: "none", configuration: { baseURL: `${address}/v1` }, maxRetries: 0 });
const stream = async (question) => { for await (const _ of await gpt.stream(question)); };
await gpt.invoke("How long may I return it?");
await stream("Where is my order?");
await Promise.all(["Who pays?", "Who pays?", "Is it packed?"].map(stream));
await tracerProvider.forceFlush();
await new Promise((done) => setTimeout(done, 1000));
const lines = kept.filter((sent) => Object.keys(sent).length).map((sent) => JSON.stringify(sent));
fs.writeFileSync(new URL("openinference_langchain_twice.jsonl", import.meta.url), `${lines.join("\n")}\n`);
stop();
process.exit(0);
