import { readFileSync } from "node:fs";
import { join } from "node:path";
import { resolveBastion, resolveTarget } from "../../access/bastion";
import type { Exec } from "../../common/exec";
import { failed, ok } from "../support/vboxResults";

const login = { user: "debian", hostKeys: ["ssh-ed25519 AAAA"] };

/**
 * A machine with NIC 1 to 4, and 6: intnet 080027A1B2C3, hostonly …02, bridged …03, natnetwork …04, nat …06. It runs.
 */
const machine = readFileSync(join(__dirname, "../virtualbox/recordings/plain.txt"), "utf8").replace(
  'VMState="poweroff"',
  'VMState="running"',
);

/** VirtualBox with that machine, whose Guest Additions report these interfaces, in their order. */
function reporting(...interfaces: [mac: string, address: string | undefined][]) {
  const calls: (readonly string[])[] = [];
  const exec: Exec = async (_file, args) => {
    calls.push(args);
    if (args[0] === "showvminfo") return ok(machine);
    if (args[0] === "list") return failed("no");
    const [, index, what] = /Net\/(\d+)\/(MAC|V4\/IP)$/.exec(args[3]!)!;
    const value = interfaces[Number(index)]?.[what === "MAC" ? 0 : 1];
    return ok(value === undefined ? "No value set!\n" : `Value: ${value}\n`);
  };
  return { calls, exec };
}

const resolve = (exec: Exec, more: object = {}) =>
  resolveBastion({ ...login, vm: "busybox", ...more }, "VBoxManage", exec);
const DOCKER: [string, string] = ["0242AC110001", "172.17.0.1"];

test("an address is taken as it is, and VirtualBox is not asked", async () => {
  const { calls, exec } = reporting();
  expect(await resolve(exec, { address: "192.168.4.57", port: 2222 })).toEqual({
    ...login,
    address: "192.168.4.57",
    port: 2222,
  });
  expect(calls).toEqual([]);
});

describe("a VM's address", () => {
  test.each<[string, [string, string | undefined][]]>([
    [
      "in VirtualBox's order",
      [
        ["080027A1B2C3", "192.168.4.57"],
        ["080027000002", "192.168.254.5"],
      ],
    ],
    [
      "in another one",
      [
        ["080027000002", "192.168.254.5"],
        ["080027A1B2C3", "192.168.4.57"],
      ],
    ],
    [
      "behind nat's",
      [
        ["080027000006", "10.0.2.15"],
        ["080027A1B2C3", "192.168.4.57"],
      ],
    ],
    ["behind a bridge of containers", [DOCKER, ["080027a1b2c3", "192.168.4.57"]]],
    [
      "beside a bridge with the same MAC",
      [
        ["080027A1B2C3", undefined],
        ["080027A1B2C3", "192.168.4.57"],
      ],
    ],
  ])("is told by the MAC of its adapter: reported %s", async (_order, interfaces) => {
    expect(await resolve(reporting(...interfaces).exec)).toEqual({ ...login, address: "192.168.4.57" });
    expect(await resolve(reporting(...interfaces).exec, { interface: 0 })).toMatchObject({ address: "192.168.4.57" });
  });

  test("is that of the chosen adapter", async () => {
    const { exec } = reporting(["080027A1B2C3", "192.168.4.57"], ["080027000002", "192.168.254.5"]);
    expect(await resolve(exec, { interface: 1 })).toMatchObject({ address: "192.168.254.5" });
    await expect(resolve(exec, { interface: 2 })).rejects.toThrow(
      "Guest Additions report none for NIC 3 (080027000003)",
    );
    await expect(resolve(exec, { interface: 4 })).rejects.toThrow(
      /has no network adapter NIC 5, which is its `interface` 4\n→ choose one of 0, 1, 2, 3, 5/,
    );
  });

  test.each<[string, [string, string | undefined][]]>([
    ["of a bridge of containers", [DOCKER]],
    ["of nat, which nothing reaches", [["080027000006", "10.0.2.15"]]],
    ["that is none", [["080027A1B2C3", "fe80::1"]]],
    ["at all", []],
  ])("is none %s", async (_what, interfaces) => {
    await expect(resolve(reporting(...interfaces).exec)).rejects.toThrow(/does not know the address of the bastion/);
  });

  test("is not guessed where one adapter has two", async () => {
    const { exec } = reporting(["080027A1B2C3", "192.168.4.57"], ["080027A1B2C3", "192.168.5.57"]);
    await expect(resolve(exec)).rejects.toThrow(
      /several addresses for its network adapter 080027A1B2C3: 192\.168\.4\.57, 192\.168\.5\.57/,
    );
  });
});

test("neither an address nor a VM is an error", async () => {
  await expect(resolve(reporting().exec, { vm: undefined })).rejects.toThrow(
    /give the bastion's `address`, or the name of its `vm`/,
  );
});

test("a target gets its bastion's address, or needs none", async () => {
  const { exec } = reporting(["080027A1B2C3", "192.168.4.57"]);
  const target = { ...login, address: "kube-node01", privateKeyFile: "/key" };
  expect(await resolveTarget({ ...target, bastion: { ...login, vm: "busybox" } }, "VBoxManage", exec)).toEqual({
    ...target,
    bastion: { ...login, address: "192.168.4.57" },
  });
  expect(await resolveTarget(target, "VBoxManage", exec)).toEqual(target);
});
