import fc from "fast-check";
import { newToken } from "../../host/kubeadm";
import { redact } from "../../host/redact";

test("a token's secret never comes through; its id stays", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(" ", '"', "\n", "="), (around, border) => {
      const token = newToken();
      const text = redact(`${around}${border}${token}${border}${around}`);
      return !text.includes(token.slice(7)) && text.includes(token.slice(0, 6));
    }),
  );
});

const border = (edge: "BEGIN" | "END", kind = "OPENSSH") => `-----${edge} ${kind} PRIVATE KEY-----`;

test("private keys and key data never come through", () => {
  const text = `a\n${border("BEGIN")}\nc2VjcmV0\n${border("END")}\nclient-key-data: c2VjcmV0\nb`;
  expect(redact(text)).toBe("a\n<private key redacted>\nclient-key-data: <redacted>\nb");
});

test("a key that was cut off does not come through either", () => expect(redact(`${border("BEGIN", "RSA")}\nc2Vj`)).not.toContain("c2Vj"));
