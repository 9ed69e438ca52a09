import { vmProblems } from "../../../virtualbox/vm/problems";

const nic = { type: "intnet" as const, network: "node", mac: "080027A1B201" };
const disk = { sizeMb: 20, format: "VDI" as const, variant: "Standard" as const };
const right = {
  name: "node1",
  stack: "shop/test",
  baseImage: "base",
  cloneMode: "full",
  cpus: 2,
  memoryMb: 2048,
  vramMb: 33,
  nics: [nic],
  disks: [disk],
};
const problems = (changes: object, platform = "linux") => vmProblems({ ...right, ...changes }, platform);

test("there are none in what is right", () => expect(problems({})).toEqual({}));

test("an input that is not known yet is no problem", () => expect(vmProblems({})).toEqual({}));

test.each([
  ["name", { name: "Kube_Node" }, /no host name/],
  ["stack", { stack: "shop" }, /"clusterName\/stack"/],
  ["stack", { stack: "shop/.." }, /"clusterName\/stack"/],
  ["baseImage", { baseImage: "--all" }, /"--all" cannot be given to VBoxManage; give a VM's name/],
  ["baseSnapshot", { baseSnapshot: "a\u001bb" }, /"a\\u001bb" cannot be given to VBoxManage; give a snapshot's name/],
  ["cloneMode", { cloneMode: "copy" }, /"full" or "linked"/],
  ["baseSnapshot", { cloneMode: "linked" }, /VBoxManage snapshot base take clean/],
  ["cpus", { cpus: 0 }, /from 1 to 64/],
  ["memoryMb", { memoryMb: 1.5 }, /whole number of MB/],
  ["vramMb", { vramMb: 300 }, /from 1 to 256/],
  ["vramMb", { vramMb: 0 }, /from 1 to 256/],
  ["stopTimeoutSeconds", { stopTimeoutSeconds: -1 }, /whole number of seconds/],
  ["nics", { nics: [] }, /0 NICs; give 1 to 8/],
  ["nics", { nics: Array(9).fill(nic) }, /9 NICs/],
  ["nics", { nics: [nic, nic] }, /080027A1B201 is there twice/],
  ["nics", { nics: [{ ...nic, type: "tap" }] }, /\[0\]: "tap" is no type of NIC/],
  ["nics", { nics: [{ ...nic, mac: "08:00:27:a1:b2:01" }] }, /12 upper-case hexadecimal digits/],
  ["nics", { nics: [{ ...nic, mac: "010027A1B201" }] }, /no MAC address of one machine/],
  ["nics", { nics: [{ ...nic, network: undefined }] }, /a intnet NIC needs a network/],
  ["nics", { nics: [{ ...nic, network: 'a"b' }] }, /without quotes/],
  ["nics", { nics: [{ ...nic, type: "nat" }] }, /a nat NIC has no network/],
  ["disks", { disks: [disk, { ...disk, sizeMb: 0 }] }, /\[1\]: 0 is not possible/],
  ["disks", { disks: [{ ...disk, format: "QCOW2" }] }, /VDI, VMDK or VHD/],
  ["disks", { disks: [{ ...disk, variant: "Sparse" }] }, /Standard or Fixed/],
])("of %s (%#)", (property, changes, message) => {
  expect(Object.keys(problems(changes))).toEqual([property]);
  expect(problems(changes)[property]).toMatch(message);
});

test("host-only networks exist on macOS only", () => {
  const nics = [{ ...nic, type: "hostonlynet" }];
  expect(problems({ nics }).nics).toMatch(/on macOS only; choose hostonly/);
  expect(problems({ nics }, "darwin")).toEqual({});
});

test("host-only adapters exist everywhere but on macOS", () => {
  const nics = [{ ...nic, type: "hostonly" }];
  expect(problems({ nics })).toEqual({});
  expect(problems({ nics }, "darwin").nics).toMatch(
    /^\[0\]: .*no host-only adapters on macOS; choose hostonlynet .*`VBoxManage list hostonlynets`/,
  );
});
