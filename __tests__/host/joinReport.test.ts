import { namedCause } from "../../host/joinReport";

test.each([
  ['could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"', /token is not valid/],
  ["cluster CA found in cluster-info configmap is invalid: none of the public keys", /CA is not the pinned one/],
  ["x509: certificate has expired or is not yet valid: current time", /clocks/],
  ["dial tcp 192.168.4.20:6443: connect: no route to host", /cannot reach the API server/],
  ["running with swap on is not supported", /swap is on/],
  ["write /var/lib/x: no space left on device", /disk is full/],
])("%s", (said, cause) => expect(namedCause(said)).toMatch(cause));

test("what is not known has no name", () => expect(namedCause("all is well")).toBeUndefined());
