// What applications do with the official JavaScript client, on the emulator that the command line starts.
// A program, not a test: `nox -s peers` runs it.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { TwelveLabs } from "twelvelabs-js";

const [, , path] = process.argv;
const client = new TwelveLabs({ apiKey: process.env.TWELVE_LABS_API_KEY });
const models = [{ modelName: "marengo3.0", modelOptions: ["visual", "audio"] }];
const file = () => new File([readFileSync(path)], "red car.mp4");
const pause = () => new Promise((done) => setTimeout(done, 100));

const index = await client.indexes.create({ indexName: "films", models });
const asset = await client.assets.create({ method: "direct", file: file() });
while ((await client.assets.retrieve(asset.id)).status === "processing") await pause();
const indexed = await client.indexes.indexedAssets.create(index.id, { assetId: asset.id });
while ((await client.indexes.indexedAssets.retrieve(index.id, indexed.id)).status !== "ready") await pause();
for (const queryText of ["a red car", "an otter swims"]) {
  const hits = [];
  for await (const hit of await client.search.query({ indexId: index.id, searchOptions: ["visual"], queryText })) {
    hits.push(hit.videoId);
  }
  assert.equal(hits[0], indexed.id);
}
const embedding = await client.embed.create({ modelName: "marengo3.0", text: "a red car" });
assert.equal(embedding.textEmbedding.segments[0].float.length, 512);
const answer = await client.analyze({ video: { type: "asset_id", assetId: asset.id }, prompt: "What happens?" });
assert.ok(answer.data);
await client.indexes.delete(index.id);
console.log("twelvelabs-js: all calls succeeded");
