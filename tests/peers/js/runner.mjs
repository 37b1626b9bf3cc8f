// The official JavaScript client, on a string. It prints the names of its methods in one line of JSON; then, for each
// line of its input, it makes a client of the given address, calls the method, reads the answer to the end, and prints
// the error of that; null is none.

import fs from "node:fs";
import { createRequire } from "node:module";
import readline from "node:readline";

// The module is looked up where npm has put it, which is not beside this file.
const { TwelveLabs } = createRequire(`${process.argv[2]}/`)("twelvelabs-js");

/** The client that is wrapped, whose groups come a second time. */
const APART = new Set(["client"]);

/** Names of all that can be called, by walking through the groups. */
function methods(thing, path = []) {
  const found = new Set();
  for (let level = thing; level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    for (const name of Object.getOwnPropertyNames(level)) {
      if (name.startsWith("_") || name === "constructor" || APART.has(name)) continue;
      const part = thing[name];
      if (typeof part === "function") found.add([...path, name].join("."));
      else if (part && typeof part === "object") methods(part, [...path, name]).forEach((inner) => found.add(inner));
    }
  }
  return found;
}

/** Arguments as this client takes them: names in camel case, and files as streams. */
function converted(value) {
  if (Array.isArray(value)) return value.map(converted);
  if (value === null || typeof value !== "object") return value;
  if ("$file" in value) return fs.createReadStream(value.$file);
  const entries = Object.entries(value).map(([name, part]) => [camel(name), converted(part)]);
  return Object.fromEntries(entries);
}

function camel(name) {
  return name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

async function call({ address, method, ids, given }) {
  process.env.TWELVELABS_BASE_URL = address;
  const steps = camel(method).split(".");
  const group = steps.slice(0, -1).reduce((thing, name) => thing[name], new TwelveLabs({}));
  const named = Object.keys(given).length ? [converted(given)] : [];
  const answer = await group[steps.at(-1)](...ids, ...named);
  if (answer?.[Symbol.asyncIterator]) for await (const _ of answer);
}

function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

console.log = console.error; // what the client tells about its uploads is no answer
say([...methods(new TwelveLabs({}))]);
for await (const line of readline.createInterface({ input: process.stdin })) {
  say(await call(JSON.parse(line)).then(() => null, String));
}
