import fc from "fast-check";
import { readConfiguration } from "../../config/configuration";
import { strandedKeys, unknownKeys } from "../../config/unknownKeys";
import { configurationOf, projectKeys } from "../support/configuration";

const known = Object.keys(projectKeys);
const problemOf = (key: string) =>
  unknownKeys([`vbox-kubeadm:${key}`], "vbox-kubeadm", known).map(([, problem]) => problem);

test.each<[string, RegExp]>([
  ["workercount", /did you mean workerCount\?.*pulumi config rm workercount/],
  ["workerNmaes", /did you mean workerNames\?/],
  ["memoryMB", /did you mean memoryMb\?/],
  ["kubernetsVersion", /did you mean kubernetesVersion\?/],
  ["httpProxy", /remove it with `pulumi config rm httpProxy`/],
  [
    "workerOverrides.kube-node02.cpus",
    /pulumi config set --path 'workerOverrides\.kube-node02\.cpus' VALUE.*pulumi config rm workerOverrides\.kube-node02\.cpus/,
  ],
  ["masters[0]", /pulumi config set --path 'masters\[0\]' VALUE/],
])("the unknown key %s is refused with what to give", (key, message) =>
  expect(problemOf(key)).toEqual([expect.stringMatching(message)]),
);

test("every key with one letter left out is refused with the key that is meant, unless that is a key too", () => {
  fc.assert(
    fc.property(fc.constantFrom(...known.filter((key) => key.length > 5)), fc.nat(), (key, at) => {
      const misspelt = key.slice(0, at % key.length) + key.slice((at % key.length) + 1);
      fc.pre(!known.includes(misspelt));
      expect(problemOf(misspelt)).toEqual([expect.stringMatching(/^there is no such key; did you mean \w+\?/)]);
    }),
  );
});

test("every known key, and every key of another namespace, is left alone", () => {
  expect(
    unknownKeys([...known.map((key) => `vbox-kubeadm:${key}`), "aws:region", "pulumi:tags"], "vbox-kubeadm", known),
  ).toEqual([]);
});

test("unknown keys and wrong values are told together, and nothing else is read", () => {
  const config = configurationOf({ workercount: 5, cpus: 0 });
  expect(() => readConfiguration(config)).toThrow(
    /workercount: there is no such key; did you mean workerCount\?[^]*cpus: give at least 1/,
  );
});

test("keys that a project of another name left behind are named, but for an installed provider's", () => {
  const given = ["mycluster:cpus", "vbox-kubeadm:workerCount", "gcp:zone", "aws:region", "pulumi:masters"];
  const isProvider = (name: string) => name === "gcp";
  expect(strandedKeys(given, "mycluster", known, isProvider)).toMatch(
    /vbox-kubeadm:workerCount; this project is mycluster: write mycluster:KEY/,
  );
  expect(strandedKeys(["mycluster:cpus", "gcp:zone"], "mycluster", known, isProvider)).toBeUndefined();
});
