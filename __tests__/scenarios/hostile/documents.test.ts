import fc from "fast-check";
import { loadAll } from "js-yaml";
import { render, type RenderOptions } from "../../../cloudinit/render";
import { parseYaml } from "../../../cloudinit/yaml";
import type { Taint } from "../../../kubernetes/kubectl";
import { joinConfiguration } from "../../../kubernetes/kubeadm";
import { filesOf, renderOptions, userDataOf } from "../../support/cloudInit";
import { inGuest } from "../../support/guestRoot";
import { hostileText, words } from "../../support/hostile";

jest.setTimeout(120_000);

/** What YAML can say, whether a configuration would be let through with it or not. */
const text = hostileText.filter((value) => value.length < 10_000);

/** Every value of a rendering that is text and goes into it as it is. */
const fields = [
  "name",
  "zone",
  "sshUser",
  "sshPublicKey",
  "sshCaPublicKey",
  "kubernetesVersion",
  "kubernetesKeyUrl",
  "kubernetesKeyFingerprint",
  "containerdPackage",
  "dockerKeyUrl",
  "dockerKeyFingerprint",
  "criDockerdUrl",
  "criDockerdSha256",
  "sandboxImage",
  "locale",
  "timezone",
] as const;

const choice = { sshCa: true, mirror: false } as const;
const others = { kubernetesRepository: "https://k8s", dockerRepository: "https://docker" };
const withValues = (value: (field: string) => string, runtime: "containerd" | "docker") =>
  renderOptions(
    { ...others, ...(Object.fromEntries(fields.map((field) => [field, value(field)])) as Partial<RenderOptions>) },
    { ...choice, containerRuntime: runtime },
  );
const hostKeyOf = (value: (field: string) => string) => ({
  hostPrivateKey: value("hostPrivateKey"),
  hostPublicKey: value("hostPublicKey"),
});

/** A tree with every marker in it replaced by what stands for it. */
function replaced(tree: unknown, value: (field: string) => string): unknown {
  if (typeof tree === "string") return tree.replace(/@@(\w+)@@/g, (_, field: string) => value(field));
  if (typeof tree !== "object" || tree === null) return tree;
  return Array.isArray(tree)
    ? tree.map((item) => replaced(item, value))
    : Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, replaced(item, value)]));
}

