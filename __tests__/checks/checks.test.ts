import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { askHead } from "../../checks/criDockerd";
import { hostFiles } from "../../checks/hostFiles";
import { filesOfDisks } from "../../checks/room";
import { lookAtSite, type PlannedWorker, type SitePlan, type Surroundings } from "../../checks/site";
import type { ExecResult } from "../../common/exec";
import { linuxRoutes } from "../../routes/linux";
import { VBoxManage } from "../../virtualbox/vboxManage";
import type { SiteState } from "../../dev/simulator/state";
import { ip } from "../../dev/simulator/routes";
import { baseImage } from "../../dev/simulator/site";
import { SimulatedVBoxManage } from "../../dev/simulator/virtualBox/simulatedVBoxManage";
import { machineOf } from "../support/causes";
import { type ServedSite, servedSite } from "../support/servedSite";

let site: ServedSite;
let fresh: SiteState;
let root: string;
beforeAll(async () => {
  site = await servedSite();
  fresh = site.world.read();
});
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "host-"));
  put("/dev/vboxdrv", "");
  put("/proc/meminfo", "MemTotal: 33554432 kB\nMemAvailable: 25165824 kB\n");
  put("/etc/vbox/networks.conf", "# our own\n* 192.168.0.0/16\n* fe80::/10\n");
  await site.world.change((state) => void Object.assign(state, structuredClone(fresh)));
});
afterEach(() => rmSync(root, { recursive: true }));
afterAll(() => site.remove());

const put = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const remove = (path: string) => rmSync(join(root, path));
const change = (work: (state: SiteState) => void) => site.world.change(work);

const plan = (values: Partial<SitePlan> = {}, worker: Partial<PlannedWorker> = {}): SitePlan => ({
  vboxManage: join(site.folder, "bin/VBoxManage"),
  zone: "kube.demo",
  routes: [{ destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: "vboxnet0" }],
  autostart: true,
  masters: ["kube-mast01", "kube-mast02"].map((name) => site.masterTarget(name)),
  workers: [{ name: "kube-node01", memoryMb: 2048, disks: [], baseImage, cloneMode: "full", nics: [{ type: "intnet", network: "node", mac: "080027A1B2C3" }], ...worker }],
  ...values,
});

let calls: string[];
let fault: (args: readonly string[]) => ExecResult | undefined;
beforeEach(() => ([calls, fault] = [[], () => undefined]));

/** All findings, but for what is right. */
async function look(values?: Partial<SitePlan>, worker?: Partial<PlannedWorker>, surroundings: Surroundings = {}) {
  const manage = new SimulatedVBoxManage(site.world);
  const exec: Surroundings["exec"] = async (_file, args) => {
    calls.push(args.join(" "));
    return fault(args) ?? (await manage.run(args));
  };
  const routes = linuxRoutes((_file, args) => site.world.change(({ network }) => ip(network, args)));
  const findings = await lookAtSite(plan(values, worker), { exec, routes, files: hostFiles(root, "linux"), ...surroundings });
  return findings.filter(({ is }) => is !== "right");
}

/** Each as `is: what`. */
const problems = async (...args: Parameters<typeof look>) => (await look(...args)).map(({ is, what }) => `${is}: ${what}`);

const failure = (stderr: string, exitCode = 1): ExecResult => ({ stdout: "", stderr, exitCode });
const nic = (type: "hostonly" | "natnetwork" | "bridged", network: string) => ({ nics: [{ type, network, mac: "080027A1B2C3" }] });

test("of a site that has everything, each part is right, and it was only read", async () => {
  const before = site.world.read();
  expect(await problems()).toEqual([]);
  expect(site.world.read()).toEqual(before);
  expect(calls.filter((call) => !/^(--version|list|showvminfo)/.test(call))).toEqual([]);
});

test.each<[string, () => unknown, RegExp]>([
  ["is too old", () => change(({ virtualBox }) => void (virtualBox.version = "6.0.24r1")), /^wrong: VirtualBox 6\.0\.24r1 is too old$/],
  ["speaks another language", () => change(({ virtualBox }) => void (virtualBox.language = "ca")), /^wrong: VirtualBox speaks Catalan/],
  ["is newer", () => change(({ virtualBox }) => void (virtualBox.version = "9.0.0r1")), /^warning: VirtualBox 9\.0\.0r1 is newer/],
  ["fails for a reason of its own", () => (fault = ([verb]) => (verb === "--version" ? failure("x", 126) : undefined)), /^warning: VirtualBox could not be looked at: .* failed with exit code 126$/],
])("VirtualBox that %s", async (_what, arrange, expected) => {
  await arrange();
  expect((await problems())[0]).toMatch(expected);
});

