// OpenAI's SDK: `node openai.mjs KIND GATEWAY MODEL TOOL` asks one thing and prints what it read.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const [kind, gateway, model, name] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${gateway}/v1`, apiKey: "any", maxRetries: 0 });
const messages = [{ role: "user", content: "What is the weather?" }];
const City = z.object({ city: z.string(), country: z.string() });
const parameters = { type: "object", properties: { city: { type: "string" } } };
const tools = [{ type: "function", function: { name, parameters } }];

const kinds = {
  async answer() {
    const answer = await client.chat.completions.create({ model, messages });
    return { text: answer.choices[0].message.content, finish: answer.choices[0].finish_reason };
  },
  async stream() {
    const answer = await client.chat.completions.stream({ model, messages }).finalChatCompletion();
    return { text: answer.choices[0].message.content, finish: answer.choices[0].finish_reason };
  },
  async call() {
    const asked = await client.chat.completions.create({ model, messages, tools });
    const message = asked.choices[0].message;
    const [call] = message.tool_calls;
    const result = { role: "tool", tool_call_id: call.id, content: "15 degrees and sunny" };
    const answer = await client.chat.completions.create({
      model,
      messages: [...messages, message, result],
      tools,
    });
    const calls = [[call.function.name, JSON.parse(call.function.arguments)]];
    return { calls, text: answer.choices[0].message.content };
  },
  async object() {
    const response_format = zodResponseFormat(City, "city");
    const answer = await client.chat.completions.parse({ model, messages, response_format });
    return { object: answer.choices[0].message.parsed };
  },
  async error() {
    try {
      await client.chat.completions.create({ model, messages });
    } catch (error) {
      return { api_error: error instanceof OpenAI.APIError, status: error.status };
    }
  },
};

console.log(JSON.stringify(await kinds[kind]()));
