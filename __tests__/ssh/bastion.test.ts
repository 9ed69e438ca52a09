import { once } from "node:events";
import type { SshTarget } from "../../ssh/target";
import { withSession } from "../../ssh/session";
import { failure, hostKey, refusal, serve, serveNothing, soon, target, userKey } from "../support/sshFixture";
import { type Names, newKeyPair, type SshServerOptions, startSshServer } from "../support/sshServer";

const bastionHostKey = newKeyPair();
const serveBastion = (names: Names, more: Partial<SshServerOptions> = {}) =>
  serve({ hostKeys: [bastionHostKey], names, ...more });
const through = ({ port }: { port: number }, address: string): SshTarget =>
  target(22, { address, bastion: { address: "127.0.0.1", port, user: "jump", hostKeys: [bastionHostKey.public] } });

test("a bastion carries all sessions on one connection, resolves their names, and is left soon after", async () => {
  const node = await serve();
  const bastion = await serveBastion({ "kube-node01:22": node.port, "kube-node02:22": node.port });
  const names = ["kube-node01", "kube-node02", "kube-node01", "kube-node02"];
  await Promise.all(names.map((name) => withSession(through(bastion, name), soon, (session) => session.run("exit 0"))));
  await withSession(through(bastion, "kube-node01"), soon, (session) => session.run("exit 0"));
  expect([bastion.count, node.count]).toEqual([1, 5]);
  const [connection] = bastion.open;
  if (connection) await once(connection, "close");
  expect(bastion.open.size).toBe(0);
  await withSession(through(bastion, "kube-node01"), soon, (session) => session.run("exit 0"));
  expect(bastion.count).toBe(2);
});

test("a bastion that drops is connected to again, and what ran through it has dropped", async () => {
  const node = await serve();
  const bastion = await serveBastion({ "kube-node01:22": node.port });
  const error = await failure(
    withSession(through(bastion, "kube-node01"), soon, (session) => {
      setTimeout(() => bastion.open.forEach((connection) => connection.end()), 100);
      return session.exec("hang");
    }),
  );
  expect(error.kind).toBe("dropped");
  const log = jest.fn();
  expect(await withSession(through(bastion, "kube-node01"), { ...soon, log }, (session) => session.run("exit 0"))).toBe(
    "said",
  );
  expect([bastion.count, log.mock.calls]).toEqual([2, []]);
});

test("a bastion, or a machine behind it, that comes back with another host key is refused at once", async () => {
  const [first, node] = [
    await startSshServer({ hostKeys: [bastionHostKey], authorized: userKey.public, names: {} }),
    await serve(),
  ];
  await refusal(through(first, "kube-node01"), { deadlineMs: 300 });
  await first.stop();
  const names = { "kube-node01:22": node.port };
  const changed = await serveBastion(names, { hostKeys: [newKeyPair()], port: first.port });
  const error = await refusal(through(first, "kube-node01"));
  expect([error.kind, first.count, changed.count]).toEqual(["hostKey", 1, 1]);
  expect(error.message).toMatch(
    /offered: ssh-ed25519 SHA256:.*\n.*expected: ssh-ed25519 SHA256:[^]*if the machine was rebuilt, give its new key/,
  );
  const bastion = await serveBastion({ "kube-node01:22": (await serve({ hostKeys: [newKeyPair()] })).port });
  expect((await refusal(through(bastion, "kube-node01"))).message).toContain(
    "kube-node01 (debian@kube-node01:22) did not prove",
  );
});

test("a bastion that does not know the machine yet is asked again", async () => {
  const node = await serve();
  const names: Names = {};
  const bastion = await serveBastion(names);
  const log = () => void (names["kube-node01:22"] = node.port);
  expect(await withSession(through(bastion, "kube-node01"), { ...soon, log }, (session) => session.run("exit 0"))).toBe(
    "said",
  );
});

test("a bastion that does not forward at all is told apart from a machine that is not there", async () => {
  const [open, strict] = [await serveBastion({}), await serve({ hostKeys: [bastionHostKey] })];
  const refusals = [open, strict].map((bastion) => refusal(through(bastion, "kube-node09"), { deadlineMs: 1_000 }));
  const [missing, prohibited] = await Promise.all(refusals);
  expect(missing?.message).toMatch(/through the bastion 127.0.0.1[^]*could not reach kube-node09:22: connect failed/);
  expect(missing?.message).toContain("→ look at the machine's console");
  expect(prohibited?.message).toMatch(/could not reach kube-node09:22: administratively prohibited[^]*→ look whether/);
});

test("a bastion that does not answer holds nobody beyond the deadline", async () => {
  const bastion = { port: await serveNothing() };
  const error = await refusal(through(bastion, "kube-node01"), { deadlineMs: 200 });
  expect(error.message).toMatch(/the bastion .* did not reach kube-node01:22 in 1 s/);
});

test("an attempt that the deadline cuts short does not hide what the one before met", async () => {
  let asked = 0;
  const names: Names = {
    get "kube-node01:22"() {
      return asked++ === 0 ? undefined : "silent";
    },
  };
  const error = await refusal(through(await serveBastion(names), "kube-node01"), { deadlineMs: 800 });
  expect(asked).toBe(2);
  expect(error.message).toMatch(/last seen: the bastion .* could not reach kube-node01:22: connect failed/);
});

test("a bastion has its host key and our key checked too, as the target has", async () => {
  const node = await serve();
  const names = { "kube-node01:22": node.port };
  const wrong = await serveBastion(names, { hostKeys: [hostKey] });
  const error = await refusal(through(wrong, "kube-node01"));
  expect(error.kind).toBe("hostKey");
  expect(error.message).toContain(`the bastion jump@127.0.0.1:${wrong.port} did not prove`);
  const closed = await serveBastion(names, { authorized: newKeyPair().public });
  expect((await refusal(through(closed, "kube-node01"))).kind).toBe("authentication");
  const bastion = await serveBastion(names);
  expect((await refusal({ ...through(bastion, "kube-node01"), hostKeys: [bastionHostKey.public] })).kind).toBe(
    "hostKey",
  );
  expect([wrong.count, closed.count, bastion.count]).toEqual([1, 1, 1]);
});
