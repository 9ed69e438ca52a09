import fc from "fast-check";
import { inputProblems } from "../../cloudinit/problems";
import { renderOptions } from "../support/cloudInit";

test("what is right has no problem", () => {
  expect(inputProblems({ ...renderOptions(), path: "/tmp/x.iso", intact: true })).toEqual({});
});

test("what is absent is not known yet", () => {
  expect(inputProblems({ name: "kube-node01" })).toEqual({});
});

const rightKey = renderOptions().sshPublicKey;

test.each([
  ["name", ["Kube", "-a", "a-", "a.b", "a".repeat(64), "", "a\n", 5], ["a", "kube-node01", "a".repeat(63)]],
  ["zone", ["kube_demo", ".demo", "demo.", "a..b", "Demo"], ["kube.demo", "local"]],
  ["path", ["relative.iso", "/tmp/x.img"], ["/tmp/x.iso"]],
  ["distro", ["fedora"], ["debian", "ubuntu"]],
  ["sshUser", ["root", "de bian", "1a", "A"], ["debian", "_a-b"]],
  [
    "sshPublicKey",
    [
      "",
      "ssh-ed25519",
      "ssh-rsa " + rightKey.split(" ")[1],
      `${rightKey}\nssh-ed25519 AAAA`,
      `${rightKey}\n`,
      `command="x" ${rightKey}`,
      "-----BEGIN",
    ],
    [rightKey, rightKey.split(" ").slice(0, 2).join(" ")],
  ],
  ["sshCaPublicKey", ["x"], [rightKey]],
  [
    "macAddresses",
    [[], ["08:00:27:A1:B2:C3"], ["080027a1b2c3"], ["080027A1B2C3", "080027A1B2C3"], "080027A1B2C3"],
    [["080027A1B2C3", "080027A1B2C4"]],
  ],
  ["kubernetesVersion", ["v1.36.3", "1.36", "1.36.3-1.1", "latest"], ["1.36.3"]],
  [
    "kubernetesRepository",
    ["pkgs.k8s.io", "https://x y", "https://x/'", "https://x/$(id)", "https://x]"],
    ["https://x/core:/stable:/v1.36/deb/", "file:///srv/x"],
  ],
  ["kubernetesKeyFingerprint", ["DE15", "d".repeat(40)], ["D".repeat(40)]],
  ["containerdPackage", ["docker.io"], ["containerd", "containerd.io"]],
  ["dockerPackage", ["docker", "containerd"], ["docker-ce", "docker.io"]],
  ["criDockerdSha256", ["x".repeat(64), "A".repeat(64)], ["a".repeat(64)]],
  ["sandboxImage", ["pause'", "x y", "$(id)"], ["registry.k8s.io/pause:3.10", "registry.lab:5000/a/pause@sha256:00"]],
  ["packageUpgrade", ["true"], [true, false]],
  ["locale", ["en_US", "en_US.ISO-8859-1", "x; id"], ["en_US.UTF-8", "C.UTF-8"]],
  ["timezone", ["../etc/passwd", "UTC ", "/UTC"], ["UTC", "America/Argentina/Buenos_Aires"]],
] as const)("%s", (property, wrong, right) => {
  for (const value of wrong)
    expect(inputProblems({ [property]: value })).toEqual({ [property]: expect.stringMatching(/ will not do; give /) });
  for (const value of right) expect(inputProblems({ [property]: value })).toEqual({});
});

test("no value that passes can leave its place in a shell's word, in YAML or in an apt source", () => {
  const properties = [
    "name",
    "zone",
    "sshUser",
    "kubernetesVersion",
    "kubernetesRepository",
    "dockerKeyUrl",
    "sandboxImage",
    "locale",
    "timezone",
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...properties),
      fc.string(),
      fc.constantFrom("'", '"', "\n", "`", "$(", "\\", " ", "[", "\0"),
      (property, text, bad) => {
        expect(inputProblems({ [property]: `a${text}${bad}b` })).toHaveProperty(property);
      },
    ),
  );
});

test("a value of the user's own that a template has must be given, once it is known which there are, and is never shown", () => {
  const userData = "a: ${userDataValues.password}";
  expect(inputProblems({ userData })).toEqual({});
  expect(inputProblems({ userData, userDataValues: { password: "x" } })).toEqual({});
  expect(inputProblems({ userData, userDataValues: {} })).toEqual({
    userData: expect.stringContaining("userDataValues.password: the user-data template has"),
  });
  expect(JSON.stringify(inputProblems({ userDataValues: { password: "hunter2\0" } }))).toMatch(
    /what is there will not do/,
  );
});

test.each([
  ["userData", "a: ${nmae}", "user-data: ${nmae} is no placeholder"],
  ["metaData", "a: [", "meta-data is not YAML"],
  ["networkConfig", "a: x${ethernets}", "network-config: ${ethernets} is no text"],
])("a broken template in %s", (property, template, message) => {
  expect(inputProblems({ [property]: template })).toEqual({ [property]: expect.stringContaining(message) });
});
