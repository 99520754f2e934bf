// Google's SDK: `node google.mjs KIND GATEWAY MODEL TOOL` asks one thing and prints what it read.
import { ApiError, GoogleGenAI } from "@google/genai";

const [kind, gateway, model, name] = process.argv.slice(2);
const { models } = new GoogleGenAI({ apiKey: "any", httpOptions: { baseUrl: `${gateway}/gemini` } });
const question = { role: "user", parts: [{ text: "What is the weather?" }] };
const asked = { model, contents: [question] };
const properties = { city: { type: "string" }, country: { type: "string" } };
const City = { type: "object", properties, required: ["city", "country"] };
const parametersJsonSchema = { type: "object", properties: { city: { type: "string" } } };
const config = { tools: [{ functionDeclarations: [{ name, parametersJsonSchema }] }] };

function read(chunks) {
  const candidates = chunks.flatMap((chunk) => chunk.candidates ?? []);
  const parts = candidates.flatMap((candidate) => candidate.content?.parts ?? []);
  const said = parts.filter((part) => !part.thought);
  const finish = candidates.findLast((candidate) => candidate.finishReason)?.finishReason;
  return { text: said.map((part) => part.text ?? "").join(""), finish: finish?.toLowerCase() };
}

const kinds = {
  async answer() {
    return read([await models.generateContent(asked)]);
  },
  async stream() {
    const chunks = [];
    for await (const chunk of await models.generateContentStream(asked)) chunks.push(chunk);
    return read(chunks);
  },
  async call() {
    const called = await models.generateContent({ ...asked, config });
    const calls = called.functionCalls;
    const results = calls.map(({ id, name }) => ({
      functionResponse: { id, name, response: { output: "15 degrees and sunny" } },
    }));
    const said = called.candidates[0].content;
    const contents = [question, said, { role: "user", parts: results }];
    const { text } = read([await models.generateContent({ model, contents, config })]);
    return { calls: calls.map((call) => [call.name, call.args]), text };
  },
  async object() {
    const config = { responseMimeType: "application/json", responseJsonSchema: City };
    return { object: JSON.parse(read([await models.generateContent({ ...asked, config })]).text) };
  },
  async error() {
    try {
      await models.generateContent(asked);
    } catch (error) {
      return { api_error: error instanceof ApiError, status: error.status };
    }
  },
};

console.log(JSON.stringify(await kinds[kind]()));
