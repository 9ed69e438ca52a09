import fc from "fast-check";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isKubeletsRequest } from "../../kubernetes/certificateRequest";
import { run } from "../../dev/lab/exec";

const REAL = `-----BEGIN CERTIFICATE REQUEST-----
MIHzMIGZAgEAMDcxFTATBgNVBAoTDHN5c3RlbTpub2RlczEeMBwGA1UEAxMVc3lz
dGVtOm5vZGU6a3ViZS1yZWFsMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjnEb
JknUPsv2bqnQ5pvpbt8SXncFR5wIMVvbPbT0rdpxlnjTyZGkwDP2iGjeWz40Vibj
xIOqomt+xIDgiGLG6aAAMAoGCCqGSM49BAMCA0kAMEYCIQCMVWFWeXm6pfcfDRDA
kmp5E5FCCps9G1Re4CuwV2o8kgIhANXQSlxvK3fuPtTl2PLyDhp47vK4YBTYNabp
6XkLlK7X
-----END CERTIFICATE REQUEST-----
`;

let folder: string;
let genuine: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "csr-"));
  genuine = await request();
});
afterAll(() => rm(folder, { recursive: true }));

const OWN = "/O=system:nodes/CN=system:node:kube-node01";

/** A request as OpenSSL makes it. */
async function request(subject = OWN, ...options: string[]): Promise<string> {
  const file = join(folder, "request.pem");
  const key = options.includes("rsa:2048") ? [] : ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  await run("openssl", [
    "req",
    "-new",
    "-nodes",
    ...key,
    "-keyout",
    "/dev/null",
    "-subj",
    subject,
    ...options,
    "-out",
    file,
  ]);
  return readFile(file, "utf8");
}

/** A configuration of OpenSSL's that writes printable strings, as Go does. */
async function printable(): Promise<string> {
  const configuration = join(folder, "printable.cnf");
  await run("sh", [
    "-c",
    `printf '[req]\\nstring_mask = default\\ndistinguished_name = dn\\n[dn]\\n' > ${configuration}`,
  ]);
  return request(OWN, "-config", configuration);
}

test("a request for the node's own name, in either kind of string and with either kind of key", async () => {
  expect(isKubeletsRequest(genuine, "kube-node01")).toBe(true);
  expect(isKubeletsRequest(await printable(), "kube-node01")).toBe(true);
  expect(isKubeletsRequest(await request(OWN, "-newkey", "rsa:2048"), "kube-node01")).toBe(true);
});

test("what a real kubelet 1.36.3 asked for", () => {
  expect(isKubeletsRequest(REAL, "kube-real")).toBe(true);
  expect(isKubeletsRequest(REAL, "kube-node01")).toBe(false);
});

test.each([
  ["another node", "/O=system:nodes/CN=system:node:kube-node02"],
  ["a master", "/O=system:nodes/CN=system:node:kube-mast01"],
  ["a name that goes on", "/O=system:nodes/CN=system:node:kube-node011"],
  ["another group", "/O=system:masters/CN=system:node:kube-node01"],
  ["a second group", "/O=system:nodes/O=system:masters/CN=system:node:kube-node01"],
  ["a second name", `${OWN}/CN=system:node:kube-node02`],
  ["two names at one place", `${OWN}+CN=system:node:kube-node02`],
  ["more beside", `${OWN}/OU=x`],
  ["no group", "/CN=system:node:kube-node01"],
  ["the other order", "/CN=system:node:kube-node01/O=system:nodes"],
])("no request for %s", async (_what, subject) => {
  expect(isKubeletsRequest(await request(subject), "kube-node01")).toBe(false);
});

test.each(["DNS:kube-node02", "IP:192.168.2.1", "email:a@b", "URI:spiffe://x"])(
  "no request with the alternative name %s",
  async (name) => {
    expect(isKubeletsRequest(await request(OWN, "-addext", `subjectAltName=${name}`), "kube-node01")).toBe(false);
  },
);

test("nothing around the one block, nothing left out, and no other block", () => {
  const [, body = ""] = /-----\n([^-]*)-----END/.exec(genuine)!;
  const armoured = (text: string) => `-----BEGIN CERTIFICATE REQUEST-----\n${text}-----END CERTIFICATE REQUEST-----\n`;
  expect(isKubeletsRequest(armoured(body), "kube-node01")).toBe(true);
  for (const other of [
    "",
    genuine + genuine,
    `x\n${genuine}`,
    `${genuine}x`,
    genuine.replaceAll("CERTIFICATE REQUEST", "CERTIFICATE"),
    genuine.replaceAll("\n", "\r\n"),
    armoured(`Header: 1\n\n${body}`),
    armoured(body.slice(0, -5)),
    armoured(`${body.trim()}AAAA\n`),
    armoured("A".repeat(100_000)),
  ]) {
    expect(isKubeletsRequest(other, "kube-node01")).toBe(false);
  }
});

test("no byte of its frame may differ, and none may be missing", () => {
  const der = Buffer.from(genuine.replace(/-----.*-----/g, ""), "base64");
  const pem = (bytes: Buffer) =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
  expect(isKubeletsRequest(pem(der), "kube-node01")).toBe(true);
  // Outer header, inner header, version, subject: the key and the signature behind them are the API server's to check.
  const frame = der.indexOf(Buffer.from("system:node:kube-node01")) + "system:node:kube-node01".length;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: frame - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Buffer.from(der);
      changed[at]! ^= by;
      return !isKubeletsRequest(pem(changed), "kube-node01");
    }),
  );
  for (let length = 0; length < der.length; length++)
    expect(isKubeletsRequest(pem(der.subarray(0, length)), "kube-node01")).toBe(false);
});
