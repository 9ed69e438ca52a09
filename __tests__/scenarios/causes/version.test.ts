import { readFileSync, rmSync } from "node:fs";
import { everythingOn, failureOf } from "../../support/causes";
import { beginRun } from "../../../providers/engine";
import { readIso } from "../../../dev/simulator/isoReader";
import { drivenWorker } from "../../support/drivenWorker";
import { lines, site, worker, useServedSite } from "../../support/servedWorker";

// Several workers of the simulated site, which a busy machine takes its time for.
jest.setTimeout(120_000);

/** Which version of Kubernetes a worker gets: the cluster's own, or one that it takes. */
useServedSite({ kubernetesVersion: "v1.34.2" });

const upgrade = (version: string) => site.world.change(({ cluster }) => void (cluster.version = version));
const breakMasters = () => site.world.change(({ cluster }) => void (cluster.mastersDown = [...site.masters]));
const installed = () =>
  /install-kubernetes\n +- (\S+)/.exec(
    readIso(readFileSync(worker.iso.get("path")))
      .files.get("user-data")!
      .toString(),
  )?.[1];

test("it is the cluster's own, and that stays when the cluster is upgraded", async () => {
  await worker.iso.up();
  expect(installed()).toBe("1.34.2");
  expect(worker.iso.get("kubernetesVersion")).toBe("1.34.2");
  expect(lines).toContain("kube-node01: choosing Kubernetes 1.34.2, the cluster's own");

  await upgrade("v1.36.3");
  expect(await worker.iso.differs()).toEqual([]);
  await worker.iso.up({ timezone: "Europe/Lisbon" });
  expect(installed()).toBe("1.34.2");
});

test("one that the upgraded cluster does not take any more gives way to the cluster's when the content changes anyway", async () => {
  await worker.iso.up();
  await upgrade("v1.38.1");
  await worker.iso.up({ timezone: "Europe/Lisbon" });
  expect(installed()).toBe("1.38.1");
  expect(lines).toContain(
    "kube-node01: warning: is to have Kubernetes 1.38.1: the cluster's v1.38.1 does not take 1.34.2 any more",
  );
});

test("so does one whose machine is to be another one anyway; one that the cluster takes stays, and so does the content", async () => {
  await worker.iso.up({ machine: { baseImage: "a" } });
  await upgrade("v1.36.3");
  const sha256 = worker.iso.get("sha256");
  expect(await worker.iso.differs({ machine: { baseImage: "b" } })).toEqual(["machine"]);
  await worker.iso.up({ machine: { baseImage: "b" } });
  expect(worker.iso.get("sha256")).toBe(sha256);

  await upgrade("v1.38.1");
  expect(await worker.iso.differs({ machine: { baseImage: "b" } })).toEqual([]);
  await worker.iso.up({ machine: { baseImage: "c" } });
  expect(installed()).toBe("1.38.1");
});

test("a state that does not say what the machine was made from is no change, and nothing is concluded from it", async () => {
  await worker.iso.up();
  await upgrade("v1.38.1");
  expect(await worker.iso.differs({ machine: { baseImage: "a" } })).toEqual([]);
  await worker.iso.up({ machine: { baseImage: "a" } });
  expect(installed()).toBe("1.34.2");
  expect(worker.iso.get("machine")).toEqual({ baseImage: "a" });
});

test("one that the upgraded cluster does not take any more is refused before a lost machine is cloned again", async () => {
  await worker.iso.up();
  await worker.vm.up();
  await worker.vm.destroy();
  await upgrade("v1.38.1");
  beginRun();
  await worker.iso.up();
  expect(await failureOf(worker.vm.up())).toMatch(
    /^kube-node01: kubernetesVersion: 1\.34\.2 is too old for the cluster's v1\.38\.1; give [^]*→ take the cluster's own: pulumi up --replace 'urn:pulumi:\*\*vbox:CloudInitIso::kube-node01'/,
  );
  expect(site.world.read().virtualBox.machines.map(({ name }) => name)).not.toContain("kube-node01");
});

