import { ApiUnreachable, getNode, kubectl } from "../../kubernetes/kubectl";
import { SshError } from "../../ssh/error";
import { type Trouble, troubled, troubleKinds } from "../../dev/simulator/apiTroubles";
import { FakeSession } from "../support/fakeSession";

const failure = async (answer: ReturnType<typeof troubled> | Error) =>
  getNode(new FakeSession([[/get node/, answer]]), "n1").then(fail, (error: Error) => error);
const fail = () => {
  throw new Error("it succeeded");
};

const named: Partial<Record<Trouble, RegExp>> = {
  expired:
    /^the certificate of the cluster's API server has expired\n.*x509[^]*\n→ .*`kubeadm certs renew all`.*static pods/,
  unauthorized:
    /^the cluster's API server does not accept its master's admin\.conf\n {4}error: You must be logged in[^]*\n→ .*`kubeadm certs renew all`/,
  forbidden: /^the cluster's API server does not allow this to its master's admin\.conf\n/,
  otherCa: /another CA\n[^]*compare \/etc\/kubernetes\/pki\/ca\.crt/,
  noAdminConf: /^this master has no \/etc\/kubernetes\/admin\.conf\n/,
};

test.each(troubleKinds)("a cluster that does not do its work: %s", async (kind) => {
  const error = await failure(troubled(kind));
  expect(error).toBeInstanceOf(ApiUnreachable);
  expect(error.message).toMatch(named[kind] ?? /^the cluster's API server does not answer its own master\n/);
  expect(error.message).not.toMatch(/memcache/);
});

test.each<[string, number, string]>([
  ["nothing that anybody has seen before", 1, "what is this"],
  ["no word", 1, ""],
  ["a kubectl that was killed", 137, "Killed"],
])("what is not understood is no refusal: %s", async (_what, exitCode, stderr) => {
  expect(await failure({ stdout: "", stderr, exitCode })).toBeInstanceOf(ApiUnreachable);
});

test("a kubectl that hangs is asked no more questions", async () => {
  expect(await failure(new SshError("timeout", "the command did not end within 120 s"))).toBeInstanceOf(ApiUnreachable);
});

test.each<[string, number, string]>([
  ["by the server", 1, 'Error from server (NotFound): nodes "n1" not found'],
  [
    "by the server, of another version meanwhile",
    1,
    'Error from server (Conflict): Operation cannot be fulfilled on nodes "n1": the object has been modified',
  ],
  [
    "by the server, as malformed",
    1,
    "Error from server (BadRequest): the server rejected our request for an unknown reason",
  ],
  ["by the server, of a value", 1, 'The Node "n1" is invalid: x\nError from server (Invalid): y'],
  ["by kubectl", 1, 'error: taint "a:NoSchedule" not found'],
  ["by sudo", 1, "sudo: a password is required"],
  ["by the shell", 127, "bash: line 1: sudo: command not found"],
])("a refused command is refused: %s", async (_what, exitCode, stderr) => {
  const error = await failure({ stdout: "", stderr, exitCode });
  expect(error).not.toBeInstanceOf(ApiUnreachable);
  expect(error.message).toMatch(/^kubectl get node n1 failed with exit code \d+\n/);
});

test("a session that is patient asks again, and a refused command is not tried twice", async () => {
  const answers = [troubled("leader"), troubled("eof"), "node/n1 labeled"];
  const session = Object.assign(
    new FakeSession([
      [/label/, () => answers.shift()!],
      [/taint/, { exitCode: 1, stderr: "Error from server (NotFound): no" }],
    ]),
    { patienceMs: 10_000 },
  );
  expect(await kubectl(session, ["label", "node", "n1", "a=b"])).toBe("node/n1 labeled");
  await expect(kubectl(session, ["taint", "node", "n1", "a=b:NoSchedule"])).rejects.toThrow("failed with exit code 1");
  expect(session.ran).toHaveLength(4);
});
