import { strict as assert } from "node:assert";
import { kubectl } from "./controlPlane";
import { versions } from "./versions";
import { waitFor } from "./waitFor";

/** Runs a command on one worker, and gives what it printed. */
export type OnWorker = (...command: string[]) => Promise<string>;

/** A container as Docker Engine's API describes it (`GET /containers/ID/json`), as far as it is looked at. */
interface Container {
  Id: string;
  Name: string;
  LogPath: string;
  Config: { Image: string };
  HostConfig: { LogConfig: { Type: string; Config: Record<string, string> } };
}

/** Docker's own client is no dependency of docker.io. */
const docker = async <T>(on: OnWorker, path: string) =>
  JSON.parse(await on(`sudo -n curl --silent --fail --unix-socket /run/docker.sock 'http://docker/${path}'`)) as T;

/** All containers of Docker Engine, those that have ended, too, by their ids. */
export const containerIds = async (on: OnWorker): Promise<string[]> =>
  (await docker<{ Id: string }[]>(on, "containers/json?all=true")).map(({ Id }) => Id);

/**
 * Looks at everything that user-data promises of Docker Engine and cri-dockerd, on a worker that has joined with them.
 */
export async function assertOnDocker(name: string, on: OnWorker): Promise<void> {
  assert.match(
    await kubectl(["get", "node", name, "-o", "jsonpath={.status.nodeInfo.containerRuntimeVersion}"]),
    /^docker:\/\/\d/,
  );
  const { CgroupDriver, Driver, LoggingDriver } = await docker<Record<string, unknown>>(on, "info");
  assert.deepEqual(
    { CgroupDriver, Driver, LoggingDriver },
    { CgroupDriver: "systemd", Driver: "overlay2", LoggingDriver: "json-file" },
  );
  await assertContainers(name, on);
  // The distribution's own: no repository, and no key of Docker's.
  assert.equal(await on("ls /etc/apt/sources.list.d /etc/apt/keyrings | grep docker || true"), "");
  assert.deepEqual((await on("apt-mark", "showhold")).split(/\s+/).sort(), [
    "containerd",
    "cri-dockerd",
    "docker.io",
    "kubeadm",
    "kubectl",
    "kubelet",
  ]);
  assert.ok(
    (await startedAt(on, "cri-docker.socket")) < (await startedAt(on, "kubelet.service")),
    "cri-dockerd's socket is there before the kubelet",
  );
}

/** The Node's pods, and nothing else, run in it, on our pause image, with logs that are bounded. */
async function assertContainers(name: string, on: OnWorker): Promise<void> {
  const containers = await Promise.all(
    (await containerIds(on)).map((id) => docker<Container>(on, `containers/${id}/json`)),
  );
  const sandboxes = containers.filter(({ Name }) => Name.startsWith("/k8s_POD_"));
  assert.equal(sandboxes.length, (await podsOn(name)).length);
  for (const { Config } of sandboxes) assert.equal(Config.Image, `registry.lab/pause:${versions.pause}`);
  for (const { HostConfig } of containers)
    assert.deepEqual(HostConfig.LogConfig, { Type: "json-file", Config: { "max-size": "100m" } });
  const proxy = containers.find(({ Name }) => Name.startsWith("/k8s_kube-proxy_"))!;
  const [pod] = (await podsOn(name)).filter((pod) => pod.startsWith("kube-proxy-"));
  const [line = ""] = (await logsOf(pod!)).split("\n");
  assert.ok(
    line !== "" && (await on(`sudo -n cat ${proxy.LogPath}`)).includes(JSON.stringify(line).slice(1, -1)),
    "the pod's log is in json-file",
  );
}

/** A pod's logs. The API server asks the kubelet for them, which on a busy machine takes longer than a TLS handshake may. */
const logsOf = (pod: string) =>
  waitFor(
    () => kubectl(["--namespace", "kube-system", "logs", pod]).catch(() => undefined),
    () => new Error(`the kubelet did not give the logs of ${pod} in two minutes`),
    { timeoutMs: 120_000, intervalMs: 2_000 },
  );

const podsOn = async (name: string) =>
  (
    await kubectl([
      "get",
      "pods",
      "-A",
      "--field-selector",
      `spec.nodeName=${name}`,
      "-o",
      "jsonpath={.items[*].metadata.name}",
    ])
  )
    .trim()
    .split(" ");

/** When a unit became active in this boot, in microseconds. */
const startedAt = async (on: OnWorker, unit: string) =>
  Number(await on("systemctl", "show", "--value", "--property", "ActiveEnterTimestampMonotonic", unit));
