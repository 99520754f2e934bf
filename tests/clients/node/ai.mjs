// Vercel's AI SDK: `node ai.mjs KIND GATEWAY MODEL TOOL DOOR` asks one thing and prints what it read.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

globalThis.AI_SDK_LOG_WARNINGS = false; // they would stand among what is printed
const [kind, gateway, name, toolName, door] = process.argv.slice(2);
const openai = createOpenAI({ baseURL: `${gateway}/v1`, apiKey: "any" });
const anthropic = createAnthropic({ baseURL: `${gateway}/anthropic/v1`, apiKey: "any" });
const gemini = createGoogleGenerativeAI({ baseURL: `${gateway}/gemini/v1beta`, apiKey: "any" });
const google = (model) => gemini(`models/${model}`); // or it takes a name with a slash for a path
const doors = { chat: openai.chat, responses: openai.responses, anthropic, google };
const asked = { model: doors[door](name), prompt: "What is the weather?", maxRetries: 0 };
const City = z.object({ city: z.string(), country: z.string() });
const calls = [];
const weather = tool({
  inputSchema: jsonSchema({ type: "object", properties: { city: { type: "string" } } }),
  execute: async (input) => {
    calls.push([toolName, input]);
    return "15 degrees and sunny";
  },
});

const kinds = {
  async answer() {
    const { text, finishReason } = await generateText(asked);
    return { text, finish: finishReason };
  },
  async stream() {
    const answer = streamText(asked);
    return { text: await answer.text, finish: await answer.finishReason };
  },
  async call() {
    const tools = { [toolName]: weather };
    const { text } = await generateText({ ...asked, tools, stopWhen: stepCountIs(2) });
    return { calls, text };
  },
  async object() {
    // The SDK asks models that it does not know to call a tool unless told otherwise.
    const providerOptions = { anthropic: { structuredOutputMode: "outputFormat" } };
    const output = Output.object({ schema: City });
    const answer = await generateText({ ...asked, output, providerOptions });
    return { object: answer.output };
  },
  async error() {
    try {
      await generateText(asked);
    } catch (error) {
      return { api_error: APICallError.isInstance(error), status: error.statusCode };
    }
  },
};

console.log(JSON.stringify(await kinds[kind]()));
