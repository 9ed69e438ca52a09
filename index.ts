import * as pulumi from "@pulumi/pulumi";
import { join } from "node:path";
import { expandHome, hostKeysOf, publicKeyOf, readConfiguration, workerConfiguration, workerNames } from "./config";
import type { SshTargetArgs } from "./host/bastion";
import { UserError } from "./host/errors";
import { macAddress } from "./host/mac";
import { CloudInitIso } from "./providers/cloudInitIso";
import { HostRoute } from "./providers/hostRoute";
import { KubeadmJoinToken } from "./providers/kubeadmJoinToken";
import { VBoxVm } from "./providers/vboxVm";
import { WorkerJoin } from "./providers/workerJoin";

function compose() {
  const config = readConfiguration();
  const { adopt, timeouts, vboxManage, zone, sshUser, autostart } = config;
  const stack = `${config.clusterName}/${pulumi.getStack()}`;
  const privateKeyFile = config.sshPrivateKeyFile && expandHome(config.sshPrivateKeyFile);

  // The way from this machine into the cluster's networks, and through the bastion to its machines.
  const routes = config.routes.map((route) => new HostRoute(`route-${route.destination.replace("/", "-")}`, { name: route.destination, ...route, adopt }));
  const { vm, address } = config.bastion;
  const bastion = { user: sshUser, ...config.bastion, hostKeys: hostKeysOf(config, (address ?? vm)!, config.bastion.port) };
  const reach = (machine: string, hostKeys: string[]): SshTargetArgs => ({ address: machine, user: sshUser, hostKeys, privateKeyFile, bastion });
  const masters = config.masters.map((master) => reach(master, hostKeysOf(config, master)));

  // Each worker on its own, side by side: ISO → VM → token → join.
  const workers = workerNames(config).map((name) => {
    const worker = workerConfiguration(config, name);
    const nics = worker.nics.map((nic, index) => ({ ...nic, mac: macAddress(stack, name, index + 1) }));

    const iso = new CloudInitIso(name, {
      name,
      zone,
      path: join(expandHome(config.isoFolder), config.clusterName, pulumi.getStack(), `${name}-cidata.iso`),
      distro: config.distro,
      containerRuntime: config.containerRuntime,
      sshUser,
      sshPublicKey: publicKeyOf(config),
      sshCaPublicKey: config.sshCaPublicKey,
      macAddresses: nics.map(({ mac }) => mac),
      kubernetesVersion: config.kubernetesVersion,
      kubernetesRepository: config.kubernetesRepository,
      kubernetesKeyUrl: config.kubernetesKeyUrl,
      kubernetesKeyFingerprint: config.kubernetesKeyFingerprint,
      containerdPackage: config.containerdPackage,
      dockerRepository: config.dockerRepository,
      dockerKeyUrl: config.dockerKeyUrl,
      dockerKeyFingerprint: config.dockerKeyFingerprint,
      criDockerdUrl: config.criDockerdUrl,
      criDockerdSha256: config.criDockerdSha256,
      sandboxImage: config.sandboxImage,
      debianMirror: config.debianMirror,
      packageUpgrade: config.packageUpgrade,
      locale: config.locale,
      timezone: config.timezone,
      reboot: worker.reboot,
      userData: config.userData,
      metaData: config.metaData,
      networkConfig: config.networkConfig,
    });

    const target = iso.hostPublicKey.apply((key) => reach(`${name}.${zone}`, [key]));

    const vm = new VBoxVm(
      name,
      {
        name,
        stack,
        vboxManage,
        baseImage: worker.baseImage,
        cloneMode: config.cloneMode,
        baseSnapshot: config.baseSnapshot,
        cpus: worker.cpus,
        memoryMb: worker.memoryMb,
        vramMb: worker.vramMb,
        nics,
        disks: worker.disks,
        isoPath: iso.path,
        isoSha256: iso.sha256,
        autostart,
        adopt,
        stopTimeoutSeconds: timeouts.stop,
        startTimeoutSeconds: timeouts.start,
        readiness: target.apply((target) => ({ target, rebootExpected: worker.reboot, timeoutSeconds: timeouts.cloudInit })),
      },
      { dependsOn: routes },
    );
    const knownHost = iso.hostPublicKey.apply((key) => `${name}.${zone} ${key}`);
    if (!autostart) return { name, vm, knownHost };

    // What makes a machine another machine; unlike its UUID it is known in a preview of a change in place.
    const machine = pulumi.interpolate`${vm.baseImage} ${vm.isoSha256}`;

    const token = new KubeadmJoinToken(name, { name, stack, machine, masters, ttlMinutes: config.tokenTtlMinutes, vboxManage, timeoutSeconds: timeouts.ssh }, { dependsOn: vm });

    const node = new WorkerJoin(name, {
      name,
      stack,
      machine,
      vmUuid: vm.uuid,
      worker: target,
      masters,
      endpoint: config.controlPlaneEndpoint ?? token.endpoint,
      caCertHash: token.caCertHash,
      token: token.token,
      address: vm.address.apply((found) => found!),
      criSocket: config.containerRuntime === "docker" ? "unix:///run/cri-dockerd.sock" : "unix:///run/containerd/containerd.sock",
      labels: worker.labels,
      taints: worker.taints,
      kubeletArgs: worker.kubeletArgs,
      cniSelector: config.cniSelector,
      vboxManage,
      sshTimeoutSeconds: timeouts.ssh,
      joinTimeoutSeconds: timeouts.join,
      readyTimeoutSeconds: timeouts.ready,
      drainTimeoutSeconds: timeouts.drain,
    });
    return { name, vm, knownHost, token, node };
  });

  const jump = vm && !address ? vm : address;
  return {
    nodes: workers.flatMap(({ name, node }) => (node ? [{ name, version: node.kubeletVersion, internalAddress: node.internalIp, ready: node.ready }] : [])),
    addresses: Object.fromEntries(workers.map(({ name, vm }) => [name, vm.address])),
    knownHosts: pulumi.all(workers.map(({ knownHost }) => knownHost)).apply((lines) => lines.map((line) => `${line}\n`).join("")),
    ssh: Object.fromEntries(workers.map(({ name }) => [name, `ssh -J ${bastion.user}@${jump} ${sshUser}@${name}.${zone}`])),
    kubeconfig: workers.find(({ token }) => token)?.token?.kubeconfig,
  };
}

function composeOrExplain() {
  try {
    return compose();
  } catch (error) {
    // Shown as its message alone, without a stack.
    throw error instanceof UserError ? new pulumi.RunError(error.message) : error;
  }
}

export const { nodes, addresses, knownHosts, ssh, kubeconfig } = composeOrExplain();