test("without VirtualBox nothing else of it is asked", async () => {
  fault = () => ({ stdout: "no VBoxManage\n", stderr: "", exitCode: 0 });
  expect(await problems()).toEqual(["wrong: VBoxManage --version gave no version", "later: what VirtualBox has: base image, networks, room"]);
  expect(new Set(calls)).toEqual(new Set(["--version"]));
});

test.each<[string, () => unknown, string[]]>([
  ["no driver", () => remove("/dev/vboxdrv"), ["wrong: VirtualBox's kernel driver is not loaded: there is no /dev/vboxdrv, and no machine starts without it"]],
  ["no driver, and KVM, which some builds run on", () => (remove("/dev/vboxdrv"), put("/dev/kvm", "")), [expect.stringMatching(/^warning: there is no \/dev\/vboxdrv: only a VirtualBox that is built on KVM/)]],
  ["no vmx and no svm", () => put("/proc/cpuinfo", "flags\t\t: fpu sse2\n"), ["wrong: the host's processor shows neither VT-x nor AMD-V (no vmx or svm in /proc/cpuinfo)"]],
  ["vmx", () => put("/proc/cpuinfo", "flags\t\t: fpu vmx sse2\n"), []],
  ["a cpuinfo without flags", () => put("/proc/cpuinfo", "processor : 0\n"), []],
  ["KVM in use", () => put("/sys/module/kvm_intel/refcnt", "3\n"), ["warning: KVM (kvm_intel) is in use by another virtual machine, and may have the processor's virtualization"]],
  ["an idle KVM", () => put("/sys/module/kvm_amd/refcnt", "0\n"), []],
  ["a KVM that VirtualBox shares", () => (put("/sys/module/kvm_amd/refcnt", "0\n"), put("/sys/module/kvm/parameters/enable_virt_at_load", "Y\n")), []],
  ["a KVM that VirtualBox does not share", () => (put("/sys/module/kvm_amd/refcnt", "0\n"), put("/sys/module/kvm/parameters/enable_virt_at_load", "Y\n"), change(({ virtualBox }) => void (virtualBox.version = "7.2.8r1"))), ["warning: KVM (kvm_amd) has the processor's virtualization, which VirtualBox 7.2.8r1 does not share"]],
])("a host with %s", async (_what, arrange, expected) => {
  await arrange();
  expect(await problems()).toEqual(expected);
  expect(await problems({ autostart: false })).toEqual([]);
});

