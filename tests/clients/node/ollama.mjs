// Ollama's SDK: `node ollama.mjs KIND GATEWAY MODEL TOOL` asks one thing and prints what it read.
import { Ollama } from "ollama";

const [kind, gateway, model, name] = process.argv.slice(2);
const client = new Ollama({ host: `${gateway}/ollama` });
const question = { role: "user", content: "What is the weather?" };
const asked = { model, messages: [question] };
const properties = { city: { type: "string" }, country: { type: "string" } };
const City = { type: "object", properties, required: ["city", "country"] };
const parameters = { type: "object", properties: { city: { type: "string" } } };
const tools = [{ type: "function", function: { name, parameters } }];

const kinds = {
  async answer() {
    const { message, done_reason } = await client.chat(asked);
    return { text: message.content, finish: done_reason };
  },
  async stream() {
    const told = { text: "" };
    for await (const { message, done_reason } of await client.chat({ ...asked, stream: true })) {
      told.text += message.content;
      if (done_reason) told.finish = done_reason;
    }
    return told;
  },
  async call() {
    const { message } = await client.chat({ ...asked, tools });
    const calls = message.tool_calls.map((call) => [call.function.name, call.function.arguments]);
    const results = calls.map(([tool_name]) => ({
      role: "tool",
      tool_name,
      content: "15 degrees and sunny",
    }));
    const messages = [question, message, ...results];
    return { calls, text: (await client.chat({ model, messages, tools })).message.content };
  },
  async object() {
    return { object: JSON.parse((await client.chat({ ...asked, format: City })).message.content) };
  },
  async error() {
    try {
      await client.chat(asked);
    } catch (error) {
      return { api_error: error.name === "ResponseError", status: error.status_code };
    }
  },
};

console.log(JSON.stringify(await kinds[kind]()));
