import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type Exec, exec } from "../../../common/exec";
import { reset } from "../../../kubernetes/kubeadm";
import { revokeToken } from "../../../kubernetes/bootstrapToken";
import { getNode, getPodsOn, type Node, type Taint } from "../../../kubernetes/kubectl";
import { syncMarks } from "../../../kubernetes/labels";
import { linuxRoutes } from "../../../routes/linux";
import type { SshSession } from "../../../ssh/session";
import { VBoxManage } from "../../../virtualbox/vboxManage";
import { hardwareFlags } from "../../../virtualbox/vm/hardware";
import { vmProblems } from "../../../virtualbox/vm/problems";
import { drain } from "../../../kubernetes/leave";
import { hostRouteProvider } from "../../../providers/hostRoute";
import { provider as joinProvider } from "../../../providers/workerJoin";
import { hostileText, words } from "../../support/hostile";

/** What can be an argument of a program at all. */
const argument = hostileText.filter((text) => !text.includes("\0") && !/\p{Cs}/u.test(text) && text.length < 100_000);

describe("a command on another machine", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "arguments-"));
    await writeFile(join(folder, "sudo"), '#!/bin/sh\nprintf "%s\\0" "$@" "$END" >>"$RECORD"\n');
    await chmod(join(folder, "sudo"), 0o755);
  });
  afterAll(() => rm(folder, { recursive: true }));

  /**
   * Where a real shell runs each command as sshd would have it run, and `answer` says what it printed: what `sudo` was
   * called with.
   */
  async function recorded(
    shell: string,
    use: (session: SshSession) => Promise<unknown>,
    answer: (command: string) => string = () => "",
  ): Promise<string[][]> {
    const RECORD = join(folder, "record");
    await writeFile(RECORD, "");
    const END = randomUUID(); // No word of a call.
    const env = { PATH: [folder, process.env.PATH].join(delimiter), RECORD, END };
    const run = async (command: string) => (await exec(shell, ["-c", command], { env, cwd: folder })).stdout;
    await use({
      run,
      exec: async (command) => ({ stdout: (await run(command)) + answer(command), stderr: "", exitCode: 0 }),
    });
    const calls = (await readFile(RECORD, "utf8")).split(`${END}\0`).slice(0, -1);
    return calls.map((call) => call.split("\0").slice(0, -1));
  }

  const kubectl = ["-n", "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"];

  test.each(["sh", "bash"])("reaches its program word for word through %s, whatever is in the words", async (shell) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(argument, { minLength: 8, maxLength: 8 }),
        async ([name, owner, key, value, other, taint, uid, socket]) => {
          const node = { metadata: { name: name!, uid: uid! }, spec: {}, status: {} } as Node;
          const marks = {
            owner: owner!,
            labels: { [key!]: value! },
            taints: [{ key: taint!, value: value!, effect: "NoExecute" }] as Taint[],
          };
          const answer = (command: string) =>
            /^sudo -n kubectl --kubeconfig \S+ (annotate|label|taint) /.test(command) ? `node/${name} changed` : "";
          const use = async (session: SshSession) => {
            await syncMarks(session, node, marks, { ...marks, labels: { [other!]: "" } });
            await getNode(session, name!);
            await revokeToken(session, uid!);
            await reset(session, socket!);
          };
          const calls = await recorded(shell, use, answer);
          expect(calls).toEqual([
            [...kubectl, "annotate", "node", name, "--overwrite", `vbox-kubeadm/owner=${owner}`],
            [
              ...kubectl,
              "label",
              "node",
              name,
              "--overwrite",
              `${key}=${value}`,
              ...(other === key ? [] : [`${other}-`]),
            ],
            [...kubectl, "taint", "node", name, "--overwrite", `${taint}=${value}:NoExecute`],
            [...kubectl, "get", "node", name, "--ignore-not-found", "-o", "json"],
            [...kubectl, "-n", "kube-system", "delete", "secret", `bootstrap-token-${uid}`, "--ignore-not-found"],
            ["-n", "kubeadm", "reset", "--force", "--cri-socket", socket],
            ["-n", "sh", "-c", expect.stringContaining("find /etc/cni/net.d")],
          ]);
        },
      ),
      { numRuns: 25 },
    );
  });

  test("of a drain and of a look at pods is one too", async () => {
    const name = "n1; $(id)'\"\n--all";
    const node = JSON.stringify({
      metadata: { name, uid: "u" },
      spec: {},
      status: { nodeInfo: { machineID: "m", systemUUID: "s", kubeletVersion: "v1.36.3" } },
    });
    const calls: string[] = [];
    const session: SshSession = {
      run: async () => "",
      exec: async (command) => (
        calls.push(command),
        { stdout: command.includes(" pods ") ? '{"items":[]}' : node, stderr: "", exitCode: 0 }
      ),
    };
    await drain(
      session,
      { name, stack: "kube/dev", nodeUid: "u", systemUuid: "s", drainTimeoutSeconds: 1, commandTimeoutSeconds: 1 },
      () => {},
    );
    await getPodsOn(session, name);
    const seen = await recorded("sh", async ({ run }) => {
      for (const command of calls) await run(command);
    });
    expect(seen.map((words) => words.find((word) => word.includes("n1;")))).toEqual([
      name,
      name,
      `spec.nodeName=${name}`,
    ]);
  });
});

