// The page as a producer meets it, from an empty farm to finished sheets, and through a crash of
// the coordinator. One farm and one tab for the whole story; each step builds on the last.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { loaded_pictures, open_browser, open_tab, overflow_px, screenshot } from "./browser.mjs";
import { Farm, until } from "./farm.mjs";

const farm = new Farm();
let browser, context, tab;

const go = (where) => tab.goto(`${farm.url()}/#${where}`);
const text = async (selector) => (await tab.textContent(selector)) ?? "";
const seen = (selector, limit_ms = 15_000) =>
  tab.waitForSelector(selector, { timeout: limit_ms, state: "visible" });

before(async () => {
  await farm.start_coordinator().catch((error) => {
    console.error(farm.logs());
    throw error;
  });
  browser = await open_browser();
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  tab = await open_tab(context, farm.url());
});

after(async () => {
  await browser?.close();
  await farm.stop();
});

// A step that fails shows what the processes said, and ends the story.
let failed = false;
const step = (name, run) =>
  test(name, { timeout: 90_000 }, async (t) => {
    if (failed) return t.skip("an earlier step failed");
    try {
      await run();
    } catch (error) {
      failed = true;
      await screenshot(tab, "failed").catch(() => undefined);
      console.error(farm.logs());
      throw error;
    }
  });

step("an empty farm says what to do", async () => {
  await go("/batches");
  await seen("text=No batches yet");
  assert.match(await text(".empty"), /pirouette submit FOLDER/);
  await seen("text=no worker online");
  await screenshot(tab, "empty");
});

step("a batch appears by itself when it is submitted", async () => {
  await tab.evaluate(() => (window.not_reloaded = true));
  await farm.submit("Night shift", ["knight", "baker"], 12);
  await seen(".row");
  assert.match(await text(".row"), /Night shift.*0 of 2 sheets assembled/s);
  assert.match(await text(".row"), /Waiting for a worker/);
});

step("tiles wait, fill in, and become the sheet", async () => {
  await tab.click(".row");
  await seen(".card >> nth=1");
  assert.equal(await tab.locator(".strip .tile").count(), 12);
  assert.equal(await tab.locator(".tile[data-state=queued]").count(), 12);
  await screenshot(tab, "batch_waiting");

  await tab.click("button:text('Pause')");
  await seen(".head .chip:text('paused')");
  await tab.selectOption(".changes select", "75");
  await until("its priority", async () => JSON.parse(await farm.get("/api/v1/batches/1")).priority === 75);
  await tab.click("button:text('Resume')");
  await seen(".head .chip:text('running')");

  farm.start_worker("w1");
  await seen(".strip .tile.done img");
  await screenshot(tab, "batch_rendering");
  farm.start_worker("w2");
  await until("two sheets", async () => (await loaded_pictures(tab, ".face img")) === 2);
  await until("the batch's end", async () => /finished/.test(await text(".head")));
  assert.match(await text(".legend"), /12 done/);
  assert.match(await text(".legend"), /2 of 2 sheets assembled/);
  assert.equal(await tab.evaluate(() => window.not_reloaded), true);
  await screenshot(tab, "batch_finished");
});

step("cards can be searched and filtered", async () => {
  await tab.fill("input[type=search]", "kni");
  await until("one card", async () => (await tab.locator(".card").count()) === 1);
  assert.match(await text(".card"), /knight/);
  await tab.fill("input[type=search]", "nobody");
  await seen("text=No character here is called");
  await tab.fill("input[type=search]", "");
  await tab.click("text=Ready");
  await until("both cards", async () => (await tab.locator(".card").count()) === 2);
  await tab.click("text=All");
});

step("a sheet shows its reference, its picture and how each pose came about", async () => {
  await tab.focus(".card:has-text('knight')");
  await tab.keyboard.press("Enter");
  await seen("h1:text('knight')");
  await until("all pictures", async () => (await loaded_pictures(tab, "main img")) === 8);
  assert.equal(await tab.locator(".pose").count(), 6);
  const back = tab.locator(".pose[data-view=back]");
  assert.match((await back.textContent()) ?? "", /180°.*w[12]/s);
  await back.locator("summary").click();
  assert.match((await back.locator("details").textContent()) ?? "", /back view.*Seed \d+/s);
  await screenshot(tab, "sheet", true);

  await tab.goBack();
  await seen(".card");
});