test("a host whose files cannot be seen is not judged by them", async () => {
  expect(await problems({}, {}, { files: hostFiles(join(root, "none"), "linux") })).toContainEqual(expect.stringMatching(/^later: VirtualBox's kernel driver/));
  expect(await problems({}, {}, { files: hostFiles(root, "darwin") })).toEqual([expect.stringMatching(/^later: VirtualBox's kernel driver/)]);
});

test.each<[string, Partial<PlannedWorker>, (state: SiteState) => unknown, RegExp | undefined]>([
  ["a host-only adapter", nic("hostonly", "vboxnet0"), () => {}, undefined],
  ["no host-only adapter", nic("hostonly", "vboxnet7"), () => {}, /^wrong: nics: VirtualBox has no network vboxnet7 of type hostonly \(it has: vboxnet0\)$/],
  ["a bridged adapter", nic("bridged", "eth0"), () => {}, undefined],
  ["no bridged adapter", nic("bridged", "en0: Wi-Fi"), () => {}, /^wrong: nics: VirtualBox has no network en0: Wi-Fi of type bridged/],
  ["a NAT network", nic("natnetwork", "my net"), ({ virtualBox }) => (virtualBox.networks = { natnets: [{ name: "my net", address: "10.0.9.0/24" }] }), undefined],
  ["no NAT network", nic("natnetwork", "my net"), () => {}, /^wrong: nics: VirtualBox has no network my net of type natnetwork \(it has: none\)$/],
  ["no adapter for the routes", {}, ({ network }) => (network.interfaces = ["lo"]), /^wrong: there is no network interface vboxnet0, by which the routes go \(there are: lo\)$/],
])("%s", async (_what, worker, arrange, expected) => {
  await change((state) => void arrange(state));
  expect(await problems({}, worker)).toEqual(expected ? [expect.stringMatching(expected)] : []);
});

test.each([
  ["", "192.168.254.1", 1],
  ["* 10.0.0.0/8 192.168.0.0/16\n", "192.168.254.1", 0],
  ["# * 192.168.0.0/16\n", "192.168.254.1", 1],
  ["", "192.168.56.1", 0],
  ["", "192.168.63.254", 0],
  ["* 192.168.0.0/16\n", "172.16.0.1", 1],
])("networks.conf %j and the address %s", async (conf, address, count) => {
  put("/etc/vbox/networks.conf", conf);
  await change(({ virtualBox }) => void (virtualBox.networks = { hostonlyifs: [{ name: "vboxnet0", address }] }));
  expect(await problems()).toEqual(Array(count).fill(expect.stringMatching(/^warning: the address .* of the host-only adapter vboxnet0 is in no range of \/etc\/vbox\/networks\.conf/)));
});

test("a file of the host that cannot be read is a warning with the system's reason", async () => {
  remove("/etc/vbox/networks.conf");
  mkdirSync(join(root, "/etc/vbox/networks.conf"));
  expect(await problems()).toEqual([expect.stringMatching(/^warning: .* could not be looked at: EISDIR/)]);
});

test.each<[string, (state: SiteState) => unknown, Partial<PlannedWorker>, RegExp]>([
  ["missing", ({ virtualBox }) => virtualBox.machines.shift(), {}, /^wrong: VirtualBox has no machine debian-base-image to clone$/],
  ["running", (state) => (machineOf(state, baseImage).state = "running"), {}, /^wrong: the base image debian-base-image is running$/],
  ["without its snapshot", () => {}, { baseSnapshot: "clean", cloneMode: "linked" }, /^wrong: the base image debian-base-image has no snapshot clean$/],
  ["without a SATA controller for disks", (state) => (machineOf(state, baseImage).controllers.pop(), (machineOf(state, baseImage).drives = [])), { disks: [{ sizeMb: 8, format: "VDI", variant: "Standard" }] }, /^wrong: debian-base-image has no SATA controller for its disks$/],
])("a base image that is %s", async (_what, arrange, worker, expected) => {
  await change((state) => void arrange(state));
  expect((await problems({}, worker))[0]).toMatch(expected);
});

test("a base image of machines that are there already is only warned about", async () => {
  await change((state) => {
    machineOf(state, baseImage).state = "running";
    state.virtualBox.machines.push({ ...structuredClone(machineOf(state, baseImage)), uuid: "11111111-1111-1111-1111-111111111111", name: "kube-node01", drives: [] });
  });
  expect(await problems()).toEqual(["warning: the base image debian-base-image is running"]);
});

test.each([
  ["MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n", ["warning: the workers need 2.0 GB of memory, and the host has 1.0 GB in all"]],
  ["MemTotal: 8388608 kB\nMemAvailable: 1048576 kB\n", ["warning: the workers need 2.0 GB of memory, and 1.0 GB are free now"]],
])("memory %j", async (meminfo, expected) => {
  put("/proc/meminfo", meminfo);
  expect(await problems()).toEqual(expected);
});

test("the room for a copy counts each file of a disk that has snapshots", async () => {
  const manage = new SimulatedVBoxManage(site.world);
  for (const name of ["one", "two"]) await manage.run(["snapshot", baseImage, "take", name]);
  const vbox = new VBoxManage("VBoxManage", async (_file, args) => manage.run(args));
  const files = filesOfDisks((await vbox.showVm(baseImage))!, await vbox.listMedia("hdds"));
  expect(files).toHaveLength(3);
  expect(files.at(-1)).toMatch(/\.(vdi|vmdk)$/);
  expect(files.slice(0, 2).join()).toMatch(/Snapshots.*Snapshots/);
});

test("fixed disks that no disk has room for", async () => {
  expect(await problems({}, { disks: [{ sizeMb: 2_000_000_000, format: "VDI", variant: "Fixed" }] })).toEqual([expect.stringMatching(/^wrong: fixed `disks` need 1953125\.0 GB in /)]);
});

describe("the cluster", () => {
  const problemsNow = () => problems({}, {}, { deadlineMs: 3_000 });
  const down = (...names: string[]) => change(({ cluster }) => void (cluster.mastersDown = names));
  const withRoute = () => change(({ network }) => void network.routes.push({ dst: "192.168.4.0/27", gateway: "192.168.4.30", dev: "vboxnet0", protocol: "157" }));

  test("that does not take the version is refused", async () => {
    expect(await problems({ kubernetesVersion: "1.37.1" })).toEqual([expect.stringMatching(/^wrong: kubernetesVersion: 1\.37\.1 is newer than the cluster's v1\.36\.3/)]);
  });

  test("of which one master answers is warned about", async () => {
    await down("kube-mast01");
    expect(await problemsNow()).toEqual([expect.stringMatching(/^warning: master kube-mast01 gave no SSH session/)]);
  });

  test("is not looked at yet where the routes to it are missing, and warned about where they are there", async () => {
    await down("kube-mast01", "kube-mast02");
    expect(await problemsNow()).toEqual(["later: the masters and the cluster's version: the routes to them are not there yet"]);
    await withRoute();
    expect(await problemsNow()).toEqual([expect.stringMatching(/^warning: master kube-mast01/), expect.stringMatching(/^warning: master kube-mast02/)]);
  });

  test("with a master that is not the one we know is refused, if that one is asked first", async () => {
    const [first, second] = [site.masterTarget("kube-mast01"), site.masterTarget("kube-mast02")];
    const other = { ...first, hostKeys: second.hostKeys };
    expect(await problems({ masters: [other, second] })).toEqual([expect.stringMatching(/^wrong: .*kube-mast01.* did not prove/)]);
    expect(await problems({ masters: [second, other] })).toEqual([expect.stringMatching(/^warning: .*kube-mast01.* did not prove/)]);
  });

  test("whose API server does not answer is warned about", async () => {
    await change(({ cluster }) => void (cluster.apiDown = true));
    await withRoute();
    for (const found of await problemsNow()) expect(found).toMatch(/^warning: /);
  });

  test("none of which is needed is not asked", async () => expect(await problems({ masters: [] })).toEqual([]));
});

const deb = (codename: string, architecture = "amd64") => `https://github.com/Mirantis/cri-dockerd/releases/download/v0.4.10/cri-dockerd_0.4.10.3-0.${codename}_${architecture}.deb`;
test.each<[string, string, () => Promise<number>, string[]]>([
  ["that is there", deb("debian-bookworm"), async () => 302, []],
  ["that a release does not have", deb("debian-trixie"), async () => 404, [`wrong: criDockerdUrl: there is no such file (the server answers 404): ${deb("debian-trixie")}`]],
  ["for another distribution", deb("ubuntu-jammy"), async () => 302, ["warning: criDockerdUrl is a package for ubuntu (jammy), and the base image is debian, by `distro`"]],
  ["for another processor", deb("debian-bookworm", "arm64"), async () => 302, ["wrong: criDockerdUrl is a package for arm64, and workers are x86-64 (amd64)"]],
  ["with a name of its own", "https://packages.example.org/cri-dockerd.deb", async () => 200, []],
  ["whose server cannot be reached from here", deb("debian-bookworm"), () => Promise.reject(new TypeError("fetch failed")), ["later: cri-dockerd's package: its server does not answer here; the workers fetch it on their first boot"]],
  ["whose server wants to know who asks", deb("debian-bookworm"), async () => 403, [expect.stringMatching(/^later: cri-dockerd's package/)]],
  ["that is on the worker", "file:///deb", () => Promise.reject(new Error("asked")), [expect.stringMatching(/^later: cri-dockerd's package/)]],
])("a package of cri-dockerd %s", async (_what, url, ask, expected) => {
  expect(await problems({ criDockerd: { url, distro: "debian" } }, {}, { ask })).toEqual(expected);
});

test("a web server is asked for headers alone, and where it sends us we do not go", async () => {
  const asked: string[] = [];
  const server = createServer(({ method, url }, response) => {
    asked.push(`${method} ${url}`);
    response.writeHead(url === "/moved" ? 302 : 404, { location: "/elsewhere" }).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    expect([await askHead(`${address}/moved`, 5_000), await askHead(`${address}/none`, 5_000)]).toEqual([302, 404]);
    expect(asked).toEqual(["HEAD /moved", "HEAD /none"]);
  } finally {
    server.close();
  }
});

test("what hangs ends in time, and is no reason to refuse anything", async () => {
  const exec: Surroundings["exec"] = () => new Promise(() => {});
  const start = performance.now();
  const found = await problems({ masters: [] }, {}, { exec, deadlineMs: 500 });
  expect(performance.now() - start).toBeLessThan(5_000);
  expect(found).toEqual(["warning: VirtualBox could not be looked at: it took longer than 0.2 s", expect.stringMatching(/^warning: what VirtualBox has could not be looked at|^warning: the/)]);
});

test("a network or base image that only some of the workers need names these, of those that are to be made", async () => {
  const [first] = plan().workers;
  const others = ["b", "c", baseImage].map((name) => ({ ...first!, ...nic("natnetwork", "none"), name, ...(name !== "b" && { baseImage: "no base" }) }));
  const [network, base, ...rest] = (await look({ workers: [first!, ...others] })).filter(({ is }) => is === "wrong");
  expect([network, base]).toMatchObject([{ what: expect.stringContaining("no network none"), of: ["b", "c"] }, { what: expect.stringContaining("no base"), of: ["c"] }]);
  expect(rest).toEqual([]);
});