describe("VBoxManage", () => {
  /** The arguments of each call. */
  async function called(use: (vbox: VBoxManage) => Promise<unknown>): Promise<string[][]> {
    const calls: string[][] = [];
    const record: Exec = async (_file, args) => (
      calls.push([...args]),
      { stdout: /^(getextradata|guestproperty)$/.test(args[0]!) ? "No value set!\n" : "", stderr: "", exitCode: 0 }
    );
    await use(new VBoxManage("VBoxManage", record));
    return calls;
  }
  const nic = (network: string) => [{ type: "intnet" as const, network, mac: "080027A1B201" }];

  /** No other word of a call. */
  const MARK = randomUUID();
  const callsWith = (text: string) =>
    called(async (vbox) => {
      await vbox.getExtraData(text, "k");
      await vbox.guestProperty(text, "/x");
      await vbox.clone(text, { name: "n", uuid: "u", baseFolder: "/f", snapshot: text, linked: true });
      await vbox.modify(
        "u",
        hardwareFlags({ cpus: 1, memoryMb: 1, vramMb: 1, nics: [] } as never, {
          cpus: 1,
          memoryMb: 1,
          vramMb: 1,
          nics: nic(text),
        }),
      );
    });

  test("gets a name that is accepted as one argument, and none that could be an option", async () => {
    let [accepted, refused] = [0, 0];
    const marked = await callsWith(MARK);
    expect(marked.map((args) => args.filter((word) => word === MARK).length)).toEqual([1, 1, 2, 1]);
    await fc.assert(
      fc.asyncProperty(hostileText, async (text) => {
        const problems = vmProblems({ baseImage: text, baseSnapshot: text, nics: nic(text) }, "linux");
        expect(Object.keys(problems).length === 0 || problems.nics !== undefined).toBe(true);
        for (const reason of Object.values(problems)) expect(reason.length).toBeLessThan(300);
        if (problems.baseImage !== undefined || problems.nics !== undefined) return void refused++;
        accepted++;
        expect(await callsWith(text)).toEqual(marked.map((args) => args.map((word) => (word === MARK ? text : word))));
        expect(text).toMatch(/^[^-]/);
      }),
      { numRuns: 300 },
    );
    expect(Math.min(accepted, refused)).toBeGreaterThan(20);
  });
});

describe("ip", () => {
  test("gets an interface that is accepted as one argument, through sudo too, and none that could be an option", async () => {
    const { problems } = hostRouteProvider(() => linuxRoutes(exec));
    const calls: string[][] = [];
    const routes = linuxRoutes(
      async (file, args) => (
        calls.push([file, ...args]),
        {
          stdout: "",
          stderr: file === "ip" ? "RTNETLINK answers: Operation not permitted" : "",
          exitCode: file === "ip" ? 2 : 0,
        }
      ),
    );
    for (const word of words) {
      const found = problems({ destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: word });
      if (/^-|[\p{Cc}\p{Cs}]|^\s*$/u.test(word) || word.length > 255)
        expect(found.interface).toMatch(/give (one|a name) like "vboxnet0"$/);
      if (found.interface) continue;
      calls.length = 0;
      await routes.add({ destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: word });
      const command = ["ip", "route", "add", "192.168.4.0/27", "via", "192.168.4.30", "dev", word, "proto", "157"];
      expect(calls).toEqual([command, ["sudo", "-n", ...command]]);
    }
  });

  test.each(["192.168.4.0/27; id", "-x", "$(id)", "default", "192.168.4.0/27\n"])(
    "gets no destination like %j, and no such gateway",
    (text) => {
      const { problems } = hostRouteProvider(() => linuxRoutes(exec));
      expect(Object.keys(problems({ destination: text, gateway: text, interface: "vboxnet0" }))).toEqual([
        "destination",
        "gateway",
      ]);
    },
  );
});

test("a join's inputs that could be an option, or several arguments, are refused by their names", () => {
  const wrong = ["-x", "--overwrite", "a b", "a\nb", "$(id)", "a;b", '"', "ä", "a=b", "a".repeat(5_000)];
  for (const word of wrong) {
    const problems = joinProvider.problems({
      name: word,
      endpoint: word,
      criSocket: word,
      labels: { [word]: "" },
      taints: [{ key: word, effect: "NoExecute" }],
      kubeletArgs: { [word]: "" },
      cniSelector: `${word}=x`,
    });
    expect(Object.keys(problems).sort()).toEqual([
      "cniSelector",
      "criSocket",
      "endpoint",
      "kubeletArgs",
      "labels",
      "name",
      "taints",
    ]);
    for (const reason of Object.values(problems)) expect(reason).toMatch(/^.{1,300}$/);
  }
  for (const value of ["5 --anonymous-auth=true", 'a"b', "a\\b", "$HOME", "a\nb", "ä"]) {
    expect(joinProvider.problems({ kubeletArgs: { "max-pods": value } })).toEqual({
      kubeletArgs: expect.stringContaining("does not reach the kubelet as it is"),
    });
  }
  const right = {
    "max-pods": "50",
    "eviction-hard": "memory.available<100Mi,nodefs.available<10%",
    "system-reserved": "cpu=100m,memory=1Gi",
    "node-labels": "",
  };
  expect(
    joinProvider.problems({
      name: "n1",
      endpoint: "[fd00::1]:6443",
      labels: { "a.b/c": "" },
      kubeletArgs: right,
      cniSelector: "k8s-app=calico-node,a.b/c=d",
    }),
  ).toEqual({});
});
