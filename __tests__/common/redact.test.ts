import fc from "fast-check";
import { newToken } from "../../kubernetes/bootstrapToken";
import { redact } from "../../common/redact";
import { newKeyPair } from "../support/sshServer";

test("a token's secret never comes through; its id stays", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(" ", '"', "\n", "="), (around, border) => {
      const token = newToken();
      const text = redact(`${around}${border}${token}${border}${around}`);
      return !text.includes(token.slice(7)) && text.includes(token.slice(0, 6));
    }),
  );
});

test.each(["\\n", "\u001b[32m", "_", "token"])(
  "a token after %j has no border, and does not come through",
  (before) => {
    expect(redact(`${before}abcdef.0123456789abcdef ${before}`)).not.toContain("0123456789");
  },
);

test.each([
  ["abcdef.0123456789abcd", "abcdef.<redacted>"],
  ["join abcdef.0123… and more", "join abcdef.<redacted>… and more"],
  ["join abcdef.0123... and more", "join abcdef.<redacted>... and more"],
  ["cdef.0123456789abcdef and more", "<redacted> and more"],
  ["…cdef.0123456789abcdef", "…<redacted>"],
])("a token that was cut does not come through: %s", (text, expected) => expect(redact(text)).toBe(expected));

test.each([
  "docker.service",
  "kubeadm.k8s.io/v1beta4",
  "config.v1beta4",
  "kube-node01.kube.demo",
  `sha256:${"0a".repeat(32)}`,
  "0a".repeat(32),
  "SHA256:mWk0d0Vw5t7nP4mQ3nT1w2Zs0Zp0y4m1b9J4oXv3xkE",
])("%s is no secret", (text) => expect(redact(text)).toBe(text));

const border = (edge: "BEGIN" | "END", kind = "OPENSSH") => `-----${edge} ${kind} PRIVATE KEY-----`;

test("private keys and key data never come through", () => {
  const text = `a\n${border("BEGIN")}\nc2VjcmV0\n${border("END")}\nclient-key-data: c2VjcmV0\n"client-key-data": "c2VjcmV0"\nb`;
  expect(redact(text)).toBe(
    'a\n<private key redacted>\nclient-key-data: <redacted>\n"client-key-data": "<redacted>"\nb',
  );
});

test("a bearer token does not come through", () =>
  expect(redact("token: eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl end")).toBe("token: <redacted> end"));

test.each([
  [
    "Err:1 https://user:pass%2Fword@mirror.example/debian trixie InRelease",
    "Err:1 https://<redacted>@mirror.example/debian trixie InRelease",
  ],
  ["http://token@mirror", "http://<redacted>@mirror"],
  ["https://mirror.example/a@b ssh debian@kube-mast01", "https://mirror.example/a@b ssh debian@kube-mast01"],
])("a login in a URL does not come through: %s", (text, expected) => expect(redact(text)).toBe(expected));

// Whatever a key's lines begin with: a slash does not make them a path.
describe.each(["", "/"])("a key that was cut, with lines that begin with %j", (first) => {
  const lines = newKeyPair()
    .private.trim()
    .split("\n")
    .map((line) => (line.length < 60 || line.startsWith("-----") ? line : `${first}${line.slice(first.length)}`));
  const cuts = lines
    .flatMap((_, from) => lines.map((_, to) => lines.slice(from, to + 1)))
    .filter((part) => part.some((line) => line.length >= 60));

  test.each(["\n", "\r\n", "\\n"])("anywhere does not come through, with lines that end in %j", (lineEnd) => {
    for (const part of cuts) {
      const text = redact(["before", ...part, ""].join(lineEnd));
      for (const line of part) expect(text).not.toContain(line);
      expect(text).toMatch(/^before/);
    }
  });

  test("within its label, or in one long line, does not come through", () => {
    const encoded = Buffer.from(lines.join("\n")).toString("base64");
    expect(redact(`key-data: ${encoded}`)).toBe("key-data: <redacted>");
  });

  test("at its end does not come through", () =>
    expect(redact(`${border("BEGIN", "RSA")}\nc2Vj`)).not.toContain("c2Vj"));
});
