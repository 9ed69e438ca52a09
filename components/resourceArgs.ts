import type { Environment, Worker } from "../config/environment";
import { firstBootOf, hardwareOf } from "../config/sections";
import type { HostRouteArgs } from "../providers/hostRoute";
import type { KubeadmCluster, KubeadmClusterArgs } from "../providers/kubeadmCluster";
import type { KubeadmJoinToken, KubeadmJoinTokenArgs } from "../providers/kubeadmJoinToken";
import type { StackIdentity, StackIdentityArgs } from "../providers/stackIdentity";
import type { WorkerJoinArgs } from "../providers/workerJoin";
import type { Machine, MachineArgs } from "./machine";

/** The arguments of the stack's identity, which all others carry. */
export const identityArgs = ({ stack, workers, config }: Environment): StackIdentityArgs => ({
  name: stack,
  hasWorkers: workers.length > 0,
  vboxManage: config.vboxManage,
  commandTimeoutSeconds: config.timeouts.command,
});

/** The arguments of the program's other resources, by resource. */
export function resourceArgs(environment: Environment, identity: StackIdentity) {
  const { config, stack, masters, isoPath, login, plan, sshPublicKey } = environment;
  const { adopt, autostart, sshUser, timeouts, vboxManage } = config;
  const owner = { stack, stackId: identity.stackId };
  const stackVirtualBox = identity.virtualBox;
  const vbox = { vboxManage, commandTimeoutSeconds: timeouts.command };
  const reach = { ...vbox, masters, sshTimeoutSeconds: timeouts.ssh };

  return {
    route: (route: Environment["config"]["routes"][number]): HostRouteArgs => ({
      name: route.destination,
      ...route,
      ...owner,
      adopt,
      commandTimeoutSeconds: timeouts.command,
    }),

    cluster: (): KubeadmClusterArgs => ({ name: stack, ...reach }),

    machine: ({ name, nics, ...worker }: Worker): MachineArgs => ({
      name,
      zone: config.zone,
      nics,
      login,
      cloudInitTimeoutSeconds: timeouts.cloudInit,
      iso: {
        ...vbox,
        ...firstBootOf(config),
        ...owner,
        stackVirtualBox,
        path: isoPath(name),
        adopt,
        distro: config.distro,
        containerRuntime: worker.containerRuntime,
        kubernetesVersion: config.kubernetesVersion,
        sshUser,
        sshPublicKey,
        sshCaPublicKey: config.sshCaPublicKey,
        reboot: worker.reboot,
        machine: { baseImage: worker.baseImage, cloneMode: config.cloneMode, baseSnapshot: config.baseSnapshot, stack },
        // Machines that are only made may be given their version without a cluster.
        masters: autostart || config.kubernetesVersion === undefined ? masters : [],
        sshTimeoutSeconds: timeouts.ssh,
        plan,
      },
      vm: {
        ...vbox,
        ...owner,
        stackVirtualBox,
        ...hardwareOf(worker),
        cloneMode: config.cloneMode,
        baseSnapshot: config.baseSnapshot,
        autostart,
        adopt,
        cloneTimeoutSeconds: timeouts.clone,
        stopTimeoutSeconds: timeouts.stop,
        startTimeoutSeconds: timeouts.start,
        plan,
      },
    }),

    token: ({ name }: Worker, { identity }: Machine): KubeadmJoinTokenArgs => ({
      name,
      ...owner,
      ...reach,
      machine: identity,
      ttlMinutes: config.tokenTtlMinutes,
    }),

    join: (
      { name, containerRuntime, labels, taints, kubeletArgs }: Worker,
      { identity, target, vm }: Machine,
      cluster: KubeadmCluster,
      { token }: KubeadmJoinToken,
    ): WorkerJoinArgs => ({
      name,
      ...owner,
      ...reach,
      machine: identity,
      vmUuid: vm.uuid,
      virtualBox: vm.virtualBox.apply((home) => home!),
      worker: target,
      endpoint: config.controlPlaneEndpoint ?? cluster.endpoint,
      caCertHash: cluster.caCertHash,
      token,
      address: vm.address.apply((address) => address!),
      criSocket:
        containerRuntime === "docker" ? "unix:///run/cri-dockerd.sock" : "unix:///run/containerd/containerd.sock",
      labels,
      taints,
      kubeletArgs,
      requiredPods: config.requiredPods,
      cniSelector: config.cniSelector,
      joinTimeoutSeconds: timeouts.join,
      readyTimeoutSeconds: timeouts.ready,
      drainTimeoutSeconds: timeouts.drain,
    }),
  };
}
