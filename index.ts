import * as pulumi from "@pulumi/pulumi";
import { readEnvironment, type Worker } from "./config/environment";
import { firstBootOf, hardwareOf } from "./config/sections";
import { FIRST_BOOT_MARK } from "./cloudinit/report";
import { shellCommand } from "./common/shell";
import { jumpHost } from "./ssh/address";
import { CloudInitIso } from "./providers/cloudInitIso";
import type { CloudInitIsoArgs } from "./providers/cloudInitIsoArgs";
import { HostRoute } from "./providers/hostRoute";
import { KubeadmCluster } from "./providers/kubeadmCluster";
import { KubeadmJoinToken } from "./providers/kubeadmJoinToken";
import { keptSecret, secretsOfConfiguration } from "./providers/secretValues";
import { StackIdentity } from "./providers/stackIdentity";
import { VBoxVm } from "./providers/vboxVm";
import { WorkerJoin } from "./providers/workerJoin";

const { config, stack, workers, bastion, masters, sshTarget, sshPublicKey, isoPath, plan } = readEnvironment();
const { adopt, autostart, sshUser, timeouts, vboxManage, zone } = config;

// What tells this stack from another one of the same names.
const { stackId } = new StackIdentity("stack", { name: stack });

// The way from this machine into the cluster's networks.
const routes = config.routes.map(
  (route) =>
    new HostRoute(`route-${route.destination.replace("/", "-")}`, {
      name: route.destination,
      ...route,
      adopt,
      stack,
      stackId,
      commandTimeoutSeconds: timeouts.command,
    }),
);

const isSecret = secretsOfConfiguration();

// What the user gave as secret, the cluster publishes too.
const publishedSecret = isSecret(config.controlPlaneEndpoint) ? ["endpoint"] : [];

// The cluster that the workers join; machines that are only made need none.
const masterTimeouts = { sshTimeoutSeconds: timeouts.ssh, commandTimeoutSeconds: timeouts.command };
const cluster = autostart
  ? new KubeadmCluster(
      "cluster",
      { name: stack, masters, vboxManage, ...masterTimeouts },
      { dependsOn: routes, additionalSecretOutputs: publishedSecret },
    )
  : undefined;

