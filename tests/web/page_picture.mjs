// One picture of the page, for the README: node page_picture.mjs URL FILE.png
// URL: of the place to show, such as http://127.0.0.1:8080/#/batches/1.

import { open_browser } from "./browser.mjs";

const [url, file] = process.argv.slice(2);
if (!url || !file) {
  console.error("usage: node page_picture.mjs URL FILE.png");
  process.exit(2);
}
const browser = await open_browser();
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const tab = await context.newPage();
  await tab.goto(url);
  await tab.waitForSelector(".face img, .tile img", { timeout: 30_000 });
  await tab.waitForTimeout(1000); // thumbnails come in
  await tab.screenshot({ path: file });
} finally {
  await browser.close();
}
