import * as pulumi from "@pulumi/pulumi";
import { keptSecret, secretsOfConfiguration } from "../../providers/secretValues";

beforeAll(() =>
  pulumi.runtime.setMocks({ newResource: () => ({ id: "", state: {} }), call: () => ({}) }, "vbox-kubeadm", "dev"),
);

/** A configuration, all of whose keys are secret but `zone`. */
function secretsIn(values: Record<string, string>) {
  const keys = Object.keys(values).map((key) => `vbox-kubeadm:${key}`);
  pulumi.runtime.setAllConfig(
    {
      ...Object.fromEntries(keys.map((key, index) => [key, Object.values(values)[index]!])),
      "vbox-kubeadm:zone": "kube.demo",
    },
    keys,
  );
  return secretsOfConfiguration();
}

const url = "https://user:token@mirror.example/debian/";

test.each<[string, Record<string, string>, unknown, boolean]>([
  ["the value itself", { debianMirror: url }, url, true],
  ["text that has it in it, however deep", { debianMirror: url }, { a: [{ b: `from ${url} on` }] }, true],
  ["a part of an object", { bastion: '{"vm":"gate","user":"operator"}' }, "operator@192.0.2.1", true],
  ["a part of a list", { masters: '["operator@master-seven:2222"]' }, { address: "master-seven", port: 2222 }, true],
  ["another case", { kubernetesKeyFingerprint: "abcdef" }, "ABCDEF", true],
  ["a path below the home folder", { sshPrivateKeyFile: "~/.ssh/hidden" }, "/home/user/.ssh/hidden", true],
  ["a number", { vramMb: "33" }, { vramMb: 33 }, true],
  ["short text in another one", { locale: "C" }, "COMMAND", false],
  ["what is not secret", { debianMirror: url }, "kube.demo", false],
  ["an empty value", { debianMirror: "" }, "", false],
])("knows %s", (_what, values, value, expected) => expect(secretsIn(values)(value)).toBe(expected));

test("keeps what is secret so, in an output too, and leaves the rest as it is", async () => {
  const isSecret = secretsIn({ debianMirror: url });
  const isOutputSecret = (value: unknown) => pulumi.isSecret(value as pulumi.Output<unknown>);
  expect(keptSecret({ name: "a", list: [1] }, isSecret)).toEqual({ name: "a", list: [1] });
  expect(await isOutputSecret(keptSecret(url, isSecret))).toBe(true);
  expect(await isOutputSecret(keptSecret(pulumi.output({ a: [url] }), isSecret))).toBe(true);
  expect(await isOutputSecret(keptSecret(pulumi.output("kube.demo"), isSecret))).toBe(false);
});

test("without secrets nothing is looked at", () => {
  const value = { a: pulumi.output("x") };
  expect(secretsIn({})(value)).toBe(false);
});
