// Mistral's SDK: `node mistral.mjs KIND GATEWAY MODEL TOOL` asks one thing and prints what it read.
import { Mistral } from "@mistralai/mistralai";
import { MistralError } from "@mistralai/mistralai/models/errors";
import { z } from "zod";

const [kind, gateway, model, name] = process.argv.slice(2);
const client = new Mistral({ apiKey: "any", serverURL: `${gateway}/mistral` });
const question = { role: "user", content: "What is the weather?" };
const asked = { model, messages: [question] };
const City = z.object({ city: z.string(), country: z.string() });
const parameters = { type: "object", properties: { city: { type: "string" } } };
const tools = [{ type: "function", function: { name, parameters } }];

// The content is a list where the model's thoughts come along.
const textOf = (content) =>
  Array.isArray(content) ? content.map((part) => part.text ?? "").join("") : (content ?? "");

const kinds = {
  async answer() {
    const [choice] = (await client.chat.complete(asked)).choices;
    return { text: textOf(choice.message.content), finish: choice.finishReason };
  },
  async stream() {
    const told = { text: "" };
    for await (const { data } of await client.chat.stream(asked)) {
      told.text += textOf(data.choices[0].delta.content);
      told.finish = data.choices[0].finishReason;
    }
    return told;
  },
  async call() {
    const { message } = (await client.chat.complete({ ...asked, tools })).choices[0];
    const results = message.toolCalls.map(({ id }) => ({
      role: "tool",
      toolCallId: id,
      content: "15 degrees and sunny",
    }));
    const messages = [question, message, ...results];
    const [choice] = (await client.chat.complete({ model, messages, tools })).choices;
    const calls = message.toolCalls.map((call) => [
      call.function.name,
      JSON.parse(call.function.arguments),
    ]);
    return { calls, text: textOf(choice.message.content) };
  },
  async object() {
    const answer = await client.chat.parse({ ...asked, responseFormat: City });
    const { content, parsed } = answer.choices[0].message;
    return { object: parsed ?? JSON.parse(textOf(content)) }; // it parses no list
  },
  async error() {
    try {
      await client.chat.complete(asked);
    } catch (error) {
      return { api_error: error instanceof MistralError, status: error.statusCode };
    }
  },
};

console.log(JSON.stringify(await kinds[kind]()));
