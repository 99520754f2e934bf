// Anthropic's SDK: `node anthropic.mjs KIND GATEWAY MODEL TOOL` asks one thing and prints what it read.
import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";

const [kind, gateway, model, name] = process.argv.slice(2);
const client = new Anthropic({ baseURL: `${gateway}/anthropic`, apiKey: "any", maxRetries: 0 });
const question = { role: "user", content: "What is the weather?" };
const asked = { model, max_tokens: 1024, messages: [question] };
const City = z.object({ city: z.string(), country: z.string() });
const input_schema = { type: "object", properties: { city: { type: "string" } } };
const tools = [{ name, input_schema }];

function read({ content, stop_reason }) {
  const text = content.map((block) => block.text ?? "").join("");
  return { text, finish: stop_reason === "end_turn" ? "stop" : stop_reason };
}

const kinds = {
  async answer() {
    return read(await client.messages.create(asked));
  },
  async stream() {
    return read(await client.messages.stream(asked).finalMessage());
  },
  async call() {
    const { content } = await client.messages.create({ ...asked, tools });
    const uses = content.filter((block) => block.type === "tool_use");
    const results = uses.map(({ id }) => ({
      type: "tool_result",
      tool_use_id: id,
      content: "15 degrees and sunny",
    }));
    const messages = [question, { role: "assistant", content }, { role: "user", content: results }];
    const { text } = read(await client.messages.create({ ...asked, tools, messages }));
    return { calls: uses.map((use) => [use.name, use.input]), text };
  },
  async object() {
    const format = zodOutputFormat(City);
    const answer = await client.messages.parse({ ...asked, output_config: { format } });
    return { object: answer.parsed_output };
  },
  async error() {
    try {
      await client.messages.create(asked);
    } catch (error) {
      return { api_error: error instanceof Anthropic.APIError, status: error.status };
    }
  },
};

console.log(JSON.stringify(await kinds[kind]()));
