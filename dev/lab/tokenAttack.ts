import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../common/errors";
import { newToken, registerToken, revokeToken, tokenId } from "../../kubernetes/bootstrapToken";
import { startApproving } from "../../kubernetes/kubeletApproval";
import type { SshSession } from "../../ssh/session";
import { ensureTokenGroup, releaseTokenGroup } from "../../kubernetes/tokenGroup";
import { kubectl } from "./controlPlane";
import { machineExec } from "./machine";
import { waitFor } from "./waitFor";

/** The group of kubeadm's own tokens. */
const KUBEADM_GROUP = "system:bootstrappers:kubeadm:default-node-token";

/** A worker that there is not. */
const NAME = "kube-attack";
const holder = { stack: "lab/attack", name: NAME };

/** Commands on the master, as the program runs them over SSH. */
const master: SshSession = {
  // A pipe, which unlike our end of it can be opened as /dev/stdin.
  exec: (command, { input = "", timeoutMs } = {}) =>
    machineExec("kube-mast01", ["sh", "-c", `cat | ${command}`], { input, timeoutMs }),
  run: async (command, options) => {
    const { stdout, stderr, exitCode } = await master.exec(command, options);
    if (exitCode !== 0) throw new UserError(`${command} failed`, { output: stderr });
    return stdout;
  },
};

/**
 * What root on a worker can do with its token, tried against the real API server and controller manager: with one of
 * kubeadm's own group it gets a certificate for any node; with one of ours for its own alone, and only from the
 * program.
 * @returns how long the program took from the request to the certificate, in milliseconds
 */
export async function attackWithTokens(): Promise<number> {
  const [theirs, ours] = [newToken(), newToken()];
  await ensureTokenGroup(master, holder);
  try {
    await registerToken(master, theirs, { ttlMinutes: 5, description: "attack", group: KUBEADM_GROUP });
    await registerToken(master, ours, { ttlMinutes: 5, description: "attack" });
    // The other half of the proof: the attack works with the tokens that kubeadm makes.
    await ask(theirs, "attack-theirs", "kube-mast01");
    await waitFor(
      async () => (await decisionOf("attack-theirs")) === "Approved" || undefined,
      () => new UserError("kubeadm's own group had no approval"),
      { timeoutMs: 30_000, intervalMs: 300 },
    );

    await ask(ours, "attack-master", "kube-mast01");
    await ask(ours, "attack-node", "kube-node02");
    await ask(ours, "attack-own", NAME);
    await sleep(5_000);
    for (const name of ["attack-master", "attack-node", "attack-own"])
      assert.equal(await decisionOf(name), "", `${name} was decided on by somebody else`);

    const lines: string[] = [];
    const approval = startApproving(master, { name: NAME, tokenId: tokenId(ours) }, (line) => void lines.push(line));
    const issued = async (name: string) =>
      (await kubectl(["get", "csr", name, "-o", "jsonpath={.status.certificate}"])) || undefined;
    await waitFor(
      () => issued("attack-own"),
      () =>
        new UserError("the worker's own certificate was not issued", {
          output: [...lines, approval.trouble].join("\n"),
        }),
      { timeoutMs: 30_000 },
    );
    const start = performance.now();
    await ask(ours, "attack-again", NAME);
    await waitFor(
      () => issued("attack-again"),
      () => new UserError("a second certificate was not issued"),
      { timeoutMs: 30_000, intervalMs: 50 },
    );
    const tookMs = performance.now() - start;
    await approval.end();
    assert.equal(lines.filter((line) => line.includes("is denied")).length, 2, lines.join("\n"));
    assert.equal(approval.denied.length, 1, "one kind of misuse is told once");
    for (const name of ["attack-master", "attack-node"]) {
      assert.equal(await decisionOf(name), "Denied");
      assert.equal(await issued(name), undefined);
    }
    return tookMs;
  } finally {
    for (const token of [theirs, ours]) await revokeToken(master, tokenId(token));
    await kubectl([
      "delete",
      "csr",
      "--ignore-not-found",
      "attack-theirs",
      "attack-master",
      "attack-node",
      "attack-own",
      "attack-again",
    ]);
    await releaseTokenGroup(master, holder);
  }
}

const decisionOf = (name: string) => kubectl(["get", "csr", name, "-o", "jsonpath={.status.conditions[*].type}"]);

/** Asks for a kubelet's certificate with nothing but a token, as `openssl` and `curl` on a worker could. */
async function ask(token: string, name: string, node: string): Promise<void> {
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /dev/null";
  const request = await master.run(`openssl req -new ${key} -subj /O=system:nodes/CN=system:node:${node}`);
  const object = {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name },
    spec: {
      request: Buffer.from(`${request.trimEnd()}\n`).toString("base64"),
      signerName: "kubernetes.io/kube-apiserver-client-kubelet",
      usages: ["digital signature", "client auth"],
    },
  };
  const login = `--kubeconfig=/dev/null --server=https://kube-mast01.kube.demo:6443 --certificate-authority=/etc/kubernetes/pki/ca.crt --token=${token}`;
  await master.run(`kubectl ${login} create --filename=-`, { input: JSON.stringify(object) });
}
