import { hostArch } from "../../../dev/lab/arch";

test.each([
  ["x64", "amd64"],
  ["arm64", "arm64"],
])("Node's %s is %s", (node, arch) => {
  expect(hostArch(node)).toBe(arch);
});

test("refuses what nobody has tried", () => {
  expect(() => hostArch("riscv64")).toThrow("the lab does not run on riscv64");
});
