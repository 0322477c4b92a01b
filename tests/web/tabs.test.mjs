// Eight tabs of one browser, which opens six connections a host and no more: they share one event
// stream, all of them hear what happens, and closing them gives the stream back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open_browser, open_tab } from "./browser.mjs";
import { Farm, until } from "./farm.mjs";

const farm = new Farm();
const tabs = [];
let browser, context;

async function metric(name) {
  const line = (await farm.get("/metrics")).split("\n").find((one) => one.startsWith(`${name} `));
  assert.ok(line, `there is no metric ${name}`);
  return Number(line.split(" ")[1]);
}

const streams = () => metric("pirouette_http_streams");
const in_every_tab = (look) => Promise.all(tabs.map(look));

before(async () => {
  await farm.start_coordinator().catch((error) => {
    console.error(farm.logs());
    throw error;
  });
  browser = await open_browser();
  context = await browser.newContext({ viewport: { width: 1000, height: 700 } });
});

after(async () => {
  await browser?.close();
  await farm.stop();
});

test("eight tabs share one stream, hear everything, and give it back", async (t) => {
  t.diagnostic(`at ${farm.url()}`);
  for (let n = 0; n < 8; ++n) {
    const tab = await open_tab(context, farm.url());
    await tab.goto(`${farm.url()}/#/batches`);
    await tab.waitForSelector("text=No batches yet");
    tabs.push(tab);
  }
  await until("the stream", async () => (await streams()) === 1);

  await in_every_tab((tab) => tab.evaluate(() => (window.not_reloaded = true)));
  await farm.submit("Night shift", ["knight"], 2);
  await in_every_tab((tab) => tab.waitForSelector(".row:has-text('Night shift')"));
  farm.start_worker("w1");
  await in_every_tab((tab) =>
    tab.waitForSelector(".row:has-text('1 of 1 sheet assembled')", { timeout: 30_000 }),
  );
  for (const tab of tabs) {
    assert.equal(await tab.evaluate(() => window.not_reloaded), true);
    assert.deepEqual(tab.complaints, []);
  }
  assert.equal(await streams(), 1, "still one, with eight tabs");

  for (const tab of tabs.splice(1)) await tab.close();
  await farm.submit("Day shift", ["baker"], 2);
  await tabs[0].waitForSelector(".row:has-text('Day shift')");
  assert.equal(await streams(), 1, "the last tab still hears");
  await tabs[0].close();
  await until("the stream to be given back", async () => (await streams()) === 0, 10_000);
});
