import { SshError } from "../../ssh/error";
import {
  behind,
  checkKept,
  minorOf,
  noteBehind,
  serverVersion,
  skewProblem,
  versionsFor,
  versionToInstall,
} from "../../kubernetes/versionSkew";
import { FakeSession } from "../support/fakeSession";

test.each<[string, string, ReturnType<typeof skewProblem>]>([
  ["1.36.3", "v1.36.3", undefined],
  ["v1.36.9", "v1.36.3", undefined],
  ["1.37.0", "v1.36.3", "newer"],
  ["1.33.0", "v1.36.3", undefined],
  ["1.32.9", "v1.36.3", "too old"],
  ["1.25.0", "v1.28.0", undefined],
  ["1.24.0", "v1.28.0", "too old"],
  ["1.25.0", "v1.27.16", undefined],
  ["1.24.17", "v1.27.16", "too old"],
  ["1.29.15", "v1.29.15+suffix", undefined],
  ["1.23.17", "v1.24.17", "too old"],
  ["rubbish", "v1.36.3", "too old"],
])("a kubelet %s and an API server %s: %s", (kubelet, server, problem) =>
  expect(skewProblem(kubelet, server)).toBe(problem),
);

test("what an API server takes is named from the oldest to the newest", () => {
  expect(versionsFor("v1.36.3")).toBe("1.33.0 … 1.36.x");
  expect(versionsFor("v1.27.1")).toBe("1.25.0 … 1.27.x");
});

test.each<[string, { given?: string; kept?: string }, string]>([
  ["v1.29.15", {}, "1.29.15"],
  ["v1.33.1+rke2r1", {}, "1.33.1"],
  ["v1.36.3", { given: "1.34.0" }, "1.34.0"],
  ["v1.36.3", { given: "1.34.0", kept: "1.35.0" }, "1.34.0"],
  ["v1.36.3", { kept: "1.33.0" }, "1.33.0"],
  ["v1.36.3", { kept: "1.32.9" }, "1.36.3"],
  ["v1.36.3", { kept: "1.37.0" }, "1.36.3"],
])("with a cluster %s, %j becomes %s", (server, versions, version) =>
  expect(versionToInstall(server, versions)).toBe(version),
);

test.each<[string, string, RegExp]>([
  [
    "v1.36.3",
    "1.37.1",
    /^kubernetesVersion: 1\.37\.1 is newer than the cluster's v1\.36\.3; give 1\.33\.0 … 1\.36\.x, or nothing for the cluster's own\n→ pulumi config set kubernetesVersion/,
  ],
  [
    "v1.29.15",
    "1.25.0",
    /^kubernetesVersion: 1\.25\.0 is too old for the cluster's v1\.29\.15; give 1\.26\.0 … 1\.29\.x/,
  ],
])("a cluster %s refuses a given %s by its key", (server, given, message) =>
  expect(() => versionToInstall(server, { given, kept: "1.29.15" })).toThrow(message),
);

test("a cluster before 1.24 is refused by its version, whatever is given", () => {
  for (const versions of [{}, { given: "1.23.17" }, { kept: "1.23.17" }]) {
    expect(() => versionToInstall("v1.23.17", versions)).toThrow(
      /^the cluster's Kubernetes v1\.23\.17 is older than 1\.24, the oldest that this program joins workers to\n→ upgrade/,
    );
  }
  expect(() => checkKept("1.23.17", "v1.23.17", "n1")).toThrow(/is older than 1\.24/);
});

test("a pre-release of the cluster has no packages: a version is to be given", () =>
  expect(() => versionToInstall("v1.37.0-rc.1", {})).toThrow(
    /^kubernetesVersion: the cluster's own, v1\.37\.0-rc\.1, is a pre-release.*\n→ give one of 1\.34\.0 … 1\.37\.x/,
  ));

test.each<[string, string, string | undefined]>([
  ["v1.36.3", "v1.36.3", undefined],
  ["v1.36.4", "v1.36.3", undefined],
  ["v1.36.2", "v1.36.3", "its Kubernetes v1.36.2 is older than the cluster's v1.36.3"],
  [
    "v1.32.9",
    "v1.36.3",
    "its Kubernetes v1.32.9 is older than the cluster's v1.36.3, and no more than 3 minor versions behind is supported",
  ],
])("a worker with %s in a cluster %s: %s", (kubelet, server, text) => expect(behind(kubelet, server)).toBe(text));

test.each([
  "",
  "{}",
  "[]",
  '{"clientVersion":{"gitVersion":"v1.36.3"}}',
  '{"serverVersion":{"gitVersion":7}}',
  '{"serverVersion":{"gitVersion":"v2"}}',
  '{"serverVersion":{"gitVersion":"v1.36.3',
])(
  "an answer %j of kubectl version is an error, and no version",
  async (answer) =>
    await expect(serverVersion(new FakeSession([[/kubectl.* version/, answer]]))).rejects.toThrow(
      /^kubectl version did not answer/,
    ),
);

test("what is no version has no minor number", () =>
  expect(["1.36.3", "v1.29.15-rc.1+x", "v1.36", "1.x.3", ""].map(minorOf)).toEqual([36, 29, NaN, NaN, NaN]));

test("a note of a worker that is behind fails nothing, but for a connection that drops", async () => {
  const lines: string[] = [];
  const note = (answer: string | Error) =>
    noteBehind(new FakeSession([[/version/, answer]]), "n1", "v1.36.3", (line) => void lines.push(line));
  await note('{"serverVersion":{"gitVersion":"v1.36.4"}}');
  await note('{"serverVersion":{"gitVersion":"v2.0"}}');
  await note("rubbish");
  expect(lines).toEqual([
    expect.stringMatching(
      /^its Kubernetes v1\.36\.3 is older than the cluster's v1\.36\.4: replace it when that suits: pulumi up --replace '.*CloudInitIso::n1'/,
    ),
    "whether its Kubernetes v1.36.3 is older than the cluster's is not known: kubectl version did not answer with the API server's version",
    "whether its Kubernetes v1.36.3 is older than the cluster's is not known: kubectl version did not answer in JSON",
  ]);
  await expect(note(new SshError("dropped", "gone"))).rejects.toThrow("gone");
});
