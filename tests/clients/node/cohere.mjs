// Cohere's SDK: `node cohere.mjs KIND GATEWAY MODEL TOOL` asks one thing and prints what it read.
import { CohereClientV2, CohereError } from "cohere-ai";

const [kind, gateway, model, name] = process.argv.slice(2);
const client = new CohereClientV2({ token: "any", environment: `${gateway}/cohere`, maxRetries: 0 });
const question = { role: "user", content: "What is the weather?" };
const asked = { model, messages: [question] };
const properties = { city: { type: "string" }, country: { type: "string" } };
const City = { type: "object", properties, required: ["city", "country"] };
const parameters = { type: "object", properties: { city: { type: "string" } } };
const tools = [{ type: "function", function: { name, parameters } }];

const finishOf = (reason) => (reason === "COMPLETE" ? "stop" : reason);
const textOf = ({ content }) => (content ?? []).map((part) => part.text ?? "").join("");

const kinds = {
  async answer() {
    const { message, finishReason } = await client.chat(asked);
    return { text: textOf(message), finish: finishOf(finishReason) };
  },
  async stream() {
    const told = { text: "" };
    for await (const event of await client.chatStream(asked)) {
      if (event.type === "content-delta") told.text += event.delta.message.content.text ?? "";
      if (event.type === "message-end") told.finish = finishOf(event.delta.finishReason);
    }
    return told;
  },
  async call() {
    const { message } = await client.chat({ ...asked, tools });
    const { toolCalls, toolPlan } = message;
    const results = toolCalls.map(({ id }) => ({
      role: "tool",
      toolCallId: id,
      content: "15 degrees and sunny",
    }));
    const messages = [question, { role: "assistant", toolCalls, toolPlan }, ...results];
    const answer = await client.chat({ model, messages, tools });
    const calls = toolCalls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
    return { calls, text: textOf(answer.message) };
  },
  async object() {
    const responseFormat = { type: "json_object", jsonSchema: City };
    return { object: JSON.parse(textOf((await client.chat({ ...asked, responseFormat })).message)) };
  },
  async error() {
    try {
      await client.chat(asked);
    } catch (error) {
      return { api_error: error instanceof CohereError, status: error.statusCode };
    }
  },
};

console.log(JSON.stringify(await kinds[kind]()));