step("a pose is rejected, rerolled with a word on it, and the sheet is approved", async () => {
  await tab.click(".card:has-text('knight')");
  await seen("h1:text('knight')");
  const back = tab.locator(".pose[data-view=back]");
  const before = await back.locator("img").getAttribute("src");
  await back.locator("button:text('Reject')").click();
  await seen(".pose[data-view=back] button:text('Rejected')");
  await back.locator("button:text('Reroll')").click();
  await back.locator("textarea").fill("the cape hangs to the knees");
  await screenshot(tab, "reroll", true);
  await back.locator("button:text('Render take 2')").click();
  await until("the new take", async () => {
    return (await back.locator("img").getAttribute("src")) !== before;
  });
  await back.locator("summary").click();
  assert.match((await back.textContent()) ?? "", /the cape hangs to the knees/);
  await seen("figcaption:has-text('Version 2')");
  assert.match(await text(".earlier"), /1/, "the version before stays");

  await tab.click("button:text('Approve all poses')");
  await seen(".head .chip:text('approved')");
  assert.equal(await tab.locator(".pose button:text('Approved')").count(), 6);
  await screenshot(tab, "sheet_approved", true);
  assert.deepEqual(tab.complaints, []);
  await tab.goBack();
  await seen(".card");
});

step("workers show what they hold", async () => {
  await tab.click("nav >> text=Workers");
  await seen(".worker:has-text('w1')");
  await seen(".worker:has-text('w2')");
  await seen(".worker >> text=mini-kontext");
  assert.equal(await tab.locator(".worker .chip:text('online')").count(), 2);
  await screenshot(tab, "workers");
});

step("two tabs share one event stream", async () => {
  const other = await open_tab(context, farm.url());
  await other.goto(`${farm.url()}/#/workers`);
  await other.waitForSelector(".worker");
  assert.match(await farm.get("/metrics"), /^pirouette_http_streams 1$/m);
  assert.deepEqual(other.complaints, []);
  await other.close();
});

step("after a crash of the coordinator the page goes on by itself", async () => {
  await go("/batches");
  await tab.evaluate(() => (window.not_reloaded = true));
  await farm.submit("Long shift", ["witch", "diver", "monk"], 12);
  await tab.click("text=Long shift");
  await seen(".tile.done img", 30_000);
  assert.deepEqual(tab.complaints, []);

  await farm.kill_coordinator();
  await seen(".banner[data-lost=true]", 5000);
  assert.match(await text(".banner"), /Connection lost/);
  assert.equal(await tab.locator(".card").count(), 3, "what was known stays on screen");
  await screenshot(tab, "connection_lost");

  await farm.start_coordinator();
  await until(
    "the banner to go",
    async () => (await tab.locator("[data-lost=true]").count()) === 0,
  );
  await until("the batch's end", async () => /finished/.test(await text(".head")), 55_000);
  await until("its sheets", async () => (await loaded_pictures(tab, ".face img")) === 3);
  assert.equal(await tab.evaluate(() => window.not_reloaded), true);

  const cut_off = /ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/;
  const others = tab.complaints.filter((complaint) => !cut_off.test(complaint));
  assert.deepEqual(others, [], "nothing but connections cut off or refused");
  tab.complaints.length = 0;
});

step("a picture that was cut off is asked for again", async () => {
  const cut_off = new Set();
  await tab.route("**/api/v1/blobs/**", (route) => {
    const url = route.request().url();
    if (cut_off.has(url)) return route.continue();
    cut_off.add(url);
    return route.abort();
  });
  await tab.reload();
  await until("its sheets", async () => (await loaded_pictures(tab, ".face img")) === 3);
  assert.ok(cut_off.size >= 3);
  await tab.unrouteAll();
  const others = tab.complaints.filter((complaint) => !/ERR_FAILED/.test(complaint));
  assert.deepEqual(others, [], "nothing but pictures cut off");
  tab.complaints.length = 0;
});

step("nothing overflows at 600 px, in light and in dark", async () => {
  await tab.setViewportSize({ width: 600, height: 900 });
  for (const scheme of ["light", "dark"]) {
    await tab.emulateMedia({ colorScheme: scheme });
    for (const [name, where] of [
      ["batches", "/batches"],
      ["batch", "/batches/1"],
      ["sheet", "/sheets/1"],
      ["workers", "/workers"],
    ]) {
      await go(where);
      await seen(`.${{ batches: "row", batch: "card", sheet: "pose", workers: "worker" }[name]}`);
      assert.ok((await overflow_px(tab)) <= 0, `${where} is wider than 600 px`);
      await screenshot(tab, `${name}_600_${scheme}`);
    }
  }
  assert.deepEqual(tab.complaints, []);
});

step("a place that is not there says so", async () => {
  await go("/nowhere");
  await seen("text=There is no such view");
  await go("/batches/999");
  await seen(".empty");
  assert.match(await text(".empty"), /999/);
});
