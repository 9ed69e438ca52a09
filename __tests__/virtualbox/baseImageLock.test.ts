import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { withBaseImage } from "../../virtualbox/baseImageLock";

const cache = mkdtempSync(join(tmpdir(), "vboxlock-"));
const before = process.env.XDG_CACHE_HOME;
beforeAll(() => void (process.env.XDG_CACHE_HOME = cache));
afterAll(() => {
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
  rmSync(cache, { recursive: true });
});

/** Runs `count` pieces of work and tells how many were under way at once. */
async function most(images: string[]): Promise<number> {
  let [now, most] = [0, 0];
  const work = async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 5));
    now--;
  };
  await Promise.all(images.map((image) => withBaseImage(image, work)));
  return most;
}

test("work on one base image is done one by one, on several side by side", async () => {
  expect(await most(["a", "a", "a"])).toBe(1);
  // Each waits for the others: one by one they would never end.
  let begun = 0;
  const all = new EventEmitter();
  const allBegun = once(all, "begun");
  await Promise.all(
    ["b", "c", "d"].map((image) => withBaseImage(image, () => (++begun === 3 && all.emit("begun"), allBegun))),
  );
});

test("a failure gives the lock back", async () => {
  await expect(withBaseImage("e", () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  expect(await withBaseImage("e", () => Promise.resolve("done"))).toBe("done");
});

test("another process waits", async () => {
  const script = `
    require("tsx/cjs");
    const { withBaseImage } = require(${JSON.stringify(resolve(__dirname, "../../virtualbox/baseImageLock"))});
    console.log("asks");
    withBaseImage("f", async () => console.log("has it"));`;
  const child = await withBaseImage("f", async () => {
    const child = spawn(process.execPath, ["--eval", script], {
      env: { ...process.env, XDG_CACHE_HOME: cache },
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.stdout.setEncoding("utf8");
    expect(await once(child.stdout, "data")).toEqual(["asks\n"]);
    const outcome = await Promise.race([
      once(child.stdout, "data"),
      new Promise((resolve) => setTimeout(resolve, 500, "waits")),
    ]);
    expect(outcome).toBe("waits");
    return child;
  });
  expect(await once(child.stdout, "data")).toEqual(["has it\n"]);
  await once(child, "exit");
});

test("a process that ends while it has the lock gives it back, also where execa has run a command", async () => {
  const script = `
    require("tsx/cjs");
    void (async () => {
      const { execa } = await import("execa");
      const { withBaseImage } = require(${JSON.stringify(resolve(__dirname, "../../virtualbox/baseImageLock"))});
      await withBaseImage("g", async () => {
        await execa("true");
        process.exit(0);
      });
    })();`;
  const child = spawn(process.execPath, ["--eval", script], {
    env: { ...process.env, XDG_CACHE_HOME: cache },
    stdio: "inherit",
  });
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(readdirSync(join(cache, "vbox-kubeadm/locks"))).toEqual([]);
});
