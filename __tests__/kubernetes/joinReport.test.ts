import { CAUSES, namedCause } from "../../kubernetes/joinReport";

test.each([
  ['could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"', /token is not valid/],
  ["cluster CA found in cluster-info configmap is invalid: none of the public keys", /CA is not the pinned one/],
  [
    "x509: certificate has expired or is not yet valid: current time 2026-11-27T20:08:31Z is after 2026-11-20T10:00:00Z",
    /kubeadm certs renew all/,
  ],
  [
    "x509: certificate has expired or is not yet valid: current time 2025-11-27T20:08:31Z is before 2026-11-20T10:00:00Z",
    /clock is behind/,
  ],
  ['Error from server (NotFound): configmaps "cluster-info" not found', /kubeadm init phase bootstrap-token/],
  [
    "couldn't validate the identity of the API Server: failed to request the cluster-info ConfigMap: Unauthorized",
    /anonymous-auth/,
  ],
  ["sudo: a password is required", /NOPASSWD/],
  [
    '[WARNING HTTPProxy]: Connection to "https://192.168.4.20" uses proxy "http://proxy:3128"\nGet "https://192.168.4.20:6443": context deadline exceeded: connect: connection refused',
    /NO_PROXY/,
  ],
  [
    'runc create failed: expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups',
    /cgroup drivers/,
  ],
  [
    '"command failed" err="failed to run Kubelet: rpc error: code = Unimplemented desc = unknown method RuntimeConfig for service runtime.v1.RuntimeService"',
    /containerd 2/,
  ],
  [
    "W: GPG error: https://pkgs.k8s.io InRelease: The following signatures were invalid: EXPKEYSIG 234654DA9A296436 isv:kubernetes",
    /kubernetesKeyUrl/,
  ],
  [
    "Policy rejected packet type  Caused by:     Signature Packet v3 is not considered secure since 2026-02-01T00:00:00Z",
    /Debian 12/,
  ],
  [
    "rpc error: code = Unavailable: no space left on device; dial tcp 192.168.4.20:6443: connect: connection refused",
    /disk is full/,
  ],
  ["dial tcp 192.168.4.20:6443: connect: no route to host", /cannot reach the API server/],
  ["running with swap on is not supported", /swap is on/],
  ["write /var/lib/x: no space left on device", /disk is full/],
])("%s", (output, cause) => expect(namedCause(output)).toMatch(cause));

test("what every kubelet says with containerd 1.7 is no cause", () => {
  expect(
    namedCause(
      '"RuntimeConfig from runtime service failed" err="rpc error: code = Unimplemented desc = unknown method RuntimeConfig"',
    ),
  ).toBeUndefined();
});

test("what is not known has no name", () => expect(namedCause("all is well")).toBeUndefined());

// A worker writes what they are tried on. Each repetition that has no end, at each place of a long text, would take
// time by its square.
test.each(CAUSES)("%s repeats nothing without end", ({ source }) =>
  expect(source.replace(/\\./g, "").replace(/\[[^\]]*\]/g, "")).not.toMatch(/[*+]|\{\d+,\}/),
);

test("a cause is looked for at the end of a long log", () => {
  const swap = "running with swap on is not supported";
  expect([namedCause(`${"x\n".repeat(100_000)}${swap}`), namedCause(`${swap}\n${"x\n".repeat(100_000)}`)]).toEqual([
    expect.stringMatching(/swap is on/),
    undefined,
  ]);
});
