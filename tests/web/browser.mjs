// Chromium for the page's test: what the page complains about is collected, not overlooked.

import fs from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const screenshots = process.env.PIROUETTE_SCREENSHOTS ?? "screenshots";
const flags =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run " +
  "--disable-background-networking --disable-component-update --disable-sync";

export async function open_browser() {
  fs.mkdirSync(screenshots, { recursive: true });
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: flags.split(" ") });
}

// A tab that notes errors, and requests to anywhere but `origin`.
export async function open_tab(context, origin) {
  const tab = await context.newPage();
  tab.complaints = [];
  tab.on("pageerror", (error) => tab.complaints.push(String(error)));
  tab.on("console", (message) => {
    if (message.type() === "error")
      tab.complaints.push(`${message.text()} ${message.location().url}`);
  });
  tab.on("request", (request) => {
    if (!request.url().startsWith(origin)) tab.complaints.push(`asked ${request.url()}`);
  });
  return tab;
}

// How many of the pictures that `selector` finds are loaded and have pixels.
export const loaded_pictures = (tab, selector) =>
  tab.$$eval(
    selector,
    (pictures) => pictures.filter((p) => p.complete && p.naturalWidth > 0).length,
  );

export const overflow_px = (tab) =>
  tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

export async function screenshot(tab, name, fullPage = false) {
  if (fullPage) await tab.evaluate(() => scrollTo(0, 0));
  await tab.screenshot({ path: path.join(screenshots, `${name}.png`), fullPage });
}
