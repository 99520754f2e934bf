// AWS's SDK: `node bedrock.mjs KIND GATEWAY MODEL TOOL` asks one thing and prints what it read.
import {
  BedrockRuntimeClient,
  BedrockRuntimeServiceException,
  ConverseCommand,
  ConverseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const [kind, gateway, modelId, name] = process.argv.slice(2);
const client = new BedrockRuntimeClient({
  region: "us-east-1",
  endpoint: `${gateway}/bedrock`,
  credentials: { accessKeyId: "any", secretAccessKey: "any" },
  maxAttempts: 1,
  requestHandler: new NodeHttpHandler(), // its own handler speaks HTTP/2 alone
});
const question = { role: "user", content: [{ text: "What is the weather?" }] };
const asked = { modelId, messages: [question] };
const properties = { city: { type: "string" }, country: { type: "string" } };
const City = { type: "object", properties, required: ["city", "country"] };
const json = { type: "object", properties: { city: { type: "string" } } };
const toolConfig = { tools: [{ toolSpec: { name, inputSchema: { json } } }] };

const ask = (more) => client.send(new ConverseCommand({ ...asked, ...more }));
const finishOf = (reason) => (reason === "end_turn" ? "stop" : reason);
const textOf = ({ content }) => content.flatMap(textsOf).join("");
const textsOf = ({ text, citationsContent }) =>
  citationsContent ? citationsContent.content.map((part) => part.text) : (text ?? "");

const kinds = {
  async answer() {
    const { output, stopReason } = await ask();
    return { text: textOf(output.message), finish: finishOf(stopReason) };
  },
  async stream() {
    const told = { text: "" };
    const { stream } = await client.send(new ConverseStreamCommand(asked));
    for await (const { contentBlockDelta, messageStop } of stream) {
      told.text += contentBlockDelta?.delta.text ?? "";
      if (messageStop) told.finish = finishOf(messageStop.stopReason);
    }
    return told;
  },
  async call() {
    const { message } = (await ask({ toolConfig })).output;
    const uses = message.content.flatMap((block) => block.toolUse ?? []);
    const content = uses.map(({ toolUseId }) => ({
      toolResult: { toolUseId, content: [{ text: "15 degrees and sunny" }] },
    }));
    const messages = [question, message, { role: "user", content }];
    const { output } = await ask({ messages, toolConfig });
    return { calls: uses.map((use) => [use.name, use.input]), text: textOf(output.message) };
  },
  async object() {
    const jsonSchema = { name: "city", schema: JSON.stringify(City) };
    const textFormat = { type: "json_schema", structure: { jsonSchema } };
    return { object: JSON.parse(textOf((await ask({ outputConfig: { textFormat } })).output.message)) };
  },
  async error() {
    try {
      await ask();
    } catch (error) {
      const known = error instanceof BedrockRuntimeServiceException;
      return { api_error: known, status: error.$metadata.httpStatusCode };
    }
  },
};

console.log(JSON.stringify(await kinds[kind]()));
