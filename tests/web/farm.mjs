// A farm of real processes on loopback for the page's test: one coordinator, workers with the farm's
// own small model, the command line. Everything lives in one temporary folder and ends with stop().

import { execFile, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const bin = process.env.PIROUETTE_BIN;
const deploy = process.env.PIROUETTE_DEPLOY;
if (!bin || !deploy)
  throw new Error("set PIROUETTE_BIN to build/…/bin and PIROUETTE_DEPLOY to deploy/");

const model = path.join(deploy, "models/mini-kontext");
const lora = path.join(deploy, "models/turnaround-mini/pytorch_lora_weights.safetensors");
const drawn = path.join(deploy, "characters");
const references = fs.readdirSync(drawn).filter((name) => name.endsWith(".png"));

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(what, done, limit_ms = 30_000) {
  const end = Date.now() + limit_ms;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`waited ${limit_ms / 1000} s in vain for ${what}`);
    await sleep(50);
  }
}

export class Farm {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "pirouette-web-"));
  coordinator_folder = path.join(this.folder, "coordinator");
  endpoints = { http: "127.0.0.1:0", control: "tcp://127.0.0.1:0", blobs: "tcp://127.0.0.1:0" };
  processes = [];
  batches = 0;

  // The first start takes any ports; later ones take the same again.
  async start_coordinator() {
    const written = path.join(this.coordinator_folder, "endpoints.json");
    fs.rmSync(written, { force: true });
    const { http, control, blobs } = this.endpoints;
    this.coordinator = this.start("pirouette-coordinator", "coordinator", [
      ...["--folder", this.coordinator_folder, "--http", http.replace("http://", "")],
      ...["--control", control, "--blobs", blobs],
      ...["--heartbeat-ms", "200", "--lease-ms", "3000"],
    ]);
    await until("the coordinator to answer", async () => {
      if (!fs.existsSync(written)) return false;
      this.endpoints = JSON.parse(fs.readFileSync(written, "utf8"));
      return (await this.get("/api/v1/health").catch(() => "")) !== "";
    });
  }

  async kill_coordinator() {
    const ended = new Promise((resolve) => this.coordinator.once("exit", resolve));
    this.coordinator.kill("SIGKILL");
    await ended;
  }

  start_worker(name) {
    const worker = this.start("pirouette-worker", name, [
      ...["serve", "--name", name, "--folder", path.join(this.folder, name)],
      ...["--coordinator", this.endpoints.control, "--blobs", this.endpoints.blobs],
      ...["--key", path.join(this.coordinator_folder, "keys/worker.key")],
      ...["--model", `mini-kontext=${model}`, "--lora", `turnaround-mini=${lora}`],
      ...["--threads", "1"],
    ]);
    // Two busy workers must not keep the browser, which draws without a GPU, from being watched.
    os.setPriority(worker.pid, 15);
  }

  // One sheet a character: its own picture where deploy/characters has one, else another's.
  async submit(name, characters, steps) {
    const folder = path.join(this.folder, `characters-${++this.batches}`);
    fs.mkdirSync(folder);
    characters.forEach((character, n) => {
      const own = `${character}.png`;
      const reference = references.includes(own) ? own : references[n % references.length];
      fs.copyFileSync(path.join(drawn, reference), path.join(folder, own));
    });
    const recipe = path.join(folder, "recipe.json");
    fs.writeFileSync(recipe, JSON.stringify(recipe_of(steps)));
    await promisify(execFile)(path.join(bin, "pirouette"), [
      ...["submit", folder, "--name", name, "--recipe", recipe, "--uncropped"],
      ...["--server", this.url()],
    ]);
  }

  url() {
    const { http } = this.endpoints;
    return http.startsWith("http://") ? http : `http://${http}`;
  }

  async get(path) {
    const response = await fetch(this.url() + path);
    return response.text();
  }

  start(program, name, arguments_) {
    const log = fs.openSync(path.join(this.folder, `${name}.log`), "a");
    const child = spawn(path.join(bin, program), arguments_, { stdio: ["ignore", log, log] });
    fs.closeSync(log);
    child.on("error", (error) => console.error(`${program}: ${error.message}`));
    this.processes.push(child);
    return child;
  }

  async stop() {
    for (const child of this.processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await Promise.race([ended, sleep(3000).then(() => child.kill("SIGKILL"))]);
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  logs() {
    return fs
      .readdirSync(this.folder)
      .filter((name) => name.endsWith(".log"))
      .map((name) => `--- ${name}\n${fs.readFileSync(path.join(this.folder, name), "utf8")}`)
      .join("");
  }
}

function recipe_of(steps) {
  const recipe = fs.readFileSync(path.join(deploy, "demo-recipe.json"), "utf8");
  return { ...JSON.parse(recipe), steps };
}
