import fc from "fast-check";
import { dump } from "js-yaml";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { generateHostKey } from "../../../cloudinit/hostKey";
import { exec, run } from "../../../dev/lab/exec";
import { VBoxManage } from "../../../virtualbox/vboxManage";
import { pulumiFolder } from "../../../dev/lab/binaries";
import { projectDir } from "../../../dev/lab/paths";
import { linkProgram } from "../../../dev/lab/program";
import { endVirtualBox, ensureVirtualBox } from "../../../dev/lab/virtualBox";
import { words } from "../../support/hostile";

jest.setTimeout(180_000);

const ours = generateHostKey();
let folder: string;
let env: Record<string, string>;
const inProgram = (file: string, args: readonly string[]) => exec(file, args, { cwd: join(folder, "program"), env });
const routes = () => run("ip", ["route", "show", "table", "all"]);
let routesBefore: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hostile-"));
  await ensureVirtualBox(() => {});
  env = {
    PATH: [join(projectDir, "dev/lab"), await pulumiFolder(() => {}), process.env.PATH].join(delimiter),
    VBOX_LAB_DIR: join(folder, "lab"),
    PULUMI_HOME: join(folder, "home"),
    PULUMI_BACKEND_URL: `file://${folder}`,
    PULUMI_CONFIG_PASSPHRASE: randomUUID(),
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  await writeFile(join(folder, "id"), ours.hostPrivateKey, { mode: 0o600 });
  await linkProgram(join(folder, "program"), "dev", {});
  expect(await inProgram("pulumi", ["stack", "init", "dev", "--non-interactive"])).toMatchObject({ exitCode: 0 });
  routesBefore = await routes();
}, 900_000);

afterAll(async () => {
  await endVirtualBox(join(folder, "lab"));
  await rm(folder, { recursive: true, force: true });
});

/** What a preview says, and its exit code, with these values of the configuration and otherwise right ones. */
async function preview(values: Record<string, unknown>) {
  const hostKeys = Object.fromEntries(
    ["busybox", "kube-mast01", "kube-mast02", "kube-mast03"].map((name) => [name, [ours.hostPublicKey]]),
  );
  const right = {
    workerCount: 2,
    hostKeys,
    sshPrivateKeyFile: join(folder, "id"),
    sshPublicKey: ours.hostPublicKey,
    isoFolder: join(folder, "iso"),
    checks: "off",
  }; // There is no base image, and no site.
  const file = join(folder, "program/Pulumi.dev.yaml");
  const salt = /^encryptionsalt: .*$/m.exec(await readFile(file, "utf8"))![0];
  const config = Object.fromEntries(
    Object.entries({ ...right, ...values }).map(([key, value]) => [`vbox-kubeadm:${key}`, value]),
  );
  await writeFile(file, `${salt}\n${dump({ config })}`);
  const { stdout, stderr, exitCode } = await inProgram("pulumi", ["preview", "--non-interactive", "--color", "never"]);
  return { output: `${stdout}\n${stderr}`, exitCode };
}

/** No stack, nothing for a terminal to obey, and nothing that never ends. */
function expectClear({ output, exitCode }: Awaited<ReturnType<typeof preview>>): void {
  expect(exitCode).not.toBe(0);
  expect(output).not.toMatch(/\bat .*:\d+|unhandled|panic|[^\P{Cc}\n\t]/u);
  expect(output.length).toBeLessThan(20_000);
}

/** Words with which none of these keys can do anything, a different one each. */
const wrong = fc.sample(fc.constantFrom(...words.filter((word) => /[\s'"`]/.test(word) && !/\0/.test(word))), {
  seed: 4,
  numRuns: 18,
});
const texts = [
  "clusterName",
  "zone",
  "kubernetesVersion",
  "controlPlaneEndpoint",
  "cniSelector",
  "workerNamePrefix",
  "sshUser",
  "sshCaPublicKey",
  "debianMirror",
  "locale",
  "timezone",
  "sandboxImage",
  "criDockerdSha256",
  "kubernetesKeyFingerprint",
];

test("whatever is wrong is named at once", async () => {
  const [a, b, c, d] = wrong.slice(-4) as [string, string, string, string];
  const parts = { masters: [a], labels: { [b]: "x" }, bastion: { vm: "busybox", user: c }, hostKeys: { busybox: [d] } };
  const result = await preview({ ...Object.fromEntries(texts.map((key, index) => [key, wrong[index]])), ...parts });
  expectClear(result);
  for (const key of [...texts, "masters[0]", "labels.", "bastion.user", "hostKeys.busybox[0]"])
    expect(result.output).toContain(`\n        ${key}`);
});

test.each<[string, Record<string, unknown>, RegExp[]]>([
  [
    "options, paths and lists",
    {
      baseImage: "--all",
      baseSnapshot: "-x",
      vboxManage: "a\nb",
      isoFolder: "relative",
      workerNames: ["n1", "n1", "-n"],
      timeouts: { join: -1, jion: 3 },
      nics: [{ type: "intnet", network: 'a"b' }],
    },
    [
      /baseImage: give/,
      /baseSnapshot: give/,
      /vboxManage: give/,
      /isoFolder: give/,
      /workerNames\[2\]: give/,
      /timeouts\.join: give/,
      /timeouts: there is no "jion"; give/,
      /nics\[0\]\.network: give/,
    ],
  ],
  [
    "a long value",
    { baseImage: "x".repeat(60_000), labels: { disk: "y".repeat(20_000) } },
    [/baseImage: give .* at most 255 characters/, /labels\.disk: give/],
  ],
  ["a type that the CLI knows", { memoryMb: "much" }, [/memoryMb.*must be of type 'integer'/s]],
  [
    "a template that is not there",
    { userData: "/nonexistent.yaml" },
    [/userData: the template \/nonexistent\.yaml cannot be read/],
  ],
  [
    "a key file that is not there",
    { sshPrivateKeyFile: "/nonexistent" },
    [/the SSH private key \/nonexistent cannot be read[^]*sshPrivateKeyFile/],
  ],
  [
    "what only a resource can tell",
    { nics: [{ type: "hostonlynet", network: "x" }] },
    [/nics.*host-only networks exist on macOS only; choose hostonly/s],
  ],
])("%s", async (_what, values, messages) => {
  const result = await preview(values);
  expectClear(result);
  for (const message of messages) expect(result.output).toMatch(message);
});

test("a name in any letters is carried as it is, into the real VBoxManage too", async () => {
  const baseImage = "Größe 雪; $(id) 'x'";
  expect(await preview({ baseImage, labels: { gen: 5 } })).toMatchObject({
    exitCode: 0,
    output: expect.stringContaining("to create"),
  });
  const vbox = new VBoxManage("VBoxManage", (file, args, options) =>
    exec(file, args, { ...options, env: { ...env, ...options?.env } }),
  );
  expect(await vbox.showVm(baseImage)).toBeUndefined();
  expect(await vbox.guestProperty(baseImage, "/x")).toBeUndefined();
});

test("nothing was made", async () => {
  expect((await inProgram("VBoxManage", ["list", "vms"])).stdout).not.toContain('"');
  expect(existsSync(join(folder, "iso"))).toBe(false);
  expect(await routes()).toBe(routesBefore);
  const { stdout } = await inProgram("pulumi", ["stack", "export"]);
  expect((JSON.parse(stdout) as { deployment: { resources?: unknown[] } }).deployment.resources ?? []).toEqual([]);
});
