import { readFileSync } from "node:fs";
import { basename, join as path } from "node:path";
import type { BastionArgs, SshTargetArgs } from "../../access/bastion";
import type { Readiness } from "../../cloudinit/wait";
import { type Exec, NotRunnable } from "../../common/exec";
import { macAddress } from "../../virtualbox/mac";
import { linuxRoutes } from "../../routes/linux";
import { provider as isoProvider } from "../../providers/cloudInitIso";
import { withTemplates } from "../../providers/cloudInitTemplates";
import { hostRouteProvider } from "../../providers/hostRoute";
import { provider as clusterProvider } from "../../providers/kubeadmCluster";
import { provider as tokenProvider } from "../../providers/kubeadmJoinToken";
import { vboxVmProvider } from "../../providers/vboxVm";
import { workerJoinProvider } from "../../providers/workerJoin";
import { ip } from "../../dev/simulator/routes";
import { baseImage } from "../../dev/simulator/site";
import { SimulatedVBoxManage } from "../../dev/simulator/virtualBox/simulatedVBoxManage";
import { Driven } from "./driven";
import type { ServedSite } from "./servedSite";

/** The owner of all that is made on a site. */
const stack = "kube/test";

/** Deadlines, short ones: nothing takes any time on the site itself. */
export const seconds = { command: 5, cloudInit: 4, start: 2, stop: 1, ssh: 1, join: 5, ready: 1, drain: 1 };

/** What the configuration has otherwise than the site's own; it may change between two operations. */
export interface Overrides {
  bastion?: Partial<BastionArgs>;
  /** Host keys of masters by their names, instead of those in known_hosts. */
  hostKeys?: Record<string, string[]>;
}

/** One worker's resources, and a route, as index.ts composes them. */
export interface DrivenWorker {
  overrides: Overrides;
  route: Driven;
  iso: Driven;
  vm: Driven;
  cluster: Driven;
  token: Driven;
  join: Driven;
  /** How it is told that the machine's first boot is over. */
  readiness(): Readiness;
  /** Makes all of them. */
  up(): Promise<void>;
  /** Takes all away that there are. */
  destroy(): Promise<void>;
}

/** The system's programs as a site has them: VBoxManage, `ip`, and no sudo. */
const programsOf = ({ world }: ServedSite): Exec => {
  const manage = new SimulatedVBoxManage(world);
  return (file, args) => {
    if (basename(file) === "VBoxManage") return manage.run(args);
    if (file === "ip") return world.change(({ network }) => ip(network, args));
    return Promise.reject(new NotRunnable(`${file} is not installed, or not on PATH`));
  };
};

/** A worker to be driven on a site, see {@link Driven}: nothing is done yet. */
export function drivenWorker(site: ServedSite, name = "kube-node01", overrides: Overrides = {}): DrivenWorker {
  const programs = programsOf(site);
  const { privateKeyFile = "", ...bastion } = site.bastionTarget();
  const sshPublicKey = readFileSync(`${privateKeyFile}.pub`, "utf8").trim();
  const sshTarget = (address: string, hostKeys: string[]): SshTargetArgs => ({
    address,
    user: "debian",
    hostKeys,
    privateKeyFile,
    bastion: { ...bastion, ...overrides.bastion },
  });
  const masters = () =>
    site.masters.map((master) => sshTarget(master, overrides.hostKeys?.[master] ?? site.masterTarget(master).hostKeys));
  const nics = [{ type: "intnet", network: "node", mac: macAddress(stack, name, 1) }];
  const ssh = {
    vboxManage: path(site.folder, "bin/VBoxManage"),
    sshTimeoutSeconds: seconds.ssh,
    commandTimeoutSeconds: seconds.command,
  };

  const route = new Driven(
    hostRouteProvider(() => linuxRoutes(programs)),
    () => ({ name: "192.168.4.0/27", destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: "vboxnet0" }),
  );
  const iso = new Driven(
    isoProvider,
    () =>
      withTemplates({
        name,
        zone: "kube.demo",
        path: path(site.isoFolder, `${name}-cidata.iso`),
        sshPublicKey,
        macAddresses: nics.map(({ mac }) => mac),
        masters: masters(),
        ...ssh,
      }) as { name: string },
  );
  const worker = () => sshTarget(`${name}.kube.demo`, [iso.get("hostPublicKey")]);
  const readiness = () => ({ target: worker(), rebootExpected: true, timeoutSeconds: seconds.cloudInit });
  const vm = new Driven(vboxVmProvider(programs), () => ({
    ...{ name, stack, baseImage, nics, isoPath: iso.get("path"), isoSha256: iso.get("sha256"), readiness: readiness() },
    ...{ commandTimeoutSeconds: seconds.command, startTimeoutSeconds: seconds.start, stopTimeoutSeconds: seconds.stop },
  }));
  const machine = () => `${baseImage} ${vm.get("isoSha256")}`;
  const cluster = new Driven(clusterProvider, () => ({ ...ssh, name: "kube", masters: masters() }));
  const token = new Driven(tokenProvider, () => ({ ...ssh, name, stack, machine: machine(), masters: masters() }));
  const join = new Driven(workerJoinProvider(programs), () => ({
    ...{
      ...ssh,
      name,
      stack,
      machine: machine(),
      masters: masters(),
      vmUuid: vm.get("uuid"),
      virtualBox: vm.get("virtualBox"),
      worker: worker(),
      address: vm.get("address"),
    },
    ...{ endpoint: cluster.get("endpoint"), caCertHash: cluster.get("caCertHash"), token: token.get("token") },
    ...{ joinTimeoutSeconds: seconds.join, readyTimeoutSeconds: seconds.ready, drainTimeoutSeconds: seconds.drain },
  }));

  const inOrder = [route, cluster, iso, vm, token, join];
  const up = async () => {
    for (const resource of inOrder) await resource.up();
  };
  const destroy = async () => {
    for (const resource of inOrder.toReversed()) if (resource.state) await resource.destroy();
  };
  return { overrides, route, iso, vm, cluster, token, join, readiness, up, destroy };
}