describe("cloud-init's files", () => {
  test("hold whatever a value is as it is, and no key that was not there before", () => {
    const marker = (field: string) => `@@${field}@@`;
    fc.assert(
      fc.property(
        fc.constantFrom("containerd", "docker"),
        fc.array(text, { minLength: fields.length + 2, maxLength: fields.length + 2 }),
        (runtime, values) => {
          const all = [...fields, "hostPrivateKey", "hostPublicKey"] as string[];
          const value = (field: string) => values[all.indexOf(field)]!;
          const expected = render(withValues(marker, runtime), hostKeyOf(marker)).files;
          const { files } = render(withValues(value, runtime), hostKeyOf(value));
          expect(files["user-data"]).toMatch(/^#cloud-config\n/);
          expect(parseYaml(files["user-data"], "user-data")).toEqual(
            replaced(parseYaml(expected["user-data"], "user-data"), value),
          );
          expect(parseYaml(files["meta-data"], "meta-data")).toEqual({
            "local-hostname": value("name"),
            "instance-id": expect.stringMatching(/-[0-9a-f]{16}$/),
          });
          expect(files["network-config"]).toBe(expected["network-config"]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("say the same to cloud-init's own reader", async () => {
    const short = words.filter((word) => word.length < 300);
    const files = Object.fromEntries(
      short.map((word, index) => [
        `/check/${index}`,
        render(
          withValues(() => word, index % 2 === 0 ? "docker" : "containerd"),
          hostKeyOf(() => word),
        ).files["user-data"],
      ]),
    );
    const script = `python3 -c '
import json, os, yaml
load = lambda name: yaml.safe_load(open("/check/" + name, encoding="utf-8"))
print(json.dumps([load(str(number)) for number in range(len(os.listdir("/check")))]))'`;
    const { stdout, stderr } = await inGuest(script, files);
    expect(stderr).toBe("");
    const read = JSON.parse(stdout) as unknown[];
    expect(read).toHaveLength(short.length);
    read.forEach((tree, index) => expect(tree).toEqual(parseYaml(files[`/check/${index}`]!, "user-data")));
  });
});

test("the guest's programs take no argument for a command, in whatever shell", async () => {
  const scripts = {
    ...filesOf(userDataOf(renderOptions())),
    ...filesOf(
      userDataOf(renderOptions({ criDockerdUrl: "u", criDockerdSha256: "s" }, { containerRuntime: "docker" })),
    ),
  };
  const programs = Object.fromEntries(Object.entries(scripts).filter(([path]) => path.startsWith("/usr/local/sbin/")));
  const names = ["apt-get", "curl", "gpg", "systemctl", "containerd", "dpkg-query", "sha256sum"];
  const stubs = Object.fromEntries(
    names.map((name) => [`/usr/local/bin/${name}`, `#!/bin/sh\necho "${name} $*" >>/called\n`]),
  );
  const hostile = [
    "$(touch /pwned)",
    "`touch /pwned`",
    "; touch /pwned;",
    "' ; touch /pwned ; '",
    '"; touch /pwned; "',
    "\n touch /pwned\n",
    "END\ntouch /pwned\n",
    "--help",
    "*",
  ];
  const quoted = hostile.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const runs = Object.keys(programs).flatMap((program) =>
    ["dash", "bash"].flatMap((shell) =>
      quoted.map((word) => `${shell} ${program} ${Array(5).fill(word).join(" ")} </dev/null >/dev/null 2>&1 || true`),
    ),
  );
  const { stdout } = await inGuest(`${runs.join("\n")}\nls / | grep -c pwned || true; grep -c . /called`, {
    ...programs,
    ...stubs,
  });
  const [pwned, called] = stdout.split("\n").map(Number);
  expect(pwned).toBe(0);
  expect(called).toBeGreaterThan(runs.length / 2);
});

describe("kubeadm's configuration", () => {
  const taint = fc.record({
    key: text,
    value: text,
    effect: fc.constantFrom("NoSchedule", "NoExecute"),
  }) as fc.Arbitrary<Taint>;
  const options = fc.record({
    endpoint: text,
    caCertHash: text,
    token: text,
    name: text,
    criSocket: text,
    nodeIp: text,
    taints: fc.array(taint, { maxLength: 3 }),
    kubeletArgs: fc.dictionary(
      text.filter((key) => key !== "__proto__"),
      text,
      { maxKeys: 3, noNullPrototype: true },
    ),
    timeoutSeconds: fc.constant(5),
  });
  /** kubeadm cuts its input at lines that begin with three dashes, before it reads any YAML. */
  const cut = (documents: string) => documents.split(/^---/m).length;

  test.each(["v1.36.3", "v1.30.0"])("for a join with %s holds whatever a value is as it is", (version) => {
    fc.assert(
      fc.property(options, (given) => {
        const yaml = joinConfiguration(version, given);
        const args = Object.entries({ "node-ip": given.nodeIp, ...given.kubeletArgs });
        const [document, ...more] = loadAll(yaml) as [Record<string, Record<string, unknown>>];
        expect([more, cut(yaml)]).toEqual([[], 1]);
        expect(document.nodeRegistration).toEqual({
          name: given.name,
          criSocket: given.criSocket,
          taints: given.taints,
          kubeletExtraArgs:
            version === "v1.36.3" ? args.map(([name, value]) => ({ name, value })) : Object.fromEntries(args),
        });
        expect(document.discovery).toMatchObject({
          bootstrapToken: { apiServerEndpoint: given.endpoint, token: given.token, caCertHashes: [given.caCertHash] },
        });
      }),
      { numRuns: 200 },
    );
  });
});
