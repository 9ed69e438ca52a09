import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { join as joinByKubeadm, joinConfiguration } from "../../../kubernetes/kubeadm";
import { joinInformation } from "../../../kubernetes/clusterInfo";
import { newToken, registerToken } from "../../../kubernetes/bootstrapToken";
import { withSession } from "../../../ssh/session";
import { ensureTokenGroup } from "../../../kubernetes/tokenGroup";
import { effects, record, type Recording, wording } from "../../../dev/lab/recording";
import { type Cast, steps } from "../../../dev/lab/recordingSteps";
import { KUBEADM_GROUP } from "../../../dev/simulator/bootstrap";
import { type ServedSite, bootWorker, servedSite } from "../../support/servedSite";

/**
 * The simulated kubeadm and kubectl, held against the real ones: the same story, told by the program's own code, was
 * recorded in the lab by
 * `npx tsx dev/lab/record.ts`.
 */
const folder = join(__dirname, "recordings");
const recordings = (existsSync(folder) ? readdirSync(folder) : [])
  .sort()
  .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Recording);
const cast: Cast = { worker: "kube-node03", bystander: "kube-node01", address: "192.168.2.131" };
const simulated = new Map<string, Recording>();
let site: ServedSite;

beforeAll(async () => {
  site = await servedSite();
  await joined(cast.bystander);
  const worker = site.workerTarget(cast.worker, await joined(cast.worker));
  await withSession(site.masterTarget(), { deadlineMs: 10_000, what: "master" }, async (master) => {
    await withSession(worker, { deadlineMs: 10_000, what: "worker" }, async (worker) => {
      for (const [name, step] of Object.entries(steps))
        simulated.set(name, await record(name, { master, worker }, (stage) => step(stage, cast)));
    });
  });
});
afterAll(() => site.remove());

/** A worker that has joined. */
async function joined(name: string) {
  const worker = await bootWorker(site, name, { reboots: false });
  const token = newToken();
  const nodeIp = name === cast.worker ? cast.address : "192.168.2.130";
  const options = {
    token,
    name,
    criSocket: "unix:///run/containerd/containerd.sock",
    nodeIp,
    taints: [],
    kubeletArgs: {},
    timeoutSeconds: 10,
  };
  const information = await withSession(site.masterTarget(), { deadlineMs: 10_000, what: "master" }, async (master) => {
    await ensureTokenGroup(master, { stack: "kube/test", name });
    await registerToken(master, token, { ttlMinutes: 1, description: "", group: KUBEADM_GROUP });
    return joinInformation(master);
  });
  const configuration = joinConfiguration("v1.36.3", { ...options, ...information });
  await withSession(site.workerTarget(name, worker), { deadlineMs: 10_000, what: name }, (session) =>
    joinByKubeadm(session, configuration, 10_000),
  );
  return worker;
}

test("every step was recorded: npx tsx dev/lab/record.ts", () =>
  expect(recordings.map(({ name }) => name)).toEqual(Object.keys(steps)));

test.each(Object.keys(steps))("%s", (name) => {
  const real = recordings.find((recording) => recording.name === name);
  expect(essence(simulated.get(name)!)).toEqual(real && essence(real));
});

/**
 * Which commands, how they ended, what kind of failure they told, what they did, and what the program read out of it.
 */
const essence = ({ exchanges, read }: Recording) => ({
  exchanges: exchanges.map(({ machine, command, exitCode, stdout, stderr }) => ({
    machine,
    command,
    exitCode,
    failure: exitCode === 0 ? [] : wording(stderr),
    did: effects(stdout),
  })),
  read,
});
