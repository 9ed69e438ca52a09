import * as pulumi from "@pulumi/pulumi";
import { belongsTo, Machine } from "./components/machine";
import { identityArgs, resourceArgs } from "./components/resourceArgs";
import { readEnvironment } from "./config/environment";
import { shellCommand } from "./common/shell";
import { jumpHost } from "./ssh/address";
import { HostRoute } from "./providers/hostRoute";
import { KubeadmCluster } from "./providers/kubeadmCluster";
import { KubeadmJoinToken } from "./providers/kubeadmJoinToken";
import { keptSecret, secretsOfConfiguration } from "./providers/secretValues";
import { StackIdentity } from "./providers/stackIdentity";
import { WorkerJoin } from "./providers/workerJoin";

const environment = readEnvironment();
const { config, workers, bastion } = environment;
const isSecret = secretsOfConfiguration();

// What tells this stack from another one of the same names, and where its machines are made.
const identity = new StackIdentity("stack", identityArgs(environment));
const args = resourceArgs(environment, identity);

// The way from this machine into the cluster's networks.
const routes = config.routes.map(
  (route) => new HostRoute(`route-${route.destination.replace("/", "-")}`, args.route(route)),
);

// The cluster that the workers join; machines that are only made need none. What the user gave as secret, the cluster
// publishes too.
const published = isSecret(config.controlPlaneEndpoint) ? ["endpoint"] : [];
const cluster = config.autostart
  ? new KubeadmCluster("cluster", args.cluster(), { dependsOn: routes, additionalSecretOutputs: published })
  : undefined;

// The workers, side by side: ISO → VM → token → join. A token is made when its worker is ready to use it.
const created = workers.map((worker) => {
  const { name } = worker;
  const machine = new Machine(name, args.machine(worker), { dependsOn: routes });
  if (!cluster) return { name, machine };
  const ready = { ...belongsTo(machine), dependsOn: machine.vm };
  const token = new KubeadmJoinToken(name, args.token(worker, machine), ready);
  const node = new WorkerJoin(name, args.join(worker, machine, cluster, token), belongsTo(machine));
  return { name, machine, node };
});

// A VM's name is no host name: its address is what the cluster's resource was reached through. Until there is one, the
// name shows whose it is.
const bastionAddress =
  bastion.address ?? cluster?.bastionAddress.apply((address) => address ?? bastion.vm!) ?? bastion.vm!;
const jump = pulumi.output(bastionAddress).apply((address) => jumpHost({ ...bastion, address }));

/** What the user set as secret stays so in the stack's outputs. */
const kept = <T>(output: T) => keptSecret(output, isSecret);

/** An output of each worker, by its name. */
const byName = <T>(of: (machine: Machine) => T) =>
  kept(Object.fromEntries(created.map(({ name, machine }) => [name, of(machine)])));

/** The workers as nodes of the cluster. */
export const nodes = kept(
  created.flatMap(({ name, node }) =>
    node ? [{ name, version: node.kubeletVersion, internalAddress: node.internalIp, ready: node.ready }] : [],
  ),
);

/** The workers' addresses. */
export const addresses = byName(({ vm }) => vm.address);

/** The workers' host keys, as lines of known_hosts. */
export const knownHosts = kept(
  pulumi.all(created.map(({ machine }) => machine.knownHost)).apply((lines) => lines.join("")),
);

/** How to log in on each worker. */
export const ssh = byName(({ fullName }) =>
  jump.apply((jump) => shellCommand(["ssh", "-J", jump, `${config.sshUser}@${fullName}`])),
);

/** The administrator's kubeconfig. Secret. */
export const kubeconfig = cluster?.kubeconfig;
