import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run as exec } from "../../../dev/lab/exec";
import { guestOf } from "../../../dev/simulator/guest";
import { openSimulatedStack, type SimulatedStack } from "../../../dev/simulator/stack";
import type { GuestDisk } from "../../../dev/simulator/state";

jest.setTimeout(300_000);

/** A live stack whose container runtime is changed, by the real CLI. */
let stack: SimulatedStack;
let folder: string;
const commands: string[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "runtime-"));
  stack = await openSimulatedStack(folder, { heard: (command) => commands.push(command) });
});
afterAll(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true });
});

/** A file that nobody fetches: a simulated guest installs nothing. */
const criDockerd = { criDockerdUrl: "file:///cri-dockerd.deb", criDockerdSha256: "0".repeat(64) };
const workers = ["kube-node01", "kube-node02"];
const runtimes = () =>
  Object.fromEntries(
    stack.world
      .read()
      .cluster.nodes.filter(({ name }) => workers.includes(name))
      .map(({ name, runtimeVersion = "containerd" }) => [name, runtimeVersion]),
  );

/** Brings the stack up with a configuration; what was said, in its order, of the workers that leave and join. */
async function up(configuration: object): Promise<string[]> {
  commands.length = 0;
  await stack.configure({ workerCount: 2, ...criDockerd, ...configuration });
  const { stdout, stderr, exitCode } = await stack.pulumi(["up", "--yes", "--skip-preview"]);
  if (exitCode !== 0) throw new Error(`${stdout}\n${stderr}`);
  // The CLI repeats at the end what was said.
  return [
    ...new Set(
      [...stdout.matchAll(/kube-node0[12]: (?:draining|fit to join[^\n]*)/g)].map(([output]) =>
        output.replace(":", ""),
      ),
    ),
  ];
}
/** What cloud-init has made of a machine by now. */
async function guest(name: string) {
  let is: GuestDisk | undefined;
  await stack.world.change(
    (state) =>
      void (is = guestOf(
        state,
        state.virtualBox.machines.find((machine) => machine.name === name)!,
        Date.now(),
      )?.disk),
  );
  return structuredClone(is!);
}
const resets = () =>
  commands
    .filter((command) => command.includes("kubeadm reset"))
    .map((command) => /--cri-socket '?(\S+?)'?$/.exec(command)![1]);

const docker =
  "fit to join; of its container runtimes' sockets, /run/containerd/containerd.sock and /run/cri-dockerd.sock, kubeadm and the kubelet use unix:///run/cri-dockerd.sock";

test("its workers are replaced one by one, and back; each leaves and joins by its own runtime's socket", async () => {
  await up({});
  expect(runtimes()).toEqual({ "kube-node01": "containerd", "kube-node02": "containerd" });

  const [first, ...rest] = await up({ containerRuntime: "docker" });
  const [one, other] = first!.startsWith(workers[0]!) ? workers : workers.toReversed();
  expect([first, ...rest]).toEqual([`${one} draining`, `${one} ${docker}`, `${other} draining`, `${other} ${docker}`]);
  expect(runtimes()).toEqual({ "kube-node01": "docker://26.1.5", "kube-node02": "docker://26.1.5" });
  expect(resets()).toEqual(Array(2).fill("unix:///run/containerd/containerd.sock"));

  expect(
    await up({ containerRuntime: "docker", workerOverrides: { "kube-node02": { containerRuntime: "containerd" } } }),
  ).toEqual(["kube-node02 draining", "kube-node02 fit to join"]);
  expect(runtimes()).toEqual({ "kube-node01": "docker://26.1.5", "kube-node02": "containerd" });
  expect(resets()).toEqual(["unix:///run/cri-dockerd.sock"]);
});

test("where a replacement fails, the worker whose turn never came is no other machine at its next boot", async () => {
  const configuration = { containerRuntime: "docker", timezone: "Europe/Lisbon" };
  await stack.world.change(({ virtualBox }) => void (virtualBox.isDiskFull = true));
  await expect(up(configuration)).rejects.toThrow(/kube-node0[12] was left as it is: kube-node0[12] failed/);
  const [left] = stack.world.read().virtualBox.machines.filter(({ name }) => workers.includes(name));
  const before = await guest(left!.name);
  const vbox = (...args: string[]) => exec(join(stack.site, "bin/VBoxManage"), args);
  await vbox("controlvm", left!.name, "poweroff");
  await vbox("startvm", left!.name, "--type", "headless");
  expect(await guest(left!.name)).toEqual(before);
  await stack.world.change(({ virtualBox }) => void (virtualBox.isDiskFull = false));
  await up(configuration);
  expect(await guest(left!.name)).not.toMatchObject({ instanceId: before.instanceId });
  expect(runtimes()).toEqual({ "kube-node01": "docker://26.1.5", "kube-node02": "docker://26.1.5" });
});