test.each<[string, RegExp]>([
  [
    "1.35.0",
    /^kube-node01: kubernetesVersion: 1\.35\.0 is newer than the cluster's v1\.34\.2; give 1\.31\.0 … 1\.34\.x, or nothing/,
  ],
  ["1.30.9", /^kube-node01: kubernetesVersion: 1\.30\.9 is too old for the cluster's v1\.34\.2; give/],
])("a given %s is refused by its key, and nothing is made or changed", async (kubernetesVersion, message) => {
  const before = everythingOn(site);
  expect(await failureOf(worker.iso.up({ kubernetesVersion }))).toMatch(message);
  expect(everythingOn(site)).toEqual(before);

  await worker.iso.up();
  const made = everythingOn(site);
  expect(await failureOf(worker.iso.up({ kubernetesVersion }))).toMatch(message);
  expect(everythingOn(site)).toEqual(made);
  expect(installed()).toBe("1.34.2");
});

test("a given one is a change where it is another, and none where it is the one that was chosen, or is taken back", async () => {
  await worker.iso.up();
  expect(await worker.iso.differs({ kubernetesVersion: "1.34.2" })).toEqual([]);
  expect(await worker.iso.differs({ kubernetesVersion: "1.33.0" })).toEqual(["kubernetesVersion"]);
  await worker.iso.up({ kubernetesVersion: "1.33.0" });
  expect(installed()).toBe("1.33.0");
  expect(await worker.iso.differs()).toEqual([]);
});

test("the version that 0.1.0 had as its default counts as the answer, and its state is no change", async () => {
  await worker.iso.up({ kubernetesVersion: "1.33.3" });
  for (const later of ["masters", "vboxManage", "sshTimeoutSeconds", "commandTimeoutSeconds"])
    delete worker.iso.state!.outs[later];
  expect(await worker.iso.differs()).toEqual([]);
  await worker.iso.up({ timezone: "Europe/Lisbon" });
  expect(installed()).toBe("1.33.3");
});

test("a file that is only repaired or moved asks nobody, and keeps its version", async () => {
  await worker.iso.up();
  await upgrade("v1.40.0");
  await breakMasters();
  rmSync(worker.iso.get("path"));
  await worker.iso.refresh();
  await worker.iso.up();
  expect(installed()).toBe("1.34.2");
});

test("where nobody answers, the error names the key, and nothing is made", async () => {
  await breakMasters();
  const before = everythingOn(site);
  expect(await failureOf(worker.iso.up(), 2)).toMatch(
    /^kube-node01: kubernetesVersion: the cluster does not tell which version it has: none of the masters kube-mast01, .*\n[^]*\n→ .*; a machine that is only made, with autostart false,/,
  );
  expect(await failureOf(worker.iso.up({ kubernetesVersion: "1.34.2" }), 2)).toMatch(
    /^kube-node01: kubernetesVersion: the cluster does not tell whether it takes 1\.34\.2: none of the masters/,
  );
  expect(everythingOn(site)).toEqual(before);
});

test("without masters a version is needed, and used as it is", async () => {
  expect(await failureOf(worker.iso.up({ masters: [] }))).toMatch(
    /^kube-node01: kubernetesVersion is needed without masters to ask/,
  );
  await worker.iso.up({ masters: [], kubernetesVersion: "1.99.0" });
  expect(installed()).toBe("1.99.0");
});

test("workers that ask at the same time get one answer", async () => {
  const heard = site.world.read().cluster.version;
  const workers = ["kube-node01", "kube-node02", "kube-node03"].map((name) => drivenWorker(site, name));
  await Promise.all(workers.map(({ iso }) => iso.up()));
  for (const { iso } of workers) expect(`v${iso.get("kubernetesVersion")}`).toBe(heard);
});

test("the tutorial's 1.29.15 joins, with kubeadm's API of its time", async () => {
  await upgrade("v1.29.15");
  await worker.up();
  expect(worker.join.get("kubeletVersion")).toBe("v1.29.15");
});
