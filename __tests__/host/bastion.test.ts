import { resolveBastion, resolveTarget } from "../../host/bastion";
import type { Exec } from "../../host/exec";

const login = { user: "debian", hostKeys: ["ssh-ed25519 AAAA"] };

/** VirtualBox, asked for a guest property. */
function answering(stdout: string) {
  const calls: (readonly string[])[] = [];
  const exec: Exec = (_file, args) => (calls.push(args), Promise.resolve({ stdout, stderr: "", exitCode: 0 }));
  return { calls, exec };
}

test("an address is taken as it is, and VirtualBox is not asked", async () => {
  const { calls, exec } = answering("");
  expect(await resolveBastion({ ...login, address: "192.168.4.57", vm: "busybox", port: 2222 }, "VBoxManage", exec)).toEqual({
    ...login,
    address: "192.168.4.57",
    port: 2222,
  });
  expect(calls).toEqual([]);
});

test("a VM's address is what its Guest Additions report", async () => {
  const { calls, exec } = answering("Value: 192.168.4.57\n");
  expect(await resolveBastion({ ...login, vm: "busybox", interface: 1 }, "VBoxManage", exec)).toEqual({
    ...login,
    address: "192.168.4.57",
  });
  expect(calls).toEqual([["guestproperty", "get", "busybox", "/VirtualBox/GuestInfo/Net/1/V4/IP"]]);
});

test("neither an address nor a VM is an error", async () => {
  await expect(resolveBastion(login, "VBoxManage", answering("").exec)).rejects.toThrow(
    /give the bastion's `address`, or the name of its `vm`/,
  );
});

test("a target gets its bastion's address, or needs none", async () => {
  const { exec } = answering("Value: 192.168.4.57\n");
  const target = { ...login, address: "kube-node01", privateKeyFile: "/key" };
  expect(await resolveTarget({ ...target, bastion: { ...login, vm: "busybox" } }, "VBoxManage", exec)).toEqual({
    ...target,
    bastion: { ...login, address: "192.168.4.57" },
  });
  expect(await resolveTarget(target, "VBoxManage", exec)).toEqual(target);
});
