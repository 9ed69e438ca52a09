import { join } from "node:path";
import type { Exec } from "../../../common/exec";
import { goBuild } from "../../../dev/lab/goBuild";

type Call = Parameters<Exec>;

/** A machine where every program runs well, except as told. */
function machine(answers: Record<string, () => { exitCode?: number; stderr?: string }> = {}) {
  const calls: Call[] = [];
  const run: Exec = (...call) => {
    calls.push(call);
    const answer = Object.entries(answers).find(([start]) => [call[0], ...call[1]].join(" ").startsWith(start))?.[1];
    return new Promise((resolve) => resolve({ stdout: "", stderr: "", exitCode: 0, ...answer?.() }));
  };
  return { run, calls };
}

const build = { module: "pause", packages: ["."], program: "pause" };

test("a plain build is static, pinned and free of this machine's paths", async () => {
  const { run, calls } = machine();
  await goBuild({ ...build, define: { "main.version": "v1" } }, "/out", run);
  expect(calls.at(-1)).toMatchObject([
    "go",
    [
      "build",
      "-mod=readonly",
      "-trimpath",
      "-buildvcs=false",
      "-tags",
      "",
      "-ldflags",
      "-s -w -X main.version=v1",
      "-o",
      "/out/pause",
      ".",
    ],
    { cwd: join(__dirname, "../../../dev/tools/pause"), env: { CGO_ENABLED: "0", GOWORK: "off" } },
  ]);
});

test("several packages go into the folder by their own names", async () => {
  const { run, calls } = machine();
  await goBuild({ module: "kubernetes", packages: ["a/kubeadm", "a/kubelet"] }, "/out", run);
  expect(calls.at(-1)?.[1].slice(-4)).toEqual(["-o", "/out/", "a/kubeadm", "a/kubelet"]);
});

test("with C it is linked statically as well", async () => {
  const { run, calls } = machine();
  await goBuild({ ...build, cgo: true }, "/out", run);
  expect(calls.at(-1)?.[1]).toEqual(
    expect.arrayContaining(["netgo,osusergo", "-s -w -linkmode external -extldflags -static"]),
  );
  expect(calls.at(-1)?.[2]?.env).toMatchObject({ CGO_ENABLED: "1" });
});

const missing = () => {
  throw new Error("ENOENT");
};

test.each([
  ["no go", { "go env": missing }, /go is needed.*\n→ install Go/],
  [
    "a go that is too old",
    { "go env": () => ({ exitCode: 1, stderr: "go.mod requires go >= 1.26" }) },
    /requires go >= 1\.26\n→ install Go/,
  ],
  ["no C compiler", { gcc: missing }, /→ install gcc and libc6-dev/],
  [
    "no modules",
    { "go build": () => ({ exitCode: 1, stderr: "dial tcp: lookup failed" }) },
    /lookup failed\n→ .*GOPROXY/,
  ],
])("with %s it says what to do", async (_what, answers, message) => {
  const { run } = machine(answers);
  await expect(goBuild({ ...build, cgo: true }, "/out", run)).rejects.toThrow(message);
  await expect(goBuild({ ...build, cgo: true }, "/out", run)).rejects.toMatchObject({ name: "UserError" });
});
