import { isCliInteractive, type Processes } from "../../common/interactive";

/** A CLI of this command line above a shell and a provider. */
const processes = (command: string, stdio = ["/dev/pts/3", "/dev/pts/3"]): Processes => ({
  parentOf: (pid) => pid - 1,
  commandOf: (pid) => (pid === 7 ? command.split(" ") : pid > 7 ? ["sh", "/bin/plugin"] : ["bash"]),
  stdioOf: () => stdio,
});
const isInteractive = (at: Processes, env: NodeJS.ProcessEnv = {}) => isCliInteractive(at, env, 9);

test.each(["pulumi up", "/usr/bin/pulumi up --yes", "pulumi destroy --diff=false --non-interactive=false"])(
  "`%s` on a terminal shows its rows",
  (command) => expect(isInteractive(processes(command))).toBe(true),
);

test.each([
  "pulumi up --non-interactive",
  "pulumi up --non-interactive=true",
  "pulumi up --diff",
  "pulumi preview --json",
  "pulumi preview -j",
  "pulumi up --output=json",
  "pulumi watch",
  "node cli.js",
])("`%s` does not", (command) => expect(isInteractive(processes(command))).toBe(false));

test.each([["/dev/pts/3", "pipe:[1]"], ["/dev/null", "/dev/pts/3"], ["/dev/pts/3", "/tmp/log"], ["/dev/pts/3"]])(
  "input and output %s do not",
  (...stdio) => expect(isInteractive(processes("pulumi up", stdio))).toBe(false),
);

test("macOS's terminals do", () =>
  expect(isInteractive(processes("pulumi up", ["/dev/ttys004", "/dev/ttys004"]))).toBe(true));

test.each([{ GITHUB_ACTIONS: "true" }, { CI: "1" }, { TERM: "dumb" }])("%j do not", (env) => {
  expect(isInteractive(processes("pulumi up"), env)).toBe(false);
});

test("a CI that the CLI is not to see is none", () =>
  expect(isInteractive(processes("pulumi up"), { CI: "1", PULUMI_DISABLE_CI_DETECTION: "1" })).toBe(true));

test("what cannot be known is no", () => {
  const fail = () => {
    throw new Error("no such process");
  };
  expect(isInteractive({ ...processes("pulumi up"), commandOf: fail })).toBe(false);
  expect(isInteractive({ ...processes("pulumi up"), stdioOf: fail })).toBe(false);
  expect(isInteractive({ ...processes("sh"), parentOf: (pid) => pid })).toBe(false);
});