/** One worker: ISO → VM → token → join. */
function createWorker({ name, nics, ...worker }: Worker) {
  const fullName = `${name}.${zone}`;

  const isoArgs: CloudInitIsoArgs = {
    name,
    zone,
    path: isoPath(name),
    stackId,
    adopt,
    vboxManage,
    commandTimeoutSeconds: timeouts.command,
    distro: config.distro,
    containerRuntime: worker.containerRuntime,
    kubernetesVersion: config.kubernetesVersion,
    sshUser,
    sshPublicKey,
    sshCaPublicKey: config.sshCaPublicKey,
    macAddresses: nics.map(({ mac }) => mac),
    ...firstBootOf(config),
    reboot: worker.reboot,
    machine: { baseImage: worker.baseImage, cloneMode: config.cloneMode, baseSnapshot: config.baseSnapshot, stack },
    // Machines that are only made may be given their version without a cluster.
    masters: autostart || config.kubernetesVersion === undefined ? masters : [],
    sshTimeoutSeconds: timeouts.ssh,
    plan,
  };
  // The cluster's version is asked by way of the routes.
  const iso = new CloudInitIso(name, isoArgs, { dependsOn: routes });
  const target = iso.hostPublicKey.apply((key) => sshTarget(fullName, [key]));
  // A template of one's own that version 0.1.0 put on the ISO may lack the mark of its end; every other user-data has
  // it.
  const endsUnmarked =
    config.userData === undefined
      ? pulumi.output(false)
      : pulumi.unsecret(iso.userData).apply((userData) => !userData.includes(FIRST_BOOT_MARK));
  const knownHost = iso.hostPublicKey.apply((key) => `${fullName} ${key}\n`);

  const vm = new VBoxVm(
    name,
    {
      name,
      stack,
      stackId,
      vboxManage,
      ...hardwareOf(worker),
      nics,
      cloneMode: config.cloneMode,
      baseSnapshot: config.baseSnapshot,
      isoPath: iso.path,
      isoSha256: iso.sha256,
      seed: iso.seed,
      autostart,
      adopt,
      commandTimeoutSeconds: timeouts.command,
      cloneTimeoutSeconds: timeouts.clone,
      stopTimeoutSeconds: timeouts.stop,
      startTimeoutSeconds: timeouts.start,
      readiness: pulumi.all([target, iso.reboots, endsUnmarked]).apply(([target, rebootExpected, endsUnmarked]) => ({
        target,
        rebootExpected,
        ...(endsUnmarked && { endsUnmarked }),
        timeoutSeconds: timeouts.cloudInit,
      })),
      plan,
    },
    { dependsOn: routes },
  );
  if (!cluster) return { name, fullName, knownHost, vm };

  // What makes a machine another machine; unlike its UUID it is known in a preview of a change in place.
  const machine = pulumi.interpolate`${vm.baseImage} ${vm.isoSha256}`;

  // A token is made when its worker is ready to use it.
  const tokenArgs = {
    name,
    stack,
    stackId,
    machine,
    masters,
    ttlMinutes: config.tokenTtlMinutes,
    vboxManage,
    ...masterTimeouts,
  };
  const token = new KubeadmJoinToken(name, tokenArgs, { dependsOn: vm });

  const node = new WorkerJoin(name, {
    name,
    stack,
    stackId,
    machine,
    vmUuid: vm.uuid,
    virtualBox: vm.virtualBox.apply((home) => home!),
    worker: target,
    masters,
    endpoint: config.controlPlaneEndpoint ?? cluster.endpoint,
    caCertHash: cluster.caCertHash,
    token: token.token,
    address: vm.address.apply((address) => address!),
    criSocket:
      worker.containerRuntime === "docker" ? "unix:///run/cri-dockerd.sock" : "unix:///run/containerd/containerd.sock",
    labels: worker.labels,
    taints: worker.taints,
    kubeletArgs: worker.kubeletArgs,
    requiredPods: config.requiredPods,
    cniSelector: config.cniSelector,
    vboxManage,
    sshTimeoutSeconds: timeouts.ssh,
    commandTimeoutSeconds: timeouts.command,
    joinTimeoutSeconds: timeouts.join,
    readyTimeoutSeconds: timeouts.ready,
    drainTimeoutSeconds: timeouts.drain,
  });
  return { name, fullName, knownHost, vm, node };
}

// A VM's name is no host name: its address is what the cluster's resource was reached through. Until there is one, the
// name shows whose it is.
const bastionAddress =
  bastion.address ?? cluster?.bastionAddress.apply((address) => address ?? bastion.vm!) ?? bastion.vm!;
const jump = pulumi.output(bastionAddress).apply((address) => jumpHost({ ...bastion, address }));

// Side by side: nothing orders the workers.
const created = workers.map(createWorker);

/** What the user set as secret stays so in the stack's outputs. */
const kept = <T>(output: T) => keptSecret(output, isSecret);

/** The workers as nodes of the cluster. */
export const nodes = kept(
  created.flatMap(({ name, node }) =>
    node ? [{ name, version: node.kubeletVersion, internalAddress: node.internalIp, ready: node.ready }] : [],
  ),
);

/** The workers' addresses. */
export const addresses = kept(Object.fromEntries(created.map(({ name, vm }) => [name, vm.address])));

/** The workers' host keys, as lines of known_hosts. */
export const knownHosts = kept(pulumi.all(created.map(({ knownHost }) => knownHost)).apply((lines) => lines.join("")));

/** How to log in on each worker. */
export const ssh = kept(
  Object.fromEntries(
    created.map(({ name, fullName }) => [
      name,
      jump.apply((jump) => shellCommand(["ssh", "-J", jump, `${sshUser}@${fullName}`])),
    ]),
  ),
);

/** The administrator's kubeconfig. Secret. */
export const kubeconfig = cluster?.kubeconfig;
